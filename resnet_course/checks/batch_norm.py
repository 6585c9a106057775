"""Lesson 03 · `batch_norm`: batch norm by hand, in both modes, with its buffers.

Each question is asked by itself, with weights and stored statistics that leave the others out: on which numbers of the
batch does one number of the output depend, how large is the output, what is stored, what comes back as gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import SEED, WrongKindError
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import kind_of, plain, shown

CHANNELS = 3
SHAPE = (4, CHANNELS, 2, 5)  # 40 numbers in each channel, and no two sizes alike
NUMBERS = 40
OWN = {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1}
ONES, ZEROS = (1.0,) * CHANNELS, (0.0,) * CHANNELS
MODES = {"training": True, "eval": False}


def batch(mean: float = 0.0, size: float = 1.0) -> Tensor:
    """A batch whose channels have exactly this mean and this deviation, over all 40 numbers of each."""
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(SEED), dtype=torch.float64)
    x = x - x.mean(dim=(0, 2, 3), keepdim=True)
    return (mean + size * x / x.square().mean(dim=(0, 2, 3), keepdim=True).sqrt()).float()


class Run:
    """One forward pass of a fresh module whose numbers were set."""

    def __init__(self, answer: Any, train: bool, x: Tensor, **numbers: tuple[float, ...]) -> None:
        self.norm = answer(CHANNELS).train(train)
        with torch.no_grad():
            for name, values in numbers.items():
                tensor = getattr(self.norm, name, None)
                if isinstance(tensor, Tensor) and tensor.numel() == CHANNELS:
                    tensor.copy_(torch.tensor(values).view(tensor.shape))
        self.leaf = x.clone().requires_grad_()
        self.given = self.leaf * 1  # not a leaf, so that a change in place is seen and not refused
        self.output = self.norm(self.given)
        self.numbers = plain(self.output) if isinstance(self.output, Tensor) else self.output

    def stored(self, name: str) -> list[float]:
        """A running statistic afterwards."""
        tensor = getattr(self.norm, name, None)
        return plain(tensor).flatten().tolist() if isinstance(tensor, Tensor) else []


def observe(answer: Any) -> Iterator[Seen]:
    """What it is made of, what the output depends on and how large it is, what is stored, and the gradient."""
    if isinstance(answer, nn.Module) or not callable(answer):
        raise WrongKindError(f"the class BatchNorm itself is needed, without brackets, and this is {shown(answer)}")
    norm = answer(CHANNELS)
    yield Seen("the kind of BatchNorm(3)", kind_of(norm))
    if not isinstance(norm, nn.Module):
        raise WrongKindError(f"BatchNorm(3) should be an nn.Module and is {shown(norm)}")
    for name in OWN:
        yield Seen(f"BatchNorm(3).{name}", _what_it_is(norm, name))
    others = [name for name, _ in norm.named_parameters() if name not in OWN]
    yield Seen("the number of other parameters of BatchNorm(3)", len(others))
    for mode, train in MODES.items():
        output = Run(answer, train, batch()).output
        yield Seen(f"the kind of the output in {mode} mode", kind_of(output))
        if not isinstance(output, Tensor):
            return
        yield Seen(f"the shape of the output for input {SHAPE} in {mode} mode", tuple(output.shape))
        if output.shape != SHAPE:
            return
    yield from _see_reach(answer)
    yield from _see_sizes(answer)
    yield from _see_stored(answer)
    yield from _see_gradients(answer)
    for mode, train in MODES.items():
        run = Run(answer, train, batch(2, 3), weight=(1, 2, 3), bias=(4, 5, 6), running_mean=(1, 2, 3))
        yield Seen(f"in {mode} mode, the output", run.numbers, explains=False)
        change = (plain(run.given) - plain(run.leaf)).abs().max().item()
        yield Seen(f"in {mode} mode, the largest change of the input x", change)


def _what_it_is(norm: nn.Module, name: str) -> str:
    """A tensor of a module in words: what PyTorch takes it for, its shape and its numbers."""
    tensor = getattr(norm, name, None)
    if not isinstance(tensor, Tensor):
        return "missing" if tensor is None else kind_of(tensor)
    kind = "a tensor that PyTorch does not know of"
    if isinstance(tensor, nn.Parameter):
        kind = "a parameter"
    elif name in dict(norm.named_buffers()):
        kind = "a buffer" if name in norm.state_dict() else "a buffer that is not in the state dict"
    values = plain(tensor).unique().tolist()
    numbers = f"all {values[0]:g}" if len(values) == 1 else "not all the same"
    return f"{kind} of shape {tuple(tensor.shape)}, {numbers}"


def _see_reach(answer: Any) -> Iterator[Seen]:
    """Which other numbers of the batch one number of the output depends on."""
    places = {
        "the other images": (1, 0, 0, 0),
        "the other channels": (0, 1, 0, 0),
        "the rest of its channel": (0, 0, 1, 1),
    }
    for mode, train in MODES.items():
        before = Run(answer, train, batch()).numbers[0, 0, 0, 0]
        for what, place in places.items():
            x = batch()
            x[place] += 5
            after = Run(answer, train, x).numbers[0, 0, 0, 0]
            yield Seen(f"in {mode} mode, {what} matter", (after - before).abs().item() > 1e-3)
    for name in ("running_mean", "running_var"):
        outputs = [Run(answer, True, batch(), **{name: (value,) * CHANNELS}).numbers for value in (1.0, 9.0)]
        changed = (outputs[0] - outputs[1]).abs().max().item()
        yield Seen(f"in training mode, {name} matters for the output", changed > 1e-3)


def _see_sizes(answer: Any) -> Iterator[Seen]:
    """What is subtracted, by what is divided, and what weight and bias do."""
    unit = batch()
    size = Run(answer, True, batch(0, 20)).numbers.square().mean(dim=(0, 2, 3))
    yield Seen("in training mode, the mean square of each channel of the output", size.tolist())
    mean = Run(answer, True, batch(4)).numbers.mean(dim=(0, 2, 3))
    yield Seen("in training mode, the mean of each channel of the output", mean.tolist())
    for words, variance in {"9": 9.0, "0.00003": 3e-5}.items():
        out = Run(answer, False, unit, running_var=(variance,) * CHANNELS).numbers
        factor = (out[0, 0, 0, 0] / unit[0, 0, 0, 0]).item()
        yield Seen(f"in eval mode, with running_var {words}, x is multiplied by", factor)
    shift = Run(answer, False, unit, running_mean=(1, 2, 3)).numbers - Run(answer, False, unit).numbers
    yield Seen("in eval mode, with running_mean (1, 2, 3), the channels move by", shift[0, :, 0, 0].tolist())
    for mode, train in MODES.items():
        plain_out = Run(answer, train, unit).numbers
        ratio = Run(answer, train, unit, weight=(1, 2, 3)).numbers / plain_out
        yield Seen(f"in {mode} mode, weight (1, 2, 3) multiplies the channels by", ratio[0, :, 0, 0].tolist())
        moved = Run(answer, train, unit, bias=(1, 2, 3)).numbers - plain_out
        yield Seen(f"in {mode} mode, bias (1, 2, 3) moves the channels by", moved[0, :, 0, 0].tolist())
    tiny = Run(answer, True, batch(0, 0.003)).numbers.square().mean().item()
    yield Seen("in training mode, for a variance of 0.000009, the mean square of the output", tiny, explains=False)


def _see_stored(answer: Any) -> Iterator[Seen]:
    """How much of the old statistic is kept and how much of the batch's is added."""
    for name, what, x in (("running_mean", "mean", batch()), ("running_var", "variance", torch.full(SHAPE, 7.0))):
        kept = Run(answer, True, x, **{name: (10.0, 20.0, 30.0)}).stored(name)
        yield Seen(f"after a training step with a batch of {what} 0, {name} (10, 20, 30) has become", kept)
    mean = Run(answer, True, batch(10), running_mean=ZEROS).stored("running_mean")
    yield Seen("after a training step with a batch of mean 10, running_mean 0 has become", mean)
    size = (12.5 * (NUMBERS - 1) / NUMBERS) ** 0.5  # so that the variance over n - 1 is 12.5
    variance = Run(answer, True, batch(5, size), running_var=ZEROS).stored("running_var")
    yield Seen(
        "after a training step with 40 numbers whose squares add up to 487.5, running_var 0 has become", variance
    )
    run = Run(answer, False, batch(10, 5), running_mean=ONES, running_var=ONES)
    for name in ("running_mean", "running_var"):
        yield Seen(f"after a pass in eval mode, {name} (1, 1, 1) has become", run.stored(name))
    after = Run(answer, True, batch(1, 2)).norm
    for name in ("running_mean", "running_var"):
        tensor = getattr(after, name, None)
        asks = isinstance(tensor, Tensor) and not isinstance(tensor, nn.Parameter) and tensor.requires_grad
        yield Seen(f"after a training step, {name} keeps the history of the batch", asks)
        yield Seen(f"after a training step, {name} is", _what_it_is(after, name).split(",")[0], explains=False)


