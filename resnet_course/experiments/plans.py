"""What is run: a `Run` is one training, a `Plan` holds the runs that answer one question."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from resnet_course import data
from resnet_course.base.errors import CourseError
from resnet_course.models import ResNet, TinyVGG, cifar_resnet, plain18, resnet18
from resnet_course.models.blocks import BasicBlock, Shortcut
from resnet_course.training import History, Precision, fit

Start = Literal["usual", "identity", "identity shortcuts", "zero gamma"]


@dataclass(frozen=True)
class Run:
    """One training: SGD with Nesterov momentum 0.9, weight decay 5e-4, one-cycle rate, no augmentation.

    A subclass may train in another way, or measure more of the trained network.

    Args:
        network: see `build_network`.
        learning_rate: the peak of the one-cycle schedule.
        epochs, batch_size, images, image_size: the budget; `image_size` in pixels.
        seed: of weights and order.
    """

    network: str
    learning_rate: float = 0.1
    epochs: int = 5
    batch_size: int = 64
    images: int = 2_000
    image_size: int = 16
    seed: int = 0
    optimizer: ClassVar[str] = "SGD with Nesterov momentum 0.9 and weight decay 5e-4"
    measures: ClassVar[tuple[str, ...]] = ()
    """Fields of the record that `measure` adds."""

    @property
    def file_name(self) -> str:
        """A name that no other run of a plan has."""
        return f"{self.network.replace(' ', '-')}_lr{self.learning_rate:g}_epochs{self.epochs}_seed{self.seed}.json"

    def build(self, num_classes: int) -> ResNet | TinyVGG:
        """The network, with fresh weights."""
        return build_network(self.network, num_classes, self.image_size)

    def load_images(self, dataset: str | Path) -> tuple[data.ImageSet, data.ImageSet]:
        """Training images, and a fifth as many test images (1,000 at least), of a name or a folder."""
        train = data.load(dataset, "train", self.image_size, self.images)
        return train, data.load(dataset, "test", self.image_size, max(1_000, self.images // 5))

    def recipe(self, model: nn.Module, steps: int) -> tuple[Optimizer, OneCycleLR]:
        """The optimizer and its schedule over `steps` steps."""
        optimizer = SGD(model.parameters(), lr=self.learning_rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
        return optimizer, OneCycleLR(optimizer, self.learning_rate, total_steps=steps)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """What the training makes small."""
        return nn.functional.cross_entropy(logits, targets)

    def augmentation(self) -> data.Augmentation | None:
        """Random changes of the training images."""
        return None

    def train(
        self, model: nn.Module, batches: data.Batches, seen: data.Batches, precision: Precision, checkpoint: Path | None
    ) -> History:
        """Train in place, on `batches`; `seen` are the same images as they are. For the rest see `training.fit`."""
        return self._fit(model, batches, precision, checkpoint)

    def _fit(
        self,
        model: nn.Module,
        batches: data.Batches,
        precision: Precision,
        checkpoint: Path | None,
        on_step: Callable[..., None] | None = None,
    ) -> History:
        optimizer, scheduler = self.recipe(model, steps=self.epochs * len(batches))
        if on_step is not None:
            optimizer.register_step_post_hook(on_step)
        return fit(
            model,
            batches,
            None,
            optimizer,
            self.loss,
            self.epochs,
            scheduler=scheduler,
            precision=precision,
            checkpoint=checkpoint,
            description=self.network,
        )

    def measure(self, model: ResNet, seen: data.Batches, unseen: data.Batches) -> dict[str, Any]:
        """What the record says of the trained network beyond its errors; on training images and on new ones."""
        return {}


@dataclass(frozen=True)
class AdamRun(Run):
    """One training by the recipe of the comparisons of depth: Adam at 1e-3, one-cycle rate, no augmentation.

    Args:
        start: of the weights: "usual" (He initialisation); "identity": see `start_as_identity`;
            "identity shortcuts": the same for the 1×1 convolutions of shortcuts alone; "zero gamma": every residual
            block passes its input on, see `ResNet(zero_init_residual=True)`.
        clip_norm: longest gradient that a step may use, a norm over all parameters; 0 means any.
    """

    optimizer: ClassVar[str] = "Adam"
    learning_rate: float = 1e-3
    start: Start = "usual"
    clip_norm: float = 0

    @property
    def file_name(self) -> str:
        """As that of `Run`, with what is unusual about the training."""
        unusual = f"_{self.start.replace(' ', '-')}" if self.start != "usual" else ""
        unusual += f"_clip{self.clip_norm:g}" if self.clip_norm else ""
        return super().file_name.replace(".json", f"{unusual}.json")

    def build(self, num_classes: int) -> ResNet | TinyVGG:
        """The network, with fresh weights of the kind that `start` says."""
        model = super().build(num_classes)
        if self.start == "identity":
            start_as_identity([model])
        elif self.start == "identity shortcuts":
            start_as_identity(shortcut for name, shortcut in model.named_modules() if name.endswith("shortcut"))
        elif self.start == "zero gamma":
            for stage in cast(ResNet, model).stages:
                for block in stage:
                    nn.init.zeros_(cast(BasicBlock, block).bn2.weight)
        return model

    def recipe(self, model: nn.Module, steps: int) -> tuple[Optimizer, OneCycleLR]:
        """Adam, which clips before it steps if it is asked to, and its schedule."""
        optimizer = Adam(model.parameters(), lr=self.learning_rate)
        if self.clip_norm:
            optimizer.register_step_pre_hook(lambda *_: clip_gradients(model, self.clip_norm))
        return optimizer, OneCycleLR(optimizer, self.learning_rate, total_steps=steps)


@dataclass(frozen=True)
class RecipeRun(Run):
    """A training with label smoothing and with random shifts and flips of the images.

    Args:
        label_smoothing: share of the target that is spread over all classes.
        shift: pixels, at most, of a random shift of an image; every second image is flipped left to right.
    """

    label_smoothing: float = 0.1
    shift: int = 4

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy with smoothed labels."""
        return nn.functional.cross_entropy(logits, targets, label_smoothing=self.label_smoothing)

    def augmentation(self) -> data.Augmentation:
        """Shift and flip."""
        return data.Augmentation(self.shift)


