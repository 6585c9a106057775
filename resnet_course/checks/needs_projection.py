"""Lesson 07 · `needs_projection`: whether a block changes the shape of its input."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import default_of, expect_function
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import as_number

CHANNELS = ((16, 16), (16, 32), (32, 16), (64, 16), (16, 64), (256, 64))
CASES = (
    *((*pair, stride, expansion) for expansion in (1, 4) for stride in (1, 2, 3) for pair in CHANNELS),
    *((*pair, stride, 2) for stride in (1, 2) for pair in CHANNELS[:4]),
    *((3, 3, 1, 1), (3, 3, 2, 1), (3, 16, 1, 1), (1, 1, 1, 1), (1, 1, 2, 1)),  # odd: | and & do another thing to them
    (258, 64, 1, 4),
)


def observe(answer: Any) -> Iterator[Seen]:
    """The default of the last argument, then all combinations of what a block can change: what comes back, and what an
    `if` would take it for."""
    expect_function("needs_projection", answer)
    yield Seen("the default of the fourth argument, expansion,", _default(answer))
    results = {}
    numbers = strides = 0
    for case in CASES:
        call = f"needs_projection{case}"
        results[call] = result = as_number(answer(*case))
        number = isinstance(result, (bool, int, float, np.bool_, np.number))
        numbers += number and result not in (0, 1)
        strides += number and not isinstance(result, (bool, np.bool_)) and result == case[2]
        yield Seen(f"what an `if` takes {call} for", bool(result) if number else result, judges=False)
    yield Seen("the number of blocks for which the stride comes back", strides, judges=False)
    yield Seen("what comes back", "another number" if numbers else "True or False")
    for call, result in results.items():
        yield Seen(call, result, explains=False)


def _default(answer: Any) -> Any:
    parameters = list(inspect.signature(answer).parameters.values())
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters[:4]):  # def f(*arguments)
        return 1 if answer(64, 16, 1) else 4
    return default_of(answer, 3) if len(parameters) > 3 else "no such argument"


ANSWER = """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 or in_planes != expansion * planes
"""
# fmt: off
WRONG = [
    Wrong("stride_only", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1
""",
          ask="What is the answer for (16, 32, 1), where only the channels change?",
          explain="For (16, 32, 1) the answer is False, because only the stride is asked about. But x has 16 "
                  "channels and F(x) has 32, so they cannot be added. A change of the channels counts as well."),
    Wrong("planes_only", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return in_planes != expansion * planes
""",
          ask="What is the answer for (16, 16, 2), where only the size changes?",
          explain="For (16, 16, 2) the answer is False, because only the channels are compared. But a stride of 2 "
                  "makes 8×8 into 4×4 in F(x), and x is still 8×8. A change of the size counts as well."),
    Wrong("expansion_ignored", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 or in_planes != planes
""",
          ask="How many channels leave a block with planes=64 and expansion=4?",
          explain="256 channels leave a block with planes=64 and expansion=4: its last convolution widens. Here "
                  "in_planes is compared with `planes` itself, which asks for a projection from 256 to 256 channels "
                  "and for none from 64 to 256."),
    Wrong("expansion_at_the_entrance", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 or expansion * in_planes != planes
""",
          ask="Does `expansion` say something about the channels that come in, or that go out?",
          explain="`expansion` belongs to the channels that go out. Here it multiplies in_planes, so (256, 64, 1, "
                  "expansion=4) compares 1024 with 64 and asks for a projection, although 256 channels come in and "
                  "256 go out."),
    Wrong("expansion_alone", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 or expansion > 1
""",
          ask="From 256 channels to 4 * 64, what changes?",
          explain="From 256 channels to 4 * 64 nothing changes, and x can be added as it is. Here every bottleneck "
                  "gets a projection, and a basic block that changes only its channels gets none. Compare the "
                  "channels that come in with those that go out."),
    Wrong("expansion_added", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 or in_planes != planes or expansion != 1
""",
          ask="With which number is in_planes compared?",
          explain="Whenever the expansion is not 1, a projection is asked for, even if 256 channels come in and 4 * 64 "
                  "go out. One question too many is asked: about `planes` alone, or about the expansion alone. What "
                  "goes out is one number, made of both; compare in_planes with that, once."),
    Wrong("and_for_or", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 and in_planes != expansion * planes
""",
          ask="If only one of the two things changes, what is the answer?",
          explain="The answer is True only if both things change at once. (16, 32, 1) and (16, 16, 2) then get no "
                  "projection, although x does not fit in either. One change is enough."),
    Wrong("turned_round", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride == 1 and in_planes == expansion * planes
""",
          ask="What does the function answer for a block that changes nothing, such as (16, 16, 1)?",
          explain="All answers are turned round: a block that changes nothing gets True. True means that a "
                  "projection is needed, and that is where something changes."),
    Wrong("equal_for_unequal", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 or in_planes == expansion * planes
""",
          ask="What does the function answer for (16, 32, 1)?",
          explain="The answer is False for (16, 32, 1), and True for (16, 16, 1), where nothing changes: the "
                  "comparison of the channels asks whether they are equal. A projection is needed where they are "
                  "not."),
    Wrong("stride_equal_to_1", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride == 1 or in_planes != expansion * planes
""",
          ask="For which strides does your function ask for a projection?",
          explain="A stride of 1 asks for a projection here, the one stride that keeps the size. So (16, 16, 1) gets "
                  "a projection and (16, 16, 2) does not. It should be the other strides."),
    Wrong("stride_2_only", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride == 2 or in_planes != expansion * planes
""",
          ask="What is the answer for a stride of 3?",
          explain="A stride of 3 gets no projection here, because only 2 counts. Every stride except 1 makes the "
                  "image smaller, and x no longer fits."),
    Wrong("growing_only", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 or in_planes < expansion * planes
""",
          ask="What is the answer if 32 channels come in and 16 go out?",
          explain="From 32 to 16 channels the answer is False here, because only more channels count. 32 and 16 "
                  "channels cannot be added either: any difference needs a projection."),
    Wrong("always", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return True
""",
          ask="What is the answer for (16, 16, 1), a block that changes nothing?",
          explain="What comes back counts as True for every block, also for (16, 16, 1). There x fits as it is, and "
                  "the shortcut should be the identity, without weights."),
    Wrong("never", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return False
""",
          ask="What is the answer for (16, 32, 2), a block that changes channels and size?",
          explain="The answer is False for every block. But (N, 16, 8, 8) cannot be added to (N, 32, 4, 4): wherever "
                  "the shape changes, a projection is needed."),
    Wrong("no_default", """
def needs_projection(in_planes, planes, stride, expansion):
    return stride != 1 or in_planes != expansion * planes
""",
          ask="What happens when the function is called with three numbers?",
          explain="A call with three numbers raises an error, because `expansion` has no default. For a basic block "
                  "nobody names it: it is 1 when nothing is said."),
    Wrong("three_arguments", [(", expansion=1", ""), ("expansion * planes", "planes")],
          ask="How many arguments does your function take?",
          explain="The function takes no fourth argument, so it cannot be told that a bottleneck gives out 4 * planes "
                  "channels. Keep `expansion=1` in the brackets, and use it."),
    Wrong("returns_none", """
def needs_projection(in_planes, planes, stride, expansion=1):
    stride != 1 or in_planes != expansion * planes
""",
          ask="What does the function give back?",
          explain="A Python function without a `return` gives back None, which an `if` takes for False: no block "
                  "would get a projection. Hand the answer back."),
    Wrong("shrinking_only", [("in_planes != expansion", "in_planes > expansion")],
          ask="What is the answer if 16 channels come in and 32 go out?",
          explain="From 16 to 32 channels the answer is False here, because only fewer channels count. 16 and 32 "
                  "channels cannot be added either: any difference needs a projection."),
    Wrong("either_fits", [("in_planes != expansion * planes", "in_planes not in (planes, expansion * planes)")],
          ask="Do 64 channels fit where planes is 64 and the expansion is 4?",
          explain="Two numbers of channels are let through here, planes and expansion * planes. But 256 channels leave "
                  "a block with planes=64 and expansion=4, so 64 that come in do not fit. Only one number fits."),
    Wrong("four_written_in", [("expansion * planes", "(4 * planes if expansion > 1 else planes)")],
          ask="How many channels leave a block with planes=16 and expansion=2?",
          explain="The 4 of the bottleneck is written in, so 64 channels are expected after planes=16 and expansion=2. "
                  "32 leave such a block: the argument says by how much it widens."),
    Wrong("floor_division", [("in_planes != expansion * planes", "in_planes // expansion != planes")],
          ask="What is 258 // 4?",
          explain="258 // 4 is 64, because `//` drops the remainder, so 258 channels pass for 4 * 64. They are two too "
                  "many to be added. Multiply planes in place of dividing in_planes."),
    Wrong("default_4", [("expansion=1", "expansion=4")],
          ask="Which expansion does a call with three numbers use?",
          explain="A call with three numbers uses 4 here, the bottleneck's. When nothing is said it should be 1, as "
                  "for the basic block."),
    Wrong("xor", [("stride != 1 or in_planes != expansion * planes",
                   "(stride != 1) ^ (in_planes != expansion * planes)")],
          ask="What is the answer for (16, 32, 2), where both things change?",
          explain="The answer is False for (16, 32, 2): True comes only if exactly one of the two changes. Where both "
                  "change x fits even less."),
    Wrong("stride_as_truth", [("stride != 1 or", "stride or")],
          ask="What does Python take the number 1 for, where it expects True or False?",
          explain="Every number except 0 counts as True, so `stride` by itself is true for a stride of 1 as well. And "
                  "`or` gives back its first true part: the stride, and not True. Compare the stride with 1."),
    Wrong("bitwise_or", [("stride != 1 or", "stride != 1 |")],
          ask="What does Python work out first, `|` or `!=`?",
          explain="`|` comes before `!=`, so Python works out `1 | in_planes` first, which is 17 for 16 channels, and "
                  "compares the other two numbers with that. Between conditions write `or`."),
    Wrong("bitwise_and", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return not (stride == 1 & in_planes == expansion * planes)
""",
          ask="What does Python work out first, `&` or `==`?",
          explain="`&` comes before `==`, so Python works out `1 & in_planes` first, which is 0 for 16 channels, and "
                  "compares the other two numbers with that. Between conditions write `and`."),
    Wrong("number_for_bool", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride - 1 or in_planes - expansion * planes
""",
          ask="Is what comes back always True or False?",
          explain="A number comes back that is neither 0 nor 1. An `if` takes it for True, but `== True` does not, and "
                  "the lesson compares your answers with torchvision's. Hand back a comparison."),
    Wrong("values_counted", """
def needs_projection(in_planes, planes, stride, expansion=1):
    return in_planes * stride**2 != expansion * planes
""",
          ask="Do (16, 8, 8) and (64, 4, 4) fit each other, as they hold the same number of values?",
          explain="The numbers of values before and after are compared. A stride of 2 and four times the channels give "
                  "the same number of values, and x of shape (16, 8, 8) still cannot be added to (64, 4, 4): each "
                  "side has to be the same."),
]
# fmt: on

EXERCISE = Exercise(
    "needs_projection",
    lesson="07",
    defines="needs_projection",
    observe=observe,
    start="Write down the shape that comes in and the shape that goes out, channels and height, for the three "
    "examples. Which two things have to hold for the shapes to be equal? A projection is needed when one of them does "
    "not.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "two questions": """
def needs_projection(in_planes, planes, stride, expansion=1):
    out_planes = planes * expansion
    if stride > 1:
        return True
    if in_planes == out_planes:
        return False
    return True
""",
        "shapes compared": """
def needs_projection(in_planes, planes, stride, expansion=1):
    return (in_planes, 1) != (expansion * planes, stride)
""",
        "not and": """
def needs_projection(in_planes, planes, stride, expansion=1):
    return not (stride == 1 and in_planes == planes * expansion)
""",
        "a list of changes": """
def needs_projection(in_planes, planes, stride, expansion=1):
    changes = [stride > 1, in_planes < expansion * planes, in_planes > expansion * planes]
    return any(changes)
""",
        "shapes of a convolution": """
def needs_projection(in_planes, planes, stride, expansion=1):
    x = torch.zeros(1, in_planes, 4, 4)
    conv = nn.Conv2d(in_planes, planes * expansion, 1, stride)
    return x.shape != conv(x).shape
""",
        "the number of changes": """
def needs_projection(in_planes, planes, stride, expansion=1):
    changed = (stride != 1) + (in_planes != planes * expansion)
    return changed > 0
""",
        "bits of truth": """
needs_projection = lambda c, planes, stride, expansion=1: (stride != 1) | (c != expansion * planes)
""",
    },
    again={
        "compared twice": (
            "expansion_added",
            edited(ANSWER, ("or in_planes", "or in_planes != planes or in_planes")),
        ),
        "only fewer, in ifs": (
            "shrinking_only",
            """
def needs_projection(in_planes, planes, stride, expansion=1):
    if stride > 1:
        return True
    return planes * expansion < in_planes
""",
        ),
    },
    unknown={
        "256 let through": """
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1 or in_planes not in (256, expansion * planes)
""",
    },
)
