"""Lesson 04 · `extend_with_identity`: a deeper network that computes the same.

The stage that comes in is a trained one: its statistics are not 0 and 1, so that a copied block gives itself away. What
the new layers are set to only helps to find a mistake; judged are the blocks and the numbers that come out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import expect_function
from resnet_course.checking.modules import SEED, WrongKindError
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import kind_of, plain, shown
from resnet_course.models import PlainBlock

CASES = ((4, 2, 4), (6, 3, 1))  # planes, trained blocks, count
MILLION = 1_000_000


def observe(answer: Any) -> Iterator[Seen]:
    """The blocks, then what the new ones are set to, then what comes out."""
    expect_function("extend_with_identity", answer)
    effects = []
    for planes, blocks, count in CASES:
        stage, x = _trained_stage(planes, blocks), torch.randn(2, planes, 5, 5, dtype=torch.float64)
        trained, before = list(stage), copy.deepcopy(stage)
        what = f"for {blocks} trained blocks, planes={planes} and count={count}"
        longer = answer(stage, planes, count)
        yield Seen(f"the kind of the result {what}", kind_of(longer))
        if not isinstance(longer, nn.Module) or not hasattr(longer, "__len__"):
            raise WrongKindError(f"{what}, the result should be an nn.Sequential and is {shown(longer)}")
        yield Seen(f"{what}, the number of blocks", len(longer))
        places = [_place(old, copied, longer) for old, copied in zip(trained, before, strict=True)]
        yield Seen(f"{what}, the places at which the trained blocks stand, counted from 0", places)
        new = [block for place, block in enumerate(longer) if place not in places]
        yield Seen(f"{what}, the number of different new blocks", len({id(block) for block in new}))
        for number, block in enumerate(new, 1):
            yield from _see_new_block(f"{what}, new block {number}", block)
        changed = sum(not _same_state(old, copied) for old, copied in zip(trained, before, strict=True))
        yield Seen(f"{what}, the number of trained blocks with other weights than before", changed)
        with torch.no_grad():
            expected = before.double().eval()(x)
            output = longer.double().eval()(x)
        same_shape = isinstance(output, Tensor) and output.shape == expected.shape
        off = int(((output - expected).abs() / (1 + expected.abs())).max().item() * MILLION) if same_shape else output
        place = f"{what}, in eval mode, the largest change of the numbers that come out, in millionths,"
        effects.append(Seen(place, off, explains=False))
    yield from effects


def _trained_stage(planes: int, blocks: int) -> nn.Sequential:
    torch.manual_seed(SEED)
    stage = nn.Sequential(*(PlainBlock(planes, planes) for _ in range(blocks))).eval()
    with torch.no_grad():
        for name, tensor in (*stage.named_parameters(), *stage.named_buffers()):
            if tensor.dim() == 1:
                tensor.copy_(torch.rand(len(tensor)) + (0.5 if name.endswith(("weight", "var")) else -0.2))
    return stage


def _place(old: nn.Module, kept: nn.Module, longer: nn.Module) -> int:
    """Where a trained block stands: itself, or an equal one; -1 for nowhere."""
    blocks = list(longer.children()) if not isinstance(longer, (nn.Sequential, nn.ModuleList)) else list(longer)
    same = (place for place, block in enumerate(blocks) if block is old or _same_state(block, kept))
    return next(same, -1)


def _same_state(block: nn.Module, kept: nn.Module) -> bool:
    mine, theirs = list(block.state_dict().values()), list(kept.state_dict().values())
    return len(mine) == len(theirs) and all(torch.equal(one, other) for one, other in zip(mine, theirs, strict=True))


def _see_new_block(what: str, block: nn.Module) -> Iterator[Seen]:
    """How the layers of a new block are set; that there are two convolutions is asked for."""
    convs = [module for module in block.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)]
    yield Seen(f"{what}, the number of convolutions", len(convs))
    for number, conv in enumerate(convs, 1):
        yield Seen(f"{what}, what convolution {number} does", _kernels(conv), judges=False)
    for number, norm in enumerate(norms, 1):
        if norm.weight is None or norm.running_var is None or norm.running_mean is None:
            continue
        weight, bias, mean, variance = map(plain, (norm.weight, norm.bias, norm.running_mean, norm.running_var))
        factor = weight / (variance + norm.eps).sqrt()
        yield Seen(
            f"{what}, the stored mean of batch norm {number} in thousandths", _all_alike(mean * 1000), judges=False
        )
        yield Seen(
            f"{what}, the stored variance of batch norm {number} in thousandths",
            _all_alike(variance * 1000),
            judges=False,
        )
        yield Seen(
            f"{what}, the factor of batch norm {number} in millionths", _all_alike(factor * MILLION), judges=False
        )
        yield Seen(
            f"{what}, what batch norm {number} adds, in thousandths",
            _all_alike((bias - mean * factor) * 1000),
            judges=False,
        )


def _kernels(conv: nn.Conv2d) -> str:
    """What a convolution computes, in words, if it is something simple."""
    weight = plain(conv.weight)
    middle = torch.zeros_like(weight)
    if weight.shape[0] != weight.shape[1]:
        return f"it makes {weight.shape[0]} channels of {weight.shape[1]}"
    height, width = weight.shape[2] // 2, weight.shape[3] // 2
    channel = range(len(weight))
    middle[channel, channel, height, width] = 1
    factor = float(weight[0, 0, height, width])
    if torch.allclose(weight, factor * middle) and factor:
        return "it copies its input" if abs(factor - 1) < 1e-3 else f"it gives {factor:.3g} times its input"
    if torch.allclose(weight, weight[0, 0, 0, 0].expand_as(weight)):
        return f"all its weights are {float(weight[0, 0, 0, 0]):.3g}"
    if (weight[:, :, height, width] == 1).all() and weight.sum() == len(weight) ** 2:
        return "it adds up all channels"
    if torch.equal(weight, middle.sum((2, 3), keepdim=True).expand_as(weight)):
        return "it adds up all neighbours"
    if factor == 1 and (weight[channel, channel, height, width] == 1).all():
        return "it adds something to a copy of its input"
    if weight.sum() == len(weight) and weight.count_nonzero() == len(weight):
        return "it moves the image or the channels"
    return "it computes something else"


def _all_alike(values: Tensor) -> Any:
    """The number, if all channels have about the same; otherwise that they have not."""
    low, high = values.min().item(), values.max().item()
    if high - low > 0.5:
        return "another one for each channel"
    return round(low) if 0.5 < abs(low) / MILLION < 2 else float(f"{low:.3g}") + 0.0


ANSWER = """
import math

