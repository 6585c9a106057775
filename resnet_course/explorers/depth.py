"""What depth costs, and what it gave in the recorded runs."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes

from resnet_course import plotting
from resnet_course.explorers.controls import Answer, Control, Explorer, explore
from resnet_course.inspection import count_multiply_adds, count_parameters
from resnet_course.models import cifar_resnet
from resnet_course.plotting.style import INK

BLOCKS = tuple(range(1, 10))  # n, blocks in each of three stages: depth 8 to 56

Errors = dict[tuple[str, int], list[float]]
"""Training errors of all seeds, by kind ("plain" or "residual") and depth."""


def depth_explorer(records: Sequence[Mapping[str, Any]], kinds: Sequence[str] = ("plain", "residual")) -> None:
    """Choose a depth of the 6n+2 family: its size, its work, and its recorded training error.

    Args:
        records: of the plan "degradation", see `experiments.load_records`.
        kinds: "plain", "residual" or both. Lesson 02 shows the plain ones only: the reader of lesson 03 bets on the
            others.

    Used in lesson 02.
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
        self.errors = training_errors(records)
        self.budget = records[0]["configuration"]
        self.depths = sorted({depth for kind, depth in self.errors if kind in kinds})

    def __call__(self, kind: str, n: int) -> Answer:
        """The answer for one network."""
        depth = 6 * n + 2
        size = self.budget["image_size"]
        parameters, work = network_size(kind, depth, size)
        smallest = network_size(kind, 6 * BLOCKS[0] + 2, size)[1]
        cost = f"{kind} {depth}: {parameters:,} parameters, {work:,} multiply-adds for one image of {size}×{size}"
        times = f", {work / smallest:.1f} times those of depth 8." if n > 1 else "."
        return Answer(
            lines=(cost + times, self._error_in_words(kind, depth)),
            draw=lambda: self._draw(kind, depth),
            alt=self._alt(kind, depth),
            caption=self._caption(),
        )

    def _caption(self) -> str:
        run, size = self.budget, self.budget["image_size"]
        return (
            f"Recorded runs: {run['images']:,} images of {size}×{size}, {run['epochs']} epochs, "
            f"{self._seeds()} seeds. Points are means, the band goes from the lowest to the highest seed; the lines "
            "only join the points."
        )

    def _seeds(self) -> str:
        counts = sorted({len(errors) for (kind, _), errors in self.errors.items() if kind in self.kinds})
        return " or ".join(map(str, counts))

    def _error_in_words(self, kind: str, depth: int) -> str:
        errors = self.errors.get((kind, depth))
        if errors is None:
            return f"Training error of {kind} {depth}: not recorded."
        return (
            f"Recorded training error: {statistics.mean(errors):.3f} on average of {len(errors)} seeds, "
            f"from {min(errors):.3f} to {max(errors):.3f}."
        )

    def _alt(self, kind: str, depth: int) -> str:
        lines = []
        for each in self.kinds:
            means = [(d, self.errors[each, d]) for d in self.depths if (each, d) in self.errors]
            lines.append(f"{each} " + ", ".join(f"{statistics.mean(errors):.3f} at depth {d}" for d, errors in means))
        return f"Recorded training error by depth: {'; '.join(lines)}. Depth {depth} of {kind} is marked."

    def _draw(self, kind: str, depth: int) -> Axes:
        recorded = {each: [self.errors.get((each, d), [float("nan")]) for d in self.depths] for each in self.kinds}
        means = {each: [statistics.mean(errors) for errors in column] for each, column in recorded.items()}
        bands = {each: ([min(e) for e in column], [max(e) for e in column]) for each, column in recorded.items()}
        errors = self.errors.get((kind, depth))
        found = "not recorded" if errors is None else f"training error {statistics.mean(errors):.3f}"
        axes = plotting.lines(
            means,
            title=f"{kind} {depth}: {found}",
            x_label="depth",
            y_label="error on the training images",
            x=self.depths,
            bands=bands,
            y_limits=(0, 1),
        )
        axes.axvline(depth, color=INK, lw=1.4, ls=":", zorder=1)
        if errors is not None:
            axes.plot(depth, statistics.mean(errors), "o", ms=15, mfc="none", mec=INK, mew=2, zorder=4, clip_on=False)
        return axes


def training_errors(records: Iterable[Mapping[str, Any]]) -> Errors:
    """The records' training errors, grouped."""
    errors: Errors = {}
    for record in records:
        kind, depth = record["configuration"]["network"].split()
        errors.setdefault((kind, int(depth)), []).append(record["train_error"])
    return errors


@functools.cache
def network_size(kind: str, depth: int, image_size: int) -> tuple[int, int]:
    """Parameters and multiply-adds of one network of the family; shortcuts are option A, as in the records."""
    with torch.random.fork_rng(devices=[]):  # new layers draw random weights; the lesson's draws stay
        model = cifar_resnet(depth, residual=kind == "residual")
    return count_parameters(model), count_multiply_adds(model, (3, image_size, image_size))
