"""Trained networks in files: small, whole, and the ones that the records describe."""

from pathlib import Path

import pytest
import torch

from resnet_course import data
from resnet_course.base.errors import CourseError
from resnet_course.experiments import PLANS, load_records, load_weights
from resnet_course.experiments.plans import build_network
from resnet_course.experiments.records import save_weights, weights_path
from resnet_course.training import evaluate

NETWORKS = PLANS["inside"].keeps_weights


def test_stored_and_loaded_again(tmp_path: Path) -> None:
    model = build_network("residual 8", 7)
    model(torch.randn(4, 3, 16, 16))  # moves the statistics of batch norm
    save_weights(model, weights_path("residual 8", "shapes", tmp_path), {"network": "residual 8"})
    draws = torch.random.get_rng_state()
    loaded = load_weights("residual 8", "shapes", tmp_path)
    assert torch.equal(torch.random.get_rng_state(), draws)
    assert not loaded.training
    assert loaded.linear.out_features == 7
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert torch.equal(loaded.bn1.running_mean, model.bn1.running_mean)


def test_missing_weights_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"there are no weights .*plain-20_shapes.*reproduce inside"):
        load_weights("plain 20", "shapes", tmp_path)


def test_damaged_weights_and_those_of_another_network_are_refused(tmp_path: Path) -> None:
    path = weights_path("plain 8", "shapes", tmp_path)
    save_weights(build_network("plain 14", 10), path, {})
    with pytest.raises(CourseError, match="another model"):
        load_weights("plain 8", "shapes", tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CourseError, match="is damaged"):
        load_weights("plain 8", "shapes", tmp_path)


@pytest.mark.parametrize(
    ("plan", "network"),
    [*(("inside", name) for name in NETWORKS), pytest.param("pictures", "narrow 18", marks=pytest.mark.complete)],
)
def test_the_shipped_weights_are_small_and_have_the_recorded_error(plan: str, network: str) -> None:
    assert network in PLANS[plan].keeps_weights
    assert weights_path(network).stat().st_size <= 2 * 2**20
    found = [record for record in load_records(plan) if record["configuration"]["network"] == network]
    record, run = found[0], found[0]["configuration"]
    assert run["seed"] == 0
    images = data.load("shapes", "train", run["image_size"], run["images"])
    _, accuracy = evaluate(load_weights(network), data.Batches(images, 500))
    assert 1 - accuracy == pytest.approx(record["train_error"], abs=0.002)  # another machine may round differently
