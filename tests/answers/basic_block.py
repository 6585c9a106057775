"""Answers to `basic_block`: two convolutions and a shortcut."""

from . import edited

NAME = "BasicBlock"

BLOCK = """
    class BasicBlock(nn.Module):
        expansion = 1

        def __init__(self, in_planes, planes, stride=1):
            super().__init__()
            self.conv_a = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
            self.norm_a = nn.BatchNorm2d(planes)
            self.conv_b = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
            self.norm_b = nn.BatchNorm2d(planes)
            self.projection = nn.Identity()
            if stride != 1 or in_planes != planes:
                self.projection = nn.Sequential(
                    nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False),
                    nn.BatchNorm2d(planes),
                )

        def forward(self, x):
            out = F.relu(self.norm_a(self.conv_a(x)))
            out = self.norm_b(self.conv_b(out))
            out = out + self.projection(x)
            return F.relu(out)
"""

RIGHT = {
    "other names": BLOCK,
    "ready-made parts": """
        class BasicBlock(nn.Module):
            expansion: int = 1

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                self.shortcut = nn.Sequential()
                if needs_projection(in_planes, planes, stride):
                    self.shortcut = projection_shortcut(in_planes, planes, stride)
                self.conv1 = conv3x3(in_planes, planes, stride)
                self.bn1 = nn.BatchNorm2d(planes)
                self.relu = nn.ReLU(inplace=True)
                self.conv2 = conv3x3(planes, planes)
                self.bn2 = nn.BatchNorm2d(planes)

            def forward(self, x):
                out = self.relu(self.bn1(self.conv1(x)))
                out = self.bn2(self.conv2(out))
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
        ("return F.relu(out)", "return out.relu_()"),
    ),
    "one sequence": """
        class BasicBlock(nn.Module):
            expansion = 1

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                self.residual = nn.Sequential(
                    nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(),
                    nn.Conv2d(planes, planes, 3, 1, 1, bias=False), nn.BatchNorm2d(planes),
                )
                project = stride > 1 or in_planes != self.expansion * planes
                self.skip = projection_shortcut(in_planes, planes, stride) if project else nn.Identity()

            def forward(self, x):
                return torch.clamp(self.skip(x) + self.residual(x), min=0)
    """,
    "lists of layers": """
        class BasicBlock(nn.Module):
            expansion = 1

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                self.shortcut = nn.ModuleList()
                if needs_projection(in_planes, planes, stride):
                    self.shortcut.extend(projection_shortcut(in_planes, planes, stride))
                self.convs = nn.ModuleList([conv3x3(in_planes, planes, stride), conv3x3(planes, planes)])
                self.norms = nn.ModuleList([nn.BatchNorm2d(planes) for _ in range(2)])

            def forward(self, x):
                out = x
                for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
                    out = norm(conv(out))
                    out = F.relu(out) if i == 0 else out
                for layer in self.shortcut:
                    x = layer(x)
                return F.relu(torch.add(x, out))
    """,
    "functional batch norm": """
        class Norm(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(channels))
                self.bias = nn.Parameter(torch.zeros(channels))
                self.register_buffer("running_mean", torch.zeros(channels))
                self.register_buffer("running_var", torch.ones(channels))

            def forward(self, x):
                return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training)

        class BasicBlock(nn.Module):
            expansion = 1

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                self.first = nn.Parameter(torch.randn(planes, in_planes, 3, 3))
                self.second = nn.Parameter(torch.randn(planes, planes, 3, 3))
                self.n1, self.n2 = Norm(planes), Norm(planes)
                self.stride = stride
                self.changes = stride != 1 or in_planes != planes
                if self.changes:
                    self.third = nn.Parameter(torch.randn(planes, in_planes, 1, 1))
                    self.n3 = Norm(planes)

            def forward(self, x):
                out = F.relu(self.n1(F.conv2d(x, self.first, stride=self.stride, padding=1)))
                out = self.n2(F.conv2d(out, self.second, padding=1))
                if self.changes:
                    x = self.n3(F.conv2d(x, self.third, stride=self.stride))
                return F.relu(out + x)
    """,
}

# Lines of BLOCK that the wrong answers change.
FIRST = "nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)"
SECOND = "nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)"
PROJECT = "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)"
NEEDED = "stride != 1 or in_planes != planes"
NORM_A, NORM_B = "self.norm_a = nn.BatchNorm2d(planes)", "self.norm_b = nn.BatchNorm2d(planes)"
STEP_1, STEP_2 = "out = F.relu(self.norm_a(self.conv_a(x)))", "out = self.norm_b(self.conv_b(out))"
ADD, END = "out = out + self.projection(x)", "return F.relu(out)"
NO_LAYERS = (BLOCK[BLOCK.index("            self.projection = nn.I") : BLOCK.index("        def forward")], "\n")

EDITS = {
    "no_shortcut": [NO_LAYERS, (ADD, "")],
    "shortcut_unused": [(ADD, "shortcut = self.projection(x)")],
    "relu_before_addition": [(ADD, "out = F.relu(out)"), (END, "return out + self.projection(x)")],
    "relu_before_and_after": [(STEP_2, "out = F.relu(self.norm_b(self.conv_b(out)))")],
    "no_final_relu": [(END, "return out")],
    "relu_on_shortcut": [(ADD, "out = out + torch.relu(self.projection(x))")],
    "relu_in_projection": [("nn.BatchNorm2d(planes),\n", "nn.BatchNorm2d(planes), nn.ReLU(),\n")],
    "no_relu_between": [(STEP_1, "out = self.norm_a(self.conv_a(x))")],
    "shortcut_subtracted": [(ADD, "out -= self.projection(x)")],
    "branch_subtracted": [(ADD, "out = self.projection(x) - out")],
    "shortcut_twice": [(ADD, "out += self.projection(x)"), (END, "return F.relu(out + self.projection(x))")],
    "x_overwritten": [
        (STEP_1, "x = F.relu(self.norm_a(self.conv_a(x)))"),
        (STEP_2, "x = self.norm_b(self.conv_b(x))"),
        (ADD, "x = x + self.projection(x)"),
        (END, "return F.relu(x)"),
    ],
    "x_after_conv1": [(STEP_1, "x = self.conv_a(x); out = F.relu(self.norm_a(x))")],
    "x_after_first_relu": [(STEP_1, "x = F.relu(self.norm_a(self.conv_a(x)))"), ("conv_b(out)", "conv_b(x)")],
    "shortcut_detached": [(ADD, "out = out + self.projection(x).detach()")],
    "projection_detached": [(ADD, "with torch.no_grad(): x = self.projection(x)"), (END, "return F.relu(out + x)")],
    "in_place": [(ADD, "x = self.projection(x); x += out"), (END, "return F.relu(x)")],
    "concatenated": [(ADD, "out = torch.cat((out, self.projection(x)), 1)")],
    "shortcut_not_called": [(ADD, "out = out + x")],
    "returns_none": [(END, "F.relu(out)")],
    "projects_never": [NO_LAYERS, (ADD, "out += x")],
    "projects_for_stride_only": [(NEEDED, "stride != 1")],
    "projects_for_planes_only": [(NEEDED, "in_planes != planes")],
    "projects_if_both_change": [(NEEDED, "stride != 1 and in_planes != planes")],
    "projects_always": [(NEEDED, "True")],
    "shortcut_without_batch_norm": [("                    nn.BatchNorm2d(planes),\n", "")],
    "shortcut_3x3": [(PROJECT, FIRST)],
    "stride_not_on_shortcut": [(PROJECT, "nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)")],
    "stride_forgotten": [("stride=stride", "stride=1")],
    "stride_on_second": [
        ("kernel_size=3, stride=stride", "kernel_size=3"),
        ("stride=1, padding", "stride=stride, padding"),
    ],
    "stride_on_both": [("stride=1, padding=1", "stride=stride, padding=1")],
    "no_padding": [(" padding=1,", "")],
    "in_planes_twice": [(SECOND, "nn.Conv2d(in_planes, planes, 3, 1, 1, bias=False)")],
    "channels_change_late": [
        (FIRST, "nn.Conv2d(in_planes, in_planes, 3, stride, 1, bias=False)"),
        (NORM_A, "self.norm_a = nn.BatchNorm2d(in_planes)"),
        (SECOND, "nn.Conv2d(in_planes, planes, 3, 1, 1, bias=False)"),
    ],
    "bias_everywhere": [(", bias=False", "")],
    "bias_left_on": [("padding=1, bias=False", "padding=1")],
    "bias_on_shortcut": [(PROJECT, "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride)")],
    "no_batch_norm": [(NORM_A, ""), (NORM_B, ""), ("self.norm_a", ""), ("self.norm_b", "")],
    "no_batch_norm_1": [(NORM_A, ""), ("self.norm_a(self.conv_a(x))", "self.conv_a(x)")],
    "no_batch_norm_2": [(NORM_B, ""), ("self.norm_b(self.conv_b(out))", "self.conv_b(out)")],
    "shared_batch_norm": [(NORM_B, ""), ("self.norm_b", "self.norm_a")],
    "batch_norm_first": [
        (NORM_A, "self.norm_a = nn.BatchNorm2d(in_planes)"),
        (STEP_1, "out = self.conv_a(F.relu(self.norm_a(x)))"),
        (STEP_2, "out = self.conv_b(F.relu(self.norm_b(out)))"),
        (END, "return out"),
    ],
    "no_default_stride": [("stride=1):", "stride):")],
    "wrong_expansion": [("expansion = 1", "expansion = 4")],
    "no_expansion": [("        expansion = 1\n", "")],
}

WRONG = {hint_id: edited(BLOCK, *edits) for hint_id, edits in EDITS.items()}

EDITS_AGAIN = {
    "a layer that works in place": (
        "relu_before_and_after",
        [(STEP_2, "out = nn.ReLU(True)(self.norm_b(self.conv_b(out)))")],
    ),
    "a method that works in place": (
        "in_place",
        [(ADD, "x = self.projection(x); x.add_(out)"), (END, "return x.relu()")],
    ),
    "shortcut called and forgotten": ("shortcut_unused", [(ADD, "self.projection(x)")]),
    "detached on the way in": ("shortcut_detached", [(ADD, "out = out + self.projection(x.detach())")]),
    "arguments by position": ("shortcut_3x3", [(PROJECT, "nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)")]),
    "turned around": ("projects_if_both_change", [(NEEDED, "not (stride == 1 or in_planes == planes)")]),
}

AGAIN = {way: (hint_id, edited(BLOCK, *edits)) for way, (hint_id, edits) in EDITS_AGAIN.items()}

UNKNOWN = {
    "product": edited(BLOCK, (ADD, "out = out * self.projection(x)")),
    "mean": edited(BLOCK, (ADD, "out = 0.5 * (out + self.projection(x))")),
    "another activation": edited(BLOCK, ("F.relu(out)", "torch.tanh(out)")),
    "another norm": edited(BLOCK, ("nn.BatchNorm2d(planes)", "nn.InstanceNorm2d(planes, affine=True)")),
    "another momentum": edited(BLOCK, ("nn.BatchNorm2d(planes)", "nn.BatchNorm2d(planes, momentum=0.9)")),
}

STUBS = {
    "__init__": """
        class BasicBlock(nn.Module):
            expansion = 1

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                raise NotImplementedError
    """,
    "forward": edited(BLOCK, (END, "raise NotImplementedError")),
}

CRASHING = {
    "no forward": BLOCK[: BLOCK.index("        def forward")],
    "at the end of forward": edited(BLOCK, (END, "return 1 / 0")),
    "no super().__init__()": edited(BLOCK, ("super().__init__()", "pass")),
    "an attribute that is not there": edited(BLOCK, ("self.conv_a(x)", "self.conv_z(x)")),
    "not a module": """
        class BasicBlock:
            expansion = 1

            def __init__(self, in_planes, planes, stride=1):
                1 / 0
    """,
}
