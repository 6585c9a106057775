"""Whose hand-in a file is, by what platforms, learners and their systems write into its name and its folders."""

from __future__ import annotations

import contextlib
import datetime
import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from resnet_course.grading.assignment.build import assignment_folders
from resnet_course.grading.handin.roster import Roster

MOST_ID = 120  # bytes: names of files are made of it
MOST_FOLDERS = 20  # around a file; one of them is the student's

# What platforms call a file or its folder: groups `student`, and where there are any `name`, `late` and `when`.
_PLATFORMS = {
    "Moodle": r"(?P<name>.+)_(?P<student>\d+)_assignsubmission_\w+?(?:_(?P<file>.*))?",
    "Canvas": r"(?P<name>[^\W_]+?)(?P<late>_LATE)?_(?P<student>\d+)_\d+_(?P<file>.+)",
    "Blackboard": r"(?P<name>.+?_(?P<student>[^_]+))_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(_(?P<file>.*))?",
}
# What learners and their systems write before and after the name of a file, in the form of `_plain`.
_BEFORE = r"(?:(?:copy_of|kopie_von)_)*"
_AFTER = r"(?:_?(?:(?:copy|final|version|v|kopie|의_사본|사본|복사본)\d*|\(\d*\)|(?<=_)\d+))*"
_BETWEEN = r"[\s_-]+"
# Folders around the hand-ins of a class, as systems and teachers call them.
_NOBODYS = ("downloads", "desktop", "documents", "submissions", "submitted_files", "hand_ins", "src", "work")
_NOBODY = "nothing says whose it is; put it into a folder named after the student, or give --students"


@dataclass(frozen=True)
class Owner:
    """What a platform, a folder or a name says of a file.

    Args:
        student: the id; "" if only a roster can tell.
        names: all that the student is called, the surest first.
        late: whether the platform says so.
        when: it came, in UTC, where the platform says so.
        place: what tells apart two students who seem to have one id.
        own: the learner's own name of the file; "" where the file is named after the student.
        together: names that are of one student, if a roster knows them.
        guessed: whether the folder was taken for the student's, for want of anything surer.
    """

    student: str
    names: tuple[str, ...] = ()
    late: bool = False
    when: datetime.datetime | None = None
    place: tuple[str, ...] = ()
    own: str = ""
    together: tuple[str, ...] = ()
    guessed: bool = False


class LeftOutError(Exception):
    """Why a file is not collected."""


def is_id(student: str) -> bool:
    """Whether folders and files can be named after it: letters of any script, digits and some signs."""
    fits = all(sign.isalnum() or unicodedata.category(sign)[0] == "M" or sign in "_.@'’+-" for sign in student)
    return (
        any(map(str.isalnum, student))
        and fits
        and student[0] not in ".-'’"
        and len(student.encode(errors="replace")) <= MOST_ID
    )


def find_owner(
    path: PurePosixPath, assignment: str, pattern: str | None, roster: Roster | None, home: tuple[str, ...]
) -> Owner:
    """Whose the notebook at this path is; `home` is the student's folder in which it lies, see `student_folders`.

    Raises:
        LeftOutError: if it is of another assignment, or of nobody who is known.
    """
    others = _other_assignments(assignment)
    if not is_like(path.stem, assignment) and any(_is_of(part, others) for part in path.parts[:-1]):
        raise LeftOutError(f"in the folder of another assignment than {assignment}")
    folders = _folders(path, assignment)
    if roster is not None:  # it knows better which folders are students'
        home = next((folders[: depth + 1] for depth, name in enumerate(folders) if roster.find(name)), ())
    if pattern:
        whose = _by_pattern(path, pattern)
    else:
        whose = _by_platform(path, assignment) or _by_place(path, assignment, home)
    if roster is not None and (whose.names or whose.student):
        names = whose.names or (whose.student,)
        said = " or ".join(map(repr, filter(None, names)))
        of_one = whose.together or (() if pattern else folders)
        if len(found := set(filter(None, map(roster.find, of_one)))) > 1:
            raise LeftOutError(f"the roster knows {len(found)} students by {said}: {', '.join(sorted(found))}")
        known = roster.find(*names)
        if known is None:
            several = any(map(roster.is_shared, names))
            raise LeftOutError(f"{said} is {'the name of several students' if several else 'not'} in the roster")
        return replace(whose, student=known, place=(), guessed=False)
    if not whose.student:
        raise LeftOutError(_NOBODY)
    if not is_id(whose.student):
        raise LeftOutError(f"no student's id is found in it, {whose.student!r} is none; see --pattern and --students")
    return whose


