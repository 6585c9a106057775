"""What there is to translate, and the catalogues that say it in another language.

A lesson is translated when its notebooks are built: each heading, paragraph, item and row is a text, and each string in
its code that a reader sees. A catalogue that says nothing of a text leaves it as it stands. What the package says is
translated when it is shown, see `base.language`; here its texts are found. Numbers and names that Python puts into a
string are placeholders, `{0}` and so on.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from nbformat import NotebookNode

from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.base.language import PLACEHOLDER, page_texts, read_catalogue

CATALOGUES = Path("resnet_course", "translations")  # in a checkout; below it a folder for each language
HEADER = 'msgid ""\nmsgstr "Language: {}\\nMIME-Version: 1.0\\nContent-Type: text/plain; charset=utf-8\\n"\n\n'
LISTED = 5  # texts of a catalogue that the report names
WIDTH = 84  # columns of a line of code with a translated string; a letter of Hangul takes two
# Rooms whose words a learner reads; `checking` and each exercise have a catalogue of their own.
ROOMS = (
    *("base", "data", "experiments/figures.py", "experiments/records.py", "explorers", "folders", "images"),
    *("inspection", "models", "notebook", "plotting", "runtime.py", "speed", "training"),
)
SILENT = ("checking/spellings.py", "folders/demo.py", "plotting/style.py")  # what they hold nobody reads
# Of one word, which nothing tells from a name in the code, or of pieces that Python puts together.
WORDS = (
    *("passed", "reproduced", "lesson", "exercise", "state", "tries", "hints", "Explain", "yours", "Figure"),
    *("device", "precision", "profile", "stride", "padding", "kernel", "bias", "missing"),
    *("measured", "network", "stem", "pooling", "adaptive", "none", "shortcut"),  # of explorers
    *("disc", "ring", "square", "triangle", "star", "cross", "crescent", "half disc", "arrow", "two bars"),
    *("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    *("addition", "subtraction", "product", "concatenation", "some", "vanishes", "explodes", "neither"),
    *("a module", "a function", "a method", "a list", "a tuple", "a dict", "a tensor", "a Tensor", "a NoneType"),
    *("a float", "a str", "a int", "a bool", "a number", "a {0}", "a tuple of {0}", "a list of {0}", "{0} images"),
    *(", entry {0}", "together {0}", "measured {0}", "Deeper", "your guess for\n{0}: {1}"),
    *("training", "eval", "first", "second", "last", "projection", "identity", "average", "1 image"),
    *("for batches of {0}, what counts in {1}", "torch's", "Python's", "NumPy's"),
    *("it raised {0}: {1} (in {2}, line {3}).", "it raised {0} (in {1}, line {2})."),
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
# What shows a reader its strings: calls that begin or end so. `close` is of lesson 04.
SHOWING = (
    *("print", "close", "bar", "cards.", "plotting."),
    *(".set_title", ".set_xlabel", ".set_ylabel", ".set_xticklabels", ".suptitle", ".text", ".annotate"),
)
NAME = re.compile(r"(plain|residual|ResNet|VGG|TinyVGG)([ -](\{\d+\}|[\d.]+))?")  # of a network; figures know them
_PIECE = re.compile(r"([A-Za-z]*)(\"\"\"|'''|\"|')((?:\\.|(?!\2).)*)\2", re.DOTALL)  # of a string; several make one
_FIELD = re.compile(r"\{\{|\}\}|\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")  # with brackets in brackets
_WORD = re.compile(r"[^\W\d_]{2,}")
_FIXED = re.compile(r"`[^`]+`|\$[^$]+\$|\]\([^)]+\)|https?://[^\s)]+")  # of a text of a lesson: code, formulas, links
_MARK = re.compile(r" *(#+|[-*]|\d+\.|>) +| *")


class Text(NamedTuple):
    """One text to translate.

    Args:
        english: what stands there, in one line if it is prose.
        place: where, for the translator.
        start, end: of what a translation takes the place of, in characters of the source.
        fields: what the placeholders stand for, as written.
        quote: what begins and ends it, for a string in code.
    """

    english: str
    place: str
    start: int
    end: int
    fields: tuple[str, ...] = ()
    quote: str = ""


# --- What there is ----------------------------------------------------------------------------------------------------


def markdown_texts(source: str, place: str = "") -> Iterator[Text]:
    """Headings, paragraphs, items and rows, without what stands in fences and formulas."""
    block: list[tuple[int, int]] = []
    position, fence = 0, ""
    for line in [*source.split("\n"), ""]:
        bare, start, end = line.strip(), position, position + len(line)
        position = end + 1
        opens = next((sign for sign in ("```", "$$") if bare.startswith(sign)), "")
        mark = _MARK.match(line)
        begins = opens or fence or bare.startswith(("|", "<details", "</")) or (mark and mark[1])
        if block and (begins or not bare):
            yield from _block(source, block, place)
            block = []
        if fence or opens:
            closed = bare.endswith(fence or opens) and (fence or len(bare) > len(opens))
            fence = "" if closed else fence or opens
        elif bare and mark:
            block.append((start + mark.end(), end))


def _block(source: str, lines: list[tuple[int, int]], place: str) -> Iterator[Text]:
    start, end = lines[0][0], lines[-1][1]
    outer = re.compile(r"(</?(details|summary)>)*")
    start = outer.match(source, start, end).end()  # type: ignore[union-attr]
    while tag := re.search(r"</?(details|summary)>$", source[start:end]):
        end -= len(tag[0])
    english = " ".join(line.strip() for line in source[start:end].split("\n"))
    if _WORD.search(re.sub(r"<[^>]+>", "", _FIXED.sub("", english))):
        yield Text(english, place, start, end)


def code_texts(source: str, place: str = "") -> Iterator[Text]:
    """Strings of a lesson's code that a reader sees: of several words, or of one that is shown or names a thing."""
    for text, [*parents, node] in _strings(source, place):
        words = _WORD.findall(PLACEHOLDER.sub("", text.english))
        calls = (ast.unparse(node.func) for node in parents if isinstance(node, ast.Call))
        shown = any(call.startswith(SHOWING) or call.endswith(SHOWING) for call in calls)
        named = node in getattr(parents[-1], "keys", ()) and re.fullmatch("[a-z-]{4,}", text.english)
        looked_up = isinstance(parents[-1], ast.Subscript) and isinstance(parents[-1].ctx, ast.Load)
        if not text.quote or looked_up or isinstance(parents[-1], ast.Compare) or NAME.fullmatch(text.english):
            continue
        verdict = any(getattr(key, "value", 0) is True for key in getattr(parents[-1], "keys", ()))  # {True: "yes"}
        if words and (shown or named or verdict or re.search(r"\s", text.english)):
            yield text


