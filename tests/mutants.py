"""Sources that differ from a given one in one place: operators, constants, arguments, conditions, lines, order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Each operator with those that may stand in its place.
SWAPS = ("Add Sub", "Sub Add", "Mult Add Div", "Div Mult FloorDiv", "FloorDiv Mult Div", "Mod FloorDiv", "Pow Mult")
SWAPS += ("Eq NotEq", "NotEq Eq", "Lt LtE Gt", "LtE Lt Gt", "Gt GtE Lt", "GtE Gt Lt", "And Or", "Or And")
OPERATORS = {getattr(ast, old): [getattr(ast, new) for new in others] for old, *others in map(str.split, SWAPS)}
MODULES = {"F", "math", "nn", "np", "torch"}  # a call of one of their functions does not change them


@dataclass(frozen=True)
class Mutant:
    """A changed source: the first line of the statement before and after the change, and the whole text."""

    old: str
    new: str
    source: str


Change = tuple[str, Any, Any, Any]
"""What is said of it ("" where the changed line says it all); a list or a node's fields, the place there, a value."""


def mutants(source: str) -> Iterator[Mutant]:
    """Every source that differs from this one in one place, each text once."""
    tree = ast.parse(source)
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    seen = {ast.unparse(tree)}
    for parent, field, index, parameters in list(_places(tree)):
        block = getattr(parent, field)
        old = _first_line(block[index])
        for said, owner, place, value in [*_changes(block, index, parameters, names), *_moves(parent, field, index)]:
            before, owner[place] = owner[place], value
            text, new = ast.unparse(tree), said or _first_line(block[index])
            owner[place] = before
            if text not in seen:
                seen.add(text)
                yield Mutant(old, new, text)


def _first_line(statement: ast.stmt) -> str:
    return ast.unparse(statement).split("\n")[0]


def _places(parent: ast.AST, parameters: tuple[str, ...] = ()) -> Iterator[tuple[ast.AST, str, int, tuple[str, ...]]]:
    """Every statement from top to bottom: where it stands, and the parameters of the function around it."""
    if isinstance(parent, ast.FunctionDef):
        parameters = tuple(argument.arg for argument in parent.args.args if argument.arg != "self")
    for field in ("body", "orelse"):
        block = getattr(parent, field, None)
        for index, statement in enumerate(block if isinstance(block, list) else []):
            docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not docstring and not isinstance(statement, (ast.Import, ast.ImportFrom)):
                yield parent, field, index, parameters
                yield from _places(statement, parameters)


def _changes(block: list[ast.stmt], index: int, parameters: tuple[str, ...], names: set[str]) -> Iterator[Change]:
    """Every change of one statement, those of the statements inside it left out."""
    statement = block[index]
    for owner, place, field, node in _expressions(statement):
        for other in _alternatives(node, parameters, names):
            yield "", owner, place, other
        if field in ("test", "ifs"):
            for other in (ast.UnaryOp(ast.Not(), node), ast.Constant(True), ast.Constant(False)):
                yield "", owner, place, other
    if isinstance(statement, ast.FunctionDef) and statement.args.defaults:
        yield "", vars(statement.args), "defaults", statement.args.defaults[1:]
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return
    yield "(left out)", block, index, ast.Pass()
    if isinstance(statement, ast.AugAssign):
        yield "", block, index, ast.Assign([statement.target], statement.value, lineno=0)
    if isinstance(statement, ast.With):
        yield "(only what stands inside)", block, index, ast.If(ast.Constant(True), statement.body, [])
    if isinstance(statement, ast.For):
        yield "(the first round only)", vars(statement), "body", [*statement.body, ast.Break()]


# --- Inside a line --------------------------------------------------------------------------------------------------


