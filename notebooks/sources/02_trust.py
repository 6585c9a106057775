# %% [markdown]
# # 02 · A training you can trust
#
# *Every training ends with a number. What has to be true before you may believe it?*

# %% [markdown]
# **After this lesson you can**
#
# - say which images may change the weights, which may make choices, and which give the
#   final number, and split a data set accordingly,
# - measure a model without changing it,
# - recognise underfitting and overfitting by their numbers, stop a training in time and
#   bring its best weights back,
# - keep weights in a file that is read as data,
# - say of two networks that they differ, that they are about equal, or that your runs
#   cannot tell.
#
# **You need:** lesson 01, with its training loop and its cross-entropy.
#
# **Time:** 34 minutes to read and write; the code runs in about a minute on two CPU
# cores.

# %% [markdown]
# ## A bet: the winner of a competition
#
# A hundred people enter a competition for image classifiers with ten classes. None of
# their models has learned anything: each of them guesses blindly and is right for one
# image in ten in the long run. The jury measures all models on the same 200 images, and
# announces the winner with its accuracy. The next day somebody measures the winner once
# more, on 200 fresh images.
#
# Write down two numbers between 0 and 1: the accuracy of the winner on the images that
# chose it, and on the fresh ones.

# %%
my_guess = {"images that chose it": None, "fresh images": None}  # for example 0.1

# %%
import tempfile
import zipfile
from pathlib import Path

import torch
from torch import nn

from resnet_course import checks, data, inspection, plotting, runtime, training
from resnet_course.base.progress import bar
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
device = profile.device
budget = profile.pick(
    quick=runtime.Budget(images=2_000, image_size=16, epochs=5, batch_size=32),
    full=runtime.Budget(images=10_000, image_size=32, epochs=5, batch_size=64),
)

# %% [markdown]
# One competition could be a lucky one, so we hold it 300 times and take the mean.

# %%
generator = torch.Generator().manual_seed(0)
on_choosing, on_fresh = [], []
for _ in range(300):
    truth = torch.randint(0, 10, (400,), generator=generator)
    answers = torch.randint(0, 10, (100, 400), generator=generator)  # 100 blind models
    right = (answers == truth).float()  # (100, 400)
    winner = right[:, :200].mean(dim=1).argmax()
    on_choosing.append(float(right[winner, :200].mean()))
    on_fresh.append(float(right[winner, 200:].mean()))

chosen, fresh = sum(on_choosing) / 300, sum(on_fresh) / 300
measured = {"images that chose it": chosen, "fresh images": fresh}
cards.compare_guess(my_guess, measured, lesson="02")

# %% [markdown]
# The winner is as blind as all the others. It was chosen *because* it did well on those
# 200 images, so these images flatter it. Nobody has cheated, and the first number is
# nevertheless wrong as a forecast.
#
# You hold such competitions all the time. Each epoch that you might stop at, each
# learning rate, each network that you try is one more entry.
#
# ## Three sets of images, and a rule for each
#
# The way out is to choose with some images and to report with others.
#
# | images | what they do | what they never do |
# |---|---|---|
# | **training** | change the weights | say how good the network is on new images |
# | **validation** | make *every* choice: epoch, rate, network | change a weight, or give the final number |
# | **test** | give the final number, once, when all choices are made | make a choice |
#
# "Once" does not mean that the file may be opened one time only. You may measure five
# finished networks on the test images and print five numbers. But nothing that you do
# afterwards may depend on what you saw, because that would be a choice.
#
# All lessons from here on keep to these three rules. The mean and the deviation for
# normalising come from the training images alone, and are used for all three sets.
#
# Most data sets come in two parts, training and test. The validation images are taken out
# of the training part.
#
# ### Exercise: `fair_split`
#
# Write `fair_split(targets, fraction=0.1, seed=0)`. It gets the labels of the images and
# returns two tensors of indices: first those for training, then those for validation.
# `fraction` is the share of the validation part. Three things to mind:
#
# - no image is in both parts, and none is lost;
# - every class keeps its share, even if the labels come sorted;
# - the seed alone decides, through a `torch.Generator` of its own, so that nothing else
#   in the program is disturbed.
#
# Example: 60 images of class 0, 30 of class 1, 10 of class 2 and `fraction=0.2` give 80
# and 20 indices, and the 20 are 12, 6 and 2 of the classes.
#
# Stuck? `checks.hint("fair_split")`


