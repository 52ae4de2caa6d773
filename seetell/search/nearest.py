"""Approximate nearest neighbours among hundreds of thousands of vectors, in milliseconds, with faiss.

Each pair of dimensions is quantised to 4 bits (product quantisation, Jégou et al. 2011; scanned with the SIMD shuffles
of André et al. 2015), and each dimension to a byte. The search is exhaustive: the best by the 4-bit codes are re-ranked
by bytes, and the best of those are returned for an exact comparison. The file can always be rebuilt from the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from seetell.atomic_write import atomic_file

TRAINING_VECTORS = 50_000

BY_BYTES = 4000
"""Vectors re-ranked by bytes: of a million with 256 dimensions, these include more than 99% of the best 20."""


def available() -> bool:
    """Return whether faiss is installed."""
    return find_spec("faiss") is not None


class Quantised:
    """A file of quantised vectors, mapped into memory; faiss may crash on one that is damaged.

    Args:
        path: a file written by :func:`write`.
    """

    def __init__(self, path: Path) -> None:
        faiss = _faiss()
        self._index: Any = faiss.read_index(os.fspath(path), faiss.IO_FLAG_MMAP_IFC)
        self._refining: Any = faiss.downcast_index(self._index.index)

    def nearest(self, query: np.ndarray, count: int) -> np.ndarray:
        """Return the ids of the approximate nearest neighbours of a query ``(D,)``, at most ``count``, int64."""
        self._refining.k_factor = max(2, BY_BYTES // count)
        _, numbers = self._index.search(_even(query[None]), count)
        return np.asarray(numbers[0][numbers[0] >= 0])


def write(path: Path, sample: np.ndarray, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Quantise vectors and write them to a file, synchronised to disk.

    Args:
        path: the file.
        sample: vectors to train the quantiser on, ``(N, D)`` float32, N ≥ 1,000.
        batches: ids ``(B,)`` int64 and vectors ``(B, D)`` float32.

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
    with atomic_file(path, durable=True) as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


def _faiss() -> Any:
    """Import faiss, untyped: its stubs are incomplete."""
    import faiss

    return faiss


def _even(vectors: np.ndarray) -> np.ndarray:
    """Append a zero to vectors of odd length: they are quantised in pairs."""
    return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, vectors.shape[1] % 2))))
