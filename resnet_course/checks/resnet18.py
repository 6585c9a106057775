"""Lesson 08 · `resnet18`: the whole network, from the number of classes.

The network is looked at as a chain of layers and blocks, see `chain`. Where it has as many parameters as ResNet-18, the
class behind it must serve for other blocks and depths as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.chain import chain_of, not_drawn
from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.graph import record
from resnet_course.checking.modules import SEED, WrongKindError, give_weights
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import shown
from resnet_course.models import Bottleneck, resnet18

OTHER_BLOCKS = [1, 2, 3, 4]  # in ResNet-18 all four numbers are equal, which hides a stage that takes another's
PARAMETERS = 11_172_423  # with 7 classes
SHAPE = (1, 3, 33, 33)  # 5x5 before the pooling


def observe(answer: Any) -> Iterator[Seen]:
    """The chain of a network for 7 classes; the class behind it; then numbers, which judge."""
    if isinstance(answer, nn.Module) or not callable(answer):
        raise WrongKindError(f"the class ResNet18 itself is needed, and this is {shown(answer)}")
    parameters = list(inspect.signature(answer).parameters.values())
    needed = sum(each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)
    yield Seen("how many arguments a call of ResNet18 needs beside the number of classes", max(0, needed - 1))
    if needed > 1:
        raise WrongKindError("ResNet18(7) needs more arguments than the number of classes")
    network = _built(answer, 7)
    yield Seen("the kind of ResNet18(7)", "a network" if isinstance(network, nn.Module) else network)
    if not isinstance(network, nn.Module):
        raise WrongKindError(f"ResNet18(7) should be an nn.Module and is {shown(network)}")
    count, kind = _count(network), type(network)
    shapes = [tuple(each.shape) for each in network.parameters() if each.dim() > 1]
    del network  # what is kept of many networks must be small
    for shape in dict.fromkeys(shapes):
        yield Seen(f"in ResNet18(7), the number of weights of shape {shape}", shapes.count(shape), judges=False)
    chain, output, error = chain_of(_built(answer, 7), torch.zeros(SHAPE))
    yield Seen("in ResNet18(7)", chain, judges=False)
    if error is not None:
        raise error
    what = None if output is None else "a tensor" if isinstance(output, Tensor) else f"a {type(output).__name__}"
    yield Seen(f"what ResNet18(7) gives for input {SHAPE}", what)
    gradients = isinstance(output, Tensor) and output.requires_grad
    del output
    yield Seen("whether a gradient can flow back from the output of ResNet18(7)", gradients)
    yield Seen("the default of num_classes", parameters[0].default if parameters and needed == 0 else 10)
    yield from _see_class(kind, count)
    yield Seen("in ResNet18(7), all of it", chain.digest, judges=False, explains=False)
    yield Seen("the number of parameters of ResNet18(7)", count, explains=False)
    yield Seen("the number of parameters of ResNet18(10)", _count(_built(answer, 10)), explains=False)
    yield from _see_runs(_built(answer, 7))


def _built(answer: Any, num_classes: int) -> Any:
    torch.manual_seed(SEED)
    with not_drawn():
        return answer(num_classes)


def _count(network: Any) -> int:
    return sum(each.numel() for each in network.parameters()) if isinstance(network, nn.Module) else 0


def _see_class(kind: type, count: int) -> Iterator[Seen]:
    """What `ResNet(block, num_blocks, num_classes)` makes of other blocks, where there is such a class."""
    stages, inputs, default = ", ".join(map(str, OTHER_BLOCKS)), 512 * Bottleneck.expansion, 10
    come_in = ", ".join(str(planes * Bottleneck.expansion) for planes in (64, 128))
    for each in kind.__mro__:
        names = list(inspect.signature(each.__init__).parameters.values()) if "__init__" in vars(each) else []
        if count == PARAMETERS and [name.name for name in names[1:]] == ["block", "num_blocks", "num_classes"]:
            with not_drawn():
                shapes = [tuple(part.shape) for part in each(Bottleneck, OTHER_BLOCKS, num_classes=7).parameters()]
            stages = ", ".join(str(shapes.count((64 * 2**i, 64 * 2**i, 3, 3))) for i in range(4))
            come_in = ", ".join(str(shape[1]) for shape in shapes if shape[0] == 128 and shape[2:] == (1, 1))
            inputs = next((shape[1] for shape in shapes if len(shape) == 2), 0)
            default = 10 if names[3].default is inspect.Parameter.empty else names[3].default
    call = f"ResNet(Bottleneck, {OTHER_BLOCKS}, 7)"
    yield Seen(f"the number of blocks in each stage of {call}", stages)
    yield Seen(f"the numbers of channels for which the blocks of the second stage of {call} are built", come_in)
    yield Seen(f"the number of inputs of the linear layer of {call}", inputs)
    yield Seen("the default of num_classes in the class ResNet", default)


def _see_runs(network: nn.Module) -> Iterator[Seen]:
    give_weights(network, record(network.eval(), torch.zeros(SHAPE)))
    for shape, train in ((SHAPE, False), ((1, 3, 32, 32), False), ((2, 3, 16, 16), True)):
        torch.manual_seed(SEED)  # of dropout
        x = torch.randn(shape, generator=torch.Generator().manual_seed(SEED)).requires_grad_()
        where = f"in {'training' if train else 'eval'} mode for input {shape}"
        output = network.train(train)(x)
        yield Seen(f"the output of ResNet18(7) {where}", output, explains=False)
    if isinstance(output, Tensor) and output.requires_grad:
        gradients = torch.autograd.grad(output.square().sum(), [x, *network.parameters()], allow_unused=True)
        yield Seen(f"{where}, the gradient that reaches the input", gradients[0], explains=False)
        without = sum(gradient is None for gradient in gradients)
        yield Seen(f"{where}, the number of parameters without a gradient", without, explains=False)


ANSWER = """
class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10):
        super().__init__()
        self.in_planes = 64
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = self._make_layer(block, 64, num_blocks[0], 1)
        self.layer2 = self._make_layer(block, 128, num_blocks[1], 2)
        self.layer3 = self._make_layer(block, 256, num_blocks[2], 2)
        self.layer4 = self._make_layer(block, 512, num_blocks[3], 2)
        self.linear = nn.Linear(512 * block.expansion, num_classes)

    def _make_layer(self, block, planes, num_blocks, stride):
        layers = []
        for each in [stride] + [1] * (num_blocks - 1):
            layers.append(block(self.in_planes, planes, each))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer1(out)
        out = self.layer2(out)
        out = self.layer3(out)
        out = self.layer4(out)
        out = F.adaptive_avg_pool2d(out, 1)
        out = out.flatten(1)
        return self.linear(out)

