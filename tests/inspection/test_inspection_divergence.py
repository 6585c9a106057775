"""The first difference between two networks: found where it was put, with the reason that was put there."""

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
import torchvision
from test_inspection import assert_same_state, state
from torch import nn

from resnet_course.inspection import first_divergence
from resnet_course.models import BasicBlock, PadShortcut, PlainBlock, ResNet, resnet18, resnet50


def network(**options) -> ResNet:
    """A narrow ResNet-18 with weights and statistics that hide nothing."""
    torch.manual_seed(1)
    return randomised(resnet18(width=8, **options))


def randomised(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.2)
            nn.init.normal_(module.bias, std=0.2)
    return model.eval()


X = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Wrong(BasicBlock):
    """A block that puts its pieces together by another rule."""

    rule: Callable[[BasicBlock, torch.Tensor], torch.Tensor]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return type(self).rule(self, x)


def with_rule(rule: Callable[[BasicBlock, torch.Tensor], torch.Tensor], place: int = 0) -> ResNet:
    model = network()
    kind = type("WrongBlock", (Wrong,), {"rule": staticmethod(rule)})
    model.layer2[place] = kind(8 if place == 0 else 16, 16, stride=2 if place == 0 else 1).eval()
    return model


def no_relu_between(block: BasicBlock, x: torch.Tensor) -> torch.Tensor:
    return F.relu(block.bn2(block.conv2(block.bn1(block.conv1(x)))) + block.shortcut(x))


RULES = {
    "the shortcut is missing": lambda block, x: F.relu(block.transform(x)),
    "without shortcut and without the last ReLU": lambda block, x: block.transform(x),
    "the main path is missing": lambda block, x: F.relu(block.shortcut(x)),
    "the ReLU after the addition is missing": lambda block, x: block.transform(x) + block.shortcut(x),
    "on the main path before the addition": lambda block, x: F.relu(block.transform(x)) + block.shortcut(x),
    "a ReLU too many": lambda block, x: F.relu(F.relu(block.transform(x)) + block.shortcut(x)),
    "on both paths before the addition": lambda block, x: F.relu(block.transform(x)) + F.relu(block.shortcut(x)),
    "the shortcut is subtracted": lambda block, x: F.relu(block.transform(x) - block.shortcut(x)),
    "the main path is subtracted": lambda block, x: F.relu(block.shortcut(x) - block.transform(x)),
    "the shortcut is added twice": lambda block, x: F.relu(block.transform(x) + 2 * block.shortcut(x)),
    "where the pieces are put together": lambda block, x: F.relu(block.transform(x) + 0.9 * block.shortcut(x)),
    "Is the last ReLU missing?": lambda block, x: block.transform(x) + 0.9 * block.shortcut(x),
}


def test_equal_networks_do_not_diverge() -> None:
    report = first_divergence(resnet18(width=8).eval(), network(), X)
    assert report.name is None
    assert report.difference == 0
    assert str(report).startswith("No difference: the outputs of all 63 modules agree")


@pytest.mark.parametrize("reason", RULES)
def test_a_block_put_together_wrongly_is_named_with_its_reason(reason: str) -> None:
    report = first_divergence(with_rule(RULES[reason]), network(), X)
    assert (report.name, report.kind) == ("layer2.0", "WrongBlock")
    assert reason in report.reason
    assert report.shape == report.reference_shape == (2, 16, 8, 8)
    assert report.difference > 0.01


def plain() -> ResNet:
    return ResNet(PlainBlock, [2, 2, 2, 2], width=8).eval()


@pytest.mark.parametrize(
    ("model", "reference", "name"),
    [
        (lambda: with_rule(RULES["the shortcut is missing"], place=1), network, "layer2.1"),  # an identity
        (plain, network, "layer1.0"),
        (lambda: plain().layer1[0], lambda: network().layer1[0], ""),  # a block by itself
    ],
)
def test_a_missing_shortcut_is_named(model, reference, name: str) -> None:
    x = X if name else torch.randn(2, 8, 6, 6)
    report = first_divergence(model(), reference(), x)
    assert report.name == name
    assert "the shortcut is missing" in report.reason


def test_a_missing_relu_between_two_layers_shows_in_negative_values() -> None:
    report = first_divergence(with_rule(no_relu_between), network(), X)
    assert report.name == "layer2.0.conv2"
    assert "layer2.0.bn1 agrees" in report.reason
    assert "Is a ReLU missing?" in report.reason
    report = first_divergence(network(), with_rule(no_relu_between), X)
    assert "a ReLU too many?" in report.reason


def stride_1(model: ResNet) -> None:
    model.layer3[0].conv1.stride = (1, 1)
    model.layer3[0].shortcut[0].stride = (1, 1)


def other_eps(model: ResNet) -> None:
    model.layer3[0].bn2.eps = 0.1


def training_mode(model: ResNet) -> None:
    model.layer3[0].bn1.train()


def bias(model: ResNet) -> None:
    model.layer3[1].conv1 = nn.Conv2d(32, 32, 3, padding=1)


def other_norm(model: ResNet) -> None:
    model.layer3[1].bn1 = nn.GroupNorm(4, 32)


def larger_kernel(model: ResNet) -> None:
    model.layer3[1].conv1 = nn.Conv2d(32, 32, 5, padding=2, bias=False)


