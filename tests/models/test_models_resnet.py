import itertools
from functools import partial

import pytest
import torch
import torchvision
from models_helpers import left_alone
from torch import nn

from resnet_course.inspection import count_parameters
from resnet_course.models import (
    BasicBlock,
    Bottleneck,
    PlainBlock,
    ResNet,
    TinyVGG,
    cifar_resnet,
    load_torchvision_state_dict,
    plain18,
    resnet18,
    resnet34,
    resnet50,
)

OURS = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50}


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_cifar_family_has_the_parameters_of_table_6(depth: int, millions: float) -> None:
    count = count_parameters(cifar_resnet(depth))
    assert count == count_parameters(cifar_resnet(depth, residual=False))
    assert round(count / 1e6, 1 if depth == 110 else 2) == millions


def test_exact_parameters_at_depth_20_by_shortcut_option() -> None:
    projections = sum(width * width * 2 + 2 * 2 * width for width in (16, 32))
    a, b, c = (count_parameters(cifar_resnet(20, shortcut=option)) for option in "ABC")
    assert (a, b) == (269_722, 269_722 + projections)
    assert c > b


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_depth_counts_the_layers_with_weights(depth: int) -> None:
    layers = [m for m in cifar_resnet(depth).modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) == depth


@pytest.mark.parametrize(
    ("make", "argument", "said"),
    [
        *((cifar_resnet, depth, "6n") for depth in (-4, 0, 2, 9, 18, 57)),
        *((partial(ResNet, BasicBlock), num_blocks, "at least one block") for num_blocks in ([], [2, 0, 2])),
        (lambda stem: resnet18(stem=stem), "mnist", "'mnist'"),
    ],
)
def test_a_network_that_does_not_exist_is_refused(make, argument: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make(argument)


def randomise_batch_norm(model: nn.Module) -> None:
    """Fresh batch norms are all alike; random ones show a swapped or forgotten one."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.2)
            nn.init.normal_(module.bias, std=0.2)


@pytest.mark.parametrize("name", OURS)
def test_same_logits_as_torchvision(name: str) -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, weights=None).eval()
    randomise_batch_norm(theirs)
    ours = OURS[name](1000, stem="imagenet").eval()
    load_torchvision_state_dict(ours, theirs.state_dict())
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected, logits = theirs(x), ours(x)
    assert (expected[0] - expected[1]).abs().max() > 0.01  # the images do make a difference
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "classes", "stem", "said"),
    [
        ("resnet34", 10, "imagenet", "left over: layer1.2"),
        ("resnet18", 9, "imagenet", r"linear.weight has shape \(9, 512\)"),
        ("resnet18", 10, "cifar", "conv1.weight has shape"),
        ("resnet50", 10, "imagenet", "conv3"),
    ],
)
def test_weights_of_another_network_are_refused_and_nothing_is_loaded(
    name: str, classes: int, stem: str, said: str
) -> None:
    model = resnet18(10, stem=stem)
    other = torchvision.models.get_model(name, weights=None, num_classes=classes)
    with left_alone(model), pytest.raises(ValueError, match=said):
        load_torchvision_state_dict(model, other.state_dict())


def test_missing_weights_are_named() -> None:
    state = torchvision.models.resnet18(num_classes=10).state_dict()
    del state["fc.bias"]
    with pytest.raises(ValueError, match=r"missing: linear\.bias"):
        load_torchvision_state_dict(resnet18(10, stem="imagenet"), state)


def test_checkpoints_of_the_common_cifar_code_load_unchanged() -> None:
    def norm(name: str) -> list[str]:
        parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        return [f"{name}.{part}" for part in parts]

    names = ["conv1.weight", *norm("bn1"), "linear.weight", "linear.bias"]
    for stage, block in itertools.product((1, 2, 3, 4), (0, 1)):
        prefix = f"layer{stage}.{block}"
        names += [f"{prefix}.conv1.weight", *norm(f"{prefix}.bn1")]
        names += [f"{prefix}.conv2.weight", *norm(f"{prefix}.bn2")]
        if stage > 1 and block == 0:
            names += [f"{prefix}.shortcut.0.weight", *norm(f"{prefix}.shortcut.1")]
    assert set(resnet18().state_dict()) == set(names)


class DoubleBlock(nn.Module):
    """A learner's own block: doubles the width it is asked for."""

    expansion = 2

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_planes, 2 * planes, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


SMALL = {
    "resnet18": lambda: resnet18(width=8),
    "resnet18, ImageNet stem": lambda: resnet18(width=8, stem="imagenet"),
    "resnet50": lambda: resnet50(width=8),
    "plain18": lambda: plain18(width=8),
    "residual 8, A": lambda: cifar_resnet(8, shortcut="A"),
    "residual 8, B": lambda: cifar_resnet(8, shortcut="B"),
    "residual 8, C": lambda: cifar_resnet(8, shortcut="C"),
    "plain 8": lambda: cifar_resnet(8, residual=False),
    "own block": lambda: ResNet(DoubleBlock, [1, 1], width=8),
    "TinyVGG": lambda: TinyVGG(image_size=32),
}


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    model = SMALL[name]()
    logits = model(torch.randn(8, 3, 32, 32))
    assert logits.shape == (8, 10)
    nn.functional.cross_entropy(logits, torch.arange(8)).backward()
    without = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


@pytest.mark.parametrize("size", [(16, 16), (33, 47)])
@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_any_image_size_will_do(stem: str, size: tuple[int, int]) -> None:
    model = resnet18(7, stem=stem, width=4).eval()
    assert model(torch.randn(2, 3, *size)).shape == (2, 7)


def test_stages_halve_the_image_and_double_the_channels() -> None:
    model = resnet18(width=8)
    x = torch.randn(1, 8, 32, 32)
    shapes = []
    for stage in model.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(8, 32, 32), (16, 16, 16), (32, 8, 8), (64, 4, 4)]
    assert torch.equal(model.layer4[0].conv1.weight, model.stages[3][0].conv1.weight)


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_zero_init_leaves_every_block_free_to_learn(block: type) -> None:
    torch.manual_seed(0)
    model = ResNet(block, [2, 2], width=8, zero_init_residual=True)
    nn.functional.cross_entropy(model(torch.randn(8, 3, 16, 16)), torch.arange(8)).backward()
    for unit in (unit for stage in model.stages for unit in stage):
        last = unit.bn2 if block is BasicBlock else unit.bn3
        assert last.weight.grad.abs().min() > 0


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_zero_init_makes_every_block_start_as_the_identity(block: type, training: bool) -> None:
    model = ResNet(block, [2, 2], width=8, zero_init_residual=True).train(training)
    keeping = [unit for stage in model.stages for unit in stage if len(list(unit.shortcut.parameters())) == 0]
    assert keeping
    for unit in keeping:
        x = torch.rand(2, unit.conv1.in_channels, 6, 6)
        torch.testing.assert_close(unit(x), x)


def test_without_zero_init_a_block_is_not_the_identity() -> None:
    x = torch.rand(2, 8, 6, 6)
    assert (resnet18(width=8).layer1[0](x) - x).abs().max() > 0.1


def test_the_plain_twin_is_the_residual_net_without_shortcuts() -> None:
    torch.manual_seed(0)
    residual, plain = resnet18(width=8, shortcut="A").eval(), plain18(width=8).eval()
    plain.load_state_dict(residual.state_dict())
    x = torch.randn(2, 3, 16, 16)
    assert (residual(x) - plain(x)).abs().max() > 0.01
    for block in residual.modules():
        if isinstance(block, BasicBlock):
            block.forward = PlainBlock.forward.__get__(block)
    torch.testing.assert_close(residual(x), plain(x))
