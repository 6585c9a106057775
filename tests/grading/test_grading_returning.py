"""What goes back: summaries, one archive, tables; and where an assignment stands."""

import contextlib
import csv
import io
import json
import zipfile

import pytest

from resnet_course.assignments import stage_specification
from resnet_course.grading import commands
from resnet_course.grading.assignment.build import assignment_folders
from resnet_course.grading.assignment.folder import load_assignment
from resnet_course.grading.handin.roster import Roster
from resnet_course.grading.marks.batch import OTHER_ID, Job
from resnet_course.grading.marks.marking import Mark
from resnet_course.grading.marks.outcomes import Outcome, write_outcome
from resnet_course.grading.marks.returning import finish_feedback, harmless_table, platform_table, report_key, summary
from resnet_course.grading.marks.status import status
from resnet_course.grading.sandbox.session import Limits, Sandbox
from resnet_course.inspection import count_multiply_adds, count_parameters
from resnet_course.models import BasicBlock

RIGHT = Mark("a", 8.0, 8.0, "right", None, "Receptive field: right.")
PART = Mark("b", 3.5, 7.0, "partly right", "x", "A step: How often? <Twice>, `<x>`.")


def outcome(student="ada", ending="graded", repairs=(), marks=(RIGHT, PART)):
    return Outcome(student, "a1_vgg", "0", "1", ending, marks, tuple(repairs), ("",) * (ending != "refused"), "", 0.1)


def test_a_summary_says_points_what_went_well_and_what_to_think_about():
    page = summary(outcome(repairs=["code cell 1, line 1: ImportError"]))
    assert "a1_vgg: 11.5 of 15 points" in page
    assert page.index("What went well") < page.index("Receptive field") < page.index("To think about")
    assert "How often? &lt;Twice&gt;, <code>&lt;x&gt;</code>." in page
    assert "About the file:" in page
    assert "is not in this sum" in page
    assert "is not in this sum" not in summary(outcome(), by_hand=False)


def test_why_nothing_could_be_read_stands_alone_and_what_ended_the_sandbox_with_its_task():
    unread = Mark("a", 0.0, 8.0, "not written", None, "Receptive field: the hand-in could not be read.")
    refused = summary(outcome(ending="refused", repairs=["it is a link"], marks=(unread,)))
    assert refused.index("could not be graded") < refused.index("it is a link")
    assert "To think about" not in refused
    ended = Mark("a", 0.0, 8.0, "wrong", "refused", "Receptive field: the process gave something that is no result.")
    refused = summary(outcome(ending="refused", marks=(ended,)))
    assert "could not be graded" not in refused
    assert "gave something that is no result" in refused


def test_pages_go_back_in_one_archive_under_the_platforms_names(tmp_path):
    for student in ("ada", "ben"):
        write_outcome(outcome(student), tmp_path)
        page = tmp_path / "feedback" / student / "a1_vgg" / "a1_vgg.html"
        page.parent.mkdir(parents=True)
        page.write_text("<html><head></head><body class='x'><p>cells</p></body></html>", encoding="utf-8")
    release = tmp_path / "release" / "a1_vgg" / "a1_vgg.ipynb"
    release.parent.mkdir(parents=True)
    code = {"metadata": {"nbgrader": {"solution": True, "grade": False}}}
    release.write_text(json.dumps({"cells": [code, {"metadata": {}}]}), encoding="utf-8")
    kept = tmp_path / "submitted" / "ada" / "a1_vgg"
    kept.mkdir(parents=True)
    (kept / "collected.txt").write_text("Ada L_123_assignsubmission_file/a1_vgg.ipynb\nin time\n", encoding="utf-8")
    for _ in range(2):
        (archive,) = finish_feedback(tmp_path)
        with zipfile.ZipFile(archive) as packed:
            assert sorted(packed.namelist()) == ["Ada L_123_assignsubmission_file/a1_vgg.html", "ben/a1_vgg.html"]
            page = packed.read("ben/a1_vgg.html").decode()
        assert page.count("11.5 of 15 points") == page.count('<meta name="viewport"') == 1
        assert "is not in this sum" not in page
        assert page.index("<body class='x'>") < page.index("11.5 of") < page.index("<p>cells</p></body></html>")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("+x", "'+x"),
        ("-cmd", "'-cmd"),
        ("-1.5", "-1.5"),
        ("a=b", "a=b"),
        ("\tx", "'\tx"),
    ],
)
def test_no_cell_of_a_table_is_a_formula(cell, written):
    ((head, found),) = csv.reader([harmless_table(f'id,"{cell}"\n').strip("\n")])
    assert (head, found) == ("id", written)


