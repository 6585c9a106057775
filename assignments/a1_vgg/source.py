# %% [markdown]
# # Assignment 1 · VGG and the training loop
#
# *A network from a rule, what one of its numbers sees, and numbers that can be believed.*
#
# **You show here that you can**
#
# - build a network from a rule, layer by layer,
# - compute what one number of a feature map sees of the image, dilation included,
# - make one step of the optimizer on several small batches, with the gradient of the large one,
# - measure accuracy over all images and in each class, without touching the model.
#
# **You need:** lesson 01.
#
# **Time:** about two hours; the code runs in seconds on a CPU.

# %% [markdown]
# | task | points |
# |---|---|
# | 1 `staged_vgg` | 10 |
# | 2 `receptive_field` | 8 |
# | 3 `accumulated_step` | 12 |
# | 4 `evaluate_by_class` | 10 |
# | together | 40 |
#
# **How it is graded.** Below each task stands a check with one example. It tells you at once whether you are on the
# right way. The points come from hidden tests, which use other sizes, other weights and other cases that the text
# names. They find your functions by their names, so keep the names as they are. An answer with known mistakes can earn
# a part of the points, and the feedback says which they are.
#
# Each task is marked by itself: a mistake in one task costs no points in another. Write only into the cells with
# `raise NotImplementedError`, and add cells of your own wherever you like. A print or a warning costs nothing. A cell
# may compute for 20 seconds and all cells together for 40; then a cell is stopped, and what was defined by then counts.
# So hand in no long trainings.

# %%
import torch
from torch import nn

from resnet_course.assignments import example

# %% [markdown]
# ## Task 1 · A network from a rule (10 points)
#
# VGG doubles its channels from stage to stage, and stops at a largest number. Write
# `staged_vgg(stages, width, widest, num_classes)`. It returns an `nn.Sequential` of
#
# - `stages` stages. Stage number s (the first one is 1) has s convolutions of 3×3 that keep height and width, each
#   **with batch norm and without a bias**, then ReLU; then one max pooling that halves height and width. Its channels
#   are `width` in stage 1 and twice as many in each later stage, but never more than `widest`.
# - `nn.AdaptiveAvgPool2d(1)`, `nn.Flatten()`, and one `nn.Linear` to `num_classes`.
#
# All layers stand directly in one `nn.Sequential`, in the order in which they act: convolution, batch norm, ReLU and
# so on. The input has 3 channels.
#
# Example: `staged_vgg(stages=2, width=8, widest=12, num_classes=10)` has three convolutions, with 8, 12 and 12 output
# channels.


# %% task="staged_vgg"
def staged_vgg(stages: int, width: int, widest: int, num_classes: int) -> nn.Sequential:
    """A VGG whose stage number s has s convolutions. (N, 3, H, W) -> (N, num_classes)"""
    ### BEGIN SOLUTION
    layers: list[nn.Module] = []
    before = 3
    for stage in range(1, stages + 1):
        channels = min(width * 2 ** (stage - 1), widest)
        for _ in range(stage):
            layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            before = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))
    ### END SOLUTION


# %% check="staged_vgg" points=10
with example("staged_vgg"):
    network = staged_vgg(stages=2, width=8, widest=12, num_classes=10)
    channels = [layer.out_channels for layer in network if isinstance(layer, nn.Conv2d)]
    assert channels == [8, 12, 12], f"the convolutions give {channels} channels, not [8, 12, 12]"
    shape = tuple(network(torch.zeros(2, 3, 16, 16)).shape)
    assert shape == (2, 10), f"two images give a result of the shape {shape}, not (2, 10)"

# %% [markdown]
# ## Task 2 · What one number sees (8 points)
#
# The **receptive field** of a number in a network is the side of the square of pixels that can change it. Write
# `receptive_field(layers)`. `layers` is a list of tuples `(kernel, stride, dilation)`, first layer first. A kernel of
# size k with dilation d reaches over (k - 1)·d + 1 positions: between two of its weights lie d - 1 positions that it
# skips.
#
# Example: a 3×3 convolution, a 2×2 pooling with stride 2, and a 3×3 convolution with dilation 2:
# `receptive_field([(3, 1, 1), (2, 2, 1), (3, 1, 2)])` is 12. The first two see 4 pixels; the last one adds 4 steps,
# and after the pooling each step is 2 pixels wide.


# %% task="receptive_field"
def receptive_field(layers: list[tuple[int, int, int]]) -> int:
    """Side of the square of pixels that one number after the last layer depends on; 1 without layers."""
    ### BEGIN SOLUTION
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        field += (kernel - 1) * dilation * step
        step *= stride
    return field
    ### END SOLUTION


