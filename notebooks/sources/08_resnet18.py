# %% [markdown]
# # 08 · Assembling ResNet-18
#
# *From one block to the whole network, and how to know that it is the right one.*

# %% [markdown]
# **After this lesson you can**
#
# - stack blocks into stages, with the right stride and the right number of channels in every place,
# - say which shape leaves each part of the network, and why some ResNets fit only one image size,
# - write ResNet-18, and ResNet-34 and 50 from the same class,
# - load torchvision's weights into your network, and find the first layer in which two networks differ.
#
# **You need:** lessons 05 and 07 (the residual block and its shortcut).
#
# **Time:** 45 minutes to read and write; the code runs in about 20 seconds on two CPU cores.

# %% [markdown]
# ## A bet
#
# ResNet-18 has about 11 million parameters. Most of them stand in four **stages** of two residual blocks each. From
# stage to stage the channels double, and height and width are halved.
#
# Write down your bet: what share of all parameters stands in the *last* of the four stages? And what share of all
# multiply-adds, the work for one image, is done there? Two numbers between 0 and 1; four equal stages would have
# about 0.25 each.

# %%
my_guess = {"parameters": None, "multiply-adds": None}  # for example 0.25

# %% [markdown]
# ## Set-up
#
# This lesson trains nothing. Shapes, costs, and whether two networks are equal can be measured on random weights. So
# everything here runs on the CPU, also where there is a GPU, on two images of 32×32. The residual block is the one
# that you wrote in lesson 05, if it passed its check there; the cell says which one it is.

# %%
from collections import OrderedDict

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from resnet_course import checks, data, explorers, inspection, models, plotting, runtime, training
from resnet_course.checking.divergence import first_divergence
from resnet_course.notebook import cards
from resnet_course.models import Bottleneck

plotting.use_style()
training.reset_seeds(0)
BasicBlock = checks.yours("basic_block")
images = data.load(runtime.profile().dataset, "train", 32, 100)
num_classes = len(images.classes)
batch, _ = next(iter(data.Batches(images, 2)))  # (2, 3, 32, 32)
print(f"{images.name}, {num_classes} classes; one batch has the shape {tuple(batch.shape)}")

# %% [markdown]
# ## Four stages
#
# | part | what it is | what leaves it, for a 3×32×32 image |
# |---|---|---|
# | **stem** | 3×3 convolution, batch norm, ReLU | 64×32×32 |
# | `layer1` | 2 blocks, 64 channels, stride 1 | 64×32×32 |
# | `layer2` | 2 blocks, 128 channels, stride 2 | 128×16×16 |
# | `layer3` | 2 blocks, 256 channels, stride 2 | 256×8×8 |
# | `layer4` | 2 blocks, 512 channels, stride 2 | 512×4×4 |
# | **head** | average pooling, linear layer | one number for each class |
#
# A block has two convolutions, so the layers with weights on the main path are $1 + 4 \cdot 2 \cdot 2 + 1 = 18$. The
# 1×1 convolutions on the shortcuts are not counted.
#
# The ResNet-18 of the paper (table 1) is made for images of 224×224: its stem is a 7×7 convolution at stride 2 and a
# max pooling at stride 2, which together divide height and width by 4. With a 32×32 image, a single position would
# leave `layer4`. The stem in our table is the usual change for small images; it is not in the paper.

# %% [markdown]
# ## The strides of one stage
#
# A stage is a row of blocks. Only its *first* block may change the shape; the others keep it. So the strides of a
# stage form a list: the stage's own stride, then ones.

# %%
for num_blocks in (1, 2, 3):
    print(f"{num_blocks} blocks, stride 2: strides {[2] + [1] * (num_blocks - 1)}")

# %% [markdown]
# ## The bookkeeping of channels
#
# A block is built with the number of channels that come in (`in_planes`) and with its own number (`planes`). What
# comes into a block is what the block before it sends out, so somebody must keep account. Let us forget that on
# purpose: in this stage every block is built with the `in_planes` of the whole stage.


