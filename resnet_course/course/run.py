"""Run lessons headless: executed notebooks, pages, and a table of verdicts."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say
from resnet_course.course.work import edition
from resnet_course.notebook.lessons import LESSONS, Lesson
from resnet_course.notebook.messages import MIME_TYPE, SIGNS

if TYPE_CHECKING:
    import nbformat  # of the extra `lab`; the rest of this module works without it
    from nbclient import NotebookClient

CELL_TIMEOUT = 3600  # seconds; a full-profile training is one cell
DIGEST = "resnet_course_sha256"  # in an executed notebook's metadata: of the file that was run
PROFILE = "resnet_course_profile"  # there, too: the profile asked for

# Bars and controls are of no use in a saved page, and a learner's journal is for what the learner wrote.
HEADLESS = {"RESNET_COURSE_PROGRESS": "0", "RESNET_COURSE_WIDGETS": "0", "RESNET_COURSE_JOURNAL": "off"}
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


def course_root() -> Path:
    """The folder that holds `notebooks`: the current folder, one above it, or the package's own checkout.

    Raises:
        CourseError: if none of them does.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (folder / "notebooks" / "sources").is_dir():
            return folder
    raise CourseError("the notebooks are not here. Clone the repository and run this inside it.")


@dataclass(frozen=True)
class Outcome:
    """What a run of a lesson gave."""

    lesson: Lesson
    seconds: float
    verdicts: tuple[dict[str, Any], ...]
    error: str | None

    @property
    def summary(self) -> str:
        """One phrase for the table."""
        if self.error is not None:
            return f"failed: {self.error}"
        found = Counter(verdict["status"] for verdict in self.verdicts)
        return ", ".join(f"{count} {status}" for status, count in found.items()) or "ran; it has no verdicts"


def run_lessons(lessons: Iterable[Lesson], root: Path, student: bool = False, language: str = "en") -> list[Outcome]:
    """Run lessons, keep executed notebooks and HTML in `root / "build"`, print a table.

    On a CPU as many side by side as `default_jobs` says: networks as small as the lessons' gain little from a second
    thread. The lessons whose numbers are seconds follow, one at a time.
    """
    lessons, started = list(lessons), time.perf_counter()
    for lesson in lessons:
        _source(lesson, root, student, language)  # before minutes are spent on the others
    longest_first = sorted((lesson for lesson in lessons if not lesson.timed), key=lambda lesson: -lesson.seconds)
    at_once = 1
    if len(longest_first) > 1:
        from resnet_course.experiments.reproducing import default_jobs  # loads PyTorch

        at_once = min(default_jobs(), len(longest_first))
    outcomes = _run_in_threads(longest_first, root, student, language, at_once)
    outcomes += _run_in_threads([lesson for lesson in lessons if lesson.timed], root, student, language)
    outcomes.sort(key=lambda outcome: lessons.index(outcome.lesson))
    _print_table(outcomes, at_once, time.perf_counter() - started)
    return outcomes


def run_lesson(lesson: Lesson, root: Path, student: bool = False, language: str = "en") -> Outcome:
    """Run one lesson's solution notebook, or the student's, in a kernel of its own. Those of another language than
    English lie in a folder of its name.

    Raises:
        CourseError: if the notebook is missing.
    """
    return _run_in_threads([lesson], root, student, language)[0]


def _run_in_threads(lessons: list[Lesson], root: Path, student: bool, language: str, at_once: int = 1) -> list[Outcome]:
    """Run notebooks in threads of their own: in the main one nbclient would keep Ctrl-C to itself, and go on."""
    clients: list[NotebookClient] = []
    with ThreadPoolExecutor(max(1, at_once)) as pool:
        runs = [pool.submit(_execute, lesson, root, student, language, at_once, clients) for lesson in lessons]
        try:
            while not all(run.done() for run in runs):  # on Windows no wait without a limit can be interrupted
                wait(runs, timeout=0.2)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(run.done() for run in runs):  # a thread ends with its kernel, which may just be starting
                for client in clients:
                    if kernel := getattr(getattr(client.km, "provisioner", None), "process", None):
                        kernel.kill()
                wait(runs, timeout=0.2)
            raise
    return [run.result() for run in runs]


