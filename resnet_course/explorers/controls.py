"""The mechanism: controls above an answer, and a fixed page with some answers where there can be no controls."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from resnet_course import plotting
from resnet_course.notebook import messages
from resnet_course.notebook.widgets import show_widget, widgets_work

MANY = 5  # more options than this stand on a slider, up to this many as buttons side by side

_AS_WIDE_AS_FIGURE = "width:0;min-width:100%"  # long lines wrap, and do not push the next answer away
_PARAGRAPH = f"margin:0.2em 0;{_AS_WIDE_AS_FIGURE}"
_ERROR = (
    "margin:0.4em 0;padding:0.3em 0.8em;border-left:4px solid #b34700;box-sizing:border-box;"
    f"white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;font-family:monospace;{_AS_WIDE_AS_FIGURE}"
)
_CELL = "padding:0.1em 0.9em 0.1em 0;text-align:{};line-height:1.4"

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
        columns = list(zip(*self.table, strict=True))
        aligned = [_aligned(column, index > 0) for index, column in enumerate(columns)]
        rows = map("  ".join, zip(*aligned, strict=True))
        return "\n".join([*self.lines, *([self.error] if self.error else []), *rows])

    @functools.cached_property
    def html(self) -> str:
        """The answer as a piece of a page. The text keeps the reader's own colours, so that dark themes work."""
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
        words = "".join(f'<p style="{_PARAGRAPH}">{html.escape(line)}</p>' for line in self.lines)
        error = f'<pre style="{_ERROR}">{html.escape(self.error)}</pre>' if self.error else ""
        return f'<div style="line-height:1.45;margin:0.3em 0">{words}{error}{picture}{self._table_html()}</div>'

    def _table_html(self) -> str:
        if not self.table:
            return ""
        rows = []
        for index, row in enumerate(self.table):
            tag, cells = ("td" if index else "th"), []
            for column, word in enumerate(row):
                style = _CELL.format("right" if column else "left")
                cells.append(f'<{tag} style="{style}">{html.escape(word)}</{tag}>')
            rows.append(f"<tr>{''.join(cells)}</tr>")
        return f'<table style="border-collapse:collapse;margin:0.4em 0">{"".join(rows)}</table>'


@dataclass(frozen=True)
class Control:
    """One thing to choose: its name for readers, and the options by the words that stand for them."""

    label: str
    options: Mapping[str, Any]

    def words(self, value: Any) -> str:
        """How an option is called."""
        return next(words for words, option in self.options.items() if option == value)


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
    titles = [_in_words(controls, settings) for settings in shown]
    answers = [ask(**_ordered(controls, settings)) for settings in shown]
    text = "\n\n".join(f"{title}\n{each.text}" for title, each in zip(titles, answers, strict=True))
    page = _fixed_page(titles, answers) if messages.in_notebook() else ""
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

    chosen = _ordered(controls, start)
    place = ipywidgets.HTML(ask(**chosen).html)
    made = []
    for name, control in controls.items():
        if len(control.options) == 1:
            continue

        def follow(change: Mapping[str, Any], name: str = name) -> None:
            chosen[name] = change["new"]
            place.value = ask(**chosen).html

        made.append(_make(control, start[name]))
        made[-1].observe(follow, names="value")
    return ipywidgets.VBox([ipywidgets.Box(made, layout={"flex_flow": "row wrap"}), place])


def _make(control: Control, value: Any) -> Any:
    """A slider, or a row of buttons; each has its name before it and is reached with the Tab key."""
    import ipywidgets  # not installed everywhere

    common = {"options": list(control.options.items()), "value": value, "description": f"{control.label}:"}
    layout = {"width": "auto", "margin": "2px 1.5em 2px 2px"}
    if len(control.options) > MANY:
        style = {"description_width": "initial"}
        return ipywidgets.SelectionSlider(**common, style=style, layout={**layout, "width": "28em"})
    style = {"description_width": "initial", "button_width": "auto"}
    # Without "flex" the name stands above the buttons in ipywidgets 8.
    return ipywidgets.ToggleButtons(**common, style=style, layout={**layout, "display": "flex"})


def _ordered(controls: Mapping[str, Control], settings: Settings) -> dict[str, Any]:
    """The settings in the controls' order, by which answers are remembered."""
    return {name: settings[name] for name in controls}


def _in_words(controls: Mapping[str, Control], settings: Settings) -> str:
    return ", ".join(
        f"{control.label} {control.words(settings[name])}"
        for name, control in controls.items()
        if len(control.options) > 1
    )


def _aligned(column: Sequence[str], right: bool) -> list[str]:
    width = max(map(len, column))
    return [word.rjust(width) if right else word.ljust(width) for word in column]


def _fixed_page(titles: Sequence[str], answers: Sequence[Answer]) -> str:
    sections = "".join(
        f'<section style="max-width:100%"><p style="{_PARAGRAPH}"><strong>{html.escape(title)}</strong></p>'
        f"{answer.html}</section>"
        for title, answer in zip(titles, answers, strict=True)
    )
    note = "Some settings. Controls to choose others stand here in a running notebook with ipywidgets."
    return (
        f'<p style="{_PARAGRAPH}">{note}</p>'
        f'<div style="display:flex;flex-wrap:wrap;gap:1em 2em;align-items:flex-start">{sections}</div>'
    )
