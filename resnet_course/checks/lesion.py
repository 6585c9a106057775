"""Lesson 10 · `lesion`: a copy of the network without one block's F.

Besides the output of the damaged network, what stands in the place of each block is looked at by itself, on an input of
its own, so that it shows which block is gone and what is left of it.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import SEED, WrongKindError
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import differ, equal, shown
from resnet_course.inspection import lesion
from resnet_course.models import cifar_resnet
from resnet_course.training import eval_mode

# Residual or not, shortcut, blocks. Two blocks a stage; the blocks 2 and 4 change the shape.
KINDS = ((True, "A", (1, 0, 5, 2)), (True, "B", (2,)), (False, "A", (1, 2)))
BLOCKS = 6
_SPARE: dict[Any, nn.Module] = {}  # copies of the networks that no answer has changed


@dataclass(frozen=True, repr=False)
class Raised:
    """In place of what a module should give."""

    text: str

    def __repr__(self) -> str:
        return f"an error, {self.text}"


@functools.cache
def _network(residual: bool, shortcut: Any) -> nn.Module:
    """Weights and statistics that let each image through every layer and differ from one another."""
    generator = torch.Generator().manual_seed(SEED)
    model = cifar_resnet(14, 5, residual, shortcut, width=4).float().train(not residual)
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
    return model.float()  # whatever the default dtype is


def observe(answer: Any) -> Iterator[Seen]:
    """Lesions of a residual network without and with projections, and of a plain one; a block that is not there."""
    if not callable(answer) or isinstance(answer, nn.Module):
        raise WrongKindError(f"the function lesion itself is needed, and this is {shown(answer)}")
    for residual, shortcut, indices in KINDS:
        kind = f"a residual network with option {shortcut}" if residual else "a plain network"
        for index in indices:
            yield from _see_lesion(f"in {kind} without block {index}", answer, residual, shortcut, index)
    try:
        answer(copy.deepcopy(_network(True, "A")), BLOCKS)
        said = "no error"
    except Exception:  # any error will do
        said = "an error"
    yield Seen(f"what happens if block {BLOCKS} of a network with the blocks 0 to {BLOCKS - 1} is taken out", said)


def _see_lesion(where: str, answer: Any, residual: bool, shortcut: Any, index: int) -> Iterator[Seen]:
    network = _network(residual, shortcut)
    model = _SPARE.pop((residual, shortcut), None) or copy.deepcopy(network)
    torch.manual_seed(SEED)
    result = answer(model, index)
    changed = _state(model) != _state(network) or not all(map(equal, _numbers(model), _numbers(network)))
    if not changed:
        _SPARE[residual, shortcut] = model
    yield Seen(f"{where}, what comes back", "a network" if isinstance(result, nn.Module) else result)
    yield Seen(f"{where}, the network that was handed in", "changed" if changed else "as it was")
    if not isinstance(result, nn.Module):
        return
    with torch.no_grad(), eval_mode(result):  # no `yield` inside: what is half seen must not leave it open
        blocks = list(_see_blocks(where, result, _outputs(residual, shortcut)))
        output = _output(result, torch.randn((3, 3, 8, 8), generator=torch.Generator().manual_seed(SEED)))
    yield from blocks
    yield Seen(f"{where}, the output", output, explains=False)


@functools.cache
def _outputs(residual: bool, shortcut: Any) -> dict[str, Any]:
    with torch.no_grad(), eval_mode(_network(residual, shortcut)):
        return {name: _output(block, x) for name, block, x in _blocks(_network(residual, shortcut))}


def _blocks(model: Any) -> Iterator[tuple[str, Any, Tensor]]:
    """What stands in each place, and numbers for it that are not negative, as a ReLU leaves them."""
    for number in (1, 2, 3):
        stage = getattr(model, f"layer{number}", None)
        for place, block in enumerate(stage if isinstance(stage, nn.Sequential) else ()):
            planes = 4 * 2 ** (number - 1 if place or number == 1 else number - 2)
            shape = (2, planes, 16 // planes, 16 // planes)
            yield f"layer{number}[{place}]", block, torch.rand(shape, generator=torch.Generator().manual_seed(SEED))


def _see_blocks(where: str, model: Any, before: dict[str, Any]) -> Iterator[Seen]:
    given = {name: _output(block, x) for name, block, x in _blocks(model)}
    sizes = [sum(name.startswith(f"layer{number}") for name in given) for number in (1, 2, 3)]
    yield Seen(f"{where}, the number of modules in each stage", ", ".join(map(str, sizes)))
    changed = sum(differ(output, before.get(name), "") is not None for name, output in given.items())
    yield Seen(f"{where}, the number of blocks that are not what they were", changed)
    for name, output in given.items():
        yield Seen(f"{where}, what {name} gives", output)


def _output(module: nn.Module, x: Tensor) -> Any:
    """An error here comes from what the answer has put into the network: an effect, and not the end of the check."""
    try:
        return module(x)
    except Exception as error:
        return Raised(f"{type(error).__name__}: {error}")


def _state(model: nn.Module) -> list[Any]:
    """The modules, their modes, their attributes (a `forward` of their own, for example) and their hooks."""
    return [(n, type(m), m.training, sorted(vars(m)), len(m._forward_hooks)) for n, m in model.named_modules()]


def _numbers(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


ANSWER = """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    places = [(stage, place) for stage in damaged.stages for place in range(len(stage))]
    stage, place = places[index]
    block = stage[place]
    if isinstance(block, BasicBlock):
        stage[place] = nn.Sequential(block.shortcut, nn.ReLU())
    else:
        conv = block.conv1
        stage[place] = make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], "A")
    return damaged
