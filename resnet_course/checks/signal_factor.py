"""Lesson 03 · `signal_factor`: by what factor a convolution and its ReLU change the size of a signal.

What the factor depends on and how fast it grows is looked at apart, so that a wrong count of the products and a missing
root do not hide each other; the factor itself, which every mistake changes, comes last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import count_changed, expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import as_number, kind_of, plain

PERIOD = 64  # and the same numbers with the other sign: mean 0, the largest one the same in every layer
SETTINGS = {
    "weights": {"size": 2.0},
    "channels in": {"inside": 400},
    "channels out": {"outside": 512},
    "rows of the kernel": {"kernel": (5, 1)},
    "columns of the kernel": {"kernel": (1, 5)},
    "bias": {"bias": 10.0},
}


def layer_with(
    size: float = 1.0, inside: int = 100, outside: int = 128, kernel: tuple[int, int] = (1, 1), bias: float = 0.0
) -> nn.Conv2d:
    """A convolution whose weights have mean 0 and root mean square `size`.

    There are so many that a variance over n numbers and one over n - 1 agree within the tolerance.
    """
    layer = nn.Conv2d(inside, outside, kernel)
    drawn = torch.randn(PERIOD, generator=torch.Generator().manual_seed(SEED))
    pattern = torch.cat([drawn, -drawn]) / drawn.square().mean().sqrt()
    with torch.no_grad():
        layer.weight.copy_(size * pattern.repeat(layer.weight.numel() // len(pattern)).view_as(layer.weight))
        layer.bias.copy_(bias * (1 + torch.linspace(-1, 1, outside)))
    return layer


def observe(answer: Any) -> Iterator[Seen]:
    """What the factor depends on, how it grows, and what it is."""
    expect_function("signal_factor", answer)
    runs: list[int] = []
    layer = layer_with(0.053, 16, 64, (3, 3))
    layer.register_forward_hook(lambda *_: runs.append(1))
    kept = [plain(parameter).clone() for parameter in layer.parameters()]
    result = answer(layer)
    yield Seen("the number of times that the layer is run", len(runs))
    changed = count_changed(kept, [*layer.parameters()])
    yield Seen("the number of weights and biases that the call changes", changed)
    number = as_number(result)
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    yield Seen("the kind of the result", "a number" if is_number else _kind(result))
    if runs or changed or not is_number:
        yield Seen("signal_factor(layer)", result)
        return
    yield Seen("the result is a rounded number", 0 < number == round(number, 3), judges=False)
    base = float(as_number(answer(layer_with())))

    def growth(**changes: Any) -> float:
        return float(as_number(answer(layer_with(**changes)))) / base if base else 0.0

    for what, changes in SETTINGS.items():
        yield Seen(f"whether the {what} matter", not math.isclose(growth(**changes), 1, rel_tol=1e-3), judges=False)
    yield Seen("the growth of the factor, for weights twice as large,", growth(size=2.0))
    yield Seen("the growth of the factor, for four times the channels in and out,", growth(inside=400, outside=512))
    yield Seen("the growth of the factor, for a kernel of 3×3 and not 1×1,", growth(kernel=(3, 3)))
    for what, changes in SETTINGS.items():
        yield Seen(f"the growth of the factor, for more of the {what},", growth(**changes), True, False)
    name = "for 16 channels in, a 3×3 kernel and weights of size 0.053, the factor"
    yield Seen(name, float(number), True, False)


def _kind(result: Any) -> str:
    return f"a tensor of shape {tuple(result.shape)}" if isinstance(result, torch.Tensor) else kind_of(result)


def signal_factor(layer: nn.Conv2d) -> float:
    """The root of fan-in times the mean square of the weights, and half of it for the ReLU."""
    mean_square = plain(layer.weight).square().mean().item()
    return math.sqrt(layer.weight[0].numel() * mean_square / 2)


ANSWER = """
def signal_factor(layer):
    fan_in = layer.weight[0].numel()
    variance = layer.weight.var().item()
    return math.sqrt(fan_in * variance / 2)
