"""Lesson 03, `basic_block`: the residual block of ResNet-18, and the ways in which it goes wrong."""

from __future__ import annotations

from resnet_course.checks.blocks import same_block
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.checks.lesson03_wrong_blocks import WRONG_BLOCKS
from resnet_course.models import BasicBlock

# Odd sizes too: there a stride of 2 rounds up. All sizes differ, so that each case stops with an error of its own.
BLOCK_CASES = (
    ((4, 4, 1), (3, 4, 9, 9)),
    ((4, 6, 1), (3, 4, 7, 7)),
    ((4, 8, 2), (3, 4, 8, 8)),
    ((4, 4, 2), (3, 4, 5, 5)),
)
HINTS = {
    "no_shortcut": "Where is x added? This computes F(x) alone: it is the plain block of lesson 02.",
    "shortcut_unused": "The layers of the shortcut are built. Does forward use them? Nothing is added to F(x).",
    "relu_before_addition": (
        "Which comes first, the addition or the last ReLU? With the ReLU first, F(x) is never negative and the "
        "block can only make numbers larger."
    ),
    "relu_before_and_after": (
        "How many ReLUs follow the second batch norm? There is one, after the addition; one more in front of it "
        "takes the negative half of F(x) away."
    ),
    "no_final_relu": "What is the last step of the block? After the addition a ReLU is missing.",
    "relu_on_shortcut": (
        "What happens to x on its way to the addition? The shortcut is no place for a ReLU: x must arrive as it is."
    ),
    "relu_in_projection": (
        "What does the projection consist of? A 1x1 convolution and batch norm; a ReLU in it would make the "
        "shortcut nonlinear."
    ),
    "no_relu_between": (
        "What stands between the first batch norm and the second convolution? Without a ReLU there, F is one linear"
        " map after another."
    ),
    "shortcut_subtracted": "Plus or minus? This computes F(x) - x, so that a block with F(x) = 0 gives -x and not x.",
    "branch_subtracted": "Plus or minus? This computes x - F(x). It could learn the same, but it is not F(x) + x.",
    "shortcut_twice": "How often is x added? Count the lines that change `out`: here x arrives twice.",
    "x_overwritten": (
        "Which x does the shortcut get? The name x was given to the result of the convolutions, so F(x) is added to"
        " itself. Keep the block's input under its own name."
    ),
    "x_after_conv1": (
        "Which x does the shortcut get? Here it is the output of the first convolution. The shortcut starts at the "
        "block's input."
    ),
    "x_after_first_relu": (
        "Which x does the shortcut get? Here it starts behind the first ReLU and goes around one convolution. It "
        "must go around both."
    ),
    "shortcut_detached": (
        "The numbers are right, and the gradient is not: does something on the shortcut (detach, .data, no_grad) "
        "cut it off? Then the short way back to the input is closed."
    ),
    "projection_detached": (
        "The numbers are right, and the gradient is not: does the projection run under no_grad? Then it never learns, "
        "and no gradient comes back through it."
    ),
    "in_place": (
        "What does `x += out` do to the tensor that the caller handed in? It overwrites it. Add into a new tensor."
    ),
    "concatenated": (
        "Is x added, or put beside F(x)? Concatenation doubles the channels (DenseNet does that); a residual block "
        "adds."
    ),
    "shortcut_not_called": (
        "The projection is built. Is it used? Where the shape changes, forward must add shortcut(x) and not x."
    ),
    "returns_none": "What does forward give back? The last line needs a return.",
    "projects_never": (
        "Can x be added when the block changes channels or size? It then needs a projection on the shortcut: ask "
        "needs_projection(in_planes, planes, stride)."
    ),
    "projects_for_stride_only": (
        "When is the projection built? Here only for a stride. With stride 1 and more channels, x and F(x) have "
        "different shapes too."
    ),
    "projects_for_planes_only": (
        "When is the projection built? Here only when the channels change. A stride changes height and width, even "
        "where the channels stay."
    ),
    "projects_if_both_change": (
        "Is it `and` or `or`? One change is enough to make the shapes differ: the stride, or the channels."
    ),
    "projects_always": (
        "When is the projection built? Where the shape stays, the shortcut is the identity and has no weights."
    ),
    "shortcut_without_batch_norm": (
        "What follows the 1x1 convolution of the shortcut? Like every convolution here it has a batch norm."
    ),
    "shortcut_3x3": "How large is the kernel on the shortcut? The projection mixes channels pixel by pixel: 1x1.",
    "stride_not_on_shortcut": "Where does the stride go? F(x) gets smaller and the shortcut does not: both need it.",
    "stride_forgotten": "Where does `stride` go? Nothing uses it, so height and width never shrink.",
    "stride_on_second": (
        "Which of the two 3x3 convolutions carries the stride? The shapes come out right either way, but it is the "
        "first."
    ),
    "stride_on_both": (
        "Which convolution carries the stride? With a stride of 2 on both, height and width are divided by 4."
    ),
    "no_padding": (
        "What does a 3x3 convolution without padding do to height and width? Each takes two pixels away, and x no "
        "longer fits: padding=1."
    ),
    "in_planes_twice": (
        "How many channels reach the second convolution? The first one has turned in_planes into planes."
    ),
    "channels_change_late": (
        "Which convolution changes the number of channels? The first: in_planes to planes; the second has planes on"
        " both sides."
    ),
    "bias_everywhere": (
        "Do the convolutions need a bias? Batch norm takes the mean away, and a bias with it: bias=False in all of "
        "them."
    ),
    "bias_left_on": (
        "Do the two 3x3 convolutions need a bias? Batch norm takes the mean away, and a bias with it: bias=False."
    ),
    "bias_on_shortcut": (
        "Does the 1x1 convolution of the shortcut need a bias? Batch norm follows it as well: bias=False."
    ),
    "no_batch_norm": "What follows each 3x3 convolution? The batch norms are missing.",
    "no_batch_norm_1": "What follows the first convolution? A batch norm stands between it and the ReLU.",
    "no_batch_norm_2": "What follows the second convolution? A batch norm stands between it and the addition.",
    "shared_batch_norm": (
        "How many batch norms are there? Each convolution needs its own: one layer cannot keep the statistics of two."
    ),
    "batch_norm_first": (
        "What comes first, the convolution or batch norm and ReLU? This is the pre-activation order of a later "
        "paper (lesson 08). Here: conv, batch norm, ReLU, conv, batch norm, add, ReLU."
    ),
    "no_default_stride": "Can BasicBlock(16, 16) be built? `stride` needs the default 1.",
    "wrong_expansion": (
        "How many channels leave the block, as a multiple of planes? `expansion` is 1 here; 4 belongs to the "
        "bottleneck."
    ),
    "no_expansion": (
        "`ResNet` asks the class how many channels leave a block, as a multiple of planes. Where is `expansion"
        " = 1`? It belongs inside the class, above __init__."
    ),
}
"""What a learner reads, by the id of the mistake."""

BASIC_BLOCK = Exercise(
    "basic_block",
    "03",
    BasicBlock,
    same_block(BLOCK_CASES),
    tuple(Mistake(name, WRONG_BLOCKS[name], hint) for name, hint in HINTS.items()),
)
