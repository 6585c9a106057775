"""Do these weights fit this model?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def misfits(own: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """How many entries of a state dict do not fit a model's own, and the first three of them; None if all fit."""
    problems = [f"missing: {name}" for name in own if name not in given]
    problems += [f"left over: {name}" for name in given if name not in own]
    shapes = {name: getattr(given[name], "shape", None) for name in own if name in given}  # None: not even a tensor
    problems += [
        f"{name} has shape {tuple(shape or ())} instead of {tuple(own[name].shape)}"
        for name, shape in shapes.items()
        if shape != own[name].shape
    ]
    return f"{len(problems)} entries do not fit: {'; '.join(problems[:3])}" if problems else None
