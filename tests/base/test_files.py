import os
import tempfile
from pathlib import Path

import pytest

from resnet_course.base.errors import CourseError
from resnet_course.base.files import user_folder, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", [b"", b"some bytes", bytes(range(256)) * 1000])
def test_the_file_holds_the_bytes_and_replaces_an_earlier_one(tmp_path: Path, content: bytes) -> None:
    for written in (content, b"another, which may be longer", content):
        write_atomically(tmp_path / "file", written)
        assert (tmp_path / "file").read_bytes() == written
        assert names(tmp_path) == ["file"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "file")
    write_atomically(tmp_path / "link", b"1")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "file").read_bytes() == b"1"


def test_folders_are_made_and_paths_may_be_strings(tmp_path: Path) -> None:
    write_atomically(str(tmp_path / "a" / "b" / "file"), b"1")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"1"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_or_an_interrupt_leaves_the_earlier_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    write_atomically(tmp_path / "file", b"old")
    expected = CourseError if isinstance(error, OSError) else KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(expected) as caught:
            write_atomically(tmp_path / "file", b"new")
    if expected is CourseError:
        assert "No space left on device" in str(caught.value)
        assert str(tmp_path / "file") in str(caught.value)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(CourseError, match="could not write"):
        write_atomically(tmp_path / "file" / "inside", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(CourseError, match="could not write"):
        write_atomically(tmp_path / "folder", b"new")
    assert names(tmp_path) == ["folder"]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_others_may_read_the_file_if_the_umask_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "shared.bin", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "shared.bin").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("found", ["~/.cache/resnet_course", RuntimeError("could not determine the home directory")])
def test_without_a_home_files_lie_among_the_temporary_ones(monkeypatch: pytest.MonkeyPatch, found: object) -> None:
    def find(_: str) -> object:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("platformdirs.user_data_dir", find)
    assert user_folder("data") == Path(tempfile.gettempdir()) / "resnet_course"
