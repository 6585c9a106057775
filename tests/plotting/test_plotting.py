"""Figures: the right types and words, no overlapping names, readable HTML, clear errors."""

from __future__ import annotations

import base64
import re
import warnings
from itertools import combinations, pairwise
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Annotation, Text

from resnet_course import plotting
from resnet_course.base import language
from resnet_course.plotting import display, style
from resnet_course.plotting.labels import EndLabels, spread
from resnet_course.plotting.style import luminance, styles_for, text_colour

NETWORKS = ("plain 8", "plain 20", "plain 56", "plain 18", "residual 20", "residual 56", "ResNet-18", "TinyVGG")
CLASSES = ("disc", "ring", "half disc", "two bars")


@pytest.fixture(autouse=True)
def _page():
    """The course's style without a window."""
    plt.switch_backend("Agg")
    with mpl.rc_context():
        plotting.use_style()
        yield


def record(epochs: int = 4, validation: bool = True, **changes: list) -> SimpleNamespace:
    """A history; without validation its validation curves are empty."""
    curves = {"loss": list(np.linspace(2, 0.2, epochs)), "acc": list(np.linspace(0.1, 0.9, epochs))}
    parts = {f"{part}_{name}": curve for name, curve in curves.items() for part in ("train", "val")}
    empty = {} if validation else {"val_loss": [], "val_acc": []}
    return SimpleNamespace(**{**parts, **empty, **changes})


def names_of(ax: Axes) -> list[Annotation]:
    """The names at the ends of the lines, as drawn."""
    ax.figure.canvas.draw()
    return [name for child in ax.get_children() if isinstance(child, EndLabels) for name in child.names]


def words_in(figure: Figure) -> str:
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.findobj(Text) if text.get_visible()]
    return " | ".join(text.replace("\n", " ") for text in texts if text)


def assert_apart(texts: list[Text]) -> None:
    """The texts neither overlap nor leave their figure, which is drawn."""
    figure = texts[0].figure
    boxes = [Text.get_window_extent(text, figure.canvas.get_renderer()) for text in texts]
    assert not [(first, second) for first, second in combinations(boxes, 2) if first.overlaps(second)]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1 + 1


# style


def test_use_style_sets_sharp_and_large_defaults():
    assert mpl.rcParams["savefig.dpi"] == 200
    assert mpl.rcParams["font.size"] >= 12


def test_families_differ_in_dash_and_every_network_in_colour_or_marker():
    styles = {name: plotting.network_style(name) for name in NETWORKS}
    assert set(styles["plain 8"]) == {"color", "marker", "linestyle"}
    assert {styles[name]["linestyle"] for name in NETWORKS if name.startswith("plain")} == {"--"}
    assert {styles[name]["linestyle"] for name in ("residual 20", "residual 56", "ResNet-18")} == {"-"}
    assert len({(style["color"], style["marker"]) for style in styles.values()}) == len(NETWORKS)
    for group in (NETWORKS[:3], NETWORKS[3:], ("A", "B", "C"), ("train", "validation")):
        assert len({plotting.network_style(name)["color"] for name in group}) == len(group)


def test_longer_names_keep_the_colour_of_their_network():
    assert plotting.network_style("plain 56, seed 1")["color"] == plotting.network_style("plain 56")["color"]
    assert plotting.network_style("ResNet-18 (recipe)")["color"] == plotting.network_style("ResNet-18")["color"]
    assert plotting.network_style("plain 5")["linestyle"] == "--"
    assert plotting.network_style("Another") == plotting.network_style("Another")


def test_styles_in_one_figure_differ():
    names = ["plain 56", "plain 56, lr 0.1", "plain 56, lr 0.01", "linear", "mlp", "forest", "plain 32", "ResNet-34"]
    styles = styles_for(names)
    assert list(styles) == names
    assert styles["plain 56"] == plotting.network_style("plain 56")
    assert len({(style["color"], style["marker"]) for style in styles.values()}) == len(names)


