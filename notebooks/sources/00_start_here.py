# %% [markdown]
# # 00 · Start here
#
# *A bet about depth, and the tools with which you will test it.*

# %% [markdown]
# In 2015 four researchers at Microsoft, Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, train
# networks that recognise what is in a photograph. The best networks of the year before had about 20
# layers. They want many more.
#
# Take two of their networks. Both are made of the same kind of layer, one after another and
# nothing else: **plain networks**. One has 20 layers, the other 56. **A 56-layer network can do
# everything a 20-layer network can**: 36 of its layers only have to hand on what they get. So it
# should fit the images that it is trained on at least as well. Will it?
#
# You decide first. Then we look at what was measured, and you repeat it on your own machine.
#
# **After this lesson you can**
#
# - say what the question of this course is, and which easy answer the numbers rule out,
# - find your way: what the lessons hold, what your machine does in them, how to change it,
# - work with bets, verdicts, exercises and checks as all lessons use them,
# - turn the bytes of an image into the numbers that a network wants.
#
# **You need:** Python, the first steps of PyTorch (tensors, `nn.Module`), and an idea of what a
# convolution does.
#
# **Time:** 17 minutes to read and write; the code runs in about half a minute.

# %%
from statistics import mean

import torch
import torch.nn.functional as F

from resnet_course import checks, data, experiments, explorers, models, plotting
from resnet_course import runtime
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
device = profile.device

# %% [markdown]
# ## What the networks see
#
# Each image belongs to one of a few classes, and the network has to say which. The course draws its own
# images, so that nothing has to be downloaded on a CPU: ten simple shapes, with noise and other things
# in the way. On a GPU, or if you ask for it, it takes photographs and other sets. These are the ones
# that you will use in this lesson:

# %%
images = data.load(profile.dataset, "train", image_size=32, limit=2_000)
ten = images.targets.unique()[:10]  # classes, or fewer if there are no more
members = [(images.targets == label).nonzero().flatten() for label in ten]
chosen = [int(found[place % len(found)]) for place in (0, 1) for found in members]
labels = [images.classes[int(images.targets[index])] for index in chosen]

figure = plotting.image_grid(images.images[chosen], labels, columns=len(members))
plotting.show(figure, caption=f"Two training images of each class of {images.name}.")

# %% [markdown]
# A network is trained on some of the images, the **training images**. Its **training error** is the
# share of these same images that it gets wrong afterwards. It has seen them all, with the right
# answers, many times.
#
# We have trained plain networks of several depths on 2,000 of the course's own generated images, in ten
# classes, and kept every result in a file: a **record**. Each training was done five times, from
# different random numbers; the number that these are drawn from is the **seed**. Here is what the
# record says of 20 layers:

# %%
recorded, conditions = {}, {}
names = {"generated images": "shapes", "photographs": "cifar10-jpeg"}
for name, dataset in names.items():
    records, missing = experiments.load_recorded("degradation", dataset)
    if not missing:
        recorded[name] = experiments.errors_by_network(records)  # a list for each
        conditions[name] = experiments.conditions(records)
drawn = recorded["generated images"]
print(f"20 layers: training error {mean(drawn['plain 20']):.2f} (guessing: 0.90)")

# %% [markdown]
# ## Your bet
#
# On the same images, what is the training error with 32 layers, and with 56? 0 means that a network
# gets every training image right, 0.9 that it does no better than guessing. Write your two numbers in
# place of `None`. (If you do not want to bet, leave it as it is: the lesson runs all the same.)

# %%
my_guess = {"32 layers": None, "56 layers": None}  # for example 0.3 and 0.2

# %% [markdown]
# ## What was measured
#
# Each dot is one training, and the lines go through the means. Beside the generated images you see
# photographs: the same networks, trained in the same way on images that nobody has drawn for a course.


