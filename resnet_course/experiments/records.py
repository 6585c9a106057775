"""Records: one JSON file for each run, checked when it is read.

`resnet_course/results/README.md` describes the fields in words.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.experiments.plans import PLANS, dataset_name, find_plan
from resnet_course.experiments.runs import LandscapeRun, LesionRun, Run

SCHEMA = 2
SHIPPED = Path(__file__).parents[1] / "results"

Record = dict[str, Any]
Check = Callable[[Any], bool]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_number(value: Any) -> bool:
    return _is_finite(value) and value >= 0


def _is_fraction(value: Any) -> bool:
    return _is_number(value) and value <= 1


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


_COUNT = (_is_count, "a whole number, 0 or more")
_NUMBER = (_is_number, "a finite number, 0 or more")
_FRACTION = (_is_fraction, "a number from 0 to 1")
_TEXT = (_is_text, "a text")

FIELDS: dict[str, tuple[Check, str]] = {
    "schema": (lambda value: value in (1, SCHEMA), f"1 or {SCHEMA}"),
    "configuration": (lambda value: isinstance(value, dict), "an object"),
    "data.name": _TEXT,
    "data.images": _COUNT,
    "data.sha256": (_is_digest, "64 hexadecimal digits"),
    "train_error": _FRACTION,
    "train_loss": _NUMBER,
    "test_error": _FRACTION,
    "curves.train_loss": (_list_of(_is_number), "a list of finite numbers, 0 or more"),
    "curves.train_acc": (_list_of(_is_fraction), "a list of numbers from 0 to 1"),
    "seconds": _NUMBER,
    "machine.device": _TEXT,
    "machine.processor": (lambda value: isinstance(value, str), "a text"),
    "machine.threads": _COUNT,
    "precision": _TEXT,
    "versions.resnet_course": _TEXT,
    "versions.torch": _TEXT,
    "versions.torchvision": _TEXT,
}
SINCE_SCHEMA_2: dict[str, tuple[Check, str]] = {"images_per_second": _NUMBER}
MEASURED: dict[type[Run], dict[str, tuple[Check, str]]] = {
    LesionRun: {
        "lesion.guessing": _FRACTION,
        "lesion.test_errors": (_list_of(_is_fraction), "a list of numbers from 0 to 1"),
    },
    LandscapeRun: {
        "landscape.blind_loss": _NUMBER,
        "landscape.steps": (_list_of(_is_finite), "a list of finite numbers"),
        "landscape.losses": (_list_of(_list_of(_is_number)), "a list of lists of finite numbers, 0 or more"),
    },
}


def check_record(record: Any, run: Run, path: Path) -> Record:
    """The record, if every field is as it should be and it is one of this run.

    Raises:
        CourseError: naming the file and the first wrong field.
    """
    if not isinstance(record, dict):
        raise CourseError(f"{path} holds no JSON object, so it is no record. {_MEND}")
    since = SINCE_SCHEMA_2 if record.get("schema") == SCHEMA else {}
    for field, (check, wanted) in {**FIELDS, **since, **MEASURED.get(type(run), {})}.items():
        value = _find(record, field, path)
        if not check(value):
            raise CourseError(f"{path}: field '{field}' must be {wanted}, it is {value!r:.60}. {_MEND}")
    for field, value in asdict(run).items():
        found = _find(record, f"configuration.{field}", path)
        if found != value:
            raise CourseError(
                f"{path}: field 'configuration.{field}' is {found!r:.60}, the plan says {value!r}. {_MEND}"
            )
    for field in ("curves.train_loss", "curves.train_acc"):
        length = len(_find(record, field, path))
        if length != run.epochs:
            raise CourseError(f"{path}: field '{field}' has {length} numbers for {run.epochs} epochs. {_MEND}")
    return record


_MEND = "Move the file away and run the plan again, or use another folder with --results."


def _find(record: Record, field: str, path: Path) -> Any:
    """The value of a dotted field."""
    value: Any = record
    for part in field.split("."):
        if not isinstance(value, dict) or part not in value:
            raise CourseError(f"{path}: field '{field}' is missing. {_MEND}")
        value = value[part]
    return value


def plan_folder(name: str, dataset: str, results: Path) -> Path:
    """Where the records of a plan on a data set live."""
    return results / f"{name}_{dataset_name(dataset)}"


def record_path(name: str, dataset: str, run: Run, results: Path) -> Path:
    """Where the record of a plan's run lives: in the plan's folder, or in that of the plan which it borrows from."""
    owner = PLANS[name].borrows
    borrowed = bool(owner) and run in find_plan(owner, dataset)
    return plan_folder(owner if borrowed else name, dataset, results) / run.file_name


def weights_path(network: str, dataset: str = "shapes", results: Path = SHIPPED) -> Path:
    """Where the weights of a trained network live."""
    return results / "weights" / f"{network.replace(' ', '-')}_{dataset_name(dataset)}.safetensors"


def missing_runs(name: str, dataset: str, results: Path) -> list[Run]:
    """The runs of a plan without a whole record, or without the weights that the plan keeps.

    Raises:
        CourseError: if a file is whole but is no valid record of its run; it is not to be overwritten.
    """
    return [
        run
        for run in find_plan(name, dataset)
        if not is_recorded(record_path(name, dataset, run, results), run)
        or (PLANS[name].keeps_weights and not weights_path(run.network, dataset, results).is_file())
    ]


def read_record(path: Path, run: Run) -> Record:
    """The checked record in a file.

    Raises:
        CourseError: if the file is missing, damaged, or no valid record of this run.
    """
    if not path.is_file():
        raise CourseError(f"{path} is missing.")
    record = parse_record(path)
    if record is None:
        raise CourseError(f"{path} is damaged: it is no whole JSON file.")
    return check_record(record, run, path)


def is_recorded(path: Path, run: Run) -> bool:
    """Whether the run's file is there and whole. A half-written file does not count.

    Raises:
        CourseError: if the file is whole but is no valid record of this run; it is not overwritten.
    """
    record = parse_record(path)
    return record is not None and bool(check_record(record, run, path))


def parse_record(path: Path) -> Any:
    """What stands in a JSON file, or None if there is no whole one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_record(record: Record, path: Path) -> None:
    """Write a record whole."""
    write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())


