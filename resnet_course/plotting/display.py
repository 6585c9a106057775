"""Put a figure into a notebook as an accessible picture."""

from __future__ import annotations

import base64
import html
import io
import struct
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.text import Text

from resnet_course.base.language import language, translated
from resnet_course.notebook import messages
from resnet_course.plotting.style import drawable, wrap

_SHARPNESS = 2  # image pixels for each CSS pixel

_CARD = (
    "display:inline-block;box-sizing:border-box;max-width:100%;margin:0.4em 0;padding:10px 12px;"
    "background:#ffffff;color:#222222;border-radius:6px"
)  # white in dark themes too: the colours of the lines are chosen for white


def describe(figure_or_axes: Figure | Axes, words: str) -> None:
    """Keep what is to be seen in a figure, from the data that were drawn; `show` says it to those who cannot see it."""
    figure: Any = figure_or_axes.figure if isinstance(figure_or_axes, Axes) else figure_or_axes
    earlier = getattr(figure, "course_words", "")
    figure.course_words = f"{earlier} {words}".strip()


def show(figure_or_axes: Figure | Axes, caption: str | None = None, alt: str | None = None) -> None:
    """Display a figure in a notebook, with words for those who cannot see it, and close it.

    It is closed so that the notebook does not draw it a second time. Outside a notebook it is only closed. Beside the
    page a notebook gets the picture itself, which other views, such as a printed one, can show.

    Args:
        figure_or_axes: what a function of this package returned.
        caption: a line under the figure, such as the data and the number of seeds.
        alt: what is to be seen, in a sentence or two; None takes what the drawing function said of its data.

    Raises:
        TypeError: if it is neither a Figure nor an Axes.
        ValueError: if there are no words for it.
    """
    figure = figure_or_axes.figure if isinstance(figure_or_axes, Axes) else figure_or_axes
    if not isinstance(figure, Figure):
        raise TypeError(f"show() takes a Figure or an Axes, got {type(figure_or_axes).__name__}")
    words = getattr(figure, "course_words", "") if alt is None else alt
    if not words.strip():
        raise ValueError("alt is empty: say in a sentence what the figure shows")
    if messages.in_notebook():
        png = figure_png(figure)
        picture = {"image/png": base64.b64encode(png).decode("ascii")}
        messages.show(_page(png, words, caption), f"Figure: {words}", picture)
    plt.close(figure)


def _translate(figure: Figure) -> None:
    """Put what stands in a figure into the reader's language, as far as the course has written it and fonts have it."""
    for text in figure.findobj(Text):
        lines = text.get_text().split("\n")
        written = " ".join(lines)
        if (said := drawable(translated(written))) != written:
            size = float(text.get_fontsize())
            broken = wrap(said, 0.6 * size * max(map(len, lines)), size)
            text.set_text(broken if len(lines) > 1 else said)
        if not text.get_text().isascii() and is_math_text(text.get_text()):  # which has the letters of one font only
            text.set_fontfamily(mpl.rcParams["font.family"][::-1])


def figure_html(figure: Figure, alt: str, caption: str | None = None) -> str:
    """The figure as a self-contained HTML `<figure>`, drawn twice as sharp as it is wide."""
    return _page(figure_png(figure), alt, caption)


def figure_png(figure: Figure) -> bytes:
    """The figure as a PNG, in the reader's language."""
    if language() != "en":
        _translate(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100 * _SHARPNESS, bbox_inches="tight", pad_inches=0.04)
    return buffer.getvalue()


def _page(png: bytes, alt: str, caption: str | None) -> str:
    (pixels,) = struct.unpack(">I", png[16:20])  # the width in the PNG's header
    words = f'<figcaption style="margin-top:6px;color:#444444">{html.escape(caption)}</figcaption>' if caption else ""
    return (
        f'<figure style="{_CARD}"><img src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}" '
        f'alt="{html.escape(alt, quote=True)}" width="{pixels // _SHARPNESS}" '
        f'style="max-width:100%;height:auto;background:#ffffff">{words}</figure>'
    )
