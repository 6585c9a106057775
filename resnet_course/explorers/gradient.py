"""The gradient on its way back from the last convolution to the first, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from resnet_course import plotting
from resnet_course.explorers.controls import Answer, Control, Explorer, explore
from resnet_course.inspection import trend
from resnet_course.plotting.style import INK

STEPS = 9  # on the way back, after the last convolution


def gradient_explorer(norms: Mapping[str, Sequence[float]], caption: str | None = None) -> None:
    """Choose how far the gradient has come back: its size there, in each network, beside that in the last convolution.

    Args:
        norms: by network, one number for each convolution, first to last: gradient norm over weight norm.
        caption: a line under the figure, such as the batch and the seed.

    Raises:
        ValueError: if there is no network, or they differ in the number of convolutions.

    Used in lesson 06.
    """
    explore(gradient_parts(norms, caption))


def gradient_parts(norms: Mapping[str, Sequence[float]], caption: str | None = None) -> Explorer:
    """What `gradient_explorer` shows."""
    counts = {len(values) for values in norms.values()}
    if len(counts) != 1:
        raise ValueError(f"networks of as many convolutions are needed, got {sorted(counts)}")
    (count,) = counts
    layers = sorted({count - round(step * (count - 1) / STEPS) for step in range(STEPS + 1)}, reverse=True)
    options = {f"convolution {layer}": layer for layer in layers}
    shown = [{"layer": layers[round(part * (len(layers) - 1))]} for part in (1 / 4, 1 / 2, 3 / 4, 1)]
    controls = {"layer": Control("the gradient has come back to", options)}
    return Explorer(GradientAnswers(norms, caption), controls, {"layer": layers[0]}, shown)


class GradientAnswers:
    """Answers by the convolution that the gradient has reached, 1 being the first."""

    def __init__(self, norms: Mapping[str, Sequence[float]], caption: str | None) -> None:
        self.norms = {name: list(values) for name, values in norms.items()}
        self.count = len(next(iter(self.norms.values())))
        self.caption = caption

    def __call__(self, layer: int) -> Answer:
        """The answer for one place."""
        words = [f"{name} {values[layer - 1]:.2g}" for name, values in self.norms.items()]
        return Answer(
            lines=tuple(self._say(name, layer) for name in self.norms),
            draw=lambda: self._draw(layer),
            alt=f"Gradient norm over weight norm from the last convolution, {self.count}, back to number "
            f"{layer}, on a logarithmic axis. There it is {', '.join(words)}.",
            caption=self.caption,
        )

    def _say(self, name: str, layer: int) -> str:
        values = self.norms[name]
        times = values[layer - 1] / values[-1] if values[-1] else math.inf
        size = f"{times:,.0f}" if times >= 10 else f"{times:.2g}"
        said = f"{name}: in convolution {layer} of {self.count} the gradient is {size} times that in the last one."
        if layer == 1:
            word = trend(values)
            found = "neither vanishes nor explodes" if word == "neither" else word
            said += f" By the definition of lesson 03 it {found}."
        return said

    def _draw(self, layer: int) -> Axes:
        everything = [value for values in self.norms.values() for value in values if value > 0]
        gap = [math.nan] * (layer - 1)
        axes = plotting.lines(
            {name: gap + values[layer - 1 :] for name, values in self.norms.items()},
            title=f"The gradient, back to convolution {layer}",
            x_label="convolution, from the input (1) to the output",
            y_label="gradient norm / weight norm",
            x=range(1, self.count + 1),
            y_limits=(min(everything) / 2, max(everything) * 2),
            log_y=True,
        )
        for values in self.norms.values():
            axes.plot(layer, values[layer - 1], "o", ms=13, mfc="none", mec=INK, mew=2, zorder=4)
        axes.set_xlim(0, self.count + 1)
        axes.yaxis.set_major_locator(LogLocator())
        return axes
