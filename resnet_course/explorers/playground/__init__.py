"""Two networks of one depth, with shortcuts and without, that train in the reader's browser."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from resnet_course.base.language import language, translated, translated_page
from resnet_course.notebook import messages

FOLDER = Path(__file__).parent
SCRIPTS = ("network.js", "page.js")
TITLE = "Playground: the same depth, twice"
PICTURE = (
    "Picture of the playground: two networks of 40 layers after 100 steps on two spirals. The map of the plain one "
    "shows no spirals, and 38 % of its training points are wrong; with shortcuts it shows both, and 0 % are wrong."
)
_COLOURS = {"border": "#c9c9c9", "primary": "#00629b", "primary-text": "#fff", "text-muted": "#555"}


def show_playground() -> None:
    """Show the playground, or its picture where nothing runs it, such as in a printed lesson. Used in lesson 00."""
    frame = (
        f'<iframe srcdoc="{html.escape(page(), quote=True)}" title="{translated(TITLE)}" '
        'style="width:100%;max-width:60rem;height:58rem;border:0;background:#fff"></iframe>'
    )
    picture = base64.b64encode((FOLDER / "picture.png").read_bytes()).decode("ascii")
    messages.show(frame, PICTURE, {"image/png": picture})


def body() -> str:
    """The form, the maps and the charts, in the language in force; `SCRIPTS` bring them to life."""
    return translated_page((FOLDER / "page.html").read_text(encoding="utf-8"))


def page() -> str:
    """The playground as a page of its own that fetches nothing."""
    style, *scripts = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", *SCRIPTS))
    colours = "".join(f"--pst-color-{name}:{colour};" for name, colour in _COLOURS.items())
    return (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8"><title>{translated(TITLE)}</title>'
        f"<style>:root{{{colours}}}body{{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#222;background:#fff}}"
        f"{style}</style></head><body>{body()}{''.join(f'<script>{script}</script>' for script in scripts)}"
        "</body></html>"
    )
