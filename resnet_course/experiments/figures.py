"""Figures of the records: seeds as dots where there is one number for each, as a band where there is a curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from resnet_course import plotting
from resnet_course.experiments.plans import depth_of, shortcut_of
from resnet_course.experiments.records import Record, group_by

_ERROR = "error on the training images"
Columns = dict[str, list[list[float]]]
"""For each line, and for each place along it, the numbers of all seeds."""


def draw_curves(records: Sequence[Record], title: str, of_epochs: int | None = None) -> Axes:
    """Running training error by epoch, one line for each network.

    Networks that differ in the shortcut stand under the names of the options, as in lesson 07.

    Args:
        records: of networks that were trained equally long.
        title: what the figure shows, as a sentence.
        of_epochs: take the runs of this many epochs only.
    """
    options = any(shortcut_of(record["configuration"]) != "option A" for record in records)
    columns: Columns = {}
    for (network, epochs, _), group in group_by(records, "network", "epochs", "start").items():
        if of_epochs in (None, epochs):
            curves = zip(*(record["curves"]["train_acc"] for record in group), strict=True)
            name = shortcut_of(group[0]["configuration"]) if options else network
            columns[name] = [[1 - accuracy for accuracy in seeds] for seeds in curves]
    return _draw(columns, title, "epoch")


def draw_by(records: Sequence[Record], key: str, title: str, x_label: str) -> Axes:
    """Clean training error by one part of the configuration, one line for each network.

    Args:
        records: of the networks.
        key: such as "learning_rate" or "epochs"; its values are multiples of each other.
        title: what the figure shows.
        x_label: the key in words.
    """
    values: dict[str, dict[float, list[float]]] = {}
    for (network, place), group in sorted(group_by(records, "network", key).items()):
        values.setdefault(network, {})[place] = _errors(group)
    return plotting.seeds(values, title, x_label, _ERROR, y_limits=(0, 1), log_x=True)


def draw_by_depth(records: Sequence[Record], title: str) -> Axes:
    """Clean training error by depth, one line for plain and one for residual networks."""
    values: dict[str, dict[float, list[float]]] = {}
    for (network,), group in group_by(records, "network").items():
        values.setdefault(network.split()[0], {})[depth_of(network)] = _errors(group)
    return plotting.seeds(values, title, "depth in layers", _ERROR, y_limits=(0, 1))


def draw_starts(records: Sequence[Record], title: str) -> Axes:
    """Clean training error of each network and start, one dot for each seed."""
    groups = group_by(records, "network", "start", "clip_norm").items()
    clipped = {0: "", 1: ", clipped"}
    return plotting.dots(
        {f"{network}, {start} start{clipped[clip]}": _errors(group) for (network, start, clip), group in groups},
        title,
        _ERROR,
    )


def bands_in_words(records: Sequence[Record]) -> str:
    """What a caption says of the seeds: how many, for each network where they differ, and what a band is."""
    groups = group_by(records, "network").items()
    seeds = {network: len({record["configuration"]["seed"] for record in group}) for (network,), group in groups}
    counts = set(seeds.values())
    if counts == {1}:
        return "One seed of each network, so there are no bands"
    each = ", ".join(f"{network}: {count}" for network, count in seeds.items())
    how_many = f"{counts.pop()} seeds" if len(counts) == 1 else f"the seeds ({each})"
    return f"Lines are means, bands go from the lowest to the highest of {how_many}"


def _errors(records: Sequence[Record]) -> list[float]:
    return [record["train_error"] for record in records]


def _draw(
    columns: Columns,
    title: str,
    x_label: str,
    places: Any = None,
    y_label: str = _ERROR,
) -> Axes:
    return plotting.lines(
        {name: [sum(seeds) / len(seeds) for seeds in column] for name, column in columns.items()},
        title,
        x_label,
        y_label,
        x=places,
        bands={name: (list(map(min, column)), list(map(max, column))) for name, column in columns.items()},
        y_limits=(0, 1),
    )
