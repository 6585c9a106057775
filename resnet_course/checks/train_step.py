"""Lesson 01 · `train_step`: one epoch in plain sight.

More is looked at than the two numbers: in which order gradients are cleared, computed and used, in which mode the model
is, and what the loss function gets. The numbers are taken at learning rate 0, where no other mistake changes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import plain
from resnet_course.training import train_step

SIZES = "8, 8 and 3 images"  # 19 in batches of 8
CLASSES = 5


class Watched:
    """A model, a loss function and an optimizer that note what is done with them, in order."""

    def __init__(self, learning_rate: float) -> None:
        torch.manual_seed(SEED)
        self.events: list[str] = []
        self.modes: list[bool] = []
        self.logits: list[Tensor] = []
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, CLASSES))
        self.model.register_forward_pre_hook(lambda model, _: self.modes.append(model.training))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=learning_rate, momentum=0.9)
        for owner, method in ((self.optimizer, "step"), (self.optimizer, "zero_grad"), (self.model, "zero_grad")):
            self._note(owner, method)
        self.images, self.targets = torch.randn(19, 3, 4, 4), torch.arange(19) % CLASSES

    def _note(self, owner: Any, method: str) -> None:
        original = getattr(owner, method)

        def noted(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            self.events.append(method)  # at its end, so that what a closure does comes before the step
            return result

        setattr(owner, method, noted)

    def loss_fn(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Label smoothing gives other numbers than plain cross-entropy, so an answer must use what it was given."""
        self.logits.append(plain(logits))
        loss = F.cross_entropy(logits, targets, label_smoothing=0.2)
        if loss.requires_grad:
            loss.register_hook(lambda gradient: self.events.append("backward"))
        return loss

    def run(self, answer: Any, training: bool) -> Any:
        """One epoch that begins with the model in this mode."""
        self.model.train(training)
        self.events.clear(), self.modes.clear(), self.logits.clear()
        loader = DataLoader(TensorDataset(self.images, self.targets), batch_size=8)
        return answer(self.model, loader, self.loss_fn, self.optimizer)


def observe(answer: Any) -> Iterator[Seen]:
    """An epoch at rate 0, which shows the two numbers; then two that learn, the second one after a measurement."""
    watched = Watched(learning_rate=0.0)
    result = watched.run(answer, training=True)
    logits = watched.logits[0] if watched.logits else None
    yield Seen("what the loss function gets from the first batch", logits)
    yield from see_result(f"for batches of {SIZES}, ", result)
    watched = Watched(learning_rate=0.2)
    for which, training in (("the first epoch", True), ("an epoch after a measurement", False)):
        watched.run(answer, training)
        yield Seen(f"in {which}, the number of forward passes", len(watched.modes))
        yield Seen(f"in {which}, the forward passes in eval mode", watched.modes.count(False))
        yield from _see_order(f"in {which}, ", watched.events)
        state = watched.model.state_dict()
        weights = [state[name] for name, _ in watched.model.named_parameters()]
        yield Seen(f"after {which}, the trained weights", weights, explains=False)
        yield Seen(f"after {which}, the stored mean of the batch norm", state["2.running_mean"], explains=False)


def see_result(what: str, result: Any) -> Iterator[Seen]:
    """The pair of mean loss and accuracy, each by itself."""
    pair = isinstance(result, (tuple, list)) and len(result) == 2
    yield Seen(f"{what}the result", (0.0, 0.0) if pair else result)
    if pair:
        yield Seen(f"{what}the mean loss", result[0])
        yield Seen(f"{what}the accuracy", result[1])
        graphs = sum(isinstance(value, Tensor) and value.requires_grad for value in result)
        yield Seen(f"{what}results that hold on to the graph of the epoch", graphs)


def _see_order(what: str, events: list[str]) -> Iterator[Seen]:
    """What all right answers do in the same order, wherever they clear the gradients."""
    first = events.index("step") if "step" in events else len(events)
    yield Seen(f"{what}the number of calls of backward()", events.count("backward"))
    yield Seen(f"{what}the number of optimizer steps", events.count("step"))
    yield Seen(f"{what}the calls of backward() before the first step", events[:first].count("backward"))
    before = [["nothing", *events][place] for place, event in enumerate(events) if event == "step"]
    yield Seen(f"{what}what comes right before each step", before)


