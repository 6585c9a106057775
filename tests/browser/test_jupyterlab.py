"""The lessons in JupyterLab as a learner meets them: nothing filled in, one wrong, one right, controls moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from learning import Lab, Notebook, problems_in, start_lab

from resnet_course.notebook.lessons import LESSONS

QUICK = "07"  # the complete run has every lesson
WRONG = """\
def needs_projection(in_planes, planes, stride, expansion=1):
    return stride != 1


"""
RIGHT = """\
def projection_shortcut(in_planes, out_planes, stride):
    conv = nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_planes))


"""


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with start_lab(tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture
def page(browser) -> Iterator:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(lesson, id=lesson.number, marks=[] if lesson.number == QUICK else pytest.mark.complete)
        for lesson in LESSONS
    ],
)
def test_a_student_notebook_runs_to_its_end(page, lab: Lab, lesson) -> None:
    notebook = Notebook(page, lab, lesson.file_name)
    if lesson.number == "07":
        notebook.write("needs_projection = checks.", WRONG)
        notebook.write("projection_shortcut = checks.", RIGHT)
    assert problems_in(notebook.run_all()) == []
    notebook.picture(lesson.number)
    if lesson.number == "07":
        look_at_messages(notebook)
    if lesson.number == "08":
        use_the_shape_tracer(notebook)


def look_at_messages(notebook: Notebook) -> None:
    page = notebook.page
    wrong = page.locator(".jp-OutputArea-output", has_text="needs_projection: not right yet")
    wrong.scroll_into_view_if_needed()
    assert "?" in wrong.inner_text(), "the mistake is met with a question"
    notebook.picture("07_wrong")
    right = page.locator(".jp-OutputArea-output", has_text="projection_shortcut: passed")
    right.scroll_into_view_if_needed()
    notebook.picture("07_right")
    page.locator(".jp-OutputArea-output", has_text="pad_shortcut: not written yet").wait_for()


def use_the_shape_tracer(notebook: Notebook) -> None:
    page = notebook.page
    button = page.get_by_role("button", name="ResNet-50", exact=True)
    button.click()
    page.locator(".jp-OutputArea-output", has_text="2048×4×4").first.wait_for(timeout=20_000)
    button.scroll_into_view_if_needed()
    notebook.picture("08_tracer")
