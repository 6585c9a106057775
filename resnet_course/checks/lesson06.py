"""The exercises of lesson 06: evaluate, fair split, checkpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checks.compare import differ
from resnet_course.checks.core import Exercise, Mistake
from resnet_course.data import stratified_sample
from resnet_course.training import evaluate, load_state, save_state

# --- evaluate -----------------------------------------------------------------------------------------------------


class _Spy(nn.Module):
    """A small classifier with batch norm and dropout that notes how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
        self.with_gradients = False

    def forward(self, x: Tensor) -> Tensor:
        self.with_gradients |= torch.is_grad_enabled()
        return self.layers(x)


def _evaluation_batches() -> list[tuple[Tensor, Tensor]]:
    """Uneven on purpose: 8, 8 and 3 images, the last ones all of one class."""
    generator = torch.Generator().manual_seed(7)
    images = torch.randn(19, 3, 2, 2, generator=generator)
    targets = torch.randint(0, 3, (19,), generator=generator)
    targets[16:] = 2
    images[16:] += 3
    return list(zip(images.split(8), targets.split(8), strict=True))


def _compare_evaluations(candidate: Any, implementation: Any) -> str | None:
    torch.manual_seed(3)
    mine, expected = _Spy(), _Spy()
    expected.layers[2].running_mean.uniform_(-1, 1)
    expected.layers[2].running_var.uniform_(0.5, 2)
    mine.load_state_dict(expected.state_dict())
    before = {name: tensor.clone() for name, tensor in mine.state_dict().items()}
    results = []
    for function, model in ((candidate, mine), (implementation, expected)):
        torch.manual_seed(4)  # of the dropout, should somebody leave it on
        results.append(function(model, _evaluation_batches(), F.cross_entropy))
    difference = differ(results[0], results[1], "(loss, accuracy)")
    if difference is not None:
        return difference
    changed = [_changed(model, before) for model in (mine, expected)]
    if changed[0] != changed[1]:
        return f"the evaluation changed the model: {changed[0]}." if changed[0] else "the model should have changed."
    if mine.with_gradients != expected.with_gradients:
        return (
            "the forward pass recorded gradients, which costs time and memory."
            if mine.with_gradients
            else "no gradients"
        )
    return None


def _changed(model: nn.Module, before: dict[str, Tensor]) -> str:
    names = [name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])]
    return ", ".join(names[:2])


def _evaluation(
    eval_mode: bool = True,
    per_batch: bool = False,
    loss_weight: Callable[[int], float] = float,
    post: Callable[[float, float, int], Any] = lambda loss, accuracy, samples: (loss, accuracy),
    transform: Callable[[Tensor], Tensor] = lambda logits: logits,
    predict: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(1),
    last_only: bool = False,
    gradients: bool = False,
    learn: bool = False,
) -> Callable[..., Any]:
    """An `evaluate` with one thing changed."""

    def wrong(model: nn.Module, dataloader: Any, loss_fn: Any) -> Any:
        model.train(not eval_mode)
        loss_sum, correct, samples, batches, accuracy_sum = 0.0, 0, 0, 0, 0.0
        with torch.set_grad_enabled(gradients or learn):
            for images, targets in dataloader:
                if last_only:
                    loss_sum, correct, samples, batches, accuracy_sum = 0.0, 0, 0, 0, 0.0
                logits = transform(model(images))
                loss = loss_fn(logits, targets)
                if learn:
                    loss.backward()
                    with torch.no_grad():
                        for parameter in model.parameters():
                            parameter -= 0.1 * parameter.grad
                hits = (predict(logits) == targets).sum().item() if predict(logits).shape == targets.shape else 0
                loss_sum += loss.item() * (1 if per_batch else loss_weight(len(targets)))
                correct += hits
                accuracy_sum += hits / len(targets)
                samples += len(targets)
                batches += 1
        if per_batch:
            return post(loss_sum / batches, accuracy_sum / batches, samples)
        return post(loss_sum / samples, correct / samples, samples)

    return wrong


