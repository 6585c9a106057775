# %% [markdown]
# # 04 · The degradation problem
#
# *More layers, more error, on the very images that the network was trained on.*

# %% [markdown]
# **After this lesson you can**
#
# - build the plain networks of the paper's 6n+2 family,
# - show that a deeper plain network has a higher **training** error, and say why that is not overfitting,
# - measure the gradient in every layer and judge the sentence "the gradients vanish",
# - turn a trained shallow network into a deep one that computes exactly the same function.
#
# **You need:** lesson 01, or knowing what convolution, batch norm and cross-entropy are.
#
# **Time:** 40 minutes to read and write; the code runs in about half a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# A network of 56 layers can do everything that a network of 20 layers can do: its first 20 layers could be the small
# network, and the other 36 could pass their input on unchanged. So it should fit the *training* images at least as
# well. Will it?
#
# Write down your bet before you read on: after the same training, what share of the training images does each network
# get wrong? A number between 0 and 1; blind guessing among ten classes gives 0.9.

# %%
my_guess = {"plain 8": None, "plain 20": None, "plain 56": None}  # for example 0.25

# %% [markdown]
# ## The data and the budget
#
# Every network in this lesson gets the same images, the same number of epochs, the same optimizer. The quick profile,
# which runs on a CPU, takes small images; on a GPU the same notebook takes CIFAR-10.

# %%
import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, experiments, explorers, plotting, runtime, training
from resnet_course.notebook import cards
from resnet_course.models import ResNet

