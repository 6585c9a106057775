"""Lesson 07 · `pad_shortcut`: option A, every second pixel and zeros for the new channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import equal, kind_of, plain

# channels, out_planes, stride, height. The first two and the fourth have an odd number of channels to add; the
# sizes of the second and the third are multiples of the stride, some of the others are not.
CASES = ((4, 7, 1, 6), (3, 6, 4, 8), (4, 8, 2, 6), (3, 8, 2, 7), (4, 4, 1, 5), (4, 4, 2, 6), (2, 8, 3, 7), (3, 5, 4, 9))
SIDES = ("images", "channels", "rows", "columns")
PIXELS = ((0, 0), (0, 1), (1, 0))


def observe(answer: Any) -> Iterator[Seen]:
    """The shape, where the zeros stand, which pixels are kept, and whether the gradient comes back through them."""
    expect_function("pad_shortcut", answer)
    wholes = []
    for channels, out_planes, stride, height in CASES:
        width = height + 2 * stride
        x = torch.randn(2, channels, height, width, generator=torch.Generator().manual_seed(SEED))
        call = f"pad_shortcut(x, out_planes={out_planes}, stride={stride}) for x of shape {tuple(x.shape)}"
        handed = x.clone().requires_grad_() * 1
        result = answer(handed, out_planes, stride)
        yield Seen(f"{call}: the largest change of the input x", (handed - x).abs().max().item())
        tensor = isinstance(result, Tensor)
        yield Seen(f"what comes from {call}", "a tensor" if tensor else kind_of(result))
        if tensor:
            longer = [side for side, was, now in zip(SIDES, x.shape, result.shape, strict=False) if now > was]
            if stride == 1:
                yield Seen(f"the sides of {call} that are longer than those of x", ", ".join(longer) or "none")
            yield from _see_tensor(call, result, "channels" in longer or channels == out_planes)
            same = equal(result, answer(handed, out_planes, stride)) if result.numel() else True
            yield Seen(f"a second call of {call} gives the same", same)
            wholes.append(Seen(call, result, explains=False))
    yield from wholes


def _see_tensor(call: str, result: Tensor, sides_explain: bool) -> Iterator[Seen]:
    for index, side in enumerate(SIDES):
        if index < result.dim():
            yield Seen(f"the number of {side} of {call}", result.shape[index], explains=sides_explain)
    yield Seen(f"the number of dimensions of {call}", result.dim())
    yield Seen(f"a gradient flows back from {call}", result.requires_grad)
    if result.dim() != len(SIDES) or not result.numel():
        return
    numbers = plain(result)
    even = [bool((numbers[:, channel] == numbers[0, channel, 0, 0]).all()) for channel in range(result.shape[1])]
    filled = [channel for channel, same in enumerate(even) if same]
    shown = ", ".join(map(str, filled)) or "none"
    yield Seen(f"the channels of {call} that hold one number only", shown, explains=sides_explain)
    if filled:
        yield Seen(f"the number in the new channels of {call}", numbers[0, filled[0], 0, 0].item())
    if len(filled) < result.shape[1]:
        kept = numbers[0, even.index(False)]
        for row, column in PIXELS:
            if row < kept.shape[0] and column < kept.shape[1]:
                yield Seen(f"pixel ({row}, {column}) of the kept channels of {call}", kept[row, column].item())


ANSWER = """
def pad_shortcut(x, out_planes, stride):
    x = x[:, :, ::stride, ::stride]
    missing = out_planes - x.shape[1]
    before = missing // 2
    return F.pad(x, (0, 0, 0, 0, before, missing - before))
