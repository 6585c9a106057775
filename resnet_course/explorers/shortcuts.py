"""What x, F(x) and the shortcut look like for one block, or the very error that PyTorch gives."""

from __future__ import annotations

from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch
from torch import Tensor, nn

from resnet_course import plotting
from resnet_course.explorers.controls import Answer, Control, Explorer, explore
from resnet_course.inspection import count_parameters
from resnet_course.models import PadShortcut, PlainBlock, make_shortcut, needs_projection
from resnet_course.plotting.style import VERMILLION, text_colour

_NAMES = {"average": "average, then projection"}


class Block(NamedTuple):
    """The three numbers that decide whether x fits."""

    in_planes: int
    planes: int
    stride: int


def shortcut_explorer() -> None:
    """Choose a block and its shortcut: shapes, parameters and drawing, or the error. Used in lesson 07."""
    explore(shortcut_parts())


def shortcut_parts() -> Explorer:
    """What `shortcut_explorer` shows."""
    planes = {str(count): count for count in (16, 32, 64)}
    controls = {
        "in_planes": Control("in_planes", planes),
        "planes": Control("planes", planes),
        "stride": Control("stride", {"1": 1, "2": 2}),
        "option": Control("shortcut", {"none": "none", **{f"option {option}": option for option in "ABCD"}}),
        "image_size": Control("image size", {f"{size}×{size}": size for size in (2, 8, 32)}),
    }
    start = {"in_planes": 16, "planes": 32, "stride": 2, "option": "none", "image_size": 8}
    shown = [start, {**start, "planes": 16, "image_size": 2}, *({**start, "option": option} for option in "ABD")]
    return Explorer(describe_shortcut, controls, start, shown)


def describe_shortcut(in_planes: int, planes: int, stride: int, option: str, image_size: int) -> Answer:
    """Run one block on one image of zeros. Option "none" adds x as it is."""
    block = Block(in_planes, planes, stride)
    x = torch.zeros(1, in_planes, image_size, image_size)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):  # new layers draw random weights; the lesson's draws stay
        residual = PlainBlock(*block).eval().transform(x)
        shapes = f"x {_shape(x)}, F(x) {_shape(residual)}"
        try:
            shortcut = nn.Sequential() if option == "none" else make_shortcut(*block, option)  # type: ignore[arg-type]
        except ValueError as error:
            return _unfit(block, (f"{shapes}.",), "Option A cannot get there", "error", f"ValueError: {error}")
        carried = shortcut.eval()(x)
        try:
            total = residual + carried
        except RuntimeError as error:
            return _unfit(block, (f"{shapes}. F(x) + x:",), "x does not fit", "error", f"RuntimeError: {error}")
    shapes += f", shortcut(x) {_shape(carried)}, sum {_shape(total)}."
    if total.shape != residual.shape:
        wrong = f"No error, and wrong: F(x) is stretched to {image_size}×{image_size}, so the sum is no smaller than x."
        return _unfit(block, (shapes, wrong), "It runs, and is wrong", "ReLU(F(x) + x)")
    return _fit(block, shapes, option, shortcut)


def _fit(block: Block, shapes: str, option: str, shortcut: nn.Module) -> Answer:
    if isinstance(shortcut, PadShortcut):
        kind, new = "padding", block.planes - block.in_planes
        what = ["every 2nd pixel of x"] if block.stride == 2 else []
        what += [f"{new} channels of zeros"] if new else []
    elif len(shortcut):  # type: ignore[arg-type]
        kind = "average" if option == "D" and block.stride == 2 else "projection"
        what = ["the mean of each 2×2 pixels"] if kind == "average" else []
        strided = block.stride == 2 and kind == "projection"
        what += ["a 1×1 convolution" + " with stride 2" * strided, "batch norm"]
        what += [] if needs_projection(*block) else ["although x would fit as it is"]
    else:
        kind, what = "identity", ["x as it is"]
    cost = f"The shortcut: {', '.join(what)}; {count_parameters(shortcut):,} parameters."
    title = {"none": "No shortcut layer"}.get(option, f"Option {option}") + f": {_NAMES.get(kind, kind)}"
    return Answer(
        lines=(shapes, cost),
        draw=lambda: plotting.block_diagram("basic", *block, shortcut=kind, title=title),  # type: ignore[arg-type]
        alt=f"Residual block, {block.in_planes} to {block.planes} channels, stride {block.stride}. "
        f"The line around F(x) carries {', '.join(what)}, and ends at the plus sign.",
    )


def _unfit(block: Block, lines: tuple[str, ...], title: str, result: str, error: str | None = None) -> Answer:
    return Answer(
        lines=lines,
        draw=lambda: _draw_unfit(block, title, result),
        alt=f"Block, {block.in_planes} to {block.planes} channels, stride {block.stride}. A dashed line carries x "
        f"around F(x); where the plus sign should be stands a cross. {title}.",
        error=error,
    )


def _draw_unfit(block: Block, title: str, result: str) -> Axes:
    """The chain F(x) and, dashed, the line with x that does not fit where it should be added."""
    ax = plotting.block_diagram("plain", *block, title=title)
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    start = boxes[0].get_y() + boxes[0].get_height() + 0.25
    before, after = boxes[-2], boxes[-1]
    meet = (before.get_y() + after.get_y() + after.get_height()) / 2
    right = before.get_x() + before.get_width() + 0.32
    ax.plot([0, right, right, 0.2], [start, start, meet, meet], "--", color=VERMILLION, lw=2.4, zorder=3)
    ax.add_patch(Circle((0, meet), 0.18, facecolor="white", edgecolor=VERMILLION, lw=2, zorder=4))
    ax.plot(0, meet, "x", color=VERMILLION, ms=9, mew=2.6, zorder=5)
    words = f"x as it is\n{block.in_planes} × H × W"
    colour, halved = text_colour(VERMILLION), "" if block.stride == 1 else f"/{block.stride}"
    ax.text(right + 0.12, (start + meet) / 2, words, color=colour, va="center", weight="bold")
    ax.text(-0.28, meet, f"{block.planes} × H{halved} × W{halved}", color=colour, va="center", ha="right", size=11)
    formula = next(text for text in ax.texts if text.get_text().startswith("ReLU("))
    shape = ax.texts[ax.texts.index(formula) + 1]
    formula.set_text(result)
    shape.set_text("" if result == "error" else f"{block.in_planes} × H × W")
    left, edge = ax.get_xlim()[0], right + 1.35
    ax.set_xlim(left, edge)
    ax.figure.set(figwidth=edge - left + 0.3)
    return ax


def _shape(tensor: Tensor) -> str:
    return "(" + ", ".join(map(str, tensor.shape)) + ")"
