"""What happened inside a network: every call of a module, and which modules of two networks belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
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
    calls: list[Call] = []
    counts: Counter[str] = Counter()
    inputs: list[Any] = []  # of the calls that are under way, the innermost last
    # By the id of the output, which is kept, so that no other tensor gets its id.
    makers: dict[int, tuple[Tensor, nn.Module]] = {}

    def before(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        first = arguments[0] if arguments else None
        source = makers.get(id(first), (None, None))[1]
        inputs.append((first.detach().clone() if isinstance(first, Tensor) else None, source))

    def after(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def note(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            came_in, source = inputs.pop()
            if came_in is None or not isinstance(output, Tensor):
                return
            calls.append(Call(name, module, counts[name], source, came_in, output.detach().clone()))
            counts[name] += 1
            makers.setdefault(id(output), (output, module))  # the innermost module made it

        return note

    hooks: list[Any] = []
    for name, module in model.named_modules():
        hooks += [module.register_forward_pre_hook(before), module.register_forward_hook(after(name))]
    error = None
    try:
        with torch.no_grad():
            model(x)
    except Exception as raised:
        error = raised
    finally:
        for hook in hooks:
            hook.remove()
    return calls, error


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
    names, reference_names = {call.name for call in calls}, {call.name for call in reference_calls}
    pairs = {name: name for name in reference_names & names}
    rest = roles([call for call in calls if call.name not in pairs])
    by_role = {role: name for name, role in rest.items()}
    for name, role in roles([call for call in reference_calls if call.name not in pairs]).items():
        if role in by_role:
            pairs[name] = by_role[role]
    return pairs


def copy_tensors(module: nn.Module, source: nn.Module) -> None:
    """Parameters and buffers that both modules hold themselves, under the same name and in the same shape."""
    for tensors in (nn.Module.named_parameters, nn.Module.named_buffers):
        given = dict(tensors(source, recurse=False))
        for name, tensor in tensors(module, recurse=False):
            if name in given and given[name].shape == tensor.shape:
                tensor.data.copy_(given[name].data)
