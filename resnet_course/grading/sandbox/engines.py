"""What shuts the process in: the command lines of bubblewrap and of a container engine.

Both show the system, Python and the course read-only, and nothing else of this machine but an empty scratch folder that
lives in memory and has a size.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

SCRATCH = "/scratch"
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


def bubblewrap(scratch: int, filter_file: int) -> list[str]:
    """The start of a command line that bubblewrap shuts in.

    Args:
        scratch: bytes of files in each of the folders that can be written to.
        filter_file: descriptor from which bubblewrap reads its system-call filter.
    """
    options = [shutil.which("bwrap") or "bwrap", "--unshare-user", "--unshare-all", "--hostname", "sandbox"]
    options += ["--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL", "--seccomp", str(filter_file)]
    options += ["--die-with-parent", "--new-session", "--clearenv", "--proc", "/proc", "--dev", "/dev"]
    for folder in (SCRATCH, "/tmp", "/dev/shm"):  # before what may lie inside them
        options += ["--size", str(scratch), "--tmpfs", folder]
    shown, elsewhere = _shown()
    options += shown
    # /dev is a file system in memory without a size; root, even without capabilities, may write to /proc/sys.
    for folder in ("/dev", "/proc", "/"):
        options += ["--remount-ro", folder]
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


def _shown() -> tuple[list[str], list[str]]:
    """Options that show the system's programs and libraries, this Python, and the course's package; no other file.

    Returns:
        The options, and folders of libraries that lie elsewhere, such as those of `pip install --user`.
    """
    options: list[str] = []
    for folder in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(folder):
            options += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            options += ["--ro-bind", folder, folder]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu"):
        options += ["--ro-bind-try", path, path]
    interpreter = Path(sys.executable).resolve().parent
    known = [Path("/usr")]
    for prefix in (Path(sys.base_prefix), Path(sys.prefix), interpreter):
        if not _is_below(prefix, known):
            known.append(prefix)
            options += ["--ro-bind", str(prefix), str(prefix)]
    elsewhere = sorted({str(folder) for folder in map(_library, LIBRARIES) if not _is_below(folder, known)})
    for folder in elsewhere:
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
