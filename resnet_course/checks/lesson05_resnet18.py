"""Lesson 05, `resnet18`: the whole network, from the number of classes."""

from __future__ import annotations

import inspect
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.checks.compare import default_of
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.checks.lesson05_wrong_networks import (
    NoGradient,
    NoLastStage,
    NoStemRelu,
    behind,
    changed,
    fixed_pooling,
    hidden_stages,
    linear_bias,
    network,
    no_linear,
    no_stem_norm,
    pooled,
    shared_blocks,
    staged,
    stem_bias,
    stem_pool,
    stem_stride,
    with_linear,
)
from resnet_course.checks.networks import Case, SameNetwork
from resnet_course.models import Bottleneck, PlainBlock, ResNet, resnet18

CASES = (
    Case(10, (1, 3, 32, 32)),
    Case(10, (1, 3, 40, 40)),
    Case(7, (2, 3, 16, 16), training=True),
)
OTHER_BLOCKS = [1, 2, 3, 4]  # in ResNet-18 all four numbers are equal, which hides a stage that takes another's
SAME = SameNetwork(resnet18, CASES)


def _compare(candidate: Any, implementation: Any) -> str | None:
    """The networks, and for an answer that makes the right one also the class behind it."""
    difference = SAME(candidate, implementation)
    return difference if difference is not None or implementation is not resnet18 else _class_differs(candidate)


def _class_differs(candidate: Any) -> str | None:
    """Whether a class `ResNet(block, num_blocks, num_classes)` serves for other blocks and depths as well."""
    try:
        with torch.device("meta"):
            classes = [kind for kind in type(candidate(10)).__mro__ if _takes_blocks(kind)]
    except Exception:  # an answer whose weights must be real; it has passed, and building more of them takes long
        classes = []
    with torch.device("meta"):
        mine = [kind(Bottleneck, OTHER_BLOCKS, num_classes=10) for kind in classes]
        needed = _count_parameters(ResNet(Bottleneck, OTHER_BLOCKS, num_classes=10))
    for kind, network_of_it in zip(classes, mine, strict=True):
        count = _count_parameters(network_of_it)
        if count != needed:
            call = f"{kind.__name__}(Bottleneck, {OTHER_BLOCKS})"
            return f"ResNet18 is right, but {call} has {count:,} parameters where {needed:,} are needed."
    for function, place in ((candidate, 0), *((kind, 2) for kind in classes)):
        default = default_of(function, place)
        if default not in ("missing", 10):
            return f"the default of num_classes should be 10 and is {default!r}."
    return None


def _takes_blocks(kind: type) -> bool:
    names = list(inspect.signature(kind.__init__).parameters)
    return "__init__" in vars(kind) and names[1:] == ["block", "num_blocks", "num_classes"]


def _count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


