# %% [markdown]
# # 04 · The degradation problem
#
# *A deep network, its own training images, and eight suspects.*

# %% [markdown]
# A colleague has trained a network of 20 layers and wants a better one. She puts more
# layers in until there are 56, and trains again with the same images and settings. Then
# she looks at the error on her *training* images, the very images that the network has
# just been shown with all the right answers.
#
# A 56-layer network can do everything that a 20-layer network can. So it should fit the
# training images at least as well. Will it?
#
# You will repeat her two trainings in a moment, with fewer images. Bet before you read
# on: what share of its training images does each network get wrong? 0 means none, and
# blind guessing among ten classes gives 0.9.

# %%
my_guess = {"plain 20": None, "plain 56": None}  # for example 0.25

# %% [markdown]
# **After this lesson you can**
#
# - build the plain networks of the 6n + 2 family and compare their training errors,
# - say why a higher training error is not overfitting,
# - measure how large the gradients of a network are, and say what their size decides and
#   what it does not,
# - turn a trained network into a much deeper one that computes the same function,
# - measure whether the gradients of two nearly equal images agree.
#
# **You need:** batch norm and He initialisation from lesson 03; seeds and what a
# difference means from lesson 02.
#
# **Time:** 34 minutes to read and write; the code runs in about a minute on two CPU cores.

# %%
import copy
import math
from statistics import mean

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, experiments, inspection, plotting, runtime
from resnet_course import training
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
precision = runtime.precision()  # the fastest number format of this machine
budget = profile.pick(
    quick=runtime.Budget(images=350, image_size=16, epochs=5, batch_size=32),
    full=runtime.Budget(images=50_000, image_size=32, epochs=6, batch_size=128),
)
SEEDS = (0, 1, 2)

# %% [markdown]
# Every network that is trained on this page gets the same training images. Nothing is chosen with the new ones.

# %%
size, device = budget.image_size, profile.device
images = data.load(profile.dataset, "train", size, budget.images)
new_images = data.load(profile.dataset, "test", size, budget.images)
clean = data.Batches(images, 500, device=device)
statistics = {"mean": clean.mean, "std": clean.std}
new = data.Batches(new_images, 500, **statistics, device=device)
CHANCE = 1 - 1 / len(images.classes)  # the error of blind guessing
print(f"{images.name}: {len(images):,} images, {len(images.classes)} classes")
print(f"{budget.epochs} epochs on {profile.device}, {precision}")

# %% [markdown]
# ## A family of plain networks
#
# To study depth, one needs networks that differ in nothing else. He et al. (2015) use
# this family: three **stages** of n **blocks** each. A block is two 3×3 convolutions,
# each followed by batch norm and a ReLU. The first stage has 16 channels and keeps the
# image size. The second and the third begin with a stride of 2, which halves height and
# width, and they double the channels. With one convolution in front and a linear layer at
# the end, that makes $2 \cdot 3n + 2 = 6n + 2$ layers with weights: 8 for n = 1, 20 for n
# = 3, 56 for n = 9. A network like this, a chain with no side paths, is called **plain**.

# %%
plotting.show(
    plotting.block_diagram("plain", 16, 32, stride=2),
    caption="F(x) is a name for all that the layers compute before the last ReLU.",
)

# %% [markdown]
# ### Exercise: `plain_block`
#
# Write the class `PlainBlock(in_planes, planes, stride=1)`. The first convolution takes
# the `stride`; otherwise both keep height and width (`padding=1`). Neither has a bias,
# because the batch norm after it adds a shift of its own (lesson 03).
#
# `PlainBlock(16, 32, stride=2)` turns a tensor of shape (N, 16, 8, 8) into one of shape
# (N, 32, 4, 4).
#
# Stuck? `checks.hint("plain_block")`


# %%
class PlainBlock(nn.Module):
    """conv, batch norm, ReLU, conv, batch norm, ReLU."""

    expansion = 1  # channels that go out, as a multiple of `planes` (lesson 07)

    def __init__(self, in_planes: int, planes: int, stride: int = 1):
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        out = F.relu(self.bn1(self.conv1(x)))  # (N, planes, H / stride, W / stride)
        out = F.relu(self.bn2(self.conv2(out)))  # the same shape
        return out
        ### END SOLUTION


PlainBlock = checks.plain_block(PlainBlock)

# %% [markdown]
# Stacked, your blocks are the network. All convolutions start with the weights of He initialisation from
# lesson 03, counted here over the channels that go *out*, as torchvision does it.


