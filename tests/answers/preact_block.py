"""Answers to `preact_block`: batch norm and ReLU before each convolution, nothing behind the addition."""

from . import edited

NAME = "PreActBlock"

BLOCK = """
    class PreActBlock(nn.Module):
        expansion = 1

        def __init__(self, in_planes, planes, stride=1):
            super().__init__()
            self.norm_a = nn.BatchNorm2d(in_planes)
            self.conv_a = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
            self.norm_b = nn.BatchNorm2d(planes)
            self.conv_b = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
            self.changes = stride != 1 or in_planes != planes
            if self.changes:
                self.projection = nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)

        def forward(self, x):
            active = F.relu(self.norm_a(x))
            shortcut = self.projection(active) if self.changes else x
            out = self.conv_a(active)
            out = self.conv_b(F.relu(self.norm_b(out)))
            return out + shortcut
"""

RIGHT = {
    "other names": BLOCK,
    "ready-made parts": """
        class PreActBlock(nn.Module):
            expansion = 1

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                self.bn1, self.conv1 = nn.BatchNorm2d(in_planes), conv3x3(in_planes, planes, stride)
                self.bn2, self.conv2 = nn.BatchNorm2d(planes), conv3x3(planes, planes)
                self.shortcut = None
                if needs_projection(in_planes, planes, stride):
                    self.shortcut = nn.Conv2d(in_planes, planes, 1, stride, bias=False)

            def forward(self, x):
                out = F.relu(self.bn1(x), inplace=True)
                if self.shortcut is not None:
                    x = self.shortcut(out)
                out = self.conv2(torch.relu_(self.bn2(self.conv1(out))))
                out += x
                return out
    """,
    "asks for the attribute": """
        class PreActBlock(nn.Module):
            expansion = 1

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                self.bn1 = nn.BatchNorm2d(in_planes)
                self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
                self.bn2 = nn.BatchNorm2d(planes)
                self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
                if stride != 1 or in_planes != planes:
                    self.shortcut = nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride, bias=False))

            def forward(self, x):
                out = F.relu(self.bn1(x))
                shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
                return self.conv2(F.relu(self.bn2(self.conv1(out)))) + shortcut
    """,
    "sequences": """
        class PreActBlock(nn.Module):
            expansion = 1

            def __init__(self, in_planes, planes, stride=1):
                super().__init__()
                self.first = nn.Sequential(nn.BatchNorm2d(in_planes), nn.ReLU())
                self.rest = nn.Sequential(
                    conv3x3(in_planes, planes, stride), nn.BatchNorm2d(planes), nn.ReLU(), conv3x3(planes, planes)
                )
                self.skip = nn.ModuleList()
                if needs_projection(in_planes, planes, stride):
                    self.skip.append(nn.Conv2d(in_planes, planes, 1, stride, bias=False))

            def forward(self, x):
                active = self.first(x)
                for layer in self.skip:
                    x = layer(active)
                return torch.add(x, self.rest(active))
    """,
}

# Lines of BLOCK that the wrong answers change.
FIRST = "nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)"
SECOND = "nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)"
PROJECT = "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)"
NEEDED = "stride != 1 or in_planes != planes"
NORM_A, NORM_B = "self.norm_a = nn.BatchNorm2d(in_planes)", "self.norm_b = nn.BatchNorm2d(planes)"
ACTIVE, SHORTCUT = "active = F.relu(self.norm_a(x))", "shortcut = self.projection(active) if self.changes else x"
STEP_1, STEP_2 = "out = self.conv_a(active)", "out = self.conv_b(F.relu(self.norm_b(out)))"
END = "return out + shortcut"
THIRD_NORM = (NORM_B, f"{NORM_B}; self.norm_c = nn.BatchNorm2d(planes)")

