# %% [markdown]
# # 09 · Training ResNet-18
#
# *Your own network, a recipe that knows when to stop, and a number that somebody else can get again.*

# %% [markdown]
# You start a training before lunch. When you come back, it has ended by itself, long before the last epoch that you
# had allowed. It says which epoch was the best, and has put the weights of that epoch back. A colleague at the next
# desk runs the same notebook and asks: "Which of your numbers should I get as well? Which one may go into the report?
# And my small VGG was ready in no time: is yours any better?"
#
# After this lesson you have an answer to each of the three. The network is the one that you have written, block by
# block since lesson 04. The recipe is the plain one of the study notes: a fixed seed, Adam, early stopping, a timer.
#
# **After this lesson you can**
#
# - train ResNet-18 with all settings in one place, stop in time, and bring back the best epoch,
# - choose with validation images, and give a final number of images that no choice has seen,
# - say in what respect a comparison of two networks is equal, and in what it is not,
# - measure seconds so that they mean something,
# - save a training as data, and go on with it as if it had never stopped.
#
# **You need:** lesson 02 (three sets of images, early stopping, seeds) and lesson 08.
#
# **Time:** 21 minutes to read and write; the code runs in about a minute on two CPU cores.

# %% [markdown]
# ## A bet
#
# Two networks get the same images and the same recipe: **TinyVGG** from lesson 01, with its four convolutions of ten
# channels, and your **ResNet-18** with twenty of up to 512. How many times as long does a step of ResNet-18 take? And
# which validation accuracy does each of them reach, a number between 0 and 1?

# %%
my_guess = {"times as long": None, "ResNet-18": None, "TinyVGG": None}  # 20, 0.9, 0.9?

# %%
import tempfile
from pathlib import Path
from statistics import mean, median
from timeit import default_timer

import torch
import torch.nn.functional as F

from resnet_course import checks, data, experiments, models, plotting, runtime, training
from resnet_course.notebook import cards

plotting.use_style()
profile = runtime.profile()
device, precision = profile.device, runtime.precision()
budget = profile.pick(
    quick=runtime.Budget(images=700, image_size=16, epochs=60),
    full=runtime.Budget(images=50_000, image_size=32, epochs=60, batch_size=128),
)
ResNet18 = checks.yours("resnet18")
EarlyStopper = checks.yours("early_stopper")

# %% [markdown]
# The two messages say whose objects these are. If you passed the exercises, the network is yours from lesson 08, the
# block in it yours from lesson 05, and the stopper yours from lesson 02; otherwise the course's own are used.
#
# ## Settings in one place
#
# A training has a handful of numbers that somebody may want to change. They are kept together, at the top, with names
# in capitals, and nowhere else. Then a change is one line, and a report can quote them.

# %%
SEED = 42
NUM_EPOCHS = budget.epochs  # at most
NUM_TRIALS = 3  # bad epochs in a row at which the training stops
LEARNING_RATE = 1e-3
VALIDATION = 0.2  # share of the training images

# %% [markdown]
# The rules for the images are those of lesson 02. Training images change the weights. Validation images make the
# choices, and the epoch is one. Test images stay in their box until everything is chosen. Mean and deviation for the
# normalising come from the training images alone, for all three sets.

# %%
size = budget.image_size
everything = data.load(profile.dataset, "train", size, budget.images)
train_images, val_images = data.split_validation(everything, VALIDATION, seed=0)
classes = everything.classes

batches = data.Batches(train_images, budget.batch_size, True, seed=SEED, device=device)
statistics = {"mean": batches.mean, "std": batches.std}
val_batches = data.Batches(val_images, 500, **statistics, device=device)
print(f"{everything.name}: {len(train_images):,} training images of {size}×{size},",
      f"{len(val_images):,} for validation, {len(classes)} classes")  # fmt: skip
print(f"at most {NUM_EPOCHS} epochs on {device}, {precision}")

# %% [markdown]
# ## The recipe
#
# **The loss** follows from the kind of target. Ask what a right answer looks like:
#
# | a right answer is | loss | what the network gives |
# |---|---|---|
# | one of several classes | `cross_entropy` | a logit for each class; the loss applies the softmax itself |
# | any number of labels at once, or yes and no | `binary_cross_entropy_with_logits` | a logit for each label |
# | a number, such as a price | `mse_loss` | the number |
#
# Ours is the first kind: one whole number for each image, as `targets` holds them.
#
# **The optimizer** is Adam with a learning rate of 0.001, the usual first choice. It scales the step of each weight by
# the size of its recent gradients. There is no schedule here; the rate stays what it is.
#
# Then the loop, once more in full: forget the old gradients, forward, loss, backward, step. Two words may be new, and
# both are about speed only. `precision.context` lets products be computed in the number format that is fastest on this
# machine, and `memory_format` says in which order the numbers of an image lie in memory.


