"""Lesson 08 · `load_torchvision`: torchvision's names into ours, and the weights into the model.

The model notes what its `load_state_dict` gets, so that wrong names are seen as such and not only by what they cause.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import SEED, WrongKindError
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import equal, shown
from resnet_course.models import BasicBlock, Bottleneck, ResNet

State = dict[str, Tensor]
COUNTER = "num_batches_tracked"
THEIRS = (("shortcut", "downsample"), ("linear", "fc"))  # our name, torchvision's
LEFT_OUT = ("linear.bias", "layer2.0.shortcut.0.weight", "bn1.running_var")
GROUPS: dict[str, tuple[bool, bool, bool]] = {
    "the weights of the shortcuts": (True, False, False),  # shortcut, linear layer, statistics
    "the linear layer": (False, True, False),
    "the other weights": (False, False, False),
    "the batch norms' statistics in the shortcuts": (True, False, True),
    "the other statistics of batch norms": (False, False, True),
}


class Watched(ResNet):
    """A small network that notes what is loaded into it, by whatever object of its class."""

    notes: list[tuple[Any, State, bool]]
    reads: list[int]

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """As PyTorch does it, and a note."""
        self.notes.append((self, dict(state_dict), strict))
        return super().load_state_dict(state_dict, strict, assign)

    def state_dict(self, *arguments: Any, **options: Any) -> Any:
        """As PyTorch does it, and a note."""
        self.reads.append(1)
        return super().state_dict(*arguments, **options)


Watched.__name__ = "ResNet"  # as errors name it


def _small(block: Any) -> Watched:
    torch.manual_seed(SEED)
    model = Watched(block, [1, 2], num_classes=4, stem="imagenet", width=4)
    Watched.notes, Watched.reads = [], []
    return model


def _state_of(block: Any) -> State:
    """Numbers that no new network has, under our names, from the last entry to the first: names decide, not places."""
    generator = torch.Generator().manual_seed(SEED)
    entries = _small(block).state_dict()
    return OrderedDict(
        (name, 0.5 + torch.rand(entries[name].shape, generator=generator) if COUNTER not in name else entries[name])
        for name in reversed(list(entries))
    )


def _their_name(name: str) -> str:
    for ours, theirs in THEIRS:
        name = name.replace(ours, theirs)
    return name


def observe(answer: Any) -> Iterator[Seen]:
    """Weights for two kinds of blocks; then state dicts in which one entry is missing, or one is too many."""
    if not callable(answer) or isinstance(answer, nn.Module):
        raise WrongKindError(f"the function load_torchvision itself is needed, and this is {shown(answer)}")
    for block in (BasicBlock, Bottleneck):
        yield from _see_loading(f"for a network of {block.__name__}s", answer, block)
    for name in LEFT_OUT:
        yield from _see_missing(answer, name)


def _see_loading(where: str, answer: Any, block: Any) -> Iterator[Seen]:
    right = _state_of(block)
    handed = OrderedDict((_their_name(name), tensor.clone()) for name, tensor in right.items())
    before = OrderedDict((name, tensor.clone()) for name, tensor in handed.items())
    model = _small(block)
    built = {name: tensor.clone() for name, tensor in nn.Module.state_dict(model).items()}
    result = error = None
    try:
        result = answer(model, handed)
    except Exception as raised:
        error = raised
    yield from _see_calls(where, model, right)
    changed = sorted(set(before) ^ set(handed)) or [name for name in before if not equal(handed[name], before[name])]
    yield Seen(f"{where}, how many entries of the caller's state dict are changed", min(len(changed), 1))
    if error is not None:
        raise error
    kind = "the model" if result is model else "another model" if isinstance(result, nn.Module) else result
    yield Seen(f"{where}, what comes back", kind if isinstance(kind, str) or kind is None else _name_of(kind))
    yield Seen(f"{where}, model.state_dict after the call", "a method" if _is_method(model) else "something else")
    yield Seen(f"{where}, how often model.state_dict() is called", len(Watched.reads), judges=False)
    for group, kind_of_it in GROUPS.items():
        names = [name for name in right if COUNTER not in name and _group(name) == kind_of_it]
        yield Seen(f"{where}, what {group} hold after the call", _held(model, names, right, built))


def _group(name: str) -> tuple[bool, bool, bool]:
    return "shortcut" in name, "linear" in name, "running" in name


def _name_of(value: Any) -> str:
    return f"an object of the class {type(value).__name__}"


def _is_method(model: Any) -> bool:
    return callable(model.state_dict)


def _held(model: Any, names: list[str], right: State, built: State) -> str:
    now = nn.Module.state_dict(model)
    if all(equal(now[name], right[name]) for name in names):
        return "the numbers of the state dict"
    if all(equal(now[name], built[name]) for name in names):
        return "the random numbers that they were built with"
    return "other numbers"


def _see_calls(where: str, model: Any, right: State) -> Iterator[Seen]:
    """What load_state_dict gets; a right answer may do without it, so this only explains."""
    for which, state, strict in Watched.notes[:1]:
        whose = "the model's" if which is model else "another model's"
        yield Seen(f"{where}, whose load_state_dict is called", whose, judges=False)
        yield Seen(f"{where}, strict in the call of load_state_dict", bool(strict), judges=False)
        for _, theirs in THEIRS:
            count = sum(theirs in str(name) for name in state)
            yield Seen(f"{where}, the names with `{theirs}` that load_state_dict gets", count, judges=False)
        known = {_their_name(name) for name in right} | set(right)
        others = sum(name not in known for name in state)
        yield Seen(f"{where}, the names that nobody knows among those that load_state_dict gets", others, judges=False)
        yield Seen(f"{where}, how many entries load_state_dict gets", len(state), judges=False)


def _see_missing(answer: Any, left_out: str) -> Iterator[Seen]:
    """Whether a missing entry is an error, and what load_state_dict gets then."""
    state = _state_of(BasicBlock)
    del state[left_out]
    model = _small(BasicBlock)
    said = "an error"
    try:
        answer(model, OrderedDict((_their_name(name), tensor) for name, tensor in state.items()))
        said = "no error"
    except Exception:  # any error will do
        pass
    where = f"for a state dict without `{_their_name(left_out)}`"
    for _, got, _ in Watched.notes[:1]:
        yield Seen(f"{where}, whether load_state_dict gets this entry", left_out in got, judges=False)
    further = max(0, len(Watched.notes) - 1)
    yield Seen(f"{where}, how often load_state_dict is called once more", further, judges=False)
    yield Seen(f"{where}, what happens", said)


ANSWER = """
def load_torchvision(model, state_dict):
    renamed = {}
    for name, tensor in state_dict.items():
        name = name.replace("downsample", "shortcut")
        name = name.replace("fc", "linear")
        renamed[name] = tensor
    model.load_state_dict(renamed)
    return model
