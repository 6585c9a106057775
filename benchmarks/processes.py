"""How fast two processes are against one, in turns; or, with --records, whether they compute the same.

    python -m benchmarks.processes
    python -m benchmarks.processes --records

The first trains residual 20 with one thread a process: one process, two with local batch norm and two with global, and
prints ratios to the one process of the same round. The second writes `resnet_course/results/processes_shapes/`:
one.json and two.json in float32, the same in float64, and differences.json. In float32 two processes add in another
order than one, and training makes such differences grow. How much is normal shows one process whose sums are computed
by other machine instructions; float64 shows that nothing else differs. A test compares the records.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import resnet_course
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say

FOLDER = Path(resnet_course.__file__).parent / "results" / "processes_shapes"
GLOBAL = "--global-batch-norm"
SMALL = ("--images", "2000", "--image-size", "16", "--epochs", "3", "--batch-size", "64", GLOBAL)
LARGE = ("--images", "1280", "--image-size", "32", "--epochs", "2", "--batch-size", "128")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
OTHER_ROUNDING = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}


def main() -> None:
    """Ratios, or records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", action="store_true", help="write the records and their differences")
    parser.add_argument("--rounds", type=int, default=3, help="how often all take their turn")
    options = parser.parse_args()
    if options.records:
        write_records()
    else:
        compare_speed(options.rounds)


def compare_speed(rounds: int) -> None:
    """Print images a second, and the ratio to one process."""
    ways = {"one": ((), ()), "two, local batch norm": (TORCHRUN, ()), "two, global batch norm": (TORCHRUN, (GLOBAL,))}
    seen: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, (launcher, more) in ways.items():
            seen[way].append(run("float32", launcher, (*LARGE, *more))["images_per_second"])
    for way, rates in seen.items():
        ratios = [mine / one for mine, one in zip(rates, seen["one"], strict=True)]
        middle, spread = statistics.median(ratios), f"{min(ratios):.2f} to {max(ratios):.2f}"
        say(f"{way:<24}{statistics.median(rates):>8,.0f} images/s   {middle:.2f} times one ({spread})")


def write_records() -> None:
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


def run(
    precision: str,
    launcher: tuple[str, ...] = (),
    training: tuple[str, ...] = SMALL,
    settings: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One training of residual 20 in processes of its own, and its record."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""} | (settings or {})
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *launcher, "-m", "resnet_course", "train", "--network", "residual 20", *training]
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