@pytest.mark.parametrize("name", [*NETWORKS, "anything"])
def test_names_can_be_read_on_white(name):
    colour = text_colour(plotting.network_style(name)["color"])
    assert 1.05 / (luminance(to_rgb(colour)) + 0.05) >= 4.5


# names at the ends of lines


@pytest.mark.parametrize("wanted", [[5.0], [5, 5, 5], [0, 100, 50, 52], [100, 99, 98, 97, 96, 95]])
def test_spread_separates_and_stays_inside(wanted):
    centres = spread(wanted, [10] * len(wanted), 0, 100)
    ordered = np.sort(centres)
    assert all(upper - lower >= 10 - 1e-9 for lower, upper in pairwise(ordered))
    assert ordered[0] >= 5 - 1e-9
    assert ordered[-1] <= 95 + 1e-9
    assert (np.argsort(centres, kind="stable") == np.argsort(wanted, kind="stable")).all()


def test_spread_leaves_labels_with_room_alone_and_overflows_evenly():
    assert spread([20.0, 80.0], [10, 10], 0, 100).tolist() == [20, 80]
    assert spread([50.0] * 3, [40] * 3, 0, 100).tolist() == [10, 50, 90]


@pytest.mark.parametrize("width", [4.0, 7.0])
def test_names_never_overlap(width):
    _, ax = plt.subplots(figsize=(width, 4.2), layout="constrained")
    series = {name: [1.0, 0.2 + 0.001 * index] for index, name in enumerate(NETWORKS[:6])}
    plotting.lines(series, "Close together", "epoch", "loss", guesses={"plain 8": 0.2, "plain 20": 0.9}, ax=ax)
    names = names_of(ax)
    assert len(names) == 8
    assert_apart(names)
    ax.set_ylim(0, 40)  # names follow later changes
    assert_apart(names_of(ax))


def test_long_names_are_broken():
    ax = plotting.lines({"a network with a really long name": [1, 2]}, "Long", "epoch", "loss")
    assert "\n" in names_of(ax)[0].get_text()


# curves


def test_lines_has_title_labels_names_and_guess():
    series = {"plain 20": torch.tensor([0.8, 0.4, 0.2]), "plain 56": [0.9, 0.85, 0.8]}
    ax = plotting.lines(
        series, "Deeper is worse", "epoch", "error", guesses={"plain 20": None, "plain 56": 0.1}, y_limits=(0, 1)
    )
    assert isinstance(ax, Axes)
    assert (ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()) == ("Deeper is worse", "epoch", "error")
    assert [name.get_text() for name in names_of(ax)] == ["plain 20", "plain 56", "your guess for\nplain 56: 0.1"]
    assert ax.get_ylim() == (0, 1)
    drawn = {line.get_label(): line for line in ax.lines}
    assert drawn["plain 56"].get_color() == plotting.network_style("plain 56")["color"]
    assert list(drawn["plain 20"].get_xdata()) == [1, 2, 3]
    assert ax.lines[-1].get_markerfacecolor() == "none"


def test_lines_takes_bands_places_and_lines_that_stop_early():
    ax = plotting.lines({"A": [1, 2, 3]}, "Bands", "depth", "error", x=[8, 20, 56], bands={"A": ([0, 1, 2], [2, 3, 4])})
    assert len(ax.collections) == 1
    assert list(ax.get_xticks()) == [8, 20, 56]
    ax = plotting.lines({"A": [1, 2, 3], "B": [1]}, "Early", "epoch", "loss")
    assert len(names_of(ax)) == 2
    ax = plotting.lines({"A": [1, float("nan")], "B": [1, float("inf")]}, "Diverged", "epoch", "loss")
    assert_apart(names_of(ax))


