"""Lesson 10 · `filter_normalise`: random directions that fit the filters.

Zeros and vectors are looked at by themselves, and of them only what no other mistake changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import count_changed, expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import kind_of, plain
from resnet_course.inspection import filter_normalise

EXAMPLE = ((3.0, 4.0), (0.0, 1.0)), ((10.0, 0.0), (0.0, 2.0))  # that of the lesson


def observe(answer: Any) -> Iterator[Seen]:
    """Layers of several shapes, then a filter of zeros, then a vector."""
    expect_function("filter_normalise", answer)
    torch.manual_seed(SEED)
    pairs = {"the example of the lesson": (torch.tensor(EXAMPLE[0]), torch.tensor(EXAMPLE[1]))}
    for what, shape in (("a linear layer (4, 6)", (4, 6)), ("a convolution (5, 3, 2, 2)", (5, 3, 2, 2))):
        pairs[what] = 0.05 * torch.randn(shape), 3 * torch.randn(shape)
    for what, (direction, weight) in pairs.items():
        yield from _see_call(f"for {what}", answer, direction, weight)
    effects = []
    for place, name in enumerate(("direction", "weight")):
        pair = torch.randn(3, 2, 3, 3), torch.randn(3, 2, 3, 3)
        pair[place][1] = 0
        result = answer(*pair)
        fits = isinstance(result, Tensor) and result.shape == pair[0].shape
        became = _zeros(result[1], pair[1][1]) if fits else kind_of(result)
        yield Seen(f"where a filter of the {name} is all zeros, what becomes of it", became)
        effects.append(Seen(f"where a filter of the {name} is all zeros, the result", result, explains=False))
    yield from _see_call("for a vector (7,)", answer, 0.05 * torch.randn(7), 3 * torch.randn(7))
    yield from effects


def _see_call(what: str, answer: Any, direction: Tensor, weight: Tensor) -> Iterator[Seen]:
    given = [plain(direction).clone(), plain(weight).clone()]
    result = answer(direction, weight)
    yield Seen(f"{what}, the kind of the result", kind_of(result))
    yield Seen(f"{what}, the result", result)
    for name, tensor, before in (("direction", direction, given[0]), ("weight", weight, given[1])):
        yield Seen(f"{what}, whether the call changes the {name}", count_changed([tensor], [before]) > 0)
    yield Seen(f"{what}, whether a tensor of the caller comes back", result is direction or result is weight)


def _zeros(filter_of_result: Tensor, filter_of_weight: Tensor) -> str:
    """What a filter has become, in words that are the same for all numbers."""
    if filter_of_result.isnan().any():
        return "nan"
    if plain(filter_of_result).abs().max() <= 1e-6:
        return "zeros"
    return "the weight" if torch.allclose(plain(filter_of_result), plain(filter_of_weight)) else "other numbers than 0"


ANSWER = """
def filter_normalise(direction, weight):
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    length = direction.flatten(1).norm(dim=1)
    wanted = weight.flatten(1).norm(dim=1)
    factor = wanted / length.clamp_min(1e-12)
    return direction * factor.view(-1, *[1] * (weight.dim() - 1))
"""
# fmt: off
WRONG = [
    Wrong("nothing_comes_back", [
              ("return torch.zeros_like(direction)", "return None"),
              ("return direction * factor.view", "direction * factor.view")],
          ask="What does the function return?",
          explain="Nothing comes back. The scaled direction has to be returned to the caller."),
    Wrong("whole_layer", [
              ("direction.flatten(1).norm(dim=1)", "direction.norm().expand(len(weight))"),
              ("weight.flatten(1).norm(dim=1)", "weight.norm().expand(len(weight))")],
          ask="How many norms does a layer with 5 filters need?",
          explain="A layer needs one norm for each filter. With one norm for the whole layer the direction disturbs "
                  "small filters as much as large ones."),
    Wrong("wrong_axis", """
def filter_normalise(direction, weight):
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    dims = tuple(i for i in range(weight.dim()) if i != 1)
    d = torch.linalg.vector_norm(direction, dim=dims, keepdim=True)
    w = torch.linalg.vector_norm(weight, dim=dims, keepdim=True)
    return direction * w / d.clamp_min(1e-12)
