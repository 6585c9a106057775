"""Runs that train or measure in a way of their own: seconds each."""

import itertools
import json
import random
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from experiments_helpers import without_times

from resnet_course import data, inspection
from resnet_course.experiments import inside, perform
from resnet_course.experiments.inside import InsideRun
from resnet_course.experiments.plans import RecipeRun, Run, shortcut_of
from resnet_course.experiments.records import check_record
from resnet_course.models import cifar_resnet
from resnet_course.training import FLOAT32, evaluate, reset_seeds

SMALL = {"epochs": 1, "images": 100, "batch_size": 50}


@pytest.fixture
def untrained() -> tuple:
    reset_seeds(0)
    images = data.load("shapes", "test", 16, 200)
    return cifar_resnet(8, 10, residual=False).eval(), data.Batches(images, 100)


def test_a_record_is_valid_as_a_file_and_the_same_after_a_stop(tmp_path: Path) -> None:
    run = RecipeRun("residual 8", shift=2, **SMALL)
    checkpoint = tmp_path / "unfinished.pt"
    record = json.loads(json.dumps(perform(run, "shapes", checkpoint, FLOAT32)))
    assert check_record(record, run, Path("x.json")) is record
    assert checkpoint.is_file()  # as if it had been stopped between training and record
    again = json.loads(json.dumps(perform(run, "shapes", checkpoint, FLOAT32)))
    assert without_times(again) == without_times(record)


@pytest.mark.parametrize("network", [pytest.param("residual 14", marks=pytest.mark.complete), "plain 8"])
def test_what_is_measured_inside_is_valid_and_the_same_again(network: str) -> None:
    run = InsideRun(network, points=3, **SMALL)
    records = [json.loads(json.dumps(perform(run, "shapes", None, FLOAT32))) for _ in range(2)]
    assert check_record(records[0], run, Path("x.json")) is records[0]
    assert without_times(records[0]) == without_times(records[1])
    found = records[0]["inside"]
    assert len(found["one"]) == (6 if network == "residual 14" else 3)
    assert [each["blocks"] for each in found["several"]] == ([2, 3, 4] if network == "residual 14" else [2])
    assert ("paths" in found) == (network == "residual 14")
    if "paths" in found:
        assert sum(found["paths"]) == pytest.approx(1, abs=1e-4)


def test_a_training_ends_at_the_first_state_of_equal_loss() -> None:
    small = {"images": 100, "batch_size": 25, "epochs": 4}
    losses = {}
    for wanted in (2.0, 0.0):
        record = perform(InsideRun("residual 8", equal_loss=wanted, learning_rate=1e-2, points=3, **small), "shapes")
        losses[wanted] = record["train_loss"]
        assert len(record["curves"]["train_loss"]) == 4
    assert losses[0.0] < losses[2.0] <= 2.0


def test_lesions_are_measured_one_block_at_a_time_on_new_images(untrained: tuple) -> None:
    model, batches = untrained
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    measured = InsideRun("plain 8", points=3).measure(model, batches, batches)["inside"]
    assert measured["guessing"] == pytest.approx(0.1)
    expected = [1 - evaluate(inspection.lesion(model, index), batches)[1] for index in range(3)]
    assert measured["one"] == expected
    first_and_last = inspection.lesion(inspection.lesion(model, 0), 2)
    assert 1 - evaluate(first_and_last, batches)[1] in measured["several"][0]["errors"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_middle_of_the_landscape_is_the_network_itself(untrained: tuple) -> None:
    model, batches = untrained
    measured = InsideRun("plain 8", points=5).measure(model, batches, batches)["inside"]["landscape"]
    few = [next(iter(data.Batches(batches.dataset, 128, shuffle=True)))]
    assert measured["steps"] == [-0.5, -0.25, 0, 0.25, 0.5]
    assert [len(row) for row in measured["losses"]] == [5] * 5
    assert measured["losses"][2][2] == pytest.approx(evaluate(model, few)[0], rel=1e-3)
    assert measured["blind_loss"] == pytest.approx(2.302585)


@torch.no_grad()
def test_a_swap_exchanges_two_blocks_of_a_stage_that_keep_the_shape() -> None:
    model = cifar_resnet(20)
    names = {block: (stage, place) for stage, blocks in enumerate(model.stages) for place, block in enumerate(blocks)}
    weights = [block.conv1.weight.sum().item() for block in names]
    for seed in range(10):
        changed = inside.swapped(model, 1, random.Random(seed))
        now = [block.conv1.weight.sum().item() for stage in changed.stages for block in stage]
        moved = [place for place in range(9) if now[place] != weights[place]]
        assert len(moved) == 2
        assert moved[0] // 3 == moved[1] // 3
        assert not {3, 6} & set(moved)
        assert sorted(now) == sorted(weights)


def test_the_parts_of_the_gradient_by_length_are_those_of_the_paths() -> None:
    """Each path by itself: at every block either F or the shortcut is cut off from the gradient."""
    torch.manual_seed(0)
    model = cifar_resnet(8, width=4)
    model(torch.randn(8, 3, 16, 16))
    model.eval()
    x, targets = torch.randn(3, 3, 16, 16), torch.tensor([0, 1, 2])
    blocks = [stage[0] for stage in model.stages]
    expected = [0.0] * 4
    for path in itertools.product((False, True), repeat=3):
        start = F.relu(model.bn1(model.conv1(x))).detach().requires_grad_()
        out = start
        for block, through in zip(blocks, path, strict=True):
            inner, around = block.transform(out), block.shortcut(out)
            out = F.relu(inner + around.detach() if through else inner.detach() + around)
        loss = F.cross_entropy(model.linear(F.adaptive_avg_pool2d(out, 1).flatten(1)), targets)
        expected[sum(path)] += torch.autograd.grad(loss, start)[0]
    parts = inside.gradient_parts_by_length(model, x, targets)
    assert torch.allclose(parts, torch.stack(expected), atol=1e-6)


def test_channels_are_compared_by_their_correlation() -> None:
    before = torch.randn(4, 3, 5, 5)
    after = torch.stack([2 * before[:, 0] + 1, -before[:, 2], torch.ones(4, 5, 5)], 1)
    found = inside.channel_correlations(before, after)
    assert found[0, 0] == pytest.approx(1, abs=1e-5)
    assert found[2, 1] == pytest.approx(-1, abs=1e-5)
    assert found[:, 2].abs().max() == 0


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
