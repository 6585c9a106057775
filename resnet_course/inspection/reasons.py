"""What may be the cause when one module's output differs and everything before it agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.inspection.calls import Call, own_shapes

_SETTINGS = (
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "output_size",
    "eps",
    "momentum",
    "affine",
    "track_running_stats",
    "p",
)
_SHORTCUTS = ("shortcut", "downsample")  # our name and torchvision's

# What a residual block may give in place of ReLU(F + S), with F its main path and S its shortcut.
_WRONG_SUMS: tuple[tuple[Callable[[Tensor, Tensor], Tensor], str], ...] = (
    (lambda main, short: F.relu(main), "the output is that of the main path alone: the shortcut is missing."),
    (lambda main, short: main, "the output is the main path alone, without shortcut and without the last ReLU."),
    (lambda main, short: F.relu(short), "the output is that of the shortcut alone: the main path is missing."),
    (lambda main, short: main + short, "negative values come out: the ReLU after the addition is missing."),
    (lambda main, short: F.relu(main) + short, "the ReLU acts on the main path before the addition, not on the sum."),
    (
        lambda main, short: F.relu(F.relu(main) + short),
        "there is a ReLU too many: on the main path, before the addition.",
    ),
    (
        lambda main, short: F.relu(main) + F.relu(short),
        "the ReLU acts on both paths before the addition, not on the sum.",
    ),
    (lambda main, short: F.relu(main - short), "the shortcut is subtracted, not added."),
    (lambda main, short: F.relu(short - main), "the main path is subtracted, not added."),
    (lambda main, short: F.relu(main + 2 * short), "the shortcut is added twice."),
)


def likely_reason(
    mine: Call,
    theirs: Call,
    agreed: Sequence[tuple[Call, Call]],
    calls: Sequence[Call],
    expected: Sequence[Call],
    tolerance: float,
) -> str:
    """A cause that fits, in words; where none is known, the place to look at.

    Args:
        mine, theirs: the two calls that differ.
        agreed: the pairs before them.
        calls, expected: all calls of the model and of the reference.
        tolerance: share of the largest value that counts as equal.
    """
    if not _close(mine.came_in, theirs.came_in, tolerance):
        return _input_reason(mine, theirs, agreed)
    found = settings_differ(mine.module, theirs.module)
    if found is not None:
        return found
    if not list(mine.module.children()):
        return _layer_reason(mine.module, theirs.module)
    return _forward_reason(mine, theirs, calls, expected, tolerance)


def settings_differ(mine: nn.Module, theirs: nn.Module) -> str | None:
    """The first settings in which two layers differ, in words."""
    if list(mine.children()) or list(theirs.children()):
        return None
    if type(mine) is not type(theirs):
        return f"it is a {type(mine).__name__}, the reference has a {type(theirs).__name__}."
    different = [
        f"{name} is {_shown(getattr(mine, name))}, the reference has {_shown(getattr(theirs, name))}"
        for name in _SETTINGS
        if _twice(getattr(mine, name, None)) != _twice(getattr(theirs, name, None))
    ]
    if mine.training != theirs.training and isinstance(mine, (nn.modules.batchnorm._BatchNorm, nn.Dropout)):
        modes = ["training mode" if module.training else "eval mode" for module in (mine, theirs)]
        different.append(f"it is in {modes[0]}, the reference in {modes[1]}")
    return f"{'; '.join(different)}." if different else None


def _shown(value: Any) -> str:
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return str(value)


def _twice(value: Any) -> Any:
    """2 and (2, 2) say the same."""
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _input_reason(mine: Call, theirs: Call, agreed: Sequence[tuple[Call, Call]]) -> str:
    place = (
        f"what comes in differs already, although {agreed[-1][0].name} agrees" if agreed else "what comes in differs"
    )
    if mine.came_in.shape != theirs.came_in.shape:
        return f"{place}: shape {tuple(mine.came_in.shape)}, the reference gets {tuple(theirs.came_in.shape)}."
    if _has_negative(mine.came_in) and not _has_negative(theirs.came_in):
        return f"{place}: it gets negative values and the reference none. Is a ReLU missing?"
    if _has_negative(theirs.came_in) and not _has_negative(mine.came_in):
        return f"{place}: the reference gets negative values and it gets none. Is there a ReLU too many?"
    return f"{place}. Look at the step between the two in `forward`."


def _layer_reason(mine: nn.Module, theirs: nn.Module) -> str:
    if own_shapes(mine) != own_shapes(theirs):
        return f"its weights have the shapes {own_shapes(mine)}, the reference's {own_shapes(theirs)}."
    given = {**dict(theirs.named_parameters(recurse=False)), **dict(theirs.named_buffers(recurse=False))}
    for name, tensor in (*mine.named_parameters(recurse=False), *mine.named_buffers(recurse=False)):
        if name in given and not torch.equal(tensor, given[name]):
            return f"its {name} is not equal to the reference's."
    return "input, settings and weights agree: look at its own `forward`."


def _forward_reason(mine: Call, theirs: Call, calls: Sequence[Call], expected: Sequence[Call], tolerance: float) -> str:
    """Everything inside agrees, so the pieces are put together in another way."""
    wrong_sum = _wrong_sum(mine, theirs, expected, tolerance)
    if wrong_sum is not None:
        return wrong_sum
    if mine.came_out.shape == theirs.came_out.shape and mine.came_out.dim() == 2:
        for function in (F.softmax, F.log_softmax):
            if _close(mine.came_out, function(theirs.came_out, dim=1), tolerance):
                return (
                    f"a {function.__name__} is applied at the end; the cross-entropy takes logits and applies its own."
                )
        if _close(mine.came_out, F.relu(theirs.came_out), tolerance):
            return "a ReLU is applied at the end: logits may be negative."
    called = {call.name for call in calls}
    silent = [name for name, _ in mine.module.named_children() if _full_name(mine.name, name) not in called]
    inside = "what is compared inside it agrees"
    if silent and _hold_parameters(mine.module, silent):
        return f"{inside}, but {', '.join(silent)} is never called in its `forward`."
    if _has_negative(mine.came_out) and not _has_negative(theirs.came_out):
        return f"{inside}, but negative values come out and the reference has none. Is the last ReLU missing?"
    return f"{inside}: look at its `forward`, where the pieces are put together."


def _hold_parameters(module: nn.Module, children: Sequence[str]) -> bool:
    """Whether one of these children holds parameters."""
    return any(list(getattr(module, name).parameters()) for name in children)


def _wrong_sum(mine: Call, theirs: Call, expected: Sequence[Call], tolerance: float) -> str | None:
    """Which wrong sum of main path and shortcut the output is, if the module is a residual block."""
    prefix = f"{theirs.name}." if theirs.name else ""
    inside = {call.name.removeprefix(prefix): call for call in expected if call.name.startswith(prefix) and call.name}
    main = [call for name, call in inside.items() if name.split(".")[0] not in _SHORTCUTS and own_shapes(call.module)]
    short = next((inside[name].came_out for name in _SHORTCUTS if name in inside), theirs.came_in)
    if not main or main[-1].came_out.shape != short.shape or short.shape != mine.came_out.shape:
        return None
    if not _close(theirs.came_out, F.relu(main[-1].came_out + short), tolerance):
        return None
    for wrong, words in _WRONG_SUMS:
        if _close(mine.came_out, wrong(main[-1].came_out, short), tolerance):
            return words
    return None


def _full_name(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _has_negative(tensor: Tensor) -> bool:
    return bool((tensor < 0).any())


def _close(mine: Tensor, theirs: Tensor, tolerance: float) -> bool:
    if mine.shape != theirs.shape:
        return False
    return bool((mine - theirs).abs().max() <= tolerance * (theirs.abs().max() + 1e-6))