def _expressions(node: ast.AST) -> Iterator[tuple[Any, Any, str, ast.AST]]:
    """Every expression and operator below a node: the list or fields that hold it, its place, the field, itself."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        owner, children = (value, list(enumerate(value))) if isinstance(value, list) else (vars(node), [(field, value)])
        for place, child in children:
            if isinstance(child, ast.AST) and not isinstance(child, ast.stmt):
                yield owner, place, field, child
                yield from _expressions(child)


def _alternatives(node: ast.AST, parameters: tuple[str, ...], names: set[str]) -> Iterator[ast.AST]:
    """What may stand in place of an expression or an operator."""
    if type(node) in OPERATORS:
        yield from (other() for other in OPERATORS[type(node)])
    elif isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in _other_values(node.value))
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.Call):
        yield from _other_calls(node)
    elif isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Load):
        yield from (type(node)(elements, ast.Load()) for elements in _other_lists(node.elts))
    elif isinstance(node, ast.Dict):
        for place in range(len(node.keys)):
            yield ast.Dict(_without(node.keys, place), _without(node.values, place))
    elif isinstance(node, ast.Slice):
        parts = {"lower": node.lower, "upper": node.upper, "step": node.step}
        yield from (ast.Slice(**{**parts, name: None}) for name, part in parts.items() if part is not None)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in parameters:
        yield from (ast.Name(other, ast.Load()) for other in parameters if other != node.id)
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        alike = re.compile(re.escape(node.attr.rstrip("0123456789")) + r"\d+")  # bn1 and bn2
        others = sorted(name for name in names - {node.attr} if alike.fullmatch(name) and node.attr[-1].isdigit())
        yield from (ast.Attribute(node.value, other, ast.Load()) for other in others)


def _other_values(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (value + 1, value - 1, type(value)(0))
    elif isinstance(value, str):
        yield from (value + "_", "")


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    """One argument less, two in the other order; or what the call is made on or given, without the call."""
    for place in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, _without(node.keywords, place))
    for arguments in _other_lists(node.args):
        yield ast.Call(node.func, arguments, node.keywords)
    if (receiver := _receiver(node)) is not None:
        yield receiver
    yield from (argument for argument in node.args if not isinstance(argument, ast.Starred))


def _other_lists(nodes: list[Any]) -> Iterator[list[Any]]:
    """One element left out, or two neighbours swapped."""
    for place in range(len(nodes)):
        yield _without(nodes, place)
        if place:
            yield [*nodes[: place - 1], nodes[place], nodes[place - 1], *nodes[place + 1 :]]


def _without(nodes: list[Any], place: int) -> list[Any]:
    return nodes[:place] + nodes[place + 1 :]


# --- Order ----------------------------------------------------------------------------------------------------------


def _moves(parent: ast.AST, field: str, index: int) -> Iterator[Change]:
    """The statement below its neighbour; one that is run for its effect also further down, and up.

    Only past a statement that depends on it or that it depends on: the order of other lines changes nothing.
    """
    block = getattr(parent, field)
    statement = block[index]
    if isinstance(parent, (ast.Module, ast.ClassDef)) or isinstance(statement, ast.Return):
        return
    for place, other in enumerate(block):
        near = place == index + 1 or (place != index and _is_effect(statement))
        if near and not isinstance(other, ast.Return) and depend(statement, other):
            moved = _without(block, index)
            moved.insert(place, statement)
            yield f"(moved {'above' if place < index else 'below'} {_first_line(other)})", vars(parent), field, moved


def depend(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether the two share a name that one of them binds or changes.

    A method may change the object it is called on. Two lines that only call a method, such as `loss.backward()` and
    `optimizer.step()`, may depend on each other in ways that no name shows.
    """
    if all(_is_effect(each) and _receiver(each.value) is not None for each in (one, other)):
        return True
    pairs = [(one, other), (other, one)]
    return any(_overlap(a, b) for this, that in pairs for a in _changed(this) for b in _mentioned(that))


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _is_effect(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)


def _receiver(call: ast.Call) -> ast.AST | None:
    """What a method is called on; None for a function, one of a module too."""
    is_method = isinstance(call.func, ast.Attribute) and _path(call.func).partition(".")[0] not in MODULES
    return call.func.value if is_method else None


def _path(node: ast.AST) -> str:
    """`self.bn1` for that attribute and for `self.bn1[0]`; "" for what has no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):
        return _path(node.value)
    owner = _path(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{owner}.{node.attr}" if owner else ""


def _mentioned(node: ast.AST) -> set[str]:
    """The names below a node, as long as they are written: `self.bn1` and not `self`."""
    path = _path(node)
    if path and not isinstance(node, ast.Subscript):
        return {path}
    inside = [node.slice] if path else ast.iter_child_nodes(node)
    return ({path} - {""}).union(*map(_mentioned, inside))


def _changed(statement: ast.stmt) -> set[str]:
    """The names that a statement binds, calls a method on, or hands to a function for its effect alone."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            found.add(_path(node))
        elif isinstance(node, ast.Call) and _receiver(node) is not None:
            found.add(_path(_receiver(node)))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found.update(*map(_mentioned, node.value.args))
    return found - {""}
