"""Lesson 04 · `gradient_similarity`: whether the loss pulls at an image and at its noisy twin in the same direction.

First a network whose gradients are known, for there each mistake in the formula has a number of its own; then a small
network with convolutions, with and without batch norm, for what goes into the passes and which gradient is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import count_changed, expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import as_number, equal, kind_of

CLASSES = 4
PAIRS: tuple[tuple[list[list[float]], list[list[float]]], ...] = (
    ([[3, 4, 0, 0]], [[4, 3, 0, 0]]),
    ([[3, 4, 0, 0]], [[6, 8, 0, 0]]),
    ([[3, 4, 0, 0]], [[0, 0, 0, 5]]),
    ([[3, 4, 0, 0]], [[-3, -4, 0, 0]]),
    ([[3, 4, 0, 0], [10, 0, 0, 0]], [[4, 3, 0, 0], [6, 8, 0, 0]]),
)
"""Directions of the gradient at the images, and at their noisy twins: four numbers for each image."""


class Pull(nn.Module):
    """A classifier of two classes whose loss gradient at x has the direction of x itself, whatever x is."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 1, 2))

    def forward(self, x: Tensor) -> Tensor:
        """Logits that are always 0."""
        pull = (self.weight * x * x.detach()).flatten(1).sum(1)  # (N,), with the gradient x
        return torch.stack([pull - pull.detach(), 0 * pull], 1)  # (N, 2)


class Watched:
    """A small classifier with convolutions, images and their noisy twins, and what an answer gives for them."""

    def __init__(self, answer: Any, norm: bool, images: int) -> None:
        torch.manual_seed(SEED)
        middle = [nn.Conv2d(4, 6, 3, stride=2), *[nn.BatchNorm2d(6)] * norm, nn.ReLU(), nn.Flatten()]
        self.model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), *middle, nn.Linear(24, CLASSES))
        torch.manual_seed(SEED)
        self.images, noise = torch.randn(2, 6, 3, 6, 6)[:, :images]
        self.noisy = self.images + 0.5 * noise
        self.targets = torch.tensor([3, 0, 2, 2, 1, 0])[:images]
        self.passes: list[tuple[str, bool]] = []
        self.model.register_forward_pre_hook(lambda model, inputs: self.passes.append(self._note(model, *inputs)))
        self.answer = answer

    def _note(self, model: nn.Module, x: Tensor) -> tuple[str, bool]:
        known = {"the images": self.images, "their noisy twins": self.noisy, "the sum": self.images + self.noisy}
        many = "other numbers" if len(x) == len(self.images) else f"{len(x)} in place of {len(self.images)} images"
        return next((words for words, batch in known.items() if equal(x, batch)), many), model.training

    def run(self) -> Any:
        """What the answer gives."""
        return self.answer(self.model, self.images, self.noisy, self.targets)


def observe(answer: Any) -> Iterator[Seen]:
    """What the call does, then the formula on known gradients, then numbers in which every mistake shows."""
    expect_function("gradient_similarity", answer)
    watched = Watched(answer, norm=True, images=4)
    given = (watched.images, watched.noisy, watched.targets)
    kept = [tensor.clone() for tensor in given]
    torch.manual_seed(SEED)
    state = torch.get_rng_state()
    once = watched.run()
    drawn = not torch.equal(state, torch.get_rng_state())
    yield Seen("whether the call draws random numbers", drawn, judges=False)
    passes = sorted({words for words, _ in watched.passes})
    yield Seen("what goes through the network", passes)
    in_eval = sum(not training for _, training in watched.passes)
    yield Seen("the passes in eval mode, for a network in training mode,", in_eval)
    yield Seen("the kind of the result", _kind(once))
    yield Seen("the number of the caller's tensors that the call changes", count_changed(kept, given))
    asking = sum(tensor.requires_grad for tensor in given)
    yield Seen("the number of the caller's tensors that ask for a gradient afterwards", asking)
    if passes != ["the images", "their noisy twins"] or not isinstance(as_number(once), (int, float, np.number)):
        return  # the numbers would say nothing about the formula
    for images, noisy in PAIRS:
        place = f"for gradients along {_directions(images)} and, with the noise, {_directions(noisy)}, the result"
        yield Seen(place, answer(Pull(), _batch(images), _batch(noisy), torch.zeros(len(images), dtype=torch.int64)))
    for norm, count in ((False, 1), (False, 4), (True, 6)):
        images = "1 image" if count == 1 else f"{count} images"
        what = f"{images} in a network with batch norm" if norm else f"{images} in a network without batch norm"
        yield Seen(f"for {what}, the result", Watched(answer, norm, count).run(), explains=False)


