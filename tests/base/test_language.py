"""What is shown is looked up; what nobody has translated stays English."""

from pathlib import Path

import pytest

from resnet_course import data
from resnet_course.base import language
from resnet_course.base.errors import CourseError
from resnet_course.explorers import Control
from resnet_course.notebook.lessons import find_lesson
from resnet_course.notebook.messages import Message

CATALOGUE = """\
#, fuzzy
msgid "a guess"
msgstr "짐작"

msgid "{0} should be {1} and is {2}."
msgstr "{0}: 기대한 값 {1}, 나온 값 {2}."

msgid "the mean loss"
msgstr "평균 "
"손실"

msgid "What was seen: {0}"
msgstr "본 것: {0}"

msgid "for {0}, the result"
msgstr "{0}의 결과"

msgid "for batches of {0}"
msgstr "{0}인 배치"

msgid "{0}, the result"
msgstr "{0}, 결과"

msgid ", entry {0}"
msgstr ", 항목 {0}"

msgid "it raised {0}: {1}"
msgstr "{0} 오류: {1}"

msgid "there is no lesson {0}. Look again."
msgstr "레슨 {0}: 없습니다."
"""


@pytest.fixture
def korean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader of Korean, and a small catalogue."""
    (tmp_path / "ko").mkdir()
    (tmp_path / "ko" / "package.po").write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    monkeypatch.setenv(language.SETTING, "ko")
    caches = (language.languages, language._catalogues, language._translated)
    for cache in caches:
        cache.cache_clear()
    yield tmp_path / "ko" / "package.po"
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("the mean loss", "평균 손실"),
        ("✘ The mean loss should be 2 and is 3.", "✘ 평균 손실: 기대한 값 2, 나온 값 3."),
        ("warm_up: the mean loss\n  the mean loss; so it is", "warm_up: 평균 손실\n  평균 손실; so it is"),
        ("a guess", "a guess"),
        ("✔ warm_up: so\n  The mean loss. The mean loss.", "✔ warm_up: so\n  평균 손실. 평균 손실."),
        ("✔ warm_up: so\n  There is no lesson 7. Look again.", "✔ warm_up: so\n  레슨 7: 없습니다."),
        ("So it is? It raised E: no. The mean loss.", "So it is? E 오류: no. 평균 손실."),
        ("What was seen: The mean loss should be 2 and is 3.", "본 것: 평균 손실: 기대한 값 2, 나온 값 3."),
        ("for batches of 8, 8 and 3, the result", "8, 8 and 3인 배치, 결과"),
        (
            "The mean loss[0, 1] should be 2 and is 'the mean loss'.",
            "평균 손실[0, 1]: 기대한 값 2, 나온 값 '평균 손실'.",
        ),
        ("the mean loss, entry 2 should be 2 and is 3.", "평균 손실, 항목 2: 기대한 값 2, 나온 값 3."),
        ("nobody has translated this", "nobody has translated this"),
    ],
)
def test_a_text_is_shown_whole_from_its_pattern_or_by_its_parts(korean: Path, english: str, said: str) -> None:
    assert language.translated(english) == said


def test_messages_pages_and_errors_speak_the_readers_language(korean: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Message("info", "warm_up: the mean loss", ("The mean loss should be <1> and is 2.",)).show()
    assert capsys.readouterr().out == "ℹ warm_up: 평균 손실\n  평균 손실: 기대한 값 <1>, 나온 값 2.\n"
    page = language.translated_page("<p title='the mean loss'>the mean loss should be &lt;1&gt; and is 2.</p>")
    assert page == "<p title='the mean loss'>평균 손실: 기대한 값 &lt;1&gt;, 나온 값 2.</p>"
    script = "<script>of.map(each => the mean loss should be <1> and is 2.)</script>"
    assert language.translated_page(script) == script
    assert str(CourseError("there is no lesson 77. Look again.")) == "레슨 77: 없습니다."


def test_what_was_translated_is_found_back_in_english_with_the_texts_of_lessons(korean: Path) -> None:
    (korean.parent / "lessons").mkdir()
    lesson = korean.parent / "lessons" / "07_small.po"
    anything = 'msgid "the {0}"\nmsgstr "{0}"\n'  # read backwards, it fits every text
    text = f'msgid "{{0}} layers, by depth"\nmsgstr "깊이별 {{0}}층"\n\n{anything}'
    lesson.write_text(text, encoding="utf-8")
    assert language.in_english("깊이별 56층") == "56 layers, by depth"
    assert language.in_english("가나다") == "가나다"
    assert language.in_english("평균 손실") == "the mean loss"
    assert language.translated("56 layers, by depth") == "56 layers, by depth"  # its notebook says it in Korean


def test_what_a_lesson_prints_itself_is_in_the_readers_language(korean: Path) -> None:
    korean.write_text('msgid "Start here"\nmsgstr "시작"\n\nmsgid "disc"\nmsgstr "원판"\n', encoding="utf-8")
    assert find_lesson("00").title == "시작"
    assert data.load("shapes", "train", limit=20).classes[0] == "원판"
    assert Control("disc", {"disc": 1}) == Control("원판", {"원판": 1})


def test_the_language_is_that_of_the_setting_then_of_the_notebook_then_of_the_system(
    korean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "_notebook", ["en"])
    monkeypatch.setattr(language.locale, "getlocale", lambda: ("ko_KR", "UTF-8"))
    assert language.language() == "ko"
    monkeypatch.delenv(language.SETTING)
    assert language.language() == "en"
    language._notebook.clear()
    assert language.language() == "ko"
    monkeypatch.setenv(language.SETTING, "xx")
    with pytest.raises(CourseError, match=r"no language 'xx'.*one of en, ko"):
        language.language()


@pytest.mark.parametrize(
    ("text", "words"),
    [(CATALOGUE + '\nmsgid "the mean loss"\nmsgstr "손실"\n', "twice: the mean loss"), ("msgid the\n", "msgid the")],
)
def test_a_text_that_stands_twice_and_a_line_that_cannot_be_read_are_named(korean: Path, text: str, words: str) -> None:
    korean.write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=words):
        language.read_catalogue(korean)