""",
          ask="Which dimension of the weight counts the filters?",
          explain="The first dimension counts the filters: weight[j] makes output channel j. Here the norms were "
                  "taken for each input channel."),
    Wrong("each_kernel", """
def filter_normalise(direction, weight):
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    dims = (2, 3) if weight.dim() == 4 else (1,)
    d = torch.linalg.vector_norm(direction, dim=dims, keepdim=True)
    w = torch.linalg.vector_norm(weight, dim=dims, keepdim=True)
    return direction * w / d.clamp_min(1e-12)
""",
          ask="What belongs to one filter?",
          explain="A filter is all of weight[j], with every input channel. Here the 3×3 pieces for the single input "
                  "channels were normalised each on its own."),
    Wrong("each_pixel", [
              ("direction.flatten(1).norm(dim=1)", "direction.norm(dim=1, keepdim=True)"),
              ("weight.flatten(1).norm(dim=1)", "weight.norm(dim=1, keepdim=True)"),
              ("factor.view(-1, *[1] * (weight.dim() - 1))", "factor")],
          ask="How many norms has a filter of 3×3 pixels, if only dimension 1 is summed up?",
          explain="The norm is taken over dimension 1 alone, the input channels, so each pixel of a filter gets a norm "
                  "of its own. A filter is all of weight[j]: `flatten(1)` makes one row of it."),
    Wrong("norm_over_three", [
              ("direction.flatten(1).norm(dim=1)", "direction.norm(dim=tuple(range(1, direction.dim())))"),
              ("weight.flatten(1).norm(dim=1)", "weight.norm(dim=tuple(range(1, weight.dim())))")],
          ask="Over how many dimensions at once does `norm` of a tensor take a norm?",
          explain="`norm` takes two dimensions for those of a matrix and knows no three. `flatten(1)` makes one row of "
                  "each filter, whose norm has one dimension; `torch.linalg.vector_norm` takes any number of them."),
    Wrong("length_one", [("wanted / length.clamp_min(1e-12)", "1 / length.clamp_min(1e-12)")],
          ask="Which norm should a filter of the result have?",
          explain="A filter of the result should have the norm of the weight's filter. Here each has the norm 1."),
    Wrong("not_divided", [("wanted / length.clamp_min(1e-12)", "wanted")],
          ask="Which norm has a filter of the direction before it is scaled?",
          explain="A random filter has a norm of its own, and it is still in the result. Divide by it, then multiply "
                  "by the weight's."),
    Wrong("upside_down", [("wanted / length.clamp_min(1e-12)", "length / wanted.clamp_min(1e-12)")],
          ask="What is divided by what?",
          explain="The factor is the norm of the weight's filter divided by that of the direction's. Here it is the "
                  "other way round."),
    Wrong("squared", [("norm(dim=1)", "square().sum(dim=1)")],
          ask="Is this the norm or its square?",
          explain="These are sums of squares. The norm is the square root of that sum."),
    Wrong("sum_of_sizes", [("norm(dim=1)", "abs().sum(dim=1)")],
          ask="Which norm is meant?",
          explain="The Euclidean norm is meant, the square root of the sum of squares. These are sums of absolute "
                  "values."),
    Wrong("roles_swapped", [
              ("wanted / length.clamp_min(1e-12)", "length / wanted.clamp_min(1e-12)"),
              ("return direction * factor", "return weight * factor")],
          ask="Which of the two tensors is scaled?",
          explain="The direction is to be scaled. The result here points where the weight points."),
    Wrong("weight_added", [
              ("return direction * factor.view", "return weight + direction * factor.view"),
              ("return torch.zeros_like(direction)", "return weight")],
          ask="Does the result hold the new weights or the way to them?",
          explain="The result should hold the direction only. The weight is added later, once for each step."),
    Wrong("vector_as_it_is", [("torch.zeros_like(direction)", "direction")],
          ask="What happens to tensors with one dimension?",
          explain="Vectors came back as they were. Batch norm's scale and shift and the bias should not move: their "
                  "direction is zero."),
    Wrong("vector_by_entry", [("torch.zeros_like(direction)", "direction.sign() * weight.abs()")],
          ask="Is one number of a bias a filter?",
          explain="A bias has no filters, and here each of its numbers was treated as one. Tensors with one "
                  "dimension get the direction zero."),
    Wrong("vector_as_filter", [
              ("torch.zeros_like(direction)", "direction / direction.norm() * weight.norm()")],
          ask="Is a bias a filter?",
          explain="A bias is no filter, and here it was scaled like one. Tensors with one dimension get the "
                  "direction zero."),
    Wrong("zero_by_zero", [(".clamp_min(1e-12)", "")],
          ask="What is 0 / 0?",
          explain="A filter of zeros in the direction has the norm 0, and 0 / 0 is nan. Keep the divisor above zero, "
                  "with clamp_min for example."),
    Wrong("not_lined_up", [("factor.view(-1, *[1] * (weight.dim() - 1))", "factor")],
          ask="Along which dimension does a tensor of shape (5,) line up with one of shape (5, 3, 3, 3)?",
          explain="A tensor of shape (5,) lines up with the last dimension. Give the factors the shape (5, 1, 1, 1), "
                  "so that there is one for each filter."),
    Wrong("direction_changed", [
              ("return torch.zeros_like(direction)", "direction.zero_()\n        return direction"),
              ("return direction * factor.view", "direction *= factor.view"),
              ("weight.dim() - 1))", "weight.dim() - 1))\n    return direction")],
          ask="Whose tensor is changed?",
          explain="The caller's tensor was changed. Methods that end in _ and signs such as *= work in place; make a "
                  "new tensor."),
    Wrong("vectors_forgotten", [("    if weight.dim() < 2:\n        return torch.zeros_like(direction)\n", "")],
          ask="What does flatten(1), or a norm over dimension 1, do with a tensor of one dimension?",
          explain="Tensors with one dimension have no special case, and there is no dimension 1 in them. Biases and "
                  "batch norm's scale and shift come as well: ask for weight.dim() first, and return zeros."),
    Wrong("only_convolutions", [("weight.dim() < 2", "weight.dim() != 4")],
          ask="What happens to the weight of a linear layer?",
          explain="Everything that is not a convolution gives zeros. A linear layer has two dimensions, and each of "
                  "its rows is a filter; only tensors with one dimension give zeros."),
    Wrong("weight_for_vectors", [("return torch.zeros_like(direction)", "return weight.clone()")],
          ask="What should be the direction of a bias?",
          explain="For vectors the weight comes back. In a step along this direction the bias would double. It "
                  "should not move at all: its direction is zero."),
    Wrong("ones_for_vectors", [("zeros_like(direction)", "ones_like(direction)")],
          ask="By how much does a bias move, if its direction is all ones?",
          explain="For vectors ones come back, so every bias would move by the whole step. Their direction is zero."),
    Wrong("none_for_vectors", [("return torch.zeros_like(direction)", "return None")],
          ask="What comes back for a vector?",
          explain="For vectors None comes back. The caller adds the direction to the weight, so a tensor of zeros of "
                  "the same shape is needed."),
    Wrong("number_for_vectors", [("return torch.zeros_like(direction)", "return torch.zeros(1)")],
          ask="Which shape does the direction of a bias have?",
          explain="For vectors a zero of another shape, or a plain number, comes back. The direction has the shape "
                  "of the weight: torch.zeros_like makes zeros of the same shape."),
    Wrong("all_zero", [("if weight.dim() < 2", "if weight.dim() >= 1")],
          ask="For which tensors does your condition hold?",
          explain="Everything gives zeros, matrices and convolutions too. Only tensors with one dimension do."),
    Wrong("condition_turned_around", [("weight.dim() < 2", "weight.dim() > 1")],
          ask="Which tensors give zeros, those with one dimension or the others?",
          explain="The condition is the wrong way round: layers with filters give zeros, and vectors go on to the "
                  "formula."),
    Wrong("weight_as_a_whole", [("weight.flatten(1).norm(dim=1)", "weight.norm().expand(len(weight))")],
          ask="Of how many filters of the weight is the norm taken at once?",
          explain="Each filter of the direction is divided by its own norm, and multiplied by the norm of the whole "
                  "weight. The norm of the weight's filter in the same place is needed."),
    Wrong("direction_as_a_whole", [("direction.flatten(1).norm(dim=1)", "direction.norm().expand(len(weight))")],
          ask="Of how many filters of the direction is the norm taken at once?",
          explain="The filters of the direction are divided by the norm of the whole direction. Each has a norm of "
                  "its own."),
    Wrong("deviation", [("norm(dim=1)", "std(dim=1)")],
          ask="Is the deviation the norm?",
          explain="The deviation subtracts the mean first. The norm is the root of the sum of squares, with nothing "
                  "subtracted."),
    Wrong("largest_number", [("norm(dim=1)", "abs().amax(dim=1)")],
          ask="Which numbers of a filter decide about its norm?",
          explain="Only the largest number of each filter was taken. The Euclidean norm takes all: the root of the "
                  "sum of squares."),
    Wrong("sum_of_numbers", [("norm(dim=1)", "sum(dim=1)")],
          ask="What is the norm of a filter that holds 3 and -4?",
          explain="The numbers were added up with their signs: 3 and -4 give -1. The norm is the root of the sum of "
                  "squares, 5."),
    Wrong("last_dimension", """
