"""Answers to `bottleneck`: 1x1, 3x3, 1x1 and a shortcut."""

from . import edited

NAME = "Bottleneck"

BLOCK = """
    class Bottleneck(nn.Module):
        expansion = 4

        def __init__(self, in_planes, planes, stride=1):
            super().__init__()
            self.reduce = nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)
            self.norm_a = nn.BatchNorm2d(planes)
            self.middle = nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
            self.norm_b = nn.BatchNorm2d(planes)
            self.widen = nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)
            self.norm_c = nn.BatchNorm2d(4 * planes)
            self.projection = nn.Identity()
            if stride != 1 or in_planes != 4 * planes:
                self.projection = nn.Sequential(
                    nn.Conv2d(in_planes, 4 * planes, kernel_size=1, stride=stride, bias=False),
                    nn.BatchNorm2d(4 * planes),
                )

        def forward(self, x):
            out = F.relu(self.norm_a(self.reduce(x)))
            out = F.relu(self.norm_b(self.middle(out)))
            out = self.norm_c(self.widen(out))
            out = out + self.projection(x)
            return F.relu(out)
"""

RIGHT = {
    "other names": BLOCK,
    "ready-made parts": """
        class Bottleneck(nn.Module):
            expansion = 4

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                out_planes = self.expansion * planes
                self.shortcut = nn.Sequential()
                if needs_projection(in_planes, out_planes, stride):
                    self.shortcut = projection_shortcut(in_planes, out_planes, stride)
                self.conv1 = nn.Conv2d(in_planes, planes, 1, bias=False)
                self.bn1 = nn.BatchNorm2d(planes)
                self.conv2 = conv3x3(planes, planes, stride)
                self.bn2 = nn.BatchNorm2d(planes)
                self.conv3 = nn.Conv2d(planes, out_planes, 1, bias=False)
                self.bn3 = nn.BatchNorm2d(out_planes)
                self.relu = nn.ReLU(inplace=True)

            def forward(self, x):
                out = self.relu(self.bn1(self.conv1(x)))
                out = self.relu(self.bn2(self.conv2(out)))
                out = self.bn3(self.conv3(out))
                out += self.shortcut(x)
                return self.relu(out)
    """,
    "torchvision's way": edited(
        BLOCK,
        ("self.projection = nn.Identity()", "self.projection = None"),
        (
            "            out = F.relu(self.norm_a",
            "            identity = x if self.projection is None else self.projection(x)\n"
            "            out = F.relu(self.norm_a",
        ),
        ("out = out + self.projection(x)", "out += identity"),
    ),
    "one sequence": """
        class Bottleneck(nn.Module):
            expansion = 4

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                wide = planes * Bottleneck.expansion
                self.residual = nn.Sequential(
                    nn.Conv2d(in_planes, planes, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(),
                    nn.Conv2d(planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(),
                    nn.Conv2d(planes, wide, 1, bias=False), nn.BatchNorm2d(wide),
                )
                project = stride > 1 or in_planes != wide
                self.skip = projection_shortcut(in_planes, wide, stride) if project else nn.Identity()

            def forward(self, x):
                return torch.relu(self.skip(x) + self.residual(x))
    """,
    "lists of layers": """
        class Bottleneck(nn.Module):
            expansion = 4

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                sizes = [in_planes, planes, planes, 4 * planes]
                self.convs = nn.ModuleList([
                    nn.Conv2d(a, b, k, s, padding=k // 2, bias=False)
                    for a, b, k, s in zip(sizes, sizes[1:], (1, 3, 1), (1, stride, 1))
                ])
                self.norms = nn.ModuleList([nn.BatchNorm2d(size) for size in sizes[1:]])
                self.shortcut = nn.ModuleList()
                if needs_projection(in_planes, 4 * planes, stride):
                    self.shortcut.extend(projection_shortcut(in_planes, 4 * planes, stride))

            def forward(self, x):
                out = x
                for i in range(3):
                    out = self.norms[i](self.convs[i](out))
                    if i < 2:
                        out = out.relu()
                for layer in self.shortcut:
                    x = layer(x)
                return (x + out).relu()
    """,
}