def build_network(name: str, num_classes: int, image_size: int = 16) -> ResNet | TinyVGG:
    """A network with fresh weights.

    Args:
        name: "plain 56", "residual 20" and so on for the paper's CIFAR family, "residual 20 B" with another
            shortcut than option A; "plain 18", "ResNet-18" or "TinyVGG"; "narrow 18": ResNet-18 with a quarter of the
            channels and the stem for large images.
        num_classes: logits for each image.
        image_size: height and width in pixels, which TinyVGG alone is made for.

    Raises:
        CourseError: for a name that is none of the above.
    """
    if name == "TinyVGG":
        return TinyVGG(num_classes=num_classes, image_size=image_size)
    if name in ("plain 18", "ResNet-18"):
        return (plain18 if name == "plain 18" else resnet18)(num_classes)
    if name == "narrow 18":
        return resnet18(num_classes, stem="imagenet", width=16)
    found = re.fullmatch(r"(plain|residual) (\d+)(?: ([ABCD]))?", name)
    if found is None:
        raise CourseError(f"there is no network {name!r}; examples: 'plain 56', 'residual 20', 'ResNet-18'")
    kind, depth, shortcut = found.groups(default="A")
    return cifar_resnet(int(depth), num_classes, residual=kind == "residual", shortcut=cast(Shortcut, shortcut))


def clip_gradients(model: nn.Module, longest: float) -> None:
    """Shorten the gradient over all parameters to this norm, where it is longer."""
    nn.utils.clip_grad_norm_(model.parameters(), longest)


def start_as_identity(modules: Iterable[nn.Module]) -> None:
    """Let every convolution in these modules that keeps the shape pass its input on.

    Its weight is 1 in the middle of the channel's own kernel, and 0 elsewhere.

    The others, the first one and those that halve the image, keep their usual start: they have to make new channels.
    Reference: Hardt & Ma 2016 (arXiv 1611.04231), who start near the identity.

    Taught in lesson 04.
    """
    for layer in itertools.chain.from_iterable(module.modules() for module in modules):
        if isinstance(layer, nn.Conv2d) and layer.in_channels == layer.out_channels and layer.stride == (1, 1):
            nn.init.dirac_(layer.weight)


