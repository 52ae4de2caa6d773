from __future__ import annotations

import torch

from seetell.nn.feature_pyramid import FeaturePyramid


def test_every_map_has_the_width_and_knows_the_coarser_ones():
    torch.manual_seed(0)
    pyramid = FeaturePyramid({8: 5, 16: 3}, width=4)
    maps = [torch.randn(2, 5, 9, 9), torch.randn(2, 3, 5, 5)]
    fine, coarse = pyramid(maps)
    assert fine.shape == (2, 4, 9, 9)
    assert coarse.shape == (2, 4, 5, 5)
    changed_fine, changed_coarse = pyramid([maps[0], maps[1] + 1])
    assert not torch.allclose(fine, changed_fine)
    changed_fine, changed_coarse = pyramid([maps[0] + 1, maps[1]])
    assert torch.equal(coarse, changed_coarse)


def test_a_coarse_cell_reaches_the_fine_cell_at_the_same_pixel():
    """Cells are centred at multiples of the stride, so cell 2 of stride 16 is cell 4 of stride 8."""
    pyramid = FeaturePyramid({8: 1, 16: 1}, width=1)
    for module in pyramid.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.dirac_(module.weight)
            torch.nn.init.zeros_(module.bias)
    coarse = torch.zeros(1, 1, 5, 5)
    coarse[0, 0, 2, 1] = 1.0
    fine, _ = pyramid([torch.zeros(1, 1, 9, 9), coarse])
    assert fine.flatten().argmax().item() == 4 * 9 + 2
    torch.testing.assert_close(fine[0, 0, 4, 1:4], torch.tensor([0.5, 1.0, 0.5]))


def test_scales_of_the_encoder_do_not_matter_once_measured():
    torch.manual_seed(0)
    pyramid = FeaturePyramid({8: 5}, width=4)
    maps = [torch.randn(2, 5, 9, 9)]
    pyramid.fit(maps)
    expected = pyramid(maps)[0]
    scaled = [100 * maps[0] + 7]
    pyramid.fit(scaled)
    torch.testing.assert_close(pyramid(scaled)[0], expected, rtol=1e-3, atol=1e-4)
