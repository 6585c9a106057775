"""How large the gradients are, layer by layer."""

from __future__ import annotations

import copy
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

    One forward and one backward pass of a copy in training mode: the model itself is left alone. Shortcut projections
    are left out: the main path is compared layer by layer.

    Args:
        model: a classifier.
        images: (N, C, H, W), on the model's device.
        targets: (N,).
        loss_fn: takes logits and targets.
        relative: divide by the norm of the weight, so that layers of different size can be compared.

    Taught in lesson 02.
    """
    model = copy.deepcopy(model).train()
    model.zero_grad()
    loss_fn(model(images), targets).backward()
    norms = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and "shortcut" not in name:
            gradient, weight = module.weight.grad, module.weight.detach()
            norm = 0.0 if gradient is None else gradient.norm().item()
            norms[name] = norm / weight.norm().item() if relative else norm
    return norms