def ResNet18(num_classes=10):
    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)
"""
OWN_BLOCK = """
class Block(nn.Module):
    expansion = 1

    def __init__(self, came, wide, stride=1):
        super().__init__()
        self.skip = nn.Identity()
        if stride != 1 or came != wide:
            self.skip = nn.Sequential(nn.Conv2d(came, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))
        self.b = nn.Sequential(nn.Conv2d(wide, wide, 3, 1, 1, bias=False), nn.BatchNorm2d(wide))
        self.a = nn.Sequential(nn.Conv2d(came, wide, 3, stride, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(True))

    def forward(self, x):
        around = self.skip(x)
        out = self.b(self.a(x))
        out += around
        return out.relu_()
"""
SEQUENCE = """
def ResNet18(num_classes=10):
    layers, came = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for wide in (64, 128, 256, 512):
        layers += [BasicBlock(came, wide, 1 if wide == 64 else 2), BasicBlock(wide, wide, 1)]
        came = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, num_classes))
"""
# fmt: off
WRONG = [
    Wrong("network_given", [
              ("    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)\n",
               "    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)\n\nResNet18 = ResNet18(10)\n")],
          ask="What is handed to the check, a class or a network?",
          explain="A network that is already built was handed over. The check builds networks of its own, with other "
                  "numbers of classes, so it needs the class or function itself, without brackets after it."),
    Wrong("nothing_returned", [
              ("return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)",
               "ResNet(BasicBlock, [2, 2, 2, 2], num_classes)")],
          ask="What comes back when your function is called?",
          explain="The function gives None, as a Python function without a `return` does. The network is built and "
                  "lost; hand it back."),
    Wrong("blocks_not_chosen", [
              ("    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)\n",
               "    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)\n\nResNet18 = ResNet\n")],
          ask="Which block does your network use, and how many in each stage?",
          explain="Block and depth are still open: the check calls your network with the number of classes alone. "
                  "ResNet-18 chooses both itself, basic blocks and two in each stage."),
    Wrong("forward_returns_nothing", [("return self.linear(out)", "self.linear(out)")],
          ask="What does `forward` give back?",
          explain="`forward` gives None, because it has no `return`. The logits of the linear layer are asked for."),
    Wrong("stem_relu_forgotten", [
              ("out = F.relu(self.bn1(self.conv1(x)))", "out = self.bn1(self.conv1(x))")],
          ask="What stands between the very first batch norm and `layer1`?",
          explain="Nothing stands between the first batch norm and `layer1`. The stem is convolution, batch norm and "
                  "ReLU; without the ReLU negative numbers reach the first shortcut, which passes them on as they "
                  "are."),
    Wrong("stem_norm_forgotten", [
              ("        self.bn1 = nn.BatchNorm2d(64)\n", ""),
              ("out = F.relu(self.bn1(self.conv1(x)))", "out = F.relu(self.conv1(x))")],
          ask="What follows the very first convolution?",
          explain="Only a ReLU follows the first convolution. The stem has a batch norm as well, like every "
                  "convolution of the network, and the first convolution has no bias because of it."),
    Wrong("stem_bias_left_on", [
              ("self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)",
               "self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1)")],
          ask="What becomes of a bias in the first convolution?",
          explain="The bias is lost: the batch norm after it subtracts the mean of each channel, and the bias with "
                  "it. Its 64 numbers are parameters without effect; build the convolution without a bias."),
    Wrong("stem_of_imagenet", [
              ("self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)",
               "self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)"),
              ("        out = F.relu(self.bn1(self.conv1(x)))\n",
               "        out = F.relu(self.bn1(self.conv1(x)))\n        out = F.max_pool2d(out, 3, 2, 1)\n")],
          ask="For which image size is this stem made?",
          explain="7×7 at stride 2 and a max pooling are made for 224×224. They leave 8×8 of a 32×32 image before "
                  "the first stage. For small images the stem is one 3×3 convolution at stride 1."),
    Wrong("stem_stride_2", [
              ("self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)",
               "self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=2, padding=1, bias=False)")],
          ask="How large is an image of 32×32 after the first convolution?",
          explain="The first convolution has stride 2 and makes 16×16 of 32×32. The stem for small images keeps "
                  "height and width; the stages make the image smaller."),
    Wrong("stem_pooling", [
              ("        out = F.relu(self.bn1(self.conv1(x)))\n",
               "        out = F.relu(self.bn1(self.conv1(x)))\n        out = F.max_pool2d(out, 3, 2, 1)\n")],
          ask="How large is the image when it reaches `layer1`?",
          explain="The image is halved by a max pooling, which belongs to the stem for 224×224. For small images "
                  "nothing stands between the stem's ReLU and the first stage."),
    Wrong("in_planes_forgotten", [
              ("            self.in_planes = planes * block.expansion\n",
               "        self.in_planes = planes * block.expansion\n")],
          ask="How many channels does the second block of `layer2` expect?",
          explain="The second block of `layer2` expects 64 channels, but the block before it sends out 128. "
                  "`self.in_planes` still holds what came into the stage; it has to be set anew after every block."),
    Wrong("in_planes_never_set", [("            self.in_planes = planes * block.expansion\n", "")],
          ask="For how many input channels is each block of `layer2`, `layer3` and `layer4` built?",
          explain="`self.in_planes` is 64 at the start and is never set anew, so every block is built for 64 channels. "
                  "The first block of `layer2` sends out 128. Set it after every block to what that block sends out."),
    Wrong("stride_in_first_stage", [
              ("self.layer1 = self._make_layer(block, 64, num_blocks[0], 1)",
               "self.layer1 = self._make_layer(block, 64, num_blocks[0], 2)")],
          ask="Which stages halve the image?",
          explain="All four stages halve the image here, so 32×32 ends at 2×2, and every stage works on a quarter of "
                  "its pixels. The first stage keeps the size: its stride is 1."),
    Wrong("no_strides", [
              ("layers.append(block(self.in_planes, planes, each))", "layers.append(block(self.in_planes, planes))")],
          ask="How large is the map after `layer4` for an image of 32×32?",
          explain="No stage halves the image, so 32×32 stays 32×32. The average pooling hides that: shapes and "
                  "parameters are right, but the last stages cost many times as much and each number sees less of "
                  "the image."),
    Wrong("last_stride_forgotten", [
              ("self.layer4 = self._make_layer(block, 512, num_blocks[3], 2)",
               "self.layer4 = self._make_layer(block, 512, num_blocks[3], 1)")],
          ask="How large is the map after each of the four stages?",
          explain="The last stage leaves the map at 8×8, where 4×4 is right. The average pooling hides it: shapes "
                  "and parameters are the same either way. All stages except the first have stride 2."),
    Wrong("stride_on_every_block", [
              ("for each in [stride] + [1] * (num_blocks - 1):", "for each in [stride] * num_blocks:")],
          ask="How often does one stage halve the image?",
          explain="Both blocks of a stage take the stride: 32×32 is down to 1×1 after `layer4`. Only the first "
                  "block of a stage takes it, the other has stride 1."),
    Wrong("channels_not_doubled", [
              ("block, 128", "block, 64"), ("block, 256", "block, 64"), ("block, 512", "block, 64"),
              ("Linear(512", "Linear(64")],
          ask="How many channels does each of the four stages have?",
          explain="All stages have 64 channels here. The number doubles from stage to stage: where the image gets "
                  "smaller, there are more channels, up to 512."),
    Wrong("channels_from_16", [("64", "16"), ("128", "32"), ("256", "64"), ("512", "128")],
          ask="With how many channels does the first stage work?",
          explain="The first stage has 16 channels, as in the paper's small networks for CIFAR (depth 6n+2). "
                  "ResNet-18 starts with 64 and ends with 512."),
    Wrong("three_stages", [
              ("        self.layer4 = self._make_layer(block, 512, num_blocks[3], 2)\n", ""),
              ("        out = self.layer4(out)\n", ""), ("Linear(512", "Linear(256")],
          ask="How many stages are there?",
          explain="There are three stages, as in the paper's small networks for CIFAR. ResNet-18 has four; the last "
                  "one has 512 channels."),
    Wrong("one_block_each", [
              ("return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)",
               "return ResNet(BasicBlock, [1, 1, 1, 1], num_classes)")],
          ask="How many convolutions do your stages have together?",
          explain="One block in each stage makes 8 convolutions. With the stem and the linear layer that makes a "
                  "ResNet-10; for 18 the stages need twice as many blocks."),
    Wrong("blocks_of_resnet34", [
              ("return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)",
               "return ResNet(BasicBlock, [3, 4, 6, 3], num_classes)")],
          ask="How many blocks stand in each stage?",
          explain="The stages have 3, 4, 6 and 3 blocks, which makes a ResNet-34. ResNet-18 has 16 convolutions in "
                  "its stages, two in each block and the same number of blocks in every stage."),
    Wrong("bottleneck_blocks", [
              ("return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)",
               "return ResNet(Bottleneck, [2, 2, 2, 2], num_classes)")],
          ask="How many convolutions does one of your blocks have?",
          explain="Your blocks have three convolutions: these are bottlenecks, which the networks from ResNet-50 on "
                  "use. ResNet-18 is built from basic blocks with two 3×3 convolutions."),
    Wrong("plain_blocks", [
              ("return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)",
               "return ResNet(PlainBlock, [2, 2, 2, 2], num_classes)")],
          ask="What is added to the result of a block's convolutions?",
          explain="These are plain blocks, without a shortcut, and the network is the plain 18-layer one. ResNet-18 "
                  "has the block of lesson 05, which adds x."),
    Wrong("stages_not_registered", [
              ("self.in_planes = 64", "self.in_planes, self.stages = 64, {}"),
              ("self.layer1", "self.stages[1]"), ("self.layer2", "self.stages[2]"),
              ("self.layer3", "self.stages[3]"), ("self.layer4", "self.stages[4]")],
          ask="How many parameters does `parameters()` find in the stages?",
          explain="The modules of the stages are not registered: PyTorch does not look into Python lists and dicts. "
                  "The network runs, but the optimizer never trains the stages, and `state_dict` does not save them. "
                  "nn.Sequential registers them."),
    Wrong("shared_blocks", [
              ("return nn.Sequential(*layers)",
               "return nn.Sequential(*(layers if stride > 1 else layers[:1] * num_blocks))")],
          ask="How many different blocks does the first stage have?",
          explain="The first stage has one block, used twice, so both places share their weights: `[block] * 2` "
                  "repeats one object. Each place needs a block that is built for it."),
    Wrong("last_stage_skipped", [("        out = self.layer4(out)\n", "")],
          ask="Through which stages does `forward` send the image?",
          explain="`layer4` is built but never called, so its weights get no gradient. It comes between `layer3` and "
                  "the pooling."),
    Wrong("first_stage_skipped", [("        out = self.layer1(out)\n", "")],
          ask="Through which stages does `forward` send the image?",
          explain="The result does not depend on `layer1`: it is not called, or what it gives back is not stored. No "
                  "error tells of it, since 64 channels come in and 64 leave it. It comes right after the stem."),
    Wrong("stage_twice", [
              ("        out = self.layer1(out)\n",
               "        out = self.layer1(out)\n        out = self.layer1(out)\n")],
          ask="How often does an image run through each stage?",
          explain="The image runs through `layer1` twice, with the same weights both times. No error tells of it, "
                  "since 64 channels stay 64. Each stage is called once."),
    Wrong("max_pooling_at_the_end", [
              ("out = F.adaptive_avg_pool2d(out, 1)", "out = F.adaptive_max_pool2d(out, 1)")],
          ask="How does each channel's last map become one number?",
          explain="Each map becomes its largest value here. The network takes the mean over the map (average "
                  "pooling), so that every place of it counts."),
    Wrong("sum_at_the_end", [
              ("out = F.adaptive_avg_pool2d(out, 1)", "out = out.sum(dim=(2, 3), keepdim=True)")],
          ask="What happens to the features, if the image has twice the height and width?",
          explain="The last map is summed up, so an image of twice the height and width has features about four times "
                  "as large, even if the sum is divided by a fixed number. The network takes the mean over the map, "
                  "which does not grow with the image."),
    Wrong("fixed_pooling", [("out = F.adaptive_avg_pool2d(out, 1)", "out = F.avg_pool2d(out, 4)")],
          ask="What does a pooling window of 4×4 do with a map of 6×6?",
          explain="On a map of 6×6 a pooling window of 4×4 stands once and sees 16 of the 36 numbers, and the others "
                  "are dropped without a word. An 8×8 map gives 4 windows, and the linear layer stops with an error. "
                  "The pooling must adapt to the map: one number per channel, whatever the size."),
    Wrong("linear_for_64", [
              ("self.linear = nn.Linear(512 * block.expansion, num_classes)",
               "self.linear = nn.Linear(2048 * block.expansion, num_classes)"),
              ("out = F.adaptive_avg_pool2d(out, 1)", "out = F.avg_pool2d(out, 4)")],
          ask="For which image size does the linear layer have 2048 inputs?",
          explain="The layer has 2048 inputs for 64×64 images and a pooling of fixed size, which leaves 2×2 windows "
                  "of 512 channels. Images of 32×32 give 512 numbers, and the layer stops with an error. A pooling "
                  "that adapts gives 512 for every size."),
    Wrong("no_pooling", [
              ("self.linear = nn.Linear(512 * block.expansion, num_classes)",
               "self.linear = nn.Linear(512 * 16 * block.expansion, num_classes)"),
              ("        out = F.adaptive_avg_pool2d(out, 1)\n", "")],
          ask="How many inputs does the linear layer have?",
          explain="The 4×4 map of each of 512 channels is flattened as it is, so the linear layer has 8192 inputs. "
                  "That is 16 times as many weights, and it fits images of one size only. An average pooling makes "
                  "one number of each map first."),
    Wrong("flatten_forgotten", [("        out = out.flatten(1)\n", "")],
          ask="Which shape does the pooling give?",
          explain="The pooling gives (N, 512, 1, 1), with height and width still there, each of length 1. The linear "
                  "layer works on the last dimension and expects 512 numbers there, so the two ones have to go."),
    Wrong("num_classes_ignored", [
              ("self.linear = nn.Linear(512 * block.expansion, num_classes)",
               "self.linear = nn.Linear(512 * block.expansion, 10)")],
          ask="How many numbers come out of a network for 7 classes?",
          explain="`num_classes` is not used, so 7 classes get 10 logits. The last layer needs as many outputs as "
                  "there are classes."),
    Wrong("linear_for_basic_blocks", [("512 * block.expansion", "512")],
          ask="How many channels leave the last stage, if the blocks are bottlenecks?",
          explain="ResNet18 is right, but the class `ResNet` serves for basic blocks only: its linear layer always "
                  "has 512 inputs. Blocks of expansion 4 send out 2048 channels, `512 * block.expansion`."),
    Wrong("in_planes_without_expansion", [("self.in_planes = planes * block.expansion", "self.in_planes = planes")],
          ask="How many channels leave a block whose expansion is 4?",
          explain="ResNet18 is right, but with bottlenecks the class `ResNet` builds blocks for too few channels: a "
                  "block sends out `planes` times its expansion, which is the same number for basic blocks only."),
    Wrong("two_blocks_always", [("[stride] + [1] * (num_blocks - 1)", "[stride, 1]")],
          ask="How many blocks do the stages of ResNet-34 have?",
          explain="ResNet18 is right, but every stage of the class `ResNet` has two blocks, whatever `num_blocks` "
                  "says. ResNet-34 has 3, 4, 6 and 3."),
    Wrong("first_number_for_all", [
              ("num_blocks[1]", "num_blocks[0]"), ("num_blocks[2]", "num_blocks[0]"),
              ("num_blocks[3]", "num_blocks[0]")],
          ask="Which entry of `num_blocks` belongs to which stage?",
          explain="ResNet18 is right, since its four numbers are equal, but every stage of the class `ResNet` takes "
                  "the first of them. Each stage has a number of its own."),
    Wrong("linear_forgotten", [
              ("        self.linear = nn.Linear(512 * block.expansion, num_classes)\n", ""),
              ("return self.linear(out)", "return out")],
          ask="How many numbers come out for each image?",
          explain="The 512 features after the pooling come out. A linear layer has to make one logit for each class "
                  "of them."),
    Wrong("linear_without_bias", [
              ("self.linear = nn.Linear(512 * block.expansion, num_classes)",
               "self.linear = nn.Linear(512 * block.expansion, num_classes, bias=False)")],
          ask="Which layer, if any, shifts the logits of each class?",
          explain="The linear layer has no bias, so nothing shifts the logits of a class. The convolutions do "
                  "without one because a batch norm with a shift follows them; after the linear layer there is "
                  "none."),
    Wrong("softmax_at_the_end", [("return self.linear(out)", "return F.softmax(self.linear(out), dim=1)")],
          ask="What does PyTorch's cross-entropy do with what it gets?",
          explain="Cross-entropy takes logits and applies the softmax itself, so in training there would be two. "
                  "Numbers between 0 and 1 are poor logits: with ten classes the loss could not fall below 1.46. The "
                  "linear layer comes last."),
    Wrong("log_softmax_at_the_end", [("return self.linear(out)", "return self.linear(out).log_softmax(1)")],
          ask="What does the network give back, logits or something computed from them?",
          explain="The network gives log-probabilities. Cross-entropy applies the log-softmax itself; a second one "
                  "does not change the loss, but the outputs are no logits any more. The linear layer comes last."),
    Wrong("argmax_at_the_end", [("return self.linear(out)", "return self.linear(out).argmax(dim=1)")],
          ask="How many numbers come out for each image?",
          explain="One number comes out for each image, the class with the largest logit. The loss needs the logits "
                  "of all classes, and no gradient flows back through an argmax. The linear layer comes last."),
    Wrong("relu_at_the_end", [("return self.linear(out)", "return F.relu(self.linear(out))")],
          ask="What happens to a logit of -3?",
          explain="A ReLU follows the linear layer, so a logit of -3 becomes 0. A class that the network wants to "
                  "rule out then looks like one it knows nothing about, and gets no gradient. Logits may be "
                  "negative."),
    Wrong("no_gradient", [("return self.linear(out)", "return self.linear(out).detach()")],
          ask="Which parameters get a gradient from a backward pass?",
          explain="No parameter gets a gradient: a no_grad or a detach in `forward` cuts the network off, so it "
                  "gives answers but cannot learn. no_grad belongs into the code that measures a network, not into "
                  "the network."),
    Wrong("under_no_grad", [("    def forward(self, x):\n", "    @torch.no_grad()\n    def forward(self, x):\n")],
          ask="What is recorded for the backward pass while `forward` runs?",
          explain="`forward` runs under no_grad, so nothing is recorded and no parameter gets a gradient. no_grad "
                  "belongs into the code that measures a network, not into the network."),
]
# fmt: on

EXERCISE = Exercise(
    "resnet18",
    lesson="08",
    defines="ResNet18",
    reference=resnet18,
    observe=observe,
    start="Start with __init__ and follow the drawing of the network from the image on, one line for each part. Set "
    "self.in_planes = 64 before the first stage. In forward each part is one call again.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "subclass": edited(
            ANSWER,
            ("def ResNet18(num_classes=10):", "class ResNet18(ResNet):\n    def __init__(self, num_classes=10):"),
            ("    return ResNet(", "        super().__init__("),
        ),
        "other names, other order": """
