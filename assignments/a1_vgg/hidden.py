"""The hidden side of assignment 1: inputs, wrong answers and points. Never given to learners, never in the sandbox."""

from __future__ import annotations

import numpy as np

from resnet_course.checking.exercise import Wrong
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.sandbox.protocol import Arrays


def _vgg_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    cases = []
    for stages, width, widest, size in ((1, 4, 4, 8), (2, 4, 16, 12), (3, 3, 7, 16)):
        classes = rng.integers(3, 8)
        x, gradient = rng.normal(size=(2, 3, size, size)), rng.normal(size=(2, classes))
        rule, frequency = np.array([stages, width, widest, classes]), np.array(rng.uniform(1, 2))
        cases.append({"rule": rule, "frequency": frequency, "x": x, "gradient": gradient})
    return cases


def _field_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    chosen = ([], [[7, 2, 1]], [[3, 1, 4]], [[1, 2, 1], [3, 1, 1]])
    drawn = (rng.integers([1, 1, 1], [6, 4, 4], (length, 3)) for length in (3, 6, 9))
    return [{"layers": np.array(layers, dtype=np.int64).reshape(-1, 3)} for layers in (*chosen, *drawn)]


def _batches(rng: np.random.Generator, sizes: tuple[int, ...], features: int, classes: int) -> Arrays:
    """Images and targets for a list of batches, see examine.py."""
    images, targets = rng.normal(size=(sum(sizes), features)), rng.integers(0, classes, sum(sizes))
    return {"images": images.astype(np.float32), "targets": targets, "sizes": np.array(sizes)}


def _step_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    return [
        {
            **_batches(rng, sizes, 4, 3),
            "w.weight": rng.normal(size=(3, 4)),
            "w.bias": rng.normal(size=3),
            "left over": rng.normal(size=(sizes[0], 3)),
            "largest norm": np.array(norm),
        }
        for sizes, norm in (((4, 4), 1e6), ((5, 1, 2), 1e6), ((3, 3, 1), 0.01), ((6,), 0.5))
    ]


def _evaluate_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    cases = []
    for sizes, training in (((4, 4), True), ((7, 2, 1), True), ((5, 3), False)):
        case = _batches(rng, sizes, 6, 4)
        case["images"] = case["images"] * 3 + 1
        for name, shape in (("0.weight", 6), ("0.bias", 6), ("0.running_mean", 6), ("1.weight", (6, 6)), ("1.bias", 6)):
            case[f"w.{name}"] = rng.normal(size=shape)
        case["w.0.running_var"] = np.abs(rng.normal(size=6)) + 0.5
        cases.append({**case, "training": np.array(training)})
    return cases


_VGG_WRONG = (
    Wrong(
        "no_limit",
        [("min(width * 2 ** (stage - 1), widest)", "width * 2 ** (stage - 1)")],
        ask="How many channels has the last stage?",
        explain="`widest` is the most that any stage may have; without it a deep network doubles its channels for "
        "ever.",
        credit=0.6,
    ),
    Wrong(
        "stages_from_zero",
        [("range(stage)", "range(stage - 1 or 1)")],
        ask="How many convolutions has stage 2?",
        explain="The stages count from 1, and stage s has s convolutions.",
        credit=0.4,
    ),
    Wrong(
        "one_convolution",
        [("range(stage)", "range(1)")],
        ask="How many convolutions has the last stage?",
        explain="Every stage here has one convolution; stage s has s of them.",
        credit=0.3,
    ),
    Wrong(
        "bias_left_on",
        [("bias=False", "bias=True")],
        ask="What does batch norm do to a constant that is added to a channel?",
        explain="It subtracts the channel's mean, and the constant with it: a bias before batch norm has no effect and "
        "only costs parameters.",
        credit=0.7,
    ),
    Wrong(
        "no_batch_norm",
        [(" nn.BatchNorm2d(channels),", "")],
        ask="What stands between a convolution and its ReLU?",
        explain="Each convolution is followed by batch norm.",
        credit=0.3,
    ),
    Wrong(
        "pooling_after_each",
        [
            ("for _ in", "for index in"),
            ("nn.ReLU()]", "nn.MaxPool2d(2) if index == stage - 1 else nn.Identity(), nn.ReLU()]"),
            ("        layers.append(nn.MaxPool2d(2))\n", ""),
        ],
        ask="In which order do ReLU and pooling act, and how many layers are there?",
        explain="The pooling comes after the last ReLU of a stage, and nothing else stands between.",
        credit=0.7,
    ),
    Wrong(
        "no_pooling",
        [("        layers.append(nn.MaxPool2d(2))\n", "")],
        ask="How large is the image after the second stage?",
        explain="Each stage ends with a max pooling that halves height and width; the average at the end hides that it "
        "is missing.",
        credit=0.5,
    ),
    Wrong(
        "doubled_inside",
        [("(stage - 1)", "stage")],
        ask="How many channels has the first stage?",
        explain="It has `width`; the doubling begins with the second stage.",
        credit=0.5,
    ),
)
_VGG_RIGHT = (
    """\
def staged_vgg(stages, width, widest, num_classes):
    net = nn.Sequential()
    inputs, channels = 3, width
    for count in range(stages):
        channels = min(channels, widest)
        for _ in range(count + 1):
            net.append(nn.Conv2d(inputs, channels, (3, 3), stride=1, padding="same", bias=False))
            net.append(nn.BatchNorm2d(channels))
            net.append(nn.ReLU(inplace=True))
            inputs = channels
        net.append(nn.MaxPool2d(kernel_size=2, stride=2))
        channels = channels * 2
    for layer in (nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(inputs, num_classes)):
        net.append(layer)
    return net
""",
    [("min(width * 2 ** (stage - 1), widest)", "width << stage - 1 if width << stage - 1 < widest else widest")],
)

