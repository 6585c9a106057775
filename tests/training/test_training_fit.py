import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.base.errors import CourseError
from resnet_course.data import Batches, ImageSet, make_shapes
from resnet_course.training import EarlyStopper, evaluate, fit, load_weights, reset_seeds, save_weights

TRAIN = ImageSet(*make_shapes(50, 8, seed=0), range(10))
VALIDATION = ImageSet(*make_shapes(30, 8, seed=1), range(10))


def parts(**changes: Any) -> dict[str, Any]:
    """What `fit` is given, the same each time."""
    reset_seeds(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    data = {"train_dataloader": Batches(TRAIN, 16, shuffle=True), "val_dataloader": Batches(VALIDATION, 16)}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return {"model": model, **data, "optimizer": optimizer, "loss_fn": F.cross_entropy, **changes}


class Scripted(EarlyStopper):
    """An early stopper that is told the losses, and remembers which it was given."""

    def __init__(self, losses: list[float], num_trials: int, path: Path) -> None:
        super().__init__(num_trials, path)
        self.losses, self.given = losses, []

    def is_continuable(self, model: nn.Module, loss: float) -> bool:
        self.given.append(loss)
        return super().is_continuable(model, self.losses[len(self.given) - 1])


def test_history_has_one_number_an_epoch_and_the_last_one_is_the_models() -> None:
    given = parts(epochs=6)
    history = fit(**given)
    lists = [history.train_loss, history.train_acc, history.val_loss, history.val_acc, history.seconds]
    assert [len(numbers) for numbers in lists] == [6] * 5
    assert history.epochs == 6
    assert not history.stopped_early
    assert history["val_loss"] is not None
    assert history["val_loss"] == history.val_loss
    assert (history.val_loss[-1], history.val_acc[-1]) == evaluate(given["model"], given["val_dataloader"])
    assert history.train_loss[-1] < history.train_loss[0]
    assert history.train_acc[-1] > 0.5
    assert all(0 <= accuracy <= 1 for accuracy in history.train_acc + history.val_acc)


def test_without_validation_data_those_lists_stay_empty() -> None:
    history = fit(**parts(val_dataloader=None, epochs=2))
    assert (len(history.train_loss), history.val_loss, history.val_acc) == (2, [], [])


def test_the_scheduler_steps_after_every_batch() -> None:
    given = parts(val_dataloader=None, epochs=3)
    fit(**given, scheduler=torch.optim.lr_scheduler.ExponentialLR(given["optimizer"], 0.9))
    steps = 3 * len(given["train_dataloader"])
    assert given["optimizer"].param_groups[0]["lr"] == pytest.approx(0.1 * 0.9**steps)


def test_a_plain_list_of_batches_will_do() -> None:
    batches = list(Batches(TRAIN, 16, shuffle=True))
    assert fit(**parts(train_dataloader=batches, val_dataloader=None, epochs=2)).epochs == 2


def test_the_early_stopper_gets_the_validation_loss_ends_the_training_and_has_the_best_weights(tmp_path: Path) -> None:
    stopper = Scripted([3, 2, 2.5, 2.4, 0], 2, tmp_path / "best.pt")
    given = parts(epochs=9, early_stopper=stopper)
    history = fit(**given)
    assert stopper.given == history.val_loss
    assert history.epochs == 4
    assert history.stopped_early
    model, validation = given["model"], given["val_dataloader"]
    assert evaluate(model, validation)[0] == history.val_loss[-1]
    assert evaluate(stopper.get_best_model(model), validation)[0] == history.val_loss[1]


def test_a_stopped_training_stays_stopped(tmp_path: Path) -> None:
    def run() -> list[float]:
        stopper = Scripted([3, 4], 1, tmp_path / "best.pt")
        return fit(**parts(epochs=9, early_stopper=stopper, checkpoint=tmp_path / "run.pt")).val_loss

    first = run()
    assert len(first) == 2
    assert run() == first


@pytest.mark.parametrize("epochs", [3, 2])
def test_a_finished_training_is_not_trained_again(tmp_path: Path, epochs: int) -> None:
    first, second = (parts(checkpoint=tmp_path / "run.pt") for _ in range(2))
    assert fit(**first, epochs=3) == fit(**second, epochs=epochs)
    weights = second["model"].state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in first["model"].state_dict().items())


def test_a_training_that_diverges_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    given = parts(val_dataloader=None, checkpoint=tmp_path / "run.pt")
    fit(**given, epochs=1)
    good = given["checkpoint"].read_bytes()
    with pytest.raises(CourseError, match="learning rate"):
        fit(**{**given, "loss_fn": lambda *both: F.cross_entropy(*both) * math.nan, "epochs": 2})
    assert given["checkpoint"].read_bytes() == good


def test_checkpoints_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    given = parts(val_dataloader=None, checkpoint=path, epochs=2)
    save_weights(given["model"], path)
    with pytest.raises(CourseError, match=r"run\.pt has no model"):
        fit(**given)
    path.unlink()
    fit(**{**given, "epochs": 1})
    stopper, validation = EarlyStopper(1, tmp_path / "best.pt"), Batches(VALIDATION, 16)
    with pytest.raises(CourseError, match="has no early_stopper"):
        fit(**{**given, "val_dataloader": validation, "early_stopper": stopper})
    with pytest.raises(CourseError, match="another model"):
        fit(**{**given, "model": nn.Linear(2, 2)})
    with pytest.raises(CourseError, match="another model"):
        load_weights(given["model"], path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CourseError, match="truncated"):
        fit(**given)


def test_early_stopping_needs_validation_data(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="validation data"):
        fit(**parts(val_dataloader=None, epochs=1, early_stopper=EarlyStopper(1, tmp_path / "best.pt")))


@pytest.mark.parametrize("epochs", [0, -1])
def test_epochs_below_1_are_refused(epochs: int) -> None:
    with pytest.raises(ValueError, match="epochs"):
        fit(**parts(epochs=epochs))
