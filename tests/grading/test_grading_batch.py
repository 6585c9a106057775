"""A class is graded: the same marks whatever happens on the way."""

from __future__ import annotations

import contextlib
import csv
import os
import random
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from grading_helpers import nbgrader_folder, release_of, write_assignment, write_class

from resnet_course.base.errors import CourseError
from resnet_course.grading import commands
from resnet_course.grading.assignment import build
from resnet_course.grading.marks import batch
from resnet_course.grading.marks.outcomes import outcome_file, read_outcome
from resnet_course.grading.sandbox.session import TRUST, Limits, Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is a Linux program")

ANSWERED = {
    "ada": ("def double(x):\n    return x + x", 10),
    "ben": ("def double(x):\n    return 3 * x", 5),
    "cem": ("def double(x):\n    raise NotImplementedError", 0),
    "dia": ("import ctypes\nctypes.string_at(0)", 0),
    "eli": ("def double(x):\n    return x - 1", 0),
}
ANSWERS, POINTS = ({student: both[part] for student, both in ANSWERED.items()} for part in (0, 1))
LIMITS = Limits(wall=60, cpu=20)


@pytest.fixture
def classroom(tmp_path):
    tests = write_assignment(tmp_path)
    folder = tmp_path / "classroom"
    write_class(folder, release_of(tests), ANSWERS)
    return folder, tests


def grade(folder, tests, backwards=False):
    """Whom it graded."""
    jobs, odd = batch.jobs_in(folder, [tests], LIMITS, Sandbox())
    left = [job for job in jobs if not batch.is_done(job, folder)]
    assert batch.grade_all(left[::-1] if backwards else left, 1, folder, lambda: None) == odd == []
    return [job.student for job in left]


def points(folder):
    return {student: read_outcome(outcome_file(folder, "tiny", student)).points for student in ANSWERS}


def test_every_hand_in_gets_its_points_once(classroom):
    folder, tests = classroom
    assert sorted(grade(folder, tests)) == sorted(ANSWERS)
    assert points(folder) == POINTS
    assert read_outcome(outcome_file(folder, "tiny", "dia")).ending == "crashed"
    assert grade(folder, tests) == []  # nothing is left to do

    # A new hand-in is graded again, and so is one whose outcome was cut off or lost.
    (folder / "submitted" / "ada" / "tiny" / "extra.ipynb").write_text("x", encoding="utf-8")
    outcome_file(folder, "tiny", "ben").write_text('{"student": ', encoding="utf-8")
    outcome_file(folder, "tiny", "cem").unlink()
    assert sorted(grade(folder, tests, backwards=True)) == ["ada", "ben", "cem"]
    assert points(folder) == POINTS


@pytest.mark.complete
def test_new_hidden_tests_mean_new_marks(classroom):
    folder, tests = classroom
    for student in ("ben", "cem", "dia", "eli"):
        (folder / "submitted" / student / "tiny" / "tiny.ipynb").unlink()
        (folder / "submitted" / student / "tiny").rmdir()
    assert grade(folder, tests) == ["ada"]
    (tests / "hidden.py").write_text(
        (tests / "hidden.py").read_text(encoding="utf-8") + "# changed\n", encoding="utf-8"
    )
    batch.load_assignment.cache_clear()
    assert grade(folder, tests) == ["ada"]


