"""For answers that write and read files: a folder of their own, and a file that notices whether it is run."""

from __future__ import annotations

import contextlib
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import torch

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # for many small files; None: the usual place


class Code:
    """An object whose pickle calls a function when it is loaded; here it only makes a note."""

    notes: ClassVar[list[str]] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return note, ("the file ran code",)


def note(text: str) -> None:
    """What a planted file runs."""
    Code.notes.append(text)


def runs_code(load: Callable[[], Any], path: Path, content: Any) -> bool:
    """Whether `load` runs code that somebody has put into the file at the path; `content` has a `Code` in it."""
    Code.notes.clear()
    for write in (torch.save, _pickle):
        write(content, path)
        with contextlib.suppress(Exception):  # refusing the file is the right answer
            load()
    return bool(Code.notes)


def _pickle(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


@contextlib.contextmanager
def own_folder() -> Iterator[None]:
    """Run the block in an empty folder; with a path relative to it, messages look alike in each run."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
