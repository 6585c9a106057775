# %% [markdown]
# # Assignment 2 · Residual block and shortcuts
#
# *A block in another order, a shortcut without a stride, and the ways of the gradient.*
#
# **You show here that you can**
#
# - say which shortcut a block needs, and write a shortcut that is not the one of the lessons,
# - write a residual block from a description, in an order in which nothing comes after the addition,
# - start such a block as the identity, and so that it can still learn,
# - take the gradient apart into what comes along the shortcuts and the rest.
#
# **You need:** lessons 05 and 07. The order of the block is that of lesson 11, but everything is explained here.
#
# **Time:** about 90 minutes; the code runs in a few seconds on a CPU.

# %% [markdown]
# | task | points |
# |---|---|
# | 1 `shortcut_kinds` | 8 |
# | 2 `PooledShortcut` | 10 |
# | 3 `PreActBottleneck` | 16 |
# | 4 `zero_start` | 8 |
# | 5 `gradient_parts` | 8 |
# | together | 50 |
#
# **How it is graded.** Below each task stands a check with one example. It tells you at once whether you are on the
# right way. The points come from hidden tests, which use other shapes, other weights and other cases that the text
# names. They find your functions, classes and attributes by their names, so keep the names as they are. An answer with
# known mistakes can earn a part of the points, and the feedback says which they are.
#
# Each task is marked by itself: a mistake in one task costs no points in another. Write only into the cells with
# `raise NotImplementedError`, and add cells of your own wherever you like. A cell may compute for 20 seconds and all
# cells together for 40; then a cell is stopped, and what was defined by then counts. So hand in no long trainings.

# %%
import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.assignments import example

# %% [markdown]
# ## Task 1 · Which shortcut? (8 points)
#
# The shortcut of lesson 07 is one layer for everything: a 1×1 convolution with a stride. With stride 2 it reads one
# of four positions and throws three away. In this assignment the two changes are kept apart:
#
# - where the **stride** is larger than 1, average pooling makes the map smaller, and every position is read;
# - where the **number of channels** changes, more or fewer, a 1×1 convolution with stride 1 follows.
#
# Write `shortcut_kinds(blocks)`. `blocks` is a list of triples: channels in, channels out, stride. Return a list with
# one of these texts for each block: `"identity"`, `"pooling"`, `"projection"`, `"pooling and projection"`.
#
# `shortcut_kinds([(16, 16, 1), (16, 32, 2)])` is `["identity", "pooling and projection"]`. For an empty list the
# result is an empty list.


# %% task="shortcut_kinds"
def shortcut_kinds(blocks):
    """The kind of shortcut of each block (channels in, channels out, stride)."""
    ### BEGIN SOLUTION
    kinds = []
    for in_planes, out_planes, stride in blocks:
        steps = []
        if stride > 1:
            steps.append("pooling")
        if in_planes != out_planes:
            steps.append("projection")
        kinds.append(" and ".join(steps) or "identity")
    return kinds
    ### END SOLUTION


# %% check="shortcut_kinds" points=8
with example("shortcut_kinds"):
    kinds = shortcut_kinds([(16, 16, 1), (16, 32, 2)])
    assert isinstance(kinds, list), f"return a list, not {type(kinds).__name__}"
    assert kinds == ["identity", "pooling and projection"], f"the example of the text gives {kinds}"

# %% [markdown]
# ## Task 2 · The pooled shortcut (10 points)
#
# Write the class `PooledShortcut(in_planes, out_planes, stride)` with two attributes:
#
# - `pool`: where the stride is larger than 1, average pooling with a window of stride × stride that moves by its own
#   size;
# - `conv`: where the number of channels changes, a 1×1 convolution without bias.
#
# An attribute that has nothing to do is `nn.Identity()`. There is no batch norm and no ReLU: the shortcut only adds
# and multiplies by weights.
#
# Mind the odd sizes. On a map of 7×7, a 3×3 convolution with padding 1 and stride 2 gives 4×4, the half rounded
# **up**. What goes around it must have the same size. So the windows at the lower and right border may reach over the
# border, and there the mean is taken over those positions that exist. `nn.AvgPool2d` has a setting for that.
#
# `PooledShortcut(16, 32, 2)` takes a tensor of the shape (N, 16, 7, 7) to (N, 32, 4, 4) and has 512 weights.


