"""Cards of a lesson: guess before you run, and the verdict that the numbers give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resnet_course.inspection.differences import compare_means
from resnet_course.notebook import journal
from resnet_course.notebook.messages import Kind, Message


def compare_guess(
    guess: Mapping[str, float | None], measured: Mapping[str, float], unit: str = "", lesson: str | None = None
) -> None:
    """Show the reader's guess beside what was measured. A guess of None was not written; that is no mistake.

    Args:
        guess: the reader's numbers, by name.
        measured: this run's numbers, by the same names.
        unit: written behind every number, for example " of 1".
        lesson: two digits. The reader's first guess of a lesson is kept in the journal and shown again later; None
            keeps nothing.

    Raises:
        ValueError: if the guess names something that was not measured, or is not a number.
    """
    unknown = sorted(set(guess) - set(measured))
    if unknown:
        raise ValueError(f"nothing was measured for {', '.join(unknown)}; the names are {', '.join(measured)}")
    for name, value in guess.items():
        if value is not None and not isinstance(value, (int, float)):
            raise ValueError(f"the guess for {name!r} must be a number such as 0.5, or None; it is {value!r}")
    lines = []
    for name, value in measured.items():
        mine = guess.get(name)
        said = "no guess written" if mine is None else f"your guess {mine:g}{unit}, off by {abs(mine - value):.3g}"
        lines.append(f"{name}: measured {value:.3g}{unit}; {said}.")
    if lesson is not None:
        lines += _earlier_guess(lesson, guess)
        journal.note_guess(lesson, guess, measured)
    Message("info", "Your guess and the measurement", tuple(lines)).show()


def _earlier_guess(lesson: str, guess: Mapping[str, float | None]) -> list[str]:
    """A sentence about the first guess, if it was another one."""
    first = journal.read_journal()["guesses"].get(lesson)
    if first is None or first["guess"] == {name: value for name, value in guess.items() if value is not None}:
        return []
    numbers = ", ".join(f"{name} {value:g}" for name, value in first["guess"].items())
    return [f"Your first guess, before any run, was: {numbers}."]


def verdict(claim: str, holds: bool | None, numbers: str) -> None:
    """Say whether this run shows what the lesson claims, with the numbers.

    Args:
        claim: the sentence under test.
        holds: computed from the run's numbers; None where they cannot tell, see `Difference.is_above`.
        numbers: the numbers in words.
    """
    status: Kind = "cannot tell" if holds is None else "reproduced" if holds else "not reproduced"
    data = {"verdict": {"claim": claim, "status": status, "numbers": numbers}}
    Message(status, f"{status.capitalize()}: {claim}", (numbers,), data).show()


def compare(claim: str, higher: Mapping[str, Sequence[float]], lower: Mapping[str, Sequence[float]]) -> None:
    """The verdict on a claim that one thing is higher than another, over several seeds.

    Args:
        claim: the sentence under test.
        higher, lower: a name and one number for each seed, in the order of the seeds.
    """
    verdict(claim, *compare_means(higher, lower))
