"""Change the solutions a little, one place at a time, and see whether the checks notice.

    python tests/mutation_run.py [exercise ...] [--every N] [--json FILE]

Prints, for each exercise, how many mutants there are, how many fail their check, and which survive, that is, pass it.
`tests/mutation_survivors.md` explains each survivor. The exit status is 1 if a survivor is not explained there, if an
explained one does not survive, or if of all exercises fewer than 98 % of the mutants that change anything are killed.
A sample, `--every 10`, only asks the first of this.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from mutants import mutants

from resnet_course import checks
from resnet_course.checking.guard import ExitRefusedError, TooSlowError, guarded
from resnet_course.checking.judge import first_difference
from resnet_course.checking.modules import SEED

ROOT = Path(__file__).parents[1]
SURVIVORS = Path(__file__).with_name("mutation_survivors.md")
SAME, ALLOWED = "## They do the same", "## They do something else, and may"
LISTED = re.compile(r"- `(\w+)`: `(.+)` → `(.+)` — (.+)")
YOURS = re.compile(r"checks\.yours\('(\w+)'\)")
ALIAS = re.compile(rf"{YOURS.pattern}|models\.\w+")
SHARE = 0.98  # of the mutants that change anything: how many must fail their check
SECONDS, TIMES = 2.0, 10.0  # a mutant may take so long, or so many times what the solution takes
IMPORTS = (ast.Import, ast.ImportFrom)
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Solution:
    """What a lesson defines before an exercise, the solution, and the expression that is handed to the check."""

    name: str
    setting: str
    source: str
    answer: str


@dataclass
class Result:
    """What became of the mutants of one exercise."""

    name: str
    mutants: int = 0
    killed: int = 0
    raised: int = 0  # of those that were killed
    seconds: float = 0.0
    survivors: list[tuple[str, str]] = field(default_factory=list)  # the line before and after


# --- Running --------------------------------------------------------------------------------------------------------


def solutions() -> dict[str, Solution]:
    """Every exercise of the lessons, in their order."""
    found: dict[str, Solution] = {}
    for path in sorted((ROOT / "notebooks" / "sources").glob("*.py")):
        setting: list[ast.stmt] = []
        for cell in re.split(r"^# %%.*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            before: list[ast.stmt] = []
            has_solution = "BEGIN SOLUTION" in cell
            for statement in ast.parse(cell).body:
                call = getattr(statement, "value", None)
                if has_solution and (name := _check_called(call)):
                    sources = [ast.unparse(ast.Module(part, [])) for part in (setting, before)]
                    sources = [YOURS.sub(r"checks.EXERCISES['\1'].reference", source) for source in sources]
                    found[name] = Solution(name, *sources, ast.unparse(call.args[0]))
                before.append(statement)
            kept = (*IMPORTS, ast.FunctionDef, ast.ClassDef) if has_solution else IMPORTS
            setting += [statement for statement in before if isinstance(statement, kept) or _names_a_block(statement)]
    return found


def _names_a_block(statement: ast.stmt) -> bool:
    """`BasicBlock = checks.yours("basic_block")`, `CourseBlock = models.BasicBlock`: names that answers use."""
    return isinstance(statement, ast.Assign) and bool(ALIAS.fullmatch(ast.unparse(statement.value)))


def _check_called(node: Any) -> str:
    """The exercise's name in `checks.NAME(answer)`, or ""."""
    called = node.func if isinstance(node, ast.Call) else None
    is_check = isinstance(called, ast.Attribute) and ast.unparse(called.value) == "checks"
    return called.attr if is_check and called.attr in checks.EXERCISES else ""


def judge(solution: Solution, source: str, seconds: float) -> str:
    """What the check finds: "passed", "failed" or "raised". Which mistake it is takes longer, and is not asked."""
    exercise = checks.EXERCISES[solution.name]
    namespace: dict[str, Any] = {}
    try:
        with guarded(SEED, seconds):
            exec(f"{solution.setting}\n{source}", namespace)
            difference = first_difference(exercise, eval(solution.answer, namespace))
    except (Exception, TooSlowError, ExitRefusedError, SystemExit):
        return "raised"
    return "passed" if difference is None else "failed"


