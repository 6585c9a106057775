"""What platforms hand out, and what goes wrong with it: each file is sorted, or left out with its reason."""

import datetime
import os
import time
import zipfile

import pytest

from resnet_course.base.errors import CourseError
from resnet_course.grading.handin import collecting
from resnet_course.grading.handin.collecting import collect
from resnet_course.grading.handin.owner import is_id


@pytest.fixture
def packed(tmp_path):
    def packed(names, content=b"{}", name="all.zip", day=1):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for index, inner in enumerate(names):
                member = zipfile.ZipInfo(inner, (2027, 3, day, 10, index, 0))
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, content if isinstance(content, bytes) else content[index])
        return tmp_path / name

    return packed


@pytest.fixture
def take(tmp_path):
    """Collects into a room, and gives the ids and what was said."""

    def take(source, assignment="a1_vgg", **more):
        said = []
        return collect(source, assignment, tmp_path / "room", tell=said.append, **more), "\n".join(said)

    return take


@pytest.fixture
def in_korea(monkeypatch):
    if not hasattr(time, "tzset"):
        pytest.skip("this system does not take another zone for a process")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "KST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def submitted(tmp_path):
    """What is graded of a student, by the name of the file in the student's folder."""

    def submitted(student, name="a1_vgg.ipynb"):
        return (tmp_path / "room" / "submitted" / student / "a1_vgg" / name).read_bytes()

    return submitted


def spoil(path, name):
    """Change a byte in the content of a member, so that its checksum is wrong."""
    data = bytearray(path.read_bytes())
    data[data.index(name.encode()) + 1_500] ^= 255
    path.write_bytes(data)


def test_a_folder_and_an_archive_give_the_same(tmp_path, packed):
    (tmp_path / "downloads").mkdir()
    names = ("ada_12_late_a1.ipynb", "ben.ipynb", "notes.txt")
    for name in names:
        (tmp_path / "downloads" / name).write_text(name, encoding="utf-8")
    (tmp_path / "downloads" / "cem.ipynb").symlink_to(packed([f"deep/{n}" for n in names], [n.encode() for n in names]))
    for source in ("downloads", "all.zip"):
        room = tmp_path / f"room of {source}"
        assert collect(tmp_path / source, "a1", room) == ["ada", "ben"]
        assert (room / "submitted" / "ada" / "a1" / "a1.ipynb").read_text(encoding="utf-8") == "ada_12_late_a1.ipynb"


