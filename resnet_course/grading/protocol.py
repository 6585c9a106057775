"""Messages between the trusted process and the sandbox: JSON and plain arrays, never a pickle.

A frame is eight bytes of its length, eight bytes of the length of a JSON text, that text, and the bytes of the arrays.
The text names each array with its type and shape. What comes out of the sandbox may be written by a hostile program:
types, shapes and sizes are checked against the bytes that are there before any memory is taken, and everything that
does not fit raises `BadMessageError`.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

LENGTH = struct.Struct(">Q")
MOST_BYTES = 64 * 2**20  # of a frame
MOST_TEXT = 8 * 2**20  # bytes of its JSON
MOST_ARRAYS = 2_000
PLAIN = re.compile(r"\|b1|\|[iu]1|<[iu][248]|<f[248]|<U[1-9][0-9]{0,4}")  # NumPy's names of the types that may be sent


class BadMessageError(Exception):
    """What is not a frame, is too large for one, or cannot be put into one."""


def encode(header: Any, arrays: Mapping[str, np.ndarray]) -> bytes:
    """A frame.

    Args:
        header: JSON values.
        arrays: numbers, truth values or short texts, by name.

    Raises:
        BadMessageError: if it cannot be sent.
    """
    plain = {name: value.astype(value.dtype.newbyteorder("<"), copy=False) for name, value in arrays.items()}
    for value in plain.values():
        if not PLAIN.fullmatch(value.dtype.str):
            raise BadMessageError(f"an array of the type {value.dtype}")
    described = [[name, value.dtype.str, value.shape] for name, value in plain.items()]
    text = _text({"header": header, "arrays": described}).encode()
    length = LENGTH.size + len(text) + sum(value.nbytes for value in plain.values())
    if len(text) > MOST_TEXT or length > MOST_BYTES or len(plain) > MOST_ARRAYS:
        raise BadMessageError(f"a message of {length} bytes with {len(plain)} arrays is too large")
    return b"".join([LENGTH.pack(length), LENGTH.pack(len(text)), text, *(value.tobytes() for value in plain.values())])


def length_of(prefix: bytes) -> int:
    """The length of the frame whose first eight bytes these are.

    Raises:
        BadMessageError: if a frame may not have this length.
    """
    (length,) = LENGTH.unpack(prefix)
    if not LENGTH.size < length <= MOST_BYTES:
        raise BadMessageError(f"a message of {length} bytes; at most {MOST_BYTES} are allowed")
    return int(length)


def decode(data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    """Header and arrays of a frame, without its first eight bytes.

    Raises:
        BadMessageError: if it is not a frame.
    """
    try:
        (text_length,) = LENGTH.unpack_from(data)
        offset = LENGTH.size + text_length
        if not text_length <= MOST_TEXT or offset > len(data):
            raise BadMessageError("a message with too long a text")
        content = json.loads(data[LENGTH.size : offset])
        _text(content)
        header, described = content["header"], content["arrays"]
        if len(described) > MOST_ARRAYS:
            raise BadMessageError("a message with too many arrays")
        arrays = {}
        for name, kind, shape in described:
            arrays[str(name)] = value = _array(data, offset, kind, shape)
            offset += value.nbytes
    except BadMessageError:
        raise
    except Exception as error:  # whatever the bytes make the readers do
        raise BadMessageError(f"not a message: {type(error).__name__}") from error
    if offset != len(data):
        raise BadMessageError("a message with bytes that belong to no array")
    return header, arrays


def _text(content: Any) -> str:
    """JSON as text that every later reader and writer can handle: half a surrogate pair, for one, cannot be written."""
    try:
        text = json.dumps(content, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise BadMessageError("a text that is not one") from error
    return text


def _array(data: bytes, offset: int, kind: str, shape: list[int]) -> np.ndarray:
    """The array that starts at an offset, as a copy."""
    if not PLAIN.fullmatch(kind):
        raise BadMessageError("an array of a type that is not allowed")
    dtype = np.dtype(kind)
    if any(type(extent) is not int or extent < 0 for extent in shape):
        raise BadMessageError("an array of an impossible shape")
    if math.prod(shape) * dtype.itemsize > len(data) - offset:  # Python's integers do not overflow
        raise BadMessageError("an array that promises more than it holds")
    value = np.ndarray(shape, dtype, data, offset).copy()
    if dtype.kind == "b" and (value.view(np.uint8) > 1).any():
        raise BadMessageError("a truth value that is neither")
    if dtype.kind == "U":
        "".join(value.ravel().tolist()).encode()  # raises for what is not Unicode
    return value
