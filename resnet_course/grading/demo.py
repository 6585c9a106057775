"""A class that never was: hand-ins of every kind with the mark that each must get, graded and compared."""

from __future__ import annotations

import copy
import csv
import io
import itertools
import json
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import nbformat
from nbformat import NotebookNode

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say
from resnet_course.grading.assignment.build import assignment_folders, build_classroom, nbgrader
from resnet_course.grading.assignment.folder import Assignment, load_assignment
from resnet_course.grading.marks.outcomes import Outcome
from resnet_course.grading.marks.returning import REPORTED, report_key

DEMO = Path("build/demo")
REHEARSED = ("right", "not_written", "mistakes_1")


@dataclass(frozen=True)
class Example:
    """A hand-in with the mark that it must get.

    Args:
        kind: what is special about it; part of the student's name.
        assignment: its name.
        content: the notebook, or bytes that may be none; None for a link to a file of the instructor's.
        points: expected, by task.
        file_name: that it is handed in under, without ".ipynb"; by default as it was handed out.
    """

    kind: str
    assignment: str
    content: NotebookNode | bytes | None
    points: dict[str, float]
    file_name: str | None = None


def demo(
    students: int, folder: Path | None, grade: Callable[[Path], list[Outcome]], table: Callable[[list[Outcome]], str]
) -> int:
    """Make a class, grade it, print its marks, and compare them with the expected ones.

    Returns:
        0 if every mark is the expected one, otherwise 1.
    """
    if folder is None:
        folder = DEMO
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier demo
    build_classroom(folder)
    expected = write_class(students, folder)
    started = time.perf_counter()
    outcomes = grade(folder)
    seconds = time.perf_counter() - started
    say(table(outcomes))
    marks = folder.resolve() / "grades.csv"
    nbgrader(folder, "export", f"--CsvExportPlugin.to={marks}")
    say(f"{len(outcomes)} hand-ins in {seconds:.0f} s: {60 * len(outcomes) / seconds:.0f} a minute; CSV: {marks}")
    found = {(outcome.student, mark.grade_id): mark.points for outcome in outcomes for mark in outcome.marks}
    wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    for student, task in wrong:
        say(f"✘ {student}, {task}: {found.get((student, task))} and not {expected.get((student, task))}")
    say(f"{len(expected) - len(wrong)} of {len(expected)} marks of tasks are the expected ones")
    return 1 if wrong else 0


def write_rehearsal(folder: Path) -> None:
    """Write a class list and, for each assignment, what Moodle would give: hand-ins of five kinds; one is missing.

    Raises:
        CourseError: if the assignments were not built.
    """
    place = folder / "rehearsal"
    learners = [f"learner-{letter}" for letter in "abcdef"]
    rows = [f"{student},Learner,{student[-1].upper()},{student}@example.org" for student in learners]
    write_atomically(place / "class.csv", "\n".join(["id,first_name,last_name,email", *rows, ""]).encode())
    say(f"a class of {len(learners)}: {place / 'class.csv'}")
    for assignment in map(load_assignment, assignment_folders()):
        release = _release(assignment, folder)
        kinds = {one.kind: one.content for one in _answers(assignment, release)}
        right, empty, mistakes = (cast(NotebookNode, kinds[kind]) for kind in REHEARSED)
        import_fails = _filled(release, assignment.answers)
        import_fails.cells.insert(2, nbformat.v4.new_code_cell("import a_package_that_you_do_not_have"))
        # One report is about the stages of somebody else.
        about = ((right, learners[0]), (empty, ""), (mistakes, learners[0]), (import_fails, learners[3]))
        files = [json.dumps(_filled(content, _report(student, assignment))) for content, student in about]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, content in enumerate([*files, files[0][:-200]]):
                student = learners[number]
                path = f"Learner {student[-1].upper()}_{4201 + number}_assignsubmission_file_/{assignment.name}.ipynb"
                archive.writestr(path, content.replace("your id", student) if number else content)
        write_atomically(place / f"{assignment.name}.zip", buffer.getvalue())
        say(f"{len(files) + 1} hand-ins, as Moodle gives them: {place / f'{assignment.name}.zip'}")


