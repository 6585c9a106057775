"""A lesson in another language is the same lesson; what a catalogue does not say stays English, in that place alone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from resnet_course.course.build import build_notebooks
from resnet_course.course.translations import CATALOGUES, columns, lost, report, translate_notebook, update

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "notebooks" / "sources").glob("*.py"))
KOREAN = sorted((ROOT / "notebooks" / "ko").rglob("*.ipynb"))
SOURCE = """\
# %% [markdown]
# # 07 · A small lesson
#
# One sentence, **broken** over
# two lines.
#
# - an item with `code`
#
# | a row | of two |
# |---|---|
#
# $$x_1 + \\text{two words}$$

# %%
names = {"many layers": 3, "siblings": 4, "option": "kept"}
print(
    f"there are {names['many layers']} layers, and "
    f"{names['siblings']:>3} siblings"
)  # fmt: skip

# %% [markdown]
# One sentence, **broken** over
# two lines.
"""
KO = {
    "A small lesson": "작은 레슨",
    "One sentence, **broken** over two lines.": "두 줄에 **걸친** 문장.",
    "an item with `code`": "`code` 항목",
    "many layers": "많은 층",
    "there are {0} layers, and {1} siblings": '형제는 {1}, "층"은 {0}',
}


def read(text: str) -> nbformat.NotebookNode:
    return jupytext.reads(text, fmt="py:percent")


def skeleton(code: str) -> str:
    """Code without its strings; of an f-string only what it puts in, in no order."""

    class Strip(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.AST:
            return ast.Constant("") if isinstance(node.value, str) else node

        def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
            fields = [self.visit(value) for value in node.values if isinstance(value, ast.FormattedValue)]
            return ast.Tuple(sorted(fields, key=ast.dump), ast.Load())

    without_magic = re.sub(r"(?m)^( *)[%!].*$", r"\1...", code)
    return ast.dump(Strip().visit(ast.parse(without_magic)))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_an_empty_catalogue_changes_no_byte_of_a_lesson_and_one_that_repeats_the_english_no_word(source: Path) -> None:
    from resnet_course.course.translations import code_texts, markdown_texts

    lesson, empty, same = (jupytext.read(source, fmt="py:percent") for _ in range(3))
    translate_notebook(empty, {})
    assert [cell.source for cell in empty.cells] == [cell.source for cell in lesson.cells]
    texts = [(cell.cell_type, text) for cell in lesson.cells for find in (markdown_texts, code_texts)
             if (find is code_texts) == (cell.cell_type == "code") for text in find(cell.source)]  # fmt: skip
    translate_notebook(same, {text.english: text.english for _, text in texts})
    for before, after in zip(lesson.cells, same.cells, strict=True):
        if before.cell_type == "markdown":
            assert after.source.split() == before.source.split()
        else:
            code = (re.sub(r"(?m)^( *)[%!].*$", r"\1...", cell.source) for cell in (before, after))
            assert len({ast.dump(ast.parse(each)) for each in code}) == 1


@pytest.mark.parametrize("path", KOREAN, ids=lambda path: "/".join(path.parts[-2:]))
def test_a_korean_notebook_has_the_english_code_but_for_its_strings(path: Path) -> None:
    korean, english = (
        nbformat.read(each, as_version=4) for each in (path, Path(str(path).replace("notebooks/ko", "notebooks")))
    )
    assert korean.metadata["lang"] == "ko"
    pairs = list(zip(korean.cells, english.cells, strict=True))
    assert [one.cell_type for one, _ in pairs] == [other.cell_type for _, other in pairs]
    for one, other in [pair for pair in pairs if pair[0].cell_type == "code"][1:]:  # the first one sets the language
        assert skeleton(one.source) == skeleton(other.source)


def test_a_lesson_is_translated_block_by_block_and_a_string_wherever_it_stands() -> None:
    lesson = read(SOURCE)
    translate_notebook(lesson, KO)
    title, code, again = (cell.source for cell in lesson.cells)
    assert title.split("\n")[:5] == ["# 07 · A small lesson", "", "두 줄에 **걸친** 문장.", "", "- `code` 항목"]
    assert "| a row | of two |" in title
    assert again == "두 줄에 **걸친** 문장."
    assert 'names = {"많은 층": 3, "siblings": 4, "option": "kept"}' in code
    namespace: dict[str, object] = {"print": lambda text: namespace.update(said=text)}
    exec(code, namespace)
    assert namespace["said"] == '형제는   4, "층"은 3'


def test_a_long_translated_string_stands_in_lines_that_fit_a_cell() -> None:
    lesson = read(SOURCE)
    translate_notebook(lesson, KO | {"there are {0} layers, and {1} siblings": "아주 긴 문장입니다. " * 9 + "{0} {1}"})
    assert max(columns(line) for line in lesson.cells[1].source.split("\n")) <= 88


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A checkout with one small lesson and its Korean catalogue."""
    (tmp_path / "notebooks" / "sources").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "notebooks" / "sources" / "07_small.py").write_text(SOURCE, encoding="utf-8")
    catalogue(tmp_path).parent.mkdir(parents=True)
    (tmp_path / "resnet_course" / "base").mkdir()
    update(tmp_path, "ko")
    text = catalogue(tmp_path).read_text(encoding="utf-8")
    for english, said in KO.items():
        quoted, answer = english.replace('"', '\\"'), said.replace('"', '\\"')
        text = text.replace(f'msgid "{quoted}"\nmsgstr ""', f'msgid "{quoted}"\nmsgstr "{answer}"')
    catalogue(tmp_path).write_text(text, encoding="utf-8")
    return tmp_path


