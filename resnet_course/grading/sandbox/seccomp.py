"""A system-call filter for the sandbox: threads may be started, processes may not.

A limit on the number of processes does not hold for root, and what forks can outlive its parent. A process that cannot
fork leaves nothing behind. The filter is classic BPF as Linux takes it (seccomp(2), filter mode); bubblewrap loads it
right before it starts the program.
"""

from __future__ import annotations

import platform
import struct

from resnet_course.base.errors import CourseError

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of classic BPF
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, low half first
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_OTHER_ABI = 0x40000000  # x32 numbers start here


_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # their codes in the kernel's audit

# Numbers of system calls, in the order of _ARCHITECTURES; None where an architecture does not have the call.
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)
_UNIX = 1  # the family of sockets between processes of one machine, which Python itself uses; there is no other
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other processes
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_writev": (311, 271),
    # other views of the system
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    # memory that no limit on a process counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # large parts of the kernel that a course does not need
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}


def threads_only(machine: str | None = None) -> bytes:
    """The filter's bytes for a machine, by default this one.

    Raises:
        CourseError: for an architecture whose call numbers are not known here.
    """
    name = machine or platform.machine()
    if name not in _ARCHITECTURES:
        known = " and ".join(_ARCHITECTURES)
        raise CourseError(f"the sandbox's filter knows {known}, not {name}; use --container instead")
    column = list(_ARCHITECTURES).index(name)
    # Jumps count instructions from the next one: (code, jump if true, jump if false, value).
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[name]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _OTHER_ABI),
        (_RETURN, 0, 0, _KILL),
        (_EQUAL, 0, 1, _CLONE3[column]),
        (_RETURN, 0, 0, _ERROR | _ENOSYS),  # its flags are behind a pointer; the C library then takes clone
    ]
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | _EPERM)]
    program += [
        (_EQUAL, 0, 4, _SOCKET[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, _UNIX),
        (_RETURN, 0, 0, _ERROR | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 0, 3, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _ERROR | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
