"""Networks without one block, and the norms of what blocks add, against numbers worked out by hand."""

import pytest
import torch
import torch.nn.functional as F
from models_helpers import left_alone
from torch import nn

from resnet_course.inspection import lesion
from resnet_course.models import ResNet, cifar_resnet, resnet18, resnet50

X = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def used(model: ResNet) -> ResNet:
    """A network whose batch norms have seen images, in eval mode."""
    model(torch.randn(8, 3, 16, 16))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model.eval()


def stem(model: ResNet) -> torch.Tensor:
    return F.relu(model.bn1(model.conv1(X)))


@torch.no_grad()
def test_a_residual_block_that_keeps_the_shape_becomes_the_identity() -> None:
    model = used(cifar_resnet(14, width=4))
    last = model.layer3(model.layer2(model.layer1[1](stem(model))))
    expected = model.linear(F.adaptive_avg_pool2d(last, 1).flatten(1))
    assert torch.allclose(lesion(model, 0)(X), expected, atol=1e-6)


@torch.no_grad()
def test_a_residual_block_that_changes_the_shape_leaves_its_own_shortcut() -> None:
    model = used(resnet18(width=4))
    x = model.layer1(stem(model))
    damaged = lesion(model, 2)
    assert torch.allclose(damaged.layer2[0](x), F.relu(model.layer2[0].shortcut(x)))
    assert damaged(X).shape == (2, 10)


@torch.no_grad()
def test_a_plain_block_leaves_the_shortcut_without_weights() -> None:
    model = used(cifar_resnet(14, residual=False, width=4))
    x = model.layer1(stem(model))
    kept, halved = lesion(model, 1), lesion(model, 2)
    assert torch.equal(kept.layer1[1](x), x)
    assert torch.equal(halved.layer2[0](x)[:, 2:6], x[:, :, ::2, ::2])
    assert not halved.layer2[0](x)[:, [0, 1, 6, 7]].any()


@pytest.mark.parametrize("make", [resnet50, lambda: cifar_resnet(20, residual=False)], ids=["bottleneck", "plain"])
@torch.no_grad()
def test_every_block_of_any_network_can_be_taken_out(make) -> None:
    model = make().eval()
    blocks = sum(len(stage) for stage in model.stages)
    whole = model(X)
    for index in range(blocks):
        damaged = lesion(model, index)
        assert damaged(X).shape == whole.shape
        assert sum(a is not b for a, b in zip(damaged.modules(), model.modules(), strict=False)) > 0


@pytest.mark.parametrize("residual", [True, False])
def test_the_network_itself_is_left_alone(residual: bool) -> None:
    model = used(cifar_resnet(8, residual=residual, width=4)).train()
    model.layer2.eval()
    with left_alone(model):
        damaged = lesion(model, 1)
        for parameter in damaged.parameters():
            nn.init.zeros_(parameter)
    assert damaged.training
    assert not damaged.layer2[0].training


@pytest.mark.parametrize("index", [-1, 3, 100])
def test_a_block_that_is_not_there_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match=f"blocks 0 to 2, there is no block {index}"):
        lesion(cifar_resnet(8, width=4), index)


def test_a_block_of_unknown_kind_is_refused() -> None:
    model = cifar_resnet(8, width=4)
    model.layer1[0] = nn.Conv2d(4, 4, 1)
    with pytest.raises(TypeError, match="Conv2d"):
        lesion(model, 0)
