"""The loss around a network, on networks whose loss can be worked out by hand."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.inspection import filter_normalise, loss_surface, random_direction
from resnet_course.models import cifar_resnet

BATCHES = [(torch.randn(n, 3, 8, 8, generator=torch.Generator().manual_seed(n)), torch.arange(n) % 10) for n in (6, 2)]
STEPS = (-1.0, 0.0, 0.5, 1.0)


class Two(nn.Module):
    """Two numbers, w and b; the output is both."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([2.0]))
        self.b = nn.Parameter(torch.tensor([3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.w * x, self.b.expand_as(x)], dim=1)


def test_each_filter_gets_the_norm_of_its_weight() -> None:
    direction, weight = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2)
    result = filter_normalise(direction, weight)
    for mine, given, wanted in zip(result, direction, weight, strict=True):
        assert mine.norm() == pytest.approx(wanted.norm().item(), rel=1e-5)
        assert F.cosine_similarity(mine.flatten(), given.flatten(), dim=0) == pytest.approx(1, abs=1e-5)


def test_vectors_and_filters_of_zeros_give_zeros() -> None:
    assert torch.equal(filter_normalise(torch.randn(4), torch.randn(4)), torch.zeros(4))
    weight = torch.randn(2, 3)
    weight[0] = 0
    assert torch.equal(filter_normalise(torch.randn(2, 3), weight)[0], torch.zeros(3))
    assert torch.equal(filter_normalise(torch.zeros(2, 3), torch.randn(2, 3)), torch.zeros(2, 3))


def test_a_direction_has_a_tensor_for_each_parameter_and_follows_its_seed() -> None:
    model = cifar_resnet(8, width=4)
    state = torch.random.get_rng_state()
    first, again, other = (random_direction(model, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert {name: tensor.shape for name, tensor in first.items()} == {n: p.shape for n, p in model.named_parameters()}
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])
    assert not first["bn1.weight"].any()
    assert not first["conv1.weight"].requires_grad


def test_the_surface_holds_the_loss_at_each_point() -> None:
    model = Two()
    directions = ({"w": torch.tensor([1.0]), "b": torch.zeros(1)}, {"w": torch.zeros(1), "b": torch.tensor([2.0])})

    def loss_fn(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (outputs[:, 0] + 10 * outputs[:, 1]).mean()

    batches = [(torch.ones(3, 1), torch.zeros(3)), (2 * torch.ones(1, 1), torch.zeros(1))]  # mean of x: 1.25
    surface = loss_surface(model, batches, directions, STEPS, loss_fn)
    expected = [[1.25 * (2 + first) + 10 * (3 + 2 * second) for first in STEPS] for second in STEPS]
    assert torch.allclose(surface, torch.tensor(expected))
    assert torch.allclose(loss_surface(model, batches, [directions[0]], STEPS, loss_fn), surface[1])


def test_the_middle_is_the_loss_of_the_network_in_eval_mode() -> None:
    model = cifar_resnet(8, width=4).train()
    model(torch.randn(16, 3, 8, 8))
    line = loss_surface(model, BATCHES, [random_direction(model, 0)], [0.0, 0.3])
    model.eval()
    with torch.no_grad():
        images, targets = (torch.cat(part) for part in zip(*BATCHES, strict=True))
        assert line[0] == pytest.approx(F.cross_entropy(model(images), targets).item(), rel=1e-4)
    assert line[1] != line[0]


def test_the_network_is_as_before_even_after_an_error() -> None:
    model = cifar_resnet(8, width=4).train()
    model.layer2.eval()
    before, modes = copy.deepcopy(model.state_dict()), [module.training for module in model.modules()]
    direction = random_direction(model, 0)

    def failing(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("mine")

    loss_surface(model, BATCHES, (direction, direction), [-1.0, 1.0])
    with pytest.raises(RuntimeError, match="mine"):
        loss_surface(model, BATCHES, (direction, direction), [0.0, 1.0], failing)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def test_scaling_a_network_that_batch_norm_undoes_changes_raw_directions_only() -> None:
    small = cifar_resnet(8, width=4)
    for _ in range(30):  # so that the stored statistics have settled
        small(BATCHES[0][0])
    large = copy.deepcopy(small)
    for module in large.modules():  # the same function: batch norm divides the factor out again
        if isinstance(module, nn.Conv2d):
            module.weight.data *= 10
        elif isinstance(module, nn.BatchNorm2d):
            module.running_mean *= 10
            module.running_var *= 100
            module.eps *= 100

    def line(model: nn.Module, normalise) -> torch.Tensor:
        return loss_surface(model, BATCHES, [random_direction(model, 0, normalise)], [0.0, 0.5])

    raw = [line(model, lambda direction, weight: direction * (weight.dim() == 4)) for model in (small, large)]
    fitted = [line(model, filter_normalise) for model in (small, large)]
    assert torch.allclose(fitted[0], fitted[1], rtol=1e-3)
    assert raw[0][0] == pytest.approx(raw[1][0].item(), rel=1e-3)
    assert abs(raw[0][1] - raw[1][1]) > 0.1


def test_what_does_not_fit_is_refused() -> None:
    model = cifar_resnet(8, width=4)
    direction = random_direction(model, 0)
    with pytest.raises(ValueError, match="no images"):
        loss_surface(model, [], [direction], [0.0])
    with pytest.raises(ValueError, match="one tensor for each parameter"):
        loss_surface(model, BATCHES, [{**direction, "more": torch.zeros(1)}], [0.0])
    with pytest.raises(ValueError, match="one tensor for each parameter"):
        loss_surface(model, BATCHES, [{**direction, "linear.bias": torch.zeros(3)}], [0.0])
