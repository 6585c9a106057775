"""Lesson 04 · `gradient_norms`: by what fraction of its size each convolution would change.

One image in a network without batch norm shows the formula alone: there a sum is a mean, and the mode has no effect.
What old gradients, repeated images and the mode do is looked at by itself, as a factor on those numbers.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import count_changed, expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import as_number, kind_of, plain

CLASSES = 4
BLOCK = ("block.conv1", "block.conv2", "block.conv3", "conv4")
NAMES = ("first", "second", "conv3")


class Watched:
    """A small classifier with four convolutions, and what an answer does with it."""

    def __init__(self, norm: bool = False, old_gradients: bool = False, images: int = 1, repeated: int = 1) -> None:
        torch.manual_seed(SEED)
        images_of_one, targets_of_one = torch.randn(images, 3, 6, 6), torch.arange(images) % CLASSES
        self.images, self.targets = images_of_one.repeat(repeated, 1, 1, 1), targets_of_one.repeat(repeated)
        block = [("conv2", nn.Conv2d(4, 6, 3, stride=2)), ("relu2", nn.ReLU())]
        if norm:
            block.insert(1, ("bn2", nn.BatchNorm2d(6)))
        layers = [("conv1", nn.Conv2d(3, 4, 3, padding=1, bias=False)), ("relu1", nn.ReLU())]
        layers += [("block", nn.Sequential(OrderedDict(block))), ("mix", nn.Conv2d(6, 5, 1))]
        layers += [("conv3", nn.Conv2d(5, 3, 1)), ("flat", nn.Flatten())]
        self.model = nn.Sequential(OrderedDict([*layers, ("linear", nn.Linear(12, CLASSES))]))
        with torch.no_grad():
            self.model.block.conv2.weight.mul_(0.3)  # so that the entries neither grow nor fall in a row
        if norm:
            nn.init.uniform_(self.model.block.bn2.running_mean, 0.5, 1.0)
            nn.init.uniform_(self.model.block.bn2.bias, -0.5, 0.5)
        if old_gradients:
            F.cross_entropy(self.model(self.images), self.targets).backward()
        self.backward_passes = 0
        self.modes: list[bool] = []
        self.model.conv1.weight.register_hook(self._note)
        self.model.register_forward_pre_hook(lambda model, _: self.modes.append(model.training))

    def _note(self, gradient: Tensor) -> None:
        self.backward_passes += 1

    def run(self, answer: Any) -> Any:
        """What the answer gives."""
        return answer(self.model, self.images, self.targets)


def observe(answer: Any) -> Iterator[Seen]:
    """The formula first, then one circumstance after the other."""
    expect_function("gradient_norms", answer)
    watched = Watched()
    kept = [plain(parameter).clone() for parameter in watched.model.parameters()]
    try:
        once = watched.run(answer)
    finally:
        yield Seen("the number of backward passes", watched.backward_passes, judges=False)
    yield Seen("the kind of the result", "a list" if isinstance(once, tuple) else kind_of(once))
    if not isinstance(once, (list, tuple)):
        return
    yield Seen(
        "the number of weights and biases that the call changes", count_changed(kept, [*watched.model.parameters()])
    )
    yield Seen("for a network with 4 convolutions, the number of entries", len(once))
    yield Seen("for 3 convolutions in a block and one after it, the number of entries", _count(answer, BLOCK))
    yield Seen("for convolutions called first, second and conv3, the number of entries", _count(answer, NAMES))
    graph = any(isinstance(entry, Tensor) and entry.requires_grad for entry in once)
    yield Seen("an entry that keeps the graph for a backward pass", graph)
    yield Seen("the number of rounded entries", sum(_is_rounded(as_number(entry)) for entry in once), judges=False)
    for index, entry in enumerate(once):
        yield Seen(f"for one image in a network without batch norm, entry {index}", entry)
    again = Watched(old_gradients=True).run(answer)
    yield Seen(
        "with the gradient of the same batch already in .grad, the entries grow by the factor", _factor(again, once)
    )
    again = Watched(repeated=2).run(answer)
    yield Seen("with the image twice in the batch, the entries grow by the factor", _factor(again, once))
    watched = Watched(norm=True, images=3)
    result = watched.run(answer)
    in_eval = Watched(norm=True, images=3)
    in_eval.model.eval()
    in_eval.run(answer)
    passes = sum(in_eval.modes)
    yield Seen("for a network in eval mode, the forward passes in training mode", passes)
    yield Seen("after the call, a network that came in eval mode is in training mode", in_eval.model.training)
    yield Seen("with a batch norm in the network, the forward passes in eval mode", watched.modes.count(False))
    yield Seen("with a batch norm in the network, the number of entries", _length(result))
    yield Seen("for 3 images in a network with batch norm, the entries", result, explains=False)
    yield Seen(
        "for 3 images in a network without batch norm, the entries", Watched(images=3).run(answer), explains=False
    )


def _count(answer: Any, names: tuple[str, ...]) -> Any:
    """The number of entries for 1×1 convolutions of these names; one with a dot stands in a block."""
    torch.manual_seed(SEED)
    model = nn.Sequential()
    for name in names:
        block, _, inner = name.rpartition(".")
        if block and not hasattr(model, block):
            model.add_module(block, nn.Sequential())
        model.get_submodule(block).add_module(inner, nn.Conv2d(3, 3, 1))
    model.append(nn.Flatten()).append(nn.Linear(12, CLASSES))
    return _length(answer(model, torch.randn(1, 3, 2, 2), torch.tensor([1])))


def _factor(again: Any, once: Any) -> Any:
    """By how much the numbers grow; "another one for each entry" if they do not all grow alike."""
    if _length(again) != _length(once):
        return "not the same number of entries"
    factors = []
    for one, other in zip(again, once, strict=True):
        one, other = as_number(one), as_number(other)
        if not isinstance(one, (int, float)) or not isinstance(other, (int, float)) or not other:
            return "no factor, since the entries are not all numbers above 0"
        factors.append(float(one / other))
    alike = bool(factors) and all(math.isclose(factor, factors[0], rel_tol=1e-3) for factor in factors)
    return factors[0] if alike else "another one for each entry"


def _is_rounded(value: Any) -> bool:
    """Whether a number ends after three digits; 0 and 1 have other reasons."""
    return isinstance(value, float) and not value.is_integer() and value == round(value, 3)


def _length(value: Any) -> Any:
    return len(value) if isinstance(value, (list, tuple)) else kind_of(value)


ANSWER = """
def gradient_norms(model, images, targets):
    model.zero_grad()
    loss = F.cross_entropy(model(images), targets)
    loss.backward()
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    return [(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions]
"""
# fmt: off
WRONG = [
    Wrong("not_relative", [(" / c.weight.norm()", "")],
          ask="What are the gradient's norms compared with?",
          explain="The norm of the gradient itself comes back. A layer with more or larger weights has another "
                  "gradient, so layers of different size cannot be compared. Divide by the norm of the layer's own "
                  "weight."),
    Wrong("weight_instead_of_gradient", [("(c.weight.grad.norm() / c.weight.norm())", "c.weight.norm()")],
          ask="Which tensor's norm is this?",
          explain="The result is made of the weights' norms, which say nothing about the gradient. After backward() "
                  "the gradient of a weight stands in its .grad."),
    Wrong("old_gradients_added", [("    model.zero_grad()\n", "")],
          ask="What stood in .grad before your backward()?",
          explain="The gradient of an earlier batch stood there, and backward() added to it, so the norms are those "
                  "of a sum. Old gradients have to be cleared before the pass."),
    Wrong("all_parameters", [
              ("(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions",
               "(p.grad.norm() / p.norm()).item() for p in model.parameters()")],
          ask="Which layers have a number in the list?",
          explain="All layers are in the list, batch norms and linear layer too. Only the convolutions are asked "
                  "for: 7 numbers for a network with 7 convolutions."),
    Wrong("reversed", [("for c in convolutions", "for c in reversed(convolutions)")],
          ask="From which end of the network does the list start?",
          explain="The list starts at the output here. The first number should belong to the convolution nearest to "
                  "the input, which is the order of model.modules()."),
    Wrong("squared", [(".item()", ".item() ** 2")],
          ask="What is the norm of a tensor that holds 3 and 4?",
          explain="For a tensor with 3 and 4 the norm is 5, and here 25 comes out: the squares are added up and the "
                  "root is missing. Or the quotient of the norms was squared."),
    Wrong("upside_down", [
              ("c.weight.grad.norm() / c.weight.norm()", "c.weight.norm() / c.weight.grad.norm()")],
          ask="What is divided by what?",
          explain="The norm of the weight is divided by that of the gradient here. The other way round, the number "
                  "says by what fraction of its size the layer would change in a step with learning rate 1."),
    Wrong("in_eval_mode", [("    model.zero_grad()\n", "    model.zero_grad()\n    model.eval()\n")],
          ask="In which mode is the model during the pass?",
          explain="The model is in eval mode, where batch norm uses its stored statistics, and the gradients are "
                  "other ones. The question is what happens in training, so leave the mode as it came in."),
    Wrong("in_training_mode", [("    model.zero_grad()\n", "    model.zero_grad()\n    model.train()\n")],
          ask="In which mode was the model when it came in?",
          explain="The function puts the model into training mode. A caller who has set eval mode gets other "
                  "gradients than those asked about, and a model whose mode has changed. Leave the mode as it is."),
    Wrong("entries_are_tensors", [(".item() for c", " for c")],
          ask="What kind of object is each entry of the list?",
          explain="Each entry is a tensor with one number, and since it comes from weights it keeps the graph for a "
                  "backward pass. Floats are asked for: `.item()` makes one of each."),
    Wrong("loss_summed", [("images), targets)", "images), targets, reduction='sum')")],
          ask="How does the result change, if the batch has twice as many images?",
          explain="The losses of the images are added up here, in the loss or because backward() runs for each "
                  "image, so twice as many images give about twice the norms. Cross-entropy takes the mean when "
                  "nothing is said, as in the training, and the norms then do not grow with the batch."),
    Wrong("dict_comes_back", [
              ("convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]",
               "convolutions = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}"),
              ("return [(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions]",
               "return {n: (c.weight.grad.norm() / c.weight.norm()).item() for n, c in convolutions.items()}")],
          ask="In which form are the numbers asked for?",
          explain="A dict comes back, with the names of the layers as keys. The lesson asks for a list: it takes the "
                  "first layer as values[0] and draws the list as a curve."),
    Wrong("tensor_comes_back", [
              ("[(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions]",
               "torch.stack([c.weight.grad.norm() / c.weight.norm() for c in convolutions])")],
          ask="What kind of object holds the numbers?",
          explain="The numbers come back as one tensor. A list of floats is asked for; `.tolist()` makes one."),
    Wrong("first_convolution_only", """
def gradient_norms(model, images, targets):
    model.zero_grad()
    F.cross_entropy(model(images), targets).backward()
    result = []
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            result.append((m.weight.grad.norm() / m.weight.norm()).item())
            return result
""",
          ask="For how many convolutions does the loop run?",
          explain="Only one entry comes back, that of the first convolution: the function returns inside the loop. "
                  "The `return` stands after the loop, one level further left."),
    Wrong("one_number", [
              ("return [(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions]",
               "for c in convolutions: value = (c.weight.grad.norm() / c.weight.norm()).item()\n    return value")],
          ask="How many numbers come back?",
          explain="One number comes back. Each convolution has one of its own, and the question is how they change "
                  "from layer to layer: append each to a list inside the loop, and return the list after it."),
    Wrong("linear_too", [("isinstance(m, nn.Conv2d)", "isinstance(m, (nn.Conv2d, nn.Linear))")],
          ask="Which kinds of layers have an entry?",
          explain="The linear layer has an entry as well, at the end. Only the convolutions are asked for, layers of "
                  "the class nn.Conv2d."),
    Wrong("all_layers_with_a_weight", [("isinstance(m, nn.Conv2d)", "hasattr(m, 'weight')")],
          ask="Which layers have an attribute `weight`?",
          explain="Every layer with a weight has an entry. Linear layer and batch norm have a weight too, and only "
                  "the convolutions are asked for: isinstance tells the class."),
    Wrong("biases_too", [
              ("return [(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions]",
               "return [(p.grad.norm() / p.norm()).item() for c in convolutions for p in c.parameters()]")],
          ask="Which parameters of a convolution count?",
          explain="The biases of the convolutions have an entry of their own here. Each convolution gives one "
                  "number, that of its weight."),
    Wrong("outer_layers_only", [("model.modules()", "model.children()")],
          ask="Where are the convolutions that have no entry?",
          explain="model.children() gives only the outermost parts of the network, and the convolutions inside a "
                  "stage or a block are not among them. model.modules() walks through everything."),
    Wrong("by_name", [
              ("m for m in model.modules() if isinstance(m, nn.Conv2d)",
               "m for n, m in model.named_modules() if 'conv' in n")],
          ask="By what do you recognise a convolution?",
          explain="The layers are chosen by their names. A network may call its convolutions anything, such as "
                  "`shortcut.0`; isinstance(m, nn.Conv2d) asks for the class."),
    Wrong("first_left_out", [("for c in convolutions", "for c in convolutions[1:]")],
          ask="Which convolution has the first entry?",
          explain="The first convolution has no entry. The list begins at the input of the network, with the very "
                  "first nn.Conv2d of model.modules()."),
    Wrong("last_left_out", [("for c in convolutions", "for c in convolutions[:-1]")],
          ask="Which convolution has the last entry?",
          explain="The last convolution has no entry. Every nn.Conv2d of model.modules() has one."),
    Wrong("backward_twice", [
              ("    loss.backward()\n", "    loss.backward(retain_graph=True)\n    loss.backward()\n")],
          ask="How often is backward() called?",
          explain="backward() runs twice, and the second time adds the same gradient once more: every entry is twice "
                  "as large. One pass is enough."),
    Wrong("rounded", [("(c.weight.grad.norm() / c.weight.norm()).item()",
                       "round((c.weight.grad.norm() / c.weight.norm()).item(), 3)")],
          ask="How many digits do your numbers have?",
          explain="The numbers were rounded. In a deep network some of them are far below 0.001 and would become 0. "
                  "Return them as they are, and round only what you print."),
    Wrong("gradient_of_outputs", """
def gradient_norms(model, images, targets):
    model.zero_grad()
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    outputs = []
    handles = [c.register_forward_hook(lambda m, x, y: (y.retain_grad(), outputs.append(y))[1]) for c in convolutions]
    F.cross_entropy(model(images), targets).backward()
    for handle in handles: handle.remove()
    return [(y.grad.norm() / c.weight.norm()).item() for c, y in zip(convolutions, outputs)]
""",
          ask="Is it the gradient of the weight that you measure, or that of the layer's output?",
          explain="The norm is that of the gradient at what the layer gives out. The exercise asks for the gradient "
                  "of its weight, which stands in weight.grad after backward()."),
    Wrong("no_backward", [("    loss.backward()\n", "")],
          ask="Which call fills .grad?",
          explain="The loss is computed, and no backward pass follows, so .grad is None, or holds what an earlier "
                  "batch has left. backward() writes the gradients."),
    Wrong("cleared_too_late", [
              ("    model.zero_grad()\n", ""), ("loss.backward()\n", "loss.backward()\n    model.zero_grad()\n")],
          ask="What stands in .grad when your loop reads it?",
          explain="The gradients are cleared after backward(), so nothing is left when they are read. Clear them "
                  "before the pass."),
    Wrong("cleared_to_zeros_too_late", [
              ("    model.zero_grad()\n", ""),
              ("loss.backward()\n", "loss.backward()\n    model.zero_grad(set_to_none=False)\n")],
          ask="Which numbers stand in .grad when your loop reads it?",
          explain="Every entry is 0, because the gradients were set to zero after backward(). Clear them before the "
                  "pass."),
    Wrong("under_no_grad", [
              ("    loss = F.cross_entropy(model(images), targets)\n",
               "    with torch.no_grad(): loss = F.cross_entropy(model(images), targets)\n")],
          ask="What does torch.no_grad() switch off?",
          explain="Under torch.no_grad() PyTorch does not record the forward pass, so backward() has nothing to go "
                  "back through. no_grad belongs to measuring, and here gradients are needed."),
    Wrong("softmax_before_loss", [("model(images), targets", "torch.softmax(model(images), dim=1), targets")],
          ask="What does cross-entropy do with what it gets?",
          explain="Cross-entropy takes the logits and applies the softmax itself. With another softmax in front the "
                  "gradients become smaller, and they are not those of the training."),
    Wrong("not_the_loss", [("F.cross_entropy(model(images), targets)", "model(images).sum()")],
          ask="Of which number is the gradient taken?",
          explain="The gradient is that of the logits' sum, and the targets are not used. Training follows the "
                  "gradient of the loss: cross-entropy of logits and targets."),
    Wrong("norm_of_the_quotient", [
              ("(c.weight.grad.norm() / c.weight.norm())", "(c.weight.grad / c.weight).norm()")],
          ask="What is divided first, the tensors or their norms?",
          explain="The tensors are divided number by number, and the norm is taken of the result. A weight near 0 "
                  "then gives a huge quotient and decides alone. Take the two norms first, then divide."),
    Wrong("sum_of_sizes", [
              ("c.weight.grad.norm() / c.weight.norm()", "c.weight.grad.abs().sum() / c.weight.abs().sum()")],
          ask="What is the norm of a tensor that holds 3 and -4?",
          explain="The absolute values were added up, or averaged: 3 and -4 give 7. The norm is the root of the sum "
                  "of squares, 5; `tensor.norm()` computes it."),
    Wrong("largest_entries", [
              ("c.weight.grad.norm() / c.weight.norm()", "c.weight.grad.abs().max() / c.weight.abs().max()")],
          ask="How many numbers of the gradient decide about the entry?",
          explain="Only the largest number of each tensor counts here. The norm takes all of them: it is the root of "
                  "the sum of squares."),
    Wrong("without_root_below", [("/ c.weight.norm())", "/ c.weight.norm() ** 2)")],
          ask="Is it the norm by which you divide, or its square?",
          explain="The gradient's norm is divided by the square of the weight's norm. Then the number is no fraction "
                  "of the weight's size any more."),
    Wrong("mean_of_sizes_above", [("c.weight.grad.norm()", "c.weight.grad.abs().mean()")],
          ask="Are the two numbers of the quotient of the same kind?",
          explain="Above the line stands the mean size of the gradient's entries, below it a norm. The two do not "
                  "belong together: a layer with more weights gets a smaller number. Take the norm of both."),
    Wrong("divided_by_the_first", [
              ("    return [(c", "    values = [(c"),
              ("for c in convolutions]", "for c in convolutions]\n    return [v / values[0] for v in values]")],
          ask="Is the entry of the first convolution 1 for every network?",
          explain="Each entry was divided by another entry, or by the sum or the largest of them. Each number is "
                  "asked for as it is, the gradient's norm against the norm of the layer's own weight."),
    Wrong("sorted", [("return [(c", "return sorted([(c"), ("convolutions]\n", "convolutions])\n")],
          ask="Which convolution does the first entry belong to?",
          explain="The list is sorted by size, so nobody knows which number belongs to which layer. Keep the order "
                  "of model.modules(), from the input to the output."),
    Wrong("tensors_for_numbers", [
              ("(c.weight.grad.norm() / c.weight.norm()).item()", "c.weight.grad / c.weight.norm()")],
          ask="How many numbers does one entry of the list hold?",
          explain="Each entry is a whole tensor. One number for each convolution is asked for: the norm makes one "
                  "number of a tensor."),
    Wrong("weights_changed", [
              ("    loss.backward()\n",
               "    loss.backward()\n    for p in model.parameters(): p.data -= 0.1 * p.grad\n")],
          ask="Are the weights after the call those from before?",
          explain="The call changes the weights. It should only look at the gradients: no optimizer step, and "
                  "nothing that writes into a weight."),
    Wrong("first_image_only", [("model(images), targets", "model(images[:1]), targets[:1]")],
          ask="How many images of the batch take part?",
          explain="Only a part of the batch goes through the network. The gradient in training is that of the mean "
                  "loss of all images."),
]
# fmt: on

EXERCISE = Exercise(
    "gradient_norms",
    lesson="04",
    defines="gradient_norms",
    observe=observe,
    start="Three steps: forget the old gradients; one forward pass, cross-entropy and backward(); then a loop over "
    "model.modules() that keeps those of class nn.Conv2d. Try one layer first: where does its gradient stand? "
    "`tensor.norm()` is the norm, `.item()` makes a float.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "autograd.grad, no .grad touched": """
def gradient_norms(model, images, targets):
    weights = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d)]
    loss = nn.CrossEntropyLoss()(model(images), targets)
    gradients = torch.autograd.grad(loss, weights)
    return [float(g.norm() / w.norm()) for g, w in zip(gradients, weights)]
