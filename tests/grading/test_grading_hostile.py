"""Hand-ins that fight back: no forged point, no leaked test, no stopped batch, nothing left over.

Starting PyTorch takes most of a hand-in's time, so attacks that leave each other alone share one hand-in, as tasks or
cells of their own.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest

from resnet_course.grading.assignment.folder import Assignment
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.handin.preflight import HandIn
from resnet_course.grading.marks.judging import Judgement, judge
from resnet_course.grading.sandbox import session, warm
from resnet_course.grading.sandbox.protocol import LENGTH
from resnet_course.grading.sandbox.session import Limits, Sandbox

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")

OWN_SIZE = 64 * 2**20 + os.getpid()  # stands in the command line of this test's sandboxes and of no other
LIMITS = Limits(wall=60, cpu=10, memory=2**30, scratch=OWN_SIZE)
RIGHT, WRONG = ("def NAME(x):\n    return 2 * x\n", "def NAME(x):\n    return 3 * x\n")


def typed(cell: str, name: str) -> str:
    return cell.replace("NAME", name)


HONEST = typed(RIGHT, "honest")


EXAMINE = """
import torch
from resnet_course.grading.sandbox.examining import gradients
def examine_NAME(names, inputs):
    x = inputs["x"].requires_grad_()
    result = names["NAME"](x)
    return {"result": result, **gradients(result, torch.ones(4, 3), x, torch.nn.Module())}
"""


def cases(student: str, seed: int) -> list[dict[str, np.ndarray]]:
    return [{"x": np.random.default_rng(seed).normal(size=(4, 3)).astype(np.float32)}]


def assignment_of(names: list[str]) -> Assignment:
    solution = [nbformat.v4.new_code_cell(typed(RIGHT, name), metadata={"task": name}) for name in names]
    tasks = tuple(Task(f"Doubling by {name}", name, 2.0, cases) for name in names)
    examine = "".join(typed(EXAMINE, name) for name in names)
    return Assignment("doubling", tuple(solution), tasks, examine, secrets.token_hex(32))


def as_hand_in(cells: list[str]) -> HandIn:
    return HandIn(nbformat.v4.new_notebook(), cells, [f"cell {i}" for i in range(len(cells))])


def hand_in(names: list[str], cells: list[str], **limits: float) -> Judgement:
    """Judge functions of these names, which should double, after the cells; nothing may be left over."""
    before = os.listdir(tempfile.gettempdir())
    judgement = judge(assignment_of(names), "student", as_hand_in(cells), replace(LIMITS, **limits), Sandbox())
    warm.end_all()
    assert os.listdir(tempfile.gettempdir()) == before
    end = time.monotonic() + 10  # the kernel ends what stands inside a sandbox a moment after the sandbox
    while own_processes():
        assert time.monotonic() < end, "a process is left over"
        time.sleep(0.01)
    return judgement


def points(judgement: Judgement) -> list[float]:
    return [mark.points for mark in judgement.marks]


def own_processes() -> list[str]:
    """Processes of this test's sandboxes. The first process of a sandbox is one, and all others end with it."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [str(line)] if str(OWN_SIZE).encode() in line.read_bytes() else []
        except OSError:
            continue
    return found


