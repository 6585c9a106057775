"""How a mistake is found: the order in which it is looked for, on an exercise made for the purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from resnet_course.checking import judge as judging
from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.judge import judge
from resnet_course.checking.seen import Seen
from resnet_course.checking.spellings import pairs, respelled

ANSWER = """
def statistics(numbers):
    total = sum(numbers)
    mean = total / len(numbers)
    largest = max(numbers)
    return mean, largest
"""


def observe(answer: Any) -> Iterator[Seen]:
    for numbers in ([1.0, 2.0, 6.0], [4.0, -4.0]):
        result = answer(list(numbers))
        pair = isinstance(result, (tuple, list)) and len(result) == 2
        yield Seen(f"the result for {numbers}", (0.0, 0.0) if pair else result)
        if pair:
            yield Seen(f"the mean of {numbers}", result[0])
            yield Seen(f"the largest of {numbers}", result[1])


EXERCISE = Exercise(
    "statistics",
    lesson="00",
    defines="statistics",
    observe=observe,
    start="Add them up first.",
    answer=ANSWER,
    wrong=[
        Wrong("not_divided", [("total / len(numbers)", "total")], "What is a mean?", "The sum was not divided."),
        Wrong("smallest", [("max(numbers)", "min(numbers)")], "Which one is the largest?", "The smallest came back."),
        Wrong("mean_alone", [("mean, largest", "mean")], "How many numbers?", "One number came back."),
    ],
    right={"one line": "def statistics(numbers):\n    return [sum(numbers) / len(numbers), sorted(numbers)[-1]]"},
)


def found(*edits: tuple[str, str]) -> judging.Verdict:
    return judge(EXERCISE, EXERCISE.make(edited(ANSWER, *edits)))


def test_a_right_answer_passes_however_it_is_written() -> None:
    for source in (ANSWER, *EXERCISE.right.values(), *(text for _, text in respelled(ANSWER))):
        assert judge(EXERCISE, EXERCISE.make(source)).status == "passed"


def test_a_known_mistake_is_asked_about_with_numbers() -> None:
    verdict = found(("total / len(numbers)", "total"))
    assert (verdict.status, verdict.hint_id) == ("failed", "not_divided")
    assert verdict.message == ("What is a mean?\nWhat the check saw: The mean of [1.0, 2.0, 6.0] should be 3 and is 9.")


def test_a_second_mistake_hides_none() -> None:
    assert found(("total / len(numbers)", "total"), ("mean, largest", "mean, 17")).hint_id == "not_divided"
    tried = list(pairs(EXERCISE, 10))
    assert {frozenset(ids) for *ids, _ in tried} >= {frozenset(("not_divided", "smallest"))}
    for one, other, source in tried:
        also = {"one_for_several"} if "mean_alone" in (one, other) else set()
        assert judge(EXERCISE, EXERCISE.make(source)).hint_id in {one, other} | also


def test_the_kind_of_the_result_is_named_where_no_table_knows_it() -> None:
    assert found(("    return mean, largest", "")).hint_id == "returns_none"
    assert found(("return mean, largest", "return {'mean': mean, 'largest': largest}")).hint_id == "dict_for_list"
    assert found(("return mean, largest", "return statistics")).hint_id == "returns_function"


def test_an_error_keeps_its_whole_text_without_escape_codes() -> None:
    verdict = found(("max(numbers)", "max(numbers[9:]) if 0 else 1 / 0"))
    assert (verdict.status, verdict.hint_id) == ("crashed", "slip_division_by_zero")
    two_lines = found(("largest = max(numbers)", "raise RuntimeError('\\x1b[31mfirst\\x1b[0m\\n  second')"))
    assert "RuntimeError: first\n  second (in statistics, line 5)" in two_lines.message
    assert "\x1b" not in two_lines.message
    assert two_lines.hint_id == "unknown"


def test_a_mistake_that_nobody_knows_is_admitted_with_the_first_difference() -> None:
    verdict = found(("total / len(numbers)", "total / 7"))
    assert verdict.hint_id == "unknown"
    assert "The mean of [1.0, 2.0, 6.0] should be 3 and is 1.28571." in verdict.message


def test_a_stub_is_not_written_and_a_reference_that_stops_passes_nobody() -> None:
    assert found(("    total = sum(numbers)", "    raise NotImplementedError")).status == "not_written"

    def broken(numbers: list[float]) -> None:
        raise KeyError("no such thing")

    verdict = judge(replace(EXERCISE, reference=broken), broken)
    assert (verdict.status, verdict.hint_id) == ("crashed", "check_stopped")


def test_what_was_seen_stays_as_it_was_seen() -> None:
    def growing(answer: Any) -> Iterator[Seen]:
        numbers = torch.zeros(1)
        for round_ in (1, 2):
            answer(numbers)
            yield Seen(f"the numbers after round {round_}", [numbers])

    exercise = replace(EXERCISE, observe=growing, wrong=[], reference=lambda numbers: numbers.add_(1))
    assert judge(exercise, lambda numbers: numbers.copy_(numbers + 1)).status == "passed"
    assert "round 1" in judge(exercise, lambda numbers: numbers.add_(2)).message


@pytest.mark.parametrize("source", [[("nowhere", "x")], [("total", "sum_"), ("total", "x")]])
def test_an_edit_of_what_is_not_there_is_refused(source: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match="is not in the source"):
        Wrong("id", source, "?", "").typed(ANSWER)
