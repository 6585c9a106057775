"""What is known of an exercise: its answer as typed, the wrong ones as learners type them, and how answers are seen."""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import models
from resnet_course.checking.seen import Observe

Edits = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Wrong:
    """A known wrong answer, as a learner types it.

    Args:
        id: a stable name, such as "no_shortcut".
        source: what is typed: edits of the exercise's answer, pairs of old and new text, or a whole source.
        ask: a question that points at the spot and does not give the answer away.
        explain: names the misconception, with numbers or shapes; does not repeat the question.
        credit: share of a task's points in an assignment, in [0, 1]; lessons give no points.
    """

    id: str
    source: Edits | str
    ask: str
    explain: str
    credit: float = 0.0

    def typed(self, answer: str) -> str:
        """The whole source; `answer` is the right answer that the edits change."""
        return textwrap.dedent(self.source) if isinstance(self.source, str) else edited(answer, *self.source)


def edited(source: str, *edits: tuple[str, str]) -> str:
    """The source with each old text replaced by the new one, wherever it stands.

    Raises:
        ValueError: if an old text stands nowhere.
    """
    for old, new in edits:
        if old not in source:
            raise ValueError(f"{old!r} is not in the source")
        source = source.replace(old, new)
    return source


@dataclass(frozen=True)
class Hint:
    """What is said about a mistake: a question first, and the explanation when it is asked for."""

    id: str
    ask: str
    explain: str


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise: all that is known of it.

    Args:
        name: the check's name.
        lesson: two digits.
        defines: what is handed to the check: a name that the answer defines, or an expression such as "(save, load)".
        observe: runs an answer and yields what it sees, see `seen`.
        start: where to begin; said before anything is written.
        answer: a right answer as typed.
        wrong: known wrong answers, those that are met first in front.
        right: other right answers, by what is special about them.
        unknown: wrong answers of which nothing is known, by name; tests see that they are admitted.
        again: known wrong answers typed in another way: by name the id of the mistake, and the source.
        reference: the course's own object, handed back where the learner's is not right; default: made from `answer`.
        setting: what the lesson has defined before the exercise, run before an answer.
    """

    name: str
    lesson: str
    defines: str
    observe: Observe
    start: str
    answer: str
    wrong: Sequence[Wrong]
    right: Mapping[str, str]
    unknown: Mapping[str, str] = field(default_factory=dict)
    again: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    reference: Any = None
    setting: str = ""

    def __post_init__(self) -> None:
        if self.reference is None:
            object.__setattr__(self, "reference", self.make(self.answer))

    def make(self, source: str, file_name: str = "", module: str = "builtins") -> Any:
        """The object that this source defines, as in a cell of the lesson.

        Args:
            source: what is typed.
            file_name: of the source, for error messages.
            module: what the object says it comes from.

        Raises:
            Exception: whatever the source raises.
        """
        namespace = self.namespace() | {"__name__": module}
        file_name = file_name or f"<answer to {self.name}>"
        exec(compile(textwrap.dedent(source), file_name, "exec", dont_inherit=True), namespace)  # `annotations` neither
        return eval(self.defines, namespace)

    def namespace(self) -> dict[str, Any]:
        """What a lesson has imported and defined before the exercise."""
        names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "math": math}
        names |= {word: getattr(models, word) for word in models.__all__}
        exec(compile(textwrap.dedent(self.setting), f"<before {self.name}>", "exec"), names)
        return names

    @functools.cached_property
    def sources(self) -> dict[str, str]:
        """The source of every known wrong answer, by the mistake's id."""
        return {wrong.id: wrong.typed(self.answer) for wrong in self.wrong}

    @functools.cached_property
    def hints(self) -> dict[str, Hint]:
        """What is said of every known mistake, by its id."""
        return {wrong.id: Hint(wrong.id, wrong.ask, wrong.explain) for wrong in self.wrong}
