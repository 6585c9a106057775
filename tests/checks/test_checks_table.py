"""`python -m resnet_course checks`, with and without --table; two quick exercises stand for all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import answers
import pytest

from resnet_course import checks
from resnet_course.course import checks_table, cli
from resnet_course.notebook.lessons import LESSONS

QUICK = ("needs_projection", "bottleneck_shapes")
RIGHT_BUT_NOT_HERE = {"of the other exercise": "needs_projection = lambda *arguments: []"}


@pytest.fixture
def two_exercises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "EXERCISES", {name: checks.EXERCISES[name] for name in QUICK})


def test_the_exercises_are_listed_by_lesson(capsys) -> None:
    assert cli.main(["checks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(LESSONS)
    for line, lesson in zip(lines, LESSONS, strict=True):
        assert line.startswith(f"{lesson.number} {lesson.title} ")
        assert line.endswith(", ".join(lesson.exercises))


def test_the_table_has_a_line_for_each_exercise_and_the_totals(two_exercises: None, capsys) -> None:
    assert cli.main(["checks", "--table"]) == 0
    shown = capsys.readouterr()
    header, *rows, total = shown.out.splitlines()
    assert header.split()[:6] == ["lesson", "exercise", "mistakes", "named", "right", "passed"]
    known = answers.load()
    for row, name in zip(rows, QUICK, strict=True):
        wrong, right = len(known[name].wrong), len(known[name].right)
        assert re.fullmatch(rf"04 +{name} +{wrong} +{wrong} +{right} +{right} +\d\.\d\d", row)
    wrong, right = (sum(len(getattr(known[name], kind)) for name in QUICK) for kind in ("wrong", "right"))
    assert re.fullmatch(rf"all +2 exercises +{wrong} +{wrong} +{right} +{right} +\d\.\d\d", total)
    assert shown.err == ""


def test_a_slow_check_is_a_failure(two_exercises: None, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(checks_table, "SECONDS", 0.0)
    assert cli.main(["checks", "--table"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "needs_projection: a check takes" in first
    assert "bottleneck_shapes: a check takes" in second


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"right": RIGHT_BUT_NOT_HERE}, "right answer 'of the other exercise': failed"),
        ({"wrong": {"never": answers.load()["needs_projection"].wrong["always"]}}, "wrong answer 'never': failed"),
        ({"unknown": answers.load()["needs_projection"].right}, "unknown answer 'one line': passed"),
    ],
)
def test_an_answer_that_is_not_met_as_it_should_be_is_a_failure(
    change: dict, said: str, two_exercises: None, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    known = answers.load()
    known["needs_projection"] = replace(known["needs_projection"], **change)
    monkeypatch.setattr(checks_table, "load_answers", lambda folder: known)
    assert cli.main(["checks", "--table"]) == 1
    assert said in capsys.readouterr().err


def test_outside_a_clone_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("resnet_course.course.run.course_root", lambda: tmp_path)
    assert cli.main(["checks", "--table"]) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert "Clone the repository" in message


def test_an_exercise_without_answers_is_named(two_exercises: None, tmp_path: Path, monkeypatch, capsys) -> None:
    folder = tmp_path / "tests" / "answers"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("def load():\n    return {'needs_projection': None}\n")
    monkeypatch.setattr("resnet_course.course.run.course_root", lambda: tmp_path)
    assert cli.main(["checks", "--table"]) == 2
    assert "has no answers to bottleneck_shapes" in capsys.readouterr().err
