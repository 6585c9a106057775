"""Numbers by epoch, by setting or by layer: one line for each network, named at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, LogLocator, MaxNLocator, NullFormatter

from resnet_course.plotting.display import describe
from resnet_course.plotting.inputs import Floats, as_floats, as_series, check_length, check_names
from resnet_course.plotting.labels import EndLabels
from resnet_course.plotting.style import axes_or_new, put_title, styles_for

Band = tuple[Iterable[Any], Iterable[Any]]


def lines(
    series: Mapping[str, Iterable[Any]],
    title: str,
    x_label: str,
    y_label: str,
    x: Sequence[float] | Mapping[str, Any] | None = None,
    bands: Mapping[str, Band] | None = None,
    guesses: Mapping[str, float | None] | None = None,
    y_limits: tuple[float, float] | None = None,
    log_y: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """One line for each network, in the network's own style, with its name at the right end.

    Args:
        series: numbers by network. Without `x` they may differ in length, as when a training stopped early.
        title: what the figure shows, as a sentence.
        x_label, y_label: with units.
        x: where the numbers stand, of all series or of each; None means 1, 2, 3 and so on, as for epochs.
        bands: lowest and highest number by network, drawn as a pale area, for more than one seed.
        guesses: the reader's number for the last point, drawn as an open marker. None means that none was written.
        y_limits: lowest and highest number of the axis.
        log_y: a logarithmic axis.
        ax: where to draw; None makes a figure.

    Raises:
        ValueError: if there is nothing to draw, or lengths or names do not fit together.
    """
    values = as_series(series)
    places = {name: _places(name, len(numbers), x) for name, numbers in values.items()}
    edges = _checked_bands(bands or {}, values)
    check_names(guesses or {}, values, "guesses")
    _check_scale(values, log_y, y_limits)
    ax = axes_or_new(ax)
    _scale_y(ax, values, log_y, y_limits)
    labels = EndLabels(ax)
    styles = styles_for(values)
    right = max(float(place[-1]) for place in places.values())
    for name, numbers in values.items():
        style, place = styles[name], places[name]
        if name in edges:
            low, high = edges[name]
            ax.fill_between(place, low, high, color=style["color"], alpha=0.18, linewidth=0)
        ax.plot(place, numbers, **style, markevery=_marked(len(numbers)), label=name, zorder=2.5)
        last = np.flatnonzero(np.isfinite(numbers))[-1]
        labels.add(place[last], numbers[last], name, style["color"], "bold", far=place[last] < right)
    for name, guess in (guesses or {}).items():
        if guess is None:
            continue
        color, marker = styles[name]["color"], styles[name]["marker"]
        ax.plot([right], [float(guess)], marker, color=color, mfc="none", mew=2, ms=10, zorder=2.7, clip_on=False)
        whose = f" for\n{name}:" if len(values) > 1 else ""
        labels.add(right, float(guess), f"your guess{whose} {guess:g}", color)
    ax.margins(x=0.02)
    _mark_x(ax, x, max(len(numbers) for numbers in values.values()))
    put_title(ax, title)
    ax.set(xlabel=x_label, ylabel=y_label)
    describe(ax, f"{title}. {y_label} by {x_label}: {'; '.join(map(_in_words, places.values(), values.items()))}.")
    return ax


def _in_words(place: Floats, series: tuple[str, Floats]) -> str:
    """A line in words: all of its numbers, or the first, the smallest, the largest and the last."""
    name, numbers = series
    shown = list(range(len(numbers)))
    if len(numbers) > 6:
        finite = np.flatnonzero(np.isfinite(numbers))
        low, high = finite[numbers[finite].argmin()], finite[numbers[finite].argmax()]
        shown = sorted({0, int(low), int(high), len(numbers) - 1})
    return f"{name} {', '.join(f'{numbers[index]:.3g} at {place[index]:.3g}' for index in shown)}"


def seeds(
    values: Mapping[str, Mapping[float, Sequence[float]]],
    title: str,
    x_label: str,
    y_label: str,
    y_limits: tuple[float, float] | None = None,
    log_x: bool = False,
    guesses: Mapping[str, float | None] | None = None,
    chance: float | None = None,
    lowest: float | None = None,
) -> Axes:
    """A number for each seed at each setting, as dots, and a line through the means.

    Args:
        values: by line, such as "plain", and by setting, such as the depth, one number a seed.
        title: what the figure shows; the message if the numbers have been looked at, else a heading.
        x_label, y_label: with units.
        y_limits: lowest and highest number of the axis.
        log_x: a logarithmic axis of settings.
        guesses: the reader's number for the last setting of a line.
        chance, lowest: what blind guessing gives, and the lowest possible number: dotted lines.

    Raises:
        ValueError: if there is nothing to draw.
    """
    means = {name: [float(np.mean(numbers)) for numbers in places.values()] for name, places in values.items()}
    settings = {name: list(places) for name, places in values.items()}
    shared = next(iter(settings.values()), [])
    x: Any = shared if all(place == shared for place in settings.values()) else settings
    ax = lines(means, title, x_label, y_label, x, guesses=guesses, y_limits=y_limits)
    for name, style in styles_for(means).items():
        points = [(place, number) for place, numbers in values[name].items() for number in numbers]
        across, up = zip(*points, strict=True)
        ax.scatter(across, up, s=16, color=style["color"], alpha=0.45, linewidths=0, zorder=2.2)
    for words, height, above in (("blind guessing", chance, 3), ("lowest possible", lowest, -15)):
        if height is not None:
            ax.axhline(height, color="#6a6a6a", linestyle=":", linewidth=1.2, zorder=1.5)
            ax.annotate(words, (0.01, height), (0, above), ("axes fraction", "data"), "offset points", color="#595959")
    if log_x:
        ax.set_xscale("log")
    marks = sorted({place for places in settings.values() for place in places})
    if len(marks) <= 8:
        ax.set_xticks(marks, [f"{place:g}" for place in marks], minor=False)
        ax.minorticks_off()
    return ax


def profile(
    series: Mapping[str, Iterable[Any]],
    title: str,
    x_label: str = "position in the network",
    y_label: str = "",
    log_y: bool = True,
    bands: Mapping[str, Band] | None = None,
    y_limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A number for each layer, from the first to the last; networks of different depth share the axis.

    Args:
        series: numbers by network, in the order of its layers.
        title: what the figure shows, as a sentence.
        x_label, y_label: with units.
        log_y: a logarithmic axis, which gradients and weights usually need.
        bands: lowest and highest number by network, drawn as a pale area.
        y_limits: lowest and highest number of the axis.
        ax: where to draw; None makes a figure.

    Raises:
        ValueError: if there is nothing to draw, or lengths or names do not fit together.
    """
    values = as_series(series)
    depths = {name: np.linspace(0, 1, len(numbers)) for name, numbers in values.items()}
    ax = lines(values, title, x_label, y_label, depths, bands, None, y_limits, log_y, ax)
    ax.set_xticks([0, 0.5, 1], ["first layer", "middle", "last layer"])
    first, _, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    return ax


