"""A learner's text and figures for the eyes of an instructor: nothing that a browser would run.

nbgrader's formgrader shows Markdown with the HTML in it as it stands, and outputs of every kind, on pages that may
start kernels. What is kept here is text, and pictures in formats that hold no code.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from resnet_course.base.text import clean, whole

MOST_TEXT = 20_000  # characters of all that a cell printed
MOST_OUTPUTS = 100  # of a cell; some print a million lines as a million outputs
MOST_PICTURES = 2 * 2**20  # characters of all pictures of a cell, in base64
PICTURES = ("image/png", "image/jpeg")

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?=[(:])(?!\(https?://)(?!\((?:attachment:)?[\w./#-]*\))")  # others may have any scheme
_TEX = re.compile(r"\\(?=(?:href|url|require|class|cssId|style|data|unicode|html\w*)\b)")


def harmless_markdown(source: str) -> str:
    """Markdown in which tags, links that lead elsewhere than to the web, and formulas with links are plain text.

    Args:
        source: of a Markdown cell.
    """
    return _TEX.sub(r"\\backslash ", _LINK.sub("] ", _TAG.sub("< ", source.replace("\0", ""))))


def harmless_outputs(outputs: Any) -> list[NotebookNode]:
    """What a cell printed, cut, and its pictures; nothing of another kind.

    Args:
        outputs: of a code cell, as they stand in a file that nobody has checked.
    """
    kept, text, pictures = [], MOST_TEXT, MOST_PICTURES
    for output in outputs[:MOST_OUTPUTS] if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        found = output.get("data")
        data = found if isinstance(found, dict) else {}
        shown = _pictures(data)
        size = sum(map(len, shown.values()))
        if shown and size <= pictures:
            kept.append(new_output("display_data", shown))
            pictures -= size
            continue
        words = whole(_joined(output.get("text", data.get("text/plain", "")))[:text])
        if words:
            kept.append(new_output("stream", name="stdout", text=words))
            text -= len(words)
    return kept


def harmless_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """The pictures that were pasted into a Markdown cell, by name."""
    kept = {}
    for name, data in attachments.items() if isinstance(attachments, dict) else ():
        shown = _pictures(data if isinstance(data, dict) else {})
        if shown and re.fullmatch(r"[\w.-]+", name) and sum(map(len, shown.values())) <= MOST_PICTURES:
            kept[name] = shown
    return kept


def plain(name: str) -> str:
    """A name that a learner chose, for a sentence that is shown as Markdown."""
    return re.sub(r"[^\w ,.()-]", "?", clean(name))[:200]


def plain_words(text: str) -> str:
    """An error's text, for a sentence that is shown as Markdown: nothing in it is a tag, a link or a formula."""
    return re.sub(r"[^\w ,.:;()'\"=+-]", " ", text)[:300].strip()


def _pictures(data: dict[str, Any]) -> dict[str, str]:
    """One picture at most: written anew in base64, so that nothing but a picture's bytes is in it."""
    for kind in PICTURES:
        try:
            content = base64.b64decode("".join(_joined(data.get(kind, "")).split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        if content:
            return {kind: base64.b64encode(content).decode()}
    return {}


def _joined(text: Any) -> str:
    """A text that a notebook may hold as a list of lines."""
    parts = text if isinstance(text, list) else [text]
    return "".join(part for part in parts if isinstance(part, str))
