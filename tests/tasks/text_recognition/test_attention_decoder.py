"""The decoder that writes character by character."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seetell.tasks.text_recognition.greedy_text import greedy_texts
from seetell.tasks.text_recognition.models.attention_decoder import AttentionDecoder, AttentionDecoderConfig


@pytest.fixture
def decoder() -> AttentionDecoder:
    torch.manual_seed(0)
    config = AttentionDecoderConfig(hidden_size=6, layers=1, attention_size=4, embedding_size=3)
    return AttentionDecoder(config, feature_size=5, characters=3, longest=4).eval()


def test_the_loss_of_what_it_writes_is_its_probability(decoder):
    columns = torch.randn(6, 7, 5, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        read = decoder.read(columns)
    targets = torch.zeros(6, 5, dtype=torch.int64)
    lengths = torch.tensor([len(text) for text, _ in read])
    for row, (text, _) in enumerate(read):
        targets[row, : len(text)] = torch.tensor(text, dtype=torch.int64)
    losses = decoder.losses(columns, targets, lengths)
    ended = lengths <= decoder.longest
    assert ended.any()
    expected = -torch.tensor([score for _, score in read])
    torch.testing.assert_close(losses[ended], expected[ended], rtol=1e-4, atol=1e-4)


def test_padding_teaches_nothing(decoder):
    columns = torch.randn(1, 7, 5, generator=torch.Generator().manual_seed(2))
    short = decoder.losses(columns, torch.tensor([[1, 2]]), torch.tensor([2]))
    padded = decoder.losses(columns, torch.tensor([[1, 2, 0, 0]]), torch.tensor([2]))
    torch.testing.assert_close(short, padded)


def test_a_text_ends_with_the_first_end():
    log_probs = np.full((2, 3, 3), -5.0)
    for place in ((0, 0, 2), (0, 1, 0), (0, 2, 1), (1, 0, 1), (1, 1, 1), (1, 2, 2)):
        log_probs[place] = -0.1
    (text, score), (endless, whole) = greedy_texts(log_probs)
    assert (text, score) == ((2,), pytest.approx(-0.2))
    assert (endless, whole) == ((1, 1, 2), pytest.approx(-0.3))
