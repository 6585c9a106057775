"""Follow the shapes, parameters and multiply-adds through a network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from resnet_course.training import eval_mode


@dataclass(frozen=True)
class LayerRow:
    """What one module did to one batch.

    Args:
        name: the module's name in the network, such as "layer2.0.conv1".
        kind: its class.
        in_shape, out_shape: without the batch dimension.
        parameters: numbers that training changes, submodules included.
        multiply_adds: multiplications followed by an addition, for one image; convolutions and matrix products only.
    """

    name: str
    kind: str
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def count_parameters(module: nn.Module) -> int:
    """Numbers that training changes. Taught in lesson 01."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def trace_layers(model: nn.Module, image_shape: Sequence[int] = (3, 32, 32), stages: bool = False) -> list[LayerRow]:
    """Run one black image through the model and note each layer's shapes and cost, in the order they ran.

    The model's mode, gradients and batch-norm statistics are left as they were.

    Args:
        model: any network that takes (N, C, H, W).
        image_shape: (C, H, W).
        stages: True gives a row for each direct child of the model, False one for each innermost layer.

    Taught in lesson 08.
    """
    if stages:
        watched = {child: name for name, child in model.named_children() if not isinstance(child, nn.Identity)}
    else:
        watched = {module: name for name, module in model.named_modules() if name and not list(module.children())}
    rows: list[LayerRow] = []
    spent: list[int] = []  # before each of the calls that are under way
    counter = FlopCounterMode(display=False)  # counts a multiply-add as two operations

    def before(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        spent.append(counter.get_total_flops())

    def after(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        cost = (counter.get_total_flops() - spent.pop()) // 2
        shapes = tuple(inputs[0].shape[1:]), tuple(output.shape[1:])
        rows.append(LayerRow(watched[module], type(module).__name__, *shapes, count_parameters(module), cost))

    parameter = next(model.parameters(), torch.zeros(()))
    image = torch.zeros(1, *image_shape, device=parameter.device, dtype=parameter.dtype)
    with torch.no_grad(), eval_mode(model), counter, ExitStack() as hooks:
        for module in watched:
            hooks.enter_context(module.register_forward_pre_hook(before))
            hooks.enter_context(module.register_forward_hook(after))
        model(image)
    return rows


def count_multiply_adds(model: nn.Module, image_shape: Sequence[int] = (3, 32, 32)) -> int:
    """Multiply-adds of one image's forward pass in convolutions and matrix products. Taught in lesson 07."""
    return sum(row.multiply_adds for row in trace_layers(model, image_shape))