_FIELD_WRONG = (
    Wrong(
        "no_dilation",
        [(" * dilation", "")],
        ask="Over how many positions does a kernel of 3 with dilation 2 reach?",
        explain="Over 5: between two weights one position is skipped, and the field grows by (k - 1)·d steps.",
        credit=0.4,
    ),
    Wrong(
        "no_stride",
        [("        step *= stride\n", "")],
        ask="How many pixels wide is one step after a pooling with stride 2?",
        explain="Twice as wide as before; all later layers take steps of that width.",
        credit=0.4,
    ),
    Wrong(
        "stride_too_early",
        [("        step *= stride\n", ""), ("        field +=", "        step *= stride\n        field +=")],
        ask="Does a layer's own stride change what that layer sees?",
        explain="No: its kernel moves over the numbers before it. The stride sets how far apart its own results lie, "
        "which counts for the layers after it.",
        credit=0.5,
    ),
    Wrong(
        "dilated_kernel_not_minus_one",
        [("(kernel - 1) * dilation", "(kernel * dilation - 1)")],
        ask="How many gaps are there between k weights?",
        explain="There are k - 1, and each is d wide: the reach is (k - 1)·d + 1 and not k·d.",
        credit=0.6,
    ),
    Wrong(
        "begins_with_zero",
        [("field, step = 1, 1", "field, step = 0, 1")],
        ask="What does a network without layers see?",
        explain="One pixel: the field begins with 1.",
        credit=0.6,
    ),
    Wrong(
        "strides_added",
        [("step *= stride", "step += stride - 1")],
        ask="How far apart are two results after two poolings with stride 2?",
        explain="Four pixels: strides multiply.",
        credit=0.5,
    ),
)
_FIELD_RIGHT = (
    """\
def receptive_field(layers):
    field = 1
    for kernel, stride, dilation in reversed(layers):
        field = (field - 1) * stride + (kernel - 1) * dilation + 1
    return field
""",
    """\
import math
def receptive_field(layers):
    return 1 + sum((k - 1) * d * math.prod(s for _, s, _ in layers[:i]) for i, (k, _, d) in enumerate(layers))
""",
)

_STEP_WRONG = (
    Wrong(
        "gradients_added",
        [(" * (len(targets) / images_in_all)", ""), ("loss.item()", "loss.item() * len(targets) / images_in_all")],
        ask="How long is the gradient compared with that of one large batch?",
        explain="The mean of a batch of 4 counts each image a fourth; added up over the batches, every image counts "
        "too much. Each batch's loss needs its share of the images.",
        credit=0.4,
    ),
    Wrong(
        "mean_of_means",
        [("(len(targets) / images_in_all)", "(1 / len(batches))")],
        ask="Does an image in a small batch count as much as one in a large batch?",
        explain="A mean of means gives the images of the smaller batch more weight; weight each batch by its size.",
        credit=0.6,
    ),
    Wrong(
        "step_for_each_batch",
        [("    optimizer.step()\n", ""), ("loss.item()\n", "loss.item()\n        optimizer.step()\n")],
        ask="How often do the weights change?",
        explain="Once for all batches together: the step stands after the loop.",
        credit=0.2,
    ),
    Wrong(
        "old_gradients_kept",
        [("    optimizer.zero_grad()\n", "")],
        ask="What is in the gradients before the first `backward`?",
        explain="`backward` adds to what is there; without `zero_grad` the step goes along gradients of earlier "
        "batches too.",
        credit=0.5,
    ),
    Wrong(
        "zeroed_for_each_batch",
        [("        loss.backward()\n", "        optimizer.zero_grad()\n        loss.backward()\n")],
        ask="Which batches has the gradient seen when the step is taken?",
        explain="Only the last one: `zero_grad` stands once, before the loop.",
        credit=0.3,
    ),
    Wrong(
        "not_clipped",
        [("    nn.utils.clip_grad_norm_(model.parameters(), largest_norm)\n", "")],
        ask="How long can the gradient be when the step is taken?",
        explain="At most `largest_norm`: it is scaled down after all the `backward` calls and before the step; after "
        "the step is too late.",
        credit=0.7,
    ),
    Wrong(
        "clipped_for_each_batch",
        [
            ("    nn.utils.clip_grad_norm_(model.parameters(), largest_norm)\n", ""),
            (
                "loss.backward()\n",
                "loss.backward()\n        nn.utils.clip_grad_norm_(model.parameters(), largest_norm)\n",
            ),
        ],
        ask="Is a clipped sum the same as a sum of clipped parts?",
        explain="No: the gradient is whole only after the last batch, and is clipped once, then.",
        credit=0.6,
    ),
    Wrong(
        "values_clipped",
        [("clip_grad_norm_", "clip_grad_value_")],
        ask="Does the gradient keep its direction?",
        explain="`clip_grad_value_` cuts each number by itself and turns the gradient; `clip_grad_norm_` makes it "
        "shorter.",
        credit=0.6,
    ),
    Wrong(
        "loss_is_mean_of_means",
        [
            ("loss.item()", "loss.item() * images_in_all / len(targets)"),
            ("return mean_loss", "return mean_loss / len(batches)"),
        ],
        ask="Is the returned loss the mean over all images?",
        explain="The weights are right; the returned number gives small batches too much weight.",
        credit=0.8,
    ),
    Wrong(
        "mode_not_set",
        [("    model.train()\n", "")],
        ask="In which mode is the model during the step?",
        explain="In training mode, whatever it was in before: dropout and batch norm depend on it.",
        credit=0.8,
    ),
)
_STEP_RIGHT = (
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
)

