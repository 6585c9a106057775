"""Lesson 01 · `multiply_adds`: what a convolution costs for one image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import expect_function
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import as_number

LEAST = (1, 1, 1, 1, 1)
# Each beside one from which it differs in a single thing: how many times the cost grows says what was made of that.
GROWN = (
    ((5, 1, 1, 1, 1), LEAST),
    ((1, 7, 1, 1, 1), LEAST),
    ((1, 1, 3, 1, 1), LEAST),
    ((1, 1, 1, 4, 1), LEAST),
    ((1, 1, 1, 1, 6), LEAST),
    ((1, 1, 1, 12, 6, 2), (1, 1, 1, 12, 6)),
    ((1, 1, 1, 12, 1, 2), (1, 1, 1, 12, 1)),
    ((1, 1, 1, 1, 12, 2), (1, 1, 1, 1, 12)),
    ((1, 1, 1, 7, 10, 3), (1, 1, 1, 7, 10)),
    ((1, 1, 1, 8, 11, 3), (1, 1, 1, 8, 11)),
    ((1, 1, 3, 5, 4), (1, 1, 1, 5, 4)),
    ((1, 1, 5, 11, 9, 2), (1, 1, 1, 11, 9, 2)),
    ((1, 1, 3, 1, 2), (1, 1, 1, 1, 2)),
)
SHOWN = (
    *(LEAST, (5, 1, 1, 1, 1), (1, 7, 1, 1, 1), (1, 1, 3, 1, 1), (1, 1, 1, 4, 6), (1, 1, 1, 12, 6, 2)),
    *((1, 1, 1, 7, 10, 3), (1, 1, 3, 5, 4), (3, 8, 3, 32, 32), (8, 16, 3, 32, 20, 2), (4, 6, 5, 7, 9, 3)),
)


def observe(answer: Any) -> Iterator[Seen]:
    """The numbers; how each argument by itself makes them grow; and, for what changes all of them, the smallest."""
    expect_function("multiply_adds", answer)
    costs = [as_number(answer(*arguments)) for arguments in SHOWN]
    for arguments, cost in zip(SHOWN, costs, strict=True):
        yield Seen(f"multiply_adds{arguments}", cost, explains=False)
    for larger, smaller in GROWN:
        place = f"multiply_adds{larger} divided by multiply_adds{smaller}"
        yield Seen(place, ratio(answer(*larger), answer(*smaller)))
    yield Seen("one cost or more", costs, explains=False)  # what follows explains only where nothing before it does
    yield Seen(f"the smallest of all convolutions, multiply_adds{LEAST},", costs[0])
    more = answer(1, 1, 3, 1, 1) - costs[0] if isinstance(costs[0], (int, float)) else None
    yield Seen("by how much a window of 3×3 on one pixel costs more than one of 1×1", more)
    yield Seen("whether the cost is a float", isinstance(costs[0], (float, np.floating)))


def ratio(larger: Any, smaller: Any) -> float | None:
    """The one number divided by the other; None for None, not a number for anything else."""
    try:
        return float(larger / smaller)
    except ZeroDivisionError:
        return math.inf
    except (TypeError, ValueError, RuntimeError):
        return None if larger is None else math.nan


ANSWER = """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    rows = math.ceil(height / stride)
    columns = math.ceil(width / stride)
    each = in_channels * kernel_size ** 2
    return out_channels * rows * columns * each
