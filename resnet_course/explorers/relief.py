"""The loss around networks as hills that the reader turns; a picture of them where no script runs."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm, to_hex

from resnet_course import plotting
from resnet_course.notebook import messages
from resnet_course.plotting.landscape import LEVELS

COLOURS = 32  # of the scale


def landscape_relief(surfaces: Mapping[str, Any], steps: Sequence[float], title: str, caption: str = "") -> None:
    """Show the logarithm of the loss as a height. All hills turn together, by the mouse or by two sliders.

    The script is on the page and fetches nothing. Heights and colours end at the ends of the scale of
    `plotting.landscapes`.

    Args:
        surfaces: a square of losses by network; rows go along the second direction.
        steps: where the rows and columns stand, from low to high.
        title: of the picture.
        caption: a line below.

    Raises:
        ValueError: as `plotting.landscape_hills`.

    Used in lesson 10.
    """
    figure = plotting.landscape_hills(surfaces, steps, title)
    words = figure.course_words  # type: ignore[attr-defined]  # by `plotting.describe`
    if not messages.in_notebook():
        plt.close(figure)
        return
    picture = plotting.figure_html(figure, words, caption)
    plt.close(figure)
    found = re.search(r"base64,([^\"]+)", picture)
    png = {"image/png": found[1]} if found else {}
    messages.show(relief_page(surfaces, picture, words, caption), f"Figure: {words}", png)


def relief_page(surfaces: Mapping[str, Any], picture: str, words: str, caption: str) -> str:
    """The hills as a piece of a page, around the picture that stands there without a script."""
    scale = LogNorm(LEVELS[0], LEVELS[-1], clip=True)
    grids = [np.nan_to_num(np.asarray(surface, dtype=float), nan=np.inf) for surface in surfaces.values()]
    heights = [
        np.rint(255 * np.asarray(scale(np.clip(grid, LEVELS[0], LEVELS[-1]))).ravel()).astype(int) for grid in grids
    ]
    data = {
        "side": len(grids[0]),
        "colours": [to_hex(mpl.colormaps["viridis"](place / (COLOURS - 1))) for place in range(COLOURS)],
        "heights": [height.tolist() for height in heights],
    }
    text = json.dumps(data, separators=(",", ":"))
    name = hashlib.sha256(text.encode()).hexdigest()[:12]
    maps = [{"name": each, "words": f"The hills of {each}. {words}"} for each in surfaces]
    return str(_template().render(name=name, picture=picture, maps=maps, caption=caption, data=text))


@functools.cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader  # here, because only a page needs it

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    return environment.get_template("relief.html.jinja")
