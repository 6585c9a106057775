"""The guide's evening, followed to the letter: each command prints what stands below it."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "instructor" / "grading.md"
OURS = "python -m resnet_course.grading "


def commands() -> list[tuple[str, str]]:
    """Each command of the guide's blocks and what it prints."""
    blocks = re.findall(r"```console\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    found = (part.partition("\n") for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:])
    return [(command, said) for command, _, said in found]


@pytest.mark.complete
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="the guide needs bubblewrap, as graders do")
def test_the_evening_goes_as_the_guide_says(tmp_path: Path) -> None:
    pytest.importorskip("nbgrader")
    tried = 0
    for command, said in commands():
        if not command.startswith((OURS, "cat ")):
            continue
        line = shlex.split(command)
        line = [sys.executable, *line[1:]] if command.startswith(OURS) else line
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout == said, command
        tried += 1
    assert tried == 11


def test_every_command_of_the_classroom_stands_in_the_evening() -> None:
    from resnet_course.grading.commands import _parser

    (subcommands,) = (action.choices for action in _parser()._actions if action.choices)
    used = {command.removeprefix(OURS).split()[0] for command, _ in commands() if command.startswith(OURS)}
    assert set(subcommands) - used == {"demo"}