def test_lines_draws_into_given_axes():
    _, (left, right) = plt.subplots(1, 2, layout="constrained")
    title = "A long title that needs several lines in so narrow a place"
    assert plotting.lines({"A": [1, 2]}, title, "epoch", "loss", ax=right) is right
    assert not left.lines
    assert "\n" in right.get_title(loc="left")


def test_profile_fits_networks_of_different_depth():
    ax = plotting.profile({"plain 20": [1, 0.1], "plain 56": [10, 1, 0.1, 0.01]}, "Gradients", y_label="norm")
    assert ax.get_yscale() == "log"
    for line in ax.lines:
        assert (line.get_xdata()[0], line.get_xdata()[-1]) == (0, 1)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["first layer", "middle", "last layer"]


def test_history_of_one_network_names_both_lines_and_marks_the_best_epoch():
    figure = plotting.history({"ResNet-18": record(val_loss=[2, 0.5, 0.7, 0.9])}, "Overfits after epoch 2")
    assert isinstance(figure, Figure)
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel(), accuracy.get_xlabel()) == ("loss", "accuracy", "epoch")
    assert loss.get_title(loc="left") == "Overfits after epoch 2"
    assert {name.get_text() for name in names_of(loss)} == {"training", "validation"}
    assert {line.get_linestyle() for line in loss.lines if len(line.get_xdata()) > 1} == {"--", "-"}
    assert [line.get_xdata() for line in loss.lines if len(line.get_xdata()) == 1] == [[2]]
    assert "ResNet-18" in words_in(figure)


@pytest.mark.parametrize(
    ("histories", "names"),
    [
        ({"plain 18": record(3), "ResNet-18": record(5)}, ["plain 18", "ResNet-18"]),
        ({"plain 18": record(validation=False)}, ["training"]),
    ],
)
def test_history_names_each_of_several_networks_once_and_no_curve_that_is_not_there(histories, names):
    for ax in plotting.history(histories, "A title").axes:
        assert [name.get_text() for name in names_of(ax)] == names
        assert_apart(names_of(ax))


def test_bars_write_their_numbers():
    ax = plotting.bars({"A": 0.8, "B": 0.9}, "Little differs", "accuracy", errors={"A": 0.01}, number_format="{:.2f}")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["A", "B"]
    assert [text.get_text() for text in ax.texts] == ["0.80", "0.90"]
    assert ax.get_xlabel() == "accuracy"
    assert ax.get_xlim()[0] == 0
    low, high = ax.get_ylim()
    assert low > high  # the first on top


def test_negative_bars_keep_clear_of_the_names():
    ax = plotting.bars({"faster": 3, "slower": -1}, "Change", "seconds")
    ax.figure.canvas.draw()
    number = Text.get_window_extent(ax.texts[1])
    assert number.x0 > ax.get_yticklabels()[1].get_window_extent().x1


# images


@pytest.mark.parametrize("images", [torch.randint(0, 256, (12, 3, 8, 8), dtype=torch.uint8), torch.rand(12, 1, 8, 8)])
def test_image_grid_shows_every_image_and_label(images):
    labels = [CLASSES[index % 4] for index in range(12)]
    figure = plotting.image_grid(images, labels, columns=5, title="Twelve")
    assert isinstance(figure, Figure)
    (ax,) = figure.axes
    assert len(ax.images) == 12
    assert {image.get_interpolation() for image in ax.images} == {"nearest"}
    assert [text.get_text().replace("\n", " ") for text in ax.texts] == labels
    assert ax.get_title(loc="left") == "Twelve"


def test_image_grid_labels_do_not_overlap():
    figure = plotting.image_grid(torch.rand(20, 3, 8, 8), ["automobile", "half disc"] * 10)
    figure.canvas.draw()
    assert_apart(figure.axes[0].texts)


