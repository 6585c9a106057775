"""The exercise `early_stopper` of lesson 01: stop in time, keep the best weights.

A stopper is run on lists of losses. Before each call the model's weights are set to the number of the epoch, so that
the file and the model that comes back tell which epoch was kept.
"""

from __future__ import annotations

import functools
import math
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resnet_course.checking.core import Exercise, Mistake
from resnet_course.checks.lesson01_wrong_stoppers import WRONG_STOPPERS
from resnet_course.training import EarlyStopper

NAN = math.nan
RUNS: tuple[tuple[int, tuple[float, ...]], ...] = (
    (2, (3.0, 2.5, 2.7, 2.49, 2.6, 2.55, 2.1, 2.6)),  # stops at the 6th: 2.55 is below 2.6, but no new best
    (3, (0.9, 0.5, 0.5, 0.5, 0.5, 0.4)),  # an equal loss is no improvement
    (1, (4.0, 3.0, 3.1, 3.2, 3.3)),  # the first bad epoch is the last
    (3, (0.8, NAN, 0.9, 0.7, NAN, 0.75, 0.9)),  # NaN is never an improvement
    (2, (5000.0, 4000.0, 4500.0, 4200.0)),  # any first loss is a best one
    (2, (NAN, NAN)),  # bad epochs count from the first one on, and there is nothing to save
)
REFUSED = "a file that weights_only=True refuses"
AFTERWARDS = 99.0  # what the weights are when the best ones are asked for


def _make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def _fill(model: nn.Module, number: float) -> None:
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(number)


def _epoch_of(state: Any) -> str:
    """Which epoch a state dict is from, in words."""
    if not isinstance(state, dict) or set(state) != set(_make_model().state_dict()):
        return "something else than model.state_dict()"
    numbers = {float(tensor.flatten()[0]) for tensor in state.values()}
    return f"epoch {numbers.pop():.0f}" if len(numbers) == 1 else "a mixture of epochs"


def _read(path: Path) -> str:
    if not path.exists():
        return "no file"
    try:
        return _epoch_of(torch.load(path, map_location="cpu", weights_only=True))
    except Exception:  # torch raises many kinds
        return REFUSED


def _restored(stopper: Any, model: nn.Module) -> str:
    """What `get_best_model` gives back. An error is one of the things it may give."""
    try:
        best = stopper.get_best_model(model)
    except NotImplementedError:
        raise
    except Exception as error:
        return f"an error ({type(error).__name__})"
    if isinstance(best, nn.Module):
        return _epoch_of(best.state_dict())
    return "None" if best is None else f"a {type(best).__name__}"


def _trace(stopper_class: Any, num_trials: int, losses: tuple[float, ...]) -> list[tuple[str, Any]]:
    """What the stopper answers and keeps, epoch by epoch until it stops, and what it gives back at the end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best.pt"
        stopper, model = stopper_class(num_trials, path), _make_model()
        found: list[tuple[str, Any]] = []
        for epoch, loss in enumerate(losses, 1):
            _fill(model, epoch)
            answer = stopper.is_continuable(model, loss)
            found.append((f"the answer for epoch {epoch}", answer if answer is None else bool(answer)))
            found.append((f"the file after epoch {epoch}", _read(path)))
            if answer is not None and not answer:
                break
        _fill(model, AFTERWARDS)
        if found[-1][1] != REFUSED and any(map(math.isfinite, losses)):
            found.append(("the best model", _restored(stopper, model)))
        return found


# The reference and the known mistakes always do the same, and writing files takes time.
_known_trace = functools.cache(_trace)


def _compare(candidate: Any, implementation: Any) -> str | None:
    for num_trials, losses in RUNS:
        mine, expected = _trace(candidate, num_trials, losses), _known_trace(implementation, num_trials, losses)
        shown = f"with num_trials={num_trials} and the losses {', '.join(f'{loss:g}' for loss in losses)}"
        for (what, is_), (_, should) in zip(mine, expected, strict=False):
            if is_ != should:
                return f"{shown}: {what} should be {should} and is {is_}."
    return None


EARLY_STOPPER = Exercise(
    "early_stopper",
    "01",
    EarlyStopper,
    _compare,
    tuple(Mistake(id, implementation, hint) for id, (implementation, hint) in WRONG_STOPPERS.items()),
)
