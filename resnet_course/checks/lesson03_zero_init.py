"""Lesson 03, `zero_init_residual`: every block starts as the identity."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.compare import differ, randomise
from resnet_course.checking.core import Exercise, Mistake
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
            "What has changed in the model that was handed in? The model is as before: a copy was changed and handed "
            "back. The exercise asks you to change the model itself, since its optimizer may already hold these "
            "parameters.",
        ),
        Mistake(
            "nothing_changed",
            lambda model: None,
            "No weight has changed, so which blocks did the loop find? The loop found no block. isinstance has to ask "
            "for the class that this network is built from, CourseBlock, which is not the class that you wrote above; "
            "and model.modules(), unlike children(), reaches the blocks inside the stages.",
        ),
        Mistake(
            "first_batch_norm",
            _zero("bn1.weight"),
            "Which of the two batch norms ends F? F ends with the second batch norm, and here the first was set to "
            "zero. In a new network F(x) is then zero too, but the ReLU behind this batch norm gets only zeros and "
            "passes no gradient at 0: this scale never moves, and F never becomes more than a shift.",
        ),
        Mistake(
            "both_batch_norms",
            _zero("bn1.weight", "bn2.weight"),
            "How many scales in a row start at zero? Two scales in a row start at zero. Neither ever gets a gradient "
            "then: what reaches the last one is zero, and what comes back to the first is multiplied by zero. F would "
            "never become more than a shift, so only the last batch norm starts at zero.",
        ),
        Mistake(
            "bias_for_weight",
            _zero("bn2.bias"),
            "Which of batch norm's two parameters multiplies? Here the shift β was set to zero, the parameter called "
            "`bias`. It is zero in a new network anyway, so nothing changes there and F(x) does not vanish. The scale "
            "γ is called `weight`.",
        ),
        Mistake(
            "bias_too",
            _zero("bn2.weight", "bn2.bias"),
            "Which parameters of the batch norm have changed? Scale and shift were both set to zero. In a new network "
            "the shift is zero already; in a trained one its value would be lost. Only the scale is asked for.",
        ),
        Mistake(
            "convolution_for_batch_norm",
            _zero("conv2.weight"),
            "Which kind of layer was set to zero? A convolution was set to zero. F(x) vanishes then too, but the "
            "batch norm behind it divides by the deviation of zeros: only eps = 0.00001 is left under the root, and "
            "it makes the gradient about 300 times as large. Set the scale of the batch norm.",
        ),
        Mistake(
            "ones",
            _in_each_block(lambda block: nn.init.ones_(block.bn2.weight)),
            "For which value of its scale does a batch norm give zero? The scale was set to one. That is how every "
            "batch norm starts anyway, so nothing has changed in a new network. F(x) vanishes only when it is "
            "multiplied by zero.",
        ),
        Mistake(
            "projection_too",
            _zero_with_projection,
            "Is the changed batch norm part of F, or of the shortcut? The batch norm of the shortcut was set to zero "
            "as well. A block with a projection then gives zero for every image, and not its shortcut: all that the "
            "layers before it found is lost. Only F has to vanish.",
        ),
        Mistake(
            "everywhere",
            _zero_everywhere,
            "Which batch norms of the network were set to zero? All batch norms were set to zero, that of the stem "
            "and the first of each block too. Every image then becomes zeros, and all get the same logits. Only the "
            "last batch norm of each block is meant.",
        ),
        Mistake(
            "first_block_only",
            _zero_one(0),
            "How many blocks were changed? Only the first block was changed: the loop ends in its first turn, with a "
            "return or a break inside it. Every block should start as the identity.",
        ),
        Mistake(
            "last_block_only",
            _zero_one(-1),
            "How many of the blocks start as the identity now? Only the last block of the network starts as the "
            "identity. Each block has its own F, so each of them has to be changed inside the loop, not after it.",
        ),
        Mistake(
            "last_of_each_stage",
            _zero_last_of_stage,
            "Which blocks of a stage were changed? Only the last block of each stage was changed. The other blocks "
            "have an F as well, and with them the network does not start as a row of identities. Every block has to "
            "be changed.",
        ),
        Mistake(
            "frozen",
            _zero_and_freeze,
            "Which scales can the optimizer still change? requires_grad is off for these scales, so F(x) stays zero "
            "for good. Zero is only the value to start from; the parameter has to go on learning.",
        ),
        Mistake(
            "no_grad_missing",
            _in_place_with_gradient,
            "What does autograd say to a parameter that is changed in place? Autograd refuses the change: a parameter "
            "that waits for a gradient must not be overwritten while operations are recorded. The functions of "
            "nn.init switch the recording off, and torch.no_grad() does it for lines of your own.",
        ),
        Mistake(
            "number_assigned",
            _number_for_parameter,
            "What kind of object is the `weight` of a batch norm? A batch norm's `weight` is a Parameter with one "
            "number for each channel, and PyTorch refuses to put a plain number in its place. Keep the object, and "
            "set the numbers in it to zero in place.",
        ),
        Mistake(
            "tensor_assigned",
            _tensor_for_parameter,
            "What kind of object must the `weight` of a batch norm be? A batch norm's `weight` must be a Parameter, "
            "since that is what the optimizer changes; PyTorch refuses a plain tensor. Keep the object, and set the "
            "numbers in it to zero in place.",
        ),
    ),
)
