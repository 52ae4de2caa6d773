"""Images and sentences in one space with models of transformers, such as CLIP and SigLIP.

>>> import seetell
>>> model = seetell.load("hf:openai/clip-vit-base-patch32", task="retrieval")
>>> model.score(model.embed_images(["photo.jpg"]), model.embed_sentences(["two dogs run on grass"]))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from seetell.language.reading import Reading
from seetell.language.tokenizer import tokenize
from seetell.runtime.backends.hub_cache import files_identity
from seetell.runtime.backends.transformers.predictor import HubLoader, HubPredictor, Prepared
from seetell.runtime.backends.transformers.source import Source
from seetell.runtime.image_stream import BatchFn
from seetell.tasks.retrieval.embedder import Embedder
from seetell.tasks.retrieval.embeddings import SENTENCE_BATCH, PhotoEmbeddings, SentenceEmbeddings

_KINDS = ("align", "altclip", "chinese_clip", "clip", "metaclip_2", "siglip", "siglip2")
"""Of transformers' models of images and texts, those that embed each without the other."""

_PADDED = ("siglip", "siglip2")
"""Kinds that were trained on sentences padded to the longest there may be."""


class HubEmbedder(HubPredictor[PhotoEmbeddings], Embedder[Prepared]):
    """An embedder of transformers; see :class:`~seetell.runtime.backends.transformers.predictor.HubPredictor`.

    Every word counts as known, since these models read pieces of words; a sentence that is longer than the model reads
    is cut.
    """

    tables = ("MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION",)
    auto_classes = ("AutoModel",)
    texts = True

    def __init__(self, source: Source, **options: Any) -> None:
        super().__init__(source, **options)
        self.identity = f"{files_identity(source.folder)} {self.model.dtype}"

    @classmethod
    def takes(cls, source: Source) -> bool:
        """Return whether it can run a model."""
        return source.model_type in _KINDS

    def bind(self) -> BatchFn[Prepared, PhotoEmbeddings]:
        """Return the function that embeds a batch; there are no options."""
        return self.batched(self._embed)

    def embed_sentences(self, texts: Iterable[str]) -> SentenceEmbeddings:
        """Embed sentences; see :meth:`Embedder.embed_sentences`."""
        texts = list(texts)
        batches = [texts[first : first + SENTENCE_BATCH] for first in range(0, len(texts), SENTENCE_BATCH)]
        whole = [self.locked(self._vectors, batch) for batch in batches]
        return SentenceEmbeddings(
            tuple(self.read(text).tokens or ("",) for text in texts),
            np.zeros((0, 0), np.float32),
            np.concatenate(whole or [np.zeros((0, 0), np.float32)]),
        )

    def read(self, text: str) -> Reading:
        """Return how a sentence is read: every word as itself."""
        tokens = tuple(tokenize(text))
        return Reading(tokens, (True,) * len(tokens), tokens, text=text)

    def _embed(self, batch: Sequence[Prepared], sample_ids: Sequence[int]) -> list[PhotoEmbeddings]:
        inputs = self.model.image_processor(images=[each.image for each in batch], return_tensors="pt")
        whole = _unit(self.model.network.get_image_features(**self.model.on_device(inputs)))
        return [PhotoEmbeddings(np.zeros((1, 0, 0), np.float32), row[None]) for row in whole]

    def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        config = getattr(self.model.network.config, "text_config", self.model.network.config)
        inputs = self.model.tokenizer(
            list(texts),
            padding="max_length" if self.source.model_type in _PADDED else True,
            truncation=True,
            max_length=getattr(config, "max_position_embeddings", None),
            return_tensors="pt",
        )
        return _unit(self.model.network.get_text_features(**self.model.on_device(inputs)))


load = HubLoader((HubEmbedder,))
"""Loads embedders."""


def _unit(features: Any) -> np.ndarray:
    """Return vectors of length 1, ``(N, H)`` float32."""
    vectors = getattr(features, "pooler_output", features).float().cpu().numpy()
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
