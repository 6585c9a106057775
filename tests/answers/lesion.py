"""Answers to `lesion`: a network without one block's F."""

from . import edited

NAME = "lesion"

LESION = """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    places = [(stage, place) for stage in damaged.stages for place in range(len(stage))]
    stage, place = places[index]
    block = stage[place]
    if isinstance(block, BasicBlock):
        stage[place] = nn.Sequential(block.shortcut, nn.ReLU())
    else:
        conv = block.conv1
        stage[place] = make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], "A")
    return damaged
"""

RIGHT = {
    "list of places": LESION,
    "counting loop": """
from copy import deepcopy

def lesion(model, index):
    model = deepcopy(model)
    number = 0
    for stage in (model.layer1, model.layer2, model.layer3):
        for i, block in enumerate(stage):
            if number == index:
                if hasattr(block, "shortcut"):
                    stage[i] = nn.Sequential(*block.shortcut, nn.ReLU()) if isinstance(
                        block.shortcut, nn.Sequential) else block.shortcut
                elif block.conv1.stride == (1, 1):
                    stage[i] = nn.Identity()
                else:
                    stage[i] = PadShortcut(block.conv1.in_channels, block.conv2.out_channels, 2)
            number += 1
    return model
""",
    "scale and shift of bn2 at zero, plain blocks replaced": """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    names = [n for n, m in damaged.named_modules() if type(m) in (BasicBlock, PlainBlock)]
    block = damaged.get_submodule(names[index])
    if isinstance(block, BasicBlock):
        with torch.no_grad():
            block.bn2.weight.zero_()
            block.bn2.bias.zero_()
        return damaged
    layer, place = names[index].split(".")
    left = make_shortcut(block.conv1.in_channels, block.conv1.out_channels, block.conv1.stride[0], "A")
    setattr(damaged.get_submodule(layer), place, left)
    return damaged
""",
    "another forward for the block": """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model).eval()
    block = [block for stage in damaged.stages for block in stage][index]
    if hasattr(block, "shortcut"):
        block.transform = lambda x: 0
    else:
        c = block.conv1
        block.forward = make_shortcut(c.in_channels, c.out_channels, c.stride[0], "A").forward
    return damaged
""",
}

RELU_LINE = "nn.Sequential(block.shortcut, nn.ReLU())"
IF = "    if isinstance(block, BasicBlock):\n"

EDITS = {
    "nothing_comes_back": [("    return damaged", "    damaged")],
    "network_changed": [("copy.deepcopy(model)", "model")],
    "nothing_removed": [("stage[place] =", "block =")],
    "counted_from_one": [("places[index]", "places[index - 1]")],
    "shape_not_kept": [("make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], \"A\")", "nn.Identity()"),
                       (RELU_LINE, "nn.Identity()")],
    "plain_without_shortcut": [(IF, "    if True:\n")],
    "own_shortcut_lost": [(IF, "    if False:\n")],
    "no_relu": [(RELU_LINE, "block.shortcut")],
}  # fmt: skip

TAKEN_APART = """
import copy

def left_of(block):
    if isinstance(block, BasicBlock):
        return nn.Sequential(block.shortcut, nn.ReLU())
    conv = block.conv1
    return make_shortcut(conv.in_channels, conv.out_channels, conv.stride[0], "A")

def lesion(model, index):
    damaged = copy.deepcopy(model)
    BODY
    return damaged
"""

ON_ONE_BLOCK = """
import copy

def lesion(model, index):
    damaged = copy.deepcopy(model)
    block = [block for stage in damaged.stages for block in stage][index]
    BODY
    return damaged
"""

WRONG = {hint_id: edited(LESION, *edits) for hint_id, edits in EDITS.items()} | {
    "in_each_stage": edited(
        TAKEN_APART,
        ("BODY", "for stage in damaged.stages:\n        stage[index] = left_of(stage[index])"),
    ),
    "first_stage_only": edited(TAKEN_APART, ("BODY", "damaged.layer1[index] = left_of(damaged.layer1[index])")),
    "from_here_on": edited(
        TAKEN_APART,
        (
            "BODY",
            "number = 0\n"
            "    for stage in damaged.stages:\n"
            "        for place in range(len(stage)):\n"
            "            if number >= index:\n"
            "                stage[place] = left_of(stage[place])\n"
            "            number += 1",
        ),
    ),
    "shortcut_removed": edited(ON_ONE_BLOCK, ("BODY", "block.forward = lambda x: F.relu(block.transform(x))")),
    "zeros_go_on": edited(
        ON_ONE_BLOCK, ("BODY", "block.register_forward_hook(lambda module, inputs, output: output * 0)")
    ),
    "shift_left": edited(ON_ONE_BLOCK, ("BODY", "nn.init.zeros_(block.bn2.weight)")),
    "convolutions_zeroed": edited(
        ON_ONE_BLOCK, ("BODY", "nn.init.zeros_(block.conv1.weight); nn.init.zeros_(block.conv2.weight)")
    ),
    "plain_set_to_zero": edited(
        ON_ONE_BLOCK, ("BODY", "nn.init.zeros_(block.bn2.weight); nn.init.zeros_(block.bn2.bias)")
    ),
}

AGAIN = {
    "copy.copy holds the same stages": ("network_changed", edited(LESION, ("deepcopy", "copy"))),
    "the block is deleted": (
        "shape_not_kept",
        edited(TAKEN_APART, ("BODY", "places = [(s, i) for s in damaged.stages for i in range(len(s))]\n"
                             "    stage, place = places[index]\n    del stage[place]")),
    ),
    "the stage is left as it is": (
        "nothing_removed",
        edited(TAKEN_APART, ("BODY", "blocks = [b for stage in damaged.stages for b in stage]\n"
                             "    blocks[index] = left_of(blocks[index])")),
    ),
}  # fmt: skip

UNKNOWN = {
    "the last block": edited(LESION, ("places[index]", "places[-1]")),
    "another ReLU": edited(LESION, (RELU_LINE, "nn.Sequential(block.shortcut, nn.ReLU6(), nn.Hardtanh(0.0, 0.5))")),
}