def test_platforms_get_their_layout_and_nothing_handed_in_is_not_zero(tmp_path):
    table = "assignment,student_id,score\na1_vgg,ada,12.5\na1_vgg,ben,0.0\na1_vgg,cem,0.0\n"
    for student in ("ada", "ben"):
        (tmp_path / "submitted" / student / "a1_vgg").mkdir(parents=True)
    roster = Roster(("ada", "ben", "cem", "dia"), {})
    moodle = platform_table(table, "moodle", tmp_path, roster).splitlines()
    assert moodle == ["ID number,a1_vgg", "ada,12.5", "ben,0.0", "cem,", "dia,"]
    assert platform_table(table, "canvas", tmp_path, None).splitlines()[1] == "ada,,ada,,12.5"


@pytest.fixture(scope="module")
def reported():
    """Assignment 3: who marks its reports needs the numbers of each student's own stages."""
    return load_assignment(next(folder for folder in assignment_folders() if folder.name == "a3_resnet18"))


def test_the_key_holds_what_the_notebook_prints_and_the_network_has(reported):
    rows = list(csv.DictReader(io.StringIO(report_key(["007", "student1"], reported))))
    assert [(row["student"], row["stage"]) for row in rows[:5:4]] == [("007", "layer1"), ("student1", "layer1")]
    for student in ("007", "student1"):
        own = [row for row in rows if row["student"] == student]
        names = reported.solution(f"stages = stage_specification({student!r})")
        costs = next(cell.source for cell in reported.cells if "million multiply-adds" in cell.source)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(costs, names)
        for row, line in zip(own, printed.getvalue().splitlines(), strict=True):
            work = int(row["multiply_adds"]) / 1e6
            expected = (
                f"{row['stage']}: {int(row['parameters']):,} parameters, {work:.2f} million multiply-adds, "
                f"{row['channels']}×{row['height']}×{row['width']} leaves it"
            )
            assert line.split() == expected.split()
        network = names["StageResNet"](BasicBlock, stage_specification(student), 4)
        layers = [getattr(network, row["stage"]) for row in own]
        assert [int(row["parameters"]) for row in own] == [count_parameters(layer) for layer in layers]
        shape = (layers[0][0].conv1.in_channels, 16, 16)
        for row, layer in zip(own, layers, strict=True):
            assert int(row["multiply_adds"]) == count_multiply_adds(layer, shape)
            shape = tuple(int(row[side]) for side in ("channels", "height", "width"))


def test_the_key_is_for_all_who_are_known_and_none_of_its_cells_is_a_formula(tmp_path, capsys):
    for student in ("ada", "+x"):
        (tmp_path / "submitted" / student).mkdir(parents=True)
    (tmp_path / "class.csv").write_text("id\n007\nada\n", encoding="utf-8")
    command = ["key", str(tmp_path), "--students", str(tmp_path / "class.csv")]
    assert commands.main(command) == 0
    printed = capsys.readouterr().out
    assert [line.split(",")[0] for line in printed.splitlines()[1::4]] == ["'+x", "007", "ada"]
    assert commands.main([*command, "--output", str(tmp_path / "key.csv")]) == 0
    assert (tmp_path / "key.csv").read_text(encoding="utf-8") == printed
    assert commands.main(["key", str(tmp_path / "nowhere")]) == 2


def test_status_names_everybody_who_needs_a_look(tmp_path):
    jobs = []
    for student, ending in (("ada", "graded"), ("ben", "refused"), ("cem", None)):
        place = tmp_path / "submitted" / student / "a1_vgg"
        place.mkdir(parents=True)
        (place / "collected.txt").write_text(f"x\n{'late' if student == 'cem' else 'in time'}\n", encoding="utf-8")
        jobs.append(Job(student, "a1_vgg", str(place), "", "", Limits(), Sandbox(), "1", "0"))
        if ending:
            other = f'{OTHER_ID}your id", and it is marked for "{student}": what is drawn'
            write_outcome(outcome(student, ending, ["it is a link" if ending == "refused" else other]), tmp_path)
    said = status(jobs, ["'x y': no id"], tmp_path, Roster(("ada", "ben", "cem", "dia"), {}))
    assert "a1_vgg: 3 handed in, 2 graded" in said
    for line in (
        "not graded yet: 1: cem",
        "missing: 1: dia",
        "late: 1: cem",
        "refused: 1: ben (it is a link)",
        'another id in the notebook: 1: ada ("your id")',
        "left out",
    ):
        assert line in said