def test_mistakes_show_the_surest_first():
    predicted, actual = torch.tensor([1, 1, 2, 3]), torch.tensor([0, 1, 0, 2])
    confidences = torch.tensor([0.6, 1.0, 0.98, 0.7])
    figure = plotting.mistakes(torch.rand(4, 3, 8, 8), predicted, actual, confidences, CLASSES, count=2)
    (ax,) = figure.axes
    words = [text.get_text().replace("\n", " ") for text in ax.texts]
    assert words == ["disc, said half disc 0.98", "half disc, said two bars 0.70"]


def test_no_mistake_is_said_in_words():
    right = torch.tensor([0, 1])
    figure = plotting.mistakes(torch.rand(2, 3, 8, 8), right, right, torch.ones(2), CLASSES)
    assert "no mistake among these 2 images" in words_in(figure)


def test_confusion_matrix_writes_readable_counts():
    ax = plotting.confusion_matrix(torch.tensor([[50, 3], [0, 40]]), ["disc", "ring"], "Discs pass for rings")
    assert isinstance(ax, Axes)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("class that the network said", "true class")
    cells = {(int(text.get_position()[1]), int(text.get_position()[0])): text for text in ax.texts}
    assert {place: text.get_text() for place, text in cells.items()} == {(0, 0): "50", (0, 1): "3", (1, 1): "40"}
    assert (cells[0, 0].get_color(), cells[0, 1].get_color()) == ("black", "white")


def test_confusion_matrix_of_many_classes():
    names = [f"class number {index}" for index in range(20)]
    ax = plotting.confusion_matrix(np.full((20, 20), 1000), names, "Twenty")
    ax.figure.canvas.draw()
    assert len(ax.texts) == 400
    assert ax.get_xticklabels()[0].get_rotation() == 45
    cell = ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0]
    assert ax.texts[0].get_window_extent().width < cell
    assert not plotting.confusion_matrix(np.eye(21, dtype=int), [*names, "one more"], "21").texts


# drawings


def test_shape_trace_writes_shapes_and_names_apart():
    rows = [("input", (3, 32, 32)), ("layer1", (64, 32, 32)), ("layer2", (128, 16, 16)), ("layer3", (256, 8, 8))]
    rows += [("layer4", (512, 4, 4)), ("average pooling", (512,)), ("linear", (10,))]
    figure = plotting.shape_trace(rows, "From image to logits")
    words = words_in(figure)
    for expected in ("64 × 32 × 32", "512", "average pooling", "From image to logits"):
        assert expected in words
    assert_apart(figure.axes[0].texts)


def test_a_network_is_drawn_block_by_block_with_its_shortcuts():
    rows = [("image", (3, 224, 224)), ("stem", (64, 56, 56)), ("layer1", (256, 56, 56)), ("layer2", (512, 28, 28))]
    rows += [("pool", (512, 1, 1)), ("flatten", (512,)), ("linear", (10,))]
    figure = plotting.network_diagram(rows, {"layer1": 3, "layer2": 4}, "Two stages")
    (axes,) = figure.axes
    assert_apart(axes.texts)
    around = [patch for patch in axes.patches if type(patch).__name__ == "PathPatch"]
    assert len(around) == 7
    assert [patch.get_linestyle() for patch in around].count("--") == 2
    words = figure.course_words
    assert "Blocks: layer1 3, layer2 4." in words
    assert "projected in the first block of layer1, layer2." in words


def test_a_stage_that_keeps_the_shape_needs_no_projection():
    rows = [("stem", (64, 32, 32)), ("layer1", (64, 32, 32))]
    assert "nowhere projected" in plotting.network_diagram(rows, {"layer1": 2}, "One").course_words


