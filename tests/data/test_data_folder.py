import os
import struct
import sys
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from resnet_course.base.errors import CourseError
from resnet_course.data import load, load_folder
from resnet_course.folders import read_folder
from resnet_course.images.files import EXTENSIONS

RED, BLUE = (250, 10, 20), (10, 20, 250)


def write_images(folder: Path, count: int, size: tuple[int, int] = (12, 12), seed: int = 0) -> None:
    """PNG files of noise, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *folder.name.encode()])
    for index in range(count):
        pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.png")


def save_in_two_classes(folder: Path, image: Image.Image, name: str = "png", **options) -> Path:
    """Three copies in each of two classes."""
    for label in ("a", "b"):
        (folder / label).mkdir()
        for index in range(3):
            image.save(folder / label / f"{index}.{name}", **options)
    return folder


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    write_images(tmp_path / "animals" / "cat", 30)
    write_images(tmp_path / "animals" / "ant", 20)
    return tmp_path / "animals"


def rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_one_folder_is_split_in_train_and_test(animals: Path) -> None:
    train, test = load_folder(animals, "train"), load_folder(animals, "test")
    assert train.classes == test.classes == ["ant", "cat"]
    assert 4 <= len(test) <= 18  # about one in five
    assert len(train) + len(test) == len(rows(train.images) | rows(test.images)) == 50


@pytest.mark.parametrize("seed", range(3))
def test_the_part_of_a_file_does_not_depend_on_the_others(animals: Path, seed: int) -> None:
    before = rows(load_folder(animals, "test", seed=seed).images)
    write_images(animals / "bee", 4)
    (animals / "cat" / "014.png").unlink()
    (animals / "ant" / "new.png").write_bytes((animals / "bee" / "000.png").read_bytes())
    train = rows(load_folder(animals, "train", seed=seed).images)
    assert not before & train


def test_a_small_class_is_in_both_parts(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_images(tmp_path / name, 2)
    assert (
        load_folder(tmp_path, "train").targets.tolist() == load_folder(tmp_path, "test").targets.tolist() == [0, 1, 2]
    )


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Train", "Test"),
        ("Training", "Testing"),
        ("train", "Test"),
        ("seg_train", "seg_test"),
        ("train_set", "test_set"),
    ],
)
def test_parts_are_parts_however_they_are_called(tmp_path: Path, train: str, test: str) -> None:
    for part, count in ((train, 3), (test, 2), ("valid", 1)):
        for name in ("cat", "dog"):
            write_images(tmp_path / part / name, count)
    assert load_folder(tmp_path, "train").targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert load_folder(tmp_path, "test").targets.tolist() == [0, 0, 1, 1]
    assert any("valid" in str(problem) for problem in read_folder(tmp_path)[1].bad)


@pytest.mark.parametrize("parted", [True, False])
def test_names_that_look_alike_are_one_class(tmp_path: Path, parted: bool) -> None:
    forms = [unicodedata.normalize(form, "고양이") for form in ("NFC", "NFD")]
    for form, part in zip(forms, ("train", "test") if parted else (".", "."), strict=True):
        write_images(tmp_path / part / form, 3, seed=len(form))
        write_images(tmp_path / part / "개", 3)
    train, test = load_folder(tmp_path, "train"), load_folder(tmp_path, "test")
    assert train.classes == test.classes == ["개", forms[0]]
    assert len(train) + len(test) == (12 if parted else 9)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_class_whose_name_is_no_text_is_named(animals: Path) -> None:
    os.mkdir(os.fsencode(animals) + "/강아지".encode("cp949"))
    with pytest.raises(CourseError, match=r"name of a class in animals is no text.*udcb0.*Rename"):
        load_folder(animals, "train")


def test_a_folder_one_level_too_deep_is_named(animals: Path) -> None:
    with pytest.raises(CourseError, match=r"holds 1 class folder.*animals, with folders in it"):
        load_folder(animals.parent, "train")


def test_the_split_is_the_same_each_time_and_another_with_another_seed(animals: Path) -> None:
    test = load_folder(animals, "test")
    assert torch.equal(test.images, load_folder(animals, "test").images)
    assert not torch.equal(test.images, load_folder(animals, "test", seed=1).images)


def test_train_and_test_folders_are_taken_as_they_are(tmp_path: Path) -> None:
    for split, count in (("train", 5), ("test", 3)):
        for name in ("b", "a"):
            write_images(tmp_path / split / name, count, seed=count)
    train, test = load_folder(tmp_path, "train"), load_folder(tmp_path, "test")
    assert train.targets.tolist() == [0] * 5 + [1] * 5
    assert test.targets.tolist() == [0] * 3 + [1] * 3
    with Image.open(tmp_path / "test" / "b" / "001.png") as image:
        assert np.array_equal(test.images[4].permute(1, 2, 0).numpy(), np.array(image))


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["train/a", "train/b", "test/a", "test/c"], "different classes: b, c"),
        (["train/a", "train/b", "val/a", "val/b"], "'test'"),
        (["train", "plane", "test"], "plane beside it: if train and test are classes too, rename these two"),
        *((classes, "at least 2") for classes in (["."], ["cat"], ["cat", ".hidden"])),
        ([], r"there is no folder .*nowhere"),
    ],
)
def test_folders_that_are_no_classes_are_refused(tmp_path: Path, folders: list[str], said: str) -> None:
    for name in folders:
        write_images(tmp_path / "nowhere" / name, 2 * (name != "."))
    with pytest.raises(CourseError, match=said):
        load(tmp_path / "nowhere", "train")


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("bus", "train"):
        write_images(tmp_path / name, 5)
    assert load_folder(tmp_path, "train").classes == ["bus", "train"]


def test_a_class_without_images_is_named(animals: Path) -> None:
    (animals / "dog").mkdir()
    (animals / "dog" / "notes.txt").write_text("no image", encoding="utf-8")
    with pytest.raises(CourseError, match="dog"):
        load_folder(animals, "train")


def break_files(folder: Path) -> list[Path]:
    """Every way of being no image, beside the good files."""
    whole = (folder / "000.png").read_bytes()
    Image.new("RGB", (40, 40), RED).save(folder / "whole.jpg")
    photo = (folder / "whole.jpg").read_bytes()
    Image.new("RGB", (8, 8)).save(folder / "huge.bmp")
    bitmap = (folder / "huge.bmp").read_bytes()
    broken = {
        "empty.png": b"",
        "text.jpg": b"<html>404 not found</html>",
        "half.png": whole[: len(whole) // 2],
        "half.jpg": photo[: len(photo) // 2],
        "changed.png": whole[:60] + bytes(40) + whole[100:],
        "length.png": whole[:35] + b"\0" + whole[36:],  # of a part of the file
        "number.ppm": b"P6 12 x2 255\n" + bytes(432),
        "huge.bmp": bitmap[:21] + b"\x0f" + bitmap[22:],  # says it has billions of pixels
    }
    for name, content in broken.items():
        (folder / name).write_bytes(content)
    Image.new("F", (8, 8), 0.5).save(folder / "height.tif")  # pixels without a known range
    (folder / "folder.png").mkdir()
    return [folder / name for name in (*broken, "height.tif", "folder.png")]


def test_broken_files_are_skipped_and_named(animals: Path) -> None:
    broken = break_files(animals / "ant")
    train, test = load_folder(animals, "train"), load_folder(animals, "test")
    named = [*train.unreadable, *test.unreadable]
    assert torch.bincount(torch.cat([train.targets, test.targets])).tolist() == [21, 30]
    assert ["height.tif (floating-point" in entry for entry in named].count(True) == 1
    assert len(named) == len(broken)
    assert all(any(str(file) in entry for entry in named) for file in broken)


def test_broken_files_are_refused_when_asked(animals: Path) -> None:
    broken = animals / "cat" / "000.png"
    broken.write_bytes(b"")
    in_test = load_folder(animals, "test").unreadable
    with pytest.raises(CourseError, match=r"^1 file could not be read: .*cat.000\.png"):
        load_folder(animals, "test" if in_test else "train", unreadable="refuse")
    load_folder(animals, "train" if in_test else "test", unreadable="refuse")


def test_a_folder_of_broken_files_only_of_which_a_limit_reads_a_sample(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(50):
            (tmp_path / name / f"{index}.jpg").write_bytes(b"no")
    with pytest.raises(CourseError, match="no image in"):
        load_folder(tmp_path, "train")
    with pytest.raises(CourseError, match=r"^4 files could not be read"):
        load_folder(tmp_path, "train", limit=4, unreadable="refuse")


def test_a_limit_keeps_the_shares_and_takes_from_the_split(animals: Path) -> None:
    some = load_folder(animals, "train", limit=10)
    assert torch.bincount(some.targets).tolist() == [4, 6]
    assert rows(some.images) <= rows(load_folder(animals, "train").images)
    assert len(load_folder(animals, "train", limit=1000)) == len(load_folder(animals, "train"))


GREY_16_BIT = Image.fromarray(np.full((8, 8), 100 * 256, dtype=np.uint16))
RED_IMAGE = Image.new("RGB", (8, 8), RED)


@pytest.mark.parametrize(
    ("image", "suffix", "colour"),
    [
        pytest.param(Image.new("L", (8, 8), 100), "png", (100, 100, 100), id="grey"),
        pytest.param(Image.new("LA", (8, 8), (100, 255)), "png", (100, 100, 100), id="grey-alpha"),
        pytest.param(Image.new("1", (8, 8), 1), "png", (255, 255, 255), id="bilevel"),
        pytest.param(GREY_16_BIT, "png", (100, 100, 100), id="grey16-png"),
        pytest.param(GREY_16_BIT, "tif", (100, 100, 100), id="grey16-tif"),
        pytest.param(RED_IMAGE.convert("P", palette=Image.Palette.ADAPTIVE), "png", RED, id="palette"),
        pytest.param(Image.new("RGBA", (8, 8), (*RED, 255)), "png", RED, id="rgba"),
        pytest.param(RED_IMAGE.convert("CMYK"), "jpg", RED, id="cmyk"),
        pytest.param(RED_IMAGE, "bmp", RED, id="bmp"),
        pytest.param(RED_IMAGE, "JPEG", RED, id="jpeg"),
    ],
)
def test_every_kind_of_image_becomes_rgb(tmp_path: Path, image: Image.Image, suffix: str, colour: tuple) -> None:
    images = load_folder(save_in_two_classes(tmp_path, image, suffix), "train", unreadable="refuse").images
    assert images.shape[1:] == (3, 8, 8)
    assert (images.double().mean((0, 2, 3)) - torch.tensor(colour)).abs().max() < 4


@pytest.mark.parametrize(("bits", "form"), [(12, "png"), (10, "tif"), (8, "tif")])
def test_few_bits_in_a_wide_file_are_not_taken_for_a_black_picture(tmp_path: Path, bits: int, form: str) -> None:
    ramp = np.linspace(0, 2**bits - 1, 64).reshape(8, 8).astype(np.int32 if bits == 8 else np.uint16)
    folder = save_in_two_classes(tmp_path, Image.fromarray(ramp), form)
    with pytest.raises(CourseError, match=f"go from 0 to {2**bits - 1:,}, and the range of 16 bits"):
        load_folder(folder, "train")


def test_few_bits_of_colour_in_a_wide_file_are_refused_too(tmp_path: Path) -> None:
    rows = 8 * (b"\0" + np.full(24, 4095, ">u2").tobytes())
    parts = {b"IHDR": struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0), b"IDAT": zlib.compress(rows), b"IEND": b""}
    chunks = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts.items()]
    folder = save_in_two_classes(tmp_path, RED_IMAGE)
    for file in folder.rglob("*.png"):
        file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(CourseError, match="go from 0 to 4,095, and the range of 16 bits"):
        load_folder(folder, "train")


@pytest.mark.skipif(".avif" not in EXTENSIONS, reason="this Pillow reads no AVIF")
def test_avif_is_read_where_pillow_reads_it_whatever_its_name(tmp_path: Path) -> None:
    images = load_folder(save_in_two_classes(tmp_path, RED_IMAGE, "jpg", format="AVIF"), "train").images
    assert (images.double().mean((0, 2, 3)) - torch.tensor(RED)).abs().max() < 8


def test_large_notes_are_not_called_damage(tmp_path: Path) -> None:
    notes = PngInfo()
    notes.add_text("notes", "x" * 2_000_000, zip=True)
    save_in_two_classes(tmp_path, Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)))
    Image.new("RGB", (8, 8), BLUE).save(tmp_path / "b" / "0.png")
    Image.new("RGB", (8, 8), RED).save(tmp_path / "a" / "notes.png", pnginfo=notes)
    reasons = [problem.reason for problem in read_folder(tmp_path)[1].bad]
    assert "its notes, which are no part of the picture, are too large" in reasons


def test_photos_are_turned_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16), BLUE)
    image.paste(RED, (0, 0, 8, 16))  # red on the left ...
    exif = image.getexif()
    exif[0x0112] = 6  # ... of a camera that was held on its side: the left is the top
    for picture in load_folder(save_in_two_classes(tmp_path, image, exif=exif), "train").images.float():
        assert (picture[:, :8].mean((1, 2)) - torch.tensor(RED)).abs().max() < 2
        assert (picture[:, 8:].mean((1, 2)) - torch.tensor(BLUE)).abs().max() < 2


@pytest.mark.parametrize(
    ("size", "asked", "given"), [((20, 30), None, 20), ((20, 30), 10, 10), ((20, 30), 32, 32), ((100, 90), None, 64)]
)
def test_image_size(tmp_path: Path, size: tuple[int, int], asked: int | None, given: int) -> None:
    for name in ("a", "b"):
        write_images(tmp_path / name, 5, size)
    assert load_folder(tmp_path, "train", image_size=asked).images.shape[1:] == (3, given, given)


def test_images_are_cut_in_the_middle_not_squeezed(tmp_path: Path) -> None:
    image = Image.new("RGB", (32, 16), BLUE)
    image.paste(RED, (8, 0, 24, 16))
    images = load_folder(save_in_two_classes(tmp_path, image), "train").images
    assert torch.equal(images.unique(dim=0)[0, :, 0, 0], torch.tensor(RED, dtype=torch.uint8))
    assert len(images.flatten(2).unique(dim=2)[0, 0]) == 1


REAL = os.environ.get("RESNET_COURSE_TEST_CIFAR10")


@pytest.mark.skipif(not REAL, reason="RESNET_COURSE_TEST_CIFAR10 names no folder of real CIFAR-10 images")
def test_real_cifar10_images() -> None:
    train = load(REAL, "train", limit=2000)
    assert (len(train.classes), train.classes[0], train.image_size) == (10, "airplane", 32)
    assert torch.bincount(train.targets).tolist() == [200] * 10
    assert not train.unreadable
    mean, std = train.channel_statistics()
    torch.testing.assert_close(mean, torch.tensor([0.4914, 0.4822, 0.4465]), atol=0.02, rtol=0)
    torch.testing.assert_close(std, torch.tensor([0.2470, 0.2435, 0.2616]), atol=0.02, rtol=0)


def test_every_extension_that_torchvision_knows_is_an_image() -> None:
    from torchvision.datasets.folder import IMG_EXTENSIONS

    assert set(IMG_EXTENSIONS) <= set(EXTENSIONS)
