# %% [markdown]
# # 03 · Signals through many layers
#
# *Sixteen convolutions do not start to learn. A number for each layer says why, and two inventions mend it.*

# %% [markdown]
# At the end of lesson 01 a stack of convolutions became deeper and stopped learning. Nothing was wrong with the code,
# nothing with the images. In 2014, when VGG was published, people knew this well: its authors first trained a shallow
# network and put its layers into the deep ones, so that these had somewhere to start from. (They add that a better
# random start would have made the detour unnecessary:
# [arXiv 1409.1556](https://arxiv.org/abs/1409.1556), §3.1.) A year later came two inventions that almost every network
# has used since: **He initialisation** and **batch norm**. In this lesson you compute what went wrong, measure it, and
# write both.
#
# **After this lesson you can**
#
# - compute by what factor a layer changes the size of a signal, and predict what sixteen layers do to it,
# - say when a gradient *vanishes* and when it *explodes*, with numbers,
# - write batch norm by hand, with its two modes and its buffers, and say why `bias=False` stands before it,
# - tell what batch norm is seen to do from what is only said of it.
#
# **You need:** lessons 01 and 02.
#
# **Time:** 30 minutes to read and write; the code runs in about half a minute on two CPU cores.

# %% [markdown]
# ## How small does it get?
#
# Take sixteen convolutions of 3×3 with a ReLU after each, as PyTorch makes them: sixteen channels in every layer, and
# the usual random weights. Numbers of size 1 go in. How large are the numbers after the sixteenth layer, as a share of
# what went in? Write down your bet. Powers of ten are close enough.

# %%
my_guess = {"size after 16 layers": None}  # for example 0.1

# %% [markdown]
# ## The data and the budget

# %%
import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, inspection, plotting, runtime, training
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
budget = profile.pick(
    quick=runtime.Budget(images=1_400, image_size=16, epochs=5, batch_size=32),
    full=runtime.Budget(images=10_000, image_size=32, epochs=5, batch_size=64),
)
images = data.load(profile.dataset, "train", budget.image_size, budget.images)
print(f"{images.name}: {len(images):,} images, {images.image_size}×{images.image_size}")

# %% [markdown]
# The network of this lesson is plain on purpose: sixteen convolutions, two poolings, one linear layer. `start` and
# `norm` will say later what is different about it; without them everything is as PyTorch makes it.


