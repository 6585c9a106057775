"""Lesson 08 · `make_layer`: one stage of blocks, and the channels that leave it.

The blocks handed in note how they are built, so each of their arguments is looked at by itself. What is looked at of
the later blocks is told once for equal ones, so that their number and their arguments are parts of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.graph import record
from resnet_course.checking.modules import SEED, WrongKindError, give_weights
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import shown
from resnet_course.models import BasicBlock, Bottleneck


class Block(nn.Module):
    """A block that notes how it was built, and runs whatever comes in."""

    expansion = 1

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.in_planes, self.planes, self.stride = in_planes, planes, stride
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """What comes in, whatever its shape."""
        return x * self.weight


class Block2(Block):
    """A block that gives twice as many channels as its `planes`."""

    expansion = 2


class Block4(Block):
    """A block that gives four times as many channels as its `planes`, as a bottleneck does."""

    expansion = 4


# in_planes, planes, num_blocks, stride
CASES = (
    (Block, 6, 6, 3, 1),
    (Block, 4, 8, 3, 2),
    (Block4, 5, 3, 3, 1),
    (Block4, 16, 8, 4, 2),
    (Block2, 6, 3, 3, 2),
    (Block, 4, 8, 1, 2),
)
REAL = ((BasicBlock, 4, 8, 2, 2), (Bottleneck, 8, 4, 2, 1))


def observe(answer: Any) -> Iterator[Seen]:
    """The blocks of some stages, one argument after the other; then runs with the course's own blocks."""
    if not callable(answer) or isinstance(answer, (nn.Module, type)):
        raise WrongKindError(f"the function make_layer itself is needed, and this is {shown(answer)}")
    for case in CASES:
        numbers = ", ".join(map(str, case[1:]))
        where = f"in make_layer(block, {numbers}) with a block of expansion {case[0].expansion}"
        yield from _see_result(where, answer(*case), case[0], case[3])
    for kind, *numbers_of_it in REAL:
        call = f"make_layer({kind.__name__}, {', '.join(map(str, numbers_of_it))})"
        yield from _see_run(call, answer(kind, *numbers_of_it), numbers_of_it[0])


def _see_result(where: str, result: Any, block: type[Block], num_blocks: int) -> Iterator[Seen]:
    values = list(result) if isinstance(result, (tuple, list)) else [result]
    kinds = [_kind(value) for value in values]
    yield Seen(f"{where}, what comes back", kinds if len(kinds) > 1 else None if result is None else kinds[0])
    stages = [value for value in values if isinstance(value, nn.Module)] or values[:1]
    places = list(_places(stages[0])) if stages else []
    blocks = [place for place in places if isinstance(place, block)]
    others = _once(sorted(type(place).__name__ for place in places if not isinstance(place, block)))
    yield Seen(f"{where}, what stands in the stage beside blocks of the class handed in", others)
    yield Seen(f"{where}, the number of blocks", len(blocks))
    yield Seen(f"{where}, the number of places in which an earlier block stands again", len(blocks) - len(set(blocks)))
    for name in ("in_planes", "planes", "stride"):
        found = [getattr(each, name) for each in blocks]
        yield Seen(f"{where}, the {name} of the first block", found[0] if found else 0)
        if num_blocks > 1:
            yield Seen(f"{where}, the {name} of the later blocks", _once(found[1:]))
    strides = [each.stride if isinstance(each.stride, int) else 0 for each in blocks]
    yield Seen(f"{where}, the number by which all blocks together divide the height", math.prod(strides))
    numbers = [value for value in values if isinstance(value, int)]
    yield Seen(f"{where}, the number of channels that comes back", numbers[0] if numbers else 0)


def _once(values: list[Any]) -> str:
    return ", ".join(map(str, dict.fromkeys(values))) or "nothing"


def _kind(value: Any) -> str:
    if isinstance(value, nn.Sequential):
        return "nn.Sequential"
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def _places(stage: Any) -> Iterator[Any]:
    """What stands in the places of a stage, in order; a sequence in a sequence is opened."""
    if isinstance(stage, (list, tuple, nn.Sequential, nn.ModuleList)):
        for each in stage:
            yield from _places(each)
    else:
        yield stage


def _see_run(call: str, result: Any, channels: int) -> Iterator[Seen]:
    stage = result[0] if isinstance(result, (tuple, list)) and result else result
    if not isinstance(stage, nn.Module):
        return
    built_for = [each.conv1.in_channels for each in _places(stage) if isinstance(each, (BasicBlock, Bottleneck))]
    yield Seen(f"in {call}, the channels for which the last block is built", built_for[-1] if built_for else 0)
    x = torch.randn((2, channels, 6, 6), generator=torch.Generator().manual_seed(SEED))
    graph = record(stage.eval(), x)
    if graph.error is None:
        give_weights(stage, graph)
    output = stage(x) if graph.error is None else f"an error, {graph.error}"
    yield Seen(f"the output of the stage of {call}", output, explains=False)


