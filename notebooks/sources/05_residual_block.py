# %% [markdown]
# # 05 · The residual block
#
# *One line around two layers, one plus sign, and the same 56 layers again.*

# %% [markdown]
# In 2014 a deep network had 19 layers, or 22: those were VGG and GoogLeNet, the two best entries in that year's
# ImageNet classification. In December 2015 the deepest network of the winning entry had **152**. It came from four
# people, Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, and it was no giant: it took 11.3 billion multiply-adds
# for an image, and VGG's 16 layers take 15.3 ([arXiv 1512.03385](https://arxiv.org/abs/1512.03385), table 1 and §4.1).
# What had they added? You can draw it with one stroke of a pen. In this lesson you write it, and then you repeat the
# experiment of lesson 04 with it.
#
# **After this lesson you can**
#
# - write the residual block from scratch, and say what each line does to the shape,
# - say what a block must do to do nothing, and why its steps come in this order,
# - recognise the in-place trap by its error message,
# - show with several seeds whether depth helps again, and say on which images and with which recipe.
#
# **You need:** lesson 04, and batch norm from lesson 03.
#
# **Time:** 26 minutes to read and write; the code runs in about a minute on two CPU cores.

# %% [markdown]
# ## Write down a number
#
# In lesson 04 you saw what became of plain 56 on its own training images. Soon you will train **residual 56**: as deep,
# on the same kind of images, with the same optimizer. New are the line, the plus sign and, in two of its blocks, a
# small layer on the line. What share of its training images will it get wrong? Blind guessing among ten classes gives
# 0.9.

# %%
my_guess = {"residual 56": None}  # a number from 0 to 1, for example 0.5

# %% [markdown]
# The kind of images and the recipe are those of lesson 04. `PlainBlock` is the block that you wrote there, if it passed
# its check; the message says which one it is.

# %%
import copy

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, experiments, models, plotting, runtime, training
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
precision = runtime.precision()
budget = profile.pick(
    quick=runtime.Budget(images=350, image_size=16, epochs=5, batch_size=32),
    full=runtime.Budget(images=50_000, image_size=32, epochs=6, batch_size=128),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
print(f"{images.name}: {len(images):,} images, {images.image_size}×{images.image_size}")
print(f"{budget.epochs} epochs on {profile.device}, {precision}")
PlainBlock = checks.yours("plain_block")

# %% [markdown]
# ## From F(x) to F(x) + x
#
# Let $H(x)$ be what a block ought to compute (before its last ReLU). A plain block has to produce all of $H(x)$ by
# itself. A **residual block** gets x for nothing and adds it at the end, so that its layers have to produce only what
# is missing:
#
# $$H(x) = F(x) + x \quad\Longrightarrow\quad F(x) = H(x) - x .$$
#
# $F(x)$ is the rest, in Latin *residuum*, and that is where the block gets its name from. The line that carries x to
# the plus sign is the **shortcut**. The study notes of the Korean student from which this course grew call it 새치기
# (*saechigi*), somebody who jumps the queue: while everyone else waits in line for two convolutions, x walks past them
# and is already there at the end.

# %%
plotting.show(
    plotting.block_diagram("basic", 16, 16),
    caption="The line around the layers is the shortcut; the layers compute F(x).",
)

# %% [markdown]
# You will often read that "adding x lets the information through". That says little, since a plain block lets
# information through as well. The point is another one: given enough channels, both kinds of block can come close to
# the same functions, but *different functions are easy for them*. The next section looks at the function that matters
# most here.
#
# A path around layers was not new. Half a year before, the **highway networks** of Srivastava, Greff and Schmidhuber
# ([arXiv 1505.00387](https://arxiv.org/abs/1505.00387)) had let each layer mix its result with its input, by a gate
# that has weights of its own and can close. The residual block leaves the gate out: nothing to learn, and always open.
#
# ## Thirty-six layers that do nothing
#
# In lesson 04 you made a trained plain network of 20 layers 36 layers deeper, and it computed the same as before: in
# each of its three stages, six more blocks passed their input on. This is what such a network looks like.

# %%
plotting.show(
    plotting.growing_network(before=3, after=9),
    caption="6 new blocks in each of 3 stages, 2 convolutions each: 36 layers.",
)

# %% [markdown]
# So the question for each kind of block is: what must training do to its weights to make the block do nothing?
#
# - A **plain block** has to copy x through two convolutions. Each kernel must be 1 at its centre for one channel, and 0
#   everywhere else. Some other settings do it too (the channels may change places on the way, or be scaled and scaled
#   back), but all of them are rare, exact patterns, and a fresh block is nowhere near one.
# - A **residual block** has to bring $F(x)$ to zero. The last layer of $F$ is a batch norm, which multiplies each
#   channel by γ and adds β (lesson 03). If both are 0, then $F(x) = 0$, whatever the convolutions are. The shortcut
#   then passes x on. The ReLU at the end changes nothing, as long as x is the output of another ReLU and so never
#   negative.
#
# That can be tried at once. The cell takes a fresh residual network of 20 layers, adds six such blocks to each stage,
# and compares the outputs. Then it sets every β to 0.1, to see whether γ = 0 alone would have been enough. (These are
# the course's own blocks, since the code needs to know what their layers are called.)

# %%
training.reset_seeds(0)
small = models.cifar_resnet(20).eval()
deep = copy.deepcopy(small)
new_blocks = []
for stage, planes in zip(deep.stages, (16, 32, 64), strict=True):
    for _ in range(6):
        block = models.BasicBlock(planes, planes).eval()
        nn.init.zeros_(block.bn2.weight)  # γ; β is 0 in every fresh batch norm
        stage.append(block)
        new_blocks.append(block)

x = torch.rand(8, 3, 16, 16)
layers = sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in deep.modules())
with torch.no_grad():
    same = (small(x) - deep(x)).abs().max().item()
    assert same < 1e-5
    for block in new_blocks:
        nn.init.constant_(block.bn2.bias, 0.1)
    moved = (small(x) - deep(x)).abs().max().item()