# %%
def fair_split(targets: torch.Tensor, fraction: float = 0.1, seed: int = 0):
    """(N,) labels -> indices for training, indices for validation."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    validation = []
    for label in targets.unique():
        members = (targets == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        validation.append(members[: round(fraction * len(members))])
    validation = torch.cat(validation)
    in_training = torch.ones(len(targets), dtype=torch.bool)
    in_training[validation] = False
    return in_training.nonzero().flatten(), validation
    ### END SOLUTION


fair_split = checks.fair_split(fair_split)

# %% [markdown]
# Now the images of this lesson. The number of classes is never typed in: it is read from
# the data, with `len(train_images.classes)`. torchvision's data sets have the same list,
# so in other programs you will meet `len(train_dataset.classes)`.

# %%
size = budget.image_size
all_images = data.load(profile.dataset, "train", size, budget.images)
train_indices, val_indices = fair_split(all_images.targets, 0.2, 0)
train_images = all_images.subset(train_indices)
val_images = all_images.subset(val_indices)
classes = train_images.classes
assert not set(train_indices.tolist()) & set(val_indices.tolist())

mean, std = train_images.channel_statistics()


def batches_of(images, batch_size=500, **more):
    return data.Batches(images, batch_size, mean=mean, std=std, device=device, **more)


val_batches = batches_of(val_images)
for name, images in (("training", train_images), ("validation", val_images)):
    counts = torch.bincount(images.targets, minlength=len(classes)).tolist()
    print(f"{name:<11}{len(images):>6,} images, by class {counts}")

# %% [markdown]
# ## Measuring without changing
#
# During training, `train_step` of lesson 01 adds up loss and accuracy while the weights
# change. These running figures belong to no single network. To compare networks we need
# a fixed one, and three things go wrong easily.
#
# - Some layers work differently in training. **Dropout** sets numbers to zero at random
#   and enlarges the others to make up for it; batch norm, in lesson 03, uses the images
#   of the batch. `model.eval()` switches such layers to the way they work after training;
#   `model.train()` switches them back.
# - A forward pass keeps its intermediate results for a backward pass. Here none follows.
# - The last batch is often smaller than the others.

# %%
layer, ones = nn.Dropout(0.5), torch.ones(8)
training.reset_seeds(0)
print("train mode:", layer.train()(ones).tolist())
print("eval mode: ", layer.eval()(ones).tolist())

# %% [markdown]
# ### Exercise: `evaluate`
#
# Write `evaluate(model, dataloader, loss_fn)`. It returns two numbers: the mean loss over
# all images, and the accuracy between 0 and 1. The model's weights are the same
# afterwards. `loss_fn(logits, targets)` gives the mean over a batch, as in lesson 01.
#
# Example: with 19 images in batches of 8, 8 and 3, each of the 19 images counts the same.
#
# Stuck? `checks.hint("evaluate")`


# %%
def evaluate(model, dataloader, loss_fn):
    """Mean loss over the images, and accuracy between 0 and 1."""
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    loss_sum, correct, samples = 0.0, 0, 0
    model.eval()
    with torch.no_grad():
        for images, targets in dataloader:
            images, targets = images.to(device), targets.to(device)
            logits = model(images)  # (N, classes)
            loss_sum += loss_fn(logits, targets).item() * len(targets)
            correct += (logits.argmax(1) == targets).sum().item()
            samples += len(targets)
    return loss_sum / samples, correct / samples
    ### END SOLUTION


evaluate = checks.evaluate(evaluate)

# %% [markdown]
# Which loss do you hand over? That follows from the **kind of target**:
#
# | what is asked | target of one image | last layer | loss |
# |---|---|---|---|
# | one class of several | a class number, int64 | one logit for each class | `nn.CrossEntropyLoss` |
# | yes or no, or several labels | 0 or 1 for each label, float | one logit for each label | `nn.BCEWithLogitsLoss` |
# | a quantity, such as an age | a number, float | one number | `nn.MSELoss` |
#
# The first two take logits and apply softmax or sigmoid themselves. Our images have one
# class each, so ours is the first row. One value is worth knowing by heart: a network
# that gives every class the same probability has the loss ln(number of classes).

# %%
cross_entropy = nn.CrossEntropyLoss()
blind = cross_entropy(torch.zeros(4, len(classes)), torch.tensor([0, 1, 0, 1]))
print(f"equal logits for {len(classes)} classes: cross-entropy {blind:.3f}")

# %% [markdown]
# ## The same training, five times
#
# The first weights and the order of the images are drawn at random. A **seed** fixes
# where the random numbers begin. `reset_seeds(seed)` sets it for Python, NumPy and
# PyTorch, so that the same program on the same machine gives the same numbers again (on a
# GPU, nearly the same). A seed makes a run *repeatable*. It does not make it *typical*:
# nothing is special about seed 0, and seed 1 gives another network.
#
# We train TinyVGG of lesson 01, made of the `vgg_block` and trained by the `train_step`
# that you wrote there. If you have not written them, the course's own are used.

# %%
vgg_block, train_step = checks.yours("vgg_block"), checks.yours("train_step")


def tiny_vgg(channels=10):
    return nn.Sequential(
        vgg_block(3, channels, 2),  # (N, channels, size / 2, size / 2)
        vgg_block(channels, channels, 2),  # (N, channels, size / 4, size / 4)
        nn.Flatten(),
        nn.Linear(channels * (size // 4) ** 2, len(classes)),
    )


# %% [markdown]
# A training is a loop over `train_step` and `evaluate`. The optimizer is Adam with a
# learning rate of 1e-3. A `stopper` comes into play later.


# %%
def train(make_model, images, plan, seed, stopper=None, name="training"):
    training.reset_seeds(seed)
    model = make_model().to(device)
    batches = batches_of(images, plan.batch_size, shuffle=True, seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    history = training.History()  # four lists, one number for each epoch
    with bar(plan.epochs, f"{name}, seed {seed}", unit=" epochs") as progress:
        for _ in range(plan.epochs):
            loss, accuracy = train_step(model, batches, cross_entropy, optimizer)
            history.train_loss.append(loss)
            history.train_acc.append(accuracy)
            loss, accuracy = evaluate(model, val_batches, cross_entropy)
            history.val_loss.append(loss)
            history.val_acc.append(accuracy)
            progress.update(1)
            if stopper is not None and not stopper.is_continuable(model, loss):
                break
    return model, history


# %%
def error_on(images, model):
    """Share of wrong answers."""
    return 1 - evaluate(model, batches_of(images), cross_entropy)[1]


seeds = range(5)
nets = [train(tiny_vgg, train_images, budget, s, name="TinyVGG")[0] for s in seeds]
usual = [error_on(val_images, net) for net in nets]
print("validation error by seed:", ", ".join(f"{error:.3f}" for error in usual))
spread = max(usual) - min(usual)
print(f"from the best to the worst seed: {spread:.3f}")

# %% [markdown]
# All that differs is the seed. Keep the last number in mind when somebody changes one
# thing, trains once, and reports that the error has fallen by less than that.
#
# ## What a difference means
#
# So let us change one thing. ReLU sends every negative number to 0. **Leaky ReLU** lets a
# hundredth of it pass, and some people swear by it. Is its validation error lower or
# higher here? The function below replaces every ReLU of a network; all else is as before,
# the seeds included.


# %%
def leaky_vgg():
    model = tiny_vgg()
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.LeakyReLU(0.01))
    return model


def errors_of(make_model, name):
    """Training errors and validation errors, one number a seed."""
    runs = [train(make_model, train_images, budget, s, name=name)[0] for s in seeds]
    both = train_images, val_images
    return tuple([error_on(images, net) for net in runs] for images in both)


leaky_train, leaky = errors_of(leaky_vgg, "leaky ReLU")
differences = [leaky[seed] - usual[seed] for seed in seeds]
print("        ReLU   leaky ReLU   difference")
for seed in seeds:
    row = f"{usual[seed]:.3f}{leaky[seed]:>13.3f}{differences[seed]:>+13.3f}"
    print(f"seed {seed} {row}")

# %% [markdown]
# These differences are five answers that a person with one seed could have got. Do they
# at least agree in sign?
#
# **Pairs.** We subtract seed by seed. Two trainings with the same seed share the first
# weights and the order of the images, as far as the two networks allow it. What this
# start does to both of them cancels in the difference.
#
# **How far off may the mean be?** William Gosset asked this at the Guinness brewery in
# Dublin, where experiments were slow and costly, so that he never had many. He published
# the answer in 1908 under the name "Student". For n differences with mean m and standard
# deviation s, the true mean lies in
#
# $$m \pm t \cdot \frac{s}{\sqrt{n}}$$
#
# in 95 % of all cases. s/√n is the **standard error** of the mean. The factor t would be
# 1.96 if we knew the true deviation. But s is itself an estimate from a few numbers, so t
# is larger: 12.71 for two differences, 4.30 for three, 3.18 for four, 2.78 for five.

# %%
n = len(differences)
m = sum(differences) / n
s = (sum((d - m) ** 2 for d in differences) / (n - 1)) ** 0.5
reach = 2.78 * s / n**0.5  # 2.78 is Student's t for five
print(f"leaky ReLU minus ReLU: {m:+.3f} ± {reach:.3f}")
print(f"the interval goes from {m - reach:+.3f} to {m + reach:+.3f}")

packaged = inspection.paired_difference(leaky, usual)
assert abs(packaged.mean - m) < 1e-6
assert abs(packaged.reach - reach) < 1e-6
print("inspection.paired_difference says the same:", packaged)

# %% [markdown]
# Is it really 95 %? The formula supposes that differences scatter around the truth like a
# bell curve. So we draw such differences, for two things that do not differ at all: the
# true mean is 0. Draw five, compute the interval, see whether it holds the 0, and do that
# 20,000 times; then the same with 1.96.

# %%
draws = torch.randn(20_000, 5, generator=generator)
standard_error = draws.std(dim=1) / 5**0.5
for t in (1.96, 2.78):
    holds_0 = draws.mean(dim=1).abs() < t * standard_error
    inside = float(holds_0.float().mean())
    print(f"t = {t}: {inside:.1%} of the intervals hold the 0, {1 - inside:.1%} do not")

# %% [markdown]
# The last number has a second meaning. Make twenty comparisons of equal things, and on
# average one of them looks like a discovery. And the interval speaks of seeds only.
# Another sample of images would add a spread of its own, of which five seeds know
# nothing.
#
# ### Three answers, and what "about equal" means
#
# A claim says that one thing is higher than another. The interval of the paired
# differences gives the verdict, in all lessons:
#
# - **reproduced**: the whole interval lies above 0;
# - **not reproduced**: the whole interval lies below 0, so the claim is wrong here;
# - **cannot tell**: the interval holds 0. With one seed there is no interval, and the
#   verdict is always this one.
#
# *Cannot tell* does not mean *equal*. It may mean that we have too few seeds. Two things
# are **about equal** if the whole interval lies within plus and minus a margin. The
# margin is a decision: it says which difference you would not care about, and an honest
# one is named before you look. (Here the two margins only show how the answer depends on
# them.)
#
# In code, `inspection.paired_difference(a, b)` has two methods for these questions,
# `is_above(margin)` and `is_within(margin)`. Both answer True, False, or None for "cannot
# tell". `cards.compare` takes the numbers of both sides, and prints the verdict.

# %%
cards.compare(
    "leaky ReLU has a higher validation error than ReLU",
    {"leaky ReLU": leaky},
    {"ReLU": usual},
)
for margin in (0.05, 0.005):
    cards.verdict(
        f"leaky ReLU and ReLU are about equal: within {margin} in validation error",
        packaged.is_within(margin),
        f"leaky ReLU minus ReLU {packaged}",
    )

# %% [markdown]
# If the first box cannot tell, look at the other two: five seeds may be enough to rule
# out a large difference, and still too few to rule out a small one. A choice between
# things that are about equal may be made by which is simpler. We stay with ReLU in any
# case, so that all lessons use the same network.
#
# ## Too small, or too well remembered
#
# **Underfitting** means that a network does badly already on its training images: it has
# not learned what could be learned. **Overfitting** means that it does much better on its
# training images than on new ones: it has learned what is true of these images only. The
# *training* error tells you which one you have.
#
# First a network that may be too small: TinyVGG with three channels instead of ten. Our
# trainings are short, so the claim is only that from the same training it learns less.

# %%
narrow_train, narrow = errors_of(lambda: tiny_vgg(3), "3 channels")
usual_train = [error_on(train_images, net) for net in nets]
by_name = {
    "10 channels": usual_train, "10 channels, leaky ReLU": leaky_train,
    "3 channels": narrow_train,
}  # fmt: skip
axes = plotting.dots(by_name, "Three networks, five seeds each", "training error")
plotting.show(axes, f"{len(train_images):,} training images of {train_images.name}.")
cards.compare(
    "with three channels TinyVGG learns its training images less well than with ten",
    {"3 channels": narrow_train},
    {"10 channels": usual_train},
)

# %% [markdown]
# Compare this interval with the one of leaky ReLU. Whether seeds can separate two
# networks depends on the size of the difference compared with its spread.
#
# Now overfitting: ten channels again, but only 200 training images, shown over and over
# for 50 epochs.

# %%
small = runtime.Budget(images=200, image_size=size, epochs=50, batch_size=8)
few_plan = profile.pick(quick=small, full=small)
few = train_images.subset(data.stratified_sample(train_images.targets, few_plan.images))
long_runs = [train(tiny_vgg, few, few_plan, s, name="few images") for s in range(3)]

few_train = [error_on(few, net) for net, _ in long_runs]
few_val = [error_on(val_images, net) for net, _ in long_runs]
lowest = [min(history.val_loss) for _, history in long_runs]
last = [history.val_loss[-1] for _, history in long_runs]
print("error:  training  validation   validation loss:  lowest  in epoch  at the end")
for s, (_, run) in enumerate(long_runs):
    epoch = 1 + run.val_loss.index(lowest[s])
    print(f"seed {s}{few_train[s]:>10.3f}{few_val[s]:>12.3f}", end="")
    print(f"{lowest[s]:>27.3f}{epoch:>10}{last[s]:>12.3f}")

# %%
memory = long_runs[0][1]
figure = plotting.history({"TinyVGG": memory}, f"{len(few)} images, again and again")
plotting.show(figure, f"{len(val_images)} validation images of {few.name}, seed 0.")
cards.compare(
    "with 200 images TinyVGG overfits: validation error above training error",
    {"validation": few_val},
    {"training": few_train},
)
rise = inspection.paired_difference(last, [1.1 * loss for loss in lowest])
cards.verdict(
    "in the end the validation loss is more than a tenth above its lowest value",
    rise.is_above(),
    f"loss at the end minus 1.1 times the lowest: {rise}",
)

# %% [markdown]
# Loss and error need not turn at the same epoch. The error counts mistakes. The loss also
# asks how sure the network was of each mistake.
#
# ## Stopping in time
#
# A training that has passed its best epoch should end, and its best weights should come
# back. Which epoch was the best is a *choice*, so the validation images make it. But
# their loss goes up and down, and one bad epoch proves little: **early stopping** waits
# for `num_trials` bad epochs in a row.
#
# ### Exercise: `early_stopper`
#
# Write the class `EarlyStopper(num_trials, save_path)` with two methods.
#
# - `is_continuable(model, loss)` is called after each epoch. If the loss is lower than
#   *all* before it, it writes `model.state_dict()` to `save_path` with `torch.save`,
#   counts bad epochs from 0 again and returns True. Otherwise it is a bad epoch: the
#   answer is False at bad epoch number `num_trials` in a row, and True before that. A
#   loss that is NaN makes a bad epoch.
# - `get_best_model(model)` reads the file with `torch.load(..., weights_only=True)`, puts
#   the weights into `model` and returns it.
#
# Example with `num_trials=2`: the losses 1.0, 0.8, 0.9, 0.7, 0.75, 0.72 give True, True,
# True, True, True, False, and the weights of the fourth epoch.
#
# Stuck? `checks.hint("early_stopper")`


# %%
class EarlyStopper:
    """Stop after `num_trials` bad epochs in a row; keep the best weights in a file."""

    def __init__(self, num_trials: int, save_path: str | Path):
        ### BEGIN SOLUTION
        self.num_trials = num_trials
        self.save_path = save_path
        self.best_loss = float("inf")
        self.bad_epochs = 0
        ### END SOLUTION

    def is_continuable(self, model: nn.Module, loss: float) -> bool:
        ### BEGIN SOLUTION
        if loss < self.best_loss:
            self.best_loss = loss
            self.bad_epochs = 0
            torch.save(model.state_dict(), self.save_path)
            return True
        self.bad_epochs += 1
        return self.bad_epochs < self.num_trials
        ### END SOLUTION

    def get_best_model(self, model: nn.Module) -> nn.Module:
        ### BEGIN SOLUTION
        model.load_state_dict(torch.load(self.save_path, weights_only=True))
        return model
        ### END SOLUTION


EarlyStopper = checks.early_stopper(EarlyStopper)

# %% [markdown]
# First on paper: where would each `num_trials` have stopped the long run with seed 0, and
# what would it have kept?

# %%
temporary = tempfile.TemporaryDirectory()  # removed when the kernel ends
folder = Path(temporary.name)
for num_trials in (1, 2, 5, 10):
    stopper = EarlyStopper(num_trials, folder / "on_paper.pt")
    seen = []
    for loss in memory.val_loss:
        seen.append(loss)
        if not stopper.is_continuable(long_runs[0][0], loss):
            break
    kept = seen.index(min(seen)) + 1
    print(f"num_trials {num_trials:>2}: ends after epoch {len(seen):>2}, ", end="")
    print(f"keeps epoch {kept:>2} with loss {min(seen):.3f}")

# %% [markdown]
# A small `num_trials` may miss a better epoch that comes later, and a large one costs
# epochs. It is a choice like any other: made once, with validation images, and then kept.
# We take 5, and train the three networks again from the same starts.

# %%
NUM_TRIALS = 5
stopped_runs, best_nets = [], []
for seed in range(3):
    stopper = EarlyStopper(NUM_TRIALS, folder / f"best_{seed}.pt")
    net, history = train(tiny_vgg, few, few_plan, seed, stopper, name="early stopping")
    stopped_runs.append(history)
    best_nets.append(stopper.get_best_model(net))

for seed, history in enumerate(stopped_runs):
    losses = history.val_loss
    best = losses.index(min(losses)) + 1
    loss = evaluate(best_nets[seed], val_batches, cross_entropy)[0]
    assert abs(loss - min(losses)) < 1e-3  # the weights of the best epoch are back
    print(f"seed {seed}: {len(losses)} of {few_plan.epochs} epochs; ", end="")
    print(f"validation loss {losses[-1]:.3f} in the last of them, ", end="")
    print(f"{loss:.3f} with the weights of epoch {best}")

# %%
both = {"to the end": memory.val_loss, "early stopping": stopped_runs[0].val_loss}
axes = plotting.lines(both, "With and without a stop", "epoch", "validation loss")
plotting.show(axes, f"{len(few)} training images, seed 0, num_trials={NUM_TRIALS}.")

# %% [markdown]
# ## What is in the file
#
# A **state dict** is a dictionary from names to tensors: every weight, and whatever else
# a layer stores. The class is not in it. What does `torch.save` make of that?

# %%
path = folder / "best_0.pt"
with zipfile.ZipFile(path) as archive:
    print("a zip archive with:", ", ".join(archive.namelist()[:4]), "...")
state = torch.load(path, weights_only=True)
for name, tensor in list(state.items())[:3]:
    print(f"{name:<12}{tuple(tensor.shape)}")

# %% [markdown]
# One entry ends in `.pkl`: a **pickle**, Python's own format for objects. A pickle is a
# list of instructions for building objects, and an instruction may call any function that
# can be imported. So whoever writes a pickle can run code on the machine that reads it,
# and the name and size of a `.pt` file do not show what it holds.
#
# What protects you is how you *read*. With `weights_only=True`, torch uses a restricted
# reader of pickles. It knows a short list of harmless things, such as tensors, numbers,
# strings, lists and dictionaries, and refuses all else. This has been the default since
# PyTorch 2.6; we write it out, because older versions have the other one. Holes in the
# reader were found and closed (CVE-2025-32434 in PyTorch 2.6, CVE-2026-24747 in 2.10), so
# keep yours up to date. Lesson 09 shows a file that attacks.
#
# A whole model, `torch.save(model, path)`, needs more than that list: its class, of which
# only name and module are stored. Let us save a network in both ways, and then give the
# class a better name.


# %%
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)


torch.save(Net(), folder / "whole.pt")
torch.save(Net().state_dict(), folder / "weights.pt")
Classifier = Net
Classifier.__name__ = Classifier.__qualname__ = "Classifier"
del Net

for weights_only in (True, False):
    try:
        torch.load(folder / "whole.pt", weights_only=weights_only)
    except Exception as error:
        print(f"whole model, weights_only={weights_only}: {type(error).__name__}")
        about_net = [line.strip() for line in str(error).split("\n") if "Net" in line]
        print("   ", " ".join(about_net)[:72], "...")
weights = torch.load(folder / "weights.pt", weights_only=True)
print("state dict into the renamed class:", Classifier().load_state_dict(weights))

# %% [markdown]
# The restricted reader refuses the whole model because it would have to build an object
# of an unknown class. The unrestricted one looks for `Net`, which is no longer there. The
# state dict fits as long as the layers have the same names and shapes.
#
# ## The test images, once
#
# All choices are made: the network, its activation, its epochs, `num_trials`. Which of
# the five networks do we show? Not the best one on the test images: that would be the
# competition again. The number is the mean over the seeds, and for the pictures we always
# take seed 0.

# %%
test_count = profile.pick(quick=1_000, full=10_000)
test_images = data.load(profile.dataset, "test", size, test_count)
test_errors = [error_on(test_images, net) for net in nets]
test_error = sum(test_errors) / len(test_errors)
print("test error by seed:", ", ".join(f"{error:.3f}" for error in test_errors))
print(f"mean {test_error:.3f}")

logits, targets = training.predict(nets[0], batches_of(test_images))
confidence, predicted = logits.softmax(dim=1).max(dim=1)
counts = torch.zeros(len(classes), len(classes), dtype=torch.int64)
for index in range(len(targets)):
    counts[targets[index], predicted[index]] += 1

# %% [markdown]
# `counts` is the **confusion matrix**: for each true class (row), how often the network
# said each class (column). What lies on the diagonal is right.

# %%
axes = plotting.confusion_matrix(counts, classes, "What TinyVGG takes for what")
plotting.show(axes, f"{len(targets):,} test images, seed 0; rows are the truth.")

# %% [markdown]
# And these are the mistakes of which it was most sure. Which of them would you have got
# right at this size?

# %%
figure = plotting.mistakes(test_images.images, predicted, targets, confidence, classes)
plotting.show(figure, "True class, what the network said, and with what probability.")

# %% [markdown]
# Last, the networks with 200 training images: three with early stopping, and three that
# were trained to the end. Which have the higher loss, and which the higher error?


# %%
def tested(networks):
    """Test losses, test errors, and the mean probability of wrong answers, by seed."""
    rows = []
    for net in networks:
        logits, targets = training.predict(net, batches_of(test_images))
        sure, said = logits.softmax(dim=1).max(dim=1)
        wrong = said != targets
        loss, error = cross_entropy(logits, targets), wrong.float().mean()
        rows.append((float(loss), float(error), float(sure[wrong].mean())))
    return zip(*rows, strict=True)


# %%
end_losses, end_errors, end_sure = tested([net for net, _ in long_runs])
stop_losses, stop_errors, stop_sure = tested(best_nets)
claim = "without early stopping, the test {} is higher"
cards.compare(
    claim.format("loss"),
    {"to the end": end_losses},
    {"early stopping": stop_losses},
)
cards.compare(
    claim.format("error"),
    {"to the end": end_errors},
    {"early stopping": stop_errors},
)
for name, sure in (("to the end", end_sure), ("early stopping", stop_sure)):
    print(f"{name}: mean probability of a wrong answer {sum(sure) / len(sure):.3f}")

# %% [markdown]
# The stopper watched the loss, so the first box is about what it was asked to do. If the
# second box says something else, compare the printed numbers: is one network surer of its
# mistakes? Then its loss is higher, although the number of mistakes need not be. If only
# the class matters to you, give the stopper the validation error instead; but decide that
# before you open the test images.

# %% [markdown]
# ## What we measured

# %%
narrow_gap = inspection.paired_difference(narrow_train, usual_train)
stops = ", ".join(str(len(history.val_loss)) for history in stopped_runs)
bests = ", ".join(str(h.val_loss.index(min(h.val_loss)) + 1) for h in stopped_runs)
print(f"1. The best of 100 blind models had an accuracy of {chosen:.3f} on the images")
print(f"   that chose it, and of {fresh:.3f} on fresh ones.")
print(f"2. One training with five seeds: validation error {min(usual):.3f}", end=" ")
print(f"to {max(usual):.3f}.")
print(f"3. Leaky ReLU minus ReLU, validation error: {packaged}.")
print(f"   Three channels minus ten, training error: {narrow_gap}.")
print(f"4. With {len(few)} images, three seeds: early stopping ended after {stops}")
print(f"   epochs, and kept epochs {bests}.")
print(f"5. Test error of TinyVGG, measured once: {test_error:.3f}, mean of five seeds.")

# %% [markdown]
# ## Self-check
#
# <details><summary>1. A friend trains with 20 seeds and reports the best validation
# accuracy. You take the same network with the best seed and measure it on the test
# images. Which number do you expect to be lower, and what should the friend
# report?</summary>
#
# The test number: the validation images chose the seed, so they flatter it. The friend
# should report mean and spread of the 20 seeds, or the chosen one's test accuracy.
# </details>
#
# <details><summary>2. <code>num_trials=3</code>, and the validation losses are 0.9, 0.7,
# 0.8, 0.75, 0.72, 0.5. What does the stopper keep?</summary>
#
# The second epoch. 0.8, 0.75 and 0.72 are three bad epochs in a row: none of them is
# below 0.7. The training ends after the fifth epoch, and the 0.5 is never seen.
# </details>
#
# <details><summary>3. The interval of B minus A is -0.010 ± 0.030. Are the two equally
# good?</summary>
#
# You cannot tell which one is higher, since the interval, from -0.04 to 0.02, holds 0.
# With a margin of 0.05 they are about equal, because the whole interval lies within it.
# With 0.03 you cannot tell that either.
# </details>
#
# <details><summary>4. A stranger sends you a <code>.pt</code> file and says that it is a
# state dict. Is it safe to load it with <code>weights_only=False</code>?</summary>
#
# No. A pickle may call any function, whatever its sender says about it. With
# <code>weights_only=True</code> it is refused if it holds more than data.
# </details>
#
# <details><summary>5. After the first epoch, the training loss is higher than the
# validation loss. Are the two sets mixed up?</summary>
#
# Probably not. The training loss is a running mean over an epoch in which the network
# became better, and the validation loss was measured after it.
# </details>

# %% [markdown]
# ## Further reading
#
# - "Student" 1908, [The probable error of a mean](https://doi.org/10.1093/biomet/6.1.1):
#   the introduction says in one page why few experiments need a law of their own.
# - Recht, Roelofs, Schmidt, Shankar 2018, [arXiv
#   1806.00451](https://arxiv.org/abs/1806.00451): new test images for CIFAR-10. The
#   accuracies fell, but the authors doubt that many looks at the old ones were the
#   reason.
# - PyTorch, [Serialization
#   semantics](https://docs.pytorch.org/docs/stable/notes/serialization.html) and
#   [Reproducibility](https://docs.pytorch.org/docs/stable/notes/randomness.html): what
#   the restricted reader accepts, and what a seed cannot promise.
#
# Next: [lesson 03](03_signals.ipynb), where a network of sixteen convolutions hardly starts to learn, and
# we find out why.
