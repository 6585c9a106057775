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
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say
from resnet_course.base.text import clean
from resnet_course.grading.assignment.build import assignment_folders
from resnet_course.grading.assignment.folder import load_assignment
from resnet_course.grading.handin.owner import LeftOutError, Owner, find_owner, in_utc, is_like, student_folders
from resnet_course.grading.handin.preflight import MOST_BYTES
from resnet_course.grading.handin.roster import Roster

MOST_SHOWN = 40  # lines of what was left out
UNPACKED = 50, 256 * 2**20  # an archive may unpack to so many times its size, and so many bytes beyond that


@dataclass(frozen=True)
class _File:
    """A file that was handed in.

    Args:
        path: in the folder or archive, with `/`.
        when: of its last change, as far as platform or archive say, in UTC.
        size: in bytes.
        open: to be read.
        wrong: why it cannot be read; "" if it can.
    """

    path: PurePosixPath
    when: datetime.datetime
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    wrong: str = ""


class _HandIn(NamedTuple):
    when: datetime.datetime
    file: _File
    whose: Owner


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
        files = list(_files(source, encoding, opened))
        homes = student_folders([_path(file) for file in files if not file.wrong], assignment)
        for file in files:
            try:
                whose = _whose(file, assignment, pattern, roster, homes.get(_path(file), ()))
                found.setdefault(whose.student, []).append(_HandIn(whose.when or file.when, file, whose))
            except LeftOutError as error:
                left_out.append(f"{file.path}: {error}")
        for student, hand_ins in sorted(found.items()):
            if _collect_one(student, hand_ins, assignment, folder, left_out, tell):
                collected.append(student)
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


def _collect_one(
    student: str,
    hand_ins: list[_HandIn],
    assignment: str,
    folder: Path,
    left_out: list[str],
    tell: Callable[[str], object],
) -> bool:
    """Put the file of a student that counts in its place, and list the others in `left_out`; False if none counts."""
    if len({each.whose.place for each in hand_ins}) > 1:
        reason = f"two students have the name {student!r} there; give --students"
        left_out += [f"{each.file.path}: {reason}" for each in hand_ins]
        return False
    named = [each for each in hand_ins if not each.whose.own or is_like(each.whose.own, assignment)]
    for each in hand_ins if named else ():
        if each not in named:
            left_out.append(f"{each.file.path}: not named like {assignment}, as {named[0].file.path.name} is")
    if not named and hand_ins[0].whose.guessed and len({each.whose.own for each in hand_ins}) > 1:
        reason = "the folder's name or the file's may be the student's; give --students, or --pattern"
        left_out += [f"{each.file.path}: {reason}" for each in hand_ins]
        return False
    contents: list[tuple[_HandIn, bytes]] = []
    spoilt: list[str] = []
    for each in sorted(named or hand_ins, key=_when):
        try:
            contents.append((each, content := _content(each.file)))
            if other := _other_assignment_in(content, assignment):
                left_out.append(f"{each.file.path}: it is the notebook of {other}")
                contents.pop()
        except Exception as error:  # spoilt and encrypted members raise many kinds
            spoilt.append(f"{each.file.path}: it cannot be read ({error}); ask for it again")
    left_out += spoilt
    if not contents:
        return False
    *others, (newest, content) = contents
    if others and _when(others[-1][0]) == _when(newest):
        reason = f"two files of the student {student!r}, and neither is newer; keep one"
        left_out += [f"{each.file.path}: {reason}" for each, _ in contents]
        return False
    try:
        for _, each_content in contents if others else ():
            _write_older(each_content, student, assignment, folder)
        placed = _put(newest, content, student, assignment, folder)
    except CourseError as error:  # such as a file where the student's folder should be
        left_out.append(f"{newest.file.path}: {error}")
        return False
    if not placed:
        left_out.append(f"{newest.file.path}: older than what was collected before, which stays; kept in older/")
    left_out += [f"{each.file.path}: older than {newest.file.path.name}; kept in older/" for each, _ in others]
    if placed and spoilt:
        name = " ".join(_path(newest.file).name.split())  # it may hold line breaks
        tell(f"{student}: {name} counts, the newest that can be read")
    if placed and newest.whose.late:
        tell(f"{student}: late")
    return True


