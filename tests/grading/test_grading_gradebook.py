"""Marks in nbgrader's gradebook: what a person gave stays, and what the page shows is not the learner's to run."""

from __future__ import annotations

import dataclasses
import datetime
import errno
import functools
import shutil
import sqlite3
import zipfile
from contextlib import closing
from types import SimpleNamespace
from unittest.mock import Mock

import nbformat
import nbgrader.api
import pytest
from grading_helpers import answered, nbgrader_folder, release_of, write_assignment, write_class
from nbgrader.api import Gradebook

from resnet_course.base.errors import CourseError
from resnet_course.grading import commands
from resnet_course.grading.assignment import build
from resnet_course.grading.marks import batch
from resnet_course.grading.marks import gradebook as gradebook_module
from resnet_course.grading.marks.batch import Job
from resnet_course.grading.marks.gradebook import open_gradebook, write_marks
from resnet_course.grading.marks.marking import Mark
from resnet_course.grading.marks.outcomes import Outcome
from resnet_course.grading.marks.status import status
from resnet_course.grading.sandbox.session import Limits, Sandbox

ANSWER = "def double(x):\n    return x + x"
REPORT = "words"


def outcome(points, comment, student="ada", repairs=()):
    mark = Mark("double", points, 10.0, "right" if points == 10 else "mistake", None, comment)
    return Outcome(student, "tiny", "", "", "graded", (mark,), tuple(repairs), (), "", 0.1)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    tests = write_assignment(root)
    write_class(root, release_of(tests), {"ada": ANSWER, "ben": ANSWER})
    nbgrader_folder(root, tests)
    return root


@pytest.fixture
def course(built, tmp_path):
    """A copy of its own, so that the order of the tests does not matter."""
    return shutil.copytree(built, tmp_path / "course")


def submission(gradebook, student="ada"):
    return gradebook.find_submission("tiny", student)


def grade_of(gradebook, name, student="ada"):
    return next(grade for grade in submission(gradebook, student).notebooks[0].grades if grade.cell.name == name)


def comment_of(gradebook, name):
    return next(c for c in submission(gradebook).notebooks[0].comments if c.cell.name.removesuffix("_answer") == name)


def book(course):
    return Gradebook(f"sqlite:///{course / 'gradebook.db'}")


def test_what_a_person_marked_survives_grading_again(course):
    write_marks([outcome(5.0, "How often? Twice.")], course)
    with book(course) as gradebook:
        report = grade_of(gradebook, REPORT)
        assert grade_of(gradebook, "double").auto_score == 5.0
        assert report.needs_manual_grade
        report.manual_score, report.extra_credit = 4.0, 1.0
        report.needs_manual_grade = False  # as formgrader does
        comment_of(gradebook, REPORT).manual_comment = "A clear table."
        comment_of(gradebook, "double").manual_comment = "See me."
        grade_of(gradebook, "double").manual_score = 7.0  # overruled by a person
        gradebook.db.commit()
    write_marks([outcome(10.0, "Right.")], course)
    write_marks([outcome(10.0, "Right.")], course)
    with book(course) as gradebook:
        report, double = grade_of(gradebook, REPORT), grade_of(gradebook, "double")
        assert (report.manual_score, report.extra_credit, report.needs_manual_grade) == (4.0, 1.0, False)
        assert (double.auto_score, double.manual_score, double.score) == (10.0, 7.0, 7.0)
        assert comment_of(gradebook, REPORT).manual_comment == "A clear table."
        assert comment_of(gradebook, "double").manual_comment == "See me."
        assert comment_of(gradebook, "double").auto_comment == "Right."
        assert submission(gradebook).score == 12.0


def test_a_report_that_is_gone_earns_nothing_and_waits_for_nobody(course):
    path = course / "submitted" / "ben" / "tiny" / "tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != REPORT]
    nbformat.write(notebook, path)
    write_marks([outcome(10.0, "Right.", "ben", ["the cell words is missing"])], course)
    with book(course) as gradebook:
        assert submission(gradebook, "ben").score == 10.0


