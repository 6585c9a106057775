"""What became of each hand-in, one JSON file each: written whole, read again when grading goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from resnet_course.base.files import write_atomically
from resnet_course.base.text import whole
from resnet_course.grading.marks.marking import Mark

FOLDER = "outcomes"


@dataclass(frozen=True)
class Outcome:
    """What became of a hand-in.

    Args:
        student, assignment: whose, and which.
        hand_in: digest of the files that were handed in.
        tests: digest of the assignment that it was marked with.
        ending: "graded", "crashed", "timed out" or "refused".
        marks: one for each task.
        repairs: what was mended; learners read it.
        notes: for each cell the kind of error that it raised, or "".
        log: for the instructor only.
        seconds: that grading took.
    """

    student: str
    assignment: str
    hand_in: str
    tests: str
    ending: str
    marks: tuple[Mark, ...]
    repairs: tuple[str, ...]
    notes: tuple[str, ...]
    log: str
    seconds: float

    @property
    def points(self) -> float:
        """The sum over the tasks; what a person marks is not in it."""
        return sum(mark.points for mark in self.marks)


def outcome_file(folder: Path, assignment: str, student: str) -> Path:
    """Where an outcome is kept in a course folder."""
    return folder / FOLDER / assignment / f"{student}.json"


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Write it whole or not at all."""
    path = outcome_file(folder, outcome.assignment, outcome.student)
    write_atomically(path, whole(json.dumps(asdict(outcome), indent=1, ensure_ascii=False) + "\n").encode())


def read_outcome(path: Path) -> Outcome | None:
    """The outcome in a file; None if there is none, or the file is not one: it is then graded again."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        marks = tuple(Mark(**mark) for mark in content.pop("marks"))
        repairs, notes = tuple(content.pop("repairs")), tuple(content.pop("notes"))
        return Outcome(marks=marks, repairs=repairs, notes=notes, **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def outcomes_in(folder: Path) -> Iterator[Outcome]:
    """All outcomes of a course folder, in order."""
    found = (read_outcome(path) for path in sorted((folder / FOLDER).glob("*/*.json")))
    yield from (outcome for outcome in found if outcome is not None)
