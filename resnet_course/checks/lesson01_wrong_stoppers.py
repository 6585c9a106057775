"""Early stoppers with one thing wrong, for the exercise `early_stopper` of lesson 01."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn


class _Stopper:
    """The exercise with room for one mistake: each method below may be replaced."""

    first_best = math.inf
    extra_trials = 0  # epochs that it waits too long

    def __init__(self, num_trials: int, save_path: Any) -> None:
        self.num_trials, self.save_path = num_trials, save_path
        self.best, self.counter = self.first_best, 0

    def is_better(self, loss: float) -> bool:
        return loss < self.best

    def note(self, model: nn.Module, loss: float) -> None:
        """What a new best does."""
        self.best, self.counter = loss, 0
        self.save(model)

    def save(self, model: nn.Module) -> None:
        torch.save(model.state_dict(), self.save_path)

    def is_continuable(self, model: nn.Module, loss: float) -> bool | None:
        if self.is_better(loss):
            self.note(model, loss)
            return True
        self.counter += 1
        return self.counter < self.num_trials + self.extra_trials

    def get_best_model(self, model: nn.Module) -> Any:
        model.load_state_dict(torch.load(self.save_path, weights_only=True))
        return model


class _CounterNeverReset(_Stopper):
    def note(self, model: nn.Module, loss: float) -> None:
        self.best = loss
        self.save(model)


class _OneTooLate(_Stopper):
    extra_trials = 1


class _OneTooEarly(_Stopper):
    extra_trials = -1


class _StopsAtFirstBad(_Stopper):
    def is_continuable(self, model: nn.Module, loss: float) -> bool:
        super().is_continuable(model, loss)
        return self.counter == 0


class _NeverStops(_Stopper):
    extra_trials = 1_000


class _KeepsLast(_Stopper):
    def is_continuable(self, model: nn.Module, loss: float) -> bool | None:
        self.save(model)
        return super().is_continuable(model, loss)


class _EqualIsBetter(_Stopper):
    def is_better(self, loss: float) -> bool:
        return loss <= self.best


class _NotWorseIsBetter(_Stopper):
    def is_better(self, loss: float) -> bool:
        return not loss > self.best


class _NanIsBetter(_Stopper):
    def is_better(self, loss: float) -> bool:
        return not loss >= self.best


class _HigherIsBetter(_Stopper):
    first_best = -math.inf

    def is_better(self, loss: float) -> bool:
        return loss > self.best


class _StartsAtZero(_Stopper):
    first_best = 0.0


class _StartsAtANumber(_Stopper):
    first_best = 100.0


class _ComparesWithPrevious(_Stopper):
    def is_continuable(self, model: nn.Module, loss: float) -> bool | None:
        answer = super().is_continuable(model, loss)
        self.best = loss
        return answer


class _BestNeverUpdated(_Stopper):
    def note(self, model: nn.Module, loss: float) -> None:
        self.counter = 0
        self.save(model)


class _NeverSaves(_Stopper):
    def save(self, model: nn.Module) -> None:
        pass


class _KeptInMemory(_Stopper):
    def save(self, model: nn.Module) -> None:
        self.state = copy.deepcopy(model.state_dict())

    def get_best_model(self, model: nn.Module) -> nn.Module:
        model.load_state_dict(self.state)
        return model


class _KeptWithoutCopy(_KeptInMemory):
    def save(self, model: nn.Module) -> None:
        self.state = model.state_dict()


class _SavesAtTheEnd(_Stopper):
    def save(self, model: nn.Module) -> None:
        pass

    def is_continuable(self, model: nn.Module, loss: float) -> bool | None:
        goes_on = super().is_continuable(model, loss)
        if not goes_on:
            super().save(model)
        return goes_on


class _SavesWholeModel(_Stopper):
    def save(self, model: nn.Module) -> None:
        torch.save(model, self.save_path)


class _SavesParametersOnly(_Stopper):
    def save(self, model: nn.Module) -> None:
        torch.save({name: tensor.detach() for name, tensor in model.named_parameters()}, self.save_path)


class _CurrentReturned(_Stopper):
    def get_best_model(self, model: nn.Module) -> nn.Module:
        return model


class _NotReturned(_Stopper):
    def get_best_model(self, model: nn.Module) -> None:
        super().get_best_model(model)


class _LoadResultReturned(_Stopper):
    def get_best_model(self, model: nn.Module) -> Any:
        return model.load_state_dict(torch.load(self.save_path, weights_only=True))


class _StateReturned(_Stopper):
    def get_best_model(self, model: nn.Module) -> dict[str, Tensor]:
        return torch.load(self.save_path, weights_only=True)


class _NoAnswerWhenBetter(_Stopper):
    def is_continuable(self, model: nn.Module, loss: float) -> bool | None:
        answer = super().is_continuable(model, loss)
        return None if self.counter == 0 else answer


class _NoAnswer(_Stopper):
    def is_continuable(self, model: nn.Module, loss: float) -> None:
        super().is_continuable(model, loss)


class _Inverted(_Stopper):
    def is_continuable(self, model: nn.Module, loss: float) -> bool:
        return not super().is_continuable(model, loss)


WRONG_STOPPERS: dict[str, tuple[type[_Stopper], str]] = {
    "counter_never_reset": (
        _CounterNeverReset,
        "What happens to the counter at a new best? num_trials counts bad epochs in a row; a new best starts it again.",
    ),
    "one_too_late": (
        _OneTooLate,
        "At which bad epoch is the answer False? At number num_trials, not one later: look at > and >=.",
    ),
    "one_too_early": (
        _OneTooEarly,
        "At which bad epoch is the answer False? At number num_trials, not one before it.",
    ),
    "stops_at_first_bad": (
        _StopsAtFirstBad,
        "How many bad epochs are allowed? Validation loss goes up and down; num_trials says how long to wait.",
    ),
    "never_stops": (
        _NeverStops,
        "When is the answer False? Here never: is the counter raised at a bad epoch, and compared with num_trials?",
    ),
    "keeps_last": (
        _KeepsLast,
        "Which weights are in the file? Those of the last epoch: save only at a new best.",
    ),
    "equal_is_better": (
        _EqualIsBetter,
        "Is an equal loss an improvement? No: a loss that stands still would then never stop the training.",
    ),
    "not_worse_is_better": (
        _NotWorseIsBetter,
        "What does `loss > best` say for an equal loss, and for NaN? False for both, so both are taken for a new best. "
        "Ask whether the loss is better, not whether it is worse.",
    ),
    "nan_is_better": (
        _NanIsBetter,
        "What does a comparison with NaN say? Always False, so NaN is taken for a new best here. Ask whether the loss "
        "is better, not whether it is worse.",
    ),
    "higher_is_better": (
        _HigherIsBetter,
        "What is a good loss? A low one. An accuracy would be the other way round.",
    ),
    "starts_at_zero": (
        _StartsAtZero,
        "What is the best loss before the first epoch? With 0 no loss can ever be lower.",
    ),
    "starts_at_a_number": (
        _StartsAtANumber,
        "What is the best loss before the first epoch? A fixed number is too low for some loss; nothing is above "
        "infinity.",
    ),
    "compares_with_previous": (
        _ComparesWithPrevious,
        "With which loss is the new one compared? With the best so far, not with that of the epoch before.",
    ),
    "best_never_updated": (
        _BestNeverUpdated,
        "What is the best loss after a new best? It was not stored, so every epoch looks like one.",
    ),
    "never_saves": (
        _NeverSaves,
        "Where are the best weights? There is no file at save_path.",
    ),
    "kept_in_memory": (
        _KeptInMemory,
        "Where are the best weights if the kernel dies? In memory only; the exercise asks for a file at save_path.",
    ),
    "kept_without_copy": (
        _KeptWithoutCopy,
        "What does model.state_dict() hold? The model's own tensors, not copies: they change with every step. And the "
        "exercise asks for a file at save_path.",
    ),
    "saves_at_the_end": (
        _SavesAtTheEnd,
        "When are the weights saved? At the end they are no longer the best ones.",
    ),
    "saves_whole_model": (
        _SavesWholeModel,
        "What is in the file? torch.save(model) stores a pickle, which runs code when it is loaded, and "
        "weights_only=True refuses it. Save the state dict.",
    ),
    "saves_parameters_only": (
        _SavesParametersOnly,
        "Is everything in the file that the model needs? Batch norm's running statistics are no parameters; the state "
        "dict has both.",
    ),
    "current_returned": (
        _CurrentReturned,
        "Which weights does get_best_model give back? The current ones: the file was not read.",
    ),
    "not_returned": (
        _NotReturned,
        "What does get_best_model hand back? The weights are loaded, but a `return` is missing.",
    ),
    "load_result_returned": (
        _LoadResultReturned,
        "What does load_state_dict return? A list of missing and unexpected names, and not the model.",
    ),
    "state_returned": (
        _StateReturned,
        "What does get_best_model hand back? A state dict; it must be loaded into the model.",
    ),
    "no_answer_when_better": (
        _NoAnswerWhenBetter,
        "What does is_continuable answer at a new best? Nothing, which Python takes for False.",
    ),
    "no_answer": (
        _NoAnswer,
        "What does is_continuable answer? A `return` is missing.",
    ),
    "inverted": (
        _Inverted,
        "What does True mean as an answer of is_continuable? Go on; here it means stop.",
    ),
}
