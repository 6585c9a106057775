# %% [markdown]
# # 08 · Assembling ResNet-18
#
# *From one block to the whole network, and how to find the place where two networks differ.*

# %% [markdown]
# Two people have written ResNet-18. Both networks have 11,173,962 parameters, load the same file of weights and look at
# the same image, and they answer with different numbers. Eighteen layers lie between image and answer. Where would you
# look first?
#
# You put the whole network together from the block of lesson 05, and meet most of the places where such a difference
# can hide: a stride, a list, a pooling, a name. At the end you write the function that finds it.
#
# **After this lesson you can**
#
# - stack blocks into stages, with the right strides and channels, and say why a stage is not a list,
# - explain why some ResNets fit only one image size, and what frees them,
# - write ResNet-18, and get ResNet-34 and 50 from the same class,
# - load torchvision's weights, and find the first module in which two networks differ.
#
# **You need:** lessons 05 and 07 (the residual block and its shortcut).
#
# **Time:** 34 minutes to read and write; the code runs in less than half a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# The blocks form four **stages**. From stage to stage the channels double, and height and width are halved. What share
# of all parameters is in the *last* stage? And what share of all multiply-adds, the work for one image, is done there?
# Four equal stages would have about 0.25 each.

# %%
my_guess = {"parameters": None, "multiply-adds": None}  # for example 0.25

# %% [markdown]
# Nothing is trained here: random weights are enough. The block is your own, if it passed its check in lesson 05. The
# number of classes comes from the data: `len(images.classes)`.

# %%
from collections import OrderedDict

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from resnet_course import checks, data, explorers, models, plotting, runtime
from resnet_course.checking.divergence import first_divergence
from resnet_course.notebook import cards

plotting.use_style()
torch.manual_seed(0)
BasicBlock = checks.yours("basic_block")
images = data.load(runtime.profile().dataset, "train", 32, 100)
num_classes = len(images.classes)
batch, _ = next(iter(data.Batches(images, 2)))  # (2, 3, 32, 32)
print(f"{images.name}, {num_classes} classes; one batch is {tuple(batch.shape)}")

# %% [markdown]
# ## The whole network
#
# This is what we are going to build. Before the stages comes the **stem**, a convolution with batch norm and ReLU;
# after them the **head**, a pooling and a linear layer.

# %%
shapes = {
    "image": (3, 32, 32),
    "stem": (64, 32, 32),
    "layer1": (64, 32, 32),
    "layer2": (128, 16, 16),
    "layer3": (256, 8, 8),
    "layer4": (512, 4, 4),
    "pool": (512, 1, 1),
    "linear": (num_classes,),
}
blocks = dict.fromkeys(("layer1", "layer2", "layer3", "layer4"), 2)
title = "ResNet-18 for small images"
figure = plotting.network_diagram([*shapes.items()], blocks, title)
plotting.show(figure, "Above a box: channels × height × width of what leaves it.")

# %% [markdown]
# Eight lines go around a block. Five of them carry x itself; at the entrances of `layer2`, `layer3` and `layer4` x
# would not fit, and a projection brings it to the shape of $F(x)$ (lesson 07). Count the layers with weights on the
# main path: one in the stem, two in each of eight blocks, one at the end. That makes 18; the projections are not
# counted.
#
# The paper's stem is made for images of 224×224 (table 1): a 7×7 convolution and a max pooling, both at stride 2. The
# stem in our drawing is the usual one for small images.

# %% [markdown]
# ## One stage: the strides
#
# Only the first block of a stage may change the shape. In many programs you find this line:
#
# ```python
# strides = [stride] + [1] * (num_blocks - 1)
# ```
#
# For `stride = 2` and three blocks the list is `[2, 1, 1]`. It is easy to misread as "two blocks, then one, then one".
# Each entry is a *stride*, that of the first convolution of one block. The number of blocks is the *length* of the
# list.
#
# ## One stage: the channels
#
# A block is built with the number of channels that come in, `in_planes`, and with its own number, `planes`. Somebody
# has to keep account of what the block before sends out. What if nobody does? In this second stage, both blocks are
# told that 64 channels come in.

