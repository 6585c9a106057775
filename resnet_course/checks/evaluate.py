"""Lesson 02 · `evaluate`: mean loss and accuracy of a fixed model.

The model notes in which mode it runs and whether gradients are recorded; how much each batch counts is seen with
another model that is told what to answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.loops import SIZES, arrived, see_shares, told_enough
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import equal, plain
from resnet_course.checks.train_step import is_pair, see_result
from resnet_course.training import evaluate

CLASSES = 5


class Measured:
    """A model with batch norm and dropout, and a loss function, that note how they are used."""

    def __init__(self) -> None:
        torch.manual_seed(SEED)
        self.modes: list[bool] = []
        self.images: set[float] = set()  # one number for each image that was measured
        self.recorded: list[bool] = []
        self.logits: list[Tensor] = []
        self.arrived: list[str] = []
        self.model = nn.Sequential(
            nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, CLASSES)
        )
        self.model[2].running_mean.uniform_(-1, 1)
        self.model[2].running_var.uniform_(0.5, 2)
        self.model.register_forward_hook(self._note)
        self.before = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        images, targets = torch.randn(19, 3, 2, 2), torch.randint(0, CLASSES, (19,))
        self.loader = DataLoader(TensorDataset(images, targets), batch_size=8)

    def _note(self, model: nn.Module, images: Any, logits: Tensor) -> None:
        self.modes.append(model.training)
        self.recorded.append(logits.requires_grad)
        self.logits.append(plain(logits))
        self.images |= {image.sum().item() for image in images[0]}

    def loss_fn(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Label smoothing gives other numbers than plain cross-entropy, so an answer must use what it was given."""
        self.arrived.append(arrived(logits, targets, self.logits))
        return F.cross_entropy(logits, targets, label_smoothing=0.2)

    def changed(self) -> tuple[bool, bool]:
        """Whether a weight has changed, and whether a stored statistic has."""
        weights = {name for name, _ in self.model.named_parameters()}
        other = {name for name, tensor in self.model.state_dict().items() if not equal(tensor, self.before[name])}
        return bool(other & weights), bool(other - weights)


def observe(answer: Any) -> Iterator[Seen]:
    """A measurement that begins in training mode; then how batches count."""
    measured = Measured()
    error: Exception | None = None
    try:
        result = answer(measured.model, measured.loader, measured.loss_fn)
    except Exception as raised:
        error = raised
    gradients_on = torch.is_grad_enabled()
    torch.set_grad_enabled(True)  # off in all that follows, if the answer has left it so
    yield Seen("what the loss function gets", measured.arrived[0] if measured.arrived else "nothing: it is not called")
    if error is None or told_enough(measured.arrived):
        yield Seen("of 19 images, the number that goes through the model", len(measured.images))
    yield Seen("of the forward passes, some in training mode", any(measured.modes))
    yield Seen("of the forward passes, some that record gradients", any(measured.recorded))
    weights, statistics = measured.changed()
    yield Seen("by a measurement, a change of the weights", weights)
    yield Seen("by a measurement, a change of the stored statistics", statistics)
    takes = all(parameter.requires_grad for parameter in measured.model.parameters())
    yield Seen("afterwards, the weights still ask for gradients", takes)
    yield Seen("afterwards, torch still records gradients in general", gradients_on)
    if error is not None and told_enough(measured.arrived):
        yield Seen("the measurement", f"ended by {type(error).__name__}", explains=False)
        return
    if error is not None:
        raise error
    yield from see_result(f"for batches of {SIZES}, ", result)
    if is_pair(result):
        yield from see_shares(answer)