plotting.use_style()
profile = runtime.profile()
precision = runtime.precision()  # the fastest number format and memory layout on this machine, measured
budget = profile.pick(
    quick=runtime.Budget(images=1_400, image_size=16, epochs=5),
    full=runtime.Budget(images=50_000, image_size=32, epochs=20, batch_size=128),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
print(
    f"{images.name}: {len(images):,} images of {images.image_size}×{images.image_size}, {len(images.classes)} classes"
)
print(f"{budget.epochs} epochs on {profile.device}, {precision}")

# %% [markdown]
# ## A family of plain networks
#
# He et al. compare networks that differ in nothing but depth. Each has three **stages** of n **blocks**; a block is
# two 3×3 convolutions, each followed by batch norm and a ReLU:
#
# $$\text{conv} \to \text{batch norm} \to \text{ReLU} \to \text{conv} \to \text{batch norm} \to \text{ReLU}$$
#
# The first stage keeps the image size and has 16 channels. The second and third begin with a stride of 2, which
# halves height and width, and double the channels. With one convolution before and one linear layer after, that makes
# $2 \cdot 3n + 2 = 6n + 2$ layers with weights: n = 1 gives 8, n = 3 gives 20, n = 9 gives 56. A network like this,
# without shortcuts, is called **plain**.

# %%
block_figure = plotting.block_diagram("plain", 16, 32, stride=2)
plotting.show(
    block_figure,
    alt="A plain block as a chain: 3 by 3 convolution with stride 2, batch norm, ReLU, and the same without stride.",
    caption="The first block of the second stage: 16 channels come in, 32 go out, height and width are halved.",
)

# %% [markdown]
# ### Exercise: `plain_block`
#
# Write the class `PlainBlock(in_planes, planes, stride=1)`. The first convolution takes the `stride`; both keep
# height and width otherwise (`padding=1`) and have no bias, because the batch norm behind each of them adds its own
# shift.
#
# `PlainBlock(16, 32, stride=2)` turns a tensor of shape (N, 16, 8, 8) into (N, 32, 4, 4).
#
# Stuck? `checks.hint("plain_block")`


# %%
class PlainBlock(nn.Module):
    """conv, batch norm, ReLU, conv, batch norm, ReLU."""

    expansion = 1  # channels that go out, as a multiple of `planes`; lesson 07 uses another value

    def __init__(self, in_planes: int, planes: int, stride: int = 1):
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        out = F.relu(self.bn1(self.conv1(x)))  # (N, planes, H / stride, W / stride)
        out = F.relu(self.bn2(self.conv2(out)))  # (N, planes, H / stride, W / stride)
        return out
        ### END SOLUTION


PlainBlock = checks.plain_block(PlainBlock)

# %% [markdown]
# ## The experiment
#
# `ResNet` of the package stacks whatever block it is given: with your block, three stages, and 16 channels to start
# with, it is the paper's plain network. (You write that class yourself in lesson 08.)
#
# The optimizer is SGD with Nesterov momentum. Its learning rate rises to 0.1 and falls again to almost 0 (one-cycle);
# lesson 09 says why. Read the function: there is nothing else in this experiment.


# %%
def make_plain(depth: int) -> nn.Module:
    blocks_per_stage = (depth - 2) // 6
    return ResNet(PlainBlock, [blocks_per_stage] * 3, num_classes=len(images.classes), width=16)


def train_plain(depth: int):
    training.reset_seeds(0)
    model = make_plain(depth).to(profile.device)
    batches = data.Batches(images, budget.batch_size, shuffle=True, device=profile.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = budget.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    history = training.fit(
        model, batches, None, optimizer, F.cross_entropy, budget.epochs,
        scheduler=schedule, precision=precision, description=f"plain {depth}",
    )  # fmt: skip
    return model, history


runs = {f"plain {depth}": train_plain(depth) for depth in (8, 20, 56)}

# %% [markdown]
# ## The training error
#
# The figure shows the running training error of each epoch. It is collected while the weights still change, so after
# the training we measure once more: fixed weights, eval mode, the same training images.

# %%
clean_batches = data.Batches(images, 500, device=profile.device)
train_error = {name: 1 - training.evaluate(model, clean_batches)[1] for name, (model, _) in runs.items()}

axes = plotting.lines(
    {name: [1 - accuracy for accuracy in history.train_acc] for name, (_, history) in runs.items()},
    title="Training error by depth", x_label="epoch", y_label="error on the training images",
    x=range(1, budget.epochs + 1), guesses=my_guess, y_limits=(0, 1),
)  # fmt: skip
plotting.show(
    axes,
    alt="Training error by epoch, one line for each depth. Measured after training: "
    + ", ".join(f"{name} {error:.3f}" for name, error in train_error.items()),
    caption=f"{len(images):,} training images of {images.name}, one seed.",
)
cards.compare_guess(my_guess, train_error, lesson="04")

# %%
cards.verdict(
    "plain 56 has a higher training error than plain 20",
    train_error["plain 56"] > train_error["plain 20"] + 0.02,
    f"plain 8: {train_error['plain 8']:.3f}, plain 20: {train_error['plain 20']:.3f}, "
    f"plain 56: {train_error['plain 56']:.3f}; a difference below 0.02 would not count",
)

# %% [markdown]
# He et al. call this the **degradation problem**: with more depth the accuracy first saturates, then gets worse. They
# saw it on CIFAR-10 and on ImageNet (arXiv 1512.03385, §1 and figure 1). Our run is short and small. It shows that
# the deep network *learns more slowly, if at all*, within this budget; what happens in longer runs is suspect 4.
#
# Three depths and one seed are few. The package ships a record of five depths with five seeds each, on generated
# images (`python -m resnet_course reproduce degradation` repeats it). Move the slider: what grows with depth, and
# which of these numbers did you expect to fall? Find the first recorded depth at which more than half of the training
# images are wrong. How many times the multiply-adds of depth 8 does one image cost there?

# %%
explorers.depth_explorer(experiments.load_records("degradation"), kinds=("plain",))

# %% [markdown]
# ## On photographs
#
# Generated images are a small world. So the package also ships a record on photographs: the 50,000 training images of
# CIFAR-10, 32×32, five epochs. They were read from a copy that was saved as JPEG files, which changes the pixels. Such
# numbers are compared with each other, and never with published ones.

# %%
recorded, missing = experiments.load_recorded("degradation", "cifar10-jpeg")
photographs = [record for record in recorded if record["configuration"]["network"].startswith("plain")]
photo_errors = experiments.errors_by_network(photographs)
for run in missing:
    if run.network.startswith("plain"):
        print(f"not recorded yet: {run.network}, seed {run.seed}")
if photographs:
    axes = experiments.draw_curves(photographs, "Training error on photographs, by depth")
    plotting.show(
        axes,
        alt="Error on the training images by epoch. Measured after training, one number for each seed: "
        + "; ".join(f"{name} {', '.join(f'{e:.3f}' for e in seeds)}" for name, seeds in photo_errors.items()),
        caption=f"Recorded on the JPEG copy of CIFAR-10. {experiments.bands_in_words(photographs)}.",
    )

# %%
if {"plain 20", "plain 56"} <= photo_errors.keys():
    cards.verdict(
        "on photographs, too, every recorded plain 56 has a higher training error than every plain 20",
        min(photo_errors["plain 56"]) > max(photo_errors["plain 20"]),
        "; ".join(f"{name} {', '.join(f'{error:.3f}' for error in seeds)}" for name, seeds in photo_errors.items()),
    )
else:
    print("There is no verdict without records of both depths.")

# %% [markdown]
# What can five epochs of a JPEG copy show? Which depth has fitted its training images better *by then*, on images that
# nobody drew for this course. What can they not show?
#
# - Where a long training ends. Ours has fewer than 2,000 steps and no augmentation; the paper's has 64,000 with it.
# - How much luck there is in one seed of plain 56: a spread takes at least two.
# - What the original pixels would give.
#
# `python -m resnet_course reproduce degradation --dataset FOLDER --report` makes such a record of your own copy.

# %% [markdown]
# Now the hunt: what could be the cause? Five suspects, five tests.

# %% [markdown]
# ## Suspect 1: is it overfitting?
#
# **Overfitting** means: good on the training images, worse on new ones. The error above was measured on the training
# images themselves. So the test is already done; we only add the error on new images to see both side by side.

# %%
new_images = data.load(profile.dataset, "test", budget.image_size, 1_000)
new_batches = data.Batches(new_images, 500, mean=clean_batches.mean, std=clean_batches.std, device=profile.device)
new_error = {name: 1 - training.evaluate(model, new_batches)[1] for name, (model, _) in runs.items()}
for name in runs:
    print(f"{name:<9} training error {train_error[name]:.3f}   error on new images {new_error[name]:.3f}"
          f"   gap {new_error[name] - train_error[name]:+.3f}")  # fmt: skip
cards.verdict(
    "overfitting does not explain it: plain 56 is worse on the training images themselves",
    train_error["plain 56"] > train_error["plain 20"] + 0.02,
    f"training error {train_error['plain 56']:.3f} against {train_error['plain 20']:.3f}",
)

# %% [markdown]
# Beware of a wrong argument that is often heard: "it is not overfitting because the *test* error is high too". A high
# test error is exactly what overfitting looks like. Only the *training* error can clear this suspect.

# %% [markdown]
# ## Suspect 2: do the gradients vanish?
#
# In the 1990s deep networks failed because the gradient shrank on its way from the output to the first layers. Is
# that what happens here? We can look: one batch, one backward pass, and in each convolution the norm of the gradient
# divided by the norm of the weight. The division makes layers of different size comparable: it says by what fraction
# of its own size the layer would change in a step with learning rate 1.
#
# ### Exercise: `gradient_norms`
#
# Write `gradient_norms(model, images, targets)`. It returns a list with one number for each `nn.Conv2d` of
# `model.modules()`, from the input to the output: norm of `weight.grad` divided by norm of `weight`, after one
# `backward()` of the cross-entropy. Mind what `backward()` does with gradients that are already there.
#
# For a network with 7 convolutions: `gradient_norms(model, images, targets)` gives 7 floats.
#
# Stuck? `checks.hint("gradient_norms")`


# %%
def gradient_norms(model, images, targets):
    """Gradient norm over weight norm of each convolution, first to last."""
    ### BEGIN SOLUTION
    model.zero_grad()
    loss = F.cross_entropy(model(images), targets)
    loss.backward()
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    return [(conv.weight.grad.norm() / conv.weight.norm()).item() for conv in convolutions]
    ### END SOLUTION


gradient_norms = checks.gradient_norms(gradient_norms)

# %% [markdown]
# Now at the start of training, before the first step, for each depth.

# %%
batch = next(iter(data.Batches(images, 128, shuffle=True, device=profile.device)))
norms = {}
for depth in (8, 20, 56):
    training.reset_seeds(0)
    norms[f"plain {depth}"] = gradient_norms(make_plain(depth).to(profile.device), *batch)

axes = plotting.profile(
    norms, title="At the start, gradients grow towards the input",
    x_label="layer, from input to output", y_label="gradient norm / weight norm",
)  # fmt: skip
plotting.show(
    axes,
    alt="Relative gradient norm of each convolution at the start, on a logarithmic axis. First and last layer: "
    + ", ".join(f"{name} {values[0]:.2g} and {values[-1]:.2g}" for name, values in norms.items()),
    caption="One batch of 128 training images, before the first step.",
)

# %%
first, last = norms["plain 56"][0], norms["plain 56"][-1]
cards.verdict(
    "at the start, the gradient of plain 56 does not vanish towards the input: it grows",
    first > last,
    f"first layer {first:.3g}, last layer {last:.3g}: {first / last:,.1f} times as large",
)

# %% [markdown]
# So "the gradients vanish" is the wrong story for networks with batch norm; the paper says the same (§4.1), and Yang
# et al. 2019 (arXiv 1902.08129) show why they grow at the start. Does the picture change during training? The same
# measurement for the three trained networks:

# %%
trained_norms = {name: gradient_norms(model, *batch) for name, (model, _) in runs.items()}
for name, values in trained_norms.items():
    print(f"{name:<9} first layer {values[0]:.2e}   smallest {min(values):.2e}   last layer {values[-1]:.2e}")
smallest, median = (
    min(trained_norms["plain 56"]),
    sorted(trained_norms["plain 56"])[len(trained_norms["plain 56"]) // 2],
)
cards.verdict(
    "after training, too, no layer of plain 56 is without gradient",
    smallest > 1e-3 * median,
    f"smallest {smallest:.2e}, median of the layers {median:.2e}; a thousandth of the median would count as vanished",
)

# %% [markdown]
# What is lost is not the *size* of the gradient but its *structure*. Balduzzi et al. 2017 (arXiv 1702.08591) find
# that in deep plain networks the gradients of two similar inputs have less and less to do with each other, so that a
# step that helps one image says little about the next; with shortcuts this loss is far slower. We do not measure that
# here.

# %% [markdown]
# ## Suspect 3: a badly chosen learning rate?
#
# One rate for all depths may be unfair to the deep one. So each network gets four rates, with three seeds each. That
# is 24 trainings of 5 epochs on 2,000 generated images, too long for this page; the package ships the record. You can
# repeat it with `python -m resnet_course reproduce learning-rates`.

# %%
records = experiments.load_records("learning-rates")
errors = experiments.mean_by(records, "network", "learning_rate")
rates = sorted({rate for _, rate in errors})
by_network = {name: [errors[name, rate] for rate in rates] for name in ("plain 20", "plain 56")}
print("learning rate " + "".join(f"{rate:>8}" for rate in rates))
for name, values in by_network.items():
    print(f"{name:<14}" + "".join(f"{value:>8.3f}" for value in values))
best = {name: min(values) for name, values in by_network.items()}
cards.verdict(
    "each at its best of four rates, plain 56 is still worse than plain 20",
    best["plain 56"] > best["plain 20"] + 0.02,
    f"mean training error of 3 seeds, on the generated images: {best['plain 56']:.3f} against {best['plain 20']:.3f}",
)

# %% [markdown]
# ## Suspect 4: too few epochs?
#
# Perhaps the deep network only needs longer. The record of the plan `long-training` has the same networks with 10, 20
# and 40 epochs, two seeds each.

# %%
records = experiments.load_records("long-training")
errors = experiments.mean_by(records, "network", "epochs")
lengths = sorted({epochs for _, epochs in errors})
axes = experiments.draw_by(records, "epochs", "At every length the deeper network is behind", "epochs in all")
plotting.show(
    axes,
    alt="Training error after runs of different length: "
    + "; ".join(
        f"{name} {', '.join(f'{errors[name, n]:.3f} after {n}' for n in lengths)}" for name in ("plain 20", "plain 56")
    ),
    caption="Recorded runs on the generated images; each point is a whole training of that length. Lines are means of "
    "two seeds, bands go from the lower to the higher one.",
)

# %%
longest = lengths[-1]
cards.verdict(
    f"after {longest} epochs plain 56 is still worse than plain 20",
    errors["plain 56", longest] > errors["plain 20", longest],
    f"mean training error of 2 seeds: {errors['plain 56', longest]:.4f} against {errors['plain 20', longest]:.4f}",
)

# %% [markdown]
# Read this one with care. The generated images are easy, and a long enough training may bring every network close to
# zero error on 2,000 of them. The honest summary: at any given length the deeper plain network is behind. On
# ImageNet, He et al. trained plain 34 for the full schedule, and saw its training error stay above that of plain 18
# throughout (figure 4).

# %% [markdown]
# ## Suspect 5: too little capacity, or too hard a task?
#
# "The model was too hard, so the score dropped" is how this is sometimes put. Let us be exact. Is there, among all
# settings of the 56-layer network, one that is as good as the trained plain 20? The bet at the top of this page says
# yes: take the trained layers, and let the others pass their input on. You can build that network.
#
# ### Exercise: `extend_with_identity`
#
# Write `extend_with_identity(stage, planes, count)`. `stage` is an `nn.Sequential` of trained plain blocks with
# `planes` channels. Return a longer `nn.Sequential`: the same blocks, then `count` new ones that compute the identity
# in eval mode. What comes out of a plain block is never negative (its last step is a ReLU), so the ReLUs of the new
# blocks change nothing. That leaves:
#
# - a 3×3 convolution that copies its input: `nn.init.dirac_(conv.weight)`,
# - a batch norm that changes nothing. In eval mode it computes $(x - \text{mean}) / \sqrt{\text{var} + \varepsilon}
#   \cdot \text{weight} + \text{bias}$ with the stored mean 0 and variance 1 of a fresh layer. Which `weight` makes
#   that the identity?
#
# Example: a stage of 3 blocks with 16 channels, `planes=16` and `count=6` give a stage of 9 blocks that returns the
# same numbers.
#
# Stuck? `checks.hint("extend_with_identity")`


# %%
from resnet_course.models import PlainBlock as CourseBlock  # its layers are called conv1, bn1, conv2, bn2


def extend_with_identity(stage: nn.Sequential, planes: int, count: int) -> nn.Sequential:
    """The blocks of `stage`, then `count` blocks that pass non-negative numbers on unchanged (eval mode)."""
    new_blocks = [CourseBlock(planes, planes) for _ in range(count)]
    for block in new_blocks:
        ### BEGIN SOLUTION
        for conv, norm in [(block.conv1, block.bn1), (block.conv2, block.bn2)]:
            nn.init.dirac_(conv.weight)
            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))
        ### END SOLUTION
    return nn.Sequential(*stage, *new_blocks)


extend_with_identity = checks.extend_with_identity(extend_with_identity)

# %% [markdown]
# Now use it on the trained plain 20: six more blocks in each of its three stages make it 56 layers deep.

# %%
deep = copy.deepcopy(runs["plain 20"][0])
for name, planes in [("layer1", 16), ("layer2", 32), ("layer3", 64)]:
    setattr(deep, name, extend_with_identity(getattr(deep, name), planes, count=6).to(profile.device))

layers = sum(isinstance(module, (nn.Conv2d, nn.Linear)) for module in deep.modules())
extended_error = 1 - training.evaluate(deep, clean_batches)[1]
cards.verdict(
    "a 56-layer plain network as good as the trained plain 20 exists",
    layers == 56 and abs(extended_error - train_error["plain 20"]) <= 0.005,
    f"{layers} layers with training error {extended_error:.4f}; plain 20 has {train_error['plain 20']:.4f}, "
    f"and plain 56 from its own training {train_error['plain 56']:.4f}; up to 0.005 may be rounding",
)

# %% [markdown]
# This settles the case. The 56-layer network is able to do the task; a setting with this training error exists, and you
# have just written it down. The training does not *find* it within the budget. Degradation is a problem of
# **optimisation**, not of capacity and not of generalisation.

# %% [markdown]
# ## The turn
#
# Look at what the solution needed. To do *nothing*, a plain block must drive two convolutions to one exact pattern, a
# single one in the middle of each kernel. Nothing in the training prefers that pattern.
#
# He et al.'s idea is to make "do nothing" easy. Let the block compute $F(x) + x$ in place of $F(x)$: now doing
# nothing means $F(x) = 0$, and one number for each channel is enough for that: the scale of the block's last batch
# norm, at zero. This is the **residual block**, and the line from x to the plus sign is its **shortcut**.

# %%
figure = plotting.block_diagrams([
    {"kind": "plain", "in_planes": 16, "planes": 16},
    {"kind": "basic", "in_planes": 16, "planes": 16},
])  # fmt: skip
plotting.show(
    figure,
    alt="Left, the plain block: a chain of layers. Right, the residual block: the same chain, and a line around it "
    "that carries x to a plus sign before the last ReLU.",
    caption="The plain block and the residual block. The shortcut is the only difference.",
)

# %% [markdown]
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(
    f"1. Training error: plain 8 {train_error['plain 8']:.3f}, plain 20 {train_error['plain 20']:.3f}, "
    f"plain 56 {train_error['plain 56']:.3f}."
)
print(
    f"2. At the start, the relative gradient of plain 56 is {first / last:,.1f} times as large in its first layer "
    "as in its last."
)
print(
    f"3. At the best of four learning rates (recorded): plain 20 {best['plain 20']:.3f}, "
    f"plain 56 {best['plain 56']:.3f}."
)
print(
    f"4. After {longest} epochs: plain 20 {errors['plain 20', longest]:.4f}, "
    f"plain 56 {errors['plain 56', longest]:.4f} (recorded)."
)
print(f"5. Plain 20 extended to {layers} layers by identity blocks: {extended_error:.3f}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. A friend says: "Of course 56 layers are worse, they overfit." Which one number answers?</summary>
#
# The training error. Overfitting makes it *lower*; here it is higher. The test error cannot answer, since it is high
# in both cases.
# </details>
#
# <details><summary>2. In plain 56 at the start, which relative gradient is larger, the first or the last layer's?
# </summary>
#
# The first. With batch norm the gradient grows on its way back to the input. "It vanishes" is the usual answer, and
# the measurement above says otherwise.
# </details>
#
# <details><summary>3. Why must batch norm's weight be √(1 + ε) in the identity block, and why in eval mode only?
# </summary>
#
# In eval mode batch norm divides by √(var + ε) with the stored variance 1, and the weight takes that back. In
# training mode it uses the mean and variance of the batch, so the block would normalise and no longer be the
# identity.
# </details>
#
# <details><summary>4. Does the extension prove that plain 56 <em>can be trained</em> to that error?</summary>
#
# No. It proves that a good setting exists. That training does not reach it in this budget is the other half of the
# finding.
# </details>
#
# <details><summary>5. How many layers with weights has the network with n = 5, and how many convolutions?</summary>
#
# 6·5 + 2 = 32 layers: 31 convolutions and one linear layer.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, arXiv 1512.03385, §1 (the degradation problem, the argument by construction) and §4.1
#   (plain networks; why vanishing gradients are unlikely).
# - Ioffe & Szegedy 2015, arXiv 1502.03167: batch norm.
# - Yang et al. 2019, arXiv 1902.08129: why gradients grow in deep networks with batch norm.
# - Balduzzi et al. 2017, arXiv 1702.08591: gradients that lose their structure.
#
# Next: **lesson 05**, where you write the residual block and train 56 layers with it.
