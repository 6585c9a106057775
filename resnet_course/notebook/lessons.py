"""The lessons: what there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from resnet_course.base.errors import CourseError
from resnet_course.base.language import translated

REFERENCE_SPEED = 600.0  # images/s by `runtime.measure_speed` for the lessons' seconds: they were alike at 460 and 700
ProfileName = Literal["smoke", "quick", "full"]


class Speed(NamedTuple):
    """Images/s of training steps on 32x32 images: with a residual 20, and with a ResNet-18."""

    small: float
    large: float


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Args:
        number: two digits.
        slug: the rest of the file's name.
        english: its title in the sources, the README and all else that is built.
        read_minutes: reading and exercises, as `course.build.measured_minutes` has them, rounded.
        seconds: the whole notebook in the quick profile on the machine of `REFERENCE_SPEED`.
        exercises: names of its checks.
        timed: whether its verdicts are about seconds with all threads, which a lesson beside it would change.
    """

    number: str
    slug: str
    english: str
    read_minutes: int
    seconds: float
    exercises: tuple[str, ...]
    timed: bool = False

    @property
    def title(self) -> str:
        """As the reader's table of lessons has it."""
        return translated(self.english)

    @property
    def file_name(self) -> str:
        """The notebook's file name."""
        return f"{self.number}_{self.slug}.ipynb"


LESSONS = (
    Lesson("00", "start_here", "Start here", 17, 22, ("warm_up",)),
    Lesson("01", "vgg", "VGG: depth from 3×3", 29, 43, ("vgg_block", "receptive_field", "multiply_adds", "train_step")),
    Lesson("02", "trust", "A training you can trust", 34, 37, ("fair_split", "evaluate", "early_stopper")),
    Lesson("03", "signals", "Signals through many layers", 32, 41, ("signal_factor", "batch_norm")),
    Lesson(
        "04",
        "degradation",
        "The degradation problem",
        34,
        37,
        ("plain_block", "gradient_norms", "extend_with_identity", "gradient_similarity"),
    ),
    Lesson("05", "residual_block", "The residual block", 26, 35, ("basic_block",)),
    Lesson("06", "why_it_works", "Why it works", 26, 26, ("shortcut_gradient", "zero_init_residual")),
    Lesson(
        "07",
        "shortcuts",
        "Matching dimensions on the shortcut",
        32,
        17,
        ("needs_projection", "projection_shortcut", "pad_shortcut", "bottleneck_shapes"),
    ),
    Lesson(
        "08",
        "resnet18",
        "Assembling ResNet-18",
        34,
        11,
        ("make_layer", "flat_features", "resnet18", "load_torchvision", "first_difference"),
    ),
    Lesson("09", "training", "Training ResNet-18", 21, 33, ("checkpoint",)),
    Lesson("10", "inside", "Inside a trained ResNet", 33, 17, ("lesion", "filter_normalise")),
    Lesson("11", "deeper", "Deeper", 29, 20, ("bottleneck", "preact_block")),
    Lesson("12", "faster_wider", "Faster and wider", 30, 39, ("shard",), timed=True),
    Lesson("13", "your_images", "Your own images", 28, 51, ("few_shot_split",)),
)


class Cost(NamedTuple):
    """What a lesson takes beside the seconds of its quick profile.

    Args:
        smoke: seconds in the smoke profile, which trains next to nothing, on the machine of `REFERENCE_SPEED`.
        small: thousands of images that the full profile trains on, as if with a residual 20: counted in the source; a
            deeper network counts by its layers, a pass without gradients as a third.
        large: likewise with a ResNet-18.
    """

    smoke: float
    small: float
    large: float = 0


COSTS = {
    "00": Cost(8, 14),
    "01": Cost(8, 220),
    "02": Cost(11, 140),
    "03": Cost(12, 33),
    "04": Cost(16, 4_400),
    "05": Cost(12, 15_500),
    "06": Cost(13, 5_100),
    "07": Cost(13, 14),
    "08": Cost(10, 7),
    "09": Cost(15, 1_200, 3_600),
    "10": Cost(13, 3_900),
    "11": Cost(13, 6_700),
    "12": Cost(30, 60, 100),
    "13": Cost(14, 60),
}


def find_lesson(name: str) -> Lesson:
    """The lesson with this number or file name.

    Raises:
        CourseError: if there is none, with the list of those there are.
    """
    wanted = Path(name).name.removesuffix(".ipynb")
    for lesson in LESSONS:
        if wanted in (lesson.number, str(int(lesson.number)), lesson.slug, lesson.file_name.removesuffix(".ipynb")):
            return lesson
    known = ", ".join(f"{lesson.number} ({lesson.slug})" for lesson in LESSONS)
    raise CourseError(f"there is no lesson {name!r}. The lessons are {known}.")


def predict_seconds(lesson: Lesson, speed: Speed, profile: ProfileName = "quick") -> float:
    """Seconds that a lesson takes in a profile, where `runtime.measure_speed` gives this speed."""
    cost = COSTS[lesson.number]
    fixed = cost.smoke * max(1, REFERENCE_SPEED / speed.small)  # no GPU draws a figure sooner
    if profile == "smoke":
        return fixed
    if profile == "full":
        return fixed + 1000 * (cost.small / speed.small + cost.large / speed.large)
    return fixed + (lesson.seconds - cost.smoke) * REFERENCE_SPEED / speed.small
