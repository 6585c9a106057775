"""Running lessons headless, tried on tiny notebooks."""

import _thread
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from resnet_course.base.errors import CourseError
from resnet_course.course.run import Outcome, course_root, run_lesson, run_lessons, stale_lessons
from resnet_course.notebook.lessons import find_lesson

LESSON = find_lesson("08")
GOOD = [
    "from resnet_course.notebook import cards\ncards.verdict('two is more than one', 2 > 1, '2 and 1')",
    "import os, pathlib\nprint(os.environ['RESNET_COURSE_PROGRESS'], os.environ['RESNET_COURSE_JOURNAL'], "
    "os.environ['RESNET_COURSE_WIDGETS'], pathlib.Path.cwd().name)",
    "cards.verdict('one is more than two', 1 > 2, '1 and 2')\ncards.verdict('three', None, '3')",
]
BAD = [*GOOD[:1], "raise ValueError('the first line\\nthe second line')", "print('not reached')"]
DEAD = ["import os\nos._exit(1)"]


def write_notebook(folder: Path, sources: list[str], lesson=LESSON) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbformat.write(notebook, folder / lesson.file_name)


def test_a_run_collects_verdicts_and_leaves_notebook_page_and_table(tmp_path: Path, capsys) -> None:
    write_notebook(tmp_path / "notebooks" / "solutions", GOOD)
    write_notebook(tmp_path / "notebooks", [*GOOD, "what a learner wrote"])
    before = {path: path.read_bytes() for path in (tmp_path / "notebooks").rglob("*.ipynb")}
    (outcome,) = run_lessons([LESSON], tmp_path)
    assert outcome.error is None
    assert all(path.read_bytes() == content for path, content in before.items())
    assert [each["status"] for each in outcome.verdicts] == ["reproduced", "not reproduced", "cannot tell"]
    assert outcome.seconds > 0
    built = tmp_path / "build" / "solutions" / LESSON.file_name
    executed = nbformat.read(built, as_version=4)
    assert executed.cells[1].outputs[0].text == "0 off 0 solutions\n"
    assert "two is more than one" in built.with_suffix(".html").read_text(encoding="utf-8")
    table = capsys.readouterr().out
    assert "08 Assembling ResNet-18" in table
    assert "1 reproduced, 1 not reproduced, 1 cannot tell" in table
    assert "✔ two is more than one (2 and 1)" in table
    assert "✘ one is more than two (1 and 2)" in table
    assert "? three (3)" in table


def test_lessons_run_side_by_side_and_those_about_seconds_alone(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("resnet_course.experiments.reproducing.default_jobs", lambda: 2)
    meet = """
import os, pathlib, time
pathlib.Path("{own}").touch()
while not pathlib.Path("{other}").exists(): time.sleep(0.05)
print(os.environ["OMP_NUM_THREADS"])
time.sleep(0.5)
pathlib.Path("{own} has ended").touch()
"""
    alone = "import os, pathlib\nprint(len(list(pathlib.Path().glob('* has ended'))), os.environ['OMP_NUM_THREADS'])"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    folder = tmp_path / "notebooks" / "solutions"
    lessons = [find_lesson(number) for number in ("00", "12", "13")]
    sources = meet.format(own="a", other="b"), alone, meet.format(own="b", other="a")
    for lesson, source in zip(lessons, sources, strict=True):
        write_notebook(folder, [source], lesson)
    outcomes = run_lessons(lessons, tmp_path)
    assert [(outcome.lesson, outcome.error) for outcome in outcomes] == [(lesson, None) for lesson in lessons]
    built = [nbformat.read(tmp_path / "build" / "solutions" / lesson.file_name, as_version=4) for lesson in lessons]
    assert [notebook.cells[0].outputs[0].text for notebook in built] == ["1\n", "2 7\n", "1\n"]
    assert "2 side by side" in capsys.readouterr().out


@pytest.mark.complete
def test_a_run_of_another_notebook_is_stale(tmp_path: Path, monkeypatch) -> None:
    solutions = tmp_path / "notebooks" / "solutions"
    write_notebook(solutions, GOOD[:1])
    assert stale_lessons(tmp_path, [LESSON]) == ["lesson 08 was not run"]
    run_lesson(LESSON, tmp_path)
    assert stale_lessons(tmp_path, [LESSON]) == []
    write_notebook(solutions, [*GOOD[:1], "# one more cell"])
    assert stale_lessons(tmp_path, [LESSON]) == ["lesson 08 has changed since it was run"]
    write_notebook(solutions, BAD)
    run_lesson(LESSON, tmp_path)
    assert stale_lessons(tmp_path, [LESSON]) == ["lesson 08 ended with an error"]
    monkeypatch.setenv("RESNET_COURSE_PROFILE", "smoke")
    run_lesson(LESSON, tmp_path)
    assert "smoke profile" in stale_lessons(tmp_path, [LESSON])[0]


def test_an_error_is_named_and_what_ran_before_is_kept(tmp_path: Path) -> None:
    write_notebook(tmp_path / "notebooks", BAD)
    outcome = run_lesson(LESSON, tmp_path, student=True)
    assert outcome.error == "ValueError: the first line"
    assert outcome.summary == "failed: ValueError: the first line"
    assert len(outcome.verdicts) == 1
    executed = nbformat.read(tmp_path / "build" / "student" / LESSON.file_name, as_version=4)
    assert executed.cells[1].outputs[0].ename == "ValueError"
    assert executed.cells[2].outputs == []


def test_a_dead_kernel_is_named(tmp_path: Path) -> None:
    write_notebook(tmp_path / "notebooks" / "solutions", DEAD)
    assert "the kernel died" in run_lesson(LESSON, tmp_path).error


def test_ctrl_c_ends_the_run_and_its_kernel(tmp_path: Path) -> None:
    busy = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)"
    write_notebook(tmp_path / "notebooks" / "solutions", [busy])
    seen = tmp_path / "notebooks" / "solutions" / "pid"

    def press() -> None:
        while not (seen.exists() and seen.read_text("utf-8")):
            time.sleep(0.1)
        _thread.interrupt_main()

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_lessons([LESSON], tmp_path)
    assert not psutil.pid_exists(int(seen.read_text("utf-8")))


def test_a_notebook_that_is_missing_is_named_with_the_next_step(tmp_path: Path) -> None:
    write_notebook(tmp_path / "notebooks" / "solutions", DEAD, find_lesson("00"))
    with pytest.raises(CourseError, match=r"08_resnet18\.ipynb is missing"):
        run_lessons([find_lesson("00"), LESSON], tmp_path)
    assert not (tmp_path / "build").exists()  # nothing was run
    with pytest.raises(CourseError, match=r"08_resnet18\.ipynb is missing.*notebooks"):
        run_lesson(LESSON, tmp_path)


def test_a_lesson_without_verdicts_says_so() -> None:
    assert Outcome(LESSON, 1.0, (), None).summary == "ran; it has no verdicts"


@pytest.mark.parametrize("where", ["", "notebooks", "notebooks/solutions"])
def test_the_course_is_found_from_inside_a_checkout_or_is_the_package_own(tmp_path: Path, monkeypatch, where) -> None:
    monkeypatch.chdir(tmp_path)
    assert course_root() == Path(__file__).parents[2]
    (tmp_path / "notebooks" / "sources").mkdir(parents=True)
    (tmp_path / "notebooks" / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / where)
    assert course_root() == tmp_path


def test_without_any_checkout_the_next_step_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("resnet_course.course.run.__file__", f"{tmp_path}/site/resnet_course/course/run.py")
    with pytest.raises(CourseError, match="Clone the repository"):
        course_root()
