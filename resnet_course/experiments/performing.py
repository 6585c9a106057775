"""One run: train, measure, describe."""

from __future__ import annotations

import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resnet_course import __version__, data, runtime
from resnet_course.experiments.records import SCHEMA, Record
from resnet_course.experiments.runs import Run
from resnet_course.experiments.weights import pack, save_weights
from resnet_course.training import History, Precision, evaluate, fit, reset_seeds


def perform(
    run: Run,
    dataset: str,
    checkpoint: Path | None = None,
    precision: Precision | None = None,
    weights: Path | None = None,
) -> Record:
    """Train once and describe it: configuration, data, machine, versions, errors, curves, seconds.

    Args:
        run: what to train.
        dataset: a name, or a folder of images.
        checkpoint: see `training.fit`.
        precision: None means the fastest on this machine.
        weights: file for the trained network; None keeps none.

    Raises:
        CourseError: if the data cannot be read, or the loss leaves the range of floats.
    """
    where = runtime.profile().device
    precision = precision or runtime.precision()
    train, test = run.load_images(dataset)
    batches = data.Batches(train, run.batch_size, True, run.augmentation(), seed=run.seed, device=where)
    clean = data.Batches(train, 500, device=where)
    unseen = data.Batches(test, 500, mean=batches.mean, std=batches.std, device=where)
    reset_seeds(run.seed)
    model = run.build(len(train.classes)).to(where)
    history = _train(model, batches, run, precision, checkpoint)
    digest = train.sha256()
    if weights is not None:
        state = pack(model)
        save_weights(state, weights, {"network": run.network, "data": train.name, "data_sha256": digest})
        model.load_state_dict(state)  # measured is what is kept
    train_loss, train_accuracy = evaluate(model, clean)
    _, test_accuracy = evaluate(model, unseen)
    return {
        "schema": SCHEMA,
        "configuration": asdict(run),
        "data": {"name": train.name, "images": len(train), "sha256": digest},
        "train_error": 1 - train_accuracy,
        "train_loss": train_loss,
        "test_error": 1 - test_accuracy,
        "curves": {"train_loss": history.train_loss, "train_acc": history.train_acc},
        "seconds": round(sum(history.seconds), 2),
        "images_per_second": round(run.epochs * len(train) / sum(history.seconds), 1),
        **run.measure(model, clean, unseen),
        **_machine(where, precision),
    }


def _train(model: nn.Module, batches: data.Batches, run: Run, precision: Precision, checkpoint: Path | None) -> History:
    optimizer, scheduler = run.recipe(model, steps=run.epochs * len(batches))
    return fit(
        model,
        batches,
        None,
        optimizer,
        run.loss,
        run.epochs,
        scheduler=scheduler,
        precision=precision,
        checkpoint=checkpoint,
        description=run.network,
    )


def _machine(where: torch.device, precision: Precision) -> dict[str, Any]:
    import torchvision  # for its version alone, and it takes long

    machine = {"device": str(where), "processor": platform.machine(), "threads": torch.get_num_threads()}
    if where.type == "cuda":
        machine["gpu"] = torch.cuda.get_device_name(where)
    return {
        "machine": machine,
        "precision": str(precision),
        "versions": {"resnet_course": __version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
    }
