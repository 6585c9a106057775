"""An assignment as its folder holds it: `source.py` with text, stubs and solutions, `hidden.py` with the hidden tests.

`source.py` is a py:percent script like a lesson's. Three marks in a cell's first line say what nbgrader should know:

- `# %% task="NAME"`: the learner writes here; solutions stand between `### BEGIN SOLUTION` and `### END SOLUTION`.
- `# %% check="NAME" points=10`: visible checks; the cell carries the points of the hidden tests of that name.
- `# %% [markdown] report="NAME" points=20`: the learner writes text, a person marks it.
- `# %% skip=true`: for the learner only, a training for example; the grader does not run it.

`hidden.py` defines `TASKS`, one `marking.Task` for each check. It never leaves the trusted process.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from resnet_course.base.errors import CourseError
from resnet_course.grading.marking import Task

MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


@dataclass(frozen=True)
class Assignment:
    """One assignment.

    Args:
        name: of its folder, and of its notebook.
        cells: the cells of the source, solutions included; their metadata holds the marks.
        tasks: marked by hidden tests.
        digest: of source and hidden tests; marks that were made with another one are out of date.
    """

    name: str
    cells: tuple[NotebookNode, ...]
    tasks: tuple[Task, ...]
    digest: str

    @property
    def seed(self) -> int:
        """Of the hidden tests: the same for all students, and as hard to guess as the hidden tests themselves."""
        return int(self.digest[:8], 16)

    def solution(self) -> Mapping[str, Any]:
        """The names that the solution defines: its cells, without checks and trainings, in one namespace."""
        names: dict[str, Any] = {"__name__": self.name}
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in self.cells:
                if cell.cell_type == "code" and not {"check", "skip"} & cell.metadata.keys():
                    exec(compile(cell.source, f"<{self.name}>", "exec"), names)  # the instructor's own text
        return names


@functools.cache
def load_assignment(folder: Path) -> Assignment:
    """Read an assignment.

    Raises:
        CourseError: if a file is missing, or checks and hidden tests do not fit.
    """
    source, hidden = folder / "source.py", folder / "hidden.py"
    for path in (source, hidden):
        if not path.is_file():
            raise CourseError(f"{path} is missing: an assignment is a folder with source.py and hidden.py")
    digest = hashlib.sha256(source.read_bytes() + hidden.read_bytes()).hexdigest()
    cells = read_cells(source)
    tasks = _hidden_tasks(hidden, f"resnet_course_hidden_{folder.name}")
    checks = {cell.metadata["check"]: cell.metadata.get("points") for cell in cells if "check" in cell.metadata}
    if checks != {task.grade_id: task.points for task in tasks}:
        raise CourseError(f"{folder.name}: the checks of source.py and the tasks of hidden.py differ in name or points")
    return Assignment(folder.name, tuple(cells), tasks, digest)


def read_cells(source: Path) -> list[NotebookNode]:
    """The cells of a py:percent source, each with an id that stays the same while its text and place do."""
    import jupytext  # of the extra `classroom`

    cells = jupytext.read(source, fmt="py:percent").cells
    for index, cell in enumerate(cells):
        name = next((cell.metadata[mark] for mark in ("task", "check", "report") if mark in cell.metadata), None)
        kind = next((mark for mark in ("task", "check", "report") if mark in cell.metadata), "cell")
        cell.id = f"{kind}-{name or index}"
    return list(cells)


def released(cell: NotebookNode) -> NotebookNode:
    """A cell as nbgrader takes it: with nbgrader's metadata in place of the marks."""
    build = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    new = build(cell.source)
    new.id = cell.id
    marks = cell.metadata
    points = {"points": float(marks["points"])} if "points" in marks else {}
    if "skip" in marks:
        new.metadata["tags"] = ["skip-grading"]
    grade, solution = "check" in marks or "report" in marks, "task" in marks or "report" in marks
    name = marks.get("report") or marks.get("check") or (f"{marks['task']}_answer" if "task" in marks else None)
    if name is not None:
        new.metadata["nbgrader"] = {
            "grade": grade,
            "solution": solution,
            "locked": not solution,
            "task": False,
            "grade_id": name,
            "schema_version": 3,
            **points,
        }
        if not solution:
            new.metadata["nbgrader"]["cell_type"] = cell.cell_type
    return new


def _hidden_tasks(path: Path, name: str) -> tuple[Task, ...]:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(module.TASKS)
