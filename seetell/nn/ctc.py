"""Connectionist temporal classification: the loss of all alignments of a sequence of frames with a text.

Graves et al., "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent Neural
Networks", ICML 2006, section 4.1. Forward and backward variables are logarithms, and the gradient is that of equation
15, in terms of log-probabilities rather than of outputs.

Letters: ``B`` texts, ``T`` frames, ``V`` classes, the first being the blank, ``S`` characters of the longest text,
``L`` = 2 ``S`` + 1 states: the characters with a blank before, between and behind them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

BLANK = 0
"""The class that stands for no character."""


def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor) -> Tensor:
    """Return −log p(text | frames) of each text, in nats.

    Args:
        log_probs: ``(B, T, V)``, log-probabilities of the classes in each frame, normalised.
        targets: ``(B, S)`` int64, classes of the characters from 1 on, padded with anything behind the text's end.
        input_lengths: ``(B,)`` int64, frames of each text, from 1 to ``T``.
        target_lengths: ``(B,)`` int64, characters of each text, from 0 to ``S``.

    Returns:
        ``(B,)``. Infinite, with a gradient of 0, where there are fewer frames than the text's characters and the blanks
        between equal neighbours need: no alignment exists.
    """
    losses: Tensor = _Ctc.apply(log_probs, targets, input_lengths, target_lengths)
    return losses


def frames_needed(targets: Tensor, target_lengths: Tensor) -> Tensor:
    """Return the fewest frames that texts align with, ``(B,)``: one per character, and one between equal neighbours.

    Args:
        targets: see :func:`ctc_loss`.
        target_lengths: see :func:`ctc_loss`.
    """
    inside = torch.arange(1, targets.shape[1], device=targets.device) < target_lengths[:, None]
    return target_lengths + ((targets[:, 1:] == targets[:, :-1]) & inside).sum(dim=1)


class _Ctc(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor) -> Tensor:
        classes = _states(targets)
        emitted = log_probs.gather(2, classes[:, None].expand(-1, log_probs.shape[1], -1))  # (B, T, L)
        skips = _skips(classes, log_probs.dtype)
        alphas = _forward_variables(emitted, skips)
        last_frames = alphas[torch.arange(len(alphas), device=alphas.device), input_lengths - 1]  # (B, L)
        ends = _ends(target_lengths, classes.shape[1])
        log_likelihoods = last_frames.masked_fill(~ends, -torch.inf).logsumexp(dim=1)
        ctx.save_for_backward(emitted, skips, alphas, classes, ends, input_lengths, log_likelihoods)
        ctx.classes = log_probs.shape[2]
        return -log_likelihoods

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        emitted, skips, alphas, classes, ends, input_lengths, log_likelihoods = ctx.saved_tensors
        betas = _backward_variables(emitted, skips, ends, input_lengths)
        occupied = (alphas + betas - log_likelihoods[:, None, None]).exp()  # (B, T, L), how likely each state is
        frames = torch.arange(emitted.shape[1], device=emitted.device)
        valid = (frames < input_lengths[:, None]) & log_likelihoods.isfinite()[:, None]
        occupied = occupied.masked_fill(~valid[:, :, None], 0.0) * gradients[0][:, None, None]
        by_class = occupied.new_zeros(*occupied.shape[:2], ctx.classes)
        by_class.scatter_add_(2, classes[:, None].expand_as(occupied), occupied)
        return -by_class, None, None, None


def _states(targets: Tensor) -> Tensor:
    """Return the class of each state, ``(B, L)``."""
    classes = targets.new_full((targets.shape[0], 2 * targets.shape[1] + 1), BLANK)
    classes[:, 1::2] = targets
    return classes


def _skips(classes: Tensor, dtype: torch.dtype) -> Tensor:
    """Return 0 where a state may follow the one two before it, else minus infinity, ``(B, L)``.

    It may where it is a character other than the one before.
    """
    allowed = torch.zeros_like(classes, dtype=torch.bool)
    allowed[:, 2:] = (classes[:, 2:] != BLANK) & (classes[:, 2:] != classes[:, :-2])
    return torch.zeros_like(classes, dtype=dtype).masked_fill(~allowed, -torch.inf)


def _ends(target_lengths: Tensor, states: int) -> Tensor:
    """Return whether an alignment may end in a state: the last character, or the blank behind it, ``(B, L)``."""
    behind = torch.arange(states, device=target_lengths.device) - 2 * target_lengths[:, None]
    return (behind == 0) | (behind == -1)


def _forward_variables(emitted: Tensor, skips: Tensor) -> Tensor:
    """Return log α, equation 6: of all beginnings of alignments that end in a state, its frame included."""
    alpha = torch.full_like(emitted[:, 0], -torch.inf)
    alpha[:, :2] = emitted[:, 0, :2]
    alphas = [alpha]
    for frame in range(1, emitted.shape[1]):
        stay_or_next = torch.logaddexp(alpha, _shifted(alpha, 1))
        alpha = torch.logaddexp(stay_or_next, _shifted(alpha, 2) + skips)
        alpha = alpha + emitted[:, frame]
        alphas.append(alpha)
    return torch.stack(alphas, dim=1)


def _backward_variables(emitted: Tensor, skips: Tensor, ends: Tensor, input_lengths: Tensor) -> Tensor:
    """Return log β, equation 10, but without the frame itself: of all ways from a state to the end."""
    last = torch.zeros_like(emitted[:, 0]).masked_fill(~ends, -torch.inf)
    beta = last
    betas = [beta]
    for frame in range(emitted.shape[1] - 1, 0, -1):
        following = beta + emitted[:, frame]
        stay_or_next = torch.logaddexp(following, _shifted(following, -1))
        following = torch.logaddexp(stay_or_next, _shifted(following + skips, -2))
        beta = torch.where((frame < input_lengths)[:, None], following, last)
        betas.append(beta)
    return torch.stack(betas[::-1], dim=1)


def _shifted(variables: Tensor, states: int) -> Tensor:
    """Move variables ``(B, L)`` towards later states, or earlier ones where ``states`` is negative."""
    if states > 0:
        return F.pad(variables, (states, 0), value=-torch.inf)[:, :-states]
    return F.pad(variables, (0, -states), value=-torch.inf)[:, -states:]
