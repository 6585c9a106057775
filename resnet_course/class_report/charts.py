"""Drawings as SVG: widths in percent and heights in letters, so that text stays readable at any width of the page.

Colours come from the page, which has a set for light and one for dark; see `look`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from resnet_course.class_report.markup import Html, element

_ROW, _HEADING = 2.9, 2.3  # letters' heights of a bar with its name, and of a heading
_PLOT = 7.0  # of the columns' area
_TOP, _TOP_WITH_MARK = 1.6, 2.8  # above it: the highest column's number; and the marked number's line of text
_LINE = 36  # characters that fit under a histogram on a phone


class Bar(NamedTuple):
    """One horizontal bar: its parts from left to right, and what is written at the right. No part: a heading."""

    label: str
    parts: tuple[int, ...] = ()
    note: str = ""


def stacked_bars(rows: Sequence[Bar], total: int, kinds: Sequence[str], alt: str) -> Html:
    """Bars below one another, each under its name.

    Args:
        rows: from the top.
        total: what the whole width stands for.
        kinds: of each part, a class of the page's style.
        alt: for those who do not see the drawing.
    """
    drawn, y = [], 0.0
    for row in rows:
        if not row.parts:
            y += _HEADING
            drawn.append(_text(row.label, 0, y - 0.4, "start", "strong"))
            continue
        drawn.append(_text(row.label, 0, y + 1.1, "start"))
        drawn.append(_text(row.note, 1, y + 1.1, "end"))
        start = 0
        for kind, part in zip(kinds, row.parts, strict=False):
            if part:
                drawn.append(_rectangle(start / total, y + 1.45, part / total, 1.0, kind))
            start += part
        y += _ROW
    return _drawing(drawn, y, alt)


def columns(counts: Sequence[int], labels: Sequence[str], alt: str, mark: tuple[float, str] | None = None) -> Html:
    """Columns side by side, each with its number on top.

    Args:
        counts: the heights.
        labels: one for each column, or one more: then they name the edges.
        alt: for those who do not see the drawing.
        mark: where a dashed line stands, from 0 to 1, and what is written at it.
    """
    ground = _PLOT + (_TOP if mark is None else _TOP_WITH_MARK)
    tallest, width = max([*counts, 1]), 1 / len(counts)
    shapes, words = [], []
    for number, count in enumerate(counts):
        height = _PLOT * count / tallest
        if count:
            shapes.append(_rectangle((number + 0.06) * width, ground - height, 0.88 * width, height, "bar"))
            words.append(_text(count, (number + 0.5) * width, ground - height - 0.3, "middle"))
    shapes.append(element("line", x1=0, x2="100%", y1=f"{ground:g}em", y2=f"{ground:g}em", class_="axis"))
    at_edges = len(labels) > len(counts)
    room = _LINE // (max(map(len, labels)) + 2)
    step = math.ceil(len(labels) / room) if at_edges else 1
    for number in range(0, len(labels), step):
        place = number * width if at_edges else (number + 0.5) * width
        words.append(_text(labels[number], place, ground + 1.2, _inside(place, 0.05) if at_edges else "middle"))
    if mark is not None:
        x = f"{100 * mark[0]:.4g}%"
        shapes.append(element("line", x1=x, x2=x, y1="1.2em", y2=f"{ground:g}em", class_="mark"))
        words.append(_text(mark[1], mark[0], 0.95, _inside(mark[0], 0.25), "strong"))
    return _drawing([*shapes, *words], ground + 1.6, alt)


def share_bar(part: int, total: int) -> Html:
    """A small bar for a table's cell, whose number stands beside it."""
    drawn = (_rectangle(0, 0, 1, 0.8, "untried"), _rectangle(0, 0, part / total, 0.8, "bar"))
    return element("svg", *drawn, class_="share", aria_hidden="true")


def swatch(kind: str) -> Html:
    """A small square that shows what a kind of bar looks like."""
    return element("svg", _rectangle(0.05, 0.05, 0.9, 0.9, kind), class_="swatch", aria_hidden="true")


def _drawing(content: Sequence[Html], height: float, alt: str) -> Html:
    return element("svg", *content, role="img", aria_label=alt, style=f"height:{height:g}em")


def _rectangle(x: float, y: float, width: float, height: float, kind: str) -> Html:
    return element(
        "rect", x=f"{100 * x:.4g}%", y=f"{y:.4g}em", width=f"{100 * width:.4g}%", height=f"{height:.4g}em", class_=kind
    )


def _text(content: object, x: float, y: float, anchor: str, style: str = "") -> Html:
    return element("text", content, x=f"{100 * x:.4g}%", y=f"{y:.4g}em", text_anchor=anchor, class_=style)


def _inside(x: float, reach: float) -> str:
    """Where text at x is held, so that it does not leave the drawing; it needs `reach` to each side."""
    return "start" if x < reach else "end" if x > 1 - reach else "middle"
