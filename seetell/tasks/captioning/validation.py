"""How good the captioner is by now: validation loss and language scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.data.records import PhotoRecord
from seetell.language.decoding import Decoding, Hypothesis, State, decode
from seetell.language.vocabulary import Vocabulary
from seetell.metrics import score_captions
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models import IGNORE_INDEX, Captioner
from seetell.training.batches import caption_tensors


def validation_loss(
    captioner: Captioner, features: Features, captions: Sequence[Sequence[Sequence[int]]], *, max_words: int
) -> tuple[float, int]:
    """Sum the negative log-probabilities of all words and ENDs of a batch.

    Args:
        captioner: in evaluation mode.
        features: of ``B`` photos.
        captions: their encoded captions, any number a photo.
        max_words: longer captions are cut.

    Returns:
        The sum in nats and how many words and ENDs it is over.
    """
    most = max(len(photo) for photo in captions)
    padded = [[*photo, *[photo[0]] * (most - len(photo))] for photo in captions]
    inputs, targets = caption_tensors(padded, max_words=max_words)
    for b, photo in enumerate(captions):
        targets[b, len(photo) :] = IGNORE_INDEX
    device = features.pooled.device
    targets = targets.to(device)
    said = targets[targets != IGNORE_INDEX]
    with torch.inference_mode():
        logits = captioner(features, inputs.to(device), targets)
        return F.cross_entropy(logits, said, reduction="sum").item(), len(said)


def caption_features(captioner: Captioner, features: Features, decoding: Decoding, vocabulary: Vocabulary) -> list[str]:
    """Say a sentence for each photo of a batch; see :func:`best_hypotheses`."""
    return [" ".join(vocabulary.decode(best.tokens)) for best in best_hypotheses(captioner, features, decoding)]


def best_hypotheses(captioner: Captioner, features: Features, decoding: Decoding) -> list[Hypothesis]:
    """Find the best sentence for each photo of a batch, by the same decoding code as at prediction.

    Args:
        captioner: in evaluation mode.
        features: of ``B`` photos.
        decoding: the options.
    """
    device = features.pooled.device

    def step(tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        photos, *rows = (torch.from_numpy(part).to(device) for part in state)
        with torch.inference_mode():
            logprobs, following, _ = captioner.step(torch.from_numpy(tokens).to(device), photos, memory, tuple(rows))
        return _numpy(logprobs), (state[0], *(_numpy(part) for part in following))

    with torch.inference_mode():
        memory, state = captioner.start(features)
    rows = (
        np.arange(len(features.pooled)),
        *(_numpy(part) for part in state),
    )  # each row's photo and state
    return [ranked[0] for ranked in decode(step, rows, decoding)]


def language_scores(photos: Sequence[PhotoRecord], captions: Sequence[str]) -> dict[str, float]:
    """Score captions against those of the data set: BLEU-1..4, ROUGE-L and CIDEr-D.

    Args:
        photos: the photos.
        captions: one for each photo.
    """
    references = {photo.id: photo.captions for photo in photos}
    candidates = {photo.id: caption for photo, caption in zip(photos, captions, strict=True)}
    return dict(score_captions(references, candidates).corpus)


def _numpy(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = (tensor.float() if tensor.is_floating_point() else tensor).cpu().numpy()
    return array
