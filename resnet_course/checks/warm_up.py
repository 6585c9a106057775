"""Lesson 00 · `warm_up`: normalise each channel of a batch of images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from resnet_course.checking.exercise import Exercise, Wrong
from resnet_course.checking.functions import expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen

# Heights and widths other than 3 make a wrong broadcast fail loudly; 3 by 3 makes it silently wrong.
SHAPES = ((2, 3, 4, 6), (4, 3, 3, 3), (1, 3, 5, 2))
ZERO, ONE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
MEAN, STD = (0.2, 0.45, 0.7), (0.11, 0.25, 0.4)


def observe(answer: Any) -> Iterator[Seen]:
    """The two steps by themselves, then together; and what became of the images that were handed in."""
    expect_function("normalise", answer)
    for shape in SHAPES:
        for mean, std in ((MEAN, ONE), (ZERO, STD), (MEAN, STD)):
            images = torch.rand(shape, generator=torch.Generator().manual_seed(SEED))
            handed = images.clone()
            result = answer(handed, torch.tensor(mean), torch.tensor(std))
            where = f"for images of shape {shape}, mean {mean} and std {std}"
            # Mistakes in both steps change what comes of both; what each step does by itself tells them apart.
            yield Seen(f"{where}, the result", result, explains=std == ONE or mean == ZERO)
            yield Seen(f"{where}, the largest change of the images", (handed - images).abs().max().item())


ANSWER = """
def normalise(images, mean, std):
    centred = images - mean[:, None, None]
    return centred / std[:, None, None]
"""
# fmt: off
WRONG = [
    Wrong("no_reshape", """
def normalise(images, mean, std):
    return (images - mean) / std
""",
          ask="Which dimension of the images do three numbers of shape (3,) meet?",
          explain="PyTorch lines shapes up from the right, so a tensor of shape (3,) meets the width, not the "
                  "channels. Only images 3 pixels wide run through, and each column then gets another mean. The "
                  "channels are the third dimension from the right: two more dimensions of length 1 must follow the "
                  "three numbers."),
    Wrong("over_height", """
def normalise(images, mean, std):
    return (images - mean[:, None]) / std[:, None]
""",
          ask="Which dimension does a tensor of shape (3, 1) meet?",
          explain="PyTorch lines shapes up from the right: of a shape (3, 1), the 1 meets the width and the 3 meets "
                  "the height, so each row would get a mean of its own. The channels are one dimension further to "
                  "the left, so one more dimension of length 1 is missing on the right."),
    Wrong("mean_not_subtracted", [("images - mean[:, None, None]", "images")],
          ask="Around which number do the pixels lie afterwards?",
          explain="The pixels are divided by the deviation and the mean is not taken away, so they do not lie around "
                  "0: with mean 0.45 and deviation 0.25 an average pixel becomes 1.8. Take the mean away first."),
    Wrong("not_divided", [("centred / std[:, None, None]", "centred")],
          ask="How far from 0 do the pixels lie afterwards, in each channel?",
          explain="The mean is taken away, but nothing is divided. Each channel keeps its own spread, for example "
                  "0.11 or 0.4, where every channel should have spread 1. The standard deviation must still be used."),
    Wrong("multiplied", [("centred /", "centred *")],
          ask="What happens to a channel whose deviation is small?",
          explain="The difference is multiplied by the deviation, so a channel with a spread of 0.11 gets an even "
                  "smaller one, about 0.01. Dividing by it brings every channel to a spread of 1."),
    Wrong("variance", [("centred / std[:, None, None]", "centred / (std * std)[:, None, None]")],
          ask="What is divided by, in terms of `std`?",
          explain="The code divides by the square of `std`, the variance. `std` is the deviation already: with 0.1, "
                  "a pixel that is 0.1 above the mean should become 1, and here it becomes 10."),
    Wrong("root_of_std", [("centred / std[:, None, None]", "centred / torch.sqrt(std)[:, None, None]")],
          ask="What is divided by, in terms of the numbers that came in?",
          explain="The code divides by the square root of `std`. A root would turn a variance into a deviation, but "
                  "`std` is the deviation already and can be used as it is."),
    Wrong("divided_first", """
