"""The work of `python -m resnet_course train`: one training on one process or on several, which can be resumed.

    python -m resnet_course train --network "residual 20" --output runs/one
    torchrun --standalone --nproc-per-node=2 -m resnet_course train --network "residual 20" --output runs/two

Both give the same numbers, up to rounding.
"""

from __future__ import annotations

import json
import math
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from resnet_course import __version__, data
from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say
from resnet_course.course.distributed import Processes, use_global_batch_norm
from resnet_course.experiments import Run
from resnet_course.training import Precision, load_state, reset_seeds, save_state
from resnet_course.training.checkpoints import check_fits
from resnet_course.training.steps import eval_mode

SCHEMA = 1
PRECISIONS = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}


@dataclass(frozen=True)
class Settings:
    """A run, and how it is computed.

    Args:
        run: network, rate and budget; `run.batch_size` is the global batch, divided among the processes.
        dataset: a name or a folder.
        precision: "float32", "float64" (which shows that two results differ by rounding alone) or "bfloat16".
        local_batch_norm: each process normalises by its own share of the batch. Saves the communication; the result
            then depends on the number of processes.
    """

    run: Run
    dataset: str = "shapes"
    precision: str = "float32"
    local_batch_norm: bool = False


def train(settings: Settings, output: Path, processes: Processes) -> dict[str, Any]:
    """Train, from the checkpoint in `output` if there is one. Rank 0 writes `checkpoint.pt` and `history.json` there.

    Returns the record, on every rank.

    Raises:
        CourseError: if the data cannot be loaded, the checkpoint is of another training, or the loss is not finite.
    """
    train_set, test_set = _load(settings, processes)
    job = _make_job(settings, train_set, processes)
    checkpoint = output / "checkpoint.pt"
    job.resume(checkpoint)
    while len(job.curves["train_loss"]) < settings.run.epochs:
        job.run_epoch()
        if processes.rank == 0:
            job.save(checkpoint)
            _say_epoch(job.curves, settings.run.epochs)
    record = job.describe(train_set, test_set)
    if processes.rank == 0:
        write_atomically(output / "history.json", (json.dumps(record, indent=1) + "\n").encode())
        say(f"training error {record['train_error']:.4f}, test error {record['test_error']:.4f}: {output}")
    return record


def _make_job(settings: Settings, train_set: data.ImageSet, processes: Processes) -> _Job:
    job = error = None
    try:
        job = _Job(settings, train_set, processes)
    except (CourseError, ValueError) as problem:  # no such network, no such depth
        error = str(problem)
    _fail_everywhere(error, processes)
    assert job is not None
    return job


