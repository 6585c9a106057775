"""Answers to `resnet18`: the whole network."""

from . import edited

NAME = "ResNet18"

CLASS = """
class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10):
        super().__init__()
        self.in_planes = 64
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = self._make_layer(block, 64, num_blocks[0], 1)
        self.layer2 = self._make_layer(block, 128, num_blocks[1], 2)
        self.layer3 = self._make_layer(block, 256, num_blocks[2], 2)
        self.layer4 = self._make_layer(block, 512, num_blocks[3], 2)
        self.linear = nn.Linear(512 * block.expansion, num_classes)

    def _make_layer(self, block, planes, num_blocks, stride):
        layers = []
        for each in [stride] + [1] * (num_blocks - 1):
            layers.append(block(self.in_planes, planes, each))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer1(out)
        out = self.layer2(out)
        out = self.layer3(out)
        out = self.layer4(out)
        out = F.adaptive_avg_pool2d(out, 1)
        out = out.flatten(1)
        return self.linear(out)

def ResNet18(num_classes=10):
    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)
"""
OTHER_NAMES = """
class Net(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.fc = nn.Linear(512, n)
        stages, came = [], 64
        for wide, stride in zip([64, 128, 256, 512], [1, 2, 2, 2]):
            stages.append(nn.Sequential(BasicBlock(came, wide, stride), BasicBlock(wide, wide)))
            came = wide
        self.stages = nn.ModuleList(stages)
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True))

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.fc(x.mean(dim=(2, 3)))

ResNet18 = Net
"""
SEQUENTIAL = """
def ResNet18(num_classes=10):
    layers, came = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for wide in (64, 128, 256, 512):
        layers += [BasicBlock(came, wide, 1 if wide == 64 else 2), BasicBlock(wide, wide, 1)]
        came = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, num_classes))
"""
OWN_BLOCK = """
class Block(nn.Module):
    expansion = 1

    def __init__(self, came, wide, stride=1):
        super().__init__()
        self.skip = nn.Identity()
        if stride != 1 or came != wide:
            self.skip = nn.Sequential(nn.Conv2d(came, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))
        self.b = nn.Sequential(nn.Conv2d(wide, wide, 3, 1, 1, bias=False), nn.BatchNorm2d(wide))
        self.a = nn.Sequential(nn.Conv2d(came, wide, 3, stride, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(True))

    def forward(self, x):
        around = self.skip(x)
        out = self.b(self.a(x))
        out += around
        return out.relu_()
"""
FUNCTION = "def ResNet18(num_classes=10):\n    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)"
SUBCLASS = """
class ResNet18(ResNet):
    def __init__(self, num_classes=10):
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes)
"""
HE_INITIALISATION = """
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")

    def _make_layer"""
ZERO_START = """
    for b in layers[3:]:
        nn.init.zeros_(b.bn2.weight)
    return nn"""
RIGHT = {
    "class": CLASS,
    "subclass": edited(CLASS, (FUNCTION, SUBCLASS)),
    "other names, other order": OTHER_NAMES,
    "one nn.Sequential": SEQUENTIAL,
    "own block": OWN_BLOCK + edited(CLASS, ("BasicBlock", "Block")),
    "own initialisation": edited(CLASS, ("\n    def _make_layer", HE_INITIALISATION)),
    "zero start of the blocks": edited(SEQUENTIAL, ("\n    return nn", ZERO_START)),
}

STAGES = """\
        self.layer1 = self._make_layer(block, 64, num_blocks[0], 1)
        self.layer2 = self._make_layer(block, 128, num_blocks[1], 2)
        self.layer3 = self._make_layer(block, 256, num_blocks[2], 2)
        self.layer4 = self._make_layer(block, 512, num_blocks[3], 2)
"""
STAGES_IN_A_LIST = """\
        self.stages = []
        for i in range(4):
            self.stages.append(self._make_layer(block, 64 * 2**i, num_blocks[i], 1 if i == 0 else 2))
"""
RUN_STAGES = """\
        out = self.layer1(out)
        out = self.layer2(out)
        out = self.layer3(out)
        out = self.layer4(out)
"""
RUN_LIST = """\
        for stage in self.stages:
            out = stage(out)
"""
SHARE = """\
        if stride == 1:
            layers = layers[:1] * num_blocks
        return nn.Sequential"""
