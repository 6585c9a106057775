"""Lesson 04 · `pad_shortcut`: option A, every second pixel and zeros for the new channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import kind_of

# channels, out_planes, stride, height; the second has an odd number of channels to add, the sixth needs several copies
CASES = ((4, 8, 2, 6), (4, 7, 1, 5), (3, 8, 2, 7), (4, 4, 1, 5), (4, 4, 2, 6), (2, 8, 3, 7))


def observe(answer: Any) -> Iterator[Seen]:
    """Shapes, values, and whether the gradient comes back through the pixels that were kept."""
    expect_function("pad_shortcut", answer)
    for channels, out_planes, stride, height in CASES:
        x = torch.randn(2, channels, height, height + 1, generator=torch.Generator().manual_seed(SEED))
        where = f"pad_shortcut(x, out_planes={out_planes}, stride={stride}) for x of shape {tuple(x.shape)}"
        handed = x.clone().requires_grad_() * 1
        result = answer(handed, out_planes, stride)
        yield Seen(f"{where}: the largest change of the input x", (handed - x).abs().max().item())
        tensor = isinstance(result, Tensor)
        yield Seen(f"the shape of {where}", tuple(result.shape) if tensor else kind_of(result))
        yield Seen(where, result)
        if tensor:
            yield Seen(f"{where}: a gradient flows back", result.requires_grad)



ANSWER = """
def pad_shortcut(x, out_planes, stride):
    x = x[:, :, ::stride, ::stride]
    missing = out_planes - x.shape[1]
    before = missing // 2
    return F.pad(x, (0, 0, 0, 0, before, missing - before))
"""
# fmt: off
WRONG = [
    Wrong("zeros_after", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "return F.pad(x, (0, 0, 0, 0, 0, missing))")],
          ask="On which sides of the old channels do the zeros stand?",
          explain="All zeros stand behind the old channels, as in many programs. That works as well, but the "
                  "convention here is half in front, half behind: from 4 to 7 channels, one in front and two behind."),
    Wrong("zeros_before", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "return F.pad(x, (0, 0, 0, 0, missing, 0))")],
          ask="On which side of the old channels are the zeros?",
          explain="All zeros stand in front of the old channels. Half belong in front and half behind: from 4 to 7 "
                  "channels, the old ones become the channels 1 to 4."),
    Wrong("extra_zero_before", [("before = missing // 2", "before = missing - missing // 2")],
          ask="If three channels are missing, how many of them stand in front?",
          explain="If three channels are missing, two stand in front here. Our convention puts the extra one behind: "
                  "from 4 to 7 channels, one in front and two behind."),
    Wrong("assumes_doubling", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "return F.pad(x, (0, 0, 0, 0, out_planes // 4, out_planes // 4))")],
          ask="How many channels are missing from 4 to 7?",
          explain="A quarter of out_planes is put on each side, which is right only where the number doubles: for 7 "
                  "that makes 4 + 2 = 6 channels. Start from the difference."),
    Wrong("too_many_zeros", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "return F.pad(x, (0, 0, 0, 0, missing, missing))")],
          ask="How many channels does your result have, from 4 to 8?",
          explain="From 4 to 8 channels the result has 12: all four that are missing stand on each side. The two "
                  "sides share that number."),
    Wrong("out_planes_added", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "return F.pad(x, (0, 0, 0, 0, 0, out_planes))")],
          ask="How many channels does the result have, from 4 to 8?",
          explain="From 4 to 8 channels the result has 12, because out_planes new ones are added. out_planes is how "
                  "many there must be at the end, so four are missing."),
    Wrong("odd_one_missing", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "return F.pad(x, (0, 0, 0, 0, before, before))")],
          ask="How many channels does the result have, from 4 to 7?",
          explain="From 4 to 7 channels the result has 6: three are missing, and half of three, rounded down, is "
                  "taken on both sides. What is left after the front side belongs behind."),
    Wrong("ones", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "return F.pad(x, (0, 0, 0, 0, before, missing - before), value=1)")],
          ask="Which numbers stand in the new channels?",
          explain="The new channels hold ones. They would be added to F(x) in every new channel; with zeros the "
                  "block gives F(x) + 0 there."),
    Wrong("channels_repeated", """
def pad_shortcut(x, out_planes, stride):
    x = x[:, :, ::stride, ::stride]
    index = torch.arange(out_planes) % x.shape[1]
    return x[:, index]
