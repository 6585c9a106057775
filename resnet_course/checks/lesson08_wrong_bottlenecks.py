"""Lesson 08, `bottleneck`: wrong bottlenecks, each the course's block with one thing changed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.wrong_blocks import Change, about_the_class, with_forward, with_layers
from resnet_course.models import Bottleneck, conv3x3, projection_shortcut

_forward = functools.partial(with_forward, Bottleneck)
_layers = functools.partial(with_layers, Bottleneck)


def _conv1x1(in_planes: int, out_planes: int, stride: int = 1, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(in_planes, out_planes, 1, stride, bias=False, **options)


def _with_relus(first: bool, second: bool) -> type[Bottleneck]:
    """The block with or without the two ReLUs inside F."""

    def rule(block: Any, x: Tensor) -> Tensor:
        out = block.bn1(block.conv1(x))
        out = block.bn2(block.conv2(F.relu(out) if first else out))
        out = block.bn3(block.conv3(F.relu(out) if second else out))
        return F.relu(out + block.shortcut(x))

    return _forward(rule)


def _x_overwritten(block: Any, x: Tensor) -> Tensor:
    x = block.transform(x)
    return F.relu(x + block.shortcut(x))


def _in_place(block: Any, x: Tensor) -> Tensor:
    out = block.transform(x)
    x = block.shortcut(x)
    x += out  # where the shortcut is the identity, this is the caller's tensor
    return F.relu(x)


def _returns_none(block: Any, x: Tensor) -> None:
    F.relu(block.transform(x) + block.shortcut(x))


class _NoShortcut(Bottleneck):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.shortcut = nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.transform(x))


def _stride_on(first: bool, last: bool) -> Change:
    """The stride on the first or the last 1x1 convolution, on none, or on all three."""

    def change(block: Any, in_planes: int, planes: int, stride: int) -> None:
        block.conv1 = _conv1x1(in_planes, planes, stride if first else 1)
        block.conv2 = conv3x3(planes, planes, stride if first and last else 1)
        block.conv3 = _conv1x1(planes, 4 * planes, stride if last else 1)

    return change


def _stride_forgotten(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv2 = conv3x3(planes, planes)
    _stride_not_on_shortcut(block, in_planes, planes, stride)


def _stride_not_on_shortcut(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if len(block.shortcut):
        block.shortcut = projection_shortcut(in_planes, 4 * planes, 1)


def _not_widened(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv3, block.bn3 = _conv1x1(planes, planes), nn.BatchNorm2d(planes)
    block.shortcut = nn.Sequential()
    if stride != 1 or in_planes != planes:
        block.shortcut = projection_shortcut(in_planes, planes, stride)


def _not_reduced(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1, block.bn1 = _conv1x1(in_planes, 4 * planes), nn.BatchNorm2d(4 * planes)
    block.conv2, block.bn2 = conv3x3(4 * planes, 4 * planes, stride), nn.BatchNorm2d(4 * planes)
    block.conv3 = _conv1x1(4 * planes, 4 * planes)


def _reduced_late(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1, block.bn1 = _conv1x1(in_planes, in_planes), nn.BatchNorm2d(in_planes)
    block.conv2 = conv3x3(in_planes, planes, stride)


def _all_3x3(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1, block.conv3 = conv3x3(in_planes, planes), conv3x3(planes, 4 * planes)


def _no_padding(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv2 = nn.Conv2d(planes, planes, 3, stride, bias=False)


def _padding_on_1x1(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1, block.conv3 = _conv1x1(in_planes, planes, padding=1), _conv1x1(planes, 4 * planes, padding=1)


def _projects_if(rule: Callable[[int, int, int], bool]) -> Change:
    """The projection is built by another rule: in_planes, planes, stride -> whether."""

    def change(block: Any, in_planes: int, planes: int, stride: int) -> None:
        block.shortcut = nn.Sequential()
        if rule(in_planes, planes, stride):
            block.shortcut = projection_shortcut(in_planes, 4 * planes, stride)

    return change


def _projects_to_planes(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if len(block.shortcut):
        block.shortcut = projection_shortcut(in_planes, planes, stride)


def _shortcut_without_batch_norm(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.shortcut = block.shortcut[:1]


def _bias_left_on(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1 = nn.Conv2d(in_planes, planes, 1)
    block.conv2 = nn.Conv2d(planes, planes, 3, stride, 1)
    block.conv3 = nn.Conv2d(planes, 4 * planes, 1)


def _bias_everywhere(block: Any, in_planes: int, planes: int, stride: int) -> None:
    _bias_left_on(block, in_planes, planes, stride)
    if len(block.shortcut):
        block.shortcut[0] = nn.Conv2d(in_planes, 4 * planes, 1, stride)


def _no_batch_norm_3(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn3 = nn.Identity()


def _no_batch_norm(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn1, block.bn2, block.bn3 = nn.Identity(), nn.Identity(), nn.Identity()


def _shared_batch_norm(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn2 = block.bn1


class _ExpansionOfOne(_layers(_not_widened)):  # type: ignore[misc]
    expansion = 1


WRONG_BOTTLENECKS: dict[str, Any] = {
    "no_shortcut": _NoShortcut,
    "shortcut_unused": _forward(lambda block, x: F.relu(block.transform(x))),
    "shortcut_not_called": _forward(lambda block, x: F.relu(block.transform(x) + x)),
    "shortcut_subtracted": _forward(lambda block, x: F.relu(block.transform(x) - block.shortcut(x))),
    "shortcut_detached": _forward(lambda block, x: F.relu(block.transform(x) + block.shortcut(x).detach())),
    "x_overwritten": _forward(_x_overwritten),
    "in_place": _forward(_in_place),
    "returns_none": _forward(_returns_none),
    "no_relu_1": _with_relus(first=False, second=True),
    "no_relu_2": _with_relus(first=True, second=False),
    "no_relu_inside": _with_relus(first=False, second=False),
    "relu_before_addition": _forward(lambda block, x: F.relu(block.transform(x)) + block.shortcut(x)),
    "relu_before_and_after": _forward(lambda block, x: F.relu(F.relu(block.transform(x)) + block.shortcut(x))),
    "no_final_relu": _forward(lambda block, x: block.transform(x) + block.shortcut(x)),
    "stride_on_first": _layers(_stride_on(first=True, last=False)),
    "stride_on_last": _layers(_stride_on(first=False, last=True)),
    "stride_everywhere": _layers(_stride_on(first=True, last=True)),
    "stride_forgotten": _layers(_stride_forgotten),
    "stride_not_on_shortcut": _layers(_stride_not_on_shortcut),
    "not_widened": _layers(_not_widened),
    "expansion_of_one": _ExpansionOfOne,
    "not_reduced": _layers(_not_reduced),
    "reduced_late": _layers(_reduced_late),
    "all_3x3": _layers(_all_3x3),
    "no_padding": _layers(_no_padding),
    "padding_on_1x1": _layers(_padding_on_1x1),
    "projects_never": _layers(_projects_if(lambda in_planes, planes, stride: False)),
    "projects_always": _layers(_projects_if(lambda in_planes, planes, stride: True)),
    "projects_by_planes": _layers(_projects_if(lambda in_planes, planes, stride: stride != 1 or in_planes != planes)),
    "projects_for_stride_only": _layers(_projects_if(lambda in_planes, planes, stride: stride != 1)),
    "projects_for_channels_only": _layers(_projects_if(lambda in_planes, planes, stride: in_planes != 4 * planes)),
    "projects_to_planes": _layers(_projects_to_planes),
    "shortcut_without_batch_norm": _layers(_shortcut_without_batch_norm),
    "bias_everywhere": _layers(_bias_everywhere),
    "bias_left_on": _layers(_bias_left_on),
    "no_batch_norm": _layers(_no_batch_norm),
    "no_batch_norm_3": _layers(_no_batch_norm_3),
    "shared_batch_norm": _layers(_shared_batch_norm),
    **about_the_class(Bottleneck, expansion=1),
}
"""The implementation of every mistake by its id; `lesson08_bottleneck` has the hints."""