@pytest.mark.parametrize(
    ("arguments", "present", "absent"),
    [
        (("plain", 64, 64), ["Plain block", "ReLU(F(x)) "], ["identity", "1×1"]),
        (("basic", 64, 64), ["Residual block", "identity", "ReLU(F(x) + x)"], ["1×1", "zero"]),
        (("basic", 64, 128, 2), ["1×1 conv 64 → 128, stride 2", "128 × H/2 × W/2"], ["identity"]),
        (("basic", 16, 32, 2, "padding"), ["every 2nd pixel, + 16 zero channels"], ["1×1", "identity"]),
        (("basic", 16, 32, 2, "average"), ["mean of 2×2", "1×1 conv 16 → 32 batch norm"], ["zero", "identity"]),
        (("bottleneck", 256, 64), ["1×1 conv 256 → 64", "3×3 conv 64 → 64", "1×1 conv 64 → 256", "identity"], []),
    ],
)
def test_block_diagram_says_what_is_in_the_block(arguments, present, absent):
    ax = plotting.block_diagram(*arguments)
    assert isinstance(ax, Axes)
    # The two lines of a box are two texts, drawn one after the other.
    words = words_in(ax.figure).replace(" | ", " ")
    assert [word for word in present if word not in words] == []
    assert [word for word in absent if word in words] == []


def test_text_fits_into_its_box():
    ax = plotting.block_diagram("bottleneck", 1024, 512, 2)
    ax.figure.canvas.draw()
    inch = ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0]
    assert max(text.get_window_extent().width for text in ax.texts if "stride" in text.get_text()) < 1.6 * inch


def test_block_diagrams_stand_side_by_side_at_one_height():
    specs = [{"kind": "plain", "in_planes": 64, "planes": 64}, {"kind": "basic", "in_planes": 64, "planes": 64}]
    figure = plotting.block_diagrams([*specs, {**specs[1], "title": "Mine"}], title="Only the shortcut differs")
    assert len(figure.axes) == 3
    assert figure.axes[2].get_title(loc="left") == "Mine"
    assert "Only the shortcut differs" in words_in(figure)
    heights = [next(t.get_position()[1] for t in ax.texts if "3×3" in t.get_text()) for ax in figure.axes]
    assert len(set(heights)) == 1


def test_the_growing_network_has_its_old_and_its_new_blocks_in_three_rows():
    ax = plotting.growing_network(before=3, after=9)
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    words = words_in(ax.figure)
    assert len(boxes) == 27
    assert sum(box.get_linestyle() == "--" for box in boxes) == 18
    assert len({round(box.get_y(), 3) for box in boxes}) == 3
    assert "20 layers grow to 56" in words
    assert "6 new blocks" in words
    assert "3 blocks of the network of 20 layers, then 6 dashed blocks" in ax.figure.course_words
    with pytest.raises(ValueError, match="got 3 and 3"):
        plotting.growing_network(3, 3)


@pytest.mark.parametrize(
    ("a", "b", "title", "words"),
    [
        (
            (32, 4, 4),
            (16, 8, 8),
            "3 of 3 dimensions do not fit",
            ["= error", "✗ clash", "✗ clash, the one in the error"],
        ),
        ((32, 8, 8), (16, 8, 8), "1 of 3 dimensions do not fit", ["✗ clash, the one in the error", "✓ equal"]),
        ((16, 1, 1), (16, 2, 2), "no error, and 2 of 3 are stretched", ["= 16 × 2 × 2", "! stretched", "✓ equal"]),
        ((512, 64, 64), (256, 128, 128), "3 of 3 dimensions do not fit", ["512", "128"]),
        ((8, 4, 6), (8, 4, 6), "the shapes are equal", ["= 8 × 4 × 6", "✓ equal"]),
    ],
)
def test_a_sum_of_shapes_says_what_pytorch_does(a, b, title, words):
    ax = plotting.shape_sum({"F(x)": a, "x": b})
    assert ax.get_title(loc="left").replace("\n", " ") == f"F(x) + x: {title}"
    texts = [text.get_text() for text in ax.texts]
    assert [word for word in words if word not in texts] == []
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
    try:
        total = tuple((torch.zeros(a) + torch.zeros(b)).shape)
        assert f"= {' × '.join(map(str, total))}" in texts
    except RuntimeError as error:
        named = int(str(error)[-1])  # of (C, H, W), the batch not counted
        clashes = [text for text in texts if text.startswith(("✗", "✓", "!"))]
        assert [text.endswith("the one in the error") for text in clashes] == [index == named for index in range(3)]


