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
from typing import NamedTuple

from resnet_course.base.errors import CourseError

FOLDER = Path(__file__).parents[1] / "translations"
SETTING = "RESNET_COURSE_LANGUAGE"
ENOUGH = 9  # letters and signs that stand fixed in a text: with fewer, only single words are put in
PLACEHOLDER = re.compile(r"\{(\d+)\}")
_TEXT = re.compile(r"(?s:<(script|style)\b.*?</\1>)|(?<=>)[^<>]+(?=<)|(?<= alt=\")[^\"]+|(?<= aria-label=')[^']+")
_SURROUNDED = re.compile(r"([\s✔✘ℹ·?]*)(.*?)(\s*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{2}")
_WORDS, _OTHERS = re.compile(r"[A-Za-z]{2,}"), re.compile(r"[^\W\d_A-Za-z]+")
_SENTENCE = re.compile(r"(?<=[.?!])([ \n])(?=[A-Z0-9`])")  # what stands between two sentences
_PLACE = re.compile(r"(.+?\w[)\]]*)(\[[\d, ]+\]|, entry [^,]+)")  # the output[0, 1]
_QUOTED = re.compile(r"(?<=')[^'\n]+(?=')")
_LABEL = re.compile(r"[^{}:]+: \{\d+\}")
_BETWEEN = ("  ", "; ", ": ", ". ", ", ")  # what divides parts that may be known where the whole is not
_notebook: list[str] = []  # the language of the notebook that runs here


class Pattern(NamedTuple):
    """A text that is made with numbers and names: what stands fixed in it, how it is matched, what is said for it.

    Those of rank 0 are tried first: "What was seen: {0}". Those of rank 2 end with what is put in, which takes all.
    """

    chunks: list[str]
    fits: re.Pattern[str]
    said: str
    rank: int


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
    return page if language() == "en" else _TEXT.sub(lambda found: found[0] if found[1] else _inside(found[0]), page)


def page_texts(page: str) -> list[str]:
    """What `translated_page` looks up in this HTML."""
    found = (html.unescape(text[0]).strip() for text in _TEXT.finditer(page) if not text[1])
    return [text for text in found if _WORD.search(text)]


def _inside(text: str) -> str:
    return html.escape(translated(html.unescape(text)), quote=True)


@functools.lru_cache(maxsize=2_000)
def _translated(text: str, wanted: str) -> str:
    known, patterns = _catalogues(wanted)
    before, text, after = _SURROUNDED.fullmatch(text).groups()  # type: ignore[union-attr]
    return (
        before + (_said(text, wanted, known, patterns) if text and (_WORD.search(text) or wanted[2:]) else text) + after
    )


def _said(text: str, wanted: str, known: dict[str, str], patterns: list[Pattern]) -> str:
    """The whole text if it is known, then what a pattern makes of it, then its parts, the largest first."""
    if said := _known(text, known):
        return said
    head, _, tail = text.partition("\n")
    if tail and (said := _known(head, known)):
        return f"{said}\n{_translated(tail, wanted)}"
    if text[0] == text[-1] in "'\"" and len(text) > 2:
        inside = text[1:-1]
        return text if inside.isidentifier() and inside.isascii() else text[0] + _translated(inside, wanted) + text[0]
    if text[0] in "([" and "'" in text:
        return _QUOTED.sub(lambda found: _known(f"the {found[0]}", known) or _translated(found[0], wanted), text)
    if said := _filled(text, wanted, [pattern for pattern in patterns if pattern.rank < 2], whole=False):
        return said
    if "\n" not in text and len(sentences := _SENTENCE.split(text)) > 1:
        return "".join(_translated(sentence, wanted) for sentence in sentences)
    if place := _PLACE.fullmatch(text):
        return _translated(place[1], wanted) + _translated(place[2], wanted)
    tails = ((text[:at], _known(text[at + 2 :], known)) for at in (found.start() for found in re.finditer(", ", text)))
    parts = [f"{_translated(head, wanted)}, {tail}" for head, tail in tails if tail]  # a place in a place that is known
    parts += [said for whole in (False, True) if (said := _filled(text, wanted, patterns, whole))][:1]
    parts += ["\n".join(_translated(line, wanted) for line in text.split("\n"))] if "\n" in text else []
    if parts:
        return min(parts, key=lambda said: _left(said, wanted))
    for mark in _BETWEEN:
        if mark in text:
            return mark.join(_translated(part, wanted) for part in text.split(mark))
    return _QUOTED.sub(lambda found: known.get(found[0], found[0]), text)


