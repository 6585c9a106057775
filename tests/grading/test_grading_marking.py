"""Points and words for an answer, without a sandbox: the answer's names are observed here."""

from __future__ import annotations

import functools

import pytest
from grading_helpers import write_assignment

from resnet_course.grading.assignment.folder import load_assignment
from resnet_course.grading.marks.marking import mark
from resnet_course.grading.sandbox.examining import observe


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return load_assignment(write_assignment(tmp_path_factory.mktemp("course")))


def marked(assignment, source):
    names = {}
    exec(source, names)
    look = functools.partial(observe, assignment.examiners["double"], names)
    return mark(assignment, assignment.tasks[0], "ada", look)


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