# %%
stage = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(64, 128, 1))
print("The stage is built, and there was no error so far.")
try:
    stage(torch.randn(2, 64, 32, 32))
except RuntimeError as error:
    print(f"RuntimeError: {error}")

# %% [markdown]
# Read the error from left to right. (If your block does its work in another order, the numbers may come from its
# shortcut.)
#
# - `weight of size [128, 64, ...]`: this layer was built for 128 output channels and **64 input channels**.
# - `expected input[2, 128, 16, 16] to have 64 channels, but got 128`: what arrived is 2 images with **128 channels** of
#   16×16.
#
# So the second block was built for the wrong number. This mistake is hard to see: building the stage gives no error,
# and where 64 channels stay 64, as in `layer1`, running it gives none either. And a block sends out `planes *
# block.expansion` channels: for the basic block the expansion is 1, for the bottleneck of lesson 07 it is 4.
#
# ## Why a list must become a Sequential
#
# Why can the network not keep its blocks in a Python list? Here are two stages with the same two blocks.


# %%
class Stage(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = blocks


pair = [BasicBlock(64, 64), BasicBlock(64, 64)]
for name, blocks in {"a list": pair, "nn.Sequential": nn.Sequential(*pair)}.items():
    stage = Stage(blocks)
    weights = sum(parameter.numel() for parameter in stage.parameters())
    print(f"{name:<14}{weights:>8,} parameters,",
          f"{len(stage.state_dict())} entries to save")  # fmt: skip

# %% [markdown]
# A module knows only those attributes that are modules or parameters themselves, and a list is neither. An optimizer
# gets nothing to train, `state_dict()` saves nothing, `to("cuda")` and `eval()` do not reach the blocks. On a CPU
# nothing complains, and the blocks keep their first random weights for ever. `nn.Sequential` is a module. It takes the
# blocks one by one, hence the star in `nn.Sequential(*layers)`.
#
# ### Exercise: `make_layer`
#
# Write `make_layer(block, in_planes, planes, num_blocks, stride)`: one stage. It returns two things: the blocks in an
# `nn.Sequential`, and the number of channels that leave the stage. It must work with every block class that is built
# with `(in_planes, planes, stride)` and has an `expansion`.
#
# `make_layer(BasicBlock, 64, 128, 2, stride=2)` gives two blocks and the number 128; with `models.Bottleneck` in place
# of `BasicBlock` the number is 512.
#
# Stuck? `checks.hint("make_layer")`


# %%
def make_layer(block, in_planes, planes, num_blocks, stride):
    """One stage of blocks, and the number of channels that leave it."""
    ### BEGIN SOLUTION
    layers = []
    for each in [stride] + [1] * (num_blocks - 1):
        layers.append(block(in_planes, planes, each))
        in_planes = planes * block.expansion
    return nn.Sequential(*layers), in_planes
    ### END SOLUTION


make_layer = checks.make_layer(make_layer)

# %% [markdown]
# ## Watching the shapes
#
# Here is the whole network, for once as one long `nn.Sequential`.

# %%
conv = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
parts = OrderedDict(stem=nn.Sequential(conv, nn.BatchNorm2d(64), nn.ReLU()))
in_planes = 64
for number, (planes, stride) in enumerate([(64, 1), (128, 2), (256, 2), (512, 2)], 1):
    stage, in_planes = make_layer(BasicBlock, in_planes, planes, 2, stride)
    parts[f"layer{number}"] = stage
parts["pool"] = nn.AdaptiveAvgPool2d(1)
parts["flatten"] = nn.Flatten()
parts["linear"] = nn.Linear(in_planes, num_classes)
network = nn.Sequential(parts).eval()

# %% [markdown]
# What leaves each part? A **forward hook** is a function that PyTorch calls each time a module has run, with three
# things: the module, its inputs, and its output. `register_forward_hook` attaches it and gives back a handle, whose
# `remove()` takes it away again.

# %%
left = {}  # by part: the shape of what leaves it, without the number of images


def note_shape(module, inputs, output):
    left[names[module]] = tuple(output.shape[1:])


names = {part: name for name, part in network.named_children()}
handles = [part.register_forward_hook(note_shape) for part in names]
with torch.no_grad():
    network(batch)
for handle in handles:
    handle.remove()
for name, shape in left.items():
    print(f"{name:<8} {shape}")
assert all(left[name] == shapes[name] for name in left if name in shapes)

# %% [markdown]
# Every shape is as drawn above. Keep the hooks in mind, you will need them for more.
#
# ## From a map to a vector
#
# The stages end with a **map**: 512 channels of 4×4 numbers. The linear layer takes a vector of fixed length. In
# between, **pooling** makes the map smaller, and **flattening** writes what is left into one row. Flattening has three
# spellings.

# %%
maps = torch.arange(24.0).reshape(2, 3, 2, 2)  # 2 images, 3 channels of 2×2
flat = [maps.flatten(1), maps.reshape(maps.size(0), -1), maps.view(maps.size(0), -1)]
assert all(torch.equal(flat[0], other) for other in flat)
print("out.size(0) =", maps.size(0), "and each spelling gives", tuple(flat[0].shape))
print("view(-1, 6) gives", tuple(maps.view(-1, 6).shape))
try:
    maps.transpose(1, 3).view(2, -1)
except RuntimeError as error:
    print(f"RuntimeError: {error}")

# %% [markdown]
# `out.size(0)` is the number of images, and `-1` means "as many as are left". `flatten(1)` says: keep dimension 0 and
# write all others into one. The three differ only where the numbers do not lie in memory in that order, as after
# `transpose`: then `view`, which never copies, refuses, and the other two make a copy. And beware of `view(-1, 6)`,
# which fixes the *length* of a row: 2 images have become 4, without an error.
#
# And the pooling? Many study notes have these lines:
#
# ```python
# self.linear = nn.Linear(2048 * block.expansion, num_classes)
# ...
# out = F.avg_pool2d(out, 4)     # the mean over windows of 4×4
# out = out.view(out.size(0), -1)
# out = self.linear(out)
# ```
#
# Where does the 2048 come from? Let us run them on our images.

# %%
trunk = network[:5]  # stem and four stages
linear_of_the_notes = nn.Linear(2048, num_classes)
with torch.no_grad():
    out = F.avg_pool2d(trunk(batch), 4)  # (2, 512, 1, 1)
    out = out.view(out.size(0), -1)  # (2, 512)
    try:
        linear_of_the_notes(out)
    except RuntimeError as error:
        print(f"RuntimeError: {error}")

# %% [markdown]
# A linear layer is a product of two matrices. `mat1` is what comes in: 2 images, each a row of **512** numbers. `mat2`
# is the weight, which takes **2048**. No line of the notes is wrong by itself; together they are made for one image
# size, and it is not 32×32.
#
# ### Exercise: `flat_features`
#
# Write `flat_features(image_size, expansion=1)`: how many numbers reach the linear layer? After the stem for small
# images and the four stages comes `avg_pool2d(out, 4)`, whose window moves by its own size, then the flattening. Give
# the number for square images whose size is a multiple of 32. Mind that `nn.Linear` takes whole numbers only.
#
# `flat_features(32)` is 512, `flat_features(32, expansion=4)` is 2048.
#
# Stuck? `checks.hint("flat_features")`


# %%
def flat_features(image_size, expansion=1):
    """Inputs of the linear layer after four stages and avg_pool2d with window 4."""
    ### BEGIN SOLUTION
    side = image_size // 8 // 4  # three stages halve it, the pooling divides by 4
    return 512 * expansion * side**2
    ### END SOLUTION


flat_features = checks.flat_features(flat_features)

# %% [markdown]
# For 64×64 the function gives 2048: the notes are made for such images. With a linear layer of 512 inputs, made for
# 32×32, images of 48×48 give no error at all: the map is 6×6, and one window of 4×4 fits into it. To see what the
# pooling reads, we set the last two rows and columns to zero.


# %%
def resized(size):
    return F.interpolate(batch, size=(size, size), mode="bilinear", antialias=True)


with torch.no_grad():
    maps = trunk(resized(48))  # (2, 512, 6, 6)
upper_left = maps.clone()
upper_left[:, :, 4:, :] = 0
upper_left[:, :, :, 4:] = 0
for name, pool in {
    "avg_pool2d(maps, 4)": lambda maps: F.avg_pool2d(maps, 4),
    "adaptive_avg_pool2d(maps, 1)": lambda maps: F.adaptive_avg_pool2d(maps, 1),
}.items():
    change = (pool(maps) - pool(upper_left)).abs().max()
    print(f"{name:<29} {tuple(pool(maps).shape)}, largest change {change:.3g}")

# %% [markdown]
# With the fixed window nothing changes: 20 of the 36 positions are never read. The other function,
# `F.adaptive_avg_pool2d(maps, 1)`, fixes the size of the *result*: one number for each channel, the mean over the whole
# map. The paper ends its networks with it and calls it **global average pooling** (§3.3). The linear layer then always
# has `512 * expansion` inputs, and the same weights run on every image size.
#
# Now you choose. Find a setting in which the pooling of the notes reads only a part of the map, and one in which
# `layer1` has a projection, although its stride is 1.
#
# <details><summary>Answers</summary>
#
# Every size between two that the pooling divides evenly: the map of 96×96 is 12×12 and is read to the end, that of
# 80×80 is 10×10 and is not. ResNet-50, where the channels go from 64 to 256 in `layer1`.
# </details>

# %%
explorers.shape_tracer()

# %% [markdown]
# ## The network as a class
#
# To choose block and depth, write a class. Its `self.in_planes` keeps account of the channels.
#
# ### Exercise: `resnet18`
#
# Write three methods of the class `ResNet(block, num_blocks, num_classes=10)`:
#
# - `__init__` builds the stem (3×3 convolution from 3 to 64 channels without bias, batch norm), the four stages and
#   the linear layer,
# - `_make_layer` builds one stage and updates `self.in_planes`; your `make_layer` does most of it,
# - `forward` runs them: stem with ReLU, four stages, adaptive average pooling, flattening, linear layer. It returns
#   **logits**: no softmax, because PyTorch's cross-entropy applies its own.
#
# Use the names of the drawing (`layer1` to `layer4`, `linear`), and `conv1` and `bn1` in the stem; saved weights depend
# on names. `ResNet18(10)` turns (2, 3, 32, 32) into (2, 10) and has 11,173,962 parameters. The check compares numbers,
# not names, on two image sizes.
#
# Stuck? `checks.hint("resnet18")`


# %%
class ResNet(nn.Module):
    """Stem, four stages of blocks, pooling: (N, 3, H, W) -> (N, num_classes)."""

    def __init__(self, block, num_blocks, num_classes=10):
        super().__init__()
        ### BEGIN SOLUTION
        self.in_planes = 64
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = self._make_layer(block, 64, num_blocks[0], stride=1)
        self.layer2 = self._make_layer(block, 128, num_blocks[1], stride=2)
        self.layer3 = self._make_layer(block, 256, num_blocks[2], stride=2)
        self.layer4 = self._make_layer(block, 512, num_blocks[3], stride=2)
        self.linear = nn.Linear(self.in_planes, num_classes)
        ### END SOLUTION

    def _make_layer(self, block, planes, num_blocks, stride):
        ### BEGIN SOLUTION
        made = make_layer(block, self.in_planes, planes, num_blocks, stride)
        stage, self.in_planes = made
        return stage
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        out = F.relu(self.bn1(self.conv1(x)))  # (N, 64, H, W)
        out = self.layer2(self.layer1(out))  # (N, 128, H / 2, W / 2)
        out = self.layer4(self.layer3(out))  # (N, 512 * expansion, H / 8, W / 8)
        out = F.adaptive_avg_pool2d(out, 1).flatten(1)  # (N, 512 * expansion)
        return self.linear(out)  # (N, num_classes)
        ### END SOLUTION


class ResNet18(ResNet):
    """Two basic blocks in each stage."""

    def __init__(self, num_classes=10):
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes)