# %% task="PooledShortcut"
class PooledShortcut(nn.Module):
    """Average pooling for the stride, then a 1×1 convolution for the channels, each only where it is needed."""

    def __init__(self, in_planes, out_planes, stride):
        super().__init__()
        ### BEGIN SOLUTION
        self.pool = nn.Identity()
        if stride > 1:
            self.pool = nn.AvgPool2d(kernel_size=stride, ceil_mode=True)
        self.conv = nn.Identity()
        if in_planes != out_planes:
            self.conv = nn.Conv2d(in_planes, out_planes, kernel_size=1, bias=False)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        smaller = self.pool(x)  # (N, in_planes, ceil(H / stride), ceil(W / stride))
        return self.conv(smaller)  # (N, out_planes, ceil(H / stride), ceil(W / stride))
        ### END SOLUTION


# %% check="PooledShortcut" points=10
with example("PooledShortcut"):
    shortcut = PooledShortcut(16, 32, 2)
    shape = tuple(shortcut(torch.zeros(5, 16, 7, 7)).shape)
    assert shape == (5, 32, 4, 4), f"(5, 16, 7, 7) becomes {shape}, not (5, 32, 4, 4)"
    count = sum(parameter.numel() for parameter in shortcut.parameters())
    assert count == 512, f"the shortcut from 16 to 32 channels has 16 · 32 = 512 weights, yours has {count}"
    square = torch.tensor([[1.0, 2.0], [3.0, 6.0]]).reshape(1, 1, 2, 2)
    mean = PooledShortcut(1, 1, 2)(square).item()
    assert mean == 3, f"the mean of 1, 2, 3 and 6 is 3, your shortcut gives {mean}"

# %% [markdown]
# ## Task 3 · A bottleneck in pre-activation order (16 points)
#
# In the block of lesson 05 a ReLU comes after the addition, so nothing negative ever leaves the block. In
# **pre-activation** order, batch norm and ReLU stand *before* each convolution, and the addition comes last.
#
# Write the class `PreActBottleneck(in_planes, planes, stride, shortcut)`. `shortcut` is a module that is handed in
# ready-made; keep it as the attribute `shortcut`. The block sends out `2 * planes` channels: its `expansion` is 2,
# and not 4 as in ResNet-50. This is what happens to x:
#
# | step | attributes | shape after it |
# |---|---|---|
# | 1 | `bn1`, ReLU | (N, in_planes, H, W) |
# | 2 | `conv1`, 1×1 | (N, planes, H, W) |
# | 3 | `bn2`, ReLU | (N, planes, H, W) |
# | 4 | `conv2`, 3×3, takes the stride | (N, planes, H / stride, W / stride) |
# | 5 | `bn3`, ReLU | (N, planes, H / stride, W / stride) |
# | 6 | `conv3`, 1×1 | (N, 2 · planes, H / stride, W / stride) |
# | 7 | plus `shortcut(x)`, where x is what came into step 1 | (N, 2 · planes, H / stride, W / stride) |
#
# No convolution has a bias. An odd height or width is halved and rounded up. The block must leave the tensor that it
# gets unchanged.
#
# With your shortcut, `PreActBottleneck(16, 16, 2, PooledShortcut(16, 32, 2))` takes (N, 16, 8, 8) to (N, 32, 4, 4).
# The hidden tests hand in shortcuts of their own.


# %% task="PreActBottleneck"
class PreActBottleneck(nn.Module):
    """Three times batch norm, ReLU, convolution; then the shortcut of x is added."""

    expansion = 2  # channels that go out, as a multiple of `planes`

    def __init__(self, in_planes, planes, stride, shortcut):
        super().__init__()
        ### BEGIN SOLUTION
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, self.expansion * planes, kernel_size=1, bias=False)
        self.shortcut = shortcut
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        out = self.conv1(F.relu(self.bn1(x)))  # (N, planes, H, W)
        out = self.conv2(F.relu(self.bn2(out)))  # (N, planes, H / stride, W / stride)
        out = self.conv3(F.relu(self.bn3(out)))  # (N, 2 * planes, H / stride, W / stride)
        return out + self.shortcut(x)
        ### END SOLUTION


# %% check="PreActBottleneck" points=16
with example("PreActBottleneck"):
    block = PreActBottleneck(16, 16, 2, nn.Conv2d(16, 32, kernel_size=1, stride=2, bias=False))
    shape = tuple(block(torch.zeros(5, 16, 8, 8)).shape)
    assert shape == (5, 32, 4, 4), f"(5, 16, 8, 8) becomes {shape}, not (5, 32, 4, 4)"
    names = {name for name, _ in block.named_children()}
    expected = {"bn1", "conv1", "bn2", "conv2", "bn3", "conv3", "shortcut"}
    assert names == expected, f"missing: {sorted(expected - names)}, not asked for: {sorted(names - expected)}"
    block = PreActBottleneck(8, 4, 1, nn.Identity())
    nn.init.zeros_(block.conv3.weight)
    assert block(torch.full((2, 8, 3, 3), -1.0)).eq(-1).all(), "with conv3 at zero, x = -1 must come out as -1"

