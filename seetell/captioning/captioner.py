"""What every captioner offers: scores for training, and one step at a time for decoding."""

from __future__ import annotations

from torch import Tensor, nn

from seetell.backbones import Features

IGNORED = -1  # stands in targets where there is nothing to say: padding


class Captioner(nn.Module):
    """A language model conditioned on a photo's features.

    Attributes:
        uses_grid: whether it reads ``Features.grid`` beside, or instead of, ``Features.pooled``.
        word_parameters: names of the parameters whose first axis counts the words of the vocabulary.
    """

    uses_grid: bool
    word_parameters: tuple[str, ...]

    def fit_features(self, pooled: Tensor) -> None:
        """Look at pooled vectors of training photos, ``(N, D)``, before training begins; most need not."""

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position.

        Args:
            features: of ``B`` photos; each is read once for all its captions.
            inputs: ``(B, C, T)`` START and words.
            targets: ``(B, C, T)`` words and END, ``IGNORED`` in padding.

        Returns:
            Logits ``(M, V)`` for the ``M`` real positions, in the order of ``targets[targets != IGNORED]``.
        """
        raise NotImplementedError

    def start(self, features: Features) -> tuple[Tensor, ...]:
        """Read the photos; return the state, each tensor with the leading axis ``B``."""
        raise NotImplementedError

    def step(self, tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a word for each row, ``(N,)`` int64; return log-probabilities ``(N, V)`` and the next state."""
        raise NotImplementedError
