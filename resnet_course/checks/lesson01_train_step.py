"""The exercise `train_step` of lesson 01: one epoch in plain sight.

The compared behaviour is more than the two numbers: the weights and statistics afterwards, the model's mode, and what
happened right before every optimizer step, which tells apart the mistakes that all end in "nothing was learned".
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from resnet_course.checks.compare import differ
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.checks.lesson01_wrong_epochs import batch_mean, batch_means, epoch, means, with_graph
from resnet_course.training import train_step

IMAGES, BATCH_SIZE, CLASSES = 19, 8, 5  # the last batch has three images


class _Watched:
    """A model, a loss function and an optimizer; `events` notes every zero_grad, backward and step, in order."""

    def __init__(self, model: nn.Module) -> None:
        self.events: list[str] = []
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
        self._note(self.optimizer, "step")
        self._note(self.optimizer, "zero_grad")
        self._note(model, "zero_grad")

    def _note(self, owner: Any, method: str) -> None:
        original = getattr(owner, method)

        def noted(*arguments: Any, **options: Any) -> Any:
            self.events.append(method)
            return original(*arguments, **options)

        setattr(owner, method, noted)

    def loss_fn(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Label smoothing gives other numbers than plain cross-entropy, so an answer must use what it was given."""
        loss = F.cross_entropy(logits, targets, label_smoothing=0.2)
        if loss.requires_grad:
            loss.register_hook(lambda gradient: self.events.append("backward"))
        return loss

    def order(self) -> dict[str, Any]:
        """What a right answer does in the same order, wherever it clears the gradients."""
        first_step = self.events.index("step") if "step" in self.events else len(self.events)
        return {
            "optimizer steps": self.events.count("step"),
            "calls of backward()": self.events.count("backward"),
            "calls of backward() before the first step": self.events[:first_step].count("backward"),
            "what came right before each step": [
                ["nothing", *self.events][place] for place, event in enumerate(self.events) if event == "step"
            ],
        }


def _make_model() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, CLASSES))


def _compare(candidate: Any, implementation: Any) -> str | None:
    """Two epochs of the same training; before the second one the model was measured, so it is in eval mode."""
    images, targets = torch.randn(IMAGES, 3, 4, 4), torch.arange(IMAGES) % CLASSES
    model = _make_model()
    mine, expected = _Watched(copy.deepcopy(model)), _Watched(copy.deepcopy(model))
    for which, was_training in (("first", True), ("second", False)):
        for watched in (mine, expected):
            watched.model.train(was_training)
            watched.events.clear()
        results = _call(candidate, mine, images, targets), _call(implementation, expected, images, targets)
        difference = _states_differ(mine, expected) or _results_differ(*results)
        if difference is not None:
            return f"in the {which} epoch, {difference}"
    return None


def _call(function: Callable[..., Any], parts: _Watched, images: Tensor, targets: Tensor) -> Any:
    dataloader = DataLoader(TensorDataset(images, targets), BATCH_SIZE)
    return function(parts.model, dataloader, parts.loss_fn, parts.optimizer)


def _states_differ(mine: _Watched, expected: _Watched) -> str | None:
    order = expected.order()
    for what, value in mine.order().items():
        if value != order[what]:
            return f"{what}: {value}; it should be {order[what]}."
    own, theirs = mine.model.state_dict(), expected.model.state_dict()
    weights = [name for name, _ in mine.model.named_parameters()]
    for names, what in ((weights, "the trained weights differ"), (list(own), "batch norm's statistics differ")):
        if any(differ(own[name], theirs[name], name) for name in names):
            return f"{what} from what they should be."
    return None


def _results_differ(mine: Any, expected: Any) -> str | None:
    pair = isinstance(expected, tuple) and len(expected) == 2
    difference = differ(mine, expected, "the result (mean loss, accuracy)" if pair else "the result")
    if difference is None and pair and _holds_graph(mine) != _holds_graph(expected):
        return "the numbers are right, but they are tensors that still hold on to the graph of the whole epoch."
    return difference


def _holds_graph(result: Any) -> bool:
    return any(isinstance(value, Tensor) and value.requires_grad for value in result)


