"""environment.yml, pyproject.toml and the package say the same."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

import resnet_course

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"build": "python-build", "fastjsonschema": "python-fastjsonschema", "matplotlib": "matplotlib-base"}
CONDA_NAMES |= {"torch": "pytorch"}
WORKFLOWS = ("test.yml", "nightly.yml")


def requirements_of_pyproject() -> set[str]:
    """Every requirement of the package and its extras, under conda-forge's names."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|lab|classroom|dev) = \[(.*?)\]$", text, re.MULTILINE | re.DOTALL)
    found = re.findall(r'"([^"]+)"', " ".join(lists))
    names = {entry for entry in found if not entry.startswith("resnet-course")}
    return {re.sub(r"^[\w-]+", lambda match: CONDA_NAMES.get(match[0], match[0]), entry).lower() for entry in names}


def test_environment_yml_is_in_step_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = {entry for entry in environment["dependencies"] if isinstance(entry, str)}
    assert conda - {"pip", "python>=3.10"} == requirements_of_pyproject()
    assert environment["channels"] == ["conda-forge"]


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
    limited = [entry for entry in requirements_of_pyproject() if "<" in entry or "==" in entry]
    assert not limited


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
