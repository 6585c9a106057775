"""Messages between the trusted process and the sandbox: named arrays of numbers, never a pickle and never code.

A message is eight bytes of its length, then arrays in the format of safetensors. A text travels as its UTF-8 bytes;
nothing else has their type. What comes out of the sandbox may be written by a hostile program: the length of a message
and of its header are checked before any memory is taken, and what does not fit raises `BadMessageError`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from safetensors.numpy import load, save

Arrays = dict[str, np.ndarray]

LENGTH = struct.Struct(">Q")
MOST_BYTES = 64 * 2**20  # of a message
MOST_HEADER = 2**18  # bytes of what safetensors says about the arrays
MOST_ARRAYS = 2_000
TEXT = np.dtype("u1")
TYPES = tuple(map(np.dtype, ("?", "u1", "i8", "f4", "f8")))


class BadMessageError(Exception):
    """What is not a message, is too large for one, or cannot be put into one."""


def as_text(text: str) -> np.ndarray:
    """A text as an array; half a surrogate pair, which cannot be sent, becomes a question mark."""
    return np.frombuffer(text.encode(errors="replace"), TEXT)


def text_of(array: np.ndarray) -> str:
    """The text that an array holds, whoever made it; empty for an array of numbers."""
    return array.tobytes().decode(errors="replace") if array.dtype == TEXT else ""


def encode(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A message.

    Raises:
        BadMessageError: if it cannot be sent.
    """
    size = sum(value.nbytes for value in arrays.values())
    if size > MOST_BYTES - MOST_HEADER - LENGTH.size:
        raise BadMessageError(f"arrays of {size} bytes are too large")
    try:
        data = save({name: np.asarray(value, order="C") for name, value in arrays.items()})
    except Exception as error:  # names and types that safetensors does not know
        raise BadMessageError(f"cannot be sent: {error}") from error
    decode(data)  # what the other side would refuse is not sent
    return LENGTH.pack(len(data)) + data


def length_of(prefix: bytes) -> int:
    """The length of the message whose first eight bytes these are.

    Raises:
        BadMessageError: if a message may not have this length.
    """
    (length,) = LENGTH.unpack(prefix)
    if length > MOST_BYTES:
        raise BadMessageError(f"a message of {length} bytes; at most {MOST_BYTES} are allowed")
    return int(length)


def decode(data: bytes) -> Arrays:
    """The arrays of a message, without its first eight bytes.

    Raises:
        BadMessageError: if it is not a message.
    """
    if int.from_bytes(data[:8], "little") > MOST_HEADER:  # how safetensors begins
        raise BadMessageError(f"a header of more than {MOST_HEADER} bytes")
    try:
        arrays = load(data)
    except Exception as error:  # whatever the bytes make the reader do
        raise BadMessageError(f"not a message: {type(error).__name__}") from error
    if len(arrays) > MOST_ARRAYS:
        raise BadMessageError(f"{len(arrays)} arrays; at most {MOST_ARRAYS} are allowed")
    for value in arrays.values():
        if value.dtype not in TYPES:
            raise BadMessageError(f"an array of the type {value.dtype}")
        if value.dtype == bool and (value.view(np.uint8) > 1).any():
            raise BadMessageError("a truth value that is neither")
    return arrays
