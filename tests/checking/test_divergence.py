"""The first difference between two networks: found where it was put, with the reason that was put there."""

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
import torchvision
from models_helpers import assert_same_state, state
from torch import nn

from resnet_course.checking.divergence import first_divergence
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
    """A block that puts its main path and its shortcut, two functions, together by another rule."""

    rule: Callable[..., torch.Tensor]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return type(self).rule(lambda: self.transform(x), lambda: self.shortcut(x))


def with_rule(rule: Callable[..., torch.Tensor], place: int = 0) -> ResNet:
    model = network()
    kind = type("WrongBlock", (Wrong,), {"rule": staticmethod(rule)})
    model.layer2[place] = kind(8 if place == 0 else 16, 16, stride=2 if place == 0 else 1).eval()
    return model


def without_inner_relu() -> ResNet:
    class NoInnerRelu(BasicBlock):
        def transform(self, x: torch.Tensor) -> torch.Tensor:
            return self.bn2(self.conv2(self.bn1(self.conv1(x))))

    model = network()
    model.layer2[0] = NoInnerRelu(8, 16, stride=2).eval()
    return model


NO_SHORTCUT = "The shortcut is missing: nothing is added to `layer2.0.bn2`."
NO_MAIN_PATH = "The main path is missing: nothing is added to `layer2.0.shortcut.1`."
NO_LAST_RELU = "A step is missing, the ReLU after the addition."
EXTRA = "There is a step that should not be there, the"
EARLY_RELU = f"{EXTRA} ReLU after `layer2.0.bn2`."
LATE_RELU = f"{EXTRA} ReLU after `layer2.0.shortcut.1`."
SUBTRACTED = "In place of the addition there is the subtraction."
PRODUCT = f"{EXTRA} product."
RULES = {  # by the formula that should be found
    "ReLU(bn2)": (lambda main, short: F.relu(main()), [NO_SHORTCUT, "called in `forward`: layer2.0.shortcut.0, "]),
    "bn2": (lambda main, short: main(), [NO_SHORTCUT, NO_LAST_RELU]),
    "ReLU(shortcut.1)": (lambda main, short: F.relu(short()), [NO_MAIN_PATH, "called in `forward`: layer2.0.bn1, "]),
    "bn2 + shortcut.1": (lambda main, short: main() + short(), [NO_LAST_RELU]),
    "ReLU(bn2) + shortcut.1": (lambda main, short: F.relu(main()) + short(), [EARLY_RELU, NO_LAST_RELU]),
    "ReLU(ReLU(bn2) + shortcut.1)": (lambda main, short: F.relu(F.relu(main()) + short()), [EARLY_RELU]),
    "ReLU(bn2) + ReLU(shortcut.1)": (lambda main, short: F.relu(main()) + F.relu(short()), [EARLY_RELU, LATE_RELU]),
    "ReLU(bn2 - shortcut.1)": (lambda main, short: F.relu(main() - short()), [SUBTRACTED]),
    "ReLU(shortcut.1 - bn2)": (lambda main, short: F.relu(short() - main()), [SUBTRACTED]),
    "ReLU(bn2 + 2 · shortcut.1)": (lambda main, short: F.relu(main() + 2 * short()), [PRODUCT]),
    "bn2 + 0.9 · shortcut.1": (lambda main, short: main() + 0.9 * short(), [PRODUCT, NO_LAST_RELU]),
}


def test_equal_networks_do_not_diverge() -> None:
    report = first_divergence(resnet18(width=8).eval(), network(), X)
    assert report.name is None
    assert report.difference == 0
    assert str(report).startswith("No difference: the results of all 68 steps agree (largest difference 0.0e+00)")


@pytest.mark.parametrize("formula", RULES)
def test_a_block_put_together_wrongly_is_named_with_its_reason(formula: str) -> None:
    rule, reasons = RULES[formula]
    report = first_divergence(with_rule(rule), network(), X)
    assert (report.name, report.kind) == ("layer2.0", "WrongBlock")
    missing = [
        words for words in (*reasons, f"It computes {formula}, the reference ReLU(") if words not in report.reason
    ]
    assert missing == [], report.reason
    assert report.shapes == [(2, 16, 8, 8)] * 2
    assert report.difference > 0.01


def test_a_relu_between_two_layers_is_missing_or_too_many() -> None:
    report = first_divergence(without_inner_relu(), network(), X)
    assert report.name == "layer2.0"
    assert "A step is missing, the ReLU after `layer2.0.bn1`." in report.reason
    report = first_divergence(network(), without_inner_relu(), X)
    assert f"{EXTRA} ReLU after `layer2.0.bn1`." in report.reason


def plain() -> ResNet:
    return ResNet(PlainBlock, [2, 2, 2, 2], width=8).eval()


