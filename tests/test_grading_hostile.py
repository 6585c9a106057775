"""Hand-ins that fight back: no forged point, no leaked test, no stopped batch, nothing left over."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from resnet_course.grading.judging import Judgement, judge
from resnet_course.grading.marking import Task
from resnet_course.grading.probes import Probe, array, backward, call
from resnet_course.grading.sandbox import Limits, Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is a Linux program")

LIMITS = Limits(wall=12, cpu=8, memory=2**30)


def probes(student: str, seed: int) -> list[Probe]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(4, 3)).astype(np.float32)
    step = call("double", array("x", grad=True), out="result")
    return [Probe([step, backward("result", "g", ["x"])], {"x": x, "g": np.ones_like(x)})]


TASK = Task("Doubling", "double", 10.0, probes)
RIGHT = "def double(x):\n    return 2 * x"
WRONG = "def double(x):\n    return 3 * x"


def hand_in(*cells: str, tasks: tuple[Task, ...] = (TASK,)) -> Judgement:
    names = {"torch": torch}
    exec(RIGHT, names)
    return judge(tasks, "student", secrets.randbits(32), names, list(cells), LIMITS, Sandbox())


def points(judgement: Judgement) -> float:
    return sum(mark.points for mark in judgement.marks)


def processes_inside() -> set[str]:
    """Command lines of all processes that run the sandbox's program."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if "resnet_course.grading.inside" in line:
            found.add(f"{folder.name} {line}")
    return found


@pytest.fixture(autouse=True)
def nothing_left_over():
    before = processes_inside(), set(os.listdir(tempfile.gettempdir()))
    yield
    assert processes_inside() <= before[0]
    new = set(os.listdir(tempfile.gettempdir())) - before[1]
    assert not [name for name in new if name.startswith("resnet-course-") or "escaped" in name]


def test_right_answer_with_noise_around_it_earns_all_points():
    magic = "%matplotlib inline\n!pip install nothing\nimport math\nmath?"
    judgement = hand_in(magic, "print('hello')", "1 / 0", RIGHT, "get_ipython().run_line_magic('time', '')")
    assert points(judgement) == 10
    assert judgement.ending == "graded"
    assert judgement.notes == ("", "", "ZeroDivisionError", "", "")


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(
            "class Same:\n    def __eq__(self, other): return True\n    def __array__(self, *a, **k): return self\n"
            "    def backward(self, g): pass\ndef double(x):\n    return Same()",
            id="always equal",
        ),
        pytest.param(
            "import torch\nclass Always(torch.Tensor):\n    def __eq__(self, other): return True\n"
            "def double(x):\n    return (3 * x).as_subclass(Always)",
            id="always equal tensor",
        ),
        pytest.param(
            "import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
            "import builtins\nold = builtins.compile\n"
            "builtins.compile = lambda s, *a, **k: old(Drop().visit(ast.parse(s)), *a, **k)\n" + WRONG,
            id="asserts dropped",
        ),
        pytest.param(
            "import sys, types\nfor name in ('numpy.testing', 'resnet_course.checks', 'resnet_course.grading'):\n"
            "    sys.modules[name] = types.ModuleType(name)\n" + WRONG,
            id="fake modules",
        ),
        pytest.param(
            "import torch, numpy\nfor name in ('allclose', 'equal', 'isclose'):\n"
            "    setattr(torch, name, lambda *a, **k: True)\n    setattr(numpy, name, lambda *a, **k: True)\n" + WRONG,
            id="patched torch and numpy",
        ),
        pytest.param(
            "import resnet_course.grading.probes as p, resnet_course.grading.marking as m\n"
            "m.agree = m._equal = lambda *a: True\nm.first_difference = lambda *a: None\n" + WRONG,
            id="patched marking",
        ),
        pytest.param(
            "get_ipython().events.register('pre_run_cell', lambda info: print(info.raw_cell))\n" + WRONG,
            id="pre-run hook",
        ),
        pytest.param(
            "import torch\nnan = float('nan')\ndef double(x):\n    return x * nan",
            id="not a number",
        ),
    ],
)
def test_forgery_in_the_learners_process_earns_nothing(attack):
    judgement = hand_in(attack)
    assert points(judgement) == 0


FORGED = (
    "import os, json\nimport numpy as np\nfrom resnet_course.grading import protocol\n"
    "def double(x):\n    for fd in range(3, 64):\n        try:\n            os.write(fd, FRAME)\n"
    "        except OSError:\n            pass\n    return 3 * x\n"
)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("protocol.encode({'points': 10, 'status': 'right'}, {})", id="a mark"),
        pytest.param("protocol.encode({}, {'result': np.zeros((4, 3)), 'gradient/x': np.zeros((4, 3))})", id="zeros"),
        pytest.param("b'\\x00' * 7 + b'\\x10' + b'not an archive!!'", id="garbage"),
        pytest.param("b'\\xff' * 64", id="endless length"),
        pytest.param("b'\\x00' * 64", id="empty"),
        pytest.param(
            "(lambda d: protocol.LENGTH.pack(len(d)) + d)(__import__('pickle').dumps(print))",
            id="pickle",
        ),
    ],
)
def test_forged_messages_earn_nothing(frame):
    judgement = hand_in(FORGED.replace("FRAME", frame))
    assert points(judgement) == 0