ANSWER = """
def make_layer(block, in_planes, planes, num_blocks, stride):
    layers = []
    for each in [stride] + [1] * (num_blocks - 1):
        layers.append(block(in_planes, planes, each))
        in_planes = planes * block.expansion
    return nn.Sequential(*layers), in_planes
"""
# fmt: off
WRONG = [
    Wrong("nothing_returned", [
              ("return nn.Sequential(*layers), in_planes", "stage = nn.Sequential(*layers), in_planes")],
          ask="What comes back from a call?",
          explain="A Python function without a `return` gives back None. Two things are asked for: the stage, and "
                  "the number of channels that leave it."),
    Wrong("in_planes_forgotten", [
              ("        in_planes = planes * block.expansion\n", ""),
              ("return nn.Sequential(*layers), in_planes",
               "return nn.Sequential(*layers), planes * block.expansion")],
          ask="How many channels come into the *second* block?",
          explain="Here every block is built for the channels that came into the stage. In make_layer(BasicBlock, "
                  "64, 128, 2, 2) the second block gets 128 channels and expects 64. After each block the number has "
                  "to be what that block sends out."),
    Wrong("forgetful_layer", """
def make_layer(block, in_planes, planes, num_blocks, stride):
    strides = [stride] + [1] * (num_blocks - 1)
    return nn.Sequential(*[block(in_planes, planes, each) for each in strides])
""",
          ask="What does the lesson's `forgetful_layer` forget?",
          explain="Every block is built for the channels that came into the stage, and only the stage comes back. "
                  "From the second block on, `planes` times the expansion come in; and the next stage needs that "
                  "number as the second result."),
    Wrong("expansion_by_class", [
              ("in_planes = planes * block.expansion", "in_planes = planes * (4 if block is Bottleneck else 1)"),
              ("return nn.Sequential(*layers), in_planes",
               "return nn.Sequential(*layers), planes * block.expansion")],
          ask="How many channels does a block of a class send out that you have not thought of?",
          explain="The number of channels depends on the name of the class here, so it is right for the blocks that "
                  "are listed and wrong for every other class. Each class says by itself how many times `planes` its "
                  "blocks send out, in its `expansion`."),
    Wrong("expansion_ignored", [
              ("in_planes = planes * block.expansion", "in_planes = planes"),
              ("return nn.Sequential(*layers), in_planes",
               "return nn.Sequential(*layers), planes * block.expansion")],
          ask="How many channels does a block with planes=64 and expansion 4 send out?",
          explain="After a block with planes=64 and expansion 4, which sends out 256 channels, the next is built for "
                  "64. Each block sends out `planes` times its expansion; for basic blocks that is the same number, "
                  "which hides it."),
    Wrong("expansion_twice", [
              ("block(in_planes, planes, each)", "block(in_planes, planes * block.expansion, each)")],
          ask="Where is `planes` multiplied by the expansion?",
          explain="`planes` is multiplied by the expansion twice: here, and inside the block, which widens by "
                  "itself. With expansion 4 the channels come out four times too many. The block is given `planes` "
                  "as it is."),
    Wrong("planes_doubled_in_the_stage", [
              ("        in_planes = planes * block.expansion\n",
               "        in_planes = planes * block.expansion\n        planes = planes * 2\n")],
          ask="Where do the channels double, from block to block or from stage to stage?",
          explain="Each block of the stage is built for other `planes` than the one before it. The channels change "
                  "from stage to stage: all blocks of one stage get the `planes` that were handed in."),
    Wrong("in_planes_grows", [("in_planes = planes * block.expansion", "in_planes = in_planes * block.expansion")],
          ask="On which of its two numbers does it depend how many channels leave a block?",
          explain="What leaves a block is computed from `in_planes` here. The number that came in has no part in it: "
                  "a block sends out `planes` times its expansion, each block of the stage the same number."),
    Wrong("starts_with_planes", [("layers = []", "layers, in_planes = [], planes * block.expansion")],
          ask="How many channels come into the *first* block?",
          explain="The first block gets `in_planes` channels, and here it is built for what the stage sends out. For "
                  "make_layer(BasicBlock, 64, 128, 2, 2), 64 come in and it expects 128."),
    Wrong("stride_on_all", [
              ("for each in [stride] + [1] * (num_blocks - 1):", "for each in [stride] * num_blocks:")],
          ask="How often does a stage of two blocks halve the image?",
          explain="Each block takes the stride, so two of them make 32×32 into 8×8. A stage halves the image once, "
                  "so all blocks but one have stride 1."),
    Wrong("stride_never", [
              ("layers.append(block(in_planes, planes, each))", "layers.append(block(in_planes, planes))")],
          ask="Which height leaves the stage for 32 rows and stride 2?",
          explain="No block takes the stride, so 32 rows stay 32. One block of the stage has to."),
    Wrong("stride_on_second", [
              ("[stride] + [1] * (num_blocks - 1)", "[1, stride, *[1] * (num_blocks - 2)][:num_blocks]")],
          ask="Which number has the first block, if the blocks are counted as Python counts?",
          explain="The second block takes the stride, and the first one works on the large image. Python counts from "
                  "0, so the first block is the one with the number 0."),
    Wrong("stride_on_last", [
              ("for each in [stride] + [1] * (num_blocks - 1):", "for each in [1] * (num_blocks - 1) + [stride]:")],
          ask="Which block of the stage halves the image?",
          explain="The last block halves the image here, so the others work on the large image with the many "
                  "channels, at four times the cost. The stride belongs at the entrance of the stage."),
    Wrong("blocks_reversed", [("nn.Sequential(*layers)", "nn.Sequential(*reversed(layers))")],
          ask="Which block does an image meet first?",
          explain="The blocks stand in reversed order: the one that takes the stage's input comes last. They run in "
                  "the order in which they stand in the nn.Sequential."),
    Wrong("stride_is_the_index", [
              ("for each in [stride] + [1] * (num_blocks - 1):", "for stride in range(num_blocks):"),
              ("block(in_planes, planes, each)", "block(in_planes, planes, stride)")],
          ask="What does the name `stride` hold in each turn of the loop?",
          explain="The loop counts with the name `stride`, so the blocks get the strides 0, 1, 2 and so on, and the "
                  "stride that was handed in is lost. Give the loop's number another name."),
    Wrong("one_block_too_many", [
              ("for each in [stride] + [1] * (num_blocks - 1):", "for each in [stride] + [1] * num_blocks:")],
          ask="How many blocks are there for num_blocks = 2?",
          explain="For num_blocks = 2 there are three blocks: one with the stride, and then `num_blocks` more. The "
                  "one with the stride counts as well."),
    Wrong("one_block_too_few", """
def make_layer(block, in_planes, planes, num_blocks, stride):
    out_planes = planes * block.expansion
    first = block(in_planes, planes, stride)
    rest = [block(out_planes, planes) for _ in range(num_blocks - 2)]
    return nn.Sequential(first, *rest), out_planes
""",
          ask="How many blocks does num_blocks = 3 give?",
          explain="num_blocks = 3 gives two blocks. One with the stride and the others with stride 1 make three "
                  "together, so look at how often the 1 stands in the list, or at the ends of the range."),
    Wrong("two_blocks_always", [("[1] * (num_blocks - 1)", "[1]")],
          ask="How many blocks are there for num_blocks = 4?",
          explain="There are two blocks for every `num_blocks`. Two is right for ResNet-18; ResNet-34 has stages of "
                  "3, 4, 6 and 3. The number of blocks with stride 1 has to follow `num_blocks`."),
    Wrong("one_block_only", [
              ("    return nn.Sequential(*layers), in_planes\n",
               "        return nn.Sequential(*layers), in_planes\n")],
          ask="How many turns does the loop make?",
          explain="The loop ends in its first turn: a `return` inside a loop leaves the function at once. It should "
                  "stand after the loop."),
    Wrong("one_name_for_all", """
def make_layer(block, in_planes, planes, num_blocks, stride):
    stage = nn.Sequential()
    for i in range(num_blocks):
        stage.add_module("block", block(in_planes, planes, stride if i == 0 else 1))
        in_planes = planes * block.expansion
    return stage, in_planes
""",
          ask="How many blocks are left in the stage when the loop has ended?",
          explain="Only the last block is left. Each one is stored under the name of the one before and takes its "
                  "place. Every block needs a name, or a place in a list, of its own."),
    Wrong("same_block_repeated", """
def make_layer(block, in_planes, planes, num_blocks, stride):
    out_planes = planes * block.expansion
    blocks = [block(in_planes, planes, stride)] * num_blocks
    return nn.Sequential(*blocks), out_planes
""",
          ask="How many blocks does the program build for num_blocks = 3?",
          explain="Only one block is built: multiplying a list repeats the same object. The places then share their "
                  "weights, and all have the first block's stride and channels. Each place needs a block of its own."),
    Wrong("later_blocks_shared", """
def make_layer(block, in_planes, planes, num_blocks, stride):
    layers = [block(in_planes, planes, stride)]
    in_planes = planes * block.expansion
    if num_blocks > 1:
        layers += [block(in_planes, planes, 1)] * (num_blocks - 1)
    return nn.Sequential(*layers), in_planes
""",
          ask="How many different blocks follow the first one for num_blocks = 4?",
          explain="The blocks after the first are one and the same: multiplying a list repeats an object, so they "
                  "share their weights. Each place needs a block of its own."),
    Wrong("old_in_planes_returned", """
def make_layer(block, in_planes, planes, num_blocks, stride):
    out_planes = planes * block.expansion
    first = block(in_planes, planes, stride)
    rest = [block(out_planes, planes) for _ in range(num_blocks - 1)]
    return nn.Sequential(first, *rest), in_planes
""",
          ask="Which number comes back as the second result?",
          explain="The second result is the number of channels that came into the stage. The next stage starts from "
                  "what leaves this one, 128 and not 64 in make_layer(BasicBlock, 64, 128, 2, 2)."),
    Wrong("planes_returned", [
              ("return nn.Sequential(*layers), in_planes", "return nn.Sequential(*layers), planes")],
          ask="Which number is the second result for a bottleneck with planes=128?",
          explain="For a bottleneck with planes=128 the second result is 128, but 512 channels leave the stage: the "
                  "expansion counts as well. For basic blocks both are the same, which hides it."),
    Wrong("expansion_twice_in_the_number", [
              ("return nn.Sequential(*layers), in_planes",
               "return nn.Sequential(*layers), in_planes * block.expansion")],
          ask="What does the name that you return already count?",
          explain="The second result is multiplied by the expansion once too often: with expansion 4 it is four times "
                  "too large. A block sends out `planes` times its expansion, and after the loop the name holds that "
                  "number already."),
    Wrong("channels_times_blocks", [
              ("return nn.Sequential(*layers), in_planes",
               "return nn.Sequential(*layers), planes * block.expansion * num_blocks")],
          ask="Do blocks in a row add their channels up?",
          explain="The second result grows with the number of blocks. Each block gets what the one before sends out, "
                  "so only the last one counts: `planes` times its expansion, however many there are."),
    Wrong("number_of_blocks_returned", [
              ("return nn.Sequential(*layers), in_planes", "return nn.Sequential(*layers), len(layers)")],
          ask="What does the next stage have to know?",
          explain="The number of blocks comes back. The next stage has to know how many *channels* leave this one, "
                  "to build its first block for them."),
    Wrong("relu_after_each_block", [
              ("layers.append(block(in_planes, planes, each))",
               "layers += [block(in_planes, planes, each), nn.ReLU()]")],
          ask="What does a block do last?",
          explain="A ReLU stands after each block. A block ends with its own, so a stage is made of blocks and of "
                  "nothing else; and not every class of blocks must end with a ReLU."),
    Wrong("block_ignored", [
              ("layers.append(block(in_planes, planes, each))", "layers.append(BasicBlock(in_planes, planes, each))"),
              ("in_planes = planes * block.expansion", "in_planes = planes"),
              ("return nn.Sequential(*layers), in_planes",
               "return nn.Sequential(*layers), planes * block.expansion")],
          ask="Which class do the blocks of the stage have?",
          explain="The stage is not built from the class that was handed in, so it has the same blocks whatever the "
                  "caller wants. `block` is that class, and calling it makes a block."),
    Wrong("stage_only", [("return nn.Sequential(*layers), in_planes", "return nn.Sequential(*layers)")],
          ask="How many results come back?",
          explain="Only the stage comes back. The next stage has to know how many channels leave this one, so that "
                  "number is the second result."),
    Wrong("results_swapped", [
              ("return nn.Sequential(*layers), in_planes", "return in_planes, nn.Sequential(*layers)")],
          ask="In which order do the two results come?",
          explain="The number comes first here. The caller unpacks the stage first, then the channels that leave it."),
    Wrong("python_list", [("return nn.Sequential(*layers), in_planes", "return layers, in_planes")],
          ask="What kind of container holds the blocks?",
          explain="The blocks are in a Python list. PyTorch does not look into it: `parameters()` finds none of the "
                  "blocks, the optimizer never trains them, and a list cannot be called. nn.Sequential can."),
    Wrong("module_list", [
              ("return nn.Sequential(*layers), in_planes", "return nn.ModuleList(layers), in_planes")],
          ask="What happens when the stage is called with x?",
          explain="An nn.ModuleList cannot be called: it registers its blocks but has no `forward`. An nn.Sequential "
                  "registers them too, and runs one after the other."),
    Wrong("star_forgotten", [
              ("return nn.Sequential(*layers), in_planes", "return nn.Sequential(layers), in_planes")],
          ask="What does nn.Sequential take, a list or modules?",
          explain="nn.Sequential takes the modules, one argument each, and here it gets a single list. A star in "
                  "front of a list hands its members over one by one."),
    Wrong("stride_with_channels_only", [
              ("    layers = []\n",
               "    layers = []\n    stride = stride if in_planes != planes * block.expansion else 1\n")],
          ask="What does make_layer(BasicBlock, 64, 64, 2, 2) do to the height?",
          explain="The stride is used only where the number of channels changes, so a stage that keeps its channels "
                  "keeps its height, too. The caller decides both by themselves: the first block gets the stride that "
                  "was handed in."),
]
# fmt: on