def load_records(name: str, dataset: str = "shapes", results: Path = SHIPPED) -> list[Record]:
    """The records of a plan, in the plan's order.

    Args:
        name: of the plan.
        dataset: a name, or the folder that the runs were made on.
        results: folder that holds a folder for each plan and data set.

    Raises:
        CourseError: naming the records that are missing, damaged or not valid.
    """
    folder = plan_folder(name, dataset, results)
    runs = find_plan(name, dataset)
    records, problems = [], []
    for run in runs:
        path = record_path(name, dataset, run, results)
        try:
            records.append(read_record(path, run))
        except CourseError as error:
            problems.append(str(error).replace(str(path), path.name))
    if problems:
        rest = f" And {len(problems) - 10} more." if len(problems) > 10 else ""
        options = f"--dataset {dataset}" + ("" if results == SHIPPED else f" --results {results}")
        raise CourseError(
            f"{len(problems)} of {len(runs)} records of the plan {name} on {dataset_name(dataset)} cannot be used, "
            f"in {folder}. {' '.join(problems[:10])}{rest} "
            f"`python -m resnet_course reproduce {name} {options}` runs what is missing or damaged."
        )
    return records


def load_recorded(name: str, dataset: str, results: Path = SHIPPED) -> tuple[list[Record], list[Run]]:
    """The records of a plan that are there, and the runs whose records are not, both in the plan's order.

    Raises:
        CourseError: if a file is whole but is no valid record of its run.

    Used in lesson 02.
    """
    missing = missing_runs(name, dataset, results)
    there = [run for run in find_plan(name, dataset) if run not in missing]
    return [read_record(record_path(name, dataset, run, results), run) for run in there], missing


def mean_by(records: Iterable[Record], *keys: str, value: str = "train_error") -> dict[tuple[Any, ...], float]:
    """Mean of a value over the records that agree in `keys` of their configuration."""
    groups = group_by(records, *keys)
    return {key: sum(record[value] for record in group) / len(group) for key, group in groups.items()}


def group_by(records: Iterable[Record], *keys: str) -> dict[tuple[Any, ...], list[Record]]:
    """The records that agree in `keys` of their configuration, in the order of the first of each group."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record["configuration"][key] for key in keys), []).append(record)
    return groups
