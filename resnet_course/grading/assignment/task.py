"""A task of an assignment, as its `hidden.py` states it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resnet_course.checking.exercise import Edits, Wrong
from resnet_course.grading.sandbox.protocol import Arrays


@dataclass(frozen=True)
class Task:
    """A task that is marked by hidden tests. The right answer is the solution in the assignment's `source.py`.

    Args:
        name: what it asks for, in a few words; learners read it.
        grade_id: of the notebook's cell that carries the points; `examine_GRADE_ID` in `examine.py` looks at answers.
        points: for a right answer.
        cases: takes the student's id and a seed; gives the inputs of each time the answer is examined.
        wrong: known wrong answers; the first one that behaves like the learner's gives words and credit.
        right: right answers written differently: edits of the solution, or a whole source.
    """

    name: str
    grade_id: str
    points: float
    cases: Callable[[str, int], list[Arrays]]
    wrong: tuple[Wrong, ...] = ()
    right: tuple[Edits | str, ...] = ()
