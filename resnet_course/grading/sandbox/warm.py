"""A process that waits in a sandbox with PyTorch loaded, and of which each hand-in runs in a fork.

Starting Python with PyTorch takes most of a hand-in's time; a fork has both at once. It is shut in as bubblewrap would
do it, one level deeper: it sees no other process and no network, writes into folders in memory that are new, starts no
process, and finds no /proc. What it does to its memory stays its own. The process that waits runs no learner's code,
has one fork at a time, and goes with the hand-in if that does not end by itself.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import select
import socket
import stat
import struct
import subprocess
import sys
import threading
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping

from resnet_course.grading.sandbox import engines
from resnet_course.grading.sandbox.seccomp import threads_only

MOST_FILES = 10_000
READY = 60.0  # seconds for a process to load PyTorch
_STATUS = struct.Struct("i")
_USER, _PROCESSES, _MOUNTS, _NETWORK, _IPC = 0x10000000, 0x20000000, 0x00020000, 0x40000000, 0x08000000  # sched.h
_READ_ONLY, _NO_SUID, _NO_DEVICES, _BIND = 1, 2, 4, 4096 | 16384  # sys/mount.h; a folder with all that is mounted in it
_SET_SECCOMP, _FILTER, _CAPABILITIES = 22, 2, 0x20080522  # linux/prctl.h, linux/seccomp.h, linux/capability.h


class Starter:
    """The waiting process, seen from outside; a hand-in's fork looks like a process of `subprocess`.

    Args:
        scratch: bytes of files in each of the folders that can be written to.

    Raises:
        OSError: if it does not start, or cannot shut in a fork.
    """

    def __init__(self, scratch: int) -> None:
        self.scratch = scratch
        self._code: int | None = None
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = [sys.executable, "-B", "-m", "resnet_course.grading.sandbox.inside", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [*engines.bubblewrap(scratch, None), *program, str(scratch)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={},
                cwd="/",
            )
        self.pid = self._process.pid  # forks are its children, however deep
        null = os.open(os.devnull, os.O_RDWR)
        try:
            self.fork(null, null, null)
            if self.wait(READY) != 0:
                raise OSError("a fork cannot be shut in here")
        except (OSError, subprocess.TimeoutExpired) as error:
            self.kill()
            raise OSError(str(error)) from error
        finally:
            os.close(null)

    def fork(self, *streams: int) -> None:
        """Start a hand-in's process with these descriptors as its standard input, output and error."""
        self._code = None
        socket.send_fds(self._line, [b"+"], streams)

    def poll(self) -> int | None:
        """How the fork ended, or None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the fork to end.

        Raises:
            subprocess.TimeoutExpired: if it does not.
        """
        if self._code is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("fork", timeout or 0)
            answer = b""
            with contextlib.suppress(ConnectionError):
                answer = self._line.recv(_STATUS.size)
            (self._code,) = _STATUS.unpack(answer) if answer else (128 + 9,)  # the waiting process itself was killed
            if not answer:
                self.kill()
        assert self._code is not None
        return self._code

    def kill(self) -> None:
        """End the waiting process, and with it all that is inside."""
        self._process.kill()
        self._process.wait()
        self._line.close()
        self._code = 128 + 9 if self._code is None else self._code

    @property
    def is_alive(self) -> bool:
        """Whether it can fork again."""
        return self._process.poll() is None


_idle: defaultdict[int, list[Starter]] = defaultdict(list)
_lock = threading.Lock()
_works = True


def borrow(scratch: int) -> Starter | None:
    """A process that waits; None where there can be none, since no user namespace may be made inside another."""
    global _works
    with _lock:
        while _idle[scratch]:
            if (starter := _idle[scratch].pop()).is_alive:
                return starter
    if not _works:
        return None
    try:
        return Starter(scratch)
    except OSError:
        _works = False
        return None


def give_back(starter: Starter) -> None:
    """Keep it for the next hand-in, if it lives."""
    if starter.is_alive:
        with _lock:
            _idle[starter.scratch].append(starter)


@atexit.register
def end_all() -> None:
    """End all that wait."""
    with _lock:
        for starters in _idle.values():
            while starters:
                starters.pop().kill()


def serve(line: socket.socket, scratch: int, run: Callable[[], None]) -> None:
    """Inside: fork whenever three descriptors come, the first time as a trial; send how each fork ended."""
    kept = {folder: engines.shown_below(folder) for folder in engines.WRITABLE}
    trial = True
    gc.freeze()  # a collection in a fork would copy all that they share
    while len(streams := socket.recv_fds(line, 1, 3)[1]) == 3:
        fork = os.fork()
        if fork == 0:
            line.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            _end_with(_shut_in_and_run, scratch, kept, (lambda: None) if trial else run)
        for stream in streams:
            os.close(stream)
        line.send(_STATUS.pack(_code_of(fork)))
        trial = False


def _end_with(work: Callable[..., int | None], *arguments: object) -> None:
    """Do what a fork is for, and never return from it."""
    code = 1
    try:
        code = work(*arguments) or 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _code_of(fork: int) -> int:
    code = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
    return code if code >= 0 else 128 - code  # as a shell gives it


def _shut_in_and_run(scratch: int, kept: Mapping[str, list[str]], run: Callable[[], None]) -> int:
    """In a fork: new namespaces; in a fork of that, the first process there, the rest of the walls, and the program."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", _USER | _PROCESSES | _MOUNTS | _NETWORK | _IPC)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    first = os.fork()
    if first:
        return _code_of(first)
    for folder, paths in kept.items():
        _make_new(folder, f"size={scratch},nr_inodes={MOST_FILES}", paths)
    _mount("/proc", _READ_ONLY, "size=4096,nr_inodes=2")
    os.chdir(engines.SCRATCH)
    _call("capset", struct.pack("Ii", _CAPABILITIES, 0), bytes(24))  # none is left
    _load(threads_only())
    _end_with(run)
    raise AssertionError


def _make_new(folder: str, options: str, kept: list[str]) -> None:
    """An empty folder in memory over this one; what is to be seen in it is laid there again, read-only as it is."""
    old = [os.open(path, os.O_PATH) for path in kept]
    _mount(folder, 0, options)
    for path, place in zip(kept, old, strict=True):
        if stat.S_ISDIR(os.fstat(place).st_mode):
            os.makedirs(path, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT))
        _call("mount", f"/proc/self/fd/{place}".encode(), path.encode(), None, ctypes.c_ulong(_BIND), None)
        os.close(place)


def _mount(folder: str, flags: int, options: str) -> None:
    """A new folder in memory over this one."""
    kind, flags = b"tmpfs", flags | _NO_SUID | _NO_DEVICES
    _call("mount", kind, folder.encode(), kind, ctypes.c_ulong(flags), options.encode())


def _load(program: bytes) -> None:
    """Set the system-call filter; it stays for good."""
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    filter_program = Program(len(program) // 8, ctypes.addressof(buffer))
    _call("prctl", _SET_SECCOMP, _FILTER, ctypes.byref(filter_program), 0, 0)


def _call(name: str, *arguments: object) -> None:
    """A function of the C library that returns 0.

    Raises:
        OSError: if it does not.
    """
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
