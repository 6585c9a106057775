"""Drawings of one block of a network: plain, basic (residual) and bottleneck.

The Axes' unit is the inch, so that boxes fit their text. A block stands around x = 0 and goes down from y = 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from resnet_course.plotting.display import describe
from resnet_course.plotting.style import BLUE, INK, SOFT_INK, text_colour

Kind = Literal["plain", "basic", "bottleneck"]
ShortcutKind = Literal["identity", "projection", "padding", "average"]

_TITLES = {"plain": "Plain block", "basic": "Residual block", "bottleneck": "Bottleneck block"}
_FILLS = {"conv": "#D3E5F3", "norm": "#EBEBEB", "relu": "#FBE7BF", "pad": "#FFFFFF", "pool": "#FFFFFF"}
_HEIGHTS = {"conv": 0.55, "norm": 0.34, "relu": 0.34, "pad": 0.55, "pool": 0.34, "add": 0.36, "pass": 0.36}
_BOX = 1.6  # width of a box
_GAP = 0.2  # height between boxes
_ENDS = 0.62  # height of the words above and below the boxes
_LEFT = 1.4  # from the middle to the left edge, with room for "F(x)"


@dataclass(frozen=True)
class _Block:
    """What to draw, see `block_diagram`."""

    kind: Kind
    in_planes: int
    planes: int
    stride: int = 1
    shortcut: ShortcutKind | None = None

    def __post_init__(self) -> None:
        """Check, and choose the shortcut if none is given; only a plain block has none."""
        if self.kind not in _TITLES:
            raise ValueError(f"kind must be 'plain', 'basic' or 'bottleneck', got {self.kind!r}")
        if self.shortcut not in (None, *get_args(ShortcutKind)):
            raise ValueError(f"shortcut must be one of {get_args(ShortcutKind)} or None, got {self.shortcut!r}")
        if min(self.in_planes, self.planes, self.stride) < 1:
            raise ValueError(f"channels and stride start at 1, got {self.in_planes}, {self.planes}, {self.stride}")
        same = self.in_planes == self.out_planes and self.stride == 1
        change = f"from {self.in_planes} to {self.out_planes} channels with stride {self.stride}"
        if self.kind == "plain" and self.shortcut is not None:
            raise ValueError("a plain block has no shortcut; kind='basic' has")
        if self.shortcut == "identity" and not same:
            raise ValueError(f"the identity cannot go {change}; use 'projection' or 'padding'")
        if self.shortcut == "padding" and self.out_planes < self.in_planes:
            raise ValueError(f"padding adds channels, it cannot go {change}; use 'projection'")
        if self.shortcut == "average" and self.stride == 1:
            raise ValueError("there is nothing to average with stride 1; use 'projection'")
        if self.shortcut == "padding" and same:
            raise ValueError("there is nothing to pad: input and output have the same shape; use 'identity'")
        if self.kind != "plain" and self.shortcut is None:
            object.__setattr__(self, "shortcut", "identity" if same else "projection")

    @property
    def out_planes(self) -> int:
        return 4 * self.planes if self.kind == "bottleneck" else self.planes

    @property
    def slots(self) -> list[tuple[str, str]]:
        """The main path from top to bottom: what each thing is, and its words."""
        norm, relu = ("norm", "batch norm"), ("relu", "ReLU")
        end = [("pass" if self.shortcut is None else "add", ""), relu]
        if self.kind == "bottleneck":
            first = [_conv(1, self.in_planes, self.planes), norm, relu, _conv(3, self.planes, self.planes, self.stride)]
            last = _conv(1, self.planes, self.out_planes)
        else:
            first = [_conv(3, self.in_planes, self.planes, self.stride)]
            last = _conv(3, self.planes, self.planes)
        return [*first, norm, relu, last, norm, *end]

    @property
    def side_slots(self) -> list[tuple[str, str]]:
        """What stands on the shortcut."""
        if self.shortcut == "projection":
            return [_conv(1, self.in_planes, self.out_planes, self.stride), ("norm", "batch norm")]
        if self.shortcut == "average":
            pool = ("pool", f"mean of {self.stride}×{self.stride}")
            return [pool, _conv(1, self.in_planes, self.out_planes), ("norm", "batch norm")]
        if self.shortcut == "padding":
            kept = {1: [], 2: ["every 2nd pixel,"]}.get(self.stride, [f"one pixel in {self.stride},"])
            return [("pad", "\n".join([*kept, f"+ {self.out_planes - self.in_planes} zero channels"]))]
        return []

    @property
    def side(self) -> float:
        """Where the shortcut stands."""
        return _BOX / 2 + (0.32 if self.shortcut == "identity" else 0.24 + _BOX / 2)

    @property
    def right(self) -> float:
        """The drawing's right edge."""
        return {None: _BOX / 2 + 0.2, "identity": self.side + 0.95}.get(self.shortcut, self.side + _BOX / 2 + 0.05)

    @property
    def words(self) -> str:
        """The block from top to bottom, for those who cannot see it."""
        path = [words.replace("\n", ", ") for slot, words in self.slots if slot not in ("add", "pass")]
        side = [words.replace("\n", " ") for _, words in self.side_slots]
        if self.shortcut is None:
            return f"A {self.kind} block without a shortcut: {'; '.join(path)}."
        ways = " and ".join(side) or "x as it is"
        return f"A {self.kind} block: {'; '.join(path[:-1])}; beside it the shortcut, {ways}; the sum; ReLU."

    @property
    def height(self) -> float:
        return 2 * _ENDS + sum(_HEIGHTS[slot] + _GAP for slot, _ in self.slots) + _GAP


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
        shortcut: "identity", "projection" (options B and C), "padding" (A), "average" (D); None means identity where
            the shapes agree and projection where not.
        title: None names the kind of block.
        ax: where to draw; None makes a figure that fits.

    Raises:
        ValueError: if kind or shortcut is unknown, a number is below 1, or the shortcut cannot reach the shape.
    """
    block = _Block(kind, in_planes, planes, stride, shortcut)
    if ax is None:
        return _figure([block], [title]).axes[0]
    _draw(ax, block, title)
    return ax


def block_diagrams(specs: Sequence[Mapping[str, Any]], title: str | None = None) -> Figure:
    """Blocks side by side, their convolutions at the same height.

    Args:
        specs: for each block the arguments of `block_diagram` by name, such as
            `{"kind": "plain", "in_planes": 64, "planes": 64}`.
        title: above all of them.

    Raises:
        ValueError: if there is no block, or one of them is not valid.
    """
    if not specs:
        raise ValueError("there is no block to draw")
    arguments = [dict(spec) for spec in specs]
    titles = [spec.pop("title", None) for spec in arguments]
    figure = _figure([_Block(**spec) for spec in arguments], titles, 0.6 if title else 0.0)
    if title:
        figure.suptitle(title, x=0.01, ha="left", weight="bold", size=mpl.rcParams["axes.titlesize"])
        for ax in figure.axes:
            ax.set_title(ax.get_title(loc="left"), loc="left", size=mpl.rcParams["axes.labelsize"], color=SOFT_INK)
    return figure


def _conv(kernel: int, channels_in: int, channels_out: int, stride: int = 1) -> tuple[str, str]:
    channels = f"{channels_in} → {channels_out}" + (f", stride {stride}" if stride > 1 else "")
    return "conv", f"{kernel}×{kernel} conv\n{channels}"


def _figure(blocks: list[_Block], titles: list[str | None], extra: float = 0.0) -> Figure:
    widths = [_LEFT + block.right for block in blocks]
    height = max(block.height for block in blocks)
    figure = plt.figure(figsize=(sum(widths) + 0.3 * len(blocks), height + 0.55 + extra))
    figure.set_layout_engine("constrained", h_pad=0.1)
    panels = figure.subplots(1, len(blocks), width_ratios=widths, squeeze=False)
    for ax, block, title in zip(panels[0], blocks, titles, strict=True):
        _draw(ax, block, title)
        ax.set_ylim(-height, 0)
    return figure


def _draw(ax: Axes, block: _Block, title: str | None) -> None:
    describe(ax, block.words)
    shape = "H × W"
    _words(ax, 0, -_ENDS + 0.1, "x", f"{block.in_planes} × {shape}")
    y = -_ENDS
    centres: list[float] = []
    for slot, words in block.slots:
        above, y = y, y - _GAP - (_GAP if not centres else 0)  # more room before the first box, for the fork
        if slot == "pass":
            y -= _HEIGHTS[slot]
            ax.plot([0, 0], [above, y], color=INK, lw=1.6, solid_capstyle="butt")
        else:
            _arrow(ax, [(0, above), (0, y)], INK)
            y -= _HEIGHTS[slot]
            _box(ax, 0, y, slot, words)
        centres.append(y + _HEIGHTS[slot] / 2)
    _arrow(ax, [(0, y), (0, y - _GAP)], INK)
    if block.stride > 1:
        shape = f"H/{block.stride} × W/{block.stride}"
    added = {None: "F(x)", "identity": "F(x) + x"}.get(block.shortcut, "F(x) + shortcut(x)")
    _words(ax, 0, y - _GAP - 0.52, f"ReLU({added})", f"{block.out_planes} × {shape}")
    _bracket(ax, centres[0] + _HEIGHTS["conv"] / 2, centres[-3] - _HEIGHTS["norm"] / 2)
    if block.shortcut is not None:
        _draw_shortcut(ax, block, -_ENDS - _GAP * 0.75, centres[-2])
    ax.set(xlim=(-_LEFT, block.right), ylim=(-block.height, 0), aspect="equal", anchor="NW")
    ax.set_axis_off()
    ax.set_title(_TITLES[block.kind] if title is None else title, loc="left")


def _draw_shortcut(ax: Axes, block: _Block, top: float, bottom: float) -> None:
    """A line from the fork around the boxes into the plus, with its own boxes in the middle."""
    ax.add_patch(Circle((0, top), 0.045, color=BLUE, zorder=4))
    slots, x = block.side_slots, block.side
    y = (top + bottom) / 2 + (sum(_HEIGHTS[slot] for slot, _ in slots) + _GAP * (len(slots) - 1)) / 2
    start: list[tuple[float, float]] = [(0, top), (x, top)]
    for slot, words in slots:
        _arrow(ax, [*start, (x, y)], BLUE, 2.4)
        _box(ax, x, y - _HEIGHTS[slot], slot, words, BLUE)
        y -= _HEIGHTS[slot]
        start = [(x, y)]
        y -= _GAP
    _arrow(ax, [*start, (x, bottom), (_HEIGHTS["add"] / 2, bottom)], BLUE, 2.4)
    if not slots:
        ax.text(x + 0.12, (top + bottom) / 2, "identity", color=text_colour(BLUE), va="center", weight="bold")


def _arrow(ax: Axes, points: list[tuple[float, float]], colour: str, width: float = 1.6) -> None:
    """An arrow through the points."""
    style: Any = {"arrowstyle": "-|>", "mutation_scale": 11, "color": colour, "lw": width, "joinstyle": "round"}
    ax.add_patch(FancyArrowPatch(path=Path(points), fill=False, zorder=3, **style))


def _box(ax: Axes, x: float, y: float, slot: str, words: str, edge: str = SOFT_INK) -> None:
    """One thing on a path, its bottom at y. The first of two lines of words is bold."""
    height, middle = _HEIGHTS[slot], y + _HEIGHTS[slot] / 2
    if slot == "add":
        ax.add_patch(Circle((x, middle), height / 2, facecolor="white", edgecolor=BLUE, lw=2, zorder=4))
        ax.plot(x, middle, "+", color=BLUE, ms=13, mew=2.2, zorder=5)
        return
    rounded = "round,pad=0,rounding_size=0.07"
    ax.add_patch(FancyBboxPatch((x - _BOX / 2, y), _BOX, height, rounded, fc=_FILLS[slot], ec=edge, lw=1.1))
    first, *rest = words.split("\n") if slot == "conv" else [words]
    small = min(11.5, 72 * (_BOX - 0.12) / (0.57 * max(map(len, words.split("\n")))))
    weight, size = ("bold", 12.5) if rest else ("normal", small if slot == "pad" else 12.5)
    ax.text(x, middle + (0.11 if rest else 0), first, ha="center", va="center", weight=weight, size=size)
    if rest:
        ax.text(x, middle - 0.12, rest[0], ha="center", va="center", size=small)


def _words(ax: Axes, x: float, y: float, formula: str, shape: str) -> None:
    """What goes in or out, and its shape, standing on y."""
    ax.text(x, y + 0.22, formula, ha="center", va="bottom", weight="bold")
    ax.text(x, y, shape, ha="center", va="bottom", size=11.5, color=SOFT_INK)


def _bracket(ax: Axes, top: float, bottom: float) -> None:
    """The span of F(x), on the left."""
    x = -_BOX / 2 - 0.12
    ax.plot([x + 0.06, x, x, x + 0.06], [top, top, bottom, bottom], color=SOFT_INK, lw=1.2)
    ax.text(x - 0.07, (top + bottom) / 2, "F(x)", ha="right", va="center", style="italic")
