"""Every exercise against its own file: right answers pass, each mistake is named, and the tables are sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from checks_helpers import assert_verdict
from torch import nn

from resnet_course import checks
from resnet_course.checking import common, slips
from resnet_course.checking.exercise import Wrong
from resnet_course.checking.judge import judge
from resnet_course.checking.spellings import pairs, respelled

FILES = Path(checks.__file__).parent
NAMES = list(checks.EXERCISES)
PAIRS = 6  # of each exercise; `python -m resnet_course checks --table` tries more, and every spelling
OTHER_THINGS = (None, "text", [1], dict, nn.Identity(), lambda *arguments: None)

for_each_exercise = pytest.mark.parametrize("name", NAMES)


def each(kind: str) -> pytest.MarkDecorator:
    """Run the test for every source of this kind, of all exercises."""
    found = [
        pytest.param(name, way, source, id=f"{name}: {way}")
        for name, exercise in checks.EXERCISES.items()
        for way, source in getattr(exercise, kind).items()
    ]
    return pytest.mark.parametrize(("name", "way", "source"), found)


@pytest.fixture
def in_float64() -> Iterator[None]:
    """The default dtype that a cell somewhere above the exercise has set."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


# --- The tables -------------------------------------------------------------------------------------------------------


def test_every_file_is_an_exercise_of_a_lesson() -> None:
    assert {path.stem for path in FILES.glob("*.py")} - {"__init__"} == set(NAMES)
    assert sum(len(exercise.wrong) for exercise in checks.EXERCISES.values()) >= 560
    assert sum(len(exercise.right) + 1 for exercise in checks.EXERCISES.values()) >= 190


def problems(wrongs: list[Wrong]) -> list[str]:
    """What is wrong with the texts of a table, in sentences."""
    found = []
    ids = [wrong.id for wrong in wrongs]
    found += [f"{name} stands twice" for name in sorted(set(ids)) if ids.count(name) > 1]
    for wrong in wrongs:
        if wrong.id in slips.HINTS:
            found.append(f"{wrong.id} is the name of a slip that all exercises share")
        if not wrong.ask.endswith("?"):
            found.append(f"{wrong.id}: what is asked is no question")
        if len(wrong.explain) < 20 or wrong.ask.rstrip("?") in wrong.explain:
            found.append(f"{wrong.id}: the explanation says nothing, or repeats the question")
        if re.search(r"\{\w*\}", wrong.ask + wrong.explain):
            found.append(f"{wrong.id}: it names a number that nobody has seen")
    texts = [wrong.ask + wrong.explain for wrong in wrongs]
    return found + (["two mistakes have the same hint"] if len(set(texts)) < len(texts) else [])


@for_each_exercise
def test_the_texts_of_a_table(name: str) -> None:
    exercise = checks.EXERCISES[name]
    assert problems(list(exercise.wrong)) == []
    assert exercise.name == name
    assert len(exercise.right) >= 3
    assert len(exercise.start) > 40
    assert not common.HINTS.keys() & slips.HINTS.keys()


def test_bad_texts_are_found_out() -> None:
    good = Wrong("one", [], "What is it?", "It is something else than it should be.")
    bad = Wrong("two", [], "What is it", "It is {seen}, and it should not be that.")
    assert problems([good]) == []
    assert problems([good, good, bad]) == [
        "one stands twice",
        "two: what is asked is no question",
        "two: it names a number that nobody has seen",
        "two mistakes have the same hint",
    ]


# --- Right answers ----------------------------------------------------------------------------------------------------


@for_each_exercise
def test_the_reference_and_the_answer_pass(name: str) -> None:
    exercise = checks.EXERCISES[name]
    assert_verdict(name, exercise.reference, "passed")
    assert_verdict(name, exercise.make(exercise.answer), "passed")


@each("right")
def test_a_right_answer_passes(name: str, way: str, source: str) -> None:
    assert_verdict(name, checks.EXERCISES[name].make(source), "passed")


@for_each_exercise
def test_right_answers_pass_where_float64_is_the_default(name: str, in_float64: None) -> None:
    exercise = checks.EXERCISES[name]
    for source in exercise.right.values():
        assert_verdict(name, exercise.make(source), "passed")
    assert torch.get_default_dtype() == torch.float64


# --- Mistakes ---------------------------------------------------------------------------------------------------------


