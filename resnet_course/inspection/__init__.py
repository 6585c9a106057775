"""Look into a network: shapes, cost, gradients, lesions. Takes modules and gives numbers."""

from resnet_course.inspection.differences import Difference, paired_difference, trend
from resnet_course.inspection.gradients import gradient_norms, gradient_similarity
from resnet_course.inspection.landscape import filter_normalise, loss_surface, random_direction
from resnet_course.inspection.lesion import lesion
from resnet_course.inspection.metrics import confusion_counts
from resnet_course.inspection.shapes import LayerRow, count_multiply_adds, count_parameters, trace_layers

__all__ = [
    "Difference",
    "LayerRow",
    "confusion_counts",
    "count_multiply_adds",
    "count_parameters",
    "filter_normalise",
    "gradient_norms",
    "gradient_similarity",
    "lesion",
    "loss_surface",
    "paired_difference",
    "random_direction",
    "trace_layers",
    "trend",
]