def filter_normalise(direction, weight):
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    length = direction.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return direction * weight.norm(dim=-1, keepdim=True) / length
""",
          ask="What belongs to one filter of a convolution?",
          explain="The norms go over the last dimension only, so each row of a kernel is scaled by itself. A filter "
                  "is all of weight[j]: norms over all dimensions but the first."),
    Wrong("first_dimension", [
              ("return direction * factor.view(-1, *[1] * (weight.dim() - 1))",
               "return direction * weight.norm(dim=0) / direction.norm(dim=0).clamp_min(1e-12)")],
          ask="Over which dimensions is your norm taken?",
          explain="The norms go over the first dimension, which counts the filters: numbers of different filters are "
                  "put together. Each filter is weight[j], so the norms go over all dimensions but the first."),
    Wrong("direction_lost", [("return direction * factor.view", "return torch.ones_like(direction) * factor.view")],
          ask="Where does the direction point in your result?",
          explain="Only the factors, or the norms, come back. Each factor has to be multiplied with its filter of "
                  "the direction."),
    Wrong("sign_lost", [("return direction * factor", "return direction.abs() * factor")],
          ask="Which sign has a negative number of the direction in your result?",
          explain="The signs of the direction are gone. A norm is never negative, so scaling keeps every sign."),
    Wrong("eps_too_large", [("length.clamp_min(1e-12)", "(length + 0.1)")],
          ask="How large is the number that you add to the divisor, compared with the norm of a small filter?",
          explain="The number that guards against 0 / 0 is so large that it changes the result for small filters. "
                  "Take one like 1e-10, or treat zeros apart."),
    Wrong("flat_shape", [
              ("return direction * factor.view(-1, *[1] * (weight.dim() - 1))",
               "return direction.flatten(1) * factor[:, None]")],
          ask="Which shape does the result have?",
          explain="The result has another shape than the direction: the filters are still flat rows. Bring it back "
                  "with view_as(direction)."),
    Wrong("list_comes_back", [
              ("return direction * factor.view(-1, *[1] * (weight.dim() - 1))",
               "return [d * f for d, f in zip(direction, factor)]")],
          ask="What kind of object comes back?",
          explain="A list of filters comes back. torch.stack makes one tensor of them."),
    Wrong("zeros_become_weight", [
              ("return direction", "result = direction"),
              ("- 1))", "- 1))\n    result[length == 0] = weight[length == 0]\n    return result")],
          ask="What becomes of a filter of zeros in the direction?",
          explain="A filter of zeros in the direction does not stay zero. It points nowhere, and no factor changes "
                  "that."),
    Wrong("scaled_weight", [("return direction * factor", "return weight * factor")],
          ask="Which of the two tensors do the factors multiply?",
          explain="The factors are multiplied with the weight, so the result points where the weight points. They "
                  "belong to the filters of the direction."),
    Wrong("first_filter_only", """
