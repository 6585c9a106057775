"""Lesson 02, `gradient_norms`: gradient by layer."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checking.compare import differ
from resnet_course.checking.core import Exercise, Mistake
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
            "What are the gradient's norms compared with? The norm of the gradient itself comes back. A layer with "
            "more or larger weights has another gradient, so layers of different size cannot be compared. Divide by "
            "the norm of the layer's own weight.",
        ),
        Mistake(
            "weight_instead_of_gradient",
            _weight_norms,
            "Which tensor's norm is this? The result is made of the weights' norms, which say nothing about the "
            "gradient. After backward() the gradient of a weight stands in its .grad.",
        ),
        Mistake(
            "old_gradients_added",
            _accumulated,
            "What stood in .grad before your backward()? The gradient of an earlier batch stood there, and backward() "
            "added to it, so the norms are those of a sum. Old gradients have to be cleared before the pass.",
        ),
        Mistake(
            "all_parameters",
            _all_layers,
            "Which layers have a number in the list? All layers are in the list, batch norms and linear layer too. "
            "Only the convolutions are asked for: 7 numbers for a network with 7 convolutions.",
        ),
        Mistake(
            "reversed",
            _reversed,
            "From which end of the network does the list start? The list starts at the output here. The first number "
            "should belong to the convolution nearest to the input, which is the order of model.modules().",
        ),
        Mistake(
            "squared",
            _squared,
            "What is the norm of a tensor that holds 3 and 4? For a tensor with 3 and 4 the norm is 5, and here 25 "
            "comes out: the squares are added up and the root is missing. Or the quotient of the norms was squared.",
        ),
        Mistake(
            "upside_down",
            _upside_down,
            "What is divided by what? The norm of the weight is divided by that of the gradient here. The other way "
            "round, the number says by what fraction of its size the layer would change in a step with learning rate "
            "1.",
        ),
        Mistake(
            "in_eval_mode",
            _in_eval_mode,
            "In which mode is the model during the pass? The model is in eval mode, where batch norm uses its stored "
            "statistics, and the gradients are other ones. The question is what happens in training, so leave the "
            "mode as it came in.",
        ),
        Mistake(
            "loss_summed",
            _summed,
            "How does the result change, if the batch has twice as many images? The loss is the sum over the batch "
            "here, so twice as many images give about twice the norms. Cross-entropy takes the mean when nothing is "
            "said, as in the training, and the norms then do not grow with the batch.",
        ),
    ),
)
