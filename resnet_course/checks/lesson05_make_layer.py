"""Lesson 05, `make_layer`: one stage of blocks, and the channels that leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.compare import differ, seeded
from resnet_course.checking.core import Exercise, Mistake
from resnet_course.models import BasicBlock

Result = tuple[nn.Sequential, int]


class _Spy(nn.Module):
    """A block that notes how it was built."""

    expansion = 1

    def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.built_with = (in_planes, planes, stride)
        self.conv = nn.Conv2d(in_planes, planes * self.expansion, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _WideSpy(_Spy):
    expansion = 4


CASES = ((_Spy, 6, 6, 3, 1), (_Spy, 4, 8, 3, 2), (_WideSpy, 4, 4, 2, 1), (_WideSpy, 16, 8, 3, 2), (_Spy, 4, 8, 1, 2))


def make_layer(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> Result:
    """One stage: the first block may change the shape, the others keep it. Returns the channels that leave it, too."""
    layers = []
    for each in [stride] + [1] * (num_blocks - 1):
        layers.append(block(in_planes, planes, each))
        in_planes = planes * block.expansion
    return nn.Sequential(*layers), in_planes


def compare_layers(candidate: Any, implementation: Any) -> str | None:
    """How the blocks are built, one by one; then a learner's network cannot tell two stages apart."""
    for case in CASES:
        mine, expected = candidate(*case), implementation(*case)
        block, *numbers = case
        difference = _results_differ(mine, expected, block)
        if difference is not None:
            shown = ", ".join(map(str, numbers))
            return f"with ({shown}) and a block of expansion {block.expansion}: {difference}"
    # The known mistakes are told apart by now, and not all of them run.
    return _real_block_differs(candidate, implementation) if implementation is make_layer else None


def _results_differ(mine: Any, expected: Any, block: type) -> str | None:
    mine, expected = _described(mine, block), _described(expected, block)
    if type(mine) is not tuple or type(expected) is not tuple:
        return None if mine == expected else f"a pair (nn.Sequential, int) should come back, and this is {mine}."
    (my_kind, my_blocks, my_planes), (kind, blocks, planes) = mine, expected
    return (
        differ(my_kind, kind, "the first result")
        or differ(len(my_blocks), len(blocks), "the number of blocks")
        or differ(my_blocks, blocks, "the list of (in_planes, planes, stride, number of the block)")
        or differ(my_planes, planes, "the second result, the channels that leave the stage,")
    )


def _described(result: Any, block: type) -> Any:
    """Kind of container, arguments of each block, channels; a text if it is nothing of the sort."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return "None" if result is None else f"a {type(result).__name__}"
    stage, planes = result
    if not isinstance(stage, (nn.Module, list)) or isinstance(planes, (nn.Module, list)):
        return f"({type(stage).__name__}, {type(planes).__name__})"
    if isinstance(stage, list):
        blocks = stage
    else:
        parts = stage.named_modules(remove_duplicate=False)
        blocks = [part for _, part in parts if isinstance(part, block)]
    kind = "nn.Sequential" if isinstance(stage, nn.Sequential) else type(stage).__name__
    ids = [id(each) for each in blocks]
    # The last number shows whether a block stands there for the first time or is an earlier one again.
    built = [(*getattr(each, "built_with", ("no block",)), ids.index(id(each))) for each in blocks]
    return kind, built, planes


def _real_block_differs(candidate: Any, implementation: Any) -> str | None:
    """One run with the course's own block."""
    x = torch.randn(2, 4, 6, 6)
    outputs = [seeded(function, BasicBlock, 4, 8, 2, 2)[0].eval()(x) for function in (candidate, implementation)]
    return differ(*outputs, "the output of a stage of basic blocks")


# --- mistakes -------------------------------------------------------------------------------------------------------