def normalise(images, mean, std):

    images = images / std.view(1, 3, 1, 1)
    return images - mean.view(1, 3, 1, 1)
""",
          ask="Which of the two steps comes first?",
          explain="Here the images are divided before the mean is taken away. The mean belongs to the undivided "
                  "pixels: with mean 0.45 and deviation 0.25 a pixel of 0.45 becomes 1.8 - 0.45 = 1.35 where it "
                  "should become 0. Subtract first."),
    Wrong("brackets_missing", """
def normalise(images, mean, std):
    return images - mean[:, None, None] / std[:, None, None]
""",
          ask="What does Python compute first in a - b / c?",
          explain="Division comes before subtraction in Python, so only the mean is divided, and the images keep "
                  "their spread. The difference must be computed before the division."),
    Wrong("mean_added", [("images - mean", "images + mean")],
          ask="On which side of 0 do the pixels lie afterwards?",
          explain="The mean is added, so a pixel equal to the mean of 0.45 moves to 0.9 before the division. It "
                  "should move to 0: normalising takes the mean away."),
    Wrong("one_global_number", """
def normalise(images, mean, std):

    m, s = torch.mean(mean), torch.mean(std)
    return (images - m) / s
""",
          ask="How many different means are used for one image?",
          explain="Here the three means are averaged into one, and the three deviations too. A channel with mean 0.2 "
                  "is then not centred when the average is 0.45. Each channel needs its own two numbers."),
    Wrong("statistics_of_each_image", """
def normalise(images, mean, std):

    mean = images.mean(dim=(2, 3), keepdim=True)
    std = images.std(dim=(-2, -1), keepdim=True)
    return (images - mean) / std
""",
          ask="Whose mean is subtracted?",
          explain="Here each image's own mean and deviation are used. A dark and a bright version of one image then "
                  "come out the same, and the arguments `mean` and `std` are not used at all. They were computed "
                  "once, for all training images, and are the same for every image."),
    Wrong("statistics_of_the_batch", """
def normalise(images, mean, std):
    std, mean = torch.std_mean(images, dim=(0, 2, 3))
    return (images - mean[:, None, None]) / std[:, None, None]
""",
          ask="Whose mean and deviation are these?",
          explain="The mean and deviation used here are computed from the batch, so the same image comes out "
                  "differently in another batch. Use the `mean` and `std` that came in: they were computed once, for "
                  "all training images."),
    Wrong("in_place", """
def normalise(images, mean, std):

    images -= mean.view(3, 1, 1)
    images /= std.view(3, 1, 1)
    return images
""",
          ask="What do the caller's images look like after the call?",
          explain="The caller's images are changed: -=, /=, methods with a final underscore and an assignment to a "
                  "part of a tensor write into the tensor that came in. A second call would normalise them twice. "
                  "Compute new tensors."),
    Wrong("one_image_only", """
def normalise(images, mean, std):

    for image in images:
        return (image - mean.view(3, 1, 1)) / std.view(3, 1, 1)
""",
          ask="How many images come out, if two go in?",
          explain="Only one image comes out: the first dimension counts the images, and the code takes a single one "
                  "of them or ends the loop early. The function must normalise the whole batch and keep the shape "
                  "(N, 3, H, W)."),
    Wrong("returns_none", """
