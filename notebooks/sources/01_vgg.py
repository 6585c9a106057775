# %% [markdown]
# # 01 · VGG: depth from 3×3
#
# *Small windows, many of them: a network that you can build, train, spoil and rescue in one lesson.*

# %% [markdown]
# **After this lesson you can**
#
# - build a VGG block and TinyVGG, and say where a network keeps its parameters,
# - compute how much of the image one number in the network sees, and check it by measurement,
# - write the training loop, and name the mistakes that still give plausible numbers,
# - tell underfitting from overfitting, and stop a training in time and keep its best weights.
#
# **You need:** lesson 00, and knowing what a convolution, a loss and a gradient are.
#
# **Time:** 40 minutes to read and write; the code runs in less than a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# Later in this lesson we train TinyVGG, a small network, on only 200 images, again and again, until it gets nearly
# all of them right. Two numbers to bet on. What share of *new* images does it then get right? And the loss on new
# images falls at first: how large is it at the end, divided by its lowest value on the way? (1: it stays at its
# lowest.)

# %%
my_guess = {"accuracy on new images": None, "loss at the end / lowest loss": None}  # for example 0.5 and 1.0

# %% [markdown]
# ## Data
#
# The images are split in two: the **training** images change the weights, the **validation** images never do. They
# tell us, while we still make decisions, how the network does on images that it has not learned. A third set, the
# **test** images, waits until the end.

# %%
import copy
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, inspection, models, plotting, runtime, training
from resnet_course.notebook import cards
from resnet_course.base.progress import bar

plotting.use_style()
profile = runtime.profile()
device = profile.device
budget = profile.pick(
    quick=runtime.Budget(images=1_800, image_size=64, epochs=4, batch_size=16),
    full=runtime.Budget(images=50_000, image_size=32, epochs=10, batch_size=128),
)

# %%
all_images = data.load(profile.dataset, "train", budget.image_size, budget.images)
train_images, val_images = data.split_validation(all_images, fraction=0.2)
size, classes = budget.image_size, train_images.classes
print(f"{train_images.name}: {len(train_images):,} training and {len(val_images):,} validation images of {size}×{size}")
print(f"{len(classes)} classes, so blind guessing is right in 1 of {len(classes)} cases")

# %% [markdown]
# ## The idea: 3×3, and again
#
# Networks before VGG began with large windows, such as 11×11 or 7×7 pixels. Simonyan and Zisserman use 3×3
# convolutions everywhere, and stack them (arXiv 1409.1556, §2.1 and §2.3). Their unit is the **VGG block**: a few
# times a 3×3 convolution and a ReLU, then max pooling, which halves height and width by keeping the largest of four
# numbers.
#
# ### Exercise: `vgg_block`
#
# Write `vgg_block(in_channels, out_channels, num_convs)`. It returns an `nn.Sequential`. The first convolution goes
# from `in_channels` to `out_channels`; height and width change in the pooling only. Mind how many channels reach the
# *second* convolution.
#
# `vgg_block(3, 10, num_convs=2)` turns (N, 3, 64, 64) into (N, 10, 32, 32).
#
# Stuck? `checks.hint("vgg_block")` tells you where to begin and, after a failed check, explains the mistake.


# %%
def vgg_block(in_channels: int, out_channels: int, num_convs: int) -> nn.Sequential:
    """`num_convs` times 3×3 convolution and ReLU, then max pooling."""
    ### BEGIN SOLUTION
    layers = []
    for _ in range(num_convs):
        layers += [nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1), nn.ReLU()]
        in_channels = out_channels
    layers.append(nn.MaxPool2d(kernel_size=2))
    return nn.Sequential(*layers)
    ### END SOLUTION


vgg_block = checks.vgg_block(vgg_block)

# %% [markdown]
# Two blocks of ten channels and one linear layer make **TinyVGG** (the network of CNN Explainer, arXiv 2004.15004; ours
# pads its convolutions). Behind each step stands the shape for images of 64×64.


# %%
class TinyVGG(nn.Module):
    """Two VGG blocks, one linear layer; (N, 3, image_size, image_size) -> (N, num_classes) logits."""

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


training.reset_seeds(0)
tiny = TinyVGG(10, len(classes), size).to(device)

# %%
rows = inspection.trace_layers(tiny, (3, size, size), stages=True)
trace = [("image", (3, size, size)), *[(row.name, row.out_shape) for row in rows]]
figure = plotting.shape_trace(trace, title="The image shrinks, the channels grow")
plotting.show(
    figure,
    alt="Boxes from left to right: " + ", ".join(f"{row.name} gives {row.out_shape}" for row in rows),
    caption="TinyVGG: each box is as high as the image at that point.",
)
for row in rows:
    print(f"{row.name:<7}{row.parameters:>7,} parameters")

