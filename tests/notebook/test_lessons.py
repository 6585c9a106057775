"""The lessons' registry."""

import ast
import re
from pathlib import Path

import pytest

from resnet_course import checks
from resnet_course.base.errors import CourseError
from resnet_course.notebook.lessons import (
    COSTS,
    LESSONS,
    REFERENCE_SPEED,
    Lesson,
    Speed,
    find_lesson,
    predict_seconds,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name", ["08", "8", "resnet18", "08_resnet18", "08_resnet18.ipynb", "notebooks/08_resnet18.ipynb"]
)
def test_a_lesson_is_found_by_number_slug_or_file(name: str) -> None:
    assert find_lesson(name).file_name == "08_resnet18.ipynb"


@pytest.mark.parametrize("name", ["", "99", "resnet", "005", "5.0", "-5", "05_vgg", ".."])
def test_an_unknown_lesson_is_refused_with_the_list_of_lessons(name: str) -> None:
    with pytest.raises(CourseError, match=re.escape(f"there is no lesson {name!r}")) as caught:
        find_lesson(name)
    assert all(f"{lesson.number} ({lesson.slug})" in str(caught.value) for lesson in LESSONS)


SPEED = Speed(REFERENCE_SPEED, REFERENCE_SPEED / 10)


def test_predicted_seconds_follow_the_speed() -> None:
    lesson = find_lesson("05")
    assert predict_seconds(lesson, SPEED) == lesson.seconds
    slow = Speed(*(rate / 4 for rate in SPEED))
    for profile in ("smoke", "quick", "full"):
        assert predict_seconds(lesson, slow, profile) == pytest.approx(4 * predict_seconds(lesson, SPEED, profile))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_every_profile_has_a_prediction_and_a_fast_gpu_still_draws_figures(lesson: Lesson) -> None:
    gpu = Speed(100 * REFERENCE_SPEED, 20 * REFERENCE_SPEED)
    smoke, quick, full = (predict_seconds(lesson, gpu, profile) for profile in ("smoke", "quick", "full"))
    assert COSTS[lesson.number].smoke == smoke <= quick <= lesson.seconds
    assert full >= smoke
    assert predict_seconds(lesson, SPEED, "full") >= predict_seconds(lesson, SPEED, "quick") * 0.9


def test_a_resnet_18_takes_its_own_time() -> None:
    lesson = find_lesson("09")
    faster = Speed(SPEED.small, 2 * SPEED.large)
    saved = predict_seconds(lesson, SPEED, "full") - predict_seconds(lesson, faster, "full")
    assert saved == pytest.approx(1000 * COSTS["09"].large / faster.large)


def test_numbers_and_slugs_are_unique_and_in_order() -> None:
    numbers = [lesson.number for lesson in LESSONS]
    assert numbers == sorted(set(numbers))
    assert len({lesson.slug for lesson in LESSONS}) == len(LESSONS)
    assert all(0 < lesson.seconds <= 60 and 0 < lesson.read_minutes <= 60 for lesson in LESSONS)


def test_each_exercise_of_a_lesson_has_its_check() -> None:
    of_checks = {name: exercise.lesson for name, exercise in checks.EXERCISES.items()}
    of_lessons = {name: lesson.number for lesson in LESSONS for name in lesson.exercises}
    assert of_checks == of_lessons


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_a_source_calls_the_checks_of_its_lesson(lesson) -> None:
    text = (ROOT / "notebooks" / "sources" / lesson.file_name).with_suffix(".py").read_text(encoding="utf-8")
    assert set(re.findall(r"= checks\.(\w+)\(", text)) - {"verdict", "yours"} == set(lesson.exercises)
    assert set(re.findall(r'Stuck\? `checks\.hint\("(\w+)"\)`', text)) | {"warm_up"} == {*lesson.exercises, "warm_up"}
    assert text.startswith(f"# %% [markdown]\n# # {lesson.number} · {lesson.title}\n")


# --- The page --------------------------------------------------------------------------------------------------------

each_page = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)


def page(lesson: Lesson) -> list[tuple[str, str]]:
    """Kind ("code" or "text") and source of each cell."""
    text = (ROOT / "notebooks" / "sources" / lesson.file_name).with_suffix(".py").read_text(encoding="utf-8")
    cells = re.split(r"^# %%", text, flags=re.MULTILINE)[1:]
    return [("text" if cell.startswith(" [markdown]") else "code", cell.partition("\n")[2]) for cell in cells]


@each_page
def test_code_is_88_characters_wide_at_most(lesson: Lesson) -> None:
    lines = [line for kind, source in page(lesson) if kind == "code" for line in source.splitlines()]
    assert [line for line in lines if len(line) > 88] == []


@each_page
def test_a_lesson_takes_eight_names_of_the_course_at_most(lesson: Lesson) -> None:
    code = "\n".join(source for kind, source in page(lesson) if kind == "code")
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("resnet_course"):
            names |= {alias.asname or alias.name for alias in node.names}
    assert len(names) <= 8, names


@each_page
def test_a_dozen_verdicts_and_one_bet_at_most(lesson: Lesson) -> None:
    code = "\n".join(source for kind, source in page(lesson) if kind == "code")
    assert len(re.findall(r"cards\.(verdict|compare)\(", code)) <= 12
    assert code.count("cards.compare_guess(") == code.count(f'lesson="{lesson.number}"') == 1


@each_page
def test_a_page_ends_with_questions_and_links(lesson: Lesson) -> None:
    text = "\n".join(source for kind, source in page(lesson) if kind == "text")
    assert text.count("<details>") >= 5
    assert re.search(r"\]\(https://(arxiv\.org/abs|doi\.org)/", text)


@each_page
def test_at_most_two_cells_of_code_in_a_row_and_none_too_long(lesson: Lesson) -> None:
    kinds = [kind for kind, _ in page(lesson)]
    assert "code code code" not in " ".join(kinds)
    for kind, source in page(lesson):
        lines = [line for line in source.splitlines() if line.strip() and "### " not in line]
        if kind == "code":
            assert len(lines) <= (45 if "class " in source else 25), source
