"""A whole residual network from left to right, with the way around each block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, PathPatch
from matplotlib.path import Path

from resnet_course.plotting.diagrams import TALLEST, box_thickness, check_shapes, draw_box, stacked, times
from resnet_course.plotting.display import describe
from resnet_course.plotting.style import BLUE, SOFT_INK, VERMILLION, WIDTH, axes_or_new, put_title, text_colour

_PART, _BLOCK, _STAGES = 0.84, 0.62, 5.6  # inches for a part, a block at most, and all blocks where there are many
_OVER = 0.15  # how far above a block its shortcut passes


def network_diagram(rows: Sequence[tuple[str, tuple[int, ...]]], blocks: Mapping[str, int], title: str) -> Figure:
    """The parts of a network as in `shape_trace`, the stages block by block, each with its shortcut over it.

    A shortcut is a solid line where the shape stays, and a dashed one where the first block of a stage changes it.

    Args:
        rows: name and shape of what leaves each part, the input first.
        blocks: the number of blocks of each stage, by the part's name.
        title: what the figure shows.

    Shape:
        each row (C, H, W) or (C,)

    Raises:
        ValueError: if there is no row, a shape has another number of dimensions, or a stage is no part.
    """
    check_shapes(rows)
    if unknown := sorted(set(blocks) - {name for name, _ in rows[1:]}):
        raise ValueError(f"{unknown[0]!r} has blocks and is no part behind the input")
    block = min(_BLOCK, max(0.4, _STAGES / max(1, sum(blocks.values()))))
    room = [block * blocks[name] + 0.2 if name in blocks else _PART for name, _ in rows]
    width = max(WIDTH, sum(room))
    ax = axes_or_new(None, height=TALLEST + 2.5, width=width + 0.2)
    scale = TALLEST / max(shape[1] if len(shape) == 3 else 1 for _, shape in rows)
    thickness = box_thickness(rows, block)
    edges: list[tuple[float, float]] = []
    changed, start = [], 0.0
    before: tuple[int, ...] = ()
    for (name, shape), wide in zip(rows, room, strict=True):
        count, top = blocks.get(name, 1), 0.0
        step = (wide - (0.2 if name in blocks else 0)) / count
        for index in range(count):
            left = start + index * step + 0.16
            right, top = draw_box(ax, left, thickness(shape[0]), shape, scale)
            edges.append((left, right))
            if name in blocks:
                projects = index == 0 and shape != before
                changed += [name] * projects
                _draw_shortcut(ax, left - 0.08, right + 0.06, top + _OVER, projects)
        middle = start + wide / 2 - 0.02
        high = top + (_OVER + 0.1 if name in blocks else 0.08)
        ax.text(middle, high, times(shape), ha="center", va="bottom", size=11.5, linespacing=1.15)
        ax.text(middle, -TALLEST / 2 - 0.2, stacked(name), ha="center", va="top", size=12, weight="bold")
        start, before = start + wide, shape
    for (_, right), (left, _) in pairwise(edges):
        ends = (right + 0.02, 0), (left - 0.02, 0)
        ax.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=8, color=SOFT_INK, shrinkA=0, shrinkB=0))
    words = {"x goes around the block as it is": (BLUE, False), "x is projected to another shape": (VERMILLION, True)}
    for index, (text, (colour, dashed)) in enumerate(words.items()):
        y = -TALLEST / 2 - 0.85 - 0.28 * index
        ax.plot([0.1, 0.5], [y, y], color=colour, lw=2, ls="--" if dashed else "-")
        ax.text(0.6, y, text, va="center", size=12, color=text_colour(colour))
    ax.set(xlim=(-0.05, width), ylim=(-TALLEST / 2 - 1.3, TALLEST / 2 + 0.95), aspect="equal", anchor="NW")
    ax.set_axis_off()
    put_title(ax, title, left=0.1)
    parts = ", ".join(f"{name} {' × '.join(map(str, shape))}" for name, shape in rows)
    stages = ", ".join(f"{name} {count}" for name, count in blocks.items())
    where = f"projected in the first block of {', '.join(changed)}" if changed else "nowhere projected"
    describe(
        ax, f"{title}. Parts from left to right: {parts}. Blocks: {stages}. A line goes around each block; {where}."
    )
    return ax.figure  # type: ignore[return-value]


def _draw_shortcut(ax: Axes, left: float, right: float, top: float, projects: bool) -> None:
    """From the line before a block, over it, to the line behind it."""
    bend = 0.12
    points = [(left, 0), (left, top - bend), (left, top), (left + bend, top), (right - bend, top), (right, top)]
    codes = [Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO]
    path = Path([*points, (right, top - bend), (right, 0)], codes)
    colour, line = (VERMILLION, "--") if projects else (BLUE, "-")
    ax.add_patch(PathPatch(path, fill=False, edgecolor=colour, linestyle=line, linewidth=1.8, zorder=4))
