"""The results: a page for each recorded experiment, and one that lists what all of them show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from resnet_course.experiments import PLANS, SHIPPED, find_out, load_records, write_report
from resnet_course.experiments.records import missing_runs
from resnet_course.notebook.messages import SIGNS

_FIGURE = re.compile(r"!\[(.*)\]\((.*)\)")
INTRODUCTION = """\
---
myst:
  html_meta:
    description: Every recorded experiment of the course, with numbers, figures and verdicts drawn from the records.
---

# Results

Each lesson measures on the spot what takes a minute. What takes longer was run once and recorded: one file for each
training, with its configuration, its curves, the digest of its images and the machine. This page and the pages below
are computed from those files, the verdicts included. To repeat one: `python -m resnet_course reproduce PLAN`.
"""


def write_results(folder: Path) -> None:
    """Write the pages of all plans that are recorded in full."""
    folder.mkdir(exist_ok=True)
    recorded = list(_recorded())
    for plan, dataset in recorded:
        page = write_report(plan, dataset, folder / f"{plan}_{dataset}")
        page.write_text(
            f"---\nmyst:\n  html_meta:\n    description: {_one_line(plan)}\n---\n\n{page.read_text(encoding='utf-8')}",
            encoding="utf-8",
        )
    lines = [INTRODUCTION, *_summary(recorded)]
    for plan, dataset in recorded:
        lines += _section(plan, dataset, folder)
    listed = "\n".join(f"{plan}_{dataset}/report" for plan, dataset in recorded)
    lines += ["```{toctree}", ":hidden:", "", listed, "```", ""]
    (folder / "index.md").write_text("\n".join(lines), encoding="utf-8")


def _recorded() -> Iterator[tuple[str, str]]:
    """Plans and data sets whose records are all there, in the order of the plans."""
    for plan in PLANS:
        for folder in sorted(SHIPPED.glob(f"{plan}_*")):
            dataset = folder.name.removeprefix(f"{plan}_")
            if not missing_runs(plan, dataset, SHIPPED):
                yield plan, dataset


def _summary(recorded: list[tuple[str, str]]) -> Iterator[str]:
    """A table: each question with its trainings and how many claims came out in which way."""
    yield "| question | images | trainings | ✔ reproduced | ✘ not reproduced | ? cannot tell |"
    yield "|---|---|--:|--:|--:|--:|"
    for plan, dataset in recorded:
        records = load_records(plan, dataset)
        verdicts = [finding.verdict for finding in find_out(plan, records)]
        counts = " | ".join(str(verdicts.count(kind) or "") for kind in ("reproduced", "not reproduced", "cannot tell"))
        link = f"[{PLANS[plan].question}]({plan}_{dataset}/report.md)"
        yield f"| {link} | {dataset} | {len(records)} | {counts} |"


def _section(plan: str, dataset: str, folder: Path) -> Iterator[str]:
    records = load_records(plan, dataset)
    where = f"{plan}_{dataset}"
    yield f"\n## {PLANS[plan].question} ({dataset})\n"
    for finding in find_out(plan, records):
        yield f"- {SIGNS[finding.verdict]} **{finding.verdict}**: {finding.claim} ({finding.numbers})."
    figure = _FIGURE.search((folder / where / "report.md").read_text(encoding="utf-8"))
    if figure:
        yield f"\n![{figure[1]}: {PLANS[plan].question}]({where}/{figure[2]})"
    yield f"\n[{len(records)} trainings on {dataset}: tables, figures and limits]({where}/report.md)\n"


def _one_line(plan: str) -> str:
    return f'"{PLANS[plan].question} Tables, figures, verdicts and limits, computed from the records."'
