"""Follow the shapes, parameters and multiply-adds through a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LayerRow:
    """What one module did to one batch.

    Args:
        name: the module's name in the network, such as "layer2.0.conv1".
        kind: its class.
        in_shape, out_shape: without the batch dimension.
        parameters: numbers that training changes, submodules included.
        multiply_adds: multiplications followed by an addition, for one image; convolutions and linear layers only.
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

    Taught in lesson 05.
    """
    rows: list[LayerRow] = []
    spent = 0
    starts: list[int] = []  # what was spent when the calls that are under way began

    def add_cost(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal spent
        spent += _multiply_adds(module, output)

    def start(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        starts.append(spent)

    def noter(name: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            cost = spent - starts.pop()
            shapes = tuple(inputs[0].shape[1:]), tuple(output.shape[1:])
            rows.append(LayerRow(name, type(module).__name__, *shapes, count_parameters(module), cost))

        return note

    hooks = [module.register_forward_hook(add_cost) for module in model.modules()]
    for name, module in _watched(model, stages).items():
        hooks += [module.register_forward_pre_hook(start), module.register_forward_hook(noter(name))]
    parameter = next(model.parameters(), torch.zeros(()))
    try:
        with _untouched(model):
            model(torch.zeros(1, *image_shape, device=parameter.device, dtype=parameter.dtype))
    finally:
        for hook in hooks:
            hook.remove()
    return rows


def _watched(model: nn.Module, stages: bool) -> dict[str, nn.Module]:
    if stages:
        return {name: child for name, child in model.named_children() if not isinstance(child, nn.Identity)}
    return {name: module for name, module in model.named_modules() if name and not list(module.children())}


def count_multiply_adds(model: nn.Module, image_shape: Sequence[int] = (3, 32, 32)) -> int:
    """Multiply-adds of one image's forward pass in convolutions and linear layers. Taught in lesson 04."""
    return sum(row.multiply_adds for row in trace_layers(model, image_shape))


def _multiply_adds(module: nn.Module, output: Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        inputs_of_one = module.in_channels // module.groups * module.kernel_size[0] * module.kernel_size[1]
        return inputs_of_one * output[0].numel()
    if isinstance(module, nn.Linear):
        return module.in_features * output[0].numel()
    return 0


@contextmanager
def _untouched(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradients inside; every module's own mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
