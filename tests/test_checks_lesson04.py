import pytest
from checks_helpers import assert_found, assert_verdict, edited, make

from resnet_course import checks

NEEDS = """
    def needs_projection(in_planes, planes, stride, expansion=1):
        return stride != 1 or in_planes != expansion * planes
"""
CONDITION = "stride != 1 or in_planes != expansion * planes"

NEEDS_RIGHT = {
    "one line": NEEDS,
    "two questions": """
        def needs_projection(in_planes, planes, stride, expansion=1):
            out_planes = planes * expansion
            if stride > 1:
                return True
            if in_planes == out_planes:
                return False
            return True
    """,
    "shapes compared": """
        def needs_projection(in_planes, planes, stride, expansion=1):
            return (in_planes, 1) != (expansion * planes, stride)
    """,
    "not and": edited(NEEDS, (CONDITION, "not (stride == 1 and in_planes == planes * expansion)")),
}

NEEDS_WRONG = {
    "stride_only": edited(NEEDS, (CONDITION, "stride != 1")),
    "planes_only": edited(NEEDS, (CONDITION, "in_planes != expansion * planes")),
    "expansion_ignored": edited(NEEDS, ("expansion * planes", "planes")),
    "expansion_at_the_entrance": edited(NEEDS, (CONDITION, "stride != 1 or expansion * in_planes != planes")),
    "expansion_alone": edited(NEEDS, (CONDITION, "stride != 1 or expansion > 1")),
    "expansion_added": edited(NEEDS, (CONDITION, "stride != 1 or in_planes != planes or expansion != 1")),
    "and_for_or": edited(NEEDS, (" or ", " and ")),
    "turned_round": edited(NEEDS, (CONDITION, "stride == 1 and in_planes == expansion * planes")),
    "equal_for_unequal": edited(NEEDS, ("in_planes !=", "in_planes ==")),
    "stride_equal_to_1": edited(NEEDS, ("stride !=", "stride ==")),
    "stride_2_only": edited(NEEDS, ("stride != 1", "stride == 2")),
    "growing_only": edited(NEEDS, ("in_planes !=", "in_planes <")),
    "always": edited(NEEDS, (CONDITION, "True")),
    "never": edited(NEEDS, (CONDITION, "False")),
    "no_default": edited(NEEDS, ("expansion=1", "expansion")),
    "returns_none": edited(NEEDS, ("return ", "")),
}

PROJECTION = """
    def projection_shortcut(in_planes, out_planes, stride):
        return nn.Sequential(
            nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(out_planes),
        )
"""
CONV = "nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),"
NORM = "nn.BatchNorm2d(out_planes),"

PROJECTION_RIGHT = {
    "sequence": PROJECTION,
    "named layers": """
        from collections import OrderedDict
        def projection_shortcut(in_planes, out_planes, stride):
            conv = nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)
            return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(out_planes)))
    """,
    "a module of its own": """
        class Projection(nn.Module):
            def __init__(self, i, o, s):
                super().__init__()
                self.norm = nn.BatchNorm2d(o)
                self.conv = nn.Conv2d(i, o, 1, stride=(s, s), padding=0, bias=False)

            def forward(self, x):
                return self.norm(self.conv(x))

        def projection_shortcut(in_planes, out_planes, stride):
            return Projection(in_planes, out_planes, stride)
    """,
    "pixels first": """
        class Thin(nn.Module):
            def __init__(self, stride):
                super().__init__()
                self.stride = stride

            def forward(self, x):
                return x[..., ::self.stride, ::self.stride]

        def projection_shortcut(in_planes, out_planes, stride):
            layers = [Thin(stride), nn.Conv2d(in_planes, out_planes, 1, bias=False)]
            layers.append(nn.BatchNorm2d(out_planes))
            return nn.Sequential(*layers)
    """,
}

PROJECTION_WRONG = {
    "no_batch_norm": edited(PROJECTION, (NORM, "")),
    "bias": edited(PROJECTION, (", bias=False", "")),
    "kernel_3": edited(PROJECTION, ("kernel_size=1", "kernel_size=3, padding=1")),
    "kernel_like_stride": edited(PROJECTION, ("kernel_size=1", "kernel_size=stride")),
    "padding": edited(PROJECTION, ("kernel_size=1", "kernel_size=1, padding=1")),
    "stride_forgotten": edited(PROJECTION, (", stride=stride", "")),
    "stride_always_2": edited(PROJECTION, ("stride=stride", "stride=2")),
    "average_pooling": edited(
        PROJECTION, (CONV, "nn.AvgPool2d(stride, ceil_mode=True), " + CONV), ("stride=stride, ", "")
    ),
    "max_pooling": edited(PROJECTION, (CONV, "nn.MaxPool2d(stride, ceil_mode=True), " + CONV), ("stride=stride, ", "")),
    "relu": edited(PROJECTION, (NORM, NORM + " nn.ReLU(),")),
    "batch_norm_first": edited(PROJECTION, (CONV, "nn.BatchNorm2d(in_planes),"), (NORM, CONV)),
    "batch_norm_of_input": edited(PROJECTION, (NORM, "nn.BatchNorm2d(in_planes),")),
    "planes_swapped": edited(PROJECTION, ("nn.Conv2d(in_planes, out_planes", "nn.Conv2d(out_planes, in_planes")),
    "affine_off": edited(PROJECTION, (NORM, "nn.BatchNorm2d(out_planes, affine=False),")),
    "list_of_layers": edited(PROJECTION, ("nn.Sequential(\n", "[\n"), ("        )\n", "        ]\n")),
    "pair_of_layers": edited(PROJECTION, ("nn.Sequential(\n", "(\n")),
    "returns_none": edited(PROJECTION, ("return nn", "nn")),
}

