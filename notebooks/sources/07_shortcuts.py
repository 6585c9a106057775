# %% [markdown]
# # 07 · Matching dimensions on the shortcut
#
# *x and F(x) can only be added if they have the same shape. Three ways to see to that, and what each costs.*

# %% [markdown]
# **After this lesson you can**
#
# - read the error of a shortcut that does not fit, and find the case in which there is no error although there should
#   be,
# - say from four numbers whether a block needs a projection,
# - build the learned projection (option B) and the one without weights (option A), and count what they cost,
# - judge a small difference in accuracy against the spread over seeds,
# - follow the shapes through a bottleneck block.
#
# **You need:** lesson 05.
#
# **Time:** 40 minutes to read and write; the code runs in about half a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# Where a residual block changes the shape, its shortcut has to change it, too. He et al. compare three options: **A**
# pads with zeros and has no weights; **B** has a learned **projection** where the shape changes; **C** has a
# projection in every block.
#
# Two numbers for your bet. How many percent more weights does residual 20 have with option C than with A? And in a
# small residual network, how many points (hundredths) of accuracy on new images does C win over A?

# %%
my_guess = {"extra weights, percent": None, "extra accuracy, points": None}  # for example 10 and 2

# %%
import math
import statistics

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from resnet_course import checks, data, experiments, explorers, inspection, plotting, runtime, training
from resnet_course.notebook import cards
from resnet_course.models import BasicBlock, Bottleneck, PlainBlock, cifar_resnet

plotting.use_style()
profile = runtime.profile()
precision = runtime.precision()
depth = profile.pick(quick=8, full=20)
budget = profile.pick(
    quick=runtime.Budget(images=1_600, image_size=16, epochs=3),
    full=runtime.Budget(images=50_000, image_size=32, epochs=8, batch_size=128),
)
print(f"{profile.dataset}: {budget.images:,} images, {budget.epochs} epochs of residual {depth} on {profile.device}")

# %% [markdown]
# ## The error
#
# The first block of a stage doubles the channels and halves height and width. Let us forget the shortcut's part in
# that.


# %%
class NaiveBlock(PlainBlock):
    """F(x) + x, whatever the shapes are."""

    def forward(self, x):
        return F.relu(self.transform(x) + x)


x = torch.randn(1, 16, 8, 8)
for arguments in ((16, 32, 2), (16, 32, 1)):
    block = NaiveBlock(*arguments)
    print(f"x {tuple(x.shape)}, F(x) {tuple(block.transform(x).shape)}")
    try:
        block(x)
    except RuntimeError as error:
        print(f"    {type(error).__name__}: {error}")

# %% [markdown]
# Read the first message word by word.
#
# - "tensor a" and "tensor b" are the left and the right side of the plus: a is F(x), b is x.
# - "dimension 3" counts from 0: N is 0, C is 1, H is 2, W is 3. So the *widths* differ, 4 against 8.
# - PyTorch compares from the last dimension to the first and stops at the first difference. That the heights and the
#   channels do not fit either, it does not say. Mend the width alone, and the next message comes. The second block
#   shows one of them: with stride 1 only the channels (dimension 1) differ.
# - "non-singleton" means: not 1. A dimension of size 1 would not be an error. It would be stretched to fit, which is
#   called **broadcasting**.
#
# ## The case without an error
#
# Broadcasting is a trap here. A small image, the same number of channels, a stride of 2:

# %%
x = torch.randn(5, 16, 2, 2)
block = NaiveBlock(16, 16, stride=2)
print(f"x {tuple(x.shape)}, F(x) {tuple(block.transform(x).shape)}, F(x) + x {tuple(block(x).shape)}")

