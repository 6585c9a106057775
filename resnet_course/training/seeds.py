"""Fixed seeds, so that a run can be repeated."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def reset_seeds(seed: int = 42) -> None:
    """Seed Python, NumPy and PyTorch (CPU and GPU).

    On the CPU the same seed, machine and library versions give the same numbers. On a GPU some kernels add in
    a changing order; see `torch.use_deterministic_algorithms` where that matters more than speed.

    Taught in lesson 02.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """The state of all generators, in types that `torch.load(weights_only=True)` accepts."""
    numpy_state: Any = np.random.get_state()
    kind, key, *rest = numpy_state
    return {
        "python": random.getstate(),
        "numpy": (kind, key.tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Put all generators back to where `random_state` found them."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
