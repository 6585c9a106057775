"""The command line: one clear message and status 2 for what the user can mend."""

import os
import re
import subprocess
import sys
from unittest.mock import Mock

import pytest

from resnet_course.base.errors import CourseError
from resnet_course.course import cli
from resnet_course.course.run import Outcome
from resnet_course.notebook.lessons import LESSONS


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess:
    """The command in a process of its own, with these settings and no others."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RESNET_COURSE_")}
    return subprocess.run(
        [sys.executable, "-m", "resnet_course", *arguments],
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_the_user_can_mend_gives_one_message_and_status_2() -> None:
    result = run("run", "05", RESNET_COURSE_DATASET="no_such_set")
    assert result.returncode == 2
    (message,) = result.stderr.strip().splitlines()
    assert message.startswith("error: unknown data set 'no_such_set'")
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["run", "05", "resnet"], {}, "there is no lesson 'resnet'"),
        (["run", "05"], {"RESNET_COURSE_DATASET": "./no/such/folder"}, "no/such/folder"),
        (["run", "05"], {"RESNET_COURSE_PROFILE": "fast"}, "RESNET_COURSE_PROFILE is 'fast'"),
        (["preflight"], {"RESNET_COURSE_PROFILE": "fast"}, "RESNET_COURSE_PROFILE is 'fast'"),
        (["reproduce", "no-such-plan"], {}, "there is no plan 'no-such-plan'"),
    ],
)
def test_more_that_the_user_can_mend(
    arguments: list[str], settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert cli.main(arguments) == 2
    shown = capsys.readouterr()
    (message,) = shown.err.strip().splitlines()
    assert message.startswith("error: ")
    assert said in message
    assert shown.out == ""


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["run"]])
def test_wrong_usage_ends_with_status_2_and_the_usage(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: resnet_course" in capsys.readouterr().err


def test_help_names_every_command(capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for command in ("course", "run", "checks", "lab", "preflight", "reproduce", "class-report", "notebooks", "test"):
        assert re.search(rf"^ +{command}\b", shown, re.MULTILINE), command


@pytest.fixture
def runs(monkeypatch) -> list[tuple]:
    """Lessons are not run but noted; lesson 09 fails."""
    noted = []

    def run_lessons(lessons, root, student=False, language="en"):
        noted.append(([lesson.number for lesson in lessons], student))
        return [Outcome(lesson, 1.0, (), "ValueError: x" if lesson.number == "06" else None) for lesson in lessons]

    monkeypatch.setattr("resnet_course.course.run.run_lessons", run_lessons)
    return noted


@pytest.mark.parametrize(
    ("arguments", "status", "ran", "said"),
    [
        ("run 05 2", 0, [(["05", "02"], False)], ""),
        ("run --student degradation 06", 1, [(["04", "06"], True)], ""),
        ("course", 1, [([lesson.number for lesson in LESSONS], False)], "executed notebooks and HTML pages"),
        ("run 05 99", 2, [], "error: there is no lesson '99'"),
    ],
)
def test_what_is_run_and_whether_a_lesson_fails(
    runs: list, arguments: str, status: int, ran, said: str, capsys
) -> None:
    assert cli.main(arguments.split()) == status
    assert runs == ran
    assert said in "".join(capsys.readouterr())


def steps(**sources: str) -> tuple[cli.Step, ...]:
    """A group of steps for `test`, each a line of Python."""
    return tuple(cli.Step(name, ("-c", source)) for name, source in sources.items())


def test_what_steps_say_stands_together_and_their_times_at_the_end(monkeypatch, capfd) -> None:
    groups = (steps(one="print('by one')", two="print('by two')"), steps(three="print('by three')"))
    monkeypatch.setattr(cli, "TEST_STEPS", groups)
    assert cli.main(["test"]) == 0
    said = capfd.readouterr().out
    assert " ".join(said.split()).startswith("--- two by two --- one by one --- three by three")
    assert sorted(re.findall(r"^(\w+) +\d+ s$", said, re.MULTILINE)) == ["one", "three", "two"]


@pytest.mark.parametrize(("arguments", "said"), [(["test"], "quick"), (["test", "--all"], "full")])
def test_a_step_has_its_settings_unless_the_environment_has_them_and_all_is_another_list(
    arguments: list[str], said: str, monkeypatch, capfd
) -> None:
    line = ("-c", "import os; print(os.environ['ONE'], os.environ['OTHER'])")
    monkeypatch.setenv("OTHER", "of the user")
    monkeypatch.setattr(cli, "TEST_STEPS", ((cli.Step("step", line, {"ONE": "quick", "OTHER": "quick"}),),))
    monkeypatch.setattr(cli, "ALL_STEPS", ((cli.Step("step", line, {"ONE": "full", "OTHER": "full"}),),))
    assert cli.main(arguments) == 0
    assert f"{said} of the user" in capfd.readouterr().out


def test_the_complete_run_has_every_step_of_the_usual_one_and_all_mutants() -> None:
    usual, complete = ([step for group in steps for step in group] for steps in (cli.TEST_STEPS, cli.ALL_STEPS))
    mutants, tests, notebooks = (step for step in usual if step not in complete)
    assert mutants.arguments[:1] in [step.arguments for step in complete]
    assert tests.arguments[:-2] in [step.arguments for step in complete]  # without a choice of tests
    assert (*notebooks.arguments, "--ignore=notebooks/ko") in [step.arguments for step in complete]
    assert "notebooks/ko" in [step.arguments[-1] for step in complete]


@pytest.mark.parametrize("failing", ["one", "two"])
def test_the_first_group_with_a_failed_step_ends_it(failing: str, monkeypatch, capfd) -> None:
    group = {"one": "pass", "two": "pass", failing: "print('by it'); raise SystemExit(3)"}
    monkeypatch.setattr(cli, "TEST_STEPS", (steps(**group), steps(three="pass")))
    assert cli.main(["test"]) == 1
    said = capfd.readouterr()
    assert f"failed: {failing}" in said.err
    assert "by it" in said.out
    assert "three" not in said.out


LACKS = "{0} is missing. In the course's folder: pip install -e '.[{1}]'"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError(name="nbformat"), LACKS.format("nbformat", "lab")),
        (ModuleNotFoundError(name="sphinx"), LACKS.format("sphinx", "dev")),
        (CourseError("the disk is full"), "the disk is full"),
    ],
)
def test_an_error_is_printed_without_a_traceback(error: Exception, said: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr("resnet_course.course.run.run_lessons", Mock(side_effect=error))
    assert cli.main(["run", "05"]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"
