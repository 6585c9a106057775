"""Lesson 06, `evaluate`: loss and accuracy of a fixed model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checking.compare import differ, equal
from resnet_course.checking.core import Exercise, Mistake
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
            "In which mode is the model while it is measured? The model is measured in training mode. Dropout then "
            "drops numbers, batch norm uses the batch's own statistics, so an image's result depends on its "
            "neighbours, and the stored statistics change. Measuring needs eval mode.",
        ),
        Mistake(
            "gradients_recorded",
            _evaluation(gradients=True),
            "What does the forward pass store for a backward pass that never comes? The forward pass keeps the "
            "intermediate results of every layer for a backward pass, and nobody needs them here. torch.no_grad() "
            "around the loop switches the recording off and saves memory and time.",
        ),
        Mistake(
            "per_batch_means",
            _evaluation(per_batch=True),
            "How much does an image of the last, smaller batch count? The means of the batches are averaged, so with "
            "8, 8 and 3 images each of the last three counts more than twice as much as the others. Each image should "
            "count the same: add up over images, and divide once.",
        ),
        Mistake(
            "loss_not_weighted",
            _evaluation(loss_weight=lambda count: 1.0),
            "What does each batch add to the sum of losses? The mean losses of the batches are added up, and the sum "
            "is divided by the number of samples: a loss of 1 in each of three batches gives 3 / 19 = 0.16. A mean "
            "has to be turned back into a sum over its batch before it is added.",
        ),
        Mistake(
            "last_batch_only",
            _evaluation(last_only=True),
            "Which batches are in the result? Only the last batch is in the result: the sums are set to zero in every "
            "turn of the loop, or overwritten. They start at zero once, before the loop, and grow.",
        ),
        Mistake(
            "accuracy_is_count",
            _evaluation(post=lambda loss, accuracy, n: (loss, round(accuracy * n))),
            "How large is the accuracy if all 19 answers are right? For 19 right answers of 19 the accuracy is 19 "
            "here. As a share between 0 and 1 it should be 1, so the number of samples has to come in.",
        ),
        Mistake(
            "accuracy_in_percent",
            _evaluation(post=lambda loss, accuracy, n: (loss, 100 * accuracy)),
            "How large is the accuracy if every answer is right? If every answer is right the accuracy is 100 here, "
            "in percent. In this course an accuracy is a share between 0 and 1, so that it can be compared with that "
            "of training.",
        ),
        Mistake(
            "swapped",
            _evaluation(post=lambda loss, accuracy, n: (accuracy, loss)),
            "In which order do the two results come? The accuracy comes first here. The caller unpacks the loss "
            "first: early stopping would watch the accuracy and take a low one for good.",
        ),
        Mistake(
            "loss_only",
            _evaluation(post=lambda loss, accuracy, n: loss),
            "How many results come back? Only the loss comes back. The accuracy is asked for too, as the second "
            "result.",
        ),
        Mistake(
            "error_instead_of_accuracy",
            _evaluation(post=lambda loss, accuracy, n: (loss, 1 - accuracy)),
            "What is the accuracy of a model that is always right? The share of wrong answers is counted, so a model "
            "that is always right gets 0. The accuracy is the share of right ones.",
        ),
        Mistake(
            "softmax_before_loss",
            _evaluation(transform=lambda logits: logits.softmax(1)),
            "What does cross-entropy do with what it gets? Cross-entropy takes logits and applies the softmax itself, "
            "so here there are two. Even a model that is right and sure of it would then have a loss of 1.46 with ten "
            "classes. Give it the logits.",
        ),
        Mistake(
            "still_learning",
            _evaluation(learn=True),
            "Which weights does the model have after the measurement? The measurement changes the weights: there is a "
            "backward pass and a step in it. The validation images are then training images, and their loss says "
            "nothing about new ones. Measuring only looks.",
        ),
        Mistake(
            "returns_nothing",
            _evaluation(post=lambda loss, accuracy, n: None),
            "What does the function give back? The function gives None, because there is no `return` behind the loop. "
            "The mean loss and the accuracy are asked for.",
        ),
    ),
)
