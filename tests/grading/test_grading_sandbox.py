"""The session with a process that is shut in, and the options and the filter that shut it in."""

from __future__ import annotations

import builtins
import os
import shutil
import struct
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from resnet_course.base.errors import CourseError
from resnet_course.grading.sandbox import engines
from resnet_course.grading.sandbox.inside import run_cells
from resnet_course.grading.sandbox.protocol import LENGTH, as_text, encode
from resnet_course.grading.sandbox.seccomp import threads_only
from resnet_course.grading.sandbox.session import Limits, Sandbox, SandboxEnded, Session

LIMITS = Limits(wall=60, cpu=10)
EXAMINE = "def examine_twice(names, inputs):\n    return {'y': names['twice'](inputs['x'])}"
TWICE = ("twice", {"x": np.arange(3.0)})


class Stub(Session):
    """A session with a small program in place of the learner's cells: it starts at once and may send anything."""

    def __init__(self, program: str, limits: Limits = LIMITS) -> None:
        super().__init__(["cell"], EXAMINE, limits, Sandbox("none"))
        self.program = program

    def _command(self, filter_file: int) -> list[str]:
        return [sys.executable, "-S", "-c", f"import os, sys, time\n{self.program}"]


def sends(data: bytes, then: str = "time.sleep(60)") -> str:
    return f"os.write(1, {data!r})\n{then}"


NOTES = encode({"0": as_text("")})


def raw(length: int, data: bytes = b"") -> bytes:
    return LENGTH.pack(length) + data


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(raw(2**64 - 1), id="length of exabytes"),
        pytest.param(raw(0), id="empty"),
        pytest.param(raw(16, bytes(16)), id="zeros"),
        pytest.param(b"Traceback (most recent call last):", id="text"),
        pytest.param(encode({"points": np.array(10)}), id="a mark"),
        pytest.param(encode({}), id="notes on no cell"),
        pytest.param(encode({"0": as_text(""), "1": as_text("")}), id="notes on too many cells"),
    ],
)
def test_first_messages_that_are_refused(answer):
    with pytest.raises(SandboxEnded) as ended, Stub(sends(answer)):
        pass
    assert ended.value.kind == "refused"


def test_answers_together_have_a_limit():
    answer = encode({"y": np.zeros(1_000)})
    limits = Limits(wall=60, answers=2 * len(answer))
    with Stub(sends(NOTES + answer * 3), limits) as session:
        assert session.observe(*TWICE)["y"].shape == (1_000,)
        with pytest.raises(SandboxEnded) as ended:
            session.observe(*TWICE)
    assert ended.value.kind == "refused"


@pytest.mark.parametrize(
    ("program", "wall", "kind"),
    [
        pytest.param("sys.exit(3)", 60, "crashed", id="exit"),
        pytest.param(sends(NOTES[:9], then=""), 60, "crashed", id="half a message"),
        pytest.param("os.kill(os.getpid(), 9)", 60, "timed out", id="killed"),
        pytest.param("time.sleep(60)", 1.5, "timed out", id="silence"),
        pytest.param("os.close(0)\ntime.sleep(60)", 1.5, "timed out", id="closed ear"),
        pytest.param(
            sends(raw(2**25), "while True:\n    os.write(1, b'x')\n    time.sleep(0.001)"), 1.5, "timed out", id="drip"
        ),
    ],
)
def test_how_a_process_may_end(program, wall, kind):
    started, used = time.monotonic(), time.process_time()
    with pytest.raises(SandboxEnded) as ended, Stub(program, Limits(wall=wall)):
        pass
    assert ended.value.kind == kind
    assert time.monotonic() - started < 10
    assert time.process_time() - used < 1.0, "waiting costs no processor time"


def test_log_is_the_beginning_of_what_was_printed():
    program = "os.write(2, b'first\\n' + b'x' * 10**6)\n" + sends(NOTES)
    with Stub(program, Limits(wall=60, log=100)) as session:
        pass
    assert session.log.startswith("first\nxxx")
    assert len(session.log) == 100