# Lines of BLOCK that the wrong answers change.
REDUCE = "nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)"
MIDDLE = "nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)"
WIDEN = "nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)"
PROJECT = "nn.Conv2d(in_planes, 4 * planes, kernel_size=1, stride=stride, bias=False)"
NEEDED = "stride != 1 or in_planes != 4 * planes"
NORM_A, NORM_B = "self.norm_a = nn.BatchNorm2d(planes)", "self.norm_b = nn.BatchNorm2d(planes)"
NORM_C = "self.norm_c = nn.BatchNorm2d(4 * planes)"
STEP_1, STEP_2 = "out = F.relu(self.norm_a(self.reduce(x)))", "out = F.relu(self.norm_b(self.middle(out)))"
STEP_3 = "out = self.norm_c(self.widen(out))"
ADD, END = "out = out + self.projection(x)", "return F.relu(out)"
NO_LAYERS = (BLOCK[BLOCK.index("            self.projection = nn.I") : BLOCK.index("        def forward")], "\n")
NO_RELU_1 = (STEP_1, "out = self.norm_a(self.reduce(x))")
NO_RELU_2 = (STEP_2, "out = self.norm_b(self.middle(out))")

EDITS = {
    "no_shortcut": [NO_LAYERS, (ADD, "")],
    "shortcut_unused": [(ADD, "shortcut = self.projection(x)")],
    "shortcut_not_called": [(ADD, "out = out + x")],
    "shortcut_subtracted": [(ADD, "out = out - self.projection(x)")],
    "shortcut_detached": [(ADD, "out = out + self.projection(x).detach()")],
    "x_overwritten": [
        (STEP_1, "x = F.relu(self.norm_a(self.reduce(x)))"),
        (STEP_2, "x = F.relu(self.norm_b(self.middle(x)))"),
        (STEP_3, "x = self.norm_c(self.widen(x))"),
        (ADD, "x = x + self.projection(x)"),
        (END, "return F.relu(x)"),
    ],
    "in_place": [(ADD, "x = self.projection(x); x += out"), (END, "return F.relu(x)")],
    "returns_none": [(END, "F.relu(out)")],
    "no_relu_1": [NO_RELU_1],
    "no_relu_2": [NO_RELU_2],
    "no_relu_inside": [NO_RELU_1, NO_RELU_2],
    "relu_before_addition": [(ADD, "out = F.relu(out)"), (END, "return out + self.projection(x)")],
    "relu_before_and_after": [(STEP_3, "out = F.relu(self.norm_c(self.widen(out)))")],
    "no_final_relu": [(END, "return out")],
    "stride_on_first": [
        (MIDDLE, "nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)"),
        (REDUCE, "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)"),
    ],
    "stride_on_last": [
        (MIDDLE, "nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)"),
        (WIDEN, "nn.Conv2d(planes, 4 * planes, kernel_size=1, stride=stride, bias=False)"),
    ],
    "stride_everywhere": [("kernel_size=1, bias", "kernel_size=1, stride=stride, bias")],
    "stride_forgotten": [("stride=stride, ", "")],
    "stride_not_on_shortcut": [(PROJECT, "nn.Conv2d(in_planes, 4 * planes, kernel_size=1, bias=False)")],
    "not_widened": [("4 * planes", "planes")],
    "expansion_of_one": [("expansion = 4", "expansion = 1"), ("4 * planes", "self.expansion * planes")],
    "not_reduced": [
        (REDUCE, "nn.Conv2d(in_planes, 4 * planes, kernel_size=1, bias=False)"),
        (NORM_A, "self.norm_a = nn.BatchNorm2d(4 * planes)"),
        (MIDDLE, "nn.Conv2d(4 * planes, 4 * planes, kernel_size=3, stride=stride, padding=1, bias=False)"),
        (NORM_B, "self.norm_b = nn.BatchNorm2d(4 * planes)"),
        (WIDEN, "nn.Conv2d(4 * planes, 4 * planes, kernel_size=1, bias=False)"),
    ],
    "reduced_late": [
        (REDUCE, "nn.Conv2d(in_planes, in_planes, kernel_size=1, bias=False)"),
        (NORM_A, "self.norm_a = nn.BatchNorm2d(in_planes)"),
        (MIDDLE, "nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)"),
    ],
    "all_3x3": [
        (REDUCE, "nn.Conv2d(in_planes, planes, kernel_size=3, padding=1, bias=False)"),
        (WIDEN, "nn.Conv2d(planes, 4 * planes, kernel_size=3, padding=1, bias=False)"),
    ],
    "no_padding": [(" padding=1,", "")],
    "padding_on_1x1": [("kernel_size=1, bias", "kernel_size=1, padding=1, bias")],
    "projects_never": [NO_LAYERS, (ADD, "out += x")],
    "projects_always": [(NEEDED, "True")],
    "projects_by_planes": [(NEEDED, "needs_projection(in_planes, planes, stride)")],
    "projects_for_stride_only": [(NEEDED, "stride != 1")],
    "projects_for_channels_only": [(NEEDED, "in_planes != 4 * planes")],
    "projects_to_planes": [
        (PROJECT, "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)"),
        ("nn.BatchNorm2d(4 * planes),", "nn.BatchNorm2d(planes),"),
    ],
    "shortcut_without_batch_norm": [("                    nn.BatchNorm2d(4 * planes),\n", "")],
    "bias_everywhere": [(", bias=False", "")],
    "bias_left_on": [
        (REDUCE, "nn.Conv2d(in_planes, planes, 1)"),
        (MIDDLE, "nn.Conv2d(planes, planes, 3, stride, 1)"),
        (WIDEN, "nn.Conv2d(planes, 4 * planes, 1)"),
    ],
    "no_batch_norm": [
        (NORM_A, ""),
        (NORM_B, ""),
        (NORM_C, ""),
        ("self.norm_a", ""),
        ("self.norm_b", ""),
        ("self.norm_c", ""),
    ],
    "no_batch_norm_3": [(NORM_C, ""), ("self.norm_c", "")],
    "shared_batch_norm": [(NORM_B, ""), ("self.norm_b", "self.norm_a")],
    "no_default_stride": [("stride=1):", "stride):")],
    "wrong_expansion": [("expansion = 4", "expansion = 1")],
    "no_expansion": [("        expansion = 4\n", "")],
}

