# %% [markdown]
# # 11 · Deeper, faster, wider
#
# *A block for fifty layers, a block for a thousand, and what each doubling costs on your own machine.*

# %% [markdown]
# **After this lesson you can**
#
# - write the bottleneck block, say why each of its three layers has the size it has, and build ResNet-50 from it,
# - write the residual block in pre-activation order, and say what "a clean path" means in numbers,
# - measure which changes make a training step faster on your machine, and which do not,
# - say what several processes compute, and why batch norm is the part to mind,
# - predict how the cost grows with depth, width, image size and images, and check the prediction.
#
# **You need:** lessons 05 to 09.
#
# **Time:** 33 minutes to read and write; the code runs in less than a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# ResNet-34 and ResNet-50 have the same four stages with the same 16 blocks. In ResNet-34 a block has two layers, in
# ResNet-50 it has three and carries four times as many channels to the next one. How many times as many multiply-adds
# does ResNet-50 need for an image?
#
# And the second number: the plain training loop of most tutorials, against the fastest of eight loops further down,
# on the machine in front of you. How many times as many images in a second?

# %%
my_guess = {"ResNet-50 / ResNet-34, multiply-adds": None, "fastest loop / plain loop": None}  # for example 3 and 2

# %%
import itertools
import math
import statistics
import time

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from resnet_course import checks, data, inspection, plotting, runtime, speed, training
from resnet_course.notebook import cards
from resnet_course.models import BasicBlock, ResNet, TinyVGG, cifar_resnet, needs_projection, projection_shortcut

plotting.use_style()

# %% [markdown]
# ## The data and the budget
#
# As in lesson 07: small images, a few epochs, several seeds.

