import pytest
import torch
import torchvision
from torch import nn

from resnet_course.models import VGG, TinyVGG, vgg16, vgg_block


def test_vgg16_parameters() -> None:
    with torch.device("meta"):  # shapes only: no memory for 138 million numbers
        model = vgg16(1000)
    assert sum(parameter.numel() for parameter in model.parameters()) == 138_357_544


def test_vgg16_gives_torchvisions_logits_from_the_same_parameters() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.vgg16(num_classes=10, init_weights=False).eval()
    with torch.device("meta"):
        ours = vgg16(10).eval()
    mine = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict(dict(mine), assign=True)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("num_convs", "parameters"), [(1, 3 * 6 * 9 + 6), (3, 3 * 6 * 9 + 6 + 2 * (6 * 6 * 9 + 6))])
def test_vgg_block_halves_the_image(num_convs: int, parameters: int) -> None:
    block = vgg_block(3, 6, num_convs)
    assert block(torch.zeros(2, 3, 9, 8)).shape == (2, 6, 4, 4)
    assert sum(parameter.numel() for parameter in block.parameters()) == parameters


@pytest.mark.parametrize("image_size", [32, 64])
def test_tiny_vgg_is_made_for_one_image_size(image_size: int) -> None:
    model = TinyVGG(image_size=image_size, num_classes=7)
    assert model(torch.zeros(2, 3, image_size, image_size)).shape == (2, 7)
    with pytest.raises(RuntimeError):
        model(torch.zeros(2, 3, image_size * 2, image_size * 2))


@pytest.mark.parametrize("image_size", [0, 2, 30])
def test_tiny_vgg_refuses_sizes_that_two_poolings_cannot_halve(image_size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        TinyVGG(image_size=image_size)


@pytest.mark.parametrize("size", [32, 40])
def test_vgg_takes_any_image_from_32_pixels_and_every_parameter_gets_a_gradient(size: int) -> None:
    torch.manual_seed(0)
    model = VGG([(4,), (4,), (4,), (4,), (4, 4)], num_classes=3)
    logits = model(torch.randn(4, 3, size, size))
    assert logits.shape == (4, 3)
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())
