"""A check survives what it is handed."""

import os
import random
import sys
import time

import numpy as np
import pytest
import torch

from resnet_course import checks
from resnet_course.checking.guard import ExitRefusedError, TooSlowError, guarded

SEED = 1


def test_an_endless_loop_is_stopped():
    def endless():
        while True:
            pass

    started = time.monotonic()
    with pytest.raises(TooSlowError, match="endless loop"), guarded(SEED, seconds=0.5):
        endless()
    assert time.monotonic() - started < 5


def test_a_loop_that_swallows_exceptions_is_stopped_too():
    def stubborn():
        while True:
            try:
                time.sleep(0.01)
            except Exception:  # the stop is none
                pass

    with pytest.raises(TooSlowError), guarded(SEED, seconds=0.5):
        stubborn()


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory limit works on Linux only")
def test_an_absurd_allocation_fails_and_later_ones_work():
    with pytest.raises((RuntimeError, MemoryError)), guarded(SEED):
        torch.empty(20 * 2**30, dtype=torch.uint8).fill_(1)
    assert torch.ones(2**20).sum() == 2**20


def test_the_process_cannot_be_ended():
    with pytest.raises(ExitRefusedError), guarded(SEED):
        os._exit(3)
    assert os._exit.__module__ != "resnet_course.checking.guard"


def test_global_state_is_put_back():
    torch.manual_seed(5), random.seed(5), np.random.seed(5)
    folder = os.getcwd()
    with guarded(SEED):
        torch.manual_seed(0), random.seed(0), np.random.seed(0)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        os.chdir("/")
    after = torch.rand(1).item(), random.random(), np.random.rand()
    torch.manual_seed(5), random.seed(5), np.random.seed(5)
    assert after == (torch.rand(1).item(), random.random(), np.random.rand())
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert os.getcwd() == folder


def test_a_flood_of_text_is_cut():
    with guarded(SEED) as printed:
        print("word " * 100_000)
    assert 0 < len(printed.getvalue()) < 5_000


def exits(*arguments):
    sys.exit(3)


def prints(*arguments):
    print("a note of mine")
    return 0


def test_a_verdict_names_an_exit_and_repeats_what_was_printed():
    assert checks.verdict("receptive_field", exits).hint_id == "tried_to_exit"
    assert "a note of mine" in checks.verdict("receptive_field", prints).message
