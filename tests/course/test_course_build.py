"""Notebooks come from their sources, byte for byte, and student notebooks hold no solution."""

import shutil
from pathlib import Path

import nbformat
import pytest

from resnet_course.base.errors import CourseError
from resnet_course.course.address import repository
from resnet_course.course.build import (
    build_notebooks,
    leaked_solutions,
    measured_minutes,
    notebooks_from_sources,
    notebooks_out_of_step,
)
from resnet_course.notebook.lessons import LESSONS, Lesson

ROOT = Path(__file__).parents[2]
SOURCE_FILE = "notebooks/sources/07_small.py"
STUDENT, SOLUTION = "notebooks/07_small.ipynb", "notebooks/solutions/07_small.ipynb"

SOURCE = '''\
# %% [markdown]
# # 07 · A small lesson
#
# *One exercise.*

# %%
x = 1

# %%
x = 1

# %% [markdown]
# Write the sum.

# %%
def total(numbers):
    """The sum."""
    ### BEGIN SOLUTION
    result = sum(numbers) + 0
    return result
    ### END SOLUTION


class Counter:
    def __init__(self):
        ### BEGIN SOLUTION
        self.number_of_calls = 0
        ### END SOLUTION

    def again(self):
        return self.number_of_calls
'''


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A checkout with one small lesson, built."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    sources = tmp_path / "notebooks" / "sources"
    sources.mkdir(parents=True)
    (sources / "07_small.py").write_text(SOURCE, encoding="utf-8")
    build_notebooks(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def built() -> dict[Path, bytes]:
    """What every notebook of this repository should hold."""
    return {path: content for path, content in notebooks_from_sources(ROOT).items() if path.suffix == ".ipynb"}


def cells(path: Path) -> list[nbformat.NotebookNode]:
    return nbformat.read(path, as_version=4).cells


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# --- this repository ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problems", [notebooks_out_of_step, leaked_solutions])
def test_the_notebooks_of_the_repository_are_in_step_with_their_sources_and_show_no_solution(problems) -> None:
    assert problems(ROOT) == []


def test_every_source_gives_two_notebooks_the_same_each_time(built: dict[Path, bytes]) -> None:
    sources = sorted((ROOT / "notebooks" / "sources").glob("*.py"))
    english = [path for path in built if "ko" not in path.parts]
    assert len(english) == 2 * len(sources) > 0
    again = notebooks_from_sources(ROOT)
    assert all(again[path] == content for path, content in built.items())


def test_all_notebooks_are_valid_without_outputs_and_with_unique_ids(built: dict[Path, bytes]) -> None:
    for path, content in built.items():
        notebook = nbformat.reads(content.decode(), as_version=4)
        nbformat.validate(notebook)
        ids = [cell.id for cell in notebook.cells]
        assert len(set(ids)) == len(ids), path.name
        assert all(cell.outputs == [] for cell in notebook.cells if cell.cell_type == "code"), path.name
        assert all(cell.get("execution_count") is None for cell in notebook.cells), path.name


def test_no_notebook_holds_a_marker_and_student_notebooks_hold_stubs(built: dict[Path, bytes]) -> None:
    for path, content in built.items():
        assert b"BEGIN SOLUTION" not in content, path.name
        source = (ROOT / "notebooks" / "sources" / f"{path.stem}.py").read_text(encoding="utf-8")
        if path.parent.name != "solutions":
            assert content.count(b"raise NotImplementedError") >= source.count("### BEGIN SOLUTION"), path.name


def test_every_notebook_begins_with_title_badge_and_install_cell(built: dict[Path, bytes]) -> None:
    where = repository(ROOT)
    for path, content in built.items():
        title, install, *_ = nbformat.reads(content.decode(), as_version=4).cells
        assert title.source.startswith(f"# {path.name[:2]} · ")
        assert f"{where.owner_and_name}/blob/{where.ref}/{path.relative_to(ROOT).as_posix()}" in title.source
        assert f'ARCHIVE = "{where.archive}"\n' in install.source
        assert "torch" not in install.source
        language = ', "ko"' if "ko" in path.parts else ""
        assert f'runtime.begin_lesson("{path.name[:2]}", "{where.version}"{language})' in install.source


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_a_lesson_takes_the_minutes_that_it_says(lesson: Lesson) -> None:
    source = (ROOT / "notebooks" / "sources" / lesson.file_name).with_suffix(".py")
    minutes = measured_minutes(source)
    assert abs(minutes - lesson.read_minutes) <= 2
    assert 15 <= minutes <= 35
    assert f"\n# **Time:** {lesson.read_minutes} minutes to read and write;" in source.read_text(encoding="utf-8")


# --- a small course -------------------------------------------------------------------------------------------------


def test_a_built_course_is_in_step_and_building_again_changes_nothing(course: Path) -> None:
    assert notebooks_out_of_step(course) == []
    assert leaked_solutions(course) == []
    assert build_notebooks(course) == []


def test_both_notebooks_of_a_source(course: Path) -> None:
    student, solution = cells(course / STUDENT), cells(course / SOLUTION)
    assert len(student) == len(solution) == 6
    assert "    result = sum(numbers) + 0\n    return result" in solution[-1].source
    assert "SOLUTION" not in solution[-1].source
    assert "sum(numbers)" not in student[-1].source
    assert student[-1].source.count("    raise NotImplementedError") == 2
    assert [cell.id for cell in student[2:-1]] == [cell.id for cell in solution[2:-1]]
    compile(student[-1].source, "student", "exec")
    compile(solution[-1].source, "solution", "exec")


def test_minutes_count_words_and_lines_of_solutions(course: Path) -> None:
    before = measured_minutes(course / SOURCE_FILE)
    edit(course / SOURCE_FILE, "# Write the sum.", "# Write the sum." + " word" * 100)
    assert measured_minutes(course / SOURCE_FILE) == pytest.approx(before + 0.5)
    edit(course / SOURCE_FILE, "    return result\n", "    return result\n" + "    pass\n" * 6)  # 9 lines in place of 3
    assert measured_minutes(course / SOURCE_FILE) == pytest.approx(before + 1.5)


def test_a_cell_keeps_its_id_when_others_change_and_two_equal_ones_have_two(course: Path) -> None:
    before = [(cell.source, cell.id) for cell in cells(course / STUDENT)]
    assert len({name for source, name in before if source == "x = 1"}) == 2
    edit(course / SOURCE_FILE, "Write the sum.", "Write the sum of all numbers.")
    build_notebooks(course)
    after = [(cell.source, cell.id) for cell in cells(course / STUDENT)]
    assert [old == new for old, new in zip(before, after, strict=True)].count(False) == 1


def test_a_source_that_was_edited_is_named(course: Path) -> None:
    edit(course / SOURCE_FILE, "sum(numbers) + 0", "sum(numbers)")
    (problem,) = notebooks_out_of_step(course)  # the student notebook shows nothing of it
    assert problem.startswith(str(Path(SOLUTION)))
    assert "edit the source" in problem
    assert build_notebooks(course) == [course / SOLUTION]
    assert notebooks_out_of_step(course) == []


def test_a_notebook_with_outputs_is_out_of_step(course: Path) -> None:
    notebook = nbformat.read(course / STUDENT, as_version=4)
    notebook.cells[2].execution_count = 1
    nbformat.write(notebook, course / STUDENT)
    assert len(notebooks_out_of_step(course)) == 1


def test_missing_and_orphaned_notebooks_are_named(course: Path) -> None:
    (course / STUDENT).rename(course / "notebooks" / "08_old.ipynb")
    missing, orphan = notebooks_out_of_step(course)
    assert "07_small.ipynb is missing" in missing
    assert "08_old.ipynb has no source" in orphan


def test_checkpoints_of_jupyter_do_not_count(course: Path) -> None:
    folder = course / "notebooks" / ".ipynb_checkpoints"
    folder.mkdir()
    shutil.copy(course / STUDENT, folder / "07_small-checkpoint.ipynb")
    assert notebooks_out_of_step(course) == []


def test_a_solution_in_a_student_notebook_is_named(course: Path) -> None:
    shutil.copy(course / SOLUTION, course / STUDENT)
    problems = leaked_solutions(course)
    assert any("result = sum(numbers) + 0" in problem for problem in problems)
    assert any("self.number_of_calls = 0" in problem for problem in problems)
    assert all("07_small.ipynb shows a line of its solution" in problem for problem in problems)


@pytest.mark.parametrize(("new", "said"), [("### BEGIN SOLUTION", "holds a solution marker"), (None, "is missing")])
def test_a_student_notebook_with_a_marker_or_none_is_no_proof(course: Path, new: str | None, said: str) -> None:
    if new:
        edit(course / STUDENT, "# Write this part yourself.", new)
    else:
        (course / STUDENT).unlink()
    (problem,) = leaked_solutions(course)
    assert said in problem


@pytest.mark.parametrize(
    ("name", "old", "new", "error", "said"),
    [
        (SOURCE_FILE, "    return result\n    ### END SOLUTION\n", "    return result\n", Exception, r"[Ss]olution"),
        ("pyproject.toml", "Repository = ", "Home = ", CourseError, "Repository"),
    ],
)
def test_what_cannot_be_built_is_named(course: Path, name: str, old: str, new: str, error: type, said: str) -> None:
    edit(course / name, old, new)
    with pytest.raises(error, match=said):
        build_notebooks(course)


def test_a_folder_without_sources_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="run this in a checkout"):
        build_notebooks(tmp_path)
