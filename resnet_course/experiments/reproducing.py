"""Run what is missing of a plan, several runs at a time; a stop at any moment costs at most an epoch of each."""

from __future__ import annotations

import contextlib
import functools
import math
import multiprocessing
import os
import platform
import signal
import statistics
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from resnet_course import __version__, data, runtime
from resnet_course.base.errors import CourseError
from resnet_course.base.progress import say
from resnet_course.base.schema import read_json
from resnet_course.experiments.plans import PLANS, Run, build_network, find_plan
from resnet_course.experiments.records import (
    SCHEMA,
    SHIPPED,
    Record,
    kept_weights,
    load_records,
    missing_runs,
    record_path,
    save_weights,
    write_record,
)
from resnet_course.inspection import count_multiply_adds
from resnet_course.training import Precision, evaluate, reset_seeds

MOST_JOBS = 4  # each is a process of its own, with the data in its memory


# --- One run -------------------------------------------------------------------------------------------------------


def perform(
    run: Run,
    dataset: str,
    checkpoint: Path | None = None,
    precision: Precision | None = None,
    weights: Path | None = None,
) -> Record:
    """Train once and describe it: configuration, data, machine, versions, errors, curves, seconds.

    Args:
        run: what to train.
        dataset: a name, or a folder of images.
        checkpoint: see `training.fit`.
        precision: None means the fastest on this machine.
        weights: file for the trained network; None keeps none.

    Raises:
        CourseError: if the data cannot be read, or the loss leaves the range of floats.
    """
    import torchvision  # for its version alone, and it takes long

    where = runtime.profile().device
    precision = precision or runtime.precision()
    train, test = run.load_images(dataset)
    batches = data.Batches(train, run.batch_size, True, run.augmentation(), seed=run.seed, device=where)
    clean = data.Batches(train, 500, device=where)
    unseen = data.Batches(test, 500, mean=batches.mean, std=batches.std, device=where)
    reset_seeds(run.seed)
    model: Any = run.build(len(train.classes)).to(where)
    history = run.train(model, batches, clean, precision, checkpoint)
    digest = train.sha256()
    if weights is not None:
        save_weights(model, weights, {"network": run.network, "data": train.name, "data_sha256": digest})
    train_loss, train_accuracy = evaluate(model, clean)
    _, test_accuracy = evaluate(model, unseen)
    machine = {"device": str(where), "processor": platform.machine(), "threads": torch.get_num_threads()}
    if where.type == "cuda":
        machine["gpu"] = torch.cuda.get_device_name(where)
    return {
        "schema": SCHEMA,
        "configuration": asdict(run),
        "data": {"name": train.name, "images": len(train), "sha256": digest},
        "train_error": 1 - train_accuracy,
        "train_loss": train_loss,
        "test_error": 1 - test_accuracy,
        "curves": {"train_loss": history.train_loss, "train_acc": history.train_acc},
        "seconds": round(sum(history.seconds), 2),
        "images_per_second": round(run.epochs * len(train) / sum(history.seconds), 1),
        **run.measure(model, clean, unseen),
        "machine": machine,
        "precision": str(precision),
        "versions": {"resnet_course": __version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
    }


# --- All runs of a plan --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One run of a plan, with all that a process needs to make its record."""

    run: Run
    dataset: str
    path: Path
    precision: Precision
    weights: Path | None = None


def default_jobs() -> int:
    """Runs at a time: one for each core, at most four; one on a GPU."""
    if runtime.device().type != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_JOBS, cores)


def reproduce(name: str, dataset: str = "shapes", results: Path = SHIPPED, jobs: int | None = None) -> list[Record]:
    """Run what is missing of a plan and return all its records.

    On a CPU every run computes in one thread, whatever `jobs` is: for such small networks two processes of one
    thread each are faster than one process of two threads, and the records do not depend on how many ran side by side.

    Args:
        name: of the plan.
        dataset: a name, or a folder of images.
        results: folder of the records.
        jobs: runs at a time; None means `default_jobs()`.

    Raises:
        CourseError: if there is no such plan, the data cannot be read, a file in the folder is a record of another
            run, or a process was ended from outside. What was finished by then stays.
    """
    if jobs is not None and jobs < 1:
        raise CourseError(f"--jobs must be at least 1, got {jobs}")
    with _one_thread():
        tasks = missing_tasks(name, dataset, results)
        total, left = len(find_plan(name, dataset)), [task.run for task in tasks]
        jobs = min(jobs or default_jobs(), len(tasks))
        for task, error in _side_by_side(tasks, jobs) if jobs > 1 else map(make_record, tasks):
            left.remove(task.run)
            rest = f"; minutes left: {in_minutes(seconds_left(left, results, jobs))}" if left else ""
            say(f"{total - len(left)}/{total} {task.path.stem}: training error {error:.3f}{rest}")
    return load_records(name, dataset, results)


def missing_tasks(name: str, dataset: str, results: Path) -> list[Task]:
    """What is left to do of a plan, see `records.missing_runs`."""
    tasks = []
    for run in missing_runs(name, dataset, results):
        path = record_path(name, dataset, run, results)
        # The precision is measured once, before the processes start and compete.
        tasks.append(Task(run, str(dataset), path, runtime.precision(), kept_weights(name, dataset, run, results)))
    return tasks


