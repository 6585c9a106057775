"""Folders as people have them: every bad file is named with the reason, no good one is lost."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_course.base.errors import CourseError
from resnet_course.data import is_image_folder, load_folder
from resnet_course.folders import make_demo_folder, read_folder
from resnet_course.folders.demo import COUNTS
from resnet_course.folders.problems import kind_of
from resnet_course.images.files import MAX_PIXELS

BAD = {  # file: a part of the reason, a part of the advice
    "hexagon/empty.jpg": ("0 bytes", "again"),
    "hexagon/not found.jpg": ("a web page", "download went wrong"),
    "hexagon/list.png": ("content is text", "Move it out"),
    "hexagon/half.jpg": ("cut off or damaged", "again"),
    "hexagon/half.png": ("cut off or damaged", "again"),
    "hexagon/changed.png": ("begins like a PNG image", "again"),
    "house/IMG_0301.HEIC": ("HEIC", "Export it as JPEG"),
    "house/IMG_0302.jpg": ("HEIC", "Export it as JPEG"),
    "house/film.mp4": ("a film", "single pictures"),
    "house/photos.zip": ("a ZIP archive", "Unpack"),
    "house/notes.txt": ("text", "Move it out"),
    "house/photo.download": ("name ends in .download", "Rename"),
    "house/005_shot2.jpg": ("same bytes as lens/copy of a house.jpg", "labels is wrong"),
    "lens/copy of a house.jpg": ("same bytes as house/005_shot2.jpg", "labels is wrong"),
    "lens/huge.png": ("more pixels than any camera", "smaller"),
    "lens/drawing.png": ("an SVG drawing", "PNG"),
    "lens/paper.jpg": ("a PDF document", "Move it out"),
    "lens/noise.jpg": ("nothing else that is known", "Move it out"),
    "lens/dot.png": ("1×1 pixels small", "Delete"),
    "lens/height.tif": ("floating-point", "PNG"),
    "letter L/folder.png": ("a folder where an image file", "Rename"),
    "lying around.jpg": ("no label", "folder of its class"),
}
COPIES = {"letter H/phone/copy.jpg": "letter H/005_shot2.jpg", "letter L/again.webp": "letter L/003_shot2.webp"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_folder(tmp_path_factory.mktemp("demo") / "demo")


def write(file: Path, colour: int = 0, size: tuple[int, int] = (12, 12)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour, 100, 100)).save(file)
    return file


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two classes of three images each, no two alike."""
    for colour in range(6):
        write(tmp_path / "two" / "ab"[colour % 2] / f"{colour}.png", 40 * colour)
    return tmp_path / "two"


# --- The demo folder ------------------------------------------------------------------------------------------------


def test_every_bad_file_is_named_with_reason_and_advice(demo: Path) -> None:
    _, report = read_folder(demo, 16)
    found = {problem.file.relative_to(demo).as_posix(): problem for problem in report.bad}
    assert set(found) == set(BAD)
    for name, (reason, advice) in BAD.items():
        assert reason in found[name].reason
        assert advice in found[name].advice
        assert f"  {name}: {found[name].reason}. {found[name].advice}" in str(report)


def test_no_good_file_is_lost(demo: Path) -> None:
    images, report = read_folder(demo, 16)
    changes = {"house": -1, "letter H": 1, "letter L": 1}  # one house lies in two classes; two letters are there twice
    expected = {name: count + changes.get(name, 0) for name, count in COUNTS.items()}
    assert report.counts == expected
    assert sum(COUNTS.values()) >= 300
    assert torch.bincount(images.targets).tolist() == list(expected.values())
    assert images.images.shape == (sum(expected.values()), 3, 16, 16)
    assert list(images.unreadable) == [str(problem.file) for problem in report.bad]


def test_each_file_on_disk_is_used_named_or_the_systems_own(demo: Path) -> None:
    _, report = read_folder(demo, 16)
    on_disk = {path for path in demo.rglob("*") if path.is_file() or path.suffix}
    of_the_system = {path for path in on_disk if path.name in (".DS_Store", "Thumbs.db", "._007.jpg")}
    assert len(of_the_system) == 3
    assert len(on_disk) == sum(report.counts.values()) + len(report.bad) + len(of_the_system)


