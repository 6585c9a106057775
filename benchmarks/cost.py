"""How the cost of training grows with depth, width, image size and processes; a simple model of it, and how far off.

    python -m benchmarks.cost

Times are seconds of a processor core, not of a clock on the wall, so that other work on the machine counts less. Every
process computes in one thread. All cases take turns; each one's fastest turn counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from resnet_course.base.progress import say
from resnet_course.course.distributed import Processes, join, use_global_batch_norm
from resnet_course.inspection import count_multiply_adds, count_parameters
from resnet_course.models import cifar_resnet, resnet50

FLOPS_PER_MULTIPLY_ADD = 2
PASSES = 3  # forward is one, backward two: the gradients of the inputs and those of the weights
BATCH = 32
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")

# ImageNet on a cluster. What is assumed, and not measured here:
IMAGES, EPOCHS, BATCH_PER_GPU = 1_281_167, 90, 256
GPU_PEAK, GPU_EFFICIENCY = 312e12, 0.2  # bfloat16 FLOP/s by an A100's data sheet; the share of it is a guess
BANDWIDTHS = {"200 Gbit/s": 25e9, "10 Gbit/s": 1.25e9}  # bytes/s between machines


@dataclass
class Case:
    """One network at one image size, and the seconds of a training step on `BATCH` images."""

    depth: int
    width: int
    size: int
    seconds: float = float("inf")

    def build(self) -> nn.Module:
        """The network, with fresh weights."""
        return cifar_resnet(self.depth, width=self.width)

    def terms(self) -> tuple[float, float, float]:
        """What a step costs: FLOP, numbers that layers write, and 1 for what every layer costs whatever its size."""
        model, shape = self.build().eval(), (3, self.size, self.size)
        flops = count_multiply_adds(model, shape) * PASSES * FLOPS_PER_MULTIPLY_ADD * BATCH
        return flops, count_outputs(model, shape) * BATCH, float(self.depth)


def make_cases() -> list[Case]:
    """Depth, width and image size, each changed alone."""
    depths = [Case(depth, 16, 32) for depth in (8, 20, 32, 56)]
    return depths + [Case(20, width, 32) for width in (8, 32)] + [Case(20, 16, size) for size in (16, 48)]


def count_outputs(model: nn.Module, shape: tuple[int, int, int]) -> int:
    """Numbers that convolutions and batch norms write in a forward pass of one image."""
    sizes: list[int] = []
    layers = [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.BatchNorm2d))]
    hooks = [
        layer.register_forward_hook(lambda _layer, _inputs, output: sizes.append(output.numel())) for layer in layers
    ]
    with torch.no_grad():
        model(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    return sum(sizes)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, fit, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.cost", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each case")
    parser.add_argument("--worker", choices=("global", "local"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.worker:
        measure_as_one_of_several(options.worker, options.rounds)
        return
    features = torch.backends.cpu.get_cpu_capability()
    say(f"{time.strftime('%Y-%m-%d')}, {platform.machine()} with {features}, {os.cpu_count()} cores, one thread each")
    cases, peak = make_cases(), 0.0
    for _ in range(options.rounds):
        peak = max(peak, measure_peak())
        for case in cases:
            case.seconds = min(case.seconds, time_steps(make_step(case)))
    say(f"torch {torch.__version__}, float32, batch {BATCH}; matrix product: {peak / 1e9:.0f} GFLOP/s\n")
    say_cases(cases, peak)
    say_processes(options.rounds)
    say_cluster()


def measure_peak(size: int = 1024, turns: int = 8) -> float:
    """FLOP/s of one core in a large float32 matrix product."""
    a, b = torch.rand(2, size, size)
    return FLOPS_PER_MULTIPLY_ADD * size**3 / min(time_steps(lambda: a @ b, 1) for _ in range(turns))


def time_steps(step: Callable[[], object], steps: int = 2) -> float:
    """Core seconds of one step, after one that is not counted."""
    step()
    started = time.process_time()
    for _ in range(steps):
        step()
    return (time.process_time() - started) / steps


def make_step(case: Case) -> Callable[[], None]:
    """A training step of plain PyTorch."""
    return training_step(case.build(), *make_batch(case.size, BATCH), Processes())


def make_batch(size: int, count: int) -> tuple[Tensor, Tensor]:
    """Random images: the cost does not depend on what is on them."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 3, size, size, generator=generator), torch.arange(count) % 10


def training_step(model: nn.Module, images: Tensor, targets: Tensor, processes: Processes) -> Callable[[], None]:
    """zero_grad, forward, loss, backward, step on this process's share of a batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    images, targets = processes.share(images), processes.share(targets)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images), targets).backward()
        optimizer.step()

    return step


# --- The model of the cost --------------------------------------------------------------------------------------------


def fit(rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Seconds for each unit of each term, none below 0, by least squares of the relative error; and those errors.

    Shape:
        rows (n, terms), seconds (n,) -> (terms,), (n,)
    """
    measured = torch.tensor(seconds, dtype=torch.float64)
    terms = torch.tensor(rows, dtype=torch.float64)
    scale = terms.mean(0)
    relative = terms / scale / measured.unsqueeze(1)  # a perfect fit gives 1 in every row
    kept = list(range(terms.shape[1]))
    while True:
        found = torch.linalg.lstsq(relative[:, kept], torch.ones(len(rows), 1, dtype=torch.float64)).solution.squeeze(1)
        if found.min() >= 0:
            break
        kept.pop(int(found.argmin()))
    costs = torch.zeros(terms.shape[1], dtype=torch.float64)
    costs[kept] = found
    costs = costs / scale
    return costs, (terms @ costs) / measured - 1


