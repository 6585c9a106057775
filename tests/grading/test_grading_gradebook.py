"""Marks in nbgrader's gradebook: what a person gave stays, and what the page shows is not the learner's to run."""

from __future__ import annotations

import errno
import shutil

import nbformat
import pytest
from grading_helpers import answered, nbgrader_folder, release_of, write_assignment, write_class
from nbgrader.api import Gradebook

from resnet_course.base.errors import CourseError
from resnet_course.grading import commands
from resnet_course.grading.assignment import build
from resnet_course.grading.marks import gradebook as gradebook_module
from resnet_course.grading.marks.gradebook import write_marks
from resnet_course.grading.marks.marking import Mark
from resnet_course.grading.marks.outcomes import Outcome

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

    def write_one(gradebook, outcome, folder):
        if outcome.student == "ada":
            raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "half a sign")
        real(gradebook, outcome, folder)

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


def test_a_damaged_or_missing_gradebook_gets_advice(tmp_path, capsys):
    assert commands.main(["export", str(tmp_path)]) == 2
    assert "has no gradebook yet; `grade` makes it" in capsys.readouterr().err
    (tmp_path / "gradebook.db").write_bytes(b"no database " * 100)
    with pytest.raises(CourseError, match=r"gradebook.db is damaged \(.*Move it away"):
        write_marks([], tmp_path)
    for command in ("export", "feedback"):
        assert commands.main([command, str(tmp_path)]) == 2
        assert "is damaged (file is not a database). Move it away" in capsys.readouterr().err


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