""",
        "tensors in a list, norm written out": """
def gradient_norms(model, images, targets):
    for p in model.parameters():
        p.grad = None
    F.cross_entropy(model(images), targets).backward()
    result = []
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            result.append((m.weight.grad.square().sum() / m.weight.square().sum()).sqrt().detach())
    return result
""",
        "a loop over names, numpy for the end": """
def gradient_norms(model, images, targets):
    criterion = nn.CrossEntropyLoss()
    model.zero_grad(set_to_none=False)
    criterion(model(images), targets).backward()
    norms = []
    for name, layer in model.named_modules():
        if type(layer) is nn.Conv2d:
            gradient, weight = layer.weight.grad.detach().numpy(), layer.weight.detach().numpy()
            norms.append(float((gradient**2).sum() ** 0.5 / (weight**2).sum() ** 0.5))
    return norms
""",
        "a copy of the model": """
import copy

def gradient_norms(model, images, targets):
    model = copy.deepcopy(model)
    for parameter in model.parameters():
        parameter.grad = None
    torch.nn.functional.cross_entropy(model(images), targets).backward()
    return [
        torch.linalg.vector_norm(m.weight.grad).item() / torch.linalg.vector_norm(m.weight).item()
        for m in model.modules()
        if isinstance(m, nn.Conv2d)
    ]
""",
        "log-softmax and nll_loss": edited(
            ANSWER,
            (
                "F.cross_entropy(model(images), targets)",
                "F.nll_loss(F.log_softmax(model(images), dim=1), targets)",
            ),
        ),
        "old gradients put back": """
def gradient_norms(model, images, targets):
    saved = [p.grad for p in model.parameters()]
    for p in model.parameters():
        p.grad = None
    loss = F.cross_entropy(model(images), targets, reduction="sum") / len(targets)
    loss.backward()
    found = tuple(
        (m.weight.grad.flatten().norm(p=2) / m.weight.flatten().norm(p=2)).item()
        for m in model.modules()
        if isinstance(m, nn.Conv2d)
    )
    for p, gradient in zip(model.parameters(), saved):
        p.grad = gradient
    return found
""",
    },
    unknown={
        "cube root": edited(ANSWER, (".item()", ".item() ** (1 / 3)")),
        "both halves": edited(ANSWER, ("c.weight.norm()).item()", "(1 + c.weight.norm())).item()")),
    },
)