ANSWER = """
def train_step(model, dataloader, loss_fn, optimizer):
    model.train()
    loss_sum, correct, count = 0.0, 0, 0
    for images, targets in dataloader:
        optimizer.zero_grad()
        logits = model(images)
        loss = loss_fn(logits, targets)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(images)
        correct += (logits.argmax(dim=1) == targets).sum().item()
        count += len(images)
    return loss_sum / count, correct / count
"""
# fmt: off
WRONG = [
    Wrong("no_zero_grad", [("        optimizer.zero_grad()\n", "")],
          ask="What is in .grad when the second batch comes?",
          explain="The .grad of each weight still holds the gradient of the first batch, and backward() adds to it. "
                  "From the second batch on each step follows the sum of all gradients so far, not that of its own "
                  "batch. They must be cleared for every batch."),
    Wrong("zero_grad_once", [
              ("    model.train()\n", "    model.train()\n    optimizer.zero_grad()\n"),
              ("        optimizer.zero_grad()\n", "")],
          ask="How often are the gradients cleared?",
          explain="The gradients are cleared once, before the loop. backward() adds in every batch, so the last step "
                  "of an epoch follows the sum over all its batches. Clearing belongs inside the loop."),
    Wrong("zero_grad_before_step", [
              ("        optimizer.zero_grad()\n", ""),
              ("optimizer.step()", "optimizer.zero_grad(); optimizer.step()")],
          ask="What is left in .grad when the optimizer steps?",
          explain="The gradients are cleared between backward() and step(), so no weight changes. They may be "
                  "cleared at the start of a batch, or after the step."),
    Wrong("step_before_backward", """
def train_step(model, dataloader, loss_fn, optimizer):
    model.train()
    loss_sum, correct, count = 0.0, 0, 0
    for images, targets in dataloader:
        optimizer.zero_grad()
        logits = model(images)
        loss = loss_fn(logits, targets)
        optimizer.step()
        loss.backward()
        loss_sum += loss.item() * len(images)
        correct += (logits.argmax(dim=1) == targets).sum().item()
        count += len(images)
    return loss_sum / count, correct / count
""",
          ask="Which batch's gradients does step() use?",
          explain="step() comes before backward(), so it finds none: the gradients of this batch are computed "
                  "afterwards and cleared before the next step. First compute the gradients, then step."),
    Wrong("no_backward", [("        loss.backward()\n", "")],
          ask="Which call fills .grad?",
          explain="The loss is computed, and backward() is never called on it. The optimizer finds no gradients and "
                  "leaves the weights as they are."),
    Wrong("no_step", [("        optimizer.step()\n", "")],
          ask="Which call changes the weights?",
          explain="No call changes the weights: backward() only writes gradients into .grad; the optimizer has to be "
                  "told to use them, once for each batch."),
    Wrong("one_step_an_epoch", [
              ("    model.train()\n", "    model.train()\n    optimizer.zero_grad()\n"),
              ("        optimizer.zero_grad()\n", ""),
              ("        optimizer.step()\n", ""),
              ("        count += len(images)\n", "        count += len(images)\n    optimizer.step()\n")],
          ask="How many times does the optimizer step in an epoch of three batches?",
          explain="step() stands after the loop, so there is one step in an epoch. All batches' gradients are added "
                  "up to one large step, and the network learns once an epoch. The step belongs to each batch, so "
                  "look at the indentation."),
    Wrong("one_batch_only", [
              ("    return loss_sum / count, correct / count\n",
               "        return loss_sum / count, correct / count\n")],
          ask="How many batches does the loop go through?",
          explain="The loop ends after its first batch, most often because `return` is indented too far. The rest of "
                  "the epoch is never seen."),
    Wrong("eval_mode", [("model.train()", "model.eval()")],
          ask="In which mode does the model train?",
          explain="The model trains in eval mode. Batch norm then uses its stored statistics and never updates them, "
                  "and dropout does nothing. An epoch of training needs training mode."),
    Wrong("mode_not_set", [("    model.train()\n", "")],
          ask="In which mode is the model when a measurement has just ended?",
          explain="After a measurement the model may still be in eval mode, and this function leaves it there: batch "
                  "norm then keeps its old statistics. train_step cannot know what ran before it, so it sets the "
                  "mode itself, at its start."),
    Wrong("softmax_before_loss", [
              ("loss = loss_fn(logits, targets)", "loss = loss_fn(torch.softmax(logits, dim=1), targets)")],
          ask="What does cross-entropy do with what it gets?",
          explain="Cross-entropy takes logits and applies the softmax itself, so here there are two. The numbers "
                  "that reach the second all lie between 0 and 1: with ten classes even a perfect answer costs 1.46, "
                  "and the gradients are small."),
    Wrong("loss_fn_ignored", [
              ("loss = loss_fn(logits, targets)", "loss = F.cross_entropy(logits, targets)")],
          ask="Which loss is computed if the caller hands over another one than cross-entropy?",
          explain="The loss is always cross-entropy, because `loss_fn` is not used. The caller may want label "
                  "smoothing, for example. Use the function that came in."),
    Wrong("no_grad", [("logits = model(images)", "with torch.no_grad(): logits = model(images)")],
          ask="What does torch.no_grad() do to the forward pass?",
          explain="Under torch.no_grad() nothing is recorded for backward(), so no gradients can be computed and "
                  "backward() stops with an error. no_grad belongs to measuring a network, not to training it."),
    Wrong("batch_means", """
def train_step(model, dataloader, loss_fn, optimizer):
    train_loss, train_acc = 0, 0
    model.train()
    for batch, (X, y) in enumerate(dataloader):
        y_pred = model(X)
        loss = loss_fn(y_pred, y)
        train_loss += loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        y_pred_class = torch.argmax(torch.softmax(y_pred, dim=1), dim=1)
        train_acc += (y_pred_class == y).sum().item() / len(y_pred)
    train_loss = train_loss / len(dataloader)
    train_acc = train_acc / len(dataloader)
    return train_loss, train_acc
""",
          ask="How much does the last, smaller batch count in the two means?",
          explain="The last, smaller batch counts as much as a full one, because the means of the batches are "
                  "averaged. With 8, 8 and 3 images, each of the last three weighs more than twice as much as the "
                  "others. Weight each batch by its number of images."),
    Wrong("batch_mean_of_loss", """
def train_step(model, dataloader, loss_fn, optimizer):
    train_loss, train_acc = 0, 0
    model.train()
    for batch, (X, y) in enumerate(dataloader):
        y_pred = model(X)
        loss = loss_fn(y_pred, y)
        train_loss += loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        y_pred_class = torch.argmax(torch.softmax(y_pred, dim=1), dim=1)
        train_acc += (y_pred_class == y).sum().item()
    train_loss = train_loss / len(dataloader)
    train_acc = train_acc / len(dataloader.dataset)
    return train_loss, train_acc
""",
          ask="How much does the last, smaller batch count in the mean loss?",
          explain="The accuracy is right, but the loss is the average of batch means: losses 1.0, 1.0 and 4.0 of 8, "
                  "8 and 3 images give 2.0 in place of 1.474. Weight each batch's loss by its number of images."),
    Wrong("batch_mean_of_accuracy", """
def train_step(model, dataloader, loss_fn, optimizer):
    train_loss, train_acc = 0, 0
    model.train()
    for batch, (X, y) in enumerate(dataloader):
        y_pred = model(X)
        loss = loss_fn(y_pred, y)
        train_loss += loss.item() * len(X)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        y_pred_class = torch.argmax(torch.softmax(y_pred, dim=1), dim=1)
        train_acc += (y_pred_class == y).sum().item() / len(y_pred)
    train_loss = train_loss / len(dataloader.dataset)
    train_acc = train_acc / len(dataloader)
    return train_loss, train_acc
""",
          ask="How much does the last, smaller batch count in the accuracy?",
          explain="The loss is right, but the accuracy is the average of the batches' shares, in which 3 images "
                  "count as much as 8. Count the right answers of all batches, and divide once by the number of "
                  "images."),
    Wrong("loss_of_means_by_images", [("loss_sum += loss.item() * len(images)", "loss_sum += loss.item()")],
          ask="Is what `loss_fn` returns for a batch a sum or a mean?",
          explain="What `loss_fn` returns is a mean already. Here the means are added up and divided by the number "
                  "of images once more: a loss of about 1 comes out as 3 / 19 = 0.16. Turn each mean back into a sum "
                  "over its batch first."),
    Wrong("last_batch_only", [
              ("        loss_sum += loss.item() * len(images)\n        correct += (logits.argmax(dim=1) == targets).sum().item()\n        count += len(images)\n",
               "        loss_sum = loss.item() * len(images)\n        correct = (logits.argmax(dim=1) == targets).sum().item()\n        count = len(images)\n")],
          ask="Which batches do the two numbers describe?",
          explain="The numbers describe only the last batch: each turn of the loop overwrites what the one before "
                  "had stored. The sums must grow from batch to batch."),
    Wrong("loss_not_averaged", [
              ("return loss_sum / count, correct / count", "return loss_sum, correct / count")],
          ask="How large is the loss, if every image has loss 1?",
          explain="The sum of the losses was not divided: if each of 19 images has loss 1, it gives 19. The mean "
                  "over the images is asked for, 1."),
    Wrong("accuracy_as_count", [
              ("return loss_sum / count, correct / count", "return loss_sum / count, correct")],
          ask="How large is the accuracy, if every answer is right?",
          explain="If every answer is right, the code gives the number of images. In this course an accuracy is a "
                  "share between 0 and 1, so the count has to be divided by the number of images."),
    Wrong("accuracy_in_percent", [
              ("return loss_sum / count, correct / count", "return loss_sum / count, 100.0 * correct / count")],
          ask="What is the accuracy of a network that is always right?",
          explain="A network that is always right gets 100 here, a percentage. In this course an accuracy is a share "
                  "between 0 and 1, and curves of both kinds would not fit into one figure."),
    Wrong("argmax_over_images", [
              ("correct += (logits.argmax(dim=1) == targets).sum().item()",
               "correct += (logits.argmax(dim=0) == targets).sum().item()")],
          ask="Among which numbers is the largest logit looked for?",
          explain="Here the largest logit is looked for among the images, class by class: dimension 0. Each image "
                  "needs the largest logit among its own classes; logits have the shape (N, classes)."),
    Wrong("swapped", [
              ("return loss_sum / count, correct / count", "return correct / count, loss_sum / count")],
          ask="In which order do the two results come back?",
          explain="The accuracy comes first here. The caller unpacks the mean loss, then the accuracy, and would "
                  "plot each as the other."),
    Wrong("loss_alone", [("return loss_sum / count, correct / count", "return loss_sum / count")],
          ask="How many numbers should come back?",
          explain="Only the mean loss comes back. The accuracy is asked for too, as the second of two results."),
    Wrong("loss_holds_graph", [("loss_sum += loss.item() * len(images)", "loss_sum += loss * len(images)")],
          ask="What kind of object is added up for the loss?",
          explain="The losses that are added up are tensors that still hold their graph. Adding them keeps the "
                  "intermediate results of all batches in memory until the epoch ends. Take the plain number out of "
                  "each loss (.item()) before it is added."),
    Wrong("returns_none", [
              ("return loss_sum / count, correct / count", "print(loss_sum / count, correct / count)")],
          ask="What does the function hand back?",
          explain="A Python function without a `return` gives back None, so the two means are lost. Hand them back "
                  "after the loop."),
]
# fmt: on

