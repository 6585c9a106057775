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


def say(message: str, error: bool = False) -> None:
    """Print one message; errors go to the error stream."""
    stream = sys.stderr if error else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(message.encode(encoding, "replace").decode(encoding), file=stream, flush=True)
