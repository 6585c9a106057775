import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
import torch._dynamo  # noqa: F401 - as the first step of an optimizer does; it reads functions that are replaced here

from resnet_course import __version__, runtime
from resnet_course.base.errors import CourseError
from resnet_course.notebook.lessons import LESSONS, Speed, find_lesson, predict_seconds
from resnet_course.training import FLOAT32, Precision

CHANNELS_LAST, BFLOAT16 = Precision(None, True), Precision(torch.bfloat16, True)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A CPU without settings and with an empty cache folder, which is returned."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_: str(tmp_path / "cache"))
    runtime.precision.cache_clear()
    yield tmp_path / "cache"
    runtime.precision.cache_clear()


def use_gpu(monkeypatch: pytest.MonkeyPatch, memory: float = 15e9, major: int = 7) -> None:
    """A GPU, imitated."""
    properties = SimpleNamespace(total_memory=memory, major=major, name="a GPU")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: properties.name)


@pytest.mark.parametrize(
    ("gpu", "profile", "dataset", "expected"),
    [
        (False, None, None, ("quick", "shapes", "cpu")),
        (True, None, None, ("full", "cifar10", "cuda")),
        (True, "quick", None, ("quick", "shapes", "cuda")),
        (False, "full", None, ("full", "cifar10", "cpu")),
        (True, "smoke", None, ("smoke", "shapes", "cuda")),
        (False, None, "fashion_mnist", ("quick", "fashion_mnist", "cpu")),
        (True, None, "/some/photos", ("full", "/some/photos", "cuda")),
        (False, "", "", ("quick", "shapes", "cpu")),
    ],
)
def test_profile_follows_the_device_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, profile: str | None, dataset: str | None, expected: tuple
) -> None:
    if gpu:
        use_gpu(monkeypatch)
    for name, value in (("RESNET_COURSE_PROFILE", profile), ("RESNET_COURSE_DATASET", dataset)):
        if value is not None:
            monkeypatch.setenv(name, value)
    found = runtime.profile()
    assert (found.name, found.dataset, found.device.type) == expected
    assert found.pick(quick="small", full="large") == ("large" if expected[0] == "full" else "small")


@pytest.mark.parametrize(
    ("memory", "major", "name"),
    [(15e9, 7, "full"), (80e9, 9, "full"), (4e9, 8, "quick"), (11e9, 6, "quick")],
)
def test_a_small_or_old_gpu_takes_the_quick_profile(monkeypatch, memory: float, major: int, name: str) -> None:
    use_gpu(monkeypatch, memory, major)
    assert (runtime.profile().name, runtime.profile().device.type) == (name, "cuda")


def test_a_gpu_of_apple_takes_the_quick_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    here = runtime.profile()
    assert (here.name, here.dataset, here.device.type) == ("quick", "shapes", "mps")


def test_the_smoke_profile_trains_for_an_epoch_or_a_few_steps_on_few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_COURSE_PROFILE", "smoke")
    quick, full = runtime.Budget(images=2_000, image_size=16, epochs=5), runtime.Budget(50_000, 32, 20)
    assert runtime.profile().pick(quick, full) == runtime.Budget(images=100, image_size=16, epochs=1)
    in_steps = runtime.profile().pick(runtime.Budget(50, 16, steps=40), runtime.Budget(2_000, 16, steps=200))
    assert in_steps == runtime.Budget(images=50, image_size=16, steps=5)
    assert runtime.profile().pick(40, 200) == 40
    assert runtime.profile().pick(40, 200, smoke=4) == 4


@pytest.mark.parametrize("name", ["Quick", "fast", "1"])
def test_an_unknown_profile_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("RESNET_COURSE_PROFILE", name)
    with pytest.raises(CourseError, match=f"RESNET_COURSE_PROFILE is '{name}'; it must be 'smoke', 'quick' or 'full'"):
        runtime.profile()


Speeds = dict[Precision, float]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[Speeds], None]:
    """Replace the stopwatch by a table; a speed of 0 stands for a precision that cannot be computed."""

    def set_speeds(speeds: Speeds) -> None:
        def measure(precision: Precision, *_: object, **__: object) -> float:
            torch.rand(1)  # as making a model does
            if not speeds[precision]:
                raise RuntimeError("not implemented")
            return speeds[precision]

        monkeypatch.setattr(runtime, "measure_speed", measure)
        runtime.precision.cache_clear()

    return set_speeds


@pytest.mark.parametrize(
    ("speeds", "best"),
    [
        ((100, 200, 300), BFLOAT16),
        ((100, 200, 50), CHANNELS_LAST),
        ((100, 90, 80), FLOAT32),
        ((100, 110, 105), FLOAT32),  # too little gain to leave plain float32
        ((100, 200, 0), CHANNELS_LAST),
        ((100, 0, 0), FLOAT32),
        ((0, 0, 0), FLOAT32),
    ],
)
def test_precision_is_the_fastest_if_clearly_faster(pretend, speeds: tuple, best: Precision) -> None:
    pretend(dict(zip((FLOAT32, CHANNELS_LAST, BFLOAT16), speeds, strict=True)))
    assert runtime.precision() == best


FAST, SLOW = {FLOAT32: 1, CHANNELS_LAST: 2, BFLOAT16: 9}, {FLOAT32: 9, CHANNELS_LAST: 1, BFLOAT16: 1}


def test_the_choice_is_remembered_in_the_cache_folder(machine: Path, pretend) -> None:
    pretend(FAST)
    assert runtime.precision() == BFLOAT16
    assert list(machine.iterdir())
    pretend(SLOW)
    assert runtime.precision() == BFLOAT16


