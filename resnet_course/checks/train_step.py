"""Lesson 01 · `train_step`: one epoch in plain sight.

More is looked at than the two numbers: in which order gradients are cleared, computed and used, in which mode the model
is, what the loss function gets, and which gradient each step uses. All that is seen at learning rate 0, where no other
mistake changes it, and with an old gradient left in the model. How much each batch counts is seen with a model that is
told what to answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.loops import SIZES, arrived, see_shares, told_enough, used_in_words
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import plain
from resnet_course.training import train_step

CLASSES = 5


class Watched:
    """A model, a loss function and an optimizer that note what is done with them, in order."""

    def __init__(self, learning_rate: float) -> None:
        torch.manual_seed(SEED)
        self.events: list[str] = []
        self.modes: list[bool] = []
        self.recorded: list[bool] = []  # whether the forward pass can be followed back
        self.logits: list[Tensor] = []
        self.arrived: list[str] = []
        self.used: list[str] = []  # by each step, in words
        self.own = self.left = torch.zeros(0)  # the gradient of the last loss; what .grad held before it came
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, CLASSES))
        self.model.register_forward_hook(self._note_forward)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=learning_rate, momentum=0.9)
        for owner, method in ((self.optimizer, "step"), (self.optimizer, "zero_grad"), (self.model, "zero_grad")):
            self._note(owner, method)
        self.images, self.targets = torch.randn(19, 3, 4, 4), torch.arange(19) % CLASSES

    def _note_forward(self, model: nn.Module, images: Any, logits: Tensor) -> None:
        self.events.append("forward")
        self.modes.append(model.training)
        self.recorded.append(logits.requires_grad)
        self.logits.append(plain(logits))

    def _note(self, owner: Any, method: str) -> None:
        original = getattr(owner, method)

        def noted(*arguments: Any, **options: Any) -> Any:
            closure = arguments[0] if method == "step" and arguments else options.pop("closure", None)
            loss = None if closure is None else closure()  # what it does comes before the step
            if method == "step":
                self.used.append(used_in_words(self._gradient(), self.own, self.left))
                arguments = ()
            self.events.append(method)
            result = original(*arguments, **options)
            return result if closure is None else loss

        setattr(owner, method, noted)

    def _gradient(self) -> Tensor:
        """All gradients in a row, 0 where there is none."""
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.model.parameters()]
        return torch.cat([plain(part).flatten() for part in parts])

    def _note_backward(self, gradient: Tensor) -> None:
        self.events.append("backward")
        self.left = self._gradient()

    def loss_fn(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Label smoothing gives other numbers than plain cross-entropy, so an answer must use what it was given."""
        self.arrived.append(arrived(logits, targets, self.logits))
        loss = F.cross_entropy(logits, targets, label_smoothing=0.2)
        if loss.requires_grad:
            parameters = list(self.model.parameters())
            found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
            parts = [torch.zeros_like(p) if part is None else part for p, part in zip(parameters, found, strict=True)]
            self.own = torch.cat([plain(part).flatten() for part in parts])
            loss.register_hook(self._note_backward)
        return loss

    def run(self, answer: Any, training: bool) -> Any:
        """One epoch that begins with the model in this mode."""
        self.model.train(training)
        for noted in (self.events, self.modes, self.recorded, self.logits, self.arrived, self.used):
            noted.clear()
        loader = DataLoader(TensorDataset(self.images, self.targets), batch_size=8)
        return answer(self.model, loader, self.loss_fn, self.optimizer)


def observe(answer: Any) -> Iterator[Seen]:
    """An epoch at rate 0, which shows causes; then how batches count; then two that learn, one after a measurement."""
    watched = Watched(learning_rate=0.0)
    for parameter in watched.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    error: Exception | None = None
    try:
        result = watched.run(answer, training=True)
    except Exception as raised:
        error = raised
    yield from see_epoch("", watched)
    if error is not None and told_enough(watched.arrived):
        yield Seen("the epoch", f"ended by {type(error).__name__}", explains=False)
        return
    if error is not None:
        raise error
    yield from see_result(f"for batches of {SIZES}, ", result)
    if is_pair(result):
        yield from see_shares(lambda model, loader, loss_fn: answer(model, loader, loss_fn, _sgd(model)))
    watched = Watched(learning_rate=0.2)
    for which, training in (("the first epoch", True), ("an epoch after a measurement", False)):
        watched.run(answer, training)
        if not training:
            yield Seen(f"in {which}, the forward passes in eval mode", watched.modes.count(False))
        state = watched.model.state_dict()
        weights = [state[name] for name, _ in watched.model.named_parameters()]
        yield Seen(f"after {which}, the trained weights", weights, explains=False)
        yield Seen(f"after {which}, the stored mean of the batch norm", state["2.running_mean"], explains=False)


