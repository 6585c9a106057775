# %% [markdown]
# # 13 · Your own images
#
# *A folder as people have them, a handful of images of each class, and a network that has seen other things before.*

# %% [markdown]
# **After this lesson you can**
#
# - read a folder of images, and say of every file that is not used why, and what to do about it,
# - split a few images of each class so that no copy of a training image is in the test,
# - measure what a trained network saves you on a new task: training **from scratch** against **fine-tuning**,
# - name two cases in which fine-tuning goes wrong, with numbers.
#
# **You need:** lessons 05 and 09.
#
# **Time:** 35 minutes to read and write; the code runs in less than a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# You have a few classes of images and only 8 images of each. One network starts with random weights: it trains **from
# scratch**. Another one starts with the weights of a network that has learnt to tell ten *other* classes apart, and
# goes on training with your images: it is **fine-tuned**. Both get the same number of steps.
#
# What share of new images does each get wrong? A number between 0 and 1; blind guessing among five classes, as in the
# folder that this lesson draws, gives 0.8.

# %%
my_guess = {"from scratch": None, "fine-tuned": None}  # for example 0.5

# %%
import copy
import statistics
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, data, experiments, folders, plotting, runtime, training
from resnet_course.notebook import cards
from resnet_course.models import cifar_resnet, load_torchvision_state_dict, resnet18

plotting.use_style()
profile = runtime.profile()
precision = runtime.precision()
budget = profile.pick(  # of every training in this lesson
    quick=runtime.Budget(images=2_000, image_size=16, batch_size=32, steps=40),
    full=runtime.Budget(images=2_000, image_size=16, batch_size=32, steps=200),
)
seeds = range(profile.pick(quick=3, full=5))

# %% [markdown]
# ## The folder
#
# The layout is one folder for each class; the folder's name is the class. `train` and `test` above them may be there
# or not. To use your own images, set the environment variable `RESNET_COURSE_DATASET` to the path of your folder
# before you start Jupyter; 20 images of each class are enough. Without it, the next cell draws a folder for you, with
# the accidents that real folders have.

# %%
folder = Path(profile.dataset).expanduser()
if not data.is_image_folder(profile.dataset):
    drawn = tempfile.TemporaryDirectory()  # removed when the notebook's kernel ends
    folder = folders.make_demo_folder(Path(drawn.name) / "demo")
images, report = folders.read_folder(folder, image_size=budget.image_size, limit=budget.images)
print(report)

# %% [markdown]
# Read the report as a list of things to do. It has three kinds of entries.
#
# - **Not an image that can be read**: empty, cut off, a web page that was saved in place of a picture, or a format
#   that Pillow cannot read, such as the HEIC of iPhones. Look at the *content*, not at the name: a photo that was
#   renamed from `.HEIC` to `.jpg` is still HEIC.
# - **Refused**: `huge.png` of the demo folder has less than 200 bytes and says that it has 3.6 billion pixels.
#   Decoding it would fill the memory. Such a file is called a **decompression bomb**.
# - **Doubtful**: the same bytes in two classes. One of the two labels is wrong, and only you can say which. Copies
#   within a class stay in; we come back to them.
#
# All the others are used, whatever they are: turned upright as the camera's note (EXIF) says, 16-bit grey scaled to 8
# bits, CMYK and palettes to RGB, white where they are see-through, the first picture of an animation, cut to a square
# and made small. Look at some: a wrong label is seen at a glance, and no line of the report tells of it.

# %%
some = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:20]
grid = plotting.image_grid(
    images.images[some], labels=[images.classes[label] for label in images.targets[some]], title="What the network gets"
)
plotting.show(
    grid,
    alt="Twenty small square images of the folder, each with the name of its class.",
    caption=f"{images.name}: {len(images):,} usable images, here 20 of them, as {images.image_size}×"
    f"{images.image_size} pixels.",
)

# %% [markdown]
# ## Which classes can be learnt
#
# Two files with the same pixels are one picture. We give each picture a number, its **group**, so that copies have the
# same one. If you have bursts of photos, or many photos of the same object, each of these is a group too.
#
# A class of four pictures can neither be learnt nor tested. We set aside every class with fewer than 20.

