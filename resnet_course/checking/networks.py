"""Compare two ways to build a whole network, fast enough for a check: by shapes first, then on the same weights."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from resnet_course.checking.compare import differ, equal
from resnet_course.checking.core import SEED
from resnet_course.inspection.calls import Role, own_shapes, record_calls, roles

_PERIOD = 100_003  # different random numbers in the weights; a prime, so that they do not repeat in step with a layer
NOT_TWICE = "not the same twice: some weights are not among the network's parameters"
Run = tuple[Any, bool] | Exception


@dataclass(frozen=True)
class Case:
    """One run to compare.

    Args:
        num_classes: handed to the factory.
        shape: of the input.
        training: in training mode, else in eval mode.
    """

    num_classes: int
    shape: tuple[int, ...]
    training: bool = False

    def __str__(self) -> str:
        mode = "training" if self.training else "eval"
        return f"with {self.num_classes} classes and input {self.shape}, in {mode} mode, the output"


class SameNetwork:
    """Compares two functions `num_classes -> network`. Names of attributes do not matter.

    Both networks get weights by the role of their layers (shape, and place among the layers of that shape in the order
    of the run), so that the same architecture has the same weights under any names. Runs cost the most: what is known
    of a network is kept, the course's own networks for good, the learner's during one check.
    """

    def __init__(self, reference: Any, cases: Sequence[Case]) -> None:
        self._reference = reference
        self._cases = cases
        self._known: dict[Any, _Behaviour] = {}
        self._learners: _Behaviour | None = None

    def __call__(self, candidate: Any, implementation: Any) -> str | None:
        """None if they behave the same, otherwise the first difference in words."""
        if isinstance(candidate, nn.Module):
            handed_in = "a network was handed in; hand in what makes it, without the brackets."
            return None if isinstance(implementation, nn.Module) else handed_in
        if isinstance(implementation, nn.Module):
            return "this is not a network yet."
        if not callable(candidate):
            return f"something that makes a network is needed, this is {candidate!r}."
        if implementation not in self._known:
            self._known[implementation] = _Behaviour(implementation, self._cases[0])
        return self._compare(self._behaviour(candidate, implementation), self._known[implementation])

    def _behaviour(self, candidate: Any, implementation: Any) -> _Behaviour:
        known = next((known for known in self._known.values() if known.factory is candidate), None)
        if known is not None:
            return known
        # A check starts with the reference; then everything is measured anew, as names that it uses may have changed.
        if implementation is self._reference or self._learners is None or self._learners.factory is not candidate:
            self._learners = _Behaviour(candidate, self._cases[0], learners=True)
        return self._learners

    def _compare(self, mine: _Behaviour, expected: _Behaviour) -> str | None:
        if mine.problem is not None or expected.problem is not None:
            return None if mine.problem == expected.problem else mine.problem or "this one is a network."
        for_a_person = mine is self._learners and expected.factory is self._reference
        if not for_a_person and mine.layers is not None and mine.layers != expected.layers:
            return "the layers differ."
        if mine.shapes != expected.shapes:
            return self._sizes_differ(mine, expected) if for_a_person else "the parameters differ."
        for case in self._cases:
            difference = _runs_differ(mine.run(case), expected.run(case), case)
            if difference is not None:
                return difference
        return None

    def _sizes_differ(self, mine: _Behaviour, expected: _Behaviour) -> str:
        """A wrong shape of the output says more than a count of parameters, so it comes first."""
        first = self._cases[0]
        difference = _runs_differ(mine.run(first), expected.run(first), first)
        if difference is not None and "values" not in difference:
            return difference
        counts = [sum(math.prod(shape) for shape in network.shapes) for network in (mine, expected)]
        if counts[0] == counts[1]:
            return "the number of parameters is right, but they have other shapes than they should."
        return f"there are {counts[0]:,} parameters where {counts[1]:,} are needed."


class _Behaviour:
    """What the networks of one factory are and do.

    Attributes:
        problem: what comes back if it is not a network, in words; else None.
        shapes: of all parameters, sorted.
        layers: of each layer with weights the shapes of weights, input and output, sorted; None if it does not run.
    """

    def __init__(self, factory: Callable[[int], Any], case: Case, learners: bool = False) -> None:
        self.factory = factory
        self._learners = learners
        self.problem: str | None = None
        self.shapes: list[tuple[int, ...]] = []
        self.layers: list[Any] | None = None
        self._runs: dict[Case, Run] = {}
        self._on_meta: dict[int, tuple[nn.Module, dict[str, Role]]] = {}  # by number of classes
        module = _build(factory, case.num_classes)
        if not isinstance(module, nn.Module):
            self.problem = f"an nn.Module should come back, and this is {'None' if module is None else repr(module)}."
            return
        self.shapes = sorted(tuple(parameter.shape) for parameter in module.parameters())
        if next(module.parameters(), torch.zeros(())).is_meta:
            calls, error = record_calls(module.eval(), torch.zeros(case.shape, device="meta"))
            if error is None:
                found = [(own_shapes(call.module), call.came_in.shape, call.came_out.shape) for call in calls]
                self.layers = sorted(shapes for shapes in found if shapes[0])
                self._on_meta[case.num_classes] = module, roles(calls)

    def run(self, case: Case) -> Run:
        """The output and whether gradients flow, or the error that the network raises."""
        if case not in self._runs:
            try:
                output = self._output(case)
                tensor = isinstance(output, Tensor)
                self._runs[case] = (output.detach(), output.requires_grad) if tensor else (output, False)
            except Exception as error:
                error.__context__ = None  # its frames would keep a network in memory
                self._runs[case] = error if self._learners else error.with_traceback(None)
        return self._runs[case]

    def _output(self, case: Case) -> Any:
        """On the same random input and weights for everyone."""
        x = torch.randn(case.shape, generator=torch.Generator().manual_seed(SEED))
        try:
            if case.num_classes not in self._on_meta:
                with torch.device("meta"):
                    module = self.factory(case.num_classes)
                self._on_meta[case.num_classes] = module, _roles(module, x.to("meta"))
            return _run(*self._on_meta[case.num_classes], case.training, x)
        except Exception:  # a real network says the same in the words that a learner will see, or bears the run
            output, again = (self._output_of_real(case, x, seed) for seed in (SEED, SEED + 1))
            if isinstance(output, Tensor) and output.shape == again.shape and not equal(output, again):
                return NOT_TWICE
            return output

    def _output_of_real(self, case: Case, x: Tensor, seed: int) -> Any:
        torch.manual_seed(seed)
        module = self.factory(case.num_classes)
        return _run(module, _roles(module, x), case.training, x)


def _runs_differ(mine: Run, expected: Run, case: Case) -> str | None:
    """The difference in words. Raises the error of mine, unless the other stops in the same way."""
    if isinstance(mine, Exception):
        if type(mine) is type(expected) and str(mine) == str(expected):
            return None
        raise mine
    if isinstance(expected, Exception):
        return f"{case} should not exist."
    difference = differ(mine[0], expected[0], str(case))
    if difference is None and mine[1] != expected[1]:
        return "no gradient reaches the weights: is something detached?"
    return difference


def _build(factory: Callable[[int], Any], num_classes: int) -> Any:
    """On the meta device, where weights have shapes but no numbers; really, if the network does not bear that."""
    try:
        with torch.device("meta"):
            return factory(num_classes)
    except Exception:
        return factory(num_classes)


def _roles(module: nn.Module, x: Tensor) -> dict[str, Role]:
    calls, error = record_calls(module.eval(), x)
    if error is not None:
        raise error
    return roles(calls)


def _run(module: nn.Module, by_layer: dict[str, Role], training: bool, x: Tensor) -> Any:
    weights = _weights(module, by_layer)
    torch.manual_seed(SEED)  # of dropout
    return functional_call(module.train(training), weights, x)


def _weights(module: nn.Module, by_layer: dict[str, Role]) -> dict[str, Tensor]:
    """Parameters and buffers that hide nothing, chosen by the role of their layer."""
    noise = 0.5 + torch.rand(_PERIOD, generator=torch.Generator().manual_seed(SEED))
    signed = noise * torch.randn(_PERIOD, generator=torch.Generator().manual_seed(SEED + 1)).sign()
    found = {}
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        layer, _, kind = name.rpartition(".")
        if not tensor.is_floating_point():
            found[name] = torch.zeros(tensor.shape, dtype=tensor.dtype)
            continue
        start = zlib.crc32(repr((by_layer.get(layer), kind)).encode()) % _PERIOD
        fan = 1 if tensor.dim() < 2 else tensor[0].numel()
        numbers = (noise if fan == 1 else signed / math.sqrt(fan)).roll(start)
        value = numbers.repeat(1 + tensor.numel() // _PERIOD)[: tensor.numel()].view(tensor.shape)
        found[name] = value.requires_grad_(isinstance(tensor, nn.Parameter))
    return found
