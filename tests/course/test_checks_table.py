"""`python -m resnet_course checks`, with and without --table; a bad table is found out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resnet_course import checks
from resnet_course.checking.exercise import Exercise, Wrong
from resnet_course.course import checks_table, cli
from resnet_course.notebook.lessons import LESSONS

NAME = "needs_projection"


def test_the_example_of_contributing_works_in_one_short_file() -> None:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert source.count("\n") < 60
    names: dict[str, Any] = {}
    exec(source, names)
    row = checks_table.try_answers(names["EXERCISE"])
    assert row.problems == []
    assert row.typed.met == row.wrong == len(names["WRONG"])
    assert row.respelled.share == row.in_pairs.share == 1
    assert row.right.met == row.right.tried == 4


@pytest.fixture
def one_exercise(monkeypatch: pytest.MonkeyPatch) -> Exercise:
    exercise = checks.EXERCISES[NAME]
    monkeypatch.setattr(checks, "EXERCISES", {NAME: exercise})
    return exercise


def test_the_exercises_are_listed_by_lesson(capsys) -> None:
    assert cli.main(["checks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(LESSONS)
    for line, lesson in zip(lines, LESSONS, strict=True):
        assert line.startswith(f"{lesson.number} {lesson.title} ")
        assert line.endswith(", ".join(lesson.exercises))


def test_the_table_has_a_line_for_each_exercise_and_the_totals(one_exercise: Exercise, capsys) -> None:
    assert cli.main(["checks", "--table"]) == 0
    shown = capsys.readouterr()
    header, row, total = [line for line in shown.out.splitlines() if ": not named" not in line]
    assert header.split()[:4] == ["lesson", "exercise", "wrong", "as"]
    wrong = len(one_exercise.wrong)
    assert re.match(rf"07 +{NAME} +{wrong} +{wrong}/{wrong} ", row) or re.match(rf"07 +{NAME} +{wrong} +\d+/\d+ ", row)
    assert total.startswith("all     1 exercises")
    assert shown.err == ""


HARMLESS = Wrong("harmless", checks.EXERCISES[NAME].answer, "Is this wrong?", "It is not, and the table says so.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"wrong": [*checks.EXERCISES[NAME].wrong, HARMLESS]}, "harmless is taken for None"),
        ({"right": {"nobody": "needs_projection = lambda *arguments: []"}}, "right answer 'nobody': failed"),
        ({"again": {"again": ("never", "needs_projection = lambda *arguments: True")}}, "never is taken for"),
        ({"unknown": {"right": checks.EXERCISES[NAME].answer}}, "what nobody knows, 'right', is taken for None"),
    ],
)
def test_an_answer_that_is_not_met_as_it_should_be(change: dict, said: str, one_exercise, monkeypatch, capsys) -> None:
    monkeypatch.setitem(checks.EXERCISES, NAME, replace(one_exercise, **change))
    assert cli.main(["checks", "--table"]) == 1
    assert said in capsys.readouterr().err


def test_a_slow_check_is_named_and_fails_nothing(one_exercise: Exercise, monkeypatch, capsys) -> None:
    monkeypatch.setattr(checks_table, "SECONDS", 0.0)
    assert cli.main(["checks", "--table"]) == 0
    assert f"{NAME}: a check takes" in capsys.readouterr().out
