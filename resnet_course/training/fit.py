"""The training loop: epochs of `train_step` and `evaluate`, with early stopping, checkpoints and a progress bar."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resnet_course.base.errors import CourseError
from resnet_course.base.memory import keep_freed_memory
from resnet_course.base.progress import bar
from resnet_course.base.settings import differences, training_settings
from resnet_course.training.checkpoints import check_fits, load_state, save_state
from resnet_course.training.early_stopping import EarlyStopper
from resnet_course.training.seeds import random_state, restore_random_state
from resnet_course.training.steps import FLOAT32, Loader, Loss, Precision, Scheduler, evaluate, train_step


@dataclass
class History:
    """One number an epoch. Losses are means over samples, accuracies are in [0, 1].

    `train_loss` and `train_acc` are running figures of the epoch; `val_loss` and `val_acc` are measured after it.
    `seconds` is the time of each epoch; `stopped_early` says whether the early stopper ended the training.
    """

    train_loss: list[float] = field(default_factory=list)
    train_acc: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_acc: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped_early: bool = False

    def __getitem__(self, name: str) -> Any:
        return asdict(self)[name]

    @property
    def epochs(self) -> int:
        """Epochs that were trained."""
        return len(self.train_loss)


def fit(
    model: nn.Module,
    train_dataloader: Loader,
    val_dataloader: Loader | None,
    optimizer: torch.optim.Optimizer,
    loss_fn: Loss,
    epochs: int,
    early_stopper: EarlyStopper | None = None,
    *,
    scheduler: Scheduler | None = None,
    precision: Precision = FLOAT32,
    checkpoint: str | Path | None = None,
    description: str = "training",
) -> History:
    """Train for `epochs` epochs, or until the early stopper says stop.

    Args:
        model: trained in place, on the device where it is.
        train_dataloader: batches of (images, targets), with `len()`.
        val_dataloader: validation batches, measured after each epoch; None leaves the validation lists empty.
        optimizer: over the model's parameters.
        loss_fn: takes logits and targets, returns the mean over the batch.
        epochs: in all, those of an earlier, interrupted run included.
        early_stopper: takes the validation loss after each epoch.
        scheduler: learning rate schedule, stepped after every batch.
        precision: see `Precision`.
        checkpoint: file that is written after each epoch; if it is there at the start, training resumes from it
            and, on the CPU, gives bit for bit what an uninterrupted training gives.
        description: words before the progress bar.

    Raises:
        CourseError: if a loss becomes NaN or infinite, a checkpoint does not fit, or early stopping has no
            validation data.
        ValueError: if `epochs` is below 1.

    Taught in lessons 02 and 09.
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    if early_stopper is not None and val_dataloader is None:
        raise CourseError("early stopping needs validation data: pass val_dataloader, or no early_stopper")
    every = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "early_stopper": early_stopper}
    parts: dict[str, Any] = {name: part for name, part in every.items() if part is not None}
    settings = {} if checkpoint is None else training_settings(optimizer, scheduler, train_dataloader, loss_fn)
    history = _resume(checkpoint, parts, settings)
    model.to(memory_format=precision.memory_format)
    keep_freed_memory()
    dataset = getattr(train_dataloader, "dataset", None)
    images_left = None if dataset is None else len(dataset) * (epochs - history.epochs)
    with bar(images_left, description) as progress:
        while history.epochs < epochs and not history.stopped_early:
            started = time.perf_counter()
            if hasattr(train_dataloader, "set_epoch"):
                train_dataloader.set_epoch(history.epochs)
            loss, accuracy = train_step(
                model, train_dataloader, loss_fn, optimizer, scheduler, precision, on_batch=progress.update
            )
            history.train_loss.append(loss)
            history.train_acc.append(accuracy)
            if val_dataloader is not None:
                val_loss, val_accuracy = evaluate(model, val_dataloader, loss_fn, precision)
                history.val_loss.append(val_loss)
                history.val_acc.append(val_accuracy)
                if early_stopper is not None:
                    history.stopped_early = not early_stopper.is_continuable(model, val_loss)
            history.seconds.append(time.perf_counter() - started)
            progress.set_postfix_str(f"epoch {history.epochs}/{epochs}, loss {loss:.3f}, accuracy {accuracy:.3f}")
            if checkpoint is not None:
                states = {name: part.state_dict() for name, part in parts.items()} | {"settings": settings}
                save_state({**states, "history": asdict(history), "random": random_state()}, checkpoint)
    return history


def _resume(path: str | Path | None, parts: dict[str, Any], settings: dict[str, Any]) -> History:
    """Put every part back to where the checkpoint left it; a new history if there is no checkpoint."""
    if path is None or not Path(path).exists():
        return History()
    state = load_state(path)
    missing = [name for name in (*parts, "history", "random") if name not in state]
    if missing:
        raise CourseError(f"{path} has no {', '.join(missing)}: it was not written by this training. Use another file.")
    check_fits(parts["model"], state["model"], path)
    if changed := differences(state.get("settings", {}), settings):
        raise CourseError(f"{path} is of another training: {changed}. Use the same settings, or another file.")
    for name, part in parts.items():
        part.load_state_dict(state[name])
    restore_random_state(state["random"])
    return History(**state["history"])
