"""Lesson 03, `basic_block`: wrong residual blocks, each the course's block with one thing changed."""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.wrong_blocks import about_the_class, with_forward, with_layers
from resnet_course.models import BasicBlock, PlainBlock, conv3x3, projection_shortcut

_forward = functools.partial(with_forward, BasicBlock)
_layers = functools.partial(with_layers, BasicBlock)


def _no_relu_between(block: Any, x: Tensor) -> Tensor:
    return F.relu(block.bn2(block.conv2(block.bn1(block.conv1(x)))) + block.shortcut(x))


def _x_overwritten(block: Any, x: Tensor) -> Tensor:
    x = block.transform(x)
    return F.relu(x + block.shortcut(x))


def _x_after_conv1(block: Any, x: Tensor) -> Tensor:
    x = block.conv1(x)
    return F.relu(block.bn2(block.conv2(F.relu(block.bn1(x)))) + block.shortcut(x))


def _x_after_first_relu(block: Any, x: Tensor) -> Tensor:
    x = F.relu(block.bn1(block.conv1(x)))
    return F.relu(block.bn2(block.conv2(x)) + block.shortcut(x))


def _projection_detached(block: Any, x: Tensor) -> Tensor:
    out = block.transform(x)
    with torch.no_grad():  # lets the gradient pass where the shortcut is the identity
        x = block.shortcut(x)
    return F.relu(out + x)


def _in_place(block: Any, x: Tensor) -> Tensor:
    out = block.transform(x)
    x = block.shortcut(x)
    x += out  # where the shortcut is the identity, this is the caller's tensor
    return F.relu(x)


def _returns_none(block: Any, x: Tensor) -> None:
    F.relu(block.transform(x) + block.shortcut(x))


