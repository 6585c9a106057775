"""Where two networks that should do the same begin to differ: the graphs of their runs, with all results."""

from __future__ import annotations

import copy
import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.base.language import translated
from resnet_course.checking.graph import Change, Graph, Recorder, Step, _Alignment, _difference, record
from resnet_course.checking.modules import roles

_SIGNS = {"addition": " + ", "subtraction": " - ", "product": " · "}
_REMARKS = {  # on a setting or a step
    "training": "model.train() and model.eval() set it.",
    "softmax": "The cross-entropy takes logits and applies its own.",
    "log_softmax": "The cross-entropy takes logits and applies its own.",
}


@dataclass(frozen=True)
class Divergence:
    """The first step whose result differs from the reference's. `print` it.

    Args:
        name: the model's module that does it; "" is the network itself, None means that nothing differs.
        kind: its class.
        agreed: how many steps of the reference come before it and agree.
        reason: what the cause may be, in words.
        difference: the largest absolute difference of the outputs; None where there are not two of one shape.
        shapes: of what comes out, the model's and the reference's; empty if only a stored number differs.
        error: what the model raised, None if it came to the end.
    """

    name: str | None
    kind: str = ""
    agreed: int = 0
    reason: str = ""
    difference: float | None = None
    shapes: Sequence[tuple[int, ...]] = ()
    error: str | None = None

    def __str__(self) -> str:
        if self.name is None:
            agree = f"the results of all {self.agreed} steps agree"
            return translated(f"No difference: {agree} (largest difference {self.difference:.1e}).")
        where = f"{self.name} ({self.kind})" if self.name else f"the network itself ({self.kind})"
        lines = [f"First difference: {where}. Steps before it that agree: {self.agreed}."]
        if self.shapes:
            same = f"as in the reference; values differ by up to {self.difference or 0:.3g}"
            other = same if self.difference is not None else f"the reference has {self.shapes[1]}"
            lines.append(f"Its output: shape {self.shapes[0]}, {other}.")
        lines.append(f"Likely reason: {self.reason}")
        if self.error is not None:
            lines.append(f"The model stopped: {self.error}")
        return translated("\n".join(lines))


def first_divergence(
    model: nn.Module, reference: nn.Module, x: Tensor, copy_weights: bool = True, tolerance: float = 1e-4
) -> Divergence:
    """Run both networks on `x` and find the first step of the reference that the model does not do in the same way.

    Steps belong together if their results are equal, whatever they are called and written with. Both networks run as
    copies, each in its own mode, so neither is changed. A model that stops with an error is compared up to there.

    Args:
        model: the network under suspicion.
        reference: the network that is right.
        x: (N, C, H, W), on the device of both.
        copy_weights: give the model the reference's weights first: those of the same name and shape, then those that
            are used for the same.
        tolerance: results may differ by this share of the reference's largest value.

    Raises:
        Exception: whatever the reference raises.

    Taught in lesson 05.
    """
    weights = model.state_dict() | (_matching_weights(model, reference, x) if copy_weights else {})
    model, reference = copy.deepcopy(model), copy.deepcopy(reference)
    model.load_state_dict(weights)
    mine, theirs = _run(model, x), _run(reference, x)
    if theirs.error is not None:
        raise theirs.error
    found = _Comparison(model, reference, mine, theirs, tolerance).first()
    if mine.error is None:
        return found
    return replace(found, error=f"{type(mine.error).__name__}: {mine.error}".split("\n")[0])


class _Keeping(Recorder):
    """Also keeps the result of each step, and the name of the module in whose `forward` it was made."""

    def __init__(self, network: nn.Module, x: Tensor, names: dict[int, str]) -> None:
        super().__init__(x, names)
        self._inside = [""]  # the modules under way, the innermost last
        for name, module in network.named_modules():
            module.register_forward_pre_hook(lambda *_, name=name: self._inside.append(name))
            module.register_forward_hook(self._leave)

    def _leave(self, *_: Any) -> None:
        self._inside.pop()

    def _step(self, *arguments: Any) -> Step:
        return replace(super()._step(*arguments), place=self._inside[-1])

    def _remember(self, tensor: Tensor, step: Step) -> None:
        super()._remember(tensor, step)
        if step.value is None:
            step.value = tensor.detach().clone()  # a later change in place does not show


