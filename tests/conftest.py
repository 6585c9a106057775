"""A worker has a home of its own, a test a temporary folder of its own, and no test leaves a setting to the next."""

import multiprocessing.util
import os
import site
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

OF_A_USER = ("IPYTHON", "JUPYTER_", "MPLCONFIGDIR", "RESNET_COURSE_", "XDG_")  # what lets tests see a user's files


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home for this worker and all that it starts: caches, journal and temporary files of nobody else.

    Its path is short, for the sockets that some libraries keep among their temporary files.
    """
    tmp_path_factory.getbasetemp()  # stays where pytest puts it
    multiprocessing.util.get_temp_dir()  # chosen once for the process, and deleted at its end
    with (
        tempfile.TemporaryDirectory(prefix="home-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in os.environ.keys() - {"RESNET_COURSE_TEST_CIFAR10"}:
            if name.startswith(OF_A_USER):
                patch.delenv(name)
        patch.setenv("PYTHONUSERBASE", site.getuserbase())  # libraries of `pip install --user`
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", f"{folder}/inductor")  # PyTorch sets it itself at the first optimizer
        for name in ("HOME", "USERPROFILE", "TMPDIR"):
            patch.setenv(name, folder)
        for name, value in {"RESNET_COURSE_JOURNAL": "off", "RESNET_COURSE_WIDGETS": "0"}.items():
            patch.setenv(name, value)
        patch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def state() -> dict[str, Any]:
    """What a test may change for the tests after it."""
    return {
        "current folder": os.getcwd(),
        "import path": [path for path in sys.path if "_vendor" not in path],  # setuptools adds its own at its import
        "type of numbers": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "exact algorithms": torch.are_deterministic_algorithms_enabled(),
        **{f"${name}": value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
    }


@pytest.fixture(autouse=True)
def nothing_changes() -> Iterator[None]:
    """The state after a test is the one before it, and no figure stays open."""
    before = state()
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    after = state()
    names = before.keys() | after.keys()
    assert {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)} == {}


@pytest.fixture(autouse=True)
def temporary_folder(home: Path, nothing_changes: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test and all that it starts keep temporary files, and no other test does."""
    folder = tempfile.mkdtemp(dir=home)
    monkeypatch.setenv("TMPDIR", folder)
    monkeypatch.setattr(tempfile, "tempdir", folder)
    return Path(folder)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """The tests' tensors are tiny: several threads would wait for each other more than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """The random numbers of a test do not depend on the tests before it."""
    torch.manual_seed(0)


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """As in a notebook: what is displayed, by MIME type."""
    display = pytest.importorskip("IPython.display")
    bundles: list[dict[str, Any]] = []
    for module in ("messages", "widgets"):
        monkeypatch.setattr(f"resnet_course.notebook.{module}.in_notebook", lambda: True)
    monkeypatch.setattr(display, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles
