"""The playground as a page of its own; what it computes is tried in `tests/browser/test_playground.py`."""

import re
import struct

import pytest

from resnet_course.base.language import page_texts
from resnet_course.explorers import playground


def test_page_fetches_nothing_and_holds_all_its_parts() -> None:
    page = playground.page()
    assert not re.search(r"(src|href)=|https?://(?!www\.w3\.org)|@import|url\(", page)
    assert page.count("<script>") == len(playground.SCRIPTS)
    assert len(page) < 40_000
    used = set(re.findall(r"var\(--pst-color-([\w-]+)\)", page))
    assert used == {name for name in used if f"--pst-color-{name}:" in page}


def test_script_and_korean_page_have_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_COURSE_LANGUAGE", "ko")
    assert '<html lang="ko">' in playground.page()
    held = set(re.findall(r"data-say=\"(?:plain|shortcuts)?([\w ]+)", playground.body()))
    assert held == set(re.findall(r"words\([\"`](?:\$\{kind\})?([\w ]+)[\"`]", playground.page()))
    assert set(re.findall("[A-Za-z]{2,}", " ".join(page_texts(playground.body())))) == {"JavaScript"}


def test_outside_a_notebook_its_picture_is_said_in_words(capsys) -> None:
    playground.show_playground()
    assert capsys.readouterr().out.strip() == playground.PICTURE
    width, height = struct.unpack(">2I", (playground.FOLDER / "picture.png").read_bytes()[16:24])
    assert width > height > 800