def _source(lesson: Lesson, root: Path, student: bool, language: str) -> Path:
    path = root / "notebooks" / edition(language) / ("" if student else "solutions") / lesson.file_name
    if not path.is_file():
        raise CourseError(f"{path} is missing; build it with `python -m resnet_course notebooks`")
    return path


def _execute(
    lesson: Lesson, root: Path, student: bool, language: str, at_once: int, clients: list[NotebookClient]
) -> Outcome:
    import nbformat
    from nbclient import NotebookClient  # only needed to run lessons headless
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    path = _source(lesson, root, student, language)
    notebook = nbformat.read(path, as_version=4)
    # The kernel starts in the notebook's folder, as in JupyterLab.
    resources = {"metadata": {"path": str(path.parent)}}
    quiet = ["--log-level=ERROR"]  # ipykernel warns that it talks over loopback unencrypted
    client = NotebookClient(
        notebook, timeout=CELL_TIMEOUT, kernel_name="python3", resources=resources, extra_arguments=quiet
    )
    clients.append(client)
    say(f"lesson {lesson.number}: {lesson.title} ...")
    started, error = time.perf_counter(), None
    environment = {**os.environ, **HEADLESS, **(ONE_THREAD if at_once > 1 else {})}
    try:
        client.execute(env=environment)
    except CellExecutionError as failure:
        error = f"{failure.ename}: {failure.evalue}".split("\n")[0]
    except DeadKernelError:
        error = "the kernel died (often: out of memory)"
    seconds = time.perf_counter() - started
    target = root / "build" / edition(language) / ("student" if student else "solutions") / lesson.file_name
    save_executed(notebook, path, target)
    _write_page(notebook, target)
    return Outcome(lesson, seconds, tuple(_verdicts(notebook)), error)


def stale_lessons(root: Path, lessons: Iterable[Lesson] = LESSONS, language: str = "en") -> list[str]:
    """Lessons without an executed solution notebook that is whole and of today's solutions: one sentence each."""
    import nbformat

    problems = []
    for lesson in lessons:
        path = root / "build" / edition(language) / "solutions" / lesson.file_name
        if not path.is_file():
            problems.append(f"lesson {lesson.number} was not run")
            continue
        notebook = nbformat.read(path, as_version=4)
        if notebook.metadata.get(DIGEST) != file_digest(
            root / "notebooks" / edition(language) / "solutions" / lesson.file_name
        ):
            problems.append(f"lesson {lesson.number} has changed since it was run")
        elif notebook.metadata.get(PROFILE) == "smoke":
            problems.append(f"lesson {lesson.number} was run in the smoke profile, so its numbers mean nothing")
        elif any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", ())):
            problems.append(f"lesson {lesson.number} ended with an error")
    return problems


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_executed(notebook: nbformat.NotebookNode, source: Path, target: Path) -> None:
    """Write an executed notebook, with the digest of the file that was run and the profile that was asked for.

    Args:
        notebook: with its outputs.
        source: the notebook that was run.
        target: where to write.
    """
    import nbformat

    notebook.metadata[DIGEST] = file_digest(source)
    notebook.metadata[PROFILE] = os.environ.get("RESNET_COURSE_PROFILE", "")
    write_atomically(target, nbformat.writes(notebook).encode())


def _write_page(notebook: nbformat.NotebookNode, target: Path) -> None:
    from nbconvert import HTMLExporter  # only needed to run lessons headless

    page, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": target.stem}})
    write_atomically(target.with_suffix(".html"), page.encode())


def _verdicts(notebook: nbformat.NotebookNode) -> Iterable[dict[str, Any]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            found = output.get("data", {}).get(MIME_TYPE, {})
            if "verdict" in found:
                yield found["verdict"]


def _print_table(outcomes: Iterable[Outcome], at_once: int, seconds: float) -> None:
    say(f"\n{'lesson':<44}{'seconds':>8}  verdict")
    for outcome in outcomes:
        say(f"{outcome.lesson.number} {outcome.lesson.title:<41}{outcome.seconds:>8.1f}  {outcome.summary}")
        for verdict in outcome.verdicts:
            say(f"{'':<54}{SIGNS[verdict['status']]} {verdict['claim']} ({verdict['numbers']})")
    side_by_side = f"{at_once} side by side, one thread each; those about seconds alone" if at_once > 1 else ""
    say(f"{'all':<44}{seconds:>8.1f}  {side_by_side}")