# %%
def train_epoch(model, optimizer):
    """One pass over the training images. Returns mean loss and accuracy on the way."""
    model.train()
    loss_sum = correct = 0
    for images, targets in batches:
        images = images.to(memory_format=precision.memory_format)
        optimizer.zero_grad()
        with precision.context(device):
            logits = model(images)  # (N, classes)
            loss = F.cross_entropy(logits, targets)
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(targets)
        correct += (logits.argmax(1) == targets).sum()
    return float(loss_sum) / len(train_images), int(correct) / len(train_images)


# %% [markdown]
# And the whole training. `reset_seeds` comes before the network is made, since its first weights are random numbers,
# too. `default_timer` is a clock for measuring times. The order of the images depends on the seed and the epoch
# (`set_epoch`), and on nothing else.

# %%
temporary = tempfile.TemporaryDirectory()  # removed when the kernel ends
folder = Path(temporary.name)


def main(make_model, name):
    """Train with the settings above. Returns the best model, and what was measured."""
    training.reset_seeds(SEED)
    model = make_model().to(device, memory_format=precision.memory_format)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    stopper = EarlyStopper(NUM_TRIALS, folder / f"best_{name}.pt")
    history = training.History()
    while history.epochs < NUM_EPOCHS and not history.stopped_early:
        started = default_timer()
        batches.set_epoch(history.epochs)
        loss, accuracy = train_epoch(model, optimizer)
        val_loss, val_acc = training.evaluate(model, val_batches, precision=precision)
        history.train_loss.append(loss)
        history.train_acc.append(accuracy)
        history.val_loss.append(val_loss)
        history.val_acc.append(val_acc)
        history.stopped_early = not stopper.is_continuable(model, val_loss)
        history.seconds.append(default_timer() - started)
    return stopper.get_best_model(model), history


# %% [markdown]
# ## Your network
#
# First a look at what is going to be trained: the parts of your network that have weights, under their names.

# %%
network = ResNet18(len(classes))
for name, part in network.named_children():
    weights = sum(parameter.numel() for parameter in part.parameters())
    if weights:
        print(f"{name:<14}{type(part).__name__:<12}{weights:>12,} parameters")

# %% [markdown]
# Now it runs. Nothing is printed on the way; afterwards each epoch gets a line.

# %%
best_model, history = main(lambda: ResNet18(len(classes)), "ResNet-18")
best = min(range(history.epochs), key=lambda epoch: history.val_loss[epoch])
print("epoch   training: loss  accuracy   validation: loss  accuracy   seconds")
for epoch in range(history.epochs):
    mark = " ← lowest validation loss" if epoch == best else ""
    seen = f"{history.train_loss[epoch]:>16.3f}{history.train_acc[epoch]:>10.3f}"
    unseen = f"{history.val_loss[epoch]:>19.3f}{history.val_acc[epoch]:>10.3f}"
    print(f"{epoch + 1:>5}{seen}{unseen}{history.seconds[epoch]:>10.1f}{mark}")

# %%
figure = plotting.history({"ResNet-18": history}, "ResNet-18: training and validation")
plotting.show(figure, f"{len(train_images):,} training images, seed {SEED}.")
cards.verdict(
    "the stopper ended the training before the last epoch that was allowed",
    history.stopped_early,
    f"{history.epochs} of {NUM_EPOCHS} epochs were trained, the best one is {best + 1}",
)
restored = training.evaluate(best_model, val_batches, precision=precision)
print(f"validation loss in the last epoch {history.val_loss[-1]:.3f},",
      f"with the weights that came back {restored[0]:.3f}")  # fmt: skip
assert abs(restored[0] - history.val_loss[best]) < 0.01  # those of the best epoch
losses = history.val_loss
falls = [losses[epoch] < min(losses[:epoch]) for epoch in range(1, history.epochs)]
impatient = falls.index(False) + 1 if False in falls else history.epochs
print(f"with a patience of 1 the training would have kept epoch {impatient}")

