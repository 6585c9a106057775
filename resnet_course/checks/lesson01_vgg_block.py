"""The exercise `vgg_block` of lesson 01."""

from __future__ import annotations

from torch import nn

from resnet_course.checks.compare import same_module
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.models import vgg_block

# Three convolutions tell "pool at the end" from "pool after each"; the odd height tells floor from ceil.
BLOCK_CASES = (((3, 5, 2), (2, 3, 9, 8)), ((3, 4, 1), (2, 3, 8, 8)), ((4, 4, 3), (2, 4, 8, 10)))


def _build(
    in_channels: int,
    out_channels: int,
    num_convs: int,
    kernel: int = 3,
    padding: int = 1,
    relu_from: int = 0,
    relu_until: int = 99,
    pool: nn.Module | None = None,
    pool_each: bool = False,
    norm: bool = False,
    bias: bool = True,
) -> nn.Sequential:
    """A VGG block with one thing wrong. ReLUs stand after convolutions `relu_from` to `relu_until`, from 0."""
    pool = pool or nn.MaxPool2d(2)
    layers: list[nn.Module] = []
    for index in range(num_convs):
        channels = in_channels if index == 0 else out_channels
        layers.append(nn.Conv2d(channels, out_channels, kernel, padding=padding, bias=bias))
        if norm:
            layers.append(nn.BatchNorm2d(out_channels))
        if relu_from <= index < relu_until:
            layers.append(nn.ReLU())
        if pool_each and index < num_convs - 1:
            layers.append(pool)
    return nn.Sequential(*layers, pool)


def _same_input_channels(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(num_convs):
        layers += [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


def _one_shared_conv(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    shared = nn.Conv2d(out_channels, out_channels, 3, padding=1)
    layers = [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(), *[shared, nn.ReLU()] * (num_convs - 1)]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


def _widens_at_the_end(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(num_convs):
        channels = out_channels if index == num_convs - 1 else in_channels
        layers += [nn.Conv2d(in_channels, channels, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


def _relu_before(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(num_convs):
        channels = in_channels if index == 0 else out_channels
        layers += [nn.ReLU(), nn.Conv2d(channels, out_channels, 3, padding=1)]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


def _strided(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    block = _build(in_channels, out_channels, num_convs, pool=nn.Identity())
    last = [layer for layer in block if isinstance(layer, nn.Conv2d)][-1]
    last.stride = (2, 2)
    return block


VGG_BLOCK = Exercise(
    "vgg_block",
    "01",
    vgg_block,
    same_module(BLOCK_CASES),
    (
        Mistake(
            "no_padding",
            lambda i, o, n: _build(i, o, n, padding=0),
            "What does a 3×3 convolution do at the edge? Without padding it takes one pixel off each side, so height "
            "and width shrink in every layer. Only the pooling may shrink them.",
        ),
        Mistake(
            "no_relu",
            lambda i, o, n: _build(i, o, n, relu_until=0),
            "What follows each convolution? Without a ReLU, convolutions in a row are one linear map.",
        ),
        Mistake(
            "no_relu_between",
            lambda i, o, n: _build(i, o, n, relu_from=n - 1),
            "What stands between two convolutions? The ReLU comes after each of them, not after the last only.",
        ),
        Mistake(
            "no_final_relu",
            lambda i, o, n: _build(i, o, n, relu_until=n - 1),
            "What follows the last convolution? A ReLU, as after the others.",
        ),
        Mistake(
            "relu_before_convolution",
            _relu_before,
            "Which comes first, convolution or ReLU? Here the ReLU cuts off the negative numbers of the input.",
        ),
        Mistake(
            "no_pool",
            lambda i, o, n: _build(i, o, n, pool=nn.Identity()),
            "What halves height and width? The block ends with a max pooling.",
        ),
        Mistake(
            "pool_after_every_convolution",
            lambda i, o, n: _build(i, o, n, pool_each=True),
            "How often is the image halved? Once a block, at its end, and not once a convolution.",
        ),
        Mistake(
            "pool_stride_1",
            lambda i, o, n: _build(i, o, n, pool=nn.MaxPool2d(2, stride=1)),
            "By how many pixels does the pooling window move? With stride 1 the image hardly shrinks.",
        ),
        Mistake(
            "average_pool",
            lambda i, o, n: _build(i, o, n, pool=nn.AvgPool2d(2)),
            "Which number of the four goes on? The largest: max pooling, not the average.",
        ),
        Mistake(
            "pool_rounds_up",
            lambda i, o, n: _build(i, o, n, pool=nn.MaxPool2d(2, ceil_mode=True)),
            "What happens to an odd height? It is rounded down, as PyTorch does if it is told nothing.",
        ),
        Mistake(
            "stride_instead_of_pool",
            _strided,
            "What halves height and width? Max pooling. A stride in the last convolution throws numbers away unseen.",
        ),
        Mistake(
            "same_input_channels",
            _same_input_channels,
            "How many channels reach the second convolution? It gets what the first one made: out_channels.",
        ),
        Mistake(
            "num_convs_ignored",
            lambda i, o, n: _build(i, o, 2),
            "How many convolutions are there with num_convs=3? The argument is not used.",
        ),
        Mistake(
            "one_convolution_too_many",
            lambda i, o, n: _build(i, o, n + 1),
            "How many convolutions are there with num_convs=2? The first one counts too.",
        ),
        Mistake(
            "one_convolution_too_few",
            lambda i, o, n: _build(i, o, n - 1),
            "How many convolutions are there with num_convs=2? One is missing: look at the bounds of the loop.",
        ),
        Mistake(
            "shared_convolution",
            _one_shared_conv,
            "How many sets of weights are there? `[layer] * n` repeats one and the same layer; each convolution needs "
            "weights of its own.",
        ),
        Mistake(
            "widens_at_the_end",
            _widens_at_the_end,
            "Where do the channels grow? In the first convolution of the block, not in the last.",
        ),
        Mistake(
            "kernel_5",
            lambda i, o, n: _build(i, o, n, kernel=5, padding=2),
            "How large is the kernel? VGG's idea is to use 3×3 only, and more of them.",
        ),
        Mistake(
            "batch_norm",
            lambda i, o, n: _build(i, o, n, norm=True),
            "Is there a batch norm? It came a year after VGG; this block has none. Lesson 02 adds it.",
        ),
        Mistake(
            "no_bias",
            lambda i, o, n: _build(i, o, n, bias=False),
            "Where does each channel's shift come from? Without a batch norm behind it, a convolution keeps its bias.",
        ),
        Mistake(
            "list_of_layers",
            lambda i, o, n: list(_build(i, o, n)),
            "Can the result be called on images? A list cannot: put the layers into an nn.Sequential.",
        ),
        Mistake(
            "returns_none",
            lambda i, o, n: None,
            "What does the function hand back? Without a `return` it gives None.",
        ),
    ),
)
