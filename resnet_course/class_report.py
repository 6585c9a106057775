"""A class's exported progress files, as one page for the teacher: what was passed, which mistakes, which guesses.

The files come from learners, so anything may be in them. The page names no learner and asks for nothing from the
network. Its words and its look are in `class_report.html.jinja`; a histogram there is a table with a bar in each row,
so that it can be read aloud, and on a phone.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import stat
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from resnet_course import __version__, checks
from resnet_course.base.errors import CourseError
from resnet_course.base.pages import render
from resnet_course.checking import common, slips
from resnet_course.notebook.journal import SCHEMA, Journal, parse_journal
from resnet_course.notebook.lessons import LESSONS

SIZE_LIMIT = 1_000_000  # bytes; the progress file of someone who met every mistake of the course has about 30,000
MOST_TRIES = 1_000_000  # counts in a file can have thousands of digits
WIDEST = 1e300  # guesses beyond are taken as this: sums and differences stay finite
MOST_BINS = 12
QUANTITIES_SHOWN = 6  # of each lesson; none of the course asks for more than 3

TITLES = {lesson.number: f"{lesson.number} {lesson.english}" for lesson in LESSONS}
TRY_BINS = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6–10": 10, "11+": MOST_TRIES}  # label and largest number
OTHER_QUESTIONS = {  # what checks report beside the known mistakes
    "too_slow": "(The check was stopped: the code takes too long.)",
    "tried_to_exit": "(The code tries to end Python.)",
}


@dataclass(frozen=True)
class ClassFiles:
    """What a folder held.

    Args:
        journals: one for each file that could be read.
        skipped: name and reason of each file that could not.
        duplicates: name of each file of a learner who handed in a later one, and that one's name.
    """

    journals: tuple[Journal, ...]
    skipped: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]


def write_page(files: ClassFiles) -> str:
    """The page, one HTML file that needs no other. Each journal is taken for one learner."""
    exercises = [_count_exercise(exercise, files.journals) for exercise in checks.EXERCISES.values()]
    met = [(f"{each['name']}: {words}", *rest) for each in exercises for words, *rest in each["mistakes"]]
    return render(
        Path(__file__).with_suffix(".html.jinja").read_text(encoding="utf-8"),
        files=files,
        learners=len(files.journals),
        exercises=exercises,
        asked=[(each["name"], each["asked"], each["hints"]) for each in exercises],
        commonest=sorted(met, key=lambda row: -row[1])[:10],
        guesses=list(_count_guesses(files.journals)),
        strangers=_strangers(files.journals),
        titles=TITLES,
        today=datetime.date.today(),
        version=__version__,
    )


# --- Reading ----------------------------------------------------------------------------------------------------------


def read_class(folder: Path) -> ClassFiles:
    """Read every `.json` file in `folder` and below it. Hidden files and folders are left out, links not followed.

    Raises:
        CourseError: if there is no such folder, or no JSON file in it.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise CourseError(f"{folder} {what}. Give the folder that holds the files learners got from checks.export().")
    skipped: list[tuple[str, str]] = []
    by_learner: dict[str, list[tuple[str, Journal]]] = defaultdict(list)
    for path, problem in _candidates(folder):
        name = readable(path.relative_to(folder).as_posix(), 200)
        found = problem or _read(path)
        if isinstance(found, str):
            skipped.append((name, found))
        else:
            by_learner[found["id"]].append((name, found))
    if not (by_learner or skipped):
        raise CourseError(
            f"{folder} holds no .json file. Put the files there that learners got from checks.export(), one a learner."
        )
    latest = [max(files, key=lambda file: _age(file[1])) for files in by_learner.values()]
    duplicates = [
        (name, kept)
        for files, (kept, _) in zip(by_learner.values(), latest, strict=True)
        for name, _ in files
        if name != kept
    ]
    return ClassFiles(tuple(journal for _, journal in latest), tuple(skipped), tuple(duplicates))


