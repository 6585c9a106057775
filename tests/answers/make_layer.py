"""Answers to `make_layer`: one stage of blocks."""

from . import edited

NAME = "make_layer"

LOOP = """
def make_layer(block, in_planes, planes, num_blocks, stride):
    layers = []
    for each in [stride] + [1] * (num_blocks - 1):
        layers.append(block(in_planes, planes, each))
        in_planes = planes * block.expansion
    return nn.Sequential(*layers), in_planes
"""
FIRST_AND_REST = """
def make_layer(block, in_planes, planes, num_blocks, stride):
    out_planes = planes * block.expansion
    first = block(in_planes, planes, stride)
    rest = [block(out_planes, planes) for _ in range(num_blocks - 1)]
    return nn.Sequential(first, *rest), out_planes
"""

RIGHT = {
    "loop": LOOP,
    "first and rest": FIRST_AND_REST,
    "by keyword": edited(LOOP, ("(in_planes, planes, each)", "(in_planes=in_planes, planes=planes, stride=each)")),
    "added by name": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    stage = nn.Sequential()
    for index in range(num_blocks):
        stage.add_module(f"block{index}", block(in_planes, planes, stride if index == 0 else 1))
        in_planes = block.expansion * planes
    return stage, in_planes
""",
    "a stage in a stage": edited(FIRST_AND_REST, ("first, *rest", "first, nn.Sequential(*rest)")),
    "as a list of two": edited(
        LOOP, ("return nn.Sequential(*layers), in_planes", "return [nn.Sequential(*layers), in_planes]")
    ),
}

UPDATE = "        in_planes = planes * block.expansion\n"
WRONG = {
    "nothing_returned": edited(LOOP, ("return nn", "stage = nn")),
    "in_planes_forgotten": edited(LOOP, (UPDATE, "")),
    "expansion_ignored": edited(LOOP, ("planes * block.expansion", "planes")),
    "expansion_twice": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    layers = []
    planes = planes * block.expansion
    for each in [stride] + [1] * (num_blocks - 1):
        layers.append(block(in_planes, planes, each))
        in_planes = planes * block.expansion
    return nn.Sequential(*layers), in_planes
""",
    "starts_with_planes": edited(LOOP, ("layers = []", "layers, in_planes = [], planes * block.expansion")),
    "stride_on_all": edited(LOOP, ("[stride] + [1] * (num_blocks - 1)", "[stride] * num_blocks")),
    "stride_never": edited(LOOP, (", planes, each)", ", planes)")),
    "stride_on_last": edited(LOOP, ("[stride] + [1] * (num_blocks - 1)", "[1] * (num_blocks - 1) + [stride]")),
    "one_block_too_many": edited(LOOP, ("(num_blocks - 1)", "num_blocks")),
    "one_block_too_few": edited(FIRST_AND_REST, ("num_blocks - 1", "num_blocks - 2")),
    "one_block_only": edited(LOOP, ("    return", "        return")),
    "same_block_repeated": edited(
        FIRST_AND_REST,
        ("first = block(in_planes, planes, stride)", "blocks = [block(in_planes, planes, stride)] * num_blocks"),
        ("    rest = [block(out_planes, planes) for _ in range(num_blocks - 1)]\n", ""),
        ("first, *rest", "*blocks"),
    ),
    "later_blocks_shared": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    layers = [block(in_planes, planes, stride)]
    in_planes = planes * block.expansion
    if num_blocks > 1:
        layers += [block(in_planes, planes, 1)] * (num_blocks - 1)
    return nn.Sequential(*layers), in_planes
""",
    "old_in_planes_returned": edited(FIRST_AND_REST, ("*rest), out_planes", "*rest), in_planes")),
    "planes_returned": edited(LOOP, ("(*layers), in_planes", "(*layers), planes")),
    "stage_only": edited(LOOP, ("(*layers), in_planes", "(*layers)")),
    "results_swapped": edited(LOOP, ("nn.Sequential(*layers), in_planes", "in_planes, nn.Sequential(*layers)")),
    "python_list": edited(LOOP, ("nn.Sequential(*layers)", "layers")),
    "module_list": edited(LOOP, ("nn.Sequential(*layers)", "nn.ModuleList(layers)")),
    "star_forgotten": edited(LOOP, ("*layers", "layers")),
}

UNKNOWN = {
    "later blocks with stride 3": edited(LOOP, ("[1] * (num_blocks - 1)", "[3] * (num_blocks - 1)")),
    "number as text": edited(LOOP, ("in_planes\n", "str(in_planes)\n")),
    "built right and run wrong": """
class Negative(nn.Sequential):
    def forward(self, x):
        return super().forward(-x)
"""
    + edited(LOOP, ("nn.Sequential", "Negative")),
}
