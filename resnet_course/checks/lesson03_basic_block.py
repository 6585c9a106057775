"""Lesson 03, `basic_block`: the residual block of ResNet-18, and the ways in which it goes wrong."""

from __future__ import annotations

from resnet_course.checking.core import Exercise, Mistake
from resnet_course.checks.blocks import same_block
from resnet_course.checks.lesson03_wrong_blocks import WRONG_BLOCKS
from resnet_course.checks.wrong_blocks import hints_about_the_class
from resnet_course.models import BasicBlock

# Odd sizes too: there a stride of 2 rounds up. All sizes differ, so that each case stops with an error of its own.
BLOCK_CASES = (
    ((4, 4, 1), (3, 4, 9, 9)),
    ((4, 6, 1), (3, 4, 7, 7)),
    ((4, 8, 2), (3, 4, 8, 8)),
    ((4, 4, 2), (3, 4, 5, 5)),
)
HINTS = {
    "no_shortcut": (
        "Where is x added? The code computes F(x) alone, which is the plain block of lesson 02 with its last ReLU. "
        "The block's input has to be added behind the second batch norm, before that ReLU."
    ),
    "shortcut_unused": (
        "The layers of the shortcut are built, but which line of forward uses them? forward does not use the layers "
        "of the shortcut, so the block computes F(x) alone, and the weights of a projection never get a gradient. "
        "What the shortcut makes of x has to be added to F(x)."
    ),
    "relu_before_addition": (
        "What is the smallest number that can be added to x? The last ReLU stands before the addition: F(x) is never "
        "negative, and the block can only make numbers larger. The ReLU belongs behind the sum, so that F(x) can also "
        "take something away."
    ),
    "relu_before_and_after": (
        "How many ReLUs stand behind the second batch norm? There are two ReLUs behind the second batch norm. The one "
        "in front of the addition sets the negative half of F(x) to 0, so the block can only add and never take away. "
        "Only the one behind the sum is right."
    ),
    "no_final_relu": (
        "What is the last step of the block? The last step of the block is the addition here, so negative numbers "
        "leave the block. A ReLU has to come behind the sum, as the table of the exercise says."
    ),
    "relu_on_shortcut": (
        "What happens to a number -2 on its way through the shortcut? A ReLU stands on the shortcut: -2 arrives as 0. "
        "Where the block keeps the shape, x must arrive at the sum as it is, and what a projection gives may be "
        "negative too. Only the sum gets a ReLU."
    ),
    "relu_in_projection": (
        "Which layers make up the projection? There is a ReLU at the end of the projection, so it can only add "
        "positive numbers. A projection is a 1x1 convolution and a batch norm; the one ReLU comes behind the sum."
    ),
    "no_relu_between": (
        "What stands between the first batch norm and the second convolution? No ReLU stands between the two "
        "convolutions, so F is one linear map (plus a constant) in eval mode, and its second convolution adds little. "
        "A ReLU has to follow the first batch norm."
    ),
    "shortcut_subtracted": (
        "With which sign does the shortcut enter the sum? The shortcut is subtracted: this computes F(x) - x. If F(x) "
        "is 0, the block gives ReLU(-x), which is 0 for every positive x, and not x. To pass x on must be what the "
        "block does when F gives nothing."
    ),
    "branch_subtracted": (
        "With which sign does F(x) enter the sum? F(x) is subtracted: this computes x - F(x). Such a block could "
        "learn the same with the opposite weights, but weights of a block F(x) + x give other numbers in it."
    ),
    "shortcut_twice": (
        "How often is x added? The input x is added twice, so a block with F(x) = 0 doubles its input, and ten of "
        "them in a row make it 1024 times as large. Count the lines that change `out`."
    ),
    "x_overwritten": (
        "Which tensor does the shortcut get, x or something that has taken its name? The name x was given to the "
        "result of the convolutions, so F(x) is added to itself (or to a projection of itself), and the input is "
        "lost. Keep the input under its own name until the sum."
    ),
    "x_after_conv1": (
        "At which point of the block does the shortcut start? The shortcut starts behind the first convolution here. "
        "What is added is then not the block's input, and the way around both convolutions is gone. The shortcut "
        "takes the x that forward was called with."
    ),
    "x_after_first_relu": (
        "How many convolutions does the shortcut go around? The shortcut starts behind the first ReLU and goes around "
        "one convolution. The block's input itself then reaches the end through a convolution only. The shortcut "
        "takes the x that forward was called with."
    ),
    "shortcut_detached": (
        "The numbers are right and the gradient at x is not, so on which of the two ways does it stop? The gradient "
        "stops on the shortcut: detach, .data or no_grad there keeps the numbers and stops the gradient. Layers "
        "further in front then only get what comes through F, as in a plain network. Let autograd follow the "
        "shortcut."
    ),
    "projection_detached": (
        "The numbers are right and a gradient is missing, so which layers does it not reach? The projection runs "
        "under no_grad, or is detached. Its weights never learn, and no gradient comes back through it. Let autograd "
        "follow the projection."
    ),
    "in_place": (
        "What does `x += out` do to the tensor that the caller handed in? `x += out` overwrites x: it is the caller's "
        "tensor, and += writes into it. The result is right, but whoever uses that tensor afterwards finds other "
        "numbers in it, and autograd may refuse the backward pass. Let the sum be a new tensor."
    ),
    "concatenated": (
        "How many channels leave BasicBlock(16, 16)? BasicBlock(16, 16) gives 32 channels here, because x is put "
        "beside F(x), as DenseNet does. A residual block adds the two number by number, so the number of channels "
        "stays."
    ),
    "shortcut_not_called": (
        "What is added where the block changes the shape? forward adds x itself, although a projection was built: the "
        "shapes (N, 16, 8, 8) and (N, 32, 4, 4) cannot be added. What belongs into the sum is what self.shortcut "
        "makes of x."
    ),
    "returns_none": (
        "What does forward give back? forward gives back None, as every Python function without a `return` does, and "
        "the next layer stops with an error. Hand the sum behind the last ReLU back."
    ),
    "projects_never": (
        "What does the shortcut do when the block changes channels or size? The shortcut always leaves x as it is, "
        "and (N, 16, 8, 8) cannot be added to (N, 32, 4, 4). In those cases, which needs_projection tells, a "
        "projection has to bring x to the shape of F(x)."
    ),
    "projects_for_stride_only": (
        "For which blocks is the projection built? The projection is built only for blocks with a stride. With stride "
        "1, BasicBlock(16, 32) changes the channels, and x with 16 of them does not fit F(x) with 32. Both changes "
        "count."
    ),
    "projects_for_planes_only": (
        "For which blocks is there a projection? The projection is built only for blocks that change the channels. "
        "BasicBlock(16, 16, stride=2) keeps them, but makes 8×8 into 4×4, and x does not fit. Both changes count."
    ),
    "projects_if_both_change": (
        "Is there a projection in BasicBlock(16, 32, stride=1)? BasicBlock(16, 32, stride=1) gets no projection, "
        "because the code asks for both changes at once. One of them is enough to make the shapes differ: the stride, "
        "or the channels."
    ),
    "projects_always": (
        "What does the shortcut of BasicBlock(16, 16) consist of? The shortcut of BasicBlock(16, 16) is a projection "
        "here, with weights that change x. Where the block keeps the shape, the shortcut is the identity: it has no "
        "weights and adds exactly x."
    ),
    "shortcut_without_batch_norm": (
        "What follows the 1x1 convolution of the shortcut? Nothing follows the 1x1 convolution of the shortcut. Every "
        "convolution of the block has a batch norm behind it, this one too, so that both sides of the sum are brought "
        "to a similar size."
    ),
    "shortcut_3x3": (
        "How large is the kernel on the shortcut? The kernel on the shortcut is 3×3 here, with nine times the "
        "weights. The shortcut is only to bring x to another shape: a 1x1 convolution mixes the channels of one pixel "
        "and leaves the neighbours to F."
    ),
    "stride_not_on_shortcut": (
        "Which height do F(x) and the shortcut have in BasicBlock(16, 32, stride=2)? With stride 2, F(x) makes 4 rows "
        "of 8 and the shortcut keeps 8, so they cannot be added. The stride has to be taken on both ways."
    ),
    "stride_forgotten": (
        "Which layers are told about `stride`? No layer uses `stride`, so BasicBlock(16, 32, stride=2) gives 8×8 for "
        "8×8, where it should give 4×4. The first convolution takes it, and the projection too."
    ),
    "stride_on_second": (
        "Which of the two 3x3 convolutions carries the stride? The second convolution carries the stride here. Shapes "
        "and parameters are the same either way, but the first convolution then works on the large image and costs "
        "four times as much. The table of the exercise gives the stride to the first."
    ),
    "stride_on_both": (
        "How often does F(x) make the image smaller in BasicBlock(16, 32, stride=2)? Both convolutions have the "
        "stride, and 8×8 becomes 2×2 while the shortcut gives 4×4. Only the first convolution takes it."
    ),
    "no_padding": (
        "What does a 3x3 convolution without padding do to height and width? Without padding, each 3×3 convolution "
        "takes away one row or column on every side, so 8×8 becomes 4×4 after two of them, and x no longer fits. One "
        "pixel of padding keeps the size."
    ),
    "in_planes_twice": (
        "How many channels reach the second convolution? `planes` channels reach the second convolution, because the "
        "first has already changed the number. Here the second is built for in_planes, so BasicBlock(16, 32) stops "
        "with an error."
    ),
    "channels_change_late": (
        "Which convolution changes the number of channels? The second convolution changes the number of channels "
        "here. The first should go from in_planes to planes, so that everything behind it, the second convolution and "
        "both batch norms, has `planes` channels."
    ),
    "bias_everywhere": (
        "How many of the block's convolutions have a bias, and what becomes of it in the batch norm? All convolutions "
        "have a bias. The batch norm behind each subtracts the mean of the channel, and the bias with it, so these "
        "parameters have no effect. Build all convolutions without a bias, the projection too."
    ),
    "bias_left_on": (
        "What does the batch norm behind a 3x3 convolution do with its bias? A batch norm takes the bias in front of "
        "it away together with the mean, and adds a shift of its own. The biases of the two 3x3 convolutions are "
        "parameters without effect; build both without one."
    ),
    "bias_on_shortcut": (
        "What becomes of a bias in the convolution of the shortcut? The bias on the shortcut is lost: a batch norm "
        "follows there as well, and takes it away with the mean. The 1x1 convolution is built without a bias, like "
        "the others."
    ),
    "no_batch_norm": (
        "What stands behind each of the two 3x3 convolutions? There is no batch norm in F. Without it the size of "
        "F(x) depends on the size of the weights, and because the convolutions have no bias, nothing shifts its "
        "channels. Each of them needs one."
    ),
    "no_batch_norm_1": (
        "What stands between the first convolution and its ReLU? A batch norm belongs between the first convolution "
        "and its ReLU: the convolution has no bias, so without it the ReLU cuts every channel at a place that nothing "
        "can shift."
    ),
    "no_batch_norm_2": (
        "What stands between the second convolution and the addition? No batch norm stands between the second "
        "convolution and the addition, so the size of F(x) depends on the size of the weights, and no shift is added "
        "to it. The second convolution needs a batch norm as well."
    ),
    "shared_batch_norm": (
        "How many batch norms are there? There is one batch norm for the two 3x3 convolutions. Its scale, shift, "
        "stored mean and variance then serve both and fit neither. Each convolution needs its own."
    ),
    "batch_norm_first": (
        "In which order do convolution, batch norm and ReLU come? Batch norm and ReLU come in front of the "
        "convolutions. This is the pre-activation order of a later paper (lesson 08). In this block they stand behind "
        "them, and the last ReLU behind the sum."
    ),
    **hints_about_the_class("BasicBlock"),
}
"""What a learner reads, by the id of the mistake."""

BASIC_BLOCK = Exercise(
    "basic_block",
    "03",
    BasicBlock,
    same_block(BLOCK_CASES),
    tuple(Mistake(name, WRONG_BLOCKS[name], hint) for name, hint in HINTS.items()),
)