EVALUATE = Exercise(
    "evaluate",
    "06",
    evaluate,
    _compare_evaluations,
    (
        Mistake(
            "no_eval_mode",
            _evaluation(eval_mode=False),
            "Which mode is the model in? Without model.eval(), dropout drops and batch norm uses the batch's own "
            "statistics (and changes the stored ones).",
        ),
        Mistake(
            "gradients_recorded",
            _evaluation(gradients=True),
            "Who needs the gradients here? Nobody: without torch.no_grad() every batch stores what a backward "
            "pass would need.",
        ),
        Mistake(
            "per_batch_means",
            _evaluation(per_batch=True),
            "Does every batch count the same? The last one is smaller: weight each batch by its number of samples.",
        ),
        Mistake(
            "loss_not_weighted",
            _evaluation(loss_weight=lambda count: 1.0),
            "The loss of a batch is a mean. What must it be multiplied by before you add it up and divide by the "
            "number of samples?",
        ),
        Mistake(
            "last_batch_only",
            _evaluation(last_only=True),
            "Which batches are in the result? Only the last one: are the sums set to zero inside the loop?",
        ),
        Mistake(
            "accuracy_is_count",
            _evaluation(post=lambda loss, accuracy, n: (loss, round(accuracy * n))),
            "Is the accuracy a share between 0 and 1? This is the number of right answers; divide by the number "
            "of samples.",
        ),
        Mistake(
            "accuracy_in_percent",
            _evaluation(post=lambda loss, accuracy, n: (loss, 100 * accuracy)),
            "Is the accuracy a share between 0 and 1? This one is in percent.",
        ),
        Mistake(
            "swapped",
            _evaluation(post=lambda loss, accuracy, n: (accuracy, loss)),
            "In which order come the two results? First the loss, then the accuracy.",
        ),
        Mistake(
            "loss_only",
            _evaluation(post=lambda loss, accuracy, n: loss),
            "How many results are asked for? Two: loss and accuracy.",
        ),
        Mistake(
            "error_instead_of_accuracy",
            _evaluation(post=lambda loss, accuracy, n: (loss, 1 - accuracy)),
            "Share of right or of wrong answers? This is the error; the accuracy is asked for.",
        ),
        Mistake(
            "softmax_before_loss",
            _evaluation(transform=lambda logits: logits.softmax(1)),
            "What does cross-entropy take? Logits: it applies the softmax itself, so here it is applied twice.",
        ),
        Mistake(
            "still_learning",
            _evaluation(learn=True),
            "Does measuring change the model? Here the weights move: no backward and no step in an evaluation.",
        ),
        Mistake(
            "returns_nothing",
            _evaluation(post=lambda loss, accuracy, n: None),
            "What does the function return? Nothing: is the return missing?",
        ),
    ),
)

Properties = list[tuple[str, bool]]
"""Sentences that a right answer makes true, each with whether it is."""

# --- fair_split -----------------------------------------------------------------------------------------------------


