# %% [markdown]
# # 12 · Faster and wider
#
# *Seven tricks that everybody knows. A clock says which of them work on your machine.*

# %% [markdown]
# Your training takes a night, and you have a deadline. Three colleagues know what to do. "Use more workers," says the
# first. "`channels_last` and half precision," says the second, "that is a factor of three." The third shrugs:
# "`torch.compile`, one line, done." You try all three at once, and now it is slower than before. Which one was it?
#
# Each of these tips was true on somebody's machine, with somebody's network. None of them is a law. In this lesson you
# look where the time of a step goes, climb a ladder of such tricks one rung at a time, and learn to say *cannot tell*
# when a clock cannot tell. Then you leave the single process: two of them share a batch, and something in your network
# notices.
#
# **After this lesson you can**
#
# - read a profile of a training step, and tell arithmetic from memory traffic,
# - train in float16 with a gradient scaler and in bfloat16, and choose by a measurement of your own network,
# - compare loops in turns and say *faster*, *slower* or *cannot tell*,
# - predict how the cost of a step grows, and say why small steps break the rule,
# - train with several processes, and say what batch norm and the learning rate have to do with their number.
#
# **You need:** lessons 02, 05 and 09. A quiet machine helps: close what else computes.
#
# **Time:** 30 minutes to read and write; the code runs in about a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# Two numbers about the machine in front of you. The loop of most tutorials against the fastest of the loops further
# down: how many times as many images in a second? And a step of a small network on few small images, made twice as
# wide, which means four times the multiply-adds: how many times as long does it take?

# %%
# such as 3 and 4
my_guess = {"fastest loop / plain loop": None, "twice as wide, small step": None}

# %%
import copy
import itertools
import json
import logging
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import linear_regression, median
from timeit import default_timer

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from resnet_course import checks, data, inspection, models, plotting, runtime, speed
from resnet_course.notebook import cards

# %% [markdown]
# One network and one set of images for the whole lesson.

# %%
plotting.use_style()
profile = runtime.profile()
device = profile.device
batch_size = profile.pick(quick=64, full=256, smoke=4)
count = profile.pick(quick=640, full=20_000, smoke=40)
images = data.load(profile.dataset, "train", 32, count)
classes = len(images.classes)
make_network, network_name = profile.pick(
    quick=(lambda: models.cifar_resnet(20, classes), "residual 20"),
    full=(lambda: models.resnet18(classes), "ResNet-18"),
)
print(f"{network_name}, {images.name} at 32×32, batches of {batch_size}, on {device}")

# %% [markdown]
# ## Where does a step spend its time?
#
# Here are two loops that compute the same. The first is the loop of most tutorials: a `DataLoader` opens each image as
# a picture, moves and flips it, turns it into a tensor, stacks them; and `.item()` asks for the loss after each step,
# so that Python waits for the device. The second takes whole batches out of one tensor, and asks once, at the end.


# %%
def plain_loop(model, loader, optimizer):
    total = 0.0
    for x, targets in loader:
        x, targets = x.to(device), targets.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), targets)
        loss.backward()
        optimizer.step()
        total += loss.item()  # waits for the device
    return total


def fast_loop(model, batches, optimizer):
    total = 0.0
    for x, targets in batches:
        x = x.to(memory_format=torch.channels_last)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), targets)
        loss.backward()
        optimizer.step()
        total += loss.detach()  # stays there
    return float(total)


# %% [markdown]
# A **profiler** writes down each operation with its time. `torch.profiler` does that for whatever runs inside its
# block. The sums by kind are what we want, so the names are sorted into five kinds. What the clock on the wall shows
# beyond them (Python itself, small operations, the profiler's own work) is "the rest".

# %%
KINDS = {
    "convolutions": "convolution|mkldnn|cudnn",
    "batch norm": "batch_norm",
    "ReLU": "relu|clamp_min|threshold",
    "additions": "aten::add$",
    "new weights": "Optimizer.step",
}


def milliseconds(event):
    """Of an operation itself; of the optimizer's step, with all that it calls."""
    if event.key.startswith("Optimizer"):
        return event.cpu_time_total / 1e3
    on_gpu = getattr(event, "self_device_time_total", 0)
    return (on_gpu or event.self_cpu_time_total) / 1e3


# %% [markdown]
# A loop gets two steps to warm up, which do not count, and is profiled after that.


# %%
def profiled(loop, setup):
    """Milliseconds a step by kind, after a warm-up."""
    os.environ["KINETO_LOG_LEVEL"] = "99"  # it keeps its own messages to itself
    few, steps = list(itertools.islice(setup.train_loader, 2)), len(setup.train_loader)
    loop(setup.model.train(), few, setup.optimizer)  # does not count
    started = default_timer()
    with torch.profiler.profile() as prof:
        loop(setup.model, setup.train_loader, setup.optimizer)
        runtime.wait_for(device)
    wall = 1e3 * (default_timer() - started)
    events = prof.key_averages()
    kinds = {}
    for kind, pattern in KINDS.items():
        found = [milliseconds(e) for e in events if re.search(pattern, e.key)]
        kinds[kind] = sum(found) / steps
    return {**kinds, "the rest": wall / steps - sum(kinds.values())}


