from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from several_processes import run_together
from torch import nn

from seetell.errors import RecipeError
from seetell.training.processes import Processes, ProcessLostError, joined_processes

pytestmark = pytest.mark.slow


def test_without_torchrun_a_process_is_alone():
    with joined_processes() as alone:
        assert (alone.rank, alone.count, alone.is_first) == (0, 1, True)
        assert alone.sum([1.0, 2.0]) == [1.0, 2.0]
        rows = torch.ones(2, 3)
        assert alone.gather(rows, start=0, total=2) is rows


def summed(those: Processes) -> list[float]:
    return those.sum([1.0, those.rank])


def test_numbers_add_up():
    assert run_together(2, summed) == [[2.0, 1.0]] * 2


def sums_of_gradients(those: Processes) -> list[list[float] | None]:
    one, other, neither = (nn.Parameter(torch.zeros(2)) for _ in range(3))
    one.grad = torch.tensor([1.0, 10.0 * those.rank])
    if those.rank:
        other.grad = torch.tensor([3.0, 4.0])
    those.sum_gradients([one, other, neither])
    return [None if each.grad is None else each.grad.tolist() for each in (one, other, neither)]


def test_gradients_add_up_and_what_has_none_anywhere_keeps_none():
    assert run_together(2, sums_of_gradients) == [[[2.0, 10.0], [3.0, 4.0], None]] * 2


def gathered(those: Processes) -> tuple[list[list[float]], list[list[float]]]:
    rows = torch.full((1 + those.rank, 1), 5.0 + those.rank, requires_grad=True)  # 1 row and 2 rows
    everything = those.gather(rows, start=those.rank, total=3)
    ((everything * torch.tensor([[1.0], [2.0], [3.0]])).sum() / those.count).backward()
    return everything.tolist(), rows.grad.tolist()


def test_gradients_flow_back_to_the_rows_that_were_gathered():
    everything = [[5.0], [6.0], [6.0]]
    assert run_together(2, gathered) == [(everything, [[1.0]]), (everything, [[2.0], [3.0]])]


def copied(those: Processes) -> list[float]:
    layer = nn.Linear(1, 1)
    layer.register_buffer("scale", torch.tensor(float(those.rank)))
    nn.init.constant_(layer.weight, those.rank + 7.0)
    those.copy_from_first([layer])
    return [layer.weight.item(), layer.scale.item()]


def test_all_get_the_weights_and_buffers_of_the_first():
    assert run_together(2, copied) == [[7.0, 0.0]] * 2


def found(those: Processes, tmp_path: Path) -> bool:
    with those.first_then_others():
        found = (tmp_path / "made").exists()
        (tmp_path / "made").touch()
    return found


def test_the_others_find_what_the_first_has_made(tmp_path):
    assert run_together(3, found, tmp_path) == [False, True, True]


def killed_in_between(those: Processes) -> list[float]:
    those.sum([1.0])
    if those.rank:
        os.kill(os.getpid(), signal.SIGKILL)
    return those.sum([1.0])


def test_a_process_that_is_killed_ends_the_others():
    survivor, killed = run_together(2, killed_in_between)
    assert isinstance(survivor, ProcessLostError)
    assert "resumes the run from its last checkpoint" in str(survivor)
    assert killed is None


def test_where_a_process_computes(monkeypatch):
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    for gpus in (0, 2):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpus=gpus: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda gpus=gpus: gpus)
        assert Processes().device("auto") == ("cuda" if gpus else "cpu")
    second = Processes(1, 2, local_rank=1)
    assert [second.device(name) for name in ("cpu", "auto", "cuda:0")] == ["cpu", "cuda:1", "cuda:0"]
    assert chosen == [1]
    with pytest.raises(RecipeError, match="--nproc-per-node 2"):
        Processes(2, 3, local_rank=2).device("cuda")