def test_without_a_sandbox_the_scratch_folder_goes_and_so_does_what_was_started():
    program = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        "os.write(2, f'{child.pid} {os.getcwd()} {os.environ[\"HOME\"]}'.encode())\n"
    )
    with Stub(program + sends(NOTES)) as session:
        while len(session.log.split()) < 3:
            time.sleep(0.01)
    child, folder, home = session.log.split()
    assert folder == home
    assert not Path(folder).exists()
    end = time.monotonic() + 10  # the kernel ends it a moment after its parent
    while psutil.pid_exists(int(child)) and psutil.Process(int(child)).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "a process is left over"
        time.sleep(0.01)


def test_container_engine_gets_the_walls_and_passes_messages(tmp_path, monkeypatch):
    """A stand-in for docker: it notes its options and runs the program."""
    engine = tmp_path / "docker"
    course = Path(engines.__file__).parents[3]
    engine.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$1" = run ] || exit 0\n'
        f"export PYTHONPATH={course}\nexec {sys.executable} -m resnet_course.grading.sandbox.inside\n",
        encoding="utf-8",
    )
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with Session(["def twice(x):\n    return 2 * x"], EXAMINE, LIMITS, Sandbox("docker", "class")) as session:
        assert session.observe(*TWICE)["y"].tolist() == [0, 2, 4]
    run, kill = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    for option in ("--network none", "--read-only", "--cap-drop ALL", "--pids-limit", "--memory", "--rm"):
        assert option in run
    assert run.split()[-5:-3] == ["class", "python"]
    assert kill.split()[1] == run.split()[run.split().index("--name") + 1]


def test_missing_program_says_what_to_do(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match=r"apt install bubblewrap.*--container.*--no-sandbox-i-trust-these-files"):
        Sandbox().check()


def test_sandbox_that_cannot_start_says_what_to_do(tmp_path, monkeypatch):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(CourseError, match=r"No permissions to create new namespace.*seccomp=unconfined.*--container"):
        Sandbox().check()


def test_only_the_package_and_the_libraries_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "_library", lambda name: tmp_path)
    assert engines.exposed([tmp_path / "exchange", Path("/usr/lib/x"), Path("/usr/src/app")]) == [
        tmp_path / "exchange",
        Path("/usr/lib/x"),
    ]
    options = engines.bubblewrap(2**20, 9)
    shown = {options[index + 1] for index, option in enumerate(options) if option == "--ro-bind"}
    package = Path(engines.__file__).parents[2]
    assert str(package) in shown
    assert str(tmp_path) in shown
    assert options[options.index("PYTHONPATH") + 1] == f"/course:{tmp_path}"
    course = package.parent  # in an editable install, the tree with the assignments
    assert not any(course.is_relative_to(folder) for folder in shown)
    assert not any(Path(__file__).is_relative_to(folder) for folder in shown - {str(tmp_path)})


def filter_says(machine: str, architecture: int, number: int, argument: int = 0) -> int:
    """What the filter returns for a system call: a reading of its instructions, apart from the kernel's."""
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, architecture, 0, argument, 0, 0, 0, 0, 0)
    program = list(struct.iter_unpack("<HBBI", threads_only(machine)))
    place = value = 0
    while True:
        code, if_true, if_false, operand = program[place]
        place += 1
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        elif code == 0x06:
            return operand
        else:
            true = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
            place += if_true if true else if_false


ALLOW, KILL, REFUSE, UNKNOWN = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
THREAD, PROCESS = 0x3D0F00, 0x01200011  # the flags of clone that the C library gives for a thread and for a fork


@pytest.mark.parametrize(
    ("machine", "architecture", "clone", "refused"),
    [("x86_64", 0xC000003E, 56, (57, 58, 101, 272, 319, 29, 447)), ("aarch64", 0xC00000B7, 220, (97, 117, 279, 194))],
)
def test_filter_allows_threads_and_no_processes(machine, architecture, clone, refused):
    says = lambda number, argument=0: filter_says(machine, architecture, number, argument)  # noqa: E731
    assert says(clone, THREAD) == ALLOW
    assert says(clone, PROCESS) == REFUSE
    assert says(435, THREAD) == UNKNOWN
    assert {says(number) for number in refused} == {REFUSE}
    assert says(0) == ALLOW
    socket = 41 if machine == "x86_64" else 198
    assert [says(socket, family) for family in (1, 2, 10, 16, 40)] == [ALLOW, *[REFUSE] * 4]
    assert says(0x40000000 + clone, THREAD) == KILL
    assert filter_says(machine, 0x40000003, 2) == KILL  # the 32-bit fork