def test_another_number_of_threads_is_measured_anew_and_both_are_remembered(pretend, monkeypatch) -> None:
    pretend(FAST)
    assert runtime.precision() == BFLOAT16
    with monkeypatch.context() as patch:
        patch.setattr(torch, "get_num_threads", lambda: 77)
        pretend(SLOW)
        assert runtime.precision() == FLOAT32
    runtime.precision.cache_clear()
    assert runtime.precision() == BFLOAT16


CHOICES = ["float8", 5, None, ["bfloat16"], {"a": 1}]
FILES = [b"", b"{", b"[]", b"3", b"\xff\xfe\x00", '"texté"'.encode("latin1")]


@pytest.mark.parametrize("content", [*FILES, *CHOICES])
def test_a_broken_cache_file_or_choice_is_measured_anew(machine: Path, pretend, content: object) -> None:
    pretend(FAST)
    runtime.precision()
    (file,) = machine.iterdir()
    whole = (
        content
        if isinstance(content, bytes)
        else json.dumps(dict.fromkeys(json.loads(file.read_text(encoding="utf-8")), content))
    )
    file.write_bytes(whole if isinstance(whole, bytes) else whole.encode())
    pretend(SLOW)
    assert runtime.precision() == FLOAT32
    pretend(FAST)
    assert runtime.precision() == FLOAT32  # and the file is whole again


def test_a_cache_folder_that_cannot_be_written_is_no_obstacle(machine: Path, pretend) -> None:
    machine.write_text("a file where the folder should be", encoding="utf-8")
    pretend(FAST)
    assert runtime.precision() == BFLOAT16


def test_choosing_a_precision_leaves_the_random_numbers_alone(pretend) -> None:
    pretend(FAST)
    state = torch.get_rng_state()
    runtime.precision()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("precision", [FLOAT32, CHANNELS_LAST, BFLOAT16], ids=str)
def test_measured_speed_is_a_number_of_images(precision: Precision) -> None:
    assert runtime.measure_speed(precision, torch.device("cpu"), depth=8, batch_size=4, seconds=0.01) > 0


def test_preflight_shows_what_it_returns(pretend, capsys: pytest.CaptureFixture[str]) -> None:
    pretend(FAST)
    facts = runtime.preflight()
    shown = capsys.readouterr().out
    assert (facts["device"], facts["profile"], facts["data set"]) == ("CPU", "quick", "shapes")
    assert facts["torch"] == torch.__version__
    assert all(f"{name}: {value}" in shown for name, value in facts.items())
    assert "GPU is off" not in shown
    assert "takes the quick profile" not in shown
    rows = re.findall(r"^(\d\d) .* +([\d.]+) +([\d.]+) +([\d.]+)$", shown, re.MULTILINE)
    assert [number for number, *_ in rows] == [lesson.number for lesson in LESSONS]
    assert facts["minutes predicted"] == ", ".join(f"{number} {quick}" for number, _, quick, _ in rows)


@pytest.mark.parametrize(("device", "profile"), [("mps", "quick"), ("cuda", "full")])
def test_preflight_predicts_the_minutes_of_the_profile_of_a_gpu(monkeypatch, capsys, device: str, profile: str) -> None:
    if device == "cuda":
        use_gpu(monkeypatch)
    else:
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(runtime, "measure_speed", lambda *_, depth=20, **__: {20: 7_000, 8: 9_000, 18: 2_000}[depth])
    facts = runtime.preflight()
    shown = capsys.readouterr().out
    assert facts["profile"] == profile
    assert float(re.findall(r"05 ([\d.]+)", facts["minutes predicted"])[0]) == pytest.approx(
        predict_seconds(find_lesson("05"), Speed(7_000, 2_000), profile) / 60, abs=0.06
    )
    assert ("This GPU takes the quick profile" in shown) == (device == "mps")


@pytest.mark.parametrize(
    ("profile", "speed", "said"),
    [
        ("full", 7_000, "about 37 minutes here"),
        ("full", 1e6, ""),
        ("quick", 50, "about 7 minutes here"),
        ("quick", 900, ""),
        ("smoke", 1, ""),
    ],
)
def test_a_lesson_says_before_it_starts_that_it_takes_long(monkeypatch, capsys, profile, speed: float, said) -> None:
    use_gpu(monkeypatch)
    monkeypatch.setenv("RESNET_COURSE_PROFILE", profile)
    monkeypatch.setattr(runtime, "measure_speed", lambda *_, **__: speed)
    before = torch.get_rng_state()
    runtime.begin_lesson("05", __version__)
    assert torch.equal(torch.get_rng_state(), before)
    shown = capsys.readouterr().out
    assert said in shown
    assert bool(shown) == bool(said)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({}, math.inf),
    ],
)
def test_the_share_of_the_processor_that_a_container_has(tmp_path, files: dict[str, str], cores: float) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert runtime.share_of_processor(tmp_path) == cores


def test_a_lesson_takes_no_more_threads_than_it_has_cores(monkeypatch) -> None:
    taken = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 16)
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    for cores in (0.5, 2.9, math.inf):
        monkeypatch.setattr(runtime, "share_of_processor", lambda cores=cores: cores)
        runtime.begin_lesson("05", __version__)
    assert taken == [1, 2]


def test_a_notebook_of_another_version_says_so(capsys) -> None:
    runtime.begin_lesson("05", "0.0.9")
    assert f"It was made for 0.0.9, and {__version__} is installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("colab", "profile", "warning"),
    [
        (True, "quick", "GPU is off"),
        (False, "full", "full profile on a CPU"),
        (False, "smoke", "only that the cells run"),
    ],
)
def test_preflight_warns(pretend, capsys, monkeypatch, colab: bool, profile: str, warning: str) -> None:
    pretend(FAST)
    monkeypatch.setenv("RESNET_COURSE_PROFILE", profile)
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    runtime.preflight()
    assert warning in capsys.readouterr().out
