"""Names at the right ends of lines, instead of a legend, moved apart where they would overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.text import Annotation, Text
from matplotlib.transforms import ScaledTranslation

from resnet_course.plotting.inputs import Floats
from resnet_course.plotting.style import text_colour, wrap

_DISTANCE = 14  # points between the Axes and the names


def spread(wanted: Sequence[float] | Floats, sizes: Sequence[float] | Floats, low: float, high: float) -> Floats:
    """Centres of labels, moved as little as possible (least squares) so that none overlaps its neighbour.

    Args:
        wanted: where each label's centre would stand best.
        sizes: each label's height.
        low, high: the labels' edges stay between these, if there is room for all of them.

    Shape:
        (n,) and (n,) -> (n,), in the order of `wanted`
    """
    order = np.argsort(wanted, kind="stable")
    heights = np.asarray(sizes, dtype=float)[order]
    steps = np.concatenate([[0.0], np.cumsum((heights[1:] + heights[:-1]) / 2)])
    # Without the steps the centres only have to stay in order: isotonic regression, by pooling neighbours.
    pools: list[list[float]] = []
    for target in np.asarray(wanted, dtype=float)[order] - steps:
        pools.append([target])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    level = np.concatenate([np.full(len(pool), np.mean(pool)) for pool in pools])
    first, last = low + heights[0] / 2, high - heights[-1] / 2 - steps[-1]
    if first > last:  # more labels than room: stand out equally at both ends
        first = last = (first + last) / 2
    centres = np.empty(len(order))
    centres[order] = np.clip(level, first, last) + steps
    return centres


class EndLabels(Artist):
    """The names of one Axes' lines. They are placed anew at every drawing, so sizes and limits may still change."""

    def __init__(self, ax: Axes) -> None:
        super().__init__()
        self.set_zorder(2.9)  # just below text: drawn, and so placed, before the names are
        self.set_in_layout(False)
        self.names: list[Annotation] = []
        self._ax = ax
        self._place = ax.transAxes + ScaledTranslation(_DISTANCE / 72, 0, ax.figure.dpi_scale_trans)
        ax.add_artist(self)

    def add(self, x: float, y: float, text: str, colour: str, weight: str = "normal", far: bool = False) -> None:
        """Name the line that ends at (x, y); a thin line leads there, a grey one if that is far: it is no data."""
        line = {"color": "#8a8a8a", "lw": 0.7} if far else {"color": colour, "lw": 1.0}
        lead = {"arrowstyle": "-", **line, "shrinkA": 1, "shrinkB": 4}
        name = self._ax.annotate(
            wrap(text, 130, 12),
            xy=(x, y),
            xytext=(1, 0.5),
            textcoords=self._place,
            color=text_colour(colour),
            va="center",
            weight=weight,
            linespacing=1.05,
            annotation_clip=False,
            arrowprops={**lead, "relpos": (0, 0.5)},
        )
        self.names.append(name)

    def draw(self, renderer: RendererBase) -> None:
        """Move the names apart. They draw themselves afterwards."""
        if not self.names:
            return
        box = self._ax.get_window_extent(renderer)
        ends = np.array([self._ax.transData.transform(name.xy)[1] for name in self.names])
        # An Annotation's own extent includes its leading line; only the text must not overlap.
        sizes = [1.12 * Text.get_window_extent(name, renderer).height for name in self.names]
        centres = spread(np.clip(ends, box.y0, box.y1), sizes, box.y0, box.y1)
        for name, end, centre in zip(self.names, ends, centres, strict=True):
            name.xyann = (1, (centre - box.y0) / box.height)
            if name.arrow_patch is not None:
                name.arrow_patch.set_visible(box.y0 - 1 <= end <= box.y1 + 1)