def fair_split(targets: Tensor, fraction: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Indices for training and for validation; every class keeps its share in both.

    Shape:
        (N,) -> (N - round(fraction * N),) and (round(fraction * N),), up to rounding by class
    """
    validation = stratified_sample(targets, round(fraction * len(targets)), seed)
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    chosen[validation] = True
    return (~chosen).nonzero().flatten(), validation


def _split_properties(split: Any) -> Properties:
    """What a fair split must fulfil, in words, and whether it does."""
    targets = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)  # sorted, as folders of images are
    train, validation = (torch.as_tensor(part).flatten().long() for part in split(targets, 0.2, 0))
    again = torch.as_tensor(split(targets, 0.2, 0)[1]).flatten().long()
    torch.manual_seed(99)  # a split that draws from the global generator changes now
    third = torch.as_tensor(split(targets, 0.2, 0)[1]).flatten().long()
    other = torch.as_tensor(split(targets, 0.2, 1)[1]).flatten().long()
    train_set, validation_set = set(train.tolist()), set(validation.tolist())
    share = torch.bincount(targets[validation], minlength=3) if len(validation) else torch.zeros(3)
    return [
        ("no image is in both parts", not train_set & validation_set),
        ("no image comes twice", len(train_set) == len(train) and len(validation_set) == len(validation)),
        ("every image is in one of the parts", train_set | validation_set == set(range(100))),
        ("the second part has the asked share, 20 of 100", abs(len(validation) - 20) <= 2),
        ("the classes do not all give the same number", len(set(share.tolist())) > 1),
        (
            "every class keeps its share in the validation part",
            (share - torch.tensor([12, 6, 2])).abs().max().item() <= 1,
        ),
        ("the same seed gives the same split", sorted(again.tolist()) == sorted(validation.tolist())),
        ("the split does not depend on the global seed", sorted(third.tolist()) == sorted(again.tolist())),
        ("another seed gives another split", sorted(other.tolist()) != sorted(validation.tolist())),
    ]


def _compare_splits(candidate: Any, implementation: Any) -> str | None:
    return _properties_differ(_split_properties(candidate), _split_properties(implementation))


def _properties_differ(mine: Properties, expected: Properties) -> str | None:
    """None if both lists agree; otherwise the sentences that do not hold."""
    if mine == expected:
        return None
    broken = [text for text, holds in mine if not holds]
    return f"this does not hold: {'; '.join(broken)}." if broken else "all properties hold."


def _random_part(targets: Tensor, fraction: float, seed: int | None) -> tuple[Tensor, Tensor]:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    order = torch.randperm(len(targets), generator=generator)
    count = round(fraction * len(targets))
    return order[count:], order[:count]


def _with_replacement(targets: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    train, validation = fair_split(targets, fraction, seed)
    picks = torch.randint(0, len(validation), (len(validation),), generator=torch.Generator().manual_seed(seed))
    return train, validation[picks]


def _global_seed(targets: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    return fair_split(targets, fraction, int(torch.randint(0, 10**6, (1,))))


def _same_for_each_class(targets: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
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
            lambda targets, fraction, seed: (torch.arange(len(targets)), fair_split(targets, fraction, seed)[1]),
            "Are the validation images still in the training part? Then the network has seen the answers.",
        ),
        Mistake(
            "not_shuffled",
            lambda targets, fraction, seed: (
                torch.arange(round((1 - fraction) * len(targets))),
                torch.arange(round((1 - fraction) * len(targets)), len(targets)),
            ),
            "Which classes are at the end of the list? Files come sorted by class: cut without shuffling and the "
            "validation part misses some.",
        ),
        Mistake(
            "not_stratified",
            _random_part,
            "Does every class keep its share? A random cut is right on average only; a rare class can be missing.",
        ),
        Mistake(
            "seed_ignored",
            lambda targets, fraction, seed: fair_split(targets, fraction, 0),
            "Where is the seed used? Every seed gives the same split.",
        ),
        Mistake(
            "global_seed",
            _global_seed,
            "Which generator draws? The global one: the split then changes with everything that drew before. Use "
            "torch.Generator().manual_seed(seed).",
        ),
        Mistake(
            "parts_swapped",
            lambda targets, fraction, seed: fair_split(targets, fraction, seed)[::-1],
            "Which part comes first? Training, then validation; the fraction is for validation.",
        ),
        Mistake(
            "images_lost",
            lambda targets, fraction, seed: (
                fair_split(targets, fraction, seed)[0][:-5],
                fair_split(targets, fraction, seed)[1],
            ),
            "Do the two parts together hold every image?",
        ),
        Mistake(
            "with_replacement",
            _with_replacement,
            "Can an image be drawn twice? Draw without replacement: torch.randperm, not torch.randint.",
        ),
        Mistake(
            "same_count_for_each_class",
            _same_for_each_class,
            "Should each class give the same number or the same share? With the same number a rare class is used up.",
        ),
        Mistake(
            "random_and_global_seed",
            lambda targets, fraction, seed: _random_part(targets, fraction, None),
            "Two things: the seed is not used, and the classes do not keep their shares.",
        ),
    ),
)

# --- checkpoint -----------------------------------------------------------------------------------------------------


def save_checkpoint(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    """Weights, optimizer state and epoch in one file, without code."""
    save_state({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Put model and optimizer back and return the epoch."""
    state = load_state(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]


def _trained() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(3):
        _one_step(model, optimizer)
    return model, optimizer


def _one_step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    x = torch.linspace(-1, 1, 15).view(5, 3)
    optimizer.zero_grad()
    F.cross_entropy(model(x), torch.tensor([0, 1, 1, 0, 1])).backward()
    optimizer.step()


def _checkpoint_properties(pair: Any) -> Properties:
    save, load = pair
    model, optimizer = _trained()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        save(path, model, optimizer, 7)
        facts = [("a file is written to the path", path.is_file())]
        if not path.is_file():
            return facts
        content = _content(path)
        facts.append(("the file holds data only (torch.load with weights_only=True reads it)", content is not None))
        facts.append(("the optimizer's state is in the file", content is None or _holds_optimizer(content)))
        kept = [parameter.detach().clone() for parameter in model.state_dict().values()]
        _one_step(model, optimizer)  # the run that was not interrupted
        fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        fresh_optimizer = torch.optim.Adam(fresh.parameters(), lr=0.01)
        epoch = load(path, fresh, fresh_optimizer)
    facts.append(("the optimizer gets its state back", len(fresh_optimizer.state) > 0))
    loaded = list(fresh.state_dict().values())
    facts.append(("the weights come back", all(torch.equal(a, b) for a, b in zip(loaded, kept, strict=True))))
    _one_step(fresh, fresh_optimizer)
    same = [torch.allclose(a, b) for a, b in zip(fresh.state_dict().values(), model.state_dict().values(), strict=True)]
    facts.append(("the next step is the one that would have been made: Adam's memory comes back", all(same)))
    facts.append(("the saved epoch, 7, is returned", epoch == 7))
    facts.append(("something is returned", epoch is not None))
    facts.append(("only the epoch is returned", not isinstance(epoch, dict)))
    return facts


def _content(path: Path) -> Any:
    """What is in the file, or None if it is more than data."""
    try:
        return torch.load(path, weights_only=True)
    except Exception:  # torch raises several kinds
        return None


def _holds_optimizer(content: Any) -> bool:
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, (list, tuple)) else ()
    return any(isinstance(part, dict) and "param_groups" in part for part in parts)


