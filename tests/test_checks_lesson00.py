import textwrap

import pytest
import torch
from checks_helpers import assert_found, assert_verdict, make

from resnet_course import checks

EXERCISE = checks.EXERCISES["warm_up"]

RIGHT = {
    "view": "return (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)",
    "four dimensions": "return (images - mean.reshape(1, -1, 1, 1)) / std.reshape(1, -1, 1, 1)",
    "None": "return (images - mean[:, None, None]) / std[:, None, None]",
    "unsqueeze": """
        mean, std = mean.unsqueeze(1).unsqueeze(2), std.unsqueeze(1).unsqueeze(2)
        return images / std - mean / std
    """,
    "channels last and back": "return ((images.permute(0, 2, 3, 1) - mean) / std).permute(0, 3, 1, 2)",
    "a loop over a copy": """
        result = images.clone()
        for channel in range(3):
            result[:, channel] -= mean[channel]
            result[:, channel] /= std[channel]
        return result
    """,
    "torchvision": """
        from torchvision.transforms.functional import normalize
        return normalize(images, mean.tolist(), std.tolist())
    """,
}

# What people write who meet broadcasting for the first time, by the mistake that it is.
WRONG = {
    "no_reshape": "return (images - mean) / std",
    "over_height": "return (images - mean[:, None]) / std[:, None]",
    "mean_not_subtracted": "return images / std[:, None, None]",
    "not_divided": "return images - mean[:, None, None]",
    "multiplied": "return (images - mean[:, None, None]) * std[:, None, None]",
    "variance": "return (images - mean[:, None, None]) / (std * std)[:, None, None]",
    "root_of_std": "return (images - mean[:, None, None]) / torch.sqrt(std)[:, None, None]",
    "divided_first": """
        images = images / std.view(1, 3, 1, 1)
        return images - mean.view(1, 3, 1, 1)
    """,
    "brackets_missing": "return images - mean[:, None, None] / std[:, None, None]",
    "mean_added": "return (mean[:, None, None] + images) / std[:, None, None]",
    "one_global_number": """
        m, s = torch.mean(mean), torch.mean(std)
        return (images - m) / s
    """,
    "statistics_of_each_image": """
        mean = images.mean(dim=(2, 3), keepdim=True)
        std = images.std(dim=(-2, -1), keepdim=True)
        return (images - mean) / std
    """,
    "statistics_of_the_batch": """
        std, mean = torch.std_mean(images, dim=(0, 2, 3))
        return (images - mean[:, None, None]) / std[:, None, None]
    """,
    "in_place": """
        images -= mean.view(3, 1, 1)
        images /= std.view(3, 1, 1)
        return images
    """,
    "one_image_only": """
        for image in images:
            return (image - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    """,
    "returns_none": "result = (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)",
}


def answer(body: str) -> object:
    body = textwrap.indent(textwrap.dedent(body), "    ")
    return make(f"def normalise(images, mean, std):\n{body}", "normalise")


@pytest.mark.parametrize("way", RIGHT)
def test_right_answers_pass(way: str) -> None:
    assert_verdict("warm_up", answer(RIGHT[way]), "passed")


@pytest.mark.parametrize("mistake", EXERCISE.mistakes, ids=lambda mistake: mistake.id)
def test_each_mistake_is_named(mistake: checks.Mistake) -> None:
    assert_found("warm_up", mistake.implementation, mistake.id)
    assert_found("warm_up", answer(WRONG[mistake.id]), mistake.id)


def test_every_mistake_has_another_id_and_hint() -> None:
    assert len({mistake.id for mistake in EXERCISE.mistakes}) == len(EXERCISE.mistakes) == len(WRONG)
    assert len({mistake.hint for mistake in EXERCISE.mistakes}) == len(EXERCISE.mistakes)


def test_a_loop_over_the_input_itself_is_in_place() -> None:
    body = """
        for channel in range(3):
            images[:, channel] = (images[:, channel] - mean[channel]) / std[channel]
        return images
    """
    assert_found("warm_up", answer(body), "in_place")


def test_other_answers() -> None:
    assert_verdict("warm_up", answer("raise NotImplementedError"), "not_written")
    assert_verdict("warm_up", answer("return (images - mean.view(3, 1, 1)) / 2"), "failed", "unknown")
    assert_verdict("warm_up", answer("return 1 / 0"), "crashed", "unknown")
    assert_verdict("warm_up", answer("return images.tolist()"), "failed", "unknown")
    for wrong_kind in (None, 3, "normalise", torch.ones(3)):
        assert_verdict("warm_up", wrong_kind, "crashed", "unknown")


def test_the_arguments_of_the_check_stay_as_they_are() -> None:
    body = """
        mean += 1
        return images
    """
    assert_verdict("warm_up", answer(body), "failed", "unknown")
    assert_verdict("warm_up", answer(RIGHT["view"]), "passed")