def normalise(images, mean, std):
    result = (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
""",
          ask="What does the function hand back?",
          explain="A Python function without a `return` gives back None, so the result is computed and lost. Hand "
                  "the normalised images back."),
    Wrong("over_images", [("[:, None, None]", "[:, None, None, None]")],
          ask="Which dimension does the 3 of a shape (3, 1, 1, 1) meet?",
          explain="A shape (3, 1, 1, 1) lies along the first dimension, which counts the images. With 2 or 4 "
                  "images that is an error, and one image becomes three. The channels are the second dimension: "
                  "(3, 1, 1), or (1, 3, 1, 1)."),
    Wrong("expanded", """
def normalise(images, mean, std):
    return (images - mean.expand_as(images)) / std.expand_as(images)
""",
          ask="From which side does `expand` line the shapes up?",
          explain="expand lines shapes up from the right, like all broadcasting: three numbers of shape (3,) are "
                  "spread along the width. It repeats numbers, and does not know which dimension holds the "
                  "channels. The three numbers need the shape (3, 1, 1) first."),
    Wrong("first_axis", """
def normalise(images, mean, std):
    result = images.clone()
    for c in range(3):
        result[c] = (images[c] - mean[c]) / std[c]
    return result
""",
          ask="What does the first index of `images` count?",
          explain="The first index of `images` counts the images, and here it goes through the numbers of the "
                  "channels. So whole images are taken for channels, and with fewer than three images the loop "
                  "stops with an error. The channel is the second index: images[:, c]."),
    Wrong("two_channels", """
def normalise(images, mean, std):
    result = images.clone()
    for c in range(2):
        result[:, c] = (images[:, c] - mean[c]) / std[c]
    return result
""",
          ask="Which channels does your code reach?",
          explain="One channel comes back as it was: range(2) gives 0 and 1, and the channels are 0, 1 and 2. A "
                  "loop over range(3), or one line for all channels at once, reaches the third as well."),
    Wrong("all_means_on_all_channels", """
def normalise(images, mean, std):
    for c in range(3):
        images = (images - mean[c]) / std[c]
    return images
""",
          ask="How many means are taken away from the first channel?",
          explain="Each turn of the loop works on the whole images, so every channel loses all three means and is "
                  "divided by all three deviations. Mean number c belongs to channel number c alone."),
    Wrong("divided_by_255", [("= images -", "= images / 255 -")],
          ask="Between which two numbers do the pixels lie that come in?",
          explain="The pixels are divided by 255, as one does with whole numbers from 0 to 255. These are floats "
                  "from 0 to 1 already, and the mean and the deviation belong to that scale: nothing is left of a "
                  "pixel of 0.6 but 0.002."),
    Wrong("times_255", [("= images -", "= images * 255 -")],
          ask="On which scale were `mean` and `std` computed?",
          explain="The pixels are brought to 0 to 255 first, and a mean such as 0.45 is then next to nothing. Mean "
                  "and deviation were computed for pixels from 0 to 1, the scale in which the images come in."),
    Wrong("clamped", """
def normalise(images, mean, std):
    result = (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    return result.clamp(0, 1)
""",
          ask="Can a pixel that is darker than the mean be right after normalising?",
          explain="The result is cut off at 0 and at 1. A pixel below the mean becomes a negative number, and one "
                  "far above it a number greater than 1; both are meant to be there, and here they are lost."),
    Wrong("absolute", [("= images - mean[:, None, None]", "= (images - mean[:, None, None]).abs()")],
          ask="What becomes of a pixel that is darker than the mean?",
          explain="Every difference is made positive, so a pixel 0.1 below the mean comes out like one 0.1 above "
                  "it. Darker pixels become negative numbers: that is how the channel lies around 0."),
    Wrong("swapped", """
def normalise(images, mean, std):
    return (images - std[:, None, None]) / mean[:, None, None]
""",
          ask="Which of the two numbers is taken away, and which is divided by?",
          explain="Mean and deviation have changed places: the deviation is taken away and the mean divides. Where "
                  "the mean is 0 that even gives infinity. The mean says where the pixels lie, the deviation how "
                  "far they spread."),
    Wrong("min_max", """
def normalise(images, mean, std):
    return (images - images.min()) / (images.max() - images.min())
""",
          ask="What do `mean` and `std` do in your function?",
          explain="The pixels are stretched between the smallest and the largest of the batch, and `mean` and "
                  "`std` are not used. So the same image comes out differently beside a brighter one. Take the "
                  "given mean away, and divide by the given deviation."),
    Wrong("unit_length", """
def normalise(images, mean, std):
    return F.normalize(images - mean[:, None, None], dim=1)
""",
          ask="What does F.normalize make equal to 1?",
          explain="F.normalize gives each vector the length 1, here the three numbers of each pixel, and it does "
                  "not know `std`. What is asked for is a division of each channel by its own deviation."),
    Wrong("channels_in_front", """
def normalise(images, mean, std):
    return torch.stack([(images[:, c] - mean[c]) / std[c] for c in range(3)])
""",
          ask="Along which dimension are the channels put together?",
          explain="torch.stack puts its new dimension first, so the result has the shape (3, N, H, W). The "
                  "channels are the second dimension: dim=1."),
    Wrong("list_of_images", """
def normalise(images, mean, std):
    return [(image - mean.view(3, 1, 1)) / std.view(3, 1, 1) for image in images]
""",
          ask="What kind of object comes back?",
          explain="A list came back, with one tensor for each image. A tensor of the same shape as `images` is "
                  "asked for. The formula works on all images at once, so no loop is needed; torch.stack would "
                  "join the list."),
    Wrong("reshaped_back", """
def normalise(images, mean, std):
    last = (images.permute(0, 2, 3, 1) - mean) / std
    return last.reshape(images.shape)
""",
          ask="Does `reshape` put the channels back to where they were?",
          explain="The channels were brought to the last place, and `reshape` does not bring them back: it keeps all "
                  "numbers in their order and only cuts them into other rows, so pixels and channels get mixed. "
                  "`permute(0, 3, 1, 2)` moves a dimension."),
]
# fmt: on

EXERCISE = Exercise(
    "warm_up",
    lesson="00",
    defines="normalise",
    observe=observe,
    start="Write the two steps for one number first: subtract, then divide. Then the shapes: PyTorch lines them up "
    "from the right, and three numbers would meet the width. Which shape brings them to the channels? "
    "`tensor.view` gives a tensor another shape.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "view": """
def normalise(images, mean, std):
    return (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
""",
        "four dimensions": """
def normalise(images, mean, std):
    return (images - mean.reshape(1, -1, 1, 1)) / std.reshape(1, -1, 1, 1)
""",
        "unsqueeze": """
def normalise(images, mean, std):

    mean, std = mean.unsqueeze(1).unsqueeze(2), std.unsqueeze(1).unsqueeze(2)
    return images / std - mean / std
""",
        "channels last and back": """
def normalise(images, mean, std):
    return ((images.permute(0, 2, 3, 1) - mean) / std).permute(0, 3, 1, 2)
""",
        "a loop over a copy": """
def normalise(images, mean, std):

    result = images.clone()
    for channel in range(3):
        result[:, channel] -= mean[channel]
        result[:, channel] /= std[channel]
    return result
""",
        "torchvision": """
def normalise(images, mean, std):

    from torchvision.transforms.functional import normalize
    return normalize(images, mean.tolist(), std.tolist())
""",
        "channel by channel": """
def normalise(images, mean, std):
    channels = [(channel - m) / s for channel, m, s in zip(images.unbind(1), mean, std)]
    return torch.stack(channels, dim=1)
""",
        "width and channels change places": """
def normalise(images, mean, std):
    turned = images.transpose(1, 3)
    return torch.div(torch.sub(turned, mean), std).transpose(1, 3)
""",
        "image by image": """
def normalise(images, mean, std):
    result = torch.empty_like(images)
    for n, image in enumerate(images):
        for c in range(image.shape[0]):
            result[n, c] = (image[c] - mean[c].item()) / std[c].item()
    return result
""",
    },
    unknown={
        "always two": """
def normalise(images, mean, std):
    return (images - mean.view(3, 1, 1)) / 2
""",
    },
    again={
        "only the mean reshaped": (
            "no_reshape",
            """
def normalise(images, mean, std):
    mean = mean.view(3, 1, 1)
    return (images - mean) / std
""",
        ),
        "a loop over the input itself": (
            "in_place",
            """
def normalise(images, mean, std):

    for channel in range(3):
        images[:, channel] = (images[:, channel] - mean[channel]) / std[channel]
    return images
""",
        ),
    },
)
