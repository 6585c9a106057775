"""The graph of a run: the same for the same computation, whatever it is written with; differences one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checking.graph import record
from resnet_course.checking.modules import give_weights
from resnet_course.models import BasicBlock

X = torch.randn(3, 4, 8, 8)
Forward = Callable[[BasicBlock, Tensor], Tensor]


def block(forward: Forward, change: Callable[[BasicBlock], object] = lambda block: None) -> BasicBlock:
    """The course's block with another forward, and layers changed."""
    made = type("Block", (BasicBlock,), {"forward": forward})(4, 8, 2)
    change(made)
    return made


def found(module: nn.Module) -> list[tuple[str, str]]:
    """Topic of each difference from the course's block, and what was seen there."""
    differences = record(module, X).differences(record(BasicBlock(4, 8, 2), X), "block")
    return [(difference.topic, difference.got) for difference in differences]


def in_other_words(self: BasicBlock, x: Tensor) -> Tensor:
    short = self.shortcut(x)
    weight = self.conv1.weight
    out = torch.conv2d(x.clone(), weight, None, (2, 2), 1)
    out = self.bn1(out).clamp(min=0)
    out = torch.add(short, self.bn2(self.conv2(out)))
    return torch.maximum(out, torch.zeros_like(out))


def test_other_functions_and_another_order_give_the_same_graph() -> None:
    assert found(block(in_other_words)) == []


WRONG: dict[str, tuple[Forward, list[tuple[str, str]]]] = {
    "no last ReLU": (lambda self, x: self.transform(x) + self.shortcut(x), [("missing", "ReLU")]),
    "a ReLU before the sum": (
        lambda self, x: F.relu(F.relu(self.transform(x)) + self.shortcut(x)),
        [("extra", "ReLU")],
    ),
    "subtracted": (lambda self, x: F.relu(self.transform(x) - self.shortcut(x)), [("kind", "subtraction")]),
    "detached": (lambda self, x: F.relu(self.transform(x) + self.shortcut(x).detach()), [("extra", "detaching")]),
    "through .data": (lambda self, x: F.relu(self.transform(x) + self.shortcut(x).data), [("extra", "detaching")]),
    "first batch norm again": (
        lambda self, x: F.relu(self.bn1(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x)),
        [("number of uses", "2"), ("unused", 2)],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_change_is_one_difference(name: str) -> None:
    forward, expected = WRONG[name]
    assert found(block(forward)) == expected


def test_a_setting_is_named_with_both_values() -> None:
    def change(block: BasicBlock) -> None:
        block.conv1 = nn.Conv2d(4, 8, 3, 1, 1, bias=False)
        block.shortcut[0] = nn.Conv2d(4, 8, 1, 1, bias=False)

    differences = record(block(BasicBlock.forward, change), X).differences(record(BasicBlock(4, 8, 2), X), "block")
    assert [difference.topic for difference in differences] == ["stride", "stride"]
    assert differences[0].words == "block: the stride of `conv1` is 1; it should be 2."


def test_a_second_mistake_leaves_the_first_as_it_was() -> None:
    def forward(self: BasicBlock, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        return out + self.shortcut(x)

    assert sorted(found(block(forward))) == [("missing", "ReLU"), ("missing", "ReLU")]


def test_a_run_that_stops_shows_the_steps_before_and_the_error() -> None:
    graph = record(block(lambda self, x: self.bn1(self.conv2(x))), X)
    assert isinstance(graph.error, RuntimeError)
    assert [step.name for step in graph.steps] == ["conv2"]


def test_weights_that_the_module_does_not_know() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Conv2d(4, 8, 1)]

        def forward(self, x: Tensor) -> Tensor:
            return self.layers[0](x)

    (difference,) = record(Hidden(), X).differences(record(nn.Conv2d(4, 8, 1), X), "layer")
    assert (difference.topic, difference.got) == ("unregistered", 2)


def test_no_grad_is_seen() -> None:
    def forward(self: BasicBlock, x: Tensor) -> Tensor:
        with torch.no_grad():
            short = self.shortcut(x)
        return F.relu(self.transform(x) + short)

    assert {topic for topic, _ in found(block(forward))} == {"under no_grad"}


def test_weights_by_role_make_two_spellings_compute_the_same() -> None:
    class Other(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.side = nn.Sequential(nn.Conv2d(4, 8, 1, 2, bias=False), nn.BatchNorm2d(8))
            self.z = nn.ModuleList([nn.BatchNorm2d(8), nn.BatchNorm2d(8)])
            self.y = nn.ModuleList([nn.Conv2d(8, 8, 3, 1, 1, bias=False), nn.Conv2d(4, 8, 3, 2, 1, bias=False)])

        def forward(self, x: Tensor) -> Tensor:
            short = self.side(x)
            out = self.z[1](self.y[0](F.relu(self.z[0](self.y[1](x)))))
            return F.relu(out + short)

    results = []
    for module in (BasicBlock(4, 8, 2), Other()):
        give_weights(module, record(module, X))
        results.append(module.eval()(X))
    torch.testing.assert_close(*results)
