"""The mechanism: controls above an answer, and a fixed page with some answers where there can be no controls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from resnet_course import plotting
from resnet_course.base.language import translated
from resnet_course.notebook import messages
from resnet_course.notebook.widgets import show_widget, widgets_work

MANY = 5  # more options than this stand on a slider, up to this many as buttons side by side

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What one setting gives.

    Args:
        lines: one or two sentences.
        draw: makes the figure; called only where it is shown.
        alt: what is to be seen in it.
        caption: a line under the figure.
        error: what PyTorch says, word by word.
        table: rows of words, the first one being the header; numbers stand in all columns but the first.
    """

    lines: tuple[str, ...]
    draw: Callable[[], Axes | Figure]
    alt: str
    caption: str | None = None
    error: str | None = None
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        """The answer without its figure."""
        widths = [max(map(len, column)) for column in zip(*self.table, strict=True)]
        rows = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in self.table]
        return "\n".join([*self.lines, *([self.error] if self.error else []), *rows])

    @functools.cached_property
    def html(self) -> str:
        """The answer as a piece of a page."""
        return self.around(self.picture())

    def picture(self) -> str:
        """The figure as HTML. Answers with the same `alt` have the same one."""
        drawn = self.draw()
        figure: Any = drawn.figure if isinstance(drawn, Axes) else drawn
        try:
            return plotting.figure_html(figure, self.alt, self.caption)
        finally:
            plt.close(figure)

    def around(self, picture: str) -> str:
        """The words and the table as HTML, around a figure that was drawn before."""
        return _page("one", self, picture)


@dataclass(frozen=True)
class Control:
    """One thing to choose: its name for readers, and the options by the words for them, in the reader's language."""

    label: str
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", translated(self.label))
        object.__setattr__(self, "options", {translated(word): value for word, value in self.options.items()})


class Explorer(NamedTuple):
    """What an explorer is made of.

    Args:
        answer: gives the answer for one value of each control, by the controls' names. Called once for a setting.
        controls: what can be chosen; one with a single option is not shown.
        start: the setting to begin with.
        shown: a few settings that tell most.
    """

    answer: Callable[..., Answer]
    controls: Mapping[str, Control]
    start: Settings
    shown: Sequence[Settings]


def explore(explorer: Explorer) -> None:
    """Show controls with the answer to their settings; where there are none, the answers to the settings `shown`.

    A notebook gets both in one output and shows what it can. Outside a notebook, the answers are printed without
    their figures.
    """
    answer, controls, start, shown = explorer
    ask = functools.cache(answer)
    shown = [{name: settings[name] for name in controls} for settings in shown]  # in one order, as the cache needs
    answers = {_in_words(controls, settings): ask(**settings) for settings in shown}
    text = "\n\n".join(f"{title}\n{each.text}" for title, each in answers.items())
    page = _page("all", answers.items()) if messages.in_notebook() else ""
    if widgets_work() and not _is_headless():
        show_widget(with_controls(ask, controls, start), page, text)
    else:
        messages.show(page, text)


def _is_headless() -> bool:
    """Whether a program runs the cell: nbclient, nbconvert and nbval tell the kernel that nobody can type.

    Such a run would keep the controls in the saved page, where they move and nothing answers.
    """
    from IPython import get_ipython  # there is a notebook

    kernel: Any = getattr(get_ipython(), "kernel", None)
    message = kernel.get_parent() if hasattr(kernel, "get_parent") else {}
    return message.get("content", {}).get("allow_stdin") is False


def with_controls(ask: Callable[..., Answer], controls: Mapping[str, Control], start: Settings) -> Any:
    """An `ipywidgets.VBox`: a row of controls, and below it the answer, which follows them."""
    import ipywidgets  # not installed everywhere

    def show(**settings: Any) -> None:
        answer = ask(**settings)
        messages.show(answer.html, answer.text)

    made = {name: _make(control, start[name]) for name, control in controls.items()}
    to_choose = [made[name] for name, control in controls.items() if len(control.options) > 1]
    row = ipywidgets.Box(to_choose, layout={"flex_flow": "row wrap"})
    return ipywidgets.VBox([row, ipywidgets.interactive_output(show, made)])


def _make(control: Control, value: Any) -> Any:
    """A slider, or a row of buttons; each has its name before it and is reached with the Tab key."""
    import ipywidgets  # not installed everywhere

    common = {"options": list(control.options.items()), "value": value, "description": f"{control.label}:"}
    layout = {"width": "auto", "margin": "2px 1.5em 2px 2px"}
    style = {"description_width": "initial"}
    if len(control.options) > MANY:
        return ipywidgets.SelectionSlider(**common, style=style, layout={**layout, "width": "28em"})
    # Without "flex" the name stands above the buttons in ipywidgets 8.
    style["button_width"] = "auto"
    return ipywidgets.ToggleButtons(**common, style=style, layout={**layout, "display": "flex"})


def _in_words(controls: Mapping[str, Control], settings: Settings) -> str:
    words = {
        control.label: next(words for words, value in control.options.items() if value == settings[name])
        for name, control in controls.items()
        if len(control.options) > 1
    }
    return ", ".join(f"{label} {word}" for label, word in words.items())


def _page(macro: str, *values: Any) -> str:
    """A piece of a page, made by one of the macros of the template."""
    return str(getattr(_template(), macro)(*values))


@functools.cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader  # here, because only an answer on a page needs it

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    return environment.get_template("answer.html.jinja").module
