"""The notebooks' test run must fail where nbval alone passes or waits: tested on deliberately bad notebooks."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbval")

CONFTEST = Path(__file__).parent.parent / "conftest.py"

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
    ("print('before')\nassert 1 == 2, 'a plain error'", "AssertionError: a plain error"),
]
EXCUSED = "!false"
DEAD = ["survivor = 1", "import os\nprint('last words', flush=True)\nos._exit(1)", "survivor", "1"]
KILLED = ["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "2"]
LATE = ["import os, threading\nthreading.Timer(1, os._exit, [1]).start()", "import time\ntime.sleep(100)", "3"]
DEAF = ["import time\ntry:\n    time.sleep(100)\nexcept KeyboardInterrupt:\n    pass"]


def write_notebook(path, sources, tags=()):
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def run_notebooks(folder, *options):
    """Run all notebooks and tests of a folder; return the failure of each, or "" where it passed, and the seconds."""
    shutil.copy(CONFTEST, folder)
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "--color=no", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    report = folder / "report.xml"
    start = time.monotonic()
    run = subprocess.run(
        [*command, f"--rootdir={folder}", f"--junitxml={report}", *options, str(folder)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    results = {}
    for case in ElementTree.parse(report).iter("testcase"):
        problem = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        results[case.get("classname"), case.get("name")] = "" if problem is None else problem.text
    return results, time.monotonic() - start
