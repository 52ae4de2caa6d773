from __future__ import annotations

import math

import numpy as np
import torch

from seetell.tasks.view_synthesis.models.nerf import Nerf, NerfConfig, NerfNetwork, encoded


def test_the_published_network_has_its_parameters():
    network = NerfNetwork(NerfConfig())
    assert sum(parameter.numel() for parameter in network.parameters()) == 595_844
    assert [layer.in_features for layer in network.layers] == [63, 256, 256, 256, 256, 319, 256, 256]
    assert network.view.in_features == 256 + 27


def test_a_scene_has_two_networks():
    scene = Nerf(NerfConfig(), half_side=1.5, cells=4)
    assert sum(parameter.numel() for parameter in scene.parameters()) == 2 * 595_844
    assert list(scene.field_names) == ["coarse", "fine"]


def test_the_encoding_by_hand():
    values = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64)
    first = [0.5, -1.0, 2.0]
    second = [math.sin(1 * each) for each in first] + [math.cos(1 * each) for each in first]
    third = [math.sin(2 * each) for each in first] + [math.cos(2 * each) for each in first]
    np.testing.assert_allclose(encoded(values, 2)[0], [*first, *second, *third])
    assert encoded(values, 0).tolist() == [first]


def test_the_density_depends_on_the_place_alone():
    torch.manual_seed(0)
    network = NerfNetwork(NerfConfig(layers=2, width=16, skip=0, density="softplus"))
    points = torch.rand(1, 3).expand(4, 3)
    densities, colours = network(points, torch.nn.functional.normalize(torch.randn(4, 3), dim=1))
    assert (densities == densities[0]).all()
    assert densities[0] > 0
    assert not torch.allclose(colours[0], colours[1])


def test_colours_without_directions():
    network = NerfNetwork(NerfConfig(layers=2, width=16, skip=1, direction_frequencies=-1))
    points = torch.rand(1, 3).expand(4, 3)
    _, colours = network(points, torch.randn(4, 3))
    assert (colours == colours[0]).all()
    assert ((colours > 0) & (colours < 1)).all()


def test_densities_of_the_paper_are_cut_off_at_zero():
    torch.manual_seed(1)
    network = NerfNetwork(NerfConfig(layers=2, width=16, skip=0))
    densities, _ = network(torch.randn(200, 3), torch.randn(200, 3))
    assert (densities == 0).any()
    assert densities.min() == 0