# %% [markdown]
# No error, and a wrong result: the one number of $F(x)$ is added to all four pixels of x, and the block has not made
# the image smaller. It happens when an image has shrunk to 2×2. So "it runs" does not prove that the shapes are
# right. Ask the shapes themselves.
#
# ## When is a projection needed?
#
# Exactly when the shape that goes out is not the shape that came in. Three things decide: the stride, the channels
# that come in, and the channels that go out. The last is not always `planes`: a **bottleneck** block, further down,
# gives out `expansion * planes` channels, with `expansion = 4`. For the basic block `expansion` is 1.
#
# ### Exercise: `needs_projection`
#
# Write `needs_projection(in_planes, planes, stride, expansion=1)`: True if the shortcut needs a projection, else False.
#
# `needs_projection(16, 32, 2)` is True, `needs_projection(16, 16, 1)` is False, and
# `needs_projection(256, 64, 1, expansion=4)` is False, too.
#
# Stuck? `checks.hint("needs_projection")`


# %%
def needs_projection(in_planes, planes, stride, expansion=1):
    """Whether the block changes the shape of its input."""
    ### BEGIN SOLUTION
    return stride != 1 or in_planes != expansion * planes
    ### END SOLUTION


needs_projection = checks.needs_projection(needs_projection)

# %% [markdown]
# Use it on the blocks of two networks. torchvision's ResNets have a shortcut with weights in some blocks, called
# `downsample`. Does your function predict in which ones?

# %%
with torch.device("meta"):  # the layers without their numbers: quick, and enough for shapes
    networks = {"resnet18": torchvision.models.resnet18(), "resnet50": torchvision.models.resnet50()}

agreed, without_downsampling = True, []
for name, network in networks.items():
    in_planes = 64
    for stage, planes in enumerate((64, 128, 256, 512), start=1):
        for index, block in enumerate(getattr(network, f"layer{stage}")):
            needed = needs_projection(in_planes, planes, block.stride, block.expansion)
            agreed = agreed and needed == (block.downsample is not None)
            out_planes = planes * block.expansion
            if needed:
                print(f"{name} layer{stage}.{index}: {in_planes:>4} → {out_planes:>4} channels, stride {block.stride}")
            if needed and block.stride == 1:
                without_downsampling.append(f"{name} layer{stage}.{index}")
            in_planes = out_planes

# %%
cards.verdict(
    "your rule names exactly the blocks in which torchvision has a `downsample`",
    agreed,
    f"and in {', '.join(without_downsampling)} that layer does not downsample anything: its stride is 1",
)

# %% [markdown]
# The name `downsample` misleads many readers into asking "is the image made smaller here?". The right question is
# "does the *shape* change?". In the first stage of ResNet-50 the image keeps its size and the channels go from 64 to
# 256. That is why this course calls the part `shortcut`.
#
# ## Option B: a learned projection
#
# A 1×1 convolution looks at one pixel at a time and makes a new list of channels out of the old one; it is a small
# matrix, applied at every pixel. With the block's stride it visits every second row and column only. Batch norm
# follows, as after every convolution here.
#
# ### Exercise: `projection_shortcut`
#
# Write `projection_shortcut(in_planes, out_planes, stride)`. It returns a module that brings x to the shape of $F(x)$:
# 1×1 convolution with the stride and without bias, then batch norm. No ReLU: the next thing is the addition.
#
# `projection_shortcut(16, 32, 2)(x)` turns (N, 16, 8, 8) into (N, 32, 4, 4).
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
# With a stride of 2 a 1×1 convolution never looks at three of four pixels. You can see it: change those pixels and
# compare.

# %%
training.reset_seeds(0)
shortcut, block = projection_shortcut(16, 32, 2).eval(), BasicBlock(16, 32, 2).eval()
x = torch.randn(1, 16, 8, 8)
changed = torch.randn(1, 16, 8, 8)
changed[:, :, ::2, ::2] = x[:, :, ::2, ::2]  # every second row and column as before, all other pixels new
with torch.no_grad():
    print(f"change on the shortcut {(shortcut(x) - shortcut(changed)).abs().max().item():.2f}, "
          f"change in F(x) {(block.transform(x) - block.transform(changed)).abs().max().item():.2f}")  # fmt: skip

