from __future__ import annotations

import math

import pytest
import torch

from seetell.tasks.retrieval.models.scores import hardest_negative, info_nce, max_margin

SCORES = torch.tensor([[2.0, 1.5, 0.0], [1.8, 3.0, 2.5], [0.0, 0.0, 1.0]])
OWNERS = torch.arange(3)


def test_equation_9_by_hand():
    """Sentences for photos: 0.5; none (1.8 − 3 + 1 < 0) and 0.5; none. Photos for sentences: 0.8; none; 2.5."""
    assert max_margin(SCORES, OWNERS, margin=1.0).item() == pytest.approx((0.5 + 0.5 + 0.8 + 2.5) / 3)


def test_equation_9_as_written():
    scores = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))
    total = 0.0
    for k in range(6):
        for other in set(range(6)) - {k}:
            total += max(0.0, float(scores[k, other] - scores[k, k] + 1))
            total += max(0.0, float(scores[other, k] - scores[k, k] + 1))
    assert max_margin(scores, torch.arange(6), margin=1.0).item() == pytest.approx(total / 6, rel=1e-5)


def test_only_the_hardest_counts():
    """Sentences cost 0.5 and 0.9, 0.5; photos 0.8, nothing, and 1.9 and 2.5."""
    crowded = torch.tensor([[2.0, 1.5, 1.9], [1.8, 3.0, 2.5], [0.0, 0.0, 1.0]])
    assert hardest_negative(crowded, OWNERS, margin=1.0).item() == pytest.approx((0.9 + 0.5 + 0.8 + 2.5) / 3)
    assert max_margin(crowded, OWNERS, margin=1.0).item() == pytest.approx((1.4 + 0.5 + 0.8 + 1.9 + 2.5) / 3)


def test_cross_entropy_by_hand():
    scores = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(7.0)]])
    expected = -(math.log(3 / 4) + math.log(7 / 8)) / 2
    assert info_nce(scores, torch.arange(2)).item() == pytest.approx(expected)


def test_a_photos_other_sentences_are_no_mistakes():
    """Sentences 0 and 1 are of photo 0: neither is held against the other."""
    owners = torch.tensor([0, 0, 1])
    scores = torch.tensor([[1.0, 2.0, 0.3], [0.1, 0.4, 1.2]])

    def sentence(place: int) -> float:
        """The mean cross-entropy of one sentence of photo 0, written out."""
        own, wrong_sentence, wrong_photo = scores[0, place], scores[0, 2], scores[1, place]
        return float(-(own - torch.logaddexp(own, wrong_sentence)) - (own - torch.logaddexp(own, wrong_photo))) / 2

    own, wrong_photo = scores[1, 2], scores[0, 2]
    among = torch.logsumexp(scores[1], dim=0)
    last = float(-(own - among) - (own - torch.logaddexp(own, wrong_photo))) / 2
    assert info_nce(scores, owners).item() == pytest.approx((sentence(0) + sentence(1) + last) / 3, rel=1e-5)
    assert max_margin(scores, owners, margin=0.1).item() == pytest.approx(0.0)
    assert hardest_negative(scores, owners, margin=0.9).item() == pytest.approx((0.2 + 0.1) / 3)


@pytest.mark.parametrize("loss", [max_margin, hardest_negative, info_nce], ids=lambda loss: loss.__name__)
def test_gradients(loss):
    scores = torch.randn(3, 5, dtype=torch.double, generator=torch.Generator().manual_seed(3), requires_grad=True)
    owners = torch.tensor([0, 0, 1, 2, 2])
    options = {} if loss is info_nce else {"margin": 0.5}
    assert torch.autograd.gradcheck(lambda s: loss(s, owners, **options), (scores,))
