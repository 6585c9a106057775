"""Every lesson makes slides; no solution is on one; nothing on one is fetched from elsewhere."""

import copy
import html
import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from resnet_course.base.errors import CourseError
from resnet_course.course import slides
from resnet_course.course.build import solution_lines
from resnet_course.course.run import save_executed
from resnet_course.notebook.lessons import LESSONS, Lesson

pytest.importorskip("latex2mathml", reason="of the extra `slides`")
pytest.importorskip("sphinx_revealjs", reason="of the extra `slides`")

ROOT = Path(__file__).parents[2]


def by_slide(deck: nbformat.NotebookNode) -> list[list[nbformat.NotebookNode]]:
    """The cells of each slide; the first is its title."""
    found: list[list[nbformat.NotebookNode]] = []
    for cell in deck.cells:
        if cell.metadata.slideshow.slide_type in ("slide", "subslide"):
            found.append([])
        found[-1].append(cell)
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_the_slides_of_a_lesson(lesson: Lesson) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / lesson.file_name, as_version=4)
    deck = slides.slides_of(notebook, notebook)
    titles = [cells[0].source.lstrip("# ").strip() for cells in by_slide(deck)]
    assert titles[0] == f"{lesson.number} · {lesson.title}"
    assert {f"Exercise: `{name}`" for name in lesson.exercises} <= set(titles)
    assert "Further reading" in titles
    assert titles.count("Self-check") >= 5
    for _, *cells in by_slide(deck):
        assert cells
        assert sum(map(slides._lines, cells)) <= slides.LINES or len(cells) == 1

    page = slides.make_page(lesson, deck)
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)|url\(([^)]+)\)|import\(?\s*["']([^"']+)""", page)
    asked = {address for group in addresses for address in group if address and not address.startswith(("#", "data:"))}
    files = ("dist/reveal.css", "dist/theme/white.css", "dist/reveal.js", "plugin/notes/notes.js")
    links = set(re.findall(r'<a [^>]*href="([^"#]+)"', page))
    assert asked - links == {f"reveal.js/{file}" for file in files}
    lessons = {each.file_name.replace(".ipynb", ".html") for each in LESSONS}
    assert {link for link in links if not link.startswith("https://")} <= lessons
    source = ROOT / "notebooks" / "sources" / lesson.file_name.replace(".ipynb", ".py")
    inside, outside = solution_lines(source.read_text(encoding="utf-8"))
    shown = {line.strip() for line in html.unescape(re.sub(r"<[^>]+>", "", page)).split("\n")}
    assert inside
    assert (inside - outside) & shown == set()
    assert "raise NotImplementedError" in shown


def test_korean_slides_come_from_the_korean_notebook_and_speak_to_no_reader() -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "ko" / LESSONS[1].file_name, as_version=4)
    page = slides.make_page(LESSONS[1], slides.slides_of(notebook, notebook), "ko")
    assert '<html lang="ko">' in page
    assert "연습 문제" in page
    assert "막혔습니까?" in json.dumps(notebook, ensure_ascii=False)
    assert not re.search("막혔습니까[?]|다음: ", page)


def test_what_is_shown_and_what_shares_a_slide() -> None:
    figure = '<figure><img src="data:image/png;base64,AAAA" alt="a dot"></figure>'
    stub = "def f(x):\n    raise NotImplementedError\n\n\nf = checks.f(f)"
    said = "Key.\n\nA note.\n\nA **term**.\n\nStuck? Ask."
    student = new_notebook(
        cells=[
            new_markdown_cell(f"## Part\n\n{said}"),
            new_code_cell("print(1)"),
            new_code_cell("import this"),
            new_code_cell("explore()"),
            new_markdown_cell("### Exercise: `f`\n\nWrite it."),
            new_code_cell(stub),
            new_markdown_cell("<details><summary>1. Why `$x$` and $x$?</summary>\n\nSo.\n</details>"),
        ]
    )
    outputs = {
        1: [new_output("stream", text="\n".join(map(str, range(60))))],
        3: [new_output("display_data", {"text/html": f"<section>{figure}<table></table></section>{figure}"})],
        5: [new_output("stream", text="a message on the solution")],
    }
    executed = copy.deepcopy(student)
    for number, cell in enumerate(executed.cells):
        if cell.cell_type == "code":
            cell.outputs = outputs.get(number, [])
    found = by_slide(slides.slides_of(student, executed))
    shown = [
        [cell.source.strip() for cell in cells if cell.metadata.slideshow.slide_type != "notes"] for cells in found
    ]
    assert shown[0] == ["## Part", "Key.", "A **term**.", "print(1)"]
    assert [cell.source for cell in found[0] if cell.metadata.slideshow.slide_type == "notes"] == ["A note.\n"]
    assert shown[1:6] == [["## Part", ""]] * 5  # three pages of print, two figures without their code and their table
    printed = "\n".join(found[n][1].outputs[0].text for n in (1, 2, 3))
    assert printed.split("\n") == [str(n) for n in range(60)]
    assert found[4][1].outputs[0].data == {"text/html": figure}
    assert shown[6] == ["### Exercise: `f`", "Write it.", stub]
    assert "message" not in str(found)
    assert [cell.metadata.slideshow.slide_type for cell in found[7]] == ["subslide", "-", "fragment"]
    assert found[7][1].source.startswith("1. Why `$x$` and <math")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The notebooks of lesson 00, and a run of it without outputs."""
    for folder in ("notebooks", "notebooks/solutions"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / LESSONS[0].file_name).write_bytes((ROOT / folder / LESSONS[0].file_name).read_bytes())
    ran = tmp_path / "notebooks" / "solutions" / LESSONS[0].file_name
    save_executed(nbformat.read(ran, as_version=4), ran, tmp_path / "build" / "solutions" / LESSONS[0].file_name)
    return tmp_path


def no_run(lesson: Lesson, root: Path, language: str) -> None:
    raise AssertionError(f"lesson {lesson.number} was run again")


def test_a_build_takes_the_last_run_and_lays_reveal_beside_the_page(checkout: Path, monkeypatch) -> None:
    monkeypatch.setattr(slides, "run_lesson", no_run)
    (page,) = slides.build_slides(LESSONS[:1], checkout)
    assert page == checkout / "build" / "slides" / "00_start_here.html"
    for name in ("dist/reveal.js", "dist/reveal.css", "dist/theme/white.css", "plugin/notes/notes.js", "LICENSE"):
        assert (page.parent / "reveal.js" / name).stat().st_size > 0, name
    theme = page.parent / "reveal.js/dist/theme/white.css"
    for address in re.findall(r"url\(([^)]+)\)", theme.read_text(encoding="utf-8")):
        assert (theme.parent / address).is_file(), address
    changed = checkout / "notebooks" / "solutions" / LESSONS[0].file_name
    changed.write_text(changed.read_text(encoding="utf-8").replace("A bet", "Another bet"), encoding="utf-8")
    with pytest.raises(AssertionError, match="lesson 00 was run again"):
        slides.build_slides(LESSONS[:1], checkout)


def test_without_reveal_the_error_says_what_to_install(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CourseError, match=r"pip install -e .*\[slides\]"):
        slides.build_slides(LESSONS[:1], checkout)
