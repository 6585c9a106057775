"""How fast a training is, rung by rung, compared in turns, beside the most that the machine can do."""

from resnet_course.speed.rungs import (
    PLAIN,
    Rung,
    Setup,
    batches_within,
    default_rungs,
    first,
    ladder,
    ours,
    picture_loader,
    plain_loop,
    with_workers,
)
from resnet_course.speed.stopwatch import Row, in_turns, matmul_peak, seconds_of

__all__ = [
    "PLAIN",
    "Row",
    "Rung",
    "Setup",
    "batches_within",
    "default_rungs",
    "first",
    "in_turns",
    "ladder",
    "matmul_peak",
    "ours",
    "picture_loader",
    "plain_loop",
    "seconds_of",
    "with_workers",
]
