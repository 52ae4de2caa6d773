"""What every text recogniser offers, whatever its architecture.

Letters: ``B`` pictures, ``T`` columns of a picture, ``D`` features of a column, ``S`` characters of the longest text,
``V`` classes: the characters from 1 on, and 0, which is none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from seetell.language.ctc_search import Text
from seetell.nn.backbones import Features


class TextRecogniser(nn.Module, ABC):
    """A network that reads the columns of pictures of words."""

    @abstractmethod
    def losses(self, columns: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
        """Return the loss of each text, ``(B,)``, in nats.

        Args:
            columns: ``(B, T, D)``.
            targets: ``(B, S)`` int64, classes of the characters, padded with 0.
            lengths: ``(B,)`` int64, characters of each text.
        """

    @abstractmethod
    def read(self, columns: Tensor) -> list[tuple[Text, float]]:
        """Return the classes of the characters of each picture, and the log-probability of the text.

        Args:
            columns: ``(B, T, D)``.
        """


def columns_of(features: Features, grid_size: tuple[int, int]) -> Tensor:
    """Return the columns of an encoder's grid, ``(B, T, D)``, rows averaged."""
    assert features.grid is not None
    rows, columns = grid_size
    if rows == 1:
        return features.grid
    batch, _, size = features.grid.shape
    return features.grid.reshape(batch, rows, columns, size).mean(dim=1)
