"""Lesson 05, `make_layer`: one stage of blocks, and the channels that leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checks.compare import differ, seeded
from resnet_course.checks.core import Exercise, Mistake
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
            "What comes back? Two things are asked for: the stage and the channels that leave it.",
        ),
        Mistake(
            "in_planes_forgotten",
            _never_updated,
            "How many channels come into the *second* block? What the first one sends out, not what came into the "
            "stage.",
        ),
        Mistake(
            "expansion_ignored",
            _expansion_ignored,
            "How many channels does a block with expansion 4 send out? Each block gives `planes` times its "
            "expansion; the next block must be told.",
        ),
        Mistake(
            "expansion_twice",
            _expansion_twice,
            "Who multiplies by the expansion? The block does it itself: `planes` goes in as it is.",
        ),
        Mistake(
            "starts_with_planes",
            _first_from_planes,
            "How many channels come into the *first* block? That is what `in_planes` says; it need not be what the "
            "stage sends out.",
        ),
        Mistake(
            "stride_on_all",
            _with_strides(lambda n, stride: [stride] * n),
            "Which blocks take the stride? Only the first: a stage halves the image once.",
        ),
        Mistake(
            "stride_never",
            _with_strides(lambda n, stride: [1] * n),
            "Where does `stride` go? No block takes it, so the image never shrinks.",
        ),
        Mistake(
            "stride_on_last",
            _with_strides(lambda n, stride: [1] * (n - 1) + [stride]),
            "Which block takes the stride? The first one of the stage, not the last.",
        ),
        Mistake(
            "one_block_too_many",
            _with_strides(lambda n, stride: [stride] + [1] * n),
            "How long is the list of strides? The first block is one of the `num_blocks`.",
        ),
        Mistake(
            "one_block_too_few",
            _with_strides(lambda n, stride: [stride] + [1] * (n - 2)),
            "How long is the list of strides? Count the blocks for num_blocks = 3.",
        ),
        Mistake(
            "one_block_only",
            _with_strides(lambda n, stride: [stride]),
            "Does the loop come to its end? Only one block was made: is the `return` inside the loop?",
        ),
        Mistake(
            "same_block_repeated",
            _stage(_same_block),
            "Is each place in the stage a block of its own? Multiplying a list repeats one object: the places share "
            "their weights, and all have the first block's shape.",
        ),
        Mistake(
            "later_blocks_shared",
            _stage(_same_later_block),
            "Is each place in the stage a block of its own? Multiplying a list repeats one object: these blocks "
            "share their weights.",
        ),
        Mistake(
            "old_in_planes_returned",
            _old_returned,
            "Which number is the second result? The channels that *leave* the stage; the next stage starts from it.",
        ),
        Mistake(
            "planes_returned",
            _planes_returned,
            "Which number is the second result? With a block of expansion 4, more than `planes` channels leave the "
            "stage.",
        ),
        Mistake(
            "stage_only",
            _container(lambda made: made[0]),
            "How many results are asked for? The stage, and the channels that leave it.",
        ),
        Mistake(
            "results_swapped",
            _container(lambda made: (made[1], made[0])),
            "In which order do the two results come? The stage first.",
        ),
        Mistake(
            "python_list",
            _container(lambda made: (list(made[0]), made[1])),
            "What kind of container is it? A Python list hides its modules: `parameters()` does not find them, and a "
            "list cannot be called.",
        ),
        Mistake(
            "module_list",
            _container(lambda made: (nn.ModuleList(made[0]), made[1])),
            "Can the stage be called? An nn.ModuleList registers its blocks but has no `forward`; an nn.Sequential "
            "runs them in order.",
        ),
        Mistake(
            "star_forgotten",
            _star_forgotten,
            "What does nn.Sequential take? The modules one by one, not a list of them.",
        ),
    ),
)
