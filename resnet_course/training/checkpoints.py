"""Weights and training states in files: written whole or not at all, read as data and never as code.

Every file of `torch.save` holds a pickle, and loading a pickle may run code. What makes it data is the restricted
reader, `torch.load(weights_only=True)`, which a state dict passes and a whole model does not.

Taught in lessons 02 and 09.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.state_dicts import misfits


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Save the model's `state_dict()`, without its class.

    Raises:
        CourseError: if the file cannot be written; an earlier file is untouched.
    """
    save_state(model.state_dict(), path)


def load_weights(model: nn.Module, path: str | Path) -> nn.Module:
    """Load weights from `save_weights` into `model` and return it.

    Raises:
        CourseError: if the file is missing, damaged, or of another model; the model is then unchanged.
    """
    state = load_state(path)
    check_fits(model, state, path)
    model.load_state_dict(state)
    return model


def save_state(state: dict[str, Any], path: str | Path) -> None:
    """Save a dict of tensors, numbers, strings, lists and dicts, atomically."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(path, buffer.getvalue())


def load_state(path: str | Path) -> dict[str, Any]:
    """Read a file of `save_state` as data, onto the CPU.

    Raises:
        CourseError: if the file is missing, truncated, or holds anything but data.
    """
    path = Path(path)
    if not path.is_file():
        raise CourseError(f"there is no checkpoint {path}. Train first, or check the path.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CourseError(
            f"{path} is not a readable checkpoint: it is truncated, or it holds more than tensors and numbers. "
            "Delete it and train again, or use another file."
        ) from error
    if not isinstance(state, dict):
        raise CourseError(
            f"{path} holds a {type(state).__name__}, not a checkpoint. Use a file that save_weights wrote."
        )
    return state


def check_fits(model: nn.Module, state: dict[str, Any], path: str | Path) -> None:
    """Raise a CourseError that names the first differences if `state` is not of this model."""
    problems = misfits(model.state_dict(), state)
    if problems:
        raise CourseError(
            f"{path} is a checkpoint of another model: {problems}. Build the same model, or use another file."
        )