# %% [markdown]
# ## Task 4 · Start as the identity (8 points)
#
# A fresh block should return `shortcut(x)` and nothing else, and learn the rest. In lesson 05 the γ of the last batch
# norm was set to zero for that. Before you do the same here, think: in this block a ReLU and a convolution stand
# *after* the last batch norm. Which parameters would get a gradient in the first step?
#
# Here the last layer is a convolution. Write `zero_start(model)`: set the weight of `conv3` to zero in every
# `PreActBottleneck` of a model, however deep it lies, and change nothing else. The model may be a single block. It
# may also hold other layers, of any name. Change the model itself; what you return does not matter.
#
# The hidden tests make blocks of your class `PreActBottleneck` and put layers of their own into its attributes, so a
# mistake in task 3 costs nothing here.


# %% task="zero_start"
def zero_start(model):
    """Set the last convolution of every PreActBottleneck of the model to zero."""
    ### BEGIN SOLUTION
    for module in model.modules():
        if isinstance(module, PreActBottleneck):
            nn.init.zeros_(module.conv3.weight)
    ### END SOLUTION


# %% check="zero_start" points=8
with example("zero_start"):
    model = nn.Sequential(PreActBottleneck(8, 4, 1, nn.Identity()), PreActBottleneck(8, 4, 1, nn.Identity()))
    zero_start(model)
    for index, block in enumerate(model):
        assert block.conv3.weight.eq(0).all(), f"conv3 of block {index} is not zero"
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(model(x), x), "two blocks with identity shortcuts must return x"

# %% [markdown]
# ## Task 5 · The ways of the gradient (8 points)
#
# Stack blocks that each compute $F(x) + S(x)$, where $S$ is the shortcut. In front of every plus sign the gradient
# splits and takes both ways. Through a stack of three blocks there are $2^3 = 8$ ways from the output to the input.
# One of them uses the shortcuts only.
#
# The hidden tests do not use your block for this task but the next class, which is a block reduced to its two ways.
# Leave it as it is.


# %%
class TwoWays(nn.Module):
    """branch(x) + shortcut(x)."""

    def __init__(self, branch, shortcut):
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut

    def forward(self, x):
        return self.branch(x) + self.shortcut(x)


# %% [markdown]
# Write `gradient_parts(blocks, x, gradient)`.
#
# - `blocks` is a list of at least one block; the first one gets x, each other one gets what the one before it
#   returns. Use only that a block can be called and has the attribute `shortcut`.
# - The shortcuts are **linear**, like your `PooledShortcut`: what the gradient does on its way through them does not
#   depend on the numbers that come in.
# - `gradient` is the gradient at the output of the last block, with the shape of this output.
#
# Return two tensors of x's shape: the part of the gradient at x that comes along the shortcuts only, and the rest,
# which is the sum over all other ways. Together they must be the whole gradient.
#
# `torch.autograd.grad(output, x, gradient)` returns a tuple with one tensor: the gradient at x for a given gradient
# at the output. x itself comes without `requires_grad`.


# %% task="gradient_parts"
def gradient_parts(blocks, x, gradient):
    """The gradient at x along the shortcuts only, and the gradient along all other ways."""
    ### BEGIN SOLUTION
    x = x.detach().requires_grad_()
    output = along = x
    for block in blocks:
        output = block(output)
        along = block.shortcut(along)
    (whole,) = torch.autograd.grad(output, x, gradient)
    (shortcuts,) = torch.autograd.grad(along, x, gradient)
    return shortcuts, whole - shortcuts
    ### END SOLUTION


# %% [markdown]
# The example: branches that multiply by 2 and shortcuts that multiply by 3. Through two such blocks the gradient
# takes four ways, with the factors 3·3, 3·2, 2·3 and 2·2. So 9 comes along the shortcuts, and 16 on the other ways.


# %% check="gradient_parts" points=8
class Times(nn.Module):
    """Multiplies by a number."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


with example("gradient_parts"):
    blocks = [TwoWays(Times(2), Times(3)), TwoWays(Times(2), Times(3))]
    shortcuts, rest = gradient_parts(blocks, torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1))
    assert shortcuts.item() == 9, f"along the shortcuts comes 3 · 3 = 9, yours is {shortcuts.item():g}"
    assert rest.item() == 16, f"on the other ways comes 6 + 6 + 4 = 16, yours is {rest.item():g}"

# %% [markdown]
# ## Before you hand in
#
# Restart the kernel and run all cells. Every task should report that its example is right. Save the notebook and hand
# in this file; keep its name. A task that is not written earns no points and spoils no other one.
