"""What a hidden test does to an object, as plain data, and what was seen, as plain arrays.

A probe is sent into the sandbox, where it is put to the learner's objects; the same probe is put to the solution and to
the known wrong answers in the trusted process. `observe` is the one function that both sides use, so a difference
between two observations is a difference between two answers.

A probe is a list of steps. A step is one of:

- `call(target, *args, out=LABEL, **kwargs)`: call an object by its name and keep the result under a label. The name is
  one of the learner's, a label of an earlier step, or starts with "torch."; attributes may follow: "stopper.best".
- `read(target, out=LABEL)`: the same without calling.
- `load(target, prefix)`: copy the arrays whose names start with the prefix into a module, by parameter name.
- `backward(target, gradient, inputs, module)`: gradients of inputs (names of arrays) and of a module's parameters.
- `parameters(target)`: names and shapes, sorted by name; `buffers(target)`: running statistics and the like.

Arguments are JSON values, and references made by `array`, `ref`, `weights_of`, `several`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

Step = dict[str, Any]
Observation = dict[str, np.ndarray]

MOST_VALUES = 4_000_000  # of one array; a result beyond that is described by its shape alone
MOST_DEPTH = 5  # of lists in lists in a result


@dataclass(frozen=True)
class Probe:
    """One question to an answer.

    Args:
        steps: what is done, in order; made by the functions below.
        arrays: inputs and weights by name.
        seed: of all generators before the first step, in [0, 2**32).
    """

    steps: list[Step]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    seed: int = 0


def array(name: str, grad: bool = False) -> Step:
    """An argument: the tensor of an array of the probe, with `grad` one that collects its gradient."""
    return {"array": name, "grad": grad}


def ref(name: str) -> Step:
    """An argument: an object by its name, as in `call`."""
    return {"ref": name}


def weights_of(name: str) -> Step:
    """An argument: the list of a module's parameters, as an optimizer takes it."""
    return {"weights": name}


def several(*items: Any, kind: str = "list") -> Step:
    """An argument: a list (or "tuple") of arguments, for example the batches of a loader."""
    return {kind: list(items)}


def call(target: str, *args: Any, out: str | None = None, **kwargs: Any) -> Step:
    """A step, see above."""
    return {"do": "call", "target": target, "args": list(args), "kwargs": kwargs, "out": out}


def read(target: str, out: str) -> Step:
    """A step, see above."""
    return {"do": "read", "target": target, "out": out}


def load(target: str, prefix: str) -> Step:
    """A step, see above."""
    return {"do": "load", "target": target, "prefix": prefix}


def backward(target: str, gradient: str, inputs: list[str], module: str | None = None) -> Step:
    """A step, see above."""
    return {"do": "backward", "target": target, "gradient": gradient, "inputs": inputs, "module": module}


def parameters(target: str) -> Step:
    """A step, see above."""
    return {"do": "parameters", "target": target}


def buffers(target: str) -> Step:
    """A step, see above."""
    return {"do": "buffers", "target": target}


def examine(module: str, prefix: str = "w.") -> list[Step]:
    """Steps that look at all that a module does to the array "x", in float64, with the weights of a prefix.

    Seen are parameters, results in eval and in training mode, a change of the input in place, the gradients that the
    array "gradient" at the result gives, and the buffers afterwards.
    """
    return [
        parameters(module),
        call(f"{module}.double"),
        load(module, prefix),
        call(f"{module}.eval"),
        call("torch.clone", array("x"), out="x before"),
        call(module, ref("x before"), out="result in eval mode"),
        call("torch.clone", ref("x before"), out="x afterwards"),
        call(f"{module}.train"),
        call(module, array("x", grad=True), out="result"),
        backward("result", "gradient", ["x"], module),
        buffers(module),
    ]


def observe(objects: Mapping[str, Any], probe: Probe) -> Observation:
    """Put a probe to named objects.

    Returns:
        Arrays of numbers or short texts by label. What a step raised stands under "error" (the kind of error) and
        "error/step" (the step's index), and ends the probe. Never raises an Exception.
    """
    random.seed(probe.seed)
    np.random.seed(probe.seed)
    torch.manual_seed(probe.seed)
    seen: Observation = {}
    bench = _Bench(objects, probe.arrays)
    for index, step in enumerate(probe.steps):
        try:
            seen.update(bench.perform(step))
        except Exception as error:
            return {**seen, "error": np.array(type(error).__name__[:100]), "error/step": np.array(index)}
    return seen


