"""Images and sentences in one space, and how well they fit, on ONNX Runtime.

>>> import seetell
>>> model = seetell.load("retrieval")
>>> model.score(model.embed_images(["photo.jpg"]), model.embed_sentences(["two dogs run on grass"]))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from seetell.errors import PhotoError, UsageError
from seetell.language.reading import Reading, read_as_detected, read_sentence
from seetell.photos.opening import PhotoSource
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.resized_images import resize_all
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import DETECTIONS, MAX_DETECTION_ROWS, MIN_DETECTION_SCORE, Images, stacked, tagger_of
from seetell.tasks.retrieval.embedder import Embedder
from seetell.tasks.retrieval.embeddings import PhotoEmbeddings, SentenceEmbeddings, embed_features, embed_tokens

_ENCODED = ("pooled", "grid")

CAPTION_WORDS = 5
"""Content words from which on the encoder of sentences is trusted as much as ever in searches: those of a caption."""

TRUST = 2 / 3
"""Weight of that encoder in searches, where evidence of words counts more than in scores: photos are of all kinds."""


class BundleEmbedder(BundlePredictor[Images, PhotoEmbeddings], Embedder[Images]):
    """An embedder of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        max_words: longer sentences are cut.
        identity: a hash of all that the embedding of an image depends on: graphs, vocabulary and preprocessing.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.max_words = bundle.setting("max_words", int)
        self.identity = _identity(bundle, precision)
        self._vocabulary = bundle.require_vocabulary()
        self._evidence = bundle.setting("word_evidence", int) if "word_evidence" in bundle.settings else 0
        self.tagger = tagger_of(bundle, threads=1, min_score=MIN_DETECTION_SCORE, max_detections=MAX_DETECTION_ROWS)
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=1)
        self._images = Graph.open(bundle, "image_embedding", threads=1)
        self._sentences = Graph.open(bundle, "sentence_embedding", threads=self.threads)
        self._encoder.require(inputs=["images"], outputs=["pooled", "grid"])
        tags = [] if self.tagger is None else [*self.tagger.outputs, DETECTIONS]
        self._images.require(inputs=["pooled", "grid", *tags], outputs=[])
        outputs = ["words" if name == "regions" else name for name in self._images.outputs]
        self._sentences.require(inputs=["tokens", "lengths"], outputs=outputs)

    @property
    def compares_words(self) -> bool:
        """Whether it compares words with regions, so that it can tell where in an image a word is."""
        return "regions" in self._images.outputs

    def prepare(self, image: PhotoSource, text: str = "") -> Images:
        """Open an image and prepare it for each of :attr:`preprocessings`; see :meth:`Predictor.prepare`."""
        return resize_all(image, self.preprocessings)

    def bind(self, *, with_grid: bool = False) -> BatchFn[Images, PhotoEmbeddings]:
        """Return the function that embeds a batch.

        Args:
            with_grid: keep the encoder's grid and the tags, which phrase grounding needs: some hundred kilobytes per
                image.
        """
        return partial(self._embed, with_grid=with_grid)

    def embed_sentences(self, texts: Iterable[str]) -> SentenceEmbeddings:
        """Embed sentences as :meth:`read` reads them; what is left out counts as the unknown word, as does no word."""
        return self._embed_readings([self.read(text) for text in texts])

    def read(self, text: str) -> Reading:
        """Return how a sentence is read: the words that the model knows, reads as others, or leaves out."""
        return read_sentence(text, self._vocabulary, max_words=self.max_words)

    def read_query(self, text: str) -> Reading:
        """Return how a search reads a sentence: as :meth:`read`, and words without a detector as their object class."""
        reading = self.read(text)
        if not self._evidence or self.tagger is None:
            return reading
        return read_as_detected(reading, frozenset(self.tagger.words))

    def photo_vectors(self, photos: Sequence[PhotoSource]) -> list[np.ndarray | PhotoError]:
        """Embed whole images for an index; see :meth:`Embedder.photo_vectors`."""
        self._require_global_embedding()
        return super().photo_vectors(photos)

    def sentence_vectors(self, sentences: Sequence[str]) -> np.ndarray:
        """Embed whole sentences for a search, ``(S, H)`` float32.

        Where vectors hold evidence of detected words, it counts more than in :meth:`score`, and the most for one or
        two words, of which an encoder that was trained on captions says little; it is that of the words of
        :meth:`read_query`.

        Raises:
            UsageError: no content word of a sentence is known, or the model compares words with regions only.
        """
        self._require_global_embedding()
        readings = [self.read(sentence) for sentence in sentences]
        for reading in readings:
            reading.require_content()
        vectors = self._embed_readings(readings).whole
        if self._evidence:
            words = np.array([len(reading.content_words) for reading in readings], np.float32)
            trust = TRUST * np.minimum(1, words / CAPTION_WORDS)
            evidence = self._embed_readings([self.read_query(sentence) for sentence in sentences]).whole
            vectors = np.concatenate(
                [trust[:, None] * vectors[:, : -self._evidence], evidence[:, -self._evidence :]], axis=1
            )
        return vectors

    def embed_cells(self, image: PhotoEmbeddings) -> np.ndarray:
        """Embed each cell of an image's grid as if it were a region, ``(L, H)``.

        Args:
            image: one image, embedded with its grid.
        """
        assert image.grid is not None
        (grid,), tags = image.grid, image.tags or {}
        features = {"pooled": grid, "grid": np.broadcast_to(grid[:, None], (len(grid), *grid.shape))}
        features |= {name: np.repeat(found, len(grid), axis=0) for name, found in tags.items()}
        window = 1 if tags else 0  # tags belong to the first region, the whole image
        return embed_features(self._images, features).regions[:, window]

    def _embed(self, images: Sequence[Images], sample_ids: Sequence[int], *, with_grid: bool) -> list[PhotoEmbeddings]:
        batch = stacked(images, self.preprocessings)
        if self.tagger is None:
            encoded, tags = self._encode(batch), None
        else:
            at_once = len(images) == 1 and self.threads > 1
            encoded, found = self.tagger.beside_encoder(batch, lambda: self._encode(batch), at_once=at_once)
            tags = found.named()
        embedded = embed_features(self._images, {**encoded, **(tags or {})})
        embedded = replace(embedded, grid=encoded["grid"], tags=tags) if with_grid else embedded
        return [embedded[row : row + 1] for row in range(len(images))]

    def _encode(self, batch: Images) -> dict[str, np.ndarray]:
        features = self._encoder.run_in_parts(batch[self.bundle.preprocessing], _ENCODED)
        return dict(zip(_ENCODED, features, strict=True))

    def _embed_readings(self, readings: Sequence[Reading]) -> SentenceEmbeddings:
        embedded = embed_tokens(self._sentences, [self._vocabulary.encode(reading.words) for reading in readings])
        return replace(embedded, tokens=tuple(reading.tokens or ("",) for reading in readings))

    def _require_global_embedding(self) -> None:
        if "whole" not in self._images.outputs:
            raise UsageError(
                f"{self.name} compares words with regions only, which an index does not hold; "
                "expected a model such as 'flickr8k-align'"
            )


def _identity(bundle: Bundle, precision: str | None) -> str:
    others = {
        file.name for name, graph in bundle.graphs.items() if name == "grounding" for file in graph.files.values()
    }
    files = {name: digest for name, digest in bundle.description["files"].items() if name not in others}
    shared = bundle.description.get("shared")
    parts = [files, shared, bundle.description["preprocessing"], bundle.graph("encoder", precision).name]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
