"""Lesson 08, `preact_block`: wrong pre-activation blocks, each the course's block with one thing changed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.wrong_blocks import Change, about_the_class, with_forward, with_layers
from resnet_course.models import BasicBlock, PreActBlock, conv3x3, projection_shortcut

_forward = functools.partial(with_forward, PreActBlock)
_layers = functools.partial(with_layers, PreActBlock)


def _activated(block: Any, x: Tensor) -> Tensor:
    return F.relu(block.bn1(x))


def _shortcut(block: Any, x: Tensor, activated: Tensor) -> Tensor:
    return x if block.projection is None else block.projection(activated)


def _transform(block: Any, activated: Tensor) -> Tensor:
    """F: what follows the first batch norm and ReLU on the main path."""
    return block.conv2(F.relu(block.bn2(block.conv1(activated))))


def _add(block: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """F(x) and the shortcut of x, both right."""
    activated = _activated(block, x)
    return _transform(block, activated), _shortcut(block, x, activated)


def _sum(rule: Callable[[Any, Tensor, Tensor], Any]) -> type[PreActBlock]:
    """The block with another last step: rule(block, F(x), shortcut of x)."""
    return _forward(lambda block, x: rule(block, *_add(block, x)))


def _steps(first: str, second: str) -> type[PreActBlock]:
    """The block with other steps in front of its convolutions: "n" is a batch norm, "r" a ReLU."""

    def steps(words: str, norm: Any, x: Tensor) -> Tensor:
        for word in words:
            x = norm(x) if word == "n" else F.relu(x)
        return x

    class Wrong(PreActBlock):
        def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
            super().__init__(in_planes, planes, stride)
            self.bn1 = self.bn1 if "n" in first else nn.Identity()
            self.bn2 = self.bn2 if "n" in second else nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            activated = steps(first, self.bn1, x)
            out = self.conv2(steps(second, self.bn2, self.conv1(activated)))
            return out + _shortcut(self, x, activated)

    return Wrong


def _identity_from_activated(block: Any, x: Tensor) -> Tensor:
    activated = _activated(block, x)
    return _transform(block, activated) + _shortcut(block, activated, activated)


def _projection_from_raw(block: Any, x: Tensor) -> Tensor:
    return _transform(block, _activated(block, x)) + _shortcut(block, x, x)


def _the_other_way_round(block: Any, x: Tensor) -> Tensor:
    activated = _activated(block, x)
    return _transform(block, activated) + _shortcut(block, activated, x)


def _x_overwritten(block: Any, x: Tensor) -> Tensor:
    x = _transform(block, _activated(block, x))
    return x + _shortcut(block, x, x)


def _in_place(block: Any, out: Tensor, shortcut: Tensor) -> Tensor:
    shortcut += out  # where the shortcut is the identity, this is the caller's tensor
    return shortcut


def _shared_batch_norm(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn2 = block.bn1


def _first_norm_of_planes(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn1 = nn.BatchNorm2d(planes)


def _projects_if(rule: Callable[[int, int, int], bool]) -> Change:
    """The projection is built by another rule: in_planes, planes, stride -> whether."""

    def change(block: Any, in_planes: int, planes: int, stride: int) -> None:
        block.projection = None
        if rule(in_planes, planes, stride):
            block.projection = nn.Conv2d(in_planes, planes, 1, stride, bias=False)

    return change


def _projection_with_batch_norm(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if block.projection is not None:
        block.projection = projection_shortcut(in_planes, planes, stride)


def _projection_3x3(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if block.projection is not None:
        block.projection = conv3x3(in_planes, planes, stride)


def _stride_not_on_projection(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if block.projection is not None:
        block.projection = nn.Conv2d(in_planes, planes, 1, bias=False)


def _stride_on_second(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1, block.conv2 = conv3x3(in_planes, planes), conv3x3(planes, planes, stride)


def _stride_on_both(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv2 = conv3x3(planes, planes, stride)


def _stride_forgotten(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1 = conv3x3(in_planes, planes)
    _stride_not_on_projection(block, in_planes, planes, stride)


def _no_padding(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1 = nn.Conv2d(in_planes, planes, 3, stride, bias=False)
    block.conv2 = nn.Conv2d(planes, planes, 3, bias=False)


def _bias_left_on(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1)
    block.conv2 = nn.Conv2d(planes, planes, 3, 1, 1)


def _bias_everywhere(block: Any, in_planes: int, planes: int, stride: int) -> None:
    _bias_left_on(block, in_planes, planes, stride)
    if block.projection is not None:
        block.projection = nn.Conv2d(in_planes, planes, 1, stride)


class _NoShortcut(PreActBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.projection = None

    def forward(self, x: Tensor) -> Tensor:
        return _transform(self, _activated(self, x))


class _OneMoreNorm(PreActBlock):
    """A third batch norm, behind the second convolution or behind the addition."""

    behind_addition = False

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.bn3 = nn.BatchNorm2d(planes)

    def forward(self, x: Tensor) -> Tensor:
        out, shortcut = _add(self, x)
        return F.relu(self.bn3(out + shortcut)) if self.behind_addition else self.bn3(out) + shortcut


class _NormAfterAddition(_OneMoreNorm):
    behind_addition = True


class _BatchNormBehind(PreActBlock):
    """ReLU, convolution, batch norm, twice."""

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)

    def forward(self, x: Tensor) -> Tensor:
        activated = F.relu(x)
        out = F.relu(self.bn1(self.conv1(activated)))
        return self.bn2(self.conv2(out)) + _shortcut(self, x, activated)


WRONG_PREACT_BLOCKS: dict[str, Any] = {
    "post_activation": BasicBlock,
    "no_shortcut": _NoShortcut,
    "shortcut_unused": _sum(lambda block, out, shortcut: out),
    "identity_from_activated": _forward(_identity_from_activated),
    "projection_from_raw": _forward(_projection_from_raw),
    "the_other_way_round": _forward(_the_other_way_round),
    "x_overwritten": _forward(_x_overwritten),
    "projection_with_batch_norm": _layers(_projection_with_batch_norm),
    "relu_after_addition": _sum(lambda block, out, shortcut: F.relu(out + shortcut)),
    "batch_norm_after_addition": _NormAfterAddition,
    "relu_before_addition": _sum(lambda block, out, shortcut: F.relu(out) + shortcut),
    "batch_norm_before_addition": _OneMoreNorm,
    "relu_before_batch_norm": _steps("rn", "rn"),
    "batch_norm_behind": _BatchNormBehind,
    "no_relu_1": _steps("n", "nr"),
    "no_relu_2": _steps("nr", "n"),
    "no_batch_norm_1": _steps("r", "nr"),
    "no_batch_norm_2": _steps("nr", "r"),
    "no_activation_2": _steps("nr", ""),
    "first_norm_of_planes": _layers(_first_norm_of_planes),
    "shared_batch_norm": _layers(_shared_batch_norm),
    "in_place": _sum(_in_place),
    "returns_none": _sum(lambda block, out, shortcut: None),
    "shortcut_subtracted": _sum(lambda block, out, shortcut: out - shortcut),
    "shortcut_detached": _sum(lambda block, out, shortcut: out + shortcut.detach()),
    "projects_never": _layers(_projects_if(lambda in_planes, planes, stride: False)),
    "projects_always": _layers(_projects_if(lambda in_planes, planes, stride: True)),
    "projects_for_stride_only": _layers(_projects_if(lambda in_planes, planes, stride: stride != 1)),
    "projects_for_planes_only": _layers(_projects_if(lambda in_planes, planes, stride: in_planes != planes)),
    "projection_3x3": _layers(_projection_3x3),
    "stride_on_second": _layers(_stride_on_second),
    "stride_on_both": _layers(_stride_on_both),
    "stride_forgotten": _layers(_stride_forgotten),
    "stride_not_on_projection": _layers(_stride_not_on_projection),
    "no_padding": _layers(_no_padding),
    "bias_everywhere": _layers(_bias_everywhere),
    "bias_left_on": _layers(_bias_left_on),
    **about_the_class(PreActBlock, expansion=4),
}
"""The implementation of every mistake by its id; `lesson08_preact_block` has the hints."""
