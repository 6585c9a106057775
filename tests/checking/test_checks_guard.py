"""A check survives what it is handed."""

import time

import pytest

from resnet_course import checks
from resnet_course.checking.guard import TooSlowError, guarded

SEED = 1


def test_an_endless_loop_is_stopped_even_if_it_swallows_exceptions():
    def stubborn():
        while True:
            try:
                time.sleep(0.01)
            except Exception:  # the stop is none
                pass

    started = time.monotonic()
    with pytest.raises(TooSlowError, match="endless loop"), guarded(SEED, seconds=0.5):
        stubborn()
    assert time.monotonic() - started < 5


def test_an_import_is_not_cut_off(tmp_path, monkeypatch):
    (tmp_path / "slow_module.py").write_text(
        "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with guarded(SEED, seconds=0.3):
        import slow_module
    assert slow_module.end
    with pytest.raises(TooSlowError), guarded(SEED, seconds=0.3):
        time.sleep(5)


def test_a_flood_of_text_is_cut():
    with guarded(SEED) as printed:
        print("word " * 100_000)
    assert 0 < len(printed.getvalue()) < 5_000


def test_a_verdict_repeats_what_was_printed():
    assert "a note of mine" in checks.verdict("receptive_field", lambda *arguments: print("a note of mine")).message
