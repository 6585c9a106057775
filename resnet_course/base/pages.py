"""HTML out of Jinja2 templates: the one place where values meet markup."""

from __future__ import annotations

from typing import Any


def render(template: str, **values: Any) -> str:
    """Fill a Jinja2 template. Every value is escaped, except those that are `markupsafe.Markup`.

    Args:
        template: the template's text.
        values: what it names.

    Raises:
        jinja2.UndefinedError: if it names anything else.
    """
    from jinja2 import Environment, StrictUndefined  # only needed where a page is made

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["plural"] = plural
    return environment.from_string(template).render(values)


def plural(number: int, thing: str, things: str = "") -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
