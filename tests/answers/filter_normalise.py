"""Answers to `filter_normalise`: a random direction that fits the filters."""

from . import edited

NAME = "filter_normalise"

NORMALISE = """
def filter_normalise(direction, weight):
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    length = direction.flatten(1).norm(dim=1)
    wanted = weight.flatten(1).norm(dim=1)
    factor = wanted / length.clamp_min(1e-12)
    return direction * factor.view(-1, *[1] * (weight.dim() - 1))
"""

RIGHT = {
    "flattened": NORMALISE,
    "a loop over the filters": """
def filter_normalise(direction, weight):
    if weight.ndim == 1:
        return direction * 0
    result = []
    for d, w in zip(direction, weight):
        result.append(d * w.norm() / (d.norm() + 1e-10))
    return torch.stack(result)
""",
    "vector_norm, zeros by where": """
def filter_normalise(direction, weight):
    if len(weight.shape) <= 1:
        return torch.zeros(direction.shape)
    dims = tuple(range(1, weight.dim()))
    d = torch.linalg.vector_norm(direction, dim=dims, keepdim=True)
    w = torch.linalg.vector_norm(weight, dim=dims, keepdim=True)
    return torch.where(d > 0, direction / d * w, torch.zeros_like(direction))
""",
    "F.normalize": """
def filter_normalise(direction, weight):
    if weight.dim() == 1:
        return torch.zeros_like(weight)
    unit = F.normalize(direction.flatten(1), dim=1)
    return (unit * weight.flatten(1).norm(dim=1, keepdim=True)).view_as(weight)
""",
}

FACTOR = "wanted / length.clamp_min(1e-12)"
ZEROS = "torch.zeros_like(direction)"
RETURN = "return direction * factor.view"

EDITS = {
    "nothing_comes_back": [("return torch.zeros_like(direction)", "return None"), (RETURN, "direction * factor.view")],
    "whole_layer": [
        ("direction.flatten(1).norm(dim=1)", "direction.norm().expand(len(weight))"),
        ("weight.flatten(1).norm(dim=1)", "weight.norm().expand(len(weight))"),
    ],
    "length_one": [(FACTOR, "1 / length.clamp_min(1e-12)")],
    "not_divided": [(FACTOR, "wanted")],
    "upside_down": [(FACTOR, "length / wanted.clamp_min(1e-12)")],
    "squared": [("norm(dim=1)", "square().sum(dim=1)")],
    "sum_of_sizes": [("norm(dim=1)", "abs().sum(dim=1)")],
    "weight_added": [(RETURN, "return weight + direction * factor.view"), (f"return {ZEROS}", "return weight")],
    "vector_as_it_is": [(ZEROS, "direction")],
    "vector_by_entry": [(ZEROS, "direction.sign() * weight.abs()")],
    "vector_as_filter": [(ZEROS, "direction / direction.norm() * weight.norm()")],
    "zero_by_zero": [(".clamp_min(1e-12)", "")],
    "not_lined_up": [("factor.view(-1, *[1] * (weight.dim() - 1))", "factor")],
    "direction_changed": [
        (f"return {ZEROS}", "direction.zero_()\n        return direction"),
        (RETURN, "direction *= factor.view"),
        ("weight.dim() - 1))", "weight.dim() - 1))\n    return direction"),
    ],
}

OVER_DIMENSIONS = """
def filter_normalise(direction, weight):
    if weight.dim() < 2:
        return torch.zeros_like(direction)
    dims = DIMS
    d = torch.linalg.vector_norm(direction, dim=dims, keepdim=True)
    w = torch.linalg.vector_norm(weight, dim=dims, keepdim=True)
    return direction * w / d.clamp_min(1e-12)
"""

WRONG = {hint_id: edited(NORMALISE, *edits) for hint_id, edits in EDITS.items()} | {
    "wrong_axis": edited(OVER_DIMENSIONS, ("DIMS", "tuple(i for i in range(weight.dim()) if i != 1)")),
    "each_kernel": edited(OVER_DIMENSIONS, ("DIMS", "(2, 3) if weight.dim() == 4 else (1,)")),
    "roles_swapped": edited(
        NORMALISE,
        (FACTOR, "length / wanted.clamp_min(1e-12)"),
        (RETURN, "return weight * factor.view"),
    ),
}

AGAIN = {
    "a loop without an end against zero": (
        "zero_by_zero",
        edited(RIGHT["a loop over the filters"], (" + 1e-10", "")),
    ),
    "all weights as one filter": (
        "whole_layer",
        """
def filter_normalise(direction, weight):
    if weight.dim() == 1:
        return torch.zeros_like(direction)
    return direction / (direction.norm() + 1e-10) * weight.norm()
""",
    ),
}

UNKNOWN = {
    "largest entry": edited(NORMALISE, ("norm(dim=1)", "abs().amax(dim=1)")),
    "twice as long": edited(NORMALISE, (FACTOR, "2 * wanted / length.clamp_min(1e-12)")),
}
