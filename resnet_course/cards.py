"""Cards of a lesson: guess before you run, and the verdict that the numbers give."""

from __future__ import annotations

from collections.abc import Mapping

from resnet_course.messages import Kind, Message


def compare_guess(guess: Mapping[str, float | None], measured: Mapping[str, float], unit: str = "") -> None:
    """Show the reader's guess beside what was measured. A guess of None was not written; that is no mistake.

    Args:
        guess: the reader's numbers, by name.
        measured: this run's numbers, by the same names.
        unit: written behind every number, for example " of 1".

    Raises:
        ValueError: if the guess names something that was not measured.
    """
    unknown = sorted(set(guess) - set(measured))
    if unknown:
        raise ValueError(f"nothing was measured for {', '.join(unknown)}; the names are {', '.join(measured)}")
    lines = []
    for name, value in measured.items():
        mine = guess.get(name)
        said = "no guess written" if mine is None else f"your guess {mine:g}{unit}, off by {abs(mine - value):.3g}"
        lines.append(f"{name}: measured {value:.3g}{unit}; {said}.")
    Message("info", "Your guess and the measurement", tuple(lines)).show()


def verdict(claim: str, holds: bool, numbers: str) -> None:
    """Say whether this run shows what the lesson claims, with the numbers.

    Args:
        claim: the sentence under test.
        holds: computed from the run's numbers.
        numbers: the numbers in words.
    """
    kind: Kind = "reproduced" if holds else "not reproduced"
    data = {"verdict": {"claim": claim, "holds": bool(holds), "numbers": numbers}}
    Message(kind, f"{kind.capitalize()}: {claim}", (numbers,), data).show()
