"""What lesson 10 measures of a trained network: lesions, swaps, channels, paths and the loss around it.

All networks are looked at where their training loss is the same, so that none of them is the better trained one.
"""

from __future__ import annotations

import copy
import math
import random
from dataclasses import dataclass
from itertools import combinations, count
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course import data, inspection
from resnet_course.experiments.plans import AdamRun
from resnet_course.models import ResNet
from resnet_course.models.blocks import BasicBlock
from resnet_course.training import History, Precision, evaluate

EVERY = 4  # steps between the states of which one is taken
DRAWS = 10  # of which blocks are missing, or swapped
MISSING, SWAPS = (2, 3, 4, 6, 9, 13, 18), (1, 2, 4, 8)
NEW, FEW, FOR_PATHS = 500, 128, 64  # new images for errors; training images for the landscape, and for the paths


@dataclass(frozen=True)
class InsideRun(AdamRun):
    """A training that ends where the loss on all training images reaches `equal_loss`; then lesion by lesion.

    Args:
        equal_loss: the state is taken where the loss falls below it, to the nearest `EVERY` steps; if it never does,
            the last one.
        points: of each side of the landscape, from step -0.5 to 0.5.
    """

    epochs: int = 16
    equal_loss: float = 0.05
    points: int = 21
    measures = ("inside",)

    def train(
        self, model: nn.Module, batches: data.Batches, seen: data.Batches, precision: Precision, checkpoint: Path | None
    ) -> History:
        """Train to the end and go back to the state of equal loss. A stopped training begins anew."""
        states: list[dict[str, Tensor]] = []
        steps = count(1)

        def keep(*_: Any) -> None:
            if next(steps) % EVERY == 0:
                states.append({name: tensor.clone() for name, tensor in model.state_dict().items()})

        history = self._fit(model, batches, precision, None, on_step=keep)
        low, high = 0, len(states) - 1  # the loss is above at `low`, if not at the end of the training
        while low < high:
            middle = (low + high) // 2
            model.load_state_dict(states[middle])
            above = evaluate(model, seen)[0] > self.equal_loss
            low, high = (middle + 1, high) if above else (low, middle)
        if states:
            model.load_state_dict(states[high])
        return history

    def measure(self, model: ResNet, seen: data.Batches, unseen: data.Batches) -> dict[str, Any]:
        """See `resnet_course/results/README.md`."""
        new = [next(iter(data.Batches(unseen.dataset, NEW, mean=unseen.mean, std=unseen.std, device=unseen.device)))]
        few = [next(iter(data.Batches(seen.dataset, FEW, shuffle=True, device=seen.device)))]
        blocks = sum(len(stage) for stage in model.stages)
        measured = {
            "guessing": 1 / len(unseen.dataset.classes),
            "whole": 1 - evaluate(model, new)[1],
            "one": [1 - evaluate(inspection.lesion(model, index), new)[1] for index in range(blocks)],
            "several": [
                {"blocks": number, "errors": self._errors(model, new, number, without)}
                for number in MISSING
                if number < blocks
            ],
            "swapped": [
                {"pairs": number, "errors": self._errors(model, new, number, swapped)}
                for number in SWAPS
                if blocks > len(model.stages)  # else no two blocks are alike
            ],
            "channels": [
                [round(value, 3) for value in channel_correlations(before, after).diagonal().tolist()]
                for before, after in around_blocks(model, few[0][0])
                if before.shape == after.shape
            ],
            "landscape": self._landscape(model, few),
        }
        if isinstance(model.stages[0][0], BasicBlock):
            measured["paths"] = gradient_by_length(model, few[0][0][:FOR_PATHS], few[0][1][:FOR_PATHS])
        return {"inside": measured}

    def _errors(self, model: ResNet, new: Any, number: int, change: Any) -> list[float]:
        """Of ten changed networks; the draws are the same for all networks of as many blocks."""
        draws = (random.Random(f"{number} of draw {draw}") for draw in range(DRAWS))
        return [1 - evaluate(change(model, number, draw), new)[1] for draw in draws]

    def _landscape(self, model: ResNet, few: Any) -> dict[str, Any]:
        steps = [place / (self.points - 1) - 0.5 for place in range(self.points)]
        directions = (inspection.random_direction(model, 0), inspection.random_direction(model, 1))
        losses = inspection.loss_surface(model, few, directions, steps)
        finite = losses.nan_to_num(nan=1e9, posinf=1e9).clamp(max=1e9)
        return {
            "blind_loss": math.log(model.linear.out_features),
            "steps": [round(step, 4) for step in steps],
            "losses": [[float(f"{loss:.4g}") for loss in row] for row in finite.tolist()],
        }


