import io

import pytest

from resnet_course.base.progress import PLAIN, bar, say
from resnet_course.notebook.messages import SIGNS


@pytest.mark.parametrize(("setting", "visible"), [("0", False), ("1", True), (None, True)])
def test_the_bar_can_be_switched_off(monkeypatch, capsys, setting: str | None, visible: bool) -> None:
    monkeypatch.delenv("RESNET_COURSE_PROGRESS", raising=False)
    if setting is not None:
        monkeypatch.setenv("RESNET_COURSE_PROGRESS", setting)
    with bar(10, "reading photos") as progress:
        progress.update(10)
    assert ("reading photos" in capsys.readouterr().err) is visible


@pytest.mark.parametrize("error", [False, True])
def test_messages_go_to_one_stream(capsys: pytest.CaptureFixture[str], error: bool) -> None:
    say("hello", error)
    out, err = capsys.readouterr()
    assert (err if error else out) == "hello\n"
    assert (out if error else err) == ""


@pytest.mark.parametrize("encoding", ["cp1252", "cp949", "ascii", "utf-8"])
@pytest.mark.parametrize("error", [False, True])
def test_a_stream_that_cannot_show_a_sign_shows_another_one(monkeypatch, encoding: str, error: bool) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stderr" if error else "sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    say("✔ VGG: depth from 3×3 \udcff", error)
    shown = raw.getvalue().decode(encoding).rstrip()
    assert shown in ("✔ VGG: depth from 3×3 ?", "+ VGG: depth from 3×3 ?", "+ VGG: depth from 3x3 ?")
    assert ("✔" in shown) == (encoding == "utf-8")


def test_every_sign_of_a_message_has_another_one() -> None:
    assert {sign for sign in SIGNS.values() if not sign.isascii()} <= set(PLAIN)
    assert all(plain.isascii() for plain in PLAIN.values())