def test_filter_of_an_unknown_machine_says_what_to_do():
    with pytest.raises(CourseError, match=r"riscv64.*--container"):
        threads_only("riscv64")


def test_cells_run_in_order_whatever_happens_in_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # to be put back: `run_cells` takes it over
    for name in ("display", "get_ipython"):
        monkeypatch.setattr(builtins, name, None, raising=False)
    cells = ["a = 1", "1 / 0", "raise SystemExit", "raise KeyboardInterrupt", "def broken(:"]
    cells += [
        "%matplotlib inline\n!pip install \\\n  nothing\nb = a + 1\nb?",
        "%time c = b + 1",
        "%%time\n%pip list\nd = c + 1",
        "%%bash\nrm -rf /",
        "files = !ls\ne = list(files)",
        "get_ipython().events.register('pre_run_cell', print); display(a)",
        "get_ipython().ast_transformers.append(print)",
        "import dataclasses, pickle\n@dataclasses.dataclass\nclass P:\n    x: int",
        "f = pickle.loads(pickle.dumps(P(6))).x",
        "nul = '\0'",
    ]
    names, notes = run_cells(cells)
    kinds = ["ZeroDivisionError", "SystemExit", "KeyboardInterrupt", "SyntaxError"]
    assert [note.split(":")[:2] for note in notes[1:5]] == [["line 1", f" {kind}"] for kind in kinds]
    assert not any(notes[:1] + notes[5:14]), notes
    assert [names[name] for name in "abcdef"] == [1, 2, 3, 4, [], 6]


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("display", "get_ipython"):
        monkeypatch.setattr(builtins, name, None, raising=False)
    return run_cells


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import no_such_module", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("!pip install x\nimport no_such_module", "line 2: ModuleNotFoundError"),
        ("name = input('name? ')", "line 1: "),
        ("assert 1 > 2, 'switch the GPU on'", "line 1: AssertionError: switch the GPU on"),
        ("from __future__ import annotations\n1 / 0\ndef g(x: int | NotThere): pass", "line 2: ZeroDivisionError"),
        (
            "class Odd(Exception):\n    def __str__(self): raise SystemExit\nraise_it = [0]\nraise_it[Odd]",
            "line 4: TypeE",
        ),
        ("%%writefile helper.py\nWIDTH = 3", ""),
    ],
)
def test_a_line_that_fails_does_not_take_the_rest_of_its_cell_along(run, line, said):
    rest = "" if line.startswith("%%") else "\ndef f():\n    return 2"
    names, notes = run([line + rest, "from helper import WIDTH" if not rest else "h = f()"])
    assert notes[0].startswith(said)
    assert bool(notes[0]) == bool(said)
    assert names["h" if rest else "WIDTH"] == (2 if rest else 3)


@pytest.mark.parametrize("line", ["raise ValueError('stop here')", "import sys; sys.exit()", "import os; os._exit(0)"])
def test_below_a_raise_or_an_exit_nothing_runs(run, line):
    names, notes = run([f"a = 1\n{line}\na = 2", "b = a"])
    assert names["b"] == 1
    assert notes[0].startswith("line 2: ")


@pytest.mark.parametrize("body", ["sum(range(1000))", "time.sleep(0.01)"])
def test_a_cell_that_takes_too_long_is_stopped_and_the_next_ones_run(run, monkeypatch, body):
    monkeypatch.setattr("resnet_course.grading.sandbox.inside.A_MOMENT", 0.2)
    slow = f"import time\ndef early(): return 1\nwhile True:\n    try: {body}\n    except Exception: pass\n"
    started = time.monotonic()
    names, notes = run([slow + "def late(): return 2", "c = early() + late()"], 0.3, 0.6)
    assert names["c"] == 3
    assert notes[0].endswith("it took too long and was stopped")
    assert notes[1] == ""
    assert time.monotonic() - started < 5
