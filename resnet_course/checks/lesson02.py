"""The exercises of lesson 02, in the order of the lesson."""

from resnet_course.checks.lesson02_extend_with_identity import EXTEND_WITH_IDENTITY
from resnet_course.checks.lesson02_gradient_norms import GRADIENT_NORMS
from resnet_course.checks.lesson02_plain_block import PLAIN_BLOCK

EXERCISES = (PLAIN_BLOCK, EXTEND_WITH_IDENTITY, GRADIENT_NORMS)
