"""What keeps a learner's object from harming the notebook while it is checked.

Inside the guard: a limit on time and memory, printed text is caught, `os._exit` and `sys.exit` raise, and afterwards
seeds, default dtype and device, gradient mode, thread count and working directory are as before. The check itself
always computes in float32 on the CPU, whatever the notebook's defaults are.

This protects against accidents. What fights back can only be judged in a process of its own, as a grader does: an
endless loop that catches BaseException, or one inside a call into C; an `_exit` that was fetched before the check; a
crash of the interpreter; an object that patches the checks themselves.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

SECONDS = 20.0  # a check takes less than one second, the ones that train less than five
MEMORY = 2 * 2**30  # bytes beyond what the process has when the check begins
PATIENCE = 6  # times as long, while a module is imported, and on a machine that is busy with other things
WAITING = 0.1  # of the time: who computes less than that waits for something, on the busiest of machines
PRINTED = 2_000  # characters of the learner's own output that are shown


class TooSlowError(BaseException):
    """The time limit of a check ran out. Not an Exception, so that `except Exception` does not swallow it."""


class ExitRefusedError(BaseException):
    """The object under check tried to end the process."""


class _Caught(io.StringIO):
    """Keeps the beginning of what is printed and drops the rest."""

    def write(self, text: str) -> int:
        room = PRINTED - self.tell()
        if room > 0:
            super().write(text[:room])
        return len(text)


@contextlib.contextmanager
def guarded(seed: int, seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[io.StringIO]:
    """Run the block under all the limits; yields where the beginning of its printed text is kept."""
    caught = _Caught()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_kept_state(seed))
        stack.enter_context(_memory_limit(memory))
        stack.enter_context(_no_exit())
        stack.enter_context(contextlib.redirect_stdout(caught))
        stack.enter_context(contextlib.redirect_stderr(caught))
        stack.enter_context(_time_limit(seconds))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # those of torch are about what the check does
        yield caught


@contextlib.contextmanager
def _kept_state(seed: int) -> Iterator[None]:
    """A fixed seed inside; everything global that a cell can change by accident is put back afterwards."""
    python, numpy, torch_state = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    gradients, folder = torch.is_grad_enabled(), os.getcwd()
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    usual_state(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.random.set_rng_state(torch_state)
        torch.set_default_dtype(dtype)
        _set_default_device(device)
        torch.set_grad_enabled(gradients)
        if torch.are_deterministic_algorithms_enabled() != deterministic:  # the call imports for seconds
            torch.use_deterministic_algorithms(deterministic)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with contextlib.suppress(OSError):
            os.chdir(folder)


def usual_state(seed: int) -> None:
    """What a check computes with, whatever cells have set: seeds, float32, gradients, the CPU."""
    for set_seed in (random.seed, np.random.seed, torch.manual_seed):
        set_seed(seed)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    _set_default_device(torch.device("cpu"))


def _set_default_device(device: torch.device) -> None:
    """Only if it is another one: a default device that was ever set makes every later call a little slower."""
    if torch.get_default_device() != device:
        torch.set_default_device(device)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TooSlowError in the block when its time is up, and again every second should it be swallowed.

    Works in the main thread, where notebook cells run; on Windows, where there are no timers of this kind, a second
    thread interrupts instead.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    started, computed_before = time.monotonic(), time.thread_time()

    def stop(number: int, frame: Any) -> None:
        passed, computed = time.monotonic() - started, time.thread_time() - computed_before
        busy = WAITING * passed < computed < seconds  # it computes, and others take the rest of the processor
        if passed < PATIENCE * seconds and (busy or _is_importing(frame)):
            return  # asked again soon; an import that is cut off leaves a broken module for the rest of the process
        raise TooSlowError(f"it took longer than {seconds:g} seconds: is there an endless loop?")

    if hasattr(signal, "setitimer"):
        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return

    done = threading.Event()

    def ask() -> None:
        pause = seconds
        while not done.wait(pause):
            signal.raise_signal(signal.SIGINT)
            pause = 1.0

    before = signal.signal(signal.SIGINT, stop)
    threading.Thread(target=ask, daemon=True).start()
    try:
        yield
    finally:
        done.set()
        signal.signal(signal.SIGINT, before)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether this frame runs inside an import; PyTorch imports large parts of itself when they are first used."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def _memory_limit(memory: int) -> Iterator[None]:
    """An allocation far beyond what a check needs fails, in place of bringing the machine down. Linux only."""
    if not sys.platform.startswith("linux") or torch.cuda.is_initialized():
        yield  # CUDA reserves addresses by the hundred gigabytes
        return
    import resource  # there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
    limit = used + memory
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def _no_exit() -> Iterator[None]:
    """`os._exit` and `os.abort` raise inside the block."""

    def refuse(*arguments: Any) -> None:
        raise ExitRefusedError("it tried to end the process; a module or function must return")

    kept = {name: getattr(os, name) for name in ("_exit", "abort")}
    for name in kept:
        setattr(os, name, refuse)
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(os, name, function)