# %%
def deep_stack(start="usual", norm=None, depth=16, channels=16):
    layers, in_channels = [], 3
    for number in range(depth):
        conv = nn.Conv2d(in_channels, channels, 3, padding=1, bias=norm is None)
        if start == "He":
            nn.init.normal_(conv.weight, std=math.sqrt(2 / conv.weight[0].numel()))
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
        layers += [conv, *([] if norm is None else [norm(channels)]), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if number in (1, 7) else []
        in_channels = channels
    side = budget.image_size // 4
    head = [nn.Flatten(), nn.Linear(channels * side**2, len(images.classes))]
    return nn.Sequential(*layers, *head)


# %% [markdown]
# ## What a layer does to the size of a signal
#
# First a word. The **size** of a tensor is its root mean square here: square all numbers, take the mean, take the root.
# (It is the deviation if the mean is 0, and it counts the mean as well if it is not.)
#
# Now follow one number through a convolution. It is a sum of many products, weight times input. How many? One for each
# weight of the output channel's filter, and that count is called **fan-in**: $3 \cdot 3 \cdot 16 = 144$ for our layers.
# The weights are random, with mean 0 and some variance $v$. Products with random signs do not all pull in one
# direction, and so their *squares* add up, not they themselves:
#
# $$\text{mean square of the output} = \text{fan-in} \cdot v \cdot \text{mean square of the input}.$$
#
# Then comes the ReLU. The sums lie evenly around 0, so it sets half of them to 0, and half of the mean square is gone.
#
# ### Exercise: `signal_factor`
#
# Write `signal_factor(layer)`. For an `nn.Conv2d` it returns one float: by what factor the layer, together with the ReLU
# after it, changes the **size** of a signal. Everything that you need is in `layer.weight`, of shape
# (out channels, in channels, height, width). Leave the bias out.
#
# Example: a layer with a fan-in of 50 and weights of variance 0.01 has the factor 0.5.
#
# Stuck? `checks.hint("signal_factor")`


# %%
def signal_factor(layer):
    """By what factor the layer and a ReLU after it change the root mean square."""
    ### BEGIN SOLUTION
    fan_in = layer.weight[0].numel()
    variance = layer.weight.var().item()
    return math.sqrt(fan_in * variance / 2)
    ### END SOLUTION


signal_factor = checks.signal_factor(signal_factor)

# %% [markdown]
# PyTorch draws the first weights of a convolution from a uniform distribution between $-1/\sqrt{\text{fan-in}}$ and
# $1/\sqrt{\text{fan-in}}$. A uniform distribution from $-a$ to $a$ has the variance $a^2/3$. So the factor of every
# layer is
#
# $$\sqrt{\text{fan-in} \cdot \frac{1}{3\,\text{fan-in}} \cdot \frac12} = \sqrt{1/6} \approx 0.41,$$
#
# whatever the fan-in is. Less than half of the signal's size survives a layer. What does that make of sixteen? The cell
# predicts from the weights alone, then sends numbers through the layers and measures.


# %%
def size(tensor):
    return tensor.square().mean().sqrt().item()


def sizes_through(model, x):
    """Size of the signal after each ReLU, as a share of what went in."""
    found, start = [], size(x)
    with torch.no_grad():
        for layer in model[:-2]:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                found.append(size(x) / start)
    return found


# %%
batch = next(iter(data.Batches(images, 128, shuffle=True)))
training.reset_seeds(0)
model = deep_stack()
factors = [signal_factor(each) for each in model if isinstance(each, nn.Conv2d)]
predicted = [math.prod(factors[: n + 1]) for n in range(16)]
measured = sizes_through(model, batch[0])
assert all(0.3 < each < 0.5 for each in factors)  # √(1/6), but for the draw

axes = plotting.lines(
    {"predicted": predicted, "measured": measured},
    "Size of the signal after each layer",
    "layer, from the input", "share of the input's size", log_y=True,
)  # fmt: skip
plotting.show(axes, f"One fresh stack, 128 images of {images.name}.")
cards.compare_guess(my_guess, {"size after 16 layers": measured[-1]}, lesson="03")

# %% [markdown]
# Two things in the figure ask for a word. Where the measured line makes a jump, there is a max pooling: it keeps the
# largest of four numbers, and so makes the signal larger. And towards the end the measured line may leave the predicted
# one. The prediction left the **bias** out. Biases start at about the same size as the weights, they do not get smaller
# from layer to layer, and where little of the signal is left, they are what is left.
#
# That is worse than it looks. A bias is the same for every image. Let us see how much of the last layer's numbers still
# depends on the *image*: how far do the images of a batch differ there, compared with the size of the numbers
# themselves?


# %%
def differ(model, x):
    """Deviation over the images, as a share of the size, after the last ReLU."""
    with torch.no_grad():
        out = model[:-2](x)
    return (out.var(dim=0).mean().sqrt() / size(out)).item() if size(out) else 0.0


print(f"pixels: {(batch[0].var(dim=0).mean().sqrt() / size(batch[0])).item():.3f}")
print(f"after 16 layers: {differ(model, batch[0]):.3f}")

# %% [markdown]
# A network in which all images look alike after the last layer has nothing to tell them apart by.
#
# ## Vanish and explode
#
# The gradient travels the same way backwards, and meets the same factors. When has it become too small, or too large?
# People use both words loosely. This course gives them one meaning, here, and keeps to it:
#
# - take the gradient's norm of each convolution's weight, divided by the norm of the weight itself (so that layers of
#   different size can be compared),
# - it **vanishes** if the first layer's is at most a hundredth of the last layer's,
# - it **explodes** if the first layer's is at least a hundred times the last layer's,
# - otherwise it does neither.
#
# `inspection.trend` does just that with a list of norms. Count how many factors of 0.41 make a hundredth, and you know
# from which depth on to expect the first of the three.

# %%
layers_for_a_hundredth = math.log(1 / 100) / math.log(math.sqrt(1 / 6))
norms = inspection.gradient_norms(copy.deepcopy(model), *batch)
first, last = list(norms.values())[0], list(norms.values())[-1]
print(f"a hundredth needs {layers_for_a_hundredth:.1f} layers with a factor of √(1/6)")
print(f"first layer {first:.1e}, last layer {last:.1e}, ratio {first / last:.1e}")
cards.verdict(
    "with PyTorch's usual start the gradient of 16 convolutions vanishes",
    inspection.trend(norms) == "vanishes",
    f"first over last {first / last:.1e}: it {inspection.trend(norms)}",
)

# %% [markdown]
# ## He initialisation
#
# You know the factor, so you can choose it. Which variance of the weights makes
# $\sqrt{\text{fan-in} \cdot v / 2}$ equal to 1? That is the start that Kaiming He and three colleagues published in
# 2015 ([arXiv 1502.01852](https://arxiv.org/abs/1502.01852), §2.2). In PyTorch it is
# `nn.init.kaiming_normal_(weight, nonlinearity="relu")`; `deep_stack(start="He")` has it written out.

# %%
training.reset_seeds(0)
he = deep_stack(start="He")
he_factors = [signal_factor(each) for each in he if isinstance(each, nn.Conv2d)]
he_sizes = sizes_through(he, batch[0])
axes = plotting.lines(
    {"usual start": measured, "He start": he_sizes},
    "Size of the signal after each layer",
    "layer, from the input", "share of the input's size", log_y=True,
)  # fmt: skip
plotting.show(axes, f"One fresh stack of each kind, 128 images of {images.name}.")
print(f"factors of the He start: {min(he_factors):.2f} to {max(he_factors):.2f}")
print(f"the gradient: {inspection.trend(inspection.gradient_norms(he, *batch))}")

# %% [markdown]
# Does it matter for the training? Three seeds with each start, everything else alike: Adam at 0.001, five epochs, and
# the error on the training images afterwards. The loop is the one that you wrote in lesson 01.


# %%
def training_error(seed, rate=1e-3, **choices):
    training.reset_seeds(seed)
    model = deep_stack(**choices).to(profile.device).train()
    batches = data.Batches(
        images, budget.batch_size, shuffle=True, seed=seed, device=profile.device,
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(budget.epochs):
        for x, targets in batches:
            loss = F.cross_entropy(model(x), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    clean = data.Batches(images, 500, device=profile.device)
    return 1 - training.evaluate(model, clean)[1]


# %%
errors = {}
errors["usual start"] = [training_error(seed) for seed in range(3)]
errors["He start"] = [training_error(seed, start="He") for seed in range(3)]
plotting.show(
    plotting.dots(errors, "Training error of 16 convolutions", "training error"),
    f"{len(images):,} images of {images.name}, {budget.epochs} epochs, 3 seeds.",
)
cards.compare(
    "16 convolutions have a higher training error with the usual start than with He's",
    {"usual start": errors["usual start"]}, {"He start": errors["He start"]},
)  # fmt: skip

# %% [markdown]
# ## Batch norm: measure the size, and divide by it
#
# A good start sets the factors right *before* the training. The first step changes the weights, and nobody watches
# over the factors any more. In the same year Sergey Ioffe and Christian Szegedy had another idea
# ([arXiv 1502.03167](https://arxiv.org/abs/1502.03167)): do not hope for the right size, *make* it, after every
# convolution, in every step. Their layer is called **batch norm**. For each channel it
#
# 1. takes the mean and the variance over all images of the batch and all positions,
# 2. subtracts the mean and divides by $\sqrt{\text{variance} + \varepsilon}$, with $\varepsilon = 0.00001$, so that
#    nothing is ever divided by 0,
# 3. multiplies by γ and adds β, two numbers for each channel that are learned (PyTorch calls them `weight` and `bias`).
#
# So far, so good, during the training. Afterwards somebody sends a single image. Its mean and variance would be those
# of this one image, and the same image would get other numbers in other company. So the layer remembers: in **training
# mode** it keeps a running mean and a running variance of what it sees, and in **eval mode** it uses these in place of
# the batch's. With a **momentum** of 0.1 a running number moves a tenth of the way towards each new one:
#
# $$\text{running} \leftarrow 0.9 \cdot \text{running} + 0.1 \cdot \text{new}.$$
#
# The running numbers are not learned: no gradient moves them. But they belong to the layer, they must be saved with it
# and must move to the GPU with it. PyTorch calls such a tensor a **buffer**; `self.register_buffer(name, tensor)` makes
# one.
#
# One detail trips up everybody who writes this layer: in step 2 the variance divides by the number of values $n$
# (`correction=0`), while the *running* variance is fed with the one that divides by $n - 1$, which is the better
# estimate for images to come.
#
# ### Exercise: `batch_norm`
#
# Write the class `BatchNorm(channels)` for tensors of shape (N, channels, H, W), without `nn.BatchNorm2d` and
# `F.batch_norm`. It has the parameters `weight` (starts at 1) and `bias` (starts at 0) and the buffers `running_mean`
# (starts at 0) and `running_var` (starts at 1), each of shape (channels,). `self.training` says in which mode a module
# is.
#
# Example: after one batch in training mode in which a channel has the mean 4, its running mean is 0.4. The output of
# that channel has the mean 0 and the deviation 1.
#
# Stuck? `checks.hint("batch_norm")`


# %%
class BatchNorm(nn.Module):
    """Batch norm of (N, C, H, W)."""

    def __init__(self, channels):
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        shape = (1, -1, 1, 1)  # one number for each channel, next to (N, C, H, W)
        mean, var = self.running_mean.view(shape), self.running_var.view(shape)
        if self.training:
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), correction=0, keepdim=True)
            with torch.no_grad():
                new_mean, new_var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3))
                self.running_mean.copy_(0.9 * self.running_mean + 0.1 * new_mean)
                self.running_var.copy_(0.9 * self.running_var + 0.1 * new_var)
        x = (x - mean) / torch.sqrt(var + 1e-5)
        return self.weight.view(shape) * x + self.bias.view(shape)
        ### END SOLUTION


