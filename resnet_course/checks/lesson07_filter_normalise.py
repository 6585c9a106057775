"""Lesson 07, `filter_normalise`: random directions that fit the filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from resnet_course.checking.compare import differ, equal
from resnet_course.checking.core import Exercise, Mistake
from resnet_course.inspection import filter_normalise

TINY = 1e-12


def _lengths(tensor: Tensor) -> Tensor:
    """(filters,)"""
    return tensor.flatten(1).norm(dim=1)


def _by_filter(factor: Tensor, tensor: Tensor) -> Tensor:
    return factor.view(-1, *[1] * (tensor.dim() - 1))


def _scaled_by(factor: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Wrong factors for a filter; vectors give zeros, as they should."""

    def wrong(direction: Tensor, weight: Tensor) -> Tensor:
        if weight.dim() < 2:
            return torch.zeros_like(direction)
        return direction * _by_filter(factor(direction, weight), weight)

    return wrong


def _over(dims: Callable[[int], tuple[int, ...]]) -> Callable[[Tensor, Tensor], Tensor]:
    """Norms over other dimensions than those of a filter."""

    def wrong(direction: Tensor, weight: Tensor) -> Tensor:
        if weight.dim() < 2:
            return torch.zeros_like(direction)
        length, wanted = (
            torch.linalg.vector_norm(tensor, dim=dims(tensor.dim()), keepdim=True) for tensor in (direction, weight)
        )
        return direction * wanted / length.clamp_min(TINY)

    return wrong


