"""How an answer is judged: run it, find the first difference from the reference, and name the mistake behind it.

A mistake is looked for in this order:

1. a known wrong answer of the exercise all of whose own differences the learner's answer shows; among several the one
   that explains most, so that a second mistake, or a harmless difference, hides none;
2. what Python or PyTorch said, if the answer stopped with an error (`slips`);
3. a known wrong answer that begins to differ in the same place in the same way;
4. the kind of the result, or the kind of the first difference (`common`).

Where none fits, that is said, with the first difference.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

import resnet_course
from resnet_course.checking import common, slips
from resnet_course.checking.exercise import Exercise, Hint
from resnet_course.checking.guard import ExitRefusedError, TooSlowError, guarded
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import STOP, Difference, Observation

Status = Literal["passed", "failed", "not_written", "crashed"]

PRINTED_SHOWN = 200  # characters of the learner's own output that a message repeats
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_KNOWN: dict[tuple[int, str], Observation] = {}  # what was seen of references and known wrong answers


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Args:
        name: the exercise.
        status: "passed", "failed", "not_written" or "crashed".
        hint_id: the mistake's id, "unknown" for one that nobody knows, "too_slow" or "tried_to_exit" for one that was
            stopped, None where there is no mistake.
        message: what the learner reads; for a known mistake the question of its hint, then what was seen.
        detail: what else was seen, for the explanation.
    """

    name: str
    status: Status
    hint_id: str | None
    message: str
    detail: str = ""


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Judge without showing anything. What the answer raises stays inside; global state is put back."""
    try:
        with guarded(SEED) as printed:
            verdict = _judge(exercise, answer)
    except TooSlowError as error:
        _KNOWN.clear()  # one of them may have been stopped half-way
        return Verdict(exercise.name, "crashed", "too_slow", f"The check was stopped: {error}")
    except (ExitRefusedError, SystemExit) as error:
        return Verdict(exercise.name, "crashed", "tried_to_exit", f"It tried to exit ({error}); return instead.")
    if printed.getvalue() and verdict.status != "passed":
        shown = " ".join(printed.getvalue().split())[:PRINTED_SHOWN]
        verdict = replace(verdict, message=f"{verdict.message}\nIt printed: {shown}")
    return verdict


def _judge(exercise: Exercise, answer: Any) -> Verdict:
    reference = seen_of(exercise, "")
    seen = Observation(exercise.observe, answer)
    found = list(seen.differences(reference))
    stopped = seen.stopped
    if stopped is not None and isinstance(stopped.error, NotImplementedError) and not _raised_by_torch(stopped.error):
        said = "Not written yet: the lesson goes on with the course's own."
        return Verdict(exercise.name, "not_written", None, said)
    judging = [difference for difference in found if difference.judges]
    if not judging:
        return Verdict(exercise.name, "passed", None, "Right. The lesson goes on with yours.")
    hint, cause = name_the_mistake(exercise, seen, found, reference)
    status: Status = "failed" if stopped is None or not _own_frames(stopped.error) else "crashed"
    saw = _in_words(stopped.error) if stopped is not None and judging[0].place == STOP else judging[0].words
    saw = f"{saw[:1].upper()}{saw[1:]}"
    if hint is None:
        said = f"Not yet. {saw} No known mistake looks like this."
        return Verdict(exercise.name, status, "unknown", said, "" if cause is None else cause.words)
    detail = cause.words if cause is not None and cause.words != judging[0].words else ""
    return Verdict(exercise.name, status, hint.id, f"{hint.ask}\nWhat the check saw: {saw}", detail)


def seen_of(exercise: Exercise, wrong: str) -> Observation:
    """What is seen of a known wrong answer, by its id, or of the reference for ""; kept, and computed when needed."""
    key = id(exercise), wrong
    if key not in _KNOWN:
        answer = exercise.make(exercise.sources[wrong]) if wrong else exercise.reference
        _KNOWN[key] = Observation(exercise.observe, answer)
        if not wrong:
            _KNOWN[key].complete()
    return _KNOWN[key]


def name_the_mistake(
    exercise: Exercise, seen: Observation, found: Sequence[Difference], reference: Observation
) -> tuple[Hint | None, Difference | None]:
    """The hint that fits what was seen, and the difference that it is about.

    Args:
        exercise: with its known wrong answers.
        seen: what was seen of the learner's answer.
        found: its differences from the reference.
        reference: what was seen of the reference.
    """
    causes = [difference for difference in found if difference.explains] or list(found)
    shown: list[tuple[int, str, Difference]] = []  # known mistakes all of whose differences are here
    begins: list[tuple[str, Difference]] = []  # those that begin to differ in the same way
    for wrong in exercise.wrong:
        own: list[Difference] = []
        fits = True
        for one in _causes(seen_of(exercise, wrong.id), reference):  # seen no further than it fits
            own.append(one)
            fits = any(one.same_as(other) for other in causes)
            if not fits:
                break
        if own and fits:
            shown.append((len(own), wrong.id, own[0]))
        elif own and own[0].same_as(causes[0]):
            begins.append((wrong.id, own[0]))
    if shown:
        most = max(count for count, _, _ in shown)
        best = [(name, cause) for count, name, cause in shown if count == most]
        alike = (entry for entry in best if len(best) > 1 and _same(seen_of(exercise, entry[0]), seen))
        name, cause = next(alike, best[0])
        return exercise.hints[name], cause
    if seen.stopped is not None and (slip := slips.find(seen.stopped.error)) is not None:
        return slip, causes[0]
    if begins:
        return exercise.hints[begins[0][0]], begins[0][1]
    for cause in causes:
        if (hint := common.find(cause, reference)) is not None:
            return hint, cause
    return None, causes[0]


def _causes(seen: Observation, reference: Observation) -> Iterator[Difference]:
    """The differences of a known wrong answer that explain it; all others only where there are none."""
    effects = []
    found = False
    for difference in seen.differences(reference):
        if difference.explains:
            found = True
            yield difference
        elif found:
            return  # what follows costs time and shows only what these have caused
        else:
            effects.append(difference)
    if not found:
        yield from effects


def _same(one: Observation, other: Observation) -> bool:
    """Whether two answers do the same, right or wrong."""
    return not any(difference.judges for difference in one.differences(other))


def hint_of(exercise: Exercise, hint_id: str) -> Hint | None:
    """The hint of this id: the exercise's own, or one that all exercises share; None if there is none any more."""
    return exercise.hints.get(hint_id) or slips.HINTS.get(hint_id) or common.HINTS.get(hint_id)


# --- Errors -----------------------------------------------------------------------------------------------------------


def _in_words(error: Exception) -> str:
    """The whole text of an error, without the codes that colour a terminal, and the line that raised it."""
    said = _ESCAPES.sub("", str(error)).strip()
    frames = _own_frames(error)
    place = f" (in {frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return f"it raised {type(error).__name__}{': ' if said else ''}{said}{place}."


def _own_frames(error: Exception) -> list[traceback.FrameSummary]:
    """The lines of the learner's own code: those of torch, Python and this package help nobody."""
    others = tuple(str(Path(file).parent) for file in (torch.__file__, str(resnet_course.__file__), traceback.__file__))
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not frame.filename.startswith(others)]


def _raised_by_torch(error: Exception) -> bool:
    """Whether torch itself is not able to do something, such as run a module that has no `forward`."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(str(Path(torch.__file__).parent))