def test_nbgraders_own_autograding_runs_nothing_and_changes_no_mark(course, tmp_path):
    write_marks([outcome(5.0, "How often? Twice.", "ben")], course)
    path = course / "submitted" / "ben" / "tiny" / "tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"open({str(tmp_path / 'ran')!r}, 'w')"))
    nbformat.write(notebook, path)
    with pytest.raises(CourseError, match="autograde"):
        build.nbgrader(course, "autograde", "tiny", "--force")
    assert not (tmp_path / "ran").exists()
    with book(course) as gradebook:
        assert grade_of(gradebook, "double", "ben").auto_score == 5.0
    write_marks([outcome(5.0, "How often? Twice.", "ben")], course)
    assert (course / "autograded" / "ben" / "tiny" / "tiny.ipynb").is_file()


def test_the_page_of_a_person_holds_no_code_of_the_learners(course, tmp_path):
    release = nbformat.read(course / "release" / "tiny" / "tiny.ipynb", as_version=4)
    notebook = answered(release, ANSWER)
    notebook.cells.append(nbformat.v4.new_markdown_cell("<script>alert(1)</script> [x](javascript:alert(2))"))
    html = nbformat.v4.new_output("display_data", {"text/html": "<script>alert(3)</script>", "text/plain": "shown"})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [html]
        if cell.metadata.get("nbgrader", {}).get("grade_id") == REPORT:
            cell.source = "My report <img src=x onerror=alert(4)>"
    nbformat.write(notebook, course / "submitted" / "ada" / "tiny" / "tiny.ipynb")
    write_marks([outcome(10.0, "Right.")], course)

    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_filename(course / "autograded" / "ada" / "tiny" / "tiny.ipynb")
    assert "My report" in page
    assert "shown" in page
    for attack in ("<script>alert", "<img src=x", 'href="javascript:'):
        assert attack not in page


def test_one_hand_in_that_cannot_be_written_does_not_cost_the_others_their_marks(course, monkeypatch):
    real = gradebook_module._write_one

    def write_one(gradebook, outcome, folder, stamp):
        if outcome.student == "ada":
            raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "half a sign")
        real(gradebook, outcome, folder, stamp)

    monkeypatch.setattr(gradebook_module, "_write_one", write_one)
    (failed,) = write_marks([outcome(1.0, "x"), outcome(3.0, "y", "ben")], course)
    assert failed.startswith("ada, tiny: UnicodeEncodeError")
    with book(course) as gradebook:
        assert grade_of(gradebook, "double", "ben").auto_score == 3.0


def write_report(course, text):
    path = course / "submitted" / "ben" / "tiny" / "tiny.ipynb"
    notebook = answered(nbformat.read(course / "release" / "tiny" / "tiny.ipynb", as_version=4), ANSWER)
    next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == REPORT).source = text
    nbformat.write(notebook, path)
    write_marks([outcome(10.0, "Right.", "ben")], course)


def test_a_report_that_changed_after_it_was_marked_waits_for_a_person_again(course):
    write_report(course, "The first one.")
    with book(course) as gradebook:
        report = grade_of(gradebook, REPORT, "ben")
        report.manual_score, report.needs_manual_grade = 4.0, False
        gradebook.db.commit()
    write_report(course, "The first one.")
    with book(course) as gradebook:
        assert not grade_of(gradebook, REPORT, "ben").needs_manual_grade
    write_report(course, "Another one.")
    write_report(course, "Another one.")  # and it stays so
    with book(course) as gradebook:
        report = grade_of(gradebook, REPORT, "ben")
        assert (report.manual_score, report.needs_manual_grade) == (4.0, True)


