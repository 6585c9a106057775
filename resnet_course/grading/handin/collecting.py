"""From the files that a learning platform gives to nbgrader's folders."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.grading.handin.preflight import MOST_BYTES

STUDENT = r"(?P<student>[^_/]+)"
"""By default a student's id is the name of the file up to its first underscore or its end."""


def collect(source: Path, assignment: str, folder: Path, pattern: str = STUDENT) -> list[str]:
    """Copy hand-ins into submitted/STUDENT/ASSIGNMENT; one that is there already is replaced.

    Args:
        source: a folder of notebooks, or a zip archive of them.
        assignment: name of the assignment.
        folder: nbgrader's course folder.
        pattern: regular expression for a file's name without ".ipynb", with a group "student".

    Returns:
        The students' ids, in order.

    Raises:
        CourseError: if nothing is found, a name does not fit, or two files are of one student; nothing is written then.
    """
    found: dict[str, bytes] = {}
    for name, content in _notebooks(source):
        fits = re.match(pattern, PurePosixPath(name).stem)
        student = fits["student"] if fits else ""
        if not re.fullmatch(r"[\w.@-]+", student) or student.startswith("."):
            raise CourseError(f"{name}: no student's id is found in it with the pattern {pattern!r}; see --pattern")
        if student in found:
            raise CourseError(f"{name}: there are two files of the student {student!r}; keep one, or see --pattern")
        found[student] = content
    if not found:
        raise CourseError(f"there is no notebook in {source}; give a folder or a zip archive of .ipynb files")
    for student, content in found.items():
        write_atomically(folder / "submitted" / student / assignment / f"{assignment}.ipynb", content)
    return sorted(found)


def _notebooks(source: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each notebook; links are left out, and of a file too large only its beginning is read."""
    if source.is_dir():
        for path in sorted(source.glob("*.ipynb")):
            if path.is_file() and not path.is_symlink():
                with open(path, "rb") as file:
                    yield path.name, file.read(MOST_BYTES + 1)
        return
    try:
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".ipynb") and not member.filename.startswith("__MACOSX"):
                    with archive.open(member) as file:
                        yield member.filename, file.read(MOST_BYTES + 1)
    except (OSError, zipfile.BadZipFile) as error:
        raise CourseError(f"{source} is neither a folder nor a zip archive: {error}") from error
