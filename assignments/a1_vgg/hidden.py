"""The hidden tests of assignment 1. They stay with the instructor."""

from __future__ import annotations

import numpy as np

from resnet_course.grading.marking import Mistake, Task, changed
from resnet_course.grading.probes import (
    Probe,
    array,
    backward,
    buffers,
    call,
    load,
    parameters,
    read,
    ref,
    several,
    weights_of,
)


def _normal(generator: np.random.Generator, *shape: int) -> np.ndarray:
    return generator.normal(size=shape).astype(np.float32)


def _staged_vgg(student: str, seed: int) -> list[Probe]:
    generator = np.random.default_rng(seed)
    probes = []
    for stages, width, widest, size in ((1, 4, 4, 8), (2, 4, 16, 12), (3, 3, 7, 16)):
        classes = int(generator.integers(3, 8))
        arrays = {"x": _normal(generator, 2, 3, size, size), "g": _normal(generator, 2, classes)}
        make = call("staged_vgg", stages, width, widest, classes, out="network")
        train = [call("network", array("x"), out="result"), backward("result", "g", [], "network"), buffers("network")]
        test = [call("network.eval"), call("network", array("x"), out="result in eval mode")]
        probes.append(Probe([make, parameters("network"), *train, *test], arrays, seed))
    return probes


def _receptive_field(student: str, seed: int) -> list[Probe]:
    generator = np.random.default_rng(seed)
    lists: list[list[list[int]]] = [[], [[7, 2, 1]], [[3, 1, 4]], [[1, 2, 1], [3, 1, 1]]]
    for length in (3, 6, 9):
        lists.append([[int(generator.integers(1, 6)), int(generator.integers(1, 4)), int(generator.integers(1, 4))]
                      for _ in range(length)])  # fmt: skip
    return [
        Probe([call("receptive_field", several(*(several(*layer, kind="tuple") for layer in layers)), out="field")])
        for layers in lists
    ]


def _accumulated_step(student: str, seed: int) -> list[Probe]:
    generator = np.random.default_rng(seed)
    probes = []
    for sizes, norm in (((4, 4), 1e6), ((5, 1, 2), 1e6), ((3, 3, 1), 0.01), ((6,), 0.5)):
        arrays = {"w.weight": _normal(generator, 3, 4), "w.bias": _normal(generator, 3)}
        for index, size in enumerate(sizes):
            arrays[f"x{index}"] = _normal(generator, size, 4)
            arrays[f"t{index}"] = generator.integers(0, 3, size)
        arrays["g"] = _normal(generator, sizes[0], 3)
        batches = several(
            *(several(array(f"x{index}"), array(f"t{index}"), kind="tuple") for index in range(len(sizes)))
        )
        steps = [
            call("torch.nn.Linear", 4, 3, out="model"),
            load("model", "w."),
            call("torch.optim.SGD", weights_of("model"), lr=0.5, momentum=0.9, out="optimizer"),
            call("torch.nn.CrossEntropyLoss", out="mean loss"),
            call("model", array("x0"), out="earlier"),
            backward("earlier", "g", [], None),  # gradients that are left over
            call("model.eval"),
        ]
        go = call("accumulated_step", ref("model"), batches, ref("mean loss"), ref("optimizer"), norm, out="loss")
        after = [read("model.weight", "weights after the step"), read("model.bias", "biases after the step")]
        probes.append(Probe([*steps, go, *after, read("model.training", "training mode")], arrays, seed))
    return probes


def _evaluate_by_class(student: str, seed: int) -> list[Probe]:
    generator = np.random.default_rng(seed)
    probes = []
    for sizes, train in (((4, 4), True), ((7, 2, 1), True), ((5, 3), False)):
        arrays = {f"x{index}": _normal(generator, size, 6) * 3 + 1 for index, size in enumerate(sizes)}
        for index, size in enumerate(sizes):
            arrays[f"t{index}"] = generator.integers(0, 4, size)
        batches = several(
            *(several(array(f"x{index}"), array(f"t{index}"), kind="tuple") for index in range(len(sizes)))
        )
        arrays |= {"w.0.weight": _normal(generator, 6), "w.0.bias": _normal(generator, 6)}
        arrays |= {"w.0.running_mean": _normal(generator, 6), "w.0.running_var": np.abs(_normal(generator, 6)) + 0.5}
        arrays |= {"w.1.weight": _normal(generator, 6, 6), "w.1.bias": _normal(generator, 6)}
        steps = [
            call("torch.nn.BatchNorm1d", 6, out="norm"),
            call("torch.nn.Linear", 6, 6, out="linear"),
            call("torch.nn.Sequential", ref("norm"), ref("linear"), out="model"),
            load("model", "w."),
            call("model.train", train),
            call("evaluate_by_class", ref("model"), batches, 6, out="accuracies"),
            read("model.training", "training mode afterwards"),
            buffers("model"),
        ]
        probes.append(Probe(steps, arrays, seed))
    return probes