BatchNorm = checks.batch_norm(BatchNorm)

# %% [markdown]
# Now send one image through the layer twice: once in the company of fifteen others, once alone.

# %%
training.reset_seeds(0)
x = 5 + 3 * torch.randn(16, 2, 6, 6)
norm = BatchNorm(2)
for _ in range(50):
    norm(x)  # in training mode: the running numbers come close to those of x
for mode in ("training", "eval"):
    norm.train(mode == "training")
    with torch.no_grad():
        moved = (norm(x[:1]) - norm(x)[:1]).abs().max().item()
    print(f"{mode} mode: alone or in company makes a difference of up to {moved:.2f}")

# %% [markdown]
# In training mode what comes out for an image depends on its company; in eval mode it does not. Forgetting
# `model.eval()` before measuring is therefore a mistake that gives no error and wrong numbers (lesson 02's `evaluate`
# calls it).
#
# ## Why `bias=False`?
#
# In all networks of this course the convolutions before a batch norm have no bias. Look at what a bias would do.

# %%
training.reset_seeds(0)
x = torch.randn(16, 8, 6, 6)
conv, norm = nn.Conv2d(8, 8, kernel_size=3, padding=1), nn.BatchNorm2d(8)
nn.init.normal_(conv.bias)
with_bias = norm(conv(x))
without_bias = norm(F.conv2d(x, conv.weight, padding=1))
(with_bias * torch.randn_like(with_bias)).sum().backward()  # some loss
print(f"largest bias                     {conv.bias.abs().max().item():.2g}")
moved = (with_bias - without_bias).abs().max().item()
print(f"largest difference in the output {moved:.1g}")
print(f"largest gradient of the bias     {conv.bias.grad.abs().max().item():.1g}")
print(f"largest gradient of the weights  {conv.weight.grad.abs().max().item():.2g}")

