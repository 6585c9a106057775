# %% [markdown]
# # 10 · Inside a trained ResNet
#
# *Take a block out of a trained network, and see who notices.*

# %% [markdown]
# In 2016 Andreas Veit, Michael Wilber and Serge Belongie took a trained network with more than a hundred layers, and
# removed a block. They did not train it again. They closed the gap, showed it the test images, and counted ([arXiv
# 1605.06431](https://arxiv.org/abs/1605.06431), §4).
#
# Try to guess what should happen. Every layer of a network is trained to read what the layer before it writes. Take
# one away, and the next one gets numbers that it has never seen. In this lesson you do what they did, then you take
# out several blocks, you swap blocks, and you look for the reason. At the end you draw the famous picture of the
# loss "around" a network, and find out how much of it you may believe.
#
# **After this lesson you can**
#
# - take a block out of a trained network and measure what is lost,
# - say what a block leaves behind when it is gone, in a residual and in a plain network,
# - compare each channel before and after a block, and read what the answer means,
# - split a gradient by the length of the paths on which it came,
# - draw the loss around a network so that two networks can be compared, and say what such a picture cannot show.
#
# **You need:** lessons 05 to 07, and `evaluate` of lesson 02.
#
# **Time:** 33 minutes to read and write; the code runs in about a minute on two CPU cores.

# %%
import copy
import math
from statistics import mean

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, experiments, explorers, models
from resnet_course import plotting, runtime
from resnet_course.notebook import cards

BasicBlock = models.BasicBlock
make_shortcut = models.make_shortcut
evaluate = checks.yours("evaluate")
loss_fn = nn.CrossEntropyLoss()
plotting.use_style()
profile = runtime.profile()
precision = runtime.precision()

# %% [markdown]
# ## A bet
#
# A residual network of 56 layers has 27 blocks, so there are 27 ways to take one out. A plain network of 20 layers has
# 9 blocks. Each was trained with three seeds. What share of new images do the damaged networks still get right, as the
# mean over all blocks and seeds? Blind guessing among ten classes gives 0.1.

# %%
my_guess = {"residual 56": None, "plain 20": None}  # for example 0.5

# %% [markdown]
# ## Which networks can be compared?
#
# The fair opponent of residual 56 would be plain 56, trained in the same way. There is a problem, and you know it from
# lesson 04. The next cell prints it from the record there, on images that come twice: this is what plain 56 has learned
# after 20 epochs.

# %%
for record in experiments.load_records("long-training"):
    run = record["configuration"]
    if run["network"] == "plain 56" and run["epochs"] == 20:
        wrong = record["train_error"]
        print(f"plain 56, seed {run['seed']}: wrong on {wrong:.0%}", end=" ")
        print(f"of the training images, loss {record['train_loss']:.2f}")
print(f"the loss of blind guessing among ten classes is {math.log(10):.2f}")

# %% [markdown]
# Whoever guesses has nothing to lose. If you take a block out of *this* network and the error stays, that says nothing
# about its blocks. So we need plain networks that have learned something, and there are two ways to get one:
#
# - **plain 56, identity start**: lesson 04 showed that a plain 56 does train if each convolution that keeps the shape
#   starts as the identity. It has the depth of residual 56, as many blocks and as many weights, and no shortcut.
# - **plain 20**: the usual start and fewer layers.
#
# A second trap: a network that has been trained further may bear more, whatever it is made of. So we do not compare
# after the same number of epochs. Of each training we take the network as it was when the loss on all training images
# had just come down to 0.05; every fourth step was looked at. The plan `inside` made nine such trainings on the
# generated images, three seeds for each network, and measured all that this lesson needs.
# `python -m resnet_course reproduce inside` makes them again; it takes half an hour and more.

# %%
recorded = {}
for record in experiments.load_records("inside"):
    run = record["configuration"]
    identity = ", identity start" if run["start"] == "identity" else ""
    recorded.setdefault(run["network"] + identity, []).append(record)

seeds, number_format = len(recorded["residual 56"]), record["precision"].split(",")[0]
how = f"{run['images']:,} generated images, {seeds} seeds, {number_format}"
print(f"{'':<26}training loss         training error   error on new images")
for name, group in recorded.items():
    row = f"{name:<26}"
    for key, digits in (("train_loss", 3), ("train_error", 3), ("test_error", 2)):
        row += " ".join(f"{record[key]:.{digits}f}" for record in group).ljust(22)
    print(row)

