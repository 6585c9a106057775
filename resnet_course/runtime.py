"""What this machine is, and what a lesson should do on it: device, profile, precision, predicted minutes.

Taught in lesson 00.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import torch
import torch.nn.functional as F

from resnet_course import __version__
from resnet_course.base.errors import CourseError
from resnet_course.base.files import user_folder, write_atomically
from resnet_course.base.language import speak, translated
from resnet_course.base.pages import render
from resnet_course.models import cifar_resnet, resnet18
from resnet_course.notebook.lessons import LESSONS, ProfileName, Speed, find_lesson, predict_seconds
from resnet_course.notebook.messages import Message, show
from resnet_course.training import FLOAT32, Precision, keep_freed_memory

T = TypeVar("T")

SMOKE_IMAGES, SMOKE_STEPS = 100, 5  # at most; what has no budget is as in the quick profile
# What an NVIDIA GPU needs for the full profile by default: room for ResNet-18 and its images, and tensor cores.
# On Apple's GPUs nobody has measured it: they take the quick profile, like the CPU.
FULL_MEMORY, FULL_CAPABILITY = 6e9, 7  # bytes; of CUDA
WORK_OF_RESNET_18 = 13.7  # times that of a residual 20 on 32x32 images: 556 and 40.6 million multiply-adds
LONG = 5 * 60  # seconds; a lesson that takes longer says so before it starts
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

    def pick(self, quick: T, full: T, smoke: T | None = None) -> T:
        """The value for this profile; smoke has quick's if told no other, but few images, one epoch, few steps."""
        if self.name == "full":
            return full
        if self.name == "smoke" and smoke is None and isinstance(quick, Budget):
            images, steps = min(quick.images, SMOKE_IMAGES), min(quick.steps, SMOKE_STEPS)
            return replace(quick, images=images, epochs=1, steps=steps)
        return smoke if self.name == "smoke" and smoke is not None else quick


def device() -> torch.device:
    """CUDA if there is a GPU, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def can_train_in_full(where: torch.device) -> bool:
    """Whether the full profile is a matter of minutes there: an NVIDIA GPU with enough memory and not too old."""
    if where.type != "cuda":
        return False
    gpu = torch.cuda.get_device_properties(where)
    return gpu.total_memory >= FULL_MEMORY and gpu.major >= FULL_CAPABILITY


def profile() -> Profile:
    """The profile in force: full on a GPU that can train in full, quick elsewhere, also on a small GPU and on Apple's.

    `RESNET_COURSE_PROFILE` ("smoke", "quick" or "full") and `RESNET_COURSE_DATASET` (a name or a folder) overrule it.

    Raises:
        CourseError: if `RESNET_COURSE_PROFILE` is anything else.
    """
    where = device()
    name = os.environ.get("RESNET_COURSE_PROFILE") or ("full" if can_train_in_full(where) else "quick")
    if name not in get_args(ProfileName):
        raise CourseError(f"RESNET_COURSE_PROFILE is {name!r}; it must be 'smoke', 'quick' or 'full', or unset")
    dataset = os.environ.get("RESNET_COURSE_DATASET") or ("cifar10" if name == "full" else "shapes")
    return Profile(cast(ProfileName, name), where, dataset)


# --- Precision and memory format, measured -------------------------------------------------------------------------


def measure_speed(
    precision: Precision, where: torch.device | None = None, depth: int = 20, batch_size: int = 64, seconds: float = 0.4
) -> float:
    """Images/s of training steps of a residual net (depth 18: ResNet-18) on 32x32 images, after a warm-up step."""
    where = where or device()
    keep_freed_memory()  # as in a training
    model = (resnet18() if depth == 18 else cifar_resnet(depth)).to(where).to(memory_format=precision.memory_format)
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

    Returns the same as a dict of texts, by their English names.
    """
    here = profile()
    chosen = precision()
    speed = speed_of(here.device)
    facts = {
        "Python": platform.python_version(),
        "resnet_course": __version__,
        "torch": torch.__version__,
        "device": f"GPU ({_hardware(here.device)})" if here.device.type == "cuda" else here.device.type.upper(),
        "CPU threads": str(torch.get_num_threads()),
        "precision": str(chosen),
        "speed": f"{speed.small:,.0f} images/s (training a residual 20 on 32x32 images)",
        "profile": here.name,
        "data set": here.dataset,
    }
    minutes = [f"{lesson.number} {predict_seconds(lesson, speed, here.name) / 60:.1f}" for lesson in LESSONS]
    facts["minutes predicted"] = ", ".join(minutes)
    Message("info", "This machine", tuple(f"{name}: {value}" for name, value in facts.items())).show()
    _show_minutes(speed)
    for title, advice in _warnings(here):
        Message("failed", title, (advice,)).show()
    return {name: translated(fact) for name, fact in facts.items()}


