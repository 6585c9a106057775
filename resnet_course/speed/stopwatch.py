"""Compare what takes time, in turns; and the most that a machine can do.

Taught in lesson 12.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from resnet_course import runtime
from resnet_course.base.language import translated


@dataclass(frozen=True)
class Row:
    """What was measured of one contestant.

    Attributes:
        name: whose.
        images_per_second: the median of the rounds; `slowest` and `fastest` are the ends.
        ratio: how many times as fast as the first contestant of the same round, the median; `ratio_low` and
            `ratio_high` are the ends.
        warm_up: seconds of the first pass, which does not count.
        seconds: of each round, which can be compared with another row's.
    """

    name: str
    images_per_second: float
    slowest: float
    fastest: float
    ratio: float
    ratio_low: float
    ratio_high: float
    warm_up: float
    seconds: tuple[float, ...] = ()

    def __str__(self) -> str:
        return translated(
            f"{self.name:<23}{self.images_per_second:>9,.0f} images/s ({self.slowest:,.0f} to {self.fastest:,.0f})"
            f"   x {self.ratio:.2f} ({self.ratio_low:.2f} to {self.ratio_high:.2f})   warm-up {self.warm_up:.1f} s"
        )


def in_turns(
    contestants: Mapping[str, Callable[[], object]], images: int, rounds: int, where: torch.device
) -> list[Row]:
    """Time what processes `images` images: everyone once to warm up, then `rounds` rounds of everyone in turn.

    Every second round goes backwards, so that a machine that gets slower or faster favours nobody.
    """
    warm_ups = {name: seconds_of(contestant, where) for name, contestant in contestants.items()}
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for index in range(rounds):
        for name in list(contestants)[:: -1 if index % 2 else 1]:
            taken[name].append(seconds_of(contestants[name], where))
    first = next(iter(taken.values()))
    return [_row(name, images, seconds, first, warm_ups[name]) for name, seconds in taken.items()]


def _row(name: str, images: int, seconds: Sequence[float], first: Iterable[float], warm_up: float) -> Row:
    speeds = [images / taken for taken in seconds]
    ratios = [reference / taken for reference, taken in zip(first, seconds, strict=True)]
    speed, ratio = ((statistics.median(each), min(each), max(each)) for each in (speeds, ratios))
    return Row(name, *speed, *ratio, warm_up, tuple(seconds))


def seconds_of(action: Callable[[], object], where: torch.device) -> float:
    """Seconds on the wall clock until the device has done what `action` asks of it."""
    runtime.wait_for(where)
    started = time.perf_counter()
    action()
    runtime.wait_for(where)
    return time.perf_counter() - started


def matmul_peak(dtype: torch.dtype, where: torch.device, seconds: float = 1.0) -> float:
    """Multiply-adds a second of a large matrix product: what this machine can do at best.

    The best of all tries: small products find the gaps on a busy CPU, large ones fill a GPU or many cores.
    """
    sizes = (512, 1024, 2048) if where.type == "cpu" else (4096, 8192)
    best = 0.0
    for size in sizes:
        left, right = torch.randn(2, size, size, device=where).to(dtype)
        out = torch.mm(left, right)
        product = functools.partial(torch.mm, left, right, out=out)
        started = time.perf_counter()
        while time.perf_counter() - started < seconds / len(sizes):
            best = max(best, size**3 / seconds_of(product, where))
    return best
