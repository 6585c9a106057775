"""The work of `python -m resnet_course train`: one training on one process or on several, which can be resumed.

    python -m resnet_course train --network "residual 20" --output runs/one
    torchrun --standalone --nproc-per-node=2 -m resnet_course train --network "residual 20" --output runs/two

With `--global-batch-norm` both give the same numbers, up to rounding. Without it each process normalises its own share
of a batch, as is usual: faster, and a computation that depends on the number of processes.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch.distributed.elastic.multiprocessing.errors import record

from resnet_course import data
from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say
from resnet_course.base.schema import read_json
from resnet_course.base.settings import differences
from resnet_course.course.distributed import Processes, Together, join, use_global_batch_norm
from resnet_course.experiments.plans import Run
from resnet_course.experiments.records import Record, write_record
from resnet_course.experiments.reproducing import perform
from resnet_course.models import ResNet
from resnet_course.training import FLOAT32, Precision, load_state

PRECISIONS = {"float32": FLOAT32, "float64": FLOAT32, "bfloat16": Precision(torch.bfloat16, channels_last=True)}


@dataclass(frozen=True)
class Settings:
    """A run, and how it is computed.

    Args:
        run: network, rate and budget; `run.batch_size` is the global batch, divided among the processes.
        dataset: a name or a folder.
        precision: "float32", "float64" (which shows that two results differ by rounding alone) or "bfloat16".
        global_batch_norm: several processes normalise by the whole batch, as one would, and pay for the communication.
    """

    run: Run
    dataset: str = "shapes"
    precision: str = "float32"
    global_batch_norm: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The settings as they stand in a record."""
        return {"configuration": asdict(self.run), **{k: v for k, v in vars(self).items() if k != "run"}}


@record  # torchrun says at its end what went wrong in which process
def train_command(settings: Settings, output: Path, timeout: float) -> None:
    """Train as one of the processes that torchrun started, or alone. See `join` and `train`."""
    advice = f"Run the same command again: it goes on after the last epoch that {output} holds."
    with join(timeout, advice) as processes:
        train(settings, output, processes)


def train(settings: Settings, output: Path, processes: Processes) -> Record:
    """Train, from the checkpoint in `output` if there is one.

    Rank 0 writes there `checkpoint.pt` after each epoch, `settings.json` at the start and `history.json` at the end.

    Returns:
        the record, on every rank: that of an experiment, with the settings and the number of processes

    Raises:
        CourseError: if the data cannot be loaded, the checkpoint is of another training, or the loss is not finite.
    """

    class SharedRun(Run):
        """The run, on all processes."""

        def load_images(self, dataset: str | Path) -> tuple[data.ImageSet, data.ImageSet]:
            return _load(settings, processes)

        def build(self, num_classes: int) -> ResNet:
            model = settings.run.build(num_classes)
            model.to(processes.device, torch.float64 if settings.precision == "float64" else torch.float32)
            model.to(memory_format=PRECISIONS[settings.precision].memory_format)
            if processes.count > 1 and settings.global_batch_norm:
                use_global_batch_norm(model)
            return cast(ResNet, Together(model, processes))  # a network by its logits and its state

    processes.all_or_none(lambda: settings.run.build(2))  # a wrong name is said before any image is loaded
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = _prepare_checkpoint(settings, output, Path(scratch), processes)
        found = perform(SharedRun(**asdict(settings.run)), settings.dataset, checkpoint, PRECISIONS[settings.precision])
    found |= {**settings.as_dict(), "processes": processes.count}
    if processes.rank == 0:
        write_record(found, output / "history.json")
        say(f"training error {found['train_error']:.4f}, test error {found['test_error']:.4f}: {output}")
    return found


def _load(settings: Settings, processes: Processes) -> tuple[data.ImageSet, data.ImageSet]:
    """Training and test images; the same on every process, which is checked."""
    load = partial(settings.run.load_images, settings.dataset)
    if processes.rank == 0:  # before the others, so that a data set is downloaded once
        sets = processes.all_or_none(load)
        processes.all_or_none(lambda: None)
    else:
        processes.all_or_none(lambda: None)
        sets = processes.all_or_none(load)
    found = processes.from_all([settings.as_dict(), *(each.sha256() for each in sets)])
    if different := [str(rank) for rank, each in enumerate(found) if each != found[0]]:
        raise CourseError(
            f"rank {', '.join(different)} has other images or other options than rank 0; give all the same"
        )
    return sets


def _prepare_checkpoint(settings: Settings, output: Path, scratch: Path, processes: Processes) -> Path:
    """Where this process keeps its state: rank 0 in `output`, the others where nobody looks, from the same start."""
    path = (scratch if processes.rank else output) / "checkpoint.pt"

    def read() -> bytes | None:
        if processes.rank or not path.exists():
            return None
        _check_settings(settings, path)
        epochs = len(load_state(path).get("history", {}).get("train_loss", ()))
        say(f"resumed after epoch {epochs} from {path}")
        return path.read_bytes()

    content = processes.from_all(processes.all_or_none(read))[0]
    if processes.rank == 0:
        write_atomically(output / "settings.json", (json.dumps(settings.as_dict(), indent=1) + "\n").encode())
    elif content is not None:
        path.write_bytes(content)
    return path


def _check_settings(settings: Settings, checkpoint: Path) -> None:
    """A checkpoint goes on with the options that it was begun with; the number of processes may be another one."""
    try:
        before = _flat(read_json(checkpoint.with_name("settings.json")))
    except (OSError, ValueError):  # no file, or none that is whole: every setting is another one
        before = {}
    now = _flat(settings.as_dict())
    if changed := differences(dict.fromkeys(now) | before, now):
        raise CourseError(f"{checkpoint} is of another training: {changed}. Use the same options, or another --output.")


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings.get("configuration", {}), **{k: v for k, v in settings.items() if k != "configuration"}}
