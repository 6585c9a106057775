"""What is seen of a split of images into two parts: lists of indices, and what the draw has done to the program."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resnet_course.checking.seen import Seen
from resnet_course.checking.values import shown

_NAMES = ("training", "validation")


def part_in_words(part: Any) -> str:
    """What kind of object one part of a split is."""
    try:
        tensor = torch.as_tensor(part)
    except Exception:  # whatever it is
        return shown(part)
    if isinstance(part, (list, tuple)):
        return f"a {type(part).__name__} and no tensor"
    if tensor.dtype == torch.bool:
        return "True and False for the images"
    if tensor.is_floating_point():
        return "numbers with a point"
    return "a row of indices" if tensor.dim() == 1 else f"indices of shape (n{', 1' * (tensor.dim() - 1)})"


def indices(part: Any) -> Tensor:
    """The indices of a part, in whatever form they came."""
    tensor = torch.as_tensor(part)
    return tensor.nonzero().flatten() if tensor.dtype == torch.bool else tensor.flatten().long()


def see_pair(what: str, result: Any, names: tuple[str, str] = _NAMES) -> Iterator[Seen]:
    """The kind of what came back, and of each of its two parts."""
    pair = isinstance(result, (tuple, list)) and len(result) == 2
    yield Seen(f"{what}, the result", tuple(names) if pair else result)
    if pair:
        for name, part in zip(names, result, strict=True):
            yield Seen(f"{what}, the {name} part", part_in_words(part))


def is_split(result: Any) -> bool:
    """Whether indices can be read from both parts of it."""
    pair = isinstance(result, (tuple, list)) and len(result) == 2
    return pair and all(
        part_in_words(part).startswith(("a row", "a list", "a tuple", "True", "indices")) for part in result
    )


def twice(part: Tensor) -> bool:
    """Whether an index stands in it more than once."""
    return len(part.unique()) < len(part)


def some(there_are: bool) -> str:
    """For a sentence such as "the images in both parts should be 'none' and is 'some'."."""
    return "some" if there_are else "none"


def random_state() -> dict[str, str]:
    """The state of the random numbers that the whole program shares."""
    numpy_state: Any = np.random.get_state(legacy=True)
    return {
        "torch's": str(torch.random.get_rng_state().tolist()),
        "Python's": str(random.getstate()),
        "NumPy's": str([str(part) for part in numpy_state[1:3]]),
    }


def changed(before: dict[str, str]) -> str:
    """Whose random numbers are others than before."""
    now = random_state()
    return " and ".join(name for name in now if now[name] != before[name]) or "none"
