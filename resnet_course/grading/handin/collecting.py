"""From what a learning platform hands out to nbgrader's folders, one hand-in at a time.

Known are the archives of Moodle (a folder a student, or flat), Canvas and Blackboard, folders named after students, and
files named after them. Nothing stops the others: what is left out is listed with its reason.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say
from resnet_course.base.text import clean
from resnet_course.grading.handin.preflight import MOST_BYTES
from resnet_course.grading.handin.roster import Roster

MOST_ID = 120  # bytes: names of files are made of it
MOST_SHOWN = 40  # lines of what was left out
UNPACKED = 50, 256 * 2**20  # an archive may unpack to so many times its size, and so many bytes beyond that

# What platforms call a file or its folder: groups `student`, and where there are any `name`, `late` and `when`.
_PLATFORMS = {
    "Moodle": r"(?P<name>.+)_(?P<student>\d+)_assignsubmission_\w+?(?:_.*)?",
    "Canvas": r"(?P<name>[^\W_]+?)(?P<late>_LATE)?_(?P<student>\d+)_\d+_(?P<file>.+)",
    "Blackboard": r"(?P<name>.+?_(?P<student>[^_]+))_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(_(?P<file>.*))?",
}


@dataclass(frozen=True)
class _File:
    """A file that was handed in.

    Args:
        path: in the folder or archive, with `/`.
        when: of its last change, as far as platform or archive say.
        size: in bytes.
        open: to be read.
        wrong: why it cannot be read; "" if it can.
    """

    path: PurePosixPath
    when: datetime.datetime
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    wrong: str = ""


@dataclass(frozen=True)
class _Whose:
    """What a platform says: the id, all that it calls the student, the surest first, and when the file came."""

    student: str
    names: tuple[str, ...] = ()
    late: bool = False
    when: datetime.datetime | None = None


class _HandIn(NamedTuple):
    when: datetime.datetime
    file: _File
    whose: _Whose


def collect(
    source: Path,
    assignment: str,
    folder: Path,
    pattern: str | None = None,
    students: Path | None = None,
    encoding: str = "utf-8",
    tell: Callable[[str], object] = say,
) -> list[str]:
    """Copy hand-ins into submitted/STUDENT/ASSIGNMENT; one that is there already is kept beside the newer one.

    Args:
        source: a folder with notebooks in it, or a zip archive of them.
        assignment: name of the assignment.
        folder: nbgrader's course folder.
        pattern: regular expression for a file's name or path without ".ipynb", with a group "student".
        students: a roster, see `Roster`; only its students are collected then.
        encoding: of the names in an archive that does not say; Windows in Korea, for example, writes cp949.
        tell: takes sentences about what was left out, was late, or is odd.

    Returns:
        The students' ids, in order.

    Raises:
        CourseError: if no hand-in is found; it says what was there.
    """
    roster = Roster.read(students) if students is not None else None
    left_out: list[str] = []
    collected: list[str] = []
    with contextlib.ExitStack() as opened:
        found: dict[str, list[_HandIn]] = {}
        for file in _files(source, encoding, opened):
            try:
                whose = _whose(file, assignment, pattern, roster)
                found.setdefault(whose.student, []).append(_HandIn(whose.when or file.when, file, whose))
            except _LeftOutError as error:
                left_out.append(f"{file.path}: {error}")
        for student, hand_ins in sorted(found.items()):
            *others, newest = sorted(hand_ins, key=lambda each: each.when)
            doubt = _doubt(hand_ins)
            if doubt:
                left_out += [f"{each.file.path}: {doubt}" for each in hand_ins]
                continue
            try:
                for each in hand_ins if others else ():
                    _write_older(_content(each.file), student, assignment, folder)
                _put(newest, student, assignment, folder)
            except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile, EOFError, zlib.error) as error:
                left_out.append(f"{newest.file.path}: it cannot be read ({error}); ask for it again")
                continue
            except CourseError as error:  # such as a file where the student's folder should be
                left_out.append(f"{newest.file.path}: {error}")
                continue
            collected.append(student)
            left_out += [f"{each.file.path}: older than {newest.file.path.name}; kept in older/" for each in others]
            if newest.whose.late:
                tell(f"{student}: late")
    left_out = [" ".join(clean(line).split()) for line in left_out]  # a name may hold line breaks
    for line in left_out[:MOST_SHOWN]:
        tell(f"left out: {line}")
    if len(left_out) > MOST_SHOWN:
        tell(f"and {len(left_out) - MOST_SHOWN} more left out")
    if not collected:
        why = "; ".join(left_out[:3]) or "give a folder or a zip archive of .ipynb files"
        raise CourseError(f"there is no notebook to collect in {source}: {why}")
    if roster is not None and (missing := sorted(set(roster.ids) - set(collected))):
        tell(f"{len(missing)} of {len(roster.ids)} missing: {', '.join(missing)}")
    return collected


def is_id(student: str) -> bool:
    """Whether folders and files can be named after it: letters of any script, digits and some signs."""
    fits = all(sign.isalnum() or unicodedata.category(sign)[0] == "M" or sign in "_.@'’+-" for sign in student)
    return (
        any(map(str.isalnum, student))
        and fits
        and student[0] not in ".-'’"
        and len(student.encode(errors="replace")) <= MOST_ID
    )


class _LeftOutError(Exception):
    """Why a file is not collected."""


def _doubt(hand_ins: list[_HandIn]) -> str:
    """Why it cannot be told which of several files of one id counts; "" if it can."""
    student, latest = hand_ins[0].whose.student, max(each.when for each in hand_ins)
    if len({each.whose.names for each in hand_ins}) > 1:
        return f"two students have the name {student!r} there; give --students"
    if sum(each.when == latest for each in hand_ins) > 1:
        return f"two files of the student {student!r}, and neither is newer; keep one"
    return ""


def _whose(file: _File, assignment: str, pattern: str | None, roster: Roster | None) -> _Whose:
    """Whose hand-in a file is.

    Raises:
        _LeftOutError: if it is none, of another assignment, or of nobody who is known.
    """
    path = PurePosixPath(clean(str(file.path)))
    if path.suffix.lower() != ".ipynb":
        inner = path.suffixes[-2:-1] == [".ipynb"]
        raise _LeftOutError(
            f"its name ends in {path.suffix}; rename it"
            if inner
            else "an archive in the archive; unpack it"
            if path.suffix.lower() in (".zip", ".7z", ".rar", ".gz")
            else "no notebook"
        )
    if file.wrong:
        raise _LeftOutError(file.wrong)
    if file.size > MOST_BYTES:
        raise _LeftOutError(f"larger than {MOST_BYTES // 2**20} MB; ask for it without outputs")
    whose = _by_pattern(path, pattern) if pattern else _by_platform(path, assignment)
    if roster is not None:
        names = whose.names or (whose.student,)
        known = roster.find(*names)
        if known is None:
            raise _LeftOutError(f"{next(filter(None, reversed(names)))!r} is not in the roster")
        return replace(whose, student=known)
    if not is_id(whose.student):
        raise _LeftOutError(f"no student's id is found in it, {whose.student!r} is none; see --pattern and --students")
    return whose


def _by_pattern(path: PurePosixPath, pattern: str) -> _Whose:
    for text in (path.stem, str(path.with_suffix(""))):
        if fits := re.match(pattern, text):
            return _Whose(fits["student"])
    raise _LeftOutError(f"no student's id is found in it with the pattern {pattern!r}")


def _by_platform(path: PurePosixPath, assignment: str) -> _Whose:
    for text in (*reversed(path.parts[:-1]), path.stem):
        for platform, pattern in _PLATFORMS.items():
            if not (fits := re.fullmatch(pattern, text)):
                continue
            groups = fits.groupdict()
            if _other_assignment(groups.get("file") or "", assignment):
                raise _LeftOutError(f"of another assignment than {assignment}")
            when = datetime.datetime.strptime(groups["when"], "%Y-%m-%d-%H-%M-%S") if groups.get("when") else None
            name, number = groups["name"], groups["student"]
            names: tuple[str, ...] = (number, name)
            if platform == "Blackboard":  # "A1 VGG_max_mus": which part is the student, a roster knows
                parts = name.split("_")
                names = tuple("_".join(parts[first:]) for first in range(1, len(parts)))
            # Canvas writes a name without spaces, which serves as id; Moodle's name is none.
            return _Whose(name if platform == "Canvas" else number, names, bool(groups.get("late")), when)
    stem = re.sub(r"[ (_-]+\d*\)?$", "", path.stem) if path.stem.startswith(assignment) else path.stem
    if stem == assignment:  # the folder says whose it is
        if len(path.parts) < 2:
            raise _LeftOutError("nothing says whose it is; put it into a folder with the student's id")
        return _Whose(path.parent.name)
    name = re.sub(rf"(?:_\d.*|[_-]{re.escape(assignment)}.*)$", "", path.stem)
    return _Whose(name, (name, path.parent.name))  # the same name in two folders may be two students


def _other_assignment(file: str, assignment: str) -> bool:
    """Whether the learner's own name of the file is that of another assignment, such as a2_residual for a1_vgg."""
    known = re.match(r"a\d+_[a-z]\w*", file)
    return known is not None and not file.startswith(assignment)


