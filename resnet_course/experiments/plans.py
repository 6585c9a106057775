"""What is run: a `Plan` holds the runs that answer one question."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_course.base.errors import CourseError
from resnet_course.experiments.runs import LandscapeRun, LesionRun, RecipeRun, Run


@dataclass(frozen=True)
class Plan:
    """The runs that answer one question.

    Args:
        question: what the runs answer.
        runs: takes the name of a data set and gives the runs, in the order in which they are made.
        keeps_weights: whether each run also leaves the trained network, see `weights`.
        borrows: a plan whose records are taken for the runs that it holds, too, so that they are made once.
    """

    question: str
    runs: Callable[[str], Sequence[Run]]
    keeps_weights: bool = False
    borrows: str = ""


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
    """Of photographs option A is the residual 20 of the plan `degradation`."""
    if dataset == "shapes":
        return [Run(f"residual 20 {option}", seed=seed) for seed in range(5) for option in "ABC"]
    networks = ("residual 20", "residual 20 B", "residual 20 C")
    return [Run(network, seed=seed, **PHOTOGRAPHS) for seed in (0, 1) for network in networks]


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


def _lesion(dataset: str) -> list[LesionRun]:
    seeds, budget = ((0, 1, 2), {"epochs": 10}) if dataset == "shapes" else ((0,), PHOTOGRAPHS)
    return [LesionRun(f"{kind} 20", seed=seed, **budget) for seed in seeds for kind in KINDS]


def _landscape(dataset: str) -> list[LandscapeRun]:
    """Seed 1: lesson 07 itself draws the networks of seed 0."""
    budget = {"epochs": 10} if dataset == "shapes" else PHOTOGRAPHS
    return [LandscapeRun(f"{kind} 20", seed=1, **budget) for kind in KINDS]


def _recipe(dataset: str) -> list[RecipeRun]:
    """Of the generated images a small version, which shows on a CPU that it runs; else one for a GPU."""
    network = "ResNet-18 width 64"
    if dataset == "shapes":
        return [RecipeRun(network, epochs=3, images=1_000, shift=2)]
    budget = {**PHOTOGRAPHS, "epochs": 15, "batch_size": 512, "learning_rate": 0.2}
    return [RecipeRun(network, seed=seed, **budget) for seed in range(5)]


PLANS: dict[str, Plan] = {
    "degradation": Plan("Does more depth make the training error worse, and do shortcuts mend it?", _degradation),
    "shortcuts": Plan(
        "Does it matter which shortcut is used where the shape changes: A, B or C?", _shortcuts, borrows="degradation"
    ),
    "learning-rates": Plan("Is the deep plain network worse at every learning rate?", _learning_rates),
    "long-training": Plan("Is the deep plain network still behind after more epochs?", _long_training),
    "eighteen": Plan("With 18 layers, do a plain and a residual network end about equal?", _eighteen),
    "inside": Plan("The trained networks that lesson 07 opens.", _inside, keeps_weights=True),
    "lesion": Plan("What is lost when one block of a trained network is missing?", _lesion),
    "landscape": Plan("What does the loss around a plain and a residual network look like?", _landscape),
    "recipe": Plan("What does ResNet-18 reach with label smoothing, shifts and flips?", _recipe),
}


def find_plan(name: str, dataset: str | Path = "shapes") -> list[Run]:
    """The runs of a plan for a data set.

    Raises:
        CourseError: if there is no plan of that name.
    """
    if name not in PLANS:
        raise CourseError(f"there is no plan {name!r}. The plans are {', '.join(PLANS)}.")
    return list(PLANS[name].runs(dataset_name(dataset)))


def dataset_name(dataset: str | Path) -> str:
    """What records call a data set: its name, or the last part of its folder's path."""
    return os.path.basename(os.path.abspath(os.path.expanduser(dataset)))