def without(model: ResNet, number: int, draw: random.Random) -> ResNet:
    """A copy in which as many blocks are missing."""
    blocks = sum(len(stage) for stage in model.stages)
    for index in draw.sample(range(blocks), number):
        model = inspection.lesion(model, index)
    return model


def swapped(model: ResNet, number: int, draw: random.Random) -> ResNet:
    """A copy after as many swaps, one after the other, of two blocks of a stage that keep the shape."""
    model = copy.deepcopy(model)
    pairs = [
        (stage, *pair)
        for stage, blocks in enumerate(model.stages)
        for pair in combinations(range(1 if stage else 0, len(blocks)), 2)
    ]
    for _ in range(number):
        stage, first, second = draw.choice(pairs)
        blocks = model.stages[stage]
        blocks[first], blocks[second] = blocks[second], blocks[first]
    return model


@torch.no_grad()
def around_blocks(model: ResNet, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Input and output of every block, in eval mode."""
    out, found = F.relu(model.bn1(model.conv1(x))), []
    for stage in model.eval().stages:
        for block in stage:
            before, out = out, block(out)
            found.append((before, out))
    return found


def channel_correlations(before: Tensor, after: Tensor) -> Tensor:
    """Of each channel of the first with each of the second, over images and pixels; 0 for a channel that is constant.

    Shape: two of (N, C, H, W) -> (C, C)
    """
    rows = [part.transpose(0, 1).flatten(1) for part in (before, after)]  # (C, N * H * W)
    first, second = (F.normalize(row - row.mean(1, keepdim=True)) for row in rows)
    return first @ second.T


def gradient_by_length(model: ResNet, x: Tensor, targets: Tensor) -> list[float]:
    """The share of the loss's gradient before the first block that comes over paths through k of the F, by k.

    The gradient at a block's output goes on through F and around it. So the parts of all lengths are carried back side
    by side, and their sum is the gradient. The share of a part is its component along the sum, so that the shares,
    some of which may be negative, add up to 1. Reference: Veit et al. 2016 (arXiv 1605.06431), section 3.
    """
    parts = gradient_parts_by_length(model, x, targets)
    whole = parts.sum(0)
    return ((parts * whole).flatten(1).sum(1) / whole.square().sum()).tolist()


def gradient_parts_by_length(model: ResNet, x: Tensor, targets: Tensor) -> Tensor:
    """The parts themselves. Shape: (N, 3, H, W), (N,) -> (blocks + 1, N, C, H, W)"""
    blocks: list[Any] = [block for stage in model.eval().stages for block in stage]
    inputs = [before for before, _ in around_blocks(model, x)]
    end = blocks[-1](inputs[-1]).detach().requires_grad_()
    loss = F.cross_entropy(model.linear(F.adaptive_avg_pool2d(end, 1).flatten(1)), targets)
    parts = [torch.autograd.grad(loss, end)[0]]  # by the number of F that were passed
    for block, before in zip(reversed(blocks), reversed(inputs), strict=True):
        before = before.requires_grad_()
        through, around = block.transform(before), block.shortcut(before)
        is_open = through + around > 0  # what the last ReLU lets pass
        nothing = torch.zeros_like(before)
        passed = [torch.autograd.grad(through, before, part * is_open, retain_graph=True)[0] for part in parts]
        if around is before:
            rest = [part * is_open for part in parts]
        else:
            rest = [torch.autograd.grad(around, before, part * is_open, retain_graph=True)[0] for part in parts]
        parts = [a + b for a, b in zip([*rest, nothing], [nothing, *passed], strict=True)]
    return torch.stack(parts)