UPDATE = "            self.in_planes = planes * block.expansion\n        return"
MAX_POOL = (
    "        out = self.layer1(out)",
    "        out = F.max_pool2d(out, 3, 2, 1)\n        out = self.layer1(out)",
)
STEM = "F.relu(self.bn1(self.conv1(x)))"
POOL = "F.adaptive_avg_pool2d(out, 1)"
LINEAR = "return self.linear(out)"
HEAD = "512 * block.expansion, num_classes"
IN_SIXTEENTHS = (("512", "x8"), ("256", "x4"), ("128", "x2"), ("64", "16"), ("x8", "128"), ("x4", "64"), ("x2", "32"))
WRONG = {
    "network_given": CLASS + "\nResNet18 = ResNet18(10)",
    "nothing_returned": edited(CLASS, ("    return ResNet(", "    ResNet(")),
    "blocks_not_chosen": CLASS + "\nResNet18 = ResNet",
    "forward_returns_nothing": edited(CLASS, (LINEAR, "self.linear(out)")),
    "stem_relu_forgotten": edited(CLASS, (STEM, "self.bn1(self.conv1(x))")),
    "stem_norm_forgotten": edited(
        CLASS, (STEM, "F.relu(self.conv1(x))"), ("        self.bn1 = nn.BatchNorm2d(64)\n", "")
    ),
    "stem_bias_left_on": edited(CLASS, ("padding=1, bias=False", "padding=1")),
    "stem_of_imagenet": edited(
        CLASS, ("kernel_size=3, stride=1, padding=1", "kernel_size=7, stride=2, padding=3"), MAX_POOL
    ),
    "stem_stride_2": edited(CLASS, ("kernel_size=3, stride=1", "kernel_size=3, stride=2")),
    "stem_pooling": edited(CLASS, MAX_POOL),
    "in_planes_forgotten": edited(CLASS, (UPDATE, UPDATE.removeprefix("    "))),
    "stride_in_first_stage": edited(CLASS, ("num_blocks[0], 1)", "num_blocks[0], 2)")),
    "no_strides": edited(CLASS, ("block(self.in_planes, planes, each)", "block(self.in_planes, planes)")),
    "last_stride_forgotten": edited(CLASS, ("num_blocks[3], 2)", "num_blocks[3], 1)")),
    "stride_on_every_block": edited(CLASS, ("[stride] + [1] * (num_blocks - 1)", "[stride] * num_blocks")),
    "channels_not_doubled": edited(CLASS, ("128,", "64,"), ("256,", "64,"), ("512,", "64,"), ("512 *", "64 *")),
    "channels_from_16": edited(CLASS, *IN_SIXTEENTHS),
    "three_stages": edited(
        CLASS, (STAGES.splitlines(True)[3], ""), (RUN_STAGES.splitlines(True)[3], ""), ("512 *", "256 *")
    ),
    "one_block_each": edited(CLASS, ("[2, 2, 2, 2]", "[1, 1, 1, 1]")),
    "blocks_of_resnet34": edited(CLASS, ("[2, 2, 2, 2]", "[3, 4, 6, 3]")),
    "bottleneck_blocks": edited(CLASS, ("BasicBlock", "Bottleneck")),
    "plain_blocks": edited(CLASS, ("BasicBlock", "PlainBlock")),
    "stages_not_registered": edited(CLASS, (STAGES, STAGES_IN_A_LIST), (RUN_STAGES, RUN_LIST)),
    "shared_blocks": edited(CLASS, ("        return nn.Sequential", SHARE)),
    "last_stage_skipped": edited(CLASS, ("        out = self.layer4(out)\n", "")),
    "max_pooling_at_the_end": edited(CLASS, (POOL, "F.adaptive_max_pool2d(out, 1)")),
    "sum_at_the_end": edited(CLASS, (POOL, "out.sum(dim=(2, 3), keepdim=True)")),
    "fixed_pooling": edited(CLASS, (POOL, "F.avg_pool2d(out, 4)")),
    "linear_for_64": edited(CLASS, (POOL, "F.avg_pool2d(out, 4)"), ("512 *", "2048 *")),
    "no_pooling": edited(CLASS, (f"        out = {POOL}\n", ""), ("512 *", "512 * 16 *")),
    "flatten_forgotten": edited(CLASS, ("        out = out.flatten(1)\n", "")),
    "num_classes_ignored": edited(CLASS, (HEAD, "512 * block.expansion, 10")),
    "linear_forgotten": edited(CLASS, (LINEAR, "return out"), (f"        self.linear = nn.Linear({HEAD})\n", "")),
    "linear_without_bias": edited(CLASS, (HEAD, HEAD + ", bias=False")),
    "softmax_at_the_end": edited(CLASS, (LINEAR, "return F.softmax(self.linear(out), dim=1)")),
    "log_softmax_at_the_end": edited(CLASS, (LINEAR, "return self.linear(out).log_softmax(1)")),
    "relu_at_the_end": edited(CLASS, (LINEAR, "return F.relu(self.linear(out))")),
    "no_gradient": edited(CLASS, (LINEAR, "return self.linear(out).detach()")),
}

UNKNOWN = {
    "logits doubled": edited(CLASS, (LINEAR, "return 2 * self.linear(out)")),
    "a stage with a threshold": edited(CLASS, ("out = self.layer2(out)", "out = F.relu(self.layer2(out) - 0.1)")),
    "a list of numbers": edited(CLASS, (LINEAR, "return self.linear(out).tolist()")),
    "one class too many": edited(CLASS, (HEAD, "512 * block.expansion, num_classes + 1")),
    "a stage with the number of blocks of another": edited(CLASS, ("num_blocks[2]", "num_blocks[1]")),
    "linear layer for basic blocks only": edited(CLASS, (HEAD, "512, num_classes")),
    "nine classes where none are given": edited(CLASS, ("def ResNet18(num_classes=10)", "def ResNet18(num_classes=9)")),
}

INIT = "        super().__init__()\n"
STUBS = {
    "__init__": edited(CLASS, (INIT, INIT + "        raise NotImplementedError\n")),
    "forward": edited(CLASS, (f"out = {STEM}", f"raise NotImplementedError\n        out = {STEM}")),
}

CRASHING = {
    "at the end of forward": edited(CLASS, (LINEAR, "raise KeyError('mine')")),
}
