"""A folder of images as a data set, one folder a class.

Taught in lesson 00; `folder_report` says what is wrong with a folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from resnet_course.base.errors import CourseError
from resnet_course.base.progress import bar
from resnet_course.data.image_files import (
    EXTENSIONS,
    Problem,
    explain,
    explain_unreadable,
    files_below,
    is_image_name,
    is_of_the_system,
    read_image,
)
from resnet_course.data.image_set import ImageSet, stratified_sample

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
    images, good, problems, _ = read_files(files, image_size, f"{Path(folder).name} ({split})")
    bad = [f"{problem.file} ({problem.reason})" for problem in problems]
    if bad and unreadable == "refuse":
        raise CourseError(
            f"{_count(bad)} could not be read: {_some(bad)}. Remove them, or load with unreadable='skip'."
        )
    if not good:
        raise CourseError(f"no image in {folder} could be read. {_some(bad)}")
    return ImageSet(images, targets[good], classes, Path(folder).name, bad)


def read_files(
    files: Sequence[Path], image_size: int | None, title: str
) -> tuple[Tensor, list[int], list[Problem], list[str]]:
    """Read what can be read; the progress bar says `title`.

    Returns the images, (N, 3, size, size) uint8; their places in `files`; what is wrong with the other files; and for
    each image the digest of its file, equal for copies.
    """
    images, good, problems, digests = [], [], [], []
    with bar(len(files), f"reading {title}") as progress:
        for index, file in enumerate(files):
            progress.update()
            try:
                content = file.read_bytes()
            except OSError as error:
                problems.append(explain_unreadable(file, error))
                continue
            try:
                image = read_image(content, image_size)
            except Exception as error:  # decoders raise errors of many kinds on damaged bytes
                problems.append(explain(file, content, error))
                continue
            image_size = image_size or image.shape[-1]
            images.append(image)
            good.append(index)
            digests.append(hashlib.sha256(content).hexdigest())
    return torch.stack(images) if images else torch.empty(0, 3, 1, 1, dtype=torch.uint8), good, problems, digests


def find_roots(folder: Path) -> tuple[list[Path], list[str]]:
    """The folders that hold class folders, one or train and test, and the classes of the first."""
    if not folder.is_dir():
        raise CourseError(f"there is no folder {folder}. Check the path; it should hold one folder for each class.")
    parted = (folder / "train").is_dir() and (folder / "test").is_dir()
    roots = [folder / "train", folder / "test"] if parted else [folder]
    classes = _class_folders(roots[0])
    if "train" in classes and set(classes) <= SPLIT_NAMES:
        raise CourseError(f"{folder} holds {', '.join(classes)}: the images for testing must be in a folder 'test'.")
    if len(classes) < 2:
        raise CourseError(
            f"{roots[0]} holds {len(classes)} class folder(s); at least 2 are needed. "
            "Put the images of each class into a folder of its own."
        )
    if parted and (others := _class_folders(roots[1])) != classes:
        raise CourseError(f"train and test in {folder} have different classes: {_differing(classes, others)}")
    return roots, classes


def _list_images(folder: Path, split: Split, seed: int) -> tuple[list[Path], Tensor, list[str]]:
    """The image files of a split, their labels, and the class names in alphabetical order."""
    roots, classes = find_roots(folder)
    parted = len(roots) == 2
    root = folder / split if parted else folder
    files, targets = [], []
    for label, name in enumerate(classes):
        found = [path for path in files_below(root / name) if is_image_name(path)]
        if not found:
            raise CourseError(f"the class folder {root / name} holds no image ({', '.join(EXTENSIONS)})")
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
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not is_of_the_system(entry))


def _count(items: Sequence[str]) -> str:
    return f"{len(items)} file" if len(items) == 1 else f"{len(items)} files"


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return "; ".join(items[:5]) + more


def _differing(one: Sequence[str], other: Sequence[str]) -> str:
    return ", ".join(sorted(set(one) ^ set(other))[:5])