# %%
def by_depth(errors, kind):
    """{depth: [an error for each seed]} of "plain" or "residual" networks."""
    of_kind = [name for name in errors if name.startswith(kind)]
    return {int(name.split()[1]): errors[name] for name in of_kind}


plain = {name: by_depth(errors, "plain") for name, errors in recorded.items()}
title = "Training error of plain networks by depth"
guesses = {"generated images": my_guess["56 layers"]}
axes = plotting.seeds(plain, title, "layers", "training error", (0, 1), guesses=guesses)
plotting.show(axes, caption="; ".join(conditions.values()) + "; a dot for each seed.")
measured = {f"{depth} layers": mean(drawn[f"plain {depth}"]) for depth in (32, 56)}
cards.compare_guess(my_guess, measured, lesson="00")

# %% [markdown]
# So that nobody has to judge this by eye, each claim of the course is put to the numbers. A **verdict**
# has one of three answers: *reproduced*, *not reproduced*, or *cannot tell*. The third is for a
# difference that may be due to the choice of seeds alone. Lesson 02 shows how that is computed. For now
# it is enough that a verdict is made from the numbers, and could have come out otherwise.

# %%
for name, errors in plain.items():
    claim = f"{name}: the training error is higher with 56 layers than with 20"
    cards.compare(claim, {"56 layers": errors[56]}, {"20 layers": errors[20]})

# %% [markdown]
# This is the **degradation problem**, as He and his colleagues called it. They saw it with 20 and 56
# layers, too ([He et al. 2015](https://arxiv.org/abs/1512.03385), §1, figure 1).
#
# Mind which error this is. The first explanation that comes to most people is **overfitting**: a
# large network learns its training images by heart and fails on new ones. A network that does so
# has a *small* training error. If the verdicts above are *reproduced*, the deep network fails on the
# very images that it could have learned by heart. Something else must be the matter, and for now
# we do not say what. Lesson 04 takes the suspects one by one.
#
# ## The same, here and now
#
# A record is somebody else's word. So here is the experiment once more, in a few seconds: two depths (8
# and 56 this time), three seeds, fewer steps. Only skim the code. You will write such a loop yourself
# in lesson 01 (without the schedule).


# %%
def train_plain(depth, seed):
    """A plain network, trained, and the batches of images that it was trained on."""
    torch.manual_seed(seed)
    model = models.cifar_resnet(depth, len(few.classes), residual=False).to(device)
    batches = data.Batches(few, 32, shuffle=True, seed=seed, device=device)
    steps = epochs * len(batches)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    for _ in range(epochs):
        for inputs, targets in batches:
            loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model, batches


# %%
@torch.no_grad()
def error_of(model, batches):
    """The share of the images that a network gets wrong."""
    model.eval()
    wrong = [(model(inputs).argmax(1) != targets) for inputs, targets in batches]
    return float(torch.cat(wrong).float().mean())


# %% [markdown]
# Now three trainings of each network, with seeds 0, 1 and 2. Both networks of a seed see the same
# images in the same order.

# %%
few_images = profile.pick(quick=200, full=2_000, smoke=64)
few = data.load(profile.dataset, "train", 16, limit=few_images)
epochs = profile.pick(quick=5, full=5, smoke=1)
live = {"plain 8": [], "plain 56": []}
for seed in range(3):
    live["plain 8"].append(error_of(*train_plain(8, seed)))
    live["plain 56"].append(error_of(*train_plain(56, seed)))

