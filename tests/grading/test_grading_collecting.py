import zipfile

import pytest

from resnet_course.base.errors import CourseError
from resnet_course.grading.handin.collecting import collect


def test_a_folder_and_an_archive_give_the_same(tmp_path):
    (tmp_path / "downloads").mkdir()
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("ada_12_late_a1.ipynb", "ben.ipynb", "notes.txt"):
            (tmp_path / "downloads" / name).write_text(name, encoding="utf-8")
            archive.writestr(f"deep/{name}", name)
    (tmp_path / "downloads" / "cem.ipynb").symlink_to(tmp_path / "all.zip")
    for source in ("downloads", "all.zip"):
        room = tmp_path / f"room of {source}"
        assert collect(tmp_path / source, "a1", room) == ["ada", "ben"]
        assert (room / "submitted" / "ada" / "a1" / "a1.ipynb").read_text(encoding="utf-8") == "ada_12_late_a1.ipynb"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["ada_1.ipynb", "ada_2.ipynb"], "two files of the student 'ada'"),
        (["_.ipynb"], "no student's id"),
        (["...ipynb"], "no student's id"),
        (["a b.ipynb"], "no student's id"),
        (["ada.txt"], "there is no notebook"),
    ],
)
def test_what_cannot_be_told_is_said_and_nothing_is_written(tmp_path, names, said):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(CourseError, match=said):
        collect(tmp_path / "all.zip", "a1", tmp_path / "room")
    assert not (tmp_path / "room").exists()


def test_another_pattern_and_another_kind_of_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a1 - ada.ipynb", "x")
    assert collect(tmp_path / "all.zip", "a1", tmp_path / "room", r".* - (?P<student>\w+)") == ["ada"]
    (tmp_path / "text").write_text("x", encoding="utf-8")
    with pytest.raises(CourseError, match="neither a folder nor a zip archive"):
        collect(tmp_path / "text", "a1", tmp_path / "room")
