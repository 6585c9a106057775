"""Count what the journals of a class say of exercises, mistakes and guesses."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resnet_course.checks import Exercise
from resnet_course.class_report.reading import readable
from resnet_course.notebook.journal import Journal
from resnet_course.notebook.lessons import LESSONS

MOST_TRIES = 1_000_000  # counts in a file can have thousands of digits
WIDEST = 1e300  # guesses beyond are taken as this: sums and differences stay finite

# What checks report beside the known mistakes.
_OTHER_QUESTIONS = {
    "too_slow": "(The check was stopped: the code takes too long.)",
    "tried_to_exit": "(The code tries to end Python.)",
}


@dataclass(frozen=True)
class MistakeCount:
    """A mistake in words, how many learners met it, and the question of its hint ("" if the course has none)."""

    exercise: str
    words: str
    learners: int
    question: str


@dataclass(frozen=True)
class ExerciseCount:
    """What a class did with one exercise.

    Args:
        name: of its check.
        lesson: two digits.
        passed, trying, untried: learners; `trying` have written something that does not pass.
        tries: of each learner who passed, checks up to the first pass.
        asked: learners who asked for at least one explanation.
        hints: explanations asked for, by all.
        mistakes: known ones, those of most learners first.
        unknown: learners who made a mistake that the course does not know.
    """

    name: str
    lesson: str
    passed: int
    trying: int
    untried: int
    tries: tuple[int, ...]
    asked: int
    hints: int
    mistakes: tuple[MistakeCount, ...]
    unknown: int


@dataclass(frozen=True)
class GuessCount:
    """All guesses of one quantity, and the median of what the learners measured (None if nobody did)."""

    lesson: str
    quantity: str
    guesses: tuple[float, ...]
    measured: float | None


@dataclass(frozen=True)
class ClassCount:
    """What a class did.

    Args:
        learners: journals counted.
        exercises: of the course, in its order.
        guesses: by lesson; within one, the quantities that most learners guessed come first.
        strangers: names of exercises and lessons that this version of the course does not have, with the number of
            files that hold each, the most frequent first.
    """

    learners: int
    exercises: tuple[ExerciseCount, ...]
    guesses: tuple[GuessCount, ...]
    strangers: tuple[tuple[str, int], ...]

    @property
    def passed(self) -> int:
        """Passes, over all learners and exercises."""
        return sum(exercise.passed for exercise in self.exercises)


def count_class(journals: Sequence[Journal], exercises: Mapping[str, Exercise]) -> ClassCount:
    """Count over all journals; each is taken for one learner."""
    kept = [journal["exercises"] for journal in journals]
    counts = tuple(
        _count_exercise(exercise, [each.get(exercise.name) for each in kept]) for exercise in exercises.values()
    )
    known = {lesson.number for lesson in LESSONS}
    strangers: Counter[str] = Counter()
    for journal in journals:
        strangers.update(f"exercise {name}" for name in journal["exercises"] if name not in exercises)
        strangers.update(f"guess of lesson {name}" for name in journal["guesses"] if name not in known)
    return ClassCount(len(journals), counts, tuple(_count_guesses(journals)), tuple(strangers.most_common()))


def _count_exercise(exercise: Exercise, all_entries: Iterable[dict[str, Any] | None]) -> ExerciseCount:
    all_entries = list(all_entries)
    entries = [entry for entry in all_entries if entry is not None]
    passed = [entry for entry in entries if entry["passed"]]
    trying = sum(not entry["passed"] and entry["tries"] > 0 for entry in entries)
    hints = [min(entry["hints"], MOST_TRIES) for entry in entries]
    return ExerciseCount(
        name=exercise.name,
        lesson=exercise.lesson,
        passed=len(passed),
        trying=trying,
        untried=len(all_entries) - len(passed) - trying,
        tries=tuple(min(entry["tries"], MOST_TRIES) for entry in passed if entry["tries"]),
        asked=sum(asked > 0 for asked in hints),
        hints=sum(hints),
        mistakes=tuple(_count_mistakes(exercise, entries)),
        unknown=sum(entry["mistakes"].get("unknown", 0) > 0 for entry in entries),
    )


def _count_mistakes(exercise: Exercise, entries: Iterable[dict[str, Any]]) -> list[MistakeCount]:
    """Those of most learners first; among equals, those met most often."""
    questions = _OTHER_QUESTIONS | {mistake.id: mistake.question for mistake in exercise.mistakes}
    learners: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for entry in entries:
        met = {name: min(count, MOST_TRIES) for name, count in entry["mistakes"].items() if count and name != "unknown"}
        learners.update(met.keys())
        times.update(met)
    ordered = sorted(learners, key=lambda name: (-learners[name], -times[name], name))
    return [
        MistakeCount(exercise.name, readable(name.replace("_", " ")), learners[name], questions.get(name, ""))
        for name in ordered
    ]


def _count_guesses(journals: Iterable[Journal]) -> list[GuessCount]:
    guesses: dict[tuple[str, str], list[float]] = defaultdict(list)
    measured: dict[tuple[str, str], list[float]] = defaultdict(list)
    for journal in journals:
        for lesson, entry in journal["guesses"].items():
            for quantity, value in entry["guess"].items():
                guesses[lesson, quantity].append(_clipped(value))
                if quantity in entry["measured"]:
                    measured[lesson, quantity].append(_clipped(entry["measured"][quantity]))
    found = []
    for lesson in LESSONS:
        here = [key for key in guesses if key[0] == lesson.number]
        for key in sorted(here, key=lambda key: -len(guesses[key])):
            middle = statistics.median(measured[key]) if measured[key] else None
            found.append(GuessCount(lesson.number, key[1], tuple(sorted(guesses[key])), middle))
    return found


def _clipped(value: float) -> float:
    return float(max(-WIDEST, min(WIDEST, value)))
