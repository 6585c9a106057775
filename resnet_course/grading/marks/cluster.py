"""Many hand-ins: each is graded by a worker of a Dask cluster, one process writes the outcomes."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil

from resnet_course.base.errors import CourseError
from resnet_course.grading.assignment.folder import load_assignment
from resnet_course.grading.handin.harmless import plain_words
from resnet_course.grading.handin.preflight import RefusedError, find_notebook, read_hand_in
from resnet_course.grading.marks.judging import Judgement, judge
from resnet_course.grading.marks.marking import earned
from resnet_course.grading.marks.outcomes import Outcome, outcome_file, read_outcome, write_outcome
from resnet_course.grading.sandbox.session import Limits, Sandbox

MOST_TOLD = 8  # cells whose errors are told to the learner
IN_FLIGHT = 3  # hand-ins for each worker that the scheduler knows of; more would only fill its memory
MOST_HASHED = 64 * 2**20  # bytes of a file that its digest looks at


@dataclass(frozen=True)
class Job:
    """One hand-in to be graded; small, since it travels to a worker.

    Args:
        student, assignment: whose, and which.
        folder: of the hand-in.
        release: the notebook that was handed out.
        tests: the assignment's own folder, with the hidden tests.
        limits, sandbox: see `sandbox`.
    """

    student: str
    assignment: str
    folder: str
    release: str
    tests: str
    limits: Limits
    sandbox: Sandbox


def grade_one(job: Job) -> Outcome:
    """Grade a hand-in. Whatever is in it, there is an outcome."""
    started = time.perf_counter()
    assignment = load_assignment(Path(job.tests))
    digest = digest_of(Path(job.folder))

    try:
        path, repairs = find_notebook(Path(job.folder), job.assignment)
        hand_in = read_hand_in(path, nbformat.read(job.release, as_version=4))
    except (RefusedError, OSError) as error:
        unread = [earned(task, 0.0, "not written", None, "the hand-in could not be read.") for task in assignment.tasks]
        judged, repairs = Judgement("refused", tuple(unread), (), ""), [str(error)]
    else:
        judged = judge(assignment, job.student, hand_in, job.limits, job.sandbox)
        told = [
            f"{label}, {plain_words(note)}" for label, note in zip(hand_in.labels, judged.notes, strict=False) if note
        ]
        repairs = [*repairs, *hand_in.repairs, *told[:MOST_TOLD]]
        repairs += [f"{len(told) - MOST_TOLD} more cells raised an error"] if len(told) > MOST_TOLD else []
    return Outcome(
        job.student,
        job.assignment,
        digest,
        assignment.digest,
        judged.ending,
        judged.marks,
        tuple(repairs),
        judged.notes,
        judged.log,
        seconds=round(time.perf_counter() - started, 2),
    )


def digest_of(folder: Path) -> str:
    """SHA-256 over names and contents of a hand-in's files; links count by what they point to, unread."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []:
        digest.update(f"{path.name}\0".encode(errors="surrogateescape"))
        if path.is_symlink():
            digest.update(str(path.readlink()).encode(errors="surrogateescape"))
        elif path.is_file():
            with open(path, "rb") as file:
                digest.update(file.read(MOST_HASHED))
    return digest.hexdigest()


def jobs_in(folder: Path, tests: list[Path], limits: Limits, sandbox: Sandbox) -> list[Job]:
    """All hand-ins of a course folder of nbgrader: submitted/STUDENT/ASSIGNMENT.

    Raises:
        CourseError: if there are none, or an assignment that was handed in has no release version.
    """
    known = {path.name: path for path in tests}
    jobs = []
    for hand_in in sorted((folder / "submitted").glob("*/*")):
        if hand_in.name not in known or not hand_in.is_dir():
            continue
        release = folder / "release" / hand_in.name / f"{hand_in.name}.ipynb"
        if not release.is_file():
            raise CourseError(f"{release} is missing; build it with `python -m resnet_course.grading build {folder}`")
        job = Job(
            hand_in.parent.name, hand_in.name, str(hand_in), str(release), str(known[hand_in.name]), limits, sandbox
        )
        jobs.append(job)
    if not jobs:
        raise CourseError(f"no hand-ins in {folder}: they belong in submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb")
    return jobs


def is_done(job: Job, folder: Path) -> bool:
    """Whether a job has an outcome that is of the same hand-in and the same hidden tests."""
    known = read_outcome(outcome_file(folder, job.assignment, job.student))
    if known is None or known.tests != load_assignment(Path(job.tests)).digest:
        return False
    return known.hand_in == digest_of(Path(job.folder))


@contextlib.contextmanager
def cluster(scheduler: str | None, workers: int | None) -> Iterator[Any]:
    """A client of Dask: of a cluster on this machine, or of the scheduler at an address.

    Raises:
        CourseError: if dask.distributed is missing, or there is no scheduler.
    """
    try:
        from dask import config
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise CourseError("Dask is missing. In the course's folder: pip install -e '.[classroom]'") from error
    # A worker that dies is an accident of this machine, not of a hand-in: its job is given to another one.
    with config.set({"distributed.scheduler.allowed-failures": 3, "distributed.logging.distributed": "error"}):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=20)
            except OSError as error:
                raise CourseError(f"no scheduler answers at {scheduler}: {error}") from error
            with client:
                yield client
            return
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as local,
            Client(local) as client,
        ):
            yield client


def grade_all(client: Any, jobs: list[Job], folder: Path, done: Callable[[Outcome], None]) -> None:
    """Grade what has no outcome yet. Only a few jobs at a time are known to the scheduler.

    Args:
        client: of Dask.
        jobs: in any order; marks do not depend on it.
        folder: the course folder, for the outcomes; this process alone writes there.
        done: called with each outcome once it is written.
    """
    from distributed import as_completed

    waiting = iter(job for job in jobs if not is_done(job, folder))
    workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    first = itertools.islice(waiting, IN_FLIGHT * workers)
    running = as_completed([client.submit(grade_one, job, pure=False) for job in first])
    for future in running:
        outcome = future.result()
        future.release()
        write_outcome(outcome, folder)
        done(outcome)
        following = next(waiting, None)
        if following is not None:
            running.add(client.submit(grade_one, following, pure=False))


def scheduler_memory(client: Any) -> int:
    """Bytes that the scheduler's process holds in memory."""
    return int(client.run_on_scheduler(lambda: psutil.Process().memory_info().rss))
