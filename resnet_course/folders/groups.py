"""Which images show the same thing, and which classes have enough things to be learnt and tested.

Taught in lesson 13.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from resnet_course.base.errors import CourseError
from resnet_course.data.image_set import ImageSet


def find_groups(images: ImageSet, names: Sequence[str]) -> Tensor:
    """A number for each image, the same for images that belong together.

    Images of one class with the same name belong together, and so do images with the same pixels; also by way of a
    third one.

    Args:
        images: of the data set.
        names: what the reader calls the group of each image.

    Shape: returns (N,) int64, from 0 on

    Raises:
        CourseError: if there is not one name for each image.
    """
    if len(names) != len(images):
        raise CourseError(f"there are {len(names)} names of groups for {len(images)} images; give one for each image")
    by_name: dict[tuple[int, str], int] = {}
    keys = zip(images.targets.tolist(), names, strict=True)
    group = torch.tensor([by_name.setdefault(key, len(by_name)) for key in keys])  # (N,)
    same_pixels = images.images.flatten(1).unique(dim=0, return_inverse=True)[1]  # (N,)
    while True:  # each image takes the lowest number among those that it belongs to, until nothing changes
        before = group.clone()
        for key in (same_pixels, before):
            lowest = torch.full((int(key.max()) + 1,), len(images)).scatter_reduce(0, key, group, "amin")
            group = lowest[key]
        if group.equal(before):
            return group.unique(return_inverse=True)[1]


def enough_groups(images: ImageSet, groups: Tensor, least: int) -> tuple[Tensor, list[str]]:
    """The labels of the classes that have enough groups, and a sentence for each of the others.

    Args:
        images: of the data set.
        groups: a number for each image, see `find_groups`.
        least: groups that a class needs, so that each part gets one.

    Raises:
        CourseError: if fewer than two classes have enough.
    """
    counts = [len(groups[images.targets == label].unique()) for label in range(len(images.classes))]
    kept = [label for label, count in enumerate(counts) if count >= least]
    said = [
        f"Class {name!r} is set aside: {_images(int((images.targets == label).sum()))} of {_groups(count)}, and "
        f"{least} groups are needed. Take photos of more things of this kind."
        for label, (name, count) in enumerate(zip(images.classes, counts, strict=True))
        if count < least
    ]
    if len(kept) < 2:
        raise CourseError(
            f"fewer than two classes of {images.name} have the {least} groups that the parts need. {' '.join(said)} Or "
            "ask for fewer training and validation images of each class."
        )
    return torch.tensor(kept), said


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"


def _groups(count: int) -> str:
    return f"{count} group{'' if count == 1 else 's'}"
