"""Sentences for the shots of videos, from a bundle, on ONNX Runtime.

>>> import seetell
>>> for shot in seetell.load("describe").predict("film.mp4"):
...     print(shot.start, shot.end, shot.caption)
"""

from __future__ import annotations

from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.tasks.video_captioning.describer import Describer
from seetell.tasks.video_captioning.key_frames import KeyFrames


class BundleDescriber(Describer):
    """Describes videos by a bundle; see :class:`~seetell.tasks.video_captioning.describer.Describer`.

    Args:
        bundle: a captioner of photos.
        precision: see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.
        threads: see there.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(KeyFrames(BundleCaptioner(bundle, precision=precision, threads=threads)))