"""
# fmt: off
WRONG = [
    Wrong("zeros_after", [("before, missing - before", "0, missing")],
          ask="On which sides of the old channels do the zeros stand?",
          explain="All zeros stand after the old channels, as in many programs. That works as well, but the "
                  "convention here is half in front, half after: from 4 to 7 channels, one in front and two after."),
    Wrong("zeros_before", [("before, missing - before", "missing, 0")],
          ask="On which side of the old channels are the zeros?",
          explain="All zeros stand in front of the old channels. Half belong in front and half after: from 4 to 7 "
                  "channels, the old ones become the channels 1 to 4."),
    Wrong("extra_zero_before", [("before = missing // 2", "before = missing - missing // 2")],
          ask="If three channels are missing, how many of them stand in front?",
          explain="If three channels are missing, two stand in front here. Our convention puts the extra one after: "
                  "from 4 to 7 channels, one in front and two after."),
    Wrong("assumes_doubling", [("before, missing - before", "out_planes // 4, out_planes // 4")],
          ask="How many channels are missing from 4 to 7?",
          explain="A quarter of out_planes is put on each side, which is right only where the number doubles: for 7 "
                  "that makes 4 + 2 = 6 channels. Start from the difference."),
    Wrong("too_many_zeros", [("before, missing - before", "missing, missing")],
          ask="How many channels does your result have, from 4 to 8?",
          explain="From 4 to 8 channels the result has 12: all four that are missing stand on each side. The two "
                  "sides share that number."),
    Wrong("out_planes_added", [("before, missing - before", "0, out_planes")],
          ask="How many channels does the result have, from 4 to 8?",
          explain="From 4 to 8 channels the result has 12, because out_planes new ones are added. out_planes is how "
                  "many there must be at the end, so four are missing."),
    Wrong("odd_one_missing", [("missing - before", "before")],
          ask="How many channels does the result have, from 4 to 7?",
          explain="From 4 to 7 channels the result has 6: three are missing, and half of three, rounded down, is "
                  "taken on both sides. What is left after the front side belongs after."),
    Wrong("ones", [("missing - before)", "missing - before), value=1")],
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
    Wrong("rows_only", [("::stride, ::stride", "::stride")],
          ask="Which width does the result have, from 8×8 at stride 2?",
          explain="The stride is used for the rows alone and makes 4×8 of 8×8. Rows and columns are both thinned "
                  "out."),
    Wrong("channels_thinned_out", [("x[:, :, ::stride, ::stride]", "x[:, ::stride, ::stride]")],
          ask="Which dimension does the second place in the square brackets stand for?",
          explain="The slice has one colon too few: it thins out channels and rows, and leaves the columns. The "
                  "dimensions are images, channels, rows, columns: x[:, :, ::stride, ::stride]."),
    Wrong("corner_kept", [
              ("x = x[:, :, ::stride, ::stride]", "h = -(-x.shape[-1] // stride); x = x[:, :, :h, :h]")],
          ask="Which pixels of the image are kept?",
          explain="The corner at the top left is kept, in one piece. It has the right size, but the rest of the "
                  "image is gone. Take every stride-th pixel, over the whole image."),
    Wrong("starts_late", [("::stride, ::stride", "stride - 1 :: stride, stride - 1 :: stride")],
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
    Wrong("width_padded", [("0, 0, 0, 0, before, missing - before", "before, missing - before, 0, 0, 0, 0")],
          ask="Which dimension does F.pad begin with?",
          explain="F.pad begins with the last dimension, the width, so here the images become wider and the number "
                  "of channels stays. The channels are the third pair from the left."),
    Wrong("detached", [("x[:, :", "x.detach()[:, :")],
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
    Wrong("returns_none", [("return F.pad", "F.pad")],
          ask="What does the function give back?",
          explain="A Python function without a `return` gives back None, so the padded tensor is lost. Hand it back."),
    Wrong("columns_only", [("::stride, ::stride", ":, ::stride")],
          ask="Which height does the result have, from 8×8 at stride 2?",
          explain="The stride is used for the columns alone and makes 8×4 of 8×8. Rows and columns are both thinned "
                  "out."),
    Wrong("resized", [("x[:, :, ::stride, ::stride]",
                       "F.interpolate(x, size=(x.shape[2] // stride, x.shape[3] // stride))")],
          ask="How many rows are left of 7 at stride 2?",
          explain="Of 7 rows, 0, 2, 4 and 6 are kept at stride 2, so 4. Here the size is divided and rounded down, "
                  "which makes 3, and x no longer fits to F(x). A slice needs no size."),
    Wrong("random_projection", [("x[:, :, ::stride, ::stride]",
                                 "nn.Conv2d(x.shape[1], out_planes, 1, stride, bias=False)(x)")],
          ask="What comes out if your function is called twice with the same x?",
          explain="Two calls with the same x give two results: numbers are drawn by chance, as a new nn.Conv2d draws "
                  "its weights. Option A has no weights. It keeps pixels as they are and adds zeros."),
    Wrong("as_many_as_old", """
def pad_shortcut(x, out_planes, stride):
    x = x[:, :, ::stride, ::stride]
    zeros = torch.zeros_like(x)
    return torch.cat([zeros, x, zeros], dim=1)[:, :out_planes]
