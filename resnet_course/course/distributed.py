"""One training on several processes: who they are, what each one takes, and what they add up.

Started by `torchrun`, which tells every process its rank (its number, from 0) and how many there are. Without torchrun
there is one process, and nothing here does anything.

Every process holds the same weights. A global batch is divided among the processes, each computes the gradient on its
share, and the gradients are added up. With batch norm over the global batch that is the computation of one process;
otherwise each process normalises its own share.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from resnet_course.base.errors import CourseError

T = TypeVar("T")
QUESTION = "resnet_course: who is left?"
GRACE = 3.0  # seconds in which every process that is alive answers


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

    def from_all(self, value: Any) -> list[Any]:
        """What every rank has, in the order of the ranks."""
        values = [value] * self.count
        if self.count > 1:
            dist.all_gather_object(values, value)
        return values

    def all_or_none(self, work: Callable[[], T]) -> T:
        """Do something that a user's mistake can stop: then it stops every process, with the same message.

        Raises:
            CourseError: if the work raised a CourseError or a ValueError in any process.
        """
        done: list[T] = []
        error = None
        try:
            done.append(work())
        except (CourseError, ValueError) as problem:
            error = str(problem)
        if errors := dict.fromkeys(text for text in self.from_all(error) if text):
            raise CourseError("; ".join(errors))
        return done[0]


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
        try:
            yield Processes(device=device)
        except KeyboardInterrupt:
            raise CourseError(f"the training was stopped. {advice}".rstrip()) from None
        return
    store, rank, count = next(iter(dist.rendezvous("env://")))
    options = {"store": store, "rank": rank, "world_size": count, "timeout": timedelta(seconds=timeout)}
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", **options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # torchrun's signal to the others when one has ended
    if rank:
        os.environ["RESNET_COURSE_PROGRESS"] = "0"  # rank 0's bar is enough
    over = threading.Event()
    threading.Thread(target=_answer, args=(store, rank, over), daemon=True).start()
    try:
        yield Processes(rank, count, device)
    except CourseError:  # the same in every process, see `all_or_none`
        if rank:
            raise SystemExit(2) from None
        raise
    except (RuntimeError, KeyboardInterrupt) as error:
        words = ("gloo", "nccl", "connection", "timed out", "timeout")
        if isinstance(error, RuntimeError) and not any(word in str(error).lower() for word in words):
            raise  # not about the others: this process itself went wrong
        raise _why_it_ends(store, rank, count, advice) from None
    finally:
        over.set()
        dist.destroy_process_group()


def _answer(store: dist.Store, rank: int, over: threading.Event) -> None:
    """In a thread, so that a process can say that it is left while it waits for one that is lost."""
    with contextlib.suppress(RuntimeError):  # torchrun has ended: nobody is left to ask
        while not over.wait(0.2):
            if store.check([QUESTION]):
                store.set(f"{QUESTION} {rank}", "")
                return


def _why_it_ends(store: dist.Store, rank: int, count: int, advice: str) -> BaseException:
    """Who is left? An error that says who is not, in the first of those who are; an exit without a word in the others.

    Question and answers are in the store, which belongs to torchrun and outlives the processes.
    """
    for number in (signal.SIGTERM, signal.SIGINT):  # this process is on its way out and still has something to say
        signal.signal(number, signal.SIG_IGN)
    answers = [f"{QUESTION} {each}" for each in range(count)]
    lost: list[int] = []
    with contextlib.suppress(RuntimeError):  # torchrun has ended, too
        store.set(QUESTION, "")
        end = time.monotonic() + GRACE
        while time.monotonic() < end and not store.check(answers):  # store.wait would keep this process from answering
            time.sleep(0.05)
        lost = [each for each, answer in enumerate(answers) if not store.check([answer])]
    if rank != min(set(range(count)) - set(lost), default=0):
        return SystemExit(2)
    why = f"rank {', '.join(map(str, lost))} of {count} has ended or does not answer" if lost else "the job was stopped"
    return CourseError(f"{why}, so all processes end. {advice}".rstrip())


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


# --- A network over all processes -------------------------------------------------------------------------------------


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


class Together(nn.Module):
    """A network that divides each batch among the processes and returns the logits of the whole batch in all of them.

    A training loop that knows of one process only, such as `training.fit`, thus sees the same figures on each. Every
    process computes the whole loss, so the gradient of a share arrives `count` times; DistributedDataParallel takes the
    mean over the processes, and what is left is the sum over the shares: the gradient of one process.

    Args:
        model: on the device and in the number format in which it computes. The state is the model's own.
        processes: all of them get the same batches.

    Shape:
        (B, C, H, W) -> (B, num_classes)
    """

    def __init__(self, model: nn.Module, processes: Processes) -> None:
        super().__init__()
        self.model, self.processes = model, processes
        # It sends rank 0's running statistics to all before each batch, so that all measure the same network.
        self.together = DistributedDataParallel(model) if processes.count > 1 else model

    def forward(self, images: Tensor) -> Tensor:
        """The logits of all images."""
        images = images.to(next(self.model.parameters()).dtype)
        logits = self.together(self.processes.share(images))
        if self.processes.count == 1:
            return logits
        sizes = [len(share) for share in images.tensor_split(self.processes.count)]
        before, after = sum(sizes[: self.processes.rank]), sum(sizes[self.processes.rank + 1 :])
        logits = logits.float() if logits.dtype == torch.bfloat16 else logits
        return _SumOfAll.apply(F.pad(logits, (0, 0, before, after)))

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """That of the model, so that any number of processes can go on."""
        return self.model.state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """See `state_dict`."""
        return self.model.load_state_dict(*args, **kwargs)


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
