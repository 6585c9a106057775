"""HTML in which text is escaped unless it says that it is HTML already."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def safe(value: object) -> Html:
    """HTML as it is, anything else as escaped text."""
    return value if isinstance(value, Html) else Html(html.escape(str(value), quote=True))


def element(name: str, *content: object, **attributes: object) -> Html:
    """`<name attributes>content</name>`. A trailing underscore of an attribute is dropped, others become dashes.

    An attribute that is an empty text is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{safe(value)}"' for key, value in attributes.items() if value != ""
    )
    return Html(f"<{name}{written}>{''.join(map(safe, content))}</{name}>")


def join(parts: Iterable[object], between: str = "\n") -> Html:
    """The parts one after the other."""
    return Html(between.join(map(safe, parts)))


def table(caption: str, head: Sequence[object], rows: Iterable[Sequence[object]], kind: str = "") -> Html:
    """A table whose first column names the row. Wide ones scroll in their own box. `kind` is a class of the style."""
    top = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    ]
    parts = (element("caption", caption), element("thead", top), element("tbody", join(body)))
    whole = element("table", *parts, class_=kind)
    return element("div", whole, class_="wide", role="region", aria_label=caption, tabindex=0)


def figure(drawing: Html, caption: object, numbers: Html, of_what: str) -> Html:
    """A drawing with its caption, and the same numbers folded away in a table."""
    folded = element("details", element("summary", f"Numbers: {of_what}"), numbers)
    return element("figure", element("figcaption", caption), drawing, folded)


def plural(number: int, thing: str, things: str = "") -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
