"""What every predictor of videos has in common: options checked first, the video opened and closed."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from seetell.runtime.loaded import Loaded
from seetell.video.frames import Video, open_video

Result = TypeVar("Result")

VideoSource = str | os.PathLike[str] | Sequence[np.ndarray] | Video
"""What :func:`~seetell.video.frames.open_video` takes, or an open video."""

VideoProgress = Callable[[int, int | None], None]
"""Called with how many frames are done, and of how many where the file says it."""


def no_progress(done: int, total: int | None) -> None:
    """Show nothing."""


class VideoPredictor(Loaded, Generic[Result]):
    """A loaded model, or a method without one, that predicts for videos; see :class:`Loaded`."""

    @abstractmethod
    def bind(self, *args: Any, **options: Any) -> Callable[[Video, VideoProgress], Result]:
        """Return the function that predicts for a video in the way a call asks for.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """

    def predict(self, video: VideoSource, *, progress: VideoProgress = no_progress, **options: Any) -> Result:
        """Predict for one video, frame by frame.

        Args:
            video: see :func:`~seetell.video.frames.open_video`.
            progress: called after each frame.
            options: of the task.

        Returns:
            What was found; of a video that is damaged or was cut off, in what could be read, with its ``problem``.

        Raises:
            VideoError: the video cannot be used.
            UsageError: an option is unknown or its value not allowed.
        """
        predict = self.bind(**options)
        if isinstance(video, Video):
            return predict(video, progress)
        with open_video(video, threads=self.threads) as opened:
            return predict(opened, progress)
