"""What the index asks of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from seetell.errors import PhotoError


@runtime_checkable
class Embedder(Protocol):
    """Places photos and sentences in one space, where the cosine tells how well they fit.

    Attributes:
        name: the model's, for people.
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
