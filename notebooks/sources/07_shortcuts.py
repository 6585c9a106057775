# %% [markdown]
# # 07 · Matching dimensions on the shortcut
#
# *x and F(x) can only be added if they have the same shape. Four ways to see to that, and what each of them costs.*

# %% [markdown]
# > RuntimeError: The size of tensor a (4) must match the size of tensor b (8) at non-singleton dimension 3
#
# Whoever builds a residual network by hand meets this sentence sooner or later, often after a whole stage of blocks has
# run without complaint. What is tensor a? From where is dimension 3 counted? And why does the message speak of one
# dimension when three are wrong? We read it word by word. Then come four ways to make the sum possible: one has no
# weights at all, most of them overlook something. Does it matter which of them you take?

# %% [markdown]
# **After this lesson you can**
#
# - read the error of a shortcut that does not fit, and find the case in which there is no error although there should
#   be,
# - say from four numbers whether a block needs help on its shortcut,
# - build a shortcut with weights, one without, and one that averages first, and count what they cost,
# - judge a difference between networks with a statistic that you can write down yourself,
# - say what a projection on every shortcut takes away, and test whether it explains the error,
# - follow the shapes through a bottleneck block.
#
# **You need:** lesson 05, and for the comparison near the end what lesson 02 says about seeds.
#
# **Time:** 32 minutes to read and write; the code runs in less than half a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# A shortcut may be a 1×1 convolution with a stride of 2. It gets an image of 8×8, which is 64 pixels. How many of
# them does it ever look at?
#
# And suppose that *every* block of residual 20 has a 1×1 convolution on its shortcut, also where x would fit as it is.
# How many percent more weights does the network have than with none at all? Both numbers can be worked out on paper.
# Write down what you would say before you do.

# %%
my_guess = {"pixels seen, of 64": None, "more weights, percent": None}  # such as 40, 30

# %%
import math
import statistics
import traceback

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from resnet_course import checks, data, experiments, explorers, models
from resnet_course import plotting, runtime
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()

# %% [markdown]
# ## The error, read line by line
#
# The first block of a stage doubles the channels and moves with a stride of 2. Here is such a block, written by
# somebody who did not think of what happens to x on the way. `models.PlainBlock` is the plain block of lesson 04, and
# its method `transform` is everything before the last ReLU: $F(x)$.


# %%
class NaiveBlock(models.PlainBlock):
    """F(x) + x, whatever the shapes are."""

    def forward(self, x):
        return F.relu(self.transform(x) + x)


x = torch.randn(1, 16, 8, 8)
block = NaiveBlock(16, 32, stride=2)
try:
    block(x)
except RuntimeError as error:
    print("".join(traceback.format_exception(error, limit=-1)))

# %% [markdown]
# - **Traceback … in forward** says where it happened. The line `block = NaiveBlock(...)` passed, because a block that
#   is being built does not know what will come in. Shapes are wrong only once a tensor flows.
# - **return F.relu(self.transform(x) + x)** is the line, and the marks below it, if your Python prints them, point at
#   the plus sign. The convolutions did their work; it is the sum that failed.
# - **tensor a** and **tensor b** are what is left and right of that plus: a is $F(x)$, b is x.
# - **dimension 3** is counted from 0: N is 0, C is 1, H is 2 and W is 3. So the *widths* differ, 4 against 8.
# - **non-singleton** means "of a size other than 1". In a moment we see why a size of 1 would raise no error.
#
# PyTorch compares the shapes from the last dimension to the first and stops at the first pair that it cannot add. A
# drawing of the sum shows what it has not looked at.

# %%
shapes = {"F(x)": block.transform(x).shape[1:], "x": x.shape[1:]}
plotting.show(
    plotting.shape_sum(shapes),
    caption="To scale: a box is as long as there are channels, as high as the image.",
)

# %% [markdown]
# So mending the width alone would not help; the next message would come. Without the stride only the channels differ,
# and then the message does speak of dimension 1.

# %%
try:
    NaiveBlock(16, 32, stride=1)(x)
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## The case without an error
#
# Now a small image, the same number of channels, and a stride of 2. $F(x)$ is again smaller than x. Which message do
# you expect?

