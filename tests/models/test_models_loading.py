"""Checkpoints of the common CIFAR code: another implementation, the same names, the same logits."""

import pytest
import torch
import torch.nn.functional as F
from models_helpers import left_alone
from torch import Tensor, nn

from resnet_course.models import cifar_resnet, load_cifar_state_dict, resnet18


class Unit(nn.Module):
    """A residual unit written on its own, with the names that the common code uses."""

    def __init__(self, before: int, after: int, step: int, projection: str | None) -> None:
        super().__init__()
        self.step, self.extra = step, after - before
        self.conv1 = nn.Conv2d(before, after, 3, step, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.projection = projection if step > 1 else None
        if self.projection:
            conv = nn.Conv2d(before, after, 1, step, bias=False)
            setattr(self, projection, nn.Sequential(conv, nn.BatchNorm2d(after)))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.projection:
            return (out + getattr(self, self.projection)(x)).relu()
        half = self.extra // 2
        return (out + F.pad(x[..., :: self.step, :: self.step], (0, 0, 0, 0, half, half))).relu()


class Twin(nn.Module):
    """The CIFAR network of depth 6n + 2, written on its own."""

    def __init__(self, n: int, projection: str | None = None, last: str = "linear") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Unit(16, 16, 1, projection) for _ in range(n)])
        self.layer2 = nn.Sequential(Unit(16, 32, 2, projection), *[Unit(32, 32, 1, projection) for _ in range(n - 1)])
        self.layer3 = nn.Sequential(Unit(32, 64, 2, projection), *[Unit(64, 64, 1, projection) for _ in range(n - 1)])
        self.last = last
        setattr(self, last, nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        out = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)).relu())))
        return getattr(self, self.last)(out.mean((2, 3)))


def make_twin(*arguments, seed: int = 0) -> nn.Module:
    """A twin with running statistics that differ from each other."""
    torch.manual_seed(seed)
    twin = Twin(*arguments)
    twin(torch.randn(16, 3, 16, 16))
    for module in twin.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return twin.eval()


def assert_loads(model: nn.Module, state: dict, twin: nn.Module) -> None:
    """The state loads, and the logits are those of the twin."""
    load_cifar_state_dict(model, state)
    x = torch.randn(3, 3, 32, 32) + 2 * torch.randn(3, 3, 1, 1)  # images of three colours
    with torch.no_grad():
        expected = twin(x)
        assert expected.std(0).max() > 0.01  # the images do make a difference
        torch.testing.assert_close(model.eval()(x), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("depth", "prefix", "wrapper"),
    [(20, "", None), (20, "module.", None), (56, "module.", "state_dict"), (20, "module.", "net"), (20, "", "model")],
)
def test_the_common_layout_loads_into_cifar_resnet(depth: int, prefix: str, wrapper: str | None) -> None:
    twin = make_twin((depth - 2) // 6)
    state = {prefix + name: tensor for name, tensor in twin.state_dict().items()}
    assert_loads(cifar_resnet(depth), {wrapper: state, "epoch": 180, "best_prec1": 91.7} if wrapper else state, twin)


@pytest.mark.parametrize(("projection", "last"), [("shortcut", "linear"), ("downsample", "fc")])
def test_projections_load_into_option_b(projection: str, last: str) -> None:
    twin = make_twin(3, projection, last)
    state = {f"module.{name}": tensor for name, tensor in twin.state_dict().items()}
    assert_loads(cifar_resnet(20, shortcut="B"), state, twin)


def test_checkpoints_from_before_the_batch_counter_load() -> None:
    twin = make_twin(3)
    state = {name: tensor for name, tensor in twin.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert_loads(cifar_resnet(20), state, twin)


WITHOUT_BIAS = {name: tensor for name, tensor in Twin(3).state_dict().items() if name != "linear.bias"}
OTHER_CLASSES = r"linear\.weight has shape \(10, 64\) instead of \(100, 64\).*classes"


@pytest.mark.parametrize(
    ("model", "state", "said"),
    [
        (cifar_resnet(20), Twin(5).state_dict(), r"left over: layer1\.3.*32 layers and this model 20"),
        (cifar_resnet(32), Twin(3).state_dict(), r"missing: layer1\.3.*20 layers and this model 32"),
        (cifar_resnet(20), Twin(3, "shortcut").state_dict(), r'left over: layer2\.0\.shortcut.*shortcut="B"'),
        (cifar_resnet(20), Twin(3, "downsample").state_dict(), r'left over: layer2\.0\.shortcut.*shortcut="B"'),
        (cifar_resnet(20, shortcut="B"), Twin(3).state_dict(), r'missing: layer2\.0\.shortcut.*shortcut="A"'),
        (cifar_resnet(20, 100), Twin(3).state_dict(), OTHER_CLASSES),
        (cifar_resnet(20), WITHOUT_BIAS, r"1 entries .*missing: linear\.bias"),
        (resnet18(), Twin(3).state_dict(), "do not fit.*no weights on its shortcuts"),
        (cifar_resnet(20), {"epoch": 3, "optimizer": {}}, "this is not a state dict.*epoch, optimizer"),
        (cifar_resnet(20), {}, "it holds nothing"),
        (cifar_resnet(20), {"state_dict": {}}, "it holds nothing"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_loaded(model: nn.Module, state: dict, said: str) -> None:
    with left_alone(model), pytest.raises(ValueError, match=said):
        load_cifar_state_dict(model, state)
