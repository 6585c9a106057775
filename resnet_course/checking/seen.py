"""What was seen of an answer, part by part, and in which parts it differs from what was seen of another one.

An exercise has one function, `observe(answer)`, that runs the answer and yields what it sees, causes before effects. It
does not know what is right: the same function looks at the reference, at every known wrong answer and at the learner's,
and what was seen is compared part by part. The first part that differs is the first difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch

from resnet_course.checking.values import differ, snapshot


@dataclass(frozen=True)
class Seen:
    """One part of what an answer does.

    Args:
        place: what it is, in words that can begin a sentence: "the mean loss of 8, 8 and 3 images".
        value: compared with float tolerance; or an object with `differences(other, place)`, see `Structure`.
        judges: whether an answer that differs here is wrong. False for how it is built, where many ways are right.
        explains: whether a difference here points at its own cause. False for what every mistake changes, such as the
            output of a network.
    """

    place: str
    value: Any
    judges: bool = True
    explains: bool = True


@dataclass(frozen=True)
class Difference:
    """One part in which an answer differs.

    Args:
        place: where, the same words for the same place.
        got: what was seen there; two answers with the same `place` and `got` went wrong in the same way.
        words: one sentence: the input, what was expected, what came.
        judges, explains: as in `Seen`.
        topic: what kind of difference, for a structure: see `graph`.
    """

    place: str
    got: Any
    words: str
    judges: bool = True
    explains: bool = True
    topic: str = ""

    def same_as(self, other: Difference) -> bool:
        """Whether the other answer went wrong in the same place in the same way."""
        return self.place == other.place and (self.got is other.got or differ(self.got, other.got, "") is None)


class Structure(Protocol):
    """A value that can differ in several places at once, such as the graph of a network."""

    def differences(self, other: Any, place: str) -> list[Difference]:
        """Where this one, an answer's, differs from the other, the reference's."""


@dataclass(frozen=True)
class Stopped:
    """The error with which an answer ended; two are alike if kind and text are."""

    error: Exception

    @property
    def text(self) -> tuple[str, str]:
        """Kind and text of the error."""
        return type(self.error).__name__, str(self.error)


Observe = Callable[[Any], Iterator[Seen]]
STOP = "the run"


class Observation:
    """What `observe` has seen of one answer, computed as far as it is asked for and kept."""

    def __init__(self, observe: Observe, answer: Any) -> None:
        self._parts = self._run(observe, answer)
        self._seen: list[Seen] = []
        self._random = torch.Generator().manual_seed(0).get_state()
        self.stopped: Stopped | None = None  # known once the end is reached

    def _run(self, observe: Observe, answer: Any) -> Iterator[Seen]:
        torch.set_grad_enabled(True)  # whatever the answer before it has left
        try:
            yield from observe(answer)
        except Exception as error:
            self.stopped = Stopped(error)
            yield Seen(STOP, self.stopped)

    def __iter__(self) -> Iterator[Seen]:
        """The parts in order, those already seen first."""
        yield from self._seen
        while (part := self._next()) is not None:
            part = replace(part, value=snapshot(part.value))
            self._seen.append(part)
            yield part

    def _next(self) -> Seen | None:
        """One more part; the numbers that an answer draws do not depend on what else was seen before."""
        outside = torch.get_rng_state()
        torch.set_rng_state(self._random)
        try:
            return next(self._parts, None)
        finally:
            self._random = torch.get_rng_state()
            torch.set_rng_state(outside)

    def complete(self) -> None:
        """See all there is to see now."""
        for _ in self:
            pass

    def differences(self, reference: Observation) -> Iterator[Difference]:
        """Where this answer differs from the reference, in the order in which the parts were seen."""
        expected = {part.place: part for part in reference}
        for part in self:
            if isinstance(part.value, Stopped):
                if reference.stopped is not None and reference.stopped.text == part.value.text:
                    return
                yield Difference(STOP, part.value.text, _error_in_words(part.value.error))
            elif part.place not in expected:
                yield Difference(part.place, part.value, f"{part.place}: this should not be there.", part.judges)
            else:
                yield from _compare(part, expected.pop(part.place).value)
        if self.stopped is None:
            for place, part in expected.items():
                if part.judges and not isinstance(part.value, Stopped):
                    yield Difference(place, None, f"{place}: there is nothing to see.", True, False, "absent")


def _compare(part: Seen, expected: Any) -> Iterator[Difference]:
    if hasattr(part.value, "differences"):
        if type(part.value) is type(expected):
            yield from part.value.differences(expected, part.place)
        return
    words = differ(part.value, expected, part.place)
    if words is not None:
        yield Difference(part.place, part.value, words, part.judges, part.explains)


def _error_in_words(error: Exception) -> str:
    said = str(error).strip()
    return f"it raised {type(error).__name__}: {said}" if said else f"it raised {type(error).__name__}."