# %% [markdown]
# ## Where are the parameters?
#
# Look at the last line. Does a network have so many of its parameters in the last layer because it is tiny? VGG-16
# has 13 convolutions and 3 linear layers. Its numbers would fill half a gigabyte; on the **meta** device a layer has
# shapes but no numbers, so counting costs nothing.

# %%
with torch.device("meta"):
    vgg16 = models.vgg16(num_classes=1000)

in_convolutions = sum(inspection.count_parameters(m) for m in vgg16.modules() if isinstance(m, nn.Conv2d))
in_linear = sum(inspection.count_parameters(m) for m in vgg16.modules() if isinstance(m, nn.Linear))
total = inspection.count_parameters(vgg16)
print(f"VGG-16: {total:,} parameters; {in_convolutions:,} in convolutions, {in_linear:,} in linear layers")
tiny_linear, tiny_total = inspection.count_parameters(tiny.linear), inspection.count_parameters(tiny)
cards.verdict(
    "both networks keep most of their parameters in linear layers",
    in_linear > total / 2 and tiny_linear > tiny_total / 2,
    f"VGG-16 {in_linear / total:.1%} of {total:,}; TinyVGG {tiny_linear / tiny_total:.1%} of {tiny_total:,}",
)

# %% [markdown]
# Remember this for lesson 08: a ResNet averages each channel over the image before its last layer, and so needs
# almost no parameters there.
#
# ## What does one number see?
#
# A number behind one 3×3 convolution depends on 3×3 pixels. Behind a second one it depends on 3×3 numbers, each of
# which sees 3×3 pixels; their windows overlap. This region of the image is the **receptive field**.

# %%
axes = plotting.receptive_field([3, 3])
plotting.show(
    axes,
    alt="Three rows of dots: one number after the second convolution hangs on 3 numbers below it, these on 5 pixels.",
    caption="One dimension of the image. In two dimensions, 5 pixels become 5×5.",
)

# %% [markdown]
# ### Exercise: `receptive_field`
#
# Write `receptive_field(kernel_sizes, strides)`. Given kernel sizes and strides, the first layer first, return the
# height (and width) of the receptive field of one number after the last layer. Two quantities walk from layer to
# layer:
#
# - the field itself, 1 before any layer. A kernel of size k reaches over k numbers, and there are k - 1 gaps between
#   them;
# - the **jump**: how many pixels of the image lie between neighbours. It is 1 at first. A layer with stride s makes
#   it s times as large, for the layers *behind* it.
#
# Max pooling counts as a layer with kernel 2 and stride 2. `receptive_field([3, 3], [1, 1])` is 5,
# `receptive_field([3, 3, 3], [1, 1, 1])` is 7, and `receptive_field([2, 3], [2, 1])` is 6.
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
# A formula is a claim, so we measure. If a pixel can change an output number, the gradient of that number with
# respect to the pixel is not zero, at least for some images. So: take many random images, one number in the middle of
# the output, its gradient, and count the rows and columns that it reaches.


# %%
def pixel_gradient(layers: nn.Module, image_size: int) -> torch.Tensor:
    """Mean size of the gradient of one number in the middle of the output, by pixel. -> (H, W)"""
    images = torch.rand(64, 3, image_size, image_size, requires_grad=True)
    output = layers(images)  # (64, C, H', W')
    middle = output.shape[-1] // 2
    output[:, :, middle, middle].sum().backward()
    return images.grad.abs().mean(dim=(0, 1))