print(f"{layers} layers against 20: γ = β = 0, outputs differ by up to {same:.1g}")
print(f"{'':<21}γ = 0, β = 0.1, by up to {moved:.2f}")

# %% [markdown]
# Two numbers for each channel, at zero: that is all it takes. This is no proof that training will find good deep
# networks. It says that a residual network of 56 layers can turn into one of 20 by setting two numbers for each channel
# to zero, where a plain one needs exact patterns in its kernels. Whether training makes use of that is a question for
# an experiment, and you will soon make it.
#
# ### Exercise: `basic_block`
#
# Write the class `BasicBlock(in_planes, planes, stride=1)`. This is what happens to a tensor of shape (N, 16, 8, 8) in
# `BasicBlock(16, 32, stride=2)`:
#
# | step | | shape after it |
# |---|---|---|
# | 1 | 3×3 convolution; it takes the stride and changes the channels | (N, 32, 4, 4) |
# | 2 | batch norm, ReLU | (N, 32, 4, 4) |
# | 3 | 3×3 convolution with stride 1 | (N, 32, 4, 4) |
# | 4 | batch norm. This is $F(x)$ | (N, 32, 4, 4) |
# | 5 | the shortcut of **x**, the block's input | (N, 32, 4, 4) |
# | 6 | the sum of 4 and 5 | (N, 32, 4, 4) |
# | 7 | ReLU | (N, 32, 4, 4) |
#
# No convolution has a bias (lesson 03 says why). Where the block keeps the shape, the shortcut is the identity and has
# no weights; an empty `nn.Sequential()` does that. Where the shape changes, x cannot be added as it is. Then
# `models.needs_projection(in_planes, planes, stride)` is true, and `models.projection_shortcut(in_planes, planes,
# stride)` gives you a module that brings x to the right shape. Lesson 07 takes both of them apart.
#
# Mind that x is still needed in step 5: do not give its name away, and do not change it.
#
# Stuck? `checks.hint("basic_block")`


