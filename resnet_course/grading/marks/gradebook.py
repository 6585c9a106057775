"""Marks in nbgrader's gradebook, and notebooks for its formgrader, by one writer."""

from __future__ import annotations

import contextlib
import datetime
import errno
import hashlib
import json
import sqlite3
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.grading.assignment.build import programs_beside_python
from resnet_course.grading.handin.preflight import HandIn, RefusedError, find_notebook, read_hand_in
from resnet_course.grading.marks.batch import digest_of
from resnet_course.grading.marks.outcomes import Outcome

STAMP = "resnet_course_stamp"  # in the metadata of a page


@contextlib.contextmanager
def open_gradebook(folder: Path) -> Iterator[Any]:
    """nbgrader's gradebook of a course folder.

    Raises:
        CourseError: with what to do, if the file is damaged or another program holds it.
    """
    from nbgrader.api import Gradebook, app_log  # of the extra `classroom`
    from sqlalchemy.exc import DatabaseError, SAWarning

    path = folder / "gradebook.db"
    app_log.disabled = True  # it would print whole tracebacks of what is said in a sentence below
    try:
        with programs_beside_python(), warnings.catch_warnings(), Gradebook(f"sqlite:///{path}") as gradebook:
            warnings.simplefilter("ignore", SAWarning)  # about the order in which nbgrader itself adds things
            yield gradebook
    except Exception as error:
        if is_full(error):
            raise CourseError(
                f"the disk of {folder} is full. Make room and grade again: what is finished by now is kept."
            ) from error
        if is_locked(error):
            raise CourseError(
                f"another program has {path} open: close it, formgrader for example, and run this again; marks that "
                "were computed are kept and not computed again."
            ) from error
        if not isinstance(error, DatabaseError):
            raise
        raise CourseError(
            f"{path} is damaged ({str(error.orig).splitlines()[0]}). Move it away and put a copy in its place, or "
            "`build` and `grade` again: automatic marks come back from outcomes/, those given by hand do not."
        ) from error
    finally:
        app_log.disabled = False


def is_full(error: BaseException | None) -> bool:
    """Whether it, or what it came from, says that the disk is full."""
    if error is None:
        return False
    found = getattr(error, "errno", None) == errno.ENOSPC or "disk is full" in str(error)
    return found or is_full(error.__cause__)


def is_locked(error: BaseException | None) -> bool:
    """Whether it, or what it came from, says that another program has the database; nbgrader wraps that."""
    if error is None:
        return False
    found = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
    return found or is_locked(error.__cause__ or error.__context__)


def look_into_gradebook(folder: Path, assignments: Iterable[str] = ()) -> None:
    """Say what is wrong with it before nbgrader's own commands, or marks, meet it.

    Args:
        folder: nbgrader's course folder.
        assignments: that it must know.

    Raises:
        CourseError: as `open_gradebook`, and if there is none or it lacks an assignment.
    """
    advice = f"make it with `python -m resnet_course.grading build {folder}`, then `grade`"
    if not (folder / "gradebook.db").is_file():
        raise CourseError(f"{folder} has no gradebook yet; {advice}")
    with open_gradebook(folder) as gradebook:
        known = {assignment.name for assignment in gradebook.assignments}
    if missing := sorted(set(assignments) - known):
        raise CourseError(f"the gradebook of {folder} has no assignment {', '.join(missing)} yet; {advice}")


def write_marks(outcomes: Iterable[Outcome], folder: Path) -> list[str]:
    """Put outcomes into the gradebook of a course folder; marks and comments that a person gave stay as they are.

    Args:
        outcomes: of hand-ins in this folder.
        folder: nbgrader's course folder.

    Returns:
        Whose marks could not be written, with the reason; those of the others are.
    """
    from sqlalchemy.exc import DatabaseError

    failed = []
    with open_gradebook(folder) as gradebook:
        known = {(each.name, one.student.id) for each in gradebook.assignments for one in each.submissions}
        for outcome in outcomes:
            try:
                stamp = _stamp(outcome, folder)
                if (outcome.assignment, outcome.student) not in known or _stamp_of(_page(outcome, folder)) != stamp:
                    _write_one(gradebook, outcome, folder, stamp)
            except Exception as error:  # whatever is in one hand-in, the marks of the others are written
                if isinstance(error, DatabaseError) or is_full(error) or is_locked(error):  # so for the others, too
                    raise
                gradebook.db.rollback()
                failed.append(f"{outcome.student}, {outcome.assignment}: {type(error).__name__}: {error}"[:300])
    return failed


