"""One number for each network, as bars."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from resnet_course.plotting.display import describe
from resnet_course.plotting.inputs import as_series, check_names
from resnet_course.plotting.style import INK, SOFT_INK, axes_or_new, put_title, styles_for, wrap


def bars(
    values: Mapping[str, float],
    title: str,
    x_label: str,
    ax: Axes | None = None,
    errors: Mapping[str, float | tuple[float, float]] | None = None,
    number_format: str = "{:.3f}",
) -> Axes:
    """Horizontal bars from zero, the first one on top, each with its number at the end.

    Args:
        values: one number by network.
        title: what the figure shows, as a sentence.
        x_label: what the numbers are, with unit.
        ax: where to draw; None makes a figure whose height fits.
        errors: half the length of a network's error bar, such as a standard deviation over seeds; or its two arms, to
            the left and to the right, where the lowest and the highest number are not equally far away.
        number_format: how the number is written.

    Raises:
        ValueError: if there is no number, a number is not finite, an error is negative, or names do not match.
    """
    numbers = {name: series[0] for name, series in as_series({n: [v] for n, v in values.items()}).items()}
    arms = {name: arm if isinstance(arm, tuple) else (arm, arm) for name, arm in (errors or {}).items()}
    check_names(arms, numbers, "errors")
    if any(not min(arm) >= 0 for arm in arms.values()):
        raise ValueError(f"errors are lengths and cannot be negative: {errors}")
    ax = axes_or_new(ax, height=1.3 + 0.48 * len(numbers))
    styles = styles_for(numbers)
    for row, (name, number) in enumerate(numbers.items()):
        ax.barh(row, number, height=0.62, color=styles[name]["color"])
        left, right = arms.get(name, (0.0, 0.0))
        if left or right:
            _, caps, spans = ax.errorbar(number, row, xerr=[[left], [right]], color=INK, capsize=4, lw=1.4)
            for part in (*caps, *spans):  # a white rim, to be seen on dark bars
                part.set_path_effects([withStroke(linewidth=3.2, foreground="white")])
        side, reach = (-1, left) if number < 0 else (1, right)
        ax.annotate(
            number_format.format(number),
            (number + side * reach, row),
            xytext=(side * 7, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            weight="bold",
        )
    names = [wrap(name, 190, 12) for name in numbers]
    ax.set_yticks(range(len(numbers)), names)
    _strip_axes(ax, len(numbers))
    put_title(ax, title, 0.3 + 0.1 * max(len(line) for name in names for line in name.splitlines()))
    ax.set_xlabel(x_label, loc="left")
    each = ", ".join(f"{name} {number_format.format(number)}" for name, number in numbers.items())
    describe(ax, f"{title}. {x_label}: {each}.")
    return ax


def _strip_axes(ax: Axes, rows: int) -> None:
    """Only the zero line: the numbers are written, so the x axis needs none."""
    ax.set_ylim(rows - 0.45, -0.55)  # the first row on top
    ax.axvline(0, color=SOFT_INK, lw=0.9)
    ax.set_xticks([])
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    low, high = ax.get_xlim()
    if low < 0:  # room for numbers left of negative bars, which would stand on the names
        ax.set_xlim(low - 0.15 * (high - low), high)
