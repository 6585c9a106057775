"""Points for an answer: what it does is compared with what the solution does, then with the known mistakes.

Runs in the trusted process. The learner's side is only ever seen through observations (see `probes`).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from resnet_course.grading.probes import Observation, Probe, observe

Answer = Callable[[Probe], Observation]
MarkStatus = Literal["right", "partly right", "wrong", "not written"]

RELATIVE, ABSOLUTE = 1e-4, 1e-5  # two ways to compute the same in float32 differ by less


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer to a task.

    Args:
        id: a stable name.
        source: the wrong answer as a learner would write it; it is executed over the solution's names.
        hint: a question, "? ", and the explanation that names the misconception; the learner reads both.
        share: part of the task's points that it still earns, in [0, 1].
    """

    id: str
    source: str
    hint: str
    share: float = 0.0


def changed(source: str, *replacements: tuple[str, str]) -> str:
    """A right answer with some places changed: the source of a wrong answer."""
    for old, new in replacements:
        if old not in source:
            raise ValueError(f"nothing to change: {old!r} is not in the source")
        source = source.replace(old, new)
    return source


@dataclass(frozen=True)
class Task:
    """A task that is marked by hidden tests.

    Args:
        name: what it asks for, in a few words; learners read it.
        grade_id: of the notebook's cell that carries the points.
        points: for a right answer.
        probes: takes the student's id and a seed, gives the hidden tests.
        mistakes: the first one that behaves like the answer gives hint and points.
        right: right answers written differently from the solution, as source text.
    """

    name: str
    grade_id: str
    points: float
    probes: Callable[[str, int], list[Probe]]
    mistakes: tuple[Mistake, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """What a task earned, and the words that the learner reads."""

    grade_id: str
    points: float
    most: float
    status: MarkStatus
    hint_id: str | None
    comment: str


def mark(task: Task, student: str, seed: int, solution: Mapping[str, Any], answer: Answer) -> Mark:
    """Mark one task.

    Args:
        task: the task.
        student: id of the student, for tasks that differ between students.
        seed: of the hidden tests.
        solution: names of the solution.
        answer: puts a probe to the learner's objects.
    """
    probes = task.probes(student, seed)
    seen = [answer(probe) for probe in probes]
    expected = [observe(solution, probe) for probe in probes]
    difference = first_difference(seen, expected)
    if difference is None:
        return Mark(task.grade_id, task.points, task.points, "right", None, f"{task.name}: right.")
    if all(_is_unwritten(observation) for observation in seen):
        return Mark(task.grade_id, 0.0, task.points, "not written", None, f"{task.name}: not written.")
    for mistake in task.mistakes:
        wrong = wrong_names(mistake, solution)
        if all(agree(observe(wrong, probe), one) for probe, one in zip(probes, seen, strict=True)):
            points = task.points * mistake.share
            status: MarkStatus = "partly right" if points else "wrong"
            return Mark(task.grade_id, points, task.points, status, mistake.id, f"{task.name}: {mistake.hint}")
    comment = f"{task.name}: not right. {difference} No known mistake looks like this."
    return Mark(task.grade_id, 0.0, task.points, "wrong", "unknown", comment)


def wrong_names(mistake: Mistake, solution: Mapping[str, Any]) -> dict[str, Any]:
    """The solution's names with those of a wrong answer put over them."""
    names = dict(solution)
    exec(compile(mistake.source, f"<{mistake.id}>", "exec"), names)  # the instructor's own text
    return names


def first_difference(seen: list[Observation], expected: list[Observation]) -> str | None:
    """What differs first, in words that give neither an input nor a value away; None if nothing does."""
    for one, other in zip(seen, expected, strict=True):
        if "error" in one and "error" not in other:
            return f"It raised {_error_name(one)}."
        for label, value in other.items():
            if label not in one:
                return f"It gives no {label} like the one asked for."
            if not _equal(one[label], value):
                kind = "shape" if one[label].shape != value.shape else "value"
                return f"The {kind} of {label} is not what the task asks for."
        if one.keys() != other.keys():
            return "It gives more than the task asks for."
    return None


def agree(one: Observation, other: Observation) -> bool:
    """Whether two observations are the same within rounding."""
    return one.keys() == other.keys() and all(_equal(one[label], value) for label, value in other.items())


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape or (one.dtype.kind == "U") != (other.dtype.kind == "U"):
        return False
    if other.dtype.kind == "U":
        return bool(np.array_equal(one, other))
    return bool(np.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))


def _error_name(observation: Observation) -> str:
    """The kind of error, if it is one of Python's: a name of the learner's own could carry a hidden input out."""
    name = _text(observation["error"])
    known = getattr(builtins, name, None)
    return name if isinstance(known, type) and issubclass(known, BaseException) else "an error"


def _is_unwritten(observation: Observation) -> bool:
    return _text(observation.get("error", "")) in ("NotImplementedError", "NameError")


def _text(value: Any) -> str:
    return str(np.asarray(value)[()])[:100]