@pytest.mark.parametrize(
    ("model", "reference", "name"),
    [
        (lambda: with_rule(RULES["ReLU(bn2)"][0], place=1), network, "layer2.1"),  # an identity
        (plain, network, "layer1.0"),
        (lambda: plain().layer1[0], lambda: network().layer1[0], ""),  # a block by itself
    ],
)
def test_a_missing_shortcut_is_named(model, reference, name: str) -> None:
    x = X if name else torch.randn(2, 8, 6, 6)
    report = first_divergence(model(), reference(), x)
    assert report.name == name
    assert "The shortcut is missing" in report.reason
    assert "It computes ReLU(bn2), the reference ReLU(bn2 + x)." in report.reason


def stride_1(model: ResNet) -> None:
    model.layer3[0].conv1.stride = (1, 1)
    model.layer3[0].shortcut[0].stride = (1, 1)


def group_norm(model: ResNet) -> None:
    model.layer3[1].bn1 = nn.GroupNorm(4, 32)


def other_convolution(kernel: int, bias: bool) -> Callable[[ResNet], None]:
    return lambda model: setattr(model.layer3[1], "conv1", nn.Conv2d(32, 32, kernel, padding=kernel // 2, bias=bias))


CHANGES = [
    (stride_1, "layer3.0.conv1", "The stride of `layer3.0.conv1` is 1; it should be 2."),
    (
        lambda m: setattr(m.layer3[0].bn2, "eps", 0.1),
        "layer3.0.bn2",
        "The eps of `layer3.0.bn2` is 0.1; it should be 1e-05.",
    ),
    (
        lambda m: m.layer3[0].bn1.train(),
        "layer3.0.bn1",
        "is True; it should be False. model.train() and model.eval() set",
    ),
    (other_convolution(3, True), "layer3.1.conv1", "The bias of `layer3.1.conv1` is True; it should be False."),
    (other_convolution(5, False), "layer3.1.conv1", "The kernel of `layer3.1.conv1` is 5; it should be 3."),
    (group_norm, "layer3.1.bn1", "In place of `layer3.1.bn1` there is the group_norm"),
]


@pytest.mark.parametrize(("change", "name", "reason"), CHANGES)
def test_a_changed_layer_is_named_with_what_differs(change: Callable, name: str, reason: str) -> None:
    model = network()
    change(model)
    report = first_divergence(model, network(), X)
    assert report.name == name
    assert reason in report.reason


def test_settings_of_a_layer_of_ones_own_are_compared_too() -> None:
    report = first_divergence(PadShortcut(8, 16, 1), PadShortcut(8, 16, 2), torch.randn(2, 8, 6, 6))
    assert "Its stride is 1, the reference has 2" in report.reason


def test_shapes_that_differ_are_both_told() -> None:
    model = network()
    stride_1(model)
    report = first_divergence(model, network(), X)
    assert (report.shapes, report.difference) == ([(2, 32, 8, 8), (2, 32, 4, 4)], None)
    assert "Its output: shape (2, 32, 8, 8), the reference has (2, 32, 4, 4)." in str(report)


def test_a_model_that_stops_is_compared_up_to_there() -> None:
    model = network()
    model.layer3[0].conv1.stride = (1, 1)  # the shortcut keeps its stride of 2: the addition fails
    report = first_divergence(model, network(), X)
    assert report.name == "layer3.0.conv1"
    assert "The model stopped: RuntimeError: The size of tensor a (8)" in str(report)


def test_a_model_that_stops_while_all_agrees_says_where() -> None:
    class Stops(ResNet):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.features(x)
            raise ValueError("no logits today")

    report = first_divergence(Stops(BasicBlock, [2, 2, 2, 2], width=8).eval(), network(), X)
    assert (report.name, report.kind) == ("", "Stops")
    assert report.reason == "The model stopped after layer4.1, and so far all agrees."
    assert report.error == "ValueError: no logits today"


def test_the_error_of_the_reference_is_raised() -> None:
    broken = network()
    broken.layer3[0].conv1.stride = (1, 1)
    with pytest.raises(RuntimeError, match="size of tensor"):
        first_divergence(network(), broken, X)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            lambda logits: F.softmax(logits, dim=1),
            "not be there, the softmax after `linear`. The cross-entropy takes logits",
        ),
        (
            lambda logits: F.log_softmax(logits, dim=1),
            "not be there, the log_softmax after `linear`. The cross-entropy takes logits",
        ),
        (F.relu, "not be there, the ReLU after `linear`."),
        (None, "Never called in `forward`: linear."),
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
    assert "Its weight is not equal" in report.reason


def test_in_training_mode_a_wrong_momentum_is_seen_in_the_statistics() -> None:
    model, reference = network().train(), network().train()
    assert first_divergence(model, reference, X).name is None
    model.layer2[0].bn1.momentum = 0.01
    report = first_divergence(model, reference, X)
    assert report.name == "layer2.0.bn1"
    assert "Its running_mean is not equal" in report.reason
    assert "Its momentum is 0.01, the reference has 0.1" in report.reason
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
    assert "The padding of `layer3.0.conv1` is 0; it should be 1." in report.reason


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