# %% [markdown]
# Read the two panels together. While both losses fall, the network learns what holds for the class. Where the dashed
# line goes on down and the solid one does not follow, it learns its training images (lesson 02). `NUM_TRIALS` is the
# patience to sit out an epoch that is worse by chance. The last printed line says whether this training needed it: if
# it names the best epoch, one bad epoch would have been warning enough. How much patience is right in general cannot be
# seen in one curve.
#
# ## A smaller network beside it
#
# TinyVGG, from the same `main`: same images in the same order, same loss, optimizer, rate, and patience.

# %%
runs = {"ResNet-18": (best_model, history)}
tiny = {"num_classes": len(classes), "image_size": size}
runs["TinyVGG"] = main(lambda: models.TinyVGG(**tiny), "TinyVGG")
val_accuracy = {}
print("             parameters   epochs   best   seconds   training   validation")
for name, (model, run) in runs.items():
    weights = sum(parameter.numel() for parameter in model.parameters())
    at = run.val_loss.index(min(run.val_loss))
    val_accuracy[name] = run.val_acc[at]
    print(f"{name:<10}{weights:>13,}{run.epochs:>9}{at + 1:>7}{sum(run.seconds):>10.1f}"
          f"{run.train_acc[at]:>11.3f}{run.val_acc[at]:>13.3f}")  # fmt: skip
spread = 2 * (0.25 / len(val_images)) ** 0.5  # at most, for one accuracy
print(f"{len(val_images)} validation images: each accuracy is known to ±{spread:.2f}")

# %% [markdown]
# What is equal in this table? The images, their order, the recipe, the rule by which the epoch was chosen. What is not?
# The parameters, the number of epochs, the seconds. Each network was trained for as long as its own validation loss
# asked for, if `NUM_EPOCHS` has not cut it off. That is one fair way. Equal *epochs* is another, equal *seconds* a
# third, and they can give different winners. So a sentence like "ResNet-18 is better" needs the addition: with what
# held equal? And the last line says how little one training and so few validation images can decide. More of both come
# below: there the trainings have more images and a schedule, and the answer need not be the same.
#
# For equal seconds one has to know what a step costs.
#
# ## Seconds, after a warm-up
#
# The first step of a network is no measure. Memory is asked for, kernels are chosen, on a GPU the program has only
# just begun to talk to the device. So take a step that does not count, then several that do, and give their median,
# which one disturbed step cannot move. On a GPU the program runs ahead of the device: wait for it
# (`runtime.wait_for`) before you read the clock.


# %%
def seconds_of_steps(model, steps=4):
    """Seconds of the first step, and of each of the steps after it."""
    model = model.to(device, memory_format=precision.memory_format).train()
    images, targets = next(iter(batches))
    images = images.to(memory_format=precision.memory_format)
    optimizer, taken = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE), []
    for _ in range(1 + steps):
        started = default_timer()
        optimizer.zero_grad()
        with precision.context(device):
            loss = F.cross_entropy(model(images), targets)
        loss.backward()
        optimizer.step()
        runtime.wait_for(device)
        taken.append(default_timer() - started)
    return taken


# %% [markdown]
# Three networks are measured. **Plain 18** is ResNet-18 without its shortcuts.

# %%
networks = {
    "TinyVGG": models.TinyVGG(**tiny),
    "plain 18": models.plain18(len(classes)),
    "ResNet-18": ResNet18(len(classes)),
}
step = {}
for name, model in networks.items():
    first, *others = seconds_of_steps(model)
    step[name] = median(others)
    rate = budget.batch_size / step[name]
    print(f"{name:<10} first step {1e3 * first:>7.1f} ms,",
          f"then {1e3 * step[name]:>7.1f} ms ({rate:>8,.0f} images/s)")  # fmt: skip
times = step["ResNet-18"] / step["TinyVGG"]
cards.compare_guess(my_guess, {"times as long": times, **val_accuracy}, lesson="09")

# %% [markdown]
# Compare the rows of plain 18 and ResNet-18: what the shortcuts cost is an addition in each block, and a 1×1
# convolution in three places.
#
# Are the images the brake, and not the network? The usual loop reads them one by one: a `DataLoader` asks the data set
# for each index and stacks the results. `data.Batches` cuts whole batches out of one tensor.


# %%
def images_per_second(loader):
    next(iter(loader))  # the warm-up
    started = default_timer()
    count = sum(len(targets) for _, targets in loader)
    return count / (default_timer() - started)


one_by_one = torch.utils.data.DataLoader(train_images, budget.batch_size, shuffle=True)
for name, loader in {"DataLoader": one_by_one, "Batches": batches}.items():
    print(f"{name:<11}{images_per_second(loader):>10,.0f} images/s")