# %%
groups = images.images.flatten(1).unique(dim=0, return_inverse=True)[1]  # (N,)
pictures = [len(groups[images.targets == label].unique()) for label in range(len(images.classes))]
kept = [label for label, count in enumerate(pictures) if count >= 20]
assert len(kept) >= 2, "Fewer than two classes have 20 different pictures; this lesson needs more images."
print("set aside:", [images.classes[label] for label in range(len(pictures)) if label not in kept] or "no class")

places = torch.isin(images.targets, torch.tensor(kept)).nonzero().flatten()
labels = torch.tensor([kept.index(label) for label in images.targets[places].tolist()])
groups = groups[places]
images = data.ImageSet(images.images[places], labels, [images.classes[label] for label in kept], images.name)
print(f"{len(images):,} images of {len(images.classes)} classes, {len(groups.unique()):,} different pictures")

# %% [markdown]
# ## A fair split with few images
#
# `fair_split` of lesson 02 gave each class its *share*. With few images we want something else: the same small number
# of each class for training, the **shots**, and all other images for the test. Large classes must not get more.
#
# And copies are dangerous now. If a picture is in training and its copy in the test, the network has seen the answer.
# This is called **leakage**. With 8 training images of a class, each leaked picture counts.
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
    """Indices of `shots` training images of each class, and of the test images of all other groups."""
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
# ## Three ways to train
#
# The course ships a residual network of 20 layers that has learnt the ten generated shapes: disc, ring, square and so
# on. Its last layer has an output for each of *those* classes, so it is replaced by a new one. Then there is a choice:
#
# | | starts with | what learns |
# |---|---|---|
# | **from scratch** | random weights | everything |
# | **fine-tuned** | trained weights, a new last layer | everything |
# | **last layer only** | trained weights, a new last layer | the new last layer |
#
# In the third row the batch norms still follow the mean and variance of the new images; only weights are frozen.
#
# Two details to mind. The new images are *normalised as the old ones were*, with the mean and deviation of the old
# training set, since the trained layers know no other numbers. And the learning rate of fine-tuning is smaller: it
# should move the weights a little, not throw them away. (The three rates were chosen by trial beforehand.)

# %%
trained = experiments.load_weights("residual 20")
mean, std = data.load("shapes", "train", 16, 2_000).channel_statistics()  # of what it was trained on
rates = {"from scratch": 0.1, "fine-tuned": 0.01, "last layer only": 0.1}


def make_network(way: str, num_classes: int) -> nn.Module:
    if way == "from scratch":
        return cifar_resnet(20, num_classes)
    network = copy.deepcopy(trained)
    network.requires_grad_(way == "fine-tuned")
    network.linear = nn.Linear(network.linear.in_features, num_classes)  # new, so it learns in any case
    return network


# %% [markdown]
# The training itself: SGD with a one-cycle rate.


# %%
def train(way: str, few: data.ImageSet, seed: int, rate: float) -> nn.Module:
    training.reset_seeds(seed)
    network = make_network(way, len(few.classes)).to(profile.device)
    batches = data.Batches(few, budget.batch_size, shuffle=True, mean=mean, std=std, seed=seed, device=profile.device)
    epochs = max(1, round(budget.steps / len(batches)))
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * len(batches))
    training.fit(
        network, batches, None, optimizer, F.cross_entropy, epochs,
        scheduler=schedule, precision=precision, description=way,
    )  # fmt: skip
    return network


# %% [markdown]
# The test part is not balanced, because the classes are not. So we take the error of each class by itself and then the
# mean: a network that always says the largest class does not look good in this way.


# %%
def mean_class_error(network: nn.Module, new: data.ImageSet) -> float:
    batches = data.Batches(new, 500, mean=mean, std=std, device=profile.device)
    logits, targets = training.predict(network, batches)
    wrong = (logits.argmax(1) != targets).float()
    return statistics.fmean(wrong[targets == label].mean().item() for label in targets.unique())


# %% [markdown]
# Every way, every number of shots, every seed. A seed decides which images are drawn as well as the weights, so the
# spread over seeds also says how much depends on *which* images you happen to have.