ANSWER = """
def evaluate(model, dataloader, loss_fn):
    loss_sum, correct, samples = 0.0, 0, 0
    model.eval()
    with torch.no_grad():
        for images, targets in dataloader:
            logits = model(images)
            loss_sum += loss_fn(logits, targets).item() * len(targets)
            correct += (logits.argmax(1) == targets).sum().item()
            samples += len(targets)
    return loss_sum / samples, correct / samples
"""
# fmt: off
WRONG = [
    Wrong("no_eval_mode", [("    model.eval()\n", "    model.train()\n")],
          ask="In which mode is the model while it is measured?",
          explain="The model is measured in training mode: nothing switches eval mode on (`model.eval` without "
                  "brackets calls nothing), or training mode comes back too early. Dropout then drops numbers, "
                  "batch norm uses the batch's own statistics, so an image's result depends on its neighbours, and "
                  "the stored statistics change. Measuring needs eval mode."),
    Wrong("gradients_recorded", [("with torch.no_grad()", "with torch.enable_grad()")],
          ask="What does the forward pass store for a backward pass that never comes?",
          explain="The forward pass keeps the intermediate results of every layer for a backward pass, and nobody "
                  "needs them here. `with torch.no_grad():` around the loop switches the recording off; on a line of "
                  "its own torch.no_grad() does nothing."),
    Wrong("per_batch_means", [
              (" * len(targets)", ""),
              ("(logits.argmax(1) == targets).sum()", "(logits.argmax(1) == targets).float().mean()"),
              ("samples += len(targets)", "samples += 1")],
          ask="How much does an image of the last, smaller batch count?",
          explain="The means of the batches are averaged, so with 8, 8 and 3 images each of the last three counts "
                  "more than twice as much as the others. Each image should count the same: add up over images, and "
                  "divide once."),
    Wrong("loss_not_weighted", [(" * len(targets)", "")],
          ask="What does each batch add to the sum of losses?",
          explain="The mean losses of the batches are added up, and the sum is divided by the number of samples: a "
                  "loss of 1 in each of three batches gives 3 / 19 = 0.16. A mean has to be turned back into a sum "
                  "over its batch before it is added."),
    Wrong("last_batch_only", [
              ("            logits =", "            loss_sum, correct, samples = 0.0, 0, 0\n            logits =")],
          ask="Which batches are in the result?",
          explain="Only the last batch is in the result: the sums are set to zero in every turn of the loop, or "
                  "overwritten. They start at zero once, before the loop, and grow."),
    Wrong("argmax_of_all", [("logits.argmax(1)", "logits.argmax()")],
          ask="Among how many numbers does `argmax()` without a dimension look for the largest?",
          explain="`argmax()` without a dimension looks through the logits of the whole batch and gives one place "
                  "among all of them, which is then compared with every target. `argmax(1)` looks along each row: one "
                  "class for each image."),
    Wrong("accuracy_is_count", [("correct / samples", "correct")],
          ask="How large is the accuracy if all 19 answers are right?",
          explain="For 19 right answers of 19 the accuracy is 19 here. As a share between 0 and 1 it should be 1, so "
                  "the number of samples has to come in."),
    Wrong("accuracy_in_percent", [("correct / samples", "100 * correct / samples")],
          ask="How large is the accuracy if every answer is right?",
          explain="If every answer is right the accuracy is 100 here, in percent. In this course an accuracy is a "
                  "share between 0 and 1, so that it can be compared with that of training."),
    Wrong("swapped", [
              ("    return loss_sum / samples, correct / samples",
               "    return correct / samples, loss_sum / samples")],
          ask="In which order do the two results come?",
          explain="The accuracy comes first here. The caller unpacks the loss first: early stopping would watch the "
                  "accuracy and take a low one for good."),
    Wrong("loss_only", [
              ("    return loss_sum / samples, correct / samples", "    return loss_sum / samples")],
          ask="How many results come back?",
          explain="Only the loss comes back. The accuracy is asked for too, as the second result."),
    Wrong("error_instead_of_accuracy", [("correct / samples", "1 - correct / samples")],
          ask="What is the accuracy of a model that is always right?",
          explain="The share of wrong answers is counted, so a model that is always right gets 0. The accuracy is "
                  "the share of right ones."),
    Wrong("softmax_before_loss", [("model(images)", "model(images).softmax(1)")],
          ask="What does cross-entropy do with what it gets?",
          explain="Cross-entropy takes logits and applies the softmax itself, so here there are two. Even a model "
                  "that is right and sure of it would then have a loss of 1.46 with ten classes. Give it the logits."),
    Wrong("still_learning", [
              ("with torch.no_grad()", "with torch.enable_grad()"),
              ("            correct +=",
               "            loss_fn(logits, targets).backward()\n"
               "            for p in model.parameters(): p.data -= 0.1 * p.grad\n            correct +=")],
          ask="Which weights does the model have after the measurement?",
          explain="The measurement changes the weights: there is a backward pass and a step in it. The validation "
                  "images are then training images, and their loss says nothing about new ones. Measuring only "
                  "looks."),
    Wrong("returns_nothing", [("    return loss_sum / samples, correct / samples", "")],
          ask="What does the function give back?",
          explain="The function gives None, because there is no `return` after the loop. The mean loss and the "
                  "accuracy are asked for."),
    Wrong("loss_fn_ignored", [("loss_fn(logits, targets)", "F.cross_entropy(logits, targets)")],
          ask="Which loss is measured if the caller hands over another one than cross-entropy?",
          explain="`loss_fn` is not called: the loss is always the same one. The caller may want label smoothing, for "
                  "example. Use the function that came in."),
    Wrong("one_batch_only", [
              ("    return loss_sum / samples", "            return loss_sum / samples")],
          ask="How many batches does the loop go through?",
          explain="The loop ends after its first batch, most often because `return` is indented too far. The other "
                  "images are never seen."),
    Wrong("last_batch_dropped", [
              ("            logits =", "            if len(targets) < 8: break\n            logits =")],
          ask="Do all 19 images go through the model?",
          explain="Only whole batches are measured, and the last, smaller one is left out. In a measurement each image "
                  "counts, so that the number can be compared with that of somebody else."),
    Wrong("loss_not_averaged", [("return loss_sum / samples", "return loss_sum")],
          ask="How large is the loss, if every image has loss 1?",
          explain="The sum over the images was not divided: 19 images with a loss of 1 give 19. The mean is asked "
                  "for, 1."),
    Wrong("sum_of_batch_means", [(" * len(targets)", ""), ("return loss_sum / samples", "return loss_sum")],
          ask="What becomes of the loss if the same images come in smaller batches?",
          explain="The mean losses of the batches are added up and not divided, so three batches with a loss of 1 give "
                  "3. Turn each mean into a sum over its batch, and divide once by the number of images."),
    Wrong("batch_mean_of_loss", [
              (" * len(targets)", ""), ("return loss_sum / samples", "return loss_sum / len(dataloader)")],
          ask="How much does the last, smaller batch count in the mean loss?",
          explain="The loss is the average of batch means, in which an image of the last batch of 3 counts more than "
                  "twice as much as one of a batch of 8. Weight each batch's loss by its number of images."),
    Wrong("batch_mean_of_accuracy", [
              ("(logits.argmax(1) == targets).sum()", "(logits.argmax(1) == targets).float().mean()"),
              ("correct / samples", "correct / len(dataloader)")],
          ask="How much does the last, smaller batch count in the accuracy?",
          explain="The accuracy is the average of the batches' shares, in which 3 images count as much as 8. Count the "
                  "right answers of all batches, and divide once by the number of images."),
    Wrong("count_by_batches", [("correct / samples", "correct / len(dataloader)")],
          ask="Is len(dataloader) a number of images?",
          explain="len(dataloader) is the number of batches, 3 for 19 images in batches of 8. The number of right "
                  "answers has to be divided by the number of images: count them, or take len(dataloader.dataset)."),
    Wrong("loss_by_batches", [("loss_sum / samples", "loss_sum / len(dataloader)")],
          ask="Is len(dataloader) a number of images?",
          explain="The sum over all images is divided by another number than that of the images. len(dataloader), for "
                  "example, counts the batches, 3 for 19 images in batches of 8."),
    Wrong("wrong_number_of_images", [("samples += len(targets)", "samples = len(dataloader) * len(targets)")],
          ask="By how many images is divided?",
          explain="The sums are divided by a number that is not the number of images. The number of batches times the "
                  "size of one batch is 24 or 9 for batches of 8, 8 and 3. Count the images of each batch."),
    Wrong("wrong_number_for_accuracy", [("correct / samples", "correct / (len(dataloader) * len(targets))")],
          ask="By how many images is the number of right answers divided?",
          explain="The number of right answers is divided by another number than that of the images, 19 for batches "
                  "of 8, 8 and 3. The number of batches times the size of one batch is 24 or 9."),
    Wrong("whole_number_accuracy", [("correct / samples", "correct // samples")],
          ask="What is 18 // 19?",
          explain="The accuracy is a whole number here: it is 0 as long as not every answer is right. The operator // "
                  "drops what comes after the point, and so does int(). A single / divides."),
    Wrong("largest_value_for_class", [("logits.argmax(1)", "logits.max(1).values")],
          ask="Is the largest logit looked for, or its place?",
          explain="The largest logit itself is compared with the target. The predicted class is the place of the "
                  "largest logit: argmax, or the second of the two results of torch.max(logits, 1)."),
    Wrong("argmax_over_images", [("logits.argmax(1)", "logits.argmax(0)")],
          ask="Among which numbers is the largest logit looked for?",
          explain="Here the largest logit is looked for among the images, class by class: dimension 0. Each image "
                  "needs the largest logit among its own classes; logits have the shape (N, classes)."),
    Wrong("classes_before_loss", [
              ("logits = model(images)", "logits = model(images).argmax(1)"), ("(logits.argmax(1) ==", "(logits ==")],
          ask="Does the loss function get a number for each class, or the chosen class alone?",
          explain="The loss function gets the classes with the largest logits, of shape (N,) in place of (N, "
                  "classes). How sure the model was is lost with them. Take argmax only to count the right answers."),
    Wrong("loss_arguments_swapped", [("loss_fn(logits, targets)", "loss_fn(targets, logits)")],
          ask="In which order does the loss function take its two arguments?",
          explain="The targets come first here. PyTorch's loss functions take what the model says first and the "
                  "targets second: loss_fn(logits, targets)."),
    Wrong("gradients_left_off", [
              ("with torch.no_grad():\n        for", "torch.set_grad_enabled(False)\n    if True:\n        for")],
          ask="What happens to the next training after this measurement?",
          explain="Gradients are switched off for the whole program and not switched on again: the next backward() "
                  "stops with an error. `with torch.no_grad():` switches them off for its block only."),
    Wrong("weights_frozen", [("    model.eval()\n", "    model.eval().requires_grad_(False)\n")],
          ask="Can the model still be trained after the measurement?",
          explain="requires_grad_(False) freezes the model's own weights, and they stay frozen: a training that goes "
                  "on finds no gradients. torch.no_grad() leaves the model as it is."),
]
# fmt: on