def _sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.0)


def see_epoch(what: str, watched: Watched) -> Iterator[Seen]:
    """What all right answers do in the same order, wherever they clear the gradients."""
    events = watched.events
    steps = [place for place, event in enumerate(events) if event == "step"]
    first, last = (steps[0], steps[-1]) if steps else (len(events), len(events))
    yield Seen("what the loss function gets", watched.arrived[0] if watched.arrived else "nothing: it is not called")
    yield Seen("in an epoch, the number of forward passes", events.count("forward"))
    yield Seen("in an epoch, the forward passes before the last step", events[:last].count("forward"))
    yield Seen("in an epoch, the forward passes in eval mode", watched.modes.count(False))
    yield Seen("in an epoch, the forward passes without gradients", watched.recorded.count(False))
    yield Seen("in an epoch, the number of calls of backward()", events.count("backward"))
    yield Seen("in an epoch, the number of optimizer steps", events.count("step"))
    yield Seen("in an epoch, the calls of backward() before the first step", events[:first].count("backward"))
    before = [["nothing", *[event for event in events[:place] if event != "forward"]][-1] for place in steps]
    yield Seen("what comes right before each step", before)
    # Clearing at the end of a batch is a common way to write the loop, so the first step alone makes no answer wrong.
    yield Seen("if an old gradient was left, the gradient that the first step uses", watched.used[:1], judges=False)
    yield Seen("the gradient that each later step uses", watched.used[1:])


def is_pair(result: Any) -> bool:
    """Whether it is two values."""
    return isinstance(result, (tuple, list)) and len(result) == 2


