"""Sentences aligned with images: cut into phrases, each with its box, on ONNX Runtime.

>>> import seetell
>>> for phrase in seetell.load("align").align("photo.jpg", "two dogs run on grass").regions:
...     print(phrase.text, phrase.box)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from seetell.errors import PhotoError, UsageError
from seetell.geometry.boxes import Box, clipped, in_pixels
from seetell.language.phrases import BETA, segment_sentence
from seetell.language.reading import Reading
from seetell.language.vocabulary import detokenise
from seetell.photos.opening import PhotoSource
from seetell.photos.preprocessing import Preprocessing
from seetell.results import Alignment, Region
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.resized_images import resize_all_with_size
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import DETECTIONS, Images
from seetell.tasks.grounding.localisation import Grounding, ground_with_head, ground_zero_shot, phrase_vectors
from seetell.tasks.retrieval.embeddings import PhotoEmbeddings, SentenceEmbeddings
from seetell.tasks.retrieval.predict import BundleEmbedder

Prepared = tuple[Images, tuple[int, int], str]
"""The image prepared for each network, its width and height, and the sentence."""


class PhraseGrounder(BundlePredictor[Prepared, Alignment]):
    """A loaded model that grounds phrases; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    A bundle with a grounding head, which was trained on boxes, gives the box that the head predicts. Any other model
    that embeds words finds the rectangle of cells that fit the phrase's words.

    Attributes:
        embedder: the model that embeds images and sentences, of the same bundle.
    """

    task = "grounding"
    takes_resized = True
    text_input = "sentence"

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.embedder = BundleEmbedder(bundle, precision=precision, threads=threads)
        self._head = Graph.open(bundle, "grounding", threads=1) if "grounding" in bundle.graphs else None
        if self._head is not None:
            self._head.require(inputs=["grid", "phrases", DETECTIONS], outputs=["heat", "boxes", "overlaps"])

    def align(self, image: PhotoSource, sentence: str, *, beta: float = BETA) -> Alignment:
        """Cut a sentence into phrases and find the box of each in an image.

        Args:
            image: a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            sentence: any text; words that the model neither knows nor reads as others are not grounded.
            beta: how strongly neighbouring words stay together, see
                :func:`seetell.language.phrases.segment_sentence`.

        Raises:
            PhotoError: the image cannot be used.
            UsageError: no content word of the sentence is known, ``beta`` is negative, or the model compares whole
                images only.
        """
        self.check_text(sentence)
        return self.predict(image, sentence, beta=beta)

    def align_many(
        self,
        pairs: Iterable[tuple[PhotoSource, str]],
        *,
        batch_size: int | None = None,
        workers: int | None = None,
        beta: float = BETA,
    ) -> Iterator[Alignment | PhotoError | UsageError]:
        """Align images with sentences, given in pairs; see :meth:`predict_many` and :meth:`align`.

        Yields:
            One alignment per pair, or the error of an image that cannot be used, or of a sentence of which no content
            word is known.
        """
        return map(self._checked, self.predict_many(pairs, batch_size=batch_size, workers=workers, beta=beta))

    def _checked(self, found: Alignment | PhotoError) -> Alignment | PhotoError | UsageError:
        """Return an alignment, or the error of its sentence."""
        if isinstance(found, Alignment):
            try:
                self.check_text(found.sentence)
            except UsageError as error:
                return error
        return found

    def check_text(self, text: str) -> str:
        """Check that a sentence has a content word that the model knows; see :meth:`Predictor.check_text`."""
        if not isinstance(text, str):
            raise UsageError(f"expected a sentence, got {text!r:.80}")
        reading = self.embedder.read(text)
        reading.require_content()
        return reading.note

    @property
    def preprocessings(self) -> tuple[Preprocessing, ...]:
        """Those of :attr:`embedder`."""
        return self.embedder.preprocessings

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image; see :meth:`Predictor.prepare`."""
        return *resize_all_with_size(image, self.preprocessings), text

    def bind(self, *, beta: float | None = None) -> BatchFn[Prepared, Alignment]:
        """Return the function that aligns a batch.

        Args:
            beta: see :meth:`align`; the default when ``None``.

        Raises:
            UsageError: ``beta`` is negative, or the model compares whole images only.
        """
        beta = BETA if beta is None else beta
        segment_sentence((), np.zeros((0, 1)), beta=beta)  # refuses a beta that is not allowed
        if not self.embedder.compares_words:
            raise UsageError(f"{self.name} compares whole photos only, so it cannot tell where a word is")
        return partial(self._align, beta=beta)

    def word_scores(self, image: PhotoEmbeddings, sentences: SentenceEmbeddings) -> Sequence[np.ndarray]:
        """Score every word of every sentence with every region of one image.

        Returns:
            For each sentence ``(T, R)``.

        Raises:
            UsageError: it is not one image.
        """
        if len(image) != 1:
            raise UsageError(f"expected one photo, got {len(image)}")
        products = sentences.words @ image.regions[0].T
        return np.split(products, np.cumsum([len(tokens) for tokens in sentences.tokens])[:-1])

    def ground(
        self, image: PhotoEmbeddings, sentences: SentenceEmbeddings, spans: Sequence[tuple[int, int, int]]
    ) -> Grounding:
        """Localise phrases in one image.

        Args:
            image: one image, embedded with ``with_grid=True``.
            sentences: those that the phrases are part of.
            spans: for each phrase the index of its sentence, its first word and the word after its last, counted in
                ``sentences.tokens``.

        Raises:
            UsageError: it is not one image, its grid was not kept, a span is not in its sentence, or the model does not
                compare words.
        """
        if len(image) != 1:
            raise UsageError(f"expected one photo, got {len(image)}")
        if image.grid is None:
            raise UsageError("the photo's grid was not kept; embed it with with_grid=True")
        if not image.regions.size:
            raise UsageError(f"{self.name} compares whole photos only, so it cannot tell where a phrase is")
        phrases = phrase_vectors(sentences, spans)
        if self._head is not None:
            features = {"grid": image.grid, **(image.tags or {})}
            return ground_with_head(self._head, features, phrases, self.bundle.grid)
        means = phrases[:, : sentences.words.shape[1]]
        return ground_zero_shot(means, self.embedder.embed_cells(image), self.bundle.grid)

    def _align(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, beta: float) -> list[Alignment]:
        sentences = self.embedder.embed_sentences(text for _, _, text in batch)
        embedded = self.embedder.bind(with_grid=True)([image for image, _, _ in batch], sample_ids)
        readings = [self.embedder.read(text) for _, _, text in batch]
        return [
            Alignment(
                text,
                tuple(self._phrases(image, sentences, row, readings[row], size, beta)),
                float(self.embedder.score(image, sentences)[0, row]),
                size,
                self.name,
                readings[row].unknown_words,
                readings[row].read_as,
            )
            for row, (image, (_, size, text)) in enumerate(zip(embedded, batch, strict=True))
        ]

    def _phrases(
        self,
        image: PhotoEmbeddings,
        sentences: SentenceEmbeddings,
        row: int,
        reading: Reading,
        size: tuple[int, int],
        beta: float,
    ) -> Iterator[Region]:
        if not reading.content_words:
            return
        tokens = reading.tokens
        spans = segment_sentence(tokens, self.word_scores(image, sentences)[row], known=reading.known, beta=beta)
        found = self.ground(image, sentences, [(row, *span) for span in spans])
        boxes = _in_pixels(found.boxes, visible=self.bundle.preprocessing.visible_box(size), size=size)
        for (start, stop), box, score in zip(spans, boxes, found.scores, strict=True):
            yield Region(detokenise(tokens[start:stop]), box, float(score))


def _in_pixels(boxes: np.ndarray, *, visible: Box, size: tuple[int, int]) -> list[Box]:
    """Scale boxes normalised to [0, 1] over the visible part to pixels of the image, clipped to its edges."""
    placed = clipped(in_pixels(boxes, visible=visible), size)
    return [tuple(box) for box in placed.round(2).tolist()]
