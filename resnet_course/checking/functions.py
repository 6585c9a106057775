"""What is seen of a function: its result for each of some inputs, and what it did to the arguments."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor

from resnet_course.checking.modules import WrongKindError
from resnet_course.checking.seen import Observe, Seen
from resnet_course.checking.values import equal, shown


def observe_calls(name: str, cases: Sequence[tuple[Any, ...]], by_entry: bool = False) -> Observe:
    """Look at the results of a function.

    Args:
        name: of the function, for the sentences.
        cases: the arguments of each call.
        by_entry: whether the entries of a list are parts of their own.
    """

    def observe(answer: Any) -> Iterator[Seen]:
        expect_function(name, answer)
        for arguments in cases:
            given = copy.deepcopy(arguments)
            call = f"{name}({', '.join(map(shown, arguments))})"
            yield from see_result(call, answer(*given), by_entry)
            yield Seen(f"the number of tensors that {call} changes", count_changed(given, arguments))

    return observe


def see_result(call: str, result: Any, by_entry: bool) -> Iterator[Seen]:
    """The result of a call, or the entries of one by themselves."""
    if not by_entry or not isinstance(result, (list, tuple)):
        yield Seen(call, result)
        return
    yield Seen(f"{call}, the number of entries,", len(result))
    for index, entry in enumerate(result):
        yield Seen(f"{call}[{index}]", entry)


def expect_function(name: str, answer: Any) -> None:
    """Raise what is wrong with something that is not a function."""
    if not callable(answer):
        raise WrongKindError(f"the function {name} itself is needed, without brackets, and this is {shown(answer)}")


def count_changed(given: Sequence[Any], kept: Sequence[Any]) -> int:
    """How many of the tensors among the arguments are no longer what they were."""
    return sum(isinstance(one, Tensor) and not equal(one, other) for one, other in zip(given, kept, strict=True))


def default_of(function: Callable[..., Any], place: int) -> Any:
    """The default value of the argument at this place, counted from 0, or "missing"."""
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) <= place or parameters[place].default is inspect.Parameter.empty:
        return "missing"
    return parameters[place].default