def _stage(build: Callable[..., list[nn.Module]]) -> Callable[..., Result]:
    """A wrong `make_layer` whose blocks are wrong and whose second result is right."""

    def make(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> Result:
        return nn.Sequential(*build(block, in_planes, planes, num_blocks, stride)), planes * block.expansion

    return make


def _with_strides(strides: Callable[[int, int], list[int]]) -> Callable[..., Result]:
    def build(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> list[nn.Module]:
        made = []
        for each in strides(num_blocks, stride):
            made.append(block(in_planes, planes, each))
            in_planes = planes * block.expansion
        return made

    return _stage(build)


def _never_updated(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> Result:
    layers = [block(in_planes, planes, each) for each in [stride] + [1] * (num_blocks - 1)]
    return nn.Sequential(*layers), in_planes


def _expansion_ignored(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> Result:
    layers = []
    for each in [stride] + [1] * (num_blocks - 1):
        layers.append(block(in_planes, planes, each))
        in_planes = planes
    return nn.Sequential(*layers), in_planes


def _expansion_twice(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> Result:
    return make_layer(block, in_planes, planes * block.expansion, num_blocks, stride)


def _first_from_planes(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> Result:
    return make_layer(block, planes * block.expansion, planes, num_blocks, stride)


def _old_returned(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> Result:
    return make_layer(block, in_planes, planes, num_blocks, stride)[0], in_planes


def _planes_returned(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> Result:
    return make_layer(block, in_planes, planes, num_blocks, stride)[0], planes


def _same_block(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> list[nn.Module]:
    return [block(in_planes, planes, stride)] * num_blocks


def _same_later_block(block: Any, in_planes: int, planes: int, num_blocks: int, stride: int) -> list[nn.Module]:
    later = [block(planes * block.expansion, planes, 1)] * (num_blocks - 1) if num_blocks > 1 else []
    return [block(in_planes, planes, stride), *later]


def _container(change: Callable[[Result], Any]) -> Callable[..., Any]:
    return lambda *arguments: change(make_layer(*arguments))


def _star_forgotten(*arguments: Any) -> Result:
    stage, planes = make_layer(*arguments)
    return nn.Sequential(list(stage)), planes  # type: ignore[arg-type]


MAKE_LAYER = Exercise(
    "make_layer",
    "05",
    make_layer,
    compare_layers,
    (
        Mistake(
            "nothing_returned",
            lambda *arguments: None,
            "What comes back from a call? A Python function without a `return` gives back None. Two things are asked "
            "for: the stage, and the number of channels that leave it.",
        ),
        Mistake(
            "in_planes_forgotten",
            _never_updated,
            "How many channels come into the *second* block? Here every block is built for the channels that came "
            "into the stage. In make_layer(BasicBlock, 64, 128, 2, 2) the second block gets 128 channels and expects "
            "64. After each block the number has to be what that block sends out.",
        ),
        Mistake(
            "expansion_ignored",
            _expansion_ignored,
            "How many channels does a block with planes=64 and expansion 4 send out? After a block with planes=64 and "
            "expansion 4, which sends out 256 channels, the next is built for 64. Each block sends out `planes` times "
            "its expansion; for basic blocks that is the same number, which hides it.",
        ),
        Mistake(
            "expansion_twice",
            _expansion_twice,
            "Where is `planes` multiplied by the expansion? `planes` is multiplied by the expansion twice: here, and "
            "inside the block, which widens by itself. With expansion 4 the channels come out four times too many. "
            "The block is given `planes` as it is.",
        ),
        Mistake(
            "starts_with_planes",
            _first_from_planes,
            "How many channels come into the *first* block? The first block gets `in_planes` channels, and here it is "
            "built for what the stage sends out. For make_layer(BasicBlock, 64, 128, 2, 2), 64 come in and it expects "
            "128.",
        ),
        Mistake(
            "stride_on_all",
            _with_strides(lambda n, stride: [stride] * n),
            "How often does a stage of two blocks halve the image? Each block takes the stride, so two of them make "
            "32×32 into 8×8. A stage halves the image once, so all blocks but one have stride 1.",
        ),
        Mistake(
            "stride_never",
            _with_strides(lambda n, stride: [1] * n),
            "Which height leaves the stage for 32 rows and stride 2? No block takes the stride, so 32 rows stay 32. "
            "One block of the stage has to.",
        ),
        Mistake(
            "stride_on_last",
            _with_strides(lambda n, stride: [1] * (n - 1) + [stride]),
            "Which block of the stage halves the image? The last block halves the image here, so the others work on "
            "the large image with the many channels, at four times the cost. The stride belongs at the entrance of "
            "the stage.",
        ),
        Mistake(
            "one_block_too_many",
            _with_strides(lambda n, stride: [stride] + [1] * n),
            "How many blocks are there for num_blocks = 2? For num_blocks = 2 there are three blocks: one with the "
            "stride, and then `num_blocks` more. The one with the stride counts as well.",
        ),
        Mistake(
            "one_block_too_few",
            _with_strides(lambda n, stride: [stride] + [1] * (n - 2)),
            "How many blocks does num_blocks = 3 give? num_blocks = 3 gives two blocks. One with the stride and the "
            "others with stride 1 make three together, so look at how often the 1 stands in the list, or at the ends "
            "of the range.",
        ),
        Mistake(
            "one_block_only",
            _with_strides(lambda n, stride: [stride]),
            "How many turns does the loop make? The loop ends in its first turn: a `return` inside a loop leaves the "
            "function at once. It should stand behind the loop.",
        ),
        Mistake(
            "same_block_repeated",
            _stage(_same_block),
            "How many blocks does the program build for num_blocks = 3? Only one block is built: multiplying a list "
            "repeats the same object. The places then share their weights, and all have the first block's stride and "
            "channels. Each place needs a block of its own.",
        ),
        Mistake(
            "later_blocks_shared",
            _stage(_same_later_block),
            "How many different blocks follow the first one for num_blocks = 4? The blocks behind the first are one "
            "and the same: multiplying a list repeats an object, so they share their weights. Each place needs a "
            "block of its own.",
        ),
        Mistake(
            "old_in_planes_returned",
            _old_returned,
            "Which number comes back as the second result? The second result is the number of channels that came into "
            "the stage. The next stage starts from what leaves this one, 128 and not 64 in make_layer(BasicBlock, 64, "
            "128, 2, 2).",
        ),
        Mistake(
            "planes_returned",
            _planes_returned,
            "Which number is the second result for a bottleneck with planes=128? For a bottleneck with planes=128 the "
            "second result is 128, but 512 channels leave the stage: the expansion counts as well. For basic blocks "
            "both are the same, which hides it.",
        ),
        Mistake(
            "stage_only",
            _container(lambda made: made[0]),
            "How many results come back? Only the stage comes back. The next stage has to know how many channels "
            "leave this one, so that number is the second result.",
        ),
        Mistake(
            "results_swapped",
            _container(lambda made: (made[1], made[0])),
            "In which order do the two results come? The number comes first here. The caller unpacks the stage first, "
            "then the channels that leave it.",
        ),
        Mistake(
            "python_list",
            _container(lambda made: (list(made[0]), made[1])),
            "What kind of container holds the blocks? The blocks are in a Python list. PyTorch does not look into it: "
            "`parameters()` finds none of the blocks, the optimizer never trains them, and a list cannot be called. "
            "nn.Sequential can.",
        ),
        Mistake(
            "module_list",
            _container(lambda made: (nn.ModuleList(made[0]), made[1])),
            "What happens when the stage is called with x? An nn.ModuleList cannot be called: it registers its blocks "
            "but has no `forward`. An nn.Sequential registers them too, and runs one after the other.",
        ),
        Mistake(
            "star_forgotten",
            _star_forgotten,
            "What does nn.Sequential take, a list or modules? nn.Sequential takes the modules, one argument each, and "
            "here it gets a single list. A star in front of a list hands its members over one by one.",
        ),
    ),
)
