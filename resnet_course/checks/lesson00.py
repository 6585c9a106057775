"""The exercise of lesson 00: normalising the channels of a batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from resnet_course.checks.compare import differ, equal
from resnet_course.checks.core import Exercise, Mistake

# Heights and widths other than 3 make a wrong broadcast fail loudly; 3 by 3 makes it silently wrong.
SHAPES = ((2, 3, 4, 6), (4, 3, 3, 3), (1, 3, 5, 2))
MEAN, STD = (0.2, 0.45, 0.7), (0.11, 0.25, 0.4)


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Subtract each channel's mean and divide by its standard deviation.

    Shape:
        images (N, 3, H, W), mean (3,) and std (3,) -> (N, 3, H, W)
    """
    return (images - _by_channel(mean)) / _by_channel(std)


def _by_channel(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1)


def _in_place(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return images.sub_(_by_channel(mean)).div_(_by_channel(std))


def _own_statistics(images: Tensor, dims: tuple[int, ...]) -> Tensor:
    return (images - images.mean(dims, keepdim=True)) / images.std(dims, keepdim=True)


def _first_image_only(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return normalise(images, mean, std)[0]


def _compare(candidate: Any, implementation: Any) -> str | None:
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    for shape in SHAPES:
        images = torch.rand(shape)
        mine_in, expected_in = images.clone(), images.clone()
        mine, expected = candidate(mine_in, mean.clone(), std.clone()), implementation(expected_in, mean, std)
        difference = differ(mine, expected, f"for images of shape {shape}, the result")
        if difference is not None:
            return difference
        if equal(mine_in, images) != equal(expected_in, images):
            return "the result is right, but the images that came in were changed too."
    return None


WARM_UP = Exercise(
    "warm_up",
    "00",
    normalise,
    _compare,
    (
        Mistake(
            "no_reshape",
            lambda images, mean, std: (images - mean) / std,
            "Which dimension do three numbers meet? PyTorch lines shapes up from the right, so a tensor of shape (3,) "
            "meets the width. The channels are the third dimension from the right.",
        ),
        Mistake(
            "over_height",
            lambda images, mean, std: (images - mean.view(3, 1)) / std.view(3, 1),
            "Which dimension does a tensor of shape (3, 1) meet? The height. One more dimension of length 1 is missing "
            "on the right.",
        ),
        Mistake(
            "mean_not_subtracted",
            lambda images, mean, std: images / _by_channel(std),
            "Where does the middle of the numbers lie afterwards? The mean was not subtracted.",
        ),
        Mistake(
            "not_divided",
            lambda images, mean, std: images - _by_channel(mean),
            "How wide are the numbers spread afterwards? The division by the standard deviation is missing.",
        ),
        Mistake(
            "multiplied",
            lambda images, mean, std: (images - _by_channel(mean)) * _by_channel(std),
            "To multiply or to divide? A small deviation must spread the numbers out, not press them together.",
        ),
        Mistake(
            "variance",
            lambda images, mean, std: (images - _by_channel(mean)) / _by_channel(std) ** 2,
            "Standard deviation or variance? `std` is the deviation already; its square is the variance.",
        ),
        Mistake(
            "root_of_std",
            lambda images, mean, std: (images - _by_channel(mean)) / _by_channel(std).sqrt(),
            "Standard deviation or variance? `std` is the deviation already: no square root is needed.",
        ),
        Mistake(
            "divided_first",
            lambda images, mean, std: images / _by_channel(std) - _by_channel(mean),
            "In which order? Here the images are divided before the mean is taken away, so the mean has another unit "
            "than the numbers it is taken from.",
        ),
        Mistake(
            "brackets_missing",
            lambda images, mean, std: images - _by_channel(mean) / _by_channel(std),
            "What does Python compute first in a - b / c? Only the mean was divided.",
        ),
        Mistake(
            "mean_added",
            lambda images, mean, std: (images + _by_channel(mean)) / _by_channel(std),
            "Plus or minus? The mean must be taken away, so that the result lies around 0.",
        ),
        Mistake(
            "one_global_number",
            lambda images, mean, std: (images - mean.mean()) / std.mean(),
            "How many means are used? One for all channels; each channel has its own mean and its own deviation.",
        ),
        Mistake(
            "statistics_of_each_image",
            lambda images, mean, std: _own_statistics(images, (2, 3)),
            "Whose mean is this? It is computed for every image on its own, which takes away how bright the image is. "
            "Use the `mean` and `std` that came in.",
        ),
        Mistake(
            "statistics_of_the_batch",
            lambda images, mean, std: _own_statistics(images, (0, 2, 3)),
            "Whose mean is this? It is computed from this batch, so the same image would look different in another "
            "batch. Use the `mean` and `std` that came in.",
        ),
        Mistake(
            "in_place",
            _in_place,
            "What do the caller's images look like now? They were changed in place (by -=, /= or an assignment to a "
            "part of them); make a new tensor.",
        ),
        Mistake(
            "one_image_only",
            _first_image_only,
            "How many images come out? A whole batch came in.",
        ),
        Mistake(
            "returns_none",
            lambda images, mean, std: None,
            "What does the function hand back? Without a `return` it gives None.",
        ),
    ),
)

EXERCISES = (WARM_UP,)
