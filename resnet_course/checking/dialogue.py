"""What a learner sees of a check: the message, and the second step of the hint when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from resnet_course.base.errors import CourseError
from resnet_course.checking import keeping
from resnet_course.checking.exercise import Exercise, Hint
from resnet_course.checking.judge import Status, Verdict, hint_of, judge
from resnet_course.notebook import journal
from resnet_course.notebook.messages import Kind, Message
from resnet_course.notebook.widgets import show_button, widgets_work

_TITLES: dict[Status, tuple[Kind, str]] = {
    "passed": ("passed", "passed"),
    "not_written": ("info", "not written yet"),
    "crashed": ("failed", "it stopped with an error"),
    "failed": ("failed", "not right yet"),
}
_OTHERS = {
    "unknown": Hint(
        "unknown",
        "Which is the first of your lines that gives something else than you expect?",
        "The course does not know this mistake. Take the example above the exercise, and print the shape and a few "
        "numbers after each line.",
    ),
    "too_slow": Hint(
        "too_slow",
        "Does every loop come to its end?",
        "A check runs your code on small inputs and takes about a second. Look for a loop whose condition never "
        "becomes false, or that grows the list it walks through.",
    ),
    "check_stopped": Hint(
        "check_stopped",
        "Does the check run after the kernel is started again?",
        "The course's own answer stops with this error, so nothing can be said of yours. Start the kernel again; if "
        "that does not help, report it together with the versions that `runtime.preflight()` shows.",
    ),
    "tried_to_exit": Hint(
        "tried_to_exit",
        "How does a function end?",
        "Functions such as exit() end Python, and the notebook with it. A function ends with `return`.",
    ),
}


def message_of(verdict: Verdict, *more: str) -> Message:
    """What a learner reads of a verdict, and what else there is to say."""
    kind, title = _TITLES[verdict.status]
    found = {"name": verdict.name, "status": verdict.status, "hint_id": verdict.hint_id}
    return Message(kind, f"{verdict.name}: {title}", (*verdict.message.splitlines(), *more), {"check": found})


class CheckFailedError(AssertionError):
    """A check failed while `RESNET_COURSE_STRICT=1`."""


class Dialogue:
    """Checks answers and remembers what each check found last, so that a hint can be about it."""

    def __init__(self, exercises: Mapping[str, Exercise]) -> None:
        self._exercises = exercises
        self._found: dict[str, Verdict] = {}  # by exercise, the latest at the end

    def hand_back(self, exercise: Exercise, candidate: Any) -> Any:
        """Check, show the message, and return the object that the lesson goes on with.

        Raises:
            CheckFailedError: if the check does not pass and `RESNET_COURSE_STRICT=1`.
        """
        verdict = judge(exercise, candidate)
        self._remember(verdict)
        more: tuple[str, ...] = ()
        if verdict.status != "passed":
            more = (self._what_next(verdict),)
        elif problem := keeping.keep(exercise, candidate):
            reason, *saw = problem.splitlines()
            more = (f"It cannot be kept for later lessons: {reason}.", *saw)
        message = message_of(verdict, *more)
        message.show()
        if verdict.status == "passed":
            return candidate
        if os.environ.get("RESNET_COURSE_STRICT") == "1":
            raise CheckFailedError(f"{message.title}. {verdict.message}")
        if widgets_work():
            label = "Where to begin" if verdict.status == "not_written" else "Explain"
            show_button(label, lambda: self._hint(exercise.name))
        return exercise.reference

    def yours(self, name: str) -> Any:
        """What the learner wrote and passed, else the course's own; a message says which.

        Args:
            name: the exercise.

        Raises:
            CourseError: if there is no exercise of that name.
        """
        exercise = self._known(name)
        found, words = keeping.read_kept(exercise)
        said = words if found is not None else f"the course's own: {words}"
        Message("info", f"{name}: {said}").show()
        return exercise.reference if found is None else found

    def hint(self, name: str | None = None) -> None:
        """Show the second step of the hint: the explanation of the mistake that the last check found.

        Before anything is written it says where to begin.

        Args:
            name: the exercise; None is the one that was checked last.

        Raises:
            CourseError: if there is no exercise of that name, or none was checked yet.
        """
        if name is None:
            if not self._found:
                raise CourseError('nothing was checked yet. Name the exercise, for example checks.hint("warm_up").')
            name = list(self._found)[-1]
        self._known(name)
        self._hint(name).show()

    def _known(self, name: str) -> Exercise:
        if name not in self._exercises:
            raise CourseError(f"there is no exercise {name!r}. The exercises are {', '.join(self._exercises)}.")
        return self._exercises[name]

    def _remember(self, verdict: Verdict) -> None:
        self._found.pop(verdict.name, None)
        self._found[verdict.name] = verdict
        journal.note_check(verdict.name, verdict.status, verdict.hint_id)

    def _hint(self, name: str) -> Message:
        found = self._found.get(name) or _from_journal(name)
        if found.status == "passed":
            return Message("info", f"{name}: nothing to explain", ("Your answer passes.",))
        journal.note_hint(name)
        exercise, hint_id = self._exercises[name], found.hint_id or ""
        hint = hint_of(exercise, hint_id) or _OTHERS.get(hint_id)
        if hint is None:  # nothing is written, or what was met is a mistake that an older course knew
            return Message("info", f"{name}: where to begin", (exercise.start,))
        seen = (f"What was seen: {found.detail}",) if found.detail else ()
        return Message("info", f"{name}: the explanation", (hint.ask, hint.explain, *seen))

    @staticmethod
    def _what_next(verdict: Verdict) -> str:
        call = f'checks.hint("{verdict.name}")'
        if verdict.status == "not_written":
            return f"Where to begin: {call}"
        return f"The lesson goes on with the course's own. An explanation: {call}"


def _from_journal(name: str) -> Verdict:
    """What was found before the kernel was started again."""
    last = journal.read_journal()["exercises"].get(name, {}).get("last", {"status": "not_written", "hint_id": None})
    return Verdict(name, last["status"], last["hint_id"], "")
