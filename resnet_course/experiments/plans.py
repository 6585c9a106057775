"""What is run: one `Run` for each training, a `Plan` for the runs that answer one question."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR

from resnet_course import data
from resnet_course.errors import CourseError
from resnet_course.models import cifar_resnet, plain18, resnet18
from resnet_course.models.blocks import Shortcut


@dataclass(frozen=True)
class Run:
    """One training: SGD with Nesterov momentum 0.9, weight decay 5e-4, one-cycle rate, no augmentation.

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

    def build(self, num_classes: int) -> nn.Module:
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


@dataclass(frozen=True)
class Plan:
    """The runs that answer one question.

    Args:
        question: what the runs answer.
        runs: takes the name of a data set and gives the runs, in the order in which they are made.
        keeps_weights: whether each run also leaves the trained network, see `weights`.
    """

    question: str
    runs: Callable[[str], list[Run]]
    keeps_weights: bool = False


def build_network(name: str, num_classes: int) -> nn.Module:
    """A network with fresh weights.

    Args:
        name: "plain 56", "residual 20" and so on for the paper's CIFAR family, "residual 20 B" with another
            shortcut than option A; "plain 18" or "ResNet-18" for four stages of a quarter of the usual width.
        num_classes: logits for each image.

    Raises:
        CourseError: for a name that is none of the above.
    """
    if name in ("plain 18", "ResNet-18"):
        return (plain18 if name == "plain 18" else resnet18)(num_classes, width=16)
    found = re.fullmatch(r"(plain|residual) (\d+)(?: ([ABC]))?", name)
    if found is None:
        raise CourseError(f"there is no network {name!r}; examples: 'plain 56', 'residual 20', 'ResNet-18'")
    kind, depth, shortcut = found.groups(default="A")
    return cifar_resnet(int(depth), num_classes, residual=kind == "residual", shortcut=cast(Shortcut, shortcut))


KINDS = ("plain", "residual")

PHOTOGRAPHS: dict[str, Any] = {"epochs": 5, "batch_size": 128, "images": 50_000, "image_size": 32}
"""The budget for real images: hours on two CPU cores."""


def _degradation(dataset: str) -> list[Run]:
    """Plain and residual by depth: five seeds of the generated images; of photographs two depths, two seeds of 20."""
    if dataset == "shapes":
        return [
            Run(f"{kind} {depth}", seed=seed) for seed in range(5) for depth in (8, 20, 32, 44, 56) for kind in KINDS
        ]
    depths_of_seed = {0: (20, 56), 1: (20,)}  # depth 56 takes three times as long
    return [
        Run(f"{kind} {depth}", seed=seed, **PHOTOGRAPHS)
        for seed, depths in depths_of_seed.items()
        for depth in depths
        for kind in KINDS
    ]


def _shortcuts(dataset: str) -> list[Run]:
    seeds, budget = (5, {}) if dataset == "shapes" else (2, PHOTOGRAPHS)
    return [Run(f"residual 20 {option}", seed=seed, **budget) for seed in range(seeds) for option in "ABC"]


def _learning_rates(dataset: str) -> list[Run]:
    return [
        Run(network, learning_rate=rate, seed=seed)
        for seed in (0, 1, 2)
        for rate in (0.01, 0.03, 0.1, 0.3)
        for network in ("plain 20", "plain 56", "residual 56")
    ]


def _long_training(dataset: str) -> list[Run]:
    return [
        Run(network, epochs=epochs, seed=seed)
        for seed in (0, 1)
        for epochs in (10, 20, 40)
        for network in ("plain 20", "plain 56")
    ]


def _eighteen(dataset: str) -> list[Run]:
    return [
        Run(network, epochs=15, image_size=32, seed=seed) for seed in (0, 1, 2) for network in ("plain 18", "ResNet-18")
    ]


def _inside(dataset: str) -> list[Run]:
    """Ten epochs: enough for plain 20 to know nearly all of its training images."""
    return [Run(network, epochs=10) for network in ("plain 20", "residual 20")]


PLANS: dict[str, Plan] = {
    "degradation": Plan("Does more depth make the training error worse, and do shortcuts mend it?", _degradation),
    "shortcuts": Plan("Does it matter which shortcut is used where the shape changes: A, B or C?", _shortcuts),
    "learning-rates": Plan("Is the deep plain network worse at every learning rate?", _learning_rates),
    "long-training": Plan("Is the deep plain network still behind after more epochs?", _long_training),
    "eighteen": Plan("With 18 layers, do a plain and a residual network end about equal?", _eighteen),
    "inside": Plan("The trained networks that lesson 07 opens.", _inside, keeps_weights=True),
}


def find_plan(name: str, dataset: str = "shapes") -> list[Run]:
    """The runs of a plan for a data set.

    Raises:
        CourseError: if there is no plan of that name.
    """
    if name not in PLANS:
        raise CourseError(f"there is no plan {name!r}. The plans are {', '.join(PLANS)}.")
    return PLANS[name].runs(dataset_name(dataset))


def dataset_name(dataset: str | Path) -> str:
    """What records call a data set: its name, or the last part of its folder's path."""
    return os.path.basename(os.path.abspath(os.path.expanduser(dataset)))