# %% [markdown]
# The images get a line of their own. They are timed without the network: one pass over the loader that does nothing
# else. Both networks start from the same weights.

# %%
few = speed.first(images, 3 * batch_size)
loops = {
    "plain loop": (plain_loop, speed.PLAIN),
    "fast loop": (fast_loop, speed.default_rungs(False)[-1]),
}
spent = {}
for name, (loop, rung) in loops.items():
    setup = speed.Setup(rung, make_network, few, None, batch_size, device)
    started = default_timer()
    steps = sum(1 for _ in setup.train_loader)
    preparing = 1e3 * (default_timer() - started) / steps
    kinds = profiled(loop, setup)
    rest = max(0.0, kinds.pop("the rest") - preparing)  # preparing is in it
    spent[name] = {"images": preparing, **kinds, "the rest": rest}

# %%
figure, panels = plt.subplots(2, 1, figsize=(7, 7.6))
widest = 1.25 * max(max(kinds.values()) for kinds in spent.values())
for panel, (name, kinds) in zip(panels, spent.items(), strict=True):
    title = f"{name}: {sum(kinds.values()):.0f} ms a step"
    plotting.bars(kinds, title, "milliseconds", ax=panel, number_format="{:.1f}")
    panel.set_xlim(0, widest)
caption = f"{network_name}, {batch_size} images of 32×32 a step"
plotting.show(figure, f"{caption}. The profiler itself takes time, too.")

# %% [markdown]
# Read the lower panel from the top. Convolutions do nearly all of the arithmetic. Batch norm, ReLU and the additions do
# hardly any, and still they take time. Why? Each of them reads a whole map of numbers from memory and writes one back.
# Test that: a plain **copy** of the same map computes nothing at all. If a ReLU takes about as long as a copy, then its
# time is memory traffic, and no faster arithmetic will help. The fastest of ten tries counts: it is the one that other
# programs have disturbed least.

# %%
x, other = torch.randn(2, batch_size, 16, 32, 32, device=device)
norm = torch.nn.BatchNorm2d(16).to(device)
conv = torch.nn.Conv2d(16, 16, 3, padding=1, bias=False).to(device)
work = {
    "copy": lambda: x.clone(),
    "ReLU": lambda: F.relu(x),
    "addition": lambda: x + other,
    "batch norm": lambda: norm(x),
    "3×3 convolution": lambda: conv(x),
}
taken = {name: [] for name in work}
with torch.no_grad():
    for _ in range(12):  # in turns; the first two rounds are the warm-up
        for name, action in work.items():
            taken[name].append(speed.seconds_of(action, device))
took = {name: min(seconds[2:]) for name, seconds in taken.items()}
for name, seconds in took.items():
    times = f"{seconds / took['copy']:.1f} times a copy"
    print(f"{name:<16}{1e3 * seconds:>8.2f} ms, {times}")
print(f"at each pixel the convolution does {conv.weight.numel():,} multiply-adds,",
      "the ReLU 16 comparisons")  # fmt: skip

# %% [markdown]
# What is near 1 waits for memory, and that is the limit of every trick below that only speeds up products. Batch norm
# in training mode goes over the map more than once: for the mean, for the variance, and to normalise. What several such
# operations read and write again and again is what a compiler can attack, and we come back to it.
#
# ## Half as many bits
#
# A number in float32 has 32 bits. Two formats have half of that, and they spend the bits in different ways.
# **bfloat16** keeps the range of float32 and gives up digits. **float16** keeps more digits and gives up range.

# %%
gradients = torch.tensor([1e-3, 1e-6, 1e-8])
for dtype in (torch.float32, torch.bfloat16, torch.float16):
    limits = torch.finfo(dtype)
    kept = ", ".join(f"{value:.1e}" for value in gradients.to(dtype).tolist())
    print(f"{str(dtype)[6:]:<9} up to {limits.max:.0e}; next number after 1:",
          f"1 + {limits.eps:.0e}; the gradients become {kept}")  # fmt: skip
scaled = (gradients * 2**16).to(torch.float16).float() / 2**16
print("float16, scaled by 65,536 before and unscaled after:",
      ", ".join(f"{value:.1e}" for value in scaled.tolist()))  # fmt: skip