# %% [markdown]
# Put these numbers beside those above. Where the network takes far fewer images a second than the loader gives, a
# faster loader changes nothing. Where the two are close, it is the loader that you should look at first. On a GPU
# that happens more often.
#
# ## What several seeds say
#
# One training with one seed is an anecdote. So the course ships a **record**: five seeds for each network, made with
# the recipe of lesson 04. It is the same Adam with a rate that rises to 0.001 and falls again, so that no epoch has to
# be chosen: the last one is taken. Equal here are images, order, schedule, and the number of epochs. TinyVGG was also
# given many more epochs, in a second set of trainings.

# %%
records = experiments.load_records("eighteen")
found = {}  # (network, epochs): the records of all seeds
for record in records:
    made = record["configuration"]
    found.setdefault((made["network"], made["epochs"]), []).append(record)
few, many = sorted({epochs for _, epochs in found})
short = {name: seeds for (name, epochs), seeds in found.items() if epochs == few}

middle, bands, second = {}, {}, {}
for name, runs_of_it in short.items():
    curves = [record["curves"]["train_acc"] for record in runs_of_it]
    by_epoch = list(zip(*curves, strict=True))  # for each epoch a number for each seed
    middle[name] = [mean(each) for each in by_epoch]
    bands[name] = [min(each) for each in by_epoch], [max(each) for each in by_epoch]
    second[name] = by_epoch[1]
axes = plotting.lines(
    middle, "Training accuracy while training, recorded", "epoch",
    "accuracy on the training images", bands=bands, y_limits=(0, 1),
)  # fmt: skip
how = experiments.conditions(short["ResNet-18"])
plotting.show(axes, f"{how}: mean, lowest and highest.")

# %% [markdown]
# Three questions to it. Is the residual network ahead of its plain twin early on? We look at the second epoch. Is it
# ahead in the end, on images that nobody trained on? And is it ahead of TinyVGG, with as many epochs and with many
# fewer?


# %%
def errors(name, epochs, kind="test_error"):
    return [record[kind] for record in found[name, epochs]]


cards.compare(
    "in its second epoch ResNet-18 has a higher training accuracy than plain 18",
    {"ResNet-18": second["ResNet-18"]}, {"plain 18": second["plain 18"]},
)  # fmt: skip
ends = {name: errors(name, few) for name in ("TinyVGG", "plain 18", "ResNet-18")}
ends[f"TinyVGG ({many} epochs)"] = errors("TinyVGG", many)
axes = plotting.dots(ends, "Error on new images, recorded", "test error")
how = experiments.conditions(records)
plotting.show(axes, f"{how}. A dot for each seed; {few} epochs, or as it says.")
for name in ("plain 18", "TinyVGG", f"TinyVGG ({many} epochs)"):
    cards.compare(
        f"{name} has a higher error on new images than ResNet-18",
        {name: ends[name]}, {"ResNet-18": ends["ResNet-18"]},
    )  # fmt: skip

# %%
print(f"{many / few:.0f} times as many epochs of TinyVGG take, by the steps above,",
      f"{many / few / times:.2f} times the seconds of ResNet-18.")  # fmt: skip
for name in ("plain 18", "ResNet-18"):
    known = mean(errors(name, few, "train_error"))
    print(f"{name}: error on the training images in the end {known:.4f}")

# %% [markdown]
# Now read the four boxes with one question in mind: what was equal? (*Not reproduced* means that the numbers say the
# opposite of the claim, and not that nothing was found.)
#
# - The first is about *speed of learning*. He et al. saw it at 18 layers on ImageNet: the residual network came to its
#   result sooner, and in the end the two were about equal (2015, §4.1, table 2).
# - The second is about *new images*. Look at the two training errors below the boxes as well. Where a plain network
#   fits its training images anyway, there is nothing that a shortcut could repair (it is at 56 layers that shortcuts
#   decide, lesson 05), and which of two networks does better on new images is another question. The box answers it
#   for few and small images only.
# - The third and the fourth compare the same two architectures, with equal epochs and with unequal ones. If their words
#   differ, you have seen a winner that depends on what was held equal. If they agree, look at how much of the distance
#   went away with the epochs.
#
# The errors of the record were counted on test images. By the rule of lesson 02 that is fine as long as nobody picks a
# network by them and then quotes its error.
#
# ## The final number
#
# In this lesson it was settled from the start which network the report is about: yours. The epoch was chosen with
# validation images. So nothing is left to choose, and the test images come out of their box, for the first and only
# time.

