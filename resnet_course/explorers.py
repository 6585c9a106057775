"""Parts of a lesson that answer when you move a slider; a fixed table stands there where widgets cannot be shown.

Each explorer is a plain function that gives text for some settings, and a call that puts controls around it. Where
ipywidgets is missing, or `RESNET_COURSE_WIDGETS=0`, the call shows the function's answers for a few settings.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from resnet_course.inspection import count_multiply_adds, count_parameters, trace_layers
from resnet_course.messages import in_notebook
from resnet_course.models import PlainBlock, cifar_resnet, make_shortcut, resnet18, resnet34, resnet50
from resnet_course.models.resnet import Stem
from resnet_course.progress import say

Choices = Mapping[str, Sequence[Any]]


def widgets_work() -> bool:
    """Whether controls can be shown: in a notebook, with ipywidgets, and not switched off."""
    wanted = os.environ.get("RESNET_COURSE_WIDGETS") != "0"
    return wanted and in_notebook() and importlib.util.find_spec("ipywidgets") is not None


def explore(answer: Callable[..., str], choices: Choices, start: Mapping[str, Any], fixed: Sequence[Any]) -> None:
    """Show `answer` with a control for each argument, or its answers for the `fixed` settings."""
    if not widgets_work():
        say("\n\n".join(answer(**settings) for settings in fixed))
        return
    import ipywidgets  # checked by widgets_work

    controls = {
        name: ipywidgets.SelectionSlider(options=list(options), value=start[name], description=name)
        for name, options in choices.items()
    }
    output = ipywidgets.interactive_output(lambda **settings: say(answer(**settings)), controls)
    from IPython.display import display  # there is a notebook

    display(ipywidgets.VBox([*controls.values(), output]))


# --- Lesson 04: the shortcut --------------------------------------------------------------------------------------


def describe_shortcut(in_planes: int, planes: int, stride: int, option: str) -> str:
    """What x, F(x) and the shortcut look like for one setting, or the very error that PyTorch gives."""
    x = torch.zeros(1, in_planes, 32, 32)
    with torch.no_grad():
        residual = PlainBlock(in_planes, planes, stride).transform(x)
        lines = [f"in_planes={in_planes}, planes={planes}, stride={stride}, shortcut: {option}"]
        lines.append(f"  x       {_shape(x)}")
        lines.append(f"  F(x)    {_shape(residual)}")
        try:
            shortcut = nn.Sequential() if option == "none" else make_shortcut(in_planes, planes, stride, option)  # type: ignore[arg-type]
            carried = shortcut(x)
            total = residual + carried
        except (RuntimeError, ValueError) as error:
            return "\n".join([*lines, f"  F(x) + shortcut(x): {type(error).__name__}: {error}"])
    lines.append(f"  s(x)    {_shape(carried)}, {count_parameters(shortcut):,} parameters, {_kind(shortcut)}")
    lines.append(f"  sum     {_shape(total)}")
    return "\n".join(lines)


def _kind(shortcut: nn.Module) -> str:
    if isinstance(shortcut, nn.Sequential):
        return "1x1 convolution and batch norm" if len(shortcut) else "the identity"
    return "every stride-th pixel, zeros for the new channels"


def shortcut_explorer() -> None:
    """Lesson 04: shapes and parameters of a block's shortcut, or the error."""
    explore(
        describe_shortcut,
        {"in_planes": (16, 32, 64), "planes": (16, 32, 64), "stride": (1, 2), "option": ("none", "A", "B", "C")},
        {"in_planes": 16, "planes": 32, "stride": 2, "option": "none"},
        [
            {"in_planes": 16, "planes": 16, "stride": 1, "option": "none"},
            {"in_planes": 16, "planes": 32, "stride": 2, "option": "none"},
            {"in_planes": 16, "planes": 32, "stride": 2, "option": "A"},
            {"in_planes": 16, "planes": 32, "stride": 2, "option": "B"},
            {"in_planes": 16, "planes": 16, "stride": 1, "option": "C"},
        ],
    )


# --- Lesson 02: depth ---------------------------------------------------------------------------------------------


def depth_explorer(training_errors: Mapping[tuple[str, int], float]) -> None:
    """Lesson 02: size of the 6n+2 networks, with the recorded training error where there is one.

    Args:
        training_errors: by ("plain" or "residual", depth).
    """

    def describe(kind: str, n: int) -> str:
        depth = 6 * n + 2
        model = cifar_resnet(depth, residual=kind == "residual")
        error = training_errors.get((kind, depth))
        measured = "not recorded" if error is None else f"{error:.3f}"
        return (
            f"{kind} {depth} (n = {n}): {count_parameters(model):,} parameters, "
            f"{count_multiply_adds(model):,} multiply-adds for a 32x32 image, training error {measured}"
        )

    fixed = [{"kind": kind, "n": n} for kind in ("plain", "residual") for n in (1, 3, 5, 7, 9)]
    choices = {"kind": ("plain", "residual"), "n": tuple(range(1, 10))}
    explore(describe, choices, {"kind": "plain", "n": 3}, fixed)


# --- Lesson 05: shapes --------------------------------------------------------------------------------------------

NETWORKS = {"ResNet-18": resnet18, "ResNet-34": resnet34, "ResNet-50": resnet50}


def trace_table(network: str, stem: Stem, image_size: int) -> str:
    """Shapes, parameters and multiply-adds of each stage, as text."""
    model = NETWORKS[network](10, stem)
    rows = trace_layers(model, (3, image_size, image_size), stages=True)
    lines = [f"{network}, {stem} stem, {image_size}x{image_size} image"]
    for row in rows:
        shape = " x ".join(map(str, row.out_shape))
        lines.append(f"  {row.name:<8}{shape:>16}{row.parameters:>14,} parameters{row.multiply_adds:>14,} mult-adds")
    return "\n".join(lines)


def shape_tracer() -> None:
    """Lesson 05: how the shape changes from stage to stage, for other depths, stems and image sizes."""
    explore(
        trace_table,
        {"network": tuple(NETWORKS), "stem": ("cifar", "imagenet"), "image_size": (32, 48, 64, 96, 128, 224)},
        {"network": "ResNet-18", "stem": "cifar", "image_size": 32},
        [
            {"network": "ResNet-18", "stem": "cifar", "image_size": 32},
            {"network": "ResNet-50", "stem": "cifar", "image_size": 32},
            {"network": "ResNet-18", "stem": "imagenet", "image_size": 224},
        ],
    )


def _shape(tensor: torch.Tensor) -> str:
    return "(" + ", ".join(map(str, tensor.shape)) + ")"
