"""A class's progress files become one page. The files come from learners: anything may be in them."""

import itertools
import json
import math
import os
import random
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from resnet_course import checks
from resnet_course.class_report import MOST_BINS, SIZE_LIMIT, count_tries, histogram, read_class, readable, write_page
from resnet_course.course import cli
from resnet_course.notebook import journal

VOID = {"meta", "br", "img", "link", "input", "hr"}
MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """The page's elements, each with its text and all that it stands in; raises if one is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[dict[str, Any]] = []
        self._open: list[dict[str, Any]] = []
        self.feed(page)
        assert not self._open, [each["tag"] for each in self._open]

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append({"tag": tag, "text": "", "around": list(self._open), **dict(attrs)})
        self._open += self.elements[-1:] if tag not in VOID else []

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        for each in self._open:
            each["text"] += data

    def all(self, *tags: str, inside: dict | None = None) -> list[dict[str, Any]]:
        found = [each for each in self.elements if each["tag"] in tags]
        return [each for each in found if inside is None or any(outer is inside for outer in each["around"])]

    def table(self, caption: str) -> list[list[str]]:
        """The rows of the first table with this caption."""
        table = next(each for each in self.all("table") if each["text"].strip().startswith(caption))
        rows = self.all("tr", inside=table)
        return [[cell["text"].strip() for cell in self.all("th", "td", inside=row)] for row in rows]


@pytest.fixture
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a progress file the way a learner does: by checks, guesses, and `checks.export()`."""
    folder = tmp_path / "class"
    folder.mkdir()

    def write(name: str, tries: dict[str, list], guesses: dict[str, tuple] | None = None, hints: tuple = ()) -> Path:
        monkeypatch.setenv("RESNET_COURSE_JOURNAL", str(tmp_path / "journals" / f"{name}.json"))
        for exercise, hint_id in ((exercise, hint_id) for exercise, found in tries.items() for hint_id in found):
            journal.note_check(exercise, "failed" if hint_id else "passed", hint_id)
        for exercise in hints:
            journal.note_hint(exercise)
        for lesson, (guess, measured) in (guesses or {}).items():
            journal.note_guess(lesson, guess, measured)
        return checks.export(folder / f"{name}.json")

    return write


@pytest.fixture
def hand_made(learner) -> Path:
    """Three learners, of whom everything is known."""
    path = learner(
        "ada",
        {"warm_up": ["no_reshape", "no_reshape", None], "vgg_block": [None]},
        {"02": ({"plain 20": 0.2, "plain 56": 0.1}, {"plain 20": 0.1, "plain 56": 0.7})},
        ("warm_up", "warm_up"),
    )
    learner(
        "ben",
        {"warm_up": [None], "vgg_block": ["no_padding", "unknown"], "basic_block": ["too_slow"]},
        {"02": ({"plain 20": 0.4}, {"plain 20": 0.12, "plain 56": 0.8})},
    )
    learner("eve", {"warm_up": ["no_reshape", "variance"]}, hints=("warm_up", "vgg_block"))
    return path.parent