def _see_gradients(answer: Any) -> Iterator[Seen]:
    """Whether there are gradients, and whether that of x is what the numbers that come out change by."""
    factors = torch.randn(SHAPE, generator=torch.Generator().manual_seed(SEED + 1))
    for mode, train in MODES.items():
        run = Run(answer, train, batch(1, 2), weight=(1, 2, 3))
        yield Seen(f"in {mode} mode, the output asks for gradients", bool(run.output.requires_grad))
        if not run.output.requires_grad:
            continue
        wanted = {name: getattr(run.norm, name, None) for name in ("weight", "bias")}
        known = {name: tensor for name, tensor in wanted.items() if isinstance(tensor, Tensor) and tensor.requires_grad}
        found = torch.autograd.grad((run.output * factors).sum(), [run.leaf, *known.values()], allow_unused=True)
        for name, gradient in zip(known, found[1:], strict=True):
            yield Seen(f"in {mode} mode, {name} gets a gradient", gradient is not None)
        at_x = torch.zeros(SHAPE) if found[0] is None else found[0]
        step = 0.01 * batch(1, 2)  # moves mean and deviation
        ends = [Run(answer, train, batch(1, 2) + way * step, weight=(1, 2, 3)).numbers for way in (1, -1)]
        change = ((ends[0] - ends[1]) * factors).sum().item() / 2
        told = (at_x * step).sum().item()
        yield Seen(f"in {mode} mode, the gradient tells how the output changes with x", abs(told - change) < 0.02)
        yield Seen(f"in {mode} mode, the gradient that reaches the input", at_x, explains=False)


