"""Two shapes with a plus between them, drawn to scale: whether they can be added, and which dimensions clash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from resnet_course.plotting.display import describe
from resnet_course.plotting.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    VERMILLION,
    WIDTH,
    axes_or_new,
    put_title,
    text_colour,
)

Shape = Sequence[int]

_DIMENSIONS = ("channels", "height", "width")
_SLANT = 0.4  # inches on the page, right and up, for an inch of width
_LARGEST = 0.15  # inches of one channel or pixel, at most
_ROOM = 0.42  # inches on each side of a box, for the numbers at its edges
_END = 1.45  # inches for the result
_ROW = 0.27  # inches of a row of words
_FACES = {"front": "#D3E5F3", "top": "#EAF3FA", "side": "#A9CBE5"}
_VERDICTS = {
    "equal": ("✓", "equal", GREEN),
    "stretched": ("!", "stretched", ORANGE),
    "clash": ("✗", "clash", VERMILLION),
}


def shape_sum(shapes: Mapping[str, Shape], title: str | None = None) -> Axes:
    """A sum of two tensors as a sum of two boxes: as long as they have channels, as high and deep as the image.

    Channels and pixels are drawn at one scale. Below the boxes the dimensions are compared as PyTorch does it: equal,
    stretched (one of the two is 1, broadcasting) or a clash, of which an error names the last.

    Args:
        shapes: name and shape of what stands left of the plus, then of what stands right of it.
        title: None says how many dimensions clash or are stretched.

    Shape:
        each (C, H, W)

    Raises:
        ValueError: if there are not two shapes, or one is not (C, H, W).

    Used in lesson 07.
    """
    if len(shapes) != 2 or any(len(shape) != 3 or min(shape) < 1 for shape in shapes.values()):
        raise ValueError(f"two shapes (C, H, W) of positive numbers are needed, got {dict(shapes)}")
    (first, a), (second, b) = shapes.items()
    found = [_compare(*pair) for pair in zip(a, b, strict=True)]
    unit = min(_LARGEST, (WIDTH - 5.2 * _ROOM - _END) / sum(c + _SLANT * w for c, _, w in (a, b)))
    tall = unit * max(h + _SLANT * w for _, h, w in (a, b))
    ax = axes_or_new(None, height=tall + 4 * _ROW + 1.75, width=WIDTH + 0.2)
    right = _box(ax, _ROOM, unit, first, a, found)
    ax.text(right + 1.2 * _ROOM, 0, "+", ha="center", va="center", size=24, weight="bold", color=INK)
    right = _box(ax, right + 2.6 * _ROOM, unit, second, b, found)
    ax.text(right + _ROOM, 0, f"= {_result(a, b, found)}", va="center", size=15, weight="bold", color=INK)
    bottom = -tall / 2 - 0.72
    rows = list(zip(_DIMENSIONS, a, b, found, strict=True))
    for row, (name, left, other, verdict) in enumerate(rows):
        sign, word, colour = _VERDICTS[verdict]
        named = verdict == "clash" and "clash" not in found[row + 1 :]
        words = f"dimension {row + 1} ({name}): {left} and {other}"
        ax.text(_ROOM, bottom - row * _ROW, words, va="center", color=INK)
        word += ", the one in the error" if named else ""
        ax.text(4.1, bottom - row * _ROW, f"{sign} {word}", va="center", weight="bold", color=text_colour(colour))
    ax.set(xlim=(0, WIDTH), ylim=(bottom - 2.6 * _ROW, tall / 2 + 0.45), aspect="equal", anchor="NW")
    ax.set_axis_off()
    put_title(ax, _title(first, second, found) if title is None else title, left=0.1)
    compared = "; ".join(f"{name} {left} and {other}, {verdict}" for name, left, other, verdict in rows)
    describe(ax, f"{_title(first, second, found)}. Two boxes to scale with a plus between them: {compared}.")
    return ax


def _compare(left: int, right: int) -> str:
    if left == right:
        return "equal"
    return "stretched" if 1 in (left, right) else "clash"


def _result(a: Shape, b: Shape, found: list[str]) -> str:
    return "error" if "clash" in found else " × ".join(str(max(pair)) for pair in zip(a, b, strict=True))


def _title(first: str, second: str, found: list[str]) -> str:
    clashes, stretched = found.count("clash"), found.count("stretched")
    if clashes:
        return f"{first} + {second}: {clashes} of 3 dimensions do not fit"
    words = f"no error, and {stretched} of 3 are stretched" if stretched else "the shapes are equal"
    return f"{first} + {second}: {words}"


def _box(ax: Axes, left: float, unit: float, name: str, shape: Shape, found: list[str]) -> float:
    """A box in parallel projection around y = 0, ruled in channels and pixels. Returns its right edge."""
    channels, high, wide = shape
    long, up, slant = unit * channels, unit * high, unit * wide * _SLANT
    low, top, right = -(up + slant) / 2, (up - slant) / 2, left + long
    corners = {
        "front": [(left, low), (right, low), (right, top), (left, top)],
        "top": [(left, top), (right, top), (right + slant, top + slant), (left + slant, top + slant)],
        "side": [(right, low), (right, top), (right + slant, top + slant), (right + slant, low + slant)],
    }
    for face, points in corners.items():
        ax.add_patch(Polygon(points, facecolor=_FACES[face], edgecolor=BLUE, linewidth=1.1, joinstyle="round"))
    rules: list[tuple[tuple[float, ...], tuple[float, ...]]]
    rules = [((left + unit * c,) * 2, (low, top)) for c in range(1, channels)]
    rules += [((left, right, right + slant), (y, y, y + slant)) for y in (low + unit * row for row in range(1, high))]
    for column in range(1, wide):
        along = slant * column / wide
        rules.append(((left + along, right + along, right + along), (top + along, top + along, low + along)))
    for x, y in rules:
        ax.plot(x, y, color=BLUE, lw=0.45, alpha=0.45, zorder=2)
    colours = [text_colour(VERMILLION) if verdict == "clash" else INK for verdict in found]
    ax.text((left + right) / 2, low - 0.08, f"{channels}", ha="center", va="top", weight="bold", color=colours[0])
    ax.text(left - 0.08, (low + top) / 2, f"{high}", ha="right", va="center", weight="bold", color=colours[1])
    place = right + slant / 2 + 0.1, low + slant / 2 - 0.02
    ax.text(*place, f"{wide}", ha="left", va="top", weight="bold", color=colours[2])
    ax.text((left + right + slant) / 2, top + slant + 0.1, name, ha="center", va="bottom", weight="bold", color=INK)
    return right + slant
