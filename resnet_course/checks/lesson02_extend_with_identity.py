"""Lesson 02, `extend_with_identity`: a deeper network that computes the same."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import nn

from resnet_course.checking.compare import close, seeded
from resnet_course.checking.core import Exercise, Mistake
from resnet_course.models import PlainBlock

BLOCK_CASES = (((4, 4, 1), (3, 4, 8, 8)), ((4, 6, 1), (3, 4, 8, 8)), ((4, 8, 2), (3, 4, 8, 8)))


def extend_with_identity(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    """Append `count` plain blocks that pass non-negative numbers on unchanged, in eval mode.

    Shape:
        the returned stage maps shapes as `stage` does
    """
    return nn.Sequential(*stage, *(_identity_block(planes) for _ in range(count)))


def _identity_block(planes: int) -> PlainBlock:
    block = PlainBlock(planes, planes)
    _set_to_identity(block)
    return block.eval()


def _set_to_identity(block: PlainBlock) -> None:
    for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        nn.init.dirac_(conv.weight)
        # In eval mode batch norm divides by sqrt(running_var + eps); this scale takes it back.
        nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))


def _without_dirac(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    return nn.Sequential(*stage, *(PlainBlock(planes, planes) for _ in range(count)))


def _all_zero(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    longer = extend_with_identity(stage, planes, count)
    for block in longer[len(stage) :]:
        nn.init.zeros_(block.conv1.weight)
        nn.init.zeros_(block.conv2.weight)
    return longer


def _all_ones(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    longer = extend_with_identity(stage, planes, count)
    for block in longer[len(stage) :]:
        nn.init.ones_(block.conv1.weight)
        nn.init.ones_(block.conv2.weight)
    return longer


def _half_dirac(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    longer = _without_dirac(stage, planes, count)
    for block in longer[len(stage) :]:
        nn.init.dirac_(block.conv1.weight)
        nn.init.constant_(block.bn1.weight, math.sqrt(1 + block.bn1.eps))
    return longer


def _one_too_few(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    return extend_with_identity(stage, planes, count - 1)


def _in_front(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_identity_block(planes) for _ in range(count)), *stage)


def _old_blocks_changed(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    for block in stage:
        _set_to_identity(block)
    return extend_with_identity(stage, planes, count)


def _compare_extensions(candidate: Any, implementation: Any) -> str | None:
    """Same function as the implementation, in double precision, so that a forgotten epsilon shows."""
    for planes, blocks, count in ((4, 1, 3), (6, 2, 1)):
        stage = nn.Sequential(*(PlainBlock(planes, planes) for _ in range(blocks))).eval()
        x = torch.randn(2, planes, 6, 6).double()
        before = copy.deepcopy(stage).double()(x)
        mine = seeded(candidate, copy.deepcopy(stage), planes, count)
        expected = seeded(implementation, copy.deepcopy(stage), planes, count)
        if not isinstance(mine, nn.Module) or not hasattr(mine, "__len__"):
            return "the result should be an nn.Sequential."
        if len(mine) != len(expected):
            return f"the longer stage should have {blocks + count} blocks and has {len(mine)}."
        with torch.no_grad():
            longer, reference = mine.double().eval()(x), expected.double().eval()(x)
        if longer.shape == reference.shape and close(longer, reference, 1e-6):
            continue
        largest = (longer - before).abs().max().item()
        return f"in eval mode, the longer stage gives other numbers than before, by up to {largest:.2g}."
    return None


def _epsilon_forgotten(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    longer = extend_with_identity(stage, planes, count)
    for block in longer[len(stage) :]:
        nn.init.ones_(block.bn1.weight)
        nn.init.ones_(block.bn2.weight)
    return longer


def _sign_of_epsilon(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    longer = extend_with_identity(stage, planes, count)
    for block in longer[len(stage) :]:
        nn.init.constant_(block.bn1.weight, math.sqrt(1 - block.bn1.eps))
        nn.init.constant_(block.bn2.weight, math.sqrt(1 - block.bn2.eps))
    return longer


EXTEND_WITH_IDENTITY = Exercise(
    "extend_with_identity",
    "02",
    extend_with_identity,
    _compare_extensions,
    (
        Mistake(
            "nothing_appended",
            lambda stage, planes, count: stage,
            "How many blocks does the longer stage have? The stage has as many blocks as before: the new ones are not "
            "part of what comes back. With 3 trained blocks and count=6 there should be 9.",
        ),
        Mistake(
            "all_zero",
            _all_zero,
            "What comes out of a convolution whose weights are all zero? A convolution of zeros gives zero, whatever "
            "goes in, so everything the trained blocks found is lost. To copy its input, a kernel needs a single one: "
            "in the middle, for its own channel. nn.init.dirac_ sets that.",
        ),
        Mistake(
            "all_ones",
            _all_ones,
            "What does a kernel of ones compute? A kernel of ones computes the sum of all nine neighbours in all "
            "channels: with 16 channels 144 numbers are added up. To copy, a kernel needs a single one, in the "
            "middle, for its own channel.",
        ),
        Mistake(
            "one_convolution_only",
            _half_dirac,
            "How many convolutions of a new block copy their input? Only one of the two convolutions copies its "
            "input. The other still has random weights and mixes up what the first has copied. Convolution and batch "
            "norm have to be set in both pairs.",
        ),
        Mistake(
            "random_weights",
            _without_dirac,
            "What do the weights of a new block compute? The new blocks compute something random: PyTorch fills a new "
            "layer with random numbers, so the longer stage gives other numbers than before. Both convolutions and "
            "both batch norms have to be set.",
        ),
        Mistake(
            "one_block_too_few",
            _one_too_few,
            "How many blocks are new? There is one new block less than `count`. A stage of 3 blocks and count=6 "
            "should give 9 blocks: `count` is the number of new ones, not of all.",
        ),
        Mistake(
            "in_front",
            _in_front,
            "On which side of the trained blocks do the new ones stand? The new blocks stand in front. What comes in "
            "there may be negative, and their ReLUs would set it to 0. Behind the trained blocks no number is "
            "negative, so there the ReLUs change nothing.",
        ),
        Mistake(
            "old_blocks_changed",
            _old_blocks_changed,
            "Which blocks have other weights than before? The weights of the trained blocks were overwritten, so what "
            "they had learned is gone. Only the `count` new blocks may be set.",
        ),
        Mistake(
            "epsilon_forgotten",
            _epsilon_forgotten,
            "By what does batch norm divide when the stored variance is 1? Batch norm divides by the square root of 1 "
            "+ eps, which is 1.000005 and not 1. With a weight of 1 each batch norm makes the numbers a little "
            "smaller, and in 36 layers it adds up. The weight has to take this back.",
        ),
        Mistake(
            "sign_of_epsilon",
            _sign_of_epsilon,
            "Is the number under batch norm's root larger or smaller than the stored variance of 1? Batch norm adds "
            "eps to the variance. The weight here is the root of 1 - eps, which makes the numbers smaller once more; "
            "it has to undo a division by the root of 1 + eps.",
        ),
    ),
)