# %% [markdown]
# The shortcut drops them; the 3×3 convolutions of $F(x)$ still see them.
#
# ## Option A: no weights at all
#
# Keep every `stride`-th row and column of x, and fill the channels that are missing with zeros. In those channels the
# block gives $F(x) + 0$; in the others $F(x) + x$.
#
# Where do the zeros go? The paper does not say. Our convention: half of them before the old channels, half after, and
# if their number is odd, the extra one after. (Many programs put all of them after. It makes no difference to what
# can be learned: the channels are only numbered in another way.)
#
# ### Exercise: `pad_shortcut`
#
# Write `pad_shortcut(x, out_planes, stride)`, which returns the padded tensor. `F.pad(x, (left, right, top, bottom,
# before, after))` counts from the *last* dimension: the first pair is for the width, the second for the height, the
# third for the channels.
#
# `pad_shortcut(x, 7, 2)` turns (N, 4, 8, 8) into (N, 7, 4, 4); channel 0 and channels 5 and 6 are zero.
#
# Stuck? `checks.hint("pad_shortcut")`


# %%
def pad_shortcut(x, out_planes, stride):
    """Option A: every stride-th pixel, zeros for the new channels."""
    ### BEGIN SOLUTION
    x = x[:, :, ::stride, ::stride]  # (N, C, H / stride, W / stride)
    missing = out_planes - x.shape[1]
    before = missing // 2
    return F.pad(x, (0, 0, 0, 0, before, missing - before))  # (N, out_planes, H / stride, W / stride)
    ### END SOLUTION


pad_shortcut = checks.pad_shortcut(pad_shortcut)

# %%
x = torch.ones(1, 4, 8, 8)
padded = pad_shortcut(x, 7, 2)
print(f"{tuple(x.shape)} → {tuple(padded.shape)}; mean of each channel: {padded.mean((0, 2, 3)).tolist()}")

# %% [markdown]
# The two options side by side, where 16 channels become 32:

# %%
figure = plotting.block_diagrams([
    {"kind": "basic", "in_planes": 16, "planes": 32, "stride": 2, "shortcut": "padding", "title": "option A"},
    {"kind": "basic", "in_planes": 16, "planes": 32, "stride": 2, "shortcut": "projection", "title": "option B"},
])  # fmt: skip
plotting.show(
    figure,
    alt="Two residual blocks from 16 to 32 channels with stride 2. Left, option A: the shortcut keeps every second "
    "pixel and adds 16 channels of zeros. Right, option B: it is a 1 by 1 convolution with stride 2 and a batch norm.",
    caption="The first block of the second stage with option A and with option B. F(x) is the same.",
)

# %% [markdown]
# ## Which shortcut for which block?
#
# Here you choose the block, the shortcut and the image. The block runs on it, and you see the shapes and the drawing,
# or PyTorch's own words. Find a setting in which
#
# 1. option A cannot be built,
# 2. option C has weights, although x would fit as it is,
# 3. the shortcut is "none" and there is no error, although $F(x)$ is smaller than x. At how many of the three image
#    sizes does this happen?
#
# <details><summary>Answers</summary>
#
# 1. Wherever `planes` is smaller than `in_planes`: padding can add channels, not take them away.
# 2. `in_planes` equal to `planes` and stride 1. Option C projects everywhere.
# 3. `in_planes` equal to `planes` and stride 2, at one of the sizes: 2×2, where $F(x)$ has shrunk to 1×1.
# </details>

# %%
explorers.shortcut_explorer()

# %% [markdown]
# ## What the three options cost
#
# `cifar_resnet` has all three built in. Weights, and the **multiply-adds** of one forward pass (a multiplication and
# an addition, counted as one), for residual 20 and images of 32×32:

# %%
print(f"{'':<12}{'projections':>12}{'weights':>10}{'more':>8}{'multiply-adds':>16}{'more':>8}")
networks = {"plain 20": cifar_resnet(20, residual=False)}
networks |= {f"option {option}": cifar_resnet(20, shortcut=option) for option in "ABC"}
weights = {name: inspection.count_parameters(network) for name, network in networks.items()}
cost = {name: inspection.count_multiply_adds(network, (3, 32, 32)) for name, network in networks.items()}
for name, network in networks.items():
    kernels = [module.kernel_size for module in network.modules() if isinstance(module, nn.Conv2d)]
    print(f"{name:<12}{kernels.count((1, 1)):>12}{weights[name]:>10,}{weights[name] / weights['option A'] - 1:>8.2%}"
          f"{cost[name]:>16,}{cost[name] / cost['option A'] - 1:>8.2%}")  # fmt: skip

