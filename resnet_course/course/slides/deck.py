"""From slides to pages that need nothing else: one HTML file for each lesson, and reveal.js beside it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.course.run import run_lesson
from resnet_course.course.slides.outline import Slide, outline
from resnet_course.course.slides.text import with_mathml
from resnet_course.notebook.lessons import Lesson

HERE = Path(__file__).parent
OUTPUT_ONLY = "output-only"
REVEAL = ("dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js", "LICENSE")


def build_slides(lessons: Iterable[Lesson], root: Path) -> list[Path]:
    """Write the slides of some lessons to `root / "build" / "slides"`. Returns the pages.

    The outputs come from the last run of `python -m resnet_course course` if the lesson is still the same; otherwise
    the lesson is run first.

    Raises:
        CourseError: if reveal.js is not installed, or a lesson fails.
    """
    folder = root / "build" / "slides"
    _copy_reveal(folder / "reveal.js")
    pages = []
    for lesson in lessons:
        student = nbformat.read(root / "notebooks" / lesson.file_name, as_version=4)
        page = folder / f"{Path(lesson.file_name).stem}.html"
        write_atomically(page, make_page(lesson, student, _executed(lesson, root)).encode())
        pages.append(page)
    return pages


def make_page(lesson: Lesson, student: NotebookNode, executed: NotebookNode) -> str:
    """The slides of one lesson as HTML."""
    from nbconvert import SlidesExporter  # only needed to make slides
    from traitlets.config import Config

    notebook = nbformat.v4.new_notebook(cells=list(_cells(outline(student, executed))))
    exporter = SlidesExporter(
        config=Config({"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {OUTPUT_ONLY}}}),
        raw_template=(HERE / "deck.html.j2").read_text(),
        reveal_url_prefix="reveal.js",
        reveal_theme="course",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": f"{lesson.number} · {lesson.title}"}})
    return page


def _cells(slides: list[Slide]) -> Iterator[NotebookNode]:
    """The cells of a notebook whose metadata say where a slide begins."""
    for slide in slides:
        heading = nbformat.v4.new_markdown_cell(f"## {with_mathml(slide.title)}")
        heading.metadata.slideshow = {"slide_type": "slide" if slide.begins_section else "subslide"}
        yield heading
        for piece in slide.pieces:
            cell = piece.cell
            if cell.cell_type == "markdown":
                cell.source = with_mathml(cell.source)
            cell.metadata.slideshow = {"slide_type": "fragment" if piece.revealed else "-"}
            if cell.cell_type == "code" and not cell.source:
                cell.metadata.tags = [OUTPUT_ONLY]
            yield cell
        notes = "\n\n".join(piece.notes for piece in slide.pieces if piece.notes)
        if notes:
            aside = nbformat.v4.new_markdown_cell(with_mathml(notes))
            aside.metadata.slideshow = {"slide_type": "notes"}
            yield aside


def _executed(lesson: Lesson, root: Path) -> NotebookNode:
    """The lesson with outputs: kept from an earlier run, or run now."""
    kept = root / "build" / "solutions" / lesson.file_name
    current = nbformat.read(root / "notebooks" / "solutions" / lesson.file_name, as_version=4)
    if kept.is_file():
        notebook = nbformat.read(kept, as_version=4)
        if [cell.source for cell in notebook.cells] == [cell.source for cell in current.cells]:
            return notebook
    outcome = run_lesson(lesson, root)
    if outcome.error is not None:
        raise CourseError(f"lesson {lesson.number} failed, so there is nothing to show: {outcome.error}")
    return nbformat.read(kept, as_version=4)


def _copy_reveal(folder: Path) -> None:
    """reveal.js as the Python package sphinx-revealjs carries it, so that slides need no network."""
    spec = importlib.util.find_spec("sphinx_revealjs")
    if spec is None or spec.origin is None:
        raise CourseError("slides need reveal.js. Install it with `pip install 'resnet-course[slides]'`.")
    source = Path(spec.origin).parent / "_static" / "revealjs"
    for name in REVEAL:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    (folder / "dist" / "theme").mkdir(exist_ok=True)
    shutil.copyfile(HERE / "deck.css", folder / "dist" / "theme" / "course.css")  # where the page looks for its theme
