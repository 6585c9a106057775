"""Where the course is found: the address in pyproject.toml, the branch or tag, and what follows from both.

A version that ends with `.dev0` is that of the branch `main`; any other one has a tag, such as `v0.1.0`.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from resnet_course import __version__
from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically

GITHUB = "https://github.com/"
# Where the address is written beside pyproject.toml; what is built (notebooks, lesson table, site) takes it from there.
COPIES = ("README.md", "README.ko.md", "CITATION.cff", ".github/ISSUE_TEMPLATE/config.yml")
OWNER_AND_NAME = re.compile(r"[\w-]+/[\w.-]+")


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub, at a branch or tag.

    Args:
        owner_and_name: such as "someone/resnet-course".
        version: of the package that it holds.
    """

    owner_and_name: str
    version: str = __version__

    @property
    def address(self) -> str:
        """Of its front page."""
        return GITHUB + self.owner_and_name

    @property
    def ref(self) -> str:
        """The branch or tag that holds this version."""
        return "main" if ".dev" in self.version else f"v{self.version}"

    @property
    def site(self) -> str:
        """Where the workflow `site` publishes the web site."""
        owner, name = self.owner_and_name.split("/")
        return f"https://{owner.lower()}.github.io/{name}/"

    @property
    def archive(self) -> str:
        """All files at that branch or tag, as one file that pip can install; nothing has to be published for it."""
        return f"{self.address}/archive/refs/{'heads' if self.ref == 'main' else 'tags'}/{self.ref}.zip"

    @property
    def folder(self) -> str:
        """The one folder in that file, which a browser calls likewise when it saves it."""
        return f"{self.owner_and_name.split('/')[1]}-{self.ref.removeprefix('v')}"


def repository_address(root: Path) -> str:
    """The address in pyproject.toml, the one place where people change it."""
    for line in (root / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith('Repository = "'):
            return line.split('"')[1].rstrip("/")
    raise CourseError('pyproject.toml has no line `Repository = "..."`')


def repository(root: Path) -> Repository:
    """The repository that a checkout belongs to.

    Raises:
        CourseError: if it is not on GitHub, from where Colab, Kaggle and Binder open notebooks.
    """
    return Repository(_owner_and_name(repository_address(root)))


def set_address(root: Path, owner_and_name: str | None) -> list[Path]:
    """Make a checkout that of a fork, wherever people wrote the address. What is built has to be built again.

    Args:
        root: of the checkout.
        owner_and_name: of the fork on GitHub; None: as git's remote `origin` says.

    Returns:
        the files that changed
    """
    old, new = repository(root), Repository(_owner_and_name(owner_and_name or _remote(root)))
    places = [re.compile(rf"{before}{re.escape(old.owner_and_name)}(?![\w.-]*[\w-])") for before in _BEFORE]
    changed = []
    for path in (root / name for name in ("pyproject.toml", *COPIES)):
        text = before = path.read_text(encoding="utf-8")
        for place in places:
            text = place.sub(lambda found: found[1] + new.owner_and_name, text)
        text = text.replace(old.site, new.site)
        if text != before:
            write_atomically(path, text.encode())
            changed.append(path)
    return changed


_BEFORE = (r"(github\.com/)", r"(/github/)", r"(/gh/)", r"(codespaces\.new/)")


def _remote(root: Path) -> str:
    line = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise CourseError("git knows no remote `origin` here. Name the fork: `fork OWNER/NAME`.") from error


def _owner_and_name(address: str) -> str:
    """`someone/course` from the forms in which people and git write a repository on GitHub."""
    found = re.sub(r"^(https?://|ssh://)?([\w.-]+@)?(www\.)?github\.com[/:]", "", address).strip("/")
    found = found.removesuffix(".git")
    if not OWNER_AND_NAME.fullmatch(found):
        raise CourseError(f"{address!r} is no repository on GitHub; write it as OWNER/NAME")
    return found
