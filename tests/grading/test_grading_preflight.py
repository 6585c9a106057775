"""Hand-ins that are broken in every way that was ever seen: repaired or refused, never an exception of another kind."""

from __future__ import annotations

import json
import os

import nbformat
import pytest
from grading_helpers import answered, release_of, write_assignment

from resnet_course.grading.demo import BROKEN
from resnet_course.grading.handin.preflight import RefusedError, find_notebook, read_hand_in

ANSWER = "def double(x):\n    return x + x"


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return release_of(write_assignment(tmp_path_factory.mktemp("course")))


@pytest.fixture
def read(tmp_path, release):
    def read(content):
        path = tmp_path / "tiny.ipynb"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return read_hand_in(path, release)

    return read


def identity(notebook):
    return [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells if "nbgrader" in cell.metadata]


LOST = "the cell double_answer had lost its name; it was found again"
SAID = {
    "copied_cells": "the cell double_answer was copied; all copies were run, in order",
    "no_metadata": LOST,
    "no_ids": None,
    "no_metadata_no_ids": LOST,
    "other_kernel": "its kernel was r; its cells were run as Python",
    "much_output": None,
    "changed_checks": "the check cell double was changed; the original was put back",
}


@pytest.mark.parametrize("kind", [None, *BROKEN])
def test_a_damaged_notebook_is_repaired(read, release, kind):
    notebook, said = answered(release, ANSWER), SAID.get(kind)
    notebook.cells.append(nbformat.v4.new_code_cell("helper = 1"))
    if kind:
        BROKEN[kind](notebook)
    hand_in = read(notebook)
    assert ANSWER in hand_in.cells
    assert "helper = 1" in hand_in.cells
    assert not [source for source in hand_in.cells if "training" in source or "not written yet" in source]
    assert sorted(identity(hand_in.notebook)) == ["double", "double_answer", "words"]
    assert (said in hand_in.repairs) if said else not hand_in.repairs
    assert len(nbformat.writes(hand_in.notebook)) < 50_000
    cells = [cell for cell in hand_in.notebook.cells if "nbgrader" in cell.metadata]
    named = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in cells}
    assert "double(1) is 2" in named["double"].source


def test_a_missing_cell_is_said_and_put_back_empty(read, release):
    notebook = answered(release, ANSWER)
    notebook.cells = [cell for cell in notebook.cells if cell.source != ANSWER]
    hand_in = read(notebook)
    assert "the cell double_answer is missing" in hand_in.repairs
    assert "double_answer" in identity(hand_in.notebook)
    assert not hand_in.cells


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe not text",
        b"{",
        b"[1, 2]",
        b'{"cells": 3}',
        b"[" * 200_000,
        b'{"worksheets": [3], "nbformat": 3}',
    ],
)
def test_what_is_no_notebook_is_refused_with_a_reason(read, content):
    with pytest.raises(RefusedError, match=r"tiny\.ipynb .*"):
        read(content)


@pytest.mark.parametrize(
    "cells",
    [[3, None, "x"], [{"cell_type": "code", "source": [1, {}]}], [{"cell_type": "poem", "source": "x"}], [{}]],
)
def test_what_is_no_cell_is_left_out(read, cells):
    hand_in = read({"cells": cells, "metadata": None, "nbformat": 4})
    assert "double" in identity(hand_in.notebook)


def test_too_large_a_file_is_refused(tmp_path, release):
    path = tmp_path / "tiny.ipynb"
    with open(path, "wb") as file:
        file.truncate(2**40)  # takes no space
    with pytest.raises(RefusedError, match="clear all outputs"):
        read_hand_in(path, release)


def test_links_and_odd_files_are_not_followed(tmp_path, release):
    secret = tmp_path / "secret.ipynb"
    secret.write_text("{}", encoding="utf-8")
    folder = tmp_path / "student"
    folder.mkdir()
    (folder / "tiny.ipynb").symlink_to(secret)
    with pytest.raises(RefusedError, match="not a plain file"):
        read_hand_in(folder / "tiny.ipynb", release)
    with pytest.raises(RefusedError, match="is a link"):
        find_notebook(folder, "tiny")
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    with pytest.raises(RefusedError, match="not a folder"):
        find_notebook(tmp_path / "link", "tiny")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.ipynb")
        with pytest.raises(RefusedError, match="not a plain file"):
            read_hand_in(tmp_path / "pipe.ipynb", release)