def catalogue(root: Path) -> Path:
    return root / CATALOGUES / "ko" / "lessons" / "07_small.po"


def test_a_changed_english_sentence_is_listed_and_falls_back_in_that_place_alone(course: Path) -> None:
    build_notebooks(course)
    source = course / "notebooks" / "sources" / "07_small.py"
    source.write_text(source.read_text(encoding="utf-8").replace("an item with", "one item with"), encoding="utf-8")
    for _ in range(2):  # before its catalogue is written anew, and after
        build_notebooks(course)
        korean = nbformat.read(course / "notebooks" / "ko" / "07_small.ipynb", as_version=4).cells
        assert "- one item with `code`" in korean[0].source
        assert "두 줄에 **걸친** 문장." in korean[0].source
        assert any("one item with `code`" in line for line in report(course, "ko"))
        update(course, "ko")
    text = catalogue(course).read_text(encoding="utf-8")
    assert '#, fuzzy\n#| msgid "an item with `code`"\nmsgid "one item with `code`"\nmsgstr "`code` 항목"' in text
    assert update(course, "ko") == []


def test_two_versions_of_one_text_in_different_catalogues_are_named(course: Path) -> None:
    checks = course / "resnet_course" / "checks"
    checks.mkdir()
    for name in ("first", "second"):
        (checks / f"{name}.py").write_text('ASK = "the mean loss"\n', encoding="utf-8")
    update(course, "ko")
    for name, said in (("first", "평균 손실"), ("second", "손실의 평균")):
        file = course / CATALOGUES / "ko" / "checks" / f"{name}.po"
        file.write_text(f'msgid "the mean loss"\nmsgstr "{said}"\n', encoding="utf-8")
    told = "    two versions: the mean loss: here '손실의 평균', in checks/first '평균 손실'"
    assert [line for line in report(course, "ko") if "two versions" in line] == [told]


@pytest.mark.parametrize(
    ("english", "said", "words"),
    [
        ("{0} of {1}", "{0}", "{1} is missing"),
        ("{0} of {1}", "{0} {1} {2}", "{2} is new"),
        ("see `x` and [this](a.ipynb)", "`y`, [이것](a.ipynb)", "`x` is missing and `y` is new"),
        ("a **term** here", "여기 **용어(term)**입니다", "put ')' outside"),
        ("a **term** here", "여기 **용어**(term)입니다", ""),
    ],
)
def test_what_a_translation_loses_is_named(english: str, said: str, words: str) -> None:
    assert words in lost(english, said)
    assert bool(words) == bool(lost(english, said))