ANSWER = """
class BatchNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        shape = (1, -1, 1, 1)
        mean, var = self.running_mean.view(shape), self.running_var.view(shape)
        if self.training:
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = x.var(dim=(0, 2, 3), correction=0, keepdim=True)
            with torch.no_grad():
                self.running_mean.copy_(0.9 * self.running_mean + 0.1 * x.mean(dim=(0, 2, 3)))
                self.running_var.copy_(0.9 * self.running_var + 0.1 * x.var(dim=(0, 2, 3)))
        x = (x - mean) / torch.sqrt(var + 1e-5)
        return self.weight.view(shape) * x + self.bias.view(shape)
"""
MEAN_UPDATE = "self.running_mean.copy_(0.9 * self.running_mean + 0.1 * x.mean(dim=(0, 2, 3)))"
VAR_UPDATE = "self.running_var.copy_(0.9 * self.running_var + 0.1 * x.var(dim=(0, 2, 3)))"
BUFFER_MEAN, BUFFER_VAR = (
    f'self.register_buffer("running_{n}", torch.{start}(channels))' for n, start in (("mean", "zeros"), ("var", "ones"))
)
# fmt: off
WRONG = [
    Wrong("one_mean_for_all_channels", [("mean(dim=(0, 2, 3), keepdim=True)", "mean()"),
                                        ("var(dim=(0, 2, 3), correction=0, keepdim=True)", "var(correction=0)")],
          ask="How many means are there for a batch with 3 channels?",
          explain="One mean and one variance were taken over all channels together. Each channel has its own: with "
                  "dim=(0, 2, 3) images, rows and columns are summed up, and one number a channel is left."),
    Wrong("each_image_by_itself", [("dim=(0, 2, 3), keepdim", "dim=(2, 3), keepdim"),
                                   ("dim=(0, 2, 3), correction", "dim=(2, 3), correction")],
          ask="Over how many images is the mean taken?",
          explain="Each image was normalised by itself: that is instance norm. Batch norm takes one mean for a "
                  "channel over all images of the batch and all positions."),
    Wrong("over_channels", [("dim=(0, 2, 3), keepdim", "dim=(1, 2, 3), keepdim"),
                            ("dim=(0, 2, 3), correction", "dim=(1, 2, 3), correction")],
          ask="Which numbers of the batch belong to one mean?",
          explain="The numbers of one image, over all of its channels, were taken together: that is layer norm. Batch "
                  "norm goes the other way, over all images, and keeps the channels apart."),
    Wrong("each_position_by_itself", [("dim=(0, 2, 3), keepdim", "dim=0, keepdim"),
                                      ("dim=(0, 2, 3), correction", "dim=0, correction")],
          ask="Has every pixel position a mean of its own?",
          explain="With dim=0 each position of each channel has its own mean, over four images only. A convolution "
                  "treats all positions alike, and so does batch norm: images, rows and columns go into one mean."),
    Wrong("unbiased_for_normalising", [(", correction=0", "")],
          ask="By which number is the sum of squares divided when the batch is normalised?",
          explain="PyTorch's var divides by n - 1 unless it is told otherwise. For normalising, batch norm divides by "
                  "n (correction=0), so that the output's variance is 1; n - 1 is for running_var alone."),
    Wrong("biased_running_var", [("x.var(dim=(0, 2, 3)))", "x.var(dim=(0, 2, 3), correction=0))")],
          ask="Which of the two variances goes into running_var?",
          explain="The variance of the batch over n was stored. running_var is an estimate for all images, so it "
                  "takes the one over n - 1: 10 and not 9.75 for 40 numbers whose squares add up to 390."),
    Wrong("n_counts_images", [("x.var(dim=(0, 2, 3)))",
                               "x.var(dim=(0, 2, 3), correction=0) * len(x) / (len(x) - 1))")],
          ask="How many numbers of a channel are there in a batch of 4 images of 2×5?",
          explain="The correction n / (n - 1) was made with the number of images. A channel has 4 · 2 · 5 = 40 "
                  "numbers here, and n counts them all."),
    Wrong("momentum_turned_round", [("0.9 * self.running", "0.7 * self.running"), ("0.1 * x", "0.9 * x"),
                                    ("0.7 * self.running", "0.1 * self.running")],
          ask="How much of the old statistic is kept in a step?",
          explain="A tenth of the old value was kept and nine tenths of the batch's taken, so that the stored numbers "
                  "are little more than those of the last batch. It is the other way round: 0.9 old, 0.1 new."),
    Wrong("added_without_keeping", [("0.9 * self.running", "self.running")],
          ask="What becomes of running_mean if a hundred batches with mean 1 come in?",
          explain="A tenth of the batch's value was added to the whole old value, so the stored numbers grow for "
                  "ever. In a weighted mean the two weights add up to 1."),
    Wrong("replaced_by_the_batch", [("0.9 * self.running_mean + 0.1 * ", ""), ("0.9 * self.running_var + 0.1 * ", "")],
          ask="What is left of the batches before this one?",
          explain="The stored statistics are those of the last batch alone. A running mean keeps nine tenths of what "
                  "was there."),
    Wrong("never_updated", [(MEAN_UPDATE, "pass"), (VAR_UPDATE, "pass")],
          ask="Which numbers does eval mode use after a training?",
          explain="The stored statistics never change: after a whole training eval mode would still subtract 0 and "
                  "divide by 1. In training mode each batch adds its share, to `self.running_mean` and not to a local "
                  "variable that is gone when forward returns."),
    Wrong("updated_in_eval", [("            with torch.no", "        if True:\n            with torch.no"),
                              ("x = (x - mean)", "mean, var = mean.clone(), var.clone()\n        x = (x - mean)"),
                              ("self.running_mean.view(shape), self.running_var.view(shape)",
                               "self.running_mean.view(shape).clone(), self.running_var.view(shape).clone()")],
          ask="What may a pass in eval mode change?",
          explain="The stored statistics change in eval mode as well, so that measuring a network changes it, and "
                  "test images get into it. Only training mode stores."),
    Wrong("batch_in_both_modes", [("if self.training:", "if True:"),
                                  ("            with torch.no_grad():",
                                   "            if self.training:\n              with torch.no_grad():")],
          ask="Which mean does eval mode subtract?",
          explain="Eval mode takes mean and variance of the batch, so the answer for an image depends on which others "
                  "come with it. There the stored statistics take their place."),
    Wrong("mode_not_asked", [("if self.training:", "if True:")],
          ask="Where does forward ask in which mode the module is?",
          explain="forward does the same in both modes: in eval mode it takes the batch's statistics, and stores "
                  "them. `self.training` is True after .train() and False after .eval(); a flag with another name is "
                  "not known to them."),
    Wrong("modes_swapped", [("if self.training:", "if not self.training:")],
          ask="When is `self.training` True?",
          explain="The two modes have changed places. `self.training` is True after .train(): there the batch's own "
                  "statistics are used, and stored."),
    Wrong("stored_used_in_training", [("            mean = x.mean(dim=(0, 2, 3), keepdim=True)\n", ""),
                                      ("            var = x.var(dim=(0, 2, 3), correction=0, keepdim=True)\n", "")],
          ask="By what is the batch normalised in training mode?",
          explain="In training mode the stored statistics are subtracted and divided by, which lag behind the batch. "
                  "There each batch is normalised by its own mean and variance; the stored ones are for eval mode."),
    Wrong("eps_outside_the_root", [("torch.sqrt(var + 1e-5)", "(torch.sqrt(var) + 1e-5)")],
          ask="To what is eps added, to the variance or to its root?",
          explain="eps was added to the deviation. It belongs under the root, to the variance: the two differ where a "
                  "channel hardly varies, and there it decides how much the noise is blown up."),
    Wrong("no_eps", [(" + 1e-5", "")],
          ask="What comes out for a channel in which all numbers are the same?",
          explain="There is no eps beside the variance. A channel that does not vary has variance 0, and 0 divided by "
                  "0 is nan, which then goes through the whole network."),
    Wrong("no_root", [("torch.sqrt(var + 1e-5)", "(var + 1e-5)")],
          ask="Is it the variance by which you divide, or the deviation?",
          explain="The numbers were divided by the variance. Then the deviation of the output is 1 divided by that of "
                  "the input; divided by the deviation, the root, it is 1."),
    Wrong("deviation_under_the_root", [("x.var(", "x.std(")],
          ask="Of what is the root taken, of the variance or of the deviation?",
          explain="x.std() is a root already, and forward takes the root of it once more; running_var then stores a "
                  "deviation as well. Use x.var()."),
    Wrong("deviation_stored", [("x.var(", "x.std("), ("torch.sqrt(var + 1e-5)", "(var + 1e-5)")],
          ask="Is it the variance that is stored in running_var, or the deviation?",
          explain="The deviation is used throughout: the output in training mode comes close, but running_var holds "
                  "deviations, so a state dict of nn.BatchNorm2d gives wrong numbers, and eps is outside the root."),
    Wrong("mean_not_subtracted", [("(x - mean)", "x")],
          ask="What is the mean of each channel of the output?",
          explain="The mean was not subtracted, and each channel keeps it, divided by the deviation."),
    Wrong("mean_added", [("(x - mean)", "(x + mean)")],
          ask="With which sign does the mean enter?",
          explain="The mean was added, so a channel with mean 4 gets the mean 8 before the division, and not 0."),
    Wrong("no_weight", [("self.weight.view(shape) * x +", "x +")],
          ask="What does `weight` do in forward?",
          explain="The normalised numbers are not multiplied by the weight, so it gets no gradient and never learns."),
    Wrong("no_bias", [(" + self.bias.view(shape)", "")],
          ask="What does `bias` do in forward?",
          explain="The bias is not added, so it gets no gradient and never learns."),
    Wrong("none_of_the_two_in_eval", [("return self.weight", "return x if not self.training else self.weight")],
          ask="In which modes do weight and bias take part?",
          explain="In eval mode weight and bias are left out, and the network would go on with other numbers than "
                  "those it was trained with. They belong to both modes."),
    Wrong("weight_and_bias_swapped", [
              ("self.weight.view(shape) * x + self.bias.view(shape)",
               "self.bias.view(shape) * x + self.weight.view(shape)")],
          ask="Which of the two multiplies, and which is added?",
          explain="The bias multiplies and the weight is added. With their start values, 0 and 1, the output is 1 "
                  "everywhere, whatever the image is."),
    Wrong("statistics_as_parameters", [(BUFFER_MEAN, "self.running_mean = nn.Parameter(torch.zeros(channels))"),
                                       (BUFFER_VAR, "self.running_var = nn.Parameter(torch.ones(channels))")],
          ask="Should the optimizer change the stored statistics?",
          explain="running_mean and running_var are parameters here, and model.parameters() hands them to the "
                  "optimizer. They are measured, not learned: a buffer is saved and moved with the module, and no "
                  "parameter."),
    Wrong("statistics_not_registered", [(BUFFER_MEAN, "self.running_mean = torch.zeros(channels)"),
                                        (BUFFER_VAR, "self.running_var = torch.ones(channels)")],
          ask="Do the running statistics stand in the state dict?",
          explain="They are plain tensors, which PyTorch does not know of: they are not saved with the network, and "
                  "stay behind when it moves to a GPU. register_buffer tells PyTorch about them."),
    Wrong("weight_and_bias_not_learned", [("nn.Parameter(torch.ones(channels))", "torch.ones(channels)"),
                                          ("nn.Parameter(torch.zeros(channels))", "torch.zeros(channels)")],
          ask="What does PyTorch need to know that a tensor is to be learned?",
          explain="weight and bias are plain tensors. Only an nn.Parameter is found by model.parameters(), gets a "
                  "gradient and is saved."),
    Wrong("history_kept", [("torch.no_grad()", "torch.enable_grad()"),
                           ("self.running_mean.copy_(", "self.running_mean = ("),
                           ("self.running_var.copy_(", "self.running_var = (")],
          ask="Does a backward pass have to go back through the batches of all earlier steps?",
          explain="The running statistics keep the history of how they were computed, so every step hangs on the one "
                  "before it: memory grows, and the second backward() stops with an error. Update them under "
                  "torch.no_grad(), or from detached numbers."),
    Wrong("statistics_detached", [("keepdim=True)", "keepdim=True).detach()")],
          ask="If one number of x grows, do the mean and the variance stay?",
          explain="Mean and variance were cut off from the gradient, as if they were constants. They depend on x, and "
                  "the gradient has to go through them."),
    Wrong("input_detached", [("x = (x - mean)", "x = (x.detach() - mean.detach())"), ("sqrt(var", "sqrt(var.detach()")],
          ask="Does a gradient come back to x?",
          explain="No gradient reaches the input, so no layer before this one can learn. Only the update of the "
                  "running statistics belongs under torch.no_grad()."),
    Wrong("input_overwritten", [("x = (x - mean) /", "x -= mean\n        x = x /")],
          ask="Whose tensor does `x -= mean` change?",
          explain="The subtraction writes into the tensor that the caller handed in. A block still needs it for its "
                  "shortcut: let the result be a new tensor."),
    Wrong("other_names", [("self.weight", "self.gamma"), ("self.bias", "self.beta")],
          ask="What are the four tensors called in PyTorch's own batch norm?",
          explain="The papers say γ and β; PyTorch's names are `weight` and `bias`, beside `running_mean` and "
                  "`running_var`. With the same names a state dict of one fits the other."),
    Wrong("buffers_change_shape", [("self.running_mean.copy_(", "self.running_mean = ("),
                                   ("self.running_var.copy_(", "self.running_var = ("),
                                   ("0.1 * x.mean(dim=(0, 2, 3))", "0.1 * x.mean(dim=(0, 2, 3), keepdim=True)"),
                                   ("0.1 * x.var(dim=(0, 2, 3))", "0.1 * x.var(dim=(0, 2, 3), keepdim=True)")],
          ask="Which shape has running_mean after one step?",
          explain="The mean of the batch has the shape (1, 3, 1, 1), and with the stored (3,) it gives (1, 3, 1, 3): "
                  "shapes are compared from the right. The stored statistics keep one number a channel."),
    Wrong("shapes_not_aligned", [(".view(shape)", "")],
          ask="Along which dimension does PyTorch lay a tensor of shape (3,) on one of shape (4, 3, 2, 5)?",
          explain="Shapes are compared from the right, so a mean of shape (3,) meets the 5 columns, not the 3 "
                  "channels. As (1, 3, 1, 1) it meets the channels. Where width and channels happen to be equal there "
                  "is no error, and every number is wrong."),
]
# fmt: on

