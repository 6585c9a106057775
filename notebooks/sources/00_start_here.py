# %% [markdown]
# # 00 · Start here
#
# *What the course is, what your machine can do, and how an exercise talks back.*

# %% [markdown]
# **After this lesson you can**
#
# - say what your machine will do in this course, and change it,
# - work with exercises, checks and bets as all lessons use them,
# - turn the bytes of an image into the numbers that a network wants, and compute the two statistics that this needs,
# - explain why one standard deviation that is often used for CIFAR-10 is too small.
#
# **You need:** Python, the first steps of PyTorch (tensors, `nn.Module`), and an idea of what a convolution does.
#
# **Time:** 10 minutes to read and write; the code runs in a few seconds.

# %% [markdown]
# ## The course in one paragraph
#
# More layers should be better. Lesson 01 builds VGG, whose idea is to stack them. Lesson 04 goes on adding layers,
# and the network gets worse *on the images it was trained on*; one by one, the usual explanations are tested. Lesson
# 05 adds a line around two layers, the shortcut, and the deep network learns. Lesson 07 makes that line work where
# shapes change, lesson 08 assembles ResNet-18 from it, lesson 09 trains it. Nothing is claimed that a run does not
# show: you will see sentences marked *reproduced* or *not reproduced*, and they are printed from the numbers of your
# own run.
#
# ## A bet
#
# Every lesson has a bet: you write a number down, then the lesson measures it. A wrong bet costs nothing; it shows
# you where to look. Here is the first.
#
# Images are normalised by the mean and the standard deviation of their pixels. Suppose someone computes the deviation
# inside each image, one by one, and averages these. Someone else puts the pixels of all images in one heap and computes
# one deviation. What is the first number divided by the second? 1 means that they are equal.

# %%
my_guess = {"average deviation inside an image / deviation of all pixels": None}  # for example 1.2

# %% [markdown]
# Leave `None` if you do not want to bet: the lesson runs all the same.
#
# ## Your machine
#
# `preflight()` says what is here: versions, device, number of threads. It tries out which number format and memory
# layout is fastest, and predicts how long each lesson's code will take.

# %%
import torch

from resnet_course import checks, data, plotting, runtime
from resnet_course.notebook import cards
from resnet_course.notebook.lessons import LESSONS, predict_seconds

plotting.use_style()
facts = runtime.preflight()

# %% [markdown]
# If a second box says that Colab's GPU is off, switch it on before you go on: menu *Runtime*, *Change runtime type*.
# The lessons also run without it, on less data.
#
# Two settings decide what the lessons do. The **profile** is `quick` on a CPU (small images, minutes) and `full` on a
# GPU (CIFAR-10, more epochs). The **data set** is `shapes` in the quick profile, which the course draws itself, so
# nothing is downloaded. Environment variables overrule both:
#
# | variable | values | without it |
# |---|---|---|
# | `RESNET_COURSE_PROFILE` | `quick`, `full` | `full` if there is a GPU |
# | `RESNET_COURSE_DATASET` | `shapes`, `cifar10`, `fashion_mnist`, or a folder | `shapes` (quick), `cifar10` (full) |
# | `RESNET_COURSE_DATA` | the folder where downloads are kept or found | your cache folder |
# | `RESNET_COURSE_STRICT` | `1`: a failed check stops the notebook | it shows a message and goes on |
# | `RESNET_COURSE_JOURNAL` | the file that keeps your progress, or `off` | a file in your user folder |
# | `RESNET_COURSE_WIDGETS` | `0`: no buttons and sliders | they are shown where the notebook has them |
#
# Set them before Jupyter starts, or at the top of a notebook: `%env RESNET_COURSE_DATASET=fashion_mnist`. The same
# notebooks run with every setting; only the numbers change. A folder needs one folder of images for each class in it.
#
# These are the lessons, with the minutes for reading and writing, and for the code in the quick profile on this
# machine:

# %%
speed = runtime.measure_speed(runtime.precision())
print(f"{'lesson':<43}read and write   run")
for lesson in LESSONS:
    run_minutes = predict_seconds(lesson, speed) / 60
    print(f"{lesson.number}  {lesson.title:<41}{lesson.read_minutes:>7} min{run_minutes:>9.1f} min")

# %% [markdown]
# ## The data at a glance
#
# `data.load` gives images with labels, whatever they are: the built-in ones, CIFAR-10, your own folder.

# %%
profile = runtime.profile()
images = data.load(profile.dataset, "train", image_size=32, limit=profile.pick(quick=2_000, full=5_000))
print(f"{images.name}: {len(images):,} images of {images.image_size}×{images.image_size}")

classes = images.targets.unique()[:10].tolist()  # the first ten, if there are more
members = [(images.targets == label).nonzero().flatten() for label in classes]
chosen = [int(found[place % len(found)]) for place in (0, 1) for found in members]
labels = [images.classes[int(images.targets[index])] for index in chosen]
figure = plotting.image_grid(images.images[chosen], labels, columns=len(classes), title="Same class, different looks")
plotting.show(
    figure,
    alt="Two images of each class: " + ", ".join(labels[: len(classes)]),
    caption=f"The first two training images of each class of {images.name}.",
)

