"""Lesson 07, `lesion`: a copy of the network without one block's F."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checking.compare import differ, equal
from resnet_course.checking.core import SEED, Exercise, Mistake
from resnet_course.inspection import lesion
from resnet_course.models import BasicBlock, cifar_resnet, make_shortcut
from resnet_course.training import eval_mode

# What is damaged: residual or not, shortcut, blocks. Two blocks a stage; 2 and 4 change the shape.
KINDS = ((True, "A", range(6)), (True, "B", (2, 5)), (False, "A", (1, 2, 5)))


def _padding(block: Any) -> nn.Module:
    return make_shortcut(block.conv1.in_channels, block.conv1.out_channels, block.conv1.stride[0], "A")


def _without_f(block: Any) -> nn.Module:
    return nn.Sequential(block.shortcut, nn.ReLU()) if isinstance(block, BasicBlock) else _padding(block)


def _places(model: Any) -> list[tuple[nn.Sequential, int]]:
    return [(stage, place) for stage in model.stages for place in range(len(stage))]


def _replacing(replacement: Callable[[Any], nn.Module]) -> Callable[[Any, int], nn.Module]:
    """A lesion that puts something else in the place of the block."""

    def wrong(model: Any, index: int) -> nn.Module:
        damaged = copy.deepcopy(model)
        stage, place = _places(damaged)[index]
        stage[place] = replacement(stage[place])
        return damaged

    return wrong


def _setting_to_zero(*names: str) -> Callable[[Any, int], nn.Module]:
    """A lesion that only sets parameters of the block to zero."""

    def change(block: Any) -> nn.Module:
        for name in names:
            nn.init.zeros_(block.get_parameter(name))
        return block

    return _replacing(change)


class _Function(nn.Module):
    def __init__(self, block: nn.Module, function: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.block, self.function = block, function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.block, x)


def _computing(function: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, int], nn.Module]:
    return _replacing(lambda block: _Function(block, function))


def _in_the_network(model: Any, index: int) -> nn.Module:
    stage, place = _places(model)[index]
    stage[place] = _without_f(stage[place])
    return model


def _counted_from_one(model: Any, index: int) -> nn.Module:
    return _replacing(_without_f)(model, index - 1)


def _in_each_stage(model: Any, index: int) -> nn.Module:
    damaged = copy.deepcopy(model)
    for stage in damaged.stages:
        stage[index] = _without_f(stage[index])
    return damaged


def _first_stage_only(model: Any, index: int) -> nn.Module:
    damaged = copy.deepcopy(model)
    damaged.layer1[index] = _without_f(damaged.layer1[index])
    return damaged


def _from_here_on(model: Any, index: int) -> nn.Module:
    damaged = copy.deepcopy(model)
    for stage, place in _places(damaged)[index:]:
        stage[place] = _without_f(stage[place])
    return damaged


class _SameLesion:
    """Compares two lesions on the same networks.

    Networks cost time: what the course's own lesions do is kept for good, what the learner's does during one check.
    """

    def __init__(self) -> None:
        self._known: dict[Any, list[Any]] = {}
        self._learners: tuple[Any, list[Any]] = (None, [])

    def __call__(self, candidate: Any, implementation: Any) -> str | None:
        """None if they behave the same, otherwise the first difference in words."""
        # A check starts with the reference; then all is measured anew, as names that the answer uses may have changed.
        if implementation is lesion or self._learners[0] is not candidate:
            self._learners = candidate, []
        own, known = self._learners[1], self._known.setdefault(implementation, [])
        for number, case in enumerate(_cases()):
            if len(known) <= number:
                known.append(_outcome(implementation, case))
            if len(own) <= number:
                own.append(_outcome(candidate, case))
            mine, expected = own[number], known[number]
            if isinstance(mine, Exception):
                if type(mine) is type(expected) and str(mine) == str(expected):
                    continue  # a known mistake that stops in the same way; another case may tell the two apart
                raise mine
            if isinstance(expected, Exception):
                return f"{case.name}, it should stop."
            difference = _outputs_differ(mine[0], expected[0], f"{case.name}, the output")
            if difference is not None:
                return difference
            if mine[1] != expected[1]:
                return "the network that was handed in is not the same any more."
        return None


@dataclass(frozen=True)
class _Case:
    name: str
    model: nn.Module
    index: int
    x: Tensor


@functools.cache
def _cases() -> list[_Case]:
    generator = torch.Generator().manual_seed(SEED)
    x = torch.randn(3, 3, 8, 8, generator=generator, dtype=torch.float32)
    cases = []
    for residual, shortcut, indices in KINDS:
        model = cifar_resnet(14, 5, residual, shortcut, width=4).float().train(not residual)
        _randomise(model, generator)
        kind = f"residual, option {shortcut}" if residual else "plain"
        cases += [_Case(f"without block {index} (network: {kind})", model, index, x) for index in indices]
    return cases


def _randomise(model: nn.Module, generator: torch.Generator) -> None:
    """Weights and statistics that let each image through every layer and differ from one another."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            shape = module.weight.shape
            module.weight.data = 1 + torch.rand(shape, generator=generator)
            module.bias.data = 0.5 * torch.randn(shape, generator=generator)
            module.running_mean = 0.3 * torch.randn(shape, generator=generator)
            module.running_var = 0.5 + torch.rand(shape, generator=generator)
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            numbers = torch.randn(module.weight.shape, generator=generator)
            module.weight.data = numbers * math.sqrt(2 / module.weight[0].numel())
    model.float()  # whatever the default dtype is


