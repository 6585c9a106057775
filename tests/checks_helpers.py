"""What the tests of the checks share: answers as a learner types them, and what a check says about them."""

from __future__ import annotations

import textwrap
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import checks, models


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


def assert_verdict(name: str, answer: Any, status: str, hint_id: str | None = None) -> None:
    """The check must come to this verdict, in one or two sentences that a learner can read."""
    verdict = checks.verdict(name, answer)
    assert (verdict.status, verdict.hint_id) == (status, hint_id), verdict.message
    assert verdict.message
    assert verdict.message[0] != " "


def assert_found(name: str, answer: Any, hint_id: str) -> None:
    """The check must name this mistake, whether the answer gives something wrong or stops with an error."""
    verdict = checks.verdict(name, answer)
    assert verdict.hint_id == hint_id, f"{verdict.status}, {verdict.hint_id}: {verdict.message}"
    assert verdict.status in ("failed", "crashed")
