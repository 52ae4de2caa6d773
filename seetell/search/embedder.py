"""What the index needs of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from seetell.errors import PhotoError
from seetell.tasks.loading import load_for
from seetell.tasks.registry import find_task


class Embedder(Protocol):
    """Embeds photos and sentences in one space, where the cosine measures how well they fit.

    Attributes:
        name: of the model.
        identity: a hash of all that a vector depends on besides the photo: weights and preprocessing.
    """

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> str: ...

    def photo_vectors(self, photos: Sequence[str]) -> Sequence[np.ndarray | PhotoError]:
        """Return for each photo file a vector ``(D,)`` float32, or the error of one that cannot be used."""
        ...

    def sentence_vectors(self, sentences: Sequence[str]) -> np.ndarray:
        """Return a vector for each sentence, ``(N, D)`` float32."""
        ...


def load_embedder(model: str, *, threads: int | None = None) -> Embedder:
    """Load a model that embeds photos and sentences.

    Args:
        model: a bundled model's name or a model folder.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: there is no such model, or it does not embed.
        BundleError: it is incomplete or damaged.
    """
    embedder: Embedder = load_for(find_task("retrieval"), model, threads=threads)
    return embedder