def conv_stack(kernel_sizes: list[int]) -> nn.Sequential:
    layers, channels = [], 3
    for kernel_size in kernel_sizes:
        layers += [nn.Conv2d(channels, 8, kernel_size, padding=kernel_size // 2), nn.ReLU()]
        channels = 8
    return nn.Sequential(*layers)


# %%
training.reset_seeds(0)
blocks = nn.Sequential(vgg_block(3, 10, num_convs=2), vgg_block(10, 10, num_convs=2))
cases = {f"{count} × 3×3": (conv_stack([3] * count), [3] * count, [1] * count) for count in (1, 2, 3)}
cases["1 × 5×5"] = (conv_stack([5]), [5], [1])
cases["1 × 7×7"] = (conv_stack([7]), [7], [1])
cases["TinyVGG's blocks"] = (blocks, [3, 3, 2, 3, 3, 2], [1, 1, 2, 1, 1, 2])

fields, gradients = {}, {}
for name, (layers, kernel_sizes, strides) in cases.items():
    gradients[name] = pixel_gradient(layers, image_size=32)
    measured = tuple(int((gradients[name].sum(dim=dim) > 0).sum()) for dim in (1, 0))  # rows, columns
    fields[name] = (receptive_field(kernel_sizes, strides), measured)
    print(f"{name:<18} computed {fields[name][0]:>2}   measured {measured[0]}×{measured[1]}")
cards.verdict(
    "the receptive field is as large as computed",
    all(measured == (computed, computed) for computed, measured in fields.values()),
    f"{len(fields)} stacks of layers, 64 random images each",
)

# %% [markdown]
# The field says what a number *can* depend on, not how much. Here is the size of the gradient itself, before any
# training. In a single convolution no place is preferred: each pixel of the window has its own weights, drawn alike.
# In a stack more paths lead to the middle than to the edge.

# %%
shown = ["1 × 7×7", "3 × 3×3", "TinyVGG's blocks"]
maps = torch.stack([gradients[name] / gradients[name].max() for name in shown])
figure = plotting.image_grid(
    maps.unsqueeze(1).expand(-1, 3, -1, -1), shown, columns=3, title="Stacked layers depend most on the middle"
)


def middle_share(gradient: torch.Tensor) -> float:
    """Share of the gradient in the middle of its field: half the height and half the width."""
    inside = gradient[gradient.sum(dim=1) > 0][:, gradient.sum(dim=0) > 0]
    quarter = round(len(inside) / 4)
    return float(inside[quarter:-quarter, quarter:-quarter].sum() / inside.sum())


shares = ", ".join(f"{name} {middle_share(gradients[name]):.0%}" for name in shown)
plotting.show(
    figure,
    alt="Three bright patches on black: an even one of 7 by 7 pixels, then 7 by 7 and 16 by 16 that fade to the edge.",
    caption=f"Size of the gradient by pixel; black is zero. Part in the middle of the field: {shares}.",
)

# %% [markdown]
# Two 3×3 convolutions see what one 5×5 sees, three see what one 7×7 sees. What do they cost? Count the weights, with C
# channels in and out:

# %%
channels = 64


def count_weights(kernel_sizes: list[int]) -> int:
    layers = [nn.Conv2d(channels, channels, kernel_size, bias=False) for kernel_size in kernel_sizes]
    return sum(inspection.count_parameters(layer) for layer in layers)


weights = {"2 × 3×3": count_weights([3, 3]), "1 × 5×5": count_weights([5]),
           "3 × 3×3": count_weights([3, 3, 3]), "1 × 7×7": count_weights([7])}  # fmt: skip
for name, count in weights.items():
    print(f"{name}: field {fields[name][0]}×{fields[name][0]}, {count:>7,} weights = {count // channels**2} · C²")
cards.verdict(
    "for the same field, stacked 3×3 convolutions need fewer weights",
    weights["2 × 3×3"] < weights["1 × 5×5"] and weights["3 × 3×3"] < weights["1 × 7×7"],
    f"C = {channels}: {weights['2 × 3×3'] / weights['1 × 5×5']:.0%} of one 5×5, "
    f"{weights['3 × 3×3'] / weights['1 × 7×7']:.0%} of one 7×7",
)

# %% [markdown]
# And they come with two or three ReLUs in place of one, so the stack can compute what a single linear layer cannot.
# That is the argument of the paper (§2.3). Its price is depth: more layers that the training must get through.
#
# ## Batches
#
# A **batch** is a handful of images that are used for one step. `data.Batches` takes it from the bytes in memory:
# normalised as in lesson 00, shuffled anew in each epoch if you ask for it. PyTorch's `DataLoader` does the same
# image by image, from anything that has `len()` and items. Both give pairs (images, targets), and a training loop
# does not care which one it gets.

# %%
mean, std = train_images.channel_statistics()
items = [train_images[index] for index in range(64)]  # (image, label) pairs, images from 0 to 1
normalised = [((image - mean.view(3, 1, 1)) / std.view(3, 1, 1), label) for image, label in items]

loader = torch.utils.data.DataLoader(normalised, batch_size=16)
images_a, targets_a = next(iter(loader))
images_b, targets_b = next(iter(data.Batches(train_images, batch_size=16)))
difference = float((images_a - images_b).abs().max())
cards.verdict(
    "Batches and DataLoader give the same batch",
    difference < 1e-3 and torch.equal(targets_a, targets_b),
    f"images {tuple(images_b.shape)}, targets {tuple(targets_b.shape)}, largest difference {difference:.1e}",
)

# %% [markdown]
# ## The loss wants logits
#
# **Cross-entropy** turns the logits into probabilities with a softmax, and takes minus the logarithm of the true
# class's probability. The softmax is inside. A common mistake is to put another one in front. What does that do to a
# perfect answer, which gives the true class probability 1 and all others 0?

# %%
logits, target = torch.randn(1, len(classes)), torch.tensor([1])
by_hand = -logits.softmax(dim=1)[0, 1].log()
print(f"cross_entropy {F.cross_entropy(logits, target):.6f}, by hand {by_hand:.6f}")

perfect = F.one_hot(target, len(classes)).float()  # what a softmax gives at best
floor = float(F.cross_entropy(perfect, target))
cards.verdict(
    "with a softmax in front, even a perfect answer has a loss far from 0",
    floor > 0.1,
    f"loss of a perfect answer: {floor:.3f} with a second softmax, "
    f"{F.cross_entropy(1e3 * perfect, target):.3f} without",
)

# %% [markdown]
# ## The training loop
#
# ### Exercise: `train_step`
#
# Write `train_step(model, dataloader, loss_fn, optimizer)`: one pass over all batches (one **epoch**). Put the model
# into training mode. For each batch, in this order:
#
# 1. `optimizer.zero_grad()`: forget the old gradients, because `backward()` *adds* to them,
# 2. forward: the logits of the batch,
# 3. the loss, from logits and targets; `loss_fn` returns the *mean* over the batch,
# 4. `loss.backward()`: a gradient for each parameter,
# 5. `optimizer.step()`: change the parameters.
#
# Return the mean loss over all *images*, as a float, and the accuracy between 0 and 1. Mind that the last batch may
# be smaller. Example: batches of 8, 8 and 3 images with losses 1.0, 1.0 and 4.0 have the mean (8 + 8 + 12) / 19 =
# 1.474, not 2.0.
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
# Measuring is the same without the learning: eval mode, no gradients, nothing changes.


# %%
@torch.no_grad()
def test_step(model, dataloader, loss_fn) -> tuple[float, float]:
    """Mean loss and accuracy of a model that stays as it is."""
    model.eval()
    losses, hits = [], []
    for images, targets in dataloader:
        logits = model(images)
        losses += [loss_fn(logits, targets).item()] * len(targets)  # the batch's mean, once for each of its images
        hits += (logits.argmax(dim=1) == targets).tolist()
    return sum(losses) / len(losses), sum(hits) / len(hits)


# %% [markdown]
# A training is a loop over these two. The optimizer is Adam with a learning rate of 1e-3, its usual setting. `stopper`
# comes into play later.


# %%
def train(model, train_batches, val_batches, epochs, stopper=None, name="training"):
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    history = training.History()  # four lists, one number for each epoch
    with bar(epochs, name, unit=" epochs") as progress:
        for _ in range(epochs):
            train_loss, train_acc = train_step(model, train_batches, loss_fn, optimizer)
            val_loss, val_acc = test_step(model, val_batches, loss_fn)
            history.train_loss.append(train_loss)
            history.train_acc.append(train_acc)
            history.val_loss.append(val_loss)
            history.val_acc.append(val_acc)
            progress.update(1)
            if stopper is not None and not stopper.is_continuable(model, val_loss):
                break
    return history


# %%
train_batches = data.Batches(train_images, budget.batch_size, shuffle=True, device=device)
val_batches = data.Batches(val_images, 500, mean=train_batches.mean, std=train_batches.std, device=device)
history = train(tiny, train_batches, val_batches, budget.epochs, name="TinyVGG")

figure = plotting.history({"TinyVGG": history}, title="TinyVGG: loss and accuracy by epoch")
plotting.show(
    figure,
    alt=f"Loss and accuracy over {budget.epochs} epochs. At the end: training loss {history.train_loss[-1]:.2f}, "
    f"validation loss {history.val_loss[-1]:.2f}, validation accuracy {history.val_acc[-1]:.2f}.",
    caption=f"{len(train_images):,} training images of {train_images.name}, one seed.",
)
cards.verdict(
    "TinyVGG does far better than guessing on images that it has not learned",
    history.val_acc[-1] > 2 / len(classes),
    f"validation accuracy {history.val_acc[-1]:.3f}, guessing gives {1 / len(classes):.3f}",
)

# %% [markdown]
# Do not be surprised if the validation loss is *below* the training loss in the first epochs. The training figures
# are running ones: they are collected while the network gets better, so they lag behind.
#
# ## Underfitting and overfitting
#
# **Underfitting**: the network does badly on the training images already. **Overfitting**: it does well on them, and
# much worse on new ones. Both are easy to provoke. From here on we take images of 16×16, so that a training takes a
# second or two.

# %%
small_images = data.load(profile.dataset, "train", 16, 2_000)
small_train, small_val = data.split_validation(small_images, fraction=0.2)


def small_batches(images_for_training):
    batches = data.Batches(images_for_training, 16, shuffle=True, device=device)
    return batches, data.Batches(small_val, 500, mean=batches.mean, std=batches.std, device=device)


def small_model(name: str) -> nn.Module:
    training.reset_seeds(0)
    if name == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, len(classes))).to(device)
    hidden_units = int(name.split()[1])  # "TinyVGG 3" has three channels
    return TinyVGG(hidden_units, len(classes), 16).to(device)


