"""What a learner has done so far, in one small file on the learner's own machine. Nothing is sent anywhere.

`RESNET_COURSE_JOURNAL` names another file, or is "off".
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import platformdirs

from resnet_course.errors import CourseError
from resnet_course.files import write_atomically

SCHEMA = 1


def journal_file() -> Path | None:
    """Where the journal is kept; None if it is switched off."""
    chosen = os.environ.get("RESNET_COURSE_JOURNAL")
    if chosen == "off":
        return None
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("resnet_course")) / "journal.json"


def read_journal() -> dict[str, Any]:
    """The journal; an empty one if there is none yet, or if the file cannot be read as a journal."""
    empty: dict[str, Any] = {"schema": SCHEMA, "exercises": {}, "guesses": {}}
    path = journal_file()
    if path is None or not path.is_file():
        return empty
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return empty
    return found if is_journal(found) else empty


def is_journal(found: Any) -> bool:
    """Whether a loaded JSON value has the shape of a journal of this schema."""
    return (
        isinstance(found, dict)
        and found.get("schema") == SCHEMA
        and all(
            isinstance(found.get(part), dict) and all(isinstance(entry, dict) for entry in found[part].values())
            for part in ("exercises", "guesses")
        )
    )


def note_check(name: str, status: str, hint_id: str | None) -> None:
    """Count one check of an exercise. A passed exercise stays passed."""
    journal = read_journal()
    entry = journal["exercises"].setdefault(name, {"passed": False, "tries": 0, "mistakes": {}, "hints": 0})
    if status != "not_written":
        entry["tries"] += 1
    if hint_id is not None:
        entry["mistakes"][hint_id] = entry["mistakes"].get(hint_id, 0) + 1
    entry["passed"] = entry["passed"] or status == "passed"
    entry["last"] = {"status": status, "hint_id": hint_id}
    _write(journal)


def note_hint(name: str) -> None:
    """Count one explanation that was asked for."""
    journal = read_journal()
    if name in journal["exercises"]:
        journal["exercises"][name]["hints"] += 1
        _write(journal)


def note_guess(card: str, guess: dict[str, float | None], measured: dict[str, float]) -> None:
    """Keep a guess beside what was measured. The first guess stays: later ones have seen the answer."""
    journal = read_journal()
    if any(value is not None for value in guess.values()) and card not in journal["guesses"]:
        journal["guesses"][card] = {"guess": guess, "measured": measured}
        _write(journal)


def forget() -> bool:
    """Delete the journal. Returns whether there was one."""
    path = journal_file()
    if path is None or not path.is_file():
        return False
    path.unlink()
    return True


def _write(journal: dict[str, Any]) -> None:
    path = journal_file()
    if path is None:
        return
    try:
        write_atomically(path, (json.dumps(journal, indent=1, ensure_ascii=False) + "\n").encode())
    except CourseError:
        return  # a home folder that cannot be written must not stop a lesson
