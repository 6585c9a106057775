"""The exercises of lesson 02: plain block, extension by identity, gradient norms."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.compare import differ, same_module, seeded
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.inspection import gradient_norms
from resnet_course.models import PlainBlock, cifar_resnet

BLOCK_CASES = (((4, 4, 1), (3, 4, 8, 8)), ((4, 6, 1), (3, 4, 8, 8)), ((4, 8, 2), (3, 4, 8, 8)))

# --- plain_block ------------------------------------------------------------------------------------------------


class _NoReluBetween(PlainBlock):
    def transform(self, x: Tensor) -> Tensor:
        return self.bn2(self.conv2(self.bn1(self.conv1(x))))


class _NoFinalRelu(PlainBlock):
    def forward(self, x: Tensor) -> Tensor:
        return self.transform(x)


class _StrideOnBoth(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)


class _StrideForgotten(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, 1)


class _BiasLeftOn(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1)


class _NoBatchNorm(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.bn1, self.bn2 = nn.Identity(), nn.Identity()


class _SharedBatchNorm(PlainBlock):
    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__(in_planes, planes, stride)
        self.bn2 = self.bn1


class _WithShortcut(PlainBlock):
    def forward(self, x: Tensor) -> Tensor:
        out = self.transform(x)
        return F.relu(out + x) if out.shape == x.shape else F.relu(out)


PLAIN_BLOCK = Exercise(
    "plain_block",
    "02",
    PlainBlock,
    same_module(BLOCK_CASES),
    (
        Mistake(
            "no_relu_between",
            _NoReluBetween,
            "What stands between the first batch norm and the second convolution? Without a ReLU there, two "
            "convolutions in a row are one linear map.",
        ),
        Mistake(
            "no_final_relu",
            _NoFinalRelu,
            "What happens after the second batch norm? A plain block ends with a ReLU.",
        ),
        Mistake(
            "stride_on_both",
            _StrideOnBoth,
            "Which convolution carries the stride? Only the first: on both, a stride of 2 divides height and "
            "width by 4.",
        ),
        Mistake(
            "stride_forgotten",
            _StrideForgotten,
            "Where does `stride` go? The first convolution must take it, or height and width never shrink.",
        ),
        Mistake(
            "bias_left_on",
            _BiasLeftOn,
            "Do the convolutions need a bias? Batch norm subtracts the mean, a bias included, and adds its own "
            "shift: pass bias=False.",
        ),
        Mistake(
            "no_batch_norm",
            _NoBatchNorm,
            "What follows each convolution? The batch norms are missing.",
        ),
        Mistake(
            "shared_batch_norm",
            _SharedBatchNorm,
            "How many batch norms are there? Each convolution needs its own: one layer cannot keep the statistics "
            "of two.",
        ),
        Mistake(
            "with_shortcut",
            _WithShortcut,
            "Is x added at the end? That is the residual block of the next lesson; a plain block has no shortcut.",
        ),
    ),
)

# --- extend_with_identity -----------------------------------------------------------------------------------------


def extend_with_identity(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    """Append `count` plain blocks that pass non-negative numbers on unchanged, in eval mode.

    Shape:
        the returned stage maps shapes as `stage` does
    """
    return nn.Sequential(*stage, *(_identity_block(planes) for _ in range(count)))


def _identity_block(planes: int) -> PlainBlock:
    block = PlainBlock(planes, planes)
    for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        nn.init.dirac_(conv.weight)
        # In eval mode batch norm divides by sqrt(running_var + eps); this scale takes it back.
        nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))
    return block.eval()


def _without_dirac(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    return nn.Sequential(*stage, *(PlainBlock(planes, planes) for _ in range(count)))


def _all_zero(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    longer = _without_dirac(stage, planes, count)
    for block in longer[len(stage):]:  # fmt: skip
        nn.init.zeros_(block.conv1.weight)
        nn.init.zeros_(block.conv2.weight)
    return longer


def _all_ones(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    longer = _without_dirac(stage, planes, count)
    for block in longer[len(stage):]:  # fmt: skip
        nn.init.ones_(block.conv1.weight)
        nn.init.ones_(block.conv2.weight)
    return longer


def _half_dirac(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    longer = _without_dirac(stage, planes, count)
    for block in longer[len(stage):]:  # fmt: skip
        nn.init.dirac_(block.conv1.weight)
    return longer


def _compare_extensions(candidate: Any, implementation: Any) -> str | None:
    """Same function as before within 1e-3, and really longer. The exact scale of the batch norm is left free."""
    for planes, blocks, count in ((4, 1, 3), (6, 2, 1)):
        stage = nn.Sequential(*(PlainBlock(planes, planes) for _ in range(blocks))).eval()
        x = torch.randn(2, planes, 6, 6)
        before = stage(x)
        mine = seeded(candidate, copy.deepcopy(stage), planes, count)
        expected = seeded(implementation, copy.deepcopy(stage), planes, count)
        if not isinstance(mine, nn.Module) or not hasattr(mine, "__len__"):
            return "the result should be an nn.Sequential."
        if len(mine) != len(expected):
            return f"the longer stage should have {blocks + count} blocks and has {len(mine)}."
        with torch.no_grad():
            longer, reference = mine.eval()(x), expected.eval()(x)
        if longer.shape == reference.shape and torch.allclose(longer, reference, atol=1e-3, rtol=1e-3):
            continue
        return differ(longer, before, "the output of the longer stage, in eval mode,") or "the output differs."
    return None


EXTEND_WITH_IDENTITY = Exercise(
    "extend_with_identity",
    "02",
    extend_with_identity,
    _compare_extensions,
    (
        Mistake(
            "nothing_appended",
            lambda stage, planes, count: stage,
            "How many blocks does the new stage have? Nothing was appended.",
        ),
        Mistake(
            "all_zero",
            _all_zero,
            "What does a convolution with all weights zero give? Zero, whatever comes in. The identity has a one "
            "in the middle of the kernel, for its own channel: nn.init.dirac_.",
        ),
        Mistake(
            "all_ones",
            _all_ones,
            "What does a kernel of ones compute? The sum over all channels and neighbours. The identity takes the "
            "middle pixel of its own channel only: nn.init.dirac_.",
        ),
        Mistake(
            "one_convolution_only",
            _half_dirac,
            "How many convolutions does a block have? Both must be the identity.",
        ),
    ),
)

# --- gradient_norms -----------------------------------------------------------------------------------------------


def gradient_norms_list(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    """Gradient norm over weight norm of each convolution, from the input to the output of the network."""
    return list(gradient_norms(model, images, targets).values())


def _absolute(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    return list(gradient_norms(model, images, targets, relative=False).values())


def _weight_norms(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    return [module.weight.norm().item() for module in model.modules() if isinstance(module, nn.Conv2d)]


def _accumulated(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    F.cross_entropy(model(images), targets).backward()
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    return [(conv.weight.grad.norm() / conv.weight.norm()).item() for conv in convolutions]


def _all_layers(model: nn.Module, images: Tensor, targets: Tensor) -> list[float]:
    model.zero_grad()
    F.cross_entropy(model(images), targets).backward()
    return [(p.grad.norm() / p.norm()).item() for p in model.parameters()]


def _compare_norms(candidate: Any, implementation: Any) -> str | None:
    images, targets = torch.randn(8, 3, 8, 8), torch.arange(8)
    model = cifar_resnet(8, residual=False, width=4)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.bias, -0.5, 0.5)
    models = [copy.deepcopy(model) for _ in range(2)]
    for each in models:
        # Old gradients, as in the middle of a training: they must not be counted again.
        F.cross_entropy(each(images), targets.flip(0)).backward()
    mine, expected = candidate(models[0], images, targets), implementation(models[1], images, targets)
    if isinstance(mine, dict):
        mine = list(mine.values())
    return differ(mine, expected, "the list of norms")


GRADIENT_NORMS = Exercise(
    "gradient_norms",
    "02",
    gradient_norms_list,
    _compare_norms,
    (
        Mistake(
            "not_relative",
            _absolute,
            "Norm of the gradient divided by what? A large layer has a large gradient: divide by the norm of its "
            "weight.",
        ),
        Mistake(
            "weight_instead_of_gradient",
            _weight_norms,
            "Whose norm is this? It is the weight's; the gradient stands in weight.grad after backward().",
        ),
        Mistake(
            "old_gradients_added",
            _accumulated,
            "What was in .grad before? backward() adds to it: call model.zero_grad() first.",
        ),
        Mistake(
            "all_parameters",
            _all_layers,
            "Which layers are asked for? Only the convolutions, not batch norm and the linear layer.",
        ),
    ),
)

EXERCISES = (PLAIN_BLOCK, EXTEND_WITH_IDENTITY, GRADIENT_NORMS)
