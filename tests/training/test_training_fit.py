import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.base.errors import CourseError
from resnet_course.data import Batches, ImageSet, make_shapes
from resnet_course.training import EarlyStopper, evaluate, fit, load_weights, reset_seeds, save_weights

TRAIN = ImageSet(*make_shapes(50, 8, seed=0), range(10))
VALIDATION = ImageSet(*make_shapes(30, 8, seed=1), range(10))


def make_parts(lr: float = 0.1) -> tuple[nn.Module, Batches, Batches, torch.optim.Optimizer]:
    reset_seeds(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    train, validation = Batches(TRAIN, 16, shuffle=True), Batches(VALIDATION, 16)
    return model, train, validation, torch.optim.SGD(model.parameters(), lr=lr)


class Scripted(EarlyStopper):
    """An early stopper that is told the losses, and remembers which it was given."""

    def __init__(self, losses: list[float], num_trials: int, path: Path) -> None:
        super().__init__(num_trials, path)
        self.losses, self.given = losses, []

    def is_continuable(self, model: nn.Module, loss: float) -> bool:
        self.given.append(loss)
        return super().is_continuable(model, self.losses[len(self.given) - 1])


def test_history_has_one_number_an_epoch_and_the_last_one_is_the_models() -> None:
    model, train, validation, optimizer = make_parts()
    history = fit(model, train, validation, optimizer, F.cross_entropy, 6)
    lists = [history.train_loss, history.train_acc, history.val_loss, history.val_acc, history.seconds]
    assert [len(numbers) for numbers in lists] == [6] * 5
    assert history.epochs == 6
    assert not history.stopped_early
    assert history["val_loss"] is not None
    assert history["val_loss"] == history.val_loss
    assert (history.val_loss[-1], history.val_acc[-1]) == evaluate(model, validation)
    assert history.train_loss[-1] < history.train_loss[0]
    assert history.train_acc[-1] > 0.5
    assert all(0 <= accuracy <= 1 for accuracy in history.train_acc + history.val_acc)


def test_without_validation_data_those_lists_stay_empty() -> None:
    model, train, _, optimizer = make_parts()
    history = fit(model, train, None, optimizer, F.cross_entropy, 2)
    assert (len(history.train_loss), history.val_loss, history.val_acc) == (2, [], [])


def test_the_scheduler_steps_after_every_batch() -> None:
    model, train, _, optimizer = make_parts(lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    fit(model, train, None, optimizer, F.cross_entropy, 3, scheduler=scheduler)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.9 ** (3 * len(train)))


def test_a_plain_list_of_batches_will_do() -> None:
    model, train, _, optimizer = make_parts()
    assert fit(model, list(train), None, optimizer, F.cross_entropy, 2).epochs == 2


def test_the_early_stopper_gets_the_validation_loss_and_ends_the_training(tmp_path: Path) -> None:
    model, train, validation, optimizer = make_parts()
    stopper = Scripted([3, 2, 2.5, 2.4, 0], 2, tmp_path / "best.pt")
    history = fit(model, train, validation, optimizer, F.cross_entropy, 9, stopper)
    assert stopper.given == history.val_loss
    assert history.epochs == 4
    assert history.stopped_early


def test_the_best_weights_are_those_of_the_best_epoch(tmp_path: Path) -> None:
    model, train, validation, optimizer = make_parts()
    stopper = Scripted([3, 2, 2.5, 2.4], 2, tmp_path / "best.pt")
    history = fit(model, train, validation, optimizer, F.cross_entropy, 9, stopper)
    assert evaluate(model, validation)[0] == history.val_loss[-1]
    assert evaluate(stopper.get_best_model(model), validation)[0] == history.val_loss[1]


def test_a_stopped_training_stays_stopped(tmp_path: Path) -> None:
    def run() -> list[float]:
        model, train, validation, optimizer = make_parts()
        stopper = Scripted([3, 4], 1, tmp_path / "best.pt")
        checkpoint = tmp_path / "run.pt"
        return fit(model, train, validation, optimizer, F.cross_entropy, 9, stopper, checkpoint=checkpoint).val_loss

    first = run()
    assert len(first) == 2
    assert run() == first


@pytest.mark.parametrize("epochs", [3, 2])
def test_a_finished_training_is_not_trained_again(tmp_path: Path, epochs: int) -> None:
    model, train, validation, optimizer = make_parts()
    first = fit(model, train, validation, optimizer, F.cross_entropy, 3, checkpoint=tmp_path / "run.pt")
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    again, train, validation, optimizer = make_parts()
    second = fit(again, train, validation, optimizer, F.cross_entropy, epochs, checkpoint=tmp_path / "run.pt")
    assert second == first
    assert all(torch.equal(weights[name], tensor) for name, tensor in again.state_dict().items())


def test_a_training_that_diverges_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    model, train, _, optimizer = make_parts()
    path = tmp_path / "run.pt"
    fit(model, train, None, optimizer, F.cross_entropy, 1, checkpoint=path)
    good = path.read_bytes()
    with pytest.raises(CourseError, match="learning rate"):
        fit(model, train, None, optimizer, lambda *both: F.cross_entropy(*both) * math.nan, 2, checkpoint=path)
    assert path.read_bytes() == good


def test_checkpoints_of_something_else_are_refused(tmp_path: Path) -> None:
    model, train, validation, optimizer = make_parts()
    path = tmp_path / "run.pt"
    save_weights(model, path)
    with pytest.raises(CourseError, match=r"run\.pt has no model"):
        fit(model, train, None, optimizer, F.cross_entropy, 1, checkpoint=path)
    path.unlink()
    fit(model, train, None, optimizer, F.cross_entropy, 1, checkpoint=path)
    stopper = EarlyStopper(1, tmp_path / "best.pt")
    with pytest.raises(CourseError, match="has no early_stopper"):
        fit(model, train, validation, optimizer, F.cross_entropy, 2, stopper, checkpoint=path)
    with pytest.raises(CourseError, match="another model"):
        fit(nn.Linear(2, 2), train, None, optimizer, F.cross_entropy, 2, checkpoint=path)
    with pytest.raises(CourseError, match="another model"):
        load_weights(model, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CourseError, match="truncated"):
        fit(model, train, None, optimizer, F.cross_entropy, 2, checkpoint=path)


def test_early_stopping_needs_validation_data(tmp_path: Path) -> None:
    model, train, _, optimizer = make_parts()
    with pytest.raises(CourseError, match="validation data"):
        fit(model, train, None, optimizer, F.cross_entropy, 1, EarlyStopper(1, tmp_path / "best.pt"))


@pytest.mark.parametrize("epochs", [0, -1])
def test_epochs_below_1_are_refused(epochs: int) -> None:
    model, train, _, optimizer = make_parts()
    with pytest.raises(ValueError, match="epochs"):
        fit(model, train, None, optimizer, F.cross_entropy, epochs)