"""
# fmt: off
WRONG = [
    Wrong("relu_forgotten", [(" / 2)", ")")],
          ask="What does the ReLU do to the mean square of numbers that lie evenly around 0?",
          explain="This is the factor of the convolution alone. The ReLU after it sets the negative half of the "
                  "numbers to 0, and with them half of the mean square; the root of that half belongs to the factor."),
    Wrong("half_outside_the_root", [("math.sqrt(fan_in * variance / 2)", "math.sqrt(fan_in * variance) / 2")],
          ask="Does the ReLU halve the size of a signal, or its mean square?",
          explain="The size is divided by 2 here. Half of the numbers become 0, so half of the mean square is left, "
                  "and the size, its root, is divided by √2."),
    Wrong("doubled", [("variance / 2", "variance * 2")],
          ask="Does a ReLU make the mean square larger or smaller?",
          explain="There is a 2 above the line, as in He's formula for the weights, 2 / fan_in, which makes up for "
                  "the ReLU. The ReLU itself takes half of the mean square away."),
    Wrong("no_root", [("math.sqrt(fan_in * variance / 2)", "fan_in * variance / 2")],
          ask="Is this the factor of the size, or that of the mean square?",
          explain="This is the factor of the mean square: weights twice as large give four times as much. The size is "
                  "the root of the mean square, and so its factor is the root of this one."),
    Wrong("deviation_for_variance", [(".var()", ".std()")],
          ask="If all weights are twice as large, how much larger is the output?",
          explain="The standard deviation stands under the root. A sum of products with weights twice as large is "
                  "twice as large, and the root of twice something is not. Under the root belongs the variance, the "
                  "square of the deviation."),
    Wrong("variance_outside_the_root", [("math.sqrt(fan_in * variance / 2)", "math.sqrt(fan_in / 2) * variance")],
          ask="If all weights are twice as large, how much larger is the output?",
          explain="The variance stands outside the root, so weights twice as large give four times the factor. The "
                  "output would be twice as large: outside the root stands the deviation, or under it the variance."),
    Wrong("fan_in_outside_the_root", [("math.sqrt(fan_in * variance / 2)", "fan_in * math.sqrt(variance / 2)")],
          ask="How large is a sum of 100 independent numbers of size 1?",
          explain="The number of summands stands outside the root, as if all products had the same sign. Independent "
                  "ones partly cancel: a sum of 100 of size 1 has the size 10, since the mean squares add up."),
    Wrong("sum_as_large_as_one", [("fan_in * variance", "variance")],
          ask="How many products are added up for one number of the output?",
          explain="How many numbers are summed up does not occur here. A sum of 144 products is larger than one "
                  "product: their mean squares add up."),
    Wrong("mean_for_sum", [("fan_in * variance", "variance / fan_in")],
          ask="Is an output number the sum of the products, or their mean?",
          explain="The number of products stands below the line, as for a mean. A convolution adds up and does not "
                  "divide, so more channels in make its output larger."),
    Wrong("fan_out", [("layer.weight[0].numel()", "layer.weight[:, 0].numel()")],
          ask="Which numbers are summed up for one number of the output?",
          explain="The channels that come out are counted here, 8 · 9 for a 3×3 layer from 3 to 8 channels. One "
                  "number of the output is a sum over the channels that come in, 3 · 9. (The other count, fan-out, is "
                  "right for the way back of the gradient.)"),
    Wrong("mean_of_both_fans", [
              ("layer.weight[0].numel()", "(layer.weight[0].numel() + layer.weight[:, 0].numel()) / 2")],
          ask="Do the channels that come out change the size of one output number?",
          explain="The mean of fan-in and fan-out stands here, as in Glorot's start, which is a compromise between "
                  "the way forward and the way back. The factor of the signal on its way forward has fan-in alone."),
    Wrong("channels_without_kernel", [("layer.weight[0].numel()", "layer.in_channels")],
          ask="How many pixels of each channel does the kernel cover?",
          explain="Only the channels are counted. A 3×3 kernel takes nine numbers from each of them, so with 16 "
                  "channels the sum has 144 summands and not 16."),
    Wrong("kernel_without_channels", [("layer.weight[0].numel()", "layer.kernel_size[0] * layer.kernel_size[1]")],
          ask="From how many channels does one number of the output take its summands?",
          explain="Only the kernel is counted, nine for 3×3. A kernel covers nine pixels of every channel that comes "
                  "in, so with 16 channels there are 144 summands."),
    Wrong("one_side_of_the_kernel", [("layer.weight[0].numel()", "layer.in_channels * layer.kernel_size[0]")],
          ask="How many numbers does a 3×3 kernel cover?",
          explain="Only one side of the kernel is counted, 3 for 3×3. It covers 3 rows and 3 columns, so 9 numbers of "
                  "each channel."),
    Wrong("the_other_side_of_the_kernel", [("layer.weight[0].numel()", "layer.in_channels * layer.kernel_size[1]")],
          ask="How many rows does the kernel have?",
          explain="Only the columns of the kernel are counted, and its rows are left out: 3 for 3×3, where 9 numbers "
                  "of each channel are covered."),
    Wrong("kernel_taken_as_square", [("layer.weight[0].numel()", "layer.in_channels * layer.kernel_size[0] ** 2")],
          ask="How many numbers does a kernel of 5 rows and 1 column cover?",
          explain="The number of rows is squared, so a 5×1 kernel counts as 25. It covers 5 numbers: rows times "
                  "columns. `layer.weight[0]` holds the weights of one output channel, and `numel()` counts them."),
    Wrong("all_weights_counted", [("layer.weight[0].numel()", "layer.weight.numel()")],
          ask="Do all weights of the layer take part in one number of the output?",
          explain="All weights of the layer are counted, those of every output channel. One number of the output uses "
                  "one filter: in channels times rows times columns."),
    Wrong("upside_down", [("math.sqrt(fan_in * variance / 2)", "math.sqrt(2 / (fan_in * variance))")],
          ask="Do larger weights give a larger output?",
          explain="The fraction is upside down: it says by what the weights would have to be multiplied to keep the "
                  "size. The question is what they do as they are."),
    Wrong("hes_deviation", [("math.sqrt(fan_in * variance / 2)", "math.sqrt(2 / fan_in)")],
          ask="Where do the layer's own weights come in?",
          explain="This is the deviation that He's start would give the weights. The factor that *these* weights give "
                  "is asked for; for weights of that deviation it is 1."),
    Wrong("default_taken_for_granted", [("layer.weight.var().item()", "1 / (3 * fan_in)")],
          ask="What comes out for a layer whose weights were all doubled?",
          explain="The variance of PyTorch's default start is put in, so every layer gives 0.408. Take the variance "
                  "of the weights that the layer has."),
    Wrong("he_taken_for_granted", [("layer.weight.var().item()", "2 / fan_in")],
          ask="What comes out for a layer whose weights were all doubled?",
          explain="The variance of He's start is put in, so every layer gives 1. Take the variance of the weights "
                  "that the layer has."),
    Wrong("largest_for_deviation", [("layer.weight.var().item()", "layer.weight.max().item() ** 2")],
          ask="How large is a weight in the mean, and how large is the largest?",
          explain="The largest weight stands in the place of the deviation. Most weights are much smaller, and what "
                  "counts in a sum is their mean square."),
    Wrong("mean_of_sizes", [("layer.weight.var().item()", "layer.weight.abs().mean().item() ** 2")],
          ask="Is the mean square of 1 and 3 the same as the square of their mean?",
          explain="The mean size of the weights was squared. What adds up in a sum is the mean of the squares: for 1 "
                  "and 3 it is 5, and the square of their mean is 4."),
    Wrong("mean_weight", [(".var()", ".mean()")],
          ask="How large is the mean of weights that lie evenly around 0?",
          explain="The mean of the weights is near 0, and says nothing about how large they are. Their variance does."),
    Wrong("variance_after_relu", [("variance / 2", "variance * (0.5 - 0.5 / math.pi)")],
          ask="Is the size of a signal its root mean square, or its spread around its mean?",
          explain="The spread of the numbers after the ReLU was taken, without their mean. But the next layer meets "
                  "the numbers themselves, mean included, and their mean square is a half of what it was."),
    Wrong("one_filter_only", [("layer.weight.var()", "layer.weight[0].var()")],
          ask="Of how many filters is this the variance?",
          explain="The variance of the first filter alone was taken. Its few weights may be smaller or larger than "
                  "those of the others by chance; the layer's factor is about all of them."),
    Wrong("one_for_each_filter", [("layer.weight.var().item()", "layer.weight.var(dim=(1, 2, 3))"),
                                  ("math.sqrt", "torch.sqrt")],
          ask="How many numbers does the function hand back?",
          explain="One number for each filter comes back. One for the whole layer is asked for: the variance of all "
                  "of its weights."),
    Wrong("measured_not_computed", """
