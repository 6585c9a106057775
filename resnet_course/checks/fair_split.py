"""Lesson 02 · `fair_split`: training and validation images, each class with its share.

Splits may differ from one right answer to the next, so what is seen are properties, over several seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.seen import Seen
from resnet_course.checking.splits import changed, indices, is_split, random_state, see_pair, some, twice

SIZES = (60, 30, 10)  # images of the three classes
SEEDS = range(8)  # several: one random cut may keep the shares by luck
WHAT = "for 60, 30 and 10 images of three classes and fraction=0.2"


def labels(mixed: bool) -> Tensor:
    """Sorted by class, as files often are, or in no order."""
    targets = torch.tensor([label for label, size in enumerate(SIZES) for _ in range(size)])
    return targets[torch.randperm(100, generator=torch.Generator().manual_seed(1))] if mixed else targets


def _about(count: int, expected: int) -> int:
    """The expected number where the difference is one of rounding."""
    return expected if abs(count - expected) <= 2 else count


def shares_in_words(counts: Sequence[Sequence[int]]) -> str:
    """How many images of the classes the validation part holds, over several seeds."""
    fair = [[sum(count) * size / sum(SIZES) for size in SIZES] for count in counts]
    if all(
        abs(a - b) <= 1 for count, other in zip(counts, fair, strict=True) for a, b in zip(count, other, strict=True)
    ):
        return "the same share of each"
    if len({tuple(count) for count in counts}) > 1:
        return "others for each seed"
    if max(counts[0]) - min(counts[0]) <= 1:
        return "the same number of each"
    return "none of some class" if 0 in counts[0] else "other shares"


def place_in_words(targets: Tensor, validation: Tensor) -> str:
    """Whether the images of a class are its first or last ones."""
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    chosen[validation] = True
    rows = [chosen[targets == label] for label in targets.unique()]
    if all(row[: int(row.sum())].all() for row in rows):
        return "the first ones"
    return "the last ones" if all(row[len(row) - int(row.sum()) :].all() for row in rows) else "from all over"


def observe(answer: Any) -> Iterator[Seen]:
    """One split in detail, then those of other seeds and fractions."""
    targets, mixed = labels(mixed=False), labels(mixed=True)
    before = random_state()
    result = answer(targets, 0.2, 0)
    yield from see_pair(WHAT, result)
    yield Seen("what the call changes of the random numbers that all share", changed(before))
    if not is_split(result):
        return
    yield Seen("the labels that were handed over", "as before" if targets.equal(labels(mixed=False)) else "changed")
    train, validation = map(indices, result)
    half, default = answer(targets, 0.5, 0)[1], answer(targets)[1]
    follows = len(half) != len(validation)
    yield Seen("the size of the validation part", "by the fraction" if follows else "the same for 0.2 and 0.5")
    parts = [indices(answer(labels(mixed=True), 0.2, seed)[1]) for seed in SEEDS]
    beyond = any(bool(((part < 0) | (part >= 100)).any()) for part in (train, validation, *parts))
    yield Seen(f"{WHAT}, indices below 0 or above 99", some(beyond))
    if beyond:
        return
    yield Seen(f"{WHAT}, the number of validation images", _about(len(validation), 20), explains=follows)
    yield Seen(f"{WHAT}, the images in both parts", some(bool(torch.isin(train, validation).any())))
    yield Seen(f"{WHAT}, the images that are twice in the training part", some(twice(train)))
    yield Seen(f"{WHAT}, the images that are twice in the validation part", some(twice(validation)))
    yield Seen(f"{WHAT}, the images in neither part", some(len(torch.cat([train, validation]).unique()) < 100))
    for order, of_images, drawn in (("sorted labels", targets, [validation]), ("labels in no order", mixed, parts)):
        counts = [torch.bincount(of_images[part], minlength=3).tolist() for part in drawn]
        yield Seen(f"{WHAT}, {order}, what is for validation of the classes", shares_in_words(counts))
    yield Seen(f"{WHAT}, the images of each class that are for validation", place_in_words(mixed, parts[0]))
    sets = [sorted(part.tolist()) for part in parts]
    alike = all(part == sets[0] for part in sets)
    yield Seen("the splits for the seeds 0 to 7", "all alike" if alike else "different")
    torch.manual_seed(99)  # a split that draws from the global generator changes now
    again = sorted(indices(answer(labels(mixed=True), 0.2, 0)[1]).tolist())
    yield Seen("a second call with the same seed", "the same split" if again == sets[0] else "another split")
    unsaid = sorted(indices(answer(labels(mixed=True), 0.2)[1]).tolist())
    said = "that of seed 0" if unsaid == again else "another one"
    yield Seen("without a seed, the split", said, explains=again == sets[0])
    many = answer(torch.arange(12).repeat_interleave(20), 0.2, 0)
    drawn = indices(many[1]) if is_split(many) else torch.tensor([])
    classes = len((drawn // 20).unique())
    yield Seen("for twelve classes of 20 images, the classes that validation holds", classes)
    yield Seen("with fraction=0.5, the number of validation images", _about(len(half), 50), explains=False)
    yield Seen("without a fraction, the number of validation images", _about(len(default), 10), explains=follows)


ANSWER = """
def fair_split(targets, fraction=0.1, seed=0):
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
"""
# fmt: off
WRONG = [
    Wrong("train_keeps_validation", [
              ("    return in_training.nonzero().flatten(), validation",
               "    return torch.arange(len(targets)), validation")],
          ask="Which images are in the training part?",
          explain="All images are in the training part, those for validation too. The network then trains on the "
                  "images that are to measure it, and the validation accuracy says how well it remembers. Take them "
                  "out of the training part."),
    Wrong("not_shuffled", [
              ("    return in_training.nonzero().flatten(), validation",
               "    return torch.arange(len(targets)).split([len(targets) - len(validation), len(validation)])")],
          ask="Which classes does the validation part hold, if the files are sorted by class?",
          explain="The list is cut without shuffling, so validation gets only the last classes: of 60, 30 and 10 "
                  "images, a fifth at the end is 10 of class 1 and all of class 2. Draw at random, class by class."),
    Wrong("not_stratified", [
              ("    return in_training.nonzero().flatten(), validation",
               "    order = torch.randperm(len(targets), generator=generator)\n"
               "    return order[len(validation):], order[: len(validation)]")],
          ask="How many images of the rarest class are in the validation part, for several seeds?",
          explain="One cut through all images keeps the classes' shares only on average: of 10 images of a rare "
                  "class, 0 or 5 may land in validation where it should be 2. For every class to keep its share, "
                  "each has to be drawn from by itself."),
    Wrong("seed_ignored", [("manual_seed(seed)", "manual_seed(0)")],
          ask="What changes when another seed is given?",
          explain="Every seed gives the same split. The seed should decide, through the generator that draws."),
    Wrong("global_seed", [(", generator=generator", "")],
          ask="Which generator draws the images?",
          explain="The global generator draws the images, so the split changes with everything that was drawn before "
                  "it, such as the weights of a network. A torch.Generator of its own, set with the seed, depends on "
                  "nothing else."),
    Wrong("parts_swapped", [
              ("    return in_training.nonzero().flatten(), validation",
               "    return validation, in_training.nonzero().flatten()")],
          ask="Which of the two parts is the larger one, and of which is `fraction` the share?",
          explain="The second part is the larger one: validation comes first, or `fraction` is taken for the share of "
                  "the training part. The caller unpacks training first and would train on a fifth of the images with "
                  "fraction=0.2. The second part is for validation, and `fraction` is its share."),
    Wrong("class_left_out", [
              ("targets.unique()", "range(int(targets.max()))"),
              ("torch.ones(len(targets), dtype=torch.bool)", "targets < targets.max()")],
          ask="Does your loop reach the last class?",
          explain="A class is in neither part. Labels count from 0 to targets.max(), and range stops one before its "
                  "end: `targets.unique()` has all of them."),
    Wrong("ten_classes", [("targets.unique()", "range(10)")],
          ask="How many classes has a set of twelve classes for your loop?",
          explain="The loop knows ten classes, as CIFAR-10 has them. Of a set with twelve, two would be in neither "
                  "part, or in training alone. `targets.unique()` has all classes that there are."),
    Wrong("seed_by_chance", [("torch.Generator().manual_seed(seed)", "torch.Generator(); generator.seed()")],
          ask="Do two calls with the same seed give the same split?",
          explain="Each call gives another split, even for the same seed: the generator gets no seed, or one by "
                  "chance. manual_seed(seed) sets it."),
    Wrong("images_lost", [("flatten(), validation", "flatten()[:-5], validation")],
          ask="How many images do the two parts hold together?",
          explain="Some images are in neither part and are never used. What is not in the validation part belongs to "
                  "training."),
    Wrong("with_replacement", [
              ("    return in_training.nonzero().flatten(), validation",
               "    again = torch.randint(0, len(validation), (len(validation),), generator=generator)\n"
               "    return in_training.nonzero().flatten(), validation[again]")],
          ask="How often can one image be in the validation part?",
          explain="The indices are drawn with replacement, as torch.randint does. Some images then count twice, and "
                  "others that should be there are missing. Shuffle the indices and cut the list."),
    Wrong("positions_inside_the_class", """