# %% [markdown]
# A bias adds the same number to a whole channel. The batch norm after it subtracts the channel's mean, and the bias
# with it: no output changes, and no gradient comes back but rounding errors. Only weight decay, if there is any, would
# move it (towards 0). What shifts the output is batch norm's own β.
#
# ## What batch norm does, and what is said of it
#
# It keeps the size. That follows from its definition, and the first line that the next cell prints shows it. Does it
# also let the training take larger steps? The He start again, with ten times the usual rate of Adam: 0.01 in place of
# 0.001, with batch norm and without. `BatchNorm` is yours, if it passed.

# %%
training.reset_seeds(0)
normed = deep_stack("He", BatchNorm)
print(f"size after 16 layers: {sizes_through(normed, batch[0])[-1]:.2f}")
larger = {}
for name, norm in (("without batch norm", None), ("with batch norm", BatchNorm)):
    choices = {"rate": 1e-2, "start": "He", "norm": norm}
    larger[name] = [training_error(seed, **choices) for seed in range(3)]
plotting.show(
    plotting.dots(larger, "Training error at ten times the rate", "training error"),
    f"{len(images):,} {images.name}, {budget.epochs} epochs, 3 seeds, He start.",
)
cards.compare(
    "at the rate 0.01 the error is higher without batch norm than with it",
    {"without": larger["without batch norm"]}, {"with": larger["with batch norm"]},
)  # fmt: skip

# %% [markdown]
# *That* batch norm helps at larger rates, you have just tried, on one small network. *Why* it helps is still argued.
# Ioffe and Szegedy thought of "internal covariate shift": each layer has to follow the moving distribution of what the
# layers before it send. Santurkar and others brought such a shift back on purpose in 2018, saw batch norm help all the
# same, and proposed that it makes the loss smoother
# ([arXiv 1805.11604](https://arxiv.org/abs/1805.11604)). So write "normalises each channel", which is a fact, and leave
# "reduces covariate shift" to those who can measure it.
#
# ## Is the way free now?
#
# Does the gradient still vanish with batch norm? The last measurement of this lesson is the question of the next one.

