"""How well sentences fit photos, and which words are true of which region, on ONNX Runtime.

>>> import seetell
>>> model = seetell.load("align")
>>> model.score(model.embed_images(["photo.jpg"]), model.embed_sentences(["two dogs run on grass"]))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from seetell.errors import PhotoError, UsageError
from seetell.language.phrases import BETA
from seetell.language.tokenizer import tokenize
from seetell.photos.opening import PhotoSource
from seetell.results import Alignment
from seetell.runtime.photo_stream import prepared, stream
from seetell.runtime.sessions import Graph
from seetell.runtime.threads import computing_threads
from seetell.tasks.grounding.localisation import Grounding, ground_by_boxes, ground_by_words
from seetell.tasks.grounding.predict import align_pairs
from seetell.tasks.retrieval.bundle import AlignmentBundle
from seetell.tasks.retrieval.embeddings import (
    PhotoEmbeddings,
    SentenceEmbeddings,
    embed_features,
    embed_tokens,
    phrase_words,
    score,
)

PHOTO_BATCH = 16


class Aligner:
    """A loaded aligner.

    Args:
        bundle: the model.
        precision: ``int8`` or ``fp32`` for the encoder; the bundle's own choice when absent.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: ``precision`` or ``threads`` is not possible.
        BundleError: a graph is damaged.
    """

    def __init__(self, bundle: AlignmentBundle, *, precision: str | None = None, threads: int | None = None) -> None:
        self.bundle = bundle
        self.threads = computing_threads(threads)
        self._encoder_file = bundle.encoder(precision)
        self._encoder = Graph(self._encoder_file, threads=self.threads)
        self._photos = Graph(bundle.photos, threads=self.threads)
        self._sentences = Graph(bundle.sentences, threads=self.threads)
        self._grounding = None if bundle.grounding is None else Graph(bundle.grounding, threads=self.threads)
        self._encoder.require(inputs=["images"], outputs=["pooled", "grid"])
        self._photos.require(inputs=["pooled", "grid"], outputs=[])
        outputs = [("words" if name == "regions" else name) for name in self._photos.outputs]
        self._sentences.require(inputs=["tokens", "lengths"], outputs=outputs)

        if self._grounding is not None:
            self._grounding.require(inputs=["grid", "phrases"], outputs=["heat", "boxes", "overlaps"])

    @property
    def name(self) -> str:
        """The bundle's name."""
        return self.bundle.name

    @property
    def identity(self) -> str:
        """A hash of all that embeddings depend on: graphs, encoder, words and preprocessing."""
        parts = {
            key: self.bundle.description[key] for key in ("files", "encoder", "preprocessing", "vocabulary_sha256")
        }
        if self.bundle.grounding is not None:
            files = parts["files"].items()
            parts["files"] = {file: digest for file, digest in files if file != self.bundle.grounding.name}
        return hashlib.sha256(json.dumps([parts, self._encoder_file.name], sort_keys=True).encode()).hexdigest()

    def embed_images(self, photos: Iterable[PhotoSource], *, with_grid: bool = False) -> PhotoEmbeddings:
        """Embed photos.

        Args:
            photos: each a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            with_grid: keep what :meth:`ground` needs, some hundred kilobytes a photo.

        Raises:
            PhotoError: one of them cannot be used.
        """
        embedded = []
        for item in self.embed_each(photos, with_grid=with_grid):
            if isinstance(item, PhotoError):
                raise item
            embedded.append(item)
        if not embedded:
            return PhotoEmbeddings(np.zeros((0, 0, 0), np.float32), np.zeros((0, 0), np.float32))
        grids = [one.grid for one in embedded if one.grid is not None]
        return PhotoEmbeddings(
            np.concatenate([one.regions for one in embedded]),
            np.concatenate([one.whole for one in embedded]),
            np.concatenate(grids) if grids else None,
        )

    def embed_each(
        self, photos: Iterable[PhotoSource], *, with_grid: bool = False
    ) -> Iterator[PhotoEmbeddings | PhotoError]:
        """Embed photos one by one.

        Args:
            photos: see :meth:`embed_images`.
            with_grid: see :meth:`embed_images`.

        Yields:
            The embedding of each photo, or the error of one that cannot be used.
        """
        work = partial(self._embedded, with_grid=with_grid)
        return stream(iter(photos), self._prepared, work, batch_size=PHOTO_BATCH, workers=self.threads)

    def _embedded(
        self, images: Sequence[np.ndarray], numbers: Sequence[int], *, with_grid: bool
    ) -> list[PhotoEmbeddings]:
        """Embed a batch of prepared photos."""
        pooled, grid = self._encoder.run({"images": np.stack(images)}, ["pooled", "grid"])
        embedded = embed_features(self._photos, {"pooled": pooled, "grid": grid})
        embedded = replace(embedded, grid=grid) if with_grid else embedded
        return [embedded[row : row + 1] for row in range(len(images))]

    def embed_sentences(self, texts: Iterable[str]) -> SentenceEmbeddings:
        """Embed sentences; a word it does not know counts as an unknown one, and so does a sentence without words."""
        said = [tuple(tokenize(text)[: self.bundle.max_words]) or ("",) for text in texts]
        embedded = embed_tokens(self._sentences, [self.bundle.vocabulary.encode(tokens) for tokens in said])
        return replace(embedded, tokens=tuple(said))

    def photo_vectors(self, photos: Sequence[str]) -> list[np.ndarray | PhotoError]:
        """Embed whole photos for an index, see :class:`seetell.search.embedder.Embedder`."""
        self._require_wholes()
        embedded = self.embed_each(photos)
        return [photo if isinstance(photo, PhotoError) else photo.whole[0] for photo in embedded]

    def sentence_vectors(self, sentences: Sequence[str]) -> np.ndarray:
        """Embed whole sentences for a search, ``(S, H)`` float32."""
        self._require_wholes()
        return self.embed_sentences(sentences).whole

    def _require_wholes(self) -> None:
        if "whole" not in self._photos.outputs:
            raise UsageError(
                f"{self.name} compares words with regions only, which an index does not hold; "
                "expected a model such as 'align'"
            )

    def score(self, images: PhotoEmbeddings, sentences: SentenceEmbeddings) -> np.ndarray:
        """Tell how well each sentence fits each photo, ``(P, S)`` float32, higher is better."""
        return score(images, sentences)

    def word_scores(self, image: PhotoEmbeddings, sentences: SentenceEmbeddings) -> Sequence[np.ndarray]:
        """Score each word of each sentence with each region of one photo, ``(T, R)`` for each sentence."""
        if len(image) != 1:
            raise UsageError(f"expected one photo, got {len(image)}")
        products = sentences.words @ image.regions[0].T
        return np.split(products, np.cumsum([len(tokens) for tokens in sentences.tokens])[:-1])

    def align(self, photo: PhotoSource, sentence: str, *, beta: float = BETA) -> Alignment:
        """Cut a sentence into segments and find the part of a photo that each speaks of.

        Args:
            photo: see :meth:`embed_images`.
            sentence: what is said of it.
            beta: how much neighbouring words keep together, see :func:`seetell.language.phrases.segment_sentence`.

        Raises:
            PhotoError: the photo cannot be used.
            UsageError: ``beta`` is negative, or the aligner compares whole photos only.
        """
        (result,) = self.align_many([(photo, sentence)], beta=beta)
        if isinstance(result, PhotoError):
            raise result
        return result

    def align_many(
        self, pairs: Iterable[tuple[PhotoSource, str]], *, beta: float = BETA
    ) -> Iterator[Alignment | PhotoError]:
        """Align photos with sentences, see :meth:`align`.

        Args:
            pairs: each a photo and its sentence.
            beta: see :meth:`align`.

        Yields:
            The alignment of each pair, or the error of a photo that cannot be used.
        """
        if "regions" not in self._photos.outputs:
            raise UsageError(f"{self.name} compares whole photos only, so it cannot tell where a word is")
        return align_pairs(self, pairs, beta=beta)

    def ground(
        self, image: PhotoEmbeddings, sentences: SentenceEmbeddings, spans: Sequence[tuple[int, int, int]]
    ) -> Grounding:
        """Find in one photo what phrases of sentences mean.

        An aligner that has learnt from boxes gives the box that it learnt to give; another looks for the rectangle
        whose cells suit the phrase's words.

        Args:
            image: of one photo, embedded with ``with_grid=True``.
            sentences: whose words the phrases are.
            spans: of each phrase the sentence, its first word and the word after its last, counted in
                ``sentences.tokens``.

        Raises:
            UsageError: it is not one photo, its grid was not kept, a span is not in its sentence, or the aligner does
                not compare words.
        """
        if len(image) != 1:
            raise UsageError(f"expected one photo, got {len(image)}")
        if image.grid is None:
            raise UsageError("the photo's grid was not kept; embed it with with_grid=True")
        if not image.regions.size:
            raise UsageError(f"{self.name} compares whole photos only, so it cannot tell where a phrase is")
        phrases = phrase_words(sentences, spans)
        if self._grounding is not None:
            return ground_by_boxes(self._grounding, image.grid, phrases, self.bundle.grid)
        means = phrases[:, : sentences.words.shape[1]]
        return ground_by_words(means, self._cells(image.grid[0]), self.bundle.grid)

    def _cells(self, grid: np.ndarray) -> np.ndarray:
        """Embed each cell of a grid ``(L, D)`` as if it were a whole photo, ``(L, H)``."""
        spread = np.broadcast_to(grid, (len(grid), *grid.shape))
        return embed_features(self._photos, {"pooled": grid, "grid": spread}).regions[:, 0]

    def _prepared(self, photo: PhotoSource) -> np.ndarray:
        """Return the encoder's input, ``(3, H, W)`` float32."""
        return prepared(photo, self.bundle.preprocessing)
