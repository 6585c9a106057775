# %% [markdown]
# # 11 · Deeper
#
# *How 152 layers became cheaper than 16, and what is left of the idea in the networks of today.*

# %% [markdown]
# In December 2015 networks of up to 152 layers won the ImageNet competition. A year before, VGG's 16 and 19 layers
# had been deep. The surprise was not only that 152 layers could be trained. The authors wrote that their network was
# eight times as deep as VGG *and still had lower complexity* ([He et al. 2015](https://arxiv.org/abs/1512.03385),
# abstract). More than 130 additional layers, and less work for each image. How can that be?
#
# The answer is a block that makes its 3×3 convolution small before it is used. Three months later the same authors
# moved three small operations to another place in the block, and a thousand layers, which had done worse than a hundred
# until then, did better. You will write both blocks. Then you look at what came after, and find that the path around
# the layers is the part that stayed.
#
# **After this lesson you can**
#
# - write the bottleneck block, say why each of its three layers has the size it has, and build ResNet-50 from it,
# - count the cost of a block *with* its projection, and say what the place of the stride changes,
# - write the residual block in pre-activation order, and say what "a clean path" means in numbers,
# - recognise the same path in ResNeXt, in ConvNeXt, and in a transformer.
#
# **You need:** lessons 05 to 08.
#
# **Time:** 29 minutes to read and write; the code runs in about a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# ResNet-34 and ResNet-50 have the same four stages with the same 16 blocks. In ResNet-34 a block has two layers, in
# ResNet-50 it has three and carries four times as many channels to the next one. How many times as many multiply-adds
# does ResNet-50 need for an image? And ResNet-152, compared with VGG-16?

# %%
my_guess = {"ResNet-50 / ResNet-34": None, "ResNet-152 / VGG-16": None}  # 2, 0.9?

# %%
from statistics import mean, median
from timeit import default_timer

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from resnet_course import checks, data, inspection, models, plotting, runtime, training
from resnet_course.notebook import cards

BasicBlock, ResNet = models.BasicBlock, models.ResNet
needs_projection = checks.yours("needs_projection")
projection_shortcut = checks.yours("projection_shortcut")
plotting.use_style()
profile, precision = runtime.profile(), runtime.precision()
device = profile.device

# %% [markdown]
# ## Where the cost of a block is
#
# A convolution does the same work at every pixel: (channels in) × (channels out) × (kernel area) multiply-adds. That
# is also its number of weights. So a 3×3 convolution costs nine times as much as a 1×1 convolution between the same
# channels. If you want many channels and cannot pay for them, let the 3×3 convolution see *few*. This is the
# **bottleneck** that you met in lesson 07: a 1×1 convolution reduces the channels, the 3×3 works on the few, and
# another 1×1 widens them again, to four times `planes`.


# %%
def per_pixel(in_planes, out_planes, kernel):
    """Multiply-adds at one pixel of the output; also the number of weights."""
    return in_planes * out_planes * kernel**2


candidates = {
    "two 3×3 at 64 channels": [(64, 64, 3), (64, 64, 3)],
    "two 3×3 at 256 channels": [(256, 256, 3), (256, 256, 3)],
    "1×1, 3×3, 1×1: 256→64→64→256": [(256, 64, 1), (64, 64, 3), (64, 256, 1)],
    "3×3, 1×1, 3×3: 256→64→64→256": [(256, 64, 3), (64, 64, 1), (64, 256, 3)],
}
for name, layers in candidates.items():
    costs = [per_pixel(*layer) for layer in layers]
    words = " + ".join(f"{each:,}" for each in costs)
    print(f"{name:<30}{words:>27} ={sum(costs):>10,}")

# %% [markdown]
# Compare the last two lines. They have the same channels everywhere, and only the kernels have changed places. The
# 3×3 kernel belongs where both sides are narrow. And compare the first line with the third: about the same cost, and
# four times as many channels that go out.
#
# ## Where the stride belongs
#
# At the beginning of a stage the image is halved, and one of the three layers takes the stride of 2. In the networks
# that the authors published it is the first 1×1 convolution. torchvision, and this course, put it on the 3×3. A fair
# count needs *everything* the block computes, and here that includes the shortcut. Such a block changes its shape, so
# the shortcut is a projection: a 1×1 convolution from 256 to 512 channels. It is the same in both versions.