""",
          ask="What stands in the new channels?",
          explain="The new channels hold a copy of the old ones. Option A puts zeros there, so that in the new "
                  "channels F(x) alone decides."),
    Wrong("stride_forgotten", [("    x = x[:, :, ::stride, ::stride]\n", "\n")],
          ask="Which rows and columns are kept at stride 2?",
          explain="All rows and columns are kept, so 8×8 stays 8×8 while F(x) is 4×4. Only every stride-th row and "
                  "column is kept."),
    Wrong("rows_only", [("x = x[:, :, ::stride, ::stride]", "x = x[:, :, ::stride]")],
          ask="Which width does the result have, from 8×8 at stride 2?",
          explain="The stride is used for the rows alone and makes 4×8 of 8×8. Rows and columns are both thinned "
                  "out."),
    Wrong("corner_kept", [
              ("x = x[:, :, ::stride, ::stride]", "h = -(-x.shape[-1] // stride); x = x[:, :, :h, :h]")],
          ask="Which pixels of the image are kept?",
          explain="The corner at the top left is kept, in one piece. It has the right size, but the rest of the "
                  "image is gone. Take every stride-th pixel, over the whole image."),
    Wrong("starts_late", [
              ("x = x[:, :, ::stride, ::stride]", "x = x[:, :, stride - 1 :: stride, stride - 1 :: stride]")],
          ask="Which is the first row that is kept?",
          explain="The first row kept at stride 2 is number 1, so all pixels are shifted by one against those that "
                  "F(x) is centred on. Begin with row and column 0."),
    Wrong("average_pooling", [
              ("x = x[:, :, ::stride, ::stride]", "x = F.avg_pool2d(x, stride, ceil_mode=True)")],
          ask="What does one number of the result come from?",
          explain="Each number is the average of a window here. Option A averages nothing: it keeps every stride-th "
                  "pixel as it is."),
    Wrong("max_pooling", [
              ("x = x[:, :, ::stride, ::stride]", "x = F.max_pool2d(x, stride, ceil_mode=True)")],
          ask="Which pixel of a window goes on?",
          explain="The largest pixel of each window goes on here. Option A does not compare: it keeps every "
                  "stride-th pixel, whatever its neighbours are."),
    Wrong("width_padded", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "return F.pad(x, (before, missing - before, 0, 0, 0, 0))")],
          ask="Which dimension does F.pad begin with?",
          explain="F.pad begins with the last dimension, the width, so here the images become wider and the number "
                  "of channels stays. The channels are the third pair from the left."),
    Wrong("detached", [("x = x[:, :, ::stride, ::stride]", "x = x.detach()[:, :, ::stride, ::stride]")],
          ask="The numbers are right, so what about the gradient at x?",
          explain="No gradient arrives at x: a detach, .data or no_grad cuts it off. In a network the shortcut is "
                  "the gradient's short way back, so let autograd follow it."),
    Wrong("module_returned", """
def pad_shortcut(x, out_planes, stride):
    return PadShortcut(x.shape[1], out_planes, stride)
""",
          ask="What kind of object comes back?",
          explain="A module that would do the padding comes back. The padded tensor is asked for, so the module has "
                  "yet to be called with x."),
    Wrong("returns_none", [
              ("return F.pad(x, (0, 0, 0, 0, before, missing - before))",
               "F.pad(x, (0, 0, 0, 0, before, missing - before))")],
          ask="What does the function give back?",
          explain="A Python function without a `return` gives back None, so the padded tensor is lost. Hand it back."),
]
# fmt: on

EXERCISE = Exercise(
    "pad_shortcut",
    lesson="04",
    defines="pad_shortcut",
    observe=observe,
    start="Two steps. A slice a[::3] keeps every third entry of a dimension; which dimensions of x are thinned out? Then "
    "count the missing channels and split them, for an odd number on paper first. F.pad takes the numbers in the "
    "order that the text names.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "into a tensor of zeros": """
def pad_shortcut(x, out_planes, stride):
    small = x[..., ::stride, ::stride]
    n, c, h, w = small.shape
    out = torch.zeros(n, out_planes, h, w)
    first = (out_planes - c) // 2
    out[:, first : first + c] = small
    return out
""",
        "zeros beside x": """
def pad_shortcut(x, out_planes, stride):
    x = x[:, :, ::stride, ::stride]
    missing = out_planes - x.size(1)
    before = torch.zeros_like(x[:, :1]).repeat(1, missing // 2, 1, 1)
    after = x.new_zeros(len(x), missing - missing // 2, *x.shape[2:])
    return torch.cat([before, x, after], dim=1)
""",
        "pooling with a window of one pixel": edited(
            ANSWER, ("x = x[:, :, ::stride, ::stride]", "x = F.avg_pool2d(x, 1, stride)")
        ),
    },
    unknown={
        "doubled": edited(
            ANSWER,
            (
                "return F.pad(x, (0, 0, 0, 0, before, missing - before))",
                "return F.pad(x, (0, 0, 0, 0, before, missing - before)) * 2",
            ),
        ),
    },
)
