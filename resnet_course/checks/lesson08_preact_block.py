"""Lesson 08, `preact_block`: the residual block in pre-activation order, and the ways in which it goes wrong."""

from __future__ import annotations

from resnet_course.checking.core import Exercise, Mistake
from resnet_course.checks.blocks import same_block
from resnet_course.checks.lesson08_wrong_preact_blocks import WRONG_PREACT_BLOCKS
from resnet_course.checks.wrong_blocks import hints_about_the_class
from resnet_course.models import PreActBlock

# Odd sizes too: there a stride of 2 rounds up. All sizes differ, so that each case stops with an error of its own.
BLOCK_CASES = (
    ((4, 4, 1), (3, 4, 9, 9)),
    ((4, 6, 1), (3, 4, 7, 7)),
    ((4, 8, 2), (3, 4, 8, 8)),
    ((4, 4, 2), (3, 4, 5, 5)),
)
HINTS = {
    "post_activation": (
        "In which order do convolution, batch norm and ReLU come? Batch norm and ReLU stand behind each convolution "
        "here, as in the block of lesson 03. In pre-activation order they stand in front of it, and nothing follows "
        "the addition."
    ),
    "no_shortcut": (
        "Where is x added? The code computes F(x) alone, two convolutions with batch norm and ReLU in front. The "
        "shortcut has to be added behind the second convolution."
    ),
    "shortcut_unused": (
        "The projection is built, but which line of forward uses a shortcut? forward adds no shortcut, so the block "
        "computes F(x) alone, and the projection's weights never get a gradient. Where the shape stays, x is to be "
        "added; where it changes, what the projection gives."
    ),
    "identity_from_activated": (
        "Which tensor does the identity shortcut carry? The identity shortcut carries the tensor behind batch norm "
        "and ReLU, so nothing negative passes, and a block with F(x) = 0 does not give x. Where the shape stays, x "
        "itself must arrive at the sum as it came in: that is the clean path."
    ),
    "projection_from_raw": (
        "At which point does the projection branch off? The projection branches off at the block's input, in front of "
        "the batch norm. Where the shape changes, it takes what comes out of the first batch norm and ReLU; it has no "
        "batch norm of its own, and this one is in front of it."
    ),
    "the_other_way_round": (
        "Which tensor goes into the identity, and which into the projection? The activated tensor goes into the "
        "identity and x into the projection. It is the other way round: x stays untouched where the shape stays, and "
        "the projection starts behind the first batch norm and ReLU."
    ),
    "x_overwritten": (
        "Which tensor does the shortcut get, x or something that has taken its name? The name x was given to the "
        "result of the convolutions, so F(x) is added to itself. Two tensors are needed later, the block's input and "
        "what comes out of the first ReLU: give each a name of its own."
    ),
    "projection_with_batch_norm": (
        "Which layers make up the projection? The projection is a 1x1 convolution and a batch norm behind it, as in "
        "lesson 04. In this order the batch norm stands in front of a convolution, and the block's first one already "
        "does: the convolution alone is enough."
    ),
    "relu_after_addition": (
        "Which operations stand between the x of this block and the x of the next, besides the addition? A ReLU "
        "follows the addition, as in lesson 03: it sets the negative half of the sum to 0 on the way of x. In this "
        "block the sum leaves as it is."
    ),
    "batch_norm_after_addition": (
        "What follows the addition? A batch norm and a ReLU follow the addition, so x does not pass unchanged. They "
        "are the first two steps of the next block, on the way into its F; nothing stands on the way of x itself."
    ),
    "relu_before_addition": (
        "What is the smallest number that can be added to x? A ReLU stands behind the second convolution: F(x) is "
        "never negative, and the block can only make numbers larger. Between that convolution and the sum stands "
        "nothing."
    ),
    "batch_norm_before_addition": (
        "Where do the batch norms of the block stand? A batch norm stands behind the second convolution, in front of "
        "the addition. There should be two, each in front of a convolution with a ReLU between; F(x) is what leaves "
        "the second convolution."
    ),
    "relu_before_batch_norm": (
        "In which order do batch norm and ReLU come? The ReLU comes first here. The batch norm then spreads its "
        "numbers around 0 again, and negative numbers reach the convolution. Batch norm, ReLU, convolution is the "
        "order."
    ),
    "batch_norm_behind": (
        "On which side of the convolutions do the batch norms stand? The batch norms stand behind the convolutions, "
        "as in lesson 03; only the ReLUs have moved in front. Batch norm and ReLU move together: both stand in front "
        "of the convolution that needs them."
    ),
    "no_relu_1": (
        "What stands between the first batch norm and the first convolution? No ReLU follows the first batch norm, so "
        "the first convolution (and a projection) gets positive and negative numbers alike. A ReLU belongs behind "
        "each of the two batch norms."
    ),
    "no_relu_2": (
        "What stands between the second batch norm and the second convolution? No ReLU follows the second batch norm, "
        "so in eval mode the two convolutions are one linear map together, plus a constant. A ReLU belongs behind "
        "each of the two batch norms."
    ),
    "no_batch_norm_1": (
        "Which layer does x meet first on its way into F? x meets a ReLU first here. A batch norm comes first: x is a "
        "sum that nothing has normalised, and its size changes from block to block."
    ),
    "no_batch_norm_2": (
        "What does the first convolution's output meet next? Only a ReLU stands between the two convolutions. As in "
        "front of the first convolution, batch norm and ReLU stand in front of the second; without the norm, and "
        "without a bias, nothing shifts the channels before the ReLU cuts them."
    ),
    "no_activation_2": (
        "What stands between the two convolutions? Nothing stands between the two convolutions, so they are one "
        "linear map together, and the second adds little. Batch norm and ReLU stand in front of the second one too."
    ),
    "first_norm_of_planes": (
        "How many channels does the first batch norm see? The first batch norm gets in_planes channels: it stands in "
        "front of the first convolution, which is the one to change the number. Here it is built for `planes`, so "
        "PreActBlock(16, 32) stops with an error."
    ),
    "shared_batch_norm": (
        "How many batch norms does the block have? One batch norm is used in two places. Its scale, shift, stored "
        "mean and variance then serve both and fit neither. Each convolution needs its own in front of it."
    ),
    "in_place": (
        "What does `x += out` do to the tensor that the caller handed in? `x += out` overwrites x: it is the caller's "
        "tensor, and += writes into it. The result is right, but whoever uses that tensor afterwards finds other "
        "numbers in it, and autograd may refuse the backward pass. Let the sum be a new tensor."
    ),
    "returns_none": (
        "What does forward give back? forward gives back None, as every Python function without a `return` does, and "
        "the next layer stops with an error. Hand the sum back."
    ),
    "shortcut_subtracted": (
        "With which sign does the shortcut enter the sum? The shortcut is subtracted: this computes F(x) - x, so that "
        "a block with F(x) = 0 gives -x, and every block in a row turns the sign round again. It should give x."
    ),
    "shortcut_detached": (
        "The numbers are right and the gradient at x is not, so on which of the two ways does it stop? The gradient "
        "stops on the shortcut: detach, .data or no_grad there keeps the numbers and stops the gradient. The "
        "gradient's way back along the sums, which this block keeps free, is then closed. Let autograd follow it."
    ),
    "projects_never": (
        "What does the shortcut do when the block changes channels or size? The shortcut always leaves x as it is, "
        "and (N, 16, 8, 8) cannot be added to (N, 32, 4, 4). In those cases, which needs_projection tells, a 1x1 "
        "convolution has to bring it to the shape of F(x)."
    ),
    "projects_always": (
        "What does the shortcut of PreActBlock(16, 16) consist of? The shortcut of PreActBlock(16, 16) is a "
        "projection here, with weights that change x. Where the block keeps the shape, the shortcut is x itself, "
        "without weights."
    ),
    "projects_for_stride_only": (
        "For which blocks is the projection built? The projection is built only for blocks with a stride. With stride "
        "1, PreActBlock(16, 32) changes the channels, and x with 16 of them does not fit F(x) with 32. Both changes "
        "count."
    ),
    "projects_for_planes_only": (
        "For which blocks is there a projection? The projection is built only for blocks that change the channels. "
        "PreActBlock(16, 16, stride=2) keeps them, but makes 8×8 into 4×4, and x does not fit. Both changes count."
    ),
    "projection_3x3": (
        "How large is the kernel of the projection? The kernel of the projection is 3×3 here, with nine times the "
        "weights. The projection is only to change the shape: a 1x1 convolution mixes the channels of one pixel and "
        "leaves the neighbours to F."
    ),
    "stride_on_second": (
        "Which of the two 3x3 convolutions carries the stride? The second convolution carries the stride here. Shapes "
        "and parameters are the same either way, but the first convolution then works on the large image and costs "
        "four times as much. The table of the exercise gives the stride to the first."
    ),
    "stride_on_both": (
        "How often does F(x) make the image smaller in PreActBlock(16, 32, stride=2)? Both convolutions have the "
        "stride, and 8×8 becomes 2×2 while the shortcut gives 4×4. Only the first convolution takes it."
    ),
    "stride_forgotten": (
        "Which layers are told about `stride`? No layer uses `stride`, so PreActBlock(16, 32, stride=2) gives 8×8 for "
        "8×8, where it should give 4×4. The first convolution takes it, and the projection too."
    ),
    "stride_not_on_projection": (
        "Which height do F(x) and the projection have in PreActBlock(16, 32, stride=2)? With stride 2, F(x) makes 4 "
        "rows of 8 and the projection keeps 8, so they cannot be added. The stride has to be taken on both ways."
    ),
    "no_padding": (
        "What does a 3x3 convolution without padding do to height and width? Without padding, each 3×3 convolution "
        "takes away one row or column on every side, so 8×8 becomes 4×4 after two of them, and x no longer fits. One "
        "pixel of padding keeps the size."
    ),
    "bias_everywhere": (
        "How many of the block's convolutions have a bias? All three convolutions have a bias, the projection too. In "
        "this block none needs one: a batch norm always comes later, in this block or in the next, and takes the mean "
        "away, and the bias with it."
    ),
    "bias_left_on": (
        "What becomes of the biases of the two 3x3 convolutions? The bias of the first is taken away by the batch "
        "norm behind it, together with the mean; what that of the second adds to the sum, the batch norms of later "
        "blocks take away. Both are built without one."
    ),
    **hints_about_the_class("PreActBlock"),
}
"""What a learner reads, by the id of the mistake."""

PREACT_BLOCK = Exercise(
    "preact_block",
    "08",
    PreActBlock,
    same_block(BLOCK_CASES),
    tuple(Mistake(name, WRONG_PREACT_BLOCKS[name], hint) for name, hint in HINTS.items()),
)
