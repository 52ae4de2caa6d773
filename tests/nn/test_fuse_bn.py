from __future__ import annotations

import torch
from torch import nn

from seetell.nn.backbones import create_encoder, weights_hash
from seetell.nn.onnx_graph import absorb_norms, fuse_conv_bn


class HalvedConvolution(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._conv_forward(x, self.weight / 2, self.bias)


class ActivatingNorm(nn.BatchNorm2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).relu()


def with_statistics(module: nn.Module) -> nn.Module:
    """Give every normalisation statistics, scales and shifts of its own."""
    random = torch.Generator().manual_seed(0)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for values in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
                values.copy_(torch.rand(values.shape, generator=random) + 0.5)
    return module.eval()


def norms(module: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


def test_an_encoder_says_the_same_without_its_normalisations():
    encoder = with_statistics(create_encoder("efficientnet_lite0", weights="none", image_size=64))
    before = weights_hash(encoder)
    folded = fuse_conv_bn(encoder)
    assert (norms(encoder) > 40, norms(folded)) == (True, 0)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, theirs = encoder(images).grid, folded(images).grid
    assert ours.std() > 0
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-4 * ours.abs().max().item())
    assert weights_hash(encoder) == before


def test_layers_that_do_more_stay_as_they_are():
    layers = with_statistics(
        nn.Sequential(HalvedConvolution(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), ActivatingNorm(4))
    )
    folded = fuse_conv_bn(layers)
    assert norms(folded) == 2
    images = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(folded(images), layers(images))


def test_absorbed_norms_leave_convolutions_as_they_are_in_half_precision_too():
    encoder = with_statistics(create_encoder("efficientnet_lite0", weights="none", image_size=64))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        absorbed = absorb_norms(encoder)
        grid = encoder(images).grid
        torch.testing.assert_close(absorbed(images).grid, grid, rtol=1e-3, atol=1e-3 * grid.abs().max().item())
        stored = absorbed.half().float()
        own = dict(stored.named_parameters())
        fused = dict(fuse_conv_bn(stored).named_parameters())
    compared = [name for name, values in fused.items() if name in own and values.ndim == 4]
    assert len(compared) > 20
    for name in compared:
        torch.testing.assert_close(fused[name], own[name], rtol=1e-6, atol=0)