# %%
def forgetful_layer(block, in_planes, planes, num_blocks, stride):
    strides = [stride] + [1] * (num_blocks - 1)
    return nn.Sequential(*[block(in_planes, planes, each) for each in strides])


x = torch.randn(2, 64, 32, 32)
print("64 to 64:", tuple(forgetful_layer(BasicBlock, 64, 64, 2, stride=1)(x).shape))
stage = forgetful_layer(BasicBlock, 64, 128, 2, stride=2)
print("64 to 128: built, no error so far")
try:
    stage(x)
except RuntimeError as error:
    print(f"RuntimeError: {error}")

# %% [markdown]
# Read the error aloud, from left to right.
#
# - `Given groups=1`: an ordinary convolution, in which every output channel sees every input channel.
# - `weight of size [128, 64, 3, 3]`: this layer was built for 128 output channels, **64 input channels**, a 3×3
#   kernel.
# - `expected input[2, 128, 16, 16] to have 64 channels, but got 128`: what arrived is 2 images with **128 channels**
#   of 16×16.
#
# The image has been halved and the channels doubled already, so the first block has done its work. The second one was
# built for the wrong number. Two things make this mistake hard to see: building the stage gives no error, only
# running it does; and where 64 channels stay 64, as in `layer1`, even running it works.
#
# There is one more thing to keep account of. A block sends out `planes * block.expansion` channels. For the basic
# block the expansion is 1; for the bottleneck of lesson 07 it is 4.

# %% [markdown]
# ### Exercise: `make_layer`
#
# Write `make_layer(block, in_planes, planes, num_blocks, stride)`: one stage. It returns two things: the blocks in an
# `nn.Sequential`, and the number of channels that leave the stage, so that the next stage can start from it. The
# function must work with every block class that is built with `(in_planes, planes, stride)` and has an `expansion`.
#
# `make_layer(BasicBlock, 64, 128, 2, stride=2)` gives two blocks and the number 128; with `Bottleneck` in place of
# `BasicBlock` the number is 512.
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
# ## The shape trace
#
# Now the whole network, for once written as one long `nn.Sequential`, with your `make_layer`. The number of channels
# is handed from stage to stage. `inspection.trace_layers` sends one image through and notes what leaves each part.

