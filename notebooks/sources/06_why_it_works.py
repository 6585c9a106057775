# %% [markdown]
# # 06 · Why it works
#
# *Three answers that you will hear, and what is left of each when it is measured.*

# %% [markdown]
# Ask three people why shortcuts work. The first writes an equation: "x arrives at the end unchanged, and every block
# adds something to it." The second draws an arrow from right to left: "The gradient has a way home on which nothing can
# hold it up." The third says: "It is no deep network at all. It is a crowd of shallow ones."
#
# All three have read it somewhere, and each answer has a true core. In this lesson you take the answers one by one,
# look for the core with a few lines of code, and find the place where each of them stops being true.
#
# **After this lesson you can**
#
# - derive $x_L = x_l + \sum F$, and say for which blocks it holds exactly,
# - split the gradient of a block into the part through F and the part through the shortcut,
# - measure how the gradient changes on its way back, how much the gradients of near inputs agree, and how far a block
#   moves its input,
# - start a network as the identity, and say what that is for,
# - count the paths of a residual network, and say why "a crowd of shallow networks" is a picture.
#
# **You need:** lesson 05, and the measurements of lesson 04.
#
# **Time:** 26 minutes to read and write; the code runs in about a minute on two CPU cores.

# %%
import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, experiments, explorers, models
from resnet_course import plotting, runtime
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
precision = runtime.precision()
budget = profile.pick(
    quick=runtime.Budget(images=500, image_size=16, epochs=5, batch_size=32),
    full=runtime.Budget(images=50_000, image_size=32, epochs=12, batch_size=128),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
print(f"{images.name}: {len(images):,} images, {images.image_size}×{images.image_size}")
gradient_norms = checks.yours("gradient_norms")
gradient_similarity = checks.yours("gradient_similarity")

# %% [markdown]
# Two of your functions from lesson 04 come along. The block of this lesson is the course's own, because the code has to
# look inside: `block.transform(x)` is $F(x)$, `block.shortcut(x)` is what it is added to, and its layers are called
# `conv1`, `bn1`, `conv2` and `bn2`. It computes what yours computes. In the networks the shortcuts have no weights
# (option A), so that a plain and a residual network have exactly the same number.

# %%
CourseBlock = models.BasicBlock


def make_network(name, seed=0):
    """A fresh "plain 56", "residual 20" and so on."""
    torch.manual_seed(seed)
    kind, depth = name.split()
    classes = len(images.classes)
    model = models.cifar_resnet(int(depth), classes, residual=kind == "residual")
    return model.to(profile.device)


# %% [markdown]
# ## The first answer: an equation
#
# Let $x_l$ be what comes into block $l$, and suppose that **nothing comes after the addition**. Then
#
# $$x_{l+1} = x_l + F_l(x_l), \qquad x_{l+2} = x_{l+1} + F_{l+1}(x_{l+1}) = x_l + F_l(x_l) + F_{l+1}(x_{l+1}),$$
#
# and so on, up to any later block $L$:
#
# $$x_L = x_l + \sum_{i=l}^{L-1} F_i(x_i).$$
#
# A plain network multiplies: each layer acts on the result of the one before. Here the layers *add* (He et al. 2016,
# [arXiv 1603.05027](https://arxiv.org/abs/1603.05027), §2). If E is the loss, the chain rule gives its gradient:
#
# $$\frac{\partial E}{\partial x_l} = \frac{\partial E}{\partial x_L}
# + \frac{\partial E}{\partial x_L}\,\frac{\partial}{\partial x_l}\sum_{i=l}^{L-1} F_i(x_i).$$
#
# The first of the two terms is the gradient at the end, exactly as it was there. No weight has multiplied it. The cell
# checks both equations on nine blocks without the last ReLU.


# %%
class OpenBlock(CourseBlock):
    """A residual block with nothing after the addition."""

    def forward(self, x):
        return x + self.transform(x)


torch.manual_seed(0)
open_stack = [OpenBlock(16, 16) for _ in range(9)]
start = torch.randn(16, 16, 8, 8).relu().requires_grad_()
x, total = start, 0
for block in open_stack:
    total = total + block.transform(x)  # the sum of all F
    x = block(x)
assert torch.allclose(x, start + total, atol=1e-4)

arrives = torch.randn_like(x)  # some gradient at the end
(whole,) = torch.autograd.grad(x, start, arrives, retain_graph=True)
(through_sum,) = torch.autograd.grad(total, start, arrives)
assert torch.allclose(whole, arrives + through_sum, atol=1e-3)
print("without the last ReLU both equations hold, up to rounding")

# %% [markdown]
# But your block of lesson 05 *has* a ReLU after the addition. How far off is the equation then? The same nine blocks,
# with it:

# %%
with torch.no_grad():
    x, total = start, 0
    for block in open_stack:
        F_x = block.transform(x)
        total, x = total + F_x, F.relu(x + F_x)
    off = ((x - (start + total)).norm() / x.norm()).item()
print(f"with it, x_L and x_l + ΣF differ by {off:.2f} times the size of x_L")

# %% [markdown]
# So for the block of 2015 the equation is a picture, and no more. Its authors saw that too: their paper of 2016, which
# derives it, changes the block so that it becomes exact (lesson 11). The next question is what the last ReLUs do to the
# *gradient*, which was the best part of the equation.
#
# ## Two ways home
#
# The output of a block depends on x in two ways, through $F$ and through the shortcut. So the gradient at x is the sum
# of two parts. You can take them apart by cutting one of the ways: `.detach()` returns the same numbers, but lets no
# gradient pass.
#
# ### Exercise: `shortcut_gradient`
#
# Write `shortcut_gradient(block, x)`. For a `CourseBlock` and an input x, it returns two tensors of x's shape: the part
# of the gradient of `block(x).sum()` that reaches x through $F$, and the part that comes through the shortcut. The
# block's output is `F.relu(block.transform(x) + block.shortcut(x))`.
#
# The numbers of both ways must stay in the sum, since the ReLU looks at the sum. `torch.autograd.grad(output.sum(),
# x)` returns a tuple with one gradient. Together, your two tensors must be the whole gradient. An example: for a block
# that keeps the shape, and x of shape (2, 16, 8, 8), you return two tensors of that shape, and the second one holds no
# other numbers than 0 and 1.
#
# Stuck? `checks.hint("shortcut_gradient")`


# %%
def shortcut_gradient(block, x):
    """The gradient of block(x).sum() at x: the part through F, the part around it."""
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
# ## What the last ReLUs leave of the direct way
#
# Call the way through all the shortcuts, around every $F$, the **direct way**. There is no weight on it. What it does
# to the gradient at one position (one number of the map) is to multiply it by 1 where a block's last ReLU lets the sum
# through, and by 0 where it does not. So a position keeps its direct way through nine blocks only if all nine sums are
# positive there.
#
# What do you expect? At what share of the positions is the direct way still open after 9 blocks, which is one stage of
# the 56-layer network, and after 27? The weights are fresh. Write down two numbers between 0 and 1.

# %%
my_guess = {"open after 9 blocks": None, "open after 27 blocks": None}  # such as 0.9

# %% [markdown]
# First one block, with your function; then 27 in a row. No gradient is needed for the count: a position is open as long
# as every output so far was positive there. The assertion makes sure that this is what the gradient says as well.

# %%
torch.manual_seed(0)
stack = [CourseBlock(16, 16).to(profile.device) for _ in range(27)]
start = torch.randn(16, 16, 8, 8, device=profile.device).relu()
_, around = shortcut_gradient(stack[0], start)
print(f"one block: values {around.unique().tolist()}, {around.mean():.0%} of them 1")

x, is_open, shares = start, torch.ones_like(start, dtype=torch.bool), []
with torch.no_grad():
    for block in stack:
        x = block(x)
        is_open = is_open & (x > 0)
        shares.append(is_open.float().mean().item())

x = begin = start.clone().requires_grad_()
for block in stack:
    x = F.relu(block.transform(x).detach() + x)  # the gradient can only go around
(home,) = torch.autograd.grad(x.sum(), begin)
assert (home > 0).eq(is_open).float().mean() > 0.999

# %%
axes = plotting.lines(
    {"with the last ReLU": shares, "without it": [1.0] * 27},
    "Positions with an open direct way", "blocks passed", "share of the positions",
    x=range(1, 28), y_limits=(0, 1.05),
)  # fmt: skip
plotting.show(axes, "27 fresh blocks of 16 channels on 8×8 maps, float32, one seed.")
measured = {"open after 9 blocks": shares[8], "open after 27 blocks": shares[26]}
cards.compare_guess(my_guess, measured, lesson="06")

# %% [markdown]
# Two things are worth a look. The line falls: "the gradient arrives at full size, however many blocks there are" is not
# true of the block of 2015. What arrives at an *open* position does so at full size; the others have no direct way any
# more, and their gradient comes through one or more of the $F$. And the line falls ever more slowly. If each block
# closed four in ten of the positions anew, about one in a hundred would be open after nine. But a sum that was
# large and positive tends to stay so, because the next block only adds a little to it.
#
# ## The second answer: the gradient
#
# Does it follow that shortcuts "cure vanishing gradients"? Look before you say so. The next cell measures, before the
# first step, the gradient of every convolution divided by the norm of its weights, as in lesson 04, for three seeds.

# %%
batch = next(iter(data.Batches(images, 128, shuffle=True, device=profile.device)))
names = ("plain 56", "residual 56")
norms, growth = {}, {name: [] for name in names}
for name in names:
    for seed in range(3):
        values = gradient_norms(make_network(name, seed).train(), *batch)
        growth[name].append(math.log10(values[0] / values[-1]))
        norms.setdefault(name, values)  # those of seed 0

# %% [markdown]
# Move the slider. It lets the gradient come back from the last convolution, at the right, to the first, at the left.
# Where do the two lines part?

# %%
where = f"{len(batch[0])} images of {images.name}, before the first step, seed 0."
explorers.gradient_explorer(norms, where)

# %% [markdown]
# The small jumps are where a stage begins: there the image shrinks and the number of channels doubles, and so the
# weights have another norm. Now the comparison over seeds. The number is a power of ten: 2 means that the first
# convolution has a hundred times the relative gradient of the last one.

# %%
cards.compare(
    "before the first step the gradient grows more on its way back in plain 56",
    {"plain 56 (power of ten)": growth["plain 56"]},
    {"residual 56": growth["residual 56"]},
)  # fmt: skip

# %% [markdown]
# By the definition of lesson 03 a gradient vanishes where the first layer's is at most a hundredth of the last layer's.
# Compare the last lines of the explorer with that. If the numbers are well above 1, then nothing vanishes here before
# the first step, in either of the networks, and there is nothing of that kind to cure. He et al. do not blame vanishing
# gradients either (2015, §4.1), and call the norms of theirs healthy. From 100 on, ours explode. Why they *grow* in
# deep networks with batch norm is explained by Yang et al. 2019 ([arXiv 1902.08129](https://arxiv.org/abs/1902.08129)).
#
# If the box says *reproduced*, this much can be said: with shortcuts the gradient is more **even** over the layers. And
# after a training? Here are the two networks, trained by the recipe of lesson 05. The loop is written out, so that
# nothing is hidden. (It counts the mistakes as the images pass by, in training mode; lesson 05 measured afterwards, in
# eval mode, and on fewer images. So do not compare the numbers.)


# %%
def train(model):
    """The running training error of each epoch."""
    model.to(memory_format=precision.memory_format).train()
    batches = data.Batches(images, budget.batch_size, True, device=profile.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    steps = budget.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    errors = []
    for _ in range(budget.epochs):
        wrong = 0
        for x, targets in batches:
            with precision.context(x.device):
                logits = model(x.to(memory_format=precision.memory_format))
                loss = F.cross_entropy(logits, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            wrong += (logits.argmax(1) != targets).sum().item()
        errors.append(wrong / len(images))
    return errors


# %%
trained, curves = {}, {}
for name in names:
    trained[name] = make_network(name)
    curves[name] = train(trained[name])
    values = gradient_norms(trained[name], *batch)
    now, before = (m.conv1.weight.norm() for m in (trained[name], make_network(name)))
    print(f"{name}: error in the last epoch {curves[name][-1]:.3f}. Trained, the first")
    times = values[0] / values[-1]
    print(f"  convolution has {times:.2g} times the last one's gradient, and weights")
    print(f"  that are {now / before:.2f} times as large as before.")

# %% [markdown]
# The size of the weights is there for a reason. A batch norm follows each convolution, so the *size* of its weights
# cancels in the output, but not in the gradient: weights that are ten times as large have, by that alone, a relative
# gradient that is a hundred times smaller. A small number after a training can mean a gradient that got lost, or
# weights that have grown. Look at both before you decide.
#
# ### Gradients of near inputs
#
# Lesson 04 found what plain networks lose with depth: the gradients of two almost equal inputs no longer agree. Here is
# the same measurement with residual networks beside the plain ones. Each image is compared with itself plus noise of a
# hundredth of its spread; 1 means that both gradients point the same way, 0 that they have nothing to do with each
# other.

# %%
x, targets = batch[0][:64], batch[1][:64]
torch.manual_seed(0)
noisy = x + 0.01 * torch.randn_like(x)
similarity = {"plain": {}, "residual": {}}
for kind, found in similarity.items():
    for depth in (8, 20, 56):
        fresh = [make_network(f"{kind} {depth}", seed).train() for seed in range(3)]
        found[depth] = [float(gradient_similarity(m, x, noisy, targets)) for m in fresh]

# %%
axes = plotting.seeds(
    similarity, "Agreement of near gradients, by depth",
    "depth in layers", "mean cosine", y_limits=(-0.1, 1.05),
)  # fmt: skip
plotting.show(axes, f"64 images of {images.name}, before training, float32, 3 seeds.")
cards.compare(
    "before the first step the gradients of near inputs agree more in residual 56",
    {"residual 56": similarity["residual"][56]}, {"plain 56": similarity["plain"][56]},
)  # fmt: skip

# %% [markdown]
# Balduzzi et al. 2017 ([arXiv 1702.08591](https://arxiv.org/abs/1702.08591)) found this first. They call gradients that
# no longer agree **shattered**. If the gradient at an image says nothing about its noisy copy, a step that helps the
# one may help the other little. Where the figure shows it, this is the best candidate that the course has for what
# plain depth loses. It is only a candidate: the figure shows a difference between two kinds of network, not a cause.
#
# ## How far does a block move its input?
#
# A block that computes a small difference from the identity gives back nearly what it got. That can be measured for
# every block that keeps the shape: the norm of (output - input), divided by the norm of the input. 0 means that the
# block does nothing, and 1 that the difference is as large as the input itself.


# %%
def relative_change(model):
    """|block(x) - x| / |x| of each block that keeps the shape, for one batch."""
    changes = []

    def note(block, inputs, output):
        x = inputs[0]
        if x.shape == output.shape:
            changes.append(((output - x).norm() / x.norm()).item())

    blocks = [block for stage in model.stages for block in stage]
    hooks = [block.register_forward_hook(note) for block in blocks]
    with torch.no_grad():
        model.train()(batch[0])
    for hook in hooks:
        hook.remove()
    return changes


# %%
changes = {name: relative_change(trained[name]) for name in names}
mean = {name: sum(values) / len(values) for name, values in changes.items()}
fresh = {name: [] for name in names}
for name in names:
    for seed in range(3):
        values = relative_change(make_network(name, seed))
        fresh[name].append(sum(values) / len(values))
    by_seed = ", ".join(f"{value:.2f}" for value in fresh[name])
    print(f"{name:<12} fresh, 3 seeds: {by_seed}; trained, 1 seed: {mean[name]:.2f}")

# %% [markdown]
# Block by block, after the training:

# %%
axes = plotting.lines(
    changes, "How far a trained block moves its input",
    "block that keeps the shape, from the input on",
    "|output - input| / |input|", y_limits=(0, 1.1 * max(map(max, changes.values()))),
)  # fmt: skip
how = f"{len(batch[0])} images of {images.name}, after training, 1 seed, float32"
plotting.show(axes, f"{how}.")
cards.compare(
    "fresh residual blocks move their input less than fresh plain blocks do",
    {"plain 56": fresh["plain 56"]}, {"residual 56": fresh["residual 56"]},
)  # fmt: skip

# %% [markdown]
# Compare fresh and trained in the printed lines before you say that a network has "learned to stay near the identity".
# Much of the difference is there before the first step, by construction: after a batch norm $F(x)$ has about the same
# size in every block, while x grows from sum to sum, so that a later block changes it by a smaller part. He et al.
# measured something related in networks that were trained for long, the standard deviation of each layer's output after
# its batch norm, and found it smaller in residual networks than in plain ones (2015, §4.2, figure 7).
#
# ## Start as the identity
#
# If doing nothing is such a good start, why not begin exactly there? In lesson 05 a block did nothing when γ and β of
# its last batch norm were 0. A fresh batch norm has γ = 1 and β = 0. So only γ has to change. Goyal et al. did that in
# 2017 ([arXiv 1706.02677](https://arxiv.org/abs/1706.02677), §5.1), and it is called **zero-γ**.
#
# ### Exercise: `zero_init_residual`
#
# Write `zero_init_residual(model)`: in every block of a network, set γ of the last batch norm of $F$ to zero. The
# blocks are of the class `CourseBlock`, and their layers are called `conv1`, `bn1`, `conv2`, `bn2` and `shortcut`.
# `model.modules()` walks through all modules, blocks and layers alike. Change the model itself; what you return does
# not matter.
#
# Afterwards $F(x)$ is 0 for every x in every block, and the batch norm of the stem, `model.bn1`, is as it was.
#
# Stuck? `checks.hint("zero_init_residual")`


# %%
def zero_init_residual(model):
    """Set γ of the last batch norm of every residual block to zero."""
    ### BEGIN SOLUTION
    for module in model.modules():
        if isinstance(module, CourseBlock):
            nn.init.zeros_(module.bn2.weight)
    ### END SOLUTION


zero_init_residual = checks.zero_init_residual(zero_init_residual)

# %% [markdown]
# Every block that keeps the shape must now be the identity on what it meets, because that is never negative. The two
# blocks that change the shape give their shortcut. And what can learn from such a start? The cell collects which
# parameters get a gradient in the first step.

# %%
identity = make_network("residual 56")
zero_init_residual(identity)
assert max(relative_change(identity)) == 0

F.cross_entropy(identity(batch[0]), batch[1]).backward()
largest = {}
for name, parameter in identity.named_parameters():
    kind = f"blocks: {name.split('.', 2)[2]}" if name.startswith("layer") else name
    size = parameter.grad.abs().max().item()
    largest[kind] = max(largest.get(kind, 0), size)
for kind, size in largest.items():
    print(f"{kind:<20} largest gradient {size:.2g}")

# %% [markdown]
# Everything in $F$ that lies before the γ that is zero gets a gradient of 0. The last γ and β of each block get another
# one, and so do the first convolution with its batch norm and the linear layer. After one step γ is no longer 0, and
# then all the rest learns too. That is why only the *last* batch norm of a block may start at zero. With two zeros in
# a row, neither would ever get a gradient.
#
# Now train it, once, beside the usual start; then the record with five seeds.

# %%
identity = make_network("residual 56")
zero_init_residual(identity)
curves["residual 56, zero γ"] = train(identity)
axes = plotting.lines(
    {name: curves[name] for name in ("residual 56", "residual 56, zero γ")},
    "Residual 56 from two starts", "epoch", "running training error", y_limits=(0, 1),
)  # fmt: skip
plotting.show(axes, f"{len(images):,} images of {images.name}, one seed, {precision}.")

# %%
records, missing = experiments.load_recorded("starts", "shapes")
starts = {"usual": {}, "zero gamma": {}}
for record in records:
    run = record["configuration"]
    if run["network"] == "residual 56":
        starts[run["start"]][run["seed"]] = record["train_error"]
both = sorted(set(starts["usual"]) & set(starts["zero gamma"]))
if both:
    usual, zero = ([starts[kind][seed] for seed in both] for kind in starts)
    cards.compare(
        "after five epochs residual 56 with zero γ has the higher training error",
        {"zero γ": zero}, {"usual start": usual},
    )  # fmt: skip
else:
    print(f"starts: {len(missing)} trainings are not recorded yet, so no verdict")

# %% [markdown]
# Whatever the box says, it speaks of five epochs with small batches, a training that starts gently and ends soon.
# That is not what zero-γ was made for. Goyal et al. trained ResNet-50 on ImageNet for 90 epochs, with batches of
# 8,192 images and learning rates that are large accordingly. They report that zero-γ eases the start of such a
# training, and helps most where the batches are large. An idea that helps there need not help here. Ask of every
# trick: for which training was it found?
#
# ## The third answer: many short paths
#
# Take three blocks without the last ReLU, and suppose for a moment that each $F$ is a matrix. Then the output is
# $(1 + F_3)(1 + F_2)(1 + F_1)\,x$, and multiplying out gives eight terms: $x$, $F_1 x$, $F_2 x$, $F_3 x$, $F_2 F_1 x$,
# and so on up to $F_3 F_2 F_1 x$. Each term is one **path**: at every block it goes either through $F$ or around it.
# With n blocks there are $2^n$ paths. Veit et al. 2016 ([arXiv 1605.06431](https://arxiv.org/abs/1605.06431)) call this
# the unraveled view, and from it comes the third answer. First a test with matrices, and then with a ReLU in each F.

# %%
torch.manual_seed(0)
matrices = [torch.randn(8, 8) / 8 for _ in range(3)]
x = torch.randn(8, 100)
for name, act in [("F a matrix", lambda v: v), ("F with a ReLU", torch.relu)]:
    deep = x
    for matrix in matrices:
        deep = deep + act(matrix @ deep)
    total = torch.zeros_like(x)
    for takes_f in itertools.product((False, True), repeat=3):  # the eight paths
        path = x
        for matrix, through in zip(matrices, takes_f, strict=True):
            path = act(matrix @ path) if through else path
        total = total + path
    off = ((deep - total).norm() / deep.norm()).item()
    print(f"{name:<14} the network and the sum of its 8 paths differ by {off:.1%}")

# %% [markdown]
# So "a sum over paths" is exact for matrices. With a ReLU in $F$ it is a picture: $F(a + b)$ is not $F(a) + F(b)$, and
# what a block receives is not one path but the sum of all that came before. Keep this in mind for the count. How many
# of the $2^{27}$ paths of residual 56 go through exactly k of the 27 $F$? As many as there are ways to choose k blocks
# out of 27.

# %%
blocks = 27
paths = [math.comb(blocks, k) for k in range(blocks + 1)]
assert sum(paths) == 2**blocks
axes = plotting.lines(
    {"residual 56": [count / 2**blocks for count in paths]}, "Paths by length",
    "number of F on the path", "share of all paths", x=range(blocks + 1),
)  # fmt: skip
plotting.show(axes, f"Counted, not measured: {2**blocks:,} paths.")
middle = sum(paths[k] for k in range(9, 19)) / 2**blocks
average = sum(k * count for k, count in enumerate(paths)) / 2**blocks
print(f"{middle:.1%} of the paths go through 9 to 18 of the {blocks} F; mean {average}")
print(f"through all {blocks} F goes {paths[-1]} path, through none of them {paths[0]}")

# %% [markdown]
# Most paths are about half as deep as the network, as the number of heads in 27 throws of a coin is mostly near 13. And
# Veit et al. found more than this count. In a residual network of 110 layers, they measured that most of the gradient
# comes from paths of 10 to 34 layers (abstract). That is 5 to 17 of that network's 54 $F$, where most paths go through
# about 27. They also took single blocks out of trained networks, and little happened. You will do that yourself, in
# lesson 10.
#
# The picture has a use, then: it predicts that a block can be missed. And it has a limit: the paths share their
# weights, they are trained together, and each $F$ sees all the paths before it at once. They are no crowd of separate
# networks.
#
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(f"1. After 9 blocks {shares[8]:.0%} of the positions have an open direct way,")
print(f"   after 27 blocks {shares[26]:.0%}.")
for number, (name, values) in enumerate(norms.items(), start=2):
    times = values[0] / values[-1]
    print(f"{number}. {name}, before the first step: the first convolution has")
    print(f"   {times:,.0f} times the relative gradient of the last one.")
agree = {kind: sum(found[56]) / 3 for kind, found in similarity.items()}
print(f"4. Agreement of near gradients at 56 layers: plain {agree['plain']:.2f},")
print(f"   residual {agree['residual']:.2f} (3 seeds).")
print(f"5. Trained, a residual block moves its input by {mean['residual 56']:.2f}")
print(f"   of its size, a plain one by {mean['plain 56']:.2f} (1 seed).")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. For which block is x_L = x_l + ΣF exact, and what breaks it in the block of lesson 05?</summary>
#
# For a block with nothing after the addition. The ReLU after the sum breaks it: it changes every sum that is negative,
# and what it cuts is missing in all later blocks.
# </details>
#
# <details><summary>2. At one position the sum F(x) + x is -0.3. What part of the gradient at this position of the
# output reaches x through the shortcut, and what part through F?</summary>
#
# None, on both ways. The last ReLU comes after the sum, so it closes the shortcut and $F$ together. (Through $F$, this
# position of x still gets gradient from *other* positions of the output, because a convolution looks at neighbours.)
# </details>
#
# <details><summary>3. Both convolutions of a block get weights that are ten times smaller. What happens to F(x) in
# training mode?</summary>
#
# Almost nothing. Batch norm divides by the deviation, and the factor cancels. "F gets small" would be right without
# batch norm. What scales F is the γ of the last batch norm.
# </details>
#
# <details><summary>4. Zero-γ makes F zero in every block. Why does the network learn at all, and what moves in the
# first step?</summary>
#
# γ and β of the last batch norms get a gradient, although γ is 0: γ multiplies normalised numbers, which are not zero,
# and β is added. The first convolution, its batch norm and the linear layer learn as well. From the second step on, γ
# is no longer 0, and the convolutions of the blocks get their gradients.
# </details>
#
# <details><summary>5. How many of the paths of a residual network with 9 blocks go through exactly two F? Why is "a
# crowd of shallow networks" still only a picture?</summary>
#
# 9 · 8 / 2 = 36 of 512. The sum over paths is exact only if F(a + b) = F(a) + F(b), which a ReLU and batch norm break;
# and the paths share their weights and are trained together.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2016, [arXiv 1603.05027](https://arxiv.org/abs/1603.05027), §2 (the derivation) and §3 (what
#   happens if the shortcut is not the identity).
# - He, Zhang, Ren, Sun 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385), §4.1 (gradients of plain networks)
#   and figure 7 (responses of the layers).
# - Balduzzi et al. 2017, [arXiv 1702.08591](https://arxiv.org/abs/1702.08591): shattered gradients.
# - Goyal et al. 2017, [arXiv 1706.02677](https://arxiv.org/abs/1706.02677), §5.1: zero-γ, and what it was for.
# - Veit, Wilber, Belongie 2016, [arXiv 1605.06431](https://arxiv.org/abs/1605.06431): many short paths.
#
# Next: [lesson 07](07_shortcuts.ipynb), where you build the shortcuts that change the shape.
