"""Every lesson makes slides; no solution is on one; nothing on one is fetched from elsewhere."""

import html
import re
from pathlib import Path

import nbformat
import pytest

from resnet_course.base.errors import CourseError
from resnet_course.course.build import solution_lines
from resnet_course.course.slides import deck
from resnet_course.course.slides.outline import HEIGHT, Slide, outline
from resnet_course.course.slides.text import Block, blocks, items, key_points, question_and_answer, with_mathml
from resnet_course.notebook.lessons import LESSONS, Lesson

pytest.importorskip("latex2mathml", reason="of the extra `slides`")
pytest.importorskip("sphinx_revealjs", reason="of the extra `slides`")

ROOT = Path(__file__).parents[2]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAZAAAADICAIAAABJdyC1"  # the header of a PNG of 400 by 200


def student_notebook(lesson: Lesson) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / lesson.file_name, as_version=4)


def notebook(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=list(cells))


markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell


def page_of(figure: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data={"text/html": figure, "text/plain": "Figure: a dot"})


def words_of(slide: Slide) -> str:
    return "\n".join(piece.cell.source for piece in slide.pieces)


# --- the lessons of this repository ---------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=LESSONS, ids=lambda lesson: lesson.number)
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return request.param


@pytest.fixture(scope="module")
def slides(lesson: Lesson) -> list[Slide]:
    notebook = student_notebook(lesson)
    return outline(notebook, notebook)


@pytest.fixture(scope="module")
def page(lesson: Lesson) -> str:
    notebook = student_notebook(lesson)
    return deck.make_page(lesson, notebook, notebook)


def test_a_lesson_has_slides_with_title_bet_exercises_and_self_check(lesson: Lesson, slides: list[Slide]) -> None:
    titles = [slide.title for slide in slides]
    assert titles[0] == f"{lesson.number} · {lesson.title}"
    assert {f"Exercise: `{name}`" for name in lesson.exercises} <= set(titles)
    assert {"A bet", "Further reading"} <= set(titles)
    assert titles.count("Self-check") >= 5


def test_no_slide_is_fuller_than_a_page(slides: list[Slide]) -> None:
    assert [(slide.title, slide.height) for slide in slides if slide.height > HEIGHT] == []
    assert all(slide.pieces for slide in slides)


def test_no_slide_shows_a_line_of_a_solution(lesson: Lesson, page: str) -> None:
    source = ROOT / "notebooks" / "sources" / lesson.file_name.replace(".ipynb", ".py")
    inside, outside = solution_lines(source.read_text())
    shown = {line.strip() for line in html.unescape(re.sub(r"<[^>]+>", "", page)).split("\n")}
    assert inside
    assert (inside - outside) & shown == set()
    assert "raise NotImplementedError" in shown


def test_a_page_asks_nothing_of_the_network(page: str) -> None:
    sources = re.findall(r"""(?:src|href)=["']([^"']+)|url\(([^)]+)\)|import\(?\s*["']([^"']+)""", page)
    asked = [first for group in sources for first in group if first and not first.startswith("#")]
    assert {address for address in asked if not address.startswith("data:")} == {
        "reveal.js/dist/reveal.css",
        "reveal.js/dist/theme/course.css",
        "reveal.js/dist/reveal.js",
        "reveal.js/plugin/notes/notes.js",
    }


# --- which pieces share a slide -------------------------------------------------------------------------------------


def test_a_figure_stands_without_the_code_that_draws_it() -> None:
    figure = f'<figure><img src="data:image/png;base64,{PIXEL}" alt="a dot" width="400"></figure>'
    run = notebook(markdown("## A dot\n\nLook."), code("axes = plotting.dot()\nshow(axes)", outputs=[page_of(figure)]))
    (slide,) = outline(run, run)
    assert words_of(slide) == "Look.\n"
    assert slide.pieces[-1].cell.outputs[0].data["text/html"] == figure
    assert 200 <= slide.pieces[-1].height < 300


def test_each_setting_of_an_explorer_is_a_piece_of_its_own_without_its_table() -> None:
    figure = f'<figure><img src="data:image/png;base64,{PIXEL}" alt="a dot" width="700"></figure>'
    page = f"<p>Some settings.</p><section>{figure}<table>1</table></section><section>{figure}</section>"
    run = notebook(markdown("## A dot"), code("explorers.dots()", outputs=[page_of(page)]))
    shown = [piece.cell.outputs[0].data["text/html"] for slide in outline(run, run) for piece in slide.pieces]
    assert shown == [figure, figure]


def test_verdicts_show_and_the_code_that_prints_them_does_not() -> None:
    said = nbformat.v4.new_output("stream", text="✔ it holds\n")
    source = "number = measure()\ncards.verdict(\n    'it holds',\n    number > 0,\n)"
    run = notebook(markdown("## A claim"), code(source, outputs=[said]))
    (slide,) = outline(run, run)
    assert [piece.cell.source for piece in slide.pieces] == ["number = measure()", ""]


