"""Figures of the records: bands from the lowest to the highest seed."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from resnet_course import plotting
from resnet_course.experiments.records import Record, group_by, mean_by

Curves = dict[str, list[list[float]]]
"""For each line, the lists of all seeds."""


def draw_best_rates(records: Sequence[Record]) -> Axes:
    """Training error by epoch, each network at the learning rate with its lowest mean error."""
    errors = mean_by(records, "network", "learning_rate")
    best: dict[str, tuple[float, float]] = {}
    for (network, rate), error in errors.items():
        if network not in best or error < best[network][0]:
            best[network] = (error, rate)
    chosen = [
        record
        for record in records
        if record["configuration"]["learning_rate"] == best[record["configuration"]["network"]][1]
    ]
    return draw_curves(chosen, "Deeper is worse on the training images, unless there are shortcuts")


def draw_curves(records: Sequence[Record], title: str, of_epochs: int | None = None) -> Axes:
    """Running training error by epoch, one line for each network.

    Args:
        records: of networks that were trained equally long.
        title: what the figure shows, as a sentence.
        of_epochs: take the runs of this many epochs only.
    """
    curves: Curves = {}
    for (network, epochs), group in group_by(records, "network", "epochs").items():
        if of_epochs in (None, epochs):
            name = network.replace("residual 20 ", "option ")  # lessons draw the three options under this name
            curves[name] = [[1 - accuracy for accuracy in record["curves"]["train_acc"]] for record in group]
    return _draw(curves, title, "epoch", None)


def draw_by(records: Sequence[Record], key: str, title: str, x_label: str) -> Axes:
    """Clean training error by one part of the configuration, one line for each network.

    Args:
        records: in which every network has every value of `key`.
        key: such as "learning_rate" or "epochs".
        title: what the figure shows, as a sentence.
        x_label: the key in words.
    """
    places = sorted({record["configuration"][key] for record in records})
    groups = group_by(records, "network", key)
    curves: Curves = {}
    for network in dict.fromkeys(name for name, _ in groups):
        columns = [[record["train_error"] for record in groups[network, place]] for place in places]
        curves[network] = [list(seed) for seed in zip(*columns, strict=True)]
    axes = _draw(curves, title, x_label, places)
    axes.set_xscale("log")  # rates and lengths are multiples of each other
    axes.set_xticks(places, [f"{place:g}" for place in places], minor=False)
    axes.minorticks_off()
    return axes


def draw_by_depth(records: Sequence[Record], title: str) -> Axes:
    """Clean training error by depth, one line for plain and one for residual networks."""
    groups = group_by(records, "network")
    depths = sorted({depth_of(network) for (network,) in groups})
    curves: Curves = {}
    for kind in ("plain", "residual"):
        columns = [[record["train_error"] for record in groups[(f"{kind} {depth}",)]] for depth in depths]
        curves[kind] = [list(seed) for seed in zip(*columns, strict=True)]
    return _draw(curves, title, "depth in layers", depths)


def depth_of(network: str) -> int:
    """20 for "plain 20"."""
    return int(network.split()[1])


def _draw(curves: Curves, title: str, x_label: str, places: Sequence[float] | None) -> Axes:
    columns = {name: list(zip(*seeds, strict=True)) for name, seeds in curves.items()}
    return plotting.lines(
        {name: [sum(seeds) / len(seeds) for seeds in column] for name, column in columns.items()},
        title=title,
        x_label=x_label,
        y_label="error on the training images",
        x=places,
        bands={name: ([min(s) for s in column], [max(s) for s in column]) for name, column in columns.items()},
        y_limits=(0, 1),
    )
