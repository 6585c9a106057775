"""Whether two implementations behave the same: values, functions and modules."""

from __future__ import annotations

import copy
import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from resnet_course.checking.core import SEED

# As they are when the course is imported: a notebook may put something else in their place.
_allclose, _equal, _detach, _as_subclass = torch.allclose, torch.equal, Tensor.detach, Tensor.as_subclass
_PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None), *np.sctypeDict.values()})

TOLERANCE = 1e-4  # relative and absolute, for float32
MAX_ASSIGNMENTS = 50  # ways to match layers of equal shape that are tried


def differ(mine: Any, expected: Any, what: str) -> str | None:
    """None if the two values are equal within float tolerance, otherwise the difference in words."""
    if isinstance(expected, Tensor):
        return _tensors_differ(mine, expected, what)
    if isinstance(expected, (list, tuple)) and not isinstance(expected, str):
        if not isinstance(mine, (list, tuple)) or len(mine) != len(expected):
            return f"{what} should be {len(expected)} values, {_shown(expected)}, and is {_shown(mine)}."
        parts = (differ(a, b, f"{what}, entry {i}") for i, (a, b) in enumerate(zip(mine, expected, strict=True)))
        return next((part for part in parts if part is not None), None)
    if isinstance(mine, Tensor) and mine.numel() == 1:
        mine = plain(mine).item()
    if isinstance(expected, float) and isinstance(mine, (int, float)):
        same = math.isclose(mine, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE) or (
            mine != mine and expected != expected
        )
        return None if same else f"{what} should be {expected:.6g} and is {mine:.6g}."
    # An object with an `__eq__` of its own could claim to be equal to anything.
    same = (type(mine) is type(expected) or type(mine) in _PLAIN) and mine == expected
    return None if same else f"{what} should be {_shown(expected)} and is {_shown(mine)}."


def _tensors_differ(mine: Any, expected: Tensor, what: str) -> str | None:
    if not isinstance(mine, Tensor):
        return f"{what} should be a tensor and is {_shown(mine)}."
    mine, expected = plain(mine), plain(expected)
    if mine.shape != expected.shape:
        return f"{what} should have shape {tuple(expected.shape)} and has {tuple(mine.shape)}."
    if close(mine, expected):
        return None
    largest = (mine - expected).abs().max().item()
    return f"{what} has the right shape, but its values differ by up to {largest:.3g}."


def plain(tensor: Tensor) -> Tensor:
    """The numbers of a tensor and nothing else: on the CPU, in float64, no gradient, no subclass with its own rules."""
    with torch._C.DisableTorchFunctionSubclass():
        return _as_subclass(_detach(tensor), Tensor).cpu().double()


