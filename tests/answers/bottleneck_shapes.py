"""Answers to `bottleneck_shapes`: what the three convolutions give."""

from . import edited

NAME = "bottleneck_shapes"

SHAPES = """
    import math

    def bottleneck_shapes(in_planes, planes, stride, height):
        small = math.ceil(height / stride)
        return [(planes, height, height), (planes, small, small), (4 * planes, small, small)]
"""
RESULT = "[(planes, height, height), (planes, small, small), (4 * planes, small, small)]"

RIGHT = {
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

WRONG = {
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

UNKNOWN = {
    "eight for four": edited(SHAPES, ("4 * planes", "8 * planes")),
}
