"""Look into a network: shapes, cost, gradients, differences. Takes modules and gives numbers."""

from resnet_course.inspection.divergence import Divergence, first_divergence
from resnet_course.inspection.gradients import gradient_norms
from resnet_course.inspection.metrics import confusion_counts
from resnet_course.inspection.shapes import LayerRow, count_multiply_adds, count_parameters, trace_layers

__all__ = [
    "Divergence",
    "LayerRow",
    "confusion_counts",
    "count_multiply_adds",
    "count_parameters",
    "first_divergence",
    "gradient_norms",
    "trace_layers",
]
