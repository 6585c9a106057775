"""Lesson 05, `resnet18`: the whole network, from the number of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.core import Exercise, Mistake
from resnet_course.checks.networks import Case, SameNetwork
from resnet_course.models import BasicBlock, Bottleneck, PlainBlock, ResNet, conv3x3, resnet18

CASES = (
    Case(10, (2, 3, 32, 32)),
    Case(10, (1, 3, 48, 48)),
    Case(7, (2, 3, 16, 16), training=True),
)


def _network(
    block: Any = BasicBlock, num_blocks: Sequence[int] = (2, 2, 2, 2), kind: Callable[..., Any] = ResNet, **options: Any
) -> Callable[[int], Any]:
    """A factory of networks that are wrong in one way."""
    return lambda num_classes=10: kind(block, num_blocks, num_classes, **options)


def _changed(change: Callable[[ResNet], None]) -> Callable[[int], ResNet]:
    """A ResNet-18 in which one part is exchanged after it is built."""

    def build(num_classes: int = 10) -> ResNet:
        model = resnet18(num_classes)
        change(model)
        return model

    return build


def _behind(last: Callable[[Tensor], Tensor]) -> Callable[[int], nn.Module]:
    """A ResNet-18 and a function of its logits."""

    class Behind(ResNet):
        def forward(self, x: Tensor) -> Tensor:
            return last(super().forward(x))

    return _network(kind=Behind)


# --- stem -----------------------------------------------------------------------------------------------------------


class _NoStemRelu(ResNet):
    def features(self, x: Tensor) -> Tensor:
        out = self.bn1(self.conv1(x))
        for stage in self.stages:
            out = stage(out)
        return F.adaptive_avg_pool2d(out, 1).flatten(1)


def _stem_bias(model: ResNet) -> None:
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1)


def _no_stem_norm(model: ResNet) -> None:
    model.bn1 = nn.Identity()  # type: ignore[assignment]


def _stem_stride(model: ResNet) -> None:
    model.conv1 = conv3x3(3, 64, stride=2)


def _stem_pool(model: ResNet) -> None:
    model.pool1 = nn.MaxPool2d(3, 2, 1)


# --- stages ---------------------------------------------------------------------------------------------------------


def _staged(
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


class _NoLastStage(ResNet):
    @property
    def stages(self) -> list[nn.Sequential]:
        return super().stages[:-1]


def _hidden_stages(model: ResNet) -> None:
    """The blocks of the stages in Python lists, where no module finds them."""
    for index in range(1, 5):
        blocks = list(getattr(model, f"layer{index}"))
        delattr(model, f"layer{index}")
        # The bound method of a container that is not registered: it runs, and parameters() does not see it.
        setattr(model, f"layer{index}", nn.Sequential(*blocks).forward)


def _shared_blocks(model: ResNet) -> None:
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


def _pooled(pool: Callable[[Tensor], Tensor]) -> Callable[[int], nn.Module]:
    return _network(kind=type("Pooled", (_Head,), {"pool": staticmethod(pool)}))


def _linear_inputs(inputs: int, pool: Callable[[Tensor], Tensor]) -> Callable[[int], nn.Module]:
    def build(num_classes: int = 10) -> nn.Module:
        model = _pooled(pool)(num_classes)
        model.linear = nn.Linear(inputs, num_classes)
        return model

    return build


def _linear_bias(model: ResNet) -> None:
    model.linear = nn.Linear(512, model.linear.out_features, bias=False)


def _no_linear(model: ResNet) -> None:
    model.linear = nn.Identity()  # type: ignore[assignment]


def _fixed(out: Tensor) -> Tensor:
    return F.avg_pool2d(out, 4).flatten(1)


class _NoGradient(ResNet):
    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


RESNET18 = Exercise(
    "resnet18",
    "05",
    resnet18,
    SameNetwork(resnet18, CASES),
    (
        Mistake("network_given", nn.Identity(), "What is handed to the check? The class or function itself, without "
                "brackets: the check makes networks of its own."),
        Mistake("nothing_returned", lambda num_classes=10: None, "What does it return? A network is asked for."),
        Mistake("blocks_not_chosen", ResNet, "Which block, and how many in each stage? The check calls it with the number of "
                "classes alone."),
        Mistake("forward_returns_nothing", _behind(lambda logits: None), "What does `forward` return? The logits are missing."),
        Mistake("stem_relu_forgotten", _network(kind=_NoStemRelu), "What follows the very first batch norm? The stem ends with "
                "a ReLU, too."),
        Mistake("stem_norm_forgotten", _changed(_no_stem_norm), "What follows the very first convolution? The stem has a batch "
                "norm, too."),
        Mistake("stem_bias_left_on", _changed(_stem_bias), "Does the first convolution need a bias? A batch norm follows it."),
        Mistake("stem_of_imagenet", _network(stem="imagenet"), "Which stem is this? 7×7 at stride 2 with max pooling is for "
                "images of 224×224; small images get a 3×3 convolution at stride 1."),
        Mistake("stem_stride_2", _changed(_stem_stride), "How large is the image behind the first convolution? The stem for "
                "small images keeps height and width."),
        Mistake("stem_pooling", _changed(_stem_pool), "How large is the image behind the stem? For small images there is no "
                "max pooling before the stages."),
        Mistake("in_planes_forgotten", _staged(in_planes_forgotten=True), "How many channels come into the second block of "
                "`layer2`? `self.in_planes` must be updated after every block."),
        Mistake("stride_in_first_stage", _staged(strides=(2, 2, 2, 2)), "Which stages halve the image? The first one keeps its "
                "size."),
        Mistake("no_strides", _staged(strides=(1, 1, 1, 1)), "Where does the image become smaller? No stage halves it, and "
                "the pooling hides that: shapes and parameters are right all the same."),
        Mistake("last_stride_forgotten", _staged(strides=(1, 2, 2, 1)), "Which stages halve the image? Look at the last one: "
                "the pooling hides it, but its map is 8×8, not 4×4."),
        Mistake("stride_on_every_block", _staged(later_stride=True), "Which blocks of a stage take the stride? Only the first."),
        Mistake("channels_not_doubled", _staged((64, 64, 64, 64)), "How many channels has each stage? They double from stage to "
                "stage, up to 512."),
        Mistake("channels_from_16", _network(width=16), "How many channels has the first stage? 16 is the paper's small CIFAR "
                "family; ResNet-18 starts with 64."),
        Mistake("three_stages", _network(num_blocks=(2, 2, 2)), "How many stages are there? ResNet-18 has four."),
        Mistake("one_block_each", _network(num_blocks=(1, 1, 1, 1)), "How many blocks has each stage? With one block each it "
                "is a ResNet-10."),
        Mistake("blocks_of_resnet34", _network(num_blocks=(3, 4, 6, 3)), "How many blocks has each stage? [3, 4, 6, 3] makes "
                "ResNet-34."),
        Mistake("bottleneck_blocks", _network(Bottleneck), "Which block is this? ResNet-18 has basic blocks; the bottleneck "
                "comes with ResNet-50."),
        Mistake("plain_blocks", _network(PlainBlock), "Which block is this? Without shortcuts it is the plain 18-layer "
                "network."),
        Mistake("stages_not_registered", _changed(_hidden_stages), "Does `parameters()` find the stages? Modules in a Python "
                "list are not registered: neither the optimizer nor `state_dict` sees them."),
        Mistake("shared_blocks", _changed(_shared_blocks), "Is each block of the first stage a block of its own? One object "
                "used twice shares its weights."),
        Mistake("last_stage_skipped", _network(kind=_NoLastStage), "Which stages does `forward` run? The last one is built and "
                "never used."),
        Mistake("max_pooling_at_the_end", _pooled(lambda out: F.adaptive_max_pool2d(out, 1).flatten(1)), "How is the last map "
                "reduced to one number for each channel? By the mean, not by the largest value."),
        Mistake("sum_at_the_end", _pooled(lambda out: out.sum(dim=(2, 3))), "How is the last map reduced to one number for each "
                "channel? By the mean; a sum grows with the image."),
        Mistake("fixed_pooling", _pooled(_fixed), "What does a pooling window of 4×4 do with a map of 6×6? Only 32×32 images "
                "end at 4×4; the pooling must adapt to the map."),
        Mistake("linear_for_64", _linear_inputs(2048, _fixed), "For which image size does the linear layer have 2048 inputs? "
                "For 64×64 only, and a pooling of fixed size: 32×32 images give 512 numbers."),
        Mistake("no_pooling", _linear_inputs(512 * 16, lambda out: out.flatten(1)), "What reduces the 4×4 map of each channel "
                "to one number? The pooling is missing, and the linear layer is 16 times as large."),
        Mistake("flatten_forgotten", _pooled(lambda out: F.adaptive_avg_pool2d(out, 1)), "Which shape does the pooling give? "
                "(N, 512, 1, 1) still has height and width; the linear layer takes (N, 512)."),
        Mistake("num_classes_ignored", lambda num_classes=10: resnet18(10), "Where does `num_classes` go? The last layer must "
                "have that many outputs."),
        Mistake("linear_forgotten", _changed(_no_linear), "What turns the 512 features into one number for each class? The "
                "linear layer is missing."),
        Mistake("linear_without_bias", _changed(_linear_bias), "Does the linear layer need its bias? No batch norm follows it, "
                "so it does."),
        Mistake("softmax_at_the_end", _behind(lambda logits: F.softmax(logits, dim=1)), "What does the cross-entropy of "
                "PyTorch take? Logits; it applies the softmax itself."),
        Mistake("log_softmax_at_the_end", _behind(lambda logits: F.log_softmax(logits, dim=1)), "What does the cross-entropy of "
                "PyTorch take? Logits; it applies the log-softmax itself."),
        Mistake("relu_at_the_end", _behind(F.relu), "May a logit be negative? The linear layer is the last step: no ReLU "
                "follows it."),
        Mistake("no_gradient", _network(kind=_NoGradient), "Can this network learn? No gradient flows: is there a no_grad or a "
                "detach?"),
    ),
)  # fmt: skip