# %%
print(f"4 epochs, {len(small_train):,} images   parameters   training   validation accuracy")
last = {}
for name in ("TinyVGG 3", "TinyVGG 10", "linear"):
    model = small_model(name)
    fit = train(model, *small_batches(small_train), 4, name=name)
    last[name] = (fit.train_acc[-1], fit.val_acc[-1])
    print(f"{name:<24}{inspection.count_parameters(model):>12,}{last[name][0]:>11.3f}{last[name][1]:>13.3f}")
cards.verdict(
    "TinyVGG with three channels underfits: it is worse on the training images themselves",
    last["TinyVGG 3"][0] < last["TinyVGG 10"][0] - 0.05,
    f"training accuracy {last['TinyVGG 3'][0]:.3f} with 3 channels, {last['TinyVGG 10'][0]:.3f} with 10",
)
cards.verdict(
    "the linear classifier overfits, as simple as it is",
    last["linear"][0] - last["linear"][1] > 0.05,
    f"training accuracy {last['linear'][0]:.3f}, validation accuracy {last['linear'][1]:.3f}",
)

# %% [markdown]
# The last verdict is about a saying: "simple models do not overfit". A linear classifier has a weight for each pixel,
# channel and class. What it learns at one place in the image says nothing about another place, so a shape that moves
# is news to it.
#
# Now the other way: TinyVGG with 10 channels, and only 200 training images, for 50 epochs.

