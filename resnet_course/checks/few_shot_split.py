"""Lesson 13 · `few_shot_split`: a few images of each class for training, and no copies of them in the test.

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

# Three classes of 12, 7 and 6 images, in no order, with copies: 9, 6 and 4 different pictures.
LABELS_OF_GROUPS = (0,) * 9 + (1,) * 6 + (2,) * 4
GROUPS = (0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11, 12, 13, 14, 15, 15, 15, 16, 17, 18)
SHOTS, EDGE = 2, 3  # 3 of the 4 pictures of the last class leave one for the test
MOST = 14  # of 19 groups; a right split draws 17 to 19 in so many seeds
SEEDS = range(12)  # several, since one draw may be right by luck
WHAT = "with shots=2 for classes of 9, 6 and 4 groups"
NAMES = ("training", "test")
MISSING = ("whole groups", "all of them", "groups of several images", "copies", "none")  # the worst one in front


def example() -> tuple[Tensor, Tensor]:
    """Labels and groups; the names of the groups are no indices."""
    order = torch.randperm(len(GROUPS), generator=torch.Generator().manual_seed(1))
    groups = torch.tensor(GROUPS)[order]
    return torch.tensor(LABELS_OF_GROUPS)[groups], 100 + (groups * 7) % 19


def counts_in_words(counts: Sequence[Sequence[int]]) -> str:
    """How many training images the classes have, over several seeds."""
    if len({tuple(count) for count in counts}) > 1:
        return "another number for each seed"
    first, *others = counts[0]
    return f"{first} each" if all(other == first for other in others) else ", ".join(map(str, counts[0]))


def missing_in_words(groups: Tensor, train: Tensor, test: Tensor) -> str:
    """Which images of groups that training does not have are not in the test."""
    free = ~torch.isin(groups, groups[train])
    left_out = free.clone()
    left_out[test] = False
    if not left_out.any():
        return "none"
    if left_out.equal(free):
        return "all of them"
    names, sizes = groups.unique(return_counts=True)
    several = free & torch.isin(groups, names[sizes > 1])
    if left_out.equal(several):
        return "groups of several images"
    groups_there = set(groups[test].tolist())
    return "copies" if all(group in groups_there for group in groups[left_out].tolist()) else "whole groups"


def leak(groups: Tensor, train: Tensor, test: Tensor) -> bool:
    """Whether the test has another image of a group that is in training."""
    return bool((torch.isin(groups[test], groups[train]) & ~torch.isin(test, train)).any())


def refusal(answer: Any, shots: int) -> str:
    """What the call does for a number of shots; the smallest class has 4 groups and 6 images."""
    try:
        result = answer(*example(), shots, 0)
    except Exception as error:
        return f"{type(error).__name__}"
    if not is_split(result):
        return "no error"
    part = indices(result[0])
    number = int((example()[0][part % len(GROUPS)] == 2).sum())
    return "no error" if number else "no error, and the class is left out"


def observe(answer: Any) -> Iterator[Seen]:
    """One split in detail, then those of other seeds, then what is refused."""
    targets, groups = example()
    before = random_state()
    result = answer(targets, groups, SHOTS, 0)
    yield from see_pair(WHAT, result, NAMES)
    yield Seen("what the call changes of the random numbers that all share", changed(before))
    if not is_split(result):
        return
    unchanged = targets.equal(example()[0]) and groups.equal(example()[1])
    yield Seen("the labels and groups that were handed over", "as before" if unchanged else "changed")
    splits = [tuple(map(indices, answer(*example(), SHOTS, seed))) for seed in SEEDS]
    beyond = any(bool(((part < 0) | (part >= len(GROUPS))).any()) for split in splits for part in split)
    yield Seen(f"{WHAT}, indices that no image has", some(beyond))
    if beyond:
        return
    sets = [(sorted(train.tolist()), sorted(test.tolist())) for train, test in splits]
    alike = all(one == sets[0] for one in sets)
    small = not alike and all(bool((train < 12).all()) for train, _ in splits)  # as places in the largest class are
    yield Seen(f"{WHAT}, the indices in training", "all below 12" if small else "from 0 to 24")
    first, second = map(len, splits[0])
    sizes = "smaller" if first < second else "larger" if first > second else "as large"
    yield Seen(f"{WHAT}, beside the test the training part", sizes)
    totals = {len(train) for train, _ in splits}
    total = totals.pop() if len(totals) == 1 else "another one for each seed"
    yield Seen(f"{WHAT}, the number of training images", total, explains=not small)
    counts = [torch.bincount(targets[train], minlength=3).tolist() for train, _ in splits]
    yield Seen(f"{WHAT}, the training images of the classes", counts_in_words(counts), explains=not small)
    copies = any(twice(groups[train.unique()]) for train, _ in splits)
    yield Seen(f"{WHAT}, two training images of the same group", some(copies), explains=not small)
    repeated = any(twice(train) for train, _ in splits)
    yield Seen(f"{WHAT}, the images that are twice in training", some(repeated), explains=not small)
    yield Seen(f"{WHAT}, the images that are twice in the test", some(any(twice(test) for _, test in splits)))
    both = any(bool(torch.isin(train, test).any()) for train, test in splits)
    yield Seen(f"{WHAT}, the images in both parts", some(both), explains=not small)
    leaks = any(leak(groups, *split) for split in splits)
    yield Seen(f"{WHAT}, the copies of training images in the test", some(leaks), explains=not small)
    missing = {missing_in_words(groups, train, test) for train, test in splits}
    worst = next(words for words in MISSING if words in missing)
    yield Seen(f"{WHAT}, the images of other groups that the test does not have", worst, explains=not small)
    firsts = [torch.stack([groups[targets == label].unique()[:SHOTS] for label in range(3)]).flatten()]
    firsts += [torch.cat([groups[(targets == label).nonzero().flatten()[:SHOTS]] for label in range(3)])]
    drawn = [set(groups[train].tolist()) for train, _ in splits]
    first = all(group in [set(one.tolist()) for one in firsts] for group in drawn)
    yield Seen(f"{WHAT}, the groups that are drawn", "the first ones of each class" if first else "from all over")
    yield Seen("the splits for the seeds 0 to 11", "all alike" if alike else "different")
    at_some_time = len(set().union(*drawn)) >= MOST
    yield Seen(
        "the groups that are drawn for some seed",
        "nearly all" if at_some_time else "a few",
        explains=not alike and not small,
    )
    torch.manual_seed(99)  # a split that draws from the global generator changes now
    again, unsaid = (
        [sorted(indices(part).tolist()) for part in answer(*example(), SHOTS, *seed)] for seed in [(0,), ()]
    )
    yield Seen("a second call with the same seed", "the same split" if again == [*sets[0]] else "another split")
    said = "that of seed 0" if unsaid == again else "another one"
    yield Seen("without a seed, the split", said, explains=again == [*sets[0]])
    yield from _see_refusals(answer)


def _see_refusals(answer: Any) -> Iterator[Seen]:
    class_of = "where one class has 4 groups and 6 images"
    yield Seen(f"with shots=3, {class_of}, the call ends with", refusal(answer, EDGE))
    refusals = [refusal(answer, EDGE + more) for more in (1, 2, 3)]
    yield Seen(f"with shots=4, 5 and 6, {class_of}, the call ends with", refusals)
    one = answer(*example(), 1, 0)[0]
    yield Seen("with shots=1, the number of training images", len(indices(one)), explains=False)


ANSWER = """
def few_shot_split(targets, groups, shots, seed=0):
    generator = torch.Generator().manual_seed(seed)
    train = []
    for label in targets.unique():
        members = (targets == label).nonzero().flatten()
        choices = groups[members].unique()
        if len(choices) <= shots:
            raise ValueError("too few")
        chosen = choices[torch.randperm(len(choices), generator=generator)[:shots]]
        train += [members[groups[members] == group][0] for group in chosen]
    train = torch.stack(train)
    test = (~torch.isin(groups, groups[train])).nonzero().flatten()
    return train, test