ResNet18 = checks.resnet18(ResNet18)

# %% [markdown]
# `[2, 2, 2, 2]` *is* a list of numbers of blocks, and not of strides. Now print your network: PyTorch shows every
# module with its attribute's name.

# %%
print("\n".join(str(ResNet18(num_classes)).splitlines()[:22]), "\n  ...")

# %% [markdown]
# The modules are listed in the order in which they were made, not in the one in which they run. A plus sign, or a ReLU
# that is called as a function, is in `forward` alone.
#
# ## Where the parameters are, and where the work is
#
# Now the bet. We count in the package's ResNet-18, which computes what yours does. As in lesson 07, each weight is used
# once at every position of its layer's output.


# %%
def count_cost(model):
    """Parameters and multiply-adds of each direct child of the model."""
    spent = {}

    def note(module, inputs, output):
        spent[module] = module.weight.numel() * output[0, 0].numel()

    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(note)
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, 32, 32))
    return {
        name: (
            sum(parameter.numel() for parameter in child.parameters()),
            sum(spent.get(module, 0) for module in child.modules()),
        )
        for name, child in model.named_children()
    }


# %%
counts = count_cost(models.resnet18(num_classes).eval())
total, work = (sum(numbers) for numbers in zip(*counts.values(), strict=True))
for name, (own, multiply_adds) in counts.items():
    spent = f"{multiply_adds / 1e6:.1f} M multiply-adds ({multiply_adds / work:.1%})"
    print(f"{name:<8}{own:>11,} parameters ({own / total:>6.1%}), {spent}")