PAD = """
    def pad_shortcut(x, out_planes, stride):
        x = x[:, :, ::stride, ::stride]
        missing = out_planes - x.shape[1]
        before = missing // 2
        return F.pad(x, (0, 0, 0, 0, before, missing - before))
"""
PIXELS = "x = x[:, :, ::stride, ::stride]"
RETURN = "return F.pad(x, (0, 0, 0, 0, before, missing - before))"

PAD_RIGHT = {
    "pad": PAD,
    "into a tensor of zeros": """
        def pad_shortcut(x, out_planes, stride):
            small = x[..., ::stride, ::stride]
            n, c, h, w = small.shape
            out = torch.zeros(n, out_planes, h, w)
            first = (out_planes - c) // 2
            out[:, first : first + c] = small
            return out
    """,
    "zeros beside x": """
        def pad_shortcut(x, out_planes, stride):
            x = x[:, :, ::stride, ::stride]
            missing = out_planes - x.size(1)
            before = torch.zeros_like(x[:, :1]).repeat(1, missing // 2, 1, 1)
            after = x.new_zeros(len(x), missing - missing // 2, *x.shape[2:])
            return torch.cat([before, x, after], dim=1)
    """,
    "pooling with a window of one pixel": edited(PAD, (PIXELS, "x = F.avg_pool2d(x, 1, stride)")),
}

PAD_WRONG = {
    "zeros_after": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, 0, missing))")),
    "zeros_before": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, missing, 0))")),
    "extra_zero_before": edited(PAD, ("missing // 2", "missing - missing // 2")),
    "assumes_doubling": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, out_planes // 4, out_planes // 4))")),
    "too_many_zeros": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, missing, missing))")),
    "out_planes_added": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, 0, out_planes))")),
    "odd_one_missing": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, before, before))")),
    "ones": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, before, missing - before), value=1)")),
    "channels_repeated": """
        def pad_shortcut(x, out_planes, stride):
            x = x[:, :, ::stride, ::stride]
            index = torch.arange(out_planes) % x.shape[1]
            return x[:, index]
    """,
    "stride_forgotten": edited(PAD, (PIXELS, "")),
    "rows_only": edited(PAD, (PIXELS, "x = x[:, :, ::stride]")),
    "corner_kept": edited(PAD, (PIXELS, "h = -(-x.shape[-1] // stride); x = x[:, :, :h, :h]")),
    "starts_late": edited(PAD, (PIXELS, "x = x[:, :, stride - 1 :: stride, stride - 1 :: stride]")),
    "average_pooling": edited(PAD, (PIXELS, "x = F.avg_pool2d(x, stride, ceil_mode=True)")),
    "max_pooling": edited(PAD, (PIXELS, "x = F.max_pool2d(x, stride, ceil_mode=True)")),
    "width_padded": edited(PAD, (RETURN, "return F.pad(x, (before, missing - before, 0, 0, 0, 0))")),
    "detached": edited(PAD, (PIXELS, "x = x.detach()[:, :, ::stride, ::stride]")),
    "module_returned": """
        def pad_shortcut(x, out_planes, stride):
            return PadShortcut(x.shape[1], out_planes, stride)
    """,
    "returns_none": edited(PAD, ("return F", "F")),
}

SHAPES = """
    import math

    def bottleneck_shapes(in_planes, planes, stride, height):
        small = math.ceil(height / stride)
        return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]
"""
RESULT = "[(planes, height, height), (planes, small, small), (4 * planes, small, small)]"

SHAPES_RIGHT = {
    "ceil": SHAPES,
    "whole numbers": edited(SHAPES, ("math.ceil(height / stride)", "(height + stride - 1) // stride")),
    "the convolution's own rule": edited(SHAPES, ("math.ceil(height / stride)", "(height + 2 - 3) // stride + 1")),
    "from a block": """
        def bottleneck_shapes(in_planes, planes, stride, height):
            block = Bottleneck(in_planes, planes, stride)
            x = torch.zeros(2, in_planes, height, height)
            shapes = []
            for conv in (block.conv1, block.conv2, block.conv3):
                x = conv(x)
                shapes.append(x.shape[1:])
            return shapes
    """,
    "lists": edited(SHAPES, (RESULT, "[[planes] + [height] * 2, [planes] + [small] * 2, [4 * planes] + [small] * 2]")),
}