def _age(journal: Journal) -> tuple[str, int]:
    """Grows with the date of the export and, on one day, with what was done."""
    return str(journal.get("exported", "")), sum(entry["tries"] for entry in journal["exercises"].values())


def readable(text: str, limit: int = 60) -> str:
    """Text of a learner on one line: what cannot be printed is spelt out, and what is too long is cut."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in cut)


def _candidates(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files to read, in order, and what cannot be read for a reason that needs no look inside."""
    problems: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if os.path.islink(os.path.join(place, name)):
                yield Path(place, name), "a link to a folder; links are not followed"
        for name in sorted(names):
            if name.lower().endswith(".json") and not name.startswith("."):
                yield Path(place, name), ""
    for problem in problems:
        yield Path(problem.filename), f"the folder cannot be read: {problem.strerror}"


def _read(path: Path) -> Journal | str:
    """The journal in a file, or the reason why it holds none."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return "a link; put the file itself here"
        if not stat.S_ISREG(status.st_mode):
            return "not an ordinary file"
        if status.st_size > SIZE_LIMIT:
            return f"larger than {SIZE_LIMIT // 1_000_000} MB, which no progress file is"
        return parse_journal(path) or _why_no_journal(path.read_bytes())
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"


def _why_no_journal(content: bytes) -> str:
    if not content.strip():
        return "empty"
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "not text in UTF-8"
    except (ValueError, RecursionError):
        return "not JSON, or damaged"
    if not isinstance(found, dict) or "schema" not in found:
        return "JSON, but not a progress file"
    if type(found["schema"]) is int and found["schema"] > SCHEMA:
        return "written by a newer version of the course; install that one to read it"
    return "a progress file with entries that cannot be right"


# --- Counting ---------------------------------------------------------------------------------------------------------


def _count_exercise(exercise: checks.Exercise, journals: Sequence[Journal]) -> dict[str, Any]:
    """What a class did with one exercise: how many passed and are trying, their tries, their hints, their mistakes.

    The mistakes are rows of words, learners and the question of the hint: those of most learners first; of these, those
    met most often.
    """
    entries = [journal["exercises"][exercise.name] for journal in journals if exercise.name in journal["exercises"]]
    tries = [min(entry["tries"], MOST_TRIES) for entry in entries if entry["passed"] and entry["tries"]]
    hints = [min(entry["hints"], MOST_TRIES) for entry in entries]
    shared = {**slips.HINTS, **common.HINTS}
    questions = OTHER_QUESTIONS | {name: hint.ask for name, hint in {**shared, **exercise.hints}.items()}
    learners: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for entry in entries:
        met = {name: min(count, MOST_TRIES) for name, count in entry["mistakes"].items() if count}
        learners.update(met.keys())
        times.update(met)
    unknown = learners.pop("unknown", 0)
    return {
        "name": exercise.name,
        "lesson": exercise.lesson,
        "passed": sum(entry["passed"] for entry in entries),
        "trying": sum(not entry["passed"] and entry["tries"] > 0 for entry in entries),
        "tries": count_tries(tries) if tries else [],
        "median": f"{statistics.median(tries):g}" if tries else "–",
        "asked": sum(count > 0 for count in hints),
        "hints": sum(hints),
        "mistakes": [
            (
                readable(name.replace("_", " ")),
                learners[name],
                questions.get(name, "(not in this version of the course)"),
            )
            for name in sorted(learners, key=lambda name: (-learners[name], -times[name], name))
        ],
        "unknown": unknown,
    }


def count_tries(tries: Sequence[int]) -> list[tuple[str, int]]:
    """Label and count of each of `TRY_BINS`."""
    bins = Counter(next(label for label, most in TRY_BINS.items() if number <= most) for number in tries)
    return [(label, bins[label]) for label in TRY_BINS]


def _strangers(journals: Sequence[Journal]) -> list[tuple[str, int]]:
    """Exercises and lessons that this version of the course does not have, with the number of files that hold them."""
    names = [
        f"exercise {name}" for journal in journals for name in journal["exercises"] if name not in checks.EXERCISES
    ]
    names += [f"guess of lesson {name}" for journal in journals for name in journal["guesses"] if name not in TITLES]
    return [(readable(name), files) for name, files in Counter(names).most_common()]


def _count_guesses(journals: Sequence[Journal]) -> Iterator[tuple[str, list[dict[str, Any]], int]]:
    """Lessons with guesses: number, the quantities that most learners guessed, and how many more there are."""
    for lesson in TITLES:
        guessed, measured = defaultdict(list), defaultdict(list)
        for entry in (journal["guesses"][lesson] for journal in journals if lesson in journal["guesses"]):
            for quantity, value in entry["guess"].items():
                guessed[quantity].append(_clipped(value))
                if quantity in entry["measured"]:
                    measured[quantity].append(_clipped(entry["measured"][quantity]))
        if guessed:
            shown = sorted(guessed, key=lambda quantity: -len(guessed[quantity]))[:QUANTITIES_SHOWN]
            described = [_describe_guesses(quantity, guessed[quantity], measured[quantity]) for quantity in shown]
            yield lesson, described, len(guessed) - len(shown)


def _clipped(value: float) -> float:
    return float(max(-WIDEST, min(WIDEST, value)))


def _describe_guesses(quantity: str, guesses: list[float], measured: list[float]) -> dict[str, Any]:
    """A histogram, and the medians of the guesses and of what was measured (None if nothing was)."""
    truth = statistics.median(measured) if measured else None
    edges, counts, below, above = histogram(guesses, truth)
    rows = [(f"{low:g} to {high:g}", count) for (low, high), count in zip(pairwise(edges), counts, strict=True)]
    rows += [(f"outside: {words}", count) for words, count in (("below", below), ("above", above)) if count]
    marked = None
    if truth is not None and edges[0] <= truth <= edges[-1]:
        marked = min(int(np.searchsorted(edges, truth, side="right")), len(counts)) - 1
    return {
        "name": readable(quantity, 80),
        "number": len(guesses),
        "rows": rows,
        "outside": below + above,
        "median": statistics.median(guesses),
        "measured": truth,
        "marked": marked,
    }


def histogram(values: Sequence[float], also: float | None = None) -> tuple[list[float], list[int], int, int]:
    """At most `MOST_BINS` bins with round edges, which hold at least the middle 95 % of the values.

    Args:
        values: at least one; those of any size.
        also: a number that the bins hold too, unless it is absurdly far away.

    Returns:
        the edges; how many values each bin holds; how many values are below and above all bins

    Shape:
        values (n,) -> (bins + 1,), (bins,), (), ()
    """
    ordered = sorted(values)
    with_also = ordered if also is None else sorted([*ordered, also])
    cut = min(math.ceil(0.025 * len(ordered)), (len(with_also) - 1) // 2)
    low, high = with_also[cut], with_also[-1 - cut]
    reach = 3 * ((high - low) or 3 * abs(high) or 1.0)  # numbers further away would press the others into one bin
    near = [value for value in ordered if low - reach <= value <= high + reach]
    marked = [] if also is None or not low - 50 * reach <= also <= high + 50 * reach else [also]
    start, end = min(near + marked), max(near + marked)
    room = max(0.0, 0.2 * max(abs(start), abs(end)) - (end - start))  # numbers that are almost the same look so
    ticks = MaxNLocator(MOST_BINS, steps=[1, 2, 2.5, 5, 10]).tick_values(start - room / 2, end + room / 2)
    # Written and read back with few digits, so that 3 * 0.1 is 0.3 and a guess of 0.3 falls into the bin from 0.3.
    edges = [float(f"{tick:.9g}") for tick in ticks]
    counts = np.histogram(np.clip(near, edges[0], edges[-1]), edges)[0].tolist()
    below = sum(value < low - reach for value in ordered)
    return edges, counts, below, len(ordered) - below - len(near)
