"""Student notebooks with one exercise written: wrongly, and the lesson goes on; or well, and the next one uses it."""

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


def run_with_answer(file_name: str, exercise: str, source: str, **settings: str) -> nbformat.NotebookNode:
    """The student notebook, executed with this source written just before the check of the exercise."""
    notebook = nbformat.read(NOTEBOOKS / file_name, as_version=4)
    check = f"= checks.{exercise}("
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and check in cell.source]
    (line,) = [line for line in cell.source.split("\n") if check in line]
    cell.source = cell.source.replace(line, f"{textwrap.dedent(source)}\n{line}")
    environment = {**os.environ, **HEADLESS, "OMP_NUM_THREADS": "1", **settings}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute(env=environment)
    return notebook


@pytest.mark.parametrize(
    ("file_name", "exercise", "hint_id", "profile"),
    [
        ("00_start_here.ipynb", "warm_up", "not_divided", "smoke"),  # in which no claim is one
        pytest.param("08_resnet18.ipynb", "make_layer", "planes_returned", "quick", marks=pytest.mark.complete),
    ],
)
def test_one_wrong_exercise(file_name: str, exercise: str, hint_id: str, profile: str) -> None:
    wrong = checks.EXERCISES[exercise].sources[hint_id]
    notebook = run_with_answer(file_name, exercise, wrong, RESNET_COURSE_PROFILE=profile)
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
    assert profile == "smoke" or "not reproduced" not in verdicts


OWN_BLOCK = """
    class BasicBlock(nn.Module):
        expansion = 1

        def __init__(self, in_planes, planes, stride=1):
            super().__init__()
            self.first = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
            self.second = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
            self.norms = nn.ModuleList([nn.BatchNorm2d(planes), nn.BatchNorm2d(planes)])
            self.around = nn.Identity()
            if stride != 1 or in_planes != planes:
                one = nn.Conv2d(in_planes, planes, 1, stride, bias=False)
                self.around = nn.Sequential(one, nn.BatchNorm2d(planes))

        def forward(self, x):
            out = self.norms[0](self.first(x)).relu()
            return (self.norms[1](self.second(out)) + self.around(x)).relu()
"""
SEE = """
import gc
found = {type(each).__module__ for each in gc.get_objects() if type(each).__name__ == "BasicBlock"}
print("blocks in networks:", found, [n for n, _ in BasicBlock(4, 4).named_children()])
"""


@pytest.mark.complete
def test_the_readers_own_block_is_trained_in_lesson_05_and_assembled_in_lesson_08(tmp_path: Path, monkeypatch) -> None:
    settings = {"RESNET_COURSE_PROFILE": "smoke", "RESNET_COURSE_JOURNAL": str(tmp_path / "journal.json")}
    shown = []
    for file_name, exercise, source in (
        ("05_residual_block.ipynb", "basic_block", OWN_BLOCK),
        ("08_resnet18.ipynb", "resnet18", checks.EXERCISES["resnet18"].answer),
    ):
        notebook = run_with_answer(
            file_name, exercise, f"{source}\n{SEE}" if exercise == "resnet18" else source, **settings
        )
        outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
        shown.append("\n".join(out.get("text", "") or out.get("data", {}).get("text/plain", "") for out in outputs))
    assert "basic_block: passed" in shown[0]
    assert f"basic_block: yours, from {tmp_path / 'answers' / 'basic_block.py'}" in shown[1]
    assert "['first', 'second', 'norms', 'around']" in shown[1]
    assert "resnet18: passed" in shown[1]
