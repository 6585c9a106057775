from html.parser import HTMLParser
from typing import get_args

import pytest

from resnet_course.notebook.messages import MIME_TYPE, Kind, Message, in_notebook

MESSAGE = Message("failed", "x < y & 'z'", ("first <b>", 'second "line"'), {"answer": 42})


def test_text_has_title_and_paragraphs() -> None:
    title, *rest = MESSAGE.text.splitlines()
    assert title.endswith("x < y & 'z'")
    assert [line.strip() for line in rest] == ["first <b>", 'second "line"']


def test_html_says_the_same_and_escapes_it() -> None:
    words, attributes = [], []
    parser = HTMLParser()
    parser.handle_data = words.append
    parser.handle_starttag = lambda tag, pairs: attributes.append((tag, dict(pairs)))
    parser.feed(MESSAGE.html)
    assert " ".join(words).split() == MESSAGE.text.split()
    assert {tag for tag, _ in attributes} <= {"div", "p", "strong"}  # nothing of the text became a tag
    assert attributes[0][1]["aria-label"] == MESSAGE.title


def test_good_and_bad_news_differ_in_more_than_colour() -> None:
    first_words = {kind: Message(kind, "title").text.split()[0] for kind in get_args(Kind)}
    assert first_words["passed"] != first_words["failed"]
    assert first_words["reproduced"] != first_words["not reproduced"]
    assert first_words["info"] not in (first_words["passed"], first_words["failed"])


def test_shown_as_text_outside_a_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    assert not in_notebook()
    MESSAGE.show()
    assert capsys.readouterr().out == MESSAGE.text + "\n"


@pytest.mark.parametrize("data", [None, {"answer": 42}])
def test_shown_as_html_text_and_data_in_a_notebook(displayed: list[dict], data: dict | None) -> None:
    message = Message("info", "title", data=data)
    message.show()
    expected = {"text/html": message.html, "text/plain": message.text}
    assert displayed == [expected if data is None else {**expected, MIME_TYPE: data}]
