"""How long missing runs take, judged by the recorded ones, and the table of all plans."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import torch

from resnet_course.base.errors import CourseError
from resnet_course.experiments.plans import PLANS, find_plan
from resnet_course.experiments.records import SHIPPED, missing_runs, parse_record
from resnet_course.experiments.runs import Run, build_network
from resnet_course.inspection import count_multiply_adds


def seconds_left(runs: Iterable[Run], results: Path = SHIPPED, jobs: int = 1) -> float:
    """Seconds that runs will take, `jobs` at a time; NaN if there is no record to judge by.

    The work of a run is counted as multiply-adds x images x epochs. How much of it a second does is the median over
    the records of the same network and image size, else over those of the same image size, else over all: of the
    records in `results`, or of the shipped ones, which may come from another machine.
    """
    rates = _recorded_rates(results) or _recorded_rates(SHIPPED)
    seconds = 0.0
    for run in runs:
        same_size = [rate for (_, size), each in rates.items() if size == run.image_size for rate in each]
        everything = [rate for each in rates.values() for rate in each]
        known = rates.get((run.network, run.image_size)) or same_size or everything
        seconds += _work(run) / statistics.median(known) if known else math.nan
    return seconds / max(1, jobs)


def _recorded_rates(results: Path) -> dict[tuple[str, int], list[float]]:
    """Multiply-adds a second of every record of a folder, by network and image size."""
    rates: dict[tuple[str, int], list[float]] = {}
    for path in sorted(results.glob("*/*.json")):
        record = parse_record(path)
        try:
            run = Run(**{field.name: record["configuration"][field.name] for field in fields(Run)})
            rate = _work(run) / record["seconds"]
        except (TypeError, KeyError, ZeroDivisionError, CourseError):
            continue  # no record, or of a network that is gone: an estimate can do without it
        rates.setdefault((run.network, run.image_size), []).append(rate)
    return rates


def _work(run: Run) -> float:
    return float(_multiply_adds(run.network, run.image_size)) * run.images * run.epochs


@functools.cache
def _multiply_adds(network: str, image_size: int) -> int:
    with torch.random.fork_rng(devices=[]):  # new layers draw random weights; the caller's draws stay
        return count_multiply_adds(build_network(network, 10), (3, image_size, image_size))


def in_minutes(seconds: float) -> str:
    """A time for people: minutes, or "unknown" for NaN."""
    return "unknown" if math.isnan(seconds) else f"{seconds / 60:.1f}"


def list_plans(results: Path = SHIPPED, jobs: int = 1) -> list[str]:
    """A table in lines: each plan on `shapes` and on every data set with records, and the minutes of what is missing.

    Args:
        results: folder of the records.
        jobs: runs at a time.
    """
    lines = [f"{'plan':<16}{'data set':<16}{'runs':>5}{'recorded':>10}{'minutes left':>14}"]
    for name in PLANS:
        found = sorted(folder.name.removeprefix(f"{name}_") for folder in results.glob(f"{name}_*") if folder.is_dir())
        lines += [_row(name, dataset, results, jobs) for dataset in dict.fromkeys(["shapes", *found])]
    return [*lines, "", *(f"{name}: {plan.question}" for name, plan in PLANS.items())]


def _row(name: str, dataset: str, results: Path, jobs: int) -> str:
    runs = find_plan(name, dataset)
    start = f"{name:<16}{dataset:<16}{len(runs):>5}"
    try:
        missing = missing_runs(name, dataset, results)
    except CourseError as error:
        return f"{start}  {error}"
    left = in_minutes(seconds_left(missing, results, jobs)) if missing else "-"
    return f"{start}{len(runs) - len(missing):>10}{left:>14}"
