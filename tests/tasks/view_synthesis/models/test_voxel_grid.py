from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from seetell.tasks.view_synthesis.models.voxel_grid import (
    VoxelGrid,
    VoxelGridConfig,
    VoxelGridField,
    spherical_harmonics,
)


def random_field(**sizes) -> VoxelGridField:
    field = VoxelGridField(VoxelGridConfig(**{"resolution": 5, "degree": 1, **sizes}), half_side=1.5)
    torch.manual_seed(0)
    torch.nn.init.normal_(field.values)
    return field


@pytest.mark.slow
def test_values_are_interpolated_as_scipy_does():
    from scipy.interpolate import RegularGridInterpolator

    field = random_field()
    axis = np.linspace(-1.5, 1.5, 5)
    values = field.values.detach().numpy().reshape(5, 5, 5, -1)
    points = np.random.default_rng(0).uniform(-1.5, 1.5, (50, 3))
    points = np.concatenate([points, [[-1.5, -1.5, -1.5], [1.5, 1.5, 1.5], [1.5, 0, -1.5]]]).astype(np.float32)
    expected = RegularGridInterpolator((axis, axis, axis), values)(points)
    np.testing.assert_allclose(field.interpolated(torch.from_numpy(points)).detach(), expected, atol=1e-5)


def test_the_harmonics_are_orthonormal():
    random = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(200_000, 3, generator=random, dtype=torch.float64), dim=1)
    functions = spherical_harmonics(directions, 2)
    products = 4 * math.pi * functions.T @ functions / len(functions)
    np.testing.assert_allclose(products, np.eye(9), atol=0.03)


@pytest.mark.parametrize(("degree", "parameters"), [(0, 4), (1, 13), (2, 28)])
def test_numbers_of_a_corner(degree: int, parameters: int):
    scene = VoxelGrid(VoxelGridConfig(resolution=6, degree=degree), half_side=1.0, cells=4)
    assert sum(parameter.numel() for parameter in scene.parameters()) == 6**3 * parameters
    assert list(scene.field_names) == ["field"]


def test_a_cell_is_almost_empty_before_training():
    field = VoxelGridField(VoxelGridConfig(resolution=9, opacity=1e-3), half_side=1.0)
    densities, colours = field(torch.rand(4, 3), torch.nn.functional.normalize(torch.randn(4, 3), dim=1))
    np.testing.assert_allclose(1 - np.exp(-densities.detach().numpy() * field.cell), 1e-3, rtol=1e-3)
    np.testing.assert_allclose(colours.detach(), 0.5)


def test_colours_depend_on_the_direction_by_its_degree():
    point, directions = torch.zeros(2, 3), torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    for degree in (0, 1):
        _, colours = random_field(degree=degree)(point, directions)
        assert torch.equal(colours[0], colours[1]) == (degree == 0)


@pytest.mark.slow
def test_gradients():
    field = random_field(resolution=3).double()
    points = torch.tensor([[0.1, -0.3, 1.0], [1.2, 1.2, -1.4]], dtype=torch.float64)
    directions = torch.nn.functional.normalize(torch.ones(2, 3, dtype=torch.float64), dim=1)

    def answers(values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.func.functional_call(field, {"values": values}, (points, directions))

    assert gradcheck(answers, (field.values.detach().requires_grad_(),))


def test_total_variation_by_hand():
    config = VoxelGridConfig(resolution=3, degree=0, density_variation=2.0, colour_variation=0.5)
    scene = VoxelGrid(config, half_side=1.0, cells=2)
    x, y, z = torch.meshgrid(*[torch.arange(3.0)] * 3, indexing="ij")
    with torch.no_grad():
        scene.field.values[:, 0] = (2 * x + 3 * y + 6 * z).flatten()  # √(4 + 9 + 36) = 7 everywhere
        scene.field.values[:, 1] = x.flatten()  # 1, and the other two colours are flat
    variation = scene.regularisation(torch.Generator().manual_seed(0))
    assert variation.item() == pytest.approx(2 * 7 + 0.5 / 3, rel=1e-3)
    none = VoxelGridConfig(resolution=3, density_variation=0, colour_variation=0)
    assert VoxelGrid(none, half_side=1.0, cells=2).regularisation(torch.Generator()) is None