@pytest.fixture
def locked(course, monkeypatch):
    """Another program that has begun to write; nbgrader does not wait long for it."""
    create = functools.partial(nbgrader.api.create_engine, connect_args={"timeout": 0.1})
    monkeypatch.setattr(nbgrader.api, "create_engine", create)
    with closing(sqlite3.connect(course / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_a_report_that_changed_keeps_its_flag_if_its_marks_could_not_be_written(course, locked):
    locked.execute("ROLLBACK")
    write_report(course, "The first one.")
    with book(course) as gradebook:
        report = grade_of(gradebook, REPORT, "ben")
        report.manual_score, report.needs_manual_grade = 4.0, False
        gradebook.db.commit()
    locked.execute("BEGIN IMMEDIATE")
    with pytest.raises(CourseError, match="another program"):
        write_report(course, "Another one.")
    locked.execute("ROLLBACK")
    write_report(course, "Another one.")
    with book(course) as gradebook:
        assert grade_of(gradebook, REPORT, "ben").needs_manual_grade
    page = course / "autograded" / "ben" / "tiny" / "tiny.ipynb"
    assert "Another one." in page.read_text(encoding="utf-8")


def test_what_is_in_the_gradebook_already_is_not_written_again(course, locked):
    locked.execute("ROLLBACK")
    (course / "submitted" / "ada" / "tiny" / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC", encoding="utf-8")
    write_marks([outcome(10.0, "Right.", repairs=["x"])], course)
    page = course / "autograded" / "ada" / "tiny" / "tiny.ipynb"
    written = page.stat().st_ino
    locked.execute("BEGIN IMMEDIATE")
    assert write_marks([outcome(10.0, "Right.", repairs=["x"])], course) == []
    assert page.stat().st_ino == written
    with pytest.raises(CourseError, match="another program"):
        write_marks([outcome(10.0, "Right.", repairs=["y"])], course)


@pytest.fixture
def grade(course, monkeypatch):
    """The command `grade` for the tiny assignment; the sandbox is left out, and whom it graded is kept."""
    graded = []

    def grade_one(job):
        graded.append(job.student)
        hand_in = SimpleNamespace(cells=['student = "ada"  # me'])
        repairs = filter(None, [batch._other_id(hand_in, job.student)])
        found = outcome(10.0, "Right.", job.student, repairs)
        return dataclasses.replace(found, hand_in=job.digest, tests=job.tests_digest)

    monkeypatch.setattr(commands, "assignment_folders", lambda: [course / "assignments" / "tiny"])
    monkeypatch.setattr(commands, "_sandbox", lambda options: Sandbox("none"))
    monkeypatch.setattr(batch, "grade_one", grade_one)
    return lambda: (commands.main(["grade", str(course), "--workers", "1"]), sorted(graded))


def lines_of_error(capsys):
    """Without the progress bar."""
    return [line for line in capsys.readouterr().err.splitlines() if line and "hand-in/s" not in line]


def test_a_gradebook_that_another_program_holds_is_said_once_and_no_mark_is_lost(course, grade, locked, capsys):
    assert grade() == (2, ["ada", "ben"])
    (line,) = lines_of_error(capsys)
    assert "another program has" in line
    assert "close it" in line
    assert "not computed again" in line
    locked.execute("ROLLBACK")
    assert grade() == (0, ["ada", "ben"])  # nobody twice
    assert capsys.readouterr().out.endswith('\ntiny, another id in the notebook: ben ("ada")\n')
    with book(course) as gradebook:
        assert grade_of(gradebook, "double", "ben").auto_score == 10.0
    locked.execute("BEGIN EXCLUSIVE")  # it cannot even be read
    assert grade()[0] == 2
    assert "another program has" in lines_of_error(capsys)[0]


@pytest.mark.parametrize("left", ["nothing", "another assignment's"])
def test_without_a_gradebook_of_the_assignment_build_is_named_once(course, grade, left, capsys):
    path = course / "gradebook.db"
    path.unlink()
    if left != "nothing":
        with open_gradebook(course):  # an empty one, as `grade` once left it
            pass
    assert grade() == (2, [])
    (line,) = lines_of_error(capsys)
    assert f"make it with `python -m resnet_course.grading build {course}`" in line
    assert path.exists() == (left != "nothing")


def test_one_bad_page_does_not_keep_the_others_from_going_back(course, grade, monkeypatch, capsys):
    real, asked = build.nbgrader, []

    def nbgrader_(folder, command, name, *arguments):
        asked.append(name)
        real(folder, command, name, *arguments)

    folders = [course / "assignments" / "tiny", course / "assignments" / "zeta"]
    (course / "autograded" / "ada" / "zeta").mkdir(parents=True)
    assert grade()[0] == 0
    page = course / "autograded" / "ada" / "tiny" / "tiny.ipynb"
    was = page.read_bytes()
    page.write_text("no notebook", encoding="utf-8")
    monkeypatch.setattr(commands, "assignment_folders", lambda: folders)
    monkeypatch.setattr(commands, "nbgrader", nbgrader_)
    capsys.readouterr()
    assert commands.main(["feedback", str(course)]) == 1
    said = capsys.readouterr()
    assert asked == ["tiny", "zeta"]
    assert "failed: tiny: no page for ada; `grade` again" in said.err
    assert "failed: zeta: no page for ada" in said.err
    with zipfile.ZipFile(course / "feedback" / "tiny.zip") as packed:
        assert packed.namelist() == ["ben/tiny.html"]
    monkeypatch.setattr(commands, "assignment_folders", lambda: folders[:1])
    assert grade()[0] == 0
    assert page.read_bytes() == was  # so the next page is a good one


def test_a_damaged_or_missing_gradebook_gets_advice(tmp_path, capsys):
    assert commands.main(["export", str(tmp_path)]) == 2
    assert "has no gradebook yet; make it with `python -m resnet_course.grading build" in capsys.readouterr().err
    (tmp_path / "gradebook.db").write_bytes(b"no database " * 100)
    with pytest.raises(CourseError, match=r"gradebook.db is damaged \(.*Move it away"):
        write_marks([], tmp_path)
    for command in ("export", "feedback"):
        assert commands.main([command, str(tmp_path)]) == 2
        assert "is damaged (file is not a database). Move it away" in capsys.readouterr().err


def test_what_has_not_changed_is_not_written_again(course, monkeypatch):
    write_marks([outcome(5.0, "x")], course)
    monkeypatch.setattr(gradebook_module, "_write_one", write := Mock())
    write_marks([outcome(5.0, "x")], course)
    write.assert_not_called()
    write_marks([outcome(6.0, "x")], course)
    (course / "autograded" / "ada" / "tiny" / "tiny.ipynb").unlink()
    write_marks([outcome(5.0, "x")], course)
    assert write.call_count == 2


def test_who_came_after_the_due_date_is_late(course):
    place = course / "submitted" / "ada" / "tiny"
    place.mkdir(parents=True, exist_ok=True)
    (place / "timestamp.txt").write_text("2027-03-01 12:00:00 UTC\n", encoding="utf-8")
    write_marks([outcome(10.0, "Right.")], course)
    job = Job("ada", "tiny", str(place), "", "", Limits(), Sandbox())
    for due, late in ((datetime.datetime(2027, 3, 1, 11), True), (datetime.datetime(2027, 3, 1, 13), False)):
        with book(course) as gradebook:
            gradebook.find_assignment("tiny").duedate = due
            gradebook.db.commit()
        assert ("late: 1: ada" in status([job], [], course, None)) == late


def test_a_full_disk_ends_the_writing_with_a_sentence(course, monkeypatch):
    """Also where nbgrader wraps what the database said."""

    def fill(*_):
        raise ValueError("could not add it") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gradebook_module, "write_atomically", fill)
    with pytest.raises(CourseError, match=r"the disk of .* is full\. Make room and grade again"):
        write_marks([outcome(10.0, "Right.")], course)


def test_a_course_folder_may_be_moved(course, tmp_path):
    shutil.copytree(course, tmp_path / "moved")
    assert str(course) not in (tmp_path / "moved" / "nbgrader_config.py").read_text(encoding="utf-8")
    build.nbgrader(tmp_path / "moved", "generate_assignment", "tiny", "--force", "--create")
    assert (tmp_path / "moved" / "release" / "tiny" / "tiny.ipynb").is_file()
