"""Many hand-ins side by side; one thread writes the outcomes."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import nbformat

from resnet_course.base.errors import CourseError
from resnet_course.base.text import clean, whole
from resnet_course.grading.assignment.folder import load_assignment
from resnet_course.grading.handin.harmless import plain, plain_words
from resnet_course.grading.handin.owner import is_id
from resnet_course.grading.handin.preflight import MOST_BYTES, HandIn, RefusedError, find_notebook, read_hand_in
from resnet_course.grading.marks.judging import Judgement, judge
from resnet_course.grading.marks.marking import earned
from resnet_course.grading.marks.outcomes import Outcome, outcome_file, read_outcome, write_outcome
from resnet_course.grading.sandbox import warm
from resnet_course.grading.sandbox.session import Limits, Sandbox

MOST_TOLD = 8  # cells whose errors are told to the learner
MOST_HASHED = 20  # notebooks in a hand-in that its digest looks at
OTHER_ID = 'the notebook names the student "'  # so begins what is said of an id that is not the student's


@dataclass(frozen=True)
class Job:
    """One hand-in to be graded.

    Args:
        student, assignment: whose, and which.
        folder: of the hand-in.
        release: the notebook that was handed out.
        tests: the assignment's own folder, with the hidden tests.
        limits, sandbox: see `sandbox`.
        tests_digest: of the tests.
        digest: of the hand-in's notebooks.
    """

    student: str
    assignment: str
    folder: str
    release: str
    tests: str
    limits: Limits
    sandbox: Sandbox
    tests_digest: str = ""
    digest: str = ""


def grade_one(job: Job) -> Outcome:
    """Grade a hand-in. Whatever is in it, there is an outcome."""
    started = time.perf_counter()
    assignment = load_assignment(Path(job.tests))
    try:
        path, repairs = find_notebook(Path(job.folder), job.assignment)
        hand_in = read_hand_in(path, nbformat.v4.reads(Path(job.release).read_text(encoding="utf-8")))
    except (RefusedError, OSError) as error:
        unread = [earned(task, 0.0, "not written", None, "the hand-in could not be read.") for task in assignment.tasks]
        judged, repairs = Judgement("refused", tuple(unread), (), ""), [str(error)]
    else:
        judged = judge(assignment, job.student, hand_in, job.limits, job.sandbox)
        told = [
            f"{label}, {plain_words(note)}" for label, note in zip(hand_in.labels, judged.notes, strict=False) if note
        ]
        repairs = [*repairs, *hand_in.repairs, *told[:MOST_TOLD]]
        repairs += [odd] if (odd := _other_id(hand_in, job.student)) else []
        repairs += [f"{len(told) - MOST_TOLD} more cells raised an error"] if len(told) > MOST_TOLD else []
    return Outcome(
        job.student,
        job.assignment,
        job.digest or digest_of(Path(job.folder)),
        assignment.digest,
        judged.ending,
        judged.marks,
        tuple(repairs),
        judged.notes,
        judged.log,
        seconds=round(time.perf_counter() - started, 2),
    )


def _other_id(hand_in: HandIn, student: str) -> str:
    """What is odd about the id that the learner wrote into the notebook, where an assignment asks for one."""
    for cell in hand_in.cells:
        found = re.search(r"^student[ \t]*=[ \t]*([\"'])(.*?)\1[ \t\r]*(?:#.*)?$", cell, re.MULTILINE)
        if found and clean(found[2]).strip().casefold() != clean(student).strip().casefold():
            return (
                f'{OTHER_ID}{plain(found[2])}", and it is marked for "{plain(student)}": what is '
                "drawn from the id, such as the stages of a network, differs; say so if the id is wrong"
            )
    return ""


def digest_of(folder: Path) -> str:
    """SHA-256 over names and contents of the notebooks in a hand-in; links count by what they point to, unread.

    Of a file too large to be graded only the size counts.
    """
    digest = hashlib.sha256()
    found = sorted(folder.glob("*")) if folder.is_dir() and not folder.is_symlink() else []
    for path in [path for path in found if path.suffix.lower() == ".ipynb"][:MOST_HASHED]:
        digest.update(f"{path.name}\0".encode(errors="surrogateescape"))
        if path.is_symlink():
            digest.update(str(path.readlink()).encode(errors="surrogateescape"))
        elif path.is_file():
            size = path.stat().st_size
            digest.update(path.read_bytes() if size <= MOST_BYTES else str(size).encode())
    return digest.hexdigest()


def jobs_in(folder: Path, tests: list[Path], limits: Limits, sandbox: Sandbox) -> tuple[list[Job], list[str]]:
    """All hand-ins of a course folder of nbgrader, submitted/STUDENT/ASSIGNMENT, and what is none, with the reason.

    Raises:
        CourseError: if there are none, or an assignment that was handed in has no release version.
    """
    known = {path.name: path for path in tests}
    jobs, odd = [], []
    for hand_in in sorted((folder / "submitted").glob("*/*")):
        if hand_in.name not in known or not hand_in.is_dir():
            continue
        if not is_id(hand_in.parent.name):
            odd.append(f"{whole(str(hand_in))!r}: the folder's name is no student's id; rename it")
            continue
        release = folder / "release" / hand_in.name / f"{hand_in.name}.ipynb"
        if not release.is_file():
            raise CourseError(f"{release} is missing; build it with `python -m resnet_course.grading build {folder}`")
        student, name = hand_in.parent.name, hand_in.name
        tests_digest = load_assignment(known[name]).digest
        try:
            digest = digest_of(hand_in)
        except OSError as error:
            odd.append(f"{hand_in}: it cannot be read ({error.strerror or error})")
            continue
        jobs.append(
            Job(student, name, str(hand_in), str(release), str(known[name]), limits, sandbox, tests_digest, digest)
        )
    if not jobs and not odd:
        raise CourseError(f"no hand-ins in {folder}: they belong in submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb")
    return jobs, odd


def is_done(job: Job, folder: Path) -> bool:
    """Whether a job has an outcome that is of the same hand-in and the same hidden tests."""
    known = read_outcome(outcome_file(folder, job.assignment, job.student))
    return known is not None and (known.hand_in, known.tests) == (job.digest, job.tests_digest)


def grade_all(jobs: list[Job], at_a_time: int, folder: Path, done: Callable[[], object]) -> list[str]:
    """Grade jobs side by side. A thread for each is enough: what takes long is a hand-in's own process.

    Args:
        jobs: in any order; marks do not depend on it.
        at_a_time: how many.
        folder: the course folder, for the outcomes; this thread alone writes there.
        done: called after each.

    Returns:
        What could not be graded, with the reason: an accident of the grader, and tried again the next time.
    """
    failed = []
    pool = ThreadPoolExecutor(at_a_time)
    try:
        running = {pool.submit(grade_one, job): job for job in jobs}
        for future in as_completed(running):
            job = running[future]
            try:
                write_outcome(future.result(), folder)
            except Exception as error:  # whatever a hand-in makes happen, the others go on
                failed.append(f"{job.student}, {job.assignment}: {type(error).__name__}: {error}"[:300])
            done()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        warm.end_all()
    return failed
