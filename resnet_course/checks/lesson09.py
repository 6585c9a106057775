"""The exercise of lesson 09: `few_shot_split`, a few images of each class for training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from resnet_course.checking.compare import Properties, properties_differ
from resnet_course.checking.core import Exercise, Mistake
from resnet_course.data import stratified_sample

Split = tuple[Tensor, Tensor]
# Three classes of 12, 7 and 6 images, in no order, with copies: 9, 6 and 4 different pictures.
LABELS_OF_GROUPS = (0,) * 9 + (1,) * 6 + (2,) * 4
GROUPS = (0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11, 12, 13, 14, 15, 15, 15, 16, 17, 18)
SHOTS, TOO_MANY = 3, 4  # of the last class, 3 leave one picture for the test and 4 leave none
MOST = 14  # of 19 groups; a right split draws 18 or 19 in so many seeds
SEEDS = range(12)  # several, since one draw may be right by luck


def few_shot_split(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    """Indices of `shots` training images of each class, and of the test images; no group stands on both sides.

    Shape:
        (N,) and (N,) -> (shots * classes,) and (number of images of all other groups,)

    Raises:
        ValueError: if a class has not more than `shots` groups, so that nothing is left for the test.
    """
    train = _draw(targets, groups, shots, torch.Generator().manual_seed(seed))
    return train, _outside(groups, groups[train])


def _draw(targets: Tensor, groups: Tensor, shots: int, generator: torch.Generator | None) -> Tensor:
    train = []
    for label in targets.unique():
        members = (targets == label).nonzero().flatten()
        choices = groups[members].unique()
        if len(choices) <= shots:
            raise ValueError(f"class {int(label)} has {len(choices)} different pictures")
        for group in choices[torch.randperm(len(choices), generator=generator)[:shots]]:
            train.append(members[groups[members] == group][0])
    return torch.stack(train)


def _outside(values: Tensor, taken: Tensor) -> Tensor:
    return (~torch.isin(values, taken)).nonzero().flatten()


# --- The properties -------------------------------------------------------------------------------------------------


def _example() -> tuple[Tensor, Tensor]:
    groups = torch.tensor(GROUPS)[torch.randperm(len(GROUPS), generator=torch.Generator().manual_seed(1))]
    return torch.tensor(LABELS_OF_GROUPS)[groups], groups


def _indices(part: Any) -> Tensor:
    return torch.as_tensor(part).flatten().long()


def _sorted(part: Any) -> list[int]:
    return sorted(_indices(part).tolist())


def _refuses(split: Callable[..., Any], shots: int) -> bool:
    try:
        split(*_example(), shots, 0)
    except ValueError:
        return True
    except Exception:
        return False
    return False


def _split_properties(split: Any) -> Properties:
    """What a fair split must fulfil, in words, and whether it does."""
    targets, groups = _example()
    torch.manual_seed(0)
    parts = [split(*_example(), SHOTS, seed) for seed in SEEDS]
    trains, tests = ([_indices(part) for part in side] for side in zip(*parts, strict=True))
    of_train, of_test = ([{*groups[part % len(GROUPS)].tolist()} for part in side] for side in (trains, tests))
    counts = [torch.bincount(targets[train % len(GROUPS)], minlength=3) for train in trains]
    one_shot = [_indices(part) for part in split(*_example(), 1, 0)]
    torch.manual_seed(99)  # a split that draws from the global generator changes now
    again, unsaid = (split(*_example(), SHOTS, *seed)[0] for seed in [(0,), ()])
    properties = [
        ("each part is one row of indices, of shape (n,)", all(torch.as_tensor(part).dim() == 1 for part in parts[0])),
        ("the first part is for training: with one shot the smaller one", len(one_shot[0]) < len(one_shot[1])),
        ("training holds `shots` images of each class", all((count == SHOTS).all().item() for count in counts)),
        ("all classes have as many training images", all(len({*count.tolist()}) == 1 for count in counts)),
        ("every seed gives a class the same number", len({tuple(count.tolist()) for count in counts}) == 1),
        ("with one shot, training holds one image of each class", len(one_shot[0]) == 3),
        ("no two training images are of one group", [*map(len, of_train)] == [*map(len, trains)]),
        ("no group stands in both parts", not any(a & b for a, b in zip(of_train, of_test, strict=True))),
        ("every group is in one of the parts", all(a | b == {*GROUPS} for a, b in zip(of_train, of_test, strict=True))),
        ("no image comes twice", all(len({*part.tolist()}) == len(part) for part in [*trains, *tests])),
        ("the same seed gives the same split", _sorted(again) == _sorted(trains[0])),
        ("without a seed, the seed is 0", _sorted(unsaid) == _sorted(again)),
        ("another seed gives another split", len({tuple(_sorted(train)) for train in trains}) > 1),
        ("over many seeds, most groups are drawn at some time", len(set().union(*of_train)) >= MOST),
    ]
    if all(holds for _, holds in properties):  # asked last: what else is wrong says more
        refused = _refuses(split, TOO_MANY)
        properties.append(("a class without a group left for the test raises ValueError", refused))
    return properties


def _compare_splits(candidate: Any, implementation: Any) -> str | None:
    return properties_differ(_split_properties(candidate), _split_properties(implementation))


# --- Wrong splits ---------------------------------------------------------------------------------------------------


def _members(targets: Tensor, shots: int, seed: int) -> Tensor:
    """Some images of each class, without a look at the groups."""
    generator = torch.Generator().manual_seed(seed)
    members = [(targets == label).nonzero().flatten() for label in targets.unique()]
    return torch.cat([own[torch.randperm(len(own), generator=generator)[:shots]] for own in members])


def _same_share(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    """As many as `shots` of each class in all, but each class with its share."""
    choices = groups.unique()
    firsts = torch.stack([(groups == group).nonzero().flatten()[0] for group in choices])
    labels = targets[firsts]
    train = firsts[stratified_sample(labels, shots * len(labels.unique()), seed)]
    return train, _outside(groups, groups[train])


def _groups_ignored(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    train = _members(targets, shots, seed)
    return train, _outside(torch.arange(len(targets)), train)


def _copies_in_training(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    train = _members(targets, shots, seed)
    return train, _outside(groups, groups[train])


def _copies_in_test(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    train, _ = few_shot_split(targets, groups, shots, seed)
    return train, _outside(torch.arange(len(targets)), train)


def _whole_groups(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    train, test = few_shot_split(targets, groups, shots, seed)
    return torch.isin(groups, groups[train]).nonzero().flatten(), test


def _not_by_class(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    chosen = groups.unique()
    order = torch.randperm(len(chosen), generator=torch.Generator().manual_seed(seed))
    taken = chosen[order[: shots * len(targets.unique())]]
    train = torch.stack([(groups == group).nonzero().flatten()[0] for group in taken])
    return train, _outside(groups, groups[train])


def _shots_in_all(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    return few_shot_split(targets, groups, max(1, shots // len(targets.unique())), seed)


def _seed_ignored(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    return few_shot_split(targets, groups, shots, 0)


def _global_seed(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    train = _draw(targets, groups, shots, None)
    return train, _outside(groups, groups[train])


def _places_in_class(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    train, test = few_shot_split(targets, groups, shots, seed)
    return torch.tensor([int((targets[:index] == targets[index]).sum()) for index in train]), test


def _as_many_for_test(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    train, test = few_shot_split(targets, groups, shots, seed)
    return train, torch.cat([test[targets[test] == label][:shots] for label in targets.unique()])


def _with_replacement(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    train, _ = few_shot_split(targets, groups, shots, seed)
    generator = torch.Generator().manual_seed(seed)
    train = torch.cat([own[torch.randint(0, shots, (shots,), generator=generator)] for own in train.split(shots)])
    return train, _outside(groups, groups[train])


def _not_refused(targets: Tensor, groups: Tensor, shots: int, seed: int = 0) -> Split:
    room = min(len(groups[targets == label].unique()) for label in targets.unique()) - 1
    return few_shot_split(targets, groups, min(shots, room), seed)


_WRONG: dict[str, tuple[Callable[..., Split], str]] = {
    "groups_ignored": (
        _groups_ignored,
        "What becomes of the copy of a picture that is drawn for training? `groups` is not looked at, so a copy of a "
        "training picture can be in the test. The network has seen the answer, and the error looks smaller than it "
        "is. Draw groups and not images, and keep the other images of a drawn group out of the test.",
    ),
    "copies_in_test": (
        _copies_in_test,
        "Which images are in the test: those that are not in training, or those whose group is not? Training holds "
        "one image of each drawn group, but the other images of these groups are in the test. They show the same "
        "thing. Leave out every image whose group was drawn.",
    ),
    "copies_in_training": (
        _copies_in_training,
        "How many different pictures are among the training images? The test is free of copies, but training is not: "
        "two images of one group can be drawn, and then the network learns from fewer pictures than `shots`. Draw "
        "from the groups of a class, and take one image of each.",
    ),
    "whole_groups": (
        _whole_groups,
        "How many training images come from a group of three copies? All images of a drawn group are in training, so "
        "some classes have more than `shots` images there. Take one image of each drawn group, and leave the others "
        "out of both parts.",
    ),
    "not_by_class": (
        _not_by_class,
        "How many training images does each class get, for several seeds? The pictures are drawn from all classes "
        "together, so one class gets more and another may get none. Draw from each class by itself.",
    ),
    "same_share": (
        _same_share,
        "Does each class give the same number of images or the same share? Each class gives its share here, so the "
        "large class has the most training images, as in fair_split. With few shots, each class gets the same number.",
    ),
    "shots_in_all": (
        _shots_in_all,
        "Is `shots` the number for each class or for all classes together? The shots are divided among the classes "
        "here. `shots` counts the images of one class: with 3 shots and 3 classes, 9 images are for training.",
    ),
    "seed_ignored": (
        _seed_ignored,
        "What changes when another seed is given? Every seed draws the same images. With so few images it matters "
        "which ones are drawn, and only several seeds show how much. Shuffle with a generator that the seed sets.",
    ),
    "global_seed": (
        _global_seed,
        "Which generator draws the images? The global generator draws them, so the split changes with everything that "
        "was drawn before it, such as the weights of a network. A torch.Generator of its own, set with the seed, "
        "depends on nothing else.",
    ),
    "with_replacement": (
        _with_replacement,
        "How often can one image be drawn? The images are drawn with replacement, as torch.randint does, so one may "
        "be in training twice. Shuffle the groups of a class and take the first ones.",
    ),
    "parts_swapped": (
        lambda targets, groups, shots, seed=0: few_shot_split(targets, groups, shots, seed)[::-1],
        "Which part comes first? The test images come first here. The caller unpacks training first, and would train "
        "on nearly all images.",
    ),
    "places_in_class": (
        _places_in_class,
        "To which list do the indices of the training part belong? They count the images of their class only: index 0 "
        "is the first image of the class and not of the whole list. The members of a class are places in the whole "
        "list; choose among these.",
    ),
    "as_many_for_test": (
        _as_many_for_test,
        "What happens to the images that are in neither part? The test has as few images as the training, and the "
        "others are used for nothing. An error measured on a handful of images is hardly a number: test on all that "
        "are left.",
    ),
    "not_refused": (
        _not_refused,
        "What does the function do with a class that has 4 different pictures, if 4 are asked for training? It goes "
        "on, and for this class nothing is left for the test, or fewer images than promised are in training. Raise "
        "ValueError where a class has not more than `shots` groups.",
    ),
}

FEW_SHOT_SPLIT = Exercise(
    "few_shot_split",
    "09",
    few_shot_split,
    _compare_splits,
    tuple(Mistake(name, implementation, hint) for name, (implementation, hint) in _WRONG.items()),
)

EXERCISES = (FEW_SHOT_SPLIT,)
