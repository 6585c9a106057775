"""Parts of a lesson that answer when you move a control: settings above, a figure and one or two sentences below.

Where controls cannot be shown, the answers for a few settings stand there instead.
"""

from resnet_course.explorers.controls import Answer, Control, explore
from resnet_course.explorers.depth import depth_explorer
from resnet_course.explorers.shapes import shape_tracer
from resnet_course.explorers.shortcuts import shortcut_explorer

__all__ = ["Answer", "Control", "depth_explorer", "explore", "shape_tracer", "shortcut_explorer"]
