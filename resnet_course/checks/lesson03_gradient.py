"""Lesson 03, `shortcut_gradient`: what reaches x through F, and what reaches it through the shortcut."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_course.checks.compare import differ, randomise
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.models import BasicBlock

Gradients = tuple[Tensor, Tensor]


def shortcut_gradient(block: BasicBlock, x: Tensor) -> Gradients:
    """The gradient of `block(x).sum()` at x, in two parts: what comes through F, and what comes through the shortcut.

    Shape:
        x (N, C, H, W) -> two tensors (N, C, H, W)
    """
    x = x.detach().requires_grad_()
    without_shortcut = F.relu(block.transform(x) + block.shortcut(x).detach())
    without_f = F.relu(block.transform(x).detach() + block.shortcut(x))
    return _gradient(without_shortcut, x), _gradient(without_f, x)


def _gradient(output: Tensor, x: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(output.sum(), x)
    return gradient


def _with_last_line(change: Callable[[Tensor, Tensor], Any]) -> Callable[[Any, Tensor], Any]:
    """What a wrong last line makes of the two right parts."""
    return lambda block, x: change(*shortcut_gradient(block, x))


def _no_relu(block: Any, x: Tensor) -> Gradients:
    x = x.detach().requires_grad_()
    return _gradient(block.transform(x), x), _gradient(block.shortcut(x), x)


def _own_relus(block: Any, x: Tensor) -> Gradients:
    x = x.detach().requires_grad_()
    return _gradient(F.relu(block.transform(x)), x), _gradient(F.relu(block.shortcut(x)), x)


def _zeros_on_the_other_path(block: Any, x: Tensor) -> Gradients:
    x = x.detach().requires_grad_()
    zeros = torch.zeros_like(x)
    through_f = F.relu(block.transform(x) + block.shortcut(zeros))
    return _gradient(through_f, x), _gradient(F.relu(block.transform(zeros) + block.shortcut(x)), x)


def _mean(block: Any, x: Tensor) -> Gradients:
    through_f, through_shortcut = shortcut_gradient(block, x)
    numbers = block(x).numel()
    return through_f / numbers, through_shortcut / numbers


def _no_requires_grad(block: Any, x: Tensor) -> Gradients:
    output = F.relu(block.transform(x) + block.shortcut(x).detach())
    return _gradient(output, x), _gradient(output, x)


def _x_detached_everywhere(block: Any, x: Tensor) -> Gradients:
    x = x.detach().requires_grad_()
    output = F.relu(block.transform(x.detach()) + block.shortcut(x.detach()))
    return _gradient(output, x), _gradient(output, x)


def _compare_gradients(candidate: Any, implementation: Any) -> str | None:
    for arguments in ((4, 4, 1), (4, 6, 2)):
        for training in (False, True):
            block = BasicBlock(*arguments)
            randomise(block)
            block.train(training)
            x = torch.randn(3, 4, 6, 6)
            mine, expected = (function(copy.deepcopy(block), x.clone()) for function in (candidate, implementation))
            difference = differ(mine, expected, "the result")
            if difference is not None:
                mode = "training" if training else "eval"
                return f"with BasicBlock{arguments} in {mode} mode: {difference}"
    return None


HINTS = {
    "no_relu": (
        _no_relu,
        "Where does the block end? After the addition there is a ReLU, and it stops the gradient wherever the sum is "
        "negative.",
    ),
    "own_relus": (
        _own_relus,
        "What does the ReLU see? It sees the sum F(x) + shortcut(x), not each part by itself. Keep both parts in the "
        "sum and cut the gradient of one of them.",
    ),
    "zeros_on_the_other_path": (
        _zeros_on_the_other_path,
        "What was put in place of the other path? With zeros the sum is another one, and the ReLU lets other places "
        "through. The numbers must stay and only their gradient go.",
    ),
    "swapped": (
        _with_last_line(lambda through_f, through_shortcut: (through_shortcut, through_f)),
        "Which part comes first? The one through F. To get it, which path must be cut off?",
    ),
    "whole_twice": (
        _with_last_line(lambda through_f, through_shortcut: (through_f + through_shortcut,) * 2),
        "Are these two different tensors? Both are the whole gradient. Is one path cut off in each of the two passes, "
        "or is x.grad, to which backward() adds, handed back twice?",
    ),
    "accumulated": (
        _with_last_line(lambda through_f, through_shortcut: (through_f, through_f + through_shortcut)),
        "What does the second backward() do to x.grad? It adds to what is there. Start it afresh, or "
        "take the difference.",
    ),
    "accumulated_the_other_way": (
        _with_last_line(lambda through_f, through_shortcut: (through_f + through_shortcut, through_shortcut)),
        "Is the first part the gradient through F alone? It holds the shortcut's as well: x.grad was not empty, or "
        "nothing was cut off.",
    ),
    "not_split": (
        _with_last_line(lambda through_f, through_shortcut: through_f + through_shortcut),
        "How many tensors are asked for? This is the whole gradient; take it apart.",
    ),
    "shortcut_only": (
        _with_last_line(lambda through_f, through_shortcut: through_shortcut),
        "How many tensors are asked for? The part through the shortcut is there, and the part through F is missing.",
    ),
    "norms": (
        _with_last_line(lambda through_f, through_shortcut: (through_f.norm().item(), through_shortcut.norm().item())),
        "What is asked for, the gradients or their norms? Each part has the shape of x.",
    ),
    "mean": (
        _mean,
        "Which number is differentiated? The sum of the output, not its mean.",
    ),
    "no_requires_grad": (
        _no_requires_grad,
        "Does autograd know that you want the gradient at x? Inputs are not watched by themselves: requires_grad.",
    ),
    "x_detached_everywhere": (
        _x_detached_everywhere,
        "Does any path from x to the output keep its gradient? Both are cut off. Detach one of them only.",
    ),
    "no_gradient": (
        lambda block, x: (None, None),
        "Why is x.grad None? Either x is not watched (requires_grad), or another tensor than x went into the block.",
    ),
    "returns_none": (lambda block, x: None, "What does the function give back? Is a return missing?"),
}
"""Each mistake by its id: an implementation and the hint."""

SHORTCUT_GRADIENT = Exercise(
    "shortcut_gradient",
    "03",
    shortcut_gradient,
    _compare_gradients,
    tuple(Mistake(name, implementation, hint) for name, (implementation, hint) in HINTS.items()),
)