"""
# fmt: off
WRONG = [
    Wrong("groups_ignored", [
              ("        chosen = choices[torch.randperm(len(choices), generator=generator)[:shots]]\n", ""),
              ("        train += [members[groups[members] == group][0] for group in chosen]",
               "        train += list(members[torch.randperm(len(members), generator=generator)[:shots]])"),
              ("torch.isin(groups, groups[train])", "torch.isin(torch.arange(len(groups)), train)")],
          ask="What becomes of the copy of a picture that is drawn for training?",
          explain="`groups` is not looked at, so a copy of a training picture can be in the test. The network has "
                  "seen the answer, and the error looks smaller than it is. Draw groups and not images, and keep the "
                  "other images of a drawn group out of the test."),
    Wrong("copies_in_test", [
              ("torch.isin(groups, groups[train])", "torch.isin(torch.arange(len(groups)), train)")],
          ask="Which images are in the test: those that are not in training, or those whose group is not?",
          explain="Training holds one image of each drawn group, but the other images of these groups are in the "
                  "test. They show the same thing. Leave out every image whose group was drawn."),
    Wrong("copies_in_training", [
              ("        chosen = choices[torch.randperm(len(choices), generator=generator)[:shots]]\n", ""),
              ("        train += [members[groups[members] == group][0] for group in chosen]",
               "        train += list(members[torch.randperm(len(members), generator=generator)[:shots]])")],
          ask="How many different pictures are among the training images?",
          explain="The test is free of copies, but training is not: two images of one group can be drawn, and then "
                  "the network learns from fewer pictures than `shots`. Draw from the groups of a class, and take "
                  "one image of each."),
    Wrong("whole_groups", [
              ("[members[groups[members] == group][0] for", "[m for m in members if groups[m] in chosen] #")],
          ask="How many training images come from a group of three copies?",
          explain="All images of a drawn group are in training, so some classes have more than `shots` images there. "
                  "Take one image of each drawn group, and leave the others out of both parts."),
    Wrong("not_by_class", """