# %%
x = torch.randn(5, 16, 2, 2)
block = NaiveBlock(16, 16, stride=2)
print(f"x {tuple(x.shape)}, F(x) {tuple(block.transform(x).shape)}")
print(f"F(x) + x {tuple(block(x).shape)}")

# %%
shapes = {"F(x)": block.transform(x).shape[1:], "x": x.shape[1:]}
plotting.show(plotting.shape_sum(shapes), caption="To scale.")

# %% [markdown]
# There is none. A dimension of size 1 is stretched to fit its partner, which is called **broadcasting**: the one number
# of each channel of $F(x)$ is added to all four pixels of x. The block gives back 2×2 pixels where it should give one.
# It needs an image that has shrunk to 2×2 and a block that keeps its channels, so trying one input rarely finds it. In
# your own blocks, an `assert out.shape == shortcut.shape` before the plus does.
#
# ## Which blocks need help?
#
# In some blocks x can be added as it is, in others something on the shortcut has to change it first. Four numbers
# decide: `in_planes`, the channels that come in; `planes`, the channels of the block's 3×3 convolutions; the `stride`;
# and the **expansion**, which says how many channels go out, as a multiple of `planes`. In the blocks that you know so
# far the expansion is 1. At the end of this lesson you meet one in which it is 4.
#
# ### Exercise: `needs_projection`
#
# Write `needs_projection(in_planes, planes, stride, expansion=1)`. It returns True if x cannot be added as it is, else
# False. The name comes from a **projection**: a shortcut with weights that brings x to the shape of $F(x)$.
#
# | call | result |
# |---|---|
# | `needs_projection(16, 32, 2)` | True |
# | `needs_projection(16, 16, 1)` | False |
# | `needs_projection(256, 64, 1, expansion=4)` | False |
#
# Work out the two shapes for each row of the table before you write. Stuck? `checks.hint("needs_projection")`


# %%
def needs_projection(in_planes, planes, stride, expansion=1):
    """Whether x has another shape than F(x)."""
    ### BEGIN SOLUTION
    return stride != 1 or in_planes != expansion * planes
    ### END SOLUTION


needs_projection = checks.needs_projection(needs_projection)

# %% [markdown]
# Now try your rule on networks that somebody else has built. In torchvision's ResNets some blocks have a layer on the
# shortcut, called `downsample`. Does your function say in which?

# %%
with torch.device("meta"):  # layers without numbers: quick, and enough for shapes
    networks = {
        "resnet18": torchvision.models.resnet18(),
        "resnet50": torchvision.models.resnet50(),
    }

agreed = []
for name, network in networks.items():
    in_planes = 64
    for stage, planes in enumerate((64, 128, 256, 512), start=1):
        for index, block in enumerate(getattr(network, f"layer{stage}")):
            needed = needs_projection(in_planes, planes, block.stride, block.expansion)
            agreed.append(needed == (block.downsample is not None))
            out_planes = planes * block.expansion
            if block.downsample is not None:
                change = f"{in_planes:>4} → {out_planes:>4} channels"
                print(f"{name} layer{stage}.{index}: {change}, stride {block.stride}")
            in_planes = out_planes
print(f"your rule agrees with torchvision in {sum(agreed)} of {len(agreed)} blocks")

# %% [markdown]
# Look for the line with a stride of 1. Nothing is sampled down in that block: the image keeps its size and the channels
# go from 64 to 256. That is why this course does not call the part `downsample`, but `shortcut`.
#
# ## Option B: a learned projection
#
# In 2015 Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun compared three ways and called them A, B and C. We begin
# with **option B**, which is the usual one today.
#
# A 1×1 convolution looks at one pixel at a time and makes a new list of channels out of the old one. It is a small
# matrix, applied at every pixel that it visits; with a stride of 2 it visits every second row and every second column.
# Batch norm follows, as after every convolution here. A ReLU does not: what comes next is the plus sign.
#
# ### Exercise: `projection_shortcut`
#
# Write `projection_shortcut(in_planes, out_planes, stride)`. It returns a module that brings x to the shape of $F(x)$.
#
# `projection_shortcut(16, 32, 2)` turns (N, 16, 8, 8) into (N, 32, 4, 4). It has 576 parameters: from this number you
# can tell whether its convolution has a bias.
#
# Stuck? `checks.hint("projection_shortcut")`


