"""What is known of an exercise: its answer as typed, the wrong ones as learners type them, and how answers are seen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

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