def test_the_boxes_of_a_sum_are_to_scale():
    ax = plotting.shape_sum({"F(x)": (32, 4, 4), "x": (16, 8, 8)})
    (long, low), (short, high) = (np.ptp(ax.patches[box].get_xy(), axis=0) for box in (0, 3))
    assert long == pytest.approx(2 * short)
    assert high == pytest.approx(2 * low)
    assert long / low == pytest.approx(32 / 4)


@pytest.mark.parametrize(
    ("kernels", "title"),
    [
        ([3, 3], "Two 3×3 convolutions see 5×5 pixels"),
        ([3, 3, 3], "Three 3×3 convolutions see 7×7 pixels"),
        ([5], "One 5×5 convolution sees 5×5 pixels"),
        ([7, 3, 1], "7×7, 3×3 and 1×1 convolutions see 9×9 pixels"),
    ],
)
def test_receptive_field_says_its_size(kernels, title):
    ax = plotting.receptive_field(kernels)
    assert ax.get_title(loc="left") == title
    size = re.search(r"see[s]? (\d+)", title)[1]
    assert f"{size} pixels" in words_in(ax.figure)


# in a notebook


def test_show_gives_an_escaped_sharp_picture_and_closes_it(displayed):
    assert plotting.show(plotting.bars({"A": 1}, "t", "x"), "3 seeds <b>", 'error < 0.5 & "falling"') is None
    (bundle,) = displayed
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == 'Figure: error < 0.5 & "falling"'
    assert 'alt="error &lt; 0.5 &amp; &quot;falling&quot;"' in bundle["text/html"]
    assert "<figcaption" in bundle["text/html"]
    assert "3 seeds &lt;b&gt;" in bundle["text/html"]
    assert "background:#ffffff" in bundle["text/html"]
    width = int(re.search(r'width="(\d+)"', bundle["text/html"])[1])
    assert 600 < width < 720
    assert not plt.get_fignums()


def test_show_without_caption_and_with_a_figure(displayed):
    assert plotting.show(plotting.block_diagram("plain", 8, 8).figure) is None
    (bundle,) = displayed
    assert bundle["text/plain"].startswith("Figure: A plain block without a shortcut: 3×3 conv, 8 → 8;")
    assert "figcaption" not in bundle["text/html"]


def test_show_outside_a_notebook_only_closes(capsys):
    assert plotting.show(plotting.bars({"A": 1}, "t", "x"), alt="one bar") is None
    assert not plt.get_fignums()
    assert capsys.readouterr().out == ""


# what cannot be drawn


def lines(series, **options):
    return plotting.lines(series, "t", "x", "y", **options)