# %%
stem = nn.Sequential(nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
parts, in_planes = OrderedDict(stem=stem), 64
for number, (planes, stride) in enumerate([(64, 1), (128, 2), (256, 2), (512, 2)], start=1):
    parts[f"layer{number}"], in_planes = make_layer(BasicBlock, in_planes, planes, 2, stride)
parts["pool"] = nn.AdaptiveAvgPool2d(1)
parts["flatten"] = nn.Flatten()
parts["linear"] = nn.Linear(in_planes, num_classes)
network = nn.Sequential(parts).eval()

rows = inspection.trace_layers(network, (3, 32, 32), stages=True)
for row in rows:
    print(f"{row.name:<8} {row.in_shape!s:>14} -> {row.out_shape!s:<14} {row.parameters:>10,} parameters")

# %%
figure = plotting.shape_trace(
    [("image", (3, 32, 32)), *[(row.name, row.out_shape) for row in rows]],
    title="The image shrinks while the channels double",
)
plotting.show(
    figure,
    alt="What leaves each part of the network: "
    + ", ".join(f"{row.name} {'×'.join(map(str, row.out_shape))}" for row in rows),
    caption="The height of a box is the image's height, its thickness the number of channels (logarithmic).",
)

# %% [markdown]
# ## From a map to a vector
#
# The stages end with a **map**: 512 channels of 4×4 numbers. The linear layer takes a vector of a length that is
# fixed when it is built. In between stand two steps: **pooling**, which makes the map smaller, and **flattening**,
# which writes what is left into one row.
#
# Many study notes do it like this:
#
# ```python
# self.linear = nn.Linear(2048 * block.expansion, num_classes)
# ...
# out = F.avg_pool2d(out, 4)     # the mean over windows of 4×4
# out = self.linear(out.flatten(1))
# ```
#
# Where does the 2048 come from? Let us run these lines on our images.

# %%
trunk = network[:5]  # stem and four stages
linear_of_the_notes = nn.Linear(2048, num_classes)
with torch.no_grad():
    maps = trunk(batch)  # (2, 512, 4, 4)
    pooled = F.avg_pool2d(maps, 4)  # (2, 512, 1, 1)
    flat = pooled.flatten(1)  # (2, 512)
    print(f"map {tuple(maps.shape)}, pooled {tuple(pooled.shape)}, flat {tuple(flat.shape)}")
    try:
        linear_of_the_notes(flat)
    except RuntimeError as error:
        print(f"RuntimeError: {error}")

# %% [markdown]
# Read it aloud. A linear layer is a product of two matrices. `mat1` is what comes in, one row for each image: 2 rows
# of **512** numbers. `mat2` is the weight: it takes **2048** numbers and gives one for each class. The two inner
# numbers must be equal, and they are not.
#
# Neither line of the notes is wrong by itself. Together they are made for one image size, and it is not 32×32.

# %% [markdown]
# ### Exercise: `flat_features`
#
# Write `flat_features(image_size, expansion=1)`: how many numbers reach the linear layer? Behind the stem for small
# images and the four stages stands `avg_pool2d(out, 4)`, whose window moves by its own size, then `flatten(1)`. Give
# the number for square images whose size is a multiple of 32. Mind that `nn.Linear` takes whole numbers only.
#
# `flat_features(32)` is 512, `flat_features(32, expansion=4)` is 2048.
#
# Stuck? `checks.hint("flat_features")`


# %%
def flat_features(image_size, expansion=1):
    """Inputs of the linear layer behind four stages and avg_pool2d with window 4; image_size is a multiple of 32."""
    ### BEGIN SOLUTION
    side = image_size // 8 // 4  # three stages halve the image, the pooling divides it by 4
    return 512 * expansion * side**2
    ### END SOLUTION


flat_features = checks.flat_features(flat_features)

# %%
for size in (32, 64, 96, 128, 224):
    print(f"{size:>3}×{size:<3}  basic block {flat_features(size):>6,}   bottleneck {flat_features(size, 4):>7,}")

# %% [markdown]
# So `2048 * expansion` belongs to images of 64×64. Code that was written for one size and copied for another meets
# the error above.
#
# And what happens between these sizes? An error would be the better case. Try 48×48, with the linear layer for 512
# numbers. The map is 6×6, and one window of 4×4 fits into it. To see what the pooling reads, we set the rest of the
# map to zero: the last two rows and the last two columns.


# %%
def fixed_pooling(maps):
    return F.avg_pool2d(maps, 4).flatten(1)  # (N, 512) at 32×32


def free_pooling(maps):
    return F.adaptive_avg_pool2d(maps, 1).flatten(1)  # (N, 512) at any size


def resized(size):
    return F.interpolate(batch, size=(size, size), mode="bilinear", antialias=True)


with torch.no_grad():
    maps = trunk(resized(48))  # (2, 512, 6, 6)
upper_left = maps.clone()
upper_left[:, :, 4:, :] = 0
upper_left[:, :, :, 4:] = 0
fixed_change = (fixed_pooling(maps) - fixed_pooling(upper_left)).abs().max().item()
free_change = (free_pooling(maps) - free_pooling(upper_left)).abs().max().item()

# %%
print(f"map {tuple(maps.shape[2:])}, numbers behind the fixed pooling: {fixed_pooling(maps).shape[1]}")
print(
    f"largest change when 20 of the 36 positions are set to zero: fixed {fixed_change:.3g}, adaptive {free_change:.3g}"
)
cards.verdict(
    "at 48×48 the fixed pooling gives no error and reads 16 of the 36 positions",
    fixed_pooling(maps).shape[1] == 512 and fixed_change == 0 < free_change,
    f"change {fixed_change:g} with the fixed window, {free_change:.3g} with the mean over the whole map",
)

# %% [markdown]
# ## Adaptive pooling frees the network
#
# The second function, `F.adaptive_avg_pool2d(maps, 1)`, says how large the *result* is, not how large the window is:
# one number for each channel, the mean over the whole map, whatever its size. The paper ends its networks with the
# same step and calls it **global average pooling** (§3.3). The linear layer then has `512 * expansion` inputs,
# always.
#
# The same weights now run on every image size.

# %%
with torch.no_grad():
    logits = {size: network(resized(size)) for size in (32, 48, 64)}
    print("image    map    logits    multiply-adds   parameters")
    for size in logits:
        cost = inspection.count_multiply_adds(network, (3, size, size))
        side = trunk(resized(size)).shape[-1]
        print(f"{size}×{size}    {side}×{side}    {tuple(logits[size].shape)}   {cost / 1e9:>8.3f} G    "
              f"{inspection.count_parameters(network):>12,}")  # fmt: skip
cards.verdict(
    "with adaptive pooling the same weights run on 32×32, 48×48 and 64×64",
    all(each.shape == (2, num_classes) and each.isfinite().all() for each in logits.values()),
    f"logits of shape {tuple(logits[32].shape)} at each size",
)

# %% [markdown]
# "Runs" is all that this shows. A network that was trained on 32×32 need not be accurate on 64×64: things in the
# image are larger there than those it has learned. And the work grows with the area: twice the side, four times the
# multiply-adds.
#
# ## Other networks, other images
#
# The shape trace again, now with something to choose. The pooling "as in the notes" is `avg_pool2d(out, 4)` with
# `Linear(2048 * block.expansion, 10)`. Find a setting in which
#
# 1. the pooling of the notes runs, and reads only a part of the map,
# 2. it runs with the stem of the paper,
# 3. a single position leaves `layer4`.
#
# Before you move a control: does the image size change the number of parameters?

# %%
explorers.shape_tracer()

# %% [markdown]
# ## The network as a class
#
# A long `nn.Sequential` is good for looking. To choose block and depth, write a class. Its `self.in_planes` keeps
# account of the channels while the stages are built, one after the other.
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
# Use the names of the table above (`conv1`, `bn1`, `layer1` to `layer4`, `linear`); saved weights depend on names.
# `ResNet18(10)` turns (2, 3, 32, 32) into (2, 10) and has 11,173,962 parameters. The check compares numbers, not
# names, on two image sizes.
#
# Stuck? `checks.hint("resnet18")`


# %%
class ResNet(nn.Module):
    """Stem, four stages of blocks, average pooling, linear layer: (N, 3, H, W) -> (N, num_classes)."""

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
        stage, self.in_planes = make_layer(block, self.in_planes, planes, num_blocks, stride)
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
# ## Where the parameters are, and where the work is
#
# Now the bet. We count in the package's ResNet-18: it computes what yours does, as the check has compared, and its
# parts surely have the names that this text uses. **Multiply-adds** are multiplications followed by an addition, in
# convolutions and linear layers, for one image of 32×32.

# %%
model = models.resnet18(num_classes).eval()
by_part = {row.name: row for row in inspection.trace_layers(model, (3, 32, 32), stages=True)}
total_parameters = sum(row.parameters for row in by_part.values())
total_work = sum(row.multiply_adds for row in by_part.values())
share = {name: row.parameters / total_parameters for name, row in by_part.items()}
work = {name: row.multiply_adds / total_work for name, row in by_part.items()}
for name, row in by_part.items():
    print(f"{name:<7} {row.parameters:>10,} parameters ({share[name]:6.1%})   "
          f"{row.multiply_adds / 1e6:>6.1f} M multiply-adds ({work[name]:6.1%})")  # fmt: skip
print(f"all     {total_parameters:>10,}                        {total_work / 1e6:>6.1f} M")
cards.compare_guess(my_guess, {"parameters": share["layer4"], "multiply-adds": work["layer4"]}, lesson="08")

# %%
stages = ("layer1", "layer2", "layer3", "layer4")
figure, (left, right) = plt.subplots(1, 2, figsize=(7.0, 3.5), layout="constrained")
figure.suptitle("The last stage holds the parameters, all stages do the work", x=0.01, ha="left", weight="bold")
for ax, title, values in [(left, "Parameters", share), (right, "Multiply-adds", work)]:
    here = {name: values[name] for name in stages}
    plotting.bars(here, title, "share of the network", ax=ax, number_format="{:.2f}").set_xlim(0, 1)
plotting.show(
    figure,
    alt="Share of each stage. Parameters: " + ", ".join(f"{name} {share[name]:.2f}" for name in stages)
    + ". Multiply-adds: " + ", ".join(f"{name} {work[name]:.2f}" for name in stages),
    caption=f"ResNet-18, one image of 32×32. Stem and linear layer have the rest: "
    f"{1 - sum(share[name] for name in stages):.1%} and {1 - sum(work[name] for name in stages):.1%}.",
)  # fmt: skip
cards.verdict(
    "most parameters stand in the last stage, and the work is spread evenly over the four",
    share["layer4"] > 0.5 and max(work[name] for name in stages) < 1.25 * min(work[name] for name in stages),
    f"layer4 has {share['layer4']:.1%} of the parameters; the stages do {min(work[name] for name in stages):.1%} to "
    f"{max(work[name] for name in stages):.1%} of the work",
)

# %% [markdown]
# The reason is a small calculation. A 3×3 convolution has $9 \cdot \text{channels in} \cdot \text{channels out}$
# weights. Twice the channels on both sides make **four times** as many. Each weight is used once at every position of
# the output. Half the height and half the width leave a **quarter** of the positions. Four times a quarter is one:
# the work stays.
#
# `layer1` does a little more than the others. Its first convolution is a full one, from 64 to 64 channels; in the
# other stages the first convolution takes only half as many channels in as the rest.

# %% [markdown]
# ## ResNet-34 and ResNet-50
#
# Only two things change: the numbers of blocks, and for ResNet-50 the block. (`models.ResNet` is called like yours.)

# %%
family = {
    "ResNet-18": (BasicBlock, [2, 2, 2, 2]),
    "ResNet-34": (BasicBlock, [3, 4, 6, 3]),
    "ResNet-50": (Bottleneck, [3, 4, 6, 3]),
}
sizes = {}
for name, (block, num_blocks) in family.items():
    each = models.ResNet(block, num_blocks, num_classes)
    sizes[name] = inspection.count_parameters(each), inspection.count_multiply_adds(each)
    print(f"{name}  {block.__name__:<10} {num_blocks}  {sizes[name][0]:>10,} parameters   "
          f"{sizes[name][1] / 1e9:.2f} G multiply-adds")  # fmt: skip
more = sizes["ResNet-50"][0] / sizes["ResNet-34"][0] - 1
print(f"ResNet-50 has as many blocks as ResNet-34, three layers in each and not two, and {more:.0%} more parameters.")

# %% [markdown]
# ## Is it really *the* ResNet-18?
#
# A network of your own that runs and has the right number of parameters may still compute something else. The
# strictest test is another implementation that many people trust: give both the same weights and the same images, and
# compare what comes out. For that we need a dictionary, because everybody has other names.
#
# | the paper | torchvision | this course |
# |---|---|---|
# | conv2_x to conv5_x | `layer1` to `layer4` | `layer1` to `layer4` |
# | building block | `BasicBlock` | `BasicBlock` |
# | bottleneck building block | `Bottleneck` | `Bottleneck` |
# | shortcut: identity or projection | nothing, or `downsample` | `shortcut` |
# | fc | `fc` | `linear` |
# | filters | `planes`, `inplanes` | `planes`, `in_planes` |
# | bottleneck's stride in its first 1×1 layer | in its 3×3 layer | in its 3×3 layer |
#
# Why not torchvision's names? `downsample` stands also where nothing gets smaller: in `layer1` of ResNet-50 it only
# changes the channels. And `shortcut` and `linear` are what much of the code for CIFAR uses, so weights saved by it
# fit unchanged.

# %% [markdown]
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
        renamed[name.replace("downsample", "shortcut").replace("fc", "linear")] = tensor
    model.load_state_dict(renamed)
    return model
    ### END SOLUTION


load_torchvision = checks.load_torchvision(load_torchvision)

# %% [markdown]
# No download is needed: random weights will do. The batch norms get random numbers too. Fresh ones are all alike, and
# then a swapped pair would not show. `stem="imagenet"` gives the paper's stem, which torchvision has.


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

# %%
cards.verdict(
    "with torchvision's weights our ResNet-18 gives torchvision's logits, within 0.00001",
    after <= 1e-5,
    f"largest difference of 2 × 1000 logits: {before:.3g} before loading, {after:.3g} after; "
    f"the largest logit is {expected.abs().max():.3g}",
)

# %% [markdown]
# ## Two networks differ: where first?
#
# Suppose the logits had *not* agreed. Eighteen layers lie between image and logits. Looking at the end says little:
# one wrong layer changes everything behind it. The useful question is at which step the results differ **first**.
#
# `first_divergence(model, reference, x)` answers it. It copies both networks, gives the copy of the model the weights
# of the reference, runs both, and records every step with its result: each layer, ReLU and addition. Steps with equal
# results belong together. The first step of the reference that has no such partner is where the two part.
#
# Let us break a network in the third block. This block applies the ReLU to the main path *before* the addition.


# %%
class ReluBeforeAddition(models.BasicBlock):
    def forward(self, x):
        return F.relu(self.transform(x)) + self.shortcut(x)  # transform is the main path F(x)


reference = models.resnet18(num_classes).eval()
early_relu = models.resnet18(num_classes)
early_relu.layer2[0] = ReluBeforeAddition(64, 128, stride=2)
early_relu.eval()
first_report = first_divergence(early_relu, reference, batch)
print(first_report)

# %% [markdown]
# Read it aloud.
#
# - The *first difference* is in `layer2.0`: the third of the eight blocks, counting from the image.
# - Everything before it agrees. This includes the convolutions and batch norms *inside* this block. So the layers are
#   right, and what is wrong is how the block puts them together.
# - The shape of its output is right. No test of shapes would have found it.
# - The *likely reason* comes from laying the steps of one run on those of the other with as few changes as possible.
# - The two formulas show the same: `bn2` and `shortcut.1`, which agree, are put together in two ways.
#
# Now another break: in the first block of `layer3`, both the first convolution and the shortcut have stride 1 in
# place of 2.

# %%
no_stride = models.resnet18(num_classes).eval()
no_stride.layer3[0].conv1.stride = (1, 1)
no_stride.layer3[0].shortcut[0].stride = (1, 1)
second_report = first_divergence(no_stride, reference, batch)
print(second_report)

# %% [markdown]
# This time it is a single layer, the shapes differ, and the setting that differs is named with both values. `layer3`
# and `layer4` work on maps that are twice as wide and high. Why did nobody complain? Because the adaptive pooling takes
# a map of any size. What frees the network from the image size also hides a wrong stride.

# %%
with torch.no_grad():
    networks = {"right": reference, "ReLU before addition": early_relu, "stride 1 in layer3": no_stride}
    seen = {
        name: (inspection.count_parameters(each), tuple(each(batch).shape), inspection.count_multiply_adds(each))
        for name, each in networks.items()
    }
for name, (parameters, shape, cost) in seen.items():
    print(f"{name:<21} {parameters:,} parameters, logits {shape}, {cost / 1e9:.3f} G multiply-adds")
cards.verdict(
    "both broken networks have the right number of parameters and the right output shape",
    len({numbers[:2] for numbers in seen.values()}) == 1 and None not in (first_report.name, second_report.name),
    f"{seen['right'][0]:,} parameters and logits {seen['right'][1]} three times; the first differences are in "
    f"{first_report.name} and {second_report.name}",
)

# %% [markdown]
# Last, your own class against torchvision, layer by layer. torchvision's network gets the stem for small images:
# another first convolution, and an `nn.Identity` in place of the max pooling.

# %%
theirs = torchvision.models.resnet18(weights=None, num_classes=num_classes)
theirs.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
theirs.maxpool = nn.Identity()
own_report = first_divergence(ResNet18(num_classes).eval(), randomise_batch_norms(theirs), batch)
print(own_report)
cards.verdict(
    "ResNet18 of this lesson and torchvision's with the small stem compute the same, step by step",
    own_report.name is None,
    str(own_report).splitlines()[0],
)

# %% [markdown]
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(
    f"1. ResNet-18 with {num_classes} classes: {total_parameters:,} parameters, {total_work / 1e9:.3f} G multiply-adds "
    "for a 32×32 image."
)
print(f"2. The last stage holds {share['layer4']:.1%} of the parameters and does {work['layer4']:.1%} of the work.")
print(
    f"3. Behind a pooling of fixed size stand {flat_features(32)} numbers at 32×32 and {flat_features(64)} at 64×64; "
    "at 48×48 it reads 16 of 36 positions and gives no error."
)
print(f"4. With torchvision's weights the logits differ by at most {after:.1g}.")
print(f"5. Two broken networks with the right shape and number of parameters: their first differences are in "
      f"{first_report.name} and {second_report.name}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. How many convolutions does ResNet-18 have?</summary>
#
# 20. The main path has 17: one in the stem and two in each of eight blocks. Three more are the 1×1 projections at the
# starts of <code>layer2</code>, <code>layer3</code> and <code>layer4</code>. The 18 in the name counts the 17 and the
# linear layer.
# </details>
#
# <details><summary>2. Which stage costs the most time, if time follows multiply-adds: the one with the most
# parameters?</summary>
#
# No. The first stage has hardly more than one hundredth of the parameters and does the most multiply-adds. A weight
# of the first stage is used at 1,024 positions, one of the last stage at 16.
# </details>
#
# <details><summary>3. A ResNet ends with <code>avg_pool2d(out, 4)</code> and <code>Linear(512, 10)</code>. On 48×48
# images it runs without an error. Is all well?</summary>
#
# No. The map is 6×6, one window of 4×4 fits, and the last two rows and columns are never read: 20 of 36 positions.
# With 64×64 it would stop with an error, which is the better case.
# </details>
#
# <details><summary>4. You forget the stride of <code>layer4</code>, so that it is 1. Which test finds it: number of
# parameters, shape of the output, or values?</summary>
#
# Values (or the multiply-adds). Parameters do not depend on the stride, and the adaptive pooling makes the same
# output shape of an 8×8 map as of a 4×4 map.
# </details>
#
# <details><summary>5. Somebody loads torchvision's weights without renaming, with <code>strict=False</code>. No
# error. What does the network compute?</summary>
#
# Nothing useful. Most layers have the right weights, but the three projections and the linear layer keep their random
# ones, since their names fit nothing. <code>strict=False</code> turns a clear error into wrong numbers.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, arXiv 1512.03385, §3.3 and table 1 (the networks for ImageNet, global average pooling),
#   §4.1 with figure 5 (the bottleneck), §4.2 (the smaller family for CIFAR-10).
#
# Next: **lesson 09**, where you train this network.
