"""Take one block out of a trained network and see what is lost; measure what each block adds."""

from __future__ import annotations

import copy
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.models import PlainBlock, ResNet
from resnet_course.models.blocks import make_shortcut
from resnet_course.training import eval_mode


def lesion(model: ResNet, index: int) -> ResNet:
    """A copy of the network in which block `index` no longer computes anything: its F(x) is gone.

    A residual block leaves ReLU(shortcut(x)): x itself where the shape stays, since no number in it is negative. A
    plain block has no shortcut; what stands in its place is x where the shape stays, and where it changes the
    shortcut without weights (option A: every second pixel, zeros for the new channels). The network that is handed
    in stays as it is.

    Args:
        model: a `ResNet` of this package, plain or residual.
        index: of the block, counted through all stages from the input, from 0.

    Raises:
        IndexError: if the network has no block of that number.

    Taught in lesson 10. Reference: Veit, Wilber, Belongie 2016 (arXiv 1605.06431), section 4.1.
    """
    places = [(stage, place) for stage in range(model.num_stages) for place in range(len(model.stages[stage]))]
    if not 0 <= index < len(places):
        raise IndexError(f"the network has blocks 0 to {len(places) - 1}, there is no block {index}")
    stage, place = places[index]
    damaged = copy.deepcopy(model)
    damaged.stages[stage][place] = _without_f(damaged.stages[stage][place])
    return damaged


def _without_f(block: nn.Module) -> nn.Module:
    if isinstance(shortcut := getattr(block, "shortcut", None), nn.Module):
        left: nn.Module = nn.Sequential(shortcut, nn.ReLU())
    elif isinstance(block, PlainBlock):
        conv = block.conv1
        left = make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], "A")
    else:
        raise TypeError(f"a {type(block).__name__} has no shortcut, and what it does to the shape is not known")
    return left.train(block.training)


@dataclass(frozen=True)
class BlockNorms:
    """How much a residual block adds to what its shortcut carries.

    Args:
        name: the block's name in the network, such as "layer2.0".
        residual: norm of F(x), mean over the images.
        shortcut: norm of the shortcut's output, mean over the images.
    """

    name: str
    residual: float
    shortcut: float

    @property
    def share(self) -> float:
        """Norm of F(x) as a share of both norms, in [0, 1]."""
        return self.residual / max(self.residual + self.shortcut, 1e-12)


def block_norms(model: nn.Module, images: Tensor) -> list[BlockNorms]:
    """The two norms of every residual block, from the input to the output, in eval mode.

    A residual block is a module with `transform` and `shortcut`, as `BasicBlock` and `Bottleneck` have them. The
    model's mode, gradients and batch-norm statistics are as before afterwards.

    Shape: images (N, C, H, W), on the model's device

    Taught in lesson 10.
    """
    blocks = {m: name for name, m in model.named_modules() if hasattr(m, "transform") and hasattr(m, "shortcut")}
    found: list[BlockNorms] = []

    def note(block: Any, inputs: tuple[Tensor, ...]) -> None:
        norms = (part(inputs[0]).flatten(1).norm(dim=1).mean().item() for part in (block.transform, block.shortcut))
        found.append(BlockNorms(blocks[block], *norms))

    with torch.no_grad(), eval_mode(model), ExitStack() as hooks:
        for block in blocks:
            hooks.enter_context(block.register_forward_pre_hook(note))
        model(images)
    return found
