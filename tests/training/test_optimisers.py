from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from seetell.errors import RecipeError
from seetell.training.optimisers import (
    OPTIMISERS,
    OptimiserConfig,
    Plateau,
    ScheduleConfig,
    clip_and_step,
    create_optimiser,
    learning_rate_factor,
)


def moved(config: OptimiserConfig, gradients: list[float], factor: float = 1.0) -> float:
    """Where a parameter that began at 1 is after these gradients."""
    parameter = nn.Parameter(torch.ones(1, dtype=torch.double))
    optimiser = create_optimiser(config, [parameter])
    for gradient in gradients:
        parameter.grad = torch.full_like(parameter, gradient)
        clip_and_step(optimiser, config, torch.amp.GradScaler("cpu", enabled=False), factor=factor)
    return parameter.item()


# By hand, for the gradients 0.5 and 0.25 at rate 0.1, momentum, ρ and β₁ 0.8, β₂ 0.9, ε negligible.
G, H = 0.5, 0.25
RMS1 = 0.2 * G**2
RMS2 = 0.8 * RMS1 + 0.2 * H**2
EXPECTED = {
    "sgd": 1 - 0.1 * (G + H),
    "momentum": 1 - 0.1 * G - 0.1 * (0.8 * G + H),
    "nesterov": 1 - 0.1 * (G + 0.8 * G) - 0.1 * (H + 0.8 * (0.8 * G + H)),
    "adagrad": 1 - 0.1 * 1 - 0.1 * H / math.sqrt(G**2 + H**2),
    "rmsprop": 1 - 0.1 * G / math.sqrt(RMS1) - 0.1 * H / math.sqrt(RMS2),
    "adam": 1
    - 0.1
    - 0.1 * ((0.8 * 0.2 * G + 0.2 * H) / (1 - 0.8**2)) / math.sqrt((0.9 * 0.1 * G**2 + 0.1 * H**2) / (1 - 0.9**2)),
}
EXPECTED["adamw"] = EXPECTED["adam"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_two_steps_by_hand(name):
    config = OptimiserConfig(name, 0.1, momentum=0.8, rho=0.8, betas=(0.8, 0.9), epsilon=1e-12, clip=0)
    assert moved(config, [G, H]) == pytest.approx(EXPECTED[name], abs=1e-9)


def test_adadelta_by_hand():
    epsilon = 1e-6
    config = OptimiserConfig(name="adadelta", learning_rate=1.0, rho=0.8, epsilon=epsilon, clip=0)
    assert moved(config, [G]) == pytest.approx(1 - math.sqrt(epsilon) / math.sqrt(RMS1 + epsilon) * G, abs=1e-12)


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_the_schedule_reaches_every_optimiser(name):
    config = OptimiserConfig(name=name, learning_rate=0.1, clip=0)
    whole, half = 1 - moved(config, [0.5]), 1 - moved(config, [0.5], factor=0.5)
    assert half == pytest.approx(whole / 2)


def test_clipping_by_value_and_by_norm():
    parameters = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))]
    for kind, expected in (("value", [0.1, -0.1, 0.05]), ("norm", [0.06, -0.08, 0.0])):
        config = OptimiserConfig(name="sgd", learning_rate=1.0, clip=0.1, clip_kind=kind)
        optimiser = create_optimiser(config, parameters)
        parameters[0].grad = torch.tensor([3.0, -4.0])
        parameters[1].grad = torch.tensor([0.05 if kind == "value" else 0.0])
        before = torch.cat([parameter.detach().clone() for parameter in parameters])
        clip_and_step(optimiser, config, torch.amp.GradScaler("cpu", enabled=False), factor=1.0)
        step = before - torch.cat([parameter.detach() for parameter in parameters])
        torch.testing.assert_close(step, torch.tensor(expected), rtol=1e-4, atol=1e-6)


def test_rates_drop_at_steps_on_plateaus_and_linearly():
    steps = ScheduleConfig(decay="steps", decay_at=(10, 20))
    assert [learning_rate_factor(steps, step, steps=30) for step in (0, 9, 10, 19, 20)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01]
    )
    plateau = ScheduleConfig(decay="plateau", decay_factor=0.5)
    assert [learning_rate_factor(plateau, 5, steps=30, plateaus=count) for count in range(3)] == [1, 0.5, 0.25]
    linear = ScheduleConfig(decay="linear", decay_start=10, decay_every=20, decay_factor=0.2)
    assert [learning_rate_factor(linear, step, steps=99) for step in (0, 10, 20, 30, 60)] == pytest.approx(
        [1, 1, 0.6, 0.2, 0.2]
    )


def test_a_plateau_is_some_validations_in_a_row_without_an_improvement():
    plateau = Plateau(2)
    reached = []
    for score in (1, 2, 1.5, 1.9, 1.9, 3, 2, 2, 2, 2):
        plateau.observe(score)
        reached.append(int(plateau.reached))
    assert reached == [0, 0, 0, 1, 1, 1, 1, 2, 2, 3]
    again = Plateau(2)
    again.load_state_dict(plateau.state_dict())
    assert again.best.item() == 3


def test_schedules():
    exponential = ScheduleConfig(decay="exponential", decay_start=10, decay_every=20)
    assert [learning_rate_factor(exponential, step, steps=-1) for step in (0, 10, 30, 50)] == [1, 1, 0.5, 0.25]
    warm = ScheduleConfig(warmup=3)
    assert [learning_rate_factor(warm, step, steps=-1) for step in range(5)] == [0.25, 0.5, 0.75, 1, 1]
    cosine = ScheduleConfig(decay="cosine")
    assert learning_rate_factor(cosine, 0, steps=100) == 1
    assert learning_rate_factor(cosine, 50, steps=100) == pytest.approx(0.5)
    assert learning_rate_factor(cosine, 100, steps=100) == pytest.approx(0)


@pytest.mark.parametrize(
    "field",
    [{"learning_rate": 0}, {"momentum": 1}, {"rho": -1}, {"betas": (0.9, 1)}, {"weight_decay": -1}, {"epsilon": 0}],
)
def test_values_out_of_range(field):
    with pytest.raises(RecipeError, match=f"{next(iter(field))}: expected"):
        OptimiserConfig(**field)


def test_bad_schedules():
    with pytest.raises(RecipeError, match="warmup: expected 0 or more"):
        ScheduleConfig(warmup=-1)
    with pytest.raises(RecipeError, match="decay_every: expected at least 1"):
        ScheduleConfig(decay_every=0)
    for wrong in ({"decay": "steps"}, {"decay_at": (5,)}, {"decay": "steps", "decay_at": (5, 3)}):
        with pytest.raises(RecipeError, match="decay_at: expected steps in their order"):
            ScheduleConfig(**wrong)