FORGERIES = {
    "always_equal": (
        "class Same:\n    def __eq__(self, other): return True\n    def __array__(self, *a, **k): return self\n"
        "    def backward(self, g): pass\ndef NAME(x):\n    return Same()"
    ),
    "always_equal_tensor": (
        "import torch\nclass Always(torch.Tensor):\n    def __eq__(self, other): return True\n"
        "    __ne__ = __lt__ = __gt__ = __eq__\ndef NAME(x):\n    return (3 * x).as_subclass(Always)"
    ),
    "lazy_tensor": (
        "class Lazy(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, *a, **k):\n        return 1\n"
        "def NAME(x):\n    return x.as_subclass(Lazy)"
    ),
    "not_a_number": "def NAME(x):\n    return x * float('nan')",
    "infinite": "def NAME(x):\n    return x * float('inf')",
    "objects": "import numpy as np\ndef NAME(x):\n    return np.array([x, x], dtype=object)",
    "view_without_memory": "def NAME(x):\n    return torch.zeros(1, requires_grad=True).expand(10**12)",
    "asserts_dropped": (
        "import ast, builtins\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
        "get_ipython().ast_transformers.append(Drop())\nold_compile = builtins.compile\n"
        "def no_assert(s, f='', m='exec', *a, **k):\n    if isinstance(s, str) and m == 'exec':\n"
        "        s = Drop().visit(old_compile(s, f, m, ast.PyCF_ONLY_AST))\n    return old_compile(s, f, m, *a, **k)\n"
        "builtins.compile = no_assert\n" + WRONG
    ),
    "pre_run_hook": "get_ipython().events.register('pre_run_cell', lambda info: print(info.raw_cell))\n" + WRONG,
    "fake_modules": (
        "import sys, types\nfor name in ('numpy.testing', 'resnet_course.checks', 'resnet_course.grading', 'hidden'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n" + WRONG
    ),
    "patched_torch": (
        "import torch, numpy\nfor name in ('allclose', 'equal', 'isclose', 'load', 'array_equal'):\n"
        "    setattr(torch, name, lambda *a, **k: True)\n    setattr(numpy, name, lambda *a, **k: True)\n"
        "torch.Tensor.__eq__ = lambda *a: True\n" + WRONG
    ),
    "patched_marking": (
        "import importlib, sys\nsys.modules.pop('resnet_course.grading', None)\n"
        "import resnet_course.grading.marks.marking as m\nm._equal = lambda *a: True\n"
        "m.first_difference = lambda *a: None\n" + WRONG
    ),
    "replaced_examine": (
        "import gc, types\nfor f in gc.get_objects():\n"
        "    if isinstance(f, types.FunctionType) and f.__name__ == 'examine_NAME':\n"
        "        f.__code__ = (lambda names, inputs: {'result': True, 'right': True}).__code__\n" + WRONG
    ),
    "leak": (
        "def NAME(x):\n    text = '_'.join(str(v) for v in x.flatten().tolist())\n    print(text)\n"
        "    raise type('E' + text.replace('.', 'p').replace('-', 'm'), (Exception,), {})(text)"
    ),
}


@pytest.fixture(scope="module", params=["warm", "cold"])
def start(request):
    """Whether the process is forked from one that waits, or started anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm, "_works", request.param == "warm")
        yield request.param
        assert warm._works == (request.param == "warm"), "a user namespace may be made in another one here"


@pytest.fixture(scope="module")
def forged(start) -> Judgement:
    cells = [HONEST, *(typed(cell, name) for name, cell in FORGERIES.items())]
    return hand_in(["honest", *FORGERIES], cells, cpu=30)  # an attack imports the grader, which takes seconds


@pytest.mark.parametrize("attack", FORGERIES)
def test_forgery_in_the_learners_process_earns_nothing(forged, attack):
    (mark,) = [mark for mark in forged.marks if mark.grade_id == attack]
    assert (mark.points, mark.status) == (0, "wrong")
    assert forged.ending == "graded"
    assert forged.notes[1 + list(FORGERIES).index(attack)] == "", "the attack itself has run"


def test_honest_answer_among_forgeries_keeps_its_points(forged):
    assert forged.marks[0].points == 2


def test_hidden_inputs_do_not_reach_what_the_learner_reads(forged):
    (mark,) = [mark for mark in forged.marks if mark.grade_id == "leak"]
    place = r"That was in cell \d+, line 4\."
    assert re.fullmatch(
        rf"Doubling by leak: not right\. It raised an error\. {place} No known mistake looks like this\.", mark.comment
    )


FORGE = (
    "import os, numpy as np\nfrom resnet_course.grading.sandbox import protocol\n"
    "def NAME(x):\n    for fd in range(3, 64):\n        try: os.write(fd, FRAME)\n        except OSError: pass\n"
    "    return 3 * x\n"
)


def test_forged_messages_in_the_right_form_earn_nothing():
    mark = "protocol.encode({'points': np.array(2.0), 'status': protocol.as_text('right')})"
    result = "protocol.encode({'result': 3 * x.detach().numpy(), 'x': np.full((4, 3), 2.0)})"
    frames = {"mark": mark, "result": result, "many": f"{result} * 50"}
    cells = [typed(FORGE, name).replace("FRAME", frame) for name, frame in frames.items()]
    assert points(hand_in([*frames, "later"], [*cells, typed(RIGHT, "early")])) == [0, 0, 0, 0]


def test_messages_that_are_none_cost_only_their_own_task(tmp_path):
    """The pickle's loading would leave a file."""

    class Bomb:
        def __reduce__(self):
            return open, (str(tmp_path / "escaped"), "w")

    bomb = pickle.dumps(Bomb())
    frames = {"endless": b"\xff" * 64, "pickled": LENGTH.pack(len(bomb)) + bomb}
    cells = [typed(FORGE, name).replace("FRAME", repr(frame)) for name, frame in frames.items()]
    judgement = hand_in([*frames, "honest"], [*cells, HONEST])
    assert points(judgement) == [0, 0, 2]
    assert judgement.ending == "refused"
    assert not (tmp_path / "escaped").exists()


