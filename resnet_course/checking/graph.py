"""What a network computes, recorded as a graph of operations, and where two graphs differ.

A run is watched below the level of modules, so layers, functions and raw parameters give the same graph, whatever their
names. An operation is known by its kind and settings and by the operations whose results came in. Two graphs are laid
on each other in the way that needs the fewest changes; the changes that are left are the differences.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_course.checking.seen import Difference

_KINDS = {  # the names of the functions that do the same
    "ReLU": "relu_ relu",
    "addition": "add add_ __iadd__ __add__ __radd__",
    "subtraction": "sub sub_ __sub__ __isub__ __rsub__ rsub",
    "product": "mul mul_ __mul__ __rmul__ __imul__",
    "concatenation": "cat concat",
    "convolution": "conv2d",
    "batch norm": "batch_norm",
    "linear layer": "linear",
    "max pooling": "max_pool2d _max_pool2d",
    "average pooling": "avg_pool2d adaptive_avg_pool2d",
    "flattening": "flatten view reshape",
    "detaching": "detach detach_ data",
    "padding": "pad",
    "slicing": "__getitem__",
}
_ALIASES = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_COMMUTES = {"addition", "product"}
_NO_STEP = {"clone", "contiguous", "to", "float", "type", "requires_grad_", "alias", "identity"}  # change no number
_SETTINGS: dict[str, tuple[str, ...]] = {  # the arguments after the tensor, in order
    "conv2d": ("weight", "bias", "stride", "padding", "dilation", "groups"),
    "batch_norm": ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    "linear": ("weight", "bias"),
}
_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "momentum": 0.1, "eps": 1e-5, "training": False}
_WEIGHTS = ("weight", "bias", "running_mean", "running_var")


@dataclass(eq=False)
class Step:
    """One operation of a run.

    Attributes:
        kind: in the field's words: "convolution", "ReLU"; "input" for what the network was called with.
        settings: what tells it from others of its kind: stride, shape of the weights, shape of the result of a pooling.
        inputs: the steps whose results came in.
        shape: of its result; None where it raised an error.
        name: of the layer whose weights it uses; "" if there are none.
        weights: the parameters and buffers that it used, by their part: "weight", "bias", "running_mean".
        place, value: the module whose `forward` did it, and its result, if the recorder keeps them: see `divergence`.
    """

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Step, ...] = ()
    shape: tuple[int, ...] | None = None
    name: str = ""
    weights: dict[str, Tensor] = field(default_factory=dict)
    place: str = ""
    value: Tensor | None = None

    @functools.cached_property
    def digest(self) -> int:
        """Equal for steps that compute the same from the same."""
        inputs = [step.digest for step in self.inputs]
        if self.kind in _COMMUTES:
            inputs.sort()
        return hash((self.kind, repr(sorted(self.settings.items(), key=str)), tuple(inputs)))

    @functools.cached_property
    def behind(self) -> frozenset[Step]:
        """The steps that lead from the input to its result, this one too."""
        found: set[Step] = set()
        to_do: list[Step] = [self]
        while to_do:
            step = to_do.pop()
            if step not in found and step.kind != "input":
                found.add(step)
                to_do += step.inputs
        return frozenset(found)

    @functools.cached_property
    def words(self) -> str:
        """Such as "the ReLU after bn1"."""
        if self.kind == "input":
            return "the input x"
        if self.name:
            return f"`{self.name}`"
        if self.kind in ("addition", "subtraction", "product", "concatenation"):
            return f"the {self.kind}"
        return f"the {self.kind} after {self.inputs[0].words}" if self.inputs else f"the {self.kind}"


class Recorder(TorchFunctionMode):
    """Notes every operation on what came from the input."""

    def __init__(self, x: Tensor, names: dict[int, str]) -> None:
        super().__init__()
        self.names = names
        self.steps: list[Step] = []
        self.used: set[int] = set()  # ids of parameters and buffers
        self._of: dict[int, Step] = {id(x): Step("input", shape=tuple(x.shape), value=x)}
        self._kept: list[Any] = [x]  # so that no other tensor gets an id of these

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        inputs = tuple(step for tensor in _tensors((*args, *kwargs.values())) if (step := self._of.get(id(tensor))))
        name = getattr(func, "__name__", str(func))
        if name == "__get__":
            name = getattr(getattr(func, "__self__", None), "__name__", name)
        fresh = name.endswith("_like") or name.startswith("new_")  # takes the shape and no number
        if not inputs or fresh or name in _NO_STEP or name.startswith(("__set", "backward", "is_", "has_")):
            result = func(*args, **kwargs)
            if inputs and not fresh and isinstance(result, Tensor):
                self._remember(result, inputs[0])
            return result
        step = self._step(name, args, kwargs, inputs)
        try:
            result = func(*args, **kwargs)
        except Exception:
            self.steps.append(step)
            raise
        tensors = _tensors((result,))
        if tensors:
            step.shape = tuple(tensors[0].shape)
            if step.kind in ("max pooling", "average pooling", "flattening"):
                step.settings = {"shape": step.shape} | _window(step, name, args, kwargs)
            if not (step.kind == "flattening" and step.shape == inputs[0].shape):
                self.steps.append(step)
                for tensor in tensors:
                    self._remember(tensor, step)
        return result

    def _remember(self, tensor: Tensor, step: Step) -> None:
        self._of[id(tensor)] = step
        self._kept.append(tensor)

    def step_of(self, value: Any) -> Step | None:
        """The step whose result this is."""
        return self._of.get(id(value))

    def _step(self, name: str, args: Sequence[Any], kwargs: dict[str, Any], inputs: tuple[Step, ...]) -> Step:
        weights: dict[str, Tensor] = {}
        settings: dict[str, Any] = {}
        kind = "average pooling" if name == "mean" and _is_over_the_map(args, kwargs) else _ALIASES.get(name, name)
        if name in _SETTINGS:
            given = {**_DEFAULTS, **dict(zip(_SETTINGS[name], args[1:], strict=False)), **kwargs}
            for key in _SETTINGS[name]:
                value = given.get(key)
                if key in _WEIGHTS:
                    if isinstance(value, Tensor):
                        weights[key] = value
                else:
                    settings[key] = _pair(value)
            settings |= _described(weights)
            again = [self.names.get(id(tensor), "") for tensor in weights.values() if id(tensor) in self.used]
            self.used |= {id(tensor) for tensor in weights.values()}
            settings["number of uses"] = 2 if again else 1
        elif name in ("clamp", "clamp_", "clamp_min", "clamp_min_", "threshold", "maximum"):
            numbers = [value for value in (*args[1:], *kwargs.values()) if value is not None]
            kind = "ReLU" if all(value == 0 for value in numbers if not isinstance(value, Tensor)) else name
        elif kind in ("addition", "subtraction"):
            settings = {key: value for key, value in kwargs.items() if key == "alpha" and value != 1}
            if len(inputs) == 1 and any(isinstance(value, (int, float)) for value in args):
                settings["number"] = next(value for value in args if isinstance(value, (int, float)))
        elif kind == "product" or name in ("div", "__truediv__"):
            settings = {"number": [value for value in args if isinstance(value, (int, float))]}
        if name in ("__rsub__", "rsub"):
            inputs = inputs[::-1]
        if not torch.is_grad_enabled():
            settings["under no_grad"] = True
        layer = self.names.get(id(weights["weight"]), "").rpartition(".")[0] if "weight" in weights else ""
        self._kept += weights.values()
        return Step(kind, settings, inputs, None, layer, weights)


def _described(weights: dict[str, Tensor]) -> dict[str, Any]:
    found: dict[str, Any] = {"bias": "bias" in weights}
    if "weight" in weights:
        shape = tuple(weights["weight"].shape)
        if len(shape) == 4:
            return found | {"kernel": shape[2:], "in channels": shape[1], "out channels": shape[0]}
        return found | {"shape": shape}
    return found


def _window(step: Step, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """How many pixels a pooling takes together, whoever chooses it: the caller, or the size of the map."""
    if step.kind == "flattening" or not step.shape or not isinstance(args[0], Tensor):
        return {}
    if name.startswith("adaptive") or name == "mean":
        sizes = (*step.shape[2:], 1, 1)[:2]
        return {"window": tuple(-(-size // new) for size, new in zip(args[0].shape[-2:], sizes, strict=False))}
    return {"window": _pair(args[1] if len(args) > 1 else kwargs.get("kernel_size"))}


def _is_over_the_map(args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether a mean is one over height and width, which is an average pooling."""
    dims = kwargs.get("dim", args[1] if len(args) > 1 else None)
    tensor = args[0] if args else None
    return isinstance(tensor, Tensor) and isinstance(dims, (tuple, list)) and {d % 4 for d in dims} == {2, 3}


