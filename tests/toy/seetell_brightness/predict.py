"""Dark or bright, from a bundle, on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from seetell.errors import BundleError, UsageError
from seetell.results import Label, Labels
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.sessions import Graph


class Judge(BundlePredictor[np.ndarray, Labels]):
    """A loaded model; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`."""

    task = "brightness"

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        if bundle.labels is None:
            raise BundleError(f"{bundle.folder / 'model.json'}: lacks 'labels'; export the model again")
        self.labels = bundle.labels
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=self.threads)
        self._scores = Graph.open(bundle, "scores", threads=self.threads)

    def bind(self, *, top: int = 2) -> BatchFn[np.ndarray, Labels]:
        """Return the function that labels a batch.

        Args:
            top: labels per image.

        Raises:
            UsageError: ``top`` is below 1.
        """
        if top < 1:
            raise UsageError(f"top must be at least 1, got {top}")
        return partial(self._predict, top=top)

    def _predict(self, batch: Sequence[np.ndarray], sample_ids: Sequence[int], *, top: int) -> list[Labels]:
        (pooled,) = self._encoder.run({"images": np.stack(batch)}, ["pooled"])
        (scores,) = self._scores.run({"pooled": pooled}, ["scores"])  # (B, 2)
        return [
            Labels(tuple(Label(self.labels[place], float(row[place])) for place in np.argsort(-row)[:top]), self.name)
            for row in scores
        ]