def package_texts(file: Path, place: str) -> Iterator[Text]:
    """What a module of the package may say: strings with a space and a word, line by line, without code."""
    for text, [*parents, _] in _strings(file.read_text(encoding="utf-8"), place):
        if _is_code(text, parents):
            continue
        for line in text.english.split("\n"):
            for english in re.findall(r">([^<>{%]+)<", line) if "</" in line else [line.strip()]:
                words = _WORD.findall(PLACEHOLDER.sub("", english))
                if words and " " in english and not re.search(r"\\[a-z(\[.]|[;:][a-z-]+:|{{|}}|{%", english):
                    yield text._replace(english=english, fields=text.fields if PLACEHOLDER.search(english) else ())


def _is_code(text: Text, parents: list[ast.AST]) -> bool:
    """Whether a string is a docstring, an answer or an edit of one, a pattern, or of an error that nobody is shown."""
    for parent, child in zip(parents, [*parents[1:], None], strict=True):
        call = ast.unparse(parent.func) if isinstance(parent, ast.Call) else ""
        if call in ("Wrong", "edited") and not isinstance(child, ast.keyword):
            return True
        if call.startswith("re.") or (isinstance(parent, ast.keyword) and parent.arg in ("answer", "right", "again")):
            return True
        if isinstance(parent, ast.Raise) and "CourseError" not in ast.unparse(parent):
            return not text.place.startswith("checking/")  # whose errors are shown
    return isinstance(parents[-1], ast.Expr) or (text.place.startswith("checks/") and "\n" in text.english)


