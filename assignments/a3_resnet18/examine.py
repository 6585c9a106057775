"""What the hidden tests of assignment 3 do with an answer. Sent into the sandbox: no answer is in it."""

from resnet_course.grading.sandbox.examining import behaviour
from resnet_course.models import BasicBlock, Bottleneck, PlainBlock


def examine_StageResNet(names, inputs):
    block = (BasicBlock, PlainBlock, Bottleneck)[inputs["block"]]
    stages = [tuple(stage) for stage in inputs["stages"].tolist()]
    return behaviour(names["StageResNet"](block, stages, inputs["classes"].item()), inputs)


def examine_stage_parameters(names, inputs):
    return {"count": names["stage_parameters"](inputs["in_planes"].item(), tuple(inputs["stage"].tolist()))}


def examine_stage_multiply_adds(names, inputs):
    in_planes, in_size = inputs["in_planes"].item(), inputs["in_size"].item()
    return {"work": names["stage_multiply_adds"](in_planes, in_size, tuple(inputs["stage"].tolist()))}


def examine_compare(names, inputs):
    return {"result": names["compare"](names["rehearsal"], inputs["seeds"].tolist())}