CHANGES = {
    stride_1: ("layer3.0.conv1", "stride is (1, 1), the reference has (2, 2)"),
    other_eps: ("layer3.0.bn2", "eps is 0.1, the reference has 1e-05"),
    training_mode: ("layer3.0.bn1", "it is in training mode, the reference in eval mode"),
    bias: ("layer3.1.conv1", "its weights have the shapes"),
    other_norm: ("layer3.1.bn1", "it is a GroupNorm, the reference has a BatchNorm2d"),
    larger_kernel: ("layer3.1.conv1", "kernel_size is (5, 5), the reference has (3, 3)"),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_layer_is_named_with_what_differs(change: Callable[[ResNet], None]) -> None:
    model = network()
    change(model)
    report = first_divergence(model, network(), X)
    name, reason = CHANGES[change]
    assert report.name == name
    assert reason in report.reason


def test_settings_of_a_layer_of_ones_own_are_compared_too() -> None:
    report = first_divergence(PadShortcut(8, 16, 1), PadShortcut(8, 16, 2), torch.randn(2, 8, 6, 6))
    assert "stride is 1, the reference has 2" in report.reason


def test_shapes_that_differ_are_both_told() -> None:
    model = network()
    stride_1(model)
    report = first_divergence(model, network(), X)
    assert (report.shape, report.reference_shape, report.difference) == ((2, 32, 8, 8), (2, 32, 4, 4), None)
    assert "Its output: shape (2, 32, 8, 8); the reference has (2, 32, 4, 4)." in str(report)


def test_a_model_that_stops_is_compared_up_to_there() -> None:
    model = network()
    model.layer3[0].conv1.stride = (1, 1)  # the shortcut keeps its stride of 2: the addition fails
    report = first_divergence(model, network(), X)
    assert report.name == "layer3.0.conv1"
    assert "Later the model stopped: RuntimeError: The size of tensor a (8)" in str(report)


def test_a_model_that_stops_while_all_agrees_says_where() -> None:
    class Stops(ResNet):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.features(x)
            raise ValueError("no logits today")

    report = first_divergence(Stops(BasicBlock, [2, 2, 2, 2], width=8).eval(), network(), X)
    assert (report.name, report.kind) == ("", "Stops")
    assert "the model stopped after layer4 with" in report.reason
    assert "ValueError: no logits today" in report.reason


def test_the_error_of_the_reference_is_raised() -> None:
    broken = network()
    broken.layer3[0].conv1.stride = (1, 1)
    with pytest.raises(RuntimeError, match="size of tensor"):
        first_divergence(network(), broken, X)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda logits: F.softmax(logits, dim=1), "a softmax is applied at the end"),
        (lambda logits: F.log_softmax(logits, dim=1), "a log_softmax is applied at the end"),
        (F.relu, "a ReLU is applied at the end"),
        (None, "linear is never called"),
    ],
)
def test_what_happens_behind_the_last_layer(end, reason: str) -> None:
    class Ends(ResNet):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.features(x).new_zeros(len(x), 10) if end is None else end(super().forward(x))

    report = first_divergence(Ends(BasicBlock, [2, 2, 2, 2], width=8).eval(), network(), X)
    assert (report.name, report.kind) == ("", "Ends")
    assert reason in report.reason
    assert "the network itself (Ends)" in str(report)


def test_own_weights_are_compared_when_asked_for() -> None:
    other = network()
    other.layer2[1].conv2.weight.data[0, 0, 0, 0] += 1
    assert first_divergence(other, network(), X).name is None
    report = first_divergence(other, network(), X, copy_weights=False)
    assert report.name == "layer2.1.conv2"
    assert "its weight is not equal" in report.reason


def test_in_training_mode_a_wrong_momentum_is_seen_in_the_statistics() -> None:
    model, reference = network().train(), network().train()
    assert first_divergence(model, reference, X).name is None
    model.layer2[0].bn1.momentum = 0.01
    report = first_divergence(model, reference, X)
    assert report.name == "layer2.0.bn1"
    assert "running_mean differs: momentum is 0.01, the reference has 0.1" in report.reason
    assert "Its output" not in str(report)


def test_dropout_is_the_same_in_both() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 14 * 14, 3))
    assert first_divergence(copy.deepcopy(model), model, X).name is None


@pytest.mark.parametrize(("ours", "name"), [(resnet18, "resnet18"), (resnet50, "resnet50")])
def test_torchvisions_names_are_matched_by_role(ours, name: str) -> None:
    theirs = randomised(torchvision.models.get_model(name, weights=None, num_classes=10))
    model = ours(stem="imagenet").eval()
    before = state(model)
    report = first_divergence(model, theirs, torch.randn(1, 3, 64, 64))
    assert report.name is None, str(report)
    assert report.agreed > 50
    assert_same_state(model, before | {"random": torch.random.get_rng_state()})


def test_a_difference_under_other_names_is_found() -> None:
    class Renamed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(64, 10)
            self.stages = nn.Sequential(*network().stages)
            self.norm, self.stem = nn.BatchNorm2d(8), nn.Conv2d(3, 8, 3, padding=1, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(self.stages(F.relu(self.norm(self.stem(x)))).mean(dim=(2, 3)))

    model = Renamed().eval()
    assert first_divergence(model, network(), X).name is None
    model.stages[2][0].conv1.padding = (0, 0)
    report = first_divergence(model, network(), X)
    assert report.name == "stages.2.0.conv1"
    assert "padding is (0, 0), the reference has (1, 1)" in report.reason


def test_neither_network_is_changed() -> None:
    model, reference = network().train(), network()
    before = [state(model), state(reference)]
    first_divergence(model, reference, X)
    assert_same_state(model, before[0])
    assert_same_state(reference, before[1])


def test_a_number_that_is_none_counts_as_a_difference() -> None:
    model = network()
    model.layer1[0].bn1.bias.data[0] = float("nan")
    report = first_divergence(model, network(), X, copy_weights=False)
    assert report.name == "layer1.0.bn1"
    assert report.difference == float("inf")