# %% check="receptive_field" points=8
with example("receptive_field"):
    found = receptive_field([(3, 1, 1), (2, 2, 1), (3, 1, 2)])
    assert found == 12, f"the example gives {found}, not 12"

# %% [markdown]
# ## Task 3 · One step on several small batches (12 points)
#
# A batch of 128 images may not fit into memory; four batches of 32 do. **Gradient accumulation** runs them one after
# the other and takes *one* step, as if they had been one batch. Write
# `accumulated_step(model, batches, loss_fn, optimizer, largest_norm)`:
#
# - `batches` is a list of `(images, targets)`. They may differ in size: the last one is often smaller.
# - `loss_fn(logits, targets)` gives the **mean** over its batch.
# - Before the step, the gradient of all parameters together is scaled down to the norm `largest_norm` if it is longer
#   (`nn.utils.clip_grad_norm_`).
# - The weights afterwards are those that one step on all the images at once gives. Gradients that were left over from
#   before do not count.
# - It returns the mean loss over all images before the step, as a float. The model is in training mode.
#
# Where does the size of a batch belong? Write down the mean over all images, and put the means of the batches into it.


# %% task="accumulated_step"
def accumulated_step(model: nn.Module, batches, loss_fn, optimizer, largest_norm: float) -> float:
    """One step of the optimizer on all batches together. Returns the mean loss over all images."""
    ### BEGIN SOLUTION
    model.train()
    optimizer.zero_grad()
    images_in_all = sum(len(targets) for _, targets in batches)
    mean_loss = 0.0
    for images, targets in batches:
        loss = loss_fn(model(images), targets) * (len(targets) / images_in_all)
        loss.backward()
        mean_loss += loss.item()
    nn.utils.clip_grad_norm_(model.parameters(), largest_norm)
    optimizer.step()
    return mean_loss
    ### END SOLUTION


# %% check="accumulated_step" points=12
torch.manual_seed(0)
images, targets = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
expected = nn.functional.cross_entropy(model(images), targets).item()
with example("accumulated_step"):
    batches = [(images[:4], targets[:4]), (images[4:], targets[4:])]
    found = accumulated_step(model, batches, nn.functional.cross_entropy, optimizer, largest_norm=100.0)
    assert isinstance(found, float), f"it returns {type(found).__name__}, not a float"
    assert abs(found - expected) < 1e-5, (
        f"the mean loss is {found:.4f}, not {expected:.4f}: are the batches of one size?"
    )

# %% [markdown]
# ## Task 4 · An honest evaluation (10 points)
#
# Write `evaluate_by_class(model, batches, num_classes)`. It returns a tuple of
#
# 1. the accuracy over all images, a float in [0, 1],
# 2. a list with the accuracy in each class, `float("nan")` for a class without images.
#
# The batches may differ in size. Evaluation changes nothing: no gradients, batch norm and dropout as for new images,
# and afterwards the model is **in the mode in which it was before**.


# %% task="evaluate_by_class"
def evaluate_by_class(model: nn.Module, batches, num_classes: int) -> tuple[float, list[float]]:
    """Accuracy over all images, and in each class."""
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    right, images_of = [0] * num_classes, [0] * num_classes
    with torch.no_grad():
        for images, targets in batches:
            predicted = model(images).argmax(dim=1)
            for target, hit in zip(targets.tolist(), (predicted == targets).tolist(), strict=True):
                images_of[target] += 1
                right[target] += hit
    model.train(was_training)
    by_class = [hits / count if count else float("nan") for hits, count in zip(right, images_of, strict=True)]
    return sum(right) / sum(images_of), by_class
    ### END SOLUTION


# %% check="evaluate_by_class" points=10
same = nn.Identity()  # its input is its result: the largest number names the class
logits, targets = torch.eye(3)[[0, 1, 0, 0]], torch.tensor([0, 1, 1, 0])
with example("evaluate_by_class"):
    overall, by_class = evaluate_by_class(same, [(logits[:3], targets[:3]), (logits[3:], targets[3:])], num_classes=3)
    assert overall == 0.75, f"three of four images are right, and it says {overall}"
    assert by_class[:2] == [1.0, 0.5], f"the classes 0 and 1 have 1.0 and 0.5, and it says {by_class[:2]}"
    assert by_class[2] != by_class[2], "class 2 has no image: its accuracy is float('nan')"

# %% [markdown]
# ## Before you hand in
#
# Restart the kernel and run all cells. Every task should report that its example is right. Save the notebook and hand
# in this file; keep its name. A task that is not written earns no points and spoils no other one.
