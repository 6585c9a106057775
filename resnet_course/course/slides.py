"""Slides of the lessons, by nbconvert and reveal.js: headings, first paragraphs, tables, short code, figures.

Text and code come from the notebooks that learners open, so no solution is on a slide; outputs come from a run.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.language import speak
from resnet_course.course.run import run_lesson, stale_lessons
from resnet_course.course.work import edition
from resnet_course.notebook.lessons import Lesson

LINES = 15  # of text on a slide, below its title; the page makes the letters smaller where this was not enough
_BLOCK = re.compile(r"(?s:<details>.*?</details>|```.*?```)|(?:- |\d+\. ).+\n?(?:  .+\n?)*|(?:.+\n?)+")
_DETAILS = re.compile(r"<details><summary>(.*?)</summary>(.*)</details>", re.DOTALL)
_FIGURE = re.compile(r"<figure.*?</figure>", re.DOTALL)
_MATH = re.compile(r"(`[^`]*`)|\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
_ASIDES = ("Stuck? ", "Next: ", "막혔습니까? ", "다음: ", "[![")  # what speaks to a reader alone
_HIDDEN = re.compile(r"^(?:import |from |checks\.|%)", re.MULTILINE)  # set-up, and what a learner has done so far
_DEFINES = re.compile(r"^(?:def |class )", re.MULTILINE)


def build_slides(lessons: Iterable[Lesson], root: Path, language: str = "en") -> list[Path]:
    """Write the slides of some lessons to `root / "build" / "slides"`, or "build/ko/slides". Returns the pages.

    The outputs come from the last run of `python -m resnet_course course` if the lesson is still the same; otherwise
    the lesson is run first.

    Raises:
        CourseError: if reveal.js is not installed, or a lesson fails.
    """
    spec = importlib.util.find_spec("sphinx_revealjs")  # carries reveal.js, so that slides need no network
    if spec is None or spec.origin is None:
        raise CourseError("slides need reveal.js. In the course's folder: pip install -e '.[slides]'")
    speak(language)
    build, notebooks = root / "build" / edition(language), root / "notebooks" / edition(language)
    folder = build / "slides"
    reveal = Path(spec.origin).parent / "_static" / "revealjs"
    shutil.copytree(reveal, folder / "reveal.js", ignore=shutil.ignore_patterns("*.map"), dirs_exist_ok=True)
    pages = []
    for lesson in lessons:
        kept = build / "solutions" / lesson.file_name
        if stale_lessons(root, [lesson], language) and (error := run_lesson(lesson, root, language=language).error):
            raise CourseError(f"lesson {lesson.number} failed, so there is nothing to show: {error}")
        student = nbformat.read(notebooks / lesson.file_name, as_version=4)
        page = make_page(lesson, slides_of(student, nbformat.read(kept, as_version=4)), language)
        pages.append(folder / f"{kept.stem}.html")
        write_atomically(pages[-1], page.encode())
    return pages


def make_page(lesson: Lesson, slides: NotebookNode, language: str = "en") -> str:
    """The slides of one lesson as HTML, in the language that is spoken."""
    from nbconvert import SlidesExporter  # only needed to make slides
    from traitlets.config import Config

    exporter = SlidesExporter(
        config=Config({"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"output-only"}}}),
        raw_template=Path(__file__).with_suffix(".html.jinja").read_text(encoding="utf-8"),
        reveal_url_prefix="reveal.js",
        reveal_theme="white",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    page, _ = exporter.from_notebook_node(slides, {"metadata": {"name": f"{lesson.number} · {lesson.title}"}})
    page = re.sub(r"<html[^>]*>", f'<html lang="{language}">', page, count=1)
    return re.sub(r'href="(\d\d_\w+)\.ipynb"', r'href="\1.html"', page)  # from slides to slides


def slides_of(student: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """A notebook whose metadata say where a slide begins. The first one of a section begins a column of slides.

    Args:
        student: the notebook that learners open.
        executed: the same lesson after a run, cell for cell; gives the outputs.
    """
    deck, title, begins, lines = [], "", "slide", 0.0
    for cell in _cells(student, executed):
        slide_type = cell.metadata.slideshow.slide_type
        if slide_type in ("slide", "subslide"):  # a title, which waits for something to stand on its slide
            title, begins = cell.source, "slide" if "slide" in (begins, slide_type) else "subslide"
            continue
        if begins or lines + _lines(cell) > LINES:
            deck.append(_text(title, begins or "subslide"))
            begins, lines = "", 0.0
        deck.append(cell)
        lines += _lines(cell)
    return nbformat.v4.new_notebook(cells=deck)


def _cells(student: NotebookNode, executed: NotebookNode) -> Iterator[NotebookNode]:
    """The cells of the slides; a slide begins with its title, a cell of type slide or subslide."""
    section = title = ""
    for cell, run in zip(student.cells, executed.cells, strict=True):
        if cell.cell_type == "markdown":
            key = True  # shown are the first paragraph and those that define a term or ask; the others are notes
            for block in _BLOCK.findall(cell.source):
                if block.startswith("#"):
                    title, key = block, True
                    section = section if block.startswith("###") else block
                    yield _text(title, "slide" if title == section else "subslide")
                elif found := _DETAILS.match(block):
                    yield _text(title, "subslide")
                    yield _text(found[1])
                    yield _text(found[2], "fragment")
                elif not block.startswith(_ASIDES):
                    key = key or "**" in block or "?" in block or not block[0].isalpha()
                    yield _text(block, "-" if key else "notes")
                    key = False
            continue
        if "raise NotImplementedError" in cell.source:  # without the messages of the check: they are on the solution
            yield _code(cell.source)
            title = section
        elif not _HIDDEN.search(cell.source):
            parts = [part for output in run.outputs for part in _parts(output)]
            if _DEFINES.search(cell.source) or not any("data" in part for part in parts):
                yield _code(cell.source)  # how a figure or a verdict is made stands in the notebook
            yield from (_code("", [part]) for part in parts)
        yield _text(title, "subslide")


def _text(markdown: str, slide_type: str = "-") -> NotebookNode:
    metadata = {"slideshow": {"slide_type": slide_type}}
    return nbformat.v4.new_markdown_cell(_with_mathml(markdown), metadata=metadata)


def _code(source: str, outputs: Sequence[NotebookNode] = ()) -> NotebookNode:
    metadata = {"slideshow": {"slide_type": "-"}, "tags": [] if source else ["output-only"]}
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata=metadata)


def _parts(output: NotebookNode) -> list[NotebookNode]:
    """Figures one by one, without the tables of numbers beside them; printed text by pages; other outputs as they are.

    Args:
        output: of a cell.
    """
    page = output.get("data", {}).get("text/html", "")
    if page:
        figures = _FIGURE.findall(page)
        return [nbformat.v4.new_output("display_data", {"text/html": each}) for each in figures] or [output]
    text = (output.get("text") or output.get("data", {}).get("text/plain", "")).strip("\n").split("\n")
    pages = ["\n".join(text[start : start + 22]) for start in range(0, len(text), 22)]
    return [nbformat.v4.new_output("stream", text=each) for each in pages]


def _lines(cell: NotebookNode) -> float:
    """How many lines of text are as high as this, roughly."""
    if cell.metadata.slideshow.slide_type == "notes":
        return 0
    if cell.cell_type == "markdown":
        return sum(1.4 if line.startswith("|") else 0.1 + len(line) / 95 for line in cell.source.split("\n"))
    if any("<figure" in output.get("data", {}).get("text/html", "") for output in cell.outputs):
        return LINES
    words = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return 1 + 0.6 * "\n".join([cell.source, *words]).count("\n")


def _with_mathml(markdown: str) -> str:
    """The same text with each formula as MathML, which browsers show without a script."""
    from latex2mathml.converter import convert  # only needed to make slides

    def formula(found: re.Match[str]) -> str:
        code, display, inline = found.groups()
        return code or convert(display or inline, display="block" if display else "inline")

    return _MATH.sub(formula, markdown)