# %% [markdown]
# An item is a pair: an image and a label. The image is a tensor of shape (3, height, width) with numbers from 0 to 1;
# the label is a whole number that stands for a class.
#
# Inside, the images are kept as **bytes** (`uint8`, whole numbers from 0 to 255), as image files have them. That takes
# a quarter of the memory. They become `float32` when they are needed: byte / 255.

# %%
image, label = images[0]
print(f"image: {image.dtype}, shape {tuple(image.shape)}, from {image.min():.3f} to {image.max():.3f}")
print(f"label: {label}, which is {images.classes[label]!r}")

stored = images.images  # (N, 3, H, W) uint8
print(f"stored: {stored.dtype}, shape {tuple(stored.shape)}, {stored.nbytes / 1e6:.1f} MB")
print(f"three bytes of the first row of the first image: {stored[0, 0, 0, :3].tolist()}")
print(f"the same as floats: {[round(number, 3) for number in image[0, 0, :3].tolist()]}")

# %% [markdown]
# ## Mean and deviation of each channel
#
# Networks are usually given numbers around 0 with a spread of about 1. So we subtract the **mean** and divide by the
# **standard deviation**, each channel (red, green, blue) with its own. Both are computed from the *training* images,
# over all of their pixels, and from then on they are fixed: new images are normalised with the same numbers.

# %%
pixels = stored.float() / 255  # (N, 3, H, W)
mean = pixels.mean(dim=(0, 2, 3))  # (3,)
std = pixels.std(dim=(0, 2, 3))  # (3,)
inside = pixels.std(dim=(2, 3)).mean(dim=0)  # (3,) average of the deviations inside each image

print(f"{'':<44}red    green  blue")
for name, values in [("mean", mean), ("deviation of all pixels", std), ("average deviation inside an image", inside)]:
    print(f"{name:<42}" + "".join(f"{value:7.4f}" for value in values))

ratio = float((inside / std).mean())
cards.compare_guess(my_guess, {"average deviation inside an image / deviation of all pixels": ratio}, lesson="00")

# %% [markdown]
# Why is it smaller? The pixels of the heap differ for two reasons: they differ inside an image, and some images are
# brighter than others. The average of the deviations inside the images knows the first reason only. In squares the
# two parts add up exactly (`correction=0` divides by the number of pixels, not by one less):
#
# $$\text{variance of all pixels} = \text{average variance inside an image} + \text{variance of the images' means}$$

# %%
variance_inside = pixels.var(dim=(2, 3), correction=0).mean(dim=0)
variance_between = pixels.mean(dim=(2, 3)).var(dim=0, correction=0)
variance_all = pixels.var(dim=(0, 2, 3), correction=0)
for channel, name in enumerate(("red", "green", "blue")):
    print(f"{name:<6}{variance_inside[channel]:.5f} + {variance_between[channel]:.5f} = {variance_all[channel]:.5f}")
cards.verdict(
    "averaging the deviations inside the images gives too small a number",
    bool((inside < std).all()) and torch.allclose(variance_inside + variance_between, variance_all, rtol=1e-3),
    f"{ratio:.2f} times the deviation of all pixels, on average over the channels",
)

# %% [markdown]
# This is more than a remark. Many scripts for CIFAR-10 carry a deviation of about 0.20, where that of all pixels is
# about 0.25. Run this lesson with `RESNET_COURSE_DATASET=cifar10`, and you meet both numbers in the table above.
# Compute such numbers; do not copy them.

# %% [markdown]
# ## How an exercise works
#
# ### Exercise: `warm_up`
#
# Write `normalise(images, mean, std)`: take away each channel's mean and divide by its standard deviation.
#
# - `images` has shape (N, 3, H, W), floats from 0 to 1; `mean` and `std` have shape (3,).
# - The result has the shape of `images`. The images that came in stay as they are.
# - Mind **broadcasting**: PyTorch lines up shapes from the right. Three numbers next to (N, 3, H, W) meet the *width*.
#
# Example: a pixel of 0.6 in a channel with mean 0.5 and deviation 0.2 becomes 0.5.
#
# Before you write it, see what a check can say. There are four outcomes. Below, three answers that are not right, and
# the course's own.


# %%
from textwrap import indent


def not_written(images, mean, std):
    raise NotImplementedError  # what an exercise looks like before you write it


def stops_with_an_error(images, mean, std):
    return (images - mean) / std


def gives_wrong_numbers(images, mean, std):
    return (images - mean.mean()) / std.mean()


own = checks.EXERCISES["warm_up"].reference
for answer in (not_written, stops_with_an_error, gives_wrong_numbers, own):
    verdict = checks.verdict("warm_up", answer)
    print(f"{answer.__name__}: {verdict.status}\n{indent(verdict.message, '    ')}\n")