def _files(source: Path, encoding: str, opened: contextlib.ExitStack) -> Iterator[_File]:
    """All files, those of the system and of editors apart; links are left out."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            inner = PurePosixPath(path.relative_to(source).as_posix())
            if path.is_file() and not path.is_symlink() and not _hidden(inner):
                status = path.stat()
                when = datetime.datetime.fromtimestamp(status.st_mtime)
                yield _File(inner, when, status.st_size, functools.partial(io.FileIO, path))
        return
    try:
        archive = opened.enter_context(zipfile.ZipFile(source))
    except (OSError, zipfile.BadZipFile) as error:
        raise CourseError(f"{source} is neither a folder nor a zip archive: {error}") from error
    left = UNPACKED[0] * source.stat().st_size + UNPACKED[1]
    for member in archive.infolist():
        name, wrong = _name_in_archive(member, encoding)
        inner = PurePosixPath(name.replace("\\", "/"))  # as some archives from Windows divide folders
        if member.is_dir() or _hidden(inner):
            continue
        left -= member.file_size
        wrong = wrong or ("the archive unpacks to far more than its size" if left < 0 else "")
        when = datetime.datetime(1980, 1, 1)
        with contextlib.suppress(ValueError):  # some write dates that are none
            when = datetime.datetime(*member.date_time)
        yield _File(inner, when, member.file_size, functools.partial(archive.open, member), wrong)


def _name_in_archive(member: zipfile.ZipInfo, encoding: str) -> tuple[str, str]:
    """A member's name, and what is wrong with it. Without a flag zipfile reads every name as the old code page 437."""
    if member.flag_bits & 0x800 or member.filename.isascii():
        return member.filename, ""
    try:
        return member.filename.encode("cp437").decode(encoding), ""
    except (UnicodeError, LookupError):
        wrong = f"the encoding of its name is not {encoding}; give --encoding, cp949 for Windows in Korea for example"
        return member.filename, wrong


