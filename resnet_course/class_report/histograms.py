"""Sort numbers into bins, also where a few of them are absurd."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_BINS = 12
OUTSIDE = 0.025  # share at each end that the axis may leave out
FAR = 3.0  # it does so only for numbers further away from the rest than this many times the rest's width
FAR_FOR_MARK = 50.0  # the same for the marked number, in units of that distance: it is to be seen
NARROWEST = 0.2  # width of an axis, as a share of the largest number on it

_TRY_BINS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 10), (11, None))


@dataclass(frozen=True)
class Histogram:
    """Counts between edges, and of what lies outside the axis.

    Shape:
        edges (n + 1,), counts (n,)
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int
    above: int

    def place(self, value: float) -> float | None:
        """Where a number stands on the axis, from 0 to 1; None if it is outside."""
        share = (value - self.edges[0]) / (self.edges[-1] - self.edges[0])
        return share if 0 <= share <= 1 else None


def count_tries(tries: Sequence[int]) -> list[tuple[str, int]]:
    """Label and count of each bin: one each up to 5, then wider ones."""
    counts = []
    for low, high in _TRY_BINS:
        label = f"{low}+" if high is None else str(low) if low == high else f"{low}–{high}"
        counts.append((label, sum(low <= number and (high is None or number <= high) for number in tries)))
    return counts


def histogram(values: Sequence[float], also: float | None = None) -> Histogram:
    """At most `MOST_BINS` bins with round edges. The axis holds at least the middle 95 % of the values.

    Args:
        values: at least one; those of any size.
        also: a number that is marked, which the axis holds too unless it is absurdly far away.

    Shape:
        values (n,)
    """
    ordered = sorted(values)
    with_mark = ordered if also is None else sorted([*ordered, also])
    cut = min(math.ceil(OUTSIDE * len(ordered)), (len(with_mark) - 1) // 2)
    inner = with_mark[cut : len(with_mark) - cut]
    low, high = inner[0], inner[-1]
    reach = FAR * ((high - low) or FAR * abs(high) or 1.0)
    near = [value for value in ordered if low - reach <= value <= high + reach]
    if also is not None and low - FAR_FOR_MARK * reach <= also <= high + FAR_FOR_MARK * reach:
        near.append(also)
    edges = _round_edges(min(near), max(near))
    counts = [0] * (len(edges) - 1)
    for value in ordered:
        if edges[0] <= value <= edges[-1]:
            counts[min(bisect.bisect_right(edges, value), len(counts)) - 1] += 1
    below = sum(value < edges[0] for value in ordered)
    return Histogram(tuple(edges), tuple(counts), below, len(ordered) - below - sum(counts))


def _round_edges(low: float, high: float) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten, from `low` or just below it to `high` or just above it."""
    size = max(abs(low), abs(high))
    room = (NARROWEST * size if size >= 1e-12 else 1.0) - (high - low)
    if room > 0:  # numbers that are almost the same look so
        low, high = low - room / 2, high + room / 2
    power = 10.0 ** math.floor(math.log10((high - low) / MOST_BINS))
    for factor in (1, 2, 2.5, 5, 10, 20, 25):
        step = factor * power
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= MOST_BINS:
            break
    # Written and read back with few digits, so that 3 * 0.1 is 0.3 and a guess of 0.3 falls into the bin from 0.3.
    edges = [float(f"{number * step:.9g}") for number in range(first, last + 1)]
    return edges if high <= edges[-1] else [*edges, float(f"{(last + 1) * step:.9g}")]
