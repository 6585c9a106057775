"""What the tests of the checks share: what a check has to say about an answer."""

from __future__ import annotations

from typing import Any

from resnet_course import checks


def assert_verdict(name: str, answer: Any, status: str, hint_id: str | None = None) -> None:
    """The check must come to this verdict, in one or two sentences that a learner can read."""
    verdict = checks.verdict(name, answer)
    assert (verdict.status, verdict.hint_id) == (status, hint_id), verdict.message
    assert verdict.message
    assert verdict.message[0] != " "
