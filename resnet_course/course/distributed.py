"""One training on several processes: who they are, what each one takes, and what they add up.

Started by `torchrun`, which tells every process its rank (its number, from 0) and how many there are. Without torchrun
there is one process, and nothing here does anything.

Every process holds the same weights. A global batch is divided among the processes, each computes the gradient on its
share, and the gradients are added up. With batch norm over the global batch that is the computation of one process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from resnet_course.base.errors import CourseError

GRACE = 3.0  # seconds in which every process that is alive answers the question who is left


@dataclass(frozen=True)
class Processes:
    """This process among all.

    Args:
        rank: its number, from 0. Rank 0 alone prints and writes files.
        count: how many there are.
        device: where this one computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def share(self, batch: Tensor) -> Tensor:
        """This process's part of a global batch, in order; shares differ by one image at most and may be empty.

        Shape:
            (B, ...) -> (B // count or B // count + 1, ...)
        """
        return batch.tensor_split(self.count)[self.rank]

    def add_up(self, sums: Tensor) -> Tensor:
        """The sum over all processes, the same everywhere. Shape: (...) -> (...)."""
        if self.count == 1:
            return sums
        sums = sums.clone()
        dist.all_reduce(sums)
        return sums

    def from_first(self, value: Any) -> Any:
        """What rank 0 has, on every rank."""
        values = [value]
        if self.count > 1:
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def from_all(self, value: Any) -> list[Any]:
        """What every rank has, in the order of the ranks."""
        values = [value] * self.count
        if self.count > 1:
            dist.all_gather_object(values, value)
        return values


@contextlib.contextmanager
def join(timeout: float = 300, advice: str = "") -> Iterator[Processes]:
    """Find the other processes; inside the block they compute together, on one GPU each or on the CPU.

    A process that ends or stops answering ends the block on every other one, with one message.

    Args:
        timeout: seconds that a process waits for the others before it gives up.
        advice: what to do after a process was lost; ends the message.

    Raises:
        CourseError: if there are not enough GPUs, or another process was lost; raised in one process, which prints
            it, while the others end with status 2.
    """
    device = _own_device()
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield Processes(device=device)
        return
    store, rank, count = next(iter(dist.rendezvous("env://")))
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=timedelta(seconds=timeout))
    roll_call = _RollCall(store, rank, count)
    try:
        with _signals_raise():
            yield Processes(rank, count, device)
    except (RuntimeError, _StoppedError) as error:
        if not _is_about_others(error):
            raise
        _end_after_loss(roll_call, advice)
    finally:
        roll_call.stop()
        dist.destroy_process_group()


