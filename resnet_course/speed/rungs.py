"""The speed ladder: ways to train one network on the same images, each a step faster, measured in turns.

    for row in speed.ladder(lambda: cifar_resnet(20), images, seconds=20):
        print(row)

Taught in lesson 12.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from resnet_course import runtime
from resnet_course.data import Augmentation, Batches, ImageSet
from resnet_course.speed.stopwatch import Row, in_turns, seconds_of
from resnet_course.training import FLOAT32, Precision, keep_freed_memory, train_step
from resnet_course.training.steps import Loader, Loss, device_of, evaluate

AUGMENTATION = Augmentation()  # the same for every rung


@dataclass(frozen=True)
class Rung:
    """One way to train.

    Args:
        name: what is new on this rung.
        workers: processes of a `DataLoader` that prepares image by image, 0 for none; None keeps the whole set in
            memory as bytes and prepares whole batches on the device.
        asks_each_step: read the loss and the number of right answers after every batch, as `plain_loop` does.
        keeps_memory: see `training.keep_freed_memory`.
        precision: number type and memory format.
        fused: let one kernel update all weights.
    """

    name: str
    workers: int | None = None
    asks_each_step: bool = False
    keeps_memory: bool = True
    precision: Precision = FLOAT32
    fused: bool = False


PLAIN = Rung("plain loop", workers=0, asks_each_step=True, keeps_memory=False)


def with_workers() -> Rung:
    """The plain loop, its images prepared by one process for each core, eight at most."""
    return Rung("workers", workers=min(8, os.cpu_count() or 1), asks_each_step=True, keeps_memory=False)


def ours() -> Rung:
    """How the course trains on this machine."""
    return Rung("ours", precision=runtime.precision())


def default_rungs(bfloat16: bool | None = None) -> list[Rung]:
    """From the plain loop up; each rung has what the one before has (in memory replaces the workers).

    Args:
        bfloat16: whether it is a rung; None asks `runtime.precision`, which measured a small network.
    """
    last = Precision(None, True)
    rungs = [
        PLAIN,
        with_workers(),
        Rung("set in memory", asks_each_step=True, keeps_memory=False),
        Rung("no waiting in the loop", keeps_memory=False),
        Rung("freed memory kept"),
        Rung("channels_last", precision=last),
    ]
    if runtime.device().type != "mps":  # older versions of PyTorch have no fused optimizer there
        rungs.append(Rung("fused optimizer", precision=last, fused=True))
    if runtime.precision().autocast is not None if bfloat16 is None else bfloat16:
        rungs.append(Rung("bfloat16", precision=Precision(torch.bfloat16, True), fused=True))
    return rungs


# --- What the rungs are made of ------------------------------------------------------------------------------------


def plain_loop(
    model: nn.Module, loader: Loader, loss_fn: Loss, optimizer: torch.optim.Optimizer
) -> tuple[float, float]:
    """The loop of most tutorials: `.item()` after every batch makes Python wait for the device twice a step.

    Returns:
        mean loss over the samples and accuracy in [0, 1].
    """
    device = device_of(model)
    model.train()
    total_loss, correct, samples = 0.0, 0, 0
    for images, targets in loader:
        images, targets = images.to(device), targets.to(device)
        optimizer.zero_grad()
        logits = model(images)
        loss = loss_fn(logits, targets)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(targets)
        correct += int((logits.argmax(1) == targets).sum().item())
        samples += len(targets)
    return total_loss / samples, correct / samples


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images as torchvision's data sets give them: a PIL image at a time, then `transform`."""

    def __init__(self, dataset: ImageSet, transform: Callable[..., Tensor]) -> None:
        self.pixels = dataset.images.permute(0, 2, 3, 1).contiguous().numpy()  # (N, H, W, 3)
        self.targets = dataset.targets.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image  # here, because the faster rungs need no PIL

        return self.transform(Image.fromarray(self.pixels[index])), self.targets[index]


def picture_loader(
    dataset: ImageSet, batch_size: int, workers: int, mean: Tensor, std: Tensor, training: bool = True
) -> DataLoader[Any]:
    """A `DataLoader` with torchvision's transforms, image by image: crop and flip in training, then normalise."""
    from torchvision import transforms

    steps: list[Any] = [transforms.ToTensor(), transforms.Normalize(mean.tolist(), std.tolist())]
    if training:
        crop = transforms.RandomCrop(dataset.image_size, padding=AUGMENTATION.shift)
        steps = [crop, transforms.RandomHorizontalFlip(), *steps]
    pictures = Pictures(dataset, transforms.Compose(steps))
    return DataLoader(pictures, batch_size, shuffle=training, num_workers=workers, persistent_workers=workers > 0)


