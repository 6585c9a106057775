"""Lesson 05, `flat_features`: how many numbers reach the linear layer behind a pooling of fixed size."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from resnet_course.checks.compare import differ
from resnet_course.checks.core import Exercise, Mistake

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
            "What comes back? A number is asked for.",
        ),
        Mistake(
            "always_2048",
            _wrong(lambda size, exp: 2048 * exp),
            "For which image size is 2048 right? The result must depend on `image_size`.",
        ),
        Mistake(
            "always_512",
            _wrong(lambda size, exp: 512 * exp),
            "For which image size is 512 right? A larger image leaves more than one window for the pooling.",
        ),
        Mistake(
            "float_result",
            _wrong(lambda size, exp: 512 * exp * (size / 8 / 4) ** 2),
            "Is it a whole number? `/` always gives a float, and nn.Linear takes whole numbers only.",
        ),
        Mistake(
            "side_not_squared",
            _wrong(lambda size, exp: 512 * exp * (size // 8 // 4)),
            "How many windows are there? The map has a height *and* a width.",
        ),
        Mistake(
            "pooling_forgotten",
            _wrong(lambda size, exp: 512 * exp * (size // 8) ** 2),
            "What happens between the last stage and the linear layer? The pooling divides height and width by 4.",
        ),
        Mistake(
            "pooling_stride_1",
            _wrong(lambda size, exp: 512 * exp * (size // 8 - 3) ** 2),
            "How far does the pooling window move? Without a stride of its own, avg_pool2d moves by the window's size.",
        ),
        Mistake(
            "halvings_forgotten",
            _wrong(lambda size, exp: 512 * exp * (size // 4) ** 2),
            "How large is the image behind the last stage? Three stages have halved it before the pooling.",
        ),
        Mistake(
            "four_halvings",
            _wrong(lambda size, exp: 512 * exp * (size // 16 // 4) ** 2),
            "How many stages halve the image? The first stage keeps its size.",
        ),
        Mistake(
            "two_halvings",
            _wrong(lambda size, exp: 512 * exp * (size // 4 // 4) ** 2),
            "How many stages halve the image? All but the first: count them.",
        ),
        Mistake(
            "imagenet_stem",
            _wrong(lambda size, exp: 512 * exp * (size // 32 // 4) ** 2),
            "Which stem is this? The one for small images keeps height and width; only the ImageNet stem divides "
            "them by 4.",
        ),
        Mistake(
            "expansion_ignored",
            _wrong(lambda size, exp: 512 * (size // 8 // 4) ** 2),
            "What does the expansion change? A block of expansion 4 sends out four times as many channels.",
        ),
        Mistake(
            "expansion_squared",
            _wrong(lambda size, exp: 512 * (exp * (size // 8 // 4)) ** 2),
            "What does the expansion multiply? The channels, not height and width.",
        ),
        Mistake(
            "channels_forgotten",
            _wrong(lambda size, exp: exp * (size // 8 // 4) ** 2),
            "How many channels leave the last stage? Each of them gives one number for each window.",
        ),
        Mistake(
            "channels_of_first_stage",
            _wrong(lambda size, exp: 64 * exp * (size // 8 // 4) ** 2),
            "How many channels leave the *last* stage? They have doubled three times.",
        ),
        Mistake(
            "colours_counted",
            _wrong(lambda size, exp: 3 * 512 * exp * (size // 8 // 4) ** 2),
            "What has become of the three colours? The first convolution has mixed them into its channels; they do "
            "not count again.",
        ),
    ),
)
