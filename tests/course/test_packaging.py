"""environment.yml, pyproject.toml and the package say the same."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

import resnet_course

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"build": "python-build", "fastjsonschema": "python-fastjsonschema", "matplotlib": "matplotlib-base"}
CONDA_NAMES |= {"torch": "pytorch"}
WORKFLOWS = ("test.yml", "nightly.yml")
GITHUB = ROOT / ".github"


def requirements_of_pyproject(called: Mapping[str, str]) -> set[str]:
    """Every requirement of the package and its extras, with these other names."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|lab|classroom|dev) = \[(.*?)\]$", text, re.MULTILINE | re.DOTALL)
    found = re.findall(r'"([^"]+)"', " ".join(lists))
    names = {entry for entry in found if not entry.startswith("resnet-course")}
    return {re.sub(r"^[\w-]+", lambda match: called.get(match[0], match[0]), entry).lower() for entry in names}


def test_environment_yml_is_in_step_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = {entry for entry in environment["dependencies"] if isinstance(entry, str)}
    assert conda - {"pip", "python>=3.10"} == requirements_of_pyproject(CONDA_NAMES)
    assert environment["channels"] == ["conda-forge"]


def test_pip_takes_what_environment_yml_hands_to_it(tmp_path: Path):
    """Conda and Binder write this part, line by line, into a file of requirements."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (lines,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert lines == ["-e ."]  # with its dependencies: conda has installed them already
    file = tmp_path / "requirements.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--no-index", "--no-build-isolation"]
    pytest.importorskip("setuptools", minversion="77")
    done = subprocess.run([*command, "-r", file], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"resnet-course-{resnet_course.__version__}" in done.stdout


def test_the_lock_of_uv_names_public_places_alone_and_every_requirement():
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r'registry = "([^"]+)"', text)) == {"https://pypi.org/simple"}
    assert set(re.findall(r"https?://[^/\"]+", text)) == {"https://pypi.org", "https://files.pythonhosted.org"}
    assert re.findall(r"source = \{ (?!registry)(.*) \}", text) == ['editable = "."']
    written = re.findall(r'{ name = "([^"]+)"(?:, marker = "[^"]*")?(?:, specifier = "([^"]+)")? }', text)
    assert requirements_of_pyproject({}) <= {"".join(each) for each in written}, "run `uv lock`"


def extras() -> set[str]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return set(
        re.findall(r"^(\w+) = \[", text.split("[project.optional-dependencies]")[1].split("\n[")[0], re.MULTILINE)
    )


@pytest.mark.parametrize(
    "name",
    ["README.md", "docs/instructor/running.md", "site/pages/run.md", ".devcontainer/devcontainer.json", "Makefile"]
    + [path.relative_to(ROOT).as_posix() for path in (GITHUB / "workflows").glob("*.yml")],
)
def test_what_people_are_told_to_type_exists(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    told = re.findall(r"""\[(\w+)\](?=["']| )|--extra (\w+)""", text)
    assert {one or other for one, other in told if one or other} - {"ubuntu"} <= extras() | {"main"}
    known = subprocess.run([sys.executable, "-m", "resnet_course", "--help"], capture_output=True, text=True).stdout
    for command in re.findall(r"-m resnet_course ([a-z][a-z-]*)", text):
        assert re.search(rf"^ +{command}\b", known, re.MULTILINE), command
    for target in re.findall(r"(?:`|\$ |run: )make ([a-z-]+)", text):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), target


def test_the_file_of_codespaces_is_whole():
    found = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert "-e '.[lab]'" in found["postCreateCommand"]
    assert "lab --copy" in found["postCreateCommand"]
    assert found["customizations"]["codespaces"]["openFiles"] == ["work/00_start_here.ipynb"]
    assert (ROOT / "notebooks" / "00_start_here.ipynb").is_file()


def test_the_badges_of_the_readme_lead_to_what_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    workflows = re.findall(r"actions/workflows/([\w.-]+?)(?:/badge\.svg|\))", text)
    assert {"test.yml", "machines.yml"} == set(workflows)
    assert all((GITHUB / "workflows" / name).is_file() for name in workflows)
    opened = re.findall(r"(?:blob/main|lab/tree)/([\w/.]+\.ipynb)", text)
    assert len(opened) >= 3
    assert all((ROOT / name).is_file() for name in opened)
    assert all(
        f"]({door}" in text
        for door in ("https://kaggle.com/", "https://mybinder.org/v2/gh/", "https://codespaces.new/")
    )


@pytest.mark.parametrize("path", sorted((GITHUB / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_a_workflow_is_one(path: Path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["name"] == path.stem
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 120
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])


def test_every_way_in_has_a_job():
    jobs = yaml.safe_load((GITHUB / "workflows" / "machines.yml").read_text(encoding="utf-8"))["jobs"]
    assert jobs["pip"]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "windows-latest", "macos-latest"]
    assert set(jobs) == {"pip", "powershell", "uv", "conda", "codespaces"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for step in jobs["powershell"]["steps"][2:4]:
        assert step["run"] in readme


@pytest.mark.parametrize("name", ["mistake_in_a_lesson.yml", "check_judged_wrongly.yml"])
def test_a_form_for_issues_asks_for_what_is_needed(name: str):
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8"))
    assert form["name"]
    assert form["description"]
    for part in form["body"]:
        assert part["type"] in ("input", "textarea", "dropdown")
        assert part["attributes"]["label"]
    assert len({part["id"] for part in form["body"]}) == len(form["body"])
    assert any(part.get("validations", {}).get("required") for part in form["body"])


def test_the_oldest_python_is_the_same_everywhere():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.10"' in text
    assert 'target-version = "py310"' in text
    assert "python>=3.10" in (ROOT / "environment.yml").read_text(encoding="utf-8")
    usual, nightly = (
        yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")) for name in WORKFLOWS
    )
    assert nightly["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert usual["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.10", "3.13"]


def test_torch_numpy_and_ipython_have_no_upper_limit():
    assert not [entry for entry in requirements_of_pyproject({}) if "<" in entry or "==" in entry]


def test_version_stands_in_one_place():
    result = subprocess.run(
        [sys.executable, "-m", "resnet_course", "--version"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == resnet_course.__version__
    assert f"version: {resnet_course.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == resnet_course.__version__


def test_the_makefile_names_every_target_in_its_help():
    result = subprocess.run(["make", "-s", "help"], capture_output=True, text=True, check=True, cwd=ROOT)
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets is not None
    for target in targets[1].split():
        assert f"make {target}" in result.stdout
