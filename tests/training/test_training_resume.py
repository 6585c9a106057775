"""A training that was stopped and resumed ends bit for bit where one without a stop ends."""

import random
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from resnet_course.base.errors import CourseError
from resnet_course.data import Augmentation, Batches, ImageSet, make_shapes
from resnet_course.models import cifar_resnet
from resnet_course.training import FLOAT32, EarlyStopper, History, Precision, fit, reset_seeds

TRAIN = ImageSet(*make_shapes(44, 16, seed=0), range(10))
VALIDATION = ImageSet(*make_shapes(20, 16, seed=1), range(10))
EPOCHS, BATCH_SIZE = 4, 16


class Noisy(Dataset):
    """Augments with Python's and NumPy's global generators, as many a learner's data set does."""

    def __len__(self) -> int:
        return len(TRAIN)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, label = TRAIN[index]
        image = image.flip(2) if random.random() < 0.5 else image
        return image * float(np.random.normal(1, 0.1)), label


batches = partial(Batches, TRAIN, BATCH_SIZE, shuffle=True, augmentation=Augmentation(2), seed=3)
dataloader = partial(DataLoader, Noisy(), BATCH_SIZE, shuffle=True)


class Run:
    """A network with batch norm and dropout, its optimizer, one-cycle schedule and early stopper."""

    def __init__(self, folder: Path, make_loader: Any, precision: Precision, seed: int) -> None:
        reset_seeds(seed)
        self.loader, self.precision = make_loader(), precision
        self.model = nn.Sequential(cifar_resnet(8, num_classes=32, width=8), nn.Dropout(), nn.Linear(32, 10))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
        steps = EPOCHS * len(self.loader)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=0.1, total_steps=steps)
        self.stopper = EarlyStopper(EPOCHS, folder / "best.pt")
        self.checkpoint = folder / "run.pt"

    def fit(self, epochs: int, loss_fn: Any = F.cross_entropy) -> History:
        batches = self.loader, Batches(VALIDATION, BATCH_SIZE)
        options = {"scheduler": self.scheduler, "precision": self.precision, "checkpoint": self.checkpoint}
        return fit(self.model, *batches, self.optimizer, loss_fn, epochs, self.stopper, **options)

    def end(self, history: History) -> dict[str, Any]:
        """All that must be the same."""
        best = torch.load(self.stopper.save_path, weights_only=True)
        numbers = {name: history[name] for name in ("train_loss", "train_acc", "val_loss", "val_acc", "stopped_early")}
        parts = (self.model, self.optimizer, self.scheduler, self.stopper)
        return {**numbers, "best": best, "parts": [part.state_dict() for part in parts], "next": torch.rand(1)}


def flatten(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: leaf for part, child in items for key, leaf in flatten(child, f"{name}/{part}").items()}
    return {name: value}


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    one, other = flatten(one), flatten(other)
    assert one.keys() == other.keys()
    for name, value in one.items():
        same = torch.equal(value, other[name]) if isinstance(value, Tensor) else value == other[name]
        assert same, f"{name}: {value} and {other[name]}"


class BreakOff:
    """A loss that is interrupted in its nth training batch, as by Ctrl-C."""

    def __init__(self, batch: int) -> None:
        self.left = batch

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return F.cross_entropy(logits, targets)


BFLOAT16 = Precision(torch.bfloat16, channels_last=True)


@pytest.mark.parametrize(
    ("make_loader", "stop", "precision"),
    [
        (batches, "between epochs", FLOAT32),
        (batches, "between epochs", BFLOAT16),
        (batches, "within an epoch", FLOAT32),
        (dataloader, "between epochs", FLOAT32),
        (dataloader, "within an epoch", FLOAT32),
    ],
)
def test_exact_resume(tmp_path: Path, make_loader: Any, stop: str, precision: Precision) -> None:
    whole = Run(tmp_path / "whole", make_loader, precision, seed=0)
    expected = whole.end(whole.fit(EPOCHS))

    first = Run(tmp_path / "parts", make_loader, precision, seed=0)
    if stop == "between epochs":
        first.fit(EPOCHS // 2)
    else:
        with pytest.raises(KeyboardInterrupt):
            first.fit(EPOCHS, BreakOff(batch=2 * len(first.loader) + 1))

    second = Run(tmp_path / "parts", make_loader, precision, seed=99)  # a new process has other random numbers
    assert_same(second.end(second.fit(EPOCHS)), expected)


def test_another_seed_is_noticed(tmp_path: Path) -> None:
    """Else the test above could not fail."""
    one, other = (Run(tmp_path / str(seed), batches, FLOAT32, seed) for seed in (0, 1))
    ends = [run.end(run.fit(1)) for run in (one, other)]
    with pytest.raises(AssertionError):
        assert_same(*ends)


@pytest.mark.parametrize(
    ("depth", "residual", "precision"),
    [(8, False, FLOAT32), (20, False, FLOAT32), (20, True, FLOAT32), (8, True, BFLOAT16)],
)
def test_the_same_seed_gives_the_same_numbers_twice(depth: int, residual: bool, precision: Precision) -> None:
    def run() -> dict[str, Any]:
        reset_seeds(0)
        model = cifar_resnet(depth, residual=residual)
        loader = Batches(TRAIN, BATCH_SIZE, shuffle=True, augmentation=Augmentation(2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        history = fit(model, loader, loader, optimizer, F.cross_entropy, 2, precision=precision)
        return {"loss": history.train_loss, "val_loss": history.val_loss, "weights": model.state_dict()}

    assert_same(run(), run())


OTHER = ImageSet(*make_shapes(44, 16, seed=5), range(10))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rate": 0.01}, r"learning rate was \[0.1\] and is \[0.01\]"),
        ({"kind": torch.optim.Adam}, "optimizer was 'SGD' and is 'Adam'"),
        ({"momentum": 0.5}, "momentum was 0.9 and is 0.5"),
        ({"steps": 8}, "CosineAnnealingLR.T_max was 6 and is 8"),
        ({"steps": None}, "schedule was 'CosineAnnealingLR' and is None"),
        ({"size": 11}, "batch size was 16 and is 11"),
        ({"images": OTHER}, "data digest was"),
        ({"order": 1}, "seed of the order was 0 and is 1"),
        ({"loss": nn.CrossEntropyLoss(label_smoothing=0.1)}, "label smoothing was 0.0 and is 0.1"),
    ],
)
def test_a_checkpoint_of_other_settings_says_which(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    def train(epochs, rate=0.1, momentum=0.9, steps=6, size=16, images=TRAIN, kind=torch.optim.SGD, **more):
        model = nn.Sequential(nn.Flatten(), nn.Linear(768, 10))
        options = {"momentum": momentum} if kind is torch.optim.SGD else {}
        optimizer = kind(model.parameters(), lr=rate, **options)
        plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if steps else None
        batches, loss = (
            Batches(images, size, shuffle=True, seed=more.get("order", 0)),
            more.get("loss", F.cross_entropy),
        )
        fit(model, batches, None, optimizer, loss, epochs, scheduler=plan, checkpoint=tmp_path / "run.pt")

    train(1)
    before = (tmp_path / "run.pt").read_bytes()
    with pytest.raises(CourseError, match=said):
        train(2, **changed)
    assert (tmp_path / "run.pt").read_bytes() == before
    train(2)
