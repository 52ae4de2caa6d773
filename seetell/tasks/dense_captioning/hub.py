"""Regions of images, each with a phrase, from Florence-2.

>>> import seetell
>>> seetell.load("hf:florence-community/Florence-2-base", task="regions").predict("photo.jpg", top=5)
"""

from __future__ import annotations

from collections.abc import Sequence

from seetell.results import Regions
from seetell.runtime.backends.transformers.florence import FlorencePredictor
from seetell.runtime.backends.transformers.predictor import HubLoader, Prepared
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.option_checks import check_count, check_share

TOP = 10


class HubDenseCaptioner(FlorencePredictor[Regions]):
    """Florence-2 asked for regions and their descriptions."""

    task = "dense_captioning"

    def bind(self, *, top: int = TOP, threshold: float | None = None) -> BatchFn[Prepared, Regions]:
        """Return the function that describes the regions of a batch.

        Args:
            top: maximum number of regions per image.
            threshold: least score, from 0 to 1; 0 when absent, since Florence-2 writes down what it is sure of.

        Raises:
            UsageError: one is out of its range.
        """
        threshold = 0.0 if threshold is None else threshold
        check_share("threshold", threshold)
        check_count("top", top)
        return self.batched(self._predict, top=top, threshold=threshold)

    def _predict(
        self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, top: int, threshold: float
    ) -> list[Regions]:
        located = self.locate(batch, ["<DENSE_REGION_CAPTION>"] * len(batch), sample_ids)
        described = []
        for regions, prepared in zip(located, batch, strict=True):
            told = sorted((each for each in regions if each.score >= threshold), key=lambda each: -each.score)
            described.append(Regions(tuple(told[:top]), prepared.size, self.name))
        return described


load = HubLoader((HubDenseCaptioner,))
"""Loads dense captioners."""
