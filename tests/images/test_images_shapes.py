import pytest
import torch

from resnet_course.data import make_shapes
from resnet_course.images.shapes import CLASSES


@pytest.mark.parametrize("image_size", [16, 32, 64])
def test_shape_type_and_range(image_size: int) -> None:
    images, targets = make_shapes(50, image_size)
    assert (images.shape, images.dtype) == ((50, 3, image_size, image_size), torch.uint8)
    assert (targets.shape, targets.dtype) == ((50,), torch.int64)
    assert images.float().std() > 20  # there is something to see


@pytest.mark.parametrize("count", [0, 1, 10, 200, 515, 1030])
def test_classes_are_balanced_to_within_one_image_and_shuffled(count: int) -> None:
    images, targets = make_shapes(count, 16)
    per_class = torch.bincount(targets, minlength=len(CLASSES))
    assert len(images) == len(targets) == count
    assert per_class.max() - per_class.min() <= 1
    assert count < 200 or not torch.equal(targets, torch.arange(count) % len(CLASSES))


def test_a_seed_gives_the_same_bytes_whatever_threads_and_global_generator_which_is_left_alone() -> None:
    threads = torch.get_num_threads()
    torch.manual_seed(1)
    first = make_shapes(100, 32, seed=3)
    try:
        torch.set_num_threads(threads + 1)
        torch.manual_seed(2)
        state = torch.get_rng_state()
        assert all(map(torch.equal, first, make_shapes(100, 32, seed=3)))
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(threads)


def test_another_seed_gives_other_images_and_another_order() -> None:
    images, targets = make_shapes(100, 16, seed=0)
    others, other_targets = make_shapes(100, 16, seed=1)
    assert not torch.equal(targets, other_targets)
    assert not any(torch.equal(image, other) for image in images for other in others)


def test_no_image_comes_twice() -> None:
    images, _ = make_shapes(1200, 16)
    assert len(images.flatten(1).unique(dim=0)) == 1200


def test_no_two_classes_look_alike_on_average() -> None:
    images, targets = make_shapes(2000, 16)
    means = torch.stack([images[targets == label].float().mean(0).flatten() for label in range(len(CLASSES))])
    distances = torch.cdist(means, means) / means.shape[1] ** 0.5  # in grey levels of a pixel
    assert distances[~torch.eye(len(CLASSES), dtype=torch.bool)].min() > 2


def test_the_shape_is_brighter_than_its_surroundings() -> None:
    images, targets = make_shapes(500, 32)
    discs = images[targets == CLASSES.index("disc")].float()
    assert discs[:, :, 14:18, 14:18].mean() > 2 * discs[:, :, :2].mean()


@pytest.mark.parametrize(("count", "image_size"), [(-1, 32), (10, 7)])
def test_sizes_that_make_no_sense_are_refused(count: int, image_size: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        make_shapes(count, image_size)
