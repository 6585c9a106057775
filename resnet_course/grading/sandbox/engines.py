"""What shuts the process in: the command lines of bubblewrap and of a container engine.

Both show the system, Python and the course read-only, and nothing else of this machine but an empty scratch folder that
lives in memory and has a size.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

SCRATCH = "/scratch"
WRITABLE = (SCRATCH, "/tmp", "/dev/shm")  # in memory, with a size
COURSE = "/course"
NOBODY = "65534"
LIBRARIES = ("numpy", "torch", "torchvision")  # whose folders are shown where they lie outside of this Python's own


def environment(home: str) -> dict[str, str]:
    """What the program in the sandbox knows of the outside."""
    return {
        "HOME": home,
        "TMPDIR": home,
        "USER": "learner",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        "RESNET_COURSE_JOURNAL": "off",
        "RESNET_COURSE_PROGRESS": "0",
        "RESNET_COURSE_WIDGETS": "0",
    }


def bubblewrap(scratch: int, filter_file: int | None) -> list[str]:
    """The start of a command line that bubblewrap shuts in.

    Args:
        scratch: bytes of files in each of the folders that can be written to.
        filter_file: descriptor from which bubblewrap reads its system-call filter; None for a program that runs no
            learner's code and shuts in its own forks (see `warm`).
    """
    options = [shutil.which("bwrap") or "bwrap", "--unshare-user", "--unshare-all", "--hostname", "sandbox"]
    options += ["--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL"]
    options += ["--die-with-parent", "--new-session", "--clearenv", "--proc", "/proc", "--dev", "/dev"]
    for folder in WRITABLE:  # before what may lie inside them
        options += ["--size", str(scratch), "--tmpfs", folder]
    shown, elsewhere = _shown()
    options += shown
    # /dev is a file system in memory without a size; root, even without capabilities, may write to /proc/sys.
    for folder in ("/dev", "/"):
        options += ["--remount-ro", folder]
    if filter_file is not None:
        options += ["--remount-ro", "/proc", "--seccomp", str(filter_file)]
    path = {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join([COURSE, *elsewhere])}
    for name, value in {**environment(SCRATCH), **path}.items():
        options += ["--setenv", name, value]
    return [*options, "--chdir", SCRATCH, "--"]


def container(engine: str, image: str, name: str, memory: int, scratch: int) -> list[str]:
    """The start of a command line that a container engine shuts in.

    Args:
        engine: its program, such as "docker".
        image: an image with the course installed.
        name: of the container, to end it by.
        memory: bytes of the whole container.
        scratch: bytes of files in each of the folders that can be written to.
    """
    options = [engine, "run", "--rm", "--interactive", "--init", "--name", name, "--network", "none", "--read-only"]
    options += ["--user", f"{NOBODY}:{NOBODY}", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    options += ["--pids-limit", "64", "--memory", str(memory), "--memory-swap", str(memory)]
    for folder in (SCRATCH, "/tmp"):
        options += ["--tmpfs", f"{folder}:size={scratch},mode=1777"]
    for key, value in environment(SCRATCH).items():
        options += ["--env", f"{key}={value}"]
    return [*options, "--workdir", SCRATCH, image]


def shown_below(folder: str) -> list[str]:
    """What is shown of the system below a folder that is otherwise empty, such as an environment below /tmp."""
    return [path for path in (*_folders(), *_elsewhere()) if _is_below(Path(path), [Path(folder)])]


def exposed(private: Iterable[Path]) -> list[Path]:
    """Which of these files and folders a learner's code would see, because they lie in something that is shown."""
    seen = [Path(folder).resolve() for folder in _folders()] + [Path(folder).resolve() for folder in _elsewhere()]
    return [path for path in private if _is_below(path.resolve(), seen)]


def _folders() -> list[str]:
    """Programs and libraries of the system and of this Python; nothing else below /usr or an environment."""
    found = ["/usr/lib", "/usr/lib64", "/usr/lib32", "/usr/libx32"]
    prefixes = {sys.base_prefix, sys.base_exec_prefix, sys.prefix}
    found += sorted(f"{prefix}/{part}" for prefix in prefixes for part in ("bin", "lib", "lib64", "pyvenv.cfg"))
    found.append(str(Path(sys.executable).resolve().parent))
    return [path for path in dict.fromkeys(found) if os.path.exists(path)]


def _elsewhere() -> list[str]:
    """Folders of libraries that lie elsewhere, such as those of `pip install --user`."""
    known = [Path(folder) for folder in _folders()]
    return sorted({str(folder) for folder in map(_library, LIBRARIES) if not _is_below(folder, known)})


def _shown() -> tuple[list[str], list[str]]:
    """Options that show the system's libraries, this Python, and the course's package; no other file.

    Returns:
        The options, and folders of libraries that lie elsewhere.
    """
    options: list[str] = []
    for folder in ("/bin", "/sbin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(folder):
            options += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            options += ["--ro-bind", folder, folder]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu"):
        options += ["--ro-bind-try", path, path]
    elsewhere = _elsewhere()
    for folder in [*_folders(), *elsewhere]:
        # A link to a folder, such as lib64 of an environment, is shown as what it leads to.
        options += ["--ro-bind", folder, folder]
    package = Path(__file__).resolve().parents[2]  # only the package: an editable install lies beside the assignments
    return [*options, "--ro-bind", str(package), f"{COURSE}/{package.name}"], elsewhere


def _is_below(folder: Path, others: list[Path]) -> bool:
    return any(folder.is_relative_to(other) for other in others)


def _library(name: str) -> Path:
    """The folder that holds an installed library."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]
