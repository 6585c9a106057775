"""What probes see of an object."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from resnet_course.grading.probes import (
    MOST_VALUES,
    Probe,
    array,
    backward,
    buffers,
    call,
    load,
    observe,
    parameters,
    read,
    ref,
    several,
    weights_of,
)
from resnet_course.grading.protocol import decode, encode


class Net(nn.Module):
    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.linear = nn.Linear(3, width, bias=False)
        self.bn = nn.BatchNorm1d(width)

    def forward(self, x):
        return self.bn(self.linear(x))


X = np.arange(12, dtype=np.float32).reshape(4, 3)
WEIGHT = np.array([[1, 0, 0], [0, 2, 0]], dtype=np.float32)


def see(objects: dict, *steps: dict, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    """An observation that has been through the protocol, as the one of a learner's object is."""
    header, sent = decode(encode({"steps": list(steps)}, arrays)[8:])
    return decode(encode({}, observe(objects, Probe(header["steps"], sent)))[8:])[1]


def test_module_from_construction_to_gradients():
    seen = see(
        {"Net": Net},
        call("Net", width=2, out="net"),
        parameters("net"),
        load("net", "w."),
        call("net.train"),
        call("net", array("x", grad=True), out="y"),
        backward("y", "g", ["x"], "net"),
        buffers("net"),
        **{"x": X, "g": np.ones((4, 2), np.float32), "w.linear.weight": WEIGHT, "w.wrong": WEIGHT},
    )
    assert seen["net/kind"] == "Module"
    assert seen["net/names"].tolist() == ["bn.bias", "bn.weight", "linear.weight"]
    assert seen["net/shapes"].tolist() == ["(2,)", "(2,)", "(2, 3)"]
    assert seen["net/missing"].tolist() == ["bn.bias", "bn.running_mean", "bn.running_var", "bn.weight"]
    assert seen["net/unexpected"].tolist() == ["wrong"]
    product = X @ WEIGHT.T
    np.testing.assert_allclose(seen["y"], (product - product.mean(0)) / product.std(0), atol=1e-4)
    np.testing.assert_allclose(seen["gradient/x"], 0, atol=1e-5)
    np.testing.assert_allclose(seen["gradient/net.bn.bias"], [4, 4])
    np.testing.assert_allclose(seen["net/bn.running_mean"], 0.1 * product.mean(0), rtol=1e-5)
    assert "error" not in seen


def test_training_steps_with_an_optimizer():
    def train(model, batches, optimizer):
        for x, y in batches:
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            optimizer.step()
        return {"steps": len(batches), "done": True}

    seen = see(
        {"train": train},
        call("torch.nn.Linear", 3, 1, out="model"),
        load("model", "w."),
        call("torch.optim.SGD", weights_of("model"), lr=0.5, out="optimizer"),
        call("train", ref("model"), several(several(array("x"), array("y"), kind="tuple")), ref("optimizer"), out="r"),
        read("model.bias", out="bias"),
        **{"x": np.ones((1, 3), np.float32), "y": np.full((1, 1), 2, np.float32)},
        **{"w.weight": np.zeros((1, 3), np.float32), "w.bias": np.zeros(1, np.float32)},
    )
    assert seen["r/steps"] == 1
    assert seen["r/done"].dtype == bool
    np.testing.assert_allclose(seen["bias"], [2.0])


@pytest.mark.parametrize(
    ("result", "kind"),
    [(True, "b"), (3, "i"), (0.5, "f"), ("word", "U"), (np.float16(2), "f"), (torch.ones(2).bfloat16(), "f")],
)
def test_plain_results(result, kind):
    seen = see({"f": lambda: result}, call("f", out="r"))
    assert seen["r"].dtype.kind == kind


def test_nested_results_have_labels():
    seen = see({"f": lambda: {"a": [1, (2.0, None)]}}, call("f", out="r"))
    assert sorted(seen) == ["r/a/0", "r/a/1/0", "r/a/1/1/kind", "r/a/1/length", "r/a/length", "r/length"]


class Lazy:
    """Gives numbers only when it is asked for them, and other ones each time."""

    def __array__(self, *_, **__):
        return np.random.normal(size=3)

    def __eq__(self, other):
        return True


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(Lazy(), {"r/kind": "Lazy"}, id="lazy"),
        pytest.param(iter([1]), {"r/kind": "list_iterator"}, id="iterator"),
        pytest.param(None, {"r/kind": "NoneType"}, id="None"),
        pytest.param(np.array([object()]), {"error": "TypeError", "error/step": 0}, id="objects"),
        pytest.param(torch.zeros(1, dtype=torch.complex64), {"error": "TypeError", "error/step": 0}, id="complex"),
        pytest.param(10**30, {"error": "TypeError", "error/step": 0}, id="huge number"),
        pytest.param(torch.zeros(1).expand(10**12), {"r": "too large: (1000000000000,)"}, id="view without memory"),
        pytest.param(np.zeros(MOST_VALUES + 1), {"r": f"too large: ({MOST_VALUES + 1},)"}, id="too large"),
        pytest.param([0] * 1_001, {"r/kind": "list"}, id="long list"),
        pytest.param([[[[[[[0]]]]]]], {"r/0/0/0/0/0/kind": "list"}, id="deep list"),
    ],
)
def test_results_that_are_no_plain_numbers(result, expected):
    seen = see({"f": lambda: result}, call("f", out="r"))
    assert {label: seen[label].item() for label in expected} == expected


def test_list_that_holds_itself_ends():
    endless: list = []
    endless.append(endless)
    assert see({"f": lambda: endless}, call("f", out="r"))["r/0/0/0/0/0/kind"] == "list"


@pytest.mark.parametrize(
    ("steps", "error", "index"),
    [
        ([call("missing", out="r")], "NameError", 0),
        ([call("Net", 2), call("Net.nothing")], "AttributeError", 1),
        ([call("Net", 2, out="net"), call("net", array("x"))], "RuntimeError", 1),
        ([call("torch.relu", array("unknown"))], "KeyError", 0),
    ],
)
def test_errors_are_seen_and_end_the_probe(steps, error, index):
    seen = see({"Net": Net}, *steps, call("Net", 2, out="later"), x=np.zeros((4, 7), np.float32))
    assert seen["error"] == error
    assert seen["error/step"] == index
    assert "later/kind" not in seen


def test_interrupting_the_grader_interrupts_it():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        observe({"f": stop}, Probe([call("f")]))


def test_each_probe_starts_from_its_seed_and_leaves_its_arrays_alone():
    def draw(x):
        x.add_(1)
        return [torch.rand(1), float(np.random.rand())]

    probe = Probe([call("draw", array("x"), out="r")], {"x": np.zeros(2)}, seed=3)
    first, second = observe({"draw": draw}, probe), observe({"draw": draw}, probe)
    assert first["r/0"] == second["r/0"]
    assert first["r/1"] == second["r/1"]
    assert not probe.arrays["x"].any()