# %%
cards.verdict(
    "with option A the residual network costs not one weight and not one multiply-add more than the plain one",
    weights["option A"] == weights["plain 20"] and cost["option A"] == cost["plain 20"],
    f"{weights['option A']:,} weights and {cost['option A']:,} multiply-adds in both",
)

# %% [markdown]
# So whatever lesson 05 gained, it did not buy it with weights. (Additions alone are not counted here: the plus sign
# itself costs one addition for each number.)
#
# ## Does the option matter for the accuracy?
#
# "Projections make ResNets work" is another sentence to test. The differences may be small, so one run of each will
# not do: every option gets several seeds, for first weights and order of images. Then we can compare the difference
# *between options* with the difference *between seeds*.

# %%
seeds = profile.pick(quick=(0, 1, 2, 3), full=(0, 1, 2))
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
new_images = data.load(profile.dataset, "test", budget.image_size, 1_000)


def accuracy_of(option, seed):
    training.reset_seeds(seed)
    model = cifar_resnet(depth, len(images.classes), shortcut=option).to(profile.device)
    batches = data.Batches(images, budget.batch_size, shuffle=True, seed=seed, device=profile.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=budget.epochs * len(batches))
    training.fit(
        model, batches, None, optimizer, F.cross_entropy, budget.epochs,
        scheduler=schedule, precision=precision, description=f"option {option}, seed {seed}",
    )  # fmt: skip
    new_batches = data.Batches(new_images, 500, mean=batches.mean, std=batches.std, device=profile.device)
    return training.evaluate(model, new_batches)[1]


# %%
accuracy = {f"option {option}": [accuracy_of(option, seed) for seed in seeds] for option in "ABC"}
mean = {name: statistics.mean(values) for name, values in accuracy.items()}
deviation = {name: statistics.stdev(values) for name, values in accuracy.items()}
for name, values in accuracy.items():
    print(f"{name}   {'   '.join(f'{value:.3f}' for value in values)}   mean {mean[name]:.3f}")

# %% [markdown]
# The bars are the means, the black lines reach one standard deviation over the seeds to each side.

# %%
axes = plotting.bars(
    mean, title="Three shortcuts, several seeds", x_label="accuracy on new images, 0 to 1", errors=deviation
)
plotting.show(
    axes,
    alt="Mean accuracy with its standard deviation over seeds: "
    + ", ".join(f"{name} {mean[name]:.3f} ± {deviation[name]:.3f}" for name in mean),
    caption=f"Residual {depth}, {len(images):,} images of {images.name}, {budget.epochs} epochs, {len(seeds)} seeds.",
)
cards.compare_guess(my_guess, {
    "extra weights, percent": 100 * (weights["option C"] / weights["option A"] - 1),
    "extra accuracy, points": 100 * (mean["option C"] - mean["option A"]),
}, lesson="07")  # fmt: skip

# %%
between_options = max(mean.values()) - min(mean.values())
between_seeds = max(max(values) - min(values) for values in accuracy.values())
cards.verdict(
    "the options differ less than two seeds of one option can",
    between_options < between_seeds,
    f"best against worst option {between_options:.3f}, best against worst seed of one option up to {between_seeds:.3f}",
)

# %% [markdown]
# With the quick budget, residual 8 has one block for each stage and learns for a short time. The package also ships
# the record of the plan `shortcuts`: residual 20 on 2,000 generated images, 5 epochs, five seeds for each option. The
# same question to these runs, and a look at how they learned.

# %%
records = experiments.load_records("shortcuts")
recorded = experiments.compare_shortcuts(records)
cards.verdict(f"residual 20, recorded: {recorded.claim}", recorded.holds, recorded.numbers)
axes = experiments.draw_curves(records, "Training error with each of the three shortcuts")
plotting.show(
    axes,
    alt="Error on the training images by epoch for the options A, B and C, each with the band of its seeds.",
    caption="Recorded runs of residual 20 on the generated images. Lines are means, bands go from the lowest to the "
    "highest of 5 seeds.",
)

