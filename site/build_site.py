"""Build the web site: gather its pages in a temporary folder, then let Sphinx make build/site of them.

Lessons come from the executed solution notebooks that `python -m resnet_course course` leaves in build/solutions.
Nothing is built from a run of an older lesson.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import api_pages
import home_page
import lesson_pages
import result_pages

from resnet_course import experiments, plotting
from resnet_course.base.errors import CourseError
from resnet_course.base.language import SETTING, speak
from resnet_course.base.progress import say
from resnet_course.course.address import repository_address
from resnet_course.course.build import notebooks_out_of_step
from resnet_course.course.run import stale_lessons
from resnet_course.experiments.figures import draw_by_depth
from resnet_course.explorers import playground
from resnet_course.notebook.lessons import LESSONS, Lesson

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LINK = re.compile(r"(\]\()([^)#:\s]+)(#[^)\s]*)?(\))")  # a Markdown link to a file, not to an address or a heading


def main() -> int:
    """Build the site of this checkout. Returns the exit status."""
    parser = argparse.ArgumentParser("site/build_site.py", description="Build the web site from the executed lessons.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "site")
    options = parser.parse_args()
    os.environ.pop(SETTING, None)
    speak("en")
    try:
        refuse_stale(ROOT)
        with tempfile.TemporaryDirectory() as folder:
            pages, files, korean = (Path(folder) / name for name in ("pages", "files", "ko"))
            stage(ROOT, pages, files)
            twins = stage_korean(ROOT, korean / "pages", korean / "files")
            if options.output.exists():
                shutil.rmtree(options.output)
            editions = [(pages, files, options.output, HERE)]
            if twins:
                editions.append((korean / "pages", korean / "files", options.output / "ko", HERE / "ko"))
            with ThreadPoolExecutor() as side_by_side:
                ended = list(side_by_side.map(lambda edition: run_sphinx(*edition, twins), editions))
            status = next((status for status in ended if status), 0)
    except CourseError as error:
        say(f"error: {error}", error=True)
        return 2
    if status == 0:
        say(f"site: {options.output / 'index.html'}")
    return status


def refuse_stale(root: Path) -> None:
    """Stop if a notebook is not of today's source, or its run is not of today's notebook.

    Raises:
        CourseError: with one sentence for each such lesson, and what to do.
    """
    if problems := notebooks_out_of_step(root):
        raise CourseError("; ".join(problems))
    if problems := stale_lessons(root):
        raise CourseError(f"{'; '.join(problems)}. Run `python -m resnet_course course`, then build the site again.")


def stage(root: Path, pages: Path, files: Path) -> None:
    """Write what Sphinx is to read into the folder `pages`, and what the site hands out as it is into `files`."""
    shutil.copytree(HERE / "pages", pages)
    repository = repository_address(root)
    fill_in(pages, repository)
    lesson_pages.write_lessons(root, pages / "lessons", files, repository)
    result_pages.write_results(pages / "results")
    api_pages.write_api(pages / "api")
    copy_documents(root / "docs" / "instructor", pages / "instructor", root, repository)
    with (pages / "instructor" / "index.md").open("a", encoding="utf-8") as index:
        index.write("\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n")
    copy_documents(root / "docs", pages / "reference", root, repository)
    for picture in (pages / "degradation.png", files / "preview.png"):
        shutil.copy(root / "notebooks" / "figures" / "degradation.png", picture)
    shutil.copytree(playground.FOLDER, files / "playground", ignore=shutil.ignore_patterns("*.py", "page.html", "__*"))
    write_playground(pages, "playground")


def stage_korean(root: Path, pages: Path, files: Path) -> list[str]:
    """The same for the Korean pages, of the lessons that were run in Korean. Returns the names of the pages."""
    lessons = [lesson for lesson in LESSONS if not stale_lessons(root, [lesson], "ko")]
    if not lessons:
        return []
    speak("ko")
    repository = repository_address(root)
    shutil.copytree(HERE / "ko", pages, ignore=shutil.ignore_patterns("*.py", "__*"))
    lesson_pages.write_lessons(root, pages / "lessons", files, repository, lessons, "ko")
    fill_in(pages, repository, lessons, "ko")
    write_playground(pages, "../playground")
    records = experiments.load_records("degradation", "shapes", experiments.SHIPPED)
    plotting.use_style()
    figure: Any = draw_by_depth(records, "학습이 끝난 뒤 학습 이미지에서의 오류율, 깊이별").figure
    (pages / "degradation.png").write_bytes(plotting.figure_png(figure))
    speak("en")
    say(f"Korean: {len(lessons)} of {len(LESSONS)} lessons were run and have a page")
    names = (
        page.relative_to(pages).with_suffix("").as_posix()
        for page in pages.rglob("*.*")
        if page.suffix in (".md", ".ipynb")
    )
    return ["search", *names]


def write_playground(pages: Path, folder: str) -> None:
    """Write what the page `playground.md` takes in; `folder` is that of its scripts, from the page."""
    links = [f'<script defer src="{folder}/{script}"></script>\n' for script in playground.SCRIPTS]
    style = f'<link rel="stylesheet" href="{folder}/page.css">\n'
    (pages / "playground.html").write_text(style + playground.body() + "".join(links), encoding="utf-8")


def fill_in(pages: Path, repository: str, lessons: Sequence[Lesson] = LESSONS, language: str = "en") -> None:
    """Put into the pages what they name: the table and the path of the lessons, a check's answers, addresses."""
    parts = {
        "@table@": lesson_pages.lesson_table(lessons, language),
        "@path@": home_page.path(lessons, language),
        **home_page.conditions(),
        "@repository@": repository,
        "@owner/name@": repository.removeprefix("https://github.com/"),
        "@name@": repository.rsplit("/", 1)[1],
        "@colab@": lesson_pages.colab_address(LESSONS[0], repository, language),
    }
    for page in (pages / "index.md", pages / "run.md", pages / "lessons" / "index.md"):
        text = page.read_text(encoding="utf-8")
        for name, part in parts.items():
            text = text.replace(name, part)
        page.write_text(text, encoding="utf-8")
    (pages / "answers.html").write_text(home_page.answers(language), encoding="utf-8")


