"""How an answer is judged: run it, find the first difference from the reference, and name the mistake behind it.

A mistake is looked for in this order:

1. a known wrong answer of the exercise all of whose own differences the learner's answer shows; among several the one
   that explains most, so that a second mistake, or a harmless difference, hides none;
2. one that shows in part how the answer is built, where an error, or a second mistake, has cut off the rest;
3. what Python or PyTorch said, if the answer stopped with an error (`slips`);
4. one that begins to differ in the same place in the same way;
5. the kind of the result, or the kind of the first difference (`common`).

Where none fits, that is said, with the first difference.
"""

from __future__ import annotations

import dis
import io
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
from resnet_course.checking.modules import SEED, WrongKindError
from resnet_course.checking.seen import STOP, Difference, Observation

Status = Literal["passed", "failed", "not_written", "crashed"]

PARTLY = 0.5  # of the differences of a known mistake: so many must be here, where not all are
PRINTED_SHOWN = 200  # characters of the learner's own output that a message repeats
_OTHERS = tuple(str(Path(str(module.__file__)).parent) for module in (torch, resnet_course, traceback))
_RAISE = dis.opmap["RAISE_VARARGS"]
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_KNOWN: dict[tuple[int, str], Observation] = {}  # what was seen of references and known wrong answers
_CAUSES: dict[tuple[int, str], list[Difference]] = {}  # the differences of known wrong answers that explain them


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
            verdict = _judge(exercise, answer, printed)
    except TooSlowError as error:
        _forget()  # one of them may have been stopped half-way
        return Verdict(exercise.name, "crashed", "too_slow", f"The check was stopped: {error}")
    except (ExitRefusedError, SystemExit) as error:
        return Verdict(exercise.name, "crashed", "tried_to_exit", f"It tried to exit ({error}); return instead.")
    if printed.getvalue() and verdict.status != "passed":
        shown = " ".join(printed.getvalue().split())[:PRINTED_SHOWN]
        verdict = replace(verdict, message=f"{verdict.message}\nIt printed: {shown}")
    return verdict


def _judge(exercise: Exercise, answer: Any, printed: io.StringIO) -> Verdict:
    """Judge; of what is printed, only what the answer itself printed is kept."""
    reference = seen_of(exercise, "")
    _empty(printed)
    if reference.stopped is not None:  # an answer that stops in the same way must not look right
        _forget()
        said = f"The check does not run here, whatever the answer is: {in_words(reference.stopped.error)}"
        return Verdict(exercise.name, "crashed", "check_stopped", said)
    seen = Observation(exercise.observe, answer)
    found = list(seen.differences(reference))
    stopped = seen.stopped
    if stopped is not None and isinstance(stopped.error, NotImplementedError) and not _raised_by_torch(stopped.error):
        said = "Not written yet: the lesson goes on with the course's own."
        return Verdict(exercise.name, "not_written", None, said)
    judging = [difference for difference in found if difference.judges]
    if not judging:
        return Verdict(exercise.name, "passed", None, "Right. The lesson goes on with yours.")
    own_words = printed.getvalue()
    hint, cause = name_the_mistake(exercise, seen, found, reference)
    _empty(printed)
    printed.write(own_words)
    status: Status = "failed" if stopped is None or isinstance(stopped.error, WrongKindError) else "crashed"
    saw = judging[0].words if stopped is None else in_words(stopped.error)
    if saw.split(" ")[0].strip(",").isalpha():  # a word, and not the name of a function
        saw = f"{saw[0].upper()}{saw[1:]}"
    if hint is None:
        said = f"Not yet. {saw} No known mistake looks like this."
        return Verdict(exercise.name, status, "unknown", said, "" if cause is None else cause.words)
    detail = cause.words if cause is not None and cause.words != judging[0].words else ""
    return Verdict(exercise.name, status, hint.id, f"{hint.ask}\nWhat the check saw: {saw}", detail)


def _empty(printed: io.StringIO) -> None:
    printed.seek(0)
    printed.truncate()


