"""Lesson 01 · `receptive_field`: how many pixels of the input one number depends on."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong
from resnet_course.checking.functions import observe_calls

CASES = (
    ([3], [1]),
    ([3, 3], [1, 1]),
    ([3, 3, 3], [1, 1, 1]),
    ([5, 1, 3], [1, 1, 1]),
    ([3, 2], [2, 2]),
    ([7, 3, 2, 3], [2, 1, 2, 1]),
    ([3, 3, 2, 3, 3, 2], [1, 1, 2, 1, 1, 2]),
    ([3, 5, 3, 2], [2, 3, 2, 1]),
    ([2, 5, 3], [3, 1, 2]),  # not the same when it is read from the end
)


ANSWER = """
def receptive_field(kernel_sizes, strides):
    field = 1
    jump = 1
    for k, s in zip(kernel_sizes, strides):
        field = field + (k - 1) * jump
        jump = jump * s
    return field
"""
# fmt: off
WRONG = [
    Wrong("sum_of_kernels", """
def receptive_field(kernel_sizes, strides): return sum(kernel_sizes)
""",
          ask="By how many pixels does one more 3×3 layer widen the view?",
          explain="The kernel sizes are added up, which gives 6 for two 3×3 layers. But neighbouring windows "
                  "overlap: one more 3×3 layer reaches over 3 numbers with 2 gaps between them, so it widens the "
                  "view by 2 and the field is 5."),
    Wrong("product_of_kernels", """
def receptive_field(kernel_sizes, strides):
    field = 1
    for k in kernel_sizes:
        field *= k
    return field
""",
          ask="How many pixels does a second 3×3 layer add to the view of the first?",
          explain="The kernel sizes are multiplied, which gives 9 for two 3×3 layers, as if the windows of the first "
                  "layer lay side by side. They overlap, so the second layer adds only 2 pixels and the field is 5."),
    Wrong("starts_at_0", [("field = 1", "field = 0")],
          ask="How many pixels does a number see before any layer?",
          explain="Before any layer a number sees itself, one pixel, and here the count starts at 0. So every result "
                  "is one too small: 4 for two 3×3 layers, where it should be 5."),
    Wrong("strides_ignored", [("field = field + (k - 1) * jump", "field = field + (k - 1)")],
          ask="What does a stride of 2 change for the layers behind it?",
          explain="The strides are not used here, so [2, 3] with strides [2, 1] gives 4 and not 6. Behind a stride "
                  "of 2 neighbours are two pixels apart, and every step of a later layer counts twice."),
    Wrong("stride_first", """
def receptive_field(kernel_sizes, strides):
    field = jump = 1
    for k, s in zip(kernel_sizes, strides):
        jump *= s
        field += (k - 1) * jump
    return field
""",
          ask="On which layers does a stride act?",
          explain="The jump is multiplied before the field is widened, so a stride acts on its own layer too, and "
                  "[2, 3] with strides [2, 1] gives 7 and not 6. A layer's own window still lies on the closer "
                  "spacing of the layer before it."),
    Wrong("jump_replaced", [("jump = jump * s", "jump = s")],
          ask="How far apart are neighbours after two strides of 2?",
          explain="After two strides of 2, neighbours are four pixels apart. Here each stride takes the place of the "
                  "jump before it, so only the last stride counts. A stride makes the jump that is there already so "
                  "many times larger."),
    Wrong("own_stride_only", [("field = field + (k - 1) * jump", "field = field + (k - 1) * s")],
          ask="Which strides count for the window of a layer?",
          explain="Here each layer uses its own stride. What spreads the numbers it looks at are the strides of all "
                  "layers in front of it, multiplied; its own acts only on the layers behind. [2, 3] with strides "
                  "[2, 1] should give 6, and here it is 5."),
    Wrong("jump_added", [("jump = jump * s", "jump = jump + s")],
          ask="How far apart are neighbours after two strides of 2?",
          explain="After two strides of 2, neighbours are four pixels apart: the second stride takes every second of "
                  "numbers that are two pixels apart already. Here the strides are added to the jump, which gives 1 "
                  "+ 2 + 2 = 5."),
    Wrong("wrong_order", [
              ("    jump = 1\n", ""),
              ("        field = field + (k - 1) * jump\n        jump = jump * s\n",
               "        field = (field - 1) * s + k\n")],
          ask="In which direction does this rule go through the layers?",
          explain="The rule (field - 1) · stride + kernel is meant for the way back, from the last layer to the "
                  "first. Here it goes from first to last, which gives 4 for [2, 3] with strides [2, 1] in place of "
                  "6. Turn the order round, or use the jump."),
    Wrong("one_side_only", [("field = field + (k - 1) * jump", "field += ((k - 1) // 2) * jump")],
          ask="To how many sides does a window reach?",
          explain="Here only one side is counted: a 3×3 window adds 1. It reaches one number to the left and one to "
                  "the right, so it adds 2, and two of them give 5 and not 3."),
    Wrong("largest_kernel", """
receptive_field = lambda kernel_sizes, strides: max(kernel_sizes)
""",
          ask="What does a second layer of the same kernel size change?",
          explain="The result is the largest kernel, as if depth changed nothing. But a second layer looks at "
                  "numbers that have each seen 3×3 pixels already: together the two see 5×5."),
    Wrong("area", [("return field", "return field * field")],
          ask="Which unit does the result have?",
          explain="The result is a number of pixels in an area, 25 for two 3×3 layers. The height (and width) of the "
                  "field is asked for, which is 5."),
    Wrong("list_of_all_layers", [
              ("jump = 1", "jump, fields = 1, []"),
              ("        jump = jump * s\n    return field\n",
               "        jump *= s; fields.append(field)\n    return fields\n")],
          ask="How many numbers should come back?",
          explain="The result has one number for each layer. Only one is asked for, the field of a number after the "
                  "last layer."),
    Wrong("returns_none", [("    return field\n", "")],
          ask="What does the function hand back?",
          explain="A Python function without a `return` gives back None, so the field is computed and lost. Hand the "
                  "number back after the loop."),
]
# fmt: on

EXERCISE = Exercise(
    "receptive_field",
    lesson="01",
    defines="receptive_field",
    observe=observe_calls("receptive_field", CASES),
    start="Go through the example [2, 3] with strides [2, 1] on paper: field and jump are 1 and 1 before the first layer, "
    "2 and 2 after it. How do you get from one pair to the next? Field first, then jump.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "from the last layer to the first": """
def receptive_field(kernel_sizes, strides):
    field = 1
    while kernel_sizes:
        field = (field - 1) * strides.pop() + kernel_sizes.pop()
    return field
""",
        "a sum": """
def receptive_field(kernel_sizes, strides):
    import math
    return 1 + sum((k - 1) * math.prod(strides[:i]) for i, k in enumerate(kernel_sizes))
""",
        "tensors": """
def receptive_field(kernel_sizes, strides):
    jumps = torch.cumprod(torch.tensor([1] + strides[:-1]), dim=0)
    return 1 + ((torch.tensor(kernel_sizes) - 1) * jumps).sum()
""",
    },
    unknown={
        "always four": """
def receptive_field(kernel_sizes, strides): return 4
""",
        "text": """
def receptive_field(kernel_sizes, strides): return '5'
""",
    },
)
