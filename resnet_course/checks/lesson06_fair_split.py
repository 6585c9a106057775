"""Lesson 06, `fair_split`: training and validation images."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from resnet_course.checking.compare import Properties, properties_differ
from resnet_course.checking.core import Exercise, Mistake
from resnet_course.data import stratified_sample


def fair_split(targets: Tensor, fraction: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Indices for training and for validation; every class keeps its share in both.

    Shape:
        (N,) -> (N - round(fraction * N),) and (round(fraction * N),), up to rounding by class
    """
    validation = stratified_sample(targets, round(fraction * len(targets)), seed)
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    chosen[validation] = True
    return (~chosen).nonzero().flatten(), validation


def _indices(part: Any) -> Tensor:
    return torch.as_tensor(part).flatten().long()


def _fair(share: Tensor) -> bool:
    """12, 6 and 2 images of the three classes, one more or less for rounding."""
    return (share - torch.tensor([12, 6, 2])).abs().max().item() <= 1


def _split_properties(split: Any) -> Properties:
    """What a fair split must fulfil, in words, and whether it does."""
    targets = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)  # sorted, as folders of images are
    parts = split(targets, 0.2, 0)
    train, validation = (_indices(part) for part in parts)
    again = _indices(split(targets, 0.2, 0)[1])
    torch.manual_seed(99)  # a split that draws from the global generator changes now
    third = _indices(split(targets, 0.2, 0)[1])
    other = _indices(split(targets, 0.2, 1)[1])
    train_set, validation_set = set(train.tolist()), set(validation.tolist())
    # Several seeds: one random cut may keep the shares by luck.
    shares = [torch.bincount(targets[_indices(split(targets, 0.2, seed)[1])], minlength=3) for seed in range(8)]
    return [
        ("each part is one row of indices, of shape (n,)", all(torch.as_tensor(part).dim() == 1 for part in parts)),
        ("no image is in both parts", not train_set & validation_set),
        ("no image comes twice", len(train_set) == len(train) and len(validation_set) == len(validation)),
        ("every image is in one of the parts", train_set | validation_set == set(range(100))),
        ("the second part has the asked share, 20 of 100", abs(len(validation) - 20) <= 2),
        ("the second part is the smaller one", len(validation) < len(train)),
        ("the classes do not all give the same number", any(len(set(share.tolist())) > 1 for share in shares)),
        ("without a fraction, a tenth is for validation", abs(len(split(targets)[1]) - 10) <= 2),
        (
            "every class keeps its share in the validation part",
            all(map(_fair, shares)),
        ),
        ("the same seed gives the same split", sorted(again.tolist()) == sorted(validation.tolist())),
        ("the split does not depend on the global seed", sorted(third.tolist()) == sorted(again.tolist())),
        ("without a seed, the seed is 0", sorted(_indices(split(targets, 0.2)[1]).tolist()) == sorted(again.tolist())),
        ("another seed gives another split", sorted(other.tolist()) != sorted(validation.tolist())),
    ]


def _compare_splits(candidate: Any, implementation: Any) -> str | None:
    return properties_differ(_split_properties(candidate), _split_properties(implementation))


def _random_part(targets: Tensor, fraction: float = 0.1, seed: int | None = 0) -> tuple[Tensor, Tensor]:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    order = torch.randperm(len(targets), generator=generator)
    count = round(fraction * len(targets))
    return order[count:], order[:count]


