from __future__ import annotations

import pytest
import torch
from several_processes import run_together
from torch import nn

from seetell.training.batch_norms import SharedBatchNorm, estimate_batch_norms, share_batch_norms
from seetell.training.processes import Processes

INPUTS = torch.randn(7, 3, 2, 2, generator=torch.Generator().manual_seed(0)) * 2 + 1
WEIGHTS = torch.randn(7, 3, 2, 2, generator=torch.Generator().manual_seed(1))


def layers(momentum: float | None) -> nn.Sequential:
    built = nn.Sequential(nn.BatchNorm2d(3, momentum=momentum), nn.Sequential(nn.Tanh(), nn.BatchNorm2d(3)))
    nn.init.constant_(built[0].weight, 1.5)
    nn.init.constant_(built[0].bias, 0.5)
    return built


def trained(those: Processes, momentum: float | None) -> dict[str, torch.Tensor]:
    """Return outputs, gradients and statistics of a process's rows: three of one, four of the other."""
    model, rows = layers(momentum), slice(3 * those.rank, 7 if those.rank or those.count == 1 else 3)
    if those.count > 1:
        share_batch_norms({"model": model}, those.count, those)
    inputs = INPUTS[rows].clone().requires_grad_()
    for _ in range(2):
        outputs = model(inputs)
    (outputs * WEIGHTS[rows]).sum().backward()
    those.sum_gradients(model.parameters())
    gradients = {f"{name}.grad": parameter.grad for name, parameter in model.named_parameters()}
    found = {"outputs": outputs.detach(), "inputs.grad": inputs.grad, **gradients, **model.state_dict()}
    return {name: value.tolist() for name, value in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("momentum", [0.1, None])
def test_two_processes_normalise_as_one(momentum):
    one = trained(Processes(), momentum)
    two = run_together(2, trained, momentum)
    for name, value in one.items():
        whole = two[0][name] + two[1][name] if name in ("outputs", "inputs.grad") else two[0][name]
        torch.testing.assert_close(torch.tensor(whole), torch.tensor(value), rtol=1e-4, atol=1e-5, msg=name)
        assert name in ("outputs", "inputs.grad") or two[1][name] == pytest.approx(two[0][name])


class HalfFrozen(nn.Sequential):
    """Keeps the statistics of its first layer, as encoders do."""

    def train(self, mode: bool = True):
        super().train(mode)
        self[0].eval()
        return self


def test_layers_that_keep_their_statistics_stay_as_they_are():
    model = HalfFrozen(*layers(0.1))
    share_batch_norms({"model": model}, 2, Processes(0, 2))
    assert [type(layer) for layer in (model[0], model[1][1])] == [nn.BatchNorm2d, SharedBatchNorm]
    before = layers(0.1).eval()(INPUTS)
    assert torch.equal(model.eval()(INPUTS), before)


def test_statistics_are_estimated_anew():
    batches = [INPUTS, WEIGHTS * 3]
    expected, model = layers(None), layers(0.1)
    for batch in batches:
        expected(batch)
    model(INPUTS * 7)
    model.eval()
    estimate_batch_norms(model, batches)
    assert not model[0].training
    for name, value in expected[0].state_dict().items():
        if "running" in name:
            torch.testing.assert_close(model[0].state_dict()[name], value)
    untrained = layers(0.1).eval()
    estimate_batch_norms(untrained, batches)  # depends on the batches alone, in the second layer too
    torch.testing.assert_close(untrained[1][1].running_var, model[1][1].running_var)