def _report(student: str, assignment: Assignment) -> dict[str, str]:
    """The beginning of a report on the stages of a student, where the assignment has one."""
    if not student or not set(REPORTED) <= assignment.answers.keys():
        return {}
    rows = csv.DictReader(io.StringIO(report_key([student], assignment)))
    shown = [("stage", "shape", "parameters", "multiply-adds"), ("---",) * 4]
    shown += [
        (row["stage"], f"{row['channels']}×{row['height']}×{row['width']}", row["parameters"], row["multiply_adds"])
        for row in rows
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in shown)
    return {"report": f"**The network.**\n\n{table}\n\nThis is a rehearsal: the rest of the report is left out."}


def write_class(students: int, folder: Path) -> dict[tuple[str, str], float]:
    """Write hand-ins, as many kinds as there are places for. Returns the points by student and task."""
    assignments = [load_assignment(path) for path in assignment_folders()]
    rows = itertools.zip_longest(*(_answers(assignment, _release(assignment, folder)) for assignment in assignments))
    kinds = [example for row in rows for example in row if example is not None]
    accidents = zip(*(_accidents(assignment, folder) for assignment in assignments), strict=True)
    kinds += [row[index % len(row)] for index, row in enumerate(accidents)]  # each once, in turns
    expected = {}
    for index, example in zip(range(students), itertools.cycle(kinds), strict=False):
        student, name = f"s{index + 1:03d}_{example.kind}", example.assignment
        path = folder / "submitted" / student / name / f"{example.file_name or name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        if example.content is None:
            path.unlink(missing_ok=True)
            path.symlink_to((folder / "nbgrader_config.py").resolve())
        else:
            content = example.content
            write_atomically(path, content if isinstance(content, bytes) else json.dumps(content).encode())
        expected.update({(student, task): points for task, points in example.points.items()})
    say(f"{students} hand-ins; there are {len(kinds)} kinds")
    return expected


def _answers(assignment: Assignment, release: NotebookNode) -> Iterator[Example]:
    """The solution, nothing, right answers written differently, and every known wrong answer."""
    name, tasks, most = assignment.name, assignment.tasks, _most(assignment)
    yield Example("right", name, _filled(release, assignment.answers), most)
    yield Example("not_written", name, release, dict.fromkeys(most, 0.0))
    for number, row in enumerate(itertools.zip_longest(*(task.right for task in tasks)), start=1):
        rights = [(task, right) for task, right in zip(tasks, row, strict=True) if right]
        sources = {task.grade_id: assignment.typed(task, right) for task, right in rights}
        yield Example(f"right_otherwise_{number}", name, _filled(release, assignment.answers | sources), most)
    for number, mistakes in enumerate(itertools.zip_longest(*(task.wrong for task in tasks)), start=1):
        wrongs = [(task, wrong) for task, wrong in zip(tasks, mistakes, strict=True) if wrong]
        sources = {task.grade_id: assignment.typed(task, wrong.source) for task, wrong in wrongs}
        points = most | {task.grade_id: task.points * wrong.credit for task, wrong in wrongs}
        yield Example(f"mistakes_{number}", name, _filled(release, assignment.answers | sources), points)


