"""Slips of Python and PyTorch: each is told by the error that it raises, as it is really raised."""

from __future__ import annotations

import textwrap

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.checking import slips

# What a learner types, and the slip that it is.
SOURCES = {
    "no_super_init": """
        class Block(nn.Module):
            def __init__(self):
                self.conv = nn.Conv2d(3, 4, 3)
        Block()""",
    "forgotten_self": """
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)
            def forward(self, x):
                return conv(x)
        Block()(x)""",
    "no_forward": """
        class Block(nn.Module):
            def foward(self, x):
                return x
        Block()(x)""",
    "module_list_called": "nn.ModuleList([nn.ReLU()])(x)",
    "list_in_sequential": "nn.Sequential([nn.ReLU(), nn.ReLU()])",
    "class_for_layer": "nn.Sequential(nn.ReLU)",
    "list_called": "layers = [nn.ReLU()]; layers(x)",
    "tuple_called": "layer = (nn.ReLU(), 64); layer(x)",
    "float_for_whole_number": "F.pad(x, (0, 0, 0, 0, 1 / 2, 1 / 2))",
    "labels_for_logits": "F.cross_entropy(torch.tensor([1]), torch.randn(1, 3))",
    "not_callable": "planes = 3; planes(x)",
    "none_used": "nn.Linear(2, 2).weight.grad.norm()",
    "sizes_in_sum": "x + torch.zeros(2, 4, 8, 8)",
    "channels_in_convolution": "nn.Conv2d(5, 4, 3)(x)",
    "channels_in_batch_norm": "nn.BatchNorm2d(5)(x)",
    "linear_size": "nn.Linear(7, 2)(x.flatten(1))",
    "one_value_per_channel": "nn.BatchNorm1d(3)(torch.zeros(1, 3))",
    "in_place_on_leaf": "nn.Linear(2, 2).weight.zero_()",
    "in_place_in_graph": """
        y = x.requires_grad_().exp()
        z = (y * y).sum()
        y.add_(1)
        z.backward()""",
    "no_graph": "x.sum().backward()",
    "backward_twice": """
        loss = x.requires_grad_().exp().sum()
        loss.backward()
        loss.backward()""",
    "backward_of_many": "x.requires_grad_().exp().backward()",
    "many_to_number": "x.item()",
    "truth_of_many": "bool(x > 0)",
    "number_method": "(3.0).item()",
    "no_length": "len(3)",
    "unpacking": "a, b = [1, 2, 3]",
    "arguments_too_many": """
        class Block:
            def forward(x):
                return x
        Block().forward(x)""",
    "arguments_too_many ": "type('Stopper', (), {})(3)",
    "argument_missing": """
        def block(planes, stride):
            return planes
        block(3)""",
    "argument_unknown": "nn.Conv2d(3, 4, 3, strides=2)",
    "wrong_arguments": "isinstance(x, 'Tensor')",
    "operands": "[1] + 2",
    "state_dict_names": "nn.Linear(2, 2).load_state_dict({'w': torch.zeros(2, 2)})",
    "plain_for_parameter": "nn.Linear(2, 2).weight = torch.zeros(2, 2)",
    "shape_of_view": "x.view(5)",
    "stacked_shapes": "torch.stack([torch.zeros(2), torch.zeros(3)])",
    "index_beyond": "[1][2]",
    "key_unknown": "{}['conv1']",
    "used_before": """
        def count():
            total += 1
        count()""",
    "name_unknown": "planes + 1",
    "attribute_unknown": "nn.Linear(2, 2).wieght",
    "dtype": "nn.Linear(2, 2)(torch.zeros(1, 2, dtype=torch.int64))",
    "division_by_zero": "1 / 0",
    "endless_recursion": """
        def block():
            return block()
        block()""",
    "own_assertion": "assert x.shape == (1,)",
    "file": "torch.load('there/is/no/such/file.pt')",
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_slip_is_told_by_its_error(name: str) -> None:
    names = {"torch": torch, "nn": nn, "F": F, "x": torch.zeros(2, 3, 8, 8)}
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is depends on the slip
        exec(textwrap.dedent(SOURCES[name]), names)
    found = slips.find(caught.value)
    assert found is not None, caught.value
    assert found.id == f"slip_{name.strip()}", caught.value


def test_an_error_of_nobody_is_not_explained() -> None:
    assert slips.find(RuntimeError("the moon is full")) is None


def test_each_slip_asks_and_explains_without_repeating_itself() -> None:
    for name, hint in slips.HINTS.items():
        assert hint.ask.endswith("?"), name
        assert len(hint.explain) > 60, name
        assert hint.ask not in hint.explain, name
