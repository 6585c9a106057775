"""What depth costs, and what it gave in the recorded runs."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes

from resnet_course import plotting
from resnet_course.explorers.controls import Answer, Control, Explorer, explore
from resnet_course.inspection import count_multiply_adds, count_parameters
from resnet_course.models import cifar_resnet
from resnet_course.plotting.style import INK

BLOCKS = tuple(range(1, 10))  # n, blocks in each of three stages: depth 8 to 56


def depth_explorer(records: Sequence[Mapping[str, Any]], kinds: Sequence[str] = ("plain", "residual")) -> None:
    """Choose a depth of the 6n+2 family: its size, its work, and its recorded training error.

    Args:
        records: of the plan "degradation", see `experiments.load_records`.
        kinds: "plain", "residual" or both. Lesson 04 shows the plain ones only: the reader of lesson 05 bets on the
            others.

    Used in lesson 04.
    """
    explore(depth_parts(records, kinds))


def depth_parts(records: Sequence[Mapping[str, Any]], kinds: Sequence[str] = ("plain", "residual")) -> Explorer:
    """What `depth_explorer` shows."""
    controls = {
        "kind": Control("network", {kind: kind for kind in kinds}),
        "n": Control("blocks per stage", {f"{n} (depth {6 * n + 2})": n for n in BLOCKS}),
    }
    shown = [{"kind": kind, "n": n} for kind in kinds for n in (BLOCKS[0], BLOCKS[-1])]
    return Explorer(DepthAnswers(records, kinds), controls, {"kind": kinds[0], "n": 3}, shown)


class DepthAnswers:
    """Answers by kind and n, from the records."""

    def __init__(self, records: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> None:
        self.kinds = tuple(kinds)
        self.budget = records[0]["configuration"]
        self.errors: dict[tuple[str, int], list[float]] = {}  # of all seeds, by kind and depth
        for record in records:
            kind, depth = record["configuration"]["network"].split()
            if kind in kinds:
                self.errors.setdefault((kind, int(depth)), []).append(record["train_error"])
        self.means = {key: statistics.mean(errors) for key, errors in self.errors.items()}
        self.depths = sorted({depth for _, depth in self.errors})

    def __call__(self, kind: str, n: int) -> Answer:
        """The answer for one network."""
        run, size, depth = self.budget, self.budget["image_size"], 6 * n + 2
        parameters, work = network_size(kind, depth, size)
        smallest = network_size(kind, 6 * BLOCKS[0] + 2, size)[1]
        cost = f"{kind} {depth}: {parameters:,} parameters, {work:,} multiply-adds for one image of {size}×{size}"
        times = f", {work / smallest:.1f} times those of depth 8." if n > 1 else "."
        found = f"Training error of {kind} {depth}: not recorded."
        if errors := self.errors.get((kind, depth)):
            found = (
                f"Recorded training error: {self.means[kind, depth]:.3f} on average of {len(errors)} seeds, "
                f"from {min(errors):.3f} to {max(errors):.3f}."
            )
        seeds = " or ".join(map(str, sorted({len(errors) for errors in self.errors.values()})))
        caption = (
            f"Recorded runs: {run['images']:,} images of {size}×{size}, {run['epochs']} epochs, {seeds} seeds. "
            "Points are means, the band goes from the lowest to the highest seed; the lines only join the points."
        )
        return Answer((cost + times, found), lambda: self._draw(kind, depth), self._alt(kind, depth), caption)

    def _alt(self, kind: str, depth: int) -> str:
        lines = []
        for each in self.kinds:
            means = [f"{self.means[each, d]:.3f} at depth {d}" for d in self.depths if (each, d) in self.means]
            lines.append(f"{each} {', '.join(means)}")
        return f"Recorded training error by depth: {'; '.join(lines)}. Depth {depth} of {kind} is marked."

    def _draw(self, kind: str, depth: int) -> Axes:
        gap = [math.nan]
        recorded = {each: [self.errors.get((each, d), gap) for d in self.depths] for each in self.kinds}
        mean = self.means.get((kind, depth))
        axes = plotting.lines(
            {each: list(map(statistics.mean, column)) for each, column in recorded.items()},
            title=f"{kind} {depth}: {'not recorded' if mean is None else f'training error {mean:.3f}'}",
            x_label="depth",
            y_label="error on the training images",
            x=self.depths,
            bands={each: (list(map(min, column)), list(map(max, column))) for each, column in recorded.items()},
            y_limits=(0, 1),
        )
        axes.axvline(depth, color=INK, lw=1.4, ls=":", zorder=1)
        if mean is not None:
            axes.plot(depth, mean, "o", ms=15, mfc="none", mec=INK, mew=2, zorder=4, clip_on=False)
        return axes


@functools.cache
def network_size(kind: str, depth: int, image_size: int) -> tuple[int, int]:
    """Parameters and multiply-adds of one network of the family; shortcuts are option A, as in the records."""
    with torch.random.fork_rng(devices=[]):  # new layers draw random weights; the lesson's draws stay
        model = cifar_resnet(depth, residual=kind == "residual")
    return count_parameters(model), count_multiply_adds(model, (3, image_size, image_size))
