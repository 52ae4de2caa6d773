"""Follow one object through a video, by a filter that needs no training, or a Siamese network of a bundle.

>>> import seetell
>>> tracks = seetell.load("kcf", task="follow").predict("walk.mp4", box="205,151,17,50")
>>> tracks[0].boxes
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from seetell.errors import UsageError, VideoError
from seetell.geometry.boxes import Box
from seetell.geometry.masks import encode
from seetell.results import Track, Tracks
from seetell.runtime.bundle import Bundle
from seetell.runtime.option_checks import check_share
from seetell.runtime.video_predictor import VideoPredictor, VideoProgress
from seetell.tasks.single_object_tracking.filters.asrcf import Asrcf
from seetell.tasks.single_object_tracking.filters.kcf import Kcf
from seetell.tasks.single_object_tracking.filters.mosse import Mosse
from seetell.tasks.single_object_tracking.filters.scale_filter import ScaleFilter
from seetell.tasks.single_object_tracking.siamese.network import SiameseGraphs
from seetell.tasks.single_object_tracking.siamese.siamfc import SiamFCTracker
from seetell.tasks.single_object_tracking.siamese.siamrpn import SiamRPNTracker
from seetell.tasks.single_object_tracking.siamese.udt import UdtTracker
from seetell.tasks.single_object_tracking.tracker import ObjectTracker, follow
from seetell.video.frames import Video

FILTERS: dict[str, Callable[[], ObjectTracker]] = {
    "kcf": lambda: Kcf(scales=ScaleFilter()),
    "dcf": lambda: Kcf(kernel="linear", scales=ScaleFilter()),
    "mosse": Mosse,
    "asrcf": lambda: Asrcf(scales=ScaleFilter()),
}
"""Trackers that need no model, by name."""


class Follower(VideoPredictor[Tracks]):
    """Follows one object; see :class:`~seetell.runtime.video_predictor.VideoPredictor`."""

    task = "single_object_tracking"

    @property
    def compares_channels(self) -> bool:
        """Whether it can leave channels out."""
        return False

    @abstractmethod
    def tracker(self, *, channels: float = 1.0) -> ObjectTracker:
        """Return a tracker that has seen nothing yet; see :meth:`bind`."""

    def bind(
        self, *, box: str | Sequence[float] = "", text: str = "object", channels: float = 1.0
    ) -> Callable[[Video, VideoProgress], Tracks]:
        """Return the function that follows an object through a video.

        Args:
            box: of the object in the first frame: left, top, width and height in pixels.
            text: what it is called.
            channels: share of the channels of a SiamFC that are compared, those that tell the object from what is
                around it.

        Raises:
            UsageError: there is no box, it is no box, or this tracker compares no channels.
        """
        check_share("channels", channels)
        if channels < 1 and not self.compares_channels:
            raise UsageError(f"channels: {self.name} compares no channels; a bundle of the architecture siamfc does")
        return partial(self._follow, box=parse_box(box), text=text, channels=channels)

    def _follow(self, video: Video, progress: VideoProgress, *, box: Box, text: str, channels: float) -> Tracks:
        seen: list[tuple[int, float]] = []

        def images() -> Iterator[np.ndarray]:
            for frame in video:
                seen.append((frame.index, frame.seconds))
                yield frame.image

        boxes, scores, masks = [], [], []
        for located in follow(self.tracker(channels=channels), images(), box):
            boxes.append(located.box)
            scores.append(located.score)
            if located.mask is not None:
                masks.append(encode(located.mask))
            progress(len(boxes), video.frame_count)
        if not boxes:
            raise VideoError(f"{video.name}: has no frame to begin with")
        frames, seconds = (np.array(column) for column in zip(*seen, strict=True))
        track = Track(1, text, frames, seconds, np.array(boxes), np.array(scores), tuple(masks))
        return Tracks((track,), video.size, video.fps, len(boxes), self.name, video.problem)


class FilterFollower(Follower):
    """Follows with a correlation filter, which needs no model.

    Args:
        name: a key of ``FILTERS``.
        threads: see :class:`~seetell.runtime.video_predictor.VideoPredictor`; filters compute with one.
    """

    def tracker(self, *, channels: float = 1.0) -> ObjectTracker:
        """Return the filter."""
        return FILTERS[self.name]()


class BundleFollower(Follower):
    """Follows with a Siamese network of a bundle.

    Args:
        bundle: the model.
        precision: ``int8`` or ``fp32``; the bundle's own choice when absent.
        threads: see :class:`~seetell.runtime.video_predictor.VideoPredictor`.

    Attributes:
        bundle: the model.

    Raises:
        BundleError: it is of a kind that is not known.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle.name, threads=threads)
        self.bundle = bundle
        self._graphs = SiameseGraphs(bundle, precision=precision, threads=self.threads)
        self._kind = bundle.setting("tracker", _kind)

    @property
    def compares_channels(self) -> bool:
        """Whether it can leave channels out."""
        return self._kind == "siamfc"

    def tracker(self, *, channels: float = 1.0) -> ObjectTracker:
        """Return the network, ready to be shown an object; see :meth:`bind`."""
        if self._kind == "siamfc":
            return SiamFCTracker(self._graphs, self.name, channels=channels)
        if self._kind == "siamrpn":
            return SiamRPNTracker(self._graphs, self.name)
        regularisation, deviation = (self.bundle.setting(name, float) for name in ("regularisation", "deviation"))
        return UdtTracker(self._graphs, self.name, regularisation=regularisation, deviation=deviation)


def _kind(value: object) -> str:
    if value not in ("siamfc", "siamrpn", "udt"):
        raise ValueError(f"expected siamfc, siamrpn or udt, got {value!r}")
    return str(value)


def parse_box(box: str | Sequence[float]) -> Box:
    """Return the box ``xyxy`` of ``"left,top,width,height"`` or of the four numbers.

    Raises:
        UsageError: it is no such box.
    """
    try:
        x, y, width, height = (float(value) for value in (box.split(",") if isinstance(box, str) else box))
    except ValueError:
        x = y = width = height = np.nan
    if not (np.isfinite([x, y]).all() and 0 < width < np.inf and 0 < height < np.inf):
        given = "none" if not box else repr(box)
        raise UsageError(
            f"box: expected left, top, width and height of the object in the first frame, in pixels, such as "
            f"205,151,17,50; got {given}"
        )
    return x, y, x + width, y + height
