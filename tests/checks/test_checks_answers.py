"""Every check against the answers in tests/answers: right ones pass, each mistake is named, the rest is admitted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import answers
import pytest
import torch
from checks_helpers import assert_found, assert_verdict
from torch import nn

from resnet_course import checks

ANSWERS = answers.load()
NAMES = list(checks.EXERCISES)
SECONDS = 5  # of the processor, for one check
OTHER_THINGS = (None, "text", [1], dict, nn.Identity(), lambda *arguments: None)


def each(kind: str) -> pytest.MarkDecorator:
    """Run the test for every answer of this kind, of all exercises."""
    found = [
        pytest.param(name, way, source, id=f"{name}: {way}")
        for name, known in ANSWERS.items()
        for way, source in getattr(known, kind).items()
    ]
    return pytest.mark.parametrize(("name", "way", "source"), found)


for_each_exercise = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def in_float64() -> Iterator[None]:
    """The default dtype that a cell somewhere above the exercise has set."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def quick() -> Iterator[None]:
    """The test must not keep the processor for longer than a check may."""
    started = time.process_time()
    yield
    assert time.process_time() - started < SECONDS


# --- The table itself -----------------------------------------------------------------------------------------------


def test_every_exercise_has_its_answers() -> None:
    assert set(ANSWERS) == set(NAMES)
    assert sum(len(known.right) for known in ANSWERS.values()) >= 60
    assert sum(len(known.wrong) for known in ANSWERS.values()) >= 150


@for_each_exercise
def test_an_exercise_has_enough_answers(name: str) -> None:
    known = ANSWERS[name]
    assert len(known.right) >= 3
    assert len(known.wrong) >= (20 if name == "basic_block" else 6)
    assert known.unknown


@for_each_exercise
def test_the_mistakes_are_those_of_the_check_and_each_has_its_own_hint(name: str) -> None:
    mistakes = checks.EXERCISES[name].mistakes
    assert set(ANSWERS[name].wrong) == {mistake.id for mistake in mistakes}
    assert len({mistake.id for mistake in mistakes}) == len({mistake.hint for mistake in mistakes}) == len(mistakes)


# --- Right answers --------------------------------------------------------------------------------------------------


@for_each_exercise
def test_the_reference_passes(name: str) -> None:
    assert_verdict(name, checks.EXERCISES[name].reference, "passed")


@each("right")
def test_a_right_answer_passes(name: str, way: str, source: str, quick: None) -> None:
    assert_verdict(name, ANSWERS[name].make(source), "passed")


@each("right")
def test_a_right_answer_passes_where_float64_is_the_default(name: str, way: str, source: str, in_float64: None) -> None:
    assert_verdict(name, ANSWERS[name].make(source), "passed")
    assert torch.get_default_dtype() == torch.float64


# --- Mistakes -------------------------------------------------------------------------------------------------------


@each("wrong")
def test_a_mistake_is_named_as_a_learner_types_it(name: str, way: str, source: str, quick: None) -> None:
    assert_found(name, ANSWERS[name].make(source), hint_id=way)


@each("again")
def test_the_same_mistake_in_other_words(name: str, way: str, source: tuple[str, str]) -> None:
    hint_id, text = source
    assert_found(name, ANSWERS[name].make(text), hint_id)


@each("unknown")
def test_an_unknown_mistake_is_admitted(name: str, way: str, source: str) -> None:
    assert_verdict(name, ANSWERS[name].make(source), "failed", "unknown")


# --- What is no answer ----------------------------------------------------------------------------------------------


def stub(*arguments: Any, **options: Any) -> None:
    raise NotImplementedError


def broken(*arguments: Any, **options: Any) -> None:
    raise KeyError("mine")


def answer_with(name: str, function: Callable[..., None]) -> Any:
    """The function in the form that this check takes."""
    return (function, function) if name == "checkpoint" else function


@for_each_exercise
def test_a_stub_is_not_written_yet(name: str) -> None:
    assert_verdict(name, answer_with(name, stub), "not_written")


@each("stubs")
def test_a_part_that_is_a_stub_is_not_written_yet(name: str, way: str, source: str) -> None:
    assert_verdict(name, ANSWERS[name].make(source), "not_written")


@for_each_exercise
def test_an_answer_that_raises_is_reported(name: str) -> None:
    assert_verdict(name, answer_with(name, broken), "crashed", "unknown")


@each("crashing")
def test_an_answer_that_raises_somewhere_is_reported(name: str, way: str, source: str) -> None:
    assert_verdict(name, ANSWERS[name].make(source), "crashed", "unknown")


@pytest.mark.parametrize("thing", OTHER_THINGS, ids=lambda thing: getattr(thing, "__name__", str(thing)))
@for_each_exercise
def test_other_things_are_reported(name: str, thing: Any) -> None:
    assert checks.verdict(name, thing).status in ("failed", "crashed")
