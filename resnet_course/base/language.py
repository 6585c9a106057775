"""The language of what the course says: what is shown passes `translated`, and English goes on where nothing is known.

The course thinks in English: what it compares, keeps and records stays so, and only what a reader sees is looked up, at
the few doors through which it goes. A catalogue is a `.po` file below `translations/`, read as it is.
"""

from __future__ import annotations

import ast
import functools
import html
import locale
import os
import re
from pathlib import Path

from resnet_course.base.errors import CourseError

FOLDER = Path(__file__).parents[1] / "translations"
SETTING = "RESNET_COURSE_LANGUAGE"
PLACEHOLDER = re.compile(r"\{(\d+)\}")
_TEXT = re.compile(r"(?<=>)[^<>]+(?=<)|(?<= alt=\")[^\"]+|(?<= aria-label=')[^']+")
_SURROUNDED = re.compile(r"([\s✔✘ℹ·?]*)(.*?)(\s*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{2}")
_BETWEEN = ("\n", "; ", ": ", ". ", ", ")  # what divides parts that may be known where the whole is not
Pattern = tuple[list[str], re.Pattern[str], str]  # what stands fixed in a text, how it is matched, what is said for it
_notebook: list[str] = []  # the language of the notebook that runs here


def language() -> str:
    """Two letters: of `RESNET_COURSE_LANGUAGE`, else of the notebook, else of the system; "en" if that is not known.

    Raises:
        CourseError: if the setting names a language that there is not.
    """
    chosen = os.environ.get(SETTING)
    if chosen and chosen not in languages():
        raise CourseError(f"there is no language {chosen!r}. {SETTING} is one of {', '.join(languages())}.")
    system = (locale.getlocale()[0] or "")[:2]
    return chosen or next(iter(_notebook), system if system in languages() else "en")


@functools.cache
def languages() -> tuple[str, ...]:
    """English, and those that there are catalogues for."""
    return ("en", *sorted(path.name for path in FOLDER.glob("[a-z][a-z]")))


def speak(of_notebook: str) -> None:
    """Say in which language the notebook is that runs here."""
    _notebook[:] = [of_notebook]


def translated(text: str) -> str:
    """What is shown in place of this English text: whole, or in the parts that are known."""
    return text if language() == "en" else _translated(text, language())


def in_english(text: str) -> str:
    """The English of what a catalogue says, of a lesson too: for where the letters of the language cannot be drawn."""
    return text if text.isascii() or language() == "en" else _translated(text, f"{language()} back")


def translated_page(page: str) -> str:
    """HTML whose text is translated, with what is read out in place of pictures."""
    return page if language() == "en" else _TEXT.sub(lambda found: _inside(found.group()), page)


def _inside(text: str) -> str:
    return html.escape(translated(html.unescape(text)), quote=True)


@functools.lru_cache(maxsize=2_000)
def _translated(text: str, wanted: str) -> str:
    known, patterns = _catalogues(wanted)
    before, text, after = _SURROUNDED.fullmatch(text).groups()  # type: ignore[union-attr]
    return before + (_said(text, wanted, known, patterns) if _WORD.search(text) or wanted[2:] else text) + after


def _said(text: str, wanted: str, known: dict[str, str], patterns: list[Pattern]) -> str:
    for spelt in (text, text[:1].lower() + text[1:]):  # a part may have begun the sentence
        if spelt in known:
            return known[spelt]
    for chunks, pattern, said in patterns:
        if all(chunk in text for chunk in chunks) and (found := pattern.fullmatch(text)):
            parts = {name: _translated(part, wanted) for name, part in found.groupdict().items()}
            return PLACEHOLDER.sub(lambda place: parts["p" + place[1]], said)  # noqa: B023
    for mark in _BETWEEN:
        if mark in text:
            return mark.join(_translated(part, wanted) for part in text.split(mark))
    return text


@functools.cache
def _catalogues(wanted: str) -> tuple[dict[str, str], list[Pattern]]:
    """What is known word for word, and the patterns of what is made with numbers and names, the longest first."""
    folder, back = FOLDER / wanted[:2], wanted.endswith("back")
    files = [*sorted(folder.glob("*.po")), *sorted((folder / "checks").glob("*.po"))]
    files += sorted((folder / "lessons").glob("*.po")) if back else []  # in its notebook a lesson is translated
    known = {english: said for file in files for english, said in read_catalogue(file).items()}
    known = {said: english for english, said in known.items()} if back else known
    made = sorted((text for text in known if PLACEHOLDER.search(text)), key=lambda text: -len(text))
    return known, [(_chunks(text), _pattern(text), known[text]) for text in made]


def _chunks(text: str) -> list[str]:
    return [chunk for chunk in PLACEHOLDER.split(text)[::2] if chunk]


def _pattern(text: str) -> re.Pattern[str]:
    parts = PLACEHOLDER.split(text)  # what stands fixed, and between them the numbers of placeholders
    written = [rf"(?P<p{part}>.*?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    first = parts[0][:1]
    if first.isalpha():
        written[0] = f"[{first.lower()}{first.upper()}]" + re.escape(parts[0][1:])
    return re.compile("".join(written), re.DOTALL)


def read_catalogue(file: Path, fuzzy: bool = False) -> dict[str, str]:
    """What a `.po` file says for each English text that it translates.

    Args:
        file: the catalogue.
        fuzzy: with those marked as such: guesses that nobody has looked at since the English has changed.

    Raises:
        CourseError: if the file cannot be read, or holds a text twice.
    """
    found: dict[str, str] = {}
    for block in file.read_text(encoding="utf-8").split("\n\n"):
        said = {"msgid": "", "msgstr": ""}
        now = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            word, _, text = line.partition(" ") if line[:1] != '"' else (now, "", line)
            now = word
            try:
                said[word] += ast.literal_eval(text)
            except (KeyError, SyntaxError, ValueError):
                raise CourseError(
                    f'{file}: the line {line!r} is none of a catalogue: msgid or msgstr, and "text"'
                ) from None
        if re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE) and not fuzzy:
            continue
        if said["msgid"] in found:
            raise CourseError(f"{file} holds this text twice: {said['msgid']}")
        if said["msgid"] and said["msgstr"]:
            found[said["msgid"]] = said["msgstr"]
    return found
