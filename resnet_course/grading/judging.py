"""One hand-in: its cells run in a sandbox, its tasks are marked outside of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from resnet_course.grading.marking import Mark, Task, mark
from resnet_course.grading.sandbox import Limits, Sandbox, SandboxEnded, Session

Ending = Literal["graded", "crashed", "timed out", "refused"]

MOST_STARTS = 3  # a task whose test ends the process costs a new start; the tasks after it are still marked


@dataclass(frozen=True)
class Judgement:
    """What grading a hand-in gave.

    Args:
        ending: "graded", or what ended the sandbox first.
        marks: one for each task.
        notes: for each cell the kind of error that it raised, or "".
        log: what was printed, and why the sandbox ended; for the instructor only, it may hold hidden inputs.
    """

    ending: Ending
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]
    log: str


def judge(
    tasks: Sequence[Task],
    student: str,
    seed: int,
    solution: Mapping[str, Any],
    cells: list[str],
    limits: Limits,
    sandbox: Sandbox,
) -> Judgement:
    """Run a learner's cells and mark the tasks; never raises for what the learner's code does.

    Args:
        tasks, student, seed, solution: see `marking.mark`.
        cells: the learner's code cells, in order.
        limits, sandbox: of each start.
    """
    ending: Ending = "graded"
    marks: list[Mark] = []
    notes: list[str] = []
    logs: list[str] = []
    for _ in range(MOST_STARTS):
        try:
            with Session(cells, limits, sandbox) as session:
                notes = session.notes
                for task in tasks[len(marks) :]:
                    marks.append(mark(task, student, seed, solution, session.observe))
                logs.append(session.log)
        except SandboxEnded as ended:
            ending = ended.kind if ending == "graded" else ending
            logs.append(f"{ended.log}\n[{ended.kind}: {ended}]")
            started = bool(notes)
            for task in tasks[len(marks) :][: 1 if started else None]:
                marks.append(_ended(task, ended, started))
        if len(marks) == len(tasks):
            break
    for task in tasks[len(marks) :]:
        marks.append(Mark(task.grade_id, 0.0, task.points, "wrong", None, f"{task.name}: not run, see the others."))
    return Judgement(ending, tuple(marks), tuple(notes), "\n".join(logs).strip())


def _ended(task: Task, ended: SandboxEnded, started: bool) -> Mark:
    where = "while it was tested" if started else "while the notebook's cells ran"
    comment = f"{task.name}: {where}, the process {_ENDINGS[ended.kind]}."
    return Mark(task.grade_id, 0.0, task.points, "wrong", ended.kind.replace(" ", "_"), comment)


_ENDINGS = {
    "crashed": "ended by itself; return or raise instead",
    "timed out": "used up its time; is there an endless loop, or far too much work?",
    "refused": "gave something that is not a result, or far too much of it",
}