class _Bench:
    """The objects of one probe: the answer's own, and what the steps have made so far."""

    def __init__(self, objects: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.objects, self.arrays = objects, arrays
        self.made: dict[str, Any] = {}
        self.tensors: dict[str, torch.Tensor] = {}

    def perform(self, step: Step) -> Observation:
        """One step; returns what is to be seen of it."""
        target = step["target"]
        if step["do"] in ("call", "read"):
            found = self.find(target)
            if step["do"] == "call":
                arguments = [self.argument(value) for value in step["args"]]
                found = found(*arguments, **{name: self.argument(value) for name, value in step["kwargs"].items()})
            if step["out"] is None:
                return {}
            self.made[step["out"]] = found
            return _as_arrays(step["out"], found)
        if step["do"] == "load":
            return self.load(target, step["prefix"])
        if step["do"] == "backward":
            return self.backward(step)
        named = self.find(target).named_parameters if step["do"] == "parameters" else self.find(target).named_buffers
        if step["do"] == "buffers":
            return {f"{target}/{name}": _numbers(value) for name, value in named()}
        shapes = {name: str(tuple(value.shape)) for name, value in sorted(named(), key=lambda pair: pair[0])}
        return {
            f"{target}/names": np.array(list(shapes), dtype=str),
            f"{target}/shapes": np.array(list(shapes.values()), dtype=str),
        }

    def find(self, path: str) -> Any:
        """An object by its dotted name."""
        first, *attributes = path.split(".")
        if first == "torch":
            found: Any = torch
        elif first in self.made:
            found = self.made[first]
        elif first in self.objects:
            found = self.objects[first]
        else:
            raise NameError(f"{first} is not defined")
        for attribute in attributes:
            found = getattr(found, attribute)
        return found

    def argument(self, value: Any) -> Any:
        """The object that an argument of a step stands for."""
        if not isinstance(value, dict):
            return value
        (kind, content), *_ = value.items()
        if kind == "array":
            tensor = torch.from_numpy(np.array(self.arrays[content]))
            self.tensors[content] = tensor.requires_grad_() if value.get("grad") else tensor
            return self.tensors[content]
        if kind == "ref":
            return self.find(content)
        if kind == "weights":
            return list(self.find(content).parameters())
        items = [self.argument(item) for item in content]
        return tuple(items) if kind == "tuple" else items

    def load(self, target: str, prefix: str) -> Observation:
        """Weights by name; names that do not fit are part of what is seen."""
        state = {
            name[len(prefix) :]: torch.from_numpy(np.array(value))
            for name, value in self.arrays.items()
            if name.startswith(prefix)
        }
        missing, unexpected = self.find(target).load_state_dict(state, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        return {
            f"{target}/missing": np.array(sorted(missing), dtype=str),
            f"{target}/unexpected": np.array(sorted(unexpected), dtype=str),
        }

    def backward(self, step: Step) -> Observation:
        """Gradients of inputs, and of a module's parameters by name; a gradient that is None is seen as empty."""
        gradient = torch.from_numpy(np.array(self.arrays[step["gradient"]]))
        output = self.find(step["target"])
        if output.shape != gradient.shape:
            raise RuntimeError("a gradient of another shape")
        (output * gradient).sum().backward()  # the same as backward(gradient), without the half second of its imports
        seen = {f"gradient/{name}": _numbers(self.tensors[name].grad) for name in step["inputs"]}
        if step["module"] is not None:
            for name, parameter in self.find(step["module"]).named_parameters():
                seen[f"gradient/{step['module']}.{name}"] = _numbers(parameter.grad)
        return seen


def _as_arrays(label: str, value: Any, depth: int = 0) -> Observation:
    """A result as arrays; modules and other objects leave only the name of their kind."""
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic, bool, int, float)):
        return {label: _numbers(value)}
    if isinstance(value, str):
        return {label: np.array(value[:1000])}
    if isinstance(value, (list, tuple)) and depth < MOST_DEPTH and len(value) <= 1000:
        seen = {f"{label}/length": np.array(len(value))}
        for index, item in enumerate(value):
            seen.update(_as_arrays(f"{label}/{index}", item, depth + 1))
        return seen
    if isinstance(value, dict) and depth < MOST_DEPTH and len(value) <= 1000:
        seen = {f"{label}/length": np.array(len(value))}
        for key, item in value.items():
            seen.update(_as_arrays(f"{label}/{str(key)[:100]}", item, depth + 1))
        return seen
    kind = "Module" if isinstance(value, torch.nn.Module) else type(value).__name__[:100]
    return {f"{label}/kind": np.array(kind)}


def _numbers(value: Any) -> np.ndarray:
    """Numbers as an array that owns its memory: float32, float64, int64 or bool."""
    if value is None:
        return np.empty(0)
    if isinstance(value, (torch.Tensor, np.ndarray)) and math.prod(value.shape) > MOST_VALUES:
        return np.array(f"too large: {tuple(value.shape)}"[:200])  # before a view without memory becomes a copy with it
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype in (torch.float16, torch.bfloat16) else value).numpy()
    found = np.array(value)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"numbers of the type {found.dtype} cannot be compared")
    if found.dtype.kind == "f":
        return found if found.dtype == np.float32 else found.astype(np.float64)
    return found.astype(bool if found.dtype.kind == "b" else np.int64)
