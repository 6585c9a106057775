"""The instructor's guide names lessons, sections, exercises, files and links that exist, and its minutes add up."""

import re
import textwrap
from pathlib import Path
from typing import Any

import nbformat
import pytest

from resnet_course import checks
from resnet_course.course import cli
from resnet_course.course.misconceptions import misconceptions_page
from resnet_course.grading import commands
from resnet_course.grading.assignment.folder import Assignment
from resnet_course.grading.marks.marking import mark
from resnet_course.grading.sandbox.examining import observe
from resnet_course.grading.sandbox.session import Limits
from resnet_course.grading.sandbox.warm import MOST_FILES
from resnet_course.notebook.lessons import LESSONS, Lesson

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "instructor"
PLANS = (GUIDE / "lessons.md").read_text(encoding="utf-8")


def plan_of(lesson: Lesson) -> str:
    title = f"\n## {lesson.number} · {lesson.title} ("
    assert title in PLANS, f"docs/instructor/lessons.md has no plan of lesson {lesson.number}"
    return PLANS.split(title)[1].split("\n## ")[0]


def headings_of(lesson: Lesson) -> list[str]:
    cells = nbformat.read(ROOT / "notebooks" / lesson.file_name, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return [line.lstrip("# ") for line in text.split("\n") if line.startswith("#")]


def rows_of(plan: str) -> list[tuple[int, str, str]]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in plan.split("\n") if line.startswith("|")]
    return [(int(minutes), what, where) for minutes, what, where in rows[2:]]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_the_plan_of_a_lesson_adds_up_and_names_its_exercises(lesson: Lesson) -> None:
    plan = plan_of(lesson)
    assert sum(minutes for minutes, _, _ in rows_of(plan)) == int(plan.split(" minutes)")[0])
    assert [name for name in lesson.exercises if f"`{name}`" not in plan] == []
    assert plan.count("**If only one thing sticks:**") == plan.count("**Discuss**") == 1
    assert len(re.findall(r"^\d\. \*.+\?\*? ", plan.replace("\n   ", " "), re.MULTILINE)) >= 3


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_the_plan_of_a_lesson_points_at_sections_that_it_has(lesson: Lesson) -> None:
    headings = headings_of(lesson)
    places = [place.strip() for _, _, where in rows_of(plan_of(lesson)) for place in where.split(";")]
    assert [place for place in places if not any(heading.startswith(place) for heading in headings)] == []


def test_the_misconceptions_are_those_of_the_checks() -> None:
    page = (GUIDE / "misconceptions.md").read_text(encoding="utf-8")
    assert page == misconceptions_page()
    for exercise in checks.EXERCISES.values():
        part = page.split(f"\n### `{exercise.name}`\n")[1].split("\n## ")[0].split("\n### ")[0]
        assert re.findall(r"^- `(\w+)`: \*\*", part, re.MULTILINE) == [wrong.id for wrong in exercise.wrong]


def test_the_links_of_the_guide_lead_somewhere() -> None:
    for path in sorted(GUIDE.glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_guide_names_no_address_of_the_repository_which_a_fork_would_have_to_change() -> None:
    assert [
        path.name for path in GUIDE.glob("*.md") if "github.com/resnet-course" in path.read_text(encoding="utf-8")
    ] == []


def test_the_example_of_a_new_assignment_marks_as_it_says() -> None:
    page = (GUIDE / "new_assignment.md").read_text(encoding="utf-8")
    examine = textwrap.dedent(page[page.index("    def examine_double") : page.index("\n- The same function")])
    hidden = textwrap.dedent(page[page.index("    import numpy as np") : page.index("\n- **Cases**")])
    names: dict[str, Any] = {}
    exec(hidden, names)
    (task,) = names["TASKS"]
    solution = nbformat.v4.new_code_cell("def double(x):\n    return 2 * x", metadata={"task": "double"})
    assignment = Assignment("example", (solution,), (task,), examine, "12345678")

    def points_of(source: Any) -> tuple[float, str | None]:
        answer = assignment.solution(assignment.typed(task, source))
        given = mark(assignment, task, "amina", lambda case: observe(assignment.examiners["double"], answer, case))
        return given.points, given.hint_id

    assert points_of(task.right[0]) == (5, None)
    assert points_of(task.wrong[0].source) == (5 * task.wrong[0].credit, "square")
    assert points_of("def double(x):\n    return x") == (0, "unknown")


def test_the_limits_of_the_sandbox_are_those_that_the_guide_names() -> None:
    page, limits = (GUIDE / "grading.md").read_text(encoding="utf-8"), Limits()
    assert f"ended after {limits.wall:g} seconds, or {limits.cpu} seconds of processor time" in page
    assert f"an empty scratch folder in memory, {limits.scratch // 2**20} MB at most" in page
    assert f"A cell may take {limits.cell:g} seconds of processor time, all cells together {2 * limits.cell:g}" in page
    assert f"and {MOST_FILES:,} files" in page
    assert f"an error above {limits.memory // 2**30} GB" in page
    assert f"the first {limits.log // 2**10} kB are kept" in page


def test_the_commands_of_the_guide_are_known() -> None:
    for path in sorted(GUIDE.glob("*.md")):
        for module, command in re.findall(
            r"-m (resnet_course(?:\.grading)?) ([a-z-]+)", path.read_text(encoding="utf-8")
        ):
            with pytest.raises(SystemExit) as ended:
                {"resnet_course": cli.main, "resnet_course.grading": commands.main}[module]([command, "--help"])
            assert ended.value.code == 0, f"{path.name}: {module} {command}"