def _kind(value: Any) -> str:
    """What kind of thing came back: all numbers are alike."""
    if isinstance(value, Tensor):
        return "a tensor of one number" if value.dim() == 0 else "a tensor with several places"
    return "a number" if isinstance(value, (int, float, np.number)) else kind_of(value)


def _batch(rows: Sequence[Sequence[float]]) -> Tensor:
    """(N, 2, 1, 2): two channels, one line of two pixels."""
    return torch.tensor(rows, dtype=torch.float32).view(len(rows), 2, 1, 2)


def _directions(rows: Sequence[Sequence[float]]) -> str:
    return " and ".join(f"({', '.join(map(str, row))})" for row in rows)


ANSWER = """
def gradient_similarity(model, images, noisy, targets):
    gradients = []
    for x in (images, noisy):
        x = x.detach().clone().requires_grad_()
        loss = F.cross_entropy(model(x), targets)
        gradient = torch.autograd.grad(loss, x)[0].flatten(1)
        gradients.append(gradient)
    cosines = F.cosine_similarity(gradients[0], gradients[1], dim=1)
    return cosines.mean().item()
"""
_MEAN = "    return cosines.mean().item()\n"
_COSINES = "    cosines = F.cosine_similarity(gradients[0], gradients[1], dim=1)\n"
_GRADIENT = "        gradient = torch.autograd.grad(loss, x)[0].flatten(1)\n"
_LOSS = "        loss = F.cross_entropy(model(x), targets)\n"
_CLONE = "        x = x.detach().clone().requires_grad_()\n"
_LOOP = "    for x in (images, noisy):\n"
_ADDED_UP = """
def gradient_similarity(model, images, noisy, targets):
    x = images.detach().clone().requires_grad_()
    F.cross_entropy(model(x), targets).backward()
    first = x.grad.clone().flatten(1)
    x.data = noisy.clone()
    F.cross_entropy(model(x), targets).backward()
    return F.cosine_similarity(first, x.grad.flatten(1), dim=1).mean().item()
"""
# fmt: off
WRONG = [
    Wrong("gradient_of_weights", [
              (_CLONE, ""),
              (_GRADIENT, "        g = torch.autograd.grad(loss, list(model.parameters()))\n"
                          "        gradient = torch.cat([part.flatten() for part in g]).unsqueeze(0)\n")],
          ask="With respect to what is your gradient taken?",
          explain="The gradient is that of the weights, one for the whole batch. Ask for the gradient at the input: "
                  "how the loss changes with each pixel. It has the shape of the images."),
    Wrong("outputs_compared", """
def gradient_similarity(model, images, noisy, targets):
    with torch.no_grad():
        return F.cosine_similarity(model(images), model(noisy), dim=1).mean().item()
""",
          ask="What do your two vectors consist of, logits or slopes?",
          explain="The outputs of the network are compared. A gradient says how the loss changes with a pixel."),
    Wrong("images_compared", """
def gradient_similarity(model, images, noisy, targets):
    return F.cosine_similarity(images.flatten(1), noisy.flatten(1), dim=1).mean().item()
""",
          ask="Where does the network come into your cosine?",
          explain="The images themselves are compared with their noisy twins, and the network is not used. The two "
                  "vectors are the gradients of the loss at these inputs."),
    Wrong("grad_forgotten", [(_GRADIENT, "        loss.backward()\n        gradient = x.detach().flatten(1)\n")],
          ask="Where does `backward()` leave the gradient, in x or in x.grad?",
          explain="The images are compared, after both passes: `backward()` does not change x, it writes the slopes "
                  "into `x.grad`. Those are the vectors to compare."),
    Wrong("one_cosine_for_the_batch", [(".flatten(1)", ".flatten().unsqueeze(0)")],
          ask="How many cosines do you compute for a batch of 64 images?",
          explain="All gradients of the batch form one long vector, in which those that are large decide. Each image "
                  "has a cosine of its own: flatten from dimension 1 on, and take the mean of the N cosines."),
    Wrong("not_flattened", [(".flatten(1)", "")],
          ask="Along which dimension do the numbers of one vector lie?",
          explain="The gradients are not flattened, so dimension 1 is that of the channels: the cosine is taken at "
                  "each pixel, over its channels alone. One image is one vector of C · H · W numbers."),
    Wrong("along_the_width", [(".flatten(1)", ""), ("gradients[1], dim=1)", "gradients[1], dim=-1)")],
          ask="How many numbers does the last dimension of a gradient hold?",
          explain="The cosine runs along the last dimension, over the pixels of one row. The vector of an image has "
                  "all of its C · H · W numbers: flatten from dimension 1 on."),
    Wrong("along_the_images", [("gradients[1], dim=1)", "gradients[1], dim=0)")],
          ask="Over which dimension does the cosine add up, images or pixels?",
          explain="The cosine runs along dimension 0, over the images, one for each pixel. Each vector should hold the "
                  "pixels of one image: dimension 1."),
    Wrong("absolute_value", [(_MEAN, "    return cosines.abs().mean().item()\n")],
          ask="Which number comes out for two gradients of opposite direction?",
          explain="Opposite gradients have the cosine -1, and here they count as 1, as if they agreed. Keep the sign: "
                  "a step that helps the one image would harm the other."),
    Wrong("one_minus_cosine", [(_MEAN, "    return 1 - cosines.mean().item()\n")],
          ask="Which number comes out for two equal gradients?",
          explain="Equal gradients give 0 here: 1 - cosine is a distance. The similarity is the cosine itself, 1 for "
                  "equal directions."),
    Wrong("distance", [(_COSINES, "    cosines = (gradients[0] - gradients[1]).norm(dim=1)\n")],
          ask="Does your number depend on how long the gradients are?",
          explain="The length of the difference of the two gradients comes back. It is large for long gradients, even "
                  "where they point the same way. The cosine looks at directions alone."),
    Wrong("dot_product", [(_COSINES, "    cosines = (gradients[0] * gradients[1]).sum(1)\n")],
          ask="By what is the sum of products divided?",
          explain="This is the scalar product of the two gradients, which grows with their lengths. Divided by both "
                  "lengths it is the cosine, between -1 and 1."),
    Wrong("centred", [
              (_COSINES, "    a, b = (g - g.mean(1, keepdim=True) for g in gradients)\n"
                         "    cosines = F.cosine_similarity(a, b, dim=1)\n")],
          ask="Is something taken off the gradients before they are compared?",
          explain="The mean of each gradient is subtracted first: that is a coefficient of correlation, as corrcoef "
                  "gives it. A cosine takes the vectors as they are."),
    Wrong("summed", [(_MEAN, "    return cosines.sum().item()\n")],
          ask="How large is the result for two images whose gradients agree completely?",
          explain="The cosines are added up, so the result grows with the number of images. The mean is asked for, "
                  "which is at most 1."),
    Wrong("first_image_only", [(_MEAN, "    return cosines[0].item()\n")],
          ask="How many images have a say in your number?",
          explain="Only one image counts. The mean over all images is asked for."),
    Wrong("one_for_each_image", [(_MEAN, "    return cosines\n")],
          ask="How many numbers come back for a batch of 64 images?",
          explain="A cosine for each image comes back. One number is asked for: their mean, as a float."),
    Wrong("tensor_comes_back", [(_MEAN, "    return cosines.mean()\n")],
          ask="What kind of object is the result?",
          explain="The number is still a tensor. Later cells put it into lists and average it as plain Python "
                  "numbers; `.item()` makes a float of a tensor with one number."),
    Wrong("same_input_twice", [(_LOOP, "    for x in (images, images):\n")],
          ask="Which images go through the network the second time?",
          explain="The same images go through the network twice and the noisy ones not at all, so the two gradients "
                  "are equal and the cosine is 1 whatever the network is."),
    Wrong("noise_added_again", [(_LOOP, "    for x in (images, images + noisy):\n")],
          ask="Is `noisy` the noise, or the images with the noise in them?",
          explain="`noisy` is added to the images, as if it were the noise alone. It already holds the images with the "
                  "noise: it goes through the network as it is."),
    Wrong("noise_of_its_own", [(_LOOP, "    for x in (images, images + 0.01 * torch.randn_like(images)):\n")],
          ask="Is `noisy` used anywhere?",
          explain="The function draws noise of its own and leaves `noisy` aside. With the caller's noisy images the "
                  "same call gives the same number each time."),
    Wrong("both_in_one_batch", """
def gradient_similarity(model, images, noisy, targets):
    x = torch.cat([images, noisy]).requires_grad_()
    loss = F.cross_entropy(model(x), torch.cat([targets, targets]))
    first, second = torch.autograd.grad(loss, x)[0].flatten(1).chunk(2)
    return F.cosine_similarity(first, second, dim=1).mean().item()
""",
          ask="What does batch norm do with images that go through the network together?",
          explain="Images and noisy twins go through the network as one batch. Batch norm then takes mean and variance "
                  "of both, so the gradient at an image depends on the twins as well. Two passes keep them apart."),
    Wrong("one_image_at_a_time", """
def gradient_similarity(model, images, noisy, targets):
    cosines = []
    for image, twin, target in zip(images, noisy, targets):
        pair = []
        for x in (image, twin):
            x = x.detach().clone().unsqueeze(0).requires_grad_()
            loss = F.cross_entropy(model(x), target.unsqueeze(0))
            pair.append(torch.autograd.grad(loss, x)[0].flatten())
        cosines.append(F.cosine_similarity(pair[0], pair[1], dim=0).item())
    return sum(cosines) / len(cosines)
""",
          ask="Of how many images does batch norm take mean and variance in your passes?",
          explain="Each image goes through the network alone, so batch norm normalises it by itself, and the gradients "
                  "are not those of a training with batches. Hand the whole batch over: the gradient at the input has "
                  "a row for each image anyway."),
    Wrong("in_eval_mode", [("    gradients = []\n", "    gradients = []\n    model.eval()\n")],
          ask="In which mode is the network during the two passes?",
          explain="The network is in eval mode, where batch norm uses what it has stored: at the start of a training "
                  "that is mean 0 and variance 1, which fit no image. Leave the mode as it came in."),
    Wrong("not_the_loss", [(_LOSS, "        loss = model(x).sum()\n")],
          ask="Of which number is your gradient taken?",
          explain="The gradient is that of the logits' sum, and the targets are not used. The gradient of the loss is "
                  "asked for: cross-entropy of logits and targets."),
    Wrong("predictions_as_targets", [(_LOSS, "        logits = model(x)\n"
                                             "        loss = F.cross_entropy(logits, logits.argmax(1))\n")],
          ask="Which classes does your loss take for the right ones?",
          explain="The loss takes the network's own answers for right. The targets that came in are the classes."),
    Wrong("loss_arguments_swapped", [("cross_entropy(model(x), targets)", "cross_entropy(targets, model(x))")],
          ask="In which order does cross-entropy take its two arguments?",
          explain="The targets come first here. PyTorch's losses take the logits first and the targets second."),
    Wrong("softmax_before_loss", [("model(x), targets", "model(x).softmax(1), targets")],
          ask="What does cross-entropy do with what it gets?",
          explain="Cross-entropy takes logits and applies the softmax itself, so here there are two, and the gradients "
                  "are not those of the training."),
    Wrong("gradients_added_up", _ADDED_UP,
          ask="What stands in x.grad before the second backward()?",
          explain="The second backward() adds to what the first has left in .grad, so the second vector is the sum of "
                  "both gradients and looks much like the first. Use another tensor for the second pass."),
    Wrong("one_grad_for_both", _ADDED_UP.replace("x.grad.clone()", "x.grad"),
          ask="Do the two gradients lie in two tensors?",
          explain="Both vectors are one and the same tensor, x.grad, to which the second backward() has added; so the "
                  "cosine is always 1. Give each pass a tensor of its own."),
    Wrong("kept_gradient_cleared", _ADDED_UP.replace("x.grad.clone()", "x.grad").replace(
              "    x.data =", "    x.grad.zero_()\n    x.data ="),
          ask="What does `zero_()` do to the gradient that you have kept?",
          explain="`first` is no copy: it is x.grad itself. Clearing it in place clears what you have kept, and the "
                  "second backward() writes into it, so both vectors are the same and the cosine is always 1. Keep "
                  "`x.grad.clone()`, or use another tensor for the second pass."),
    Wrong("callers_tensors_marked", [(_CLONE, "        x.requires_grad_()\n")],
          ask="Whose tensors are marked with requires_grad_?",
          explain="requires_grad_() marks the caller's own tensors, and they stay marked: every later pass with these "
                  "images follows them back to the pixels, and .grad adds up from call to call. Mark a copy: "
                  "`x.detach().clone().requires_grad_()`."),
    Wrong("tuple_of_gradients", [(".grad(loss, x)[0]", ".grad(loss, x)")],
          ask="What does torch.autograd.grad give back, a tensor or several?",
          explain="torch.autograd.grad gives a tuple, with a gradient for each tensor that was named, also where that "
                  "is a single one. `[0]` takes the first."),
    Wrong("requires_grad_forgotten", [(_CLONE, "")],
          ask="What has autograd to be told before the pass, if the gradient at the input is wanted?",
          explain="A tensor of images does not collect a gradient by itself, since training needs none there. Make a "
                  "copy that does, before it goes through the network: `x.detach().clone().requires_grad_()`."),
]
# fmt: on

