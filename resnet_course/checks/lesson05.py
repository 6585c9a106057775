"""The exercises of lesson 05: a stage, the length of the flattened map, the network, torchvision's weights."""

from __future__ import annotations

from resnet_course.checks.lesson05_flat_features import FLAT_FEATURES
from resnet_course.checks.lesson05_make_layer import MAKE_LAYER
from resnet_course.checks.lesson05_resnet18 import RESNET18
from resnet_course.checks.lesson05_torchvision import LOAD_TORCHVISION

EXERCISES = (MAKE_LAYER, FLAT_FEATURES, RESNET18, LOAD_TORCHVISION)
