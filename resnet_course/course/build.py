"""From a lesson's source to its two notebooks: the one that learners open and the one with the solutions.

The source is a py:percent script (jupytext); solutions stand between `### BEGIN SOLUTION` and `### END SOLUTION`.
The same source always gives the same bytes.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.language import read_catalogue
from resnet_course.course.address import Repository, repository
from resnet_course.course.misconceptions import misconceptions_page
from resnet_course.course.translations import CATALOGUES, lesson_catalogues, translate_notebook
from resnet_course.course.work import free_name, is_written_in, save_copy, seal
from resnet_course.notebook.lessons import LESSONS
from resnet_course.runtime import NOT_INSTALLED

STUB = "# Write this part yourself.\nraise NotImplementedError"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
INSTALL_CELL = """\
# {first}
import importlib.util
import shutil
import sys
from pathlib import Path

ARCHIVE = "{archive}"


def is_missing():  # or of another version, which pip has put among its packages
    there = importlib.util.find_spec("resnet_course")
    if there is None or "-packages" not in str(there.origin):
        return there is None
    return '"{version}"' not in Path(there.origin).read_text(encoding="utf-8")


if is_missing():
    places = Path("drive/MyDrive"), Path()
    saved = [file for place in places for file in place.glob("{folder}*.zip")]
    if saved:
        shutil.unpack_archive(saved[-1])
        sys.path.insert(0, str(Path("{folder}").resolve()))
    else:
        %pip install --quiet "{{ARCHIVE}}"
    importlib.invalidate_caches()
    if importlib.util.find_spec("resnet_course") is None:
        raise ModuleNotFoundError(
            "{ask} "
            f"{{ARCHIVE}} "
            "{put} "
            "{again}"
        )\
"""
BEGIN_LESSON = """

from resnet_course import runtime

