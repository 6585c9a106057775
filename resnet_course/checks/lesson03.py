"""The exercises of lesson 03: residual block, zero-gamma start, the gradient through the shortcut."""

from resnet_course.checks.lesson03_basic_block import BASIC_BLOCK
from resnet_course.checks.lesson03_gradient import SHORTCUT_GRADIENT
from resnet_course.checks.lesson03_zero_init import ZERO_INIT_RESIDUAL

EXERCISES = (BASIC_BLOCK, ZERO_INIT_RESIDUAL, SHORTCUT_GRADIENT)