# %%
few = small_train.subset(data.stratified_sample(small_train.targets, 200))
memoriser = small_model("TinyVGG 10")
long_run = train(memoriser, *small_batches(few), 50, name="200 images")
rise = long_run.val_loss[-1] / min(long_run.val_loss)
best_epoch = 1 + long_run.val_loss.index(min(long_run.val_loss))

figure = plotting.history({"TinyVGG": long_run}, title="With 200 images: training loss falls, validation loss turns")
plotting.show(
    figure,
    alt=f"Training loss ends at {long_run.train_loss[-1]:.2f}. Validation loss is lowest at epoch {best_epoch}, "
    f"{min(long_run.val_loss):.2f}, and ends at {long_run.val_loss[-1]:.2f}; validation accuracy ends at "
    f"{long_run.val_acc[-1]:.2f}.",
    caption=f"200 training images, {len(small_val)} validation images of {small_val.name}, one seed.",
)
cards.compare_guess(
    my_guess, {"accuracy on new images": long_run.val_acc[-1], "loss at the end / lowest loss": rise}, lesson="01"
)

# %%
best, end = best_epoch - 1, len(long_run.val_loss) - 1
cards.verdict(
    "overfitting: after the best epoch training loss still falls, and validation loss rises",
    long_run.train_loss[end] < long_run.train_loss[best] and rise > 1.1,
    f"training {long_run.train_loss[best]:.3f} to {long_run.train_loss[end]:.3f}, validation "
    f"{long_run.val_loss[best]:.3f} to {long_run.val_loss[end]:.3f}, from epoch {best + 1} to {end + 1}",
)
cards.verdict(
    "the validation accuracy does not fall with it",
    long_run.val_acc[end] > long_run.val_acc[best] - 0.03,
    f"{long_run.val_acc[best]:.3f} at epoch {best + 1}, {long_run.val_acc[end]:.3f} at epoch {end + 1}",
)

# %% [markdown]
# Loss and accuracy measure different things. Accuracy only counts mistakes; cross-entropy charges more for a mistake
# the surer the network is of it, without limit. Does it get surer? We check that on the test images below. Which of
# the two you need depends on what you do with the answer: if both verdicts above hold, the last epoch's classes are
# as good as the best epoch's, and its probabilities are not.
#
# ## Early stopping
#
# If the loss counts, the training should end when the validation loss no longer improves. But it goes up and down
# from epoch to epoch; one bad epoch proves little. **Early stopping** waits for `num_trials` bad epochs in a row, and
# keeps the weights of the best one.
#
# It watches the *validation* loss. With the test loss, the choice of the epoch would be fitted to the test images,
# and the test accuracy would no longer say how the network does on images that nobody has used.
#
# ### Exercise: `early_stopper`
#
# Write the class `EarlyStopper(num_trials, save_path)` with two methods.
#
# - `is_continuable(model, loss)` is called after each epoch. If the loss is lower than *all* before it, save
#   `model.state_dict()` to `save_path` (`torch.save`), count bad epochs from 0 again, return True. Otherwise it is a
#   bad epoch: return False at bad epoch number `num_trials` in a row, True before that. A loss that is NaN is a bad
#   epoch.
# - `get_best_model(model)` loads the saved weights into `model` and returns it. `torch.load(path, weights_only=True)`
#   reads data and nothing else. (`torch.save(model)` would store a pickle, and loading a pickle runs code from the
#   file.)
#
# Example with `num_trials=2`: losses 1.0, 0.8, 0.9, 0.7, 0.75, 0.72 give True, True, True, True, True, False, and the
# weights of the fourth epoch. (0.72 is better than 0.75, but no new best.)
#
# Stuck? `checks.hint("early_stopper")`


