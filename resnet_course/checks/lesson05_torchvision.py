"""Lesson 05, `load_torchvision`: torchvision's names into ours."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.compare import differ, randomise
from resnet_course.checking.core import Exercise, Mistake
from resnet_course.models import BasicBlock, Bottleneck, ResNet, load_torchvision_state_dict

State = dict[str, Tensor]


def load_torchvision(model: nn.Module, state_dict: State) -> nn.Module:
    """Load the weights of a torchvision ResNet into ours and return the model."""
    load_torchvision_state_dict(model, state_dict)
    return model


def compare_loaders(candidate: Any, implementation: Any) -> str | None:
    """The state that the model has afterwards; that the argument is unchanged; that a missing entry is an error."""
    for block in (BasicBlock, Bottleneck):
        state = _torchvision_state(block)
        results = [_load(function, block, state) for function in (candidate, implementation)]
        difference = _results_differ(*results)
        if difference is not None:
            return difference
    complaints = [_complains(function) for function in (candidate, implementation)]
    if complaints[0] != complaints[1]:
        return "one entry is missing in the state_dict, and nobody complains: the model keeps random numbers there."
    return None


def _small(block: type) -> ResNet:
    return ResNet(block, [1, 2], num_classes=4, stem="imagenet", width=4)


def _torchvision_state(block: type) -> State:
    """Weights under torchvision's names, from the last entry to the first: names decide, not places."""
    model = _small(block)
    randomise(model)
    state = model.state_dict()
    return OrderedDict((_their_name(name), state[name].clone()) for name in reversed(list(state)))


def _their_name(name: str) -> str:
    return name.replace("shortcut", "downsample").replace("linear", "fc")


def _our_name(name: str) -> str:
    return name.replace("downsample", "shortcut").replace("fc", "linear")


def _load(function: Callable[..., Any], block: type, state: State) -> tuple[str, State, list[str]]:
    torch.manual_seed(0)
    model = _small(block)
    handed = copy.copy(state)
    result = function(model, handed)
    if result is model:
        what = "the model"
    else:
        what = "another model" if isinstance(result, nn.Module) else f"{type(result).__name__}"
    changed = sorted(set(state) ^ set(handed))
    return what, model.state_dict(), changed


def _results_differ(mine: tuple[str, State, list[str]], expected: tuple[str, State, list[str]]) -> str | None:
    for name, tensor in expected[1].items():
        if "num_batches_tracked" not in name:
            difference = differ(mine[1][name], tensor, f"after loading, the model's {name}")
            if difference is not None:
                return difference
    return (
        differ(mine[0], expected[0], "what comes back")
        or differ(mine[2], expected[2], "the list of names that changed in the state_dict that was handed in")
    )  # fmt: skip


def _complains(function: Callable[..., Any]) -> bool:
    state = _torchvision_state(BasicBlock)
    del state["fc.bias"]
    try:
        function(_small(BasicBlock), state)
    except Exception:
        return True
    return False


# --- mistakes -------------------------------------------------------------------------------------------------------


def _loads(rename: Callable[[str], str], strict: bool = True) -> Callable[..., Any]:
    def load(model: nn.Module, state_dict: State) -> nn.Module:
        model.load_state_dict({rename(name): tensor for name, tensor in state_dict.items()}, strict=strict)
        return model

    return load


def _keys_returned(model: nn.Module, state_dict: State) -> Any:
    return model.load_state_dict({_our_name(name): tensor for name, tensor in state_dict.items()})


def _nothing_returned(model: nn.Module, state_dict: State) -> None:
    load_torchvision(model, state_dict)


def _renamed_returned(model: nn.Module, state_dict: State) -> State:
    load_torchvision(model, state_dict)
    return {_our_name(name): tensor for name, tensor in state_dict.items()}


def _never_loaded(model: nn.Module, state_dict: State) -> nn.Module:
    return model


def _copy_loaded(model: nn.Module, state_dict: State) -> nn.Module:
    return load_torchvision(copy.deepcopy(model), state_dict)


def _by_place(model: nn.Module, state_dict: State) -> nn.Module:
    model.load_state_dict(dict(zip(model.state_dict(), state_dict.values(), strict=True)))
    return model


def _parameters_only(model: nn.Module, state_dict: State) -> nn.Module:
    kept = {_our_name(name): tensor for name, tensor in state_dict.items() if name.endswith(("weight", "bias"))}
    model.load_state_dict(kept, strict=False)
    return model


def _looped_and_changed(model: nn.Module, state_dict: State) -> nn.Module:
    for name in state_dict:
        if name != _our_name(name):
            state_dict[_our_name(name)] = state_dict.pop(name)
    model.load_state_dict(state_dict)
    return model