def _pair(value: Any) -> Any:
    """2 and (2, 2) say the same."""
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _tensors(values: Sequence[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _tensors(value)
    return found


@dataclass(frozen=True)
class Graph:
    """What a network computes from one input.

    Args:
        output: the last step, or the one that raised an error; None if the result does not come from the input.
        steps: all that were run, in order.
        unused: names of the parameters on which the result does not depend.
        unregistered: how many weights were used that are not among the module's parameters and buffers.
        error: the error that ended the run.
    """

    output: Step | None
    steps: tuple[Step, ...]
    unused: tuple[str, ...]
    unregistered: int = 0
    error: Exception | None = None

    def differences(self, other: Graph, place: str) -> list[Difference]:
        """The fewest changes that make the other graph, the reference's, into this one."""
        found = []
        if self.output is not None and other.output is not None:
            found = [_difference(change, place) for change in self._changes(other)]
        return found + self.about_layers(other, place)

    def about_layers(self, other: Graph, place: str) -> list[Difference]:
        """Layers that are never used, and weights that are not among the parameters."""
        found = []
        if self.unused and self.unused != other.unused and self.error is None:
            names = ", ".join(f"`{name}`" for name in self.unused[:2])
            words = f"{place}: {names} is built and never used in forward."
            found.append(Difference(f"{place}: layers never used", len(self.unused), words, False, topic="unused"))
        if self.unregistered > other.unregistered:
            words = f"{place}: {self.unregistered} weights are used that are not among the parameters."
            found.append(Difference(f"{place}: weights", self.unregistered, words, topic="unregistered"))
        return found

    def _changes(self, other: Graph) -> tuple[Change, ...]:
        assert self.output is not None
        assert other.output is not None
        if self.output.digest == other.output.digest and self.error is None:
            return ()
        align = _Alignment()
        if self.error is None:
            return align.best(self.output, other.output)[1]
        # The run ended early: lay its last step on whatever step of the reference fits best.
        return min((align.best(self.output, step) for step in other.steps), key=lambda found: found[0])[1]


def record(network: Callable[[Tensor], Any], x: Tensor, recorder_of: Callable[..., Recorder] = Recorder) -> Graph:
    """Run the network once on `x` in the mode it is in, and return its graph; an error ends the graph and is kept."""
    module = network if isinstance(network, nn.Module) else nn.Module()
    tensors = [*module.named_parameters(), *module.named_buffers()]
    recorder = recorder_of(x, {id(tensor): name for name, tensor in tensors})
    error: Exception | None = None
    result = None
    try:
        with recorder:
            result = network(x)
    except Exception as raised:
        error = raised
    steps = tuple(recorder.steps)
    output = recorder.step_of(result) if error is None else (steps[-1] if steps else None)
    behind = output.behind if output is not None and error is None else steps
    used = {id(tensor) for step in behind for tensor in step.weights.values()}
    unused = tuple(name for name, tensor in module.named_parameters() if id(tensor) not in used)
    return Graph(output, steps, unused, len(used - set(recorder.names)), error)


# --- The fewest changes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One change that makes the reference's graph into the answer's.

    Args:
        kind: "extra" or "missing" step, another "kind" of step, another "setting", another "input".
        mine: the answer's step.
        theirs: the reference's step.
        name: of the setting.
    """

    kind: str
    mine: Step
    theirs: Step
    name: str = ""


Cost = tuple[float, tuple[Change, ...]]


class _Alignment:
    """Lays one graph on another from the output backwards; what has been laid once is remembered."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Cost] = {}

    def best(self, mine: Step, theirs: Step) -> Cost:
        """The cost and the changes of the cheapest way to lay `mine` on `theirs`."""
        key = id(mine), id(theirs)
        if key not in self._known:
            self._known[key] = (99.0, ())  # while it is being found out
            self._known[key] = min(self._ways(mine, theirs), key=lambda way: way[0], default=(99.0, ()))
        return self._known[key]

    def _ways(self, mine: Step, theirs: Step) -> Iterator[Cost]:
        if mine.digest == theirs.digest:
            yield 0.0, ()
            return
        if mine.kind == theirs.kind:
            changes = tuple(
                Change("setting", mine, theirs, name)
                for name in sorted({*mine.settings, *theirs.settings})
                if mine.settings.get(name) != theirs.settings.get(name)
            )
            yield self._with_inputs(len(changes), changes, mine, theirs)
        elif mine.inputs and theirs.inputs and len(mine.inputs) == len(theirs.inputs):
            yield self._with_inputs(1.5, (Change("kind", mine, theirs),), mine, theirs)
        for step in mine.inputs:  # a step that should not be there
            cost, changes = self.best(step, theirs)
            yield cost + 1.0 + _lost(mine, step), (*changes, Change("extra", mine, theirs))
        for step in theirs.inputs:  # a step that is left out
            cost, changes = self.best(mine, step)
            yield cost + 1.0 + _lost(theirs, step), (*changes, Change("missing", mine, theirs))
        if not mine.inputs or not theirs.inputs:
            yield 6.0, (Change("input", mine, theirs),)

    def _with_inputs(self, cost: float, changes: tuple[Change, ...], mine: Step, theirs: Step) -> Cost:
        """The pairs of inputs that fit best; the order of a sum does not matter."""
        a, b = list(mine.inputs), list(theirs.inputs)
        if len(a) != len(b):
            cost, changes = cost + 1.0, (*changes, Change("inputs", mine, theirs))
        orders = [b, b[::-1]] if theirs.kind in _COMMUTES and len(b) == 2 else [b]
        ways = []
        for order in orders:
            pairs = [self.best(one, other) for one, other in zip(a, order, strict=False)]
            ways.append((sum(pair[0] for pair in pairs), tuple(change for pair in pairs for change in pair[1])))
        inner = min(ways, key=lambda way: way[0])
        return cost + inner[0], (*inner[1], *changes)


def _lost(step: Step, kept: Step) -> float:
    """What it costs to pass over a step with all that comes in beside the input that is kept."""
    return 0.1 * (len(step.inputs) - 1) + 0.4 * sum(len(other.behind) for other in step.inputs if other is not kept)


def _difference(change: Change, place: str) -> Difference:
    mine, theirs, where = change.mine, change.theirs, f"{place}: {change.kind} {change.name} at {change.theirs.words}"
    if change.kind == "setting":
        got, right = (_setting(step.settings.get(change.name)) for step in (mine, theirs))
        words = f"{place}: the {change.name} of {theirs.words} is {got}; it should be {right}."
        return Difference(where, got, words, False, topic=change.name)
    if change.kind == "extra":
        words = f"{place}: there is a step that should not be there, {mine.words}."
        return Difference(f"{where} {mine.kind}", mine.kind, words, False, topic="extra")
    if change.kind == "missing":
        words = f"{place}: a step is missing, {theirs.words}."
        return Difference(where, theirs.kind, words, False, topic="missing")
    if change.kind == "kind":
        words = f"{place}: in place of {theirs.words} there is {mine.words}."
        return Difference(where, mine.kind, words, False, topic="kind")
    words = f"{place}: {theirs.words} is expected here, and what comes is {mine.words}."
    return Difference(where, mine.words if mine.kind == "input" else mine.kind, words, False, topic="input")


def _setting(value: Any) -> str:
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return "not set" if value is None else str(value)
