"""What this machine is, and what a lesson should do on it: device, profile, precision, predicted minutes.

Taught in lesson 00.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

import torch
import torch.nn.functional as F

from resnet_course.base.errors import CourseError
from resnet_course.base.files import user_folder, write_atomically
from resnet_course.models import cifar_resnet
from resnet_course.notebook.lessons import LESSONS, predict_seconds
from resnet_course.notebook.messages import Message
from resnet_course.training import FLOAT32, Precision, keep_freed_memory

T = TypeVar("T")
ProfileName = Literal["smoke", "quick", "full"]

SMOKE_IMAGES, SMOKE_STEPS = 200, 5  # at most; what has no budget is as in the quick profile
MARGIN = 1.15  # another precision must be this much faster than float32 to be chosen


@dataclass(frozen=True)
class Budget:
    """How much a lesson trains: what may differ between a laptop and a GPU.

    A training lasts for so many `epochs`, or, where the lesson compares sets of different sizes, `steps`.
    """

    images: int
    image_size: int
    epochs: int = 1
    batch_size: int = 64
    width: int = 64
    steps: int = 0


@dataclass(frozen=True)
class Profile:
    """How large a lesson's runs are, where they run and on what.

    Args:
        name: "quick" (minutes on a CPU), "full" (a GPU), or "smoke" (the quick one with trainings so short that they
            show only whether every cell runs).
        device: where models and batches live.
        dataset: a name or folder for `data.load`.
    """

    name: ProfileName
    device: torch.device
    dataset: str

    def pick(self, quick: T, full: T) -> T:
        """The value for this profile; for smoke the quick one, but a budget has few images, one epoch, few steps."""
        if self.name == "full":
            return full
        if self.name == "smoke" and isinstance(quick, Budget):
            images, steps = min(quick.images, SMOKE_IMAGES), min(quick.steps, SMOKE_STEPS)
            return replace(quick, images=images, epochs=1, steps=steps)
        return quick


def device() -> torch.device:
    """CUDA if there is a GPU, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def profile() -> Profile:
    """The profile in force: full on a GPU, quick elsewhere.

    `RESNET_COURSE_PROFILE` ("smoke", "quick" or "full") and `RESNET_COURSE_DATASET` (a name or a folder) overrule it.

    Raises:
        CourseError: if `RESNET_COURSE_PROFILE` is anything else.
    """
    where = device()
    name = os.environ.get("RESNET_COURSE_PROFILE") or ("quick" if where.type == "cpu" else "full")
    if name not in get_args(ProfileName):
        raise CourseError(f"RESNET_COURSE_PROFILE is {name!r}; it must be 'smoke', 'quick' or 'full', or unset")
    dataset = os.environ.get("RESNET_COURSE_DATASET") or ("cifar10" if name == "full" else "shapes")
    return Profile(cast(ProfileName, name), where, dataset)


# --- Precision and memory format, measured -------------------------------------------------------------------------


