"""The exercise of lesson 00: normalising the channels of a batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from resnet_course.checking.compare import differ, equal
from resnet_course.checking.core import Exercise, Mistake

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
            "Which dimension of the images do three numbers of shape (3,) meet? PyTorch lines shapes up from the "
            "right, so a tensor of shape (3,) meets the width, not the channels. Only images 3 pixels wide run "
            "through, and each column then gets another mean. The channels are the third dimension from the right: "
            "two more dimensions of length 1 must follow the three numbers.",
        ),
        Mistake(
            "over_height",
            lambda images, mean, std: (images - mean.view(3, 1)) / std.view(3, 1),
            "Which dimension does a tensor of shape (3, 1) meet? PyTorch lines shapes up from the right: of a shape "
            "(3, 1), the 1 meets the width and the 3 meets the height, so each row would get a mean of its own. The "
            "channels are one dimension further to the left, so one more dimension of length 1 is missing on the "
            "right.",
        ),
        Mistake(
            "mean_not_subtracted",
            lambda images, mean, std: images / _by_channel(std),
            "Around which number do the pixels lie afterwards? The pixels are divided by the deviation and the mean "
            "is not taken away, so they do not lie around 0: with mean 0.45 and deviation 0.25 an average pixel "
            "becomes 1.8. Take the mean away first.",
        ),
        Mistake(
            "not_divided",
            lambda images, mean, std: images - _by_channel(mean),
            "How far from 0 do the pixels lie afterwards, in each channel? The mean is taken away, but nothing is "
            "divided. Each channel keeps its own spread, for example 0.11 or 0.4, where every channel should have "
            "spread 1. The standard deviation must still be used.",
        ),
        Mistake(
            "multiplied",
            lambda images, mean, std: (images - _by_channel(mean)) * _by_channel(std),
            "What happens to a channel whose deviation is small? The difference is multiplied by the deviation, so a "
            "channel with a spread of 0.11 gets an even smaller one, about 0.01. Dividing by it brings every channel "
            "to a spread of 1.",
        ),
        Mistake(
            "variance",
            lambda images, mean, std: (images - _by_channel(mean)) / _by_channel(std) ** 2,
            "What is divided by, in terms of `std`? The code divides by the square of `std`, the variance. `std` is "
            "the deviation already: with 0.1, a pixel that is 0.1 above the mean should become 1, and here it becomes "
            "10.",
        ),
        Mistake(
            "root_of_std",
            lambda images, mean, std: (images - _by_channel(mean)) / _by_channel(std).sqrt(),
            "What is divided by, in terms of the numbers that came in? The code divides by the square root of `std`. "
            "A root would turn a variance into a deviation, but `std` is the deviation already and can be used as it "
            "is.",
        ),
        Mistake(
            "divided_first",
            lambda images, mean, std: images / _by_channel(std) - _by_channel(mean),
            "Which of the two steps comes first? Here the images are divided before the mean is taken away. The mean "
            "belongs to the undivided pixels: with mean 0.45 and deviation 0.25 a pixel of 0.45 becomes 1.8 - 0.45 = "
            "1.35 where it should become 0. Subtract first.",
        ),
        Mistake(
            "brackets_missing",
            lambda images, mean, std: images - _by_channel(mean) / _by_channel(std),
            "What does Python compute first in a - b / c? Division comes before subtraction in Python, so only the "
            "mean is divided, and the images keep their spread. The difference must be computed before the division.",
        ),
        Mistake(
            "mean_added",
            lambda images, mean, std: (images + _by_channel(mean)) / _by_channel(std),
            "On which side of 0 do the pixels lie afterwards? The mean is added, so a pixel equal to the mean of 0.45 "
            "moves to 0.9 before the division. It should move to 0: normalising takes the mean away.",
        ),
        Mistake(
            "one_global_number",
            lambda images, mean, std: (images - mean.mean()) / std.mean(),
            "How many different means are used for one image? Here the three means are averaged into one, and the "
            "three deviations too. A channel with mean 0.2 is then not centred when the average is 0.45. Each channel "
            "needs its own two numbers.",
        ),
        Mistake(
            "statistics_of_each_image",
            lambda images, mean, std: _own_statistics(images, (2, 3)),
            "Whose mean is subtracted? Here each image's own mean and deviation are used. A dark and a bright version "
            "of one image then come out the same, and the arguments `mean` and `std` are not used at all. They were "
            "computed once, for all training images, and are the same for every image.",
        ),
        Mistake(
            "statistics_of_the_batch",
            lambda images, mean, std: _own_statistics(images, (0, 2, 3)),
            "Whose mean and deviation are these? The mean and deviation used here are computed from the batch, so the "
            "same image comes out differently in another batch. Use the `mean` and `std` that came in: they were "
            "computed once, for all training images.",
        ),
        Mistake(
            "in_place",
            _in_place,
            "What do the caller's images look like after the call? The caller's images are changed: -=, /=, methods "
            "with a final underscore and an assignment to a part of a tensor write into the tensor that came in. A "
            "second call would normalise them twice. Compute new tensors.",
        ),
        Mistake(
            "one_image_only",
            _first_image_only,
            "How many images come out, if two go in? Only one image comes out: the first dimension counts the images, "
            "and the code takes a single one of them or ends the loop early. The function must normalise the whole "
            "batch and keep the shape (N, 3, H, W).",
        ),
        Mistake(
            "returns_none",
            lambda images, mean, std: None,
            "What does the function hand back? A Python function without a `return` gives back None, so the result is "
            "computed and lost. Hand the normalised images back.",
        ),
    ),
)

EXERCISES = (WARM_UP,)