print(f"{'all':<8}{total:>11,}{'':>21}{work / 1e6:>9.1f} M")
share = {
    "parameters": [counts[f"layer{stage}"][0] / total for stage in (1, 2, 3, 4)],
    "multiply-adds": [counts[f"layer{stage}"][1] / work for stage in (1, 2, 3, 4)],
}
cards.compare_guess(my_guess, {name: of[3] for name, of in share.items()}, lesson="08")
axes = plotting.lines(share, "Parameters and work of ResNet-18 by stage",
                      "stage", "share of the network", y_limits=(0, 1))  # fmt: skip
plotting.show(axes, caption="Counted for one image of 32×32.")

# %% [markdown]
# A 3×3 convolution has $9 \cdot \text{channels in} \cdot \text{channels out}$ weights. Twice the channels on both sides
# make **four times** as many. Half the height and half the width leave a **quarter** of the positions at which each is
# used. Four times a quarter is one: the work stays, except in the first convolution of a stage.
#
# ## ResNet-34 and ResNet-50
#
# Only two things change: the numbers of blocks, and for ResNet-50 the block. (`models.ResNet` is called like yours.)

# %%
family = {
    "ResNet-18": (models.BasicBlock, [2, 2, 2, 2]),
    "ResNet-34": (models.BasicBlock, [3, 4, 6, 3]),
    "ResNet-50": (models.Bottleneck, [3, 4, 6, 3]),
}
for name, (block, num_blocks) in family.items():
    cost = count_cost(models.ResNet(block, num_blocks, num_classes)).values()
    own, multiply_adds = (sum(numbers) for numbers in zip(*cost, strict=True))
    print(f"{name}  {block.__name__:<10} {num_blocks} {own:>11,} parameters",
          f"{multiply_adds / 1e9:>6.2f} G multiply-adds")  # fmt: skip