def _no_batch_norm_1(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn1 = nn.Identity()


def _no_batch_norm_2(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn2 = nn.Identity()


def _no_batch_norm(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn1, block.bn2 = nn.Identity(), nn.Identity()


def _shared_batch_norm(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.bn2 = block.bn1


def _bias_left_on(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1)
    block.conv2 = nn.Conv2d(planes, planes, 3, 1, 1)


def _bias_on_shortcut(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if len(block.shortcut):
        block.shortcut[0] = nn.Conv2d(in_planes, planes, 1, stride)


def _bias_everywhere(block: Any, in_planes: int, planes: int, stride: int) -> None:
    _bias_left_on(block, in_planes, planes, stride)
    _bias_on_shortcut(block, in_planes, planes, stride)


def _no_padding(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1 = nn.Conv2d(in_planes, planes, 3, stride, bias=False)
    block.conv2 = nn.Conv2d(planes, planes, 3, bias=False)


def _in_planes_twice(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv2 = conv3x3(in_planes, planes)


def _channels_change_late(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1, block.bn1 = conv3x3(in_planes, in_planes, stride), nn.BatchNorm2d(in_planes)
    block.conv2 = conv3x3(in_planes, planes)


def _stride_on_second(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1, block.conv2 = conv3x3(in_planes, planes), conv3x3(planes, planes, stride)


def _stride_on_both(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv2 = conv3x3(planes, planes, stride)


def _stride_forgotten(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.conv1 = conv3x3(in_planes, planes)
    if len(block.shortcut):
        block.shortcut = projection_shortcut(in_planes, planes, 1)


def _stride_not_on_shortcut(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if len(block.shortcut):
        block.shortcut = projection_shortcut(in_planes, planes, 1)


def _shortcut_without_batch_norm(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.shortcut = block.shortcut[:1]


def _shortcut_3x3(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if len(block.shortcut):
        block.shortcut[0] = conv3x3(in_planes, planes, stride)


def _relu_in_projection(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if len(block.shortcut):
        block.shortcut.append(nn.ReLU())


def _projects_always(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.shortcut = projection_shortcut(in_planes, planes, stride)


def _projects_never(block: Any, in_planes: int, planes: int, stride: int) -> None:
    block.shortcut = nn.Sequential()


def _projects_for_stride_only(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if stride == 1:
        block.shortcut = nn.Sequential()


def _projects_for_planes_only(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if in_planes == planes:
        block.shortcut = nn.Sequential()


def _projects_if_both_change(block: Any, in_planes: int, planes: int, stride: int) -> None:
    if stride == 1 or in_planes == planes:
        block.shortcut = nn.Sequential()


class _BatchNormFirst(BasicBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.bn1 = nn.BatchNorm2d(in_planes)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(F.relu(self.bn1(x)))
        return self.conv2(F.relu(self.bn2(out))) + self.shortcut(x)


WRONG_BLOCKS: dict[str, Any] = {
    "no_shortcut": PlainBlock,
    "shortcut_unused": _forward(lambda block, x: F.relu(block.transform(x))),
    "relu_before_addition": _forward(lambda block, x: F.relu(block.transform(x)) + block.shortcut(x)),
    "relu_before_and_after": _forward(lambda block, x: F.relu(F.relu(block.transform(x)) + block.shortcut(x))),
    "no_final_relu": _forward(lambda block, x: block.transform(x) + block.shortcut(x)),
    "relu_on_shortcut": _forward(lambda block, x: F.relu(block.transform(x) + F.relu(block.shortcut(x)))),
    "shortcut_subtracted": _forward(lambda block, x: F.relu(block.transform(x) - block.shortcut(x))),
    "branch_subtracted": _forward(lambda block, x: F.relu(block.shortcut(x) - block.transform(x))),
    "shortcut_twice": _forward(lambda block, x: F.relu(block.transform(x) + block.shortcut(x) + block.shortcut(x))),
    "shortcut_detached": _forward(lambda block, x: F.relu(block.transform(x) + block.shortcut(x).detach())),
    "projection_detached": _forward(_projection_detached),
    "concatenated": _forward(lambda block, x: F.relu(torch.cat([block.transform(x), block.shortcut(x)], dim=1))),
    "shortcut_not_called": _forward(lambda block, x: F.relu(block.transform(x) + x)),
    "relu_in_projection": _layers(_relu_in_projection),
    "no_relu_between": _forward(_no_relu_between),
    "x_overwritten": _forward(_x_overwritten),
    "x_after_conv1": _forward(_x_after_conv1),
    "x_after_first_relu": _forward(_x_after_first_relu),
    "in_place": _forward(_in_place),
    "returns_none": _forward(_returns_none),
    "projects_never": _layers(_projects_never),
    "projects_for_stride_only": _layers(_projects_for_stride_only),
    "projects_for_planes_only": _layers(_projects_for_planes_only),
    "projects_if_both_change": _layers(_projects_if_both_change),
    "projects_always": _layers(_projects_always),
    "shortcut_without_batch_norm": _layers(_shortcut_without_batch_norm),
    "shortcut_3x3": _layers(_shortcut_3x3),
    "stride_not_on_shortcut": _layers(_stride_not_on_shortcut),
    "stride_forgotten": _layers(_stride_forgotten),
    "stride_on_second": _layers(_stride_on_second),
    "stride_on_both": _layers(_stride_on_both),
    "no_padding": _layers(_no_padding),
    "in_planes_twice": _layers(_in_planes_twice),
    "channels_change_late": _layers(_channels_change_late),
    "bias_everywhere": _layers(_bias_everywhere),
    "bias_left_on": _layers(_bias_left_on),
    "bias_on_shortcut": _layers(_bias_on_shortcut),
    "no_batch_norm": _layers(_no_batch_norm),
    "no_batch_norm_1": _layers(_no_batch_norm_1),
    "no_batch_norm_2": _layers(_no_batch_norm_2),
    "shared_batch_norm": _layers(_shared_batch_norm),
    "batch_norm_first": _BatchNormFirst,
    **about_the_class(BasicBlock, expansion=4),
}
"""The implementation of every mistake by its id; `lesson03_basic_block` has the hints."""
