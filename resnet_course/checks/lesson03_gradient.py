"""Lesson 03, `shortcut_gradient`: what reaches x through F, and what reaches it through the shortcut."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_course.checking.compare import differ, randomise
from resnet_course.checking.core import Exercise, Mistake
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
        "What is the last step of the block? The ReLU of the sum is missing here. It stops the gradient wherever the "
        "sum is negative, on both ways alike, so without it both parts are too large.",
    ),
    "own_relus": (
        _own_relus,
        "Of which tensor is the ReLU taken? Here each part gets a ReLU of its own. The block takes it of the sum F(x) "
        "+ shortcut(x), and lets the gradient pass where the sum is positive, whatever the sign of one part. Keep "
        "both in the sum, and cut one gradient.",
    ),
    "zeros_on_the_other_path": (
        _zeros_on_the_other_path,
        "What stands in the sum in place of the other way? The other way is computed from zeros, so the sum is "
        "another one, and the ReLU opens and closes at other places. The numbers of the other way must stay; only its "
        "gradient has to go.",
    ),
    "swapped": (
        _with_last_line(lambda through_f, through_shortcut: (through_shortcut, through_f)),
        "Which of the two parts comes first? The part through the shortcut comes first here. Asked is first the one "
        "through F, then the one through the shortcut. To get the first, it is the shortcut that is cut off.",
    ),
    "whole_twice": (
        _with_last_line(lambda through_f, through_shortcut: (through_f + through_shortcut,) * 2),
        "How do your two tensors differ? Both tensors are the whole gradient. Either no way was cut off, or x.grad "
        "was handed back twice, which is one and the same tensor to which each backward() adds.",
    ),
    "accumulated": (
        _with_last_line(lambda through_f, through_shortcut: (through_f, through_f + through_shortcut)),
        "What does the second backward() do to x.grad? The second backward() adds to what stands in x.grad, so the "
        "second tensor holds both parts. Clear x.grad between the two passes, or use torch.autograd.grad, which adds "
        "to nothing.",
    ),
    "accumulated_the_other_way": (
        _with_last_line(lambda through_f, through_shortcut: (through_f + through_shortcut, through_shortcut)),
        "Which ways does the first of your tensors hold? The first tensor holds both parts, while the second is "
        "right. x.grad was not empty when the pass for the first began, or the shortcut was not cut off in it.",
    ),
    "not_split": (
        _with_last_line(lambda through_f, through_shortcut: through_f + through_shortcut),
        "How many tensors should come back? One tensor comes back here, the whole gradient. Two are asked for: what "
        "comes through F, and what comes through the shortcut. Cut off one way at a time.",
    ),
    "shortcut_only": (
        _with_last_line(lambda through_f, through_shortcut: through_shortcut),
        "Which of the two parts are there? Only the part through the shortcut comes back. The part through F is asked "
        "for as well, and comes first: there the shortcut is cut off, and F is not.",
    ),
    "norms": (
        _with_last_line(lambda through_f, through_shortcut: (through_f.norm().item(), through_shortcut.norm().item())),
        "Which shape do the two results have? The results are single numbers, the norms. The gradients themselves are "
        "asked for, each of the shape of x, so that they can be added up.",
    ),
    "mean": (
        _mean,
        "Of which number is the gradient taken? The gradient is that of the mean of the output, so every entry is "
        "divided by the number of outputs. The exercise takes the sum.",
    ),
    "no_requires_grad": (
        _no_requires_grad,
        "How does autograd know that you want a gradient at x? Autograd does not watch x: a tensor that is not marked "
        "is treated as a constant, so no gradient at x can be computed. Parameters are marked by themselves, an input "
        "has to be.",
    ),
    "x_detached_everywhere": (
        _x_detached_everywhere,
        "On which ways is x still connected with the output? x is detached in front of F and in front of the "
        "shortcut, so nothing depends on x any more. In each pass only one of the two ways is cut off.",
    ),
    "no_gradient": (
        lambda block, x: (None, None),
        "Why is there no gradient at x? x.grad is None when x is not marked with requires_grad, or when the block was "
        "given another tensor than the one you look at. x.detach() and x * 1, for example, are new tensors.",
    ),
    "returns_none": (
        lambda block, x: None,
        "What does the function give back? A Python function without a `return` gives back None, so the two gradients "
        "are lost. Hand them back as a pair.",
    ),
}
"""Each mistake by its id: an implementation and the hint."""

SHORTCUT_GRADIENT = Exercise(
    "shortcut_gradient",
    "03",
    shortcut_gradient,
    _compare_gradients,
    tuple(Mistake(name, implementation, hint) for name, (implementation, hint) in HINTS.items()),
)
