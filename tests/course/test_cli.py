"""The command line: one clear message and status 2 for what the user can mend."""

import os
import re
import subprocess
import sys

import pytest

from resnet_course import __version__
from resnet_course.base.errors import CourseError
from resnet_course.course import cli
from resnet_course.course.run import Outcome
from resnet_course.notebook.lessons import LESSONS, find_lesson


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
        (["run", "99"], {}, "there is no lesson '99'"),
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


def test_version() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout.strip()) == (0, __version__)


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

    def run_lessons(lessons, root, student=False):
        noted.append(([lesson.number for lesson in lessons], student))
        return [Outcome(lesson, 1.0, (), "ValueError: x" if lesson.number == "06" else None) for lesson in lessons]

    monkeypatch.setattr("resnet_course.course.run.run_lessons", run_lessons)
    return noted


def test_run_runs_what_it_is_given_and_fails_if_a_lesson_does(runs: list[tuple]) -> None:
    assert cli.main(["run", "05", "2"]) == 0
    assert cli.main(["run", "--student", "degradation", "06"]) == 1
    assert runs == [(["05", "02"], False), (["02", "06"], True)]


def test_course_runs_all_lessons(runs: list[tuple], capsys) -> None:
    assert cli.main(["course"]) == 1  # because of 06
    assert runs == [([lesson.number for lesson in LESSONS], False)]
    assert "executed notebooks and HTML pages" in capsys.readouterr().out


def test_nothing_runs_when_one_of_the_lessons_is_unknown(runs: list[tuple], capsys) -> None:
    assert cli.main(["run", "05", "99"]) == 2
    assert runs == []
    assert "there is no lesson '99'" in capsys.readouterr().err


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
    (sample,) = (step for step in usual if step not in complete)
    assert sample.arguments[:1] in [step.arguments for step in complete]


@pytest.mark.parametrize("failing", ["one", "two"])
def test_the_first_group_with_a_failed_step_ends_it(failing: str, monkeypatch, capfd) -> None:
    group = {"one": "pass", "two": "pass", failing: "print('by it'); raise SystemExit(3)"}
    monkeypatch.setattr(cli, "TEST_STEPS", (steps(**group), steps(three="pass")))
    assert cli.main(["test"]) == 1
    said = capfd.readouterr()
    assert f"failed: {failing}" in said.err
    assert "by it" in said.out
    assert "three" not in said.out


@pytest.mark.parametrize(("module", "extra"), [("nbformat", "lab"), ("sphinx", "dev")])
def test_a_missing_extra_is_named(module: str, extra: str, monkeypatch, capsys) -> None:
    def fail(*_) -> None:
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)

    monkeypatch.setattr("resnet_course.course.run.run_lessons", fail)
    assert cli.main(["run", "05"]) == 2
    assert f"{module} is missing. Install it with: pip install 'resnet-course[{extra}]'" in capsys.readouterr().err


def test_an_error_of_the_course_is_printed_without_a_traceback(monkeypatch, capsys) -> None:
    def fail(*arguments):
        raise CourseError("the disk is full; free some space")

    monkeypatch.setattr("resnet_course.course.run.run_lessons", fail)
    assert cli.main(["run", find_lesson("05").number]) == 2
    assert capsys.readouterr().err == "error: the disk is full; free some space\n"
