"""Score a tracker on videos of MOT challenge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.data.mot_challenge import MotSequence, MotTable, find_sequences, read_mot
from seetell.errors import DataError, UsageError, VideoError
from seetell.geometry.assignment import assign
from seetell.geometry.boxes import iou
from seetell.metrics.tracking import Clear, FramePair, Hota, Identity, clear_mot, hota, identity
from seetell.results import Track
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress
from seetell.tasks.tracking.detect import public_detections
from seetell.tasks.tracking.detections import Detections
from seetell.tasks.tracking.follow import Placed, follow
from seetell.video.frames import PICTURES_PER_SECOND

if TYPE_CHECKING:
    from seetell.tasks.tracking.predict import ObjectTracker

PEDESTRIAN = 1
DISTRACTORS = (2, 7, 8, 12)
"""Classes of MOT16 and later whose objects are neither to be found nor false: a person on a vehicle, one who stands or
sits, a distractor, a reflection."""


@dataclass(frozen=True)
class Scores:
    """Of a video, or of several."""

    clear: Clear
    identity: Identity
    hota: Hota

    @classmethod
    def of(cls, pairs: list[FramePair]) -> Scores:
        """Score a video."""
        return cls(clear_mot(pairs), identity(pairs), hota(pairs))

    def __add__(self, other: Scores) -> Scores:
        return Scores(self.clear + other.clear, self.identity + other.identity, self.hota + other.hota)

    def to_dict(self) -> dict[str, float]:
        """Return the scores by name."""
        clear = self.clear
        return {
            "HOTA": self.hota.hota,
            "DetA": self.hota.detection,
            "AssA": self.hota.associated,
            "MOTA": clear.mota,
            "MOTP": clear.motp,
            "IDF1": self.identity.f1,
            "recall": clear.recall,
            "precision": clear.precision,
            "switches": clear.switches,
            "fragments": clear.fragments,
            "FP": clear.false,
            "FN": clear.missed,
            "MT": clear.mostly_tracked,
            "ML": clear.mostly_lost,
        }


def evaluate(
    predictor: ObjectTracker,
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    **options: Any,
) -> Evaluation:
    """Follow the objects of videos of MOT challenge, and score the tracks against the true ones.

    Videos with public detections are followed by these, the others by what the detector finds in their pictures. A
    tracker that goes frame by frame is scored by what it tells in each frame; no gap is filled and no track left out,
    unless ``fill`` and ``shortest`` say so.

    Args:
        predictor: the tracker.
        data: see :func:`~seetell.data.mot_challenge.find_sequences`.
        split: no part of the format; not used.
        progress: called after each video.
        options: of the predictor.

    Returns:
        HOTA and its parts, CLEAR MOT and the identity metrics over all videos, and in ``videos`` of each.

    Raises:
        DataError: there are no such videos, or a file is none of the format.
        UsageError: an option has no such value.
    """
    sequences = find_sequences(data.path)
    by_video: dict[str, Scores] = {}
    rows = []
    failures = []
    for done, sequence in enumerate(sequences, 1):
        truth = read_mot(sequence.truth)
        try:
            tracks, count = _followed(predictor, sequence, truth.frame_count, options)
        except VideoError as error:
            failures.append(str(error))
            continue
        by_video[sequence.name] = Scores.of(list(compared(truth, tracks, count)))
        rows += [{"video": sequence.name, **track.to_dict()} for track in tracks]
        if progress is not None:
            progress("following", done, len(sequences))
    if not by_video:
        raise DataError(f"none of the {len(sequences)} videos opens; the first: {failures[0]}")
    first, *others = by_video.values()
    total = sum(others, start=first)
    return Evaluation(
        {**total.to_dict(), "frames": total.clear.frames, "photos": total.clear.frames},
        failures=tuple(failures),
        details={"videos": {name: scores.to_dict() for name, scores in by_video.items()}},
        rows=tuple(rows),
    )


def _followed(
    predictor: ObjectTracker, sequence: MotSequence, true_frames: int, options: dict[str, Any]
) -> tuple[tuple[Track, ...], int]:
    """Return the tracks of a video, and how many frames it has; at least those of the truth, if no picture says it."""
    options = {"fill": 0.0, "shortest": 0.0, "from_first": False, "detections": sequence.detections, **options}
    if sequence.frames is not None:
        only = {} if sequence.detections else {"only": "person"}
        result = predictor.predict(sequence.frames, **{**only, **options})
        return result.tracks, result.frame_count
    if sequence.detections is None:
        raise DataError(f"{sequence.truth}: its video has neither public detections nor pictures")
    wanted = predictor.wanted(**options)
    if wanted.tracker == "deepsort":
        raise UsageError(f"deepsort looks at pictures, and {sequence.name} has none; choose another tracker")
    frames = public_detections(sequence.detections)
    count = max(len(frames), true_frames)
    frames += [Detections.none()] * (count - len(frames))
    placed = (Placed(place, place / PICTURES_PER_SECOND, found) for place, found in enumerate(frames))
    followed = follow(placed, wanted, fps=PICTURES_PER_SECOND)
    return followed.tracks, followed.frame_count


def compared(truth: MotTable, tracks: tuple[Track, ...], count: int) -> Iterator[FramePair]:
    """Yield the true and predicted objects of each frame, with the IoU of their boxes.

    What does not count in the truth is left out, and with it, in videos of MOT16 and later, predicted objects that
    overlap a distractor by half.
    """
    found = _table(tracks)
    classed = bool((truth.classes >= 0).any())
    for true, predicted in zip(truth.by_frame(count), found.by_frame(count), strict=True):
        if classed and len(predicted):
            overlaps = iou(true.boxes[:, None], predicted.boxes[None])
            clear = _matched(overlaps)
            distracted = np.isin(true.classes[clear[0]], DISTRACTORS)
            kept = np.ones(len(predicted), bool)
            kept[clear[1][distracted]] = False
            predicted = predicted[kept]
        counts = true.scores > 0
        if classed:
            counts &= true.classes == PEDESTRIAN
        true = true[counts]
        yield FramePair(true.ids, predicted.ids, iou(true.boxes[:, None], predicted.boxes[None]))


def _matched(overlaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of the pairs that overlap by half, each in one pair, such that they overlap most."""
    rows, columns = assign(-np.where(overlaps >= 0.5, overlaps, 0.0))
    kept = overlaps[rows, columns] >= 0.5
    return rows[kept], columns[kept]


def _table(tracks: tuple[Track, ...]) -> MotTable:
    frames = np.concatenate([track.frames for track in tracks] or [np.empty(0, np.int64)])
    ids = np.concatenate([np.full(len(track), track.id) for track in tracks] or [np.empty(0, np.int64)])
    boxes = np.concatenate([track.boxes for track in tracks] or [np.empty((0, 4))])
    scores = np.concatenate([track.scores for track in tracks] or [np.empty(0)])
    order = np.argsort(frames, kind="stable")
    return MotTable(frames[order], ids[order], boxes[order], scores[order], np.full(len(frames), -1))
