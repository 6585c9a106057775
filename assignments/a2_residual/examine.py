"""What the hidden tests of assignment 2 do with an answer. Sent into the sandbox: no answer is in it."""

from torch import nn

from resnet_course.grading.sandbox.examining import behaviour


def examine_shortcut_kinds(names, inputs):
    return {"kinds": names["shortcut_kinds"](inputs["blocks"].tolist())}


def examine_PooledShortcut(names, inputs):
    shortcut = names["PooledShortcut"](*inputs["sizes"].tolist())
    return {**behaviour(shortcut, inputs), "pooled": shortcut.pool(inputs["x"])}


def examine_PreActBottleneck(names, inputs):
    in_planes, planes, stride = inputs["sizes"].tolist()
    given = nn.Identity()
    if "w.shortcut.weight" in inputs:
        given = nn.Conv2d(in_planes, 2 * planes, 1, stride, bias=False)
    block = names["PreActBottleneck"](in_planes, planes, stride=stride, shortcut=given)
    return {"expansion": block.expansion, **behaviour(block, inputs)}


def examine_zero_start(names, inputs):
    def filled(layer):
        nn.init.constant_(layer.weight, 3)
        return layer

    blocks, others = [], [filled(nn.BatchNorm2d(4)), filled(nn.Conv2d(4, 4, 1, bias=False))]
    for _ in range(3):
        block = names["PreActBottleneck"](4, 2, 1, nn.Identity())
        # The answer's own layers are replaced: they are not what is tested here.
        for name, planes in (("bn1", 4), ("bn2", 2), ("bn3", 2)):
            block.add_module(name, filled(nn.BatchNorm2d(planes)))
        for name, sizes in (("conv1", (4, 2, 1)), ("conv2", (2, 2, 3)), ("conv3", (2, 4, 1)), ("shortcut", (4, 4, 1))):
            block.add_module(name, filled(nn.Conv2d(*sizes, bias=False)))
        blocks.append(block)
    model = nn.Sequential(blocks[0], nn.Sequential(others[0], *blocks[1:]))
    model.add_module("conv3", others[1])
    names["zero_start"](model if inputs["nested"] else blocks[0])
    layers = ("bn1", "conv1", "bn2", "conv2", "bn3", "conv3", "shortcut")
    return {
        "blocks": [{name: getattr(block, name).weight for name in layers} for block in blocks],
        "other layers": [layer.weight for layer in others],
    }


def examine_gradient_parts(names, inputs):
    blocks = []
    for index, weight in enumerate(inputs["branches"]):
        channels = len(weight)
        convolution, shortcut = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.Identity()
        convolution.weight.data = weight
        if f"projection {index}" in inputs:
            shortcut = nn.Conv2d(channels, channels, 1, bias=False)
            shortcut.weight.data = inputs[f"projection {index}"]
        blocks.append(names["TwoWays"](nn.Sequential(convolution, nn.ReLU()), shortcut))
    return {"parts": names["gradient_parts"](blocks, inputs["x"], inputs["gradient"])}
