"""The network of 6n + 2 layers that grows by blocks which do nothing."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from resnet_course.plotting.display import describe
from resnet_course.plotting.style import BLUE, INK, SOFT_INK, WIDTH, axes_or_new, put_title, text_colour

_BOX, _STEP, _ROW = 0.5, 0.72, 0.8  # inches: side of a box, from box to box, from row to row
_LEFT = 1.3  # room for a stage's name


def growing_network(before: int = 3, after: int = 9, planes: int = 16, title: str | None = None) -> Axes:
    """Three stages, a row each: the blocks of the small network, then new ones, dashed, through which x goes as it is.

    Args:
        before, after: blocks in each stage of the small network and of the large one.
        planes: channels of the first stage; each further stage has twice as many.
        title: None names both depths, in layers.

    Raises:
        ValueError: if there is no block, or no new one.
    """
    if not 1 <= before < after:
        raise ValueError(f"the network grows from at least 1 block in each stage to more, got {before} and {after}")
    small, large, new = 6 * before + 2, 6 * after + 2, after - before
    ax = axes_or_new(None, height=3 * _ROW + 1.2, width=max(WIDTH, _LEFT + (after + 1) * _STEP + 0.3))
    for stage in range(3):
        y, last = -stage * _ROW, _LEFT + after * _STEP
        name = f"stage {stage + 1}\n{planes * 2**stage} channels"
        ax.text(0, y, name, va="center", size=11.5, color=SOFT_INK, linespacing=1.2)
        for index in range(after):
            x = _LEFT + index * _STEP
            _draw_block(ax, x, y, old=index < before)
            _arrow(ax, x - (_STEP - _BOX), x, y)
            if index >= before:  # x goes through
                ax.plot([x, x + _BOX], [y, y], color=BLUE, lw=2.2, zorder=4, solid_capstyle="butt")
        _arrow(ax, last - (_STEP - _BOX), last, y)
        ax.text(last + 0.06, y, "next\nstage" if stage < 2 else "linear", va="center", size=11.5, linespacing=1.1)
    words = [
        ("trained blocks", 0, before, INK),
        (f"{new} new blocks: x is passed on", before, after, text_colour(BLUE)),
    ]
    for text, first, end, colour in words:
        middle = _LEFT + (first + end - 1) / 2 * _STEP + _BOX / 2
        ax.text(middle, 0.42, text, ha="center", va="bottom", weight="bold", size=12, color=colour)
    ax.set(xlim=(-0.05, _LEFT + (after + 1) * _STEP + 0.1), ylim=(-2 * _ROW - 0.4, 0.8), aspect="equal", anchor="NW")
    ax.set_axis_off()
    put_title(ax, title or f"{small} layers grow to {large}", left=0.1)
    describe(
        ax,
        f"A network of three stages, one row each. In each row stand {before} blocks of the network of {small} layers, "
        f"then {new} dashed blocks through which a straight line carries x unchanged: {large} layers in all.",
    )
    return ax


def _draw_block(ax: Axes, x: float, y: float, old: bool) -> None:
    face, edge, line = ("#D3E5F3", SOFT_INK, "-") if old else ("white", BLUE, "--")
    rounded = "round,pad=0,rounding_size=0.06"
    box = FancyBboxPatch((x, y - _BOX / 2), _BOX, _BOX, rounded, fc=face, ec=edge, ls=line, lw=1.3, zorder=3)
    ax.add_patch(box)


def _arrow(ax: Axes, start: float, end: float, y: float) -> None:
    ax.add_patch(
        FancyArrowPatch((start, y), (end, y), arrowstyle="-|>", mutation_scale=9, color=INK, shrinkA=0, shrinkB=0)
    )