"""
# fmt: off
WRONG = [
    Wrong("never_loaded", [("    model.load_state_dict(renamed)\n", "")],
          ask="Which weights does the model have after the call?",
          explain="The model still has the weights that it was built with: nothing is loaded into it, even if the "
                  "names were changed."),
    Wrong("state_dict_assigned", [
              ("    model.load_state_dict(renamed)\n", "    model.state_dict = renamed\n")],
          ask="What is `model.state_dict`: the weights, or a method?",
          explain="`state_dict` is a method that gives a dict of the weights. The assignment puts a dict in the "
                  "method's place, and the weights stay as they were. `load_state_dict` copies numbers into them."),
    Wrong("dict_of_the_model_changed", [
              ("    model.load_state_dict(renamed)\n", "    model.state_dict().update(renamed)\n")],
          ask="Does `model.state_dict()` give the model's own dict, or a new one?",
          explain="Each call of `model.state_dict()` makes a new dict. Other tensors were put under its names, and "
                  "the model, which keeps its own, still has the weights that it was built with. `load_state_dict` "
                  "copies numbers into them."),
    Wrong("copy_loaded", [
              ("def load_torchvision(model, state_dict):\n",
               "def load_torchvision(model, state_dict):\n    import copy\n    model = copy.deepcopy(model)\n")],
          ask="Which object got the weights, the model that was handed in or another one?",
          explain="Another model got the weights, a copy or a new network. Whoever called the function goes on with "
                  "the model that they handed in, and it still has random weights."),
    Wrong("not_renamed", """
