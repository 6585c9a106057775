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

from resnet_course.checking.compare import differ
from resnet_course.checking.core import Exercise, Mistake
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
            "What is in .grad when the second batch comes? The .grad of each weight still holds the gradient of the "
            "first batch, and backward() adds to it. From the second batch on each step follows the sum of all "
            "gradients so far, not that of its own batch. They must be cleared for every batch.",
        ),
        Mistake(
            "zero_grad_once",
            epoch(("forward", "backward", "step"), outside=(("zero_grad",), ())),
            "How often are the gradients cleared? The gradients are cleared once, before the loop. backward() adds in "
            "every batch, so the last step of an epoch follows the sum over all its batches. Clearing belongs inside "
            "the loop.",
        ),
        Mistake(
            "zero_grad_before_step",
            epoch(("forward", "backward", "zero_grad", "step")),
            "What is left in .grad when the optimizer steps? The gradients are cleared between backward() and step(), "
            "so no weight changes. They may be cleared at the start of a batch, or after the step.",
        ),
        Mistake(
            "step_before_backward",
            epoch(("zero_grad", "forward", "step", "backward")),
            "Which batch's gradients does step() use? step() comes before backward(), so it finds none: the gradients "
            "of this batch are computed afterwards and cleared before the next step. First compute the gradients, "
            "then step.",
        ),
        Mistake(
            "no_backward",
            epoch(("zero_grad", "forward", "step")),
            "Which call fills .grad? The loss is computed, and backward() is never called on it. The optimizer finds "
            "no gradients and leaves the weights as they are.",
        ),
        Mistake(
            "no_step",
            epoch(("zero_grad", "forward", "backward")),
            "Which call changes the weights? No call changes the weights: backward() only writes gradients into "
            ".grad; the optimizer has to be told to use them, once for each batch.",
        ),
        Mistake(
            "one_step_an_epoch",
            epoch(("forward", "backward"), outside=(("zero_grad",), ("step",))),
            "How many times does the optimizer step in an epoch of three batches? step() stands after the loop, so "
            "there is one step in an epoch. All batches' gradients are added up to one large step, and the network "
            "learns once an epoch. The step belongs to each batch, so look at the indentation.",
        ),
        Mistake(
            "one_batch_only",
            epoch(batches=1),
            "How many batches does the loop go through? The loop ends after its first batch, most often because "
            "`return` is indented too far. The rest of the epoch is never seen.",
        ),
        Mistake(
            "eval_mode",
            epoch(mode=False),
            "In which mode does the model train? The model trains in eval mode. Batch norm then uses its stored "
            "statistics and never updates them, and dropout does nothing. An epoch of training needs training mode.",
        ),
        Mistake(
            "mode_not_set",
            epoch(mode=None),
            "In which mode is the model when a measurement has just ended? After a measurement the model may still be "
            "in eval mode, and this function leaves it there: batch norm then keeps its old statistics. train_step "
            "cannot know what ran before it, so it sets the mode itself, at its start.",
        ),
        Mistake(
            "softmax_before_loss",
            epoch(logits_to_loss=lambda logits: logits.softmax(1)),
            "What does cross-entropy do with what it gets? Cross-entropy takes logits and applies the softmax itself, "
            "so here there are two. The numbers that reach the second all lie between 0 and 1: with ten classes even "
            "a perfect answer costs 1.46, and the gradients are small.",
        ),
        Mistake(
            "loss_fn_ignored",
            epoch(own_loss=F.cross_entropy),
            "Which loss is computed if the caller hands over another one than cross-entropy? The loss is always "
            "cross-entropy, because `loss_fn` is not used. The caller may want label smoothing, for example. Use the "
            "function that came in.",
        ),
        Mistake(
            "no_grad",
            epoch(grad=False),
            "What does torch.no_grad() do to the forward pass? Under torch.no_grad() nothing is recorded for "
            "backward(), so no gradients can be computed and backward() stops with an error. no_grad belongs to "
            "measuring a network, not to training it.",
        ),
        Mistake(
            "batch_means",
            epoch(summary=batch_means),
            "How much does the last, smaller batch count in the two means? The last, smaller batch counts as much as "
            "a full one, because the means of the batches are averaged. With 8, 8 and 3 images, each of the last "
            "three weighs more than twice as much as the others. Weight each batch by its number of images.",
        ),
        Mistake(
            "batch_mean_of_loss",
            epoch(summary=lambda losses, correct, sizes: (batch_mean(losses), sum(correct) / sum(sizes))),
            "How much does the last, smaller batch count in the mean loss? The accuracy is right, but the loss is the "
            "average of batch means: losses 1.0, 1.0 and 4.0 of 8, 8 and 3 images give 2.0 in place of 1.474. Weight "
            "each batch's loss by its number of images.",
        ),
        Mistake(
            "batch_mean_of_accuracy",
            epoch(summary=lambda *lists: (means(*lists)[0], batch_means(*lists)[1])),
            "How much does the last, smaller batch count in the accuracy? The loss is right, but the accuracy is the "
            "average of the batches' shares, in which 3 images count as much as 8. Count the right answers of all "
            "batches, and divide once by the number of images.",
        ),
        Mistake(
            "loss_of_means_by_images",
            epoch(
                summary=lambda losses, correct, sizes: (
                    sum(loss.item() for loss in losses) / sum(sizes),
                    sum(correct) / sum(sizes),
                )
            ),
            "Is what `loss_fn` returns for a batch a sum or a mean? What `loss_fn` returns is a mean already. Here "
            "the means are added up and divided by the number of images once more: a loss of about 1 comes out as 3 / "
            "19 = 0.16. Turn each mean back into a sum over its batch first.",
        ),
        Mistake(
            "last_batch_only",
            epoch(summary=lambda losses, correct, sizes: (losses[-1].item(), correct[-1] / sizes[-1])),
            "Which batches do the two numbers describe? The numbers describe only the last batch: each turn of the "
            "loop overwrites what the one before had stored. The sums must grow from batch to batch.",
        ),
        Mistake(
            "loss_not_averaged",
            epoch(
                summary=lambda losses, correct, sizes: (
                    means(losses, correct, sizes)[0] * sum(sizes),
                    sum(correct) / sum(sizes),
                )
            ),
            "How large is the loss, if every image has loss 1? The sum of the losses was not divided: if each of 19 "
            "images has loss 1, it gives 19. The mean over the images is asked for, 1.",
        ),
        Mistake(
            "accuracy_as_count",
            epoch(summary=lambda losses, correct, sizes: (means(losses, correct, sizes)[0], sum(correct))),
            "How large is the accuracy, if every answer is right? If every answer is right, the code gives the number "
            "of images. In this course an accuracy is a share between 0 and 1, so the count has to be divided by the "
            "number of images.",
        ),
        Mistake(
            "accuracy_in_percent",
            epoch(
                summary=lambda losses, correct, sizes: (
                    means(losses, correct, sizes)[0],
                    100 * sum(correct) / sum(sizes),
                )
            ),
            "What is the accuracy of a network that is always right? A network that is always right gets 100 here, a "
            "percentage. In this course an accuracy is a share between 0 and 1, and curves of both kinds would not "
            "fit into one figure.",
        ),
        Mistake(
            "argmax_over_images",
            epoch(dim=0),
            "Among which numbers is the largest logit looked for? Here the largest logit is looked for among the "
            "images, class by class: dimension 0. Each image needs the largest logit among its own classes; logits "
            "have the shape (N, classes).",
        ),
        Mistake(
            "swapped",
            epoch(summary=lambda *lists: means(*lists)[::-1]),
            "In which order do the two results come back? The accuracy comes first here. The caller unpacks the mean "
            "loss, then the accuracy, and would plot each as the other.",
        ),
        Mistake(
            "loss_alone",
            epoch(summary=lambda *lists: means(*lists)[0]),
            "How many numbers should come back? Only the mean loss comes back. The accuracy is asked for too, as the "
            "second of two results.",
        ),
        Mistake(
            "loss_holds_graph",
            epoch(summary=with_graph),
            "What kind of object is added up for the loss? The losses that are added up are tensors that still hold "
            "their graph. Adding them keeps the intermediate results of all batches in memory until the epoch ends. "
            "Take the plain number out of each loss (.item()) before it is added.",
        ),
        Mistake(
            "returns_none",
            epoch(summary=lambda *lists: None),
            "What does the function hand back? A Python function without a `return` gives back None, so the two means "
            "are lost. Hand them back after the loop.",
        ),
    ),
)