def few_shot_split(targets, groups, shots, seed=0):
    choices = groups.unique()
    order = torch.randperm(len(choices), generator=torch.Generator().manual_seed(seed))
    chosen = choices[order[: shots * len(targets.unique())]]
    train = torch.tensor([groups.tolist().index(group) for group in chosen.tolist()])
    return train, (~torch.isin(groups, chosen)).nonzero().flatten()
""",
          ask="How many training images does each class get, for several seeds?",
          explain="The pictures are drawn from all classes together, so one class gets more and another may get "
                  "none. Draw from each class by itself."),
    Wrong("same_share", """
def few_shot_split(targets, groups, shots, seed=0):
    generator = torch.Generator().manual_seed(seed)
    classes = targets.unique()
    train = []
    for label in classes:
        own = groups[targets == label].unique()
        share = round(shots * len(classes) * len(own) / len(groups.unique()))
        chosen = own[torch.randperm(len(own), generator=generator)[:share]]
        train += [groups.tolist().index(group) for group in chosen.tolist()]
    return torch.tensor(train), (~torch.isin(groups, groups[train])).nonzero().flatten()
""",
          ask="Does each class give the same number of images or the same share?",
          explain="Each class gives its share here, so the large class has the most training images, as in "
                  "fair_split. With few shots, each class gets the same number."),
    Wrong("shots_in_all", [("[:shots]", "[:shots // len(targets.unique()) or 1]")],
          ask="Is `shots` the number for each class or for all classes together?",
          explain="The shots are divided among the classes here. `shots` counts the images of one class: with 3 "
                  "shots and 3 classes, 9 images are for training."),
    Wrong("seed_ignored", [("manual_seed(seed)", "manual_seed(0)")],
          ask="What changes when another seed is given?",
          explain="Every seed draws the same images. With so few images it matters which ones are drawn, and only "
                  "several seeds show how much. Shuffle with a generator that the seed sets."),
    Wrong("global_seed", [(", generator=generator", "")],
          ask="Which generator draws the images?",
          explain="The global generator draws them, so the split changes with everything that was drawn before it, "
                  "such as the weights of a network. A torch.Generator of its own, set with the seed, depends on "
                  "nothing else."),
    Wrong("with_replacement", [
              ("torch.randperm(len(choices), generator=generator)[:shots]",
               "torch.randint(len(choices), (shots,), generator=generator)")],
          ask="How often can one image be drawn?",
          explain="The images are drawn with replacement, as torch.randint does, so one may be in training twice. "
                  "Shuffle the groups of a class and take the first ones."),
    Wrong("parts_swapped", [("return train, test", "return test, train")],
          ask="Which part comes first?",
          explain="The test images come first here. The caller unpacks training first, and would train on nearly all "
                  "images."),
    Wrong("places_in_class", [
              ("    return train, test",
               "    return torch.stack([(targets[:index] == targets[index]).sum() for index in train]), test")],
          ask="To which list do the indices of the training part belong?",
          explain="They count the images of their class only: index 0 is the first image of the class and not of the "
                  "whole list. The members of a class are places in the whole list; choose among these."),
    Wrong("as_many_for_test", [
              ("    return train, test",
               "    return train, torch.cat([test[targets[test] == label][:shots] for label in targets.unique()])")],
          ask="What happens to the images that are in neither part?",
          explain="The test has as few images as the training, and the others are used for nothing. An error "
                  "measured on a handful of images is hardly a number: test on all that are left."),
    Wrong("not_refused", [
              ('        if len(choices) <= shots:\n            raise ValueError("too few")\n', "")],
          ask="What does the function do with a class that has 4 different pictures, if 4 are asked for training?",
          explain="It goes on, and for this class nothing is left for the test, or fewer images than promised are in "
                  "training. Raise ValueError where a class has not more than `shots` groups."),
    Wrong("refused_one_too_late", [("len(choices) <= shots", "len(choices) < shots")],
          ask="What is left for the test of a class with 4 groups, if 4 are in training?",
          explain="A class with exactly `shots` groups is not refused, and nothing of it is left for the test. The "
                  "ValueError is asked for where a class has no more than `shots` groups."),
    Wrong("refused_too_early", [("len(choices) <= shots", "len(choices) <= shots + 1")],
          ask="Is one group enough for the test?",
          explain="A class with one group more than `shots` is refused, although one is left for the test. Only no "
                  "more than `shots` groups is too few."),
    Wrong("images_counted", [("len(choices) <= shots", "len(members) <= shots")],
          ask="What is counted before the ValueError, images or groups?",
          explain="The images of the class are counted, copies too: a class with 6 images of 4 pictures is let through "
                  "with shots=4, and nothing of it is left for the test. Count its groups."),
    Wrong("asserts", [
              ('if len(choices) <= shots:\n            raise ValueError("too few")', "assert len(choices) > shots")],
          ask="Which kind of error should the caller get?",
          explain="An assert raises AssertionError, and is left out when Python runs with -O. The text asks for a "
                  "ValueError: raise ValueError with a few words on which class is too small."),
    Wrong("other_error", [('raise ValueError("too few")', 'raise RuntimeError("too few")')],
          ask="Which kind of error should the caller get?",
          explain="Another error than ValueError ends the call, so a caller that waits for ValueError does not catch "
                  "it. Ask for the number of groups first, and raise ValueError yourself."),
    Wrong("small_class_left_out", [('raise ValueError("too few")', "continue")],
          ask="What becomes of a class that has too few groups?",
          explain="A class with too few groups is left out of training, and nobody is told. The network could never "
                  "give this class as an answer. Raise ValueError."),
    Wrong("one_of_each_group_in_test", [
              ("    return train, test",
               "    return train, torch.tensor([groups.tolist().index(g) for g in groups[test].unique()])")],
          ask="How many images of a group of three copies are in the test, if none of them is in training?",
          explain="The test leaves images out although their group is not in training: it keeps one of each group. The "
                  "text asks for all other images. Copies inside of the test give nothing away."),
    Wrong("class_left_out_of_test", [
              ("torch.isin(groups, groups[train])", "torch.isin(targets, targets[train])")],
          ask="Which images are left out of the test: those of a class that is in training, or of a group?",
          explain="The test leaves out all images whose class is in training, and each class is. Only the images of a "
                  "drawn group have to stay out."),
    Wrong("first_groups", [("[torch.randperm(len(choices), generator=generator)[:shots]]", "[:shots]")],
          ask="Which groups are taken, and does the seed matter?",
          explain="The first groups of each class are taken, for every seed. Bring them into a random order, with your "
                  "generator, before you cut."),
    Wrong("global_generator_seeded", [
              ("generator = torch.Generator().manual_seed(seed)", "torch.manual_seed(seed)"),
              (", generator=generator", "")],
          ask="Which other random numbers of the program does your seed set?",
          explain="The seed is given to a generator that the whole program shares. From then on the weights of a new "
                  "network and the order of its batches follow from this seed, too. torch.Generator() makes one that "
                  "is used here only."),
    Wrong("python_generator_seeded", [
              ("generator = torch.Generator().manual_seed(seed)", "import random; random.seed(seed)"),
              ("torch.randperm(len(choices), generator=generator)", "random.sample(range(len(choices)), shots)"),
              ("[:shots]]", "]")],
          ask="Which other random numbers of the program does your seed set?",
          explain="random.seed sets the generator that all of Python's random numbers come from, so the split changes "
                  "what the rest of the program draws. Make a generator of your own, with torch.Generator()."),
    Wrong("numpy_generator_seeded", [
              ("generator = torch.Generator().manual_seed(seed)", "import numpy as np; np.random.seed(seed)"),
              ("torch.randperm(len(choices), generator=generator)", "np.random.permutation(len(choices))")],
          ask="Which other random numbers of the program does your seed set?",
          explain="np.random.seed sets the generator that all of NumPy's random numbers come from, so the split "
                  "changes what the rest of the program draws. Make a generator of your own, with torch.Generator()."),
    Wrong("seed_by_chance", [("torch.Generator().manual_seed(seed)", "torch.Generator(); generator.seed()")],
          ask="Do two calls with the same seed give the same split?",
          explain="Each call gives another split, even for the same seed: the generator gets no seed, or one by "
                  "chance. manual_seed(seed) sets it."),
    Wrong("other_default_seed", [("seed=0", "seed=1")],
          ask="Which seed is used if the caller gives none?",
          explain="Without a seed, another split comes than for seed 0. The default stands in the line with def: "
                  "seed=0."),
    Wrong("column_of_indices", [("return train, test", "return train[:, None], test[:, None]")],
          ask="Which shape do the two results have?",
          explain="The indices stand in a table with one row for each, of shape (n, 1), as nonzero gives it. As an "
                  "index that gives images of shape (n, 1, ...). flatten() makes one row of numbers of it."),
    Wrong("mask_for_test", [(").nonzero().flatten()\n    return", ")\n    return")],
          ask="Are the numbers of the test images asked for, or a True or False for each image?",
          explain="The test part is a mask, with True and False for all images. The text asks for indices: "
                  "`mask.nonzero().flatten()` gives the places where a mask is True."),
    Wrong("one_shot_too_many", [("[:shots]]", "[: shots + 1]]")],
          ask="How many training images of each class does shots=2 give?",
          explain="Each class gives one image too many. A slice `[:n]` has n entries, and `shots` of each class are "
                  "asked for."),
    Wrong("train_alone", [("return train, test", "return train")],
          ask="How many results come back?",
          explain="Only the training part comes back. The test part is asked for too, as the second of two."),
    Wrong("training_in_test", [
              ("torch.isin(groups, groups[train])", "torch.isin(torch.arange(len(groups)), groups[train])")],
          ask="Does the test leave out the training images themselves?",
          explain="Images of the training part are in the test, and so are their copies. Either nothing is left out, "
                  "or the numbers of groups are taken for those of images: `groups[index]` is the group of an image."),
    Wrong("shots_in_total", """
