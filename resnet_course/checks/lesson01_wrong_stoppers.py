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
        "What happens to the counter of bad epochs at a new best? The counter keeps its value at a new best, so bad "
        "epochs are counted over the whole training: with num_trials=2 the losses 1.0, 1.1, 0.9, 1.0 already stop it. "
        "Only bad epochs in a row count, so a new best starts again at 0.",
    ),
    "one_too_late": (
        _OneTooLate,
        "At which bad epoch in a row does the answer become False, with num_trials=2? With num_trials=2 the training "
        "stops only at the third bad epoch. The answer should be False at bad epoch number num_trials itself, so look "
        "at the comparison and at the place where the counter grows.",
    ),
    "one_too_early": (
        _OneTooEarly,
        "At which bad epoch in a row is the answer False, with num_trials=2? With num_trials=2 the training already "
        "stops at the first bad epoch. The answer should stay True until bad epoch number num_trials.",
    ),
    "stops_at_first_bad": (
        _StopsAtFirstBad,
        "How many bad epochs in a row are allowed? The first bad epoch ends the training, whatever num_trials says. A "
        "validation loss goes up and down from epoch to epoch, and num_trials says how many bad ones to wait for.",
    ),
    "never_stops": (
        _NeverStops,
        "Under which condition is the answer False? The answer is never False: a hundred bad epochs in a row still "
        "give True. The counter must grow at each bad epoch, and be compared with num_trials.",
    ),
    "keeps_last": (
        _KeepsLast,
        "The weights of which epoch are in the file at the end? Every epoch is saved, so the file ends with the "
        "weights of the last one. The last epochs are bad epochs, since that is why the training stopped. Save only "
        "at a new best.",
    ),
    "equal_is_better": (
        _EqualIsBetter,
        "What does an epoch with exactly the lowest loss so far count as? A loss equal to the lowest counts as a new "
        "best here. A loss that stands still would then never stop the training. Only a lower loss is an improvement.",
    ),
    "not_worse_is_better": (
        _NotWorseIsBetter,
        "What does `loss > best` say for an equal loss, and for NaN? `loss > best` is False for an equal loss and for "
        "NaN, so both are taken for a new best here, and the weights of a training that broke down are saved over "
        "good ones. Ask whether the loss is better, not whether it is worse.",
    ),
    "nan_is_better": (
        _NanIsBetter,
        'What does a comparison with NaN give? A comparison with NaN always gives False, so "not worse" holds for '
        "NaN, and its weights are saved over good ones. Ask whether the loss is better: for NaN that is False as "
        "well, and the epoch counts as bad.",
    ),
    "higher_is_better": (
        _HigherIsBetter,
        "What is a good loss, a high or a low one? A good loss is a low one. Here each higher loss is taken for a new "
        "best, as it would be right for an accuracy, so the worst weights are kept.",
    ),
    "starts_at_zero": (
        _StartsAtZero,
        "What is the best loss before the first epoch? The best loss starts at 0. A cross-entropy is never lower than "
        "that, so no epoch is ever a new best, nothing is saved, and the training stops after num_trials epochs. The "
        "first loss must always win.",
    ),
    "starts_at_a_number": (
        _StartsAtANumber,
        "Which first loss would not be a new best? The best loss starts with a fixed number: with 100, a first loss "
        "of 5000 counts as bad. The first loss must always win, so start with a value that nothing is above.",
    ),
    "compares_with_previous": (
        _ComparesWithPrevious,
        "With which loss is the new one compared? The new loss is compared with that of the epoch before. After 0.7 "
        "and 0.75, a loss of 0.72 then looks like a new best, although 0.7 was better, and its weights replace the "
        "better ones. Compare with the lowest of all.",
    ),
    "best_never_updated": (
        _BestNeverUpdated,
        "What is stored as the best loss after a new best? The best loss keeps its old value, so every later epoch is "
        "compared with the start value and looks like a new best: the training never stops, and the last weights are "
        "kept. The new best loss has to be stored.",
    ),
    "never_saves": (
        _NeverSaves,
        "What is at save_path after a new best? There is no file at save_path. Once the training goes on, the best "
        "weights are overwritten in memory, so each new best has to be written to save_path.",
    ),
    "kept_in_memory": (
        _KeptInMemory,
        "Where are the best weights if the kernel dies? The best weights are only in memory, and lost if the kernel "
        "dies. The exercise asks for a file at save_path, which a new session can read.",
    ),
    "kept_without_copy": (
        _KeptWithoutCopy,
        "What does the dict from model.state_dict() hold? model.state_dict() holds the model's own tensors and no "
        "copies, so it changes with every step and always shows the current weights. Writing it to a file, as asked, "
        "keeps them as they were.",
    ),
    "saves_at_the_end": (
        _SavesAtTheEnd,
        "At which epoch are the weights saved? The weights are saved at the epoch that ends the training. By then "
        "num_trials bad epochs have changed the best weights, and they cannot be had back. Save at each new best.",
    ),
    "saves_whole_model": (
        _SavesWholeModel,
        "What kind of object is written to the file? The model itself is written to the file. torch.save then stores "
        "a pickle that can run code when it is loaded, and torch.load with weights_only=True refuses it. Save the "
        "tensors only, which model.state_dict() gives.",
    ),
    "saves_parameters_only": (
        _SavesParametersOnly,
        "Which of the model's tensors are missing in the file? The file lacks batch norm's running mean and variance: "
        "they are no parameters, since no gradient changes them, but eval mode needs them. A state dict has both "
        "kinds.",
    ),
    "current_returned": (
        _CurrentReturned,
        "Which weights does get_best_model give back? get_best_model gives the model with the weights of the last "
        "epoch: the file is not read. The saved weights have to be loaded into the model first.",
    ),
    "not_returned": (
        _NotReturned,
        "What does get_best_model hand back? get_best_model loads the weights but has no `return`, so the caller gets "
        "None. Hand the model back.",
    ),
    "load_result_returned": (
        _LoadResultReturned,
        "What does load_state_dict return? load_state_dict returns a report of missing and unexpected names, not the "
        "model. Loading changes the model itself, so hand that back in a line of its own.",
    ),
    "state_returned": (
        _StateReturned,
        "What kind of object does get_best_model hand back? The dict of tensors from the file comes back. The caller "
        "needs a network that can be called: load the dict into the model and hand the model back.",
    ),
    "no_answer_when_better": (
        _NoAnswerWhenBetter,
        "What does is_continuable answer at a new best? At a new best is_continuable has no `return`. That gives "
        "None, which Python takes for False: the training would stop at its first good epoch. This branch needs an "
        "answer too.",
    ),
    "no_answer": (
        _NoAnswer,
        "What does is_continuable answer? is_continuable has no `return`, so it always answers None, which Python "
        "takes for False: the training stops after one epoch. Each branch needs an answer.",
    ),
    "inverted": (
        _Inverted,
        "What does the training loop do when is_continuable answers True? The answers are turned round: True should "
        "mean go on, and here it means stop. A training would end at its first good epoch.",
    ),
}