def _with_replacement(targets: Tensor, fraction: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    train, validation = fair_split(targets, fraction, seed)
    picks = torch.randint(0, len(validation), (len(validation),), generator=torch.Generator().manual_seed(seed))
    return train, validation[picks]


def _global_seed(targets: Tensor, fraction: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    return fair_split(targets, fraction, int(torch.randint(0, 10**6, (1,))))


def _same_for_each_class(targets: Tensor, fraction: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """As many images of each class, whatever its size."""
    generator = torch.Generator().manual_seed(seed)
    labels = targets.unique()
    each = round(fraction * len(targets) / len(labels))
    members = [(targets == label).nonzero().flatten() for label in labels]
    validation = torch.cat([m[torch.randperm(len(m), generator=generator)][:each] for m in members])
    return torch.tensor([i for i in range(len(targets)) if i not in set(validation.tolist())]), validation


FAIR_SPLIT = Exercise(
    "fair_split",
    "06",
    fair_split,
    _compare_splits,
    (
        Mistake(
            "train_keeps_validation",
            lambda targets, fraction=0.1, seed=0: (torch.arange(len(targets)), fair_split(targets, fraction, seed)[1]),
            "Which images are in the training part? All images are in the training part, those for validation too. "
            "The network then trains on the images that are to measure it, and the validation accuracy says how well "
            "it remembers. Take them out of the training part.",
        ),
        Mistake(
            "not_shuffled",
            lambda targets, fraction=0.1, seed=0: (
                torch.arange(round((1 - fraction) * len(targets))),
                torch.arange(round((1 - fraction) * len(targets)), len(targets)),
            ),
            "Which classes does the validation part hold, if the files are sorted by class? The list is cut without "
            "shuffling, so validation gets only the last classes: of 60, 30 and 10 images, a fifth at the end is 10 "
            "of class 1 and all of class 2. Draw at random, class by class.",
        ),
        Mistake(
            "not_stratified",
            _random_part,
            "How many images of the rarest class are in the validation part, for several seeds? One cut through all "
            "images keeps the classes' shares only on average: of 10 images of a rare class, 0 or 5 may land in "
            "validation where it should be 2. For every class to keep its share, each has to be drawn from by itself.",
        ),
        Mistake(
            "seed_ignored",
            lambda targets, fraction=0.1, seed=0: fair_split(targets, fraction, 0),
            "What changes when another seed is given? Every seed gives the same split. The seed should decide, "
            "through the generator that draws.",
        ),
        Mistake(
            "global_seed",
            _global_seed,
            "Which generator draws the images? The global generator draws the images, so the split changes with "
            "everything that was drawn before it, such as the weights of a network. A torch.Generator of its own, set "
            "with the seed, depends on nothing else.",
        ),
        Mistake(
            "parts_swapped",
            lambda targets, fraction=0.1, seed=0: fair_split(targets, fraction, seed)[::-1],
            "Which of the two parts is the larger one? Validation comes first here, and the second part is the larger "
            "one. The caller unpacks training first and would train on a tenth of the images; `fraction` is the share "
            "of the second part.",
        ),
        Mistake(
            "images_lost",
            lambda targets, fraction=0.1, seed=0: (
                fair_split(targets, fraction, seed)[0][:-5],
                fair_split(targets, fraction, seed)[1],
            ),
            "How many images do the two parts hold together? Some images are in neither part and are never used. What "
            "is not in the validation part belongs to training.",
        ),
        Mistake(
            "with_replacement",
            _with_replacement,
            "How often can one image be in the validation part? The indices are drawn with replacement, as "
            "torch.randint does. Some images then count twice, and others that should be there are missing. Shuffle "
            "the indices and cut the list.",
        ),
        Mistake(
            "same_count_for_each_class",
            _same_for_each_class,
            "Does each class give the same number of images or the same share? Each class gives the same number of "
            "images: of 60, 30 and 10 it is 7 each, and 3 of the rare class are left for training. Each should give "
            "the same share, 12, 6 and 2.",
        ),
        Mistake(
            "random_and_global_seed",
            lambda targets, fraction=0.1, seed=0: _random_part(targets, fraction, None),
            "What does the split depend on? The split depends on the global generator and not on the seed, so it is "
            "another one each time. And one cut through all images does not keep the classes' shares. Draw class by "
            "class, with a generator that the seed sets.",
        ),
    ),
)
