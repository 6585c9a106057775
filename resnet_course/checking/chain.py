"""A long network as a chain of sections, and where two chains differ.

`graph` lays two networks on each other step by step, which suits a block. In a network of many blocks everything passes
through one step after each block; between two such steps lies a section: a single step, or a fork of several ways. The
sections are aligned first, then those that lie on each other are compared as graphs.
"""

from __future__ import annotations

import contextlib
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from resnet_course.checking.graph import Graph, Step, _Alignment, _difference, record
from resnet_course.checking.seen import Difference

_PASSED_OVER = {"flattening", "squeeze"}  # written in many ways, and a wrong one stops with an error
_NEVER = 99.0
_DRAWING = ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "uniform_", "normal_")


@dataclass(frozen=True)
class Section:
    """A part of a network between two steps that everything passes through.

    Args:
        output: its last step; what came into the section is an "input".
        label: such as "`bn1`", "the block `layer2.0`", "the ReLU after the block `layer2.0`".
        kinds: how often each kind of step occurs in it.
    """

    output: Step
    label: str
    kinds: Counter[str]

    @property
    def forks(self) -> bool:
        """Whether there are several ways through it."""
        return self.kinds.total() > 1


class Chain:
    """What a network computes, section by section; `differences` makes it a `seen.Structure`. Keeps no weights."""

    def __init__(self, graph: Graph) -> None:
        self.sections = list(_sections(graph))
        self.stopped = graph.error is not None
        self._of_layers = Graph(None, (), graph.unused, graph.unregistered, graph.error)

    @property
    def digest(self) -> tuple[int, ...]:
        """Equal for networks that compute the same."""
        return tuple(section.output.digest for section in self.sections)

    def differences(self, other: Chain, place: str) -> list[Difference]:
        """The fewest changes that make the other chain, the reference's, into this one."""
        found: list[Difference] = []
        if not self.sections or not other.sections:  # what comes out does not come from the input
            return self._of_layers.about_layers(other._of_layers, place)
        before, again = "the input x", Counter[str]()
        for mine, theirs in self._aligned(other):
            if mine is not None and theirs is not None and mine.output.digest != theirs.output.digest:
                where = f"{place}, {theirs.label}" if theirs.forks else place
                changes = _Alignment().best(mine.output, theirs.output)[1]
                found += [_difference(change, where) for change in changes]
            elif theirs is None and mine is not None:
                what = "block" if mine.forks else mine.output.kind
                spot = f"{place}: extra {what} after {before}"
                again[spot] += 1
                words = f"{place}: there is something that should not be there, {mine.label}."
                found.append(Difference(f"{spot}, {again[spot]}", what, words, False, topic="extra"))
            elif mine is None and theirs is not None:
                words = f"{place}: something is missing, {theirs.label}."
                found.append(Difference(f"{place}: missing {theirs.label}", "", words, False, topic="missing"))
            before = theirs.label if theirs is not None else before
        return found + self._of_layers.about_layers(other._of_layers, place)

    def _aligned(self, other: Chain) -> list[tuple[Section | None, Section | None]]:
        """Pairs of sections; None where one has no counterpart. An error ends the chain, and the rest is not missed."""
        a, b = self.sections, other.sections
        costs = {(0, 0): 0.0}
        steps: dict[tuple[int, int], tuple[int, int]] = {}
        for i in range(len(a) + 1):
            for j in range(len(b) + 1):
                ways = []
                if i and j:
                    ways.append((costs[i - 1, j - 1] + _cost(a[i - 1], b[j - 1]), (1, 1)))
                if i:
                    ways.append((costs[i - 1, j] + (1.5 if a[i - 1].forks else 1.0), (1, 0)))
                if j:
                    ways.append((costs[i, j - 1] + (1.5 if b[j - 1].forks else 1.0), (0, 1)))
                if ways:
                    costs[i, j], steps[i, j] = min(ways)
        i, j = len(a), len(b)
        if self.stopped:
            j = min(range(len(b) + 1), key=lambda end: costs[i, end])
        found: list[tuple[Section | None, Section | None]] = []
        while i or j:
            one, two = steps[i, j]
            found.append((a[i - 1] if one else None, b[j - 1] if two else None))
            i, j = i - one, j - two
        return found[::-1]


