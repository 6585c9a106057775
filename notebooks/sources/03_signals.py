# %% [markdown]
# # 03 · Signals through many layers
#
# *What is left of an image after sixteen layers, and what can be done about it.*

# %% [markdown]
# A friend has two images. She sends one of them through sixteen convolutions that PyTorch
# has just made, and shows you what comes out at the far end. Can you tell which of the two
# images went in?
#
# The network has not learned anything yet, so you would not ask it what the image shows. But if
# the outputs for the two images are practically the same, then what comes after these layers
# has almost nothing to tell the images apart by, and must wait until they learn. [Lesson
# 01](01_vgg.ipynb) ended with a stack of sixteen convolutions, and with a question: why should
# it matter what the weights are *before* the first step? One formula and a few measurements
# answer it, and lead to two remedies that you will meet in nearly every deep network for
# images. You build both.
#
# **After this lesson you can**
#
# - compute by what factor a layer changes the size of a signal, and predict what sixteen
#   layers do to it,
# - say when a gradient vanishes or explodes, with numbers,
# - start a deep network so that signals keep their size (He initialisation),
# - write batch norm by hand, in both of its modes,
# - tell what batch norm does from what is only said of it.
#
# **You need:** lessons 01 and 02: the training loop, and what a difference between
# several seeds means.
#
# **Time:** 32 minutes to read and write; the code runs in about a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# The **size** of a signal is here its root mean square: square all numbers, take the mean,
# and then the root. A fresh layer, a convolution of 3×3 with a ReLU after it, multiplies
# this size by some factor. What is the factor? (1: the size stays.) And after sixteen
# layers, by how many powers of ten has the signal become smaller? (2: to a hundredth.)

# %%
my_guess = {"factor of one layer": None, "powers of ten lost in sixteen": None}

# %%
import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, inspection, plotting, runtime, training
from resnet_course.base.progress import bar
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
device = profile.device
budget = profile.pick(
    quick=runtime.Budget(images=1_400, image_size=16, epochs=4, batch_size=32),
    full=runtime.Budget(images=5_000, image_size=16, epochs=4, batch_size=128),
)

# %% [markdown]
# One batch of images is enough for most of this lesson.

# %%
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
batches = data.Batches(images, 128, shuffle=True, seed=1, device=device)
x, targets = next(iter(batches))  # (128, 3, 16, 16)
where = f"{images.name}, images of {budget.image_size}×{budget.image_size}, float32"
print(f"{len(images):,} training images: {where}; size of the first batch: ", end="")
print(f"{x.square().mean().sqrt():.2f}")

# %% [markdown]
# The images are normalised, so their size is about 1. And this is the network that we look
# at: sixteen convolutions with sixteen channels. When we train it, two poolings halve the
# image on the way, which saves time. The function has room for two things that come later:
# another start for the weights, and a layer `norm` after each convolution.


# %%
def deep(start="usual", bias=True, norm=None, pooled=(2, 8), seed=0) -> nn.Sequential:
    """Sixteen convolutions; then each channel's mean, and a linear layer."""
    training.reset_seeds(seed)
    layers = []
    for number in range(1, 17):
        conv = nn.Conv2d(3 if number == 1 else 16, 16, 3, padding=1, bias=bias)
        if start == "He":
            he_start(conv)
        layers += [conv] if norm is None else [conv, norm(16)]
        layers.append(nn.ReLU())
        if number in pooled:
            layers.append(nn.MaxPool2d(2))
    classes = len(images.classes)
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, classes)]
    return nn.Sequential(*layers).to(device)


# %% [markdown]
# ## How large is a sum?
#
# One number that comes out of a convolution is a sum of products: weight times input, for
# every number in the window. How many products there are is called the layer's **fan-in**.
# A window of 3×3 over 16 channels has a fan-in of 144. The weights are drawn at random,
# half of them negative, and so the products have both signs and partly cancel. What is the
# size of such a sum, and what does a ReLU leave of it? We can ask a random generator.

# %%
generator = torch.Generator().manual_seed(0)
for fan_in in (1, 9, 144):
    weights, inputs = torch.randn(2, 20_000, fan_in, generator=generator)
    sums = (weights * inputs).sum(dim=1)  # 20,000 sums of so many products
    sizes = [s.square().mean().sqrt().item() for s in (sums, F.relu(sums))]
    print(f"{fan_in:>3} products: size of the sum {sizes[0]:5.2f}, ", end="")
    print(f"after the ReLU {sizes[1]:.2f}")

