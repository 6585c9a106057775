"""The API reference: one page for each part of the package, from its docstrings."""

from __future__ import annotations

import importlib
from pathlib import Path

from resnet_course import checks
from resnet_course.notebook.lessons import LESSONS

MODULES = (
    "models",
    "data",
    "training",
    "checks",
    "checking.divergence",
    "runtime",
    "notebook.cards",
    "inspection",
    "plotting",
    "experiments",
    "explorers",
)

PAGE = """\
---
myst:
  html_meta:
    description: "resnet_course.{name}, from its docstrings. {summary}"
---

# {name}

```{{eval-rst}}
.. automodule:: resnet_course.{name}
   :members:
   :exclude-members: EXERCISES, PLANS{imported}
```
{more}"""


def write_api(folder: Path) -> None:
    """Write the pages; `index.md` there lists them."""
    for name in MODULES:
        more = _exercises() if name == "checks" else ""
        module = importlib.import_module(f"resnet_course.{name}")
        imported = "\n   :imported-members:" if hasattr(module, "__all__") else ""  # what the module offers as its own
        summary = (module.__doc__ or "").split("\n\n")[0].replace("\n", " ").replace('"', "'")
        page = PAGE.format(name=name, summary=summary, imported=imported, more=more)
        (folder / f"{name}.md").write_text(page, encoding="utf-8")


def _exercises() -> str:
    rows = [
        f"| {lesson.number} {lesson.english} | `checks.{name}` | {len(checks.EXERCISES[name].wrong)} |"
        for lesson in LESSONS
        for name in lesson.exercises
    ]
    head = "| Lesson | Check | Mistakes that it names |\n|---|---|---|"
    return "\n## Exercises\n\n" + "\n".join([head, *rows]) + "\n"
