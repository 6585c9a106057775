"""The exercises of lesson 06: right answers in several styles, and every known mistake as a learner would type it."""

import pytest
from checks_helpers import assert_found, assert_verdict, edited, make

from resnet_course import checks

EVALUATE = """
def evaluate(model, dataloader, loss_fn):
    loss_sum, correct, samples = 0.0, 0, 0
    model.eval()
    with torch.no_grad():
        for images, targets in dataloader:
            logits = model(images)
            loss_sum += loss_fn(logits, targets).item() * len(targets)
            correct += (logits.argmax(1) == targets).sum().item()
            samples += len(targets)
    return loss_sum / samples, correct / samples
"""

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

CHECKPOINT = """
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)

def load_checkpoint(path, model, optimizer):
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]

pair = (save_checkpoint, load_checkpoint)
"""

SOURCES = {"evaluate": EVALUATE, "fair_split": FAIR_SPLIT, "checkpoint": CHECKPOINT}
OBJECTS = {"checkpoint": "pair"}

RIGHT = {
    "evaluate": [
        EVALUATE,
        # tensors, a decorator, and the mode put back
        """
@torch.no_grad()
def evaluate(model, dataloader, loss_fn):
    was_training = model.training
    model.eval()
    losses, hits = [], []
    for images, targets in dataloader:
        logits = model(images)
        losses += [loss_fn(logits, targets)] * len(targets)
        hits.append(logits.softmax(1).max(1).indices == targets)
    model.train(was_training)
    return torch.stack(losses).mean(), torch.cat(hits).float().mean()
""",
        # all logits first, one loss at the end
        """
def evaluate(model, dataloader, loss_fn):
    model.eval()
    with torch.inference_mode():
        outputs = [(model(x), y) for x, y in dataloader]
    logits = torch.cat([o for o, _ in outputs])
    targets = torch.cat([y for _, y in outputs])
    return [loss_fn(logits, targets).item(), (logits.argmax(dim=-1) == targets).float().mean().item()]
""",
    ],
    "fair_split": [
        FAIR_SPLIT,
        # plain Python with its own random numbers
        """
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
        # every k-th place after shuffling within the classes, NumPy
        """
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
    ],
    "checkpoint": [
        CHECKPOINT,
        # a list in the file
        """
def save(path, model, optimizer, epoch):
    torch.save([epoch, model.state_dict(), optimizer.state_dict()], str(path))

def load(path, model, optimizer):
    epoch, weights, memory = torch.load(str(path), weights_only=True, map_location="cpu")
    model.load_state_dict(weights)
    optimizer.load_state_dict(memory)
    return int(epoch)

pair = [save, load]
""",
        # through an open file
        """
def save_checkpoint(path, model, optimizer, epoch):
    state = dict(epoch=epoch, weights=model.state_dict(), adam=optimizer.state_dict())
    with open(path, "wb") as file:
        torch.save(state, file)

def load_checkpoint(path, model, optimizer):
    with open(path, "rb") as file:
        state = torch.load(file, weights_only=True)
    optimizer.load_state_dict(state["adam"])
    model.load_state_dict(state["weights"])
    return state["epoch"]

pair = (save_checkpoint, load_checkpoint)
""",
    ],
}

