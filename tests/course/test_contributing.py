"""The exercise that CONTRIBUTING shows is one that works, in one short file."""

import re
from pathlib import Path
from typing import Any

from resnet_course.course.checks_table import try_answers

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_example_of_an_exercise_works() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert source.count("\n") < 60
    names: dict[str, Any] = {}
    exec(source, names)
    row = try_answers(names["EXERCISE"])
    assert row.problems == []
    assert row.typed.met == row.wrong == len(names["WRONG"])
    assert row.respelled.share == row.in_pairs.share == 1
    assert row.right.met == row.right.tried == 4
