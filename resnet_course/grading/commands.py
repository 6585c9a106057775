"""The command line of the classroom: hand out, collect, grade, return."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import filelock

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say
from resnet_course.base.text import clean
from resnet_course.grading.assignment.build import assignment_folders, build_classroom, nbgrader
from resnet_course.grading.assignment.folder import load_assignment
from resnet_course.grading.demo import DEMO, demo, write_rehearsal
from resnet_course.grading.handin.collecting import collect
from resnet_course.grading.handin.owner import is_id
from resnet_course.grading.handin.roster import Roster
from resnet_course.grading.marks.batch import grade_all, is_done, jobs_in
from resnet_course.grading.marks.gradebook import look_into_gradebook, write_marks
from resnet_course.grading.marks.outcomes import Outcome, outcome_file, read_outcome
from resnet_course.grading.marks.returning import REPORTED, finish_feedback, harmless_table, platform_table, report_key
from resnet_course.grading.marks.status import other_ids, status
from resnet_course.grading.sandbox import warm
from resnet_course.grading.sandbox.engines import exposed
from resnet_course.grading.sandbox.session import TRUST, Limits, Sandbox

CLASSROOM = Path("build/classroom")
EXCHANGE = Path("/usr/local/share/nbgrader/exchange")  # where nbgrader keeps hand-ins of others, by default


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what can go wrong is said in one sentence, with exit code 2."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except CourseError as error:
        say(f"error: {error}", error=True)
        return 2
    except KeyboardInterrupt:
        say("stopped; run the same command again, and it goes on where it was", error=True)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m resnet_course.grading", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, text: str, folder: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        if folder:
            command.add_argument("folder", nargs="?", type=Path, default=CLASSROOM, help=f"default: {CLASSROOM}")
        return command

    add("build", _build, "make the course folder of nbgrader, with release versions to hand out")
    taking = add("collect", _collect, "put downloaded notebooks where FOLDER keeps its hand-ins", False)
    taking.add_argument("assignment", help="such as a1_vgg")
    taking.add_argument("source", type=Path, help="what Moodle, Canvas or Blackboard gives, or a folder of notebooks")
    taking.add_argument("--folder", type=Path, default=CLASSROOM, help="default: %(default)s")
    taking.add_argument("--students", type=Path, help="a CSV file with a column `id` and the names that platforms use")
    taking.add_argument("--pattern", help="of a file's name or path, with a group (?P<student>...)")
    taking.add_argument("--encoding", default="utf-8", help="of names in an archive that does not say; such as cp949")
    _grading_options(add("grade", _grade, "grade what is in FOLDER/submitted and was not graded yet"))
    add("feedback", _feedback, "write a page for each hand-in into FOLDER/feedback")
    export = add("export", _export, "write all marks into a CSV file")
    export.add_argument("--to", type=Path, help="default: FOLDER/grades.csv")
    export.add_argument(
        "--layout", choices=("canvas", "moodle"), help="as that platform takes it; empty: not handed in"
    )
    standing = add("status", _status, "say who handed in, and what is missing, late, refused or not marked yet")
    key = add("key", _key, "write what each student should find about the own network, for who marks the reports of A3")
    key.add_argument("--output", type=Path, help="a CSV file; default: standard output")
    for command in (export, standing, key):
        command.add_argument("--students", type=Path, help="a CSV file with a column `id`: who is in the class")
    example = add("demo", _demo, "make and grade a class, and compare each mark with the expected one", False)
    example.add_argument("--students", type=int, default=60)
    example.add_argument("--folder", type=Path, help=f"default: {DEMO}, made anew")
    _grading_options(example)
    add("rehearse", _rehearse, "write a class and its hand-ins into FOLDER/rehearsal, to try the other commands with")
    _sandbox_options(add("doctor", _doctor, "see whether the sandbox works here", False))
    return parser


def _grading_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--workers", type=int, help="hand-ins at a time; default: one for each core")
    command.add_argument("--seconds", type=float, default=Limits.wall, help="for each hand-in; default: %(default)g")
    _sandbox_options(command)


def _sandbox_options(command: argparse.ArgumentParser) -> None:
    choice = command.add_mutually_exclusive_group()
    choice.add_argument("--container", metavar="ENGINE", help="docker or podman, in place of bubblewrap")
    choice.add_argument(TRUST, dest="trust", action="store_true", help="run learners' code like your own")
    command.add_argument("--image", default=Sandbox.image, help="for --container: an image with the course installed")


def _sandbox(options: argparse.Namespace) -> Sandbox:
    sandbox = Sandbox("none" if options.trust else options.container or "bubblewrap", options.image)
    sandbox.check()
    return sandbox


def _build(options: argparse.Namespace) -> None:
    for path in build_classroom(options.folder):
        say(f"to hand out: {path}")
    say("Hand-ins belong in submitted/STUDENT/ASSIGNMENT/ of the same folder; then `grade`.")


def _collect(options: argparse.Namespace) -> None:
    if options.assignment not in {folder.name for folder in assignment_folders()}:
        raise CourseError(f"there is no assignment {options.assignment!r} in assignments/")
    given = options.pattern, options.students, options.encoding
    students = collect(options.source, options.assignment, options.folder, *given)
    say(f"{len(students)} hand-ins of {options.assignment}: {', '.join(students)}")


def _grade(options: argparse.Namespace) -> None:
    if not options.folder.is_dir():
        raise CourseError(f"there is no folder {options.folder}; make it with `build`")
    try:
        with filelock.FileLock(options.folder / ".grading.lock", timeout=0):
            given = options.workers, options.seconds, _sandbox(options)
            outcomes = grade_folder(options.folder, *given)
            say(marks_table(outcomes))
            for name in sorted({outcome.assignment for outcome in outcomes}):
                if other := other_ids(outcome for outcome in outcomes if outcome.assignment == name):
                    say(f"{name}, another id in the notebook: {', '.join(other)}")
    except filelock.Timeout:
        raise CourseError(f"{options.folder} is being graded by another process; wait for it, or stop it") from None


def grade_folder(folder: Path, count: int | None, seconds: float, sandbox: Sandbox) -> list[Outcome]:
    """Grade what has no outcome yet, write all marks into the gradebook, and return all outcomes."""
    from tqdm import tqdm

    limits = Limits(wall=seconds, cpu=max(1, round(seconds / 2)))
    private = [*assignment_folders(), folder, EXCHANGE]
    if sandbox.engine == "bubblewrap" and (seen := exposed(path for path in private if path.exists())):
        raise CourseError(
            f"a learner's code would see {', '.join(map(str, seen))}: it lies below folders of Python or the system. "
            "Move it elsewhere, or grade with a Python in an environment of its own."
        )
    jobs, odd = jobs_in(folder, assignment_folders(), limits, sandbox)
    look_into_gradebook(folder, {job.assignment for job in jobs})
    left = [job for job in jobs if not is_done(job, folder)]
    if left:
        with tqdm(total=len(left), unit="hand-in") as bar:
            odd += grade_all(left, count or os.cpu_count() or 1, folder, bar.update)
    found = [read_outcome(outcome_file(folder, job.assignment, job.student)) for job in jobs]
    outcomes = [outcome for outcome in found if outcome is not None]
    odd += write_marks(outcomes, folder)
    for line in odd:
        say(f"not graded: {line}", error=True)
    return outcomes


def marks_table(outcomes: Sequence[Outcome]) -> str:
    """Points of all hand-ins by student and assignment, and how they ended."""
    names = sorted({outcome.assignment for outcome in outcomes})
    points = {(outcome.student, outcome.assignment): outcome for outcome in outcomes}
    lines = [f"{'student':<28}" + "".join(f"{name:>16}" for name in names)]
    for student in sorted({outcome.student for outcome in outcomes}):
        row = [points.get((student, name)) for name in names]
        lines.append(f"{student:<28}" + "".join(f"{_cell(outcome):>16}" for outcome in row))
    endings = Counter(outcome.ending for outcome in outcomes)
    return "\n".join([*lines, ", ".join(f"{count} {ending}" for ending, count in endings.most_common())])


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "-"
    return f"{outcome.points:g}" if outcome.ending == "graded" else f"{outcome.points:g} ({outcome.ending})"


def _feedback(options: argparse.Namespace) -> int:
    look_into_gradebook(options.folder)
    failed = []
    for name in (folder.name for folder in assignment_folders()):
        students = sorted(path.parent.name for path in (options.folder / "autograded").glob(f"*/{name}"))
        if not students:  # nbgrader fails where there is none
            continue
        try:
            nbgrader(options.folder, "generate_feedback", name, "--force")
        except CourseError as error:  # the others get their pages
            pages = options.folder / "feedback"
            without = [each for each in students if not (pages / each / name / f"{name}.html").is_file()]
            lacking = f"no page for {', '.join(without)}; `grade` again, then this"
            failed.append(f"{name}: {lacking if without else error}")
    say(f"pages to return: {options.folder / 'feedback'}")
    for archive in finish_feedback(options.folder):
        say(f"the same, under the platform's names: {archive}")
    for line in failed:
        say(f"failed: {line}", error=True)
    return 1 if failed else 0


def _export(options: argparse.Namespace) -> None:
    look_into_gradebook(options.folder)
    target = options.to or options.folder / "grades.csv"
    nbgrader(options.folder, "export", f"--CsvExportPlugin.to={target.resolve()}")
    text = target.read_text(encoding="utf-8")
    roster = Roster.read(options.students) if options.students else None
    table = platform_table(text, options.layout, options.folder, roster) if options.layout else harmless_table(text)
    write_atomically(target, table.encode())
    say(f"marks: {target}")


def _status(options: argparse.Namespace) -> None:
    jobs, odd = jobs_in(options.folder, assignment_folders(), Limits(), Sandbox())
    say(status(jobs, odd, options.folder, Roster.read(options.students) if options.students else None))


def _key(options: argparse.Namespace) -> None:
    found = (path for path in (options.folder / "submitted").glob("*") if path.is_dir())
    handed_in = [path.name for path in found if is_id(path.name)]
    roster = Roster.read(options.students).ids if options.students else ()
    students = sorted({clean(student) for student in (*handed_in, *roster)})
    if not students:
        raise CourseError(f"no students in {options.folder}/submitted; name a list of them with --students")
    assignments = [load_assignment(folder) for folder in assignment_folders()]
    reported = [assignment for assignment in assignments if set(REPORTED) <= assignment.answers.keys()]
    if not reported:
        raise CourseError(f"no assignment here has the tasks {' and '.join(REPORTED)}, whose numbers the key holds")
    table = report_key(students, reported[0])
    if options.output:
        write_atomically(options.output, table.encode())
        say(f"the key, not for learners: {options.output}")
    else:
        say(table.rstrip("\n"))


def _demo(options: argparse.Namespace) -> int:
    def grade(folder: Path) -> list[Outcome]:
        return grade_folder(folder, options.workers, options.seconds, sandbox)

    sandbox = _sandbox(options)
    return demo(options.students, options.folder, grade, marks_table)


def _rehearse(options: argparse.Namespace) -> None:
    write_rehearsal(options.folder)


def _doctor(options: argparse.Namespace) -> None:
    sandbox = _sandbox(options)
    if sandbox.engine == "none":
        say("no sandbox: a learner's code would run like your own, with your network and your files.")
        return
    say(f"{sandbox.engine}: works. A learner's code gets no network, no file of yours, and no new process.")
    if sandbox.engine == "bubblewrap" and (starter := warm.borrow(Limits.scratch)):
        warm.give_back(starter)
        say("warm: each hand-in runs in a fork of a process that has PyTorch loaded.")
    else:
        say(
            "not warm: every hand-in starts Python and PyTorch anew. Marks are the same and take longer. Forks need "
            f"bubblewrap, user namespaces inside one another, and PyTorch loaded within {warm.READY:g} seconds."
        )