def test_the_messages_of_checks_do_not_show_since_they_come_from_solutions() -> None:
    stub = "def f(x):\n    raise NotImplementedError\n\n\nf = checks.f(f)"
    student = notebook(markdown("## Part\n\n### Exercise: `f`\n\nWrite it."), code(stub), markdown("What follows."))
    passed = nbformat.v4.new_output("stream", text="✔ right\n")
    executed = notebook(student.cells[0], code("def f(x):\n    return x", outputs=[passed]), student.cells[2])
    slides = outline(student, executed)
    assert [slide.title for slide in slides] == ["Exercise: `f`", "Part"]
    assert words_of(slides[0]) == f"Write it.\n{stub}"
    assert "right" not in str(slides)


def test_long_code_meets_at_a_blank_line_and_every_part_fits() -> None:
    source = "\n\n\n".join(f"def f{number}():\n" + "    x = 1\n" * 14 for number in range(2)).rstrip()
    run = notebook(markdown("## Code"), code(source))
    slides = outline(run, run)
    assert len(slides) == 2
    assert all(slide.height <= HEIGHT for slide in slides)
    assert slides[1].pieces[0].cell.source.startswith("def f1")


def test_a_long_print_goes_over_several_slides() -> None:
    lines = [f"line {number}" for number in range(60)]
    printed = nbformat.v4.new_output("stream", text="\n".join(lines) + "\n")
    run = notebook(markdown("## A report"), code("print(report)", outputs=[printed]))
    slides = outline(run, run)
    shown = "\n".join(piece.cell.outputs[0].text for slide in slides for piece in slide.pieces)
    assert shown.split("\n") == lines
    assert len(slides) > 1
    assert all(slide.height <= HEIGHT for slide in slides)


# --- the words ------------------------------------------------------------------------------------------------------


def test_a_paragraph_gives_its_first_sentences_and_those_that_define_a_term() -> None:
    text = "It begins here (§3.1). " + "This one is long enough to fill what a slide has room for, and more, " * 2
    paragraph = f"{text}says He et al. 2015. This is left out. A **block** is two layers."
    assert key_points(Block("paragraph", paragraph)) == f"{text}says He et al. 2015. A **block** is two layers."


def test_the_items_of_a_list_stay_items() -> None:
    text = "- one\n  and more\n- two"
    assert items(text) == ["- one and more", "- two"]
    assert key_points(Block("list", text)) == "- one and more\n- two"


def test_blocks_keep_code_and_folded_answers_whole_and_leave_out_asides() -> None:
    folded = "<details><summary>1. Why?</summary>\n\nSo.\n</details>"
    text = f"# T\n\nText.\n\n```\na\n\nb\n```\n\n{folded}\n\nStuck? Ask.\n\n[![badge](address)](page)"
    assert [block.kind for block in blocks(text)] == ["heading", "paragraph", "code", "details"]
    assert question_and_answer(folded) == ("1. Why?", "So.")


def test_formulas_become_mathml_and_code_stays() -> None:
    assert with_mathml("`$x$` and $x$").startswith("`$x$` and <math")
    assert 'display="block"' in with_mathml("$$x$$")


# --- a build --------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The notebooks of lesson 00, and a run of it without outputs."""
    for folder in ("notebooks", "notebooks/solutions"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / LESSONS[0].file_name).write_bytes((ROOT / folder / LESSONS[0].file_name).read_bytes())
    kept = tmp_path / "build" / "solutions"
    kept.mkdir(parents=True)
    (kept / LESSONS[0].file_name).write_bytes((ROOT / "notebooks/solutions" / LESSONS[0].file_name).read_bytes())
    return tmp_path


def no_run(lesson: Lesson, root: Path) -> None:
    raise AssertionError(f"lesson {lesson.number} was run again")


def test_a_build_takes_the_last_run_and_lays_reveal_beside_the_page(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deck, "run_lesson", no_run)
    (page,) = deck.build_slides(LESSONS[:1], checkout)
    assert page == checkout / "build" / "slides" / "00_start_here.html"
    for name in ("dist/reveal.js", "dist/reveal.css", "dist/theme/course.css", "plugin/notes/notes.js", "LICENSE"):
        assert (page.parent / "reveal.js" / name).stat().st_size > 0, name


def test_a_lesson_that_changed_since_its_run_is_run_again(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = checkout / "notebooks" / "solutions" / LESSONS[0].file_name
    changed.write_text(changed.read_text().replace("A bet", "Another bet"))
    monkeypatch.setattr(deck, "run_lesson", no_run)
    with pytest.raises(AssertionError, match="lesson 00 was run again"):
        deck.build_slides(LESSONS[:1], checkout)


def test_without_reveal_the_error_says_what_to_install(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CourseError, match=r"resnet-course\[slides\]"):
        deck.build_slides(LESSONS[:1], checkout)
