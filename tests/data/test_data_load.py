from pathlib import Path

import pytest
import torch

from resnet_course.base.errors import CourseError
from resnet_course.data import load

UNKNOWN = ("imagenet", "cifar-10", "cifar100")


@pytest.mark.parametrize(("split", "count"), [("train", 10_000), ("test", 2_000)])
def test_shapes_have_a_fixed_size(split: str, count: int) -> None:
    dataset = load("shapes", split, image_size=8)
    assert (len(dataset), len(dataset.targets), len(dataset.classes)) == (count, count, 10)


@pytest.mark.parametrize("image_size", [16, 64])
def test_shapes_at_any_size(image_size: int) -> None:
    assert load("shapes", "train", image_size=image_size, limit=10).images.shape == (10, 3, image_size, image_size)


def test_shapes_have_32_pixels_by_default_and_balanced_labels() -> None:
    dataset = load("shapes", "train", limit=100)
    assert dataset.image_size == 32
    assert torch.bincount(dataset.targets).tolist() == [10] * 10


def test_splits_and_seeds_are_different_images_and_repeat() -> None:
    sets = [load("shapes", split, 16, limit=40, seed=seed) for seed in (0, 1, 2) for split in ("train", "test")]
    pictures = torch.cat([dataset.images for dataset in sets]).flatten(1)
    assert len(pictures.unique(dim=0)) == 240
    assert torch.equal(sets[0].images, load("shapes", "train", 16, limit=40, seed=0).images)


@pytest.mark.parametrize(
    ("name", "split", "limit", "said"),
    [
        *((name, "train", None, "'shapes', 'cifar10', 'fashion_mnist' or the path") for name in UNKNOWN),
        *(("shapes", split, None, "'train' or 'test'") for split in ("validation", "Train", None)),
        *(("shapes", "train", limit, "at least 1") for limit in (0, -5)),
    ],
)
def test_what_is_unknown_is_met_with_what_there_is(name: str, split: str, limit: int | None, said: str) -> None:
    with pytest.raises(CourseError, match=said):
        load(name, split, limit=limit)


def test_a_path_of_the_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(CourseError, match=f"no folder {tmp_path}"):
        load("~/photos", "train")
