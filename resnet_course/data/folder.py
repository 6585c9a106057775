"""A folder of images as a data set, one folder a class.

Taught in lesson 00.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.datasets.folder import IMG_EXTENSIONS

from resnet_course.data.image_set import ImageSet, stratified_sample
from resnet_course.errors import CourseError
from resnet_course.progress import bar

Unreadable = Literal["skip", "refuse"]
Split = Literal["train", "test"]
SPLIT_NAMES = {"train", "val", "valid", "validation"}  # what a folder without "test" may hold in place of classes
TEST_SHARE = 0.2  # of a folder that comes without a test part


def load_folder(
    folder: str | Path,
    split: Split,
    image_size: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    unreadable: Unreadable = "skip",
) -> ImageSet:
    """Read `folder/<class>/<image>`, or `folder/train/<class>/...` and `folder/test/<class>/...`.

    A folder without train and test is split: one image in five, the same ones each time, is for testing.
    Images are made square by cutting the longer side, then resized.

    Args:
        folder: where the images are.
        split: "train" or "test".
        image_size: height and width in pixels; None keeps the size of the first image (at most 64).
        limit: at most so many images, each class with its share; only these are read.
        seed: of the split and the sample.
        unreadable: "skip" leaves out files that are no images and lists them in the result; "refuse" raises.

    Raises:
        CourseError: if the folder is missing or empty, has one class, or holds no readable image.
    """
    files, targets, classes = _list_images(Path(folder), split, seed)
    if limit is not None and limit < len(files):
        kept = stratified_sample(targets, limit, seed)
        files, targets = [files[index] for index in kept.tolist()], targets[kept]
    images, good, bad = [], [], []
    with bar(len(files), f"reading {Path(folder).name} ({split})") as progress:
        for index, file in enumerate(files):
            progress.update()
            try:
                image = _read_image(file, image_size)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                bad.append(f"{file} ({error})")
                continue
            image_size = image_size or image.shape[-1]
            images.append(image)
            good.append(index)
    if bad and unreadable == "refuse":
        raise CourseError(
            f"{_count(bad)} could not be read: {_some(bad)}. Remove them, or load with unreadable='skip'."
        )
    if not images:
        raise CourseError(f"no image in {folder} could be read. {_some(bad)}")
    return ImageSet(torch.stack(images), targets[good], classes, Path(folder).name, bad)


def _list_images(folder: Path, split: Split, seed: int) -> tuple[list[Path], Tensor, list[str]]:
    """The image files of a split, their labels, and the class names in alphabetical order."""
    if not folder.is_dir():
        raise CourseError(f"there is no folder {folder}. Check the path; it should hold one folder for each class.")
    parted = (folder / "train").is_dir() and (folder / "test").is_dir()
    root = folder / split if parted else folder
    classes = _class_folders(root)
    if "train" in classes and set(classes) <= SPLIT_NAMES:
        raise CourseError(f"{folder} holds {', '.join(classes)}: the images for testing must be in a folder 'test'.")
    if len(classes) < 2:
        raise CourseError(
            f"{root} holds {len(classes)} class folder(s); at least 2 are needed. "
            "Put the images of each class into a folder of its own."
        )
    if parted:
        other = folder / ("test" if split == "train" else "train")
        others = _class_folders(other)
        if others != classes:
            raise CourseError(f"train and test in {folder} have different classes: {_differing(classes, others)}")
    files, targets = [], []
    for label, name in enumerate(classes):
        found = sorted(path for path in (root / name).rglob("*") if path.suffix.lower() in IMG_EXTENSIONS)
        if not found:
            raise CourseError(f"the class folder {root / name} holds no image ({', '.join(IMG_EXTENSIONS)})")
        files += found
        targets += [label] * len(found)
    labels = torch.tensor(targets)
    if parted:
        return files, labels, classes
    for_test = torch.zeros(len(files), dtype=torch.bool)
    for_test[stratified_sample(labels, max(1, round(TEST_SHARE * len(files))), seed)] = True
    chosen = (for_test if split == "test" else ~for_test).nonzero().flatten()
    return [files[index] for index in chosen.tolist()], labels[chosen], classes


def _class_folders(root: Path) -> list[str]:
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _read_image(file: Path, image_size: int | None) -> Tensor:
    """One image, turned upright, three channels, square. Shape: (3, size, size) uint8."""
    with Image.open(file) as opened:
        image = _eight_bit(ImageOps.exif_transpose(opened)).convert("RGB")
    if image_size is None:
        image_size = min(*image.size, 64)
    if image.size != (image_size, image_size):
        image = ImageOps.fit(image, (image_size, image_size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion cuts everything above 255 to white."""
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) / 256).clip(0, 255).astype(np.uint8))
    return image


def _count(items: Sequence[str]) -> str:
    return f"{len(items)} file" if len(items) == 1 else f"{len(items)} files"


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return "; ".join(items[:5]) + more


def _differing(one: Sequence[str], other: Sequence[str]) -> str:
    return ", ".join(sorted(set(one) ^ set(other))[:5])
