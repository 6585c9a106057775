"""Messages between the trusted process and the sandbox: a frame of JSON and plain arrays, never a pickle.

A frame is eight bytes of length, then a NumPy archive (.npz) whose member "header" is JSON text. What comes out of
the sandbox is written by a process that may be hostile: lengths, names, kinds and sizes are checked before any memory
is taken for them, and everything that does not fit raises `BadMessageError`.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

LENGTH = struct.Struct(">Q")
MOST_BYTES = 64 * 2**20  # of a frame, and of all its arrays together
MOST_ARRAYS = 2_000
HEADER = "header"


class BadMessageError(Exception):
    """A frame that is not one, or is too large."""


def encode(header: Any, arrays: Mapping[str, np.ndarray]) -> bytes:
    """A frame.

    Raises:
        ValueError: if an array holds Python objects.
    """
    names = list(arrays)
    members = {f"a{index}": arrays[name] for index, name in enumerate(names)}
    content = np.frombuffer(json.dumps({"header": header, "names": names}).encode(), np.uint8)
    buffer = io.BytesIO()
    for value in members.values():
        if value.dtype.hasobject:
            raise ValueError("only plain numbers and text can be sent")
    np.savez(buffer, **{HEADER: content}, **members)  # type: ignore[arg-type] # names of members, not of options
    data = buffer.getvalue()
    return LENGTH.pack(len(data)) + data


def length_of(prefix: bytes) -> int:
    """The length of the frame whose first eight bytes these are.

    Raises:
        BadMessageError: if it is longer than a frame may be.
    """
    (length,) = LENGTH.unpack(prefix)
    if length > MOST_BYTES:
        raise BadMessageError(f"a message of {length} bytes; at most {MOST_BYTES} are allowed")
    return length


def decode(data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    """Header and arrays of a frame, without its first eight bytes.

    Raises:
        BadMessageError: if it is not a frame.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST_ARRAYS or sum(member.file_size for member in members) > MOST_BYTES:
                raise BadMessageError("a message with too many or too large arrays")
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise BadMessageError("a compressed message")
            content = json.loads(_array(archive, f"{HEADER}.npy").tobytes())
            names = content["names"]
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise BadMessageError("a message without names")
            return content["header"], {
                name: _array(archive, f"a{index}.npy") for index, name in enumerate(names[:MOST_ARRAYS])
            }
    except BadMessageError:
        raise
    except Exception as error:  # whatever the bytes make the readers do
        raise BadMessageError(f"not a message: {type(error).__name__}") from error


def _array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    """One array. Its header is read first: a shape that promises more than the bytes hold takes no memory."""
    data = archive.read(member)
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    count = 1
    for extent in shape:
        count *= extent  # of Python's own integers: no overflow
    if dtype.hasobject or dtype.kind not in "biufU" or min(shape, default=0) < 0:
        raise BadMessageError(f"an array of the type {dtype}")
    if count * dtype.itemsize > len(data):
        raise BadMessageError("an array that promises more than it holds")
    return np.load(io.BytesIO(data), allow_pickle=False)
