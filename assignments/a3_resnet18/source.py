# %% [markdown]
# # Assignment 3 · ResNet-18, and what its shortcuts are worth
#
# *A network of your own with 18 layers, its costs, and a comparison that can be trusted.*
#
# **You show here that you can**
#
# - build a residual network from any list of stages, and keep account of channels and strides,
# - compute the parameters and the multiply-adds of a stage without building it,
# - compare two networks on the same budget and the same seeds,
# - write down what a comparison shows, and what it does not.
#
# **You need:** lessons 05 to 09.
#
# **Time:** about three hours, half of them for the report; the code runs in less than a minute on a CPU.

# %% [markdown]
# | task | points |
# |---|---|
# | 1 `StageResNet` | 16 |
# | 2 `stage_parameters` | 8 |
# | 3 `stage_multiply_adds` | 8 |
# | 4 `compare` | 8 |
# | 5 the report | 20 |
# | together | 60 |
#
# **How it is graded.** Below each of the tasks 1 to 4 stands a check with one example. It tells you at once whether you
# are on the right way. The points come from hidden tests, which use your own list of stages, other lists, and other
# numbers. They find your functions, classes and attributes by their names, so keep the names as they are. An answer
# with known mistakes can earn a part of the points, and the feedback says which they are. The report is read by a
# person; the table in task 5 says what the points are given for.
#
# Each task is marked by itself: a mistake in one task costs no points in another. Write only into the cells with
# `raise NotImplementedError` and into the report, and add cells of your own wherever you like. A cell may compute for
# 20 seconds and all cells together for 40; then a cell is stopped, and what was defined by then counts. So hand in no
# long trainings.

# %%
import statistics

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.assignments import example, stage_specification
from resnet_course.models import BasicBlock, Bottleneck, PlainBlock
from resnet_course.training import reset_seeds

# %% [markdown]
# ## Your stages
#
# Everybody builds another network. Write your student id, the one under which you hand in, between the quotation
# marks.

# %%
student = "your id"
stages = stage_specification(student)
for number, (planes, num_blocks, stride) in enumerate(stages, start=1):
    print(f"layer{number}: channels {planes}, blocks {num_blocks}, stride {stride}")

# %% [markdown]
# Eight blocks of two convolutions, one convolution before them and one linear layer after them are 18 layers, as in
# ResNet-18. The rest is different: the blocks are spread unevenly, one of the stages 2 to 4 keeps height and width,
# and another one keeps the number of channels.

# %% [markdown]
# ## Task 1 · The network (16 points)
#
# Write the class `StageResNet(block, stages, num_classes)`. `block` is a class such as `BasicBlock`, which is built
# with `(in_planes, planes, stride)` and sends out `planes * block.expansion` channels. `stages` is a list of four
# triples: planes, number of blocks, stride. The network has these parts, with these names:
#
# | attributes | what it is |
# |---|---|
# | `conv1`, `bn1` | 3×3 convolution to the planes of the first stage, batch norm; a ReLU follows |
# | `layer1` to `layer4` | each an `nn.Sequential` of blocks |
# | `linear` | the linear layer, with bias, to `num_classes` |
#
# `conv1` takes 3 channels; it has stride 1, padding 1 and no bias. In each stage the first block takes the stage's
# stride, the others have stride 1.
#
# One thing is not as in ResNet-18: the head reads **two** maps. Take the mean over all positions of what leaves
# `layer3`, and the same of what leaves `layer4`. Write the two vectors one behind the other, that of `layer3` first,
# and give this longer vector to `linear`. The network must take images of any size.
#
# `StageResNet(BasicBlock, [(8, 1, 1), (16, 2, 2), (16, 1, 2), (24, 1, 1)], 10)` takes (N, 3, 16, 16) to (N, 10); its
# linear layer has 16 + 24 = 40 inputs. With `Bottleneck`, whose expansion is 4, it has 160.


