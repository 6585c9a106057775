"""Files that are images: which files of a folder are meant, and how one is read.

Learners read `data.folder`, which makes a data set of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, features
from torch import Tensor

from resnet_course.base.errors import CourseError
from resnet_course.base.progress import bar
from resnet_course.base.text import clean, name_of

PARTS = re.compile(r"(?:.*[_ -])?(?:(train|training)|(test|testing)|val|valid|validation|dev)(?:[_ -].*)?", re.I)
_AVIF = (".avif",) if features.check("avif") else ()  # since Pillow 11.3, and not in every build
EXTENSIONS = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp", *_AVIF)
# Pillow knows more formats; some start other programs.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP", *(("AVIF",) if _AVIF else ()))
OF_THE_SYSTEM = {"thumbs.db", "desktop.ini", "__macosx"}  # written by Windows and macOS, beside hidden files
MAX_PIXELS = 100_000_000  # what is decoded at most: 400 MB
MIN_SIDE = 4  # pixels; below it there is nothing to see
TEST_SHARE = 0.2  # of a folder that comes without a test part
DETAIL = 4  # a large JPEG is decoded at no less than so many times the size asked for


class UnusableImageError(ValueError):
    """An image that can be decoded in principle and is refused; `advice` says what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


def find_roots(folder: Path) -> tuple[list[Path], list[str]]:
    """The folders that hold class folders, one or train and test, and the classes in alphabetical order.

    Folders whose names look the same, composed or not, are of one class.

    Raises:
        CourseError: if the folder is missing, has fewer than two classes, or others for train than for test.
    """
    if not folder.is_dir():
        raise CourseError(f"there is no folder {folder}. Check the path; it should hold one folder for each class.")
    roots = find_parts(folder) or [folder]
    found = [sorted({name_of(e.name, f"a class in {root.name}") for e in _folders(root)}) for root in roots]
    classes = found[0]
    if len(roots) == 1 and any(map(PARTS.fullmatch, classes)) and all(map(PARTS.fullmatch, classes)):
        raise CourseError(
            f"{folder} holds {', '.join(classes)}: put the images for training into a folder 'train' and those for "
            "testing into a folder 'test'."
        )
    if len(classes) < 2:
        deeper = f", with folders in it: is {_folders(roots[0])[0]} what you mean?" if _deeper(roots[0]) else "."
        if beside := [each.name for each in _folders(folder) if len(roots) == 2 and each not in roots]:
            deeper = f", and {', '.join(beside)} beside it: if train and test are classes too, rename these two."
        raise CourseError(
            f"{roots[0]} holds {len(classes)} class folder(s), at least 2 are needed: {', '.join(classes)}{deeper} "
            "Put the images of each class into a folder of its own."
        )
    if differing := sorted(set(classes) ^ set(found[-1])):
        raise CourseError(f"train and test in {folder} have different classes: {', '.join(differing[:5])}")
    return roots, classes


def find_parts(folder: Path) -> list[Path]:
    """Its folders for training and for testing, `Training` and `seg_test` for example; empty if it has none.

    A class may be called train or test: beside other classes only the plain names "train" and "test" are parts.
    """
    folders = _folders(folder)
    if {"train", "test"} <= {each.name for each in folders}:
        return [folder / "train", folder / "test"]
    fits = [PARTS.fullmatch(each.name) for each in folders]
    parts = [[each for each, fit in zip(folders, fits, strict=True) if fit and fit[group]] for group in (1, 2)]
    return [*parts[0], *parts[1]] if all(fits) and [len(part) for part in parts] == [1, 1] else []


def _folders(root: Path) -> list[Path]:
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not is_of_the_system(entry))


def _deeper(root: Path) -> bool:
    """Whether there is one folder, and the classes may be in there."""
    folders = _folders(root)
    return len(folders) == 1 and len(_folders(folders[0])) > 1


def list_images(root: Path, classes: Sequence[str]) -> tuple[list[Path], Tensor]:
    """The image files of all classes, and their labels.

    Raises:
        CourseError: if a class has no image.
    """
    files: list[Path] = []
    targets: list[int] = []
    for label, name in enumerate(classes):
        found = [path for path in files_of(root, name) if is_image_name(path)]
        if not found:
            raise CourseError(f"the class folder {root / name} holds no image ({', '.join(EXTENSIONS)})")
        files += found
        targets += [label] * len(found)
    return files, torch.tensor(targets)