def close(mine: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether two tensors of the same shape hold the same numbers within a tolerance, relative and absolute."""
    return _allclose(plain(mine), plain(expected), tolerance, tolerance, equal_nan=True)


def equal(mine: Tensor, expected: Tensor) -> bool:
    """Whether two tensors have the same shape and exactly the same numbers."""
    return _equal(plain(mine), plain(expected))


def _shown(value: Any) -> str:
    text = "None (is a return missing?)" if value is None else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def same_function(cases: Sequence[tuple[Any, ...]]) -> Callable[[Any, Any], str | None]:
    """Compare two functions on argument tuples."""

    def compare(candidate: Any, implementation: Any) -> str | None:
        for arguments in cases:
            mine, expected = candidate(*_copied(arguments)), implementation(*_copied(arguments))
            shown = ", ".join(_shown(argument) for argument in arguments if not isinstance(argument, Tensor))
            difference = differ(mine, expected, f"the result for ({shown})" if shown else "the result")
            if difference is not None:
                return difference
        return None

    return compare


def default_of(function: Any, place: int) -> Any:
    """The default value of the argument at this place, counted from 0, or "missing"."""
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) <= place or parameters[place].default is inspect.Parameter.empty:
        return "missing"
    return parameters[place].default


def seeded(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call with a fixed seed, so that two implementations draw the same random numbers."""
    torch.manual_seed(SEED)
    return function(*arguments)


def _copied(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Fresh arguments for every call, so that an answer that changes a list in place spoils no other call."""
    return tuple(
        argument.clone() if isinstance(argument, Tensor) else copy.deepcopy(argument) for argument in arguments
    )


def same_module(cases: Sequence[tuple[tuple[Any, ...], tuple[int, ...]]]) -> Callable[[Any, Any], str | None]:
    """Compare two module factories: for each case, constructor arguments and input shape.

    Both get the same weights; then outputs, gradients and batch-norm statistics must agree in training mode, and
    outputs in eval mode. Layers are matched by name, else by order, else in every way their shapes allow, so that
    other attribute names do not matter.
    """

    def compare(candidate: Any, implementation: Any) -> str | None:
        for arguments, shape in cases:
            mine, expected = candidate(*arguments), implementation(*arguments)
            if not isinstance(expected, nn.Module) and type(mine) is type(expected):
                continue  # a known mistake that builds no module, such as a missing return
            x = torch.randn(shape)
            try:
                difference = compare_modules(mine, expected, x)
            except Exception:
                stopped = _error_of(expected, x)
                if stopped is None:
                    raise
                if stopped == _error_of(mine, x) and sorted(_shapes(mine)) == sorted(_shapes(expected)):
                    continue  # a known mistake that stops in the same way; another case may tell the two apart
                difference = "it stops where it should not, or in another way."
            if difference is not None:
                shown = ", ".join(_shown(argument) for argument in arguments)
                return f"with arguments ({shown}) and input {shape}: {difference}"
        return None

    return compare


def _error_of(module: nn.Module, x: Tensor) -> tuple[type[Exception], str] | None:
    """The error with which the module stops on this input, if it does."""
    try:
        module(x.clone())
    except Exception as error:
        return type(error), str(error)
    return None


def compare_modules(mine: Any, expected: nn.Module, x: Tensor) -> str | None:
    """Compare two modules on one input, after giving both the same random weights."""
    if not isinstance(mine, nn.Module):
        return f"an nn.Module is needed, this is {_shown(mine)}."
    if sorted(_shapes(mine)) != sorted(_shapes(expected)):
        return _parameters_differ(mine, expected, x)
    randomise(expected)
    first = None
    for assignment in _assignments(mine, expected):
        _load(assignment)
        difference = _behaviour_differs(mine, expected, x)
        if difference is None:
            return None
        first = first or difference
    return first


def _parameters_differ(mine: nn.Module, expected: nn.Module, x: Tensor) -> str:
    """Shapes of outputs say more than counts of parameters, so they come first."""
    output = mine(x.clone())
    difference = differ(output, expected(x.clone()), "the output")
    if difference is not None and "values" not in difference:
        return difference
    counts = [sum(parameter.numel() for parameter in module.parameters()) for module in (mine, expected)]
    if counts[0] == counts[1]:
        return "the parameters have other shapes than they should."
    return f"there are {counts[0]:,} parameters where {counts[1]:,} are needed."


def _shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in module.parameters()]


def _buffer_shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return sorted(tuple(buffer.shape) for buffer in module.buffers() if buffer.is_floating_point())


def randomise(module: nn.Module) -> None:
    """Weights, shifts, scales and statistics that hide nothing: no zero, no one, no identity."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for tensor in itertools.chain(module.parameters(), module.buffers()):
            if tensor.is_floating_point():
                fan = max(1, tensor[0].numel() if tensor.dim() > 1 else 1)
                tensor.copy_((0.5 + torch.rand(tensor.shape, generator=generator)) / math.sqrt(fan))
                if tensor.dim() > 1:
                    tensor.mul_(torch.randn(tensor.shape, generator=generator).sign())


Unit = dict[str, Tensor]


def _units(module: nn.Module) -> list[Unit]:
    """Tensors that belong together: the parameters and buffers of one layer."""
    found = []
    for part in module.modules():
        tensors = {**dict(part.named_parameters(recurse=False)), **dict(part.named_buffers(recurse=False))}
        tensors.pop("num_batches_tracked", None)
        if tensors:
            found.append(tensors)
    return found


def _assignments(mine: nn.Module, expected: nn.Module) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Ways to pair my tensors with the expected ones, the likeliest first."""
    own, theirs = mine.state_dict(), expected.state_dict()
    if own.keys() == theirs.keys() and all(own[name].shape == theirs[name].shape for name in own):
        yield [(own[name], theirs[name]) for name in own]
    my_groups, their_groups = _grouped(_units(mine)), _grouped(_units(expected))
    common = {key for key, group in my_groups.items() if len(group) == len(their_groups.get(key, ()))}
    my_groups, their_groups = _taken_apart(my_groups, common), _taken_apart(their_groups, common)
    orders = [itertools.permutations(range(len(group))) for group in my_groups.values()]
    same_statistics = _buffer_shapes(mine) == _buffer_shapes(expected)  # if not, no pairing makes them behave alike
    for order in itertools.islice(itertools.product(*orders), MAX_ASSIGNMENTS if same_statistics else 1):
        pairs = []
        for (key, group), places in zip(my_groups.items(), order, strict=True):
            for unit, place in zip(group, places, strict=True):
                pairs += [(unit[name], their_groups[key][place][name]) for name in unit]
        yield pairs


def _grouped(units: list[Unit]) -> dict[Any, list[Unit]]:
    groups: dict[Any, list[Unit]] = {}
    for unit in units:
        key = tuple(sorted((name, tuple(tensor.shape)) for name, tensor in unit.items()))
        groups.setdefault(key, []).append(unit)
    return groups


def _taken_apart(groups: dict[Any, list[Unit]], keep: set[Any]) -> dict[Any, list[Unit]]:
    """Layers cut in another way, such as parameters without modules: what has no counterpart is matched one by one."""
    whole = [unit for key, units in groups.items() if key in keep for unit in units]
    rest = [tensor for key, units in groups.items() if key not in keep for unit in units for tensor in unit.values()]
    return _grouped(whole + [{"": tensor} for tensor in rest if isinstance(tensor, nn.Parameter)])


def _load(pairs: list[tuple[Tensor, Tensor]]) -> None:
    with torch.no_grad():
        for mine, theirs in pairs:
            mine.copy_(theirs)


def _behaviour_differs(mine: nn.Module, expected: nn.Module, x: Tensor) -> str | None:
    kept = {name: buffer.clone() for name, buffer in expected.named_buffers()}
    mine.eval(), expected.eval()
    difference = _run(mine, expected, x, "in eval mode, the output")
    if difference is None:
        mine.train(), expected.train()
        difference = _run(mine, expected, x, "in training mode, the output")
    if difference is None:
        # The statistics that the step before has left show here.
        mine.eval(), expected.eval()
        difference = _run(mine, expected, x, "in eval mode after a training step, the output")
    for name, buffer in expected.named_buffers():
        buffer.copy_(kept[name])
    return difference


def _run(mine: nn.Module, expected: nn.Module, x: Tensor, what: str) -> str | None:
    """Outputs, the input left alone, and the gradient that reaches it."""
    inputs = [x.clone().requires_grad_(), x.clone().requires_grad_()]
    handed = [tensor * 1 for tensor in inputs]  # not a leaf, so that a change in place is seen and not refused
    outputs = [module(tensor) for module, tensor in zip((mine, expected), handed, strict=True)]
    difference = differ(outputs[0], outputs[1], what)
    if difference is not None:
        return difference
    changed = [not equal(tensor, x) for tensor in handed]
    if changed[0] != changed[1]:
        return "the input was changed in place; the caller may still need it."
    if changed[1] or not isinstance(outputs[1], Tensor):
        return None  # a known mistake, and the same one: there is no gradient to compare
    if outputs[0].requires_grad != outputs[1].requires_grad:
        return "no gradient flows: is something detached?"
    if not outputs[1].requires_grad:
        return None
    weights = torch.randn(outputs[1].shape, generator=torch.Generator().manual_seed(SEED))
    gradients = []
    for output, tensor in zip(outputs, inputs, strict=True):
        (gradient,) = torch.autograd.grad((output * weights).sum(), tensor, allow_unused=True)
        gradients.append(torch.zeros_like(x) if gradient is None else gradient)
    return differ(gradients[0], gradients[1], "the gradient that reaches the input")


Properties = list[tuple[str, bool]]
"""Sentences that a right answer makes true, each with whether it is."""


def properties_differ(mine: Properties, expected: Properties) -> str | None:
    """None if both lists agree; otherwise the sentences that do not hold."""
    if mine == expected:
        return None
    broken = [text for text, holds in mine if not holds]
    return f"this does not hold: {'; '.join(broken)}." if broken else "all properties hold."
