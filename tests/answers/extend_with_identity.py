"""Answers to `extend_with_identity`: a deeper network that computes the same."""

from . import edited

NAME = "extend_with_identity"

EXTEND = """
import math

def extend_with_identity(stage, planes, count):
    blocks = [PlainBlock(planes, planes) for _ in range(count)]
    for block in blocks:
        for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
            nn.init.dirac_(conv.weight)
            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))
    return nn.Sequential(*stage, *blocks)
"""

RIGHT = {
    "dirac_ and the weight of the batch norm": EXTEND,
    "by hand, without dirac_": """
def extend_with_identity(stage, planes, count):
    longer = list(stage)
    for _ in range(count):
        block = PlainBlock(planes, planes)
        with torch.no_grad():
            for conv in (block.conv1, block.conv2):
                conv.weight.zero_()
                for channel in range(planes):
                    conv.weight[channel, channel, 1, 1] = 1
            for norm in (block.bn1, block.bn2):
                norm.weight.fill_((1 + norm.eps) ** 0.5)
        longer.append(block)
    return nn.Sequential(*longer)
""",
    "the stored variance set to 1 - eps in place of the weight": """
def extend_with_identity(stage, planes, count):
    blocks = [PlainBlock(planes, planes) for _ in range(count)]
    for block in blocks:
        for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
            nn.init.dirac_(conv.weight)
            norm.running_var.fill_(1 - norm.eps)
    return nn.Sequential(*(list(stage) + blocks))
""",
}

EDITS = {
    "nothing_appended": [("nn.Sequential(*stage, *blocks)", "nn.Sequential(*stage)")],
    "all_zero": [("nn.init.dirac_(conv.weight)", "nn.init.zeros_(conv.weight)")],
    "all_ones": [("nn.init.dirac_(conv.weight)", "nn.init.ones_(conv.weight)")],
    "one_convolution_only": [("((block.conv1, block.bn1), (block.conv2, block.bn2))", "((block.conv1, block.bn1),)")],
    "random_weights": [("            nn.init.dirac_(conv.weight)\n", "")],
    "epsilon_forgotten": [("            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))\n", "")],
    "sign_of_epsilon": [("1 + norm.eps", "1 - norm.eps")],
    "one_block_too_few": [("range(count)", "range(count - 1)")],
    "in_front": [("(*stage, *blocks)", "(*blocks, *stage)")],
    "old_blocks_changed": [("for block in blocks", "for block in [*stage, *blocks]")],
}

WRONG = {hint_id: edited(EXTEND, *edits) for hint_id, edits in EDITS.items()}

UNKNOWN = {
    "half of the identity": edited(EXTEND, ("math.sqrt(1 + norm.eps)", "0.5")),
}
