"""Scheduled sampling: training on sentences that contain some words of the captioner's own.

Bengio et al., "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", NIPS 2015. A captioner is
trained on reference captions but at prediction reads its own words; so it reads its own more and more often while
training. They are sampled all at once from the predictions of a first pass over the reference captions (Mihaylova &
Martins, "Scheduled Sampling for Transformers", 2019), which suits every captioner and costs one more pass without
gradients.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seetell.language.vocabulary import END, START, UNK
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models import IGNORE_INDEX, Captioner


def replace_with_samples(
    captioner: Captioner, features: Features, inputs: Tensor, targets: Tensor, *, probability: float
) -> Tensor:
    """Replace some input words by words sampled from the captioner's predictions for their places.

    Args:
        captioner: run in evaluation mode, its mode being restored.
        features: of ``B`` photos.
        inputs: ``(B, C, T)`` START and words.
        targets: ``(B, C, T)`` words and END, ``IGNORE_INDEX`` in padding.
        probability: of each word to be replaced; START never is, and END and UNK never replace a word.

    Returns:
        The new inputs, ``(B, C, T)``.
    """
    training = captioner.training
    captioner.eval()
    with torch.no_grad():
        logits = captioner(features, inputs, targets)  # (M, V)
    captioner.train(training)
    logits[:, [END, START, UNK]] = -torch.inf
    samples = torch.full_like(targets, IGNORE_INDEX)
    samples[targets != IGNORE_INDEX] = torch.multinomial(torch.softmax(logits, dim=1), 1)[:, 0]
    samples = torch.cat([inputs[..., :1], samples[..., :-1]], dim=2)  # a word predicted at a place is read at the next
    replaced = torch.rand(inputs.shape, device=inputs.device) < probability
    replaced &= (targets != IGNORE_INDEX) & (samples != IGNORE_INDEX)
    replaced[..., 0] = False
    return torch.where(replaced, samples, inputs)
