import math
from pathlib import Path

import pytest
import torch
from torch import nn

from resnet_course.base.errors import CourseError
from resnet_course.training import EarlyStopper


def model_of(epoch: float) -> nn.Module:
    """A model whose only weight says which epoch it comes from."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, epoch)
    return model


def watch(losses: list[float], num_trials: int, path: Path) -> tuple[EarlyStopper, list[bool]]:
    stopper = EarlyStopper(num_trials, path)
    return stopper, [stopper.is_continuable(model_of(epoch), loss) for epoch, loss in enumerate(losses)]


NAN = math.nan


@pytest.mark.parametrize(
    ("num_trials", "losses", "answers", "best_epoch"),
    [
        (1, [1.0, 0.9, 0.95], [True, True, False], 1),
        (2, [1.0, 1.1, 1.2], [True, True, False], 0),
        (3, [1.0, 1.1, 1.2, 1.3], [True, True, True, False], 0),
        (2, [1.0, 1.1, 0.9, 1.0, 1.0], [True, True, True, True, False], 2),  # an improvement starts the count anew
        (2, [1.0, 1.1, 1.05, 0.5], [True, True, False, True], 3),  # better than the last is not better than the best
        (1, [1.0, 1.0], [True, False], 0),  # an equal loss is no improvement
        (1, [1.0, NAN], [True, False], 0),
        (2, [NAN, 1.0, NAN, 0.9], [True, True, True, True], 3),  # a NaN is never the best
        (2, [math.inf, 3.0, -1.0], [True, True, True], 2),
        (1, [0.0, 1e-9], [True, False], 0),
        (1, [torch.tensor(1.0), torch.tensor(2.0)], [True, False], 0),
    ],
)
def test_stops_after_num_trials_epochs_without_a_new_best(
    tmp_path: Path, num_trials: int, losses: list[float], answers: list[bool], best_epoch: int
) -> None:
    stopper, said = watch(losses, num_trials, tmp_path / "deep" / "folder" / "best.pt")
    assert said == answers
    model = model_of(-1)
    assert stopper.get_best_model(model) is model
    assert model.weight.item() == best_epoch


@pytest.mark.parametrize(
    ("earlier", "losses", "said"),
    [
        ([], [], r"no epoch was saved yet: .*best\.pt"),
        ([], [NAN, NAN], r"no epoch was saved yet: .*best\.pt"),
        ([0.5], [NAN], "earlier run"),
    ],
)
def test_without_a_best_there_is_nothing_to_restore(
    tmp_path: Path, earlier: list[float], losses: list[float], said: str
) -> None:
    watch(earlier, 3, tmp_path / "best.pt")
    stopper, _ = watch(losses, 3, tmp_path / "best.pt")
    with pytest.raises(CourseError, match=said):
        stopper.get_best_model(model_of(0))


def test_a_file_that_was_deleted_is_missed(tmp_path: Path) -> None:
    stopper, _ = watch([1.0], 1, tmp_path / "best.pt")
    (tmp_path / "best.pt").unlink()
    with pytest.raises(CourseError, match="no checkpoint"):
        stopper.get_best_model(model_of(0))


def test_the_best_weights_are_a_copy(tmp_path: Path) -> None:
    stopper, model = EarlyStopper(2, tmp_path / "best.pt"), model_of(5)
    stopper.is_continuable(model, 1.0)
    nn.init.zeros_(model.weight)
    assert stopper.get_best_model(model).weight.item() == 5


@pytest.mark.parametrize("num_trials", [0, -1])
def test_num_trials_below_1_is_refused(tmp_path: Path, num_trials: int) -> None:
    with pytest.raises(ValueError, match="num_trials"):
        EarlyStopper(num_trials, tmp_path / "best.pt")


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_counting_goes_on_from_a_saved_state(tmp_path: Path, stop: int) -> None:
    losses = [1.0, 0.8, 0.9, 0.85, 0.95]
    _, expected = watch(losses, 3, tmp_path / "whole.pt")
    first, said = watch(losses[:stop], 3, tmp_path / "parts.pt")
    second = EarlyStopper(3, tmp_path / "parts.pt")
    second.load_state_dict(first.state_dict())
    said += [second.is_continuable(model_of(stop + epoch), loss) for epoch, loss in enumerate(losses[stop:])]
    assert said == expected
    assert second.get_best_model(model_of(-1)).weight.item() == 1


def test_the_best_weights_of_another_training_are_not_taken(tmp_path: Path) -> None:
    stopper, _ = watch([1.0], 3, tmp_path / "best.pt")
    state = stopper.state_dict()
    other, _ = watch([2.0, 1.5], 3, tmp_path / "best.pt")
    with pytest.raises(CourseError, match="another training wrote"):
        stopper.get_best_model(model_of(0))
    stopper.load_state_dict(state)
    with pytest.raises(CourseError, match="save_path"):
        stopper.get_best_model(model_of(0))
    assert other.get_best_model(model_of(0)).weight.item() == 1


def test_a_state_from_a_file_sets_what_is_counted_and_nothing_else(tmp_path: Path) -> None:
    stopper, _ = watch([1.0, 1.1], 3, tmp_path / "best.pt")
    other = EarlyStopper(3, tmp_path / "best.pt")
    other.load_state_dict({**stopper.state_dict(), "save_path": Path("elsewhere.pt"), "num_trials": 99})
    assert vars(other) == vars(stopper)
