"""What an assignment's `examine_...` functions see of an answer, as plain arrays.

`observe` puts such a function to the learner's names in the sandbox, and to the names of the solution and of the known
wrong answers in the trusted process: a difference between two observations is a difference between two answers.
"""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from resnet_course.checking.guard import usual_state
from resnet_course.grading.sandbox.protocol import Arrays, as_text

Examine = Callable[[Mapping[str, Any], dict[str, Tensor]], dict[str, Any]]

FILE = "<examine>"  # stands in tracebacks for an assignment's examine.py
PREFIX = "examine_"
MOST_VALUES = 4_000_000  # of one array; a result beyond that is described by its shape alone
MOST_DEPTH = 5  # of lists in lists in a result
MOST_ITEMS = 1_000  # of a list, characters of a text


class Names(dict[str, Any]):
    """An answer's names; one that is missing raises what Python itself would raise."""

    def __missing__(self, name: str) -> Any:
        raise NameError(f"{name} is not defined")


def examiners(source: str) -> dict[str, Examine]:
    """The functions of an examine.py, by the part of their names behind `examine_`.

    Args:
        source: the instructor's own text, in the sandbox as well.
    """
    module: dict[str, Any] = {"__name__": "examine"}
    exec(compile(source, FILE, "exec"), module)
    return {name.removeprefix(PREFIX): value for name, value in module.items() if name.startswith(PREFIX)}


def observe(examine: Examine, names: Mapping[str, Any], inputs: Arrays) -> Arrays:
    """Examine an answer.

    Args:
        examine: gets the names and the inputs, as tensors; returns results by label.
        names: of the answer.
        inputs: numbers by name; they stay as they are.

    Returns:
        Numbers and short texts by label. If anything raised, "error" (the kind of error) and "error/line" (of
        examine.py) instead, with "error/at" (number and line of the learner's cell) where it was a cell. Never raises
        an Exception.
    """
    usual_state(0)
    try:
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in inputs.items()}
        seen: Arrays = {}
        for label, result in examine(Names(names), tensors).items():
            seen.update(_as_arrays(label, result))
        return seen
    except Exception as error:
        places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        lines = [line for name, line in places if name == FILE]
        at = [(int(found[1]), line) for name, line in places if (found := re.fullmatch(r"<cell (\d+)>", name))]
        seen = {"error": as_text(type(error).__name__[:100]), "error/line": np.array(lines[0] if lines else 0)}
        return seen | ({"error/at": np.array(at[-1])} if at else {})


def shapes(module: nn.Module) -> dict[str, np.ndarray]:
    """The shapes of a module's parameters, by name."""
    return {name: np.array(value.shape, dtype=np.int64) for name, value in module.named_parameters()}


def load(module: nn.Module, inputs: dict[str, Tensor], prefix: str = "w.") -> dict[str, list[str]]:
    """Copy the inputs whose names start with a prefix into a module, where name and shape fit.

    Returns:
        What the module has and nothing was given for, and what fits nowhere.
    """
    given = {name.removeprefix(prefix): value for name, value in inputs.items() if name.startswith(prefix)}
    own = {name: value for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    fitting = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    for parameter in module.parameters():
        nn.init.constant_(parameter, 0.1)  # where nothing is given, the order of construction must not matter
    module.load_state_dict(fitting, strict=False)
    return {"missing": sorted(own.keys() - fitting.keys()), "unexpected": sorted(given.keys() - fitting.keys())}


def gradients(output: Tensor, gradient: Tensor, x: Tensor | None, module: nn.Module) -> dict[str, Any]:
    """The gradients of an input and of a module's parameters, from the one at an output of the same shape."""
    if output.shape != gradient.shape:
        raise RuntimeError("a gradient of another shape")
    (output * gradient).sum().backward()  # the same as backward(gradient), without the half second of its imports
    found = {name: value.grad for name, value in module.named_parameters()}
    return found if x is None else {"x": x.grad, **found}


def behaviour(module: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Any]:
    """All that a module does to the input "x", in float64, with the weights "w.NAME".

    Returns:
        Shapes of parameters, results in eval and in training mode, the input after the call, the gradients that the
        one called "gradient" at the result gives, and the buffers afterwards.
    """
    before = shapes(module)
    fitting = load(module.double(), inputs)
    x = inputs["x"].clone()
    in_eval_mode = module.eval()(x)
    again = inputs["x"].requires_grad_()
    result = module.train()(again)
    return {
        "parameters": before,
        "weights by name": fitting,
        "result in eval mode": in_eval_mode,
        "input after the call": x,
        "result": result,
        "gradient": gradients(result, inputs["gradient"], again, module),
        "buffers": dict(module.named_buffers()),
    }


def _as_arrays(label: str, value: Any, depth: int = 0) -> Arrays:
    """A result as arrays; modules and other objects leave only the name of their kind."""
    if isinstance(value, (Tensor, np.ndarray, np.generic, bool, int, float)):
        return {label: _numbers(value)}
    if isinstance(value, str):
        return {label: as_text(value[:MOST_ITEMS])}
    if isinstance(value, (list, tuple, dict)) and depth < MOST_DEPTH and len(value) <= MOST_ITEMS:
        seen = {f"{label}/length": np.array(len(value))}
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            seen.update(_as_arrays(f"{label}/{str(key)[:100]}", item, depth + 1))
        return seen
    kind = "Module" if isinstance(value, nn.Module) else type(value).__name__[:100]
    return {f"{label}/kind": as_text(kind)}


def _numbers(value: Any) -> np.ndarray:
    """Numbers as an array that owns its memory: float32, float64, int64 or bool."""
    if isinstance(value, (Tensor, np.ndarray)) and math.prod(value.shape) > MOST_VALUES:
        return as_text(f"too large: {tuple(value.shape)}"[:200])  # before a view without memory becomes a copy with it
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype in (torch.float16, torch.bfloat16) else value).numpy()
    found = np.array(value)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"numbers of the type {found.dtype} cannot be compared")
    if found.dtype.kind == "f":
        return found if found.dtype == np.float32 else found.astype(np.float64)
    return found.astype(bool if found.dtype.kind == "b" else np.int64)