def some_learner(seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    exercises = {}
    for name, exercise in checks.EXERCISES.items():
        met = chance.choices([mistake.id for mistake in exercise.wrong], k=chance.randrange(4))
        exercises[name] = {
            "passed": chance.random() < 0.8,
            "tries": len(met) + 1,
            "mistakes": {name: met.count(name) for name in met},
            "hints": chance.randrange(3),
            "last": {"status": "failed", "hint_id": None},
        }
    measured = {"plain 8": 0.08, "plain 20": 0.12, "plain 56": 0.71}
    guess = {name: chance.random() for name in measured}
    guesses = {f"{number:02}": {"guess": guess, "measured": measured} for number in range(7)}
    return {"schema": 1, "id": str(seed), "exercises": exercises, "guesses": guesses}


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def write_learners(folder: Path, *places: str) -> None:
    for seed, place in enumerate(places):
        write_json(folder / place, some_learner(seed))


def page_of(folder: Path) -> Page:
    """The page of a folder, after a look at what holds for every page."""
    text = write_page(read_class(folder))
    text.encode()
    assert "http:" not in text
    assert "https:" not in text
    page = Page(text)
    assert not page.all("script", "img", "link", "iframe", "object", "form")
    assert not [each for each in page.elements if any(name.startswith("on") or name == "src" for name in each)]
    assert all(each["href"].startswith("#") for each in page.all("a"))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1
    levels = [int(each["tag"][1]) for each in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(each["scope"] in ("col", "row") for each in page.all("th"))
    ids = [each["id"] for each in page.elements if "id" in each]
    assert len(ids) == len(set(ids))
    return page


def test_numbers_of_a_hand_made_class(hand_made: Path) -> None:
    page = page_of(hand_made)
    rows = {row[0]: row[1:6] for row in page.table("Learners by exercise")}
    assert list(rows)[1:] == list(checks.EXERCISES)
    assert rows["warm_up"] == ["00", "2", "1", "0", "2"]
    assert rows["vgg_block"] == ["01", "1", "1", "1", "1"]
    assert rows["basic_block"] == ["05", "0", "1", "2", "–"]
    assert rows["checkpoint"] == ["09", "0", "0", "3", "–"]
    asked = {row[0]: row[1:] for row in page.table("Explanations by exercise")}
    assert (asked["warm_up"], asked["vgg_block"], asked["evaluate"]) == (["2", "3"], ["1", "1"], ["0", "0"])
    tiles = [each["text"] for each in page.all("li", inside=page.all("main")[0])]
    assert tiles[0] == "3progress files read"
    everything = 3 * len(checks.EXERCISES)
    assert tiles[3] == f"{3 / everything:.0%}of exercises passed: 3 of {everything}"
    tries = dict(page.table("warm_up: median 2, 2 passed")[1:])
    assert tries == {"1": "1", "2": "0", "3": "1", "4": "0", "5": "0", "6–10": "0", "11+": "0"}


def test_mistakes_are_counted_by_learners_with_the_question_of_their_hint(hand_made: Path) -> None:
    page = page_of(hand_made)
    questions = {each.id: each.ask for each in checks.EXERCISES["warm_up"].wrong}
    assert page.table("warm_up: 3 learners tried")[1:] == [
        ["no reshape", "2", questions["no_reshape"]],
        ["variance", "1", questions["variance"]],
    ]
    assert [row[0] for row in page.table("vgg_block: 2 learners tried")] == ["mistake", "no padding"]
    assert page.table("basic_block: 1 learner tried")[1][0] == "too slow"
    assert page.table("Learners who met it, of 3")[1][:2] == ["warm_up: no reshape", "2"]
    unknown = [each["text"] for each in page.all("p") if each["text"].startswith("Unknown mistake")]
    assert unknown == ["Unknown mistake: 0 learners.", "Unknown mistake: 1 learner.", "Unknown mistake: 0 learners."]


def test_guesses_stand_beside_the_median_of_what_was_measured(hand_made: Path) -> None:
    page = page_of(hand_made)
    rows = page.table("plain 20: 2 guesses. Median 0.3, measured 0.11: 0.19 too high.")
    assert sum(int(row[1]) for row in rows[1:]) == 2
    assert page.table("plain 56: 1 guess. Median 0.1, measured 0.7: 0.6 too low.")
    first, *_ = (each["text"].split()[:3] for each in page.all("tr") if each.get("class") == "marked")
    assert float(first[0]) <= 0.11 <= float(first[2])


def test_no_name_of_a_file_that_was_read_is_on_the_page(hand_made: Path) -> None:
    write_json(hand_made / "zoe.json", [])
    text = page_of(hand_made).all("html")[0]["text"]
    assert not re.search(r"\b(ada|ben|eve)\b", text)
    assert "zoe.json" in text
    assert "no learner's name" in text


def test_markup_of_a_learner_is_shown_as_text(tmp_path: Path) -> None:
    entry = some_learner(1)
    entry["exercises"][MARKUP] = entry["exercises"]["warm_up"]
    entry["exercises"]["warm_up"]["mistakes"] = {MARKUP: 3, "a\u202eb\n\ud800": 1}
    numbers = {MARKUP: 1.0, "\ud800": 2.0}
    entry["guesses"] |= {MARKUP: entry["guesses"]["02"], "01": {"guess": numbers, "measured": numbers}}
    write_json(tmp_path / "x.json", entry)
    write_json(tmp_path / "&lt;b&gt;.json", 1)
    page = page_of(tmp_path)
    assert not page.all("b")
    assert page.table("Files that are not counted")[1][0] == "&lt;b&gt;.json"
    assert [f"exercise {MARKUP}"[:20], "1"] in [[row[0][:20], row[1]] for row in page.table("Entries that are not")]
    assert page.table(MARKUP[:20])
    assert "a\\u202eb\\u000a\\ud800" in page.all("main")[0]["text"]


def broken_entry(**change: Any) -> bytes:
    entry = some_learner(1)
    entry["exercises"]["warm_up"] |= change
    return json.dumps(entry).encode()


BROKEN: tuple[dict, ...] = ({"tries": -1}, {"tries": "3"}, {"mistakes": [1]}, {"last": None})
GUESS = '{"schema": 1, "id": "a", "exercises": {}, "guesses": {"02": {"guess": {"a": %s}, "measured": {}}}}'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        *((content, "empty") for content in (b"", b" \n")),
        (b"\xff\xfe{}", "not text in UTF-8"),
        *((content, "not JSON") for content in (b"{", b"[" * 200_000)),
        (b"1" * 10_000, "not"),
        *((content, "not a progress file") for content in (b"null", b"[1, 2]", b'{"cells": []}')),
        (b'{"schema": 2}', "newer version"),
        *((content, "cannot be right") for content in (b'{"schema": "1"}', b'{"schema": 1}')),
        *((broken_entry(**change), "cannot be right") for change in BROKEN),
        *(((GUESS % number).encode(), "cannot be right") for number in ("NaN", "1e999", "1" + 400 * "0")),
        (b" " * (SIZE_LIMIT + 1), "larger than 1 MB"),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_a_bad_file_is_named_with_the_reason_and_stops_nothing(hand_made: Path, content: bytes, reason: str) -> None:
    (hand_made / "bad.json").write_bytes(content)
    files = read_class(hand_made)
    assert len(files.journals) == 3
    ((name, why),) = files.skipped
    assert name == "bad.json"
    assert reason in why
    assert [name, why] in page_of(hand_made).table("Files that are not counted")


def test_a_file_of_50_mb_is_not_read(tmp_path: Path) -> None:
    write_json(tmp_path / "good.json", some_learner(1))
    with open(tmp_path / "huge.json", "wb") as file:
        file.truncate(50_000_000)
    started = time.perf_counter()
    assert read_class(tmp_path).skipped == (("huge.json", "larger than 1 MB, which no progress file is"),)
    assert time.perf_counter() - started < 1


def test_files_below_the_folder_count_and_hidden_ones_do_not(tmp_path: Path) -> None:
    hidden = ("._a.json", ".ipynb_checkpoints/a.json", "notes.txt")
    write_learners(tmp_path, "a.json", "sub/b.json", "sub/deep/c.JSON", *hidden)
    files = read_class(tmp_path)
    assert (len(files.journals), files.skipped, files.duplicates) == (3, (), ())


def test_of_several_files_of_one_learner_the_latest_counts(learner) -> None:
    first = learner("ada", {"warm_up": ["no_reshape"]})
    first = first.rename(first.with_name("a-first-try.json"))
    last = learner("ada", {"warm_up": [None]})
    (first.parent / "sub").mkdir()
    (first.parent / "sub" / "copy.json").write_bytes(last.read_bytes())
    files = read_class(first.parent)
    assert [journal["exercises"]["warm_up"]["passed"] for journal in files.journals] == [True]
    assert files.duplicates == (("a-first-try.json", "ada.json"), ("sub/copy.json", "ada.json"))
    assert ["sub/copy.json", "ada.json"] in page_of(first.parent).table("Counted once")


def test_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    write_json(folder / "good.json", some_learner(1))
    write_json(tmp_path / "outside" / "other.json", some_learner(2))
    try:
        (folder / "link.json").symlink_to(tmp_path / "outside" / "other.json")
        (folder / "gone.json").symlink_to("nowhere")
        (folder / "loop").symlink_to(folder)
        os.mkfifo(folder / "pipe.json")
    except (OSError, AttributeError):
        pytest.skip("this system makes no links or pipes")
    files = read_class(folder)
    assert len(files.journals) == 1
    assert {name: why.partition(";")[0] for name, why in files.skipped} == {
        "loop": "a link to a folder",
        "link.json": "a link",
        "gone.json": "a link",
        "pipe.json": "not an ordinary file",
    }


def test_absurd_numbers_do_not_wreck_the_page(tmp_path: Path) -> None:
    write_learners(tmp_path, *(f"{number}.json" for number in range(30)))
    absurd = some_learner(99)
    absurd["guesses"]["02"] = {"guess": {"plain 8": 1e300, "plain 20": -1.7e308}, "measured": {"plain 8": 1.7e308}}
    for entry in absurd["exercises"].values():
        entry |= {"passed": True, "tries": 10**3000, "hints": 10**3000, "mistakes": {"unknown": 10**3000}}
    write_json(tmp_path / "absurd.json", absurd)
    said = " ".join(each["text"] for each in page_of(tmp_path).all("caption", "td", "th"))
    assert said.count("1 guess lies outside the axis") == 2
    assert "inf" not in said
    for name in {wrong.id for exercise in checks.EXERCISES.values() for wrong in exercise.wrong}:
        said = said.replace(name.replace("_", " "), "")  # some mistakes are about nan
    assert not re.search(r"\bnan\b", said)


def test_journals_with_nothing_in_them(tmp_path: Path) -> None:
    never = {"passed": False, "tries": 0, "mistakes": {"variance": 0}, "hints": 0}
    never |= {"last": {"status": "not_written", "hint_id": None}}
    write_json(tmp_path / "a.json", {"schema": 1, "id": "a", "exercises": {}, "guesses": {}})
    write_json(tmp_path / "b.json", {"schema": 1, "id": "b", "exercises": {"warm_up": never}, "guesses": {}})
    text = page_of(tmp_path).all("main")[0]["text"]
    for said in ("No exercise was passed yet.", "Nobody asked", "No mistake was met.", "No guess was written."):
        assert said in text


def test_what_only_other_versions_know_is_listed_and_not_counted(tmp_path: Path) -> None:
    entry = some_learner(1)
    entry["exercises"] |= {f"future_{number:03}": entry["exercises"]["warm_up"] for number in range(50)}
    entry["exercises"]["warm_up"]["mistakes"] = {f"made_up_{number}": 1 for number in range(1000)}
    entry["guesses"]["42"] = entry["guesses"]["02"]
    entry["guesses"]["02"] = {"guess": {f"quantity {number}": 1.0 for number in range(1000)}, "measured": {}}
    write_json(tmp_path / "a.json", entry)
    page = page_of(tmp_path)
    assert len(page.table("Entries that are not counted")) == 21
    text = page.all("main")[0]["text"]
    assert "31 further names not shown." in text
    assert "994 further quantities not shown" in text
    assert page.table("warm_up: 1 learner tried")[1] == ["made up 0", "1", "(not in this version of the course)"]
    assert len(write_page(read_class(tmp_path))) < 200_000


def test_300_files_take_less_than_10_seconds(tmp_path: Path) -> None:
    write_learners(tmp_path, *(f"{number}.json" for number in range(300)))
    started = time.perf_counter()
    page = page_of(tmp_path)
    assert time.perf_counter() - started < 10
    assert page.all("li")[4]["text"] == "300progress files read"
    assert sum(each.get("class") == "histogram" for each in page.all("table")) > len(checks.EXERCISES)


def test_the_command_writes_the_page_and_says_what_it_read(hand_made: Path, capsys) -> None:
    (hand_made / "bad.json").write_text("{", encoding="utf-8")
    (hand_made / "twin.json").write_bytes((hand_made / "ada.json").read_bytes())
    assert cli.main(["class-report", str(hand_made)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "skipped bad.json: not JSON, or damaged",
        "not counted twin.json: ada.json is from the same learner, and later",
        f"3 read, 1 skipped, 1 not counted: {hand_made / 'class_report.html'}",
    ]
    other = hand_made / "new" / "page.html"
    assert cli.main(["class-report", str(hand_made), "--output", str(other)]) == 0
    assert other.read_bytes() == (hand_made / "class_report.html").read_bytes()


def test_what_the_teacher_can_mend_gives_one_message(tmp_path: Path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    write_json(tmp_path / "bad" / "a.json", [])
    for arguments, said in (
        ([tmp_path / "nowhere"], "does not exist. Give the folder"),
        ([tmp_path / "bad" / "a.json"], "is a file. Give the folder"),
        ([tmp_path / "empty"], "holds no .json file. Put the files there"),
        ([tmp_path / "bad"], "holds no file that could be read"),
        ([tmp_path / "bad", "--output", tmp_path / "bad" / "a.json"], "ends with .html"),
    ):
        assert cli.main(["class-report", *map(str, arguments)]) == 2
        (message,) = capsys.readouterr().err.splitlines()
        assert said in message
    assert (tmp_path / "bad" / "a.json").read_text(encoding="utf-8") == "[]"
    assert not (tmp_path / "bad" / "class_report.html").exists()


def test_tries_fall_into_bins() -> None:
    found = dict(count_tries([1, 1, 5, 6, 10, 11, 10**6]))
    assert found == {"1": 2, "2": 0, "3": 0, "4": 0, "5": 1, "6–10": 2, "11+": 2}


@pytest.mark.parametrize("scale", [1e-300, 1e-6, 1, 1e15, 1e299])
def test_histograms_lose_no_number(scale: float) -> None:
    chance = random.Random(0)
    for size in (1, 2, 3, 10, 41, 300):
        for spread in (0, 1e-12, 0.1, 1):
            values = [scale * (1 + spread * chance.gauss(0, 1)) for _ in range(size)]
            edges, counts, below, above = histogram(values, chance.choice([None, scale, 2 * scale, 0.0]))
            assert sum(counts) + below + above == size
            assert len(counts) == len(edges) - 1 <= MOST_BINS + 1
            assert all(low < high for low, high in itertools.pairwise(edges))
            assert all(math.isfinite(edge) for edge in edges)
            assert below + above <= 2 * math.ceil(0.025 * size)


def test_histograms_have_round_edges_and_leave_out_what_is_far_away() -> None:
    values = [0.1, 0.2, 0.3, 0.3, 0.5, 0.7, 0.9]
    expected = ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [1, 1, 2, 0, 1, 0, 1, 1], 0, 0)
    assert histogram(values, 0.8) == expected
    assert histogram([*values, 1e300], 0.8) == (*expected[:2], 0, 1)
    assert histogram([0.3], 1e300)[0][-1] >= 1e300
    assert histogram(values, 1e300)[0][-1] < 1
    assert histogram(values, 20.0)[0][-1] == 20


def test_text_of_a_learner_stays_on_one_short_line() -> None:
    assert readable("no relu é") == "no relu é"
    assert readable("a\nb\x1b[31m") == "a\\u000ab\\u001b[31m"
    assert readable("x" * 100, 10) == "x" * 9 + "…"
