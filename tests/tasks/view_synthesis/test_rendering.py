"""Volume rendering of densities whose integrals are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from seetell.geometry.cameras import Rays
from seetell.tasks.view_synthesis.models.radiance_field import composite as composite_in_torch
from seetell.tasks.view_synthesis.occupancy import Occupancy
from seetell.tasks.view_synthesis.rendering import Marching, composite, render_rays, samples_of
from seetell.tasks.view_synthesis.sampling import stratified

EVERYWHERE = Occupancy.whole(8, 1.0)
ALONG_X = Rays(np.array([[-3.0, 0, 0]], np.float32), np.array([[1.0, 0, 0]], np.float32))
MARCHING = Marching(near=1.0, far=5.0, half_side=1.0, samples=400, fine_samples=0)


def slab(start: float, end: float, density: float, colour: float):
    def field(points, directions):
        inside = (points[:, 0] >= start) & (points[:, 0] < end)
        return (density * inside).astype(np.float32), np.full((len(points), 3), colour, np.float32)

    return field


def test_a_slab_of_constant_density_lets_through_exp_of_minus_its_depth():
    seen = render_rays([slab(-0.5, 0.5, 2.0, 0.25)], ALONG_X, MARCHING, EVERYWHERE)
    through = math.exp(-2.0 * 1.0)
    assert seen.opacities[0] == pytest.approx(1 - through, abs=2e-3)
    np.testing.assert_allclose(seen.colours[0], 0.25 * (1 - through) + 1.0 * through, atol=2e-3)


def test_of_two_slabs_the_first_hides_the_second():
    def field(points, directions):
        first, second = slab(-0.8, -0.4, 3.0, 0.0), slab(0.2, 0.6, 5.0, 0.0)
        densities = first(points, directions)[0] + second(points, directions)[0]
        colours = np.where(points[:, :1] < 0, [[1.0, 0, 0]], [[0, 1.0, 0]]).astype(np.float32)
        return densities, colours

    first, second = math.exp(-3.0 * 0.4), math.exp(-5.0 * 0.4)
    seen = render_rays([field], ALONG_X, MARCHING, EVERYWHERE, background=0.0)
    np.testing.assert_allclose(seen.colours[0], [1 - first, first * (1 - second), 0], atol=5e-3)


def test_density_that_falls_off_exponentially():
    # σ(x) = a e^{−(x + 1)}: its integral from −1 to 1 is a (1 − e⁻²)
    def field(points, directions):
        return 1.5 * np.exp(-(points[:, 0] + 1)), np.zeros((len(points), 3), np.float32)

    seen = render_rays([field], ALONG_X, MARCHING, EVERYWHERE, background=1.0)
    np.testing.assert_allclose(seen.colours[0], math.exp(-1.5 * (1 - math.exp(-2))), atol=2e-3)


def test_a_gaussian_ball_beside_the_ray():
    # σ = a exp(−r² / 2 s²): along a line at distance d, a s √(2 π) exp(−d² / 2 s²)
    amplitude, width, beside = 4.0, 0.15, 0.2
    rays = Rays(np.array([[-3, beside, 0]], np.float32), ALONG_X.directions)

    def field(points, directions):
        return amplitude * np.exp(-(points**2).sum(axis=1) / (2 * width**2)), np.zeros((len(points), 3), np.float32)

    depth = amplitude * width * math.sqrt(2 * math.pi) * math.exp(-(beside**2) / (2 * width**2))
    seen = render_rays([field], rays, MARCHING, EVERYWHERE)
    assert seen.opacities[0] == pytest.approx(1 - math.exp(-depth), abs=1e-3)


def test_the_second_field_is_asked_where_the_first_found_something():
    asked = []

    def fine(points, directions):
        asked.append(points[:, 0])
        return slab(0.28, 0.38, 20.0, 0.0)(points, directions)

    marching = Marching(near=1.0, far=5.0, half_side=1.0, samples=20, fine_samples=60)
    seen = render_rays([slab(0.25, 0.4, 20.0, 0.0), fine], ALONG_X, marching, EVERYWHERE)
    points = np.concatenate(asked)
    assert len(points) == 80
    assert ((points > 0.1) & (points < 0.5)).sum() > 60
    assert seen.opacities[0] == pytest.approx(1 - math.exp(-2), abs=0.05)


def test_empty_space_is_not_asked_and_nothing_else_changes():
    cells = np.zeros((8, 8, 8), bool)
    cells[2:6] = True  # x from −0.5 to 0.5
    asked = []

    def field(points, directions):
        asked.append(points)
        return slab(-0.5, 0.5, 2.0, 0.25)(points, directions)

    everywhere = render_rays([field], ALONG_X, MARCHING, EVERYWHERE)
    within = render_rays([field], ALONG_X, MARCHING, Occupancy(cells, 1.0))
    np.testing.assert_allclose(within.colours, everywhere.colours, atol=1e-6)
    np.testing.assert_allclose(within.weights, everywhere.weights, atol=1e-6)
    assert len(asked[1]) == len(asked[0]) // 2
    assert np.abs(asked[1][:, 0]).max() < 0.5


def test_a_ray_that_misses_the_scene_sees_the_background():
    rays = Rays(np.array([[-3.0, 2, 0]], np.float32), ALONG_X.directions)
    seen = render_rays([slab(-1, 1, 9.0, 0.0)], rays, MARCHING, EVERYWHERE)
    assert seen.colours.tolist() == [[1, 1, 1]]


def random_samples(dtype=np.float32):
    random = np.random.default_rng(3)
    rays = Rays(np.repeat(ALONG_X.origins, 5, axis=0), np.repeat(ALONG_X.directions, 5, axis=0))
    near, far = MARCHING.bounds(rays)
    cells = random.random((8, 8, 8)) < 0.7
    samples = samples_of(
        rays, stratified(near, far, random.random((5, 9), dtype=np.float32)), far, Occupancy(cells, 1.0)
    )
    count = len(samples.points)
    return samples, (3 * random.random(count)).astype(dtype), random.random((count, 3)).astype(dtype)


def test_torch_composites_as_numpy_does():
    samples, densities, colours = random_samples()
    assert 0 < len(densities) < 45
    expected = composite(samples, densities, colours, background=0.5)
    seen, weights = composite_in_torch(samples, torch.from_numpy(densities), torch.from_numpy(colours), background=0.5)
    np.testing.assert_allclose(seen, expected.colours, atol=1e-6)
    np.testing.assert_allclose(weights, expected.weights, atol=1e-6)
    np.testing.assert_allclose(expected.opacities, 1 - np.exp(-(depths_of(samples, densities))), atol=1e-6)


def depths_of(samples, densities):
    depths = np.zeros(samples.lengths.size)
    depths[samples.places] = densities * samples.lengths.ravel()[samples.places]
    return depths.reshape(samples.lengths.shape).sum(axis=1)


def test_gradients_of_compositing():
    samples, densities, colours = random_samples(np.float64)
    inputs = torch.from_numpy(densities).requires_grad_(), torch.from_numpy(colours).requires_grad_()
    samples = samples._replace(lengths=samples.lengths.astype(np.float64))
    assert gradcheck(lambda *given: composite_in_torch(samples, *given)[0], inputs)