def _hidden(path: PurePosixPath) -> bool:
    return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in path.parts)


def _content(file: _File) -> bytes:
    """The bytes, and never more than its size allows, whatever the archive said."""
    with file.open() as opened:
        return opened.read(MOST_BYTES + 1)


def _put(hand_in: _HandIn, student: str, assignment: str, folder: Path) -> None:
    """In its place, with when it was handed in, as nbgrader reads it, and the name to return it under."""
    place = folder / "submitted" / student / assignment
    target, content = place / f"{assignment}.ipynb", _content(hand_in.file)
    if target.is_file() and not target.is_symlink() and target.read_bytes() != content:
        _write_older(target.read_bytes(), student, assignment, folder)
    write_atomically(target, content)
    write_atomically(place / "timestamp.txt", f"{hand_in.when:%Y-%m-%d %H:%M:%S} UTC\n".encode())
    late = "late" if hand_in.whose.late else "in time"
    write_atomically(place / "collected.txt", f"{hand_in.file.path}\n{late}\n".encode(errors="replace"))


def _write_older(content: bytes, student: str, assignment: str, folder: Path) -> None:
    """Beside the hand-ins; the same file twice is one file."""
    place = folder / "older" / student / assignment
    write_atomically(place / f"{hashlib.sha256(content).hexdigest()[:12]}.ipynb", content)
