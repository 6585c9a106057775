"""What a training was begun with, so that it goes on with the same or says what differs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_LENGTHS = ("total_steps", "T_max", "T_0", "total_iters", "step_size", "gamma")  # of PyTorch's schedules


def training_settings(optimizer: Any, scheduler: Any, loader: Any, loss: Any) -> dict[str, Any]:
    """Optimizer, rate, options, schedule and its length, batches, data, label smoothing, as far as they can be told.

    Args:
        optimizer, scheduler: of PyTorch, before the first step or after any other; the second may be None.
        loader: batches, with `batch_size`, `seed` and `dataset` if it has them.
        loss: a function or a module.
    """
    kind = None if scheduler is None else type(scheduler).__name__
    lengths = {f"{kind}.{name}": value for name in _LENGTHS if (value := getattr(scheduler, name, None)) is not None}
    digest = getattr(getattr(loader, "dataset", None), "sha256", None)
    return {
        "optimizer": type(optimizer).__name__,
        "learning rate": [group.get("initial_lr", group["lr"]) for group in optimizer.param_groups],
        **{k: v for k, v in optimizer.defaults.items() if k != "lr" and isinstance(v, (bool, int, float, list, tuple))},
        "schedule": kind,
        **lengths,
        "batch size": getattr(loader, "batch_size", None),
        "batches": len(loader) if hasattr(loader, "__len__") else None,
        "seed of the order": getattr(loader, "seed", None),
        "label smoothing": getattr(loss, "label_smoothing", 0.0),  # its name tells nothing: a wrapper computes the same
        "data digest": digest()[:16] if digest is not None else None,
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What is not as it was, for a sentence; empty if nothing is. What only one of the two knows is not compared."""
    shared = [name for name in now if name in before]
    changed = [name for name in shared if not _same(before[name], now[name])]
    return ", ".join(f"{name} was {before[name]!r} and is {now[name]!r}" for name in changed)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)