def speed_of(where: torch.device, seconds: float = 0.4) -> Speed:
    """Measured with a small network and, on a GPU, with a large one; a CPU's is computed: it has no idle parts."""
    small = measure_speed(precision(), where, seconds=seconds)
    large = small / WORK_OF_RESNET_18 if where.type == "cpu" else measure_speed(precision(), where, depth=18)
    return Speed(small, large)


def _show_minutes(speed: Speed) -> None:
    """A table: what the code of each lesson takes here in each profile."""
    profiles = get_args(ProfileName)
    rows = [
        (f"{lesson.number} {lesson.title}", [f"{predict_seconds(lesson, speed, name) / 60:.1f}" for name in profiles])
        for lesson in LESSONS
    ]
    totals = [sum(predict_seconds(lesson, speed, name) for lesson in LESSONS) / 60 for name in profiles]
    rows.append(("all", [f"{minutes:.1f}" for minutes in totals]))
    heading = "minutes predicted, by profile"
    lines = [(heading, list(profiles)), *rows]
    text = "\n".join(f"{first:<40}" + "".join(f"{word:>10}" for word in others) for first, others in lines)
    show(render(MINUTES, heading=heading, profiles=profiles, rows=rows), text)


MINUTES = """\
<table><thead><tr><th scope="col">{{ heading }}</th>
{% for name in profiles %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for first, minutes in rows %}
<tr><th scope="row" style="text-align:left">{{ first }}</th>
{% for word in minutes %}<td>{{ word }}</td>{% endfor %}</tr>{% endfor %}</tbody></table>"""


def share_of_processor(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """How many cores a container may use, as on Binder or a class's server; infinity where nobody set a limit.

    PyTorch sees all cores of the machine. Threads beyond the limit wait for one another at every layer.
    """
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # cgroup 2, and 1
        with contextlib.suppress(OSError, ValueError):  # "max" is no number
            quota, period = " ".join((folder / name).read_text(encoding="utf-8") for name in files).split()
            if int(quota) > 0:
                return int(quota) / int(period)
    return math.inf


# What the first cell of a notebook says while there is no course: what it does; and a question, then two requests.
NOT_INSTALLED = (
    "Installs the course, where this version of it is missing.",
    "Is the internet on (Kaggle: Settings)? If not, get this file elsewhere:",
    "Put it beside this notebook (Colab: the folder on the left, or Drive).",
    "Then run this cell again.",
)
SHORTER = {
    "full": "For a minute instead, run `%env RESNET_COURSE_PROFILE=quick` in a new cell before you go on.",
    "quick": "Each training shows the time that is left: read on meanwhile. On a GPU, such as Colab's, it is minutes.",
}


def begin_lesson(number: str, version: str, language: str = "en") -> None:
    """What a lesson says before it starts: that it takes long here, or that the course is not of its version.

    And it takes no more threads than it has cores to itself.

    Args:
        number: of the lesson.
        version: of the course that its notebook was made for.
        language: of its notebook; from here on the course speaks it.
    """
    speak(language)
    if (cores := share_of_processor()) < torch.get_num_threads():
        torch.set_num_threads(max(1, int(cores)))
    if version != __version__:
        advice = f"It was made for {version}, and {__version__} is installed. What it needs may be missing."
        Message("failed", "This notebook is of another version of the course", (advice,)).show()
    here = profile()
    if here.name == "smoke":
        return
    with torch.random.fork_rng(devices=[]):
        seconds = predict_seconds(find_lesson(number), speed_of(here.device, seconds=0.1), here.name)
    if seconds > LONG:
        Message("info", f"This lesson takes about {seconds / 60:.0f} minutes here", (SHORTER[here.name],)).show()


def _warnings(here: Profile) -> Iterator[tuple[str, str]]:
    """Things that cost a learner an evening when nobody mentions them: title and advice."""
    if here.device.type == "cpu" and "google.colab" in sys.modules:
        yield (
            "Colab's GPU is off",
            "Menu Runtime > Change runtime type > T4 GPU. The lessons run without it too, on small data.",
        )
    if here.device.type != "cpu" and here.name == "quick" and not can_train_in_full(here.device):
        yield (
            "This GPU takes the quick profile",
            f"The full one is for NVIDIA's, Volta (2017) or newer, with {FULL_MEMORY / 1e9:.0f} GB or more. The table "
            "says what it would take here; RESNET_COURSE_PROFILE=full chooses it.",
        )
    if here.device.type == "cpu" and here.name == "full":
        yield "The full profile on a CPU takes days", "Unset RESNET_COURSE_PROFILE to get the quick one."
    if here.name == "smoke":
        yield "The smoke profile shows only that the cells run", "No number and no verdict in it means anything."