MOODLE = ["Anna Müller_1234567_assignsubmission_file/a1_vgg.ipynb", "Bo Li_1234568_assignsubmission_file/a1_vgg.ipynb"]
BLACKBOARD = "a1_amina_attempt_2027-03-0{}-10-00-00_mine.ipynb"


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (MOODLE, ["1234567", "1234568"]),
        ([name.replace("/", "_") for name in MOODLE], ["1234567", "1234568"]),
        (["libo_LATE_112_223_a1_vgg-1.ipynb", "mueller_113_224_Untitled.ipynb"], ["libo", "mueller"]),
        (["libo_1_2_a1_vgg.ipynb", "libo_1_3_a2_residual.ipynb"], ["libo"]),
        ([BLACKBOARD.format(1), BLACKBOARD.format(2)], ["amina"]),
        (["amina/a1_vgg.ipynb", "bo/a1_vgg.ipynb", "bo/.ipynb_checkpoints/a1_vgg-checkpoint.ipynb"], ["amina", "bo"]),
        (["lee_anna.ipynb", "lee_bert_a1_vgg.ipynb"], ["lee_anna", "lee_bert"]),
        (["amina_1.IPYNB", "__MACOSX/amina_1.ipynb"], ["amina"]),
        (["../amina/a1_vgg.ipynb", "Bo_12_assignsubmission_file_\\a1_vgg.ipynb"], ["12", "amina"]),
        (["김정민_2.ipynb", "अमित_1.ipynb", "น้ำ.ipynb", "o'brien_1.ipynb"], ["o'brien", "अमित", "น้ำ", "김정민"]),
    ],
)
def test_what_platforms_hand_out_is_sorted_by_student(packed, take, names, students):
    assert take(packed(names))[0] == students


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["_.ipynb"], "no student's id"),
        (["a b.ipynb"], "no student's id"),
        (["x" * 130 + ".ipynb"], "no student's id"),
        (["ada\n.ipynb"], "no student's id"),
        (["ada.txt"], "no notebook"),
        (["a1_vgg.ipynb"], "nothing says whose it is"),
        (["a1_vgg (1).ipynb"], "nothing says whose it is"),
        (["ada.ipynb.txt"], "its name ends in .txt; rename it"),
        (["ada.zip"], "an archive in the archive"),
        (["libo_1_2_a.ipynb", "libo_2_3_a.ipynb"], "two students have the name 'libo'"),
        (["g1/x/mine.ipynb", "g2/x/mine.ipynb"], "two students have the name 'x'"),
        (["amina/a2_residual.ipynb", "bo/a2_residual-Copy1.ipynb"], "of another assignment than a1_vgg"),
        (["Anna Li/final.ipynb", "Bo Li/final.ipynb"], "no student's id is found in it, 'Anna Li' is none"),
        ([BLACKBOARD.format(1).replace("amina", f"{name}_lee") for name in ("anna", "bert")], "have the name 'lee'"),
    ],
)
def test_what_is_left_out_is_listed_with_its_reason_and_stops_nobody(packed, take, tmp_path, names, said):
    with pytest.raises(CourseError, match=f"no notebook to collect in .*({said})"):
        take(packed(names))
    assert not (tmp_path / "room").exists()
    students, heard = take(packed([*names, "zoe_1.ipynb"]))
    assert students == ["zoe"]
    assert "left out: " in heard


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (["amina/final.ipynb"], ["amina"]),
        (["amina/final.ipynb", "bo/Copy_of_a1_vgg.ipynb", "김정민/과제.ipynb"], ["amina", "bo", "김정민"]),
        (["s1/mine.ipynb", "s2/mine.ipynb"], ["s1", "s2"]),
        (["all/amina/draft/final.ipynb", "all/bo/a1_vgg.ipynb", "all/bo/tests/x.ipynb"], ["amina", "bo"]),
        (["submitted/amina/a1_vgg/a1_vgg.ipynb", "submitted/bo/a1_vgg/b.ipynb"], ["amina", "bo"]),
        (["g1/amina/a1.ipynb", "g1/bo/a1.ipynb", "g2/cem/a1.ipynb"], ["amina", "bo", "cem"]),
        (["g1/ada_1.ipynb", "g1/ben_1.ipynb", "cem/final.ipynb"], ["ada", "ben", "cem"]),
        (["all/ada.ipynb", "all/ben.ipynb", "all/cem/a1_vgg.ipynb"], ["ada", "ben", "cem"]),
        (["a1_vgg/ada.ipynb"], ["ada"]),
        (["amina/Untitled.ipynb", "bo/Untitled1.ipynb", "cem_A1_VGG.ipynb"], ["amina", "bo", "cem"]),
        (["all/a1_vgg.ipynb", "all/bo/a1_vgg.ipynb", "all/cem/a1_vgg.ipynb"], ["bo", "cem"]),
    ],
)
def test_a_file_belongs_to_the_student_whose_folder_it_is_in(packed, take, names, students):
    assert take(packed(names))[0] == students


@pytest.mark.parametrize(
    "name",
    [
        *("a1_vgg_final", "A1_VGG", "a1", "Untitled", "untitled1", "Copy_of_a1_vgg", "Copy of A1_vgg (2)", "A1-Copy1"),
        *("a1_vgg(1)", "a1-vgg-Copy1", "Untitled-Copy1", "a1_vgg의 사본", "a1_vgg_2027_03_01", "a1_vgg_mine"),
    ],
)
def test_what_is_named_like_the_assignment_is_no_student(packed, take, name):
    for folder in ("", "all/"):
        students, heard = take(packed([f"{folder}{each}.ipynb" for each in ("ada", "ben", name)]))
        assert students == ["ada", "ben"]
        assert f"{name}.ipynb: nothing says whose it is; put it into a folder named after the student, or" in heard