ENDS = "    return loss_sum / samples, correct / samples"
LAST = "    return in_training.nonzero().flatten(), validation"
RETURN = '    return state["epoch"]'
WRONG = {
    "evaluate": {
        "no_eval_mode": [("    model.eval()\n", "    model.train()\n")],
        "gradients_recorded": [("with torch.no_grad()", "with torch.enable_grad()")],
        "per_batch_means": [
            (" * len(targets)", ""),
            ("(logits.argmax(1) == targets).sum()", "(logits.argmax(1) == targets).float().mean()"),
            ("samples += len(targets)", "samples += 1"),
        ],
        "loss_not_weighted": [(" * len(targets)", "")],
        "last_batch_only": [
            ("            logits =", "            loss_sum, correct, samples = 0.0, 0, 0\n            logits =")
        ],
        "accuracy_is_count": [("correct / samples", "correct")],
        "accuracy_in_percent": [("correct / samples", "100 * correct / samples")],
        "swapped": [(ENDS, "    return correct / samples, loss_sum / samples")],
        "loss_only": [(ENDS, "    return loss_sum / samples")],
        "error_instead_of_accuracy": [("correct / samples", "1 - correct / samples")],
        "softmax_before_loss": [("model(images)", "model(images).softmax(1)")],
        "still_learning": [
            ("with torch.no_grad()", "with torch.enable_grad()"),
            ("            correct +=", "            loss_fn(logits, targets).backward()\n"
             "            with torch.no_grad():\n                for p in model.parameters():\n"
             "                    p -= 0.1 * p.grad\n            correct +="),
        ],
        "returns_nothing": [(ENDS, "")],
    },
    "fair_split": {
        "train_keeps_validation": [(LAST, "    return torch.arange(len(targets)), validation")],
        "not_shuffled": [
            (LAST, "    cut = round((1 - fraction) * len(targets))\n"
             "    return torch.arange(cut), torch.arange(cut, len(targets))")
        ],
        "not_stratified": [
            (LAST, "    order = torch.randperm(len(targets), generator=generator)\n"
             "    return order[round(fraction * len(targets)):], order[: round(fraction * len(targets))]")
        ],
        "seed_ignored": [("manual_seed(seed)", "manual_seed(0)")],
        "global_seed": [(", generator=generator", "")],
        "parts_swapped": [(LAST, "    return validation, in_training.nonzero().flatten()")],
        "images_lost": [("flatten(), validation", "flatten()[:-5], validation")],
        "with_replacement": [
            (LAST, "    again = torch.randint(0, len(validation), (len(validation),), generator=generator)\n"
             "    return in_training.nonzero().flatten(), validation[again]")
        ],
        "same_count_for_each_class": [
            ("round(fraction * len(members))", "round(fraction * len(targets) / len(targets.unique()))")
        ],
        "random_and_global_seed": [
            (LAST, "    order = torch.randperm(len(targets))\n"
             "    return order[round(fraction * len(targets)):], order[: round(fraction * len(targets))]")
        ],
    },
    "checkpoint": {
        "optimizer_forgotten": [
            (', "optimizer": optimizer.state_dict()', ""),
            ('    optimizer.load_state_dict(state["optimizer"])\n', ""),
        ],
        "optimizer_not_loaded": [('    optimizer.load_state_dict(state["optimizer"])\n', "")],
        "whole_model_saved": [
            ('"model": model.state_dict()', '"model": model'),
            ("weights_only=True", "weights_only=False"),
            ('state["model"]', 'state["model"].state_dict()'),
        ],
        "code_allowed": [("weights_only=True", "weights_only=False")],
        "weights_not_loaded": [('    model.load_state_dict(state["model"])\n', "")],
        "nothing_loaded": [
            ('    model.load_state_dict(state["model"])\n', ""),
            ('    optimizer.load_state_dict(state["optimizer"])\n', ""),
        ],
        "epoch_not_returned": [(RETURN, "")],
        "epoch_off_by_one": [(RETURN, RETURN + " + 1")],
        "state_returned": [(RETURN, "    return state")],
        "nothing_saved": [("    torch.save({", "    return ({")],
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "number"), [(name, i) for name in RIGHT for i in range(len(RIGHT[name]))])
def test_right_answers_pass(name, number):
    assert_verdict(name, make(RIGHT[name][number], OBJECTS.get(name, name)), "passed")


@pytest.mark.parametrize(("name", "hint_id"), [(name, hint_id) for name in WRONG for hint_id in WRONG[name]])
def test_every_mistake_as_typed_gets_its_own_hint(name, hint_id):
    source = edited(SOURCES[name], *WRONG[name][hint_id])
    assert_found(name, make(source, OBJECTS.get(name, name)), hint_id)


@pytest.mark.parametrize("name", WRONG)
def test_the_table_and_the_typed_mistakes_are_the_same(name):
    assert set(WRONG[name]) == {mistake.id for mistake in checks.EXERCISES[name].mistakes}


def stub(*arguments, **options):
    raise NotImplementedError


def broken(*arguments, **options):
    raise KeyError("logits")


@pytest.mark.parametrize("name", WRONG)
def test_stubs_and_strange_objects_are_reported(name):
    assert_verdict(name, (stub, stub) if name == "checkpoint" else stub, "not_written")
    for strange in (None, 3, "text", broken, (broken, broken), lambda *arguments: None, lambda: 1):
        assert checks.verdict(name, strange).status in ("failed", "crashed")


def test_an_unknown_mistake_is_admitted():
    answer = make(edited(EVALUATE, ("return loss_sum / samples", "return loss_sum / 7")), "evaluate")
    assert_verdict("evaluate", answer, "failed", "unknown")
