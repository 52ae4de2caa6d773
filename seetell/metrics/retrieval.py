"""Image-sentence retrieval in both directions (Hodosh, Young & Hockenmaier 2013; Karpathy & Fei-Fei 2015).

*Annotation* retrieves a photo's sentences: its rank is that of the first of its own sentences among all sentences.
*Search* retrieves a sentence's photo: its rank is that of the photo among all photos. R@K is the share of ranks up to
K.

Ties count against the model: whatever scores as high as the correct answer ranks before it, so that a model that gives
everything the same score comes last. A photo's own sentences do not compete with each other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seetell.errors import DataError

_BLOCK = 2**22  # scores read at a time


@dataclass(frozen=True)
class Ranking:
    """Retrieval scores of one direction.

    Attributes:
        r1: R@1, per cent of queries whose correct answer ranks first.
        r5: R@5 in per cent.
        r10: R@10 in per cent.
        median_rank: 1 at best.
        mean_rank: 1 at best.
    """

    r1: float
    r5: float
    r10: float
    median_rank: float
    mean_rank: float

    @classmethod
    def of(cls, ranks: npt.NDArray[np.int64]) -> Ranking:
        """Summarise ranks, which count from 1."""
        r1, r5, r10 = (100 * float(np.mean(ranks <= k)) for k in (1, 5, 10))
        return cls(r1, r5, r10, float(np.median(ranks)), float(np.mean(ranks)))


@dataclass(frozen=True)
class RetrievalScores:
    """Retrieval scores of both directions.

    Attributes:
        annotation: from photos to sentences.
        search: from sentences to photos.
    """

    annotation: Ranking
    search: Ranking

    @property
    def sum(self) -> float:
        """The sum of the six R@K in per cent, from 0 to 600, by which models are compared."""
        return sum(way.r1 + way.r5 + way.r10 for way in (self.annotation, self.search))

    def named(self) -> dict[str, float]:
        """Return the figures that papers print, such as ``annotation_R@1`` and ``search_median``, and their ``sum``."""
        ways = {"annotation": self.annotation, "search": self.search}
        names = {"R@1": "r1", "R@5": "r5", "R@10": "r10", "median": "median_rank"}
        figures = {f"{way}_{name}": getattr(found, names[name]) for way, found in ways.items() for name in names}
        return {**figures, "sum": self.sum}

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"annotation": asdict(self.annotation), "search": asdict(self.search), "sum": self.sum}


def retrieval(
    scores: npt.NDArray[np.floating], owners: npt.NDArray[np.integer], *, fold: int | None = None
) -> RetrievalScores:
    """Rank sentences for photos and photos for sentences.

    Args:
        scores: score of each sentence for each photo, higher is better, ``(P, S)``; read in blocks of rows, so it may
            be a memory map.
        owners: index of each sentence's photo, ``(S,)``; every photo needs at least one.
        fold: rank within sets of this many photos and return the mean over the sets, as the 1,000-photo protocol does;
            photos after the last full set are skipped. All photos are one set by default.

    Raises:
        DataError: the shapes do not match, an owner is not an index of a photo, a photo has no sentence, a score is
            NaN, or there are fewer photos than ``fold``.

    Example:
        >>> scores = np.array([[0.9, 0.1, 0.3], [0.8, 0.2, 0.4]])
        >>> retrieval(scores, np.array([0, 1, 1])).search.r1  # the second photo finds both of its sentences
        100.0
    """
    _check(scores, owners)
    photos = len(scores)
    size = photos if fold is None else fold
    if not 1 <= size <= photos:
        raise DataError(f"fold: expected from 1 to the {photos} photos, got {fold}")
    ways = [
        tuple(map(Ranking.of, _ranks(scores, owners, range(start, start + size))))
        for start in range(0, photos - size + 1, size)
    ]
    annotation, search = (_mean([pair[way] for pair in ways]) for way in (0, 1))
    return RetrievalScores(annotation, search)


def _check(scores: npt.NDArray[np.floating], owners: npt.NDArray[np.integer]) -> None:
    if scores.ndim != 2 or owners.shape != scores.shape[1:] or not scores.size:
        raise DataError(
            f"expected scores of photos × sentences and the photo of each sentence, got shapes {scores.shape} and "
            f"{owners.shape}"
        )
    counts = np.zeros(len(scores), np.int64)
    if owners.min() < 0 or owners.max() >= len(scores):
        raise DataError(
            f"owners: expected indices from 0 to {len(scores) - 1}, got from {owners.min()} to {owners.max()}"
        )
    np.add.at(counts, owners, 1)
    if not counts.all():
        raise DataError(f"owners: expected a sentence for each photo, but photo {int(counts.argmin())} has none")


def _ranks(
    scores: npt.NDArray[np.floating], owners: npt.NDArray[np.integer], photos: range
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the ranks of annotation ``(P,)`` and of search ``(S,)`` among some of the photos and their sentences."""
    mine = np.flatnonzero((owners >= photos.start) & (owners < photos.stop))
    owner = owners[mine] - photos.start
    right = scores[owners[mine], mine]
    _refuse_nan(right)
    best = np.full(len(photos), -np.inf, np.result_type(right, np.float16))
    np.maximum.at(best, owner, right)
    annotation = np.empty(len(photos), np.int64)
    search = np.zeros(len(mine), np.int64)
    own_at_best = np.bincount(owner[right >= best[owner]], minlength=len(photos))
    rows = max(1, _BLOCK // len(mine))
    whole = len(mine) == scores.shape[1]
    for start in range(0, len(photos), rows):
        stop = min(start + rows, len(photos))
        block = scores[photos.start + start : photos.start + stop]
        block = block if whole else block[:, mine]
        _refuse_nan(block)
        search += np.count_nonzero(block >= right, axis=0)  # its own photo is one of them
        annotation[start:stop] = np.count_nonzero(block >= best[start:stop, None], axis=1)
    return annotation - own_at_best + 1, search


def _refuse_nan(scores: npt.NDArray[np.floating]) -> None:
    if np.isnan(scores).any():
        raise DataError("scores: expected numbers, but some are NaN")


def _mean(rankings: list[Ranking]) -> Ranking:
    rows = np.array([[way.r1, way.r5, way.r10, way.median_rank, way.mean_rank] for way in rankings])
    return Ranking(*rows.mean(axis=0).tolist())
