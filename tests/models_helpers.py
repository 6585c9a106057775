"""What the tests of models and of what is done with them share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def state(model: nn.Module) -> dict[str, Any]:
    """Everything that looking at a model must leave alone, and the random numbers."""
    return {
        **{name: tensor.clone() for name, tensor in model.state_dict().items()},
        **{f"gradient of {n}": None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()},
        "random": torch.get_rng_state(),
        "frozen": [not parameter.requires_grad for parameter in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()],
    }


def assert_same_state(model: nn.Module, before: dict[str, Any]) -> None:
    after = state(model)
    assert after.keys() == before.keys()
    for name, value in before.items():
        tensors = isinstance(value, torch.Tensor) and isinstance(after[name], torch.Tensor)
        assert torch.equal(value, after[name]) if tensors else value is after[name] or value == after[name], name


@contextmanager
def left_alone(model: nn.Module) -> Iterator[None]:
    """What is done inside changes nothing of the model."""
    before = state(model)
    yield
    assert_same_state(model, before)
