"""The misconceptions page of the instructor's guide: every mistake that a check knows, from the checks' own tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resnet_course.notebook.lessons import LESSONS

_MARKS = re.compile(r"(`[^`]*`)|([*_<\[\]])")
_OPENING = """\
# Misconceptions, exercise by exercise

*Built by `make notebooks` from the files of the exercises, in `resnet_course/checks/`. Change it there.*

Each entry has three parts: the id, by which `checks.verdict`, a learner's exported file and the class report name the
mistake; the question that the check asks first; and the explanation that the learner gets on request. Before a lesson,
read the entries of its exercises: they are the questions that you will hear. At a learner's desk, ask the question
and wait. *Where to begin* is what `checks.hint` says to a learner who has written nothing.
"""


def misconceptions_page() -> str:
    """The page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    from resnet_course.checks import EXERCISES  # brings torch

    yield _OPENING
    for lesson in LESSONS:
        exercises = [EXERCISES[name] for name in lesson.exercises]
        yield f"## Lesson {lesson.number}: {lesson.english}\n"
        for exercise in exercises:
            yield f"### `{exercise.name}`\n"
            yield f"*Where to begin:* {_plain(exercise.start)}\n"
            for wrong in exercise.wrong:
                yield f"- `{wrong.id}`: **{_plain(wrong.ask)}** {_plain(wrong.explain)}"
            yield ""


def _plain(text: str) -> str:
    """The text so that Markdown shows it as it is; what stands in backticks stays code."""
    return _MARKS.sub(lambda found: found[1] or f"\\{found[2]}", text)