TRAIN_STEP = Exercise(
    "train_step",
    "01",
    train_step,
    _compare,
    (
        Mistake(
            "no_zero_grad",
            epoch(("forward", "backward", "step")),
            "What is in .grad when the second batch comes? backward() adds to it, so each step also takes all earlier "
            "batches' gradients. When are they cleared?",
        ),
        Mistake(
            "zero_grad_once",
            epoch(("forward", "backward", "step"), outside=(("zero_grad",), ())),
            "How often are the gradients cleared? Once an epoch is not enough: backward() adds in every batch.",
        ),
        Mistake(
            "zero_grad_before_step",
            epoch(("forward", "backward", "zero_grad", "step")),
            "What is left in .grad when the optimizer steps? It was cleared between backward() and step(), so there is "
            "nothing to step along.",
        ),
        Mistake(
            "step_before_backward",
            epoch(("zero_grad", "forward", "step", "backward")),
            "Which gradients does the optimizer use? At step() backward() must have run for this batch.",
        ),
        Mistake(
            "no_backward",
            epoch(("zero_grad", "forward", "step")),
            "Where do the gradients come from? loss.backward() is missing, so the optimizer has nothing to go by.",
        ),
        Mistake(
            "no_step",
            epoch(("zero_grad", "forward", "backward")),
            "Who changes the weights? backward() only computes gradients; the optimizer's step is missing.",
        ),
        Mistake(
            "one_step_an_epoch",
            epoch(("forward", "backward"), outside=(("zero_grad",), ("step",))),
            "How many steps does an epoch have? One for each batch: look at the indentation of step().",
        ),
        Mistake(
            "one_batch_only",
            epoch(batches=1),
            "How many batches were trained on? One. Look at the indentation of `return`.",
        ),
        Mistake(
            "eval_mode",
            epoch(mode=False),
            "In which mode is the model while it trains? In eval mode batch norm uses stored statistics and dropout "
            "does nothing.",
        ),
        Mistake(
            "mode_not_set",
            epoch(mode=None),
            "In which mode was the model handed over? After a measurement it may be in eval mode: who puts it back?",
        ),
        Mistake(
            "softmax_before_loss",
            epoch(logits_to_loss=lambda logits: logits.softmax(1)),
            "What does the loss function expect? Cross-entropy takes logits and applies the softmax itself; a second "
            "one squeezes all gradients.",
        ),
        Mistake(
            "loss_fn_ignored",
            epoch(own_loss=F.cross_entropy),
            "Which loss function is used? One came in as an argument; the caller may want another one than you expect.",
        ),
        Mistake(
            "no_grad",
            epoch(grad=False),
            "Can there be gradients under torch.no_grad()? That belongs to measuring, not to training.",
        ),
        Mistake(
            "batch_means",
            epoch(summary=batch_means),
            "How much does the last, smaller batch count? As much as a full one, if batch means are averaged. Weight "
            "each batch by its number of images.",
        ),
        Mistake(
            "batch_mean_of_loss",
            epoch(summary=lambda losses, correct, sizes: (batch_mean(losses), sum(correct) / sum(sizes))),
            "How is the loss averaged? The accuracy is right, but the loss gives the last, smaller batch the weight of "
            "a full one.",
        ),
        Mistake(
            "batch_mean_of_accuracy",
            epoch(summary=lambda *lists: (means(*lists)[0], batch_means(*lists)[1])),
            "How is the accuracy averaged? The loss is right, but the accuracy gives the last, smaller batch the "
            "weight of a full one.",
        ),
        Mistake(
            "loss_of_means_by_images",
            epoch(
                summary=lambda losses, correct, sizes: (
                    sum(loss.item() for loss in losses) / sum(sizes),
                    sum(correct) / sum(sizes),
                )
            ),
            "What does loss_fn return for a batch? A mean already. Divided by the number of images once more, it is "
            "far too small: multiply it by the batch's size first.",
        ),
        Mistake(
            "last_batch_only",
            epoch(summary=lambda losses, correct, sizes: (losses[-1].item(), correct[-1] / sizes[-1])),
            "Which batches do the numbers speak of? Of the last one alone: = in place of +=?",
        ),
        Mistake(
            "loss_not_averaged",
            epoch(
                summary=lambda losses, correct, sizes: (
                    means(losses, correct, sizes)[0] * sum(sizes),
                    sum(correct) / sum(sizes),
                )
            ),
            "A sum or a mean? The loss was not divided by the number of images.",
        ),
        Mistake(
            "accuracy_as_count",
            epoch(summary=lambda losses, correct, sizes: (means(losses, correct, sizes)[0], sum(correct))),
            "A count or a share? The accuracy lies between 0 and 1.",
        ),
        Mistake(
            "accuracy_in_percent",
            epoch(
                summary=lambda losses, correct, sizes: (
                    means(losses, correct, sizes)[0],
                    100 * sum(correct) / sum(sizes),
                )
            ),
            "Percent or share? In this course an accuracy lies between 0 and 1.",
        ),
        Mistake(
            "argmax_over_images",
            epoch(dim=0),
            "Over which dimension is the largest logit searched? Over the classes of each image, which is dimension 1.",
        ),
        Mistake(
            "swapped",
            epoch(summary=lambda *lists: means(*lists)[::-1]),
            "Which number comes first? The mean loss, then the accuracy.",
        ),
        Mistake(
            "loss_alone",
            epoch(summary=lambda *lists: means(*lists)[0]),
            "How many numbers are asked for? Two: the mean loss and the accuracy.",
        ),
        Mistake(
            "loss_holds_graph",
            epoch(summary=with_graph),
            "What do you add up? A loss tensor keeps its whole graph in memory until the epoch ends; .item() gives the "
            "number alone.",
        ),
        Mistake(
            "returns_none",
            epoch(summary=lambda *lists: None),
            "What does the function hand back? Without a `return` it gives None.",
        ),
    ),
)
