"""What a learner wrote and passed goes on to later lessons: kept as text, tried again before it is used."""

from __future__ import annotations

import linecache
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_course import checks
from resnet_course.checking import keeping

ROOT = Path(__file__).parents[2]
CELL = """
{imports}
from torch import nn
from resnet_course import checks
from resnet_course.models import needs_projection, projection_shortcut

{helper}

class {name}(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.first = conv(in_planes, planes, stride)
        self.norm_one = nn.BatchNorm2d(planes)
        self.second = conv(planes, planes, 1)
        self.norm_two = nn.BatchNorm2d(planes)
        self.around = nn.Sequential()
        if needs_projection(in_planes, planes, stride):
            self.around = projection_shortcut(in_planes, planes, stride)

    def forward(self, x):
        out = functional.relu(self.norm_one(self.first(x)))
        return functional.relu(self.norm_two(self.second(out)) + self.around(x))

{name} = checks.basic_block({name})
"""
HELPER = """SIZE = 3

def conv(before, after, stride):
    return nn.Conv2d(before, after, SIZE, stride, padding=1, bias=False)
"""
IMPORTS = "import torch.nn.functional as functional"
USE = """
from resnet_course import checks
block = checks.yours("basic_block")
print([name for name, _ in block(4, 4).named_children()])
"""


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kept" / "journal.json"
    path.parent.mkdir()
    monkeypatch.setenv("RESNET_COURSE_JOURNAL", str(path))
    return path


