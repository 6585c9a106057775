"""The report of a plan: a page of Markdown with a table, the verdicts and figures, all computed from the records."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib
from matplotlib import pyplot

from resnet_course import plotting
from resnet_course.base.files import write_atomically
from resnet_course.experiments import figures
from resnet_course.experiments.findings import errors_by_network, find_out
from resnet_course.experiments.plans import PLANS, dataset_name
from resnet_course.experiments.records import SHIPPED, Record, group_by, load_records

PAPER_TEST_ERRORS = {
    "residual 20": 8.75,
    "residual 32": 7.51,
    "residual 44": 7.17,
    "residual 56": 6.97,
    "residual 110": 6.43,
}
"""Percent, on CIFAR-10's test images: He et al. 2015, table 6."""

Figure = tuple[str, str, Callable[[Sequence[Record]], object]]
"""File name, what the figure shows, and how it is drawn."""


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
    records = load_records(name, dataset, results)
    for file_name, _, draw in _FIGURES[name]:
        write_atomically(folder / file_name, _png(draw, records))
    page = folder / "report.md"
    write_atomically(page, "\n".join(_page(name, dataset, records)).encode())
    return page


def _page(name: str, dataset: str, records: Sequence[Record]) -> Iterator[str]:
    yield f"# {name} on {dataset_name(dataset)}\n"
    yield f"{PLANS[name].question}\n"
    yield from _what_was_run(records)
    if findings := find_out(name, records):
        yield "\n## Verdicts\n"
        yield from (f"- **{finding.verdict}**: {finding.claim} ({finding.numbers})." for finding in findings)
    yield "\n## Errors\n"
    yield from _table(records)
    if name == "degradation":
        yield "\n## The paper's table beside ours\n"
        yield from _beside_the_paper(records)
    yield "\n## What these runs can show, and what not\n"
    yield _limits(records)
    yield "\n## Figures\n"
    for file_name, title, _ in _FIGURES[name]:
        yield f"![{title}]({file_name})\n"
        yield f"*{title}. {figures.bands_in_words(records)}.*\n"


def _what_was_run(records: Sequence[Record]) -> Iterator[str]:
    runs = [record["configuration"] for record in records]
    sizes = _distinct(f"{run['images']:,} images of {run['image_size']}×{run['image_size']}" for run in runs)
    yield (
        f"{len(records)} trainings: {sizes}, {_distinct(run['epochs'] for run in runs)} epochs, batch size "
        f"{_distinct(run['batch_size'] for run in runs)}, SGD with Nesterov momentum 0.9 and weight decay 5e-4, "
        f"one-cycle learning rate up to {_distinct(run['learning_rate'] for run in runs)}, "
        f"{_distinct(map(_extras, runs))}, seeds "
        f"{_distinct(run['seed'] for run in runs)}.\n"
    )
    digests = {record["data"]["sha256"]: record["data"]["name"] for record in records}
    yield "- Training images: " + "; ".join(f"`{name}`, SHA-256 `{digest}`" for digest, name in digests.items()) + "."
    machines = [record["machine"] for record in records]
    yield (
        "- Machine: "
        + _distinct(f"{m.get('gpu', m['device'])}, {m['processor']}, threads: {m['threads']}" for m in machines)
        + "."
    )
    yield f"- Precision: {_distinct(record['precision'] for record in records)}."
    versions = [record["versions"] for record in records]
    yield "- Versions: " + _distinct(", ".join(f"{key} {v[key]}" for key in sorted(v)) for v in versions) + "."
    if len(digests) > len({run["image_size"] for run in runs}):
        yield "- **Careful: these records were not all made on the same images** (more than one SHA-256)."


def _extras(run: dict[str, Any]) -> str:
    """What a `RecipeRun` adds to a training."""
    if "label_smoothing" not in run:
        return "no augmentation"
    return f"label smoothing {run['label_smoothing']:g}, random flips and shifts up to {run['shift']} pixels"


def _distinct(values: Iterable[object]) -> str:
    """Each value once, in order of first appearance."""
    return " / ".join(dict.fromkeys(str(value) for value in values))


def _table(records: Sequence[Record]) -> Iterator[str]:
    """One row for each network, and for each setting that varies in the plan."""
    varied = [
        key for key in ("learning_rate", "epochs") if len({record["configuration"][key] for record in records}) > 1
    ]
    head = ["network", *(key.replace("_", " ") for key in varied), "seeds"]
    yield "Mean (lowest – highest) over the seeds. Both errors are measured in eval mode after the training.\n"
    yield f"| {' | '.join(head)} | training error | test error | seconds |"
    yield "|" + "---|" * (len(head) + 3)
    for key, group in group_by(records, "network", *varied).items():
        spreads = [_spread([record[value] for record in group]) for value in ("train_error", "test_error")]
        seconds = _spread([record["seconds"] for record in group], digits=1)
        yield f"| {' | '.join(map(str, key))} | {len(group)} | {' | '.join(spreads)} | {seconds} |"


