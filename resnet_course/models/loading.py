"""Weights that other code saved: what its names are in our networks. Nothing is loaded unless everything fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from resnet_course.base.state_dicts import misfits

WRAPPERS = ("state_dict", "net", "model")  # under which training scripts keep the weights in a checkpoint
BATCH_COUNTER = "num_batches_tracked"  # batch norm got it in PyTorch 0.4.1; older checkpoints have none


def load_torchvision_state_dict(model: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Load the weights of a torchvision ResNet into ours: `downsample` is our `shortcut`, `fc` our `linear`.

    Raises:
        ValueError: naming the first entries that are missing, left over or of another shape; nothing is loaded then.

    Taught in lesson 08.
    """
    _load_all(model, {_our_name(name): tensor for name, tensor in state_dict.items()})


def load_cifar_state_dict(model: nn.Module, state_dict: Mapping[str, Any]) -> None:
    """Load the weights of the common CIFAR ResNets into ours, for example into `cifar_resnet(20)`.

    Their names are `conv1.weight`, `bn1.*`, `layer1.0.conv1.weight`, ..., `linear.weight`, often with `module.` in
    front, which `nn.DataParallel` puts there. A shortcut's projection is `shortcut.0` and `shortcut.1`, or
    `downsample`; the last layer may be called `fc`. A whole checkpoint, with the weights under "state_dict", "net" or
    "model", will do. Read the file as data: `torch.load(path, map_location="cpu", weights_only=True)`.

    Raises:
        ValueError: naming the first entries that are missing, left over or of another shape, and what to do; nothing
            is loaded then.
    """
    wrapped = [state_dict[key] for key in WRAPPERS if isinstance(state_dict.get(key), Mapping)]
    weights = wrapped[0] if wrapped else state_dict
    others = [str(name) for name, value in weights.items() if not isinstance(value, Tensor)]
    if others or not weights:
        raise ValueError(
            "this is not a state dict: a mapping of names to tensors is expected, and it holds "
            f"{', '.join(others[:3]) or 'nothing'}. Pass the part of the checkpoint that holds the weights."
        )
    counters = {name: tensor for name, tensor in model.state_dict().items() if name.endswith(BATCH_COUNTER)}
    _load_all(model, counters | {_our_name(name.removeprefix("module.")): tensor for name, tensor in weights.items()})


def _load_all(model: nn.Module, weights: dict[str, Tensor]) -> None:
    problems = misfits(model.state_dict(), weights)
    if problems:
        raise ValueError(f"{problems}. {_advice(model.state_dict(), weights)}")
    model.load_state_dict(weights)


def _advice(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """What to do when the two differ in more than a name."""
    ours, theirs = (any(".shortcut.0." in name for name in names) for names in (own, given))
    if theirs and not ours:
        return 'The checkpoint has projections on its shortcuts; build the model with shortcut="B".'
    if ours and not theirs:
        return 'The checkpoint has no weights on its shortcuts; build the model with shortcut="A".'
    depths = [sum(name.endswith(("conv1.weight", "conv2.weight")) for name in names) + 1 for names in (given, own)]
    if depths[0] != depths[1]:
        return f"The checkpoint has {depths[0]} layers and this model {depths[1]}: build the model with that depth."
    return "Is it the same kind of network, stem, width and number of classes?"


def _our_name(name: str) -> str:
    name = name.replace("downsample", "shortcut")
    return name.replace("fc.", "linear.") if name.startswith("fc.") else name