# %%
def make_plain(depth: int) -> nn.Sequential:
    n = (depth - 2) // 6
    stages = []
    for in_planes, planes, stride in [(16, 16, 1), (16, 32, 2), (32, 64, 2)]:
        others = [PlainBlock(planes, planes) for _ in range(n - 1)]
        stages.append(nn.Sequential(PlainBlock(in_planes, planes, stride), *others))
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(images.classes))]
    model = nn.Sequential(*stem, *stages, *head)  # the stages are model[3], [4], [5]
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return model.to(device)


# %% [markdown]
# ## The experiment
#
# One recipe for all depths: the optimizer Adam, and a learning rate that rises to 0.001
# and falls again to almost 0. `training.fit` is the loop of lesson 01 with a progress
# bar. (`clip` is for later.) The training error is measured after the training: fixed
# weights, eval mode, the same images.


# %%
def train(model, seed, name, clip=None):
    size = budget.batch_size
    batches = data.Batches(images, size, shuffle=True, seed=seed, device=device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def shorten(*_):  # a gradient that is longer than `clip`, before each step
        nn.utils.clip_grad_norm_(model.parameters(), clip)

    if clip is not None:
        optimizer.register_step_pre_hook(shorten)
    steps = budget.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    training.fit(
        model, batches, None, optimizer, F.cross_entropy, budget.epochs,
        scheduler=schedule, precision=precision, description=f"{name}, seed {seed}",
    )  # fmt: skip
    return model


# %% [markdown]
# Three depths, three seeds each; networks of the same seed form a pair, as in lesson 02.


# %%
def error_on(batches, model):
    return 1 - training.evaluate(model, batches, precision=precision)[1]


@torch.no_grad()
def error_on_the_way(model):
    model = copy.deepcopy(model).train()  # batch norm uses what it sees
    right = [(model(x).argmax(1) == targets).sum().item() for x, targets in clean]
    return 1 - sum(right) / len(images)


models, errors, new_errors = {}, {}, {}
for depth in (8, 20, 56):
    for seed in SEEDS:
        torch.manual_seed(seed)
        models[depth, seed] = train(make_plain(depth), seed, f"plain {depth}")
    errors[depth] = [error_on(clean, models[depth, seed]) for seed in SEEDS]
    new_errors[depth] = [error_on(new, models[depth, seed]) for seed in SEEDS]

axes = plotting.seeds(
    {"plain": errors}, "Training error by depth", "layers", "training error",
    y_limits=(0, 1), guesses={"plain": my_guess["plain 56"]}, chance=CHANCE,
)  # fmt: skip
updates = -(-len(images) // budget.batch_size)
how = f"{len(images):,} images of {images.name}"
how = f"{how}, {budget.epochs} epochs of {updates} steps, {precision}"
plotting.show(axes, f"{how}. A dot for each seed.")

# %%
measured = {f"plain {depth}": mean(errors[depth]) for depth in (20, 56)}
cards.compare_guess(my_guess, measured, lesson="04")
cards.compare(
    "plain 56 has a higher training error than plain 20",
    {"plain 56": errors[56]}, {"plain 20": errors[20]},
)  # fmt: skip

# %% [markdown]
# When more depth makes the training error worse, He et al. speak of the **degradation
# problem**. They saw it on CIFAR-10 and on ImageNet ([arXiv
# 1512.03385](https://arxiv.org/abs/1512.03385), §1, figures 1 and 4).
#
# Three depths and a minute of training are not much. So the course ships **records**: trainings that were
# made once, with the data and seeds that each caption names. The photographs come from a copy of CIFAR-10
# that was saved as JPEG files; that changes the pixels, so these numbers are never compared with
# published ones.


# %%
recorded, captions = {}, []
for name, dataset in {"generated": "shapes", "photographs": "cifar10-jpeg"}.items():
    records, missing = experiments.load_recorded("degradation", dataset)
    for network, seeds in experiments.errors_by_network(records).items():
        if network.startswith("plain"):
            recorded.setdefault(name, {})[int(network.split()[1])] = seeds
    captions += [experiments.conditions(records)] if records else []
    if missing:
        print(f"{name}: {len(missing)} trainings are not recorded yet")

# %%
title = "Training error of plain networks by depth, recorded"
axes = plotting.seeds(
    recorded, title, "layers", "training error", y_limits=(0, 1), chance=CHANCE
)  # fmt: skip
axes.set_xticks((8, 20, 32, 44, 56))
plotting.show(axes, f"A dot for each seed: {'; '.join(captions)}.")

photos = recorded.get("photographs", {})
if {20, 56} <= photos.keys() and len(photos[20]) == len(photos[56]):
    cards.compare(
        "on photographs, too, plain 56 has a higher training error than plain 20",
        {"plain 56": photos[56]}, {"plain 20": photos[20]},
    )  # fmt: skip

# %% [markdown]
# From which depth on does it get worse? Compare 8 with 20 layers, for each kind of images. And why?
# Several reasons come to mind. We take them one by one, as suspects, each with a
# test that can clear it. The function `close` writes down how the test ended:
# *acquitted* if the numbers say that it is not the whole reason, *still suspected* if
# they point at it, *cannot tell* if they do neither. The numbers are paired
# differences, with the 95 % interval of lesson 02.

# %%
WORDS = {True: "acquitted", False: "still suspected", None: "cannot tell"}
opposite = {True: False, False: True, None: None}  # where the test is to convict
hunt = []  # for each suspect: name, test, what was found, how it ended


def close(suspect, test, difference, acquitted):
    number = f"{difference.mean:+.2f} ± {difference.reach:.2f}"
    hunt.append((suspect, test, number, WORDS[acquitted]))
    print(f"{suspect}: {number}, {WORDS[acquitted]}")


# %% [markdown]
# ## Is it overfitting?
#
# **Overfitting** means: good on the training images, worse on new ones (lesson 02). So ask
# what you have just measured: on *which* images is the deep network worse?

# %%
print("          training error   error on new images   difference")
for depth in (8, 20, 56):
    seen, unseen = mean(errors[depth]), mean(new_errors[depth])
    print(f"plain {depth:<4}{seen:>14.3f}{unseen:>22.3f}{unseen - seen:>+13.3f}")
print(f"guessing  {CHANCE:>14.3f}{CHANCE:>22.3f}")
in_training_mode = error_on_the_way(models[56, 0])
print(f"plain 56, seed 0, with the statistics of each batch: {in_training_mode:.3f}\n")
gap = inspection.paired_difference(errors[56], errors[20])
close("overfitting", "training error, 56 against 20", gap, gap.is_above())

# %% [markdown]
# An overfitted deep network would have a training error no higher than that of the small one. If its
# training error is higher, overfitting cannot be the reason, whatever the error on new images is. (And
# the line below the table answers a doubt from lesson 03: after so few steps the values that batch norm
# has stored may lag. If that were all, the network would do well in training mode.)
#
# Beware of a wrong argument that is often heard: "it is not overfitting, because the
# *test* error is high as well". A high test error *beside a low training error* is what
# overfitting looks like. Only the training error can acquit this suspect.

# %% [markdown]
# ## Do the gradients vanish, or explode?
#
# A gradient has to come back through all layers, and on its way it may become too small to move the first
# of them, or far too large. Batch norm is often said to prevent both, and all networks here have it. Does
# it, with 56 layers?
#
# Layers have weights of different size, so we divide the gradient's norm by that of the
# weights: by what fraction of its own size would the layer change, in one step of
# gradient descent with learning rate 1?
#
# ### Exercise: `gradient_norms`
#
# Write `gradient_norms(model, images, targets)`. It returns a list of floats, one for
# each `nn.Conv2d` of `model.modules()`, from the input to the output: the norm of
# `weight.grad` divided by the norm of `weight`, after one backward pass of the
# cross-entropy. Leave the network in the mode in which it comes, and mind what a backward
# pass does with gradients that are already there.
#
# For a network with 7 convolutions the list has 7 floats. A layer whose gradient holds
# (0.3, 0.4) and whose weight holds (3, 4) gives 0.5 / 5 = 0.1.
#
# Stuck? `checks.hint("gradient_norms")`


# %%
def gradient_norms(model, images, targets):
    """Gradient norm over weight norm of each convolution, first to last."""
    ### BEGIN SOLUTION
    model.zero_grad()
    loss = F.cross_entropy(model(images), targets)
    loss.backward()
    convs = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    return [(conv.weight.grad.norm() / conv.weight.norm()).item() for conv in convs]
    ### END SOLUTION


gradient_norms = checks.gradient_norms(gradient_norms)

# %% [markdown]
# First at the start, before any step. Read the figure from right to left, as the gradient
# travels. A line jumps where a stage begins, since there the number of channels doubles.

# %%
batch = next(iter(data.Batches(images, 128, shuffle=True, device=device)))
at_start, starts = {}, {}
for depth in (8, 20, 56):
    torch.manual_seed(0)
    starts[depth] = make_plain(depth)
    at_start[f"plain {depth}"] = gradient_norms(starts[depth], *batch)

title = "Gradient norm over weight norm, at the start"
axes = plotting.profile(at_start, title, "convolution", "ratio of the norms")
plotting.show(axes, "128 training images, seed 0, before the first step, float32.")

# %% [markdown]
# And after training? `inspection.trend` is the definition of lesson 03: a gradient vanishes
# if the first layer's number is at most a hundredth of the last layer's, and it explodes
# if it is at least a hundred times as large.

# %%
print("gradient / weight    first      last")
for depth in (8, 20, 56):
    trained = copy.deepcopy(models[depth, 0])  # a pass moves what batch norm stores
    for when, model in (("start", starts[depth]), ("trained", trained)):
        ratios = gradient_norms(model, *batch)
        name = f"plain {depth}, {when}"
        print(f"{name:<18}{ratios[0]:>8.2g}{ratios[-1]:>10.2g}", end=" ")
        print(inspection.trend(ratios))

# %%
trends = []  # at the start, trained, for each seed
for seed in SEEDS:
    torch.manual_seed(seed)
    for model in (make_plain(56), copy.deepcopy(models[56, seed])):
        trends.append(inspection.trend(gradient_norms(model, *batch)))
cards.verdict(
    "the gradients of plain 56 do not vanish, neither at the start nor after training",
    "vanishes" not in trends,
    f"at the start: {', '.join(trends[::2])}; trained: {', '.join(trends[1::2])}",
)
count = f"in {trends.count('vanishes')} of {len(trends)} networks"
ended = WORDS["vanishes" not in trends]
hunt.append(("vanishing gradients", "first and last layer", count, ended))

# %% [markdown]
# He et al. also find that vanishing gradients are unlikely to be the reason: theirs had "healthy norms"
# (§4.1). Are yours healthy? Look at what the lines above call them. Yang et al. 2019 ([arXiv
# 1902.08129](https://arxiv.org/abs/1902.08129)) show why gradients *grow* towards the input at the start
# of a deep network with batch norm.
#
# ### Does the size matter to the optimizer?
#
# It would matter to simple gradient descent, whose step is the gradient times the
# learning rate. But our recipe has Adam, which divides the gradient of each weight by a
# running mean of its own size. Watch a step with some gradient, and one with a thousand
# times as much:

# %%
steps = []
for factor in (1, 1_000):
    weight = nn.Parameter(torch.tensor([3.0, -2.0, 1.0]))
    before = weight.detach().clone()
    weight.grad = factor * torch.tensor([0.2, -0.1, 0.4])
    torch.optim.Adam([weight], lr=1e-3).step()
    steps.append(weight.detach() - before)
    print(f"gradient × {factor:>5,}: the weights move by", steps[-1].numpy().round(5))
assert torch.allclose(*steps, atol=1e-6)

# %% [markdown]
# The steps are the same. What Adam does notice is a *sudden* change: one gradient that is
# far larger than those before it. For such jumps there is **clipping**: a gradient whose
# norm, over all weights, is above a limit is shortened to the limit. We try it once here,
# with the limit 1, and then read five seeds from the record:

# %%
torch.manual_seed(0)
model = train(make_plain(56), 0, "plain 56, clipped", clip=1.0)
print(f"plain 56, seed 0: training error {errors[56][0]:.3f}", end=", ")
print(f"with clipping {error_on(clean, model):.3f}")

starts_record, recorded_starts = experiments.load_records("starts"), {}
for record in starts_record:
    run = record["configuration"]
    what = run["network"], run["start"], run["clip_norm"]  # 0: not clipped
    recorded_starts.setdefault(what, []).append(record["train_error"])

# %%
shallow = recorded_starts["plain 20", "usual", 0]
clipped = recorded_starts["plain 56", "usual", 1]
cards.compare(
    "with clipping, too, plain 56 has a higher training error than plain 20",
    {"plain 56, clipped": clipped}, {"plain 20": shallow},
)  # fmt: skip
gap = inspection.paired_difference(clipped, shallow)
close("jumps of the gradients", "Adam; clipped 56 against 20", gap, gap.is_above())

# %% [markdown]
# If the verdict is *reproduced*, jumps are not the whole reason: cut short, they leave plain 56 above plain 20.
# Large gradients are not acquitted by that: where they are large, a step of the same length changes the loss more.

# %% [markdown]
# ## Is it a bad learning rate?
#
# One rate for all depths may be unfair to the deep network. So each depth gets four
# rates, with three seeds each, and is judged by its best one. It comes from the record.


# %%
def group(records, key):
    """{network: {value of the key: one training error for each seed}}"""
    grouped = {}
    for record in records:
        run = record["configuration"]
        places = grouped.setdefault(run["network"], {})
        places.setdefault(run[key], []).append(record["train_error"])
    return {name: dict(sorted(places.items())) for name, places in grouped.items()}


def draw(records, key, title, x_label, lowest=None):
    grouped = group(records, key)
    axes = plotting.seeds(
        {name: grouped[name] for name in ("plain 20", "plain 56")}, title, x_label,
        "training error", y_limits=(0, 1), log_x=True, chance=CHANCE, lowest=lowest,
    )  # fmt: skip
    how = experiments.conditions(records)
    plotting.show(axes, f"{how}. Each dot is a whole training.")
    return grouped


records = experiments.load_records("learning-rates")
title = "Training error by learning rate"
by_rate = draw(records, "learning_rate", title, "highest learning rate")

# %%
best = {name: min(rates.values(), key=mean) for name, rates in by_rate.items()}
cards.compare(
    "each at its best of four rates, plain 56 has a higher training error",
    {"plain 56": best["plain 56"]}, {"plain 20": best["plain 20"]},
)  # fmt: skip
gap = inspection.paired_difference(best["plain 56"], best["plain 20"])
close("a bad learning rate", "best of four, 56 against 20", gap, gap.is_above())
for name in ("plain 20", "plain 56"):
    rates = by_rate[name]
    found = min(rates, key=lambda rate: mean(rates[rate]))
    edge = found in (min(rates), max(rates))
    where = "(at the edge of what was tried)" if edge else ""
    print(f"{name}: best at {found:g}", where)

# %% [markdown]
# A best rate at the edge may have a better one beyond it: the verdict holds for four.
#
# ## Are there too few steps?
#
# Perhaps the deep network only needs longer. To see it arrive, we need a set on which the
# end is known. Here is one: 500 generated images, each of them *twice*, and half of the
# second copies have a label drawn at random. Where two copies differ in their label, every
# network is wrong about at least one of them. So the lowest possible error is known, it is
# not 0, and whoever has reached it has stopped improving. Each dot is a whole training.

# %%
records = experiments.load_records("long-training")
lowest, title = records[0]["lowest_error"], "Training error by length of training"
by_epochs = draw(records, "epochs", title, "epochs", lowest)
print(f"No network can have a lower error than {lowest:.3f}. Above that are:")
for name in ("plain 20", "plain 56"):
    for epochs, found in sorted(by_epochs[name].items()):
        above = inspection.paired_difference(found, [lowest] * len(found))
        print(f"   {name} after {epochs:>3} epochs: {above}")

# %%
CLOSE = 0.05  # the larger margin of lesson 02
first, last = min(by_epochs["plain 56"]), max(by_epochs["plain 56"])
cards.compare(
    f"after {first} epochs plain 56 has a higher training error than plain 20",
    {"plain 56": by_epochs["plain 56"][first]},
    {"plain 20": by_epochs["plain 20"][first]},
)
above = inspection.paired_difference(by_epochs["plain 56"][last], [lowest] * 3)
cards.verdict(
    f"after {last} epochs plain 56 is within {CLOSE} of the lowest error",
    above.is_within(CLOSE), f"above it by {above}",
)  # fmt: skip
test = f"56, {last} epochs, above the lowest error"
close("too few steps", test, above, opposite[above.is_within(CLOSE)])

# %% [markdown]
# If the second verdict is *reproduced*, enough steps are enough. Look at the figure for the
# price: at which length is plain 20 there, and at which plain 56? He et al. suspect just
# this, that deep plain networks converge so slowly that the error looks stuck (§4.1). "Enough" can be
# out of reach: on ImageNet, they write in a footnote there, three times as many steps did not close the gap.

# %% [markdown]
# ## Does it lack capacity?
#
# Is there, among all settings of the weights of plain 56, one that is as good as the
# trained plain 20? The beginning of this page said so. It is not enough that "the first
# 20 layers could be the small network": in this family 19 layers of plain 56 come before
# its second stage, and in the small network 7 layers. But *in each stage* the first three blocks
# can be those of the small network, and six more can pass their input on.
#
# ### Exercise: `extend_with_identity`
#
# Write `extend_with_identity(stage, planes, count)`. `stage` is an `nn.Sequential` of
# trained plain blocks with `planes` channels. Return a longer `nn.Sequential`: the same
# blocks, then `count` new ones that compute the identity in eval mode. What comes out of
# a plain block is never negative, since its last step is a ReLU; so the ReLUs of the new
# blocks change nothing. What is left to do:
#
# - a 3×3 convolution that copies its input: `nn.init.dirac_(conv.weight)`;
# - a batch norm that changes nothing. In eval mode it computes
#   $(x - \text{mean}) / \sqrt{\text{var} + \varepsilon} \cdot \text{weight} +
#   \text{bias}$, and a fresh layer has stored the mean 0 and the variance 1. Which
#   `weight` makes that the identity? (ε is `norm.eps`.)
#
# Example: a stage of 3 blocks, `planes=16` and `count=6` give a stage of 9 blocks that
# returns the same numbers.
#
# Stuck? `checks.hint("extend_with_identity")`


# %%
def extend_with_identity(stage: nn.Sequential, planes: int, count: int):
    """The blocks of `stage`, then `count` that pass numbers ≥ 0 on (eval mode)."""
    new_blocks = [PlainBlock(planes, planes) for _ in range(count)]
    for block in new_blocks:
        ### BEGIN SOLUTION
        for layer in block.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.dirac_(layer.weight)
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.constant_(layer.weight, math.sqrt(1 + layer.eps))
        ### END SOLUTION
    return nn.Sequential(*stage, *new_blocks)


extend_with_identity = checks.extend_with_identity(extend_with_identity)

# %% [markdown]
# Now let the trained plain 20 grow: two, four, six more blocks in each stage. `■` is a
# block that was trained, `□` one that passes its input on.

# %%
grown = {20: errors[20]}
for count in (2, 4, 6):
    depth = 20 + 6 * count
    grown[depth] = []
    for seed in SEEDS:
        deep = copy.deepcopy(models[20, seed])
        for place, planes in ((3, 16), (4, 32), (5, 64)):
            stage = extend_with_identity(deep[place], planes, count)
            deep[place] = stage.to(device)
        layers = [m for m in deep.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
        assert len(layers) == depth
        grown[depth].append(error_on(clean, deep))
    print(f"plain {depth}:  {'  '.join(['■' * 3 + '□' * count] * 3)}")

# %%
ways, title = {"plain, trained": errors, "plain 20, grown": grown}, "Two ways to depth"
axes = plotting.seeds(
    ways, title, "layers", "training error", y_limits=(0, 1), chance=CHANCE
)  # fmt: skip
axes.set_xticks((8, 20, 32, 44, 56))
plotting.show(axes, f"{how}, {len(SEEDS)} seeds.")
changes = [abs(a - b) for a, b in zip(grown[56], errors[20], strict=True)]
assert max(changes) <= 0.005  # the same function, up to rounding
gap = inspection.paired_difference(errors[56], grown[56])
close("too little capacity", "trained 56 against grown 56", gap, gap.is_above())

# %% [markdown]
# The grown network is no better than plain 20: it *is* plain 20, made 36 layers longer.
# But it is a setting of the weights of a plain network of 56 layers. If training ends at
# a higher error, something better exists, but training does not *find* it. That makes it
# a problem of **optimisation**, not of capacity. (He et al. argue so, §1.)
#
# The number in its row is that of the first suspect; what is new is that such a setting exists. Does it
# depend on the start whether a training finds one?

# %% [markdown]
# ## Is it a bad start?
#
# In the grown network 36 layers pass their input on. What if plain 56 starts like
# that, untrained, and then trains like all the others? Each convolution that keeps
# the number of channels starts by copying its input, instead of with random weights. The
# first one, and the two that double the channels, keep their usual start.


# %%
def start_as_identity(model):
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d) and layer.in_channels == layer.out_channels:
            nn.init.dirac_(layer.weight)
    return model


torch.manual_seed(0)
model = start_as_identity(make_plain(56))
model = train(model, 0, "plain 56, identity start")
print(f"plain 56, seed 0: training error {errors[56][0]:.3f}", end=", ")
print(f"started as the identity {error_on(clean, model):.3f}")
at_usual, at_identity = [], []  # gradient / weight of the first layer, powers of ten
for seed in SEEDS:
    torch.manual_seed(seed)
    fresh = make_plain(56)
    at_usual.append(math.log10(gradient_norms(fresh, *batch)[0]))
    start_as_identity(fresh)
    at_identity.append(math.log10(gradient_norms(fresh, *batch)[0]))
gap = inspection.paired_difference(at_usual, at_identity)
test = "powers of ten, first layer, usual against identity"
close("exploding gradients", test, gap, opposite[gap.is_above()])

# %% [markdown]
# The blocks start *near* the identity: in training mode, batch norm shifts each channel to
# the mean 0, and the ReLU cuts what falls below. The last printed line leaves a doubt open: if the gradients
# are smaller, too, this start does not say whether their size was at fault or what the layers compute. Now
# with five seeds, from the record:

# %%
usual_56 = recorded_starts["plain 56", "usual", 0]
identity_20 = recorded_starts["plain 20", "identity", 0]
identity_56 = recorded_starts["plain 56", "identity", 0]
tried = {
    "plain 20": shallow,
    "plain 56": usual_56,
    "plain 56, clipped": clipped,
    "plain 20, identity start": identity_20,
    "plain 56, identity start": identity_56,
}
axes = plotting.dots(tried, "Training error of plain networks", "training error")
plotting.show(axes, f"{experiments.conditions(starts_record)}.")
cards.compare(
    "plain 56 has a higher training error from the usual start than from the identity",
    {"usual start": usual_56}, {"identity start": identity_56},
)  # fmt: skip
gap = inspection.paired_difference(usual_56, identity_56)
close("a bad start", "usual against identity", gap, opposite[gap.is_above()])
cards.compare(
    "from the identity, too, plain 56 has a higher training error than plain 20",
    {"plain 56": identity_56}, {"plain 20": identity_20},
)  # fmt: skip

# %% [markdown]
# If the first verdict is *reproduced*, the same network, with the same recipe and images, does
# better if it begins near "do nothing". The second asks whether depth still hurts where both networks
# begin so: compare its difference with the gap between the first two rows of the figure.

# %% [markdown]
# ## What goes with depth?
#
# What is it about the usual start that hurts more, the deeper a plain network is? A
# gradient has a length and a *direction*. So take an image, and add so little noise that
# nobody would see it. Does the loss pull in the same direction at both images?
#
# ### Exercise: `gradient_similarity`
#
# Write `gradient_similarity(model, images, noisy, targets)`. `images` and `noisy` have
# the shape (N, C, H, W); `noisy` holds the same images with a little noise. Take the
# gradient of the cross-entropy *with respect to the input*, once at `images` and once at
# `noisy`. It says for each pixel how the loss would change with it. Then compare image by
# image: the **cosine** of two vectors is their scalar product divided by both of their
# lengths, 1 for the same direction, 0 for a right angle, −1 for opposite directions.
# Return the mean of the N cosines, as a float.
#
# Example: for N = 2, let the gradients at the images be (3, 4) and (10, 0), and at the
# noisy ones (4, 3) and (6, 8). The cosines are 24 / 25 = 0.96 and 60 / 100 = 0.6, so the
# result is 0.78. Leave the network's mode and the caller's tensors as they are.
#
# Stuck? `checks.hint("gradient_similarity")`


# %%
def gradient_similarity(model, images, noisy, targets):
    """Mean cosine of the loss gradients at each image and at its noisy twin."""
    ### BEGIN SOLUTION
    gradients = []
    for x in (images, noisy):
        x = x.clone().requires_grad_()  # a copy that collects a gradient
        loss = F.cross_entropy(model(x), targets)
        (gradient,) = torch.autograd.grad(loss, x)
        gradients.append(gradient.flatten(1))  # (N, C * H * W)
    return F.cosine_similarity(gradients[0], gradients[1], dim=1).mean().item()
    ### END SOLUTION


gradient_similarity = checks.gradient_similarity(gradient_similarity)

# %% [markdown]
# Fresh networks, before any step; 64 images; noise with a standard deviation of 0.01,
# where the pixels themselves have 1.

# %%
x, y = batch[0][:64], batch[1][:64]
noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
noisy = x + 0.01 * noise.to(x.device)
usual, identity = {}, {}
for depth in (8, 20, 32, 44, 56):
    usual[depth], identity[depth] = [], []
    for seed in SEEDS:
        torch.manual_seed(seed)
        fresh = make_plain(depth)
        usual[depth].append(gradient_similarity(fresh, x, noisy, y))
        start_as_identity(fresh)
        identity[depth].append(gradient_similarity(fresh, x, noisy, y))

both = {"plain, usual start": usual, "plain, identity start": identity}
title = "Do the gradients of an image and its noisy twin agree?"
axes = plotting.seeds(both, title, "layers", "mean cosine", y_limits=(-0.1, 1))
plotting.show(axes, "Fresh plain networks, 64 training images, float32, 3 seeds.")

# %%
cards.compare(
    "at the start, gradients of nearly equal images agree more in plain 20 than in 56",
    {"plain 20": usual[20]}, {"plain 56": usual[56]},
)  # fmt: skip
gap = inspection.paired_difference(usual[20], usual[56])
close("gradients that disagree", "cosine, 20 against 56", gap, opposite[gap.is_above()])

# %% [markdown]
# A cosine near 0 says: at two nearly equal images, the loss pulls in unrelated directions. That suggests,
# but does not prove, that a step for one image helps its neighbour little: we measured at the input, and
# training moves weights. Balduzzi et al. 2017 ([arXiv 1702.08591](https://arxiv.org/abs/1702.08591)) call
# such gradients *shattered*. With depth, they show, those of plain networks come to look like white noise,
# and with shortcuts, the topic of lesson 05, far more slowly.
#
# This test mends nothing; it measures what *goes with* depth. Compare the two dots at 56 layers
# with the errors of plain 56 from the two starts. If both tell the same story,
# that is a hint, but not a proof. Lesson 06 comes back to it.

# %% [markdown]
# ## The hunt at a glance

# %%
for suspect, test, number, ended in hunt:
    print(f"{suspect}: {ended}")
    print(f"      {test}: {number}")

# %% [markdown]
# An acquittal holds for these images, this recipe and the lengths that were run, *cannot tell* leaves a
# suspect open, and several reasons can act together. If steps, exploding gradients and the last two are suspected,
# the list tells one story. The deep network *can* be as good as the small one, and where the end is known, a
# training gets there. But it is slow. It starts where gradients explode and not even an image and its noisy
# twin share their direction, and from another start it is quicker. That this is the *reason*, and all of
# it, the page does not show.
#
# ## The turn
#
# How hard is it for a plain block to do nothing? It must copy every channel through two
# convolutions, where each output channel has one 1, in the middle of the kernel of its
# own input channel, and zeros everywhere else. Some other settings do it too, where
# channels change places on the way.
#
# You have put the network there by hand. He et al. had a simpler idea: give the network an
# easy way to do nothing. Let the block compute $F(x) + x$ instead of
# $F(x)$. Now doing nothing means $F(x) = 0$, and the last batch norm of the block can do
# that alone, with a weight and a bias of 0. The line that carries x to the plus sign is called a **shortcut**, and
# the block a **residual block**.

# %%
shape = {"in_planes": 16, "planes": 16}
specs = [{"kind": kind, **shape} for kind in ("plain", "basic")]
figure = plotting.block_diagrams(specs)
plotting.show(figure, "One line more. Lesson 05 trains 56 layers of it.")

# %% [markdown]
# ## What we measured

# %%
words = ", ".join(f"plain {depth} {mean(errors[depth]):.3f}" for depth in errors)
print(f"On this page, {len(images):,} images, 3 seeds:")
print(f"1. Training error: {words}, blind guessing {CHANCE:.3g}.")
print(f"2. Plain 20, grown to 56 layers: {mean(grown[56]):.3f}.")
print(f"3. Cosine of the gradients at near images: plain 20 {mean(usual[20]):.3f},")
print(f"   plain 56 {mean(usual[56]):.3f}.")
print(f"Recorded: {experiments.conditions(starts_record)}:")
print(f"4. Training error of plain 56: {mean(usual_56):.3f}, with clipping")
print(f"   {mean(clipped):.3f}, started as the identity {mean(identity_56):.3f};")
print(f"   plain 20: {mean(shallow):.3f},", end=" ")
print(f"started as the identity {mean(identity_20):.3f}.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. A friend says: "Of course 56 layers are worse, they overfit." Which
# one number do you ask for, and what would it have to be if your friend were
# right?</summary>
#
# The training error. It would have to be at least as low as that of the smaller network.
# The test error cannot decide, because it is high both for a network that overfits and
# for one that learns nothing.
# </details>
#
# <details><summary>2. Somebody multiplies the loss by 1,000. What happens to the numbers
# of <code>gradient_norms</code>, to those of <code>gradient_similarity</code>, and to the
# steps of Adam?</summary>
#
# The gradient norms become 1,000 times as large. The cosines stay, because they look at
# directions alone. Adam's steps stay too (but for its tiny ε). So a large gradient norm
# alone does not say that a training with Adam must fail.
# </details>
#
# <details><summary>3. Does the grown network prove that plain 56 <em>can be trained</em>
# to the error of plain 20?</summary>
#
# No. It proves that a setting with this error exists. Whether a training finds one as
# good is the other half of the question, which the start as the identity tests.
# </details>
#
# <details><summary>4. Why must the weight of batch norm be √(1 + ε) in the identity
# block, and why is the block the identity in eval mode only?</summary>
#
# In eval mode batch norm divides by √(var + ε) with the stored variance 1, and the weight
# takes that back. In training mode it uses the mean and the variance of the batch: it
# would normalise what comes in, and no longer pass it on.
# </details>
#
# <details><summary>5. In a new experiment the deep network has the higher training error,
# and at its start the cosine of the gradients at near images is 0.95. What do you think
# of the explanation "shattered gradients"?</summary>
#
# It does not fit: the gradients of near images agree there. Look for another reason, for
# example one that is acquitted *here*: an acquittal holds for the networks, images and
# recipe with which it was measured.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385): §1 for
#   the degradation problem and the argument by construction, §4.1 for the plain networks
#   on ImageNet.
# - Balduzzi et al. 2017, [arXiv 1702.08591](https://arxiv.org/abs/1702.08591): the
#   shattered gradients; §2 measures them.
# - Yang et al. 2019, [arXiv 1902.08129](https://arxiv.org/abs/1902.08129): why gradients
#   grow at the start of a deep network with batch norm.
# - Hardt & Ma 2016, [arXiv 1611.04231](https://arxiv.org/abs/1611.04231): layers that
#   start as the identity.
#
# Next: [lesson 05](05_residual_block.ipynb), where you write the residual block and train 56 layers with it.
