"""The exercise `vgg_block` of lesson 01."""

from __future__ import annotations

from torch import nn

from resnet_course.checking.compare import same_module
from resnet_course.checking.core import Exercise, Mistake
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
            "What does a 3×3 convolution do at the edge? Without padding a 3×3 convolution has no full window at the "
            "edge, so it takes one pixel off each side: 8×8 becomes 6×6, then 4×4. Height and width may change in the "
            "pooling only; a border of one zero pixel keeps the size.",
        ),
        Mistake(
            "no_relu",
            lambda i, o, n: _build(i, o, n, relu_until=0),
            "What stands behind each convolution? There is no ReLU in the block. Convolutions in a row are then one "
            "linear map: away from the edge, two of 3×3 compute nothing that a single 5×5 could not. A ReLU has to "
            "stand behind each of them.",
        ),
        Mistake(
            "no_relu_between",
            lambda i, o, n: _build(i, o, n, relu_from=n - 1),
            "What stands between two convolutions? The only ReLU comes behind the last convolution. All convolutions "
            "in front of it are one linear map together, so the extra layers bring little new. Each convolution needs "
            "its own ReLU.",
        ),
        Mistake(
            "no_final_relu",
            lambda i, o, n: _build(i, o, n, relu_until=n - 1),
            "What stands between the last convolution and the pooling? The last convolution has no ReLU, unlike those "
            "before it, so negative numbers leave the block. In VGG every convolution is followed by a ReLU.",
        ),
        Mistake(
            "relu_before_convolution",
            _relu_before,
            "What happens to the negative numbers of the input? The ReLU stands in front of the convolution, so the "
            "negative numbers of the input become 0 before any filter sees them; in normalised images that is about "
            "half of all numbers. And nothing follows the last convolution. Each ReLU belongs behind its convolution.",
        ),
        Mistake(
            "no_pool",
            lambda i, o, n: _build(i, o, n, pool=nn.Identity()),
            "What is the height of the output, if the input has 8 rows? An image of 8 rows leaves the block with 8: "
            "the convolutions keep the size, and nothing else changes it. The block must end with a max pooling, "
            "which halves height and width.",
        ),
        Mistake(
            "pool_after_every_convolution",
            lambda i, o, n: _build(i, o, n, pool_each=True),
            "How often is the image halved, with three convolutions? There is a pooling behind every convolution, so "
            "three of them make 8×8 into 1×1. A block halves the image once, at its end: build the pooling after the "
            "loop.",
        ),
        Mistake(
            "pool_stride_1",
            lambda i, o, n: _build(i, o, n, pool=nn.MaxPool2d(2, stride=1)),
            "By how many pixels does the pooling window move? The pooling window moves by 1, so the windows overlap "
            "and 8×8 only becomes 7×7. To halve the image, the window must move by its own size, which is also what "
            "PyTorch does when no stride is given.",
        ),
        Mistake(
            "average_pool",
            lambda i, o, n: _build(i, o, n, pool=nn.AvgPool2d(2)),
            "Which number of each window of four goes on? The average goes on here. VGG uses max pooling, which keeps "
            "the largest of the four: it says that a pattern was found in this window, however little of it the other "
            "three places show.",
        ),
        Mistake(
            "pool_rounds_up",
            lambda i, o, n: _build(i, o, n, pool=nn.MaxPool2d(2, ceil_mode=True)),
            "What does the pooling make of 9 rows? With ceil_mode the pooling makes 5 rows of 9, the last window "
            "reaching over the edge. The block should make 4: leave the rounding as PyTorch has it when nothing is "
            "said.",
        ),
        Mistake(
            "stride_instead_of_pool",
            _strided,
            "Which layer makes the image smaller? The last convolution makes the image smaller here, with a stride of "
            "2: it is computed at one place of four only. VGG computes it at every place, and a max pooling then "
            "keeps the largest of four numbers.",
        ),
        Mistake(
            "same_input_channels",
            _same_input_channels,
            "How many channels reach the second convolution? Here every convolution is built for `in_channels`. But "
            "the second one gets what the first has made, `out_channels`: for vgg_block(3, 10, 2) it gets 10 channels "
            "where it expects 3, and PyTorch stops.",
        ),
        Mistake(
            "num_convs_ignored",
            lambda i, o, n: _build(i, o, 2),
            "How many convolutions are there for num_convs=1, and how many for num_convs=3? There are always two "
            "convolutions, because the argument is not used. The number of convolution and ReLU pairs must follow "
            "`num_convs`.",
        ),
        Mistake(
            "one_convolution_too_many",
            lambda i, o, n: _build(i, o, n + 1),
            "How many convolutions are there for num_convs=2? There are three convolutions for num_convs=2: one that "
            "changes the channels, and then `num_convs` more. The one that changes the channels counts as well.",
        ),
        Mistake(
            "one_convolution_too_few",
            lambda i, o, n: _build(i, o, n - 1),
            "How many convolutions does the loop build for num_convs=2? The loop builds only one convolution for "
            "num_convs=2. A range that starts at 1 makes one turn less than its end says, so look at both ends of "
            "yours.",
        ),
        Mistake(
            "shared_convolution",
            _one_shared_conv,
            "How many sets of weights do three convolutions have? `[layer] * n` puts the same layer into the list n "
            "times. The places then share one set of weights and learn the same filters. A new layer has to be built "
            "for each place.",
        ),
        Mistake(
            "widens_at_the_end",
            _widens_at_the_end,
            "In which convolution does the number of channels grow? The number of channels grows only in the last "
            "convolution. With 3 input channels all earlier ones have only 3 filters, and everything they find must "
            "fit into 3 channels. The first convolution goes to `out_channels`, the others keep that number.",
        ),
        Mistake(
            "kernel_5",
            lambda i, o, n: _build(i, o, n, kernel=5, padding=2),
            "How large is the kernel? The kernel is 5×5 here. VGG's idea is to use only 3×3 and more of them: two 3×3 "
            "layers see 5×5 pixels with 18 weights per pair of channels in place of 25, and with a ReLU between them.",
        ),
        Mistake(
            "batch_norm",
            lambda i, o, n: _build(i, o, n, norm=True),
            "Which layers stand in the block besides convolution, ReLU and pooling? There is a batch norm as well. It "
            "was published in 2015, after VGG, and lesson 02 brings it in; this block has none.",
        ),
        Mistake(
            "no_bias",
            lambda i, o, n: _build(i, o, n, bias=False),
            "How many learned numbers does a convolution have besides its weights? The convolutions have no bias "
            "here. That is right in front of a batch norm, which has a shift of its own, but this block has no batch "
            "norm, and VGG's convolutions keep their bias.",
        ),
        Mistake(
            "list_of_layers",
            lambda i, o, n: list(_build(i, o, n)),
            "What happens when the result is called on images? A Python list cannot be called, and its layers are not "
            "found as parts of a network. nn.Sequential takes layers and runs them one after the other.",
        ),
        Mistake(
            "returns_none",
            lambda i, o, n: None,
            "What does the function hand back? A Python function without a `return` gives back None, so the layers "
            "are built and lost. Hand the nn.Sequential back.",
        ),
    ),
)
