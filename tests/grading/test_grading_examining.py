"""What is seen of an answer, once it has been through the protocol, as a learner's is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from resnet_course.grading.sandbox.examining import MOST_VALUES, behaviour, examiners, observe
from resnet_course.grading.sandbox.protocol import decode, encode, text_of


class Net(nn.Module):
    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.linear = nn.Linear(3, width, bias=False)
        self.bn = nn.BatchNorm1d(width)

    def forward(self, x):
        return self.bn(self.linear(x))


X = np.arange(12.0).reshape(4, 3)
WEIGHT = np.array([[1.0, 0, 0], [0, 2, 0]])
CALL = "def examine_f(names, inputs):\n    return {'r': names['f'](**inputs)}"


def see(names: dict[str, Any], examine: Any = None, **inputs: np.ndarray) -> dict[str, Any]:
    """An observation; texts as such."""
    examine = examine or examiners(CALL)["f"]
    seen = decode(encode(observe(examine, names, decode(encode(inputs)[8:])))[8:])
    return {label: text_of(value) if value.dtype == np.uint8 else value for label, value in seen.items()}


def test_all_that_a_module_does():
    inputs = {"x": X, "gradient": np.ones((4, 2)), "w.linear.weight": WEIGHT, "w.wrong": WEIGHT, "w.bn.bias": X}
    seen = see({"Net": Net}, lambda names, inputs: behaviour(names["Net"](), inputs), **inputs)
    assert seen["parameters/linear.weight"].tolist() == [2, 3]
    missing = ["bn.bias", "bn.running_mean", "bn.running_var", "bn.weight"]
    assert [seen[f"weights by name/missing/{index}"] for index in range(4)] == missing
    assert [seen[f"weights by name/unexpected/{index}"] for index in range(2)] == ["bn.bias", "wrong"]
    product = X @ WEIGHT.T
    normal = (product - product.mean(0)) / product.std(0)
    np.testing.assert_allclose(seen["result"], 0.1 * normal + 0.1, atol=1e-4)  # where nothing was given stands 0.1
    np.testing.assert_allclose(seen["result in eval mode"], 0.1 * product + 0.1, rtol=1e-4)
    np.testing.assert_allclose(seen["gradient/x"], 0, atol=1e-5)
    np.testing.assert_allclose(seen["gradient/bn.bias"], [4, 4])
    np.testing.assert_allclose(seen["buffers/bn.running_mean"], 0.1 * product.mean(0), rtol=1e-5)
    np.testing.assert_array_equal(seen["input after the call"], X)
    assert "error" not in seen


def test_a_change_of_the_input_in_place_is_seen():
    class InPlace(nn.Module):
        def forward(self, x):
            return x.data.add_(1)

    seen = see({}, lambda names, inputs: {"after": InPlace()(inputs["x"]), "x": inputs["x"]}, x=X)
    np.testing.assert_array_equal(seen["x"], X + 1)


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        *((result, "f") for result in (0.5, np.float16(2), torch.ones(2).bfloat16())),
        *((result, "i") for result in (3, torch.ones(2).byte())),
        (True, "b"),
    ],
)
def test_plain_results(result, kind):
    assert see({"f": lambda: result})["r"].dtype.kind == kind


def test_nested_results_have_labels():
    seen = see({"f": lambda: {"a": [1, (2.0, None)]}})
    assert sorted(seen) == ["r/a/0", "r/a/1/0", "r/a/1/1/kind", "r/a/1/length", "r/a/length", "r/length"]


class Lazy:
    """Gives numbers only when it is asked for them, and other ones each time."""

    def __array__(self, *_, **__):
        return np.random.normal(size=3)

    def __eq__(self, other):
        return True


ENDLESS: list = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param("wörd", {"r": "wörd"}, id="text"),
        pytest.param(Net(), {"r/kind": "Module"}, id="module"),
        pytest.param(Lazy(), {"r/kind": "Lazy"}, id="lazy"),
        pytest.param(iter([1]), {"r/kind": "list_iterator"}, id="iterator"),
        pytest.param(None, {"r/kind": "NoneType"}, id="None"),
        pytest.param(np.array([object()]), {"error": "TypeError"}, id="objects"),
        pytest.param(torch.zeros(1, dtype=torch.complex64), {"error": "TypeError"}, id="complex"),
        pytest.param(10**30, {"error": "TypeError"}, id="huge number"),
        pytest.param(torch.zeros(1).expand(10**12), {"r": "too large: (1000000000000,)"}, id="view without memory"),
        pytest.param(np.zeros(MOST_VALUES + 1), {"r": f"too large: ({MOST_VALUES + 1},)"}, id="too large"),
        pytest.param([0] * 1_001, {"r/kind": "list"}, id="long list"),
        pytest.param([[[[[[[0]]]]]]], {"r/0/0/0/0/0/kind": "list"}, id="deep list"),
        pytest.param(ENDLESS, {"r/0/0/0/0/0/kind": "list"}, id="list that holds itself"),
    ],
)
def test_results_that_are_no_plain_numbers(result, expected):
    seen = see({"f": lambda: result})
    assert {label: seen[label] for label in expected} == expected


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("names['missing']", "NameError"),
        ("names['Net'](2).nothing", "AttributeError"),
        ("names['Net'](2)(inputs['x'])", "RuntimeError"),
        ("inputs['unknown']", "KeyError"),
    ],
)
def test_an_error_is_seen_with_its_line(body, error):
    examine = examiners(f"def examine_f(names, inputs):\n    {body}")["f"]
    assert see({"Net": Net}, examine, x=np.zeros((4, 7))) == {"error": error, "error/line": 2}


def test_interrupting_the_grader_interrupts_it():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        see({"f": stop})


def test_each_time_starts_from_the_same_luck_and_leaves_its_inputs_alone():
    def draw(x):
        x.add_(1)
        return [torch.rand(1), float(np.random.rand())]

    inputs = {"x": np.zeros(2)}
    examine = examiners(CALL)["f"]
    first, second = (observe(examine, {"f": draw}, inputs) for _ in range(2))
    assert (first["r/0"], first["r/1"]) == (second["r/0"], second["r/1"])
    assert not inputs["x"].any()


def test_what_cells_have_set_in_torch_counts_for_nothing():
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    try:
        seen = observe(
            examiners(CALL)["f"], {"f": lambda x: [torch.zeros(1), torch.is_grad_enabled()]}, {"x": np.zeros(2)}
        )
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
    assert (seen["r/0"].dtype, bool(seen["r/1"])) == (np.float32, True)
