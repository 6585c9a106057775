"""The address of a fork and its install cell."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from resnet_course import __version__
from resnet_course.base.errors import CourseError
from resnet_course.base.language import languages
from resnet_course.course import cli
from resnet_course.course.address import COPIES, Repository, repository, repository_address, set_address
from resnet_course.course.build import install_cell
from resnet_course.course.translations import columns
from resnet_course.runtime import NOT_INSTALLED

ROOT = Path(__file__).parents[2]
IN_USE = repository(ROOT).owner_and_name


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what names the address, with one small lesson; the current folder."""
    sources = tmp_path / "notebooks" / "sources"
    sources.mkdir(parents=True)
    (sources / "07_small.py").write_text("# %% [markdown]\n# # 07 · A small lesson\n", encoding="utf-8")
    for name in ("pyproject.toml", *COPIES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(folder: Path, owner_and_name: str) -> set[str]:
    """The files of a folder that name a repository."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and owner_and_name in path.read_text(encoding="utf-8", errors="replace")
    }


def test_the_address_stands_where_a_fork_changes_it_or_where_it_is_built() -> None:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    texts = [name for name in names if (ROOT / name).is_file() and not name.endswith((".otf", ".png", ".safetensors"))]
    naming = {name for name in texts if IN_USE in (ROOT / name).read_text(encoding="utf-8")}
    built = {name for name in naming if re.match(r"notebooks/.*\.ipynb$", name)}
    assert naming - built == {"pyproject.toml", *COPIES}


@pytest.mark.parametrize("fork", ["someone/my.fork", f"{IN_USE}-2", "a/b"])
def test_a_fork_changes_every_address_with_one_command_and_back(checkout: Path, fork: str) -> None:
    assert cli.main(["fork", IN_USE]) == 0
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    assert cli.main(["fork", fork]) == 0
    assert repository_address(checkout) == f"https://github.com/{fork}"
    assert not re.search(rf"{IN_USE}(?![\w-])", "".join(path.read_text(encoding="utf-8") for path in before))
    assert named(checkout, fork) == {path.relative_to(checkout).as_posix() for path in before} - {
        "notebooks/sources/07_small.py"
    }
    assert cli.main(["fork", f"https://github.com/{IN_USE}.git"]) == 0
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/someone/my.fork",
        "https://github.com/someone/my.fork.git",
        "https://name@github.com/someone/my.fork.git",
        "git@github.com:someone/my.fork.git",
        "ssh://git@github.com/someone/my.fork.git",
    ],
)
def test_without_a_name_it_is_the_remote_of_git(checkout: Path, remote: str) -> None:
    for line in (["init", "--quiet"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", *line], cwd=checkout, check=True)
    set_address(checkout, None)
    assert repository_address(checkout) == "https://github.com/someone/my.fork"


@pytest.mark.parametrize(
    ("name", "said"),
    [(None, "no remote `origin`"), ("someone", "OWNER/NAME"), ("https://gitlab.com/someone/course", "OWNER/NAME")],
)
def test_what_is_no_repository_on_github_changes_nothing(checkout: Path, name: str | None, said: str) -> None:
    if name is None:
        subprocess.run(["git", "init", "--quiet"], cwd=checkout, check=True)
    before = (checkout / "pyproject.toml").read_bytes()
    with pytest.raises(CourseError, match=said):
        set_address(checkout, name)
    assert (checkout / "pyproject.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("version", "archive", "folder"),
    [
        ("0.3.0.dev0", "https://github.com/someone/course/archive/refs/heads/main.zip", "course-main"),
        ("0.3.0", "https://github.com/someone/course/archive/refs/tags/v0.3.0.zip", "course-0.3.0"),
    ],
)
def test_a_version_is_at_its_tag_and_what_becomes_one_on_the_branch(version: str, archive: str, folder: str) -> None:
    found = Repository("someone/course", version)
    assert (found.archive, found.folder) == (archive, folder)


def test_extras_that_name_the_package_name_this_one() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    name = re.findall(r'^name = "(.*)"', text, re.MULTILINE)[0]
    assert set(re.findall(r'"([\w-]+)\[', text)) == {name}  # another one would come from PyPI, from whoever took it


# --- The install cell, with pip imitated; tests/release has the real one -------------------------------------------


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the install cell in an empty folder; `pip` is called with its line."""
    transform = pytest.importorskip("IPython.core.inputtransformer2").TransformerManager().transform_cell
    source = transform(install_cell(ROOT).source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["first"])

    def run(place: str, pip: Mock, version: str = __version__) -> None:
        """With the course at a place below the folder, if any."""
        there = [write_package(place, version) if place else None]
        pip.side_effect = pip.side_effect or (lambda *_: there.append(write_package("site-packages", __version__)))

        def spec(name: str) -> SimpleNamespace | None:
            brought = tmp_path / repository(ROOT).folder / name
            origin = there[-1] or (brought if brought.is_dir() else None)
            return origin and SimpleNamespace(origin=str(origin))

        monkeypatch.setattr("importlib.util.find_spec", spec)
        exec(source, {"get_ipython": lambda: SimpleNamespace(run_line_magic=pip)})

    def write_package(place: str, version: str) -> Path:
        module = tmp_path / place / "resnet_course" / "__init__.py"
        module.parent.mkdir(parents=True)
        module.write_text(f'__version__ = "{version}"\n', encoding="utf-8")
        return module

    return run


PIP_LINE = "pip", 'install --quiet "{ARCHIVE}"'  # IPython puts the address in


@pytest.mark.parametrize(("place", "version"), [("dist-packages", __version__), ("checkout", "0.0.9")])
def test_an_installed_course_stays_as_it_is_and_so_does_a_checkout(cell, place: str, version: str) -> None:
    cell(place, pip := Mock(), version)
    pip.assert_not_called()


@pytest.mark.parametrize(("place", "version"), [("", __version__), ("dist-packages", "0.0.9")])
def test_a_course_that_is_missing_or_of_another_version_comes_from_the_archive(cell, place: str, version: str) -> None:
    cell(place, pip := Mock(), version)
    pip.assert_called_once_with(*PIP_LINE)
    assert f'ARCHIVE = "{repository(ROOT).archive}"' in install_cell(ROOT).source


@pytest.mark.parametrize("place", [".", "drive/MyDrive"])
def test_a_file_that_was_brought_along_needs_neither_network_nor_pip(cell, tmp_path: Path, place: str) -> None:
    folder = repository(ROOT).folder
    (tmp_path / "made" / folder / "resnet_course").mkdir(parents=True)
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    shutil.make_archive(str(tmp_path / place / f"{folder} (1)"), "zip", tmp_path / "made")
    for _ in range(2):
        cell("", pip := Mock())
        pip.assert_not_called()
        assert sys.path[0] == str(tmp_path / folder)


def test_without_a_network_the_next_step_is_told(cell) -> None:
    advice = f"get this file elsewhere: {repository(ROOT).archive} Put it beside this notebook"
    with pytest.raises(ModuleNotFoundError, match=re.escape(advice)):
        cell("", Mock(side_effect=lambda *_: None))


@pytest.mark.parametrize("language", languages())
def test_the_install_cell_speaks_the_language_and_fits_the_page(language: str) -> None:
    source = install_cell(ROOT, language).source
    assert all((text in source) == (language == "en") for text in NOT_INSTALLED)
    assert max(columns(line) for line in source.split("\n")) <= 88
