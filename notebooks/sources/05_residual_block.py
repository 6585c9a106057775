# %% [markdown]
# # 05 · The residual block
#
# *A line around two layers, a plus sign, and the same 56 layers again.*

# %% [markdown]
# **After this lesson you can**
#
# - write the residual block from scratch and say what each line does to the shape,
# - say why its steps stand in this order, and why its convolutions have no bias,
# - say what batch norm computes, and which of its usual explanations is not settled,
# - recognise the in-place trap by its error message,
# - start a deep network as the identity, and measure how the gradient comes back to the input.
#
# **You need:** lesson 04.
#
# **Time:** 45 minutes to read and write; the code runs in less than a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# In lesson 04 a plain network of 56 layers failed on its own training images. Now every two layers get a line around
# them, so that the block computes $F(x) + x$ in place of $F(x)$. The depth, the images, the epochs and the optimizer
# stay as they were.
#
# What share of the training images does the new network, **residual 56**, get wrong after the same training? Blind
# guessing among ten classes gives 0.9.

# %%
my_guess = {"residual 56": None}  # for example 0.5

# %% [markdown]
# ## The data and the budget
#
# The same as in lesson 04.

# %%
import math
import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, experiments, explorers, inspection, plotting, runtime, training
from resnet_course.notebook import cards
from resnet_course.base.errors import CourseError
from resnet_course.models import PlainBlock, ResNet, cifar_resnet, needs_projection, projection_shortcut
from resnet_course.models import BasicBlock as CourseBlock  # its layers are called conv1, bn1, conv2, bn2, shortcut

