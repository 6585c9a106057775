"""Answers to `receptive_field`: how many pixels one output sees."""

from . import edited

NAME = "receptive_field"

FIELD = """
    def receptive_field(kernel_sizes, strides):
        field = 1
        jump = 1
        for k, s in zip(kernel_sizes, strides):
            field = field + (k - 1) * jump
            jump = jump * s
        return field
"""

RIGHT = {
    "a loop": FIELD,
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
}

WRONG = {
    "sum_of_kernels": "def receptive_field(kernel_sizes, strides): return sum(kernel_sizes)",
    "product_of_kernels": """
        def receptive_field(kernel_sizes, strides):
            field = 1
            for k in kernel_sizes:
                field *= k
            return field
    """,
    "starts_at_0": edited(FIELD, ("field = 1", "field = 0")),
    "strides_ignored": edited(FIELD, (" * jump", "")),
    "stride_first": """
        def receptive_field(kernel_sizes, strides):
            field = jump = 1
            for k, s in zip(kernel_sizes, strides):
                jump *= s
                field += (k - 1) * jump
            return field
    """,
    "jump_replaced": edited(FIELD, ("jump = jump * s", "jump = s")),
    "own_stride_only": edited(FIELD, ("(k - 1) * jump", "(k - 1) * s")),
    "jump_added": edited(FIELD, ("jump = jump * s", "jump = jump + s")),
    "wrong_order": """
        def receptive_field(kernel_sizes, strides):
            field = 1
            for k, s in zip(kernel_sizes, strides):
                field = (field - 1) * s + k
            return field
    """,
    "one_side_only": edited(FIELD, ("(k - 1)", "(k // 2)"), ("field = field + (k // 2)", "field += ((k - 1) // 2)")),
    "largest_kernel": "receptive_field = lambda kernel_sizes, strides: max(kernel_sizes)",
    "area": edited(FIELD, ("return field", "return field * field")),
    "list_of_all_layers": edited(
        FIELD, ("jump = 1", "jump, fields = 1, []"), ("jump = jump * s", "jump *= s; fields.append(field)"),
        ("return field", "return fields"),
    ),
    "returns_none": edited(FIELD, ("        return field\n", "")),
}  # fmt: skip

UNKNOWN = {
    "always four": "def receptive_field(kernel_sizes, strides): return 4",
    "text": "def receptive_field(kernel_sizes, strides): return '5'",
}

CRASHING = {
    "a list divided": "def receptive_field(kernel_sizes, strides): return kernel_sizes / 2",
}