EXERCISE = Exercise(
    "train_step",
    lesson="01",
    defines="train_step",
    reference=train_step,
    observe=observe,
    start="Write the loop over the batches with the five steps of the list, one line each. Then add three sums that start "
    "at 0 before the loop: the losses of all images, the right answers, the images. What does a batch add to the "
    "first, if `loss_fn` gives its mean?",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "gradients cleared at the end": edited(
            ANSWER,
            ("        optimizer.zero_grad()\n", ""),
            ("optimizer.step()", "optimizer.step(); optimizer.zero_grad()"),
        ),
        "gradients cleared between forward and backward, by the model": """
def train_step(model, dataloader, loss_fn, optimizer):
    model = model.train()
    device = next(model.parameters()).device
    losses, hits = [], []
    for x, y in dataloader:
        x, y = x.to(device), y.to(device)
        out = model(x)
        loss = loss_fn(out, y)
        model.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        losses.extend([loss.item()] * len(y))
        hits.extend((out.argmax(1) == y).tolist())
    return sum(losses) / len(losses), sum(hits) / len(hits)
""",
        "numbers as tensors without a graph": """
def train_step(model, dataloader, loss_fn, optimizer):
    model.train()
    total = torch.zeros(2)
    for x, y in dataloader:
        optimizer.zero_grad()
        out = model(x)
        loss = loss_fn(out, y)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            total += torch.stack([loss * len(y), (out.max(dim=1).indices == y).float().sum()])
    loss, accuracy = total / len(dataloader.dataset)
    return loss, accuracy
""",
        "a list in place of a tuple": edited(
            ANSWER, ("return loss_sum / count, correct / count", "return [loss_sum / count, correct / count]")
        ),
    },
    unknown={
        "uphill": edited(ANSWER, ("loss.backward()", "(-loss).backward()")),
    },
)