# %%
table = {"usual start": deep_stack(), "He start": he, "batch norm": normed}
for depth in (16, 54):
    training.reset_seeds(0)
    deep = deep_stack("He", nn.BatchNorm2d, depth)
    table[f"batch norm, {depth} layers"] = deep
del table["batch norm"]
trends = {}
for name, each in table.items():
    values = list(inspection.gradient_norms(each, *batch).values())
    trends[name] = inspection.trend(values)
    print(f"{name:<22} first over last {values[0] / values[-1]:.1e}: {trends[name]}")

# %% [markdown]
# With batch norm no layer of the forward pass is too small any more. The gradient is another matter: compare the last
# two lines. In networks with batch norm it tends to *grow* on its way back, layer by layer, at the start of the
# training (Yang and others, [arXiv 1902.08129](https://arxiv.org/abs/1902.08129)). Whether that does any harm, and
# whether 56 layers then learn better than 20, is what lesson 04 finds out.
#
# ## What we measured

# %%
mean = {name: sum(each) / len(each) for name, each in {**errors, **larger}.items()}
print(f"1. One layer: factor {sum(factors) / 16:.2f} with PyTorch's start,")
print(f"   {sum(he_factors) / 16:.2f} with He's.")
print(f"2. After 16 layers a signal has {measured[-1]:.1e} of its size with")
print(f"   PyTorch's start, {he_sizes[-1]:.2f} with He's; without biases the first")
print(f"   would be {predicted[-1]:.1e}.")
print(f"3. PyTorch's start: the gradient of the first layer is {first / last:.1e}")
print("   times that of the last.")
print(f"4. Training error with PyTorch's start {mean['usual start']:.3f},")
print(f"   with He's {mean['He start']:.3f}.")
print(f"5. At the rate 0.01: without batch norm {mean['without batch norm']:.3f},")
print(f"   with it {mean['with batch norm']:.3f}.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. A stack has the factor 0.8 in each layer. From which depth on does its signal fall below a
# hundredth?</summary>
#
# $0.8^{21} = 0.0092$ and $0.8^{20} = 0.0115$: from 21 layers on. A factor close to 1 only moves the wall.
# </details>
#
# <details><summary>2. All weights of one convolution become ten times larger. What changes after the batch norm that
# follows it, in training mode?</summary>
#
# Nothing but the influence of ε. Mean and deviation are ten times larger as well, and the factor cancels. "The output
# grows" would be right without batch norm.
# </details>
#
# <details><summary>3. Why does the ReLU halve the mean square and not the size?</summary>
#
# It sets half of the numbers to 0 and leaves the others as they are. Half of the squares are gone, so the mean square is
# halved; the size is its root, and so it is divided by √2.
# </details>
#
# <details><summary>4. A network was trained and is measured with batches of one image in training mode. What goes
# wrong?</summary>
#
# Each channel is normalised by the mean and deviation of that one image, and the stored numbers are not used, they are
# even changed. Where a channel has a single position left, its deviation is 0 and all information about it is gone.
# </details>
#
# <details><summary>5. Somebody registers <code>running_mean</code> as an <code>nn.Parameter</code>. What happens?
# </summary>
#
# It counts as a weight: the optimizer gets it, weight decay shrinks it, and it shows up in the number of parameters. It
# gets no useful gradient. A buffer is saved and moved with the model, and left alone by the optimizer.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, [arXiv 1502.01852](https://arxiv.org/abs/1502.01852), §2.2: the start, derived forwards and
#   backwards.
# - Ioffe & Szegedy 2015, [arXiv 1502.03167](https://arxiv.org/abs/1502.03167): batch norm.
# - Santurkar, Tsipras, Ilyas, Madry 2018, [arXiv 1805.11604](https://arxiv.org/abs/1805.11604): why it helps, another
#   answer.
# - Daneshmand and others 2020, [arXiv 2003.01652](https://arxiv.org/abs/2003.01652): what deep stacks without batch norm
#   lose, as a number (the rank).
# - Yang and others 2019, [arXiv 1902.08129](https://arxiv.org/abs/1902.08129): how gradients grow with batch norm.
#
# Next: **lesson 04**, where the gradient is there, the capacity is there, and more layers still make it worse.