def load_torchvision(model, state_dict):
    model.load_state_dict(state_dict)
    return model
""",
          ask="Which names does the error list as missing, and which as unexpected?",
          explain="In the error, missing are names with `shortcut` and `linear`, unexpected are those with "
                  "`downsample` and `fc`: the entries still have torchvision's names when they are loaded. "
                  "`text.replace(old, new)` gives a changed text and leaves the old one as it is."),
    Wrong("only_changed_entries", """
def load_torchvision(model, state_dict):
    renamed = {}
    for name, tensor in state_dict.items():
        if "downsample" in name:
            renamed[name.replace("downsample", "shortcut")] = tensor
        elif "fc" in name:
            renamed[name.replace("fc", "linear")] = tensor
    model.load_state_dict(renamed)
    return model
""",
          ask="What becomes of an entry whose name is the same on both sides?",
          explain="Only the entries that get another name are in the new dict; the error lists all others as missing. "
                  "An entry whose name fits already goes in as well, under the name that it has."),
    Wrong("old_names_kept", """
def load_torchvision(model, state_dict):
    renamed = dict(state_dict)
    for name, tensor in state_dict.items():
        renamed[name.replace("downsample", "shortcut").replace("fc", "linear")] = tensor
    model.load_state_dict(renamed)
    return model
""",
          ask="Under how many names does the new dict hold the last layer?",
          explain="The new dict has these entries twice, under the new name and under the old one, and the error "
                  "lists the old names as unexpected. An entry that is renamed must lose its old name."),
    Wrong("loaded_in_the_loop", [
              ("    model.load_state_dict(renamed)\n", "        model.load_state_dict(renamed)\n")],
          ask="How many entries does the new dict have when it is loaded?",
          explain="It is loaded inside the loop, for the first time when it has a single entry, and the error lists "
                  "all others as missing. Fill the dict first, and load it after the loop."),
    Wrong("not_renamed_and_silenced", [
              ('        name = name.replace("downsample", "shortcut")\n        name = name.replace("fc", "linear")\n',
               ""),
              ("model.load_state_dict(renamed)", "model.load_state_dict(renamed, strict=False)")],
          ask="Which entries were loaded, and which not?",
          explain="The entries of `shortcut` and `linear` were not loaded: the names are unchanged, and strict=False "
                  "passes over every name that does not fit. These layers still hold random numbers."),
    Wrong("only_linear_renamed", [('        name = name.replace("downsample", "shortcut")\n', "")],
          ask="Which names does the error still list as unexpected?",
          explain="The error still lists `downsample`, torchvision's name for the shortcut, as unexpected. Only `fc` "
                  "has been changed so far."),
    Wrong("only_shortcut_renamed", [('        name = name.replace("fc", "linear")\n', "")],
          ask="Which names does the error still list?",
          explain="`fc`, torchvision's name for the last layer, is still there as unexpected, and `linear` is "
                  "missing. Only `downsample` has been changed so far."),
    Wrong("only_linear_renamed_and_silenced", [
              ('        name = name.replace("downsample", "shortcut")\n', ""),
              ("model.load_state_dict(renamed)", "model.load_state_dict(renamed, strict=False)")],
          ask="Which layers still hold random numbers?",
          explain="The shortcuts still hold random numbers: their torchvision name, `downsample`, was not changed, "
                  "and strict=False passes over names that do not fit. With strict loading the error would list "
                  "them."),
    Wrong("only_shortcut_renamed_and_silenced", [
              ('        name = name.replace("fc", "linear")\n', ""),
              ("model.load_state_dict(renamed)", "model.load_state_dict(renamed, strict=False)")],
          ask="Which layer still holds random numbers?",
          explain="The linear layer still holds random numbers: its torchvision name, `fc`, was not changed, and "
                  "strict=False passes over names that do not fit. With strict loading the error would list them."),
    Wrong("strict_off", [("model.load_state_dict(renamed)", "model.load_state_dict(renamed, strict=False)")],
          ask="What happens if an entry is missing in the dict?",
          explain="With strict=False a missing entry is no error, and its layer keeps random numbers. The renaming "
                  "is right, so loading can be strict: then a missing entry raises an error."),
    Wrong("error_swallowed", [
              ("    model.load_state_dict(renamed)\n",
               "    try:\n        model.load_state_dict(renamed)\n    except RuntimeError:\n        pass\n")],
          ask="Who learns of it if an entry is missing in the dict?",
          explain="load_state_dict raises an error when an entry is missing, and here the error is caught and "
                  "forgotten. The caller goes on with a model that holds random numbers in one place. Let the error "
                  "through."),
    Wrong("not_strict_at_the_second_try", [
              ("    model.load_state_dict(renamed)\n",
               "    try:\n        model.load_state_dict(renamed)\n    except RuntimeError:\n"
               "        model.load_state_dict(renamed, strict=False)\n")],
          ask="What happens when the first try fails?",
          explain="When strict loading fails, a second try with strict=False passes over what does not fit, and "
                  "nobody learns of it. An entry that is missing must be an error: let the first one through."),
    Wrong("filled_up", [
              ("    model.load_state_dict(renamed)\n",
               "    own = model.state_dict()\n    own.update(renamed)\n    model.load_state_dict(own)\n")],
          ask="Where does an entry come from that the caller's dict lacks?",
          explain="The dict that is loaded starts as the model's own, so an entry that is missing is filled up with "
                  "the random numbers that the model has already, and there is no error. Load the renamed entries "
                  "alone."),
    Wrong("entry_by_entry", """