def _accidents(assignment: Assignment, folder: Path) -> Iterator[Example]:
    """Broken files and hostile code; the right answers in them count wherever they can be read and run."""
    name, most, release = assignment.name, _most(assignment), _release(assignment, folder)
    nothing = dict.fromkeys(most, 0.0)
    solved = _filled(release, assignment.answers)
    yield Example("unreadable", name, json.dumps(solved).encode()[:-200], nothing)
    yield Example("wrong_name", name, solved, most, "Untitled1")
    yield Example("link", name, None, nothing)
    first = assignment.tasks[0].grade_id
    cells = [cell for cell in solved.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != f"{first}_answer"]
    yield Example("cell_missing", name, NotebookNode({**solved, "cells": cells}), {**most, first: 0.0})
    for kind, damage in BROKEN.items():
        broken = copy.deepcopy(solved)
        damage(broken)
        yield Example(kind, name, broken, most)
    for kind, (source, earns) in HOSTILE.items():
        attacked = copy.deepcopy(solved if earns else release)
        known = f"FOLDER = {str(folder.resolve())!r}  # where the instructor works\n{source}"
        attacked.cells.append(nbformat.v4.new_code_cell(known))
        yield Example(kind, name, attacked, most if earns else nothing)


def _release(assignment: Assignment, folder: Path) -> NotebookNode:
    path = folder / "release" / assignment.name / f"{assignment.name}.ipynb"
    if not path.is_file():
        raise CourseError(f"there is no {path}; make it with `build`")
    return nbformat.read(path, as_version=4)


def _most(assignment: Assignment) -> dict[str, float]:
    return {task.grade_id: task.points for task in assignment.tasks}


def _filled(release: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """The release with answers by task."""
    notebook = copy.deepcopy(release)
    for cell in notebook.cells:
        task = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("_answer")
        if task in answers and not cell.metadata["nbgrader"]["locked"]:
            cell.source = answers[task]
    return notebook


def _copied_cells(notebook: NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells for _ in range(2)]


def _no_metadata(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata = {}


def _no_ids(notebook: NotebookNode) -> None:
    notebook.nbformat_minor = 2
    for cell in notebook.cells:
        del cell["id"]


def _neither(notebook: NotebookNode) -> None:
    _no_metadata(notebook)
    _no_ids(notebook)


def _other_kernel(notebook: NotebookNode) -> None:
    notebook.metadata = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}


def _much_output(notebook: NotebookNode) -> None:
    output = nbformat.v4.new_output("stream", text="x" * 30_000_000)
    next(cell for cell in notebook.cells if cell.cell_type == "code").outputs = [output]


def _changed_checks(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source = "print('all points')"


BROKEN: dict[str, Callable[[NotebookNode], None]] = {
    "copied_cells": _copied_cells,
    "no_metadata": _no_metadata,
    "no_ids": _no_ids,
    "no_metadata_no_ids": _neither,
    "other_kernel": _other_kernel,
    "much_output": _much_output,
    "changed_checks": _changed_checks,
}
"""Damage to a notebook that can be repaired."""

_FORGE = """\
import os
from resnet_course.grading.sandbox import examining, protocol
examining._numbers = lambda value: protocol.as_text("right")
message = protocol.encode({"points": protocol.as_text("100")})
for descriptor in range(3, 32):
    try:
        os.write(descriptor, message)
    except OSError:
        pass"""

_EXIT = "import os; os._exit(1)"


def _and_then_exit(attack: str) -> str:
    """One statement, since an error ends no more than that: the right answers earn nothing if the attack succeeds."""
    return f"if True:\n    {attack}\n    {_EXIT}"


HOSTILE: dict[str, tuple[str, bool]] = {
    "endless_loop": ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", False),
    "exit": (_EXIT, False),
    "forger": (_FORGE, False),
    "much_memory": (_and_then_exit("x = bytearray(30 * 2**30)"), True),
    "new_process": (_and_then_exit("import subprocess, sys; subprocess.run([sys.executable, '-c', ''])"), True),
    "network": (_and_then_exit("import socket; assert len(socket.if_nameindex()) > 1"), True),
    "flood": ("for _ in range(200_000): print('x' * 1000)", True),
    "reads_files": (_and_then_exit("open(FOLDER + '/nbgrader_config.py')"), True),
}
"""Code in a last cell, and whether the right answers before it still earn their points."""
