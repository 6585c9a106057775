"""Lesson 04 · `needs_projection`: whether a block changes the shape of its input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resnet_course.checking.exercise import Exercise, Wrong
from resnet_course.checking.functions import default_of, observe_calls
from resnet_course.checking.seen import Seen

CASES = tuple(
    (in_planes, planes, stride, expansion)
    for expansion in (1, 4)
    for stride in (1, 2, 3)
    for in_planes, planes in ((16, 16), (16, 32), (32, 16), (64, 16), (16, 64), (256, 64))
)


def observe(answer: Any) -> Iterator[Seen]:
    """All combinations of what a block can change, and the default of the last argument."""
    yield from observe_calls("needs_projection", CASES)(answer)
    yield Seen("the default of the fourth argument, expansion,", default_of(answer, 3))



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
          explain="in_planes is compared with `planes`, and a third condition asks for a projection whenever the "
                  "expansion is not 1. But 256 channels in and 4 * 64 out need none. What goes out is one number, "
                  "made of both; compare in_planes with that."),
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
          explain="The answer is True for every block, also for (16, 16, 1). There x fits as it is, and the shortcut "
                  "should be the identity, without weights."),
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
    Wrong("returns_none", """
def needs_projection(in_planes, planes, stride, expansion=1):
    stride != 1 or in_planes != expansion * planes
""",
          ask="What does the function give back?",
          explain="A Python function without a `return` gives back None, which an `if` takes for False: no block "
                  "would get a projection. Hand the answer back."),
]
# fmt: on

EXERCISE = Exercise(
    "needs_projection",
    lesson="04",
    defines="needs_projection",
    observe=observe,
    start="Write down the shape that comes in and the shape that goes out, channels and height, for the three examples. "
    "Which two things have to hold for the shapes to be equal? A projection is needed when one of them does not.",
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
    },
    unknown={
        "shrinking only": """
def needs_projection(in_planes, planes, stride, expansion=1):
    return in_planes > planes
""",
    },
)