# %%
class EarlyStopper:
    """Stop after `num_trials` epochs in a row without a new best loss; keep the best weights in a file."""

    def __init__(self, num_trials: int, save_path: str | Path):
        ### BEGIN SOLUTION
        self.num_trials = num_trials
        self.save_path = save_path
        self.best_loss = float("inf")
        self.bad_epochs = 0
        ### END SOLUTION

    def is_continuable(self, model: nn.Module, loss: float) -> bool:
        ### BEGIN SOLUTION
        if loss < self.best_loss:
            self.best_loss = loss
            self.bad_epochs = 0
            torch.save(model.state_dict(), self.save_path)
            return True
        self.bad_epochs += 1
        return self.bad_epochs < self.num_trials
        ### END SOLUTION

    def get_best_model(self, model: nn.Module) -> nn.Module:
        ### BEGIN SOLUTION
        model.load_state_dict(torch.load(self.save_path, weights_only=True))
        return model
        ### END SOLUTION


EarlyStopper = checks.early_stopper(EarlyStopper)

# %% [markdown]
# First on paper: the losses of the long run are known. Where would it have stopped?

# %%
folder = tempfile.TemporaryDirectory()  # removed when the notebook's kernel ends
for num_trials in (1, 2, 5, 10):
    stopper = EarlyStopper(num_trials, Path(folder.name) / "paper.pt")
    goes_on = [stopper.is_continuable(memoriser, loss) for loss in long_run.val_loss]
    stop = goes_on.index(False) + 1 if False in goes_on else len(goes_on)
    seen = long_run.val_loss[:stop]
    print(f"num_trials {num_trials:>2}: stops after epoch {stop:>2}, "
          f"keeps epoch {seen.index(min(seen)) + 1:>2} with loss {min(seen):.3f}")  # fmt: skip

# %% [markdown]
# A small `num_trials` may miss a later, better epoch; a large one costs epochs. Now for real: the same training from
# the same start, with `num_trials=5`.

# %%
stopper = EarlyStopper(num_trials=5, save_path=Path(folder.name) / "best.pt")
stopped_model = small_model("TinyVGG 10")
stopped_run = train(stopped_model, *small_batches(few), 50, stopper, name="with early stopping")
stop, kept = len(stopped_run.val_loss), 1 + stopped_run.val_loss.index(min(stopped_run.val_loss))
best_model = stopper.get_best_model(copy.deepcopy(stopped_model))

axes = plotting.lines(
    {"training": long_run.train_loss, "validation": long_run.val_loss}, x_label="epoch", y_label="loss",
    title="Where the training stopped, and what it kept",
)  # fmt: skip
for epoch, words, side in ((kept, "kept ", "right"), (stop, " stopped", "left")):
    axes.axvline(epoch, color="#444444", linestyle=":", zorder=1)
    axes.text(epoch, axes.get_ylim()[1], words, va="top", ha=side)
plotting.show(
    axes,
    alt=f"The losses of the long run, and two vertical lines: epoch {kept}, whose weights were kept, and epoch {stop}, "
    "where the training stopped.",
    caption="Lines: the run without early stopping. Dotted: what the stopper did in the same training.",
)

# %%
restored_loss = test_step(best_model, small_batches(few)[1], nn.CrossEntropyLoss())[0]
cards.verdict(
    "the restored weights are those of the best epoch",
    abs(restored_loss - min(stopped_run.val_loss)) < 1e-3,
    f"validation loss {restored_loss:.4f}; best epoch {kept} had {min(stopped_run.val_loss):.4f}, "
    f"the last one, epoch {stop}, {stopped_run.val_loss[-1]:.4f}",
)

# %% [markdown]
# ## The test images, once
#
# All decisions are made: which network, how long, which epoch. Now the test images may speak. First the two networks
# with 200 training images, the one that stopped and the one that went on.

