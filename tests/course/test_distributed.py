"""Two processes compute what one computes; a lost one ends the job, which then goes on from its last epoch."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_course import data
from resnet_course.base.errors import CourseError
from resnet_course.course import cli
from resnet_course.course.distributed import GlobalBatchNorm2d, Processes, join, use_global_batch_norm
from resnet_course.course.train import Settings, train
from resnet_course.experiments import SHIPPED, Run
from resnet_course.models import cifar_resnet
from resnet_course.training import fit, load_state, reset_seeds

pytestmark = pytest.mark.complete

# 61 images in batches of 16: shares of 8 and 8, and of 7 and 6 in the last batch.
RUN = Run("residual 8", epochs=3, batch_size=16, images=61, image_size=8)
SMALL = Settings(RUN, precision="float64", global_batch_norm=True)
LONG = replace(SMALL, run=replace(SMALL.run, epochs=12))
CASES = {
    "odd": SMALL,
    "odd, float32": replace(SMALL, precision="float32"),
    # The last batch has one image, so that one of the processes has none.
    "one left": replace(SMALL, run=replace(SMALL.run, network="residual 8 B", images=65)),
    "local batch norm": replace(SMALL, global_batch_norm=False),
    "local batch norm, one left": replace(SMALL, run=replace(RUN, images=65), global_batch_norm=False),
    "long": LONG,
    "killed": LONG,
}
# float64 shows that the computation is the same; in float32 the rounding of 12 steps comes on top.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
OPTIONS = (
    *("--network", "residual 8", "--epochs", "12", "--batch-size", "16", "--images", "61", "--image-size", "8"),
    *("--precision", "float64", "--global-batch-norm"),
)


def torchrun(*arguments: str) -> subprocess.Popen:
    """Start two processes that see each other on this machine alone; torchrun finds a free port."""
    names = {"WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment |= {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def process_of_rank(job: subprocess.Popen, rank: int) -> int:
    """The process that torchrun started as this rank."""
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text(encoding="utf-8").split()
    (found,) = [
        int(child) for child in children if f"\0RANK={rank}\0".encode() in Path(f"/proc/{child}/environ").read_bytes()
    ]
    return found


class Killed(NamedTuple):
    """A job whose rank 1 was killed: its folder and status, what it said, and how long it took to end."""

    folder: Path
    status: int
    errors: str
    seconds: float


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Start a job with the command, and kill rank 1 as soon as the first epoch is saved."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("finds the process to kill in /proc")
    folder = tmp_path_factory.mktemp("killed")
    job = torchrun("-m", "resnet_course", "train", *OPTIONS, "--output", str(folder))
    end = time.monotonic() + 60
    while not (folder / "checkpoint.pt").exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process_of_rank(job, 1), signal.SIGKILL)
    started = time.monotonic()
    _, errors = job.communicate(timeout=60)
    return Killed(folder, job.returncode, errors, time.monotonic() - started)


@pytest.fixture(scope="module")
def two(killed: Killed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of all cases, computed by two processes, and of the killed job, which they take to its end."""
    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(killed.folder, folder / "rank 0" / "killed")
    job = torchrun(str(Path(__file__).with_name("distributed_worker.py")), str(folder))
    output, errors = job.communicate(timeout=120)
    assert job.returncode == 0, errors
    assert output.count("training error") == len(CASES)  # one process speaks
    assert output.count("resumed after epoch") == 1
    return folder


def read(folder: Path) -> dict[str, Any]:
    """What a training left: its record, and the final weights."""
    record = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    return record | {"weights": load_state(folder / "checkpoint.pt")["model"]}


