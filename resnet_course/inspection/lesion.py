"""Take one block out of a trained network and see what is lost."""

from __future__ import annotations

import copy

from torch import nn

from resnet_course.models import PlainBlock, ResNet
from resnet_course.models.blocks import make_shortcut


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
