"""Run what is missing of a plan, several runs at a time; a stop at any moment costs at most an epoch of each."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import torch

from resnet_course import runtime
from resnet_course.base.errors import CourseError
from resnet_course.base.progress import say
from resnet_course.experiments.estimates import in_minutes, seconds_left
from resnet_course.experiments.performing import perform
from resnet_course.experiments.plans import PLANS, find_plan
from resnet_course.experiments.records import (
    SHIPPED,
    Record,
    load_records,
    missing_runs,
    record_path,
    weights_path,
    write_record,
)
from resnet_course.experiments.runs import Run
from resnet_course.training import Precision

MOST_JOBS = 4  # each is a process of its own, with the data in its memory


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
    return max(1, min(MOST_JOBS, cores))


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
    tasks = missing_tasks(name, dataset, results)
    total = len(find_plan(name, dataset))
    jobs = min(jobs or default_jobs(), len(tasks))
    left = [task.run for task in tasks]
    with _one_thread():
        for task, error in _side_by_side(tasks, jobs) if jobs > 1 else map(make_record, tasks):
            left.remove(task.run)
            rest = f"; minutes left: {in_minutes(seconds_left(left, results, jobs))}" if left else ""
            say(f"{total - len(left)}/{total} {task.path.stem}: training error {error:.3f}{rest}")
    return load_records(name, dataset, results)


def missing_tasks(name: str, dataset: str, results: Path) -> list[Task]:
    """What is left to do of a plan, see `records.missing_runs`."""
    runs = missing_runs(name, dataset, results)
    if not runs:
        return []
    with _one_thread():
        precision = runtime.precision()  # measured once, before the processes start and compete
    keeps_weights = PLANS[name].keeps_weights
    return [
        Task(
            run,
            str(dataset),
            record_path(name, dataset, run, results),
            precision,
            weights_path(run.network, dataset, results) if keeps_weights else None,
        )
        for run in runs
    ]


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