EDITS = {
    "post_activation": [
        (NORM_A, "self.norm_a = nn.BatchNorm2d(planes)"),
        (f"self.projection = {PROJECT}", "self.projection = projection_shortcut(in_planes, planes, stride)"),
        (ACTIVE, "out = F.relu(self.norm_a(self.conv_a(x)))"),
        (SHORTCUT, "shortcut = self.projection(x) if self.changes else x"),
        (STEP_1, ""),
        (STEP_2, "out = self.norm_b(self.conv_b(out))"),
        (END, "return F.relu(out + shortcut)"),
    ],
    "no_shortcut": [(NEEDED, "False"), (SHORTCUT, ""), (END, "return out")],
    "shortcut_unused": [(END, "return out")],
    "identity_from_activated": [(SHORTCUT, "shortcut = self.projection(active) if self.changes else active")],
    "projection_from_raw": [(SHORTCUT, "shortcut = self.projection(x) if self.changes else x")],
    "the_other_way_round": [(SHORTCUT, "shortcut = self.projection(x) if self.changes else active")],
    "x_overwritten": [
        (SHORTCUT, ""),
        (STEP_1, "x = self.conv_a(active)"),
        (STEP_2, "x = self.conv_b(F.relu(self.norm_b(x)))"),
        (END, "return x + (self.projection(x) if self.changes else x)"),
    ],
    "projection_with_batch_norm": [
        (f"self.projection = {PROJECT}", "self.projection = projection_shortcut(in_planes, planes, stride)")
    ],
    "relu_after_addition": [(END, "return F.relu(out + shortcut)")],
    "batch_norm_after_addition": [THIRD_NORM, (END, "return F.relu(self.norm_c(out + shortcut))")],
    "relu_before_addition": [(END, "return F.relu(out) + shortcut")],
    "batch_norm_before_addition": [THIRD_NORM, (END, "return self.norm_c(out) + shortcut")],
    "relu_before_batch_norm": [
        (ACTIVE, "active = self.norm_a(F.relu(x))"),
        (STEP_2, "out = self.conv_b(self.norm_b(F.relu(out)))"),
    ],
    "batch_norm_behind": [
        (NORM_A, "self.norm_a = nn.BatchNorm2d(planes)"),
        (ACTIVE, "active = F.relu(x)"),
        (STEP_1, "out = self.norm_a(self.conv_a(active))"),
        (STEP_2, "out = self.norm_b(self.conv_b(F.relu(out)))"),
    ],
    "no_relu_1": [(ACTIVE, "active = self.norm_a(x)")],
    "no_relu_2": [(STEP_2, "out = self.conv_b(self.norm_b(out))")],
    "no_batch_norm_1": [(NORM_A, ""), (ACTIVE, "active = F.relu(x)")],
    "no_batch_norm_2": [(NORM_B, ""), (STEP_2, "out = self.conv_b(F.relu(out))")],
    "no_activation_2": [(NORM_B, ""), (STEP_2, "out = self.conv_b(out)")],
    "first_norm_of_planes": [(NORM_A, "self.norm_a = nn.BatchNorm2d(planes)")],
    "shared_batch_norm": [(NORM_B, ""), ("self.norm_b", "self.norm_a")],
    "in_place": [(END, "shortcut += out; return shortcut")],
    "returns_none": [(END, "out = out + shortcut")],
    "shortcut_subtracted": [(END, "return out - shortcut")],
    "shortcut_detached": [(END, "return out + shortcut.detach()")],
    "projects_never": [(NEEDED, "False")],
    "projects_always": [(NEEDED, "True")],
    "projects_for_stride_only": [(NEEDED, "stride != 1")],
    "projects_for_planes_only": [(NEEDED, "in_planes != planes")],
    "projection_3x3": [(PROJECT, FIRST)],
    "stride_on_second": [
        ("kernel_size=3, stride=stride", "kernel_size=3"),
        ("stride=1, padding", "stride=stride, padding"),
    ],
    "stride_on_both": [("stride=1, padding=1", "stride=stride, padding=1")],
    "stride_forgotten": [("stride=stride", "stride=1")],
    "stride_not_on_projection": [(PROJECT, "nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)")],
    "no_padding": [(" padding=1,", "")],
    "bias_everywhere": [(", bias=False", "")],
    "bias_left_on": [("padding=1, bias=False", "padding=1")],
    "no_default_stride": [("stride=1):", "stride):")],
    "wrong_expansion": [("expansion = 1", "expansion = 4")],
    "no_expansion": [("        expansion = 1\n", "")],
}

WRONG = {hint_id: edited(BLOCK, *edits) for hint_id, edits in EDITS.items()}

EDITS_AGAIN = {
    "the name x given away": (
        "identity_from_activated",
        [
            (ACTIVE, "x = F.relu(self.norm_a(x))"),
            ("self.projection(active)", "self.projection(x)"),
            ("(active)", "(x)"),
        ],
    ),
    "a ReLU in place on the sum": ("relu_after_addition", [(END, "return (out + shortcut).relu_()")]),
    "a layer kept in the block": (
        "batch_norm_before_addition",
        [(SECOND, f"nn.Sequential({SECOND}, nn.BatchNorm2d(planes))")],
    ),
}

AGAIN = {way: (hint_id, edited(BLOCK, *edits)) for way, (hint_id, edits) in EDITS_AGAIN.items()}

UNKNOWN = {
    "product": edited(BLOCK, (END, "return out * shortcut")),
    "mean": edited(BLOCK, (END, "return 0.5 * (out + shortcut)")),
    "another activation": edited(BLOCK, ("F.relu(", "torch.tanh(")),
    "another norm": edited(BLOCK, ("nn.BatchNorm2d(planes)", "nn.InstanceNorm2d(planes, affine=True)")),
}

STUBS = {
    "__init__": """
        class PreActBlock(nn.Module):
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
    "an attribute that is not there": edited(BLOCK, ("self.norm_a(x)", "self.norm_z(x)")),
}
