"""One check for each exercise: `checks.basic_block(BasicBlock)` says what it found and returns an object to go on with.

A right answer is handed back as it is; for anything else the course's own object comes back, so that a lesson never
stops. `checks.hint()` explains the mistake that was found, `checks.progress()` shows what passes, `checks.export()`
writes it to a file. `checks.verdict(name, obj)` gives a finding as a value. `RESNET_COURSE_STRICT=1` makes a failed
check raise.

All that is known of an exercise stands in the file of its name in this folder, which is imported when it is used.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from resnet_course.base.errors import CourseError
from resnet_course.base.language import translated
from resnet_course.checking.dialogue import CheckFailedError, Dialogue
from resnet_course.checking.exercise import Exercise
from resnet_course.checking.judge import Verdict, judge
from resnet_course.checking.report import export, forget, show_progress
from resnet_course.notebook.lessons import LESSONS

__all__ = ["EXERCISES", "CheckFailedError", "Verdict", "export", "forget", "hint", "progress", "verdict", "yours"]


class _Exercises(Mapping[str, Exercise]):
    """Every exercise by the name of its check, in the order of the lessons."""

    _names = tuple(name for lesson in LESSONS for name in lesson.exercises)

    def __getitem__(self, name: str) -> Exercise:
        if name not in self._names:
            raise KeyError(name)
        exercise: Exercise = importlib.import_module(f"{__name__}.{name}").EXERCISE
        return exercise

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


EXERCISES: Mapping[str, Exercise] = _Exercises()
_DIALOGUE = Dialogue(EXERCISES)
hint = _DIALOGUE.hint
yours = _DIALOGUE.yours
progress = show_progress


def verdict(name: str, obj: Any) -> Verdict:
    """Check `obj` as the answer to exercise `name`, without printing.

    Returns a `Verdict` with `status` ("passed", "failed", "not_written", "crashed"), `hint_id` and `message`, which is
    in the reader's language.

    Raises:
        CourseError: if there is no exercise of that name.
    """
    if name not in EXERCISES:
        raise CourseError(f"there is no exercise {name!r}. The exercises are {', '.join(EXERCISES)}.")
    found = judge(EXERCISES[name], obj)
    return replace(found, message=translated(found.message), detail=translated(found.detail))


def __getattr__(name: str) -> Any:
    """`checks.basic_block` and the like: one callable for each exercise."""
    if name not in EXERCISES:
        raise AttributeError(f"module {__name__!r} has no check {name!r}")

    def check(candidate: Any) -> Any:
        return _DIALOGUE.hand_back(EXERCISES[name], candidate)

    check.__name__ = check.__qualname__ = name
    check.__doc__ = f"Check the exercise {name}; returns the object to go on with."
    return check


def __dir__() -> list[str]:
    return sorted([*__all__, *EXERCISES])


class _Checks(types.ModuleType):
    """This package: an exercise's file, once imported, does not take the place of the check of the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, types.ModuleType) and name in EXERCISES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Checks