@each("sources")
def test_a_mistake_is_named_as_a_learner_types_it(name: str, way: str, source: str) -> None:
    verdict = checks.verdict(name, checks.EXERCISES[name].make(source))
    assert verdict.status in ("failed", "crashed")
    assert verdict.hint_id == way, verdict.message
    assert verdict.message.startswith(checks.EXERCISES[name].hints[way].ask)


@each("again")
def test_the_same_mistake_typed_in_another_way(name: str, way: str, source: tuple[str, str]) -> None:
    hint_id, text = source
    assert checks.verdict(name, checks.EXERCISES[name].make(text)).hint_id == hint_id


@pytest.mark.complete
@for_each_exercise
def test_mistakes_are_named_in_other_spellings(name: str) -> None:
    """Each in one of the spellings made by a program; the spellings take turns."""
    exercise = checks.EXERCISES[name]
    ways = [way for way, text in respelled(exercise.answer) if judge(exercise, exercise.make(text)).status == "passed"]
    missed = []
    for index, (hint_id, source) in enumerate(exercise.sources.items()):
        others = [text for way, text in respelled(source) if way in ways]
        if others:
            found = judge(exercise, exercise.make(others[index % len(others)])).hint_id
            missed += [f"{hint_id}: {found}"] * (found != hint_id)
    assert len(missed) <= 0.03 * len(exercise.sources) + 1, missed


@for_each_exercise
def test_of_two_mistakes_one_is_named(name: str) -> None:
    exercise = checks.EXERCISES[name]
    tried = [(one, other, judge(exercise, exercise.make(text))) for one, other, text in pairs(exercise, PAIRS)]
    assert all(verdict.status in ("failed", "crashed") for _, _, verdict in tried)
    missed = [(one, other, verdict.hint_id) for one, other, verdict in tried if verdict.hint_id not in (one, other)]
    assert len(missed) <= max(1, len(tried) // 2), missed  # all in all nine of ten: see checks --table


@each("unknown")
def test_an_unknown_mistake_is_not_taken_for_a_known_one(name: str, way: str, source: str) -> None:
    verdict = checks.verdict(name, checks.EXERCISES[name].make(source))
    assert verdict.status in ("failed", "crashed")
    assert verdict.hint_id not in checks.EXERCISES[name].hints, verdict.message


# --- What is no answer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "found"), [(NotImplementedError, ("not_written",)), (RuntimeError, ("crashed", "unknown"))]
)
@for_each_exercise
def test_an_answer_that_raises_is_reported(name: str, error: type[Exception], found: tuple[str, ...]) -> None:
    def answer(*arguments: Any, **options: Any) -> None:
        raise error("mine")

    assert_verdict(name, (answer, answer) if name == "checkpoint" else answer, *found)


@pytest.mark.parametrize("thing", OTHER_THINGS, ids=lambda thing: getattr(thing, "__name__", str(thing)))
@for_each_exercise
def test_other_things_are_reported(name: str, thing: Any) -> None:
    assert checks.verdict(name, thing).status in ("failed", "crashed")


# --- Single ones ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["basic_block", "needs_projection"])
def test_the_thing_itself_is_asked_for(name: str) -> None:
    verdict = checks.verdict(name, "BasicBlock")
    assert (verdict.status, verdict.hint_id) == ("failed", "wrong_kind")
    assert "itself is needed" in verdict.message


def test_a_check_is_a_function_also_after_its_file_is_imported() -> None:
    assert checks.EXERCISES["basic_block"].name == "basic_block"
    assert checks.basic_block.__name__ == "basic_block"
    assert not isinstance(checks.basic_block, ModuleType)


def test_a_class_that_was_defined_anew_is_checked_anew() -> None:
    exercise = checks.EXERCISES["resnet18"]
    names: dict[str, Any] = {}
    imports = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
    exec(imports + "from resnet_course.models import *\n" + exercise.answer, names)
    assert checks.verdict("resnet18", names["ResNet18"]).status == "passed"
    right = names["ResNet"]
    names["ResNet"] = type("ResNet", (right,), {"forward": lambda self, x: 2 * right.forward(self, x)})  # another cell
    assert checks.verdict("resnet18", names["ResNet18"]).status == "failed"


def test_the_reference_of_receptive_field_knows_vgg() -> None:
    reference = checks.EXERCISES["receptive_field"].reference
    assert [reference([3] * n, [1] * n) for n in (1, 2, 3)] == [3, 5, 7]
    assert reference([], []) == 1
