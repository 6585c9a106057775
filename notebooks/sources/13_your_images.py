# %% [markdown]
# # 13 · Your own images
#
# *Your folder, your classes, a handful of photos of each, and a network that has seen other things before.*

# %% [markdown]
# On your phone are some hundred photographs, sorted into folders: the plants on your balcony, the screws in your
# workshop, the kinds of waste that go into different bins. You would like a program that looks at a new photo and names
# it. The paper that this course follows trained on 1.28 million labelled images. You have eight of each class to train
# with, and as many more to choose with.
#
# Is that hopeless? There are three ways to use what you have, and they differ more than you may expect. And there is a
# fourth result, which is worse than a bad one: a number that looks good and is wrong, because the test asked for what
# the network had already seen.
#
# **After this lesson you can**
#
# - read a folder of photos, and say of every file that is not used why, and what to do about it,
# - split a few photos so that no thing is in training and in the test, and say what a leak would have flattered,
# - train **from scratch**, **the last layer** or **all layers**, each at a learning rate chosen on validation photos,
# - get the probabilities of the classes for one photo of yours, and name cases in which they cannot be trusted.
#
# **You need:** lessons 02, 05, 08 and 09.
#
# **Time:** 28 minutes to read and write; the code runs in about a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# A network gets 8 photos of each class. What share of *new* photos does it name wrongly,
#
# - if it starts with random weights, and all of it learns (**from scratch**),
# - if it starts with the weights of a network that tells *other* classes apart, and only a new last layer learns,
# - if it starts there, and all layers learn?
#
# A number between 0 and 1. The folder that this lesson draws has five classes that can be learnt, so blind guessing
# gives 0.8.

# %%
my_guess = {"from scratch": None, "last layer": None, "all layers": None}  # 0.5?

# %%
import copy
import tempfile
from pathlib import Path
from statistics import mean

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from resnet_course import checks, data, experiments, folders, models, plotting, runtime
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
device, precision = profile.device, runtime.precision()
budget = profile.pick(  # of every training in this lesson
    quick=runtime.Budget(images=2_000, image_size=64, batch_size=20, steps=75),
    full=runtime.Budget(images=20_000, image_size=64, batch_size=20, steps=200),
    smoke=runtime.Budget(images=200, image_size=64, batch_size=20, steps=2),
)

# %% [markdown]
# ## Settings in one place
#
# These are the numbers that you may want to change for photos of your own. `FLIP` asks for your knowledge: is a
# mirrored photo still of its class? Of a leaf, yes. Of a letter or a traffic sign, no.

# %%
IMAGE_SIZE = budget.image_size  # pixels; more shows more detail, and takes longer
SHOTS = 8  # training photos of each class
VALIDATION = 8  # validation photos of each class
FLIP = False  # may training photos be mirrored?
DOWNLOAD = False  # True fetches weights from ImageNet, 45 MB, where they are not here
PHOTO = None  # the path of a photo to ask for, such as "my.jpg"
WAYS = ("from scratch", "last layer", "all layers")
RATES = {  # each way is tried at each of its rates
    "from scratch": (3e-3, 1e-2, 3e-2),
    "last layer": (1e-2, 3e-2, 1e-1),
    "all layers": (3e-4, 1e-3, 3e-3),
}
SEEDS = range(profile.pick(quick=3, full=5))

# %% [markdown]
# ## The folder
#
# The layout is one folder for each class, and the folder's name is the class. `train` and `test` above them may be
# there or not. To use your own photos, set the environment variable `RESNET_COURSE_DATASET` to the path of your folder
# before you start Jupyter; photos of 20 things of each class are enough. Without it, the next cell draws a folder for
# you, with the accidents that real folders have.

# %%
workplace = tempfile.TemporaryDirectory()  # removed when the notebook's kernel ends
is_drawn = not data.is_image_folder(profile.dataset)
if is_drawn:
    folder = folders.make_demo_folder(Path(workplace.name) / "demo")
else:
    folder = Path(profile.dataset).expanduser()
everything, report = folders.read_folder(folder, IMAGE_SIZE, budget.images)
print(report)

