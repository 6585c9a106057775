"""One `Run` for each training: what is trained, how, and what is measured afterwards."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR

from resnet_course import data, inspection
from resnet_course.base.errors import CourseError
from resnet_course.models import ResNet, cifar_resnet, plain18, resnet18
from resnet_course.models.blocks import Shortcut
from resnet_course.training import evaluate


@dataclass(frozen=True)
class Run:
    """One training: SGD with Nesterov momentum 0.9, weight decay 5e-4, one-cycle rate, no augmentation.

    A subclass may train in another way, or measure more of the trained network.

    Args:
        network: see `build_network`.
        learning_rate: the peak of the one-cycle schedule.
        epochs, batch_size, images, image_size: the budget; `image_size` in pixels.
        seed: of weights and order.
    """

    network: str
    learning_rate: float = 0.1
    epochs: int = 5
    batch_size: int = 64
    images: int = 2_000
    image_size: int = 16
    seed: int = 0

    @property
    def file_name(self) -> str:
        """A name that no other run of a plan has."""
        return f"{self.network.replace(' ', '-')}_lr{self.learning_rate:g}_epochs{self.epochs}_seed{self.seed}.json"

    def build(self, num_classes: int) -> ResNet:
        """The network, with fresh weights."""
        return build_network(self.network, num_classes)

    def load_images(self, dataset: str | Path) -> tuple[data.ImageSet, data.ImageSet]:
        """Training images, and a fifth as many test images (1,000 at least), of a name or a folder."""
        train = data.load(dataset, "train", self.image_size, self.images)
        return train, data.load(dataset, "test", self.image_size, max(1_000, self.images // 5))

    def recipe(self, model: nn.Module, steps: int) -> tuple[SGD, OneCycleLR]:
        """The optimizer and its schedule over `steps` steps."""
        optimizer = SGD(model.parameters(), lr=self.learning_rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
        return optimizer, OneCycleLR(optimizer, self.learning_rate, total_steps=steps)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """What the training makes small."""
        return nn.functional.cross_entropy(logits, targets)

    def augmentation(self) -> data.Augmentation | None:
        """Random changes of the training images."""
        return None

    def measure(self, model: ResNet, seen: data.Batches, unseen: data.Batches) -> dict[str, Any]:
        """What the record says of the trained network beyond its errors; on training images and on new ones."""
        return {}


@dataclass(frozen=True)
class LesionRun(Run):
    """A training, then the test error with each block missing, one at a time. See lesson 07."""

    def measure(self, model: ResNet, seen: data.Batches, unseen: data.Batches) -> dict[str, Any]:
        """The errors from the first block to the last, and the accuracy of blind guessing."""
        blocks = sum(len(stage) for stage in model.stages)
        errors = [1 - evaluate(inspection.lesion(model, index), unseen)[1] for index in range(blocks)]
        return {"lesion": {"guessing": 1 / len(unseen.dataset.classes), "test_errors": errors}}


@dataclass(frozen=True)
class LandscapeRun(Run):
    """A training, then the loss around the network on 128 training images: the grid of lesson 07."""

    def measure(self, model: ResNet, seen: data.Batches, unseen: data.Batches) -> dict[str, Any]:
        """Losses by row, the steps of the grid, and the loss of equal probabilities for all classes."""
        steps = [step / 5 for step in range(-5, 6)]
        directions = (inspection.random_direction(model, 0), inspection.random_direction(model, 1))
        few = [next(iter(data.Batches(seen.dataset, 128, shuffle=True, device=seen.device)))]
        losses = inspection.loss_surface(model, few, directions, steps)
        blind = math.log(len(seen.dataset.classes))
        return {"landscape": {"blind_loss": blind, "steps": steps, "losses": losses.tolist()}}


@dataclass(frozen=True)
class RecipeRun(Run):
    """A training with label smoothing and with random shifts and flips of the images.

    Args:
        label_smoothing: share of the target that is spread over all classes.
        shift: pixels, at most, of a random shift of an image; every second image is flipped left to right.
    """

    label_smoothing: float = 0.1
    shift: int = 4

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy with smoothed labels."""
        return nn.functional.cross_entropy(logits, targets, label_smoothing=self.label_smoothing)

    def augmentation(self) -> data.Augmentation:
        """Shift and flip."""
        return data.Augmentation(self.shift)


def build_network(name: str, num_classes: int) -> ResNet:
    """A network with fresh weights.

    Args:
        name: "plain 56", "residual 20" and so on for the paper's CIFAR family, "residual 20 B" with another
            shortcut than option A; "plain 18" or "ResNet-18" for four stages of a quarter of the usual width;
            "ResNet-18 width 64" for the usual one.
        num_classes: logits for each image.

    Raises:
        CourseError: for a name that is none of the above.
    """
    if name == "ResNet-18 width 64":
        return resnet18(num_classes)
    if name in ("plain 18", "ResNet-18"):
        return (plain18 if name == "plain 18" else resnet18)(num_classes, width=16)
    found = re.fullmatch(r"(plain|residual) (\d+)(?: ([ABC]))?", name)
    if found is None:
        raise CourseError(f"there is no network {name!r}; examples: 'plain 56', 'residual 20', 'ResNet-18'")
    kind, depth, shortcut = found.groups(default="A")
    return cifar_resnet(int(depth), num_classes, residual=kind == "residual", shortcut=cast(Shortcut, shortcut))


def shortcut_of(network: str) -> str:
    """The shortcut option in a network's name: "A", "B" or "C"."""
    return network[-1] if network.endswith((" B", " C")) else "A"
