"""Lesson 06, `checkpoint`: what a training needs to go on."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.checking.compare import Properties, close, equal, properties_differ
from resnet_course.checking.core import Exercise, Mistake
from resnet_course.training import load_state, save_state


def save_checkpoint(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    """Weights, optimizer state and epoch in one file, without code."""
    save_state({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Put model and optimizer back and return the epoch."""
    state = load_state(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]


def _trained() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(3):
        _one_step(model, optimizer)
    return model, optimizer


def _one_step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    x = torch.linspace(-1, 1, 15).view(5, 3)
    optimizer.zero_grad()
    F.cross_entropy(model(x), torch.tensor([0, 1, 1, 0, 1])).backward()
    optimizer.step()


def _checkpoint_properties(pair: Any) -> Properties:
    save, load = pair
    model, optimizer = _trained()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        save(path, model, optimizer, 7)
        facts = [("a file is written to the path", path.is_file())]
        if not path.is_file():
            return facts
        content = _content(path)
        facts.append(("the file holds data only (torch.load with weights_only=True reads it)", content is not None))
        facts.append(("the optimizer's state is in the file", content is None or _holds_optimizer(content)))
        kept = [parameter.detach().clone() for parameter in model.state_dict().values()]
        _one_step(model, optimizer)  # the run that was not interrupted
        facts.append(
            ("a file that holds code is not run when it is loaded", not _runs_code(load, Path(folder) / "bad.pt"))
        )
        fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        fresh_optimizer = torch.optim.Adam(fresh.parameters(), lr=0.01)
        new = [tensor.clone() for tensor in fresh.state_dict().values()]
        epoch = load(path, fresh, fresh_optimizer)
    facts.append(("the optimizer gets its state back", len(fresh_optimizer.state) > 0))
    loaded = list(fresh.state_dict().values())
    facts.append(("the new weights are replaced", not any(equal(a, b) for a, b in zip(loaded, new, strict=True))))
    facts.append(("the weights come back", all(equal(a, b) for a, b in zip(loaded, kept, strict=True))))
    _one_step(fresh, fresh_optimizer)
    same = [close(a, b) for a, b in zip(fresh.state_dict().values(), model.state_dict().values(), strict=True)]
    facts.append(("the next step is the one that would have been made: Adam's memory comes back", all(same)))
    facts.append(("the saved epoch, 7, is returned", epoch == 7))
    facts.append(("something is returned", epoch is not None))
    facts.append(("only the epoch is returned", not isinstance(epoch, dict)))
    return facts


class _Code:
    """An object whose pickle calls a function when it is loaded; here it only makes a note."""

    notes: ClassVar[list[str]] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return _note, ("the file ran code",)


def _note(text: str) -> None:
    _Code.notes.append(text)


def _runs_code(load: Any, path: Path) -> bool:
    """Whether `load` runs what stands in a file of somebody else."""
    _Code.notes.clear()
    torch.save({"model": _Code(), "optimizer": {}, "epoch": 0}, path)
    model, optimizer = _trained()
    with contextlib.suppress(Exception):  # refusing the file is the right answer
        load(path, model, optimizer)
    return bool(_Code.notes)


def _content(path: Path) -> Any:
    """What is in the file, or None if it is more than data."""
    try:
        return torch.load(path, weights_only=True)
    except Exception:  # torch raises several kinds
        return None


def _holds_optimizer(content: Any) -> bool:
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, (list, tuple)) else ()
    return any(isinstance(part, dict) and "param_groups" in part for part in parts)


def _compare_checkpoints(candidate: Any, implementation: Any) -> str | None:
    if not isinstance(candidate, (tuple, list)) or len(candidate) != 2:
        return "hand over both functions: checks.checkpoint((save_checkpoint, load_checkpoint))."
    for part in candidate:
        if not callable(part):
            return f"both must be functions; {part!r} is none."
    return properties_differ(_checkpoint_properties(candidate), _checkpoint_properties(implementation))


