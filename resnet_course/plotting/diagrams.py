"""Drawings of what a network does to shapes: stages as boxes, and receptive fields as rows of dots."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Polygon

from resnet_course.plotting.display import describe
from resnet_course.plotting.style import (
    BLUE,
    INK,
    ORANGE,
    SOFT_INK,
    WIDTH,
    axes_or_new,
    figure_width,
    put_title,
    text_colour,
)

TALLEST = 1.9  # inches of the highest box
_SLANT = 0.2  # share of a box's width that is seen from the side
_FACES = {"front": "#D3E5F3", "top": "#EAF3FA", "side": "#A9CBE5"}


def shape_trace(rows: Sequence[tuple[str, tuple[int, ...]]], title: str) -> Figure:
    """The stages of a network as boxes from left to right: as high as the image, as thick as it has channels.

    Height is proportional to H, thickness to the logarithm of C.

    Args:
        rows: name and shape of each stage's output, the input first.
        title: what the figure shows, as a sentence.

    Shape:
        each row (C, H, W) or (C,)

    Raises:
        ValueError: if there is no row or a shape has another number of dimensions.
    """
    check_shapes(rows)
    width = max(WIDTH, 0.82 * len(rows))
    step = width / len(rows)
    ax = axes_or_new(None, height=TALLEST + 1.75, width=width + 0.2)
    scale = TALLEST / max(shape[1] if len(shape) == 3 else 1 for _, shape in rows)
    thickness = box_thickness(rows, step)
    size = _text_size(rows, step)
    edges = []
    for index, (name, shape) in enumerate(rows):
        left = (index + 0.12) * step
        right, top = draw_box(ax, left, thickness(shape[0]), shape, scale)
        middle = (left + right) / 2
        ax.text(middle, top + 0.08, times(shape), ha="center", va="bottom", size=size, linespacing=1.15)
        ax.text(middle, -TALLEST / 2 - 0.2, stacked(name), ha="center", va="top", size=size, weight="bold")
        edges.append((left, right))
    for (_, right), (left, _) in pairwise(edges):
        ends = (right + 0.03, 0), (left - 0.03, 0)
        ax.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=9, color=SOFT_INK))
    ax.set(xlim=(-0.05, width), ylim=(-TALLEST / 2 - 0.65, TALLEST / 2 + 0.75), aspect="equal", anchor="NW")
    ax.set_axis_off()
    put_title(ax, title, left=0.1)
    boxes = ", ".join(f"{name} {_in_words(shape)}" for name, shape in rows)
    describe(ax, f"{title}. Boxes from left to right: {boxes}.")
    return ax.figure  # type: ignore[return-value]


def check_shapes(rows: Sequence[tuple[str, tuple[int, ...]]]) -> None:
    """Raise a ValueError if there is nothing to draw, or a shape is neither (C, H, W) nor (C,)."""
    if not rows:
        raise ValueError("there is no stage to draw")
    for name, shape in rows:
        if len(shape) not in (1, 3) or min(shape) < 1:
            raise ValueError(f"the shape of {name!r} must be (C, H, W) or (C,) and positive, got {tuple(shape)}")


def box_thickness(rows: Sequence[tuple[str, tuple[int, ...]]], step: float) -> Callable[[int], float]:
    """How thick the box of so many channels is, in inches: by the logarithm, half of `step` at most."""
    unit = min(0.5 * step, 0.6) / math.log2(1 + max(shape[0] for _, shape in rows))
    return lambda channels: unit * math.log2(1 + channels)


def receptive_field(kernel_sizes: Sequence[int], title: str | None = None, ax: Axes | None = None) -> Axes:
    """How far one output number of stacked convolutions sees into the input, along one dimension of the image.

    Args:
        kernel_sizes: odd sizes, the first layer first.
        title: None says the size of the receptive field.
        ax: where to draw; None makes a figure.

    Raises:
        ValueError: if there is no layer, a size is even or below 1, or the field is wider than 31 pixels.
    """
    sizes = [int(size) for size in kernel_sizes]
    if not sizes or any(size < 1 or size % 2 == 0 for size in sizes):
        raise ValueError(f"kernel sizes must be odd numbers from 1, at least one of them; got {list(kernel_sizes)}")
    field = 1 + sum(size - 1 for size in sizes)
    if field > 31:
        raise ValueError(f"a receptive field of {field} pixels is too wide to draw; 31 is the most")
    ax = axes_or_new(ax, height=1.1 + 0.85 * len(sizes))
    reach = field // 2 + 1  # one more on each side, which is not seen
    for layer, size in enumerate(sizes):
        _link_layers(ax, layer, sum(above - 1 for above in sizes[layer + 1 :]) // 2, size // 2)
    for layer in range(len(sizes) + 1):
        seen = sum(size - 1 for size in sizes[layer:]) // 2
        _draw_units(ax, layer, seen, reach)
        words = "input" if layer == 0 else f"after {sizes[layer - 1]}×{sizes[layer - 1]} conv"
        ax.text(-reach - 0.8, layer, words, ha="right", va="center")
        unit = ("pixel" if layer == 0 else "number") + ("s" if seen else "")
        colour = text_colour(ORANGE if layer == 0 else BLUE)
        ax.text(reach + 0.8, layer, f"{2 * seen + 1} {unit}", va="center", weight="bold", color=colour)
    inch = (2 * reach + 1) / (figure_width(ax) - 2.9)  # what is left of the width between the words
    ax.set(ylim=(-0.4, len(sizes) + 0.4), xlim=(-reach - 0.5 - 1.5 * inch, reach + 0.5 + 1.2 * inch))
    ax.set_axis_off()
    put_title(ax, _field_title(sizes, field) if title is None else title, left=0.1)
    counts = [1 + sum(size - 1 for size in sizes[layer:]) for layer in range(len(sizes) + 1)]
    words = ", ".join(map(str, counts))
    describe(ax, f"{_field_title(sizes, field)}. Seen at each layer from the input on: {words}.")
    return ax


def _in_words(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def draw_box(ax: Axes, left: float, thick: float, shape: tuple[int, ...], scale: float) -> tuple[float, float]:
    """A box in parallel projection around y = 0. Returns its right and its upper edge."""
    high, wide = (shape[1], shape[2]) if len(shape) == 3 else (1, 1)
    half = max(scale * high, 0.06) / 2
    slant = max(_SLANT * scale * wide, 0.02) / 2
    right, low, top = left + thick, -half - slant / 2, half - slant / 2
    corners = {
        "front": [(left, low), (right, low), (right, top), (left, top)],
        "top": [(left, top), (right, top), (right + slant, top + slant), (left + slant, top + slant)],
        "side": [(right, low), (right, top), (right + slant, top + slant), (right + slant, low + slant)],
    }
    for face, points in corners.items():
        ax.add_patch(Polygon(points, facecolor=_FACES[face], edgecolor=BLUE, linewidth=1.0, joinstyle="round"))
    return right + slant, top + slant


def times(shape: tuple[int, ...]) -> str:
    """Channels over height and width: the second line never gets wide."""
    return str(shape[0]) if len(shape) == 1 else f"{shape[0]} ×\n{shape[1]} × {shape[2]}"


def stacked(name: str) -> str:
    """A word a line."""
    return "\n".join(name.replace("_", " ").split())


def _text_size(rows: Sequence[tuple[str, tuple[int, ...]]], step: float) -> float:
    """The font size in points at which every line of words fits into `step` inches."""
    letters = [1.15 * len(line) for name, _ in rows for line in stacked(name).splitlines()]  # names are bold, so wider
    letters += [len(line) for _, shape in rows for line in times(shape).splitlines()]
    return min(12.5, 72 * step / (0.6 * max(letters)))


def _link_layers(ax: Axes, layer: int, seen_above: int, half_kernel: int) -> None:
    """Lines from each seen unit of the layer above to the units it is computed from."""
    for unit in range(-seen_above, seen_above + 1):
        for below in range(unit - half_kernel, unit + half_kernel + 1):
            ax.plot([unit, below], [layer + 1, layer], color=BLUE, lw=1.1, alpha=0.55, zorder=1)


def _draw_units(ax: Axes, layer: int, seen: int, reach: int) -> None:
    marker, colour = ("s", ORANGE) if layer == 0 else ("o", BLUE)
    for unit in range(-reach, reach + 1):
        face, edge = (colour, INK) if abs(unit) <= seen else ("white", "#B5B5B5")
        ax.plot(unit, layer, marker, ms=12, mfc=face, mec=edge, mew=1.1, zorder=2)


def _field_title(sizes: list[int], field: int) -> str:
    numbers = ("One", "Two", "Three", "Four", "Five")
    if len(set(sizes)) == 1 and len(sizes) <= len(numbers):
        verb = "convolution sees" if len(sizes) == 1 else "convolutions see"
        layers = f"{numbers[len(sizes) - 1]} {sizes[0]}×{sizes[0]} {verb}"
    else:
        *first, last = (f"{size}×{size}" for size in sizes)
        layers = f"{', '.join(first)} and {last} convolutions see"
    return f"{layers} {field}×{field} pixels"
