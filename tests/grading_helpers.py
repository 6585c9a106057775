"""A tiny assignment and its course folder, for the tests of grading."""

from __future__ import annotations

import copy
import textwrap
from pathlib import Path

import nbformat

from resnet_course.grading.assignment import build
from resnet_course.grading.assignment.folder import load_assignment, released

SOURCE = '''\
# %% [markdown]
# # A tiny assignment

# %% task="double"
def double(x):
    """Twice as much."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% check="double" points=10
try:
    assert double(1) == 2, "double(1) is 2"
except NotImplementedError:
    print("double: not written yet")

# %% skip=true
raise RuntimeError("a training that the grader leaves out")

# %% [markdown] report="words" points=5
# Write here.
'''

EXAMINE = """\
def examine_double(names, inputs):
    return {"result": names["double"](inputs["x"].item())}
"""

HIDDEN = """\
import numpy as np
from resnet_course.checking.exercise import Wrong
from resnet_course.grading.assignment.task import Task


def cases(student, seed):
    return [{"x": np.array(float(seed % 97 + 1))}, {"x": np.array(-3.0)}]


TASKS = (
    Task(
        "Doubling", "double", 10, cases,
        (Wrong("tripled", [("2 * x", "3 * x")], "How often?", "Twice.", 0.5),
         Wrong("absolute", "def double(x):\\n    return 2 * abs(x)", "What of -3?", "Its sign stays.", 0.3)),
        ("double = lambda x: x + x",),
    ),
)
"""


def write_assignment(root: Path) -> Path:
    """The folder of the assignment, called "tiny"."""
    folder = root / "assignments" / "tiny"
    folder.mkdir(parents=True)
    (folder / "source.py").write_text(SOURCE, encoding="utf-8")
    (folder / "examine.py").write_text(EXAMINE, encoding="utf-8")
    (folder / "hidden.py").write_text(HIDDEN, encoding="utf-8")
    return folder


def release_of(folder: Path) -> nbformat.NotebookNode:
    """The release version as nbgrader makes it, without nbgrader."""
    cells = [released(cell) for cell in load_assignment(folder).cells]
    for cell in cells:
        if "BEGIN SOLUTION" in cell.source:
            before, _, _ = cell.source.partition("    ### BEGIN")
            cell.source = before + "    # Write this part yourself.\n    raise NotImplementedError"
    return nbformat.v4.new_notebook(cells=cells)


def answered(release: nbformat.NotebookNode, body: str) -> nbformat.NotebookNode:
    """The release with the task's cell filled in."""
    notebook = copy.deepcopy(release)
    cell = next(cell for cell in notebook.cells if cell.source.startswith("def double"))
    cell.source = textwrap.dedent(body)
    return notebook


def write_class(folder: Path, release: nbformat.NotebookNode, answers: dict[str, str]) -> None:
    """A course folder with release and hand-ins, by student."""
    path = folder / "release" / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(release, path)
    for student, body in answers.items():
        path = folder / "submitted" / student / "tiny" / "tiny.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(answered(release, body), path)


def nbgrader_folder(folder: Path, tests: Path) -> None:
    """Let nbgrader know the assignment."""
    (folder / "nbgrader_config.py").write_text(build.CONFIGURATION.format(course="tiny"), encoding="utf-8")
    source = folder / "source" / "tiny" / "tiny.ipynb"
    source.parent.mkdir(parents=True)
    cells = [released(cell) for cell in load_assignment(tests).cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=build.METADATA), source)
    build.nbgrader(folder, "generate_assignment", "tiny", "--force", "--create")
