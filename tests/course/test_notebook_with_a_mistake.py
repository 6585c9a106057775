"""A student notebook with one wrong exercise runs to its end, shows that hint, and goes on with the course's object."""

import os
import textwrap
from pathlib import Path

import nbformat
import pytest

from resnet_course import checks
from resnet_course.course.run import HEADLESS
from resnet_course.notebook.messages import MIME_TYPE

nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def run_with_answer(file_name: str, exercise: str, source: str) -> nbformat.NotebookNode:
    """The student notebook, executed with this source written just before the check of the exercise."""
    notebook = nbformat.read(NOTEBOOKS / file_name, as_version=4)
    check = f"= checks.{exercise}("
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and check in cell.source]
    (line,) = [line for line in cell.source.split("\n") if check in line]
    cell.source = cell.source.replace(line, f"{textwrap.dedent(source)}\n{line}")
    environment = {**os.environ, **HEADLESS, "OMP_NUM_THREADS": "1"}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute(env=environment)
    return notebook


@pytest.mark.parametrize(
    ("file_name", "exercise", "hint_id"),
    [("00_start_here.ipynb", "warm_up", "not_divided"), ("08_resnet18.ipynb", "make_layer", "planes_returned")],
)
def test_one_wrong_exercise(file_name: str, exercise: str, hint_id: str) -> None:
    notebook = run_with_answer(file_name, exercise, checks.EXERCISES[exercise].sources[hint_id])
    assert not [out for cell in notebook.cells for out in cell.get("outputs", ()) if out.output_type == "error"]
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    shown = [out.data for cell in notebook.cells for out in cell.get("outputs", ()) if MIME_TYPE in out.get("data", {})]
    found = {data[MIME_TYPE]["check"]["name"]: data for data in shown if "check" in data[MIME_TYPE]}
    assert found[exercise][MIME_TYPE]["check"] == {"name": exercise, "status": "failed", "hint_id": hint_id}
    assert checks.EXERCISES[exercise].hints[hint_id].ask in found[exercise]["text/plain"]
    assert "goes on with the course's own" in found[exercise]["text/plain"]
    others = {data[MIME_TYPE]["check"]["status"] for name, data in found.items() if name != exercise}
    assert others <= {"not_written"}
    # What comes after the exercise uses the course's object: its claims hold.
    verdicts = [data[MIME_TYPE]["verdict"]["status"] for data in shown if "verdict" in data[MIME_TYPE]]
    assert "not reproduced" not in verdicts