""",
          ask="How many zero channels stand in front, from 4 to 7?",
          explain="From 4 to 7 channels, four zero channels stand in front and one old channel is cut off: as many "
                  "are put there as there are old ones. Three are missing, so one stands in front."),
    Wrong("view_for_slice", """
def pad_shortcut(x, out_planes, stride):
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // stride, w // stride, stride * stride)[..., 0]
    before = (out_planes - c) // 2
    return F.pad(x, (0, 0, 0, 0, before, out_planes - c - before))
""",
          ask="In which order does a reshape lay out the pixels?",
          explain="A reshape keeps the order in memory, row after row. So it cuts each row into pieces and does not "
                  "skip rows, and it works for no size that the stride does not divide. Use a slice with a step."),
    Wrong("two_written_in", [("::stride, ::stride", "::2, ::2")],
          ask="What does your function do with `stride`?",
          explain="Every second row and column is kept, whatever the stride is. At stride 1 all of them are kept, at "
                  "stride 3 every third."),
    Wrong("images_for_channels", [("x.shape[1]", "x.shape[0]")],
          ask="Which entry of the shape (N, C, H, W) is the number of channels?",
          explain="The number of images is taken for the number of channels, so for two images six channels are "
                  "missing from 8. The channels are entry 1 of the shape."),
    Wrong("width_for_channels", [("out_planes - x.shape[1]", "out_planes - x.shape[-1]")],
          ask="Which entry of the shape (N, C, H, W) is the number of channels?",
          explain="The last entry of the shape is taken for the number of channels, and that is the width of the "
                  "image. The channels are entry 1."),
    Wrong("pad_lost", [("return F.pad", "F.pad"), ("missing - before))", "missing - before))\n    return x")],
          ask="What becomes of the tensor that F.pad makes?",
          explain="No channel is added: x comes back with the channels that it had. F.pad leaves x as it is and gives "
                  "back a new tensor, which has to be handed on."),
    Wrong("first_dimension_first", [("(0, 0, 0, 0, before, missing - before)",
                                     "(0, 0, before, missing - before, 0, 0, 0, 0)")],
          ask="Which dimension does the first pair of numbers belong to in F.pad?",
          explain="The pairs stand in the order of the dimensions, as in np.pad: images, channels, rows, columns. "
                  "F.pad counts from the last dimension: the first pair is for the columns, the second for the rows, "
                  "the third for the channels. So here the rows grow, and no channel is added."),
]
# fmt: on

EXERCISE = Exercise(
    "pad_shortcut",
    lesson="07",
    defines="pad_shortcut",
    observe=observe,
    start="Two steps. A slice a[::3] keeps every third entry of a dimension; which dimensions of x are thinned out? "
    "Then count the missing channels and split them, for an odd number on paper first. F.pad takes the numbers in the "
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
        "padded first": """
def pad_shortcut(x, out_planes, stride):
    front, rest = divmod(out_planes - x.shape[1], 2)
    return F.pad(x, (0, 0, 0, 0, front, front + rest))[:, :, ::stride, ::stride]
""",
        "rows and columns by number": """
def pad_shortcut(x, out_planes, stride):
    rows = torch.arange(0, x.shape[2], stride)
    columns = torch.arange(0, x.shape[3], stride)
    x = x[:, :, rows][..., columns]
    missing = out_planes - x.shape[1]
    return nn.functional.pad(x, [0, 0, 0, 0, missing // 2, (missing + 1) // 2])
""",
        "a convolution that copies": """
def pad_shortcut(x, out_planes, stride):
    channels = x.shape[1]
    first = (out_planes - channels) // 2
    weight = torch.zeros(out_planes, channels, 1, 1)
    for i in range(channels):
        weight[first + i, i] = 1
    return F.conv2d(x, weight, stride=stride)
""",
        "one channel after another": """
def pad_shortcut(x, out_planes, stride):
    kept = list(x[:, :, ::stride, ::stride].unbind(1))
    while len(kept) < out_planes:
        kept.append(torch.zeros_like(kept[0]))
        if len(kept) < out_planes:
            kept.insert(0, torch.zeros_like(kept[0]))
    return torch.stack(kept, 1)
""",
    },
    again={
        "the border channels repeated": (
            "channels_repeated",
            edited(ANSWER, ("before))", 'before), mode="replicate")')),
        ),
        "averages of whole windows": (
            "average_pooling",
            edited(ANSWER, ("x[:, :, ::stride, ::stride]", "F.avg_pool2d(x, stride)")),
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