ENDS = {
    "exit": "import os\ndef NAME(x):\n    os._exit(0)",
    "broken_interpreter": "import ctypes\ndef NAME(x):\n    ctypes.string_at(0)",
    "endless_loop": "def NAME(x):\n    while True: pass",
    "loop_that_catches_everything": (
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\ndef NAME(x):\n    while True:\n        try:\n"
        "            while True: raise SystemExit\n        except BaseException: pass"
    ),
}


@pytest.mark.parametrize(
    ("names", "ending"),
    [(["exit", "broken_interpreter"], "crashed"), (["endless_loop", "loop_that_catches_everything"], "timed out")],
)
def test_what_ends_the_process_costs_only_its_own_task(names, ending):
    judgement = hand_in([*names, "honest"], [HONEST, *(typed(ENDS[name], name) for name in names)], cpu=1)
    assert points(judgement) == [0, 0, 2]
    assert judgement.ending == ending


DEAF = (  # one statement: before each one the grader's own signals are set again
    "import signal, time\nif True:\n    for s in range(1, 65):\n        try: signal.signal(s, signal.SIG_IGN)\n"
    "        except (OSError, ValueError): pass\n    time.sleep(10_000)"
)


@pytest.mark.parametrize(
    ("cell", "wall", "ending", "earned"),
    [("import ctypes\nctypes.string_at(0)", 60, "crashed", 2), (DEAF, 10, "timed out", 0)],
    ids=["broken interpreter", "sleep with all signals ignored"],
)
def test_cells_that_never_end_or_end_the_process(cell, wall, ending, earned):
    judgement = hand_in(["honest"], [cell, HONEST], wall=wall)
    assert points(judgement) == [earned]
    assert judgement.ending == ending
    assert ["Python itself crashed here" in note for note in judgement.notes[:1]] == [True] * bool(earned)


def test_a_bomb_of_threads_is_ended_long_before_the_machine_is_full():
    bomb = (
        "import threading, time\nthreading.stack_size(65536)\nwhile True:\n    try:\n"
        "        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n    except BaseException: pass"
    )
    judgement = hand_in(["honest"], [bomb, HONEST])
    assert points(judgement) == [0]
    assert judgement.ending == "refused"
    (threads,) = re.findall(r"it started (\d+) threads", judgement.log)
    assert int(threads) < 20_000