# %%
class BasicBlock(nn.Module):
    """conv, batch norm, ReLU, conv, batch norm, add the shortcut, ReLU."""

    expansion = 1  # channels that go out, as a multiple of `planes`

    def __init__(self, in_planes: int, planes: int, stride: int = 1):
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(
            in_planes, planes, 3, stride=stride, padding=1, bias=False,
        )  # fmt: skip
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()  # the identity
        if models.needs_projection(in_planes, planes, stride):
            self.shortcut = models.projection_shortcut(in_planes, planes, stride)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        out = self.conv1(x)  # (N, planes, H / stride, W / stride)
        out = F.relu(self.bn1(out))  # the same shape from here on
        out = self.conv2(out)
        out = self.bn2(out)  # F(x): positive and negative numbers
        out = out + self.shortcut(x)  # x as it came in, in the shape of F(x)
        return F.relu(out)
        ### END SOLUTION


BasicBlock = checks.basic_block(BasicBlock)

# %% [markdown]
# Send one tensor through the block, and let each layer say what came in and what went out. A **forward hook** is a
# function that PyTorch calls after a layer has run. The ReLUs do not show, because `F.relu` is a function and no layer.


# %%
def tell(layer, inputs, output):
    came, went = tuple(inputs[0].shape), tuple(output.shape)
    weights = sum(parameter.numel() for parameter in layer.parameters())
    print(f"{type(layer).__name__:<12}{came!s:>15} → {went!s:<15}{weights:>6,} weights")


block = BasicBlock(16, 32, stride=2)
for layer in block.modules():
    if not list(layer.children()):  # a layer that is made of no others
        layer.register_forward_hook(tell)
out = block(torch.rand(4, 16, 8, 8))

# %% [markdown]
# ## Why in this order?
#
# conv, batch norm, ReLU, conv, batch norm, **add, ReLU**. Why is there no ReLU between the last batch norm and the
# plus sign? Because $F(x)$ would then never be negative, and such a block could only ever *add*: no number could come
# out smaller than it went in. Let us count, for the right order and for that wrong one. The input is never negative,
# as inside a network.


# %%
class ReluFirst(models.BasicBlock):
    """The wrong order: the last ReLU comes before the addition."""

    def forward(self, x):
        return F.relu(self.transform(x)) + self.shortcut(x)  # transform(x) is F(x)


training.reset_seeds(0)
start = torch.randn(8, 16, 8, 8).relu()
for block_class in (models.BasicBlock, ReluFirst):
    x = start
    for number in range(9):  # one stage of the 56-layer network, with fresh weights
        out = block_class(16, 16)(x)
        if number == 0:
            lower = ((out < x).sum() / (x > 0).sum()).item()
        x = out
    growth = (x.mean() / start.mean()).item()
    print(f"{block_class.__name__}: {lower:.0%} of the positive numbers get smaller;")
    print(f"    after nine blocks the mean is {growth:.1f} times as large")

# %% [markdown]
# With the ReLU first, a block cannot take anything back, and each block adds the whole positive half of $F$ to what
# flows on. He et al. trained that order in a later paper, and it was worse (2016,
# [arXiv 1603.05027](https://arxiv.org/abs/1603.05027), §4.1).
#
# And the ReLU *after* the addition? It is the nonlinearity between the blocks, and it has a price: it also cuts what
# the shortcut carries. Lesson 06 measures the price, and lesson 11 has a block that does not pay it.
#
# ## The in-place trap
#
# `x += out` looks like a shorter `x = x + out`. It is not the same. `x + out` makes a new tensor; `x += out` writes
# into the tensor that the *caller* handed in. Two things can happen, and the next two cells show both.


# %%
class InPlaceBlock(models.BasicBlock):
    def forward(self, x):
        out = self.transform(x)
        x += out  # overwrites the caller's tensor
        return F.relu(x)


features = torch.rand(2, 16, 8, 8)
kept = features.clone()
with torch.no_grad():
    InPlaceBlock(16, 16)(features)
change = (features - kept).abs().max().item()
print(f"no gradients, no error; the caller's tensor changed by up to {change:.2f}")

# %%
try:
    InPlaceBlock(16, 16)(kept).sum().backward()
except RuntimeError as error:
    words = str(error).replace(": [", ":\n[").replace("; ", ";\n")
    print(words.replace(". Hint", ".\nHint"))

