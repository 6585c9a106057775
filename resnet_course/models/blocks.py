"""Building blocks: the plain block, the residual block, the bottleneck and their shortcuts.

Reference: He, Zhang, Ren, Sun 2015, "Deep Residual Learning for Image Recognition" (arXiv 1512.03385).
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Shortcut = Literal["A", "B", "C", "D"]
"""How a shortcut reaches another shape.

A pads with zeros, B projects where it must, C projects everywhere. D averages, then projects, where it must
(He, Zhang, Zhang, Zhang, Xie, Li 2018, arXiv 1812.01187, section 4.1, ResNet-D); A, B and C are the paper's.
"""


def conv3x3(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps height and width at stride 1. No bias: batch norm follows and has its own.

    Shape: (N, in_planes, H, W) -> (N, out_planes, ceil(H / stride), ceil(W / stride))
    """
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, stride=stride, padding=1, bias=False)


def needs_projection(in_planes: int, out_planes: int, stride: int) -> bool:
    """Whether a block changes the shape of its input, so that x and F(x) cannot be added as they are.

    Taught in lesson 07.
    """
    return stride != 1 or in_planes != out_planes


def projection_shortcut(in_planes: int, out_planes: int, stride: int) -> nn.Sequential:
    """A learned shortcut: 1x1 convolution and batch norm (options B and C).

    Shape: (N, in_planes, H, W) -> (N, out_planes, ceil(H / stride), ceil(W / stride))

    Taught in lesson 07. Reference: He et al. 2015, section 3.2, equation 2, and section 4.1.
    """
    return nn.Sequential(
        nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),
        nn.BatchNorm2d(out_planes),
    )


class PadShortcut(nn.Module):
    """A shortcut without parameters: keep every `stride`-th pixel, fill the new channels with zeros (option A).

    The zeros stand on both sides of the old channels, half each.

    Shape: (N, in_planes, H, W) -> (N, out_planes, ceil(H / stride), ceil(W / stride))

    Raises:
        ValueError: if there are fewer channels out than in; padding cannot remove channels.

    Taught in lesson 07. Reference: He et al. 2015, section 3.3 and section 4.1, option A.
    """

    def __init__(self, in_planes: int, out_planes: int, stride: int) -> None:
        super().__init__()
        if out_planes < in_planes:
            raise ValueError(f"a padded shortcut cannot go from {in_planes} to {out_planes} channels; use option B")
        self.stride = stride
        self.before = (out_planes - in_planes) // 2
        self.after = out_planes - in_planes - self.before

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]  # (N, in_planes, H / stride, W / stride)
        return F.pad(x, (0, 0, 0, 0, self.before, self.after))  # (N, out_planes, H / stride, W / stride)


def make_shortcut(in_planes: int, out_planes: int, stride: int, option: Shortcut) -> nn.Module:
    """The shortcut of one block. An empty `Sequential` is the identity.

    Raises:
        ValueError: if `option` is not "A", "B", "C" or "D".

    Taught in lesson 07.
    """
    if option not in ("A", "B", "C", "D"):
        raise ValueError(f"shortcut must be 'A', 'B', 'C' or 'D', got {option!r}")
    if option == "C":
        return projection_shortcut(in_planes, out_planes, stride)
    if not needs_projection(in_planes, out_planes, stride):
        return nn.Sequential()
    if option == "A":
        return PadShortcut(in_planes, out_planes, stride)
    if option == "D":
        average = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
        return nn.Sequential(average, *projection_shortcut(in_planes, out_planes, 1))
    return projection_shortcut(in_planes, out_planes, stride)


class PlainBlock(nn.Module):
    """Two 3x3 convolutions, each followed by batch norm and ReLU: a residual block without its shortcut.

    Args:
        in_planes: channels that come in.
        planes: channels that go out.
        stride: stride of the first convolution; 2 halves height and width.

    Shape: (N, in_planes, H, W) -> (N, planes, ceil(H / stride), ceil(W / stride))

    Taught in lesson 04. Reference: He et al. 2015, section 3.3 ("plain network").
    """

    expansion = 1

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_planes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)

    def transform(self, x: Tensor) -> Tensor:
        """The part with weights: F(x) in the paper. No ReLU at the end."""
        out = F.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(out))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.transform(x))