def _page(outcome: Outcome, folder: Path) -> Path:
    return folder / "autograded" / outcome.student / outcome.assignment / f"{outcome.assignment}.ipynb"


def _stamp(outcome: Outcome, folder: Path) -> str:
    """A digest of all that is written of an outcome: what has not changed is not written again."""
    hand_in = folder / "submitted" / outcome.student / outcome.assignment
    release = folder / "release" / outcome.assignment / f"{outcome.assignment}.ipynb"
    made_of = [repr(outcome).encode(errors="replace"), digest_of(hand_in).encode()]
    made_of += [path.read_bytes() for path in (release, hand_in / "timestamp.txt") if path.is_file()]
    return hashlib.sha256(b"\0".join(made_of)).hexdigest()


def _stamp_of(page: Path) -> str:
    try:
        return str(json.loads(page.read_text(encoding="utf-8"))["metadata"][STAMP])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _write_one(gradebook, outcome: Outcome, folder: Path, stamp: str) -> None:  # type: ignore[no-untyped-def] # nbgrader has no types
    gradebook.update_or_create_student(outcome.student)
    path = folder / "submitted" / outcome.student / outcome.assignment
    when = _handed_in_at(path)
    submission = gradebook.update_or_create_submission(outcome.assignment, outcome.student, timestamp=when)
    hand_in = _notebook(outcome, folder)
    place = folder / "autograded" / outcome.student / outcome.assignment
    changed = _changed_reports(hand_in, place)
    marks = {mark.grade_id: mark for mark in outcome.marks}
    cells = [cell.metadata for cell in hand_in.notebook.cells if "nbgrader" in cell.metadata]
    handed_in = {metadata["nbgrader"]["grade_id"] for metadata in cells}
    with gradebook.db.no_autoflush:  # so that what comes out as it was is not written, which waits for the disk
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                mark = marks.get(grade.cell.name)
                grade.auto_score = mark.points if mark else (None if grade.cell.name in handed_in else 0.0)
                unmarked = grade.auto_score is None and grade.manual_score is None
                grade.needs_manual_grade = (
                    unmarked or grade.cell.name in changed or bool(grade.needs_manual_grade and not mark)
                )
            for comment in notebook.comments:
                mark = marks.get(comment.cell.name.removesuffix("_answer"))
                comment.auto_comment = mark.comment if mark else None
            if notebook.comments and outcome.repairs:
                first = notebook.comments[0]
                first.auto_comment = "\n".join(
                    filter(None, [f"About the file: {'; '.join(outcome.repairs)}.", first.auto_comment])
                )
    gradebook.db.commit()
    # After the marks: until a changed report is known to wait for a person, the page is the one that the person saw.
    page = _page(outcome, folder)
    hand_in.notebook.metadata[STAMP] = stamp
    content = (nbformat.writes(hand_in.notebook, version=4) + "\n").encode()
    if not page.is_file() or page.read_bytes() != content:
        write_atomically(page, content)


def _changed_reports(hand_in: HandIn, place: Path) -> set[str]:
    """Cells that a person marks, and that are no longer as the person saw them."""
    try:
        before = nbformat.read(next(place.glob("*.ipynb")), as_version=4)
    except Exception:  # there is none yet, or none that can be read: nobody has seen it
        return set()
    seen, now = (
        {cell.metadata["nbgrader"]["grade_id"]: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
        for notebook in (before, hand_in.notebook)
    )
    marks = {name: cell.metadata["nbgrader"] for name, cell in now.items()}
    by_hand = {name for name, mark in marks.items() if mark["solution"] and mark["grade"]}
    return {name for name in by_hand & seen.keys() if seen[name].source != now[name].source}


def _handed_in_at(folder: Path) -> datetime.datetime | None:
    """What nbgrader reads from timestamp.txt; with any other time it would take the hand-in for a new, ungraded one."""
    from nbgrader.utils import parse_utc

    try:
        return parse_utc((folder / "timestamp.txt").read_text(encoding="utf-8").strip())
    except (OSError, ValueError, OverflowError):
        return None


def _notebook(outcome: Outcome, folder: Path) -> HandIn:
    """The hand-in for the eyes of a person: no output of the learner's is in it, so that none is run by a browser."""
    release = nbformat.read(folder / "release" / outcome.assignment / f"{outcome.assignment}.ipynb", as_version=4)
    try:
        path, _ = find_notebook(folder / "submitted" / outcome.student / outcome.assignment, outcome.assignment)
        return read_hand_in(path, release)
    except (RefusedError, OSError):
        return HandIn(release)
