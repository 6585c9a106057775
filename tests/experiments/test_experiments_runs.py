"""Runs that train or measure in a way of their own: seconds each."""

import json
from pathlib import Path

import pytest
import torch
from experiments_helpers import without_times

from resnet_course import data, inspection
from resnet_course.experiments import perform
from resnet_course.experiments.plans import LandscapeRun, LesionRun, RecipeRun, Run, shortcut_of
from resnet_course.experiments.records import check_record
from resnet_course.models import cifar_resnet
from resnet_course.training import FLOAT32, evaluate, reset_seeds

SMALL = {"epochs": 1, "images": 100, "batch_size": 50}


@pytest.fixture
def untrained() -> tuple:
    reset_seeds(0)
    images = data.load("shapes", "test", 16, 200)
    return cifar_resnet(8, 10, residual=False).eval(), data.Batches(images, 100)


@pytest.mark.parametrize(
    "run",
    [LesionRun("residual 8", **SMALL), LandscapeRun("plain 8", **SMALL), RecipeRun("residual 8", shift=2, **SMALL)],
    ids=lambda run: type(run).__name__,
)
def test_a_record_is_valid_as_a_file_and_the_same_after_a_stop(run: Run, tmp_path: Path) -> None:
    checkpoint = tmp_path / "unfinished.pt"
    record = json.loads(json.dumps(perform(run, "shapes", checkpoint, FLOAT32)))
    assert check_record(record, run, Path("x.json")) is record
    assert checkpoint.is_file()  # as if it had been stopped between training and record
    again = json.loads(json.dumps(perform(run, "shapes", checkpoint, FLOAT32)))
    assert without_times(again) == without_times(record)


def test_lesions_are_measured_one_block_at_a_time_on_new_images(untrained: tuple) -> None:
    model, batches = untrained
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    measured = LesionRun("plain 8").measure(model, seen=None, unseen=batches)["lesion"]
    assert measured["guessing"] == pytest.approx(0.1)
    expected = [1 - evaluate(inspection.lesion(model, index), batches)[1] for index in range(3)]
    assert measured["test_errors"] == expected
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_middle_of_the_landscape_is_the_network_itself(untrained: tuple) -> None:
    model, batches = untrained
    measured = LandscapeRun("plain 8").measure(model, seen=batches, unseen=None)["landscape"]
    few = [next(iter(data.Batches(batches.dataset, 128, shuffle=True)))]
    assert measured["steps"][5] == 0
    assert [len(row) for row in measured["losses"]] == [11] * 11
    assert measured["losses"][5][5] == pytest.approx(evaluate(model, few)[0], rel=1e-5)
    assert measured["blind_loss"] == pytest.approx(2.302585)


def test_a_plain_run_measures_nothing_more(untrained: tuple) -> None:
    model, batches = untrained
    assert Run("plain 8").measure(model, batches, batches) == {}


def test_the_recipe_smooths_labels_and_changes_images() -> None:
    logits, targets = torch.tensor([[4.0, 0.0], [0.0, 4.0]]), torch.tensor([0, 1])
    run = RecipeRun("ResNet-18", label_smoothing=0.2, shift=3)
    smoothed = 0.9 * Run("ResNet-18").loss(logits, targets) + 0.1 * Run("ResNet-18").loss(logits, 1 - targets)
    assert run.loss(logits, targets) == pytest.approx(smoothed.item())
    assert run.augmentation() == data.Augmentation(shift=3, flip=True)
    assert Run("ResNet-18").augmentation() is None


def test_the_recipe_trains_the_usual_resnet18() -> None:
    with torch.device("meta"):
        model = RecipeRun("ResNet-18").build(10)
    assert inspection.count_parameters(model) == 11_173_962


@pytest.mark.parametrize(("network", "option"), [("residual 20", "option A"), ("residual 8 C", "option C")])
def test_the_shortcuts_of_a_run_in_words(network: str, option: str) -> None:
    assert shortcut_of({"network": network}) == option
    assert shortcut_of({"network": f"{network} C", "start": "identity shortcuts"}) == "C from the identity"
