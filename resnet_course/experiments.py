"""Recorded runs: what takes longer than a lesson, measured once, kept with its configuration.

`python -m resnet_course reproduce learning-rates` runs a plan; every run becomes one JSON file, written whole, and a
run whose file is there is not repeated. Lessons draw the files that ship in `resnet_course/results/`.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torchvision
from matplotlib.axes import Axes
from torch import nn

from resnet_course import __version__, data, plotting, runtime
from resnet_course.errors import CourseError
from resnet_course.files import write_atomically
from resnet_course.models import cifar_resnet, plain18, resnet18
from resnet_course.models.blocks import Shortcut
from resnet_course.progress import say
from resnet_course.training import evaluate, fit, reset_seeds

SCHEMA = 1
SHIPPED = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Run:
    """One training: SGD with Nesterov momentum 0.9, weight decay 5e-4, one-cycle rate, no augmentation.

    Args:
        network: "plain 56", "residual 20" and so on for the paper's CIFAR family, "residual 20 B" with another
            shortcut than option A; "plain 18" or "ResNet-18" for four stages of a quarter of the usual width.
        learning_rate: the peak of the one-cycle schedule.
        epochs, batch_size, images, image_size: the budget.
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
        """The network, with fresh weights.

        Raises:
            CourseError: for a name that is none of the above.
        """
        if self.network in ("plain 18", "ResNet-18"):
            return (plain18 if self.network == "plain 18" else resnet18)(num_classes, width=16)
        found = re.fullmatch(r"(plain|residual) (\d+)(?: ([ABC]))?", self.network)
        if found is None:
            raise CourseError(f"there is no network {self.network!r}; examples: 'plain 56', 'residual 20', 'ResNet-18'")
        kind, depth, shortcut = found.groups(default="A")
        return cifar_resnet(int(depth), num_classes, residual=kind == "residual", shortcut=cast(Shortcut, shortcut))


FAMILY = ("plain 20", "plain 56", "residual 56")
PHOTOGRAPHS = {"epochs": 5, "batch_size": 128, "images": 50_000, "image_size": 32}  # hours on two CPU cores


def _degradation(dataset: str) -> list[Run]:
    """Plain and residual by depth: five seeds of the generated images, or few depths and seeds of photographs."""
    generated = dataset == "shapes"
    depths, seeds, budget = ((8, 20, 32, 44, 56), 5, {}) if generated else ((20, 56), 2, PHOTOGRAPHS)
    networks = [f"{kind} {depth}" for depth in depths for kind in ("plain", "residual")]
    return [Run(network, seed=seed, **budget) for seed in range(seeds) for network in networks]


def _shortcuts(dataset: str) -> list[Run]:
    """Residual 20 with each of the three shortcuts."""
    seeds, budget = (5, {}) if dataset == "shapes" else (2, PHOTOGRAPHS)
    return [Run(f"residual 20 {option}", seed=seed, **budget) for seed in range(seeds) for option in "ABC"]


PLANS: dict[str, Callable[[str], list[Run]]] = {
    "degradation": _degradation,
    "shortcuts": _shortcuts,
    "learning-rates": lambda dataset: [
        Run(network, learning_rate=rate, seed=seed)
        for seed in (0, 1, 2)
        for rate in (0.01, 0.03, 0.1, 0.3)
        for network in FAMILY
    ],
    "long-training": lambda dataset: [
        Run(network, epochs=epochs, seed=seed)
        for seed in (0, 1)
        for epochs in (10, 20, 40)
        for network in ("plain 20", "plain 56")
    ],
    "eighteen": lambda dataset: [
        Run(network, epochs=15, image_size=32, seed=seed) for seed in (0, 1, 2) for network in ("plain 18", "ResNet-18")
    ],
}


def find_plan(name: str, dataset: str = "shapes") -> list[Run]:
    """The runs of a plan for a data set.

    Raises:
        CourseError: if there is no plan of that name.
    """
    if name not in PLANS:
        raise CourseError(f"there is no plan {name!r}. The plans are {', '.join(PLANS)}.")
    return PLANS[name](dataset)


def reproduce(name: str, dataset: str = "shapes", results: Path = SHIPPED) -> list[dict[str, Any]]:
    """Run what is missing of a plan and return all its records."""
    runs = find_plan(name, dataset)
    folder = results / f"{name}_{Path(dataset).name}"
    for index, run in enumerate(runs, start=1):
        path = folder / run.file_name
        if not path.is_file():
            unfinished = path.with_suffix(".unfinished.pt")  # a run that was stopped goes on from its last epoch
            record = perform(run, dataset, checkpoint=unfinished)
            write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
            unfinished.unlink(missing_ok=True)
            say(f"{index}/{len(runs)} {path.stem}: training error {record['train_error']:.3f}")
    return load_records(name, Path(dataset).name, results)


