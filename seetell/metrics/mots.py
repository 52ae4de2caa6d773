"""How well tracks of masks follow true ones: frames for the scores of :mod:`seetell.metrics.tracking`.

Voigtlaender et al., "MOTS: Multi-Object Tracking and Segmentation", CVPR 2019; as TrackEval prepares MOTS challenge.
:attr:`seetell.metrics.tracking.Clear.smota` of these frames is sMOTSA, ``mota`` is MOTSA and ``motp`` MOTSP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from seetell.errors import DataError
from seetell.metrics.tracking import EPSILON, OVERLAP, FramePair

PEDESTRIAN, IGNORED = 2, 10
"""Classes; what lies in a region of the second is neither to be found nor false."""


class ObjectMask(Protocol):
    """The pixels of an object in a frame, such as :class:`seetell.data.mots.MotsMask`."""

    @property
    def frame(self) -> int:
        """Number of the frame."""

    @property
    def id(self) -> int:
        """Number of the object."""

    @property
    def kind(self) -> int:
        """Its class."""

    @property
    def pixels(self) -> np.ndarray:
        """The mask, ``(H, W)`` of bool."""


def mots_frames(true: Iterable[ObjectMask], found: Iterable[ObjectMask], *, kind: int = PEDESTRIAN) -> list[FramePair]:
    """Return the objects of a class in each frame, with the IoU of their masks.

    A predicted mask that fits no true one and lies by more than half in what is to be ignored is left out.

    Args:
        true: of a video.
        found: of the same.
        kind: the class.

    Raises:
        DataError: masks of a frame overlap, differ in size, or have one id.
    """
    truth, predicted = _frames(true), _frames(found)
    return [
        _pair(truth.get(frame, []), predicted.get(frame, []), kind, frame) for frame in sorted({*truth, *predicted})
    ]


def _frames(masks: Iterable[ObjectMask]) -> Mapping[int, list[ObjectMask]]:
    frames: dict[int, list[ObjectMask]] = {}
    for mask in masks:
        frames.setdefault(mask.frame, []).append(mask)
    return frames


def _pair(true: Sequence[ObjectMask], found: Sequence[ObjectMask], kind: int, frame: int) -> FramePair:
    regions = [mask.pixels for mask in true if mask.kind == IGNORED]
    true, found = ([mask for mask in masks if mask.kind == kind] for masks in (true, found))
    one, other = (_rows(masks, frame) for masks in (true, found))
    if len(one) and len(other) and one.shape != (len(one), other.shape[1]):
        raise DataError(f"frame {frame}: true and predicted masks differ in size")
    shared = one @ other.T if len(one) and len(other) else np.zeros((len(one), len(other)))
    areas = other.sum(axis=1)
    union = one.sum(axis=1)[:, None] + areas - shared
    similarity = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    kept = np.ones(len(found), bool)
    if regions and len(found):
        inside = other @ np.any(regions, axis=0).ravel() / np.maximum(areas, 1)
        kept = (similarity >= OVERLAP - EPSILON).any(axis=0) | (inside <= OVERLAP + EPSILON)
    ids = [np.array([mask.id for mask in masks], np.int64) for masks in (true, found)]
    return FramePair(ids[0], ids[1][kept], similarity[:, kept])


def _rows(masks: Sequence[ObjectMask], frame: int) -> np.ndarray:
    """Return masks as rows of 0 and 1, ``(N, pixels)`` float64."""
    if not masks:
        return np.zeros((0, 1))
    pixels = [mask.pixels for mask in masks]
    if len({each.shape for each in pixels}) > 1 or len({mask.id for mask in masks}) < len(masks):
        raise DataError(f"frame {frame}: masks differ in size, or two have one id")
    rows = np.stack([each.ravel() for each in pixels]).astype(np.float64)
    if (rows.sum(axis=0) > 1).any():
        raise DataError(f"frame {frame}: masks overlap; each pixel belongs to one object")
    return rows
