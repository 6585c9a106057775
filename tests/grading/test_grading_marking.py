"""Points and words for an answer, without a sandbox: the answer's names are observed here."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from grading_helpers import write_assignment

from resnet_course.grading.assignment.folder import load_assignment
from resnet_course.grading.marks.marking import About, aspect, mark
from resnet_course.grading.sandbox.examining import observe
from resnet_course.grading.sandbox.protocol import as_text


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return load_assignment(write_assignment(tmp_path_factory.mktemp("course")))


def marked(assignment, source):
    names = {}
    exec(source, names)
    look = functools.partial(observe, assignment.examiners["double"], names)
    written = source != "" and "NotImplementedError" not in source
    return mark(assignment, assignment.tasks[0], "ada", look, About(written))


@pytest.mark.parametrize(
    ("source", "points", "status", "hint_id"),
    [
        ("def double(x):\n    return x + x", 10, "right", None),
        ("def double(x):\n    return x * 3.0", 5, "partly right", "tripled"),
        ("def double(x):\n    return abs(x + x)", 3, "partly right", "absolute"),
        ("def double(x):\n    return x - 1", 0, "wrong", "unknown"),
        ("def double(x):\n    return None", 0, "wrong", "unknown"),
        ("def double(x):\n    return 1 / 0", 0, "wrong", "unknown"),
        ("double = 3", 0, "wrong", "unknown"),
        ("def double(x):\n    raise NotImplementedError", 0, "not written", None),
        ("", 0, "not written", None),
    ],
)
def test_points_and_the_mistake(assignment, source, points, status, hint_id):
    found = marked(assignment, source)
    assert (found.points, found.status, found.hint_id) == (points, status, hint_id)
    assert marked(assignment, source) == found  # twice the same


def test_the_comment_names_the_misconception_and_shows_no_test(assignment):
    assert marked(assignment, "def double(x):\n    return x * 3").comment == "Doubling: How often? Twice."
    hidden = f"{float(assignment.seed % 97 + 1):g}"
    leaking = "class Leak(Exception): pass\ndef double(x):\n    raise type(f'Input{x}', (Exception,), {})(f'got {x}')"
    comment = marked(assignment, leaking).comment
    assert hidden not in comment
    assert "Input" not in comment


TWO = "def pair(x):\n    a = 2 * x\n    b = x + 1\n    return [a, b, a + b]"
PAIR = """\
import numpy as np
from resnet_course.checking.exercise import Wrong
from resnet_course.grading.assignment.task import Task
TASKS = (Task("A pair", "pair", 10, lambda student, seed: [{"x": np.array(3.0)}, {"x": np.array(-5.0)}], (
    Wrong("tripled", [("2 * x", "3 * x")], "How often?", "Twice.", 0.5),
    Wrong("subtracted", [("x + 1", "x - 1")], "Up or down?", "Up.", 0.6),
    Wrong("no_sum", [("a + b]", "a]")], "And the third?", "A sum.", 0.0),
)),)
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("assignments") / "two"
    folder.mkdir()
    solution = TWO.replace(":\n    a", ":\n    ### BEGIN SOLUTION\n    a", 1) + "\n    ### END SOLUTION"
    (folder / "source.py").write_text(
        f'# %% task="pair"\n{solution}\n\n# %% check="pair" points=10\n', encoding="utf-8"
    )
    (folder / "examine.py").write_text(
        "def examine_pair(names, inputs):\n    return {'p': names['pair'](inputs['x'])}\n", encoding="utf-8"
    )
    (folder / "hidden.py").write_text(PAIR, encoding="utf-8")
    return load_assignment(folder)


@pytest.mark.parametrize(
    ("edits", "points", "hint_id"),
    [
        ([("2 * x", "x + x + x"), ("x + 1", "x - 1")], 3, "tripled+subtracted"),
        ([("x + 1", "x - 1"), ("a + b]", "a]")], 0, "subtracted+no_sum"),
        ([("a + b]", "2 * x + b]"), ("a = 2 * x", "a = 3 * x")], 5, "tripled"),  # only where it shows
        ([("2 * x", "5 * x"), ("x + 1", "x - 1")], 0, "unknown"),  # one known, one not
        ([("[a, b, a + b]", "[0.0, 0.0, 0.0]")], 0, "unknown"),
    ],
)
def test_two_known_mistakes_earn_their_part_and_get_both_explanations(two, edits, points, hint_id):
    source = TWO
    for old, new in edits:
        source = source.replace(old, new)
    names = {}
    exec(source, names)
    found = mark(two, two.tasks[0], "ada", functools.partial(observe, two.examiners["pair"], names))
    assert (found.points, found.hint_id) == (points, hint_id)
    if hint_id == "tripled+subtracted":
        assert found.comment == "A pair: How often? Twice. Up or down? Up."


def test_not_written_is_said_only_of_what_was_left_as_it_was(assignment):
    def found(source, about):
        names = {}
        exec(compile(source, "<cell 2>", "exec"), names)
        return mark(assignment, assignment.tasks[0], "ada", functools.partial(observe, EXAMINER, names), about)

    EXAMINER = assignment.examiners["double"]  # noqa: N806
    stub = "def double(x):\n    raise NotImplementedError"
    assert found(stub, About(False)).status == "not written"
    one = found(stub, About(True, "", ("code cell 1", "code cell 4 (double)")))
    assert one.status == "wrong"
    assert "It raised NotImplementedError. That was in code cell 4 (double), line 2." in one.comment
    one = found("", About(True, "code cell 4 (double), line 3: SyntaxError: invalid syntax"))
    assert "when your cell ran: code cell 4 (double), line 3: SyntaxError" in one.comment
    forged = functools.partial(lambda case: {"error": as_text("ValueError"), "error/at": np.array([7, 10**9])})
    assert "line" not in mark(assignment, assignment.tasks[0], "ada", forged).comment


def test_aspects_are_named_in_a_learners_words():
    assert aspect("weights by name/missing/0") == "the names of your layers"
    assert aspect("parameters/bn1.weight") == "the shape of your parameters (bn1.weight)"
    assert aspect("accuracies/1/2") == "accuracies"