def distance(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The largest difference between two trainings, over their curves, final errors and weights."""
    numbers = [(one[name], other[name]) for name in ("train_error", "test_error")]
    for name in ("train_loss", "train_acc"):
        numbers += zip(one["curves"][name], other["curves"][name], strict=True)
    assert one["weights"].keys() == other["weights"].keys()
    weights = [
        (tensor.double() - other["weights"][name].double()).abs().max() for name, tensor in one["weights"].items()
    ]
    return max(*(abs(a - b) for a, b in numbers), *map(float, weights))


@pytest.mark.parametrize("name", ["odd", "odd, float32", "one left"])
def test_two_processes_give_the_result_of_one(name: str, two: Path, tmp_path: Path) -> None:
    train(CASES[name], tmp_path, Processes())
    one, other = read(tmp_path), read(two / "rank 0" / name)
    assert (one["processes"], other["processes"]) == (1, 2)
    assert distance(one, other) < TOLERANCE[CASES[name].precision]


def test_local_batch_norm_gives_another_result(two: Path) -> None:
    """Else the test above could not fail."""
    assert distance(read(two / "rank 0" / "odd"), read(two / "rank 0" / "local batch norm")) > 0.01


def test_local_batch_norm_goes_on_where_a_process_has_no_image_left(two: Path) -> None:
    found = read(two / "rank 0" / "local batch norm, one left")
    assert all(weights.isfinite().all() for weights in found["weights"].values())


def test_rank_0_alone_writes_files(two: Path) -> None:
    assert sorted(path.name for path in two.iterdir()) == ["rank 0"]
    for name in CASES:
        assert sorted(path.name for path in (two / "rank 0" / name).iterdir()) == [
            "checkpoint.pt",
            "history.json",
            "settings.json",
        ]


def test_a_killed_process_ends_the_job_with_one_message(killed: Killed) -> None:
    assert killed.status != 0
    assert killed.seconds < 30
    (message,) = [line for line in killed.errors.splitlines() if line.startswith("error: ")]
    assert "rank 1 of 2 has ended or does not answer" in message
    assert f"Run the same command again: it goes on after the last epoch that {killed.folder} holds" in message
    assert sorted(path.name for path in killed.folder.iterdir()) == ["checkpoint.pt", "settings.json"]


def test_a_killed_job_goes_on_and_ends_where_an_uninterrupted_one_ends(
    killed: Killed, two: Path, tmp_path: Path
) -> None:
    assert len(load_state(killed.folder / "checkpoint.pt")["history"]["train_loss"]) < 12  # there is something to do
    uninterrupted = read(two / "rank 0" / "long")
    assert distance(read(two / "rank 0" / "killed"), uninterrupted) == 0

    folder = shutil.copytree(killed.folder, tmp_path / "copy")  # other tests look at the folder as it was left
    assert cli.main(["train", *OPTIONS, "--output", str(folder)]) == 0  # one process goes on where two began
    assert distance(read(folder), uninterrupted) < TOLERANCE["float64"]


# --- The records that ship --------------------------------------------------------------------------------------------

RECORDS = SHIPPED / "processes_shapes"


@pytest.mark.parametrize(("ending", "tolerance"), [("", 0.05), ("_float64", 1e-6)])
def test_the_recorded_curves_of_one_and_of_two_processes_agree(ending: str, tolerance: float) -> None:
    """The float32 tolerance is that of rounding: see the control below and docs/cost.md."""
    one, two = (json.loads((RECORDS / f"{name}{ending}.json").read_text(encoding="utf-8")) for name in ("one", "two"))
    assert (one["processes"], two["processes"]) == (1, 2)
    assert two["local_batch_norm"] is False  # as the option was called when the records were made
    for field in ("configuration", "dataset", "precision", "data", "versions"):
        assert one[field] == two[field]
    assert one["curves"]["images"] == two["curves"]["images"] == [2_000] * 3
    for curve in ("train_loss", "train_acc"):
        assert two["curves"][curve] == pytest.approx(one["curves"][curve], rel=0, abs=tolerance)
    for error in ("train_error", "test_error"):
        assert two[error] == pytest.approx(one[error], rel=0, abs=tolerance)


def test_two_processes_differ_from_one_by_no_more_than_rounding_does() -> None:
    found = json.loads((RECORDS / "differences.json").read_text(encoding="utf-8"))
    rounding = found["one process against itself with other rounding, float32"]
    assert found["two processes against one, float32"] < 3 * rounding
    assert found["two processes against one, float64"] < rounding / 1000


# --- In this process alone --------------------------------------------------------------------------------------------


def test_without_torchrun_the_command_is_one_process_and_trains_as_fit_does(tmp_path: Path) -> None:
    assert cli.main(["train", *OPTIONS[:-3], "--epochs", "3", "--output", str(tmp_path)]) == 0
    found = read(tmp_path)

    run = SMALL.run
    batches = data.Batches(data.load("shapes", "train", 8, 61), run.batch_size, shuffle=True, seed=run.seed)
    reset_seeds(run.seed)
    model = run.build(10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=3 * len(batches))
    history = fit(model, batches, None, optimizer, F.cross_entropy, 3, scheduler=scheduler)
    assert found["curves"]["train_loss"] == pytest.approx(history.train_loss, abs=1e-4)
    assert found["curves"]["train_acc"] == pytest.approx(history.train_acc)
    assert (found["processes"], found["precision"]) == (1, "float32")


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("images", [1, 2, 7, 16])
def test_the_shares_are_the_whole_batch_in_order(images: int, count: int) -> None:
    batch = torch.arange(images)
    shares = [Processes(rank, count).share(batch) for rank in range(count)]
    assert torch.equal(torch.cat(shares), batch)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def forward_and_back(model: torch.nn.Module, x: Tensor) -> dict[str, Tensor]:
    x = x.clone().requires_grad_()
    out = model(x)
    (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)).sum().backward()
    assert x.grad is not None
    grads = {f"gradient of {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {"output": out, "gradient": x.grad, **grads, **model.state_dict()}


@pytest.mark.parametrize("training", [True, False])
def test_global_batch_norm_is_batch_norm_and_keeps_its_names(training: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.distributed.all_reduce", lambda values: None)  # one process: the sum is its own
    torch.manual_seed(0)
    reference, model = (cifar_resnet(8, shortcut="B", width=4).double() for _ in range(2))
    model.load_state_dict(reference.state_dict())
    use_global_batch_norm(model)
    assert sum(isinstance(module, GlobalBatchNorm2d) for module in model.modules()) == 9
    x = 3 + torch.randn(6, 3, 8, 8, dtype=torch.float64)
    found, expected = (forward_and_back(net.train(training), x) for net in (model, reference))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name)


def test_batch_norm_without_running_statistics_cannot_be_made_global() -> None:
    with pytest.raises(ValueError, match="running statistics"):
        use_global_batch_norm(torch.nn.Sequential(torch.nn.BatchNorm2d(4, track_running_stats=False)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--network", "residual 21"), "depth must be 6n"),
        (("--network", "resnet"), "there is no network 'resnet'"),
        (("--dataset", "no_such_set"), "unknown data set"),
        (("--learning-rate", "1e38", "--batch-size", "8"), "a learning rate that is too high"),
    ],
)
def test_what_the_user_can_mend(options: tuple[str, ...], said: str, tmp_path: Path, capsys: Any) -> None:
    small = ("--images", "40", "--image-size", "8", "--epochs", "1", "--network", "residual 8")
    assert cli.main(["train", *small, *options, "--output", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_a_checkpoint_of_other_options_is_refused_and_kept(tmp_path: Path, capsys: Any) -> None:
    train(SMALL, tmp_path, Processes())
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(CourseError, match=r"seed was 0 and is 1.*another --output"):
        train(replace(SMALL, run=replace(SMALL.run, seed=1)), tmp_path, Processes())
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    capsys.readouterr()
    train(SMALL, tmp_path, Processes())
    assert "resumed after epoch 3" in capsys.readouterr().out


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(CourseError, match="--nproc-per-node=1"), join():
        pass


def test_ctrl_c_is_one_sentence_that_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def stopped(*_: object, **__: object) -> None:
        with join(1.0, "Run it again."):
            raise KeyboardInterrupt

    monkeypatch.setattr("resnet_course.course.train.train_command", stopped)
    assert cli.main(["train", "--network", "residual 8", "--output", "nowhere"]) == 2
    assert capsys.readouterr().err == "error: the training was stopped. Run it again.\n"
    monkeypatch.setattr("resnet_course.course.train.train_command", Mock(side_effect=KeyboardInterrupt))
    assert cli.main(["train", "--network", "residual 8", "--output", "nowhere"]) == 130
    assert capsys.readouterr().err == "stopped\n"
