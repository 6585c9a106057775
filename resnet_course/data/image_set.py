"""Labelled images in memory: small enough to live there, and far quicker than files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_course.base.errors import CourseError


@dataclass(frozen=True)
class ImageSet:
    """Images as bytes with their labels; `(image, label)` items, as torchvision's data sets give.

    Args:
        images: (N, 3, H, W) uint8 in [0, 255].
        targets: (N,) int64, indices into `classes`.
        classes: the names.
        name: what the data set is called in titles and records.
        unreadable: files that were skipped because they could not be read.

    Raises:
        CourseError: if images, targets and classes do not belong together.

    Taught in lesson 00.
    """

    images: Tensor
    targets: Tensor
    classes: Sequence[str]
    name: str = "images"
    unreadable: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.dim() != 4 or self.images.shape[1] != 3:
            shape = tuple(self.images.shape)
            raise CourseError(f"images must be (N, 3, H, W) uint8, got {shape} {self.images.dtype}")
        if self.targets.shape != self.images.shape[:1] or self.targets.dtype != torch.int64:
            raise CourseError(
                f"targets must be {len(self.images)} int64 labels, one an image, "
                f"got {tuple(self.targets.shape)} {self.targets.dtype}"
            )
        if len(self.targets) and not 0 <= int(self.targets.min()) <= int(self.targets.max()) < len(self.classes):
            raise CourseError(f"targets must be between 0 and {len(self.classes) - 1}: there are that many classes")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """One image as float32 in [0, 1], shape (3, H, W), and its label."""
        return self.images[index].float() / 255, int(self.targets[index])

    @property
    def image_size(self) -> int:
        """Height of the images in pixels."""
        return self.images.shape[-2]

    def sha256(self) -> str:
        """Digest of the images' bytes, then the targets', as 64 hexadecimal digits: says which data a record is of."""
        digest = hashlib.sha256(self.images.numpy().tobytes())
        digest.update(self.targets.numpy().tobytes())
        return digest.hexdigest()

    def subset(self, indices: Tensor) -> ImageSet:
        """The images at `indices`, in that order."""
        return replace(self, images=self.images[indices], targets=self.targets[indices])

    def resized(self, image_size: int | None) -> ImageSet:
        """The same images, square, of `image_size` pixels; None leaves them as they are."""
        if image_size is None or image_size == self.image_size:
            return self
        size = (image_size, image_size)
        images = F.interpolate(self.images.float(), size=size, mode="bilinear", antialias=True)
        return replace(self, images=images.round().byte())

    def channel_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel over all pixels of the set, in [0, 1]. Shape: (3,) and (3,).

        Not the mean of each image's own deviation, which is smaller: for CIFAR-10 that mistake gives 0.20 in
        place of 0.25.
        """
        values = torch.arange(256, dtype=torch.float64) / 255
        counts = torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in self.images.unbind(1)])
        shares = counts / counts.sum(1, keepdim=True).double()  # (3, 256)
        mean = shares @ values
        variance = (shares * (values - mean.unsqueeze(1)).square()).sum(1)
        return mean.float(), variance.sqrt().float()


def stratified_sample(targets: Tensor, count: int, seed: int = 0) -> Tensor:
    """`count` indices in which every class keeps its share, in increasing order. Shape: (N,) -> (count,).

    The indices are put in an order that takes every class in step with its size, and cut at `count`.
    """
    generator = torch.Generator().manual_seed(seed)
    place = torch.empty(len(targets), dtype=torch.float64)
    for label in targets.unique():
        members = (targets == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        place[members] = (torch.arange(len(members)).double() + 0.5) / len(members)
    return place.argsort(stable=True)[:count].sort().values


def split_validation(dataset: ImageSet, fraction: float = 0.1, seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """Take a validation set out of the training images; every class keeps its share.

    Returns the remaining training set and the validation set: together all images, none twice.

    Raises:
        CourseError: if `fraction` leaves one of the two empty.

    Taught in lesson 02.
    """
    count = round(len(dataset) * fraction)
    if not 0 < count < len(dataset):
        raise CourseError(f"a fraction of {fraction} of {len(dataset)} images leaves a part empty; each needs an image")
    taken = torch.zeros(len(dataset), dtype=torch.bool)
    taken[stratified_sample(dataset.targets, count, seed)] = True
    return dataset.subset((~taken).nonzero().flatten()), dataset.subset(taken.nonzero().flatten())
