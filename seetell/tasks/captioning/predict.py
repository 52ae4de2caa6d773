"""Sentences for images, from a bundle, on ONNX Runtime.

>>> import seetell
>>> print(seetell.load().caption("photo.jpg"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from seetell.errors import UsageError
from seetell.language.decoding import Decoding
from seetell.photos.greyscale import is_greyscale
from seetell.photos.no_photo import BLANK_PICTURE, no_photo
from seetell.photos.opening import PhotoSource
from seetell.results import Caption
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.near_duplicates import Thumbnail, thumbnail
from seetell.runtime.resized_images import Views, resize_all
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import (
    COUNTED_SCORE,
    DETECTIONS,
    MAX_DETECTION_ROWS,
    MIN_DETECTION_SCORE,
    Images,
    stacked,
    tagger_of,
)
from seetell.tasks.captioning.captioner import Captioner, Wanted, chosen_decoding
from seetell.tasks.captioning.confidence import Calibration
from seetell.tasks.captioning.decoder import Decoder, has_large_memory
from seetell.tasks.captioning.fluency import COLOURED
from seetell.tasks.captioning.keywords import nouns_as_keywords
from seetell.tasks.captioning.reranking import Choose, Reranker, most_probable
from seetell.tasks.captioning.withholding import Rater, withheld

SMALL_BATCH = 8
"""Images of a batch by default where each is small; of fewer, decoding takes more time."""

LARGE_BATCH = 4
"""Images of a batch by default where each has a large memory: 42 MB of BLIP's."""

TAGGED_BATCH, TAGGED_BATCHES = 6, 4
"""Images of a batch by default where they are tagged, so that each waits for it in several sizes; and where several
threads have a batch each."""