def filter_normalise(direction, weight):
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    result = direction.clone()
    for j in range(len(weight)):
        result[j] = direction[j] * weight[j].norm() / direction[j].norm().clamp_min(1e-12)
        return result
""",
          ask="How many filters were scaled?",
          explain="Only the first filter was scaled: the loop ends in its first turn, with a `return` or a `break` "
                  "inside it. The `return` stands after the loop."),
    Wrong("weight_changed", [
              ("    return direction * factor", "    weight *= 0\n    return direction * factor")],
          ask="What do you do to the caller's weight?",
          explain="The weight is changed in place. It belongs to the network: only read it."),
]
# fmt: on

EXERCISE = Exercise(
    "filter_normalise",
    lesson="10",
    defines="filter_normalise",
    reference=filter_normalise,
    observe=observe,
    start="Leave the vectors for last. `tensor.flatten(1)` makes one row of each filter, and `.norm(dim=1)` gives "
    "one number for each row. Do that for both tensors. What do you multiply, and by what do you divide?",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "a loop over the filters": """
def filter_normalise(direction, weight):
    if weight.ndim == 1:
        return direction * 0
    result = []
    for d, w in zip(direction, weight):
        result.append(d * w.norm() / (d.norm() + 1e-10))
    return torch.stack(result)