EXERCISE = Exercise(
    "make_layer",
    lesson="08",
    defines="make_layer",
    observe=observe,
    start="Write the list of strides first: the stride for the first block, 1 for each of the others. Then loop over "
    "it, build a block, and after each block ask yourself how many channels come out of it.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "first and rest": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    out_planes = planes * block.expansion
    first = block(in_planes, planes, stride)
    rest = [block(out_planes, planes) for _ in range(num_blocks - 1)]
    return nn.Sequential(first, *rest), out_planes
""",
        "by keyword": edited(
            ANSWER,
            (
                "layers.append(block(in_planes, planes, each))",
                "layers.append(block(in_planes=in_planes, planes=planes, stride=each))",
            ),
        ),
        "added by name": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    stage = nn.Sequential()
    for index in range(num_blocks):
        stage.add_module(f"block{index}", block(in_planes, planes, stride if index == 0 else 1))
        in_planes = block.expansion * planes
    return stage, in_planes
""",
        "a stage in a stage": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    out_planes = planes * block.expansion
    first = block(in_planes, planes, stride)
    rest = [block(out_planes, planes) for _ in range(num_blocks - 1)]
    return nn.Sequential(first, nn.Sequential(*rest)), out_planes
""",
        "the later blocks first, in an OrderedDict": """
from collections import OrderedDict

def make_layer(block, in_planes, planes, num_blocks, stride):
    wide = block.expansion * planes
    later = [(str(i), block(wide, planes, stride=1)) for i in range(1, num_blocks)]
    return nn.Sequential(OrderedDict([("0", block(in_planes, planes, stride=stride)), *later])), wide
""",
        "counting down": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    stage = nn.Sequential()
    while num_blocks > 0:
        stage.append(block(in_planes, planes, stride))
        in_planes, stride, num_blocks = planes * block.expansion, 1, num_blocks - 1
    return stage, in_planes
""",
        "as a list of two": edited(
            ANSWER, ("return nn.Sequential(*layers), in_planes", "return [nn.Sequential(*layers), in_planes]")
        ),
    },
    unknown={
        "later blocks with stride 3": edited(
            ANSWER, ("for each in [stride] + [1] * (num_blocks - 1):", "for each in [stride] + [3] * (num_blocks - 1):")
        ),
        "number as text": edited(
            ANSWER, ("return nn.Sequential(*layers), in_planes", "return nn.Sequential(*layers), str(in_planes)")
        ),
        "built right and run wrong": """
class Negative(nn.Sequential):
    def forward(self, x):
        return super().forward(-x)

def make_layer(block, in_planes, planes, num_blocks, stride):
    wide = planes * block.expansion
    blocks = [block(in_planes, planes, stride)] + [block(wide, planes, 1) for _ in range(num_blocks - 1)]
    return Negative(*blocks), wide
""",
    },
    again={
        "planes made wider before the loop": (
            "expansion_twice",
            edited(ANSWER, ("    layers = []\n", "    layers, planes = [], planes * block.expansion\n")),
        ),
        "the number that came in is never changed": (
            "in_planes_forgotten",
            edited(ANSWER, ("        in_planes = planes * block.expansion\n", "")),
        ),
        "the number without the expansion, inside and at the end": (
            "expansion_ignored",
            edited(ANSWER, ("in_planes = planes * block.expansion", "in_planes = planes")),
        ),
        "BasicBlock, and the expansion that was handed in": (
            "block_ignored",
            edited(ANSWER, ("block(in_planes, planes, each)", "BasicBlock(in_planes, planes, each)")),
        ),
    },
)
