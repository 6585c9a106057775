"""The interactive parts: every setting answers, answers are true, and without controls the fixed page stands there."""

import functools
import importlib.util
import itertools
import json
import math
import re
from types import SimpleNamespace

import IPython
import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_course import explorers
from resnet_course.explorers import controls, gradient, shapes, shortcuts
from resnet_course.inspection import count_multiply_adds, count_parameters
from resnet_course.models import BasicBlock, PlainBlock

VIEW = "application/vnd.jupyter.widget-view+json"

SHORTCUT_SETTINGS = list(
    itertools.product((16, 32, 64), (16, 32, 64), (1, 2), ("none", *"ABCD"), (2, 8, 32)),
)
SHAPE_SETTINGS = list(
    itertools.product(shapes.NETWORKS, ("cifar", "imagenet"), shapes.SIZES, ("adaptive", "fixed")),
)


NORMS = {"plain 56": [2 ** (27 - i / 2) for i in range(55)], "residual 56": [1.0] * 54 + [0.5]}


def call_all() -> None:
    explorers.shortcut_explorer()
    explorers.shape_tracer()
    explorers.gradient_explorer(NORMS)


@pytest.fixture
def notebook(monkeypatch):
    """As in a kernel to which a front end is connected: what would be displayed, by MIME type."""
    plt.switch_backend("agg")  # before there is a shell that matplotlib would hook into; ipywidgets 7, too
    if importlib.util.find_spec("ipywidgets") is not None:
        importlib.import_module("ipywidgets")
    displayed: list[dict] = []
    message = {"content": {"allow_stdin": True}}
    shell = SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda: message))
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: displayed.append(data))
    monkeypatch.delenv("RESNET_COURSE_WIDGETS", raising=False)
    return SimpleNamespace(displayed=displayed, message=message)


def draw_and_close(answer: controls.Answer) -> None:
    drawn = answer.draw()
    plt.close(getattr(drawn, "figure", drawn))


# --- The mechanism


def test_a_notebook_gets_controls_fixed_page_and_text_in_one_output(notebook) -> None:
    pytest.importorskip("ipywidgets")
    call_all()
    bundles = notebook.displayed[1::2]  # each after the first answer, which an output widget takes
    assert len(bundles) == 3
    for bundle in bundles:
        assert set(bundle) == {VIEW, "text/html", "text/plain"}
        assert bundle[VIEW]["version_major"] == 2
        assert bundle[VIEW]["version_minor"] == 0
        assert isinstance(bundle[VIEW]["model_id"], str)
        alts = re.findall(r'<img [^>]*alt="([^"]*)"', bundle["text/html"])
        assert len(alts) >= 4
        assert all(len(alt) > 40 for alt in alts)
        assert len(bundle["text/plain"].splitlines()) >= 8
    assert not plt.get_fignums()


@pytest.mark.parametrize("why", ["not installed", "switched off", "headless"])
def test_without_controls_only_the_fixed_part_is_shown(notebook, monkeypatch, why: str) -> None:
    if why == "not installed":
        find_spec = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ipywidgets" else find_spec(name))
    elif why == "switched off":
        monkeypatch.setenv("RESNET_COURSE_WIDGETS", "0")
    else:
        notebook.message["content"]["allow_stdin"] = False
    explorers.shortcut_explorer()
    (bundle,) = notebook.displayed
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/html"].count("<img ") == 5
    assert "must match the size of tensor b (8)" in bundle["text/html"]


def test_outside_a_notebook_the_answers_are_printed(capsys) -> None:
    call_all()
    printed = capsys.readouterr().out
    assert "RuntimeError: The size of tensor a (4) must match the size of tensor b (8)" in printed
    assert "stride 2, shortcut option B, image size 8×8" in printed
    assert "layer4" in printed
    assert "<" not in printed
    assert not plt.get_fignums()


def last_shown(notebook: SimpleNamespace) -> str:
    return notebook.displayed[-1]["text/html"]


