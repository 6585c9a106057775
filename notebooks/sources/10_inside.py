# %% [markdown]
# # 10 · Inside a trained ResNet
#
# *Take a block out of a trained network, and see who notices.*

# %% [markdown]
# **After this lesson you can**
#
# - take one block out of a trained network and measure what is lost,
# - say what a residual block is replaced by when it is gone, and why a plain block has nothing to fall back on,
# - measure how much each block adds to what its shortcut carries,
# - draw the loss around a network so that two networks can be compared, and say what such a picture cannot show.
#
# **You need:** lessons 05 and 07.
#
# **Time:** 40 minutes to read and write; the code runs in less than half a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# Two networks of 20 layers are trained: a plain one and a residual one. Each has nine blocks. Now one block is taken
# out, and nothing is trained again. Nine blocks can be missing, so that makes nine damaged networks of each kind.
#
# What share of new images do the damaged networks still get right, as the mean over the nine? Blind guessing among
# ten classes gives 0.1.

# %%
my_guess = {"plain 20": None, "residual 20": None}  # for example 0.5

# %% [markdown]
# ## Two trained networks
#
# For the generated images in the quick profile the package ships both networks, trained for ten epochs by SGD with a
# one-cycle rate; `python -m resnet_course reproduce inside` trains them again. For other images `trained` does the same
# training here.

# %%
import copy

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, experiments, inspection, plotting, runtime, training
from resnet_course.notebook import cards
from resnet_course.models import BasicBlock, cifar_resnet, make_shortcut