runtime.begin_lesson("{number}", "{version}"{language})  # speaks up where it takes long\
"""
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{owner_and_name}/blob/{ref}/{path})"
)


def build_notebooks(root: Path, save_answers: bool = False) -> list[Path]:
    """Write both notebooks of every source in each language, the README's table and the guide's misconceptions.

    Args:
        root: of the checkout.
        save_answers: copy a notebook in which somebody has written into `work/` and build it again.

    Returns:
        the files that changed, copies included

    Raises:
        CourseError: if somebody has written in a notebook and `save_answers` is not set; nothing is written then.
    """
    new = {
        path: content
        for path, content in notebooks_from_sources(root).items()
        if not path.is_file() or path.read_bytes() != content
    }
    written = [path for path in new if path.suffix == ".ipynb" and path.is_file() and is_written_in(path)]
    if written and not save_answers:
        raise CourseError(f"{'; '.join(_written(path, root) for path in written)}. Nothing was overwritten.")
    copies = [save_copy(path, root) for path in written]
    for path, content in new.items():
        write_atomically(path, content)
    return [*copies, *new]


def _written(path: Path, root: Path) -> str:
    """What to do with a notebook in which somebody has written."""
    name, copy = path.relative_to(root).as_posix(), free_name(path, root).relative_to(root).as_posix()
    return (
        f"{name} is not as it was built: somebody wrote in it or ran it. "
        f"`python -m resnet_course notebooks --save-answers` copies it to {copy} and builds it anew"
    )


def notebooks_out_of_step(root: Path) -> list[str]:
    """What `build_notebooks` would change, and notebooks without a source: one sentence each."""
    expected = notebooks_from_sources(root)
    problems = []
    for path, content in expected.items():
        name = path.relative_to(root)
        if not path.is_file():
            problems.append(f"{name} is missing; run `make notebooks`")
        elif path.read_bytes() == content:
            continue
        elif path.suffix == ".ipynb" and is_written_in(path):
            problems.append(_written(path, root))
        else:
            problems.append(f"{name} differs from its source; edit the source, then run `make notebooks`")
    for path in sorted((root / "notebooks").rglob("*.ipynb")):
        if path not in expected and ".ipynb_checkpoints" not in path.parts:
            problems.append(f"{path.relative_to(root)} has no source in notebooks/sources")
    return problems


def notebooks_from_sources(root: Path) -> dict[Path, bytes]:
    """The content that every built file should have, by path: the notebooks, the README, the misconceptions."""
    sources = sorted((root / "notebooks" / "sources").glob("[0-9][0-9]_*.py"))
    if not sources:
        raise CourseError(f"there are no lesson sources in {root / 'notebooks' / 'sources'}; run this in a checkout")
    where = repository(root)
    found = {}
    for source in sources:
        for language, catalogue in {"en": {}, **lesson_catalogues(root, source.stem)}.items():
            folder = "notebooks" if language == "en" else f"notebooks/{language}"
            for place, finish in ((folder, without_solutions), (f"{folder}/solutions", _without_markers)):
                name = f"{place}/{source.stem}.ipynb"
                notebook = finish(_read(source, where, name, language, catalogue))
                seal(notebook)
                found[root / name] = (nbformat.writes(notebook, version=4) + "\n").encode()
    readme = root / "README.md"
    if readme.is_file():
        found[readme] = _with_lesson_table(readme.read_text(encoding="utf-8"), where).encode()
    guide = root / "docs" / "instructor"
    if guide.is_dir():
        found[guide / "misconceptions.md"] = misconceptions_page().encode()
    return found


def _with_lesson_table(readme: str, where: Repository) -> str:
    """The README with the table of lessons between its two markers."""
    start, end = "<!-- lessons: built by `make notebooks` -->\n", "<!-- end of lessons -->"
    if start not in readme or end not in readme:
        raise CourseError(
            f"README.md needs the lines {start.strip()} and {end}: the table of lessons goes between them"
        )
    rows = ["| | Lesson | Minutes to read and write | Seconds on 2 CPU cores | |", "|---|---|---|---|---|"]
    for lesson in LESSONS:
        path = f"notebooks/{lesson.file_name}"
        badge = BADGE.format(owner_and_name=where.owner_and_name, ref=where.ref, path=path)
        rows.append(
            f"| {lesson.number} | [{lesson.english}]({path}) | {lesson.read_minutes} | {lesson.seconds:.0f} | {badge} |"
        )
    before, rest = readme.split(start, 1)
    return before + start + "\n".join(rows) + "\n" + end + rest.split(end, 1)[1]


def install_cell(root: Path, language: str = "en") -> NotebookNode:
    """The cell that installs the course as it is where the notebook comes from, if that version is missing."""
    where = repository(root)
    catalogue = {} if language == "en" else read_catalogue(root / CATALOGUES / language / "package.po")
    first, ask, put, again = (catalogue.get(text, text) for text in NOT_INSTALLED)
    said = {"first": first, "ask": ask, "put": put, "again": again}
    return nbformat.v4.new_code_cell(
        INSTALL_CELL.format(archive=where.archive, folder=where.folder, version=where.version, **said)
    )


def _read(source: Path, where: Repository, name: str, language: str, catalogue: Mapping[str, str]) -> NotebookNode:
    """The source as a notebook in a language, with badge and install cell."""
    import jupytext  # only needed by those who change lessons

    notebook = jupytext.read(source, fmt="py:percent")
    translate_notebook(notebook, catalogue)
    title = notebook.cells[0]
    title.source += "\n\n" + BADGE.format(owner_and_name=where.owner_and_name, ref=where.ref, path=name)
    install = install_cell(source.parents[2], language)
    said = "" if language == "en" else f', "{language}"'
    install.source += BEGIN_LESSON.format(number=source.name[:2], version=where.version, language=said)
    notebook.cells.insert(1, install)
    notebook.metadata = NotebookNode(copy.deepcopy(METADATA))
    if language != "en":
        notebook.metadata["lang"] = language
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.metadata = {}
        cell.source = cell.source.replace("  # fmt: skip", "")  # speaks to the formatter of the source, not to readers
    return notebook


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """A copy in which every solution is replaced by a stub."""
    from nbgrader.preprocessors import ClearSolutions  # only needed by those who change lessons

    clear = ClearSolutions(
        code_stub={"python": STUB},
        begin_solution_delimeter="### BEGIN SOLUTION",
        end_solution_delimeter="### END SOLUTION",
        enforce_metadata=False,
    )
    cleared, _ = clear.preprocess(copy.deepcopy(notebook), {})
    return cleared


def _without_markers(notebook: NotebookNode) -> NotebookNode:
    """The solutions, without the two comment lines that frame them."""
    for cell in notebook.cells:
        lines = cell.source.split("\n")
        cell.source = "\n".join(
            line for line in lines if line.strip() not in ("### BEGIN SOLUTION", "### END SOLUTION")
        )
    return notebook


def measured_minutes(source: Path) -> float:
    """Minutes to read a lesson and write its exercises, from its source.

    A minute for 200 words of the student notebook, prose and code; for an exercise a minute for three lines of its
    solution, at least two minutes.
    """
    import jupytext  # only needed by those who change lessons

    notebook = jupytext.read(source, fmt="py:percent")
    minutes = sum(len(cell.source.split()) for cell in without_solutions(notebook).cells) / 200
    for cell in notebook.cells:
        solutions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", cell.source, re.DOTALL)
        lines = [line for line in "".join(solutions).split("\n") if line.strip()]
        minutes += max(2, len(lines) / 3) if solutions else 0
    return minutes


def leaked_solutions(root: Path) -> list[str]:
    """Lines of a solution that stand in the student notebook of the same lesson: one sentence each.

    Only lines that occur nowhere in the source outside its solutions count; short ones may be there by chance.
    """
    problems = []
    for source in sorted((root / "notebooks" / "sources").glob("[0-9][0-9]_*.py")):
        inside, outside = solution_lines(source.read_text(encoding="utf-8"))
        path = root / "notebooks" / f"{source.stem}.ipynb"
        if not path.is_file():
            problems.append(f"{path.relative_to(root)} is missing; run `make notebooks`")
            continue
        cells = nbformat.read(path, as_version=4).cells
        shown = {line.strip() for cell in cells for line in cell.source.split("\n")}
        for line in sorted((inside - outside) & shown):
            problems.append(f"{path.relative_to(root)} shows a line of its solution: {line}")
        if any("BEGIN SOLUTION" in line or "END SOLUTION" in line for line in shown):
            problems.append(f"{path.relative_to(root)} holds a solution marker")
    return problems


def solution_lines(text: str) -> tuple[set[str], set[str]]:
    """The lines inside and outside of the solutions of a source, without those too short to tell anything."""
    inside: set[str] = set()
    outside: set[str] = set()
    current = outside
    for line in map(str.strip, text.split("\n")):
        if line == "### BEGIN SOLUTION":
            current = inside
        elif line == "### END SOLUTION":
            current = outside
        elif len(line) > 8:
            current.add(line)
    return inside, outside