# %% [markdown]
# Each product has the size 1, since weights and inputs have the size 1. A sum of 144 of
# them is not 144 times as large. When independent numbers with mean 0 are added, it is
# their mean *squares* that add up. And a ReLU sets the negative half of the sums to 0 and
# leaves the squares of the other half as they are.
#
# ### Exercise: `signal_factor`
#
# Write `signal_factor(layer)`. It gets an `nn.Conv2d` and returns one number: by what
# factor this convolution, with a ReLU after it, changes the size of a signal. Compute it
# from the layer's weights and run nothing. Take the weights as random numbers with mean 0,
# and leave the bias and the border of the image out of account.
#
# Put together what the table shows: how mean squares add up, what the layer's own weights
# are in place of weights of size 1, and what the ReLU leaves. `layer.weight` has the shape
# (channels out, channels in, rows, columns), and `tensor.var()` is a variance.
#
# Example: a 3×3 convolution from 16 to 32 channels, whose weights have a standard deviation
# of 0.1, has the factor 0.849.
#
# Stuck? `checks.hint("signal_factor")`


# %%
def signal_factor(layer: nn.Conv2d) -> float:
    """By what the convolution and its ReLU multiply the size of a signal."""
    ### BEGIN SOLUTION
    fan_in = layer.weight[0].numel()  # channels in · rows · columns
    variance = layer.weight.var().item()
    return math.sqrt(fan_in * variance / 2)
    ### END SOLUTION


signal_factor = checks.signal_factor(signal_factor)

# %% [markdown]
# What is the factor of a fresh PyTorch layer? Three convolutions that have little in common:

# %%
training.reset_seeds(0)
for settings in ((3, 16, 3), (16, 16, 3), (256, 64, 1)):
    factor = float(signal_factor(nn.Conv2d(*settings)))
    print(f"nn.Conv2d{settings}: factor {factor:.3f}")
print(f"square root of 1/6: {math.sqrt(1 / 6):.3f}")

# %% [markdown]
# That is no accident. PyTorch draws the weights of a convolution evenly between
# $-1/\sqrt{n}$ and $+1/\sqrt{n}$, where $n$ is the fan-in. Numbers that lie evenly between
# $-b$ and $b$ have the variance $b^2/3$, which is $1/(3n)$ here, so that the fan-in cancels
# and a sixth is left under the root. (In PyTorch's source the line reads
# `kaiming_uniform_(self.weight, a=math.sqrt(5))`. It has the name of Kaiming He, of whom
# more below, but with this `a` the variance is a sixth of the one that he proposed:
# [issue 15314](https://github.com/pytorch/pytorch/issues/15314).)
#
# ## Sixteen layers, computed and measured
#
# If each layer multiplies the size by about 0.41, sixteen layers multiply it by 0.41 to the
# power of 16. Does a real stack do that? We leave out the biases and the poolings for the
# moment, and measure after each ReLU, with five different draws of the weights.


# %%
@torch.no_grad()
def signal_sizes(model: nn.Sequential, x: torch.Tensor) -> tuple[list, list]:
    """After each ReLU: the size of the signal, and of what differs between images."""
    sizes, differences = [], []
    for layer in [nn.Identity(), *model]:
        x = layer(x)
        if isinstance(layer, (nn.Identity, nn.ReLU)):
            apart = x - x.mean(dim=0)  # what all images have in common is taken away
            sizes.append(x.square().mean().sqrt().item())
            differences.append(apart.square().mean().sqrt().item())
    return sizes, differences


computed, measured = [], []
for seed in range(5):
    model = deep(bias=False, pooled=(), seed=seed)
    factors = [float(signal_factor(m)) for m in model if isinstance(m, nn.Conv2d)]
    computed.append([math.prod(factors[:layers]) for layers in range(17)])
    sizes, _ = signal_sizes(model, x)
    measured.append([size / sizes[0] for size in sizes])