def extend_with_identity(stage, planes, count):
    blocks = [PlainBlock(planes, planes) for _ in range(count)]
    for block in blocks:
        for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
            nn.init.dirac_(conv.weight)
            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))
    return nn.Sequential(*stage, *blocks)
"""
# fmt: off
WRONG = [
    Wrong("nothing_appended", [("nn.Sequential(*stage, *blocks)", "nn.Sequential(*stage)")],
          ask="How many blocks does the longer stage have?",
          explain="The stage has as many blocks as before: the new ones are not part of what comes back. With 3 "
                  "trained blocks and count=6 there should be 9."),
    Wrong("all_zero", [("nn.init.dirac_(conv.weight)", "nn.init.zeros_(conv.weight)")],
          ask="What comes out of a convolution whose weights are all zero?",
          explain="A convolution of zeros gives zero, whatever goes in, so everything the trained blocks found is "
                  "lost. To copy its input, a kernel needs a single one: in the middle, for its own channel. "
                  "nn.init.dirac_ sets that."),
    Wrong("all_ones", [("nn.init.dirac_(conv.weight)", "nn.init.ones_(conv.weight)")],
          ask="What does a kernel of ones compute?",
          explain="A kernel of ones computes the sum of all nine neighbours in all channels: with 16 channels 144 "
                  "numbers are added up. To copy, a kernel needs a single one, in the middle, for its own channel."),
    Wrong("one_convolution_only", [
              ("((block.conv1, block.bn1), (block.conv2, block.bn2))", "((block.conv1, block.bn1),)")],
          ask="How many convolutions of a new block copy their input?",
          explain="Only one of the two convolutions copies its input. The other still has random weights and mixes "
                  "up what the first has copied. Convolution and batch norm have to be set in both pairs."),
    Wrong("random_weights", """
def extend_with_identity(stage, planes, count):
    return nn.Sequential(*stage, *[PlainBlock(planes, planes) for _ in range(count)])
