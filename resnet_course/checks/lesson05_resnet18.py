"""Lesson 05, `resnet18`: the whole network, from the number of classes."""

from __future__ import annotations

import inspect
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.checking.compare import default_of
from resnet_course.checking.core import Exercise, Mistake
from resnet_course.checking.networks import Case, SameNetwork
from resnet_course.checks.lesson05_wrong_networks import (
    NoGradient,
    NoLastStage,
    NoStemRelu,
    behind,
    changed,
    fixed_pooling,
    hidden_stages,
    linear_bias,
    network,
    no_linear,
    no_stem_norm,
    pooled,
    shared_blocks,
    staged,
    stem_bias,
    stem_pool,
    stem_stride,
    with_linear,
)
from resnet_course.models import Bottleneck, PlainBlock, ResNet, resnet18

CASES = (
    Case(10, (1, 3, 32, 32)),
    Case(10, (1, 3, 33, 33)),  # 5×5 before the pooling
    Case(7, (2, 3, 16, 16), training=True),
)
OTHER_BLOCKS = [1, 2, 3, 4]  # in ResNet-18 all four numbers are equal, which hides a stage that takes another's
SAME = SameNetwork(resnet18, CASES)


def _compare(candidate: Any, implementation: Any) -> str | None:
    """The networks, and for an answer that makes the right one also the class behind it."""
    difference = SAME(candidate, implementation)
    return difference if difference is not None or implementation is not resnet18 else _class_differs(candidate)


def _class_differs(candidate: Any) -> str | None:
    """Whether a class `ResNet(block, num_blocks, num_classes)` serves for other blocks and depths as well."""
    try:
        with torch.device("meta"):
            classes = [kind for kind in type(candidate(10)).__mro__ if _takes_blocks(kind)]
    except Exception:  # an answer whose weights must be real; it has passed, and building more of them takes long
        classes = []
    with torch.device("meta"):
        mine = [kind(Bottleneck, OTHER_BLOCKS, num_classes=10) for kind in classes]
        needed = _count_parameters(ResNet(Bottleneck, OTHER_BLOCKS, num_classes=10))
    for kind, network_of_it in zip(classes, mine, strict=True):
        count = _count_parameters(network_of_it)
        if count != needed:
            call = f"{kind.__name__}(Bottleneck, {OTHER_BLOCKS})"
            return f"ResNet18 is right, but {call} has {count:,} parameters where {needed:,} are needed."
    for function, place in ((candidate, 0), *((kind, 2) for kind in classes)):
        default = default_of(function, place)
        if default not in ("missing", 10):
            return f"the default of num_classes should be 10 and is {default!r}."
    return None


def _takes_blocks(kind: type) -> bool:
    names = list(inspect.signature(kind.__init__).parameters)
    return "__init__" in vars(kind) and names[1:] == ["block", "num_blocks", "num_classes"]


def _count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


