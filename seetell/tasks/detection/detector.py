"""What every detector offers, whatever model finds the objects."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from seetell.results import Regions
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.option_checks import check_count, check_share
from seetell.runtime.predictor import Predictor, Prepared

TOP = 20
SAME_PLACE_IOU = 0.8
"""Of two boxes of any classes that overlap more, the one of higher score is told: one object is of one class."""


@dataclass(frozen=True)
class Wanted:
    """What a call asks of a detector; see :meth:`Detector.bind`."""

    threshold: float
    top: int
    same_place_iou: float


class Detector(Predictor[Prepared, Regions]):
    """A loaded object detector; see :class:`~seetell.runtime.predictor.Predictor`.

    The text of a region is the name of its class.

    Attributes:
        labels: the classes that it finds; empty where there is no list of them.
        threshold: least score by default.
    """

    task = "detection"
    labels: tuple[str, ...]
    threshold: float

    def bind(
        self, *, threshold: float | None = None, top: int = TOP, same_place_iou: float = SAME_PLACE_IOU
    ) -> BatchFn[Prepared, Regions]:
        """Return the function that finds the objects of a batch.

        Args:
            threshold: least score, from 0 to 1; the model's own when absent.
            top: maximum number of objects per image.
            same_place_iou: of two boxes of any classes that overlap more, the one of higher score is kept; 1 keeps
                both, as average precision is measured.

        Raises:
            UsageError: one is out of its range.
        """
        threshold = self.threshold if threshold is None else threshold
        check_share("threshold", threshold)
        check_count("top", top)
        check_share("same_place_iou", same_place_iou)
        return self.batched(self._predict, wanted=Wanted(threshold, top, same_place_iou))

    @abstractmethod
    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, wanted: Wanted) -> list[Regions]: ...
