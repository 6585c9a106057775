"""The notebooks' test run must fail where nbval alone passes or waits: tested on deliberately bad notebooks."""

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbval")

pytestmark = [
    pytest.mark.complete,
    pytest.mark.skipif(sys.platform == "win32", reason="the notebooks here use POSIX commands"),
]

CONFTEST = Path(__file__).parents[2] / "conftest.py"

GOOD = [
    'import importlib.util\nif importlib.util.find_spec("json") is None:\n    %pip install no-such-package',
    "%pip --version",
    "!true",
    '!printf "no newline"',
    "def f(word):\n    !test {word} = inner\n    lines = !echo {word} $word {{word}}\n    return lines\n"
    "word = 'outer'\nassert f('inner') == ['inner inner {word}']",
    '%%bash\necho "in bash"',
    "%%time\n%matplotlib inline",
    "%cd .",
    "import os\ntry:\n    os.stat('no-such-file')\nexcept OSError as error:\n    print(error)",
    "!false || true",
    "%%bash --no-raise-error\nfalse",
    "assert '_exit_code' in globals() and 'make_failures_loud' not in globals()",
]
# Each cell with words that its failure must tell.
BAD = [
    ("%no_such_magic 1", "no_such_magic"),
    ("%%no_such_cell_magic\n1", "no_such_cell_magic"),
    ("%%time\n%no_such_magic", "no_such_magic"),
    ("%%capture\n%no_such_magic", "no_such_magic"),
    ("%env NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE"),
    ("%pip install ./no-such-folder", "pip install ./no-such-folder"),
    ("!false\n!true", "Command 'false'"),
    ("if True:\n    !exit 3", "exit status 3"),
    ("lines = !echo shown; exit 4", "exit status 4"),
    ("%%bash\necho in bash\nfalse", "exit status 1"),
    ("%%script no-such-program\n1", "no-such-program"),
    ("%cd no-such-folder", "no-such-folder"),
    ("raise ExceptionGroup('several', [ValueError('one')])", "ExceptionGroup"),
    ("print('before')\nassert 1 == 2, 'a plain error'", "AssertionError: a plain error"),
]
DEAD = ["alive = True", "import os\nos._exit(1)", "alive", "1"]
SAYS = """
from IPython.display import display
class checks:
    def f(status):
        found = {{"check": {{"name": "f", "status": status}}}}
        display({{"application/vnd.resnet-course+json": found}}, raw=True)
x = checks.f("{}")
"""
KILLED = ["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "2"]
DEAF = ["import time\ntry:\n    time.sleep(100)\nexcept KeyboardInterrupt:\n    pass"]
LIMIT = "def test_limit(pytestconfig):\n    assert pytestconfig.getoption('nbval_cell_timeout') == {}\n"


@dataclass
class Result:
    """How pytest reports one cell: `problem` is empty where it passed."""

    problem: str
    seconds: float


def write_notebook(path, sources, tags=()):
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def run_pytest(folder, *options):
    """Run what is in a folder under the project's conftest; return a list of results for each file."""
    shutil.copy(CONFTEST, folder)
    (folder / "tests").mkdir(exist_ok=True)
    shutil.copy(CONFTEST.parent / "tests" / "forked_kernels.py", folder / "tests")
    report = folder / "report.xml"
    flags = ["--nbval-lax", "--nbval-current-env", "--color=no", f"--rootdir={folder}", f"--junitxml={report}"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", *flags, *options, str(folder)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    results = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        problems = [child.text or child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        results[case.get("classname")].append(Result("".join(problems), float(case.get("time"))))
    return results


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("course")


@pytest.fixture(scope="module")
def results(folder):
    """One pytest run for all notebooks that need no time limit of their own."""
    write_notebook(folder / "good.ipynb", GOOD)
    write_notebook(folder / "bad.ipynb", [source for source, _ in BAD] + ["1"])
    write_notebook(folder / "excused.ipynb", ["!false", "%no_such_magic"], tags=["raises-exception"])
    write_notebook(folder / "dead.ipynb", DEAD)
    write_notebook(folder / "killed.ipynb", KILLED)
    silent = "class checks:\n    f = print\nx = checks.f()"
    for place in ("notebooks", "solutions"):
        (folder / place).mkdir()
        cells = [SAYS.format(status) for status in ("not_written", "passed", "failed")] + [silent]
        write_notebook(folder / place / f"checks_in_{place}.ipynb", cells)
    (folder / "notebooks" / "solutions").mkdir()
    write_notebook(folder / "notebooks" / "solutions" / "whole.ipynb", ["print('one')", "2"])
    write_notebook(folder / "notebooks" / "solutions" / "broken.ipynb", ["print('one')", "1 / 0"])
    (folder / "test_limit.py").write_text(LIMIT.format(1200), encoding="utf-8")
    return run_pytest(folder)


@pytest.mark.parametrize(
    ("name", "first", "count"),
    [("good.ipynb", 0, len(GOOD)), ("bad.ipynb", len(BAD), 1), ("excused.ipynb", 0, 2), ("test_limit", 0, 1)],
    ids=["good cells", "after bad cells", "may raise", "a default time limit"],
)
def test_cells_that_pass(results, name, first, count):
    assert [result.problem for result in results[name][first:]] == [""] * count


@pytest.mark.parametrize("number", range(len(BAD)), ids=[source.splitlines()[0] for source, _ in BAD])
def test_bad_cell_fails_and_says_why(results, number):
    problem = results["bad.ipynb"][number].problem
    assert f"bad.ipynb::Cell {number}: " in problem
    assert BAD[number][1] in problem.split("Input:")[0]


@pytest.mark.parametrize(("place", "right"), [("notebooks", 0), ("solutions", 1)])
def test_a_check_must_say_what_belongs_to_the_notebook(results, place, right):
    found = next(found for name, found in results.items() if name.endswith(f"checks_in_{place}.ipynb"))
    assert [not result.problem for result in found] == [index == right for index in range(4)]
    assert "the check f says failed where" in found[2].problem
    assert "the check f says nothing where" in found[3].problem


@pytest.mark.parametrize(("notebook", "cells", "fatal"), [("dead.ipynb", DEAD, 1), ("killed.ipynb", KILLED, 0)])
def test_dead_kernel_fails_its_cell_and_the_rest_soon(results, notebook, cells, fatal):
    problems = [result.problem for result in results[notebook]]
    assert len(problems) == len(cells)
    assert not any(problems[:fatal])
    assert f"{notebook}::Cell {fatal}: the kernel died in this cell" in problems[fatal]
    for number in range(fatal + 1, len(cells)):
        assert f"{notebook}::Cell {number}: not run" in problems[number]
    assert sum(result.seconds for result in results[notebook]) < 30


def test_a_solution_that_ran_to_its_end_is_kept_with_its_outputs(results, folder):
    (kept,) = (folder / "build" / "solutions").iterdir()
    assert kept.name == "whole.ipynb"
    first, second = nbformat.read(kept, as_version=4).cells
    assert first.outputs[0].text == "one\n"
    assert second.outputs[0].data["text/plain"] == "2"
    assert (first.execution_count, second.execution_count) == (1, 2)


def test_time_limit_asked_for_holds_even_if_the_cell_catches_the_interrupt(tmp_path):
    write_notebook(tmp_path / "deaf.ipynb", DEAF)
    (tmp_path / "test_limit.py").write_text(LIMIT.format(2), encoding="utf-8")
    results = run_pytest(tmp_path, "--nbval-cell-timeout=2")
    assert results["test_limit"][0].problem == ""
    assert "deaf.ipynb::Cell 0: caught the interrupt at its time limit of 2 seconds" in results["deaf.ipynb"][0].problem