# %%
test_small = data.load(profile.dataset, "test", 16, 1_000)
few_mean, few_std = few.channel_statistics()
test_small_batches = data.Batches(test_small, 500, mean=few_mean, std=few_std, device=device)
tested, surety = {}, {}
for name, model in (("to the end", memoriser), ("stopped", best_model)):
    tested[name] = test_step(model, test_small_batches, nn.CrossEntropyLoss())
    logits, targets = training.predict(model, test_small_batches)  # for all images at once
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    surety[name] = float(confidence[predicted != targets].mean())
cards.verdict(
    "the stopped network has the lower loss on the test images",
    tested["stopped"][0] < tested["to the end"][0],
    "; ".join(f"{name}: loss {loss:.3f}, accuracy {accuracy:.3f}" for name, (loss, accuracy) in tested.items()),
)
cards.verdict(
    "the network that went on is surer of its mistakes",
    surety["to the end"] > surety["stopped"],
    f"mean probability of a wrong answer: {surety['to the end']:.3f} at the end, {surety['stopped']:.3f} if stopped",
)

# %% [markdown]
# Compare the two accuracies as well. They need not agree with the losses: the stopper looked after the loss, and
# nobody looked after the accuracy. If accuracy is what you want, give the stopper 1 - accuracy.
#
# Then TinyVGG with all training images. The **confusion matrix** counts, for each true class (row), what the network
# said (column). The diagonal is right.

# %%
test_images = data.load(profile.dataset, "test", size, profile.pick(quick=1_000, full=10_000))
test_batches = data.Batches(test_images, 500, mean=train_batches.mean, std=train_batches.std, device=device)
logits, targets = training.predict(tiny, test_batches)
confidence, predicted = logits.softmax(dim=1).max(dim=1)
counts = inspection.confusion_counts(predicted, targets, len(classes))
test_accuracy = float((predicted == targets).float().mean())

off_diagonal = counts.clone().fill_diagonal_(0)
row, column = divmod(int(off_diagonal.argmax()), len(classes))
worst = f"{classes[row]} taken for {classes[column]}: {off_diagonal[row, column]} times"
axes = plotting.confusion_matrix(counts, classes, title="What is taken for what")
plotting.show(
    axes,
    alt=f"Counts by true and predicted class. {test_accuracy:.0%} lie on the diagonal. Most frequent mistake: {worst}.",
    caption=f"{len(targets):,} test images. Most frequent mistake: {worst}.",
)

# %% [markdown]
# These are the mistakes in which the network was most confident. How many of these images would you have got right?
# Think of the receptive field: one number behind the blocks sees 16×16 pixels of the image. How much of a shape fits
# in there?

# %%
figure = plotting.mistakes(test_images.images, predicted, targets, confidence, classes, count=12)
plotting.show(
    figure,
    alt="Test images that the network got wrong, each with its true class, what the network said, and how sure it was.",
    caption="True class, predicted class, probability that the network gave it.",
)
print(f"test accuracy {test_accuracy:.3f}; {int((predicted != targets).sum())} of {len(targets):,} images wrong")

# %% [markdown]
# ## More layers should be better?
#
# VGG's argument says: stack more. Let us put 1, 2 and 8 convolutions into each of the two blocks, and give every
# network the same 3 epochs. The images are the small ones.


# %%
def stacked(num_convs: int, he_start: bool = False) -> nn.Module:
    training.reset_seeds(0)
    blocks = [vgg_block(3, 10, num_convs), vgg_block(10, 10, num_convs)]
    model = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(10 * 4 * 4, len(classes)))
    if he_start:
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
    return model.to(device)


def stacked_run(*choice):
    return train(stacked(*choice), *small_batches(small_train), 3, name=f"{2 * choice[0]} convolutions")


# %%
choices = {"2 convolutions": (1,), "4 convolutions": (2,), "16 convolutions": (8,)}
depth_error = {name: 1 - stacked_run(*choice).train_acc[-1] for name, choice in choices.items()}
axes = plotting.bars(
    depth_error, title="Training error by number of convolutions", x_label="training error in the last epoch"
)
plotting.show(
    axes,
    alt="Training error: " + ", ".join(f"{name} {error:.3f}" for name, error in depth_error.items()),
    caption=f"{len(small_train):,} images of 16×16, 3 epochs, one seed.",
)
cards.verdict(
    "16 convolutions have a higher training error than 4",
    depth_error["16 convolutions"] > depth_error["4 convolutions"] + 0.02,
    ", ".join(f"{name}: {error:.3f}" for name, error in depth_error.items()),
)

# %% [markdown]
# The usual suspect is the **vanishing gradient**: on its way back it is multiplied by weight after weight, and if
# each of these products makes it a little smaller, nothing is left for the first layer. Is that so here? One batch,
# one backward pass before the training, and in each convolution the norm of the gradient over the norm of the weight.
# Beside it, a cure: **He initialisation** (arXiv 1502.01852) draws the first weights just large enough to keep the
# numbers' size from layer to layer.

