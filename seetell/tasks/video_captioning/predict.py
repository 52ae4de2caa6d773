"""Sentences for the shots of videos, from a bundle, on ONNX Runtime.

>>> import seetell
>>> for shot in seetell.load("describe").predict("film.mp4"):
...     print(shot.start, shot.end, shot.caption)
"""

from __future__ import annotations

from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.tasks.video_captioning.describer import Describer, Teller
from seetell.tasks.video_captioning.frames_together import FramesTogether
from seetell.tasks.video_captioning.key_frames import KeyFrames


class BundleDescriber(Describer):
    """Describes videos by a bundle; see :class:`~seetell.tasks.video_captioning.describer.Describer`.

    Args:
        bundle: a captioner of videos, which reads frames together; or one of photos, for key frames.
        precision: see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.
        threads: see there.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        if bundle.task == self.task:
            teller: Teller = FramesTogether(bundle, precision=precision, threads=threads)
        else:
            teller = KeyFrames(BundleCaptioner(bundle, precision=precision, threads=threads))
        super().__init__(teller)
