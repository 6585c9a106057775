"""The ladder and the benchmark measure what they say. No test asks how fast anything is."""

import itertools
import json
import re
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import throughput
from resnet_course import plotting, runtime, speed
from resnet_course.data import Batches, ImageSet, make_shapes
from resnet_course.speed import rungs, stopwatch
from resnet_course.training import FLOAT32, Precision, fit, keep_freed_memory, train_step

CPU = torch.device("cpu")
LESSON = Path(__file__).parents[2] / "notebooks" / "sources" / "12_faster_wider.py"


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "device", lambda: CPU)
    monkeypatch.setattr(runtime, "precision", lambda: Precision(None, True))


def make_images(count: int = 24) -> ImageSet:
    return ImageSet(*make_shapes(count, 8), list(range(10)))


def make_model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))


def test_the_plain_loop_trains_as_the_courses_own_does() -> None:
    """The rungs may differ in speed only."""
    weights, figures = [], []
    for loop in (speed.plain_loop, train_step):
        torch.manual_seed(0)
        model = make_model()
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        figures.append(loop(model, Batches(make_images(), 10, shuffle=True), F.cross_entropy, optimizer))
        weights.append(torch.cat([parameter.flatten() for parameter in model.parameters()]))
    assert torch.equal(*weights)
    assert figures[0] == pytest.approx(figures[1], rel=1e-6)


def test_pictures_are_the_same_images_normalised_alike() -> None:
    dataset = make_images(7)
    mean, std = dataset.channel_statistics()
    one_by_one = speed.picture_loader(dataset, 4, 0, mean, std, training=False)
    at_once = Batches(dataset, 4, mean=mean, std=std)
    for (images, targets), (expected, labels) in zip(one_by_one, at_once, strict=True):
        torch.testing.assert_close(images, expected)
        assert torch.equal(targets, labels)


def test_pictures_are_shuffled_and_augmented_in_training() -> None:
    dataset = make_images(200)
    mean, std = dataset.channel_statistics()
    torch.manual_seed(0)
    images, targets = next(iter(speed.picture_loader(dataset, 200, 0, mean, std)))
    clean, _ = next(iter(Batches(dataset, 200, mean=mean, std=std)))
    assert not torch.equal(targets, dataset.targets)
    assert sorted(targets.tolist()) == sorted(dataset.targets.tolist())
    unchanged = sum(bool((image == clean).flatten(1).all(1).any()) for image in images)
    assert unchanged < 20  # most are moved or flipped


def test_every_setup_starts_from_the_same_weights() -> None:
    setups = [speed.Setup(rung, make_model, make_images(), batch_size=8) for rung in (speed.PLAIN, speed.ours())]
    assert all(map(torch.equal, *(setup.model.state_dict().values() for setup in setups)))


def ladder_names() -> list[str]:
    return [rung.name for rung in speed.default_rungs()]


def test_the_ladder_gives_a_row_a_rung_and_leaves_the_random_numbers_alone() -> None:
    state = torch.get_rng_state()
    rows = speed.ladder(make_model, make_images(), seconds=0.1, rounds=2, batch_size=8)
    assert torch.equal(torch.get_rng_state(), state)
    assert [row.name for row in rows] == ladder_names()
    for row in rows:
        assert 0 < row.slowest <= row.images_per_second <= row.fastest
        assert 0 < row.ratio_low <= row.ratio <= row.ratio_high
        assert row.warm_up > 0
        assert row.name in str(row)
    assert rows[0].ratio == rows[0].ratio_low == rows[0].ratio_high == 1


def test_bfloat16_is_a_rung_only_where_it_was_measured_to_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "bfloat16" not in ladder_names()
    monkeypatch.setattr(runtime, "precision", lambda: Precision(torch.bfloat16, True))
    assert ladder_names()[-1] == "bfloat16"
    assert speed.ours().precision.autocast is torch.bfloat16


def test_a_lesson_may_have_measured_whether_bfloat16_pays() -> None:
    assert [rung.name for rung in speed.default_rungs(True)] == [*ladder_names(), "bfloat16"]
    assert [rung.name for rung in speed.default_rungs(False)] == ladder_names()


def test_the_bars_of_the_lessons_ladder_show_the_numbers_that_it_prints(capsys: pytest.CaptureFixture) -> None:
    """The lesson's own cell, with rows whose error bars are not symmetric."""
    names = {"itertools": itertools, "plotting": plotting}
    exec("def judged" + LESSON.read_text(encoding="utf-8").split("def judged")[1].split("\nwords, axes")[0], names)
    seconds = {
        "plain loop": (4.0, 5.0, 4.0),
        "workers": (4.5, 4.8, 4.4),
        "set in memory": (3.0, 3.0, 3.5),
        "no waiting in the loop": (3.2, 3.1, 3.6),
        "channels_last": (1.0, 2.0, 2.0),
    }
    rows = [stopwatch._row(name, 100, taken, seconds["plain loop"], 1.0) for name, taken in seconds.items()]
    words, axes = names["show_ladder"](rows)
    printed = capsys.readouterr().out.splitlines()
    bars = [f"{bar.get_width():.2f}" for bar in axes.patches]
    ends = [[f"{x:.2f}" for x, _ in span.get_segments()[0]] for span in axes.collections]
    assert len(bars) == len(rows) == len(ends) + 1  # the plain loop is compared with itself
    for bar, line in zip(bars, printed, strict=True):
        assert re.search(rf" {bar} \(", line)
    for (low, high), line in zip(ends, printed[1:], strict=True):
        assert f"({low} to {high})" in line
    assert bars == [text.get_text() for text in axes.texts]
    assert words == {
        "workers": "cannot tell",
        "set in memory": "faster",  # than the plain loop
        "no waiting in the loop": "slower",
        "channels_last": "faster",
    }
    assert all(word in line for word, line in zip(words.values(), printed[1:], strict=True))


