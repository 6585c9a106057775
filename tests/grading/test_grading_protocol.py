"""Frames between the trusted process and the sandbox."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest

from resnet_course.grading import protocol
from resnet_course.grading.protocol import LENGTH, BadMessageError, decode, encode, length_of


def frame(text: bytes | dict, data: bytes = b"") -> bytes:
    """A frame without its first eight bytes, as a hostile program might make it."""
    text = text if isinstance(text, bytes) else json.dumps(text).encode()
    return LENGTH.pack(len(text)) + text + data


def claim(kind: str, shape: object, data: bytes = b"") -> bytes:
    return frame({"header": {}, "arrays": [["x", kind, shape]]}, data)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.arange(5)[::-1],
        np.broadcast_to(np.float32(2), (3, 4)),
        np.array(np.nan),
        np.array([True, False]),
        np.zeros((0, 3)),
        np.array(["conv1.weight", "é"]),
        np.array([], dtype=str),
        np.array(""),
        np.arange(3, dtype=">i4"),
    ],
)
def test_arrays_arrive_as_they_were_sent(value):
    sent = encode({"seed": 1}, {"a/b": value})
    assert length_of(sent[:8]) == len(sent) - 8
    header, arrays = decode(sent[8:])
    assert header == {"seed": 1}
    assert arrays["a/b"].flags.owndata
    np.testing.assert_array_equal(arrays["a/b"], value)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0" * 8, id="no text"),
        pytest.param(LENGTH.pack(2**63) + b"{}", id="text of exabytes"),
        pytest.param(frame(b"not json"), id="not JSON"),
        pytest.param(frame(b"\xff\xfe"), id="not text"),
        pytest.param(frame(b"[" * 100_000), id="deep JSON"),
        pytest.param(frame({"header": {}}), id="no arrays"),
        pytest.param(frame({"header": "\ud800", "arrays": []}), id="half a surrogate pair"),
        pytest.param(frame({"header": {}, "arrays": [1]}), id="an array that is a number"),
        pytest.param(frame({"header": {}, "arrays": []}, b"more"), id="more bytes than arrays"),
        pytest.param(frame({"header": {}, "arrays": [["x", "|b1", [0]]] * 2_001}), id="too many arrays"),
        pytest.param(claim("|O", [1], bytes(8)), id="Python objects"),
        pytest.param(claim("|V8", [1], bytes(8)), id="records"),
        pytest.param(claim("<M8[s]", [1], bytes(8)), id="dates"),
        pytest.param(claim("<U0", [10**12]), id="texts without a size"),
        pytest.param(claim("<f8", [2**31, 2**31], bytes(8)), id="giant shape"),
        pytest.param(claim("<f8", [2**63, 2], bytes(8)), id="shape that overflows"),
        pytest.param(claim("<f8", [-1], bytes(8)), id="negative shape"),
        pytest.param(claim("<f8", [1.0], bytes(8)), id="broken shape"),
        pytest.param(claim("<f8", [True], bytes(8)), id="true as a shape"),
        pytest.param(claim("<f8", [1] * 100, bytes(8)), id="a hundred dimensions"),
        pytest.param(claim("|b1", [1], b"\x07"), id="neither true nor false"),
        pytest.param(claim("<U1", [1], b"\xff\xff\xff\xff"), id="beyond Unicode"),
        pytest.param(claim("<U1", [1], b"\x00\xd8\x00\x00"), id="surrogate in a text"),
        pytest.param(pickle.dumps({"points": 10}), id="a pickle"),
    ],
)
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(BadMessageError):
        decode(data)


def test_nothing_is_unpickled(tmp_path):
    """Neither a bare pickle nor NumPy's own files of objects, whose loading would leave a file."""
    marker = tmp_path / "escaped"

    class Bomb:
        def __reduce__(self):
            return open, (str(marker), "w")

    objects = np.empty(1, object)
    objects[0] = Bomb()
    buffer = io.BytesIO()
    np.savez(buffer, x=objects)
    for data in (pickle.dumps(Bomb()), buffer.getvalue(), claim("|O", [1], pickle.dumps(Bomb()))):
        for whole in (data, frame(data), frame({"header": {}, "arrays": []}, data)):
            with pytest.raises(BadMessageError):
                decode(whole)
    assert not marker.exists()


@pytest.mark.parametrize("length", [0, 8, protocol.MOST_BYTES + 1, 2**64 - 1])
def test_lengths_that_a_frame_may_not_have(length):
    with pytest.raises(BadMessageError):
        length_of(LENGTH.pack(length))


@pytest.mark.parametrize(
    ("header", "arrays"),
    [
        ({}, {"x": np.array([object()])}),
        ({}, {"x": np.array([1j])}),
        ({}, {"x": np.zeros(protocol.MOST_BYTES // 8 + 1)}),
        ({}, {str(index): np.zeros(1) for index in range(protocol.MOST_ARRAYS + 1)}),
        ({"cells": ["\ud800"]}, {}),
        ({"cells": ["x" * protocol.MOST_TEXT]}, {}),
        ({"cells": [object()]}, {}),
    ],
)
def test_what_cannot_be_sent_is_refused(header, arrays):
    with pytest.raises(BadMessageError):
        encode(header, arrays)


def test_random_damage_never_raises_anything_else():
    sent = bytearray(encode({"seed": 1}, {"x": np.arange(4.0), "t": np.array(["ab", "c"]), "b": np.array([True])})[8:])
    generator = np.random.default_rng(0)
    for _ in range(3_000):
        damaged = bytearray(sent)
        for place in generator.integers(0, len(sent), size=generator.integers(1, 4)):
            damaged[place] = generator.integers(0, 256)
        try:
            decode(bytes(damaged[: generator.integers(1, len(sent) + 1)] if generator.random() < 0.2 else damaged))
        except BadMessageError:
            pass