def test_in_a_students_folder_the_file_named_like_the_assignment_counts(packed, take, submitted):
    moodle = "Cem_12_assignsubmission_file_"
    named = [f"{moodle}/A1.ipynb", "amina/a1_vgg.ipynb", "bo/A1_VGG.ipynb", "bo/Copy_of_a1_vgg-Copy1.ipynb"]
    names = [*named, *(f"{folder}/helper.ipynb" for folder in ("amina", "bo", moodle)), "dan/x.ipynb", "dan/y.ipynb"]
    students, heard = take(packed(names, [name.encode() for name in names]))
    assert students == ["12", "amina", "bo"]
    assert [submitted(each).decode() for each in students] == [names[0], names[1], names[3]]
    assert "left out: dan/x.ipynb: the folder's name or the file's may be the student's; give --students" in heard
    assert "left out: amina/helper.ipynb: not named like a1_vgg, as a1_vgg.ipynb is" in heard
    assert "left out: bo/A1_VGG.ipynb: older than Copy_of_a1_vgg-Copy1.ipynb" in heard
    students, heard = take(packed(["eva/a1_vgg.ipynb", "eva/helper.ipynb"], [b"1", b"2"]))
    assert (students, submitted("eva")) == (["eva"], b"1")  # also alone in an archive


def test_an_older_archive_does_not_replace_a_newer_hand_in(packed, take, tmp_path, submitted):
    take(packed(["ada.ipynb"], b"new", day=5))
    came = submitted("ada", "timestamp.txt")
    students, heard = take(packed(["x_LATE_1_2_a.ipynb", "ada.ipynb"], [b"{}", b"old"], day=3))
    assert (students, submitted("ada"), submitted("ada", "timestamp.txt")) == (["ada", "x"], b"new", came)
    assert "left out: ada.ipynb: older than what was collected before" in heard
    assert [path.read_bytes() for path in (tmp_path / "room" / "older" / "ada").rglob("*.ipynb")] == [b"old"]
    assert take(packed(["ada.ipynb"], b"new", day=2)) == (["ada"], "")  # the same again
    assert submitted("ada", "timestamp.txt") == came
    assert take(packed(["ada.ipynb"], b"newer", day=6)) == (["ada"], "")
    (tmp_path / "room" / "submitted" / "ada" / "a1_vgg" / "timestamp.txt").write_text("today", encoding="utf-8")
    take(packed(["ada.ipynb"], b"last", day=1))
    assert submitted("ada") == b"last"


def test_when_a_hand_in_came_is_written_in_utc(in_korea, packed, take, tmp_path, submitted):
    take(packed(["ada.ipynb", "a1_bo_attempt_2027-03-01-10-00-00_x.ipynb", "a1_cem_attempt_2027-99-01-10-00-00.ipynb"]))
    assert submitted("ada", "timestamp.txt") == b"2027-03-01 01:00:00 UTC\n"
    assert submitted("bo", "timestamp.txt") == b"2027-03-01 01:00:00 UTC\n"
    assert submitted("cem", "timestamp.txt") == b"2027-03-01 01:02:00 UTC\n"  # as the archive says
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "dan.ipynb").write_bytes(b"{}")
    os.utime(tmp_path / "downloads" / "dan.ipynb", (1_800_000_000, 1_800_000_000))
    take(tmp_path / "downloads")
    assert submitted("dan", "timestamp.txt") == b"2027-01-15 08:00:00 UTC\n"


def test_of_two_files_the_newer_is_graded_and_both_are_kept(in_korea, packed, take, tmp_path):
    students, heard = take(packed(["ada_1.ipynb", "ada_2.ipynb"], [b"old", b"new"]))
    place = tmp_path / "room" / "submitted" / "ada" / "a1_vgg"
    assert (students, (place / "a1_vgg.ipynb").read_bytes()) == (["ada"], b"new")
    assert "older than ada_2.ipynb; kept" in heard
    assert (place / "timestamp.txt").read_text(encoding="utf-8") == "2027-03-01 01:01:00 UTC\n"
    take(packed(["ada_3.ipynb"], b"later", day=2))
    kept = {path.read_bytes() for path in (tmp_path / "room" / "older").rglob("*.ipynb")}
    assert kept >= {b"old", b"new"}


def test_late_is_said_and_the_platforms_name_is_kept(packed, take, tmp_path):
    assert "libo: late" in take(packed(["libo_LATE_112_223_a1_vgg-1.ipynb"]))[1]
    kept = tmp_path / "room" / "submitted" / "libo" / "a1_vgg" / "collected.txt"
    assert kept.read_text(encoding="utf-8") == "libo_LATE_112_223_a1_vgg-1.ipynb\nlate\n"