# %% [markdown]
# Read the report as a list of things to do. It has three kinds of entries.
#
# - **Not an image that can be read**: empty, cut off, a web page that was saved in place of a picture, or a format
#   that Pillow cannot read, such as the HEIC of iPhones. The *content* counts, not the name: a photo that was renamed
#   from `.HEIC` to `.jpg` is still HEIC.
# - **Refused**: `huge.png` of the drawn folder has less than 200 bytes and says that it has 3.6 billion pixels.
#   Decoding it would fill the memory. Such a file is called a **decompression bomb**.
# - **Doubtful**: the same bytes in two classes. One of the two labels is wrong, and only you can say which. Copies
#   within a class stay in; we come back to them.
#
# The last lines are about the classes as a whole: one that is too small, or one that is much larger than the others.
#
# All other files are used, whatever they are. They are turned upright as the camera's note (EXIF) says, 16-bit grey is
# scaled to 8 bits, CMYK and palettes become RGB, what is see-through becomes white, and of an animation the first
# picture is taken. Then they are cut to a square and made small. Look at some: a wrong label is seen at a glance, and
# no line of the report tells of it.

# %%
some = torch.randperm(len(everything), generator=torch.Generator().manual_seed(0))[:20]
names = [everything.classes[label] for label in everything.targets[some]]
shown = everything.images[some]
figure = plotting.image_grid(shown, names, title="What the network gets")
plotting.show(figure, f"{everything.name}: 20 of {len(everything):,} usable photos, "
              f"{IMAGE_SIZE}×{IMAGE_SIZE} pixels.")  # fmt: skip

# %% [markdown]
# How large must a photo be? Where the thing fills a small part of it, detail goes first. Here are three as 16×16
# pixels, the size of most lessons so far, and below as the network of this lesson gets them. What can you still name
# from the upper row alone?

# %%
three = everything.subset(some[:3])
coarse = F.interpolate(three.resized(16).images.float(), IMAGE_SIZE).byte()
sizes = ["16×16"] * 3 + [f"{IMAGE_SIZE}×{IMAGE_SIZE}"] * 3
both = torch.cat([coarse, three.images])
plotting.show(plotting.image_grid(both, sizes, 3, "What is left of the detail"))

# %% [markdown]
# ## Photos of the same thing
#
# People press the button more than once. So among the photos of a class, several may show *the same thing*, from nearly
# the same place. Two files with the same pixels are the extreme case. If one of them is in training and another one in
# the test, the network need not know what a house is: it is enough to recognise this house. This is called
# **leakage**.
#
# No program can see for sure which photos belong together. You know it, and you say it by a rule that gives each
# photo the name of its **group**. In the drawn folder the file names tell: `004_shot1.jpg` and `004_shot2.jpg` show the
# same thing. In yours it may be the day, the place, or a folder in the folder (`file.parent.name`). Photos with equal
# pixels are put into one group in any case.


# %%
def group_of(file):
    """Photos of a class with the same answer show the same thing. The rule is yours."""
    return file.stem.split("_shot")[0]


names = [group_of(file) for file in report.files]
groups = folders.find_groups(everything, names)  # (N,)
sizes = torch.bincount(groups)
print(f"{len(everything):,} photos of {len(sizes):,} things.",
      f"{int((sizes > 1).sum()):,} things have more than one photo,",
      f"at most {int(sizes.max())}.")  # fmt: skip
largest = sizes.argsort(descending=True, stable=True)[:3]
places = torch.cat([(groups == group).nonzero().flatten()[:3] for group in largest])
names = [f"no. {group}" for group in groups[places]]
shown = everything.images[places]
plotting.show(plotting.image_grid(shown, names, title="The largest groups"))

# %% [markdown]
# Three parts are needed: training, validation, test. A class of four photos cannot fill them, nor can a class of forty
# photos that all show one thing. So count *groups*. A class that has too few of them is set aside.

