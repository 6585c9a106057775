"""A class's exported progress files, as one page for the teacher: what was passed, which mistakes, which guesses.

`reading` takes the files, `counting` counts, `histograms` sorts numbers into bins, `charts` and `markup` draw, `page`
puts the page together. The page names no learner and asks for nothing from the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from resnet_course import checks
from resnet_course.class_report.counting import count_class
from resnet_course.class_report.page import write_page
from resnet_course.class_report.reading import ClassFiles, read_class

__all__ = ["Report", "build_report"]


@dataclass(frozen=True)
class Report:
    """The page, as HTML, and the files that it speaks of."""

    page: str
    files: ClassFiles


def build_report(folder: Path) -> Report:
    """Read the progress files in `folder` and below it, and write their page. Learners get such files from
    `checks.export()`.

    A file that is no progress file is noted in `files.skipped` and stops nothing; without any progress file the page
    is empty of numbers.

    Raises:
        CourseError: if there is no such folder, or no JSON file in it.
    """
    files = read_class(folder)
    return Report(write_page(files, count_class(files.journals, checks.EXERCISES)), files)
