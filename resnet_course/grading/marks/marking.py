"""Points for an answer: what it does is compared with what the solution does, then with the known wrong answers.

Runs in the trusted process. The learner's side is only ever seen through observations (see `sandbox.examining`).
"""

from __future__ import annotations

import builtins
import hashlib
import itertools
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from resnet_course.checking.exercise import Wrong
from resnet_course.grading.assignment.folder import Assignment
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.sandbox.examining import observe
from resnet_course.grading.sandbox.protocol import TEXT, Arrays, as_text, encode, text_of

MarkStatus = Literal["right", "partly right", "wrong", "not written"]

MOST_KNOWN = 2_000  # observations that are kept for the next hand-in
_ONE_AT_A_TIME = threading.Lock()  # what is observed draws from the global random state
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


@dataclass(frozen=True)
class About:
    """What is known of a task's cell before it is tested.

    Args:
        written: whether it is no longer as it was handed out.
        note: what happened when it ran, such as "code cell 3, line 1: NameError: ..."; "" if nothing did.
        labels: of all cells that ran.
    """

    written: bool = False
    note: str = ""
    labels: tuple[str, ...] = ()


def mark(
    assignment: Assignment, task: Task, student: str, look: Callable[[Arrays], Arrays], about: About = About()
) -> Mark:
    """Mark one task.

    Args:
        assignment: the task's.
        task: the task.
        student: id of the student, for tasks that differ between students.
        look: examines the learner's names with the inputs of a case.
        about: its cell.
    """
    cases = task.cases(student, assignment.seed)
    seen = [look(case) for case in cases]
    places = [one.pop("error/at", None) for one in seen]

    def known(source: str) -> Iterator[Arrays]:
        return _known(assignment, task.grade_id, source, drawn)

    drawn = [(hashlib.sha256(encode(case)).digest(), case) for case in cases]
    expected = list(known(""))
    difference = first_difference(seen, expected)
    if difference is None:
        return earned(task, task.points, "right", None, "right.")
    if not about.written and all(_error(one) in ("NotImplementedError", "NameError") for one in seen):
        return earned(task, 0.0, "not written", None, "not written.")
    if found := _mistakes(assignment, task, known, seen, expected):
        credit = math.prod(wrong.credit for wrong in found)
        status: MarkStatus = "partly right" if credit else "wrong"
        words = " ".join(f"{wrong.ask} {wrong.explain}" for wrong in found)
        return earned(task, task.points * credit, status, "+".join(wrong.id for wrong in found), words)
    at = next((_place(place, about.labels) for place in places if place is not None), "")
    before = f" Before, when your cell ran: {about.note}." if about.note else ""
    return earned(
        task, 0.0, "wrong", "unknown", f"not right. {difference}{at}{before} No known mistake looks like this."
    )


def _mistakes(
    assignment: Assignment,
    task: Task,
    known: Callable[[str], Iterator[Arrays]],
    seen: list[Arrays],
    expected: list[Arrays],
) -> tuple[Wrong, ...]:
    """The known mistake that behaves like the answer, or the two that it is made of; nothing if others are in it.

    A mistake, or two together, are in an answer if they behave like it, or if each thing in it that is not as expected
    is as one of them has it.
    """

    alone = [list(known(assignment.typed(task, wrong.source))) for wrong in task.wrong]
    for wrong, each in zip(task.wrong, alone, strict=True):
        if first_difference(seen, each) is None:
            return (wrong,)
    pairs = list(itertools.combinations(range(len(task.wrong)), 2))
    for one, other in pairs:
        both = assignment.typed_together(task, task.wrong[one], task.wrong[other])
        if both and first_difference(seen, known(both)) is None:  # most differ in the first case, and see no other
            return task.wrong[one], task.wrong[other]
    wanted = _differing(seen, expected)
    parts = [wanted - _differing(seen, each) for each in alone]
    singles: list[tuple[int, ...]] = [(index,) for index in range(len(alone))]
    for chosen in [*singles, *pairs]:
        if wanted and set().union(*(parts[index] for index in chosen)) == wanted:
            return tuple(task.wrong[index] for index in chosen)
    return ()