# %% [markdown]
# ResNet-34 and ResNet-50 have the same number of blocks: three layers in each instead of two make the 50.
#
# ## Is it really *the* ResNet-18?
#
# A network with the right number of parameters may still compute something else. The strictest test is an
# implementation that many people trust: give both the same weights and images, and compare what comes out. But
# everybody has other names:
#
# | the paper | torchvision | this course |
# |---|---|---|
# | conv2_x to conv5_x | `layer1` to `layer4` | `layer1` to `layer4` |
# | shortcut: identity or projection | nothing, or `downsample` | `shortcut` |
# | fc | `fc` | `linear` |
# | bottleneck's stride in its first 1×1 layer | in its 3×3 layer | in its 3×3 layer |
#
# ### Exercise: `load_torchvision`
#
# Write `load_torchvision(model, state_dict)`. A `state_dict` maps names to tensors. Given the one of a torchvision
# ResNet, rename `downsample` to `shortcut` and `fc` to `linear`, load it into `model`, and return the model.
#
# `layer2.0.downsample.0.weight` becomes `layer2.0.shortcut.0.weight`; `fc.bias` becomes `linear.bias`. Three things
# to mind: names decide where a tensor goes, not the order of the entries; the caller's dict stays as it was; an entry
# that is missing must raise an error, as `load_state_dict` does by itself.
#
# Stuck? `checks.hint("load_torchvision")`