@pytest.mark.complete
def test_killed_at_twenty_moments_and_started_again(classroom):
    """It is killed with all its processes; the last start makes the same marks, and the gradebook."""
    folder, tests = classroom
    nbgrader_folder(folder, tests)
    script = folder.parent / "program.py"
    script.write_text(
        "import sys, pathlib\nfrom resnet_course.grading import commands\n"
        f"commands.assignment_folders = lambda: [pathlib.Path({str(tests)!r})]\n"
        "if __name__ == '__main__':\n    sys.exit(commands.main(sys.argv[1:]))\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(script), "grade", str(folder), "--workers", "1", "--seconds", "60"]
    started = time.monotonic()
    assert subprocess.run([*command, "--help"], capture_output=True, check=False).returncode == 0
    start = min(3.0, time.monotonic() - started)  # what Python needs before it does anything
    moments = random.Random(0)
    for _ in range(20):
        job = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(start * moments.uniform(0.8, 1.8))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    together = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [job.communicate(timeout=240)[1] for job in together]
    states = [job.returncode for job in together]
    assert sorted(states) in ([0, 0], [0, 2]), said
    assert all(
        ("being graded by another process" in text) == (state == 2) for text, state in zip(said, states, strict=True)
    )
    assert points(folder) == POINTS

    export = folder / "grades.csv"
    build.nbgrader(folder, "export", f"--CsvExportPlugin.to={export}")
    rows = {row["student_id"]: row for row in csv.DictReader(export.open(encoding="utf-8"))}
    assert {student: float(row["raw_score"]) for student, row in rows.items()} == POINTS
    assert {float(row["max_score"]) for row in rows.values()} == {15.0}

    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import Config

    # Whom formgrader shows as graded: for the others it would offer to run their code, without a sandbox.
    api = NbGraderAPI(config=Config({"CourseDirectory": {"root": str(folder)}}))
    assert api.get_autograded_students("tiny") == set(ANSWERS)


def test_without_hand_ins_the_command_says_where_they_belong(classroom, monkeypatch, capsys):
    folder, tests = classroom
    with pytest.raises(CourseError, match="submitted/STUDENT/ASSIGNMENT"):
        batch.jobs_in(folder.parent, [tests], LIMITS, Sandbox())
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert commands.main(["doctor"]) == 2
    assert "apt install bubblewrap" in capsys.readouterr().err


def test_nothing_in_a_hand_in_or_a_worker_ends_the_batch(classroom, monkeypatch):
    folder, tests = classroom
    for odd in (".profile", "a\nb", os.fsdecode(b"\xb0\xa1"), "x" * 200):
        (folder / "submitted" / odd / "tiny").mkdir(parents=True)
    jobs, listed = batch.jobs_in(folder, [tests], LIMITS, Sandbox())
    assert sorted(job.student for job in jobs) == sorted(ANSWERS)
    assert len([line for line in listed if "no student's id" in line and line.isprintable()]) == 4

    def one(job):
        if job.student == "ben":
            raise MemoryError("a hand-in like no other")
        return read_outcome(outcome_file(folder.parent, "tiny", "ada")) or batch.Outcome(
            job.student, "tiny", job.digest, job.tests_digest, "graded", (), ("\ud83d",), (), "\udcff", 0.1
        )

    monkeypatch.setattr(batch, "grade_one", one)
    failed = batch.grade_all(jobs, 2, folder, lambda: None)
    assert failed == ["ben, tiny: MemoryError: a hand-in like no other"]
    left = [job.student for job in jobs if not batch.is_done(job, folder)]
    assert left == ["ben"]  # the next time


def test_large_files_are_not_read_for_their_digest(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda path: pytest.fail(f"{path} is read"))
    with open(tmp_path / "tiny.ipynb", "wb") as file:
        file.truncate(2**40)
    (tmp_path / "other.bin").symlink_to("/dev/zero")
    one = batch.digest_of(tmp_path)
    os.truncate(tmp_path / "tiny.ipynb", 2**41)
    assert batch.digest_of(tmp_path) != one


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('"ada"', False),
        ('" ADA "', False),
        ('"ada"  # me', False),
        ('"your id"', True),
        ("'ben'", True),
        ('"ben"  # "ada"', True),
    ],
)
def test_a_wrong_or_missing_id_is_said(written, said):
    hand_in = SimpleNamespace(cells=["import torch", f"student = {written}\nstages = 3"])
    assert batch._other_id(hand_in, "ada").startswith(batch.OTHER_ID) == said


def test_two_graders_do_not_do_the_work_twice(classroom, capsys, monkeypatch):
    folder, _ = classroom
    monkeypatch.setattr(commands, "grade_folder", lambda *_: [commands.main(["grade", str(folder)])][:0])
    monkeypatch.setattr(commands, "marks_table", str)
    monkeypatch.setattr(commands, "_sandbox", lambda options: None)
    assert commands.main(["grade", str(folder)]) == 0
    assert "is being graded by another process" in capsys.readouterr().err
    monkeypatch.setattr(commands, "grade_folder", Mock(side_effect=KeyboardInterrupt))
    assert commands.main(["grade", str(folder)]) == 130
    assert "stopped; run the same command again" in capsys.readouterr().err
    assert commands.main(["grade", str(folder / "nowhere")]) == 2


@pytest.mark.parametrize(
    ("arguments", "starter", "said"),
    [
        ([], Mock(), "\nwarm: each hand-in runs in a fork"),
        ([], None, "\nnot warm: every hand-in starts Python"),
        (["--container", "docker"], Mock(), "\nnot warm: every hand-in starts Python"),
        ([TRUST], Mock(), "no sandbox: a learner's code would run like your own"),
    ],
)
def test_doctor_says_how_hand_ins_start(arguments, starter, said, monkeypatch, capsys):
    monkeypatch.setattr(Sandbox, "check", lambda self: None)
    monkeypatch.setattr(commands.warm, "borrow", lambda scratch: starter)
    monkeypatch.setattr(commands.warm, "give_back", lambda starter: None)
    assert commands.main(["doctor", *arguments]) == 0
    assert said in capsys.readouterr().out
