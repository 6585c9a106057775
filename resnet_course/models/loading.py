"""Weights that other code saved: what its names are in our networks. Nothing is loaded unless everything fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

WRAPPERS = ("state_dict", "net", "model")  # under which training scripts keep the weights in a checkpoint
BATCH_COUNTER = "num_batches_tracked"  # batch norm got it in PyTorch 0.4.1; older checkpoints have none


def load_torchvision_state_dict(model: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Load the weights of a torchvision ResNet into ours: `downsample` is our `shortcut`, `fc` our `linear`.

    Nothing is loaded unless everything fits.

    Raises:
        ValueError: naming the first entries that are missing, left over or of another shape.

    Taught in lesson 05.
    """
    _load_all(model, {_our_name(name): tensor for name, tensor in state_dict.items()})


def load_cifar_state_dict(model: nn.Module, state_dict: Mapping[str, Any]) -> None:
    """Load the weights of the common CIFAR ResNets into ours, for example into `cifar_resnet(20)`.

    Their names are `conv1.weight`, `bn1.*`, `layer1.0.conv1.weight`, ..., `linear.weight`, often with `module.` in
    front, which `nn.DataParallel` puts there. A shortcut's projection is `shortcut.0` and `shortcut.1`, or
    `downsample`; the last layer may be called `fc`. A whole checkpoint, with the weights under "state_dict", "net" or
    "model", will do. Read the file as data: `torch.load(path, map_location="cpu", weights_only=True)`.

    Nothing is loaded unless everything fits.

    Raises:
        ValueError: naming the first entries that are missing, left over or of another shape, and what to do.
    """
    weights = _unwrap(state_dict)
    renamed = {_our_name(name.removeprefix("module.")): tensor for name, tensor in weights.items()}
    own = model.state_dict()
    counters = {name: tensor for name, tensor in own.items() if name.endswith(BATCH_COUNTER)}
    _load_all(model, counters | renamed, _advice(own, renamed))


def _unwrap(checkpoint: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """The mapping of names to tensors in a checkpoint."""
    for key in WRAPPERS:
        if isinstance(checkpoint.get(key), Mapping):
            checkpoint = checkpoint[key]
            break
    others = [str(name) for name, value in checkpoint.items() if not isinstance(value, Tensor)]
    if others or not checkpoint:
        found = ", ".join(others[:3]) or "nothing"
        raise ValueError(
            f"this is not a state dict: a mapping of names to tensors is expected, and it holds {found}. Pass the "
            "part of the checkpoint that holds the weights."
        )
    return checkpoint


def _advice(own: Mapping[str, Tensor], renamed: Mapping[str, Tensor]) -> str:
    """What to do when the two differ in more than a name."""
    theirs, ours = ({name for name in names if ".shortcut." in name} for names in (renamed, own))
    if theirs and not ours:
        return (
            "The checkpoint has projections on its shortcuts, and this model has none (option A, or a plain network): "
            'build cifar_resnet(depth, shortcut="B").'
        )
    if ours and not theirs:
        return (
            "The checkpoint has no weights on its shortcuts, and this model has: build "
            'cifar_resnet(depth, shortcut="A").'
        )
    depths = [sum(name.endswith(("conv1.weight", "conv2.weight")) for name in names) + 1 for names in (renamed, own)]
    if depths[0] != depths[1]:
        return f"The checkpoint has {depths[0]} layers and this model {depths[1]}: build the model with that depth."
    return "Is it the same kind of network, width and number of classes?"


def _load_all(
    model: nn.Module,
    renamed: Mapping[str, Tensor],
    advice: str = "Is it the same depth, stem and number of classes?",
) -> None:
    own = model.state_dict()
    problems = [f"missing: {name}" for name in own if name not in renamed]
    problems += [f"left over: {name}" for name in renamed if name not in own]
    problems += [
        f"{name} has shape {tuple(renamed[name].shape)}, the model's has {tuple(own[name].shape)}"
        for name in own
        if name in renamed and renamed[name].shape != own[name].shape
    ]
    if problems:
        shown = "; ".join(problems[:3])
        raise ValueError(f"{len(problems)} entries do not fit this model ({shown}). {advice}")
    model.load_state_dict(dict(renamed))


def _our_name(other_name: str) -> str:
    parts = other_name.split(".")
    parts = ["shortcut" if part == "downsample" else part for part in parts]
    if parts[0] == "fc":
        parts[0] = "linear"
    return ".".join(parts)
