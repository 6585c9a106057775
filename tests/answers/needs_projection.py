"""Answers to `needs_projection`: does the shortcut have to change the shape?"""

from . import edited

NAME = "needs_projection"

NEEDS = """
    def needs_projection(in_planes, planes, stride, expansion=1):
        return stride != 1 or in_planes != expansion * planes
"""
CONDITION = "stride != 1 or in_planes != expansion * planes"

RIGHT = {
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

WRONG = {
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

UNKNOWN = {
    "shrinking only": edited(NEEDS, (CONDITION, "in_planes > planes")),
}
