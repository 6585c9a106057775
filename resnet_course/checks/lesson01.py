"""The exercises of lesson 01: VGG block, receptive field, training step, early stopping."""

from resnet_course.checks.lesson01_early_stopper import EARLY_STOPPER
from resnet_course.checks.lesson01_receptive_field import RECEPTIVE_FIELD
from resnet_course.checks.lesson01_train_step import TRAIN_STEP
from resnet_course.checks.lesson01_vgg_block import VGG_BLOCK

EXERCISES = (VGG_BLOCK, RECEPTIVE_FIELD, TRAIN_STEP, EARLY_STOPPER)
