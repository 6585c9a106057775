"""Lesson 07 · `bottleneck_shapes`: the shapes inside a bottleneck block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import expect_function
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import kind_of

CASES = (
    *((64, 64, 1, 8), (256, 128, 2, 8), (256, 64, 1, 7), (128, 32, 2, 7), (48, 16, 3, 10)),
    *((48, 16, 3, 8), (64, 32, 2, 5), (32, 16, 4, 9)),
)
NUMBERS = ("channels", "height", "width")


def observe(answer: Any) -> Iterator[Seen]:
    """How many shapes there are, how many numbers in each, and each number by itself.

    The input's shape in front of the list, or the batch in front of a shape, shifts none of the other numbers.
    """
    expect_function("bottleneck_shapes", answer)
    for case in CASES:
        call = f"bottleneck_shapes{case}"
        result = answer(*case)
        if not isinstance(result, (list, tuple)):
            yield Seen(f"the number of entries of {call}", result if result is None else kind_of(result))
            continue
        input_first = len(result) == 4 and isinstance(result[0], (list, tuple)) and case[0] == result[0][0]
        yield Seen(f"the number of entries of {call}", "4, the input in front" if input_first else len(result))
        for index, shape in enumerate(result[input_first:][:3]):
            yield from _see_shape(f"{call}[{index}]", shape)


def _see_shape(place: str, shape: Any) -> Iterator[Seen]:
    many = isinstance(shape, (list, tuple))
    yield Seen(f"the number of values in {place}", len(shape) if many else f"that of {kind_of(shape)}")
    if many:
        for name, value in zip(NUMBERS, shape[1:] if len(shape) == 4 else shape, strict=False):
            yield Seen(f"the {name} in {place}", value)


ANSWER = """
import math

def bottleneck_shapes(in_planes, planes, stride, height):
    small = math.ceil(height / stride)
    return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]
"""
# fmt: off
WRONG = [
    Wrong("stride_on_first", [("(planes, height, height)", "(planes, small, small)")],
          ask="After which convolution does the height change first?",
          explain="The height changes after the first 1x1 here, where the paper has the stride. In this course, as "
                  "in torchvision, the stride stands on the 3x3 in the middle: (256, 128, 2, 8) begins with (128, 8, "
                  "8)."),
    Wrong("stride_on_last", [(", (planes, small, small)", ", (planes, height, height)")],
          ask="After which convolution does the height change?",
          explain="The height changes only after the last 1x1 here. With a stride, a 1x1 convolution skips three of "
                  "four pixels that the 3x3 has just computed. The stride stands on the 3x3."),
    Wrong("stride_on_all", """
import math

def bottleneck_shapes(in_planes, planes, stride, height):
    shapes = []
    for channels in (planes, planes, 4 * planes):
        height = math.ceil(height / stride)
        shapes.append((channels, height, height))
    return shapes