""",
          ask="What do the weights of a new block compute?",
          explain="The new blocks compute something random: PyTorch fills a new layer with random numbers, so the "
                  "longer stage gives other numbers than before. Both convolutions and both batch norms have to be "
                  "set."),
    Wrong("one_block_too_few", [("range(count)", "range(count - 1)")],
          ask="How many blocks are new?",
          explain="There is one new block less than `count`. A stage of 3 blocks and count=6 should give 9 blocks: "
                  "`count` is the number of new ones, not of all."),
    Wrong("in_front", [("(*stage, *blocks)", "(*blocks, *stage)")],
          ask="On which side of the trained blocks do the new ones stand?",
          explain="The new blocks stand in front. What comes in there may be negative, and their ReLUs would set it "
                  "to 0. Behind the trained blocks no number is negative, so there the ReLUs change nothing."),
    Wrong("old_blocks_changed", [("for block in blocks", "for block in [*stage, *blocks]")],
          ask="Which blocks have other weights than before?",
          explain="The weights of the trained blocks were overwritten, so what they had learned is gone. Only the "
                  "`count` new blocks may be set."),
    Wrong("epsilon_forgotten", [
              ("            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))\n", "")],
          ask="By what does batch norm divide when the stored variance is 1?",
          explain="Batch norm divides by the square root of 1 + eps, which is 1.000005 and not 1. With a weight of 1 "
                  "each batch norm makes the numbers a little smaller, and in 36 layers it adds up. The weight has "
                  "to take this back."),
    Wrong("sign_of_epsilon", [("1 + norm.eps", "1 - norm.eps")],
          ask="Does your weight make the numbers larger or smaller?",
          explain="Batch norm divides by the root of 1 + eps, which makes the numbers a little smaller. The weight "
                  "here is below 1 (the root of 1 - eps, or 1 divided by the root of 1 + eps) and makes them smaller "
                  "once more; it has to undo the division."),
    Wrong("dirac_forgotten", [("            nn.init.dirac_(conv.weight)\n", "")],
          ask="What do the convolutions of a new block compute?",
          explain="The batch norms are set, and the convolutions keep the random weights with which PyTorch fills a "
                  "new layer. Each has to copy its input; nn.init.dirac_ sets that."),
    Wrong("old_blocks_for_new", [("for block in blocks", "for block in stage")],
          ask="Which blocks does your loop set, the new ones or the trained ones?",
          explain="The trained blocks were set to copy, so what they had learned is gone, and the new ones still "
                  "have random weights. Only the new ones are to be set."),
    Wrong("last_batch_norm_zero", """
def extend_with_identity(stage, planes, count):
    blocks = [PlainBlock(planes, planes) for _ in range(count)]
    for block in blocks:
        nn.init.zeros_(block.bn2.weight)
    return nn.Sequential(*stage, *blocks)
""",
          ask="What comes out of a plain block whose last batch norm has the weight 0?",
          explain="A weight of 0 in the last batch norm makes the whole block give 0. In a residual block x would "
                  "still come through the shortcut; a plain block has none. Here both convolutions have to copy, and "
                  "both batch norms have to let the numbers through."),
    Wrong("rest_of_the_kernel_left", [
              ("nn.init.dirac_(conv.weight)", "conv.weight.data[range(planes), range(planes), 1, 1] = 1")],
          ask="Which numbers does a new kernel hold beside the 1 in the middle?",
          explain="The 1 stands in the right place, and all other numbers of the kernels still have their random "
                  "values. Set the whole weight to 0 first, and then the ones."),
    Wrong("variance_zero", [("nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))", "norm.running_var.zero_()")],
          ask="By what does batch norm divide when the stored variance is 0?",
          explain="The stored variance was set to 0. Batch norm then divides by the root of eps alone, and the "
                  "numbers become about 300 times as large. A fresh layer has the variance 1, and that is right."),
    Wrong("mean_one_variance_zero", [
              ("nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))",
               "norm.running_mean.fill_(1); norm.running_var.fill_(0)")],
          ask="Which of the two is subtracted, and by which is divided?",
          explain="Mean and variance of the new batch norms were exchanged: mean 1 and variance 0. Batch norm "
                  "subtracts the mean and divides by the root of the variance, so a fresh layer has mean 0 and "
                  "variance 1."),
    Wrong("one_number_as_weight", [
              ("nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))",
               "norm.weight = nn.Parameter(torch.tensor([math.sqrt(1 + norm.eps)]))")],
          ask="How many numbers does the weight of a batch norm hold?",
          explain="The weight of the new batch norms holds one number, and one for each channel is needed. Fill the "
                  "parameter that is there: nn.init.constant_ gives every channel the same number."),
    Wrong("copy_of_a_trained_block", """