plotting.use_style()
profile = runtime.profile()
precision = runtime.precision()
budget = profile.pick(
    quick=runtime.Budget(images=1_400, image_size=16, epochs=5),
    full=runtime.Budget(images=50_000, image_size=32, epochs=20, batch_size=128),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
print(f"{images.name}: {len(images):,} images of {images.image_size}×{images.image_size}; "
      f"{budget.epochs} epochs on {profile.device}, {precision}")  # fmt: skip

# %% [markdown]
# ## From F(x) to F(x) + x
#
# Call $H(x)$ what a block ought to compute. A plain block has to produce all of $H(x)$ by itself. A **residual
# block** gets x for nothing and has to produce the rest, $F(x) = H(x) - x$. That rest is the **residual**.
#
# Both can come close to the same functions. What changes is what is *easy*. If the best a block can do is to pass its
# input on, a plain block must find the identity, one exact pattern of weights. A residual block must only bring
# $F(x)$ to zero (He et al. 2015, §3.1).
#
# You will often read that "adding x lets the information through". That says little: a plain block lets information
# through, too. The point is that the block learns a **difference from the identity**. Further down you measure how
# large these differences are.

# %%
block_figure = plotting.block_diagram("basic", 16, 16)
plotting.show(
    block_figure,
    alt="The residual block: convolution, batch norm, ReLU, convolution, batch norm in a column. A line leaves x "
    "above the first convolution, goes around all of them, and meets them again at a plus sign before the last ReLU.",
    caption="The line around the layers is the shortcut. The layers that it goes around compute F(x).",
)

# %% [markdown]
# ### Exercise: `basic_block`
#
# Write the class `BasicBlock(in_planes, planes, stride=1)`. This is what happens to a tensor of shape (N, 16, 8, 8)
# in `BasicBlock(16, 32, stride=2)`:
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
# No convolution has a bias. When the block keeps the shape, the shortcut is the identity and has no weights; an empty
# `nn.Sequential()` does that. When the shape changes, x cannot be added as it is: `needs_projection(in_planes,
# planes, stride)` tells you so, and `projection_shortcut(in_planes, planes, stride)` gives you a module that brings x
# to the right shape. Lesson 07 takes both apart.
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
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()  # the identity
        if needs_projection(in_planes, planes, stride):
            self.shortcut = projection_shortcut(in_planes, planes, stride)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        out = self.conv1(x)  # (N, planes, H / stride, W / stride)
        out = F.relu(self.bn1(out))  # the same shape from here on
        out = self.conv2(out)
        out = self.bn2(out)  # F(x): positive and negative numbers
        out = out + self.shortcut(x)  # x as it came in, brought to the shape of F(x)
        return F.relu(out)
        ### END SOLUTION


BasicBlock = checks.basic_block(BasicBlock)

# %% [markdown]
# Send one image through the block and look at each layer's shapes and weights.

# %%
for row in inspection.trace_layers(BasicBlock(16, 32, stride=2), (16, 8, 8)):
    print(f"{row.name:<12}{row.kind:<13}{row.in_shape!s:>13} → {row.out_shape!s:<13}{row.parameters:>6,} weights")

# %% [markdown]
# ## Fifty-six layers again
#
# `train` is the function of lesson 04. The two networks differ in the class of their blocks and in nothing else.


# %%
def make_network(name: str) -> nn.Module:
    kind, depth = name.split()
    block = {"plain": PlainBlock, "residual": BasicBlock}[kind]
    return ResNet(block, [(int(depth) - 2) // 6] * 3, num_classes=len(images.classes), width=16)


def train(model, description, epochs=budget.epochs, rate=0.1):
    batches = data.Batches(images, budget.batch_size, shuffle=True, device=profile.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=epochs * len(batches))
    return training.fit(
        model, batches, None, optimizer, F.cross_entropy, epochs,
        scheduler=schedule, precision=precision, description=description,
    )  # fmt: skip


# %%
models, histories = {}, {}
for name in ("plain 56", "residual 56"):
    training.reset_seeds(0)
    models[name] = make_network(name).to(profile.device)
    histories[name] = train(models[name], name)

clean_batches = data.Batches(images, 500, device=profile.device)
train_error = {name: 1 - training.evaluate(model, clean_batches)[1] for name, model in models.items()}

# %% [markdown]
# As in lesson 04, the figure shows the running error of each epoch, and the numbers below it are measured after the
# training with fixed weights.

# %%
axes = plotting.lines(
    {name: [1 - accuracy for accuracy in history.train_acc] for name, history in histories.items()},
    title="Training error, with and without shortcuts", x_label="epoch", y_label="error on the training images",
    x=range(1, budget.epochs + 1), guesses=my_guess, y_limits=(0, 1),
)  # fmt: skip
plotting.show(
    axes,
    alt="Training error by epoch of plain 56 and residual 56. Measured after training: "
    + ", ".join(f"{name} {error:.3f}" for name, error in train_error.items()),
    caption=f"{len(images):,} training images of {images.name}, one seed.",
)
cards.compare_guess(my_guess, train_error, lesson="05")
cards.verdict(
    "residual 56 has a lower training error than plain 56",
    train_error["residual 56"] < train_error["plain 56"] - 0.02,
    f"residual 56: {train_error['residual 56']:.3f}, plain 56: {train_error['plain 56']:.3f}; "
    "a difference below 0.02 would not count",
)

# %% [markdown]
# A doubter has two questions. *One seed, one learning rate?* The record of lesson 04 has three seeds and four rates,
# on 2,000 generated images, five epochs. *Are there not two more layers, in the projections?* There are, with
# few weights; and in the record residual 56 has shortcuts without any (option A of lesson 07), so that both networks
# have exactly the same number.

# %%
weights = {name: inspection.count_parameters(model) for name, model in models.items()}
extra = weights["residual 56"] - weights["plain 56"]
print(f"plain 56: {weights['plain 56']:,} weights; residual 56: {extra:,} more ({extra / weights['plain 56']:.2%})")

recorded = {}
for record in experiments.load_records("learning-rates"):
    run = record["configuration"]
    recorded.setdefault((run["network"], run["learning_rate"]), []).append(record["train_error"])
rates = sorted({rate for _, rate in recorded})
for rate in rates:
    for name in models:
        print(f"rate {rate:<5} {name:<12}" + "".join(f"{error:>8.3f}" for error in recorded[name, rate]))
cards.verdict(
    "at each of the recorded rates, the worst residual 56 is better than the best plain 56",
    all(max(recorded["residual 56", rate]) < min(recorded["plain 56", rate]) for rate in rates),
    f"training errors of {len(recorded['plain 56', 0.1])} seeds for each network and rate",
)

# %% [markdown]
# Look at the spread as well: at some rates the seeds of residual 56 differ a lot. A single run may be a lucky one or
# an unlucky one. Lesson 07 comes back to this.
#
# Lesson 04 had a slider for the depth of plain networks. Here it is again with the residual ones: five depths, five
# seeds, the same budget for all. Two things to look for: where do the two kinds part, and at which depth do the seeds
# of the residual networks lie furthest apart?

# %%
explorers.depth_explorer(experiments.load_records("degradation"))

# %% [markdown]
# And on photographs? The record of lesson 04 on the JPEG copy of CIFAR-10 has the residual networks, too. Its limits
# stay: five epochs, one or two seeds, numbers that are compared with each other and never with published ones.

# %%
photographs, missing = experiments.load_recorded("degradation", "cifar10-jpeg")
photo_errors = experiments.errors_by_network(photographs)
for run in missing:
    print(f"not recorded yet: {run.network}, seed {run.seed}")
if photographs:
    axes = experiments.draw_curves(photographs, "Training error on photographs")
    plotting.show(
        axes,
        alt="Error on the training images by epoch. Measured after training, one number for each seed: "
        + "; ".join(f"{name} {', '.join(f'{e:.3f}' for e in seeds)}" for name, seeds in photo_errors.items()),
        caption=f"Recorded on the JPEG copy of CIFAR-10. {experiments.bands_in_words(photographs)}.",
    )

# %%
for depth in (20, 56):
    plain, residual = (photo_errors.get(f"{kind} {depth}", []) for kind in ("plain", "residual"))
    if plain and residual:
        cards.verdict(
            f"on photographs every recorded residual {depth} has a lower training error than every plain {depth}",
            max(residual) < min(plain),
            "; ".join(f"{kind} {', '.join(f'{error:.3f}' for error in seeds)}"
                      for kind, seeds in [("plain", plain), ("residual", residual)]),
        )  # fmt: skip
    else:
        print(f"There is no verdict on depth {depth} without records of both kinds.")

# %% [markdown]
# ## How far does a block move its input?
#
# A block that computes a small difference from the identity gives back nearly what it got. We can measure that for
# every block that keeps the shape: the norm of (output - input), divided by the norm of the input. Zero means that
# the block does nothing. A plain block has no reason to stay near its input.

# %%
batch = next(iter(data.Batches(images, 128, shuffle=True, device=profile.device)))


def measure(model, modules, number):
    """number(input, output) of each module that keeps the shape, for one batch in training mode."""
    numbers = []

    def note(_, inputs, output):
        if inputs[0].shape == output.shape:
            numbers.append(number(inputs[0], output))

    hooks = [module.register_forward_hook(note) for module in modules]
    with torch.no_grad():
        model.train()(batch[0])
    for hook in hooks:
        hook.remove()
    return numbers


# %%
def blocks_of(model):
    return [block for stage in model.stages for block in stage]


def relative_change(model):
    return measure(model, blocks_of(model), lambda x, out: ((out - x).norm() / x.norm()).item())


change = {name: relative_change(model) for name, model in models.items()}
mean_change = {name: sum(values) / len(values) for name, values in change.items()}
for name in models:
    training.reset_seeds(0)
    fresh = relative_change(make_network(name).to(profile.device))
    print(f"{name:<12} mean over the blocks: fresh {sum(fresh) / len(fresh):.2f}, trained {mean_change[name]:.2f}")

# %% [markdown]
# Block by block, after the training:

# %%
axes = plotting.profile(
    change, title="How far a block moves its input", x_label="block, from input to output",
    y_label="|output - input| / |input|", log_y=False, y_limits=(0, 1.1 * max(map(max, change.values()))),
)  # fmt: skip
plotting.show(
    axes,
    alt="Relative change by block after training. Mean over the blocks: "
    + ", ".join(f"{name} {value:.2f}" for name, value in mean_change.items()),
    caption="One batch of 128 training images, blocks that keep the shape, after training.",
)
cards.verdict(
    "residual blocks change their input less than plain blocks do",
    mean_change["residual 56"] < mean_change["plain 56"],
    f"mean relative change: residual 56 {mean_change['residual 56']:.2f}, plain 56 {mean_change['plain 56']:.2f}",
)

# %% [markdown]
# A change of 1 means that the difference is as large as the input itself: a plain block *replaces* what it gets, a
# residual block adjusts it. Compare fresh and trained before you call this "learned". Most of it comes with the
# construction: behind a batch norm $F(x)$ has about the same size in every block, while x grows from sum to sum.
#
# He et al. measure something related, the standard deviation of each layer's output behind its batch norm (§4.1,
# figure 7). They find it smaller in residual networks than in plain ones, and smaller in deeper residual networks.
# The same number here:


# %%
def responses(model):
    """Standard deviation behind each batch norm of the main path, before the addition and the ReLU."""
    layers = [
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.BatchNorm2d) and "shortcut" not in name
    ]
    return measure(model, layers, lambda x, out: out.std().item())


response = {name: responses(model) for name, model in models.items()}
for name, values in response.items():
    print(f"{name:<12} mean {sum(values) / len(values):.2f}   first ten layers "
          + " ".join(f"{value:.1f}" for value in values[:10]))  # fmt: skip

# %% [markdown]
# Be careful with this one. Behind a batch norm the standard deviation is about the layer's own scale factor γ, which
# starts at 1 in every network, and short runs hardly move it. So a difference in the mean can come from a few layers
# only; look at the first ten. The paper measured after 64,000 steps.
#
# ## Why in this order?
#
# conv, batch norm, ReLU, conv, batch norm, **add, ReLU**. Why is there no ReLU between the last batch norm and the
# plus sign? Because $F(x)$ would then never be negative. Such a block could only ever *add*: no number could come out
# smaller than it went in. So let us count how often the trained blocks make a number smaller.


# %%
class ReluFirst(CourseBlock):
    """The wrong order: the last ReLU stands before the addition."""

    def forward(self, x):
        return F.relu(self.transform(x)) + self.shortcut(x)


def lowered(x, out):
    return ((out < x).sum() / (x > 0).sum()).item()  # share of the positive numbers that came out smaller


shares = measure(models["residual 56"], blocks_of(models["residual 56"]), lowered)
print(f"trained residual 56: {min(shares):.2f} to {max(shares):.2f} of the positive numbers come out smaller")

training.reset_seeds(0)
start = torch.randn(8, 16, 8, 8).relu()
for block_class in (CourseBlock, ReluFirst):
    x = start
    for _ in range(9):  # one stage of the 56-layer network, with fresh weights
        x = block_class(16, 16)(x)
    print(f"{block_class.__name__:<11} mean before {start.mean():.2f}, after nine fresh blocks {x.mean():.2f}")

# %% [markdown]
# The trained blocks use the negative half of $F(x)$ everywhere. The mean grows in both orders, because what leaves a
# block is never negative; with the ReLU first it grows by the whole positive half of $F$ in each block. He et al.
# trained that order in a later paper and found it worse (2016, arXiv 1603.05027, §4.1).
#
# And the ReLU *after* the addition? It is the nonlinearity between the blocks. It has a price: it stops the gradient
# wherever the sum is negative, on the shortcut as well. The later paper moves it into the branch; that is the
# pre-activation block of lesson 11.
#
# ## Why bias=False?
#
# A bias adds the same number to a whole channel. The batch norm behind it subtracts the channel's mean, and the bias
# with it. Look at the numbers.

# %%
training.reset_seeds(0)
x = torch.randn(16, 8, 6, 6)
conv, norm = nn.Conv2d(8, 8, kernel_size=3, padding=1), nn.BatchNorm2d(8)
nn.init.normal_(conv.bias)
with_bias = norm(conv(x))
without_bias = norm(F.conv2d(x, conv.weight, padding=1))
with_bias.square().mul(torch.randn_like(with_bias)).sum().backward()  # some loss

bias_matters = (with_bias - without_bias).abs().max().item()
bias_gradient, weight_gradient = conv.bias.grad.abs().max().item(), conv.weight.grad.abs().max().item()
print(f"largest bias                        {conv.bias.abs().max().item():.2g}")
print(f"largest difference in the output    {bias_matters:.1g}")
print(f"largest gradient: of the bias       {bias_gradient:.1g}")
print(f"                  of the weights    {weight_gradient:.2g}")

# %% [markdown]
# In training mode the bias does nothing, and its gradient is zero up to rounding. It would be a number that no
# training can change. (In eval mode the stored mean contains the bias, so it cancels there as well.) What shifts the
# output is batch norm's own bias, often called β.
#
# ## What batch norm really does
#
# For each channel: take the mean and the variance over all images of the batch *and* all positions. Subtract, divide,
# then scale by γ (`weight`) and shift by β (`bias`), two learned numbers for each channel.

# %%
x = 5 + 3 * torch.randn(16, 2, 6, 6)
norm = nn.BatchNorm2d(2)
with torch.no_grad():
    norm.weight.copy_(torch.tensor([1.0, 0.5]))
    norm.bias.copy_(torch.tensor([1.0, 2.0]))
    out = norm(x)
    mean = x.mean(dim=(0, 2, 3), keepdim=True)  # (1, 2, 1, 1): one number for each channel
    variance = x.var(dim=(0, 2, 3), keepdim=True, correction=0)
    by_hand = (x - mean) / (variance + norm.eps).sqrt() * norm.weight.view(1, 2, 1, 1) + norm.bias.view(1, 2, 1, 1)

for name, tensor in (("in", x), ("out", out)):
    print(f"{name:<4} channel 0: mean {tensor[:, 0].mean():.2f}, deviation {tensor[:, 0].std():.2f}   "
          f"channel 1: mean {tensor[:, 1].mean():.2f}, deviation {tensor[:, 1].std():.2f}")  # fmt: skip
print(f"by hand against nn.BatchNorm2d: largest difference {(out - by_hand).abs().max().item():.1g}")

# %% [markdown]
# γ was set to 1 and 0.5, β to 1 and 2, and that is what comes out. One property to remember: what happens to an image
# if it comes alone, without the other images of its batch?

# %%
for mode in (True, False):
    norm.train(mode)
    with torch.no_grad():
        difference = (norm(x[:1]) - norm(x)[:1]).abs().max().item()
    print(f"{'training' if mode else 'eval'} mode: the first image alone differs from the same image in its batch by "
          f"up to {difference:.2f}")  # fmt: skip

# %% [markdown]
# In training mode an image's result depends on its company. In eval mode it does not, because stored averages take
# the place of the batch's mean and variance.
#
# "Batch norm keeps deep batches from collapsing" is a sentence about no quantity that anyone computes. What is safe
# to say is what you have just computed, and that networks with it bear larger steps. Let us see that: a small
# network, the same first weights, two epochs, two learning rates. The control keeps γ and β and leaves out the
# normalising alone.


# %%
class ScaleAndShift(nn.Module):
    """Batch norm without the normalising: the same two learned numbers for each channel."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x):
        return x * self.weight + self.bias


def without_normalising(model):
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, ScaleAndShift(child.num_features))
    return model


# %%
normalising_error = {}
for kind in ("with", "without"):
    for rate in (0.1, 0.5):
        training.reset_seeds(0)
        small = make_network("residual 8")
        small = (small if kind == "with" else without_normalising(small)).to(profile.device)
        try:
            train(small, f"{kind}, rate {rate}", epochs=2, rate=rate)
            normalising_error[kind, rate] = 1 - training.evaluate(small, clean_batches)[1]
        except CourseError:  # the loss left the range of floats
            normalising_error[kind, rate] = math.nan
        print(f"residual 8, {kind} normalising, rate {rate}: training error {normalising_error[kind, rate]:.3f}")
if any(map(math.isnan, normalising_error.values())):
    print("nan: the loss left the range of floats")

cards.verdict(
    "with normalising, the larger rate gives a lower training error than either rate without",
    all(not normalising_error["without", rate] < normalising_error["with", 0.5] + 0.02 for rate in (0.1, 0.5)),
    ", ".join(f"{kind}, rate {rate}: {error:.3f}" for (kind, rate), error in normalising_error.items()),
)

# %% [markdown]
# *That* it helps is measured here and in many papers. *Why* is still argued. Ioffe & Szegedy (2015) called the cause
# "internal covariate shift", the moving distribution of each layer's input. Santurkar et al. (2018) brought that
# shift back on purpose, saw batch norm help all the same, and propose that it makes the loss smoother. So write
# "normalises each channel", and leave "reduces covariate shift" as a hypothesis.
#
# ## The in-place trap
#
# `x += out` looks like a shorter `x = x + out`. It is not the same. `x + out` makes a new tensor; `x += out` writes
# into the tensor that the *caller* handed in. Two things can happen, and you will now see both.


# %%
class InPlaceBlock(CourseBlock):
    def forward(self, x):
        out = self.transform(x)
        x += out  # overwrites the caller's tensor
        return F.relu(x)


features = torch.rand(2, 16, 8, 8)
kept = features.clone()
with torch.no_grad():
    InPlaceBlock(16, 16)(features)
print(f"without gradients: no error, and the caller's tensor has changed by up to {(features - kept).abs().max():.2f}")

# %%
try:
    InPlaceBlock(16, 16)(kept).sum().backward()
except RuntimeError as error:
    print(str(error).replace(": [", ":\n[").replace("; ", ";\n").replace(". Hint", ".\nHint"))

# %% [markdown]
# Read it line by line.
#
# 1. "one of the variables needed for gradient computation has been modified by an inplace operation": to compute the
#    gradient of its weights, a convolution needs the input that it had. PyTorch had kept a reference to it, not a
#    copy.
# 2. "[torch.FloatTensor [2, 16, 8, 8]] ... output 0 of Add ... is at version 1": that is the tensor, named by its
#    type and shape and by what wrote into it last, an addition. Look for a tensor of this shape in your block. Every
#    in-place operation raises a tensor's version by one.
# 3. "expected version 0 instead": the version when it was kept for the backward pass. So there was one change since.
# 4. The hint: `torch.autograd.set_detect_anomaly(True)` also shows the line of the forward pass.
#
# The first case is the worse one: no error, and the caller goes on with other numbers. And is
# `out += self.shortcut(x)` wrong, too? No. There `out` is a fresh tensor that the block has made itself; nobody else
# holds it, and the backward pass of batch norm does not need its output. torchvision's block does it that way, with
# `nn.ReLU(inplace=True)` after it.

# %% [markdown]
# ## Start as the identity
#
# Doing nothing means $F(x) = 0$. Which numbers of the block have to be small for that? Not the weights of the
# convolution:

# %%
training.reset_seeds(0)
block, x = CourseBlock(16, 16), torch.rand(32, 16, 8, 8)
sizes = {}
with torch.no_grad():
    sizes["fresh"] = block.transform(x).std().item()
    block.conv2.weight.mul_(0.1)
    sizes["conv2 a tenth"] = block.transform(x).std().item()
    block.bn2.weight.mul_(0.1)
    sizes["γ of bn2 a tenth"] = block.transform(x).std().item()
print("size of F(x): " + ", ".join(f"{name} {size:.3f}" for name, size in sizes.items()))

# %% [markdown]
# Batch norm divides by the deviation, so the size of the convolution's weights cancels. The size of $F(x)$ is the γ
# of the *last* batch norm. Goyal et al. 2017 (arXiv 1706.02677, §5.1) therefore start it at zero: at the first step
# every residual block is the identity, however deep the network. This is called **zero-γ**, or `zero_init_residual`.
#
# ### Exercise: `zero_init_residual`
#
# Write `zero_init_residual(model)`: set the `weight` of the last batch norm of every block of a network to zero. The
# network's blocks are of the class `CourseBlock` (imported at the top), and their layers are called `conv1`, `bn1`,
# `conv2`, `bn2` and `shortcut`. `model.modules()` walks through all modules, blocks and layers alike. Change the
# model itself; what you return does not matter.
#
# After `zero_init_residual(model)`, `model.layer1[0].bn2.weight` holds 16 zeros, and `model.bn1.weight` is as it was.
#
# Stuck? `checks.hint("zero_init_residual")`


# %%
def zero_init_residual(model):
    """Start every residual block of the model as the identity."""
    ### BEGIN SOLUTION
    for module in model.modules():
        if isinstance(module, CourseBlock):
            nn.init.zeros_(module.bn2.weight)
    ### END SOLUTION


zero_init_residual = checks.zero_init_residual(zero_init_residual)

# %% [markdown]
# Now the blocks that keep the shape must be the identity on the numbers that they meet. These are never negative,
# because each block ends with a ReLU.

# %%
training.reset_seeds(0)
identity_start = cifar_resnet(56, len(images.classes), shortcut="B").to(profile.device)
zero_init_residual(identity_start)
moved = max(measure(identity_start, blocks_of(identity_start), lambda x, out: (out - x).abs().max().item()))
print(f"largest change that any of the blocks makes to its input: {moved:.1g}")

F.cross_entropy(identity_start(batch[0]), batch[1]).backward()
block = identity_start.layer1[0]
print(f"gradient of conv2 in the first block {block.conv2.weight.grad.norm().item():.2g}, "
      f"of its last γ {block.bn2.weight.grad.norm().item():.2g}")  # fmt: skip

# %% [markdown]
# With γ = 0 no gradient reaches the convolutions of the block: in the first step only γ moves, and from the second
# step on everything learns. That is why only the *last* batch norm may start at zero. With two zeros in a row,
# neither would ever get a gradient.
#
# ## The gradient's short way home
#
# The output of a block depends on x in two ways, through $F$ and through the shortcut. So the gradient at x is the
# sum of two parts. You can take them apart by cutting one way: `.detach()` returns the same numbers, but lets no
# gradient pass.
#
# ### Exercise: `shortcut_gradient`
#
# Write `shortcut_gradient(block, x)`. For a `CourseBlock` and an input x, it returns two tensors of x's shape: the
# part of the gradient of `block(x).sum()` that reaches x through $F$, and the part that comes through the shortcut.
# The block offers its two ways as `block.transform(x)`, which is $F(x)$, and `block.shortcut(x)`; its output is
# `F.relu(block.transform(x) + block.shortcut(x))`.
#
# The numbers of both ways must stay in the sum, since the ReLU looks at the sum. `torch.autograd.grad(output.sum(),
# x)` returns a tuple with one gradient. Together, your two tensors must be the whole gradient.
#
# Stuck? `checks.hint("shortcut_gradient")`


# %%
def shortcut_gradient(block, x):
    """The gradient of block(x).sum() at x, in two parts: through F, and through the shortcut."""
    x = x.detach().requires_grad_()
    ### BEGIN SOLUTION
    without_shortcut = F.relu(block.transform(x) + block.shortcut(x).detach())
    without_f = F.relu(block.transform(x).detach() + block.shortcut(x))
    (through_f,) = torch.autograd.grad(without_shortcut.sum(), x)
    (through_shortcut,) = torch.autograd.grad(without_f.sum(), x)
    return through_f, through_shortcut
    ### END SOLUTION


shortcut_gradient = checks.shortcut_gradient(shortcut_gradient)

# %% [markdown]
# What comes through the shortcut of a fresh block, and what is left after nine blocks if *only* the shortcuts are
# used?

# %%
training.reset_seeds(0)
stack, x = nn.Sequential(*(CourseBlock(16, 16) for _ in range(9))), torch.randn(16, 16, 8, 8).relu()
through_f, through_shortcut = shortcut_gradient(stack[0], x)
print(f"one block: through the shortcut come the values {through_shortcut.unique().tolist()}, "
      f"{through_shortcut.mean().item():.2f} of them are 1")  # fmt: skip

x = x.detach().requires_grad_()
out = x
for block in stack:
    out = F.relu(block.transform(out).detach() + out)  # the gradient can only take the shortcuts
(home,) = torch.autograd.grad(out.sum(), x)
print(f"nine blocks: the values {home.unique().tolist()}, {home.mean().item():.2f} of them are 1")

# %% [markdown]
# The shortcut multiplies the gradient by 1 or by 0: by 1 where the block's last ReLU lets the sum through, by 0
# elsewhere. There is no weight on this way, so whatever arrives, arrives at full size, however many blocks it has
# passed. (A projection does have weights; residual 56 has two of them on the whole way.)
#
# Does that mean that "shortcuts cure vanishing gradients"? Measure before you say so. The same picture as in lesson
# 04, before the first step: the gradient of every convolution, divided by the norm of its weight.

# %%
norms = {}
for name in ("plain 56", "residual 56"):
    training.reset_seeds(0)
    norms[name] = list(inspection.gradient_norms(make_network(name).to(profile.device), *batch).values())
growth = {name: values[0] / values[-1] for name, values in norms.items()}
axes = plotting.profile(
    norms, title="Gradient by layer, before the first step",
    x_label="layer, from input to output", y_label="gradient norm / weight norm",
)  # fmt: skip
plotting.show(
    axes,
    alt="Relative gradient norm of each convolution before the first step, logarithmic axis. First and last layer: "
    + ", ".join(f"{name} {values[0]:.2g} and {values[-1]:.2g}" for name, values in norms.items()),
    caption="One batch of 128 training images, one seed.",
)
cards.verdict(
    "at the start no gradient vanishes; it grows towards the input, and far less with shortcuts",
    growth["plain 56"] > 1 and 1 < growth["residual 56"] < growth["plain 56"] / 2,
    f"first layer / last layer: plain 56 {growth['plain 56']:,.0f}, residual 56 {growth['residual 56']:,.0f}",
)

# %% [markdown]
# So at the start there is nothing to cure: the plain network's first layers get too *much* gradient, not too little.
# Yang et al. 2019 (arXiv 1902.08129) explain this growth in networks with batch norm. And after the training?

# %%
for name, model in models.items():
    values = list(inspection.gradient_norms(model, *batch).values())
    training.reset_seeds(0)
    grown = (model.conv1.weight.norm().cpu() / make_network(name).conv1.weight.norm()).item()
    print(f"{name:<12} first layer {values[0]:.1e}, last layer {values[-1]:.1e}, "
          f"largest / smallest of all layers {max(values) / min(values):,.0f}; "
          f"norm of the first weights: {grown:.1f} times that at the start")  # fmt: skip

zero_norms = inspection.gradient_norms(identity_start, *batch)
print(f"before the first step, first layer of residual 56: usual start {norms['residual 56'][0]:.2g}, "
      f"zero-γ start {next(iter(zero_norms.values())):.2g}")  # fmt: skip

# %% [markdown]
# Look at the growth of the weights. Near the input the first steps of plain 56 were so large that its weights there
# have grown many times over. Behind a batch norm their size cancels in the output, but not in the gradient: weights
# ten times as large have, by that alone, a relative gradient a hundred times smaller. So a small number near the
# input *after* the training is no proof that the gradient got lost on its way back.
#
# The sentence that the numbers allow: with shortcuts the gradient is more **even** over the layers, before the
# training and after it. He et al. write themselves that vanishing gradients are unlikely to be the cause of the
# degradation (§4.1). What else plain depth loses is structure: Balduzzi et al. 2017, in lesson 04.
#
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(
    f"1. Training error after {budget.epochs} epochs: plain 56 {train_error['plain 56']:.3f}, "
    f"residual 56 {train_error['residual 56']:.3f}, with {extra:,} more weights."
)
print(
    f"2. A trained residual block changes its input by {mean_change['residual 56']:.2f} of its size, "
    f"a plain one by {mean_change['plain 56']:.2f}."
)
print(
    f"3. Residual 8 at the larger rate: error {normalising_error['with', 0.5]:.3f} with batch norm's normalising, "
    f"{normalising_error['without', 0.5]:.3f} without."
)
print(f"4. A bias before batch norm changes the output by {bias_matters:.1g}; its gradient is {bias_gradient:.1g}.")
print(f"5. Before the first step the first layer has {growth['plain 56']:,.0f} times the relative gradient of the last "
      f"in plain 56, {growth['residual 56']:,.0f} times in residual 56.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. Both convolutions get weights ten times smaller. What happens to F(x) in training?</summary>
#
# Almost nothing. Batch norm divides by the deviation, and the factor cancels. "F gets small" is the usual answer; it
# would be right without batch norm. What scales F is the γ of the last batch norm.
# </details>
#
# <details><summary>2. A block ends with relu(F(x)) + x and no other ReLU. What can it not do?</summary>
#
# Make a number smaller. F is cut to its positive half, so every block can only add.
# </details>
#
# <details><summary>3. Before the first step, whose first layer has the larger gradient, plain or residual 56?</summary>
#
# In plain 56, by far. "The plain one's vanishes" is the usual answer, and the figure says the opposite.
# </details>
#
# <details><summary>4. <code>return self.conv1(F.relu_(x)) + x</code> raises no error. What is wrong?</summary>
#
# `F.relu_` works in place. The shortcut adds relu(x) and not x, and the caller's tensor has changed as well. Nothing
# complains, because the convolution kept the tensor *after* the change. Where x is never negative the numbers stay
# right, and the mistake waits for the first x that is.
# </details>
#
# <details><summary>5. Zero-γ sets F to zero. Why does the network learn at all?</summary>
#
# γ itself has a gradient: it depends on the normalised numbers, which are not zero. After one step γ is no longer
# zero, and the convolutions get their gradients, too.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, arXiv 1512.03385, §3.1 (learning the residual), §4.1 (gradients in plain networks;
#   figure 7, responses of the layers) and §4.2 (CIFAR-10, 56 layers).
# - Ioffe & Szegedy 2015, arXiv 1502.03167: batch norm. Santurkar et al. 2018, arXiv 1805.11604: why it helps, another
#   answer.
# - He et al. 2016, arXiv 1603.05027, §4.1: other orders of the same layers, trained and compared.
# - Goyal et al. 2017, arXiv 1706.02677, §5.1: zero-γ.
# - Yang et al. 2019, arXiv 1902.08129: how gradients grow in deep networks with batch norm.
#
# Next: **lesson 07**, where you build the shortcuts that change the shape.
