"""The exercises of lesson 04: when a shortcut needs a projection, the projection, zero padding, the bottleneck."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from resnet_course import models
from resnet_course.checking.compare import default_of, differ, same_function
from resnet_course.checking.core import Exercise, Mistake
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
                "What is the answer for (16, 32, 1), where only the channels change? For (16, 32, 1) the answer is "
                "False, because only the stride is asked about. But x has 16 channels and F(x) has 32, so they cannot "
                "be added. A change of the channels counts as well.",
            ),
            "planes_only": (
                lambda i, p, s, e=1: i != e * p,
                "What is the answer for (16, 16, 2), where only the size changes? For (16, 16, 2) the answer is "
                "False, because only the channels are compared. But a stride of 2 makes 8×8 into 4×4 in F(x), and x "
                "is still 8×8. A change of the size counts as well.",
            ),
            "expansion_ignored": (
                lambda i, p, s, e=1: s != 1 or i != p,
                "How many channels leave a block with planes=64 and expansion=4? 256 channels leave a block with "
                "planes=64 and expansion=4: its last convolution widens. Here in_planes is compared with `planes` "
                "itself, which asks for a projection from 256 to 256 channels and for none from 64 to 256.",
            ),
            "expansion_at_the_entrance": (
                lambda i, p, s, e=1: s != 1 or e * i != p,
                "Does `expansion` say something about the channels that come in, or that go out? `expansion` belongs "
                "to the channels that go out. Here it multiplies in_planes, so (256, 64, 1, expansion=4) compares "
                "1024 with 64 and asks for a projection, although 256 channels come in and 256 go out.",
            ),
            "expansion_alone": (
                lambda i, p, s, e=1: s != 1 or e != 1,
                "From 256 channels to 4 * 64, what changes? From 256 channels to 4 * 64 nothing changes, and x can be "
                "added as it is. Here every bottleneck gets a projection, and a basic block that changes only its "
                "channels gets none. Compare the channels that come in with those that go out.",
            ),
            "expansion_added": (
                lambda i, p, s, e=1: s != 1 or i != p or e != 1,
                "With which number is in_planes compared? in_planes is compared with `planes`, and a third condition "
                "asks for a projection whenever the expansion is not 1. But 256 channels in and 4 * 64 out need none. "
                "What goes out is one number, made of both; compare in_planes with that.",
            ),
            "and_for_or": (
                lambda i, p, s, e=1: s != 1 and i != e * p,
                "If only one of the two things changes, what is the answer? The answer is True only if both things "
                "change at once. (16, 32, 1) and (16, 16, 2) then get no projection, although x does not fit in "
                "either. One change is enough.",
            ),
            "turned_round": (
                lambda i, p, s, e=1: not (s != 1 or i != e * p),
                "What does the function answer for a block that changes nothing, such as (16, 16, 1)? All answers are "
                "turned round: a block that changes nothing gets True. True means that a projection is needed, and "
                "that is where something changes.",
            ),
            "equal_for_unequal": (
                lambda i, p, s, e=1: s != 1 or i == e * p,
                "What does the function answer for (16, 32, 1)? The answer is False for (16, 32, 1), and True for "
                "(16, 16, 1), where nothing changes: the comparison of the channels asks whether they are equal. A "
                "projection is needed where they are not.",
            ),
            "stride_equal_to_1": (
                lambda i, p, s, e=1: s == 1 or i != e * p,
                "For which strides does your function ask for a projection? A stride of 1 asks for a projection here, "
                "the one stride that keeps the size. So (16, 16, 1) gets a projection and (16, 16, 2) does not. It "
                "should be the other strides.",
            ),
            "stride_2_only": (
                lambda i, p, s, e=1: s == 2 or i != e * p,
                "What is the answer for a stride of 3? A stride of 3 gets no projection here, because only 2 counts. "
                "Every stride except 1 makes the image smaller, and x no longer fits.",
            ),
            "growing_only": (
                lambda i, p, s, e=1: s != 1 or i < e * p,
                "What is the answer if 32 channels come in and 16 go out? From 32 to 16 channels the answer is False "
                "here, because only more channels count. 32 and 16 channels cannot be added either: any difference "
                "needs a projection.",
            ),
            "always": (
                lambda i, p, s, e=1: True,
                "What is the answer for (16, 16, 1), a block that changes nothing? The answer is True for every "
                "block, also for (16, 16, 1). There x fits as it is, and the shortcut should be the identity, without "
                "weights.",
            ),
            "never": (
                lambda i, p, s, e=1: False,
                "What is the answer for (16, 32, 2), a block that changes channels and size? The answer is False for "
                "every block. But (N, 16, 8, 8) cannot be added to (N, 32, 4, 4): wherever the shape changes, a "
                "projection is needed.",
            ),
            "no_default": (
                _without_default,
                "What happens when the function is called with three numbers? A call with three numbers raises an "
                "error, because `expansion` has no default. For a basic block nobody names it: it is 1 when nothing "
                "is said.",
            ),
            "returns_none": (
                lambda i, p, s, e=1: None,
                "What does the function give back? A Python function without a `return` gives back None, which an "
                "`if` takes for False: no block would get a projection. Hand the answer back.",
            ),
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
                "Behind which convolution does the height change first? The height changes behind the first 1x1 here, "
                "where the paper has the stride. In this course, as in torchvision, the stride stands on the 3x3 in "
                "the middle: (256, 128, 2, 8) begins with (128, 8, 8).",
            ),
            "stride_on_last": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, h, h), (4 * p, s, s)]),
                "Behind which convolution does the height change? The height changes only behind the last 1x1 here. "
                "With a stride, a 1x1 convolution skips three of four pixels that the 3x3 has just computed. The "
                "stride stands on the 3x3.",
            ),
            "stride_on_all": (
                _shapes(
                    lambda i, p, h, s, stride: [
                        (c, math.ceil(h / stride**n), math.ceil(h / stride**n)) for n, c in ((1, p), (2, p), (3, 4 * p))
                    ]
                ),
                "How often is the height divided by the stride? The height is divided three times, once for each "
                "convolution: 8 rows become 4, 2, 1. Only the 3x3 in the middle carries the stride.",
            ),
            "stride_ignored": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, h, h), (4 * p, h, h)]),
                "Which height does your result give behind the 3x3 convolution, for 8 rows and stride 2? The stride "
                "is not used, and 8 rows stay 8. At stride 2 the 3x3 convolution makes 4 of them, and the last 1x1 "
                "keeps the 4.",
            ),
            "expansion_forgotten": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, s, s), (p, s, s)]),
                "How many channels does the last 1x1 convolution give for planes=64? For planes=64 the last 1x1 gives "
                "64 channels here. A bottleneck widens at its end, to `expansion` times planes, and the expansion is "
                "4: 256 channels.",
            ),
            "expansion_everywhere": (
                _shapes(lambda i, p, h, s, stride: [(4 * p, h, h), (4 * p, s, s), (4 * p, s, s)]),
                "How many channels does the 3x3 convolution have for planes=64? For planes=64 the 3x3 has 256 "
                "channels here. The bottleneck is narrow in the middle, with 64 channels, which makes the 3x3 cheap; "
                "only the last 1x1 widens to four times that.",
            ),
            "expansion_of_input": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, s, s), (4 * i, s, s)]),
                "Which number is multiplied by 4? in_planes is multiplied by 4 here. The block's width comes from "
                "`planes`: Bottleneck(256, 64) gives 256 channels, and not 1024.",
            ),
            "back_to_in_planes": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, s, s), (i, s, s)]),
                "How many channels leave the block for (64, 64, 1, 8)? As many channels leave the block as came in "
                "here. Most blocks do give back what they got, but not the first of a stage: the last convolution "
                "gives 4 * planes, so 256 for (64, 64, 1, 8).",
            ),
            "doubled": (
                _shapes(lambda i, p, h, s, stride: [(p, h, h), (p, s, s), (2 * p, s, s)]),
                "By which factor does the last convolution widen? The last convolution widens by 2 here. The "
                "expansion of a bottleneck is 4: planes=64 ends with 256 channels.",
            ),
            "starts_with_input": (
                _shapes(lambda i, p, h, s, stride: [(i, h, h), (p, s, s), (4 * p, s, s)]),
                "How many channels leave the first convolution? As many channels leave the first convolution here as "
                "came in. The first 1x1 already reduces them to `planes`, so that the 3x3 works on few channels.",
            ),
            "input_listed": (
                _shapes(lambda i, p, h, s, stride: [(i, h, h), (p, h, h), (p, s, s), (4 * p, s, s)]),
                "How many shapes should come back? Four shapes come back, with that of the input in front. The three "
                "behind the convolutions are asked for.",
            ),
            "last_only": (
                _shapes(lambda i, p, h, s, stride: (4 * p, s, s)),
                "How many of the three shapes come back? Only the shape behind the last convolution comes back. A "
                "list with one shape behind each of the three is asked for.",
            ),
            "channels_last": (
                _shapes(lambda i, p, h, s, stride: [(h, h, p), (s, s, p), (s, s, 4 * p)]),
                "In which order do the three numbers of a shape stand? Height and width come first here. PyTorch "
                "writes the channels first: (C, H, W).",
            ),
            "rounded_down": (
                lambda i, p, s, h: [(p, h, h), (p, h // s, h // s), (4 * p, h // s, h // s)],
                "What is left of 7 rows at stride 2 and padding 1? At stride 2 the windows stand on rows 0, 2, 4 and "
                "6 of 7, so 4 are left. Here 7 is divided by 2 and rounded down to 3. The size is rounded up.",
            ),
            "not_rounded": (
                lambda i, p, s, h: [(p, h, h), (p, h / s, h / s), (4 * p, h / s, h / s)],
                "What does your function give for 7 rows and a stride of 2? The function gives 3.5 rows for 7, and "
                "4.0 for 8, because `/` makes a float. A height is a whole number; think of which rows are left to "
                "see which way to round.",
            ),
            "padding_forgotten": (
                lambda i, p, s, h: [(p, h, h), *((c, (h - 3) // s + 1, (h - 3) // s + 1) for c in (p, 4 * p))],
                "Which height does the 3x3 convolution give for 8 rows and stride 1? The 3x3 convolution makes 6 rows "
                "of 8 here, as without padding. The exercise has padding 1, so at stride 1 the size stays.",
            ),
            "returns_none": (
                lambda i, p, s, h: None,
                "What does the function give back? A Python function without a `return` gives back None, so the "
                "shapes are lost. Hand the list back.",
            ),
        }.items()
    ),
)

EXERCISES = (NEEDS_PROJECTION, PROJECTION_SHORTCUT, PAD_SHORTCUT, BOTTLENECK_SHAPES)
