"""From a lesson to slides: which pieces of it are shown, and which of them share a slide."""

from __future__ import annotations

import ast
import base64
import html
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

from resnet_course.course.slides.text import Block, blocks, items, key_points, question_and_answer, title_of

HEIGHT = 560  # pixels of a slide below its title
WIDTH = 1160
FIGURE_HEIGHT = 390  # as in deck.css
_TEXT_LINE, _CODE_LINE, _ROW = 36, 23, 44  # pixels
_LETTERS = 88  # in a line of text
_REPORTS = ("print(", "cards.", "plotting.", "explorers.", "checks.progress(", "figure = ", "axes = ")
_MAGIC = re.compile(r"^( *)[%!].*", re.MULTILINE)
_TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
_SECTION = re.compile(r"<section[^>]*>(.*?)</section>", re.DOTALL)
_IMAGE = re.compile(r'<img src="data:image/png;base64,([^"]{32})[^"]*"')


@dataclass(frozen=True)
class Piece:
    """What is not torn apart: a block of text, some code, an output.

    Args:
        cell: what a slide shows of it.
        height: in pixels, estimated.
        notes: the words of the lesson that it stands for, where they say more.
        revealed: whether it appears at the next key press.
    """

    cell: NotebookNode
    height: float
    notes: str = ""
    revealed: bool = False


@dataclass
class Slide:
    """A title and some pieces. The first slide of a section begins a column of slides."""

    title: str
    begins_section: bool
    pieces: list[Piece] = field(default_factory=list)

    @property
    def height(self) -> float:
        """Of all pieces together."""
        return sum(piece.height for piece in self.pieces)

    def has_room_for(self, pieces: list[Piece]) -> bool:
        """Whether these fit below what is there."""
        return self.height + sum(piece.height for piece in pieces) <= HEIGHT


def outline(student: NotebookNode, executed: NotebookNode) -> list[Slide]:
    """The slides of a lesson.

    Args:
        student: the notebook that learners open; everything that is shown as text or code comes from it.
        executed: the same lesson after a run, cell for cell; gives the outputs.
    """
    slides: list[Slide] = []
    for cell, run in zip(student.cells, executed.cells, strict=True):
        if cell.cell_type == "markdown":
            _add_text(slides, cell.source)
        else:
            for pieces in _code_pieces(cell.source, run.outputs):
                _add(slides, pieces)
            if is_exercise(cell.source):  # what follows belongs to the section again
                section = [slide.title for slide in slides if slide.begins_section][-1]
                slides.append(Slide(section, begins_section=False))
    return [slide for slide in slides if slide.pieces]


def _add_text(slides: list[Slide], markdown: str) -> None:
    fresh = True  # the text of a cell begins a slide
    for block in blocks(markdown):
        if block.kind == "heading":
            slides.append(Slide(title_of(block.text), begins_section=not block.text.startswith("###")))
            fresh = True
        elif block.kind == "details":
            question, answer = question_and_answer(block.text)
            asked = [] if question == "Answers" else [_text_piece(question)]
            _begin(slides)
            slides[-1].pieces += [*asked, _text_piece(answer, revealed=True)]
            fresh = True
        else:
            for piece in _block_pieces(block, whole="Exercise" in slides[-1].title):
                if fresh:
                    _begin(slides)
                    fresh = False
                _add(slides, [piece])


def _begin(slides: list[Slide]) -> None:
    """A new slide under the same title, unless the last one is still empty."""
    if slides[-1].pieces:
        slides.append(Slide(slides[-1].title, begins_section=False))


def _add(slides: list[Slide], pieces: list[Piece]) -> None:
    """Put pieces that belong together on the last slide if they fit, else on a new one."""
    if not slides[-1].has_room_for(pieces):
        _begin(slides)
    for piece in pieces:
        if not slides[-1].has_room_for([piece]):
            _begin(slides)
        slides[-1].pieces.append(piece)


def _block_pieces(block: Block, whole: bool) -> Iterator[Piece]:
    """One piece for a block; one for each item of a long list."""
    shown = block.text if whole else key_points(block)
    piece = _text_piece(shown, notes="" if shown == block.text else block.text)
    if block.kind == "list" and piece.height > HEIGHT:
        for item in items(shown):
            yield _text_piece(item)
    elif block.kind == "table":
        yield Piece(piece.cell, sum(map(_row_height, block.text.split("\n"))) + 20)
    elif block.kind == "code":
        yield Piece(piece.cell, (block.text.count("\n") + 1) * _CODE_LINE + 20)
    else:
        yield piece


