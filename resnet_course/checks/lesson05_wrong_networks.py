"""Lesson 05: networks that are wrong in one way, for the known mistakes of `resnet18`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.models import BasicBlock, ResNet, conv3x3, resnet18


def network(
    block: Any = BasicBlock, num_blocks: Sequence[int] = (2, 2, 2, 2), kind: Callable[..., Any] = ResNet, **options: Any
) -> Callable[[int], Any]:
    """A factory of networks that are wrong in one way."""
    return lambda num_classes=10: kind(block, num_blocks, num_classes, **options)


def changed(change: Callable[[ResNet], None]) -> Callable[[int], ResNet]:
    """A ResNet-18 in which one part is exchanged after it is built."""

    def build(num_classes: int = 10) -> ResNet:
        model = resnet18(num_classes)
        change(model)
        return model

    return build


def behind(last: Callable[[Tensor], Tensor]) -> Callable[[int], nn.Module]:
    """A ResNet-18 and a function of its logits."""

    class Behind(ResNet):
        def forward(self, x: Tensor) -> Tensor:
            return last(super().forward(x))

    return network(kind=Behind)


# --- stem -----------------------------------------------------------------------------------------------------------


class NoStemRelu(ResNet):
    """No ReLU in the stem."""

    def features(self, x: Tensor) -> Tensor:  # noqa: D102 - as in ResNet
        out = self.bn1(self.conv1(x))
        for stage in self.stages:
            out = stage(out)
        return F.adaptive_avg_pool2d(out, 1).flatten(1)


def stem_bias(model: ResNet) -> None:
    """A bias in the first convolution."""
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1)


def no_stem_norm(model: ResNet) -> None:
    """No batch norm in the stem."""
    model.bn1 = nn.Identity()  # type: ignore[assignment]


def stem_stride(model: ResNet) -> None:
    """The first convolution halves the image."""
    model.conv1 = conv3x3(3, 64, stride=2)


def stem_pool(model: ResNet) -> None:
    """A max pooling before the stages."""
    model.pool1 = nn.MaxPool2d(3, 2, 1)


# --- stages ---------------------------------------------------------------------------------------------------------


def staged(
    planes: Sequence[int] = (64, 128, 256, 512),
    strides: Sequence[int] = (1, 2, 2, 2),
    later_stride: bool = False,
    in_planes_forgotten: bool = False,
) -> Callable[[int], ResNet]:
    """A ResNet-18 whose stages are built with other numbers."""

    def build(num_classes: int = 10) -> ResNet:
        model = resnet18(num_classes)
        in_planes = 64
        for index, (width, stride) in enumerate(zip(planes, strides, strict=True)):
            blocks: list[nn.Module] = []
            for each in (stride, stride if later_stride else 1):
                blocks.append(BasicBlock(in_planes, width, each))
                in_planes = in_planes if in_planes_forgotten and len(blocks) == 1 else width
            setattr(model, f"layer{index + 1}", nn.Sequential(*blocks))
        model.linear = nn.Linear(planes[-1], num_classes)
        return model

    return build


class NoLastStage(ResNet):
    """The last stage is built and never run."""

    @property
    def stages(self) -> list[nn.Sequential]:  # noqa: D102 - as in ResNet
        return super().stages[:-1]


def hidden_stages(model: ResNet) -> None:
    """The blocks of the stages in Python lists, where no module finds them."""
    for index in range(1, 5):
        blocks = list(getattr(model, f"layer{index}"))
        delattr(model, f"layer{index}")
        # The bound method of a container that is not registered: it runs, and parameters() does not see it.
        setattr(model, f"layer{index}", nn.Sequential(*blocks).forward)


def shared_blocks(model: ResNet) -> None:
    """One block used twice."""
    model.layer1 = nn.Sequential(*[model.layer1[0]] * 2)


# --- head -----------------------------------------------------------------------------------------------------------


class _Head(ResNet):
    """A ResNet whose last stage is followed by `pool`."""

    pool: Callable[[Tensor], Tensor]

    def features(self, x: Tensor) -> Tensor:
        out = self.pool1(F.relu(self.bn1(self.conv1(x))))
        for stage in self.stages:
            out = stage(out)
        return type(self).pool(out)


def pooled(pool: Callable[[Tensor], Tensor]) -> Callable[[int], nn.Module]:
    """A ResNet-18 that reduces the last map in another way."""
    return network(kind=type("Pooled", (_Head,), {"pool": staticmethod(pool)}))


def with_linear(inputs: int, pool: Callable[[Tensor], Tensor]) -> Callable[[int], nn.Module]:
    """A ResNet-18 with another pooling and so many inputs of the linear layer."""

    def build(num_classes: int = 10) -> nn.Module:
        model = pooled(pool)(num_classes)
        model.linear = nn.Linear(inputs, num_classes)
        return model

    return build


def linear_bias(model: ResNet) -> None:
    """No bias in the linear layer."""
    model.linear = nn.Linear(512, model.linear.out_features, bias=False)


def no_linear(model: ResNet) -> None:
    """The features come out."""
    model.linear = nn.Identity()  # type: ignore[assignment]


def fixed_pooling(out: Tensor) -> Tensor:
    """A pooling that fits 32x32 images only."""
    return F.avg_pool2d(out, 4).flatten(1)


class NoGradient(ResNet):
    """No gradient flows."""

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:  # noqa: D102 - as in ResNet
        return super().forward(x)
