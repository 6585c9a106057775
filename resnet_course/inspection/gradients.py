"""How large the gradients are, layer by layer."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
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

    Taught in lesson 04.
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


def gradient_similarity(model: nn.Module, images: Tensor, targets: Tensor, noise: float = 0.01, seed: int = 0) -> float:
    """Cosine between the loss gradient at each image and at the same image plus a little noise, mean over the images.

    1 means that neighbours pull the same way, 0 that they have nothing to do with each other. A copy of the model in
    training mode is used: the model itself is left alone.

    Args:
        model: a classifier.
        images: (N, C, H, W), on the model's device, normalised.
        targets: (N,).
        noise: standard deviation of the noise; 1 is that of the normalised pixels.
        seed: of the noise.

    Taught in lesson 04. Reference: Balduzzi et al. 2017 (arXiv 1702.08591), section 2, who use a grid in one dimension.
    """
    model = copy.deepcopy(model).train()
    generator = torch.Generator().manual_seed(seed)
    step = noise * torch.randn(images.shape, generator=generator).to(images.device)
    gradients = []
    for x in (images, images + step):
        x = x.detach().requires_grad_()
        loss = nn.functional.cross_entropy(model(x), targets, reduction="sum")
        gradients.append(torch.autograd.grad(loss, x)[0].flatten(1))  # (N, C * H * W)
    return nn.functional.cosine_similarity(gradients[0], gradients[1]).mean().item()
