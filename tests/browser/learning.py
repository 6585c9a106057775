"""JupyterLab as a learner has it: a server of its own on this machine, and one notebook in a tab."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from visiting import ROOT, SCREENSHOTS

SETTINGS = {  # every cell in the page, and no question about news
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
RUN_TIMEOUT = 900_000  # milliseconds for a whole lesson, beside others


@dataclass
class Lab:
    """A server: its address, the token that lets a browser in, and the folder of its notebooks."""

    address: str
    token: str
    folder: Path


@contextmanager
def start_lab(folder: Path) -> Iterator[Lab]:
    """Serve copies of the student notebooks until the end."""
    notebooks, settings, runtime = folder / "notebooks", folder / "settings", folder / "runtime"
    notebooks.mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, notebooks)
    shutil.copytree(ROOT / "notebooks" / "figures", notebooks / "figures")
    for name, values in SETTINGS.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RESNET_COURSE_W")},
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "RESNET_COURSE_JOURNAL": str(folder / "journal.json"),
        "RESNET_COURSE_PROFILE": "smoke",  # nbval has run these notebooks in the quick one
    }
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root", f"--ServerApp.root_dir={notebooks}"]
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        line = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(line, cwd=notebooks, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not (found := list(runtime.glob("jpserver-*.json"))):
            assert server.poll() is None, (folder / "log.txt").read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "JupyterLab did not start within a minute"
            time.sleep(0.2)
        about = json.loads(found[0].read_text(encoding="utf-8"))
        yield Lab(about["url"], about["token"], notebooks)
    finally:
        server.terminate()
        server.wait(timeout=30)


class Notebook:
    """A notebook that is open in a browser's page."""

    def __init__(self, page, lab: Lab, name: str) -> None:
        self.page, self.path = page, lab.folder / name
        page.goto(f"{lab.address}lab/tree/{name}?reset&token={lab.token}")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
        page.get_by_text(re.compile(r"^Python 3 .*\| Idle$")).wait_for(timeout=60_000)  # in the bar at the bottom

    def write(self, line: str, code: str) -> None:
        """Write code in front of a line, as a learner does, by the keyboard."""
        self.page.locator(".jp-CodeCell .cm-line", has_text=line).first.click()
        self.page.keyboard.press("Home")
        self.page.keyboard.insert_text(code)

    def run_all(self) -> nbformat.NotebookNode:
        """Run all cells, save, and read the file."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.locator(".jp-InputPrompt", has_text="[*]").first.wait_for(timeout=30_000, state="attached")
        self.page.wait_for_function(
            "![...document.querySelectorAll('.jp-InputPrompt')].some(prompt => prompt.textContent.includes('*'))",
            timeout=RUN_TIMEOUT,
        )
        return self.save()

    def save(self) -> nbformat.NotebookNode:
        """Save, and read the file once it holds what the page shows."""
        shown = self.page.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).count()
        deadline = time.monotonic() + 30
        while True:
            self.page.keyboard.press("Control+s")
            time.sleep(0.5)
            with contextlib.suppress(nbformat.reader.NotJSONError):  # it is being written
                notebook = nbformat.read(self.path, as_version=4)
                if sum(cell.get("execution_count") is not None for cell in notebook.cells) == shown:
                    return notebook
            assert time.monotonic() < deadline, f"{self.path.name} was not saved"

    def picture(self, name: str) -> None:
        """Keep a picture of what can be seen now."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"jupyterlab_{name}.png")


def problems_in(notebook: nbformat.NotebookNode) -> list[str]:
    """Cells that did not run, and errors and warnings that a learner would see."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"not run: {cell.source[:80]}")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr" and "Warning" in output.text:
                found.append(output.text[:200])
    return found
