"""Keep the memory that a training step frees, for the next step."""

from __future__ import annotations

import ctypes
import sys

# Names and numbers of glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
MEGABYTE = 2**20


def keep_freed_memory(keep: bool = True) -> bool:
    """Tell the C library not to hand freed memory back to the system; False: to hand it back as usual.

    A training step on the CPU allocates and frees every activation once. The C library returns blocks of that size
    to the system, and the system has to clear every page again when the next step asks for it. That is about a tenth
    of a step; the price of keeping them is that the process stays as large as its largest step.

    Only glibc (Linux) has this switch, and it acts on the whole process; elsewhere nothing changes.

    Returns:
        whether there is such a switch.

    Taught in lesson 12.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    if keep:
        library.mallopt(MMAP_MAX, 0)
        library.mallopt(TRIM_THRESHOLD, 2**31 - 1)
    else:
        # glibc's own limits move with the sizes that it sees; these are where they stand after blocks of 16 MB.
        library.mallopt(MMAP_MAX, 65_536)
        library.mallopt(MMAP_THRESHOLD, 17 * MEGABYTE)
        library.mallopt(TRIM_THRESHOLD, 34 * MEGABYTE)
    return True