SHAPES_WRONG = {
    "stride_on_first": edited(SHAPES, ("(planes, height, height)", "(planes, small, small)")),
    "stride_on_last": edited(SHAPES, ("(planes, small, small)", "(planes, height, height)")),
    "stride_on_all": """
        import math

        def bottleneck_shapes(in_planes, planes, stride, height):
            shapes = []
            for channels in (planes, planes, 4 * planes):
                height = math.ceil(height / stride)
                shapes.append((channels, height, height))
            return shapes
    """,
    "stride_ignored": edited(SHAPES, ("math.ceil(height / stride)", "height")),
    "expansion_forgotten": edited(SHAPES, ("4 * planes", "planes")),
    "expansion_everywhere": edited(SHAPES, ("4 * planes", "planes"), ("(planes", "(4 * planes")),
    "expansion_of_input": edited(SHAPES, ("4 * planes", "4 * in_planes")),
    "back_to_in_planes": edited(SHAPES, ("4 * planes", "in_planes")),
    "doubled": edited(SHAPES, ("4 * planes", "2 * planes")),
    "starts_with_input": edited(SHAPES, ("[(planes, height", "[(in_planes, height")),
    "input_listed": edited(SHAPES, ("[(planes", "[(in_planes, height, height), (planes")),
    "last_only": edited(SHAPES, (RESULT, "(4 * planes, small, small)")),
    "channels_last": edited(
        SHAPES, (RESULT, "[(height, height, planes), (small, small, planes), (small, small, 4 * planes)]")
    ),
    "rounded_down": edited(SHAPES, ("math.ceil(height / stride)", "height // stride")),
    "not_rounded": edited(SHAPES, ("math.ceil(height / stride)", "height / stride")),
    "padding_forgotten": edited(SHAPES, ("math.ceil(height / stride)", "(height - 3) // stride + 1")),
    "returns_none": edited(SHAPES, ("return ", "")),
}

RIGHT = {
    "needs_projection": NEEDS_RIGHT,
    "projection_shortcut": PROJECTION_RIGHT,
    "pad_shortcut": PAD_RIGHT,
    "bottleneck_shapes": SHAPES_RIGHT,
}
WRONG = {
    "needs_projection": NEEDS_WRONG,
    "projection_shortcut": PROJECTION_WRONG,
    "pad_shortcut": PAD_WRONG,
    "bottleneck_shapes": SHAPES_WRONG,
}


def pairs(table: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    return [(name, key) for name, entries in table.items() for key in entries]


@pytest.mark.parametrize("name", RIGHT)
def test_reference_passes(name: str) -> None:
    assert_verdict(name, checks.EXERCISES[name].reference, "passed")


@pytest.mark.parametrize(("name", "way"), pairs(RIGHT))
def test_right_answers_written_differently_pass(name: str, way: str) -> None:
    assert_verdict(name, make(RIGHT[name][way], name), "passed")


@pytest.mark.parametrize("name", WRONG)
def test_each_mistake_is_known_as_itself_and_written_out_above(name: str) -> None:
    mistakes = checks.EXERCISES[name].mistakes
    assert {mistake.id for mistake in mistakes} == set(WRONG[name])
    for mistake in mistakes:
        assert_found(name, mistake.implementation, mistake.id)


@pytest.mark.parametrize(("name", "hint_id"), pairs(WRONG))
def test_each_mistake_as_a_learner_writes_it(name: str, hint_id: str) -> None:
    assert_found(name, make(WRONG[name][hint_id], name), hint_id)


@pytest.mark.parametrize("name", RIGHT)
def test_a_stub_is_not_written_yet(name: str) -> None:
    stub = f"def {name}(*arguments):\n    raise NotImplementedError"
    assert_verdict(name, make(stub, name), "not_written")


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("thing", [None, 3, "text", [], dict])
def test_other_things_are_reported(name: str, thing: object) -> None:
    assert checks.verdict(name, thing).status in ("crashed", "failed")


@pytest.mark.parametrize("name", RIGHT)
def test_an_answer_that_raises_is_reported(name: str) -> None:
    assert_verdict(name, make(f"def {name}(*arguments):\n    return {{}}['no key']", name), "crashed", "unknown")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("needs_projection", edited(NEEDS, (CONDITION, "in_planes > planes"))),
        ("projection_shortcut", edited(PROJECTION, (NORM, "nn.BatchNorm2d(out_planes), nn.Dropout(0.5),"))),
        ("pad_shortcut", edited(PAD, (RETURN, RETURN + " * 2"))),
        ("bottleneck_shapes", edited(SHAPES, ("4 * planes", "8 * planes"))),
    ],
)
def test_an_unknown_mistake_is_admitted(name: str, source: str) -> None:
    assert_verdict(name, make(source, name), "failed", "unknown")
