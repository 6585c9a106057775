import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAVY = ("torch", "torchvision", "numpy", "matplotlib", "PIL", "tqdm", "pooch", "IPython")


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = loaded_after("import resnet_course; assert resnet_course.__version__")
    assert "resnet_course" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_networks_and_training_need_torch_alone() -> None:
    loaded = loaded_after("import resnet_course.models, resnet_course.training")
    assert loaded.isdisjoint({"torchvision", "matplotlib", "PIL", "pooch", "IPython"})


def test_a_lesson_starts_without_torchvision() -> None:
    """It takes as long to import as torch itself; only some lessons need it."""
    loaded = loaded_after("from resnet_course import checks, data, experiments, explorers, inspection, runtime")
    assert "torchvision" not in loaded


def without_encoding(tree: ast.AST) -> Iterator[int]:
    """Lines that read or write text in whatever encoding the system has; ruff sees only some of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = len(node.args) - (node.func.attr == "write_text")
            named = {keyword.arg for keyword in node.keywords}
            if node.func.attr in ("read_text", "write_text") and given < 1 and "encoding" not in named:
                yield node.lineno


@pytest.mark.parametrize("folder", ["resnet_course", "site", "benchmarks", "notebooks", "assignments", "tests"])
def test_text_files_are_utf_8_on_every_system(folder: str) -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / folder).rglob("*.py")}
    assert trees
    assert [f"{path.relative_to(ROOT)}:{line}" for path, tree in trees.items() for line in without_encoding(tree)] == []


def test_git_checks_text_out_as_it_is_compared() -> None:
    """Notebooks are compared byte for byte with what is built, on Windows too."""
    names = ("README.md", "notebooks/00_start_here.ipynb", "resnet_course/runtime.py")
    line = ["git", "check-attr", "text", "eol", "--", *names]
    said = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [each for name in names for each in (f"{name}: text: auto", f"{name}: eol: lf")]