ROSTER = """id;first_name;last_name;canvas
s1;Anna;Müller;112
s2;Bo;Li;113
s3;Bo;Li;114
s4;Cem;Öz;
max_mus;Max;Mus;
"""


def test_a_roster_gives_the_ids_and_says_who_is_missing(packed, take, tmp_path):
    (tmp_path / "class.csv").write_text(ROSTER, encoding="utf-8-sig")
    names = [MOODLE[0], "libo_113_9_a.ipynb", "libo_114_9_a.ipynb", "zoe_1.ipynb", MOODLE[1]]
    names += [BLACKBOARD.format(1).replace("amina", "max_mus")]
    students, heard = take(packed(names), students=tmp_path / "class.csv")
    assert students == ["max_mus", "s1", "s2", "s3"]
    assert "1 of 5 missing: s4" in heard
    assert "'zoe' is not in the roster" in heard
    # Two have this name, and Moodle's number is in no column.
    assert "'1234568' or 'Bo Li' is the name of several students in the roster" in heard
    names = ["all/s1.ipynb", "all/s2/final.ipynb", "all/a1_vgg_s3.ipynb", "all/a1_vgg.ipynb", "s4/s1/a1_vgg.ipynb"]
    students, heard = take(packed(names), students=tmp_path / "class.csv")
    assert students == ["s1", "s2", "s3"]
    assert "s4/s1/a1_vgg.ipynb: the roster knows 2 students by" in heard
    (tmp_path / "class.csv").write_text("name\nAnna", encoding="utf-8")
    with pytest.raises(CourseError, match="no column `id`"):
        take(packed(names), students=tmp_path / "class.csv")


@pytest.mark.parametrize(
    ("names", "students", "said"),
    [
        (["Anna Müller_113_assignsubmission_file_/a1_vgg.ipynb"], [], "the roster knows 2 students by '113' or"),
        (["Cem Öz - a1_vgg.ipynb", "Max Mus - Copy of A1 VGG.ipynb"], ["max_mus", "s4"], "missing"),
        (["Files/s1/Version 9/a1.ipynb", "Files/s1/Version 10/a1.ipynb"], ["s1"], "Version 9/a1.ipynb: older than"),
        (["a1_vgg/s1.ipynb", "a2_residual/s1.ipynb", "A2/s2.ipynb"], ["s1"], "in the folder of another assignment"),
        (["s1/a1.ipynb", "A2 Residual_s2_attempt_2027-03-01-10-00-00_hw.ipynb"], ["s1"], "of another assignment"),
    ],
)
def test_what_contradicts_itself_is_left_out(names, students, said, packed, take, tmp_path):
    (tmp_path / "class.csv").write_text(ROSTER.replace("id;", "ID;"), encoding="utf-8-sig")
    archive = packed(names)
    if students:
        found, heard = take(archive, students=tmp_path / "class.csv")
        assert (found, said in heard) == (students, True), heard
    else:
        with pytest.raises(CourseError, match=said):
            take(archive, students=tmp_path / "class.csv")


def test_the_notebook_of_another_assignment_is_left_out_whatever_it_is_called(packed, take):
    held = b'{"cells": [{"metadata": {"nbgrader": {"grade_id": "%s"}}}]}'
    names = ["ada/hw.ipynb", "ben/a1_vgg.ipynb", "cem/a1_vgg.ipynb"]
    contents = [held % b"zero_start", held % b"PooledShortcut", held % b"staged_vgg"]
    students, heard = take(packed(names, contents))
    assert students == ["cem"]
    assert heard.count("it is the notebook of a2_residual") == 2


def test_a_spoilt_or_encrypted_member_costs_itself_alone(packed, take):
    path = packed(["ada_1.ipynb", "ben_1.ipynb", "cem_1.ipynb"], [b"x" * 3_000, os.urandom(3_000), b"{}"])
    data = bytearray(path.read_bytes())
    data[data.index(b"ben_1.ipynb") + 1_500] ^= 255
    central = data.rindex(b"PK\1\2", 0, data.index(b"cem_1.ipynb", data.index(b"PK\1\2")))
    data[central + 8] |= 1  # the flag of encryption, of the last one
    path.write_bytes(data)
    students, heard = take(path)
    assert students == ["ada"]
    assert "left out: ben_1.ipynb: it cannot be read" in heard
    assert "left out: cem_1.ipynb: it cannot be read" in heard


