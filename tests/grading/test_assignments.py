"""The assignments: solutions, known mistakes, and what learners are given."""

import json
import os
import re

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from resnet_course.assignments import example, stage_specification
from resnet_course.course.build import solution_lines
from resnet_course.grading.assignment import build
from resnet_course.grading.assignment.build import assignment_folders, build_classroom
from resnet_course.grading.assignment.folder import Assignment, load_assignment
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.marks.marking import mark
from resnet_course.grading.sandbox.examining import observe

FOLDERS = {folder.name: folder for folder in assignment_folders()}
TASKS = [
    pytest.param(load_assignment(folder), task, id=f"{name}-{task.grade_id}")
    for name, folder in FOLDERS.items()
    for task in load_assignment(folder).tasks
]
BLOCKED = ("nbgrader", "jupytext")


@pytest.fixture(scope="module")
def releases(tmp_path_factory) -> dict[str, bytes]:
    """The release notebooks by name."""
    return {path.stem: path.read_bytes() for path in build_classroom(tmp_path_factory.mktemp("classroom"))}


def marked(assignment: Assignment, task: Task, names):
    return mark(assignment, task, "ada", lambda case: observe(assignment.examiners[task.grade_id], names, case))


@pytest.mark.parametrize(("assignment", "task"), TASKS)
def test_solution_and_right_answers_earn_all_points_and_end_without_an_error(assignment, task):
    assert len(task.right) >= 2
    for index, source in enumerate(["", *(assignment.typed(task, right) for right in task.right)]):
        found = marked(assignment, task, assignment.solution(source))
        assert (found.status, found.points) == ("right", task.points), f"answer {index}: {found.comment}"
    for case in task.cases("ada", assignment.seed):
        assert "error" not in observe(assignment.examiners[task.grade_id], assignment.solution(), case)


@pytest.mark.parametrize(("assignment", "task"), TASKS)
def test_every_wrong_answer_is_recognised_as_itself_asked_and_explained(assignment, task):
    assert len(task.wrong) >= 5
    for wrong in task.wrong:
        found = marked(assignment, task, assignment.solution(assignment.typed(task, wrong.source)))
        assert (found.hint_id, found.points) == (wrong.id, task.points * wrong.credit), wrong.id
        assert found.comment == f"{task.name}: {wrong.ask} {wrong.explain}"
        assert wrong.ask.endswith("?"), wrong.id
        assert wrong.explain.endswith("."), wrong.id
        assert 0 <= wrong.credit < 1, wrong.id


@pytest.mark.parametrize(("assignment", "task"), TASKS)
def test_an_empty_notebook_counts_as_not_written(assignment, task):
    assert marked(assignment, task, {}).status == "not written"


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_sent_into_the_sandbox_holds_no_answer(name):
    assignment = load_assignment(FOLDERS[name])
    wrongs = [wrong for task in assignment.tasks for wrong in task.wrong]
    answers = [
        assignment.typed(task, source)
        for task in assignment.tasks
        for source in ([], *task.right, *(wrong.source for wrong in task.wrong))
    ]
    lines = {line.strip() for source in answers for line in source.split("\n") if len(line.strip()) > 20}
    assert not {line.strip() for line in assignment.examine.split("\n")} & lines
    assert not [text for wrong in wrongs for text in (wrong.ask, wrong.explain) if text in assignment.examine]
    assert not {wrong.id for wrong in wrongs} & set(re.findall(r"\w+", assignment.examine))


@pytest.mark.parametrize("name", FOLDERS)
def test_every_task_is_followed_by_its_check(name):
    cells = load_assignment(FOLDERS[name]).cells
    marks = [(kind, cell.metadata[kind]) for cell in cells for kind in ("task", "check") if kind in cell.metadata]
    tasks = [task.grade_id for task in load_assignment(FOLDERS[name]).tasks]
    assert marks == [(kind, task) for task in tasks for kind in ("task", "check")]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_checks_accept_the_solution(name, capsys):
    assignment = load_assignment(FOLDERS[name])
    names: dict = {"__name__": "solved"}
    for cell in assignment.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"<{name}>", "exec"), names)
    printed = capsys.readouterr().out
    for task in assignment.tasks:
        assert re.search(rf"^✔ {task.grade_id}: the example is right$", printed, re.MULTILINE)


