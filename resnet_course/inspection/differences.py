"""What a difference means: between means of several seeds, and between the first and the last layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from resnet_course.base.language import translated

# Student's t: 95 % of the means of n + 1 differences lie within so many standard errors of the true one.
T_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
FOLD = 100
"""A gradient vanishes, or explodes, where first and last layer differ at least so many times."""


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences, and how far it may be from the true one.

    Args:
        mean: of the differences, one for each seed.
        reach: half the width of the 95 % interval around it (Student's t); infinite for one seed.
        seeds: how many there are.
    """

    mean: float
    reach: float
    seeds: int

    def is_above(self, margin: float = 0.0) -> bool | None:
        """True if the whole interval lies above `margin`, False if it lies below, None if it cannot be told."""
        if self.mean - self.reach > margin:
            return True
        return False if self.mean + self.reach < margin else None

    def is_within(self, margin: float) -> bool | None:
        """True if the whole interval lies within ± `margin` ("about equal"), False if outside, None otherwise."""
        low, high = self.mean - self.reach, self.mean + self.reach
        if -margin < low and high < margin:
            return True
        return False if low > margin or high < -margin else None

    def __str__(self) -> str:  # + 0.0: no minus in front of a zero
        if self.seeds < 2:
            return translated(f"{round(self.mean, 3) + 0.0:+.3f} with one seed, which says nothing about the spread")
        return translated(f"{round(self.mean, 3) + 0.0:+.3f} ± {self.reach:.3f} ({self.seeds} seeds, 95 %)")


def paired_difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """`first - second`, seed by seed: the two trainings of a pair share seed, images and their order.

    Raises:
        ValueError: if the two have different lengths, or none.

    Taught in lesson 02.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"one number a seed is needed for both, got {len(first)} and {len(second)}")
    differences = [a - b for a, b in zip(first, second, strict=True)]
    count = len(differences)
    if count < 2:
        return Difference(differences[0], math.inf, 1)
    t = T_95[count - 2] if count - 2 < len(T_95) else 2.0
    return Difference(mean(differences), t * stdev(differences) / math.sqrt(count), count)


def compare_means(
    higher: Mapping[str, Sequence[float]], lower: Mapping[str, Sequence[float]]
) -> tuple[bool | None, str]:
    """Whether the first is higher than the second, by pairs of one seed, and the numbers in words.

    Args:
        higher, lower: a name and one number for each seed, in the order of the seeds.
    """
    (name, first), (other, second) = *higher.items(), *lower.items()
    difference = paired_difference(first, second)
    return difference.is_above(), f"{name} {mean(first):.3f}, {other} {mean(second):.3f}; difference {difference}"


def trend(norms: Sequence[float] | Mapping[str, float]) -> str:
    """ "vanishes", "explodes" or "neither": how a gradient changes on its way from the last layer to the first.

    It vanishes where the first layer's is at most a hundredth of the last layer's, and explodes where it is at least a
    hundred times as large.

    Args:
        norms: one number for each layer, from the input to the output, such as gradient norm over weight norm.

    Taught in lesson 03.
    """
    values = list(norms.values() if isinstance(norms, Mapping) else norms)
    ratio = values[0] / values[-1] if values[-1] else math.inf
    if ratio <= 1 / FOLD:
        return "vanishes"
    return "explodes" if ratio >= FOLD else "neither"
