import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from resnet_course.base.errors import CourseError
from resnet_course.data import ImageSet, make_shapes, split_validation, stratified_sample


def numbered(targets: torch.Tensor) -> ImageSet:
    """Images that show their own number, so that they can be told apart."""
    numbers = torch.arange(len(targets), dtype=torch.uint8)
    images = numbers.view(-1, 1, 1, 1).repeat(1, 3, 4, 4)
    return ImageSet(images, targets, [f"class {label}" for label in range(int(targets.max()) + 1)])


def numbers_of(dataset: ImageSet) -> list[int]:
    return dataset.images[:, 0, 0, 0].tolist()


def test_items_are_images_between_0_and_1_with_a_label_and_a_dataloader_takes_them() -> None:
    images, targets = make_shapes(6, 16)
    dataset = ImageSet(images, targets, [str(label) for label in range(10)])
    image, label = dataset[2]
    assert (len(dataset), dataset.image_size, image.dtype, type(label)) == (6, 16, torch.float32, int)
    assert label == targets[2]
    torch.testing.assert_close(image, images[2] / 255)
    batch, labels = next(iter(DataLoader(dataset, batch_size=4)))
    assert batch.shape == (4, 3, 16, 16)
    assert torch.equal(labels, targets[:4])


def test_subset_keeps_the_order_asked_for() -> None:
    dataset = numbered(torch.tensor([0, 1, 0, 1])).subset(torch.tensor([3, 0]))
    assert numbers_of(dataset) == [3, 0]
    assert dataset.targets.tolist() == [1, 0]


BYTES = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
LABELS = torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("images", "targets", "said"),
    [
        (BYTES.float(), LABELS, "uint8"),
        (BYTES[0], LABELS, "uint8"),
        (BYTES[:, :1], LABELS, "uint8"),
        (BYTES.permute(0, 2, 3, 1), LABELS, "uint8"),
        (BYTES, LABELS[:3], "4 int64 labels"),
        (BYTES, LABELS.int(), "int64"),
        (BYTES, LABELS.view(4, 1), "int64"),
        (BYTES, LABELS + 1, "between 0 and 1"),
        (BYTES, LABELS - 1, "between 0 and 1"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(images: torch.Tensor, targets: torch.Tensor, said: str) -> None:
    with pytest.raises(CourseError, match=said):
        ImageSet(images, targets, ["a", "b"])


def test_channel_statistics_are_those_of_all_pixels() -> None:
    images, targets = make_shapes(300, 16)
    images = images.float().mul(torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)).byte()  # three different channels
    mean, std = ImageSet(images, targets, range(10)).channel_statistics()
    pixels = images.numpy().astype(np.float64) / 255
    np.testing.assert_allclose(mean.numpy(), pixels.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std.numpy(), pixels.std(axis=(0, 2, 3)), rtol=1e-6)


UNEVEN = torch.tensor([0] * 60 + [1] * 25 + [2] * 13 + [3] * 2)


@pytest.mark.parametrize("count", [1, 7, 50, 99, 100])
def test_stratified_sample_gives_every_class_its_share(count: int) -> None:
    chosen = stratified_sample(UNEVEN, count, seed=5)
    assert len(chosen) == count
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    share = torch.bincount(UNEVEN) * count / len(UNEVEN)
    assert (torch.bincount(UNEVEN[chosen], minlength=4) - share).abs().max() <= 1


def test_stratified_sample_depends_on_the_seed_alone() -> None:
    torch.manual_seed(0)
    one = stratified_sample(UNEVEN, 30, seed=1)
    torch.manual_seed(1)
    assert torch.equal(one, stratified_sample(UNEVEN, 30, seed=1))
    assert not torch.equal(one, stratified_sample(UNEVEN, 30, seed=2))


@pytest.mark.parametrize("fraction", [0.1, 0.33, 0.5])
def test_split_validation_gives_all_images_none_twice_every_class_its_share(fraction: float) -> None:
    dataset = numbered(UNEVEN)
    train, validation = split_validation(dataset, fraction, seed=2)
    assert len(validation) == round(fraction * 100)
    assert sorted(numbers_of(train) + numbers_of(validation)) == list(range(100))
    for part in (train, validation):
        assert torch.equal(part.targets, UNEVEN[torch.tensor(numbers_of(part))])
        share = torch.bincount(UNEVEN) * len(part) / 100
        assert (torch.bincount(part.targets, minlength=4) - share).abs().max() <= 1


@pytest.mark.parametrize("fraction", [0.0, 0.001, 1.0, -0.1, 2.0])
def test_split_validation_leaves_neither_part_empty(fraction: float) -> None:
    with pytest.raises(CourseError, match="empty"):
        split_validation(numbered(UNEVEN), fraction)
