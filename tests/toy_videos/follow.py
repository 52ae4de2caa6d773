from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seetell.errors import UsageError
from seetell.results import Track, Tracks
from seetell.runtime.video_predictor import VideoPredictor, VideoProgress
from seetell.video.frames import Video


class Follower(VideoPredictor[Tracks]):
    task = "following"

    def bind(self, *, margin: int = 1) -> Callable[[Video, VideoProgress], Tracks]:
        if margin < 0:
            raise UsageError(f"margin must be at least 0, got {margin}")
        return lambda video, progress: self._follow(video, progress, margin)

    def _follow(self, video: Video, progress: VideoProgress, margin: int) -> Tracks:
        lit, frames, seconds, boxes = False, [], [], []
        for frame in video:
            lit |= bool(frame.image.any())
            y, x = np.unravel_index(frame.image.sum(axis=2).argmax(), frame.image.shape[:2])
            boxes.append([x - margin, y - margin, x + 1 + margin, y + 1 + margin])
            frames.append(frame.index)
            seconds.append(frame.seconds)
            progress(len(frames), video.frame_count)
        track = Track(
            1, "pixel", np.array(frames), np.array(seconds), np.array(boxes, np.float64), np.ones(len(frames))
        )
        return Tracks((track,) if lit else (), video.size, video.fps, len(frames), self.name, video.problem)
