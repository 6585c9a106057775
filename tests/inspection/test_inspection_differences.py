"""What a difference means: by pairs of one seed, and from the first layer to the last."""

import math

import pytest
import torch
from torch import nn

from resnet_course.data import Batches, load
from resnet_course.inspection import gradient_similarity, paired_difference, trend
from resnet_course.inspection.differences import T_95
from resnet_course.models import cifar_resnet


@pytest.mark.parametrize(
    ("first", "second", "above", "within"),
    [
        ([0.5, 0.6, 0.7], [0.1, 0.2, 0.3], True, False),
        ([0.1, 0.2, 0.3], [0.5, 0.6, 0.7], False, False),
        ([0.5, 0.6, 0.7], [0.6, 0.5, 0.7], None, None),
        ([0.500, 0.501, 0.499], [0.500, 0.500, 0.500], None, True),
        ([0.9], [0.1], None, None),  # one seed tells nothing
    ],
)
def test_the_three_answers(first, second, above, within) -> None:
    difference = paired_difference(first, second)
    assert difference.is_above() is above
    assert difference.is_within(0.02) is within


def test_the_interval_is_students() -> None:
    """Differences 1, 2, 3: mean 2, deviation 1, standard error 1/√3, t = 4.30 with two degrees of freedom."""
    difference = paired_difference([2, 4, 6], [1, 2, 3])
    assert difference.mean == 2
    assert difference.reach == pytest.approx(4.30 / math.sqrt(3))
    assert str(difference) == "+2.000 ± 2.483 (3 seeds, 95 %)"
    assert difference.is_above(-1) is True
    assert difference.is_above(5) is False
    many = paired_difference([1, 2] * 10, [0] * 20)
    assert many.reach == pytest.approx(2 * 0.513 / math.sqrt(20), rel=1e-3)
    assert list(T_95) == sorted(T_95, reverse=True)


@pytest.mark.parametrize(("first", "second"), [([], []), ([1, 2], [1])])
def test_numbers_that_are_no_pairs_are_refused(first, second) -> None:
    with pytest.raises(ValueError, match=f"got {len(first)} and {len(second)}"):
        paired_difference(first, second)


def test_one_seed_is_said() -> None:
    assert str(paired_difference([0.9], [0.1])) == "+0.800 with one seed, which says nothing about the spread"


@pytest.mark.parametrize(
    ("norms", "word"),
    [
        ([1e-3, 1.0], "vanishes"),
        ([0.02, 5.0, 1.0], "neither"),
        ({"conv1": 99.0, "conv2": 1.0}, "neither"),
        ({"conv1": 100.0, "conv2": 1.0}, "explodes"),
        ([1.0, 0.0], "explodes"),
    ],
)
def test_vanish_and_explode_have_one_definition(norms, word: str) -> None:
    assert trend(norms) == word


def test_gradients_of_a_linear_network_agree_and_of_a_deep_plain_one_do_not() -> None:
    torch.manual_seed(0)
    images, targets = next(iter(Batches(load("shapes", "train", 16, 64), 64)))
    linear = nn.Sequential(nn.Flatten(), nn.Linear(768, 10))
    assert gradient_similarity(linear, images, targets, noise=1e-4) == pytest.approx(1, abs=1e-4)
    plain, residual = (cifar_resnet(56, residual=residual) for residual in (False, True))
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    assert gradient_similarity(plain, images, targets) < 0.3 < gradient_similarity(residual, images, targets)
    assert all(torch.equal(tensor, before[name]) for name, tensor in plain.state_dict().items())
    assert not images.requires_grad
    assert gradient_similarity(plain, images, targets, noise=0) == pytest.approx(1, abs=1e-4)
