"""What every text reader offers, whatever model reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from seetell.results import Regions
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.option_checks import check_share
from seetell.runtime.predictor import Predictor, Prepared

THRESHOLD = 0.3


class TextReader(Predictor[Prepared, Regions]):
    """A loaded text reader; see :class:`~seetell.runtime.predictor.Predictor`.

    A region is a line of text with its box and the mean probability of its words. Regions are in reading order.
    """

    task = "text_recognition"

    def bind(self, *, whole: bool = False, threshold: float = THRESHOLD) -> BatchFn[Prepared, Regions]:
        """Return the function that reads a batch.

        Args:
            whole: take each image as one word, whose region is the image, whatever its score.
            threshold: least score of a word, from 0 to 1.

        Raises:
            UsageError: ``threshold`` is out of its range.
        """
        check_share("threshold", threshold)
        return self.batched(self._predict, whole=whole, threshold=threshold)

    @abstractmethod
    def _predict(
        self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, whole: bool, threshold: float
    ) -> list[Regions]: ...
