"""What every text reader offers, whatever model reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from seetell.results import Region, Regions
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.option_checks import check_share
from seetell.runtime.predictor import Predictor, Prepared

THRESHOLD = 0.7


class TextReader(Predictor[Prepared, Regions]):
    """A loaded text reader; see :class:`~seetell.runtime.predictor.Predictor`.

    A region is a line of text with its box, and its score how sure the model is of it. Regions are in reading order.
    """

    task = "text_recognition"

    def bind(self, *, whole: bool = False, threshold: float = THRESHOLD) -> BatchFn[Prepared, Regions]:
        """Return the function that reads a batch.

        Args:
            whole: take each image as one word or line, whose region is the image.
            threshold: least score of a line, from 0 to 1.

        Raises:
            UsageError: ``threshold`` is out of its range.
        """
        check_share("threshold", threshold)
        return self.batched(self._predict, whole=whole, threshold=threshold)

    @abstractmethod
    def _predict(
        self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, whole: bool, threshold: float
    ) -> list[Regions]: ...


def whole_image(text: str, score: float, size: tuple[int, int], model: str, *, threshold: float) -> Regions:
    """Return the result for an image that was read as one word or line; no region where nothing was read.

    Args:
        text: as it was read.
        score: from 0 to 1.
        size: width and height of the image in pixels.
        model: its name.
        threshold: least score.
    """
    region = Region(text, (0.0, 0.0, float(size[0]), float(size[1])), score)
    return Regions((region,) if text and score >= threshold else (), size, model)
