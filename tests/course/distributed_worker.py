"""Run by test_distributed.py on two processes: the trainings of its table, all in one start of torchrun."""

import sys
from pathlib import Path

from test_distributed import CASES

from resnet_course.course.distributed import join
from resnet_course.course.train import train

if __name__ == "__main__":
    with join(timeout=60) as processes:
        for name, settings in CASES.items():
            train(settings, Path(sys.argv[1]) / f"rank {processes.rank}" / name, processes)