def run(*cells: str) -> str:
    """Run cells in a kernel of their own, one after the other; what they print and show as text."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    return "\n".join(str(out.get("text") or out.get("data", {}).get("text/plain")) for out in outputs)


@pytest.mark.complete
def test_lesson_09_trains_the_network_that_the_learner_has_written(journal: Path, monkeypatch) -> None:
    import nbformat

    monkeypatch.setenv("RESNET_COURSE_PROFILE", "smoke")
    answer = checks.EXERCISES["resnet18"].answer
    for name, own in {"conv1": "first_conv", "layer2": "second_stage", "linear": "to_classes"}.items():
        answer = answer.replace(f"self.{name}", f"self.{own}")
    start = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
    passed = run(
        f"{start}from resnet_course.models import *\n{answer}",
        "from resnet_course import checks\nchecks.resnet18(ResNet18)",
    )
    assert "resnet18: passed" in passed
    notebook = nbformat.read(ROOT / "notebooks" / "solutions" / "09_training.ipynb", as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code" and "%pip" not in cell.source]
    (shown,) = [index for index, cell in enumerate(cells) if "named_children" in cell]
    tree = run(*cells[: shown + 1])
    assert "resnet18: yours" in tree
    assert all(name in tree for name in ("first_conv", "second_stage", "to_classes"))
    assert "layer2" not in tree


def test_a_block_with_names_of_its_own_goes_on_to_another_kernel(journal: Path) -> None:
    cell = CELL.format(name="BasicBlock", imports="", helper="")
    said = run(IMPORTS, "from torch import nn\n" + HELPER, cell)
    assert "basic_block: passed" in said
    assert "cannot be kept" not in said
    said = run(USE)
    assert f"yours, from {journal.parent / 'answers' / 'basic_block.py'}" in said
    assert "['first', 'norm_one', 'second', 'norm_two', 'around']" in said


def kept(journal: Path, change: tuple[str, str] | None = None) -> Path:
    """The file of a right answer, perhaps changed by hand."""
    exercise = checks.EXERCISES["needs_projection"]
    path = journal.parent / "answers" / "needs_projection.py"
    path.parent.mkdir(exist_ok=True)
    source = exercise.answer.strip() + "\n"
    text = f"{keeping._header(source)}\n{source}"
    path.write_text(text if change is None else text.replace(*change), encoding="utf-8")
    return path


def test_what_was_kept_is_used_and_its_module_says_whose_it_is(journal: Path, capsys) -> None:
    path = kept(journal)
    found = checks.yours("needs_projection")
    assert found.__module__ == "yours"
    assert found(16, 32, 1) is True
    assert f"needs_projection: yours, from {path}" in capsys.readouterr().out


def test_nothing_kept_is_said(journal: Path, capsys) -> None:
    assert checks.yours("needs_projection") is checks.EXERCISES["needs_projection"].reference
    assert "the course's own: you have not passed this exercise yet" in capsys.readouterr().out


def test_without_a_journal_nothing_is_kept_and_that_is_said(monkeypatch, capsys) -> None:
    monkeypatch.setenv("RESNET_COURSE_JOURNAL", "off")
    assert checks.yours("basic_block") is checks.EXERCISES["basic_block"].reference
    assert "RESNET_COURSE_JOURNAL is off" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("return", "return not"), "by itself it does not pass"),
        (("return", "retrun"), "SyntaxError"),
        (("def needs", "raise OSError('gone')\ndef needs"), "OSError: gone"),
        (("def needs", "import no_such_package\ndef needs"), "no_such_package"),
        (("def needs", "import os; os._exit(3)\ndef needs"), "ExitRefusedError"),
    ],
)
def test_a_file_that_was_changed_and_does_not_pass_is_named_and_left_alone(change, said, journal, capsys) -> None:
    path = kept(journal, change)
    before = path.read_bytes()
    assert checks.yours("needs_projection") is checks.EXERCISES["needs_projection"].reference
    shown = capsys.readouterr().out
    assert f"{path} was changed" in shown
    assert said in shown
    assert path.read_bytes() == before


def test_a_file_that_hangs_is_stopped(journal: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(keeping, "guarded", lambda seed: real(seed, seconds=0.3))
    real = __import__("resnet_course.checking.guard", fromlist=["guarded"]).guarded
    kept(journal, ("def needs", "while True: pass\ndef needs"))
    assert checks.yours("needs_projection") is checks.EXERCISES["needs_projection"].reference
    assert "is there an endless loop?" in capsys.readouterr().out


def test_a_changed_file_that_passes_is_used_after_its_check(journal: Path, capsys) -> None:
    kept(journal, ("def needs", "# mine\ndef needs"))
    assert checks.yours("needs_projection").__module__ == "yours"
    assert "and passes its check" in capsys.readouterr().out


def test_what_is_not_text_is_named(journal: Path, capsys) -> None:
    kept(journal).write_bytes(b"\xff\xfe\x00")
    checks.yours("needs_projection")
    assert "cannot be read" in capsys.readouterr().out


def test_what_has_no_source_is_not_kept(journal: Path, capsys) -> None:
    exercise = checks.EXERCISES["needs_projection"]
    assert checks.needs_projection(exercise.reference) is exercise.reference
    assert "cannot be kept for later lessons" in capsys.readouterr().out
    assert not (journal.parent / "answers").exists()


STYLES = {
    "a decorator": "@torch.no_grad()\ndef needs_projection(i, p, s, e=1):\n    return s != 1 or i != p * e",
    "a lambda": "needs_projection = lambda i, p, s, e=1: s != 1 or i != p * e",
    "a dict beside it": "ONE = dict(s=1)\ndef needs_projection(i, p, s, e=1):\n    return s != ONE['s'] or i != p * e",
    "an attribute set later": (
        "def needs_projection(i, p, s, e=1):\n    return s != needs_projection.one or i != p * e\n"
        "needs_projection.one = 1"
    ),
    "a dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass Sizes:\n    i: int\n    p: int\n    s: int\n    e: int = 1\n"
        "    def differ(self):\n        return self.s != 1 or self.i != self.p * self.e\n"
        "def needs_projection(i, p, s, e=1):\n    return Sizes(i, p, s, e).differ()"
    ),
}


@pytest.mark.parametrize("style", STYLES)
def test_what_was_typed_in_other_styles_is_kept(style: str, journal: Path, monkeypatch, capsys) -> None:
    exercise, file = checks.EXERCISES["needs_projection"], f"<cell with {style}>"
    monkeypatch.setitem(linecache.cache, file, (1, None, STYLES[style].splitlines(keepends=True), file))
    checks.needs_projection(exercise.make(STYLES[style], file, "__main__"))
    assert "cannot be kept" not in capsys.readouterr().out
    assert checks.yours("needs_projection").__module__ == "yours"


def test_a_folder_that_cannot_be_written_costs_the_keeping_alone(journal: Path) -> None:
    (journal.parent / "answers").write_text("a file is in the way", encoding="utf-8")
    code = "from resnet_course import checks\ndef needs_projection(in_planes, planes, stride, expansion=1):\n"
    code += "    return stride != 1 or in_planes != planes * expansion\nchecks.needs_projection(needs_projection)\n"
    script = journal.parent / "script.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert "needs_projection: passed" in done.stdout
    assert "cannot be kept" in done.stdout
