"""A lesson's page: its executed solution notebook, with solutions folded and explorers that need no kernel."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import explorer_pages
import nbformat
from nbformat import NotebookNode

from resnet_course.course.run import DIGEST
from resnet_course.notebook.lessons import LESSONS, Lesson

EXPLORER = re.compile(r"^explorers\.\w+\(", re.MULTILINE)
BADGE = "[![Open in Colab]"
BAR = """\
<p class="launch">
<a href="{colab}">Open in Colab</a>
<a href="{notebook}" download>Download the notebook</a>
<a href="{solution}" download>With solutions</a>
<a href="../run.html">Run on your machine</a>
</p>
<p class="launch-note">{minutes} minutes to read and write.
This page holds the output of a run on a CPU; solutions are folded.</p>"""


def write_lessons(root: Path, pages: Path, files: Path, repository: str) -> None:
    """Write the pages of all lessons, and the notebooks and pictures that belong to them.

    Args:
        root: of the checkout.
        pages: where the pages go.
        files: where other files go.
        repository: its address.
    """
    downloads, answers = files / "notebooks", files / "explorers"
    downloads.mkdir(parents=True)
    for lesson in LESSONS:
        paths = [root / "notebooks" / lesson.file_name, root / "notebooks" / "solutions" / lesson.file_name]
        shutil.copy(paths[0], downloads / lesson.file_name)
        shutil.copy(paths[1], downloads / f"{paths[1].stem}_solution.ipynb")
        executed = nbformat.read(root / "build" / "solutions" / lesson.file_name, as_version=4)
        student = nbformat.read(paths[0], as_version=4)
        make_page(lesson, executed, student, repository, answers)
        nbformat.write(executed, pages / lesson.file_name)


def lesson_table() -> str:
    """The lessons with their minutes and exercises, as Markdown."""
    rows = ["| Lesson | Minutes to read and write | Seconds on 2 CPU cores | Exercises |", "|---|---|---|---|"]
    rows += [
        f"| [{lesson.number} · {lesson.title}]({lesson.file_name}) | {lesson.read_minutes} | {lesson.seconds:.0f} | "
        f"{', '.join(f'`{name}`' for name in lesson.exercises)} |"
        for lesson in LESSONS
    ]
    return "\n".join(rows)


def make_page(lesson: Lesson, executed: NotebookNode, student: NotebookNode, repository: str, answers: Path) -> None:
    """Turn an executed notebook into the lesson's page, in place.

    Args:
        lesson: which one.
        executed: with solutions and outputs.
        student: the same cells with stubs.
        repository: its address.
        answers: where the figures of explorers are written.
    """
    title = executed.cells[0]
    title.source = title.source.split(BADGE)[0].rstrip()
    cells = [title, _markdown(_bar(lesson, repository))]
    for cell, stub in zip(executed.cells[2:], student.cells[2:], strict=True):  # the second one installs the course
        if cell.cell_type == "code" and cell.source != stub.source:
            cells.append(_markdown(f"```python\n{stub.source}\n```"))
            cell.metadata["tags"] = ["hide-input"]
        if cell.cell_type == "code" and EXPLORER.search(cell.source):
            _answer_without_kernel(cell, lesson, answers)
        cells.append(cell)
    executed.cells = cells
    del executed.metadata[DIGEST]
    executed.metadata["myst"] = {"html_meta": {"description": describe(lesson, title.source)}}


def describe(lesson: Lesson, title: str) -> str:
    """The page's description: the line in italics below the title."""
    found = re.search(r"^\*(.+)\*$", title, re.MULTILINE)
    return f"Lesson {lesson.number}, {lesson.title}. {found[1] if found else ''}".strip()


def _bar(lesson: Lesson, repository: str) -> str:
    path = f"{repository.removeprefix('https://github.com/')}/blob/main/notebooks/{lesson.file_name}"
    return BAR.format(
        colab=f"https://colab.research.google.com/github/{path}",
        notebook=f"../notebooks/{lesson.file_name}",
        solution=f"../notebooks/{Path(lesson.file_name).stem}_solution.ipynb",
        minutes=lesson.read_minutes,
    )


def _markdown(source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def _answer_without_kernel(cell: NotebookNode, lesson: Lesson, answers: Path) -> None:
    if lesson.number not in explorer_pages.EXPLORERS:
        return  # it needs what the lesson has measured; the page keeps the answers that the run has left
    page = explorer_pages.explorer_html(lesson.number, answers)
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": page})]
