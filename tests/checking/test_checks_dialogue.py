"""What a learner sees of a check: the question first, the explanation when asked for, and what was done so far."""

import json
from pathlib import Path

import pytest

from resnet_course import checks
from resnet_course.base.errors import CourseError
from resnet_course.notebook import journal, messages, widgets

NAME = "needs_projection"
EXERCISE = checks.EXERCISES[NAME]
MISTAKE = EXERCISE.hints["stride_only"]


def right(in_planes, planes, stride, expansion=1):
    return stride != 1 or in_planes != expansion * planes


def wrong(in_planes, planes, stride, expansion=1):
    return stride != 1


def stub(in_planes, planes, stride, expansion=1):
    raise NotImplementedError


def endless(*arguments):
    while True:
        pass


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal of its own and a kernel that has checked nothing yet."""
    monkeypatch.setenv("RESNET_COURSE_JOURNAL", str(tmp_path / "journal.json"))
    restart(monkeypatch)


def restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks._DIALOGUE, "_found", {})


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def explained(capsys: pytest.CaptureFixture[str], *name: str) -> str:
    """What `hint` says, and nothing from before."""
    shown(capsys)
    checks.hint(*name)
    return shown(capsys)


def test_a_right_answer_is_handed_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.needs_projection(right) is right
    assert "✔ needs_projection: passed" in shown(capsys)
    assert "nothing to explain" in explained(capsys)


def test_a_wrong_answer_meets_the_question_then_the_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.needs_projection(wrong) is checks.EXERCISES[NAME].reference
    said = shown(capsys)
    assert "✘ needs_projection: not right yet" in said
    assert MISTAKE.ask in said
    assert MISTAKE.explain not in said
    assert 'checks.hint("needs_projection")' in said
    assert MISTAKE.explain in explained(capsys)


def test_a_stub_is_told_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    checks.needs_projection(stub)
    said = shown(capsys)
    assert "not written yet" in said
    assert EXERCISE.start not in said
    assert EXERCISE.start in explained(capsys)


def test_an_explanation_survives_a_restart(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.needs_projection(wrong)
    restart(monkeypatch)
    assert MISTAKE.explain in explained(capsys, NAME)


def test_a_mistake_of_another_version_of_the_course_is_forgotten(capsys) -> None:
    journal.note_check(NAME, "failed", "no_longer_known")
    assert EXERCISE.start in explained(capsys, NAME)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda i, p, s, expansion=1: (i // 16 + p // 16 + s + expansion) % 2 == 1, "does not know this mistake"),
        (lambda *arguments: exit(), "ends with `return`"),
    ],
)
def test_other_findings_have_an_explanation_too(capsys, answer, words: str) -> None:
    checks.needs_projection(answer)
    assert words in explained(capsys)


def test_an_endless_loop_is_reported_and_explained(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnet_course.checking.guard.guarded.__wrapped__.__defaults__", (0.5, 2**31))
    checks.needs_projection(endless)
    assert "took longer than 0.5 seconds" in shown(capsys)
    assert "never becomes false" in explained(capsys)


def test_hint_asks_for_a_name_or_an_earlier_check() -> None:
    with pytest.raises(CourseError, match="Name the exercise"):
        checks.hint()
    with pytest.raises(CourseError, match="there is no exercise 'basic_blok'"):
        checks.hint("basic_blok")


def test_strict_mode_raises_and_names_the_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_COURSE_STRICT", "1")
    assert checks.needs_projection(right) is right
    for answer in (wrong, stub):
        with pytest.raises(checks.CheckFailedError, match="needs_projection"):
            checks.needs_projection(answer)


def test_progress_shows_what_passes_what_was_met_and_hints(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.needs_projection(wrong)
    checks.hint()
    checks.needs_projection(wrong)
    checks.needs_projection(right)
    checks.evaluate(lambda *arguments: None)
    journal.note_guess("04", {"plain 20": 0.5}, {"plain 20": 0.1})
    restart(monkeypatch)
    shown(capsys)
    checks.progress()
    said = shown(capsys)
    lines = {line.split()[1]: line for line in said.splitlines() if line[:2] in ("02", "07", "09")}
    assert f"1 of {len(checks.EXERCISES)} exercises passed" in said
    assert "✔ passed" in lines["needs_projection"]
    assert "stride only ×2" in lines["needs_projection"]
    assert lines["needs_projection"].split()[-1] == "1"
    assert "✘ not yet" in lines["evaluate"]
    assert "· not tried" in lines["checkpoint"]
    assert "plain 20 0.5, measured 0.1" in said


def test_progress_is_an_accessible_table_in_a_notebook(displayed: list[dict]) -> None:
    journal.note_check(NAME, "failed", "<b>")
    checks.progress()
    page = displayed[0]["text/html"]
    assert "<caption" in page
    assert page.count("scope='col'") == 6
    assert "&lt;b&gt;" in page


def test_export_writes_what_can_be_handed_in(tmp_path: Path, capsys) -> None:
    checks.needs_projection(right)
    path = checks.export(tmp_path / "mine.json")
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["exercises"][NAME]["passed"]
    assert kept["course_version"]
    assert checks.export(path) == path  # an export may be written over
    other = tmp_path / "notes.json"
    other.write_text("my notes", encoding="utf-8")
    with pytest.raises(CourseError, match="something else"):
        checks.export(other)
    assert other.read_text(encoding="utf-8") == "my notes"


def test_forget_deletes(capsys) -> None:
    checks.needs_projection(right)
    checks.forget()
    assert "deleted" in shown(capsys)
    checks.progress()
    assert f"0 of {len(checks.EXERCISES)}" in shown(capsys)


def test_a_button_shows_the_explanation(displayed: list[dict], monkeypatch: pytest.MonkeyPatch) -> None:
    ipywidgets = pytest.importorskip("ipywidgets")
    made = []
    monkeypatch.setenv("RESNET_COURSE_WIDGETS", "1")
    original = ipywidgets.VBox
    monkeypatch.setattr(ipywidgets, "VBox", lambda children: made.append(original(children)) or made[-1])
    checks.needs_projection(wrong)
    found = [bundle.get(messages.MIME_TYPE, {}).get("check", {}).get("hint_id") for bundle in displayed]
    assert found == ["stride_only", None]
    assert displayed[1]["application/vnd.jupyter.widget-view+json"]["model_id"] == made[0].model_id
    button, below = made[0].children
    assert button.description == "Explain"
    button.click()
    assert MISTAKE.explain.split("'")[0][:20] in below.value
    assert journal.read_journal()["exercises"][NAME]["hints"] == 1


def test_no_button_without_widgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widgets, "in_notebook", lambda: True)
    monkeypatch.setenv("RESNET_COURSE_WIDGETS", "0")
    assert not widgets.widgets_work()
    monkeypatch.setenv("RESNET_COURSE_WIDGETS", "1")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not widgets.widgets_work()