# %%
def projection_shortcut(in_planes, out_planes, stride):
    """Option B: a 1x1 convolution and a batch norm."""
    ### BEGIN SOLUTION
    return nn.Sequential(
        nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),
        nn.BatchNorm2d(out_planes),
    )
    ### END SOLUTION


projection_shortcut = checks.projection_shortcut(projection_shortcut)

# %% [markdown]
# **Option C** is the same layer in *every* block, also where x fits as it is. So it needs no code of its own.
#
# ## Option A: no weights at all
#
# Keep every `stride`-th row and column of x, and fill the channels that are missing with zeros. In those channels the
# block gives $F(x) + 0$, in the others $F(x) + x$.
#
# Where do the zeros go? The paper does not say. Our convention: half of them before the old channels, half after, and
# if their number is odd, the extra one after. Many programs put all of them after. For what can be learned it makes no
# difference, because it only numbers the channels in another way.
#
# ### Exercise: `pad_shortcut`
#
# Write `pad_shortcut(x, out_planes, stride)`, which returns the padded tensor. A call of `F.pad(x, (left, right, top,
# bottom, before, after))` counts from the *last* dimension: the first pair is for the width, the second for the height,
# the third for the channels.
#
# `pad_shortcut(x, 7, 2)` turns (N, 4, 8, 8) into (N, 7, 4, 4). Channel 0 and channels 5 and 6 are zero.
#
# Stuck? `checks.hint("pad_shortcut")`


# %%
def pad_shortcut(x, out_planes, stride):
    """Option A: every stride-th pixel, zeros for the new channels."""
    ### BEGIN SOLUTION
    x = x[:, :, ::stride, ::stride]  # (N, C, H / stride, W / stride)
    missing = out_planes - x.shape[1]
    before = missing // 2
    return F.pad(x, (0, 0, 0, 0, before, missing - before))
    ### END SOLUTION


pad_shortcut = checks.pad_shortcut(pad_shortcut)

# %% [markdown]
# A block needs it as a layer. Of an image that is 1 everywhere, the old channels should stay 1 and the new ones be 0.


# %%
class Pad(nn.Module):
    """`pad_shortcut` as a layer."""

    def __init__(self, out_planes, stride):
        super().__init__()
        self.out_planes, self.stride = out_planes, stride

    def forward(self, x):
        return pad_shortcut(x, self.out_planes, self.stride)


x = torch.ones(1, 4, 8, 8)
padded = Pad(7, 2)(x)
print(f"{tuple(x.shape)} → {tuple(padded.shape)}")
print(f"mean of each channel: {padded.mean((0, 2, 3)).tolist()}")

# %% [markdown]
# ## Which pixels arrive?
#
# Change one pixel of the input, and look whether anything changes in the output. The function below does it for all 64
# pixels at once, with 64 copies of the image.


# %%
def effect_of_pixels(function, x):
    """The largest change in the output when 1 is added to one pixel, for each pixel."""
    height, width = x.shape[2:]
    changed = x.repeat(height * width, 1, 1, 1)
    for pixel in range(height * width):
        changed[pixel, :, pixel // width, pixel % width] += 1
    with torch.no_grad():
        outputs = function(torch.cat([x, changed]))
    change = (outputs[1:] - outputs[:1]).abs().amax((1, 2, 3))
    return change.view(height, width)


# %%
torch.manual_seed(0)
x = torch.randn(1, 16, 8, 8)
block = models.PlainBlock(16, 32, stride=2).eval()
project = projection_shortcut(16, 32, 2).eval()
effect = {
    "option A": effect_of_pixels(lambda x: pad_shortcut(x, 32, 2), x),
    "option B": effect_of_pixels(project, x),
    "F(x)": effect_of_pixels(block.transform, x),
}
for name, pixels in effect.items():
    print(f"{name}: {(pixels > 1e-4).sum()} of {pixels.numel()} pixels arrive")

# %% [markdown]
# The two shortcuts look at the same pixels, those of every second row in every second column, and never at the others.
# No training can change that; it is a matter of where the kernel is placed. $F(x)$ does see all of them, because the
# 3×3 windows of its first convolution overlap even when they move by 2.
#
# ## Option D: average first
#
# In 2018 Tong He and five colleagues at Amazon collected small changes that make a ResNet better, and one of them is
# about these lost pixels ([arXiv 1812.01187](https://arxiv.org/abs/1812.01187), §4, "ResNet-D"). Take the mean of each
# 2×2 pixels first, and then project, with a stride of 1. We call it **option D**.


# %%
def average_shortcut(in_planes, out_planes, stride):
    """Option D: the mean of each stride × stride square, then a projection."""
    return nn.Sequential(
        nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False),
        projection_shortcut(in_planes, out_planes, stride=1),
    )


