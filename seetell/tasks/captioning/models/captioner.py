"""What every captioner offers: scores for training, and one step at a time for decoding."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from seetell.nn.backbones import Features
from seetell.tasks.captioning.models.losses import SoftTargets, token_cross_entropy

IGNORE_INDEX = -1  # stands in targets where there is nothing to say: padding


class DecoderStart(NamedTuple):
    """What a captioner knows of ``B`` photos before the first word.

    Attributes:
        memory: what stays the same from word to word and is shared by all sentences of a photo, each tensor with the
            leading axis ``B``; most often nothing.
        state: what changes from word to word, each tensor with the leading axis ``B``, later ``N``, one row a sentence.
    """

    memory: tuple[Tensor, ...]
    state: tuple[Tensor, ...]


class DecoderStep(NamedTuple):
    """What a captioner makes of one word more in each of ``N`` sentences.

    Attributes:
        logprobs: of each next word, ``(N, V)``.
        state: the next state.
        attention: where it looked, ``(N, L)``, rows summing to 1; ``None`` if it does not attend.
    """

    logprobs: Tensor
    state: tuple[Tensor, ...]
    attention: Tensor | None = None


class Captioner(nn.Module):
    """A language model conditioned on a photo's features.

    Attributes:
        word_embedding: a vector a word.
        uses_grid: whether it reads ``Features.grid`` beside, or instead of, ``Features.pooled``.
        vocab_parameters: names of the parameters whose first axis counts the words of the vocabulary.
        attends: whether steps tell where it looked.
        needs_num_locations: whether it is made for a number of locations, having something to learn of each.
        growing_state: places in the state of the tensors whose second axis grows by one with each word.
    """

    word_embedding: nn.Embedding
    uses_grid: bool
    vocab_parameters: tuple[str, ...]
    attends: bool = False
    needs_num_locations: bool = False
    growing_state: tuple[int, ...] = ()

    def fit_normalisation(self, features: Features) -> None:
        """Look at the features of some training photos before training begins; most need not."""

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position.

        Args:
            features: of ``B`` photos; each is read once for all its captions.
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
    ) -> Tensor:
        """Return the mean surprise at a real word, and what else the captioner is to be trained by; see ``forward``."""
        said = targets[targets != IGNORE_INDEX]
        return token_cross_entropy(
            self(features, inputs, targets), said, label_smoothing=label_smoothing, soft_targets=soft_targets
        )

    def start(self, features: Features) -> DecoderStart:
        """Read the photos."""
        raise NotImplementedError

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read a word for each row and score the next.

        Args:
            tokens: ``(N,)`` int64.
            photos: ``(N,)`` int64, which of the ``B`` photos of the memory a row belongs to.
            memory: as :meth:`start` gave it.
            state: one row a sentence.
        """
        raise NotImplementedError
