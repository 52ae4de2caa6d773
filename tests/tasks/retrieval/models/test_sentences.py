from __future__ import annotations

import pytest
import torch

from seetell.errors import RecipeError
from seetell.tasks.retrieval.models.sentences import SENTENCE_ENCODERS, create_sentence_encoder


def encoder(name: str, **sizes: int):
    torch.manual_seed(0)
    return create_sentence_encoder(name, **{"inputs": 6, "hidden": 8, "layers": 2, "heads": 2, **sizes}).eval()


@pytest.mark.parametrize("name", SENTENCE_ENCODERS)
def test_padding_makes_no_difference(name):
    read = encoder(name)
    words = torch.randn(3, 5, 6, generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([5, 2, 1])
    hidden = read(words, lengths)
    assert hidden.shape == (3, 5, read.width)
    assert torch.isfinite(hidden).all()
    for row, length in enumerate(lengths.tolist()):
        alone = read(words[row : row + 1, :length], torch.tensor([length]))
        torch.testing.assert_close(hidden[row, :length], alone[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SENTENCE_ENCODERS)
def test_words_know_both_neighbours(name):
    read = encoder(name)
    words = torch.randn(1, 3, 6, generator=torch.Generator().manual_seed(2), requires_grad=True)
    (middle,) = torch.autograd.grad(read(words, torch.tensor([3]))[0, 1] @ torch.arange(1.0, read.width + 1), words)
    assert (middle[0].abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("name", SENTENCE_ENCODERS)
def test_order_matters(name):
    read = encoder(name)
    words = torch.randn(1, 3, 6, generator=torch.Generator().manual_seed(3))
    lengths = torch.tensor([3])
    swapped = words[:, [1, 0, 2]]
    assert not torch.allclose(read(words, lengths)[:, 2], read(swapped, lengths)[:, 2], atol=1e-3)


def test_the_papers_network_by_hand():
    """One unit, all weights 1 but W_f = 0.5 and W_b = 2: e = (1, 0, 3), h^f = (1, 0.5, 3.25), h^b = (13, 6, 3)."""
    read = create_sentence_encoder("brnn", inputs=1, hidden=1, layers=1, heads=1)
    for linear, weight in ((read.word, 1.0), (read.onward, 0.5), (read.back, 2.0)):
        torch.nn.init.constant_(linear.weight, weight)
        torch.nn.init.zeros_(linear.bias)
    words = torch.tensor([[[1.0], [-2.0], [3.0], [9.0]]])
    hidden = read(words, torch.tensor([3]))
    torch.testing.assert_close(hidden[0, :3, 0], torch.tensor([1.0 + 13, 0.5 + 6, 3.25 + 3]))


def test_unknown_names_and_odd_heads():
    with pytest.raises(RecipeError, match="Did you mean 'gru'"):
        encoder("grus")
    with pytest.raises(RecipeError, match=r"aligner\.heads: must divide hidden_size, got 3 and 8"):
        encoder("transformer", heads=3)