import copy, math

def extend_with_identity(stage, planes, count):
    blocks = []
    for _ in range(count):
        block = copy.deepcopy(stage[-1])
        for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
            nn.init.dirac_(conv.weight)
            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))
            nn.init.zeros_(norm.bias)
        blocks.append(block)
    return nn.Sequential(*stage, *blocks)
""",
          ask="Which mean and variance have the batch norms of your new blocks stored?",
          explain="The batch norms of the new blocks hold mean and variance of a training, as those of a copied "
                  "block do. In eval mode batch norm subtracts the one and divides by the root of the other. A fresh "
                  "block has mean 0 and variance 1; make new ones with PlainBlock(planes, planes)."),
    Wrong("copied_as_it_is", """
import copy

def extend_with_identity(stage, planes, count):
    return nn.Sequential(*stage, *[copy.deepcopy(stage[-1]) for _ in range(count)])
""",
          ask="What does a copy of a trained block compute?",
          explain="The new blocks are copies of a trained block and compute what it has learned once more. They have "
                  "to compute the identity: fresh blocks, with convolutions and batch norms set for that."),
    Wrong("identity_layers", [("*blocks", "*(nn.Identity() for _ in range(count))")],
          ask="How many convolutions do your new blocks have?",
          explain="The new entries have no convolutions that could learn. The question is whether the deeper "
                  "network, with all its layers, has settings that are as good; so each new entry is a plain block "
                  "with two convolutions, set to copy its input."),
    Wrong("one_block_repeated", [("*blocks", "*[blocks[0]] * count")],
          ask="How many new blocks with weights of their own are there?",
          explain="One and the same block is in the stage `count` times: a list times a number repeats the object "
                  "and makes no new ones. In training they would always share their weights. Build a new block for "
                  "each place, in a loop or a list comprehension."),
    Wrong("root_of_eps", [("math.sqrt(1 + norm.eps)", "math.sqrt(norm.eps)")],
          ask="By which number does batch norm divide when the stored variance is 1?",
          explain="The weight is the root of eps alone, about 0.003, so each batch norm makes the numbers about 300 "
                  "times smaller. It divides by the root of variance + eps, and the variance of a fresh layer is 1."),
    Wrong("one_plus_root_of_eps", [("math.sqrt(1 + norm.eps)", "1 + math.sqrt(norm.eps)")],
          ask="What stands under the root, eps alone or the variance too?",
          explain="Here 1 is added to the root of eps: 1.0032 in place of 1.000005. Under the root of batch norm "
                  "stands the sum, variance + eps."),
    Wrong("root_forgotten", [("math.sqrt(1 + norm.eps)", "1 + norm.eps")],
          ask="Does batch norm divide by variance + eps, or by something made of it?",
          explain="The weight is 1 + eps, and the division is by the root of 1 + eps, which is about 1 + eps/2. So "
                  "each batch norm makes the numbers a little larger."),
    Wrong("weight_is_eps", [("math.sqrt(1 + norm.eps)", "norm.eps")],
          ask="What does the batch norm do to a number 1?",
          explain="The weight is eps itself, so next to nothing is left of a number 1. It should leave the batch "
                  "norm as 1: the weight must undo the division by the root of 1 + eps."),
    Wrong("weight_zero", [("nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))", "nn.init.zeros_(norm.weight)")],
          ask="What leaves a batch norm whose weight is 0?",
          explain="A weight of 0 makes everything 0. That is the start of a residual block, where a shortcut carries "
                  "x around it. A plain block has no shortcut, so its batch norms must let the numbers through."),
    Wrong("bias_for_weight", [("constant_(norm.weight", "constant_(norm.bias")],
          ask="Which of batch norm's two parameters multiplies?",
          explain="The number was given to `bias`, which is added to everything. The one that multiplies is "
                  "`weight`; the bias of a fresh layer is 0 and stays so."),
    Wrong("first_convolution_not_set", [
              ("((block.conv1, block.bn1), (block.conv2, block.bn2))", "((block.conv2, block.bn2),)")],
          ask="What does the first convolution of a new block do?",
          explain="The first convolution of the new blocks still has its random weights, so the second one copies "
                  "what is no longer the input. Set both pairs of convolution and batch norm."),
    Wrong("second_batch_norm_not_set", [
              ("            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))\n", ""),
              ("    return", "        nn.init.constant_(block.bn1.weight, math.sqrt(1 + norm.eps))\n    return")],
          ask="How many batch norms of a block take their division back?",
          explain="One batch norm of each new block makes up for eps, the other still has the weight 1 and makes the "
                  "numbers a little smaller. Set both."),
    Wrong("last_new_block_only", [
              ("    for block in blocks:\n", "    for block in blocks:\n        pass\n    if True:\n")],
          ask="How many of the new blocks are set to copy?",
          explain="Only the last of the new blocks was set, because the lines that do it stand after the loop. The "
                  "others still have random weights. Indent the lines into the loop over the blocks."),
    Wrong("first_new_block_only", [
              ("    return nn.Sequential(*stage, *blocks)",
               "        break\n    return nn.Sequential(*stage, *blocks)")],
          ask="For how many of the new blocks does your loop run?",
          explain="Only the first of the new blocks was set: the loop ends after its first turn. The others still "
                  "have random weights."),
    Wrong("channels_added_up", [
              ("nn.init.dirac_(conv.weight)", "nn.init.zeros_(conv.weight); conv.weight.data[:, :, 1, 1] = 1")],
          ask="Which input channels does a filter of the new convolution look at?",
          explain="The middle of every kernel is 1, for all pairs of channels, so each output channel is the sum of "
                  "all input channels. Only the kernel that leads from a channel to itself has a 1: weight[channel, "
                  "channel, 1, 1]."),
    Wrong("corner_for_middle", [
              ("nn.init.dirac_(conv.weight)",
               "nn.init.zeros_(conv.weight); conv.weight.data[range(planes), range(planes), 0, 0] = 1")],
          ask="Which of the nine numbers of a kernel belongs to the pixel itself?",
          explain="The 1 stands at another place than the middle of the channel's own kernel, so the image is moved, "
                  "or the channels change places. In a 3x3 kernel the middle is [1, 1], counted from 0."),
    Wrong("neighbours_added_up", [
              ("nn.init.dirac_(conv.weight)",
               "nn.init.zeros_(conv.weight); conv.weight.data[range(planes), range(planes)] = 1")],
          ask="How many ones does the kernel from a channel to itself have?",
          explain="The kernel from a channel to itself is all ones, so each pixel becomes the sum of its nine "
                  "neighbours. A copy needs a single 1, in the middle."),
    Wrong("eye", [("nn.init.dirac_", "nn.init.eye_")],
          ask="How many dimensions has the weight of a convolution?",
          explain="nn.init.eye_ makes an identity matrix and takes only tensors with two dimensions. The weight of a "
                  "convolution has four; its identity is set by nn.init.dirac_."),
    Wrong("one_block_too_many", [("range(count)", "range(count + 1)")],
          ask="How many new blocks are there for count=1?",
          explain="There is one new block more than `count` says. `range(count)` already has `count` numbers, from 0 "
                  "on."),
    Wrong("count_of_all", [("range(count)", "range(count - len(stage))")],
          ask="Is `count` the number of new blocks, or that of all?",
          explain="`count` was taken as the length of the whole stage. It is the number of new blocks: 3 trained "
                  "ones and count=6 give 9."),
    Wrong("new_blocks_only", [("(*stage, *blocks)", "(*blocks)")],
          ask="Where are the trained blocks?",
          explain="Only the new blocks come back, and they pass on what comes in. The trained ones have to stand in "
                  "front of them, in the same nn.Sequential."),
    Wrong("stage_as_one_entry", [("(*stage, *blocks)", "(stage, *blocks)")],
          ask="How many entries does the new nn.Sequential have?",
          explain="The old stage is one single entry of the new nn.Sequential. It computes the right numbers, and 3 "
                  "trained blocks and count=6 still give 7 entries in place of 9. A star in front of the stage hands "
                  "its blocks over one by one."),
    Wrong("new_blocks_as_one_entry", [("(*stage, *blocks)", "(*stage, nn.Sequential(*blocks))")],
          ask="How many entries does your nn.Sequential have after the trained blocks?",
          explain="All new blocks together are one single entry. It computes the right numbers, and 3 trained blocks "
                  "and count=6 give 4 entries in place of 9. Hand the new blocks over one by one, with a star."),
    Wrong("list_comes_back", [("return nn.Sequential(*stage, *blocks)", "return [*stage, *blocks]")],
          ask="Can what comes back be called with x?",
          explain="A list of blocks comes back. The lesson puts the result in place of a stage and calls it, and "
                  "PyTorch does not find the weights in a list. Hand the blocks to nn.Sequential, one by one."),
    Wrong("last_factor_zero", [
              ("    return nn.Sequential(*stage",
               "        nn.init.zeros_(block.bn2.weight)\n    return nn.Sequential(*stage")],
          ask="What comes out of a block without a shortcut, if its last batch norm multiplies by 0?",
          explain="The last batch norm has the weight 0, so nothing but its shift comes out. That makes a block the "
                  "identity where a shortcut carries x past it. A plain block has none, and must pass x on itself."),
    Wrong("returns_none", [("return nn.Sequential(*stage, *blocks)", "stage = nn.Sequential(*stage, *blocks)")],
          ask="What does the function hand back?",
          explain="The longer stage is built, and nothing is returned. Inside a function `stage = ...` only gives a "
                  "name to it; the caller gets None."),
]
# fmt: on

EXERCISE = Exercise(
    "extend_with_identity",
    lesson="04",
    defines="extend_with_identity",
    observe=observe,
    start="Treat one block first, and in it one pair of convolution and batch norm. The text says how a convolution "
    "copies its input. For the batch norm put mean 0, variance 1 and bias 0 into the formula and ask which "
    "weight gives x back; `norm.eps` is the eps. Then do the same with the other pair.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "by hand, without dirac_": """