# %%
test_images = data.load(profile.dataset, "test", size, budget.images)
test_batches = data.Batches(test_images, 500, **statistics, device=device)
logits, targets = training.predict(best_model, test_batches, precision)
confidence, predicted = logits.softmax(1).max(1)
test_accuracy = (predicted == targets).float().mean().item()
print(f"accuracy on {len(test_images):,} test images: {test_accuracy:.3f}")
print(f"accuracy on the validation images: {val_accuracy['ResNet-18']:.3f}")

# %% [markdown]
# Where the second number is the higher one, remember that it took part in a choice. Where it is the lower one, remember
# how few validation images there are: with $n$ images, an accuracy $p$ is known up to about $2\sqrt{p (1 - p) / n}$.
#
# An accuracy says how often, a **confusion matrix** says what for what: a row for each true class, a column for each
# answer. And the last figure shows the mistakes of which the network was most sure.

# %%
count = len(classes)
matrix = torch.bincount(targets * count + predicted, minlength=count**2)
matrix = matrix.view(count, count)
axes = plotting.confusion_matrix(matrix, classes, "What your ResNet-18 takes for what")
plotting.show(axes, f"{len(test_images):,} test images; rows are the truth.")
pictures = test_images.images
figure = plotting.mistakes(pictures, predicted, targets, confidence, classes, count=12)
plotting.show(figure, "True class, answer, and the probability given to the answer.")

# %% [markdown]
# ## Saving a training as data
#
# `torch.save` writes a **pickle**: instructions for building objects again, which may call any function. That is so for
# a whole model and for a state dict alike. Whoever gives you such a file can make your machine run anything, unless you
# read it with the restricted reader. A harmless proof: an object whose loading calls a function of our choice.


# %%
class Trojan:
    def __reduce__(self):  # what a pickle calls to rebuild the object: any function
        return print, ("this line was printed by the file",)


torch.save({"weights": Trojan()}, folder / "gift.pt")
for data_only in (False, True):
    print(f"torch.load(..., weights_only={data_only})")
    try:
        torch.load(folder / "gift.pt", weights_only=data_only)
    except Exception as error:
        print("refused:", type(error).__name__)

# %% [markdown]
# Since PyTorch 2.6, `weights_only=True` is the default; we write it out, because older versions run the code. What it
# reads are tensors, numbers, strings, lists, dicts and a few more harmless things. That is all that a state dict needs.
#
# ### Exercise: `checkpoint`
#
# To go on with a training after a break, the weights are not enough: Adam remembers running means of the gradients.
# Write `save_checkpoint(path, model, optimizer, epoch)` and `load_checkpoint(path, model, optimizer)`: one saves the
# state of the model, the state of the optimizer, and the epoch into one file; the other puts them back and returns
# the epoch. No object, only data.
#
# Example: `save_checkpoint("state.pt", model, optimizer, 7)`, later `load_checkpoint("state.pt", model, optimizer)`
# gives `7`.
#
# Stuck? `checks.hint("checkpoint")`


# %%
def save_checkpoint(path, model, optimizer, epoch):
    """Write everything that the training needs to go on."""
    ### BEGIN SOLUTION
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**states, "epoch": epoch}, path)
    ### END SOLUTION


def load_checkpoint(path, model, optimizer):
    """Put model and optimizer back, and return the epoch."""
    ### BEGIN SOLUTION
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]
    ### END SOLUTION


save_checkpoint, load_checkpoint = checks.checkpoint((save_checkpoint, load_checkpoint))

# %% [markdown]
# ## As if it had never stopped
#
# Is a training with a break the same as one without? Your two functions decide it. Two epochs at once, against one, a
# stop at which everything in memory is thrown away, and one more, with a new network and a new optimizer that get their
# state from the file. And once without the optimizer's state, to see whether it matters. A few images will do.

# %%
some = train_images.subset(torch.arange(min(64, len(train_images))))
few_images = data.Batches(some, 32, shuffle=True, seed=SEED, device=device)