def depth_of(network: str) -> int:
    """20 for "plain 20"."""
    return int(network.split()[1])


def shortcut_of(configuration: Mapping[str, Any]) -> str:
    """The shortcuts of a run in words: "option A" to "option D", or "C from the identity"."""
    network, start = configuration["network"], configuration.get("start")
    letter = network[-1] if network.endswith((" B", " C", " D")) else "A"
    return f"{letter} from the identity" if start == "identity shortcuts" else f"option {letter}"


@dataclass(frozen=True)
class Plan:
    """The runs that answer one question.

    Args:
        question: what the runs answer.
        runs: takes the name of a data set and gives the runs, in the order in which they are made.
        keeps_weights: networks whose run with seed 0 also leaves the trained network in a file.
        borrows: a plan whose records are taken for the runs that it holds, too, so that they are made once.
    """

    question: str
    runs: Callable[[str], Sequence[Run]]
    keeps_weights: tuple[str, ...] = ()
    borrows: str = ""


PHOTOGRAPHS: dict[str, Any] = {"epochs": 5, "batch_size": 128, "images": 50_000, "image_size": 32}
"""The budget of the older trainings on real images: hours on two CPU cores."""
FEW_PHOTOGRAPHS: dict[str, Any] = {"images": 5_000, "epochs": 10}
"""The budget for real images that a reader can repeat: minutes on two CPU cores."""
ALL_PHOTOGRAPHS: dict[str, Any] = {"epochs": 6, "batch_size": 128, "images": 50_000}
"""All of them at 16x16 pixels: an hour on two CPU cores."""
SMALL_PHOTOGRAPHS: dict[str, Any] = {"batch_size": 128, "images": 50_000, "image_size": 8}
"""All of them, so small that there is time for many epochs."""


def _runs(kind: type[Run] = Run, budget: Mapping[str, Any] | None = None, **choices: Iterable[Any]) -> list[Any]:
    """A run for each combination of the choices, the last of which changes fastest."""
    combinations = itertools.product(*choices.values())
    return [kind(**dict(zip(choices, values, strict=True)), **(budget or {})) for values in combinations]


def _both(*depths: int) -> list[str]:
    return [f"{kind} {depth}" for depth in depths for kind in ("plain", "residual")]


def _degradation(dataset: str) -> list[Run]:
    """Plain and residual by depth: five seeds."""
    if dataset == "shapes":
        return _runs(AdamRun, seed=range(5), network=_both(8, 20, 32, 44, 56))
    return _runs(AdamRun, FEW_PHOTOGRAPHS, seed=range(5), network=_both(8, 20, 56))


def _all_images(dataset: str) -> list[Run]:
    budget = {"images": 5_000} if dataset == "shapes" else ALL_PHOTOGRAPHS
    return _runs(AdamRun, budget, seed=range(3), network=_both(20, 56))


def _shortcuts(dataset: str) -> list[Run]:
    """The four options, and C with another start; A is the residual 20 of the plan `degradation`."""
    budget = {} if dataset == "shapes" else FEW_PHOTOGRAPHS
    networks = ("residual 20", "residual 20 B", "residual 20 C", "residual 20 D")
    other_start = _runs(AdamRun, budget, seed=range(5), network=networks[2:3], start=["identity shortcuts"])
    return _runs(AdamRun, budget, seed=range(5), network=networks) + other_start


def _learning_rates(dataset: str) -> list[Run]:
    budget = {} if dataset == "shapes" else FEW_PHOTOGRAPHS
    networks = ("plain 20", "plain 56", "residual 56")
    return _runs(AdamRun, budget, seed=range(3), learning_rate=(3e-4, 1e-3, 3e-3, 1e-2), network=networks)


def _long_training(dataset: str) -> list[Run]:
    """Of the generated images to the very end, which plain 56 alone needs the longest training for."""
    from resnet_course.experiments.twice import TwiceRun  # which needs `AdamRun`

    networks = ("plain 20", "plain 56", "residual 56")
    if dataset == "shapes":
        runs = _runs(TwiceRun, seed=range(3), epochs=(20, 80, 320), network=networks)
        return [run for run in runs if run.network == "plain 56" or run.epochs < 320]
    return _runs(AdamRun, SMALL_PHOTOGRAPHS, seed=range(3), epochs=(8, 32), network=networks)