""",
          ask="How often is the height divided by the stride?",
          explain="The height is divided three times, once for each convolution: 8 rows become 4, 2, 1. Only the 3x3 "
                  "in the middle carries the stride."),
    Wrong("stride_ignored", [("small = math.ceil(height / stride)", "small = height")],
          ask="Which height does your result give after the 3x3 convolution, for 8 rows and stride 2?",
          explain="The stride is not used, and 8 rows stay 8. At stride 2 the 3x3 convolution makes 4 of them, and "
                  "the last 1x1 keeps the 4."),
    Wrong("expansion_forgotten", [("4 * planes", "planes")],
          ask="How many channels does the last 1x1 convolution give for planes=64?",
          explain="For planes=64 the last 1x1 gives 64 channels here. A bottleneck widens at its end, to `expansion` "
                  "times planes, and the expansion is 4: 256 channels."),
    Wrong("expansion_everywhere", [("(planes", "(4 * planes")],
          ask="How many channels does the 3x3 convolution have for planes=64?",
          explain="For planes=64 the 3x3 has 256 channels here. The bottleneck is narrow in the middle, with 64 "
                  "channels, which makes the 3x3 cheap; only the last 1x1 widens to four times that."),
    Wrong("expansion_of_input", [("4 * planes", "4 * in_planes")],
          ask="Which number is multiplied by 4?",
          explain="in_planes is multiplied by 4 here. The block's width comes from `planes`: Bottleneck(256, 64) "
                  "gives 256 channels, and not 1024."),
    Wrong("back_to_in_planes", [("4 * planes", "in_planes")],
          ask="How many channels leave the block for (64, 64, 1, 8)?",
          explain="As many channels leave the block as came in here. Most blocks do give back what they got, but not "
                  "the first of a stage: the last convolution gives 4 * planes, so 256 for (64, 64, 1, 8)."),
    Wrong("doubled", [("4 * planes", "2 * planes")],
          ask="By which factor does the last convolution widen?",
          explain="The last convolution widens by 2 here. The expansion of a bottleneck is 4: planes=64 ends with "
                  "256 channels."),
    Wrong("starts_with_input", [("(planes, height, height)", "(in_planes, height, height)")],
          ask="How many channels leave the first convolution?",
          explain="As many channels leave the first convolution here as came in. The first 1x1 already reduces them "
                  "to `planes`, so that the 3x3 works on few channels."),
    Wrong("input_listed", [("return [", "return [(in_planes, height, height), ")],
          ask="How many shapes should come back?",
          explain="Four shapes come back, with that of the input in front. The three after the convolutions are "
                  "asked for."),
    Wrong("last_only", [("small, small)]", "small, small)][-1]")],
          ask="How many of the three shapes come back?",
          explain="Only the shape after the last convolution comes back. A list with one shape after each of the "
                  "three is asked for."),
    Wrong("channels_last", [("planes, height, height", "height, height, planes"),
          ("(planes, small, small)", "(small, small, planes)"),
          ("4 * planes, small, small", "small, small, 4 * planes")],
          ask="In which order do the three numbers of a shape stand?",
          explain="Height and width come first here. PyTorch writes the channels first: (C, H, W)."),
    Wrong("rounded_down", [("small = math.ceil(height / stride)", "small = height // stride")],
          ask="What is left of 7 rows at stride 2 and padding 1?",
          explain="At stride 2 the windows stand on rows 0, 2, 4 and 6 of 7, so 4 are left. Here 7 is divided by 2 "
                  "and rounded down to 3. The size is rounded up."),
    Wrong("not_rounded", [("small = math.ceil(height / stride)", "small = height / stride")],
          ask="What does your function give for 7 rows and a stride of 2?",
          explain="The function gives 3.5 rows for 7, and 4.0 for 8, because `/` makes a float. A height is a whole "
                  "number; think of which rows are left to see which way to round."),
    Wrong("padding_forgotten", [("math.ceil(height / stride)", "(height - 3) // stride + 1")],
          ask="Which height does the 3x3 convolution give for 8 rows and stride 1?",
          explain="The 3x3 convolution makes 6 rows of 8 here, as without padding. The exercise has padding 1, so at "
                  "stride 1 the size stays."),
    Wrong("returns_none", [("return [", "[")],
          ask="What does the function give back?",
          explain="A Python function without a `return` gives back None, so the shapes are lost. Hand the list back."),
    Wrong("shortcut_listed", [("small, small)]", "small, small), (4 * planes, small, small)]")],
          ask="How many convolutions lie on the way through F?",
          explain="Four shapes come back, and three are asked for: one after each convolution on the way through F. "
                  "The projection on the shortcut and the sum at the end do not belong in the list."),
    Wrong("batch_in_front", [("(planes", "(1, planes"), ("(4 *", "(1, 4 *")],
          ask="How many numbers are there in (C, H, W)?",
          explain="Four numbers come back for each convolution, as for a batch of images. (C, H, W) is the shape of "
                  "one image, without the number of images."),
    Wrong("width_missing", [("height, height", "height"), ("small, small", "small")],
          ask="How many numbers are there in (C, H, W)?",
          explain="Two numbers come back for each convolution. The width belongs to the shape, too, even though the "
                  "image is square."),
    Wrong("stride_on_last_two", [("(4 * planes, small, small)", "(4 * planes, *[math.ceil(small / stride)] * 2)")],
          ask="Which convolutions carry a stride?",
          explain="The stride acts on the 3x3 and once more on the last 1x1: at stride 2, 8 rows become 4 and then 2. "
                  "The 3x3 alone carries it."),
    Wrong("width_not_strided", [("small, small", "small, height")],
          ask="Which width does the 3x3 convolution give at stride 2?",
          explain="Only the height is divided here, and the width stays. The 3x3 moves by the stride in both "
                  "directions, so a square image stays square."),
    Wrong("padding_everywhere", """
def bottleneck_shapes(in_planes, planes, stride, height):
    first = height + 2
    small = (first - 1) // stride + 1
    return [(planes, first, first), (planes, small, small), (4 * planes, small + 2, small + 2)]