NAMED = """
class BatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
"""

EXERCISE = Exercise(
    "batch_norm",
    lesson="03",
    defines="BatchNorm",
    observe=observe,
    start="Begin with training mode alone: mean and variance of each channel, `x.mean(dim=..., keepdim=True)`. Compare "
    "with nn.BatchNorm2d. Then the buffers and their update, and last eval mode.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "squares by hand": NAMED
        + """
    def forward(self, x):
        mean, var = self.running_mean[:, None, None], self.running_var[:, None, None]
        if self.training:
            mean = x.mean(dim=(0, 2, 3), keepdim=True)
            var = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
            n = x.numel() / x.shape[1]
            self.running_mean += self.momentum * (mean.detach().flatten() - self.running_mean)
            self.running_var += self.momentum * (var.detach().flatten() * n / (n - 1) - self.running_var)
        return (x - mean) * (var + self.eps).rsqrt() * self.weight[:, None, None] + self.bias[:, None, None]
""",
        "PyTorch's function": NAMED
        + """
    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, 0.1, 1e-5)
""",
        "PyTorch's class": "BatchNorm = nn.BatchNorm2d",
        "new buffers, lerp, one scale and shift": NAMED
        + """
    def forward(self, x):
        if not self.training:
            mean, var = self.running_mean, self.running_var
        else:
            rows = x.transpose(0, 1).flatten(1)  # one row a channel
            var, mean = torch.var_mean(rows, dim=1, correction=0)
            self.running_mean = self.running_mean.lerp(mean.detach(), self.momentum)
            self.running_var = self.running_var.lerp(rows.detach().var(dim=1), self.momentum)
        scale = self.weight / torch.sqrt(var + self.eps)
        shift = self.bias - mean * scale
        return x * scale.reshape(-1, 1, 1) + shift.reshape(-1, 1, 1)
""",
        "channels last, in place on the buffers": NAMED
        + """
    def forward(self, x):
        x = x.permute(0, 2, 3, 1)  # (N, H, W, C): vectors of shape (C,) fit without a view
        mean, var = self.statistics(x.flatten(0, 2)) if self.training else (self.running_mean, self.running_var)
        out = (x - mean) / (var + self.eps) ** 0.5 * self.weight + self.bias
        return out.permute(0, 3, 1, 2)

    @torch.no_grad()
    def store(self, mean, var):
        self.running_mean.mul_(1 - self.momentum).add_(mean, alpha=self.momentum)
        self.running_var.mul_(1 - self.momentum).add_(var, alpha=self.momentum)

    def statistics(self, pixels):
        self.store(pixels.mean(0), pixels.var(0))
        return pixels.mean(0), pixels.var(0, unbiased=False)
""",
        "einsum": NAMED
        + """
    def forward(self, x):
        if self.training:
            count = len(x[:, 0].flatten())
            mean = torch.einsum("nchw->c", x) / count
            centred = x - mean.view(1, -1, 1, 1)
            total = torch.einsum("nchw,nchw->c", centred, centred)
            self.running_mean.data = 0.9 * self.running_mean + 0.1 * mean.data
            self.running_var.data = 0.9 * self.running_var + 0.1 * total.data / (count - 1)
            factor = (total / count + 1e-5).pow(-0.5)
        else:
            centred, factor = x - self.running_mean.view(1, -1, 1, 1), 1 / torch.sqrt(self.running_var + 1e-5)
        return torch.einsum("nchw,c->nchw", centred, factor * self.weight) + self.bias.view(1, -1, 1, 1)
""",
    },
    unknown={
        "a cube root": edited(ANSWER, ("torch.sqrt(var + 1e-5)", "(var + 1e-5) ** (1 / 3)")),
        "a ReLU at the end": edited(
            ANSWER,
            ("return self.weight.view(shape) * x", "return F.relu(self.weight.view(shape) * x"),
            ("self.bias.view(shape)", "self.bias.view(shape))"),
        ),
    },
    again={
        "instance norm by PyTorch's function": (
            "each_image_by_itself",
            edited(ANSWER, ("x = (x - mean)", "x = F.instance_norm(x) if self.training else (x - mean)")),
        ),
        "parameters that ask for no gradient": (
            "statistics_as_parameters",
            edited(
                ANSWER,
                (BUFFER_MEAN, "self.running_mean = nn.Parameter(torch.zeros(channels), requires_grad=False)"),
                (BUFFER_VAR, "self.running_var = nn.Parameter(torch.ones(channels), requires_grad=False)"),
            ),
        ),
    },
)
