"""Compare two block classes: how they are built first, then what their blocks do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from resnet_course.checking.compare import default_of, differ, same_module
from resnet_course.checking.core import Compare


def same_block(cases: Sequence[tuple[tuple[Any, ...], tuple[int, ...]]]) -> Compare:
    """Like `same_module`; the class must also have what `ResNet` relies on: a default stride and an `expansion`."""
    same = same_module(cases)

    def compare(candidate: Any, implementation: Any) -> str | None:
        if isinstance(candidate, nn.Module) or not callable(candidate):
            return f"the class itself is needed, without brackets behind it, and this is {type(candidate).__name__}."
        difference = same(candidate, implementation)  # first, since a stub stops here
        if difference is not None:
            return difference
        defaults = default_of(candidate, 2), default_of(implementation, 2)
        expansions = getattr(candidate, "expansion", None), getattr(implementation, "expansion", None)
        return differ(*defaults, "the default of the third argument, stride,") or differ(*expansions, "expansion")

    return compare
