"""A system-call filter for the sandbox: threads may be started, processes may not.

A limit on the number of processes does not hold for root, and what forks can outlive its parent. A process that cannot
fork leaves nothing behind. The filter is classic BPF as Linux takes it (seccomp(2), filter mode); bubblewrap loads it
right before it starts the program.
"""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass

from resnet_course.errors import CourseError

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of classic BPF
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, low half first
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_OTHER_ABI = 0x40000000  # x32 numbers start here


@dataclass(frozen=True)
class _Machine:
    """Numbers of one architecture: its audit code, `clone`, `clone3`, and what is refused.

    Refused are fork and vfork, unshare, setns, mount, ptrace, bpf, userfaultfd, perf_event_open, io_uring_setup, and
    the three calls on kernel keys.
    """

    architecture: int
    clone: int
    clone3: int
    refused: tuple[int, ...]


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 56, 435, (57, 58, 272, 308, 165, 101, 321, 323, 298, 425, 248, 249, 250)),
    "aarch64": _Machine(0xC00000B7, 220, 435, (97, 268, 40, 117, 280, 282, 241, 425, 217, 218, 219)),
}


def threads_only(machine: str | None = None) -> bytes:
    """The filter's bytes for a machine, by default this one.

    Raises:
        CourseError: for an architecture whose call numbers are not known here.
    """
    name = machine or platform.machine()
    if name not in _MACHINES:
        known = " and ".join(_MACHINES)
        raise CourseError(f"the sandbox's filter knows {known}, not {name}; use --container instead")
    numbers = _MACHINES[name]
    # Jumps count instructions from the next one: (code, jump if true, jump if false, value).
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, numbers.architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _OTHER_ABI),
        (_RETURN, 0, 0, _KILL),
        (_EQUAL, 0, 1, numbers.clone3),
        (_RETURN, 0, 0, _ERROR | _ENOSYS),  # its flags are behind a pointer; the C library then takes clone
    ]
    for number in numbers.refused:
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | _EPERM)]
    program += [
        (_EQUAL, 0, 3, numbers.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _ERROR | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