# %%
small, large = 28 * 28, 56 * 56  # pixels after the stride, and before it
first, middle = per_pixel(256, 128, 1), per_pixel(128, 128, 3)
last, projection = per_pixel(128, 512, 1), per_pixel(256, 512, 1)
versions = {"first 1×1": (small, small), "3×3": (large, small)}
total = {}
for place, pixels in versions.items():
    parts = [first * pixels[0], middle * pixels[1], last * small, projection * small]
    total[place] = sum(parts)
    words = " + ".join(f"{part / 1e6:.0f}" for part in parts)
    print(f"stride on the {place:<10}{words:<21} = {total[place] / 1e6:.0f} million")
more = total["3×3"] / total["first 1×1"] - 1
print(f"in both, {projection * small / 1e6:.0f} million are those of the projection")
print(f"on the 3×3 the block costs {more:.0%} more;", end=" ")
print(f"on the first 1×1 it looks at {small / large:.0%} of x")

# %% [markdown]
# Without the projection the difference would look larger than it is. What do you get for the additional work? Remember
# from lesson 07 what a 1×1 convolution with a stride of 2 does: it looks at one pixel of four and drops the others.
# With the stride on the 3×3, each pixel of x has a share in F(x).

# %%
figure = plotting.block_diagram("bottleneck", 256, 128, stride=2)
plotting.show(figure, "planes = 128: the first block of ResNet-50's second stage.")

# %% [markdown]
# ### Exercise: `bottleneck`
#
# Write the class `Bottleneck(in_planes, planes, stride=1)`. This is what happens to a tensor of shape (N, 256, 8, 8)
# in `Bottleneck(256, 128, stride=2)`:
#
# | step | | shape after it |
# |---|---|---|
# | 1 | 1×1 convolution: `in_planes` to `planes`; batch norm, ReLU | (N, 128, 8, 8) |
# | 2 | 3×3 convolution with the stride: `planes` to `planes`; batch norm, ReLU | (N, 128, 4, 4) |
# | 3 | 1×1 convolution: `planes` to `4 * planes`; batch norm. This is $F(x)$ | (N, 512, 4, 4) |
# | 4 | the shortcut of x | (N, 512, 4, 4) |
# | 5 | the sum of 3 and 4, then ReLU | (N, 512, 4, 4) |
#
# No convolution has a bias. The shortcut is the identity where the shape stays and a projection where it changes:
# your `needs_projection(in_planes, out_planes, stride)` and `projection_shortcut(in_planes, out_planes, stride)` of
# lesson 07. Mind what `out_planes` is here.
#
# `Bottleneck(256, 64)` keeps the shape and has no projection; `Bottleneck(64, 64)` has one.
#
# Stuck? `checks.hint("bottleneck")`


