"""The page: what stands in it, section by section."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Sequence

from resnet_course import __version__
from resnet_course.class_report import charts
from resnet_course.class_report.counting import ClassCount, ExerciseCount, GuessCount, MistakeCount
from resnet_course.class_report.histograms import Histogram, count_tries, histogram
from resnet_course.class_report.look import STRIPES, STYLE
from resnet_course.class_report.markup import Html, element, figure, join, plural, table
from resnet_course.class_report.reading import ClassFiles, readable
from resnet_course.notebook.lessons import LESSONS

MISTAKES_SHOWN = 5  # of each exercise
TOP_MISTAKES = 10  # of the whole course
QUANTITIES_SHOWN = 6  # of each lesson; none of the course asks for more than 3
STRANGERS_SHOWN = 20

_SECTIONS = (
    ("look", "In one look"),
    ("exercises", "Exercise by exercise"),
    ("mistakes", "The commonest mistakes"),
    ("guesses", "Guesses before the runs"),
)
_STATES = ("passed", "tried, not passed yet", "not tried")
_KINDS = ("passed", "trying", "untried")
_TITLES = {lesson.number: f"{lesson.number} {lesson.title}" for lesson in LESSONS}


def write_page(files: ClassFiles, count: ClassCount) -> str:
    """The whole page, one HTML file that needs no other."""
    parts = (_one_look(files, count), _by_exercise(count), _mistakes(count), _guesses(count))
    links = [element("li", element("a", title, href=f"#{name}")) for name, title in _SECTIONS]
    sections = [
        element("section", element("h2", title, id=name), part, aria_labelledby=name)
        for (name, title), part in zip(_SECTIONS, parts, strict=True)
    ]
    built = f"Built on {datetime.date.today().isoformat()} by version {__version__} of the course."
    body = element(
        "body",
        STRIPES,
        element(
            "header",
            element("h1", "Class report: From VGG to ", element("span", "ResNet-18", class_="whole"), ", measured"),
        ),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", join(sections)),
        element("footer", element("p", built, class_="soft")),
    )
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        # The page holds text out of learners' files: nothing in it may run or ask the network.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Class report, ResNet course</title><style>{STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n{body}</html>\n'


def _one_look(files: ClassFiles, count: ClassCount) -> Html:
    tasks = count.learners * len(count.exercises)
    share = f"{count.passed / tasks:.0%}" if tasks else "–"
    tiles = (
        (count.learners, "progress file read" if count.learners == 1 else "progress files read"),
        (len(files.skipped), "skipped"),
        (len(files.duplicates), "older than another of the same learner"),
        (share, f"of exercises passed: {count.passed:,} of {tasks:,}"),
    )
    parts = [
        element("ul", *(element("li", element("strong", big), small) for big, small in tiles), class_="tiles"),
        element(
            "p",
            "Each file is taken for one learner. The page shows no learner's name. Names of files stand only in the "
            "lists of files that were skipped or counted once, and a learner may have put a name there.",
        ),
    ]
    if files.skipped:
        parts.append(element("h3", "Skipped files"))
        parts.append(table("Files that are not counted", ("file", "why"), files.skipped))
    if files.duplicates:
        parts.append(element("h3", "Handed in twice"))
        parts.append(table("Counted once", ("file", "counted in its place"), files.duplicates))
        same = "Two learners who did exactly the same, which happens early in the course, leave the same file."
        parts.append(element("p", same, class_="soft"))
    if count.strangers:
        parts.append(_strangers(count.strangers))
    return join(parts)


def _strangers(strangers: Sequence[tuple[str, int]]) -> Html:
    rows = [(readable(name), learners) for name, learners in strangers[:STRANGERS_SHOWN]]
    more = len(strangers) - len(rows)
    return join(
        (
            element("h3", "Not in this version of the course"),
            table("Entries that are not counted further down", ("entry", "files that have it"), rows),
            element("p", f"{plural(more, 'further name')} not shown.", class_="soft") if more else "",
        )
    )


def _by_exercise(count: ClassCount) -> Html:
    if not count.learners:
        return element("p", "There is no file to count.")
    key = [element("li", charts.swatch(kind), state) for kind, state in zip(_KINDS, _STATES, strict=True)]
    passed = [exercise for exercise in count.exercises if exercise.tries]
    return join(
        (
            element("h3", "Who passed"),
            element("ul", *key, class_="key"),
            _states_figure(count),
            element("h3", "Tries until passed"),
            element("p", "Each check of something written is a try; the one that passes counts too."),
            element("div", join(map(_tries_figure, passed)), class_="grid")
            if passed
            else element("p", "No exercise was passed yet."),
            element("h3", "Explanations asked for"),
            _hints_figure(count),
        )
    )


def _states_figure(count: ClassCount) -> Html:
    rows: list[charts.Bar] = []
    for exercise in count.exercises:
        title = _TITLES.get(exercise.lesson, exercise.lesson)
        if title not in [row.label for row in rows]:
            rows.append(charts.Bar(title))
        parts = (exercise.passed, exercise.trying, exercise.untried)
        rows.append(charts.Bar(exercise.name, parts, " / ".join(map(str, parts))))
    most = max(count.exercises, key=lambda exercise: exercise.passed)
    least = min(count.exercises, key=lambda exercise: exercise.passed)
    alt = (
        f"Bars, one for each exercise: how many of {plural(count.learners, 'learner')} passed, tried, did not try. "
        f"Most passed {most.name} ({most.passed}), fewest {least.name} ({least.passed})."
    )
    numbers = table(
        "Learners by exercise",
        ("exercise", "lesson", *_STATES, "median of tries until passed"),
        [
            (each.name, each.lesson, each.passed, each.trying, each.untried, _median_tries(each))
            for each in count.exercises
        ],
    )
    caption = f"{plural(count.learners, 'learner')}. The numbers at the right: {' / '.join(_STATES)}."
    return figure(charts.stacked_bars(rows, count.learners, _KINDS, alt), caption, numbers, "who passed")


def _median_tries(exercise: ExerciseCount) -> str:
    return f"{statistics.median(exercise.tries):g}" if exercise.tries else "–"


def _tries_figure(exercise: ExerciseCount) -> Html:
    bins = count_tries(exercise.tries)
    said = f"median {_median_tries(exercise)}, {len(exercise.tries):,} passed"
    spoken = ", ".join(f"{label}: {number}" for label, number in bins if number)
    alt = f"Histogram of tries until {exercise.name} passed, {said}. Learners by tries: {spoken}."
    drawing = charts.columns([number for _, number in bins], [label for label, _ in bins], alt)
    caption = join((element("strong", exercise.name), f": {said}"), "")
    return figure(drawing, caption, table("Learners by tries", ("tries", "learners"), bins), f"tries, {exercise.name}")


def _hints_figure(count: ClassCount) -> Html:
    rows = [
        charts.Bar(each.name, (each.asked,), f"{each.asked} ({plural(each.hints, 'explanation')})")
        for each in count.exercises
        if each.hints
    ]
    if not rows:
        return element("p", "Nobody asked for an explanation.")
    most = max(count.exercises, key=lambda exercise: exercise.asked)
    alt = f"Bars: learners who asked for an explanation, by exercise. Most for {most.name}: {most.asked}."
    numbers = table(
        "Explanations by exercise",
        ("exercise", "learners who asked", "explanations in all"),
        [(each.name, each.asked, each.hints) for each in count.exercises],
    )
    caption = (
        f"Learners who asked for at least one explanation, of {count.learners}; in brackets, how many explanations "
        "were shown. Exercises without any are left out."
    )
    return figure(charts.stacked_bars(rows, count.learners, ("bar",), alt), caption, numbers, "explanations asked for")


def _mistakes(count: ClassCount) -> Html:
    met = [exercise for exercise in count.exercises if exercise.mistakes or exercise.unknown]
    if not met:
        return element("p", "No mistake was met.")
    every = sorted((each for exercise in met for each in exercise.mistakes), key=lambda each: -each.learners)
    top = [(f"{each.exercise}: {each.words}", *_mistake_cells(each, count.learners)) for each in every[:TOP_MISTAKES]]
    head = ("mistake", "learners", "question of the hint")
    said = (
        "By the number of learners who met a mistake at least once. The question is the first step of its hint: a "
        "place to start talking. “Unknown” is a wrong answer that looks like no mistake the course knows."
    )
    rest = [exercise.name for exercise in count.exercises if exercise not in met]
    return join(
        (
            element("p", said),
            element("h3", "In the whole course"),
            table(f"Learners who met it, of {count.learners}", head, top, "mistakes"),
            join(_exercise_mistakes(exercise, count.learners, head) for exercise in met),
            element("p", f"No mistake was met in {', '.join(rest)}.", class_="soft") if rest else "",
        )
    )


def _exercise_mistakes(exercise: ExerciseCount, learners: int, head: Sequence[str]) -> Html:
    shown = exercise.mistakes[:MISTAKES_SHOWN]
    more = len(exercise.mistakes) - len(shown)
    rows = [(each.words, *_mistake_cells(each, learners)) for each in shown]
    said = f"Unknown mistake: {plural(exercise.unknown, 'learner')}."
    if more:
        said += f" {plural(more, 'further kind')} of mistake, each met by {shown[-1].learners} or fewer."
    caption = f"{exercise.name}: {plural(exercise.passed + exercise.trying, 'learner')} tried"
    title = f"{exercise.name}, lesson {exercise.lesson}"
    return join(
        (
            element("h3", title),
            table(caption, head, rows, "mistakes") if rows else "",
            element("p", said, class_="soft"),
        )
    )


def _mistake_cells(mistake: MistakeCount, learners: int) -> tuple[object, ...]:
    question = mistake.question or "(not in this version of the course)"
    learners_cell = (element("span", mistake.learners, class_="number"), charts.share_bar(mistake.learners, learners))
    return join(learners_cell, " "), question


def _guesses(count: ClassCount) -> Html:
    if not count.guesses:
        return element("p", "No guess was written.")
    parts = [
        element(
            "p",
            "The first number that each learner wrote before the run. The dashed line is the median of what the "
            "learners' own runs measured. A number on the edge of two columns counts to the right one. A guess far "
            "away from all others may lie outside the axis; the text above the figure and its table say how many do.",
        )
    ]
    for lesson in LESSONS:
        here = [guess for guess in count.guesses if guess.lesson == lesson.number]
        if not here:
            continue
        parts.append(element("h3", _TITLES[lesson.number]))
        parts.append(element("div", join(map(_guess_figure, here[:QUANTITIES_SHOWN])), class_="grid"))
        if len(here) > QUANTITIES_SHOWN:
            more = plural(len(here) - QUANTITIES_SHOWN, "further quantity", "further quantities")
            parts.append(element("p", f"{more} not shown, each guessed by fewer.", class_="soft"))
    return join(parts)


def _guess_figure(guess: GuessCount) -> Html:
    found = histogram(guess.guesses, guess.measured)
    place = None if guess.measured is None else found.place(guess.measured)
    mark = None if place is None else (place, f"measured {guess.measured:.3g}")
    said = _how_far(guess)
    outside = _outside(found)
    name = readable(guess.quantity, 80)
    alt = f"Histogram of {plural(len(guess.guesses), 'guess', 'guesses')} of {name}. {said} {outside}".strip()
    labels = [f"{edge:g}" for edge in found.edges]
    drawing = charts.columns(found.counts, labels, alt, mark)
    rows = [(f"{low} to {high}", n) for low, high, n in zip(labels, labels[1:], found.counts, strict=False)]
    if found.below:
        rows.insert(0, (f"below {labels[0]}", found.below))
    if found.above:
        rows.append((f"above {labels[-1]}", found.above))
    caption = join(
        (element("strong", name), f": {plural(len(guess.guesses), 'guess', 'guesses')}. {said} {outside}"), ""
    )
    return figure(drawing, caption, table("Learners by guess", ("guess", "learners"), rows), f"guesses, {name}")


def _how_far(guess: GuessCount) -> str:
    middle = statistics.median(guess.guesses)
    if guess.measured is None:
        return f"Median {middle:.3g}; nothing was measured."
    off = middle - guess.measured
    side = "too high" if off > 0 else "too low" if off < 0 else "off"
    return f"Median {middle:.3g}, measured {guess.measured:.3g}: {abs(off):.2g} {side}."


def _outside(found: Histogram) -> str:
    number = found.below + found.above
    return f"{plural(number, 'guess lies', 'guesses lie')} outside the axis." if number else ""