def run(solution: Solution, every: int = 1) -> Result:
    """Judge the mutants of one solution, or each that stands at a multiple of `every`."""
    started = time.perf_counter()
    if judge(solution, solution.source, seconds=60) != "passed":
        raise SystemExit(f"{solution.name}: the solution itself does not pass")
    seconds = max(SECONDS, TIMES * (time.perf_counter() - started))
    tried = list(islice(mutants(solution.source), 0, None, every))
    found = [judge(solution, mutant.source, seconds) for mutant in tried]
    survivors = [(mutant.old, mutant.new) for mutant, said in zip(tried, found, strict=True) if said == "passed"]
    seconds = round(time.perf_counter() - started, 1)
    return Result(solution.name, len(tried), len(tried) - len(survivors), found.count("raised"), seconds, survivors)


# --- Explaining -----------------------------------------------------------------------------------------------------


def explained(text: str) -> dict[Key, str]:
    """The survivors that a text lists, each with the heading that it stands under."""
    found, heading = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading = line
        elif listed := LISTED.fullmatch(line):
            found[_key(*listed.groups()[:3])] = heading
        elif line.startswith("- "):
            raise SystemExit(f"this line cannot be read: {line}")
    if not set(found.values()) <= {SAME, ALLOWED}:
        raise SystemExit(f"survivors are listed under {SAME!r} or {ALLOWED!r}")
    return found


def _key(name: str, old: str, new: str) -> Key:
    """Without spaces and brackets, which not every version of Python writes alike."""
    old, new = (re.sub(r"[\s()]", "", text) for text in (old, new))
    return name, old, new


def problems(results: Sequence[Result], listed: dict[Key, str], every: int = 1) -> list[str]:
    """What is wrong with the list, in lines that can be read; for a new survivor the line that it needs there."""
    names = {result.name for result in results if every == 1}  # a listed one need not be in a sample
    survivors = [(result.name, *survivor) for result in results for survivor in result.survivors]
    alive = {_key(*survivor): survivor for survivor in survivors}
    missing = ["- `{}`: `{}` → `{}` — (not explained)".format(*alive[key]) for key in alive if key not in listed]
    stale = [f"listed, and does not survive: {key}" for key in listed if key[0] in names and key not in alive]
    return missing + stale


def totals(results: Sequence[Result], listed: dict[Key, str]) -> dict[str, Any]:
    """The sums over all exercises, and the share of the mutants that change anything and fail their check."""
    alive = [listed.get(_key(result.name, *survivor)) for result in results for survivor in result.survivors]
    numbers = {name: sum(getattr(result, name) for result in results) for name in ("mutants", "killed", "raised")}
    changing = numbers["mutants"] - alive.count(SAME)
    return {
        **numbers,
        "the same": alive.count(SAME),
        "allowed": alive.count(ALLOWED),
        "share": numbers["killed"] / max(changing, 1),
        "seconds": round(sum(result.seconds for result in results), 1),
    }


def _row(name: str, *values: Any) -> str:
    return f"{name:<22}" + "".join(f"{value:>11}" for value in values)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants of the named exercises, or of all."""
    known = solutions()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("exercise", nargs="*", help="only these")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="a sample: one mutant in so many")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    options = parser.parse_args(arguments)
    if unknown := set(options.exercise) - set(known):
        parser.error(f"no exercise {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    listed = explained(SURVIVORS.read_text(encoding="utf-8"))
    torch.set_num_threads(1)  # the tensors are small: several threads would wait for each other
    results = []
    print(_row("exercise", "mutants", "killed", "survivors", "seconds"))
    for name in options.exercise or known:
        results.append(result := run(known[name], options.every))
        print(_row(name, result.mutants, result.killed, len(result.survivors), result.seconds), flush=True)
    sums, wrong = totals(results, listed), problems(results, listed, options.every)
    print(_row("all", sums["mutants"], sums["killed"], sums["mutants"] - sums["killed"], sums["seconds"]))
    print(f"{sums['raised']} of the killed raise an error.")
    print(f"{sums['the same']} survivors do the same as the solution, {sums['allowed']} something else, and may.")
    print(f"{100 * sums['share']:.2f} % of the mutants that change anything fail their check.")
    for line in wrong:
        print(line)
    if options.json:
        numbers = {"exercises": [asdict(result) for result in results], "all": sums}
        options.json.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(bool(wrong) or (not options.exercise and options.every == 1 and sums["share"] < SHARE))


if __name__ == "__main__":
    raise SystemExit(main())