def tried(source: str, capsys) -> str:
    """What the example of `double` says of an answer."""
    with example("double"):
        names: dict = {}
        exec(compile(source, "<cell>", "exec"), names)
        found = names["double"](4)
        assert found == 8, f"twice 4 is 8, and it says {found}"
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def double(x): return 2 * x", "✔ double: the example is right"),
        ("def double(x): raise NotImplementedError", "ℹ double: not written yet"),
        ("def double(x): return x", "✘ double: not right yet\n  twice 4 is 8, and it says 4"),
        ("def double(x): return twice * x", "it raised NameError: name 'twice' is not defined (in double, line 1)."),
        ("def double(x): return 2 * y", "Where does this name get its value?"),
    ],
)
def test_an_example_explains_like_the_checks_of_the_lessons(source: str, said: str, capsys) -> None:
    assert said in tried(source, capsys)


@pytest.mark.parametrize("name", FOLDERS)
def test_release_holds_no_solution_and_no_hidden_test(name, releases):
    shown = {line.strip() for cell in notebook(releases, name).cells for line in cell.source.split("\n")}
    inside, outside = solution_lines((FOLDERS[name] / "source.py").read_text(encoding="utf-8"))
    tests = "\n".join((FOLDERS[name] / file).read_text(encoding="utf-8") for file in ("hidden.py", "examine.py"))
    hidden = {line.strip() for line in tests.split("\n") if len(line.strip()) > 8}
    assert not (inside - outside) & shown
    assert not (hidden - outside) & shown
    assert not any("SOLUTION" in line for line in shown)


@pytest.mark.parametrize("name", FOLDERS)
def test_release_carries_the_points_that_its_text_promises(name, releases):
    assignment = load_assignment(FOLDERS[name])
    settings = [cell.metadata.get("nbgrader", {}) for cell in notebook(releases, name).cells]
    found = {each["grade_id"]: each["points"] for each in settings if each.get("grade")}
    reports = [cell.metadata for cell in assignment.cells if "report" in cell.metadata]
    promised = {task.grade_id: task.points for task in assignment.tasks}
    assert found == promised | {report["report"]: report["points"] for report in reports}
    opening = "\n".join(cell.source for cell in assignment.cells[:2])
    assert str(sum(found.values())).removesuffix(".0") in opening


def test_release_is_the_same_each_time(releases, tmp_path, monkeypatch):
    name, folder = next(iter(FOLDERS.items()))
    monkeypatch.setattr(build, "assignment_folders", lambda: [folder])
    assert [path.read_bytes() for path in build_classroom(tmp_path)] == [releases[name]]


@pytest.mark.parametrize("name", FOLDERS)
def test_release_runs_with_the_course_alone_and_nothing_filled_in(name, releases):
    released = notebook(releases, name)
    block = f"import sys\nsys.modules.update(dict.fromkeys({BLOCKED}))"
    released.cells.insert(0, nbformat.v4.new_code_cell(block))
    client = NotebookClient(released, timeout=120, kernel_name="python3")
    client.create_kernel_manager().transport = "tcp" if os.name == "nt" else "ipc"  # no port that another test takes
    ran = client.execute()
    printed = json.dumps([cell.get("outputs", []) for cell in ran.cells])
    for task in load_assignment(FOLDERS[name]).tasks:
        assert f"{task.grade_id}: not written yet" in printed


def notebook(releases, name: str) -> NotebookNode:
    return nbformat.reads(releases[name].decode(), as_version=4)


def test_specification_is_the_same_for_the_same_student_and_differs_between_students():
    assert stage_specification("Ada ") == stage_specification("ada")
    assert stage_specification("ada") == [(10, 1, 1), (20, 2, 2), (40, 2, 1), (40, 3, 2)]
    assert len({tuple(stage_specification(f"student{index}")) for index in range(40)}) > 30


@pytest.mark.parametrize("student", [f"student{index}" for index in range(8)])
def test_specification_has_what_the_text_says(student):
    stages = stage_specification(student)
    planes = [each for each, _, _ in stages]
    assert sum(num_blocks for _, num_blocks, _ in stages) == 8
    assert [num_blocks for _, num_blocks, _ in stages] != [2, 2, 2, 2]
    assert sorted(stride for _, _, stride in stages) == [1, 1, 2, 2]
    assert stages[0][2] == 1
    (keeps_channels,) = [index for index in (1, 2, 3) if planes[index] == planes[index - 1]]
    assert stages[keeps_channels][2] == 2
