"""Run every check on the answers that are kept for its tests: what it makes of them, and how long it takes."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_course import checks
from resnet_course.base.errors import CourseError
from resnet_course.base.progress import say

SECONDS = 5.0  # the longest that a check may take
HEADINGS = ("lesson", "exercise", "mistakes", "named", "right", "passed", "slowest check, s")
LINE = "{:<8}{:<24}{:>8}{:>8}{:>8}{:>8}{:>18}"


@dataclass(frozen=True)
class Row:
    """What a check makes of the answers to its exercise.

    Args:
        lesson: two digits.
        exercise: the check's name.
        mistakes: how many its table holds.
        named: how many of them it finds in the answer that is typed for each.
        right: right answers that were tried.
        passed: how many of them passed.
        seconds: the slowest check of all these answers.
        problems: one sentence for each answer that was not met as it should be, and for a slow check.
    """

    lesson: str
    exercise: str
    mistakes: int
    named: int
    right: int
    passed: int
    seconds: float
    problems: tuple[str, ...]


def print_table(folder: Path) -> bool:
    """Print one line for each exercise and one with the totals. Returns whether all is as it should be.

    Args:
        folder: the package of answers, `tests/answers` of the repository.

    Raises:
        CourseError: if it is not there, or has no answers to some exercise.
    """
    answers = load_answers(folder)
    say(LINE.format(*HEADINGS))
    rows = []
    for name in checks.EXERCISES:
        row = try_answers(name, answers[name])
        rows.append(row)
        say(_line(row))
    total = _total(rows)
    say(_line(total))
    for problem in total.problems:
        say(problem, error=True)
    return not total.problems


def _total(rows: list[Row]) -> Row:
    return Row(
        lesson="all",
        exercise=f"{len(rows)} exercises",
        mistakes=sum(row.mistakes for row in rows),
        named=sum(row.named for row in rows),
        right=sum(row.right for row in rows),
        passed=sum(row.passed for row in rows),
        seconds=max(row.seconds for row in rows),
        problems=tuple(problem for row in rows for problem in row.problems),
    )


def _line(row: Row) -> str:
    counts = row.mistakes, row.named, row.right, row.passed
    return LINE.format(row.lesson, row.exercise, *counts, f"{row.seconds:.2f}")


def load_answers(folder: Path) -> Mapping[str, Any]:
    """The answers in this folder, by exercise: a package that stands beside the tests, in no package of its own."""
    start = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location("course_answers", start, submodule_search_locations=[str(folder)])
    if not start.is_file() or spec is None or spec.loader is None:
        raise CourseError(f"there are no answers in {folder}. Clone the repository and run this inside it.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where the modules of the package look for it
    spec.loader.exec_module(module)
    answers: dict[str, Any] = module.load()
    missing = [name for name in checks.EXERCISES if name not in answers]
    if missing:
        raise CourseError(f"{folder} has no answers to {', '.join(missing)}. Write them, as for the other exercises.")
    return answers


def try_answers(name: str, answers: Any) -> Row:
    """Check every answer to one exercise."""
    exercise = checks.EXERCISES[name]
    seconds, met, problems = 0.0, {"right": 0, "wrong": 0, "again": 0, "unknown": 0}, []
    for kind, way, source, expected in _cases(answers):
        verdict, taken = _timed(name, answers.make(source))
        seconds = max(seconds, taken)
        if verdict.hint_id == expected and (verdict.status == "passed") == (expected is None):
            met[kind] += 1
        else:
            found = f"{verdict.status}, {verdict.hint_id}: {verdict.message}"
            problems.append(f"{name}, {kind} answer {way!r}: {found}")
    if seconds > SECONDS:
        problems.append(f"{name}: a check takes {seconds:.1f} s, more than {SECONDS:g} s")
    return Row(
        lesson=exercise.lesson,
        exercise=name,
        mistakes=len(exercise.mistakes),
        named=met["wrong"],
        right=len(answers.right),
        passed=met["right"],
        seconds=seconds,
        problems=tuple(problems),
    )


def _timed(name: str, answer: Any) -> tuple[checks.Verdict, float]:
    """The verdict and its seconds: by the clock or of the processor, the shorter ones.

    Other programs make a check look slower by the clock, several threads by the processor.
    """
    clock, processor = time.perf_counter(), time.process_time()
    verdict = checks.verdict(name, answer)
    return verdict, min(time.perf_counter() - clock, time.process_time() - processor)


def _cases(answers: Any) -> Iterator[tuple[str, str, str, str | None]]:
    """Kind, way of writing, source, and the hint that it should get; None for a right answer."""
    for way, source in answers.right.items():
        yield "right", way, source, None
    for hint_id, source in answers.wrong.items():
        yield "wrong", hint_id, source, hint_id
    for way, (hint_id, source) in answers.again.items():
        yield "again", way, source, hint_id
    for way, source in answers.unknown.items():
        yield "unknown", way, source, "unknown"