def few_shot_split(targets, groups, shots, seed=0):
    generator = torch.Generator().manual_seed(seed)
    choices = groups.unique()
    if min(len(groups[targets == label].unique()) for label in targets.unique()) <= shots:
        raise ValueError("too few")
    chosen = choices[torch.randperm(len(choices), generator=generator)[:shots]]
    train = torch.tensor([groups.tolist().index(group) for group in chosen.tolist()])
    return train, (~torch.isin(groups, chosen)).nonzero().flatten()
""",
          ask="Is `shots` the number for each class or for all classes together?",
          explain="Training holds as many images as `shots` says in all. `shots` counts the images of one class: with "
                  "2 shots and 3 classes, 6 images are for training."),
    Wrong("copied_groups_left_out", [
              ("return train, test",
               "return train, test[torch.stack([(groups == g).sum() == 1 for g in groups[test]])]")],
          ask="Which groups have to stay out of the test, those with copies or those that are in training?",
          explain="Every group with more than one image is left out of the test, also where training has none of it. "
                  "Only what training has seen gives the answer away: all other images belong to the test."),
    Wrong("lists_returned", [("return train, test", "return train.tolist(), test.tolist()")],
          ask="What kind of object are the two results?",
          explain="Two lists come back, and two tensors are asked for: a list has no shape, no == for all entries, and "
                  "no place on a GPU. torch.tensor makes a tensor of a list of numbers."),
]
# fmt: on

EXERCISE = Exercise(
    "few_shot_split",
    lesson="13",
    defines="few_shot_split",
    observe=observe,
    start="Work on one class: its members are `(targets == label).nonzero().flatten()`, and `groups[members].unique()` "
    "are its different pictures. Bring those into a random order with your generator, and take one member of each of "
    "the first. For the test ask of every image whether its group was drawn: torch.isin.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "plain Python": """
