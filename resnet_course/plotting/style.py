"""How the figures look: one page style, and one fixed colour, marker and line for each network.

Colours are Okabe and Ito's, which people with any usual colour vision can tell apart. A marker or a dash always
repeats what the colour says.

Reference: Okabe, Ito 2008, "Color Universal Design", jfly.uni-koeln.de/color.
"""

from __future__ import annotations

import textwrap
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

BLACK, ORANGE, SKY, GREEN, BLUE, VERMILLION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)  # Okabe and Ito's yellow is left out: too faint on white

INK = "#222222"  # text
SOFT_INK = "#5A5A5A"  # axes, notes
GRID = "#E4E4E4"

WIDTH = 7.0  # inches; 700 CSS pixels at 100 dots per inch, about half of that on a phone

_PLAIN, _RESIDUAL, _OTHER = "--", "-", "-"
_WARM = (ORANGE, VERMILLION, PURPLE)
_COOL = (SKY, BLUE, GREEN)
_ANY = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

# Light against strong follows depth in both families: plain 20 and residual 20 are the light ones.
_FIXED = {
    "plain": (VERMILLION, "s", _PLAIN),
    "plain 8": (PURPLE, "^", _PLAIN),
    "plain 18": (PURPLE, "v", _PLAIN),
    "plain 20": (ORANGE, "D", _PLAIN),
    "plain 56": (VERMILLION, "s", _PLAIN),
    "residual": (BLUE, "o", _RESIDUAL),
    "residual 20": (SKY, "P", _RESIDUAL),
    "residual 56": (BLUE, "o", _RESIDUAL),
    "ResNet-18": (GREEN, "o", _RESIDUAL),
    "TinyVGG": (BLACK, "X", ":"),
    "VGG": (BLACK, "X", ":"),
    "VGG-16": (BLACK, "X", ":"),
    "A": (SKY, "o", _RESIDUAL),
    "B": (BLUE, "s", _RESIDUAL),
    "C": (GREEN, "^", _RESIDUAL),
    "option A": (SKY, "o", _RESIDUAL),
    "option B": (BLUE, "s", _RESIDUAL),
    "option C": (GREEN, "^", _RESIDUAL),
    "train": (SOFT_INK, "o", "--"),
    "training": (SOFT_INK, "o", "--"),
    "validation": (BLACK, "s", "-"),
}

_PAGE: Any = {
    "figure.figsize": (WIDTH, 4.2),
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure everywhere
    "font.size": 12.5,
    "text.color": INK,
    "axes.titlesize": 14.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.labelsize": 12.5,
    "axes.labelcolor": INK,
    "axes.labelpad": 6,
    "axes.edgecolor": SOFT_INK,
    "axes.linewidth": 0.9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.9,
    "xtick.color": SOFT_INK,
    "ytick.color": SOFT_INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 2.2,
    "lines.markersize": 6.5,
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "image.cmap": "viridis",
}


def use_style() -> None:
    """Set matplotlib's defaults to the course's page style. Each lesson calls it once, in its first cell."""
    mpl.rcParams.update(_PAGE)