batch, answers = next(iter(data.Batches(images, batch_size // 2, True, device=device)))
model = make_network().to(device)
for factor in (1, 0.001):
    model.zero_grad()
    (factor * F.cross_entropy(model(batch), answers)).backward()
    gradients = torch.cat([p.grad.flatten() for p in model.parameters()]).abs()
    small = ((gradients > 0) & (gradients < 2**-25)).float().mean()
    print(f"loss × {factor:<5} makes {small:.3%} of the gradients 0 in float16")

# %% [markdown]
# A gradient of which float16 makes 0 **underflows**. How many do, the last two lines say: in a fresh network, and if
# its loss were a thousand times smaller, as late in a training. The remedy is in the line above them. Multiply the loss
# by a large number before `backward`; by the chain rule all gradients grow by it. Divide them before the step. A
# **gradient scaler** does both, watches for infinities, skips a step that has one, and lowers its number (Micikevicius
# et al. 2017, §3.2). bfloat16 needs no scaler.
#
# Both are used inside `autocast`: products are computed in the short format, the weights stay float32. Four ways take
# their steps in turns, on *the network in use* and not on some other one. A third name to know is **TF32**: on NVIDIA
# GPUs from Ampere (2020) on, products of float32 numbers may drop digits inside the product. The numbers in memory
# stay float32.

# %%
WAYS = {
    "float32": (torch.float32, torch.contiguous_format),
    "float32, channels_last": (torch.float32, torch.channels_last),
    "bfloat16, channels_last": (torch.bfloat16, torch.channels_last),
    "float16, channels_last": (torch.float16, torch.channels_last),
}


def stepper(dtype, layout):
    """A function that takes one training step and gives the loss."""
    torch.manual_seed(0)
    model = make_network().to(device, memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
    x, short = batch.to(memory_format=layout), dtype != torch.float32

    def step():
        optimizer.zero_grad()
        with torch.autocast(device.type, dtype if short else None, enabled=short):
            loss = F.cross_entropy(model(x), answers)
        scaler.scale(loss).backward()  # gradients of scale × loss
        scaler.step(optimizer)  # unscales, and skips the step if one is infinite
        scaler.update()
        return loss.item()

    return step


# %% [markdown]
# Not every machine can compute every format; what it cannot is left out, with its reason. And a processor that has no
# instructions for a short format computes it in a roundabout way, many times slower: what takes over four times as long
# as float32 in its first step is not asked again. The rule for the choice is strict: bfloat16 is taken only if its
# slowest step was faster than the fastest one in float32.

# %%
steppers, first = {}, {}
for name, (dtype, layout) in WAYS.items():
    try:
        steppers[name] = stepper(dtype, layout)
        first[name] = speed.seconds_of(steppers[name], device)
    except (RuntimeError, NotImplementedError, TypeError) as error:
        print(f"{name}: not on this machine ({str(error).splitlines()[0][:60]})")
    if first.get(name, math.inf) > 4 * first["float32"]:
        steppers.pop(name, None)
        if name in first:
            times = first[name] / first["float32"]
            print(f"{name}: {times:.0f} times as long as float32, not asked again")

# %%
rounds, loss_of = {name: [] for name in steppers}, {}
for _ in range(3):
    for name, step in steppers.items():
        started = default_timer()
        loss_of[name] = step()
        rounds[name].append(default_timer() - started)
for name, seconds in rounds.items():
    each = "  ".join(f"{1e3 * value:6.0f}" for value in seconds)
    print(f"{name:<25}{each} ms   loss in step 4: {loss_of[name]:.3f}")

# %% [markdown]
# The losses are a check: ways that compute the same training end near each other. Now the choice, and a word on TF32.

# %%
short = rounds.get("bfloat16, channels_last", [math.inf])
others = (rounds[name] for name in rounds if name.startswith("float32"))
use_bfloat16 = max(short) < min(map(min, others))
verb = "pays" if use_bfloat16 else "does not pay: it is no rung of the ladder"
print(f"on this machine, for {network_name}, bfloat16 {verb}")
if device.type == "cuda" and torch.cuda.get_device_capability() >= (8, 0):
    print("TF32 in convolutions:", torch.backends.cudnn.allow_tf32)
    print("TF32 in products of matrices:", torch.backends.cuda.matmul.allow_tf32)
else:
    print(f"TF32: not on this device ({device})")

# %% [markdown]
# The course chooses in the same way when a lesson asks `runtime.precision()`, with a small network; for a training of a
# night, measure the network that you are going to train.
#
# ## The ladder
#
# The same network, the same images, the same flips and shifts, the same optimizer: how many images in a second? At the
# foot stands the loop of most tutorials. Each rung changes one thing and keeps what the rungs below it have changed,
# but for the workers, which the set in memory replaces.
#
# | rung | what is new |
# |---|---|
# | plain loop | a `DataLoader` opens, changes and stacks image by image; `.item()` after every step |
# | workers | other processes prepare the images while the network computes |
# | set in memory | in place of the workers: all images in one tensor of bytes, whole batches changed at once |
# | no waiting in the loop | loss and right answers stay on the device; they are read once, at the end |
# | freed memory kept | on the CPU: large blocks of memory are used again and not given back to the system |
# | channels_last | the channels of a pixel lie side by side in memory |
# | fused optimizer | one kernel updates all weights |
# | bfloat16 | products with half as many bits, if that was measured to pay |
#
# `speed.ladder` lets the rungs take turns: a warm-up of each that does not count, then six rounds of all of them, each
# second round backwards. A machine that slows down in the meantime treats all alike.

# %%
rungs = speed.default_rungs(use_bfloat16)
rows = speed.ladder(
    make_network, images, rungs, seconds=profile.pick(quick=8, full=60, smoke=1),
    rounds=6, batch_size=batch_size, where=device,
)  # fmt: skip

# %% [markdown]
# What may be said of a rung? Compare it with the rung before it, round by round, since the two numbers of a round were
# taken side by side. **Faster** means: in all six rounds. **Slower**: in none. Otherwise the run **cannot tell**. If
# two rungs were equally fast, six rounds would agree by chance once in 32 tries. With seven such comparisons there
# would be a false word in about one run of five. So do not build on a single word whose rounds lie near 1.


# %%
def judged(row, before):
    """One word for a rung, by the rounds."""
    gains = [b / a for a, b in zip(row.seconds, before.seconds, strict=True)]
    return "faster" if min(gains) > 1 else "slower" if max(gains) < 1 else "cannot tell"


def show_ladder(rows):
    """The numbers as a table, and the same numbers as bars. Returns the words."""
    beside = {"workers": rows[0], "set in memory": rows[0]}  # not with each other
    words = {}
    for before, row in itertools.pairwise(rows):
        words[row.name] = judged(row, beside.get(row.name, before))
    for row in rows:
        ends = f"({row.ratio_low:.2f} to {row.ratio_high:.2f})"
        print(f"{row.name:<23}{row.images_per_second:>8,.0f} images/s", end="")
        print(f"{row.ratio:>7.2f} {ends:<16} {words.get(row.name, '')}")
    axes = plotting.bars(
        {row.name: row.ratio for row in rows}, "The speed ladder on this machine",
        "images in a second, as a multiple of the plain loop", number_format="{:.2f}",
        errors={r.name: (r.ratio - r.ratio_low, r.ratio_high - r.ratio) for r in rows},
    )  # fmt: skip
    return words, axes


words, axes = show_ladder(rows)
plotting.show(axes, "Bars: median of six rounds. Lines: the lowest and the highest.")
fastest = max(rows, key=lambda row: row.ratio)

# %% [markdown]
# Each number is a ratio to the plain loop of the same round, so a round in which only the plain loop was disturbed
# gives all of them a long line to the right. The workers stand beside the ladder: on a CPU they share the cores with
# the network, while next to a GPU the cores are free. They are compared with the plain loop, and so is the set in
# memory.
#
# How far is the top? A training step computes every convolution three times: once forward, and twice backward, for
# the gradient of the weights and for that of the input. That gives multiply-adds in a second, to be compared with what
# the same machine reaches in one large product of matrices.

# %%
cards.verdict(
    "the top of the ladder is faster than the plain loop",
    {"faster": True, "slower": False}.get(judged(rows[-1], rows[0])),
    f"{rows[-1].name}: {rows[-1].ratio:.2f} times as fast, "
    f"{rows[-1].ratio_low:.2f} to {rows[-1].ratio_high:.2f} in six rounds",
)
needed = 3 * inspection.count_multiply_adds(make_network(), (3, 32, 32))
for row in (rows[0], fastest):
    dtype = torch.bfloat16 if row.name == "bfloat16" else torch.float32
    peak = speed.matmul_peak(dtype, device, 0.5)
    rate = row.images_per_second * needed  # multiply-adds in a second
    print(f"{row.name:<23}{rate / 1e9:>8.1f} billion multiply-adds/s,",
          f"{rate / peak:.0%} of one large product")  # fmt: skip

# %% [markdown]
# Not all that is missing to 100 % lies outside the convolutions: look at their share in the profile. A convolution of
# few channels is itself slower, for each multiply-add, than one large product. A rung of which the run *cannot tell* is
# not proven useless. It may gain on another machine or with a larger network.
#
# ## A compiler
#
# `torch.compile` reads your Python once and writes a program for it. What can such a program do better? It can fuse:
# scale, shift, addition and ReLU at the end of a block are four passes through memory, and one loop could do them in
# one. It pays for that with a warm-up, in which it writes and compiles the program. So the question is never just "how
# much faster", but "after how many steps does it pay".
#
# The quick profile compiles the end of one block, the full one the whole network. On a CPU that needs a C++ compiler.


# %%
class EndOfBlock(torch.nn.Module):
    """What follows the last convolution, in eval mode."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.rand(16, 1, 1))
        self.shift = torch.nn.Parameter(torch.rand(16, 1, 1))

    def forward(self, x):
        return F.relu(x * self.scale + self.shift + x)


shape = profile.pick(quick=(batch_size, 16, 32, 32), full=(batch_size, 3, 32, 32))
piece = profile.pick(quick=EndOfBlock, full=make_network)().to(device).eval()
x = torch.randn(shape, device=device)
logging.getLogger("torch.utils.cpp_extension").setLevel("ERROR")  # no GPU is no news
first = eager = compiled = None
with torch.no_grad():
    try:
        fast_piece = torch.compile(piece)
        first = speed.seconds_of(lambda: fast_piece(x), device)
        turns = [
            (speed.seconds_of(lambda: piece(x), device),
             speed.seconds_of(lambda: fast_piece(x), device))
            for _ in range(12)
        ]  # fmt: skip
        eager, compiled = (median(each) for each in zip(*turns[2:], strict=True))
    except Exception as error:  # no compiler, or not for this Python
        print(f"no compiler at hand: {type(error).__name__}")

# %%
compiled_words = "torch.compile: no compiler at hand on this machine"
if first is not None:
    compiled_words = f"torch.compile: first call {first:.1f} s, then "
    compiled_words += f"{1e3 * compiled:.2f} ms instead of {1e3 * eager:.2f} ms"
    if eager > compiled:
        print(f"pays after {math.ceil(first / (eager - compiled)):,} calls")
print(compiled_words)

# %% [markdown]
# If you run the cell a second time, in a new kernel, the first call is shorter: PyTorch keeps the compiled program in a
# folder. A whole training step has forward and backward programs for each layer shape and takes correspondingly longer
# to compile. For a training of minutes that often does not pay; for one of a night it may.
#
# ## What doubling costs
#
# You may double the depth, the width, the image size or the number of images. What does each do to the cost? Twice as
# many images or layers: twice the work. Twice the width: twice the channels in *and* twice the channels out, so four
# times. Twice the image size: four times the pixels.
#
# If a quantity grows by a factor $2^k$ whenever another one doubles, then $k$ is its **exponent**. By the multiply-adds
# we expect 1 for depth and images, and 2 for width and size. Now measure the time, in two regimes: **small steps**,
# with few small images in a narrow network, and **large steps**.


# %%
def step_of(setting):
    """Multiply-adds, and a function that takes a forward and backward pass."""
    blocks = [setting["depth"]] * 3
    model = models.ResNet(models.BasicBlock, blocks, width=setting["width"]).to(device)
    image = (3, setting["size"], setting["size"])
    batch = torch.randn(setting["images"], *image, device=device)
    work = setting["images"] * inspection.count_multiply_adds(model, image)
    return work, lambda: model(batch).logsumexp(1).sum().backward()


regimes = {
    "small steps": {"depth": 1, "width": 4, "size": 8, "images": 4},
    "large steps": profile.pick(
        quick={"depth": 1, "width": 16, "size": 32, "images": 8},
        full={"depth": 3, "width": 64, "size": 32, "images": 128},
    ),
}
factors = (1, 2, 4)


def exponent(numbers):
    """The slope of the best straight line through the logarithms."""
    logs = [[math.log(value) for value in row] for row in (factors, numbers)]
    return linear_regression(*logs).slope


# %% [markdown]
# Each setting is measured in four rounds, and each round gives an exponent. So you see how far they scatter.

# %%
work_exponent, time_exponent, doubled = {}, {}, []
for regime, base in regimes.items():
    for name in base:
        changed = [{**base, name: base[name] * factor} for factor in factors]
        works, steps = zip(*map(step_of, changed), strict=True)
        work_exponent[regime, name] = exponent(works)
        turns = [[speed.seconds_of(step, device) for step in steps] for _ in range(5)]
        time_exponent[regime, name] = [exponent(turn) for turn in turns[1:]]
        if (regime, name) == ("small steps", "width"):
            doubled = [turn[1] / turn[0] for turn in turns[1:]]
for (regime, name), values in time_exponent.items():
    each = " ".join(f"{value:5.2f}" for value in values)
    count = work_exponent[regime, name]
    print(f"{regime}, {name:<7} multiply-adds {count:.2f}   time {each}")

# %%
pairs = [(name, regime) for name in base for regime in regimes]
shown = {f"{name}, {regime}": time_exponent[regime, name] for name, regime in pairs}
title = "How the time of a step grows"
axes = plotting.dots(shown, title, "exponent of the time", digits=2)
caption = "A dot for each round, mean at the right."
plotting.show(axes, f"{caption} Multiply-adds: depth, images 1; width, size 2.")
small, large = (time_exponent[regime, "width"] for regime in regimes)
by_work = work_exponent["large steps", "width"]
ends = ", ".join(f"{min(each):.2f} to {max(each):.2f}" for each in (small, large))
cards.verdict(
    "with the width, the time of a large step grows faster than that of a small one",
    True if min(large) > max(small) else False if max(large) < min(small) else None,
    f"exponents, small and large: {ends}; by the multiply-adds {by_work:.2f}",
)
measured = {"fastest loop / plain loop": fastest.ratio,
            "twice as wide, small step": median(doubled)}  # fmt: skip
cards.compare_guess(my_guess, measured, lesson="12")

# %% [markdown]
# In a small step each operation costs about the same whatever its size: a call from Python, a kernel that starts, an
# entry for the backward pass. Only the *number* of operations counts there, and that is what depth changes. In a large
# step the work inside the operations counts more, and the exponents come nearer to those of the multiply-adds; how
# near, you see above. A measured exponent belongs to its regime. Who measures small and extrapolates to large goes
# wrong by the difference.
#
# ## Wider: several processes
#
# When one machine is not enough, each of several processes takes a **share** of every batch, on a GPU or some cores of
# its own. The number of a process is its **rank**, from 0. All start from the same weights, each computes the gradient
# on its share, the gradients are averaged, and everyone takes the same step. This is **data parallelism**. The gradient
# of a mean is the mean of gradients, so it should not matter who computes which half. Test that without any process:
# halve a batch by hand.


# %%
def gradient(model, x, targets):
    model.zero_grad()
    F.cross_entropy(model(x), targets).backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


differ = {}
batch, targets = next(iter(data.Batches(images, 64, True)))
for name, model in {
    "TinyVGG, without batch norm": models.TinyVGG(num_classes=classes, image_size=32),
    "residual 8, with batch norm": models.cifar_resnet(8, classes),
}.items():
    whole = gradient(model, batch, targets)
    parts = zip(batch.chunk(2), targets.chunk(2), strict=True)
    halves = [gradient(model, *part) for part in parts]
    differ[name] = ((sum(halves) / 2 - whole).norm() / whole.norm()).item()
    print(f"{name}: halves against whole, relative difference {differ[name]:.1e}")
without, with_norm = differ.values()
cards.verdict(
    "without batch norm two halves give the gradient of the whole; with it they do not",
    without < 1e-4 and with_norm > 100 * without,
    f"relative difference {without:.1e} without, {with_norm:.1e} with batch norm",
)

# %% [markdown]
# Each half is normalised by *its own* mean and variance. That is another computation, not a rounding error. There are
# two ways to live with it: accept it, which is the usual way, or let the processes exchange mean and variance in each
# batch norm, so that all of them see the whole batch. On GPUs `nn.SyncBatchNorm` does that.
#
# ### Exercise: `shard`
#
# Before anything is averaged, somebody has to say who takes which images. Write
# `shard(num_images, batch_size, rank, count, epoch, seed=0)`. It returns what process `rank` of `count` takes in this
# epoch: a **list with one entry for each step**, and each entry holds the indices of its images. The rules:
#
# - All images are shuffled, in the same way on every rank, and differently in each epoch and for each seed. Use a
#   generator of your own, so that nobody else's random numbers change.
# - `batch_size` counts the images of all ranks *together*. Step k of all ranks together has the images of step k of a
#   single process.
# - Each image comes once in an epoch, in one rank. The last batch may be smaller.
# - All ranks take the same number of steps: a rank that is done while the others wait for its gradient stops them all.
#   The shares of a step differ by one image at most. (So a share can be empty, if the last batch has fewer images than
#   there are ranks.)
#
# `shard(10, 4, 0, 2, 0)` could be `[tensor([7, 2]), tensor([5, 0]), tensor([9])]`, and then rank 1 gets the other five:
# `[tensor([1, 8]), tensor([6, 4]), tensor([3])]` if those are 1, 8, 6, 4 and 3. Tensors or lists, as you like.
#
# Stuck? `checks.hint("shard")`


# %%
def shard(num_images, batch_size, rank, count, epoch, seed=0):
    """The indices of one rank for one epoch: one entry for each step."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed + epoch)
    order = torch.randperm(num_images, generator=generator)
    batches = order.split(batch_size)
    return [batch.tensor_split(count)[rank] for batch in batches]
    ### END SOLUTION


shard = checks.shard(shard)

# %% [markdown]
# PyTorch's own `DistributedSampler` makes other choices. Look at 10 images for 4 ranks, yours in one batch of 10.

# %%
for rank in range(4):
    (mine,) = shard(10, 10, rank, 4, epoch=0)
    sampler = torch.utils.data.DistributedSampler(range(10), 4, rank, seed=0)
    print(f"rank {rank}: yours {list(map(int, mine))}, the sampler's {list(sampler)}")

# %% [markdown]
# The sampler gives each rank the same number of images, and for that some of the ten come twice (or, with
# `drop_last=True`, some not at all). For training that hardly matters. For an error that is *counted*, it does: the
# images that come twice count twice. And it does not know the epoch: without `sampler.set_epoch(epoch)` it gives the
# same order each time, without a word.
#
# ## The real thing
#
# `torchrun` starts the processes, and each of them runs the same script. It has to be a file of its own. Here is all of
# it, in three parts. First: who am I, and what are the images?

# %%
SCRIPT = """
import sys
from timeit import default_timer
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler
from resnet_course import data, models
from resnet_course.course.distributed import use_global_batch_norm

dist.init_process_group("gloo")  # "nccl" on GPUs
rank, count = dist.get_rank(), dist.get_world_size()
images = data.load("shapes", "train", 32, 192)
"""

# %% [markdown]
# Second: a training as one of `count` processes. Three things in it are there because there are several:
# `DistributedDataParallel`, `DistributedSampler`, and the line with `set_epoch`.

# %%
SCRIPT += """
def train(rank, count, batch_norm="local"):
    torch.manual_seed(0)  # the same weights everywhere
    model = network = models.cifar_resnet(20)
    if batch_norm == "global":  # on GPUs: nn.SyncBatchNorm.convert_sync_batchnorm
        model = network = use_global_batch_norm(network)
    if count > 1:
        model = DistributedDataParallel(network)  # averages gradients in backward
    sampler = DistributedSampler(images, count, rank, seed=0)  # who takes which
    loader = DataLoader(images, 64 // count, sampler=sampler)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    seconds = []
    for epoch in range(2):
        sampler.set_epoch(epoch)  # another order in each epoch
        for x, targets in loader:
            started = default_timer()
            optimizer.zero_grad()
            F.cross_entropy(model(x), targets).backward()
            optimizer.step()
            seconds.append(default_timer() - started)
    return network.state_dict() | {"seconds": torch.tensor(seconds[1:])}
"""

# %% [markdown]
# Third: what is trained. When both processes are done, rank 0 trains once more, alone, and writes what came out into
# one file.

# %%
SCRIPT += """
found = {name: train(rank, count, name) for name in ("local", "global")}
dist.destroy_process_group()
if rank == 0:
    found["alone"] = train(0, 1)
    torch.save(found, sys.argv[1])
"""

# %% [markdown]
# Each process has one thread, so that the second process is a second core and nothing else. A step takes 64 images,
# whether one process takes them or two take half each.

# %%
folder = Path(tempfile.mkdtemp())
script, output = folder / "two.py", folder / "found.pt"
script.write_text(SCRIPT, encoding="utf-8")
here = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
command = [*torchrun, "--nproc-per-node=2", str(script), str(output)]
done = subprocess.run(command, env=here, capture_output=True, text=True)
if done.returncode:
    reason = done.stderr.strip() or "no reason given"
    print("torchrun does not work here:", reason.splitlines()[-1])

# %%
several = "no process could be started"
if output.exists():
    found = torch.load(output, weights_only=True)
    one = found.pop("alone")
    weights = [name for name in one if name.endswith("weight")]
    times, apart = {}, {}
    alone = one["seconds"]  # of each step but the first
    for name, two in found.items():
        steps = two["seconds"]
        times[name] = (alone.median() / steps.median()).item()
        low, high = alone.min() / steps.max(), alone.max() / steps.min()
        apart[name] = max((one[w] - two[w]).abs().max().item() for w in weights)
        print(f"two processes, {name} batch norm: {times[name]:.2f} times as fast",
              f"as one ({low:.2f} to {high:.2f})")  # fmt: skip
        print(f"   weights differ by up to {apart[name]:.0e}")
    several = f"{times['local']:.2f} times as fast with local batch norm, "
    several += f"{times['global']:.2f} times with global"
    cards.verdict(
        "two processes end nearer to one with global batch norm than with local",
        apart["global"] < apart["local"] / 5,
        f"largest difference of a weight after 6 steps: {apart['global']:.1e} with "
        f"global batch norm, {apart['local']:.1e} with local",
    )

# %% [markdown]
# Two cores give at most twice the speed, if nothing else uses them. These are a few steps, and not in turns: the range
# says how much they scatter, and `python -m benchmarks.processes` takes more steps, in turns. The global batch norm
# pays for its messages, one in each layer and direction. Goyal et al. (2017, §2.3) give another reason against it:
# where each process keeps its own batch, more processes would change the loss that is optimised. So the default, here
# and elsewhere, is local:
#
# ```
# torchrun --standalone --nproc-per-node=2 -m resnet_course train --network "residual 20" --output runs/two
# ```
#
# trains with batch norm per process; `--global-batch-norm` asks for the exact one. How exact? The record says it, for
# three epochs of residual 20 by one process and by two, with global batch norm.

# %%
results = Path(runtime.__file__).parent / "results" / "processes_shapes"
recorded = json.loads((results / "differences.json").read_text(encoding="utf-8"))
print("largest difference in losses, accuracies and errors")
for name, difference in recorded.items():
    print(f"{difference:.0e}  {name}")

# %% [markdown]
# In float64 it is the same computation, up to the last digits. In float32 the same sums are added in another order, and
# training lets such differences grow. The last line gives the measure: one process against itself, with other rounding.
#
# ## More images in a step: which rate?
#
# We kept the global batch, so that nothing else changed. In practice each process keeps *its* batch, and k processes
# take k times as many images in a step. Which learning rate then? Think of k small steps with rate η, and of one large
# step on the same images. If the gradient hardly changes between the small steps, their sum is one step with rate kη:
# the **linear scaling rule** (Goyal et al. 2017, §2.1). How good is the "if"? Compare where both end.


# %%
def moved(start, batches, rate):
    """How the weights have moved after a step on each of the batches, as one row."""
    model = copy.deepcopy(start)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for x, targets in batches:
        gradient(model, x, targets)
        optimizer.step()
    pairs = zip(model.parameters(), start.parameters(), strict=True)
    return torch.cat([(after - before).detach().flatten() for after, before in pairs])


torch.manual_seed(0)
start = models.TinyVGG(num_classes=classes, image_size=32)
parts = list(zip(batch.chunk(4), targets.chunk(4), strict=True))
off = {}
for rate in (0.001, 0.01, 0.1, 1.0):
    small, large = moved(start, parts, rate), moved(start, [(batch, targets)], 4 * rate)
    off[rate] = ((small - large).norm() / large.norm()).item()
    print(f"rate {rate:<6} four small steps against one large: {off[rate]:.1%} apart")

# %% [markdown]
# Read the column from the top: the longer the step, the more the gradient of this TinyVGG changes on the way, and the
# worse the rule fits. At the start of a training gradients change fast, so the large rate is reached step by step, in a
# **warm-up** of a few epochs (§2.2). And the rule has an end: Goyal et al. could keep the accuracy of ImageNet up to
# batches of about 8,000 images.
#
# ## What we measured

# %%
said = {word: [] for word in ("faster", "slower", "cannot tell")}
for name, word in words.items():
    said[word].append(name)
print(f"1. Fastest rung: {fastest.name}, {fastest.ratio:.2f} times the plain loop.")
for word, names in said.items():
    print(f"   {word}: {', '.join(names) or 'none'}")
print(f"2. A ReLU takes {took['ReLU'] / took['copy']:.1f} times as long as a copy.")
print(f"3. {compiled_words}.")
print(f"4. Twice as wide takes {median(doubled):.2f} times as long in a small step.")
print(f"5. Two processes: {several}.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. A rung made the training 3 % faster in one run. Keep it?</summary>
#
# Not for that reason. Measure both in turns, several times, and look whether each round agrees. "3 % is 3 %" is the
# usual answer, and on a machine whose rounds scatter by 10 % it is worth nothing.
# </details>
#
# <details><summary>2. Your profile says that batch norm and ReLU take a third of the step. You buy a processor with
# twice as many multiply-adds in a second and the same memory. How much of that third do you save?</summary>
#
# Little, if ReLU and additions take about as long as a copy (you measured it): then they wait for memory, and so does
# much of batch norm. What helps is to move fewer numbers: fewer bits, or several operations in one pass, as a compiler
# makes them.
# </details>
#
# <details><summary>3. Why does float16 need a gradient scaler and bfloat16 none?</summary>
#
# Because of the range. Small gradients become 0 in float16. bfloat16 has the range of float32; it has fewer digits,
# and no scaler brings digits back.
# </details>
#
# <details><summary>4. Four processes with 32 images each, or one process with 128: same result?</summary>
#
# Only if batch norm takes its mean and variance over all 128, and then up to rounding. If each process normalises its
# own 32, it is another computation.
# </details>
#
# <details><summary>5. Somebody forgets `set_epoch`. Which error message appears?</summary>
#
# None. Each epoch has the same order, the same images meet in a batch, and the curves look a little worse than they
# could.
# </details>

# %% [markdown]
# ## Further reading
#
# - Micikevicius et al. 2017, [arXiv 1710.03740](https://arxiv.org/abs/1710.03740), §3: float16, with weights in float32
#   and a scaled loss.
# - Goyal et al. 2017, [arXiv 1706.02677](https://arxiv.org/abs/1706.02677), §2: the linear scaling rule and its
#   warm-up; ImageNet in one hour on 256 GPUs.
# - `docs/cost.md` of this course: what depth, width, image size and processes cost, measured, and an extrapolation to
#   ImageNet.
#
# Next: [lesson 13](13_your_images.ipynb), where the images are your own.
