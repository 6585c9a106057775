"""What a learner has done so far, in one small file on the learner's own machine. Nothing is sent anywhere.

`RESNET_COURSE_JOURNAL` names another file, or is "off".
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import filelock

from resnet_course.base.errors import CourseError
from resnet_course.base.files import user_folder, write_atomically
from resnet_course.base.schema import check_schema, read_json

SCHEMA = 1
SCHEMA_FILE = Path(__file__).with_name("journal.schema.json")
Journal = dict[str, Any]
"""`{"schema": 1, "id": ..., "exercises": {name: entry}, "guesses": {lesson: entry}}`, see `journal.schema.json`."""


def journal_file() -> Path | None:
    """Where the journal is kept; None if it is switched off."""
    chosen = os.environ.get("RESNET_COURSE_JOURNAL")
    if chosen == "off":
        return None
    return Path(chosen) if chosen else user_folder("data") / "journal.json"


def read_journal() -> Journal:
    """The journal; an empty one if there is none yet, or if the file cannot be read as a journal."""
    path = journal_file()
    found = parse_journal(path) if path is not None and path.is_file() else None
    return found or {"schema": SCHEMA, "id": secrets.token_hex(8), "exercises": {}, "guesses": {}}


def parse_journal(path: Path) -> Journal | None:
    """The journal in a file, or None if the file holds something else."""
    try:
        found = read_json(path)
        check_schema(found, SCHEMA_FILE)
    except (OSError, ValueError, RecursionError):
        return None
    return found


def note_check(name: str, status: str, hint_id: str | None) -> None:
    """Keep what a check found."""
    with _changed() as journal:
        entry = _entry(journal, name)
        if status != "not_written" and not entry["passed"]:
            entry["tries"] += 1
        if hint_id is not None:
            entry["mistakes"][hint_id] = entry["mistakes"].get(hint_id, 0) + 1
        entry["passed"] = entry["passed"] or status == "passed"
        entry["last"] = {"status": status, "hint_id": hint_id}


def note_hint(name: str) -> None:
    """Count one explanation that was asked for."""
    with _changed() as journal:
        _entry(journal, name)["hints"] += 1


def _entry(journal: Journal, name: str) -> dict[str, Any]:
    """What is kept of an exercise, a new entry if nothing is."""
    last = {"status": "not_written", "hint_id": None}
    new = {"passed": False, "tries": 0, "mistakes": {}, "hints": 0, "last": last}
    return journal["exercises"].setdefault(name, new)


def note_guess(lesson: str, guess: Mapping[str, float | None], measured: Mapping[str, float]) -> None:
    """Keep a guess beside what was measured. The first guess stays: later ones have seen the answer."""
    if guesses := _finite(guess):
        with _changed() as journal:
            journal["guesses"].setdefault(lesson, {"guess": guesses, "measured": _finite(measured)})


def _finite(numbers: Mapping[str, float | None]) -> dict[str, float]:
    """What JSON can hold: no None, no NaN, no infinity."""
    return {name: float(value) for name, value in numbers.items() if value is not None and math.isfinite(value)}


def forget() -> bool:
    """Delete the journal. Returns whether there was one."""
    path = journal_file()
    if path is None or not path.is_file():
        return False
    path.unlink()
    return True


@contextlib.contextmanager
def _changed() -> Iterator[Journal]:
    """The journal, to be changed and written; other kernels that have something to note wait for a moment."""
    path, lock = journal_file(), contextlib.ExitStack()
    with lock:
        if path is not None:
            # OSError: a folder that cannot be written, or a kernel that hangs, of which Timeout tells.
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                lock.enter_context(filelock.FileLock(f"{path}.lock", timeout=5))
        journal = read_journal()
        yield journal
        _write(journal)


def _write(journal: Journal) -> None:
    """A home folder that cannot be written must not stop a lesson."""
    path = journal_file()
    if path is None:
        return
    try:
        if path.is_file() and parse_journal(path) is None:
            path.replace(path.with_name(path.name + ".unreadable"))  # a newer version's, or damaged: not ours to delete
        write_atomically(path, (json.dumps(journal, indent=1, ensure_ascii=False) + "\n").encode())
    except (OSError, CourseError):
        return
