"""Batches straight from memory: normalised, shuffled and augmented whole batches at a time, on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_course.data.image_set import ImageSet

EPOCHS_PER_SEED = 1_000_003  # keeps the shuffles of one seed's epochs apart from the next seed's


@dataclass(frozen=True)
class Augmentation:
    """Random changes that keep the label: a shift by up to `shift` pixels and a left-right flip.

    Reference: He et al. 2015, section 4.2 (pad 4, crop 32, flip).

    Taught in lesson 09.
    """

    shift: int = 4
    flip: bool = True


class Batches:
    """What a `DataLoader` does, for an `ImageSet` that fits in memory: an iterable of (images, targets).

    The bytes are moved to the device once. Each batch becomes float32, normalised by the channel mean and
    deviation, and augmented there. Order and augmentation depend on the seed and the epoch alone, so that
    a training that resumes sees what it would have seen.

    Args:
        dataset: the images.
        batch_size: images in a batch; the last one may be smaller, but a single image joins the batch before it.
        shuffle: a new order each epoch.
        augmentation: random changes, or None.
        mean, std: (3,) for normalising, usually the training set's; None takes the data set's own.
        seed: start of the order and of the augmentation.
        device: where the batches live.

    Shape: yields (B, 3, H, W) float32 and (B,) int64

    Raises:
        ValueError: if `batch_size` is below 1, or only one of `mean` and `std` is given.

    Taught in lesson 01, the augmentation in lesson 09.
    """

    def __init__(
        self,
        dataset: ImageSet,
        batch_size: int = 128,
        shuffle: bool = False,
        augmentation: Augmentation | None = None,
        mean: Tensor | None = None,
        std: Tensor | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if (mean is None) != (std is None):
            raise ValueError("pass both mean and std, or neither")
        if mean is None or std is None:
            mean, std = dataset.channel_statistics()
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augmentation = augmentation
        self.seed = seed
        self.device = torch.device(device)
        self.mean, self.std = mean, std
        std = std.where(std > 0, 1)  # a constant channel becomes 0
        # One multiplication and one addition turn bytes into normalised numbers.
        self._scale = (1 / (255 * std)).view(1, 3, 1, 1).to(self.device)
        self._shift = (-mean / std).view(1, 3, 1, 1).to(self.device)
        self._images = dataset.images.to(self.device)
        self._targets = dataset.targets.to(self.device)
        self._epoch = 0
        self._sizes = [len(part) for part in torch.arange(len(dataset)).split(batch_size)]
        if batch_size > 1 and self._sizes[1:] and self._sizes[-1] == 1:  # for batch norm, one image is no batch
            self._sizes[-2:] = [batch_size + 1]

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self._sizes)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass; without it every pass takes the next one."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(self.seed * EPOCHS_PER_SEED + self._epoch)
        self._epoch += 1
        count = len(self.dataset)
        order = torch.randperm(count, generator=generator) if self.shuffle else torch.arange(count)
        # Everything random is drawn and moved at the start of the epoch: a copy to a GPU waits until the GPU is idle.
        parts = order.to(self.device).split(self._sizes)
        moves: Sequence[Any] = [None] * len(parts)
        if self.augmentation is not None:
            drawn = torch.cat([draw_moves(len(indices), self.augmentation, generator) for indices in parts])
            moves = drawn.to(self.device).split(self._sizes)
        for indices, chosen in zip(parts, moves, strict=True):
            images = self._images[indices] * self._scale + self._shift  # (B, 3, H, W)
            if self.augmentation is not None:
                images = apply_moves(images, chosen, self.augmentation)
            yield images, self._targets[indices]


def draw_moves(count: int, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """What happens to each image: first row and first column in the padded image, and 1 if it is flipped.

    Shape: returns (count, 3) int64, on the CPU
    """
    places = torch.randint(0, 2 * augmentation.shift + 1, (2, count), generator=generator)
    flipped = torch.zeros(1, count, dtype=torch.int64)
    if augmentation.flip:
        flipped = (torch.rand(1, count, generator=generator) < 0.5).long()
    return torch.cat([places, flipped]).T


def apply_moves(images: Tensor, moves: Tensor, augmentation: Augmentation) -> Tensor:
    """Shift and flip as `draw_moves` chose. Shape: (B, C, H, W) and (B, 3) -> (B, C, H, W)."""
    height, width = images.shape[2:]
    top, left, flipped = moves.unbind(1)
    padded = F.pad(images, (augmentation.shift,) * 4)  # (B, C, H + 2s, W + 2s)
    crops = padded.unfold(2, height, 1).unfold(3, width, 1)  # every crop, as a view: (B, C, 2s + 1, 2s + 1, H, W)
    images = crops[torch.arange(len(images), device=images.device), :, top, left]  # (B, C, H, W)
    if not augmentation.flip:
        return images
    return torch.where(flipped.bool().view(-1, 1, 1, 1), images.flip(3), images)