def _known(assignment: Assignment, task: str, source: str, cases: list[tuple[bytes, Arrays]]) -> Iterator[Arrays]:
    """What is seen, case by case, of a source that takes the solution's place; of the solution itself if it is empty.

    Args:
        assignment, task, source: of what.
        cases: with a digest of each.
    """
    names: dict[str, object] = {}
    for digest, case in cases:
        key = task, source, digest
        with _ONE_AT_A_TIME:
            seen = assignment.known.get(key)
            if seen is None:
                if len(assignment.known) >= MOST_KNOWN:
                    assignment.known.clear()
                try:
                    names = names or assignment.solution(source)
                    seen = observe(assignment.examiners[task], names, case)
                except Exception as error:  # two mistakes that make no program together
                    seen = {"error": as_text(type(error).__name__)}
                assignment.known[key] = seen
        yield seen


def _place(place: np.ndarray, labels: tuple[str, ...]) -> str:
    """Where in the notebook; the numbers come from the learner's process, and only those of a cell are believed."""
    cell, line = (int(number) for number in place.ravel()[:2]) if place.size == 2 else (0, 0)
    return f" That was in {labels[cell - 1]}, line {line}." if 0 < cell <= len(labels) and 0 < line < 1_000 else ""


def first_difference(seen: list[Arrays], expected: Iterable[Arrays]) -> str | None:
    """What differs first, in words that give neither an input nor a value away; None if nothing does."""
    for one, other in zip(seen, expected, strict=True):
        if "error" in one and "error" not in other:
            name = _error(one)
            known = getattr(builtins, name, None)  # a name of the learner's own could carry a hidden input out
            is_known = isinstance(known, type) and issubclass(known, BaseException)
            return f"It raised {name if is_known else 'an error'}."
        for label, value in other.items():
            if label not in one:
                return f"It gives nothing for {aspect(label)}."
            if not _equal(one[label], value):
                kind = "shape" if one[label].shape != value.shape and value.dtype != TEXT else "value"
                return f"The {kind} of {aspect(label)} is not what the task asks for."
        if one.keys() != other.keys():
            return "It gives more than the task asks for."
    return None


def _differing(seen: list[Arrays], expected: list[Arrays]) -> set[tuple[int, str]]:
    """Everything in which two answers differ, by case and label."""
    found = set()
    for case, (one, other) in enumerate(zip(seen, expected, strict=True)):
        labels = {"error", "error/line"} if "error" in one or "error" in other else one.keys() | other.keys()
        same = [label for label in labels if label in one and label in other and _equal(one[label], other[label])]
        found |= {(case, label) for label in labels - set(same)}
    return found


ASPECTS = {
    "parameters": "the shape of your parameters",
    "weights by name": "the names of your layers",
    "result": "the result",
    "result in eval mode": "the result in eval mode",
    "gradient": "the gradient",
    "buffers": "the running statistics",
    "input after the call": "the input after the call, which stays as it was,",
}
"""What `examining.behaviour` looks at, in a learner's words; an assignment's own labels are such words."""


def aspect(label: str) -> str:
    """What was looked at, in words; a parameter keeps its own name, other details are left out."""
    top, _, detail = label.partition("/")
    name = detail if top in ("parameters", "gradient", "buffers") and re.fullmatch(r"[A-Za-z_][\w.]*", detail) else ""
    return f"{ASPECTS.get(top, top)}{f' ({name})' if name else ''}"


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    """The same within rounding; texts are equal or not."""
    if one.shape != other.shape or (one.dtype == TEXT) != (other.dtype == TEXT):
        return False
    same = np.array_equal(one, other)  # far quicker, and mostly so
    return same or bool(np.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))


def _error(seen: Arrays) -> str:
    """The kind of error, or nothing."""
    return text_of(seen["error"]) if "error" in seen else ""
