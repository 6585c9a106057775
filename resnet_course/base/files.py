"""Where files are, and how they are written: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from pathlib import Path
from typing import Literal

import platformdirs

from resnet_course.base.errors import CourseError


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write `content` to `path`: afterwards the file is the new one whole, or still the old one.

    The bytes go to a temporary file beside the target, which then takes its place in one step. A link stays a link:
    the file that it leads to is written.

    Raises:
        CourseError: if the folder cannot be written or the disk is full; an earlier file is untouched.
    """
    path = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
    temporary = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise CourseError(
            f"could not write {path}: {error.strerror or error}. "
            "Free some space or choose another folder; an earlier file of that name is untouched."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # still there after an error, an interrupt included
            temporary.unlink()


def user_folder(kind: Literal["data", "cache"]) -> Path:
    """The course's folder for a user's files; among the temporary files for a user without a home, as in containers."""
    find = platformdirs.user_data_dir if kind == "data" else platformdirs.user_cache_dir
    with contextlib.suppress(RuntimeError):  # of newer versions; older ones give a path that begins with ~
        if (folder := Path(find("resnet_course"))).is_absolute():
            return folder
    return Path(tempfile.gettempdir()) / "resnet_course"
