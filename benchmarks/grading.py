"""How many hand-ins a minute are graded: each in a fork of a process that waits, and each with a start of its own.

    python -m benchmarks.grading

grades hand-ins of `demo` in both ways, in turns, and prints hand-ins a minute with the spread over the turns. What is
computed once for a class, what the solution and the known mistakes do, is computed before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from resnet_course.base.progress import say
from resnet_course.grading.assignment.build import assignment_folders, build_classroom
from resnet_course.grading.demo import write_class
from resnet_course.grading.marks.batch import Job, grade_all, jobs_in
from resnet_course.grading.sandbox import warm
from resnet_course.grading.sandbox.session import Limits, Sandbox

TURNS = 3
COUNTS = {"fork": 30, "own start": 10}  # hand-ins in a turn: without the accidents that wait for a time limit


def main() -> None:
    """Print hand-ins a minute for each way, and the ratio."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build_classroom(Path(folder))
        write_class(max(COUNTS.values()), Path(folder))
        jobs, _ = jobs_in(Path(folder), assignment_folders(), Limits(), Sandbox())
        grade(jobs, Path(folder))
        rates: dict[str, list[float]] = {way: [] for way in COUNTS}
        for _ in range(TURNS):
            for way, count in COUNTS.items():
                warm._works = way == "fork"
                started = time.perf_counter()
                grade(jobs[:count], Path(folder))
                rates[way].append(60 * count / (time.perf_counter() - started))
    for way, found in rates.items():
        say(f"{way}: {statistics.median(found):.0f} hand-ins a minute ({min(found):.0f} to {max(found):.0f})")
    say(f"ratio {statistics.median(rates['fork']) / statistics.median(rates['own start']):.1f}, {os.cpu_count()} cores")


def grade(jobs: list[Job], folder: Path) -> None:
    """All of them, whatever is known already."""
    assert grade_all(jobs, os.cpu_count() or 1, folder, lambda: None) == []


if __name__ == "__main__":
    main()
