"""Colab, imitated: its versions, an empty folder, one notebook opened alone.

COLAB_PYTHON names an interpreter, or several, separated by spaces. `make test-colab` runs this; it downloads gigabytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from empty_places import Published, published
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from resnet_course.notebook.lessons import LESSONS

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.colab, pytest.mark.timeout(1_800)]  # an environment is gigabytes

# googlecolab/backend-info of August 2026; what a lesson needs beside these is there too, in a version of that month.
PINS = ("torch==2.11.0", "torchvision==0.26.0", "numpy==2.1.3", "ipython==7.34.0", "ipykernel==6.17.1")
PINS += ("ipywidgets==7.7.1", "fastjsonschema", "jinja2", "matplotlib", "pillow", "platformdirs", "pooch")
PINS += ("safetensors", "tqdm", "setuptools")
CACHE = Path(os.environ.get("COLAB_CACHE", ROOT / "build" / "colab"))
PYTHONS = os.environ.get("COLAB_PYTHON", "").split()
STARTED = "# what tells the course that it is on Colab\nimport google.colab\n"


@dataclass
class Colab:
    """An environment with Colab's versions and a kernel in it."""

    python: Path
    kernels: Path  # for JUPYTER_PATH, with the kernel "colab"
    home: Path  # for settings and caches

    def environment(self) -> dict[str, str]:
        """Of the kernel: the course finds Colab's own package."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RESNET_COURSE", "PYTHON"))}
        return {
            **kept,
            "HOME": str(self.home),
            "IPYTHONDIR": str(self.home / "ipython"),
            "JUPYTER_PATH": str(self.kernels),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.home / "colab"),
        }

    def installed(self) -> set[str]:
        """Name and version of every package."""
        line = [self.python, "-m", "pip", "list", "--format=freeze"]
        listed = subprocess.run(line, capture_output=True, text=True, check=True, env=self.environment())
        return set(listed.stdout.split())

    def remove_course(self) -> None:
        line = [self.python, "-m", "pip", "uninstall", "--yes", "--quiet", "resnet-course"]
        subprocess.run(line, check=True, env=self.environment())

    def start(self, folder: Path) -> KernelManager:
        manager = KernelManager(kernel_name="colab")
        manager.kernel_spec_manager.kernel_dirs.insert(0, str(self.kernels / "kernels"))
        manager.start_kernel(env=self.environment(), cwd=str(folder))
        return manager


@pytest.fixture(scope="session", params=PYTHONS)
def colab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Colab:
    """Made once for an interpreter and its versions, and used again."""
    key = hashlib.sha256(" ".join([request.param, *PINS]).encode()).hexdigest()[:12]
    folder = CACHE / key
    python = folder / "venv" / "bin" / "python"
    if not (folder / "complete").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([request.param, "-m", "venv", folder / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINS], check=True)
        (folder / "complete").touch()
    home = tmp_path_factory.mktemp("home")
    package = home / "colab" / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    startup = home / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-colab.py").write_text(STARTED, encoding="utf-8")
    kernels = home / "jupyter"
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    (kernels / "kernels" / "colab").mkdir(parents=True)
    (kernels / "kernels" / "colab" / "kernel.json").write_text(
        json.dumps({**spec, "display_name": "Colab"}), encoding="utf-8"
    )
    found = Colab(python, kernels, home)
    if any(line.startswith("resnet-course==") for line in found.installed()):
        found.remove_course()
    return found


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """This checkout, as GitHub has it."""
    with published(ROOT, tmp_path_factory.mktemp("github")) as found:
        yield found


def run(colab: Colab, notebook: Path, folder: Path, with_drive: bool = False) -> nbformat.NotebookNode:
    """Run a notebook alone in an empty folder. An error ends the test."""
    folder.mkdir(exist_ok=True)
    if with_drive:
        (folder / "drive").mkdir()
    content = nbformat.read(notebook, as_version=4)
    manager = colab.start(folder)
    try:
        NotebookClient(content, km=manager, timeout=600).execute()
    finally:
        manager.shutdown_kernel(now=True)
    return content


def printed(notebook: nbformat.NotebookNode) -> str:
    return json.dumps([cell.get("outputs", []) for cell in notebook.cells], ensure_ascii=False)


def test_the_first_notebook_installs_the_course_and_changes_nothing_else(colab: Colab, course, tmp_path: Path) -> None:
    before, notebook = colab.installed(), course.download(LESSONS[0].file_name, tmp_path / "first")
    first = run(colab, notebook, tmp_path / "first")
    after = colab.installed()
    assert before - after == set(), "packages of Colab were changed"
    assert {line.split("==")[0] for line in after - before} == {"resnet-course"}
    assert "Colab's GPU is off" in printed(first)

    second = run(colab, notebook, tmp_path / "second")
    assert colab.installed() == after
    assert second.cells[1].outputs == [], "the second run installs nothing"


@pytest.mark.parametrize("lesson", LESSONS[1:], ids=lambda lesson: lesson.number)
def test_a_lesson_runs_alone(colab: Colab, course: Published, lesson, tmp_path: Path) -> None:
    if "resnet-course" in " ".join(colab.installed()):
        colab.remove_course()
    before = colab.installed()
    run(colab, course.download(lesson.file_name, tmp_path / "lesson"), tmp_path / "lesson")
    assert before - colab.installed() == set()


TRAINING = """
import json
from pathlib import Path
import torch
from resnet_course import data, models, training

training.reset_seeds(0)
model = models.cifar_resnet(8, num_classes=10, width=8)
train = data.Batches(data.load("shapes", "train", limit=2000), 64, shuffle=True, seed=0)
validation = data.Batches(data.load("shapes", "test", limit=200), 64)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
loss_fn = torch.nn.CrossEntropyLoss()
history = training.fit(model, train, validation, optimizer, loss_fn, epochs=6, checkpoint=Path("drive") / "run.pt")
Path("history.json").write_text(json.dumps([history.train_loss, history.val_acc]))
"""


def test_a_lost_session_resumes_from_the_mounted_folder(colab: Colab, course: Published, tmp_path: Path) -> None:
    """The kernel is killed in the middle of a training; a new one goes on and ends where an undisturbed one ends."""
    folders = tmp_path / "undisturbed", tmp_path / "killed"
    if "resnet-course" not in " ".join(colab.installed()):
        run(colab, course.download(LESSONS[0].file_name, tmp_path / "install"), tmp_path / "install")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TRAINING)])
    source = tmp_path / "training.ipynb"
    nbformat.write(notebook, source)
    run(colab, source, folders[0], with_drive=True)

    (folders[1] / "drive").mkdir(parents=True)
    manager = colab.start(folders[1])
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    client.execute(TRAINING)
    checkpoint = folders[1] / "drive" / "run.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    manager.shutdown_kernel(now=True)
    client.stop_channels()
    assert checkpoint.is_file()
    assert not (folders[1] / "history.json").is_file(), "it was killed too late to show anything"

    manager = colab.start(folders[1])
    try:
        NotebookClient(nbformat.read(source, as_version=4), km=manager, timeout=600).execute()
    finally:
        manager.shutdown_kernel(now=True)
    results = [json.loads((folder / "history.json").read_text(encoding="utf-8")) for folder in folders]
    assert results[0] == results[1]