# %%
def measure(way: str, source: data.ImageSet, source_groups: torch.Tensor, shots: int, rate: float):
    """The errors on the training images and on new ones, one of each for every seed."""
    on_few, on_new = [], []
    for seed in seeds:
        few, new = few_shot_split(source.targets, source_groups, shots, seed)
        network = train(way, source.subset(few), seed, rate)
        on_few.append(mean_class_error(network, source.subset(few)))
        on_new.append(mean_class_error(network, source.subset(new)))
    return on_few, on_new


# %% [markdown]
# Now run them all. Each line below compares two errors: on the few images that were learnt, and on new ones.

# %%
smallest = min(len(groups[images.targets == label].unique()) for label in range(len(images.classes)))
all_shots = [shots for shots in (2, 8, 32) if 3 * shots <= 2 * smallest]  # a third is left for the test
train_error, error = ({way: {} for way in rates} for _ in range(2))
for way, rate in rates.items():
    for shots in all_shots:
        train_error[way][shots], error[way][shots] = measure(way, images, groups, shots, rate)
        on_few, on_new = (statistics.fmean(found[way][shots]) for found in (train_error, error))
        print(f"{way:<16}{shots:>3} images of each class: error on them {on_few:.3f}, on new images {on_new:.3f}")

# %%
axes = plotting.lines(
    {way: [statistics.fmean(error[way][shots]) for shots in all_shots] for way in rates}, x=all_shots,
    bands={way: [[edge(error[way][shots]) for shots in all_shots] for edge in (min, max)] for way in rates},
    title="What a trained network saves", x_label="training images of each class", y_label="error on new images",
    y_limits=(0, 1),
)  # fmt: skip
axes.set_xscale("log")
axes.set_xticks(all_shots, [f"{shots}" for shots in all_shots])
axes.minorticks_off()
plotting.show(
    axes,
    alt="Error on new images against the number of training images of each class, for three ways to train. With 8 "
    "images: " + ", ".join(f"{way} {statistics.fmean(error[way][8]):.3f}" for way in rates),
    caption=f"{images.name}, {len(images.classes)} classes, {budget.steps} steps each; bands from the lowest to the "
    f"highest of {len(seeds)} seeds.",
)

# %% [markdown]
# Now your bet, and what the run shows.

# %%
mean_error = {way: {shots: statistics.fmean(found) for shots, found in error[way].items()} for way in rates}
cards.compare_guess(my_guess, {way: mean_error[way][8] for way in my_guess}, lesson="13")
scratch, tuned, last = (error[way][8] for way in rates)
cards.verdict(
    "with 8 images of each class, fine-tuning beats training from scratch with every seed",
    max(tuned) < min(scratch),
    f"fine-tuned at most {max(tuned):.3f}, from scratch at least {min(scratch):.3f}",
)
fewest, most = all_shots[0], all_shots[-1]
lead = {shots: mean_error["from scratch"][shots] - mean_error["fine-tuned"][shots] for shots in all_shots}
cards.verdict(
    "the more images you have, the less fine-tuning saves",
    lead[fewest] > 0.02 and lead[most] < lead[fewest] - 0.02,
    f"lead over training from scratch: {lead[fewest]:.3f} with {fewest} images of a class, {lead[most]:.3f} with "
    f"{most}; a difference below 0.02 would not count",
)

# %% [markdown]
# Is it that the network from scratch cannot learn so few images? No: the training error is the other half of the story.

# %%
fits = {way: statistics.fmean(train_error[way][fewest]) for way in ("from scratch", "fine-tuned")}
cards.verdict(
    f"with {fewest} images of each class both fit what they were given; on new images they differ",
    max(fits.values()) < 0.05 and lead[fewest] > 0.1,
    ", ".join(f"{way}: {fits[way]:.3f} on them, {mean_error[way][fewest]:.3f} on new images" for way in fits),
)
cards.verdict(
    f"with {most} images of each class, letting all layers learn beats the last layer only",
    mean_error["fine-tuned"][most] < mean_error["last layer only"][most] - 0.01,
    "fine-tuned against last layer only: "
    + ", ".join(
        f"{mean_error['fine-tuned'][shots]:.3f} and {mean_error['last layer only'][shots]:.3f} with {shots}"
        for shots in (fewest, most)
    ),
)

