"""The exercise `receptive_field` of lesson 01."""

from __future__ import annotations

import math
from collections.abc import Sequence

from resnet_course.checks.compare import same_function
from resnet_course.checks.core import Exercise, Mistake

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
            "By how many pixels does one more 3×3 layer widen the view? Neighbouring windows overlap, so it adds "
            "3 - 1 = 2, not 3.",
        ),
        Mistake(
            "product_of_kernels",
            lambda kernels, strides: math.prod(kernels),
            "Do two 3×3 layers see 9×9 pixels? Neighbouring windows overlap, so fields add up and do not multiply.",
        ),
        Mistake(
            "starts_at_0",
            lambda kernels, strides: receptive_field(kernels, strides) - 1,
            "How many pixels does a number see before any layer? Itself: the count starts at 1.",
        ),
        Mistake(
            "strides_ignored",
            lambda kernels, strides: 1 + sum(kernel - 1 for kernel in kernels),
            "What does a stride of 2 change? Neighbours behind it are two pixels apart, so every later layer widens "
            "the view twice as much.",
        ),
        Mistake(
            "stride_first",
            _stride_first,
            "Which layers does a stride act on? On those behind it. The layer's own window still lies on the closer "
            "spacing: widen the view first, then multiply.",
        ),
        Mistake(
            "jump_replaced",
            _jump_replaced,
            "How far apart are neighbours after two strides of 2? Four pixels: strides multiply, and the last one "
            "alone does not say it.",
        ),
        Mistake(
            "own_stride_only",
            _own_stride,
            "Which strides count for a layer? Not its own, but all those in front of it, multiplied.",
        ),
        Mistake(
            "jump_added",
            _jump_added,
            "How far apart are neighbours after two strides of 2? Four pixels: strides multiply, they do not add up.",
        ),
        Mistake(
            "wrong_order",
            lambda kernels, strides: receptive_field(kernels[::-1], strides[::-1]),
            "From which end does the computation go? This rule belongs to the other direction: (field - 1) · stride + "
            "kernel goes from the last layer to the first.",
        ),
        Mistake(
            "one_side_only",
            _one_side,
            "To how many sides does a window reach? A 3×3 window adds one pixel on the left and one on the right.",
        ),
        Mistake(
            "largest_kernel",
            lambda kernels, strides: max(kernels),
            "Does depth count? This is the largest kernel; stacked layers see more than any one of them.",
        ),
        Mistake(
            "area",
            lambda kernels, strides: receptive_field(kernels, strides) ** 2,
            "Side or area? The field's height (and width) is asked for, not its number of pixels.",
        ),
        Mistake(
            "list_of_all_layers",
            _after_each_layer,
            "How many numbers are asked for? One: the field after the last layer.",
        ),
        Mistake(
            "returns_none",
            lambda kernels, strides: None,
            "What does the function hand back? Without a `return` it gives None.",
        ),
    ),
)