# %% task="StageResNet"
class StageResNet(nn.Module):
    """A residual network from a list of four stages; its head reads the last two."""

    def __init__(self, block, stages, num_classes):
        super().__init__()
        ### BEGIN SOLUTION
        in_planes = stages[0][0]
        self.conv1 = nn.Conv2d(3, in_planes, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(in_planes)
        leaving = []  # channels that leave each stage
        for number, (planes, num_blocks, stride) in enumerate(stages, start=1):
            blocks = []
            for each in [stride] + [1] * (num_blocks - 1):
                blocks.append(block(in_planes, planes, each))
                in_planes = planes * block.expansion
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            leaving.append(in_planes)
        self.linear = nn.Linear(leaving[2] + leaving[3], num_classes)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        out = F.relu(self.bn1(self.conv1(x)))
        third = self.layer3(self.layer2(self.layer1(out)))
        fourth = self.layer4(third)
        features = torch.cat([third.mean(dim=(2, 3)), fourth.mean(dim=(2, 3))], dim=1)
        return self.linear(features)
        ### END SOLUTION


# %% check="StageResNet" points=16
with example("StageResNet"):
    network = StageResNet(BasicBlock, [(8, 1, 1), (16, 2, 2), (16, 1, 2), (24, 1, 1)], 10)
    logits = network(torch.zeros(2, 3, 16, 16))
    assert tuple(logits.shape) == (2, 10), f"two images become {tuple(logits.shape)}, not (2, 10)"
    inputs = network.linear.in_features
    assert inputs == 40, f"the linear layer must have 16 + 24 = 40 inputs, yours has {inputs}"
    inputs = StageResNet(Bottleneck, [(8, 1, 1), (16, 2, 2), (16, 1, 2), (24, 1, 1)], 10).linear.in_features
    assert inputs == 160, f"with Bottleneck the linear layer must have 64 + 96 = 160 inputs, yours has {inputs}"
    names = {name for name, _ in network.named_children()}
    expected = {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "linear"}
    assert expected <= names, f"these attributes are missing: {sorted(expected - names)}"

# %% [markdown]
# ## Task 2 · Parameters of a stage (8 points)
#
# Write `stage_parameters(in_planes, stage)`: how many parameters has a stage of `BasicBlock`s, if `in_planes`
# channels come in? `stage` is a triple: planes, number of blocks, stride. Compute it, and do not build the stage.
#
# A reminder: `BasicBlock` is the block of lessons 05 and 07. It has two 3×3 convolutions without bias, each with a
# batch norm. Where the shape changes, its shortcut is a 1×1 convolution without bias, and a batch norm. A batch norm
# has two parameters for each channel; its running mean and variance are not parameters, since no gradient changes
# them.
#
# `stage_parameters(8, (16, 2, 2))` is 8,352: 3,680 in the first block and 4,672 in the second one.


# %% task="stage_parameters"
def stage_parameters(in_planes, stage):
    """Parameters of a stage (planes, number of blocks, stride) of basic blocks."""
    ### BEGIN SOLUTION
    planes, num_blocks, stride = stage
    first = 9 * in_planes * planes + 9 * planes**2 + 4 * planes
    if stride != 1 or in_planes != planes:
        first += in_planes * planes + 2 * planes
    other = 18 * planes**2 + 4 * planes
    return first + (num_blocks - 1) * other
    ### END SOLUTION


# %% check="stage_parameters" points=8
with example("stage_parameters"):
    count = stage_parameters(8, (16, 2, 2))
    assert count == 8352, f"the example of the text gives {count}, not 8352"

# %% [markdown]
# ## Task 3 · Multiply-adds of a stage (8 points)
#
# Write `stage_multiply_adds(in_planes, in_size, stage)` for the same stage and one square map of the height and width
# `in_size`. Return two numbers: the multiply-adds of all convolutions of the stage, and the height of the map that
# leaves it.
#
# Only convolutions count, those on the shortcuts too. A convolution uses each of its weights once for every position
# of its **output**. An odd size is halved and rounded up; a stride s makes ⌈size / s⌉ of a size.
#
# `stage_multiply_adds(8, 16, (16, 2, 2))` is `(524288, 8)`.


# %% task="stage_multiply_adds"
def stage_multiply_adds(in_planes, in_size, stage):
    """Multiply-adds of a stage (planes, number of blocks, stride), and the height of the map that leaves it."""
    ### BEGIN SOLUTION
    planes, num_blocks, stride = stage
    size = (in_size + stride - 1) // stride  # rounded up
    weights = 9 * in_planes * planes + 9 * planes**2 + (num_blocks - 1) * 18 * planes**2
    if stride != 1 or in_planes != planes:
        weights += in_planes * planes
    return weights * size**2, size
    ### END SOLUTION


# %% check="stage_multiply_adds" points=8
with example("stage_multiply_adds"):
    cost = stage_multiply_adds(8, 16, (16, 2, 2))
    assert tuple(cost) == (524288, 8), f"the example of the text gives {cost}, not (524288, 8)"

# %% [markdown]
# ## Task 4 · A fair comparison (8 points)
#
# Two **arms** are to be compared: `"residual"` and `"plain"`. `train(arm)` is a function that builds a network, trains
# it and returns its error. First weights and order of the images come from the random generators. A comparison is
# fair if each arm meets the same luck: for each seed, both arms start from the same state of the generators.
#
# Write `compare(train, seeds)`. `seeds` is a list of at least two whole numbers. For each seed, train each arm once.
# `reset_seeds(seed)` sets all generators. Return three things:
#
# 1. a dict with a list of errors for each of the two arms, in the order of the seeds;
# 2. the mean, over the seeds, of the difference between the errors, plain minus residual;
# 3. the **spread** of these differences: their sample standard deviation, with n - 1 in the denominator
#    (`statistics.stdev`).
#
# The next function stands for a training. It is quick and depends on arm and luck, as a training does. The check and
# the hidden tests use it; leave it as it is.


# %%
def rehearsal(arm):
    """An error made of the arm and two random numbers."""
    first, second = torch.rand(2).tolist()
    return {"residual": 0.3 + 0.2 * first, "plain": 0.35 + 0.2 * first + 0.1 * second}[arm]


# %% task="compare"
def compare(train, seeds):
    """Errors of both arms, mean difference (plain - residual), spread of the differences."""
    ### BEGIN SOLUTION
    errors = {"residual": [], "plain": []}
    for seed in seeds:
        for arm in errors:
            reset_seeds(seed)
            errors[arm].append(train(arm))
    differences = [plain - residual for plain, residual in zip(errors["plain"], errors["residual"], strict=True)]
    return errors, statistics.mean(differences), statistics.stdev(differences)
    ### END SOLUTION


# %% [markdown]
# In the example, the seeds 0 and 1 give the differences 0.127 and 0.078. The check rounds to three digits.

# %% check="compare" points=8
with example("compare"):
    errors, mean, spread = compare(rehearsal, [0, 1])
    for index, expected in enumerate((0.127, 0.078)):
        difference = round(errors["plain"][index] - errors["residual"][index], 3)
        assert difference == expected, f"seed {index} gives the difference {difference}, not {expected}"
    assert round(mean, 3) == 0.102, f"the mean is {mean:.3f}, not 0.102"
    assert round(spread, 3) == 0.035, f"the spread is {spread:.3f}, not 0.035"

# %% [markdown]
# ## Task 5 · The ablation report (20 points)
#
# An **ablation** takes one part away and measures what is lost. Here the shortcuts go: `PlainBlock` is `BasicBlock`
# without them. Before you run the training, write down what you expect: which arm has the lower error, and by how
# much? The expectation belongs into the report. It earns its points whether it comes true or not.
#
# First the costs of your network.

# %% skip=true
try:
    in_planes, size = stages[0][0], 16
    for number, stage in enumerate(stages, start=1):
        parameters = stage_parameters(in_planes, stage)
        work, size = stage_multiply_adds(in_planes, size, stage)
        in_planes = stage[0]
        print(f"layer{number}: {parameters:>7,} parameters, {work / 1e6:>5.2f} million multiply-adds, "
              f"{in_planes}×{size}×{size} leaves it")  # fmt: skip
except NotImplementedError:
    print("write tasks 2 and 3 first")

# %% [markdown]
# Now the training: both arms with three seeds, each on 600 images of 16×16 for four epochs. It takes less than half
# a minute on two CPU cores. The error is measured on 600 other images.

# %% skip=true
from resnet_course import data, training

images = data.load("shapes", "train", image_size=16, limit=600)
other_images = data.load("shapes", "test", image_size=16, limit=600)


def train(arm):
    block = {"residual": BasicBlock, "plain": PlainBlock}[arm]
    network = StageResNet(block, stages, len(images.classes))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    batches = data.Batches(images, 50, shuffle=True)
    training.fit(network, batches, None, optimizer, F.cross_entropy, epochs=4, description=arm)
    return 1 - training.evaluate(network, data.Batches(other_images, 300))[1]


try:
    errors, mean, spread = compare(train, seeds=[0, 1, 2])
    for arm, values in errors.items():
        print(f"{arm:<9}" + "".join(f"{error:>7.3f}" for error in values))
    print(f"plain minus residual: mean {mean:.3f}, spread {spread:.3f} over {len(values)} seeds")
except NotImplementedError:
    print("write tasks 1 and 4 first")

# %% [markdown]
# Then one **ablation of your own**, in a new cell: change one thing and nothing else, and compare again. Examples: a
# deeper list of stages, a stage with another stride, a head that reads `layer4` only, another learning rate.
#
# Write the report into the last cell, on one page. It is read for the following.
#
# | what | points | full points for |
# |---|---|---|
# | the network | 3 | shape, parameters and multiply-adds of your four stages; where most of each stands, and why |
# | the expectation | 3 | a number for each ablation, written before the run, with a reason |
# | the method | 4 | data, budget, seeds; what was the same in both arms and what was not; others can repeat it |
# | the result | 4 | for both ablations every error, mean difference and spread, as the notebook prints them |
# | what it shows | 3 | a claim that the numbers bear; a difference that is small against its spread is called that |
# | what it does not show | 3 | two limits that matter here, such as few epochs or a single learning rate |
#
# Half of a row's points are given where something is missing or said without a number. A result that went against
# your expectation costs nothing.

# %% [markdown] report="report" points=20
# **The network.** A table of the four stages with shape, parameters and multiply-adds. Most parameters stand where
# the channels are most; the work depends on the size of the map as well.
#
# **The expectation.** One number for each ablation, with a reason, as written before the run.
#
# **The method.** 600 images of the generated shapes at 16×16, batches of 50, four epochs of SGD at 0.05 with
# momentum 0.9, seeds 0, 1 and 2 for both arms. Not the same: the projections, which only the residual arm has.
#
# **The result.** All six errors of each ablation, mean difference and spread.
#
# **What it shows, and what it does not.** A claim with its numbers. One depth, one learning rate, one data set, few
# epochs: the ranking may change with each of them.

# %% [markdown]
# ## Before you hand in
#
# Is your id in the cell *Your stages*? Restart the kernel and run all cells. Every task should report that its
# example is right. Save the notebook and hand in this file; keep its name. A task that is not written earns no points
# and spoils no other one.
