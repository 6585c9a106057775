"""One file for each hand-in: what is read is what was written, and what is no outcome is graded again."""

from __future__ import annotations

import pytest

from resnet_course.grading.marks.marking import Mark
from resnet_course.grading.marks.outcomes import Outcome, outcome_file, read_outcome, write_outcome

MARKS = (Mark("a", 2.5, 10.0, "partly right", "tripled", "A: ж"), Mark("b", 4.0, 4.0, "right", None, "B: right."))
OUTCOME = Outcome("ada", "tiny", "0a", "1b", "graded", MARKS, ("a repair",), ("", "ValueError"), "a log", 1.25)


def test_an_outcome_is_read_as_it_was_written(tmp_path):
    write_outcome(OUTCOME, tmp_path)
    assert read_outcome(outcome_file(tmp_path, "tiny", "ada")) == OUTCOME
    assert OUTCOME.points == 6.5


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'{"marks": 3}', b'{"marks": [{"x": 1}]}', b"\xff\xfe"])
def test_what_is_no_outcome_is_graded_again(tmp_path, content):
    path = outcome_file(tmp_path, "tiny", "ada")
    path.parent.mkdir(parents=True)
    assert read_outcome(path) is None  # there is none yet
    path.write_bytes(content)
    assert read_outcome(path) is None
