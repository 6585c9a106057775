"""A training whose end is known: no network can be right about all its images, and how many it can is counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from resnet_course import data
from resnet_course.experiments.plans import AdamRun
from resnet_course.models import ResNet


@dataclass(frozen=True)
class TwiceRun(AdamRun):
    """A training on images that come twice, and many a second copy has another label.

    How low the error can be is therefore known, and who arrives there has stopped improving.

    Args:
        images: with the second copies.
        relabelled: share of the second copies whose label is drawn anew, and may come out as it was.
    """

    batch_size: int = 32
    images: int = 1_000
    relabelled: float = 0.5
    measures = ("lowest_error",)

    def load_images(self, dataset: str | Path) -> tuple[data.ImageSet, data.ImageSet]:
        """Half as many training images, each of them twice, and test images with their own labels."""
        once = data.load(dataset, "train", self.image_size, self.images // 2)
        draw, count = torch.Generator().manual_seed(0), len(once)
        labels = torch.randint(len(once.classes), (count,), generator=draw)
        second = torch.where(torch.rand(count, generator=draw) < self.relabelled, labels, once.targets)
        images, targets = torch.cat([once.images, once.images]), torch.cat([once.targets, second])
        return data.ImageSet(images, targets, once.classes, once.name), super().load_images(dataset)[1]

    def measure(self, model: ResNet, seen: data.Batches, unseen: data.Batches) -> dict[str, Any]:
        """The lowest error that any network can have: of two copies with two labels, one is wrong."""
        first, second = seen.dataset.targets.chunk(2)
        return {"lowest_error": (first != second).sum().item() / len(seen.dataset)}