""",
          ask="What does a padding of 1 do to the output of a 1x1 convolution?",
          explain="With a padding of 1, a 1x1 convolution gives two rows and two columns more: 10 of 8. Only the 3x3 "
                  "is padded; a 1x1 keeps the size by itself."),
    Wrong("one_too_many", [("math.ceil(height / stride)", "height // stride + (stride > 1)")],
          ask="Which rows of 8 does the 3x3 visit at stride 2?",
          explain="Of 8 rows the 3x3 visits 0, 2, 4 and 6 at stride 2, which makes 4, and not 5. One more than "
                  "height // stride is right only where the division leaves a remainder."),
    Wrong("plus_one", [("math.ceil(height / stride)", "(height + 1) // stride")],
          ask="What does your formula give for a stride of 1?",
          explain="8 rows become 9 at stride 1: adding 1 before the division rounds up for a stride of 2 and for no "
                  "other. For any stride it is stride - 1 that is added."),
    Wrong("remainder_added", [("math.ceil(height / stride)", "height // stride + height % stride")],
          ask="How many rows are left of 8 at stride 3?",
          explain="Rows 0, 3 and 6 are left of 8 at stride 3, so 3. 8 // 3 is 2 with a remainder of 2, and the whole "
                  "remainder is added here. However large it is, it stands for one more row."),
    Wrong("rounded_to_nearest", [("math.ceil", "round")],
          ask="How many rows are left of 10 at stride 3?",
          explain="Rows 0, 3, 6 and 9 are left of 10 at stride 3, so 4. 10 / 3 is 3.33, which is rounded to the "
                  "nearest whole number here, to 3. It is rounded up, however small the rest is."),
    Wrong("two_written_in", [("height / stride", "height / 2")],
          ask="What does your function do with `stride`?",
          explain="The height is divided by 2, whatever the stride is: 8 rows become 4 at stride 1, too. Divide by "
                  "the argument."),
    Wrong("in_planes_times_stride", [("4 * planes", "stride * in_planes")],
          ask="How many channels leave the block for (64, 64, 1, 8)?",
          explain="stride * in_planes channels leave the block here. That is right for the example, 2 * 256, and "
                  "gives 64 for (64, 64, 1, 8), where 256 leave. The stride says nothing about channels."),
    Wrong("narrow_from_input", [("(planes", "(in_planes // 4"), ("4 * planes", "planes")],
          ask="What does `planes` stand for, the narrow part or what goes out?",
          explain="The narrow part has a quarter of the input's channels here, and `planes` go out. `planes` is the "
                  "width of the narrow part, and four times as many go out: planes=64 gives 64, 64 and 256."),
    Wrong("stride_2_or_none", [("small = math.ceil(height / stride)",
                                "small = math.ceil(height / 2) if stride == 2 else height")],
          ask="Which height does your result give for stride 3?",
          explain="Only a stride of 2 makes the height smaller here; with any other it stays. Divide by the stride, "
                  "whatever it is, and round up: 10 rows become 4 at stride 3."),
]
# fmt: on

EXERCISE = Exercise(
    "bottleneck_shapes",
    lesson="07",
    defines="bottleneck_shapes",
    observe=observe,
    start="Do the example on paper, one convolution after the other: the first 1x1 changes the channels only, the 3x3 "
    "the height only, the last 1x1 the channels only.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "rows counted": """
def bottleneck_shapes(in_planes, planes, stride, height):
    rows = len(range(0, height, stride))
    return [(c, h, h) for c, h in [(planes, height), (planes, rows), (planes * 4, rows)]]
""",
        "one more if there is a rest": """
def bottleneck_shapes(in_planes, planes, stride, height):
    size, rest = divmod(height, stride)
    if rest:
        size += 1
    shapes = [(planes, height, height)]
    shapes.append((planes, size, size))
    shapes.append((planes * Bottleneck.expansion, size, size))
    return shapes
""",
        "one rule for three convolutions": """
def bottleneck_shapes(in_planes, planes, stride, height):
    shapes = []
    for channels, kernel, step, padding in ((planes, 1, 1, 0), (planes, 3, stride, 1), (4 * planes, 1, 1, 0)):
        height = (height + 2 * padding - kernel) // step + 1
        shapes.append((channels, height, height))
    return tuple(shapes)
""",
        "whole numbers": edited(
            ANSWER, ("small = math.ceil(height / stride)", "small = (height + stride - 1) // stride")
        ),
        "the convolution's own rule": edited(
            ANSWER, ("small = math.ceil(height / stride)", "small = (height + 2 - 3) // stride + 1")
        ),
        "from a block": """
def bottleneck_shapes(in_planes, planes, stride, height):
    block = Bottleneck(in_planes, planes, stride)
    x = torch.zeros(2, in_planes, height, height)
    shapes = []
    for conv in (block.conv1, block.conv2, block.conv3):
        x = conv(x)
        shapes.append(x.shape[1:])
    return shapes
""",
        "lists": edited(
            ANSWER,
            (
                "return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
                "return [[planes] + [height] * 2, [planes] + [small] * 2, [4 * planes] + [small] * 2]",
            ),
        ),
    },
    unknown={
        "eight for four": edited(
            ANSWER,
            (
                "return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
                "return [(planes, height, height), (planes, small, small), (8 * planes, small, small)]",
            ),
        ),
    },
)
