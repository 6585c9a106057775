# %% [markdown]
# # 01 · VGG: depth from 3×3
#
# *Small windows, many of them: what that buys, what it costs, and where it ends.*

# %% [markdown]
# A number deep in a network should know about 7×7 pixels of the image. You can use one convolution
# with a window of 7×7, or three of them, one after another, with windows of 3×3. Which of the two sees
# more? Which costs less? Which can do more?
#
# The well-known networks before 2014 began with windows of 11×11 or 7×7. Then Karen Simonyan and Andrew
# Zisserman of the Visual Geometry Group in Oxford took 3×3 everywhere, and stacked. Their networks,
# called **VGG** after the group, had up to 19 layers, and came second in the classification of that
# year's ImageNet competition. In this lesson you build a small VGG, count what it costs, write the loop
# that trains it, and then try how far "more layers are better" goes.
#
# **After this lesson you can**
#
# - build a VGG block and TinyVGG,
# - compute how much of the image one number in a network sees, and check it by measurement,
# - say what a convolution costs, in weights and in multiply-adds, and why these are two things,
# - write the training loop, and name the mistakes that still give plausible numbers.
#
# **You need:** [lesson 00](00_start_here.ipynb), and knowing what a convolution, a loss and a gradient
# are.
#
# **Time:** 29 minutes to read and write; the code runs in about a minute on two CPU cores.
#
# ## A bet
#
# VGG-16 has 13 convolutions and, at its end, 3 linear layers. Together they have 138 million weights,
# and for one image of 224×224 pixels they compute some 15 billion products. What share of the
# *weights* is in the convolutions? And what share of the *products*?

# %%
my_guess = {"weights in convolutions": None, "products in convolutions": None}  # 0 to 1

# %%
from statistics import mean

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, models, plotting, runtime
from resnet_course.base.progress import bar
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
device = profile.device

# %% [markdown]
# ## The unit: a VGG block
#
# A **VGG block** is a few convolutions with windows of 3×3, each followed by a ReLU, and then one max
# pooling, which keeps the largest of each 2×2 numbers ([Simonyan & Zisserman
# 2014](https://arxiv.org/abs/1409.1556), §2.1). The convolutions are **padded** with a border of zeros,
# so that they keep height and width. Only the pooling halves them.
#
# ### Exercise: `vgg_block`
#
# Write `vgg_block(in_channels, out_channels, num_convs)`. It returns an `nn.Sequential` with `num_convs`
# convolutions. `in_channels` come into the block, `out_channels` leave it. Mind how many channels reach
# the *second* convolution.
#
# Example: `vgg_block(3, 10, num_convs=2)` turns (N, 3, 64, 64) into (N, 10, 32, 32).
#
# Stuck? `checks.hint("vgg_block")` tells you where to begin and, after a failed check, explains the
# mistake.


# %%
def vgg_block(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    """`num_convs` times 3×3 convolution and ReLU, then max pooling."""
    ### BEGIN SOLUTION
    layers = []
    for _ in range(num_convs):
        layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1))
        layers.append(nn.ReLU())
        in_channels = out_channels
    layers.append(nn.MaxPool2d(kernel_size=2))
    return nn.Sequential(*layers)
    ### END SOLUTION


vgg_block = checks.vgg_block(vgg_block)

# %% [markdown]
# Two blocks of ten channels and one linear layer make **TinyVGG**, the network of CNN Explainer ([Wang
# et al. 2020](https://arxiv.org/abs/2004.15004)); theirs does not pad, ours does. The comments say the
# shape after each step, for images of 64×64.


