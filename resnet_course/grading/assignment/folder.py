"""An assignment as its folder holds it: text and solutions in `source.py`, the hidden tests in two other files.

`source.py` is a py:percent script like a lesson's. Marks in a cell's first line say what nbgrader should know:

- `# %% task="NAME"`: the learner writes here; solutions stand between `### BEGIN SOLUTION` and `### END SOLUTION`.
- `# %% check="NAME" points=10`: visible checks; the cell carries the points of the hidden tests of that name.
- `# %% [markdown] report="NAME" points=20`: the learner writes text, a person marks it.
- `# %% skip=true`: for the learner only, a training for example; the grader does not run it.

`examine.py` defines `examine_NAME(names, inputs)` for each check: what is done with an answer. It is sent into the
sandbox. `hidden.py` defines `TASKS`, one `Task` for each check, with inputs and wrong answers. It never is.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from resnet_course.base.errors import CourseError
from resnet_course.checking.exercise import Edits, Wrong
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.sandbox.examining import Examine, examiners
from resnet_course.grading.sandbox.protocol import Arrays

MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


@dataclass(frozen=True)
class Assignment:
    """One assignment.

    Args:
        name: of its folder, and of its notebook.
        cells: the cells of the source, solutions included; their metadata holds the marks.
        tasks: marked by hidden tests.
        examine: source text of examine.py.
        digest: of all files; marks that were made with another one are out of date.
    """

    name: str
    cells: tuple[NotebookNode, ...]
    tasks: tuple[Task, ...]
    examine: str
    digest: str

    @property
    def seed(self) -> int:
        """Of the hidden tests: the same for all students, and as hard to guess as the hidden tests themselves."""
        return int(self.digest[:8], 16)

    @functools.cached_property
    def examiners(self) -> dict[str, Examine]:
        """The functions of examine.py, by task."""
        return examiners(self.examine)

    @functools.cached_property
    def known(self) -> dict[tuple[str, str, bytes], Arrays]:
        """What was seen of solutions and wrong answers, by task, source and a digest of the inputs."""
        return {}

    @functools.cached_property
    def answers(self) -> dict[str, str]:
        """The solutions by task, as a learner would type them."""
        return {
            cell.metadata["task"]: "\n".join(line for line in cell.source.split("\n") if line.strip() not in MARKERS)
            for cell in self.cells
            if "task" in cell.metadata
        }

    def typed(self, task: Task, source: Edits | str) -> str:
        """An answer to a task as a learner would type it: edits of the solution, or a whole source."""
        return Wrong("", source, "", "").typed(self.answers[task.grade_id])

    def typed_together(self, task: Task, one: Wrong, other: Wrong) -> str | None:
        """An answer with two mistakes; None if they do not go together."""
        if isinstance(one.source, str) or isinstance(other.source, str):
            return None
        for first, then in ((one, other), (other, one)):
            with contextlib.suppress(ValueError):
                return self.typed(task, [*first.source, *then.source])
        return None

    def solution(self, source: str = "") -> dict[str, Any]:
        """The names that the solution defines: its cells, without checks and trainings, in one namespace.

        Args:
            source: another answer, which is put over them.
        """
        names: dict[str, Any] = {"__name__": self.name}
        cells = [
            cell for cell in self.cells if cell.cell_type == "code" and not {"check", "skip"} & cell.metadata.keys()
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            for text in [*(cell.source for cell in cells), source]:
                exec(compile(text, f"<{self.name}>", "exec"), names)  # the instructor's own text
        return names


@functools.cache
def load_assignment(folder: Path) -> Assignment:
    """Read an assignment.

    Raises:
        CourseError: if a file is missing, or checks, hidden tests and what examines do not fit.
    """
    files = [folder / name for name in ("source.py", "examine.py", "hidden.py")]
    for path in files:
        if not path.is_file():
            raise CourseError(f"{path} is missing: an assignment is a folder with source.py, examine.py and hidden.py")
    source, examine, hidden = files
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    tasks = tuple(runpy.run_path(str(hidden))["TASKS"])
    assignment = Assignment(folder.name, tuple(read_cells(source)), tasks, examine.read_text(encoding="utf-8"), digest)
    points = {
        cell.metadata["check"]: cell.metadata.get("points") for cell in assignment.cells if "check" in cell.metadata
    }
    if points != {task.grade_id: task.points for task in tasks}:
        raise CourseError(f"{folder.name}: the checks of source.py and the tasks of hidden.py differ in name or points")
    if points.keys() != assignment.examiners.keys():
        raise CourseError(f"{folder.name}: examine.py needs one function examine_NAME for each check, and no other")
    return assignment


def read_cells(source: Path) -> list[NotebookNode]:
    """The cells of a py:percent source, each with an id that stays the same while its text and place do."""
    import jupytext  # of the extra `classroom`

    cells = jupytext.read(source, fmt="py:percent").cells
    for index, cell in enumerate(cells):
        kind = next((mark for mark in ("task", "check", "report") if mark in cell.metadata), "cell")
        cell.id = f"{kind}-{cell.metadata.get(kind, index)}"
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
        settings = {"grade": grade, "solution": solution, "locked": not solution, "task": False, "grade_id": name}
        kind = {} if solution else {"cell_type": cell.cell_type}
        new.metadata["nbgrader"] = {**settings, "schema_version": 3, **points, **kind}
    return new
