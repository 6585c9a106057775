"""The two curves of a training: loss and accuracy, on training and validation images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from resnet_course.plotting.display import describe
from resnet_course.plotting.inputs import Floats, as_floats
from resnet_course.plotting.labels import EndLabels
from resnet_course.plotting.style import SOFT_INK, WIDTH, put_title, styles_for

_PANELS = {"loss": ("train_loss", "val_loss"), "accuracy": ("train_acc", "val_acc")}


def history(histories: Mapping[str, Any], title: str) -> Figure:
    """Loss and accuracy by epoch: dashed on training images, solid on validation images.

    A filled marker stands at the epoch with the lowest validation loss, whose weights early stopping keeps.

    Args:
        histories: by network, anything with the lists `train_loss`, `train_acc`, `val_loss` and `val_acc`. Without
            validation, both validation lists are empty.
        title: what the figure shows, as a sentence.

    Raises:
        ValueError: if there is no history, or its lists are missing or differ in length.
    """
    if not histories:
        raise ValueError("there is nothing to draw: give at least one history")
    numbers = {name: _read(name, record) for name, record in histories.items()}
    figure, panels = plt.subplots(2, 1, figsize=(WIDTH, 5.8), sharex=True, layout="constrained")
    for ax, (quantity, fields) in zip(panels, _PANELS.items(), strict=True):
        _draw_panel(ax, numbers, *fields)
        ax.set_ylabel(quantity)
    panels[1].set_xlabel("epoch")
    panels[1].xaxis.set_major_locator(MaxNLocator(nbins=8, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
    put_title(panels[0], title)
    _explain_lines(panels[0], numbers)
    last = {name: {key: run[key][-1] for key in run if len(run[key])} for name, run in numbers.items()}
    words = [f"{name} {', '.join(f'{key} {end:.3g}' for key, end in ends.items())}" for name, ends in last.items()]
    describe(figure, f"{title}. Loss and accuracy by epoch; at the end: {'; '.join(words)}.")
    return figure


def _read(name: str, record: Any) -> dict[str, Floats]:
    fields = [field for pair in _PANELS.values() for field in pair]
    if missing := [field for field in fields if not hasattr(record, field)]:
        raise ValueError(f"the history of {name!r} has no {', '.join(missing)}")
    lists = {field: list(getattr(record, field)) for field in fields}
    lengths = {field: len(values) for field, values in lists.items()}
    epochs = lengths["train_loss"]
    if lengths["train_acc"] != epochs or {lengths["val_loss"], lengths["val_acc"]} not in ({0}, {epochs}):
        raise ValueError(f"the lists of {name!r} differ in length: {lengths}")
    return {
        field: as_floats(values, f"{field} of {name}") if values or "train" in field else np.empty(0)
        for field, values in lists.items()
    }


def _draw_panel(ax: Axes, numbers: Mapping[str, dict[str, Floats]], train: str, validation: str) -> None:
    labels = EndLabels(ax)
    styles = styles_for(numbers)
    right = max(len(record[train]) for record in numbers.values())
    for name, record in numbers.items():
        color, marker = styles[name]["color"], styles[name]["marker"]
        epochs = np.arange(1, len(record[train]) + 1)
        ends = {"training": train}
        ax.plot(epochs, record[train], "--", color=color, lw=1.8, label=f"{name}, training")
        if len(record[validation]):
            best = int(np.nanargmin(record["val_loss"]))
            ax.plot(epochs, record[validation], "-", color=color, label=f"{name}, validation")
            ax.plot(epochs[best], record[validation][best], marker, color=color, ms=11, mec="white", mew=1.2, zorder=3)
            ends = {"validation": validation, **ends}
        if len(numbers) > 1:  # several networks: one name each, at the more important line
            ends = {name: next(iter(ends.values()))}
        for words, field in ends.items():
            last = np.flatnonzero(np.isfinite(record[field]))[-1]
            weight = "normal" if words == "training" else "bold"
            labels.add(epochs[last], record[field][last], words, color, weight, far=epochs[last] < right)
    ax.margins(x=0.02)


def _explain_lines(ax: Axes, numbers: Mapping[str, dict[str, Floats]]) -> None:
    """Samples under the title: what dashes and the marker mean. One network is named here, as its lines are not."""
    with_validation = any(len(record["val_loss"]) for record in numbers.values())
    colour, marker, prefix = SOFT_INK, "o", ""
    samples = []
    if len(numbers) == 1:
        (name,) = numbers
        style = styles_for(numbers)[name]
        colour, marker, prefix = style["color"], style["marker"], f"{name}: "
    else:
        samples.append(Line2D([], [], color=colour, linestyle="--", label="training"))
        if with_validation:
            samples.append(Line2D([], [], color=colour, label="validation"))
    if with_validation:
        words = f"{prefix}epoch of the lowest validation loss"
        samples.append(Line2D([], [], color=colour, linestyle="", marker=marker, ms=9, label=words))
    elif prefix:
        samples.append(Line2D([], [], color=colour, linestyle="--", label=f"{prefix}training only"))
    ax.legend(handles=samples, loc="lower left", bbox_to_anchor=(-0.01, 0.98), ncols=3, fontsize=11, borderpad=0.2)
    ax.set_title(ax.get_title(loc="left"), loc="left", pad=32)
