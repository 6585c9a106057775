"""One check for each exercise: `checks.basic_block(BasicBlock)` says what it found and returns an object to go on with.

A right answer is handed back as it is; for anything else the course's own object comes back, so that a lesson never
stops. `checks.hint()` explains the mistake that was found, `checks.progress()` shows what passes, `checks.export()`
writes it to a file. `checks.verdict(name, obj)` gives a finding as a value. `RESNET_COURSE_STRICT=1` makes a failed
check raise.
"""

from __future__ import annotations

from typing import Any

from resnet_course.base.errors import CourseError
from resnet_course.checking.core import Exercise, Mistake, Verdict, judge
from resnet_course.checking.dialogue import CheckFailedError, Dialogue
from resnet_course.checking.report import export, forget, show_progress
from resnet_course.checks import (
    lesson00,
    lesson01,
    lesson02,
    lesson03,
    lesson04,
    lesson05,
    lesson06,
    lesson07,
    lesson08,
    lesson09,
)
from resnet_course.checks.first_steps import FIRST_STEPS

__all__ = [
    "EXERCISES",
    "CheckFailedError",
    "Exercise",
    "Mistake",
    "Verdict",
    "export",
    "forget",
    "hint",
    "progress",
    "verdict",
]

_LESSONS = (
    lesson00,
    lesson01,
    lesson02,
    lesson03,
    lesson04,
    lesson05,
    lesson06,
    lesson07,
    lesson08,
    lesson09,
)  # fmt: skip
EXERCISES: dict[str, Exercise] = {exercise.name: exercise for lesson in _LESSONS for exercise in lesson.EXERCISES}
"""Every exercise by the name of its check."""

_DIALOGUE = Dialogue(EXERCISES, FIRST_STEPS)
hint = _DIALOGUE.hint


def verdict(name: str, obj: Any) -> Verdict:
    """Check `obj` as the answer to exercise `name`, without printing.

    Returns a `Verdict` with `status` ("passed", "failed", "not_written", "crashed"), `hint_id` and `message`.

    Raises:
        CourseError: if there is no exercise of that name.
    """
    if name not in EXERCISES:
        raise CourseError(f"there is no exercise {name!r}. The exercises are {', '.join(EXERCISES)}.")
    return judge(EXERCISES[name], obj)


def progress() -> None:
    """Show which exercises pass, which mistakes were met and which explanations were asked for."""
    show_progress(EXERCISES)


def __getattr__(name: str) -> Any:
    """`checks.basic_block` and the like: one callable for each exercise."""
    if name not in EXERCISES:
        raise AttributeError(f"module {__name__!r} has no check {name!r}")

    def check(candidate: Any) -> Any:
        return _DIALOGUE.hand_back(EXERCISES[name], candidate)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"Check the exercise {name} of lesson {EXERCISES[name].lesson}; returns the object to go on with."
    return check


def __dir__() -> list[str]:
    return sorted([*__all__, *EXERCISES])