# %%
runs = {"computed": torch.tensor(computed), "measured": torch.tensor(measured)}
mean = {name: sizes.log().mean(dim=0).exp() for name, sizes in runs.items()}
bands = {"measured": (runs["measured"].amin(dim=0), runs["measured"].amax(dim=0))}
axes = plotting.lines(
    mean, "Size of the signal, layer by layer", "layer (0: the image)",
    "size / size of the image", x=range(17), bands=bands, log_y=True,
)  # fmt: skip
plotting.show(axes, caption=f"Geometric mean of five draws, 128 of {where}; no biases.")

# %% [markdown]
# How far apart are the two, in powers of ten?

# %%
one_layer = float(mean["measured"][-1]) ** (1 / 16)
lost = [-math.log10(sizes[-1]) for sizes in measured]
expected = [-math.log10(sizes[-1]) for sizes in computed]
off = inspection.paired_difference(lost, expected)
means = f"computed {sum(expected) / 5:.2f}, measured {sum(lost) / 5:.2f}"
cards.verdict(
    "the factor predicts the size after sixteen layers, within a factor of ten",
    off.is_within(1.0),
    f"powers of ten lost: {means}; difference {off}",
)
bet = {"factor of one layer": one_layer, "powers of ten lost in sixteen": sum(lost) / 5}
cards.compare_guess(my_guess, bet, lesson="03")

# %% [markdown]
# The prediction cannot be exact. It is about the mean over many draws, and a layer of
# sixteen channels is one draw. It also leaves out the border, where a part of the window
# lies on padding, which is zero. Still, one number that you computed from the weights tells
# you what sixteen layers do.
#
# ## Does the bias help?
#
# Real convolutions have a bias, also drawn at random, and it is added anew in each layer.
# So the signal cannot fade to nothing. Does that solve the problem? Your friend's question
# was not how large the output is, but whether it is another one for another image. So we
# look at two sizes now: that of the signal, and that of the part of it in which the images
# of the batch differ.

# %%
sizes, differences = signal_sizes(deep(pooled=()), x)
axes = plotting.lines(
    {"signal": sizes, "what differs between images": differences},
    "Size by layer, with biases", "layer (0: the image)", "root mean square",
    x=range(17), log_y=True,
)  # fmt: skip
plotting.show(axes, caption=f"One draw of the weights, 128 of {where}.")
share = differences[-1] / sizes[-1]
print(f"After sixteen layers the size is {sizes[-1]:.2g}. What differs between images")
print(f"has the size {differences[-1]:.1g}, a share of {share:.0e}.")

# %% [markdown]
# Compare the two lines. Where they part, the signal lives on the biases, which are the same for
# every image, and the image itself fades as before. If the share is a few millionths, you
# cannot tell which image went in. float32 keeps about seven digits, and all but one or two of
# them are the same for every image. Then the network is not silent, but it says nearly the same
# thing to everybody.
#
# ## The way back
#
# A network learns from gradients, and these travel in the other direction, from the loss to the
# first layer. Going back through a convolution they are sums of products with the same weights,
# over the channels that go *out*; and through the ReLU they pass where the signal was positive,
# which is for about half of the numbers. With sixteen channels on both sides the factor is
# therefore the same, 0.41 a layer, and it takes fifteen steps from the last convolution back to
# the first.
#
# So the gradient gets smaller and smaller on its way to the first layer. This is called a
# **vanishing** gradient, and the opposite an **exploding** one. The words are used loosely.
# In this course they have one meaning each. Take the norm of the gradient of each
# convolution's weight, divided by the norm of the weight itself, so that layers can be
# compared. Then divide the first layer's number by the last layer's:
#
# | first / last | the gradient |
# |---|---|
# | at most 1/100 | **vanishes** |
# | at least 100 | **explodes** |
# | between | does neither |
#
# `inspection.gradient_norms` gives the numbers, from one batch, without a step (you write it
# yourself in lesson 04). `inspection.trend` says which row of the table they are in.

# %%
norms = list(inspection.gradient_norms(deep(pooled=()), x, targets).values())
back = float(signal_factor(deep(pooled=())[2])) ** 15  # fifteen layers from the last
print(f"computed for the way back:          {back:.1e}")
print(f"measured, first layer / last layer: {norms[0] / norms[-1]:.1e}")
print(f"so the gradient {inspection.trend(norms)}")

