"""Whether two values are equal within float tolerance, and if not, the first place where they differ, in words."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# As they are when the course is imported: a notebook may put something else in their place.
_allclose, _isclose, _equal = torch.allclose, torch.isclose, torch.equal
_detach, _as_subclass = Tensor.detach, Tensor.as_subclass
_PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None), *np.sctypeDict.values()})

TOLERANCE = 1e-4  # relative and absolute, for float32


def differ(mine: Any, expected: Any, what: str) -> str | None:
    """None if the two values are equal within float tolerance, otherwise one sentence with the first difference.

    Args:
        mine: anything at all.
        expected: a tensor, a number, text, or lists, tuples and dicts of these.
        what: begins the sentence, for example "the mean loss".
    """
    if isinstance(expected, Tensor):
        return _tensors_differ(mine, expected, what)
    if isinstance(expected, Mapping):
        return _mappings_differ(mine, expected, what)
    if isinstance(expected, (list, tuple)):
        if not isinstance(mine, (list, tuple)) or len(mine) != len(expected):
            return f"{what} should be {shown(expected, due=True)} and is {shown(mine)}."
        parts = (differ(a, b, f"{what}, entry {i}") for i, (a, b) in enumerate(zip(mine, expected, strict=True)))
        return next((part for part in parts if part is not None), None)
    mine = as_number(mine)
    if isinstance(expected, float) and type(mine) in _PLAIN and isinstance(mine, (int, float, np.number)):
        same = math.isclose(mine, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE) or (mine != mine != expected)
        return None if same else f"{what} should be {expected:.6g} and is {mine:.6g}."
    # An object with an `__eq__` of its own could claim to be equal to anything.
    same = (type(mine) is type(expected) or type(mine) in _PLAIN) and bool(mine == expected)
    return None if same else f"{what} should be {shown(expected, due=True)} and is {shown(mine)}."


def _mappings_differ(mine: Any, expected: Mapping[Any, Any], what: str) -> str | None:
    if not isinstance(mine, Mapping):
        return f"{what} should be a dict and is {shown(mine)}."
    if set(mine) != set(expected):
        return f"{what} should have the entries {shown(list(expected))} and has {shown(list(mine))}."
    parts = (differ(mine[key], value, f"{what}, entry {key!r}") for key, value in expected.items())
    return next((part for part in parts if part is not None), None)


def _tensors_differ(mine: Any, expected: Tensor, what: str) -> str | None:
    if not isinstance(mine, Tensor):
        return f"{what} should be a tensor of shape {tuple(expected.shape)} and is {shown(mine)}."
    mine, expected = plain(mine), plain(expected)
    if mine.shape != expected.shape:
        return f"{what} should have shape {tuple(expected.shape)} and has {tuple(mine.shape)}."
    wrong = ~_isclose(mine, expected, TOLERANCE, TOLERANCE, equal_nan=True)
    if not wrong.any():
        return None
    index = tuple(int(number) for number in wrong.nonzero()[0])
    place = f"[{', '.join(map(str, index))}]" if index else ""
    return f"{what}{place} should be {expected[index].item():.4g} and is {mine[index].item():.4g}."


def as_number(value: Any) -> Any:
    """A tensor or NumPy scalar as the number that it holds; anything else as it is."""
    if type(value) in np.sctypeDict.values():
        return value.item()
    if isinstance(value, Tensor) and value.numel() == 1:
        number = plain(value).item()
        return number if value.is_floating_point() else bool(number) if value.dtype is torch.bool else int(number)
    return value


def plain(tensor: Tensor) -> Tensor:
    """The numbers of a tensor and nothing else: on the CPU, in float64, no gradient, no subclass with its own rules."""
    with torch._C.DisableTorchFunctionSubclass():
        tensor = _as_subclass(_detach(tensor), Tensor)
        return tensor.cpu().double() if not tensor.is_meta else torch.zeros(tensor.shape, dtype=torch.float64)


def snapshot(value: Any) -> Any:
    """The value as it is now: copies of tensors, lists, tuples and dicts, which somebody may change later."""
    if isinstance(value, Tensor):
        with torch._C.DisableTorchFunctionSubclass():
            return _as_subclass(_detach(value), Tensor).clone()
    if type(value) in (list, tuple):
        return type(value)(snapshot(item) for item in value)
    return {key: snapshot(item) for key, item in value.items()} if type(value) is dict else value


def close(mine: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether two tensors of the same shape hold the same numbers within a tolerance, relative and absolute."""
    return _allclose(plain(mine), plain(expected), tolerance, tolerance, equal_nan=True)


def equal(mine: Tensor, expected: Tensor) -> bool:
    """Whether two tensors have the same shape and exactly the same numbers."""
    return _equal(plain(mine), plain(expected))


def kind_of(value: Any) -> str:
    """What kind of thing it is, in words that are the same for all things of the kind."""
    if value is None or isinstance(value, (type, nn.Module)):
        return "None" if value is None else "a class" if isinstance(value, type) else "a module"
    return "a function" if inspect.isroutine(value) else f"a {type(value).__name__}"


def shown(value: Any, due: bool = False) -> str:
    """A value as a learner may read it, at most 80 characters; `due` if it is what should have come out."""
    if value is None:
        return "None" if due else "None (is a return missing?)"
    if isinstance(value, Tensor):
        few = value.numel() <= 6 and not value.is_meta
        return f"a tensor {plain(value).tolist()}" if few else f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple)) and any(isinstance(item, Tensor) for item in value):
        return f"a {type(value).__name__} of {len(value)}: {', '.join(shown(item) for item in value)}"[:80]
    if isinstance(value, type):
        return f"the class {value.__name__}"
    try:
        text = f"{value:.6g}" if type(value) is float else repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    if callable(value) or len(text) > 80:
        return f"a {type(value).__name__}" if callable(value) else text[:77] + "..."
    return text
