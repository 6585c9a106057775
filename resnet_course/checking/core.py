"""How a check works: compare the learner's object with the reference, then with the known mistakes."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

import resnet_course
from resnet_course.checking.guard import ExitRefusedError, TooSlowError, guarded

Status = Literal["passed", "failed", "not_written", "crashed"]
Compare = Callable[[Any, Any], "str | None"]

SEED = 20151210  # of every random input in a check
PRINTED_SHOWN = 200  # characters of the learner's own output that a message repeats


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer.

    Args:
        id: a stable name, such as "no_shortcut".
        implementation: an object that makes this mistake and nothing else.
        hint: a question that points at the spot, "? ", and the explanation that names the misconception.
    """

    id: str
    implementation: Any
    hint: str

    @property
    def question(self) -> str:
        """The first step of the hint, shown with the message."""
        return self.hint.partition("? ")[0] + "?"

    @property
    def explanation(self) -> str:
        """The second step of the hint, shown when it is asked for."""
        return self.hint.partition("? ")[2]


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Args:
        name: the check's name.
        lesson: two digits.
        reference: the course's own object, handed back where the learner's is not right.
        compare: takes the learner's object and a right or wrong implementation; returns None if they behave the
            same on random inputs, otherwise what differs first, in words.
        mistakes: known wrong answers; the first one that behaves like the learner's object gives the hint.
    """

    name: str
    lesson: str
    reference: Any
    compare: Compare
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Args:
        name: the exercise.
        status: "passed", "failed", "not_written" or "crashed".
        hint_id: the mistake's id, "unknown" for a mistake that no table holds, "too_slow" or "tried_to_exit" for one
            that was stopped, None where there is no mistake.
        message: what the learner reads; for a known mistake the question of its hint, then what was seen.
    """

    name: str
    status: Status
    hint_id: str | None
    message: str


def judge(exercise: Exercise, candidate: Any) -> Verdict:
    """Compare, without showing anything. What the candidate raises stays inside; global state is put back."""
    try:
        with guarded(SEED) as printed:
            verdict = _judge(exercise, candidate)
    except TooSlowError as error:
        return Verdict(exercise.name, "crashed", "too_slow", f"The check was stopped: {error}")
    except (ExitRefusedError, SystemExit) as error:
        return Verdict(exercise.name, "crashed", "tried_to_exit", f"It tried to exit ({error}); return instead.")
    if printed.getvalue() and verdict.status != "passed":
        shown = " ".join(printed.getvalue().split())[:PRINTED_SHOWN]
        verdict = replace(verdict, message=f"{verdict.message}\nIt printed: {shown}")
    return verdict


def _judge(exercise: Exercise, candidate: Any) -> Verdict:
    try:
        difference = exercise.compare(candidate, exercise.reference)
    except Exception as error:
        if isinstance(error, NotImplementedError) and not _raised_by_torch(error):
            said = "Not written yet: the lesson goes on with the course's own."
            return Verdict(exercise.name, "not_written", None, said)
        return _crashed(exercise, candidate, error)
    if difference is None:
        return Verdict(exercise.name, "passed", None, "Right. The lesson goes on with yours.")
    mistake = _find_mistake(exercise, candidate)
    if mistake is None:
        return Verdict(exercise.name, "failed", "unknown", f"Not yet: {difference} No known mistake looks like this.")
    return Verdict(exercise.name, "failed", mistake.id, f"{mistake.question}\nWhat the check saw: {difference}")


def _crashed(exercise: Exercise, candidate: Any, error: Exception) -> Verdict:
    """An answer that raises may still be a known mistake: one that raises the same way."""
    mistake = _find_mistake(exercise, candidate, error)
    said = f"{type(error).__name__}: {error}".split("\n")[0]
    if mistake is not None:
        return Verdict(exercise.name, "crashed", mistake.id, f"{mistake.question}\nIt raised {said}{_place(error)}.")
    return Verdict(exercise.name, "crashed", "unknown", f"It raised {said}{_place(error)}.")


def _raised_by_torch(error: Exception) -> bool:
    """Whether torch itself is not able to do something, such as run a module that has no `forward`."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(str(Path(torch.__file__).parent))


def _place(error: Exception) -> str:
    """The innermost line of the learner's own code: lines of torch and of this package help nobody."""
    others = tuple(str(Path(module).parent) for module in (torch.__file__, resnet_course.__file__))
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(others)]
    return f" (in {own[-1].name}, line {own[-1].lineno})" if own else ""


def _find_mistake(exercise: Exercise, candidate: Any, raised: Exception | None = None) -> Mistake | None:
    """The first mistake that behaves like the candidate, which raised `raised` against the reference."""
    for mistake in exercise.mistakes:
        try:
            if exercise.compare(candidate, mistake.implementation) is None:
                return mistake
        except Exception as error:
            # A wrong implementation may raise here itself: that says nothing about a candidate that does not.
            if _alike(error, raised) and _alike(error, _own_error(exercise, mistake)):
                return mistake
    return None


@functools.cache
def _own_error(exercise: Exercise, mistake: Mistake) -> Exception | None:
    """The error of the known wrong implementation when it is checked like a candidate; always the same."""
    try:
        exercise.compare(mistake.implementation, exercise.reference)
    except Exception as error:
        return error.with_traceback(None)  # the frames would keep networks in memory
    return None


def _alike(error: Exception, other: Exception | None) -> bool:
    """Whether both are the same kind of error in the same words."""
    return type(error) is type(other) and str(error) == str(other)