import random

def few_shot_split(targets, groups, shots, seed=0):
    draw = random.Random(seed)
    first = {}
    for index, (label, group) in enumerate(zip(targets.tolist(), groups.tolist())):
        first.setdefault(label, {}).setdefault(group, index)
    train = []
    for label in sorted(first):
        indices = list(first[label].values())
        if len(indices) < shots + 1:
            raise ValueError(f"class {label} is too small")
        train += draw.sample(indices, shots)
    taken = {int(groups[index]) for index in train}
    test = [index for index, group in enumerate(groups.tolist()) if group not in taken]
    return torch.tensor(train), torch.tensor(test)
""",
        "a shuffled walk through all images": """
def few_shot_split(targets, groups, shots, seed=0):
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed)).tolist()
    counts, taken, train = {int(label): 0 for label in targets.unique()}, set(), []
    for index in order:
        label, group = int(targets[index]), int(groups[index])
        if counts[label] < shots and group not in taken:
            counts[label] += 1
            taken.add(group)
            train.append(index)
    test = [index for index in range(len(targets)) if int(groups[index]) not in taken]
    if {int(targets[index]) for index in test} != set(counts):
        raise ValueError("a class has nothing left for the test")
    return torch.tensor(train), torch.tensor(test)
""",
        "NumPy": """
