"""The command line: everything the Makefile does, without make."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from resnet_course import __version__
from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.progress import say

Command = Callable[[argparse.Namespace], int]
PROFILE = "RESNET_COURSE_PROFILE"

LAB = ("nbclient", "nbconvert", "nbformat")  # imported by commands that the extra `lab` is enough for

# One process for each core, with one thread each: for networks this small that is faster than two threads in one.
WORKERS = ("-n", "auto", "--maxprocesses", "4")
PYTEST = ("-m", "pytest")
NBVAL = (*PYTEST, "--dist", "loadfile", "--nbval-lax", "--nbval-current-env")


class Step(NamedTuple):
    """A part of `test`: what it is called, what Python runs, and settings where the environment has none."""

    title: str
    arguments: tuple[str, ...]
    settings: Mapping[str, str] = {}


# What `test` runs: one group after the other, the steps of a group side by side. The last one of a group is seen as it
# goes, what the others say comes after it. The first group that fails ends it; the complete run goes on to its end.
Steps = tuple[tuple[Step, ...], ...]
READ_STEPS = (
    Step("lint", ("-m", "ruff", "check", ".")),
    Step("format", ("-m", "ruff", "format", "--check", ".")),
    Step(
        "arrows between modules",
        ("-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-logo"),
    ),
)
TYPES = Step("types", ("-m", "mypy"))
UNIT_TESTS = Step("tests", (*PYTEST, *WORKERS, "--dist", "worksteal"))  # no worker waits for the last long test
QUICK = "not (browser or claims or colab or release or complete)"
QUICK_TESTS = UNIT_TESTS._replace(arguments=(*UNIT_TESTS.arguments, "-m", QUICK))
SOLUTIONS = Step("solution notebooks", (*NBVAL, *WORKERS, "notebooks/solutions"), {PROFILE: "quick"})
STUDENTS = (*NBVAL, "-n", "2", "notebooks", "--ignore=notebooks/solutions")
TEST_STEPS: Steps = (
    READ_STEPS,
    (TYPES, Step("a tenth of the mutants", ("tests/mutation_run.py", "--every", "10")), QUICK_TESTS),
    # Do all cells run as they are handed out, in both languages; are the claims true?
    (Step("student and Korean notebooks", STUDENTS, {PROFILE: "smoke"}), SOLUTIONS),
)
ALL_STEPS: Steps = (
    READ_STEPS,
    (TYPES, Step("mutants", ("tests/mutation_run.py",)), UNIT_TESTS),
    (Step("checks", ("-m", "resnet_course", "checks", "--table")),),  # other spellings, and pairs: nine of ten
    (Step("student notebooks", (*STUDENTS, "--ignore=notebooks/ko"), {PROFILE: "smoke"}), SOLUTIONS),
    (Step("Korean notebooks", (*NBVAL, *WORKERS, "notebooks/ko"), {PROFILE: "quick"}),),
    (Step("claims", (*PYTEST, *WORKERS, "-m", "claims", "tests/course/test_claims.py")),),
    (Step("site", ("site/build_site.py",)),),  # of the notebooks that have just run
    (Step("browser", (*PYTEST, *WORKERS, "-m", "browser", "tests/browser")),),
    (Step("wheel and archive", ("-m", "build", "--outdir", "dist", ".")),),
    (Step("installed wheel", (*PYTEST, "-m", "release", "tests/release")),),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0, 1 if something failed, 2 for something the user can mend."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except CourseError as error:
        say(f"error: {error}", error=True)
        return 2
    except KeyboardInterrupt:
        say("stopped", error=True)
        return 130
    except ModuleNotFoundError as error:  # of an extra; what every command needs is installed with the package
        extra = "lab" if error.name in LAB else "dev"
        say(f"error: {error.name} is missing. In the course's folder: pip install -e '.[{extra}]'", error=True)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("resnet_course", description="From VGG to ResNet-18, measured.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: Command, help_text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run)
        return command

    course = add("course", _course, "run all lessons headless, print a table, leave notebooks and HTML in build/")
    course.add_argument("--language", default="en", help="of the notebooks, such as ko")
    run = add("run", _run, "run some lessons headless")
    run.add_argument("lessons", nargs="+", metavar="lesson", help="a number such as 06")
    run.add_argument("--student", action="store_true", help="the student notebook in place of the solutions")
    run.add_argument("--language", default="en", help="of the notebooks, such as ko")
    checks = add("checks", _checks, "list the exercises by lesson")
    checks.add_argument("--table", action="store_true", help="try every check: as typed, respelled, in pairs")
    checks.add_argument("exercise", nargs="*", help="with --table: only these")
    lab = add("lab", _lab, "copy the lessons into work/, where nothing overwrites them, and open JupyterLab there")
    lab.add_argument("--language", help="of the lessons, such as ko; default: RESNET_COURSE_LANGUAGE, else en")
    lab.add_argument("--copy", action="store_true", help="copy them and open nothing, as for VS Code")
    add("preflight", _preflight, "show versions, device, precision and predicted minutes")
    reproduce = add("reproduce", _reproduce, "run what is missing of a recorded experiment, and report it")
    reproduce.add_argument("plan", nargs="?", help="its name; --list shows all")
    reproduce.add_argument("--list", action="store_true", help="show the plans, what is recorded and the minutes left")
    reproduce.add_argument("--dataset", default="shapes", help="a name, or a folder of images")
    reproduce.add_argument("--results", type=Path, help="folder of the records; default: those of the package")
    reproduce.add_argument("--jobs", type=int, help="runs at a time; default: one for each core, at most 4; 1 on a GPU")
    reproduce.add_argument("--no-run", action="store_true", help="take the records as they are and run nothing")
    reproduce.add_argument(
        "--report",
        nargs="?",
        type=Path,
        const=Path("build/reports"),
        metavar="FOLDER",
        help="write a page with table, verdicts and figures below this folder; default: build/reports",
    )
    reproduce.add_argument("--figure", type=Path, help="draw the plan's first figure into this file")
    _add_train_options(add("train", _train, "train one network, on one process or, under torchrun, on several"))
    report = add("class-report", _class_report, "turn a class's exported progress files into one page of histograms")
    report.add_argument("folder", type=Path, help="holds the files that learners got from checks.export()")
    report.add_argument("--output", type=Path, help="the page; default: class_report.html in the folder")
    notebooks = add("notebooks", _notebooks, "build the notebooks, and the guide's misconceptions, from their sources")
    notebooks.add_argument(
        "--save-answers", action="store_true", help="copy a notebook in which somebody wrote into work/ first"
    )
    fork = add("fork", _fork, "make this checkout that of a fork: its address in badges, install cells, citation, site")
    fork.add_argument("repository", nargs="?", metavar="OWNER/NAME", help="on GitHub; default: git's remote origin")
    translations = add("translations", _translations, "say how much is translated, and which texts are missing first")
    translations.add_argument("--update", action="store_true", help="write the catalogues anew, with what has changed")
    translations.add_argument("--language", help="two letters; default: each that there is")
    slides = add("slides", _slides, "build the slides of the lessons into build/slides")
    slides.add_argument("lessons", nargs="*", metavar="lesson", help="a number such as 06; default: all")
    slides.add_argument("--language", default="en", help="of the lessons, such as ko")
    add("site", _site, "build the web site into build/site, from the lessons that `course` ran")
    test = add("test", _test, "lint, types, import arrows, unit tests, a tenth of the mutants, nbval on every notebook")
    test.add_argument("--all", action="store_true", help="all mutants, and the site, JupyterLab and the wheel too")
    return parser


def _add_train_options(train: argparse.ArgumentParser) -> None:
    train.add_argument("--network", default="residual 20", help="such as 'plain 20', 'residual 56' or 'ResNet-18'")
    train.add_argument("--dataset", default="shapes", help="a name, or a folder of images")
    train.add_argument("--images", type=_positive, default=2_000, help="training images")
    train.add_argument("--image-size", type=_positive, default=16, help="height and width in pixels")
    train.add_argument("--epochs", type=_positive, default=5)
    train.add_argument("--batch-size", type=_positive, default=64, help="of all processes together")
    train.add_argument("--learning-rate", type=float, default=0.1, help="peak of the one-cycle schedule")
    train.add_argument("--seed", type=int, default=0, help="of the weights and the order of the images")
    train.add_argument("--precision", choices=("float32", "float64", "bfloat16"), default="float32")
    train.add_argument("--global-batch-norm", action="store_true", help="of all processes together: one's result")
    train.add_argument("--timeout", type=float, default=300, help="seconds that a process waits for the others")
    train.add_argument(
        "--output", type=Path, required=True, help="folder for history.json and checkpoint.pt; resumes from the latter"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def _course(options: argparse.Namespace) -> int:
    from resnet_course.course.run import course_root, edition, run_lessons
    from resnet_course.notebook.lessons import LESSONS

    root = course_root()
    folder = root / "notebooks" / edition(options.language)
    lessons = [lesson for lesson in LESSONS if options.language == "en" or (folder / lesson.file_name).is_file()]
    outcomes = run_lessons(lessons, root, language=options.language)
    say(f"\nexecuted notebooks and HTML pages: {root / 'build' / edition(options.language) / 'solutions'}")
    return int(any(outcome.error for outcome in outcomes))


def _run(options: argparse.Namespace) -> int:
    from resnet_course.course.run import course_root, run_lessons
    from resnet_course.notebook.lessons import find_lesson

    lessons = [find_lesson(name) for name in options.lessons]
    _check_settings()
    outcomes = run_lessons(lessons, course_root(), options.student, options.language)
    return int(any(outcome.error for outcome in outcomes))


def _check_settings() -> None:
    """Find a wrong profile or data set before a kernel does."""
    from resnet_course import data, runtime

    here = runtime.profile()
    if here.dataset != "cifar10" and here.dataset != "fashion_mnist":
        data.load(here.dataset, "train", limit=20)


def _checks(options: argparse.Namespace) -> int:
    from resnet_course.notebook.lessons import LESSONS

    if not options.table:
        for lesson in LESSONS:
            say(f"{lesson.number} {lesson.title:<36}{', '.join(lesson.exercises)}")
        return 0
    from resnet_course.course.checks_table import print_table

    return int(not print_table(options.exercise))


def _lab(options: argparse.Namespace) -> int:
    from resnet_course.course.run import course_root
    from resnet_course.course.work import lay_out

    notebook = lay_out(course_root(), options.language or os.environ.get("RESNET_COURSE_LANGUAGE") or "en")
    if options.copy:
        say(f"your copy of the first lesson: {notebook}")
        return 0
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(notebook)])


def _preflight(options: argparse.Namespace) -> int:
    from resnet_course.runtime import preflight

    preflight()
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from resnet_course import experiments

    results = options.results or experiments.SHIPPED
    if options.list:
        for line in experiments.list_plans(results, options.jobs or experiments.default_jobs()):
            say(line)
        return 0
    if options.plan is None:
        raise CourseError("name a plan, for example degradation; `python -m resnet_course reproduce --list` shows all")
    if not options.no_run:
        experiments.reproduce(options.plan, options.dataset, results, options.jobs)
    records = experiments.load_records(options.plan, options.dataset, results)
    say(
        f"{len(records)} records of {options.plan} in {experiments.plan_folder(options.plan, options.dataset, results)}"
    )
    if options.report is not None:
        _write_report(options, results)
    if options.figure is not None:
        write_atomically(options.figure, experiments.first_figure(options.plan, records))
    return 0


def _write_report(options: argparse.Namespace, results: Path) -> None:
    from resnet_course import experiments

    folder = options.report / f"{options.plan}_{experiments.dataset_name(options.dataset)}"
    page = experiments.write_report(options.plan, options.dataset, folder, results)
    for finding in experiments.find_out(options.plan, experiments.load_records(options.plan, options.dataset, results)):
        say(f"{finding.verdict}: {finding.claim} ({finding.numbers})")
    say(f"report: {page}")


def _train(options: argparse.Namespace) -> int:
    from resnet_course.course.train import Settings, train_command
    from resnet_course.experiments import Run

    budget = ("network", "learning_rate", "epochs", "batch_size", "images", "image_size", "seed")
    run = Run(**{name: getattr(options, name) for name in budget})
    settings = Settings(run, options.dataset, options.precision, options.global_batch_norm)
    train_command(settings, options.output, options.timeout)
    return 0


def _class_report(options: argparse.Namespace) -> int:
    from resnet_course.base.files import write_atomically
    from resnet_course.class_report import read_class, write_page

    output = options.output or options.folder / "class_report.html"
    if output.suffix.lower() not in (".html", ".htm"):
        raise CourseError(f"{output}: the page is HTML; choose a name that ends with .html")
    files = read_class(options.folder)
    for name, reason in files.skipped:
        say(f"skipped {name}: {reason}")
    for name, latest in files.duplicates:
        say(f"not counted {name}: {latest} is from the same learner, and later")
    if not files.journals:
        raise CourseError(f"{options.folder} holds no file that could be read. Ask for files from checks.export().")
    write_atomically(output, write_page(files).encode())
    say(f"{len(files.journals)} read, {len(files.skipped)} skipped, {len(files.duplicates)} not counted: {output}")
    return 0


def _notebooks(options: argparse.Namespace) -> int:
    from resnet_course.course.build import build_notebooks
    from resnet_course.course.run import course_root

    root = course_root()
    changed = build_notebooks(root, options.save_answers)
    for path in changed:
        say(f"wrote {path.relative_to(root)}")
    say(f"{len(changed)} files changed")
    return 0


def _fork(options: argparse.Namespace) -> int:
    from resnet_course.course.address import repository_address, set_address
    from resnet_course.course.build import build_notebooks
    from resnet_course.course.run import course_root

    root = course_root()
    for path in [*set_address(root, options.repository), *build_notebooks(root)]:
        say(f"wrote {path.relative_to(root)}")
    say(f"this is {repository_address(root)}; commit and push, and its badges work")
    return 0


def _translations(options: argparse.Namespace) -> int:
    from resnet_course.base.language import languages
    from resnet_course.course.run import course_root
    from resnet_course.course.translations import report, update

    root = course_root()
    for language in [options.language] if options.language else languages()[1:]:
        for path in update(root, language) if options.update else ():
            say(f"wrote {path.relative_to(root)}")
        lines = list(report(root, language))
        say("\n".join([f"--- {language}", *lines]))
        if any(line.strip().startswith("refused") for line in lines):
            return 1
    return 0


def _slides(options: argparse.Namespace) -> int:
    from resnet_course.course.run import course_root
    from resnet_course.course.slides import build_slides
    from resnet_course.notebook.lessons import LESSONS, find_lesson

    lessons = [find_lesson(name) for name in options.lessons] or LESSONS
    for page in build_slides(lessons, course_root(), options.language):
        say(f"wrote {page}")
    return 0


def _site(options: argparse.Namespace) -> int:
    from resnet_course.course.run import course_root

    root = course_root()
    return subprocess.call([sys.executable, str(root / "site" / "build_site.py")], cwd=root)


def _test(options: argparse.Namespace) -> int:
    from resnet_course.course.run import course_root

    root = course_root()
    seconds: dict[str, float] = {}
    failed: list[str] = []

    def run(step: Step, capture: bool = False) -> subprocess.CompletedProcess[str]:
        line, started = [sys.executable, *step.arguments], time.perf_counter()
        environment = {"OMP_NUM_THREADS": "1", **step.settings, **os.environ}
        done = subprocess.run(
            line, cwd=root, env=environment, text=True, errors="replace", check=False, capture_output=capture
        )
        seconds[step.title] = time.perf_counter() - started
        return done

    for *others, seen in ALL_STEPS if options.all else TEST_STEPS:
        with ThreadPoolExecutor() as side_by_side:
            quiet = {step.title: side_by_side.submit(run, step, capture=True) for step in others}
            say(f"\n--- {seen.title}")
            done = {seen.title: run(seen), **{title: step.result() for title, step in quiet.items()}}
        for title in quiet:
            say(f"\n--- {title}\n{done[title].stdout}{done[title].stderr}".rstrip())
        failed += [title for title, step in done.items() if step.returncode]
        if failed and not options.all:
            break
    say("\n" + "\n".join(f"{title:<28}{spent:>7.0f} s" for title, spent in seconds.items()))
    if failed:
        say(f"failed: {', '.join(failed)}", error=True)
    return 1 if failed else 0
