"""What the web site does to lessons and documents before Sphinx reads them. A browser tries it in tests/browser."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest

from resnet_course.base.errors import CourseError
from resnet_course.notebook.lessons import find_lesson

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/someone/course"


@pytest.fixture(autouse=True)
def site_on_path(monkeypatch) -> None:
    pytest.importorskip("jupytext")
    monkeypatch.syspath_prepend(str(ROOT / "site"))


def make_notebook(*sources: str):
    cells = [nbformat.v4.new_markdown_cell("# 08 · A title\n\n*What it is about.*\n\n[![Open in Colab](badge)](link)")]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells, metadata={"resnet_course_sha256": "0"})


def test_a_lesson_page_folds_solutions_and_has_no_install_cell_and_no_badge(tmp_path: Path) -> None:
    import lesson_pages

    page = make_notebook("install", "same = 1", "def answer():\n    return 42")
    stub = make_notebook("install", "same = 1", "def answer():\n    raise NotImplementedError")
    lesson_pages.make_page(find_lesson("08"), page, stub, REPOSITORY, tmp_path)
    title, bar, same, shown, folded = page.cells
    assert title.source == "# 08 · A title\n\n*What it is about.*"
    assert "https://colab.research.google.com/github/someone/course/blob/main/notebooks/08_resnet18.ipynb" in bar.source
    assert "tags" not in same.metadata
    assert "raise NotImplementedError" in shown.source
    assert "42" in folded.source
    assert folded.metadata["tags"] == ["hide-input"]
    assert page.metadata["myst"]["html_meta"]["description"] == "Lesson 08, Assembling ResNet-18. What it is about."


def make_executed(*outputs: dict):
    page = make_notebook("install", "shown = 1")
    page.cells[2].outputs = [nbformat.v4.new_output("display_data", data) for data in outputs]
    return page


def test_figures_of_a_lesson_page_are_files_beside_it_with_their_words_and_size(tmp_path: Path) -> None:
    import lesson_pages
    from matplotlib import pyplot as plt
    from PIL import Image

    from resnet_course import plotting

    figure, ax = plt.subplots(figsize=(7, 3))
    ax.plot(range(50))
    inline = plotting.figure_html(figure, 'a "line" that rises', "One line.")
    plt.close(figure)
    page = make_executed({"text/html": inline, "text/plain": "Figure: a line", "image/png": "iVBORw0KGgo="})
    lesson_pages.make_page(
        find_lesson("08"), page, make_notebook("install", "shown = 1"), REPOSITORY, tmp_path / "drawn"
    )
    said = page.cells[2].outputs[0].data
    (file,) = (tmp_path / "drawn").iterdir()
    width = int(re.findall(r' width="(\d+)"', inline)[0])
    with Image.open(file) as picture:
        assert picture.width // 2 == width
        height = round(width * picture.height / picture.width)
    start, _, rest = inline.partition('src="data:image/png;base64,')
    kept = rest.partition('"')[2].replace(f' width="{width}"', f' width="{width}" height="{height}"')
    assert said["text/html"] == f'{start}src="../drawn/{file.name}"{kept}'
    assert 'alt="a &quot;line&quot; that rises"' in kept
    assert "One line.</figcaption>" in kept
    assert len(nbformat.writes(page)) < 4_000
    assert file.stat().st_size < len(inline) / 2


@pytest.mark.parametrize(("language", "right"), [("en", "Right."), ("ko", "맞습니다.")])
def test_the_site_says_of_a_right_answer_only_that_it_is_right(
    tmp_path: Path, monkeypatch, language: str, right: str
) -> None:
    import home_page
    import lesson_pages

    from resnet_course.base.language import translated, translated_page
    from resnet_course.checking.dialogue import message_of
    from resnet_course.checking.judge import judge
    from resnet_course.notebook.messages import MIME_TYPE

    monkeypatch.setenv("RESNET_COURSE_LANGUAGE", language)
    verdict = judge(home_page.EXERCISE, home_page.EXERCISE.reference)
    message, whole = message_of(verdict), translated(verdict.message)
    assert whole.startswith(f"{right} ")
    forms = {"text/html": translated_page(message.html), "text/plain": translated(message.text)}
    assert all(whole in form for form in forms.values())
    page = make_executed({**forms, MIME_TYPE: message.data})
    lesson_pages.make_page(find_lesson("08"), page, make_notebook("install", "shown = 1"), REPOSITORY, tmp_path)
    for form, before in forms.items():
        assert page.cells[2].outputs[0].data[form] == before.replace(whole, right)
    assert f">{right}</p>" in home_page.answers(language)


def test_doctrees_are_not_published(tmp_path: Path, monkeypatch) -> None:
    import build_site

    commands: list[list[str]] = []
    monkeypatch.setattr(build_site.subprocess, "call", lambda command: commands.append(command) or 0)
    output = tmp_path / "site"
    assert build_site.run_sphinx(tmp_path / "pages", tmp_path / "files", output, build_site.HERE, []) == 0
    (command,) = commands
    doctrees = Path(command[command.index("-d") + 1])
    assert command[-4] == str(output)  # what comes after it are words without a value
    assert not doctrees.is_relative_to(output)
    assert not doctrees.exists()


def test_commands_of_the_site_are_copied_without_prompts_and_output() -> None:
    pytest.importorskip("sphinx_copybutton")
    node = shutil.which("node")
    if node is None:
        pytest.skip("the button is JavaScript, and there is no node")
    import json
    import subprocess

    import conf
    import sphinx_copybutton

    script = Path(sphinx_copybutton.__file__).parent / "_static" / "copybutton_funcs.js"
    shown = "$ git clone somewhere\nCloning\n$ python -m \\\n  resnet_course lab\n"
    options = [shown, conf.copybutton_prompt_text, False, True, True, True, conf.copybutton_line_continuation_character]
    code = script.read_text(encoding="utf-8").replace("export function", "function")
    code += f"\nprocess.stdout.write(formatCopyText(...{json.dumps(options)}))"
    copied = subprocess.run([node, "-e", code], capture_output=True, text=True, check=True).stdout
    assert copied == "git clone somewhere\npython -m \\\n  resnet_course lab"


def test_the_page_on_running_has_the_doors_of_the_readme(tmp_path: Path) -> None:
    import build_site

    from resnet_course.course.address import repository_address

    pages = tmp_path / "pages"
    shutil.copytree(build_site.HERE / "pages", pages)
    build_site.fill_in(pages, repository_address(ROOT))
    text = (pages / "run.md").read_text(encoding="utf-8")
    doors = re.findall(r"^\[!\[Open in \w+\]\(.*?\)\]\((.*)\)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert len(doors) == 4
    for door in doors:
        assert f"]({door})" in text
    assert "@" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def test_the_home_page_shows_what_the_check_says_to_each_answer() -> None:
    import home_page

    said = home_page.answers("en").split("<summary><code>")[1:]
    titles = ("not right yet", "it stopped with an error", "it stopped with an error", "passed")
    for one, ending, title in zip(said, home_page.ENDINGS, titles, strict=True):
        assert one.startswith(f"{ending}</code>")
        assert f"basic_block: {title}" in one
    assert "What is the smallest number that can be added to x?" in said[0]
    assert "**" not in home_page.path()
    assert "(lessons/13_your_images.ipynb) 28 minutes" in home_page.path()


def test_an_explorer_holds_every_answer_and_shows_the_first(tmp_path: Path, monkeypatch) -> None:
    import explorer_pages

    class OneProcess:  # a worker would import the real table of explorers
        map = staticmethod(map)

    explorer = explorer_pages.EXPLORERS["07"]()
    small = dict(explorer.controls)
    for name in ("in_planes", "planes", "image_size"):
        control = small[name]
        kept = {words: value for words, value in control.options.items() if value == explorer.start[name]}
        small[name] = explorer_pages.Control(control.label, kept)
    monkeypatch.setitem(explorer_pages.EXPLORERS, "small", lambda: explorer._replace(controls=small))
    monkeypatch.setattr(explorer_pages, "_workers", OneProcess)
    page = explorer_pages.explorer_html("small", tmp_path)
    assert page.count('type="radio"') == 2 + 5
    assert page.count('type="hidden"') == 3
    assert page.count("tensor a (4) must match the size of tensor b (8)") == 2  # shown, and among the answers
    for stride in range(2):
        for option in range(5):
            assert f'"0,0,{stride},{option},0": ' in page
    assert len(list(tmp_path.glob("*.webp"))) == 7  # at either stride, B and C are drawn alike, and at stride 1 D too


def test_links_of_documents_lead_to_the_site_or_else_to_the_repository(tmp_path: Path) -> None:
    import build_site

    guide = tmp_path / "docs" / "guide"
    guide.mkdir(parents=True)
    (tmp_path / "docs" / "cost.md").write_text("# Cost", encoding="utf-8")
    (tmp_path / "README.md").write_text("# Read me", encoding="utf-8")
    (guide / "other.md").write_text("# Other", encoding="utf-8")
    (guide / "index.md").write_text(
        "# Guide\n\nSee [a](../cost.md), [b](../../README.md#settings), [c](other.md), [d](https://x.org), "
        "[e](gone.md).",
        encoding="utf-8",
    )
    build_site.copy_documents(guide, tmp_path / "pages", tmp_path, REPOSITORY)
    text = (tmp_path / "pages" / "index.md").read_text(encoding="utf-8")
    assert "[a](../reference/cost.md)" in text
    assert f"[b]({REPOSITORY}/blob/main/README.md#settings)" in text
    assert "[c](other.md), [d](https://x.org), [e](gone.md)" in text
    assert 'description: "Guide. See a, b, c, d, e."' in text


def test_a_site_of_stale_lessons_is_refused(tmp_path: Path, monkeypatch) -> None:
    import build_site

    monkeypatch.setattr(build_site, "notebooks_out_of_step", lambda root: [])
    with pytest.raises(CourseError, match=r"lesson 04 was not run.*resnet_course course"):
        build_site.refuse_stale(tmp_path)
    monkeypatch.setattr(build_site, "notebooks_out_of_step", lambda root: ["a.ipynb differs from its source"])
    with pytest.raises(CourseError, match="differs from its source"):
        build_site.refuse_stale(tmp_path)


@pytest.mark.parametrize(
    ("page", "source"),
    [
        ("lessons/04_degradation", "notebooks/sources/04_degradation.py"),
        ("lessons/index", "site/pages/lessons/index.md"),
        ("instructor/grading", "docs/instructor/grading.md"),
        ("reference/cost", "docs/cost.md"),
        ("index", "site/pages/index.md"),
        ("ko/lessons/04_degradation", "resnet_course/translations/ko/lessons/04_degradation.po"),
        ("ko/lessons/index", "site/ko/lessons/index.md"),
        ("ko/run", "site/ko/run.md"),
        ("api/models", ""),  # made of docstrings
        ("search", ""),
    ],
)
def test_a_page_leads_to_the_file_that_people_edit_for_it(page: str, source: str) -> None:
    import doors

    from resnet_course.course.address import Repository

    links = doors.links(page, 'Why "it" works & more', Repository("Someone/course"))
    assert links["edit_url"] == (f"https://github.com/Someone/course/edit/main/{source}" if source else "")
    assert links["report_url"].endswith("mistake_in_a_lesson.yml&where=Why%20%22it%22%20works%20%26%20more")
    preview = doors.preview(page, 'Why "it" works & more', Repository("Someone/course"))
    assert 'content="Why &quot;it&quot; works &amp; more"' in preview
    assert 'content="https://someone.github.io/course/preview.png"' in preview


def test_each_page_leads_to_its_twin_in_the_other_language() -> None:
    import doors

    korean = ["index", "lessons/04_degradation"]
    assert doors.twin("lessons/04_degradation", korean) == "ko/lessons/04_degradation.html"
    assert doors.twin("lessons/05_residual_block", korean) == "ko/index.html"
    assert doors.twin("ko/lessons/04_degradation", korean) == "../lessons/04_degradation.html"
    assert doors.twin("lessons/04_degradation", []) == ""


def test_a_korean_lesson_has_its_own_notebook_and_leads_to_english_pages_where_there_is_no_korean_one(
    tmp_path: Path,
) -> None:
    import lesson_pages

    for folder in ("notebooks/ko", "notebooks/ko/solutions", "build/ko/solutions"):
        notebook = make_notebook("install")
        notebook.cells.append(nbformat.v4.new_markdown_cell("[앞](07_shortcuts.ipynb), [여기](08_resnet18.ipynb)"))
        (tmp_path / folder).mkdir(parents=True)
        nbformat.write(notebook, tmp_path / folder / "08_resnet18.ipynb")
    (tmp_path / "pages").mkdir()
    lesson = find_lesson("08")
    lesson_pages.write_lessons(tmp_path, tmp_path / "pages", tmp_path / "files", REPOSITORY, [lesson], "ko")
    page = nbformat.read(tmp_path / "pages" / "08_resnet18.ipynb", as_version=4)
    assert "/notebooks/ko/08_resnet18.ipynb" in page.cells[1].source
    assert page.cells[2].source == f"[앞]({lesson_pages.HOME.site}lessons/07_shortcuts.html), [여기](08_resnet18.ipynb)"
    assert (tmp_path / "files" / "notebooks" / "08_resnet18_solution.ipynb").is_file()
