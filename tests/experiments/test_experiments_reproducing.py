"""`reproduce`: resumable run by run, the same records however often it is stopped and however many run at a time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from experiments_helpers import TINY, tiny_runs, without_times

from resnet_course import runtime
from resnet_course.base.errors import CourseError
from resnet_course.experiments import PLANS, load_records, reproduce
from resnet_course.experiments.records import plan_folder
from resnet_course.experiments.reproducing import default_jobs, missing_tasks
from resnet_course.training import FLOAT32

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU adds in a changing order")

SCRIPT = """
import sys
from pathlib import Path
from experiments_helpers import TINY
from resnet_course import runtime
from resnet_course.experiments import PLANS, reproduce
from resnet_course.training import FLOAT32
runtime.precision = lambda: FLOAT32
PLANS["tiny"] = TINY
if __name__ == "__main__":
    reproduce("tiny", "shapes", Path(sys.argv[1]), jobs=2)
"""


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PLANS, "tiny", TINY)
    monkeypatch.setattr(runtime, "precision", lambda: FLOAT32)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The records of the tiny plan, one run after the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PLANS, "tiny", TINY)
        patch.setattr(runtime, "precision", lambda: FLOAT32)
        return reproduce("tiny", "shapes", tmp_path_factory.mktemp("results"), jobs=1)


def test_a_run_after_the_other(uninterrupted: list[dict]) -> None:
    assert [record["configuration"] for record in uninterrupted] == [vars(run) for run in tiny_runs("shapes")]
    for record in uninterrupted:
        assert record["machine"]["threads"] == 1
        seconds, speed = record["seconds"], record["images_per_second"]
        rounding = 0.005 + 0.05 * seconds / speed  # of both: much of a tenth of a second, as of a slow machine's speed
        assert seconds == pytest.approx(12 * 200 / speed, rel=0, abs=1.01 * rounding)
    assert uninterrupted[0]["curves"] != uninterrupted[1]["curves"]


def children_of(process: int) -> list[int]:
    """Processes that the process has started, from Linux's process table."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text(encoding="utf-8").rpartition(")")[2].split()[1]
        except OSError:
            continue  # ended meanwhile
        if int(parent) == process:
            found.append(int(path.parent.name))
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(happens, seconds: float = 300) -> None:
    started = time.monotonic()
    while not happens():
        assert time.monotonic() - started < seconds, "it did not happen"
        time.sleep(0.005)


@pytest.mark.complete
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's process table")
def test_killed_in_the_middle_and_started_again(tmp_path: Path, uninterrupted: list[dict], capsys) -> None:
    script = tmp_path / "run_tiny.py"
    script.write_text(SCRIPT, encoding="utf-8")
    folder = plan_folder("tiny", "shapes", tmp_path)
    found_in = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    environment = os.environ | {"PYTHONPATH": found_in, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    try:
        wait_until(lambda: list(folder.glob("*.unfinished.pt")) or process.poll() is not None)
        workers = children_of(process.pid)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: not any(map(is_running, workers)), 30)  # nobody goes on with the work
    assert len(workers) >= 2
    assert len(list(folder.glob("*.json"))) < 2
    assert list(folder.glob("*.unfinished.pt"))

    first = folder / tiny_runs("shapes")[0].file_name
    first.write_text('{"schema": 2, "config', encoding="utf-8")  # as a copy that was cut off
    (folder / f".{first.name}.0123.part").write_text("{}", encoding="utf-8")
    with pytest.raises(CourseError, match=f"{first.name} is damaged"):
        load_records("tiny", "shapes", tmp_path)

    resumed = reproduce("tiny", "shapes", tmp_path, jobs=2)
    assert list(map(without_times, resumed)) == list(map(without_times, uninterrupted))
    assert not list(folder.glob("*.unfinished.pt"))
    assert "2/2" in capsys.readouterr().out


def test_what_is_recorded_is_not_run_again(tmp_path: Path, uninterrupted: list[dict], monkeypatch) -> None:
    from resnet_course.experiments import reproducing
    from resnet_course.experiments.records import write_record

    for run, record in zip(tiny_runs("shapes"), uninterrupted, strict=True):
        write_record(record, plan_folder("tiny", "shapes", tmp_path) / run.file_name)
    monkeypatch.setattr(reproducing, "perform", None)
    assert reproduce("tiny", "shapes", tmp_path) == uninterrupted
    assert missing_tasks("tiny", "shapes", tmp_path) == []


def test_an_error_in_a_process_reaches_the_caller(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no_such_set"):
        reproduce("tiny", "no_such_set", tmp_path, jobs=2)


def test_the_number_of_jobs(tmp_path: Path) -> None:
    assert 1 <= default_jobs() <= 4
    with pytest.raises(CourseError, match="--jobs must be at least 1, got 0"):
        reproduce("tiny", "shapes", tmp_path, jobs=0)
