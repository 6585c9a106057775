"""Networks, and nothing but networks: no training, no data, no printing."""

from resnet_course.models.blocks import (
    BasicBlock,
    Bottleneck,
    PadShortcut,
    PlainBlock,
    PreActBlock,
    conv3x3,
    make_shortcut,
    needs_projection,
    projection_shortcut,
)
from resnet_course.models.loading import load_cifar_state_dict, load_torchvision_state_dict
from resnet_course.models.resnet import ResNet, cifar_resnet, plain18, resnet18, resnet34, resnet50
from resnet_course.models.vgg import VGG, TinyVGG, vgg16, vgg_block

__all__ = [
    "VGG",
    "BasicBlock",
    "Bottleneck",
    "PadShortcut",
    "PlainBlock",
    "PreActBlock",
    "ResNet",
    "TinyVGG",
    "cifar_resnet",
    "conv3x3",
    "load_cifar_state_dict",
    "load_torchvision_state_dict",
    "make_shortcut",
    "needs_projection",
    "plain18",
    "projection_shortcut",
    "resnet18",
    "resnet34",
    "resnet50",
    "vgg16",
    "vgg_block",
]
