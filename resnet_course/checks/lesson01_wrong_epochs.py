"""Epochs of training with one thing wrong, for the exercise `train_step` of lesson 01."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def epoch(
    order: tuple[str, ...] = ("zero_grad", "forward", "backward", "step"),
    outside: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    mode: bool | None = True,
    logits_to_loss: Callable[[Tensor], Tensor] = lambda logits: logits,
    own_loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    grad: bool = True,
    dim: int = 1,
    batches: int = 99,
    summary: Callable[[list[Tensor], list[int], list[int]], Any] | None = None,
) -> Callable[..., Any]:
    """One epoch of training whose parts can be exchanged.

    Args:
        order: what is done for each batch.
        outside: what is done once before and once after all batches.
        mode: `model.train(mode)`; None leaves the mode alone.
        logits_to_loss: what stands between the model and the loss.
        own_loss: replaces the loss function that came in.
        grad: False computes without gradients.
        dim: over which the largest logit is taken.
        batches: so many at most.
        summary: makes the result from the losses, the right answers and the sizes of the batches.
    """
    summary = summary or means

    def run(model: nn.Module, dataloader: Any, loss_fn: Callable[..., Tensor], optimizer: torch.optim.Optimizer) -> Any:
        if mode is not None:
            model.train(mode)
        losses, correct, sizes = [], [], []
        simple = {"zero_grad": optimizer.zero_grad, "step": optimizer.step}
        for action in outside[0]:
            simple[action]()
        for images, targets in list(dataloader)[:batches]:
            for action in order:
                if action == "forward":
                    with torch.set_grad_enabled(grad):
                        logits = model(images)
                        loss = (own_loss or loss_fn)(logits_to_loss(logits), targets)
                elif action == "backward":
                    loss.backward()
                else:
                    simple[action]()
            losses.append(loss)
            correct.append(int((logits.argmax(dim) == targets).sum()))
            sizes.append(len(targets))
        for action in outside[1]:
            simple[action]()
        return summary(losses, correct, sizes)

    return run


def means(losses: list[Tensor], correct: list[int], sizes: list[int]) -> tuple[float, float]:
    """Right: every image has the same weight."""
    total = sum(loss.item() * size for loss, size in zip(losses, sizes, strict=True))
    return total / sum(sizes), sum(correct) / sum(sizes)


def batch_mean(losses: list[Tensor]) -> float:
    """Every batch has the same weight, however small."""
    return sum(loss.item() for loss in losses) / len(losses)


def batch_means(losses: list[Tensor], correct: list[int], sizes: list[int]) -> tuple[float, float]:
    """Loss and accuracy, both averaged over batches."""
    shares = [right / size for right, size in zip(correct, sizes, strict=True)]
    return batch_mean(losses), sum(shares) / len(shares)


def with_graph(losses: list[Tensor], correct: list[int], sizes: list[int]) -> tuple[Any, float]:
    """The right numbers, but the loss is a tensor with the graph of the whole epoch."""
    total = sum(loss * size for loss, size in zip(losses, sizes, strict=True))
    return total / sum(sizes), sum(correct) / sum(sizes)