IMAGES, NUMBERS = torch.rand(2, 3, 8, 8), torch.tensor([0, 1])
PART_OF_A_HISTORY = SimpleNamespace(train_loss=[1], val_loss=[], val_acc=[])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: lines({}), "nothing to draw"),
        (lambda: lines({"A": []}), "'A' is empty"),
        (lambda: lines({"A": [float("nan")]}), "no finite number"),
        (lambda: lines({"A": [1, 2]}, x=[1]), "x for 'A': expected 2, got 1"),
        (lambda: lines({"A": [1, 2]}, guesses={"B": 1}), "guesses for 'B', but the series are 'A'"),
        (lambda: lines({"A": [1, 2]}, bands={"B": ([1, 2], [1, 2])}), "bands for 'B'"),
        (lambda: lines({"A": [1, 2]}, bands={"A": ([1], [1, 2])}), "band of 'A': expected 2, got 1"),
        (lambda: lines({"A": [1, 0]}, log_y=True), "above 0"),
        (lambda: lines({"A": [1, 2]}, y_limits=(1, 0)), "low < high"),
        (lambda: plotting.profile({"A": [1, 0]}, "t"), "above 0"),
        (lambda: plotting.history({}, "t"), "at least one history"),
        (lambda: plotting.history({"A": PART_OF_A_HISTORY}, "t"), "no train_acc"),
        (lambda: plotting.history({"A": record(val_acc=[0.5])}, "t"), "differ in length"),
        (lambda: plotting.history({"A": record(train_acc=[0.5])}, "t"), "differ in length"),
        (lambda: plotting.bars({}, "t", "x"), "nothing to draw"),
        (lambda: plotting.bars({"A": float("nan")}, "t", "x"), "no finite"),
        (lambda: plotting.bars({"A": 1}, "t", "x", errors={"B": 1}), "errors for 'B'"),
        (lambda: plotting.bars({"A": 1}, "t", "x", errors={"A": -1}), "negative"),
        (lambda: plotting.bars({"A": 1}, "t", "x", errors={"A": (1, -1)}), "negative"),
        (lambda: plotting.image_grid(IMAGES[0]), r"must be \(N, 3, H, W\)"),
        (lambda: plotting.image_grid(IMAGES[:0]), "no image"),
        (lambda: plotting.image_grid(IMAGES - 2), "Normalised"),
        (lambda: plotting.image_grid(IMAGES, ["disc"]), "labels: expected 2, got 1"),
        (lambda: plotting.image_grid(IMAGES, columns=0), "columns"),
        (lambda: plotting.mistakes(IMAGES, NUMBERS[:1], NUMBERS, NUMBERS, CLASSES), "predicted: expected 2, got 1"),
        (lambda: plotting.mistakes(IMAGES, NUMBERS, NUMBERS, NUMBERS, ["disc"]), r"\[0, 0\]"),
        (lambda: plotting.confusion_matrix([[1, 2]], ["a"], "t"), "square"),
        (lambda: plotting.confusion_matrix([[0.5]], ["a"], "t"), "counts"),
        (lambda: plotting.confusion_matrix([[1]], ["a", "b"], "t"), "classes: expected 1, got 2"),
        (lambda: plotting.shape_trace([], "t"), "no stage"),
        (lambda: plotting.shape_trace([("a", (3, 32))], "t"), "shape of 'a'"),
        (lambda: plotting.shape_trace([("a", (3, 0, 4))], "t"), "shape of 'a'"),
        (lambda: plotting.network_diagram([], {}, "t"), "no stage"),
        (lambda: plotting.network_diagram([("a", (3, 4, 4))], {"a": 2}, "t"), "'a' has blocks"),
        (lambda: plotting.block_diagram("dense", 64, 64), "kind must be"),
        (lambda: plotting.block_diagram("basic", 64, 64, 1, "B"), "shortcut must be"),
        (lambda: plotting.block_diagram("basic", 64, 128, 1, "identity"), "identity cannot go from 64 to 128"),
        (lambda: plotting.block_diagram("basic", 64, 64, 1, "padding"), "nothing to pad"),
        (lambda: plotting.block_diagram("basic", 64, 32, 1, "average"), "nothing to average"),
        (lambda: plotting.shape_sum({"F(x)": (16, 8, 8)}), "two shapes"),
        (lambda: plotting.shape_sum({"F(x)": (16, 8, 8), "x": (16, 8)}), "two shapes"),
        (lambda: plotting.block_diagram("basic", 64, 32, 1, "padding"), "padding adds channels"),
        (lambda: plotting.block_diagram("plain", 64, 64, 1, "identity"), "no shortcut"),
        (lambda: plotting.block_diagram("basic", 0, 64), "start at 1"),
        (lambda: plotting.block_diagrams([]), "no block"),
        (lambda: plotting.receptive_field([]), "odd numbers"),
        (lambda: plotting.receptive_field([2]), "odd numbers"),
        (lambda: plotting.receptive_field([3, 0]), "odd numbers"),
        (lambda: plotting.receptive_field([31, 31]), "too wide"),
        (lambda: plotting.show(plotting.bars({"A": 1}, "t", "x"), alt=" "), "alt is empty"),
        (lambda: plotting.show(["a list"], "a bar"), "Figure or an Axes, got list"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(draw, message):
    with pytest.raises((ValueError, TypeError), match=message):
        draw()


def test_names_in_every_script_can_be_read_and_a_dollar_is_a_dollar(monkeypatch):
    monkeypatch.setattr(style, "_OTHER_SCRIPTS", ())  # as on a machine without such fonts
    monkeypatch.setitem(mpl.rcParams, "font.family", ["DejaVu Sans"])  # whatever ran before in this process
    assert style.readable("고양이 Müller été Да") == "goyangi Müller été Да"
    assert style.readable("US$ $x_") == r"US\$ \$x_"
    assert style.readable(style.readable("$")) == r"\$"
    assert style.readable("猫") != style.readable("犬")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plotting.confusion_matrix([[3, 1], [0, 4]], ["고양이", "US$ $x_"], "Which of the $ classes 猫")
        ax.figure.canvas.draw()
        plotting.bars({"강아지 $1 $2": 1.0}, "Bars", "x").figure.canvas.draw()
        plotting.image_grid(np.zeros((1, 3, 4, 4)), ["$a$ 개"]).canvas.draw()


def test_hangul_is_drawn_where_no_font_of_the_system_has_it(monkeypatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        font_manager.fontManager.addfont(Path(mpl.get_data_path(), "fonts", "ttf", name))
    monkeypatch.setattr(style, "_add_hangul", style._add_hangul.__wrapped__)
    style._can_draw.cache_clear()
    with mpl.rc_context({"font.family": ["DejaVu Sans"]}), warnings.catch_warnings():
        warnings.simplefilter("error")
        plotting.use_style()
        assert mpl.rcParams["font.family"] == ["DejaVu Sans", "Noto Sans CJK KR"]
        assert style.readable("학습 오류율, 깊이별") == "학습 오류율, 깊이별"
        plotting.bars({"강아지": 1.0}, "합성곱, 잔차", "오류율").figure.canvas.draw()
    style._can_draw.cache_clear()


def test_a_font_that_was_chosen_stays(monkeypatch):
    with mpl.rc_context():
        mpl.rcParams["font.family"] = ["DejaVu Serif"]
        plotting.use_style()
        plotting.use_style()
        assert mpl.rcParams["font.family"][0] == "DejaVu Serif"
        monkeypatch.setattr(style, "_OTHER_SCRIPTS", ("DejaVu Sans Mono", "no such font"))
        plotting.use_style()
        assert mpl.rcParams["font.family"].count("DejaVu Sans Mono") == 1
        assert "no such font" not in mpl.rcParams["font.family"]


def test_a_figure_without_a_font_for_hangul_has_its_english_words(tmp_path, monkeypatch) -> None:
    """And one with such a font has the Korean ones, those that the course draws itself too."""
    (tmp_path / "ko").mkdir()
    (tmp_path / "ko" / "package.po").write_text('msgid "training error"\nmsgstr "오류율"\n', encoding="utf-8")
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    monkeypatch.setenv(language.SETTING, "ko")
    caches = (language.languages, language._catalogues, language._translated)
    for has_font, seen in ((True, ["오류율", "오류율"]), (False, ["training error", "training error"])):
        for cache in caches:
            cache.cache_clear()
        monkeypatch.setattr(style, "_can_draw", lambda letter, families, all_of=has_font: all_of or letter.isascii())
        figure, ax = plt.subplots()
        ax.set(xlabel="오류율", ylabel="training error")
        display._translate(figure)
        assert [ax.get_xlabel(), ax.get_ylabel()] == seen
    for cache in caches:
        cache.cache_clear()
