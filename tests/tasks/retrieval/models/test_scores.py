from __future__ import annotations

import pytest
import torch

from seetell.tasks.retrieval.models.scores import real_words, word_scores

REGIONS = torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[-1.0, 0.0], [1.0, 1.0]]])  # two photos of two regions
WORDS = torch.tensor([[3.0, 1.0], [0.0, -1.0], [1.0, 2.0]])  # two words of one sentence, one of another
OWNERS = torch.tensor([0, 0, 1])


def test_equation_8_by_hand():
    """Photo 0: max(3, 2) + max(0, −2) = 3 and max(1, 4) = 4; photo 1: max(−3, 4) + max(0, −1) = 4 and max(−1, 3)."""
    scores = word_scores(REGIONS, WORDS, OWNERS, sentences=2, kind="sum")
    torch.testing.assert_close(scores, torch.tensor([[3.0, 4.0], [4.0, 3.0]]))


def test_the_scaled_forms_by_hand():
    mean = word_scores(REGIONS, WORDS, OWNERS, sentences=2, kind="mean")
    torch.testing.assert_close(mean, torch.tensor([[1.5, 4.0], [2.0, 3.0]]))
    norm = word_scores(REGIONS, WORDS, OWNERS, sentences=2, kind="norm")
    torch.testing.assert_close(norm, torch.tensor([[3.0, 4.0], [4.0, 3.0]]) / torch.tensor([11.0, 5.0]).sqrt())


def test_equation_8_as_written():
    generator = torch.Generator().manual_seed(0)
    regions = torch.randn(3, 4, 5, generator=generator)
    sentences = [torch.randn(length, 5, generator=generator) for length in (2, 6, 1)]
    owners = torch.repeat_interleave(torch.arange(3), torch.tensor([2, 6, 1]))
    scores = word_scores(regions, torch.cat(sentences), owners, sentences=3, kind="sum")
    for k in range(3):
        for position, sentence in enumerate(sentences):
            expected = sum(max(float(v @ s) for v in regions[k]) for s in sentence)
            assert scores[k, position].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["sum", "mean", "norm"])
def test_gradients(kind):
    generator = torch.Generator().manual_seed(1)
    regions = torch.randn(2, 3, 4, dtype=torch.double, generator=generator, requires_grad=True)
    words = torch.randn(3, 4, dtype=torch.double, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, s: word_scores(v, s, OWNERS, sentences=2, kind=kind), (regions, words))


def test_padding_is_taken_out():
    words = torch.arange(12.0).reshape(2, 3, 2)
    real, owners = real_words(words, torch.tensor([1, 3]))
    assert real.tolist() == [[0, 1], [6, 7], [8, 9], [10, 11]]
    assert owners.tolist() == [0, 1, 1, 1]