def are_for_testing(names: Sequence[str], targets: Tensor, seed: int) -> Tensor:
    """Whether each file is for testing; of every class at least one is, and at least one is not. (N,) bool"""
    digests = [hashlib.sha256(f"{seed}/{clean(name)}".encode()).digest() for name in names]
    numbers = torch.tensor([int.from_bytes(digest[:6], "big") / 2**48 for digest in digests], dtype=torch.float64)
    chosen = numbers < TEST_SHARE
    for label in targets.unique():
        members = (targets == label).nonzero().flatten()
        members = members[numbers[members].argsort()]
        chosen[members[0]] = True
        chosen[members[-1]] = False
    return chosen


def files_of(root: Path, name: str) -> Iterator[Path]:
    """All files of a class, see `files_below`."""
    for folder in _folders(root):
        if clean(folder.name) == name:
            yield from files_below(folder)


def files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder and its subfolders, in order, without those that a system writes for itself."""
    for entry in sorted(folder.iterdir()):
        if is_of_the_system(entry):
            continue
        if entry.is_dir() and not entry.is_symlink() and not is_image_name(entry):
            yield from files_below(entry)
        else:
            yield entry


def is_of_the_system(path: Path) -> bool:
    """Whether a file or folder is hidden, or one of those that Windows and macOS leave behind."""
    return path.name.startswith(".") or path.name.lower() in OF_THE_SYSTEM


def is_image_name(path: Path) -> bool:
    """Whether the name ends like an image's."""
    return path.suffix.lower() in EXTENSIONS


def read_files(files: Sequence[Path], image_size: int | None, title: str) -> tuple[Tensor, dict[int, Exception]]:
    """Read what can be read; the progress bar says `title`.

    Returns the images, (N, 3, size, size) uint8, in the order of the files; and for each file that is not among them,
    by its place in `files`, the error.
    """
    images: list[Tensor] = []
    errors: dict[int, Exception] = {}
    with bar(len(files), f"reading {title}") as progress:
        for index, file in enumerate(files):
            progress.update()
            try:
                images.append(read_image(file, image_size))
            except Exception as error:  # decoders raise errors of many kinds on damaged bytes
                errors[index] = error
            else:
                image_size = images[0].shape[-1]
    return torch.stack(images) if images else torch.empty(0, 3, 1, 1, dtype=torch.uint8), errors


def read_image(file: Path, image_size: int | None) -> Tensor:
    """One image, turned upright, three channels, square: the longer side is cut. Shape: (3, size, size) uint8.

    Of an animation it is the first picture; what is transparent becomes white.

    Args:
        file: where it is.
        image_size: height and width in pixels; None takes the shorter side, at most 64.

    Raises:
        Exception: if it cannot be opened, is no image, or damaged. Decoders raise errors of many kinds.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata, and about sizes that are checked below
        with Image.open(file, formats=FORMATS) as opened:
            size = image_size or min(*opened.size, 64)
            opened.draft(None, (DETAIL * size, DETAIL * size))  # a JPEG of 108 million pixels is not decoded in full
            _check_usable(opened)
            stored = str(opened.tile[0][-1]) if opened.tile else ""  # such as RGB;16B
            opened.load()
            image: Image.Image = opened
            with contextlib.suppress(Exception):  # damaged notes of the camera do not cost the picture
                image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion cuts everything above 255 to white
        values = np.asarray(image)
        _check_range(int(values.min()), int(values.max()))
        image = Image.fromarray((values // 256).astype(np.uint8))
    elif ";16" in stored:  # colours, of which Pillow keeps the upper 8 bits
        _check_range(0, 256 * int(np.asarray(image.convert("RGB")).max()) + 255)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    image = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _check_range(low: int, high: int) -> None:
    """Of 16 bits. Cameras and scanners also write 10 or 12 bits, or 8, into such files: those look black."""
    if low < 0 or 0 < high < 4096 or high > 65_535:
        raise UnusableImageError(
            f"its values go from {low:,} to {high:,}, and the range of 16 bits is 0 to 65,535",
            "Save it with 8 bits, the brightest value at 255.",
        )


def _check_usable(image: Image.Image) -> None:
    width, height = image.size
    if image.mode == "F":
        advice = "Save it as PNG, with the darkest value at 0."
        raise UnusableImageError("floating-point pixels have no known range", advice)
    if min(image.size) < MIN_SIDE:
        raise UnusableImageError(f"it is {width}×{height} pixels small", "Delete it; there is nothing to see.")
    if width * height > MAX_PIXELS:
        raise UnusableImageError(
            f"it says that it has {width:,}×{height:,} pixels, which would fill the memory",
            "If it is a picture of yours, save it smaller; if you do not know it, delete it.",
        )