def test_moving_a_control_changes_the_answer_and_answers_are_remembered(notebook) -> None:
    ipywidgets = pytest.importorskip("ipywidgets")
    asked = []

    def answer(colour: str, number: int, only: int) -> controls.Answer:
        asked.append((colour, number, only))
        return controls.Answer((f"{colour} <{number}>",), plt.figure, "an empty figure")

    choices = {
        "colour": controls.Control("colour", {"red": "r", "blue": "b"}),
        "number": controls.Control("a long number", {f"no. {n}": n for n in range(8)}),
        "only": controls.Control("only", {"one": 1}),
    }
    start = {"colour": "r", "number": 3, "only": 1}
    panel, place = controls.with_controls(functools.cache(answer), choices, start).children
    assert isinstance(place, ipywidgets.Output)
    colour, number = panel.children  # one option is nothing to choose
    assert isinstance(colour, ipywidgets.ToggleButtons)
    assert isinstance(number, ipywidgets.SelectionSlider)
    assert [colour.description, number.description] == ["colour:", "a long number:"]
    assert "r &lt;3&gt;" in last_shown(notebook)
    colour.value = "b"
    number.value = 7
    assert "b &lt;7&gt;" in last_shown(notebook)
    assert 'alt="an empty figure"' in last_shown(notebook)
    colour.value, number.value = "r", 3
    assert "r &lt;3&gt;" in last_shown(notebook)
    assert asked == [("r", 3, 1), ("b", 3, 1), ("b", 7, 1), ("r", 7, 1)]
    assert start == {"colour": "r", "number": 3, "only": 1}


def test_each_explorer_follows_its_controls(notebook, monkeypatch) -> None:
    pytest.importorskip("ipywidgets")
    boxes: list = []
    monkeypatch.setattr(controls, "_page", lambda macro, *values: str(values))  # the fixed page has another test
    monkeypatch.setattr(controls, "show_widget", lambda box, page, text: boxes.append(box))
    call_all()
    for panel, _ in (box.children for box in boxes):
        for row in panel.children:
            before = last_shown(notebook)
            row.value = next(value for _, value in row.options if value != row.value)
            assert last_shown(notebook) != before, row.description
            assert last_shown(notebook).count("<img ") == 1