"""
LEFT_OF = """
import copy

def left_of(block):
    if isinstance(block, BasicBlock):
        return nn.Sequential(block.shortcut, nn.ReLU())
    conv = block.conv1
    return make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], "A")
"""
# fmt: off
WRONG = [
    Wrong("nothing_comes_back", [("    return damaged", "    damaged")],
          ask="What does the function return?",
          explain="Nothing comes back. The damaged copy has to be returned to the caller."),
    Wrong("block_comes_back", [("    return damaged", "    return stage[place]")],
          ask="Which object does the caller want to send images through?",
          explain="Only what stands in the block's place comes back. The caller wants the whole damaged network."),
    Wrong("network_changed", [("copy.deepcopy(model)", "model")],
          ask="What is the network that was handed in like after the call?",
          explain="The network itself is damaged, so the next lesion would start from it and two blocks would be "
                  "gone. The changes belong to a copy. copy.copy is not enough: such a copy holds the same stages; "
                  "copy.deepcopy also copies what is inside."),
    Wrong("nothing_removed", [("stage[place] =", "block =")],
          ask="In which object does the new module stand after the call?",
          explain="The network still computes what it did. Giving the name `block` to another module changes the "
                  "name only, and the stage still holds the old block. The new module has to be assigned to its "
                  "place in the stage."),
    Wrong("counted_from_one", [("places[index]", "places[index - 1]")],
          ask="Which block has the number 0?",
          explain="Blocks are counted from 0, so the first block has this number. Here the neighbour of the wanted "
                  "block was taken."),
    Wrong("no_such_block", LEFT_OF + """
def lesion(model, index):
    damaged = copy.deepcopy(model)
    number = 0
    for stage in damaged.stages:
        for place, block in enumerate(stage):
            if number == index:
                stage[place] = left_of(block)
            number += 1
    return damaged
""",
          ask="What comes back for a number that no block has?",
          explain="For the number of a block that does not exist a whole network comes back, and nobody learns that "
                  "nothing is missing in it. Such a call should end with an error, as an index of a list beyond its "
                  "end does."),
    Wrong("in_each_stage", LEFT_OF + """
def lesion(model, index):
    damaged = copy.deepcopy(model)
    for stage in damaged.stages:
        stage[index] = left_of(stage[index])
    return damaged
