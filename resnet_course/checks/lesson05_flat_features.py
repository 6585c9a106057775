"""Lesson 05, `flat_features`: how many numbers reach the linear layer behind a pooling of fixed size."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from resnet_course.checking.compare import differ
from resnet_course.checking.core import Exercise, Mistake

CASES = ((32, 1), (64, 1), (96, 1), (224, 1), (128, 4), (64, 4), (32, 4))


def flat_features(image_size: int, expansion: int = 1) -> int:
    """Inputs of the linear layer behind four stages with the CIFAR stem, average pooling with window 4, and flattening.

    For image sizes that are multiples of 32.
    """
    side = image_size // 8 // 4
    return 512 * expansion * side * side


def compare_numbers(candidate: Any, implementation: Any) -> str | None:
    """The numbers, and whether they are whole numbers; the default of `expansion` as well."""
    for image_size, expansion in CASES:
        arguments = (image_size,) if expansion == 1 else (image_size, expansion)
        mine, expected = candidate(*arguments), implementation(*arguments)
        what = f"flat_features({', '.join(map(str, arguments))})"
        difference = differ(_plain(mine), _plain(expected), what)
        if difference is not None:
            return difference
        if _is_whole(mine) != _is_whole(expected):
            return f"{what} is {mine!r}, a {type(mine).__name__}; nn.Linear takes whole numbers."
    return None


def _is_whole(number: Any) -> bool:
    try:
        operator.index(number)
    except TypeError:
        return False
    return True


def _plain(number: Any) -> Any:
    return float(number) if _is_whole(number) or isinstance(number, float) else number


def _wrong(formula: Callable[[int, int], Any]) -> Callable[..., Any]:
    def flat_features(image_size: int, expansion: int = 1) -> Any:
        return formula(image_size, expansion)

    return flat_features


FLAT_FEATURES = Exercise(
    "flat_features",
    "05",
    flat_features,
    compare_numbers,
    (
        Mistake(
            "nothing_returned",
            _wrong(lambda size, exp: None),
            "What comes back from a call? A Python function without a `return` gives back None. The number of inputs "
            "of the linear layer is asked for.",
        ),
        Mistake(
            "always_2048",
            _wrong(lambda size, exp: 2048 * exp),
            "For which image size is 2048 right? 2048 is right for 64×64 only, where the pooling leaves 2×2 windows "
            "of 512 channels. The result has to follow `image_size`: 32×32 images leave one window and 512 numbers.",
        ),
        Mistake(
            "always_512",
            _wrong(lambda size, exp: 512 * exp),
            "For which image size is 512 right? 512 is right for 32×32 only, where the pooling leaves a single "
            "window. For 64×64 it leaves 2×2 of them, and four times as many numbers. The result has to follow "
            "`image_size`.",
        ),
        Mistake(
            "float_result",
            _wrong(lambda size, exp: 512 * exp * (size / 8 / 4) ** 2),
            "What type does the result have? The result is a float such as 512.0, because `/` always makes one, and "
            "nn.Linear takes whole numbers only. There is a division that keeps them whole.",
        ),
        Mistake(
            "side_not_squared",
            _wrong(lambda size, exp: 512 * exp * (size // 8 // 4)),
            "How many windows does the pooling leave for an image of 64×64? Only one side is counted. An image of "
            "64×64 leaves 4 windows, 2 in height and 2 in width; counting 2 gives 1024 and not 2048 numbers.",
        ),
        Mistake(
            "pooling_forgotten",
            _wrong(lambda size, exp: 512 * exp * (size // 8) ** 2),
            "What happens between the last stage and the linear layer? A pooling with a window of 4 makes a map of "
            "4×4 into a single number. Without it 32×32 images would give 8192 numbers and not 512.",
        ),
        Mistake(
            "pooling_stride_1",
            _wrong(lambda size, exp: 512 * exp * (size // 8 - 3) ** 2),
            "How far does the pooling window move each time? The pooling window moves by one pixel here, which leaves "
            "5×5 windows of an 8×8 map. Without a stride of its own, avg_pool2d moves by the size of its window: 2×2.",
        ),
        Mistake(
            "halvings_forgotten",
            _wrong(lambda size, exp: 512 * exp * (size // 4) ** 2),
            "How large is an image of 32×32 behind the last stage? Three of the four stages halve the image, so 32×32 "
            "ends at 4×4. Here only the pooling is counted, and the result is 64 times too large.",
        ),
        Mistake(
            "four_halvings",
            _wrong(lambda size, exp: 512 * exp * (size // 16 // 4) ** 2),
            "Which stages halve the image? All four stages halve the image here, so 32×32 ends at 2×2, less than one "
            "window of the pooling, and the result is 0. The first stage keeps the size, which leaves 4×4.",
        ),
        Mistake(
            "two_halvings",
            _wrong(lambda size, exp: 512 * exp * (size // 4 // 4) ** 2),
            "How often is the image halved before the pooling? The image is halved twice here, so a map of 8×8 is "
            "left from 32×32 and the result is 2048. Count the stages with a stride of 2 once more.",
        ),
        Mistake(
            "imagenet_stem",
            _wrong(lambda size, exp: 512 * exp * (size // 32 // 4) ** 2),
            "By how much does the stem divide height and width? The stem divides by 4 here, as the ImageNet stem does "
            "with its stride and its pooling. The stem for small images keeps height and width, so only the stages "
            "and the last pooling count.",
        ),
        Mistake(
            "expansion_ignored",
            _wrong(lambda size, exp: 512 * (size // 8 // 4) ** 2),
            "How many numbers do blocks of expansion 4 give for an image of 32×32? The expansion is not used, so the "
            "result is 512 for every block. Blocks of expansion 4 send out four times as many channels, so 2048 "
            "numbers reach the linear layer.",
        ),
        Mistake(
            "expansion_squared",
            _wrong(lambda size, exp: 512 * (exp * (size // 8 // 4)) ** 2),
            "What does the expansion change, the channels or the size of the map? The expansion changes the channels "
            "only. Here it multiplies height and width, so expansion 4 gives 16 times as many numbers and not 4 "
            "times.",
        ),
        Mistake(
            "channels_forgotten",
            _wrong(lambda size, exp: exp * (size // 8 // 4) ** 2),
            "How many numbers come out of one window? Each window counts once here, so 32×32 images give 1. But one "
            "number comes out of it for each channel, and 512 of them (times the expansion) leave the last stage.",
        ),
        Mistake(
            "channels_of_first_stage",
            _wrong(lambda size, exp: 64 * exp * (size // 8 // 4) ** 2),
            "How many channels leave the last stage? The result uses 64 channels, the number of the first stage. "
            "Behind it, three stages double the channels.",
        ),
        Mistake(
            "colours_counted",
            _wrong(lambda size, exp: 3 * 512 * exp * (size // 8 // 4) ** 2),
            "What is the factor 3 in your result? The factor 3 stands for the colours of the image. The first "
            "convolution has mixed them into its 64 channels, so they do not count again: 512 numbers and not 1536 "
            "for 32×32.",
        ),
    ),
)
