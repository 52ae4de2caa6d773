"""What every classifier offers, whatever model labels the images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from seetell.results import Labels
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.option_checks import check_count
from seetell.runtime.predictor import Predictor, Prepared

TOP = 5


class Classifier(Predictor[Prepared, Labels]):
    """A loaded classifier; see :class:`~seetell.runtime.predictor.Predictor`.

    Attributes:
        labels: the classes that it chooses among.
    """

    task = "classification"
    labels: tuple[str, ...]

    @property
    def localises(self) -> bool:
        """Whether it finds the box of the object that the first label is of."""
        return False

    def bind(self, *, top: int = TOP) -> BatchFn[Prepared, Labels]:
        """Return the function that labels a batch.

        Args:
            top: maximum number of labels per image.

        Raises:
            UsageError: ``top`` is below 1.
        """
        check_count("top", top)
        return self.batched(self._predict, top=top)

    @abstractmethod
    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, top: int) -> list[Labels]: ...