def make_record(task: Task) -> tuple[Task, float]:
    """Make a run's record. Returns the task and the training error.

    After each epoch the state is kept in a file beside the record, so that a run that was stopped goes on from its
    last epoch. The record is written last: while it is missing, the run counts as not done.
    """
    unfinished = task.path.with_suffix(".unfinished.pt")
    record = perform(task.run, task.dataset, unfinished, task.precision, task.weights)
    write_record(record, task.path)
    unfinished.unlink(missing_ok=True)
    return task, record["train_error"]


def _side_by_side(tasks: list[Task], jobs: int) -> Iterator[tuple[Task, float]]:
    """The results of the tasks as they are finished, from `jobs` processes."""
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of PyTorch's threads
    strangers = set(multiprocessing.active_children())
    with ProcessPoolExecutor(jobs, context, _start_worker) as pool:
        futures = [pool.submit(make_record, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise CourseError(
                "a process was ended from outside; often the memory was full. What was finished is kept: run the same "
                "command again, with a smaller --jobs if memory was the reason."
            ) from error
        finally:  # after an error or Ctrl-C nothing is left running; the next start goes on from the last epochs
            pool.shutdown(wait=False, cancel_futures=True)
            if not all(future.done() for future in futures):
                for child in set(multiprocessing.active_children()) - strangers:
                    child.terminate()


def _start_worker() -> None:
    """A worker computes in one thread, shows no progress bar, and ends when the process that started it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # after Ctrl-C the process that started it ends it
    os.environ["RESNET_COURSE_PROGRESS"] = "0"
    if runtime.device().type == "cpu":
        torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # a killed parent cannot end its workers, and two starts must not do the same run


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One thread inside the block on a CPU; the caller's number afterwards."""
    threads = torch.get_num_threads()
    if runtime.device().type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# --- How long it takes ---------------------------------------------------------------------------------------------


def seconds_left(runs: Iterable[Run], results: Path = SHIPPED, jobs: int = 1) -> float:
    """Seconds that runs will take, `jobs` at a time; NaN if there is no record to judge by.

    The work of a run is counted as multiply-adds x images x epochs. How much of it a second does is the median over
    the records of the same network and image size, else over all: of the records in `results`, or of the shipped
    ones, which may come from another machine.
    """
    rates = _recorded_rates(results) or _recorded_rates(SHIPPED)
    everything = [rate for each in rates.values() for rate in each] or [math.nan]
    known = {key: statistics.median(each) for key, each in rates.items()}
    rest = statistics.median(everything)
    return sum(_work(run) / known.get((run.network, run.image_size), rest) for run in runs) / max(1, jobs)


def _recorded_rates(results: Path) -> dict[tuple[str, int], list[float]]:
    """Multiply-adds a second of every record of a folder, by network and image size."""
    rates: dict[tuple[str, int], list[float]] = {}
    for path in sorted(results.glob("*/*.json")):
        try:
            record = read_json(path)
            run = Run(**{field.name: record["configuration"][field.name] for field in fields(Run)})
            rates.setdefault((run.network, run.image_size), []).append(_work(run) / record["seconds"])
        except (OSError, ValueError, TypeError, KeyError, ZeroDivisionError, CourseError):
            continue  # no record, or of a network that is gone: an estimate can do without it
    return rates


def _work(run: Run) -> float:
    return float(_multiply_adds(run.network, run.image_size)) * run.images * run.epochs


@functools.cache
def _multiply_adds(network: str, image_size: int) -> int:
    with torch.random.fork_rng(devices=[]):  # new layers draw random weights; the caller's draws stay
        return count_multiply_adds(build_network(network, 10, image_size), (3, image_size, image_size))


def in_minutes(seconds: float) -> str:
    """A time for people: minutes, or "unknown" for NaN."""
    return "unknown" if math.isnan(seconds) else f"{seconds / 60:.1f}"


def list_plans(results: Path = SHIPPED, jobs: int = 1) -> list[str]:
    """A table in lines: each plan on `shapes` and on every data set with records, and the minutes of what is missing.

    Args:
        results: folder of the records.
        jobs: runs at a time.
    """
    lines = [f"{'plan':<16}{'data set':<16}{'runs':>5}{'recorded':>10}{'minutes left':>14}"]
    for name in PLANS:
        found = sorted(folder.name.removeprefix(f"{name}_") for folder in results.glob(f"{name}_*") if folder.is_dir())
        for dataset in dict.fromkeys(["shapes", *found]):
            runs = len(find_plan(name, dataset))
            line = f"{name:<16}{dataset:<16}{runs:>5}"
            try:
                missing = missing_runs(name, dataset, results)
                left = in_minutes(seconds_left(missing, results, jobs)) if missing else "-"
                lines.append(f"{line}{runs - len(missing):>10}{left:>14}")
            except CourseError as error:
                lines.append(f"{line}  {error}")
    return [*lines, "", *(f"{name}: {plan.question}" for name, plan in PLANS.items())]