# %% [markdown]
# The two numbers need not agree closely. The gradient of a weight is a sum, over all images and
# positions, of products of two things: the gradient that comes back to the layer's output, and
# the number that the weight was multiplied by. The factor speaks of the first of the two alone.
# If the two agree to within a factor of ten, the factor has explained most of it.
#
# ## He's start
#
# You know what is wrong, and the formula already holds the remedy. Which variance must the
# weights have for a factor of 1? Solve it for the variance: $2 / n$. Kaiming He and his
# colleagues proposed this in 2015 ([arXiv 1502.01852](https://arxiv.org/abs/1502.01852),
# §2.2), ten months before the residual network. It is known as **He initialisation**, or
# Kaiming initialisation.
#
# There was a rule before it. In 2010 Xavier Glorot and Yoshua Bengio had asked the same
# question for networks without ReLUs. Their variance is 2 / (fan-in + fan-out), which is 1 / n
# where both are n: half of He's. The authors of VGG, who had trained a shallow network first to
# get started, note that this rule would have saved them the trouble ([Simonyan & Zisserman
# 2014](https://arxiv.org/abs/1409.1556), §3.1).


# %%
def he_start(conv: nn.Conv2d) -> None:
    """Weights of variance 2 / fan-in; biases 0."""
    fan_in = conv.weight[0].numel()
    with torch.no_grad():
        conv.weight.normal_(mean=0, std=math.sqrt(2 / fan_in))
        if conv.bias is not None:
            conv.bias.zero_()


starts = {"usual": lambda conv: None, "He": he_start}
starts["Glorot"] = lambda conv: nn.init.xavier_normal_(conv.weight)
factors = {}
for name, start in starts.items():
    conv = nn.Conv2d(16, 16, 3)
    start(conv)
    factors[name] = float(signal_factor(conv))
    sixteen = factors[name] ** 16
    print(f"{name:<6} {factors[name]:.2f} a layer, {sixteen:.1e} after sixteen")

# %% [markdown]
# In PyTorch the two lines in the middle of `he_start` are
# `nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")`. Now the same two measurements
# with both starts, and three seeds: what is left of the differences between images, and
# what is left of the gradient.

# %%
norms, trends = {"usual": [], "He": []}, {"usual": [], "He": []}
for name in norms:
    for seed in range(3):
        model = deep(name, pooled=(), seed=seed)
        sizes, differences = signal_sizes(model, x)
        found = list(inspection.gradient_norms(model, x, targets).values())
        norms[name].append(found)
        trends[name].append(inspection.trend(found))
        differs, first_over_last = differences[-1] / sizes[-1], found[0] / found[-1]
        print(f"{name:<6} seed {seed}: {differs:.1e} of the signal differs; ", end="")
        print(f"gradient, first / last: {first_over_last:.1e}")

# %%
mean = {name: torch.tensor(n).log().mean(dim=0).exp() for name, n in norms.items()}
axes = plotting.lines(
    mean, "Gradient by layer, before the first step", "convolution, from the image on",
    "gradient norm / weight norm", x=range(1, 17), log_y=True,
)  # fmt: skip
plotting.show(axes, caption=f"Geometric means of 3 seeds, 128 of {where}.")
cards.verdict(
    "with PyTorch's usual start the gradient vanishes; with He's it does not",
    set(trends["usual"]) == {"vanishes"} and set(trends["He"]) == {"neither"},
    f"usual: {', '.join(trends['usual'])}; He: {', '.join(trends['He'])} (3 seeds)",
)

# %% [markdown]
# ## Does it train now?
#
# The test of a start is the training. We train the network with both starts, three seeds each,
# with Adam at 1e-3, and then measure the error on the training images once more, with the
# network held fixed. That is the question of this lesson: not whether the network does well on
# new images, but whether it starts to learn at all.


