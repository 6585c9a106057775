"""One row for each network: every seed a dot, their mean a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from resnet_course.plotting.display import describe
from resnet_course.plotting.inputs import as_series
from resnet_course.plotting.style import INK, axes_or_new, put_title, styles_for, wrap


def dots(
    values: Mapping[str, Sequence[float]], title: str, x_label: str, ax: Axes | None = None, digits: int = 3
) -> Axes:
    """Numbers of several seeds, a row for each name, the first one on top; the mean is written at the row's end.

    Args:
        values: one number a seed, by name.
        title: what the figure shows.
        x_label: what the numbers are, with unit.
        ax: where to draw; None makes a figure whose height fits.
        digits: of the mean that is written.

    Raises:
        ValueError: if there is no number, or one is not finite.
    """
    rows = as_series(values)
    ax = axes_or_new(ax, height=1.5 + 0.5 * len(rows))
    styles = styles_for(rows)
    for row, (name, numbers) in enumerate(rows.items()):
        colour, marker = styles[name]["color"], styles[name]["marker"]
        ax.scatter(numbers, [row] * len(numbers), s=44, color=colour, marker=marker, alpha=0.65, linewidths=0, zorder=3)
        ax.plot([numbers.mean()] * 2, [row - 0.32, row + 0.32], color=INK, lw=2, zorder=2.5)
        words, ends = f"{numbers.mean():.{digits}f}", ("axes fraction", "data")
        ax.annotate(words, (1.01, row), xycoords=ends, va="center", weight="bold")
    names = [wrap(name, 190, 12) for name in rows]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    put_title(ax, title, 0.3 + 0.1 * max(len(line) for name in names for line in name.splitlines()))
    ax.set_xlabel(x_label)
    ax.margins(x=0.08)
    each = "; ".join(f"{name} {', '.join(f'{n:.{digits}f}' for n in numbers)}" for name, numbers in rows.items())
    describe(ax, f"{title}. {x_label}, one dot a seed: {each}.")
    return ax
