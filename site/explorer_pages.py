"""Explorers that need no kernel: every answer is made here, and `static/explorer.js` shows the one that is chosen."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import io
import itertools
import json
import multiprocessing
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from PIL import Image

from resnet_course import explorers, plotting
from resnet_course.base.language import language, speak, translated_page
from resnet_course.explorers import Control, Explorer
from resnet_course.explorers.controls import MANY

EXPLORERS: Mapping[str, Callable[[], Explorer]] = {
    "07": explorers.shortcut_parts,
    "08": explorers.shape_parts,
}
"""The explorer that stands in a lesson, as the lesson makes it."""

PICTURE = re.compile(r'src="data:image/png;base64,([^"]+)"((?: alt="[^"]*")?)(?: width="(\d+)")?')
"""What of an `<img>` holds a picture, then its words and its width."""
Place = tuple[int, ...]
"""For each control of an explorer, the number of the chosen option."""


def explorer_html(lesson: str, folder: Path) -> str:
    """The explorer of a lesson as a piece of a page; its pictures are written into `folder`, next to the lessons."""
    controls = _explorer(lesson, language()).controls
    places = list(itertools.product(*(range(len(control.options)) for control in controls.values())))
    groups = [list(group) for _, group in itertools.groupby(places, key=lambda place: place[:2])]
    answers = dict(itertools.chain(*_workers().map(functools.partial(_answers, lesson, folder, language()), groups)))
    start = _start(lesson)
    form = "".join(map(_control, controls, controls.values(), start))
    data = json.dumps(answers).replace("</", "<\\/")
    return (
        f'<div class="explorer"><form hidden aria-label="Settings">{form}</form>'
        f'<div class="explorer-answer" role="region" aria-label="Answer" '
        f'aria-live="polite" tabindex="0">{answers[_key(start)]}</div>'
        "<noscript><p>With JavaScript, controls to choose other settings stand here.</p></noscript>"
        f'<script type="application/json">{data}</script></div>'
    )


@functools.cache
def _workers() -> Executor:
    """Processes for all explorers: a drawing takes a third of a second, and there are hundreds."""
    return ProcessPoolExecutor(min(4, os.cpu_count() or 1), multiprocessing.get_context("spawn"))


@functools.cache
def _explorer(lesson: str, spoken: str) -> Explorer:
    plotting.use_style()
    return EXPLORERS[lesson]()


def _start(lesson: str) -> Place:
    explorer = _explorer(lesson, language())
    return tuple(
        list(control.options.values()).index(explorer.start[name]) for name, control in explorer.controls.items()
    )


def _answers(lesson: str, folder: Path, spoken: str, places: Sequence[Place]) -> list[tuple[str, str]]:
    """The answers to some settings as pieces of a page, by the settings; pictures go into files."""
    speak(spoken)  # a worker has not heard of it
    explorer = _explorer(lesson, spoken)
    options = {name: list(control.options.values()) for name, control in explorer.controls.items()}
    pictures: dict[str, str] = {}
    answers = []
    for place in places:
        answer = explorer.answer(**{name: options[name][index] for name, index in zip(options, place, strict=True)})
        if answer.alt not in pictures:
            pictures[answer.alt] = with_files(answer.picture(), folder)
        answers.append((_key(place), translated_page(answer.around(pictures[answer.alt]))))
    return answers


def _key(place: Place) -> str:
    return ",".join(map(str, place))


def with_files(page: str, folder: Path) -> str:
    """The page of a lesson with its inline pictures written into `folder`, next to the lessons."""
    return PICTURE.sub(lambda found: _save(found, folder), page)


def _save(found: re.Match[str], folder: Path) -> str:
    """Write the picture, in a quarter of the bytes. Returns the attributes that show it, with room for it."""
    content = base64.b64decode(found[1])
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.webp"
    with Image.open(io.BytesIO(content)) as image:
        if not (folder / name).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            image.convert("RGB").save(folder / name, lossless=True)
        width = int(found[3] or image.width)
        height = round(width * image.height / image.width)
    return f'src="../{folder.name}/{name}"{found[2]} width="{width}" height="{height}"'


def _control(name: str, control: Control, start: int) -> str:
    """A slider for many options, else radio buttons, as in the notebook; nothing where there is no choice."""
    words, label = [html.escape(each) for each in control.options], html.escape(control.label)
    if len(words) == 1:
        return f'<input type="hidden" name="{name}" value="0">'
    if len(words) > MANY:
        choices = html.escape(json.dumps(list(control.options)), quote=True)
        return (
            f'<label>{label} <input type="range" name="{name}" min="0" max="{len(words) - 1}" value="{start}" '
            f'data-words="{choices}" aria-valuetext="{words[start]}"><output>{words[start]}</output></label>'
        )
    buttons = "".join(
        f'<label><input type="radio" name="{name}" value="{place}"{" checked" * (place == start)}>{word}</label>'
        for place, word in enumerate(words)
    )
    return f"<fieldset><legend>{label}</legend>{buttons}</fieldset>"
