"""What a learner writes is never overwritten: copies in `work/`, and notebooks that are not built again."""

import shutil
from pathlib import Path
from unittest.mock import Mock

import nbformat
import pytest

from resnet_course.base.errors import CourseError
from resnet_course.course import cli
from resnet_course.course.build import build_notebooks, notebooks_out_of_step
from resnet_course.course.work import is_written_in, lay_out
from resnet_course.notebook.lessons import find_lesson

ROOT = Path(__file__).parents[2]
LESSON = find_lesson("03")
SOURCE = (
    "# %% [markdown]\n# # 03 · Signals\n\n# %%\ndef f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one small lesson, built; the current folder."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    write_source(tmp_path, SOURCE)
    build_notebooks(tmp_path)
    monkeypatch.setattr("resnet_course.course.work.LESSONS", (LESSON,))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_source(course: Path, text: str) -> None:
    path = course / "notebooks" / "sources" / "03_signals.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_answer(path: Path, answer: str = "return 7") -> bytes:
    """Type an answer into the last cell, as somebody in JupyterLab. Returns the bytes of the file."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source = f"def f():\n    {answer}"
    nbformat.write(notebook, path)
    return path.read_bytes()


def run_it(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="7")]
    nbformat.write(notebook, path)


def add_a_cell(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("My notes."))
    nbformat.write(notebook, path)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def save_as_an_editor_does(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.kernelspec["display_name"] = "Python 3 (ipykernel)"
    notebook.metadata.language_info["version"] = "3.12.1"
    notebook.cells[-1].metadata["collapsed"] = False
    notebook.cells[-1].execution_count = 3
    nbformat.write(notebook, path)


@pytest.mark.parametrize(
    ("change", "written"),
    [
        (lambda path: None, False),
        (save_as_an_editor_does, False),
        (write_answer, True),
        (run_it, True),
        (add_a_cell, True),
        (damage, True),
    ],
)
def test_a_notebook_that_somebody_wrote_in_is_told_from_one_that_was_only_opened(course: Path, change, written) -> None:
    path = course / "notebooks" / LESSON.file_name
    change(path)
    assert is_written_in(path) == written


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/solutions"])
def test_answers_are_not_built_over_and_the_way_out_is_told(course: Path, folder: str, capsys) -> None:
    path = course / folder / LESSON.file_name
    kept = write_answer(path)
    write_source(course, SOURCE.replace("Signals", "Signals again"))
    assert cli.main(["notebooks"]) == 2
    said = capsys.readouterr().err
    assert f"{folder}/03_signals.ipynb is not as it was built" in said
    assert "--save-answers` copies it to work/03_signals.ipynb" in said
    assert path.read_bytes() == kept
    other = course / ("notebooks" if folder.endswith("solutions") else "notebooks/solutions") / LESSON.file_name
    assert "Signals again" not in other.read_text(encoding="utf-8"), "all or nothing is written"
    assert any("--save-answers" in problem for problem in notebooks_out_of_step(course))  # what the site says

    assert cli.main(["notebooks", "--save-answers"]) == 0
    assert (course / "work" / LESSON.file_name).read_bytes() == kept
    assert notebooks_out_of_step(course) == []


def test_what_git_has_merged_from_two_builds_is_built_again(course: Path) -> None:
    path = course / "notebooks" / LESSON.file_name
    before = nbformat.read(path, as_version=4)
    write_source(course, SOURCE.replace("Signals", "Signals again"))
    build_notebooks(course)
    after = nbformat.read(path, as_version=4)
    before.cells[0] = after.cells[0]  # with the stamp of the other build
    nbformat.write(before, path)
    assert not is_written_in(path)
    assert build_notebooks(course) == [path]


def test_every_answer_is_saved_under_a_name_of_its_own(course: Path) -> None:
    kept = []
    for answer in ("return 7", "return 8"):
        kept.append(write_answer(course / "notebooks" / LESSON.file_name, answer))
        build_notebooks(course, save_answers=True)
    saved = [course / "work" / name for name in ("03_signals.ipynb", "03_signals_2.ipynb")]
    assert [path.read_bytes() for path in saved] == kept


def test_lab_opens_a_copy_and_opening_it_again_changes_nothing(course: Path, monkeypatch) -> None:
    call = Mock(return_value=0)
    monkeypatch.setattr("subprocess.call", call)
    copy = course / "work" / LESSON.file_name
    assert cli.main(["lab"]) == 0
    assert call.call_args.args[0][1:] == ["-m", "jupyterlab", str(copy)]
    kept = write_answer(copy)
    assert cli.main(["lab"]) == 0
    assert copy.read_bytes() == kept
    assert [path.name for path in copy.parent.iterdir()] == [LESSON.file_name]


def test_another_editor_gets_the_copies_alone(course: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("subprocess.call", call := Mock())
    assert cli.main(["lab", "--copy"]) == 0
    assert str(course / "work" / LESSON.file_name) in capsys.readouterr().out
    call.assert_not_called()


def test_a_newer_lesson_is_laid_beside_what_somebody_wrote_and_once(course: Path, capsys) -> None:
    kept = write_answer(lay_out(course))
    write_source(course, SOURCE.replace("Signals", "Signals again"))
    build_notebooks(course)
    for _ in range(2):
        copy = lay_out(course)
        assert copy == course / "work" / "03_signals_2.ipynb"
        assert "Signals again" in copy.read_text(encoding="utf-8")
        assert (course / "work" / LESSON.file_name).read_bytes() == kept
    assert capsys.readouterr().out.count("is newer than your notebook") == 1


def test_a_newer_lesson_takes_the_place_of_one_that_was_only_opened(course: Path) -> None:
    save_as_an_editor_does(lay_out(course))
    write_source(course, SOURCE.replace("Signals", "Signals again"))
    build_notebooks(course)
    assert "Signals again" in lay_out(course).read_text(encoding="utf-8")
    assert len(list((course / "work").iterdir())) == 1


def test_answers_that_stand_in_the_built_notebook_go_along(course: Path) -> None:
    kept = write_answer(course / "notebooks" / LESSON.file_name)
    assert lay_out(course).read_bytes() == kept


def test_a_lesson_that_is_not_built_is_named(course: Path) -> None:
    (course / "notebooks" / LESSON.file_name).unlink()
    with pytest.raises(CourseError, match=r"03_signals\.ipynb is missing; build it"):
        lay_out(course)


def test_git_ignores_the_folder() -> None:
    assert "work/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_korean_lessons_are_laid_out_in_a_folder_of_their_own(course: Path) -> None:
    with pytest.raises(CourseError, match="no lessons in 'ko'"):
        lay_out(course, "ko")
    shutil.copytree(course / "notebooks", course / "notebooks" / "ko")
    english, korean = lay_out(course), lay_out(course, "ko")
    assert korean.relative_to(course).as_posix() == "work/ko/03_signals.ipynb"
    write_answer(korean)
    assert lay_out(course, "ko") == korean
    assert not is_written_in(english)