def _other_assignment_in(content: bytes, assignment: str) -> str:
    """The name of the other assignment whose cells a notebook holds, and none of this one; "" if it does not."""
    held = set(re.findall(rb'"grade_id":\s*"(\w+)"', content))
    if not held:
        return ""
    tasks = {
        folder.name: {task.grade_id.encode() for task in load_assignment(folder).tasks}
        for folder in assignment_folders()
    }
    if held & tasks.pop(assignment, set()):
        return ""
    return next((name for name, ids in tasks.items() if held & ids), "")


def _when(hand_in: _HandIn) -> tuple[datetime.datetime, list[int]]:
    """When it came; of the same moment the higher number counts: Teams' "Version 2", Canvas's "-2"."""
    numbers = re.findall(r"(?:version[ _]?|-)(\d+)(?=/|\.ipynb$)", str(hand_in.file.path), re.IGNORECASE)
    return hand_in.when, list(map(int, numbers))


def _path(file: _File) -> PurePosixPath:
    return PurePosixPath(clean(str(file.path)))


def _whose(file: _File, assignment: str, pattern: str | None, roster: Roster | None, home: tuple[str, ...]) -> Owner:
    """Whose hand-in a file is; `home` is the student's folder in which it lies, see `_homes`.

    Raises:
        LeftOutError: if it is none, of another assignment, or of nobody who is known.
    """
    path = _path(file)
    if path.suffix.lower() != ".ipynb":
        inner = path.suffixes[-2:-1] == [".ipynb"]
        raise LeftOutError(
            f"its name ends in {path.suffix}; rename it"
            if inner
            else "an archive in the archive; unpack it"
            if path.suffix.lower() in (".zip", ".7z", ".rar", ".gz")
            else "no notebook"
        )
    if file.wrong:
        raise LeftOutError(file.wrong)
    if file.size > MOST_BYTES:
        raise LeftOutError(f"larger than {MOST_BYTES // 2**20} MB; ask for it without outputs")
    return find_owner(path, assignment, pattern, roster, home)


def _files(source: Path, encoding: str, opened: contextlib.ExitStack) -> Iterator[_File]:
    """All files, those of the system and of editors apart; links are left out."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            inner = PurePosixPath(path.relative_to(source).as_posix())
            if path.is_file() and not path.is_symlink() and not _hidden(inner):
                status = path.stat()
                when = datetime.datetime(1980, 1, 1, tzinfo=datetime.timezone.utc)
                with contextlib.suppress(ValueError, OverflowError, OSError):  # dates that are none
                    when = datetime.datetime.fromtimestamp(status.st_mtime, datetime.timezone.utc)
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
        yield _File(inner, in_utc(when), member.file_size, functools.partial(archive.open, member), wrong)


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


def _put(hand_in: _HandIn, content: bytes, student: str, assignment: str, folder: Path) -> bool:
    """In its place, with when it was handed in, as nbgrader reads it, and the name to return it under.

    Returns:
        False if a newer one with other content is there; that one stays, and this one is kept with the older ones.

    Raises:
        CourseError: if the place cannot be read or written.
    """
    place = folder / "submitted" / student / assignment
    target, when = place / f"{assignment}.ipynb", hand_in.when.replace(microsecond=0)
    try:
        before = target.read_bytes() if target.is_file() and not target.is_symlink() else None
    except OSError as error:
        raise CourseError(f"could not read {target}, which is there already: {error.strerror or error}") from error
    if before is not None:
        since = _collected_at(place)
        if since is not None and when < since:
            if before != content:
                _write_older(content, student, assignment, folder)
            return before == content
        if before != content:
            _write_older(before, student, assignment, folder)
    write_atomically(target, content)
    write_atomically(place / "timestamp.txt", f"{when:%Y-%m-%d %H:%M:%S} UTC\n".encode())
    late = "late" if hand_in.whose.late else "in time"
    write_atomically(place / "collected.txt", f"{hand_in.file.path}\n{late}\n".encode(errors="replace"))
    return True


def _collected_at(place: Path) -> datetime.datetime | None:
    """When the hand-in that is there came, in UTC; None if nothing says so."""
    try:
        text = (place / "timestamp.txt").read_text(encoding="utf-8").strip()
        when = datetime.datetime.fromisoformat(text.removesuffix(" UTC"))
    except (OSError, ValueError):
        return None
    return when.replace(microsecond=0, tzinfo=when.tzinfo or datetime.timezone.utc)


def _write_older(content: bytes, student: str, assignment: str, folder: Path) -> None:
    """Beside the hand-ins; the same file twice is one file."""
    place = folder / "older" / student / assignment
    write_atomically(place / f"{hashlib.sha256(content).hexdigest()[:12]}.ipynb", content)