# What each tries, and the errors that meet it. Names in capitals are filled in by the fixture.
OUT_OF_REACH = {
    "30 GB": ("bytearray(30 * 2**30)", "MemoryError"),
    "30 GB tensor": ("import torch\ntorch.ones(30 * 2**30, dtype=torch.uint8)", "RuntimeError"),
    "memory outside of the limit": ("import os\nos.memfd_create('x')", "PermissionError"),
    "shared memory": (
        "import ctypes\nc = ctypes.CDLL(None)\nassert c.shmget(0, 2**20, 0o1600) >= 0 or c.msgget(0, 0o1600) >= 0",
        "AssertionError",
    ),
    "fork": ("import os\nos.fork()", "PermissionError"),
    "fork bomb": ("while True: os.fork()", "PermissionError"),
    "daemon": ("import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)", "PermissionError"),
    "spawn": ("os.posix_spawn('/usr/bin/sleep', ['sleep', '1000'], {})", "PermissionError"),
    "multiprocessing": ("import multiprocessing\nmultiprocessing.Process(target=print).start()", "PermissionError"),
    "local network": ("import socket\nsocket.create_connection(('127.0.0.1', PORT), 1)", "PermissionError"),
    "network": ("import socket\nsocket.create_connection(('1.1.1.1', 53), 1)", "PermissionError"),
    "the machine around a virtual one": ("import socket\nsocket.socket(40, socket.SOCK_STREAM)", "PermissionError"),
    "secret memory": ("import ctypes\nassert ctypes.CDLL(None).syscall(447, 0) >= 0", "AssertionError"),
    "what else is below /usr": (
        "import os\nassert set(os.listdir('/usr')) - {'lib', 'lib32', 'lib64', 'libx32', 'bin', 'local'}",
        "AssertionError",
    ),
    "name of a host": ("import socket\nsocket.getaddrinfo('example.org', 80)", "gaierror"),
    "other hand-in": ("open('SECRET').read()", "FileNotFoundError"),
    "hidden tests": ("open('THIS_FILE').read()", "FileNotFoundError"),
    "search of every folder": (
        "import os, sys\nskipped = (sys.prefix, sys.base_prefix, '/usr', '/proc', '/sys')\n"
        "def found():\n    for folder, folders, files in os.walk('/'):\n"
        "        folders[:] = [f for f in folders if os.path.join(folder, f) not in skipped]\n"
        "        yield from files\nassert 'SECRET_NAME' in found()",
        "AssertionError",
    ),
    "instructor's home": ("import os\nassert set(os.listdir('HOME')) - {'HOME_SHOWN'}", "AssertionError"),
    "instructor's environment": (
        "import os\nfor pid in [p for p in os.listdir('/proc') if p.isdigit()]:\n"
        "    assert b'TOKEN' not in open(f'/proc/{pid}/environ', 'rb').read()\nraise LookupError",
        "LookupError",
    ),
    "users": ("open('/etc/passwd').read()", "FileNotFoundError"),
    "write to the system": ("open('/usr/escaped', 'w')", "OSError"),
    "write to the root": ("open('/escaped', 'w')", "OSError"),
    "write to the course": ("open('/course/resnet_course/escaped', 'w')", "OSError"),
    "write to Python": ("import os\nopen(os.path.dirname(os.__file__) + '/escaped', 'w')", "OSError"),
    "write to PyTorch": ("import os, torch\nopen(os.path.dirname(torch.__file__) + '/escaped', 'w')", "OSError"),
    "write to devices": ("open('/dev/escaped', 'w')", "OSError"),
    "write to the kernel": ("open('/proc/sys/kernel/core_pattern', 'w')", "(OSError|FileNotFoundError)"),
    "write to the first process": ("open('/proc/1/mem', 'r+b')", "(OSError|FileNotFoundError)"),
    "full scratch folder": (
        "with open('/scratch/big', 'wb') as f:\n    for _ in range(300): f.write(bytes(2**20))",
        "OSError",
    ),
    "more processor time": ("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6))", "ValueError"),
    "other namespace": ("import ctypes\nassert ctypes.CDLL(None).unshare(0x10000000) == 0", "AssertionError"),
    "the grader's input": ("input()", "EOFError"),
    "flood of output": ("line = 'x' * 10_000\nfor _ in range(5_000): print(line)\n1 / 0", "ZeroDivisionError"),
}