# %% [markdown]
# And on photographs? There are two seeds of each option on the JPEG copy of CIFAR-10, five epochs of 50,000 images.
# Option A is the residual 20 of lesson 04's record: the same network, the same budget.

# %%
photographs, missing = experiments.load_recorded("shortcuts", "cifar10-jpeg")
for run in missing:
    print(f"not recorded yet, so there is no verdict: {run.network}, seed {run.seed}")
if not missing:
    found = experiments.compare_shortcuts(photographs)
    cards.verdict(f"residual 20 on photographs, recorded: {found.claim}", found.holds, found.numbers)
    errors = experiments.errors_by_network(photographs, "test_error")
    cards.verdict(
        "on photographs every recorded seed of option C has a higher test error than every seed of A and of B",
        min(errors["residual 20 C"]) > max(errors["residual 20"] + errors["residual 20 B"]),
        "; ".join(f"{name} {', '.join(f'{error:.3f}' for error in seeds)}" for name, seeds in errors.items()),
    )

# %% [markdown]
# The first of the two fails in the record that ships: on photographs option C, with the most weights, comes last, and
# further behind than two seeds of one option lie apart. The second sentence was written *after* we saw these numbers.
# It describes them and predicts nothing. Two seeds say little about the spread, and five epochs little about the end.
#
# The end of a training is one question, the way there another. Look at the second epoch of the figure above.

# %%
second = {
    option: [
        1 - record["curves"]["train_acc"][1]
        for record in records
        if record["configuration"]["network"] == f"residual 20 {option}"
    ]
    for option in "ABC"
}
cards.verdict(
    "in the second epoch every recorded seed of option C is behind every seed of A and of B",
    min(second["C"]) > max(second["A"] + second["B"]),
    f"training error of C from {min(second['C']):.3f} on, of A and B up to {max(second['A'] + second['B']):.3f}",
)

# %% [markdown]
# Why C should start more slowly we do not test. One difference is there to see: with C no block has an identity to
# fall back on, and every shortcut is one more layer that starts from random weights.
#
# Back to the end. Where the options differ less than the seeds, these runs cannot tell them apart by what they reach.
# That is not the same as "they are equal": a small difference may be there, and it would take more seeds and longer
# runs to see it. On the photographs five epochs do tell C from the others, to its disadvantage. He et al. trained a
# 34-layer network on ImageNet with each (§4.1, table 3): B was a little better than A, C a little better than B, by
# less than one point of top-1 error in all. Their conclusion is that projections are not essential. They drop C to
# save memory and time, and so do all later networks of this course: option B, as in torchvision, and A for the
# networks of the CIFAR family.
#
# ## The bottleneck
#
# Deeper ResNets (50 layers and more) have another block. A 1×1 convolution reduces the channels, the 3×3 convolution
# works on the few, and another 1×1 convolution widens them again, to four times `planes`.

# %%
bottleneck_figure = plotting.block_diagram("bottleneck", 256, 64)
plotting.show(
    bottleneck_figure,
    alt="The bottleneck block: 1 by 1 convolution from 256 to 64 channels, 3 by 3 convolution from 64 to 64, 1 by 1 "
    "convolution from 64 to 256, each with batch norm; the identity shortcut goes around all of them.",
    caption="A bottleneck with planes = 64: wide at both ends, narrow in the middle, where the 3×3 convolution is.",
)

# %% [markdown]
# ### Exercise: `bottleneck_shapes`
#
# Write `bottleneck_shapes(in_planes, planes, stride, height)`. It returns the shapes (C, H, W) behind each of the
# three convolutions, as a list of three tuples, for a square input of the given height. The stride stands on the 3×3
# convolution (as in torchvision; the paper has it on the first 1×1). The 3×3 convolution has `padding=1`, so an odd
# height is rounded *up*: with stride 2, 7 rows become 4.
#
# `bottleneck_shapes(256, 128, 2, 8)` is `[(128, 8, 8), (128, 4, 4), (512, 4, 4)]`.
#
# Stuck? `checks.hint("bottleneck_shapes")`


