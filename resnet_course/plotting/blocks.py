"""Drawings of one block of a network: plain, basic (residual) and bottleneck.

All lengths are inches: the Axes' unit is the inch, so boxes fit their text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from resnet_course.plotting.style import BLUE, INK, SOFT_INK, put_title

Kind = Literal["plain", "basic", "bottleneck"]
ShortcutKind = Literal["identity", "projection", "padding"]

_FILLS = {"conv": "#D6E6F2", "norm": "#ECECEC", "relu": "#FBE9C6", "pad": "#FFFFFF"}
_BOX, _SIDE_BOX, _GAP = 1.8, 1.65, 0.19  # widths of boxes, height between boxes
_SIDE = 1.32  # from the middle of the main path to the shortcut
_BRANCH = 0.16  # from the fork to the first box
_HEIGHTS = {"conv": 0.54, "norm": 0.33, "relu": 0.33, "add": 0.36, "pad": 0.74, "pass": 0.36}


@dataclass(frozen=True)
class _Block:
    """What to draw, checked. `shortcut` is None for a plain block."""

    kind: Kind
    in_planes: int
    planes: int
    stride: int
    shortcut: ShortcutKind | None

    @property
    def out_planes(self) -> int:
        return 4 * self.planes if self.kind == "bottleneck" else self.planes

    @property
    def width(self) -> float:
        """Inches that the drawing needs on the right of its middle."""
        reach = {None: 1.05, "identity": _SIDE + 0.95}
        return reach.get(self.shortcut, _SIDE + 0.35 + _SIDE_BOX / 2)


def block_diagram(
    kind: Kind,
    in_planes: int,
    planes: int,
    stride: int = 1,
    shortcut: ShortcutKind | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A block from top to bottom: convolutions, batch norms, ReLUs, and the shortcut beside them.

    Args:
        kind: "plain" (no shortcut), "basic" (ResNet-18 and 34) or "bottleneck" (ResNet-50 and deeper).
        in_planes: channels that come in.
        planes: channels of the convolutions; a bottleneck gives four times as many out.
        stride: 2 halves height and width.
        shortcut: None means identity where shapes agree and projection where not.
        title: None names the block.
        ax: where to draw; None makes a figure that fits.

    Raises:
        ValueError: if kind or shortcut is unknown, or the shortcut cannot reach the shape.
    """
    block = _checked(kind, in_planes, planes, stride, shortcut)
    if ax is None:
        return block_diagrams([{**vars(block), "title": title}]).axes[0]
    _draw(ax, block)
    ax.set_title(_default_title(block) if title is None else title, loc="left")
    return ax


def block_diagrams(specs: Sequence[Mapping[str, Any]], title: str | None = None) -> Figure:
    """Blocks side by side, their convolutions at the same height.

    Args:
        specs: for each block the arguments of `block_diagram`, by name.
        title: above all of them.

    Raises:
        ValueError: if there is no block, or one of them is not valid.
    """
    if not specs:
        raise ValueError("there is no block to draw")
    arguments = [dict(spec) for spec in specs]
    titles = [spec.pop("title", None) for spec in arguments]
    blocks = [_checked(**spec) for spec in arguments]
    widths = [1.25 + block.width for block in blocks]
    height = max(_height(block) for block in blocks)
    figure, panels = plt.subplots(
        1,
        len(blocks),
        figsize=(sum(widths) + 0.2, height + (1.0 if title else 0.5)),
        width_ratios=widths,
        squeeze=False,
        layout="constrained",
    )
    for ax, block, own_title in zip(panels[0], blocks, titles, strict=True):
        block_diagram(**vars(block), title=own_title, ax=ax)
        ax.set(ylim=(-height, 0.05), anchor="NW")
    if title:
        figure.suptitle(title, x=0.01, ha="left", weight="bold", size=plt.rcParams["axes.titlesize"])
    return figure
