"""How large the gradients are, layer by layer."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def gradient_norms(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    loss_fn: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
    relative: bool = True,
) -> dict[str, float]:
    """Norm of the loss gradient of every convolution's weight, from the input to the output of the network.

    One forward and one backward pass in training mode; the model's gradients, mode and batch-norm statistics are as
    before afterwards. Shortcut projections are left out: the main path is compared layer by layer.

    Args:
        model: a classifier.
        images: (N, C, H, W), on the model's device.
        targets: (N,).
        loss_fn: takes logits and targets.
        relative: divide by the norm of the weight, so that layers of different size can be compared.

    Taught in lesson 02.
    """
    layers = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and "shortcut" not in name
    }
    kept_gradients = [parameter.grad for parameter in model.parameters()]
    kept_buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    modes = [(module, module.training) for module in model.modules()]
    model.train()
    model.zero_grad()
    try:
        loss_fn(model(images), targets).backward()
        return {name: _norm(layer.weight, relative) for name, layer in layers.items()}
    finally:
        for parameter, gradient in zip(model.parameters(), kept_gradients, strict=True):
            parameter.grad = gradient
        for name, buffer in model.named_buffers():
            buffer.copy_(kept_buffers[name])
        for module, training in modes:
            module.training = training


def _norm(weight: Tensor, relative: bool) -> float:
    if weight.grad is None:
        return 0.0
    norm = weight.grad.norm()
    return (norm / weight.detach().norm()).item() if relative else norm.item()