def test_copies_and_uneven_classes_are_pointed_out(demo: Path) -> None:
    _, report = read_folder(demo, 16)
    found = {problem.file.relative_to(demo).as_posix(): problem.reason for problem in report.copies}
    assert found == {name: f"it has the same bytes as {other}" for name, other in COPIES.items()}
    assert [warning.split(":")[0] for warning in report.warnings] == [
        "Class 'key' has 4 usable images",
        "The largest class has 251 images and the smallest of the others 81",
    ]


def test_the_demo_folder_is_the_same_each_time(demo: Path, tmp_path: Path) -> None:
    def digests(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert digests(make_demo_folder(tmp_path / "again")) == digests(demo)


def test_every_way_of_writing_gives_the_picture_that_was_drawn(demo: Path) -> None:
    """Sideways, grey, see-through: with the formats mixed, the images of a class still look alike on average."""
    images, _ = read_folder(demo, 16)
    lens = images.images[images.targets == images.classes.index("lens")].float().mean(1)  # (N, 16, 16)
    middle, edge = lens[:, 5:11, 5:11].mean((1, 2)), lens[:, [0, -1], :].mean((1, 2))
    assert (middle > edge).float().mean() > 0.9  # bright on dark; a frame is the exception


def test_load_folder_skips_the_same_files(demo: Path) -> None:
    parts = [load_folder(demo, split, 16) for split in ("train", "test")]
    _, report = read_folder(demo, 16)
    doubtful = 2  # copies in two classes can be read
    assert sum(map(len, parts)) == sum(report.counts.values()) + doubtful


# --- Other folders --------------------------------------------------------------------------------------------------


def test_a_folder_without_a_fault(two: Path) -> None:
    images, report = read_folder(two)
    assert (report.bad, report.copies, len(images), images.classes) == ([], [], 6, ["a", "b"])
    assert len(report.warnings) == 2  # both classes are small


def named(problems: list) -> dict[str, str]:
    """Reason and advice by the name of the file."""
    return {problem.file.name: f"{problem.reason}. {problem.advice}" for problem in problems}


def test_copies_in_train_and_test_are_leakage(tmp_path: Path) -> None:
    for part, label in itertools.product(("train", "test"), "ab"):
        write(tmp_path / part / label / "own.png", ord(label) + 10 * len(part))
    shutil.copy(tmp_path / "train" / "a" / "own.png", tmp_path / "test" / "a" / "leaked.png")
    shutil.copy(tmp_path / "train" / "b" / "own.png", tmp_path / "train" / "b" / "twice.png")
    found = named(read_folder(tmp_path)[1].copies)
    assert set(found) == {"leaked.png", "twice.png"}
    assert "test must not ask" in found["leaked.png"]
    assert "count twice" in found["twice.png"]


def test_three_copies_in_two_classes_are_all_left_out(two: Path) -> None:
    shutil.copy(two / "a" / "0.png", two / "a" / "again.png")
    shutil.copy(two / "a" / "0.png", two / "b" / "other.png")
    images, report = read_folder(two)
    assert {problem.file.name for problem in report.bad} == {"0.png", "again.png", "other.png"}
    assert {problem.reason.split("bytes as ")[1] for problem in report.bad} == {"a/0.png", "b/other.png"}
    assert len(images) == 5


def test_a_limit_reads_a_sample_and_the_report_says_so(demo: Path) -> None:
    images, report = read_folder(demo, 16, limit=100)
    assert report.read == 100
    assert len(images) <= 100
    assert "641 files with the name of an image, of which 100 were read" in str(report)
    assert torch.equal(images.images, read_folder(demo, 16, limit=100)[0].images)


def test_a_class_without_an_image_is_a_warning(two: Path) -> None:
    (two / "c").mkdir()
    (two / "c" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    _, report = read_folder(two)
    assert report.counts["c"] == 0
    assert "Class 'c' has 0 usable images" in "\n".join(report.warnings)


def test_a_long_report_is_cut_and_the_list_is_not(two: Path) -> None:
    for index in range(50):
        (two / "a" / f"empty {index:02}.jpg").write_bytes(b"")
    _, report = read_folder(two)
    assert len(report.bad) == 50
    assert "empty 39.jpg" in str(report)
    assert "empty 40.jpg" not in str(report)
    assert "  and 10 more" in str(report)


def test_a_folder_in_which_nothing_can_be_used(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "empty.jpg").write_bytes(b"")
    with pytest.raises(CourseError, match=r"no image in .* can be used.*0 bytes"):
        read_folder(tmp_path)


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("gone.png", lambda file: file.symlink_to("nowhere.png"), "a link to a file that is not there"),
        ("loop", lambda file: file.symlink_to(file.parents[1]), "links to folders are not followed"),
        ("scan.png", lambda file: Image.new("1", (12_000, 9_000)).save(file), "12,000×9,000 pixels"),
        ("page.png", lambda file: file.write_bytes(POSTSCRIPT), "a PostScript document"),  # for Ghostscript
    ],
)
def test_what_leads_away_costs_too_much_or_starts_another_program(two: Path, name: str, make, said: str) -> None:
    make(two / "a" / name)
    found = named(read_folder(two, 16)[1].bad)
    assert list(found) == [name]
    assert said in found[name]