def test_the_newest_file_that_can_be_read_counts(packed, take, submitted):
    noise = [os.urandom(3_000) for _ in range(4)]
    path = packed(["ada_1.ipynb", "ada_2.ipynb", "ben/a1_vgg.ipynb", "ben/helper.ipynb"], noise)
    spoil(path, "ada_2.ipynb")
    spoil(path, "ben/a1_vgg.ipynb")
    students, heard = take(path)
    assert (students, submitted("ada")) == (["ada"], noise[0])
    assert "left out: ada_2.ipynb: it cannot be read" in heard
    assert "ada: ada_1.ipynb counts, the newest that can be read" in heard
    assert "left out: ben/a1_vgg.ipynb: it cannot be read" in heard  # and no helper is graded in its place
    spoil(path := packed(["ada_1.ipynb", "ada_2.ipynb"], noise[1:3]), "ada_1.ipynb")
    assert take(path)[0] == ["ada"]
    assert submitted("ada") == noise[2]


def test_an_archive_that_unpacks_without_end_is_cut(packed, take, monkeypatch):
    monkeypatch.setattr(collecting, "UNPACKED", (1, 2_000))
    students, heard = take(packed(["ada.ipynb", "ben.ipynb"], [b"1", b"x" * 10_000]))
    assert students == ["ada"]
    assert "ben.ipynb: the archive unpacks to far more" in heard
    monkeypatch.setattr(collecting, "MOST_BYTES", 100)
    with pytest.raises(CourseError, match="larger than"):
        take(packed(["ada.ipynb"], b"x" * 200))


def test_names_in_the_code_page_of_another_system(tmp_path, take, packed):
    path = packed(["ééé_2.ipynb"])
    stored, wanted = "ééé".encode(), "김정민".encode("cp949")
    data = bytearray(path.read_bytes().replace(stored, wanted))
    for start, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(start) + offset + 1] &= ~8  # the flag of UTF-8
    path.write_bytes(data)
    with pytest.raises(CourseError, match="the encoding of its name is not utf-8; give --encoding"):
        take(path)
    assert take(path, encoding="cp949")[0] == ["김정민"]


def test_another_pattern_and_another_kind_of_file(tmp_path, packed, take):
    assert take(packed(["a1 - ada.ipynb"]), pattern=r".* - (?P<student>\w+)")[0] == ["ada"]
    assert take(packed(MOODLE), pattern=r".*_(?P<student>\d+)_assign")[0] == ["1234567", "1234568"]
    (tmp_path / "text").write_text("x", encoding="utf-8")
    with pytest.raises(CourseError, match="neither a folder nor a zip archive"):
        take(tmp_path / "text")


def test_names_that_are_made_to_take_long_take_no_time(packed, take):
    names = ["a1" + "v_1" * 10_000 + "x.ipynb", "d/" * 30_000 + "x.ipynb", "a1_vgg" + "_copy1(1)" * 5_000 + ".ipynb"]
    started = time.perf_counter()
    assert take(packed([*names, "ada.ipynb"]))[0] == ["ada", "d"]
    assert time.perf_counter() - started < 60


@pytest.mark.parametrize("place", ["submitted/ada", "submitted/ada/a1_vgg/a1_vgg.ipynb/x"])
def test_what_stands_in_a_students_place_stops_nobody_else(tmp_path, packed, take, place):
    path = tmp_path / "room" / place
    path.parent.mkdir(parents=True)
    path.write_text("x", encoding="utf-8")
    students, heard = take(packed(["ada_1.ipynb", "ben_1.ipynb"]))
    assert students == ["ben"]
    assert "left out: ada_1.ipynb: could not write" in heard


@pytest.mark.parametrize("student", ["", ".profile", "a\nb", "a/b", "x" * 121, "김" * 41, "\udcff", "-rf", "a b"])
def test_what_is_no_id(student):
    assert not is_id(student)


def test_the_time_of_a_date_that_is_none(tmp_path, take, packed):
    path = packed(["ada.ipynb"])
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 14
    data[at : at + 2] = b"\0\0"
    path.write_bytes(data)
    assert take(path)[0] == ["ada"]
    assert datetime.datetime(1980, 1, 1)
