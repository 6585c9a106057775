"""Where a learner's code runs while it is graded: a process of its own that can reach nothing and leaves nothing.

With bubblewrap: no network, the system and the Python installation read-only, an empty scratch folder in memory, no
capabilities, no new processes (see `seccomp`), and nothing else of this machine. With a container engine: the same
through its options, in an image that has the course installed (see `engines`).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Literal

import numpy as np
import psutil

from resnet_course.base.errors import CourseError
from resnet_course.grading.sandbox import engines, warm
from resnet_course.grading.sandbox.protocol import (
    LENGTH,
    Arrays,
    BadMessageError,
    as_text,
    decode,
    encode,
    length_of,
    text_of,
)
from resnet_course.grading.sandbox.seccomp import threads_only

TRUST = "--no-sandbox-i-trust-these-files"
A_MOMENT = 3.0  # seconds for a process of which nothing more is asked to end by itself
LOOK = 0.2  # seconds between two looks at the number of threads
MOST_AT_ONCE = 64 * 2**10  # bytes of printed text in one reading
MOST_THREADS = 256
IDLE_MEMORY = 2 * 2**30  # bytes; what a container may use beyond the limit: Python with PyTorch, and the files
Kind = Literal["crashed", "timed out", "refused"]


@dataclass(frozen=True)
class Limits:
    """What one hand-in may use.

    Args:
        wall: seconds from start to end.
        cpu: seconds of processor time beyond the start of Python with PyTorch.
        memory: bytes beyond an idle Python with PyTorch.
        scratch: bytes of files.
        log: bytes of printed text that are kept.
        answers: bytes of all answers together.
    """

    wall: float = 120.0
    cpu: int = 60
    memory: int = 2 * 2**30
    scratch: int = 64 * 2**20
    log: int = 64 * 2**10
    answers: int = 256 * 2**20

    @property
    def cell(self) -> float:
        """Seconds for one cell; twice as much for all. What is defined then is tested with the rest of the time."""
        return min(self.wall, self.cpu) / 3


@dataclass(frozen=True)
class Sandbox:
    """How the process is shut in.

    Args:
        engine: "bubblewrap", the name of a container engine's program ("docker", "podman"), or "none".
        image: for a container engine, an image with the course installed.
    """

    engine: str = "bubblewrap"
    image: str = "resnet-course"

    def check(self) -> None:
        """See that it works here, by running a small program in it.

        Raises:
            CourseError: with what to do, if it does not.
        """
        if self.engine == "none":
            return
        if shutil.which("bwrap" if self.engine == "bubblewrap" else self.engine) is None:
            raise CourseError(
                f"{self.engine} is not installed, and learners' code is not run without a sandbox. Install it (Debian, "
                f"Ubuntu: apt install bubblewrap), or name a container engine with --container, or say {TRUST}."
            )
        try:
            with Session(["1 + 1"], "", Limits(), self):
                pass
        except SandboxEnded as ended:
            raise CourseError(
                f"{self.engine} does not work here: {ended.log.strip()[-300:] or ended}. bubblewrap needs user "
                "namespaces: inside Docker, start with --security-opt seccomp=unconfined; on Ubuntu 24.04 see "
                "kernel.apparmor_restrict_unprivileged_userns. Otherwise use --container."
            ) from ended


class SandboxEnded(Exception):  # noqa: N818 - not always an error: a time limit, for example
    """The process in the sandbox is gone, or what it said was no message.

    Args:
        kind: "crashed", "timed out" or "refused" (what it sent is not a message).
        why: in words for the instructor.
        log: what it had printed, cut.
    """

    def __init__(self, kind: Kind, why: str, log: str = "") -> None:
        super().__init__(why)
        self.kind, self.log = kind, log


class Session:
    """Runs cells in a sandbox, then examines them; a context manager, at whose end the process is gone.

    Args:
        cells: source texts.
        examine: source text of the assignment's examine.py; a learner's code can read it.
        limits: see there.
        sandbox: see there.

    Raises:
        SandboxEnded: from `with`, and from `observe`.
    """

    def __init__(self, cells: list[str], examine: str, limits: Limits, sandbox: Sandbox) -> None:
        self._cells, self._examine, self._limits, self._sandbox = cells, examine, limits, sandbox
        self._answered = 0
        self._unsent = memoryview(b"")
        self._log = bytearray()
        self._process: subprocess.Popen[bytes] | warm.Starter | None = None
        self._stdin: IO[bytes]
        self._stdout: IO[bytes]
        self._stderr: IO[bytes]
        self._scratch: str | None = None
        self.notes: list[str] = []

    def __enter__(self) -> Session:
        self._name = f"resnet-course-{uuid.uuid4().hex[:12]}"
        self._scratch = tempfile.mkdtemp(prefix="resnet-course-") if self._sandbox.engine == "none" else None
        try:
            self._start()
            limits = np.array([self._limits.memory, self._limits.cpu, self._limits.scratch])
            cells, examine = as_text(json.dumps(self._cells)), as_text(self._examine)
            seconds = np.array([self._limits.cell, 2 * self._limits.cell])
            notes = self._ask({"cells": cells, "examine": examine, "limits": limits, "seconds": seconds})
            if notes.keys() != {str(index) for index in range(len(self._cells))}:
                raise self._ended("refused", "its first message is not about the cells")
            self.notes = [text_of(notes[str(index)])[:600] for index in range(len(notes))]
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    @property
    def log(self) -> str:
        """What was printed so far, cut to the limit. For the instructor only: it may hold inputs of hidden tests."""
        self._read_log()
        return bytes(self._log).decode(errors="replace")

    def observe(self, task: str, inputs: Arrays) -> Arrays:
        """Examine the learner's names, see `examining.observe`.

        Args:
            task: whose function of examine.py.
            inputs: numbers by name; "task" is no such name.
        """
        return self._ask({**inputs, "task": as_text(task)})

    def _start(self) -> None:
        starter = warm.borrow(self._limits.scratch) if self._sandbox.engine == "bubblewrap" else None
        if starter is None:
            self._start_cold()
        else:
            pipes = [os.pipe() for _ in range(3)]
            theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
            starter.fork(*theirs)
            for end in theirs:
                os.close(end)
            self._process = starter
            self._stdin = os.fdopen(pipes[0][1], "wb", buffering=0)
            self._stdout, self._stderr = (os.fdopen(pipe[0], "rb", buffering=0) for pipe in pipes[1:])
        for pipe in (self._stdin, self._stderr):  # the process may not listen, or print without end
            os.set_blocking(pipe.fileno(), False)
        self._deadline = time.monotonic() + self._limits.wall
        self._next_look = time.monotonic() + LOOK

    def _start_cold(self) -> None:
        with tempfile.TemporaryFile() as filter_file:
            if self._sandbox.engine == "bubblewrap":
                filter_file.write(threads_only())
                filter_file.seek(0)
            process = subprocess.Popen(
                self._command(filter_file.fileno()),
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(filter_file.fileno(),),
                env=self._environment(),
                cwd=self._scratch or "/",
                start_new_session=self._sandbox.engine == "none",
            )
        assert process.stdin and process.stdout and process.stderr  # noqa: PT018 - as asked for
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr

    def _environment(self) -> dict[str, str] | None:
        """Of the command that starts the sandbox. bubblewrap's own can be read inside, by way of /proc."""
        if self._sandbox.engine == "bubblewrap":
            return {}
        return None if self._scratch is None else {**os.environ, **engines.environment(self._scratch)}

    def _command(self, filter_file: int) -> list[str]:
        program = ["-B", "-m", "resnet_course.grading.sandbox.inside"]
        if self._sandbox.engine == "none":
            return [sys.executable, *program]
        scratch = self._limits.scratch
        if self._sandbox.engine == "bubblewrap":
            return [*engines.bubblewrap(scratch, filter_file), sys.executable, *program]
        memory = self._limits.memory + IDLE_MEMORY
        names = self._sandbox.engine, self._sandbox.image, self._name
        return [*engines.container(*names, memory, scratch), "python", *program]

    def _ask(self, question: Arrays) -> Arrays:
        """Send a message and receive one, within the deadline."""
        try:
            self._unsent = memoryview(encode(question))
            length = length_of(self._receive(LENGTH.size))
            self._answered += length
            if self._answered > self._limits.answers:
                raise BadMessageError(f"its answers are larger than {self._limits.answers} bytes")
            return decode(self._receive(length))
        except BadMessageError as error:
            raise self._ended("refused", str(error)) from error

    def _receive(self, count: int) -> bytes:
        """As many bytes as that; meanwhile a question is sent, and what is printed is read."""
        received = bytearray()
        while len(received) < count:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise self._ended("timed out", f"it took longer than {self._limits.wall:g} seconds")
            self._look()
            readable = [self._stdout] if self._stderr.closed else [self._stdout, self._stderr]
            writable = [self._stdin] if self._unsent else []
            readable, writable, _ = select.select(readable, writable, [], min(left, LOOK))
            if writable:
                self._send()
            if self._stderr in readable:
                self._read_log()
            if self._stdout in readable:
                chunk = os.read(self._stdout.fileno(), count - len(received))
                if not chunk:
                    raise self._ended(*self._how_it_ended())
                received += chunk
        return bytes(received)

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._stdin.fileno(), self._unsent) :]
        except OSError:  # that it is gone is noticed when reading
            self._unsent = memoryview(b"")

    def _read_log(self) -> None:
        """Keep the beginning of what is printed and drop the rest, so that a flood costs no memory."""
        with contextlib.suppress(OSError, ValueError):  # nothing is there yet, or it was closed
            chunk = os.read(self._stderr.fileno(), MOST_AT_ONCE)
            self._log += chunk[: self._limits.log - len(self._log)]
            if not chunk:
                self._stderr.close()

    def _look(self) -> None:
        """Now and then, see that threads and files are few: no limit of a process holds for root, or counts files."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK
        threads = files = 0
        assert self._process is not None
        with contextlib.suppress(psutil.Error):
            own = psutil.Process(self._process.pid)
            processes = [own, *own.children(recursive=True)]
            threads = sum(process.num_threads() for process in processes)
            if self._sandbox.engine == "bubblewrap":
                files = max(map(_files_in, processes))
        if threads > MOST_THREADS:
            raise self._ended("refused", f"it started {threads} threads; {MOST_THREADS} are allowed")
        if files > warm.MOST_FILES:
            raise self._ended("refused", f"it wrote {files} files; {warm.MOST_FILES} are allowed")

    def _how_it_ended(self) -> tuple[Kind, str]:
        """What a closed pipe means: a limit on processor time ends a process by a signal, 128 + 9 or 24 in a shell."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        code = self._process.poll()
        if code in (137, 152, -9, -24):
            return "timed out", f"it used more than {self._limits.cpu} seconds of processor time, or was killed"
        return "crashed", f"its process ended with the code {code}"

    def _ended(self, kind: Kind, why: str) -> SandboxEnded:
        self._stop()
        return SandboxEnded(kind, why, self.log)

    def _stop(self) -> None:
        """End the process with all that it may have started, and remove its scratch folder. May be called twice."""
        process, self._process = self._process, None
        if process is not None:
            self._read_log()
            for pipe in (self._stdin, self._stdout, self._stderr):
                pipe.close()
            if isinstance(process, warm.Starter):
                with contextlib.suppress(subprocess.TimeoutExpired):  # it ends when nothing more is asked
                    process.wait(A_MOMENT)
                if process.poll() is None:
                    process.kill()
                warm.give_back(process)
            elif process.poll() is None:
                if self._sandbox.engine == "none":
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, 9)
                elif self._sandbox.engine != "bubblewrap":
                    subprocess.run([self._sandbox.engine, "kill", self._name], capture_output=True, check=False)
                process.kill()
            process.wait()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


def _files_in(process: psutil.Process) -> int:
    """Files in the fullest folder in memory that a process in the sandbox may write to; even empty ones take memory.

    A fork's folder holds `MOST_FILES` and no more: the cell that fills it gets an error, and the others go on.
    """
    files = 0
    for folder in engines.WRITABLE:
        with contextlib.suppress(OSError):
            if (root := f"/proc/{process.pid}/root") and os.path.isdir(f"{root}{engines.SCRATCH}"):
                seen = os.statvfs(f"{root}{folder}")
                files = max(files, seen.f_files - seen.f_ffree)
    return files