def _row_height(row: str) -> float:
    return 0 if row.startswith("|---") else _ROW + len(row) // 100 * 30


def _text_piece(text: str, notes: str = "", revealed: bool = False) -> Piece:
    paragraphs = [paragraph for part in text.split("\n\n") for paragraph in items(part)]
    lines = sum(1 + len(paragraph) // _LETTERS for paragraph in paragraphs)
    return Piece(nbformat.v4.new_markdown_cell(text), lines * _TEXT_LINE + 20, notes, revealed)


def _code_pieces(source: str, outputs: list[NotebookNode]) -> Iterator[list[Piece]]:
    """Groups of pieces that should share a slide."""
    code = _idea_of(source)
    shown = [_code_piece(part) for part in _parts(code)] if code else []
    if is_exercise(source):
        yield from ([piece] for piece in shown)
        return  # the messages of the checks come from the solutions
    if _has_imports(source) or source.startswith("checks."):  # versions of this machine, a learner's own progress
        yield shown
        return
    results = [piece for output in outputs for piece in _output_pieces(output)]
    if any(piece.height > FIGURE_HEIGHT / 2 for piece in results) and not _defines(source):
        shown = []  # how a figure is drawn stands in the notebook
    yield [*shown, *results[:1]]
    yield from ([piece] for piece in results[1:])


def is_exercise(source: str) -> bool:
    """Whether learners write a part of this cell."""
    return "raise NotImplementedError\n" in source and "checks." in source


def _tree(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.parse(_MAGIC.sub(r"\1pass", source))


def _defines(source: str) -> bool:
    return any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in _tree(source).body)


def _has_imports(source: str) -> bool:
    return any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in _tree(source).body)


def _idea_of(source: str) -> str:
    """The code without what only imports, prints or draws; the outputs show that."""
    if _has_imports(source) and not _defines(source):
        return ""
    lines = source.split("\n")
    for node in _tree(source).body:
        if ast.unparse(node).startswith(_REPORTS):
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = ""
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip("\n")


def _parts(source: str, limit: int = 24) -> list[str]:
    """Code as one part, or as two that meet at the blank line nearest to the middle."""
    lines = source.strip("\n").split("\n")
    blanks = [number for number, line in enumerate(lines) if not line.strip()]
    if len(lines) <= limit or not blanks:
        return ["\n".join(lines)]
    middle = min(blanks, key=lambda number: abs(number - len(lines) / 2))
    return ["\n".join(lines[:middle]).rstrip(), "\n".join(lines[middle:]).strip("\n")]


def _code_piece(source: str) -> Piece:
    return Piece(nbformat.v4.new_code_cell(source), (source.count("\n") + 1) * _CODE_LINE + 30)


def _output_pieces(output: NotebookNode) -> Iterator[Piece]:
    """One piece for an output; one for each setting where an explorer shows several."""
    page = output.get("data", {}).get("text/html", "")
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    if text.startswith("1. "):  # the sentences that close a lesson
        yield _text_piece(html.escape(text, quote=False))
        return
    if not page:
        for part in _pages_of(text):
            shown = nbformat.v4.new_output("stream", text=part)
            yield Piece(nbformat.v4.new_code_cell("", outputs=[shown]), _output_height("", part))
        return
    for part in _SECTION.findall(page) or [page]:
        shown = output
        if part != page:  # the figure of a setting; its table has too many numbers for a slide
            shown = nbformat.v4.new_output("display_data", data={"text/html": _TABLE.sub("", part)})
        yield Piece(nbformat.v4.new_code_cell("", outputs=[shown]), _output_height(part, text))


def _pages_of(text: str) -> Iterator[str]:
    """Printed text in parts that each fit on a slide."""
    part: list[str] = []
    for line in text.strip("\n").split("\n"):
        if _output_height("", "\n".join([*part, line])) > HEIGHT:
            yield "\n".join(part)
            part = []
        part.append(line)
    yield "\n".join(part)


def _output_height(page: str, text: str) -> float:
    image = _IMAGE.search(page)
    if image is None:
        return sum(1 + len(line) // 115 for line in text.strip().split("\n")) * (30 if page else _CODE_LINE) + 20
    return _figure_height(image) + (50 if "<figcaption" in page else 10) + 40 * page.count("<p ")


def _figure_height(image: re.Match[str]) -> float:
    """How high a figure is on a slide; its shape stands in the PNG's header."""
    wide, high = struct.unpack(">II", base64.b64decode(image[1])[16:24])  # pixels
    return min(FIGURE_HEIGHT, high, WIDTH * high / wide)
