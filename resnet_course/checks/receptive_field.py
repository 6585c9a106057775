"""Lesson 01 · `receptive_field`: how many pixels of the input one number depends on."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import observe_calls

# From the simple to the entangled: what the start is, one layer, no strides, one stride, several.
CASES = (
    ([1], [1]),
    ([1], [2]),
    ([3], [1]),
    ([2], [1]),
    ([3], [2]),
    ([3, 3], [1, 1]),
    ([3, 3, 3], [1, 1, 1]),
    ([5, 1, 3], [1, 1, 1]),
    ([1, 3], [2, 1]),
    ([1, 3], [3, 1]),
    ([2, 3], [2, 1]),
    ([1, 1, 3], [2, 2, 1]),
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
          ask="What does a stride of 2 change for the layers after it?",
          explain="The strides are not used here, so [2, 3] with strides [2, 1] gives 4 and not 6. After a stride "
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
                  "layers in front of it, multiplied; its own acts only on the layers after it. [2, 3] with strides "
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
          explain="The result is what the layers give in the opposite order: [2, 3] with strides [2, 1] gives 4 in "
                  "place of 6. The rule (field - 1) · stride + kernel goes from the last layer to the first, the "
                  "rule with field and jump from the first to the last."),
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
    Wrong("gaps_miscounted", [("(k - 1)", "k")],
          ask="How many gaps lie between k numbers?",
          explain="Each layer widens the field by the whole kernel here, so one 3×3 layer gives 4. Between 3 "
                  "numbers lie 2 gaps: a kernel of size k adds k - 1."),
    Wrong("zip_swapped", [("for k, s in zip", "for s, k in zip")],
          ask="In which order does `zip` hand over the two numbers?",
          explain="Kernel and stride have changed places: what is called the kernel size is the stride. So one 3×3 "
                  "layer with stride 1 gives 1 and not 3. zip keeps the order of its arguments."),
    Wrong("jump_starts_at_0", [("jump = 1\n", "jump = 0\n")],
          ask="How far apart are two neighbouring pixels, in pixels?",
          explain="The jump starts at 0, and a product with 0 stays 0, so no layer ever widens the field: every "
                  "result is 1. Before any layer neighbours are one pixel apart."),
    Wrong("returns_jump", [("return field", "return jump")],
          ask="Which of the two quantities is handed back?",
          explain="The jump is handed back, how many pixels neighbours are apart after the last layer. For "
                  "layers without strides that is always 1. The field is asked for."),
    Wrong("largest_stride", [("jump = jump * s", "jump = max(jump, s)")],
          ask="How far apart are neighbours after two strides of 2?",
          explain="Only the largest stride counts here, so after two strides of 2 the jump is still 2. The second "
                  "stride takes every second of numbers that are two pixels apart already: strides multiply."),
    Wrong("every_stride_is_2", [("jump = jump * s", "jump = jump * 2 if s > 1 else jump")],
          ask="What does a stride of 3 do to the jump?",
          explain="Every stride above 1 doubles the jump, and so a stride of 3 counts as 2. A layer with stride s "
                  "makes the jump s times as large."),
    Wrong("even_kernels", [("(k - 1) * jump", "2 * (k // 2) * jump")],
          ask="How many gaps lie between the numbers of a window of size 2?",
          explain="Half a kernel is counted on each side, which is right for odd sizes only: max pooling with a "
                  "window of 2 adds 2 here. Between its two numbers lies one gap."),
    Wrong("returns_in_loop", [("    return field", "        return field")],
          ask="After how many layers does the function return?",
          explain="The return stands in the loop, so the function ends after the first layer, and [3, 3] gives 3. "
                  "It belongs after the loop, as far to the left as `for`."),
    Wrong("field_replaced", [("field = field + (k - 1) * jump", "field = 1 + (k - 1) * jump")],
          ask="What becomes of what the layers before have widened?",
          explain="The field is computed anew in every turn, so only the last layer counts and two 3×3 layers give "
                  "3. Each layer adds to what is there."),
    Wrong("first_layer_left_out", [("zip(kernel_sizes, strides)", "zip(kernel_sizes[1:], strides[1:])")],
          ask="With which layer does the loop begin?",
          explain="The first layer is left out: a single 3×3 layer gives 1. The field is 1 before any layer, so "
                  "the first one widens it like all others."),
    Wrong("last_layer_left_out", [("zip(kernel_sizes, strides)", "zip(kernel_sizes[:-1], strides)")],
          ask="With which layer does the loop end?",
          explain="The last layer is left out: a single 3×3 layer gives 1. Its stride does not matter any more, "
                  "but its kernel widens the field."),
    Wrong("stride_squared", [("jump = jump * s", "jump = jump * s * s")],
          ask="How far apart are neighbours after one stride of 2?",
          explain="A stride counts twice here, once for the height and once for the width, and one stride of 2 "
                  "makes the jump 4. The height alone is asked for."),
    Wrong("strides_ahead_summed", """
