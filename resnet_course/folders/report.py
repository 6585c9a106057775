"""What is in a folder of images: which files cannot be used and why, which are copies, how large the classes are.

Taught in lesson 13.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from resnet_course.base.errors import CourseError
from resnet_course.base.language import translated
from resnet_course.data.image_set import ImageSet, stratified_sample
from resnet_course.folders.problems import Problem, explain
from resnet_course.images.files import PARTS, files_of, find_roots, is_image_name, is_of_the_system, read_files

SHOWN = 40  # entries of each list that are printed; the lists themselves hold all
FEW = 10  # a class with fewer images is pointed out
UNEVEN = 3  # so is a largest class of so many times the smallest


@dataclass(frozen=True)
class FolderReport:
    """What `read_folder` found; `print(report)` shows it.

    Args:
        folder: where the images are.
        counts: usable images by class.
        bad: files that are left out.
        copies: files with the same bytes as another one of their class; they are in the data set.
        files: of the usable images, in the order of the data set.
        found: image files in the folder.
        read: how many of them were read; fewer where a limit was given.
    """

    folder: Path
    counts: dict[str, int]
    bad: Sequence[Problem]
    copies: Sequence[Problem]
    files: Sequence[Path]
    found: int
    read: int

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the classes as a whole, one sentence each."""
        said = [
            f"Class {name!r} has {count} usable images: too few to learn from and to test with."
            for name, count in self.counts.items()
            if count < FEW
        ]
        enough = [count for count in self.counts.values() if count >= FEW]
        if enough and max(enough) >= UNEVEN * min(enough):
            said.append(
                f"The largest class has {max(enough)} images and the smallest of the others {min(enough)}: take the "
                "error class by class, or always saying the largest class looks good."
            )
        return said

    def __str__(self) -> str:
        usable = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        sample = f", of which {self.read:,} were read" if self.read < self.found else ""
        lines = [
            f"{self.folder.name}: {self.found:,} files with the name of an image{sample}",
            f"usable: {sum(self.counts.values()):,} ({usable})",
        ]
        for title, problems in (("left out", self.bad), ("copies, left in", self.copies)):
            lines.append(f"{title}: {len(problems)}")
            lines += [
                f"  {self._short(problem.file)}: {problem.reason}. {problem.advice}" for problem in problems[:SHOWN]
            ]
            if len(problems) > SHOWN:
                lines.append(f"  and {len(problems) - SHOWN} more")
        return translated("\n".join([*lines, *self.warnings]))

    def _short(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()


def read_folder(
    folder: str | Path, image_size: int | None = None, limit: int | None = None, seed: int = 0
) -> tuple[ImageSet, FolderReport]:
    """Read all images of a folder, of train and test alike, and report what was found.

    Files that cannot be read are left out, and so are pictures that lie in the folders of two classes, since one of
    the labels is wrong. Other copies stay in; the report names them.

    Args:
        folder: as for `load_folder`.
        image_size: height and width in pixels; None keeps the size of the first image (at most 64).
        limit: at most so many images, each class with its share; only these are read.
        seed: of that sample.

    Raises:
        CourseError: if the folder is missing, has fewer than two classes, or no file can be used.

    Taught in lesson 13.
    """
    folder = Path(folder)
    classes, files, labels, bad = _list_everything(folder)
    found = len(files)
    if limit is not None and limit < found:
        kept = stratified_sample(labels, limit, seed)
        files, labels = [files[index] for index in kept.tolist()], labels[kept]
    read = len(files)
    images, errors = read_files(files, image_size, folder.name)
    bad += [explain(files[place], error) for place, error in errors.items()]
    good = [place for place in range(len(files)) if place not in errors]
    files, labels = [files[place] for place in good], labels[good]
    doubtful, copies = _find_copies(folder, files, labels)
    bad = sorted([*bad, *doubtful.values()], key=lambda problem: problem.file)
    usable = torch.tensor([place for place in range(len(files)) if place not in doubtful], dtype=torch.int64)
    if not len(usable):
        raise CourseError(f"no image in {folder} can be used. {'; '.join(str(problem) for problem in bad[:5])}")
    counts = torch.bincount(labels[usable], minlength=len(classes)).tolist()
    used = [files[place] for place in usable.tolist()]
    report = FolderReport(folder, dict(zip(classes, counts, strict=True)), bad, copies, used, found, read)
    names = [str(problem.file) for problem in bad]
    return ImageSet(images[usable], labels[usable], classes, folder.name, names), report


def _list_everything(folder: Path) -> tuple[list[str], list[Path], Tensor, list[Problem]]:
    """The classes, all files with the name of an image and their labels, and what is wrong with the other files."""
    roots, classes = find_roots(folder)
    files, labels, bad = [], [], []
    for other in sorted(set(folder.iterdir()) - set(roots)) if len(roots) > 1 else []:
        if other.is_dir() and PARTS.fullmatch(other.name):
            bad.append(Problem(other, "it lies beside train and test and is not read", "Put its images into train."))
    for root in roots:
        for path in sorted(root.iterdir()):
            if is_image_name(path) and not is_of_the_system(path) and not path.is_dir():
                advice = "Move it into the folder of its class."
                bad.append(Problem(path, "it lies beside the class folders, so that it has no label", advice))
        for label, name in enumerate(classes):
            for path in files_of(root, name):
                if is_image_name(path):
                    files.append(path)
                    labels.append(label)
                else:
                    bad.append(explain(path))
    return classes, files, torch.tensor(labels, dtype=torch.int64), bad


def _find_copies(folder: Path, files: Sequence[Path], labels: Tensor) -> tuple[dict[int, Problem], list[Problem]]:
    """Files with the same bytes: those in two classes, by their place in `files`, and the other ones."""
    by_size, by_digest = defaultdict(list), defaultdict(list)
    for place, file in enumerate(files):
        by_size[file.stat().st_size].append(place)
    for place in itertools.chain(*(same for same in by_size.values() if len(same) > 1)):  # others cannot be copies
        by_digest[hashlib.sha256(files[place].read_bytes()).digest()].append(place)
    doubtful, copies = {}, []
    for same in by_digest.values():
        if len(set(labels[same].tolist())) > 1:
            for place in same:
                other = next(other for other in same if labels[other] != labels[place])
                doubtful[place] = _explain_copy(folder, files[place], files[other], _TWO_CLASSES)
            continue
        for place in same[1:]:
            # Of one class, so if the first folder on the way is another one, it is train and test.
            first, again = (files[index].relative_to(folder).parts[0] for index in (same[0], place))
            advice = _TWICE if first == again else _LEAK
            copies.append(_explain_copy(folder, files[place], files[same[0]], advice))
    return doubtful, copies


_TWO_CLASSES = "One of the labels is wrong: keep it in the class where it belongs."
_LEAK = "Delete one: a test must not ask for an image that was learnt."
_TWICE = "Delete one: it would count twice."


def _explain_copy(folder: Path, file: Path, other: Path, advice: str) -> Problem:
    return Problem(file, f"it has the same bytes as {other.relative_to(folder).as_posix()}", advice)