# %% [markdown]
# Read it line by line.
#
# 1. "one of the variables needed for gradient computation has been modified by an inplace operation": to compute the
#    gradient of its weights, a convolution needs the input that it had. PyTorch had kept a reference to that tensor,
#    and not a copy.
# 2. "[torch.FloatTensor [2, 16, 8, 8]]": the type and shape of the tensor that was changed. The words after it say
#    which operation wrote into it last, here an addition. Look for a tensor of this shape in your block. "Version 1"
#    means that it was written into once, since every in-place operation raises a tensor's version by one.
# 3. "expected version 0 instead": the version at the time when it was kept for the backward pass.
# 4. The hint: `torch.autograd.set_detect_anomaly(True)` also shows the line of the forward pass.
#
# The first of the two cases is the worse one: there is no error, and the caller goes on with other numbers. And is
# `out += self.shortcut(x)` wrong as well? No. There `out` is a fresh tensor that the block has made itself. Nobody else
# holds it, and the backward pass of batch norm does not need its own output. torchvision's block is written like that.

# %% [markdown]
# ## Fifty-six layers again
#
# Now the experiment. Both kinds of network come from the same class, which stacks whatever block it is given in three
# stages. One recipe for all: Adam at a learning rate of at most 0.001, with a one-cycle schedule. The error is measured
# after the training, with fixed weights, on the training images.


