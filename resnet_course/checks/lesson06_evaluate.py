"""Lesson 06, `evaluate`: loss and accuracy of a fixed model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.compare import differ, equal
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.training import evaluate


class _Spy(nn.Module):
    """A small classifier with batch norm and dropout that notes how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
        self.with_gradients = False

    def forward(self, x: Tensor) -> Tensor:
        self.with_gradients |= torch.is_grad_enabled()
        return self.layers(x)


def _evaluation_batches() -> list[tuple[Tensor, Tensor]]:
    """Uneven on purpose: 8, 8 and 3 images, the last ones all of one class."""
    generator = torch.Generator().manual_seed(7)
    images = torch.randn(19, 3, 2, 2, generator=generator)
    targets = torch.randint(0, 3, (19,), generator=generator)
    targets[16:] = 2
    images[16:] += 3
    return list(zip(images.split(8), targets.split(8), strict=True))


def _compare_evaluations(candidate: Any, implementation: Any) -> str | None:
    torch.manual_seed(3)
    mine, expected = _Spy(), _Spy()
    expected.layers[2].running_mean.uniform_(-1, 1)
    expected.layers[2].running_var.uniform_(0.5, 2)
    mine.load_state_dict(expected.state_dict())
    before = {name: tensor.clone() for name, tensor in mine.state_dict().items()}
    results = []
    for function, model in ((candidate, mine), (implementation, expected)):
        torch.manual_seed(4)  # of the dropout, should somebody leave it on
        results.append(function(model, _evaluation_batches(), F.cross_entropy))
    difference = differ(results[0], results[1], "(loss, accuracy)")
    if difference is not None:
        return difference
    changed = [_changed(model, before) for model in (mine, expected)]
    if changed[0] != changed[1]:
        return f"the evaluation changed the model: {changed[0]}." if changed[0] else "the model should have changed."
    if mine.with_gradients != expected.with_gradients:
        return (
            "the forward pass recorded gradients, which costs time and memory."
            if mine.with_gradients
            else "no gradients"
        )
    return None


def _changed(model: nn.Module, before: dict[str, Tensor]) -> str:
    names = [name for name, tensor in model.state_dict().items() if not equal(tensor, before[name])]
    return ", ".join(names[:2])


def _evaluation(
    eval_mode: bool = True,
    per_batch: bool = False,
    loss_weight: Callable[[int], float] = float,
    post: Callable[[float, float, int], Any] = lambda loss, accuracy, samples: (loss, accuracy),
    transform: Callable[[Tensor], Tensor] = lambda logits: logits,
    predict: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(1),
    last_only: bool = False,
    gradients: bool = False,
    learn: bool = False,
) -> Callable[..., Any]:
    """An `evaluate` with one thing changed."""

    def wrong(model: nn.Module, dataloader: Any, loss_fn: Any) -> Any:
        model.train(not eval_mode)
        loss_sum, correct, samples, batches, accuracy_sum = 0.0, 0, 0, 0, 0.0
        with torch.set_grad_enabled(gradients or learn):
            for images, targets in dataloader:
                if last_only:
                    loss_sum, correct, samples, batches, accuracy_sum = 0.0, 0, 0, 0, 0.0
                logits = transform(model(images))
                loss = loss_fn(logits, targets)
                if learn:
                    loss.backward()
                    with torch.no_grad():
                        for parameter in model.parameters():
                            parameter -= 0.1 * parameter.grad
                hits = (predict(logits) == targets).sum().item() if predict(logits).shape == targets.shape else 0
                loss_sum += loss.item() * (1 if per_batch else loss_weight(len(targets)))
                correct += hits
                accuracy_sum += hits / len(targets)
                samples += len(targets)
                batches += 1
        if per_batch:
            return post(loss_sum / batches, accuracy_sum / batches, samples)
        return post(loss_sum / samples, correct / samples, samples)

    return wrong


EVALUATE = Exercise(
    "evaluate",
    "06",
    evaluate,
    _compare_evaluations,
    (
        Mistake(
            "no_eval_mode",
            _evaluation(eval_mode=False),
            "Which mode is the model in? Without model.eval(), dropout drops and batch norm uses the batch's own "
            "statistics (and changes the stored ones).",
        ),
        Mistake(
            "gradients_recorded",
            _evaluation(gradients=True),
            "Who needs the gradients here? Nobody: without torch.no_grad() every batch stores what a backward "
            "pass would need.",
        ),
        Mistake(
            "per_batch_means",
            _evaluation(per_batch=True),
            "Does every batch count the same? The last one is smaller: weight each batch by its number of samples.",
        ),
        Mistake(
            "loss_not_weighted",
            _evaluation(loss_weight=lambda count: 1.0),
            "Which number does each batch add to the sum of losses? The loss of a batch is a mean; before it is added, "
            "it must be multiplied by the number of samples in the batch.",
        ),
        Mistake(
            "last_batch_only",
            _evaluation(last_only=True),
            "Which batches are in the result? Only the last one: are the sums set to zero inside the loop?",
        ),
        Mistake(
            "accuracy_is_count",
            _evaluation(post=lambda loss, accuracy, n: (loss, round(accuracy * n))),
            "Is the accuracy a share between 0 and 1? This is the number of right answers; divide by the number "
            "of samples.",
        ),
        Mistake(
            "accuracy_in_percent",
            _evaluation(post=lambda loss, accuracy, n: (loss, 100 * accuracy)),
            "Is the accuracy a share between 0 and 1? This one is in percent.",
        ),
        Mistake(
            "swapped",
            _evaluation(post=lambda loss, accuracy, n: (accuracy, loss)),
            "In which order come the two results? First the loss, then the accuracy.",
        ),
        Mistake(
            "loss_only",
            _evaluation(post=lambda loss, accuracy, n: loss),
            "How many results are asked for? Two: loss and accuracy.",
        ),
        Mistake(
            "error_instead_of_accuracy",
            _evaluation(post=lambda loss, accuracy, n: (loss, 1 - accuracy)),
            "Share of right or of wrong answers? This is the error; the accuracy is asked for.",
        ),
        Mistake(
            "softmax_before_loss",
            _evaluation(transform=lambda logits: logits.softmax(1)),
            "What does cross-entropy take? Logits: it applies the softmax itself, so here it is applied twice.",
        ),
        Mistake(
            "still_learning",
            _evaluation(learn=True),
            "Does measuring change the model? Here the weights move: no backward and no step in an evaluation.",
        ),
        Mistake(
            "returns_nothing",
            _evaluation(post=lambda loss, accuracy, n: None),
            "What does the function return? Nothing: is the return missing?",
        ),
    ),
)
