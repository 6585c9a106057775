"""A check trusts nothing that it is handed: it reports, the process lives, and global state is as before."""

import builtins
import os
import random
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from resnet_course import checks
from resnet_course.checking.guard import TooSlowError, guarded
from resnet_course.checking.modules import SEED
from resnet_course.models import BasicBlock
from resnet_course.training import reset_seeds


class WithoutShortcut(BasicBlock):
    """A wrong block: right shapes, right number of parameters."""

    def forward(self, x):
        return torch.relu(self.transform(x))


def block(forward) -> type[nn.Module]:
    """A block with this forward."""
    return type("BasicBlock", (BasicBlock,), {"forward": forward})


def test_an_endless_loop_in_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(self, x):
        while True:
            x = x + 1

    monkeypatch.setattr("resnet_course.checking.guard.guarded.__wrapped__.__defaults__", (0.5, 2**31))
    started = time.monotonic()
    verdict = checks.verdict("basic_block", block(forward))
    assert (verdict.status, verdict.hint_id) == ("crashed", "too_slow")
    assert time.monotonic() - started < 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory limit works on Linux only")
@pytest.mark.parametrize("allocate", [lambda: torch.ones(20 * 2**28), lambda: bytearray(20 * 2**30)])
def test_an_allocation_of_20_gigabytes_fails_and_later_ones_work(allocate) -> None:
    verdict = checks.verdict("basic_block", block(lambda self, x: allocate() and x))
    assert verdict.status == "crashed"
    assert "emory" in verdict.message
    assert torch.ones(2**20).sum() == 2**20


@pytest.mark.parametrize("leave", [lambda: os._exit(3), lambda: os.abort(), lambda: sys.exit(3), lambda: exit()])
def test_ending_the_process(leave) -> None:
    verdict = checks.verdict("basic_block", block(lambda self, x: leave()))
    assert (verdict.status, verdict.hint_id) == ("crashed", "tried_to_exit")
    assert os._exit.__module__ != "resnet_course.checking.guard"


@pytest.mark.parametrize("where", ["torch.allclose", "torch.equal", "torch.Tensor.allclose", "torch.Tensor.__eq__"])
def test_a_comparison_that_always_agrees(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(where, lambda *arguments, **options: True)
    verdict = checks.verdict("basic_block", WithoutShortcut)
    assert (verdict.status, verdict.hint_id) == ("failed", "shortcut_unused")


class Agreeable(torch.Tensor):
    """A tensor that claims to be equal to everything, and to be close to it."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        if getattr(function, "__name__", "") in ("allclose", "equal", "eq", "__eq__", "isclose"):
            return True
        return super().__torch_function__(function, types, arguments, options or {})

    def detach(self):
        raise RuntimeError("no")


def test_a_tensor_that_claims_to_be_equal() -> None:
    lying = block(lambda self, x: torch.relu(self.transform(x)).as_subclass(Agreeable))
    assert checks.verdict("basic_block", lying).status == "failed"


class AlwaysEqual:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


class AlwaysEqualInt(AlwaysEqual, int):
    pass


@pytest.mark.parametrize("thing", [AlwaysEqual(), AlwaysEqualInt(1)])
@pytest.mark.parametrize("name", ["receptive_field", "needs_projection", "flat_features", "bottleneck_shapes"])
def test_an_object_that_claims_to_be_equal(name: str, thing: object) -> None:
    assert checks.verdict(name, lambda *arguments, **options: thing).status == "failed"


def test_a_megabyte_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    def forward(self, x):
        print("word " * 200_000)
        return torch.relu(self.transform(x))

    verdict = checks.verdict("basic_block", block(forward))
    assert verdict.hint_id == "shortcut_unused"
    assert len(verdict.message) < 1_000
    assert capsys.readouterr().out == ""


def test_an_endless_loop_that_swallows_exceptions():
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
    slow = "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass\n"
    (tmp_path / "slow_module.py").write_text(slow, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with guarded(SEED, seconds=0.3):
        import slow_module
    assert slow_module.end
    with pytest.raises(TooSlowError), guarded(SEED, seconds=0.3):
        time.sleep(5)


def test_a_busy_machine_is_no_endless_loop(monkeypatch):
    """A third of a processor: the answer gets more time, an endless one not for ever."""
    monkeypatch.setattr(time, "thread_time", lambda: time.monotonic() / 3)
    with guarded(SEED, seconds=0.5):
        time.sleep(1.2)
    with pytest.raises(TooSlowError, match="endless loop"), guarded(SEED, seconds=0.5):
        time.sleep(60)


def test_of_a_flood_of_text_the_beginning_is_kept():
    with guarded(SEED) as printed:
        print("word " * 100_000)
    assert 0 < len(printed.getvalue()) < 5_000


def test_a_verdict_repeats_what_was_printed():
    assert "a note of mine" in checks.verdict("receptive_field", lambda *arguments: print("a note of mine")).message


def draw() -> list[float]:
    return [torch.rand(1).item(), random.random(), np.random.rand()]


def test_global_state_is_as_before() -> None:
    def forward(self, x):
        reset_seeds(1)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        os.chdir("/")
        return BasicBlock.forward(self, x)

    reset_seeds(5)
    folder, expected = os.getcwd(), draw()
    reset_seeds(5)
    checks.verdict("basic_block", block(forward))
    assert draw() == expected
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_default_device() == torch.device("cpu")
    assert torch.is_grad_enabled()
    assert os.getcwd() == folder
    assert builtins.print is print


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_the_notebook_defaults_do_not_matter(dtype: torch.dtype) -> None:
    torch.set_default_dtype(dtype)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    try:
        assert checks.verdict("basic_block", BasicBlock).status == "passed"
        assert checks.verdict("basic_block", WithoutShortcut).hint_id == "shortcut_unused"
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.set_grad_enabled(True)


@pytest.mark.parametrize(
    "thing",
    [None, 3, "BasicBlock", [], nn.Linear(1, 1), lambda *arguments: None, type("Empty", (nn.Module,), {})],
)
@pytest.mark.parametrize("name", ["basic_block", "resnet18", "train_step", "early_stopper", "checkpoint"])
def test_things_of_another_kind(name: str, thing: object) -> None:
    assert checks.verdict(name, thing).status in ("failed", "crashed")


def test_a_missing_forward_is_told_in_the_words_of_torch() -> None:
    without = type("NoForward", (nn.Module,), {"__init__": lambda self, *arguments: nn.Module.__init__(self)})
    verdict = checks.verdict("basic_block", without)
    assert verdict.status == "crashed"
    assert 'missing the required "forward"' in verdict.message
