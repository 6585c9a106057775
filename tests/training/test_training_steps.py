import copy
import math

import pytest
import torch
import torch.nn.functional as F
from models_helpers import left_alone
from torch import Tensor, nn

from resnet_course.base.errors import CourseError
from resnet_course.training import Precision, eval_mode, evaluate, predict, train_step

BATCHES = [3, 3, 3, 1]  # an uneven last batch


def make_model() -> nn.Module:
    torch.manual_seed(0)
    first = [nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()]
    return nn.Sequential(*first, nn.Flatten(), nn.Dropout(), nn.Linear(96, 4))


def make_batches() -> list[tuple[Tensor, Tensor]]:
    draws = torch.Generator().manual_seed(1)
    return [(torch.randn(n, 3, 4, 4, generator=draws), torch.randint(4, (n,), generator=draws)) for n in BATCHES]


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)


def test_train_step_does_what_the_loop_written_by_hand_does() -> None:
    model = make_model()
    by_hand = copy.deepcopy(model)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)  # left over from something else: must not count

    optimizer = make_optimizer(by_hand)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    by_hand.train()
    losses, correct = [], 0
    torch.manual_seed(2)
    for images, targets in make_batches():
        logits = by_hand(images)
        loss = F.cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses += [loss.item()] * len(targets)
        correct += (logits.argmax(1) == targets).sum().item()

    optimizer = make_optimizer(model)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    seen: list[int] = []
    torch.manual_seed(2)
    model.eval()
    loss, accuracy = train_step(model, make_batches(), F.cross_entropy, optimizer, scheduler, on_batch=seen.append)
    assert all(map(torch.equal, model.state_dict().values(), by_hand.state_dict().values()))
    assert loss == pytest.approx(sum(losses) / len(losses), rel=1e-6)
    assert accuracy == correct / sum(BATCHES)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.8 ** len(BATCHES))
    assert seen == BATCHES
    assert model.training


def test_evaluate_is_the_mean_over_all_samples() -> None:
    model, batches = make_model().eval(), make_batches()
    images, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))
    logits = model(images)
    loss, accuracy = evaluate(model, batches)
    assert loss == pytest.approx(F.cross_entropy(logits, targets).item(), rel=1e-6)
    assert accuracy == (logits.argmax(1) == targets).sum().item() / sum(BATCHES)


def test_evaluate_uses_the_loss_it_is_given() -> None:
    def smooth(logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits, targets, label_smoothing=0.5)

    model, batches = make_model(), make_batches()
    images, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))
    expected = smooth(model.eval()(images), targets).item()
    assert evaluate(model, batches, smooth)[0] == pytest.approx(expected, rel=1e-6)
    assert evaluate(model, batches)[0] != pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("measure", [evaluate, predict])
def test_measuring_changes_nothing(measure) -> None:
    model = make_model().train()
    model[1].eval()  # a frozen batch norm in a model that trains
    with left_alone(model):
        measure(model, make_batches())


def test_modes_come_back_after_an_error() -> None:
    model = make_model().train()

    def evaluate_nothing() -> None:
        with eval_mode(model):
            assert not any(module.training for module in model.modules())
            raise KeyError("stop")

    with left_alone(model), pytest.raises(KeyError):
        evaluate_nothing()


def test_predict_gives_logits_and_targets_in_the_order_of_the_batches() -> None:
    model, batches = make_model().eval(), make_batches()
    logits, targets = predict(model, batches)
    assert logits.shape == (sum(BATCHES), 4)
    assert not logits.requires_grad
    torch.testing.assert_close(logits, torch.cat([model(images) for images, _ in batches]).detach())
    assert torch.equal(targets, torch.cat([labels for _, labels in batches]))


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_stops_training_with_advice(loss: float) -> None:
    model = make_model()
    with pytest.raises(CourseError, match=r"(?s)learning rate.*tenth.*checkpoint"):
        train_step(model, make_batches(), lambda *_: torch.tensor(loss, requires_grad=True), make_optimizer(model))


def test_a_learning_rate_that_is_far_too_high_is_named() -> None:
    model = make_model()
    batches = [(images * 1e4, targets) for images, targets in make_batches()] * 10
    with pytest.raises(CourseError, match="learning rate"):
        train_step(model, batches, F.cross_entropy, torch.optim.SGD(model.parameters(), lr=1e30))


def test_evaluate_passes_nan_on_to_the_caller() -> None:
    assert math.isnan(evaluate(make_model(), make_batches(), lambda *_: torch.tensor(math.nan))[0])


@pytest.mark.parametrize("batches", [[], iter([])])
def test_no_batch_at_all_is_an_error(batches) -> None:
    model = make_model()
    with pytest.raises(CourseError, match="no batch"):
        evaluate(model, batches)
    with pytest.raises(CourseError, match="no batch"):
        train_step(model, batches, F.cross_entropy, make_optimizer(model))


@pytest.mark.parametrize("precision", [Precision(None, True), Precision(torch.bfloat16, True)], ids=str)
def test_other_precisions_compute_nearly_the_same(precision: Precision) -> None:
    seen = []

    def spy(_: nn.Module, inputs: tuple[Tensor]) -> None:
        seen.append((inputs[0].is_contiguous(memory_format=torch.channels_last), torch.is_autocast_enabled("cpu")))

    model = make_model().eval()
    expected, _ = evaluate(model, make_batches())
    model.register_forward_pre_hook(spy)
    loss, _ = evaluate(model, make_batches(), precision=precision)
    assert loss == pytest.approx(expected, rel=0.02)
    assert set(seen) == {(True, precision.autocast is not None)}
    logits, _ = predict(model, make_batches(), precision)
    assert logits.dtype == torch.float32