class _Job:
    """What a training is made of, on one of the processes."""

    def __init__(self, settings: Settings, train_set: data.ImageSet, processes: Processes) -> None:
        run = settings.run
        self.settings, self.processes = settings, processes
        # Every process makes the global batch and takes its share: that costs little, and the order and all random
        # changes are those of one process, whatever the number of processes.
        self.batches = data.Batches(train_set, run.batch_size, shuffle=True, seed=run.seed, device=processes.device)
        self.dtype = PRECISIONS[settings.precision]
        autocast = torch.bfloat16 if settings.precision == "bfloat16" else None
        self.precision = Precision(autocast, channels_last=autocast is not None)
        reset_seeds(run.seed)
        model = run.build(len(train_set.classes)).to(processes.device, self.dtype)
        self.model = model.to(memory_format=self.precision.memory_format)
        self.optimizer, self.scheduler = run.recipe(self.model, steps=run.epochs * len(self.batches))
        self.curves: dict[str, list[float]] = {"train_loss": [], "train_acc": [], "images": [], "seconds": []}
        self.together: nn.Module = self.model
        if processes.count > 1:
            if not settings.local_batch_norm:
                use_global_batch_norm(self.model)
            # It sends rank 0's running statistics to all before each batch: no change if the batch norm is global.
            self.together = DistributedDataParallel(self.model)

    def run_epoch(self) -> None:
        """Every image once: for each global batch zero_grad, forward, loss, backward, step."""
        started = time.perf_counter()
        self.batches.set_epoch(len(self.curves["train_loss"]))
        self.together.train()
        totals = torch.zeros(3, dtype=torch.float64, device=self.processes.device)
        for images, targets in self.batches:
            whole = len(targets)
            images, targets = self.processes.share(images), self.processes.share(targets)
            self.optimizer.zero_grad()
            loss, correct = self._measure(self.together, images, targets)  # sums over this share
            # The gradients of the processes are averaged afterwards. With this factor the average is the gradient of
            # the mean over the global batch, however the images are divided.
            (loss * self.processes.count / whole).backward()
            self.optimizer.step()
            self.scheduler.step()
            totals += torch.stack([loss.detach().double(), correct.double(), totals.new_tensor(len(targets))])
        loss_sum, hits, images_seen = self.processes.add_up(totals).tolist()
        if not math.isfinite(loss_sum):
            _fail_everywhere(
                "the training loss is no longer a finite number; try a lower --learning-rate", self.processes
            )
        self.curves["train_loss"].append(loss_sum / images_seen)
        self.curves["train_acc"].append(hits / images_seen)
        self.curves["images"].append(int(images_seen))
        self.curves["seconds"].append(round(time.perf_counter() - started, 3))

    def _measure(self, model: nn.Module, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the losses and number of right answers. Shape: (B, 3, H, W) and (B,) -> two numbers."""
        images = images.to(self.dtype, memory_format=self.precision.memory_format)
        with self.precision.context(self.processes.device):
            logits = model(images)  # (B, num_classes)
            loss = F.cross_entropy(logits, targets, reduction="sum")
        return loss, (logits.argmax(1) == targets).sum()

    @torch.no_grad()
    def error_on(self, dataset: data.ImageSet) -> float:
        """Share of wrong answers in eval mode; the processes divide the batches as in training."""
        batches = data.Batches(dataset, 500, mean=self.batches.mean, std=self.batches.std, device=self.processes.device)
        hits = torch.zeros((), dtype=torch.int64, device=self.processes.device)
        with eval_mode(self.model):
            for images, targets in batches:
                hits += self._measure(self.model, self.processes.share(images), self.processes.share(targets))[1]
        return 1 - int(self.processes.add_up(hits)) / len(dataset)

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on. The network has nothing random in it, so no generators."""
        save_state(
            {
                "settings": _plain(self.settings),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "curves": self.curves,
            },
            path,
        )

    def resume(self, path: Path) -> None:
        """Go back to the last epoch that was finished: rank 0 reads the checkpoint and sends it to the others."""
        error, state = None, None
        if self.processes.rank == 0 and path.exists():
            try:
                state = load_state(path)
                _check_settings(state, self.settings, path)
                check_fits(self.model, state["model"], path)
            except CourseError as problem:
                error = str(problem)
        _fail_everywhere(error, self.processes)
        state = self.processes.from_first(state)
        if state is None:
            return
        for name in ("model", "optimizer", "scheduler"):
            getattr(self, name).load_state_dict(state[name])
        self.curves = state["curves"]
        if self.processes.rank == 0:
            say(f"resumed after epoch {len(self.curves['train_loss'])} from {path}")

    def describe(self, train_set: data.ImageSet, test_set: data.ImageSet) -> dict[str, Any]:
        """The record: settings, errors of the final weights, curves, machine, versions."""
        return {
            "schema": SCHEMA,
            **_plain(self.settings),
            "processes": self.processes.count,
            "data": {"name": train_set.name, "images": len(train_set), "sha256": train_set.sha256()},
            "train_error": self.error_on(train_set),
            "test_error": self.error_on(test_set),
            "curves": self.curves,
            "machine": {
                "device": self.processes.device.type,
                "processor": platform.machine(),
                "threads": torch.get_num_threads(),
            },
            "versions": {"resnet_course": __version__, "torch": torch.__version__},
        }


def _load(settings: Settings, processes: Processes) -> tuple[data.ImageSet, data.ImageSet]:
    """Training and test images; the same on every process, which is checked."""
    sets = error = None
    for turn in (True, False):  # rank 0 first, so that a data set is downloaded once
        if turn == (processes.rank == 0):
            try:
                sets = settings.run.load_images(settings.dataset)
            except CourseError as problem:
                error = str(problem)
        _fail_everywhere(error, processes)
    assert sets is not None
    found = processes.from_all([_plain(settings), *(each.sha256() for each in sets)])
    different = [str(rank) for rank, each in enumerate(found) if each != found[0]]
    if different:
        error = f"rank {', '.join(different)} has other images or other options than rank 0; give all the same"
    _fail_everywhere(error, processes)
    return sets


def _fail_everywhere(error: str | None, processes: Processes) -> None:
    """If any process has an error, end all of them: rank 0 with the messages, the others without a word."""
    errors = {text: None for text in processes.from_all(error) if text}
    if errors and processes.rank == 0:
        raise CourseError("; ".join(errors))
    if errors:
        raise SystemExit(2)


def _check_settings(state: dict[str, Any], settings: Settings, path: Path) -> None:
    """A checkpoint goes on with the options that it was begun with; the number of processes may be another one."""
    before, now = _flat(state.get("settings", {})), _flat(_plain(settings))
    different = [
        f"{name} was {before.get(name)!r} and is {now[name]!r}" for name in now if before.get(name) != now[name]
    ]
    if different:
        raise CourseError(
            f"{path} is of another training: {', '.join(different)}. Use the same options, or another --output."
        )


def _plain(settings: Settings) -> dict[str, Any]:
    return {
        "configuration": asdict(settings.run),
        "dataset": settings.dataset,
        "precision": settings.precision,
        "local_batch_norm": settings.local_batch_norm,
    }


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings.get("configuration", {}), **{k: v for k, v in settings.items() if k != "configuration"}}


def _say_epoch(curves: dict[str, list[float]], epochs: int) -> None:
    loss, accuracy, images, seconds = (curves[name][-1] for name in ("train_loss", "train_acc", "images", "seconds"))
    say(
        f"epoch {len(curves['train_loss'])}/{epochs}: loss {loss:.4f}, accuracy {accuracy:.4f}, "
        f"{images:,} images, {images / seconds:,.0f} images/s"
    )
