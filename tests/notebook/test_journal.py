"""The journal keeps what a learner did, on the learner's machine, and never stops a lesson."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resnet_course.notebook import journal


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESNET_COURSE_JOURNAL", str(tmp_path / "deep" / "journal.json"))
    return tmp_path / "deep" / "journal.json"


def test_tries_are_counted_up_to_the_first_pass_and_a_pass_stays() -> None:
    for status, hint_id in [("not_written", None), *[("failed", "a")] * 2, ("crashed", "b"), ("passed", None)]:
        journal.note_check("warm_up", status, hint_id)
    journal.note_check("warm_up", "failed", "unknown")
    entry = journal.read_journal()["exercises"]["warm_up"]
    assert (entry["passed"], entry["tries"]) == (True, 4)
    assert entry["mistakes"] == {"a": 2, "b": 1, "unknown": 1}
    assert entry["last"] == {"status": "failed", "hint_id": "unknown"}


def test_hints_are_counted_even_before_a_check() -> None:
    journal.note_hint("evaluate")
    journal.note_hint("evaluate")
    assert journal.read_journal()["exercises"]["evaluate"]["hints"] == 2


def test_the_first_guess_stays_and_a_missing_one_is_no_guess() -> None:
    journal.note_guess("02", {"plain 20": None}, {"plain 20": 0.1})
    assert journal.read_journal()["guesses"] == {}
    journal.note_guess("02", {"plain 20": 0.5, "plain 56": None}, {"plain 20": 0.1, "plain 56": float("nan")})
    journal.note_guess("02", {"plain 20": 0.1}, {"plain 20": 0.1})
    assert journal.read_journal()["guesses"] == {"02": {"guess": {"plain 20": 0.5}, "measured": {"plain 20": 0.1}}}


def test_it_can_be_deleted(path: Path) -> None:
    assert not journal.forget()
    journal.note_hint("evaluate")
    assert path.is_file()
    assert journal.forget()
    assert not path.exists()
    assert journal.read_journal()["exercises"] == {}


def test_off_writes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_COURSE_JOURNAL", "off")
    journal.note_check("warm_up", "passed", None)
    assert journal.journal_file() is None
    assert not path.exists()
    assert not journal.forget()


def test_without_a_setting_it_lies_in_the_user_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESNET_COURSE_JOURNAL")
    place = journal.journal_file()
    assert place is not None
    assert place.name == "journal.json"
    assert place.is_relative_to(Path.home())


ENTRY = {"passed": True, "tries": 1, "mistakes": {}, "hints": 0, "last": {"status": "passed", "hint_id": None}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{half a jou",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        json.dumps({"schema": 2, "id": "a", "exercises": {}, "guesses": {}}).encode(),
        json.dumps({"schema": 1, "id": "a", "exercises": []}).encode(),
        json.dumps({"schema": 1, "id": "a", "exercises": {"a": 3}, "guesses": {}}).encode(),
        json.dumps({"schema": 1, "id": "a", "exercises": {"a": {**ENTRY, "tries": "many"}}, "guesses": {}}).encode(),
        json.dumps({"schema": 1, "id": "a", "exercises": {"a": {**ENTRY, "last": None}}, "guesses": {}}).encode(),
        json.dumps({"schema": 1, "id": "a", "exercises": {"a": {**ENTRY, "mistakes": [1]}}, "guesses": {}}).encode(),
        b'{"schema": 1, "id": "a", "exercises": {}, "guesses": {"02": {"guess": {"a": NaN}, "measured": {}}}}',
    ],
)
def test_what_is_no_journal_is_put_aside_and_not_lost(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert journal.parse_journal(path) is None
    assert journal.read_journal()["exercises"] == {}
    journal.note_check("warm_up", "passed", None)
    assert journal.read_journal()["exercises"]["warm_up"]["passed"]
    assert path.with_name("journal.json.unreadable").read_bytes() == content


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("RESNET_COURSE_JOURNAL", str(tmp_path / "file" / "journal.json"))
    journal.note_check("warm_up", "passed", None)
    assert journal.read_journal()["exercises"] == {}


def test_a_mark_that_an_editor_puts_in_front_is_read_over(path: Path) -> None:
    journal.note_check("warm_up", "passed", None)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert journal.read_journal()["exercises"]["warm_up"]["passed"]


def test_the_id_stays() -> None:
    journal.note_hint("evaluate")
    first = journal.read_journal()["id"]
    journal.note_hint("evaluate")
    assert journal.read_journal()["id"] == first
    journal.forget()
    journal.note_hint("evaluate")
    assert journal.read_journal()["id"] != first


def test_several_kernels_lose_nothing(path: Path) -> None:
    """Each thread reads and writes by itself, as kernels do."""
    with ThreadPoolExecutor(4) as kernels:
        list(kernels.map(journal.note_hint, ["evaluate"] * 40))
    assert journal.read_journal()["exercises"]["evaluate"]["hints"] == 40