def load_torchvision(model, state_dict):
    own = model.state_dict()
    for name, tensor in state_dict.items():
        name = name.replace("downsample", "shortcut").replace("fc", "linear")
        own[name].copy_(tensor)
    return model
""",
          ask="Which of the two lists of names does the loop go through?",
          explain="The loop goes through the entries that are there, so it cannot notice one that is missing: that "
                  "layer keeps its random numbers, without an error. `load_state_dict` compares the names of both "
                  "sides."),
    Wrong("statistics_forgotten", [
              ("    model.load_state_dict(renamed)\n",
               "    for name, weight in model.named_parameters():\n        weight.data.copy_(renamed[name])\n")],
          ask="What does a batch norm keep beside weight and bias?",
          explain="Batch norm's running mean and variance are no parameters. Here only weights and biases are "
                  "loaded, so in eval mode every batch norm uses the mean 0 and the variance 1 of a new layer. Load "
                  "all entries."),
    Wrong("by_place", """
def load_torchvision(model, state_dict):
    names = list(model.state_dict())
    model.load_state_dict({name: tensor for name, tensor in zip(names, state_dict.values())})
    return model
""",
          ask="What decides which tensor goes where?",
          explain="Here the place in the dict decides: first to first, second to second. The entries may come in any "
                  "order, and two tensors of the same shape are then exchanged without an error. Only the names say "
                  "where a tensor belongs."),
    Wrong("changed_while_looping", """
def load_torchvision(model, state_dict):
    for name in state_dict.keys():
        if "downsample" in name:
            state_dict[name.replace("downsample", "shortcut")] = state_dict.pop(name)
        elif "fc" in name:
            state_dict[name.replace("fc", "linear")] = state_dict.pop(name)
    model.load_state_dict(state_dict)
    return model
""",
          ask="What happens to a dict that is changed while a loop goes through it?",
          explain="The loop goes through a dict that it changes, and Python stops with an error. It also changes the "
                  "caller's dict. Put the renamed entries into a new dict."),
    Wrong("argument_changed", """
def load_torchvision(model, state_dict):
    for name in list(state_dict.keys()):
        new = name.replace("downsample", "shortcut").replace("fc", "linear")
        if new != name:
            state_dict[new] = state_dict.pop(name)
    model.load_state_dict(state_dict)
    return model