WRONG = {hint_id: edited(BLOCK, *edits) for hint_id, edits in EDITS.items()}

EDITS_AGAIN = {
    "the narrow number compared": ("projects_by_planes", [(NEEDED, "stride > 1 or in_planes != planes")]),
    "shortcut called and forgotten": ("shortcut_unused", [(ADD, "self.projection(x)")]),
}

AGAIN = {way: (hint_id, edited(BLOCK, *edits)) for way, (hint_id, edits) in EDITS_AGAIN.items()}

UNKNOWN = {
    "product": edited(BLOCK, (ADD, "out = out * self.projection(x)")),
    "mean": edited(BLOCK, (ADD, "out = 0.5 * (out + self.projection(x))")),
    "another activation": edited(BLOCK, ("F.relu(out)", "torch.tanh(out)")),
    "a wider middle": edited(
        BLOCK,
        (REDUCE, "nn.Conv2d(in_planes, 2 * planes, kernel_size=1, bias=False)"),
        (NORM_A, "self.norm_a = nn.BatchNorm2d(2 * planes)"),
        (MIDDLE, "nn.Conv2d(2 * planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)"),
    ),
}

STUBS = {
    "__init__": """
        class Bottleneck(nn.Module):
            expansion = 4

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                raise NotImplementedError
    """,
    "forward": edited(BLOCK, (END, "raise NotImplementedError")),
}

CRASHING = {
    "no forward": BLOCK[: BLOCK.index("        def forward")],
    "at the end of forward": edited(BLOCK, (END, "return 1 / 0")),
    "an attribute that is not there": edited(BLOCK, ("self.reduce(x)", "self.conv_z(x)")),
}
