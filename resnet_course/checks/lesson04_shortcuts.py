"""Lesson 04, `projection_shortcut` and `pad_shortcut`: two ways to bring x to the shape of F(x)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checking.compare import differ, same_module
from resnet_course.checking.core import Exercise, Mistake
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
                "What stands behind the 1x1 convolution? Nothing stands behind the 1x1 convolution. Like every "
                "convolution of the network it needs a batch norm, which also adds the shift that a convolution "
                "without bias lacks.",
            ),
            "bias": (
                _sequence(lambda i, o, s: _conv(i, o, s, bias=True), _norm),
                "What becomes of the bias of this convolution? The bias is lost: the batch norm behind it subtracts "
                "the mean of each channel, and the bias with it (lesson 03). Build the convolution without one.",
            ),
            "kernel_3": (
                _sequence(lambda i, o, s: conv3x3(i, o, s), _norm),
                "How many pixels does the kernel look at? The kernel is 3×3 here and looks at nine pixels. The "
                "shortcut is only to bring x to the shape of F(x): a 1x1 convolution mixes the channels of one pixel, "
                "with a ninth of the weights.",
            ),
            "kernel_like_stride": (
                _sequence(lambda i, o, s: _conv(i, o, s, kernel_size=s), _norm),
                "How large is the kernel at stride 2, and how large at stride 3? The kernel grows with the stride "
                "here, perhaps so that no pixel is missed. The paper's projection stays 1x1 and does skip three of "
                "four pixels at stride 2; the convolutions of F still see them.",
            ),
            "padding": (
                _sequence(lambda i, o, s: _conv(i, o, s, padding=1), _norm),
                "What does padding do to the size, if the kernel is 1x1? Padding adds a border, so 8×8 becomes 10×10 "
                "at stride 1, and x no longer fits F(x). A kernel of one pixel never reaches over the edge and needs "
                "no padding.",
            ),
            "stride_forgotten": (
                _sequence(lambda i, o, s: _conv(i, o, 1), _norm),
                "Which height does the shortcut have for 8 rows and stride 2? The convolution does not take the "
                "stride: at stride 2 the shortcut keeps 8 rows, and F(x) has 4. The 1x1 convolution has to visit "
                "every second row and column only.",
            ),
            "stride_always_2": (
                _sequence(lambda i, o, s: _conv(i, o, 2), _norm),
                "Which size does the shortcut give for stride 1? The image is always halved, also for stride 1, "
                "because the 2 is fixed. There are projections at stride 1, for example from 64 to 256 channels in "
                "ResNet-50. Use the argument.",
            ),
            "average_pooling": (
                _sequence(lambda i, o, s: nn.AvgPool2d(s, s, ceil_mode=True), lambda i, o, s: _conv(i, o, 1), _norm),
                "Which layer makes the image smaller? An average pooling in front of the convolution makes the image "
                "smaller here. Later networks do that (ResNet-D); in the paper's projection the 1x1 convolution has "
                "the stride and there is no pooling.",
            ),
            "max_pooling": (
                _sequence(lambda i, o, s: nn.MaxPool2d(s, s, ceil_mode=True), lambda i, o, s: _conv(i, o, 1), _norm),
                "How does the image become smaller? A max pooling in front of the convolution makes the image smaller "
                "here; it takes the largest of its pixels and not x itself. The 1x1 convolution can do it alone, with "
                "the stride.",
            ),
            "relu": (
                _sequence(_conv, _norm, lambda i, o, s: nn.ReLU()),
                "What is the last layer of the projection? The last layer is a ReLU here, which sets the negative "
                "half of the shortcut to 0, so that it can only add. The next step is the addition, and the block's "
                "ReLU comes behind it.",
            ),
            "batch_norm_first": (
                _sequence(lambda i, o, s: nn.BatchNorm2d(i), _conv),
                "In which order do the two layers stand? The batch norm comes first here. It then brings x to a "
                "common size and not the result of the convolution, and it has in_planes channels. It belongs behind "
                "the convolution.",
            ),
            "batch_norm_of_input": (
                _sequence(_conv, lambda i, o, s: nn.BatchNorm2d(i)),
                "How many channels does the batch norm get? The batch norm gets the `out_planes` channels that leave "
                "the convolution, but it is built for in_planes. Where the two differ, PyTorch stops with an error.",
            ),
            "planes_swapped": (
                _sequence(lambda i, o, s: _conv(o, i, s), _norm),
                "Which of the two numbers does nn.Conv2d take first? nn.Conv2d takes the channels that come in first, "
                "then those that go out. Here they are the other way round: from 16 to 32, the convolution expects 32 "
                "channels and gets 16.",
            ),
            "affine_off": (
                _sequence(_conv, lambda i, o, s: nn.BatchNorm2d(o, affine=False)),
                "Which parameters does your batch norm have? With affine=False the batch norm has neither scale nor "
                "shift. The convolution has no bias, so nothing can shift the shortcut's channels. An ordinary "
                "nn.BatchNorm2d is meant.",
            ),
            "list_of_layers": (
                lambda i, o, s: [_conv(i, o, s), nn.BatchNorm2d(o)],
                "What happens when the result is called with x? A Python list cannot be called, and a block that "
                "holds it does not find its parameters. nn.Sequential takes the layers and runs them one after the "
                "other.",
            ),
            "pair_of_layers": (
                lambda i, o, s: (_conv(i, o, s), nn.BatchNorm2d(o)),
                "What kind of object comes back? A tuple comes back: a comma between two things makes one, and a "
                "tuple cannot be called with x. nn.Sequential takes the layers and runs them one after the other.",
            ),
            "returns_none": (
                lambda i, o, s: None,
                "What does the function give back? A Python function without a `return` gives back None, so the "
                "layers are built and lost. Hand the module back.",
            ),
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
                "On which sides of the old channels do the zeros stand? All zeros stand behind the old channels, as "
                "in many programs. That works as well, but the convention here is half in front, half behind: from 4 "
                "to 7 channels, one in front and two behind.",
            ),
            "zeros_before": (
                _padded(lambda old, new: new - old),
                "On which side of the old channels are the zeros? All zeros stand in front of the old channels. Half "
                "belong in front and half behind: from 4 to 7 channels, the old ones become the channels 1 to 4.",
            ),
            "extra_zero_before": (
                _padded(lambda old, new: (new - old + 1) // 2),
                "If three channels are missing, how many of them stand in front? If three channels are missing, two "
                "stand in front here. Our convention puts the extra one behind: from 4 to 7 channels, one in front "
                "and two behind.",
            ),
            "assumes_doubling": (
                lambda x, out, s: _pad(_pixels(x, s), out // 4, out // 4),
                "How many channels are missing from 4 to 7? A quarter of out_planes is put on each side, which is "
                "right only where the number doubles: for 7 that makes 4 + 2 = 6 channels. Start from the difference.",
            ),
            "too_many_zeros": (
                lambda x, out, s: _pad(_pixels(x, s), out - x.shape[1], out - x.shape[1]),
                "How many channels does your result have, from 4 to 8? From 4 to 8 channels the result has 12: all "
                "four that are missing stand on each side. The two sides share that number.",
            ),
            "out_planes_added": (
                lambda x, out, s: _pad(_pixels(x, s), 0, out),
                "How many channels does the result have, from 4 to 8? From 4 to 8 channels the result has 12, because "
                "out_planes new ones are added. out_planes is how many there must be at the end, so four are missing.",
            ),
            "odd_one_missing": (
                lambda x, out, s: _pad(_pixels(x, s), (out - x.shape[1]) // 2, (out - x.shape[1]) // 2),
                "How many channels does the result have, from 4 to 7? From 4 to 7 channels the result has 6: three "
                "are missing, and half of three, rounded down, is taken on both sides. What is left after the front "
                "side belongs behind.",
            ),
            "ones": (
                lambda x, out, s: _pad(_pixels(x, s), (out - x.shape[1]) // 2, -((x.shape[1] - out) // 2), 1.0),
                "Which numbers stand in the new channels? The new channels hold ones. They would be added to F(x) in "
                "every new channel; with zeros the block gives F(x) + 0 there.",
            ),
            "channels_repeated": (
                _repeated,
                "What stands in the new channels? The new channels hold a copy of the old ones. Option A puts zeros "
                "there, so that in the new channels F(x) alone decides.",
            ),
            "stride_forgotten": (
                lambda x, out, s: pad_shortcut(x, out, 1),
                "Which rows and columns are kept at stride 2? All rows and columns are kept, so 8×8 stays 8×8 while "
                "F(x) is 4×4. Only every stride-th row and column is kept.",
            ),
            "rows_only": (
                _chosen(lambda x, s: x[:, :, ::s]),
                "Which width does the result have, from 8×8 at stride 2? The stride is used for the rows alone and "
                "makes 4×8 of 8×8. Rows and columns are both thinned out.",
            ),
            "corner_kept": (
                _chosen(_corner),
                "Which pixels of the image are kept? The corner at the top left is kept, in one piece. It has the "
                "right size, but the rest of the image is gone. Take every stride-th pixel, over the whole image.",
            ),
            "starts_late": (
                _chosen(lambda x, s: x[:, :, s - 1 :: s, s - 1 :: s]),
                "Which is the first row that is kept? The first row kept at stride 2 is number 1, so all pixels are "
                "shifted by one against those that F(x) is centred on. Begin with row and column 0.",
            ),
            "average_pooling": (
                _chosen(lambda x, s: F.avg_pool2d(x, s, s, ceil_mode=True)),
                "What does one number of the result come from? Each number is the average of a window here. Option A "
                "averages nothing: it keeps every stride-th pixel as it is.",
            ),
            "max_pooling": (
                _chosen(lambda x, s: F.max_pool2d(x, s, s, ceil_mode=True)),
                "Which pixel of a window goes on? The largest pixel of each window goes on here. Option A does not "
                "compare: it keeps every stride-th pixel, whatever its neighbours are.",
            ),
            "width_padded": (
                lambda x, out, s: F.pad(_pixels(x, s), ((out - x.shape[1]) // 2, -((x.shape[1] - out) // 2))),
                "Which dimension does F.pad begin with? F.pad begins with the last dimension, the width, so here the "
                "images become wider and the number of channels stays. The channels are the third pair from the left.",
            ),
            "detached": (
                lambda x, out, s: pad_shortcut(x.detach(), out, s),
                "The numbers are right, so what about the gradient at x? No gradient arrives at x: a detach, .data or "
                "no_grad cuts it off. In a network the shortcut is the gradient's short way back, so let autograd "
                "follow it.",
            ),
            "module_returned": (
                lambda x, out, s: PadShortcut(x.shape[1], out, s),
                "What kind of object comes back? A module that would do the padding comes back. The padded tensor is "
                "asked for, so the module has yet to be called with x.",
            ),
            "returns_none": (
                lambda x, out, s: None,
                "What does the function give back? A Python function without a `return` gives back None, so the "
                "padded tensor is lost. Hand it back.",
            ),
        }.items()
    ),
)