def see_result(what: str, result: Any) -> Iterator[Seen]:
    """The pair of mean loss and accuracy, each by itself."""
    yield Seen(f"{what}the result", ("mean loss", "accuracy") if is_pair(result) else result)
    if is_pair(result):
        yield Seen(f"{what}the mean loss", result[0], explains=False)
        yield Seen(f"{what}the accuracy", result[1], explains=False)
        graphs = sum(isinstance(value, Tensor) and value.requires_grad for value in result)
        yield Seen(f"{what}results that hold on to the graph of the epoch", graphs)


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
    Wrong("step_before_backward", [
              ("        loss.backward()\n", ""),
              ("optimizer.step()\n", "optimizer.step()\n        loss.backward()\n")],
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
                  "mode itself, at its start. (`model.train` without brackets does nothing.)"),
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
    Wrong("batch_means", [
              ("loss_sum += loss.item() * len(images)", "loss_sum += loss.item()"),
              ("(logits.argmax(dim=1) == targets).sum()", "(logits.argmax(dim=1) == targets).float().mean()"),
              ("count += len(images)", "count += 1")],
          ask="How much does the last, smaller batch count in the two means?",
          explain="The last, smaller batch counts as much as a full one, because the means of the batches are "
                  "averaged. With 8, 8 and 3 images, each of the last three weighs more than twice as much as the "
                  "others. Weight each batch by its number of images."),
    Wrong("batch_mean_of_loss", [
              ("loss_sum += loss.item() * len(images)", "loss_sum += loss.item()"),
              ("loss_sum / count", "loss_sum / len(dataloader)")],
          ask="How much does the last, smaller batch count in the mean loss?",
          explain="The accuracy is right, but the loss is the average of batch means: losses 1.0, 1.0 and 4.0 of 8, "
                  "8 and 3 images give 2.0 in place of 1.474. Weight each batch's loss by its number of images."),
    Wrong("batch_mean_of_accuracy", [
              ("(logits.argmax(dim=1) == targets).sum()", "(logits.argmax(dim=1) == targets).float().mean()"),
              ("correct / count", "correct / len(dataloader)")],
          ask="How much does the last, smaller batch count in the accuracy?",
          explain="The loss is right, but the accuracy is the average of the batches' shares, in which 3 images "
                  "count as much as 8. Count the right answers of all batches, and divide once by the number of "
                  "images."),
    Wrong("loss_of_means_by_images", [("loss_sum += loss.item() * len(images)", "loss_sum += loss.item()")],
          ask="Is what `loss_fn` returns for a batch a sum or a mean?",
          explain="What `loss_fn` returns is a mean already. Here the means are added up and divided by the number "
                  "of images once more: a loss of about 1 comes out as 3 / 19 = 0.16. Turn each mean back into a sum "
                  "over its batch first."),
    Wrong("last_batch_only", [("loss_sum +=", "loss_sum ="), ("correct +=", "correct ="), ("count +=", "count =")],
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
    Wrong("detached", [("logits = model(images)", "logits = model(images).detach()")],
          ask="Can backward() find its way from the loss back to the weights?",
          explain="The graph is cut between the model and the loss: detach(), .data, .item() or a new torch.tensor "
                  "keep the numbers and drop the way back, so backward() stops with an error."),
    Wrong("classes_before_loss", [
              ("logits = model(images)", "logits = model(images).argmax(dim=1)"),
              ("logits.argmax(dim=1)", "logits")],
          ask="Does the loss function get a number for each class, or the chosen class alone?",
          explain="The loss function gets the classes with the largest logits. Their shape is (N,) and not "
                  "(N, classes), and no gradient goes through argmax. Keep the logits for the loss, and take argmax "
                  "only to count the right answers."),
    Wrong("loss_arguments_swapped", [("loss_fn(logits, targets)", "loss_fn(targets, logits)")],
          ask="In which order does the loss function take its two arguments?",
          explain="The targets come first here. PyTorch's loss functions take what the model says first and the "
                  "targets second: loss_fn(logits, targets)."),
    Wrong("wrong_number_of_images", [("count += len(images)", "count = len(dataloader) * len(images)")],
          ask="By how many images is divided?",
          explain="The sums are divided by a number that is not the number of images, 19 for batches of 8, 8 and 3. "
                  "The number of batches times the size of one batch is 24 or 9. Count the images of each batch."),
    Wrong("wrong_number_for_loss", [
              ("return loss_sum / count", "return loss_sum / (len(dataloader) * len(images))")],
          ask="By how many images is the loss divided?",
          explain="The sum of the losses is divided by a number that is not the number of images, 19 for batches of 8, "
                  "8 and 3. The number of batches times the size of one batch is 24 or 9."),
    Wrong("wrong_number_for_accuracy", [("correct / count", "correct / (len(dataloader) * len(images))")],
          ask="By how many images is the number of right answers divided?",
          explain="The right answers are divided by a number that is not the number of images, 19 for batches of 8, "
                  "8 and 3. The number of batches times the size of one batch is 24 or 9."),
    Wrong("whole_number_accuracy", [("correct / count", "correct // count")],
          ask="What is 18 // 19?",
          explain="The accuracy is a whole number here: it is 0 as long as not every answer is right. The operator // "
                  "drops what comes after the point, and so does int(). A single / divides."),
    Wrong("largest_value_for_class", [("logits.argmax(dim=1)", "logits.max(dim=1).values")],
          ask="Is the largest logit looked for, or its place?",
          explain="The largest logit itself is compared with the target. The predicted class is the place of the "
                  "largest logit: argmax, or the second of the two results of torch.max(logits, 1)."),
    Wrong("accuracy_after_step", [
              ("correct += (logits.argmax", "correct += (model(images).argmax")],
          ask="How often does each batch go through the model?",
          explain="Each batch goes through the model a second time, after the step, for the accuracy. That doubles "
                  "the cost of the forward pass, updates batch norm's statistics twice, and loss and accuracy are "
                  "then of different weights. The logits are there already."),
    Wrong("second_pass_for_accuracy", [
              ("        correct += (logits.argmax(dim=1) == targets).sum().item()\n", ""),
              ("    return loss_sum",
               "    for x, y in dataloader: correct += (model(x).argmax(1) == y).sum().item()\n    return loss_sum")],
          ask="How often does the function go through the data?",
          explain="The images go through the model once more after the training, to measure the accuracy. The "
                  "exercise asks for one pass: the accuracy comes from the same logits as the loss. Measuring a "
                  "fixed model is another function."),
    Wrong("gradient_made_smaller", [("loss.backward()", "(loss / 4).backward()")],
          ask="Does step() use the gradient as backward() computes it from the loss?",
          explain="The gradient that the step uses is smaller than that of the loss: it was clipped, or the loss was "
                  "divided before backward(). The list of the exercise has no such step, and the network would "
                  "learn more slowly than the learning rate says."),
    Wrong("gradient_made_larger", [("loss.backward()", "(loss * len(images)).backward()")],
          ask="Does step() use the gradient of the mean loss?",
          explain="The gradient that the step uses is larger than that of the loss: the loss was multiplied before "
                  "backward(), or followed back twice. backward() belongs to the mean loss as loss_fn gives it."),
    Wrong("uphill", [("loss.backward()", "(-loss).backward()")],
          ask="In which direction does the loss change from step to step?",
          explain="The sign of the gradient is turned round, so each step makes the loss larger. The optimizer "
                  "already subtracts the gradient."),
    Wrong("two_steps", [("optimizer.step()", "optimizer.step(); optimizer.step()")],
          ask="How often does the optimizer step for one batch?",
          explain="step() is called more than once for a batch, so the same gradient is used again. One batch, one "
                  "gradient, one step."),
    Wrong("smoothed_loss", [
              ("loss_sum += loss.item() * len(images)", "loss_sum = 0.9 * loss_sum + 0.1 * loss.item() * count"),
              ("        loss_sum =", "        count += len(images)\n        loss_sum ="),
              ("sum().item()\n        count += len(images)\n", "sum().item()\n")],
          ask="Does an image of the first batch count as much as one of the last?",
          explain="The loss is smoothed from batch to batch, so later batches count more than the first. That is good "
                  "for a display that follows the training; the mean over all images is asked for."),
    Wrong("size_of_the_first_batch", [
              ("    for images", "    n = 0\n    for images"), ("loss.item() * len(images)", "loss.item() * n"),
              ("        optimizer.zero_grad()\n", "        optimizer.zero_grad()\n        n = n or len(images)\n")],
          ask="With how many images does the last, smaller batch count?",
          explain="All batches count as if they had as many images as the first. The last one has fewer."),
]
# fmt: on

