"""What every model offers that embeds images and sentences in one space, whatever runs it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from seetell.errors import PhotoError
from seetell.language.reading import Reading
from seetell.photos.opening import PhotoSource
from seetell.runtime.predictor import Predictor, Prepared
from seetell.tasks.retrieval.embeddings import PhotoEmbeddings, SentenceEmbeddings, score


class Embedder(Predictor[Prepared, PhotoEmbeddings]):
    """A loaded model that embeds images and sentences; see :class:`~seetell.runtime.predictor.Predictor`.

    Attributes:
        identity: a hash of all that the embedding of an image depends on, such as weights and preprocessing.
    """

    task = "retrieval"
    identity: str

    def embed_images(self, images: Iterable[PhotoSource], **options: Any) -> PhotoEmbeddings:
        """Embed images.

        Args:
            images: each a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            options: see :meth:`bind`.

        Raises:
            PhotoError: one of them cannot be used.
        """
        embedded = []
        for item in self.embed_each(images, **options):
            if isinstance(item, PhotoError):
                raise item
            embedded.append(item)
        if not embedded:
            return PhotoEmbeddings(np.zeros((0, 0, 0), np.float32), np.zeros((0, 0), np.float32))
        return PhotoEmbeddings.joined(embedded)

    def embed_each(self, images: Iterable[PhotoSource], **options: Any) -> Iterator[PhotoEmbeddings | PhotoError]:
        """Embed images one by one; see :meth:`predict_many` and :meth:`bind`."""
        return self.predict_many(images, **options)

    @abstractmethod
    def embed_sentences(self, texts: Iterable[str]) -> SentenceEmbeddings:
        """Embed sentences as :meth:`read` reads them."""

    @abstractmethod
    def read(self, text: str) -> Reading:
        """Return how a sentence is read: the words that the model knows, reads as others, or leaves out."""

    def read_query(self, text: str) -> Reading:
        """Return how a search reads a sentence; as :meth:`read` does, if it is nothing else."""
        return self.read(text)

    def score(self, images: PhotoEmbeddings, sentences: SentenceEmbeddings) -> np.ndarray:
        """Score every image with every sentence, ``(P, S)`` float32, higher is better."""
        return score(images, sentences)

    def photo_vectors(self, photos: Sequence[PhotoSource]) -> list[np.ndarray | PhotoError]:
        """Embed whole images for an index.

        Args:
            photos: paths, or images.

        Returns:
            For each a vector ``(H,)`` float32 of length 1, or the error of one that cannot be used.

        Raises:
            UsageError: the model compares words with regions only.
        """
        embedded = self.embed_each(photos)
        return [item if isinstance(item, PhotoError) else item.whole[0] for item in embedded]

    def sentence_vectors(self, sentences: Sequence[str]) -> np.ndarray:
        """Embed whole sentences for a search, ``(S, H)`` float32.

        Raises:
            UsageError: no content word of a sentence is known, or the model compares words with regions only.
        """
        for sentence in sentences:
            self.read(sentence).require_content()
        return self.embed_sentences(sentences).whole