# %%
class TinyVGG(nn.Module):
    """Two VGG blocks and one linear layer; (N, 3, size, size) -> (N, num_classes)."""

    def __init__(self, hidden_units: int, num_classes: int, image_size: int):
        super().__init__()
        self.block1 = vgg_block(3, hidden_units, num_convs=2)
        self.block2 = vgg_block(hidden_units, hidden_units, num_convs=2)
        self.linear = nn.Linear(hidden_units * (image_size // 4) ** 2, num_classes)

    def forward(self, x):  # (N, 3, 64, 64)
        x = self.block1(x)  # (N, 10, 32, 32)
        x = self.block2(x)  # (N, 10, 16, 16)
        x = x.flatten(start_dim=1)  # (N, 10 · 16 · 16) = (N, 2560)
        return self.linear(x)  # (N, 10), one number for each class: the logits


# %% [markdown]
# Here it is, drawn from its own shapes. The higher a box, the more pixels; the thicker, the more channels
# (not to scale).

# %%
tiny, x = TinyVGG(10, num_classes=10, image_size=64), torch.zeros(1, 3, 64, 64)
trace = [("image", (3, 64, 64))]
for name, stage in tiny.named_children():
    x = stage(x.flatten(1) if name == "linear" else x)
    trace.append((name, tuple(x.shape[1:])))
    weights = sum(parameter.numel() for parameter in stage.parameters())
    print(f"{name:<7} {weights:>7,} parameters")
plotting.show(plotting.shape_trace(trace, title="TinyVGG for images of 64×64"))

# %% [markdown]
# ## What does one number see?
#
# A number after one 3×3 convolution depends on 3×3 pixels. After a second one it depends on 3×3 numbers,
# each of which sees 3×3 pixels, and their windows overlap. The region of the image that a number can
# depend on is its **receptive field**.

# %%
axes = plotting.receptive_field([3, 3])
plotting.show(axes, caption="One dimension is drawn; in two it is 5×5.")

# %% [markdown]
# ### Exercise: `receptive_field`
#
# Write `receptive_field(kernel_sizes, strides)`. The two lists say the size and the stride of each
# layer's window, the first layer first; max pooling counts as a layer with kernel 2 and stride 2. Return
# the height (and width) of the receptive field of one number after the last layer, in pixels.
#
# Two numbers go with you from layer to layer. One is the field so far. The other is the **jump**: how
# far apart two neighbouring numbers of a layer are, measured in pixels of the image. In the image itself
# the jump is 1, and after a pooling with stride 2 it is 2. What is it after two such poolings? And how
# many pixels further does a 3×3 window reach then?
#
# Examples: `receptive_field([3, 3], [1, 1])` is 5, `receptive_field([3, 3, 3], [1, 1, 1])` is 7, and
# `receptive_field([2, 3], [2, 1])` is 6.
#
# Stuck? `checks.hint("receptive_field")`


# %%
def receptive_field(kernel_sizes: list[int], strides: list[int]) -> int:
    """Height and width of the receptive field, in pixels."""
    ### BEGIN SOLUTION
    field, jump = 1, 1
    for kernel_size, stride in zip(kernel_sizes, strides, strict=True):
        field += (kernel_size - 1) * jump
        jump *= stride
    return field
    ### END SOLUTION


receptive_field = checks.receptive_field(receptive_field)

# %% [markdown]
# A formula is a claim, so let us measure. If a pixel can change an output number, the gradient of that
# number with respect to the pixel is not zero, at least for some images. So take many random images and
# one number in the middle of the output, follow it back with `backward()`, and look at which pixels the
# gradient has reached.


# %%
def pixel_gradient(layers: nn.Module) -> torch.Tensor:
    """Mean size of the gradient of one output number, for each pixel. -> (24, 24)"""
    images = torch.rand(64, 3, 24, 24, requires_grad=True)
    output = layers(images)  # (64, C, H, W)
    middle = output.shape[-1] // 2
    output[:, :, middle, middle].sum().backward()
    return images.grad.abs().mean(dim=(0, 1))


def stack(*kernel_sizes: int) -> nn.Sequential:
    layers, channels = [], 3
    for size in kernel_sizes:
        layers += [nn.Conv2d(channels, 8, size, padding=size // 2), nn.ReLU()]
        channels = 8
    return nn.Sequential(*layers)


# %%
torch.manual_seed(0)
blocks = nn.Sequential(tiny.block1, tiny.block2)
cases = {
    "1 × 7×7": (stack(7), [7], [1]),
    "3 × 3×3": (stack(3, 3, 3), [3, 3, 3], [1, 1, 1]),
    "TinyVGG's blocks": (blocks, [3, 3, 2, 3, 3, 2], [1, 1, 2, 1, 1, 2]),
}
gradients = {}
for name, (layers, kernel_sizes, strides) in cases.items():
    gradients[name] = pixel_gradient(layers)
    rows = int((gradients[name].sum(dim=1) > 0).sum())
    columns = int((gradients[name].sum(dim=0) > 0).sum())
    field = receptive_field(kernel_sizes, strides)
    print(f"{name:<18} computed {field:>2}   measured {rows}×{columns}")

# %% [markdown]
# The field says what a number *can* depend on, not how much. Here is the size of the gradient itself,
# before any training. In a single convolution no place is preferred: each pixel of the window has
# weights of its own, all drawn alike. In a stack, more ways lead from the output to a pixel in the
# middle than to one at the edge.

# %%
maps = torch.stack([gradient / gradient.max() for gradient in gradients.values()])
maps = maps.unsqueeze(1).expand(-1, 3, -1, -1)  # grey: the same in red, green and blue
title = "Size of the gradient, pixel by pixel"
figure = plotting.image_grid(maps, list(gradients), columns=3, title=title)
words = "Part of the gradient that falls on the 3×3 pixels in the middle:"
for name in ("1 × 7×7", "3 × 3×3"):
    share = gradients[name][11:14, 11:14].sum() / gradients[name].sum()
    words += f" {name} {share:.0%},"
words += f" and {9 / 49:.0%} if all 7×7 pixels counted alike."
plotting.show(figure, caption=f"Black is zero. {words}")

# %% [markdown]
# ## What does it cost?
#
# One convolution of 7×7 and three of 3×3 have the same receptive field. Let us count. A convolution that
# reads C channels and gives C channels has, for a window of k×k, k · k · C weights in each of its C filters:
# 49 · C² for 7×7, and 3 · 9 · C² = 27 · C² for three of 3×3. And the stack has three ReLUs instead of one,
# so it is less close to linear. That is the argument of the paper (§2.3).
#
# Weights are what has to be stored. Time is another matter, because a convolution uses each of its weights
# many times. The usual measure of the work is the number of **multiply-adds**: a multiplication whose
# product is added to a running sum.
#
# ### Exercise: `multiply_adds`
#
# Write `multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1)`: the multiply-adds
# of one convolution for *one* image, as a whole number.
#
# - `height` and `width` are those of the image that comes in. It is padded, so that with stride 1 the
#   window's middle visits every pixel once. With stride 2 it visits every second row and column,
#   beginning with the first.
# - Products with the zeros of the border count like all others. A bias counts nothing.
#
# Examples: `multiply_adds(3, 8, 3, 32, 32)` is 221,184, and `multiply_adds(1, 1, 1, 7, 10, stride=3)` is
# 12.
#
# Stuck? `checks.hint("multiply_adds")`


# %%
def multiply_adds(in_channels, out_channels, kernel_size, height, width, stride=1):
    """Multiply-adds of one padded convolution for one image, a whole number."""
    ### BEGIN SOLUTION
    rows = (height + stride - 1) // stride
    columns = (width + stride - 1) // stride
    for_each_number = in_channels * kernel_size**2
    return out_channels * rows * columns * for_each_number
    ### END SOLUTION


multiply_adds = checks.multiply_adds(multiply_adds)

# %% [markdown]
# Here are the stacks side by side, with 64 channels in and out, first on images of 56×56, then on images
# of 28×28.

# %%
print("                     field    weights    multiply-adds")
for side in (56, 28):
    for kernel_sizes in ([5], [3, 3], [7], [3, 3, 3]):
        size = kernel_sizes[0]
        name = f"{len(kernel_sizes)} × {size}×{size} on {side}×{side}"
        field = receptive_field(kernel_sizes, [1] * len(kernel_sizes))
        weights = sum(64 * 64 * size**2 for size in kernel_sizes)
        cost = sum(multiply_adds(64, 64, size, side, side) for size in kernel_sizes)
        print(f"{name:<20} {field:>2}×{field}  {weights:>9,} {cost:>16,}")

# %% [markdown]
# Compare the two halves of the table: weights do not depend on the size of the image, multiply-adds do.
# Keep that in mind for the whole of VGG-16. Its weights would fill half a gigabyte. On the **meta**
# device a layer has shapes and no numbers, so we can run it for nothing. A **hook**, a function that
# PyTorch calls whenever a layer has run, writes down what each layer costs.

# %%
with torch.device("meta"):
    vgg16 = models.vgg16(num_classes=1000).eval()
    photograph = torch.zeros(1, 3, 224, 224)
layers = []  # (class, weights, multiply-adds), in the order in which they run


def note(layer, inputs, output):
    cost = layer.weight.numel()  # a linear layer uses each weight once
    if isinstance(layer, nn.Conv2d):
        _, channels, height, width = inputs[0].shape
        cost = multiply_adds(channels, layer.out_channels, 3, height, width)
    layers.append((type(layer).__name__, layer.weight.numel(), cost))


for layer in vgg16.modules():
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        layer.register_forward_hook(note)
vgg16(photograph)
print(f"{len(layers)} layers with {sum(weights for _, weights, _ in layers):,} weights")
print(f"{sum(cost for *_, cost in layers):,} multiply-adds for one image")

# %%
total_weights, total_cost = sum(row[1] for row in layers), sum(row[2] for row in layers)
shares = {
    "weights": [weights / total_weights for _, weights, _ in layers],
    "multiply-adds": [cost / total_cost for *_, cost in layers],
}
axes = plotting.lines(shares, "VGG-16, layer by layer", "layer", "share of all")
plotting.show(axes, caption="Layers 1 to 13 are convolutions, 14 to 16 linear.")

measured = {
    "weights in convolutions": sum(shares["weights"][:13]),
    "products in convolutions": sum(shares["multiply-adds"][:13]),
}
cards.compare_guess(my_guess, measured, lesson="01")

# %% [markdown]
# The two live in different places. The convolutions do nearly all of the work, and they do it with a small
# part of the weights, used again and again. Most of the weights belong to a single layer, the first linear
# one: it reads 512 · 7 · 7 numbers, all that the blocks have left of the image, and gives 4,096.
#
# Later networks take the mean of each channel over the whole image before the last layer (**global average
# pooling**), so that this layer reads 512 or 2,048 numbers and not 25,088:

# %%
with torch.device("meta"):
    networks = {
        "TinyVGG": TinyVGG(10, num_classes=10, image_size=64),
        "VGG-16": vgg16,
        "ResNet-18": models.resnet18(num_classes=1000, stem="imagenet"),
        "ResNet-50": models.resnet50(num_classes=1000, stem="imagenet"),
    }
for name, network in networks.items():
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    inside = sum(p.numel() for module in linear for p in module.parameters())
    everything = sum(p.numel() for p in network.parameters())
    share = inside / everything
    print(f"{name:<10}{everything:>12,} parameters, {share:>4.0%} in linear layers")

# %% [markdown]
# ## Batches, and the loss
#
# Now to the training. A **batch** is a handful of images that are used for one step. `data.Batches` takes it
# from the bytes in memory: on the scale of lesson 00 and, with `shuffle=True`, in a new order on every
# pass. PyTorch's `DataLoader` does the same image by image, from anything that has `len()` and items. Both
# give pairs (images, targets), and a training loop does not care which one it gets.

# %%
budget = profile.pick(
    quick=runtime.Budget(images=1_400, image_size=64, epochs=4, batch_size=16),
    full=runtime.Budget(images=50_000, image_size=32, epochs=10, batch_size=128),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
classes = len(images.classes)
batches = data.Batches(images, budget.batch_size, shuffle=True, device=device)
inputs, targets = next(iter(batches))
print(f"{len(images):,} images of {images.name}, {classes} classes")
shapes = f"images {tuple(inputs.shape)}, targets {tuple(targets.shape)}"
print(f"{len(batches)} batches; the first one: {shapes}")

# %% [markdown]
# The network answers with **logits**, one number for each class. **Cross-entropy** turns them into
# probabilities with a softmax, and takes minus the logarithm of what the true class got. The softmax is
# inside the loss. A common mistake is to put another one in front. Nothing complains, and this is what
# becomes of a *perfect* answer, which gives the true class probability 1 and all others 0:

# %%
logits, target = torch.randn(1, classes), torch.tensor([1])
by_hand = -logits.softmax(dim=1)[0, 1].log()
assert torch.isclose(F.cross_entropy(logits, target), by_hand)

perfect = F.one_hot(target, classes).float()  # the best that a softmax can give
once, twice = F.cross_entropy(1e3 * perfect, target), F.cross_entropy(perfect, target)
print(f"loss of a perfect answer: {once:.3f}; with a softmax in front {twice:.3f}")

# %% [markdown]
# ## The training loop
#
# ### Exercise: `train_step`
#
# Write `train_step(model, dataloader, loss_fn, optimizer)`: one pass over all batches, an **epoch**. Put
# the model into training mode. Then, for each batch:
#
# 1. `optimizer.zero_grad()`: forget the old gradients, because `backward()` *adds* to them,
# 2. forward: the logits of the batch,
# 3. the loss, from logits and targets; `loss_fn` returns the *mean* over the batch,
# 4. `loss.backward()`: a gradient for each parameter,
# 5. `optimizer.step()`: change the parameters.
#
# Return two numbers: the mean loss over all *images*, as a float, and the share of images whose largest
# logit was that of the true class. Mind that the last batch may be smaller. Example: batches of 8, 8 and
# 3 images with losses 1.0, 1.0 and 4.0 have a mean of 1.474, not of 2.0.
#
# Stuck? `checks.hint("train_step")`


# %%
def train_step(model, dataloader, loss_fn, optimizer) -> tuple[float, float]:
    """One epoch of training; returns mean loss and accuracy."""
    ### BEGIN SOLUTION
    model.train()
    loss_sum, correct, count = 0.0, 0, 0
    for images, targets in dataloader:
        optimizer.zero_grad()
        logits = model(images)
        loss = loss_fn(logits, targets)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(images)
        correct += (logits.argmax(dim=1) == targets).sum().item()
        count += len(images)
    return loss_sum / count, correct / count
    ### END SOLUTION


train_step = checks.train_step(train_step)

# %% [markdown]
# A training is a loop over epochs. The optimizer is Adam with a learning rate of 1e-3, its usual setting.
# We keep the **error** of each epoch, 1 minus the accuracy: the share of the images that the network got
# wrong while it went through them.


# %%
def train(model, dataloader, epochs: int) -> list[float]:
    """Trains the model; returns the training error of each epoch."""
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    errors = []
    for _ in range(epochs):
        _, accuracy = train_step(model, dataloader, loss_fn, optimizer)
        errors.append(1 - accuracy)
    return errors


torch.manual_seed(0)
tiny = TinyVGG(10, classes, budget.image_size).to(device)
tiny_errors = train(tiny, batches, budget.epochs)
words = ", ".join(f"{error:.2f}" for error in tiny_errors)
print(f"TinyVGG, training error by epoch: {words} (guessing: {1 - 1 / classes:.2f})")

# %% [markdown]
# These are running figures. They are collected while the network gets better, so they lag a little behind
# what it can do at the end of the epoch. And they are about images that the network learns from. Whether
# it does as well on new ones, and how one measures that without fooling oneself, is
# [lesson 02](02_trust.ipynb).
#
# ## More layers should be better?
#
# VGG's argument says: stack more. In the paper the error falls from 11 layers to 16, and hardly any further
# at 19 (§4.1). Let us try it on a small scale. We put 1, 3 and 8 convolutions into each of two blocks (2, 6
# and 16 in all), give every network the same images for the same number of epochs, and do it with five
# seeds.


# %%
def stacked(num_convs: int, seed: int) -> nn.Module:
    """Two VGG blocks with so many convolutions each, for images of 16×16."""
    torch.manual_seed(seed)
    blocks = [vgg_block(3, 16, num_convs), vgg_block(16, 16, num_convs)]
    linear = nn.Linear(16 * 4 * 4, classes)
    return nn.Sequential(*blocks, nn.Flatten(), linear).to(device)


# %% [markdown]
# In one seed all networks see the images in the same order. Only their depth differs, and the random weights
# that come with it.

# %%
small = profile.pick(
    quick=runtime.Budget(images=2_000, image_size=16, epochs=3, batch_size=16),
    full=runtime.Budget(images=5_000, image_size=16, epochs=3, batch_size=16),
)
small_images = data.load(profile.dataset, "train", small.image_size, small.images)
curves = {2: [], 6: [], 16: []}  # by number of convolutions, a curve a seed
with bar(len(curves) * 5, "stacks", unit=" trainings") as progress:
    for seed in range(5):
        for depth, runs in curves.items():
            options = {"shuffle": True, "seed": seed, "device": device}
            shuffled = data.Batches(small_images, small.batch_size, **options)
            runs.append(train(stacked(depth // 2, seed), shuffled, small.epochs))
            progress.update(1)

# %%
final = {depth: [errors[-1] for errors in runs] for depth, runs in curves.items()}
title = "Training error by number of convolutions"
axes = plotting.seeds({"stacks of 3×3": final}, title, "convolutions", "training error")
how = f"{len(small_images):,} images of {small_images.name}, 16×16"
plotting.show(axes, caption=f"{how}, {small.epochs} epochs; a dot for each of 5 seeds.")
cards.compare(
    "more layers help: with 2 convolutions the training error is higher than with 6",
    {"2 convolutions": final[2]},
    {"6 convolutions": final[6]},
)
cards.compare(
    "then they do not: with 16 convolutions the training error is higher than with 6",
    {"16 convolutions": final[16]},
    {"6 convolutions": final[6]},
)

# %% [markdown]
# Read the two verdicts. If both are *reproduced*, then stacking helped first and did harm later, on the very
# images that the networks were trained on. *Cannot tell* says that five seeds do not decide. If the second
# says *not reproduced*, the deep stack had no trouble here. If the first does, mind the budget: these
# networks see a few thousand images three times, and VGG's authors trained on 1.3 million images for 74
# epochs (§3.1). Perhaps deep stacks only need more time? Look at the stack of 16 epoch by epoch, beside the
# others.

# %%
by_epoch = {}
for depth, runs in curves.items():
    means = [mean(errors) for errors in zip(*runs, strict=True)]
    by_epoch[f"{depth} convolutions"] = means
axes = plotting.lines(by_epoch, "Training error by epoch", "epoch", "training error")
plotting.show(axes, caption=f"{how}; means of 5 seeds.")
first = {depth: [errors[0] for errors in runs] for depth, runs in curves.items()}
cards.compare(
    "already in the first epoch 16 convolutions have a higher training error than 6",
    {"16 convolutions": first[16]},
    {"6 convolutions": first[6]},
)

# %% [markdown]
# Compare where the line of 16 convolutions begins with the error of guessing: what did its first epoch teach
# it? The authors of VGG knew that deep stacks can be hard to start: bad first weights, they write, can stall
# the learning (§3.1). They trained a network of 11 layers first, and used some of its layers as the first
# weights of the deeper ones. Later they added that this is not necessary if the random weights are drawn by
# the rule of Glorot and Bengio. So it matters what the weights are *before* the first step. Why should it,
# and why the more, the deeper the network is? That is [lesson 03](03_signals.ipynb). Whether a good start is
# all that a deep network needs, we see in [lesson 04](04_degradation.ipynb).

# %% [markdown]
# ## What we measured

# %%
one, three = receptive_field([7], [1]), receptive_field([3, 3, 3], [1, 1, 1])
print(f"1. One 7×7 convolution sees {one}×{one} pixels, three of 3×3 {three}×{three},")
print(f"   for {27 / 49:.0%} of the weights and of the multiply-adds.")
weights, products = measured.values()
print(f"2. The convolutions of VGG-16 hold {weights:.0%} of its weights")
print(f"   and do {products:.0%} of its multiply-adds.")
print(f"3. TinyVGG's training error in its last epoch: {tiny_errors[-1]:.2f}.")
words = ", ".join(f"{mean(errors):.2f} with {depth}" for depth, errors in final.items())
print(f"4. Mean training error by number of convolutions: {words}.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. One 7×7 convolution and three 3×3 convolutions see the same pixels. Do they compute
# the same functions?</summary>
#
# No. The single layer is linear, and with 49 · C² weights it can be any linear map of its window. The
# stack has 27 · C² weights and ReLUs between: it can do what is not linear, but of the linear maps it
# reaches only those that are made of three small ones. The same field is not the same ability.
# </details>
#
# <details><summary>2. Max pooling has no weights. Does it change the receptive field of later
# layers?</summary>
#
# Yes, twice. Its own window of 2 adds one jump to the field. And its stride of 2 doubles the jump, so that
# each 3×3 convolution after it widens the field by twice as much as before.
# </details>
#
# <details><summary>3. You feed VGG's convolutions images of twice the height and width. What happens to
# their weights, and what to their multiply-adds?</summary>
#
# The weights stay the same, and every multiply-add is done at four times as many places. (The first linear
# layer, which reads every place of what is left, would get four times as many weights.)
# </details>
#
# <details><summary>4. In <code>train_step</code> somebody forgets <code>zero_grad()</code>. The loss still
# falls in the first epochs. What is wrong?</summary>
#
# Each step uses the sum of the gradients of <em>all</em> batches so far. At first that sum points roughly
# downhill, which is why nothing looks wrong. But it gets out of date, and it is not the gradient of any
# batch.
# </details>
#
# <details><summary>5. A network with more layers has a higher <em>training</em> error than one with fewer.
# Can more training images cure it?</summary>
#
# Probably not. More images help a network that does well on its training images and badly on new ones.
# This one already does badly on those that it has.
# </details>

# %% [markdown]
# ## Further reading
#
# - Simonyan & Zisserman 2014, [arXiv 1409.1556](https://arxiv.org/abs/1409.1556): §2.1 the blocks, §2.3 why
#   3×3, §3.1 how the deep networks were started, §4.1 what depth brought.
# - Wang et al. 2020, [arXiv 2004.15004](https://arxiv.org/abs/2004.15004): CNN Explainer, in which you can
#   look into TinyVGG number by number.
#
# Next: [lesson 02](02_trust.ipynb), in which the training error is no longer enough.
