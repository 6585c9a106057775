"""Images and labels: one function loads them, whatever they are, into memory as bytes."""

from __future__ import annotations

from os.path import expanduser
from pathlib import Path

from resnet_course.base.errors import CourseError
from resnet_course.base.language import translated
from resnet_course.data.batches import Augmentation, Batches
from resnet_course.data.folder import Split, Unreadable, load_folder
from resnet_course.data.image_set import ImageSet, split_validation, stratified_sample
from resnet_course.images.downloads import data_folder, holds_fashion_mnist, load_cifar10, load_fashion_mnist
from resnet_course.images.shapes import CLASSES as SHAPE_CLASSES
from resnet_course.images.shapes import make_shapes

__all__ = [
    "Augmentation",
    "Batches",
    "ImageSet",
    "data_folder",
    "is_image_folder",
    "load",
    "load_folder",
    "make_shapes",
    "split_validation",
    "stratified_sample",
]

NAMES = ("shapes", "cifar10", "fashion_mnist")
SHAPES_SIZES = {"train": 10_000, "test": 2_000}
SHAPES_SEEDS = {"train": 0, "test": 1}


def load(
    name_or_folder: str | Path,
    split: Split,
    image_size: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    unreadable: Unreadable = "skip",
) -> ImageSet:
    """Load a data set by name ("shapes", "cifar10", "fashion_mnist") or from a folder of images.

    Args:
        name_or_folder: a name, or the path of a folder with one folder for each class (or with the four files of
            Fashion-MNIST).
        split: "train" or "test".
        image_size: height and width in pixels; None keeps the data set's own.
        limit: at most so many images, each class with its share.
        seed: of the sample, and of the drawing for "shapes".
        unreadable: for folders: "skip" broken files and list them, or "refuse".

    Returns:
        a data set with `.classes` (in the reader's language), `.targets`, `len()` and `(image, label)` items.

    Raises:
        CourseError: for an unknown name, and for data that is missing or cannot be read.

    Taught in lesson 00.
    """
    if split not in ("train", "test"):
        raise CourseError(f"split must be 'train' or 'test', got {split!r}; validation comes from split_validation")
    if limit is not None and limit < 1:
        raise CourseError(f"limit must be at least 1, got {limit}")
    name, folder = str(name_or_folder), Path(expanduser(name_or_folder))
    if name == "shapes":
        count = SHAPES_SIZES[split] if limit is None else limit
        images, targets = make_shapes(count, image_size or 32, seed * 2 + SHAPES_SEEDS[split])
        return ImageSet(images, targets, tuple(map(translated, SHAPE_CLASSES)), "shapes")
    if name not in NAMES and not holds_fashion_mnist(folder):
        if folder.is_dir() or "/" in name or "\\" in name:
            return load_folder(folder, split, image_size, limit, seed, unreadable)
        raise CourseError(
            f"unknown data set {name!r}. Use 'shapes', 'cifar10', 'fashion_mnist' or the path of a folder of images."
        )
    found = load_cifar10(split) if name == "cifar10" else load_fashion_mnist(split, None if name in NAMES else folder)
    dataset = ImageSet(*found, name="cifar10" if name == "cifar10" else "fashion_mnist")
    if limit is not None and limit < len(dataset):
        dataset = dataset.subset(stratified_sample(dataset.targets, limit, seed))
    return dataset.resized(image_size)


def is_image_folder(name_or_folder: str | Path) -> bool:
    """Whether `load` would look for a folder of images under this name, be it there or not."""
    return str(name_or_folder) not in NAMES and not holds_fashion_mnist(Path(expanduser(name_or_folder)))
