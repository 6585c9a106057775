from pathlib import Path

import pytest
import torch

from resnet_course.base.errors import CourseError
from resnet_course.data import load

UNKNOWN = ("imagenet", "cifar-10", "cifar100")


@pytest.mark.parametrize(
    ("split", "limit", "asked", "count", "size"),
    [
        ("train", None, 8, 10_000, 8),
        ("test", None, 8, 2_000, 8),
        *(("train", 10, size, 10, size) for size in (16, 64)),
        ("train", 100, None, 100, 32),
    ],
)
def test_shapes_have_the_size_asked_for_or_32_and_balanced_labels(split, limit, asked, count: int, size: int) -> None:
    dataset = load("shapes", split, image_size=asked, limit=limit)
    assert dataset.images.shape == (count, 3, size, size)
    assert (len(dataset), dataset.image_size, len(dataset.classes)) == (count, size, 10)
    assert torch.bincount(dataset.targets).tolist() == [count // 10] * 10


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