RESNET18 = Exercise(
    "resnet18",
    "05",
    resnet18,
    _compare,
    (
        Mistake(
            "network_given",
            nn.Identity(),
            "What is handed to the check, a class or a network? A network that is already built was handed over. The "
            "check builds networks of its own, with other numbers of classes, so it needs the class or function "
            "itself, without brackets behind it.",
        ),
        Mistake(
            "nothing_returned",
            lambda num_classes=10: None,
            "What comes back when your function is called? The function gives None, as a Python function without a "
            "`return` does. The network is built and lost; hand it back.",
        ),
        Mistake(
            "blocks_not_chosen",
            ResNet,
            "Which block does your network use, and how many in each stage? Block and depth are still open: the check "
            "calls your network with the number of classes alone. ResNet-18 chooses both itself, basic blocks and two "
            "in each stage.",
        ),
        Mistake(
            "forward_returns_nothing",
            behind(lambda logits: None),
            "What does `forward` give back? `forward` gives None, because it has no `return`. The logits of the "
            "linear layer are asked for.",
        ),
        Mistake(
            "stem_relu_forgotten",
            network(kind=NoStemRelu),
            "What stands between the very first batch norm and `layer1`? Nothing stands between the first batch norm "
            "and `layer1`. The stem is convolution, batch norm and ReLU; without the ReLU negative numbers reach the "
            "first shortcut, which passes them on as they are.",
        ),
        Mistake(
            "stem_norm_forgotten",
            changed(no_stem_norm),
            "What follows the very first convolution? Only a ReLU follows the first convolution. The stem has a batch "
            "norm as well, like every convolution of the network, and the first convolution has no bias because of "
            "it.",
        ),
        Mistake(
            "stem_bias_left_on",
            changed(stem_bias),
            "What becomes of a bias in the first convolution? The bias is lost: the batch norm behind it subtracts "
            "the mean of each channel, and the bias with it. Its 64 numbers are parameters without effect; build the "
            "convolution without a bias.",
        ),
        Mistake(
            "stem_of_imagenet",
            network(stem="imagenet"),
            "For which image size is this stem made? 7×7 at stride 2 and a max pooling are made for 224×224. They "
            "leave 8×8 of a 32×32 image before the first stage. For small images the stem is one 3×3 convolution at "
            "stride 1.",
        ),
        Mistake(
            "stem_stride_2",
            changed(stem_stride),
            "How large is an image of 32×32 behind the first convolution? The first convolution has stride 2 and "
            "makes 16×16 of 32×32. The stem for small images keeps height and width; the stages make the image "
            "smaller.",
        ),
        Mistake(
            "stem_pooling",
            changed(stem_pool),
            "How large is the image when it reaches `layer1`? The image is halved by a max pooling, which belongs to "
            "the stem for 224×224. For small images nothing stands between the stem's ReLU and the first stage.",
        ),
        Mistake(
            "in_planes_forgotten",
            staged(in_planes_forgotten=True),
            "How many channels does the second block of `layer2` expect? The second block of `layer2` expects 64 "
            "channels, but the block before it sends out 128. `self.in_planes` still holds what came into the stage; "
            "it has to be set anew after every block.",
        ),
        Mistake(
            "stride_in_first_stage",
            staged(strides=(2, 2, 2, 2)),
            "Which stages halve the image? All four stages halve the image here, so 32×32 ends at 2×2, and every "
            "stage works on a quarter of its pixels. The first stage keeps the size: its stride is 1.",
        ),
        Mistake(
            "no_strides",
            staged(strides=(1, 1, 1, 1)),
            "How large is the map behind `layer4` for an image of 32×32? No stage halves the image, so 32×32 stays "
            "32×32. The average pooling hides that: shapes and parameters are right, but the last stages cost many "
            "times as much and each number sees less of the image.",
        ),
        Mistake(
            "last_stride_forgotten",
            staged(strides=(1, 2, 2, 1)),
            "How large is the map behind each of the four stages? The last stage leaves the map at 8×8, where 4×4 is "
            "right. The average pooling hides it: shapes and parameters are the same either way. All stages except "
            "the first have stride 2.",
        ),
        Mistake(
            "stride_on_every_block",
            staged(later_stride=True),
            "How often does one stage halve the image? Both blocks of a stage take the stride: 32×32 is down to 1×1 "
            "behind `layer4`. Only the first block of a stage takes it, the other has stride 1.",
        ),
        Mistake(
            "channels_not_doubled",
            staged((64, 64, 64, 64)),
            "How many channels does each of the four stages have? All stages have 64 channels here. The number "
            "doubles from stage to stage: where the image gets smaller, there are more channels, up to 512.",
        ),
        Mistake(
            "channels_from_16",
            network(width=16),
            "With how many channels does the first stage work? The first stage has 16 channels, as in the paper's "
            "small networks for CIFAR (depth 6n+2). ResNet-18 starts with 64 and ends with 512.",
        ),
        Mistake(
            "three_stages",
            network(num_blocks=(2, 2, 2)),
            "How many stages are there? There are three stages, as in the paper's small networks for CIFAR. ResNet-18 "
            "has four; the last one has 512 channels.",
        ),
        Mistake(
            "one_block_each",
            network(num_blocks=(1, 1, 1, 1)),
            "How many convolutions do your stages have together? One block in each stage makes 8 convolutions. With "
            "the stem and the linear layer that makes a ResNet-10; for 18 the stages need twice as many blocks.",
        ),
        Mistake(
            "blocks_of_resnet34",
            network(num_blocks=(3, 4, 6, 3)),
            "How many blocks stand in each stage? The stages have 3, 4, 6 and 3 blocks, which makes a ResNet-34. "
            "ResNet-18 has 16 convolutions in its stages, two in each block and the same number of blocks in every "
            "stage.",
        ),
        Mistake(
            "bottleneck_blocks",
            network(Bottleneck),
            "How many convolutions does one of your blocks have? Your blocks have three convolutions: these are "
            "bottlenecks, which the networks from ResNet-50 on use. ResNet-18 is built from basic blocks with two 3×3 "
            "convolutions.",
        ),
        Mistake(
            "plain_blocks",
            network(PlainBlock),
            "What is added to the result of a block's convolutions? These are plain blocks, without a shortcut, and "
            "the network is the plain 18-layer one. ResNet-18 has the block of lesson 03, which adds x.",
        ),
        Mistake(
            "stages_not_registered",
            changed(hidden_stages),
            "How many parameters does `parameters()` find in the stages? The modules of the stages are not "
            "registered: PyTorch does not look into Python lists and dicts. The network runs, but the optimizer never "
            "trains the stages, and `state_dict` does not save them. nn.Sequential registers them.",
        ),
        Mistake(
            "shared_blocks",
            changed(shared_blocks),
            "How many different blocks does the first stage have? The first stage has one block, used twice, so both "
            "places share their weights: `[block] * 2` repeats one object. Each place needs a block that is built for "
            "it.",
        ),
        Mistake(
            "last_stage_skipped",
            network(kind=NoLastStage),
            "Through which stages does `forward` send the image? `layer4` is built but never called, so its weights "
            "get no gradient. It comes between `layer3` and the pooling.",
        ),
        Mistake(
            "max_pooling_at_the_end",
            pooled(lambda out: F.adaptive_max_pool2d(out, 1).flatten(1)),
            "How does each channel's last map become one number? Each map becomes its largest value here. The network "
            "takes the mean over the map (average pooling), so that every place of it counts.",
        ),
        Mistake(
            "sum_at_the_end",
            pooled(lambda out: out.sum(dim=(2, 3))),
            "What happens to the features, if the image has twice the height and width? The last map is summed up, so "
            "an image of twice the height and width has features about four times as large. The network takes the "
            "mean over the map, which does not grow with the image.",
        ),
        Mistake(
            "fixed_pooling",
            pooled(fixed_pooling),
            "What does a pooling window of 4×4 do with a map of 6×6? On a map of 6×6 a pooling window of 4×4 stands "
            "once and sees 16 of the 36 numbers, and the others are dropped without a word. An 8×8 map gives 4 "
            "windows, and the linear layer stops with an error. The pooling must adapt to the map: one number per "
            "channel, whatever the size.",
        ),
        Mistake(
            "linear_for_64",
            with_linear(2048, fixed_pooling),
            "For which image size does the linear layer have 2048 inputs? The layer has 2048 inputs for 64×64 images "
            "and a pooling of fixed size, which leaves 2×2 windows of 512 channels. Images of 32×32 give 512 numbers, "
            "and the layer stops with an error. A pooling that adapts gives 512 for every size.",
        ),
        Mistake(
            "no_pooling",
            with_linear(512 * 16, lambda out: out.flatten(1)),
            "How many inputs does the linear layer have? The 4×4 map of each of 512 channels is flattened as it is, "
            "so the linear layer has 8192 inputs. That is 16 times as many weights, and it fits images of one size "
            "only. An average pooling makes one number of each map first.",
        ),
        Mistake(
            "flatten_forgotten",
            pooled(lambda out: F.adaptive_avg_pool2d(out, 1)),
            "Which shape does the pooling give? The pooling gives (N, 512, 1, 1), with height and width still there, "
            "each of length 1. The linear layer works on the last dimension and expects 512 numbers there, so the two "
            "ones have to go.",
        ),
        Mistake(
            "num_classes_ignored",
            lambda num_classes=10: resnet18(10),
            "How many numbers come out of a network for 7 classes? `num_classes` is not used, so 7 classes get 10 "
            "logits. The last layer needs as many outputs as there are classes.",
        ),
        Mistake(
            "linear_forgotten",
            changed(no_linear),
            "How many numbers come out for each image? The 512 features behind the pooling come out. A linear layer "
            "has to make one logit for each class of them.",
        ),
        Mistake(
            "linear_without_bias",
            changed(linear_bias),
            "Which layer, if any, shifts the logits of each class? The linear layer has no bias, so nothing shifts "
            "the logits of a class. The convolutions do without one because a batch norm with a shift follows them; "
            "behind the linear layer there is none.",
        ),
        Mistake(
            "softmax_at_the_end",
            behind(lambda logits: F.softmax(logits, dim=1)),
            "What does PyTorch's cross-entropy do with what it gets? Cross-entropy takes logits and applies the "
            "softmax itself, so in training there would be two. Numbers between 0 and 1 are poor logits: with ten "
            "classes the loss could not fall below 1.46. The linear layer comes last.",
        ),
        Mistake(
            "log_softmax_at_the_end",
            behind(lambda logits: F.log_softmax(logits, dim=1)),
            "What does the network give back, logits or something computed from them? The network gives "
            "log-probabilities. Cross-entropy applies the log-softmax itself; a second one does not change the loss, "
            "but the outputs are no logits any more. The linear layer comes last.",
        ),
        Mistake(
            "relu_at_the_end",
            behind(F.relu),
            "What happens to a logit of -3? A ReLU follows the linear layer, so a logit of -3 becomes 0. A class that "
            "the network wants to rule out then looks like one it knows nothing about, and gets no gradient. Logits "
            "may be negative.",
        ),
        Mistake(
            "no_gradient",
            network(kind=NoGradient),
            "Which parameters get a gradient from a backward pass? No parameter gets a gradient: a no_grad or a "
            "detach in `forward` cuts the network off, so it gives answers but cannot learn. no_grad belongs into the "
            "code that measures a network, not into the network.",
        ),
    ),
)