def test_object_arrays_are_never_unpickled(tmp_path):
    """An archive with a pickled member whose loading would leave a file."""
    marker = tmp_path / "escaped"
    attack = (
        "import os, io, json, struct, zipfile, numpy as np\n"
        f"class Bomb:\n    def __reduce__(self): return (open, ({str(marker)!r}, 'w'))\n"
        "def double(x):\n    b = io.BytesIO()\n"
        "    head = np.frombuffer(json.dumps({'header': {}, 'names': ['result']}).encode(), np.uint8)\n"
        "    bad = np.empty(1, object)\n    bad[0] = Bomb()\n    np.savez(b, header=head, a0=bad)\n"
        "    d = b.getvalue()\n    os.write(ANSWERS, struct.pack('>Q', len(d)) + d)\n    return x\n"
    )
    find = (
        "import os\nPIPES = [int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}')]\n"
        "ANSWERS = max(PIPES)\n"
    )
    judgement = hand_in(find + attack)
    assert points(judgement) == 0
    assert not marker.exists()


@pytest.mark.parametrize(
    ("attack", "ending"),
    [
        pytest.param("import os\ndef double(x):\n    os._exit(0)", "crashed", id="exit in the test"),
        pytest.param("import os\nos._exit(0)", "crashed", id="exit in a cell"),
        pytest.param("def double(x):\n    while True: pass", "timed out", id="endless loop"),
        pytest.param(
            "def double(x):\n    while True:\n        try:\n            while True: pass\n"
            "        except BaseException: pass",
            "timed out",
            id="loop that catches everything",
        ),
        pytest.param(
            "import signal, time\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\ndef double(x):\n    time.sleep(10000)",
            "timed out",
            id="sleep with all signals ignored",
        ),
        pytest.param("import ctypes\ndef double(x):\n    ctypes.string_at(0)", "crashed", id="broken interpreter"),
        pytest.param("def double(x):\n    raise SystemExit", "crashed", id="SystemExit in the test"),
    ],
)
def test_what_ends_the_process_costs_only_its_own_task(attack, ending):
    other = Task("Halving", "half", 5.0, lambda student, seed: [Probe([call("half", 3.0, out="result")])])
    names = {"torch": torch}
    exec(RIGHT + "\ndef half(x):\n    return x / 2", names)
    limits = Limits(wall=15, cpu=5)
    cells = ["def half(x):\n    return x / 2", attack]
    judgement = judge((TASK, other), "student", 1, names, cells, limits, Sandbox())
    assert judgement.ending == ending
    assert judgement.marks[0].points == 0
    in_a_cell = "def double" not in attack
    assert judgement.marks[1].points == (0 if in_a_cell else 5)


def test_memory_processes_files_and_network_are_out_of_reach(tmp_path):
    """Each cell is an attack of its own; a right answer after all of them still earns its points."""
    secret = tmp_path / "hidden.py"
    secret.write_text("SECRET = 42")
    cells = [
        "bytearray(30 * 2**30)",
        "import torch\ntorch.empty(30 * 2**30, dtype=torch.uint8)",
        "import os\nos.fork()",
        "while True: os.fork()",
        "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)",
        "import multiprocessing\nmultiprocessing.Process(target=print, daemon=False).start()",
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)",
        "socket.create_connection(('1.1.1.1', 53), 1)",
        f"open({str(secret)!r}).read()",
        f"open({str(Path(__file__))!r}).read()",
        "open('/usr/escaped', 'w')",
        "open('/escaped', 'w')",
        "open('/course/resnet_course/escaped', 'w')",
        "with open('big', 'wb') as f:\n    for _ in range(300): f.write(bytes(2**20))",
        "os.listdir('/home'), os.listdir('/root')",
        "open('/etc/passwd').read()",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6))",
        "os.kill(os.getppid(), 9) if os.getppid() > 1 else 1 / 0",
        RIGHT,
    ]
    judgement = hand_in(*cells)
    assert points(judgement) == 10, judgement
    assert all(judgement.notes[:-1]), judgement.notes
    assert judgement.notes[-1] == ""


def test_flood_of_output_is_cut():
    flood = "line = 'x' * 10_000\nfor _ in range(20_000): print(line)"
    judgement = hand_in(flood, RIGHT)
    assert points(judgement) == 10
    assert len(judgement.log) <= LIMITS.log + 200


def test_hidden_inputs_do_not_reach_what_the_learner_reads():
    leak = (
        "def double(x):\n    text = '_'.join(str(v) for v in x.flatten().tolist())\n    print(text)\n"
        "    raise type('E' + text.replace('.', 'p').replace('-', 'm'), (Exception,), {})(text)"
    )
    judgement = hand_in(leak)
    assert points(judgement) == 0
    assert judgement.marks[0].comment == "Doubling: not right. It raised an error. No known mistake looks like this."


def test_answers_of_any_size_are_refused_not_swallowed():
    huge = "import torch\ndef double(x):\n    return torch.zeros(1).expand(10**9)"
    judgement = hand_in(huge)
    assert points(judgement) == 0
