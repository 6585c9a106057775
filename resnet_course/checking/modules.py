"""What is seen of a module: the graph of its run, then outputs, gradients and statistics on weights that hide nothing.

Weights are given by role: what an operation uses them for, their shape, and their number among those of the same kind
in the order of the run. So one architecture has the same weights under any names, and what two modules give can be
compared without knowing which of their layers belong together.
"""

from __future__ import annotations

import inspect
import math
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.graph import Graph, Step, record
from resnet_course.checking.seen import Observe, Seen
from resnet_course.checking.values import kind_of, plain, shown

SEED = 20151210  # of every random number in a check
_PERIOD = 100_003  # different random numbers in the weights; a prime, so that they do not repeat in step with a layer
Case = tuple[tuple[Any, ...], tuple[int, ...]]


class WrongKindError(TypeError):
    """Something else was handed in than the exercise asks for."""


def observe_class(name: str, cases: Sequence[Case]) -> Observe:
    """Look at a class of blocks, as `ResNet` uses it.

    Args:
        name: of the class, for the sentences.
        cases: arguments of the constructor, and the shape of the input.
    """

    def observe(answer: Any) -> Iterator[Seen]:
        if isinstance(answer, nn.Module) or not callable(answer):
            raise WrongKindError(f"the class {name} itself is needed, without brackets, and this is {shown(answer)}")
        blocks = [(_call(name, arguments), answer(*arguments), shape) for arguments, shape in cases]
        yield from see_modules(blocks)
        parameters = list(inspect.signature(answer).parameters.values())
        default = parameters[2].default if len(parameters) > 2 else inspect.Parameter.empty
        missing = default is inspect.Parameter.empty
        yield Seen("the default of the third argument, stride,", "missing" if missing else default)
        yield Seen(f"{name}.expansion", getattr(answer, "expansion", "missing"))

    return observe


def observe_factory(name: str, cases: Sequence[Case]) -> Observe:
    """Look at a function that makes a module; `cases` as in `observe_class`."""

    def observe(answer: Any) -> Iterator[Seen]:
        if not callable(answer) or isinstance(answer, nn.Module):
            raise WrongKindError(f"the function {name} itself is needed, and this is {shown(answer)}")
        yield from see_modules([(_call(name, arguments), answer(*arguments), shape) for arguments, shape in cases])

    return observe


def see_modules(modules: Sequence[tuple[str, Any, tuple[int, ...]]]) -> Iterator[Seen]:
    """Look at modules: all graphs first, which explain, then what each one gives, which judges.

    Args:
        modules: for each its name in a sentence, itself, and the shape of its input.
    """
    graphs = []
    for name, module, _ in modules:
        yield Seen(f"the kind of {name}", kind_of(module))
        if not isinstance(module, nn.Module):
            raise WrongKindError(f"{name} should be an nn.Module and is {shown(module)}")
        count = sum(parameter.numel() for parameter in module.parameters())
        yield Seen(f"{name}, the number of parameters,", count, explains=False)
    for name, module, shape in modules:
        graphs.append(record(module, torch.randn(shape, generator=torch.Generator().manual_seed(SEED))))
        yield Seen(f"{name} for input {shape}", graphs[-1], judges=False)
    for (name, module, shape), graph in zip(modules, graphs, strict=True):
        if graph.error is not None:
            raise graph.error
        give_weights(module, graph)
        yield from _see_runs(f"{name} for input {shape}", module, shape)


def _call(name: str, arguments: tuple[Any, ...]) -> str:
    return f"{name}({', '.join(map(shown, arguments))})"


# --- Weights by role --------------------------------------------------------------------------------------------------


def give_weights(module: nn.Module, graph: Graph) -> None:
    """Parameters and running statistics that hide nothing: no zero, no one, no identity."""
    noise = 0.5 + torch.rand(_PERIOD, generator=torch.Generator().manual_seed(SEED))
    signed = noise * torch.randn(_PERIOD, generator=torch.Generator().manual_seed(SEED + 1)).sign()
    found = roles(graph)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if not tensor.is_floating_point():
                tensor.zero_()
                continue
            start = zlib.crc32(repr(found.get(id(tensor), tuple(tensor.shape))).encode()) % _PERIOD
            fan = tensor[0].numel() if tensor.dim() > 1 else 1
            numbers = (noise if fan == 1 else signed / math.sqrt(fan)).roll(start)
            tensor.copy_(numbers.repeat(1 + tensor.numel() // _PERIOD)[: tensor.numel()].view(tensor.shape))


def roles(graph: Graph) -> dict[int, tuple[Any, ...]]:
    """What each parameter and buffer is used for, by its id.

    The role also has the shape of the weights of the layer before, and whether the input comes in one or two layers
    before, so that main path and shortcut may run in any order.
    """
    found: dict[int, tuple[Any, ...]] = {}
    counts: Counter[Any] = Counter()
    for step in graph.steps:
        new = {part: tensor for part, tensor in step.weights.items() if id(tensor) not in found}
        if not new:
            continue
        before = _layer_before(step)
        places = before.kind, _layer_before(before).kind if before.inputs else ""
        kind = (step.kind, _weight_shape(step), _weight_shape(before), *(place == "input" for place in places))
        for part, tensor in new.items():
            found[id(tensor)] = (*kind, counts[kind], part, tuple(tensor.shape))
        counts[kind] += 1
    return found


def _layer_before(step: Step) -> Step:
    """The layer with weights, the sum, or the input, whose result reaches this step."""
    step = step.inputs[0]
    while not step.weights and len(step.inputs) == 1:
        step = step.inputs[0]
    return step


def _weight_shape(step: Step) -> tuple[int, ...]:
    return tuple(step.weights["weight"].shape) if "weight" in step.weights else ()


# --- What it gives ----------------------------------------------------------------------------------------------------


def _see_runs(name: str, module: nn.Module, shape: tuple[int, ...]) -> Iterator[Seen]:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(SEED))
    for mode, train in (("eval", False), ("training", True)):
        torch.manual_seed(SEED)  # of dropout
        leaf = x.clone().requires_grad_()
        handed = leaf * 1  # not a leaf, so that a change in place is seen and not refused
        output = module.train(train)(handed)
        yield Seen(f"{name}, in {mode} mode, the output", output, explains=False)
        yield Seen(f"{name}, in {mode} mode, the largest change of the input x", (handed - x).abs().max().item())
        if isinstance(output, Tensor):
            yield from _see_gradients(f"{name}, in {mode} mode", module, leaf, output)
    yield Seen(f"{name}, after a training step, the stored statistics", _statistics(module), explains=False)


def _see_gradients(name: str, module: nn.Module, leaf: Tensor, output: Tensor) -> Iterator[Seen]:
    yield Seen(f"{name}: the output asks for gradients", output.requires_grad)
    if not output.requires_grad:
        return
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(SEED))
    wanted = [leaf, *(parameter for parameter in module.parameters() if parameter.requires_grad)]
    at_x, *others = torch.autograd.grad((output * weights).sum(), wanted, allow_unused=True)
    at_x = torch.zeros_like(leaf) if at_x is None else at_x
    yield Seen(f"{name}, the gradient that reaches the input", at_x, explains=False)
    yield Seen(f"{name}, the number of parameters without a gradient", sum(found is None for found in others))


def _statistics(module: nn.Module) -> list[float]:
    """One number for each buffer, sorted, so that names and order do not matter."""
    return sorted(plain(buffer).square().sum().item() for buffer in module.buffers() if buffer.is_floating_point())
