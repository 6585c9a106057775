"""The exercise `receptive_field` of lesson 01."""

from __future__ import annotations

import math
from collections.abc import Sequence

from resnet_course.checking.compare import same_function
from resnet_course.checking.core import Exercise, Mistake

FIELD_CASES = (
    ([3], [1]),
    ([3, 3], [1, 1]),
    ([3, 3, 3], [1, 1, 1]),
    ([5, 1, 3], [1, 1, 1]),
    ([3, 3, 2, 3, 3, 2], [1, 1, 2, 1, 1, 2]),
    ([7, 3, 2, 3], [2, 1, 2, 1]),
    ([3, 3, 3, 3], [2, 3, 2, 1]),
)


def receptive_field(kernel_sizes: Sequence[int], strides: Sequence[int]) -> int:
    """Height and width, in pixels of the input, of what one number after the last layer depends on."""
    field, jump = 1, 1
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        field += (kernel_size - 1) * jump
        jump *= stride
    return field


def _stride_first(kernel_sizes: Sequence[int], strides: Sequence[int]) -> int:
    field, jump = 1, 1
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        jump *= stride
        field += (kernel_size - 1) * jump
    return field


def _jump_replaced(kernel_sizes: Sequence[int], strides: Sequence[int]) -> int:
    field, jump = 1, 1
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        field += (kernel_size - 1) * jump
        jump = stride
    return field


def _own_stride(kernel_sizes: Sequence[int], strides: Sequence[int]) -> int:
    return 1 + sum((kernel_size - 1) * stride for kernel_size, stride in zip(kernel_sizes, strides, strict=True))


def _jump_added(kernel_sizes: Sequence[int], strides: Sequence[int]) -> int:
    field, jump = 1, 1
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        field += (kernel_size - 1) * jump
        jump += stride
    return field


def _one_side(kernel_sizes: Sequence[int], strides: Sequence[int]) -> int:
    field, jump = 1, 1
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        field += (kernel_size - 1) // 2 * jump
        jump *= stride
    return field


def _after_each_layer(kernel_sizes: Sequence[int], strides: Sequence[int]) -> list[int]:
    return [receptive_field(kernel_sizes[:n], strides[:n]) for n in range(1, len(kernel_sizes) + 1)]


RECEPTIVE_FIELD = Exercise(
    "receptive_field",
    "01",
    receptive_field,
    same_function(FIELD_CASES),
    (
        Mistake(
            "sum_of_kernels",
            lambda kernels, strides: sum(kernels),
            "By how many pixels does one more 3×3 layer widen the view? The kernel sizes are added up, which gives 6 "
            "for two 3×3 layers. But neighbouring windows overlap: one more 3×3 layer reaches over 3 numbers with 2 "
            "gaps between them, so it widens the view by 2 and the field is 5.",
        ),
        Mistake(
            "product_of_kernels",
            lambda kernels, strides: math.prod(kernels),
            "How many pixels does a second 3×3 layer add to the view of the first? The kernel sizes are multiplied, "
            "which gives 9 for two 3×3 layers, as if the windows of the first layer lay side by side. They overlap, "
            "so the second layer adds only 2 pixels and the field is 5.",
        ),
        Mistake(
            "starts_at_0",
            lambda kernels, strides: receptive_field(kernels, strides) - 1,
            "How many pixels does a number see before any layer? Before any layer a number sees itself, one pixel, "
            "and here the count starts at 0. So every result is one too small: 4 for two 3×3 layers, where it should "
            "be 5.",
        ),
        Mistake(
            "strides_ignored",
            lambda kernels, strides: 1 + sum(kernel - 1 for kernel in kernels),
            "What does a stride of 2 change for the layers behind it? The strides are not used here, so [2, 3] with "
            "strides [2, 1] gives 4 and not 6. Behind a stride of 2 neighbours are two pixels apart, and every step "
            "of a later layer counts twice.",
        ),
        Mistake(
            "stride_first",
            _stride_first,
            "On which layers does a stride act? The jump is multiplied before the field is widened, so a stride acts "
            "on its own layer too, and [2, 3] with strides [2, 1] gives 7 and not 6. A layer's own window still lies "
            "on the closer spacing of the layer before it.",
        ),
        Mistake(
            "jump_replaced",
            _jump_replaced,
            "How far apart are neighbours after two strides of 2? After two strides of 2, neighbours are four pixels "
            "apart. Here each stride takes the place of the jump before it, so only the last stride counts. A stride "
            "makes the jump that is there already so many times larger.",
        ),
        Mistake(
            "own_stride_only",
            _own_stride,
            "Which strides count for the window of a layer? Here each layer uses its own stride. What spreads the "
            "numbers it looks at are the strides of all layers in front of it, multiplied; its own acts only on the "
            "layers behind. [2, 3] with strides [2, 1] should give 6, and here it is 5.",
        ),
        Mistake(
            "jump_added",
            _jump_added,
            "How far apart are neighbours after two strides of 2? After two strides of 2, neighbours are four pixels "
            "apart: the second stride takes every second of numbers that are two pixels apart already. Here the "
            "strides are added to the jump, which gives 1 + 2 + 2 = 5.",
        ),
        Mistake(
            "wrong_order",
            lambda kernels, strides: receptive_field(kernels[::-1], strides[::-1]),
            "In which direction does this rule go through the layers? The rule (field - 1) · stride + kernel is meant "
            "for the way back, from the last layer to the first. Here it goes from first to last, which gives 4 for "
            "[2, 3] with strides [2, 1] in place of 6. Turn the order round, or use the jump.",
        ),
        Mistake(
            "one_side_only",
            _one_side,
            "To how many sides does a window reach? Here only one side is counted: a 3×3 window adds 1. It reaches "
            "one number to the left and one to the right, so it adds 2, and two of them give 5 and not 3.",
        ),
        Mistake(
            "largest_kernel",
            lambda kernels, strides: max(kernels),
            "What does a second layer of the same kernel size change? The result is the largest kernel, as if depth "
            "changed nothing. But a second layer looks at numbers that have each seen 3×3 pixels already: together "
            "the two see 5×5.",
        ),
        Mistake(
            "area",
            lambda kernels, strides: receptive_field(kernels, strides) ** 2,
            "Which unit does the result have? The result is a number of pixels in an area, 25 for two 3×3 layers. The "
            "height (and width) of the field is asked for, which is 5.",
        ),
        Mistake(
            "list_of_all_layers",
            _after_each_layer,
            "How many numbers should come back? The result has one number for each layer. Only one is asked for, the "
            "field of a number after the last layer.",
        ),
        Mistake(
            "returns_none",
            lambda kernels, strides: None,
            "What does the function hand back? A Python function without a `return` gives back None, so the field is "
            "computed and lost. Hand the number back after the loop.",
        ),
    ),
)