""",
        "vector_norm, zeros by where": """
def filter_normalise(direction, weight):
    if len(weight.shape) <= 1:
        return torch.zeros(direction.shape)
    dims = tuple(range(1, weight.dim()))
    d = torch.linalg.vector_norm(direction, dim=dims, keepdim=True)
    w = torch.linalg.vector_norm(weight, dim=dims, keepdim=True)
    return torch.where(d > 0, direction / d * w, torch.zeros_like(direction))
""",
        "F.normalize": """
def filter_normalise(direction, weight):
    if weight.dim() == 1:
        return torch.zeros_like(weight)
    unit = F.normalize(direction.flatten(1), dim=1)
    return (unit * weight.flatten(1).norm(dim=1, keepdim=True)).view_as(weight)
""",
        "in two steps, by shapes": """
def filter_normalise(direction, weight):
    shape = weight.shape
    if len(shape) == 1:
        return torch.zeros(shape)
    rows, wanted = direction.reshape(shape[0], -1), weight.reshape(shape[0], -1)
    norms = rows.pow(2).sum(1, keepdim=True).sqrt()
    rows = torch.nan_to_num(rows / norms)
    return (rows * wanted.pow(2).sum(1, keepdim=True).sqrt()).reshape(shape)
""",
        "a copy that is filled": """
def filter_normalise(direction, weight):
    result = direction.clone()
    if direction.dim() <= 1:
        return result.fill_(0)
    for j in range(len(weight)):
        norm = torch.linalg.norm(direction[j])
        if norm > 0:
            result[j] *= torch.linalg.norm(weight[j]) / norm
    return result
""",
        "norms over a tuple of dimensions": """
def filter_normalise(direction, weight):
    if weight.ndim < 2:
        return direction.new_zeros(direction.shape)
    dims = list(range(1, weight.ndim))
    ratio = weight.norm(p=2, dim=dims, keepdim=True) / direction.norm(p=2, dim=dims, keepdim=True).clamp(min=1e-9)
    return torch.mul(direction, ratio)
""",
        "einsum": edited(
            ANSWER,
            (
                "return direction * factor.view(-1, *[1] * (weight.dim() - 1))",
                "return torch.einsum('i...,i->i...', direction, factor)",
            ),
        ),
    },
    unknown={
        "three times as long": edited(
            ANSWER, ("factor = wanted / length.clamp_min(1e-12)", "factor = 3 * wanted / length.clamp_min(1e-12)")
        ),
    },
    again={
        "a loop without an end against zero": (
            "zero_by_zero",
            """
def filter_normalise(direction, weight):
    if weight.ndim == 1:
        return direction * 0
    result = []
    for d, w in zip(direction, weight):
        result.append(d * w.norm() / (d.norm()))
    return torch.stack(result)
""",
        ),
        "all weights as one filter": (
            "whole_layer",
            """
def filter_normalise(direction, weight):
    if weight.dim() == 1:
        return torch.zeros_like(direction)
    return direction / (direction.norm() + 1e-10) * weight.norm()
""",
        ),
    },
)
