"""Train on one process and on two, and keep the records side by side with the differences that were found.

    python -m benchmarks.processes

writes `resnet_course/results/processes_shapes/`: one.json and two.json in float32, the same in float64, and
differences.json. In float32 two processes add in another order than one, and training makes such differences grow. How
much is normal shows one process whose sums are computed by other machine instructions; float64 shows that nothing else
differs. A test compares the records.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import resnet_course
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say

FOLDER = Path(resnet_course.__file__).parent / "results" / "processes_shapes"
OPTIONS = (
    *("--network", "residual 20", "--images", "2000", "--image-size", "16", "--epochs", "3", "--batch-size", "64"),
    "--global-batch-norm",
)
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
OTHER_ROUNDING = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}


def main() -> None:
    """Five trainings, four records, three differences."""
    records = {
        "one": run("float32"),
        "two": run("float32", TORCHRUN),
        "one_float64": run("float64"),
        "two_float64": run("float64", TORCHRUN),
    }
    other = run("float32", settings=OTHER_ROUNDING)
    differences = {
        "two processes against one, float64": largest_difference(records["one_float64"], records["two_float64"]),
        "two processes against one, float32": largest_difference(records["one"], records["two"]),
        "one process against itself with other rounding, float32": largest_difference(records["one"], other),
    }
    for name, record in {**records, "differences": differences}.items():
        write_atomically(FOLDER / f"{name}.json", (json.dumps(record, indent=1) + "\n").encode())
    for name, difference in differences.items():
        say(f"{name}: up to {difference:.1e}")


def run(precision: str, launcher: tuple[str, ...] = (), settings: dict[str, str] | None = None) -> dict[str, Any]:
    """One training in processes of its own, and its record."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""} | (settings or {})
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *launcher, "-m", "resnet_course", "train", *OPTIONS]
        subprocess.run([*command, "--precision", precision, "--output", folder], env=environment, check=True)
        record: dict[str, Any] = json.loads((Path(folder) / "history.json").read_text(encoding="utf-8"))
    return record


def largest_difference(one: dict[str, Any], two: dict[str, Any]) -> float:
    """Between the curves and between the final errors of two records."""
    pairs = [(one[name], two[name]) for name in ("train_error", "test_error")]
    for name in ("train_loss", "train_acc"):
        pairs += zip(one["curves"][name], two["curves"][name], strict=True)
    return max(abs(a - b) for a, b in pairs)


if __name__ == "__main__":
    main()