def _save_weights_only(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    save_state({"model": model.state_dict(), "epoch": epoch}, path)


def _load_weights_only(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    state = load_state(path)
    model.load_state_dict(state["model"])
    return state["epoch"]


def _save_objects(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    torch.save({"model": model, "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def _load_objects(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    state = torch.load(path, weights_only=False)  # the learner's own file, written a moment ago
    model.load_state_dict(state["model"].state_dict())
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]


def _load_into_nothing(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    return load_state(path)["epoch"]


def _load_optimizer_only(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    state = load_state(path)
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]


def _load_no_epoch(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    load_checkpoint(path, model, optimizer)


def _load_next_epoch(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    return load_checkpoint(path, model, optimizer) + 1


def _load_returns_state(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
    load_checkpoint(path, model, optimizer)
    return load_state(path)


def _load_any(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    state = torch.load(path, weights_only=False)  # the mistake that this stands for
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]


def _save_nothing(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    return None


CHECKPOINT = Exercise(
    "checkpoint",
    "06",
    (save_checkpoint, load_checkpoint),
    _compare_checkpoints,
    (
        Mistake(
            "optimizer_forgotten",
            (_save_weights_only, _load_weights_only),
            "What does Adam remember from step to step? Adam remembers running means of the gradients and of their "
            "squares. They are not in the file, so it starts anew after the break, and the next step is not the one "
            "that would have been made. The optimizer has a state dict, too.",
        ),
        Mistake(
            "optimizer_not_loaded",
            (save_checkpoint, _load_weights_only),
            "What does the optimizer remember after load_checkpoint? The optimizer's state is in the file, but it is "
            "not put back. The next step is then another one than without the break.",
        ),
        Mistake(
            "whole_model_saved",
            (_save_objects, _load_objects),
            "What is written to the file, tensors or an object? The model itself is written to the file. torch.save "
            "stores such an object as a pickle, which can run code when it is loaded, and weights_only=True refuses "
            "it. A state dict holds tensors and names only.",
        ),
        Mistake(
            "code_allowed",
            (save_checkpoint, _load_any),
            "What may a file do while it is loaded? With weights_only=False a file may run code while it is loaded: a "
            "checkpoint from somebody else could delete your files. Yours holds data only, so it can be loaded with "
            "code forbidden.",
        ),
        Mistake(
            "weights_not_loaded",
            (save_checkpoint, _load_optimizer_only),
            "Which weights does the model have after load_checkpoint? The model has the same weights as before: the "
            "optimizer gets its state, the model does not. Both are in the file, and both have to be put back.",
        ),
        Mistake(
            "nothing_loaded",
            (save_checkpoint, _load_into_nothing),
            "What happens to the two states that load_checkpoint reads? Both states are read and dropped: only the "
            "epoch is used, and model and optimizer stay as they were. Each has to get its own state back.",
        ),
        Mistake(
            "epoch_not_returned",
            (save_checkpoint, _load_no_epoch),
            "What does load_checkpoint give back? load_checkpoint gives None, so the training loop does not know "
            "where to go on. The saved epoch is asked for.",
        ),
        Mistake(
            "epoch_off_by_one",
            (save_checkpoint, _load_next_epoch),
            "Which number comes back after saving epoch 7? After saving epoch 7, 8 comes back. What was saved is "
            "asked for; the caller decides what comes next, and would otherwise leave out an epoch.",
        ),
        Mistake(
            "state_returned",
            (save_checkpoint, _load_returns_state),
            "What kind of object does load_checkpoint give back? The whole dict from the file comes back. Model and "
            "optimizer have their states by then; only the epoch is asked for.",
        ),
        Mistake(
            "nothing_saved",
            (_save_nothing, load_checkpoint),
            "What is at the path after save_checkpoint? There is no file at the path: the state is perhaps collected, "
            "but not written. torch.save does that.",
        ),
    ),
)
