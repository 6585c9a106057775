"""The loss around a trained network: along random directions, on a line or on a grid.

Reference: Li, Xu, Taylor, Studer, Goldstein 2018, "Visualizing the Loss Landscape of Neural Nets" (arXiv 1712.09913).
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from resnet_course.training import evaluate

Direction = Mapping[str, Tensor]
"""One tensor for each parameter of a network, by its name."""

Batch = tuple[Tensor, Tensor]


def filter_normalise(direction: Tensor, weight: Tensor) -> Tensor:
    """Give each filter of a random direction the norm of the weight's filter in the same place.

    A filter is what makes one output channel, or one output of a linear layer: `weight[j]`. Where the weight's filter
    is zero, so is the result. Tensors of one dimension (biases, batch norm's scale and shift) are not filters: their
    direction is zero, so that they keep their values.

    Shape: two tensors of one shape -> a new tensor of that shape

    Taught in lesson 10. Reference: Li et al. 2018, section 4.
    """
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    inside = tuple(range(1, weight.dim()))
    length = torch.linalg.vector_norm(direction, dim=inside, keepdim=True)  # (filters, 1, ...)
    wanted = torch.linalg.vector_norm(weight, dim=inside, keepdim=True)  # (filters, 1, ...)
    return direction * wanted / length.clamp_min(torch.finfo(length.dtype).tiny)


def random_direction(
    model: nn.Module, seed: int, normalise: Callable[[Tensor, Tensor], Tensor] = filter_normalise
) -> dict[str, Tensor]:
    """A Gaussian random direction, a tensor for each parameter, normalised against the parameter.

    Args:
        model: whose parameters; it is not changed.
        seed: the same seed gives the same numbers on every device.
        normalise: takes the random tensor and the parameter.

    Taught in lesson 10.
    """
    generator = torch.Generator().manual_seed(seed)
    return {
        name: normalise(torch.randn(weight.shape, generator=generator).to(weight.device), weight.detach())
        for name, weight in model.named_parameters()
    }


def loss_surface(
    model: nn.Module,
    batches: Iterable[Batch],
    directions: Sequence[Direction],
    steps: Sequence[float],
    loss_fn: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
) -> Tensor:
    """The mean loss on a line or a square grid around the weights, in eval mode, with batch norm's stored statistics.

    The model itself is never changed: a copy takes the weights of each grid point.

    Args:
        model: in the middle of the grid, where all steps are 0.
        batches: of (images, targets), on the model's device; the same for every point.
        directions: one for a line; of two the first goes along the columns, the second along the rows.
        steps: the grid, for every direction.
        loss_fn: takes logits and targets and returns the mean over the batch.

    Shape:
        -> (len(steps),), or (len(steps), len(steps)) where row i, column k is the loss at
        `weights + steps[k] * first + steps[i] * second`

    Raises:
        ValueError: if there is no image, or a direction does not have a tensor of the right shape for each parameter.

    Taught in lesson 10. Reference: Li et al. 2018, sections 3 and 4.
    """
    weights = dict(model.named_parameters())
    for direction in directions:
        if {n: t.shape for n, t in direction.items()} != {n: w.shape for n, w in weights.items()}:
            raise ValueError("the direction needs one tensor for each parameter of the model, in the parameter's shape")
    kept = list(batches)
    if not kept:
        raise ValueError("there are no images to measure the loss on")
    moved = copy.deepcopy(model)
    losses = []
    for point in itertools.product(steps, repeat=len(directions)):  # the last number changes fastest
        with torch.no_grad():
            for name, weight in moved.named_parameters():
                ways = zip(reversed(point), directions, strict=True)
                weight.copy_(weights[name] + sum(step * direction[name] for step, direction in ways))
        losses.append(evaluate(moved, kept, loss_fn)[0])
    return torch.tensor(losses).view([len(steps)] * len(directions))
