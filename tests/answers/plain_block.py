"""Answers to `plain_block`: two convolutions and no shortcut."""

from . import edited

NAME = "PlainBlock"

PLAIN_BLOCK = """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        return out
"""

RIGHT = {
    "two layers of each kind": PLAIN_BLOCK,
    "one Sequential, in-place ReLUs": """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(inplace=True),
            nn.Conv2d(planes, planes, 3, 1, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.layers(x)
""",
    "a function that returns a Sequential": """
def PlainBlock(in_planes, planes, stride=1):
    def half(i, o, s):
        return [nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*half(in_planes, planes, stride), *half(planes, planes, 1))

PlainBlock.expansion = 1
""",
    "other names, declared in another order": """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.second_norm = nn.BatchNorm2d(planes)
        self.second = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(planes)
        self.first = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)

    def forward(self, x):
        x = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(x)))
""",
    "ModuleList, clamp in place of relu": """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False),
                                    nn.Conv2d(planes, planes, 3, 1, 1, bias=False)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(planes), nn.BatchNorm2d(planes)])

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x)).clamp(min=0)
        return x
""",
}

EDITS = {
    "no_relu_between": [("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))")],
    "no_final_relu": [("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))")],
    "stride_on_both": [("planes, planes, 3, padding=1", "planes, planes, 3, stride=stride, padding=1")],
    "stride_forgotten": [("stride=stride, ", "")],
    "bias_left_on": [(", bias=False", "")],
    "no_expansion": [("    expansion = 1\n", "")],
    "no_batch_norm": [("nn.BatchNorm2d(planes)", "nn.Identity()")],
    "shared_batch_norm": [("self.bn2(self", "self.bn1(self"), ("        self.bn2 = nn.BatchNorm2d(planes)\n", "")],
    "with_shortcut": [
        ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))"),
        ("        return out", "        return F.relu(out + x) if out.shape == x.shape else F.relu(out)"),
    ],
}

WRONG = {hint_id: edited(PLAIN_BLOCK, *edits) for hint_id, edits in EDITS.items()}

UNKNOWN = {
    "another activation": edited(PLAIN_BLOCK, ("F.relu(self.bn1", "torch.tanh(self.bn1")),
}