# %% [markdown]
# Many networks fit a handful of images. Which of them training finds depends on where it starts.
#
# With a folder of your own, "not reproduced" above is a result as well. The trained weights come from generated shapes.
# How much have your images in common with those?
#
# ## Where it goes wrong: the learning rate
#
# "Start from trained weights, the rest stays as it was" is how it is often done. The rate of 0.1 is right for training
# from scratch. What does it do to trained weights?

# %%
_, too_fast = measure("fine-tuned", images, groups, 8, rate=rates["from scratch"])
cards.verdict(
    "fine-tuned at the rate for training from scratch, the network loses more than half of its lead",
    lead[8] > 0.02 and statistics.fmean(scratch) - statistics.fmean(too_fast) < 0.5 * lead[8],
    f"error with 8 images of each class: {statistics.fmean(tuned):.3f} at rate {rates['fine-tuned']}, "
    f"{statistics.fmean(too_fast):.3f} at rate {rates['from scratch']}, {statistics.fmean(scratch):.3f} from scratch",
)

# %% [markdown]
# ## Where it goes wrong: another question
#
# The same pictures, and a question of another kind: **from which side does the light come?** We darken each picture
# towards one of its four sides and forget what it shows. The label is now the bright side.


# %%
def light_from_a_side(source: data.ImageSet) -> data.ImageSet:
    labels = torch.arange(len(source)) % 4
    labels = labels[torch.randperm(len(source), generator=torch.Generator().manual_seed(0))]
    from_top = torch.linspace(1, 0.5, source.image_size).view(-1, 1).expand(-1, source.image_size)  # (H, W)
    shades = torch.stack([torch.rot90(from_top, turns) for turns in range(4)])  # (4, H, W)
    lit = source.images * shades[labels].unsqueeze(1)  # (N, 3, H, W)
    return data.ImageSet(lit.round().byte(), labels, ("top", "left", "bottom", "right"), f"{source.name}, lit")


# Of every group one picture: two copies could now have two labels.
first = torch.tensor([(groups == group).nonzero()[0].item() for group in groups.unique()])
lit_groups = groups[first]
lit = light_from_a_side(images.subset(first))
grid = plotting.image_grid(lit.images[:10], [lit.classes[label] for label in lit.targets[:10]], title="The bright side")
plotting.show(grid, alt="Ten images of the folder, each darkened towards one side; the label is the bright side.")

# %% [markdown]
# Which way is best here? Write down a guess before you run the cell. Fine-tuning gets three times its rate from above,
# which makes it easier to leave the old task behind.

