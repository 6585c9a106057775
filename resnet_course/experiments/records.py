"""What comes out of the runs: a JSON file for each, checked when it is read, and the weights of a few networks.

`resnet_course/results/README.md` describes the fields in words, `record.schema.json` their types and ranges.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.language import translated
from resnet_course.base.schema import check_schema, read_json
from resnet_course.experiments.plans import PLANS, Run, build_network, dataset_name, find_plan
from resnet_course.training.checkpoints import check_fits

SCHEMA = 2
SCHEMA_FILE = Path(__file__).with_name("record.schema.json")
SHIPPED = Path(__file__).parents[1] / "results"

Record = dict[str, Any]


# --- Where files lie -----------------------------------------------------------------------------------------------


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


def kept_weights(name: str, dataset: str, run: Run, results: Path) -> Path | None:
    """Where the plan keeps the network that a run trained; None if it keeps none."""
    keeps = run.network in PLANS[name].keeps_weights and run.seed == 0
    return weights_path(run.network, dataset, results) if keeps else None


# --- Records -------------------------------------------------------------------------------------------------------


def check_record(record: Any, run: Run, path: Path) -> Record:
    """The record, if every field is as it should be and it is one of this run.

    Raises:
        CourseError: naming the file and the first wrong field.
    """
    try:
        check_schema(record, SCHEMA_FILE)
        for field, value in asdict(run).items():
            found = record["configuration"].get(field)
            if found != value:
                raise ValueError(f"configuration.{field} is {found!r:.60}, the plan says {value!r}")
        for field in ("train_loss", "train_acc"):
            if (length := len(record["curves"][field])) != run.epochs:
                raise ValueError(f"curves.{field} has {length} numbers for {run.epochs} epochs")
        for field in run.measures:
            if field not in record:
                raise ValueError(f"{field} is missing")
    except ValueError as error:
        advice = "Move the file away and run the plan again, or use another folder with --results."
        raise CourseError(f"{path}: {error}. {advice}") from error
    return record


def read_record(path: Path, run: Run) -> Record | None:
    """The checked record in a file; None if there is no file, or no whole JSON in it: such a run is made again.

    Raises:
        CourseError: if the file is whole but is no valid record of this run; it is not to be overwritten.
    """
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return None
    return check_record(found, run, path)


def write_record(record: Record, path: Path) -> None:
    """Write a record whole."""
    write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())


def load_recorded(name: str, dataset: str, results: Path = SHIPPED) -> tuple[list[Record], list[Run]]:
    """The records of a plan that are there, and the runs whose records are not, both in the plan's order.

    A run whose weights the plan keeps is missing without them, too.

    Raises:
        CourseError: if a file is whole but is no valid record of its run.

    Used in lesson 04.
    """
    records, missing = [], []
    for run in find_plan(name, dataset):
        record = read_record(record_path(name, dataset, run, results), run)
        weights = kept_weights(name, dataset, run, results)
        if record is None or (weights is not None and not weights.is_file()):
            missing.append(run)
        else:
            records.append(record)
    return records, missing


def missing_runs(name: str, dataset: str, results: Path) -> list[Run]:
    """The runs of a plan whose records are not there, see `load_recorded`."""
    return load_recorded(name, dataset, results)[1]


def load_records(name: str, dataset: str = "shapes", results: Path = SHIPPED) -> list[Record]:
    """The records of a plan, in the plan's order.

    Args:
        name: of the plan.
        dataset: a name, or the folder that the runs were made on.
        results: folder that holds a folder for each plan and data set.

    Raises:
        CourseError: naming the records that are missing, damaged or not valid.
    """
    runs = find_plan(name, dataset)
    records, problems = [], []
    for run in runs:
        path = record_path(name, dataset, run, results)
        try:
            record = read_record(path, run)
        except CourseError as error:
            problems.append(str(error).replace(str(path), path.name))
            continue
        if record is None:
            problems.append(f"{path.name} is {'damaged: no whole JSON file' if path.is_file() else 'missing'}.")
        else:
            records.append(record)
    if problems:
        rest = f" And {len(problems) - 10} more." if len(problems) > 10 else ""
        options = f"--dataset {dataset}" + ("" if results == SHIPPED else f" --results {results}")
        raise CourseError(
            f"{len(problems)} of {len(runs)} records of the plan {name} on {dataset_name(dataset)} cannot be used, "
            f"in {plan_folder(name, dataset, results)}. {' '.join(problems[:10])}{rest} "
            f"`python -m resnet_course reproduce {name} {options}` runs what is missing or damaged."
        )
    return records


def conditions(records: Sequence[Record]) -> str:
    """What a caption says of recorded trainings: images, length, seeds, precision."""
    runs, name = [record["configuration"] for record in records], records[0]["data"]["name"]
    twice = "relabelled" in runs[0]
    count, size = f"{runs[0]['images'] // (1 + twice):,}", runs[0]["image_size"]
    images = {"shapes": f"{count} generated images", "cifar10-jpeg": f"{count} photographs of CIFAR-10"}
    lengths = sorted({(run["epochs"], run["epochs"] * -(-run["images"] // run["batch_size"])) for run in runs})
    parts = [images.get(name, f"{count} images of {name}"), f"{size}×{size}"]
    if twice:
        parts.append("each of them twice")
    parts += [f"{epochs} epochs ({steps:,} steps)" for epochs, steps in lengths]
    parts += [f"{len({run['seed'] for run in runs})} seeds", records[0]["precision"].split(",")[0]]
    return ", ".join(map(translated, parts))


def group_by(records: Iterable[Record], *keys: str) -> dict[tuple[Any, ...], list[Record]]:
    """The records that agree in `keys` of their configuration, in the order of the first of each group."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record["configuration"].get(key) for key in keys), []).append(record)
    return groups


# --- Weights -------------------------------------------------------------------------------------------------------


def save_weights(model: nn.Module, path: Path, description: dict[str, str]) -> None:
    """Write a trained network and load it again as it is stored, so that what is measured is what is kept.

    Stored are weights and buffers alone. Weights of more than one dimension become float16, which halves the file.

    Args:
        model: gets the rounded weights.
        path: the file.
        description: kept in the file beside the tensors, such as the data set and the seed.
    """
    from safetensors.torch import save

    state = {
        name: (tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor).cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    write_atomically(path, save(state, metadata=description))
    model.load_state_dict(state)


def load_weights(network: str, dataset: str = "shapes", results: Path = SHIPPED) -> nn.Module:
    """A trained network in eval mode, in float32 on the CPU.

    Args:
        network: "plain 20", "residual 56" or "narrow 18".
        dataset: what it was trained on.
        results: folder of the records.

    Raises:
        CourseError: if the file is missing, damaged, or of another network.

    Used in lessons 10 and 13.
    """
    path = weights_path(network, dataset, results)
    plan = "pictures" if network == "narrow 18" else "inside"
    state = _read_weights(path, f"`python -m resnet_course reproduce {plan}`")
    with torch.random.fork_rng(devices=[]):  # the fresh weights are overwritten; the caller's random numbers stay
        model = build_network(network, num_classes=len(state.get("linear.bias", ())) or 10)
    check_fits(model, state, path)
    model.load_state_dict(state)
    return model.eval()


def _read_weights(path: Path, command: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise CourseError(f"there are no weights {path}. {command} trains the network.")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CourseError(f"{path} is damaged: {error}. Delete it; {command} trains it anew.") from error