def receptive_field(kernel_sizes, strides):
    field = 1
    for i, k in enumerate(kernel_sizes):
        field += (k - 1) * max(1, sum(strides[:i]))
    return field
""",
          ask="How do the strides of several layers act together?",
          explain="The strides of the layers before are added up. Three layers with stride 1 then spread the "
                  "numbers by 3, although nothing was skipped. Strides multiply: 1 · 1 · 1 is 1, and 2 · 2 is 4."),
    Wrong("strides_added", [("jump = jump * s", "jump = jump + s - 1")],
          ask="How far apart are neighbours after two strides of 2?",
          explain="Each stride adds to the jump here, so two strides of 2 make it 3. The second stride takes every "
                  "second of numbers that are two pixels apart already: jumps multiply, 2 · 2 is 4."),
    Wrong("all_strides_for_all", """
def receptive_field(kernel_sizes, strides):
    return 1 + sum(k - 1 for k in kernel_sizes) * math.prod(strides)
""",
          ask="Which layers does a stride spread, those before it or those after it?",
          explain="All strides are multiplied with all layers. A stride acts only on the layers after it: one 3×3 "
                  "layer with stride 2 still sees 3 pixels, and here it is 5."),
    Wrong("pair_returned", [("return field", "return field, field")],
          ask="How many numbers are asked for?",
          explain="Two numbers come back, or the field and the jump together. The height and the width are the "
                  "same, and one number is asked for."),
    Wrong("stride_widens", """
def receptive_field(kernel_sizes, strides):
    field = jump = 1
    for k, s in zip(kernel_sizes, strides):
        if s > 1:
            field, jump = field * s, jump * s
        else:
            field += (k - 1) * jump
    return field
""",
          ask="What does a layer with kernel size 1 and stride 2 see?",
          explain="A layer with a stride multiplies the field here, so that one with kernel size 1 and stride 2 sees 2 "
                  "pixels. It sees one and skips the next: the kernel of a layer widens its field, by (k - 1) jumps, "
                  "and its stride acts on the layers after it."),
    Wrong("first_layer_apart", """
def receptive_field(kernel_sizes, strides):
    field, jump = kernel_sizes[0], strides[0]
    for k, s in zip(kernel_sizes[1:], strides[1:]):
        jump *= s
        field += (k - 1) * jump
    return field
""",
          ask="On which layers does the stride of the *second* layer act?",
          explain="The first layer is right, and from the second on each stride acts on its own layer: [3, 2] with "
                  "strides [2, 2] gives 7 and not 5. A stride counts for the layers after it, so the field is widened "
                  "first and the jump multiplied afterwards, in every layer."),
]
# fmt: on

EXERCISE = Exercise(
    "receptive_field",
    lesson="01",
    defines="receptive_field",
    observe=observe_calls("receptive_field", CASES),
    start="Go through the example [2, 3] with strides [2, 1] on paper: field and jump are 1 and 1 before the first "
    "layer, 2 and 2 after it. How do you get from one pair to the next? Field first, then jump.",
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
        "calls itself": """
def receptive_field(kernel_sizes, strides):
    if len(kernel_sizes) == 0:
        return 1
    rest = receptive_field(kernel_sizes[1:], strides[1:])
    return (rest - 1) * strides[0] + kernel_sizes[0]
""",
        "first and last pixel": """
def receptive_field(kernel_sizes, strides):
    first = last = 0
    for i in range(len(kernel_sizes) - 1, -1, -1):
        first = first * strides[i]
        last = last * strides[i] + kernel_sizes[i] - 1
    return last - first + 1
""",
        "begins with the first kernel": """
def receptive_field(kernel_sizes, strides):
    size, step = kernel_sizes[0], strides[0]
    for layer in range(1, len(kernel_sizes)):
        size += step * kernel_sizes[layer] - step
        step *= strides[layer]
    return size
""",
        "accumulated": """
def receptive_field(kernel_sizes, strides):
    from itertools import accumulate
    from operator import mul
    jumps = accumulate([1, *strides], mul)
    return sum((k - 1) * jump for k, jump in zip(kernel_sizes, jumps)) + 1
""",
        "reduced": """
def receptive_field(kernel_sizes, strides):
    from functools import reduce
    layers = zip(kernel_sizes, strides)
    return reduce(lambda pair, layer: (pair[0] + (layer[0] - 1) * pair[1], pair[1] * layer[1]), layers, (1, 1))[0]
""",
    },
    unknown={
        "always four": """
def receptive_field(kernel_sizes, strides): return 4
""",
    },
    again={
        "field and jump on reversed lists": (
            "wrong_order",
            edited(ANSWER, ("zip(kernel_sizes, strides)", "zip(kernel_sizes[::-1], strides[::-1])")),
        ),
        "the jump multiplied by the kernel": (
            "product_of_kernels",
            edited(ANSWER, ("jump = jump * s", "jump = jump * k")),
        ),
    },
)
