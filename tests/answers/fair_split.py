"""Answers to `fair_split`: validation images out of every class."""

from . import edited

NAME = "fair_split"

FAIR_SPLIT = """
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

RIGHT = {
    "permutation of each class": FAIR_SPLIT,
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
}

LAST = "    return in_training.nonzero().flatten(), validation"
EDITS = {
    "train_keeps_validation": [(LAST, "    return torch.arange(len(targets)), validation")],
    "not_shuffled": [
        (
            LAST,
            "    cut = round((1 - fraction) * len(targets))\n"
            "    return torch.arange(cut), torch.arange(cut, len(targets))",
        )
    ],
    "not_stratified": [
        (
            LAST,
            "    order = torch.randperm(len(targets), generator=generator)\n"
            "    return order[round(fraction * len(targets)):], order[: round(fraction * len(targets))]",
        )
    ],
    "seed_ignored": [("manual_seed(seed)", "manual_seed(0)")],
    "global_seed": [(", generator=generator", "")],
    "parts_swapped": [(LAST, "    return validation, in_training.nonzero().flatten()")],
    "images_lost": [("flatten(), validation", "flatten()[:-5], validation")],
    "with_replacement": [
        (
            LAST,
            "    again = torch.randint(0, len(validation), (len(validation),), generator=generator)\n"
            "    return in_training.nonzero().flatten(), validation[again]",
        )
    ],
    "same_count_for_each_class": [
        ("round(fraction * len(members))", "round(fraction * len(targets) / len(targets.unique()))")
    ],
    "random_and_global_seed": [
        (
            LAST,
            "    order = torch.randperm(len(targets))\n"
            "    return order[round(fraction * len(targets)):], order[: round(fraction * len(targets))]",
        )
    ],
}

WRONG = {hint_id: edited(FAIR_SPLIT, *edits) for hint_id, edits in EDITS.items()}

UNKNOWN = {
    "half of the fraction": edited(FAIR_SPLIT, ("round(fraction *", "round(fraction / 2 *")),
    "a column of indices": edited(FAIR_SPLIT, (".nonzero().flatten(), validation", ".nonzero(), validation")),
    "another seed where none is given": edited(FAIR_SPLIT, ("seed=0", "seed=1")),
}