def _vectors_get(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def wrong(direction: Tensor, weight: Tensor) -> Tensor:
        return function(direction, weight) if weight.dim() < 2 else filter_normalise(direction, weight)

    return wrong


def _not_lined_up(direction: Tensor, weight: Tensor) -> Tensor:
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    return direction * (_lengths(weight) / _lengths(direction).clamp_min(TINY))


def _in_place(direction: Tensor, weight: Tensor) -> Tensor:
    return direction.copy_(filter_normalise(direction, weight))


def _cases() -> dict[str, tuple[Tensor, Tensor]]:
    """What is normalised: (direction, weight). Small and large numbers, and filters that are zero."""
    shapes = {"convolution": (5, 3, 2, 2), "linear layer": (4, 6), "vector": (7,)}
    cases = {
        name: (0.05 * torch.randn(shape, dtype=torch.float32), 3 * torch.randn(shape, dtype=torch.float32))
        for name, shape in shapes.items()
    }
    for place, name in enumerate(("filter of zeros in the direction", "filter of zeros in the weight")):
        pair = torch.randn(3, 2, 3, 3, dtype=torch.float32), torch.randn(3, 2, 3, 3, dtype=torch.float32)
        pair[place][1] = 0
        cases[name] = pair
    return cases


def _compare(candidate: Any, implementation: Any) -> str | None:
    for name, pair in _cases().items():
        mine, expected = (_call(function, pair) for function in (candidate, implementation))
        if isinstance(mine, Exception):
            if type(mine) is type(expected) and str(mine) == str(expected):
                continue  # a known mistake that stops in the same way; another case may tell the two apart
            raise mine
        if isinstance(expected, Exception):
            return f"for a {name} it should stop."
        difference = differ(mine[0], expected[0], f"for a {name}, the result")
        if difference is not None:
            return difference
        if mine[1] != expected[1]:
            return f"for a {name}, one of the two tensors that were handed in was changed."
    return None


def _call(function: Any, pair: tuple[Tensor, Tensor]) -> Any:
    """The result, and whether the arguments are as they were; or the error."""
    copies = [tensor.clone() for tensor in pair]
    try:
        result = function(*copies)
    except Exception as error:
        return error
    result = result.detach().clone() if isinstance(result, Tensor) else result
    return result, all(equal(mine, theirs) for mine, theirs in zip(copies, pair, strict=True))


FILTER_NORMALISE = Exercise(
    "filter_normalise",
    "07",
    filter_normalise,
    _compare,
    (
        Mistake(
            "nothing_comes_back",
            lambda direction, weight: None,
            "What does the function return? Nothing comes back. The scaled direction has to be returned to the caller.",
        ),
        Mistake(
            "whole_layer",
            _over(lambda dims: tuple(range(dims))),
            "How many norms does a layer with 5 filters need? A layer needs one norm for each filter. With one norm"
            " for the whole layer the direction disturbs small filters as much as large ones.",
        ),
        Mistake(
            "wrong_axis",
            _over(lambda dims: (0, *range(2, dims))),
            "Which dimension of the weight counts the filters? The first dimension counts the filters: weight[j] "
            "makes output channel j. Here the norms were taken for each input channel.",
        ),
        Mistake(
            "each_kernel",
            _over(lambda dims: tuple(range(2, dims)) or (1,)),
            "What belongs to one filter? A filter is all of weight[j], with every input channel. Here the 3×3 "
            "pieces for the single input channels were normalised each on its own.",
        ),
        Mistake(
            "length_one",
            _scaled_by(lambda direction, weight: 1 / _lengths(direction).clamp_min(TINY)),
            "Which norm should a filter of the result have? A filter of the result should have the norm of the "
            "weight's filter. Here each has the norm 1.",
        ),
        Mistake(
            "not_divided",
            _scaled_by(lambda direction, weight: _lengths(weight)),
            "Which norm has a filter of the direction before it is scaled? A random filter has a norm of its own, "
            "and it is still in the result. Divide by it, then multiply by the weight's.",
        ),
        Mistake(
            "upside_down",
            _scaled_by(lambda direction, weight: _lengths(direction) / _lengths(weight).clamp_min(TINY)),
            "What is divided by what? The factor is the norm of the weight's filter divided by that of the "
            "direction's. Here it is the other way round.",
        ),
        Mistake(
            "squared",
            _scaled_by(lambda d, w: w.flatten(1).square().sum(1) / d.flatten(1).square().sum(1).clamp_min(TINY)),
            "Is this the norm or its square? These are sums of squares. The norm is the square root of that sum.",
        ),
        Mistake(
            "sum_of_sizes",
            _scaled_by(lambda d, w: w.flatten(1).abs().sum(1) / d.flatten(1).abs().sum(1).clamp_min(TINY)),
            "Which norm is meant? The Euclidean norm is meant, the square root of the sum of squares. These are "
            "sums of absolute values.",
        ),
        Mistake(
            "roles_swapped",
            lambda direction, weight: filter_normalise(weight, direction),
            "Which of the two tensors is scaled? The direction is to be scaled. The result here points where the "
            "weight points.",
        ),
        Mistake(
            "weight_added",
            lambda direction, weight: weight + filter_normalise(direction, weight),
            "Does the result hold the new weights or the way to them? The result should hold the direction only. "
            "The weight is added later, once for each step.",
        ),
        Mistake(
            "vector_as_it_is",
            _vectors_get(lambda direction, weight: direction.clone()),
            "What happens to tensors with one dimension? Vectors came back as they were. Batch norm's scale and "
            "shift and the bias should not move: their direction is zero.",
        ),
        Mistake(
            "vector_by_entry",
            _vectors_get(lambda direction, weight: direction / direction.abs() * weight.abs()),
            "Is one number of a bias a filter? A bias has no filters, and here each of its numbers was treated as "
            "one. Tensors with one dimension get the direction zero.",
        ),
        Mistake(
            "vector_as_filter",
            _vectors_get(lambda direction, weight: direction * weight.norm() / direction.norm()),
            "Is a bias a filter? A bias is no filter, and here it was scaled like one. Tensors with one dimension "
            "get the direction zero.",
        ),
        Mistake(
            "zero_by_zero",
            _scaled_by(lambda direction, weight: _lengths(weight) / _lengths(direction)),
            "What is 0 / 0? A filter of zeros in the direction has the norm 0, and 0 / 0 is nan. Keep the divisor "
            "above zero, with clamp_min for example.",
        ),
        Mistake(
            "not_lined_up",
            _not_lined_up,
            "Along which dimension does a tensor of shape (5,) line up with one of shape (5, 3, 3, 3)? A tensor of "
            "shape (5,) lines up with the last dimension. Give the factors the shape (5, 1, 1, 1), so that there is"
            " one for each filter.",
        ),
        Mistake(
            "direction_changed",
            _in_place,
            "Whose tensor is changed? The caller's tensor was changed. Methods that end in _ and signs such as *= "
            "work in place; make a new tensor.",
        ),
    ),
)