EXERCISE = Exercise(
    "gradient_similarity",
    lesson="04",
    defines="gradient_similarity",
    observe=observe,
    start="Do it for the images first: a copy that collects a gradient, one pass, the loss, and the gradient of the "
    "loss at the copy. It has the shape of the images. Then the same for the noisy ones. At last make one row of "
    "numbers of each image and compare row with row.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "backward and .grad": edited(
            ANSWER, (_GRADIENT, "        loss.backward()\n        gradient = x.grad.flatten(start_dim=1)\n")
        ),
        "the sum of the losses": edited(ANSWER, ("targets)\n", "targets, reduction='sum')\n")),
        "the formula written out": edited(
            ANSWER,
            (_COSINES, "    a, b = gradients\n    cosines = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))\n"),
        ),
        "a class for the cosine, the noisy ones first": edited(
            ANSWER,
            (_LOOP, "    for x in (noisy, images):\n"),
            (_COSINES, "    cosines = nn.CosineSimilarity()(*gradients)\n"),
            (_MEAN, "    return float(torch.mean(cosines))\n"),
        ),
        "NumPy for the end": edited(
            "import numpy as np\n" + ANSWER,
            (_COSINES, "    a, b = (g.numpy().astype(np.float64) for g in gradients)\n"),
            (_MEAN, "    return np.mean((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))\n"),
        ),
        "normalised rows, einsum, a copy of the model": """
import copy

def gradient_similarity(model, images, noisy, targets):
    model = copy.deepcopy(model).train()
    def direction(x):
        x = torch.tensor(x.tolist(), dtype=x.dtype, requires_grad=True)
        loss = F.nll_loss(F.log_softmax(model(x), dim=1), targets)
        return F.normalize(torch.autograd.grad(loss, [x])[0].reshape(len(x), -1))
    return torch.einsum("nk,nk->n", direction(images), direction(noisy)).mean().item()
""",
        "one cosine after the other": edited(
            ANSWER,
            (_COSINES, "    cosines = [torch.dot(a, b) / (a.norm() * b.norm()) for a, b in zip(*gradients)]\n"),
            (_MEAN, "    return sum(c.item() for c in cosines) / len(cosines)\n"),
        ),
    },
    unknown={
        "the median": edited(ANSWER, ("cosines.mean()", "cosines.quantile(0.4)")),
        "half the noise": edited(ANSWER, (_LOOP, "    for x in (images, (images + noisy) / 2):\n")),
    },
)
