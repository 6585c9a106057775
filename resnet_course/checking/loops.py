"""What is seen of a loop over batches: what each batch counts, what the loss function gets, what the steps use."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from resnet_course.checking.seen import Seen
from resnet_course.checking.values import as_number, close

BATCHES = (8, 8, 3)  # images in each batch, 19 in all
SWAPPED = "the targets in the place of the logits"
SIZES = "8, 8 and 3 images"
Run = Callable[[nn.Module, "DataLoader[Any]", Callable[..., Tensor]], Any]


class Told(nn.Module):
    """A model that is told what to answer: its logits are its images."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Shape: (N, 3, 1, 1) -> (N, 3)."""
        return x.flatten(1) * self.scale


def loss_of_wrong(logits: Tensor, targets: Tensor) -> Tensor:
    """A mean over the batch like any loss: 1 for a right answer, 2 for a wrong one."""
    wrong = (logits.argmax(dim=1) != targets).float().mean()
    return 1 + wrong + 0 * logits.sum()


def see_shares(run: Run) -> Iterator[Seen]:
    """The mean loss and the accuracy if no answer is right, those of one batch, or all of them."""
    targets = torch.arange(sum(BATCHES)) % 3
    batch_of = torch.tensor([place for place, size in enumerate(BATCHES) for _ in range(size)])
    results = []
    for chosen in ((), (0,), (1,), (2,), (0, 1, 2)):
        right = torch.isin(batch_of, torch.tensor(chosen, dtype=torch.long))
        logits = F.one_hot(torch.where(right, targets, (targets + 1) % 3), 3).float()
        loader = DataLoader(TensorDataset(logits.view(-1, 3, 1, 1), targets), batch_size=BATCHES[0])
        result = run(Told(), loader, loss_of_wrong)
        results.append([as_number(value) for value in result] if isinstance(result, (list, tuple)) else [])
    if not all(len(result) == 2 and all(isinstance(v, (int, float)) for v in result) for result in results):
        return
    what = f"for batches of {SIZES}, what counts in"
    for number, name, sign in ((0, "the mean loss", -1), (1, "the accuracy", 1)):
        shares = [sign * (result[number] - results[0][number]) for result in results[1:4]]
        yield Seen(f"{what} {name}", shares_in_words(shares))
    yield Seen("if no answer is right and each image has loss 2, the mean loss", results[0][0], explains=False)
    yield Seen("if every answer is right, the accuracy", results[4][1])


def shares_in_words(shares: Sequence[float]) -> str:
    """How much three batches of 8, 8 and 3 images count in a number.

    >>> shares_in_words([8 / 19, 8 / 19, 3 / 19])
    'each image the same, together 1'
    """
    total = sum(shares)
    if not math.isfinite(total):
        return "nothing that is a number"
    counting = [place for place, share in enumerate(shares) if abs(share) > 1e-6]
    if not counting:
        return "no batch"
    if len(counting) == 1:
        way = f"the {('first', 'second', 'last')[counting[0]]} batch alone"
    elif _proportional(shares, BATCHES):
        way = "each image the same"
    elif _proportional(shares, (1, 1, 1)):
        way = "each batch the same"
    elif abs(shares[0] - shares[1]) > 1e-6:
        return "two batches of the same size not the same"
    else:
        return "the batches in another way"
    known = [number for number in (1, -1, 19, 100, 1900, 3, 300, 3 / 19) if math.isclose(total, number, rel_tol=1e-4)]
    return f"{way}, together {known[0]:.3g}" if known else f"{way}, together something else than 1"


def _proportional(shares: Sequence[float], sizes: Sequence[int]) -> bool:
    return all(math.isclose(a / sum(shares), b / sum(sizes), rel_tol=1e-3) for a, b in zip(shares, sizes, strict=True))


def arrived(given: Any, targets: Any, logits: Sequence[Tensor]) -> str:
    """What a loss function was given, seen from what the model has given out so far."""
    if not isinstance(given, Tensor):
        return f"a {type(given).__name__}"
    if given.dim() == 0:
        return "a single number"
    if isinstance(targets, Tensor) and targets.is_floating_point() and given.dim() == 1:
        return SWAPPED
    joined = [torch.cat(list(logits[place:])) for place in range(len(logits))]
    for candidate in [*reversed(logits), *joined]:
        if candidate.dim() != 2 or len(candidate) != len(given):
            continue
        for words, function in _CHANGES.items():
            if (changed := function(candidate)).shape == given.shape and close(given, changed):
                return words
    rows = [row for batch in logits for row in batch] if given.dim() == 2 else []
    if rows and all(any(close(row, own) for own in rows) for row in given):  # of some images, as they are
        return "the logits"
    return f"something else, of shape {tuple(given.shape)}"


def told_enough(found: Sequence[str]) -> bool:
    """Whether what the loss function was given first explains an error that follows."""
    return bool(found) and found[0] in {*_CHANGES, SWAPPED} - {"the logits"}


_CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "the logits": lambda x: x,
    "their softmax": lambda x: x.softmax(1),
    "their log-softmax": lambda x: x.log_softmax(1),
    "the classes with the largest logits": lambda x: x.argmax(1),
    "the softmax over the images": lambda x: x.softmax(0),
    "their sigmoid": lambda x: x.sigmoid(),
    "the largest logits": lambda x: x.amax(1),
}


def used_in_words(used: Tensor, own: Tensor, left: Tensor) -> str:
    """Which gradient an optimizer step uses, as a row of numbers.

    Args:
        used: what stands in .grad at the step.
        own: the gradient of the last loss.
        left: what stood in .grad before it was added.
    """
    if not used.any():
        return "none"
    if own.shape != used.shape:
        return "an old one"
    if close(used, own, 1e-6):
        return "its batch's"
    if close(used, -own, 1e-6):
        return "its batch's, turned round"
    if left.any() and close(used, own + left, 1e-6):
        return "its batch's and older ones"
    if bool((used * own >= 0).all()) and bool(((own == 0) == (used == 0)).all()):
        if bool((used.abs() <= own.abs() + 1e-7).all()):
            return "its batch's, made smaller"
        if bool((used.abs() >= own.abs() - 1e-7).all()):
            return "its batch's, made larger"
    return "another one"
