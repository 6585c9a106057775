"""Residual networks: one class for ResNet-18, 34 and 50 and for the small CIFAR networks of depth 6n+2.

Reference: He, Zhang, Ren, Sun 2015 (arXiv 1512.03385), table 1 and section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.models.blocks import BasicBlock, Bottleneck, PlainBlock, Shortcut, conv3x3

Stem = Literal["cifar", "imagenet"]
Block = type[PlainBlock] | type[BasicBlock] | type[Bottleneck]


class ResNet(nn.Module):
    """A stem, some stages of blocks, average pooling over what is left of the image, one linear layer.

    Every stage but the first halves height and width and doubles the channels. The pooling makes the
    network independent of the image size.

    Args:
        block: `BasicBlock`, `Bottleneck`, `PlainBlock`, or a class of your own with the same arguments
            `(in_planes, planes, stride)` and an `expansion`.
        num_blocks: blocks in each stage, for example [2, 2, 2, 2] for ResNet-18.
        num_classes: outputs of the last layer.
        stem: "cifar" is one 3x3 convolution at stride 1, for small images; "imagenet" is a 7x7 convolution
            at stride 2 and a max pooling at stride 2, as in the paper.
        width: channels of the first stage.
        shortcut: option "A", "B", "C" or "D"; None leaves the block its own default.
        zero_init_residual: start the last batch norm of every block at zero, so that every block starts as
            the identity (Goyal et al. 2017, arXiv 1706.02677, section 5.1).

    Shape: (N, 3, H, W) -> (N, num_classes) logits

    Raises:
        ValueError: for an unknown stem, or a stage without blocks.

    Taught in lesson 08.
    """

    def __init__(
        self,
        block: Block,
        num_blocks: Sequence[int],
        num_classes: int = 10,
        stem: Stem = "cifar",
        width: int = 64,
        shortcut: Shortcut | None = None,
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__()
        if not num_blocks or min(num_blocks) < 1:
            raise ValueError(f"every stage needs at least one block, got num_blocks={list(num_blocks)}")
        self.in_planes = width
        self._block_options = {} if shortcut is None else {"shortcut": shortcut}
        self.conv1, self.pool1 = _make_stem(stem, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.num_stages = len(num_blocks)
        for index, count in enumerate(num_blocks):
            stage = self._make_layer(block, width * 2**index, count, stride=1 if index == 0 else 2)
            self.add_module(f"layer{index + 1}", stage)
        self.linear = nn.Linear(self.in_planes, num_classes)
        _initialise(self, zero_init_residual)

    def _make_layer(self, block: Block, planes: int, num_blocks: int, stride: int) -> nn.Sequential:
        """One stage: the first block may change the shape, the others keep it."""
        strides = [stride] + [1] * (num_blocks - 1)
        layers = []
        for stride in strides:
            layers.append(block(self.in_planes, planes, stride, **self._block_options))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    @property
    def stages(self) -> list[nn.Sequential]:
        """layer1, layer2, ... in order."""
        return [getattr(self, f"layer{index + 1}") for index in range(self.num_stages)]

    def features(self, x: Tensor) -> Tensor:
        """Everything before the last layer. Shape: (N, 3, H, W) -> (N, channels)."""
        out = self.pool1(F.relu(self.bn1(self.conv1(x))))  # (N, width, H, W) with the CIFAR stem
        for stage in self.stages:
            out = stage(out)  # channels double, height and width halve, from the second stage on
        out = F.adaptive_avg_pool2d(out, 1)  # (N, channels, 1, 1)
        return out.flatten(1)  # (N, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.features(x))  # (N, num_classes)


def _make_stem(stem: Stem, width: int) -> tuple[nn.Conv2d, nn.Module]:
    if stem == "cifar":
        return conv3x3(3, width), nn.Identity()
    if stem == "imagenet":
        conv = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        return conv, nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    raise ValueError(f"stem must be 'cifar' or 'imagenet', got {stem!r}")


def _initialise(model: nn.Module, zero_init_residual: bool) -> None:
    """He initialisation for convolutions (arXiv 1502.01852); batch norm starts at scale 1 and shift 0."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if zero_init_residual:
        for module in model.modules():
            if isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)
            elif isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)


def resnet18(num_classes: int = 10, stem: Stem = "cifar", **options: Any) -> ResNet:
    """ResNet-18: 11,173,962 parameters with 10 classes and the CIFAR stem. Taught in lesson 08.

    `options` go to `ResNet`: width, shortcut, zero_init_residual.
    """
    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes, stem, **options)


def resnet34(num_classes: int = 10, stem: Stem = "cifar", **options: Any) -> ResNet:
    """ResNet-34. Taught in lesson 08. `options` go to `ResNet`."""
    return ResNet(BasicBlock, [3, 4, 6, 3], num_classes, stem, **options)


def resnet50(num_classes: int = 10, stem: Stem = "cifar", **options: Any) -> ResNet:
    """ResNet-50, with bottleneck blocks. Taught in lesson 08. `options` go to `ResNet`."""
    return ResNet(Bottleneck, [3, 4, 6, 3], num_classes, stem, **options)


def plain18(num_classes: int = 10, stem: Stem = "cifar", **options: Any) -> ResNet:
    """ResNet-18 without its shortcuts, for comparison. Taught in lesson 09. `options` go to `ResNet`."""
    return ResNet(PlainBlock, [2, 2, 2, 2], num_classes, stem, **options)


def cifar_resnet(
    depth: int,
    num_classes: int = 10,
    residual: bool = True,
    shortcut: Shortcut = "A",
    width: int = 16,
) -> ResNet:
    """The paper's CIFAR-10 family: three stages of n blocks, depth 6n+2 (20, 32, 44, 56, 110).

    `residual=False` gives the plain twin. With option A both have exactly the same parameters:
    269,722 at depth 20.

    Raises:
        ValueError: if `depth` is not of the form 6n+2 with n at least 1.

    Taught in lesson 04 (plain) and 05 (residual). Reference: He et al. 2015, section 4.2, table 6.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"depth must be 6n + 2 (8, 14, 20, 32, 44, 56, 110, ...), got {depth}")
    blocks = [(depth - 2) // 6] * 3
    if residual:
        return ResNet(BasicBlock, blocks, num_classes, width=width, shortcut=shortcut)
    return ResNet(PlainBlock, blocks, num_classes, width=width)