def test_random_numbers_files_and_journal_stay_as_they_were(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESNET_COURSE_JOURNAL", str(tmp_path / "journal.json"))
    torch.manual_seed(7)
    before = torch.get_rng_state()
    call_all()
    draw_and_close(shortcuts.describe_shortcut(16, 64, 2, "C", 8))
    assert torch.equal(torch.get_rng_state(), before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("attended", [True, False])
def test_a_real_kernel_with_and_without_a_reader(monkeypatch, attended: bool) -> None:
    manager = pytest.importorskip("jupyter_client.manager")
    pytest.importorskip("ipywidgets")
    monkeypatch.delenv("RESNET_COURSE_WIDGETS", raising=False)
    kernels, client = manager.start_new_kernel(kernel_name="python3")
    bundles, code = [], "from resnet_course import explorers; explorers.shortcut_explorer()"

    def collect(message: dict) -> None:
        if message["msg_type"] == "display_data":
            bundles.append(message["content"]["data"])

    try:
        reply = client.execute_interactive(code, allow_stdin=attended, output_hook=collect, timeout=120)
    finally:
        client.stop_channels()
        kernels.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok"
    *inside, bundle = bundles
    assert [VIEW in each for each in inside] == [False] * attended  # the answer that the output widget takes
    assert (VIEW in bundle) == attended
    assert "<img " in bundle["text/html"]


def test_a_saved_page_shows_the_fixed_part(notebook) -> None:
    nbformat, nbconvert = pytest.importorskip("nbformat"), pytest.importorskip("nbconvert")
    pytest.importorskip("ipywidgets")
    explorers.shortcut_explorer()
    output = nbformat.v4.new_output("display_data", data=notebook.displayed[-1])
    cell = nbformat.v4.new_code_cell("explorers.shortcut_explorer()", execution_count=1, outputs=[output])
    page, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert "A dashed line carries x around F(x)" in page
    assert VIEW not in page


# --- Lesson 07: the shortcut


@pytest.mark.parametrize("option", ["none", *"ABCD"])
def test_every_shortcut_answers_what_a_really_run_block_does(option: str) -> None:
    for setting in SHORTCUT_SETTINGS:
        in_planes, planes, stride, its_option, image_size = setting
        if its_option != option:
            continue
        answer = shortcuts.describe_shortcut(*setting)
        draw_and_close(answer)
        error, shape, weights = run_block(*setting)
        assert answer.error == error, setting
        assert f"x (1, {in_planes}, {image_size}, {image_size})" in answer.lines[0]
        if error is None:
            assert f"sum {shape}." in answer.lines[0], setting
            small = (image_size + stride - 1) // stride
            wrong = shape != (1, planes, small, small)
            assert ("No error, and wrong" in answer.text) == wrong, setting
            assert wrong or f"{weights:,} parameters" in answer.lines[1], setting


def run_block(in_planes, planes, stride, option, image_size) -> tuple[str | None, tuple[int, ...] | None, int]:
    """The error as a learner would see it, or the shape of the sum, and the number of parameters of the shortcut."""
    x = torch.randn(1, in_planes, image_size, image_size)
    try:
        if option == "none":
            plain = PlainBlock(in_planes, planes, stride).eval()
            return None, tuple((plain.transform(x) + x).shape), 0
        block = BasicBlock(in_planes, planes, stride, shortcut=option).eval()
        return None, tuple(block(x).shape), count_parameters(block.shortcut)
    except (RuntimeError, ValueError) as error:
        return f"{type(error).__name__}: {error}", None, 0


def test_the_questions_of_lesson_07_have_answers() -> None:
    answers = {setting: shortcuts.describe_shortcut(*setting) for setting in SHORTCUT_SETTINGS}
    no_option_a = {setting for setting, answer in answers.items() if (answer.error or "").startswith("ValueError")}
    assert no_option_a == {s for s in SHORTCUT_SETTINGS if s[3] == "A" and s[1] < s[0]}
    needless = {setting for setting, answer in answers.items() if "although x would fit" in answer.text}
    assert needless == {s for s in SHORTCUT_SETTINGS if s[3] == "C" and s[0] == s[1] and s[2] == 1}
    averaged = {setting for setting, answer in answers.items() if "the mean of each 2×2" in answer.text}
    assert averaged == {s for s in SHORTCUT_SETTINGS if s[3] == "D" and s[2] == 2}
    silent = {setting for setting, answer in answers.items() if "No error, and wrong" in answer.text}
    assert silent == {s for s in SHORTCUT_SETTINGS if s[3] == "none" and s[0] == s[1] and s[2] == 2 and s[4] == 2}


def test_the_drawing_of_a_shortcut_that_does_not_fit_names_both_shapes() -> None:
    ax = shortcuts.describe_shortcut(16, 32, 2, "none", 8).draw()
    words = {text.get_text() for text in ax.texts}
    plt.close(ax.figure)
    assert {"x as it is\n16 × H × W", "32 × H/2 × W/2", "error"} <= words
    assert "ReLU(F(x))" not in words


# --- Lesson 06: the gradient


def test_the_gradient_comes_back_step_by_step_and_only_its_way_so_far_is_drawn() -> None:
    answer, choices, start, shown = explorers.gradient_parts(NORMS, "one batch")
    layers = list(choices["layer"].options.values())
    assert (layers[0], layers[-1], len(layers)) == (55, 1, 10)
    assert start == {"layer": 55}
    assert len(shown) == 4
    assert shown[-1] == {"layer": 1}
    for layer in layers:
        found = answer(layer=layer)
        assert f"plain 56: in convolution {layer} of 55" in found.lines[0]
        assert f"back to number {layer}," in found.alt
        assert ("lesson 03" in found.text) == (layer == 1)
        ax = found.draw()
        numbers = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 55]
        title, limits = ax.get_title(loc="left"), ax.get_ylim()
        plt.close(ax.figure)
        assert [sum(map(math.isfinite, values)) for values in numbers] == [56 - layer] * 2
        assert title.endswith(f"convolution {layer}")
        assert limits == (0.25, 2**28)


def test_the_first_convolution_is_judged_by_the_definition_of_lesson_03() -> None:
    lines = gradient.GradientAnswers({**NORMS, "gone": [1e-6] * 54 + [1.0]}, None)(1).lines
    assert lines[0].endswith("134,217,728 times that in the last one. By the definition of lesson 03 it explodes.")
    assert lines[1].endswith(
        "is 2 times that in the last one. By the definition of lesson 03 it neither vanishes nor explodes."
    )
    assert lines[2].endswith("it vanishes.")


def test_networks_of_different_depth_have_no_common_way_back() -> None:
    with pytest.raises(ValueError, match=r"got \[2, 55\]"):
        explorers.gradient_parts({**NORMS, "short": [1.0, 2.0]})


# --- Lesson 08: shapes


@pytest.mark.complete
def test_every_network_stem_size_and_pooling_answers() -> None:
    for setting in SHAPE_SETTINGS:
        answer = shapes.trace_network(*setting)
        draw_and_close(answer)
        names = [row[0] for row in answer.table[1:]]
        assert names[:5] == ["stem", "layer1", "layer2", "layer3", "layer4"]
        assert (names[-1] == "linear") == (answer.error is None), setting
        assert all(f"{name} " in answer.alt for name in names)


@pytest.mark.parametrize(
    ("network", "stem", "size"),
    [
        ("ResNet-18", "cifar", 32),
        ("ResNet-18", "cifar", 64),
        ("ResNet-18", "cifar", 80),
        ("ResNet-18", "imagenet", 96),
        ("ResNet-18", "imagenet", 256),
        ("ResNet-50", "imagenet", 224),
        ("ResNet-50", "imagenet", 32),
    ],
)
def test_the_shape_trace_is_that_of_the_real_network(network: str, stem: str, size: int) -> None:
    model = shapes.NETWORKS[network](10, stem).eval()
    answer = shapes.trace_network(network, stem, size, "adaptive")
    rows = {row[0]: row[1:] for row in answer.table}
    with torch.no_grad():
        maps = model.pool1(F.relu(model.bn1(model.conv1(torch.zeros(1, 3, size, size)))))
        assert rows["stem"][0] == "×".join(map(str, maps.shape[1:]))
        for index, stage in enumerate(model.stages, start=1):
            maps = stage(maps)
            assert rows[f"layer{index}"][:2] == ("×".join(map(str, maps.shape[1:])), f"{count_parameters(stage):,}")
        work = count_multiply_adds(model, (3, size, size))
        assert f"{count_parameters(model):,} parameters, {work / 1e9:.3f} G multiply-adds" in answer.lines[0]
        fixed = shapes.trace_network(network, stem, size, "fixed")
        said = None
        try:
            nn.Linear(2048 * maps.shape[1] // 512, 10)(F.avg_pool2d(maps, 4).flatten(1))
        except RuntimeError as error:
            said = f"RuntimeError: {error}"
        assert fixed.error == said
        assert ("read only" in fixed.text) == (said is None and maps.shape[-1] % 4 != 0)
        assert ("It fits" in fixed.text) == (said is None and maps.shape[-1] % 4 == 0)


def test_the_questions_of_lesson_05_have_answers() -> None:
    answers = {setting: shapes.trace_network(*setting) for setting in SHAPE_SETTINGS}
    fixed = {setting: answer for setting, answer in answers.items() if setting[3] == "fixed" and answer.error is None}
    assert {s[2] for s, answer in fixed.items() if "read only" in answer.text} == {80}
    assert {s[2] for s in fixed if s[1] == "imagenet"} == {256}
    assert any("the one position" in answer.text for answer in answers.values())
    sizes = {s[:2]: set() for s in SHAPE_SETTINGS}
    for setting, answer in answers.items():
        if setting[3] == "adaptive":
            sizes[setting[:2]].add(answer.lines[0].split(",")[0] + answer.lines[0].split(" parameters")[0])
    assert all(len(each) == 1 for each in sizes.values())


# --- The hills that can be turned


def test_hills_are_a_script_a_picture_and_words_and_fetch_nothing(notebook) -> None:
    surfaces = {"plain 56": [[0.01, 1.0], [10.0, 1e9]], "residual 56": [[1.0, 1.0], [1.0, float("inf")]]}
    explorers.landscape_relief(surfaces, (-1, 1), "Hills", "Two </script> seeds")
    (bundle,) = notebook.displayed
    assert set(bundle) == {"text/html", "text/plain", "image/png"}
    page = bundle["text/html"]
    assert f'src="data:image/png;base64,{bundle["image/png"]}"' in page
    assert page.count("<canvas ") == 2
    assert page.count("</script>") == 2  # that of the caption is no tag
    assert not re.search(r"https?:|src=\"(?!data:)", page)
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page)[1])
    assert data["side"] == 2
    assert data["heights"][0][::3] == [0, 255]
    assert data["heights"][1][3] == 255
    assert not plt.get_fignums()


def test_outside_a_notebook_hills_show_nothing(capsys) -> None:
    explorers.landscape_relief({"a": [[1.0, 1.0], [1.0, 1.0]]}, (-1, 1), "Hills")
    assert capsys.readouterr().out == ""
    assert not plt.get_fignums()