# %%
def bottleneck_shapes(in_planes, planes, stride, height):
    """(C, H, W) behind the first, second and third convolution of a bottleneck."""
    ### BEGIN SOLUTION
    small = math.ceil(height / stride)
    return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]
    ### END SOLUTION


bottleneck_shapes = checks.bottleneck_shapes(bottleneck_shapes)

# %% [markdown]
# Why go to this trouble? Count the weights of the convolutions, as in figure 5 of the paper.


# %%
def convolution_weights(block):
    return sum(module.weight.numel() for module in block.modules() if isinstance(module, nn.Conv2d))


counts = {
    "two 3×3 at 64 channels": convolution_weights(BasicBlock(64, 64)),
    "bottleneck at 256 channels": convolution_weights(Bottleneck(256, 64)),
    "two 3×3 at 256 channels": convolution_weights(BasicBlock(256, 256)),
    "bottleneck at 256, option C": convolution_weights(Bottleneck(256, 64, shortcut="C")),
}
for name, count in counts.items():
    print(f"{name:<30}{count:>10,}")
shares = [counts["bottleneck at 256 channels"] / counts[f"two 3×3 at {channels} channels"] for channels in (64, 256)]
projection_share = counts["bottleneck at 256, option C"] / counts["bottleneck at 256 channels"] - 1

# %% [markdown]
# The bottleneck carries four times as many channels for about the price of the basic block with 64. And here option C
# would be expensive: the shortcut joins the two *wide* ends, so a projection there has nearly as many weights as the
# whole block. For bottlenecks the free identity shortcut matters most (§4.1).
#
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(
    f"1. Your rule and torchvision's blocks agree: {agreed}; "
    f"in {len(without_downsampling)} of them `downsample` keeps the image's size."
)
print(
    f"2. Residual 20: A {weights['option A']:,} weights, as many as plain 20; B {weights['option B']:,}; "
    f"C {weights['option C']:,} ({weights['option C'] / weights['option A'] - 1:.1%} more than A)."
)
print(
    f"3. Residual {depth} on new images, mean of {len(seeds)} seeds: "
    + ", ".join(f"{name[-1]} {value:.3f}" for name, value in mean.items())
    + "."
)
print(f"4. Between options at most {between_options:.3f}; between seeds of one option up to {between_seeds:.3f}. "
      f"Recorded on generated images, residual 20: {recorded.numbers}.")  # fmt: skip
print(f"5. A bottleneck at 256 channels has {shares[0]:.2f} times the weights of two 3×3 at 64 channels, and "
      f"{shares[1]:.3f} times those of two at 256; a projection would add {projection_share:.0%}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. An error names tensor sizes 4 and 8 "at dimension 3". Do the channels fit?</summary>
#
# The message does not say. PyTorch compares from the last dimension and stops at the first difference. "Yes, only the
# width is named" is the usual wrong answer.
# </details>
#
# <details><summary>2. A shortcut is missing, the network trains without an error. How can that be?</summary>
#
# Broadcasting. If $F(x)$ has shrunk to 1×1 and the channels agree, it is added to every pixel of x. Or no block
# changes the shape at all, and nothing was missing.
# </details>
#
# <details><summary>3. Bottleneck, planes = 64, stride 1: does it need a projection for 64 channels? For 256?</summary>
#
# With 64: yes, because 4 · 64 = 256 channels go out. With 256: no. Who compares `in_planes` with `planes` gets both
# wrong.
# </details>
#
# <details><summary>4. B is 0.01 better than A, the seeds of one option differ by 0.05. Which one do you take?</summary>
#
# This does not decide it. The difference is well inside the spread. Take the cheaper one, or run more seeds.
# </details>
#
# <details><summary>5. Does a strided 1×1 projection lose information?</summary>
#
# It does: three of four pixels never reach the shortcut. $F(x)$ sees them through its 3×3 convolutions.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, arXiv 1512.03385, §3.2 (equation 2, the projection), §3.3 (options A and B), §4.1 (A, B
#   and C compared, table 3; bottlenecks, figure 5).
#
# Next: **lesson 08**, where blocks and shortcuts become ResNet-18.