# %% [markdown]
# Read the two messages in the middle. A check does not compare your text with a solution: it runs your function on
# random inputs, next to the course's own, and compares what comes out. When that differs, it looks for a known
# mistake that behaves exactly like yours, and the message is about that mistake. Where no known mistake fits, it says
# so.
#
# In the lessons a check is one line: `normalise = checks.warm_up(normalise)`. It shows the message, and hands back
# your function if it is right and the course's own if it is not. So every lesson runs to its end, whatever you have
# written so far.
#
# A hint comes in two steps. The message asks a *question* that points at the spot. Think about it first. Then press
# the button below the message, or run `checks.hint()` in a cell of its own: it gives the *explanation*. Before you
# have written anything, the same call tells you where to begin.
#
# Your turn. Replace the line that raises the error, and run the cell again as often as you like.


# %%
def normalise(images, mean, std):
    """(N, 3, H, W), (3,), (3,) -> (N, 3, H, W)."""
    ### BEGIN SOLUTION
    return (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    ### END SOLUTION


normalise = checks.warm_up(normalise)

# %% [markdown]
# The course remembers what you have done, also after the kernel is started again: which exercises pass, which mistakes
# you met, how many hints you asked for, and your first guess in each bet. It is one small file on your own machine,
# and nothing is sent anywhere. `checks.forget()` deletes it; `checks.export("my_name.json")` copies it to a file that
# you can hand in, if your teacher asks for it.

# %%
checks.progress()

# %% [markdown]
# Now use your function on all images, and look at the statistics of what comes out.

# %%
normalised = normalise(pixels, mean, std)
new_mean, new_std = normalised.mean(dim=(0, 2, 3)), normalised.std(dim=(0, 2, 3))
cards.verdict(
    "after normalising, every channel has mean 0 and deviation 1",
    bool(new_mean.abs().max() < 1e-3 and (new_std - 1).abs().max() < 1e-3),
    f"largest mean {new_mean.abs().max():.1e}, deviations {', '.join(f'{value:.4f}' for value in new_std)}",
)

# %% [markdown]
# From lesson 01 on, `data.Batches` does this work: it takes the bytes, normalises them with the statistics of the
# data set, and hands out one batch after the other. It is plain PyTorch, and it does what you have just written:

# %%
batch, targets = next(iter(data.Batches(images, batch_size=64)))
difference = float((batch - normalised[:64]).abs().max())
cards.verdict(
    "data.Batches gives the same numbers as normalise",
    difference < 1e-3,
    f"a batch of shape {tuple(batch.shape)}; largest difference {difference:.1e}",
)

# %% [markdown]
# ## What we measured

# %%
print(f"1. This machine trains a residual network of 20 layers on {speed:,.0f} images of 32×32 a second.")
print(
    f"2. The channels of {images.name} have means {', '.join(f'{value:.3f}' for value in mean)} "
    f"and deviations {', '.join(f'{value:.3f}' for value in std)}."
)
print(f"3. The average deviation inside an image is {ratio:.2f} times the deviation of all pixels.")
print(f"4. After normalising, the deviations are {', '.join(f'{value:.3f}' for value in new_std)}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. A set has two images, one black all over and one white all over. What is the average deviation
# inside an image, and what is the deviation of all pixels?</summary>
#
# Inside each image nothing differs, so the first number is 0. Of all pixels, half are 0 and half are 1: the mean is
# 0.5 and the deviation 0.5. All the variance lies between the images.
# </details>
#
# <details><summary>2. Your images are 3 pixels wide, and you forget to reshape <code>mean</code>. What
# happens?</summary>
#
# No error, and wrong numbers. Three means meet three columns, so each *column* gets the mean of a channel. With
# almost any other width PyTorch refuses. A shape that fits by chance is worse than one that does not fit.
# </details>
#
# <details><summary>3. With which statistics do you normalise the test images?</summary>
#
# With those of the training images. The network has learned what a number means on that scale. With statistics of
# its own, the test set would be put on another scale: the same image would give other numbers in the two sets.
# </details>
#
# <details><summary>4. A check fails. Does the rest of the lesson run?</summary>
#
# Yes, with the course's own object in place of yours. Only with <code>RESNET_COURSE_STRICT=1</code> does it stop.
# </details>
#
# <details><summary>5. You normalise a batch with its own mean and deviation. What is wrong, if every channel then has
# mean 0 and deviation 1?</summary>
#
# The same image would get other numbers in other company: a dark image among bright ones, and among dark ones. (Batch
# norm does this inside a network on purpose, and keeps averages for the time after training: lesson 05.)
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, "Deep Residual Learning for Image Recognition", arXiv 1512.03385, §1: the introduction
#   tells the story of this course.
#
# Next: **lesson 01**, VGG: depth from 3×3.
