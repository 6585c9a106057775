"""From the assignments' sources to a course folder of nbgrader, with a release version of each."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.course.build import METADATA, install_cell
from resnet_course.course.run import course_root
from resnet_course.grading.assignment.folder import load_assignment, released

COURSE = "resnet-course"
CONFIGURATION = '''\
"""nbgrader's settings for this course; written by `build`, then yours to change."""
from pathlib import Path

c = get_config()  # noqa: F821 - nbgrader defines it
c.CourseDirectory.course_id = "{course}"
c.CourseDirectory.root = str(Path(__file__).parent)  # so that the folder may be moved
c.Exchange.root = str(Path(__file__).parent / "exchange")  # on JupyterHub: a folder that all may write to
c.ClearSolutions.code_stub = {{"python": "# Write this part yourself.\\nraise NotImplementedError"}}
c.ClearSolutions.begin_solution_delimeter = "### BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "### END SOLUTION"
c.ClearSolutions.enforce_metadata = False
c.ClearSolutions.text_stub = "*Write your report here.*"
# nbgrader's own autograding would run learners' code in your name, so it stops before it begins.
c.Autograde.sanitize_preprocessors = ["resnet_course.grading.no_autograde.RefuseAutograde"]
'''


def assignment_folders() -> list[Path]:
    """The assignments of this checkout.

    Raises:
        CourseError: if there are none.
    """
    folders = sorted(path.parent for path in (course_root() / "assignments").glob("*/source.py"))
    if not folders:
        raise CourseError("there is no folder `assignments` here; run this in a checkout of the course")
    return folders


def build_classroom(target: Path) -> list[Path]:
    """Write nbgrader's settings and source notebooks, and let nbgrader make the release versions.

    Marks and hand-ins that are already in the folder stay.

    Returns:
        The release notebooks, ready to hand out.
    """
    target.mkdir(parents=True, exist_ok=True)
    configuration = target / "nbgrader_config.py"
    if not configuration.is_file():
        write_atomically(configuration, CONFIGURATION.format(course=COURSE).encode())
    notebooks = []
    for folder in assignment_folders():
        assignment = load_assignment(folder)
        install = install_cell(course_root())
        install.id = "install"
        cells = [released(cell) for cell in assignment.cells]
        notebook = nbformat.v4.new_notebook(cells=[cells[0], install, *cells[1:]], metadata=METADATA)
        path = target / "source" / assignment.name / f"{assignment.name}.ipynb"
        write_atomically(path, (nbformat.writes(notebook, version=4) + "\n").encode())
        nbgrader(target, "generate_assignment", assignment.name, "--force", "--create")
        notebooks.append(target / "release" / assignment.name / f"{assignment.name}.ipynb")
    return notebooks


@contextlib.contextmanager
def programs_beside_python() -> Iterator[None]:
    """In the block nbgrader finds alembic, which stands beside this Python, also where no environment is activated."""
    known = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{known}"
    try:
        yield
    finally:
        os.environ["PATH"] = known


def nbgrader(folder: Path, command: str, *arguments: str) -> None:
    """Run one of nbgrader's own commands in a course folder.

    Raises:
        CourseError: with nbgrader's last words, if it fails.
    """
    if importlib.util.find_spec("nbgrader") is None:
        raise CourseError("nbgrader is missing. In the course's folder: pip install -e '.[classroom]'")
    line = [sys.executable, "-m", "nbgrader", command, *arguments, f"--CourseDirectory.root={folder.resolve()}"]
    with programs_beside_python():
        ended = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise CourseError(f"nbgrader {command} failed: {ended.stderr.strip()[-500:]}")