def network_style(name: str) -> dict[str, Any]:
    """The fixed `color`, `marker` and `linestyle` of a network, to be given to matplotlib as they are.

    Plain networks are warm and dashed, residual ones blue or green and solid. A longer name, such as
    "plain 56, seed 1", has the style of the network it begins with. Any other name has the same style each time.
    """
    known = _known_start(name)
    if known is not None:
        color, marker, linestyle = _FIXED[known]
        return {"color": color, "marker": marker, "linestyle": linestyle}
    colours, linestyle = _family(name)
    number = zlib.crc32(name.encode())  # unlike hash(), the same in every process
    return {
        "color": colours[number % len(colours)],
        "marker": _MARKERS[number // 64 % len(_MARKERS)],
        "linestyle": linestyle,
    }


def styles_for(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The styles of networks that stand in one figure: names without a fixed style keep clear of the others."""
    names = list(names)
    styles = {name: network_style(name) for name in names if name in _FIXED}
    rest = [name for name in names if name not in _FIXED]
    for name in sorted(rest, key=lambda name: _known_start(name) is None):  # those with a colour of their own first
        styles[name] = _free_style(name, list(styles.values()))
    return {name: styles[name] for name in names}


def text_colour(colour: str, contrast: float = 4.5) -> str:
    """The colour, darkened until text in it can be read on white.

    Args:
        colour: any colour that matplotlib knows.
        contrast: WCAG contrast ratio to reach against white; 4.5 is its level AA.
    """
    red, green, blue = to_rgb(colour)
    while 1.05 / (luminance((red, green, blue)) + 0.05) < contrast:
        red, green, blue = 0.95 * red, 0.95 * green, 0.95 * blue
    return to_hex((red, green, blue))


def luminance(colour: Any) -> float:
    """Relative luminance in [0, 1] as WCAG defines it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def axes_or_new(ax: Axes | None, height: float = 4.2, width: float = WIDTH) -> Axes:
    """The given Axes, or those of a new figure of this size in inches."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def put_title(ax: Axes, title: str, left: float = 0.8) -> None:
    """A left-aligned title, broken into lines that fit above the Axes.

    Args:
        ax: where it stands.
        title: what the figure shows.
        left: inches taken by what stands left of the Axes, such as the numbers of the y axis.
    """
    size = mpl.rcParams["axes.titlesize"]
    points = float(size) if isinstance(size, (int, float)) else 12.0  # before use_style() it is a word
    spec = ax.get_subplotspec()
    columns = spec.get_gridspec().ncols if spec is not None else 1
    width = figure_width(ax) / columns - left
    ax.set_title(wrap(title, width * 72, points * 1.1), loc="left")


def figure_width(ax: Axes) -> float:
    """Width in inches of the figure, or part of a figure, that the Axes stand in."""
    return float(ax.figure.bbox.width / ax.figure.dpi)


def wrap(text: str, width: float, size: float) -> str:
    """Break text into lines of at most `width` points, at a font size in points (an estimate: 0.6 em a letter)."""
    letters = max(8, int(width / (0.6 * size)))
    return "\n".join(textwrap.fill(line, letters) for line in text.splitlines())


def _known_start(name: str) -> str | None:
    """The longest name with a fixed style that `name` is or begins with."""
    if name in _FIXED:
        return name
    starts = [known for known in _FIXED if len(known) > 1 and name.startswith(known)]
    starts = [known for known in starts if not name[len(known)].isalnum() and not name[len(known) + 1 :][:1].isdigit()]
    return max(starts, key=len, default=None)


def _family(name: str) -> tuple[tuple[str, ...], str]:
    if name.lower().startswith("plain"):
        return _WARM, _PLAIN
    if name.lower().startswith(("residual", "resnet")):
        return _COOL, _RESIDUAL
    return _ANY, _OTHER


def _free_style(name: str, used: list[dict[str, Any]]) -> dict[str, Any]:
    """The name's own style if no other looks like it, else the nearest free one of its family."""
    own = network_style(name)
    used_colours = {style["color"] for style in used}
    used_pairs = {(style["color"], style["marker"]) for style in used}
    candidates = list(_alternatives(own, (own["color"],) if _known_start(name) else _family(name)[0]))
    fresh = [style for style in candidates if style["color"] not in used_colours]
    fresh += [style for style in candidates if (style["color"], style["marker"]) not in used_pairs]
    return fresh[0] if fresh else own


def _alternatives(own: dict[str, Any], colours: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    markers = (own["marker"], *(marker for marker in _MARKERS if marker != own["marker"]))
    ordered = (own["color"], *(colour for colour in colours if colour != own["color"]))
    for marker in markers:
        for colour in ordered:
            yield {"color": colour, "marker": marker, "linestyle": own["linestyle"]}
