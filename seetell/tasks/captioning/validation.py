"""Validation of captioners: loss and language metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.language.decoding import Decoding, Hypothesis, State, decode
from seetell.language.vocabulary import START, UNK, Vocabulary
from seetell.metrics import score_captions
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models import IGNORE_INDEX, Captioner, caption_tensors
from seetell.training.preparation import CaptionedPhotos


def validate(
    captioner: Captioner,
    batches: Iterable[Features],
    captioned: CaptionedPhotos,
    vocabulary: Vocabulary,
    *,
    decoding: Decoding | None,
    max_words: int,
) -> tuple[dict[str, float], list[str]]:
    """Measure a captioner on the photos of a split.

    Args:
        captioner: in evaluation mode.
        batches: features of the photos, in order, on the captioner's device.
        captioned: the photos with their reference captions.
        vocabulary: the captioner's.
        decoding: how to caption the photos; ``None`` measures the loss alone.
        max_words: longer reference captions are cut.

    Returns:
        ``validation_loss``, in nats per word; with ``decoding`` BLEU-1..4, ROUGE-L and CIDEr-D too. And the captions.
    """
    nats, words, done, captions = 0.0, 0, 0, []
    for features in batches:
        references = captioned.captions[done : done + len(features.pooled)]
        loss, count = validation_loss(captioner, features, references, max_words=max_words)
        nats, words, done = nats + loss, words + count, done + len(references)
        if decoding is not None:
            captions += caption_features(captioner, features, decoding, vocabulary)
    values = {"validation_loss": nats / words}
    if decoding is not None:
        photos = captioned.photos
        candidates = {photo.id: caption for photo, caption in zip(photos, captions, strict=True)}
        values |= score_captions({photo.id: photo.captions for photo in photos}, candidates).corpus
    return values, captions


def validation_loss(
    captioner: Captioner, features: Features, captions: Sequence[Sequence[Sequence[int]]], *, max_words: int
) -> tuple[float, int]:
    """Sum the negative log-probabilities of all words and ENDs of a batch.

    Args:
        captioner: in evaluation mode.
        features: of ``B`` photos.
        captions: their encoded reference captions, any number per photo.
        max_words: longer captions are cut.

    Returns:
        The sum in nats, and the number of words and ENDs.
    """
    most = max(len(photo) for photo in captions)
    padded = [[*photo, *[photo[0]] * (most - len(photo))] for photo in captions]
    inputs, targets = caption_tensors(padded, max_words=max_words)
    for b, photo in enumerate(captions):
        targets[b, len(photo) :] = IGNORE_INDEX
    device = features.pooled.device
    targets = targets.to(device)
    real = targets[targets != IGNORE_INDEX]
    with torch.inference_mode():
        logits = captioner(features, inputs.to(device), targets)
        return F.cross_entropy(logits, real, reduction="sum").item(), len(real)


def caption_features(captioner: Captioner, features: Features, decoding: Decoding, vocabulary: Vocabulary) -> list[str]:
    """Return a caption for each photo of a batch; see :func:`best_hypotheses`."""
    best = best_hypotheses(captioner, features, decoding, words=vocabulary.words)
    return [" ".join(vocabulary.decode(hypothesis.tokens)) for hypothesis in best]


def best_hypotheses(
    captioner: Captioner, features: Features, decoding: Decoding, *, words: Sequence[str] = ()
) -> list[Hypothesis]:
    """Return the best hypothesis for each photo of a batch, by the same decoding code as at prediction."""
    return [ranked[0] for ranked in ranked_hypotheses(captioner, features, decoding, words=words)]


def ranked_hypotheses(
    captioner: Captioner,
    features: Features,
    decoding: Decoding,
    *,
    forbidden: Sequence[int] = (),
    words: Sequence[str] = (),
) -> list[list[Hypothesis]]:
    """Return the hypotheses for each photo of a batch, best first, without forbidden words."""
    device = features.pooled.device

    def step(tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        photos, *rows = (torch.from_numpy(part).to(device) for part in state)
        with torch.inference_mode():
            logprobs, following, _ = captioner.step(torch.from_numpy(tokens).to(device), photos, memory, tuple(rows))
        return _numpy(logprobs), (state[0], *(_numpy(part) for part in following))

    with torch.inference_mode():
        memory, state = captioner.start(features)
    rows = (np.arange(len(features.pooled)), *(_numpy(part) for part in state))  # each row's photo and state
    return decode(step, rows, decoding, suppressed_tokens=(START, UNK, *forbidden), words=words)


def _numpy(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = (tensor.float() if tensor.is_floating_point() else tensor).cpu().numpy()
    return array
