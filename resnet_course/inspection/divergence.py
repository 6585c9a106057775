"""Where two networks that should do the same begin to differ."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from resnet_course.inspection.calls import Call, pair_modules, record_calls
from resnet_course.inspection.reasons import agree, largest, likely_reason, settings_differ


@dataclass(frozen=True)
class Divergence:
    """The first module whose output differs from the reference's. `print` it.

    Args:
        name: the module in the model; "" is the network itself, None means that nothing differs.
        kind: its class.
        difference: the largest absolute difference of the outputs; None where their shapes differ.
        shape, reference_shape: of the two outputs; empty where the outputs agree and only a stored number differs.
        agreed: how many modules were compared before it and agree.
        reason: what the cause may be, in words.
        error: what the model raised on its way, None if it came to the end.
    """

    name: str | None
    kind: str = ""
    difference: float | None = None
    shape: tuple[int, ...] = ()
    reference_shape: tuple[int, ...] = ()
    agreed: int = 0
    reason: str = ""
    error: str | None = None

    def __str__(self) -> str:
        if self.name is None:
            agree = f"the outputs of all {self.agreed} modules agree"
            return f"No difference: {agree} (largest difference {self.difference:.1e})."
        where = f"{self.name} ({self.kind})" if self.name else f"the network itself ({self.kind})"
        lines = [f"First difference: {where}. Modules before it that agree: {self.agreed}."]
        if self.reference_shape and self.difference is not None:
            values = f"values differ by up to {self.difference:.3g}"
            lines.append(f"Its output: shape {self.shape}, as in the reference; {values}.")
        elif self.reference_shape:
            lines.append(f"Its output: shape {self.shape}; the reference has {self.reference_shape}.")
        lines.append(f"Likely reason: {self.reason}")
        if self.error is not None:
            lines.append(f"Later the model stopped: {self.error}")
        return "\n".join(lines)


def first_divergence(
    model: nn.Module, reference: nn.Module, x: Tensor, copy_weights: bool = True, tolerance: float = 1e-4
) -> Divergence:
    """Run both networks on `x`, compare module by module in the order of the run, and stop at the first difference.

    Modules are matched by name, and layers with weights that have no partner of that name by shape and order. Both
    networks run as copies, each in its own mode, so neither is changed. A model that stops with an error is compared
    up to that point.

    Args:
        model: the network under suspicion.
        reference: the network that is right.
        x: (N, C, H, W), on the device of both.
        copy_weights: give the model the reference's weights first, wherever shapes agree.
        tolerance: outputs may differ by this share of the reference's largest value.

    Raises:
        Exception: whatever the reference raises.

    Taught in lesson 08.
    """
    # Paired on other copies: a run in training mode changes the batch norms' statistics.
    pairs = pair_modules(*(_record(copy.deepcopy(network), x)[0] for network in (model, reference)))
    model, reference = copy.deepcopy(model), copy.deepcopy(reference)
    if copy_weights:
        for reference_name in sorted(pairs):  # a module comes before those inside it
            _copy_tensors(reference.get_submodule(reference_name), model.get_submodule(pairs[reference_name]))
    calls, error = _record(model, x)
    expected, reference_error = _record(reference, x)
    if reference_error is not None:
        raise reference_error
    found = _compare(calls, expected, pairs, tolerance)
    if error is None:
        return found
    said = f"{type(error).__name__}: {error}".split("\n")[0]
    if found.name is not None:
        return replace(found, error=said)
    last = f" after {calls[-1].name}" if calls else ""
    return Divergence("", type(model).__name__, agreed=found.agreed, reason=f"the model stopped{last} with {said}")


def _record(model: nn.Module, x: Tensor) -> tuple[list[Call], Exception | None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the same dropout in both
        return record_calls(model, x.clone())


def _copy_tensors(source: nn.Module, target: nn.Module) -> None:
    """Parameters and buffers that both hold under the same name and in the same shape."""
    own = target.state_dict()
    given = {name: tensor for name, tensor in source.state_dict().items() if name in own}
    target.load_state_dict(own | {name: tensor for name, tensor in given.items() if tensor.shape == own[name].shape})


def _compare(calls: list[Call], expected: list[Call], pairs: dict[str, str], tolerance: float) -> Divergence:
    by_place = {(call.name, call.number): call for call in calls}
    agreed: list[tuple[Call, Call]] = []
    furthest = 0.0
    for theirs in expected:
        mine = by_place.get((pairs.get(theirs.name, theirs.name), theirs.number))
        if mine is None:
            continue
        shapes = tuple(mine.came_out.shape), tuple(theirs.came_out.shape)
        difference = largest(mine.came_out - theirs.came_out) if shapes[0] == shapes[1] else None
        if difference is None or not agree(mine.came_out, theirs.came_out, tolerance):
            before = agreed[-1][0].name if agreed else None
            reason = likely_reason(mine, theirs, before, calls, expected, tolerance)
            return Divergence(mine.name, type(mine.module).__name__, difference, *shapes, len(agreed), reason)
        agreed.append((mine, theirs))
        furthest = max(furthest, difference)
    # In training mode the outputs may agree while the stored statistics go apart.
    for mine, theirs in agreed:
        stored = dict(theirs.module.named_buffers(recurse=False))
        for name, tensor in mine.module.named_buffers(recurse=False):
            if name in stored and not agree(tensor.float(), stored[name].float(), tolerance):
                why = settings_differ(mine.module, theirs.module) or "they are not updated in the same way."
                reason = f"the outputs agree, but its {name} differs: {why}"
                return Divergence(mine.name, type(mine.module).__name__, agreed=len(agreed), reason=reason)
    return Divergence(None, difference=furthest, agreed=len(agreed))
