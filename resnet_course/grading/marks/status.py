"""Where an assignment stands: who handed in, what is missing, late, refused, or waits for a person."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from resnet_course.grading.handin.roster import Roster
from resnet_course.grading.marks.batch import OTHER_ID, Job, is_done
from resnet_course.grading.marks.gradebook import open_gradebook
from resnet_course.grading.marks.outcomes import Outcome, outcome_file, read_outcome


def status(jobs: list[Job], odd: list[str], folder: Path, roster: Roster | None) -> str:
    """Lines for the instructor.

    Args:
        jobs, odd: of the course folder, see `jobs_in`.
        folder: the course folder.
        roster: who is in the class, if that is known.
    """
    lines = []
    for name in sorted({job.assignment for job in jobs}):
        here = [job for job in jobs if job.assignment == name]
        handed_in = {job.student for job in here}
        outcomes = [read_outcome(outcome_file(folder, name, job.student)) for job in here if is_done(job, folder)]
        refused = [f"{one.student} ({'; '.join(one.repairs)})" for one in outcomes if one and one.ending == "refused"]
        unmarked, after_due = _in_gradebook(folder, name)
        late = sorted({job.student for job in here if _is_late(Path(job.folder))} | after_due)
        lines.append(f"{name}: {len(handed_in)} handed in, {len(outcomes)} graded")
        for words, students in (
            ("not graded yet", [job.student for job in here if not is_done(job, folder)]),
            ("missing", sorted(set(roster.ids) - handed_in) if roster else []),
            ("late", late),
            ("refused", refused),
            ("another id in the notebook", other_ids(one for one in outcomes if one)),
            ("waiting for a person", unmarked),
        ):
            if students:
                lines.append(f"  {words}: {len(students)}: {', '.join(students)}")
    return "\n".join([*lines, *(f"left out: {line}" for line in odd)])


def other_ids(outcomes: Iterable[Outcome]) -> list[str]:
    """Students whose notebook names another id than theirs, from which a network was drawn for them, with that id."""
    said = [(one.student, text) for one in outcomes for text in one.repairs if text.startswith(OTHER_ID)]
    return [f"{student} ({text[len(OTHER_ID) - 1 :].partition(', and it is')[0]})" for student, text in said]


def _is_late(hand_in: Path) -> bool:
    try:
        return (hand_in / "collected.txt").read_text(encoding="utf-8").splitlines()[1] == "late"
    except (OSError, IndexError, UnicodeError):
        return False


def _in_gradebook(folder: Path, assignment: str) -> tuple[list[str], set[str]]:
    """Whose report waits for a mark, new or changed since; and who came after the due date set in the formgrader."""
    if not (folder / "gradebook.db").is_file():
        return [], set()
    with open_gradebook(folder) as gradebook:
        found = gradebook.assignment_submissions(assignment)
        return sorted(each.student.id for each in found if each.needs_manual_grade), {
            each.student.id for each in found if each.total_seconds_late > 0
        }
