"""From a lesson's prose to what stands on a slide: the key sentences of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "paragraph", "list", "table", "math", "code", "details"]

_ENOUGH = 130  # characters: a first sentence that is shorter takes the next one with it
_SENTENCE_END = re.compile(r"(?<=[.?!])([\"*)]*)\s+(?=[\"*(`$]*[A-Z])")
_STARTS: tuple[tuple[str, Kind], ...] = (
    ("#", "heading"), ("|", "table"), ("$$", "math"), ("```", "code"), ("<details>", "details"),
)  # fmt: skip
_ITEM = re.compile(r"(?:- |\d+\. )")
_DETAILS = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
_MATH = re.compile(r"(`[^`]*`)|\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
_ASIDES = ("Stuck? ", "Next: ", "[![")  # what speaks to a reader alone


@dataclass(frozen=True)
class Block:
    """A part of a markdown cell that stands for itself, such as a paragraph or a table."""

    kind: Kind
    text: str


def blocks(markdown: str) -> Iterator[Block]:
    """The blocks of a markdown cell, without remarks that are for readers alone."""
    lines: list[str] = []
    for line in [*markdown.split("\n"), ""]:
        if line.strip() or _is_open("\n".join(lines)):
            lines.append(line)
        elif lines:
            text = "\n".join(lines)
            lines = []
            if not text.startswith(_ASIDES):
                yield Block(_kind(text), text)


def _is_open(text: str) -> bool:
    """Whether a blank line is a part of this block."""
    in_code = text.startswith("```") and text.count("```") == 1
    return in_code or (text.startswith("<details>") and "</details>" not in text)


def _kind(text: str) -> Kind:
    for start, kind in _STARTS:
        if text.startswith(start):
            return kind
    return "list" if _ITEM.match(text) else "paragraph"


def title_of(heading: str) -> str:
    """The words of a heading."""
    return heading.lstrip("#").strip()


def question_and_answer(details: str) -> tuple[str, str]:
    """What a folded answer asks, and the answer."""
    found = _DETAILS.match(details)
    if found is None:
        return "", details
    return " ".join(found[1].split()), found[2].strip()


def key_points(block: Block) -> str:
    """The first sentences of a paragraph, or of each item of a list, and those that define a bold term."""
    if block.kind == "paragraph":
        return _key_sentences(block.text)
    if block.kind == "list":
        return "\n".join(_key_sentences(item) for item in items(block.text))
    return block.text


def items(text: str) -> list[str]:
    """The items of a list, each with its mark."""
    found: list[str] = []
    for line in text.split("\n"):
        if _ITEM.match(line) or not found:
            found.append(line)
        else:
            found[-1] += " " + line.strip()
    return found


def _key_sentences(text: str) -> str:
    sentences = _SENTENCE_END.sub(r"\1\n", " ".join(text.split())).split("\n")
    kept: list[str] = []
    for sentence in sentences:
        if sum(map(len, kept)) < _ENOUGH or "**" in sentence:
            kept.append(sentence)
    return " ".join(kept)


def with_mathml(markdown: str) -> str:
    """The same text with each formula as MathML, which browsers show without a script."""
    from latex2mathml.converter import convert  # only needed to make slides

    def formula(found: re.Match[str]) -> str:
        code, display, inline = found.groups()
        if code is not None:
            return code
        return convert(display or inline, display="block" if display else "inline")

    return _MATH.sub(formula, markdown)
