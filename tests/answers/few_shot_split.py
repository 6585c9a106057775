"""Answers to `few_shot_split`: a few training images of each class, and no copies of them in the test."""

from . import edited

NAME = "few_shot_split"

FEW_SHOT_SPLIT = """
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

RIGHT = {
    "groups of each class": FEW_SHOT_SPLIT,
    "plain Python, one image of each group in the test too": """
import random

def few_shot_split(targets, groups, shots, seed=0):
    draw = random.Random(seed)
    first = {}
    for index, (label, group) in enumerate(zip(targets.tolist(), groups.tolist())):
        first.setdefault(label, {}).setdefault(group, index)
    train, test = [], []
    for label in sorted(first):
        indices = list(first[label].values())
        if len(indices) < shots + 1:
            raise ValueError(f"class {label} is too small")
        draw.shuffle(indices)
        train += indices[:shots]
        test += indices[shots:]
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
}

CHOSEN = "torch.randperm(len(choices), generator=generator)[:shots]"
REFUSAL = """        if len(choices) <= shots:
            raise ValueError("too few")
"""
LAST = "    return train, test"
BY_IMAGE = [
    (f"        chosen = choices[{CHOSEN}]\n", ""),
    (
        "        train += [members[groups[members] == group][0] for group in chosen]",
        "        train += list(members[torch.randperm(len(members), generator=generator)[:shots]])",
    ),
]
OTHERS = [("torch.isin(groups, groups[train])", "torch.isin(torch.arange(len(groups)), train)")]
EDITS = {
    "groups_ignored": [*BY_IMAGE, *OTHERS],
    "copies_in_test": OTHERS,
    "copies_in_training": BY_IMAGE,
    "whole_groups": [("[members[groups[members] == group][0] for", "[m for m in members if groups[m] in chosen] #")],
    "seed_ignored": [("manual_seed(seed)", "manual_seed(0)")],
    "global_seed": [(", generator=generator", "")],
    "with_replacement": [(CHOSEN, "torch.randint(len(choices), (shots,), generator=generator)")],
    "parts_swapped": [("return train, test", "return test, train")],
    "shots_in_all": [("[:shots]", "[:shots // len(targets.unique()) or 1]")],
    "places_in_class": [
        (LAST, "    return torch.stack([(targets[:index] == targets[index]).sum() for index in train]), test")
    ],
    "as_many_for_test": [
        (LAST, "    return train, torch.cat([test[targets[test] == label][:shots] for label in targets.unique()])")
    ],
    "not_refused": [(REFUSAL, "")],
}

WRONG = {
    **{hint_id: edited(FEW_SHOT_SPLIT, *edits) for hint_id, edits in EDITS.items()},
    "not_by_class": """
def few_shot_split(targets, groups, shots, seed=0):
    choices = groups.unique()
    order = torch.randperm(len(choices), generator=torch.Generator().manual_seed(seed))
    chosen = choices[order[: shots * len(targets.unique())]]
    train = torch.tensor([groups.tolist().index(group) for group in chosen.tolist()])
    return train, (~torch.isin(groups, chosen)).nonzero().flatten()
""",
    "same_share": """
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
}

AGAIN = {
    "refused one too late": ("not_refused", edited(FEW_SHOT_SPLIT, ("<= shots", "< shots"))),
    "prints and goes on": ("not_refused", edited(FEW_SHOT_SPLIT, ('raise ValueError("too few")', 'print("too few")'))),
    "groups not looked at, and nothing refused": (
        "groups_ignored",
        edited(FEW_SHOT_SPLIT, *BY_IMAGE, *OTHERS, (REFUSAL, "")),
    ),
}

UNKNOWN = {
    "a column of indices": edited(FEW_SHOT_SPLIT, ("return train, test", "return train[:, None], test[:, None]")),
    "one image too many": edited(FEW_SHOT_SPLIT, ("[:shots]", "[:shots + 1]")),
    "another seed where none is given": edited(FEW_SHOT_SPLIT, ("seed=0", "seed=1")),
}
