import random

import numpy as np
import pytest
import torch

from resnet_course.training import reset_seeds


def draw() -> tuple[float, float, float, list[float]]:
    return random.random(), np.random.rand(), torch.rand(1).item(), torch.nn.Linear(2, 2).weight.flatten().tolist()


@pytest.mark.parametrize(("seed", "again"), [((0,), (0,)), ((42,), (42,)), ((), (42,))])
def test_the_same_seed_gives_the_same_numbers_and_the_default_is_42(seed: tuple[int], again: tuple[int]) -> None:
    reset_seeds(*seed)
    first = draw()
    assert all(one != other for one, other in zip(first, draw(), strict=True))
    reset_seeds(*again)
    assert draw() == first


def test_another_seed_gives_other_numbers_from_every_generator() -> None:
    reset_seeds(1)
    first = draw()
    reset_seeds(2)
    assert all(one != other for one, other in zip(first, draw(), strict=True))
