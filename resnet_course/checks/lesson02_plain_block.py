"""Lesson 02, `plain_block`: two convolutions without a shortcut."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.blocks import same_block
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.models import PlainBlock

BLOCK_CASES = (((4, 4), (3, 4, 8, 8)), ((4, 6, 1), (3, 4, 7, 7)), ((4, 8, 2), (3, 4, 8, 8)))


class _NoReluBetween(PlainBlock):
    def transform(self, x: Tensor) -> Tensor:
        return self.bn2(self.conv2(self.bn1(self.conv1(x))))


class _NoFinalRelu(PlainBlock):
    def forward(self, x: Tensor) -> Tensor:
        return self.transform(x)


class _StrideOnBoth(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)


class _StrideForgotten(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, 1)


class _BiasLeftOn(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1)


class _NoBatchNorm(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.bn1, self.bn2 = nn.Identity(), nn.Identity()


class _SharedBatchNorm(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.bn2 = self.bn1


class _WithShortcut(PlainBlock):
    def forward(self, x: Tensor) -> Tensor:
        out = self.transform(x)
        return F.relu(out + x) if out.shape == x.shape else F.relu(out)


class _NoExpansion(nn.Module):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.block = PlainBlock(in_planes, planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


PLAIN_BLOCK = Exercise(
    "plain_block",
    "02",
    PlainBlock,
    same_block(BLOCK_CASES),
    (
        Mistake(
            "no_relu_between",
            _NoReluBetween,
            "What stands between the first batch norm and the second convolution? Without a ReLU there, two "
            "convolutions in a row are one linear map.",
        ),
        Mistake(
            "no_final_relu",
            _NoFinalRelu,
            "What happens after the second batch norm? A plain block ends with a ReLU.",
        ),
        Mistake(
            "stride_on_both",
            _StrideOnBoth,
            "Which convolution carries the stride? Only the first: on both, a stride of 2 divides height and "
            "width by 4.",
        ),
        Mistake(
            "stride_forgotten",
            _StrideForgotten,
            "Where does `stride` go? The first convolution must take it, or height and width never shrink.",
        ),
        Mistake(
            "bias_left_on",
            _BiasLeftOn,
            "Do the convolutions need a bias? Batch norm subtracts the mean, a bias included, and adds its own "
            "shift: pass bias=False.",
        ),
        Mistake(
            "no_batch_norm",
            _NoBatchNorm,
            "What follows each convolution? The batch norms are missing.",
        ),
        Mistake(
            "shared_batch_norm",
            _SharedBatchNorm,
            "How many batch norms are there? Each convolution needs its own: one layer cannot keep the statistics "
            "of two.",
        ),
        Mistake(
            "with_shortcut",
            _WithShortcut,
            "Is x added at the end? That is the residual block of the next lesson; a plain block has no shortcut.",
        ),
        Mistake(
            "no_expansion",
            _NoExpansion,
            "Does the class say `expansion = 1`? ResNet asks every block class how many channels go out for each of "
            "`planes`.",
        ),
    ),
)