# %%
def load_torchvision(model, state_dict):
    """Load the weights of a torchvision ResNet into ours. Returns the model."""
    ### BEGIN SOLUTION
    renamed = {}
    for name, tensor in state_dict.items():
        ours = name.replace("downsample", "shortcut").replace("fc", "linear")
        renamed[ours] = tensor
    model.load_state_dict(renamed)
    return model
    ### END SOLUTION


load_torchvision = checks.load_torchvision(load_torchvision)

# %% [markdown]
# Random weights will do, in the batch norms too: fresh ones are all alike, and a swapped pair would not show.
# `stem="imagenet"` gives the paper's stem, which torchvision has.


# %%
def randomise_batch_norms(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.2)
            nn.init.normal_(module.bias, std=0.2)
    return model.eval()


theirs = randomise_batch_norms(torchvision.models.resnet18(weights=None))
ours = models.resnet18(num_classes=1000, stem="imagenet").eval()
with torch.no_grad():
    expected = theirs(resized(64))  # (2, 1000)
    before = (ours(resized(64)) - expected).abs().max().item()
    load_torchvision(ours, theirs.state_dict())
    after = (ours(resized(64)) - expected).abs().max().item()
cards.verdict(
    "with torchvision's weights our ResNet-18 gives its logits within 0.00001",
    after <= 1e-5,
    f"largest difference of 2 × 1000 logits: {before:.3g} before loading, {after:.3g} "
    f"after; the largest logit is {expected.abs().max():.3g}",
)

# %% [markdown]
# ## Two networks differ: where first?
#
# Back to the two people of the beginning. One wrong layer changes everything after it, so the useful question is where
# the results differ **first**. Let us break two networks on purpose. In one, a block applies the ReLU to its main path
# *before* the addition. In the other, the first block of `layer3` does not halve the image. Both get the weights of a
# right one.


# %%
class EarlyReLU(models.BasicBlock):
    def forward(self, x):
        return F.relu(self.transform(x)) + self.shortcut(x)  # transform is F(x)


reference = randomise_batch_norms(models.resnet18(num_classes))
early_relu = models.resnet18(num_classes)
early_relu.layer2[0] = EarlyReLU(64, 128, stride=2)
no_stride = models.resnet18(num_classes)
no_stride.layer3[0].conv1.stride = no_stride.layer3[0].shortcut[0].stride = (1, 1)
broken = {"early ReLU": early_relu.eval(), "no stride": no_stride.eval()}
for name, model in broken.items():
    model.load_state_dict(reference.state_dict())
    weights = sum(parameter.numel() for parameter in model.parameters())
    print(f"{name}: {weights:,} parameters, logits {tuple(model(batch).shape)}")

# %% [markdown]
# The number of parameters is right, and so is the shape at the end. The adaptive pooling takes a map of any size: what
# frees the network from the image size also hides a wrong stride.
#
# ### Exercise: `first_difference`
#
# Complete `first_difference(model, reference, x)`. Both networks are in eval mode, and their modules have the same
# names. The inner function runs a network and returns what leaves each module: the innermost layers, the blocks, the
# stages, and the network itself, whose name is `""`. Write its hook, and then the comparison. Return the name of the
# first module, in the order in which those of the *reference* finish, whose output in `model` is another one; `None` if
# there is none.
#
# Two outputs agree if they have the same shape and `torch.allclose(a, b, atol=1e-4)`. A module that the model never
# calls differs as well. Two more things to mind: a layer that works in place overwrites what the layer before it gave
# out, so keep copies; and a hook that *returns* something replaces the output.
#
# For the network with the early ReLU the answer is `"layer2.0"`: all layers in that block agree, the block does not.
#
# Stuck? `checks.hint("first_difference")`