def _strings(source: str, place: str) -> Iterator[tuple[Text, list[ast.AST]]]:
    """Every string of a source, with the nodes from the module to its own; for one inside another no place is known."""
    lines = source.split("\n")
    starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))

    def at(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def walk(node: ast.AST, parents: list[ast.AST], inside: bool) -> Iterator[tuple[Text, list[ast.AST]]]:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            text = Text(_english(node), place, 0, 0)
            if not inside:
                start, end = at(node.lineno, node.col_offset), at(node.end_lineno or 0, node.end_col_offset or 0)
                pieces = list(_PIECE.finditer(source, start, end))
                made = (piece[3] for piece in pieces if "f" in piece[1].lower())
                fields = tuple(field[0] for body in made for field in _FIELD.finditer(body) if field[1] is not None)
                text = Text(text.english, place, start, end, fields, pieces[0][2])
            yield text, [*parents, node]
        for child in ast.iter_child_nodes(node):
            if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
                yield from walk(child, [*parents, node], inside or isinstance(node, ast.JoinedStr))

    yield from walk(ast.parse(re.sub(r"(?m)^( *)[%!].*$", r"\1...", source)), [], False)


def _english(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    number = itertools.count()
    parts = (
        str(part.value).replace("{", "{{").replace("}", "}}")
        if isinstance(part, ast.Constant)
        else f"{{{next(number)}}}"
        for part in node.values
    )
    return "".join(parts)


# --- A lesson in another language -------------------------------------------------------------------------------------


def lesson_catalogues(root: Path, lesson: str) -> dict[str, dict[str, str]]:
    """What each language says for the texts of a lesson, for the languages that say anything."""
    files = sorted((root / CATALOGUES).glob(f"*/lessons/{lesson}.po"))
    found = {file.parents[1].name: read_catalogue(file) for file in files}
    return {language: catalogue for language, catalogue in found.items() if catalogue}


def translate_notebook(notebook: NotebookNode, catalogue: Mapping[str, str]) -> None:
    """Put a lesson's texts into another language where the catalogue knows them; all else stays byte for byte.

    A string that is translated is so wherever it stands in the code, so that the names of things still fit.
    """
    cells = list(_cells(notebook))
    known = {text.english for _, texts in cells for text in texts if text.quote and text.english in catalogue}
    for cell, texts in cells:
        if cell.cell_type == "code" and known:
            cell.source = _with_names({english: catalogue[english] for english in known}, cell.source)
            texts = [text for text, _ in _strings(cell.source, "") if text.quote and text.english in known]
        for text in sorted(texts, key=lambda text: -text.start):
            said = catalogue.get(text.english, "")
            if wrong := lost(text.english, said) if said else "":
                raise CourseError(f"the translation of {text.english!r} {wrong}")
            if said:
                said = _written(text, said, cell.source) if text.quote else said
                cell.source = cell.source[: text.start] + said + cell.source[text.end :]


def _with_names(said: Mapping[str, str], source: str) -> str:
    """Code in which names that are translated are so in what Python puts into strings, too: `f"{losses['here']}"`."""

    def name(found: re.Match[str]) -> str:
        return f"{found[2]}{said.get(found[3], found[3])}{found[2]}" if not found[1] else found[0]

    for text in sorted((text for text, _ in _strings(source, "") if text.fields), key=lambda text: -text.start):
        string = source[text.start : text.end]
        for field in text.fields:
            string = string.replace(field, _PIECE.sub(name, field))
        source = source[: text.start] + string + source[text.end :]
    return source


def _cells(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, list[Text]]]:
    """Each cell with its texts; the place is the heading that it stands under."""
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield cell, list(markdown_texts(cell.source, heading))
            heading = (re.findall(r"(?m)^#+ (.+)$", cell.source) or [heading])[-1]
        else:
            yield cell, list(code_texts(cell.source, f"{heading}, code"))


def _written(text: Text, said: str, source: str) -> str:
    """A string of Python that says this, in several pieces where the English one has several lines."""

    def literal(part: str) -> str:
        part = part.replace("\\", "\\\\")
        part = part.replace(text.quote, "\\" + text.quote) if len(text.quote) == 1 else part
        part = part if len(text.quote) == 3 else part.replace("\n", "\\n")
        filled = PLACEHOLDER.sub(lambda place: text.fields[int(place[1])], part) if text.fields else part
        return f"{'f' * (filled != part)}{text.quote}{filled}{text.quote}"

    if len(text.quote) == 3 or "\n" not in source[text.start : text.end]:
        return literal(said)
    indent = text.start - source.rfind("\n", 0, text.start) - 1
    parts = [""]
    for word in re.findall(r"\S+\s*|\s+", said):
        if parts[-1] and columns(literal(parts[-1] + word)) > WIDTH - indent:
            parts.append("")
        parts[-1] += word
    return ("\n" + " " * indent).join(map(literal, parts))


def columns(text: str) -> int:
    """The width of a text where each letter of Hangul or Han takes two columns."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def lost(english: str, said: str) -> str:
    """What is wrong with a translation: a placeholder, a piece of code, a formula or a link that only one side has."""
    for what, found in (("placeholders", PLACEHOLDER), ("code, formulas or links", _FIXED)):
        here, there = ({mark[0] for mark in found.finditer(side)} for side in (english, said))
        if here != there:
            loses, invents = ", ".join(sorted(here - there)), ", ".join(sorted(there - here))
            said_of = [f"{loses} is missing"] * bool(loses) + [f"{invents} is new"] * bool(invents)
            return f"does not keep the {what}: {' and '.join(said_of)}"
    stars = re.finditer(r"(.?)\*{1,2}(?=(.?))", _FIXED.sub("`", said))
    for number, (before, after) in enumerate(star.groups() for star in stars):
        inside, outside = (before, after) if number % 2 else (after, before)
        if outside.isalnum() and inside and not (inside.isalnum() or inside in " *"):
            return f"has stars between {before!r} and {after!r}, which Markdown shows as stars: put {inside!r} outside"
    return ""


# --- Catalogues -------------------------------------------------------------------------------------------------------


def all_texts(root: Path) -> dict[str, list[Text]]:
    """Everything that can be translated, by catalogue: "lessons/00_start_here", "checks/warm_up", "package"."""
    import jupytext  # only needed by those who change lessons

    found: dict[str, list[Text]] = defaultdict(list)
    for source in sorted((root / "notebooks" / "sources").glob("[0-9][0-9]_*.py")):
        cells = _cells(jupytext.read(source, fmt="py:percent"))
        found[f"lessons/{source.stem}"] = [text for _, texts in cells for text in texts]
    package = root / "resnet_course"
    for file in sorted(package.rglob("*.py")):
        name = file.relative_to(package)
        if name.parts[0] == "checks" and file.name != "__init__.py":
            catalogue = f"checks/{file.stem}"
        elif name.parts[0] == "checking":
            catalogue = "checking"
        elif name.parts[0] in ROOMS or name.as_posix() in ROOMS:
            catalogue = "package"
        else:
            catalogue = ""
        if not catalogue or name.as_posix() in SILENT:
            continue
        found[catalogue] += package_texts(file, name.as_posix())
    for file in sorted([*package.rglob("*.html"), *(package / "explorers").glob("*.html.jinja")]):
        texts = page_texts(file.read_text(encoding="utf-8"))
        found["package"] += (Text(text, file.name, 0, 0) for text in texts if "{" not in text)
    found["package"] += (Text(word, "one word", 0, 0) for word in WORDS)
    return found


def update(root: Path, language: str) -> list[Path]:
    """Write the catalogues of a language anew: new texts are added, old ones go, changed ones are marked as fuzzy."""
    from babel.messages.catalog import Catalog  # only needed by those who translate
    from babel.messages.pofile import read_po, write_po

    changed = []
    for name, texts in all_texts(root).items():
        file = root / CATALOGUES / language / f"{name}.po"
        template = Catalog(charset="utf-8")
        for text in texts:
            stands = [f"{{{number}}} = {field}" for number, field in enumerate(text.fields)]
            template.add(text.english, auto_comments=[text.place, *stands])
        kept = Catalog(locale=language)
        if file.is_file():
            kept = read_po(io.BytesIO(file.read_bytes()), locale=language, ignore_obsolete=True, charset="utf-8")
        marked = {message.id: [line for line in message.user_comments if line.startswith("|")] for message in kept}
        kept.update(template, update_header_comment=False)
        kept.obsolete.clear()
        for message in kept:
            message.flags &= {"fuzzy"}
            message.user_comments = [line for line in message.user_comments if not line.startswith("|")]
            before = [line.removeprefix("| msgid").strip() for line in marked.get(message.id, ())]
            if message.fuzzy and before and not message.previous_id:  # the text before it changed: Babel reads it not
                # Babel breaks the text into lines at spaces, within its quotes
                message.previous_id = [ast.literal_eval(" ".join(line.lstrip("| ") for line in before))]
        written = io.BytesIO()
        write_po(written, kept, width=0, omit_header=True, include_previous=True)
        content = HEADER.format(language).encode() + written.getvalue().rstrip() + b"\n"
        if not file.is_file() or file.read_bytes() != content:
            write_atomically(file, content)
            changed.append(file)
    return changed


def report(root: Path, language: str) -> Iterator[str]:
    """How much each catalogue translates, and which texts are missing first."""
    total = done = 0
    elsewhere: dict[str, tuple[str, str]] = {}  # what the package says of a text, and in which catalogue
    for name, texts in all_texts(root).items():
        file = root / CATALOGUES / language / f"{name}.po"
        known, guessed = (read_catalogue(file, fuzzy) if file.is_file() else {} for fuzzy in (False, True))
        english = list(dict.fromkeys(text.english for text in texts))
        missing = [text for text in english if text not in known]
        fuzzy = sum(text in guessed for text in missing)
        total, done = total + len(english), done + len(english) - len(missing)
        yield (
            f"{name:<32}{len(english):>5} texts{len(english) - len(missing):>6} translated{fuzzy:>5} fuzzy"
            f"{len(missing) - fuzzy:>6} missing{_percent(len(english) - len(missing), len(english)):>7}"
        )
        yield from (f"    {text[:100]}" for text in missing[:LISTED] if known)
        for text in english:
            if text in known and (wrong := lost(text, known[text])):
                yield f"    refused: {text[:60]}: the translation {wrong}"
            if text in known and not name.startswith("lessons/"):
                other, said = elsewhere.setdefault(text, (name, known[text]))
                if said != known[text]:
                    yield f"    two versions: {text[:60]}: here {known[text][:60]!r}, in {other} {said[:60]!r}"
    yield f"{'all':<32}{total:>5} texts{done:>6} translated{_percent(done, total):>30}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part // max(whole, 1)} %"
