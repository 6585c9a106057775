"""Controls in a notebook, where there are any. ipywidgets 7 and 8 both work; without it nothing here is called."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Any

from resnet_course.base.language import translated, translated_page
from resnet_course.notebook.messages import Message, in_notebook, show


def widgets_work() -> bool:
    """Whether controls can be shown: in a notebook, with ipywidgets, unless `RESNET_COURSE_WIDGETS=0`."""
    wanted = os.environ.get("RESNET_COURSE_WIDGETS") != "0"
    return wanted and in_notebook() and importlib.util.find_spec("ipywidgets") is not None


def show_widget(widget: Any, page: str, text: str) -> None:
    """Display a widget; front ends without widgets (a saved page, a repository's view) show the HTML or the text."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    show(page, text, {"application/vnd.jupyter.widget-view+json": view})


def show_button(label: str, answer: Callable[[], Message]) -> None:
    """Display a button; a click shows the answer below it."""
    import ipywidgets  # the caller has asked widgets_work

    button, below = ipywidgets.Button(description=translated(label)), ipywidgets.HTML()

    def show_answer(_: Any) -> None:
        below.value = translated_page(answer().html)
        button.disabled = True

    button.on_click(show_answer)
    show_widget(ipywidgets.VBox([button, below]), "", "")
