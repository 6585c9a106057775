"""What leaves each part of a ResNet, for other depths, stems, image sizes and ends."""

from __future__ import annotations

import functools
from typing import NamedTuple

import torch
import torch.nn.functional as F

from resnet_course import plotting
from resnet_course.explorers.controls import Answer, Control, Explorer, explore
from resnet_course.inspection import trace_layers
from resnet_course.models import ResNet, resnet18, resnet34, resnet50
from resnet_course.models.resnet import Stem

NETWORKS = {"ResNet-18": resnet18, "ResNet-34": resnet34, "ResNet-50": resnet50}
SIZES = (32, 48, 64, 80, 96, 128, 224, 256)
CLASSES = 10


class Part(NamedTuple):
    """One part of the network: what leaves it, and its cost."""

    name: str
    shape: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0


def shape_tracer() -> None:
    """Choose network, stem, image size and pooling: shapes and costs of the parts, or the error. Used in lesson 08."""
    explore(shape_parts())


def shape_parts() -> Explorer:
    """What `shape_tracer` shows."""
    controls = {
        "network": Control("network", {name: name for name in NETWORKS}),
        "stem": Control("stem", {"for small images": "cifar", "of the paper": "imagenet"}),
        "image_size": Control("image size", {f"{size}×{size}": size for size in SIZES}),
        "pooling": Control("pooling", {"adaptive": "adaptive", "as in the notes": "fixed"}),
    }
    start = {"network": "ResNet-18", "stem": "cifar", "image_size": 32, "pooling": "adaptive"}
    shown = [
        start,
        {**start, "network": "ResNet-50", "stem": "imagenet", "image_size": 224},
        {**start, "pooling": "fixed"},
        {**start, "image_size": 80, "pooling": "fixed"},
    ]
    return Explorer(trace_network, controls, start, shown)


def trace_network(network: str, stem: Stem, image_size: int, pooling: str) -> Answer:
    """The shapes through one network. Pooling "fixed" is avg_pool2d with window 4 and Linear(2048 * expansion)."""
    parts, error = list(trunk(network, stem, image_size)), None
    channels, side, _ = parts[-1].shape
    if pooling == "adaptive":
        head = [Part("pool", (channels, 1, 1)), Part("flatten", (channels,)), _linear(channels)]
        ending = f"Adaptive pooling takes the mean over {_all_positions(side)} of the map, whatever its size."
    else:
        head, ending, error = fixed_head(channels, side)
    parts += head
    size = f"{image_size}×{image_size}"
    found = f"{channels} channels of {side}×{side} leave layer4" if error is None else "it stops"
    title = f"{network} on {size}: {found}"
    shapes = [("image", (3, image_size, image_size)), *[(part.name, part.shape) for part in parts]]
    blocks = {f"layer{index}": len(stage) for index, stage in enumerate(_model(network, stem).stages, start=1)}
    parameters, work = sum(part.parameters for part in parts), sum(part.multiply_adds for part in parts)
    cost = f"{network}: {parameters:,} parameters, {work / 1e9:.3f} G multiply-adds for one image of {size}."
    rows = [(part.name, _times(part.shape), f"{part.parameters:,}", f"{part.multiply_adds:,}") for part in parts]
    return Answer(
        lines=(cost if error is None else f"{network} on {size} stops.", ending),
        draw=lambda: plotting.network_diagram(shapes, blocks, title),
        alt=f"{title}. What leaves each part: " + ", ".join(f"{name} {_times(shape)}" for name, shape in shapes) + ".",
        error=error,
        table=(("part", "what leaves it", "parameters", "multiply-adds"), *rows),
    )


@functools.cache
def trunk(network: str, stem: Stem, image_size: int) -> tuple[Part, ...]:
    """The stem and the four stages."""
    rows = trace_layers(_model(network, stem), (3, image_size, image_size), stages=True)
    stages = [row for row in rows if row.name.startswith("layer")]
    first = rows[: rows.index(stages[0])]
    whole_stem = Part(
        "stem", first[-1].out_shape, sum(row.parameters for row in first), sum(row.multiply_adds for row in first)
    )
    return (whole_stem, *(Part(row.name, row.out_shape, row.parameters, row.multiply_adds) for row in stages))


@functools.cache
def _model(network: str, stem: Stem) -> ResNet:
    with torch.device("meta"):  # the layers without their numbers: quick at any size, and no random number is used up
        return NETWORKS[network](CLASSES, stem)


def fixed_head(channels: int, side: int) -> tuple[list[Part], str, str | None]:
    """Run the end that fits one image size. Returns the parts that ran, a sentence, and the error if there is one."""
    parts: list[Part] = []
    inputs = 2048 * channels // 512
    try:
        pooled = F.avg_pool2d(torch.zeros(1, channels, side, side), 4)
        parts.append(Part("pool", tuple(pooled.shape[1:])))
        flat = pooled.flatten(1)
        parts.append(Part("flatten", tuple(flat.shape[1:])))
        F.linear(flat, torch.zeros(CLASSES, inputs), torch.zeros(CLASSES))
    except RuntimeError as error:
        said = f"RuntimeError: {error}"
        if not parts:
            return parts, f"The map is {side}×{side}: no window of 4×4 fits.", said
        return parts, f"{flat.shape[1]} numbers arrive; Linear({inputs}, {CLASSES}) takes {inputs}.", said
    parts.append(_linear(inputs))
    read = (side // 4 * 4) ** 2
    if read == side**2:
        return parts, f"It fits: {inputs} numbers arrive, and the windows of 4×4 read {_all_positions(side)}.", None
    return parts, f"No error, but the windows of 4×4 read only {read} of the {side**2} positions of the map.", None


def _linear(inputs: int) -> Part:
    return Part("linear", (CLASSES,), CLASSES * (inputs + 1), CLASSES * inputs)


def _all_positions(side: int) -> str:
    return f"all {side**2} positions" if side > 1 else "the one position"


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
