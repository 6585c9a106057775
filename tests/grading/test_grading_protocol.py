"""Messages between the trusted process and the sandbox."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest
from safetensors.numpy import save

from resnet_course.grading.sandbox import protocol
from resnet_course.grading.sandbox.protocol import LENGTH, BadMessageError, as_text, decode, encode, length_of, text_of


def message(header: bytes | dict, data: bytes = b"") -> bytes:
    """A message without its first eight bytes, as a hostile program might make it."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + data


def claim(kind: str, shape: object, data: bytes = b"", end: int | None = None, start: int = 0) -> bytes:
    offsets = [start, len(data) if end is None else end]
    return message({"x": {"dtype": kind, "shape": shape, "data_offsets": offsets}}, data)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.arange(5)[::-1],
        np.broadcast_to(np.float32(2), (3, 4)),
        np.array(np.nan),
        np.array([True, False]),
        np.zeros((0, 3)),
        as_text("conv1.weight é"),
    ],
)
def test_arrays_arrive_as_they_were_sent(value):
    sent = encode({"a/b": value})
    assert length_of(sent[:8]) == len(sent) - 8
    arrived = decode(sent[8:])["a/b"]
    assert arrived.dtype == value.dtype
    np.testing.assert_array_equal(arrived, value)


def test_texts_are_texts_and_numbers_are_none():
    assert text_of(as_text("é\ud800")) == "é?"
    assert text_of(np.array([195], np.uint8)) == "�"
    assert text_of(np.arange(3)) == text_of(as_text("")) == ""


SURROGATE = b'{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
TOO_MANY = {str(index): np.zeros(0) for index in range(protocol.MOST_ARRAYS + 1)}
TWO = {"x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}, "y": {"dtype": "F64", "shape": [1]}}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0" * 8, id="no header"),
        pytest.param((2**63).to_bytes(8, "little") + b"{}", id="header of exabytes"),
        pytest.param(message(b"{" + b" " * protocol.MOST_HEADER + b"}"), id="header of spaces"),
        pytest.param(message(b"not json"), id="not JSON"),
        pytest.param(message(b"\xff\xfe"), id="not text"),
        pytest.param(message(b"[" * 100_000), id="deep JSON"),
        pytest.param(message(b"[1]"), id="a list"),
        pytest.param(message({"x": 1}), id="an array that is a number"),
        pytest.param(message(SURROGATE), id="half a surrogate pair"),
        pytest.param(message({}, b"more"), id="more bytes than arrays"),
        pytest.param(save(TOO_MANY), id="too many arrays"),
        pytest.param(claim("OBJECT", [1], bytes(8)), id="Python objects"),
        pytest.param(claim("F16", [4], bytes(8)), id="a type that nobody sends"),
        pytest.param(claim("BF16", [4], bytes(8)), id="a type that NumPy does not know"),
        pytest.param(claim("C64", [1], bytes(8)), id="complex numbers"),
        pytest.param(claim("F64", [2**31, 2**31], bytes(8)), id="giant shape"),
        pytest.param(claim("F64", [2**63, 2], bytes(8)), id="shape that overflows"),
        pytest.param(claim("F64", [0, 2**62, 2**62]), id="giant shape of nothing"),
        pytest.param(claim("F64", [1] * 100, bytes(8)), id="a hundred dimensions"),
        pytest.param(claim("F64", [-1], bytes(8)), id="negative shape"),
        pytest.param(claim("F64", [1.0], bytes(8)), id="broken shape"),
        pytest.param(claim("F64", [True], bytes(8)), id="true as a shape"),
        pytest.param(claim("F64", [1], bytes(8), end=2**62), id="array that promises more than it holds"),
        pytest.param(claim("F64", [1], bytes(16), start=8), id="array that leaves a hole"),
        pytest.param(message({**TWO, "y": TWO["x"]}, bytes(8)), id="arrays that share their bytes"),
        pytest.param(claim("BOOL", [1], b"\x07"), id="neither true nor false"),
        pytest.param(pickle.dumps({"points": 10}), id="a pickle"),
    ],
)
def test_what_is_no_message_is_refused(data):
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
    for data in (pickle.dumps(Bomb()), buffer.getvalue(), claim("OBJECT", [1], pickle.dumps(Bomb()))):
        for whole in (data, message(data), message({}, data)):
            with pytest.raises(BadMessageError):
                decode(whole)
    assert not marker.exists()


@pytest.mark.parametrize("length", [protocol.MOST_BYTES + 1, 2**64 - 1])
def test_lengths_that_a_message_may_not_have(length):
    with pytest.raises(BadMessageError):
        length_of(LENGTH.pack(length))


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": np.array([object()])},
        {"x": np.array([1j])},
        {"x": np.array(["text"])},
        {"x": np.broadcast_to(0.0, protocol.MOST_BYTES // 8 + 1)},
        TOO_MANY,
        {"x" * protocol.MOST_HEADER: np.zeros(1)},
        {"\ud800": np.zeros(1)},
    ],
)
def test_what_cannot_be_sent_is_refused(arrays):
    with pytest.raises(BadMessageError):
        encode(arrays)


def test_random_damage_never_raises_anything_else():
    sent = bytearray(encode({"x": np.arange(4.0), "t": as_text("ab"), "b": np.array([True])})[8:])
    generator = np.random.default_rng(0)
    for _ in range(3_000):
        damaged = bytearray(sent)
        for place in generator.integers(0, len(sent), size=generator.integers(1, 4)):
            damaged[place] = generator.integers(0, 256)
        try:
            decode(bytes(damaged[: generator.integers(1, len(sent) + 1)] if generator.random() < 0.2 else damaged))
        except BadMessageError:
            pass