class Net(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.fc = nn.Linear(512, n)
        stages, came = [], 64
        for wide, stride in zip([64, 128, 256, 512], [1, 2, 2, 2]):
            stages.append(nn.Sequential(BasicBlock(came, wide, stride), BasicBlock(wide, wide)))
            came = wide
        self.stages = nn.ModuleList(stages)
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True))

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.fc(x.mean(dim=(2, 3)))

ResNet18 = Net
""",
        "one nn.Sequential": SEQUENCE,
        "own block": OWN_BLOCK + edited(ANSWER, ("ResNet(BasicBlock", "ResNet(Block")),
        "own initialisation": edited(
            ANSWER,
            (
                "num_classes)\n\n    def _make",
                "num_classes)\n        for m in self.modules():\n            if isinstance(m, nn.Conv2d):\n"
                '                nn.init.kaiming_normal_(m.weight, mode="fan_out")\n\n    def _make',
            ),
        ),
        "zero start of the blocks": edited(
            SEQUENCE,
            ("    return nn", "    for each in layers[3:]:\n        nn.init.zeros_(each.bn2.weight)\n    return nn"),
        ),
    },
    unknown={
        "a stage with a threshold": edited(ANSWER, ("out = self.layer2(out)", "out = F.relu(self.layer2(out) - 0.1)")),
        "one class too many": edited(
            ANSWER, ("512 * block.expansion, num_classes)", "512 * block.expansion, num_classes + 1)")
        ),
        "nine classes where none are given": edited(
            ANSWER, ("def ResNet18(num_classes=10):", "def ResNet18(num_classes=9):")
        ),
    },
    again={
        "called, and its result not stored": (
            "first_stage_skipped",
            edited(ANSWER, ("        out = self.layer1(out)\n", "        self.layer1(out)\n")),
        ),
    },
)
