"""Lesson 02, `plain_block`: two convolutions without a shortcut."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checking.core import Exercise, Mistake
from resnet_course.checks.blocks import same_block
from resnet_course.checks.wrong_blocks import without_expansion
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


PLAIN_BLOCK = Exercise(
    "plain_block",
    "02",
    PlainBlock,
    same_block(BLOCK_CASES),
    (
        Mistake(
            "no_relu_between",
            _NoReluBetween,
            "What stands between the first batch norm and the second convolution? No ReLU stands between the two "
            "convolutions. Convolution, batch norm, convolution are then one linear map (plus a constant) in eval "
            "mode, so the second convolution adds little. A ReLU has to come behind the first batch norm.",
        ),
        Mistake(
            "no_final_relu",
            _NoFinalRelu,
            "What happens after the second batch norm? Nothing follows the second batch norm, and negative numbers "
            "leave the block. A plain block ends with a ReLU; without it, in eval mode, the last convolution of a "
            "block and the first of the next are one linear map together.",
        ),
        Mistake(
            "stride_on_both",
            _StrideOnBoth,
            "Which of the two convolutions carries the stride? Both convolutions carry the stride, so a stride of 2 "
            "divides height and width by 4: 8×8 becomes 2×2. A block makes the image smaller once, in its first "
            "convolution.",
        ),
        Mistake(
            "stride_forgotten",
            _StrideForgotten,
            "Which layer is told about `stride`? No layer uses `stride`: both convolutions have stride 1, so "
            "PlainBlock(16, 32, stride=2) gives 8×8 for 8×8, where it should give 4×4. The first convolution has to "
            "take it.",
        ),
        Mistake(
            "bias_left_on",
            _BiasLeftOn,
            "What becomes of a convolution's bias in the batch norm behind it? A bias in front of a batch norm is "
            "lost: batch norm subtracts the mean of each channel, and the bias with it, then adds a shift of its own. "
            "The bias would only be a parameter without effect, so both convolutions are built without one.",
        ),
        Mistake(
            "no_batch_norm",
            _NoBatchNorm,
            "What stands behind each convolution? There is no batch norm in the block. It brings each channel to mean "
            "0 and deviation 1 over the batch, then scales and shifts it; lesson 02 uses one behind every "
            "convolution, and leaves the bias out because of it.",
        ),
        Mistake(
            "shared_batch_norm",
            _SharedBatchNorm,
            "How many batch norms does the block have? There is one batch norm, used twice. Its scale, its shift and "
            "its stored mean and variance then serve two different convolutions at once and fit neither. Each "
            "convolution needs its own.",
        ),
        Mistake(
            "with_shortcut",
            _WithShortcut,
            "What is added to the result of the two convolutions? Here x is added, where the shapes allow it. That is "
            "the residual block of lesson 03. A plain block is only its layers in a row, so that the two can be "
            "compared.",
        ),
        Mistake(
            "no_expansion",
            without_expansion(PlainBlock),
            "Where does the class say how many channels go out for each of `planes`? The class attribute `expansion` "
            "is missing. ResNet reads it from every block class to know the channels behind the block. It is 1 here, "
            "since `planes` channels go out.",
        ),
    ),
)
