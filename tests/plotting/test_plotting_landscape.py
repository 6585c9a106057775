"""The loss around a network, as a map and as hills, and the squares of correlations."""

import pytest
import torch

from resnet_course import plotting


def test_maps_share_one_scale_and_survive_infinite_losses() -> None:
    surface = torch.tensor([[0.01, 1.0, 5.0], [2.0, 0.1, 1e9], [float("inf"), float("nan"), 3.0]])
    figure = plotting.landscapes({"plain 20": surface, "residual 20": surface + 1}, (-1, 0, 1), "A title")
    maps = [ax for ax in figure.axes if ax.get_title(loc="left")]
    assert [ax.get_title(loc="left") for ax in maps] == ["plain 20", "residual 20"]
    scales = {(ax.collections[0].norm.vmin, ax.collections[0].norm.vmax) for ax in maps}
    assert scales == {(0.03, 100.0)}
    assert any(text.get_text() == "1" for text in maps[0].texts)


def test_a_flat_surface_is_drawn_without_lines() -> None:
    figure = plotting.landscapes({"flat": torch.ones(3, 3)}, (-1, 0, 1), "Flat")
    assert not figure.axes[0].texts


@pytest.mark.parametrize(
    ("surfaces", "steps", "levels", "match"),
    [
        ({}, (0, 1), (1, 2), "nothing to draw"),
        ({"a": torch.ones(2, 3)}, (0, 1), (1, 2), "square"),
        ({"a": torch.ones(2, 2)}, (0, 1, 2), (1, 2), "steps"),
        ({"a": torch.ones(2, 2)}, (1, 0), (1, 2), "low to high"),
        ({"a": torch.ones(2, 2)}, (0, 1), (0, 2), "levels"),
        ({"a": torch.ones(2, 2)}, (0, 1), (2, 1), "levels"),
    ],
)
def test_a_figure_that_does_not_fit_is_refused(surfaces, steps, levels, match) -> None:
    with pytest.raises(ValueError, match=match):
        plotting.landscapes(surfaces, steps, "A title", levels=levels)


def test_hills_have_the_heights_of_the_map_and_words() -> None:
    figure = plotting.landscape_hills(
        {"plain 20": torch.full((3, 3), 10.0), "b": torch.ones(3, 3)}, (-1, 0, 1), "Hills"
    )
    first, second = (ax for ax in figure.axes)
    assert first.get_zlim() == second.get_zlim() == pytest.approx((-1.52, 2), abs=0.01)
    assert "plain 20 from 10 to 10" in figure.course_words
    with pytest.raises(ValueError, match="nothing to draw"):
        plotting.landscape_hills({}, (0, 1), "Hills")


def test_correlations_share_one_scale_and_say_what_is_on_the_diagonal() -> None:
    figure = plotting.correlations({"a": torch.eye(4), "b": -torch.ones(3, 3)}, "A title", "after", "before")
    images = [ax.images[0] for ax in figure.axes if ax.images]
    assert {image.get_clim() for image in images} == {(-1, 1)}
    assert "a: mean 1.00 on the diagonal, 0.00 without sign beside it" in figure.course_words
    with pytest.raises(ValueError, match="square"):
        plotting.correlations({"a": torch.ones(2, 3)}, "A title", "", "")