# %%
kept, said = folders.enough_groups(everything, groups, SHOTS + VALIDATION + 1)
print("\n".join(said) or "Every class has enough groups.")
known = torch.isin(everything.targets, kept)
places = known.nonzero().flatten()
classes = [everything.classes[label] for label in kept.tolist()]
labels = torch.searchsorted(kept, everything.targets[places])  # from 0 on, without gaps
images = data.ImageSet(everything.images[places], labels, classes, everything.name)
groups, files = groups[places], [report.files[place] for place in places.tolist()]
print(f"{len(images):,} photos of {len(classes)} classes:", ", ".join(classes))

# %% [markdown]
# ## A fair split with few images
#
# `fair_split` of lesson 02 gave each class its *share*. With few images we want something else: the same small number
# of each class for training, the **shots**, and the other images for the test. Large classes must not get more. And
# what we have just seen must not leak: an image whose group is in training has no place in the test.
#
# ### Exercise: `few_shot_split`
#
# Write `few_shot_split(targets, groups, shots, seed=0)`. It returns two tensors of indices, for training and for the
# test:
#
# - training holds `shots` images of each class, no two of the same group, drawn at random;
# - the test holds the other images, without those whose group is in training;
# - the seed alone decides: use a `torch.Generator` of your own;
# - a class with no more than `shots` groups would leave nothing for the test: raise `ValueError`.
#
# All images of a group have the same label. An example with two classes of three images each, where the first two
# images are copies: `few_shot_split(torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([7, 7, 4, 5, 6, 8]), 1)` may give
# `[0, 4]` and `[2, 3, 5]`. Image 1 is in neither part, since its copy 0 is in training.
#
# Stuck? `checks.hint("few_shot_split")`


