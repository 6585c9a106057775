"""Which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from resnet_course.plotting.display import describe
from resnet_course.plotting.inputs import as_array, check_length
from resnet_course.plotting.style import WIDTH, axes_or_new, luminance, put_title, readable

_READABLE = 20  # classes for which counts can still be read


def confusion_matrix(matrix: Any, classes: Sequence[str], title: str, ax: Axes | None = None) -> Axes:
    """A square of counts: the row is the true class, the column what the network said.

    The colour is the share of the row, so classes with few images can be compared with the others. Cells without
    any image stay empty, and beyond 20 classes no count is written.

    Args:
        matrix: counts.
        classes: names, in the order of rows and columns.
        title: what the figure shows, as a sentence.
        ax: where to draw; None makes a figure.

    Shape:
        matrix (K, K)

    Raises:
        ValueError: if the matrix is not square, has negative counts, or the number of names differs.
    """
    counts = as_array(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"a confusion matrix is square, got shape {counts.shape}")
    if (counts < 0).any() or (counts != np.round(counts)).any():
        raise ValueError("a confusion matrix holds counts: whole numbers, none below 0")
    check_length(classes, len(counts), "classes")
    side = min(5.0, 1.0 + 0.5 * len(counts))
    ax = axes_or_new(ax, height=side + 1.4, width=max(5.0, min(WIDTH, side + 1.9)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(shares, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
    if len(counts) <= _READABLE:
        _write_counts(ax, counts, image.to_rgba(shares))
    _name_classes(ax, [readable(str(name)) for name in classes])
    ax.set_anchor("NW")
    put_title(ax, title, 0.5 + 0.1 * max(len(str(name)) for name in classes))
    wrong = counts - np.diag(np.diag(counts))
    row, column = divmod(int(wrong.argmax()), len(counts))
    words = f"{title}. {np.trace(counts):g} of {counts.sum():g} images lie on the diagonal."
    if wrong.any():
        words += f" Most often {classes[row]} was taken for {classes[column]}: {wrong[row, column]:g} times."
    describe(ax, words)
    return ax


def _write_counts(ax: Axes, counts: Any, colours: Any) -> None:
    longest = len(str(int(counts.max())))
    size = min(13.0, 310 / len(counts) / (0.72 * max(longest, 2)))  # bold digits are up to 0.7 em wide
    for row, column in zip(*np.nonzero(counts), strict=True):
        bright = luminance(colours[row, column, :3]) > 0.18  # where black and white text contrast equally
        colour, weight = "black" if bright else "white", "bold" if row == column else "normal"
        number = int(counts[row, column])
        ax.text(column, row, str(number), ha="center", va="center", size=size, color=colour, weight=weight)


def _name_classes(ax: Axes, names: list[str]) -> None:
    size = min(float(mpl.rcParams["font.size"]), 220 / len(names))
    places = range(len(names))
    turned = max(map(len, names)) * size * 0.6 > 330 / len(names)
    ax.set_xticks(places, names, size=size, rotation=45 if turned else 0)
    ax.set_yticks(places, names, size=size)
    if turned:
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    ax.set(xlabel="class that the network said", ylabel="true class")
    for between in (ax.set_xticks, ax.set_yticks):
        between(np.arange(0.5, len(names) - 1), minor=True)
    ax.grid(False)
    ax.grid(which="minor", axis="both", color="white", linewidth=1)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