def train_small(epochs, load=None, save=None, forget_optimizer=False):
    """Train your ResNet-18 up to so many epochs, from the start or from a file."""
    training.reset_seeds(SEED if load is None else 0)  # new weights after a break
    model = ResNet18(len(classes)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    done = 0 if load is None else load_checkpoint(load, model, optimizer)
    if forget_optimizer:
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for epoch in range(done, epochs):
        few_images.set_epoch(epoch)  # the order that this epoch would have had
        training.train_step(model, few_images, F.cross_entropy, optimizer)
    if save is not None:
        save_checkpoint(save, model, optimizer, epochs)
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


# %%
at_once = train_small(2)
train_small(1, save=folder / "state.pt")
differ = {
    "weights, optimizer, epoch": train_small(2, load=folder / "state.pt"),
    "weights and epoch": train_small(2, folder / "state.pt", forget_optimizer=True),
}
for name, weights in differ.items():
    differ[name] = (weights - at_once).abs().max().item()
    print(f"{name:<26} largest difference of a weight: {differ[name]:.3g}")
largest = differ["weights, optimizer, epoch"]
cards.verdict(
    "1 + 1 epochs with a stop between give the weights of 2 epochs",
    largest == 0 if device.type == "cpu" else largest < 1e-3,
    f"largest difference of any weight: {largest:g}",
)

# %% [markdown]
# What made it exact? Weights, the stored statistics of batch norm (they are in the state dict too), the optimizer's
# running means, and an order of images that follows from seed and epoch. A longer training has more to remember: the
# schedule, the stopper's count, the state of the random numbers if it uses any. `training.fit(checkpoint=...)` of this
# course writes all of them, after each epoch, whole or not at all.
#
# ## What we measured

# %%
print(f"1. Your ResNet-18 stopped after epoch {history.epochs} of {NUM_EPOCHS};",
      f"the best was {best + 1}.")  # fmt: skip
reached = ", ".join(f"{name} {accuracy:.3f}" for name, accuracy in val_accuracy.items())
print(f"2. Validation accuracy: {reached}; a step takes {times:.0f} times as long.")
print("3. Recorded, mean error on new images:",
      ", ".join(f"{name} {mean(of):.3f}" for name, of in ends.items()))  # fmt: skip
print(f"4. Test accuracy of your ResNet-18, measured once: {test_accuracy:.3f}.")
print(f"5. Stopped and resumed against at once: {largest:g}; without the optimizer's",
      f"state {differ['weights and epoch']:.3g}.")  # fmt: skip

# %% [markdown]
# ## What you have done
#
# All exercises so far, and your bets beside the measurements. `checks.export("my_name.json")` writes the same to a file
# that you can hand in.

# %%
checks.progress()

# %% [markdown]
# ## Self-check
#
# <details><summary>1. Early stopping on the test loss, and then reporting the test accuracy: what is wrong?</summary>
#
# The test images chose the epoch, so they flatter it, as they flattered the best of the blind models in lesson 02. The
# number is no longer an estimate for new images.
# </details>
#
# <details><summary>2. A table says that network A beats network B "under equal conditions". What do you ask?</summary>
#
# Which conditions: epochs, seconds, parameters, or the effort that went into choosing the rate of each. They cannot all
# be equal at once.
# </details>
#
# <details><summary>3. With <code>num_trials=3</code>, the validation losses are 0.9, 0.7, 0.8, 0.75, 0.7. When does the
# training stop, and whose weights come back?</summary>
#
# After the fifth epoch. 0.7 was the best; 0.8, 0.75 and 0.7 are three in a row that are not better (equal is not
# better). The weights of the second epoch come back.
# </details>
#
# <details><summary>4. You forgot <code>model.eval()</code> in the validation. Does only the number change?</summary>
#
# No. In training mode batch norm also updates its stored statistics, so the validation images leak into the model.
# (<code>training.evaluate</code> switches by itself.)
# </details>
#
# <details><summary>5. A checkpoint has weights and epoch. What goes wrong when training resumes with Adam?</summary>
#
# Adam starts with empty running means, so its first steps have another size and direction. With a learning-rate
# schedule the rate jumps back too.
# </details>
#
# <details><summary>6. On a GPU somebody measures 0.4 ms for a step of ResNet-18, and is pleased. What happened?
# </summary>
#
# The clock was read before the device had done its work. The program only handed the step over. Wait for the device,
# and leave the first step out.
# </details>

# %% [markdown]
# ## Further reading
#
# - He, Zhang, Ren, Sun 2015, [arXiv 1512.03385](https://arxiv.org/abs/1512.03385): §4.1 with table 2 (plain 18 against
#   residual 18), §4.2 (the recipe for CIFAR-10).
# - Smith & Topin 2017, [arXiv 1708.07120](https://arxiv.org/abs/1708.07120): learning rates that rise and fall, as in
#   the record.
#
# Next: [lesson 10](10_inside.ipynb), where a trained network is taken apart.