def copy_documents(source: Path, target: Path, root: Path, repository: str) -> None:
    """Copy the Markdown files of a folder; links to files that the site does not hold go to the repository."""
    target.mkdir(exist_ok=True)
    for path in sorted(source.glob("*.md")):

        def follow(link: re.Match[str], folder: Path = path.parent) -> str:
            linked = (folder / link[2]).resolve()
            if linked.parent == folder.resolve() or not linked.exists():
                return link[0]
            return f"{link[1]}{_address(linked.relative_to(root), repository)}{link[3] or ''}{link[4]}"

        text = LINK.sub(follow, path.read_text(encoding="utf-8"))
        (target / path.name).write_text(
            f"---\nmyst:\n  html_meta:\n    description: {_summary(text)}\n---\n\n{text}", encoding="utf-8"
        )


def _summary(text: str) -> str:
    """Title and first paragraph of a Markdown page without its marks, as a quoted text."""
    title, *rest = [block for block in text.split("\n\n") if not block.startswith("<!--")]
    paragraph = next((block for block in rest if block[0].isalpha()), "")
    return json.dumps(re.sub(r"[*`#]|\[|\]\([^)]*\)", "", f"{title}. {paragraph}").replace("\n", " ").strip())


def _address(linked: Path, repository: str) -> str:
    """Where the site, or else the repository, shows a file of the checkout; seen from a page one folder deep."""
    if linked.parent == Path("docs"):
        return f"../reference/{linked.name}"
    if linked.parent == Path("notebooks") and linked.suffix == ".ipynb":
        return f"../lessons/{linked.name}"
    return f"{repository}/{'blob' if linked.suffix else 'tree'}/main/{linked}"


def run_sphinx(pages: Path, files: Path, output: Path, settings: Path, korean: Sequence[str]) -> int:
    """Make HTML of the pages; a warning is an error. Returns the exit status.

    Args:
        pages: what Sphinx reads.
        files: what the site hands out as it is.
        output: where the site goes.
        settings: the folder of `conf.py`.
        korean: names of the pages that there are in Korean.
    """
    with tempfile.TemporaryDirectory() as doctrees:  # else Sphinx leaves them in what is published
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "-b",
            "html",
            "-d",
            doctrees,
            "-c",
            settings,
            "-D",
            f"korean_pages={','.join(korean)}",
            "-D",
            f"html_extra_path={files}",
            pages,
            output,
        ]
        return subprocess.call([*map(str, command), "--quiet", "--fail-on-warning", "--keep-going"])


if __name__ == "__main__":
    sys.exit(main())
