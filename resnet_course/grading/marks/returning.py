"""Back to the learners: a summary on top of each page, one archive under the platform's own names, tables of marks.

And for who marks reports: the true numbers.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from markupsafe import Markup, escape

from resnet_course.assignments import stage_specification
from resnet_course.base.files import write_atomically
from resnet_course.base.pages import render
from resnet_course.grading.assignment.folder import Assignment
from resnet_course.grading.handin.roster import Roster
from resnet_course.grading.marks.outcomes import Outcome, outcomes_in

MARK = "<!-- summary -->"
# What nbgrader's pages lack, for a phone; and its list of links that are all called "Comment" and "Test cell".
HEAD = """<head>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>#toc { display: none }</style>"""
SUMMARY = """\
<section style="max-width:50em;margin:1em auto;padding:1em;border:1px solid #999;font-family:sans-serif">
<h1>{{ outcome.assignment }}: {{ "%g" | format(outcome.points) }} of {{ "%g" | format(most) }} points</h1>
{% if unread %}
<p><b>It could not be graded:</b> {{ outcome.repairs | join("; ") }}.</p>
{% elif outcome.repairs %}
<p><b>About the file:</b> {{ outcome.repairs | join("; ") }}.</p>
{% endif %}
{% if by_hand and not unread %}<p>What a person marks, such as a report, is not in this sum.</p>{% endif %}
{% if well %}<h2>What went well</h2><ul>{% for mark in well %}
<li>{{ mark.comment.partition(": ")[0] }} ({{ "%g" | format(mark.points) }})</li>{% endfor %}</ul>{% endif %}
{% if others and not unread %}<h2>To think about</h2><ul>{% for mark in others %}
<li><b>{{ mark.comment.partition(": ")[0] }}</b>, {{ "%g" | format(mark.points) }} of {{ "%g" | format(mark.most) }}:
{{ words(mark.comment.partition(": ")[2]) }}</li>{% endfor %}</ul>{% endif %}
</section>
"""


def finish_feedback(folder: Path) -> list[Path]:
    """Put summaries on top of nbgrader's pages, and pack the pages of each assignment.

    Returns:
        The archives, to be sent back as they are.
    """
    packed: dict[str, list[tuple[str, bytes]]] = {}
    has_report = functools.cache(functools.partial(_has_report, folder))
    for outcome in outcomes_in(folder):
        page = folder / "feedback" / outcome.student / outcome.assignment / f"{outcome.assignment}.html"
        if not page.is_file():
            continue
        text = page.read_text(encoding="utf-8", errors="replace")
        if MARK not in text:
            before, body, after = re.split(r"(<body[^>]*>)", f"{text}<body>", maxsplit=1)
            before = before.replace("<head>", HEAD, 1)
            top = summary(outcome, has_report(outcome.assignment))
            text = f"{before}{body}\n{MARK}{top}{after.removesuffix('<body>')}"
            write_atomically(page, text.encode(errors="replace"))
        name = platform_name(folder, outcome).removesuffix(".ipynb") + ".html"
        packed.setdefault(outcome.assignment, []).append((name, text.encode(errors="replace")))
    archives = []
    for assignment, pages in sorted(packed.items()):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in pages:
                archive.writestr(name, content)
        archives.append(folder / "feedback" / f"{assignment}.zip")
        write_atomically(archives[-1], buffer.getvalue())
    return archives


def summary(outcome: Outcome, by_hand: bool = True) -> str:
    """The top of a page: points, what went well, what to think about; why nothing could be graded, first.

    `by_hand`: whether a person marks a part of the assignment.
    """
    well = [mark for mark in outcome.marks if mark.status == "right"]
    others = [mark for mark in outcome.marks if mark.status != "right"]
    most = sum(mark.most for mark in outcome.marks)
    unread = outcome.ending == "refused" and all(mark.status == "not written" for mark in outcome.marks)
    return render(
        SUMMARY, outcome=outcome, well=well, others=others, most=most, unread=unread, by_hand=by_hand, words=_words
    )


def _has_report(folder: Path, assignment: str) -> bool:
    """Whether what was handed out has a text to write that has points; True where it cannot be read."""
    release = folder / "release" / assignment / f"{assignment}.ipynb"
    try:
        cells = json.loads(release.read_text(encoding="utf-8"))["cells"]
        marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    except (OSError, ValueError, KeyError):
        return True
    return any(mark.get("solution") and mark.get("grade") for mark in marks)


def _words(text: str) -> Markup:
    """A comment as HTML: what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def platform_name(folder: Path, outcome: Outcome) -> str:
    """What the platform called the file; a name of ours where it was not collected from one."""
    try:
        kept = folder / "submitted" / outcome.student / outcome.assignment / "collected.txt"
        return kept.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError, UnicodeError):
        return f"{outcome.student}/{outcome.assignment}.ipynb"


def harmless_table(text: str) -> str:
    """A CSV in which no cell is a formula, as spreadsheets take for one what begins with = + - or @."""
    rows = [[_harmless(cell) for cell in row] for row in csv.reader(io.StringIO(text))]
    return _written(rows)


def platform_table(text: str, layout: str, folder: Path, roster: Roster | None) -> str:
    """nbgrader's table of marks as a platform takes it: a row a student, empty where nothing was handed in.

    Args:
        text: the CSV that nbgrader exports.
        layout: "canvas" or "moodle".
        folder: the course folder.
        roster: who is in the class; None takes those who handed something in.
    """
    scores = {(row["student_id"], row["assignment"]): row["score"] for row in csv.DictReader(io.StringIO(text))}
    names = sorted({assignment for _, assignment in scores})
    students: Sequence[str] = roster.ids if roster else sorted({student for student, _ in scores})
    head = ["Student", "ID", "SIS Login ID", "Section"] if layout == "canvas" else ["ID number"]
    rows = [[*head, *names]]
    for student in students:
        given = [(folder / "submitted" / student / name).is_dir() for name in names]
        marks = [scores.get((student, name), "") if there else "" for name, there in zip(names, given, strict=True)]
        rows.append([student, "", student, "", *marks] if layout == "canvas" else [student, *marks])
    return _written([[_harmless(cell) for cell in row] for row in rows])


REPORTED = ("stage_parameters", "stage_multiply_adds")  # the tasks whose numbers a report is about
IMAGE_SIZE = 16  # height and width of the images in that assignment


def report_key(students: Iterable[str], assignment: Assignment) -> str:
    """What each student must find about the own stages, as CSV: a row for each stage, with what leaves it.

    Args:
        students: their ids.
        assignment: whose solution computes it, with the tasks `REPORTED`.
    """
    names = assignment.solution()
    parameters, multiply_adds = (names[task] for task in REPORTED)
    head = ["student", "stage", "blocks", "stride", "channels", "height", "width", "parameters", "multiply_adds"]
    rows = [head]
    for student in students:
        stages = stage_specification(student)
        in_planes, size = stages[0][0], IMAGE_SIZE
        for number, stage in enumerate(stages, start=1):
            count = parameters(in_planes, stage)
            work, size = multiply_adds(in_planes, size, stage)
            in_planes, num_blocks, stride = stage
            numbers = (num_blocks, stride, in_planes, size, size, count, work)
            rows.append([_harmless(student), f"layer{number}", *map(str, numbers)])
    return _written(rows)


def _harmless(cell: str) -> str:
    is_number = re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", cell, re.I)
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_number else cell


def _written(rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