# %%
def make_network(kind, depth):
    block = {"plain": PlainBlock, "residual": BasicBlock}[kind]
    return models.ResNet(block, [(depth - 2) // 6] * 3, len(images.classes), width=16)


def train(kind, depth, seed):
    training.reset_seeds(seed)
    model = make_network(kind, depth).to(profile.device)
    batches = data.Batches(
        images, budget.batch_size, shuffle=True, seed=seed, device=profile.device,
    )  # fmt: skip
    steps, name = budget.epochs * len(batches), f"{kind} {depth}, seed {seed}"
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    training.fit(
        model, batches, None, optimizer, F.cross_entropy, budget.epochs,
        scheduler=schedule, precision=precision, description=name,
    )  # fmt: skip
    return 1 - training.evaluate(model, clean_batches, precision=precision)[1]


# %% [markdown]
# Three depths, two kinds, three seeds: eighteen trainings. A seed decides the first weights and the order of the
# images. Plain and residual networks of the same depth and seed form a pair.

# %%
clean_batches = data.Batches(images, 500, device=profile.device)
errors = {"plain": {}, "residual": {}}
for depth in (8, 20, 56):
    for kind in errors:
        errors[kind][depth] = [train(kind, depth, seed) for seed in range(3)]
        seeds = "  ".join(f"{error:.3f}" for error in errors[kind][depth])
        print(f"{kind + ' ' + str(depth):<12} training error by seed: {seeds}")

# %%
axes = plotting.seeds(
    errors, "Training error by depth", "depth in layers",
    "error on the training images", y_limits=(0, 1),
    guesses={"residual": my_guess["residual 56"]},
)  # fmt: skip
plotting.show(axes, f"{len(images):,} {images.name}, 3 seeds (dots), {precision}.")
mean = {kind: {d: sum(e) / len(e) for d, e in errors[kind].items()} for kind in errors}
cards.compare_guess(my_guess, {"residual 56": mean["residual"][56]}, lesson="05")

# %% [markdown]
# Three questions for the numbers. Does the plain network get worse with depth, as in lesson 04? Does the residual
# network get better? And is each residual network better than the plain network of the same depth, its **twin**?
# Each difference is taken seed by seed; the interval says how far the mean of three such differences can be trusted
# (lesson 02).

# %%
plain, residual = errors["plain"], errors["residual"]
cards.compare(
    "plain worsens with depth: plain 56 has a higher training error than plain 20",
    {"plain 56": plain[56]}, {"plain 20": plain[20]},
)  # fmt: skip
cards.compare(
    "residual improves with depth: residual 56 has a lower error than residual 8",
    {"residual 8": residual[8]}, {"residual 56": residual[56]},
)  # fmt: skip
for depth in (20, 56):
    cards.compare(
        f"residual {depth} is below its plain twin",
        {f"plain {depth}": plain[depth]}, {f"residual {depth}": residual[depth]},
    )  # fmt: skip

# %% [markdown]
# And at 8 layers? Look at the two leftmost groups of points in the figure. He et al. saw two networks of 18 layers end
# about equal, one plain and one residual (2015, §4.1, table 2): at a depth that does not yet hold a plain network back,
# there is little that a shortcut could repair. Look at the residual points of 20 and 56 layers too, and keep them in
# mind: that step gets a section of its own.
#
# ### Is it the weights?
#
# A doubter objects: "Your residual network has more weights. Of course it fits better." Count them.


# %%
def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


networks = {kind: make_network(kind, 56) for kind in ("plain", "residual")}
networks["option A"] = models.cifar_resnet(56, len(images.classes))
extra = {}
for kind, network in networks.items():
    extra[kind] = count(network) - count(networks["plain"])
    print(f"{kind + ' 56':<12}{count(network):>9,} weights,", end=" ")
    print(f"{extra[kind]:>5,} more than plain")
assert extra["option A"] == 0

# %% [markdown]
# The few more weights of your network are in its two projections, where the shape changes. In the last row the
# shortcuts have none at all: **option A** pads the missing channels with zeros (lesson 07). Then twins have exactly the
# same number, and a lower error cannot come from weights. That is why all networks of the following records have
# shortcuts of option A.
#
# ## Five depths, five seeds
#
# These trainings take longer than a lesson, so they are recorded: the package ships the results of fifty of them, with
# the same recipe. `python -m resnet_course reproduce degradation` repeats them. The function keeps the seeds that every
# network has, so that all differences are paired.


# %%
def recorded(plan, dataset, field="train_error"):
    """{"plain": {depth: [an error a seed]}, "residual": ...}, or None."""
    records, missing = experiments.load_recorded(plan, dataset)
    if missing:
        print(f"{plan}, {dataset}: {len(missing)} trainings are not recorded yet")
    runs = {}
    for record in records:
        run = record["configuration"]
        runs.setdefault(run["network"], {})[run["seed"]] = record[field]
    common = sorted(set.intersection(*map(set, runs.values()))) if runs else []
    found = {"plain": {}, "residual": {}}
    for network in sorted(runs, key=lambda name: int(name.split()[1])):
        kind, depth = network.split()
        found[kind][int(depth)] = [runs[network][seed] for seed in common]
    return found if common else None


# %% [markdown]
# The caption of each figure says how long its recorded trainings were, in epochs and steps.


# %%
def how(plan, dataset):
    """What a caption says of a record."""
    records, missing = experiments.load_recorded(plan, dataset)
    return f"{len(missing)} are missing" if missing else experiments.conditions(records)


def draw(found, caption, y_label="error on the training images"):
    title = "Recorded error by depth"
    axes = plotting.seeds(found, title, "depth in layers", y_label, (0, 1))
    plotting.show(axes, f"Recorded: {caption}. A dot for each seed.")


# %%
shapes = recorded("degradation", "shapes")
if shapes:
    draw(shapes, how("degradation", "shapes"))
    cards.compare(
        "with as many weights residual 56 is below its plain twin",
        {"plain 56": shapes["plain"][56]}, {"residual 56": shapes["residual"][56]},
    )  # fmt: skip

# %% [markdown]
# Follow the two lines from left to right. At which of the five depths do they part, and is there one at which the seeds
# of the residual networks lie far apart?
#
# ## On photographs
#
# Generated images are a small world, and an easy one. So the same kinds of network were trained on photographs too, on
# 5,000 images of CIFAR-10, shrunk to 16×16. They come from a copy that was saved as JPEG files, which changes pixels:
# these numbers are compared with each other, and never with published ones.

# %%
photos = recorded("degradation", "cifar10-jpeg")
if photos:
    draw(photos, how("degradation", "cifar10-jpeg"))
    plain, residual = photos["plain"], photos["residual"]
    cards.compare(
        "on photographs plain worsens with depth: plain 56 is above plain 20",
        {"plain 56": plain[56]}, {"plain 20": plain[20]},
    )  # fmt: skip
    cards.compare(
        "on photographs residual improves with depth: residual 56 is below residual 8",
        {"residual 8": residual[8]}, {"residual 56": residual[56]},
    )  # fmt: skip

# %% [markdown]
# Lesson 04 asked whether plain 56 only needs longer, on generated images that come twice, partly with two labels. The
# same record holds residual 56. And there are two lengths on photographs, shrunk to 8×8. A number for each seed:

# %%
for dataset in ("shapes", "cifar10-jpeg"):
    by_length, records = {}, experiments.load_records("long-training", dataset)
    print(dataset)
    if lowest := records[0].get("lowest_error"):
        print(f"  the lowest possible error is {lowest:.3f}")
    for record in records:
        key = record["configuration"]["epochs"], record["configuration"]["network"]
        by_length.setdefault(key, []).append(record["train_error"])
    for (epochs, network), runs in sorted(by_length.items()):
        seeds = "  ".join(f"{error:.3f}" for error in runs)
        print(f"  {epochs:>3} epochs, {network:<13}{seeds}")

# %% [markdown]
# Compare the three networks at each length. Where an error is the lowest possible, the images are known by heart as far
# as can be, and no difference to another such network can be read from it.
#
# ## From 20 to 56 layers
#
# The step from 8 to 56 layers is a long one. Did the last 36 layers help, or would 20 have been enough? Depth may take
# its time: a step of the optimizer moves 56 layers at once, and a training like ours above has very few steps. So here
# is this one difference for several trainings, from the fewest steps to the most.

# %%
many = recorded("all-images", "cifar10-jpeg")
steps = budget.epochs * -(-len(images) // budget.batch_size)
trainings = {
    f"this page, your block, {steps} steps": errors,
    how("degradation", "shapes"): shapes,
    how("degradation", "cifar10-jpeg"): photos,
    how("all-images", "cifar10-jpeg"): many,
}
for what, found in trainings.items():
    if found:
        cards.compare(
            f"{what}: residual 20 has a higher training error than residual 56",
            {"residual 20": found["residual"][20]},
            {"residual 56": found["residual"][56]},
        )  # fmt: skip
    else:
        print(f"{what}: no verdict without records")

# %% [markdown]
# Read the boxes from top to bottom, the differences themselves as well as the verdicts: an interval can shrink while
# its middle stays. And the number of steps is not all that changes, but also the images. Where one says *cannot tell*,
# these seeds do not settle the sign of the difference. Where one says *not reproduced*, 56 layers ended above 20 in a
# training of that length, although they have shortcuts. (The first box also has fewer images, and projections where the
# records have option A.) So "depth helps again" needs an addition: how long, on what, and with which shortcut.
#
# ## The other side
#
# All of this was about *training* images, because degradation is about them. A good network has to do well on new
# images, and that is another question. The same recorded networks, on photographs that they have never seen:

# %%
new_photos = recorded("degradation", "cifar10-jpeg", "test_error")
if new_photos:
    draw(new_photos, "1,000 new photographs", "error on new images")
    cards.compare(
        "on new photographs residual 56 has a higher error than residual 20",
        {"residual 56": new_photos["residual"][56]},
        {"residual 20": new_photos["residual"][20]},
    )  # fmt: skip

# %% [markdown]
# Look at all three depths, and put this box beside the one about the same networks on their training images. Where the
# deeper network has the *lower* error on the training images and the *higher* one on new images, you are looking at
# **overfitting** (lesson 02), and not at degradation. Both can be in one figure, for degradation is the trouble of a
# network that does not fit, and overfitting that of one which fits only too well. It takes other means: more images,
# augmentation, early stopping (lesson 09). He et al. met it as well. Their network of 1,202 layers fitted its training
# images like that of 110 layers and was worse on new ones, which they put down to overfitting (2015, §4.2).
#
# A second limit is the **recipe**. "Depth helps again" is no law of the block alone. In that same paper the learning
# rate of the other networks, 0.1, was too large for the residual network of 110 layers to start with; it got a tenth
# of it until it had begun to learn (§4.2). So depth, optimizer, rate and length of the training belong together in any
# such sentence. How much does residual 56 depend on the rate in our recipe? The record of lesson 04 has it.

# %%
records, missing = experiments.load_recorded("learning-rates", "shapes")
by_rate = {"plain 56": {}, "residual 56": {}}
for record in records:
    run = record["configuration"]
    if run["network"] in by_rate:
        found = by_rate[run["network"]].setdefault(run["learning_rate"], [])
        found.append(record["train_error"])
if all(by_rate.values()):
    axes = plotting.seeds(
        by_rate, "Training error by learning rate", "highest learning rate",
        "error on the training images", y_limits=(0, 1), log_x=True,
    )  # fmt: skip
    plotting.show(axes, f"Recorded: {experiments.conditions(records)}.")
else:
    print(f"learning-rates: {len(missing)} trainings are not recorded yet")

# %% [markdown]
# Compare the ends of the line of residual 56 with its best point. Where an end lies clearly higher, the rate still
# matters.

# %% [markdown]
# ## What we measured
#
# The cell collects the numbers in one place.


# %%
def row(found, kind):
    return ", ".join(f"{d}: {sum(e) / len(e):.3f}" for d, e in found[kind].items())


print(f"1. Here, training error by depth: plain {row(errors, 'plain')};")
print(f"   residual {row(errors, 'residual')} (3 seeds).")
print(f"2. The two projections of your residual 56 have {extra['residual']:,} weights,")
print("   the shortcuts of the recorded networks none.")
if photos:
    print(f"3. On photographs (recorded): plain {row(photos, 'plain')};")
    print(f"   residual {row(photos, 'residual')}.")
    print(f"4. On new photographs: residual {row(new_photos, 'residual')}.")
print(f"5. With γ = β = 0 in 18 new blocks, {layers} layers compute what 20 compute.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. In the last batch norm of a residual block, γ is 0 and β is 0.5. Does the block do nothing?
# </summary>
#
# No. $F(x)$ is then 0.5 in that channel, and the block adds 0.5 to each number. It does nothing only if the shift is 0
# as well, and if x is not negative, because the last ReLU would change it otherwise.
# </details>
#
# <details><summary>2. A block ends with <code>relu(F(x)) + x</code> and has no other ReLU after it. What can it not
# do?</summary>
#
# Make a number smaller. $F$ is cut to its positive half, so that every block can only add.
# </details>
#
# <details><summary>3. <code>return self.conv1(F.relu_(x)) + x</code> raises no error. What is wrong?</summary>
#
# `F.relu_` works in place. The shortcut then adds relu(x) and not x, and the caller's tensor has changed as well.
# Nothing complains, because the convolution kept the tensor *after* the change. Where x is never negative the numbers
# stay right, and the mistake waits for the first x that is.
# </details>
#
# <details><summary>4. A friend reports: "My residual 56 has a higher test error than residual 20, so degradation is
# back." Which number do you ask for?</summary>
#
# The training error. If it is lower at 56 layers, the deep network fits better and generalises worse: overfitting. Only
# a higher *training* error would be degradation.
# </details>
#
# <details><summary>5. How would you answer somebody who says that residual 56 wins because of its extra weights?
# </summary>
#
# With a pair that has none: in the recorded networks the shortcuts are of option A, without weights, so that plain and
# residual 56 have exactly the same number. If the residual one has the lower error there, weights cannot be the reason.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385): §3.1 (learning the residual), §4.1
#   (18 and 34 layers on ImageNet), §4.2 (20 to 1,202 layers on CIFAR-10).
# - He, Zhang, Ren, Sun 2016, [arXiv 1603.05027](https://arxiv.org/abs/1603.05027), §4.1: other orders of the same
#   layers, trained and compared.
# - Hardt & Ma 2016, [arXiv 1611.04231](https://arxiv.org/abs/1611.04231): why layers should be written as the identity
#   plus something.
#
# Next: [lesson 06](06_why_it_works.ipynb), which asks *why* this works, and takes three usual answers apart.