def _own_device() -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    local_rank, available = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
    if local_rank >= available:
        raise CourseError(
            f"there is no GPU for process {local_rank} of this machine: it has {available}. Use --nproc-per-node="
            f"{available}, or CUDA_VISIBLE_DEVICES= (empty) to compute on the CPU."
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


# --- When a process is lost -----------------------------------------------------------------------------------------


class _StoppedError(BaseException):
    """A signal asked this process to end: torchrun sends one to the others when a process has ended."""


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise _StoppedError(signal.Signals(number).name)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except BaseException:
        for number in before:  # this process is on its way out and still has something to say
            signal.signal(number, signal.SIG_IGN)
        raise
    for number, handler in before.items():
        signal.signal(number, handler)


def _is_about_others(error: BaseException) -> bool:
    """Whether an error says that a process did not answer, and not that this one went wrong."""
    words = ("gloo", "nccl", "connection", "timed out", "timeout")
    return isinstance(error, (_StoppedError, dist.DistError)) or any(word in str(error).lower() for word in words)


class _RollCall:
    """Who is left? A thread in every process answers, also while the process waits for one that is lost.

    Question and answers stand in the store, which belongs to torchrun and outlives the processes.
    """

    def __init__(self, store: dist.Store, rank: int, count: int) -> None:
        self.store, self.rank = store, rank
        self.answers = [f"resnet_course/left/{other}" for other in range(count)]
        self._over = threading.Event()
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        with contextlib.suppress(RuntimeError):  # torchrun has ended: nobody is left to ask
            while not self._over.wait(0.2):
                if self.store.check(["resnet_course/question"]):
                    self.store.set(self.answers[self.rank], "here")
                    return

    def ask(self) -> list[int]:
        """Ranks that do not answer within `GRACE` seconds."""
        self.store.set("resnet_course/question", "who is left?")
        end = time.monotonic() + GRACE
        while time.monotonic() < end and not self.store.check(self.answers):
            time.sleep(0.05)
        return [rank for rank, answer in enumerate(self.answers) if not self.store.check([answer])]

    def stop(self) -> None:
        """Answer no longer: this process ends."""
        self._over.set()


def _end_after_loss(roll_call: _RollCall, advice: str) -> None:
    """End this process. The first of those who are left says why."""
    try:
        lost = roll_call.ask()
    except RuntimeError:  # torchrun has ended too
        lost = []
    count = len(roll_call.answers)
    if roll_call.rank != min(set(range(count)) - set(lost), default=0):
        raise SystemExit(2)
    why = f"rank {', '.join(map(str, lost))} of {count} has ended or does not answer" if lost else "the job was stopped"
    raise CourseError(f"{why}, so all processes end. {advice}".rstrip())


# --- Batch norm over all processes ------------------------------------------------------------------------------------


class _SumOfAll(torch.autograd.Function):
    """The sum of a tensor over all processes. Its gradient is a sum too: every process's loss depends on it."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        values = values.clone()
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose mean and variance are those of the global batch, on the CPU too.

    Every process adds its count, sum and sum of squares of each channel to those of the others. PyTorch's own
    `nn.SyncBatchNorm` does the same on GPUs only. Parameters, running statistics and their names are those of
    `nn.BatchNorm2d`; in eval mode there is no difference.

    Shape:
        (N, C, H, W) -> (N, C, H, W); N may differ between the processes, and may be 0

    Reference: Ioffe & Szegedy 2015 (arXiv 1502.03167), algorithm 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise by the global batch in training mode, by the running statistics in eval mode."""
        if not self.training:
            return super().forward(x)
        values = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
        count = torch.full((1,), values.numel() / self.num_features, dtype=torch.float64, device=x.device)
        sums, squares = values.sum((0, 2, 3)), values.square().sum((0, 2, 3))  # (C,) each
        # float64, since the next line subtracts two numbers that may be close to each other
        count, sums, squares = _SumOfAll.apply(torch.cat([count, sums.double(), squares.double()])).split(
            [1, self.num_features, self.num_features]
        )
        mean = sums / count  # (C,)
        variance = (squares / count - mean.square()).clamp(min=0)
        self._keep(mean.detach(), variance.detach(), count.detach())
        scale = self.weight * (variance + self.eps).rsqrt().to(self.weight.dtype)
        shift = self.bias - mean.to(self.bias.dtype) * scale
        return torch.addcmul(shift.view(1, -1, 1, 1), values, scale.view(1, -1, 1, 1)).to(x.dtype)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        """Running statistics, as `nn.BatchNorm2d` keeps them: the variance is the unbiased one."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked += 1
        unbiased = variance * count / (count - 1).clamp(min=1)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)


def use_global_batch_norm(model: nn.Module) -> nn.Module:
    """Replace every `nn.BatchNorm2d` in a model by one over all processes, which keeps its parameters.

    Raises:
        ValueError: for a batch norm without scale and shift, running statistics or momentum.
    """
    for name, child in model.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(model, name, _global_twin(child))
        else:
            use_global_batch_norm(child)
    return model


def _global_twin(norm: nn.BatchNorm2d) -> GlobalBatchNorm2d:
    if not norm.affine or not norm.track_running_stats or norm.momentum is None:
        raise ValueError("only a batch norm with scale, shift, running statistics and momentum can be made global")
    twin = GlobalBatchNorm2d(norm.num_features, norm.eps, norm.momentum)
    twin.weight, twin.bias, twin.training = norm.weight, norm.bias, norm.training
    twin.running_mean, twin.running_var = norm.running_mean, norm.running_var
    twin.num_batches_tracked = norm.num_batches_tracked
    return twin