class BundleCaptioner(BundlePredictor[Views, Caption], Captioner[Views]):
    """A captioner of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        decoding: the default decoding options.
        decoder: searches sentences.
        reranker: chooses among them; ``None`` where the model tells the most probable one.
    """

    takes_resized = True

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.decoding = bundle.setting("decoding", Decoding.from_dict)
        graph_threads, self.batch_size = 1, SMALL_BATCH
        if has_large_memory(bundle):  # one image keeps all threads busy
            graph_threads, self.batch_size, self.batches_at_once = self.threads, LARGE_BATCH, 1
        reranks = "reranking" in bundle.settings
        least = MIN_DETECTION_SCORE if reranks else COUNTED_SCORE  # an aligner reads unsure detections, too
        self.tagger = tagger_of(bundle, threads=graph_threads, min_score=least, max_detections=MAX_DETECTION_ROWS)
        self.reranker: Reranker | None = None
        tags: tuple[str, ...] = ()
        if self.tagger is not None:
            tags, self.batch_size = self.tagger.outputs, TAGGED_BATCH if self.threads == 1 else TAGGED_BATCHES
            if reranks:
                self.reranker = Reranker(bundle, self.tagger, threads=graph_threads)
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=graph_threads)
        self.decoder = Decoder(bundle, threads=graph_threads, tagger=self.tagger, precision=precision)
        read = (*self.decoder.features, *(self.reranker.features if self.reranker is not None else ()))
        self._encoded = [name for name in dict.fromkeys(read) if name not in (*tags, DETECTIONS)]
        self._encoder.require(inputs=["images"], outputs=self._encoded)
        self._photos_only = "photos_only" in bundle.settings and bundle.setting("photos_only", bool)
        self._rater: Rater | None = None
        if self.tagger is not None and "confidence" in bundle.settings:
            calibration = bundle.setting("confidence", Calibration.from_dict)
            self._rater = Rater(calibration, self.tagger.objects, self.tagger.words)

    @property
    def has_confidence(self) -> bool:
        """Whether its captions have a confidence."""
        return self._rater is not None

    def prepare(self, image: PhotoSource, text: str = "") -> Views:
        """Open an image and resize it for each of :attr:`preprocessings`; see :meth:`Predictor.prepare`."""
        return resize_all(image, self.preprocessings)

    def thumbnail(self, image: Views) -> Thumbnail:
        """Return the thumbnail of what the encoder sees; see :meth:`Captioner.thumbnail`."""
        return thumbnail(image[self.bundle.preprocessing], image.size)

    @property
    def attends(self) -> bool:
        """Whether it can return an attention map for every word."""
        return self.decoder.attends

    @property
    def reranks(self) -> bool:
        """Whether an aligner has a say in which sentence of a beam it tells."""
        return self.reranker is not None

    def _bind(self, wanted: Wanted) -> BatchFn[Views, Caption]:
        decoding = chosen_decoding(self.decoding, sample=wanted.sample, options=wanted.options)
        for name in ("remove_bad_endings", "no_repeat_content_words"):
            if getattr(decoding, name) and self.bundle.require_vocabulary().pieces:
                raise UsageError(f"{name}: {self.name} writes in pieces of words; leave it out")
        return partial(
            self._captions,
            decoding=decoding,
            choose=self._choose(wanted.rerank),
            grid=self.bundle.grid if wanted.attention else None,
            min_confidence=wanted.min_confidence,
            any_picture=wanted.any_picture,
            keywords=wanted.keywords,
        )

    def encode(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the features of the encoder that are read, by the decoder or by the aligner that ranks its sentences.

        Args:
            images: ``(B, 3, H, W)`` float32, preprocessed by ``bundle.preprocessing``.

        Returns:
            Those of ``pooled`` ``(B, D)`` and ``grid`` ``(B, L, D)`` that are read.
        """
        return dict(zip(self._encoded, self._encoder.run_in_parts(images, self._encoded), strict=True))

    def features(self, images: Sequence[Images]) -> dict[str, np.ndarray]:
        """Return all that is known of prepared images: what :meth:`encode` returns, and their tags by name."""
        seen = stacked(images, self.preprocessings)
        views = seen[self.bundle.preprocessing]
        if self.tagger is None:
            return {**self.encode(views), **self._colours(images)}
        at_once = len(images) == 1 and self.threads > 1
        encoded, tags = self.tagger.beside_encoder(seen, lambda: self.encode(views), at_once=at_once)
        return {**encoded, **tags.named(), **self._colours(images)}

    def _colours(self, images: Sequence[Images]) -> dict[str, np.ndarray]:
        """Return which images have colours, if the decoder wants to know."""
        if not self.decoder.reads_colours:
            return {}
        return {COLOURED: np.array([not is_greyscale(image[self.bundle.preprocessing]) for image in images])}

    def sentence(self, image: PhotoSource) -> tuple[int, ...]:
        """Return the word ids of the sentence that the model generates for an image, whatever its confidence."""
        features = self.features([self.prepare(image)])
        return self.decoder.best(features, self.decoding, choose=self._choose(self.reranks)).tokens

    def logprobs(self, images: Sequence[Views], tokens: Sequence[int]) -> np.ndarray:
        """Return the log-probability of each word of one sentence for each image.

        Args:
            images: ``N``, prepared.
            tokens: ``T`` word ids of the sentence.

        Returns:
            ``(N, T)``.
        """
        return self.rows(images, lambda batch: self.decoder.logprobs(self.features(batch), tokens))

    def attention_to(self, image: Images, tokens: Sequence[int]) -> list[np.ndarray]:
        """Return the attention to an image before each word of a sentence, ``(H, W)`` for each.

        Args:
            image: prepared.
            tokens: word ids of the sentence.
        """
        return self.decoder.attention(self.features([image]), tokens, self.bundle.grid)

    def _captions(
        self,
        images: Sequence[Images],
        sample_ids: Sequence[int],
        *,
        decoding: Decoding,
        choose: Choose,
        grid: tuple[int, int] | None,
        min_confidence: float,
        any_picture: bool,
        keywords: bool,
    ) -> list[Caption]:
        kinds = [
            no_photo(image[self.bundle.preprocessing].transpose(2, 0, 1).copy()) if self._photos_only else None
            for image in images
        ]
        blank = [kind == BLANK_PICTURE for kind in kinds]
        if any_picture:
            kinds = [kind if min_confidence and kind == BLANK_PICTURE else None for kind in kinds]
        rows = [row for row, kind in enumerate(kinds) if kind is None]
        captions: list[Caption] = []
        if rows:
            features = self.features([images[row] for row in rows])
            sample_ids = [sample_ids[row] for row in rows]
            sentences = self.decoder.captions(features, decoding, choose=choose, sample_ids=sample_ids, grid=grid)
            captions = sentences
            if self._rater is not None:
                captions = self._rater(captions, features, min_confidence=min_confidence)
                captions = [
                    replace(caption, confidence=0.0) if blank[row] else caption
                    for row, caption in zip(rows, captions, strict=True)
                ]
            if keywords and self._rater is not None:
                found = self._rater.keywords(sentences, features)
                captions = [replace(caption, keywords=each) for caption, each in zip(captions, found, strict=True)]
            elif keywords:
                captions = list(map(nouns_as_keywords, captions))
        made = iter(captions)
        none = () if keywords else None
        return [
            next(made) if kind is None else replace(withheld(f"no photo: {kind}", self.name), keywords=none)
            for kind in kinds
        ]

    def _choose(self, rerank: bool) -> Choose:
        """Return what chooses among the sentences of a beam."""
        return self.reranker if rerank and self.reranker is not None else most_probable
