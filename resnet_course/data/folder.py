"""A folder of images as a data set, one folder for each class.

Taught in lesson 00; what is wrong with the files of a folder, and what to do, says `resnet_course.folders`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from resnet_course.base.errors import CourseError
from resnet_course.data.image_set import ImageSet, stratified_sample
from resnet_course.images.files import are_for_testing, find_roots, list_images, read_files

Unreadable = Literal["skip", "refuse"]
Split = Literal["train", "test"]


def load_folder(
    folder: str | Path,
    split: Split,
    image_size: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    unreadable: Unreadable = "skip",
) -> ImageSet:
    """Read `folder/<class>/<image>`, or `folder/train/<class>/...` and `folder/test/<class>/...`.

    A folder without train and test is split: about one image in five, chosen by its name alone, is for testing.
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
    folder = Path(folder)
    roots, classes = find_roots(folder)
    parted = len(roots) == 2
    files, targets = list_images(roots[split == "test"] if parted else folder, classes)
    chosen = torch.arange(len(files))
    if not parted:
        in_test = are_for_testing([file.relative_to(folder).as_posix() for file in files], targets, seed)
        chosen = (in_test == (split == "test")).nonzero().flatten()
    if limit is not None and limit < len(chosen):
        chosen = chosen[stratified_sample(targets[chosen], limit, seed)]
    files = [files[index] for index in chosen.tolist()]
    images, errors = read_files(files, image_size, f"{folder.name} ({split})")
    bad = [f"{files[index]} ({error})" for index, error in errors.items()]
    shown = "; ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    if bad and unreadable == "refuse":
        count = f"{len(bad)} file{'s' if len(bad) > 1 else ''}"
        raise CourseError(f"{count} could not be read: {shown}. Remove them, or load with unreadable='skip'.")
    if not len(images):
        raise CourseError(f"no image in {folder} could be read. {shown}")
    good = [index for index in range(len(files)) if index not in errors]
    return ImageSet(images, targets[chosen[good]], classes, folder.name, bad)
