"""Figures of the lessons: numbers in, matplotlib Axes or Figure out.

One message a figure, said in its title; names at the lines instead of legends; the same colour for the same network
in every lesson, with a marker or dash that repeats it.
"""

from resnet_course.plotting.bar_chart import bars
from resnet_course.plotting.blocks import block_diagram, block_diagrams
from resnet_course.plotting.confusion import confusion_matrix
from resnet_course.plotting.curves import lines, profile, seeds
from resnet_course.plotting.diagrams import receptive_field, shape_trace
from resnet_course.plotting.display import describe, figure_html, figure_png, show
from resnet_course.plotting.dots import dots
from resnet_course.plotting.growth import growing_network
from resnet_course.plotting.images import image_grid, mistakes
from resnet_course.plotting.landscape import landscape_hills, landscapes
from resnet_course.plotting.matrices import correlations
from resnet_course.plotting.networks import network_diagram
from resnet_course.plotting.style import network_style, use_style
from resnet_course.plotting.sums import shape_sum
from resnet_course.plotting.training_curves import history

__all__ = [
    "bars",
    "block_diagram",
    "block_diagrams",
    "confusion_matrix",
    "correlations",
    "describe",
    "dots",
    "figure_html",
    "figure_png",
    "growing_network",
    "history",
    "image_grid",
    "landscape_hills",
    "landscapes",
    "lines",
    "mistakes",
    "network_diagram",
    "network_style",
    "profile",
    "receptive_field",
    "seeds",
    "shape_sum",
    "shape_trace",
    "show",
    "use_style",
]