def extend_with_identity(stage, planes, count):
    longer = list(stage)
    for _ in range(count):
        block = PlainBlock(planes, planes)
        with torch.no_grad():
            for conv in (block.conv1, block.conv2):
                conv.weight.zero_()
                for channel in range(planes):
                    conv.weight[channel, channel, 1, 1] = 1
            for norm in (block.bn1, block.bn2):
                norm.weight.fill_((1 + norm.eps) ** 0.5)
        longer.append(block)
    return nn.Sequential(*longer)
""",
        "the stored variance set to 1 - eps in place of the weight": edited(
            ANSWER,
            ("import math\n\n", ""),
            (
                "            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))",
                "            norm.running_var.fill_(1 - norm.eps)",
            ),
        ),
        "a copy that is set back to a fresh one": """
import copy

def extend_with_identity(stage, planes, count):
    longer = copy.deepcopy(stage)
    for number in range(count):
        block = copy.deepcopy(stage[0])
        for module in block.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()
                module.weight.data *= (module.running_var + module.eps).sqrt()
            elif isinstance(module, nn.Conv2d):
                module.weight.data = nn.init.dirac_(torch.empty(planes, planes, 3, 3))
        longer.append(block)
    return longer
""",
        "the convolution makes up for eps": """
def extend_with_identity(stage, planes, count):
    def make():
        block = PlainBlock(planes, planes).eval()
        for conv, norm in zip([block.conv1, block.conv2], [block.bn1, block.bn2]):
            kernel = torch.zeros(planes, planes, 3, 3)
            kernel[:, :, 1, 1] = torch.eye(planes) * (1 + norm.eps) ** 0.5
            conv.weight = nn.Parameter(kernel)
        return block
    return stage.extend(make() for _ in range(count))
""",
        "eps set to zero": edited(
            ANSWER, ("nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))", "norm.eps = 0.0")
        ),
        "a subclass that sets itself": """
class Through(PlainBlock):
    def __init__(self, planes):
        super().__init__(planes, planes)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 4:
                nn.init.dirac_(parameter)
            elif name.endswith("weight"):
                with torch.no_grad():
                    parameter.fill_(1.00001**0.5)

def extend_with_identity(stage, planes, count):
    blocks = [block for block in stage]
    while count > 0:
        blocks.append(Through(planes))
        count -= 1
    return nn.Sequential(*blocks)
""",
    },
    unknown={
        "half of the identity": edited(
            ANSWER, ("nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))", "nn.init.constant_(norm.weight, 0.5)")
        ),
    },
)
