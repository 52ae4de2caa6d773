"""The CTC loss against torch's, and against the sum over all alignments."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from seetell.nn.ctc import ctc_loss, frames_needed


def compare(logits: torch.Tensor, texts: list[list[int]], frames: list[int]) -> None:
    longest = max(len(text) for text in texts)
    padded = [text + [1] * (longest - len(text)) for text in texts]
    targets = torch.tensor(padded, dtype=torch.int64)
    input_lengths, target_lengths = torch.tensor(frames), torch.tensor([len(text) for text in texts])
    results = []
    for ours in (True, False):
        leaf = logits.clone().requires_grad_()
        log_probs = F.log_softmax(leaf, dim=2)
        if ours:
            losses = ctc_loss(log_probs, targets, input_lengths, target_lengths)
        else:
            losses = F.ctc_loss(
                log_probs.transpose(0, 1), targets, input_lengths, target_lengths, reduction="none", zero_infinity=True
            )
        losses.masked_fill(losses.isinf(), 0).mul(torch.linspace(0.5, 1, len(texts))).sum().backward()
        results.append((losses.masked_fill(losses.isinf(), 0).detach(), leaf.grad))
    (loss, gradient), (expected_loss, expected_gradient) = results
    torch.testing.assert_close(loss, expected_loss, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("texts", "frames"),
    [
        ([[1, 2, 3], [2], [3, 1]], [8, 8, 8]),
        ([[1, 1, 1], [2, 2, 3, 3], [4, 4]], [8, 7, 3]),  # equal neighbours need a blank between them
        ([[], [1], []], [8, 1, 5]),  # empty texts, and a single frame
        ([[], []], [8, 3]),
        ([[1, 2, 3, 4], [1, 1], [2, 3]], [3, 2, 2]),  # two without an alignment
        ([[4, 3, 2, 1, 1, 2, 3, 4]], [9]),  # one alignment only
    ],
)
def test_loss_and_gradient_are_torchs(texts, frames):
    logits = 3 * torch.randn(len(texts), 9, 5, generator=torch.Generator().manual_seed(0))
    compare(logits, texts, frames)


def test_loss_and_gradient_are_torchs_for_many_texts():
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(0, 9, (40,), generator=generator).tolist()
    texts = [torch.randint(1, 7, (length,), generator=generator).tolist() for length in lengths]
    frames = torch.randint(1, 21, (40,), generator=generator).tolist()
    compare(2 * torch.randn(40, 20, 7, generator=generator), texts, frames)


def test_every_alignment_counts():
    log_probs = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(2)).log_softmax(2)
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        if [key for key, _ in itertools.groupby(path) if key] == [1, 2]:
            total += math.exp(sum(log_probs[0, frame, label].item() for frame, label in enumerate(path)))
    loss = ctc_loss(log_probs, torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]))
    assert loss.item() == pytest.approx(-math.log(total), abs=1e-5)


def test_the_gradient_is_that_of_finite_differences():
    log_probs = torch.randn(2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).requires_grad_()
    lengths = torch.tensor([5, 4]), torch.tensor([3, 2])
    assert torch.autograd.gradcheck(
        lambda values: ctc_loss(values, torch.tensor([[1, 1, 2], [3, 2, 1]]), *lengths), (log_probs,)
    )


def test_a_text_without_an_alignment_costs_infinity_and_teaches_nothing():
    log_probs = torch.zeros(1, 3, 4).log_softmax(2).requires_grad_()
    targets, target_lengths = torch.tensor([[1, 1, 2]]), torch.tensor([3])
    loss = ctc_loss(log_probs, targets, torch.tensor([3]), target_lengths)
    loss.sum().backward()
    assert loss.item() == math.inf
    assert not log_probs.grad.any()
    assert frames_needed(targets, target_lengths).tolist() == [4]


def test_frames_needed_count_no_padding():
    targets = torch.tensor([[1, 1, 1], [2, 2, 2], [1, 2, 2]])
    assert frames_needed(targets, torch.tensor([3, 1, 2])).tolist() == [5, 1, 2]
