"""The course's training path against the plain loop: images a second, ratios, share of the machine's peak.

    python -m benchmarks.throughput --networks residual20 --what step epoch --rounds 5 --json throughput.json

Everything is measured in this process, in turns, so that whatever else the machine does falls on everyone alike.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn

from resnet_course import data, runtime, speed
from resnet_course.inspection import count_multiply_adds
from resnet_course.models import cifar_resnet, resnet18

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": resnet18,
    "residual20": lambda: cifar_resnet(20),
    "residual56": lambda: cifar_resnet(56),
}
WHAT = {
    "forward": "measuring: each image forward once, in eval mode and without gradients",
    "step": "training: each image forward and backward once",
    "epoch": "an epoch: make the batches, train on all images, measure on a fifth as many",
}
LEAST = {"forward": 1, "step": 1, "epoch": 8}  # batches; an epoch of one would measure how training starts
PASSES = {"forward": 1, "step": 3, "epoch": 3.2}  # multiply-adds for an image, in forward passes; backward is two


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, print tables, perhaps write JSON."""
    options = _parser().parse_args(arguments)
    machine = describe_machine()
    for name, value in machine.items():
        print(f"{name}: {value}")
    print()
    images = data.load("shapes", "train", options.image_size, 64 * options.batch_size)
    results = []
    for network in options.networks:
        for what in options.what:
            result = measure(network, what, images, options)
            results.append(result)
            show(result)
    if options.json:
        report = {"machine": machine, "results": results}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.throughput", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--what", nargs="+", choices=WHAT, default=list(WHAT))
    parser.add_argument("--rounds", type=int, default=3, help="timed passes of each contestant")
    parser.add_argument("--seconds", type=float, default=10, help="about how long each table takes, if it can")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--peak-seconds", type=float, default=0.5, help="spent on the machine's peak, a table")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


def measure(network: str, what: str, images: data.ImageSet, options: argparse.Namespace) -> dict[str, Any]:
    """One table: the three contestants, the images they processed, and the share of the peak of each."""
    factory, batch_size, where = NETWORKS[network], options.batch_size, runtime.device()
    rungs = [speed.PLAIN, speed.with_workers(), speed.ours()]
    peak = speed.matmul_peak(rungs[-1].precision.autocast or torch.float32, where, options.peak_seconds)
    one_batch = speed.Setup(speed.PLAIN, factory, speed.first(images, batch_size), None, batch_size, where)
    pass_seconds = options.seconds / len(rungs) / (options.rounds + 1)
    batches = max(LEAST[what], speed.batches_within(pass_seconds * PASSES["step"] / PASSES[what], one_batch))
    train = speed.first(images, batches * batch_size)
    test = speed.first(images, len(train) // 5) if what == "epoch" else train
    setups = [speed.Setup(rung, factory, train, test, batch_size, where) for rung in rungs]
    method = {"forward": "measure", "step": "train", "epoch": "epoch"}[what]
    contestants = {setup.rung.name: getattr(setup, method) for setup in setups}
    rows = speed.in_turns(contestants, len(train), options.rounds, where)
    needed = PASSES[what] * count_multiply_adds(factory(), (3, options.image_size, options.image_size))
    return {
        "network": network,
        "what": what,
        "images": len(train),
        "batch_size": batch_size,
        "image_size": options.image_size,
        "peak_multiply_adds_per_second": peak,
        "rows": [{**asdict(row), "share_of_peak": row.images_per_second * needed / peak} for row in rows],
    }


def show(result: dict[str, Any]) -> None:
    """Print one table."""
    print(f"{result['network']}, {WHAT[result['what']]}")
    print(
        f"  {result['images']} images in batches of {result['batch_size']}; peak of the machine, a matrix product: "
        f"{result['peak_multiply_adds_per_second'] / 1e9:,.1f} G multiply-adds/s"
    )
    print(f"  {'':<12}{'images/s':>9} {'range':>15} {'ratio':>7} {'range':>14} {'of peak':>8} {'warm-up':>8}")
    for row in result["rows"]:
        speeds = f"{row['slowest']:,.0f} to {row['fastest']:,.0f}"
        ratios = f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f}"
        print(
            f"  {row['name']:<12}{row['images_per_second']:>9,.0f} {speeds:>15} {row['ratio']:>7.2f} {ratios:>14} "
            f"{row['share_of_peak']:>8.0%} {row['warm_up']:>6.1f} s"
        )
    print(flush=True)


def describe_machine() -> dict[str, str]:
    """What a reader needs to know to compare figures."""
    where = runtime.device()
    return {
        "device": torch.cuda.get_device_name(where) if where.type == "cuda" else where.type,
        "processor": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores",
        "threads": str(torch.get_num_threads()),
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}",
        "ours": str(runtime.precision()),
    }


if __name__ == "__main__":
    sys.exit(main())