def test_a_file_that_may_not_be_opened(two: Path, monkeypatch) -> None:
    """An administrator may open every file, so the refusal is played here."""

    def refusing(opens):
        def open_unless_refused(path, *arguments, **options):
            if str(path) == str(two / "a" / "0.png"):
                raise PermissionError(13, "Permission denied")
            return opens(path, *arguments, **options)

        return open_unless_refused

    monkeypatch.setattr("builtins.open", refusing(open))
    monkeypatch.setattr(Path, "open", refusing(Path.open))
    _, report = read_folder(two)
    assert [(problem.file.name, problem.advice) for problem in report.bad] == [("0.png", "Check its permissions.")]


# --- Pictures of phones ---------------------------------------------------------------------------------------------


def one_image(two: Path, image: Image.Image, name: str, **options) -> torch.Tensor:
    image.save(two / "a" / name, **options)
    images, report = read_folder(two, 16)
    assert not report.bad
    return images.images[sorted(path.name for path in (two / "a").iterdir()).index(name)]


def test_a_photo_of_108_million_pixels_is_read_small(two: Path) -> None:
    photo = Image.new("RGB", (12_000, 9_000), (250, 10, 20))
    assert photo.width * photo.height > MAX_PIXELS
    image = one_image(two, photo, "phone.jpg")
    assert (image.float().mean((1, 2)) - torch.tensor([250.0, 10, 20])).abs().max() < 3


def test_what_is_transparent_becomes_white(two: Path) -> None:
    cut_out = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    cut_out.paste((250, 10, 20, 255), (0, 0, 8, 16))
    image = one_image(two, cut_out, "cut.png")
    assert image[:, 8, 2].tolist() == [250, 10, 20]
    assert image[:, 8, 14].tolist() == [255, 255, 255]


def test_of_an_animation_the_first_picture_is_taken(two: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((250, 10, 20), (10, 20, 250))]
    image = one_image(two, frames[0], "moves.gif", save_all=True, append_images=frames[1:])
    assert (image.float().mean((1, 2)) - torch.tensor([250.0, 10, 20])).abs().max() < 8


def test_damaged_notes_of_the_camera_do_not_cost_the_picture(two: Path) -> None:
    image = one_image(two, Image.new("RGB", (16, 16), (250, 10, 20)), "notes.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff")
    assert image[0].float().mean() > 240


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\0\0\0\x1cftypavif", "an AVIF image"),
        (b"\0\0\0\x1cftypmif1", "a HEIC photo, as iPhones make it"),
        (b"\0\0\0\x1cftypqt  ", "a film"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP image"),
        (b"RIFF\0\0\0\0AVI LIST", "a film"),
        (b"MM\0*\0\0", "a TIFF image or a camera's raw file"),
        ("Grüße\n".encode(), "text"),
        (bytes(range(256)), "no image, and nothing else that is known here"),
    ],
)
def test_the_first_bytes_say_what_a_file_is(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


def test_names_and_folders(two: Path) -> None:
    assert [is_image_folder(name) for name in ("shapes", "cifar10", "fashion_mnist")] == [False] * 3
    assert is_image_folder(two)
    assert is_image_folder(two / "not there")  # reading it then says what is missing


def test_random_bytes_never_stop_the_reading(two: Path) -> None:
    whole = (two / "a" / "0.png").read_bytes()
    rng = np.random.default_rng(0)
    for index in range(60):
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), 4):
            changed[place] = rng.integers(0, 256)
        (two / "b" / f"changed {index}.png").write_bytes(bytes(changed))
    images, report = read_folder(two)
    assert len(images) + len(report.bad) == 66
