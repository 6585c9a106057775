"""Lesson 08 · `flat_features`: how many numbers reach the linear layer after a pooling of fixed size.

Besides the numbers their quotients are looked at: 64 to 32 pixels shows what the function makes of the size, expansion
4 to 1 what it makes of the expansion, whatever else is wrong.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong
from resnet_course.checking.modules import WrongKindError
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import as_number, shown

SIZES = (64, 96, 224)
EXPANSIONS = (2, 4)


def observe(answer: Any) -> Iterator[Seen]:
    """The number for one window and for more of them, and how it grows."""
    if not callable(answer) or isinstance(answer, (nn.Module, type)):
        raise WrongKindError(f"the function flat_features itself is needed, and this is {shown(answer)}")
    one = answer(32)
    yield Seen("the kind of what flat_features(32) gives", _kind(one))
    yield Seen("the result of flat_features(32)", _number(one))
    for size in SIZES:
        yield Seen(
            f"the result of flat_features({size}) divided by that of flat_features(32)", _quotient(answer(size), one)
        )
    for expansion in EXPANSIONS:
        wide = answer(32, expansion=expansion)
        call = f"flat_features(32, expansion={expansion})"
        yield Seen(f"the result of {call} divided by that of flat_features(32)", _quotient(wide, one))
    yield Seen("the kind of what flat_features(96, 4) gives", _kind(answer(96, 4)), explains=False)
    for size in SIZES:
        for expansion in (1, *EXPANSIONS):
            yield Seen(
                f"the result of flat_features({size}, {expansion})", _number(answer(size, expansion)), explains=False
            )


def _kind(value: Any) -> Any:
    """What nn.Linear takes is a whole number; the value itself where it is no number at all."""
    try:
        operator.index(value)
    except TypeError:
        number = "a float in a tensor" if isinstance(value, Tensor) else "a float"
        return number if isinstance(as_number(value), float) else value
    return "a whole number"


def _number(value: Any) -> Any:
    number = as_number(value)
    return float(number) if isinstance(number, (int, float)) else value


def _quotient(value: Any, one: Any) -> Any:
    value, one = _number(value), _number(one)
    if not isinstance(value, float) or not isinstance(one, float):
        return "no number"
    return value / one if one else "not to be told, as the second is 0"


ANSWER = """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 8 // 4) ** 2
"""
# fmt: off
WRONG = [
    Wrong("nothing_returned", """
