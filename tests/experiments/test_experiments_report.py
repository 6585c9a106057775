"""Reports and lists from made-up records: nothing is trained here."""

import json
from pathlib import Path

import pytest
from experiments_helpers import error_by_depth, write_plan

from resnet_course.base.errors import CourseError
from resnet_course.course import cli
from resnet_course.experiments import PLANS, SHIPPED, find_out, list_plans, load_records, write_report
from resnet_course.experiments.plans import Run, find_plan
from resnet_course.experiments.reproducing import seconds_left

PNG = b"\x89PNG"


def luck(run: Run) -> float:
    """1 or -1, in turn from seed to seed."""
    return (-1) ** (run.seed + len(run.network))


@pytest.mark.parametrize("name", [name for name in PLANS if name != "degradation"])
def test_every_plan_has_a_report_with_its_figures(name: str, tmp_path: Path) -> None:
    write_plan(tmp_path, name, error=lambda run: 0.5 + run.seed / 10)
    page = write_report(name, "shapes", tmp_path / "report", tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {name} on shapes")
    for figure in page.parent.glob("*.png"):
        assert figure.read_bytes().startswith(PNG)
        assert f"({figure.name})" in text
    assert list(page.parent.glob("*.png"))
    for network in {run.network for run in find_plan(name)}:
        assert f"| {network} |" in text
    assert ("No network can have a lower training error than 0.200" in text) == (name == "long-training")
    assert ("where a long training would end" in text) == (name != "long-training")
    seeds = len({run.seed for run in find_plan(name)})
    assert ("One seed of each network, so" if seeds == 1 else f"{seeds} seeds") in text


def test_the_degradation_report_is_computed_from_the_numbers(tmp_path: Path) -> None:
    write_plan(tmp_path, "degradation")
    text = write_report("degradation", "shapes", tmp_path / "report", tmp_path).read_text(encoding="utf-8")
    assert "| plain 20 | 5 | 0.1020 (0.1000 – 0.1040) | 0.1220 (0.1200 – 0.1240) | 10.0 (10.0 – 10.0) |" in text
    assert "| residual 20 | 8.75 | 11." in text
    assert "| residual 110 | 6.43 | not run |" in text
    assert "No number here can be compared with a published one" in text
    assert text.count("**reproduced**") == 7
    assert "64, Adam, one-cycle learning rate up to 0.001" in text


@pytest.mark.parametrize(
    ("name", "error", "found"),
    [
        ("degradation", lambda run: 0.9 - error_by_depth(run), "NNNNNNN"),
        ("degradation", lambda run: 0.5 if run.network == "residual 32" else error_by_depth(run), "YYYNYYN"),
        ("degradation", lambda run: 0.5 + 0.1 * luck(run), "??????N"),
        ("shortcuts", lambda run: 0.1 + 0.1 * run.network.endswith("C") + luck(run) / 1000, "?Y?Y?Y?"),
        ("starts", lambda run: 0.5 - 0.2 * (run.start == "identity") + luck(run) / 100, "Y???"),
    ],
)
def test_verdicts_follow_the_numbers(tmp_path: Path, name: str, error, found: str) -> None:
    write_plan(tmp_path, name, error=error)
    verdicts = [finding.verdict for finding in find_out(name, load_records(name, "shapes", tmp_path))]
    words = {"Y": "reproduced", "N": "not reproduced", "?": "cannot tell"}
    assert verdicts == [words[letter] for letter in found]


def test_a_report_of_photographs_says_what_they_are(tmp_path: Path) -> None:
    write_plan(tmp_path, "degradation", "photographs")
    text = write_report("degradation", "photographs", tmp_path / "report", tmp_path).read_text(encoding="utf-8")
    assert "Ours: `photographs`, 790 steps" in text
    assert "never with published ones" in text
    assert "a network with one seed shows no spread" in text


def test_the_shortcuts_on_photographs_with_option_a_from_another_plan(tmp_path: Path) -> None:
    write_plan(tmp_path, "shortcuts", "photographs", error=lambda run: 0.1 + run.seed / 100)
    findings = find_out("shortcuts", load_records("shortcuts", "photographs", tmp_path))
    assert "option B 0.140, option A 0.140; difference +0.000 ± 0.000 (5 seeds, 95 %)" in findings[0].numbers
    text = write_report("shortcuts", "photographs", tmp_path / "report", tmp_path).read_text(encoding="utf-8")
    assert "| residual 20 | usual | 5 |" in text


def test_the_report_of_a_recipe_says_what_it_adds(tmp_path: Path) -> None:
    write_plan(tmp_path, "recipe", error=lambda run: 0.5)
    text = write_report("recipe", "shapes", tmp_path / "report", tmp_path).read_text(encoding="utf-8")
    assert "label smoothing 0.1, random flips and shifts up to 2 pixels" in text
    assert "no augmentation" not in text
    assert "Verdicts" not in text  # it tests no claim


@pytest.mark.parametrize(("dataset", "said"), [("cifar10", "CIFAR-10's own"), ("my-jpegs", "those of `my-jpegs`")])
def test_the_report_says_what_the_images_are(tmp_path: Path, dataset: str, said: str) -> None:
    write_plan(tmp_path, "degradation", dataset)
    text = write_report("degradation", dataset, tmp_path / "report", tmp_path).read_text(encoding="utf-8")
    assert said in text
    assert f"Ours: `{dataset}`" in text


def test_records_of_different_images_are_pointed_out(tmp_path: Path) -> None:
    folder = write_plan(tmp_path, "eighteen")
    path = folder / find_plan("eighteen")[0].file_name
    record = json.loads(path.read_text(encoding="utf-8"))
    record["data"]["sha256"] = "1" * 64
    path.write_text(json.dumps(record), encoding="utf-8")
    assert "not all made on the same images" in write_report("eighteen", "shapes", tmp_path, tmp_path).read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(("damage", "word"), [("", "damaged"), (None, "missing")])
def test_a_report_does_not_guess(tmp_path: Path, damage: str | None, word: str, capsys) -> None:
    folder = write_plan(tmp_path, "degradation")
    path = folder / find_plan("degradation")[7].file_name
    path.unlink() if damage is None else path.write_text(damage, encoding="utf-8")
    with pytest.raises(CourseError, match=rf"{path.name} is {word}"):
        write_report("degradation", "shapes", tmp_path / "report", tmp_path)
    assert not (tmp_path / "report").exists()
    options = ["--results", str(tmp_path), "--no-run", "--report", str(tmp_path / "report")]
    assert cli.main(["reproduce", "degradation", *options]) == 2
    assert f"{path.name} is {word}" in capsys.readouterr().err


def test_the_command_writes_a_report_and_prints_the_verdicts(tmp_path: Path, capsys) -> None:
    write_plan(tmp_path, "degradation")
    options = ["--results", str(tmp_path), "--report", str(tmp_path / "reports"), "--figure", str(tmp_path / "f.png")]
    assert cli.main(["reproduce", "degradation", *options]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("50 records of degradation")
    assert shown.count("reproduced: ") == 7
    assert (tmp_path / "reports" / "degradation_shapes" / "report.md").is_file()
    assert (tmp_path / "f.png").read_bytes().startswith(PNG)


def test_the_list_shows_what_is_recorded_and_what_is_left(tmp_path: Path, capsys) -> None:
    folder = write_plan(tmp_path, "degradation", "my-photos")
    (folder / find_plan("degradation", "my-photos")[0].file_name).unlink()
    assert cli.main(["reproduce", "--list", "--results", str(tmp_path), "--jobs", "1"]) == 0
    rows = {tuple(line.split()[:2]): line.split()[2:] for line in capsys.readouterr().out.splitlines() if line}
    assert rows["degradation", "my-photos"] == ["30", "29", "0.2"]  # one run of 10 seconds
    assert rows["degradation", "shapes"][:2] == ["50", "0"]
    assert float(rows["degradation", "shapes"][2]) >= 0
    for name in PLANS:
        assert (name, "shapes") in rows


def test_the_list_says_when_a_file_is_not_valid(tmp_path: Path) -> None:
    path = write_plan(tmp_path, "eighteen") / find_plan("eighteen")[0].file_name
    path.write_text("{}", encoding="utf-8")
    (row,) = [line for line in list_plans(tmp_path) if line.startswith("eighteen ")]
    assert f"{path.name}: must contain ['configuration'," in row


def test_an_estimate_counts_work_and_jobs(tmp_path: Path) -> None:
    write_plan(tmp_path, "degradation")
    (run, *_) = find_plan("degradation")
    assert seconds_left([run, run], tmp_path) == pytest.approx(20)
    assert seconds_left([run, run], tmp_path, jobs=2) == pytest.approx(10)
    longer = next(other for other in find_plan("inside") if other.network == "plain 20")
    assert seconds_left([longer], tmp_path) == pytest.approx(32)
    assert seconds_left([run], tmp_path / "empty") == pytest.approx(seconds_left([run], SHIPPED))


def test_without_a_plan_the_command_says_what_to_do(capsys) -> None:
    assert cli.main(["reproduce"]) == 2
    assert "reproduce --list` shows all" in capsys.readouterr().err
