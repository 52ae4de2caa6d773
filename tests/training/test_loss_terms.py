from __future__ import annotations

import pytest
import torch
from several_processes import run_together

from seetell.training.loss_terms import Term, combine_terms
from seetell.training.processes import Processes


def test_the_mean_of_parts_is_weighted_by_what_they_hold():
    value = torch.tensor(1.0, requires_grad=True)
    parts = [
        [Term(2 * value, 3), Term(value, 1, weight=0.5, name="boxes"), Term(8.0, 2, weight=0, name="reward")],
        [Term(6 * value, 1), Term(3 * value, 3, weight=0.5, name="boxes"), Term(2.0, 4, weight=0, name="reward")],
    ]
    loss = combine_terms(parts, Processes())
    assert loss.value == pytest.approx(3 + 0.5 * 2.5)  # (2·3 + 6·1) / 4 words and (1·1 + 3·3) / 4 boxes
    assert loss.logged == {"boxes": 2.5, "reward": 4.0}
    loss.share.backward()
    assert value.grad.item() == pytest.approx(4.25)


def combined(those: Processes) -> tuple[float, float, dict[str, float]]:
    items = 3 if those.rank else 1
    mean = torch.tensor(2.0 + those.rank)
    loss = combine_terms([[Term(mean, items), Term(items, 1, weight=0, name="items")]], those)
    return loss.share.item(), loss.value, loss.logged


@pytest.mark.slow
def test_the_shares_of_processes_add_up():
    assert run_together(2, combined) == [(0.5, 2.75, {"items": 2.0}), (2.25, 2.75, {"items": 2.0})]


def test_a_single_part_is_what_it_was():
    mean = torch.tensor(0.1) + torch.tensor(0.2)
    assert torch.equal(combine_terms([[Term(mean, 7)]], Processes()).share, mean)
