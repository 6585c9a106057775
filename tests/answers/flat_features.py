"""Answers to `flat_features`: what the last linear layer gets."""

from . import edited

NAME = "flat_features"

FORMULA = """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 8 // 4) ** 2
"""

RIGHT = {
    "formula": FORMULA,
    "loops": """
def flat_features(image_size, expansion=1):
    side = image_size
    for stride in (1, 2, 2, 2):
        side = side // stride
    windows = (side // 4) * (side // 4)
    return 512 * windows * expansion
""",
    "measured": """
def flat_features(image_size, expansion=1):
    maps = torch.zeros(1, 512 * expansion, image_size // 8, image_size // 8)
    return F.avg_pool2d(maps, 4).flatten(1).shape[1]
""",
    "one division": edited(FORMULA, ("image_size // 8 // 4", "image_size // 32")),
    "made whole": edited(FORMULA, ("(image_size // 8 // 4) ** 2", "int((image_size / 32) ** 2)")),
}

WRONG = {
    "nothing_returned": edited(FORMULA, ("return", "inputs =")),
    "always_2048": edited(FORMULA, ("512 * expansion * (image_size // 8 // 4) ** 2", "2048 * expansion")),
    "always_512": edited(FORMULA, (" * (image_size // 8 // 4) ** 2", "")),
    "float_result": edited(FORMULA, ("image_size // 8 // 4", "image_size / 8 / 4")),
    "side_not_squared": edited(FORMULA, (" ** 2", "")),
    "pooling_forgotten": edited(FORMULA, (" // 4", "")),
    "pooling_stride_1": edited(FORMULA, ("8 // 4", "8 - 4 + 1")),
    "halvings_forgotten": edited(FORMULA, (" // 8", "")),
    "four_halvings": edited(FORMULA, ("// 8", "// 2**4")),
    "two_halvings": edited(FORMULA, ("// 8", "// 2**2")),
    "imagenet_stem": edited(FORMULA, ("// 8", "// 4 // 8")),
    "expansion_ignored": edited(FORMULA, (" * expansion", "")),
    "expansion_squared": edited(FORMULA, ("512 * expansion * (", "512 * (expansion * (")).replace(") **", ")) **"),
    "channels_forgotten": edited(FORMULA, ("512 * ", "")),
    "channels_of_first_stage": edited(FORMULA, ("512", "64")),
    "colours_counted": edited(FORMULA, ("512", "3 * 512")),
}

UNKNOWN = {
    "other channels": edited(FORMULA, ("512", "500")),
    "right up to 192": edited(FORMULA, ("// 8", "// 7")),
    "with a word": edited(FORMULA, ("return ", "return 'about', ")),
}
