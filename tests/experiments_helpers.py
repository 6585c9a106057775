"""Made-up records, and a plan that takes seconds."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from resnet_course.experiments.inside import InsideRun
from resnet_course.experiments.plans import Plan, Run, find_plan
from resnet_course.experiments.records import SCHEMA, plan_folder, record_path
from resnet_course.experiments.twice import TwiceRun


def tiny_runs(dataset: str) -> list[Run]:
    return [Run("plain 8", epochs=12, batch_size=50, images=200, seed=seed) for seed in (0, 1)]


TINY = Plan("Is it quick?", tiny_runs)


def made_up_record(run: Run, train_error: float = 0.25, **changes: Any) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "configuration": asdict(run),
        "data": {"name": "shapes", "images": run.images, "sha256": "0" * 64},
        "train_error": train_error,
        "train_loss": 2 * train_error,
        "test_error": min(1.0, train_error + 0.02),
        "curves": {"train_loss": [1.0] * run.epochs, "train_acc": [1 - train_error] * run.epochs},
        "seconds": 10.0,
        "images_per_second": 1000.0,
        "machine": {"device": "cpu", "processor": "x86_64", "threads": 1},
        "precision": "float32, channels_last",
        "versions": {"resnet_course": "0.1.0", "torch": "2.4.0", "torchvision": "0.19.0"},
        **made_up_measurement(run, train_error),
    } | changes


def made_up_measurement(run: Run, error: float) -> dict[str, Any]:
    """A missing block costs nothing; the loss is a bowl."""
    if isinstance(run, InsideRun):
        whole, steps = min(1.0, error + 0.02), [-0.5, 0.0, 0.5]
        losses = [[error + first**2 + second**2 for first in steps] for second in steps]
        landscape = {"blind_loss": 2.3, "steps": steps, "losses": losses}
        found = {"guessing": 0.1, "whole": whole, "one": [whole] * 9, "several": [], "swapped": [], "channels": []}
        return {"inside": {**found, "landscape": landscape}}
    return {"lowest_error": 0.2} if isinstance(run, TwiceRun) else {}


def error_by_depth(run: Run) -> float:
    """Plain networks get worse with depth, residual ones better; the seeds differ a little."""
    found = re.search(r"\d+", run.network)
    depth = int(found[0]) if found else 5  # TinyVGG
    return (depth / 200 if run.network.startswith("plain") else 0.1 - depth / 2000) + run.seed / 1000


def write_plan(results: Path, name: str, dataset: str = "shapes", error=error_by_depth) -> Path:
    """Write all records of a plan and return their folder."""
    for run in find_plan(name, dataset):
        record = made_up_record(run, error(run))
        record["data"]["name"] = dataset
        path = record_path(name, dataset, run, results)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record), encoding="utf-8")
    return plan_folder(name, dataset, results)


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("seconds", "images_per_second")}
