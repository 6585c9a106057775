"""What tests ask of a function that looks at a network: to leave it as it was."""

import torch
from torch import nn


def state(model: nn.Module) -> dict[str, object]:
    """Everything that looking at a model must leave alone."""
    return {
        "tensors": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "gradients": {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()},
        "modes": [module.training for module in model.modules()],
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()],
        "random": torch.random.get_rng_state(),
    }


def assert_same_state(model: nn.Module, before: dict[str, object]) -> None:
    after = state(model)
    assert after["modes"] == before["modes"]
    assert after["hooks"] == before["hooks"]
    assert torch.equal(after["random"], before["random"])
    for kind in ("tensors", "gradients"):
        assert after[kind].keys() == before[kind].keys()
        for name, tensor in before[kind].items():
            assert (tensor is None and after[kind][name] is None) or torch.equal(tensor, after[kind][name]), name