# %%
profile = runtime.profile()
precision = runtime.precision()
budget = profile.pick(
    quick=runtime.Budget(images=2_000, image_size=16, epochs=3),
    full=runtime.Budget(images=50_000, image_size=32, epochs=8, batch_size=128),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
new_images = data.load(profile.dataset, "test", budget.image_size, 1_000)
print(
    f"{images.name}: {len(images):,} images of {images.image_size}×{images.image_size} on {profile.device}, {precision}"
)

# %% [markdown]
# ## Deeper: where the cost of a block is
#
# A convolution does the same work at every pixel: (channels in) × (channels out) × (kernel area) multiply-adds. That
# is also its number of weights. So a 3×3 convolution costs nine times as much as a 1×1 convolution between the same
# channels. If you want many channels and cannot pay for them, let the 3×3 convolution see *few*. This is the
# **bottleneck** that you met in lesson 07: a 1×1 convolution reduces the channels, the 3×3 works on the few, and
# another 1×1 widens them again, to four times `planes`.


# %%
def per_pixel(in_planes, out_planes, kernel):
    """Multiply-adds of a convolution at one pixel of its output; also its number of weights."""
    return in_planes * out_planes * kernel**2


candidates = {
    "two 3×3 at 64 channels": [per_pixel(64, 64, 3)] * 2,
    "two 3×3 at 256 channels": [per_pixel(256, 256, 3)] * 2,
    "1×1, 3×3, 1×1: 256 → 64 → 64 → 256": [per_pixel(256, 64, 1), per_pixel(64, 64, 3), per_pixel(64, 256, 1)],
    "3×3, 1×1, 3×3: 256 → 64 → 64 → 256": [per_pixel(256, 64, 3), per_pixel(64, 64, 1), per_pixel(64, 256, 3)],
}
for name, costs in candidates.items():
    print(f"{name:<38}{' + '.join(f'{cost:,}' for cost in costs):>27} = {sum(costs):>9,}")

# %% [markdown]
# Compare the last two lines. They have the same channels everywhere, and only the kernels have changed places. The
# 3×3 kernel belongs where both sides are narrow.
#
# The stride raises another question. Where the block halves the image, one of the three layers takes the stride of
# 2. The paper puts it on the first 1×1 convolution. torchvision, and this course, put it on the 3×3. Count both, and
# remember from lesson 07 what a 1×1 convolution with a stride of 2 does to three of four pixels.

# %%
small, large = 28 * 28, 56 * 56  # pixels behind and before the stride
first, middle, last = per_pixel(256, 128, 1), per_pixel(128, 128, 3), per_pixel(128, 512, 1)
on_first = first * small + middle * small + last * small
on_middle = first * large + middle * small + last * small
print(f"stride on the first 1×1: {on_first / 1e6:.0f} million multiply-adds; its 1×1 looks at {small / large:.0%} of x")
print(f"stride on the 3×3:       {on_middle / 1e6:.0f} million, {on_middle / on_first - 1:.0%} more; every pixel of x "
      "has a share in F(x)")  # fmt: skip

# %%
bottleneck_figure = plotting.block_diagram("bottleneck", 256, 128, stride=2)
plotting.show(
    bottleneck_figure,
    alt="The bottleneck with stride 2: 1 by 1 convolution from 256 to 128 channels, 3 by 3 convolution with stride 2, "
    "1 by 1 convolution from 128 to 512, each with batch norm. The shortcut is a 1 by 1 convolution with stride 2.",
    caption="planes = 128: the first block of ResNet-50's second stage.",
)

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
# `needs_projection(in_planes, out_planes, stride)` and `projection_shortcut(in_planes, out_planes, stride)` of lesson
# 07. Mind what `out_planes` is here.
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
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
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
        out = F.relu(self.bn2(self.conv2(out)))  # (N, planes, H / stride, W / stride)
        out = self.bn3(self.conv3(out))  # (N, 4 * planes, H / stride, W / stride)
        return F.relu(out + self.shortcut(x))
        ### END SOLUTION


Bottleneck = checks.bottleneck(Bottleneck)

# %% [markdown]
# `ResNet` of lesson 08 takes any block that says its `expansion`. So the whole family comes from two classes and four
# numbers. Here with the stem for ImageNet, 1000 classes and images of 224×224, as in table 1 of the paper:

# %%
family = {
    "ResNet-18": (BasicBlock, [2, 2, 2, 2]),
    "ResNet-34": (BasicBlock, [3, 4, 6, 3]),
    "ResNet-50": (Bottleneck, [3, 4, 6, 3]),
    "ResNet-101": (Bottleneck, [3, 4, 23, 3]),
}
weights, cost = {}, {}
with torch.device("meta"):  # the layers without their numbers: quick, and enough to count
    for name, (block, num_blocks) in family.items():
        network = ResNet(block, num_blocks, num_classes=1000, stem="imagenet")
        weights[name] = inspection.count_parameters(network)
        cost[name] = inspection.count_multiply_adds(network, (3, 224, 224))
        print(f"{name:<11}{sum(num_blocks):>3} blocks{weights[name]:>13,} weights{cost[name] / 1e9:>7.2f} billion "
              "multiply-adds")  # fmt: skip
    theirs = inspection.count_parameters(torchvision.models.resnet50())
cost_ratio = cost["ResNet-50"] / cost["ResNet-34"]

# %%
cards.verdict(
    "your bottleneck makes a ResNet-50 with exactly as many weights as torchvision's",
    weights["ResNet-50"] == theirs,
    f"{weights['ResNet-50']:,} here, {theirs:,} there",
)
print(f"ResNet-50 needs {cost_ratio:.2f} times the multiply-adds of ResNet-34, with half as many layers again.")

# %% [markdown]
# ## A clean path
#
# Look at what lies between the x of one block and the x of the next. In the block of lesson 05 it is a ReLU:
#
# $$x_{l+1} = \text{ReLU}\big(x_l + F(x_l)\big)$$
#
# He et al. took it away a year later (2016, arXiv 1603.05027). If nothing but the addition stands on the path, then
# $x_{l+1} = x_l + F(x_l)$, and the x of any later block is the x of any earlier one plus a sum:
# $x_L = x_l + F(x_l) + \dots + F(x_{L-1})$ (§2). Batch norm and ReLU do not disappear. They move *in front of* the
# convolution that needs them:
#
# | order | main path | behind the addition |
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
# The shortcut is the point to mind, since two tensors could go in. Where the shape **stays**, it is **x itself**, as
# it came in. Where the shape **changes**, it is a 1×1 convolution **of a**: the projection branches off behind the
# first batch norm and ReLU. It takes the stride, and it has no batch norm of its own, since one already stands in
# front of it. No convolution has a bias.
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
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.projection = None
        if needs_projection(in_planes, planes, stride):
            self.projection = nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        active = F.relu(self.bn1(x))
        shortcut = x if self.projection is None else self.projection(active)
        out = self.conv1(active)  # (N, planes, H / stride, W / stride)
        out = self.conv2(F.relu(self.bn2(out)))  # F(x)
        return out + shortcut
        ### END SOLUTION


PreActBlock = checks.preact_block(PreActBlock)

# %% [markdown]
# What does the clean path change? Two measurements on 27 fresh blocks. First, as in lesson 06: the gradient of the
# sum of the output, if it may take **only the shortcuts**. In the clean path nothing stands in its way, so every
# number of x must get the value 1. Second: how large does x become?

# %%
training.reset_seeds(0)
start = torch.randn(16, 16, 8, 8).relu()
arrived, size = {}, {}
for order, block_class in {"post-activation": BasicBlock, "pre-activation": PreActBlock}.items():
    x = start.clone().requires_grad_()
    out = x
    for number in range(1, 28):
        block = block_class(16, 16)
        if order == "post-activation":
            out = F.relu(block.transform(out).detach() + out)
        else:
            out = (block(out) - out).detach() + out  # what the block adds is F(x); no gradient passes it
        if number in (1, 9, 27):
            (home,) = torch.autograd.grad(out.sum(), x, retain_graph=True)
            arrived[order, number], size[order, number] = home.mean().item(), out.std().item()
            print(f"{order:<16} after {number:>2} blocks: mean gradient {arrived[order, number]:.2f}, "
                  f"values {home.unique().tolist()}, deviation of x {size[order, number]:.1f}")  # fmt: skip

# %%
cards.verdict(
    "through 27 shortcuts all of the gradient arrives in pre-activation order, and less of it in the other",
    arrived["pre-activation", 27] > 0.999 and arrived["post-activation", 27] < 0.95,
    f"mean {arrived['pre-activation', 27]:.3f} against {arrived['post-activation', 27]:.3f}",
)

# %% [markdown]
# Two things to take from this table. In the old order every block stops the gradient of those numbers whose sum is
# negative, and what is stopped once does not come back. And x grows in both orders, since every block adds something
# and nothing takes it back. In pre-activation order no batch norm ever sees the *last* sum, so a network of these
# blocks needs **one more batch norm and ReLU behind its last block**. It is easy to forget, and no error tells you. In
# the class below, the batch norm of the stem has moved there.


# %%
class PreActResNet(ResNet):
    """Three stages in pre-activation order; one batch norm and ReLU behind the last block."""

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
# The same depth, images, epochs, optimizer and rate for both orders, and several seeds. As in lesson 07, we compare
# the difference between the orders with the difference between seeds.

# %%
depth = profile.pick(quick=8, full=56)
seeds = (0, 1, 2)
networks = {
    "post-activation": lambda: ResNet(BasicBlock, [(depth - 2) // 6] * 3, len(images.classes), width=16),
    "pre-activation": lambda: PreActResNet([(depth - 2) // 6] * 3, len(images.classes)),
}


def error_of(order, seed):
    training.reset_seeds(seed)
    model = networks[order]().to(profile.device)
    batches = data.Batches(images, budget.batch_size, shuffle=True, seed=seed, device=profile.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=budget.epochs * len(batches))
    training.fit(
        model, batches, None, optimizer, F.cross_entropy, budget.epochs,
        scheduler=schedule, precision=precision, description=f"{order}, seed {seed}",
    )  # fmt: skip
    new_batches = data.Batches(new_images, 500, mean=batches.mean, std=batches.std, device=profile.device)
    return 1 - training.evaluate(model, new_batches)[1]


# %%
errors = {order: [error_of(order, seed) for seed in seeds] for order in networks}
mean = {order: statistics.mean(values) for order, values in errors.items()}
for order, values in errors.items():
    print(f"{order:<16} error on new images: {'   '.join(f'{value:.3f}' for value in values)}   mean {mean[order]:.3f}")
by_seed = [pre - post for post, pre in zip(errors["post-activation"], errors["pre-activation"], strict=True)]
print(f"pre-activation minus post-activation, seed by seed: {'   '.join(f'{value:+.3f}' for value in by_seed)}")
between_orders = mean["pre-activation"] - mean["post-activation"]
between_seeds = max(max(values) - min(values) for values in errors.values())
cards.verdict(
    "on this budget the two orders differ less than two seeds of one order",
    abs(between_orders) < between_seeds,
    f"pre-activation minus post-activation {between_orders:+.3f}; best against worst seed of one order up to "
    f"{between_seeds:.3f}; depth {depth}, {len(images):,} images, {budget.epochs} epochs, {len(seeds)} seeds",
)

# %% [markdown]
# Look at the last line of numbers as well. Two runs with the same seed see the images in the same order, so they may
# be compared one by one. Do all three differences have the same sign? That would be a hint, and no more than a hint:
# three coins fall alike in one of four tries. Whichever way it came out, three seeds of a short run at this depth are
# no proof for either order. In the paper the gain grows with the depth: small at 110 layers, larger at 164, and
# largest at 1001 (§4, tables 2 and 3). That is where a path with a ReLU in every block is long. The networks of the
# other lessons keep the order of 2015, and so does torchvision.

# %% [markdown]
# ## Faster: a ladder
#
# The same network, the same images, the same flips and shifts, the same optimizer: how many images in a second? At
# the foot of the ladder stands the loop of most tutorials. Every rung changes one thing and keeps what the rungs
# below it have changed.
#
# | rung | what is new |
# |---|---|
# | plain loop | a `DataLoader` opens, changes and stacks image by image; `.item()` after every step |
# | workers | other processes prepare the images while the network computes |
# | set in memory | in place of the workers: all images in one tensor of bytes, whole batches changed at once |
# | no waiting in the loop | loss and right answers stay on the device; they are read once, at the end |
# | freed memory kept | on the CPU: large blocks of memory are used again and not given back to the system |
# | channels_last | the channels of a pixel lie side by side in memory |
# | fused optimizer | one kernel updates all weights |
# | bfloat16 | products with half as many bits; only where your machine is faster with it |
#
# Which of these is worth most? It depends on the machine and on the network, so nobody can tell you; you can measure
# it. `speed.ladder` lets the rungs take turns, three rounds of all of them, so that a machine that slows down in the
# meantime treats all alike. The first pass of each is a warm-up and does not count.

# %%
ladder_images = data.load(profile.dataset, "train", 32, profile.pick(quick=2_000, full=20_000))
make_network, network_name = profile.pick(
    quick=(lambda: cifar_resnet(20, len(images.classes)), "residual 20"),
    full=(lambda: ResNet(BasicBlock, [2, 2, 2, 2], len(images.classes)), "ResNet-18"),
)
rows = speed.ladder(make_network, ladder_images, seconds=profile.pick(quick=14, full=60), batch_size=budget.batch_size)
for row in rows:
    print(row)
if "bfloat16" not in [row.name for row in rows]:
    print("no rung for bfloat16: on this machine it was measured to be no gain over float32")

# %%
axes = plotting.bars(
    {row.name: row.ratio for row in rows}, title="The speed ladder on this machine",
    x_label="images in a second, as a multiple of the plain loop",
    errors={row.name: (row.ratio_high - row.ratio_low) / 2 for row in rows}, number_format="{:.2f}",
)  # fmt: skip
plotting.show(
    axes,
    alt="Speed of each rung as a multiple of the plain loop: "
    + ", ".join(f"{row.name} {row.ratio:.2f}" for row in rows),
    caption=f"{network_name}, 32×32, batches of {budget.batch_size}, {profile.device}. "
    "Median of three rounds; the black line is as long as the distance between the slowest and the fastest round.",
)
fastest = max(rows, key=lambda row: row.ratio)
cards.compare_guess(my_guess, {
    "ResNet-50 / ResNet-34, multiply-adds": cost_ratio, "fastest loop / plain loop": fastest.ratio,
}, lesson="11")  # fmt: skip

# %% [markdown]
# Now read it with the spread in mind. A rung counts as slower only if its *best* round is below the *worst* round of
# the rung before it; and as faster only if its worst is above the other's best. The workers stand beside the ladder:
# on a CPU they take the cores that the network needs, while next to a GPU the cores are free. So they are compared
# with the plain loop only.

# %%
chain = [row for row in rows if row.name != "workers"]
pairs = list(itertools.pairwise(chain))
slower = [row.name for before, row in pairs if row.ratio_high < before.ratio_low]
faster = [row.name for before, row in pairs if row.ratio_low > before.ratio_high]
unclear = [row.name for _, row in pairs if row.name not in slower + faster]
cards.verdict(
    "no rung is slower than the one before it, beyond the measured spread",
    not slower,
    f"faster: {', '.join(faster) or 'none'}; slower: {', '.join(slower) or 'none'}; "
    f"within the spread: {', '.join(unclear) or 'none'}",
)
cards.verdict(
    "the top of the ladder is faster than the plain loop, beyond the measured spread",
    chain[-1].ratio_low > 1,
    f"{chain[-1].name}: {chain[-1].ratio:.2f} times as fast ({chain[-1].ratio_low:.2f} to {chain[-1].ratio_high:.2f})",
)
workers = next(row for row in rows if row.name == "workers")
print(f"workers against the plain loop: {workers.ratio:.2f} ({workers.ratio_low:.2f} to {workers.ratio_high:.2f})")

# %% [markdown]
# A rung "within the spread" is not proven useless. It may gain on another machine or with a larger network: fewer
# waits, for one, matter most where a GPU works alone while Python waits. What you should take home is the habit:
# *measure in turns, keep what pays, and look at the part that takes the time*.
#
# How far is the top? A training step computes every convolution three times: once forward, and twice backward, for
# the gradient of the weights and for that of the input. That gives the multiply-adds in a second, to compare with
# what the same machine reaches in one large product of matrices.

# %%
multiply_adds = 3 * inspection.count_multiply_adds(make_network(), (3, 32, 32))
for row in (rows[0], fastest):
    dtype = torch.bfloat16 if row.name == "bfloat16" else torch.float32
    peak = speed.matmul_peak(dtype, profile.device)
    rate = row.images_per_second * multiply_adds  # multiply-adds in a second
    print(f"{row.name:<23}{rate / 1e9:>8.1f} billion multiply-adds/s, {rate / peak:.0%} of a product of matrices")

# %% [markdown]
# The product of matrices is in the same number format. Small layers do not reach its rate: batch norm, ReLU and the
# additions cost time and count nothing here.
#
# ## Wider: several processes
#
# When one machine is not enough, each of N processes takes a **share** of every batch, on a GPU or some cores of its
# own. All start from the same weights. Each computes the gradient on its share; then all gradients are averaged, and
# everyone takes the same step. This is data parallelism, and `torchrun` starts the processes:
#
# ```
# torchrun --standalone --nproc-per-node=2 -m resnet_course train --network "residual 20" --output runs/two
# ```
#
# It trains on two processes of this machine; without `torchrun` in front (`python -m resnet_course train ...`) the
# same command trains on one. Do both compute the same? The gradient of a mean is the mean of gradients, so it should
# not matter who computes which half. Test that without any process: halve a batch by hand.


# %%
def gradient(model, images, targets):
    model.zero_grad()
    F.cross_entropy(model(images), targets).backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


halves_differ = {}
batch, targets = next(iter(data.Batches(images, 64, shuffle=True)))
for name, model in {
    "TinyVGG, without batch norm": TinyVGG(num_classes=len(images.classes), image_size=budget.image_size),
    "residual 8, with batch norm": cifar_resnet(8, len(images.classes)),
}.items():
    whole = gradient(model, batch, targets)
    shares = [gradient(model, batch[part], targets[part]) for part in (slice(0, 32), slice(32, 64))]
    halves_differ[name] = ((sum(shares) / 2 - whole).norm() / whole.norm()).item()
    print(f"{name}: mean of two halves against the whole batch, relative difference {halves_differ[name]:.1e}")

# %%
without, with_norm = halves_differ.values()
cards.verdict(
    "without batch norm two halves give the gradient of the whole batch; with batch norm they do not",
    without < 1e-4 and with_norm > 100 * without,
    f"relative difference {without:.1e} without, {with_norm:.1e} with batch norm",
)

# %% [markdown]
# Batch norm makes the difference: each half is normalised by *its own* mean and variance. That is another
# computation, not a rounding error. Two ways to live with it: let the processes exchange mean and variance, so that
# batch norm sees the whole batch (this is what `python -m resnet_course train` does, and it gives the numbers of one
# process up to rounding), or accept that the result depends on the number of processes.
#
# ## What doubling costs
#
# One more prediction. You may double the depth, the width, the image size or the number of images. What does each do
# to the cost?
#
# - Twice as many **images**: twice the work. Twice the **depth**: about twice.
# - Twice the **width**: a convolution has twice the channels in *and* twice the channels out, so four times.
# - Twice the **image size** means twice the height and twice the width: four times the pixels, so four times.
#
# If a quantity grows by a factor $2^k$ whenever another one doubles, then $k$ is its **exponent**. So we expect 1, 1,
# 2 and 2. In a figure with two logarithmic axes $k$ is the slope of a line. Count the multiply-adds, and measure the
# time of a training step, since *they need not agree*.


# %%
def step_seconds(model, shape, repeats=4):
    """The fastest of some training steps on random images: other programs disturb it least."""
    model = model.to(profile.device, memory_format=precision.memory_format)
    batch = torch.randn(shape, device=profile.device).contiguous(memory_format=precision.memory_format)
    targets = torch.zeros(shape[0], dtype=torch.int64, device=profile.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    seconds = []
    for _ in range(1 + repeats):
        runtime.wait_for(profile.device)
        started = time.perf_counter()
        optimizer.zero_grad()
        with precision.context(profile.device):
            loss = F.cross_entropy(model(batch), targets)
        loss.backward()
        optimizer.step()
        runtime.wait_for(profile.device)
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])  # the first one warms up


# %%
base = profile.pick(
    quick={"depth": 1, "width": 16, "image size": 16, "images": 32},  # depth: blocks in each of three stages
    full={"depth": 3, "width": 32, "image size": 32, "images": 256},
)
factors = (1, 2, 4)
counted, timed = {}, {}
for name in base:
    counted[name], timed[name] = [], []
    for factor in factors:
        setting = {**base, name: base[name] * factor}
        model = ResNet(BasicBlock, [setting["depth"]] * 3, width=setting["width"])
        image = (3, setting["image size"], setting["image size"])
        counted[name].append(setting["images"] * inspection.count_multiply_adds(model, image))
        timed[name].append(step_seconds(model, (setting["images"], *image)))


# %% [markdown]
# The exponent is the slope of the straight line that fits best through the logarithms.


# %%
def exponent(numbers):
    return statistics.linear_regression([math.log(f) for f in factors], [math.log(n) for n in numbers]).slope


work_exponent = {name: exponent(numbers) for name, numbers in counted.items()}
time_exponent = {name: exponent(numbers) for name, numbers in timed.items()}
for name in base:
    print(f"{name:<11} multiply-adds ~ factor^{work_exponent[name]:.2f}   time ~ factor^{time_exponent[name]:.2f}   "
          f"({', '.join(f'{1e3 * seconds:.1f}' for seconds in timed[name])} ms)")  # fmt: skip

# %% [markdown]
# The same as a picture. The steeper the line, the more a doubling costs.

# %%
axes = plotting.lines(
    {name: [seconds / timed[name][0] for seconds in timed[name]] for name in base}, x=factors, log_y=True,
    title="What doubling costs in time", x_label="factor", y_label="time of a step, as a multiple",
)  # fmt: skip
axes.set_xscale("log")
axes.set_xticks(factors, [f"{factor}" for factor in factors])
axes.minorticks_off()
plotting.show(
    axes,
    alt="Time of a training step against the factor, both axes logarithmic. Slopes: "
    + ", ".join(f"{name} {slope:.2f}" for name, slope in time_exponent.items()),
    caption=f"Starting from {base['images']} images of {base['image size']}×{base['image size']}, "
    f"width {base['width']}, {6 * base['depth'] + 2} layers. Fastest of four steps.",
)

# %%
cards.verdict(
    "in multiply-adds, width and image size count twice, depth and images once",
    all(
        abs(work_exponent[name] - k) < 0.15
        for name, k in {"depth": 1, "width": 2, "image size": 2, "images": 1}.items()
    ),
    ", ".join(f"{name} {slope:.2f}" for name, slope in work_exponent.items()),
)
cards.verdict(
    "in time, doubling the width costs less than its multiply-adds say",
    time_exponent["width"] < work_exponent["width"] - 0.05,
    f"exponent {time_exponent['width']:.2f} in time, {work_exponent['width']:.2f} in multiply-adds",
)

# %% [markdown]
# Where time grows more slowly than the work, the larger setting uses the machine better: a wide layer is one large
# product, a narrow one is many small steps with pauses between them. So a multiply-add is not worth the same in every
# network. The last test of this lesson takes the two networks of the bet. By their multiply-adds they are nearly
# equal. By the clock?

# %%
shape = profile.pick(quick=(16, 3, 32, 32), full=(128, 3, 32, 32))
width = profile.pick(quick=16, full=64)
clock, work = {}, {}
for name in ("ResNet-34", "ResNet-50"):
    block, num_blocks = family[name]
    network = ResNet(block, num_blocks, width=width)
    work[name] = inspection.count_multiply_adds(network, shape[1:])
    clock[name] = step_seconds(network, shape, repeats=3)
    print(f"{name} at width {width}: {work[name] / 1e6:.0f} million multiply-adds, {1e3 * clock[name]:.0f} ms a step")
work_ratio, clock_ratio = (pair["ResNet-50"] / pair["ResNet-34"] for pair in (work, clock))
cards.verdict(
    "ResNet-50 takes more time than its multiply-adds say",
    clock_ratio > 1.1 * work_ratio,
    f"{work_ratio:.2f} times the multiply-adds of ResNet-34, {clock_ratio:.2f} times the time",
)

# %% [markdown]
# Where the clock says more than the count, here is a reason: the wide ends of a bottleneck have four times as many
# numbers to normalise, to add and to send through a ReLU, and a 1×1 convolution does little work for each number that
# it reads. Counts are a good first guess, and no clock.
#
# Now a guess on a large scale, from your own rate. ImageNet has 1.28 million training images (He et al. 2015, §4.1),
# and a usual training passes over them 90 times (Goyal et al. 2017, §5.1, who do it in one hour on 256 GPUs).

# %%
imagenet = 3 * cost["ResNet-50"] * 1_281_167 * 90
days = imagenet / rate / 86_400
print(
    f"ResNet-50 on ImageNet: {imagenet:.1e} multiply-adds.\n"
    f"At the {rate / 1e9:.0f} billion a second of this machine's fastest rung: {days:,.0f} days.\n"
    f"To be done in a day: {math.ceil(days):,} such machines, if sharing cost nothing."
)

# %% [markdown]
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(f"1. ResNet-50 has {weights['ResNet-50']:,} weights and {cost_ratio:.2f} times the multiply-adds of ResNet-34; "
      f"its step took {clock_ratio:.2f} times as long.")  # fmt: skip
print(f"2. Through 27 shortcuts alone, {arrived['post-activation', 27]:.2f} of the gradient arrives in the order of "
      f"2015, {arrived['pre-activation', 27]:.2f} in pre-activation order.")  # fmt: skip
print(
    f"3. Error on new images, mean of {len(seeds)} seeds: post-activation {mean['post-activation']:.3f}, "
    f"pre-activation {mean['pre-activation']:.3f}; one order's seeds differ by up to {between_seeds:.3f}."
)
print(f"4. Fastest rung: {fastest.name}, {fastest.ratio:.2f} times the plain loop.")
print(
    "5. Time of a step grows with the power "
    + ", ".join(f"{k:.2f} of {name}" for name, k in time_exponent.items())
    + "."
)

# %% [markdown]
# ## Self-check
#
# <details><summary>1. ResNet-50 is half as deep again as ResNet-34. Is it half as expensive again?</summary>
#
# Not in multiply-adds: the count above says about an eighth more, since most of its layers are 1×1. "Deeper costs in
# proportion" is the usual wrong answer; it holds for more blocks of the *same* kind. And the clock need not agree with
# the count: you have measured both.
# </details>
#
# <details><summary>2. In a pre-activation network nothing follows the last addition. Does the network need a batch norm
# at the end?</summary>
#
# Yes, one, and a ReLU, behind the last block. "No, every block has its own" is the usual wrong answer. They stand in
# front of convolutions, and behind the last sum there is no convolution any more.
# </details>
#
# <details><summary>3. Which tensor goes into the 1×1 projection of a pre-activation block, and which into the identity?
# </summary>
#
# Into the projection the tensor behind the first batch norm and ReLU; into the identity x itself. With the activated
# tensor on the identity shortcut every block would cut the negative half off again.
# </details>
#
# <details><summary>4. Four processes, 32 images each, or one process with 128: same result?</summary>
#
# The gradients are the same only if batch norm takes its mean and variance over all 128. If each process normalises
# its own 32, it is another computation.
# </details>
#
# <details><summary>5. A rung made the training 3 % faster in one run. Keep it?</summary>
#
# Not for that reason. Compare with the spread over rounds: if the two overlap, the run cannot tell. Measure in turns,
# and more often.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, arXiv 1512.03385, §4.1 and figure 5 (bottleneck), table 1 (the family).
# - He, Zhang, Ren, Sun 2016, arXiv 1603.05027, §2 (why a clean path) and §4.1 (pre-activation, compared with other
#   orders).
# - Goyal et al. 2017, arXiv 1706.02677: ImageNet on many GPUs, and §5.1 for zero-γ.
