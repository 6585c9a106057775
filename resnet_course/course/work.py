"""A learner's notebooks: copies in the folder `work`, which git ignores. What somebody wrote is never overwritten."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.language import languages
from resnet_course.base.progress import say
from resnet_course.notebook.lessons import LESSONS

if TYPE_CHECKING:
    from nbformat import NotebookNode

BUILT = "resnet_course_built"  # in a notebook's metadata: the lesson that it is a copy of, as a digest of its cells


def seal(notebook: NotebookNode) -> None:
    """Give each cell an id that is the digest of its source, so that it can be told later who wrote it."""
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        digest = _digest(cell.source)
        seen[digest] += 1
        cell.id = f"{digest}-{seen[digest]}"
    notebook.metadata[BUILT] = _digest("".join(cell.id for cell in notebook.cells))


def is_written_in(path: Path) -> bool:
    """Whether a notebook holds more than what was built: a changed or new cell, an output, or what nobody can read.

    Cells that git has merged from two builds are as they were built.
    """
    notebook = _read(path)
    return notebook is None or any(cell.get("outputs") or not _is_built(cell) for cell in notebook["cells"])


def _is_built(cell: dict[str, Any]) -> bool:
    return str(cell.get("id")).split("-")[0] == _digest("".join(cell["source"]))  # in a file, a list of lines


def save_copy(path: Path, root: Path) -> Path:
    """Copy a notebook into `root / "work"` under a name that is free there. Returns the copy."""
    target = free_name(path, root)
    write_atomically(target, path.read_bytes())
    return target


def free_name(path: Path, root: Path) -> Path:
    """`work/05_residual_block.ipynb`, or the first free of `..._2.ipynb`, `..._3.ipynb` (Korean: in `work/ko`)."""
    endings = itertools.chain([""], (f"_{number}" for number in itertools.count(2)))
    names = (_copies(path, root) / f"{path.stem}{ending}{path.suffix}" for ending in endings)
    return next(name for name in names if not name.exists())


def edition(language: str) -> str:
    """The folder of a language among the notebooks, their copies and their runs; English has none of its own."""
    return "" if language == "en" else language


def lay_out(root: Path, language: str = "en") -> Path:
    """Put a copy of each lesson into `root / "work"` where none is. A newer lesson is laid beside what somebody wrote.

    Those of another language lie in a folder of its name.

    Returns:
        the copy of the first lesson

    Raises:
        CourseError: if the notebooks are not built, or the folder cannot be written.
    """
    folder = root / "notebooks" / edition(language)
    if not folder.is_dir():
        raise CourseError(f"there are no lessons in {language!r}: {folder} is missing")
    lessons = [lesson.file_name for lesson in LESSONS if language == "en" or (folder / lesson.file_name).is_file()]
    found = [_lay_out(folder / name, root) for name in lessons]
    return found[0]


def _lay_out(lesson: Path, root: Path) -> Path:
    if not lesson.is_file():
        raise CourseError(f"{lesson} is missing; build it with `python -m resnet_course notebooks`")
    copies = sorted(_copies(lesson, root).glob(f"{lesson.stem}*.ipynb"))
    for copy in copies:
        if _built(copy) == _built(lesson):
            return copy
    for copy in copies:
        if not is_written_in(copy):  # of an older lesson
            write_atomically(copy, lesson.read_bytes())
            return copy
    copy = save_copy(lesson, root)
    if copies:
        say(f"lesson {lesson.stem[:2]} is newer than your notebook, which stays as it is: the new one is {copy}")
    return copy


def _copies(path: Path, root: Path) -> Path:
    """The folder of a notebook's copies: `work/ko` for one of `notebooks/ko`, with solutions or not."""
    below = path.relative_to(root / "notebooks").parts[0]
    return root / "work" / (below if below in languages() else "")


def _built(path: Path) -> str | None:
    notebook = _read(path)
    return None if notebook is None else notebook["metadata"].get(BUILT)


def _read(path: Path) -> dict[str, Any] | None:
    """A notebook as plain JSON; None if it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        whole = isinstance(found["metadata"], dict) and all(
            "".join(cell["source"]) is not None for cell in found["cells"]
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if whole else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