def _outcome(function: Any, case: _Case) -> Any:
    """What comes back (a network as its output), and whether the network handed in is as it was; or the error."""
    model = copy.deepcopy(case.model)
    try:
        result = function(model, case.index)
        if isinstance(result, nn.Module):
            with torch.no_grad(), eval_mode(result):
                result = result(case.x)
    except Exception as error:
        return error
    return result, _is_as_before(model, case.model)


def _outputs_differ(mine: Any, expected: Any, what: str) -> str | None:
    if not isinstance(mine, Tensor) or not isinstance(expected, Tensor):
        return None if type(mine) is type(expected) else f"a network should come back, and this is {mine!r}."
    return differ(mine, expected, what)


def _is_as_before(model: nn.Module, before: nn.Module) -> bool:
    """The same modules in the same modes with the same numbers."""
    modules, kept = ([(n, type(m), m.training) for n, m in each.named_modules()] for each in (model, before))
    tensors = zip(model.state_dict().values(), before.state_dict().values(), strict=False)
    return modules == kept and all(equal(mine, theirs) for mine, theirs in tensors)


LESION = Exercise(
    "lesion",
    "07",
    lesion,
    _SameLesion(),
    (
        Mistake(
            "nothing_comes_back",
            lambda model, index: None,
            "What does the function return? Nothing comes back. The damaged copy has to be returned to the caller.",
        ),
        Mistake(
            "network_changed",
            _in_the_network,
            "What is the network that was handed in like after the call? The network itself is damaged, so the next "
            "lesion would start from it and two blocks would be gone. The changes belong to a copy. copy.copy is not "
            "enough: such a copy holds the same stages; copy.deepcopy also copies what is inside.",
        ),
        Mistake(
            "nothing_removed",
            lambda model, index: copy.deepcopy(model),
            "In which object does the new module stand after the call? The network still computes what it did. Giving "
            "the name `block` to another module changes the name only, and the stage still holds the old block. The "
            "new module has to be assigned to its place in the stage.",
        ),
        Mistake(
            "counted_from_one",
            _counted_from_one,
            "Which block has the number 0? Blocks are counted from 0, so the first block has this number. Here the "
            "neighbour of the wanted block was taken.",
        ),
        Mistake(
            "in_each_stage",
            _in_each_stage,
            "How many blocks are gone? Each stage has lost a block. The number counts through all stages, so only "
            "one block of the whole network may go.",
        ),
        Mistake(
            "first_stage_only",
            _first_stage_only,
            "In which stage is block 2 of a network with two blocks a stage? Block 2 stands in the second stage, "
            "and layer1 has no block of that number. List the places of all stages first.",
        ),
        Mistake(
            "from_here_on",
            _from_here_on,
            "How many blocks are gone? This block and all behind it are gone. Only one may go.",
        ),
        Mistake(
            "shape_not_kept",
            _replacing(lambda block: nn.Identity()),
            "What shape does the block behind the lesion expect? Here every block is replaced by the identity. The "
            "first blocks of layer2 and layer3 halve the image and double the channels, so the next block gets the "
            "wrong shape and stops. Their shortcut has to stand in their place.",
        ),
        Mistake(
            "plain_without_shortcut",
            _replacing(lambda block: nn.Sequential(block.shortcut, nn.ReLU())),
            "What is `block.shortcut` in a plain block? A plain block has no shortcut. In a plain network "
            "make_shortcut with option A stands in the block's place.",
        ),
        Mistake(
            "own_shortcut_lost",
            _replacing(_padding),
            "Which shortcut does a residual block keep? A residual block keeps its own shortcut. With option B that"
            " is a trained projection, and padding in its place would be a second lesion.",
        ),
        Mistake(
            "no_relu",
            _replacing(lambda block: block.shortcut if isinstance(block, BasicBlock) else _padding(block)),
            "What happens behind the plus sign of a residual block? The ReLU behind the plus sign stays. A "
            "projection gives negative numbers, which the next block has never seen.",
        ),
        Mistake(
            "shortcut_removed",
            _computing(lambda block, x: F.relu(block.transform(x))),
            "Which of the two ways through the block is left? Here F(x) is left, and the shortcut is gone. It "
            "should be the other way round.",
        ),
        Mistake(
            "zeros_go_on",
            _computing(lambda block, x: torch.zeros_like(block(x))),
            "What does the next block get? The next block gets only zeros. The block should pass on what its "
            "shortcut carries.",
        ),
        Mistake(
            "shift_left",
            _setting_to_zero("bn2.weight"),
            "What is left of F(x) when only the scale of bn2 is zero? With its scale at zero bn2 still adds its "
            "shift, bn2.bias, the same number at every pixel. Scale and shift both have to go, or the whole of F.",
        ),
        Mistake(
            "convolutions_zeroed",
            _setting_to_zero("conv1.weight", "conv2.weight"),
            "What do the batch norms give when the convolutions give zero? Batch norm subtracts the stored mean and"
            " adds its shift, so what it makes of zeros is not zero. F(x) is still there, as a constant.",
        ),
        Mistake(
            "plain_set_to_zero",
            _setting_to_zero("bn2.weight", "bn2.bias"),
            "What does a plain block give when its F(x) is zero? A plain block whose F(x) is zero gives zeros: "
            "there is no shortcut that carries x around it. A plain block has to be replaced.",
        ),
    ),
)
