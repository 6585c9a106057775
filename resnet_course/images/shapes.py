"""The generated data set: ten shapes, drawn from signed distance functions.

A signed distance function gives, for a point of the plane, the distance to the outline of a shape:
negative inside, positive outside. Drawing a shape is then one comparison per pixel, which works for
thousands of images at once. Everything random comes from uniform numbers of one seeded generator, so
the same seed gives the same images.

Taught in lesson 00.

Reference: the distance functions follow from plane geometry; see Inigo Quilez, "2D distance functions",
    iquilezles.org/articles/distfunctions2d.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Distance = Callable[[Tensor, Tensor], Tensor]
"""Takes x and y, (B, size, size) in units of the shape's radius, and gives the signed distance at each point."""

_CHUNK = 512  # images drawn at once: small enough for the processor's cache, large enough to be quick


def make_shapes(count: int, image_size: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw `count` images of ten shapes under random position, scale, rotation, colour, texture, clutter and noise.

    The foreground colour comes from the bright half, the background from the dark half: with
    fully random colours no small network learns in minutes.

    Shape:
        returns images (count, 3, image_size, image_size) uint8 in [0, 255] and targets (count,) int64 in [0, 9].
        Classes are balanced to within one image and shuffled.

    Raises:
        ValueError: if `count` is negative or `image_size` is below 8 pixels.
    """
    if count < 0:
        raise ValueError(f"count must be 0 or more, got {count}")
    if image_size < 8:
        raise ValueError(f"image_size must be at least 8 pixels, got {image_size}")
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(count) % len(DISTANCES)
    targets = targets[torch.rand(count, generator=generator).argsort(stable=True)]
    images = torch.empty(count, 3, image_size, image_size, dtype=torch.uint8)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        images[start:stop] = draw(targets[start:stop], image_size, generator, tuple(DISTANCES.values()))
    return images, targets


def draw(targets: Tensor, size: int, generator: torch.Generator, distances: Sequence[Distance]) -> Tensor:
    """One chunk of images; the distance function of each label says what is drawn.

    Shape: targets (B,) -> (B, 3, size, size) uint8
    """
    batch = len(targets)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(batch, *shape, generator=generator)

    x, y = _shape_coordinates(size, uniform)
    distance = torch.empty(batch, size, size)
    for label, distance_to in enumerate(distances):
        chosen = targets == label
        distance[chosen] = distance_to(x[chosen], y[chosen])

    # One pixel of soft edge. x and y are in units of the shape's radius.
    pixel = (x[:, :, 1:] - x[:, :, :-1]).square() + (y[:, :, 1:] - y[:, :, :-1]).square()
    pixel = pixel[:, :1, :1].sqrt()  # (B, 1, 1)
    coverage = (0.5 - distance / pixel).clamp(0, 1).unsqueeze(1)  # (B, 1, size, size)

    foreground = uniform(0.5, 1.0, 3, 1, 1) * _stripes(x, y, uniform).unsqueeze(1)
    background = _clutter(uniform(0.0, 0.45, 3, 1, 1) + _slope(size, uniform), size, uniform)
    image = background + coverage * (foreground - background)
    image = image + uniform(-0.12, 0.12, 3, size, size)
    return image.clamp(0, 1).mul(255).round().to(torch.uint8)


def _grid(size: int) -> tuple[Tensor, Tensor]:
    """Pixel centres in [-1, 1]. Shape: two tensors (1, size, size): horizontal, vertical."""
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    return line.view(1, 1, size).expand(1, size, size), line.view(1, size, 1).expand(1, size, size)


def _shape_coordinates(size: int, uniform: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
    """Pixel positions as the shape sees them: centred, rotated, in units of its radius. Shape: (B, size, size)."""
    radius = uniform(0.42, 0.72, 1, 1)
    column, row = _grid(size)
    x = (column - uniform(-0.25, 0.25, 1, 1)) / radius
    y = (row - uniform(-0.25, 0.25, 1, 1)) / radius
    angle = uniform(-0.5, 0.5, 1, 1)
    return x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()


def _stripes(x: Tensor, y: Tensor, uniform: Callable[..., Tensor]) -> Tensor:
    """A mild texture that turns with the shape: brightness between 0.75 and 1. Shape: (B, size, size)."""
    frequency, angle, phase = uniform(2.0, 6.0, 1, 1), uniform(0.0, math.pi, 1, 1), uniform(0.0, 2 * math.pi, 1, 1)
    strength = uniform(0.0, 0.125, 1, 1)
    return 1 - strength * (1 + (frequency * (x * angle.cos() + y * angle.sin()) + phase).sin())


def _slope(size: int, uniform: Callable[..., Tensor]) -> Tensor:
    """Light that changes slowly across the background, at most 0.12 either way. Shape: (B, 1, size, size)."""
    column, row = _grid(size)
    across, down = uniform(-0.06, 0.06, 1, 1), uniform(-0.06, 0.06, 1, 1)
    return (across * column + down * row).unsqueeze(1)


def _clutter(background: Tensor, size: int, uniform: Callable[..., Tensor]) -> Tensor:
    """Two small discs behind the shape, no brighter than the middle grey. Shape: (B, 3, size, size)."""
    column, row = _grid(size)
    for _ in range(2):
        x = column - uniform(-0.9, 0.9, 1, 1)
        y = row - uniform(-0.9, 0.9, 1, 1)
        inside = (x.square() + y.square() < uniform(0.08, 0.2, 1, 1).square()).unsqueeze(1)
        background = torch.where(inside, uniform(0.2, 0.6, 3, 1, 1), background)
    return background


# Distances are in units of the shape's radius; each takes (B, size, size) twice and returns (B, size, size).


def disc(x: Tensor, y: Tensor, radius: float = 1.0) -> Tensor:
    """A disc around the origin."""
    return (x.square() + y.square()).sqrt() - radius


def box(x: Tensor, y: Tensor, width: float, height: float) -> Tensor:
    """A rectangle around the origin; `width` and `height` are half of its sides."""
    dx, dy = x.abs() - width, y.abs() - height
    return (dx.clamp(min=0).square() + dy.clamp(min=0).square()).sqrt() + torch.maximum(dx, dy).clamp(max=0)


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    side = x.abs() * math.cos(math.pi / 6) - y * 0.5
    return torch.maximum(side, y) - 0.5


def _star(x: Tensor, y: Tensor) -> Tensor:
    angle = torch.atan2(x, -y)
    wedge = 2 * math.pi / 5
    folded = (torch.remainder(angle + wedge / 2, wedge) - wedge / 2).abs()
    radius = (x.square() + y.square()).sqrt()
    px, py = radius * folded.cos(), radius * folded.sin()
    # The edge runs from the tip (1, 0) to the notch, at radius 0.42 and half a wedge further.
    ex, ey = 0.42 * math.cos(wedge / 2) - 1, 0.42 * math.sin(wedge / 2)
    return ((px - 1) * ey - py * ex) / math.hypot(ex, ey)


def _arrow(x: Tensor, y: Tensor) -> Tensor:
    head = torch.maximum(x.abs() * 0.8 - (y + 0.95) * 0.6, y)
    return torch.minimum(head, box(x, y - 0.45, 0.24, 0.5))


DISTANCES: dict[str, Distance] = {
    "disc": disc,
    "ring": lambda x, y: disc(x, y, 0.75).abs() - 0.25,
    "square": lambda x, y: box(x, y, 0.78, 0.78),
    "triangle": _triangle,
    "star": _star,
    "cross": lambda x, y: torch.minimum(box(x, y, 0.95, 0.28), box(x, y, 0.28, 0.95)),
    "crescent": lambda x, y: torch.maximum(disc(x, y), -disc(x - 0.45, y, 0.8)),
    "half disc": lambda x, y: torch.maximum(disc(x, y - 0.4), y - 0.4),
    "arrow": _arrow,
    "two bars": lambda x, y: torch.minimum(box(x - 0.55, y, 0.28, 0.9), box(x + 0.55, y, 0.28, 0.9)),
}
CLASSES = tuple(DISTANCES)
