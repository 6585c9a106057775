"""Trained networks of the plans that keep them: weights and buffers alone, in safetensors files.

Convolutions and the linear layer are stored as float16, which halves the file; batch norm keeps float32. A run measures
its errors after this rounding, so that its record is about the network in the file.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.experiments.records import SHIPPED, weights_path
from resnet_course.experiments.runs import build_network
from resnet_course.training.checkpoints import check_fits


def pack(model: nn.Module) -> dict[str, Tensor]:
    """The state dict as it is stored, on the CPU: float16 for weights of more than one dimension."""
    return {
        name: (tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor).cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }


def save_weights(state: dict[str, Tensor], path: Path, description: dict[str, str]) -> None:
    """Write what `pack` gave, whole or not at all.

    Args:
        state: tensors by name.
        path: the file.
        description: kept in the file beside the tensors, such as the data set and the seed.
    """
    from safetensors.torch import save

    write_atomically(path, save(state, metadata=description))


def load_weights(network: str, dataset: str = "shapes", results: Path = SHIPPED) -> nn.Module:
    """A trained network in eval mode, in float32 on the CPU.

    Args:
        network: "plain 20" or "residual 20".
        dataset: what it was trained on.
        results: folder of the records.

    Raises:
        CourseError: if the file is missing, damaged, or of another network.

    Used in lesson 07.
    """
    state = read_weights(weights_path(network, dataset, results))
    with torch.random.fork_rng(devices=[]):  # the fresh weights are overwritten; the caller's random numbers stay
        model = build_network(network, num_classes=len(state.get("linear.bias", ())) or 10)
    check_fits(model, state, weights_path(network, dataset, results))
    model.load_state_dict(state)
    return model.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file.

    Raises:
        CourseError: if the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise CourseError(
            f"there are no weights {path}. `python -m resnet_course reproduce inside` trains the networks."
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CourseError(
            f"{path} is damaged: {error}. Delete it; `python -m resnet_course reproduce inside` trains it anew."
        ) from error
