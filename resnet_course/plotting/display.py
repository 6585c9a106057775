"""Put a figure into a notebook as an accessible picture."""

from __future__ import annotations

import base64
import html
import io
import struct

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from resnet_course.notebook import messages

_SHARPNESS = 2  # image pixels for each CSS pixel

_CARD = (
    "display:inline-block;box-sizing:border-box;max-width:100%;margin:0.4em 0;padding:10px 12px;"
    "background:#ffffff;color:#222222;border-radius:6px"
)  # white in dark themes too: the colours of the lines are chosen for white


def show(figure_or_axes: Figure | Axes, alt: str, caption: str | None = None) -> None:
    """Display a figure in a notebook, with words for those who cannot see it, and close it.

    It is closed so that the notebook does not draw it a second time. Outside a notebook it is only closed.

    Args:
        figure_or_axes: what a function of this package returned.
        alt: what is to be seen, in a sentence or two: read aloud by screen readers, shown where images are not.
        caption: a line under the figure, such as the number of seeds.

    Raises:
        TypeError: if it is neither a Figure nor an Axes.
        ValueError: if `alt` is empty.
    """
    figure = figure_or_axes.figure if isinstance(figure_or_axes, Axes) else figure_or_axes
    if not isinstance(figure, Figure):
        raise TypeError(f"show() takes a Figure or an Axes, got {type(figure_or_axes).__name__}")
    if not alt.strip():
        raise ValueError("alt is empty: say in a sentence what the figure shows")
    if messages.in_notebook():
        messages.show(figure_html(figure, alt, caption), f"Figure: {alt}")
    plt.close(figure)


def figure_html(figure: Figure, alt: str, caption: str | None = None) -> str:
    """The figure as a self-contained HTML `<figure>`, drawn twice as sharp as it is wide."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100 * _SHARPNESS, bbox_inches="tight", pad_inches=0.04)
    png = buffer.getvalue()
    (pixels,) = struct.unpack(">I", png[16:20])  # the width in the PNG's header
    words = f'<figcaption style="margin-top:6px;color:#444444">{html.escape(caption)}</figcaption>' if caption else ""
    return (
        f'<figure style="{_CARD}"><img src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}" '
        f'alt="{html.escape(alt, quote=True)}" width="{pixels // _SHARPNESS}" '
        f'style="max-width:100%;height:auto;background:#ffffff">{words}</figure>'
    )
