"""What happened inside a network: every call of a module, and which modules of two networks belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Role = tuple[Any, ...]
"""What a layer with weights is, whatever its name: see `roles`."""


@dataclass(frozen=True)
class Call:
    """One call of one module.

    Args:
        name: the module's name in the network; "" is the network itself.
        module: what was called.
        number: 0 for the module's first call, 1 for its second, and so on.
        source: the module whose output came in as it was; None if something happened in between.
        came_in, came_out: copies, so that later changes in place do not show.
    """

    name: str
    module: nn.Module
    number: int
    source: nn.Module | None
    came_in: Tensor
    came_out: Tensor


def record_calls(model: nn.Module, x: Tensor) -> tuple[list[Call], Exception | None]:
    """Run the model in the mode it is in. Returns its calls, in the order in which they ended, and the error, if any.

    Inner modules end before the module that holds them. Calls without a tensor as first argument or as result are
    left out. In training mode batch norm updates its statistics, as always.
    """
    names = {module: name for name, module in model.named_modules()}
    calls: list[Call] = []
    counts: Counter[nn.Module] = Counter()
    inputs: list[tuple[Any, nn.Module | None]] = []  # of the calls that are under way, the innermost last
    # By the id of the output, which is kept, so that no other tensor gets its id.
    makers: dict[int, tuple[Tensor, nn.Module]] = {}

    def before(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        first = arguments[0] if arguments else None
        source = makers[id(first)][1] if id(first) in makers else None
        inputs.append((first.detach().clone() if isinstance(first, Tensor) else None, source))

    def after(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        came_in, source = inputs.pop()
        if came_in is not None and isinstance(output, Tensor):
            calls.append(Call(names[module], module, counts[module], source, came_in, output.detach().clone()))
            counts[module] += 1
            makers.setdefault(id(output), (output, module))  # the innermost module made it

    with torch.no_grad(), ExitStack() as hooks:
        for module in names:
            hooks.enter_context(module.register_forward_pre_hook(before))
            hooks.enter_context(module.register_forward_hook(after))
        try:
            model(x)
        except Exception as error:
            return calls, error
    return calls, None


def own_shapes(module: nn.Module | None) -> tuple[tuple[int, ...], ...]:
    """Shapes of the parameters that the module itself holds."""
    return () if module is None else tuple(tuple(p.shape) for p in module.parameters(recurse=False))


def roles(calls: Sequence[Call]) -> dict[str, Role]:
    """The role of each layer with weights: the shapes of its weights, and its number among the layers with the same.

    Layers are numbered in the order in which they run. A norm's role also has the shapes of the convolution before
    it, so that main path and shortcut may run in any order.
    """
    found: dict[str, Role] = {}
    counts: Counter[Role] = Counter()
    for call in calls:
        shapes = own_shapes(call.module)
        if not shapes or call.name in found:
            continue
        is_norm = all(len(shape) == 1 for shape in shapes)
        kind = (shapes, own_shapes(call.source) if is_norm else ())
        found[call.name] = (*kind, counts[kind])
        counts[kind] += 1
    return found


def pair_modules(calls: Sequence[Call], reference_calls: Sequence[Call]) -> dict[str, str]:
    """For modules of the reference the module of the model that does the same: by name, else by role."""
    names = {call.name for call in calls}
    pairs = {call.name: call.name for call in reference_calls if call.name in names}
    by_role = {role: name for name, role in roles([call for call in calls if call.name not in pairs]).items()}
    rest = roles([call for call in reference_calls if call.name not in pairs])
    return pairs | {name: by_role[role] for name, role in rest.items() if role in by_role}