average = average_shortcut(16, 32, 2).eval()
average[1].load_state_dict(project.state_dict())  # the very weights of option B
effect["option D"] = effect_of_pixels(average, x)
for name in ("option B", "option D"):
    seen = effect[name][effect[name] > 1e-4]
    print(f"{name}: {len(seen)} pixels arrive, each with {seen.mean():.3f}")

# %%
scale = {name: pixels.max() for name, pixels in effect.items()}
scale["option D"] = scale["option B"]
maps = torch.stack([pixels / scale[name] for name, pixels in effect.items()])
words = [f"{name}:\n{(pixels > 1e-4).sum()} of 64" for name, pixels in effect.items()]
figure = plotting.image_grid(maps[:, None], words, 4, "Which pixels change the output")
plotting.show(figure, caption="White: most. Black: not at all. B and D share a scale.")

# %% [markdown]
# With the same weights, option D lets every pixel have a say, and each has a quarter of what the chosen ones had in B.
# That is not the same as "nothing is lost". Either way 64 numbers of a channel become 16: B keeps one of four and drops
# three, D keeps the mean of four. Think of a chessboard of +1 and −1. Its means are all 0, so D sees nothing of it, and
# B sees a smooth surface of one colour. Neither sees a chessboard.
#
# ## Which shortcut for which block?
#
# Here you choose the block, the shortcut and the image. The block runs on it, and you see the shapes and the drawing,
# or PyTorch's own words. Find a setting in which
#
# 1. option A cannot be built,
# 2. option C has weights although x would fit as it is,
# 3. options B and D do exactly the same, and have weights,
# 4. the shortcut is "none" and there is no error, although $F(x)$ is smaller than x. At how many of the three image
#    sizes does this happen?
#
# <details><summary>Answers</summary>
#
# 1. Wherever `planes` is smaller than `in_planes`: padding can add channels, not take them away.
# 2. `in_planes` equal to `planes` and stride 1. Option C projects everywhere.
# 3. `in_planes` other than `planes` and stride 1. The mean of one pixel is that pixel.
# 4. `in_planes` equal to `planes` and stride 2, at one of the sizes: 2×2, where $F(x)$ has shrunk to 1×1.
# </details>

# %%
explorers.shortcut_explorer()

# %% [markdown]
# ## What the options cost
#
# Now we put your functions to work. One function decides what is on a shortcut, and a residual block uses it.


# %%
def make_shortcut(in_planes, out_planes, stride, option):
    """What is on the shortcut. An empty Sequential passes x on as it is."""
    if option == "C":
        return projection_shortcut(in_planes, out_planes, stride)
    if not needs_projection(in_planes, out_planes, stride):
        return nn.Sequential()
    if option == "A":
        return Pad(out_planes, stride)
    make = {"B": projection_shortcut, "D": average_shortcut}
    return make[option](in_planes, out_planes, stride)


# %%
class OptionBlock(models.PlainBlock):
    """ReLU(F(x) + shortcut(x)) with one of the four options."""

    def __init__(self, in_planes, planes, stride=1, shortcut="B"):
        super().__init__(in_planes, planes, stride)
        self.shortcut = make_shortcut(in_planes, planes, stride, shortcut)

    def forward(self, x):
        return F.relu(self.transform(x) + self.shortcut(x))