# %%
def few_shot_split(targets, groups, shots, seed=0):
    """Indices of `shots` training images of each class, and of the test images."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    train = []
    for label in targets.unique():
        members = (targets == label).nonzero().flatten()
        choices = groups[members].unique()
        if len(choices) <= shots:
            raise ValueError("a class has too few different pictures")
        for group in choices[torch.randperm(len(choices), generator=generator)[:shots]]:
            train.append(members[groups[members] == group][0])
    train = torch.stack(train)
    test = (~torch.isin(groups, groups[train])).nonzero().flatten()
    return train, test
    ### END SOLUTION


few_shot_split = checks.few_shot_split(few_shot_split)

# %% [markdown]
# The function splits twice. First the validation photos are taken out, once and for all: every choice of this lesson
# is made with them. From what is left, each seed draws its own training photos, and leaves its own test.
#
# A third list is what a careless split would have put into the test: other photos of the things in training. We call
# them the **siblings** and keep them apart. They are not used for anything but one measurement.


# %%
chosen, others = few_shot_split(images.targets, groups, VALIDATION, seed=0)
validation = images.subset(chosen)
rest, rest_groups = images.subset(others), groups[others]


def draw_parts(shots, seed):
    """Training photos, new photos for the test, and siblings of the training photos."""
    few, new = few_shot_split(rest.targets, rest_groups, shots, seed)
    siblings = torch.isin(rest_groups, rest_groups[few])
    siblings[few] = False
    return rest.subset(few), rest.subset(new), rest.subset(siblings.nonzero().flatten())


for seed in SEEDS:
    counts = [len(part) for part in draw_parts(SHOTS, seed)]
    print(f"seed {seed}: {counts[0]} photos for training, {counts[1]} for the test,",
          f"{counts[2]} siblings")  # fmt: skip

# %% [markdown]
# ## A network that has seen other things
#
# Where do trained weights come from? For photographs the usual start is ImageNet: torchvision offers the weights of a
# ResNet-18 that has seen its 1.28 million images. This lesson uses the file where it is. It never fetches anything
# unless you set `DOWNLOAD`.

# %%
weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
weights_file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
if DOWNLOAD and not weights_file.is_file():
    weights_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(weights.url, str(weights_file), "f37072fd")
    except OSError as error:  # no network, for example: the lesson goes on without
        print("not fetched:", error)
print(weights_file.name, "is here" if weights_file.is_file() else "is not here")

# %% [markdown]
# A trained layer knows its numbers in one range only. So new images have to be *prepared as the old ones were*:
# resized, cut, and normalised with the mean and deviation of the **old** training images. With torchvision's weights
# comes a function that does all of it, `weights.transforms()`. Our photos are squares of the right size already, so
# what remains of it is the normalising, and we take the two numbers from there.
#
# Without the file, the course's own weights do: the same ResNet-18 with a quarter of the channels, which has learnt to
# tell the ten generated shapes apart (disc, ring, star and so on) at 64×64 pixels. None of your classes is among them.


# %%
def find_start():
    """A trained network, mean and deviation of its old images, and what they were."""
    if weights_file.is_file():
        prepare = weights.transforms(crop_size=IMAGE_SIZE, resize_size=IMAGE_SIZE)
        network = models.resnet18(1000, stem="imagenet")
        state = torch.load(weights_file, map_location="cpu", weights_only=True)
        models.load_torchvision_state_dict(network, state)
        statistics = torch.tensor(prepare.mean), torch.tensor(prepare.std)
        return network, *statistics, "ImageNet"
    network = experiments.load_weights("narrow 18")
    shapes = data.load("shapes", "train", IMAGE_SIZE, 500)
    return network, *shapes.channel_statistics(), "generated shapes"


start, mean_of_old, std_of_old, source = find_start()
old = {"mean": mean_of_old, "std": std_of_old}
print(f"trained on {source}, {start.linear.out_features} classes,",
      f"{start.linear.in_features} features in front of the last layer")  # fmt: skip
print("mean", [round(value, 3) for value in mean_of_old.tolist()],
      "deviation", [round(value, 3) for value in std_of_old.tolist()])  # fmt: skip

# %% [markdown]
# ## Three ways to train
#
# The last layer has an output for each of the *old* classes, so it is replaced by a new one. Then there is a choice:
#
# | | starts with | what learns |
# |---|---|---|
# | **from scratch** | random weights | everything |
# | **last layer** | trained weights, a new last layer | the new last layer |
# | **all layers** | trained weights, a new last layer | everything |
#
# The third way is also called **fine-tuning**, the second a **linear probe**. All three have the same architecture.


# %%
def fresh_network(outputs):
    """The architecture of `start`, with random weights."""
    return models.resnet18(outputs, "imagenet", width=start.conv1.out_channels)


def make_network(way, seed):
    """The network before its training."""
    torch.manual_seed(seed)
    if way == "from scratch":
        network = fresh_network(len(classes))
    else:
        network = copy.deepcopy(start).requires_grad_(way == "all layers")
        network.linear = nn.Linear(start.linear.in_features, len(classes))  # it learns
    return network.to(device, memory_format=precision.memory_format)


# %% [markdown]
# The loop is the one that you know, with a one-cycle rate. Two things are for small sets of photos. Each photo is moved
# by up to 6 pixels, another way each time, and mirrored if `FLIP` allows it: this is **augmentation**. And with *last
# layer* the network stays in eval mode, so that batch norm keeps the statistics that belong to the trained weights.


# %%
moves = data.Augmentation(shift=6, flip=FLIP)


def train(way, few, rate, seed):
    """A network that was trained in this way."""
    network = make_network(way, seed).train(way != "last layer")
    size, device_and_seed = budget.batch_size, {"device": device, "seed": seed}
    batches = data.Batches(few, size, True, moves, **old, **device_and_seed)
    epochs = max(1, round(budget.steps / len(batches)))
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=rate)
    steps = epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(epochs):
        for pixels, targets in batches:
            pixels = pixels.to(memory_format=precision.memory_format)
            optimizer.zero_grad()
            with precision.context(device):
                loss = F.cross_entropy(network(pixels), targets)
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


# %% [markdown]
# The test is not balanced, because your classes are not. So we take the error of each class by itself, and then the
# mean of the classes. A network that always says the largest class does not look good in this way.


# %%
@torch.no_grad()
def probabilities(network, some):
    """Shape: (N, classes)."""
    batches = data.Batches(some, 200, **old, device=device)
    return torch.cat([network(pixels).softmax(1).cpu() for pixels, _ in batches])


def error(network, some):
    """The mean over the classes of the share of photos that are named wrongly."""
    wrong = (probabilities(network, some).argmax(1) != some.targets).float()
    there = some.targets.unique()
    return mean(wrong[some.targets == label].mean().item() for label in there)


# %% [markdown]
# ## Each at its best rate
#
# Which learning rate? A large one that random weights need may wipe out what trained weights know. To compare three
# ways at one rate is to choose the winner in advance. So each way is tried at several rates, with each seed, and its
# rate is the one with the lowest error on the *validation* photos. The test is not looked at.

# %%
tried, chosen_rate, networks = {}, {}, {}
for way in WAYS:
    tried[way] = {}
    for rate in RATES[way]:
        trained = [train(way, draw_parts(SHOTS, seed)[0], rate, seed) for seed in SEEDS]
        tried[way][rate] = [error(network, validation) for network in trained]
        if mean(tried[way][rate]) <= min(mean(found) for found in tried[way].values()):
            chosen_rate[way], networks[way] = rate, trained
    shown = [f"{mean(found):.3f} at {rate:g}" for rate, found in tried[way].items()]
    print(f"{way:<13} validation error {', '.join(shown)}")

# %%
axes = plotting.seeds(
    tried, "Validation error by learning rate", "highest learning rate",
    "validation error", y_limits=(0, 1), log_x=True,
)  # fmt: skip
plotting.show(axes, f"{len(validation)} validation photos; a dot for each seed.")
print("chosen:", ", ".join(f"{way} {rate:g}" for way, rate in chosen_rate.items()))
at_edge = [way for way in WAYS if chosen_rate[way] in (RATES[way][0], RATES[way][-1])]
print("at the end of the row, so that a better one may lie beyond:",
      ", ".join(at_edge) or "none")  # fmt: skip

# %% [markdown]
# With few validation photos the choice is coarse. Where two rates lie close together in the figure, do not read much
# into which of them won. But look at how far apart the ends of a line are: so much would a rate that somebody else
# uses have cost you.
#
# ## What the test says
#
# Now, and only now, the test. Beside it stands the error on the few photos that were learnt. It answers a question that
# is easily forgotten: did the network have *enough time*? If it knows its own photos, it is probably not steps that it
# lacks. If it does not, its error on new ones may be one of a training that was too short.

# %%
on_few, on_new, on_siblings = ({way: [] for way in WAYS} for _ in range(3))
for way in WAYS:
    for seed, network in zip(SEEDS, networks[way], strict=True):
        few, new, siblings = draw_parts(SHOTS, seed)
        on_few[way].append(error(network, few))
        on_new[way].append(error(network, new))
        if len(siblings):
            on_siblings[way].append(error(network, siblings))
    print(f"{way:<13} error on its own photos {mean(on_few[way]):.3f},",
          f"on new ones {mean(on_new[way]):.3f}")  # fmt: skip

# %%
blind = 1 - 1 / len(classes)
axes = plotting.dots(on_new, "Error on new photos", f"error (blind: {blind:.2f})")
plotting.show(
    axes, f"{images.name}: {SHOTS} photos of each of {len(classes)} classes, "
    f"{budget.steps} steps, weights from {source}; seeds: {len(SEEDS)}.",
)  # fmt: skip
measured = {way: mean(found) for way, found in on_new.items()}
cards.compare_guess(my_guess, measured, lesson="13")
for worse in ("from scratch", "last layer"):
    cards.compare(
        f"{worse} has a higher error on new photos than all layers",
        {worse: on_new[worse]}, {"all layers": on_new["all layers"]},
    )  # fmt: skip
fits = {way: max(on_few[way]) for way in ("from scratch", "all layers")}
cards.verdict(
    "both ways that train everything know their own photos, with every seed",
    max(fits.values()) < 0.05,
    ", ".join(f"{way}: at most {highest:.3f}" for way, highest in fits.items()),
)

# %% [markdown]
# If the boxes say *reproduced*, you have seen networks that agree on nearly all the photos they learnt, and differ on
# new ones. Eight photos of each class do not say what a class is: colours, backgrounds and corners would separate them
# as well. Which of the many explanations a training finds depends on where it starts. Trained weights start with what
# was of use for the old task.
#
# With a folder of your own, "not reproduced" is a result, too. How much have your photos in common with what the
# weights were trained on?
#
# ## What a leak would have flattered
#
# We kept the siblings apart: other photos of the things in training. A split that ignores groups would have mixed them
# into the test. Here are the same networks, measured on siblings and on new things.

# %%
for way in WAYS:
    known_things = f"{mean(on_siblings[way]):.3f}" if on_siblings[way] else "none here"
    print(f"{way:<13} siblings {known_things}, new things {mean(on_new[way]):.3f}")
has_siblings = len(on_siblings["from scratch"]) == len(SEEDS)
if has_siblings:
    cards.compare(
        "from scratch, the error on new things is higher than on siblings",
        {"new things": on_new["from scratch"]},
        {"siblings": on_siblings["from scratch"]},
    )

# %% [markdown]
# Siblings differ in light, place and noise. Where their error is the lower one, a photo of a thing has helped to name
# another photo of it. A test that holds siblings answers another question than the one you asked: not "does it know
# houses?" but "does it know these houses again?" Nothing in the number warns you. That is why groups come from you,
# before the split.
#
# ## One photo
#
# The way with the lowest *validation* error goes on; of its networks we take the one of the first seed. And here is
# what the lesson is for: a path goes in, probabilities come out. The steps are always the same: read upright, square
# and small; numbers from 0 to 1; normalise like the old images; eval mode; softmax.

# %%
best_way = min(WAYS, key=lambda way: mean(tried[way][chosen_rate[way]]))
best = networks[best_way][0]


@torch.no_grad()
def predict(file):
    """The probability of each class for one photo, the highest first."""
    pixels = folders.read_photo(file, IMAGE_SIZE) / 255  # (3, H, W), upright, 0 to 1
    pixels = (pixels - mean_of_old.view(3, 1, 1)) / std_of_old.view(3, 1, 1)
    logits = best.eval()(pixels.unsqueeze(0).to(device))[0]  # (classes,)
    found = dict(zip(classes, logits.softmax(0).tolist(), strict=True))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


# %% [markdown]
# Set `PHOTO` at the top to the path of a photo of yours, or call `predict("my.jpg")`. Until then the cell takes a photo
# of 12 megapixels of a house, as a phone makes it: the pixels lie on their side, and a note (EXIF) says how to turn
# them. With a folder of your own it is a photo that this network was not trained on.

# %%
if PHOTO is not None:
    photo = Path(PHOTO)
elif is_drawn:
    photo = folders.make_demo_photo(Path(workplace.name) / "my.jpg")
else:
    _, unseen = few_shot_split(rest.targets, rest_groups, SHOTS, SEEDS[0])
    photo = files[int(others[unseen[0]])]
answer = predict(photo)
for name, probability in answer.items():
    print(f"{probability:6.3f}  {name}")
said = f"{photo.name}: {next(iter(answer))}, {max(answer.values()):.2f}"
large = folders.read_photo(photo, 224).unsqueeze(0)
figure = plotting.image_grid(large, [photo.name], 4, said)
plotting.show(figure, f"As the network sees it, but with more pixels. Way: {best_way}.")

# %% [markdown]
# The first number is not the chance that the answer is right. Below 0.5 the network takes one of the others, all
# together, for more likely; and a later section shows how sure it can be of nonsense.
#
# What if the file is no photo? It is named, and you read what it is and what to do.

# %%
page = Path(workplace.name) / "from the web.jpg"
page.write_text("<!doctype html><html>404 not found</html>", encoding="utf-8")
try:
    predict(page)
except Exception as refused:
    print(str(refused).replace(workplace.name, "…"))

# %% [markdown]
# ## The worst mistakes
#
# A mean error does not say what to do next. Mistakes of which the network is *sure* do. Look at each and ask: is the
# label right? Would I have known? Is there something in common, a background, the light, the distance? Photos of just
# that kind are the ones to take next.

# %%
few, new, _ = draw_parts(SHOTS, SEEDS[0])
confidence, named = probabilities(best, new).max(1)
figure = plotting.mistakes(new.images, named, new.targets, confidence, classes)
plotting.show(figure, f"{len(new)} test photos: true class, answer, its probability.")
count = len(classes)
matrix = torch.bincount(new.targets * count + named, minlength=count**2)
matrix = matrix.view(count, count)
axes = plotting.confusion_matrix(matrix, classes, "What is taken for what")
plotting.show(axes, f"{len(new)} test photos, way: {best_way}; rows are the truth.")

# %% [markdown]
# ## Where it fails: other photos than in training
#
# A test says how it goes on photos *like these*. What if they are taken at dusk, from farther away, out of focus, or
# with the phone turned and the note lost? Change the test photos in this way, and measure again. The network stays as
# it is. (They are imitations: around "from farther away" the border goes on as it was at the edge.)


# %%
def resized(pixels, size):
    """Shape: (N, 3, H, W) -> (N, 3, size, size)."""
    return F.interpolate(pixels, size=(size, size), mode="bilinear", antialias=True)


def from_afar(pixels):
    margins = [IMAGE_SIZE // 2] * 4  # the border goes on as it was at the edge
    return resized(F.pad(pixels, margins, mode="replicate"), IMAGE_SIZE)


CHANGES = {
    "as taken": lambda pixels: pixels,
    "numbers halved": lambda pixels: pixels / 2,  # much darker
    "out of focus": lambda pixels: resized(resized(pixels, 16), IMAGE_SIZE),
    "from farther away": from_afar,
    "mirrored": lambda pixels: pixels.flip(3),
    "lying on its side": lambda pixels: pixels.rot90(1, (2, 3)),
}

# %%
changed = {name: [] for name in CHANGES}
for seed, network in zip(SEEDS, networks[best_way], strict=True):
    new = draw_parts(SHOTS, seed)[1]
    for name, change in CHANGES.items():
        pixels = change(new.images.float()).round().byte()
        altered = data.ImageSet(pixels, new.targets, classes)
        changed[name].append(error(network, altered))
one = new.images[:1].float()
one = torch.cat([change(one) for change in CHANGES.values()]).round().byte()
plotting.show(plotting.image_grid(one, list(CHANGES), 6, "One test photo, changed"))
axes = plotting.dots(changed, "The same networks on changed photos", "error")
plotting.show(axes, f"Way: {best_way}; a dot for each of {len(SEEDS)} seeds.")
cards.compare(
    "photos that lie on their side have a higher error than upright ones",
    {"on their side": changed["lying on its side"]}, {"upright": changed["as taken"]},
)  # fmt: skip

# %% [markdown]
# Each row that lies far to the right is a promise that you should not make to the users of your program, or a kind of
# photo that belongs into the training set. Augmentation can help where the change can be computed, as it can for all of
# these. It costs steps, and it does harm where the change turns a thing into one of another class.
#
# ## Where it fails: a thing of no class
#
# The network must answer with one of its classes, and softmax makes the probabilities add up to 1. There is no output
# for "none of them". Here it is shown what it never learnt: a class that we set aside, or, if there was none, noise.

# %%
outsiders = everything.images[~known][:10]
if not len(outsiders):
    generator = torch.Generator().manual_seed(0)
    size = (5, 3, IMAGE_SIZE, IMAGE_SIZE)
    outsiders = torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)
no_labels = torch.zeros(len(outsiders), dtype=torch.int64)
unknown = data.ImageSet(outsiders, no_labels, classes)
sure, said = probabilities(best, unknown).max(1)
labels = [f"{classes[k]}\n{p:.2f}" for k, p in zip(said, sure, strict=True)]
figure = plotting.image_grid(outsiders, labels, title="Things of no class, named")
plotting.show(figure)
print(f"mean probability of the answer: {sure.mean():.2f} here,",
      f"{confidence.mean():.2f} on test photos")  # fmt: skip

# %% [markdown]
# A high probability means: of *these* classes, this one. It does not mean that the photo is of any of them. If your
# program will meet other things, collect some of them and make them a class of their own.
#
# ## Keep it
#
# What you need tomorrow: the weights, and the names of the classes in their order. Weights of another number of classes
# do not fit, and it is better to be told so than to get names that are off by one.

# %%
mine = Path(workplace.name) / "mine.pt"
torch.save(best.state_dict(), mine)
again = folders.load_classifier(fresh_network(len(classes)), mine).eval().to(device)
before, after = (probabilities(network, validation) for network in (best, again))
print(f"largest difference of a probability: {(after - before).abs().max():.2g}")
try:
    folders.load_classifier(fresh_network(len(classes) + 1), mine)
except Exception as refused:
    print(str(refused).replace(workplace.name, "…"))

# %% [markdown]
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(f"1. {len(everything):,} photos used; {len(report.bad)} files",
      f"left out, each with its reason; {len(report.copies)} copies.")  # fmt: skip
shown = [f"{way} {measured[way]:.3f} (rate {chosen_rate[way]:g})" for way in WAYS]
print(f"2. Error on new photos with {SHOTS} of each class: {', '.join(shown)}.")
print(f"3. From scratch on its own photos: {mean(on_few['from scratch']):.3f}.")
if has_siblings:
    print(f"4. From scratch on siblings {mean(on_siblings['from scratch']):.3f},",
          f"on new things {measured['from scratch']:.3f}.")  # fmt: skip
by_error = sorted(changed, key=lambda name: -mean(changed[name]))
hardest = [f"{name} {mean(changed[name]):.3f}" for name in by_error[:2]]
as_taken = mean(changed["as taken"])
print(f"5. With {best_way}: {as_taken:.3f} on photos as taken; the two",
      f"highest errors: {', '.join(hardest)}.")  # fmt: skip

# %% [markdown]
# ## Self-check
#
# <details><summary>1. You renamed IMG_0302.HEIC to IMG_0302.jpg. Can it be read now?</summary>
#
# No. A program looks at the first bytes, and they still say HEIC. Export the photo as JPEG: that writes other bytes.
# The other way round it works: a PNG with the name `.jpg` is read without a word.
# </details>
#
# <details><summary>2. Twenty photos of the same cup, from all sides, no two with the same bytes. May some be in
# training and some in the test?</summary>
#
# Not if you want to know how the network does on *other* cups. "They are different files" is the usual wrong answer.
# They show one thing: give them one group.
# </details>
#
# <details><summary>3. Somebody compares from scratch with all layers, both at a rate of 0.001, and reports a winner.
# What do you ask?</summary>
#
# At which other rates both were tried, and on which photos the rate was chosen. A rate may suit one way and not the
# other; and a rate that was chosen on the test photos flatters.
# </details>
#
# <details><summary>4. The network from scratch names all its training photos rightly and new ones badly. Would more
# steps help?</summary>
#
# Hardly. What is left to learn from these photos is to be more sure of them. Other photos, augmentation, or another
# start can help.
# </details>
#
# <details><summary>5. Normalise with the mean of your 40 photos or with that of the old training set?</summary>
#
# With that of the old training set. The trained layers expect numbers of that kind; and the mean of 40 photos is
# another one for each draw.
# </details>
#
# <details><summary>6. For a photo of your cat the network, which knows screws and nails, says "nail, 0.97". Is it
# broken?</summary>
#
# No. Softmax divides 1 among the classes that there are, and a nail it is, of the two. The number does not say whether
# the photo shows any of them.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385): §4.3 and appendix A, networks
#   trained on ImageNet and then trained on to find objects in other data sets.
# - torchvision, [models and pre-trained weights](https://docs.pytorch.org/vision/stable/models.html): which weights
#   there are, and what `weights.transforms()` does for each.
#
# This was the last lesson. What you have now is a ResNet-18 that you have built and understood, and that you can
# train on photos of your own.
