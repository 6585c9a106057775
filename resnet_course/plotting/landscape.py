"""The loss around trained networks, as maps side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from resnet_course.plotting.display import describe
from resnet_course.plotting.inputs import Floats, as_array, check_length
from resnet_course.plotting.style import INK, WIDTH, wrap

LEVELS = (0.03, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0)  # the first and the last are the ends of the colours


def landscapes(
    surfaces: Mapping[str, Any],
    steps: Sequence[float],
    title: str,
    levels: Sequence[float] = LEVELS,
) -> Figure:
    """One map for each network, with lines of equal loss that carry their number; all maps have the same scale.

    The colours are logarithmic and end at the outermost levels; what lies beyond has the last colour. A line is drawn
    at each level between them. A plus sign marks the middle, where the network itself is.

    Args:
        surfaces: a square of losses by network; rows go along the second direction.
        steps: where the rows and columns stand, from low to high.
        title: what the figure shows, as a sentence.
        levels: losses above 0, from low to high.

    Shape:
        each surface (len(steps), len(steps))

    Raises:
        ValueError: if there is no surface, or shapes, steps or levels do not fit.
    """
    if not surfaces:
        raise ValueError("there is nothing to draw: give at least one named surface")
    if len(levels) < 2 or min(levels) <= 0 or list(levels) != sorted(set(levels)):
        raise ValueError(f"levels must be at least two numbers above 0, from low to high, got {list(levels)}")
    grids = {name: _as_grid(surface, name, steps, levels) for name, surface in surfaces.items()}
    height = WIDTH / len(grids) + 0.7
    figure, row = plt.subplots(1, len(grids), figsize=(WIDTH, height), layout="constrained", squeeze=False, sharey=True)
    scale = LogNorm(levels[0], levels[-1])
    for ax, (name, grid) in zip(row[0], grids.items(), strict=True):
        image = _draw_map(ax, grid, steps, levels, scale)
        ax.set_title(name, loc="left", size=12.5)
    row[0][0].set_ylabel("second direction")
    figure.supxlabel("step along the first direction", size=12.5)
    figure.suptitle(wrap(title, WIDTH * 66, 15), x=0.01, ha="left", size=14.5, weight="bold")
    bar = figure.colorbar(image, ax=list(row[0]), shrink=0.8, pad=0.02, extend="both")
    bar.set_label("loss (logarithmic)")
    bar.set_ticks(list(levels), labels=[f"{level:g}" for level in levels])
    bar.minorticks_off()
    each = "; ".join(f"{name} from {grid.min():.3g} to {grid.max():.3g}" for name, grid in grids.items())
    describe(figure, f"{title}. Loss in a square of {len(steps)} by {len(steps)} points: {each}.")
    return figure


def landscape_hills(surfaces: Mapping[str, Any], steps: Sequence[float], title: str) -> Figure:
    """The same maps seen from the side, the logarithm of the loss being the height.

    Args:
        surfaces: a square of losses by network; rows go along the second direction.
        steps: where the rows and columns stand, from low to high.
        title: what the figure shows, as a sentence.

    Raises:
        ValueError: as `landscapes`.
    """
    if not surfaces:
        raise ValueError("there is nothing to draw: give at least one named surface")
    grids = {name: _as_grid(surface, name, steps, LEVELS) for name, surface in surfaces.items()}
    figure = plt.figure(figsize=(WIDTH, WIDTH / len(grids) + 0.5), layout="constrained")
    across, along = np.meshgrid(steps, steps)
    ends = [np.log10(LEVELS[0]), np.log10(LEVELS[-1])]
    for place, (name, grid) in enumerate(grids.items(), 1):
        ax: Any = figure.add_subplot(1, len(grids), place, projection="3d")
        count = len(grid)
        look = {"cmap": "viridis", "vmin": ends[0], "vmax": ends[1], "linewidth": 0.15, "edgecolor": INK}
        ax.plot_surface(across, along, np.log10(grid), rcount=count, ccount=count, **look)
        ax.set_zlim(ends)
        ax.set_zticks([-1, 0, 1, 2], ["0.1", "1", "10", "100"])
        ax.set(xticks=(steps[0], 0, steps[-1]), yticks=(steps[0], 0, steps[-1]))
        ax.set_box_aspect(None, zoom=0.8)
        ax.set_title(name, size=12.5, y=0.9)
    figure.suptitle(wrap(title, WIDTH * 66, 15), x=0.01, ha="left", size=14.5, weight="bold")
    each = "; ".join(f"{name} from {grid.min():.3g} to {grid.max():.3g}" for name, grid in grids.items())
    describe(figure, f"{title}. The loss as a height over a square of {len(steps)} by {len(steps)} points: {each}.")
    return figure


def _as_grid(surface: Any, name: str, steps: Sequence[float], levels: Sequence[float]) -> Floats:
    """Between the outermost levels; an infinite loss, or one that is no number, has the highest."""
    grid = np.asarray(as_array(surface), dtype=float)
    if grid.ndim != 2 or grid.shape[0] != grid.shape[1] or len(grid) < 2:
        raise ValueError(f"{name!r} must be a square of at least 2 by 2 losses, got shape {grid.shape}")
    check_length(steps, len(grid), "steps")
    if list(steps) != sorted(set(steps)):
        raise ValueError(f"steps must go from low to high, got {list(steps)}")
    return np.clip(np.nan_to_num(grid, nan=np.inf), levels[0], levels[-1])


def _draw_map(ax: Axes, grid: Floats, steps: Sequence[float], levels: Sequence[float], scale: LogNorm) -> Any:
    image = ax.pcolormesh(steps, steps, grid, norm=scale, cmap="viridis", shading="gouraud", rasterized=True)
    _draw_lines(ax, grid, steps, levels[1:-1])
    ax.plot(0, 0, "+", ms=11, mew=2.2, color="white", path_effects=[withStroke(linewidth=4.2, foreground=INK)])
    ends = (steps[0], 0, steps[-1])
    ax.set(aspect="equal", xticks=ends, yticks=ends)
    ax.grid(False)
    return image


def _draw_lines(ax: Axes, grid: Floats, steps: Sequence[float], levels: Sequence[float]) -> None:
    """On the logarithm, so that they lie where the colours say. Numbers that would stand on the frame are left out."""
    crossed = [level for level in levels if grid.min() < level < grid.max()]
    if not crossed:
        return
    lines = ax.contour(steps, steps, np.log(grid), np.log(crossed), colors="white", linewidths=1.1, linestyles="solid")
    names = {log: f"{level:g}" for log, level in zip(lines.levels, crossed, strict=True)}
    middle, reach = (steps[0] + steps[-1]) / 2, 0.9 * (steps[-1] - steps[0]) / 2
    for text in ax.clabel(lines, fmt=names, fontsize=10.5, colors="white", inline=False):
        text.set_path_effects([withStroke(linewidth=2.4, foreground=INK)])
        text.set_visible(all(abs(place - middle) < reach for place in text.get_position()))