def make_network(depth, option, classes=10):
    """Three stages of (depth - 2) / 6 blocks, 16, 32 and 64 channels wide."""
    blocks = [(depth - 2) // 6] * 3
    return models.ResNet(OptionBlock, blocks, classes, width=16, shortcut=option)


# %% [markdown]
# First the shapes. All four must bring x to the shape of $F(x)$, for an image of 7×7 as well as of 8×8.

# %%
for size in (8, 7):
    x = torch.randn(1, 16, size, size)
    wanted = block.transform(x).shape
    for option in "ABCD":
        assert make_shortcut(16, 32, 2, option)(x).shape == wanted, option
    print(f"{size}×{size}: F(x) and all four shortcuts are {tuple(wanted[1:])}")

# %% [markdown]
# Seven rows become four, those with the numbers 0, 2, 4 and 6: an odd size is rounded up. Option D agrees because of
# `ceil_mode=True`. Its last window then reaches over the edge, and takes the mean of the pixels that are there.
#
# Now weights and **multiply-adds**: a multiplication together with an addition, counted as one. A convolution uses
# each of its weights once for each position of its output, and the linear layer at the end has one position. A hook on
# each of these layers sees the output, so the whole count is one line.


# %%
def count_cost(model, image_size=32):
    """Weights, and multiply-adds of the forward pass of one image."""
    spent = []

    def note(layer, inputs, output):
        spent.append(layer.weight.numel() * output[0, 0].numel())

    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, image_size, image_size))
    for hook in hooks:
        hook.remove()
    return sum(p.numel() for p in model.parameters()), sum(spent)


# %% [markdown]
# Here is the cost of residual 20 for images of 32×32, with each of the options and, for comparison, of plain 20.

# %%
networks = {f"option {option}": make_network(20, option) for option in "ABCD"}
networks = {"plain 20": models.cifar_resnet(20, residual=False), **networks}
cost = {name: count_cost(network) for name, network in networks.items()}
weights, multiply_adds = cost["option A"]
print("            1×1 convolutions    weights    more    multiply-adds    more")
for name, network in networks.items():
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    ones = [layer for layer in convolutions if layer.kernel_size == (1, 1)]
    own, work = cost[name]
    print(f"{name:<12}{len(ones):>16}{own:>11,}{own / weights - 1:>8.2%}"
          f"{work:>17,}{work / multiply_adds - 1:>8.2%}")  # fmt: skip

# %%
cards.compare_guess(my_guess, {
    "pixels seen, of 64": float((effect["option B"] > 1e-4).sum()),
    "more weights, percent": 100 * (cost["option C"][0] / weights - 1),
}, lesson="07")  # fmt: skip

# %% [markdown]
# The first two rows are equal: with option A a residual network costs not one weight and not one multiply-add more than
# the plain one. So whatever shortcuts gained in lesson 05, with this option it was not bought with weights. B and D
# are equal as well, because a mean has no weights. (The few additions of the plus sign and of the means are not counted
# here.)
#
# ## Does the option matter for the error?
#
# You may read that "projections make ResNets work". Is it so? The package ships trainings of residual 20 with each of
# the options, by the recipe of lesson 04 (Adam at 1e-3, a one-cycle schedule), on generated images and on photographs
# as far as they are recorded, five seeds for each option. Their errors were counted on test images. By the rule of
# lesson 02 that is fine as long as nobody picks an option by them and then quotes its error.

# %%
recorded, how = {}, {}
for kind, name in (("generated images", "shapes"), ("photographs", "cifar10-jpeg")):
    records, missing = experiments.load_recorded("shortcuts", name)
    if missing:
        print(f"{kind}: {len(missing)} trainings are not recorded yet")
        continue  # without a figure and a verdict
    recorded[kind] = experiments.errors_by_shortcut(records)
    options = {o: e for o, e in recorded[kind].items() if o.startswith("option")}
    axes = plotting.dots(options, f"Residual 20, {kind}", "test error")
    how[kind] = experiments.conditions(records)
    plotting.show(axes, caption=f"Recorded: {how[kind]}. Lines: means.")

