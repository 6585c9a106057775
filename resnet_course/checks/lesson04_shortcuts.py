"""Lesson 04, `projection_shortcut` and `pad_shortcut`: two ways to bring x to the shape of F(x)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.compare import differ, same_module
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.models import PadShortcut, conv3x3, projection_shortcut

# --- projection_shortcut: option B --------------------------------------------------------------------------------

PROJECTION_CASES = (
    ((4, 6, 1), (3, 4, 6, 6)),
    ((4, 8, 2), (3, 4, 8, 8)),
    ((6, 4, 2), (3, 6, 7, 7)),
    ((4, 4, 2), (3, 4, 9, 9)),
)


def _conv(in_planes: int, out_planes: int, stride: int, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(in_planes, out_planes, **{"kernel_size": 1, "stride": stride, "bias": False, **options})


def _sequence(*parts: Callable[[int, int, int], nn.Module]) -> Callable[[int, int, int], nn.Sequential]:
    """A wrong projection as a chain of other layers."""
    return lambda i, o, s: nn.Sequential(*(part(i, o, s) for part in parts))


def _norm(in_planes: int, out_planes: int, stride: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(out_planes)


PROJECTION_SHORTCUT = Exercise(
    "projection_shortcut",
    "04",
    projection_shortcut,
    same_module(PROJECTION_CASES),
    tuple(
        Mistake(name, implementation, hint)
        for name, (implementation, hint) in {
            "no_batch_norm": (
                _sequence(_conv),
                "What follows every convolution of a ResNet? The batch norm is missing.",
            ),
            "bias": (
                _sequence(lambda i, o, s: _conv(i, o, s, bias=True), _norm),
                "Does the convolution need a bias? Batch norm follows and takes it away (lesson 03).",
            ),
            "kernel_3": (
                _sequence(lambda i, o, s: conv3x3(i, o, s), _norm),
                "How large is the kernel? The shortcut is to change the shape and nothing else: one pixel at a time.",
            ),
            "kernel_like_stride": (
                _sequence(lambda i, o, s: _conv(i, o, s, kernel_size=s), _norm),
                "How large is the kernel? It stays 1x1 at stride 2 too. Yes, three of four pixels are then not looked "
                "at; that is how the paper does it.",
            ),
            "padding": (
                _sequence(lambda i, o, s: _conv(i, o, s, padding=1), _norm),
                "What does padding do to a 1x1 convolution? It adds a border, and the size no longer fits.",
            ),
            "stride_forgotten": (
                _sequence(lambda i, o, s: _conv(i, o, 1), _norm),
                "Where does `stride` go? Without it the shortcut keeps height and width, and F(x) does not.",
            ),
            "stride_always_2": (
                _sequence(lambda i, o, s: _conv(i, o, 2), _norm),
                "Is the stride always 2? Take the argument: there are projections at stride 1.",
            ),
            "average_pooling": (
                _sequence(lambda i, o, s: nn.AvgPool2d(s, s, ceil_mode=True), lambda i, o, s: _conv(i, o, 1), _norm),
                "What makes the image smaller? Later networks average first (ResNet-D); the paper's projection has its "
                "stride in the 1x1 convolution.",
            ),
            "max_pooling": (
                _sequence(lambda i, o, s: nn.MaxPool2d(s, s, ceil_mode=True), lambda i, o, s: _conv(i, o, 1), _norm),
                "What makes the image smaller? No pooling is needed: the 1x1 convolution takes the stride.",
            ),
            "relu": (
                _sequence(_conv, _norm, lambda i, o, s: nn.ReLU()),
                "What comes behind the batch norm? Nothing: a ReLU would cut the negative half of the shortcut off.",
            ),
            "batch_norm_first": (
                _sequence(lambda i, o, s: nn.BatchNorm2d(i), _conv),
                "In which order do the two layers stand? Convolution first, then batch norm.",
            ),
            "batch_norm_of_input": (
                _sequence(_conv, lambda i, o, s: nn.BatchNorm2d(i)),
                "How many channels does the batch norm see? Those that leave the convolution.",
            ),
            "planes_swapped": (
                _sequence(lambda i, o, s: _conv(o, i, s), _norm),
                "Which number comes first in nn.Conv2d? The channels that come in.",
            ),
            "affine_off": (
                _sequence(_conv, lambda i, o, s: nn.BatchNorm2d(o, affine=False)),
                "Does this batch norm scale and shift? An ordinary nn.BatchNorm2d is meant.",
            ),
            "list_of_layers": (
                lambda i, o, s: [_conv(i, o, s), nn.BatchNorm2d(o)],
                "What can be called with x? A list of layers cannot: put them into an nn.Sequential.",
            ),
            "pair_of_layers": (
                lambda i, o, s: (_conv(i, o, s), nn.BatchNorm2d(o)),
                "What can be called with x? Two layers with a comma between cannot: put them into an nn.Sequential.",
            ),
            "returns_none": (lambda i, o, s: None, "What does the function give back? Is a return missing?"),
        }.items()
    ),
)

# --- pad_shortcut: option A ---------------------------------------------------------------------------------------


def pad_shortcut(x: Tensor, out_planes: int, stride: int) -> Tensor:
    """Keep every `stride`-th pixel; fill the new channels with zeros, half of them before the old ones, half after.

    Shape:
        (N, C, H, W) -> (N, out_planes, ceil(H / stride), ceil(W / stride))
    """
    return PadShortcut(x.shape[1], out_planes, stride)(x)


def _pixels(x: Tensor, stride: int) -> Tensor:
    return x[:, :, ::stride, ::stride]


def _pad(x: Tensor, before: int, after: int, value: float = 0.0) -> Tensor:
    return F.pad(x, (0, 0, 0, 0, before, after), value=value)


def _padded(before: Callable[[int, int], int]) -> Callable[[Tensor, int, int], Tensor]:
    """Zeros elsewhere: `before` says, from the old and the new number of channels, how many stand in front."""

    def wrong(x: Tensor, out_planes: int, stride: int) -> Tensor:
        first = before(x.shape[1], out_planes)
        return _pad(_pixels(x, stride), first, out_planes - x.shape[1] - first)

    return wrong


def _chosen(pixels: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, int, int], Tensor]:
    """The right zeros around other pixels."""
    return lambda x, out_planes, stride: pad_shortcut(pixels(x, stride), out_planes, 1)


def _corner(x: Tensor, stride: int) -> Tensor:
    height, width = _pixels(x, stride).shape[2:]
    return x[:, :, :height, :width]


def _repeated(x: Tensor, out_planes: int, stride: int) -> Tensor:
    copies = -(-out_planes // x.shape[1])
    return torch.cat([_pixels(x, stride)] * copies, dim=1)[:, :out_planes]


PAD_CASES = ((4, 8, 2, 6), (4, 7, 1, 5), (3, 8, 2, 7), (4, 4, 1, 5), (4, 4, 2, 6), (2, 8, 3, 7))


def _compare_padding(candidate: Any, implementation: Any) -> str | None:
    """Shapes, values, and the gradient, which must come back through the pixels that were kept."""
    for channels, out_planes, stride, side in PAD_CASES:
        x = torch.randn(2, channels, side, side).requires_grad_()
        mine, expected = (function(x * 1, out_planes, stride) for function in (candidate, implementation))
        where = f"for input {tuple(x.shape)}, out_planes={out_planes} and stride={stride}"
        if isinstance(expected, nn.Module):
            return None if isinstance(mine, nn.Module) else f"{where}, there should be another result."
        difference = differ(mine, expected, f"{where}, the result")
        if difference is None and isinstance(expected, Tensor) and mine.requires_grad != expected.requires_grad:
            difference = f"{where}, no gradient flows: is something detached?"
        if difference is not None:
            return difference
    return None


PAD_SHORTCUT = Exercise(
    "pad_shortcut",
    "04",
    pad_shortcut,
    _compare_padding,
    tuple(
        Mistake(name, implementation, hint)
        for name, (implementation, hint) in {
            "zeros_after": (
                _padded(lambda old, new: 0),
                "Where do the zeros go? Many programs put them all behind the old channels. Here half of "
                "them stand in front.",
            ),
            "zeros_before": (
                _padded(lambda old, new: new - old),
                "Where do the zeros go? Here all of them stand in front; half belong behind.",
            ),
            "extra_zero_before": (
                _padded(lambda old, new: (new - old + 1) // 2),
                "What if the number of new channels is odd? The extra one goes behind the old channels.",
            ),
            "assumes_doubling": (
                lambda x, out, s: _pad(_pixels(x, s), out // 4, out // 4),
                "How many channels are missing? A quarter of out_planes on each side is right only where the number "
                "doubles.",
            ),
            "too_many_zeros": (
                lambda x, out, s: _pad(_pixels(x, s), out - x.shape[1], out - x.shape[1]),
                "How many channels are missing in all? That number is shared by the two sides.",
            ),
            "out_planes_added": (
                lambda x, out, s: _pad(_pixels(x, s), 0, out),
                "How many channels are missing? out_planes is how many there must be afterwards.",
            ),
            "odd_one_missing": (
                lambda x, out, s: _pad(_pixels(x, s), (out - x.shape[1]) // 2, (out - x.shape[1]) // 2),
                "What if the number of new channels is odd? Half of it, rounded down and taken twice, is one too few.",
            ),
            "ones": (
                lambda x, out, s: _pad(_pixels(x, s), (out - x.shape[1]) // 2, -((x.shape[1] - out) // 2), 1.0),
                "What stands in the new channels? Zeros, so that F(x) alone decides there.",
            ),
            "channels_repeated": (
                _repeated,
                "What stands in the new channels? Zeros, not the old channels once more.",
            ),
            "stride_forgotten": (
                lambda x, out, s: pad_shortcut(x, out, 1),
                "What does the stride do? Only every stride-th row and column is kept.",
            ),
            "rows_only": (
                _chosen(lambda x, s: x[:, :, ::s]),
                "How many dimensions does the stride thin out? Rows and columns.",
            ),
            "corner_kept": (
                _chosen(_corner),
                "Which pixels are kept? This cuts a corner out of the image; every stride-th pixel of the whole image "
                "is asked for.",
            ),
            "starts_late": (
                _chosen(lambda x, s: x[:, :, s - 1 :: s, s - 1 :: s]),
                "Where does the counting begin? With the first row and column, which have the number 0.",
            ),
            "average_pooling": (
                _chosen(lambda x, s: F.avg_pool2d(x, s, s, ceil_mode=True)),
                "Is anything averaged? Option A takes the pixels as they are.",
            ),
            "max_pooling": (
                _chosen(lambda x, s: F.max_pool2d(x, s, s, ceil_mode=True)),
                "Is the largest taken? Option A takes the pixels as they are, whatever their neighbours say.",
            ),
            "width_padded": (
                lambda x, out, s: F.pad(_pixels(x, s), ((out - x.shape[1]) // 2, -((x.shape[1] - out) // 2))),
                "Which dimension does F.pad begin with? With the last one, the width. The channels are the third pair.",
            ),
            "detached": (
                lambda x, out, s: pad_shortcut(x.detach(), out, s),
                "The numbers are right. Does the gradient come back to x? Something is detached, or under no_grad.",
            ),
            "module_returned": (
                lambda x, out, s: PadShortcut(x.shape[1], out, s),
                "What is asked for, a module or a tensor? Call it with x.",
            ),
            "returns_none": (lambda x, out, s: None, "What does the function give back? Is a return missing?"),
        }.items()
    ),
)
