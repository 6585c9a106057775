"""What a learner sees of a check: the message, and the second step of the hint when it is asked for."""

from __future__ import annotations

import os
from typing import Any

from resnet_course.base.errors import CourseError
from resnet_course.checking.core import Exercise, Status, Verdict, judge
from resnet_course.notebook import journal
from resnet_course.notebook.messages import Kind, Message
from resnet_course.notebook.widgets import show_button, widgets_work

_TITLES: dict[Status, tuple[Kind, str]] = {
    "passed": ("passed", "passed"),
    "not_written": ("info", "not written yet"),
    "crashed": ("failed", "it stopped with an error"),
    "failed": ("failed", "not right yet"),
}
_OTHER_EXPLANATIONS = {
    "unknown": "The course does not know this mistake. Take the example above the exercise, print the shape and a few "
    "numbers after each of your lines, and find the first line that gives something else than you expect.",
    "too_slow": "A check runs your code on small inputs and takes about a second. Look for a loop whose condition "
    "never becomes false, or that grows the list it walks through.",
    "tried_to_exit": "Functions such as exit() end Python, and the notebook with it. A function ends with `return`.",
}


class CheckFailedError(AssertionError):
    """A check failed while `RESNET_COURSE_STRICT=1`."""


class Dialogue:
    """Checks answers and remembers what each check found last, so that a hint can be about it."""

    def __init__(self, exercises: dict[str, Exercise], first_steps: dict[str, str]) -> None:
        self._exercises, self._first_steps = exercises, first_steps
        self._found: dict[str, tuple[str, str | None]] = {}  # status and hint_id by exercise, the latest at the end

    def hand_back(self, exercise: Exercise, candidate: Any) -> Any:
        """Check, show the message, and return the object that the lesson goes on with.

        Raises:
            CheckFailedError: if the check does not pass and `RESNET_COURSE_STRICT=1`.
        """
        verdict = judge(exercise, candidate)
        self._remember(verdict)
        kind, title = _TITLES[verdict.status]
        lines = tuple(verdict.message.splitlines())
        if verdict.status != "passed":
            lines += (self._what_next(verdict),)
        found = {"name": verdict.name, "status": verdict.status, "hint_id": verdict.hint_id}
        Message(kind, f"{exercise.name}: {title}", lines, {"check": found}).show()
        if verdict.status == "passed":
            return candidate
        if os.environ.get("RESNET_COURSE_STRICT") == "1":
            raise CheckFailedError(f"{exercise.name}: {title}. {verdict.message}")
        if widgets_work():
            label = "Where to begin" if verdict.status == "not_written" else "Explain"
            show_button(label, lambda: self._hint(exercise.name))
        return exercise.reference

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
        if name not in self._exercises:
            raise CourseError(f"there is no exercise {name!r}. The exercises are {', '.join(self._exercises)}.")
        self._hint(name).show()

    def _remember(self, verdict: Verdict) -> None:
        self._found.pop(verdict.name, None)
        self._found[verdict.name] = verdict.status, verdict.hint_id
        journal.note_check(verdict.name, verdict.status, verdict.hint_id)

    def _hint(self, name: str) -> Message:
        status, hint_id = self._found.get(name) or self._from_journal(name)
        if status == "passed":
            return Message("info", f"{name}: nothing to explain", ("Your answer passes.",))
        journal.note_hint(name)
        if hint_id is None:
            return Message("info", f"{name}: where to begin", (self._first_steps[name],))
        mistake = next((mistake for mistake in self._exercises[name].mistakes if mistake.id == hint_id), None)
        if mistake is not None:
            return Message("info", f"{name}: the explanation", (mistake.question, mistake.explanation))
        return Message("info", f"{name}: the explanation", (_OTHER_EXPLANATIONS[hint_id],))

    def _from_journal(self, name: str) -> tuple[str, str | None]:
        """What was found before the kernel was started again. Mistakes that an older course knew are forgotten."""
        last = journal.read_journal()["exercises"].get(name, {}).get("last", {"status": "not_written", "hint_id": None})
        known = {mistake.id for mistake in self._exercises[name].mistakes} | set(_OTHER_EXPLANATIONS)
        return last["status"], last["hint_id"] if last["hint_id"] in known else None

    @staticmethod
    def _what_next(verdict: Verdict) -> str:
        call = f'checks.hint("{verdict.name}")'
        if verdict.status == "not_written":
            return f"Where to begin: {call}"
        return f"The lesson goes on with the course's own. An explanation: {call}"
