"""Score a tracker on sequences of the object tracking benchmark."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.data.otb import read_otb
from seetell.errors import DataError, UsageError
from seetell.metrics.single_object import mean_scores, one_pass_scores
from seetell.results import row
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress
from seetell.video.frames import MAX_PIXELS, PICTURES_PER_SECOND
from seetell.video.pictures import Pictures

if TYPE_CHECKING:
    from seetell.tasks.single_object_tracking.predict import Follower


def evaluate(
    predictor: Follower,
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    **options: Any,
) -> Evaluation:
    """Follow the object of each sequence from its first true box, and compare the boxes of all frames (OPE).

    Args:
        predictor: the tracker.
        data: a sequence or a folder of sequences of OTB; see :mod:`seetell.data.otb`.
        split: sequences have none; it is not looked at.
        progress: called after each sequence.
        options: of the predictor but for the box, such as ``text``.

    Returns:
        ``success_auc`` and ``precision_20px``, see :mod:`seetell.metrics.single_object`, each the mean of sequences;
        ``fps``, frames followed a second, reading included; and the numbers of ``photos``, the frames, and
        ``sequences``. ``rows`` are what ``seetell follow --format jsonl`` writes.

    Raises:
        DataError: the data set cannot be used.
        UsageError: an option has no such value.
    """
    if "box" in options:
        raise UsageError("box: sequences have their own; leave it out")
    sequences = read_otb(data.path)
    scores, rows, failures, seconds, frames = {}, [], [], 0.0, 0
    for number, sequence in enumerate(sequences, 1):
        left, upper, right, lower = (float(edge) for edge in sequence.boxes[0])
        if not left < right:
            raise DataError(f"{data.path}: {sequence.name}: the first line has no box to begin with")
        started = time.perf_counter()
        video = Pictures(
            sequence.name, [str(path) for path in sequence.frames], fps=PICTURES_PER_SECOND, max_pixels=MAX_PIXELS
        )
        tracks = predictor.predict(video, box=(left, upper, right - left, lower - upper), **options)
        seconds, frames = seconds + time.perf_counter() - started, frames + tracks.frame_count
        found = np.full(sequence.boxes.shape, np.nan)
        found[tracks[0].frames] = tracks[0].boxes
        scores[sequence.name] = one_pass_scores(sequence.boxes, found)
        rows.append(row(sequence.name, tracks, input="video"))
        failures += [f"{sequence.name}: {tracks.problem}"] if tracks.problem else []
        if progress is not None:
            progress("following", number, len(sequences))
    mean = mean_scores(scores)
    return Evaluation(
        {**mean.to_dict(), "fps": frames / seconds, "photos": frames, "sequences": len(sequences)},
        tuple(failures),
        details={"sequence_scores": {name: each.to_dict() for name, each in scores.items()}},
        rows=tuple(rows),
    )