def signal_factor(layer):
    x = torch.randn(64, layer.in_channels, 8, 8)
    with torch.no_grad():
        out = F.relu(layer(x))
    return (out.square().mean().sqrt() / x.square().mean().sqrt()).item()
""",
          ask="Is the factor computed from the weights, or measured with an input?",
          explain="The layer was run on an input, which measures the factor up to chance, and with padding and bias "
                  "in it. That is what the lesson does next. Here it is to be predicted, from the weights alone."),
    Wrong("starts_the_layer_anew", [("    fan_in =", "    nn.init.kaiming_normal_(layer.weight)\n    fan_in =")],
          ask="Whose weights does the call look at, those that came in?",
          explain="The call draws new weights for the layer and looks at those. It should look and change nothing."),
    Wrong("rounded", [("return math.sqrt(fan_in * variance / 2)", "return round(math.sqrt(fan_in * variance / 2), 1)")],
          ask="How many digits does your number have?",
          explain="The factor was rounded. Sixteen layers multiply it sixteen times, so a small mistake becomes a "
                  "large one. Return it as it is, and round what you print."),
    Wrong("nine_for_every_kernel", [("layer.weight[0].numel()", "layer.in_channels * 9")],
          ask="How many numbers does a 1×1 kernel cover?",
          explain="Every kernel counts as 3×3 here. That is right for the layers of this lesson, and a 1×1 kernel "
                  "covers one number of each channel. The shape of the weight says how many there are."),
    Wrong("out_channels_without_kernel", [("layer.weight[0].numel()", "len(layer.weight)")],
          ask="What does the first number in the shape of the weight count?",
          explain="The first dimension of the weight counts the channels that come out. One number of the output is a "
                  "sum over the other three: channels in, rows and columns."),
    Wrong("sum_of_squares", [("layer.weight.var()", "layer.weight.square().sum()")],
          ask="Is it the sum of the squares, or their mean?",
          explain="The squares of all weights of the layer are added up, as a norm does, so a layer with more output "
                  "channels gets a larger factor. The variance is the mean of the squares."),
    Wrong("returns_text", [("return math.sqrt(fan_in * variance / 2)",
                            "return f'{math.sqrt(fan_in * variance / 2):.3f}'")],
          ask="Can the result be multiplied?",
          explain="Text comes back. The lesson multiplies the factors of the layers, so return the number, and format "
                  "it where you print."),
    Wrong("bias_counted", [
              ("variance / 2", "variance / 2 + (0 if layer.bias is None else layer.bias.var().item() / 2)")],
          ask="Is the bias one of the products that are added up?",
          explain="The variance of the bias is added. A bias is no product with the signal: it comes on top whatever "
                  "the signal's size is, so it does not belong to the factor, and the exercise leaves it out."),
]
# fmt: on

EXERCISE = Exercise(
    "signal_factor",
    lesson="03",
    defines="signal_factor",
    reference=signal_factor,
    observe=observe,
    start="First count: how many products make one number of the output? `layer.weight` has the shape (channels out, "
    "channels in, rows, columns), and `layer.weight[0]` is one filter. Then take the mean square of one product, of "
    "their sum, and of what the ReLU leaves. The last step makes a size of a mean square.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "a number of NumPy": """
