"""A class that never was: hand-ins of every kind with the mark that each must get, graded and compared."""

from __future__ import annotations

import copy
import itertools
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say
from resnet_course.grading.assignment import MARKERS, Assignment, load_assignment
from resnet_course.grading.build import assignment_folders, build_classroom, nbgrader
from resnet_course.grading.outcomes import Outcome

DEMO = Path("build/demo")


@dataclass(frozen=True)
class Example:
    """A hand-in with the mark that it must get.

    Args:
        kind: what is special about it; part of the student's name.
        assignment: which.
        content: bytes of the notebook; None for a link to a file of the instructor's.
        points: expected, by task.
        file_name: that it is handed in under.
    """

    kind: str
    assignment: str
    content: bytes | None
    points: dict[str, float]
    file_name: str


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
    csv = folder.resolve() / "grades.csv"
    nbgrader(folder, "export", f"--CsvExportPlugin.to={csv}")
    say(f"{len(outcomes)} hand-ins in {seconds:.0f} s: {60 * len(outcomes) / seconds:.0f} a minute; CSV: {csv}")
    found = {(outcome.student, mark.grade_id): mark.points for outcome in outcomes for mark in outcome.marks}
    wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    for student, task in wrong:
        say(f"✘ {student}, {task}: {found.get((student, task))} and not {expected.get((student, task))}")
    say(f"{len(expected) - len(wrong)} of {len(expected)} marks of tasks are the expected ones")
    return 1 if wrong else 0


def write_class(students: int, folder: Path) -> dict[tuple[str, str], float]:
    """Write hand-ins, as many kinds as there are places for. Returns the points by student and task."""
    assignments = [load_assignment(path) for path in assignment_folders()]
    answers = [_answers(assignment, folder) for assignment in assignments]
    kinds = [example for row in itertools.zip_longest(*answers) for example in row if example is not None]
    accidents = zip(*(_accidents(assignment, folder) for assignment in assignments), strict=True)
    kinds += [row[index % len(row)] for index, row in enumerate(accidents)]  # each once, in turns
    expected = {}
    for index in range(students):
        example = kinds[index % len(kinds)]
        student = f"s{index + 1:03d}_{example.kind}"
        path = folder / "submitted" / student / example.assignment / example.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        if example.content is None:
            path.unlink(missing_ok=True)
            path.symlink_to((folder / "nbgrader_config.py").resolve())
        else:
            write_atomically(path, example.content)
        expected.update({(student, task): points for task, points in example.points.items()})
    say(f"{students} hand-ins; there are {len(kinds)} kinds")
    return expected


def _answers(assignment: Assignment, folder: Path) -> Iterator[Example]:
    """The solution, nothing, right answers written differently, and every known mistake."""
    release = _release(assignment, folder)
    solved = _solved(assignment, release)
    most = _most(assignment)
    yield _example("right", assignment, solved, most)
    yield _example("not_written", assignment, release, dict.fromkeys(most, 0.0))
    for index in range(max(len(task.right) for task in assignment.tasks)):
        sources = {task.grade_id: task.right[index] for task in assignment.tasks if index < len(task.right)}
        yield _example(f"right_otherwise_{index + 1}", assignment, _with_answers(solved, sources), most)
    for index in range(max(len(task.mistakes) for task in assignment.tasks)):
        chosen = {task.grade_id: task.mistakes[index] for task in assignment.tasks if index < len(task.mistakes)}
        points = {name: most[name] * (chosen[name].share if name in chosen else 1.0) for name in most}
        wrong = _with_answers(solved, {name: mistake.source for name, mistake in chosen.items()})
        yield _example(f"mistakes_{index + 1}", assignment, wrong, points)


def _accidents(assignment: Assignment, folder: Path) -> Iterator[Example]:
    """Broken files and hostile code; the right answers in them count wherever they can be read and run."""
    release = _release(assignment, folder)
    solved = _solved(assignment, release)
    most = _most(assignment)
    nothing = dict.fromkeys(most, 0.0)
    name = f"{assignment.name}.ipynb"
    for kind, damage in BROKEN.items():
        content = damage(copy.deepcopy(solved))
        yield Example(kind, assignment.name, content, nothing if kind == "unreadable" else most, name)
    yield _example("wrong_name", assignment, solved, most, "Untitled1.ipynb")
    yield Example("link", assignment.name, None, nothing, name)
    first = assignment.tasks[0].grade_id
    yield _example("cell_missing", assignment, _without(solved, first), {**most, first: 0.0})
    for kind, (source, earns) in HOSTILE.items():
        known = f"FOLDER = {str(folder.resolve())!r}  # where the instructor works\n{source}"
        attacked = _with_cell(solved if earns else release, known)
        yield _example(kind, assignment, attacked, most if earns else nothing)


