"""Lesson 02, `gradient_norms`: gradient by layer."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.compare import differ
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.inspection import gradient_norms
from resnet_course.models import cifar_resnet

BLOCK_CASES = (((4, 4, 1), (3, 4, 8, 8)), ((4, 6, 1), (3, 4, 8, 8)), ((4, 8, 2), (3, 4, 8, 8)))


def gradient_norms_list(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    """Gradient norm over weight norm of each convolution, from the input to the output of the network."""
    return list(gradient_norms(model, images, targets).values())


def _absolute(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    return list(gradient_norms(model, images, targets, relative=False).values())


def _weight_norms(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    return [module.weight.norm().item() for module in model.modules() if isinstance(module, nn.Conv2d)]


def _accumulated(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    F.cross_entropy(model(images), targets).backward()
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    return [(conv.weight.grad.norm() / conv.weight.norm()).item() for conv in convolutions]


def _all_layers(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    model.zero_grad()
    F.cross_entropy(model(images), targets).backward()
    return [(p.grad.norm() / p.norm()).item() for p in model.parameters()]


def _reversed(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    return gradient_norms_list(model, images, targets)[::-1]


def _squared(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    return [value**2 for value in gradient_norms_list(model, images, targets)]


def _upside_down(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    return [1 / value for value in gradient_norms_list(model, images, targets)]


def _in_eval_mode(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    model.zero_grad()
    model.eval()
    return _accumulated(model, images, targets)


def _summed(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    return [value * len(targets) for value in gradient_norms_list(model, images, targets)]


def _compare_norms(candidate: Any, implementation: Any) -> str | None:
    images, targets = torch.randn(8, 3, 8, 8), torch.arange(8)
    model = cifar_resnet(8, residual=False, width=4)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.bias, -0.5, 0.5)
    models = [copy.deepcopy(model) for _ in range(2)]
    for each in models:
        # Old gradients, as in the middle of a training: they must not be counted again.
        F.cross_entropy(each(images), targets.flip(0)).backward()
    mine, expected = candidate(models[0], images, targets), implementation(models[1], images, targets)
    if isinstance(mine, dict):
        mine = list(mine.values())
    return differ(mine, expected, "the list of norms")


GRADIENT_NORMS = Exercise(
    "gradient_norms",
    "02",
    gradient_norms_list,
    _compare_norms,
    (
        Mistake(
            "not_relative",
            _absolute,
            "Norm of the gradient divided by what? A large layer has a large gradient: divide by the norm of its "
            "weight.",
        ),
        Mistake(
            "weight_instead_of_gradient",
            _weight_norms,
            "Whose norm is this? It is the weight's; the gradient stands in weight.grad after backward().",
        ),
        Mistake(
            "old_gradients_added",
            _accumulated,
            "What was in .grad before? backward() adds to it: call model.zero_grad() first.",
        ),
        Mistake(
            "all_parameters",
            _all_layers,
            "Which layers are asked for? Only the convolutions, not batch norm and the linear layer.",
        ),
        Mistake(
            "reversed",
            _reversed,
            "In which order is the list? From the input to the output of the network.",
        ),
        Mistake(
            "squared",
            _squared,
            "Is this the norm or its square? The norm is the square root of the sum of squares: tensor.norm().",
        ),
        Mistake(
            "upside_down",
            _upside_down,
            "What is divided by what? The norm of the gradient by the norm of the weight.",
        ),
        Mistake(
            "in_eval_mode",
            _in_eval_mode,
            "Which mode is the model in? The gradients of the training are asked for, with batch norm as in "
            "training: leave the mode alone.",
        ),
        Mistake(
            "loss_summed",
            _summed,
            "Is the loss the mean or the sum over the batch? The sum makes every gradient as many times larger as "
            "there are images.",
        ),
    ),
)