def load_records(name: str, dataset: str = "shapes", results: Path = SHIPPED) -> list[dict[str, Any]]:
    """The records of a plan, in the plan's order.

    Raises:
        CourseError: naming the records that are missing or cannot be read.
    """
    folder = results / f"{name}_{dataset}"
    records, missing = [], []
    for run in find_plan(name, dataset):
        try:
            records.append(json.loads((folder / run.file_name).read_text()))
        except (OSError, ValueError):
            missing.append(run.file_name)
    if missing:
        raise CourseError(
            f"{len(missing)} records of {name} are missing or damaged in {folder}: {', '.join(missing[:3])}. "
            f"Run `python -m resnet_course reproduce {name}`."
        )
    return records


def perform(run: Run, dataset: str, checkpoint: Path | None = None) -> dict[str, Any]:
    """Train once and describe it: configuration, data, machine, versions, errors, curves, seconds."""
    here = runtime.profile()
    train = data.load(dataset, "train", run.image_size, run.images)
    test = data.load(dataset, "test", run.image_size, max(1_000, run.images // 5))
    batches = data.Batches(train, run.batch_size, shuffle=True, seed=run.seed, device=here.device)
    clean = data.Batches(train, 500, device=here.device)
    unseen = data.Batches(test, 500, mean=batches.mean, std=batches.std, device=here.device)
    reset_seeds(run.seed)
    model = run.build(len(train.classes)).to(here.device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=run.learning_rate, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    steps = run.epochs * len(batches)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, run.learning_rate, total_steps=steps)
    precision = runtime.precision()
    history = fit(
        model,
        batches,
        None,
        optimizer,
        nn.functional.cross_entropy,
        run.epochs,
        scheduler=scheduler,
        precision=precision,
        checkpoint=checkpoint,
        description=run.network,
    )
    train_loss, train_accuracy = evaluate(model, clean)
    _, test_accuracy = evaluate(model, unseen)
    return {
        "schema": SCHEMA,
        "configuration": asdict(run),
        "data": {"name": train.name, "images": len(train), "sha256": _digest(train)},
        "train_error": 1 - train_accuracy,
        "train_loss": train_loss,
        "test_error": 1 - test_accuracy,
        "curves": {"train_loss": history.train_loss, "train_acc": history.train_acc},
        "seconds": round(sum(history.seconds), 2),
        "machine": {"device": str(here.device), "processor": platform.machine(), "threads": torch.get_num_threads()},
        "precision": str(precision),
        "versions": {"resnet_course": __version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
    }


def _digest(dataset: data.ImageSet) -> str:
    digest = hashlib.sha256(dataset.images.numpy().tobytes())
    digest.update(dataset.targets.numpy().tobytes())
    return digest.hexdigest()


def mean_by(records: Iterable[dict[str, Any]], *keys: str, value: str = "train_error") -> dict[tuple[Any, ...], float]:
    """Mean of a value over the records that agree in `keys` of their configuration."""
    groups: dict[tuple[Any, ...], list[float]] = {}
    for record in records:
        group = tuple(record["configuration"][key] for key in keys)
        groups.setdefault(group, []).append(record[value])
    return {group: sum(values) / len(values) for group, values in groups.items()}


def draw_best_rates(records: Sequence[dict[str, Any]]) -> Axes:
    """Training error by epoch, each network at the learning rate with its lowest mean error; bands over the seeds."""
    errors = mean_by(records, "network", "learning_rate")
    lines, bands = {}, {}
    for network in dict.fromkeys(name for name, _ in errors):
        best = min((error, rate) for (name, rate), error in errors.items() if name == network)[1]
        wanted = {"network": network, "learning_rate": best}
        chosen = [record for record in records if wanted.items() <= record["configuration"].items()]
        curves = [[1 - accuracy for accuracy in record["curves"]["train_acc"]] for record in chosen]
        by_epoch = list(zip(*curves, strict=True))
        lines[network] = [sum(values) / len(values) for values in by_epoch]
        bands[network] = ([min(values) for values in by_epoch], [max(values) for values in by_epoch])
    return plotting.lines(
        lines,
        title="Deeper is worse on the training images, unless there are shortcuts",
        x_label="epoch",
        y_label="error on the training images",
        x=range(1, len(by_epoch) + 1),
        bands=bands,
        y_limits=(0, 1),
    )