def _by_pattern(path: PurePosixPath, pattern: str) -> Owner:
    for text in (path.stem, str(path.with_suffix(""))):
        if fits := re.match(pattern, text):
            return Owner(fits["student"])
    raise LeftOutError(f"no student's id is found in it with the pattern {pattern!r}")


def _by_platform(path: PurePosixPath, assignment: str) -> Owner | None:
    """What a platform says in the names of the file and its folders; None if none of them is a platform's."""
    others = _other_assignments(assignment)
    for text in (*reversed(path.parts[:-1]), path.stem):
        for platform, pattern in _PLATFORMS.items():
            if not (fits := re.fullmatch(pattern, text)):
                continue
            groups = fits.groupdict()
            name, number = groups["name"], groups["student"]
            if platform == "Canvas" and is_like(name, assignment, untitled=True):  # such as a1_2027_03_01
                continue
            own = (groups.get("file") or "") if text == path.stem else path.stem
            if _other_assignment(own, assignment):
                raise LeftOutError(f"of another assignment than {assignment}")
            names: tuple[str, ...] = (number, name)
            when = None
            if platform == "Blackboard":  # "A1 VGG_max_mus": which part is the student, a roster knows
                parts = name.split("_")
                if _is_of(parts[0], others):
                    raise LeftOutError(f"of another assignment than {assignment}")
                names = tuple("_".join(parts[first:]) for first in range(1, len(parts)))
                own = ""  # each attempt has its own date, and the last one counts whatever its file is called
                with contextlib.suppress(ValueError):  # a date that is none
                    when = in_utc(datetime.datetime.strptime(groups["when"], "%Y-%m-%d-%H-%M-%S"))
            elif _is_of(own, others):
                raise LeftOutError(f"of another assignment than {assignment}")
            # Canvas writes a name without spaces, which serves as id; Moodle's name is none.
            student = name if platform == "Canvas" else number
            together = names if platform != "Blackboard" else names[:1]
            return Owner(student, names, bool(groups.get("late")), when, place=names, own=own, together=together)
    return None


def _by_place(path: PurePosixPath, assignment: str, home: tuple[str, ...]) -> Owner:
    """By the student's folder where there is one, else by the file's name unless that is the assignment's."""
    folders = _folders(path, assignment)
    name = _student_in(path.stem, assignment)
    if home:
        if _other_assignment(path.stem, assignment):
            raise LeftOutError(f"of another assignment than {assignment}")
        names = tuple(dict.fromkeys((home[-1], *reversed(folders), name)))
        return Owner(home[-1], names, place=home, own=path.stem, guessed=True)
    rest = _plain(path.stem).removeprefix(_plain(assignment) + "_")
    if is_like(path.stem, assignment, untitled=True) or is_like(name, assignment, untitled=True):
        return Owner("", tuple(reversed(folders)))
    if rest != _plain(path.stem):  # such as a1_vgg_amina: a roster knows amina
        return Owner("", (*reversed(folders), rest))
    return Owner(name, (name, *reversed(folders)), place=folders)  # the same name in two folders may be two students


def _student_in(stem: str, assignment: str) -> str:
    """What stands before a number or the assignment's name, if one of them follows: ada of ada_1 and of ada-a1_vgg."""
    name = _BETWEEN.join(map(re.escape, assignment.split("_")))
    return re.sub(rf"(?:_\d.*|{_BETWEEN}(?:copy of{_BETWEEN})?{name}.*)$", "", stem, flags=re.IGNORECASE)