RESNET18 = Exercise(
    "resnet18",
    "05",
    resnet18,
    _compare,
    (
        Mistake(
            "network_given",
            nn.Identity(),
            "What is handed to the check? The class or function itself, without brackets: the check makes networks "
            "of its own.",
        ),
        Mistake(
            "nothing_returned",
            lambda num_classes=10: None,
            "What does it return? A network is asked for.",
        ),
        Mistake(
            "blocks_not_chosen",
            ResNet,
            "Which block, and how many in each stage? The check calls it with the number of classes alone.",
        ),
        Mistake(
            "forward_returns_nothing",
            behind(lambda logits: None),
            "What does `forward` return? The logits are missing.",
        ),
        Mistake(
            "stem_relu_forgotten",
            network(kind=NoStemRelu),
            "What follows the very first batch norm? The stem ends with a ReLU, too.",
        ),
        Mistake(
            "stem_norm_forgotten",
            changed(no_stem_norm),
            "What follows the very first convolution? The stem has a batch norm, too.",
        ),
        Mistake(
            "stem_bias_left_on",
            changed(stem_bias),
            "Does the first convolution need a bias? A batch norm follows it.",
        ),
        Mistake(
            "stem_of_imagenet",
            network(stem="imagenet"),
            "Which stem is this? 7×7 at stride 2 with max pooling is for images of 224×224; small images get a 3×3 "
            "convolution at stride 1.",
        ),
        Mistake(
            "stem_stride_2",
            changed(stem_stride),
            "How large is the image behind the first convolution? The stem for small images keeps height and width.",
        ),
        Mistake(
            "stem_pooling",
            changed(stem_pool),
            "How large is the image behind the stem? For small images there is no max pooling before the stages.",
        ),
        Mistake(
            "in_planes_forgotten",
            staged(in_planes_forgotten=True),
            "How many channels come into the second block of `layer2`? `self.in_planes` must be updated after every "
            "block.",
        ),
        Mistake(
            "stride_in_first_stage",
            staged(strides=(2, 2, 2, 2)),
            "Which stages halve the image? The first one keeps its size.",
        ),
        Mistake(
            "no_strides",
            staged(strides=(1, 1, 1, 1)),
            "Where does the image become smaller? No stage halves it, and the pooling hides that: shapes and "
            "parameters are right all the same.",
        ),
        Mistake(
            "last_stride_forgotten",
            staged(strides=(1, 2, 2, 1)),
            "Which stages halve the image? Look at the last one: the pooling hides it, but its map is 8×8, not 4×4.",
        ),
        Mistake(
            "stride_on_every_block",
            staged(later_stride=True),
            "Which blocks of a stage take the stride? Only the first.",
        ),
        Mistake(
            "channels_not_doubled",
            staged((64, 64, 64, 64)),
            "How many channels has each stage? They double from stage to stage, up to 512.",
        ),
        Mistake(
            "channels_from_16",
            network(width=16),
            "How many channels has the first stage? 16 is the paper's small CIFAR family; ResNet-18 starts with 64.",
        ),
        Mistake(
            "three_stages",
            network(num_blocks=(2, 2, 2)),
            "How many stages are there? ResNet-18 has four.",
        ),
        Mistake(
            "one_block_each",
            network(num_blocks=(1, 1, 1, 1)),
            "How many blocks has each stage? With one block each it is a ResNet-10.",
        ),
        Mistake(
            "blocks_of_resnet34",
            network(num_blocks=(3, 4, 6, 3)),
            "How many blocks has each stage? [3, 4, 6, 3] makes ResNet-34.",
        ),
        Mistake(
            "bottleneck_blocks",
            network(Bottleneck),
            "Which block is this? ResNet-18 has basic blocks; the bottleneck comes with ResNet-50.",
        ),
        Mistake(
            "plain_blocks",
            network(PlainBlock),
            "Which block is this? Without shortcuts it is the plain 18-layer network.",
        ),
        Mistake(
            "stages_not_registered",
            changed(hidden_stages),
            "Does `parameters()` find the stages? Modules in a Python list are not registered: neither the optimizer "
            "nor `state_dict` sees them.",
        ),
        Mistake(
            "shared_blocks",
            changed(shared_blocks),
            "Is each block of the first stage a block of its own? One object used twice shares its weights.",
        ),
        Mistake(
            "last_stage_skipped",
            network(kind=NoLastStage),
            "Which stages does `forward` run? The last one is built and never used.",
        ),
        Mistake(
            "max_pooling_at_the_end",
            pooled(lambda out: F.adaptive_max_pool2d(out, 1).flatten(1)),
            "How is the last map reduced to one number for each channel? By the mean, not by the largest value.",
        ),
        Mistake(
            "sum_at_the_end",
            pooled(lambda out: out.sum(dim=(2, 3))),
            "How is the last map reduced to one number for each channel? By the mean; a sum grows with the image.",
        ),
        Mistake(
            "fixed_pooling",
            pooled(fixed_pooling),
            "What does a pooling window of 4×4 do with a map of 6×6? Only 32×32 images end at 4×4; the pooling must "
            "adapt to the map.",
        ),
        Mistake(
            "linear_for_64",
            with_linear(2048, fixed_pooling),
            "For which image size does the linear layer have 2048 inputs? For 64×64 only, and a pooling of fixed "
            "size: 32×32 images give 512 numbers.",
        ),
        Mistake(
            "no_pooling",
            with_linear(512 * 16, lambda out: out.flatten(1)),
            "What reduces the 4×4 map of each channel to one number? The pooling is missing, and the linear layer is "
            "16 times as large.",
        ),
        Mistake(
            "flatten_forgotten",
            pooled(lambda out: F.adaptive_avg_pool2d(out, 1)),
            "Which shape does the pooling give? (N, 512, 1, 1) still has height and width; the linear layer takes "
            "(N, 512).",
        ),
        Mistake(
            "num_classes_ignored",
            lambda num_classes=10: resnet18(10),
            "Where does `num_classes` go? The last layer must have that many outputs.",
        ),
        Mistake(
            "linear_forgotten",
            changed(no_linear),
            "What turns the 512 features into one number for each class? The linear layer is missing.",
        ),
        Mistake(
            "linear_without_bias",
            changed(linear_bias),
            "Does the linear layer need its bias? No batch norm follows it, so it does.",
        ),
        Mistake(
            "softmax_at_the_end",
            behind(lambda logits: F.softmax(logits, dim=1)),
            "What does the cross-entropy of PyTorch take? Logits; it applies the softmax itself.",
        ),
        Mistake(
            "log_softmax_at_the_end",
            behind(lambda logits: F.log_softmax(logits, dim=1)),
            "What does the cross-entropy of PyTorch take? Logits; it applies the log-softmax itself.",
        ),
        Mistake(
            "relu_at_the_end",
            behind(F.relu),
            "May a logit be negative? The linear layer is the last step: no ReLU follows it.",
        ),
        Mistake(
            "no_gradient",
            network(kind=NoGradient),
            "Can this network learn? No gradient flows: is there a no_grad or a detach?",
        ),
    ),
)
