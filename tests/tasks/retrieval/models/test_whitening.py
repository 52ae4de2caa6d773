from __future__ import annotations

import torch

from seetell.nn.standardisation import Whitening


def features() -> torch.Tensor:
    """Four independent axes of variances 16, 1, 1 and 1/16, then turned."""
    generator = torch.Generator().manual_seed(0)
    straight = torch.randn(20000, 4, generator=generator) * torch.tensor([4.0, 1.0, 1.0, 0.25])
    turn, _ = torch.linalg.qr(torch.randn(4, 4, generator=generator))
    return straight @ turn + 5


def test_variances_become_their_roots_on_one_scale():
    """λ^-¼ twice: 16, 1, 1, 1/16 become 4, 1, 1, 1/4, whose mean is brought to 1."""
    whitening = Whitening(4, 4)
    whitening.fit(features())
    out = whitening(features())
    expected = torch.tensor([4.0, 1.0, 1.0, 0.25]) / 6.25 * 4
    torch.testing.assert_close(out.var(dim=0), expected, rtol=0.05, atol=0)
    torch.testing.assert_close(out.mean(dim=0), torch.zeros(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.corrcoef(out.T), torch.eye(4), atol=0.03, rtol=0)


def test_the_largest_components_are_kept():
    whitening = Whitening(4, 1)
    whitening.fit(features())
    out = whitening(features())
    assert out.shape == (20000, 1)
    axis = whitening.projection[:, 0]
    along = features() @ (axis / axis.norm())
    assert 15 < float(along.var()) < 17
    torch.testing.assert_close(out.square().mean(), torch.tensor(1.0))


def test_features_that_never_vary_stay_finite():
    whitening = Whitening(3, 3)
    whitening.fit(torch.ones(10, 3))
    assert torch.isfinite(whitening(torch.ones(2, 3))).all()