def _cost(mine: Section, theirs: Section) -> float:
    if mine.output.digest == theirs.output.digest:
        return 0.0
    if mine.forks != theirs.forks:
        return _NEVER
    if mine.forks:
        changed = (mine.kinds - theirs.kinds).total() + (theirs.kinds - mine.kinds).total()
        return min(0.5 + 0.1 * changed, 1.4)
    if mine.output.kind != theirs.output.kind:
        return 1.7
    settings = {*mine.output.settings, *theirs.output.settings}
    return min(0.2 * sum(mine.output.settings.get(n) != theirs.output.settings.get(n) for n in settings), 0.9)


def _sections(graph: Graph) -> Iterator[Section]:
    relevant = _on_the_way(graph)
    left = Counter(step for each in relevant for step in each.inputs)  # how many steps still need its result
    waiting: set[Step] = set()
    local: dict[Step, Step] = {}
    kinds: Counter[str] = Counter()
    names: list[str] = []
    label = "the input x"
    for step in relevant:
        if step.kind == "input":
            local[step] = Step("input")
            continue
        local[step] = _copied(step, local)
        if step.kind not in _PASSED_OVER:
            kinds[step.kind] += 1
            names += [step.name] * bool(step.name)
        left.subtract(step.inputs)
        waiting = {each for each in (*waiting, *step.inputs) if left[each] > 0}
        if waiting:
            waiting.add(step)
            continue
        if kinds:
            label = _label(step, kinds, names, label)
            output = local[step]
            if kinds.total() == 1:
                output.__dict__["words"] = label
            yield Section(output, label, kinds)
        kinds, names, local = Counter(), [], {step: Step("input")}


def _on_the_way(graph: Graph) -> list[Step]:
    """The steps whose results the output needs, in order, the network's input first."""
    if graph.output is None:
        return []
    needed, to_do = set(), [graph.output]
    while to_do:
        step = to_do.pop()
        if step not in needed:
            needed.add(step)
            to_do += step.inputs
    return [step for step in needed if step.kind == "input"] + [step for step in graph.steps if step in needed]


def _copied(step: Step, local: dict[Step, Step]) -> Step:
    if step.kind in _PASSED_OVER:
        return local[step.inputs[0]]
    settings = dict(step.settings)
    if "pooling" in step.kind and "shape" in settings:
        settings["shape"] = tuple(size for size in settings["shape"] if size != 1)
    copy = Step(step.kind, settings, tuple(local[each] for each in step.inputs), step.shape, step.name)
    copy.__dict__["words"] = step.words
    return copy


def _label(step: Step, kinds: Counter[str], names: list[str], before: str) -> str:
    if kinds.total() == 1:
        return f"`{step.name}`" if step.name else f"the {step.kind} after {before}"
    shared = names[0].split(".") if names else []
    for name in names:
        parts = name.split(".")
        shared = shared[: next((n for n, (a, b) in enumerate(zip(shared, parts, strict=False)) if a != b), len(parts))]
    return f"the block `{'.'.join(shared)}`" if shared else f"the block after {before}"


@contextlib.contextmanager
def not_drawn() -> Iterator[None]:
    """Inside, new weights stay as they lie in memory: to draw millions of numbers costs more than to run a network."""
    kept = {name: getattr(nn.init, name) for name in _DRAWING}
    for name in _DRAWING:
        setattr(nn.init, name, lambda tensor, *arguments, **options: tensor)
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(nn.init, name, function)


def chain_of(network: nn.Module, x: Tensor) -> tuple[Chain, Any, Exception | None]:
    """The chain of a run in eval mode, what came out, and the error that ended it; nothing of it keeps the network."""
    outputs: list[Any] = []
    handle = network.eval().register_forward_hook(lambda module, inputs, output: outputs.append(output))
    graph = record(network, x)
    handle.remove()
    if graph.error is not None and not isinstance(graph.error, NameError):  # there `slips` looks into the frames
        traceback.clear_frames(graph.error.__traceback__)
    return Chain(graph), outputs[-1] if outputs else None, graph.error