# %% [markdown]
# Which of these differences would still be there with five other seeds? The trainings come in pairs: option A with
# seed 0 and option B with seed 0 have seen the same images in the same order. So we take the difference inside each
# pair, as in lesson 02, and ask how far the mean of these differences may be from the true one. With the standard
# deviation $s$ of $n$ differences, that is
#
# $$ \text{mean} \pm t \cdot \frac{s}{\sqrt{n}} $$
#
# where $t$ is Student's number for 95 %: 2.78 for five differences, 4.30 for three. If this interval contains 0, the
# trainings cannot tell the two options apart.
#
# What is there to expect? For a network of 34 layers on ImageNet, He et al. found that B was a little better than A and
# C a little better than B, by less than one point of top-1 error in all (§4.1, table 3). For D the later paper reports
# a gain over the same network without the mean. (It has a "B" and a "C" of its own; they are other changes.) These are
# the claims that we try.

# %%
STUDENT_T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # 95 %, for so many differences
CLAIMS = {
    "a projection where it is needed lowers the error": ("option A", "option B"),
    "projections everywhere lower it further": ("option B", "option C"),
    "averaging before the projection lowers it": ("option B", "option D"),
}


def judge(claim, errors, worse, better):
    """A verdict on errors[worse] > errors[better], by paired differences."""
    pairs = zip(errors[worse], errors[better], strict=True)
    differences = [first - second for first, second in pairs]
    mean, n = statistics.mean(differences), len(differences)
    reach = STUDENT_T[n] * statistics.stdev(differences) / math.sqrt(n)
    holds = None if abs(mean) <= reach else mean > 0  # None: cannot tell
    cards.verdict(claim, holds, f"{worse} minus {better}: {mean:+.3f} ± {reach:.3f}")


# %%
for kind, errors in recorded.items():
    for claim, (worse, better) in CLAIMS.items():
        judge(f"{kind}: {claim}", errors, worse, better)

# %% [markdown]
# A *not reproduced* means here that the whole interval lies on the other side of 0: the option that should be better
# is worse in these trainings. *Cannot tell* is not "they are equal": it may take more seeds to see a difference. And of
# twenty comparisons between equals, one looks like a difference on average. So do not build on a single one whose
# interval misses 0 by little.
#
# ## What does option C give up?
#
# Option C has the most weights and, in eval mode, can do whatever B can do. Yet something is missing in such a network:
# no block passes its input on as it is. Every shortcut is one more layer, and it starts from random weights.
#
# Lesson 04 had a number for what gets lost in deep plain networks before any training: the loss gradient at an image
# and at nearly the same image, and whether the two point the same way. It takes a second to measure. We ask it of fresh
# networks of 20 and 56 layers, with five seeds each, and of one more: option C started in another way. In every
# projection that keeps the number of channels, the 1×1 convolution begins as the **identity matrix**, so that each
# channel is passed on, up to what batch norm does to it. The layers are the same, and so is the number of weights; only
# the start differs.

# %%
count = profile.pick(quick=64, full=64, smoke=4)
images = data.load(profile.dataset, "train", image_size=16, limit=count)
device = profile.device


def build(option, depth, seed, identity=False):
    """A fresh network; option None is the plain one."""
    torch.manual_seed(seed)
    if option is None:
        return models.cifar_resnet(depth, len(images.classes), residual=False)
    model = make_network(depth, option, len(images.classes))
    for name, layer in model.named_modules() if identity else ():
        if "shortcut" in name and isinstance(layer, nn.Conv2d):
            if layer.in_channels == layer.out_channels:
                nn.init.dirac_(layer.weight)  # the identity matrix
    return model


# %%
gradient_similarity = checks.yours("gradient_similarity")
kinds = {"plain": (None, False), "C from the identity": ("C", True)}
kinds |= {f"option {letter}": (letter, False) for letter in "CBA"}
x, y = next(iter(data.Batches(images, len(images), device=device)))
near = x + 0.01 * torch.randn_like(x)
agrees = {20: {}, 56: {}}
for depth in agrees:
    for name, (option, identity) in kinds.items():
        fresh = [build(option, depth, seed, identity).to(device) for seed in range(5)]
        found = [gradient_similarity(model, x, near, y) for model in fresh]
        agrees[depth][name] = [float(number) for number in found]

