import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from models_helpers import left_alone
from torch import nn

from resnet_course.base.errors import CourseError
from resnet_course.models import cifar_resnet
from resnet_course.training import load_state, load_weights, save_state, save_weights


def make_model(seed: int = 0, depth: int = 8) -> nn.Module:
    torch.manual_seed(seed)
    return cifar_resnet(depth, width=4)


def same(one: nn.Module, other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.state_dict().items())


def test_weights_come_back_bit_for_bit(tmp_path: Path) -> None:
    model = make_model(0)
    model(torch.randn(8, 3, 8, 8))  # moves the running statistics
    save_weights(model, tmp_path / "new" / "folder" / "weights.pt")
    other = make_model(1)
    assert load_weights(other, tmp_path / "new" / "folder" / "weights.pt") is other
    assert same(other, model.state_dict())


def test_states_of_numbers_texts_lists_and_tensors_come_back(tmp_path: Path) -> None:
    state = {"epoch": 3, "name": "run", "loss": [0.5, 0.25], "tensor": torch.arange(3), "none": None, "pair": (1, 2)}
    save_state(state, tmp_path / "state.pt")
    found = load_state(tmp_path / "state.pt")
    assert torch.equal(found.pop("tensor"), state.pop("tensor"))
    assert found == state


def test_the_earlier_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    for seed in (0, 1):
        save_weights(make_model(seed), tmp_path / "weights.pt")
    assert same(load_weights(make_model(2), tmp_path / "weights.pt"), make_model(1).state_dict())
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pt"]


class Touch:
    """A pickle of this writes a file when it is loaded: what a hostile checkpoint does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (os.mkdir, (str(self.path),))


def truncate(path: Path) -> None:
    save_weights(make_model(), path)
    path.write_bytes(path.read_bytes()[:-2000])


def touch(path: Path) -> Touch:
    return Touch(path.parent / "code was run")


WRITE_BAD_FILE = {
    "truncated": truncate,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("<html>404</html>", encoding="utf-8"),
    "list": lambda path: torch.save([torch.zeros(3)], path),
    "whole model": lambda path: torch.save(make_model(), path),
    "code": lambda path: torch.save({"conv1.weight": touch(path)}, path),
    "plain pickle": lambda path: path.write_bytes(pickle.dumps(touch(path), protocol=2)),
    "folder": Path.mkdir,
    "missing": lambda path: None,
}


@pytest.mark.parametrize("kind", WRITE_BAD_FILE)
def test_files_that_hold_no_weights_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    WRITE_BAD_FILE[kind](tmp_path / "weights.pt")
    model = make_model()
    with left_alone(model), pytest.raises(CourseError, match=r"weights\.pt"):
        load_weights(model, tmp_path / "weights.pt")
    assert not (tmp_path / "code was run").exists()


def test_the_hostile_file_would_have_run_its_code(tmp_path: Path) -> None:
    """Else the test above could not fail."""
    WRITE_BAD_FILE["code"](tmp_path / "weights.pt")
    torch.load(tmp_path / "weights.pt", weights_only=False)
    assert (tmp_path / "code was run").exists()


@pytest.mark.parametrize(
    ("depth", "changes", "said"),
    [
        (14, {}, "left over: layer1.1"),
        (8, {"linear.bias": None}, "1 entries do not fit: missing: linear.bias"),
        (8, {"linear.weight": torch.zeros(7, 16)}, r"linear.weight has shape \(7, 16\) instead of \(10, 16\)"),
        (8, {"linear.weight": "text"}, "linear.weight has shape"),
    ],
)
def test_weights_of_another_model_are_refused_and_nothing_is_loaded(
    tmp_path: Path, depth: int, changes: dict, said: str
) -> None:
    state = {**make_model(1, depth).state_dict(), **changes}
    save_state({name: value for name, value in state.items() if value is not None}, tmp_path / "weights.pt")
    model = make_model()
    with left_alone(model), pytest.raises(CourseError, match=said):
        load_weights(model, tmp_path / "weights.pt")


FULL_DISK = """
import resource, signal, sys
from resnet_course.base.errors import CourseError
from resnet_course.models import cifar_resnet
from resnet_course.training import save_weights
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    save_weights(cifar_resnet(8), sys.argv[1])
except CourseError as error:
    sys.exit(f"CourseError: {error}")
"""


def test_a_full_disk_leaves_the_earlier_file_whole(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="only Unix can limit the size of files")
    path = tmp_path / "weights.pt"
    save_weights(make_model(), path)
    before = path.read_bytes()
    run = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert "CourseError: could not write" in run.stderr
    assert "Free some space" in run.stderr
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["weights.pt"]