def _spread(values: Sequence[float], digits: int = 4, factor: float = 1) -> str:
    low, middle, high = (f"{factor * value:.{digits}f}" for value in (min(values), mean(values), max(values)))
    return f"{middle} ({low} – {high})" if len(values) > 1 else middle


def _beside_the_paper(records: Sequence[Record]) -> Iterator[str]:
    """Side by side, not to be subtracted: the text says why."""
    data = records[0]["data"]["name"]
    ours = errors_by_network(records, "test_error")
    run = records[0]["configuration"]
    steps = run["epochs"] * -(-records[0]["data"]["images"] // run["batch_size"])
    yield (
        f"Test error in percent. The paper's column: CIFAR-10, 64,000 steps with augmentation (He et al. 2015, §4.2, "
        f"table 6; its plain networks stand in figure 6 only). Ours: `{data}`, {steps:,} steps, mean (lowest – "
        "highest).\n"
    )
    yield "| network | paper, CIFAR-10 | ours |"
    yield "|---|---|---|"
    for network in sorted({*ours, *PAPER_TEST_ERRORS}, key=lambda name: (figures.depth_of(name), name)):
        paper = f"{PAPER_TEST_ERRORS[network]:.2f}" if network in PAPER_TEST_ERRORS else "–"
        yield f"| {network} | {paper} | {_spread(ours[network], 1, 100) if network in ours else 'not run'} |"


def _limits(records: Sequence[Record]) -> str:
    """What the budget and the images allow to say."""
    data = records[0]["data"]["name"]
    run = records[0]["configuration"]
    epochs = max(record["configuration"]["epochs"] for record in records)
    images = {
        "shapes": "The images are drawn by a program. No number here can be compared with a published one; the "
        "numbers are compared with each other.",
        "cifar10": "The images are CIFAR-10's own, but the training is far shorter than the paper's and has no "
        "augmentation: the order of the networks can be compared with the paper's, the values cannot.",
    }.get(
        data,
        f"The images are those of `{data}`, which are not the original pixels of CIFAR-10 (even a JPEG copy of them is "
        "another data set): the numbers are compared with each other, never with published ones.",
    )
    return (
        f"{images}\n\n"
        f"A training of {epochs} epochs on {run['images']:,} images shows which network has fitted its training images "
        "better by then, and how much two seeds of the same network differ. It does not show where a long training "
        "would end: an error that is higher here may be an error that falls later. A difference smaller than the "
        "spread of the seeds is no difference that these runs can see, and a network with one seed shows no spread."
    )


def _png(draw: Callable[[Sequence[Record]], object], records: Sequence[Record]) -> bytes:
    with matplotlib.rc_context():
        plotting.use_style()
        draw(records)
        buffer = io.BytesIO()
        pyplot.savefig(buffer, dpi=200, bbox_inches="tight")
        pyplot.close()
    return buffer.getvalue()


def _curves(title: str, **options: int) -> Figure:
    return "curves.png", title, lambda records: figures.draw_curves(records, title, **options)


def _ends_of_the_family(records: Sequence[Record]) -> list[Record]:
    """The records of depth 20 and of the greatest depth: all depths in one figure cannot be told apart."""
    depths = {figures.depth_of(record["configuration"]["network"]) for record in records}
    return [record for record in records if figures.depth_of(record["configuration"]["network"]) in (20, max(depths))]


def _by(key: str, title: str, x_label: str) -> Figure:
    return f"by_{key}.png", title, lambda records: figures.draw_by(records, key, title, x_label)


_DEPTH = "Error on the training images after training, by depth"
_EPOCH = "Error on the training images while training, by epoch"
_LESION = "Error on new images with one block missing"
_LANDSCAPE = "Training loss around two trained networks"
_FIGURES: Mapping[str, Sequence[Figure]] = {
    "degradation": (
        ("by_depth.png", _DEPTH, lambda records: figures.draw_by_depth(records, _DEPTH)),
        ("curves.png", _EPOCH, lambda records: figures.draw_curves(_ends_of_the_family(records), _EPOCH)),
    ),
    "shortcuts": (_curves(_EPOCH),),
    "learning-rates": (
        _by("learning_rate", "Error on the training images after training, by learning rate", "highest learning rate"),
    ),
    "long-training": (_by("epochs", "Error on the training images after training, by length", "epochs in all"),),
    "eighteen": (_curves(_EPOCH),),
    "inside": (_curves(_EPOCH),),
    "lesion": (("lesion.png", _LESION, lambda records: figures.draw_lesions(records, _LESION)),),
    "landscape": (("landscape.png", _LANDSCAPE, lambda records: figures.draw_landscapes(records, _LANDSCAPE)),),
    "recipe": (_curves(_EPOCH),),
}
