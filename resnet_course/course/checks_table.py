"""Try every check on the answers of its exercise: as typed, in other spellings, in pairs, and the right ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import torchvision.transforms  # noqa: F401 - some answers import it, which takes seconds and is not their own time

from resnet_course import checks
from resnet_course.base.progress import say
from resnet_course.checking.exercise import Exercise
from resnet_course.checking.judge import judge as judge_answer
from resnet_course.checking.spellings import pairs, respelled

SECONDS = 5.0  # a check that takes longer is named; it fails nothing, since machines differ
PAIRS = 40  # of each exercise
RESPELLED, IN_PAIRS = 0.97, 0.90  # shares that must be named; as typed, all are
HEADINGS = ("lesson", "exercise", "wrong", "as typed", "respelled", "in pairs", "right", "passed", "slowest check, s")
LINE = "{:<8}{:<22}{:>7}{:>10}{:>12}{:>10}{:>7}{:>8}{:>18}"


@dataclass
class Share:
    """So many of so many."""

    met: int = 0
    tried: int = 0

    def note(self, met: bool) -> bool:
        """Count one more."""
        self.met, self.tried = self.met + met, self.tried + 1
        return met

    def __str__(self) -> str:
        return f"{self.met}/{self.tried}"

    @property
    def share(self) -> float:
        """In [0, 1]; 1 where nothing was tried."""
        return self.met / self.tried if self.tried else 1.0


@dataclass
class Row:
    """What a check makes of the answers to its exercise.

    Attributes:
        typed: known wrong answers that are named as they stand in the table, and again as they are typed otherwise.
        respelled: those that are named in other words, wherever the same change leaves the right answer right.
        in_pairs: answers with two mistakes, one of which is named.
        right: right answers that pass, the unusual ones and their other spellings too.
        seconds: of the slowest check.
        problems: a sentence for each answer that was not met as it should be.
    """

    lesson: str
    exercise: str
    wrong: int
    typed: Share = field(default_factory=Share)
    respelled: Share = field(default_factory=Share)
    in_pairs: Share = field(default_factory=Share)
    right: Share = field(default_factory=Share)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shares = self.typed, self.respelled, self.in_pairs, self.right.tried, self.right.met
        return LINE.format(self.lesson, self.exercise, self.wrong, *map(str, shares), f"{self.seconds:.2f}")


def print_table(names: list[str] | None = None) -> bool:
    """Print one line for each exercise and one with the totals. Returns whether all is as it should be.

    Args:
        names: of exercises; None for all.
    """
    say(LINE.format(*HEADINGS))
    rows = []
    for name in names or checks.EXERCISES:
        rows.append(try_answers(checks.EXERCISES[name]))
        say(str(rows[-1]))
    total = Row("all", f"{len(rows)} exercises", sum(row.wrong for row in rows))
    for row in rows:
        for part in fields(Row):
            mine, other = getattr(total, part.name), getattr(row, part.name)
            if isinstance(mine, Share):
                mine.met, mine.tried = mine.met + other.met, mine.tried + other.tried
        total.problems += row.problems
    total.seconds = max(row.seconds for row in rows)
    if total.respelled.share < RESPELLED:
        total.problems.append(f"respelled: {total.respelled} named, fewer than {RESPELLED:.0%}")
    if total.in_pairs.share < IN_PAIRS:
        total.problems.append(f"in pairs: {total.in_pairs} named, fewer than {IN_PAIRS:.0%}")
    say(str(total))
    for problem in total.problems:
        say(problem, error=True)
    return not total.problems


def try_answers(exercise: Exercise) -> Row:
    """Check every answer to one exercise."""
    row = Row(exercise.lesson, exercise.name, len(exercise.wrong))
    judge = _timed(exercise, row)
    for name, source in {"the answer": exercise.answer, **exercise.right}.items():
        _try_right(exercise, row, name, source, judge)
    ways = {way for way, source in respelled(exercise.answer) if judge(exercise.make(source)).status == "passed"}
    typed = [*exercise.sources.items(), *exercise.again.values()]
    for hint_id, source in typed:
        found = judge(exercise.make(source))
        if not row.typed.note(found.hint_id == hint_id):
            row.problems.append(f"{exercise.name}: {hint_id} is taken for {found.hint_id}: {found.message}")
        for way, other in respelled(source):
            if way in ways and not row.respelled.note(_hint_id(exercise, other, judge) == hint_id):
                say(f"{exercise.name}: {hint_id}, {way}: not named")
    for one, other, source in pairs(exercise, PAIRS):
        row.in_pairs.note(_hint_id(exercise, source, judge) in (one, other))
    for name, source in exercise.unknown.items():
        found = judge(exercise.make(source))
        if found.status == "passed" or found.hint_id in exercise.hints:
            row.problems.append(f"{exercise.name}: what nobody knows, {name!r}, is taken for {found.hint_id}")
    if row.seconds > SECONDS:
        say(f"{exercise.name}: a check takes {row.seconds:.1f} s here, more than {SECONDS:g} s")
    return row


Judge = Callable[[object], checks.Verdict]


def _try_right(exercise: Exercise, row: Row, name: str, source: str, judge: Judge) -> None:
    found = judge(exercise.make(source))
    if not row.right.note(found.status == "passed"):
        row.problems.append(f"{exercise.name}: right answer {name!r}: {found.status}: {found.message}")


def _hint_id(exercise: Exercise, source: str, judge: Judge) -> str | None:
    try:
        return judge(exercise.make(source)).hint_id
    except Exception:  # two changes together may give what Python refuses
        return None


def _timed(exercise: Exercise, row: Row) -> Judge:
    """Judges and keeps the time of the slowest check: by the clock or of the processor, the shorter one.

    Other programs make a check look slower by the clock, several threads by the processor. The first check of all
    imports parts of PyTorch, which is not its own time.
    """

    def judge(answer: object) -> checks.Verdict:
        clock, processor = time.perf_counter(), time.process_time()
        verdict = judge_answer(exercise, answer)
        if row.right.tried:
            row.seconds = max(row.seconds, min(time.perf_counter() - clock, time.process_time() - processor))
        return verdict

    return judge
