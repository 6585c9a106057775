"""The exercises of lesson 06, in the order of the lesson."""

from resnet_course.checks.lesson06_checkpoint import CHECKPOINT
from resnet_course.checks.lesson06_evaluate import EVALUATE
from resnet_course.checks.lesson06_fair_split import FAIR_SPLIT

EXERCISES = (EVALUATE, FAIR_SPLIT, CHECKPOINT)
