"""CRNN: two bidirectional LSTMs over the columns of a picture, and the CTC loss.

Shi, Bai & Yao, "An End-to-End Trainable Neural Network for Image-Based Sequence Recognition and Its Application to
Scene Text Recognition", 2015, section 2. Between the LSTMs a linear layer maps both directions to the width of one, as
in the authors' code: with it, the published configuration has the 8.3 million parameters that the paper names.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seetell.config import check_probabilities, check_sizes
from seetell.language.ctc_search import Text, best_path
from seetell.nn.ctc import ctc_loss, frames_needed
from seetell.tasks.text_recognition.models.recogniser import TextRecogniser


@dataclass(frozen=True)
class CrnnConfig:
    """Sizes of the recurrent layers.

    Attributes:
        hidden_size: units of each direction.
        layers: bidirectional LSTMs.
        dropout: probability of zeroing an element of what a recurrent layer reads, in training.
    """

    hidden_size: int = 256
    layers: int = 2
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(self, "hidden_size", "layers")
        check_probabilities(self, "dropout")


class Crnn(TextRecogniser):
    """Log-probabilities of characters and the blank for each column.

    Args:
        config: sizes.
        feature_size: ``D`` of the columns.
        characters: ``V`` − 1.
    """

    def __init__(self, config: CrnnConfig, *, feature_size: int, characters: int) -> None:
        super().__init__()
        hidden = config.hidden_size
        inputs = [feature_size, *[hidden] * (config.layers - 1)]
        outputs = [*[hidden] * (config.layers - 1), characters + 1]
        self.dropout = nn.Dropout(config.dropout)
        self.lstms = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True, bidirectional=True) for size in inputs)
        self.linears = nn.ModuleList(nn.Linear(2 * hidden, size) for size in outputs)

    def forward(self, columns: Tensor) -> Tensor:
        """Return log-probabilities ``(B, T, V)`` of columns ``(B, T, D)``."""
        for lstm, linear in zip(self.lstms, self.linears, strict=True):
            columns = linear(lstm(self.dropout(columns))[0])
        return torch.log_softmax(columns.float(), dim=2)

    def losses(self, columns: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
        """Return the CTC loss of each word; 0 for one of more characters than there are columns to tell them apart."""
        log_probs = self(columns)
        frames = torch.full_like(lengths, log_probs.shape[1])
        losses = ctc_loss(log_probs, targets, frames, lengths)
        return losses.masked_fill(frames_needed(targets, lengths) > frames, 0.0)

    def read(self, columns: Tensor) -> list[tuple[Text, float]]:
        """Return the best path of each picture."""
        return best_path(self(columns).cpu().numpy())
