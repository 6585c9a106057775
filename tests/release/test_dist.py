"""Wheel and source archive: what is in them, and that the wheel works where nothing else is installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import resnet_course

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.release

USE = """
import resnet_course
from resnet_course import checks, experiments, models
import torch
network = models.resnet18(num_classes=10)
assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
assert experiments.load_records("degradation", "shapes")
experiments.load_weights("residual 56")
print(resnet_course.__version__, resnet_course.__file__)
"""


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    information = f"resnet_course-{resnet_course.__version__}.dist-info"
    assert top == {"resnet_course", information}
    tracked = subprocess.run(["git", "ls-files", "resnet_course"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split("\n")[:-1]) == {name for name in names if not name.startswith(information)}
    assert "resnet_course/py.typed" in names
    assert wheel.stat().st_size < 5 * 2**20


def test_the_source_archive_builds_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, source], check=True)
    (again,) = tmp_path.glob("*.whl")
    (wheel,) = dist.glob("*.whl")
    names = [zipfile.ZipFile(path).namelist() for path in (wheel, again)]
    assert sorted(names[0]) == sorted(names[1])


@pytest.fixture(scope="module")
def python(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an empty environment with the wheel installed."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=True)
    found = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    (wheel,) = dist.glob("*.whl")
    subprocess.run([found, "-m", "pip", "install", "--quiet", wheel], check=True)
    return found


def test_the_wheel_works_in_an_empty_environment(python: Path, tmp_path: Path) -> None:
    run = subprocess.run([python, "-c", USE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    version, place = run.stdout.split()
    assert version == resnet_course.__version__
    assert str(ROOT) not in place


def test_preflight_and_version_work_from_the_wheel(python: Path, tmp_path: Path) -> None:
    for command in (["preflight"], ["--version"], ["reproduce", "--list"], ["checks"]):
        line = [python, "-m", "resnet_course", *command]
        run = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, (command, run.stderr)
        assert run.stdout.strip()
    # What needs the checkout says so.
    run = subprocess.run([python, "-m", "resnet_course", "course"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 2
    assert "Clone the repository" in run.stderr
