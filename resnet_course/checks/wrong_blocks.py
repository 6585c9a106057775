"""Ways to change one thing of a block, and the mistakes about the class itself that every block shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

Rule = Callable[[Any, Tensor], Any]  # block, x -> output
Change = Callable[[Any, int, int, int], None]  # block, in_planes, planes, stride


def with_forward(block: Any, rule: Rule) -> Any:
    """The block with its layers as they should be, used by another rule."""

    class Wrong(block):
        def forward(self, x: Tensor) -> Any:
            return rule(self, x)

    return Wrong


def with_layers(block: Any, change: Change) -> Any:
    """The block with some of its layers replaced."""

    class Wrong(block):
        def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
            super().__init__(in_planes, planes, stride)
            change(self, in_planes, planes, stride)

    return Wrong


def without_default_stride(block: Any) -> Any:
    """The block with a third argument that must be given."""

    class Wrong(block):
        def __init__(self, in_planes: int, planes: int, stride: int) -> None:
            super().__init__(in_planes, planes, stride)

    return Wrong


def without_expansion(block: Any) -> Any:
    """A class that does what the block does and has no `expansion`."""

    class Wrong(nn.Module):
        def __init__(self, in_planes: int, planes: int, stride: int = 1) -> None:
            super().__init__()
            self.block = block(in_planes, planes, stride)

        def forward(self, x: Tensor) -> Tensor:
            return self.block(x)

    return Wrong


def with_expansion(block: Any, expansion: int) -> Any:
    """A class that does what the block does and says something else about its channels."""
    return type("Wrong", (without_expansion(block),), {"expansion": expansion})


def about_the_class(block: Any, expansion: int) -> dict[str, Any]:
    """The three mistakes about the class, by id; `expansion` is the wrong number."""
    return {
        "no_default_stride": without_default_stride(block),
        "wrong_expansion": with_expansion(block, expansion),
        "no_expansion": without_expansion(block),
    }


def hints_about_the_class(name: str) -> dict[str, str]:
    """Their hints, for a block from which `planes` channels come out."""
    return {
        "no_default_stride": (
            f"What does {name}(16, 16) do, called with two numbers? {name}(16, 16) raises an error, because `stride` "
            "has no default. Most blocks of a network keep the size, so the argument is 1 when nothing is said."
        ),
        "wrong_expansion": (
            "What does the class say about how many channels leave it, as a multiple of planes? The class says "
            "`expansion` 4, which is true of the bottleneck. From this block `planes` channels come out, one times "
            "planes; with a wrong number the next block is built for too many channels."
        ),
        "no_expansion": (
            "Where does the class say how many channels leave a block, as a multiple of `planes`? The class "
            "attribute `expansion` is missing. ResNet asks the class itself, before a block is built, so it stands "
            "above __init__. For this block it is 1."
        ),
    }
