"""Lesson 03, `zero_init_residual`: every block starts as the identity."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checks.compare import differ, randomise
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.models import BasicBlock, ResNet


def zero_init_residual(model: nn.Module) -> None:
    """Set the scale of the last batch norm of every `BasicBlock` to zero, in place: each block starts as the identity.

    Reference: Goyal et al. 2017, arXiv 1706.02677, section 5.1.
    """
    for block in _blocks(model):
        nn.init.zeros_(block.bn2.weight)


def _blocks(model: nn.Module) -> list[BasicBlock]:
    return [module for module in model.modules() if isinstance(module, BasicBlock)]


def _in_each_block(change: Callable[[Any], Any]) -> Callable[[nn.Module], None]:
    def wrong(model: nn.Module) -> None:
        for block in _blocks(model):
            change(block)

    return wrong


def _zero(*names: str) -> Callable[[nn.Module], None]:
    """Set other parameters of each block to zero."""

    @_in_each_block
    def wrong(block: Any) -> None:
        for name in names:
            nn.init.zeros_(block.get_parameter(name))

    return wrong


@_in_each_block
def _zero_with_projection(block: Any) -> None:
    nn.init.zeros_(block.bn2.weight)
    if len(block.shortcut):
        nn.init.zeros_(block.shortcut[1].weight)


@_in_each_block
def _zero_and_freeze(block: Any) -> None:
    nn.init.zeros_(block.bn2.weight).requires_grad_(False)


def _zero_everywhere(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.zeros_(module.weight)


def _zero_one(index: int) -> Callable[[nn.Module], None]:
    def wrong(model: nn.Module) -> None:
        nn.init.zeros_(_blocks(model)[index].bn2.weight)

    return wrong


def _zero_last_of_stage(model: nn.Module) -> None:
    for stage in (model.layer1, model.layer2, model.layer3):
        nn.init.zeros_(stage[-1].bn2.weight)


def _zero_a_copy(model: nn.Module) -> nn.Module:
    model = copy.deepcopy(model)
    zero_init_residual(model)
    return model


def _in_place_with_gradient(model: nn.Module) -> None:
    for block in _blocks(model):
        block.bn2.weight *= 0


def _number_for_parameter(model: nn.Module) -> None:
    for block in _blocks(model):
        block.bn2.weight = 0


def _tensor_for_parameter(model: nn.Module) -> None:
    for block in _blocks(model):
        block.bn2.weight = torch.zeros(len(block.bn2.weight))


def _compare_starts(candidate: Any, implementation: Any) -> str | None:
    """What became of the parameters of a small network. Handing back the model is as right as handing back nothing."""
    states = []
    for function in (candidate, implementation):
        model = ResNet(BasicBlock, [2, 2, 2], width=4, shortcut="B")
        randomise(model)
        result = function(model)
        changed = result if isinstance(result, nn.Module) and result is not model else None
        states.append((_described(model), None if changed is None else _described(changed)))
    mine, expected = states
    for name in expected[0]:
        difference = differ(mine[0].get(name), expected[0][name], name)
        if difference is not None:
            return difference
    return differ(mine[1] is None, expected[1] is None, "whether the model itself is changed")


def _described(model: nn.Module) -> dict[str, Tensor | bool]:
    found: dict[str, Tensor | bool] = dict(model.state_dict())
    found |= {f"{name}.requires_grad": parameter.requires_grad for name, parameter in model.named_parameters()}
    return found


ZERO_INIT_RESIDUAL = Exercise(
    "zero_init_residual",
    "03",
    zero_init_residual,
    _compare_starts,
    (
        Mistake(
            "copy_changed",
            _zero_a_copy,
            "Which model was changed? A copy came back, and the model that was handed in is as before.",
        ),
        Mistake(
            "nothing_changed",
            lambda model: None,
            "No weight has changed. Which blocks did the loop find? isinstance must ask for the class that the network "
            "holds, CourseBlock, and model.modules() reaches the blocks inside the stages.",
        ),
        Mistake(
            "first_batch_norm",
            _zero("bn1.weight"),
            "Which batch norm ends F? This is the first one. With its scale at zero the second convolution gets a "
            "constant, and F is not zero.",
        ),
        Mistake(
            "both_batch_norms",
            _zero("bn1.weight", "bn2.weight"),
            "How many of the block's batch norms must be zero? With both at zero no gradient gets into the block: "
            "only the last one.",
        ),
        Mistake(
            "bias_for_weight",
            _zero("bn2.bias"),
            "Which of batch norm's two parameters scales? This is the one that shifts (beta).",
        ),
        Mistake(
            "bias_too",
            _zero("bn2.weight", "bn2.bias"),
            "Is the shift asked for? It is zero already when a network is new, and in a trained one it would be lost: "
            "only the scale.",
        ),
        Mistake(
            "convolution_for_batch_norm",
            _zero("conv2.weight"),
            "What was set to zero? This is the convolution. Batch norm divides by its deviation, which is then zero "
            "too; set batch norm's scale.",
        ),
        Mistake(
            "ones",
            _in_each_block(lambda block: nn.init.ones_(block.bn2.weight)),
            "Which number makes F(x) vanish? A scale of one is how batch norm starts anyway.",
        ),
        Mistake(
            "projection_too",
            _zero_with_projection,
            "Which batch norm ends F? The one on the shortcut is not part of F. With both at zero the block gives zero "
            "and not x.",
        ),
        Mistake(
            "everywhere",
            _zero_everywhere,
            "Which batch norms were found? All of them, the stem's and the first of each block too. Nothing passes "
            "through the network any more.",
        ),
        Mistake(
            "first_block_only",
            _zero_one(0),
            "How many blocks were changed? Only the first: does a return or break stand inside the loop?",
        ),
        Mistake("last_block_only", _zero_one(-1), "How many blocks were changed? Only the last one of the network."),
        Mistake(
            "last_of_each_stage",
            _zero_last_of_stage,
            "Which blocks were changed? Only the last of each stage. Every block has a batch norm that ends its F.",
        ),
        Mistake(
            "frozen",
            _zero_and_freeze,
            "Can the scale still learn? requires_grad is off. Zero is only where it starts.",
        ),
        Mistake(
            "no_grad_missing",
            _in_place_with_gradient,
            "May a parameter be changed in place while autograd watches? Use nn.init, or torch.no_grad().",
        ),
        Mistake(
            "number_assigned",
            _number_for_parameter,
            "What is weight? A parameter with one number for each channel. Change what it holds; do not put a number "
            "in its place.",
        ),
        Mistake(
            "tensor_assigned",
            _tensor_for_parameter,
            "What is weight? A Parameter, and a plain tensor cannot take its place. Change what it holds.",
        ),
    ),
)