# %%
lit_shots = min(32, len(lit) // 8)  # at least half is left for the test
lit_ways = {
    "from scratch": ("from scratch", 0.1),
    "fine-tuned": ("fine-tuned", 0.03),
    "last layer only": ("last layer only", 0.1),
}
lit_error = {name: measure(way, lit, lit_groups, lit_shots, rate)[1] for name, (way, rate) in lit_ways.items()}
lit_mean = {way: statistics.fmean(found) for way, found in lit_error.items()}
axes = plotting.bars(
    lit_mean,
    title="From which side is the light?",
    x_label="error on new images (0.75: blind guessing)",
    errors={way: statistics.stdev(found) for way, found in lit_error.items()},
)
plotting.show(
    axes,
    alt="Error on new images: " + ", ".join(f"{way} {value:.3f}" for way, value in lit_mean.items()),
    caption=f"{lit_shots} images of each side, {len(seeds)} seeds; error bars: standard deviation over seeds.",
)

# %%
cards.verdict(
    "asked for the light, the network that starts from trained weights does worse than the one from scratch",
    lit_mean["fine-tuned"] > lit_mean["from scratch"] + 0.02,
    f"fine-tuned {lit_mean['fine-tuned']:.3f}; from scratch {lit_mean['from scratch']:.3f}; last layer only "
    f"{lit_mean['last layer only']:.3f}, blind guessing 0.75",
)

# %% [markdown]
# Why? Look at what the network was trained for. In the ten generated shapes the brightness also changes slowly across
# the background, in a random direction, and says *nothing* about the shape. What the old task does not need, it need
# not keep. The row "last layer only" shows how much about the light a last layer can still find in what the trained
# layers hand on: at 0.75 it would be nothing.
#
# So fine-tuning is no free gift. It gives you what the old task and the new one have in common. **Measure both**, with
# a few seeds: it costs a minute.

# %% [markdown]
# ## Photographs: weights from ImageNet
#
# For photographs, weights from ImageNet are the usual start. torchvision offers those of ResNet-18, 45 MB; this
# course does not download them for you. If the file is at hand, the next cell reads your images at 64×64, takes the
# 512 numbers in front of the last layer, and trains a new last layer on them.


# %%
def imagenet_features(file: Path) -> torch.Tensor:
    """What ResNet-18 hands to its last layer, for the images of this lesson. Shape: (N, 512)."""
    network = resnet18(1000, stem="imagenet")
    load_torchvision_state_dict(network, torch.load(file, map_location="cpu", weights_only=True))
    network = network.eval().to(profile.device)
    large, _ = folders.read_folder(folder, image_size=64, limit=budget.images)  # the same files in the same order
    batches = data.Batches(
        large.subset(places), 100, device=profile.device,
        mean=torch.tensor([0.485, 0.456, 0.406]), std=torch.tensor([0.229, 0.224, 0.225]),  # of ImageNet
    )  # fmt: skip
    with torch.no_grad():
        return torch.cat([network.features(batch).cpu() for batch, _ in batches])


# %% [markdown]
# The features stay as they are, so the last layer alone is a small problem: a hundred steps take a moment.


# %%
def last_layer_error(features: torch.Tensor, shots: int, seed: int) -> float:
    training.reset_seeds(seed)
    targets = images.targets
    few, new = few_shot_split(targets, groups, shots, seed)
    layer = nn.Linear(features.shape[1], int(targets.max()) + 1)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(layer(features[few]), targets[few]).backward()
        optimizer.step()
    wrong = (layer(features[new]).argmax(1) != targets[new]).float()
    return statistics.fmean(wrong[targets[new] == label].mean().item() for label in targets.unique())


# %%
weights_file = Path(torch.hub.get_dir()) / "checkpoints" / "resnet18-f37072fd.pth"
if weights_file.is_file():
    features = imagenet_features(weights_file)
    for shots in all_shots:
        found = [last_layer_error(features, shots, seed) for seed in seeds]
        print(f"ImageNet, last layer only, {shots} images of each class: error {statistics.fmean(found):.3f}")
else:
    print(f"There is no {weights_file}. With a network connection this fetches it:\n"
          "torchvision.models.ResNet18_Weights.IMAGENET1K_V1.get_state_dict()")  # fmt: skip

# %% [markdown]
# ## What we measured
#
# The cell collects this run's numbers in one place.

# %%
print(f"1. {report.found:,} files with the name of an image; {len(report.bad)} files left out, each with its reason; "
      f"{len(report.copies)} copies.")  # fmt: skip
print(
    f"2. With 8 images of each class: error {mean_error['from scratch'][8]:.3f} from scratch, "
    f"{mean_error['fine-tuned'][8]:.3f} fine-tuned, {mean_error['last layer only'][8]:.3f} with the last layer only."
)
print(
    f"3. The lead of fine-tuning: {lead[fewest]:.3f} with {fewest} images of each class, {lead[most]:.3f} with {most}."
)
print(f"4. Fine-tuned at rate {rates['from scratch']}: {statistics.fmean(too_fast):.3f} in place of "
      f"{statistics.fmean(tuned):.3f}.")  # fmt: skip
print(f"5. Asked for the light: {lit_mean['from scratch']:.3f} from scratch, {lit_mean['fine-tuned']:.3f} fine-tuned.")

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
# <details><summary>3. Training from scratch with 2 images of each class knows all of them in the end. Then why is
# fine-tuning better?</summary>
#
# The training error says how well the network knows these few images. Many different networks fit them; the trained
# weights decide which of them you get. The error on new images tells them apart.
# </details>
#
# <details><summary>4. Fine-tuned beats from scratch on your folder. Is it then better for every task on these images?
# </summary>
#
# No: the light was a task on the *same* images, and there we measured the two again. It is the task that counts, not
# the images.
# </details>
#
# <details><summary>5. Normalise with the mean of your 40 images or with that of the old training set?</summary>
#
# With that of the old training set. The trained layers expect numbers of that kind; and the mean of 40 images is
# another one for each draw.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, arXiv 1512.03385, §4.3 and appendix A: networks trained on ImageNet, then fine-tuned to
#   find objects in other data sets.
