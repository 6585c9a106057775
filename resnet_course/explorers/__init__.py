"""Parts of a lesson that answer when you move a control: settings above, a figure and one or two sentences below.

Where controls cannot be shown, the answers for a few settings stand there instead.
"""

from resnet_course.explorers.controls import Answer, Control, Explorer, explore
from resnet_course.explorers.gradient import gradient_explorer, gradient_parts
from resnet_course.explorers.playground import show_playground
from resnet_course.explorers.relief import landscape_relief
from resnet_course.explorers.shapes import shape_parts, shape_tracer
from resnet_course.explorers.shortcuts import shortcut_explorer, shortcut_parts

__all__ = [
    "Answer",
    "Control",
    "Explorer",
    "explore",
    "gradient_explorer",
    "gradient_parts",
    "landscape_relief",
    "shape_parts",
    "shape_tracer",
    "shortcut_explorer",
    "shortcut_parts",
    "show_playground",
]