"""
ROWS, COLUMNS = "math.ceil(height / stride)", "math.ceil(width / stride)"
# fmt: off
WRONG = [
    Wrong("in_channels_forgotten", [("in_channels * kernel_size ** 2", "kernel_size ** 2")],
          ask="How many numbers lie under the window at one place, if 3 channels come in?",
          explain="The cost does not grow with in_channels here. The window reaches through all channels that come "
                  "in: a 3×3 window on 3 channels covers 27 numbers and has 27 weights, not 9."),
    Wrong("out_channels_forgotten", [("return out_channels * ", "return ")],
          ask="How many filters slide over the image?",
          explain="The cost does not grow with out_channels here. Each channel that goes out has a filter of its own, "
                  "and each filter visits every place: 7 filters cost 7 times as much as one."),
    Wrong("kernel_not_squared", [("kernel_size ** 2", "kernel_size")],
          ask="How many pixels does a 3×3 window cover?",
          explain="From a 1×1 window to a 3×3 window the cost grows 3 times here, as when the kernel size stands in "
                  "the product once, or is doubled. A 3×3 window has 3 rows of 3 pixels: 9 times as many."),
    Wrong("caret_for_power", [("kernel_size ** 2", "(kernel_size ^ 2)")],
          ask="What does Python say to 3 ^ 2?",
          explain="In Python ^ is not a power: it compares the bits of two numbers, and 3 ^ 2 is 1. A power is "
                  "written 3 ** 2."),
    Wrong("weights_only", [("return out_channels * rows * columns * each", "return out_channels * each")],
          ask="At how many places of the image is each weight used?",
          explain="This is the number of weights. Each weight is used once at every place where the window stands, "
                  "so a larger image costs more with the same weights: 4×6 places, 24 times."),
    Wrong("one_row_only", [("rows * columns", "rows")],
          ask="In how many directions does the window move over the image?",
          explain="Only the rows are counted here, as if the window moved down and never to the right. An image of "
                  "4×6 pixels has 24 places, and this gives 4."),
    Wrong("one_column_only", [("rows * columns", "columns")],
          ask="In how many directions does the window move over the image?",
          explain="Only the columns are counted here, as if the window moved to the right and never down. An image "
                  "of 4×6 pixels has 24 places, and this gives 6."),
    Wrong("square_image", [("rows * columns", "rows * rows")],
          ask="Are height and width the same number?",
          explain="The height is used twice, which is right for square images only: 4×6 pixels count as 4×4. The two "
                  "sides are given by themselves."),
    Wrong("stride_ignored", [(ROWS, "height"), (COLUMNS, "width")],
          ask="At how many places does the window stand, if it moves by two pixels?",
          explain="The stride is not used: the places of the input are counted and not those of the output. With "
                  "stride 2 the window stands on every second row and column, so 12×6 pixels have 6×3 places."),
    Wrong("stride_in_one_direction", [(COLUMNS, "width")],
          ask="In which directions does a stride of 2 leave out places?",
          explain="The stride shortens the rows of places and not the columns. The window moves by the stride in both "
                  "directions: 12×6 pixels have 6×3 places, and here it is 6×6."),
    Wrong("stride_in_the_other_direction", [(ROWS, "height")],
          ask="In which directions does a stride of 2 leave out places?",
          explain="The stride acts on the width alone. The window moves by the stride in both directions: 12×6 pixels "
                  "have 6×3 places, and here it is 12×3."),
    Wrong("stride_multiplied", [(ROWS, "height * stride"), (COLUMNS, "width * stride")],
          ask="Does a stride make the output larger or smaller?",
          explain="The size is multiplied by the stride, so 12×6 pixels have 24×12 places. A window that moves by "
                  "two pixels stands at fewer places: 6×3."),
    Wrong("stride_squared", [(ROWS, "math.ceil(height / stride**2)"), (COLUMNS, "math.ceil(width / stride**2)")],
          ask="By how much does a stride of 2 shorten the height alone?",
          explain="Each side is divided by the square of the stride, so 12 rows become 3. Each side is divided by the "
                  "stride once; that the area shrinks by its square follows by itself."),
    Wrong("area_divided_once", [
              ("rows * columns", "math.ceil(height * width / stride)")],
          ask="How many of 12×6 places are left if every second row and every second column is?",
          explain="The area is divided by the stride once: 72 places become 36. Half of the rows and half of the "
                  "columns are left, a quarter of the places, so 18."),
    Wrong("rounded_down", [(ROWS, "height // stride"), (COLUMNS, "width // stride")],
          ask="On which rows of 7 does the window stand at stride 3?",
          explain="The size is rounded down, so of 7 rows 2 are left at stride 3. The window stands on rows 0, 3 and "
                  "6, which makes 3, and on 4 of 10 columns."),
    Wrong("rounded_on_the_way", [
              ("return out_channels * rows * columns * each",
               "return out_channels * each * height // stride * width // stride")],
          ask="In which order does Python compute a * b // c * d // c?",
          explain="From left to right, so the first // divides the product of all that stands before it, and the "
                  "second one divides everything. Rows and columns are rounded each for itself, and up: 7×10 pixels "
                  "have 3×4 places at stride 3."),
    Wrong("not_rounded", [(ROWS, "height / stride"), (COLUMNS, "width / stride")],
          ask="At how many rows can a window stand: 2, 2.33 or 3?",
          explain="The operator / leaves a fraction: 7 rows become 2.33 at stride 3. The window stands at whole "
                  "rows; count them for 7 rows and stride 3 to see which way to round."),
    Wrong("rounded_to_nearest", [("math.ceil", "round")],
          ask="On which rows of 7 does the window stand at stride 3?",
          explain="7 / 3 is 2.33, which is rounded to the nearest whole number here, 2. The window stands on rows 0, "
                  "3 and 6: however small the rest is, it holds one more place."),
    Wrong("plus_one", [(ROWS, "(height + 1) // stride"), (COLUMNS, "(width + 1) // stride")],
          ask="What does your formula give for a stride of 1?",
          explain="One is added before the division, which rounds up for a stride of 2 and for no other: at stride 1 "
                  "an image of 4×6 gets 5×7 places. For any stride it is stride - 1 that is added."),
    Wrong("one_too_many", [(ROWS, "height // stride + 1"), (COLUMNS, "width // stride + 1")],
          ask="What does your formula give for a stride of 1?",
          explain="One row and one column too many are counted wherever the division leaves no rest: 4×6 pixels have "
                  "5×7 places here, at stride 1."),
    Wrong("area_rounded_down", [("rows * columns", "(height * width // stride ** 2)")],
          ask="On which rows and which columns of 7×10 does the window stand at stride 3?",
          explain="The area is divided by the square of the stride: 70 // 9 = 7. But rows and columns are rounded "
                  "each for itself: 3 rows and 4 columns are 12 places."),
    Wrong("area_rounded_up", [("rows * columns", "math.ceil(height * width / stride ** 2)")],
          ask="On which rows and which columns of 7×10 does the window stand at stride 3?",
          explain="The area is divided by the square of the stride and then rounded up: 70 / 9 gives 8. But rows and "
                  "columns are rounded each for itself: 3 rows and 4 columns are 12 places."),
    Wrong("padding_forgotten", [
              (ROWS, "(height - kernel_size) // stride + 1"), (COLUMNS, "(width - kernel_size) // stride + 1")],
          ask="What becomes of the height in a padded 3×3 convolution of stride 1?",
          explain="The size shrinks by the kernel here: 5×4 pixels have 3×2 places for a 3×3 window. The exercise "
                  "pads the image so that at stride 1 the window stands on every pixel."),
    Wrong("padding_of_1", [
              (ROWS, "(height + 2 - kernel_size) // stride + 1"), (COLUMNS, "(width + 2 - kernel_size) // stride + 1")],
          ask="How much padding keeps the size for a 1×1 window, and how much for a 5×5 window?",
          explain="A padding of 1 keeps the size for a 3×3 window and for no other. With a 1×1 window this gives one "
                  "image of 3×3 places for a single pixel. The padding grows with the kernel: 0, 1, 2."),
    Wrong("places_on_the_padding", [
              (ROWS, "math.ceil((height + kernel_size - 1) / stride)"),
              (COLUMNS, "math.ceil((width + kernel_size - 1) / stride)")],
          ask="Does the middle of the window ever stand on a padded pixel?",
          explain="The padded image is counted: 5×4 pixels with a 3×3 window get 7×6 places. The padding is there so "
                  "that the window's middle can stand on each pixel of the image, 5×4 places."),
    Wrong("counted_twice", [("return ", "return 2 * ")],
          ask="Is a multiplication together with its addition one step or two?",
          explain="Each step counts twice, once for the multiplication and once for the addition. That is the number "
                  "of floating-point operations (FLOPs). A multiply-add is the two of them together, and counts 1."),
    Wrong("additions_between_counted", [("= in_channels * kernel_size ** 2", "= 2 * in_channels * kernel_size**2 - 1")],
          ask="Is a multiplication together with its addition one step or two?",
          explain="Multiplications and the additions between them are counted by themselves: 9 + 8 = 17 for a 3×3 "
                  "window. A multiply-add is one multiplication whose product is added to a sum, 9 of them."),
    Wrong("additions_alone", [("= in_channels * kernel_size ** 2", "= in_channels * kernel_size**2 - 1")],
          ask="How many products does a 3×3 window add up?",
          explain="One is taken away at each place, as when the plus signs between the products are counted: 8 for a "
                  "3×3 window. Each of the 9 products is one multiply-add."),
    Wrong("bias_counted", [("= in_channels * kernel_size ** 2", "= in_channels * kernel_size**2 + 1")],
          ask="Is the bias multiplied by anything?",
          explain="One is added for each number that comes out, for the bias. The bias is added and not multiplied, "
                  "so it is no multiply-add; and the convolutions of a ResNet have none."),
    Wrong("channels_added", [("in_channels * kernel_size ** 2", "kernel_size ** 2"),
                             ("return out_channels", "return (in_channels + out_channels)")],
          ask="How often is each of the channels that come in read, if 7 go out?",
          explain="The channels in and out are added, so 1 and 7 give 8. Each of the channels that go out reads all "
                  "of those that come in: the two numbers multiply."),
    Wrong("out_channels_added", [("kernel_size ** 2", "kernel_size ** 2 + out_channels"),
                                 ("return out_channels * ", "return ")],
          ask="How many filters slide over the image, and what does each of them cost?",
          explain="out_channels is added to what one filter costs, so 7 filters cost 8. Each of them costs as much as "
                  "one: the number of filters multiplies."),
    Wrong("in_channels_twice", [("return out_channels", "return in_channels")],
          ask="Which of the two numbers of channels stands twice in your product?",
          explain="in_channels stands in the product twice and out_channels not at all: 5 channels in and 1 out give "
                  "25. One factor is what the window covers, the other how many filters there are."),
    Wrong("out_channels_twice", [("= in_channels", "= out_channels")],
          ask="Which of the two numbers of channels stands twice in your product?",
          explain="out_channels stands in the product twice and in_channels not at all: 1 channel in and 7 out give "
                  "49. One factor is what the window covers, the other how many filters there are."),
    Wrong("each_pixel_with_each", [("kernel_size ** 2", "height * width")],
          ask="How many numbers of the input does one number of the output depend on?",
          explain="Each number that comes out is multiplied with the whole image here, as in a linear layer: 24 · 24 "
                  "for 4×6 pixels. In a convolution it depends on what lies under the window."),
    Wrong("per_place", [("return out_channels * rows * columns * each", "return each")],
          ask="How many numbers come out of the convolution altogether?",
          explain="This is the cost of a single number that comes out. There are out_channels of them at each place, "
                  "and rows · columns places."),
    Wrong("only_rows_rounded_up", [(COLUMNS, "width // stride")],
          ask="Are rows and columns counted by the same rule?",
          explain="The rows are rounded up and the columns down, so 7×10 pixels have 3×3 places at stride 3. Columns "
                  "0, 3, 6 and 9 are four."),
    Wrong("output_numbers", [("* each", "")],
          ask="How many multiplications does each number that comes out need?",
          explain="This is how many numbers come out. Each of them is a sum of products, one for each number under the "
                  "window: 9 for a 3×3 window on one channel."),
    Wrong("for_a_batch", [("return ", "return 64 * ")],
          ask="For how many images is the cost asked?",
          explain="The smallest convolution, a 1×1 window on one pixel, costs one multiply-add, and here it is many: "
                  "the number of images in a batch is in the product. The cost of one image is asked for."),
    Wrong("float_returned", [("return out_channels * rows * columns * each",
                              "return float(out_channels * rows * columns * each)")],
          ask="Is a number of operations a whole number in your result?",
          explain="A float comes back, such as 24.0. A count is a whole number: // and math.ceil give whole numbers, "
                  "/ and float() do not."),
    Wrong("returns_none", [("return ", "result = ")],
          ask="What does the function hand back?",
          explain="A Python function without a `return` gives back None: the number is computed "
                  "and lost. Hand it back."),
    Wrong("one_more_with_a_stride", [
              (ROWS, "height // stride + (stride > 1)"), (COLUMNS, "width // stride + (stride > 1)")],
          ask="On which rows of 12 does the window stand at stride 2?",
          explain="With a stride above 1 one place more is counted in each direction, also where the division leaves "
                  "no rest: 12×6 pixels get 7×4 places. Rows 0, 2, 4, 6, 8 and 10 are six."),
    Wrong("rest_added", [
              (ROWS, "height // stride + height % stride"), (COLUMNS, "width // stride + width % stride")],
          ask="How many more places does a rest of 2 rows hold at stride 3?",
          explain="The rest of the division is added to the places: 8 rows at stride 3 get 2 + 2. The window stands on "
                  "rows 0, 3 and 6; a rest, however large, holds one more place."),
    Wrong("border_left_out", """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    def taps(size):
        places = [middle + step - kernel_size // 2 for middle in range(0, size, stride) for step in range(kernel_size)]
        return sum(0 <= place < size for place in places)
    return in_channels * out_channels * taps(height) * taps(width)
""",
          ask="Does a convolution skip the zeros that were put around the image?",
          explain="The products with the zeros of the border are left out. A convolution does not skip them: it "
                  "multiplies each number under the window, also the zeros, so every place costs the same."),
]
# fmt: on

EXERCISE = Exercise(
    "multiply_adds",
    lesson="01",
    defines="multiply_adds",
    observe=observe,
    start="Two questions, one after the other. How many numbers come out of the convolution? And how many "
    "multiplications does a single one of them need? Answer both for the example (3, 8, 3, 32, 32) on paper; the "
    "product must be 221,184.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "whole numbers": """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    height = (height + stride - 1) // stride
    width = (width + stride - 1) // stride
    return in_channels * out_channels * kernel_size * kernel_size * height * width
""",
        "rows counted": """
def multiply_adds(c_in, c_out, k, h, w, s=1):
    places = len(range(0, h, s)) * len(range(0, w, s))
    return places * c_in * c_out * k**2
""",
        "the convolution's own rule": """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    padding = kernel_size // 2
    def size(n):
        return (n + 2 * padding - kernel_size) // stride + 1
    weights = in_channels * out_channels * kernel_size * kernel_size
    return weights * size(height) * size(width)
""",
        "from a layer": """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False, device="meta")
    out = layer(torch.zeros(1, in_channels, height, width, device="meta"))
    return layer.weight.numel() * out.shape[2] * out.shape[3]
