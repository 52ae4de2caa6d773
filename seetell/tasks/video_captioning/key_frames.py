"""Describe shots by a captioner of photos: of some frames of each, the one that it is surest of.

Any captioner will do, a bundle or a model of another library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from seetell.errors import PhotoError
from seetell.results import Caption
from seetell.tasks.captioning.captioner import Captioner
from seetell.tasks.captioning.withholding import withheld
from seetell.tasks.video_captioning.describer import Describer, Tell, Teller
from seetell.video.frames import Frame


class KeyFrames(Teller):
    """Describes shots by key frames; see :class:`~seetell.tasks.video_captioning.describer.Teller`.

    Args:
        captioner: of photos.
    """

    def __init__(self, captioner: Captioner[Any]) -> None:
        self.name, self.threads, self._captioner = captioner.name, captioner.threads, captioner

    def bind(self, **options: Any) -> Tell:
        """Return what captions a shot; see :meth:`Teller.bind`.

        Args:
            options: of the captioner, see :meth:`Captioner.bind`.
        """
        self._captioner.check(**options)

        def tell(frames: Sequence[Frame]) -> tuple[Frame, Caption]:
            images, numbers = [frame.image for frame in frames], [frame.index for frame in frames]
            made = self._captioner.predict_many(images, sample_ids=numbers, **{**options, "each_alone": True})
            captions = [self._caption(result) for result in made]
            best = max(range(len(frames)), key=lambda row: sureness(captions[row]))
            return frames[best], captions[best]

        return tell

    def _caption(self, result: Caption | PhotoError) -> Caption:
        return withheld(str(result), self.name) if isinstance(result, PhotoError) else result


def sureness(caption: Caption) -> tuple[bool, bool, float]:
    """Return by what captions of frames of a shot are compared, the more the surer.

    Whole sentences come before shorter readings, and both before none; then counts the confidence, or, where the model
    has none, the mean log-probability of the words.
    """
    if caption.confidence is not None:
        sure = caption.confidence
    else:
        sure = caption.mean_logprob if math.isfinite(caption.mean_logprob) else -math.inf
    return not caption.reason, caption.kind == "sentence", sure


def of_hub(name: str, **options: Any) -> Describer:
    """Return the describer of a captioner of transformers; see :func:`seetell.tasks.captioning.hub.load`."""
    from seetell.tasks.captioning.hub import load

    return Describer(KeyFrames(cast(Captioner[Any], load(name, **options))))


def of_chat(name: str, **options: Any) -> Describer:
    """Return that of a model behind a server; see :class:`seetell.tasks.captioning.chat.ChatCaptioner`."""
    from seetell.tasks.captioning.chat import ChatCaptioner

    return Describer(KeyFrames(ChatCaptioner(name, **options)))
