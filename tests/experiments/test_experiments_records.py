"""Plans and records: what is run, and what counts as a record of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from experiments_helpers import made_up_record, write_plan
from torch import nn

from resnet_course.base.errors import CourseError
from resnet_course.experiments import PLANS, SHIPPED, load_recorded, load_records
from resnet_course.experiments.inside import InsideRun
from resnet_course.experiments.plans import (
    AdamRun,
    RecipeRun,
    Run,
    build_network,
    dataset_name,
    find_plan,
)
from resnet_course.experiments.records import SCHEMA_FILE, check_record, missing_runs, read_record, record_path

PAIRS = [(name, dataset) for name in PLANS for dataset in ("shapes", "photographs")]
RUN = Run("plain 8", epochs=2)
PATH = Path("some/file.json")


@pytest.mark.parametrize(("name", "dataset"), PAIRS)
def test_a_plan_is_the_same_each_time_and_its_file_names_are_unique(name: str, dataset: str) -> None:
    runs = find_plan(name, dataset)
    assert runs == find_plan(name, dataset)
    assert len({run.file_name for run in runs}) == len(runs) > 0


def test_every_network_of_every_plan_can_be_built() -> None:
    for network in {run.network for name, dataset in PAIRS for run in find_plan(name, dataset)}:
        assert build_network(network, 7).linear.out_features == 7


@pytest.mark.parametrize("name", ["plain", "plain 20 E", "residual 20B", "ResNet-19", "plain 21"])
def test_no_such_network(name: str) -> None:
    with pytest.raises((CourseError, ValueError), match=r"network|depth"):
        build_network(name, 10)


def test_a_data_set_is_called_by_the_end_of_its_path(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert dataset_name("shapes") == "shapes"
    assert dataset_name(f"{tmp_path}/photos/") == "photos"
    assert dataset_name(".") == tmp_path.name


@pytest.mark.parametrize("name", list(PLANS))
def test_the_shipped_records_are_whole_and_made_on_the_same_images(name: str) -> None:
    records = load_records(name)
    assert [record["configuration"] for record in records] == [vars(run) for run in find_plan(name)]
    digests: dict[int, set[str]] = {}
    for record in records:
        digests.setdefault(record["configuration"]["image_size"], set()).add(record["data"]["sha256"])
    assert {len(found) for found in digests.values()} == {1}


def test_every_other_shipped_record_is_valid_too() -> None:
    """Those of data sets that cannot ship, whose plans may be recorded in part."""
    for name in PLANS:
        for folder in SHIPPED.glob(f"{name}_*"):
            runs = {run.file_name: run for run in find_plan(name, folder.name.removeprefix(f"{name}_"))}
            for path in folder.glob("*.json"):
                check_record(json.loads(path.read_text(encoding="utf-8")), runs[path.name], path)


def leaves(schema: dict[str, Any], start: str = "") -> Iterator[str]:
    for name, part in schema["properties"].items():
        yield from leaves(part, f"{start}{name}.") if "properties" in part else [f"{start}{name}"]


def test_the_readme_of_the_records_names_every_field() -> None:
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    fields = set(leaves(json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))))
    assert {f"configuration.{key}" for run in (RecipeRun, AdamRun) for key in vars(run("plain 8"))} <= fields
    assert [field for field in fields if f"`{field}`" not in text] == []


def test_a_record_of_schema_1_needs_no_images_per_second() -> None:
    record = made_up_record(RUN, schema=1)
    del record["images_per_second"]
    assert check_record(record, RUN, PATH) is record
    with pytest.raises(CourseError, match="images_per_second"):
        check_record(record | {"schema": 2}, RUN, PATH)


def changed(record: dict[str, Any], field: str, value: Any = None) -> dict[str, Any]:
    """The record with another value in a dotted field, or without the field."""
    record = place = json.loads(json.dumps(record))
    *parents, last = field.split(".")
    for parent in parents:
        place = place[parent]
    place[last] = value
    if value is None:
        del place[last]
    return record


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("schema", 3, "schema must be one of [1, 2], it is 3"),
        ("train_error", 1.5, "train_error must be smaller than or equal to 1, it is 1.5"),
        ("test_error", True, "test_error must be number, it is True"),
        ("train_loss", float("nan"), "train_loss must be number, it is 'NaN'"),
        ("train_loss", float("inf"), "train_loss must be number"),
        ("seconds", "12", "seconds must be number, it is '12'"),
        ("seconds", -1, "seconds must be bigger than or equal to 0"),
        ("images_per_second", [], "images_per_second must be number"),
        ("data.sha256", "abc", "data.sha256 must match pattern"),
        ("data.images", 2.5, "data.images must be integer"),
        ("curves.train_acc", [0.5, 2], "curves.train_acc[1] must be smaller than or equal to 1"),
        ("curves.train_loss", [0.5], "curves.train_loss has 1 numbers for 2 epochs"),
        ("precision", "", "precision must be longer"),
        ("machine", {}, "machine must contain ['device', 'processor', 'threads'] properties"),
        ("configuration", {}, "configuration must contain ['batch_size',"),
        ("configuration.seed", 1, "configuration.seed is 1, the plan says 0"),
        ("configuration.images", 500, "configuration.images is 500, the plan says 2000"),
    ],
)
def test_an_invalid_record_is_refused_by_file_and_field_and_not_taken_for_missing(
    field: str, value: Any, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(changed(made_up_record(RUN), field, value)), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        read_record(path, RUN)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("run", "field", "value"),
    [
        (InsideRun("plain 8"), "inside.one", [0.5, 1.5]),
        (InsideRun("plain 8"), "inside.guessing", "0.1"),
        (InsideRun("plain 8"), "inside.landscape.losses", [[1.0, -1.0]]),
        (InsideRun("plain 8"), "inside.landscape.steps", [float("inf")]),
        (RecipeRun("plain 8"), "configuration.label_smoothing", 0.2),
    ],
)
def test_what_a_run_measures_beside_its_errors_is_checked_too(run: Run, field: str, value: Any) -> None:
    record = made_up_record(run)
    assert check_record(record, run, PATH) is record
    parent, name = field.rsplit(".", 1)
    for wrong, said in ((field, value), field), ((field,), name), ((parent,), parent.split(".")[-1]):
        with pytest.raises(CourseError, match=said):
            check_record(changed(record, *wrong), run, PATH)


def test_a_list_is_no_record() -> None:
    with pytest.raises(CourseError, match="must be object"):
        check_record([], RUN, PATH)


def test_a_half_written_file_does_not_count_and_another_record_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / RUN.file_name
    assert read_record(path, RUN) is None
    whole = json.dumps(made_up_record(RUN))
    path.write_text(whole[:200], encoding="utf-8")
    assert read_record(path, RUN) is None
    path.write_text(whole, encoding="utf-8")
    assert read_record(path, RUN) == json.loads(whole)
    with pytest.raises(CourseError, match="the plan says 3"):
        read_record(path, Run("plain 8", epochs=3))


def test_loading_names_what_is_missing_damaged_and_not_valid(tmp_path: Path) -> None:
    folder = write_plan(tmp_path, "eighteen")
    assert len(load_records("eighteen", "shapes", tmp_path)) == 20
    first, second, third, *_ = find_plan("eighteen")
    (folder / first.file_name).unlink()
    (folder / second.file_name).write_text("{", encoding="utf-8")
    (folder / third.file_name).write_text(json.dumps(made_up_record(third, train_error=-1)), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        load_records("eighteen", "shapes", tmp_path)
    message = str(caught.value)
    assert "3 of 20 records of the plan eighteen on shapes cannot be used" in message
    assert f"{first.file_name} is missing" in message
    assert f"{second.file_name} is damaged" in message
    assert f"{third.file_name}: train_error" in message
    assert f"reproduce eighteen --dataset shapes --results {tmp_path}`" in message


def test_what_is_there_of_a_plan_and_what_is_not(tmp_path: Path) -> None:
    runs = find_plan("degradation", "photographs")
    assert load_recorded("degradation", "photographs", tmp_path) == ([], runs)
    folder = write_plan(tmp_path, "degradation", "photographs")
    assert missing_runs("degradation", "photographs", tmp_path) == []
    (folder / runs[1].file_name).unlink()
    (folder / runs[4].file_name).write_text("{", encoding="utf-8")
    records, missing = load_recorded("degradation", "photographs", tmp_path)
    assert missing == missing_runs("degradation", "photographs", tmp_path) == [runs[1], runs[4]]
    assert [record["configuration"] for record in records] == [vars(run) for run in runs if run not in missing]
    (folder / runs[0].file_name).write_text(json.dumps(made_up_record(runs[0], train_error=-1)), encoding="utf-8")
    with pytest.raises(CourseError, match="train_error"):
        load_recorded("degradation", "photographs", tmp_path)


@pytest.mark.parametrize("dataset", ["shapes", "photographs"])
def test_option_a_is_the_residual_network_of_the_plan_degradation(dataset: str, tmp_path: Path) -> None:
    folder = write_plan(tmp_path, "degradation", dataset)
    runs = find_plan("shortcuts", dataset)
    missing = missing_runs("shortcuts", dataset, tmp_path)
    assert {run.network for run in missing} == {"residual 20 B", "residual 20 C", "residual 20 D"}
    assert {run.network for run in runs if run not in missing} == {"residual 20"}
    for run in runs:
        place = record_path("shortcuts", dataset, run, tmp_path).parent
        assert (place == folder) == (run.network == "residual 20")


def test_each_start_and_the_clipping_change_what_they_say(tmp_path: Path) -> None:
    identity, zero = (AdamRun("residual 8", start=start).build(10) for start in ("identity", "zero gamma"))
    x = torch.rand(2, 16, 8, 8)
    kernel = identity.layer1[0].conv1.weight
    assert torch.equal(nn.functional.conv2d(x, kernel, padding=1), x)
    assert torch.equal(zero.layer1[0](x), x)
    shortcuts = AdamRun("residual 8 C", start="identity shortcuts").build(10)
    assert torch.equal(shortcuts.layer1[0].shortcut[0](x), x)
    assert not torch.equal(shortcuts.layer1[0].conv1(x), x)
    model = AdamRun("plain 8").build(10)
    optimizer, _ = AdamRun("plain 8", clip_norm=1).recipe(model, 5)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 10)
    optimizer.step()
    assert torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm() == pytest.approx(1, rel=1e-3)


def test_a_run_without_the_weights_that_its_plan_keeps_is_missing(tmp_path: Path) -> None:
    write_plan(tmp_path, "inside")
    missing = [(run.network, run.seed) for run in missing_runs("inside", "shapes", tmp_path)]
    assert missing == [("residual 56", 0), ("plain 20", 0)]
