"""Lesson 08, `bottleneck`: the residual block of ResNet-50, and the ways in which it goes wrong."""

from __future__ import annotations

from resnet_course.checking.core import Exercise, Mistake
from resnet_course.checks.blocks import same_block
from resnet_course.checks.lesson08_wrong_bottlenecks import WRONG_BOTTLENECKS
from resnet_course.models import Bottleneck

# The first keeps the shape (8 = 4 * 2). Odd sizes too: there a stride of 2 rounds up. All sizes differ, so that each
# case stops with an error of its own.
BLOCK_CASES = (
    ((8, 2, 1), (3, 8, 6, 6)),
    ((3, 3, 1), (3, 3, 7, 7)),
    ((8, 2, 2), (3, 8, 9, 9)),
    ((5, 3, 2), (3, 5, 8, 8)),
)
HINTS = {
    "no_shortcut": (
        "Where is x added? The code computes F(x) alone, three convolutions in a row. The shortcut has to be added "
        "behind the third batch norm, before the last ReLU."
    ),
    "shortcut_unused": (
        "The layers of the shortcut are built, but which line of forward uses them? forward does not use the layers "
        "of the shortcut, so the block computes F(x) alone, and the weights of a projection never get a gradient. "
        "What the shortcut makes of x has to be added to F(x)."
    ),
    "shortcut_not_called": (
        "What is added where the block changes the shape? forward adds x itself, although a projection was built: the "
        "shapes (N, 256, 8, 8) and (N, 512, 4, 4) cannot be added. What belongs into the sum is what self.shortcut "
        "makes of x."
    ),
    "shortcut_subtracted": (
        "With which sign does the shortcut enter the sum? The shortcut is subtracted: this computes F(x) - x. If F(x) "
        "is 0, the block gives ReLU(-x), which is 0 for every positive x, and not x. To pass x on must be what the "
        "block does when F gives nothing."
    ),
    "shortcut_detached": (
        "The numbers are right and the gradient at x is not, so on which of the two ways does it stop? The gradient "
        "stops on the shortcut: detach, .data or no_grad there keeps the numbers and stops the gradient. Layers "
        "further in front then only get what comes through F. Let autograd follow the shortcut."
    ),
    "x_overwritten": (
        "Which tensor does the shortcut get, x or something that has taken its name? The name x was given to the "
        "result of the convolutions, so F(x) is added to itself (or to a projection of itself), and the input is "
        "lost. Keep the input under its own name until the sum."
    ),
    "in_place": (
        "What does `x += out` do to the tensor that the caller handed in? `x += out` overwrites x: it is the caller's "
        "tensor, and += writes into it. The result is right, but whoever uses that tensor afterwards finds other "
        "numbers in it, and autograd may refuse the backward pass. Let the sum be a new tensor."
    ),
    "returns_none": (
        "What does forward give back? forward gives back None, as every Python function without a `return` does, and "
        "the next layer stops with an error. Hand the sum behind the last ReLU back."
    ),
    "no_relu_1": (
        "What stands between the first batch norm and the 3x3 convolution? No ReLU follows the first batch norm. In "
        "eval mode the 1x1 and the 3x3 are then one linear map together, so the first adds no more than a change of "
        "channels. A ReLU has to follow each of the first two batch norms."
    ),
    "no_relu_2": (
        "What stands between the second batch norm and the last 1x1 convolution? No ReLU follows the second batch "
        "norm. In eval mode the 3x3 and the last 1x1 are then one linear map together. A ReLU has to follow each of "
        "the first two batch norms."
    ),
    "no_relu_inside": (
        "Where are the ReLUs inside F? There is no ReLU inside F, so in eval mode the three convolutions are one "
        "linear map. A ReLU has to follow the first batch norm, and one the second; the third one comes behind the "
        "sum."
    ),
    "relu_before_addition": (
        "What is the smallest number that can be added to x? The last ReLU stands before the addition: F(x) is never "
        "negative, and the block can only make numbers larger. The ReLU belongs behind the sum, so that F(x) can also "
        "take something away."
    ),
    "relu_before_and_after": (
        "How many ReLUs stand behind the third batch norm? There are two ReLUs behind the third batch norm. The one "
        "in front of the addition sets the negative half of F(x) to 0, so the block can only add and never take away. "
        "Only the one behind the sum is right."
    ),
    "no_final_relu": (
        "What is the last step of the block? The last step of the block is the addition here, so negative numbers "
        "leave the block. In this block a ReLU comes behind the sum; the one further down, in pre-activation order, "
        "does without it."
    ),
    "stride_on_first": (
        "Which of the three convolutions carries the stride? The first 1x1 carries the stride here, as in the paper. "
        "It then skips three of four pixels before anything has looked at them. In this course, as in torchvision, "
        "the 3x3 carries the stride."
    ),
    "stride_on_last": (
        "Which of the three convolutions carries the stride? The last 1x1 carries the stride here. The 3x3 then works "
        "on the large image, and three of four of its results are thrown away. In this block the stride belongs to "
        "the 3x3."
    ),
    "stride_everywhere": (
        "How often does F(x) make the image smaller at stride 2? All three convolutions have the stride, and 8×8 "
        "becomes 1×1 while the shortcut gives 4×4. Only the 3x3 takes it."
    ),
    "stride_forgotten": (
        "Which layers are told about `stride`? No layer uses `stride`, so Bottleneck(256, 128, stride=2) gives 8×8 "
        "for 8×8, where it should give 4×4. The 3x3 takes it, and the projection too."
    ),
    "stride_not_on_shortcut": (
        "Which height do F(x) and the shortcut have in Bottleneck(256, 128, stride=2)? With stride 2, F(x) makes 4 "
        "rows of 8 and the shortcut keeps 8, so they cannot be added. The stride has to be taken on both ways."
    ),
    "not_widened": (
        "How many channels does the last 1x1 convolution give out? The last 1x1 gives `planes` channels here, as many "
        "as the narrow middle has. It has to widen: Bottleneck(256, 64) ends with 256 channels, `expansion` times "
        "planes."
    ),
    "expansion_of_one": (
        "Which value does `expansion` have, and which layers use it? `expansion` is 1 here, the value of the basic "
        "block, and the last convolution and the shortcut follow it, so nothing is widened. A bottleneck gives four "
        "times `planes`."
    ),
    "not_reduced": (
        "How many channels does the 3x3 convolution see? The first 1x1 does not reduce the channels to `planes`. The "
        "3x3 then works on four times as many, with 16 times the weights, and to avoid that is what the bottleneck is "
        "for."
    ),
    "reduced_late": (
        "Which convolution reduces the number of channels? The 3x3 reduces the channels here, so it reads the wide "
        "input. The first 1x1 goes from in_planes to planes, and the 3x3 has planes on both sides, which keeps it "
        "cheap."
    ),
    "all_3x3": (
        "How large is each of the three kernels? All three kernels are 3×3 here, so the first and the last have nine "
        "times the weights. Those two only change the number of channels, pixel by pixel: 1x1."
    ),
    "no_padding": (
        "What does a 3x3 convolution without padding do to height and width? Without padding, the 3x3 convolution "
        "takes away one row or column on every side, so 8×8 becomes 6×6, and x no longer fits. One pixel of padding "
        "keeps the size."
    ),
    "padding_on_1x1": (
        "What does padding do to the size, if the kernel is 1x1? Padding adds a border: 8×8 becomes 10×10, and x no "
        "longer fits. A kernel of one pixel never reaches over the edge; only the 3x3 needs padding."
    ),
    "projects_never": (
        "What does the shortcut do when the block changes channels or size? The shortcut always leaves x as it is, "
        "and 64 channels cannot be added to 256. Where the shape changes, a projection has to bring x to the shape of "
        "F(x)."
    ),
    "projects_always": (
        "What does the shortcut of Bottleneck(256, 64) consist of? The shortcut of Bottleneck(256, 64) is a "
        "projection here, with weights that change x. 256 channels come in and 256 go out, so the shortcut is the "
        "identity: it has no weights and adds exactly x."
    ),
    "projects_by_planes": (
        "With which number is in_planes compared? in_planes is compared with `planes`, but `expansion` times as many "
        "channels leave a bottleneck. Bottleneck(64, 64) then gets no projection, although 64 come in and 256 go out."
    ),
    "projects_for_stride_only": (
        "For which blocks is the projection built? The projection is built only for blocks with a stride. With stride "
        "1, Bottleneck(64, 64) makes 256 channels of 64, and x does not fit F(x). Both changes count."
    ),
    "projects_for_channels_only": (
        "For which blocks is there a projection? The projection is built only for blocks that change the channels. "
        "Bottleneck(256, 64, stride=2) keeps them, but makes 8×8 into 4×4, and x does not fit. Both changes count."
    ),
    "projects_to_planes": (
        "How many channels does the projection give? The projection gives `planes` channels, and F(x) has `expansion` "
        "times as many: 64 and 256 cannot be added. The projection must reach the shape of F(x)."
    ),
    "shortcut_without_batch_norm": (
        "What follows the 1x1 convolution of the shortcut? Nothing follows the 1x1 convolution of the shortcut. Every "
        "convolution of the block has a batch norm behind it, this one too, so that both sides of the sum are brought "
        "to a similar size."
    ),
    "bias_everywhere": (
        "How many of the block's convolutions have a bias, and what becomes of it in the batch norm? All convolutions "
        "have a bias. The batch norm behind each subtracts the mean of the channel, and the bias with it, so these "
        "parameters have no effect. Build all convolutions without a bias, the projection too."
    ),
    "bias_left_on": (
        "What does the batch norm behind a convolution do with its bias? A batch norm takes the bias in front of it "
        "away together with the mean, and adds a shift of its own. The biases of the three convolutions of F are "
        "parameters without effect; build them without one."
    ),
    "no_batch_norm": (
        "What stands behind each of the three convolutions? There is no batch norm in F. Without it the size of F(x) "
        "depends on the size of the weights, and because the convolutions have no bias, nothing shifts its channels. "
        "Each of them needs one."
    ),
    "no_batch_norm_3": (
        "What stands between the last convolution and the addition? No batch norm stands between the last convolution "
        "and the addition, so the size of F(x) depends on the size of the weights, and no shift is added to it. The "
        "last convolution needs a batch norm as well."
    ),
    "shared_batch_norm": (
        "How many batch norms with `planes` channels does the block have? One batch norm is used twice. Its scale, "
        "shift, stored mean and variance then serve two convolutions and fit neither. Each convolution needs its own."
    ),
    "no_default_stride": (
        "What does Bottleneck(256, 64) do, called with two numbers? Bottleneck(256, 64) raises an error, because "
        "`stride` has no default. Most blocks of a network keep the size, so the argument is 1 when nothing is said."
    ),
    "wrong_expansion": (
        "What does the class say about how many channels leave it, as a multiple of planes? The class says "
        "`expansion` 1, but four times `planes` leave this block. ResNet reads the number from the class and builds "
        "the next block for too few channels."
    ),
    "no_expansion": (
        "Where does the class say how many channels leave a block, as a multiple of `planes`? The class attribute "
        "`expansion` is missing. ResNet asks the class itself, before a block is built, so it stands above __init__. "
        "For this block it is 4."
    ),
}
"""What a learner reads, by the id of the mistake."""

BOTTLENECK = Exercise(
    "bottleneck",
    "08",
    Bottleneck,
    same_block(BLOCK_CASES),
    tuple(Mistake(name, WRONG_BOTTLENECKS[name], hint) for name, hint in HINTS.items()),
)