# %% [markdown]
# A mean cosine of 1 says that the gradients at an image and near it point the same way, one of 0 that they have nothing
# to do with each other.

# %%
for depth, by_name in agrees.items():
    axes = plotting.dots(by_name, f"{depth} layers, untrained", "mean cosine")
    plotting.show(axes, caption=f"{len(images)} images of {images.name}, 5 seeds.")
judge("56 layers: gradients agree more with B than with C", agrees[56],
      "option B", "option C")  # fmt: skip

# %% [markdown]
# Is option C nearer to option B or to the network without any shortcuts? Answer for each depth: the answers may differ.
# And how far does the other start take it?
#
# From this we can make a prediction. If the start is what hurts option C, then C from the identity should train better
# than C, though it has the same layers and the same number of weights. That was recorded too, with the same five seeds.

# %%
for kind, errors in recorded.items():
    pair = {name: errors[name] for name in ("option C", "C from the identity")}
    axes = plotting.dots(pair, f"Option C, two starts, {kind}", "test error")
    plotting.show(axes, caption=f"Recorded: {how[kind]}. Lines: means.")
    judge(f"{kind}: from the identity, C has a lower error", errors, *pair)
    claim = f"{kind}: B has a lower error still"
    judge(claim, errors, "C from the identity", "option B")

# %% [markdown]
# *Reproduced* says that the start is a part of what hurts C, since the layers and the number of weights are the same:
# the experiment of lesson 04 in another place. *Cannot tell* leaves the question open. Mind the depth, too: the
# trainings have 20 layers. Put the cosines of 20 layers beside the errors: is it the same order? If it is not, then the
# agreement of gradients at the start is not all that counts.
#
# He et al. came back to option C in a second paper. In a network of 110 layers on CIFAR-10, a 1×1 convolution on every
# shortcut gave nearly twice the test error of identity shortcuts, although C had done well with 34 layers on ImageNet
# (2016, [arXiv 1603.05027](https://arxiv.org/abs/1603.05027), §3.1, table 1). In 2015 they had dropped it for another
# reason, to save memory and time (§4.1). Of this course's networks, the recorded ones of 6n + 2 layers use A unless a
# figure says otherwise; the blocks that you write use B, as torchvision does.
#
# ## The bottleneck
#
# ResNets of 50 layers and more are made of another block, the **bottleneck**. Its convolutions, without batch norm and
# ReLU, are
#
# ```python
# nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)
# nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
# nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)
# ```
#
# This is the block with an expansion of 4. (The 3×3 convolution has the stride, as in torchvision. The paper has
# it on the first one.)

# %%
plotting.show(
    plotting.block_diagram("bottleneck", 256, 64),
    caption="A bottleneck with planes = 64: wide at both ends, narrow at the 3×3.",
)

# %% [markdown]
# ### Exercise: `bottleneck_shapes`
#
# Write `bottleneck_shapes(in_planes, planes, stride, height)`. For a square image of the given height it returns the
# shapes (C, H, W) after each of the three convolutions, as a list of three tuples. The height may be odd, and the
# stride may be 3.
#
# `bottleneck_shapes(256, 128, 2, 8)` is `[(128, 8, 8), (128, 4, 4), (512, 4, 4)]`.
#
# Stuck? `checks.hint("bottleneck_shapes")`


# %%
def bottleneck_shapes(in_planes, planes, stride, height):
    """(C, H, W) after the first, second and third convolution of a bottleneck."""
    ### BEGIN SOLUTION
    small = math.ceil(height / stride)
    narrow, wide = (planes, small, small), (4 * planes, small, small)
    return [(planes, height, height), narrow, wide]
    ### END SOLUTION


bottleneck_shapes = checks.bottleneck_shapes(bottleneck_shapes)

# %% [markdown]
# Why go to this trouble? Count the weights of the convolutions (He et al. 2015, figure 5).


