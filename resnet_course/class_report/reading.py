"""Find the progress files of a class. They come from learners, so anything may be in them."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from resnet_course.base.errors import CourseError
from resnet_course.notebook.journal import SCHEMA, Journal, parse_journal

SIZE_LIMIT = 1_000_000  # bytes; the progress file of someone who met every mistake of the course has about 30,000


class _NoJournalError(Exception):
    """A file is no progress file; the message is the reason."""


@dataclass(frozen=True)
class ClassFiles:
    """What a folder held.

    Args:
        journals: one for each file that could be read.
        skipped: name and reason of each file that could not.
        duplicates: name of each file of a learner who handed in a later one, and that one's name.
    """

    journals: tuple[Journal, ...]
    skipped: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]


def read_class(folder: Path) -> ClassFiles:
    """Read every `.json` file in `folder` and below it. Hidden files and folders are left out, links not followed.

    Raises:
        CourseError: if there is no such folder, or no JSON file in it.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise CourseError(f"{folder} {what}. Give the folder that holds the files learners got from checks.export().")
    skipped: list[tuple[str, str]] = []
    by_learner: dict[str, list[tuple[str, Journal]]] = {}
    for path, problem in _candidates(folder):
        name = readable(path.relative_to(folder).as_posix(), 200)
        try:
            found = _read(path, problem)
        except _NoJournalError as error:
            skipped.append((name, str(error)))
            continue
        by_learner.setdefault(found["id"], []).append((name, found))
    journals: list[Journal] = []
    duplicates: list[tuple[str, str]] = []
    for files in by_learner.values():
        latest, journal = max(files, key=lambda file: _age(file[1]))
        journals.append(journal)
        duplicates += [(name, latest) for name, _ in files if name != latest]
    if not (journals or skipped):
        raise CourseError(
            f"{folder} holds no .json file. Put the files there that learners got from checks.export(), one a learner."
        )
    return ClassFiles(tuple(journals), tuple(skipped), tuple(duplicates))


def _age(journal: Journal) -> tuple[str, int]:
    """Grows with the date of the export and, on one day, with what was done."""
    return str(journal.get("exported", "")), sum(entry["tries"] for entry in journal["exercises"].values())


def readable(text: str, limit: int = 60) -> str:
    """Text of a learner on one line: what cannot be printed is spelt out, and what is too long is cut."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in cut)


def _candidates(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files to read, in order, and what cannot be read for a reason that needs no look inside."""
    problems: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if os.path.islink(os.path.join(place, name)):
                yield Path(place, name), "a link to a folder; links are not followed"
        for name in sorted(names):
            if name.lower().endswith(".json") and not name.startswith("."):
                yield Path(place, name), ""
    for problem in problems:
        yield Path(problem.filename), f"the folder cannot be read: {problem.strerror}"


def _read(path: Path, problem: str) -> Journal:
    """The journal in a file."""
    if problem:
        raise _NoJournalError(problem)
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            linked = stat.S_ISLNK(status.st_mode)
            raise _NoJournalError("a link; put the file itself here" if linked else "not an ordinary file")
        if status.st_size > SIZE_LIMIT:
            raise _NoJournalError(f"larger than {SIZE_LIMIT // 1_000_000} MB, which no progress file is")
        found = parse_journal(path)
        if found is None:
            raise _NoJournalError(_why_no_journal(path.read_bytes()))
    except OSError as error:
        raise _NoJournalError(f"cannot be read: {error.strerror or error}") from error
    return found


def _why_no_journal(content: bytes) -> str:
    if not content.strip():
        return "empty"
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "not text in UTF-8"
    except (ValueError, RecursionError):
        return "not JSON, or damaged"
    if not isinstance(found, dict) or "schema" not in found:
        return "JSON, but not a progress file"
    if type(found["schema"]) is int and found["schema"] > SCHEMA:
        return "written by a newer version of the course; install that one to read it"
    return "a progress file with entries that cannot be right"
