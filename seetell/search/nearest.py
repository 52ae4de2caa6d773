"""Vectors near a query among hundreds of thousands, in milliseconds: faiss behind one small file.

Each pair of numbers is kept as one of 16 (product quantisation, Jégou et al. 2011; scanned by the SIMD shuffles of
André et al. 2015), and each number as a byte. All vectors are looked at, none is ruled out beforehand: the likeliest by
pairs are compared by bytes, and the likeliest of those are returned, for an exact comparison. The file can be remade
from the store at any time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

TRAINING_VECTORS = 50_000

BY_BYTES = 4000
"""Vectors compared by bytes: of a million with 256 dimensions, these hold more than 99% of the best 20."""


def available() -> bool:
    """Whether faiss is installed."""
    return find_spec("faiss") is not None


class Quantised:
    """A file of quantised vectors, mapped into memory.

    Args:
        path: a file that :func:`write` made.

    Raises:
        RuntimeError: it is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        faiss = _faiss()
        self._index: Any = faiss.read_index(os.fspath(path), faiss.IO_FLAG_MMAP_IFC)
        self._refining: Any = faiss.downcast_index(self._index.index)

    def nearest(self, query: np.ndarray, count: int) -> np.ndarray:
        """Return the numbers of the vectors that seem nearest to a query ``(D,)``, at most ``count``, int64."""
        self._refining.k_factor = max(2, BY_BYTES // count)
        _, numbers = self._index.search(_even(query[None]), count)
        return np.asarray(numbers[0][numbers[0] >= 0])


def write(path: Path, sample: np.ndarray, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Quantise vectors into a file that is on the disk when this returns.

    Args:
        path: of the file.
        sample: vectors to learn the sixteen of each pair from, ``(N, D)`` float32, N ≥ 1,000.
        batches: numbers ``(B,)`` int64 and vectors ``(B, D)`` float32.

    Raises:
        OSError: it cannot be written.
    """
    faiss = _faiss()
    sample = _even(sample)
    kind = f"PQ{sample.shape[1] // 2}x4fs,Refine(SQ8)"
    quantiser = faiss.index_factory(sample.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    quantiser.train(sample)
    index = faiss.IndexIDMap(quantiser)
    for numbers, vectors in batches:
        index.add_with_ids(_even(vectors), numbers)
    with open(path, "wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))
        file.flush()
        os.fsync(file.fileno())


def _faiss() -> Any:
    """Return faiss, whose stubs lack much of it."""
    import faiss

    return faiss


def _even(vectors: np.ndarray) -> np.ndarray:
    """Add a zero to vectors of odd length: they are taken apart in pairs."""
    return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, vectors.shape[1] % 2))))