_EVALUATE_WRONG = (
    Wrong(
        "mode_not_set",
        [("    model.eval()\n", "")],
        ask="In which mode does the model work while it is evaluated?",
        explain="In training mode batch norm uses the batch's own mean and changes its running statistics; "
        "`model.eval()` stops both.",
        credit=0.3,
    ),
    Wrong(
        "mode_not_put_back",
        [("    model.train(was_training)\n", "")],
        ask="In which mode is the model afterwards?",
        explain="In the one it had before; a training that goes on in eval mode is a mistake that nobody sees.",
        credit=0.7,
    ),
    Wrong(
        "always_training_afterwards",
        [("model.train(was_training)", "model.train()")],
        ask="What if the model was in eval mode before?",
        explain="Then it belongs there afterwards too; keep `model.training` in a variable.",
        credit=0.8,
    ),
    Wrong(
        "mean_of_batches",
        [
            ("    model.eval()\n", "    model.eval()\n    means = []\n"),
            (
                "            for target,",
                "            means.append((predicted == targets).float().mean().item())\n            for target,",
            ),
            ("sum(right) / sum(images_of)", "sum(means) / len(means)"),
        ],
        ask="Does an image in a small batch count as much as one in a large batch?",
        explain="A mean of the batches' accuracies gives the images of the smaller batch more weight; count images.",
        credit=0.5,
    ),
    Wrong(
        "mean_of_classes",
        [
            (
                "sum(right) / sum(images_of)",
                "sum(r / n for r, n in zip(right, images_of) if n) / sum(map(bool, images_of))",
            )
        ],
        ask="Is the mean of the classes' accuracies the accuracy over all images?",
        explain="Only if all classes have the same number of images; the first value counts images.",
        credit=0.6,
    ),
    Wrong(
        "empty_class_is_zero",
        [('float("nan")', "0.0")],
        ask="What is the accuracy in a class of which no image was seen?",
        explain="It is not 0: nothing was wrong. It is unknown, `float('nan')`.",
        credit=0.7,
    ),
    Wrong(
        "empty_class_crashes",
        [(' if count else float("nan")', "")],
        ask="What happens in a class without images?",
        explain="A division by zero; its accuracy is unknown, `float('nan')`.",
        credit=0.5,
    ),
    Wrong(
        "counted_by_prediction",
        [("zip(targets.tolist()", "zip(predicted.tolist()")],
        ask="Of which images is a class's accuracy the share: of those that *are* in the class, or of those that the "
        "model *puts* there?",
        explain="The second is called precision; here the true class counts.",
        credit=0.5,
    ),
)
_EVALUATE_RIGHT = (
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
)

TASKS = (
    Task("A network from a rule", "staged_vgg", 10, _vgg_cases, _VGG_WRONG, _VGG_RIGHT),
    Task("What one number sees", "receptive_field", 8, _field_cases, _FIELD_WRONG, _FIELD_RIGHT),
    Task("One step on several small batches", "accumulated_step", 12, _step_cases, _STEP_WRONG, _STEP_RIGHT),
    Task("An honest evaluation", "evaluate_by_class", 10, _evaluate_cases, _EVALUATE_WRONG, _EVALUATE_RIGHT),
)