def measure_speed(
    precision: Precision, where: torch.device | None = None, depth: int = 20, batch_size: int = 64, seconds: float = 0.4
) -> float:
    """Images/s of training steps of a residual net on 32x32 images, after a warm-up step."""
    where = where or device()
    keep_freed_memory()  # as in a training
    model = cifar_resnet(depth).to(where).to(memory_format=precision.memory_format)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    images = torch.zeros(batch_size, 3, 32, 32, device=where).contiguous(memory_format=precision.memory_format)
    targets = torch.zeros(batch_size, dtype=torch.int64, device=where)

    def step() -> None:
        with precision.context(where):
            loss = F.cross_entropy(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step()
    wait_for(where)
    started, steps = time.perf_counter(), 0
    while not steps or time.perf_counter() - started < seconds:  # a busy machine may take the time away
        step()
        steps += 1
    wait_for(where)
    return steps * batch_size / (time.perf_counter() - started)


@functools.cache
def precision() -> Precision:
    """The fastest of float32, float32 channels_last and bfloat16 channels_last on this machine, measured.

    Takes one or two seconds the first time. The answer is kept in the user's cache folder, so that later lessons
    compute in the same way and repeat the same numbers; `preflight()` shows it. float32 wins unless another one is
    at least 15 % faster.
    """
    where = device()
    key = f"{_hardware(where)} torch {torch.__version__} threads {torch.get_num_threads()}"
    candidates = {"channels_first": FLOAT32, "channels_last": Precision(None, True)}
    candidates["bfloat16"] = Precision(torch.bfloat16, True)
    cache = _read_cache()
    for name, candidate in candidates.items():
        if cache.get(key) == name:
            return candidate
    with torch.random.fork_rng(devices=[]):
        speeds = {name: _speed_or_zero(candidate, where) for name, candidate in candidates.items()}
    best = max(speeds, key=lambda name: speeds[name])
    if speeds[best] < MARGIN * speeds["channels_first"]:
        best = "channels_first"
    with contextlib.suppress(CourseError):  # a read-only home folder: measure again next time
        write_atomically(_cache_file(), json.dumps({**cache, key: best}, indent=1).encode())
    return candidates[best]


def _speed_or_zero(candidate: Precision, where: torch.device) -> float:
    """A precision that this machine or this PyTorch cannot compute in counts as infinitely slow."""
    try:
        return measure_speed(candidate, where, depth=8, batch_size=32)
    except (RuntimeError, TypeError, NotImplementedError):
        return 0.0


def wait_for(where: torch.device) -> None:
    """Return when the device has done all it was given."""
    if where.type == "cuda":
        torch.cuda.synchronize()
    elif where.type == "mps":
        torch.mps.synchronize()


def _hardware(where: torch.device) -> str:
    if where.type == "cuda":
        return torch.cuda.get_device_name(where)
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def _cache_file() -> Path:
    return user_folder("cache") / "precision.json"


def _read_cache() -> dict[str, Any]:
    try:
        found = json.loads(_cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# --- Preflight ----------------------------------------------------------------------------------------------------


def preflight() -> dict[str, str]:
    """Show versions, device, threads, precision, data and predicted minutes; warn when something is off.

    Returns the same as a dict of texts.
    """
    here = profile()
    chosen = precision()
    speed = measure_speed(chosen, here.device)
    facts = {
        "Python": platform.python_version(),
        "resnet_course": importlib.metadata.version("resnet_course"),
        "torch": torch.__version__,
        "device": f"GPU ({_hardware(here.device)})" if here.device.type == "cuda" else here.device.type.upper(),
        "CPU threads": str(torch.get_num_threads()),
        "precision": str(chosen),
        "speed": f"{speed:,.0f} images/s (training a residual 20 on 32x32 images)",
        "profile": here.name,
        "data set": here.dataset,
    }
    if here.name == "quick":
        minutes = [f"{lesson.number} {predict_seconds(lesson, speed) / 60:.1f}" for lesson in LESSONS]
        facts["minutes predicted"] = ", ".join(minutes)
    Message("info", "This machine", tuple(f"{name}: {value}" for name, value in facts.items())).show()
    for title, advice in _warnings(here):
        Message("failed", title, (advice,)).show()
    return facts


def _warnings(here: Profile) -> Iterator[tuple[str, str]]:
    """Things that cost a learner an evening when nobody mentions them: title and advice."""
    if here.device.type == "cpu" and "google.colab" in sys.modules:
        yield (
            "Colab's GPU is off",
            "Menu Runtime > Change runtime type > T4 GPU. The lessons run without it too, on small data.",
        )
    if here.device.type == "cpu" and here.name == "full":
        yield "The full profile on a CPU takes hours", "Unset RESNET_COURSE_PROFILE to get the quick one."
    if here.name == "smoke":
        yield "The smoke profile shows only that the cells run", "No number and no verdict in it means anything."