axes = plotting.dots(live, "Training error in this run", "training error")
steps = epochs * -(-len(few) // 32)
how = f"{len(few):,} images of {few.name}, {steps} steps (float32)"
plotting.show(axes, caption=f"{how}; a dot for each of 3 seeds.")
claim = "in this small run, too, the deeper network has the higher training error"
cards.compare(claim, {"plain 56": live["plain 56"]}, {"plain 8": live["plain 8"]})

# %% [markdown]
# What so small a run cannot say: whether the deep network needs nothing but more time. The trainings
# of the record are longer (compare the steps in the captions of the two figures), and lesson 04 has
# some that are several times as long again.
#
# ## The promise
#
# Here is where the course leads. A **residual network** has the same layers and as many weights. It
# differs by a line that leads around every two layers, the **shortcut**: what comes in is added to what
# goes out. In code it is `+ x`. Here are the same records, with and without shortcuts:

# %%
both = {kind: by_depth(drawn, kind) for kind in ("plain", "residual")}
title = "Training error by depth, with and without shortcuts"
axes = plotting.seeds(both, title, "layers", "training error", y_limits=(0, 1))
plotting.show(axes, caption=conditions["generated images"] + "; a dot for each seed.")
for name, errors in recorded.items():
    claim = f"{name}: with 56 layers, the training error is higher without shortcuts"
    residual_56 = {"residual 56": errors["residual 56"]}
    cards.compare(claim, {"plain 56": errors["plain 56"]}, residual_56)

# %% [markdown]
# You can watch this happen, on a task that fits into your browser: two spirals of points, and two
# networks that learn to tell them apart. Both have 40 layers and start from the same random numbers;
# one has shortcuts. Press *Train*. Then move the slider: at which depth do the two part? (The numbers
# below the spirals are for lessons 03 and 04. Where nothing runs it, on paper for example, you see a
# picture.)

# %%
explorers.show_playground()

# %% [markdown]
# In December 2015 the four published networks of this kind. With up to 152 layers they won that year's
# ImageNet competition. Shortcuts have stayed; today's transformers have them, too. Why should so small
# a change matter? At the end of this course you will have built such a network, and you will know from
# your own measurements what the shortcut does, and which claims about it are only claims.
#
# ## The map
#
# Lesson 01 builds VGG, whose idea is to stack layers, and writes the training loop. Lessons 02 and 03
# give you what an honest comparison needs: measurements that can be trusted, and signals that
# survive many layers. Then comes the story: 04 hunts for the cause of what you have just seen, 05
# adds the shortcut, 06 asks why it works, and 07 makes it fit where shapes change. Lesson 08
# assembles ResNet-18 from **your** block, 09 trains it. The rest looks inside, goes deeper and
# faster, and ends with your own photographs.

# %%
print("lesson                                        read and write    code")
for lesson in runtime.LESSONS:
    name = f"{lesson.number}  {lesson.title}"
    print(f"{name:<44}{lesson.read_minutes:>11} min{lesson.seconds:>8.0f} s")

# %% [markdown]
# The seconds are those of a machine with two processor cores. What is yours?
#
# ## Your machine
#
# `preflight()` says what is here: versions, device, number of threads. It tries out which number
# format is fastest, and predicts how many minutes the code of each lesson takes.

# %%
facts = runtime.preflight()

# %% [markdown]
# If a second box says that Colab's GPU is off, switch it on before you go on: menu *Runtime*, *Change
# runtime type*. The lessons also run without it, on less data.
#
# Two settings decide what the lessons do. The **profile** is `quick` on a CPU (small images,
# minutes) and `full` on a large GPU (CIFAR-10, more epochs). The **data set** is `shapes` in the quick
# profile. The same notebooks run with every setting; only the numbers change. Environment variables
# overrule both:
#
# | variable | values | without it |
# |---|---|---|
# | `RESNET_COURSE_PROFILE` | `quick`, `full` | `full` on a large NVIDIA GPU, else `quick` |
# | `RESNET_COURSE_DATASET` | `shapes`, `cifar10`, `fashion_mnist`, or a folder | `shapes` (quick), `cifar10` (full) |
# | `RESNET_COURSE_DATA` | the folder where downloads are kept or found | your cache folder |
# | `RESNET_COURSE_STRICT` | `1`: a failed check stops the notebook | it shows a message and goes on |
# | `RESNET_COURSE_JOURNAL` | the file that keeps your progress, or `off` | a file in your user folder |
# | `RESNET_COURSE_WIDGETS` | `0`: no buttons and sliders | they are shown where the notebook has them |
#
# Set them before Jupyter starts, or at the top of a notebook:
# `%env RESNET_COURSE_DATASET=fashion_mnist`. A folder of your own needs one folder of images for
# each class in it. What you write and pass is kept beside the journal, and later lessons use it. On
# Colab both go with the session, unless you mount your Drive first and begin *each* lesson with
# `%env RESNET_COURSE_JOURNAL=/content/drive/MyDrive/resnet/journal.json`.
#
# ## From bytes to numbers
#
# An image set gives pairs, an image and a label. The image is a tensor of shape (3, height, width)
# with numbers from 0 to 1, the label a whole number that stands for a class. Inside, the images are
# kept as **bytes** (`uint8`, whole numbers from 0 to 255), as image files have them, which takes a
# quarter of the memory.

# %%
image, label = images[0]
print(f"image {tuple(image.shape)}, {image.dtype}")
print(f"label {label}, which is {images.classes[label]!r}")
stored = images.images  # (N, 3, H, W) uint8
print(f"stored {tuple(stored.shape)}, {stored.dtype}, {stored.nbytes / 1e6:.1f} MB")
print(f"three bytes {stored[0, 0, 0, :3].tolist()} become {image[0, 0, :3]}")

# %% [markdown]
# Networks learn best from numbers around 0 with a spread of about 1. So each channel (red, green,
# blue) is **normalised**: shifted and scaled with two numbers of its own, its **mean** and its
# **standard deviation**. Both are computed once, over all pixels of the *training* images, and then
# they stay as they are. Later images are put on the same scale with the same numbers.

# %%
pixels = stored.float() / 255  # (N, 3, H, W)
channel_mean = pixels.mean(dim=(0, 2, 3))  # (3,)
channel_std = pixels.std(dim=(0, 2, 3))  # (3,)
print(f"mean      {channel_mean}\ndeviation {channel_std}")

# %% [markdown]
# ## How an exercise talks back
#
# This scaling is your first exercise, and a small one. Before you write it, see what a check can
# say. There are four outcomes. Here are three answers that are not right, and the course's own:


# %%
def not_written(images, mean, std):
    raise NotImplementedError  # what an exercise looks like before you write it


def stops_with_an_error(images, mean, std):
    return images - mean


def gives_wrong_numbers(images, mean, std):
    return images - mean.mean()


own = checks.EXERCISES["warm_up"].reference
for answer in (not_written, stops_with_an_error, gives_wrong_numbers, own):
    verdict = checks.verdict("warm_up", answer)
    message = verdict.message.replace("\n", "\n    ")
    print(f"{answer.__name__}: {verdict.status}\n    {message}\n")

# %% [markdown]
# Read the two messages in the middle. A check does not compare your text with a solution. It runs
# your function on inputs of its own, next to the course's function, and looks for the first thing
# that differs. If a known mistake behaves as yours does, the message is about that mistake. If none
# does, it says so, and shows you the difference.
#
# In the lessons a check is one line, such as `normalise = checks.warm_up(normalise)`. It shows the
# message, and hands back your function if it is right and the course's own if it is not. So every
# lesson runs to its end, whatever you have written so far.
#
# A hint comes in two steps. The message asks a *question* that points at the spot. Think about it
# first. Then press the button below the message, or run `checks.hint()` in a cell of its own: it
# gives the *explanation*. Before you have written anything, the same call says where to begin.
#
# ### Exercise: `warm_up`
#
# Write `normalise(images, mean, std)`. In each channel, a pixel that is equal to the channel's mean
# becomes 0, a pixel that is one deviation above it becomes 1, one that is two deviations below it
# becomes -2, and so on.
#
# - `images` has shape (N, 3, H, W), floats from 0 to 1; `mean` and `std` have shape (3,).
# - The result has the shape of `images`. The images that came in stay as they are.
# - Mind **broadcasting**: PyTorch lines up shapes from the right. Which dimension of (N, 3, H, W) do
#   three numbers meet?
#
# Example: in a channel with mean 0.5 and deviation 0.2, a pixel of 0.6 becomes 0.5.


# %%
def normalise(images, mean, std):
    """(N, 3, H, W), (3,), (3,) -> (N, 3, H, W)."""
    ### BEGIN SOLUTION
    return (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    ### END SOLUTION


normalise = checks.warm_up(normalise)

# %% [markdown]
# The course remembers what you have done, even after a kernel restart: which exercises pass, which
# mistakes you met, how many hints you asked for, and your first guess in each bet. It is one small file
# on your own machine, and nothing is sent anywhere. `checks.forget()` deletes it;
# `checks.export("my_name.json")` copies it to a file that you can hand in, if your teacher asks.

# %%
checks.progress()

# %% [markdown]
# Now your function (or the course's) at work. From lesson 01 on, `data.Batches` does all of this: it
# takes the bytes, puts them on this scale, and hands out one batch after the other. It is plain
# PyTorch, and must give the same numbers.

# %%
normalised = normalise(pixels, channel_mean, channel_std)
print(f"mean      {normalised.mean(dim=(0, 2, 3))}")
print(f"deviation {normalised.std(dim=(0, 2, 3))}")

batch, targets = next(iter(data.Batches(images, batch_size=64)))
assert torch.allclose(batch, normalised[:64], atol=1e-3)
print(f"a batch of shape {tuple(batch.shape)} with the same numbers")

# %% [markdown]
# ## What we measured

# %%
networks = ("plain 20", "plain 56", "residual 56")
for name, errors in recorded.items():
    words = ", ".join(f"{network} {mean(errors[network]):.2f}" for network in networks)
    print(f"Record, {name}: mean training error {words}.")
words = ", ".join(f"{network} {mean(values):.2f}" for network, values in live.items())
print(f"This run, {len(few):,} images of {few.name}: {words}.")
print(f"This machine, {facts['device']}: {facts['speed']}.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. A deep network has a higher training error <em>and</em> a higher test error than
# a shallow one. Somebody says: "It overfits." What do you answer?</summary>
#
# Overfitting means that a network does well on its training images and much worse on new ones. A
# high training error is the opposite of doing well there. The high test error follows from it and
# needs no explanation of its own.
# </details>
#
# <details><summary>2. "A 56-layer network can do everything a 20-layer network can." Is this argument
# wrong, if plain 56 ends with the higher training error?</summary>
#
# No. The argument says that good weights <em>exist</em>. It does not say that the training finds them.
# The two can both be true, and then the trouble is in the search.
# </details>
#
# <details><summary>3. One training of each of two networks, and the errors differ by 0.03. What can a
# verdict say?</summary>
#
# Only <em>cannot tell</em>. Another seed may turn the order round. With one training of each, nobody
# knows how much seeds differ. Several trainings of each show it.
# </details>
#
# <details><summary>4. Your images happen to be 3 pixels wide, and you forget to reshape
# <code>mean</code>. What happens?</summary>
#
# No error, and wrong numbers. Three means meet three columns, so each <em>column</em> gets the mean
# of a channel. With almost any other width PyTorch refuses. A shape that fits by chance is worse than
# one that does not fit.
# </details>
#
# <details><summary>5. With which mean and deviation do you normalise images that come later, such as
# the test images?</summary>
#
# With those of the training images. The network has learned what a number means on that scale. With
# statistics of their own, the later images would be put on another scale, and the numbers for one image
# would depend on which images come with it.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, "Deep Residual Learning for Image Recognition",
#   [arXiv 1512.03385](https://arxiv.org/abs/1512.03385), §1: one page and a half that tell the
#   story of this course.
#
# Next: [lesson 01](01_vgg.ipynb), VGG: depth from 3×3.