def test_the_notebook_is_found_under_another_name(tmp_path):
    with pytest.raises(RefusedError, match=r"hand in tiny\.ipynb"):
        find_notebook(tmp_path, "tiny")
    (tmp_path / "Untitled.ipynb").write_text("{}", encoding="utf-8")
    path, said = find_notebook(tmp_path, "tiny")
    assert path.name == "Untitled.ipynb"
    assert said == ["the file is called Untitled.ipynb, not tiny.ipynb"]
    (tmp_path / "Untitled1.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(RefusedError, match="2 notebooks"):
        find_notebook(tmp_path, "tiny")
    (tmp_path / "tiny.ipynb").write_text("{}", encoding="utf-8")
    assert find_notebook(tmp_path, "tiny")[0].name == "tiny.ipynb"


def task_cell(notebook):
    return next(cell for cell in notebook.cells if cell.source.startswith("def double"))


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_task_cell_of_another_type_is_run_and_said(read, release, kind):
    notebook = answered(release, ANSWER)
    task_cell(notebook).cell_type = kind
    hand_in = read(notebook)
    assert hand_in.cells == [ANSWER]
    assert "the cell of double was no code cell any more; it was run as one" in hand_in.repairs
    assert hand_in.of_task["double"] == 0
    assert hand_in.labels == ["code cell 1 (double)"]


@pytest.mark.parametrize("end", ["\r\n", "\r", "  \n"])
def test_line_ends_accuse_nobody(read, release, end):
    notebook = answered(release, ANSWER)
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", end)
    hand_in = read(notebook)
    assert not hand_in.repairs
    assert [source.split() for source in hand_in.cells] == [ANSWER.split()]


def test_lines_without_their_ends_stay_lines(read, release):
    content = json.loads(nbformat.writes(answered(release, ANSWER)))
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"]).split("\n")
    assert read(content).cells == [ANSWER]


def test_only_a_stub_or_an_empty_cell_is_not_written(read, release):
    assert read(answered(release, ANSWER)).of_task["double"] == 0
    stub = task_cell(release).source
    for body in (stub, stub.replace("\n", " \r\n"), "", "\n"):
        notebook = answered(release, ANSWER)
        task_cell(notebook).source = body
        assert read(notebook).of_task["double"] is None
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("locked", True)]
    assert read(notebook).of_task["double"] is None  # missing


def test_half_a_sign_reaches_nobody(read, release):
    notebook = json.dumps(answered(release, ANSWER + "\nname = 'X'"))
    hand_in = read(notebook.replace("'X'", "'\\ud83d'").encode())
    assert hand_in.cells[0].endswith("'\ufffd'")
    nbformat.writes(hand_in.notebook).encode()


def test_a_file_of_millions_of_values_is_refused_before_it_is_read(read):
    with pytest.raises(RefusedError, match="millions of values; clear all outputs"):
        read(b'{"cells": [' + b"[]," * 3_000_000 + b"0]}")


def test_only_the_first_outputs_of_a_cell_are_looked_at(read, release):
    notebook = answered(release, ANSWER)
    task_cell(notebook).outputs = [{"output_type": "stream", "name": "stdout", "text": "x"}] * 50_000
    shown = next(cell for cell in read(notebook).notebook.cells if cell.source == ANSWER)
    assert len(shown.outputs) <= 100


def test_a_notebook_in_another_encoding_is_read(read, release):
    assert read(json.dumps(answered(release, ANSWER)).encode("utf-16")).cells == [ANSWER]
    korean = json.dumps(answered(release, f"{ANSWER}  # 두 배"), ensure_ascii=False).encode("cp949")
    hand_in = read(korean)
    assert hand_in.cells[0].startswith(f"{ANSWER}  # \ufffd")
    assert any("not saved in UTF-8" in repair for repair in hand_in.repairs)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b" \n", "it is empty"),
        (b"PK\3\4" + bytes(50), "it is a ZIP archive"),
        (b"%PDF-1.7", "it is a PDF document"),
        (b"<!DOCTYPE html><html>log in", "it is a web page"),
        (b'{"cells": [\n{', r"\(line 2\)"),
        (bytes(9), "as a notebook; save"),
    ],
)
def test_what_is_no_notebook_is_named(read, content, said):
    with pytest.raises(RefusedError, match=said):
        read(content)