class Setup:
    """A network, its optimizer and its batches, built as a rung says.

    Args:
        rung: how to train.
        model_factory: makes the network; every setup starts from the same weights.
        train: the training images.
        test: images for `measure`; None takes the training images.
        batch_size: images in a batch.
        where: the device.
    """

    def __init__(
        self,
        rung: Rung,
        model_factory: Callable[[], nn.Module],
        train: ImageSet,
        test: ImageSet | None = None,
        batch_size: int = 128,
        where: torch.device | None = None,
    ) -> None:
        self.rung, self.batch_size, self.where = rung, batch_size, where or runtime.device()
        self.train_images, self.test_images = train, train if test is None else test
        self.mean, self.std = train.channel_statistics()
        torch.manual_seed(0)
        self.model = model_factory().to(self.where).to(memory_format=rung.precision.memory_format)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=0.01, momentum=0.9, nesterov=True, fused=rung.fused or None
        )
        self.make_loaders()

    def make_loaders(self) -> None:
        """Fresh batches; workers start anew."""
        self.train_loader = self._loader(self.train_images, training=True)
        self.test_loader = self._loader(self.test_images, training=False)

    def _loader(self, images: ImageSet, training: bool) -> Loader:
        if self.rung.workers is not None:
            return picture_loader(images, self.batch_size, self.rung.workers, self.mean, self.std, training)
        augmentation = AUGMENTATION if training else None
        return Batches(images, self.batch_size, training, augmentation, self.mean, self.std, device=self.where)

    def train(self) -> tuple[float, float]:
        """Train on all images once. Returns mean loss and accuracy."""
        keep_freed_memory(self.rung.keeps_memory)
        if self.rung.asks_each_step:
            return plain_loop(self.model, self.train_loader, F.cross_entropy, self.optimizer)
        return train_step(self.model, self.train_loader, F.cross_entropy, self.optimizer, precision=self.rung.precision)

    def measure(self) -> tuple[float, float]:
        """Loss and accuracy on the test images, as they are, without gradients."""
        keep_freed_memory(self.rung.keeps_memory)
        return evaluate(self.model, self.test_loader, precision=self.rung.precision)

    def epoch(self) -> tuple[float, float]:
        """What a learner waits for: make the batches, train on them, measure on the test images."""
        self.make_loaders()
        self.train()
        return self.measure()


# --- The ladder ------------------------------------------------------------------------------------------------------


def batches_within(seconds: float, one_batch: Setup) -> int:
    """How many batches a setup, made for one batch of images, trains on in about so many seconds; at least 1."""
    one_batch.train()
    return max(1, int(seconds / seconds_of(one_batch.train, one_batch.where)))


def ladder(
    model_factory: Callable[[], nn.Module],
    images: ImageSet,
    rungs: Sequence[Rung] | None = None,
    seconds: float = 30,
    rounds: int = 3,
    batch_size: int = 128,
    where: torch.device | None = None,
) -> list[Row]:
    """Measure the rungs in turns, with the same network and the same images, augmented in the same way.

    A pass is timed from making its first batch to knowing its mean loss and accuracy. The gain of "freed memory kept"
    is understated: the rungs share a process, so the lower ones find memory that the upper ones have kept.

    Args:
        model_factory: makes the network.
        images: as many of them are used as the time allows, always in whole batches where there are enough.
        rungs: the first one is what the others are compared with; None takes `default_rungs()`.
        seconds: about how long all of it may take; one batch for each rung and round is the least.
        rounds: timed passes of each rung.
        batch_size: images in a batch.
        where: the device; None takes the machine's.

    Returns:
        one row a rung. The state of the random numbers is as before.

    Taught in lesson 12.
    """
    rungs = default_rungs() if rungs is None else rungs
    where = where or runtime.device()
    pass_seconds = seconds / len(rungs) / (rounds + 1)
    with torch.random.fork_rng():
        one_batch = Setup(rungs[0], model_factory, first(images, batch_size), None, batch_size, where)
        part = first(images, batch_size * batches_within(pass_seconds, one_batch))
        setups = {rung.name: Setup(rung, model_factory, part, None, batch_size, where) for rung in rungs}
        try:
            return in_turns({name: setup.train for name, setup in setups.items()}, len(part), rounds, where)
        finally:
            keep_freed_memory()


def first(images: ImageSet, count: int) -> ImageSet:
    """The first `count` images, or all if there are fewer."""
    return images.subset(torch.arange(min(count, len(images))))
