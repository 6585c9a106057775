"""The report of a plan: a page of Markdown with a table, the verdicts and figures, all computed from the records.

Its words stand in `report.md.jinja`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib
from matplotlib import pyplot

from resnet_course import plotting
from resnet_course.base.files import write_atomically
from resnet_course.experiments import figures
from resnet_course.experiments.findings import find_out
from resnet_course.experiments.plans import PLANS, dataset_name, depth_of, find_plan
from resnet_course.experiments.records import SHIPPED, Record, group_by, load_records

PAPER_TEST_ERRORS = {
    "residual 20": 8.75,
    "residual 32": 7.51,
    "residual 44": 7.17,
    "residual 56": 6.97,
    "residual 110": 6.43,
}
"""Percent, on CIFAR-10's test images: He et al. 2015, table 6."""


def write_report(name: str, dataset: str, folder: Path, results: Path = SHIPPED) -> Path:
    """Write `report.md` and its figures into a folder. Returns the path of the page.

    Args:
        name: of the plan.
        dataset: a name, or the folder that the runs were made on.
        folder: is made if it is missing.
        results: folder of the records.

    Raises:
        CourseError: if a record is missing, damaged or not valid; nothing is written then.
    """
    from jinja2 import Environment, FileSystemLoader  # here, because only a report needs it

    records = load_records(name, dataset, results)
    for file_name, title, draw in _FIGURES[name]:
        write_atomically(folder / file_name, _png(draw, records, title))
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True)
    environment.filters |= {"distinct": _distinct, "spread": _spread}
    page = folder / "report.md"
    text = environment.get_template("report.md.jinja").render(_numbers(name, dataset, records))
    write_atomically(page, text.encode())
    return page


def first_figure(name: str, records: Sequence[Record]) -> bytes:
    """The figure of a plan that its report shows first, as PNG."""
    _, title, draw = _FIGURES[name][0]
    return _png(draw, records, title)


def _numbers(name: str, dataset: str, records: Sequence[Record]) -> dict[str, Any]:
    """What the template puts between its words."""
    runs = [record["configuration"] for record in records]
    varied = [
        key for key in ("learning_rate", "epochs", "start", "clip_norm") if len({run.get(key) for run in runs}) > 1
    ]
    networks = {network: group for (network,), group in group_by(records, "network").items()}
    digests = {record["data"]["sha256"]: record["data"]["name"] for record in records}
    machines = [record["machine"] for record in records]
    beside = {*networks, *PAPER_TEST_ERRORS} if name == "degradation" else set()
    return {
        "name": name,
        "dataset": dataset_name(dataset),
        "question": PLANS[name].question,
        "records": records,
        "runs": runs,
        "sizes": [f"{run['images']:,} images of {run['image_size']}×{run['image_size']}" for run in runs],
        "optimizers": [run.optimizer for run in find_plan(name, dataset)],
        "extras": map(_extras, runs),
        "digests": digests,
        "same_images": len(digests) <= len({run["image_size"] for run in runs}),
        "machines": [f"{m.get('gpu', m['device'])}, {m['processor']}, threads: {m['threads']}" for m in machines],
        "versions": [", ".join(f"{key} {v}" for key, v in sorted(record["versions"].items())) for record in records],
        "findings": find_out(name, records),
        "varied": varied,
        "groups": group_by(records, "network", *varied),
        "networks": networks,
        "paper": PAPER_TEST_ERRORS,
        "beside_the_paper": sorted(beside, key=lambda network: (depth_of(network), network)),
        "steps": runs[0]["epochs"] * -(-records[0]["data"]["images"] // runs[0]["batch_size"]),
        "most_epochs": max(run["epochs"] for run in runs),
        "figures": _FIGURES[name],
        "bands": figures.bands_in_words(records),
    }


def _extras(run: Mapping[str, Any]) -> str:
    """What a `RecipeRun` or a `TwiceRun` adds to a training."""
    if "relabelled" in run:
        return f"each image twice, {run['relabelled']:.0%} of the second copies with a label drawn anew"
    if "label_smoothing" not in run:
        return "no augmentation"
    return f"label smoothing {run['label_smoothing']:g}, random flips and shifts up to {run['shift']} pixels"


def _distinct(values: Iterable[object]) -> str:
    """Each value once, in order of first appearance."""
    return " / ".join(dict.fromkeys(map(str, values)))


def _spread(records: Sequence[Record], value: str, digits: int = 4, factor: float = 1) -> str:
    """Mean, lowest and highest of the records."""
    values = [record[value] for record in records]
    low, middle, high = (f"{factor * value:.{digits}f}" for value in (min(values), mean(values), max(values)))
    return f"{middle} ({low} – {high})" if len(values) > 1 else middle


Draw = Callable[[Sequence[Record], str], object]


def _png(draw: Draw, records: Sequence[Record], title: str) -> bytes:
    with matplotlib.rc_context():
        plotting.use_style()
        draw(records, title)
        buffer = io.BytesIO()
        pyplot.savefig(buffer, dpi=200, bbox_inches="tight")
        pyplot.close()
    return buffer.getvalue()


def _draw_ends_of_the_family(records: Sequence[Record], title: str) -> None:
    """Depth 20 and the greatest depth: all depths in one figure cannot be told apart."""
    depths = [depth_of(record["configuration"]["network"]) for record in records]
    shown = [record for record, depth in zip(records, depths, strict=True) if depth in (20, max(depths))]
    figures.draw_curves(shown, title)


def _draw_shortest(records: Sequence[Record], title: str) -> None:
    """The trainings that all networks have, and not the longer ones that one has as well."""
    figures.draw_curves(records, title, min(record["configuration"]["epochs"] for record in records))


def _draw_by(key: str, x_label: str) -> Draw:
    return lambda records, title: figures.draw_by(records, key, title, x_label)


_AFTER = "Error on the training images after training"
_CURVES = ("curves.png", "Error on the training images while training, by epoch", figures.draw_curves)
_FIGURES: Mapping[str, Sequence[tuple[str, str, Draw]]] = {
    "degradation": (
        ("by_depth.png", f"{_AFTER}, by depth", figures.draw_by_depth),
        (*_CURVES[:2], _draw_ends_of_the_family),
    ),
    "all-images": (("by_depth.png", f"{_AFTER}, by depth", figures.draw_by_depth), _CURVES),
    "starts": (("starts.png", f"{_AFTER}, by network and start", figures.draw_starts),),
    "shortcuts": (_CURVES,),
    "learning-rates": (
        ("by_learning_rate.png", f"{_AFTER}, by learning rate", _draw_by("learning_rate", "highest learning rate")),
    ),
    "long-training": (("by_epochs.png", f"{_AFTER}, by length", _draw_by("epochs", "epochs in all")),),
    "eighteen": ((*_CURVES[:2], _draw_shortest),),
    "inside": (_CURVES,),
    "pictures": (_CURVES,),
    "recipe": (_CURVES,),
}
"""File name of each figure, what it shows, and how it is drawn from records and title."""
