"""What a learner wrote and passed: its source is kept beside the journal, and is what later lessons go on with.

Kept is the text of the definition and of what it needs from other cells. Before it is written it is tried in a fresh
namespace; before it is used, too, where the file was changed or comes from another version of the course.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import linecache
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from resnet_course import __version__
from resnet_course.base.errors import CourseError
from resnet_course.base.files import write_atomically
from resnet_course.checking.exercise import Exercise
from resnet_course.checking.guard import ExitRefusedError, TooSlowError, guarded
from resnet_course.checking.judge import judge
from resnet_course.checking.modules import SEED
from resnet_course.notebook import journal

MODULE = "yours"  # of what comes from a kept file
_OWN = ("__main__", MODULE)


def kept_file(name: str) -> Path | None:
    """Where the answer to an exercise is kept; None if the journal is switched off."""
    path = journal.journal_file()
    return None if path is None else path.with_name("answers") / f"{name}.py"


def keep(exercise: Exercise, answer: Any) -> str | None:
    """Keep a right answer. Returns what hindered it, in one line or two, and None if nothing did."""
    path = kept_file(exercise.name)
    if path is None:
        return None
    source = source_of(exercise, answer)
    if source is None:
        return "the text of its definition is not to be had"
    if problem := _problem(exercise, source, path):
        return problem
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{_header(source)}\n{source}".encode())
    except (OSError, CourseError) as error:
        return str(error)
    return None


def read_kept(exercise: Exercise) -> tuple[Any, str]:
    """The learner's answer and words about it; None and the reason if it cannot be used. The file is left alone."""
    path = kept_file(exercise.name)
    if path is None:
        return None, "nothing is kept, since RESNET_COURSE_JOURNAL is off"
    try:
        header, _, source = path.read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        return None, "you have not passed this exercise yet"
    except (OSError, ValueError) as error:
        return None, f"{path} cannot be read: {error}"
    if header != _header(source):
        changed = "was changed, or comes from another version of the course,"
        if problem := _problem(exercise, source, path):
            return None, f"{path} {changed} and is not used: {problem.splitlines()[0]}"
        return _made(exercise, source, path), f"yours, from {path}, which {changed} and passes its check"
    try:
        return _made(exercise, source, path), f"yours, from {path}"
    except Exception as error:  # a package that it imports may be gone
        return None, f"{path} is not used: {type(error).__name__}: {error}"


def _header(source: str) -> str:
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    return f"# Passed its check in resnet_course {__version__}; later lessons go on with it. {digest}"


def _made(exercise: Exercise, source: str, path: Path) -> Any:
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    return exercise.make(source, str(path), MODULE)


def _problem(exercise: Exercise, source: str, path: Path) -> str | None:
    """Why a source cannot be used, in words; None if it passes its check."""
    try:
        with guarded(SEED):
            answer = _made(exercise, source, path)
    except (TooSlowError, ExitRefusedError, SystemExit, Exception) as error:
        return f"{type(error).__name__}: {error}"
    verdict = judge(exercise, answer)
    lines = verdict.message.splitlines()
    saw = next((line for line in lines if line.startswith("What the check saw")), lines[0])
    return None if verdict.status == "passed" else f"by itself it does not pass\n{saw}"


# --- The text of a definition, and of what it needs -------------------------------------------------------------------


def source_of(exercise: Exercise, answer: Any) -> str | None:
    """The text that defines an answer, as a file of its own; None if it is not to be had."""
    names = [node.id for node in ast.walk(ast.parse(exercise.defines, mode="eval")) if isinstance(node, ast.Name)]
    parts = answer if isinstance(answer, tuple) else (answer,)
    if len(names) != len(parts):
        return None
    lines: dict[str, str] = {}  # by name, what is needed first in front
    fresh = exercise.namespace()
    for name, part in zip(names, parts, strict=True):
        _gather(name, part, fresh, lines)
        if name not in lines:
            return None
    return "\n\n\n".join(lines.values()) + "\n"


def _gather(name: str, thing: Any, fresh: dict[str, Any], lines: dict[str, str]) -> None:
    """Put the text that makes `name` mean `thing` into `lines`, after the text of what it needs."""
    if name in lines or fresh.get(name, lines) is thing:
        return
    if isinstance(thing, ModuleType):
        lines[name] = f"import {thing.__name__} as {name}"
    elif getattr(thing, "__module__", None) in _OWN and isinstance(thing, (type, FunctionType)):
        found = _definition(thing)
        if found is None:
            return
        node, text, names = found
        lines[name] = ""  # so that what needs itself comes to an end
        for needed in _names_in(node):
            if needed in names:
                _gather(needed, names[needed], fresh, lines)
        del lines[name]
        lines[name] = text if _name(node) == name else f"{text}\n\n\n{name} = {_name(node)}"
    elif isinstance(thing, (type, FunctionType)):
        lines[name] = f"from {thing.__module__} import {thing.__qualname__} as {name}"
    elif _is_plain(thing):
        lines[name] = f"{name} = {thing!r}"


def _is_plain(thing: Any) -> bool:
    """Whether a value is all that its `repr` says: a number, a text, and lists and dicts of them."""
    try:
        return bool(ast.literal_eval(repr(thing)) == thing)
    except Exception:  # of whatever `repr` says, or of `==`
        return False


def _definition(thing: Any) -> tuple[Any, str, dict[str, Any]] | None:
    """The statement that defined a class or function, its text, and the global names that it sees."""
    for function in _functions_of(thing):
        text = "".join(linecache.getlines(function.__code__.co_filename))
        try:
            statements = ast.parse(text).body
        except SyntaxError:  # a cell with magic commands
            statements = ast.parse("\n".join("" if line[:1] in "%!" else line for line in text.splitlines())).body
        for node in statements:
            first, last = node.lineno, node.end_lineno or node.lineno
            decorators = getattr(node, "decorator_list", [])
            first = min([first, *(each.lineno for each in decorators)])
            line = function.__code__.co_firstlineno
            named = isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.Assign)) and _name(node).isidentifier()
            if named and first <= line <= last:
                # What is set afterwards belongs to it: Block.expansion = 1
                later = [each for each in statements if re.match(rf"{_name(node)}\.\w+ = ", ast.unparse(each))]
                typed = "\n".join(text.splitlines()[first - 1 : last])
                return node, "\n\n\n".join([typed, *map(ast.unparse, later)]), function.__globals__
    return None


def _name(node: Any) -> str:
    """What a definition defines, or the assignment of a lambda."""
    return ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else str(node.name)


def _functions_of(thing: Any) -> Iterator[FunctionType]:
    """A function, or those of a class, as typed: without what a decorator has put around them."""
    for each in [thing] if isinstance(thing, FunctionType) else vars(thing).values():
        function = inspect.unwrap(getattr(each, "__func__", each))
        if isinstance(function, FunctionType):
            yield function


def _names_in(node: ast.AST) -> list[str]:
    """Names that are read in a statement, in order, each once."""
    found = [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)]
    return [name for name in dict.fromkeys(found) if not hasattr(builtins, name)]