def flat_features(image_size, expansion=1):
    inputs = 512 * expansion * (image_size // 8 // 4) ** 2
""",
          ask="What comes back from a call?",
          explain="A Python function without a `return` gives back None. The number of inputs of the linear layer is "
                  "asked for."),
    Wrong("always_2048", """
def flat_features(image_size, expansion=1):
    return 2048 * expansion
""",
          ask="For which image size is 2048 right?",
          explain="2048 is right for 64×64 only, where the pooling leaves 2×2 windows of 512 channels. The result "
                  "has to follow `image_size`: 32×32 images leave one window and 512 numbers."),
    Wrong("always_512", """
def flat_features(image_size, expansion=1):
    return 512 * expansion
""",
          ask="For which image size is 512 right?",
          explain="512 is right for 32×32 only, where the pooling leaves a single window. For 64×64 it leaves 2×2 of "
                  "them, and four times as many numbers. The result has to follow `image_size`."),
    Wrong("window_counted", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * 4 * 4
""",
          ask="How many numbers does a pooling make of one of its windows?",
          explain="The 4×4 numbers of a window are counted, but the pooling makes one number of them. And the result "
                  "is the same for every size: 32×32 images leave one window, 64×64 leave 2×2 of them."),
    Wrong("square_before_division", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * image_size**2 // 32
""",
          ask="What does Python compute first, `**` or `//`?",
          explain="Only the size is squared here, and the 32 is not: `**` comes before `//`. One side of the map is "
                  "the size divided by 32; put that into brackets, and square them."),
    Wrong("channels_doubled_four_times", """
def flat_features(image_size, expansion=1):
    return 1024 * expansion * (image_size // 8 // 4) ** 2
""",
          ask="How many channels does the last of the four stages have?",
          explain="The channels double from stage to stage, and the first stage has 64 already: 64, 128, 256, 512. "
                  "That is three doublings and not four."),
    Wrong("float_result", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size / 8 / 4) ** 2
""",
          ask="What type does the result have?",
          explain="The result is a float such as 512.0, because `/` always makes one, and nn.Linear takes whole "
                  "numbers only. There is a division that keeps them whole."),
    Wrong("tensor_result", """
def flat_features(image_size, expansion=1):
    return torch.tensor(512.0 * expansion) * (image_size // 32) ** 2
""",
          ask="Which kind of object does nn.Linear take for its number of inputs?",
          explain="The number is a float inside a tensor. nn.Linear takes a whole number of Python; plain arithmetic "
                  "with `//` gives one."),
    Wrong("side_not_squared", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 8 // 4)
""",
          ask="How many windows does the pooling leave for an image of 64×64?",
          explain="Only one side is counted. An image of 64×64 leaves 4 windows, 2 in height and 2 in width; "
                  "counting 2 gives 1024 and not 2048 numbers."),
    Wrong("side_doubled", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 32) * 2
""",
          ask="What is the difference between a number times 2 and its square?",
          explain="The side is multiplied by 2: 64×64 has 2 windows in height and 2 in width, which makes 4, but for "
                  "32×32 it is 1 times 1. A square is the number times itself, `**2`."),
    Wrong("doubled_with_each_step", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * 2 ** (image_size // 32 - 1)
""",
          ask="How many windows are there in height and width at 96×96?",
          explain="The result doubles with every 32 pixels. That fits no size but the first: 64×64 has 2 times 2 "
                  "windows and 96×96 has 3 times 3. The side is the base of the square and not the exponent."),
    Wrong("four_times_with_each_step", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * 4 ** (image_size // 32 - 1)
""",
          ask="How many windows are there in height and width at 96×96?",
          explain="The result grows four times with every 32 pixels. That fits 32 and 64, but 96×96 has 3 times 3 "
                  "windows and not 16. The side is the base of the square and not the exponent."),
    Wrong("xor_for_power", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * ((image_size // 8 // 4) ^ 2)
""",
          ask="What does `^` compute in Python?",
          explain="In Python `^` compares the bits of two whole numbers; it is no power. The square of a number is "
                  "written `**2`."),
    Wrong("pooling_forgotten", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 8) ** 2
""",
          ask="What happens between the last stage and the linear layer?",
          explain="A pooling with a window of 4 makes a map of 4×4 into a single number. Without it 32×32 images "
                  "would give 8192 numbers and not 512."),
    Wrong("pooling_stride_1", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 8 - 4 + 1) ** 2
""",
          ask="How far does the pooling window move each time?",
          explain="The pooling window moves by one pixel here, which leaves 5×5 windows of an 8×8 map. Without a "
                  "stride of its own, avg_pool2d moves by the size of its window: 2×2."),
    Wrong("halvings_forgotten", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 4) ** 2
""",
          ask="How large is an image of 32×32 after the last stage?",
          explain="Three of the four stages halve the image, so 32×32 ends at 4×4. Here only the pooling is counted, "
                  "and the result is 64 times too large."),
    Wrong("four_halvings", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 2**4 // 4) ** 2
""",
          ask="Which stages halve the image?",
          explain="One side is divided by 64 here, which is one halving too many: 32×32 leaves less than one window "
                  "of the pooling, and the result is 0. The first stage keeps the size. Three halvings and a window "
                  "of 4 make 32."),
    Wrong("two_halvings", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 2**2 // 4) ** 2
""",
          ask="By which number do the stages and the pooling together divide one side of the image?",
          explain="The result is four times too large for every size: 2048 and not 512 for 32×32. One side is divided "
                  "by 16 and not by 32, or height and width are divided where only one of them is. Three stages halve "
                  "both, and the pooling divides both by 4."),
    Wrong("imagenet_stem", """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 4 // 8 // 4) ** 2
""",
          ask="By how much does the stem divide height and width?",
          explain="The stem divides by 4 here, as the ImageNet stem does with its stride and its pooling. The stem "
                  "for small images keeps height and width, so only the stages and the last pooling count."),
    Wrong("expansion_ignored", """
def flat_features(image_size, expansion=1):
    return 512 * (image_size // 8 // 4) ** 2
""",
          ask="How many numbers do blocks of expansion 4 give for an image of 32×32?",
          explain="The expansion is not used, so the result is 512 for every block. Blocks of expansion 4 send out "
                  "four times as many channels, so 2048 numbers reach the linear layer."),
    Wrong("expansion_squared", """
def flat_features(image_size, expansion=1):
    return 512 * (expansion * (image_size // 8 // 4)) ** 2
""",
          ask="What does the expansion change, the channels or the size of the map?",
          explain="The expansion changes the channels only. Here it multiplies height and width, so expansion 4 "
                  "gives 16 times as many numbers and not 4 times."),
    Wrong("expansion_added", """
def flat_features(image_size, expansion=1):
    return (512 + expansion) * (image_size // 32) ** 2
""",
          ask="How many channels does a block with planes=512 and expansion 4 send out?",
          explain="The expansion is added to the channels: 513 for expansion 1. It is a factor. Blocks with "
                  "planes=512 and expansion 4 send out 2048 channels."),
    Wrong("expansion_4_by_default", """
def flat_features(image_size, expansion=4):
    return 512 * expansion * (image_size // 32) ** 2
""",
          ask="What is `expansion` in a call that names the image size alone?",
          explain="Without a second argument the expansion is 4 here. The text asks for 1, so that flat_features(32) "
                  "is the number of a network of basic blocks, 512."),
    Wrong("channels_forgotten", """
def flat_features(image_size, expansion=1):
    return expansion * (image_size // 8 // 4) ** 2
""",
          ask="How many numbers come out of one window?",
          explain="Each window counts once here, so 32×32 images give 1. But one number comes out of it for each "
                  "channel, and 512 of them (times the expansion) leave the last stage."),
    Wrong("channels_of_first_stage", """
def flat_features(image_size, expansion=1):
    return 64 * expansion * (image_size // 8 // 4) ** 2
""",
          ask="How many channels leave the last stage?",
          explain="The result uses 64 channels, the number of the first stage. Three more stages follow, "
                  "and each doubles the channels."),
    Wrong("channels_of_third_stage", """
def flat_features(image_size, expansion=1):
    return 256 * expansion * (image_size // 32) ** 2
""",
          ask="How many channels leave the last stage?",
          explain="The result uses 256 channels, the number of the third stage. The fourth stage doubles them once "
                  "more, to 512."),
    Wrong("channels_of_bottlenecks", """
def flat_features(image_size, expansion=1):
    return 2048 * (image_size // 32) ** 2
""",
          ask="For which blocks do 2048 channels leave the last stage?",
          explain="2048 channels leave the last stage for blocks of expansion 4 only. The result has to follow "
                  "`expansion`: basic blocks, with expansion 1, send out 512."),
    Wrong("colours_counted", """
def flat_features(image_size, expansion=1):
    return 3 * 512 * expansion * (image_size // 8 // 4) ** 2
""",
          ask="What is the factor 3 in your result?",
          explain="The factor 3 stands for the colours of the image. The first convolution has mixed them into its "
                  "64 channels, so they do not count again: 512 numbers and not 1536 for 32×32."),
]
# fmt: on

EXERCISE = Exercise(
    "flat_features",
    lesson="08",
    defines="flat_features",
    observe=observe,
    start="Follow an image of 64x64 through the network and write its height after each part: stem, four stages, "
    "pooling. How many numbers does one channel then hold, and how many channels are there? Then replace 64 by "
    "image_size.",
    answer=ANSWER,
    wrong=WRONG,
    right={
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
        "one formula": """
def flat_features(image_size, expansion=1):
    return image_size * image_size * expansion // 2
""",
        "a list of halvings": """
def flat_features(image_size, expansion=1):
    channels, height, width = 64, image_size, image_size
    for stage in range(2, 5):
        channels, height, width = 2 * channels, height // 2, width // 2
    return math.prod([channels * expansion, height // 4, width // 4])
""",
        "one image through poolings": """
def flat_features(image_size, expansion=1):
    x = torch.zeros(1, 1, image_size, image_size)
    for _ in range(3):
        x = F.max_pool2d(x, 2)
    return nn.Flatten()(F.avg_pool2d(x, 4)).size(1) * 512 * expansion
""",
        "one division": """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 32) ** 2
""",
        "made whole": """
def flat_features(image_size, expansion=1):
    return 512 * expansion * int((image_size / 32) ** 2)
""",
    },
    unknown={
        "other channels": """
def flat_features(image_size, expansion=1):
    return 500 * expansion * (image_size // 8 // 4) ** 2
""",
        "right up to 192": """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 7 // 4) ** 2
""",
        "with a word": """
def flat_features(image_size, expansion=1):
    return 'about', 512 * expansion * (image_size // 8 // 4) ** 2
""",
    },
)
