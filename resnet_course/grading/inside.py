"""The program that runs in the sandbox: the learner's cells, then probes. Nothing it says is believed.

It reads frames from standard input and writes frames to what was standard output; the learner's own output goes to
standard error. It imports only what a learner has installed.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import resource
import sys
from typing import Any, BinaryIO

import torch

from resnet_course.grading.probes import Probe, observe
from resnet_course.grading.protocol import LENGTH, decode, encode, length_of


class _Quiet:
    """Stands for IPython's shell and its display functions: takes every call and does nothing."""

    def __getattr__(self, name: str) -> _Quiet:
        return self

    def __call__(self, *arguments: Any, **options: Any) -> _Quiet:
        return self


def main() -> None:
    """Answer frames until standard input ends."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # from here on, what is printed is the log
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    request = _receive(requests)
    if request is None:
        return
    header, _ = request
    torch.set_num_threads(1)
    _limit(**header["limits"])
    names, notes = run_cells(header["cells"])
    _send(answers, notes, {})
    while (request := _receive(requests)) is not None:
        header, arrays = request
        _send(answers, {}, observe(names, Probe(header["steps"], arrays, header["seed"])))


def run_cells(cells: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Run the cells in one namespace; a cell that raises is noted, and the next one goes on.

    Returns:
        The namespace, and for each cell the kind of its error and its line, or "".
    """
    vars(builtins).update(display=_Quiet(), get_ipython=_Quiet())
    names: dict[str, Any] = {"__name__": "__main__"}
    sys.modules["__main__"].__dict__.update(names)
    notes = []
    for index, source in enumerate(cells):
        try:
            exec(compile(without_magic(source), f"<cell {index + 1}>", "exec"), names)
            notes.append("")
        except BaseException as error:  # SystemExit and the like too
            notes.append(f"{type(error).__name__}"[:100])
    return names, notes


def without_magic(source: str) -> str:
    """A cell without IPython's own syntax: %magic and !command do nothing, `x?` neither."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        pass
    first, _, rest = source.lstrip().partition("\n")
    if first.startswith("%%"):
        source = rest if re.match(r"%%(time|timeit|capture|prun)\b", first) else ""
    lines = []
    for line in source.split("\n"):
        line = re.sub(r"^(\s*)([%!].*|[\w.]+\?{1,2}|\?{1,2}[\w.]+)\s*$", r"\1pass", line)
        lines.append(re.sub(r"^(\s*[\w, ]+=\s*)[%!].*$", r"\1None", line))
    return "\n".join(lines)


def _limit(memory: int, cpu: int, file: int) -> None:
    """Hard limits for the rest of this process: bytes beyond what it has, seconds, bytes of a file."""
    if sys.platform == "linux":
        pages = int(open("/proc/self/statm").read().split()[0])  # noqa: SIM115 - closed at once
        space = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (space, space))
    for kind, limit in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def _receive(stream: BinaryIO) -> tuple[Any, Any] | None:
    prefix = stream.read(LENGTH.size)
    return decode(stream.read(length_of(prefix))) if len(prefix) == LENGTH.size else None


def _send(stream: BinaryIO, header: Any, arrays: Any) -> None:
    stream.write(encode(header, arrays))
    stream.flush()


if __name__ == "__main__":
    main()
