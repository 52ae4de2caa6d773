"""Describe shots by a captioner that reads several frames of each together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seetell.errors import UsageError
from seetell.language.decoding import Decoding
from seetell.results import Caption
from seetell.runtime.bundle import Bundle
from seetell.runtime.resized_images import preprocess
from seetell.runtime.sessions import Graph
from seetell.runtime.threads import resolve_num_threads
from seetell.tasks.captioning.captioner import chosen_decoding
from seetell.tasks.captioning.decoder import Decoder
from seetell.tasks.video_captioning.describer import Tell, Teller
from seetell.video.frames import Frame


class FramesTogether(Teller):
    """Describes shots by frames in their order; see :class:`~seetell.tasks.video_captioning.describer.Teller`.

    Args:
        bundle: of this task.
        precision: ``int8`` or ``fp32`` for the encoder; the bundle's own choice when absent.
        threads: processor threads to compute with; the physical cores when absent.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        self.name, self.threads, self.bundle = bundle.name, resolve_num_threads(threads), bundle
        self.frames = bundle.setting("frames", int)
        self._decoding = bundle.setting("decoding", Decoding.from_dict)
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=self.threads, images_alone=True)
        self._encoder.require(inputs=["images"], outputs=["pooled"])
        self._decoder = Decoder(bundle, threads=self.threads)

    def bind(
        self,
        *,
        sample: bool = False,
        min_confidence: float | None = None,
        any_picture: bool = False,
        **options: Any,
    ) -> Tell:
        """Return what captions a shot; see :meth:`Teller.bind`.

        Args:
            sample: see :meth:`Captioner.bind`, as for the others.
            min_confidence: 0 at most: it does not tell how sure it is.
            any_picture: it captions all pictures anyway.
            options: of decoding.
        """
        if min_confidence:
            raise UsageError(
                f"{self.name} does not tell how sure it is, so min_confidence has nothing to compare; leave it out, or "
                "use the bundled model"
            )
        decoding = chosen_decoding(self._decoding, sample=sample, options=options)

        def tell(frames: Sequence[Frame]) -> tuple[Frame, Caption]:
            # as many as it was made for: some again where a shot has fewer
            places = np.linspace(0, len(frames) - 1, self.frames).round().astype(int)
            images = np.stack([preprocess(frame.image, self.bundle.preprocessing) for frame in frames])
            (pooled,) = self._encoder.run_in_parts(images, ["pooled"])
            grid = pooled[places][None]  # (1, L, D)
            features = {"pooled": grid.mean(axis=1), "grid": grid}
            (caption,) = self._decoder.captions(
                {name: features[name] for name in self._decoder.features}, decoding, sample_ids=[frames[0].index]
            )
            return frames[len(frames) // 2], caption

        return tell