def _known(text: str, known: dict[str, str]) -> str | None:
    """What is known word for word, also of a part that has begun the sentence, or ended it."""
    for spelt in (text, text[:1].lower() + text[1:], text.removeprefix("the ")):
        if spelt in known:
            return known[spelt]
        if spelt[-1:] == "." and spelt[:-1] in known:
            return known[spelt[:-1]] + "."
    return None


def _filled(text: str, wanted: str, patterns: list[Pattern], whole: bool) -> str | None:
    """What the pattern says that leaves least; unless `whole`, what is put in stays within a sentence."""
    lower = text.lower()
    made = []
    for pattern in patterns:
        found = all(chunk in lower for chunk in pattern.chunks) and pattern.fits.fullmatch(text)
        inside = found.groupdict() if found else {}
        if not found or not (whole or not any("\n" in part or _SENTENCE.search(part) for part in inside.values())):
            continue
        parts = {name: _translated(part, wanted) for name, part in inside.items()}
        made.append(PLACEHOLDER.sub(lambda place: parts["p" + place[1]], pattern.said))  # noqa: B023
        if pattern.rank == 0 or not _left(made[-1], wanted):
            break
    return min(made, key=lambda said: _left(said, wanted), default=None)


def _left(said: str, wanted: str) -> int:
    """How many words nobody has translated; names are among them."""
    return len((_OTHERS if wanted[2:] else _WORDS).findall(said))


@functools.cache
def _catalogues(wanted: str) -> tuple[dict[str, str], list[Pattern]]:
    """What is known word for word, and the patterns by rank, the longest in front."""
    folder, back = FOLDER / wanted[:2], wanted.endswith("back")
    files = [*sorted(folder.glob("*.po")), *sorted((folder / "checks").glob("*.po"))]
    files += sorted((folder / "lessons").glob("*.po")) if back else []  # in its notebook a lesson is translated
    known = {english: said for file in files for english, said in read_catalogue(file).items()}
    known |= {text.strip(", "): said.strip(", ") for text, said in known.items() if "," in (text[0], text[-1])}
    known = {said: english for english, said in known.items()} if back else known
    open_texts = (text for text in known if PLACEHOLDER.search(text) and not PLACEHOLDER.fullmatch(text))
    made = (_pattern(text, known[text]) for text in open_texts)
    return known, sorted(made, key=lambda one: (one.rank, -sum(map(len, one.chunks))))


def _pattern(text: str, said: str) -> Pattern:
    parts = PLACEHOLDER.split(text)  # what stands fixed, and between them the numbers of placeholders
    few = not parts[0] and sum(map(len, parts)) < ENOUGH  # "{0} of {1}" would fit anything
    what = r"\S*?" if few or PLACEHOLDER.fullmatch(said) else ".*?"
    written = [f"(?P<p{part}>{what})" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    for place in range(1, len(parts) - 2, 2):
        if parts[place + 1] == ", ":  # what stands first may hold commas
            written[place] = written[place].replace("*?", "*")
    first = parts[0][:1]
    if first.isalpha():
        written[0] = f"[{first.lower()}{first.upper()}]" + re.escape(parts[0][1:])
    chunks = [part.lower() for part in parts[::2] if part]
    rank = 0 if _LABEL.fullmatch(text) else 1 if parts[-1] else 2
    return Pattern(chunks, re.compile("".join(written), re.DOTALL), said, rank)


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
