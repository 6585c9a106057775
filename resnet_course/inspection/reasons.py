"""What may be the cause when one module's output differs and everything before it agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.inspection.calls import Call, own_shapes

# What a residual block may give in place of ReLU(F + S), with F its main path and S its shortcut.
_WRONG_SUMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "the output is that of the main path alone: the shortcut is missing.": lambda f, s: F.relu(f),
    "the output is the main path alone, without shortcut and without the last ReLU.": lambda f, s: f,
    "the output is that of the shortcut alone: the main path is missing.": lambda f, s: F.relu(s),
    "negative values come out: the ReLU after the addition is missing.": lambda f, s: f + s,
    "the ReLU acts on the main path before the addition, not on the sum.": lambda f, s: F.relu(f) + s,
    "there is a ReLU too many: on the main path, before the addition.": lambda f, s: F.relu(F.relu(f) + s),
    "the ReLU acts on both paths before the addition, not on the sum.": lambda f, s: F.relu(f) + F.relu(s),
    "the shortcut is subtracted, not added.": lambda f, s: F.relu(f - s),
    "the main path is subtracted, not added.": lambda f, s: F.relu(s - f),
    "the shortcut is added twice.": lambda f, s: F.relu(f + 2 * s),
}
# What may have been done to the right output.
_WRONG_ENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "a softmax is applied at the end; the cross-entropy takes logits and applies its own.": lambda y: y.softmax(-1),
    "a log_softmax is applied at the end; the cross-entropy applies its own.": lambda y: y.log_softmax(-1),
    "a ReLU is applied at the end: the reference's output may be negative.": F.relu,
}


def agree(mine: Tensor, theirs: Tensor, tolerance: float) -> bool:
    """Whether shapes are equal and values differ by no more than this share of the largest of `theirs`."""
    return mine.shape == theirs.shape and largest(mine - theirs) <= tolerance * (largest(theirs) + 1e-6)


def largest(tensor: Tensor) -> float:
    """The largest absolute value; infinite if one is not a number."""
    return tensor.double().abs().nan_to_num(nan=float("inf")).max().item() if tensor.numel() else 0.0


def likely_reason(
    mine: Call, theirs: Call, before: str | None, calls: Sequence[Call], expected: Sequence[Call], tolerance: float
) -> str:
    """A cause that fits, in words; where none is known, the place to look at.

    Args:
        mine, theirs: the two calls that differ.
        before: the last module that agrees.
        calls, expected: all calls of the model and of the reference.
        tolerance: see `agree`.
    """
    if not agree(mine.came_in, theirs.came_in, tolerance):
        although = "" if before is None else f" already, although {before} agrees"
        return f"what comes in differs{although}{_how_inputs_differ(mine.came_in, theirs.came_in)}"
    if list(mine.module.children()):
        return _forward_reason(mine, theirs, calls, expected, tolerance)
    found = settings_differ(mine.module, theirs.module) or _weights_differ(mine.module, theirs.module)
    return found or "input, settings and weights agree: look at its own `forward`."


def _how_inputs_differ(mine: Tensor, theirs: Tensor) -> str:
    if mine.shape != theirs.shape:
        return f": shape {tuple(mine.shape)}, the reference gets {tuple(theirs.shape)}."
    if mine.min() < 0 <= theirs.min():
        return ": it gets negative values and the reference none. Is a ReLU missing?"
    if theirs.min() < 0 <= mine.min():
        return ": the reference gets negative values and it gets none. Is there a ReLU too many?"
    return ". Look at the step between the two in `forward`."


def settings_differ(mine: nn.Module, theirs: nn.Module) -> str | None:
    """In which class, settings or mode two layers differ, in words."""
    if type(mine) is not type(theirs):
        return f"it is a {type(mine).__name__}, the reference has a {type(theirs).__name__}."
    own, other = _settings(mine), _settings(theirs)
    different = [f"{n} is {own[n]}, the reference has {other[n]}" for n in own if n in other and own[n] != other[n]]
    if mine.training != theirs.training and isinstance(mine, (nn.modules.batchnorm._BatchNorm, nn.Dropout)):
        modes = ["training mode" if layer.training else "eval mode" for layer in (mine, theirs)]
        different.append(f"it is in {modes[0]}, the reference in {modes[1]}")
    return f"{'; '.join(different)}." if different else None


def _settings(layer: nn.Module) -> dict[str, object]:
    """What a layer was told when it was made: its plain attributes, but for the mode."""
    plain = (int, float, str, tuple, type(None))
    return {n: v for n, v in vars(layer).items() if isinstance(v, plain) and not n.startswith("_") and n != "training"}


def _weights_differ(mine: nn.Module, theirs: nn.Module) -> str | None:
    if own_shapes(mine) != own_shapes(theirs):
        return f"its weights have the shapes {own_shapes(mine)}, the reference's {own_shapes(theirs)}."
    pairs = zip(mine.state_dict().items(), theirs.state_dict().values(), strict=False)
    unequal = [name for (name, tensor), other in pairs if not torch.equal(tensor, other)]
    return f"its {unequal[0]} is not equal to the reference's." if unequal else None


def _forward_reason(mine: Call, theirs: Call, calls: Sequence[Call], expected: Sequence[Call], tolerance: float) -> str:
    """Everything inside agrees, so the pieces are put together in another way."""
    possible = {words: wrong(theirs.came_out) for words, wrong in _WRONG_ENDS.items()}
    if paths := _paths(theirs, expected, tolerance):
        possible = {words: wrong(*paths) for words, wrong in _WRONG_SUMS.items()}
    for words, output in possible.items():
        if agree(mine.came_out, output, tolerance):
            return words
    called = {call.module for call in calls}
    children = [(name, child) for name, child in mine.module.named_children() if list(child.parameters())]
    silent = [name for name, child in children if child not in called]
    inside = "what is compared inside it agrees"
    if silent:
        return f"{inside}, but {', '.join(silent)} is never called in its `forward`."
    if mine.came_out.min() < 0 <= theirs.came_out.min():
        return f"{inside}, but negative values come out and the reference has none. Is the last ReLU missing?"
    return f"{inside}: look at its `forward`, where the pieces are put together."


def _paths(block: Call, calls: Sequence[Call], tolerance: float) -> tuple[Tensor, Tensor] | None:
    """Main path and shortcut of the reference, if the module is a residual block."""
    prefix = f"{block.name}." if block.name else ""
    inside = {call.name.removeprefix(prefix): call for call in calls if call.name.startswith(prefix)}
    skips = ("shortcut", "downsample")  # our name and torchvision's
    short = next((inside[name].came_out for name in skips if name in inside), block.came_in)
    main = [call.came_out for n, call in inside.items() if n.split(".")[0] not in skips and own_shapes(call.module)]
    if not main or main[-1].shape != short.shape or not agree(block.came_out, F.relu(main[-1] + short), tolerance):
        return None
    return main[-1], short