def fair_split(targets, fraction=0.1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    train, validation = [], []
    for label in targets.unique():
        order = torch.randperm(int((targets == label).sum()), generator=generator)
        cut = round(fraction * len(order))
        validation.append(order[:cut])
        train.append(order[cut:])
    return torch.cat(train), torch.cat(validation)
""",
          ask="Does an index say the place among all images, or the place inside a class?",
          explain="The indices count inside each class, so every class has an image 0 and the same numbers come "
                  "several times. First find where a class's images are, `(targets == label).nonzero().flatten()`, "
                  "then take the shuffled places from that list."),
    Wrong("same_count_for_each_class", [
              ("round(fraction * len(members))", "round(fraction * len(targets) / len(targets.unique()))")],
          ask="Does each class give the same number of images or the same share?",
          explain="Each class gives the same number of images: of 60, 30 and 10 it is 7 each, and 3 of the rare "
                  "class are left for training. Each should give the same share, 12, 6 and 2."),
    Wrong("random_and_global_seed", [
              ("    return in_training.nonzero().flatten(), validation",
               "    order = torch.randperm(len(targets))\n"
               "    return order[len(validation):], order[: len(validation)]")],
          ask="What does the split depend on?",
          explain="The split depends on the global generator and not on the seed, so it is another one each time. "
                  "And one cut through all images does not keep the classes' shares. Draw class by class, with a "
                  "generator that the seed sets."),
    Wrong("global_generator_seeded", [
              ("generator = torch.Generator().manual_seed(seed)", "torch.manual_seed(seed)"),
              (", generator=generator", "")],
          ask="Which other random numbers of the program does your seed set?",
          explain="The seed is given to a generator that the whole program shares. From then on the weights of a new "
                  "network and the order of its batches follow from this seed, too, and are the same after each "
                  "split. torch.Generator() makes one that is used here only."),
    Wrong("python_generator_seeded", [
              ("generator = torch.Generator().manual_seed(seed)", "import random; random.seed(seed)"),
              ("members[torch.randperm(len(members), generator=generator)]",
               "members[random.sample(range(len(members)), len(members))]")],
          ask="Which other random numbers of the program does your seed set?",
          explain="random.seed sets the generator that all of Python's random numbers come from, so the split changes "
                  "what the rest of the program draws. Make a generator of your own, with torch.Generator()."),
    Wrong("numpy_generator_seeded", [
              ("generator = torch.Generator().manual_seed(seed)", "import numpy as np; np.random.seed(seed)"),
              ("torch.randperm(len(members), generator=generator)", "np.random.permutation(len(members))")],
          ask="Which other random numbers of the program does your seed set?",
          explain="np.random.seed sets the generator that all of NumPy's random numbers come from, so the split "
                  "changes what the rest of the program draws. Make a generator of your own, with torch.Generator()."),
    Wrong("not_shuffled_in_class", [("[torch.randperm(len(members), generator=generator)]", "")],
          ask="Which images of a class are taken, and does the seed matter?",
          explain="Each class gives its first images, for every seed. Files often stand in the order in which they "
                  "were taken, so the first ones look alike. Shuffle the members of a class, with your generator, "
                  "before you cut."),
    Wrong("last_of_each_class", [
              ("[torch.randperm(len(members), generator=generator)]", ".flip(0)")],
          ask="Which images of a class are taken, and does the seed matter?",
          explain="Each class gives its last images, for every seed. Files often stand in the order in which they "
                  "were taken, so these look alike. Shuffle the members of a class, with your generator, before you "
                  "cut."),
    Wrong("places_in_class", [
              ("members = members[torch.randperm(len(members), generator=generator)]",
               "members = torch.randperm(len(members), generator=generator)")],
          ask="To which list do the indices of the validation part belong?",
          explain="The indices count the images of one class, or of a shuffled list, and not those of `targets`: index "
                  "0 is then the first image of each class. Look the drawn places up in the list of the class, "
                  "`members[order]`."),
    Wrong("fraction_ignored", [("round(fraction * len(members))", "round(0.1 * len(members))")],
          ask="How many images are for validation with fraction=0.5?",
          explain="The share is the same whatever `fraction` says. The caller decides how many images are for "
                  "validation."),
    Wrong("other_default_fraction", [("fraction=0.1", "fraction=0.2")],
          ask="Which share is for validation if the caller does not say?",
          explain="Without a fraction, another share than a tenth is for validation. The default stands in the "
                  "line with def: fraction=0.1."),
    Wrong("share_of_the_rest", [("round(fraction * len(members))", "round(fraction / 2 * len(members))")],
          ask="How many of 100 images are for validation with fraction=0.2?",
          explain="Each class gives another share than `fraction`. Of 100 images and fraction=0.2, about 20 are for "
                  "validation: 12, 6 and 2 of classes of 60, 30 and 10."),
    Wrong("other_default_seed", [("seed=0", "seed=1")],
          ask="Which seed is used if the caller gives none?",
          explain="Without a seed, another split comes than for seed 0. The default stands in the line with def: "
                  "seed=0."),
    Wrong("column_of_indices", [("in_training.nonzero().flatten()", "in_training.nonzero()")],
          ask="Which shape do the two results have?",
          explain="nonzero gives a table with one row for each index, of shape (n, 1). As an index it gives images of "
                  "shape (n, 1, ...). flatten() makes one row of numbers of it."),
    Wrong("masks_returned", [
              ("return in_training.nonzero().flatten(), validation", "return in_training, ~in_training")],
          ask="Are the numbers of the images asked for, or a True or False for each?",
          explain="Two masks come back, with True and False for all images. The text asks for indices: "
                  "`mask.nonzero().flatten()` gives the places where a mask is True."),
    Wrong("labels_returned", [
              ("in_training.nonzero().flatten(), validation", "targets[in_training], targets[validation]")],
          ask="Do the two parts hold the numbers of images, or their labels?",
          explain="The labels of the images come back. The caller needs to know which images they are: their places "
                  "in `targets`."),
    Wrong("validation_alone", [("return in_training.nonzero().flatten(), validation", "return validation")],
          ask="How many results come back?",
          explain="Only the validation part comes back. The training part is asked for too, as the first of two."),
    Wrong("last_class_only", [
              ("        validation.append(", "        validation = [members[: round(fraction * len(members))]] #")],
          ask="Which classes are in the validation part after the loop?",
          explain="The validation part holds images of the last class only: each turn of the loop overwrites what the "
                  "one before had stored. Collect the parts of all classes in a list."),
    Wrong("lists_returned", [
              ("return in_training.nonzero().flatten(), validation",
               "return in_training.nonzero().flatten().tolist(), validation.tolist()")],
          ask="What kind of object are the two results?",
          explain="Two lists come back, and two tensors are asked for: a list has no shape, no == for all entries, and "
                  "no place on a GPU. torch.tensor makes a tensor of a list of numbers."),
]
# fmt: on

EXERCISE = Exercise(
    "fair_split",
    lesson="02",
    defines="fair_split",
    observe=observe,
    start="Split one class first: find the indices of its images, bring them into a random order with your generator "
    "(torch.randperm), and cut off its share. Then loop over the classes. What is not in the validation part belongs "
    "to training.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "plain Python with its own random numbers": """
import random

def fair_split(targets, fraction=0.1, seed=0):
    draw = random.Random(seed)
    train, validation = [], []
    for label in sorted(set(targets.tolist())):
        members = [i for i, t in enumerate(targets.tolist()) if t == label]
        draw.shuffle(members)
        cut = int(len(members) * fraction + 0.5)
        validation += members[:cut]
        train += members[cut:]
    return torch.tensor(train), torch.tensor(validation)
""",
        "random keys sorted within the classes, NumPy": """
import numpy as np

def fair_split(targets, fraction=0.1, seed=0):
    rng = np.random.default_rng(seed)
    keys = rng.random(len(targets))
    labels = targets.numpy()
    chosen = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        chosen.extend(members[np.argsort(keys[members])][: round(fraction * len(members))])
    rest = np.setdiff1d(np.arange(len(labels)), chosen)
    return rest, np.array(chosen)
""",
        "two lists, cut once for each class": """
def fair_split(targets, fraction=0.1, seed=0):
    g = torch.Generator()
    g.manual_seed(seed)
    train, val = [], []
    for c in torch.unique(targets):
        idx = torch.where(targets == c)[0]
        idx = idx[torch.randperm(idx.numel(), generator=g)]
        n = int(fraction * idx.numel())
        val.append(idx[:n])
        train.append(idx[n:])
    return torch.cat(train), torch.cat(val)
""",
        "one shuffle for all, then a stable sort by class": """
def fair_split(targets, fraction=0.1, seed=0):
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    order = order[torch.argsort(targets[order], stable=True)]
    train, val = [], []
    for part in order.split(targets.bincount().tolist()):
        cut = math.ceil(len(part) * fraction)
        val += part[:cut].tolist()
        train += part[cut:].tolist()
    return torch.tensor(sorted(train)), torch.tensor(sorted(val))
""",
        "a walk through shuffled images that counts": """
def fair_split(targets, fraction=0.1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    room = {int(label): round(fraction * int((targets == label).sum())) for label in targets.unique()}
    train, validation = [], []
    for index in torch.randperm(len(targets), generator=generator).tolist():
        label = int(targets[index])
        if room[label] > 0:
            room[label] -= 1
            validation.append(index)
        else:
            train.append(index)
    return torch.tensor(train), torch.tensor(validation)
""",
        "random numbers as keys, the smallest of each class": """
def fair_split(targets, fraction=0.1, seed=0):
    keys = torch.rand(len(targets), generator=torch.Generator().manual_seed(seed))
    mask = torch.zeros(len(targets), dtype=torch.bool)
    for label in range(int(targets.max()) + 1):
        own = keys.masked_fill(targets != label, 2.0)
        mask[own.topk(round(fraction * int((targets == label).sum())), largest=False).indices] = True
    return torch.arange(len(targets))[~mask], torch.arange(len(targets))[mask]
""",
    },
    again={
        "the fraction is that of the training part": (
            "parts_swapped",
            edited(ANSWER, ("round(fraction * len(members))", "round((1 - fraction) * len(members))")),
        ),
        "a generator that is never seeded": ("seed_ignored", edited(ANSWER, (".manual_seed(seed)", ""))),
    },
)