def _starts(dataset: str) -> list[Run]:
    """The usual starts are those of the plan `degradation`."""
    budget = {} if dataset == "shapes" else FEW_PHOTOGRAPHS
    kinds = (
        ("plain 56", "usual", 0),
        ("plain 56", "identity", 0),
        ("plain 56", "usual", 1),
        ("plain 20", "usual", 0),
        ("plain 20", "identity", 0),
        ("residual 56", "usual", 0),
        ("residual 56", "zero gamma", 0),
    )
    return [
        AdamRun(network, start=cast(Start, start), clip_norm=clip, seed=seed, **budget)
        for seed in range(5)
        for network, start, clip in kinds
    ]


def _eighteen(dataset: str) -> list[Run]:
    """Three networks for as many epochs, and the small one for as long as it likes."""
    budget = {} if dataset == "shapes" else FEW_PHOTOGRAPHS
    patient = {**budget, "epochs": 60}
    return _runs(AdamRun, budget, seed=range(5), network=("TinyVGG", "plain 18", "ResNet-18")) + _runs(
        AdamRun, patient, seed=range(5), network=["TinyVGG"]
    )


def _inside(dataset: str) -> list[Run]:
    """Three networks that train; a plain 56 with the usual start does not. The first seed has the fine landscape."""
    from resnet_course.experiments.inside import InsideRun  # which needs `AdamRun`

    kinds = (("residual 56", "usual"), ("plain 56", "identity"), ("plain 20", "usual"))
    return [
        InsideRun(network, start=cast(Start, start), seed=seed, points=21 if seed else 41)
        for seed in range(3)
        for network, start in kinds
    ]


def _pictures(dataset: str) -> list[Run]:
    """Of 64x64 pixels, with room for detail."""
    return _runs(AdamRun, {"images": 10_000, "image_size": 64}, epochs=[10], network=["narrow 18"])


def _recipe(dataset: str) -> list[Run]:
    """Of the generated images a small version, which shows on a CPU that it runs; else one for a GPU."""
    if dataset == "shapes":
        return [RecipeRun("ResNet-18", epochs=3, images=1_000, shift=2)]
    budget = {**PHOTOGRAPHS, "epochs": 15, "batch_size": 512, "learning_rate": 0.2}
    return _runs(RecipeRun, budget, seed=range(5), network=["ResNet-18"])


PLANS: dict[str, Plan] = {
    "degradation": Plan("Does more depth make the training error worse, and do shortcuts mend it?", _degradation),
    "all-images": Plan("The same with more images and a longer training.", _all_images),
    "starts": Plan("Is it where the training starts, or the size of the gradients?", _starts, borrows="degradation"),
    "shortcuts": Plan(
        "Does it matter which shortcut is used where the shape changes: A, B, C or D?",
        _shortcuts,
        borrows="degradation",
    ),
    "learning-rates": Plan(
        "Is the deep plain network worse at every learning rate?", _learning_rates, borrows="degradation"
    ),
    "long-training": Plan("Is the deep plain network still worse after more epochs?", _long_training),
    "eighteen": Plan("What do ResNet-18, plain 18 and TinyVGG reach in as many epochs?", _eighteen),
    "inside": Plan("What holds a trained network together?", _inside, ("residual 56", "plain 20")),
    "pictures": Plan("The trained network that lesson 13 starts from.", _pictures, ("narrow 18",)),
    "recipe": Plan("What does ResNet-18 reach with label smoothing, shifts and flips?", _recipe),
}


def find_plan(name: str, dataset: str | Path = "shapes") -> list[Run]:
    """The runs of a plan for a data set.

    Raises:
        CourseError: if there is no plan of that name.
    """
    if name not in PLANS:
        raise CourseError(f"there is no plan {name!r}. The plans are {', '.join(PLANS)}.")
    return list(PLANS[name].runs(dataset_name(dataset)))


def dataset_name(dataset: str | Path) -> str:
    """What records call a data set: its name, or the last part of its folder's path."""
    return os.path.basename(os.path.abspath(os.path.expanduser(dataset)))
