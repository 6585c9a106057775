"""Places where nothing of the course is: an empty environment, and GitHub, imitated on loopback."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from resnet_course.course.address import GITHUB, repository

ROOT = Path(__file__).resolve().parents[2]


def tracked() -> list[str]:
    """The names of all files that belong to the course."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@dataclass
class Published:
    """A checkout, as one can fetch it from `address`, which stands for GitHub's."""

    checkout: Path
    address: str
    archive: Path

    def download(self, notebook: str, folder: Path) -> Path:
        """A notebook of the checkout, whose install cell asks this address. Returns the file."""
        content = nbformat.read(self.checkout / "notebooks" / notebook, as_version=4)
        assert GITHUB in content.cells[1].source
        content.cells[1].source = content.cells[1].source.replace(GITHUB, self.address)
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(content, folder / notebook)
        return folder / notebook


@contextmanager
def published(checkout: Path, folder: Path) -> Iterator[Published]:
    """Serve the archive of a checkout from a folder."""
    where = repository(checkout)
    archive = folder / where.archive.removeprefix(GITHUB)
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in tracked():
            opened.write(checkout / name, f"{where.folder}/{name}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Published(checkout, f"http://127.0.0.1:{server.server_port}/", archive)
    server.shutdown()
    server.server_close()


class Empty:
    """An environment without the course, which finds the libraries that are installed here.

    Args:
        folder: where to make it.
        options: for `python -m venv`, such as "--without-pip".
    """

    def __init__(self, folder: Path, *options: str) -> None:
        subprocess.run([sys.executable, "-m", "venv", *options, folder], check=True)
        self.python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        self.kernels = folder / "kernels"
        (self.kernels / "empty").mkdir(parents=True)
        argv = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = json.dumps({"argv": argv, "display_name": "empty", "language": "python"})
        (self.kernels / "empty" / "kernel.json").write_text(spec, encoding="utf-8")
        (folder / "libraries").mkdir()
        for library in Path(sysconfig.get_path("purelib")).iterdir():
            if "resnet_course" not in library.name and library.suffix != ".pth":
                (folder / "libraries" / library.name).symlink_to(library)
        self.settings = {"PYTHONPATH": str(folder / "libraries"), "IPYTHONDIR": str(folder / "ipython")}
        self.settings |= {"RESNET_COURSE_PROFILE": "smoke", "RESNET_COURSE_JOURNAL": "off", "OMP_NUM_THREADS": "1"}

    def run(self, notebook: Path) -> nbformat.NotebookNode:
        """Run a notebook in its folder; an error is raised. Returns it with its outputs."""
        content = nbformat.read(notebook, as_version=4)
        manager = KernelManager(kernel_name="empty")
        manager.kernel_spec_manager.kernel_dirs.insert(0, str(self.kernels))
        manager.start_kernel(env={**os.environ, **self.settings}, cwd=str(notebook.parent))
        try:
            NotebookClient(content, km=manager, timeout=600).execute()
        finally:
            manager.shutdown_kernel(now=True)
        return content

    def says(self, *arguments: str) -> str:
        """What its Python prints."""
        environment = {**os.environ, **self.settings}
        line, here = [self.python, *arguments], self.kernels  # where no package lies beside
        return subprocess.run(line, capture_output=True, text=True, check=True, env=environment, cwd=here).stdout

    def installed(self) -> set[str]:
        """Name and version of every package here and of those that it finds."""
        return set(self.says("-m", "pip", "list", "--format=freeze").split())
