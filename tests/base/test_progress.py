import pytest

from resnet_course.base.progress import bar, say


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
