"""The interface of every captioner: scores of whole captions for training, and single steps for decoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.language.vocabulary import END, START
from seetell.nn.backbones import Features

Average = Callable[[Tensor], Tensor]
"""Takes losses ``(M,)`` of words, in the order of ``targets[targets != IGNORE_INDEX]``; returns a scalar."""


class SoftTargets(NamedTuple):
    """Teachers' predictions at ``M`` positions, and their weight in the loss.

    Attributes:
        probabilities: softened by the temperature, ``(M, V)``.
        weight: share of the loss on soft targets; the rest is on the reference captions' words.
        temperature: by which the student's logits are divided, as the teachers' were.
    """

    probabilities: Tensor
    weight: float
    temperature: float


def token_cross_entropy(
    logits: Tensor,
    words: Tensor,
    *,
    label_smoothing: float,
    soft_targets: SoftTargets | None = None,
    average: Average = torch.mean,
) -> Tensor:
    """Return the mean cross-entropy per word, in nats.

    With soft targets it is (1 − w)·CE(words) + w·T²·CE(teachers): Hinton, Vinyals & Dean, "Distilling the Knowledge in
    a Neural Network", 2015, section 2, where T² keeps the size of the gradient whatever the temperature. This
    cross-entropy has the gradient of KL(teachers ‖ student), and falls to the teachers' entropy where that falls to 0.

    Args:
        logits: ``(M, V)``.
        words: of the reference captions, ``(M,)`` int64.
        label_smoothing: share of the target probability spread over all words; of the reference words alone.
        soft_targets: of teachers.
        average: of the words' losses, which may count some more than others.
    """
    losses = F.cross_entropy(logits, words, label_smoothing=label_smoothing, reduction="none")  # (M,)
    if soft_targets is not None:
        temperature = soft_targets.temperature
        taught = F.cross_entropy(logits / temperature, soft_targets.probabilities, reduction="none")
        losses = (1 - soft_targets.weight) * losses + soft_targets.weight * temperature**2 * taught
    return average(losses)


IGNORE_INDEX = -1  # of padding, in targets


class DecoderStart(NamedTuple):
    """A captioner's tensors for ``B`` images before the first word.

    Attributes:
        memory: constant over words and shared by all sentences of an image, each tensor with the leading axis ``B``;
            often empty.
        state: changes with every word, each tensor with the leading axis ``B``, later ``N``, one row per sentence.
    """

    memory: tuple[Tensor, ...]
    state: tuple[Tensor, ...]


class DecoderStep(NamedTuple):
    """A captioner's output after one more word in each of ``N`` sentences.

    Attributes:
        logprobs: of each next word, ``(N, V)``.
        state: the next state.
        attention: weights over locations, ``(N, L)``, rows summing to 1; ``None`` if it does not attend.
    """

    logprobs: Tensor
    state: tuple[Tensor, ...]
    attention: Tensor | None = None


class Captioner(nn.Module):
    """A language model conditioned on an image's features.

    Architectures are made of ``config``, their own sizes and regularisation; ``feature_size``, ``D``, the length of the
    encoder's vectors; ``vocabulary_size``, ``V``, specials included; and, where they need it, ``locations``, ``L``.

    Attributes:
        word_embedding: one vector per word.
        uses_grid: whether it reads ``Features.grid`` beside, or instead of, ``Features.pooled``.
        uses_tags: whether it reads ``Features.tags``.
        vocab_parameters: names of the parameters and buffers whose first axis is the vocabulary.
        attends: whether steps return attention weights.
        needs_num_locations: whether it has parameters per location, and so is made for a number of locations.
        growing_state: indices of the state's tensors whose second axis grows by one with each word (key-value caches).
    """

    word_embedding: nn.Embedding
    uses_grid: bool = False
    uses_tags: bool = False
    vocab_parameters: tuple[str, ...] = ("word_embedding.weight", "output.weight", "output.bias")
    attends: bool = False
    needs_num_locations: bool = False
    growing_state: tuple[int, ...] = ()

    def name_tags(self, vocabulary: Sequence[str], objects: Sequence[str], words: Sequence[str]) -> None:
        """Tell which words of the vocabulary name a tag; by default nothing.

        Args:
            vocabulary: the captioner's words.
            objects: names of the detector's classes.
            words: those that are detected.
        """

    def fit_normalisation(self, features: Features) -> None:
        """Measure features of some training images before training begins; by default nothing."""

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position.

        Args:
            features: of ``B`` images; each is read once for all its captions.
            inputs: ``(B, C, T)`` START and words.
            targets: ``(B, C, T)`` words and END, ``IGNORE_INDEX`` in padding.

        Returns:
            Logits ``(M, V)`` for the ``M`` real positions, in the order of ``targets[targets != IGNORE_INDEX]``.
        """
        raise NotImplementedError

    def loss(
        self,
        features: Features,
        inputs: Tensor,
        targets: Tensor,
        *,
        label_smoothing: float,
        soft_targets: SoftTargets | None = None,
        average: Average = torch.mean,
    ) -> Tensor:
        """Return the training loss: the mean cross-entropy of a real word, and any term of the captioner's own.

        Features, inputs and targets are those of :meth:`forward`, the others those of :func:`token_cross_entropy`.
        """
        words = targets[targets != IGNORE_INDEX]
        return token_cross_entropy(
            self(features, inputs, targets),
            words,
            label_smoothing=label_smoothing,
            soft_targets=soft_targets,
            average=average,
        )

    def start(self, features: Features) -> DecoderStart:
        """Read the images."""
        raise NotImplementedError

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row and score the next.

        Args:
            tokens: ``(N,)`` int64.
            photos: ``(N,)`` int64, index of each row's image in the memory.
            memory: as :meth:`start` returned it.
            state: one row per sentence.
        """
        raise NotImplementedError


def output_layer(inputs: int, vocabulary_size: int) -> nn.Linear:
    """Make a layer that scores words, small at first as NeuralTalk2's."""
    layer = nn.Linear(inputs, vocabulary_size)
    nn.init.uniform_(layer.weight, -0.1, 0.1)
    nn.init.zeros_(layer.bias)
    return layer


def caption_tensors(captions: Sequence[Sequence[Sequence[int]]], *, max_words: int) -> tuple[Tensor, Tensor]:
    """Return encoded captions as a captioner's inputs and targets.

    Args:
        captions: word numbers of ``B`` photos with ``C`` captions each, without specials.
        max_words: longer captions are cut; a cut one does not teach END, unlike in NeuralTalk2.

    Returns:
        ``inputs`` (START and words) and ``targets`` (words and END, ``IGNORE_INDEX`` in padding), both ``(B, C, T)``.
    """
    rows = [[list(words[:max_words]) for words in photo] for photo in captions]
    steps = 1 + max(len(words) for photo in rows for words in photo)
    inputs = torch.full((len(rows), len(rows[0]), steps), END)
    targets = torch.full_like(inputs, IGNORE_INDEX)
    for b, photo in enumerate(rows):
        for c, words in enumerate(photo):
            inputs[b, c, : len(words) + 1] = torch.tensor([START, *words])
            targets[b, c, : len(words)] = torch.tensor(words)
            if len(words) == len(captions[b][c]):
                targets[b, c, len(words)] = END
    return inputs, targets
