"""Correlations of channels as squares of colour, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from resnet_course.plotting.display import describe
from resnet_course.plotting.inputs import as_array
from resnet_course.plotting.style import WIDTH, wrap


def correlations(matrices: Mapping[str, Any], title: str, x_label: str, y_label: str) -> Figure:
    """One square for each name; -1 is purple, 0 white and 1 orange, the same in all of them.

    Args:
        matrices: numbers from -1 to 1, by name.
        title: what the figure shows.
        x_label, y_label: what the columns and the rows are.

    Shape:
        each matrix (K, K)

    Raises:
        ValueError: if there is no matrix, or one is not square.
    """
    squares = {name: np.asarray(as_array(matrix), dtype=float) for name, matrix in matrices.items()}
    if not squares or any(each.ndim != 2 or each.shape[0] != each.shape[1] for each in squares.values()):
        raise ValueError("at least one square of correlations is needed")
    height = WIDTH / len(squares) + 0.6
    figure, row = plt.subplots(1, len(squares), figsize=(WIDTH, height), layout="constrained", squeeze=False)
    for ax, (name, square) in zip(row[0], squares.items(), strict=True):
        image = ax.imshow(square, vmin=-1, vmax=1, cmap="PuOr_r", interpolation="nearest")
        ax.set_title(name, loc="left", size=12.5)
        ends = (0, len(square) - 1)
        ax.set(xlabel=x_label, xticks=ends, yticks=ends)
        ax.grid(False)
    row[0][0].set_ylabel(y_label)
    figure.suptitle(wrap(title, WIDTH * 66, 15), x=0.01, ha="left", size=14.5, weight="bold")
    figure.colorbar(image, ax=list(row[0]), shrink=0.8, pad=0.02).set_label("correlation")
    each = "; ".join(
        f"{name}: mean {np.diag(square).mean():.2f} on the diagonal, "
        f"{np.abs(square[~np.eye(len(square), dtype=bool)]).mean():.2f} without sign beside it"
        for name, square in squares.items()
    )
    describe(figure, f"{title}. {each}.")
    return figure