def _argument_changed(model: nn.Module, state_dict: State) -> nn.Module:
    for name in list(state_dict):
        state_dict[_our_name(name)] = state_dict.pop(name)
    model.load_state_dict(state_dict)
    return model


LOAD_TORCHVISION = Exercise(
    "load_torchvision",
    "05",
    load_torchvision,
    compare_loaders,
    (
        Mistake(
            "never_loaded",
            _never_loaded,
            "Which weights does the model have after the call? The model still has the weights that it was built "
            "with: nothing is loaded into it, even if the names were changed.",
        ),
        Mistake(
            "copy_loaded",
            _copy_loaded,
            "Which object got the weights, the model that was handed in or another one? Another model got the "
            "weights, a copy or a new network. Whoever called the function goes on with the model that they handed "
            "in, and it still has random weights.",
        ),
        Mistake(
            "not_renamed",
            _loads(lambda name: name),
            "Which names does the error list as missing, and which as unexpected? In the error, missing are names "
            "with `shortcut` and `linear`, unexpected are those with `downsample` and `fc`: the entries still have "
            "torchvision's names. They have to be changed into ours before loading.",
        ),
        Mistake(
            "not_renamed_and_silenced",
            _loads(lambda name: name, strict=False),
            "Which entries were loaded, and which not? The entries of `shortcut` and `linear` were not loaded: the "
            "names are unchanged, and strict=False passes over every name that does not fit. These layers still hold "
            "random numbers.",
        ),
        Mistake(
            "only_linear_renamed",
            _loads(lambda name: name.replace("fc", "linear")),
            "Which names does the error still list as unexpected? The error still lists `downsample`, torchvision's "
            "name for the shortcut, as unexpected. Only `fc` has been changed so far.",
        ),
        Mistake(
            "only_shortcut_renamed",
            _loads(lambda name: name.replace("downsample", "shortcut")),
            "Which names does the error still list? `fc`, torchvision's name for the last layer, is still there as "
            "unexpected, and `linear` is missing. Only `downsample` has been changed so far.",
        ),
        Mistake(
            "only_linear_renamed_and_silenced",
            _loads(lambda name: name.replace("fc", "linear"), strict=False),
            "Which layers still hold random numbers? The shortcuts still hold random numbers: their torchvision name, "
            "`downsample`, was not changed, and strict=False passes over names that do not fit. With strict loading "
            "the error would list them.",
        ),
        Mistake(
            "only_shortcut_renamed_and_silenced",
            _loads(lambda name: name.replace("downsample", "shortcut"), strict=False),
            "Which layer still holds random numbers? The linear layer still holds random numbers: its torchvision "
            "name, `fc`, was not changed, and strict=False passes over names that do not fit. With strict loading the "
            "error would list them.",
        ),
        Mistake(
            "strict_off",
            _loads(_our_name, strict=False),
            "What happens if an entry is missing in the dict? With strict=False a missing entry is no error, and its "
            "layer keeps random numbers. The renaming is right, so loading can be strict: then a missing entry raises "
            "an error.",
        ),
        Mistake(
            "statistics_forgotten",
            _parameters_only,
            "What does a batch norm keep beside weight and bias? Batch norm's running mean and variance are no "
            "parameters. Here only weights and biases are loaded, so in eval mode every batch norm uses the mean 0 "
            "and the variance 1 of a new layer. Load all entries.",
        ),
        Mistake(
            "by_place",
            _by_place,
            "What decides which tensor goes where? Here the place in the dict decides: first to first, second to "
            "second. The entries may come in any order, and two tensors of the same shape are then exchanged without "
            "an error. Only the names say where a tensor belongs.",
        ),
        Mistake(
            "changed_while_looping",
            _looped_and_changed,
            "What happens to a dict that is changed while a loop goes through it? The loop goes through a dict that "
            "it changes, and Python stops with an error. It also changes the caller's dict. Put the renamed entries "
            "into a new dict.",
        ),
        Mistake(
            "argument_changed",
            _argument_changed,
            "Which names does the caller's dict have after the call? The entries were renamed in the caller's own "
            "dict. The caller may still need torchvision's names, so put the renamed entries into a new dict.",
        ),
        Mistake(
            "keys_returned",
            _keys_returned,
            "What does `load_state_dict` return? `load_state_dict` returns a report of missing and unexpected names, "
            "and here that comes back. Loading changes the model itself; hand the model back in a line of its own.",
        ),
        Mistake(
            "state_returned",
            _renamed_returned,
            "What kind of object comes back? The renamed dict comes back. The loading is right, but the caller wants "
            "to go on with the model: hand that back.",
        ),
        Mistake(
            "nothing_returned",
            _nothing_returned,
            "What does the caller get back? The caller gets None, because there is no `return`. The loading is right; "
            "hand the model back.",
        ),
    ),
)
