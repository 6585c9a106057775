"""Answers as learners type them: for every exercise right ones in several styles, and every known mistake.

One module for each exercise, named like its check, with

- `NAME`: what the learner defines;
- `RIGHT`: right answers, by the way they are written;
- `WRONG`: one answer for each mistake in the check's table, by the mistake's id;
- `UNKNOWN`: mistakes that no table holds;

and, where there are any, `AGAIN`: the same mistakes in other words; `STUBS`: answers of which a part is not written;
`CRASHING`: answers that raise in a way that no table holds.
"""

from __future__ import annotations

import importlib
import pkgutil
import textwrap
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import models


@dataclass(frozen=True)
class Answers:
    """The sources for one exercise: each dict goes from a way of writing, or a mistake's id, to the source text."""

    name: str
    right: dict[str, str]
    wrong: dict[str, str]
    unknown: dict[str, str]
    again: dict[str, tuple[str, str]]
    stubs: dict[str, str]
    crashing: dict[str, str]

    def make(self, source: str) -> Any:
        """The object that this source defines."""
        return make(source, self.name)


def load() -> dict[str, Answers]:
    """The answers to every exercise, by the name of its check."""
    found = {}
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        optional = {name: getattr(module, name.upper(), {}) for name in ("again", "stubs", "crashing")}
        found[entry.name] = Answers(module.NAME, module.RIGHT, module.WRONG, module.UNKNOWN, **optional)
    return found


def make(source: str, name: str) -> Any:
    """Run source text as a notebook cell would and return the object of that name."""
    namespace = {"torch": torch, "nn": nn, "F": F, **{word: getattr(models, word) for word in models.__all__}}
    exec(textwrap.dedent(source), namespace)
    return namespace[name]


def edited(source: str, *edits: tuple[str, str]) -> str:
    """The source with each old text replaced by the new one, wherever it stands; it must stand somewhere."""
    for old, new in edits:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source