EXERCISE = Exercise(
    "evaluate",
    lesson="02",
    defines="evaluate",
    reference=evaluate,
    observe=observe,
    start="Take your train_step and ask of each line whether it measures or learns. What learns goes, and so does the "
    "optimizer. Two things come in: another mode of the model, and torch.no_grad() around the loop.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "tensors, a decorator, and the mode put back": """
@torch.no_grad()
def evaluate(model, dataloader, loss_fn):
    was_training = model.training
    model.eval()
    losses, hits = [], []
    for images, targets in dataloader:
        logits = model(images)
        losses += [loss_fn(logits, targets)] * len(targets)
        hits.append(logits.softmax(1).max(1).indices == targets)
    model.train(was_training)
    return torch.stack(losses).mean(), torch.cat(hits).float().mean()
""",
        "all logits first, one loss at the end": """
def evaluate(model, dataloader, loss_fn):
    model.eval()
    with torch.inference_mode():
        outputs = [(model(x), y) for x, y in dataloader]
    logits = torch.cat([o for o, _ in outputs])
    targets = torch.cat([y for _, y in outputs])
    return [loss_fn(logits, targets).item(), (logits.argmax(dim=-1) == targets).float().mean().item()]
""",
        "divided by the size of the data set": """
def evaluate(model, dataloader, loss_fn):
    model.eval()
    total_loss = total_right = 0
    with torch.no_grad():
        for x, y in dataloader:
            out = model(x)
            total_loss += loss_fn(out, y) * x.size(0)
            total_right += (out.argmax(dim=1) == y).sum()
    return total_loss / len(dataloader.dataset), total_right / len(dataloader.dataset)
""",
        "a mean that is updated, no_grad line by line": """
def evaluate(net, batches, criterion):
    net.train(False)
    loss, accuracy, seen = 0.0, 0.0, 0
    for x, y in batches:
        with torch.no_grad():
            scores = net(x)
            batch_loss = criterion(scores, y)
        n = y.numel()
        seen += n
        loss += (float(batch_loss) - loss) * n / seen
        accuracy += (float((torch.max(scores, 1)[1] == y).double().mean()) - accuracy) * n / seen
    return loss, accuracy
""",
        "two passes over the data": """
def evaluate(model, dataloader, loss_fn):
    model.eval()
    with torch.no_grad():
        samples = sum(len(y) for _, y in dataloader)
        parts = [(loss_fn(model(x), y).item() * len(y), len(y)) for x, y in dataloader]
        right = sum((model(x).topk(1).indices[:, 0] == y).sum().item() for x, y in dataloader)
    return sum(loss for loss, _ in parts) / samples, right / samples
""",
        "gradients switched off and on again": """
def evaluate(model, dataloader, loss_fn):
    mode = model.training
    model.eval()
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        sizes = torch.tensor([float(len(y)) for _, y in dataloader])
        found = [(model(x), y) for x, y in dataloader]
        losses = torch.stack([loss_fn(o, y) for o, y in found])
        shares = torch.stack([(o.argmax(1) == y).float().mean() for o, y in found])
    finally:
        torch.set_grad_enabled(before)
        model.train(mode)
    weights = sizes / sizes.sum()
    return (losses * weights).sum().item(), (shares * weights).sum().item()
""",
    },
    again={
        "divided by seven": (
            "wrong_number_of_images",
            edited(ANSWER, ("return loss_sum / samples, correct / samples", "return loss_sum / 7, correct / 7")),
        ),
    },
    unknown={
        "noise in the logits": edited(ANSWER, ("model(images)", "model(images) + 0.01")),
    },
)