def student_folders(paths: list[PurePosixPath], assignment: str) -> dict[PurePosixPath, tuple[str, ...]]:
    """By the path of each notebook that lies in a student's own folder that folder, as its parts.

    Students' folders lie beside each other and hold notebooks. A folder on its own may be around the files of all.
    """
    folder_of = {
        path: _folders(path, assignment)
        for path in paths
        if path.suffix.lower() == ".ipynb" and not _of_platform(path, assignment)
    }
    stems: dict[tuple[str, ...], list[str]] = {}
    inner: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for path, folder in folder_of.items():
        stems.setdefault(folder, []).append(path.stem)
        for depth in range(len(folder)):
            inner.setdefault(folder[:depth], set()).add(folder[: depth + 1])
    found: set[tuple[str, ...]] = set()
    around: list[tuple[str, ...]] = [()]
    while around:
        children = inner.get(around.pop(), set())
        level = any(child in stems for child in children)  # at which students' folders are
        for child in children:
            below = [stems.get(each, []) for each in inner.get(child, ())]
            if level and not _of_several(stems.get(child, []), below, len(children) == 1, assignment):
                found.add(child)
            else:
                around.append(child)
    homes = {path: [folder[:depth] for depth in range(1, len(folder) + 1)] for path, folder in folder_of.items()}
    return {path: home for path, each in homes.items() for home in each if home in found}


def _of_several(stems: list[str], below: list[list[str]], alone: bool, assignment: str) -> bool:
    """Whether a folder with these notebooks, and these in its folders, is not one student's but of several."""
    others = [stem for stem in stems if not is_like(stem, assignment, untitled=True)]
    names = [name for stem in stems if (name := _student_in(stem, assignment)) not in ("", stem)]
    all_marked = len(names) == len(stems) == len(others)
    if alone:
        return len(below) > 1 or len(others) > 1 or (len(stems) == 1 and all_marked)
    if not stems:
        return sum(any(is_like(stem, assignment) for stem in each) for each in below) > 1
    return all_marked and len(set(names)) > 1  # beside others


def _of_platform(path: PurePosixPath, assignment: str) -> bool:
    try:
        return _by_platform(path, assignment) is not None
    except LeftOutError:
        return True


def _folders(path: PurePosixPath, assignment: str) -> tuple[str, ...]:
    """The folders around a file that may be named after somebody, as one that is named like the assignment is not."""
    parts = [part for part in path.parts[:-1] if part not in ("..", "/")][:MOST_FOLDERS]
    return tuple(
        part for part in parts if not is_like(part, assignment, untitled=True) and _plain(part) not in _NOBODYS
    )


def _plain(text: str) -> str:
    """A name without regard to case, kinds of separators, and what systems write before the name of a copy."""
    text = re.sub(r"[\s_-]+", "_", unicodedata.normalize("NFKC", text).casefold()).strip("_")
    return re.sub(rf"^{_BEFORE}", "", text)


def is_like(text: str, assignment: str, untitled: bool = False) -> bool:
    """Whether a name is the assignment's, or the part of it before the underscore: a1_vgg-Copy1, Copy_of_A1 (1)."""
    full = _plain(assignment)
    names = [re.escape(name) for name in (full, full.partition("_")[0])]
    names += [r"untitled\d*(?:_folder)?"] if untitled else []
    return re.fullmatch(rf"(?:{'|'.join(names)}){_AFTER}", _plain(text)) is not None


def _other_assignments(assignment: str) -> list[str]:
    names = [folder.name for folder in assignment_folders()]
    return [name for name in names if name.partition("_")[0] != assignment.partition("_")[0]]


def _is_of(text: str, assignments: list[str]) -> bool:
    return any(is_like(text, name) for name in assignments)


def _other_assignment(file: str, assignment: str) -> bool:
    """Whether the learner's own name of the file is that of another assignment, such as a2_residual for a1_vgg."""
    known = re.match(r"(a\d)_[a-z]\w*", _plain(file))
    return known is not None and known[1] != _plain(assignment).partition("_")[0]


def in_utc(when: datetime.datetime) -> datetime.datetime:
    """A time without a zone, as archives and platforms write it, is the local time of this machine."""
    try:
        return when.astimezone(datetime.timezone.utc)
    except (OSError, OverflowError, ValueError):  # years that the system's clock does not know
        return when.replace(tzinfo=datetime.timezone.utc)
