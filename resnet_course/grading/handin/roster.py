"""Who is in the class: a CSV file with a column `id`, and any others by which a platform may call a student."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from pathlib import Path

from resnet_course.base.errors import CourseError
from resnet_course.base.text import clean


@dataclass(frozen=True)
class Roster:
    """The students' ids in order, and by every other name the id, where only one student has that name.

    A column may hold anything that names a student: `first_name` and `last_name`, `name`, `email`, Moodle's or
    Canvas's number.
    """

    ids: tuple[str, ...]
    by_name: dict[str, str]
    shared: frozenset[str] = frozenset()
    """Names, in the form of `_folded`, that several students have."""

    @classmethod
    def read(cls, path: Path) -> Roster:
        """Read a file that a platform or a spreadsheet wrote.

        Raises:
            CourseError: if it cannot be read, or has no column `id`.
        """
        try:
            text = clean(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise CourseError(f"there is no file {path}: the list of the class, a table with a column `id`") from None
        except (OSError, UnicodeError) as error:
            raise CourseError(f"{path} cannot be read as a table: {error}. Save it as CSV, in UTF-8.") from error
        separator = max(",;\t", key=text.partition("\n")[0].count)
        heading, _, rest = text.partition("\n")
        rows = list(csv.DictReader(io.StringIO(f"{heading.lower()}\n{rest}"), delimiter=separator))
        if not rows or "id" not in rows[0]:
            raise CourseError(f"{path} has no column `id`. Its first line names the columns, such as id,name,email.")
        names: dict[str, set[str]] = {}
        for row in rows:
            values = [value.strip() for value in row.values() if isinstance(value, str) and value.strip()]
            for key in {_folded(one) for one in values} | {
                _folded(a + b) for a, b in itertools.permutations(values, 2)
            }:
                names.setdefault(key, set()).add(row["id"].strip())
        ids = tuple(row["id"].strip() for row in rows if row["id"].strip())
        one_of_each = {_folded(student): student for student in ids}
        shared = frozenset(name for name, found in names.items() if len(found) > 1)
        return cls(ids, {name: min(found) for name, found in names.items() if len(found) == 1} | one_of_each, shared)

    def is_shared(self, name: str) -> bool:
        """Whether several students have this name."""
        return _folded(name) in self.shared

    def find(self, *names: str) -> str | None:
        """The id of the student with one of these names; None if there is none, or more than one."""
        return next((self.by_name[key] for key in map(_folded, names) if key in self.by_name), None)


def _folded(name: str) -> str:
    return "".join(sign for sign in clean(name).casefold() if sign.isalnum())
