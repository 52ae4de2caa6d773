"""Training captioners of videos on clips made of captioned photos."""

from __future__ import annotations

from seetell.nn.backbones import Encoder
from seetell.tasks.captioning import train
from seetell.tasks.video_captioning.clips import ClipEncoder


class Training(train.Training):
    """A captioner of clips; see :class:`~seetell.tasks.captioning.train.Training`."""

    def seen_by(self, encoder: Encoder) -> tuple[Encoder, bool]:
        """Return what encodes clips; their frames are kept for every architecture, so that all share the cache."""
        return ClipEncoder(encoder, self.section.frames).to(next(encoder.parameters()).device), True