import numpy as np

def signal_factor(layer):
    w = layer.weight.detach().numpy()
    return np.sqrt(w[0].size * w.var() / 2)
""",
        "channels times kernel": """
def signal_factor(layer):
    rows, columns = layer.kernel_size
    deviation = layer.weight.std()
    return (layer.in_channels * rows * columns / 2) ** 0.5 * deviation
""",
        "the norm of all weights": """
def signal_factor(layer):
    return layer.weight.norm().item() / math.sqrt(2 * len(layer.weight))
""",
        "PyTorch's own count": """
def signal_factor(layer):
    fan_in, _ = nn.init._calculate_fan_in_and_fan_out(layer.weight)
    wanted = nn.init.calculate_gain("relu") / math.sqrt(fan_in)
    return float(layer.weight.detach().std() / wanted)
""",
        "numpy": """
def signal_factor(layer):
    import numpy as np
    weights = layer.weight.detach().numpy()
    return np.sqrt(np.prod(weights.shape[1:]) * weights.var() * 0.5)
""",
        "step by step": """
def signal_factor(layer):
    products = math.prod(layer.weight.shape[1:])
    mean_square = 0.0
    for filter in layer.weight.detach():
        mean_square += (filter**2).mean() / layer.out_channels
    after_sum = products * mean_square
    after_relu = after_sum / 2
    return after_relu.sqrt()
""",
        "a lambda": """
signal_factor = lambda c: c.weight.detach().flatten(1).square().sum(dim=1).mean().div(2).sqrt()
""",
        "half a normal number": """
def signal_factor(layer):
    gain = torch.relu(torch.tensor([-1.0, 1.0])).square().mean().sqrt()
    return (gain * layer.weight.std(correction=0) * layer.weight[0].numel() ** 0.5).item()
""",
    },
    unknown={
        "a cube root": edited(ANSWER, ("math.sqrt(fan_in * variance / 2)", "(fan_in * variance / 2) ** (1 / 3)")),
        "one more": edited(ANSWER, ("math.sqrt(fan_in * variance / 2)", "1 + math.sqrt(fan_in * variance / 2)")),
    },
    again={
        "the ReLU forgotten, by the norm": (
            "relu_forgotten",
            "def signal_factor(layer): return layer.weight.norm() / len(layer.weight) ** 0.5",
        ),
        "no root, with the deviation squared": (
            "no_root",
            edited(ANSWER, ("layer.weight.var().item()", "layer.weight.std().item() ** 2"), ("math.sqrt", "float")),
        ),
        "fan-out by the shape": (
            "fan_out",
            edited(ANSWER, ("layer.weight[0].numel()", "layer.out_channels * math.prod(layer.kernel_size)")),
        ),
    },
)
