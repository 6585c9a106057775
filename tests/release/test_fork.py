"""A fork as somebody makes one: renamed with one command, and its lessons run where nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_places import ROOT, Empty, Published, published, tracked

from resnet_course.course.address import repository

pytestmark = pytest.mark.release
FORK = "someone/another-name"
LESSONS = ("00_start_here.ipynb", "05_residual_block.ipynb")


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """A copy of this checkout, after the one command, and published."""
    folder = tmp_path_factory.mktemp("fork")
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    line = [sys.executable, "-m", "resnet_course", "fork", FORK]
    subprocess.run(line, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, check=True)
    with published(folder, tmp_path_factory.mktemp("github")) as found:
        yield found


def test_a_fork_names_itself_and_nobody_else(fork: Published) -> None:
    old = repository(ROOT).owner_and_name
    texts = {name: (fork.checkout / name).read_text(encoding="utf-8", errors="replace") for name in tracked()}
    assert [name for name, text in texts.items() if old in text] == []
    naming = ("README.md", "CITATION.cff", *(f"notebooks/{name}" for name in LESSONS))
    assert all(FORK in texts[name] for name in naming)


def test_lessons_of_the_fork_install_it_once_and_change_nothing_else(fork: Published, tmp_path: Path) -> None:
    empty = Empty(tmp_path / "empty")
    before = empty.installed()
    first, second = (fork.download(lesson, tmp_path / "anywhere") for lesson in LESSONS)
    empty.run(first)
    after = empty.installed()
    assert before - after == set(), "installed packages were changed"
    assert {line.split("==")[0] for line in after - before} == {"resnet-course"}
    place = empty.says("-c", "import resnet_course; print(resnet_course.__file__)")
    assert Path(place.strip()).is_relative_to(empty.python.parents[1])
    for notebook in (first, second):
        assert empty.run(notebook).cells[1].outputs == [], "the second run installs nothing"
    assert empty.installed() == after


def test_a_lesson_runs_with_the_file_beside_it_where_neither_network_nor_pip_is(fork: Published, tmp_path) -> None:
    notebook = fork.download(LESSONS[0], tmp_path / "anywhere")
    shutil.copy(fork.archive, notebook.parent / f"{repository(fork.checkout).folder}.zip")
    Empty(tmp_path / "empty", "--without-pip").run(notebook)