@pytest.fixture(scope="module")
def reached(start, tmp_path_factory) -> Judgement:
    secret = tmp_path_factory.mktemp("other") / f"secret-{secrets.token_hex(8)}.py"
    secret.write_text("SECRET = 42", encoding="utf-8")
    import pwd  # of Unix alone, like bubblewrap

    home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # the instructor's, not that of the tests
    prefixes = [Path(folder) for folder in (sys.base_prefix, sys.prefix)]
    shown = [folder.relative_to(home).parts[0] for folder in prefixes if home in folder.parents]
    filled = {
        "SECRET_NAME": secret.name,
        "SECRET": str(secret),
        "THIS_FILE": __file__,
        "HOME_SHOWN": "', '".join(shown),
        "HOME": str(home),
        "TOKEN": "token-of-the-instructor",
        "PORT": "22",
    }
    names = re.compile("|".join(filled))  # the longer ones first
    cells = [names.sub(lambda found: filled[found[0]], cell) for cell, _ in OUT_OF_REACH.values()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_THE_INSTRUCTOR", filled["TOKEN"])
        return hand_in(["honest"], [*cells, HONEST])


@pytest.mark.parametrize("attack", OUT_OF_REACH)
def test_out_of_reach(reached, attack):
    kind = OUT_OF_REACH[attack][1]
    assert re.search(rf"^(.*; )?line \d+: {kind}(:|$)", reached.notes[list(OUT_OF_REACH).index(attack)])


def test_honest_answer_after_all_attacks_keeps_its_points(reached):
    assert points(reached) == [2]
    assert len(reached.log) <= LIMITS.log


def test_magic_and_broken_cells_around_an_honest_answer_cost_nothing():
    cells = ["%matplotlib inline\n!pip install nothing", "def broken(:", "1 / 0", HONEST]
    judgement = hand_in(["honest"], cells)
    assert points(judgement) == [2]
    said = [note.split(": ")[:2] for note in judgement.notes]
    assert said == [[""], ["line 1", "SyntaxError"], ["line 1", "ZeroDivisionError"], [""]]


def test_many_empty_files_are_ended_before_they_fill_the_memory(start):
    flood = "import os\nfor i in range(10**7):\n    os.close(os.open(f'/scratch/{i}', os.O_CREAT))"
    judgement = hand_in(["honest"], [HONEST, flood])
    if start == "cold":
        assert judgement.ending == "refused"
        assert "files; 10000 are allowed" in judgement.log
    else:
        assert judgement.notes[1].startswith("line 3: OSError: [Errno 28] No space left")
        assert judgement.ending == "graded"


def test_a_full_folder_costs_its_own_cell_however_long_the_others_take(monkeypatch):
    """A look at the files in the meantime ends nothing where no more can be written."""
    monkeypatch.setattr(warm, "_works", True)
    flood = "import os\nfor i in range(10**7):\n    os.close(os.open(f'/scratch/{i}', os.O_CREAT))"
    judgement = hand_in(["honest"], [HONEST, flood, "import time\ntime.sleep(1)"])
    assert (judgement.ending, points(judgement)) == ("graded", [2])
    assert warm._works, "a fork could not be shut in here"


def test_nothing_of_one_hand_in_reaches_the_next(monkeypatch):
    """Both run in forks of one process."""
    monkeypatch.setattr(warm, "_works", True)
    monkeypatch.setattr(session, "A_MOMENT", 60)  # a slow machine does not end the process that waits
    traces = (
        "import builtins, os, random, sys, torch\ntorch.relu = builtins.trace = sys.trace = 1\n"
        "os.environ['TRACE'] = '1'\ntorch.set_default_dtype(torch.float64)\n"
        "for folder in ('/scratch', '/tmp', '/dev/shm'):\n    open(folder + '/trace', 'w').write('1')\n"
    )
    look = (
        "import builtins, os, sys, torch\nassert callable(torch.relu) and 'TRACE' not in os.environ\n"
        "assert not hasattr(builtins, 'trace') and not hasattr(sys, 'trace')\n"
        "assert torch.get_default_dtype() == torch.float32\n"
        "assert not any('trace' in os.listdir(folder) for folder in ('/scratch', '/tmp', '/dev/shm'))\n"
        "assert not os.listdir('/scratch') and not os.listdir('/proc')\n"
        "assert os.getpid() == 1\n"
    )
    with counted_starts(monkeypatch) as starts:
        judgements = [
            judge(assignment_of(["honest"]), "student", as_hand_in(cells), LIMITS, Sandbox())
            for cells in ([traces], [look, HONEST])
        ]
    assert [judgement.notes for judgement in judgements] == [("",), ("", "")]
    assert points(judgements[1]) == [2]
    assert len(starts) == 1


def test_process_that_waits_goes_with_a_hand_in_that_does_not_end(monkeypatch):
    monkeypatch.setattr(warm, "_works", True)
    stays = "import threading, time\nthreading.Thread(target=time.sleep, args=(10_000,)).start()\n"
    ignores = "import sys, os\nsys.stdin = None\nos.close(0)\nsys.modules['os']._exit = lambda code: None\n"
    with counted_starts(monkeypatch) as starts:
        for cells in ([stays, ignores, HONEST], [HONEST], [HONEST]):
            assert points(judge(assignment_of(["honest"]), "student", as_hand_in(cells), LIMITS, Sandbox())) == [2]
    assert 1 <= len(starts) <= 2


@contextlib.contextmanager
def counted_starts(monkeypatch):
    """The processes that are started here to wait; at the end none is left."""
    warm.end_all()
    starts, start = [], warm.Starter.__init__
    monkeypatch.setattr(warm.Starter, "__init__", lambda self, scratch: starts.append(self) or start(self, scratch))
    yield starts
    warm.end_all()
    assert not any(starter.is_alive for starter in starts)
