"""From what was handed in to cells that can be run, and to a notebook that nbgrader can show.

Nothing here stops a batch: what can be repaired is repaired and said, what cannot is refused with a reason.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from resnet_course.base.text import clean, whole
from resnet_course.folders.problems import kind_of
from resnet_course.grading.handin.harmless import harmless_attachments, harmless_markdown, harmless_outputs, plain

MOST_BYTES = 64 * 2**20  # of a notebook
MOST_CELLS = 2_000
MOST_SOURCE = 200_000  # characters of one cell
MOST_VALUES = 4_000_000  # lists, numbers and so on in the file: at most half a gigabyte once it is read


class RefusedError(Exception):
    """A hand-in that cannot be read as a notebook; the text says why and what to do."""


@dataclass
class HandIn:
    """A hand-in, ready to be graded.

    Args:
        notebook: the learner's cells in their order, with the release's metadata and check cells; text and pictures
            only (see `harmless`).
        cells: the sources to run, in order.
        labels: what each of the cells to run is called in a sentence.
        repairs: what was mended or is odd, one sentence each; learners read them.
        of_task: by the task's name the place in `cells` of its cell, or None while it is as it was handed out.
    """

    notebook: NotebookNode
    cells: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    of_task: dict[str, int | None] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)


def find_notebook(folder: Path, name: str) -> tuple[Path, list[str]]:
    """The notebook in a student's folder, which should be called `name`.ipynb.

    Raises:
        RefusedError: if there is none, or several with other names.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise RefusedError("the hand-in is not a folder")
    found = [path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".ipynb"]
    links = [path for path in found if path.is_symlink()]
    found = [path for path in found if path not in links and path.is_file()]
    exact = [path for path in found if path.name == f"{name}.ipynb"]
    if links and not exact:
        raise RefusedError(f"{plain(links[0].name)} is a link, not a file; hand in the notebook itself")
    if exact:
        others = [path.name for path in found if path not in exact]
        return exact[0], [f"{plain(', '.join(others))}: not looked at"] if others else []
    if len(found) == 1:
        return found[0], [f"the file is called {plain(found[0].name)}, not {name}.ipynb"]
    if found:
        raise RefusedError(f"{len(found)} notebooks, none of them called {name}.ipynb; hand in one")
    raise RefusedError(f"there is no notebook; hand in {name}.ipynb")


def read_hand_in(path: Path, release: NotebookNode) -> HandIn:
    """Read and repair.

    Args:
        path: the notebook that was handed in; links are not followed.
        release: the notebook that was handed out.

    Raises:
        RefusedError: if it cannot be read as a notebook.
    """
    information = path.lstat()
    if not stat.S_ISREG(information.st_mode):
        raise RefusedError(f"{plain(path.name)} is not a plain file")
    if information.st_size > MOST_BYTES:
        raise RefusedError(
            f"{plain(path.name)} is larger than {MOST_BYTES // 2**20} MB; clear all outputs and hand in again"
        )
    repairs: list[str] = []
    content = _parse(path.read_bytes(), plain(path.name), repairs)
    kernel = str(_inside(content, "metadata", "kernelspec", "language") or "python").lower()
    if kernel != "python":
        repairs.append(f"its kernel was {plain(kernel)[:20]}; its cells were run as Python")
    cells = _cells(content, repairs)
    return _fit(cells, release, repairs)


def _text(data: bytes, repairs: list[str]) -> str:
    """In UTF-8, UTF-16 or UTF-32, with a mark in front or without; of another encoding, what can be read of it."""
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        repairs.append("it is not saved in UTF-8; signs that cannot be read were replaced")
        return data.decode(encoding, "replace")


def _parse(data: bytes, name: str, repairs: list[str]) -> dict[str, Any]:
    if sum(map(data.count, (b"[", b"{", b","))) > MOST_VALUES:
        raise RefusedError(f"{name} holds millions of values; clear all outputs and hand in again")
    try:
        content = json.loads(_text(data, repairs))
    except (ValueError, RecursionError) as error:
        kind = "empty" if not data.strip() else kind_of(data)
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) and kind == "text" else ""
        where = where or (f", it is {kind}" if kind != "text" and " known " not in kind else "")
        raise RefusedError(f"{name} cannot be read as a notebook{where}; save it again in Jupyter") from None
    if isinstance(content, dict) and isinstance(content.get("worksheets"), list):  # of the year 2014 or before
        try:
            content = nbformat.convert(nbformat.from_dict(content), 4)
        except Exception:
            raise RefusedError(f"{name} is a notebook of an old kind; open and save it in Jupyter") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise RefusedError(f"{name} holds no cells; it is not a notebook")
    return content


