"""What the home page holds beside its words: a check that can be touched, and the lessons as a path."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Sequence

from resnet_course import checks, experiments
from resnet_course.base.language import language as spoken
from resnet_course.base.language import translated, translated_page
from resnet_course.checking.dialogue import message_of
from resnet_course.checking.exercise import edited
from resnet_course.checking.judge import hint_of, judge
from resnet_course.notebook.lessons import LESSONS, Lesson

EXERCISE = checks.EXERCISES["basic_block"]
NAMES = {"conv_a": "conv1", "conv_b": "conv2", "norm_a": "bn1", "norm_b": "bn2", "projection": "shortcut"}
END = "out = out + self.shortcut(x)\n        return F.relu(out)"
ENDINGS = (
    "return F.relu(out) + self.shortcut(x)",
    "return F.relu(out + x)",
    "x += out; return F.relu(x)",
    "return F.relu(out + self.shortcut(x))",
)
EXPLAIN = {"en": "Explain", "ko": "설명 보기"}
MINUTES = {"en": "minutes", "ko": "분"}


def answers(language: str) -> str:
    """What the check of lesson 05 says to each ending of a residual block; HTML without a script."""
    whole = EXERCISE.answer
    for name, other in NAMES.items():
        whole = whole.replace(name, other)
    parts = []
    for ending in ENDINGS:
        verdict = judge(EXERCISE, EXERCISE.make(edited(whole, (END, ending))))
        box, hint = to_readers(translated_page(message_of(verdict).html)), hint_of(EXERCISE, verdict.hint_id or "")
        if hint is not None:
            why = html.escape(translated(hint.explain))
            box += f"<details><summary>{EXPLAIN[language]}</summary><p>{why}</p></details>"
        code = html.escape(ending)
        parts.append(f'<details name="ending"><summary><code>{code}</code></summary>{box}</details>')
    return f'<div class="endings">{"".join(parts)}</div>'


def to_readers(said: str) -> str:
    """What a check says, without that the lesson goes on with an answer: who reads the site has written none."""
    right = _right(spoken())
    return said.replace(right, re.split(r"(?<=[.!?]) ", right)[0])


@functools.cache
def _right(language: str) -> str:
    return translated(judge(EXERCISE, EXERCISE.reference).message)


def path(lessons: Sequence[Lesson] = LESSONS, language: str = "en") -> str:
    """The lessons in order with the minutes to read and write, as a Markdown list."""
    return "\n".join(
        f"- [{lesson.number} {lesson.title}](lessons/{lesson.file_name}) {lesson.read_minutes} {MINUTES[language]}"
        for lesson in lessons
    )


def conditions() -> dict[str, str]:
    """What the page says of the course and of the record that its figure shows."""
    records = experiments.load_records("degradation", "shapes", experiments.SHIPPED)
    runs = [record["configuration"] for record in records]
    size = runs[0]["image_size"]
    return {
        "@lessons@": str(len(LESSONS)),
        "@images@": f"{runs[0]['images']:,}",
        "@size@": f"{size}×{size}",
        "@epochs@": str(runs[0]["epochs"]),
        "@seeds@": str(len({run["seed"] for run in runs})),
    }
