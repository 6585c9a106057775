"""Messages of the course: accessible HTML in a notebook, the same words as text elsewhere.

A word and a sign say what kind of message it is; colour only repeats it.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from resnet_course.base.language import translated, translated_page
from resnet_course.base.progress import say

Kind = Literal["passed", "failed", "info", "reproduced", "not reproduced", "cannot tell"]
# What a lesson found, for programs: {"verdict": ...} of a claim, or {"check": ...} of an exercise.
MIME_TYPE = "application/vnd.resnet-course+json"

SIGNS = {"passed": "✔", "failed": "✘", "info": "ℹ", "reproduced": "✔", "not reproduced": "✘", "cannot tell": "?"}
_COLOURS = {
    "passed": "#007a5a",
    "failed": "#b34700",
    "info": "#0072b2",
    "reproduced": "#007a5a",
    "not reproduced": "#b34700",
    "cannot tell": "#6b5b00",
}


@dataclass(frozen=True)
class Message:
    """One message: its kind, a short title, and paragraphs. A notebook shows it as HTML."""

    kind: Kind
    title: str
    paragraphs: tuple[str, ...] = ()
    data: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """The message as plain text."""
        return "\n".join([f"{SIGNS[self.kind]} {self.title}", *(f"  {line}" for line in self.paragraphs)])

    @property
    def html(self) -> str:
        """The message as a framed box; the text keeps the reader's own colours, so that dark themes work."""
        colour = _COLOURS[self.kind]
        body = "".join(f"<p style='margin:0.3em 0 0 0'>{html.escape(line)}</p>" for line in self.paragraphs)
        return (
            f"<div role='note' aria-label='{html.escape(self.title, quote=True)}' "
            f"style='border-left:4px solid {colour};padding:0.4em 0.8em;margin:0.3em 0'>"
            f"<strong>{SIGNS[self.kind]} {html.escape(self.title)}</strong>{body}</div>"
        )

    def show(self) -> None:
        """Display in a notebook, print elsewhere."""
        show(self.html, self.text, {} if self.data is None else {MIME_TYPE: self.data})


def show(page: str, text: str, more: Mapping[str, Any] | None = None) -> None:
    """Display HTML in a notebook, print the same as text elsewhere, in the reader's language.

    Args:
        page: HTML.
        text: the same words.
        more: further forms of the same for a notebook, by MIME type.
    """
    page, text = translated_page(page), translated(text)
    if not in_notebook():
        say(text)
        return
    from IPython.display import display  # only where there is a notebook

    display({"text/html": page, "text/plain": text, **(more or {})}, raw=True)


def in_notebook() -> bool:
    """Whether this process is a Jupyter kernel."""
    try:
        from IPython import get_ipython  # not installed everywhere
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
