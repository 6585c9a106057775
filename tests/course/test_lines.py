"""How many lines of Python each wing of the package has, and how many it may have.

    python tests/course/test_lines.py

prints the table. A wing that outgrows its ceiling is either made simpler, or its ceiling is raised in the same commit,
with the reason. A wing that shrank gets a lower one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
READ = ("models", "data", "training", "inspection")
USE = ("plotting", "experiments", "explorers", "speed", "folders", "notebook", "runtime")
MODULE, EXERCISE = 400, 500  # lines of a module, and of one in checks/, which holds all that is known of an exercise


class Wing(NamedTuple):
    """A part of the package.

    Args:
        rooms: its folders and modules.
        before: lines in commit fa38b6a, before there were wings.
        ceiling: lines that it may have.
    """

    rooms: tuple[str, ...]
    before: int
    ceiling: int


WINGS = {
    "base": Wing(("base",), 69, 560),
    "images": Wing(("images",), 0, 550),
    "READ": Wing(READ, 3_297, 2_000),
    "USE": Wing(USE, 5_322, 6_432),
    "checking": Wing(("checking",), 1_091, 3_539),
    "checks": Wing(("checks",), 7_269, 13_255),
    "course": Wing(("course",), 1_911, 2_355),
    "grading": Wing(("grading",), 2_655, 4_237),
    "class_report": Wing(("class_report",), 950, 300),
    "door": Wing(("__init__", "__main__", "assignments"), 44, 68),  # what stands in front of the wings
}
PACKAGE = Wing(("resnet_course",), 22_608, 33_287)
TESTS = Wing(("tests",), 15_277, 16_162)


def modules(folder: str) -> dict[Path, int]:
    """The lines of each module below a folder of the repository, by its path there."""
    top = ROOT / folder
    return {path.relative_to(top): len(path.read_text(encoding="utf-8").splitlines()) for path in top.rglob("*.py")}


def room(module: Path) -> str:
    """The folder or module of the package that a module belongs to."""
    return module.parts[0].removesuffix(".py")


def count() -> dict[str, tuple[Wing, int]]:
    """Each wing, the whole package and the tests, with their lines today."""
    package = modules("resnet_course")
    lines = {
        name: sum(number for module, number in package.items() if room(module) in wing.rooms)
        for name, wing in WINGS.items()
    }
    return {
        **{name: (wing, lines[name]) for name, wing in WINGS.items()},
        "whole package": (PACKAGE, sum(package.values())),
        "tests": (TESTS, sum(modules("tests").values())),
    }


def table() -> str:
    """The numbers, to be read."""
    rows = [f"{'':<16}{'before':>8}{'today':>8}{'ceiling':>9}"]
    rows += [f"{name:<16}{wing.before:>8,}{lines:>8,}{wing.ceiling:>9,}" for name, (wing, lines) in count().items()]
    return "\n".join(rows)


def test_no_wing_is_above_its_ceiling() -> None:
    print(f"\n{table()}")
    above = [name for name, (wing, lines) in count().items() if lines > wing.ceiling]
    assert above == [], f"make it simpler, or raise the ceiling and say why\n{table()}"


def test_every_module_stands_in_a_wing() -> None:
    rooms = {name for wing in WINGS.values() for name in wing.rooms}
    assert {str(module) for module in modules("resnet_course") if room(module) not in rooms} == set()


def test_no_module_is_too_long() -> None:
    package = modules("resnet_course").items()
    limits = {module: EXERCISE if room(module) == "checks" else MODULE for module, _ in package}
    assert {str(module): lines for module, lines in package if lines > limits[module]} == {}


def test_the_readme_says_how_much_there_is_to_read() -> None:
    said = re.search(r"about ([\d,]+)\slines", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert said is not None
    assert int(said[1].replace(",", "")) == pytest.approx(count()["READ"][1], rel=0.05)


if __name__ == "__main__":
    print(table())