_VGG = """\
def staged_vgg(stages, width, widest, num_classes):
    layers = []
    before = 3
    for stage in range(1, stages + 1):
        channels = CHANNELS
        for index in range(REPEAT):
            layers += [nn.Conv2d(before, channels, 3, padding=1, bias=BIAS), NORM nn.ReLU()]
            before = channels
        POOL
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))
"""


def _vgg(**changes: str) -> str:
    usual = {"CHANNELS": "min(width * 2 ** (stage - 1), widest)", "REPEAT": "stage", "BIAS": "False"}
    usual |= {"NORM": "nn.BatchNorm2d(channels),", "POOL": "layers.append(nn.MaxPool2d(2))"}
    source = _VGG
    for place, text in (usual | changes).items():
        source = source.replace(place, text)
    return source


_STEP = """\
def accumulated_step(model, batches, loss_fn, optimizer, largest_norm):
    model.train()
    optimizer.zero_grad()
    count, total = sum(len(targets) for _, targets in batches), 0.0
    for images, targets in batches:
        loss = loss_fn(model(images), targets) * (len(targets) / count)
        loss.backward()
        total += loss.item()
    nn.utils.clip_grad_norm_(model.parameters(), largest_norm)
    optimizer.step()
    return total
"""

_EVALUATE = """\
def evaluate_by_class(model, batches, num_classes):
    mode = model.training
    model.eval()
    right, all_of = [0] * num_classes, [0] * num_classes
    with torch.no_grad():
        for images, targets in batches:
            hits = model(images).argmax(dim=1) == targets
            for target, hit in zip(targets.tolist(), hits.tolist()):
                all_of[target] += 1
                right[target] += hit
    model.train(mode)
    return sum(right) / sum(all_of), [r / n if n else float("nan") for r, n in zip(right, all_of)]
"""