""",
          ask="Which names does the caller's dict have after the call?",
          explain="The entries were renamed in the caller's own dict. The caller may still need torchvision's names, "
                  "so put the renamed entries into a new dict."),
    Wrong("keys_returned", [
              ("    model.load_state_dict(renamed)\n    return model\n",
               "    return model.load_state_dict(renamed)\n")],
          ask="What does `load_state_dict` return?",
          explain="`load_state_dict` returns a report of missing and unexpected names, and here that comes back. "
                  "Loading changes the model itself; hand the model back in a line of its own."),
    Wrong("state_returned", [("return model", "return renamed")],
          ask="What kind of object comes back?",
          explain="The renamed dict comes back. The loading is right, but the caller wants to go on with the model: "
                  "hand that back."),
    Wrong("nothing_returned", [("    return model\n", "")],
          ask="What does the caller get back?",
          explain="The caller gets None, because there is no `return`. The loading is right; hand the model back."),
]
# fmt: on

EXERCISE = Exercise(
    "load_torchvision",
    lesson="08",
    defines="load_torchvision",
    observe=observe,
    start="Look at a few names first: print list(state_dict)[-4:]. Then fill a new dict in a loop over "
    "state_dict.items(): the name changes, the tensor stays. `text.replace(old, new)` gives a changed text. What is "
    "left to do with the new dict, and what with the model?",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "by comprehension": """
def load_torchvision(model, state_dict):
    words = {"downsample": "shortcut", "fc": "linear"}
    new = {".".join(words.get(word, word) for word in name.split(".")): t for name, t in state_dict.items()}
    model.load_state_dict(new)
    return model
""",
        "package": """
def load_torchvision(model, state_dict):
    load_torchvision_state_dict(model, state_dict)
    return model
""",
        "tensor by tensor": """
def load_torchvision(model, state_dict):
    own = model.state_dict()
    theirs = {}
    for name in own:
        other = name.replace("shortcut", "downsample").replace("linear", "fc")
        theirs[name] = state_dict[other]
    for name, tensor in own.items():
        tensor.copy_(theirs[name])
    return model
""",
        "without the counters": """
def load_torchvision(model, state_dict):
    words = {"downsample": "shortcut", "fc": "linear"}
    new = {".".join(words.get(word, word) for word in name.split(".")): t for name, t in state_dict.items()}
    new = {name: tensor for name, tensor in new.items() if "num_batches" not in name}
    missing = model.load_state_dict(new, strict=False).missing_keys
    assert all("num_batches" in name for name in missing)
    return model
""",
        "a copy of the dict, in which entries are moved": """
def load_torchvision(model, state_dict):
    state_dict = dict(state_dict)
    for name in [name for name in state_dict if "downsample" in name or name.startswith("fc.")]:
        state_dict[name.replace("downsample", "shortcut").replace("fc.", "linear.")] = state_dict.pop(name)
    model.load_state_dict(state_dict)
    return model
""",
        "regular expressions, and no copy of the tensors": """
import re

def load_torchvision(model, state_dict):
    names = {name: re.sub("downsample", "shortcut", name) for name in state_dict}
    pairs = [(re.sub("^fc", "linear", new), state_dict[name]) for name, new in names.items()]
    model.load_state_dict(dict(pairs), strict=True, assign=True)
    return model
""",
        "the names compared first, then parameters and buffers filled": """
def load_torchvision(model, state_dict):
    ours = dict(model.named_parameters()) | dict(model.named_buffers())
    new = {k.replace("downsample", "shortcut").replace("fc", "linear"): v for k, v in state_dict.items()}
    if new.keys() != ours.keys():
        raise KeyError(f"entries that do not fit: {new.keys() ^ ours.keys()}")
    with torch.no_grad():
        for name in ours:
            ours[name].copy_(new[name])
    return model
""",
    },
    unknown={
        "doubled": edited(ANSWER, ("renamed[name] = tensor", "renamed[name] = 2 * tensor")),
    },
    again={
        "what replace gives is dropped": (
            "not_renamed",
            edited(
                ANSWER,
                ('name = name.replace("downsample", "shortcut")', 'name.replace("downsample", "shortcut")'),
                ('name = name.replace("fc", "linear")', 'name.replace("fc", "linear")'),
            ),
        ),
        "parameters alone, not strict": (
            "statistics_forgotten",
            edited(
                ANSWER,
                (
                    "model.load_state_dict(renamed)",
                    "model.load_state_dict({n: renamed[n] for n, _ in model.named_parameters()}, strict=False)",
                ),
            ),
        ),
        "into a new network": (
            "copy_loaded",
            edited(
                ANSWER,
                ("    model.load_state_dict(renamed)\n", "    import copy\n    new = copy.deepcopy(model)\n"),
                ("    return model\n", "    new.load_state_dict(renamed)\n    return new\n"),
            ),
        ),
    },
)
