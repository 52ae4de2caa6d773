"""How well tracks follow true ones: CLEAR MOT, identity and HOTA, as TrackEval computes them.

Bernardin & Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", EURASIP 2008;
Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", ECCV workshops 2016;
Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021.

Letters: ``G`` true objects and ``P`` predicted ones of a frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from seetell.geometry.assignment import assign

OVERLAP = 0.5
"""Least similarity of a pair in CLEAR MOT and identity."""

ALPHAS = np.arange(0.05, 0.99, 0.05)
"""The least similarities over which HOTA is averaged."""

EPSILON = float(np.finfo(float).eps)
"""What a similarity may lack, as in TrackEval."""


@dataclass(frozen=True, eq=False)
class FramePair:
    """The objects of a frame.

    Attributes:
        true: their ids, ``(G,)`` int64, all different.
        found: ids of the predicted objects, ``(P,)`` int64, all different.
        similarity: of each pair, such as IoU, ``(G, P)`` in [0, 1].
    """

    true: np.ndarray
    found: np.ndarray
    similarity: np.ndarray


def numbered(frames: Iterable[FramePair]) -> tuple[list[FramePair], int, int]:
    """Return frames whose ids count from 0, and how many ids there are, true and predicted."""
    frames = list(frames)
    true, found = (
        np.unique(np.concatenate([getattr(frame, name) for frame in frames] or [np.empty(0, np.int64)]))
        for name in ("true", "found")
    )
    named = [
        FramePair(np.searchsorted(true, frame.true), np.searchsorted(found, frame.found), frame.similarity)
        for frame in frames
    ]
    return named, len(true), len(found)


@dataclass(frozen=True)
class Clear:
    """Counts of CLEAR MOT, which add up over videos.

    Attributes:
        matches: true objects that were found, TP.
        missed: those that were not, FN.
        false: predicted objects that are none, FP.
        switches: a true object is matched with another predicted one than when it was last matched, IDSW.
        fragments: a true object is found again after a gap.
        mostly_tracked: true objects that are found in more than 0.8 of their frames.
        partly_tracked: in at least 0.2 of them.
        mostly_lost: the others.
        similarity: the sum of the matches' similarities.
        frames: of the videos.
    """

    matches: int = 0
    missed: int = 0
    false: int = 0
    switches: int = 0
    fragments: int = 0
    mostly_tracked: int = 0
    partly_tracked: int = 0
    mostly_lost: int = 0
    similarity: float = 0.0
    frames: int = 0

    def __add__(self, other: Clear) -> Clear:
        return Clear(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def mota(self) -> float:
        """Multiple object tracking accuracy: 1 − (FN + FP + IDSW) / true objects."""
        return (self.matches - self.false - self.switches) / max(1, self.matches + self.missed)

    @property
    def motp(self) -> float:
        """Multiple object tracking precision: the mean similarity of the matches."""
        return self.similarity / max(1, self.matches)

    @property
    def smota(self) -> float:
        """Soft MOTA of masks, sMOTSA (Voigtlaender et al., "MOTS", CVPR 2019): similarities stand for matches."""
        return (self.similarity - self.false - self.switches) / max(1, self.matches + self.missed)

    @property
    def recall(self) -> float:
        """Share of the true objects that are found."""
        return self.matches / max(1, self.matches + self.missed)

    @property
    def precision(self) -> float:
        """Share of the predicted objects that are true."""
        return self.matches / max(1, self.matches + self.false)


def clear_mot(frames: Iterable[FramePair], *, overlap: float = OVERLAP) -> Clear:
    """Count matches and errors frame by frame.

    A pair that was matched in the last frame is matched again if it may be; the other pairs such that their similarity
    is greatest. As in TrackEval, a frame without true or without predicted objects is passed over in that.

    Args:
        frames: of a video.
        overlap: least similarity of a pair.
    """
    frames, count, _ = numbered(frames)
    last, now = np.full(count, -1), np.full(count, -1)  # predicted object of each true one: ever, in the last frame
    present, tracked, begun = (np.zeros(count, np.int64) for _ in range(3))
    total = Clear(frames=len(frames))
    for frame in frames:
        present[frame.true] += 1
        if not (len(frame.true) and len(frame.found)):
            total += Clear(missed=len(frame.true), false=len(frame.found))
            continue
        allowed = frame.similarity >= overlap - EPSILON
        kept = now[frame.true][:, None] == frame.found[None]
        rows, columns = assign(-np.where(allowed, 1000.0 * kept + frame.similarity, 0.0))
        matched = allowed[rows, columns] & (frame.similarity[rows, columns] > 0)
        rows, columns = rows[matched], columns[matched]
        true, found = frame.true[rows], frame.found[columns]
        tracked[true] += 1
        before = now >= 0
        switches = int(((last[true] >= 0) & (last[true] != found)).sum())
        last[true] = found
        now[:] = -1
        now[true] = found
        begun += ~before & (now >= 0)
        total += Clear(
            matches=len(rows),
            missed=len(frame.true) - len(rows),
            false=len(frame.found) - len(rows),
            switches=switches,
            similarity=float(frame.similarity[rows, columns].sum()),
        )
    share = tracked / np.maximum(present, 1)
    mostly, partly = int((share > 0.8).sum()), int((share >= 0.2).sum())
    fragments = int(np.maximum(begun - 1, 0).sum())
    return total + Clear(
        fragments=fragments, mostly_tracked=mostly, partly_tracked=partly - mostly, mostly_lost=count - partly
    )


@dataclass(frozen=True)
class Identity:
    """Counts of the identity metrics, which add up over videos.

    Attributes:
        matches: IDTP, boxes of true objects that are found by the predicted object that is theirs.
        true: boxes of true objects.
        found: boxes of predicted objects.
    """

    matches: int = 0
    true: int = 0
    found: int = 0

    def __add__(self, other: Identity) -> Identity:
        return Identity(self.matches + other.matches, self.true + other.true, self.found + other.found)

    @property
    def f1(self) -> float:
        """IDF1."""
        return self.matches / max(1.0, 0.5 * (self.true + self.found))

    @property
    def recall(self) -> float:
        """IDR."""
        return self.matches / max(1, self.true)

    @property
    def precision(self) -> float:
        """IDP."""
        return self.matches / max(1, self.found)


def identity(frames: Iterable[FramePair], *, overlap: float = OVERLAP) -> Identity:
    """Give each true object at most one predicted object, for a whole video, such that they agree most often.

    Args:
        frames: of a video.
        overlap: least similarity of a pair.
    """
    frames, true, found = numbered(frames)
    agree = np.zeros((true, found))
    for frame in frames:
        rows, columns = np.nonzero(frame.similarity >= overlap)
        np.add.at(agree, (frame.true[rows], frame.found[columns]), 1)
    matched = int(agree[assign(-agree)].sum()) if agree.size else 0
    return Identity(matched, sum(len(frame.true) for frame in frames), sum(len(frame.found) for frame in frames))


@dataclass(frozen=True, eq=False)
class Hota:
    """Counts of HOTA for each of :data:`ALPHAS`, which add up over videos; all ``(19,)``.

    Attributes:
        matches: TP.
        missed: FN.
        false: FP.
        association: sum of A(c) over the matches c.
        recalled: sum of the matches' association recall.
        precise: sum of the matches' association precision.
        similarity: sum of the matches' similarities.
    """

    matches: np.ndarray
    missed: np.ndarray
    false: np.ndarray
    association: np.ndarray
    recalled: np.ndarray
    precise: np.ndarray
    similarity: np.ndarray

    def __add__(self, other: Hota) -> Hota:
        return Hota(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def detection(self) -> float:
        """DetA, over all alphas."""
        return float(self._detection.mean())

    @property
    def associated(self) -> float:
        """AssA, over all alphas."""
        return float(self._associated.mean())

    @property
    def localisation(self) -> float:
        """LocA, over all alphas."""
        return float((np.maximum(1e-10, self.similarity) / np.maximum(1e-10, self.matches)).mean())

    @property
    def hota(self) -> float:
        """The geometric mean of detection and association, over all alphas."""
        return float(np.sqrt(self._detection * self._associated).mean())

    @property
    def _detection(self) -> np.ndarray:
        return np.asarray(self.matches / np.maximum(1, self.matches + self.missed + self.false))

    @property
    def _associated(self) -> np.ndarray:
        return np.asarray(self.association / np.maximum(1, self.matches))


def hota(frames: Iterable[FramePair]) -> Hota:
    """Count matches and how well they agree over time.

    Args:
        frames: of a video.
    """
    frames, true, found = numbered(frames)
    potential, true_count, found_count = np.zeros((true, found)), np.zeros((true, 1)), np.zeros((1, found))
    for frame in frames:
        true_count[frame.true, 0] += 1
        found_count[0, frame.found] += 1
        similarity = frame.similarity
        both = similarity.sum(axis=0, keepdims=True) + similarity.sum(axis=1, keepdims=True) - similarity
        shares = np.divide(similarity, both, out=np.zeros_like(similarity), where=both > EPSILON)
        potential[np.ix_(frame.true, frame.found)] += shares
    alignment = potential / (true_count + found_count - potential)
    matches, similarities = np.zeros(len(ALPHAS)), np.zeros(len(ALPHAS))
    agreed = np.zeros((len(ALPHAS), true, found))
    for frame in frames:
        if not (len(frame.true) and len(frame.found)):
            continue
        rows, columns = assign(-alignment[np.ix_(frame.true, frame.found)] * frame.similarity)
        similarity = frame.similarity[rows, columns]
        for place, alpha in enumerate(ALPHAS):
            kept = similarity >= alpha - EPSILON
            matches[place] += kept.sum()
            similarities[place] += similarity[kept].sum()
            agreed[place, frame.true[rows[kept]], frame.found[columns[kept]]] += 1
    union = np.maximum(1, true_count + found_count - agreed)
    return Hota(
        matches,
        sum(len(frame.true) for frame in frames) - matches,
        sum(len(frame.found) for frame in frames) - matches,
        (agreed * (agreed / union)).sum(axis=(1, 2)),
        (agreed * (agreed / np.maximum(1, true_count))).sum(axis=(1, 2)),
        (agreed * (agreed / np.maximum(1, found_count))).sum(axis=(1, 2)),
        similarities,
    )