# %%
def train(model, rate: float, seed: int) -> float:
    """Train with Adam; return the training error of the finished network."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    options = {"shuffle": True, "seed": seed, "device": device}
    model.train()
    for _ in range(budget.epochs):
        for x, y in data.Batches(images, budget.batch_size, **options):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return error_of(model.eval())


@torch.no_grad()
def error_of(model, batch_size: int = 500) -> float:
    """Share of the training images that the model gets wrong, in the mode it is in."""
    ordered = data.Batches(images, batch_size, device=device)
    wrong = sum((model(x).argmax(dim=1) != y).sum().item() for x, y in ordered)
    return wrong / len(images)


# %%
errors = {"usual start": [], "He's start": []}
with bar(6, "two starts", unit=" trainings") as progress:
    for seed in range(3):
        errors["usual start"].append(train(deep("usual", seed=seed), 1e-3, seed))
        errors["He's start"].append(train(deep("He", seed=seed), 1e-3, seed))
        progress.update(2)
axes = plotting.dots(errors, "Training error of sixteen convolutions", "training error")
how = f"{len(images):,} of {where}, {budget.epochs} epochs"
plotting.show(axes, caption=f"{how}, Adam at 1e-3; a dot for each of 3 seeds.")
usual, he = ({name: values} for name, values in errors.items())
cards.compare("the training error is higher with the usual start", usual, he)

# %% [markdown]
# Guessing has an error of 0.9 where there are ten classes. If the verdict is *reproduced*, then
# the same layers, with the same optimizer and the same images, learn or do not learn by the
# numbers that they begin with. With more patience the first network may get going too: Adam
# makes up for small gradients to a large extent, though not for gradients as small as its ε of
# 1e-8. But it has to begin with images that it can hardly tell apart.
#
# ## Batch norm
#
# He's start sets the sizes once. From the first step on the weights change, and nothing
# keeps the factors at 1. In the same month, February 2015, Sergey Ioffe and Christian
# Szegedy proposed to measure the signal *in the network*, in every step, and to rescale it
# there ([arXiv 1502.03167](https://arxiv.org/abs/1502.03167)). This is **batch norm**. It
# comes between a convolution and its ReLU, and does the following for each channel:
#
# $$y = \gamma \cdot \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# Here $\mu$ and $\sigma^2$ are mean and variance of the channel, $\gamma$ and $\beta$ are
# two learned numbers for each channel, and $\varepsilon = 10^{-5}$ is there so that nobody
# divides by 0. In **training mode**, mean and variance are taken from the batch, over all
# images *and* all positions. But a finished network has to answer for a single image as
# well, and its answer should not depend on which other images happen to be asked about. So
# in **eval mode** batch norm uses stored values in their place, the **running** mean and
# variance, which it has collected during the training.
#
# ### Exercise: `batch_norm`
#
# Write the class `BatchNorm(channels)`, an `nn.Module`. It holds four tensors of shape
# (channels,), with the names that PyTorch uses:
#
# - `weight`, the $\gamma$, starts at 1, and `bias`, the $\beta$, starts at 0. Both are
#   learned.
# - `running_mean` starts at 0 and `running_var` at 1. These two are **buffers**: saved and
#   moved to a GPU together with the module, but not touched by the optimizer.
#   `self.register_buffer(name, tensor)` makes one.
#
# `forward` takes and returns a tensor of shape (N, channels, H, W). The module's mode is in
# `self.training`. In training mode it normalises by the batch and brings the running values
# up to date: each becomes 0.9 times itself plus 0.1 times the batch's value. In eval mode
# it normalises by the running values and changes nothing. The gradient has to go through
# the batch's mean and variance, but must not be kept in the buffers.
#
# One detail of PyTorch: the variance that normalises divides by the count of numbers $n$.
# The one that goes into `running_var` is an estimate for images to come, and divides by
# $n - 1$.
#
# Example: a channel holds the four numbers 1, 3, 5, 7. Their mean is 4, and the squares of
# their distances from it add up to 20. A fresh module in training mode returns -1.34,
# -0.45, 0.45, 1.34, and after that `running_mean` is 0.4 and `running_var` 1.567.
#
# Stuck? `checks.hint("batch_norm")`


# %%
class BatchNorm(nn.Module):
    """Normalise each channel over the batch and all positions, then scale and shift."""

    def __init__(self, channels: int):
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        if self.training:
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), correction=0)
            with torch.no_grad():
                n = x.numel() / x.shape[1]  # numbers in a channel
                self.running_mean.lerp_(mean, 0.1)  # 0.9 times itself, 0.1 times mean
                self.running_var.lerp_(var * n / (n - 1), 0.1)
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight / torch.sqrt(var + 1e-5)
        shift = self.bias - mean * scale
        return x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
        ### END SOLUTION


BatchNorm = checks.batch_norm(BatchNorm)

# %% [markdown]
# Yours, or the course's, beside PyTorch's own, which takes its numbers from the state dict:

# %%
mine, torchs = BatchNorm(16).to(device), nn.BatchNorm2d(16).to(device)
signal = 5 + 3 * torch.randn(32, 16, 8, 8, device=device)
with torch.no_grad():
    for step in range(20):
        in_training = (mine(signal + step) - torchs(signal + step)).abs().max().item()
    torchs.load_state_dict(mine.state_dict(), strict=False)
    in_eval = (mine.eval()(signal) - torchs.eval()(signal)).abs().max().item()
print(f"largest difference: training mode {in_training:.0e}, eval mode {in_eval:.0e}")
assert max(in_training, in_eval) < 1e-3

# %% [markdown]
# ## Why bias=False
#
# You will often see `bias=False` in a convolution that is followed by batch norm. A bias adds
# the same number to a whole channel. What does batch norm make of that?

# %%
training.reset_seeds(0)
conv, norm = nn.Conv2d(3, 16, 3).to(device), BatchNorm(16).to(device)
out = norm(conv(x))
loss = (out * torch.randn_like(out)).mean()  # any loss
gradients = torch.autograd.grad(loss, [conv.weight, conv.bias, norm.bias])
with torch.no_grad():
    conv.bias += 10
    moved = (norm(conv(x)) - out).abs().max().item()
print(f"bias + 10 changes the output by at most {moved:.0e}")
names = "conv.weight", "conv.bias", "norm.bias"
for name, gradient in zip(names, gradients, strict=True):
    print(f"largest gradient of {name:<12} {gradient.abs().max().item():.0e}")

# %% [markdown]
# In training mode the mean contains the bias, and is subtracted. The bias has no effect, and
# its gradient is 0 but for rounding: a number that is stored and updated and does nothing.
# What shifts the channel is batch norm's own bias, the $\beta$. (In eval mode the running mean
# contains the bias and takes it away as well.)
#
# ## Larger steps
#
# What do we gain? Both networks start with He's weights now, and one of them has batch norm
# after each convolution. We take PyTorch's, which does in one call what yours does in ten,
# and so takes less time. Both are trained at the rate from above and at one ten times as
# large, from the same seeds.

# %%
kinds = {"without": {"start": "He"}}
kinds["with batch norm"] = {"start": "He", "bias": False, "norm": nn.BatchNorm2d}
by_rate = {"without": {1e-3: errors["He's start"], 1e-2: []}}
by_rate["with batch norm"] = {1e-3: [], 1e-2: []}
trained = {}  # the last network of each kind and rate
with bar(9, "rates", unit=" trainings") as progress:
    for kind, rates in by_rate.items():
        for rate in [rate for rate, found in rates.items() if not found]:
            for seed in range(3):
                model = deep(**kinds[kind], seed=seed)
                rates[rate].append(train(model, rate, seed))
                trained[kind, rate] = model
                progress.update(1)

# %%
title = "Training error by learning rate, with and without batch norm"
axes = plotting.seeds(by_rate, title, "learning rate", "training error", log_x=True)
plotting.show(axes, caption=f"{how}, Adam; a dot for each of 3 seeds.")
for rate in (1e-2, 1e-3):
    cards.compare(
        f"at a rate of {rate:g} the error without batch norm is higher than with it",
        {"without": by_rate["without"][rate]},
        {"with batch norm": by_rate["with batch norm"][rate]},
    )
cards.compare(
    "with batch norm the small rate has a higher error than the large one",
    {"0.001": by_rate["with batch norm"][1e-3]},
    {"0.01": by_rate["with batch norm"][1e-2]},
)

# %% [markdown]
# Read the verdicts together. Where one says *cannot tell*, three seeds do not separate the two;
# that does not make them equal. If the first is *reproduced*, batch norm has given room for
# larger steps. The third says whether these are worth anything. Bjorck et al. 2018 ([arXiv
# 1806.02375](https://arxiv.org/abs/1806.02375)) argue that the larger steps are the gain. Why
# can a network with batch norm bear them? One reason you can compute: if a step makes all
# weights of a convolution ten times as large, batch norm divides the output by ten again. A
# step that is too long no longer drives the signal out of its range.
#
# ## An image and its company
#
# The price of batch norm is that an image no longer comes alone. In training mode its
# answer depends on the others in the batch. Let us see this with one of the networks that
# we trained at the small rate. We build it once more, with your batch norm in it, and load
# the trained weights: because your tensors have PyTorch's names, the state dict fits.

# %%
yours = deep(**{**kinds["with batch norm"], "norm": BatchNorm})
state = trained["with batch norm", 1e-3].state_dict()
yours.load_state_dict(state, strict=False)  # PyTorch's also counts batches
one, others = x[:1], (x[1:2], x[2:3], x[3:64])
for mode in (True, False):
    print("training mode" if mode else "eval mode")
    for company in others:
        network = copy.deepcopy(yours).train(mode)
        with torch.no_grad():
            probabilities = network(torch.cat([one, company]))[0].softmax(dim=0)
        told = f"P({images.classes[targets[0]]}) = {probabilities[targets[0]]:.3f}"
        print(f"  the first image and {len(company):>2} others: {told}")

# %% [markdown]
# In eval mode the three numbers agree. In training mode they need not, and the smaller the
# company, the less reliable its mean and variance. So what happens if you forget `model.eval()`
# and measure in small batches?

# %%
in_eval, forgotten = error_of(yours.eval()), {}
for batch_size in (2, 8, 64):
    network = copy.deepcopy(yours).train()  # a copy: this changes running values
    forgotten[batch_size] = [error_of(network, batch_size)]
by_mode = {"in training mode": forgotten}
by_mode["in eval mode"] = {size: [in_eval] for size in forgotten}
title = "The same network, measured in two modes"
axes = plotting.seeds(by_mode, title, "images in a batch", "training error", log_x=True)
plotting.show(axes, caption=f"One network with batch norm; {len(images):,} of {where}.")

# %% [markdown]
# The network is the same at every point of the figure; only the company changes. Follow the
# line of training mode from the largest batch to the smallest, and compare it with eval mode.
# Where eval mode lies above the right end of the line, the running values have not caught up
# with the weights: the larger the last steps, the more. (So we took a network of the small
# rate.) Note the word "copy" in the code. A pass in training mode also moves the running
# values, so whoever forgets `eval()` on test images gets numbers that depend on the batches
# *and* changes the network.
#
# ## What batch norm does, and what is said of it
#
# What it does you have written down in a dozen lines: it gives each channel mean 0 and variance
# 1 over the batch, then a learned scale and shift. And you have tried whether networks with it
# bear larger rates.
#
# *Why* it helps is less clear than it may sound. Ioffe and Szegedy gave a reason in the title
# of their paper: "reducing internal covariate shift". While the first layers learn, the
# numbers that reach the later ones keep changing, and batch norm holds their mean and
# variance fixed. In 2018 Shibani Santurkar and others put this to the test
# ([arXiv 1805.11604](https://arxiv.org/abs/1805.11604)). They brought a shifting
# distribution back on purpose, by adding noise after each batch norm, and the networks
# trained about as well as before. They propose another reason: batch norm makes the loss
# change more smoothly with the weights. So say "it normalises each channel over the batch",
# and take "it reduces covariate shift" for what it is, a hypothesis that did not pass this
# test.
#
# And with batch norm in all layers, can we now go as deep as we like? Look at the gradient once
# more, before the first step.

# %%
norms = {}
for name, settings in kinds.items():
    network = deep(**settings, pooled=())
    norms[name] = list(inspection.gradient_norms(network, x, targets).values())
axes = plotting.lines(
    norms, "Gradient by layer, before the first step", "convolution, from the image on",
    "gradient norm / weight norm", x=range(1, 17), log_y=True,
)  # fmt: skip
plotting.show(axes, caption=f"One draw of the weights, 128 of {where}.")
for name, values in norms.items():
    print(f"{name}: first / last {values[0] / values[-1]:.1f}, ", end="")
    print(f"second / last {values[1] / values[-1]:.1f}: {inspection.trend(values)}")

# %% [markdown]
# By our definition a network of sixteen layers with batch norm is in order if the line above
# says "neither". Now follow its curve from right to left, the way that the gradient takes.
# Where it rises, the gradient grows on its way back. (One draw; the curve is rough. The first
# layer has 3 channels and not 16, so the second is printed too.) Yang et al. 2019 ([arXiv
# 1902.08129](https://arxiv.org/abs/1902.08129)) derive such a growth from batch norm itself. A
# factor a little above 1 may do no harm in sixteen layers; with more, the same arithmetic
# applies as at the beginning of this lesson, and lesson 04 measures it. We have reached the
# networks of 2015: they start well, they are normalised, and they are about to get deeper.

# %% [markdown]
# ## What we measured

# %%
usual, he = (sum(found) / 3 for found in errors.values())
fast, normed = (sum(rates[1e-2]) / 3 for rates in by_rate.values())
print(f"1. A fresh convolution and its ReLU multiply the size by {one_layer:.2f},")
print(f"   computed {factors['usual']:.2f};")
print(f"   sixteen lose {sum(lost) / 5:.1f} powers of ten.")
print(f"2. With biases, a share of {share:.0e} of the output differs between images.")
print(f"3. Mean training error after {budget.epochs} epochs:")
print(f"   {usual:.2f} with the usual start,")
print(f"   {he:.2f} with He's.")
print(f"4. At a rate of 0.01: {fast:.2f} without batch norm, {normed:.2f} with it.")
print(f"5. One network with batch norm: error {in_eval:.2f} in eval mode, ", end="")
print(f"{forgotten[2][0]:.2f} in training mode with batches of two.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. You double the number of channels of every layer of a stack. Does the
# signal fade less with PyTorch's usual start?</summary>
#
# No. The fan-in doubles, but PyTorch's rule halves the variance of the weights to go with it,
# and the factor stays at √(1/6). "More channels carry more" sounds right, and the fan-in
# cancels.
# </details>
#
# <details><summary>2. The output of a deep stack has a healthy size at the start. Is the stack
# in order?</summary>
#
# You cannot know from that. Biases alone give the output a size. Ask what differs between
# images: subtract the mean over the batch and look at what is left.
# </details>
#
# <details><summary>3. Why is there a 2 in He's rule, and what would you use for layers without
# a ReLU?</summary>
#
# The ReLU removes half of the mean square, and the 2 puts it back. Without ReLUs nothing is
# removed, and the variance is 1 / fan-in: Glorot's rule, where fan-in and fan-out are equal.
# </details>
#
# <details><summary>4. You multiply all weights of a convolution by 3, and a batch norm follows.
# What changes in training mode, and what in eval mode?</summary>
#
# In training mode practically nothing: mean and deviation of the batch grow by a factor of 3 as
# well. In eval mode the output changes at once, since the stored mean and variance are those of
# the old weights, until some batches in training mode have brought them up to date.
# </details>
#
# <details><summary>5. A colleague's network with batch norm does well in training and is near
# guessing in eval mode, on the same images. Name two suspects.</summary>
#
# The running values: they may never have been updated, or too few batches have gone in since
# the weights changed. And the training batches: if they are very small, or each holds one
# class only, their mean and variance are unlike those of all images. Overfitting is no
# suspect, since the images are the same.
# </details>

# %% [markdown]
# ## Further reading
#
# - Glorot & Bengio 2010,
#   [Understanding the difficulty of training deep feedforward neural
#   networks](https://proceedings.mlr.press/v9/glorot10a.html): the factor per layer, before
#   the ReLU.
# - He, Zhang, Ren, Sun 2015, [arXiv 1502.01852](https://arxiv.org/abs/1502.01852), §2.2: the
#   same with the ReLU, forward and backward.
# - Ioffe & Szegedy 2015, [arXiv 1502.03167](https://arxiv.org/abs/1502.03167): batch norm.
# - Santurkar, Tsipras, Ilyas, Mądry 2018,
#   [arXiv 1805.11604](https://arxiv.org/abs/1805.11604): why it helps, put to the test.
# - Daneshmand, Kohler, Bach, Hofmann, Lucchi 2020,
#   [arXiv 2003.01652](https://arxiv.org/abs/2003.01652): in deep stacks with random weights
#   the outputs for different images become more and more alike. The authors compute how
#   alike, as a rank, and prove for a simplified network that batch norm keeps it up.
#
# Next: [lesson 04](04_degradation.ipynb), where the networks start well, have batch norm in
# every layer, and deeper ones still do worse.