def _cells(content: dict[str, Any], repairs: list[str]) -> list[NotebookNode]:
    """The cells with what may be shown of their outputs; what is no cell is left out."""
    found = []
    for cell in content["cells"][:MOST_CELLS]:
        source = cell.get("source", "") if isinstance(cell, dict) else None
        if isinstance(source, list):
            parts = [part for part in source if isinstance(part, str)]
            source = ("" if any(part.endswith("\n") for part in parts) else "\n").join(parts)  # some drop the line ends
        source = whole(source).replace("\r\n", "\n").replace("\r", "\n") if isinstance(source, str) else source
        if not isinstance(source, str) or cell.get("cell_type") not in ("code", "markdown", "raw"):
            repairs.append("something that is no cell was left out")
            continue
        if len(source) > MOST_SOURCE:
            repairs.append("a cell of more than 200,000 characters was left out")
            continue
        kind = "code" if cell["cell_type"] == "code" else "markdown"
        name, own = _inside(cell, "metadata", "nbgrader", "grade_id"), cell.get("id")
        was = NotebookNode(was=name if isinstance(name, str) else "")
        new = NotebookNode(cell_type=kind, source=source, metadata=was, id=own if isinstance(own, str) else "")
        if kind == "code":
            new.update(execution_count=None, outputs=harmless_outputs(cell.get("outputs")))
        elif attachments := harmless_attachments(cell.get("attachments")):
            new.attachments = attachments
        found.append(new)
    if len(content["cells"]) > MOST_CELLS:
        repairs.append(f"only the first {MOST_CELLS} cells were looked at")
    return found


def _fit(cells: list[NotebookNode], release: NotebookNode, repairs: list[str]) -> HandIn:
    """Tell which cell is which, put the release's own cells back, and list what to run."""
    ours = {index: _find(cell, cells, release, repairs) for index, cell in enumerate(release.cells)}
    of_cell = {found: release.cells[index] for index, found in ours.items() if found is not None}
    handed_out = {_same(cell.source) for cell in release.cells}
    locked_sources = {_same(cell.source) for cell in release.cells if _locked(cell) or _skipped(cell)}
    hand_in = HandIn(nbformat.v4.new_notebook(metadata=release.metadata), repairs=repairs)
    counted = 0
    for index, cell in enumerate(cells):
        own = of_cell.get(index)
        if own is not None and _skipped(own):  # the cell that installs the course: nothing of a learner's
            counted += cell.cell_type == "code"
            continue
        new = copy.deepcopy(own) if own is not None else cell
        if own is not None and _locked(own) and _same(own.source) != _same(cell.source):
            repairs.append(f"the check cell {_grade_id(own)} was changed; the original was put back")
        elif own is None or not _locked(own):
            show = new.cell_type == "markdown" and _same(cell.source) not in handed_out
            new.source = harmless_markdown(cell.source) if show else cell.source
        for part in ("outputs", "attachments"):
            if part in cell and new.cell_type == cell.cell_type:
                new[part] = cell[part]
        new.id = own.id if own is not None else f"added-{index}"
        if own is None:
            new.metadata = NotebookNode()
        hand_in.notebook.cells.append(new)
        is_code = "code" in (cell.cell_type, own.cell_type if own is not None else "")
        counted += is_code
        if not is_code or _same(cell.source) in locked_sources or (own is not None and _locked(own)):
            continue
        task = _grade_id(own).removesuffix("_answer") if own is not None else ""
        if own is not None and task:
            hand_in.of_task[task] = None if _untouched(cell, own) else len(hand_in.cells)
        if cell.cell_type != "code":
            repairs.append(f"the cell of {task or 'some code'} was no code cell any more; it was run as one")
        hand_in.cells.append(cell.source)
        hand_in.labels.append(f"code cell {counted}" + (f" ({task})" if task else ""))
    for index, cell in enumerate(release.cells):
        if ours[index] is None and "nbgrader" in cell.metadata:
            hand_in.notebook.cells.append(copy.deepcopy(cell))
            if not _locked(cell):
                repairs.append(f"the cell {_grade_id(cell)} is missing")
                hand_in.of_task.setdefault(_grade_id(cell).removesuffix("_answer"), None)
    return hand_in


def _find(own: NotebookNode, cells: list[NotebookNode], release: NotebookNode, repairs: list[str]) -> int | None:
    """The place of a cell of the release in the hand-in: by nbgrader's name, by id, by text, by what it defines."""
    name, defined = _grade_id(own), _defined(own.source)
    graded = {_grade_id(cell) for cell in release.cells} - {""}
    same_name = [index for index, cell in enumerate(cells) if name and cell.metadata["was"] == name]
    if same_name:
        if len(same_name) > 1:
            repairs.append(f"the cell {name} was copied; all copies were run, in order")
        return same_name[-1]
    nameless = [index for index, cell in enumerate(cells) if cell.metadata["was"] not in graded]
    same_id = (i for i in nameless if cells[i].id == own.id and cells[i].cell_type == own.cell_type)
    same_text = (i for i in nameless if _same(cells[i].source) == _same(own.source))
    same_definition = (i for i in reversed(nameless) if name and defined and defined <= _defined(cells[i].source))
    found = next(itertools.chain(same_id, same_text, same_definition), None)
    if name and found is not None:
        repairs.append(f"the cell {name} had lost its name; it was found again")
    return found


def _same(source: str) -> str:
    """What two cells share that differ in line ends, in spaces at ends of lines or in how accents are written."""
    return "\n".join(line.rstrip() for line in clean(source).strip().splitlines())


def _untouched(cell: NotebookNode, own: NotebookNode) -> bool:
    return not cell.source.strip() or _same(cell.source) == _same(own.source)


def _defined(source: str) -> set[str]:
    """Functions and classes at the top level of a cell; also of one with a syntax error."""
    return set(re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE))


def _grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _locked(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("locked", False))


def _skipped(cell: NotebookNode) -> bool:
    return "skip-grading" in cell.metadata.get("tags", [])


def _inside(content: Any, *keys: str) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content