plotting.use_style()
profile = runtime.profile()
budget = profile.pick(
    quick=runtime.Budget(images=2_000, image_size=16, epochs=10),
    full=runtime.Budget(images=50_000, image_size=32, epochs=20, batch_size=128),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
new_images = data.load(profile.dataset, "test", budget.image_size, 1_000)
train_batches = data.Batches(images, budget.batch_size, shuffle=True, device=profile.device)
new_batches = data.Batches(new_images, 500, mean=train_batches.mean, std=train_batches.std, device=profile.device)
print(f"{images.name}: {len(images):,} training images and {len(new_images):,} new ones of {images.image_size}×"
      f"{images.image_size}, {len(images.classes)} classes; {profile.device}")  # fmt: skip


# %%
def trained(name: str) -> nn.Module:
    if profile.dataset == "shapes" and profile.name == "quick":
        return experiments.load_weights(name).to(profile.device)
    training.reset_seeds(0)
    kind, depth = name.split()
    model = cifar_resnet(int(depth), len(images.classes), residual=kind == "residual").to(profile.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = budget.epochs * len(train_batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    training.fit(
        model, train_batches, None, optimizer, F.cross_entropy, budget.epochs,
        scheduler=schedule, precision=runtime.precision(), description=name,
    )  # fmt: skip
    return model.eval()


networks = {name: trained(name) for name in ("plain 20", "residual 20")}
whole = {name: training.evaluate(model, new_batches)[1] for name, model in networks.items()}
for name, accuracy in whole.items():
    print(f"{name:<12} accuracy on new images {accuracy:.3f}")

# %% [markdown]
# ## What is left when a block is gone?
#
# To take a block out means: its $F(x)$ is gone, and everything else stays. A residual block computes
# $\text{ReLU}(F(x) + \text{shortcut}(x))$. Without $F(x)$ this leaves $\text{ReLU}(\text{shortcut}(x))$. Where the
# block keeps the shape, the shortcut is the identity and no number of x is negative: x goes on unchanged.
#
# A plain block has no shortcut. Where it keeps the shape, x takes its place. Blocks 3 and 6 of these networks halve
# the image and double the channels, and x would not fit. The nearest thing to "unchanged" is option A of lesson 07:
# every second pixel, zeros for the new channels. Our residual networks have exactly that as their shortcut, so both
# networks are treated alike:
#
# | block | in its place |
# |---|---|
# | residual, any shape | its own shortcut, then a ReLU |
# | plain, keeps the shape | x |
# | plain, changes the shape | option A |
#
# `make_shortcut(in_planes, out_planes, stride, "A")` of the package gives the last two: an empty `nn.Sequential`,
# which returns x, where the shape stays, and the padding where it changes.
#
# ### Exercise: `lesion`
#
# Write `lesion(model, index)`. It returns a *copy* of the network without block number `index`, counted from 0
# through all stages. `model` itself must stay as it is: the next lesion starts from it. `model.stages` is the list of
# stages, each an `nn.Sequential` of blocks; a block of a plain network is not a `BasicBlock`, and it has `conv1` with
# `in_channels`, `out_channels` and `stride`, which is a pair such as `(2, 2)`.
#
# `lesion(residual_20, 3)` is a network whose `layer2[0]` is replaced; `lesion(residual_20, 9)` does not exist, since
# the nine blocks have the numbers 0 to 8.
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
        stage[place] = make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], "A")
    return damaged
    ### END SOLUTION


lesion = checks.lesion(lesion)

# %% [markdown]
# ## Eighteen lesions
#
# Each network of 20 layers loses each of its blocks once. The damaged networks see the same new images as the whole
# ones.


# %%
def damaged_accuracy(name):
    model = networks[name]
    blocks = sum(len(stage) for stage in model.stages)
    return [training.evaluate(lesion(model, index), new_batches)[1] for index in range(blocks)]


damaged = {name: damaged_accuracy(name) for name in my_guess}
print("without block   " + "".join(f"{index:>7}" for index in range(9)) + "    whole")
for name, accuracies in damaged.items():
    print(f"{name:<16}" + "".join(f"{accuracy:>7.3f}" for accuracy in accuracies) + f"{whole[name]:>9.3f}")

# %%
axes = plotting.lines(
    damaged, title="Accuracy with one block missing", x_label="number of the missing block, from the input",
    y_label="accuracy on new images", x=range(9), y_limits=(0, 1),
)  # fmt: skip
plotting.show(
    axes,
    alt="Accuracy on new images by the number of the missing block. "
    + ". ".join(f"{name}: {', '.join(f'{accuracy:.2f}' for accuracy in damaged[name])}" for name in damaged),
    caption=f"Nothing is trained again. Whole networks: plain 20 {whole['plain 20']:.3f}, residual 20 "
    f"{whole['residual 20']:.3f}. Blocks 3 and 6 change the shape. One training each.",
)
mean_damaged = {name: sum(accuracies) / len(accuracies) for name, accuracies in damaged.items()}
cards.compare_guess(my_guess, mean_damaged, lesson="10")

# %% [markdown]
# How much is lost? Blind guessing is right now and then, too, so we count only what lies above it: a share of 1
# means that the damaged network is no better than guessing, 0 that nothing happened. We call it *destroyed* if more
# than two thirds are lost, and say that the block *costs little* if it is less than a quarter.

# %%
guessing = 1 / len(images.classes)
above = {name: max(accuracy - guessing, 0.001) for name, accuracy in whole.items()}
lost = {name: [(whole[name] - accuracy) / above[name] for accuracy in damaged[name]] for name in damaged}
print("lost            " + "".join(f"{index:>7}" for index in range(9)))
for name, shares in lost.items():
    print(f"{name:<16}" + "".join(f"{value:>7.2f}" for value in shares))
cheap = sum(value < 1 / 4 for value in lost["residual 20"])
cards.verdict(
    "whichever block is missing, the plain network is destroyed",
    min(lost["plain 20"]) > 2 / 3,
    f"it loses {min(lost['plain 20']):.0%} to {max(lost['plain 20']):.0%} of what lies above guessing",
)
cards.verdict(
    "most blocks of the residual network cost little",
    cheap > 4,
    f"less than a quarter for {cheap} of 9 blocks; median {sorted(lost['residual 20'])[4]:.0%}, worst "
    f"{max(lost['residual 20']):.0%}, without block {lost['residual 20'].index(max(lost['residual 20']))}",
)

# %% [markdown]
# One training of each may be a lucky one. The package ships the record of the plan `lesion`: three trainings of each
# network, the first of them with the seed of those above, and the same lesions after each. Does the same block matter
# every time?

# %%
records = experiments.load_records("lesion")
recorded_errors = {name: [] for name in my_guess}
for record in records:
    recorded_errors[record["configuration"]["network"]] += record["lesion"]["test_errors"]
axes = experiments.draw_lesions(records, "Error with one block missing, three trainings of each network")
plotting.show(
    axes,
    alt="Error on new images by the number of the missing block, lowest and highest of the trainings over all blocks: "
    + "; ".join(f"{name} {min(errors):.2f} to {max(errors):.2f}" for name, errors in recorded_errors.items()),
    caption=f"Recorded on the generated images. {experiments.bands_in_words(records)}.",
)
for finding in experiments.find_out("lesion", records):
    cards.verdict(finding.claim, finding.holds, finding.numbers)

# %% [markdown]
# Where these verdicts differ from those above, these count more: they rest on three trainings. The band is widest over
# the first blocks of the residual network, which means that the trainings disagree there.
#
# Look at the single numbers before you say "one block does not matter". In a network with nine blocks some of them
# do, and the table says which. Veit et al. 2016 (arXiv 1605.06431, §4.1) made this experiment with a residual network
# of 110 layers, which has 54 blocks, and with a VGG network.
#
# Both networks have batch norm, the same weights in number and shape, and the same training. What differs: in every
# training step of the residual network x went around each block, and the next block saw it as a part of its input.
# The plain network has never had an x that goes around a block.

# %% [markdown]
# ## Why does the residual network bear it?
#
# What does the next block get when a block is missing? Its own input is now the *input* of the missing block instead
# of its output. How different are these two? We take the numbers of both for one image, subtract their means, and
# compute the cosine of the angle between them: the **correlation**, 1 for the same picture, 0 for unrelated ones.
# Only blocks that keep the shape can be asked.


# %%
@torch.no_grad()
def correlations(model, x):
    """Of the input and the output of each block that keeps the shape; mean over the images."""
    out, found = F.relu(model.bn1(model.conv1(x))), []
    for stage in model.stages:
        for block in stage:
            before, out = out, block(out)
            if before.shape == out.shape:
                first, second = (part.flatten(1) - part.flatten(1).mean(1, keepdim=True) for part in (before, out))
                found.append(F.cosine_similarity(first, second).mean().item())
    return found


# %%
some, _ = next(iter(new_batches))
correlation = {name: correlations(networks[name], some) for name in my_guess}
for name, values in correlation.items():
    print(f"{name:<12}" + "".join(f"{value:>7.2f}" for value in values))
cards.verdict(
    "every residual block gives an output more like its input than any plain block does",
    min(correlation["residual 20"]) > max(correlation["plain 20"]),
    f"residual 20 {min(correlation['residual 20']):.2f} to {max(correlation['residual 20']):.2f}, "
    f"plain 20 {min(correlation['plain 20']):.2f} to {max(correlation['plain 20']):.2f}",
)

# %% [markdown]
# You can see it. A **feature map** is one channel of a layer's output, drawn as a picture. Here is the same channel
# of the first stage, the one with the highest mean behind the first convolution, as it goes from block to block.


# %%
@torch.no_grad()
def first_stage_maps(model, image):
    out = F.relu(model.bn1(model.conv1(image)))  # (1, 16, H, W)
    channel = out.mean((0, 2, 3)).argmax()
    maps = [out[0, channel]]
    for block in model.layer1:
        out = block(out)
        maps.append(out[0, channel])
    return [(one / one.max().clamp_min(1e-6)).expand(3, -1, -1).cpu() for one in maps]  # grey pictures in [0, 1]


# %%
pictures, labels = [], []
for name in ("residual 20", "plain 20"):
    pictures += [new_images.images[0] / 255, *first_stage_maps(networks[name], some[:1])]
    labels += ["image", f"{name}\nbefore", "block 0", "block 1", "block 2"]
figure = plotting.image_grid(torch.stack(pictures), labels, columns=5, title="One channel through the first stage")
plotting.show(
    figure,
    alt="Two rows of small pictures: an image, and one channel before the first block and behind blocks 0, 1 and 2. "
    "Upper row the residual network, lower row the plain one. Correlations of input and output in the first stage: "
    + "; ".join(f"{name} {', '.join(f'{value:.2f}' for value in values[:3])}" for name, values in correlation.items()),
    caption="Each picture is scaled to its own brightest pixel. Upper row residual 20, lower row plain 20.",
)

# %% [markdown]
# In a plain network nothing ties channel 5 of a block's output to channel 5 of its input; every block may number its
# features in a way of its own, and only the next one is trained to read them. In a residual network the shortcut
# carries x through, so all blocks of a stage read and write the same channels.
#
# If that is so, the *order* of the blocks should matter less, too. Swap the second and the third block of each stage:

# %%
swapped = {}
for name in my_guess:
    swapped[name] = []
    for number in range(3):
        model = copy.deepcopy(networks[name])
        stage = model.stages[number]
        stage[1], stage[2] = stage[2], stage[1]
        swapped[name].append(training.evaluate(model, new_batches)[1])
    print(f"{name:<12} two blocks swapped in stage 1, 2, 3: {', '.join(f'{value:.3f}' for value in swapped[name])}")
cards.verdict(
    "with two blocks swapped, residual 20 keeps more than half of its accuracy and plain 20 does not",
    min(swapped["residual 20"]) > whole["residual 20"] / 2 and max(swapped["plain 20"]) < whole["plain 20"] / 2,
    f"residual 20 at least {min(swapped['residual 20']):.3f}, plain 20 at most {max(swapped['plain 20']):.3f}",
)

# %% [markdown]
# Veit et al. put it like this (§3): at each block the data can take two ways, through $F$ or around it. Nine blocks
# make $2^9 = 512$ paths of different length. Taking one block out closes half of them. A plain network has one path,
# and every lesion closes it. The picture helps, with one reservation: the paths are not independent networks, since
# each $F$ gets the *sum* of what comes through all paths before it.

# %% [markdown]
# ## Which shortcut carries what?
#
# At the plus sign of a block two tensors meet. How large is each? A hook on every block measures the norm of $F(x)$
# and of what the shortcut carries. The share of $F(x)$ in the sum of the two norms is 0 for a block that does nothing,
# and 0.5 for one that adds as much as it gets.

# %%
share = []


def note_share(block, inputs):
    added, carried = (part(inputs[0]).flatten(1).norm(dim=1).mean() for part in (block.transform, block.shortcut))
    share.append((added / (added + carried)).item())


blocks = [block for stage in networks["residual 20"].stages for block in stage]
hooks = [block.register_forward_pre_hook(note_share) for block in blocks]
with torch.no_grad():
    networks["residual 20"].eval()(some)
for hook in hooks:
    hook.remove()

# %%
cost = [whole["residual 20"] - accuracy for accuracy in damaged["residual 20"]]
print(f"{'block':<7}{'share of F(x)':>14}{'share of x':>12}{'accuracy lost without it':>27}")
for index in range(9):
    print(f"{index:<7}{share[index]:>14.2f}{1 - share[index]:>12.2f}{cost[index]:>27.3f}")
by_share = sorted(range(9), key=lambda index: share[index])
low, high = (sum(cost[index] for index in group) / 3 for group in (by_share[:3], by_share[-3:]))
cards.verdict(
    "the three blocks with the largest share of F(x) cost more than the three with the smallest",
    high > low,
    f"mean loss of accuracy {high:.3f} against {low:.3f}",
)

# %% [markdown]
# Lesson 05 said that a residual block learns a difference from the identity. Here you see how large these differences
# have become in training. He et al. measured the responses of whole networks in the same spirit (arXiv 1512.03385,
# §4.1, figure 7). A share is a size, not a use: a block can add little and be needed all the same. That is why the
# last column stands beside it.

# %% [markdown]
# ## The loss around a network
#
# "Shortcuts smooth the loss" is a sentence with a famous picture behind it (Li et al. 2018, arXiv 1712.09913). The
# picture is made like this: stand at the trained weights, choose two random directions, take steps along both, and
# draw the loss at every point of the grid.
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
    """Each filter of the direction gets the norm of the weight's filter; one-dimensional tensors give zeros."""
    ### BEGIN SOLUTION
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    length = direction.flatten(1).norm(dim=1)  # (filters,)
    wanted = weight.flatten(1).norm(dim=1)  # (filters,)
    factor = wanted / length.clamp_min(1e-12)
    return direction * factor.view(-1, *[1] * (weight.dim() - 1))  # (filters, 1, ...) times the direction
    ### END SOLUTION


filter_normalise = checks.filter_normalise(filter_normalise)

# %% [markdown]
# First the test of the scale. `blown_up` multiplies all weights of the convolutions by 4 and gives batch norm's
# stored numbers what belongs to them, so that the function stays the same. Then one random direction, with a fixed
# length and with yours. `inspection.loss_surface` measures the loss at each step and does not change the network.


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


# %% [markdown]
# Eleven steps from -1 to 1, on 128 training images:

# %%
few = [next(iter(data.Batches(images, 128, shuffle=True, device=profile.device)))]  # the same for every point
steps = [step / 5 for step in range(-5, 6)]
pair = {"residual 20": networks["residual 20"], "weights × 4": blown_up(networks["residual 20"], 4)}
curves = {
    kind: {
        name: inspection.loss_surface(model, few, [inspection.random_direction(model, 0, normalise)], steps).tolist()
        for name, model in pair.items()
    }
    for kind, normalise in [("fixed length", fixed_length), ("filter-normalised", filter_normalise)]
}

# %%
for kind, by_network in curves.items():
    for name, values in by_network.items():
        print(f"{kind:<18}{name:<12}" + "".join(f"{value:>8.2f}" for value in values))
at_the_end = {kind: [values[-1] for values in by_network.values()] for kind, by_network in curves.items()}
cards.verdict(
    "the same function looks flatter with larger weights if the step has a fixed length, and alike after normalising",
    at_the_end["fixed length"][1] < 0.5 * at_the_end["fixed length"][0]
    and abs(at_the_end["filter-normalised"][1] / at_the_end["filter-normalised"][0] - 1) < 0.05,
    "; ".join(f"{kind}: loss {a:.2f} and {b:.2f} at step 1" for kind, (a, b) in at_the_end.items()),
)

# %% [markdown]
# ## Two landscapes
#
# Now the picture, for plain 20 and residual 20: the same random numbers, each normalised against its own network, and
# the same scale of colours. A step of 1 makes every filter of the direction as long as the weight's filter.

# %%
surfaces = {}
for name in ("plain 20", "residual 20"):
    directions = tuple(inspection.random_direction(networks[name], seed, filter_normalise) for seed in (0, 1))
    surfaces[name] = inspection.loss_surface(networks[name], few, directions, steps)
blind = torch.tensor(float(len(images.classes))).log().item()  # the loss of equal probabilities for all classes
below = {name: (surface < blind).float().mean().item() for name, surface in surfaces.items()}

# %%
figure = plotting.landscapes(surfaces, steps, title="Training loss around two trained networks")
plotting.show(
    figure,
    alt="Two maps of the loss with lines of equal loss. "
    + "; ".join(
        f"{name}: {surface[5, 5]:.3f} in the middle, {surface.max():.0f} at most, below {blind:.1f} on "
        f"{below[name]:.0%} of the points" for name, surface in surfaces.items()
    ),
    caption=f"{len(few[0][1])} training images, eval mode, {len(steps)}×{len(steps)} points, one pair of directions.",
)  # fmt: skip

# %% [markdown]
# What does the picture say? A **bowl** is a surface that bends upwards everywhere. So we count: at how many points
# does the loss bend *downwards* along a row or a column, compared with its two neighbours? And, which is another
# question: whose valley is wider? We count the points at which the network is still better than blind guessing.


# %%
def bends_down(surface):
    """Share of the points with two neighbours in a row or column at which the second difference is negative."""
    along_rows = surface[:, 2:] - 2 * surface[:, 1:-1] + surface[:, :-2]
    along_columns = surface[2:] - 2 * surface[1:-1] + surface[:-2]
    return torch.cat([along_rows.flatten(), along_columns.flatten()]).lt(0).float().mean().item()


bent = {name: bends_down(surface) for name, surface in surfaces.items()}
cards.verdict(
    "the loss around residual 20 is more like a bowl: it bends downwards at fewer points",
    bent["residual 20"] < bent["plain 20"],
    f"residual 20 {bent['residual 20']:.1%}, plain 20 {bent['plain 20']:.1%} of the points",
)
cards.verdict(
    "the valley of residual 20 is wider",
    below["residual 20"] > below["plain 20"],
    f"loss below {blind:.2f} on {below['residual 20']:.1%} of the points, for plain 20 on {below['plain 20']:.1%}",
)

# %% [markdown]
# Those were one training of each, too. The record of the plan `landscape` holds another one, with seed 1 and the same
# grid:

# %%
for finding in experiments.find_out("landscape", experiments.load_records("landscape")):
    cards.verdict(f"another training: {finding.claim}", finding.holds, finding.numbers)

# %% [markdown]
# "Like a bowl" and "wide" are different things, and a network can have one and not the other. Where the two verdicts
# disagree, nothing has gone wrong: the word "smooth" in the sentence is not exact enough. Keep four more limits in mind
# before you repeat it:
#
# - It is a slice: two directions out of as many as there are weights. Other directions give other pictures; change
#   the seeds above and look.
# - The scale matters, as you have seen. So do the range of the steps and the colours.
# - It shows the place where training *ended*, and not what training met on its way.
# - Li et al. (§6) see the large difference in deep networks (56 and 110 layers), not at 20.

# %% [markdown]
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(
    f"1. One block missing, mean over nine: plain 20 {mean_damaged['plain 20']:.3f} (whole {whole['plain 20']:.3f}), "
    f"residual 20 {mean_damaged['residual 20']:.3f} (whole {whole['residual 20']:.3f})."
)
print(
    f"2. Of what lies above guessing the plain network loses {min(lost['plain 20']):.0%} or more, whichever block is "
    f"missing; the residual one less than a quarter for {cheap} of 9 blocks, {max(lost['residual 20']):.0%} at worst."
)
print(
    f"3. Correlation of a block's input and output: residual 20 {min(correlation['residual 20']):.2f} to "
    f"{max(correlation['residual 20']):.2f}, plain 20 {min(correlation['plain 20']):.2f} to "
    f"{max(correlation['plain 20']):.2f}."
)
print(f"4. The share of F(x) goes from {share[0]:.2f} in the first block to {share[-1]:.2f} in the last.")
print(f"5. The loss bends downwards at {bent['plain 20']:.1%} (plain 20) and {bent['residual 20']:.1%} (residual 20) "
      f"of the points; below blind guessing {below['plain 20']:.1%} and {below['residual 20']:.1%}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. Why is "replace the block by the identity" no complete description of the lesion?</summary>
#
# Two of the nine blocks change the shape, and the identity does not fit there. The residual block keeps its shortcut,
# which does that part. A plain block has none, so something must be chosen for it, and the choice has to be told.
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
# That does not follow. Each lesion was made in an otherwise whole network. Without all blocks there is only the first
# convolution, the shortcuts and the linear layer.
# </details>
#
# <details><summary>4. Network B's loss surface is flatter than A's. Both were drawn along random directions of the
# same length. Which of the two is less sensitive?</summary>
#
# You cannot say. If B has larger weights, the same step is smaller against them. With filter normalisation the
# comparison begins to mean something.
# </details>
#
# <details><summary>5. Why do batch norm's scale and shift keep their values on the grid?</summary>
#
# They are no filters, so the rule does not apply to them; the course's convention is to leave them. A vector has one
# number for each channel, and "its norm" would mix all channels.
# </details>

# %% [markdown]
# ## Further reading
#
# - Veit, Wilber, Belongie 2016, arXiv 1605.06431, §3 (the network as many paths), §4 (lesions and changes of order).
# - Li, Xu, Taylor, Studer, Goldstein 2018, arXiv 1712.09913, §4 (filter normalisation), §6 (with and without
#   shortcuts, by depth).
# - He, Zhang, Ren, Sun 2015, arXiv 1512.03385, §4.1, figure 7 (responses of layers).
#
# Next: **lesson 11**, where networks become deeper, faster and wider.