def _places(name: str, count: int, x: Any) -> Floats:
    if x is None:
        return np.arange(1.0, count + 1)
    places = as_floats(x[name] if isinstance(x, Mapping) else x, "x")
    check_length(places, count, f"x for {name!r}")
    return places


def _checked_bands(bands: Mapping[str, Band], values: Mapping[str, Floats]) -> dict[str, list[Floats]]:
    check_names(bands, values, "bands")
    checked = {name: [as_floats(edge, f"band of {name}") for edge in band] for name, band in bands.items()}
    for name, edges in checked.items():
        for edge in edges:
            check_length(edge, len(values[name]), f"band of {name!r}")
    return checked


def _marked(count: int) -> int | list[int]:
    """Which points get a marker: all of a short line, the ends of a long one; some in between would look special."""
    return 1 if count <= 12 else [0, count - 1]


def _check_scale(values: Mapping[str, Floats], log_y: bool, y_limits: tuple[float, float] | None) -> None:
    if log_y and (wrong := [name for name, numbers in values.items() if (numbers <= 0).any()]):
        raise ValueError(f"a logarithmic axis needs numbers above 0, {wrong[0]!r} has others; use log_y=False")
    if y_limits is not None and (not y_limits[0] < y_limits[1] or (log_y and y_limits[0] <= 0)):
        raise ValueError(f"y_limits must be (low, high) with low < high, above 0 on a log axis; got {y_limits}")


def _scale_y(ax: Axes, values: Mapping[str, Floats], log_y: bool, y_limits: tuple[float, float] | None) -> None:
    if log_y:
        ax.set_yscale("log")
        everything = np.concatenate([numbers[np.isfinite(numbers)] for numbers in values.values()])
        ratio = everything.max() / everything.min()
        leading_digits = (1, 2, 3, 5, 7) if ratio < 10 else (1, 2, 5) if ratio < 100 else (1,)
        ax.yaxis.set_major_locator(LogLocator(subs=leading_digits))
        plain = FuncFormatter(lambda number, _: f"{number:g}")
        short = everything.min() >= 1e-3 and everything.max() < 1e5  # else 0.0001 would stand beside 1e-05
        ax.yaxis.set_major_formatter(plain if short or ratio < 100 else LogFormatterMathtext())
        ax.yaxis.set_minor_formatter(NullFormatter())
    if y_limits is not None:
        ax.set_ylim(y_limits)


def _mark_x(ax: Axes, x: Any, count: int) -> None:
    """Ticks at the given places if there are few; whole numbers where places are counted."""
    if x is None:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
        if count == 1:
            ax.set_xlim(0.5, 1.5)
    elif not isinstance(x, Mapping):
        places = np.unique(np.asarray(x, dtype=float))
        if len(places) == 1 or (len(places) <= 8 and np.diff(places).min() > 0.08 * np.ptp(places)):
            ax.set_xticks(places, [f"{place:g}" for place in places])
        elif (places == places.round()).all():
            ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=(1, 2, 5, 10), integer=True))