EXERCISE = Exercise(
    "train_step",
    lesson="01",
    defines="train_step",
    reference=train_step,
    observe=observe,
    start="Write the loop over the batches with the five steps of the list, one line each. Then add three sums that "
    "start at 0 before the loop: the losses of all images, the right answers, the images. What does a batch add to the "
    "first, if `loss_fn` gives its mean?",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "gradients set to None by hand, a closure": """
def train_step(model, dataloader, loss_fn, optimizer):
    model.train()
    total_loss, total_right = 0.0, 0
    for images, targets in dataloader:
        kept = []
        def closure():
            for parameter in model.parameters():
                parameter.grad = None
            kept.append(model(images))
            loss = loss_fn(kept[-1], targets)
            loss.backward()
            return loss
        loss = optimizer.step(closure)
        total_loss += float(loss) * images.shape[0]
        total_right += int((kept[-1].argmax(-1) == targets).sum())
    return total_loss / len(dataloader.dataset), total_right / len(dataloader.dataset)
""",
        "a mean that is updated batch by batch": """
def train_step(model, dataloader, loss_fn, optimizer):
    model.train(True)
    mean_loss, accuracy, seen = 0.0, 0.0, 0
    for _, batch in enumerate(dataloader):
        x, y = batch
        optimizer.zero_grad()
        predicted = model(x)
        loss = loss_fn(predicted, y)
        loss.backward()
        optimizer.step()
        n = y.size(0)
        seen += n
        mean_loss += (loss.detach().item() - mean_loss) * n / seen
        accuracy += ((predicted.max(1)[1] == y).float().mean().item() - accuracy) * n / seen
    return mean_loss, accuracy
""",
        "cleared at the end": edited(
            ANSWER,
            ("        optimizer.zero_grad()\n", ""),
            ("optimizer.step()", "optimizer.step(); optimizer.zero_grad()"),
        ),
        "also cleared at the end": edited(ANSWER, ("optimizer.step()", "optimizer.step(); optimizer.zero_grad()")),
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
        "another rate": edited(
            ANSWER, ("    model.train()\n", "    model.train()\n    optimizer.param_groups[0]['lr'] = .1\n")
        ),
        "noise in the logits": edited(ANSWER, ("= model(images)", "= model(images) + 0.01")),
    },
)