def _run(network: nn.Module, x: Tensor) -> Graph:
    """Its graph with all results. The network must be a copy: hooks stay on it, and statistics change."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)  # the same dropout in both
        return record(network, x.clone(), partial(_Keeping, network))


def _matching_weights(model: nn.Module, reference: nn.Module, x: Tensor) -> dict[str, Tensor]:
    own, given = model.state_dict(), reference.state_dict()
    ours, theirs = (_names_by_role(copy.deepcopy(network), x) for network in (model, reference))
    source = {name: theirs[role] for role, name in ours.items() if role in theirs}
    source |= {name: name for name in own if name in given}
    return {n: given[other] for n, other in source.items() if given[other].shape == own[n].shape}


def _names_by_role(network: nn.Module, x: Tensor) -> dict[Any, str]:
    found = roles(_run(network, x))
    tensors = [*network.named_parameters(), *network.named_buffers()]
    return {found[id(tensor)]: name for name, tensor in tensors if id(tensor) in found}


def _unequal(mine: Mapping[str, Any], theirs: Mapping[str, Any], equal: Callable[[Any, Any], bool]) -> list[str]:
    return [name for name, value in mine.items() if name in theirs and not equal(value, theirs[name])]


def _largest(tensor: Tensor) -> float:
    """The largest absolute value; infinite if one is not a number."""
    return tensor.abs().nan_to_num(nan=float("inf")).max().item() if tensor.numel() else 0.0


def _gap(mine: Step, theirs: Step) -> float | None:
    """The largest difference of two results; None if there are not two of one shape."""
    if mine.value is None or theirs.value is None or mine.shape != theirs.shape:
        return None
    return _largest(mine.value.double() - theirs.value)


class _Comparison:
    """Two graphs with results, and which of their steps agree."""

    def __init__(self, model: nn.Module, reference: nn.Module, mine: Graph, theirs: Graph, tolerance: float) -> None:
        self.networks, self.mine, self.theirs, self.tolerance = (model, reference), mine, theirs, tolerance
        # Each step's twin: the step of the reference that stands for its result, or itself.
        self.twins: dict[Step, Step] = {}
        self.depth: dict[Step, int] = {}
        self.size: dict[Step, float] = {}
        start = Step("input")
        for graph in (theirs, mine):
            for step in (each for outer in graph.steps for each in (*outer.inputs, outer)):
                if step not in self.twins:
                    self.size[step] = 0.0 if step.value is None else _largest(step.value)
                    self.twins[step] = start if step.kind == "input" else self._twin(step, graph)
                    self.depth[step] = 1 + max((self.depth[each] for each in step.inputs), default=0)
        both = {self.twins[step] for step in mine.steps} & {self.twins[step] for step in theirs.steps} | {start}
        self.agree = {step for step, twin in self.twins.items() if twin in both}
        self.apart, self.missed = ([step for step in graph.steps if step not in self.agree] for graph in (mine, theirs))

    def _twin(self, step: Step, graph: Graph) -> Step:
        for before in step.inputs:  # what changes nothing, such as a dropout in eval mode, is no step
            if step.value is not None and before.value is not None and torch.equal(step.value, before.value):
                return self.twins[before]
        others = self.theirs.steps if graph is self.mine else ()
        alike = sorted(others, key=lambda other: (other.place != step.place) + (other.kind != step.kind))
        return next((self.twins[other] for other in alike if self._equal(step, other)), step)

    def _equal(self, mine: Step, theirs: Step) -> bool:
        allowed = self.tolerance * (self.size[theirs] + 1e-6)
        if not abs(self.size[mine] - self.size[theirs]) <= allowed:  # so most are told apart without a look at them
            return False
        gap = _gap(mine, theirs)
        return gap is not None and gap <= allowed

    def first(self) -> Divergence:
        """The first difference, in the order in which the reference runs."""
        causes: list[Step] = []  # from which the output comes through nothing that agrees; the first one last
        for step in reversed(self.missed):
            on_the_way = self.theirs.output in (step, None) or any(step in later.inputs for later in causes)
            if on_the_way or (step.weights and self._partner(step) is not None):
                causes.append(step)
        end = self.theirs.steps.index(causes[-1]) if causes else len(self.theirs.steps)
        agreed = sum(step in self.agree for step in self.theirs.steps[:end])
        if causes and (partner := self._partner(causes[-1])) is not None:
            return self._report(agreed, partner, causes[-1], partner.place)
        if self.mine.error is not None and not any(step.value is not None for step in self.apart):
            done = ["the input", *(step.place for step in self.mine.steps if step in self.agree and step.place)]
            words = f"the model stopped after {done[-1]}, and so far all agrees."
            return self._found(agreed, self.apart[0].place if self.apart else "", words)
        outputs = [graph.output and self.twins.get(graph.output) for graph in (self.mine, self.theirs)]
        if causes or self.mine.error is not None or outputs[0] is not outputs[1]:
            return self._report(agreed, *self._handed_on())
        for mine, theirs in self.twins.items():
            stored = {part: tensor for part, tensor in mine.weights.items() if part.startswith("running")}
            if _unequal(stored, theirs.weights, partial(torch.allclose, rtol=self.tolerance, atol=self.tolerance)):
                return self._report(agreed, mine, theirs, mine.place)
        gaps = [_gap(step, twin) or 0.0 for step, twin in self.twins.items()]
        return Divergence(None, agreed=agreed, difference=max(gaps, default=0.0))

    def _partner(self, theirs: Step) -> Step | None:
        """The step that gets the same and gives something else: of the same kind, or the layer in the same place."""
        wanted = Counter(self.twins[each] for each in theirs.inputs)
        is_layer = self._around(1, theirs) != theirs.place
        found = [step for step in self.apart if Counter(self.twins[each] for each in step.inputs) == wanted]
        found = [step for step in found if step.kind == theirs.kind or (is_layer and step.place == theirs.place)]
        return min(found, key=lambda step: step.place != theirs.place, default=None)

    def _handed_on(self) -> tuple[Step, Step]:
        """What the next layer that both have gets; what comes out, if there is none."""
        ours, others = ([step for step in steps if step.weights] for steps in (self.apart, self.missed))
        pairs = [(a, b) for a in ours for b in others if a.kind == b.kind and a.settings == b.settings]
        if pairs:
            mine, theirs = min(pairs, key=lambda pair: pair[0].name != pair[1].name)
            return mine.inputs[0], theirs.inputs[0]
        return self.mine.output or Step("constant"), self.theirs.output or Step("constant")

    def _around(self, which: int, step: Step) -> str:
        """The module that puts this step together with others: where it was done, or around that if it is a layer."""
        is_layer = not list(self.networks[which].get_submodule(step.place).children())
        return step.place.rpartition(".")[0] if is_layer else step.place

    def _report(self, agreed: int, mine: Step, theirs: Step, place: str | None = None) -> Divergence:
        """In what two results differ. They are those of a module that puts steps together, if no `place` is given."""
        scopes = self._around(0, mine), self._around(1, theirs)
        formulas = [self._formula(step, scope) for step, scope in zip((mine, theirs), scopes, strict=True)]
        for step in self.twins:
            _ = step.words  # kept: what agrees becomes a leaf, since no cause lies behind it
        for step in self.agree:
            step.kind, step.settings, step.inputs = f"result {id(self.twins[step])}", {}, ()
        changes = [
            change for change in _Alignment().best(mine, theirs)[1] if change.name != "momentum"
        ]  # has no effect
        words = [self._in_words(change) for change in changes]
        if not words or not mine.weights:
            words += self._own(mine, theirs, not words)
        if place is None and formulas[0] != formulas[1]:
            words.append(f"it computes {formulas[0]}, the reference {formulas[1]}.")
        silent = {name.rpartition(".")[0] for name in self.mine.unused} - {step.place for step in self.mine.steps}
        if silent and self.mine.error is None:
            words.append(f"never called in `forward`: {', '.join(sorted(silent))}.")
        words = words or ["what comes in, settings and weights agree: look at its `forward`."]
        if place is None:
            place = scopes[0] if changes else mine.place
        if mine.value is None or theirs.value is None or self.twins.get(mine) is theirs:
            return self._found(agreed, place, *words)
        return self._found(agreed, place, *words, difference=_gap(mine, theirs), shapes=[mine.shape, theirs.shape])

    def _found(self, agreed: int, place: str, *words: str, **more: Any) -> Divergence:
        kind = type(self.networks[0].get_submodule(place)).__name__
        return Divergence(place, kind, agreed, "\n".join(word[0].upper() + word[1:] for word in words), **more)

    def _own(self, mine: Step, theirs: Step, weights: bool) -> list[str]:
        """What differs in two modules that do the same: weights, and settings that a graph does not show."""
        own, other = self.networks[0].get_submodule(mine.place), self.networks[1].get_submodule(theirs.place)
        held, expected = (module.state_dict() if weights else {} for module in (own, other))
        found = [f"its {name} is not equal to the reference's." for name in _unequal(held, expected, torch.equal)]
        plain = {name: value for name, value in vars(own).items() if isinstance(value, (int, float, str, tuple))}
        names = _unequal(plain, vars(other), operator.eq)
        return found + [f"its {name} is {plain[name]}, the reference has {vars(other)[name]}." for name in names]

    def _formula(self, step: Step, scope: str, depth: int = 6) -> str:
        """Such as "ReLU(bn2 + shortcut.1)"."""
        if step.kind == "input" or not f"{step.place}.".startswith(f"{scope}." if scope else ""):
            return "x"
        name = "" if step.place == scope else step.place.removeprefix(f"{scope}.")
        if name and step in self.agree:
            return name
        parts = [self._formula(each, scope, depth - 1) for each in step.inputs] if depth else ["…"]
        number = step.settings.get("number", [])
        parts = [*map(str, number if isinstance(number, list) else [number]), *parts]
        if name or step.kind not in _SIGNS:
            return f"{name or step.kind}({', '.join(parts)})"
        return _SIGNS[step.kind].join(f"({part})" if {"+", "-"} & set(part.split()) else part for part in parts)

    def _in_words(self, change: Change) -> str:
        mine, theirs = change.mine, change.theirs
        if change.kind == "missing" and theirs.kind == "addition" and len(theirs.inputs) == 2:
            shortcut, main = sorted(theirs.inputs, key=lambda step: self.depth[step])
            if mine.digest in (shortcut.digest, main.digest):
                path = "shortcut" if mine.digest == main.digest else "main path"
                return f"the {path} is missing: nothing is added to {mine.words}."
        words = _difference(change, "").words.removeprefix(": ")
        return " ".join([words, *(_REMARKS[word] for word in (change.name, mine.kind) if word in _REMARKS)])