""",
        "counted filter by filter": """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    total = 0
    for _ in range(out_channels):
        for row in range(0, height, stride):
            for column in range(0, width, stride):
                total += in_channels * kernel_size * kernel_size
    return total
""",
        "rounded up by a sign": """
multiply_adds = lambda i, o, k, h, w, s=1: i * o * k**2 * (-(-h // s)) * (-(-w // s))
""",
        "a product of a list": """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    out = [int(np.ceil(n / stride)) for n in (height, width)]
    return math.prod([out_channels, *out, in_channels, kernel_size, kernel_size])
""".replace("np.ceil", "math.ceil"),
        "a tensor": """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    rows, columns = torch.tensor([height - 1, width - 1]) // stride + 1
    return rows * columns * in_channels * out_channels * kernel_size**2
""",
    },
    unknown={
        "ten too many": edited(ANSWER, ("* each", "* each + 10 * (out_channels > 7)")),
    },
    again={
        "the kernel size doubled": ("kernel_not_squared", edited(ANSWER, ("kernel_size ** 2", "kernel_size * 2"))),
        "as a linear layer, written out": (
            "each_pixel_with_each",
            """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    out = out_channels * math.ceil(height / stride) * math.ceil(width / stride)
    return in_channels * height * width * out
""",
        ),
        "the parameters of a layer, with bias": (
            "bias_counted",
            """
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size)
    weights = sum(p.numel() for p in layer.parameters())
    return weights * math.ceil(height / stride) * math.ceil(width / stride)
""",
        ),
    },
)
