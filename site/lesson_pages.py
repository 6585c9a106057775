"""A lesson's page: its executed solution notebook, with solutions folded and explorers that need no kernel."""

from __future__ import annotations

import re
import shutil
from collections.abc import Container, Sequence
from pathlib import Path

import explorer_pages
import home_page
import nbformat
from doors import HOME
from nbformat import NotebookNode

from resnet_course.base.language import translated
from resnet_course.course.run import DIGEST
from resnet_course.course.work import edition
from resnet_course.notebook.lessons import LESSONS, Lesson
from resnet_course.notebook.messages import MIME_TYPE

EXPLORER = re.compile(r"^explorers\.\w+\(", re.MULTILINE)
BADGE = "[![Open in Colab]"
BAR = """\
<p class="launch">
<a href="{colab}">{words[0]}</a>
<a href="{notebook}" download>{words[1]}</a>
<a href="{solution}" download>{words[2]}</a>
<a href="../run.html">{words[3]}</a>
</p>
<p class="launch-note">{minutes}{words[4]}</p>"""
BAR_WORDS = {
    "en": (
        *("Open in Colab", "Download the notebook", "With solutions", "Run on your machine"),
        " minutes to read and write.\nThis page holds the output of a run on a CPU; solutions are folded.",
    ),
    "ko": (
        *("Colab에서 열기", "노트북 내려받기", "풀이가 있는 노트북", "내 컴퓨터에서 실행하기"),
        "분쯤 읽고 씁니다.\n이 페이지에는 CPU에서 실행한 결과가 있고, 풀이는 접혀 있습니다.",
    ),
}
TABLE_WORDS = {
    "en": ("Lesson", "Minutes to read and write", "Seconds on 2 CPU cores", "Exercises"),
    "ko": ("레슨", "읽고 쓰는 시간(분)", "CPU 코어 2개로 실행(초)", "연습 문제"),
}
LINK = re.compile(r"\]\((\d\d_\w+)\.ipynb\)")


def write_lessons(
    root: Path, pages: Path, files: Path, repository: str, lessons: Sequence[Lesson] = LESSONS, language: str = "en"
) -> None:
    """Write the pages of lessons, and the notebooks and pictures that belong to them.

    Args:
        root: of the checkout.
        pages: where the pages go.
        files: where other files go.
        repository: its address.
        lessons: which ones; a link to another one leads to the published English page.
        language: of the notebooks.
    """
    there, notebooks = {Path(lesson.file_name).stem for lesson in lessons}, root / "notebooks" / edition(language)
    downloads, pictures = files / "notebooks", files / "pictures"
    downloads.mkdir(parents=True)
    for lesson in lessons:
        paths = [notebooks / lesson.file_name, notebooks / "solutions" / lesson.file_name]
        shutil.copy(paths[0], downloads / lesson.file_name)
        shutil.copy(paths[1], downloads / f"{paths[1].stem}_solution.ipynb")
        executed = nbformat.read(root / "build" / edition(language) / "solutions" / lesson.file_name, as_version=4)
        student = nbformat.read(paths[0], as_version=4)
        make_page(lesson, executed, student, repository, pictures, language)
        for cell in executed.cells:
            if cell.cell_type == "markdown":
                cell.source = LINK.sub(lambda link: _follow(link, there), cell.source)
        nbformat.write(executed, pages / lesson.file_name)


def _follow(link: re.Match[str], there: Container[str]) -> str:
    return link[0] if link[1] in there else f"]({HOME.site}lessons/{link[1]}.html)"


def lesson_table(lessons: Sequence[Lesson] = LESSONS, language: str = "en") -> str:
    """The lessons with their minutes and exercises, as Markdown."""
    rows = [f"| {' | '.join(TABLE_WORDS[language])} |", "|---|---|---|---|"]
    rows += [
        f"| [{lesson.number} · {lesson.title}]({lesson.file_name}) | {lesson.read_minutes} | {lesson.seconds:.0f} | "
        f"{', '.join(f'`{name}`' for name in lesson.exercises)} |"
        for lesson in lessons
    ]
    return "\n".join(rows)


def make_page(
    lesson: Lesson,
    executed: NotebookNode,
    student: NotebookNode,
    repository: str,
    pictures: Path,
    language: str = "en",
) -> None:
    """Turn an executed notebook into the lesson's page, in place.

    Args:
        lesson: which one.
        executed: with solutions and outputs.
        student: the same cells with stubs.
        repository: its address.
        pictures: where its figures are written; the page finds that folder next to its own.
        language: of the notebook.
    """
    title = executed.cells[0]
    title.source = title.source.split(BADGE)[0].rstrip()
    cells = [title, _markdown(_bar(lesson, repository, language))]
    for cell, stub in zip(executed.cells[2:], student.cells[2:], strict=True):  # the second one installs the course
        if cell.cell_type == "code" and cell.source != stub.source:
            cells.append(_markdown(f"```python\n{stub.source}\n```"))
            cell.metadata["tags"] = ["hide-input"]
        if cell.cell_type == "code" and EXPLORER.search(cell.source):
            _answer_without_kernel(cell, lesson, pictures)
        for output in cell.get("outputs", ()):
            _mend(output, pictures)
        cells.append(cell)
    executed.cells = cells
    del executed.metadata[DIGEST]
    executed.metadata["myst"] = {"html_meta": {"description": describe(lesson, title.source)}}


def describe(lesson: Lesson, title: str) -> str:
    """The page's description: the line in italics below the title."""
    found = re.search(r"^\*(.+)\*$", title, re.MULTILINE)
    return f"{translated('lesson').capitalize()} {lesson.number}, {lesson.title}. {found[1] if found else ''}".strip()


def colab_address(lesson: Lesson, repository: str, language: str = "en") -> str:
    """Where Colab opens the notebook that learners write in."""
    place = f"blob/main/notebooks/{edition(language)}".rstrip("/")
    path = f"{repository.removeprefix('https://github.com/')}/{place}/{lesson.file_name}"
    return f"https://colab.research.google.com/github/{path}"


def _bar(lesson: Lesson, repository: str, language: str) -> str:
    return BAR.format(
        colab=colab_address(lesson, repository, language),
        notebook=f"../notebooks/{lesson.file_name}",
        solution=f"../notebooks/{Path(lesson.file_name).stem}_solution.ipynb",
        minutes=lesson.read_minutes,
        words=BAR_WORDS[language],
    )


def _markdown(source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def _mend(output: NotebookNode, pictures: Path) -> None:
    """Pictures become files, and what a check says is said to a reader."""
    data = output.get("data", {})
    if "text/html" in data:
        data.pop("image/png", None)  # the same for views without HTML
        data["text/html"] = explorer_pages.with_files(data["text/html"], pictures)
    if "check" in data.get(MIME_TYPE, {}):
        for form in ("text/html", "text/plain"):
            data[form] = home_page.to_readers(data[form])


def _answer_without_kernel(cell: NotebookNode, lesson: Lesson, pictures: Path) -> None:
    if lesson.number not in explorer_pages.EXPLORERS:
        return  # it needs what the lesson has measured; the page keeps the answers that the run has left
    page = explorer_pages.explorer_html(lesson.number, pictures)
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": page})]
