"""The program that runs in the sandbox: the learner's cells, then what examines them. Nothing it says is believed.

It reads messages from standard input and writes messages to what was standard output; the learner's own output goes to
standard error. It imports only what a learner has installed.
"""

from __future__ import annotations

import ast
import builtins
import functools
import json
import math
import os
import resource
import sys
import time
import types
from collections.abc import Iterator
from typing import Any, BinaryIO

import torch

from resnet_course.grading.sandbox.examining import examiners, observe
from resnet_course.grading.sandbox.protocol import LENGTH, Arrays, as_text, decode, encode, length_of, text_of

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
        if name in TIMING_MAGICS:
            exec(without_magic(body), self.names)


def main() -> None:
    """Answer messages until standard input ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a cell that asks for input finds none
    os.dup2(2, 1)  # from here on, what is printed is the log
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    request = _receive(requests)
    if request is None:
        return
    torch.set_num_threads(1)
    _limit(*request["limits"].tolist())
    of_task = examiners(text_of(request["examine"]))
    names, notes = run_cells(json.loads(text_of(request["cells"])))
    _send(answers, {str(index): as_text(note) for index, note in enumerate(notes)})
    while (request := _receive(requests)) is not None:
        task = text_of(request.pop("task"))
        _send(answers, observe(of_task[task], names, request))


def run_cells(cells: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Run the cells in one namespace; a cell that raises is noted, and the next one goes on.

    Returns:
        The namespace, and for each cell the kind of its error, or "".
    """
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    names = vars(module)
    vars(builtins).update(display=_Quiet(), get_ipython=functools.partial(_Shell, names))
    notes = []
    for index, source in enumerate(cells):
        try:
            exec(compile(without_magic(source), f"<cell {index + 1}>", "exec"), names)
            notes.append("")
        except BaseException as error:  # SystemExit and the like too
            notes.append(type(error).__name__[:100])
    return names, notes


def without_magic(source: str) -> str:
    """A cell with IPython's own syntax, %magic, !command and name?, as calls of its shell."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        from IPython.core.inputtransformer2 import TransformerManager  # only where it is needed: it takes its time

        return TransformerManager().transform_cell(source)


def _limit(memory: int, cpu: int, file: int) -> None:
    """Hard limits for the rest of this process: bytes and seconds beyond what it has used, bytes of a file."""
    if sys.platform == "linux":
        pages = int(open("/proc/self/statm", encoding="utf-8").read().split()[0])  # noqa: SIM115 - closed at once
        space = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (space, space))
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


if __name__ == "__main__":
    main()