# %%
def first_difference(model, reference, x):
    """Name of the first module whose output differs from the reference's, or None."""

    def outputs_of(network):
        outputs, hooks = {}, []
        for name, module in network.named_modules():
            ### BEGIN SOLUTION
            def note(module, inputs, output, name=name):
                outputs[name] = output.clone()

            hooks.append(module.register_forward_hook(note))
            ### END SOLUTION
        with torch.no_grad():
            network(x)
        for hook in hooks:
            hook.remove()
        return outputs  # in the order in which the modules finish

    ### BEGIN SOLUTION
    ours, theirs = outputs_of(model), outputs_of(reference)
    for name, expected in theirs.items():
        found = ours.get(name)
        if found is None or found.shape != expected.shape:
            return name
        if not torch.allclose(found, expected, atol=1e-4):
            return name
    return None
    ### END SOLUTION


first_difference = checks.first_difference(first_difference)

# %%
for name, model in broken.items():
    print(f"{name}: {first_difference(model, reference, batch)}")
print(f"the reference itself: {first_difference(reference, reference, batch)}")

# %% [markdown]
# Read a name in this way: everything that finished before it agrees, and the mistake lies between there and here.
# What comes into `layer3.0.conv1` agrees, and so do its weights; so look at its settings. `layer2.0` is a block, which
# finishes after all its layers. They agree, so look at how its `forward` puts them together.
#
# ## What your function cannot see
#
# Hooks watch modules, and a plus sign is not one: your function names the block and not the line. `first_divergence`,
# which the checks use, records every operation, and names may differ.


# %%
print(first_divergence(broken["early ReLU"], reference, batch))

# %% [markdown]
# Now your own class against torchvision's, which gets the stem for small images: another first convolution, and an
# `nn.Identity` in place of the max pooling.

# %%
theirs = torchvision.models.resnet18(weights=None, num_classes=num_classes)
theirs.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
theirs.maxpool = nn.Identity()
mine = ResNet18(num_classes).eval()
report = first_divergence(mine, randomise_batch_norms(theirs), batch)
cards.verdict(
    "your ResNet18 and torchvision's, with the small stem, compute the same",
    report.name is None, str(report).splitlines()[0],
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
print(f"1. ResNet-18 with {num_classes} classes: {total:,} parameters,",
      f"{work / 1e9:.3f} G multiply-adds for a 32×32 image.")  # fmt: skip
print(f"2. The last stage holds {share['parameters'][3]:.1%} of the parameters",
      f"and does {share['multiply-adds'][3]:.1%} of the work.")  # fmt: skip
print(f"3. With torchvision's weights the logits differ by at most {after:.1g}.")
places = [first_difference(model, reference, batch) for model in broken.values()]
print(f"4. Two broken networks of the right size differ first in {places[0]}",
      f"and {places[1]}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. How many convolutions does ResNet-18 have?</summary>
#
# 20: 17 on the main path and three 1×1 projections. The 18 in the name counts the 17 and the linear layer.
# </details>
#
# <details><summary>2. Which stage does most of the work: the one with the most parameters?</summary>
#
# No. The first stage has the fewest parameters and does the most multiply-adds: each of its weights is used at 1,024
# positions, one of the last stage at 16.
# </details>
#
# <details><summary>3. Somebody keeps the four stages in <code>self.stages = [layer1, layer2, layer3, layer4]</code>.
# The training runs. What does it train?</summary>
#
# The stem and the linear layer. On a CPU the loss may fall all the same, which makes it hard to notice.
# </details>
#
# <details><summary>4. You forget the stride of <code>layer4</code>, so that it is 1. Which test finds it: the number of
# parameters, the shape of the output, or values?</summary>
#
# Values. Parameters do not depend on the stride, and the adaptive pooling makes the same shape of an 8×8 map as of a
# 4×4.
# </details>
#
# <details><summary>5. Somebody loads torchvision's weights without renaming, with <code>strict=False</code>. No
# error. What does the network compute?</summary>
#
# Nothing useful. The three projections and the linear layer keep their random weights, since their names fit nothing.
# <code>strict=False</code> turns a clear error into wrong numbers.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385): §3.3 and table 1 (the networks for
#   ImageNet, global average pooling), §4.1 with figure 5 (the bottleneck), §4.2 (the smaller family for CIFAR-10).
#
# Next: [lesson 09](09_training.ipynb), where you train this network.
