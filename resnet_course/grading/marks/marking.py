"""Points for an answer: what it does is compared with what the solution does, then with the known wrong answers.

Runs in the trusted process. The learner's side is only ever seen through observations (see `sandbox.examining`).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from resnet_course.grading.assignment.folder import Assignment
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.sandbox.examining import observe
from resnet_course.grading.sandbox.protocol import TEXT, Arrays, text_of

MarkStatus = Literal["right", "partly right", "wrong", "not written"]

RELATIVE, ABSOLUTE = 1e-4, 1e-5  # two ways to compute the same in float32 differ by less


@dataclass(frozen=True)
class Mark:
    """What a task earned, and the words that the learner reads."""

    grade_id: str
    points: float
    most: float
    status: MarkStatus
    hint_id: str | None
    comment: str


def earned(task: Task, points: float, status: MarkStatus, hint_id: str | None, words: str) -> Mark:
    """The mark of a task."""
    return Mark(task.grade_id, points, task.points, status, hint_id, f"{task.name}: {words}")


def mark(assignment: Assignment, task: Task, student: str, look: Callable[[Arrays], Arrays]) -> Mark:
    """Mark one task.

    Args:
        assignment: the task's.
        task: the task.
        student: id of the student, for tasks that differ between students.
        look: examines the learner's names with the inputs of a case.
    """

    def all_of(names: Mapping[str, Any]) -> list[Arrays]:
        return [observe(assignment.examiners[task.grade_id], names, case) for case in cases]

    cases = task.cases(student, assignment.seed)
    seen = [look(case) for case in cases]
    difference = first_difference(seen, all_of(assignment.solution()))
    if difference is None:
        return earned(task, task.points, "right", None, "right.")
    if all(_error(one) in ("NotImplementedError", "NameError") for one in seen):
        return earned(task, 0.0, "not written", None, "not written.")
    for wrong in task.wrong:
        known = all_of(assignment.solution(assignment.typed(task, wrong.source)))
        if first_difference(seen, known) is None:
            status: MarkStatus = "partly right" if wrong.credit else "wrong"
            return earned(task, task.points * wrong.credit, status, wrong.id, f"{wrong.ask} {wrong.explain}")
    return earned(task, 0.0, "wrong", "unknown", f"not right. {difference} No known mistake looks like this.")


def first_difference(seen: list[Arrays], expected: list[Arrays]) -> str | None:
    """What differs first, in words that give neither an input nor a value away; None if nothing does."""
    for one, other in zip(seen, expected, strict=True):
        if "error" in one and "error" not in other:
            name = _error(one)
            known = getattr(builtins, name, None)  # a name of the learner's own could carry a hidden input out
            is_known = isinstance(known, type) and issubclass(known, BaseException)
            return f"It raised {name if is_known else 'an error'}."
        for label, value in other.items():
            if label not in one:
                return f"It gives no {label} like the one asked for."
            if not _equal(one[label], value):
                kind = "shape" if one[label].shape != value.shape and value.dtype != TEXT else "value"
                return f"The {kind} of {label} is not what the task asks for."
        if one.keys() != other.keys():
            return "It gives more than the task asks for."
    return None


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    """The same within rounding; texts are equal or not."""
    if one.shape != other.shape or (one.dtype == TEXT) != (other.dtype == TEXT):
        return False
    return bool(np.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))


def _error(seen: Arrays) -> str:
    """The kind of error, or nothing."""
    return text_of(seen["error"]) if "error" in seen else ""
