import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from resnet_course.base.errors import CourseError
from resnet_course.data import data_folder, load
from resnet_course.images import downloads

NOBODY = "http://127.0.0.1:9/nothing"  # the discard port: refused at once


class Server:
    """A mirror on this machine. `files` says what it holds; `half` what it breaks off in the middle."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.half: set[str] = set()
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                content = outer.files.get(self.path)
                if content is None:
                    return self.send_error(404)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if self.path in outer.half else content)
                return None

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no Debian package beside it."""
    monkeypatch.setenv("RESNET_COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(downloads, "DEBIAN_FASHION_MNIST", tmp_path / "not installed")
    return tmp_path / "data"


PACKED = "cifar-10-python.tar.gz"


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A CIFAR-10 of 60 images, with its checksums put in place of the real ones."""
    rng = np.random.default_rng(0)
    names = [f"data_batch_{index}" for index in range(1, 6)] + ["test_batch"]
    files = {"batches.meta": pickle.dumps({"label_names": [f"class {label}" for label in range(10)]})}
    for name in names:
        pixels = rng.integers(0, 256, (10, 3072), dtype=np.uint8)
        pixels[:, :1024] = 200  # the first plane is red
        files[name] = pickle.dumps({"data": pixels, "labels": list(range(10))})
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    cifar10 = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cifar10, "train_list", [[name, sums[name]] for name in names[:5]])
    monkeypatch.setattr(cifar10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(cifar10, "meta", {**cifar10.meta, "md5": sums["batches.meta"]})
    monkeypatch.setattr(downloads, "CIFAR10_MD5", hashlib.md5(packed.getvalue()).hexdigest())
    return packed.getvalue()


@pytest.fixture
def by_hand(folder: Path, archive: bytes) -> Path:
    """The archive, put into the data folder by hand."""
    folder.mkdir()
    (folder / PACKED).write_bytes(archive)
    return folder / PACKED


def cifar10(*mirrors: str, split: str = "train") -> downloads.Labelled:
    return downloads.load_cifar10(split, mirrors)


def everything_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


UNPACKED = {PACKED, "cifar-10-batches-py"}


def test_a_mirror_with_a_wrong_file_is_passed_over(server: Server, folder: Path, archive: bytes) -> None:
    server.files = {"/wrong": b"not the archive", "/right": archive}
    train = cifar10(server.address("/wrong"), server.address("/right"))
    assert train.images.shape == (50, 3, 32, 32)
    assert train.images[:, 0].unique().tolist() == [200]
    assert train.images[:, 1:].float().std() > 50
    assert server.asked == ["/wrong", "/right"]
    assert everything_in(folder) == UNPACKED


def test_what_is_there_is_not_fetched_again(server: Server, folder: Path, archive: bytes) -> None:
    server.files["/right"] = archive
    train, test = (cifar10(server.address("/right"), split=split) for split in ("train", "test"))
    assert server.asked == ["/right"]
    assert (len(train.images), len(test.images)) == (50, 10)
    assert test.classes == [f"class {label}" for label in range(10)]


def test_a_download_that_breaks_off_goes_on_at_the_next_mirror(server: Server, folder: Path, archive: bytes) -> None:
    server.files = {"/slow": archive, "/right": archive}
    server.half.add("/slow")
    assert len(cifar10(server.address("/slow"), server.address("/right"), split="test").images) == 10
    assert everything_in(folder) == UNPACKED


@pytest.mark.parametrize("content", ["half", "wrong", "404"])
def test_nothing_is_left_of_a_failed_download(server: Server, folder: Path, archive: bytes, content: str) -> None:
    server.files = {"/half": archive, "/wrong": b"not the archive"}
    server.half.add("/half")
    with pytest.raises(CourseError) as caught:
        cifar10(server.address(f"/{content}"), NOBODY)
    assert everything_in(folder) == set()
    for said in (server.address(f"/{content}"), NOBODY, str(folder), PACKED, "=shapes"):
        assert said in str(caught.value)


def test_half_an_archive_is_not_taken_for_a_whole_one(server: Server, by_hand: Path, archive: bytes) -> None:
    by_hand.write_bytes(archive[: len(archive) // 2])
    with pytest.raises(CourseError):
        cifar10(NOBODY)
    server.files["/right"] = archive
    assert len(cifar10(server.address("/right")).images) == 50


def test_unpacking_that_fails_leaves_no_half_folder(by_hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(tar: tarfile.TarFile, path: str, **_: object) -> None:
        (Path(path) / "cifar-10-batches-py").mkdir()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extractall", disk_full)
        with pytest.raises(CourseError, match="No space left"):
            cifar10(NOBODY)
    assert everything_in(by_hand.parent) == {PACKED}
    assert len(cifar10(NOBODY).images) == 50


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_folder_is_named(by_hand: Path, damage: str) -> None:
    cifar10(NOBODY)
    file = by_hand.parent / "cifar-10-batches-py" / "data_batch_2"
    file.unlink() if damage == "missing" else file.write_bytes(b"changed")
    with pytest.raises(CourseError, match=r"cifar-10-batches-py is incomplete or changed.*Delete"):
        cifar10(NOBODY)


def test_load_by_name_samples_and_resizes(by_hand: Path) -> None:
    some = load("cifar10", "train", image_size=16, limit=20)
    assert some.images.shape == (20, 3, 16, 16)
    assert torch.bincount(some.targets).tolist() == [2] * 10
    assert some.images[:, 0].unique().tolist() == [200]  # red stays red
    again, other = (load("cifar10", "train", limit=20, seed=seed) for seed in (0, 1))
    assert again.images.shape == (20, 3, 32, 32)
    assert not torch.equal(again.images, other.images)


def fashion_files(packed: bool = True) -> dict[str, bytes]:
    """The four files of Fashion-MNIST, tiny: image i of a split has grey value i and label i % 10."""
    files = {}
    for split, size in (("train", 20), ("t10k", 10)):
        pixels = np.repeat(np.arange(size, dtype=np.uint8), 28 * 28).tobytes()
        labels = bytes(index % 10 for index in range(size))
        files[f"{split}-images-idx3-ubyte"] = struct.pack(">HBBIII", 0, 8, 3, size, 28, 28) + pixels
        files[f"{split}-labels-idx1-ubyte"] = struct.pack(">HBBI", 0, 8, 1, size) + labels
    return {f"{name}.gz": gzip.compress(content) for name, content in files.items()} if packed else files


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("place", [".", "FashionMNIST/raw"])
def test_fashion_mnist_is_read_where_it_is_found(folder: Path, place: str, packed: bool) -> None:
    (folder / place).mkdir(parents=True)
    for name, content in fashion_files(packed).items():
        (folder / place / name).write_bytes(content)
    train, test = load("fashion_mnist", "train"), load("fashion_mnist", "test")
    assert train.images.shape == (20, 3, 32, 32)
    assert test.images.shape == (10, 3, 32, 32)
    assert train.targets.tolist() == [*range(10)] * 2
    assert len(train.classes) == 10
    picture = train.images[7]
    assert picture[:, 2:30, 2:30].unique().tolist() == [7]
    assert picture.sum() == 7 * 3 * 28 * 28  # black around it
    assert len(load("fashion_mnist", "train", limit=10)) == 10


def test_a_damaged_fashion_mnist_is_named(folder: Path) -> None:
    folder.mkdir()
    for name, content in fashion_files().items():
        (folder / name).write_bytes(content[:-12] if name.startswith("train-images") else content)
    with pytest.raises(CourseError, match=f"{folder}.*Delete"):
        load("fashion_mnist", "train")


@pytest.mark.parametrize("broken", [True, False])
def test_fashion_mnist_is_fetched_whole_or_not_at_all(server: Server, folder: Path, monkeypatch, broken: bool) -> None:
    packed = fashion_files()
    known = torchvision.datasets.FashionMNIST
    monkeypatch.setattr(known, "resources", [(name, hashlib.md5(file).hexdigest()) for name, file in packed.items()])
    monkeypatch.setattr(known, "mirrors", [server.address("/")])
    server.files = {f"/{name}": content for name, content in packed.items()}
    if broken:
        last = list(packed)[-1]
        server.half.add(f"/{last}")
        with pytest.raises(CourseError, match=f"{last} could not be downloaded"):
            load("fashion_mnist", "train")
        assert everything_in(folder / "FashionMNIST" / "raw") == set(packed) - {last}
        server.half.clear()
    assert len(load("fashion_mnist", "train")) == 20
    assert sorted(server.asked) == sorted([*server.files, *([f"/{last}"] if broken else [])])


def test_data_folder_is_the_users_cache_unless_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder() == folder
    monkeypatch.setenv("RESNET_COURSE_DATA", "~/images")
    assert data_folder() == Path.home() / "images"
    monkeypatch.delenv("RESNET_COURSE_DATA")
    assert "resnet_course" in data_folder().parts


def test_a_folder_with_the_four_files_of_fashion_mnist_is_a_data_set(tmp_path: Path) -> None:
    for name, content in fashion_files().items():
        (tmp_path / name).write_bytes(content)
    found = load(tmp_path, "train", image_size=16, limit=5)
    assert (len(found), found.image_size, found.name) == (5, 16, "fashion_mnist")
