"""The exercises of lesson 04: when a shortcut needs a projection, the projection, zero padding, the bottleneck."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from resnet_course import models
from resnet_course.checks.compare import default_of, differ, same_function
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.checks.lesson04_shortcuts import PAD_SHORTCUT, PROJECTION_SHORTCUT

Shape = tuple[int, int, int]

# --- needs_projection ---------------------------------------------------------------------------------------------


def needs_projection(in_planes: int, planes: int, stride: int, expansion: int = 1) -> bool:
    """Whether a block changes the shape of its input: `expansion * planes` channels go out, at 1/stride of the size."""
    return models.needs_projection(in_planes, expansion * planes, stride)


NEED_CASES = tuple(
    (in_planes, planes, stride, expansion)
    for expansion in (1, 4)
    for stride in (1, 2, 3)
    for in_planes, planes in ((16, 16), (16, 32), (32, 16), (64, 16), (16, 64), (256, 64))
)


_same_answers = same_function(NEED_CASES)


def _compare_needs(candidate: Any, implementation: Any) -> str | None:
    defaults = default_of(candidate, 3), default_of(implementation, 3)
    return _same_answers(candidate, implementation) or differ(
        *defaults, "the default of the fourth argument, expansion,"
    )


def _without_default(in_planes: int, planes: int, stride: int, expansion: int) -> bool:
    return needs_projection(in_planes, planes, stride, expansion)


NEEDS_PROJECTION = Exercise(
    "needs_projection",
    "04",
    needs_projection,
    _compare_needs,
    tuple(
        Mistake(name, implementation, hint)
        for name, (implementation, hint) in {
            "stride_only": (
                lambda i, p, s, e=1: s != 1,
                "What if the stride is 1 and the channels change? Then x does not fit either.",
            ),
            "planes_only": (
                lambda i, p, s, e=1: i != e * p,
                "What if the channels stay and the stride is 2? Then x is too large.",
            ),
            "expansion_ignored": (
                lambda i, p, s, e=1: s != 1 or i != p,
                "How many channels leave the block? Not `planes`, but `expansion` times as many: a bottleneck's last "
                "convolution widens again.",
            ),
            "expansion_at_the_entrance": (
                lambda i, p, s, e=1: s != 1 or e * i != p,
                "On which side does `expansion` stand? It multiplies what goes out, not what comes in.",
            ),
            "expansion_alone": (
                lambda i, p, s, e=1: s != 1 or e != 1,
                "Does a bottleneck always need a projection? Compare what comes in with what goes out: from 256 "
                "channels to 4 * 64 nothing changes.",
            ),
            "expansion_added": (
                lambda i, p, s, e=1: s != 1 or i != p or e != 1,
                "What is compared with what? The channels that go out are one number, expansion * planes; compare "
                "in_planes with that.",
            ),
            "and_for_or": (
                lambda i, p, s, e=1: s != 1 and i != e * p,
                "Is it `and` or `or`? One change is enough.",
            ),
            "turned_round": (
                lambda i, p, s, e=1: not (s != 1 or i != e * p),
                "When is the answer True? Where a projection is needed, that is where something changes.",
            ),
            "equal_for_unequal": (
                lambda i, p, s, e=1: s != 1 or i == e * p,
                "Which comparison of the channels means a change, == or !=? This one asks for a projection where they "
                "are equal.",
            ),
            "stride_equal_to_1": (
                lambda i, p, s, e=1: s == 1 or i != e * p,
                "Which stride changes the size? A stride of 1 keeps it.",
            ),
            "stride_2_only": (
                lambda i, p, s, e=1: s == 2 or i != e * p,
                "Which strides change the size? Every one but 1, so also 3.",
            ),
            "growing_only": (
                lambda i, p, s, e=1: s != 1 or i < e * p,
                "What if fewer channels go out than come in? That does not fit either.",
            ),
            "always": (lambda i, p, s, e=1: True, "Is there a block that changes nothing? There x fits as it is."),
            "never": (
                lambda i, p, s, e=1: False,
                "Is there a block that changes its input's shape? There x does not fit.",
            ),
            "no_default": (
                _without_default,
                "Can it be called with three numbers? `expansion` needs the default 1.",
            ),
            "returns_none": (lambda i, p, s, e=1: None, "What does the function give back? Is a return missing?"),
        }.items()
    ),
)

# --- bottleneck_shapes --------------------------------------------------------------------------------------------


def bottleneck_shapes(in_planes: int, planes: int, stride: int, height: int) -> list[Shape]:
    """The shapes (C, H, W) behind the three convolutions of a bottleneck, for a square input of this height."""
    small = math.ceil(height / stride)
    return [(planes, height, height), (planes, small, small), (models.Bottleneck.expansion * planes, small, small)]


def _shapes(rule: Callable[[int, int, int, int, int], Any]) -> Callable[[int, int, int, int], Any]:
    """A wrong answer as a function of in_planes, planes, height before, height after, stride."""
    return lambda i, p, s, h: rule(i, p, h, math.ceil(h / s), s)


BOTTLENECK_SHAPES = Exercise(
    "bottleneck_shapes",
    "04",
    bottleneck_shapes,
    same_function(((64, 64, 1, 8), (256, 128, 2, 8), (256, 64, 1, 7), (128, 32, 2, 7), (48, 16, 3, 10))),
    tuple(
        Mistake(name, implementation, hint)
        for name, (implementation, hint) in {
            "stride_on_first": (
                _shapes(lambda i, p, h, s, stride: [(p, s, s), (p, s, s), (4 * p, s, s)]),
                "Which convolution carries the stride? In the paper it is the first one; here, as in torchvision, it "
                "is the 3x3 in the middle.",
            ),
            "stride_on_last": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, h, h), (4 * p, s, s)]),
                "Which convolution carries the stride? A strided 1x1 would throw pixels away unseen. It is the 3x3.",
            ),
            "stride_on_all": (
                _shapes(
                    lambda i, p, h, s, stride: [
                        (c, math.ceil(h / stride**n), math.ceil(h / stride**n)) for n, c in ((1, p), (2, p), (3, 4 * p))
                    ]
                ),
                "How many convolutions carry the stride? Only the one in the middle.",
            ),
            "stride_ignored": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, h, h), (4 * p, h, h)]),
                "What does the stride do to height and width behind the 3x3 convolution? It divides them, and here "
                "they stay.",
            ),
            "expansion_forgotten": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, s, s), (p, s, s)]),
                "How many channels does the last 1x1 convolution give? It widens by the block's expansion.",
            ),
            "expansion_everywhere": (
                _shapes(lambda i, p, h, s, stride: [(4 * p, h, h), (4 * p, s, s), (4 * p, s, s)]),
                "Where is the bottleneck narrow? Only the last convolution has four times `planes`.",
            ),
            "expansion_of_input": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, s, s), (4 * i, s, s)]),
                "Four times what? The last convolution widens `planes`, whatever came in.",
            ),
            "back_to_in_planes": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, s, s), (i, s, s)]),
                "Does the block give back as many channels as came in? Often, but not always: it gives 4 * planes.",
            ),
            "doubled": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, s, s), (2 * p, s, s)]),
                "By how much does the last convolution widen? The bottleneck's expansion is not 2.",
            ),
            "starts_with_input": (
                _shapes(lambda i, p, h, s, stride: [(i, h, h), (p, s, s), (4 * p, s, s)]),
                "What leaves the first convolution? It has already reduced in_planes to planes.",
            ),
            "input_listed": (
                _shapes(lambda i, p, h, s, stride: [(i, h, h), (p, h, h), (p, s, s), (4 * p, s, s)]),
                "How many shapes are asked for? One behind each convolution; the input is not among them.",
            ),
            "last_only": (
                _shapes(lambda i, p, h, s, stride: (4 * p, s, s)),
                "How many shapes are asked for? This is the last of three.",
            ),
            "channels_last": (
                _shapes(lambda i, p, h, s, stride: [(h, h, p), (s, s, p), (s, s, 4 * p)]),
                "In which order does PyTorch write a shape? Channels first: (C, H, W).",
            ),
            "rounded_down": (
                lambda i, p, s, h: [(p, h, h), (p, h // s, h // s), (4 * p, h // s, h // s)],
                "What is left of 7 rows at stride 2? The rows 0, 2, 4 and 6: with padding 1 the size is rounded up.",
            ),
            "not_rounded": (
                lambda i, p, s, h: [(p, h, h), (p, h / s, h / s), (4 * p, h / s, h / s)],
                "Can an image have 3.5 rows? Round, and mind which way.",
            ),
            "padding_forgotten": (
                lambda i, p, s, h: [(p, h, h), *((c, (h - 3) // s + 1, (h - 3) // s + 1) for c in (p, 4 * p))],
                "Does the 3x3 convolution lose its border? It has padding 1: at stride 1 the size stays.",
            ),
            "returns_none": (lambda i, p, s, h: None, "What does the function give back? Is a return missing?"),
        }.items()
    ),
)

EXERCISES = (NEEDS_PROJECTION, PROJECTION_SHORTCUT, PAD_SHORTCUT, BOTTLENECK_SHAPES)
