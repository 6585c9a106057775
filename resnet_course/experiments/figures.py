"""Figures of the records: bands from the lowest to the highest seed."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from resnet_course import plotting
from resnet_course.experiments.records import Record, group_by, mean_by
from resnet_course.experiments.runs import shortcut_of

Columns = dict[str, list[list[float]]]
"""For each line, and for each place along it, the numbers of all seeds."""


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
    names = _line_names(records)
    columns: Columns = {}
    for (network, epochs), group in group_by(records, "network", "epochs").items():
        if of_epochs in (None, epochs):
            errors = [[1 - accuracy for accuracy in record["curves"]["train_acc"]] for record in group]
            columns[names[network]] = [list(seeds) for seeds in zip(*errors, strict=True)]
    return _draw(columns, title, "epoch", None)


def _line_names(records: Sequence[Record]) -> dict[str, str]:
    """Networks by name; where they differ in the shortcut, under the names of the options, as in lesson 04."""
    networks = {record["configuration"]["network"] for record in records}
    options = any(shortcut_of(network) != "A" for network in networks)
    return {network: f"option {shortcut_of(network)}" if options else network for network in networks}


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
    columns = {
        network: [[record["train_error"] for record in groups[network, place]] for place in places]
        for network in dict.fromkeys(name for name, _ in groups)
    }
    axes = _draw(columns, title, x_label, places)
    axes.set_xscale("log")  # rates and lengths are multiples of each other
    axes.set_xticks(places, [f"{place:g}" for place in places], minor=False)
    axes.minorticks_off()
    return axes


def draw_by_depth(records: Sequence[Record], title: str) -> Axes:
    """Clean training error by depth, one line for plain and one for residual networks."""
    groups = group_by(records, "network")
    depths = sorted({depth_of(network) for (network,) in groups})
    columns = {
        kind: [[record["train_error"] for record in groups[(f"{kind} {depth}",)]] for depth in depths]
        for kind in ("plain", "residual")
    }
    return _draw(columns, title, "depth in layers", depths)


def draw_lesions(records: Sequence[Record], title: str) -> Axes:
    """Test error by the missing block, one line for each network, from records of the plan `lesion`."""
    columns: Columns = {}
    for (network,), group in group_by(records, "network").items():
        errors = [record["lesion"]["test_errors"] for record in group]
        columns[network] = [list(seeds) for seeds in zip(*errors, strict=True)]
    blocks = range(max(map(len, columns.values())))
    return _draw(columns, title, "number of the missing block, from the input", blocks, "error on new images")


def draw_landscapes(records: Sequence[Record], title: str) -> Figure:
    """The loss around each network, from records of the plan `landscape`, one seed each."""
    surfaces = {record["configuration"]["network"]: record["landscape"]["losses"] for record in records}
    return plotting.landscapes(surfaces, records[0]["landscape"]["steps"], title)


def bands_in_words(records: Sequence[Record]) -> str:
    """What a caption says of the seeds: how many, for each network where they differ, and what a band is."""
    seeds = {
        network: len({record["configuration"]["seed"] for record in group})
        for (network,), group in group_by(records, "network").items()
    }
    if set(seeds.values()) == {1}:
        return "One seed of each network, so there are no bands"
    band = "Lines are means, bands go from the lowest to the highest of"
    if len(set(seeds.values())) == 1:
        return f"{band} {next(iter(seeds.values()))} seeds"
    return f"{band} the seeds ({', '.join(f'{network}: {count}' for network, count in seeds.items())})"


def depth_of(network: str) -> int:
    """20 for "plain 20"."""
    return int(network.split()[1])


def _draw(
    columns: Columns,
    title: str,
    x_label: str,
    places: Sequence[float] | None,
    y_label: str = "error on the training images",
) -> Axes:
    return plotting.lines(
        {name: [sum(seeds) / len(seeds) for seeds in column] for name, column in columns.items()},
        title=title,
        x_label=x_label,
        y_label=y_label,
        x=places,
        bands={name: ([min(s) for s in column], [max(s) for s in column]) for name, column in columns.items()},
        y_limits=(0, 1),
    )
