"""Change the solutions a little, one place at a time, and see whether the checks notice.

    python tests/mutation_run.py [exercise ...]

Prints, for each exercise, how many mutants there were and which survived: passed their check. A survivor either behaves
as the solution does, or shows what the check does not look at. `tests/mutation_survivors.md` explains each of them.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resnet_course import checks

ROOT = Path(__file__).parents[1]
SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def solutions() -> dict[str, tuple[str, str]]:
    """For each exercise: what the lesson defines before it, and the cell with the solution."""
    found = {}
    for path in sorted((ROOT / "notebooks" / "sources").glob("*.py")):
        cells = [cell for cell in re.split(r"^# %%.*$", path.read_text(), flags=re.MULTILINE) if cell.strip()]
        before = ""
        for cell in cells:
            exercise = re.search(r"= checks\.(\w+)\((.+)\)$", cell, re.MULTILINE)
            if exercise and "BEGIN SOLUTION" in cell:
                definitions = cell[: exercise.start()].rsplit("\n", 1)[0]
                found[exercise[1]] = (before, f"{definitions}\n\nanswer = {exercise[2]}\n")
                before += definitions + "\n"
            else:
                imports = re.findall(r"^(?:import|from) .+$", cell, re.MULTILINE)
                before += "\n".join(imports) + "\n"
    return found


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Every source that differs from this one in one place, with a word about the place."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for name, change in _changes(node):
            changed = copy.deepcopy(tree)
            twin = next(other for place, other in enumerate(ast.walk(changed)) if place == number)
            change(twin)
            yield f"line {getattr(node, 'lineno', '?')}: {name}", ast.unparse(ast.fix_missing_locations(changed))


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """Small changes of one node: operators, constants, keyword arguments, conditions, lines dropped or swapped."""
    operator = getattr(node, "op", None)
    if type(operator) in SWAPPED:
        other = SWAPPED[type(operator)]
        yield f"{type(operator).__name__} -> {other.__name__}", lambda twin: setattr(twin, "op", other())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        other = SWAPPED[type(node.ops[0])]
        yield f"{type(node.ops[0]).__name__} -> {other.__name__}", lambda twin: twin.ops.__setitem__(0, other())
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", lambda twin: setattr(twin, "value", not twin.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield f"{node.value} -> {node.value + 1}", lambda twin: setattr(twin, "value", twin.value + 1)
        if node.value != 0:
            yield f"{node.value} -> 0", lambda twin: setattr(twin, "value", 0)
    if isinstance(node, ast.Call):
        for index, keyword in enumerate(node.keywords):
            if keyword.arg is not None:
                yield f"without {keyword.arg}", lambda twin, index=index: twin.keywords.pop(index)
        if len(node.args) == 2:
            yield "arguments swapped", lambda twin: twin.args.reverse()
    if isinstance(node, (ast.If, ast.IfExp)):
        yield "condition negated", lambda twin: setattr(twin, "test", ast.UnaryOp(ast.Not(), twin.test))
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if isinstance(node, (ast.Module, ast.ClassDef)) or not isinstance(block, list):
            continue
        for index, statement in enumerate(block):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # a docstring
            text = ast.unparse(statement).split("\n")[0]
            yield f"dropped: {text}", lambda twin, f=field, i=index: getattr(twin, f).__setitem__(i, ast.Pass())
            if index and not isinstance(block[index - 1], ast.FunctionDef):
                yield f"moved up: {text}", lambda twin, f=field, i=index: _swap(getattr(twin, f), i)


def _swap(block: list[ast.stmt], index: int) -> None:
    block[index - 1], block[index] = block[index], block[index - 1]


def judge(name: str, before: str, source: str) -> str:
    """The status that the check gives to this source; "crashed" if it does not even run."""
    namespace: dict[str, Any] = {}
    setting = before.replace("plotting.use_style()", "")
    try:
        exec(setting, namespace)
        exec(source, namespace)
    except Exception:
        return "crashed"
    return checks.verdict(name, namespace["answer"]).status


def main(names: list[str]) -> int:
    """Run the mutants of the named exercises, or of all."""
    total = survived = 0
    for name, (before, source) in solutions().items():
        if names and name not in names:
            continue
        if judge(name, before, source) != "passed":
            print(f"{name}: the solution itself does not pass", file=sys.stderr)
            return 1
        found = list(mutants(source))
        alive = [place for place, text in found if judge(name, before, text) == "passed"]
        total, survived = total + len(found), survived + len(alive)
        print(f"{name:<22}{len(found):>4} mutants, {len(alive)} survive", flush=True)
        for place in alive:
            print(f"    {place}", flush=True)
    print(f"all: {total} mutants, {survived} survive, {100 * (1 - survived / max(total, 1)):.1f} % fail their check")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
