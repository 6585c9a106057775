"""Recorded runs: what takes longer than a lesson, measured once, kept with its configuration.

`python -m resnet_course reproduce learning-rates` runs a plan; every run becomes one JSON file, written whole, and a
run whose file is there is not repeated. Lessons draw the files that ship in `resnet_course/results/`; its README says
what stands in a file.

`plans` says what is run, `reproducing` runs it, `records` is about the files; `figures`, `findings` and `report` say
what came out.
"""

from resnet_course.experiments.figures import bands_in_words
from resnet_course.experiments.findings import Finding, errors_by_network, errors_by_shortcut, find_out
from resnet_course.experiments.plans import PLANS, Plan, Run, dataset_name, find_plan
from resnet_course.experiments.records import (
    SHIPPED,
    conditions,
    load_recorded,
    load_records,
    load_weights,
    plan_folder,
)
from resnet_course.experiments.report import first_figure, write_report
from resnet_course.experiments.reproducing import default_jobs, list_plans, perform, reproduce

__all__ = [
    "PLANS",
    "SHIPPED",
    "Finding",
    "Plan",
    "Run",
    "bands_in_words",
    "conditions",
    "dataset_name",
    "default_jobs",
    "errors_by_network",
    "errors_by_shortcut",
    "find_out",
    "find_plan",
    "first_figure",
    "list_plans",
    "load_recorded",
    "load_records",
    "load_weights",
    "perform",
    "plan_folder",
    "reproduce",
    "write_report",
]