def first_difference(exercise: Exercise, answer: Any) -> Difference | None:
    """The first difference that makes an answer wrong; None for a right one. Names nothing, and so is fast.

    Raises:
        Exception: what the answer raises.
    """
    seen = Observation(exercise.observe, answer)
    found = (difference for difference in seen.differences(seen_of(exercise, "")) if difference.judges)
    first = next(found, None)
    if seen.stopped is not None:
        raise seen.stopped.error
    return first


def seen_of(exercise: Exercise, wrong: str) -> Observation:
    """What is seen of a known wrong answer, by its id, or of the reference for ""; kept, and computed when needed."""
    key = id(exercise), wrong
    if key not in _KNOWN:
        answer = exercise.make(exercise.sources[wrong]) if wrong else exercise.reference
        _KNOWN[key] = Observation(exercise.observe, answer)
        if not wrong:
            _KNOWN[key].complete()
    return _KNOWN[key]


def _forget() -> None:
    _KNOWN.clear()
    _CAUSES.clear()


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
    whole: list[tuple[int, str, Difference]] = []  # known mistakes all of whose differences are here: how many
    partly: list[tuple[float, str, Difference]] = []  # those of which some are: the share
    error = None if seen.stopped is None else seen.stopped.error
    by_hand = error is not None and _raised_by_hand(error)
    for wrong in exercise.wrong:
        own = causes_of(exercise, wrong.id)
        if by_hand and not any(one.place == STOP for one in own):
            continue  # where an answer refuses to go on, what is missing after that is no mistake of its own
        here = [one for one in own if any(one.same_as(other) for other in causes)]
        if own and len(here) == len(own):
            whole.append((len(own), wrong.id, own[0]))
        elif here and (own[0].same_as(causes[0]) or (here[0].topic and len(here) >= PARTLY * len(own))):
            partly.append((len(here) / len(own), wrong.id, here[0]))
    if whole:
        most = max(count for count, _, _ in whole)
        best = [(name, cause) for count, name, cause in whole if count == most]
        alike = (entry for entry in best if len(best) > 1 and _same(seen_of(exercise, entry[0]), seen))
        name, cause = next(alike, best[0])
        return exercise.hints[name], cause
    share, name, cause = max(partly, key=lambda entry: entry[0], default=(0.0, "", causes[0]))
    if cause.topic and share:  # how it is built says more than the error that came of it
        return exercise.hints[name], cause
    slip = None if error is None or isinstance(error, WrongKindError) else slips.find(error)
    if slip is not None or by_hand:
        return slip, causes[0]
    if share:
        return exercise.hints[name], cause
    for cause in causes:
        if (hint := common.find(cause, reference)) is not None:
            return hint, cause
    return None, causes[0]


def causes_of(exercise: Exercise, wrong: str) -> list[Difference]:
    """The differences of a known wrong answer that explain it; kept."""
    key = id(exercise), wrong
    if key not in _CAUSES:
        _CAUSES[key] = list(_causes(seen_of(exercise, wrong), seen_of(exercise, "")))
    return _CAUSES[key]


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


def in_words(error: Exception) -> str:
    """The whole text of an error, without the codes that colour a terminal, and the line that raised it."""
    said = _ESCAPES.sub("", str(error)).strip()
    if isinstance(error, WrongKindError):  # which the check has raised
        return f"{said}."
    frames = _own_frames(error)
    place = f" (in {frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    said = said if place else said.removesuffix(".")  # which the sentence ends with
    return f"it raised {type(error).__name__}{': ' if said else ''}{said}{place}."


def _own_frames(error: Exception) -> list[traceback.FrameSummary]:
    """The lines of the learner's own code: those of torch, Python and this package help nobody."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not frame.filename.startswith(_OTHERS)]


def _raised_by_hand(error: Exception) -> bool:
    """Whether a `raise` or an `assert` of the learner has raised it, and not what the line tried to do."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None or place.tb_frame.f_code.co_filename.startswith(_OTHERS):
        return False
    return place.tb_frame.f_code.co_code[place.tb_lasti] == _RAISE


def _raised_by_torch(error: Exception) -> bool:
    """Whether torch itself is not able to do something, such as run a module that has no `forward`."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(str(Path(torch.__file__).parent))
