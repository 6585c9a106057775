"""What a learner has done: `progress()`, `export()` to hand in, `forget()`."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, NamedTuple

from resnet_course import __version__
from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.pages import render
from resnet_course.notebook import journal
from resnet_course.notebook.lessons import LESSONS
from resnet_course.notebook.messages import Message, show


class Row(NamedTuple):
    """One line of the table of progress."""

    lesson: str
    exercise: str
    state: str
    tries: int
    mistakes: str
    hints: int


_HEADINGS = ("lesson", "exercise", "state", "tries", "mistakes met", "hints")


def progress_rows() -> list[Row]:
    """What the journal says of each exercise."""
    kept = journal.read_journal()["exercises"]
    rows = []
    for lesson, name in ((each.number, name) for each in LESSONS for name in each.exercises):
        entry = kept.get(name)
        if entry is None or (not entry["passed"] and not entry["tries"]):
            rows.append(Row(lesson, name, "· not tried", 0, "", entry["hints"] if entry else 0))
            continue
        words = {mistake.replace("_", " "): count for mistake, count in entry["mistakes"].items()}
        met = ", ".join(f"{mistake} ×{count}" if count > 1 else mistake for mistake, count in words.items())
        state = "✔ passed" if entry["passed"] else "✘ not yet"
        rows.append(Row(lesson, name, state, entry["tries"], met, entry["hints"]))
    return rows


def show_progress() -> None:
    """Show which exercises pass, which mistakes were met, and how many explanations were asked for."""
    place = journal.journal_file()
    if place is None:  # a table without a single pass would contradict the checks above it
        Message("info", "Your progress", ("Nothing is kept: RESNET_COURSE_JOURNAL is off.",)).show()
        return
    rows = progress_rows()
    passed = sum(row.state == "✔ passed" for row in rows)
    title = f"{passed} of {len(rows)} exercises passed"
    note = f"Kept on this machine only: {place}"
    widths = [max(len(str(row[column])) for row in [_HEADINGS, *rows]) for column in range(len(_HEADINGS))]
    lines = ["  ".join(str(cell).ljust(w) for cell, w in zip(row, widths, strict=True)) for row in [_HEADINGS, *rows]]
    text = "\n".join([title, *(line.rstrip() for line in lines), _guesses_text(), note])
    titles = {lesson.number: lesson.title for lesson in LESSONS}
    page = render(_TABLE, title=title, headings=_HEADINGS, rows=rows, guesses=_guesses(), titles=titles, note=note)
    show(page, text)


def _guesses_text() -> str:
    return "\n".join(f"guess of lesson {lesson}: {said}" for lesson, said in _guesses())


def _guesses() -> list[tuple[str, str]]:
    """Of each lesson with a guess: its number, and the guess beside the measurement."""
    found = []
    for lesson, entry in sorted(journal.read_journal()["guesses"].items()):
        parts = [
            f"{name} {value:.3g}, measured {entry['measured'][name]:.3g}"
            for name, value in entry["guess"].items()
            if name in entry["measured"]
        ]
        found.append((lesson, "; ".join(parts)))
    return found


_TABLE = """\
{% set style = "text-align:left;padding:0.2em 0.8em" %}
<table><caption style="text-align:left"><strong>{{ title }}</strong></caption>
<thead><tr>{% for each in headings %}<th scope='col' style="{{ style }}">{{ each }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}
<tr>{% for cell in row %}<td style="{{ style }}">{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody></table>
{% if guesses %}
<p>Your first guesses:</p>
<ul>{% for lesson, said in guesses %}<li>{{ lesson }} {{ titles.get(lesson, "") }}: {{ said }}</li>{% endfor %}</ul>
{% endif %}
<p>{{ note }}</p>
"""  # with a caption and headings, so that a screen reader can walk through


def export(path: str | Path = "resnet_course_progress.json") -> Path:
    """Write the journal to a file that can be handed in. It holds no name: the file's name is yours to choose.

    Returns the path.

    Raises:
        CourseError: if the path holds some other file, or cannot be written.
    """
    path = Path(path)
    if path.exists() and journal.parse_journal(path) is None:
        raise CourseError(f"{path} is there already and is something else. Choose another name.")
    kept: dict[str, Any] = journal.read_journal()
    kept["course_version"] = __version__
    kept["exported"] = datetime.date.today().isoformat()
    write_atomically(path, (json.dumps(kept, indent=1, ensure_ascii=False) + "\n").encode())
    Message(
        "info", f"Written: {path}", (f"Exercises: {len(kept['exercises'])}. Guesses: {len(kept['guesses'])}.",)
    ).show()
    return path


def forget() -> None:
    """Delete what was kept of exercises and guesses."""
    said = "It is deleted." if journal.forget() else "There was none."
    Message("info", "Your progress", (said,)).show()