""",
          ask="How many blocks are gone?",
          explain="Each stage has lost a block. The number counts through all stages, so only one block of the whole "
                  "network may go."),
    Wrong("first_stage_only", LEFT_OF + """
def lesion(model, index):
    damaged = copy.deepcopy(model)
    damaged.layer1[index] = left_of(damaged.layer1[index])
    return damaged
""",
          ask="In which stage is block 2 of a network with two blocks a stage?",
          explain="Block 2 stands in the second stage, and layer1 has no block of that number. List the places of "
                  "all stages first."),
    Wrong("from_here_on", LEFT_OF + """
def lesion(model, index):
    damaged = copy.deepcopy(model)
    number = 0
    for stage in damaged.stages:
        for place in range(len(stage)):
            if number >= index:
                stage[place] = left_of(stage[place])
            number += 1
    return damaged
""",
          ask="How many blocks are gone?",
          explain="This block and all after it are gone. Only one may go."),
    Wrong("blocks_per_stage_written_in", LEFT_OF + """
def lesion(model, index):
    damaged = copy.deepcopy(model)
    stage, place = damaged.stages[index // 3], index % 3
    stage[place] = left_of(stage[place])
    return damaged
""",
          ask="How many blocks does a stage have in a network of 14 layers?",
          explain="Three blocks for each stage are written in, which fits the networks of 20 layers only. With 14 "
                  "layers a stage has two. `len(stage)` tells it for every network."),
    Wrong("shape_not_kept", [
              ('make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], "A")', "nn.Identity()"),
              ("nn.Sequential(block.shortcut, nn.ReLU())", "nn.Identity()")],
          ask="What shape does the block after the lesion expect?",
          explain="Here every block is replaced by the identity. The first blocks of layer2 and layer3 halve the "
                  "image and double the channels, so the next block gets the wrong shape and stops. Their shortcut "
                  "has to stand in their place."),
    Wrong("block_deleted", [("stage[place] = nn.Sequential(block.shortcut, nn.ReLU())", "del stage[place]"),
              ("stage[place] = make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], \"A\")",
               "del stage[place]")],
          ask="How many places does the stage have after the lesion?",
          explain="The block is taken out with its place, and the next block moves up. In a stage that changes the "
                  "shape, the first block cannot go like that: the next one would get the shape that came into the "
                  "stage. What is left of the block, its shortcut, has to stand in its place."),
    Wrong("plain_without_shortcut", [("    if isinstance(block, BasicBlock):\n", "    if True:\n")],
          ask="What is `block.shortcut` in a plain block?",
          explain="A plain block has no shortcut. In a plain network make_shortcut with option A stands in the "
                  "block's place."),
    Wrong("plain_by_identity", [
              ('make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], "A")', "nn.Identity()")],
          ask="What do the first blocks of layer2 and layer3 do to the shape?",
          explain="Every plain block is replaced by the identity. The first blocks of layer2 and layer3 halve the "
                  "image and double the channels, so the identity does not fit there: option A has to stand in their "
                  "place."),
    Wrong("plain_by_projection", [('conv.stride[0], "A")', 'conv.stride[0], "B")')],
          ask="Has a projection that is made now ever been trained?",
          explain="A plain block that changes the shape is replaced by a projection, whose weights are new random "
                  "numbers. The lesion should take something away and put nothing new in. Option A has no weights."),
    Wrong("stride_as_a_pair", [("conv.stride[0]", "conv.stride")],
          ask="What is the stride of a convolution, a number or a pair?",
          explain="The stride of a convolution is a pair such as (2, 2), and make_shortcut takes one number. One "
                  "entry of the pair is enough, since both are equal."),
    Wrong("channels_swapped", [("conv.in_channels, conv.out_channels", "conv.out_channels, conv.in_channels")],
          ask="Which of the two numbers of channels comes first in make_shortcut?",
          explain="The two numbers of channels are exchanged: the shortcut would go from many channels to few, and "
                  "padding cannot take channels away. First comes what enters the block, then what leaves it."),
    Wrong("own_shortcut_lost", [("    if isinstance(block, BasicBlock):\n", "    if False:\n")],
          ask="Which shortcut does a residual block keep?",
          explain="A residual block keeps its own shortcut. With option B that is a trained projection, and padding "
                  "in its place would be a second lesion."),
    Wrong("no_relu", [("nn.Sequential(block.shortcut, nn.ReLU())", "block.shortcut")],
          ask="What happens after the plus sign of a residual block?",
          explain="The ReLU after the plus sign stays. A projection gives negative numbers, which the next block "
                  "has never seen."),
    Wrong("shortcut_removed", """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    block = [block for stage in damaged.stages for block in stage][index]
    block.forward = lambda x: F.relu(block.transform(x))
    return damaged
""",
          ask="Which of the two ways through the block is left?",
          explain="Here F(x) is left, and the shortcut is gone. It should be the other way round."),
    Wrong("zeros_go_on", """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    block = [block for stage in damaged.stages for block in stage][index]
    block.register_forward_hook(lambda module, inputs, output: output * 0)
    return damaged
""",
          ask="What does the next block get?",
          explain="The next block gets only zeros. The block should pass on what its shortcut carries."),
    Wrong("shift_left", """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    block = [block for stage in damaged.stages for block in stage][index]
    nn.init.zeros_(block.bn2.weight)
    return damaged
""",
          ask="What is left of F(x) when only the scale of bn2 is zero?",
          explain="With its scale at zero bn2 still adds its shift, bn2.bias, the same number at every pixel. Scale "
                  "and shift both have to go, or the whole of F."),
    Wrong("scale_left", """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    block = [block for stage in damaged.stages for block in stage][index]
    nn.init.zeros_(block.bn2.bias)
    return damaged
""",
          ask="What is left of F(x) when only the shift of bn2 is zero?",
          explain="With its shift at zero bn2 still multiplies by its scale, bn2.weight, so nearly all of F(x) is "
                  "there. Scale and shift both have to go, or the whole of F."),
    Wrong("convolutions_zeroed", """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    block = [block for stage in damaged.stages for block in stage][index]
    nn.init.zeros_(block.conv1.weight); nn.init.zeros_(block.conv2.weight)
    return damaged
""",
          ask="What do the batch norms give when the convolutions give zero?",
          explain="Batch norm subtracts the stored mean and adds its shift, so what it makes of zeros is not zero. "
                  "F(x) is still there, as a constant."),
    Wrong("plain_set_to_zero", """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    block = [block for stage in damaged.stages for block in stage][index]
    nn.init.zeros_(block.bn2.weight); nn.init.zeros_(block.bn2.bias)
    return damaged
""",
          ask="What does a plain block give when its F(x) is zero?",
          explain="A plain block whose F(x) is zero gives zeros: there is no shortcut that carries x around it. A "
                  "plain block has to be replaced."),
]
# fmt: on

EXERCISE = Exercise(
    "lesion",
    lesson="10",
    defines="lesion",
    reference=lesion,
    observe=observe,
    start="Make the copy first, and change only the copy. Then list the places of all blocks, one pair (stage, number "
    "in the stage) for each, and take the pair with the number `index`. An nn.Sequential lets you assign to a place.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "counting loop": """
from copy import deepcopy

def lesion(model, index):
    model = deepcopy(model)
    number = 0
    for stage in (model.layer1, model.layer2, model.layer3):
        for i, block in enumerate(stage):
            if number == index:
                if hasattr(block, "shortcut"):
                    stage[i] = nn.Sequential(*block.shortcut, nn.ReLU()) if isinstance(
                        block.shortcut, nn.Sequential) else block.shortcut
                elif block.conv1.stride == (1, 1):
                    stage[i] = nn.Identity()
                else:
                    stage[i] = PadShortcut(block.conv1.in_channels, block.conv2.out_channels, 2)
            number += 1
    if not 0 <= index < number:
        raise IndexError(f"there is no block {index}")
    return model
""",
        "a new list of blocks for the stage": """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    for number, stage in enumerate(damaged.stages, start=1):
        if index < len(stage):
            blocks = list(stage)
            old = blocks[index]
            if type(old) is PlainBlock:
                planes_in, planes_out, (stride, _) = old.conv1.in_channels, old.conv1.out_channels, old.conv1.stride
                blocks[index] = make_shortcut(planes_in, planes_out, stride, "A")
            else:
                blocks[index] = nn.Sequential(old.shortcut, nn.ReLU(inplace=False))
            setattr(damaged, f"layer{number}", nn.Sequential(*blocks))
            return damaged
        index -= len(stage)
    raise IndexError("there are not so many blocks")
""",
        "a class for what is left": """
import copy

class Left(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.conv = None if isinstance(block, BasicBlock) else block.conv1
        self.shortcut = block.shortcut if isinstance(block, BasicBlock) else None

    def forward(self, x):
        if self.shortcut is not None:
            return self.shortcut(x).clamp(min=0)
        step = self.conv.stride[0]
        new = self.conv.out_channels - self.conv.in_channels
        return F.pad(x[:, :, ::step, ::step], (0, 0, 0, 0, new // 2, new - new // 2))

def lesion(model, index):
    damaged = copy.deepcopy(model)
    names = [f"layer{s + 1}.{b}" for s, stage in enumerate(damaged.stages) for b in range(len(stage))]
    parent, _, place = names[index].partition(".")
    getattr(damaged, parent)[int(place)] = Left(damaged.get_submodule(names[index]))
    return damaged
""",
        "a hook that gives back what the shortcut carries": """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    block = [block for stage in damaged.stages for block in stage][index]
    if isinstance(block, BasicBlock):
        block.register_forward_hook(lambda module, inputs, output: torch.relu(module.shortcut(inputs[0])))
    else:
        c = block.conv1
        left = make_shortcut(c.in_channels, c.out_channels, c.stride[0], "A")
        block.register_forward_hook(lambda module, inputs, output: left(inputs[0]))
    return damaged
""",
        "scale and shift of bn2 at zero, plain blocks replaced": """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    names = [n for n, m in damaged.named_modules() if type(m) in (BasicBlock, PlainBlock)]
    block = damaged.get_submodule(names[index])
    if isinstance(block, BasicBlock):
        with torch.no_grad():
            block.bn2.weight.zero_()
            block.bn2.bias.zero_()
        return damaged
    layer, place = names[index].split(".")
    left = make_shortcut(block.conv1.in_channels, block.conv1.out_channels, block.conv1.stride[0], "A")
    setattr(damaged.get_submodule(layer), place, left)
    return damaged
""",
        "another forward for the block": """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model).eval()
    block = [block for stage in damaged.stages for block in stage][index]
    if hasattr(block, "shortcut"):
        block.transform = lambda x: 0
    else:
        c = block.conv1
        block.forward = make_shortcut(c.in_channels, c.out_channels, c.stride[0], "A").forward
    return damaged
""",
    },
    unknown={
        "another ReLU": edited(ANSWER, ("nn.ReLU()", "nn.Hardtanh(0.0, 0.5)")),
    },
    again={
        "copy.copy holds the same stages": (
            "network_changed",
            edited(ANSWER, ("damaged = copy.deepcopy(model)", "damaged = copy.copy(model)")),
        ),
        "the ReLU before the shortcut": (
            "no_relu",
            edited(ANSWER, ("nn.Sequential(block.shortcut, nn.ReLU())", "nn.Sequential(nn.ReLU(), block.shortcut)")),
        ),
        "the stage is left as it is": (
            "nothing_removed",
            edited(ANSWER, ("for stage in damaged.stages", "for stage in map(list, damaged.stages)")),
        ),
    },
)
