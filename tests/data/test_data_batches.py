import pytest
import torch

from resnet_course.data import Augmentation, Batches, ImageSet, make_shapes
from resnet_course.data.batches import apply_moves, draw_moves

PLAIN = {"mean": torch.zeros(3), "std": torch.ones(3)}  # leaves pixels as they are, in [0, 1]


def numbered(count: int = 23) -> ImageSet:
    numbers = torch.arange(count, dtype=torch.uint8)
    return ImageSet(numbers.view(-1, 1, 1, 1).repeat(1, 3, 4, 4), numbers.long() % 3, ["a", "b", "c"])


def order(batches: Batches) -> list[int]:
    """Numbers of the images of one pass."""
    return [round(number * 255) for images, _ in batches for number in images[:, 0, 0, 0].tolist()]


@pytest.mark.parametrize(("batch_size", "sizes"), [(5, [5, 5, 5, 5, 3]), (23, [23]), (100, [23]), (1, [1] * 23)])
def test_batch_sizes(batch_size: int, sizes: list[int]) -> None:
    batches = Batches(numbered(), batch_size, shuffle=True)
    assert [len(targets) for _, targets in batches] == sizes
    assert len(batches) == len(sizes)


def test_every_image_comes_once_an_epoch_with_its_label_in_a_new_order() -> None:
    batches = Batches(numbered(), 5, shuffle=True, **PLAIN)
    passes = []
    for _ in range(3):
        pairs = [pair for images, targets in batches for pair in zip(images[:, 0, 0, 0], targets, strict=True)]
        passes.append([round(number.item() * 255) for number, _ in pairs])
        assert [target.item() for _, target in pairs] == [number % 3 for number in passes[-1]]
    assert [sorted(numbers) for numbers in passes] == [list(range(23))] * 3
    assert passes[0] != passes[1] != passes[2] != passes[0]


def test_without_shuffle_the_order_is_the_data_sets() -> None:
    batches = Batches(numbered(), 5, **PLAIN)
    assert order(batches) == order(batches) == list(range(23))


def test_order_and_augmentation_depend_on_seed_and_epoch_alone() -> None:
    dataset = ImageSet(*make_shapes(40, 16), range(10))

    def passes(seed: int) -> list[torch.Tensor]:
        batches = Batches(dataset, 16, shuffle=True, augmentation=Augmentation(), seed=seed)
        return [torch.cat([images for images, _ in batches]) for _ in range(2)]

    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = passes(0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert all(map(torch.equal, first, passes(0)))
    assert not any(torch.equal(one, other) for one in first for other in passes(1))


def test_set_epoch_repeats_a_pass() -> None:
    batches = Batches(numbered(), 5, shuffle=True, augmentation=Augmentation(0, flip=False), **PLAIN)
    passes = [order(batches) for _ in range(3)]
    batches.set_epoch(1)
    assert [order(batches), order(batches)] == passes[1:]


def test_an_abandoned_pass_does_not_disturb_the_next() -> None:
    whole, broken_off = Batches(numbered(), 5, shuffle=True, **PLAIN), Batches(numbered(), 5, shuffle=True, **PLAIN)
    order(whole)
    next(iter(broken_off))
    assert order(broken_off) == order(whole)


def test_normalised_to_mean_0_and_deviation_1() -> None:
    dataset = ImageSet(*make_shapes(200, 16), range(10))
    images = torch.cat([images for images, _ in Batches(dataset, 64)])
    assert images.dtype == torch.float32
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3), unbiased=False), torch.ones(3), atol=1e-4, rtol=0)


def test_normalised_by_the_numbers_given() -> None:
    dataset = ImageSet(*make_shapes(20, 16), range(10))
    mean, std = torch.tensor([0.1, 0.5, 0.9]), torch.tensor([1.0, 0.5, 2.0])
    images, _ = next(iter(Batches(dataset, 20, mean=mean, std=std)))
    expected = (dataset.images / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(images, expected)


def test_batch_size_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size"):
        Batches(numbered(), 0)


def shifted(image: torch.Tensor, down: int, right: int, flip: bool) -> torch.Tensor:
    """One image moved pixel by pixel, zeros where nothing comes from."""
    _, height, width = image.shape
    source = image.flip(2) if flip else image
    out = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                out[:, row, column] = source[:, row - down, column - right]
    return out


def augment(images: torch.Tensor, augmentation: Augmentation) -> torch.Tensor:
    moves = draw_moves(len(images), augmentation, torch.Generator().manual_seed(0))
    return apply_moves(images, moves, augmentation)


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize(("height", "width", "shift"), [(6, 6, 1), (5, 7, 2), (4, 4, 0)])
def test_every_augmented_image_is_a_shift_and_perhaps_a_flip(height: int, width: int, shift: int, flip: bool) -> None:
    image = torch.rand(2, height, width)
    batch = augment(image.expand(600, -1, -1, -1), Augmentation(shift, flip))
    assert batch.shape == (600, 2, height, width)
    moves = range(-shift, shift + 1)
    sides = [False, True] if flip else [False]
    changes = [(down, right, side) for down in moves for right in moves for side in sides]
    found = torch.stack([(batch == shifted(image, *change)).flatten(1).all(1) for change in changes])
    assert torch.equal(found.sum(0), torch.ones(600, dtype=torch.int64))  # each image is exactly one of the changes
    shares = found.double().mean(1) * len(changes)
    assert shares.min() > 0.2  # and all changes happen, about equally often
    assert shares.max() < 2.2


def test_images_of_a_batch_are_changed_each_on_its_own() -> None:
    images = torch.rand(64, 3, 8, 8)
    out = augment(images, Augmentation(shift=0, flip=True))
    flipped = (out == images.flip(3)).flatten(1).all(1)
    assert torch.equal(out[~flipped], images[~flipped])
    assert 16 < flipped.sum() < 48


def test_batches_augment_after_normalising() -> None:
    """Uncovered pixels are the mean colour, which is 0 in normalised images."""
    white = ImageSet(torch.full((64, 3, 8, 8), 255, dtype=torch.uint8), torch.zeros(64, dtype=torch.int64), ["white"])
    batches = Batches(white, 64, augmentation=Augmentation(2), mean=torch.full((3,), 0.5), std=torch.full((3,), 0.25))
    images, _ = next(iter(batches))
    assert sorted(images.unique().tolist()) == pytest.approx([0, 2])


@pytest.mark.parametrize(("count", "size", "sizes"), [(11, 5, [5, 6]), (6, 5, [6]), (1, 5, [1]), (12, 5, [5, 5, 2])])
def test_a_last_image_alone_joins_the_batch_before(count: int, size: int, sizes: list[int]) -> None:
    batches = Batches(numbered(count), size, shuffle=True, augmentation=Augmentation(1))
    assert [len(targets) for _, targets in batches] == sizes
    assert len(batches) == len(sizes)


def test_a_constant_channel_becomes_zero() -> None:
    images = numbered().images.clone()
    images[:, 1] = 77
    (found, _), *_ = Batches(ImageSet(images, numbered().targets, ["a", "b", "c"]), 23)
    assert found.isfinite().all()
    assert found[:, 1].abs().max() < 1e-6
    assert found[:, 0].std() > 0.9