def test_the_setup_does_what_its_rung_says(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    kept: list[bool] = []
    monkeypatch.setattr(rungs, "keep_freed_memory", kept.append)
    for precision in (FLOAT32, Precision(torch.bfloat16, True)):
        rung = speed.Rung("one", keeps_memory=precision == FLOAT32, precision=precision, fused=True)
        setup = speed.Setup(rung, make_model, make_images(), make_images(5), batch_size=8)
        setup.model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        assert setup.optimizer.param_groups[0]["fused"]
        setup.epoch()
        layouts = {images.is_contiguous(memory_format=precision.memory_format) for images in seen}
        assert layouts == {True}
        assert [len(images) for images in seen] == [8, 8, 8, 5]
        seen.clear()
    assert kept == [True, True, False, False]  # training and measuring


def test_turns_go_forth_and_back_after_a_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    calls: list[str] = []

    def contestant(name: str, seconds: list[float]):
        def run() -> None:
            clock[0] += seconds[calls.count(name)]
            calls.append(name)

        return run

    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: clock[0])
    contestants = {"slow": contestant("slow", [9, 4, 2, 4]), "fast": contestant("fast", [3, 1, 1, 2])}
    slow, fast = speed.in_turns(contestants, images=8, rounds=3, where=CPU)
    assert calls == ["slow", "fast", "slow", "fast", "fast", "slow", "slow", "fast"]
    assert (slow.warm_up, fast.warm_up) == (9, 3)
    assert (slow.images_per_second, slow.slowest, slow.fastest) == (2, 2, 4)
    assert (fast.images_per_second, fast.slowest, fast.fastest) == (8, 4, 8)
    assert (fast.ratio, fast.ratio_low, fast.ratio_high) == (2, 2, 4)  # of the same round: 4/1, 2/1, 4/2
    assert slow.ratio == 1


def test_the_peak_is_a_number_of_multiply_adds() -> None:
    assert speed.matmul_peak(torch.float32, CPU, seconds=0.01) > 1e6


def test_keeping_freed_memory_can_be_switched_and_changes_no_result() -> None:
    images = torch.rand(64, 3, 32, 32)
    results = []
    try:
        for keep in (True, False, True):
            assert isinstance(keep_freed_memory(keep), bool)
            results.append(F.conv2d(images, torch.ones(8, 3, 3, 3)))
    finally:
        keep_freed_memory()
    assert all(torch.equal(result, results[0]) for result in results)


def test_fit_keeps_freed_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(sys.modules[fit.__module__], "keep_freed_memory", lambda: calls.append("kept"))
    model = make_model()
    fit(model, Batches(make_images(), 24), None, torch.optim.SGD(model.parameters(), 0.1), F.cross_entropy, epochs=2)
    assert calls == ["kept"]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_without_glibc_freed_memory_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr("resnet_course.base.memory.sys.platform", platform)
    assert not keep_freed_memory()


@pytest.mark.complete
def test_the_benchmark_prints_tables_and_writes_the_same_figures(tmp_path: Path, capsys) -> None:
    file = tmp_path / "figures.json"
    small = "--networks residual20 --rounds 1 --seconds 0.01 --batch-size 5 --image-size 8 --peak-seconds 0.01"
    assert throughput.main([*small.split(), "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["machine"]["threads"] == str(torch.get_num_threads())
    assert all(f"{name}: {value}" in printed for name, value in report["machine"].items())
    assert [result["what"] for result in report["results"]] == ["forward", "step", "epoch"]
    assert report["results"][-1]["images"] >= 8 * 5  # an epoch is eight batches at least
    for result in report["results"]:
        assert throughput.WHAT[result["what"]] in printed
        assert [row["name"] for row in result["rows"]] == ["plain loop", "workers", "ours"]
        for row in result["rows"]:
            assert f"{row['name']:<12}{row['images_per_second']:>9,.0f}" in printed
            assert row["share_of_peak"] > 0


def test_the_share_of_the_peak_counts_every_multiply_add(monkeypatch: pytest.MonkeyPatch) -> None:
    """One layer, 3 x 10 multiply-adds an image, forward and backward, at a pretended speed and peak."""
    monkeypatch.setitem(throughput.NETWORKS, "tiny", lambda: nn.Sequential(nn.Flatten(), nn.Linear(3, 10)))
    monkeypatch.setattr(speed, "matmul_peak", lambda *_: 1_800.0)
    monkeypatch.setattr(speed, "in_turns", lambda *_: [speed.Row("ours", 10, 10, 10, 1, 1, 1, 0)])
    options = throughput._parser().parse_args(["--image-size", "1", "--batch-size", "2", "--seconds", "0.001"])
    images = ImageSet(make_shapes(4, 8)[0][:, :, :1, :1], torch.zeros(4, dtype=torch.int64), ["a"])
    shares = [
        throughput.measure("tiny", what, images, options)["rows"][0]["share_of_peak"] for what in ("forward", "step")
    ]
    assert shares == pytest.approx([10 * 30 / 1_800, 3 * 10 * 30 / 1_800])
