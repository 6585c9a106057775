"""One pass over the data: training, and measuring.

Both weight every figure by the number of samples, so an uneven last batch does not count too much.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.base.errors import CourseError

Loss = Callable[[Tensor, Tensor], Tensor]
Loader = Iterable[tuple[Tensor, Tensor]]
Scheduler = torch.optim.lr_scheduler.LRScheduler


@dataclass(frozen=True)
class Precision:
    """How numbers are stored and computed while training.

    Args:
        autocast: lower precision for the products, such as `torch.bfloat16`, or None for float32 throughout.
        channels_last: store images with the channels of a pixel side by side, which convolutions prefer.
    """

    autocast: torch.dtype | None = None
    channels_last: bool = False

    @property
    def memory_format(self) -> torch.memory_format:
        """PyTorch's name for the layout."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def context(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        """The context in which a forward pass runs."""
        if self.autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(device.type, self.autocast)

    def __str__(self) -> str:
        dtype = "float32" if self.autocast is None else str(self.autocast).removeprefix("torch.")
        return f"{dtype}, {'channels_last' if self.channels_last else 'channels_first'}"


FLOAT32 = Precision()


def train_step(
    model: nn.Module,
    dataloader: Loader,
    loss_fn: Loss,
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None = None,
    precision: Precision = FLOAT32,
    on_batch: Callable[[int], object] | None = None,
) -> tuple[float, float]:
    """One epoch of training: for each batch zero_grad, forward, loss, backward, step.

    The figures are running ones: the weights change while they are collected, and batch norm uses the batch's
    own statistics. `evaluate` measures a fixed model.

    Args:
        model: in any mode; it is in training mode afterwards.
        dataloader: batches of (images, targets); moved to the model's device.
        loss_fn: takes logits (N, num_classes) and targets (N,), returns the mean over the batch.
        optimizer: over the model's parameters.
        scheduler: stepped after every batch.
        precision: see `Precision`.
        on_batch: called with the number of images after every batch.

    Returns:
        mean loss over the samples and accuracy in [0, 1].

    Raises:
        CourseError: if the loss is NaN or infinite, or there is no batch.

    Taught in lesson 01.
    """
    model.train()
    totals = _Totals()
    for images, targets in _batches_for(model, dataloader, precision):
        optimizer.zero_grad()
        with precision.context(images.device):
            logits = model(images)  # (N, num_classes)
            loss = loss_fn(logits, targets)
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        totals.add(loss, logits, targets)
        if on_batch is not None:
            on_batch(len(targets))
    mean_loss, accuracy = totals.means()
    if not math.isfinite(mean_loss):
        raise CourseError(
            f"the training loss became {mean_loss}: the numbers have left the range of floats. Usual reasons: "
            "a learning rate that is too high (try a tenth), images that are not normalised, or a division by zero in "
            "the model. The weights are no longer usable; start again or load the last checkpoint."
        )
    return mean_loss, accuracy


@torch.no_grad()
def evaluate(
    model: nn.Module, dataloader: Loader, loss_fn: Loss | None = None, precision: Precision = FLOAT32
) -> tuple[float, float]:
    """Mean loss over the samples and accuracy in [0, 1] of a fixed model: eval mode, no gradients.

    The model, any classifier that returns logits (N, num_classes), is in its own mode afterwards. `loss_fn` is
    cross-entropy if none is given. The loss may be NaN; the caller decides.

    Raises:
        CourseError: if there is no batch.

    Taught in lesson 02.
    """
    loss_fn = loss_fn or nn.functional.cross_entropy
    totals = _Totals()
    with eval_mode(model):
        for images, targets in _batches_for(model, dataloader, precision):
            with precision.context(images.device):
                logits = model(images)
                loss = loss_fn(logits, targets)
            totals.add(loss, logits, targets)
    return totals.means()


@torch.no_grad()
def predict(model: nn.Module, dataloader: Loader, precision: Precision = FLOAT32) -> tuple[Tensor, Tensor]:
    """Logits for every sample, and the targets, in the order of the batches, on the CPU.

    Shape: returns (N, num_classes) float32 and (N,) int64

    Taught in lesson 02.
    """
    all_logits, all_targets = [], []
    with eval_mode(model):
        for images, targets in _batches_for(model, dataloader, precision):
            with precision.context(images.device):
                logits = model(images)
            all_logits.append(logits.float().cpu())
            all_targets.append(targets.cpu())
    return torch.cat(all_logits), torch.cat(all_targets)


@contextlib.contextmanager
def eval_mode(model: nn.Module) -> Iterator[nn.Module]:
    """Eval mode inside the block; every module's own mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield model
    finally:
        for module, training in modes:
            module.training = training


def device_of(model: nn.Module) -> torch.device:
    """The device of the model's first parameter; the CPU for a model without parameters."""
    parameter = next(model.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


def _batches_for(model: nn.Module, dataloader: Loader, precision: Precision) -> Loader:
    """The batches, on the model's device and in the layout of `precision`."""
    device = device_of(model)
    for images, targets in dataloader:
        yield images.to(device, memory_format=precision.memory_format), targets.to(device)


class _Totals:
    """Sums over samples, kept on the device so that no batch waits for the GPU."""

    loss: Tensor | float = 0.0
    correct: Tensor | int = 0
    samples = 0

    def add(self, loss: Tensor, logits: Tensor, targets: Tensor) -> None:
        self.loss += loss.detach().float() * len(targets)
        self.correct += (logits.argmax(1) == targets).sum()
        self.samples += len(targets)

    def means(self) -> tuple[float, float]:
        if not self.samples:
            raise CourseError("there was no batch: the data set is empty, or the iterator was used up before")
        return float(self.loss) / self.samples, int(self.correct) / self.samples
