"""The exercises of lesson 08: the bottleneck block, and the residual block in pre-activation order."""

from resnet_course.checks.lesson08_bottleneck import BOTTLENECK
from resnet_course.checks.lesson08_preact_block import PREACT_BLOCK

EXERCISES = (BOTTLENECK, PREACT_BLOCK)
