"""The exercises of lesson 07, in the order of the lesson."""

from resnet_course.checks.lesson07_filter_normalise import FILTER_NORMALISE
from resnet_course.checks.lesson07_lesion import LESION

EXERCISES = (LESION, FILTER_NORMALISE)
