"""The one place that shows progress and prints messages."""

from __future__ import annotations

import os
import sys
from typing import Any

from tqdm.auto import tqdm


def bar(total: int | None, description: str, unit: str = " images", **options: Any) -> tqdm:
    """A progress bar with rate and time left, which disappears when it is done.

    `RESNET_COURSE_PROGRESS=0` switches it off, for logs.
    """
    hidden = os.environ.get("RESNET_COURSE_PROGRESS") == "0"
    return tqdm(total=total, desc=description, unit=unit, leave=False, disable=hidden, **options)


# What stands for a sign where a stream cannot show it, as on a Windows console with its old code page; "?" for others.
PLAIN = {
    "✔": "+",
    "✘": "x",
    "ℹ": "i",
    "×": "x",
    "·": "-",
    "–": "-",
    "−": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
}


def say(message: str, error: bool = False) -> None:
    """Print one message; errors go to the error stream. A sign that the stream cannot show is replaced."""
    stream = sys.stderr if error else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print("".join(_showable(sign, encoding) for sign in message), file=stream, flush=True)


def _showable(sign: str, encoding: str) -> str:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return PLAIN.get(sign, "?")
    return sign
