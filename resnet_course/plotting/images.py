"""Images in a grid, with labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from resnet_course.plotting.display import describe
from resnet_course.plotting.inputs import Floats, as_array, as_images, check_length
from resnet_course.plotting.style import WIDTH, put_title, readable

_GAP = 0.1  # between images, in inches
_LINE = 1.25  # height of a line of text, in font sizes


def image_grid(images: Any, labels: Sequence[str] | None = None, columns: int = 10, title: str | None = None) -> Figure:
    """Images side by side, pixels left as they are, each with its label above.

    Args:
        images: uint8, or floats in [0, 1].
        labels: one for each image, or None.
        columns: images in a row.
        title: above the grid.

    Shape:
        images (N, 3, H, W)

    Raises:
        ValueError: if there is no image, its numbers are out of range, or labels do not fit in number.
    """
    pixels = as_images(images)
    if labels is not None:
        check_length(labels, len(pixels), "labels")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    return _draw_grid(pixels, None if labels is None else [readable(str(label)) for label in labels], columns, title)


def mistakes(
    images: Any,
    predicted: Any,
    actual: Any,
    confidences: Any,
    classes: Sequence[str],
    count: int = 12,
    title: str = "The mistakes it was most sure of",
) -> Figure:
    """The wrongly classified images in which the network was most confident, the worst first.

    Args:
        images: all images, right and wrong ones.
        predicted, actual: class numbers.
        confidences: probability of the predicted class, in [0, 1].
        classes: names by class number.
        count: how many to show at most.
        title: above the grid.

    Shape:
        images (N, 3, H, W); predicted, actual and confidences (N,)

    Raises:
        ValueError: if lengths or class numbers do not fit together.
    """
    pixels = as_images(images)
    said, truth, sure = (as_array(values).reshape(-1) for values in (predicted, actual, confidences))
    for values, name in ((said, "predicted"), (truth, "actual"), (sure, "confidences")):
        check_length(values, len(pixels), name)
    if min(said.min(), truth.min()) < 0 or max(said.max(), truth.max()) >= len(classes):
        raise ValueError(f"class numbers must lie in [0, {len(classes) - 1}], as there are {len(classes)} class names")
    wrong = np.flatnonzero(said != truth)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:count]
    if not len(worst):
        figure, ax = plt.subplots(figsize=(WIDTH, 1.4), layout="constrained")
        ax.text(0, 0.5, f"There is no mistake among these {len(pixels)} images.", transform=ax.transAxes, va="center")
        ax.set_axis_off()
        put_title(ax, title)
        describe(figure, f"{title}: there is no mistake among {len(pixels)} images.")
        return figure
    labels = [readable(f"{classes[int(truth[i])]},\nsaid {classes[int(said[i])]}\n{sure[i]:.2f}") for i in worst]
    return _draw_grid(pixels[worst], labels, 6, title)


def _draw_grid(pixels: Floats, labels: list[str] | None, columns: int, title: str | None) -> Figure:
    """One Axes for all images: a hundred Axes would take seconds. Its unit is the inch."""
    rows = math.ceil(len(pixels) / columns)
    side = (WIDTH - 0.1 + _GAP) / max(columns, 4) - _GAP  # a single image does not fill the page
    high = side * pixels.shape[1] / pixels.shape[2]
    texts, size = _fit_labels(labels or [], side + 0.7 * _GAP)
    text_height = max((text.count("\n") + 1 for text in texts), default=0) * size * _LINE / 72
    step = high + text_height + (0.14 if texts else _GAP)
    shown = min(columns, len(pixels))
    figure, ax = plt.subplots(figsize=(WIDTH, rows * step + (0.55 if title else 0.1)), layout="constrained")
    for index, image in enumerate(pixels):
        row, column = divmod(index, columns)
        left, top = column * (side + _GAP), row * step + text_height
        ax.imshow(image, extent=(left, left + side, top + high, top), interpolation="nearest")
        if texts:
            ax.text(left, top - 0.06, texts[index], size=size, va="baseline", ha="left", linespacing=1.1)
    right = max(shown, 4 if columns < 4 else columns) * (side + _GAP) - _GAP
    ax.set(xlim=(-0.02, right + 0.02), ylim=(rows * step, -0.02), aspect="equal", anchor="NW")
    ax.set_axis_off()
    if title:
        put_title(ax, title)
    names = ", ".join(dict.fromkeys(label.replace("\n", " ") for label in labels or []))
    what = f"{len(pixels)} images of {pixels.shape[1]}×{pixels.shape[2]} pixels"
    describe(figure, f"{title or 'Images'}. {what}{': ' if names else ''}{names}.")
    return figure


def _fit_labels(labels: list[str], width: float) -> tuple[list[str], float]:
    """Labels broken at spaces, and the font size in points at which the longest line fits `width` inches."""
    texts = [_halves(text) if len(text) > 9 else text for text in labels]
    longest = max((len(line) for text in texts for line in text.splitlines()), default=1)
    return texts, min(12.0, max(6.5, width * 72 / (0.57 * longest)))


def _halves(text: str) -> str:
    """A label without line breaks of its own, broken at the space nearest its middle."""
    spaces = [place for place, letter in enumerate(text) if letter == " "]
    if "\n" in text or not spaces:
        return text
    middle = min(spaces, key=lambda place: abs(place - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"
