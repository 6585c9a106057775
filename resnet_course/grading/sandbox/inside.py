"""The program that runs in the sandbox: the learner's cells, then what examines them. Nothing it says is believed.

It reads messages from standard input and writes messages to what was standard output; the learner's own output goes to
standard error. It imports only what a learner has installed.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import json
import math
import os
import resource
import signal
import socket
import sys
import time
import traceback
import types
from collections.abc import Iterator
from typing import Any, BinaryIO

import torch

from resnet_course.grading.sandbox import warm
from resnet_course.grading.sandbox.examining import examiners, observe
from resnet_course.grading.sandbox.protocol import LENGTH, Arrays, as_text, decode, encode, length_of, text_of

A_MOMENT = 2.0  # seconds that every cell gets
_TIMERS = (signal.ITIMER_PROF, signal.ITIMER_REAL)
TIMING_MAGICS = ("time", "timeit", "capture", "prun")  # they run code, and so does the stand-in for the shell


class _Quiet:
    """Takes every call and does nothing."""

    def __getattr__(self, name: str) -> _Quiet:
        return self

    def __call__(self, *arguments: Any, **options: Any) -> _Quiet:
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(())


class _Shell(_Quiet):
    """Stands for IPython's shell: no hook, no %magic and no !command does anything, except to run what is timed."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def run_line_magic(self, name: str, line: str, *_: Any) -> None:
        """`%name line`."""
        self.run_cell_magic(name, "", line)

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        """`%%name line` and the rest of the cell."""
        if name == "writefile":
            with open(line.split()[-1], "w", encoding="utf-8") as file:
                file.write(body)
        if name in TIMING_MAGICS:
            exec(without_magic(body), self.names)


def main(space: int) -> None:
    """Answer messages until standard input ends.

    Args:
        space: bytes of address space that an idle Python with PyTorch takes.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a cell that asks for input finds none
    os.dup2(2, 1)  # from here on, what is printed is the log
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    request = _receive(requests)
    if request is None:
        return
    torch.set_num_threads(1)
    _limit(space, *request["limits"].tolist())
    of_task = examiners(text_of(request["examine"]))
    names, notes = run_cells(json.loads(text_of(request["cells"])), *request["seconds"].tolist())
    _send(answers, {str(index): as_text(note) for index, note in enumerate(notes)})
    while (request := _receive(requests)) is not None:
        task = text_of(request.pop("task"))
        _send(answers, observe(of_task[task], names, request))


class _TimeIsUpError(BaseException):
    """Raised in a cell that takes too long; no usual `except` of a learner's catches it."""


def run_cells(cells: list[str], longest: float = 20.0, together: float = 40.0) -> tuple[dict[str, Any], list[str]]:
    """Run the cells in one namespace, statement by statement; one that raises is noted, and the next one goes on.

    So a line that fails here, an import of what is not installed for example, does not take along the definitions below
    it. Only a `raise` or an exit of the learner's own ends its cell: what stands below was never meant to run.

    Args:
        cells: their sources.
        longest: seconds of processor time for a cell; waiting may take twice as long.
        together: seconds of processor time for all cells. Later cells still get a moment, enough to define things.

    Returns:
        The namespace, and for each cell what it raised and in which line, or "".
    """
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    names = vars(module)
    vars(builtins).update(display=_Quiet(), get_ipython=functools.partial(_Shell, names))
    notes, end = [], time.process_time() + together
    leave, os._exit = os._exit, sys.exit  # type: ignore[assignment]  # it would take along what other cells defined
    for number, source in enumerate(cells, start=1):
        os.write(2, f"\n[cell {number}]\n".encode())  # in the log, for the case that the process ends in it
        seconds = max(A_MOMENT, min(longest, end - time.process_time()))
        stop = time.process_time() + seconds, time.monotonic() + 2 * seconds
        notes.append("; ".join(_run_cell(source, f"<cell {number}>", names, stop)[:3]))
    os._exit = leave
    return names, notes