# %%
batch = next(iter(data.Batches(small_train, 128, shuffle=True, device=device)))
first_over_last = {}
for name, choice in {**choices, "16, He start": (8, True)}.items():
    norms = list(inspection.gradient_norms(stacked(*choice), *batch).values())
    first_over_last[name] = norms[0] / norms[-1]
    print(f"{name:<17} first convolution {norms[0]:.1e}   last convolution {norms[-1]:.1e}")
he_error = 1 - stacked_run(8, True).train_acc[-1]
cards.verdict(
    "with PyTorch's usual start, the gradient of 16 convolutions vanishes on its way to the first",
    first_over_last["16 convolutions"] < 0.01,
    f"first over last: {first_over_last['16 convolutions']:.1e}; "
    f"with He initialisation {first_over_last['16, He start']:.2f}",
)
cards.verdict(
    "He initialisation lowers the training error of 16 convolutions",
    he_error < depth_error["16 convolutions"] - 0.02,
    f"{depth_error['16 convolutions']:.3f} without it, {he_error:.3f} with it; "
    f"4 convolutions had {depth_error['4 convolutions']:.3f}",
)

# %% [markdown]
# So one obstacle to depth is real, and it has remedies: a good start, and batch norm, which rescales the numbers behind
# each convolution. The authors of VGG had neither: they trained a shallow network first and
# put its layers into the deep one (§3.1). With the remedy, is the way free? Do 56 layers do better than 20? That is
# lesson 04.

# %% [markdown]
# ## What we measured

# %%
print(f"1. VGG-16 has {total:,} parameters, {in_linear / total:.1%} of them in linear layers.")
print(
    f"2. Three 3×3 convolutions see {fields['3 × 3×3'][1][0]}×{fields['3 × 3×3'][1][1]} pixels, as one 7×7 does, "
    f"with {weights['3 × 3×3'] / weights['1 × 7×7']:.0%} of the weights."
)
print(f"3. TinyVGG reached {test_accuracy:.3f} on the test images after {budget.epochs} epochs.")
print(
    f"4. With 200 images the validation loss was lowest at epoch {best_epoch}, {rise:.1f} times as high at the end; "
    f"early stopping kept epoch {kept} and stopped after {stop}."
)
print(f"5. Training error by depth: {', '.join(f'{name} {error:.2f}' for name, error in depth_error.items())}; "
      f"16 with He initialisation {he_error:.2f}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. Two networks see 7×7 pixels: one 7×7 convolution, and three 3×3 convolutions. Do they compute
# the same functions?</summary>
#
# No. The single layer is linear, and has 49 · C² weights to be any linear map on that window. The stack has 27 · C²
# weights and ReLUs between: it can do what is not linear, but of the linear maps it reaches only those that are made
# of three small ones. The same field does not mean the same ability.
# </details>
#
# <details><summary>2. Max pooling has no weights. Does it change the receptive field of later layers?</summary>
#
# Yes, twice. Its window of 2 adds one jump to the field, and its stride of 2 doubles the jump, so that each 3×3
# convolution behind it widens the field by 4 pixels and not by 2.
# </details>
#
# <details><summary>3. After the first epoch, the training loss is higher than the validation loss. Are the sets mixed
# up?</summary>
#
# Probably not. The training loss is a mean over an epoch in which the network improved; the validation loss was
# measured after it. Measure the training images again with fixed weights if you need a fair comparison.
# </details>
#
# <details><summary>4. Late in a training the validation loss rises by half, and the validation accuracy stays. Which
# one is wrong?</summary>
#
# Neither. The same images are wrong, with more confidence. Whether that is "worse" depends on whether you need the
# probabilities or only the class.
# </details>
#
# <details><summary>5. <code>num_trials=3</code>, validation losses 0.9, 0.7, 0.8, 0.75, 0.72, 0.5. What does the
# stopper keep?</summary>
#
# The second epoch. 0.8, 0.75 and 0.72 are three bad epochs in a row, although they get better and better: none is below
# 0.7. The stopper stops after the fifth epoch, and the 0.5 is never seen.
# </details>

# %% [markdown]
# ## Further reading
#
# - Simonyan & Zisserman 2014, arXiv 1409.1556, §2.1 (the blocks), §2.3 (why 3×3) and §3.1 (how the deep ones were
#   started).
# - Wang et al. 2020, arXiv 2004.15004: TinyVGG, to look at number by number.
# - He, Zhang, Ren, Sun 2015, arXiv 1502.01852: how to draw the first weights.
#
# Next: **lesson 04**, where more layers make it worse although the gradient is there.