def _example(
    kind: str, assignment: Assignment, notebook: NotebookNode, points: dict[str, float], file_name: str | None = None
) -> Example:
    content = nbformat.writes(notebook).encode()
    return Example(kind, assignment.name, content, points, file_name or f"{assignment.name}.ipynb")


def _release(assignment: Assignment, folder: Path) -> NotebookNode:
    return nbformat.read(folder / "release" / assignment.name / f"{assignment.name}.ipynb", as_version=4)


def _most(assignment: Assignment) -> dict[str, float]:
    return {task.grade_id: task.points for task in assignment.tasks}


def _solved(assignment: Assignment, release: NotebookNode) -> NotebookNode:
    """The release with all solutions written in."""
    notebook = copy.deepcopy(release)
    sources = {cell.id: cell.source for cell in assignment.cells if "task" in cell.metadata}
    for cell in notebook.cells:
        if cell.id in sources:
            lines = sources[cell.id].split("\n")
            cell.source = "\n".join(line for line in lines if line.strip() not in MARKERS)
    return notebook


def _with_answers(notebook: NotebookNode, sources: dict[str, str]) -> NotebookNode:
    """Answers written behind the solutions, which they replace."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        task = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("_answer")
        if cell.cell_type == "code" and task in sources and not cell.metadata["nbgrader"]["locked"]:
            cell.source += "\n\n" + sources[task]
    return notebook


def _without(notebook: NotebookNode, task: str) -> NotebookNode:
    notebook = copy.deepcopy(notebook)
    keep = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != f"{task}_answer"]
    notebook.cells = keep
    return notebook


def _with_cell(notebook: NotebookNode, source: str) -> NotebookNode:
    notebook = copy.deepcopy(notebook)
    notebook.cells.append(nbformat.v4.new_code_cell(source))
    return notebook


def _copied_cells(notebook: NotebookNode) -> bytes:
    notebook.cells = [cell for cell in notebook.cells for _ in range(2)]
    return json.dumps(notebook).encode()


def _no_metadata(notebook: NotebookNode) -> bytes:
    for cell in notebook.cells:
        cell.metadata = {}
    return json.dumps(notebook).encode()


def _no_ids(notebook: NotebookNode) -> bytes:
    for cell in notebook.cells:
        del cell["id"]
    return json.dumps({**notebook, "nbformat_minor": 2}).encode()


def _neither(notebook: NotebookNode) -> bytes:
    for cell in notebook.cells:
        cell.metadata = {}
        del cell["id"]
    return json.dumps({**notebook, "nbformat_minor": 2}).encode()


def _other_kernel(notebook: NotebookNode) -> bytes:
    notebook.metadata = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    return json.dumps(notebook).encode()


def _much_output(notebook: NotebookNode) -> bytes:
    output = nbformat.v4.new_output("stream", text="x" * 30_000_000)
    next(cell for cell in notebook.cells if cell.cell_type == "code").outputs = [output]
    return json.dumps(notebook).encode()


def _changed_checks(notebook: NotebookNode) -> bytes:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source = "print('all points')"
    return json.dumps(notebook).encode()


BROKEN: dict[str, Callable[[NotebookNode], bytes]] = {
    "unreadable": lambda notebook: nbformat.writes(notebook).encode()[:-200],
    "copied_cells": _copied_cells,
    "no_metadata": _no_metadata,
    "no_ids": _no_ids,
    "no_metadata_no_ids": _neither,
    "other_kernel": _other_kernel,
    "much_output": _much_output,
    "changed_checks": _changed_checks,
}
"""Files that are damaged in one way each, all with right answers inside."""

_FORGE = """\
import os
from resnet_course.grading import marking, probes, protocol
marking._equal = marking.agree = lambda *arguments: True
frame = protocol.encode({"points": 100}, {})
for descriptor in range(3, 32):
    try:
        os.write(descriptor, frame)
    except OSError:
        pass"""

_SEEN = "import os\nos._exit(1)"  # what follows an attack that succeeded: the right answers earn nothing then

HOSTILE: dict[str, tuple[str, bool]] = {
    "endless_loop": ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", False),
    "exit": (_SEEN, False),
    "forger": (_FORGE, False),
    "much_memory": (f"x = bytearray(30 * 2**30)\n{_SEEN}", True),
    "new_process": (f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])\n{_SEEN}", True),
    "network": (f"import socket\nassert len(socket.if_nameindex()) > 1\n{_SEEN}", True),
    "flood": ("for _ in range(200_000): print('x' * 1000)", True),
    "reads_files": (f"open(FOLDER + '/nbgrader_config.py')\n{_SEEN}", True),
}
"""Code in a last cell, and whether the right answers before it still earn their points."""