def _run_cell(source: str, file_name: str, names: dict[str, Any], stop: tuple[float, float]) -> list[str]:
    try:
        body = ast.parse(without_magic(source), file_name).body
    except Exception as error:  # a SyntaxError, or a ValueError for a NUL
        return [_noted(error, file_name)]
    future = [each for each in body if isinstance(each, ast.ImportFrom) and each.module == "__future__"]
    found = []
    for statement in body:
        try:
            code = compile(ast.Module([*future, statement], []), file_name, "exec")
            _run_until(stop, code, names)
        except BaseException as error:  # SystemExit and the like too
            found.append(_noted(error, file_name))
            if isinstance(statement, ast.Raise) or isinstance(error, (SystemExit, KeyboardInterrupt)):
                break
    return found


def _run_until(stop: tuple[float, float], code: types.CodeType, names: dict[str, Any]) -> None:
    """Run code; at a moment of processor time or at one of the clock an exception ends it, again if it is caught."""

    def ring(*_: object) -> None:
        raise _TimeIsUpError

    now = time.process_time(), time.monotonic()
    for timer, number, end, start in zip(_TIMERS, (signal.SIGPROF, signal.SIGALRM), stop, now, strict=True):
        signal.signal(number, ring)
        signal.setitimer(timer, max(0.01, end - start), 1.0)
    try:
        exec(code, names)
    finally:
        for timer in _TIMERS:
            signal.setitimer(timer, 0)


def _noted(error: BaseException, file_name: str) -> str:
    """`line 3: NameError: name 'x' is not defined`; the line is of the cell."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file_name]
    line = error.lineno if isinstance(error, SyntaxError) else next(iter(lines), None)  # where in the cell it began
    if isinstance(error, _TimeIsUpError):
        return f"line {line}: it took too long and was stopped"
    try:
        words = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())[:150]
    except BaseException:  # an error of the learner's own may do anything
        words = ""
    kind = type(error).__name__[:100]
    return f"{f'line {line}: ' if line else ''}{kind}{f': {words}' if words else ''}"


def without_magic(source: str) -> str:
    """A cell with IPython's own syntax, %magic, !command and name?, as calls of its shell."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        from IPython.core.inputtransformer2 import TransformerManager  # only where it is needed: it takes its time

        return TransformerManager().transform_cell(source)


def _address_space() -> int:
    """Bytes that this process takes; 0 where that is not known."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _limit(space: int, memory: int, cpu: int, file: int) -> None:
    """Hard limits for the rest of this process: bytes and seconds beyond what it has used, bytes of a file."""
    if space:
        resource.setrlimit(resource.RLIMIT_AS, (space + memory, space + memory))
    for kind, limit in (
        (resource.RLIMIT_CPU, cpu + math.ceil(time.process_time())),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def _receive(stream: BinaryIO) -> Arrays | None:
    prefix = stream.read(LENGTH.size)
    return decode(stream.read(length_of(prefix))) if len(prefix) == LENGTH.size else None


def _send(stream: BinaryIO, arrays: Arrays) -> None:
    stream.write(encode(arrays))
    stream.flush()


def _load_all() -> None:
    """Load before the forks what the first training step, import and magic of a notebook would load."""
    for room in ("assignments", "data", "models", "training"):
        importlib.import_module(f"resnet_course.{room}")
    torch.set_num_threads(1)
    layer = torch.nn.Conv2d(1, 1, 1)
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        loss = torch.nn.functional.cross_entropy(layer(torch.zeros(2, 1, 1, 1)).flatten(1), torch.zeros(2).long())
        loss.backward()
        optimizer(layer.parameters()).step()
    without_magic("%time 1")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main(_address_space())
    else:
        _load_all()
        line, scratch = map(int, sys.argv[1:])
        warm.serve(socket.socket(fileno=line), scratch, functools.partial(main, _address_space()))
