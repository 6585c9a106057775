"""One hand-in: its cells run in a sandbox, its tasks are marked outside of it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal

from resnet_course.grading.assignment.folder import Assignment
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.handin.harmless import plain_words
from resnet_course.grading.handin.preflight import HandIn
from resnet_course.grading.marks.marking import About, Mark, earned, mark
from resnet_course.grading.sandbox.session import Limits, Sandbox, SandboxEnded, Session

Ending = Literal["graded", "crashed", "timed out", "refused"]

MOST_STARTS = (
    3  # a cell, or a task's test, that ends the process costs a new start; what comes after it is still marked
)
LEFT_OUT = "raise RuntimeError('Python itself crashed here, so the other cells were run without this one')"


@dataclass(frozen=True)
class Judgement:
    """What grading a hand-in gave.

    Args:
        ending: "graded", or what ended the sandbox first.
        marks: one for each task.
        notes: for each cell what it raised, or "".
        log: what was printed, and why the sandbox ended; for the instructor only, it may hold hidden inputs.
    """

    ending: Ending
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]
    log: str


def judge(assignment: Assignment, student: str, hand_in: HandIn, limits: Limits, sandbox: Sandbox) -> Judgement:
    """Run a learner's cells and mark the tasks; never raises for what the learner's code does.

    Args:
        assignment: which.
        student: id, for tasks that differ between students.
        hand_in: the learner's code cells, and where each task's answer stands.
        limits, sandbox: of each start.
    """
    tasks = assignment.tasks
    ending: Ending = "graded"
    marks: list[Mark] = []
    notes: list[str] = []
    logs: list[str] = []
    cells = list(hand_in.cells)
    for _ in range(MOST_STARTS):
        try:
            with Session(cells, assignment.examine, limits, sandbox) as session:
                notes = session.notes
                for task in tasks[len(marks) :]:
                    look = functools.partial(session.observe, task.grade_id)
                    marks.append(mark(assignment, task, student, look, _about(task, hand_in, notes)))
                logs.append(session.log)
        except SandboxEnded as ended:
            ending = ended.kind if ending == "graded" else ending
            logs.append(f"{ended.log}\n[{ended.kind}: {ended}]")
            started = bool(notes)
            reached = re.findall(r"^\[cell (\d+)\]$", ended.log, re.MULTILINE)
            if ended.kind == "crashed" and not started and reached and 0 < int(reached[-1]) <= len(cells):
                cells[int(reached[-1]) - 1] = LEFT_OUT  # and the others have another try
                continue
            for task in tasks[len(marks) :][: 1 if started else None]:
                marks.append(_ended(task, ended, started))
        if len(marks) == len(tasks):
            break
    marks += [earned(task, 0.0, "wrong", None, "not run, see the others.") for task in tasks[len(marks) :]]
    return Judgement(ending, tuple(marks), tuple(notes), "\n".join(logs).strip())


def _about(task: Task, hand_in: HandIn, notes: list[str]) -> About:
    """What is known of a task's cell, in words whose only foreign part, an error's text, is older than any test."""
    place = hand_in.of_task.get(task.grade_id)
    written = place is not None or task.grade_id not in hand_in.of_task
    note = f"{hand_in.labels[place]}, {plain_words(notes[place])}" if place is not None and notes[place] else ""
    return About(written, note, tuple(hand_in.labels))


def _ended(task: Task, ended: SandboxEnded, started: bool) -> Mark:
    where = "while it was tested" if started else "while the notebook's cells ran"
    words = f"{where}, the process {_ENDINGS[ended.kind]}."
    return earned(task, 0.0, "wrong", ended.kind.replace(" ", "_"), words)


_ENDINGS = {
    "crashed": "ended by itself; return or raise instead",
    "timed out": "used up its time; is there an endless loop, or far too much work?",
    "refused": "gave something that is not a result, or far too much of it",
}