# %%
def convolution_weights(block):
    layers = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
    return sum(layer.weight.numel() for layer in layers)


counts = {
    "two 3×3 at 64 channels": models.BasicBlock(64, 64),
    "two 3×3 at 256 channels": models.BasicBlock(256, 256),
    "bottleneck at 256 channels": models.Bottleneck(256, 64),
    "the same with option C": models.Bottleneck(256, 64, shortcut="C"),
}
for name, block in counts.items():
    counts[name] = convolution_weights(block)
    print(f"{name:<28}{counts[name]:>10,}")

# %% [markdown]
# The bottleneck carries four times as many channels for about the price of the basic block with 64. Here option C would
# be expensive. The shortcut joins the two *wide* ends, so a projection there has nearly as many weights as the rest of
# the block together. For bottlenecks a shortcut that costs nothing matters most (§4.1).
#
# ## What we measured

# %%
pixels = {name: int((seen > 1e-4).sum()) for name, seen in effect.items()}
print(f"1. Of 64 pixels {pixels['option A']} arrive over shortcut A,",
      f"{pixels['option B']} over B and {pixels['option D']} over D.")  # fmt: skip
more = [f"{cost[f'option {o}'][0] / weights - 1:.1%} more with {o}" for o in "BCD"]
print(f"2. Residual 20 has {weights:,} weights with option A;", ", ".join(more))
means = [f"{name} {statistics.mean(agrees[56][name]):.2f}" for name in agrees[56]]
print(f"3. Agreement of gradients, 56 layers: {', '.join(means)}")
print("4. Recorded test error:")
for kind, by_name in recorded.items():
    means = [f"{name} {statistics.mean(by_name[name]):.3f}" for name in by_name]
    print(f"   {kind}: {', '.join(means)}")
small, wide, narrow, projected = counts.values()
print(f"5. A bottleneck at 256 channels has {narrow / small:.2f} times the weights of",
      f"two 3×3 at 64, and {narrow / wide:.3f} times those of two at 256;",
      f"a projection would add {projected / narrow - 1:.0%}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. An error names the sizes 4 and 8 "at dimension 3". Do the channels fit?</summary>
#
# The message does not say. PyTorch compares from the last dimension and stops at the first pair that it cannot add.
# "Yes, only the width is named" is the usual wrong answer.
# </details>
#
# <details><summary>2. A block forgets its shortcut's projection and trains without an error. How can that be?</summary>
#
# Broadcasting. If $F(x)$ has shrunk to 1×1 and the channels agree, it is added to every pixel of x. Or the block does
# not change the shape, and then nothing was missing.
# </details>
#
# <details><summary>3. Bottleneck, planes = 64, stride 1: does it need a projection for 64 channels? For 256?</summary>
#
# With 64 it does, because 4 · 64 = 256 channels go out. With 256 it does not. Whoever compares `in_planes` with
# `planes` gets both wrong.
# </details>
#
# <details><summary>4. In one training each, B is 0.01 better than A. What do you report?</summary>
#
# That one pair of trainings cannot tell. There is no interval for one difference. With more seeds, report the mean of
# the paired differences and its interval, also if it contains 0.
# </details>
#
# <details><summary>5. Does averaging before the projection keep all the information?</summary>
#
# No. Every pixel has a say, but four numbers become one, as with a strided projection. What differs is which part is
# kept: the mean of four pixels, or one of them.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385): §3.2 has the projection
#   (equation 2), §3.3 options A and B, §4.1 the comparison of A, B and C (table 3) and the bottleneck (figure 5).
# - He, Zhang, Ren, Sun 2016, [arXiv 1603.05027](https://arxiv.org/abs/1603.05027): §3 is about what happens when the
#   shortcut is anything but the identity.
# - T. He, Zhang, Zhang, Zhang, Xie, Li 2018, [arXiv 1812.01187](https://arxiv.org/abs/1812.01187): §4, small changes of
#   ResNet-50, each with what it gains; ours is "ResNet-D".
#
# Next: [lesson 08](08_resnet18.ipynb), where blocks and shortcuts become ResNet-18.
