"""How the figures look: one page style, and one fixed colour, marker and line for each network.

Colours are Okabe and Ito's, which people with any usual colour vision can tell apart. A marker or a dash always
repeats what the colour says.

Reference: Okabe, Ito 2008, "Color Universal Design", jfly.uni-koeln.de/color.
"""

from __future__ import annotations

import functools
import logging
import textwrap
import unicodedata
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

from resnet_course.base.language import in_english

# Okabe and Ito's yellow is left out: too faint on white.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

INK = "#222222"  # text
SOFT_INK = "#5A5A5A"  # axes, notes

WIDTH = 7.0  # inches; 700 CSS pixels at 100 dots per inch, about half of that on a phone

# Of Windows, macOS and Linux; matplotlib's own font, DejaVu Sans, has Latin, Greek, Cyrillic and some more.
_OTHER_SCRIPTS = (
    *("Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic", "Noto Sans CJK KR", "Noto Sans KR", "NanumGothic"),
    "Noto Sans CJK JP",  # what matplotlib calls the file of all of them
    *("Yu Gothic", "Hiragino Sans", "Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "Noto Sans SC"),
    *("Nirmala UI", "Noto Sans Devanagari", "Leelawadee UI", "Noto Sans Thai", "Arial Unicode MS"),
)

_PLAIN, _RESIDUAL = "--", "-"
_FAMILIES = {
    "plain": ((ORANGE, VERMILLION, PURPLE), _PLAIN),
    "residual": ((SKY, BLUE, GREEN), _RESIDUAL),
    "resnet": ((SKY, BLUE, GREEN), _RESIDUAL),
    "": ((BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK), "-"),
}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_ALIKE = {SKY: BLUE, ORANGE: VERMILLION}  # light and strong of one hue

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
    "D": (PURPLE, "D", _RESIDUAL),
    "option A": (SKY, "o", _RESIDUAL),
    "option B": (BLUE, "s", _RESIDUAL),
    "option C": (GREEN, "^", _RESIDUAL),
    "option D": (PURPLE, "D", _RESIDUAL),
    "C from the identity": (BLACK, "X", _RESIDUAL),
    "train": (SOFT_INK, "o", "--"),
    "training": (SOFT_INK, "o", "--"),
    "validation": (BLACK, "s", "-"),
}


def use_style() -> None:
    """Set matplotlib's defaults to the course's page style. Each lesson calls it once, in its first cell.

    A font that was chosen before stays; letters that it does not have come from the system's fonts for other scripts,
    and Hangul, where the system has none, from the font that comes with the course.
    """
    plt.style.use(Path(__file__).with_name("course.mplstyle"))
    _add_hangul()
    # Nanum's bold is called semibold in its list, and matplotlib says so in red letters.
    logging.getLogger(font_manager.__name__).addFilter(_not_of_weights)
    chosen, here = mpl.rcParams["font.family"], {font.name for font in font_manager.fontManager.ttflist}
    mpl.rcParams["font.family"] = [*chosen, *(name for name in _OTHER_SCRIPTS if name in here and name not in chosen)]


def _not_of_weights(record: logging.LogRecord) -> bool:
    return "font weight" not in str(record.msg)


def readable(text: str) -> str:
    """A name or title as it is drawn: as `drawable` has it, and a `$` begins no formula."""
    return drawable(text).replace("\\$", "$").replace("$", "\\$")


def drawable(text: str) -> str:
    """The text, in English if no font here has its letters; those that are left are spelt in Latin."""
    families = tuple(mpl.rcParams["font.family"])
    if not all(_can_draw(letter, families) for letter in text):
        text = in_english(text)
    return "".join(letter if _can_draw(letter, families) else _spelt(letter) for letter in text)


@functools.cache
def _add_hangul() -> None:
    font_manager.fontManager.addfont(Path(__file__).parent / "fonts" / "NotoSansCJKkr-Hangul.otf")


@functools.cache
def _can_draw(letter: str, families: tuple[str, ...]) -> bool:
    if letter.isascii():
        return True
    for family in families:
        try:
            path = font_manager.findfont(font_manager.FontProperties(family=[family]), fallback_to_default=False)
        except ValueError:  # no such font here
            continue
        if font_manager.get_font(path).get_char_index(ord(letter)):
            return True
    return False


def _spelt(letter: str) -> str:
    """The sound of a letter, from its name in Unicode; of a sign without one, its number."""
    name = unicodedata.name(letter, "")
    return name.split()[-1].lower() if " SYLLABLE " in name or " LETTER " in name else f"[{ord(letter):X}]"


def network_style(name: str) -> dict[str, Any]:
    """The fixed `color`, `marker` and `linestyle` of a network, to be given to matplotlib as they are.

    Plain networks are warm and dashed, residual ones blue or green and solid. A longer name, such as
    "plain 56, seed 1", has the style of the network it begins with. Any other name has the same style each time.
    """
    known = _known_start(name)
    if known is not None:
        return _style(*_FIXED[known])
    colours, linestyle = _family(name)
    number = zlib.crc32(name.encode())  # unlike hash(), the same in every process
    return _style(colours[number % len(colours)], _MARKERS[number // 64 % len(_MARKERS)], linestyle)


def styles_for(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The styles of networks that stand in one figure: names without a fixed style keep clear of the others."""
    names = list(names)
    styles: dict[str, dict[str, Any]] = {}
    # Those with a fixed style first, then those that begin with such a name: they have a colour of their own.
    for name in sorted(names, key=lambda name: (name not in _FIXED, _known_start(name) is None)):
        styles[name] = network_style(name) if name in _FIXED else _free_style(name, list(styles.values()))
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
    """Break text into lines of at most `width` points, at a font size in points (an estimate: 0.6 em a letter).

    A letter of Hangul or Han is 1 em wide.
    """
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    letters = max(8, int(width / ((0.6 + 0.4 * wide / max(len(text), 1)) * size)))
    return "\n".join(textwrap.fill(line, letters) for line in readable(text).splitlines())


def _known_start(name: str) -> str | None:
    """The longest name with a fixed style that `name` is or begins with."""
    if name in _FIXED:
        return name
    starts = [known for known in _FIXED if len(known) > 1 and name.startswith(known)]
    starts = [known for known in starts if not name[len(known)].isalnum() and not name[len(known) + 1 :][:1].isdigit()]
    return max(starts, key=len, default=None)


def _family(name: str) -> tuple[tuple[str, ...], str]:
    """Colours and dash of the networks of this kind."""
    return next(family for start, family in _FAMILIES.items() if name.lower().startswith(start))


def _style(color: str, marker: str, linestyle: str) -> dict[str, Any]:
    return {"color": color, "marker": marker, "linestyle": linestyle}


def _free_style(name: str, used: list[dict[str, Any]]) -> dict[str, Any]:
    """The name's own style if no other looks like it, else the nearest of its family: a free colour, or dots."""
    own = network_style(name)
    colours = (own["color"], *(() if _known_start(name) else _family(name)[0]))
    looks = [(colour, marker) for marker in (own["marker"], *_MARKERS) for colour in colours]
    used_colours = {style["color"] for style in used}
    used_looks = {(style["color"], style["marker"]) for style in used}
    hues, markers = {_ALIKE.get(colour, colour) for colour in used_colours}, {style["marker"] for style in used}
    free = [look for look in looks if _ALIKE.get(look[0], look[0]) not in hues and look[1] not in markers]
    free += [look for look in looks if look[0] not in used_colours]
    free += [look for look in looks if look not in used_looks]
    if not free:
        return own
    return _style(*free[0], ":" if free[0][0] in used_colours else own["linestyle"])
