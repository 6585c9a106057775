"""Numbers about networks against numbers worked out by hand."""

import pytest
import torch
import torch.nn.functional as F
from models_helpers import left_alone
from torch import nn

from resnet_course.inspection import (
    confusion_counts,
    count_multiply_adds,
    count_parameters,
    gradient_norms,
    trace_layers,
)
from resnet_course.models import PlainBlock, ResNet, cifar_resnet, resnet18, resnet50


class Small(nn.Module):
    """A convolution used twice, a pooling, a linear layer, and a child that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.twice = nn.Conv2d(4, 4, 1, groups=2, bias=False)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
        self.unused = nn.Linear(7, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.twice(self.twice(self.first(x))))


def used_model() -> nn.Module:
    """A network in the middle of its life: gradients, statistics, and one part in another mode than the rest."""
    model = resnet18(width=4)
    F.cross_entropy(model(torch.randn(8, 3, 16, 16)), torch.arange(8)).backward()
    model.layer2.eval()
    return model


# --- trace_layers, count_multiply_adds, count_parameters ------------------------------------------------------------


def test_a_traced_layer_has_its_shapes_parameters_and_cost() -> None:
    rows = trace_layers(Small(), (3, 8, 8))
    shown = [(row.name, row.kind, row.in_shape, row.out_shape, row.parameters) for row in rows]
    assert shown == [
        ("first", "Conv2d", (3, 8, 8), (4, 4, 4), 4 * 3 * 9 + 4),
        ("twice", "Conv2d", (4, 4, 4), (4, 4, 4), 4 * 2),
        ("twice", "Conv2d", (4, 4, 4), (4, 4, 4), 4 * 2),
        ("head.0", "AdaptiveAvgPool2d", (4, 4, 4), (4, 1, 1), 0),
        ("head.1", "Flatten", (4, 1, 1), (4,), 0),
        ("head.2", "Linear", (4,), (5,), 4 * 5 + 5),
    ]
    assert rows[0].multiply_adds == 3 * 9 * 4 * 4 * 4
    assert rows[-1].multiply_adds == 4 * 5


def test_a_layer_that_runs_twice_costs_twice() -> None:
    once = 2 * 4 * 4 * 4  # two of the four channels come in, because of the groups
    assert count_multiply_adds(Small(), (3, 8, 8)) == 3 * 9 * 4 * 4 * 4 + 2 * once + 4 * 5


def test_stages_of_a_resnet() -> None:
    rows = trace_layers(resnet18(), stages=True)
    assert [(row.name, row.out_shape) for row in rows] == [
        ("conv1", (64, 32, 32)),
        ("bn1", (64, 32, 32)),
        ("layer1", (64, 32, 32)),
        ("layer2", (128, 16, 16)),
        ("layer3", (256, 8, 8)),
        ("layer4", (512, 4, 4)),
        ("linear", (10,)),
    ]
    assert sum(row.parameters for row in rows) == 11_173_962
    assert rows[2].parameters == 4 * 64 * 64 * 9 + 4 * 2 * 64
    assert rows[2].multiply_adds == 4 * 64 * 64 * 9 * 32 * 32


def test_multiply_adds_of_resnet18_against_a_count_by_hand() -> None:
    total = 3 * 9 * 64 * 32 * 32 + 512 * 10
    for planes, side in ((64, 32), (128, 16), (256, 8), (512, 4)):
        came = planes if planes == 64 else planes // 2
        total += (came + 3 * planes) * 9 * planes * side * side  # four 3x3 convolutions
        total += 0 if planes == 64 else came * planes * side * side  # the 1x1 projection
    assert count_multiply_adds(resnet18()) == total
    assert round(total / 1e9, 3) == 0.555


@pytest.mark.parametrize(("make", "billions"), [(resnet18, 1.8), (resnet50, 4.1)])
def test_multiply_adds_at_imagenet_size(make, billions: float) -> None:
    # Table 1 of the paper says 1.8 and 3.8; the bottleneck's stride on the 3x3 layer costs 0.3 more.
    assert round(count_multiply_adds(make(1000, stem="imagenet"), (3, 224, 224)) / 1e9, 1) == billions


def test_work_grows_with_the_area() -> None:
    model = resnet18(width=4)
    linear = 32 * 10
    small, large = (count_multiply_adds(model, (3, size, size)) - linear for size in (16, 32))
    assert large == 4 * small


def test_count_parameters_leaves_frozen_ones_out() -> None:
    model = Small()
    everything = count_parameters(model)
    model.first.requires_grad_(False)
    assert everything - count_parameters(model) == 4 * 3 * 9 + 4


# --- gradient_norms -------------------------------------------------------------------------------------------------


def test_gradient_norms_against_autograd() -> None:
    torch.manual_seed(0)
    model, images, targets = cifar_resnet(8, width=4), torch.randn(6, 3, 8, 8), torch.arange(6)
    norms = gradient_norms(model, images, targets)
    absolute = gradient_norms(model, images, targets, relative=False)
    model.train()
    F.cross_entropy(model(images), targets).backward()
    convolutions = {name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    assert list(norms) == list(convolutions)  # option A has no projections
    for name, conv in convolutions.items():
        assert absolute[name] == pytest.approx(conv.weight.grad.norm().item(), rel=1e-4)
        assert norms[name] == pytest.approx(absolute[name] / conv.weight.norm().item(), rel=1e-4)


def test_gradient_norms_leave_projections_out() -> None:
    norms = gradient_norms(resnet18(width=4), torch.randn(4, 3, 16, 16), torch.arange(4))
    assert len(norms) == 17
    assert not any("shortcut" in name for name in norms)


def test_a_layer_without_gradient_has_norm_zero() -> None:
    model = ResNet(PlainBlock, [1, 1], width=4)
    model.layer1.requires_grad_(False)
    norms = gradient_norms(model, torch.randn(4, 3, 8, 8), torch.arange(4))
    assert [name for name, norm in norms.items() if norm == 0] == ["layer1.0.conv1", "layer1.0.conv2"]


# --- Looking changes nothing ------------------------------------------------------------------------------------------

LOOKS = {
    "layers": lambda model, channels: trace_layers(model, (channels, 16, 16)),
    "stages": lambda model, channels: trace_layers(model, (channels, 16, 16), stages=True),
    "multiply-adds": lambda model, channels: count_multiply_adds(model, (channels, 16, 16)),
    "gradients": lambda model, channels: gradient_norms(model, torch.zeros(4, channels, 16, 16), torch.arange(4)),
}


@pytest.mark.parametrize("look", LOOKS)
def test_looking_leaves_the_model_untouched_even_after_an_error(look: str) -> None:
    model = used_model()
    with left_alone(model):
        LOOKS[look](model, 3)
    with left_alone(model), pytest.raises(RuntimeError):
        LOOKS[look](model, 1)


# --- confusion_counts -----------------------------------------------------------------------------------------------


def test_confusion_counts_have_the_truth_in_rows() -> None:
    predicted, targets = torch.tensor([0, 1, 1, 2, 0]), torch.tensor([0, 0, 1, 2, 0])
    assert confusion_counts(predicted, targets, 3).tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_confusion_counts_of_classes_that_do_not_occur() -> None:
    counts = confusion_counts(torch.tensor([3]), torch.tensor([1]), 5)
    assert counts.shape == (5, 5)
    assert counts.sum() == counts[1, 3] == 1
    assert confusion_counts(torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.int64), 2).sum() == 0