class BasicBlock(PlainBlock):
    """The residual block of ResNet-18 and 34: ReLU(F(x) + shortcut(x)).

    Args:
        in_planes: channels that come in.
        planes: channels that go out.
        stride: stride of the first convolution and of the shortcut; 2 halves height and width.
        shortcut: how x reaches the shape of F(x): option "A", "B", "C" or "D".

    Shape: (N, in_planes, H, W) -> (N, planes, ceil(H / stride), ceil(W / stride))

    Taught in lesson 05; the shortcut in lesson 07.
    Reference: He et al. 2015, section 3.2, figure 2 and figure 5 (left).
    """

    def __init__(self, in_planes: int, planes: int, stride: int = 1, shortcut: Shortcut = "B") -> None:
        super().__init__(in_planes, planes, stride)
        self.shortcut = make_shortcut(in_planes, planes, stride, shortcut)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.transform(x) + self.shortcut(x))


class Bottleneck(nn.Module):
    """The residual block of ResNet-50 and deeper: 1x1 down to `planes`, 3x3, 1x1 up to `4 * planes`.

    The stride stands on the 3x3 convolution, as in torchvision; the paper has it on the first 1x1.

    Args:
        in_planes: channels that come in.
        planes: channels of the two inner layers; `expansion * planes` go out.
        stride: stride of the 3x3 convolution and of the shortcut.
        shortcut: how x reaches the shape of F(x): option "A", "B", "C" or "D".

    Shape: (N, in_planes, H, W) -> (N, 4 * planes, ceil(H / stride), ceil(W / stride))

    Taught in lesson 11; its shapes in lesson 07. Reference: He et al. 2015, section 4.1, figure 5 (right).
    """

    expansion = 4

    def __init__(self, in_planes: int, planes: int, stride: int = 1, shortcut: Shortcut = "B") -> None:
        super().__init__()
        out_planes = self.expansion * planes
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes, stride)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out_planes, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_planes)
        self.shortcut = make_shortcut(in_planes, out_planes, stride, shortcut)

    def transform(self, x: Tensor) -> Tensor:
        """The part with weights: F(x) in the paper. No ReLU at the end."""
        out = F.relu(self.bn1(self.conv1(x)))  # (N, planes, H, W)
        out = F.relu(self.bn2(self.conv2(out)))  # (N, planes, H / stride, W / stride)
        return self.bn3(self.conv3(out))  # (N, 4 * planes, H / stride, W / stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.transform(x) + self.shortcut(x))


class PreActBlock(nn.Module):
    """The residual block in pre-activation order: batch norm and ReLU stand before each convolution.

    Nothing comes after the addition, so x passes the identity shortcut unchanged. Where the shape changes, a 1x1
    convolution takes the shortcut's place; it branches off after the first batch norm and ReLU and has no batch
    norm of its own. A network of these blocks needs one more batch norm and ReLU after its last block.

    Args:
        in_planes: channels that come in.
        planes: channels that go out.
        stride: stride of the first convolution and of the projection; 2 halves height and width.

    Shape: (N, in_planes, H, W) -> (N, planes, ceil(H / stride), ceil(W / stride))

    Taught in lesson 11.

    Reference: He, Zhang, Ren, Sun 2016, "Identity Mappings in Deep Residual Networks" (arXiv 1603.05027), section 4.1,
        figure 4 (e).
    """

    expansion = 1

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = conv3x3(in_planes, planes, stride)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes)
        self.projection: nn.Conv2d | None = None
        if needs_projection(in_planes, planes, stride):
            self.projection = nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.bn1(x))  # (N, in_planes, H, W)
        shortcut = x if self.projection is None else self.projection(active)  # (N, planes, H / stride, W / stride)
        out = self.conv1(active)  # (N, planes, H / stride, W / stride)
        return self.conv2(F.relu(self.bn2(out))) + shortcut