def _compare_checkpoints(candidate: Any, implementation: Any) -> str | None:
    if not isinstance(candidate, (tuple, list)) or len(candidate) != 2:
        return "hand over both functions: checks.checkpoint((save_checkpoint, load_checkpoint))."
    for part in candidate:
        if not callable(part):
            return f"both must be functions; {part!r} is none."
    return _properties_differ(_checkpoint_properties(candidate), _checkpoint_properties(implementation))


def _save_weights_only(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    save_state({"model": model.state_dict(), "epoch": epoch}, path)


def _load_weights_only(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    state = load_state(path)
    model.load_state_dict(state["model"])
    return state["epoch"]


def _save_objects(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    torch.save({"model": model, "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def _load_objects(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    state = torch.load(path, weights_only=False)  # the learner's own file, written a moment ago
    model.load_state_dict(state["model"].state_dict())
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]


def _load_into_nothing(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    return load_state(path)["epoch"]


def _load_optimizer_only(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    state = load_state(path)
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]


def _load_no_epoch(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    load_checkpoint(path, model, optimizer)


def _load_next_epoch(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    return load_checkpoint(path, model, optimizer) + 1


def _load_returns_state(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
    load_checkpoint(path, model, optimizer)
    return load_state(path)


def _save_nothing(path: Any, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    return None


CHECKPOINT = Exercise(
    "checkpoint",
    "06",
    (save_checkpoint, load_checkpoint),
    _compare_checkpoints,
    (
        Mistake(
            "optimizer_forgotten",
            (_save_weights_only, _load_weights_only),
            "What does Adam remember? Running means of the gradients: save optimizer.state_dict() too, or it "
            "starts anew.",
        ),
        Mistake(
            "optimizer_not_loaded",
            (save_checkpoint, _load_weights_only),
            "Is the optimizer's state loaded? It is in the file, but the optimizer does not get it.",
        ),
        Mistake(
            "whole_model_saved",
            (_save_objects, _load_objects),
            "Is this data or a pickled object? Saving the model itself stores code to run at loading time: save "
            "model.state_dict().",
        ),
        Mistake(
            "weights_not_loaded",
            (save_checkpoint, _load_optimizer_only),
            "Are the weights loaded into the model that was handed over?",
        ),
        Mistake(
            "nothing_loaded",
            (save_checkpoint, _load_into_nothing),
            "Where does the loaded state go? It is read and then dropped: load_state_dict, for model and optimizer.",
        ),
        Mistake(
            "epoch_not_returned",
            (save_checkpoint, _load_no_epoch),
            "What does load_checkpoint return? The training loop needs the epoch to know where to go on.",
        ),
        Mistake(
            "epoch_off_by_one",
            (save_checkpoint, _load_next_epoch),
            "Which epoch is returned? The saved one is asked for; the caller decides what comes next.",
        ),
        Mistake(
            "state_returned",
            (save_checkpoint, _load_returns_state),
            "What is returned? The whole state; only the epoch is asked for.",
        ),
        Mistake(
            "nothing_saved",
            (_save_nothing, load_checkpoint),
            "Is anything written to the path?",
        ),
    ),
)

EXERCISES = (EVALUATE, FAIR_SPLIT, CHECKPOINT)
