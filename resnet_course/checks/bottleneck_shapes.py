"""Lesson 04 · `bottleneck_shapes`: the shapes inside a bottleneck block."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import observe_calls

CASES = ((64, 64, 1, 8), (256, 128, 2, 8), (256, 64, 1, 7), (128, 32, 2, 7), (48, 16, 3, 10))


ANSWER = """
import math

def bottleneck_shapes(in_planes, planes, stride, height):
    small = math.ceil(height / stride)
    return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]
"""
# fmt: off
WRONG = [
    Wrong("stride_on_first", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(planes, small, small), (planes, small, small), (4 * planes, small, small)]")],
          ask="Behind which convolution does the height change first?",
          explain="The height changes behind the first 1x1 here, where the paper has the stride. In this course, as "
                  "in torchvision, the stride stands on the 3x3 in the middle: (256, 128, 2, 8) begins with (128, 8, "
                  "8)."),
    Wrong("stride_on_last", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(planes, height, height), (planes, height, height), (4 * planes, small, small)]")],
          ask="Behind which convolution does the height change?",
          explain="The height changes only behind the last 1x1 here. With a stride, a 1x1 convolution skips three of "
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
          ask="Which height does your result give behind the 3x3 convolution, for 8 rows and stride 2?",
          explain="The stride is not used, and 8 rows stay 8. At stride 2 the 3x3 convolution makes 4 of them, and "
                  "the last 1x1 keeps the 4."),
    Wrong("expansion_forgotten", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(planes, height, height), (planes, small, small), (planes, small, small)]")],
          ask="How many channels does the last 1x1 convolution give for planes=64?",
          explain="For planes=64 the last 1x1 gives 64 channels here. A bottleneck widens at its end, to `expansion` "
                  "times planes, and the expansion is 4: 256 channels."),
    Wrong("expansion_everywhere", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(4 * planes, height, height), (4 * planes, small, small), (4 * planes, small, small)]")],
          ask="How many channels does the 3x3 convolution have for planes=64?",
          explain="For planes=64 the 3x3 has 256 channels here. The bottleneck is narrow in the middle, with 64 "
                  "channels, which makes the 3x3 cheap; only the last 1x1 widens to four times that."),
    Wrong("expansion_of_input", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(planes, height, height), (planes, small, small), (4 * in_planes, small, small)]")],
          ask="Which number is multiplied by 4?",
          explain="in_planes is multiplied by 4 here. The block's width comes from `planes`: Bottleneck(256, 64) "
                  "gives 256 channels, and not 1024."),
    Wrong("back_to_in_planes", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(planes, height, height), (planes, small, small), (in_planes, small, small)]")],
          ask="How many channels leave the block for (64, 64, 1, 8)?",
          explain="As many channels leave the block as came in here. Most blocks do give back what they got, but not "
                  "the first of a stage: the last convolution gives 4 * planes, so 256 for (64, 64, 1, 8)."),
    Wrong("doubled", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(planes, height, height), (planes, small, small), (2 * planes, small, small)]")],
          ask="By which factor does the last convolution widen?",
          explain="The last convolution widens by 2 here. The expansion of a bottleneck is 4: planes=64 ends with "
                  "256 channels."),
    Wrong("starts_with_input", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(in_planes, height, height), (planes, small, small), (4 * planes, small, small)]")],
          ask="How many channels leave the first convolution?",
          explain="As many channels leave the first convolution here as came in. The first 1x1 already reduces them "
                  "to `planes`, so that the 3x3 works on few channels."),
    Wrong("input_listed", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(in_planes, height, height), (planes, height, height), (planes, small, small), (4 * planes, small, small)]")],
          ask="How many shapes should come back?",
          explain="Four shapes come back, with that of the input in front. The three behind the convolutions are "
                  "asked for."),
    Wrong("last_only", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return (4 * planes, small, small)")],
          ask="How many of the three shapes come back?",
          explain="Only the shape behind the last convolution comes back. A list with one shape behind each of the "
                  "three is asked for."),
    Wrong("channels_last", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "return [(height, height, planes), (small, small, planes), (small, small, 4 * planes)]")],
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
    Wrong("padding_forgotten", [
              ("small = math.ceil(height / stride)", "small = (height - 3) // stride + 1")],
          ask="Which height does the 3x3 convolution give for 8 rows and stride 1?",
          explain="The 3x3 convolution makes 6 rows of 8 here, as without padding. The exercise has padding 1, so at "
                  "stride 1 the size stays."),
    Wrong("returns_none", [
              ("return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]",
               "[(planes, height, height), (planes, small, small), (4 * planes, small, small)]")],
          ask="What does the function give back?",
          explain="A Python function without a `return` gives back None, so the shapes are lost. Hand the list back."),
]
# fmt: on

EXERCISE = Exercise(
    "bottleneck_shapes",
    lesson="04",
    defines="bottleneck_shapes",
    observe=observe_calls("bottleneck_shapes", CASES, by_entry=True),
    start="Do the example on paper, one convolution after the other: the first 1x1 changes the channels only, the 3x3 the "
    "height only, the last 1x1 the channels only.",
    answer=ANSWER,
    wrong=WRONG,
    right={
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