# %% [markdown]
# Read the first column before you go on, because it says how equal "equal" is: in four steps a loss can fall well below
# the mark. The last column shows that about the same loss on the training images does not mean the same error on new
# ones.
#
# Two of these networks come with the course, those of seed 0 without the identity start, so that you can open them
# here. With other images or in another profile, `trained` trains them on this page instead, by the same recipe but
# to the last epoch.

# %%
budget = profile.pick(
    quick=runtime.Budget(images=2_000, image_size=16, epochs=16),
    full=runtime.Budget(images=50_000, image_size=32, epochs=20, batch_size=128),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
new_images = data.load(profile.dataset, "test", budget.image_size, budget.images // 4)
batches = data.Batches(images, budget.batch_size, True, device=profile.device)
scale = {"mean": batches.mean, "std": batches.std}
unseen = data.Batches(new_images, 250, device=profile.device, **scale)
new = [next(iter(unseen))]  # one batch of new images, at most 250
few = next(iter(data.Batches(images, 128, True, device=profile.device)))
print(f"{images.name}: {len(images):,} training images, {len(new[0][1])} new ones")


# %%
def trained(name):
    """The network "residual 56" or "plain 20": from a file, or trained here."""
    if profile.dataset == "shapes" and profile.name == "quick":
        return experiments.load_weights(name).to(profile.device)
    torch.manual_seed(0)
    kind, depth = name.split()
    model = models.cifar_resnet(int(depth), len(images.classes), kind == "residual")
    model.to(profile.device, memory_format=precision.memory_format).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    steps = budget.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    for _ in range(budget.epochs):
        for x, targets in batches:
            with precision.context(x.device):
                logits = model(x.to(memory_format=precision.memory_format))
                loss = loss_fn(logits, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


networks = {name: trained(name) for name in ("residual 56", "plain 20")}
for name, model in networks.items():
    print(f"{name}: {evaluate(model, new, loss_fn)[1]:.3f} of the new images right")

# %% [markdown]
# ## What is left when a block is gone?
#
# Biologists call it a **lesion** when a part is damaged in order to find out what it was for. Here it means: the $F(x)$
# of one block is gone, and everything else stays. A residual block computes $\text{ReLU}(F(x) + \text{shortcut}(x))$.
# Without $F(x)$ this leaves $\text{ReLU}(\text{shortcut}(x))$. Where the block keeps the shape, the shortcut is the
# identity and no number of x is negative: x goes on unchanged.
#
# A plain block has no shortcut. Where it keeps the shape, x takes its place. The first blocks of the second and third
# stage halve the image and double the channels, and x would not fit. The nearest thing to "unchanged" is option A of
# lesson 07: every second pixel, zeros for the new channels. Our residual networks have exactly that as their shortcut,
# so both kinds are treated alike:
#
# | block | in its place |
# |---|---|
# | residual, any shape | its own shortcut, then a ReLU |
# | plain, keeps the shape | x |
# | plain, changes the shape | option A |
#
# `make_shortcut(in_planes, out_planes, stride, "A")` gives the last two: an empty `nn.Sequential`, which returns x,
# where the shape stays, and the padding where it changes.
#
# ### Exercise: `lesion`
#
# Write `lesion(model, index)`. It returns a *copy* of the network without block number `index`, counted from 0
# through all stages. `model` itself must stay as it is: the next lesion starts from it. `model.stages` is the list of
# stages, each an `nn.Sequential` of blocks; a block of a plain network is not a `BasicBlock`, and it has `conv1` with
# `in_channels`, `out_channels` and `stride`, which is a pair such as `(2, 2)`.
#
# `lesion(residual_56, 9)` is a network whose `layer2[0]` is replaced; `lesion(residual_56, 27)` does not exist, since
# the 27 blocks have the numbers 0 to 26, and should be an error.
#
# Stuck? `checks.hint("lesion")`


# %%
def lesion(model, index):
    """A copy of the network in which block `index` passes its input on."""
    ### BEGIN SOLUTION
    damaged = copy.deepcopy(model)
    places = [(stage, place) for stage in damaged.stages for place in range(len(stage))]
    stage, place = places[index]
    block = stage[place]
    if isinstance(block, BasicBlock):
        stage[place] = nn.Sequential(block.shortcut, nn.ReLU())
    else:
        conv = block.conv1
        planes = conv.in_channels, conv.out_channels
        stage[place] = make_shortcut(*planes, conv.stride[0], "A")
    return damaged
    ### END SOLUTION


lesion = checks.lesion(lesion)

# %% [markdown]
# ## One block
#
# Now each of the two networks loses each of its blocks once.

# %%
for name, model in networks.items():
    whole = evaluate(model, new, loss_fn)[1]
    blocks = range(sum(len(stage) for stage in model.stages))
    right = [evaluate(lesion(model, index), new, loss_fn)[1] for index in blocks]
    print(f"{name}: whole {whole:.2f}, without block 0, 1, 2 and so on")
    for start in range(0, len(right), 9):
        print("   " + " ".join(f"{value:.2f}" for value in right[start : start + 9]))

# %% [markdown]
# That was one training of each network, and it may be a lucky one. Here are all nine of the record, on one axis. The
# networks have different numbers of blocks, so the axis is the place in the network.


# %%
def over_seeds(rows):
    """The means of several rows, and the lowest and highest number at each place."""
    columns = list(zip(*rows, strict=True))
    return list(map(mean, columns)), (list(map(min, columns)), list(map(max, columns)))


inside = {name: [r["inside"] for r in group] for name, group in recorded.items()}
lines, bands = {}, {}
for name, seeds in inside.items():
    lines[name], bands[name] = over_seeds([seed["one"] for seed in seeds])
axes = plotting.profile(
    lines, "Error with one block missing", "place of the missing block",
    "error on new images", log_y=False, bands=bands, y_limits=(0, 1),
)  # fmt: skip
axes.set_xticklabels(["first block", "middle", "last block"])
plotting.show(axes, f"{how}. Lines: means. Bands: lowest to highest.")
measured = {name: 1 - mean(lines[name]) for name in my_guess}
cards.compare_guess(my_guess, measured, lesson="10")

# %% [markdown]
# How much is lost? The whole networks differ, and blind guessing is right now and then, too. So we count what a lesion
# takes of the accuracy *above guessing*: 0 means that nothing happened, 1 that the damaged network is no better than
# blind. We say that a block *costs little* if less than a quarter is lost.


# %%
def share_lost(seed):
    """For each missing block."""
    above = 1 - seed["whole"] - seed["guessing"]
    return [(error - seed["whole"]) / above for error in seed["one"]]


lost = {name: list(map(share_lost, seeds)) for name, seeds in inside.items()}
changing = {27: (9, 18), 9: (3, 6)}  # blocks that change the shape
for name, seeds in lost.items():
    there = changing[len(seeds[0])]
    keep = [mean(s for k, s in enumerate(seed) if k not in there) for seed in seeds]
    change = [mean(seed[k] for k in there) for seed in seeds]
    print(f"{name}, lost in the mean, one number a seed:")
    print("   blocks that keep the shape", *(f"{share:.0%}" for share in keep))
    print("   blocks that change it     ", *(f"{share:.0%}" for share in change))

# %% [markdown]
# The sentence that you will hear is this: *take a block out of a residual network and little happens; take one out of
# a network without shortcuts and it is destroyed.* Here it is as three claims, each tested with all seeds.

# %%
means = {name: [mean(seed) for seed in seeds] for name, seeds in lost.items()}
cheap = [sum(share < 1 / 4 for share in seed) for seed in lost["residual 56"]]
cards.verdict(
    "with every seed, more than half of the blocks of residual 56 cost little",
    min(cheap) > 27 / 2,
    ", ".join(f"{number} of 27" for number in cheap),
)
for name in ("plain 20", "plain 56, identity start"):
    cards.compare(
        f"in the mean, a missing block costs {name} more than residual 56",
        {name: means[name]}, {"residual 56": means["residual 56"]},
    )  # fmt: skip

# %% [markdown]
# Compare the last two boxes. Both are about networks without shortcuts. If one says *reproduced* and the other does
# not, then the sentence is too short: it cannot be the missing shortcut alone that makes a network fragile. The two
# plain networks differ in their depth and in where their training *started*. Keep that in mind; the next sections
# look for what it changes.
#
# Then look at the peaks of the lines, and at the printed means. A plain block that changes the shape leaves option A
# behind, which its neighbours have never met in training. A residual block leaves the very shortcut that it was trained
# with. And look at the *first* blocks before you say "no block matters".
#
# ## Several blocks, and blocks in another order
#
# Veit et al. went on. They removed several blocks at once, drawn by lot, and they let blocks change places (§4). The
# record holds the same: ten draws for each number of missing blocks, and ten for each number of swaps. A swap
# exchanges two blocks of one stage that keep the shape. All three networks share one axis again.

# %%
lines, bands, missing = {}, {}, {}
for name, seeds in inside.items():
    rows = [[s["whole"], mean(s["one"])] for s in seeds]
    for row, seed in zip(rows, seeds, strict=True):
        row += [mean(each["errors"]) for each in seed["several"]]
    missing[name] = [0, 1] + [each["blocks"] for each in seeds[0]["several"]]
    lines[name], bands[name] = over_seeds(rows)
axes = plotting.lines(
    lines, "Error with several blocks missing", "number of missing blocks",
    "error on new images", x=missing, bands=bands, y_limits=(0, 1),
)  # fmt: skip
axes.set_xticks(missing["residual 56"])
plotting.show(axes, f"{how}. Means of 10 draws. Bands: lowest to highest.")

# %%
lines, bands = {}, {}
for name, seeds in inside.items():
    rows = [[seed["whole"]] for seed in seeds]
    for row, seed in zip(rows, seeds, strict=True):
        row += [mean(each["errors"]) for each in seed["swapped"]]
    lines[name], bands[name] = over_seeds(rows)
swaps = [0] + [each["pairs"] for each in inside["plain 20"][0]["swapped"]]
axes = plotting.lines(
    lines, "Error with blocks swapped", "number of swaps, one after the other",
    "error on new images", x=swaps, bands=bands, y_limits=(0, 1),
)  # fmt: skip
plotting.show(axes, f"{how}. Means of 10 draws. Bands: lowest to highest.")

# %% [markdown]
# The figures show means; the boxes compare, seed by seed, the two networks of 56 layers: same depth, same number of
# weights, about the same training loss, the same blocks drawn.


# %%
def mean_error(name, kind, number):
    """One number a seed: the mean over the draws with 4 missing blocks, or 1 swap."""
    key = "blocks" if kind == "several" else "pairs"
    draws = [each for seed in inside[name] for each in seed[kind]]
    return [mean(each["errors"]) for each in draws if each[key] == number]


pair = ("plain 56, identity start", "residual 56")
for claim, kind, number in [
    ("with 4 blocks missing the plain 56 has the higher error", "several", 4),
    ("with 1 pair of blocks swapped the plain 56 has the higher error", "swapped", 1),
]:
    plain, residual = ({name: mean_error(name, kind, number)} for name in pair)
    cards.compare(claim, plain, residual)

# %% [markdown]
# Two things to know when you read the figures. A draw of several blocks may contain one that changes the shape, and
# that one can decide everything; so the mean of ten draws hides two kinds of draws. And a second swap can undo the
# first: plain 20 has only five pairs that can be swapped, so a line that *falls* from one to two swaps is no wonder.
#
# Veit et al. report that the error of their network grew smoothly with the number of missing blocks, and of blocks in
# another order. Does it here? And is it the network with the shortcuts that bears a swap best? If not, we need a
# better explanation than "shortcuts", and it should explain all three networks at once.
#
# ## What does a block change? Channel by channel
#
# When a block is missing, the next one gets the *input* of the missing block instead of its output. How different are
# these two? Take channel 3 before a block and channel 5 after it: two lists of numbers, one for each pixel of each
# image. Their **correlation** is 1 if one goes up wherever the other does, and 0 if they have nothing to do with each
# other. The next cell computes it for all pairs of channels.


# %%
@torch.no_grad()
def around_blocks(model, x):
    """Input and output of every block."""
    out, pairs = F.relu(model.bn1(model.conv1(x))), []
    for stage in model.stages:
        for block in stage:
            before, out = out, block(out)
            pairs.append((before, out))
    return pairs


def channel_correlations(before, after):
    """(N, C, H, W) twice -> (C, C): row i, column j is channel i before, j after."""
    rows = [part.transpose(0, 1).flatten(1) for part in (before, after)]
    first, second = (F.normalize(row - row.mean(1, keepdim=True)) for row in rows)
    return first @ second.T


# %% [markdown]
# First a look at one block in the middle of the first stage, where there are 16 channels.

# %%
matrices = {}
for name, index in (("residual 56", 4), ("plain 20", 1)):
    before, after = around_blocks(networks[name], few[0])[index]
    matrices[f"{name}, block {index}"] = channel_correlations(before, after).cpu()
figure = plotting.correlations(
    matrices,
    "Each channel before a block and each after it",
    "channel after",
    "channel before",
)
plotting.show(figure, f"{len(few[0])} training images, all pixels; one seed.")

# %% [markdown]
# On the diagonal each channel meets itself. If the diagonal stands out, channel 5 still means after the block what it
# meant before; if it does not, the block has given the numbers of its channels new meanings. Now the mean of the
# diagonal for every block that keeps the shape, in all nine networks.

# %%
lines, bands, own = {}, {}, {}
for name, seeds in inside.items():
    rows = [[mean(block) for block in seed["channels"]] for seed in seeds]
    lines[name], bands[name] = over_seeds(rows)
    own[name] = list(map(mean, rows))
axes = plotting.profile(
    lines, "A channel before and after a block", "place of the block",
    "correlation, mean over channels", log_y=False, bands=bands, y_limits=(-0.1, 1),
)  # fmt: skip
axes.set_xticklabels(["first block", "middle", "last block"])
plotting.show(axes, f"{how}. Lines: means. Bands: lowest to highest.")
for name in ("plain 56, identity start", "plain 20"):
    cards.compare(
        f"a channel stays more like itself in residual 56 than in {name}",
        {"residual 56": own["residual 56"]}, {name: own[name]},
    )  # fmt: skip
print("over the blocks: how a block's correlation and its cost go together, by seed")
for name, seeds in inside.items():
    found = []
    for seed, costs in zip(seeds, lost[name], strict=True):
        kept = [c for k, c in enumerate(costs) if k not in changing[len(costs)]]
        both = torch.tensor([[mean(block) for block in seed["channels"]], kept])
        found.append(torch.corrcoef(both)[0, 1].item())
    print(f"   {name:<26}", *(f"{value:+.2f}" for value in found))

# %% [markdown]
# Now put three orders side by side: who bears a missing block of unchanged shape, who bears a swap, and whose channels
# stay like themselves. If they agree, you have a candidate for an explanation that needs no shortcut: *where channel 5
# means the same before and after a block, the next block can read its input as well as its output.* Then a block can be
# missing, and blocks can change places. The printed lines put it to a harder test, inside each network: does a block
# whose channels change more cost more when it is missing? Near −1 says yes, near 0 says that this is not what decides.
#
# A plain network with the usual start has no reason to keep the channels in place: every block may number its features
# in a way of its own, and only the next one is trained to read them. In a residual network the shortcut carries each
# channel to the same channel, in every step of the training. A start as the identity does the same at the beginning,
# and nothing forces it to stay so afterwards. This is what lesson 04 ended with: a shortcut is a cheap way to start
# near the identity, and to stay there.
#
# ## Which paths carry the gradient?
#
# Lesson 06 counted paths: each path goes, at every one of the 27 blocks, either through $F$ or around it. There are
# $\binom{27}{k}$ of length k, and the most frequent lengths are 13 and 14. But does the training *use* them in
# proportion to their number? Veit et al. measured the gradient on single paths, drawn by lot. There is a way to get
# all of them exactly, and it takes one line of thought.
#
# On its way back the gradient splits at every block. One part goes through $F$, and its path is longer by one; the
# other part goes around, and its length stays. So carry 28 gradients back side by side, one for each length, and at
# every block add what came around to what came through from the length below. In the end the 28 parts sum up to the
# whole gradient. The assertion below checks that.


# %%
def pull_back(output, at, gradient):
    return torch.autograd.grad(output, at, gradient, retain_graph=True)[0]


def gradient_by_length(model, x, targets):
    """Before the first block; entry k: all paths through k of the F."""
    blocks = [block for stage in model.stages for block in stage]
    inputs = [before for before, _ in around_blocks(model, x)]
    end = blocks[-1](inputs[-1]).detach().requires_grad_()
    logits = model.linear(F.adaptive_avg_pool2d(end, 1).flatten(1))
    parts = list(torch.autograd.grad(loss_fn(logits, targets), end))
    for block, start in zip(reversed(blocks), reversed(inputs), strict=True):
        start.requires_grad_()
        through, around = block.transform(start), block.shortcut(start) * 1
        is_open = through + around > 0  # what the last ReLU lets pass
        stay = [pull_back(around, start, part * is_open) for part in parts]
        longer = [pull_back(through, start, part * is_open) for part in parts]
        nothing = [torch.zeros_like(start)]
        parts = [a + b for a, b in zip(stay + nothing, nothing + longer, strict=True)]
    return torch.stack(parts)


# %%
x, targets = few[0][:64], few[1][:64]
parts = gradient_by_length(networks["residual 56"], x, targets)
whole = parts.sum(0)  # (N, 16, H, W)
start = around_blocks(networks["residual 56"], x)[0][0].requires_grad_()
out = start
for stage in networks["residual 56"].stages:
    out = stage(out)
logits = networks["residual 56"].linear(F.adaptive_avg_pool2d(out, 1).flatten(1))
(usual,) = torch.autograd.grad(loss_fn(logits, targets), start)
assert torch.allclose(whole, usual, rtol=1e-2, atol=1e-2 * usual.abs().max().item())
share = (parts * whole).flatten(1).sum(1) / whole.square().sum()
longest = share.argmax().item()
print(f"the shares of 28 lengths add up to {share.sum():.3f};")
print(f"the largest, {share.max():.2f}, comes on paths through {longest} F")

# %% [markdown]
# The **share** of a length is how far its part points along the whole gradient. The shares add up to 1; one of them can
# be negative, if that part points the other way. Beside it is the count, the share of all $2^{27}$ paths:

# %%
blocks = 27
count = [math.comb(blocks, k) / 2**blocks for k in range(blocks + 1)]
shares = [seed["paths"] for seed in inside["residual 56"]]
gradient, band = over_seeds(shares)
axes = plotting.lines(
    {"paths, counted": count, "gradient, measured": gradient},
    "Paths of residual 56 by length", "number of F on the path", "share",
    x=range(blocks + 1), bands={"gradient, measured": band},
)  # fmt: skip
plotting.show(axes, "Paths: counted. Gradient: mean and band of 3 seeds.")
lengths = [sum(k * value for k, value in enumerate(seed)) for seed in shares]
cards.verdict(
    "with every seed the mean path is shorter by gradient than by count",
    max(lengths) < blocks / 2,
    "mean length by gradient " + ", ".join(f"{v:.1f}" for v in lengths)
    + f"; by count {blocks / 2}",
)  # fmt: skip

# %% [markdown]
# Veit et al. found the same shift: in their network of 110 layers most of the gradient came on paths of 10 to 34 layers
# (abstract), while most of its paths are about half as deep as the network. (Their blocks had the order of 2016,
# without a ReLU after the sum; lesson 11 has it. In ours every path goes through a ReLU at each block.) It is a
# statement about these paths as a sum. A path has no life of its own: its blocks take part in millions of others, and
# what the ReLUs let through was decided by all of them together.
#
# ## The loss around a network
#
# "Shortcuts smooth the loss" is a sentence with a famous picture behind it (Li et al. 2018,
# [arXiv 1712.09913](https://arxiv.org/abs/1712.09913)). The picture is made like this: stand at the trained weights,
# choose two random directions, take steps along both, and draw the loss at every point of the grid.
#
# How long is a step? That decides what you see. Batch norm divides by the size of what a convolution gives, so you
# can multiply all its weights by 4 and the network computes the same. But a random step of the same length is now
# four times as small against the weights.
#
# Li et al. (§4) therefore scale the random direction **filter by filter**. A filter is the part of a weight that
# makes one output channel, `weight[j]`. Each filter of the direction gets the norm of the weight's filter:
#
# $$d_j \leftarrow \frac{\lVert w_j \rVert}{\lVert d_j \rVert} \, d_j$$
#
# ### Exercise: `filter_normalise`
#
# Write `filter_normalise(direction, weight)`. Both have the same shape: (filters, in_planes, 3, 3) for a convolution,
# (outputs, inputs) for a linear layer. Return the scaled direction as a new tensor. Two cases need care:
#
# - Tensors with one dimension are biases, and batch norm's scale and shift. They are no filters. We leave them as
#   they are in the network: their direction is zero.
# - A filter of zeros in the direction stays zero. It must not become nan.
#
# For `direction = [[3, 4], [0, 1]]` and `weight = [[10, 0], [0, 2]]` the result is `[[6, 8], [0, 2]]`.
#
# Stuck? `checks.hint("filter_normalise")`


# %%
def filter_normalise(direction, weight):
    """Each filter of the direction gets the norm of the weight's filter."""
    ### BEGIN SOLUTION
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    length = direction.flatten(1).norm(dim=1)  # (filters,)
    wanted = weight.flatten(1).norm(dim=1)  # (filters,)
    factor = wanted / length.clamp_min(1e-12)
    return direction * factor.view(-1, *[1] * (weight.dim() - 1))
    ### END SOLUTION


filter_normalise = checks.filter_normalise(filter_normalise)

# %% [markdown]
# Try your function on the trap. `blown_up` multiplies all weights of the convolutions by 4 and gives batch norm's
# stored numbers what belongs to them, so that the function stays the same. `losses_along` walks along one random
# direction, once with steps of a fixed length and once with yours.


# %%
def blown_up(model, factor):
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data *= factor
        elif isinstance(module, nn.BatchNorm2d):
            module.running_mean *= factor
            module.running_var *= factor**2
    return model


def fixed_length(direction, weight):
    return 0.1 * direction if weight.dim() > 1 else torch.zeros_like(direction)


def losses_along(model, normalise, steps, seed=0):
    """The loss on `few` at each step along a random direction; the model stays."""
    torch.manual_seed(seed)
    moved, losses = copy.deepcopy(model), []
    old = [weight.detach() for weight in model.parameters()]
    ways = [normalise(torch.randn(weight.shape).to(weight), weight) for weight in old]
    for step in steps:
        for parameter, weight, way in zip(moved.parameters(), old, ways, strict=True):
            parameter.data = weight + step * way
        losses.append(evaluate(moved, [few], loss_fn)[0])
    return losses


# %%
steps = [-0.5, -0.25, 0, 0.25, 0.5]
model = networks["plain 20"]
print(f"{'step':<28}" + "".join(f"{step:>8}" for step in steps))
for normalise in (fixed_length, filter_normalise):
    for name, which in (("plain 20", model), ("weights × 4", blown_up(model, 4))):
        values = losses_along(which, normalise, steps)
        row = f"{normalise.__name__:<17}{name:<11}"
        print(row + "".join(f"{value:>8.2f}" for value in values))

# %% [markdown]
# Four rows, one function. With the fixed length, the network with the large weights seems to lie in a much wider
# valley. After normalising, both rows are the same, up to rounding. Whenever somebody shows you that one network has a
# "flatter minimum" than another, ask how long the steps were.
#
# ## Two landscapes at equal loss
#
# Now the picture. The record holds the loss on 128 training images at 41 by 41 points around residual 56 and around
# plain 56 with the identity start, the same random numbers for both, each normalised against its own weights. Both come
# from about the same training loss, so the middles of the two maps lie about equally deep (the cell prints how deep),
# and neither network looks better because it was trained further. Both are in eval mode: batch norm uses the values
# that it stored, and these fit the middle of the map. At step 0.5, a direction has half the length of the weights,
# filter by filter.

# %%
surfaces = {name: inside[name][0]["landscape"]["losses"] for name in pair}
steps = inside["residual 56"][0]["landscape"]["steps"]
figure = plotting.landscapes(surfaces, steps, "Training loss around two networks")
caption = f"{len(steps)}×{len(steps)} points, one pair of directions, seed 0."
plotting.show(figure, caption)
middle = len(steps) // 2
for name, surface in surfaces.items():
    print(f"{name}: loss {surface[middle][middle]:.3f} in the middle")

# %% [markdown]
# The same two maps as hills. Where the page can run a script, you can turn them; elsewhere there is a picture.

# %%
title = "The same, with the loss as the height"
explorers.landscape_relief(surfaces, steps, title, caption)

# %% [markdown]
# What do they show? "Smooth" is no number. Here are two that can be counted, each on 21 by 21 points for every seed:
#
# - **How wide is the valley?** The share of the points at which the network is still better than blind guessing.
# - **How like a bowl is it?** A bowl bends upwards everywhere. So: the share of the points at which the loss lies above
#   the mean of its two neighbours in a row or a column, which means that it bends *downwards* there.


# %%
def coarse(landscape):
    """21 × 21 of the points."""
    every = (len(landscape["losses"]) - 1) // 20
    return torch.tensor(landscape["losses"])[::every, ::every]


def bends_down(surface):
    along_rows = surface[:, 2:] - 2 * surface[:, 1:-1] + surface[:, :-2]
    along_columns = surface[2:] - 2 * surface[1:-1] + surface[:-2]
    bent = torch.cat([along_rows.flatten(), along_columns.flatten()]) < 0
    return bent.float().mean().item()


blind = inside["residual 56"][0]["landscape"]["blind_loss"]
wide, bent = {}, {}
for name, seeds in inside.items():
    grids = [coarse(seed["landscape"]) for seed in seeds]
    wide[name] = [(grid < blind).float().mean().item() for grid in grids]
    bent[name] = [bends_down(grid) for grid in grids]
    print(f"{name:<26}wide", *(f"{value:.0%}" for value in wide[name]), end="   ")
    print("bent downwards", *(f"{value:.0%}" for value in bent[name]))
plain, residual = ({name: wide[name]} for name in pair)
cards.compare("the valley of residual 56 is the wider one", residual, plain)
plain, residual = ({name: bent[name]} for name in pair)
cards.compare("around plain 56 the loss bends down at more points", plain, residual)

# %% [markdown]
# "Like a bowl" and "wide" are different things, and a network can have one and not the other. If the two boxes
# disagree, nothing has gone wrong: the word "smooth" is not exact enough. And remember which plain network this is.
# The picture that made the sentence famous shows plain networks with the usual start (Li et al., §6); ours was chosen
# because it trains. Whatever our maps show, they compare *these* two, and not all networks with all networks without
# shortcuts.
#
# Keep four more limits in mind before you repeat such a sentence:
#
# - Away from the middle the stored values of batch norm fit no more, and the loss may rise for that reason alone.
# - It is a slice: two directions out of as many as there are weights. Other directions give other pictures.
# - The scale decides, as you have seen. So do the range of the steps and the colours.
# - It shows the place where the training *ended*, and not what it met on its way.
#
# ## What we measured

# %%
print("All from three seeds, each network taken at about the same training loss:")
for name in inside:
    was = mean(seed["whole"] for seed in inside[name])
    now = mean(mean_error(name, "swapped", 1))
    low = mean(wide[name])
    print(f"- {name}: one missing block costs {mean(means[name]):.0%} of what")
    print(f"  lies above guessing; a swap takes the error from {was:.2f} to {now:.2f};")
    print(f"  a channel's correlation with itself is {mean(own[name]):.2f}; the loss")
    print(f"  is below blind guessing on {low:.0%} of the points around it")
    print(f"  and bends downwards on {mean(bent[name]):.0%}.")
print(f"- residual 56: in the mean the gradient comes through {mean(lengths):.1f} F;")
print(f"  the mean over all paths is {blocks / 2}.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. A plain 56 with the usual start is hardly better than guessing. You take out a block, and the
# error stays where it was. Does that network bear lesions well?</summary>
#
# It shows nothing. A network that guesses has nothing to lose. Before you measure what a part is good for, the whole
# must be good for something.
# </details>
#
# <details><summary>2. A residual block is taken out by setting the scale of its last batch norm to zero. What is left
# of F(x)?</summary>
#
# The shift of that batch norm, the same number at every pixel of a channel. Scale *and* shift must be zero. "Nothing
# is left" is the usual answer.
# </details>
#
# <details><summary>3. Suppose that each block of a residual network can be taken out alone at little cost. So can you
# take out all of them together?</summary>
#
# That does not follow. Each lesion was made in an otherwise whole network. Look at the right end of the figure with
# several missing blocks.
# </details>
#
# <details><summary>4. Suppose that little of the gradient comes on paths through 13 F, although there are
# more than twenty million such paths. How can that be?</summary>
#
# Each single path through many F carries very little, and the parts of many paths can also point in different
# directions and cancel. The number of the paths alone says nothing about what comes on them.
# </details>
#
# <details><summary>5. Network B's loss surface is flatter than A's. Both were drawn along random directions of the
# same length. Which of the two is less sensitive?</summary>
#
# You cannot say. If B has larger weights, the same step is smaller against them. With filter normalisation the
# comparison begins to mean something.
# </details>

# %% [markdown]
# ## Further reading
#
# - Veit, Wilber, Belongie 2016, [arXiv 1605.06431](https://arxiv.org/abs/1605.06431), §3 (the network as many paths),
#   §4 (lesions and changes of order); the abstract says which paths carried the gradient.
# - Li, Xu, Taylor, Studer, Goldstein 2018, [arXiv 1712.09913](https://arxiv.org/abs/1712.09913), §4 (filter
#   normalisation), §6 (with and without shortcuts, by depth).
# - Hardt, Ma 2016, [arXiv 1611.04231](https://arxiv.org/abs/1611.04231): networks that start near the identity.
#
# Next: [lesson 11](11_deeper.ipynb), where networks become much deeper, and cheaper.