TASKS = (
    Task(
        "A network from a rule",
        "staged_vgg",
        10,
        _staged_vgg,
        (
            Mistake(
                "no_limit",
                _vgg(CHANNELS="width * 2 ** (stage - 1)"),
                "How many channels has the last stage? `widest` is the most that any stage may have; without it a deep "
                "network doubles its channels for ever.",
                0.6,
            ),
            Mistake(
                "stages_from_zero",
                _vgg(REPEAT="stage - 1 or 1"),
                "How many convolutions has stage 2? The stages count from 1, and stage s has s convolutions.",
                0.4,
            ),
            Mistake(
                "one_convolution",
                _vgg(REPEAT="1"),
                "How many convolutions has the last stage? Every stage here has one convolution; stage s has s of "
                "them.",
                0.3,
            ),
            Mistake(
                "bias_left_on",
                _vgg(BIAS="True"),
                "What does batch norm do to a constant that is added to a channel? It subtracts the channel's mean, "
                "and the constant with it: a bias before batch norm has no effect and only costs parameters.",
                0.7,
            ),
            Mistake(
                "no_batch_norm",
                _vgg(NORM=""),
                "What stands between a convolution and its ReLU? Each convolution is followed by batch norm.",
                0.3,
            ),
            Mistake(
                "pooling_after_each",
                _vgg(
                    POOL="pass",
                    NORM="nn.BatchNorm2d(channels), nn.MaxPool2d(2) if index == stage - 1 else nn.Identity(),",
                ),
                "In which order do ReLU and pooling act, and how many layers are there? The pooling comes after the "
                "last ReLU of a stage, and nothing else stands between.",
                0.7,
            ),
            Mistake(
                "no_pooling",
                _vgg(POOL="pass"),
                "How large is the image after the second stage? Each stage ends with a max pooling that halves height "
                "and width; the average at the end hides that it is missing.",
                0.5,
            ),
            Mistake(
                "doubled_inside",
                _vgg(CHANNELS="min(width * 2 ** stage, widest)"),
                "How many channels has the first stage? It has `width`; the doubling begins with the second stage.",
                0.5,
            ),
        ),
        (
            """\
class Stage(nn.Sequential):
    pass
def staged_vgg(stages, width, widest, num_classes):
    net = nn.Sequential()
    def add(layer):
        net.append(layer)
    inputs, channels = 3, width
    for count in range(stages):
        channels = min(channels, widest)
        for _ in range(count + 1):
            add(nn.Conv2d(inputs, channels, (3, 3), stride=1, padding="same", bias=False))
            add(nn.BatchNorm2d(channels))
            add(nn.ReLU(inplace=True))
            inputs = channels
        add(nn.MaxPool2d(kernel_size=2, stride=2))
        channels = channels * 2
    add(nn.AdaptiveAvgPool2d((1, 1)))
    add(nn.Flatten())
    add(nn.Linear(inputs, num_classes))
    return net
""",
            _vgg(CHANNELS="width << (stage - 1) if width << (stage - 1) < widest else widest"),
        ),
    ),
    Task(
        "What one number sees",
        "receptive_field",
        8,
        _receptive_field,
        (
            Mistake(
                "no_dilation",
                "def receptive_field(layers):\n    field, step = 1, 1\n    for kernel, stride, dilation in layers:\n"
                "        field += (kernel - 1) * step\n        step *= stride\n    return field",
                "Over how many positions does a kernel of 3 with dilation 2 reach? Over 5: between two weights one "
                "position is skipped, and the field grows by (k - 1)·d steps.",
                0.4,
            ),
            Mistake(
                "no_stride",
                "def receptive_field(layers):\n    return 1 + sum((k - 1) * d for k, s, d in layers)",
                "How many pixels wide is one step after a pooling with stride 2? Twice as wide as before; all later "
                "layers take steps of that width.",
                0.4,
            ),
            Mistake(
                "stride_too_early",
                "def receptive_field(layers):\n    field, step = 1, 1\n    for kernel, stride, dilation in layers:\n"
                "        step *= stride\n        field += (kernel - 1) * dilation * step\n    return field",
                "Does a layer's own stride change what that layer sees? No: its kernel moves over the numbers "
                "before it. The stride sets how far apart its own results lie, which counts for the layers after it.",
                0.5,
            ),
            Mistake(
                "dilated_kernel_not_minus_one",
                "def receptive_field(layers):\n    field, step = 1, 1\n    for kernel, stride, dilation in layers:\n"
                "        field += (kernel * dilation - 1) * step\n        step *= stride\n    return field",
                "How many gaps are there between k weights? There are k - 1, and each is d wide: the reach is (k - "
                "1)·d + 1 and not k·d.",
                0.6,
            ),
            Mistake(
                "begins_with_zero",
                "def receptive_field(layers):\n    field, step = 0, 1\n    for kernel, stride, dilation in layers:\n"
                "        field += (kernel - 1) * dilation * step\n        step *= stride\n    return field",
                "What does a network without layers see? One pixel: the field begins with 1.",
                0.6,
            ),
            Mistake(
                "strides_added",
                "def receptive_field(layers):\n    field, step = 1, 1\n    for kernel, stride, dilation in layers:\n"
                "        field += (kernel - 1) * dilation * step\n        step += stride - 1\n    return field",
                "How far apart are two results after two poolings with stride 2? Four pixels: strides multiply.",
                0.5,
            ),
        ),
        (
            "def receptive_field(layers):\n    field = 1\n    for kernel, stride, dilation in reversed(layers):\n"
            "        field = (field - 1) * stride + (kernel - 1) * dilation + 1\n    return field",
            "import math\ndef receptive_field(layers):\n    return 1 + sum(\n        (k - 1) * d * math.prod(s for "
            "_, s, _ in layers[:i]) for i, (k, _, d) in enumerate(layers)\n    )",
        ),
    ),
    Task(
        "One step on several small batches",
        "accumulated_step",
        12,
        _accumulated_step,
        (
            Mistake(
                "gradients_added",
                changed(
                    changed(_STEP, (" * (len(targets) / count)", "")),
                    ("loss.item()", "loss.item() * len(targets) / count"),
                ),
                "How long is the gradient compared with that of one large batch? The mean of a batch of 4 counts each "
                "image a fourth; added up over the batches, every image counts too much. Each batch's loss needs its "
                "share of the images.",
                0.4,
            ),
            Mistake(
                "mean_of_means",
                changed(_STEP, ("(len(targets) / count)", "(1 / len(batches))")),
                "Does an image in a small batch count as much as one in a large batch? A mean of means gives the "
                "images of the smaller batch more weight; weight each batch by its size.",
                0.6,
            ),
            Mistake(
                "step_for_each_batch",
                changed(
                    changed(
                        _STEP,
                        ("        total += loss.item()\n", "        total += loss.item()\n        optimizer.step()\n"),
                    ),
                    ("largest_norm)\n    optimizer.step()\n", "largest_norm)\n"),
                ),
                "How often do the weights change? Once for all batches together: the step stands after the loop.",
                0.2,
            ),
            Mistake(
                "old_gradients_kept",
                changed(_STEP, ("    optimizer.zero_grad()\n", "")),
                "What is in the gradients before the first `backward`? `backward` adds to what is there; without "
                "`zero_grad` the step goes along gradients of earlier batches too.",
                0.5,
            ),
            Mistake(
                "zeroed_for_each_batch",
                changed(
                    _STEP, ("        loss.backward()\n", "        optimizer.zero_grad()\n        loss.backward()\n")
                ),
                "Which batches has the gradient seen when the step is taken? Only the last one: `zero_grad` stands "
                "once, before the loop.",
                0.3,
            ),
            Mistake(
                "not_clipped",
                changed(_STEP, ("    nn.utils.clip_grad_norm_(model.parameters(), largest_norm)\n", "")),
                "How long can the gradient be when the step is taken? At most `largest_norm`: it is scaled down after "
                "all the `backward` calls and before the step; after the step is too late.",
                0.7,
            ),
            Mistake(
                "clipped_for_each_batch",
                changed(
                    changed(_STEP, ("    nn.utils.clip_grad_norm_(model.parameters(), largest_norm)\n", "")),
                    (
                        "        loss.backward()\n",
                        "        loss.backward()\n        nn.utils.clip_grad_norm_(model.parameters(), largest_norm)\n",
                    ),
                ),
                "Is a clipped sum the same as a sum of clipped parts? No: the gradient is whole only after the last "
                "batch, and is clipped once, then.",
                0.6,
            ),
            Mistake(
                "values_clipped",
                changed(_STEP, ("clip_grad_norm_", "clip_grad_value_")),
                "Does the gradient keep its direction? `clip_grad_value_` cuts each number by itself and turns the "
                "gradient; `clip_grad_norm_` makes it shorter.",
                0.6,
            ),
            Mistake(
                "loss_is_mean_of_means",
                changed(
                    changed(_STEP, ("total += loss.item()", "total += loss.item() * count / len(targets)")),
                    ("return total", "return total / len(batches)"),
                ),
                "Is the returned loss the mean over all images? The weights are right; the returned number gives small "
                "batches too much weight.",
                0.8,
            ),
            Mistake(
                "mode_not_set",
                changed(_STEP, ("    model.train()\n", "")),
                "In which mode is the model during the step? In training mode, whatever it was in before: dropout and "
                "batch norm depend on it.",
                0.8,
            ),
        ),
        (
            """\
def accumulated_step(model, batches, loss_fn, optimizer, largest_norm):
    model.train()
    optimizer.zero_grad(set_to_none=True)
    total, count = 0.0, 0
    for images, targets in batches:
        loss = loss_fn(model(images), targets)
        (loss * len(images)).backward()
        total += float(loss.detach()) * len(images)
        count += len(images)
    for parameter in model.parameters():
        parameter.grad /= count
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=largest_norm)
    optimizer.step()
    optimizer.zero_grad()
    return total / count
""",
            """\
def accumulated_step(model, batches, loss_fn, optimizer, largest_norm):
    model.train()
    optimizer.zero_grad()
    images = torch.cat([images for images, _ in batches])
    targets = torch.cat([targets for _, targets in batches])
    loss = loss_fn(model(images), targets)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), largest_norm)
    optimizer.step()
    return loss.item()
""",
        ),
    ),
    Task(
        "An honest evaluation",
        "evaluate_by_class",
        10,
        _evaluate_by_class,
        (
            Mistake(
                "mode_not_set",
                changed(_EVALUATE, ("    model.eval()\n", "")),
                "In which mode does the model work while it is evaluated? In training mode batch norm uses the batch's "
                "own mean and changes its running statistics; `model.eval()` stops both.",
                0.3,
            ),
            Mistake(
                "mode_not_put_back",
                changed(_EVALUATE, ("    model.train(mode)\n", "")),
                "In which mode is the model afterwards? In the one it had before; a training that goes on in eval mode "
                "is a mistake that nobody sees.",
                0.7,
            ),
            Mistake(
                "always_training_afterwards",
                changed(_EVALUATE, ("model.train(mode)", "model.train()")),
                "What if the model was in eval mode before? Then it belongs there afterwards too; keep "
                "`model.training` in a variable.",
                0.8,
            ),
            Mistake(
                "mean_of_batches",
                changed(
                    changed(_EVALUATE, ("    with torch.no_grad():\n", "    means = []\n    with torch.no_grad():\n")),
                    (
                        "            for target",
                        "            means.append(hits.float().mean().item())\n            for target",
                    ),
                ).replace("sum(right) / sum(all_of)", "sum(means) / len(means)"),
                "Does an image in a small batch count as much as one in a large batch? A mean of the batches' "
                "accuracies gives the images of the smaller batch more weight; count images.",
                0.5,
            ),
            Mistake(
                "mean_of_classes",
                changed(
                    _EVALUATE,
                    (
                        "sum(right) / sum(all_of)",
                        "sum(r / n for r, n in zip(right, all_of) if n) / sum(n > 0 for n in all_of)",
                    ),
                ),
                "Is the mean of the classes' accuracies the accuracy over all images? Only if all classes have the "
                "same number of images; the first value counts images.",
                0.6,
            ),
            Mistake(
                "empty_class_is_zero",
                changed(_EVALUATE, ('float("nan")', "0.0")),
                "What is the accuracy in a class of which no image was seen? It is not 0: nothing was wrong. It is "
                "unknown, `float('nan')`.",
                0.7,
            ),
            Mistake(
                "empty_class_crashes",
                changed(_EVALUATE, ('r / n if n else float("nan")', "r / n")),
                "What happens in a class without images? A division by zero; its accuracy is unknown, `float('nan')`.",
                0.5,
            ),
            Mistake(
                "counted_by_prediction",
                changed(
                    _EVALUATE,
                    (
                        "            hits = model(images).argmax(dim=1) == targets\n"
                        "            for target, hit in zip(targets.tolist(), hits.tolist()):\n",
                        "            found = model(images).argmax(dim=1)\n"
                        "            for target, hit in zip(found.tolist(), (found == targets).tolist()):\n",
                    ),
                ),
                "Of which images is a class's accuracy the share: of those that *are* in the class, or of those that "
                "the model *puts* there? The second is called precision; here the true class counts.",
                0.5,
            ),
        ),
        (
            """\
def evaluate_by_class(model, batches, num_classes):
    before = model.training
    model.eval()
    confusion = torch.zeros(num_classes, num_classes, dtype=torch.long)
    with torch.inference_mode():
        for images, targets in batches:
            for t, p in zip(targets, model(images).argmax(1)):
                confusion[t, p] += 1
    model.train(before)
    counts = confusion.sum(dim=1)
    by_class = confusion.diagonal() / counts
    return (confusion.diagonal().sum() / counts.sum()).item(), by_class.tolist()
""",
            """\
@torch.no_grad()
def evaluate_by_class(model, batches, num_classes):
    mode = model.training
    model.train(False)
    predicted = torch.cat([model(images).argmax(-1) for images, _ in batches])
    targets = torch.cat([targets for _, targets in batches])
    model.train(mode)
    hits = (predicted == targets).double()
    by_class = [hits[targets == c].mean().item() for c in range(num_classes)]
    return hits.mean().item(), by_class
""",
        ),
    ),
)
