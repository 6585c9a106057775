"""The tool that changes the solutions in one place: which changes it makes, and what it says of them."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import mutation_run
import pytest
from mutants import mutants
from mutation_run import ALLOWED, SAME, Result, Solution, explained, judge, problems, solutions, totals

from resnet_course import checks

FAST = ["needs_projection", "flat_features", "pad_shortcut"]


def changed_lines(source: str) -> set[str]:
    return {mutant.new for mutant in mutants(source)}


def moves(source: str) -> set[tuple[str, str]]:
    return {(mutant.old, mutant.new) for mutant in mutants(source) if mutant.new.startswith("(moved")}


def function(*lines: str) -> str:
    return "\n    ".join(["def f():", *lines])


# --- Which changes are made -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("y = a + b", {"y = a - b", "y = a", "y = b"}),
        ("y = a // b", {"y = a * b", "y = a / b"}),
        ("y = a ** b", {"y = a * b"}),
        ("y = a < b", {"y = a <= b", "y = a > b"}),
        ("y = a and b", {"y = a or b", "y = a", "y = b"}),
        ("y = -a", {"y = a"}),
        ("y += a", {"y -= a", "y = a"}),
        ("y = 3", {"y = 4", "y = 2", "y = 0"}),
        ("y = True", {"y = False"}),
        ("y = a['key']", {"y = a['key_']", "y = a['']"}),
        ("y = g(a, b, c=d)", {"y = g(a, b)", "y = g(a, c=d)", "y = g(b, c=d)", "y = g(b, a, c=d)", "y = a"}),
        ("y = a.g()", {"y = a"}),
        ("y = g(a).h()", {"y = g(a)"}),
        ("y = [a, b]", {"y = [a]", "y = [b]", "y = [b, a]"}),
        ("y = {'a': b, 'c': d}", {"y = {'a': b}", "y = {'c': d}"}),
        ("y = a[1:b:c]", {"y = a[2:b:c]", "y = a[0:b:c]", "y = a[:b:c]", "y = a[1::c]", "y = a[1:b]"}),
        ("y = self.bn1(self.bn2)", {"y = self.bn1(self.bn1)", "y = self.bn2(self.bn2)"}),
        ("y = [a for a in b if a]", {"y = [a for a in b if not a]", "y = [a for a in b if True]"}),
        ("if a: b()", {"if not a:", "if True:", "if False:", "(left out)"}),
        ("for a in b: c()", {"(the first round only)", "(left out)"}),
        ("with a: b()", {"(only what stands inside)", "(left out)"}),
        ("return a", {"(left out)"}),
    ],
)
def test_a_line_is_changed(line: str, expected: set[str]) -> None:
    assert expected <= changed_lines(function(line))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(self, a, b):\n    return a", {"return b", "(left out)"}),
        ("def f(a, b=1):\n    pass", {"def f(a, b=2):", "def f(a, b=0):", "def f(a, b):"}),
        ("import a.b\ndef f(x: tuple[int, 3]) -> g(1):\n    '''Text.'''\n    y: h(2) = x", {"(left out)"}),
    ],
)
def test_arguments_take_each_others_place_defaults_change_and_annotations_stay(source: str, expected: set[str]) -> None:
    assert changed_lines(source) == expected


def test_each_mutant_differs_from_the_solution_and_from_the_others() -> None:
    source = function("a = 1 + 1", "for b in a:", "    c(b)", "return a")
    texts = [mutant.source for mutant in mutants(source)]
    assert len(set(texts)) == len(texts)
    assert all(mutant.source != source and (mutant.old, mutant.new) for mutant in mutants(source))
    for text in texts:
        compile(text, "mutant", "exec")


# --- Order ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "swapped"),
    [
        ("a = x", "b = a", True),
        ("field += jump", "jump *= stride", True),
        ("x.append(a)", "a = b", True),
        ("a = x", "b = x", False),
        ("self.conv1 = g(x)", "self.bn1 = h(x)", False),
        ("a += loss.item()", "b += logits.sum()", False),
        ("nn.init.zeros_(a.weight)", "nn.init.ones_(b.weight)", False),
        ("a = x", "return a", False),
    ],
)
def test_lines_are_swapped_if_they_depend_on_each_other(first: str, second: str, swapped: bool) -> None:
    assert moves(function(first, second)) == ({(first, f"(moved below {second})")} if swapped else set())


def test_a_call_for_its_effect_moves_to_every_place() -> None:
    step = ("optimizer.zero_grad()", "loss = loss_fn(model(x))", "loss.backward()", "optimizer.step()")
    found = moves(function(*step))
    for line, where in [
        ("optimizer.zero_grad()", "below loss.backward()"),
        ("optimizer.zero_grad()", "below optimizer.step()"),
        ("loss.backward()", "below optimizer.step()"),
        ("loss.backward()", "above optimizer.zero_grad()"),
        ("optimizer.step()", "above optimizer.zero_grad()"),
    ]:
        assert (line, f"(moved {where})") in found
    assert ("optimizer.zero_grad()", f"(moved below {step[1]})") not in found


def test_the_mode_is_set_behind_the_loop() -> None:
    found = moves(function("model.train()", "total = 0", "for x in batches:", "    total += model(x)"))
    assert ("model.train()", "(moved below for x in batches:)") in found
    assert ("model.train()", "(moved below total = 0)") not in found


# --- The solutions --------------------------------------------------------------------------------------------------


def test_every_exercise_is_found() -> None:
    assert sorted(solutions()) == sorted(checks.EXERCISES)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return s != 1 or i != e * p", "passed"),
        ("return s != 1", "failed"),
        ("raise KeyError", "raised"),
        ("raise SystemExit", "raised"),
        ("raise NotImplementedError", "raised"),
        ("while True: pass", "raised"),
    ],
)
def test_judging(body: str, found: str) -> None:
    source = f"def f(i, p, s, e=1):\n    {body}"
    assert judge(Solution("needs_projection", "", source, "f"), source, seconds=2) == found


# --- The list of survivors ------------------------------------------------------------------------------------------


def test_survivors_must_be_listed_and_listed_ones_must_survive() -> None:
    listed = explained(f"{SAME}\n\n- `a`: `x = (1, 2)` → `(left out)` — Why.\n\n{ALLOWED}\n\n- `a`: `y` → `z` — Why.")
    both = Result("a", mutants=9, killed=7, survivors=[("x = 1, 2", "(left out)"), ("y", "z")])
    assert problems([both], listed) == []
    assert totals([both], listed)["share"] == 7 / 8
    more = dataclasses.replace(both, survivors=[*both.survivors, ("new", "w")])
    assert problems([more], listed) == ["- `a`: `new` → `w` — (not explained)"]
    fewer = dataclasses.replace(both, survivors=both.survivors[:1])
    assert len(problems([fewer], listed)) == 1
    assert problems([Result("b")], listed) == []


@pytest.mark.parametrize("text", [f"{SAME}\n- `a`: no reason", "- `a`: `b` → `c` — Under no heading."])
def test_a_list_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        explained(text)


def test_a_run_of_some_exercises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mutation_run.main([*FAST, "--json", str(tmp_path / "numbers.json")]) == 0
    numbers = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in numbers["exercises"]] == FAST
    assert numbers["all"]["mutants"] > 100
    assert numbers["all"]["share"] == 1
    printed = capsys.readouterr().out
    assert all(name in printed for name in FAST)


def test_a_sample_is_every_so_many_and_need_not_hold_every_listed_survivor(tmp_path: Path) -> None:
    numbers = {}
    for every in (1, 10):
        file = tmp_path / f"{every}.json"
        assert mutation_run.main(["flat_features", "--every", str(every), "--json", str(file)]) == 0
        numbers[every] = json.loads(file.read_text(encoding="utf-8"))["all"]["mutants"]
    assert numbers[10] == math.ceil(numbers[1] / 10)
    assert problems([Result("a")], {("a", "b", "c"): SAME}, every=10) == []
    assert len(problems([Result("a")], {("a", "b", "c"): SAME})) == 1


@pytest.mark.parametrize("sample", [[], ["--every", "3"]])
def test_a_check_that_sees_less_is_found_out(sample: list[str], monkeypatch, capsys) -> None:
    monkeypatch.setattr(mutation_run, "first_difference", lambda exercise, answer: None)
    assert mutation_run.main(["flat_features", *sample]) == 1
    assert "(not explained)" in capsys.readouterr().out


def test_an_unknown_exercise_is_refused() -> None:
    with pytest.raises(SystemExit):
        mutation_run.main(["no_such_exercise"])