# %%
class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up, add the shortcut, ReLU."""

    expansion = 4  # channels that go out, as a multiple of `planes`

    def __init__(self, in_planes: int, planes: int, stride: int = 1):
        super().__init__()
        ### BEGIN SOLUTION
        out_planes = self.expansion * planes
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out_planes, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_planes)
        self.shortcut = nn.Sequential()  # the identity
        if needs_projection(in_planes, out_planes, stride):
            self.shortcut = projection_shortcut(in_planes, out_planes, stride)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        out = F.relu(self.bn1(self.conv1(x)))  # (N, planes, H, W)
        out = F.relu(self.bn2(self.conv2(out)))  # (N, planes, H / stride, ...)
        out = self.bn3(self.conv3(out))  # (N, 4 * planes, H / stride, ...)
        return F.relu(out + self.shortcut(x))
        ### END SOLUTION


Bottleneck = checks.bottleneck(Bottleneck)

# %% [markdown]
# `ResNet` of lesson 08 takes any block that says its `expansion`. So the whole family comes from two classes and four
# numbers. Here with the stem for ImageNet, 1000 classes and images of 224×224, as in table 1 of the paper. VGG-16
# stands beside it.

# %%
family = {
    "ResNet-18": (BasicBlock, [2, 2, 2, 2]),
    "ResNet-34": (BasicBlock, [3, 4, 6, 3]),
    "ResNet-50": (Bottleneck, [3, 4, 6, 3]),
    "ResNet-101": (Bottleneck, [3, 4, 23, 3]),
    "ResNet-152": (Bottleneck, [3, 8, 36, 3]),
}
weights, cost = {}, {}
with torch.device("meta"):  # layers without their numbers: quick, and enough to count
    networks = {"VGG-16": models.vgg16(1000)}
    for name, arguments in family.items():
        networks[name] = ResNet(*arguments, num_classes=1000, stem="imagenet")
    for name, network in networks.items():
        weights[name] = inspection.count_parameters(network)
        cost[name] = inspection.count_multiply_adds(network, (3, 224, 224))
        print(f"{name:<11}{weights[name]:>13,} weights", end="")
        print(f"{cost[name] / 1e9:>7.2f} billion multiply-adds")
    theirs = inspection.count_parameters(torchvision.models.resnet50())
assert weights["ResNet-50"] == theirs  # that of torchvision

# %%
billions = {name: count / 1e9 for name, count in cost.items()}
axes = plotting.bars(
    billions, "Work for one image of 224×224", "billion multiply-adds",
    number_format="{:.1f}",
)  # fmt: skip
plotting.show(axes, "Counted, not measured: convolutions and linear layers.")
measured = {
    "ResNet-50 / ResNet-34": cost["ResNet-50"] / cost["ResNet-34"],
    "ResNet-152 / VGG-16": cost["ResNet-152"] / cost["VGG-16"],
}
cards.compare_guess(my_guess, measured, lesson="11")

# %% [markdown]
# There is the sentence of the abstract, in numbers. VGG-16 does most of its work with 3×3 convolutions between many
# channels on large images. ResNet shrinks the image to a quarter of its height in the stem, and lets 1×1 convolutions
# carry the channels.
#
# Is less work also less time? The wide ends of a bottleneck have four times as many numbers to normalise, to add and to
# send through a ReLU, and a 1×1 convolution does little work for each number that it reads. So let a clock decide.
# ResNet-34 and ResNet-50 go forward and back in turns, so that whatever else the machine does falls on both.


# %%
def seconds_of_step(model, images, targets):
    runtime.wait_for(device)
    started = default_timer()
    with precision.context(device):
        loss = F.cross_entropy(model(images), targets)
    loss.backward()
    runtime.wait_for(device)
    return default_timer() - started


count, width = profile.pick(quick=(16, 16), full=(128, 64))
images = torch.randn(count, 3, 32, 32, device=device)
images = images.to(memory_format=precision.memory_format)
targets = torch.zeros(count, dtype=torch.int64, device=device)
pair, work = {}, {}
for name in ("ResNet-34", "ResNet-50"):
    network = ResNet(*family[name], width=width)
    work[name] = inspection.count_multiply_adds(network, (3, 32, 32))
    pair[name] = network.to(device, memory_format=precision.memory_format)
    seconds_of_step(pair[name], images, targets)  # the warm-up

# %%
rounds = []
for _ in range(6):
    slow, fast = (seconds_of_step(pair[n], images, targets) for n in reversed(pair))
    rounds.append(slow / fast)
work_ratio, low, high = work["ResNet-50"] / work["ResNet-34"], min(rounds), max(rounds)
cards.verdict(
    f"at width {width} ResNet-50 takes longer, against ResNet-34, than by the counts",
    True if low > work_ratio else False if high < work_ratio else None,
    f"{work_ratio:.2f} times the multiply-adds; "
    f"{median(rounds):.2f} times the time ({low:.2f} to {high:.2f}, 6 rounds)",
)

# %% [markdown]
# The word in the box follows a rule: *reproduced* if all six rounds lie above the ratio of the counts, *not
# reproduced* if all lie below, and *cannot tell* otherwise. Lesson 12 is about such measurements. Whatever came out
# here: a count of multiply-adds is a good first guess, and no clock.
#
# ## A clean path
#
# Look at what lies between the x of one block and the x of the next. In the block of lesson 05 it is a ReLU:
#
# $$x_{l+1} = \text{ReLU}\big(x_l + F(x_l)\big)$$
#
# He et al. took it away in their next paper ([2016](https://arxiv.org/abs/1603.05027)). If nothing but the addition
# stands on the path, then $x_{l+1} = x_l + F(x_l)$, and the x of any later block is the x of any earlier one plus a
# sum: $x_L = x_l + F(x_l) + \dots + F(x_{L-1})$ (§2). Batch norm and ReLU do not disappear. They move *in front of* the
# convolution that needs them:
#
# | order | main path | after the addition |
# |---|---|---|
# | lesson 05, **post-activation** | conv → batch norm → ReLU → conv → batch norm → **+** | ReLU |
# | now, **pre-activation** | batch norm → ReLU → conv → batch norm → ReLU → conv → **+** | nothing |
#
# ### Exercise: `preact_block`
#
# Write the class `PreActBlock(in_planes, planes, stride=1)`. This is what happens to a tensor x of shape (N, 16, 8,
# 8) in `PreActBlock(16, 32, stride=2)`:
#
# | step | | shape after it |
# |---|---|---|
# | 1 | batch norm of x, ReLU. Call the result a | (N, 16, 8, 8) |
# | 2 | 3×3 convolution of a; it takes the stride and changes the channels | (N, 32, 4, 4) |
# | 3 | batch norm, ReLU | (N, 32, 4, 4) |
# | 4 | 3×3 convolution with stride 1. This is $F(x)$ | (N, 32, 4, 4) |
# | 5 | the shortcut | (N, 32, 4, 4) |
# | 6 | the sum of 4 and 5. Nothing follows it | (N, 32, 4, 4) |
#
# The shortcut is the point to mind, since two tensors could go in. Where the shape **stays**, it is **x itself**, as it
# came in. Where the shape **changes**, it is a 1×1 convolution **of a**: the projection branches off after the first
# batch norm and ReLU. It takes the stride, and it has no batch norm of its own, since one already comes before it. No
# convolution has a bias.
#
# Stuck? `checks.hint("preact_block")`


# %%
class PreActBlock(nn.Module):
    """batch norm, ReLU, conv, batch norm, ReLU, conv, add the shortcut."""

    expansion = 1

    def __init__(self, in_planes: int, planes: int, stride: int = 1):
        super().__init__()
        ### BEGIN SOLUTION
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.projection = None
        if needs_projection(in_planes, planes, stride):
            self.projection = nn.Conv2d(in_planes, planes, 1, stride, bias=False)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        active = F.relu(self.bn1(x))
        shortcut = x if self.projection is None else self.projection(active)
        out = self.conv1(active)  # (N, planes, H / stride, ...)
        out = self.conv2(F.relu(self.bn2(out)))  # F(x)
        return out + shortcut
        ### END SOLUTION


PreActBlock = checks.preact_block(PreActBlock)

# %% [markdown]
# What does the clean path change? Two measurements on 27 fresh blocks. First, as in lesson 06: the gradient of the
# sum of the output, if it may take **only the shortcuts**. In the clean path nothing stands in its way, so every
# number of x must get the value 1; that is an assertion in the cell. Second: how large does x become?


# %%
def one_block(order, block, x):
    """x after the block; no gradient passes F(x)."""
    if order == "post-activation":
        return F.relu(block.transform(x).detach() + x)
    return (block(x) - x).detach() + x  # what the block adds is F(x)


training.reset_seeds(0)
start = torch.randn(16, 16, 8, 8).relu()
kinds = {"post-activation": BasicBlock, "pre-activation": PreActBlock}
arrived, size = {}, {}
for order, kind in kinds.items():
    x = out = start.clone().requires_grad_()
    arrived[order], size[order] = [], []
    for _ in range(27):
        out = one_block(order, kind(16, 16), out)
        (home,) = torch.autograd.grad(out.sum(), x, retain_graph=True)
        arrived[order].append(home.mean().item())
        size[order].append(out.std().item())
assert all(abs(value - 1) < 1e-4 for value in arrived["pre-activation"])

# %%
axes = plotting.lines(
    arrived, "The gradient that takes the shortcuts alone", "blocks on its way",
    "mean gradient at the input", y_limits=(0, 1.05),
)  # fmt: skip
plotting.show(axes, "Fresh blocks of 16 channels, 16 random inputs of 8×8, one seed.")
for order in kinds:
    print(f"{order:<16} deviation of x after 1, 9 and 27 blocks:",
          " ".join(f"{size[order][place]:.1f}" for place in (0, 8, 26)))  # fmt: skip

# %% [markdown]
# Two things to take from this. In the old order each block stops the gradient of those numbers whose sum is negative,
# and what is stopped once does not come back. And x grows from sum to sum in both orders: the lines under the figure
# say how far. In pre-activation order each block reads x through a batch norm and a ReLU of its own, but the linear
# layer at the end has none. So a network of these blocks needs **one more batch norm and ReLU after its last block**
# (2016, appendix). It is easy to forget, and no error tells you. In the class below, the batch norm of the stem has
# moved there.


# %%
class PreActResNet(ResNet):
    """Three stages in pre-activation order; batch norm and ReLU after them."""

    def __init__(self, num_blocks, num_classes, width=16):
        super().__init__(PreActBlock, num_blocks, num_classes, width=width)
        self.bn1 = nn.BatchNorm2d(self.in_planes)

    def features(self, x):
        out = self.conv1(x)  # (N, width, H, W)
        for stage in self.stages:
            out = stage(out)
        out = F.relu(self.bn1(out))  # (N, 4 * width, H / 4, W / 4)
        return F.adaptive_avg_pool2d(out, 1).flatten(1)  # (N, 4 * width)


# %% [markdown]
# ## Does the order matter here?
#
# The same depth, images, epochs, optimizer and rate for both orders, and the recipe of lesson 04: Adam with a rate
# that rises to 0.001 and falls again. Runs are compared in pairs of one seed, as in lesson 02. Before you run it:
# what would you have to see to say "the new order is better"?

# %%
budget = profile.pick(
    quick=runtime.Budget(images=700, image_size=16, epochs=5),
    full=runtime.Budget(images=50_000, image_size=32, epochs=8, batch_size=128),
)
pictures = data.load(profile.dataset, "train", budget.image_size, budget.images)
new_pictures = data.load(profile.dataset, "test", budget.image_size, 1_000)
classes, seeds = len(pictures.classes), (0, 1, 2)
blocks = profile.pick(quick=3, full=9)  # in each of three stages: 20 or 56 layers
make = {
    "post-activation": lambda: ResNet(BasicBlock, [blocks] * 3, classes, width=16),
    "pre-activation": lambda: PreActResNet([blocks] * 3, classes),
}


def error_of(order, seed):
    training.reset_seeds(seed)
    model = make[order]().to(device)
    batches = data.Batches(pictures, budget.batch_size, True, seed=seed, device=device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    steps = budget.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    training.fit(
        model, batches, None, optimizer, F.cross_entropy, budget.epochs,
        scheduler=schedule, precision=precision, description=f"{order}, seed {seed}",
    )  # fmt: skip
    scale = {"mean": batches.mean, "std": batches.std, "device": device}
    return 1 - training.evaluate(model, data.Batches(new_pictures, 500, **scale))[1]


# %%
errors = {order: [error_of(order, seed) for seed in seeds] for order in make}
axes = plotting.dots(errors, "Error on new images, by order", "error on new images")
made = f"{6 * blocks + 2} layers, {len(pictures):,} images, {budget.epochs} epochs"
plotting.show(axes, f"{made}; a dot for each of {len(seeds)} seeds.")
cards.compare(
    "the order of 2015 has a higher error on new images than pre-activation",
    {"post-activation": errors["post-activation"]},
    {"pre-activation": errors["pre-activation"]},
)

# %% [markdown]
# Whichever way it came out: three seeds of a short run at one depth are no proof for an order in general. In the paper
# the gain grows with the depth: small at 110 layers, larger at 164, and largest at 1001 (2016, §4, tables 2 and 3).
# That is where a path with a ReLU in every block is long. The networks of the other lessons keep the order of 2015,
# and so does torchvision.
#
# ## What came after
#
# Ten years are a long time in this field. Three stations, each as a block that runs.
#
# **ResNeXt** (Xie et al. 2016) splits the 3×3 convolution of a bottleneck into 32 **groups**: each sees only its own
# few channels. A group convolution has 1/32 of the weights, and what is saved pays for twice as many channels in the
# middle.


# %%
class ResNeXtBlock(nn.Module):
    """A bottleneck with twice the channels in the middle, in 32 groups."""

    def __init__(self, dim, groups=32):
        super().__init__()
        middle = dim // 2
        self.transform = nn.Sequential(
            nn.Conv2d(dim, middle, 1, bias=False), nn.BatchNorm2d(middle), nn.ReLU(),
            nn.Conv2d(middle, middle, 3, padding=1, groups=groups, bias=False),
            nn.BatchNorm2d(middle), nn.ReLU(),
            nn.Conv2d(middle, dim, 1, bias=False), nn.BatchNorm2d(dim),
        )  # fmt: skip

    def forward(self, x):
        return F.relu(x + self.transform(x))


count_weights = inspection.count_parameters
pair_of_blocks = {"bottleneck": Bottleneck(256, 64), "ResNeXt": ResNeXtBlock(256)}
for name, block in pair_of_blocks.items():
    print(f"{name:<11}{count_weights(block):>8,} weights")
theirs = torchvision.models.resnext50_32x4d().layer1[1]
assert count_weights(theirs) == count_weights(ResNeXtBlock(256))

# %% [markdown]
# **ConvNeXt** (Liu et al. 2022) takes the groups to their end: as many groups as channels, a **depthwise** convolution,
# with a kernel of 7×7. All mixing of channels is left to two 1×1 convolutions, written as linear layers. They widen in
# the middle, where the bottleneck was narrow. One norm is left, and a GELU, a smooth relative of the ReLU. Nothing
# follows the addition.


# %%
class ConvNeXtBlock(nn.Module):
    """Depthwise 7×7, norm, four times as wide, back again, add."""

    def __init__(self, dim):
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.widen, self.narrow = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.scale = nn.Parameter(torch.full((dim,), 1e-6))  # F(x) starts near 0

    def forward(self, x):
        out = self.depthwise(x).permute(0, 2, 3, 1)  # (N, H, W, C)
        out = self.narrow(F.gelu(self.widen(self.norm(out))))
        return x + (self.scale * out).permute(0, 3, 1, 2)


theirs = torchvision.models.convnext_tiny().features[1][0]
assert count_weights(theirs) == count_weights(ConvNeXtBlock(96))

# %% [markdown]
# A **transformer** (Vaswani et al. 2017) has no convolution at all: **attention** lets each place of the image, or each
# word, read from all others. But look at the two additions in `forward` below. In 2017 the norm came after the
# addition, as the ReLU did in 2015. Here it comes before the layers, an order that is called pre-norm. What runs from
# the first block to the last, with each block adding to it, is called the **residual stream**. It is $x_L = x_l + \sum
# F$ once more.


# %%
class TransformerBlock(nn.Module):
    """x + attention, then x + two linear layers; each reads x through a norm."""

    def __init__(self, dim, heads=4):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.self_attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):  # (N, places, dim)
        a = self.norm1(x)
        x = x + self.self_attn(a, a, a)[0]
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


# %% [markdown]
# Is that really a transformer's block? PyTorch has one of its own. Give both the same weights, and compare what comes
# out.

# %%
own = TransformerBlock(32)
modern = {"activation": "gelu", "batch_first": True, "norm_first": True}
pytorch_block = nn.TransformerEncoderLayer(32, 4, 128, dropout=0, **modern)
pytorch_block.load_state_dict(own.state_dict())
words = torch.randn(2, 10, 32)
with torch.no_grad():
    difference = (own(words) - pytorch_block(words)).abs().max().item()
print(f"largest difference from PyTorch's own block: {difference:.0e}")
assert difference < 1e-4

# %% [markdown]
# ## One question to six blocks
#
# Six blocks, the oldest of 2015, and one question to all: **what is left of x when F gives nothing?** Set every
# weight to zero, and look which numbers of x come out as they went in.


# %%
@torch.no_grad()
def passed_on(block, x):
    """The share of the numbers of x that leave the block unchanged if F(x) is 0."""
    for parameter in block.parameters():
        parameter.zero_()
    return (block(x) == x).float().mean().item()


training.reset_seeds(0)
x = torch.randn(2, 64, 8, 8)  # positive and negative numbers
six = {
    "basic block, 2015": BasicBlock(64, 64),
    "bottleneck, 2015": Bottleneck(64, 16),
    "pre-activation, 2016": PreActBlock(64, 64),
    "ResNeXt, 2016": ResNeXtBlock(64),
    "transformer, pre-norm": TransformerBlock(64),
    "ConvNeXt, 2022": ConvNeXtBlock(64),
}
kept = {}
for name, block in six.items():
    given = x.flatten(2).transpose(1, 2) if "transformer" in name else x
    kept[name] = passed_on(block, given)
    print(f"{name:<23}{kept[name]:>7.1%} of x unchanged")

# %% [markdown]
# The numbers fall into two groups. A block with a ReLU after the sum passes on what is positive, which is about half of
# these random numbers. (In a network x comes out of such a ReLU itself, so nothing negative arrives.) The others pass
# on everything. Around the addition all has been exchanged by one or the other of these blocks: the kind of
# convolution, the norm, the activation. The addition itself is in all six.
#
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
fifty, deepest = measured.values()
print(f"1. ResNet-50 needs {fifty:.2f} times the multiply-adds of ResNet-34,")
print(f"   and ResNet-152 {deepest:.2f} times those of VGG-16.")
print(f"2. At width {width}, a step of ResNet-50 takes {median(rounds):.2f} times")
print(f"   as long as one of ResNet-34; by the count it would be {work_ratio:.2f}.")
old, new = arrived["post-activation"][-1], arrived["pre-activation"][-1]
print(f"3. Through 27 shortcuts alone, {old:.2f} of the gradient arrives in the")
print(f"   order of 2015, {new:.2f} in pre-activation order.")
means = ", ".join(f"{order} {mean(values):.3f}" for order, values in errors.items())
print(f"4. Mean error on new images: {means}.")
clean = [name for name, share in kept.items() if share == 1]
print(f"5. Blocks that pass on all of x if F gives nothing: {'; '.join(clean)}.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. ResNet-50 has half as many layers again as ResNet-34. Is it half as expensive again?</summary>
#
# Not in multiply-adds: the count says about an eighth more, since most of its layers are 1×1. "Deeper costs in
# proportion" is the usual wrong answer; it holds for more blocks of the *same* kind. And the clock need not agree with
# the count.
# </details>
#
# <details><summary>2. Somebody counts the three convolutions of a bottleneck with stride 2 and finds that moving the
# stride to the 3×3 makes the block 40 % dearer. What was forgotten?</summary>
#
# The projection on the shortcut. It costs 103 million multiply-adds in either version, so the whole block becomes 26 %
# dearer.
# </details>
#
# <details><summary>3. In a pre-activation network nothing follows the last addition. Does the network need a batch norm
# at the end?</summary>
#
# Yes, one, and a ReLU, after the last block. "No, every block has its own" is the usual wrong answer. Those belong to
# the convolutions that read x; what reads the last sum is the linear layer, and it has none.
# </details>
#
# <details><summary>4. Which tensor goes into the 1×1 projection of a pre-activation block, and which into the identity?
# </summary>
#
# Into the projection the tensor after the first batch norm and ReLU; into the identity x itself. With the activated
# tensor on the identity shortcut every block would cut the negative half off again.
# </details>
#
# <details><summary>5. A group convolution with 32 groups has 1/32 of the weights. Of its channels, how many does one
# number of the output depend on?</summary>
#
# On those of its own group, 1/32 of them. Channels of different groups meet only in the 1×1 convolutions before and
# after it.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385), §4.1 and figure 5 (bottleneck),
#   table 1 (the family).
# - He, Zhang, Ren, Sun 2016, [arXiv 1603.05027](https://arxiv.org/abs/1603.05027), §2 (why a clean path) and §4.1
#   (pre-activation, compared with other orders).
# - Xie, Girshick, Dollár, Tu, He 2016, [arXiv 1611.05431](https://arxiv.org/abs/1611.05431): ResNeXt, groups as a third
#   number beside depth and width.
# - Liu, Mao, Wu, Feichtenhofer, Darrell, Xie 2022, [arXiv 2201.03545](https://arxiv.org/abs/2201.03545): from ResNet-50
#   to ConvNeXt, one change at a time, each with its accuracy.
# - Vaswani et al. 2017, [arXiv 1706.03762](https://arxiv.org/abs/1706.03762), §3.1: the additions of a transformer.
#
# Next: [lesson 12](12_faster_wider.ipynb), where the same training becomes faster, and a clock has the last word.
