"""The processes that train one model together, as ``torchrun`` starts them: each computes its parts of every batch.

Gradients are added up once per step, after all backward passes, in one tensor. PyTorch's wrapper
``DistributedDataParallel`` would overlap that with the backward pass, but takes one forward pass of one module for each
backward pass, and averages over processes rather than over what they saw. Here a loss may call any part of a model, any
number of times, and parameters without a gradient stay without one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from seetell.errors import RecipeError, SeetellError

STEP_TIMEOUT = timedelta(minutes=30)
"""How long a process waits for what all compute at the same time."""

WORK_TIMEOUT = timedelta(days=7)
"""How long a process waits for work of the first one alone, such as encoding photos or a validation."""

REPORT_DELAY = 5.0
"""Seconds that an error waits where another process may report the same or its cause: torchrun then ends this one."""


class ProcessLostError(SeetellError):
    """Another process of the training cannot be reached any more."""


class Processes:
    """The processes of a training; by default this one alone.

    Args:
        rank: this one's number; 0 is the first, which alone writes files and reports.
        count: how many there are.
        local_rank: this one's number among those of the same machine, which is that of its GPU.
        store: shared by all; needed where there are several, after :func:`torch.distributed.init_process_group`.
    """

    def __init__(self, rank: int = 0, count: int = 1, *, local_rank: int = 0, store: Any = None) -> None:
        self.rank, self.count, self._local_rank, self._store = rank, count, local_rank, store
        self._waits = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """Return where this process computes.

        Args:
            name: of a device of torch; ``auto`` stands for a GPU, where there is one, and ``cuda`` for one GPU of the
                machine per process.

        Raises:
            RecipeError: the machine has fewer GPUs than processes.
        """
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name != "cuda" or self.count == 1:
            return name
        gpus = torch.cuda.device_count()
        if self._local_rank >= gpus:
            raise RecipeError(
                f"device: process {self._local_rank + 1} of this machine needs a GPU of its own, and torch finds "
                f"{gpus}; start torchrun with --nproc-per-node {max(gpus, 1)}, or train with device: cpu"
            )
        torch.cuda.set_device(self._local_rank)
        return f"cuda:{self._local_rank}"

    def wait_for_first(self) -> None:
        """Wait until the first process arrives here too; that one waits for nobody."""
        if self.count == 1:
            return
        self._waits += 1
        with _reaching_others():
            if self.is_first:
                self._store.set(str(self._waits), "done")
            else:
                self._store.wait([str(self._waits)], WORK_TIMEOUT)

    @contextmanager
    def first_then_others(self) -> Iterator[None]:
        """Let the first process run the ``with`` block before the others do, which find its files."""
        if not self.is_first:
            self.wait_for_first()
        yield
        if self.is_first:
            self.wait_for_first()

    def sum(self, values: Sequence[float]) -> list[float]:
        """Return the sums of numbers over all processes, one for each of ``values``."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64)
        with _reaching_others():
            distributed.all_reduce(total)
        sums: list[float] = total.tolist()
        return sums

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add the gradients of all processes up; a parameter that has none in any process keeps none.

        Args:
            parameters: in the same order everywhere, all on one device.
        """
        chosen = [parameter for parameter in parameters if parameter.requires_grad]
        if self.count == 1 or not chosen:
            return
        flat = [
            (torch.zeros_like(each) if each.grad is None else each.grad).detach().float().flatten() for each in chosen
        ]
        present = flat[0].new_tensor([each.grad is not None for each in chosen])
        total = torch.cat([*flat, present])
        with _reaching_others():
            distributed.all_reduce(total)
        *gradients, present = torch.split(total, [*map(len, flat), len(chosen)])
        for parameter, gradient, processes in zip(chosen, gradients, present.tolist(), strict=True):
            if processes:
                parameter.grad = torch.empty_like(parameter) if parameter.grad is None else parameter.grad
                parameter.grad.copy_(gradient.view_as(parameter))

    def gather(self, rows: Tensor, *, start: int, total: int) -> Tensor:
        """Return the rows of all processes, through which gradients flow back to the process that computed a row.

        Every process computes a loss of all rows, so each loss counts one part in :attr:`count`.

        Args:
            rows: of this process, ``(n, …)``.
            start: the place of the first of them among all.
            total: ``N``, the number of all.

        Returns:
            ``(N, …)`` float32; the rows themselves where there is one process.
        """
        if self.count == 1:
            return rows
        before, after = start, total - start - len(rows)
        padding = [rows.new_zeros(count, *rows.shape[1:], dtype=torch.float32) for count in (before, after)]
        return self.sum_through(torch.cat([padding[0], rows.float(), padding[1]]))

    def sum_through(self, values: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes, through which gradients flow back to all of them.

        The gradients are those of the sum of the processes' losses.
        """
        if self.count == 1:
            return values
        total: Tensor = _Sum.apply(values)
        return total

    def copy_from_first(self, modules: Iterable[nn.Module]) -> None:
        """Give modules the parameters and buffers that they have in the first process."""
        if self.count == 1:
            return
        with _reaching_others():
            for module in modules:
                for value in module.state_dict().values():
                    content = value.contiguous()
                    distributed.broadcast(content, 0)
                    value.copy_(content)


class _Sum(torch.autograd.Function):
    """See :meth:`Processes.sum_through`."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        with _reaching_others():
            distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return _Sum.forward(context, gradients[0])


@contextmanager
def joined_processes() -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started, until the end of the ``with`` block; alone without ``torchrun``.

    CPUs talk through gloo, GPUs through NCCL. An error that all processes meet is reported by the first one.

    Raises:
        ProcessLostError: they do not find one another.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    with _reaching_others():
        store, rank, count = next(iter(rendezvous("env://")))
        distributed.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=STEP_TIMEOUT)
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    processes = Processes(rank, count, local_rank=local_rank, store=PrefixStore("seetell", store))
    try:
        yield processes
    except Exception as error:
        if rank or isinstance(error, ProcessLostError):
            time.sleep(REPORT_DELAY)
        raise
    distributed.destroy_process_group()


@contextmanager
def _reaching_others() -> Iterator[None]:
    """Explain an error of communication."""
    try:
        yield
    except RuntimeError as error:
        raise ProcessLostError(
            f"another process of this training ended or cannot be reached ({str(error).splitlines()[0]}); "
            "the same command resumes the run from its last checkpoint"
        ) from error