import numpy as np

def few_shot_split(targets, groups, shots, seed=0):
    rng = np.random.default_rng(seed)
    labels, pictures = targets.numpy(), groups.numpy()
    names, first = np.unique(pictures, return_index=True)
    train = []
    for label in np.unique(labels):
        own = first[labels[first] == label]
        if len(own) <= shots:
            raise ValueError(label)
        train.extend(rng.permutation(own)[:shots])
    return np.array(train), np.flatnonzero(~np.isin(pictures, pictures[train]))
""",
        "a random image of each drawn group": """
def few_shot_split(targets, groups, shots, seed=0):
    g = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(targets), generator=g)
    train = []
    for c in torch.unique(targets):
        own = order[targets[order] == c]
        seen = {}
        for i in own.tolist():
            seen.setdefault(int(groups[i]), i)
        if not len(seen) > shots:
            raise ValueError(f"class {c} has {len(seen)} groups")
        train.extend(list(seen.values())[:shots])
    train = torch.tensor(train)
    used = groups[train]
    test = torch.tensor([i for i in range(len(groups)) if groups[i] not in used])
    return train, test
""",
        "masks, and all classes checked first": """
def few_shot_split(targets, groups, shots, seed=0):
    by_class = {int(c): groups[targets == c].unique() for c in targets.unique()}
    if min(map(len, by_class.values())) < shots + 1:
        raise ValueError("too few groups")
    generator = torch.Generator()
    generator.manual_seed(seed)
    in_train = torch.zeros(len(targets), dtype=torch.bool)
    in_test = torch.ones(len(targets), dtype=torch.bool)
    for own in by_class.values():
        for group in own[torch.randperm(len(own), generator=generator)][:shots]:
            same = groups == group
            in_test &= ~same
            in_train[same.nonzero()[0]] = True
    return torch.where(in_train)[0], torch.where(in_test)[0]
""",
        "random keys for the groups": """
def few_shot_split(targets, groups, shots, seed=0):
    names, which = groups.unique(return_inverse=True)
    keys = torch.rand(len(names), generator=torch.Generator().manual_seed(seed))
    label = torch.zeros(len(names), dtype=torch.long).scatter_(0, which, targets)
    chosen = []
    for c in targets.unique():
        own = (label == c).nonzero().flatten()
        if own.numel() <= shots:
            raise ValueError
        chosen.append(own[keys[own].argsort()[:shots]])
    chosen = torch.cat(chosen)
    train = torch.stack([(which == group).nonzero()[0, 0] for group in chosen])
    return train, (which[:, None] != chosen).all(1).nonzero().squeeze(1)
""",
    },
    again={
        "prints and goes on": ("not_refused", edited(ANSWER, ('raise ValueError("too few")', 'print("too few")'))),
        "groups not looked at, and nothing refused": (
            "groups_ignored",
            """
def few_shot_split(targets, groups, shots, seed=0):
    generator = torch.Generator().manual_seed(seed)
    train, test = [], []
    for label in targets.unique():
        members = (targets == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        train.append(members[:shots])
        test.append(members[shots:])
    return torch.cat(train), torch.cat(test)
""",
        ),
    },
)