def say_cases(cases: Sequence[Case], peak: float) -> None:
    """The table, and both models."""
    terms = [case.terms() for case in cases]
    seconds = [case.seconds for case in cases]
    simple, errors = fit([(flops, layers) for flops, _, layers in terms], seconds)
    fuller, fuller_errors = fit(terms, seconds)
    say("| depth | width | size | MFLOP an image | ms an image | images/s | share of peak | model A | model B |")
    say("|---|---|---|---|---|---|---|---|---|")
    for case, (flops, _, _), error, fuller_error in zip(cases, terms, errors, fuller_errors, strict=True):
        say(
            f"| {case.depth} | {case.width} | {case.size} | {flops / BATCH / 1e6:.0f} | "
            f"{case.seconds / BATCH * 1e3:.2f} | {BATCH / case.seconds:.0f} | {flops / case.seconds / peak:.0%} | "
            f"{error:+.0%} | {fuller_error:+.0%} |"
        )
    say(f"\nmodel A: FLOP / ({efficiency(simple[0], peak)} of the peak) + {simple[1] * 1e3:.2f} ms a layer and step; ")
    say(f"  mean error {errors.abs().mean():.0%}, largest {errors.abs().max():.0%}")
    say(
        f"model B: FLOP / ({efficiency(fuller[0], peak)} of the peak) + {fuller[1] * 1e9:.2f} ns a number that a layer "
        f"writes + {fuller[2] * 1e3:.2f} ms a layer and step;"
    )
    say(f"  mean error {fuller_errors.abs().mean():.0%}, largest {fuller_errors.abs().max():.0%}\n")


def efficiency(seconds_per_flop: Tensor, peak: float) -> str:
    """The share of the peak at which the FLOP of a model are done."""
    return "free" if seconds_per_flop == 0 else f"{1 / float(seconds_per_flop) / peak:.0%}"


# --- Several processes ------------------------------------------------------------------------------------------------


def measure_as_one_of_several(batch_norm: str, rounds: int) -> None:
    """Core seconds and wall seconds of a step; rank 0 prints those of the slowest process as JSON."""
    with join() as processes:
        model: nn.Module = cifar_resnet(20)
        if processes.count > 1:
            model = use_global_batch_norm(model) if batch_norm == "global" else model
            model = DistributedDataParallel(model)
        step = training_step(model, *make_batch(32, 2 * BATCH), processes)
        core, wall = [], []
        for _ in range(rounds):
            started = time.perf_counter()
            core.append(time_steps(step, 5))
            wall.append((time.perf_counter() - started) / 6)
        found = processes.from_all((min(core), min(wall)))
        if processes.rank == 0:
            say("measured: " + json.dumps([max(each) for each in zip(*found, strict=True)]))


def say_processes(rounds: int) -> None:
    """One process against two on the same global batch."""
    say(f"| residual 20, 32 pixels, global batch {2 * BATCH} | core seconds a step and process | wall seconds a step |")
    say("|---|---|---|")
    for name, launcher, batch_norm in (
        ("1 process", (), "local"),
        ("2 processes, local batch norm", TORCHRUN, "local"),
        ("2 processes, global batch norm", TORCHRUN, "global"),
    ):
        command = [sys.executable, *launcher, "-m", "benchmarks.cost", "--worker", batch_norm, "--rounds", str(rounds)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        core, wall = json.loads(output.split("measured: ")[1])
        say(f"| {name} | {core:.3f} | {wall:.3f} |")
    say("")


# --- Extrapolation ----------------------------------------------------------------------------------------------------


def say_cluster() -> None:
    """ResNet-50 on ImageNet: an extrapolation, by the model alone."""
    model = resnet50(1000, stem="imagenet").eval()
    flops = count_multiply_adds(model, (3, 224, 224)) * PASSES * FLOPS_PER_MULTIPLY_ADD
    gradients = 4 * count_parameters(model)  # bytes in float32
    compute = BATCH_PER_GPU * flops / (GPU_EFFICIENCY * GPU_PEAK)
    say(f"ResNet-50, 224 pixels: {flops / 1e9:.1f} GFLOP an image, {gradients / 1e6:.0f} MB of gradients a step")
    say(f"compute: {compute * 1e3:.0f} ms a step of {BATCH_PER_GPU} images on a GPU (assumed efficiency)\n")
    say("| GPUs | bandwidth | send gradients, ms a step | 90 epochs, hours, one after the other | overlapped |")
    say("|---|---|---|---|---|")
    for count in (1, 8, 64, 512):
        steps = EPOCHS * IMAGES / (count * BATCH_PER_GPU)
        for name, bandwidth in BANDWIDTHS.items() if count > 1 else [("none", 1.0)]:
            send = 2 * (count - 1) / count * gradients / bandwidth  # ring: every byte passes each link about twice
            in_turn, overlapped = (steps * seconds / 3600 for seconds in (compute + send, max(compute, send)))
            say(f"| {count} | {name} | {send * 1e3:.0f} | {in_turn:.2f} | {overlapped:.2f} |")


if __name__ == "__main__":
    main()
